//! `announcements` in `center.yaml`: what callers are told while it holds.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::tz::TimeZone;

use crate::base::Name;
use crate::flow::announcement::Announcement;
use crate::flow::diagnostic::Severity;
use crate::flow::hours;
use crate::flow::read::Reader;
use crate::flow::read::yaml::Yaml;
use crate::flow::validity::Lapse;

/// `outage: { play: announcement/outage, on: yes, until: 2026-12-01 18:00 }`, and what is to be said once they are over.
pub(super) fn announcements(
    yaml: &Yaml,
    zone: &TimeZone,
    reader: &mut Reader<'_>,
) -> (BTreeMap<Name, Arc<Announcement>>, Vec<Lapse>) {
    let mut lapses = Vec::new();
    let announcements = reader.entries(yaml, "announcements", |key, fields, reader| {
        let prompts = fields.must_hear(reader, "play");
        let on = fields.truth(reader, "on", false);
        let until = fields.optional("until").and_then(|yaml| hours::moment(yaml, zone, reader));
        if on && until.is_none() {
            let hint = "add \"until: 2026-12-24 18:00\": what is forgotten ends by itself";
            reader.error_hint(key.place, "an announcement that is on says until when", hint);
        }
        let until = until.filter(|_| on);
        lapses.extend(until.map(|at| {
            let message = format!("the announcement \"{}\" is over: nobody hears it", key.text);
            let hint = "say until when it holds now, or \"on: no\"".to_owned();
            Lapse { at, warning: reader.diagnostic(Severity::Warning, key.place, message, Some(hint)) }
        }));
        let announcement = Announcement { prompts, until, switched: None };
        Some((Name::from(key.text.as_str()), Arc::new(announcement)))
    });
    (announcements.into_iter().collect(), lapses)
}
