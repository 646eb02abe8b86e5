//! Announcements are switched over what the files say, until a time: kept over a restart, and heard by calls that begin
//! from then on.

use std::time::Duration;

use super::Did;
use super::Edition;
use super::Entry;
use super::Name;
use super::PublishError;
use super::Publisher;
use super::Switched;
use super::Work;
use super::error;
use super::info;
use super::load;
use super::locked;
use super::now;
use crate::base::WallTime;
use crate::flow::Center;
use crate::flow::announcement::Wish;
use crate::flow::announcement::Words;
use crate::server::zone_of;
use crate::store::story::moment;

/// The longest that one is on: what is forgotten ends by itself.
const LONGEST: Duration = Duration::from_secs(31 * 24 * 3_600);

impl Publisher {
    /// Switches an announcement on for so long, from now on, saying this.
    pub fn announce(
        &self,
        name: &str,
        lasts: Duration,
        words: Words,
        by: &str,
        why: &str,
    ) -> Result<Entry, PublishError> {
        if lasts.is_zero() || lasts > LONGEST {
            return Err(PublishError::AnnouncementTime);
        }
        let at = now();
        self.switch(name, Wish::On { until: at + lasts, words }, at, (by, why))
    }

    /// Switches an announcement off, also where the files have it on.
    pub fn silence(&self, name: &str, by: &str, why: &str) -> Result<Entry, PublishError> {
        self.switch(name, Wish::Off, now(), (by, why))
    }

    fn switch(
        &self,
        name: &str,
        wish: Wish,
        at: WallTime,
        (by, why): (&str, &str),
    ) -> Result<Entry, PublishError> {
        let mut work = locked(&self.work);
        let by_file = work.all.center.announcements.get(name).and_then(|known| known.until);
        let before = work.switched.clone();
        // What is over is as the files say: it need not be kept.
        let holds = |switched: &Switched| match &switched.wish {
            Wish::On { until, .. } => *until > at,
            Wish::Off => true,
        };
        work.switched.retain(|switched| *switched.name != *name && holds(switched));
        let (by, why) = (by.to_owned(), why.to_owned());
        let switched = Switched { name: Name::from(name), wish, at, by, why };
        if switched.wish != Wish::Off || by_file.is_some_and(|until| until > at) {
            work.switched.push(switched.clone());
        }
        let done = self.serve_again(&mut work, name);
        if let Err(error) = done {
            work.switched = before;
            return Err(error);
        }
        // It is heard already: what cannot be kept is told, and stops nobody.
        if let Err(error) = self.versions.keep_switched(&work.switched) {
            error!(%error, "how announcements are switched would not outlive a restart");
        }
        locked(&self.status).switched = work.switched.clone();
        let entry = Entry {
            at,
            did: Did::Announce,
            version: work.all.version.clone(),
            before: None,
            folder: None,
            by: switched.by.clone(),
            why: switched.why.clone(),
            changes: vec![in_words(&switched, &work.all.center, at)],
            audience: None,
        };
        info!(announcement = name, by = %entry.by, "an announcement was switched");
        self.record(&entry);
        Ok(entry)
    }

    /// Has calls from now on served with the same versions, and announcements as they are switched now.
    fn serve_again(&self, work: &mut Work, name: &str) -> Result<(), PublishError> {
        let files = work.files.clone();
        let loaded = self.load(work, &files)?;
        // What cannot be switched was not: whoever asked for it is told, and the log has nothing to say of it.
        if let Some((_, error)) = loaded.not_switched.iter().find(|(refused, _)| **refused == *name) {
            return Err(error.clone().into());
        }
        if !loaded.center.announcements.contains_key(name) {
            return Err(loaded.center.unknown_announcement(name).into());
        }
        let (center, library) = Publisher::without_restart(work, loaded)?;
        let tried = match &work.trying {
            Some(trying) => {
                let files = load::flow_files(&self.versions.place(&trying.trial.version))?;
                let version = trying.trial.version.clone();
                let (center, library) = self.read(work, &files)?;
                Some(Edition { version, center, library })
            }
            None => None,
        };
        let all = Edition { version: work.all.version.clone(), center, library };
        if let Some((trying, edition)) = work.trying.as_mut().zip(tried) {
            trying.edition = edition;
        }
        self.serve(work, &all)?;
        locked(&self.status).center = std::sync::Arc::clone(&all.center);
        work.all = all;
        Ok(())
    }
}

/// `announcement "outage" is on until 2026-11-26 18:00:00 CET: "…"`
fn in_words(switched: &Switched, center: &Center, now: WallTime) -> String {
    let name = &switched.name;
    let heard =
        center.announcements.get(name).map(|known| known.in_words(now).join(", ")).unwrap_or_default();
    match &switched.wish {
        Wish::On { until, .. } => {
            let until = moment(*until, &zone_of(center));
            format!("announcement \"{name}\" is on until {until}: {heard}")
        }
        Wish::Off => format!("announcement \"{name}\" is off"),
    }
}
