//! `evaluations` in `center.yaml`: the forms by which talks are judged, and which talks are drawn for it.

use std::time::Duration;

use crate::base::Name;
use crate::fact::evaluation::FilledBy;
use crate::fact::evaluation::Form;
use crate::fact::evaluation::Item;
use crate::fact::evaluation::Rule;
use crate::fact::evaluation::Sample;
use crate::flow::read::Reader;
use crate::flow::read::fields::Fields;
use crate::flow::read::yaml::Text;
use crate::flow::read::yaml::Value;
use crate::flow::read::yaml::Yaml;

/// The most that one item is worth.
const MOST_POINTS: i64 = 100;
/// The most talks of an agent that are drawn for a week.
const MOST_TALKS: i64 = 100;
/// A shorter talk is not drawn where nothing is said.
const AT_LEAST: Duration = Duration::from_secs(30);

/// `talk: { items: { … }, sample: { talks: 2, at_least: 1m } }`
pub(crate) fn forms(yaml: &Yaml, reader: &mut Reader<'_>) -> Vec<Form> {
    reader.entries(yaml, "evaluations", form)
}

fn form(key: &Text, fields: &mut Fields<'_>, reader: &mut Reader<'_>) -> Option<Form> {
    let items = fields.require(reader, "items").map(|yaml| items(yaml, reader)).unwrap_or_default();
    let sample = fields.optional("sample").and_then(|yaml| sample(yaml, reader));
    Some(Form { name: Name::from(key.text.as_str()), items, sample })
}

fn items(yaml: &Yaml, reader: &mut Reader<'_>) -> Vec<Item> {
    let Value::Map(entries) = &yaml.value else {
        reader.error_hint(
            yaml.place,
            "the items of a form are written as \"name: …\"",
            "for example: listened: { ask: How well did they listen?, points: 5 }",
        );
        return Vec::new();
    };
    entries.iter().filter_map(|(key, yaml)| item(key, yaml, reader)).collect()
}

/// `{ ask: How well did they listen?, points: 5 }`, or `{ from: asked before hold, queues: [billing] }`
fn item(key: &Text, yaml: &Yaml, reader: &mut Reader<'_>) -> Option<Item> {
    let mut fields = reader.fields(yaml, "an item of a form")?;
    let points = fields.optional("points").and_then(|yaml| reader.number(yaml, 1, MOST_POINTS)).unwrap_or(1);
    let question = fields.optional("ask").and_then(|yaml| reader.text(yaml, "a question"));
    let rule = fields.optional("from").and_then(|yaml| rule(yaml, &mut fields, reader));
    let filled = match (question, rule) {
        (Some(question), None) => Some(FilledBy::Hand { question: question.text.clone() }),
        (None, Some(filled)) => Some(filled),
        _ => {
            let hint = "add \"ask: a question?\" or \"from: asked before hold\"";
            reader.error_hint(key.place, "an item is either asked of a person, or read from the facts", hint);
            None
        }
    };
    fields.finish(reader);
    let points = u32::try_from(points).unwrap_or(1);
    Some(Item { name: Name::from(key.text.as_str()), filled: filled?, points })
}

fn rule(yaml: &Yaml, fields: &mut Fields<'_>, reader: &mut Reader<'_>) -> Option<FilledBy> {
    let rule = reader.one_of(yaml, "rule of evaluations", Rule::ALL.map(|rule| (rule.words(), rule)))?;
    let texts = fields.optional("queues").map(|yaml| reader.texts(yaml, "the name of a queue"));
    let mut queues = Vec::new();
    for text in texts.into_iter().flatten() {
        if reader.queue(text).is_some() {
            queues.push(Name::from(text.text.as_str()));
        }
    }
    Some(FilledBy::Facts { rule, queues })
}

/// `{ talks: 2, at_least: 1m }`: so many of each agent and week.
fn sample(yaml: &Yaml, reader: &mut Reader<'_>) -> Option<Sample> {
    let mut fields = reader.fields(yaml, "which talks are drawn")?;
    let talks = fields.require(reader, "talks").and_then(|yaml| reader.number(yaml, 1, MOST_TALKS));
    let at_least = fields.duration(reader, "at_least", AT_LEAST);
    fields.finish(reader);
    Some(Sample { talks: u32::try_from(talks?).unwrap_or(1), at_least })
}
