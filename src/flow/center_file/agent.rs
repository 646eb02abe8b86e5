//! An agent of `center.yaml`: what they can and until when, when they work, how they are reached.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use jiff::civil::Date;

use crate::base::Name;
use crate::base::SkillId;
use crate::base::WallTime;
use crate::flow::center::AgentContact;
use crate::flow::center::PhonesShow;
use crate::flow::center_file::ring::auto_answer;
use crate::flow::center_file::talk::phones_show;
use crate::flow::center_file::trunk::sip_uri;
use crate::flow::hours;
use crate::flow::hours::Hours;
use crate::flow::needs;
use crate::flow::read::Reader;
use crate::flow::read::fields::Fields;
use crate::flow::read::yaml::Text;
use crate::flow::read::yaml::Value;
use crate::flow::read::yaml::Yaml;
use crate::queue::api::AgentConfig;
use crate::queue::api::Need;

/// An agent, as the file says it.
pub(crate) struct AgentRead {
    pub agent: AgentConfig,
    pub contact: AgentContact,
    pub extension: Option<Text>,
    /// When they work; none: at any time.
    pub hours: Option<Arc<Hours>>,
    /// The skills that they have for a while.
    pub dated: Vec<Dated>,
    /// After how long their phones take a queue's calls by themselves.
    pub answers: Option<Duration>,
    /// What they show of a queue's calls; none: as the queue says.
    pub sees: Option<PhonesShow>,
    /// Names of colleagues who may not have been read yet.
    pub learns_from: Vec<Text>,
}

/// A skill that somebody has from or until a day.
pub(crate) struct Dated {
    pub skill: SkillId,
    pub from: Option<WallTime>,
    pub until: Option<WallTime>,
}

pub(crate) fn agent(key: &Text, fields: &mut Fields<'_>, reader: &mut Reader<'_>) -> Option<AgentRead> {
    needs::not_nobody(key, "agent", reader);
    let (skills, dated) = fields.optional("skills").map(|yaml| levels(yaml, reader)).unwrap_or_default();
    let hours = fields.optional("hours").and_then(|yaml| reader.hours(yaml));
    let extension = fields.optional("extension").and_then(|yaml| reader.text(yaml, "digits")).cloned();
    let answers = fields.optional("auto_answer").and_then(|yaml| auto_answer(yaml, reader));
    let sees = fields.optional("phones_show").and_then(|yaml| phones_show(yaml, reader));
    let learns_from = fields.optional("learns_from").map(|yaml| reader.texts(yaml, "the name of an agent"));
    let learns_from: Vec<Text> = learns_from.into_iter().flatten().cloned().collect();
    let contact = fields.optional("contact").and_then(|yaml| sip_uri(yaml, reader));
    let ready =
        fields.optional("ready").map(|yaml| (reader.name(yaml, "always, when registered or by hand"), yaml));
    let (word, place) = match &ready {
        Some((word, yaml)) => (word.as_deref()?, yaml.place),
        None => (if contact.is_some() { "always" } else { "when registered" }, key.place),
    };
    let (contact, always_ready) = match (word, contact) {
        ("always", Some(uri)) => (AgentContact::Fixed(uri), true),
        ("by hand", Some(uri)) => (AgentContact::Fixed(uri), false),
        ("by hand", None) => (AgentContact::Registered { ready_when_registered: false }, false),
        ("when registered", None) => (AgentContact::Registered { ready_when_registered: true }, false),
        ("always", None) => {
            let hint =
                format!("add \"contact: sip:{}@host:port\", or write \"ready: when registered\"", key.text);
            reader.error_hint(place, "only an agent with a fixed contact is always ready", hint);
            return None;
        }
        ("when registered", Some(_)) => {
            let hint = "write \"ready: always\" or \"ready: by hand\"";
            reader.error_hint(place, "an agent with a fixed contact does not register", hint);
            return None;
        }
        (other, _) => {
            reader.unknown(place, "way of being ready", other, ["always", "when registered", "by hand"]);
            return None;
        }
    };
    let agent = AgentConfig { name: Name::from(key.text.as_str()), skills, always_ready, gone: false };
    Some(AgentRead { agent, contact, extension, hours, dated, answers, sees, learns_from })
}

/// The agents, each in the place that they have in the center that is served already, or behind all of that; and in between
/// who is an agent no more.
pub(crate) fn in_their_places(agents: Vec<AgentRead>, roster: &[Name]) -> Vec<AgentRead> {
    let (mut known, new): (Vec<AgentRead>, Vec<AgentRead>) =
        agents.into_iter().partition(|read| roster.contains(&read.agent.name));
    let mut in_place = |name: &Name| {
        let place = known.iter().position(|read| read.agent.name == *name);
        place.map_or_else(|| AgentRead::gone(name), |place| known.swap_remove(place))
    };
    let places: Vec<AgentRead> = roster.iter().map(&mut in_place).collect();
    places.into_iter().chain(new).collect()
}

impl AgentRead {
    /// The place of who was an agent.
    fn gone(name: &Name) -> AgentRead {
        let (skills, always_ready) = (Vec::new(), false);
        AgentRead {
            agent: AgentConfig { name: Name::clone(name), skills, always_ready, gone: true },
            contact: AgentContact::Registered { ready_when_registered: false },
            extension: None,
            hours: None,
            dated: Vec::new(),
            answers: None,
            sees: None,
            learns_from: Vec::new(),
        }
    }
}

/// Who learns from whom; reports whom there is not, who learns from themselves, and who is named twice.
pub(crate) fn learners(agents: &[AgentRead], reader: &mut Reader<'_>) -> BTreeMap<Name, Vec<Name>> {
    let mut learners = BTreeMap::new();
    for read in agents.iter().filter(|read| !read.learns_from.is_empty()) {
        let name = &read.agent.name;
        let mut from: Vec<Name> = Vec::new();
        for text in &read.learns_from {
            if *text.text == **name {
                let message = format!("{name} cannot learn from themselves");
                reader.error_hint(text.place, message, "name a colleague whose talks they may hear");
            } else if from.iter().any(|known| **known == *text.text) {
                reader.error(text.place, format!("the agent \"{}\" is given twice", text.text));
            } else if reader.agent(text).is_some() {
                from.push(Name::from(text.text.as_str()));
            }
        }
        learners.insert(Name::clone(name), from);
    }
    learners
}

/// `{ billing: 7, support: { level: 3, until: 2027-03-01 } }`, sorted by skill; and those that have a date.
fn levels(yaml: &Yaml, reader: &mut Reader<'_>) -> (Vec<Need>, Vec<Dated>) {
    let Value::Map(entries) = &yaml.value else {
        reader.error_hint(yaml.place, "skills are written with their levels", "for example: { billing: 7 }");
        return Default::default();
    };
    let (mut levels, mut dated) = (Vec::new(), Vec::new());
    for (key, value) in entries {
        let skill = reader.skill(key.place, &key.text);
        let (level, dates) = match &value.value {
            Value::Map(_) => {
                let Some((level, dates)) = level_with_dates(value, reader) else { continue };
                (Some(level), dates)
            }
            _ => (reader.text(value, "a level"), (None, None)),
        };
        let level = level.and_then(|text| reader.level(text.place, &text.text));
        let (Some(skill), Some(level)) = (skill, level) else { continue };
        levels.push(Need { skill, level });
        if let (from @ Some(_), until) | (from, until @ Some(_)) = dates {
            dated.push(Dated { skill, from, until });
        }
    }
    levels.sort();
    (levels, dated)
}

/// From when until when.
type Dates = (Option<WallTime>, Option<WallTime>);

/// `{ level: 3, from: 2026-12-01, until: 2027-02-28 }`: from the beginning of the first day to the end of the last.
fn level_with_dates<'y>(yaml: &'y Yaml, reader: &mut Reader<'_>) -> Option<(&'y Text, Dates)> {
    let mut fields = reader.fields(yaml, "a skill")?;
    let level = fields.require(reader, "level").and_then(|yaml| reader.text(yaml, "a level"));
    let mut day = |key| fields.optional(key).and_then(|yaml| day(yaml, reader));
    let (from, until) = (day("from"), day("until"));
    fields.finish(reader);
    if let (Some(from), Some(until)) = (from, until)
        && from > until
    {
        reader.error(yaml.place, format!("this skill ends on {until}, before it begins on {from}"));
    }
    let zone = reader.names.time_zone.clone();
    let begins = |day: Date| hours::begin(day, &zone);
    let after = until.and_then(|until| until.tomorrow().ok());
    Some((level?, (from.and_then(begins), after.and_then(begins))))
}

/// `2026-12-24`
pub(crate) fn day(yaml: &Yaml, reader: &mut Reader<'_>) -> Option<Date> {
    let text = reader.text(yaml, "a day")?;
    let day = hours::date(&text.text);
    if day.is_none() {
        reader.error_hint(text.place, format!("\"{}\" is not a date", text.text), "write it as: 2026-12-24");
    }
    day
}
