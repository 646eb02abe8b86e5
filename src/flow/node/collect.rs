//! `collect`: asks for several digits and puts them into a variable.

use std::time::Duration;

use serde::Deserialize;
use serde::Serialize;

use crate::base::Name;
use crate::base::Secret;
use crate::fact::What;
use crate::flow::api::ExitName;
use crate::flow::entry::Entry;
use crate::flow::entry::Key;
use crate::flow::fields::Fields;
use crate::flow::model;
use crate::flow::model::NodeIndex;
use crate::flow::model::Prompt;
use crate::flow::node;
use crate::flow::node::Exit;
use crate::flow::node::OTHERWISE;
use crate::flow::node::THEN;
use crate::flow::node::menu;
use crate::flow::read::Reader;
use crate::flow::step::Input;
use crate::flow::step::Next;
use crate::flow::step::Step;
use crate::flow::yaml::Yaml;

/// The end key came without a digit.
const SKIPPED: ExitName = ExitName::Named("skipped");

/// Several digits into a variable.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Collect {
    pub variable: Name,
    pub prompts: Vec<Prompt>,
    pub no_input: Vec<Prompt>,
    /// Heard after too few or too many digits, or another key.
    pub no_match: Vec<Prompt>,
    pub entry: Entry,
    /// How often the question is put in all. Default 3.
    pub tries: u32,
    pub barge_in: bool,
    /// The digits appear in no fact and no log, cannot be spoken and cannot be compared. Default no.
    pub secret: bool,
    pub then: NodeIndex,
    /// The end key without digits; without this exit it counts as silence.
    pub skipped: Option<NodeIndex>,
    pub otherwise: NodeIndex,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct State {
    tries: u32,
    keyed: String,
    keyed_secret: Secret,
}

impl Collect {
    pub fn read(fields: &mut Fields<'_>, reader: &mut Reader<'_>) -> Collect {
        let variable = fields.require(reader, "collect").and_then(|yaml| variable(yaml, reader));
        let prompts = fields.heard(reader, "prompt");
        let digits = fields.require(reader, "digits").and_then(|yaml| digits(yaml, reader));
        let (least, most) = digits.unwrap_or((1, 1));
        let entry = Entry {
            least,
            most,
            ends_when_full: true,
            end: fields.optional("end").and_then(|yaml| end(yaml, reader)).unwrap_or('#'),
            first: fields.duration(reader, "wait", Duration::from_secs(5)),
            between: fields.duration(reader, "between", Duration::from_secs(3)),
        };
        Collect {
            variable: variable.unwrap_or_else(|| Name::from("")),
            prompts,
            no_input: fields.heard(reader, "no_input"),
            no_match: fields.heard(reader, "no_match"),
            entry,
            tries: menu::tries(fields, reader),
            barge_in: fields.truth(reader, "barge_in", true),
            secret: fields.truth(reader, "secret", false),
            then: fields.exit(reader, "then"),
            skipped: fields.optional_exit(reader, "skipped"),
            otherwise: fields.exit(reader, "otherwise"),
        }
    }

    pub fn exits(&self) -> Vec<Exit> {
        let skipped = self.skipped.map(|to| Exit::by_caller(SKIPPED, to));
        [Exit::by_caller(THEN, self.then).setting(), Exit::plain(OTHERWISE, self.otherwise)]
            .into_iter()
            .chain(skipped)
            .collect()
    }

    pub fn enter(&self, step: &mut Step<'_>) -> (node::State, Next) {
        let next = if step.has_kept() { Next::Stay } else { self.ask(step, &[]) };
        (node::State::Collect(State { tries: 1, ..State::default() }), next)
    }

    pub fn handle(&self, state: &mut State, step: &mut Step<'_>, input: Input) -> Next {
        match input {
            Input::PlayEnded => {
                step.wait(self.entry.first);
                Next::Stay
            }
            Input::Digit { digit, told } => {
                if !self.secret {
                    step.heard(digit, told);
                }
                self.digit(state, step, digit)
            }
            Input::Timer if self.keyed(state) > 0 => self.ended(state, step, None),
            Input::Timer => self.silent(state, step),
            Input::Verified(_) => Next::Stay,
        }
    }

    fn keyed(&self, state: &State) -> usize {
        if self.secret { state.keyed_secret.len() } else { state.keyed.len() }
    }

    fn digit(&self, state: &mut State, step: &mut Step<'_>, digit: char) -> Next {
        let key = self.entry.key(self.keyed(state), digit);
        if matches!(key, Key::More | Key::Complete) {
            match self.secret {
                true => state.keyed_secret.push(digit),
                false => state.keyed.push(digit),
            }
        }
        match (key, self.skipped) {
            (Key::More, _) => {
                step.wait(self.entry.between);
                Next::Stay
            }
            (Key::Complete | Key::End, _) => self.ended(state, step, Some(digit)),
            (Key::Skip, Some(skipped)) => Next::Go(SKIPPED, skipped),
            (Key::Skip, None) => self.silent(state, step),
            (Key::Odd, _) => self.no_match(state, step, Some(digit)),
        }
    }

    fn ended(&self, state: &mut State, step: &mut Step<'_>, last: Option<char>) -> Next {
        if !self.entry.fits(self.keyed(state)) {
            return self.no_match(state, step, last);
        }
        let variable = &self.variable;
        match self.secret {
            true => {
                let secret = std::mem::take(&mut state.keyed_secret);
                step.session.secrets.insert(Name::clone(variable), secret);
            }
            false => step.set(variable, model::Value::Text(std::mem::take(&mut state.keyed))),
        }
        Next::Go(THEN, self.then)
    }

    fn silent(&self, state: &mut State, step: &mut Step<'_>) -> Next {
        step.fact(What::NoInput { node: Name::clone(step.node) });
        self.again(state, step, &self.no_input)
    }

    fn no_match(&self, state: &mut State, step: &mut Step<'_>, last: Option<char>) -> Next {
        let node = Name::clone(step.node);
        match last {
            Some(digit) if !self.secret => step.fact(What::NoMatch { node, digit }),
            _ => step.fact(What::NoInput { node }),
        }
        step.forget_kept();
        self.again(state, step, &self.no_match)
    }

    fn again(&self, state: &mut State, step: &mut Step<'_>, before: &[Prompt]) -> Next {
        state.keyed.clear();
        state.keyed_secret = Secret::default();
        if state.tries >= self.tries {
            return Next::Go(OTHERWISE, self.otherwise);
        }
        state.tries += 1;
        self.ask(step, before)
    }

    fn ask(&self, step: &mut Step<'_>, before: &[Prompt]) -> Next {
        if !step.play(&[before, &self.prompts], self.barge_in, false) {
            step.wait(self.entry.first);
        }
        Next::Stay
    }
}

/// A variable that a flow may set: letters, digits and `_`, and no name that has a meaning already.
pub(crate) fn variable(yaml: &Yaml, reader: &mut Reader<'_>) -> Option<Name> {
    let text = reader.text(yaml, "the name of a variable")?;
    variable_name(text, reader)
}

pub(crate) fn variable_name(text: &crate::flow::yaml::Text, reader: &mut Reader<'_>) -> Option<Name> {
    let letters = text.text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    let begins = text.text.chars().next().is_some_and(|c| c.is_ascii_alphabetic());
    if !letters
        || !begins
        || ["caller", "verified", "dialled", "true", "false", "null", "in"].contains(&&*text.text)
    {
        let message = format!("\"{}\" cannot be the name of a variable", text.text);
        reader.error_hint(
            text.place,
            message,
            "letters, digits and _, beginning with a letter: order_number",
        );
        return None;
    }
    Some(Name::from(text.text.as_str()))
}

/// `8`, or `4 to 8`.
fn digits(yaml: &Yaml, reader: &mut Reader<'_>) -> Option<(u8, u8)> {
    let text = reader.text(yaml, "how many digits")?;
    let (least, most) = text.text.split_once(" to ").unwrap_or((&text.text, &text.text));
    match (least.trim().parse::<u8>(), most.trim().parse::<u8>()) {
        (Ok(least @ 1..=32), Ok(most @ 1..=32)) if least <= most => Some((least, most)),
        _ => {
            let message = format!("\"{}\" is not a number of digits", text.text);
            reader.error_hint(text.place, message, "write 6, or 4 to 8; at most 32");
            None
        }
    }
}

fn end(yaml: &Yaml, reader: &mut Reader<'_>) -> Option<char> {
    let text = reader.text(yaml, "the end key")?;
    match text.text.as_str() {
        "#" => Some('#'),
        "*" => Some('*'),
        other => {
            reader.error(text.place, format!("the end key is \"#\" or \"*\", not \"{other}\""));
            None
        }
    }
}
