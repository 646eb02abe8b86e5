//! `menu`: asks for one key and goes where it leads.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Deserialize;
use serde::Serialize;

use crate::base::Name;
use crate::fact::What;
use crate::flow::again::Again;
use crate::flow::api::ExitName;
use crate::flow::fields::Fields;
use crate::flow::model::NodeIndex;
use crate::flow::model::Prompt;
use crate::flow::node;
use crate::flow::node::Exit;
use crate::flow::node::OTHERWISE;
use crate::flow::read::Reader;
use crate::flow::step::Input;
use crate::flow::step::Next;
use crate::flow::step::Step;
use crate::flow::yaml::Text;
use crate::flow::yaml::Value;
use crate::flow::yaml::Yaml;

/// One key, one way.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Menu {
    pub prompts: Vec<Prompt>,
    pub choices: BTreeMap<char, Choice>,
    /// Heard before the menu again, after silence.
    pub no_input: Again,
    /// Heard before the menu again, after a key that is no choice.
    pub no_match: Again,
    /// How often the menu is heard in all before the caller goes on by `otherwise`. Default 3.
    pub tries: u32,
    /// How long the caller has from the end of the prompts. Default 5 s.
    pub wait: Duration,
    /// Whether a key stops the prompts. Default yes.
    pub barge_in: bool,
    pub otherwise: NodeIndex,
}

/// What a key stands for.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Choice {
    pub label: Name,
    pub then: NodeIndex,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct State {
    tries: u32,
}

impl Menu {
    pub fn read(fields: &mut Fields<'_>, reader: &mut Reader<'_>) -> Menu {
        let prompts = fields.must_hear(reader, "menu");
        let tries = tries(fields, reader, 3);
        let choices = fields.require(reader, "choices").map(|yaml| choices(yaml, reader)).unwrap_or_default();
        Menu {
            prompts,
            choices,
            no_input: Again::read(fields, reader, "no_input", tries),
            no_match: Again::read(fields, reader, "no_match", tries),
            tries,
            wait: fields.duration(reader, "wait", Duration::from_secs(5)),
            barge_in: fields.truth(reader, "barge_in", true),
            otherwise: fields.exit(reader, "otherwise"),
        }
    }

    pub fn exits(&self) -> Vec<Exit> {
        let choices =
            self.choices.iter().map(|(key, choice)| Exit::by_caller(ExitName::Key(*key), choice.then));
        choices.chain([Exit::plain(OTHERWISE, self.otherwise)]).collect()
    }

    pub fn enter(&self, step: &mut Step<'_>) -> (node::State, Next) {
        // Keys that came ahead are the answer; who keys ahead has heard the question before.
        let next = if step.has_kept() { Next::Stay } else { self.ask(step, &[]) };
        (node::State::Menu(State { tries: 1 }), next)
    }

    pub fn handle(&self, state: &mut State, step: &mut Step<'_>, input: Input) -> Next {
        match input {
            Input::PlayEnded => {
                step.wait(self.wait);
                Next::Stay
            }
            Input::Digit { digit, told } => {
                step.heard(digit, told);
                self.digit(state, step, digit)
            }
            Input::Timer => {
                step.fact(What::NoInput { node: Name::clone(step.node) });
                self.again(state, step, self.no_input.after(state.tries))
            }
            Input::Verified(_)
            | Input::Fetched { .. }
            | Input::Bot(_)
            | Input::Transferred(_)
            | Input::Message(_) => Next::Stay,
        }
    }

    fn digit(&self, state: &mut State, step: &mut Step<'_>, digit: char) -> Next {
        if let Some(choice) = self.choices.get(&digit) {
            let (node, choice_name) = (Name::clone(step.node), Name::clone(&choice.label));
            step.fact(What::Chose { node, digit, choice: choice_name });
            return Next::Go(ExitName::Key(digit), choice.then);
        }
        step.fact(What::NoMatch { node: Name::clone(step.node), digit });
        step.forget_kept();
        self.again(state, step, self.no_match.after(state.tries))
    }

    fn again(&self, state: &mut State, step: &mut Step<'_>, before: &[Prompt]) -> Next {
        if state.tries >= self.tries {
            return Next::Go(OTHERWISE, self.otherwise);
        }
        state.tries += 1;
        self.ask(step, before)
    }

    fn ask(&self, step: &mut Step<'_>, before: &[Prompt]) -> Next {
        step.ask(&[before, &self.prompts], self.barge_in, self.wait)
    }
}

/// How often a question is put in all: `tries`, 1 to 10.
pub(crate) fn tries(fields: &mut Fields<'_>, reader: &mut Reader<'_>, default: u32) -> u32 {
    let tries = fields.optional("tries").and_then(|yaml| reader.number(yaml, 1, 10));
    tries.and_then(|tries| u32::try_from(tries).ok()).unwrap_or(default)
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
