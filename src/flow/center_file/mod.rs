//! `center.yaml`: the company, its numbers, skills, queues, agents and trunks.

mod agent;
mod alarm;
mod evaluation;
mod goal;
mod named;
mod ring;
mod surge;
mod survey;
pub(crate) mod talk;
mod wait;

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::net::IpAddr;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use jiff::tz::TimeZone;

use crate::base::AgentId;
use crate::base::Name;
use crate::fact::evaluation::Form;
use crate::flow::announcement::Announcement;
use crate::flow::bot;
use crate::flow::center::AgentContact;
use crate::flow::center::AlarmPolicy;
use crate::flow::center::Dtmf;
use crate::flow::center::HOLD_CHECK_IN;
use crate::flow::center::HOLD_KEYS;
use crate::flow::center::HOLD_KEYS_CALLBACK;
use crate::flow::center::HOLD_QUESTION;
use crate::flow::center::Outbound;
use crate::flow::center::PhonesShow;
use crate::flow::center::SrtpPolicy;
use crate::flow::center::TalkPolicy;
use crate::flow::center::Trunk;
use crate::flow::center::TrunkRegistration;
use crate::flow::center::WaitPrompts;
use crate::flow::center_file::agent::AgentRead;
use crate::flow::center_file::agent::Dated;
use crate::flow::center_file::agent::agent;
use crate::flow::center_file::alarm::alarms;
use crate::flow::center_file::alarm::sensible;
use crate::flow::center_file::goal::GoalRead;
use crate::flow::center_file::named::Named;
use crate::flow::center_file::ring::misses;
use crate::flow::center_file::ring::ring;
use crate::flow::center_file::survey::survey;
use crate::flow::center_file::talk::extensions;
use crate::flow::center_file::talk::outbound;
use crate::flow::center_file::talk::owner_first;
use crate::flow::center_file::talk::phones_show;
use crate::flow::center_file::talk::talk_policy;
use crate::flow::center_file::wait::Links;
use crate::flow::center_file::wait::wait_prompts;
use crate::flow::escalation;
use crate::flow::escalation::Level;
use crate::flow::hours;
use crate::flow::hours::Hours;
use crate::flow::model::SpokenAs;
use crate::flow::needs;
use crate::flow::read::Reader;
use crate::flow::read::fields::Fields;
use crate::flow::read::yaml;
use crate::flow::read::yaml::Place;
use crate::flow::read::yaml::Text;
use crate::flow::read::yaml::Value;
use crate::flow::read::yaml::Yaml;
use crate::flow::say;
use crate::flow::say::Currency;
use crate::flow::service;
use crate::flow::speech;
use crate::flow::validity;
use crate::flow::validity::Lapse;
use crate::flow::validity::Validity;
use crate::media::codec::Codec;
use crate::queue::api::AgentChoice;
use crate::queue::api::AgentConfig;
use crate::queue::api::AgentWish;
use crate::queue::api::Agents;
use crate::queue::api::Config;
use crate::queue::api::Demand;
use crate::queue::api::PermissionPolicy;
use crate::queue::api::QueueConfig;
use crate::queue::api::Routing;
use crate::queue::api::Weights;
use crate::sip::uri::Transport;
use crate::sip::uri::Uri;

/// How long recordings are kept when nothing is said.
const KEEP_RECORDINGS: Duration = Duration::from_secs(90 * DAY_S);
/// How long the history is.
const KEEP_HISTORY: Duration = Duration::from_secs(24 * MONTH_DAYS * DAY_S);
/// A month is kept as the longest is: nothing goes too early.
const MONTH_DAYS: u64 = 31;
/// And at most: ten years.
const MOST_DAYS: u64 = 3_650;
const DAY_S: u64 = 86_400;

/// What the file says; the flows behind its numbers are not known yet.
#[derive(Clone, Debug)]
pub(crate) struct CenterFile {
    pub company: String,
    /// What callers know it by: the company's name, where nothing else is said.
    pub brands: Vec<String>,
    pub language: Name,
    pub languages: Vec<Name>,
    pub engine: Config,
    pub contacts: Vec<AgentContact>,
    pub agent_hours: Vec<Option<Arc<Hours>>>,
    pub validities: Vec<Validity>,
    pub lapses: Vec<Lapse>,
    /// With the place of each flow's name.
    pub numbers: BTreeMap<String, (Name, Place)>,
    pub feature_codes: BTreeMap<String, AgentWish>,
    pub trunks: Vec<Trunk>,
    pub wait_prompts: Vec<WaitPrompts>,
    /// The flows that queues lead to.
    pub links: Vec<Links>,
    pub talk: Vec<TalkPolicy>,
    pub alarms: Vec<AlarmPolicy>,
    pub goals: Vec<GoalRead>,
    pub auto_answer: BTreeMap<AgentId, Duration>,
    pub phones_show: BTreeMap<AgentId, PhonesShow>,
    pub extensions: BTreeMap<String, AgentId>,
    pub outbound: Outbound,
    pub escalation: Vec<Level>,
    pub evaluations: Vec<Form>,
    pub time_zone: TimeZone,
    /// The same; none where it is left out.
    pub named_zone: Option<TimeZone>,
    pub keep_recordings: Duration,
    /// None: for ever.
    pub keep_history: Option<Duration>,
    pub srtp: SrtpPolicy,
    pub dtmf: Dtmf,
    pub codecs: Vec<Codec>,
}

/// The time zone that the file names, read alone.
pub(crate) fn named_zone(reader: &mut Reader<'_>, text: &str) -> Option<TimeZone> {
    let root = reader.tree(text)?;
    zone(&mut reader.fields(&root, "the center")?, reader)
}

fn zone(fields: &mut Fields<'_>, reader: &mut Reader<'_>) -> Option<TimeZone> {
    fields.optional("time_zone").and_then(|yaml| hours::zone(yaml, reader))
}

/// Reads the file; `reader.names` holds its skills and queues afterwards.
pub(crate) fn read(reader: &mut Reader<'_>, text: &str) -> Option<CenterFile> {
    let root = reader.tree(text)?;
    let mut fields = reader.fields(&root, "the center")?;
    let company = fields.require(reader, "company").and_then(|yaml| reader.name(yaml, "the company's name"));
    let brands = fields.optional("brands").map(|yaml| reader.texts(yaml, "what callers know the center by"));
    let brands: Vec<String> = brands.into_iter().flatten().map(|text| text.text.clone()).collect();
    languages(&mut fields, reader);
    if let Some(currency) = fields.optional("currency").and_then(|yaml| currency(yaml, reader)) {
        reader.names.currency = currency;
    }
    reader.names.speech = fields.optional("speech").and_then(|yaml| speech::read(yaml, reader)).map(Arc::new);
    let named_zone = zone(&mut fields, reader);
    let time_zone = named_zone.clone().unwrap_or(TimeZone::UTC);
    reader.names.time_zone = time_zone.clone();
    if let Some(yaml) = fields.optional("hours") {
        reader.names.hours = hours::read(yaml, &time_zone, reader);
    }
    if let Some(yaml) = fields.optional("announcements") {
        reader.names.announcements = announcements(yaml, &time_zone, reader);
    }
    if let Some(yaml) = fields.optional("services") {
        reader.names.services = service::read(yaml, reader);
    }
    if let Some(yaml) = fields.optional("bots") {
        reader.names.bots = bot::read(yaml, reader);
    }
    let named = fields.optional("skills").map(|yaml| skills(yaml, reader)).unwrap_or_default();
    let (skills, skill_places): (Vec<Name>, Vec<Place>) = named.into_iter().unzip();
    reader.names.skills = skills.clone();
    let queues =
        fields.optional("queues").map(|yaml| each(yaml, "queues", reader, queue)).unwrap_or_default();
    let (mut queues, waits, mut talk, alarms_read, queue_places) = split(queues);
    let (wait_prompts, links): (Vec<WaitPrompts>, Vec<Links>) = waits.into_iter().unzip();
    let alarms = alarms_of_all(&queues, alarms_read, &mut fields, reader);
    let agents_by = fields.optional("agents_by").and_then(|yaml| agents_by(yaml, reader));
    queues.iter_mut().for_each(|queue: &mut QueueConfig| queue.agents_by = queue.agents_by.or(agents_by));
    reader.names.queues = queues.iter().map(|queue: &QueueConfig| Name::clone(&queue.name)).collect();
    let goals = fields.optional("goals").map(|yaml| each(yaml, "goals", reader, goal::goal));
    let goals = goals.unwrap_or_default();
    goal::sensible(&goals, reader);
    let before = reader.diagnostics.len();
    let agents =
        fields.optional("agents").map(|yaml| each(yaml, "agents", reader, agent)).unwrap_or_default();
    // Whom a queue is left without because of such a problem is not worth a second one.
    let all_agents_read = reader.diagnostics.len() == before;
    let (mut given, mut agent_hours, mut validities) = (Vec::new(), Vec::new(), Vec::new());
    let (mut auto_answer, mut agents_see) = (BTreeMap::new(), BTreeMap::new());
    let mut agents_and_contacts = (Vec::new(), Vec::new());
    for (read, id) in agents.into_iter().zip(0..) {
        let AgentRead { agent, contact, extension, hours, dated, answers, sees } = read;
        let validity = |Dated { skill, from, until }| Validity { agent: AgentId(id), skill, from, until };
        validities.extend(dated.into_iter().map(validity));
        agents_and_contacts.0.push(agent);
        agents_and_contacts.1.push(contact);
        given.push(extension);
        agent_hours.push(hours);
        auto_answer.extend(answers.map(|after| (AgentId(id), after)));
        agents_see.extend(sees.map(|sees| (AgentId(id), sees)));
    }
    let (agents, contacts): (Vec<AgentConfig>, Vec<AgentContact>) = agents_and_contacts;
    reader.names.agents = agents.iter().map(|agent| Name::clone(&agent.name)).collect();
    let routing = fields.optional("routing").and_then(|yaml| routing(yaml, reader)).unwrap_or_default();
    let redial = fields.duration(reader, "redial", Duration::from_secs(120));
    let numbers = fields.require(reader, "numbers").map(|yaml| numbers(yaml, reader)).unwrap_or_default();
    let feature_codes = fields.optional("feature_codes").map(|yaml| codes(yaml, reader)).unwrap_or_default();
    let trunks =
        fields.optional("trunks").map(|yaml| each(yaml, "trunks", reader, trunk)).unwrap_or_default();
    let keep_recordings = fields.optional("keep_recordings").and_then(|yaml| days(yaml, reader));
    let keep_history = fields.optional("keep_history").and_then(|yaml| history(yaml, reader));
    let extensions = extensions(given, &numbers, &feature_codes, reader);
    let outbound = fields.optional("outbound").and_then(|yaml| outbound(yaml, &trunks, &queues, reader));
    let srtp = fields.optional("srtp").and_then(|yaml| srtp(yaml, reader)).unwrap_or_default();
    let dtmf = fields.optional("dtmf").and_then(|yaml| dtmf(yaml, reader)).unwrap_or_default();
    let codecs = fields.optional("codecs").and_then(|yaml| codecs(yaml, reader));
    if let Some(own) = fields.optional("owner_first").and_then(|yaml| owner_first(yaml, reader)) {
        talk.iter_mut()
            .for_each(|policy: &mut TalkPolicy| policy.owner_first = policy.owner_first.or(Some(own)));
    }
    if let Some(usual) = fields.optional("phones_show").and_then(|yaml| phones_show(yaml, reader)) {
        talk.iter_mut()
            .for_each(|policy: &mut TalkPolicy| policy.phones_show = policy.phones_show.or(Some(usual)));
    }
    let escalation = fields.optional("escalation").map(|yaml| escalation::read(yaml, &agents, reader));
    let evaluations = fields.optional("evaluations").map(|yaml| evaluation::forms(yaml, reader));
    fields.finish(reader);
    for (queue, (place, named)) in queues.iter_mut().zip(queue_places).filter(|_| all_agents_read) {
        named.give(queue, reader);
        nobody_serves(reader, &agents, &queue.needs, &Demand::default(), &queue.name, place);
    }
    let company = company?.to_string();
    let mut center = CenterFile {
        brands: if brands.is_empty() { vec![company.clone()] } else { brands },
        company,
        language: Name::clone(&reader.names.language),
        engine: Config { skills, queues, agents, routing, redial, changes: Vec::new() },
        languages: reader.names.languages.clone(),
        contacts,
        agent_hours,
        validities,
        lapses: Vec::new(),
        numbers,
        feature_codes,
        trunks,
        wait_prompts,
        links,
        talk,
        alarms,
        goals,
        time_zone,
        named_zone,
        keep_recordings: keep_recordings.unwrap_or(KEEP_RECORDINGS),
        keep_history: keep_history.unwrap_or(Some(KEEP_HISTORY)),
        auto_answer,
        phones_show: agents_see,
        extensions,
        outbound: outbound.unwrap_or_default(),
        escalation: escalation.unwrap_or_default(),
        evaluations: evaluations.unwrap_or_default(),
        srtp,
        dtmf,
        codecs: codecs.unwrap_or_else(|| Codec::SUPPORTED.to_vec()),
    };
    center.lapses = validity::lapses(&center, &skill_places, reader);
    Some(center)
}

/// `language: en`, and `languages: [en, es]` where callers may choose: the first of them is the center's own unless it
/// says so.
fn languages(fields: &mut Fields<'_>, reader: &mut Reader<'_>) {
    let own = fields.optional("language").and_then(|yaml| reader.name(yaml, "the language"));
    let Some(yaml) = fields.optional("languages") else {
        reader.names.language = own.unwrap_or_else(|| Name::from("en"));
        reader.names.languages = vec![Name::clone(&reader.names.language)];
        return;
    };
    let mut all: Vec<Name> = Vec::new();
    for text in reader.texts(yaml, "a language") {
        if all.iter().any(|known| **known == *text.text) {
            reader.error(text.place, format!("\"{}\" is given twice", text.text));
            continue;
        }
        if !say::LANGUAGES.contains(&text.text.split('-').next().unwrap_or_default()) {
            let message = format!("numbers and dates are said in \"{}\" as in English", text.text);
            reader.warning(text.place, message, Some("give no choice of it, or say none".to_owned()));
        }
        all.push(Name::from(text.text.as_str()));
    }
    let own = own.or_else(|| all.first().cloned()).unwrap_or_else(|| Name::from("en"));
    if !all.contains(&own) {
        let message = format!("\"{own}\", the center's own language, is not among these");
        reader.error(yaml.place, message);
    }
    reader.names.language = own;
    reader.names.languages = all;
    heard_in_all(yaml.place, reader);
}

/// Tells of each language in which nothing is recorded, once, where it is named.
pub(crate) fn unrecorded(text: &str, wanted: &BTreeMap<Name, BTreeSet<Name>>, reader: &mut Reader<'_>) {
    const NAMED: usize = 3;
    let root = yaml::parse(text).0;
    for (language, names) in wanted {
        let place = root.as_ref().and_then(|root| place_of(root, language)).unwrap_or(Place {
            line: 1,
            column: 1,
            length: 1,
        });
        let first: Vec<&str> = names.iter().take(NAMED).map(|name| &**name).collect();
        let more = if names.len() > NAMED { ", …" } else { "" };
        let message = format!(
            "nothing is recorded in \"{language}\", in which {} prompts are needed: {}{more}",
            names.len(),
            first.join(", ")
        );
        let hint =
            format!("record them as prompts/{language}/{}.wav and so on, or take the language out", first[0]);
        reader.error_hint(place, message, hint);
    }
}

/// Where `languages` names one.
fn place_of(root: &Yaml, language: &str) -> Option<Place> {
    let Value::Map(entries) = &root.value else { return None };
    let (_, languages) = entries.iter().find(|(key, _)| key.text == "languages")?;
    let Value::List(all) = &languages.value else { return Some(languages.place) };
    let named = all.iter().find(|yaml| matches!(&yaml.value, Value::Text(text) if text.text == language));
    Some(named.unwrap_or(languages).place)
}

/// What is in no file, and heard all the same: by a held caller, and the minutes of a quote.
fn heard_in_all(place: Place, reader: &mut Reader<'_>) {
    reader.words_for(place, SpokenAs::As(say::Kind::Number));
    for name in [HOLD_QUESTION, HOLD_KEYS, HOLD_KEYS_CALLBACK, HOLD_CHECK_IN] {
        if reader.prompts.has(&reader.names.language, name) {
            reader.prompt(&Text { place, text: name.to_owned(), quoted: true });
        }
    }
}

fn currency(yaml: &Yaml, reader: &mut Reader<'_>) -> Option<Currency> {
    let text = reader.text(yaml, "a currency")?;
    let known = Currency::ALL.iter().find(|(code, _)| *code == text.text);
    if known.is_none() {
        reader.unknown(text.place, "currency", &text.text, Currency::ALL.map(|(code, _)| code));
    }
    known.map(|(_, currency)| *currency)
}

/// `outage: { play: announcement/outage, on: yes, until: 2026-12-01 18:00 }`
fn announcements(yaml: &Yaml, zone: &TimeZone, reader: &mut Reader<'_>) -> BTreeMap<Name, Arc<Announcement>> {
    let Value::Map(entries) = &yaml.value else {
        reader.error(yaml.place, "announcements are written as \"name: …\"");
        return BTreeMap::new();
    };
    let one = |(key, yaml): &(Text, Yaml)| {
        let mut fields = reader.fields(yaml, "an announcement")?;
        let prompts = fields.must_hear(reader, "play");
        let on = fields.truth(reader, "on", false);
        let until = fields.optional("until").and_then(|yaml| hours::moment(yaml, zone, reader));
        fields.finish(reader);
        if on && until.is_none() {
            let hint = "add \"until: 2026-12-24 18:00\": what is forgotten ends by itself";
            reader.error_hint(key.place, "an announcement that is on says until when", hint);
        }
        let announcement = Announcement { prompts, until: until.filter(|_| on), switched: None };
        Some((Name::from(key.text.as_str()), Arc::new(announcement)))
    };
    entries.iter().filter_map(one).collect()
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
    let able = |agent: &AgentConfig| course.iter().any(|(_, needs)| needs.met(|skill| agent.level(skill)));
    if let Some((_, last)) = course.last().filter(|_| !agents.iter().any(able)) {
        let words: Vec<String> = last.facts(&reader.names.skills).iter().map(ToString::to_string).collect();
        let words = if words.is_empty() { "an agent".to_owned() } else { words.join(" and ") };
        let at_last = if course.len() > 1 { "at its last step " } else { "" };
        let message = format!("no agent can serve the queue \"{name}\" here: {at_last}it needs {words}");
        reader.error_hint(place, message, "give an agent the skills, or lower what is needed");
        return;
    }
    let wants = queue.wants_with(more);
    let wanted = |agent: &AgentConfig| able(agent) && wants.met(|skill| agent.level(skill));
    if !agents.iter().any(wanted) {
        let message =
            format!("no agent who can serve the queue \"{name}\" here has the skills that are preferred");
        let hint = "give one of them the skills, or write \"prefer_skills: nobody\"".to_owned();
        reader.warning(place, message, Some(hint));
    }
}

/// Reads every entry of a map of names; what cannot be read is left out, and reported.
fn each<T>(
    yaml: &Yaml,
    what: &str,
    reader: &mut Reader<'_>,
    read: fn(&Text, &mut Fields<'_>, &mut Reader<'_>) -> Option<T>,
) -> Vec<T> {
    let Value::Map(entries) = &yaml.value else {
        reader.error(yaml.place, format!("{what} are written as \"name: …\""));
        return Vec::new();
    };
    let one = |(key, yaml): &(Text, Yaml)| {
        let Value::Map(entries) = &yaml.value else {
            reader.error(yaml.place, format!("\"{}\" is written as \"key: value\" lines", key.text));
            return None;
        };
        let mut fields = Fields::new(key.place, entries);
        let read = read(key, &mut fields, reader);
        fields.finish(reader);
        read
    };
    entries.iter().filter_map(one).collect()
}

/// With the place of each.
fn skills(yaml: &Yaml, reader: &mut Reader<'_>) -> Vec<(Name, Place)> {
    let mut skills: Vec<(Name, Place)> = Vec::new();
    for text in reader.texts(yaml, "the name of a skill") {
        if skills.iter().any(|(known, _)| **known == *text.text) {
            reader.error(text.place, format!("the skill \"{}\" is given twice", text.text));
        } else {
            needs::not_nobody(text, "skill", reader);
            skills.push((Name::from(text.text.as_str()), text.place));
        }
    }
    skills
}

type AlarmsRead = (AlarmPolicy, Place);
type Places = (Place, Named);
type QueueRead = (QueueConfig, (WaitPrompts, Links), TalkPolicy, AlarmsRead, Places);
type QueuesRead =
    (Vec<QueueConfig>, Vec<(WaitPrompts, Links)>, Vec<TalkPolicy>, Vec<AlarmsRead>, Vec<Places>);

fn split(queues: Vec<QueueRead>) -> QueuesRead {
    let mut parts = (Vec::new(), Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for (queue, prompts, talk, alarms, place) in queues {
        parts.0.push(queue);
        parts.1.push(prompts);
        parts.2.push(talk);
        parts.3.push(alarms);
        parts.4.push(place);
    }
    parts
}

/// Each queue's alarms: its own, and what these do not say as the center has it.
fn alarms_of_all(
    queues: &[QueueConfig],
    own: Vec<AlarmsRead>,
    fields: &mut Fields<'_>,
    reader: &mut Reader<'_>,
) -> Vec<AlarmPolicy> {
    let (usual, _) = alarms(fields, reader);
    for (queue, (own, place)) in queues.iter().zip(&own) {
        sensible(queue, own, *place, reader);
    }
    own.iter().map(|(own, _)| own.or(&usual)).collect()
}

fn queue(key: &Text, fields: &mut Fields<'_>, reader: &mut Reader<'_>) -> Option<QueueRead> {
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
    let named = Named::read(fields, reader);
    if config.needs.steps.last().is_some_and(|step| step.after >= config.max_wait) {
        let hint = "let it come before the queue's max_wait".to_owned();
        reader.warning(key.place, "nobody waits until this step", Some(hint));
    }
    let mut talk = talk_policy(fields, reader);
    let (prompts, mut links, surge) = wait_prompts(fields, reader);
    config.surge = surge;
    if let Some((policy, place)) = survey(fields, reader) {
        links.insert(0, (Name::clone(&policy.flow), place));
        talk.survey = Some(policy);
    }
    if let Some(words) = &prompts.words {
        if let Some(yaml) = fields.optional("check_in") {
            let hint = "leave it out";
            reader.error_hint(yaml.place, "\"waiting\" says when something is said", hint);
        }
        config.check_in = words.first.min(words.every);
    }
    Some((config, (prompts, links), talk, alarms(fields, reader), (key.place, named)))
}

/// `90d`
pub(crate) fn days(yaml: &Yaml, reader: &mut Reader<'_>) -> Option<Duration> {
    let text = reader.text(yaml, "a number of days")?;
    match text.text.strip_suffix('d').and_then(|days| days.trim_end().parse().ok()) {
        Some(days @ 1..=MOST_DAYS) => Some(Duration::from_secs(days * DAY_S)),
        _ => {
            let message = format!("\"{}\" is not a number of days", text.text);
            reader.error_hint(text.place, message, format!("write it as 90d; at most {MOST_DAYS}d"));
            None
        }
    }
}

/// `24 months`, `730d`, or `for ever`, which is none.
fn history(yaml: &Yaml, reader: &mut Reader<'_>) -> Option<Option<Duration>> {
    let text = reader.text(yaml, "how long the history is kept")?;
    if text.text == "for ever" {
        return Some(None);
    }
    let months = text.text.strip_suffix("months").or_else(|| text.text.strip_suffix("month"));
    let number =
        months.or_else(|| text.text.strip_suffix('d')).and_then(|number| number.trim_end().parse().ok());
    let unit = if months.is_some() { MONTH_DAYS } else { 1 };
    match number.map(|number: u64| number.saturating_mul(unit)) {
        Some(days @ 1..=MOST_DAYS) => Some(Some(Duration::from_secs(days * DAY_S))),
        _ => {
            let message = format!("\"{}\" is not how long a history is kept", text.text);
            let hint = format!("write it as 24 months or 730d, at most {MOST_DAYS}d, or for ever");
            reader.error_hint(text.place, message, hint);
            None
        }
    }
}

/// How calls and agents are brought together.
fn routing(yaml: &Yaml, reader: &mut Reader<'_>) -> Option<Routing> {
    let known = [
        ("service level", Routing::default()),
        ("most in target", Routing::ServiceLevel(Weights::most_in_target())),
        ("short tail", Routing::ServiceLevel(Weights::short_tail())),
        ("longest waiting", Routing::LongestWaiting),
    ];
    one_of(yaml, reader, "way of routing", known)
}

/// Which idle agent a call goes to.
fn agents_by(yaml: &Yaml, reader: &mut Reader<'_>) -> Option<AgentChoice> {
    let known = [
        ("best fit", AgentChoice::BestFit),
        ("longest idle", AgentChoice::LongestIdle),
        ("most skilled", AgentChoice::MostSkilled),
        ("least skilled", AgentChoice::LeastSkilled),
        ("fewest calls", AgentChoice::FewestCalls),
        ("round robin", AgentChoice::RoundRobin),
    ];
    one_of(yaml, reader, "choice of agents", known)
}

/// What the word stands for.
pub(crate) fn one_of<T: Copy, const N: usize>(
    yaml: &Yaml,
    reader: &mut Reader<'_>,
    what: &str,
    known: [(&str, T); N],
) -> Option<T> {
    let word = reader.name(yaml, &format!("a {what}"))?;
    let found = known.iter().find(|(name, _)| *name == &*word);
    if found.is_none() {
        reader.unknown(yaml.place, what, &word, known.map(|(name, _)| name));
    }
    found.map(|(_, found)| *found)
}

/// How long who picked up for a callback waits for an agent, where the customer is called first: as long as anybody hears a
/// ringing tone whom nobody asked.
fn customer_first(fields: &mut Fields<'_>, reader: &mut Reader<'_>) -> Option<Duration> {
    const LONGEST: Duration = Duration::from_secs(30);
    let first = fields.optional("callback_first").and_then(|yaml| {
        let word = reader.name(yaml, "a party of a callback")?;
        let known = ["agent", "customer"];
        if !known.contains(&&*word) {
            reader.unknown(yaml.place, "party of a callback", &word, known);
        }
        Some(&*word == "customer")
    });
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

fn numbers(yaml: &Yaml, reader: &mut Reader<'_>) -> BTreeMap<String, (Name, Place)> {
    let Value::Map(entries) = &yaml.value else {
        reader.error_hint(
            yaml.place,
            "numbers are written as \"number: flow\" lines",
            "for example: 1000: main",
        );
        return BTreeMap::new();
    };
    let mut numbers = BTreeMap::new();
    for (key, value) in entries {
        let digits = key.text.strip_prefix('+').unwrap_or(&key.text);
        if digits.is_empty() || !digits.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c)) {
            reader.error(key.place, format!("\"{}\" is not a number that can be dialled", key.text));
        } else if let Some(flow) = reader.text(value, "the name of a flow") {
            numbers.insert(key.text.clone(), (Name::from(flow.text.as_str()), flow.place));
        }
    }
    numbers
}

fn codes(yaml: &Yaml, reader: &mut Reader<'_>) -> BTreeMap<String, AgentWish> {
    let Value::Map(entries) = &yaml.value else {
        reader.error_hint(
            yaml.place,
            "feature codes are \"code: wish\" lines",
            "for example: \"*51\": ready",
        );
        return BTreeMap::new();
    };
    let mut codes = BTreeMap::new();
    for (key, value) in entries {
        if key.text.is_empty() || !key.text.chars().all(|c| c.is_ascii_digit() || c == '*' || c == '#') {
            reader.error(key.place, format!("\"{}\" cannot be dialled from a phone", key.text));
        }
        let Some(text) = reader.text(value, "ready, not ready or sign out") else { continue };
        let wish = match text.text.as_str() {
            "ready" => AgentWish::Ready,
            "not ready" => AgentWish::NotReady(Name::from("by phone")),
            "sign out" => AgentWish::Offline,
            other => {
                reader.unknown(text.place, "wish of an agent", other, ["ready", "not ready", "sign out"]);
                continue;
            }
        };
        codes.insert(key.text.clone(), wish);
    }
    codes
}

fn trunk(key: &Text, fields: &mut Fields<'_>, reader: &mut Reader<'_>) -> Option<Trunk> {
    let texts = fields.optional("from").map(|yaml| reader.texts(yaml, "an address")).unwrap_or_default();
    let mut sources = Vec::new();
    for text in texts {
        match (text.text.parse::<IpAddr>(), text.text.parse::<SocketAddr>()) {
            (Ok(address), _) => sources.push((address, 0)),
            (_, Ok(socket)) => sources.push((socket.ip(), socket.port())),
            _ => address_error(text, reader),
        }
    }
    let transport = fields.optional("transport").and_then(|yaml| {
        let text = reader.text(yaml, "a transport")?;
        let found = Transport::named(&text.text).filter(|transport| !transport.is_web());
        if found.is_none() {
            reader.unknown(text.place, "transport", &text.text, ["udp", "tcp", "tls"]);
        }
        found
    });
    let transport = transport.unwrap_or(Transport::Udp);
    let outbound = fields.optional("out").and_then(|yaml| {
        let text = reader.text(yaml, "an address")?;
        let alone = text.text.parse().map(|address| SocketAddr::new(address, transport.default_port()));
        alone.or_else(|_| text.text.parse()).map_err(|_| address_error(text, reader)).ok()
    });
    let certificate_name = fields.optional("certificate").and_then(|yaml| reader.name(yaml, "a host name"));
    let trusted = fields.truth(reader, "trusted", false);
    let register = fields.optional("register").and_then(|yaml| registration(yaml, reader));
    let srtp = fields.optional("srtp").and_then(|yaml| srtp(yaml, reader));
    let dtmf = fields.optional("dtmf").and_then(|yaml| dtmf(yaml, reader));
    let codecs = fields.optional("codecs").and_then(|yaml| codecs(yaml, reader));
    Some(Trunk {
        name: Name::from(key.text.as_str()),
        sources,
        outbound,
        transport,
        certificate_name: certificate_name.map(|name| name.to_string()),
        trusted,
        register,
        srtp,
        codecs,
        dtmf,
    })
}

/// `no`, `optional`, `required` or `dtls`
fn srtp(yaml: &Yaml, reader: &mut Reader<'_>) -> Option<SrtpPolicy> {
    let text = reader.text(yaml, "no, optional, required or dtls")?;
    match text.text.as_str() {
        "no" => Some(SrtpPolicy::No),
        "optional" => Some(SrtpPolicy::Optional),
        "required" => Some(SrtpPolicy::Required),
        "dtls" => Some(SrtpPolicy::Dtls),
        other => {
            reader.unknown(text.place, "policy of SRTP", other, ["no", "optional", "required", "dtls"]);
            None
        }
    }
}

/// `audio` or `info`
fn dtmf(yaml: &Yaml, reader: &mut Reader<'_>) -> Option<Dtmf> {
    let text = reader.text(yaml, "audio or info")?;
    match text.text.as_str() {
        "audio" => Some(Dtmf::Audio),
        "info" => Some(Dtmf::Info),
        other => {
            reader.unknown(text.place, "way of key presses", other, ["audio", "info"]);
            None
        }
    }
}

/// `[opus, pcmu]`: at least one, and each once.
fn codecs(yaml: &Yaml, reader: &mut Reader<'_>) -> Option<Vec<Codec>> {
    let before = reader.diagnostics.len();
    let named = |codec: &Codec| codec.name().to_lowercase();
    let mut codecs: Vec<Codec> = Vec::new();
    for text in reader.texts(yaml, "a codec") {
        match Codec::SUPPORTED.iter().find(|codec| named(codec) == text.text) {
            Some(codec) if codecs.contains(codec) => {
                reader.error(text.place, format!("\"{}\" is named twice", text.text));
            }
            Some(codec) => codecs.push(*codec),
            None => {
                let names: Vec<String> = Codec::SUPPORTED.iter().map(named).collect();
                reader.unknown(text.place, "codec", &text.text, names.iter().map(String::as_str));
            }
        }
    }
    if reader.diagnostics.len() > before {
        return None;
    }
    if codecs.is_empty() {
        reader.error_hint(
            yaml.place,
            "no codec is left to talk in",
            "write [pcmu, pcma], which every telephone has",
        );
        return None;
    }
    if !codecs.iter().any(|codec| matches!(codec, Codec::Pcmu | Codec::Pcma)) {
        let hint = "with pcmu or pcma at the end nobody is refused for it".to_owned();
        reader.warning(yaml.place, "a phone that has nothing but G.711 is refused", Some(hint));
    }
    Some(codecs)
}

fn address_error(text: &Text, reader: &mut Reader<'_>) {
    let message = format!("\"{}\" is not an address", text.text);
    reader.error_hint(text.place, message, "write 192.0.2.7 or 192.0.2.7:5060, no host name");
}

fn registration(yaml: &Yaml, reader: &mut Reader<'_>) -> Option<TrunkRegistration> {
    let mut fields = reader.fields(yaml, "a registration")?;
    let registrar = fields.require(reader, "at").and_then(|yaml| sip_uri(yaml, reader));
    let username = fields.require(reader, "as").and_then(|yaml| reader.name(yaml, "a user name"));
    let password_env =
        fields.require(reader, "password_env").and_then(|yaml| reader.name(yaml, "a variable"));
    let expires = fields.duration(reader, "every", Duration::from_secs(600));
    fields.finish(reader);
    Some(TrunkRegistration {
        registrar: registrar?,
        username: username?.to_string(),
        password_env: password_env?.to_string(),
        expires_s: u32::try_from(expires.as_secs().max(60)).unwrap_or(600),
    })
}

/// `sip:user@host:port`, user and port optional.
pub(crate) fn sip_uri(yaml: &Yaml, reader: &mut Reader<'_>) -> Option<Uri> {
    let text = reader.text(yaml, "a SIP address")?;
    let parsed = text.text.strip_prefix("sip:").and_then(|rest| {
        let (user, host) = match rest.split_once('@') {
            Some((user, host)) => (Some(user), host),
            None => (None, rest),
        };
        let (host, port) = match host.rsplit_once(':') {
            Some((host, port)) => (host, Some(port.parse::<u16>().ok()?)),
            None => (host, None),
        };
        let odd = |text: &str| text.is_empty() || text.contains([';', '?', '<', '>', '"', ' ', ':', '@']);
        (!odd(host) && !user.is_some_and(odd)).then(|| Uri::sip(user, host, port))
    });
    if parsed.is_none() {
        let message = format!("\"{}\" is not a SIP address", text.text);
        reader.error_hint(text.place, message, "write it as: sip:alice@192.0.2.7:5060");
    }
    parsed
}
