//! `/api/v1/announcements`: what the center can tell every caller for a while, and how that is switched.

use std::collections::BTreeMap;
use std::time::Duration;

use axum::Json;
use axum::extract::Path;
use axum::extract::State;
use axum::extract::rejection::JsonRejection;
use axum::http::StatusCode;
use serde::Deserialize;
use serde::Serialize;

use crate::api::ApiState;
use crate::api::flows::ChangeView;
use crate::api::flows::blocking;
use crate::api::flows::who_says;
use crate::api::now;
use crate::api::problem::Problem;
use crate::api::session::Actor;
use crate::base::Name;
use crate::flow::announcement::Wish;
use crate::flow::announcement::Words;
use crate::server::versions::Switched;
use crate::server::zone_of;
use crate::store::Role;
use crate::store::view::rfc3339;

/// Every announcement.
#[derive(Debug, Serialize)]
pub(super) struct AnnouncementList {
    /// By which clock the center goes; null where it has no name.
    time_zone: Option<String>,
    announcements: Vec<AnnouncementView>,
}

/// An announcement.
#[derive(Debug, Serialize)]
pub(super) struct AnnouncementView {
    name: String,
    /// Null while it is off.
    on_until: Option<String>,
    /// What callers hear, or would hear: recordings, and texts between quotation marks.
    says: Vec<String>,
    /// Who switched it over what the files say; null where nobody did.
    switched: Option<SwitchedView>,
}

/// How it was switched.
#[derive(Debug, Serialize)]
pub(super) struct SwitchedView {
    at: String,
    by: String,
    why: String,
    /// Null where it was switched off.
    until: Option<String>,
}

impl From<&Switched> for SwitchedView {
    fn from(switched: &Switched) -> SwitchedView {
        let until = match &switched.wish {
            Wish::On { until, .. } => Some(rfc3339(*until)),
            Wish::Off => None,
        };
        SwitchedView { at: rfc3339(switched.at), by: switched.by.clone(), why: switched.why.clone(), until }
    }
}

/// What it is to be, who wants it, and why.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WantedAnnouncement {
    why: String,
    #[serde(default)]
    by: Option<String>,
    /// On for so many seconds from now; off when absent.
    #[serde(default)]
    for_s: Option<u64>,
    /// What is said then: a text, or one in each language of the center.
    #[serde(default)]
    say: Option<Said>,
    /// Or which recording is played. Without either, what the files say.
    #[serde(default)]
    prompt: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Said {
    Text(String),
    ByLanguage(BTreeMap<String, String>),
}

impl WantedAnnouncement {
    fn words(&mut self) -> Result<Words, Problem> {
        let texts = match (self.say.take(), self.prompt.take()) {
            (None, None) => return Ok(Words::OfFile),
            (None, Some(prompt)) => return Ok(Words::Prompt(Name::from(prompt))),
            (Some(Said::Text(text)), None) => BTreeMap::from([(Name::default(), text)]),
            (Some(Said::ByLanguage(texts)), None) => {
                texts.into_iter().map(|(language, text)| (Name::from(language), text)).collect()
            }
            (Some(_), Some(_)) => {
                let (status, what) =
                    (StatusCode::UNPROCESSABLE_ENTITY, "both a text and a recording are given");
                return Err(Problem::new(status, what, "send `say` or `prompt`"));
            }
        };
        Ok(Words::Text(texts))
    }
}

/// `GET /api/v1/announcements`
pub(super) async fn list(State(state): State<ApiState>) -> Result<Json<AnnouncementList>, Problem> {
    let (status, now) = (state.publisher()?.status(), now());
    let one = |(name, known): (&Name, &std::sync::Arc<crate::flow::announcement::Announcement>)| {
        let holds = |switched: &&Switched| match &switched.wish {
            Wish::On { until, .. } => *until > now,
            Wish::Off => true,
        };
        let switched = status.switched.iter().find(|switched| switched.name == *name).filter(holds);
        AnnouncementView {
            name: name.to_string(),
            on_until: known.on_until(now).map(rfc3339),
            says: known.in_words(now),
            switched: switched.map(SwitchedView::from),
        }
    };
    let announcements = status.center.announcements.iter().map(one).collect();
    let time_zone = zone_of(&status.center).iana_name().map(str::to_owned);
    Ok(Json(AnnouncementList { time_zone, announcements }))
}

/// `PUT /api/v1/announcements/{id}`
pub(super) async fn switch(
    State(state): State<ApiState>,
    actor: Actor,
    Path(name): Path<String>,
    wanted: Result<Json<WantedAnnouncement>, JsonRejection>,
) -> Result<Json<ChangeView>, Problem> {
    let Json(mut wanted) = wanted?;
    // An outage comes at night: whoever runs the floor may say so.
    let may = |role| matches!(role, Role::Admin | Role::Supervisor);
    let by = who_says(&actor, may, wanted.by.take(), &wanted.why)?;
    let (publisher, words) = (state.publisher()?, wanted.words()?);
    let entry = blocking(move || match wanted.for_s {
        Some(seconds) => publisher.announce(&name, Duration::from_secs(seconds), words, &by, &wanted.why),
        None => publisher.silence(&name, &by, &wanted.why),
    });
    Ok(Json(entry.await?.into()))
}
