//! What `center.yaml` says about rings: how long, and at how many agents at once; for how long who does not take a call gets
//! none; whose phones take calls by themselves.

use std::ops::RangeInclusive;
use std::time::Duration;

use crate::flow::read::Reader;
use crate::flow::read::fields::Fields;
use crate::flow::read::yaml::Value;
use crate::flow::read::yaml::Yaml;
use crate::queue::api::Misses;
use crate::queue::api::RING_AT_MOST;

/// How long a phone rings when nothing is said.
const RING: Duration = Duration::from_secs(20);
/// Nobody is at hand sooner, and who has not picked up later never does: meanwhile the caller waits for this agent alone.
const RINGS: RangeInclusive<Duration> = Duration::from_secs(5)..=Duration::from_secs(120);
/// A phone that waits longer before it takes a call by itself might as well be picked up.
const LATEST_ANSWER: Duration = Duration::from_secs(10);

/// How long agents' phones ring, and at how many at once: `ring: 20s`, or `ring: { for: 20s, agents: 2 }`
pub(crate) fn ring(fields: &mut Fields<'_>, reader: &mut Reader<'_>) -> (Duration, u32) {
    let Some(yaml) = fields.optional("ring") else { return (RING, 1) };
    let Value::Map(entries) = &yaml.value else { return (ring_time(yaml, reader).unwrap_or(RING), 1) };
    let mut own = Fields::new(yaml.place, entries);
    let time = own.optional("for").and_then(|yaml| ring_time(yaml, reader)).unwrap_or(RING);
    let agents = own.optional("agents").and_then(|yaml| reader.number(yaml, 1, RING_AT_MOST.into()));
    own.finish(reader);
    (time, agents.and_then(|agents| u32::try_from(agents).ok()).unwrap_or(1))
}

/// How long a phone rings; a time that helps nobody is taken, with a warning.
fn ring_time(yaml: &Yaml, reader: &mut Reader<'_>) -> Option<Duration> {
    let time = reader.duration(yaml)?;
    let (least, most) = (RINGS.start().as_secs(), RINGS.end().as_secs());
    if !RINGS.contains(&time) {
        let message =
            format!("agents' phones ring for {} s each, and the caller waits meanwhile", time.as_secs_f64());
        reader.warning(
            yaml.place,
            message,
            Some(format!("let them ring for {least} to {most} s; 20s is usual")),
        );
    }
    Some(time)
}

/// `after_miss: { no_answer: until ready, declined: 10s, busy: 60s, unreachable: until ready }`
pub(crate) fn misses(fields: &mut Fields<'_>, reader: &mut Reader<'_>) -> Misses {
    let usual = Misses::default();
    let Some(yaml) = fields.optional("after_miss") else { return usual };
    let Some(mut own) = reader.fields(yaml, "how long who misses a call gets none") else { return usual };
    let mut pause_of = |key, usual| own.optional(key).and_then(|yaml| pause(yaml, reader)).unwrap_or(usual);
    let misses = Misses {
        no_answer: pause_of("no_answer", usual.no_answer),
        declined: pause_of("declined", usual.declined),
        busy: pause_of("busy", usual.busy),
        unreachable: pause_of("unreachable", usual.unreachable),
    };
    own.finish(reader);
    misses
}

/// A time, or `until ready`, which is none.
fn pause(yaml: &Yaml, reader: &mut Reader<'_>) -> Option<Option<Duration>> {
    let text = reader.text(yaml, "a time, or until ready")?;
    if text.text == "until ready" {
        return Some(None);
    }
    let pause = reader.duration_of(text.place, &text.text)?;
    if pause < Misses::LEAST {
        let least = Misses::LEAST.as_secs();
        let message = format!("an agent is left alone for {least}s at least, got {}", text.text);
        reader.error_hint(text.place, message, "a phone that refuses at once would be rung again and again");
        return None;
    }
    Some(Some(pause))
}

/// `auto_answer: yes`, which is at once, or after how long: `auto_answer: 2s`
pub(crate) fn auto_answer(yaml: &Yaml, reader: &mut Reader<'_>) -> Option<Duration> {
    let text = reader.text(yaml, "yes, no or a time")?;
    match text.text.as_str() {
        "no" | "false" => return None,
        "yes" | "true" => return Some(Duration::ZERO),
        _ => {}
    }
    let after = reader.duration_of(text.place, &text.text)?;
    if after > LATEST_ANSWER {
        let message =
            format!("a phone takes a call by itself within {}s, got {}", LATEST_ANSWER.as_secs(), text.text);
        reader.error_hint(text.place, message, "write auto_answer: yes, or a shorter time");
        return None;
    }
    Some(after)
}
