//! What a waiting caller hears, as a queue in `center.yaml` says it.

use crate::fact::Party;
use crate::flow::center::WaitPrompts;
use crate::flow::fields::Fields;
use crate::flow::read::Reader;
use crate::flow::yaml::Text;
use crate::flow::yaml::Value;

/// The prompts of a queue: those that it names, else those that every queue has.
pub(crate) fn wait_prompts(fields: &mut Fields<'_>, reader: &mut Reader<'_>) -> WaitPrompts {
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
    };
    given.finish(reader);
    prompts
}
