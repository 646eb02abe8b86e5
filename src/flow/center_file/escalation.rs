//! `escalation` in `center.yaml`: whom an agent asks who cannot settle it, how long, who is next, and what a caller may be
//! promised meanwhile.

use std::time::Duration;

use crate::base::Name;
use crate::fact::PromiseKind;
use crate::fact::Target;
use crate::flow::center_file::talk::said;
use crate::flow::escalation::Level;
use crate::flow::escalation::MayPromise;
use crate::flow::read::Reader;
use crate::flow::read::fields::Fields;
use crate::flow::read::yaml::Place;
use crate::flow::read::yaml::Text;
use crate::flow::read::yaml::Yaml;

/// How long a level has to answer when nothing is said.
const WITHIN: Duration = Duration::from_secs(30);
/// The longest that it has: a caller is held for it.
const LONGEST: Duration = Duration::from_secs(120);

/// Reads the levels; the first is where an escalation begins.
pub(super) fn levels(yaml: &Yaml, reader: &mut Reader<'_>) -> Vec<Level> {
    let levels = reader.entries(yaml, "levels of escalation", |key, fields, reader| {
        let (level, next) = level(key, fields, reader)?;
        Some((level, key.place, next))
    });
    check(&levels, reader);
    levels.into_iter().map(|(level, ..)| level).collect()
}

/// `{ when: [a refund], to: { queue: billing }, within: 30s, next: manager, promise: { … } }`
fn level(key: &Text, fields: &mut Fields<'_>, reader: &mut Reader<'_>) -> Option<(Level, Option<Place>)> {
    let when = fields.optional("when").map(|yaml| said(yaml, reader)).unwrap_or_default();
    let to = fields.require(reader, "to").and_then(|yaml| target(yaml, reader));
    let within = fields.duration(reader, "within", WITHIN);
    if within > LONGEST {
        let message = format!("a held caller waits {} s at most for one level", LONGEST.as_secs());
        reader.error_hint(key.place, message, "write less after \"within\"");
    }
    let next =
        fields.optional("next").and_then(|yaml| Some((reader.name(yaml, "the next level")?, yaml.place)));
    let promise = fields.optional("promise").and_then(|yaml| may_promise(yaml, reader));
    let (next, place) = next.unzip();
    Some((Level { name: Name::from(key.text.as_str()), when, to: to?, within, next, promise }, place))
}

/// `{ agent: dave }`, `{ queue: billing }` or `{ number: "+12025550199" }`
fn target(yaml: &Yaml, reader: &mut Reader<'_>) -> Option<Target> {
    let mut fields = reader.fields(yaml, "who is asked")?;
    let agent = fields.optional("agent").and_then(|yaml| reader.text(yaml, "an agent"));
    let queue = fields.optional("queue").and_then(|yaml| reader.text(yaml, "a queue"));
    let number = fields.optional("number").and_then(|yaml| reader.text(yaml, "a telephone number"));
    fields.finish(reader);
    match (agent, queue, number) {
        (Some(agent), None, None) => {
            reader.agent(agent);
            Some(Target::Agent(Name::from(agent.text.as_str())))
        }
        (None, Some(queue), None) => {
            reader.queue(queue)?;
            Some(Target::Queue(Name::from(queue.text.as_str())))
        }
        (None, None, Some(number)) => Some(Target::Number(number.text.clone())),
        _ => {
            let hint = "write { agent: dave }, { queue: billing } or { number: \"+12025550199\" }";
            reader.error_hint(yaml.place, "one agent, queue or number is asked", hint);
            None
        }
    }
}

/// `{ kind: callback, within: 4h, words: an engineer calls back }`
fn may_promise(yaml: &Yaml, reader: &mut Reader<'_>) -> Option<MayPromise> {
    let mut fields = reader.fields(yaml, "what may be promised")?;
    let kind = fields.require(reader, "kind").and_then(|yaml| {
        let known = [("callback", PromiseKind::Callback), ("answer", PromiseKind::Answer)];
        reader.one_of(yaml, "kind of promise", known)
    });
    let within = fields.require(reader, "within").and_then(|yaml| reader.duration(yaml));
    let words = fields.optional("words").and_then(|yaml| reader.text(yaml, "words"));
    let words = words.map(|text| text.text.clone()).unwrap_or_default();
    fields.finish(reader);
    Some(MayPromise { kind: kind?, within: within?, words })
}

/// Every level leads to another one, and at last to something that a caller can be promised.
fn check(levels: &[(Level, Place, Option<Place>)], reader: &mut Reader<'_>) {
    let find = |name: &Name| levels.iter().find(|(level, ..)| level.name == *name);
    for (level, place, next_place) in levels {
        match (&level.next, next_place) {
            (Some(next), Some(at)) if find(next).is_none() => {
                reader.unknown(
                    *at,
                    "level of escalation",
                    next,
                    levels.iter().map(|(level, ..)| &*level.name),
                );
            }
            (None, _) if level.promise.is_none() => {
                let message =
                    format!("nobody may answer at \"{}\", and nothing can be promised then", level.name);
                let hint = "add a \"next\" level, or \"promise: { kind: callback, within: 4h }\"";
                reader.error_hint(*place, message, hint);
            }
            _ => {}
        }
        let (mut at, mut steps) = (level.next.as_ref(), 0);
        while let Some((next, ..)) = at.and_then(find) {
            steps += 1;
            if next.name == level.name {
                let message = format!("\"{}\" comes after itself: nobody is ever the last", level.name);
                reader.error(*place, message);
            }
            if next.name == level.name || steps > levels.len() {
                break;
            }
            at = next.next.as_ref();
        }
    }
}
