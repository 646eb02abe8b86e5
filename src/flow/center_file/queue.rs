//! A queue of `center.yaml`: who serves it, in which order, how long callers wait in it, and what they hear meanwhile.

use std::ops::RangeInclusive;
use std::time::Duration;

use crate::base::Name;
use crate::flow::center::AlarmPolicy;
use crate::flow::center::TalkPolicy;
use crate::flow::center::WaitPrompts;
use crate::flow::center_file::alarm::alarms;
use crate::flow::center_file::named::Named;
use crate::flow::center_file::ring::misses;
use crate::flow::center_file::ring::ring;
use crate::flow::center_file::survey::survey;
use crate::flow::center_file::talk::talk_policy;
use crate::flow::center_file::wait::Links;
use crate::flow::center_file::wait::wait_prompts;
use crate::flow::needs;
use crate::flow::read::Reader;
use crate::flow::read::fields::Fields;
use crate::flow::read::yaml::Place;
use crate::flow::read::yaml::Text;
use crate::flow::read::yaml::Yaml;
use crate::queue::api::AgentChoice;
use crate::queue::api::AgentConfig;
use crate::queue::api::Agents;
use crate::queue::api::Demand;
use crate::queue::api::PermissionPolicy;
use crate::queue::api::QueueConfig;

/// Times of a queue that somebody may mean, in seconds: beyond them nobody is served in time, waits for ever, is asked what they
/// cannot answer, or is never heard of again.
const LIKELY: [(&str, RangeInclusive<u64>); 8] = [
    ("wrap_up", 1..=3_600),
    ("max_wait", 20..=14_400),
    ("max_expected_wait", 10..=14_400),
    ("handle_time", 5..=14_400),
    ("permission_lasts", 20..=7_200),
    ("answer_within", 3..=60),
    ("check_in", 10..=1_800),
    ("callback_spacing", 5..=14_400),
];

/// A queue, as the file says it.
pub(super) struct QueueRead {
    pub config: QueueConfig,
    pub wait_prompts: WaitPrompts,
    /// The flows that it leads to.
    pub links: Links,
    pub talk: TalkPolicy,
    /// Its own, and where they are.
    pub alarms: (AlarmPolicy, Place),
    pub place: Place,
    pub named: Named,
}

pub(super) fn queue(key: &Text, fields: &mut Fields<'_>, reader: &mut Reader<'_>) -> Option<QueueRead> {
    let seconds = Duration::from_secs;
    let number = |fields: &mut Fields<'_>, reader: &mut Reader<'_>, key, least, most, default: u32| {
        let number = fields.optional(key).and_then(|yaml| reader.number(yaml, least, most));
        number.and_then(|number| u32::try_from(number).ok()).unwrap_or(default)
    };
    let priority = fields.optional("priority").and_then(|yaml| reader.number(yaml, -1000, 1000));
    let service_level = fields.optional("service_level").and_then(|yaml| service_level(yaml, reader));
    let (ring_timeout, ring_agents) = ring(fields, reader);
    let mut config = QueueConfig {
        name: Name::from(key.text.as_str()),
        needs: needs::demand(fields, reader),
        agents_by: fields.optional("agents_by").and_then(|yaml| agents_by(yaml, reader)),
        priority: priority.and_then(|priority| i32::try_from(priority).ok()).unwrap_or(0),
        ring_timeout,
        ring_agents,
        wrap_up: fields.duration(reader, "wrap_up", seconds(30)),
        max_wait: fields.duration(reader, "max_wait", seconds(900)),
        max_expected_wait: fields.optional("max_expected_wait").and_then(|yaml| reader.duration(yaml)),
        max_waiting: number(fields, reader, "max_waiting", 1, 100_000, 1_000),
        service_level: service_level.unwrap_or((80, seconds(20))),
        handle_time: handle_time(fields, reader),
        permission: fields
            .optional("permission")
            .and_then(|yaml| reader.permission(yaml))
            .unwrap_or(PermissionPolicy::Ask),
        permission_lasts: fields.duration(reader, "permission_lasts", seconds(300)),
        answer_within: fields.duration(reader, "answer_within", seconds(10)),
        check_in: fields.duration(reader, "check_in", seconds(60)),
        callback_tries: number(fields, reader, "callback_tries", 1, 10, 3),
        callback_spacing: fields.duration(reader, "callback_spacing", seconds(60)),
        customer_first: customer_first(fields, reader),
        misses: misses(fields, reader),
        // Their agents have not been read yet.
        prefer: None,
        exclude: Agents::new(),
        surge: None,
    };
    for (key, range) in LIKELY {
        fields.hardly_meant(reader, key, range);
    }
    let named = Named::read(fields, reader);
    if config.needs.steps.last().is_some_and(|step| step.after >= config.max_wait) {
        let hint = "let it come before the queue's max_wait".to_owned();
        reader.warning(key.place, "nobody waits until this step", Some(hint));
    }
    let mut talk = talk_policy(fields, reader);
    let (wait_prompts, mut links, surge) = wait_prompts(fields, reader);
    config.surge = surge;
    if let Some((policy, place)) = survey(fields, reader) {
        links.insert(0, (Name::clone(&policy.flow), place));
        talk.survey = Some(policy);
    }
    if let Some(words) = &wait_prompts.words {
        if let Some(yaml) = fields.optional("check_in") {
            let hint = "leave it out";
            reader.error_hint(yaml.place, "\"waiting\" says when something is said", hint);
        }
        config.check_in = words.first.min(words.every);
    }
    let alarms = alarms(fields, reader);
    Some(QueueRead { config, wait_prompts, links, talk, alarms, place: key.place, named })
}

/// Reports a queue that no agent has the skills for, however long is waited.
pub(crate) fn nobody_serves(
    reader: &mut Reader<'_>,
    agents: &[AgentConfig],
    queue: &Demand,
    more: &Demand,
    name: &str,
    place: Place,
) {
    let course = queue.with(more);
    let agents = || agents.iter().filter(|agent| !agent.gone);
    let able = |agent: &AgentConfig| course.iter().any(|(_, needs)| needs.met(|skill| agent.level(skill)));
    if let Some((_, last)) = course.last().filter(|_| !agents().any(able)) {
        let words: Vec<String> = last.facts(&reader.names.skills).iter().map(ToString::to_string).collect();
        let words = if words.is_empty() { "an agent".to_owned() } else { words.join(" and ") };
        let at_last = if course.len() > 1 { "at its last step " } else { "" };
        let message = format!("no agent can serve the queue \"{name}\" here: {at_last}it needs {words}");
        reader.error_hint(place, message, "give an agent the skills, or lower what is needed");
        return;
    }
    let wants = queue.wants_with(more);
    let wanted = |agent: &AgentConfig| able(agent) && wants.met(|skill| agent.level(skill));
    if !agents().any(wanted) {
        let message =
            format!("no agent who can serve the queue \"{name}\" here has the skills that are preferred");
        let hint = "give one of them the skills, or write \"prefer_skills: nobody\"".to_owned();
        reader.warning(place, message, Some(hint));
    }
}

/// Which idle agent a call goes to.
pub(super) fn agents_by(yaml: &Yaml, reader: &mut Reader<'_>) -> Option<AgentChoice> {
    let known = [
        ("best fit", AgentChoice::BestFit),
        ("longest idle", AgentChoice::LongestIdle),
        ("most skilled", AgentChoice::MostSkilled),
        ("least skilled", AgentChoice::LeastSkilled),
        ("fewest calls", AgentChoice::FewestCalls),
        ("round robin", AgentChoice::RoundRobin),
    ];
    reader.one_of(yaml, "choice of agents", known)
}

/// How long who picked up for a callback waits for an agent, where the customer is called first: as long as anybody hears a
/// ringing tone whom nobody asked.
fn customer_first(fields: &mut Fields<'_>, reader: &mut Reader<'_>) -> Option<Duration> {
    const LONGEST: Duration = Duration::from_secs(30);
    let first = fields
        .optional("callback_first")
        .and_then(|yaml| reader.one_of(yaml, "party of a callback", [("agent", false), ("customer", true)]));
    let customer_first = first.unwrap_or(false);
    let Some(yaml) = fields.optional("callback_wait") else { return customer_first.then_some(LONGEST) };
    let wait = reader.duration(yaml)?;
    if wait > LONGEST {
        let hint = "nobody asked them whether they would hold: at most 30s";
        let message = format!("{} s is too long for who picked up", wait.as_secs());
        reader.error_hint(yaml.place, message, hint);
    }
    if !customer_first {
        let hint = "say callback_first: customer, or leave it out";
        reader.error_hint(
            yaml.place,
            "callback_wait is of callbacks where the customer is called first",
            hint,
        );
    }
    customer_first.then_some(wait)
}

/// The planner's mean talk, where there is one.
fn handle_time(fields: &mut Fields<'_>, reader: &mut Reader<'_>) -> Option<Duration> {
    let time = fields.duration(reader, "handle_time", Duration::ZERO);
    (!time.is_zero()).then_some(time)
}

/// `80% in 20s`
fn service_level(yaml: &Yaml, reader: &mut Reader<'_>) -> Option<(u8, Duration)> {
    let text = reader.text(yaml, "a service level")?;
    let parts = text.text.split_once("% in ").and_then(|(share, time)| Some((share.parse().ok()?, time)));
    match parts {
        Some((share @ 1..=100, time)) => Some((share, reader.duration_of(text.place, time)?)),
        _ => {
            let message = format!("\"{}\" is not a service level", text.text);
            reader.error_hint(text.place, message, "write it as: 80% in 20s");
            None
        }
    }
}
