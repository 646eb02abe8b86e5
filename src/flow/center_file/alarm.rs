//! What `center.yaml` says about alarms: from when on a supervisor is called to a queue.

use std::time::Duration;

use crate::flow::center::AlarmPolicy;
use crate::flow::read::Reader;
use crate::flow::read::fields::Fields;
use crate::flow::read::yaml::Place;
use crate::flow::read::yaml::Yaml;
use crate::queue::api::QueueConfig;

/// `alarms: { waiting: 8, longest_wait: 3m, service_level: 60%, abandonment: 10% }`, of a queue or of the center.
pub(crate) fn alarms(fields: &mut Fields<'_>, reader: &mut Reader<'_>) -> (AlarmPolicy, Place) {
    let Some(yaml) = fields.optional("alarms") else { return (AlarmPolicy::default(), fields.place) };
    let Some(mut own) = reader.fields(yaml, "alarms") else { return (AlarmPolicy::default(), yaml.place) };
    let waiting = own.optional("waiting").and_then(|yaml| reader.number(yaml, 1, 100_000));
    let longest_wait = own.optional("longest_wait").and_then(|yaml| reader.duration(yaml));
    let service_level = own.optional("service_level").and_then(|yaml| percent(yaml, reader));
    let abandonment = own.optional("abandonment").and_then(|yaml| percent(yaml, reader));
    own.finish(reader);
    let waiting = waiting.and_then(|waiting| u32::try_from(waiting).ok());
    (AlarmPolicy { waiting, longest_wait, service_level, abandonment }, yaml.place)
}

/// Warns of alarms of a queue that could never be, or would always be.
pub(crate) fn sensible(queue: &QueueConfig, alarms: &AlarmPolicy, place: Place, reader: &mut Reader<'_>) {
    let never = |limit: String, key: &str| {
        let message = format!("this alarm is never raised: {limit}");
        (message, format!("let \"{key}\" be lower than that"))
    };
    let (goal, _) = queue.service_level;
    let problems = [
        alarms
            .waiting
            .filter(|waiting| *waiting > queue.max_waiting)
            .map(|_| never(format!("no more than {} may wait here", queue.max_waiting), "waiting")),
        alarms
            .longest_wait
            .filter(|longest| *longest >= queue.max_wait)
            .map(|_| never(format!("nobody waits longer than {}", seconds(queue.max_wait)), "longest_wait")),
        alarms.service_level.filter(|level| *level > goal).map(|level| {
            let message = format!("this alarm is raised while the goal of {goal} % is kept, below {level} %");
            (message, format!("let \"service_level\" be {goal}% at most"))
        }),
    ];
    for (message, hint) in problems.into_iter().flatten() {
        reader.warning(place, message, Some(hint));
    }
}

fn seconds(time: Duration) -> String {
    format!("{} s", time.as_secs())
}

/// `60%`
fn percent(yaml: &Yaml, reader: &mut Reader<'_>) -> Option<u8> {
    let text = reader.text(yaml, "a share in per cent")?;
    let share = text.text.strip_suffix('%').and_then(|share| share.trim_end().parse().ok());
    if !share.is_some_and(|share| (1..=100).contains(&share)) {
        reader.error_hint(text.place, format!("\"{}\" is not a share", text.text), "write it as: 60%");
        return None;
    }
    share
}
