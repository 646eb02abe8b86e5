//! What `center.yaml` says about agents who do not take a call: how long they are not ready.

use std::time::Duration;

use crate::flow::fields::Fields;
use crate::flow::read::Reader;
use crate::flow::yaml::Yaml;
use crate::queue::api::Misses;

/// What stands for no time: the agent says when.
const UNTIL_READY: &str = "until ready";

/// `after_miss: { no_answer: until ready, declined: 10s, busy: 60s, unreachable: until ready }`, of a queue.
pub(crate) fn misses(fields: &mut Fields<'_>, reader: &mut Reader<'_>) -> Misses {
    let usual = Misses::default();
    let own = fields.optional("after_miss").and_then(|yaml| reader.fields(yaml, "after_miss"));
    let Some(mut own) = own else { return usual };
    let mut time = |key, usual| match own.optional(key) {
        Some(yaml) => pause(yaml, reader).unwrap_or(usual),
        None => usual,
    };
    let misses = Misses {
        no_answer: time("no_answer", usual.no_answer),
        declined: time("declined", usual.declined),
        busy: time("busy", usual.busy),
        unreachable: time("unreachable", usual.unreachable),
    };
    own.finish(reader);
    misses
}

/// A time, or `until ready`; none if it is neither, which is reported.
fn pause(yaml: &Yaml, reader: &mut Reader<'_>) -> Option<Option<Duration>> {
    let text = reader.text(yaml, "a time, or: until ready")?;
    if text.text == UNTIL_READY {
        return Some(None);
    }
    let time = reader.duration_of(text.place, &text.text)?;
    if time < Misses::LEAST {
        let message = format!("an agent is left alone for 1s at least, got {}", text.text);
        reader.error_hint(text.place, message, "a phone that refuses at once would be rung again and again");
        return None;
    }
    Some(Some(time))
}
