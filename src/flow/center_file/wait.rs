//! What a waiting caller hears and may choose, as a queue in `center.yaml` says it.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::base::Name;
use crate::fact::Party;
use crate::flow::center::PlaceWords;
use crate::flow::center::WaitOffer;
use crate::flow::center::WaitPrompts;
use crate::flow::center::WaitWords;
use crate::flow::center_file::surge::surge;
use crate::flow::read::Reader;
use crate::flow::read::fields::Fields;
use crate::flow::read::yaml::Place;
use crate::flow::read::yaml::Text;
use crate::flow::read::yaml::Value;
use crate::flow::read::yaml::Yaml;
use crate::queue::api::SurgeRule;

/// What is said while callers wait comes no oftener.
const SHORTEST: Duration = Duration::from_secs(5);

/// The flows that a queue names, and where.
pub(crate) type Links = Vec<(Name, Place)>;

/// The prompts of a queue: those that it names, else those that every queue has. And what is said, and may be chosen; and
/// when it is in a surge.
pub(crate) fn wait_prompts(
    fields: &mut Fields<'_>,
    reader: &mut Reader<'_>,
) -> (WaitPrompts, Links, Option<SurgeRule>) {
    let mut links = Links::new();
    let waiting = fields.optional("waiting").and_then(|yaml| words(yaml, reader));
    let (words, position) = waiting.unzip();
    let offers = fields.optional("offers").map(|yaml| offers(yaml, &mut links, reader)).unwrap_or_default();
    let (surge_rule, surge) = surge(fields, &mut links, reader).unzip();
    let unserved_flow = unserved(fields, &mut links, reader);
    let empty = Vec::new();
    let own = fields.optional("prompts");
    let entries = match own.map(|yaml| (&yaml.value, yaml.place)) {
        Some((Value::Map(entries), _)) => entries,
        Some((_, place)) => {
            reader.error(place, "prompts are written as \"key: name of a prompt\" lines");
            &empty
        }
        None => &empty,
    };
    let mut given = Fields::new(own.map_or(fields.place, |yaml| yaml.place), entries);
    let mut prompt = |hears: Party, key: &'static str, default: &str| {
        let place = given.place;
        let default = Text { place, text: default.to_owned(), quoted: true };
        let own = given.optional(key).and_then(|yaml| reader.text(yaml, "a prompt")).cloned();
        let name = own.unwrap_or(default);
        let found = match hears {
            Party::Caller => reader.prompt(&name),
            _ => reader.agents_prompt(&name),
        };
        found.unwrap_or_default()
    };
    let place = position.flatten().map(|at| PlaceWords {
        before: prompt(Party::Caller, "position", "wait/position"),
        after: prompt(Party::Caller, "in_line", "wait/in-line"),
        at,
    });
    let words = words.map(|words| WaitWords { place, ..words });
    let prompts = WaitPrompts {
        all_busy: prompt(Party::Caller, "all_busy", "wait/all-busy"),
        less_than: prompt(Party::Caller, "less_than", "wait/less-than"),
        minute: prompt(Party::Caller, "minute", "units/minute"),
        minutes: prompt(Party::Caller, "minutes", "units/minutes"),
        question: prompt(Party::Caller, "question", "wait/question"),
        question_hold: prompt(Party::Caller, "question_hold", "wait/question-hold"),
        granted: prompt(Party::Caller, "granted", "wait/granted"),
        declined: prompt(Party::Caller, "declined", "wait/declined"),
        callback: prompt(Party::Caller, "callback", "wait/callback-promised"),
        check_in: prompt(Party::Caller, "check_in", "wait/check-in"),
        music: prompt(Party::Caller, "music", "hold-music"),
        unserved: prompt(Party::Caller, "unserved", "wait/sorry"),
        agent_calling_back: prompt(Party::Agent, "agent_calling_back", "wait/agent-calling-back"),
        callback_greeting: prompt(Party::Caller, "callback_greeting", "wait/callback-greeting"),
        words,
        offers,
        unserved_flow,
        surge,
    };
    given.finish(reader);
    (prompts, links, surge_rule)
}

/// `{ first: 15s, every: 60s, messages: [wait/web], offer: wait/offer, position: yes }`; and where the place in line is told.
fn words(yaml: &Yaml, reader: &mut Reader<'_>) -> Option<(WaitWords, Option<Place>)> {
    let mut fields = reader.fields(yaml, "what is said while callers wait")?;
    let mut time = |key, default_s| {
        let given = fields.optional(key).and_then(|yaml| Some((yaml.place, reader.duration(yaml)?)));
        let Some((place, given)) = given else { return Duration::from_secs(default_s) };
        if given < SHORTEST {
            let (least, got) = (SHORTEST.as_secs(), given.as_secs_f64());
            let message = format!("\"{key}\" is at least {least} s, got {got} s");
            reader.error_hint(place, message, "who is talked to all the time hears nothing of it");
        }
        given
    };
    let (first, every) = (time("first", 15), time("every", 60));
    let mut prompt = |yaml: &Yaml| -> Vec<Name> {
        let texts = reader.texts(yaml, "a prompt");
        texts.into_iter().filter_map(|text| reader.prompt(text)).collect()
    };
    let messages = fields.optional("messages").map(&mut prompt).unwrap_or_default();
    let offer = fields.optional("offer").and_then(|yaml| prompt(yaml).pop());
    let position = fields.optional("position").filter(|yaml| reader.truth(yaml) == Some(true));
    let position = position.map(|yaml| yaml.place);
    fields.finish(reader);
    Some((WaitWords { first, every, messages, offer, place: None }, position))
}

/// `unserved: message`, the flow that goes on with whom nobody serves.
pub(super) fn unserved(fields: &mut Fields<'_>, links: &mut Links, reader: &mut Reader<'_>) -> Option<Name> {
    let yaml = fields.optional("unserved")?;
    let name = reader.name(yaml, "the name of a flow")?;
    links.push((Name::clone(&name), yaml.place));
    Some(name)
}

/// `{ 2: callback, 3: leave_message }`
pub(super) fn offers(yaml: &Yaml, links: &mut Links, reader: &mut Reader<'_>) -> BTreeMap<char, WaitOffer> {
    let Value::Map(entries) = &yaml.value else {
        reader.error(yaml.place, "offers are written as \"key: callback\", or \"key: name of a flow\"");
        return BTreeMap::new();
    };
    let mut one = |(key, yaml): &(Text, Yaml)| {
        let mut chars = key.text.chars();
        let digit = match (chars.next(), chars.next()) {
            (Some(digit @ ('0' | '2'..='9' | '*' | '#')), None) => digit,
            _ => {
                let message = format!("\"{}\" is no key for an offer", key.text);
                reader.error_hint(key.place, message, "0, 2 to 9, * or #; 1 is the answer of who will hold");
                return None;
            }
        };
        let name = reader.name(yaml, "callback, or the name of a flow")?;
        if &*name == "callback" {
            return Some((digit, WaitOffer::Callback));
        }
        links.push((Name::clone(&name), yaml.place));
        Some((digit, WaitOffer::Flow(name)))
    };
    entries.iter().filter_map(&mut one).collect()
}
