//! `menu`: asks for one key and goes where it leads.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::base::Name;
use crate::fact::What;
use crate::flow::api::ExitName;
use crate::flow::model::NodeIndex;
use crate::flow::node;
use crate::flow::node::Exit;
use crate::flow::node::OTHERWISE;
use crate::flow::node::question::Answer;
use crate::flow::node::question::Put;
use crate::flow::node::question::Question;
use crate::flow::read::Reader;
use crate::flow::read::fields::Fields;
use crate::flow::read::yaml::Text;
use crate::flow::read::yaml::Value;
use crate::flow::read::yaml::Yaml;
use crate::flow::step::Input;
use crate::flow::step::Next;
use crate::flow::step::Step;

/// One key, one way.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Menu {
    /// Heard three times in all, where the file says nothing else, with 5 s for a key.
    pub question: Question,
    pub choices: BTreeMap<char, Choice>,
    pub otherwise: NodeIndex,
}

/// What a key stands for.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Choice {
    pub label: Name,
    pub then: NodeIndex,
}

impl Menu {
    pub fn read(fields: &mut Fields<'_>, reader: &mut Reader<'_>) -> Menu {
        let question = Question::read(fields, reader, "menu", 3, Duration::from_secs(5));
        let question = question.with_again(fields, reader);
        let choices = fields.require(reader, "choices").map(|yaml| choices(yaml, reader)).unwrap_or_default();
        Menu {
            question: Question { barge_in: fields.truth(reader, "barge_in", true), ..question },
            choices,
            otherwise: fields.exit(reader, "otherwise"),
        }
    }

    pub fn exits(&self) -> Vec<Exit> {
        let choices =
            self.choices.iter().map(|(key, choice)| Exit::by_caller(ExitName::Key(*key), choice.then));
        choices.chain([Exit::plain(OTHERWISE, self.otherwise)]).collect()
    }

    pub fn enter(&self, step: &mut Step<'_>) -> (node::State, Next) {
        (node::State::Menu(self.question.put(step)), Next::Stay)
    }

    pub fn handle(&self, put: &mut Put, step: &mut Step<'_>, input: Input) -> Next {
        match self.question.handle(put, step, input, |key| self.choices.get(&key)) {
            Answer::Key(digit, choice) => {
                let (node, label) = (Name::clone(step.node), Name::clone(&choice.label));
                step.fact(What::Chose { node, digit, choice: label });
                Next::Go(ExitName::Key(digit), choice.then)
            }
            Answer::NotYet => Next::Stay,
            Answer::Never => Next::Go(OTHERWISE, self.otherwise),
        }
    }
}

/// A key of a telephone.
pub(crate) fn key(text: &Text, reader: &mut Reader<'_>) -> Option<char> {
    key_of(&text.text, text, reader)
}

/// One key, or several that lead to the same: `1 or 2`.
fn keys(text: &Text, reader: &mut Reader<'_>) -> Vec<char> {
    text.text.split(" or ").filter_map(|key| key_of(key.trim(), text, reader)).collect()
}

fn key_of(key: &str, text: &Text, reader: &mut Reader<'_>) -> Option<char> {
    let mut keys = key.chars();
    match (keys.next(), keys.next()) {
        (Some(digit @ ('0'..='9' | '*' | '#')), None) => Some(digit),
        _ => {
            let message = format!("\"{key}\" is not a key of a telephone");
            reader.error_hint(text.place, message, "a key is 0 to 9, \"*\" or \"#\"");
            None
        }
    }
}

fn choices(yaml: &Yaml, reader: &mut Reader<'_>) -> BTreeMap<char, Choice> {
    let mut choices = BTreeMap::new();
    let Value::Map(entries) = &yaml.value else {
        reader.error_hint(
            yaml.place,
            "choices are written as \"key: node\" lines",
            "for example: 1: to_billing",
        );
        return choices;
    };
    if entries.is_empty() {
        reader.error(yaml.place, "this menu has no choices");
    }
    for (key, value) in entries {
        let keys = keys(key, reader);
        if keys.is_empty() {
            continue;
        }
        let Some(choice) = choice(value, reader) else { continue };
        for digit in keys {
            if choices.insert(digit, choice.clone()).is_some() {
                reader.error(key.place, format!("the key {digit} is a choice already"));
            }
        }
    }
    choices
}

fn choice(yaml: &Yaml, reader: &mut Reader<'_>) -> Option<Choice> {
    if let Value::Text(_) = &yaml.value {
        let text = reader.text(yaml, "the name of a node")?;
        return Some(Choice { label: Name::from(text.text.as_str()), then: reader.node(text) });
    }
    let mut fields = reader.fields(yaml, "a choice")?;
    let label = fields.require(reader, "label").and_then(|yaml| reader.name(yaml, "a label"));
    let then = fields.exit(reader, "then");
    fields.finish(reader);
    Some(Choice { label: label?, then })
}
