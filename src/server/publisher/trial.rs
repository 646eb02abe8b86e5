//! A version that is tried on some callers: it begins, outlives a restart, and is served to all or to nobody in the end.

use std::io;
use std::path::Component;
use std::path::Path;

use tracing::error;
use tracing::info;
use tracing::warn;

use super::Arc;
use super::Center;
use super::Did;
use super::Edition;
use super::Entry;
use super::LoadError;
use super::Loaded;
use super::Name;
use super::PublishError;
use super::Publisher;
use super::SpeechCache;
use super::Switched;
use super::Texts;
use super::Trial;
use super::Versions;
use super::Work;
use super::differences;
use super::load;
use super::locked;
use super::name_of;
use super::now;
use crate::server::canary::Audience;
use crate::server::canary::Canary;

/// What is tried.
pub(super) struct Trying {
    pub(super) trial: Trial,
    pub(super) edition: Edition,
}

impl Trying {
    /// What was tried when the server stopped, where it still can be; else the log says why not, and nobody meets it.
    pub(super) fn resumed(
        versions: &Versions,
        all: &Name,
        loaded: &Loaded,
        speech: &SpeechCache,
        switched: &[Switched],
    ) -> io::Result<Option<Trying>> {
        let Some(trial) = versions.trial()? else { return Ok(None) };
        let place = versions.place(&trial.version);
        let read = || -> Result<Edition, PublishError> {
            let files = load::flow_files(&place)?;
            let roster = loaded.center.engine.roster_names();
            let tried = load::center(&files, Arc::clone(&loaded.recordings), speech, switched, &roster)?;
            let stuck = loaded.center.needs_restart(&tried.center);
            if !stuck.is_empty() {
                return Err(PublishError::NeedsRestart(stuck));
            }
            // Nobody but those whom all callers' center knows has a place of their own.
            if tried.center.engine.agents.len() > loaded.center.engine.agents.len() {
                same_for_all(&loaded.center, &tried.center)?;
            }
            let (center, library) = (Arc::new(tried.center), tried.library);
            Ok(Edition { version: trial.version.clone(), center, library })
        };
        if trial.version == *all {
            versions.keep_trial(None)?;
            return Ok(None);
        }
        match read() {
            Ok(edition) => Ok(Some(Trying { trial, edition })),
            Err(error) => {
                warn!(version = %trial.version, "what was tried cannot be served any more: {error}");
                versions.keep_trial(None)?;
                let why = format!("it cannot be served any more: {error}");
                versions.record(&ended(&trial, "the server", &why))?;
                Ok(None)
            }
        }
    }

    pub(super) fn canary(&self) -> Canary {
        let Trial { audience, began, .. } = &self.trial;
        Canary { edition: self.edition.clone(), audience: audience.clone(), began: *began }
    }

    pub(super) fn ended(&self, by: &str, why: &str) -> Entry {
        ended(&self.trial, by, why)
    }
}

fn ended(trial: &Trial, by: &str, why: &str) -> Entry {
    Entry {
        at: now(),
        did: Did::CanaryEnded,
        version: trial.version.clone(),
        before: None,
        folder: None,
        by: by.to_owned(),
        why: why.to_owned(),
        changes: Vec::new(),
        audience: Some(trial.audience.to_string()),
    }
}

impl Publisher {
    /// Serves these files, or those of the folder of flows, to `audience` alone, in place of what was tried before. A
    /// version that is tried already gets this audience, and its outcomes are counted on.
    pub fn try_on(
        &self,
        files: Option<Texts>,
        audience: Audience,
        by: &str,
        why: &str,
    ) -> Result<Entry, PublishError> {
        let mut work = locked(&self.work);
        let (shown, files) = match files {
            Some(sent) => {
                let files = flows_among(&sent)?;
                (files.clone(), files)
            }
            None => (self.flows.files()?, self.flows.texts()?),
        };
        let version = name_of(&files);
        if version == work.all.version {
            return Err(PublishError::ServedAlready(version));
        }
        let (center, library) = self.read(&mut work, &shown)?;
        same_for_all(&work.all.center, &center)?;
        audience.fits(&center)?;
        self.versions.keep(&files)?;
        let began = work.trying.as_ref().filter(|trying| trying.trial.version == version);
        let began = began.map_or_else(now, |trying| trying.trial.began);
        let (by, why) = (by.to_owned(), why.to_owned());
        let trial = Trial { version: version.clone(), audience, began, by, why };
        self.versions.keep_trial(Some(&trial))?;
        let entry = Entry {
            at: now(),
            did: Did::Canary,
            version: version.clone(),
            before: Some(work.all.version.clone()),
            folder: None,
            by: trial.by.clone(),
            why: trial.why.clone(),
            changes: differences(&work.files, &files),
            audience: Some(trial.audience.to_string()),
        };
        let edition = Edition { version, center, library };
        let before = work.trying.replace(Trying { trial, edition });
        let all = work.all.clone();
        if let Err(error) = self.serve(&work, &all) {
            self.versions.keep_trial(before.as_ref().map(|trying| &trying.trial))?;
            work.trying = before;
            return Err(error);
        }
        info!(version = %entry.version, by = %entry.by, audience = entry.audience, "these flows are tried on some");
        self.record(&entry);
        Ok(entry)
    }

    /// Serves what is tried to all.
    pub fn promote(&self, by: &str, why: &str) -> Result<Entry, PublishError> {
        let mut work = locked(&self.work);
        let tried = work.trying.as_ref().map(|trying| trying.trial.version.clone());
        let version = tried.ok_or(PublishError::NothingTried)?;
        self.serve_version(&mut work, &version, Did::Promote, by, why)
    }

    /// Serves to all what all others got.
    pub(super) fn end_trial(&self, work: &mut Work, by: &str, why: &str) -> Result<Entry, PublishError> {
        let trying = work.trying.take().ok_or(PublishError::NothingTried)?;
        let all = work.all.clone();
        if let Err(error) = self.serve(work, &all) {
            work.trying = Some(trying);
            return Err(error);
        }
        self.forget_trial();
        let entry = trying.ended(by, why);
        info!(version = %entry.version, by = %entry.by, "these flows are tried on nobody any more");
        self.record(&entry);
        Ok(entry)
    }

    /// Nobody meets it any more: a file that cannot be removed is told, and stops nobody.
    pub(super) fn forget_trial(&self) {
        if let Err(error) = self.versions.keep_trial(None) {
            error!(%error, "what is tried no more would be tried again after a restart");
        }
    }
}

/// Agents and trunks are the same for all callers: files that have others than are served are not tried on some, nor served to all
/// because they were, for whoever tried them did not mean those.
pub(super) fn same_for_all(served: &Center, tried: &Center) -> Result<(), PublishError> {
    let mut others = served.other_agents(tried);
    others.extend(served.other_trunks(tried));
    if others.is_empty() { Ok(()) } else { Err(PublishError::Others(others)) }
}

/// The flow files of what somebody sent, by their names, without those of tests.
fn flows_among(files: &Texts) -> Result<Texts, PublishError> {
    let plain = |path: &Path| path.components().all(|part| matches!(part, Component::Normal(_)));
    let is_yaml = |path: &Path| path.extension().is_some_and(|ending| ending == "yaml");
    let wrong = files
        .iter()
        .find(|(name, _)| name.is_empty() || !plain(Path::new(name)) || !is_yaml(Path::new(name)));
    if let Some((name, _)) = wrong {
        return Err(PublishError::FileName(name.clone()));
    }
    let flows = files.iter().filter(|(name, _)| !Path::new(name).starts_with(load::TESTS)).cloned();
    let flows: Texts = flows.collect();
    if flows.is_empty() {
        return Err(LoadError::NoFlows(Path::new("what was sent").to_owned()).into());
    }
    Ok(flows)
}
