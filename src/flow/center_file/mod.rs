//! `center.yaml`: the company, its numbers, skills, queues, agents and trunks.

mod agent;
mod alarm;
mod announcement;
mod escalation;
mod evaluation;
mod goal;
mod keep;
pub(crate) mod language;
mod lapse;
mod named;
pub(crate) mod number;
pub(crate) mod queue;
mod ring;
mod surge;
mod survey;
mod talk;
mod trunk;
mod wait;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use jiff::tz::TimeZone;

use crate::base::AgentId;
use crate::base::Name;
use crate::flow::Center;
use crate::flow::bot;
use crate::flow::center::AlarmPolicy;
use crate::flow::center::Trunk;
use crate::flow::center::WaitOffer;
use crate::flow::center_file::agent::Dated;
use crate::flow::center_file::agent::agent;
use crate::flow::center_file::agent::in_their_places;
use crate::flow::center_file::agent::learners;
use crate::flow::center_file::alarm::alarms;
use crate::flow::center_file::alarm::sensible;
use crate::flow::center_file::announcement::announcements;
use crate::flow::center_file::escalation::levels;
use crate::flow::center_file::goal::GoalRead;
use crate::flow::center_file::keep::KEEP_HISTORY;
use crate::flow::center_file::keep::KEEP_RECORDINGS;
use crate::flow::center_file::keep::days;
use crate::flow::center_file::keep::history;
use crate::flow::center_file::language::currency;
use crate::flow::center_file::language::languages;
use crate::flow::center_file::lapse::lapses;
use crate::flow::center_file::number::codes;
use crate::flow::center_file::number::extensions;
use crate::flow::center_file::number::numbers;
use crate::flow::center_file::queue::QueueRead;
use crate::flow::center_file::queue::agents_by;
use crate::flow::center_file::queue::nobody_serves;
use crate::flow::center_file::queue::queue;
use crate::flow::center_file::talk::outbound;
use crate::flow::center_file::talk::owner_first;
use crate::flow::center_file::trunk::believe_numbers;
use crate::flow::center_file::trunk::codecs;
use crate::flow::center_file::trunk::dtmf;
use crate::flow::center_file::trunk::srtp;
use crate::flow::center_file::trunk::trunk;
use crate::flow::center_file::wait::Links;
use crate::flow::hours;
use crate::flow::needs;
use crate::flow::read::Reader;
use crate::flow::read::fields::Fields;
use crate::flow::read::list;
use crate::flow::read::named;
use crate::flow::read::yaml::Place;
use crate::flow::read::yaml::Text;
use crate::flow::read::yaml::Yaml;
use crate::flow::service;
use crate::flow::speech;
use crate::flow::validity::Lapse;
use crate::flow::validity::Validity;
use crate::flow::webhook;
use crate::media::codec::Codec;
use crate::queue::api::AgentConfig;
use crate::queue::api::Config;
use crate::queue::api::Demand;
use crate::queue::api::Routing;
use crate::queue::api::Weights;

/// What the file says.
#[derive(Clone, Debug)]
pub(crate) struct CenterFile {
    /// Without its flows: they are not known yet.
    pub center: Center,
    /// What callers know it by: the company's name, where nothing else is said.
    pub brands: Vec<String>,
    /// The flow behind each number, and where it is named.
    pub numbers: BTreeMap<String, (Name, Place)>,
    /// The flows that each queue leads to.
    pub links: Vec<Links>,
    pub goals: Vec<GoalRead>,
}

/// The time zone that the file names, read alone.
pub(crate) fn named_zone(reader: &mut Reader<'_>, text: &str) -> Option<TimeZone> {
    let root = reader.tree(text)?;
    zone(&mut reader.fields(&root, "the center")?, reader)
}

fn zone(fields: &mut Fields<'_>, reader: &mut Reader<'_>) -> Option<TimeZone> {
    fields.optional("time_zone").and_then(|yaml| hours::zone(yaml, reader))
}

/// Reads the file; `reader.names` holds what flows may name afterwards.
pub(crate) fn read(reader: &mut Reader<'_>, text: &str) -> Option<CenterFile> {
    let root = reader.tree(text)?;
    let mut fields = reader.fields(&root, "the center")?;
    let company = fields.require(reader, "company").and_then(|yaml| reader.name(yaml, "the company's name"));
    let brands = fields.optional("brands").map(|yaml| reader.texts(yaml, "what callers know the center by"));
    let brands: Vec<String> = brands.into_iter().flatten().map(|text| text.text.clone()).collect();
    let (named_zone, mut over) = names(&mut fields, reader);
    let skills = fields.optional("skills").map(|yaml| skills(yaml, reader)).unwrap_or_default();
    let (skills, skill_places): (Vec<Name>, Vec<Place>) = skills.into_iter().unzip();
    reader.names.skills = skills.clone();
    let mut queues = all("queues", &mut fields, reader, queue);
    let alarms = alarms_of_all(&queues, &mut fields, reader);
    let agents_by = fields.optional("agents_by").and_then(|yaml| agents_by(yaml, reader));
    let owner_first = fields.optional("owner_first").and_then(|yaml| owner_first(yaml, reader));
    let phones_show = fields.optional("phones_show").and_then(|yaml| talk::phones_show(yaml, reader));
    for QueueRead { config, talk, .. } in &mut queues {
        config.agents_by = config.agents_by.or(agents_by);
        talk.owner_first = talk.owner_first.or(owner_first);
        talk.phones_show = talk.phones_show.or(phones_show);
    }
    reader.names.queues = queues.iter().map(|queue| Name::clone(&queue.config.name)).collect();
    let goals = all("goals", &mut fields, reader, goal::goal);
    goal::sensible(&goals, reader);
    let before = reader.diagnostics.len();
    let agents = all("agents", &mut fields, reader, agent);
    // Whom a queue is left without because of such a problem is not worth a second one.
    let all_agents_read = reader.diagnostics.len() == before;
    let agents = in_their_places(agents, &reader.names.roster);
    reader.names.agents = agents.iter().map(|read| named(&read.agent)).collect();
    let routing = fields.optional("routing").and_then(|yaml| routing(yaml, reader)).unwrap_or_default();
    let redial = fields.duration(reader, "redial", Duration::from_secs(120));
    let numbers = fields.require(reader, "numbers").map(|yaml| numbers(yaml, reader)).unwrap_or_default();
    reader.names.numbers = numbers.keys().cloned().collect();
    let feature_codes =
        fields.optional("feature_codes").map(|yaml| codes(yaml, &numbers, reader)).unwrap_or_default();
    let before = reader.diagnostics.len();
    let trunks = all("trunks", &mut fields, reader, trunk);
    if let Some(yaml) = fields.optional("trunks").filter(|_| reader.diagnostics.len() == before) {
        no_way_back(&trunks, &queues, yaml.place, reader);
    }
    let believed = fields.optional("believe_numbers").and_then(|yaml| believe_numbers(yaml, reader));
    let keep_recordings = fields.optional("keep_recordings").and_then(|yaml| days(yaml, reader));
    let keep_history = fields.optional("keep_history").and_then(|yaml| history(yaml, reader));
    let extensions = extensions(&agents, &numbers, &feature_codes, reader);
    let outbound = fields.optional("outbound").and_then(|yaml| outbound(yaml, &trunks, reader));
    let srtp = fields.optional("srtp").and_then(|yaml| srtp(yaml, reader)).unwrap_or_default();
    let dtmf = fields.optional("dtmf").and_then(|yaml| dtmf(yaml, reader)).unwrap_or_default();
    let codecs = fields.optional("codecs").and_then(|yaml| codecs(yaml, reader));
    let escalation = fields.optional("escalation").map(|yaml| levels(yaml, reader));
    let evaluations = fields.optional("evaluations").map(|yaml| evaluation::forms(yaml, reader));
    let webhooks = fields.optional("webhooks").map(|yaml| webhook::read(yaml, reader));
    fields.finish(reader);
    let company = company?.to_string();
    if all_agents_read {
        let agents: Vec<AgentConfig> = agents.iter().map(|read| read.agent.clone()).collect();
        for QueueRead { config, place, named, .. } in &mut queues {
            named.give(config, reader);
            nobody_serves(reader, &agents, &config.needs, &Demand::default(), &config.name, *place);
        }
    }
    let brands = if brands.is_empty() { vec![company.clone()] } else { brands };
    let mut center = Center {
        company,
        language: Name::clone(&reader.names.language),
        languages: reader.names.languages.clone(),
        engine: Config {
            skills,
            queues: Vec::new(),
            agents: Vec::new(),
            routing,
            redial,
            changes: Vec::new(),
        },
        contacts: Vec::new(),
        agent_hours: Vec::new(),
        validities: Vec::new(),
        lapses: Vec::new(),
        environment: std::mem::take(&mut reader.environment),
        numbers: numbers.iter().map(|(number, (flow, _))| (number.clone(), Name::clone(flow))).collect(),
        feature_codes,
        trunks,
        believe_numbers: believed.unwrap_or_default(),
        flows: BTreeMap::new(),
        prompts: Arc::new(reader.prompts.clone()),
        announcements: reader.names.announcements.clone(),
        speech: reader.names.speech.clone(),
        time_zone: reader.names.time_zone.clone(),
        named_zone,
        wait_prompts: Vec::new(),
        talk: Vec::new(),
        alarms,
        goals: goals.iter().map(|(goal, _)| goal.clone()).collect(),
        keep_recordings: keep_recordings.unwrap_or(KEEP_RECORDINGS),
        keep_history: keep_history.unwrap_or(Some(KEEP_HISTORY)),
        srtp,
        dtmf,
        codecs: codecs.unwrap_or_else(|| Codec::SUPPORTED.to_vec()),
        auto_answer: BTreeMap::new(),
        phones_show: BTreeMap::new(),
        learns_from: learners(&agents, reader),
        extensions,
        outbound: outbound.unwrap_or_default(),
        escalation: escalation.unwrap_or_default(),
        evaluations: evaluations.unwrap_or_default(),
        webhooks: webhooks.unwrap_or_default(),
    };
    let mut links = Vec::new();
    for queue in queues {
        center.engine.queues.push(queue.config);
        center.wait_prompts.push(queue.wait_prompts);
        center.talk.push(queue.talk);
        links.push(queue.links);
    }
    for (read, id) in agents.into_iter().zip(0..) {
        let validity = |Dated { skill, from, until }| Validity { agent: AgentId(id), skill, from, until };
        center.validities.extend(read.dated.into_iter().map(validity));
        center.engine.agents.push(read.agent);
        center.contacts.push(read.contact);
        center.agent_hours.push(read.hours);
        center.auto_answer.extend(read.answers.map(|after| (AgentId(id), after)));
        center.phones_show.extend(read.sees.map(|sees| (AgentId(id), sees)));
    }
    over.extend(lapses(&center, &skill_places, reader));
    center.lapses = over;
    Some(CenterFile { center, brands, numbers, links, goals })
}

/// Reads what flows and the rest of the file say by name, into `reader.names`; answers the zone that the file names, and what is to be
/// said of announcements once they are over.
fn names(fields: &mut Fields<'_>, reader: &mut Reader<'_>) -> (Option<TimeZone>, Vec<Lapse>) {
    let mut over = Vec::new();
    languages(fields, reader);
    if let Some(currency) = fields.optional("currency").and_then(|yaml| currency(yaml, reader)) {
        reader.names.currency = currency;
    }
    reader.names.speech = fields.optional("speech").and_then(|yaml| speech::read(yaml, reader)).map(Arc::new);
    let named_zone = zone(fields, reader);
    let zone = named_zone.clone().unwrap_or(TimeZone::UTC);
    reader.names.time_zone = zone.clone();
    if let Some(yaml) = fields.optional("hours") {
        reader.names.hours = hours::read(yaml, &zone, reader);
        over.extend(hours::lapses(yaml, &reader.names.hours, reader));
        if named_zone.is_none() {
            let hint = "name the center's, so that it opens by its own clock: time_zone: Europe/Berlin";
            reader.warning(
                yaml.place,
                "these hours go by UTC, for the center names no time_zone",
                Some(hint.to_owned()),
            );
        }
    }
    if let Some(yaml) = fields.optional("announcements") {
        let (announcements, lapses) = announcements(yaml, &zone, reader);
        reader.names.announcements = announcements;
        over.extend(lapses);
    }
    if let Some(yaml) = fields.optional("services") {
        reader.names.services = service::read(yaml, reader);
    }
    if let Some(yaml) = fields.optional("bots") {
        reader.names.bots = bot::read(yaml, reader);
    }
    (named_zone, over)
}

/// What is read of every entry under `key`; nothing where it is left out.
fn all<T>(
    key: &'static str,
    fields: &mut Fields<'_>,
    reader: &mut Reader<'_>,
    read: fn(&Text, &mut Fields<'_>, &mut Reader<'_>) -> Option<T>,
) -> Vec<T> {
    fields.optional(key).map(|yaml| reader.entries(yaml, key, read)).unwrap_or_default()
}

/// Warns of queues that would offer a callback to callers whom no trunk can call.
fn no_way_back(trunks: &[Trunk], queues: &[QueueRead], place: Place, reader: &mut Reader<'_>) {
    let called_back = |queue: &&QueueRead| {
        let offers = &queue.wait_prompts.offers;
        offers.is_empty() || offers.values().any(|offer| *offer == WaitOffer::Callback)
    };
    let offering: Vec<&str> = queues.iter().filter(called_back).map(|queue| &*queue.config.name).collect();
    if trunks.iter().any(|trunk| trunk.outbound.is_some()) || trunks.is_empty() {
        return;
    }
    if let Some(offering) = list(offering) {
        let message =
            format!("no trunk takes calls: whoever comes by one is not offered the callback of {offering}");
        reader.warning(place, message, Some("add \"out: address\" to a trunk".to_owned()));
    }
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

/// Each queue's alarms: its own, and what these do not say as the center has it.
fn alarms_of_all(queues: &[QueueRead], fields: &mut Fields<'_>, reader: &mut Reader<'_>) -> Vec<AlarmPolicy> {
    let (usual, _) = alarms(fields, reader);
    for QueueRead { config, alarms: (own, place), .. } in queues {
        sensible(config, own, *place, reader);
    }
    queues.iter().map(|queue| queue.alarms.0.or(&usual)).collect()
}

/// How calls and agents are brought together.
fn routing(yaml: &Yaml, reader: &mut Reader<'_>) -> Option<Routing> {
    let known = [
        ("service level", Routing::default()),
        ("most in target", Routing::ServiceLevel(Weights::most_in_target())),
        ("short tail", Routing::ServiceLevel(Weights::short_tail())),
        ("longest waiting", Routing::LongestWaiting),
    ];
    reader.one_of(yaml, "way of routing", known)
}
