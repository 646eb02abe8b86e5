//! `collect`: asks for several digits, an amount or a date, and puts it into a variable.

use std::time::Duration;

use jiff::civil::Date;
use serde::Deserialize;
use serde::Serialize;

use crate::base::Name;
use crate::base::Secret;
use crate::fact::What;
use crate::flow::api::ExitName;
use crate::flow::model;
use crate::flow::model::NodeIndex;
use crate::flow::model::Prompt;
use crate::flow::node;
use crate::flow::node::Exit;
use crate::flow::node::OTHERWISE;
use crate::flow::node::THEN;
use crate::flow::node::again::Again;
use crate::flow::node::entry::Entry;
use crate::flow::node::entry::Key;
use crate::flow::node::question;
use crate::flow::read::Reader;
use crate::flow::read::fields::Fields;
use crate::flow::read::yaml::Yaml;
use crate::flow::step::Input;
use crate::flow::step::Next;
use crate::flow::step::Step;

/// The end key came without a digit.
const SKIPPED: ExitName = ExitName::Named("skipped");

/// What is keyed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Keyed {
    /// As they are.
    Digits,
    /// `12*50` is 12.50.
    Amount,
    /// Eight digits; the year is last.
    Date { day_first: bool },
}

/// Several digits into a variable.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Collect {
    pub variable: Name,
    pub prompts: Vec<Prompt>,
    pub no_input: Again,
    /// Heard after too few or too many digits, or another key.
    pub no_match: Again,
    /// Heard once the variable has its value: 1 takes it, and anything else asks again. None: it is taken as it is.
    pub read_back: Vec<Prompt>,
    pub keyed: Keyed,
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
    /// What was keyed is being read back.
    confirming: bool,
}

impl Collect {
    pub fn read(fields: &mut Fields<'_>, reader: &mut Reader<'_>) -> Collect {
        let variable = fields.require(reader, "collect").and_then(|yaml| variable(yaml, reader));
        let prompts = fields.heard(reader, "prompt");
        let tries = question::tries(fields, reader, 3);
        let (keyed, (least, most)) = keyed(fields, reader);
        let entry = Entry {
            least,
            most,
            // Who keys an amount has no cents, or two.
            ends_when_full: keyed != Keyed::Amount,
            end: fields.optional("end").and_then(|yaml| end(yaml, keyed, reader)).unwrap_or('#'),
            first: fields.duration(reader, "wait", Duration::from_secs(5)),
            between: fields.duration(reader, "between", Duration::from_secs(3)),
        };
        Collect {
            variable: variable.unwrap_or_else(|| Name::from("")),
            prompts,
            no_input: Again::read(fields, reader, "no_input", tries),
            no_match: Again::read(fields, reader, "no_match", tries),
            read_back: fields.heard(reader, "read_back"),
            keyed,
            entry,
            tries,
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
        let next = if step.does_without(&self.prompts) { Next::Stay } else { self.ask(step, &[]) };
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
                match (state.confirming, digit) {
                    (true, '1') => {
                        step.is_answer();
                        Next::Go(THEN, self.then)
                    }
                    (true, _) => self.again(state, step, &[]),
                    (false, _) => self.digit(state, step, digit),
                }
            }
            Input::Timer if state.confirming => self.silent(state, step),
            Input::Timer if self.keyed(state) > 0 => self.ended(state, step, None),
            Input::Timer => self.silent(state, step),
            Input::Verified(_)
            | Input::Fetched { .. }
            | Input::Bot(_)
            | Input::Transferred(_)
            | Input::Message(_) => Next::Stay,
        }
    }

    fn keyed(&self, state: &State) -> usize {
        if self.secret { state.keyed_secret.len() } else { state.keyed.len() }
    }

    fn digit(&self, state: &mut State, step: &mut Step<'_>, digit: char) -> Next {
        if self.keyed == Keyed::Amount && digit == '*' && self.entry.key(self.keyed(state), '0') == Key::More
        {
            state.keyed.push('.');
            step.wait(self.entry.between);
            return Next::Stay;
        }
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
            (Key::Complete, _) => {
                // A number of several digits is ended by `#` out of habit; one digit is a choice of the file's own.
                if self.entry.most > 1 {
                    step.ends_by_habit();
                }
                self.ended(state, step, Some(digit))
            }
            (Key::End, _) => self.ended(state, step, Some(digit)),
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
        if self.secret {
            let secret = std::mem::take(&mut state.keyed_secret);
            step.session.secrets.insert(Name::clone(variable), secret);
            return Next::Go(THEN, self.then);
        }
        let Some(value) = self.keyed.value(&std::mem::take(&mut state.keyed)) else {
            return self.no_match(state, step, last);
        };
        step.set(variable, model::Value::Text(value));
        if self.read_back.is_empty() {
            return Next::Go(THEN, self.then);
        }
        state.confirming = true;
        if !step.has_kept() && !step.play(&[&self.read_back], true, false) {
            step.wait(self.entry.first);
        }
        Next::Stay
    }

    fn silent(&self, state: &mut State, step: &mut Step<'_>) -> Next {
        step.fact(What::NoInput { node: Name::clone(step.node) });
        self.again(state, step, self.no_input.after(state.tries))
    }

    fn no_match(&self, state: &mut State, step: &mut Step<'_>, last: Option<char>) -> Next {
        match last {
            Some(digit) if !self.secret => step.no_match(digit),
            last => {
                step.fact(What::NoInput { node: Name::clone(step.node) });
                step.forget_kept();
                if last.is_some() {
                    step.session.keypad.ends_burst();
                }
            }
        }
        self.again(state, step, self.no_match.after(state.tries))
    }

    fn again(&self, state: &mut State, step: &mut Step<'_>, before: &[Prompt]) -> Next {
        state.keyed.clear();
        state.confirming = false;
        state.keyed_secret = Secret::default();
        if state.tries >= self.tries {
            return Next::Go(OTHERWISE, self.otherwise);
        }
        state.tries += 1;
        self.ask(step, before)
    }

    fn ask(&self, step: &mut Step<'_>, before: &[Prompt]) -> Next {
        step.ask(&[before, &self.prompts], self.barge_in, self.entry.first)
    }
}

impl Keyed {
    /// What the variable holds of it: `12.50`, `2026-12-24`. None where it is no such thing.
    pub fn value(self, keyed: &str) -> Option<String> {
        match self {
            Keyed::Digits => Some(keyed.to_owned()),
            Keyed::Amount => amount(keyed),
            Keyed::Date { day_first } => {
                let number = |from: usize, to: usize| keyed.get(from..to)?.parse::<i16>().ok();
                let (first, second, year) = (number(0, 2)?, number(2, 4)?, number(4, 8)?);
                let (day, month) = if day_first { (first, second) } else { (second, first) };
                let date = Date::new(year, i8::try_from(month).ok()?, i8::try_from(day).ok()?).ok()?;
                Some(date.to_string())
            }
        }
    }
}

/// `12.5` as `12.50`, `007` as `7.00`, `.5` as `0.50`.
fn amount(keyed: &str) -> Option<String> {
    let (whole, part) = keyed.split_once('.').unwrap_or((keyed, ""));
    let digits = |text: &str| text.chars().all(|c| c.is_ascii_digit());
    if !digits(whole) || !digits(part) || part.len() > 2 || (whole.is_empty() && part.is_empty()) {
        return None;
    }
    let whole = whole.trim_start_matches('0');
    Some(format!("{}.{part:0<2}", if whole.is_empty() { "0" } else { whole }))
}

/// A variable that a flow may set: letters, digits and `_`, and no name that has a meaning already.
pub(crate) fn variable(yaml: &Yaml, reader: &mut Reader<'_>) -> Option<Name> {
    let text = reader.text(yaml, "the name of a variable")?;
    variable_name(text, reader)
}

pub(crate) fn variable_name(text: &crate::flow::read::yaml::Text, reader: &mut Reader<'_>) -> Option<Name> {
    let letters = text.text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    let begins = text.text.chars().next().is_some_and(|c| c.is_ascii_alphabetic());
    if !letters
        || !begins
        || ["caller", "verified", "verified_by", "dialled", "language", "true", "false", "null", "in"]
            .contains(&&*text.text)
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

/// `as: amount`, or `as: date` with its `order`, else `digits`; and the fewest and most keys of it.
fn keyed(fields: &mut Fields<'_>, reader: &mut Reader<'_>) -> (Keyed, (u8, u8)) {
    let given = fields.optional("as");
    let kind = given.and_then(|yaml| reader.name(yaml, "digits, amount or date"));
    let order = fields.optional("order").map(|yaml| (yaml.place, day_first(yaml, reader)));
    let is = |kind: &str, known: &str| kind == known;
    if let Some((place, _)) = order
        && kind.as_deref().is_some_and(|kind| is(kind, "amount") || is(kind, "digits"))
    {
        reader.error(place, "only a date has an order");
    }
    let day_first = order.and_then(|(_, day_first)| day_first).unwrap_or(false);
    let (keyed, span) = match (kind.as_deref(), given) {
        (Some("amount"), _) => (Keyed::Amount, (1, 10)),
        (Some("date"), _) => (Keyed::Date { day_first }, (8, 8)),
        (Some("digits"), _) | (_, None) => {
            let span = fields.require(reader, "digits").and_then(|yaml| digits(yaml, reader));
            return (Keyed::Digits, span.unwrap_or((1, 1)));
        }
        (Some(other), Some(yaml)) => {
            reader.unknown(yaml.place, "thing to key", other, ["digits", "amount", "date"]);
            (Keyed::Digits, (1, 1))
        }
        (None, Some(_)) => (Keyed::Digits, (1, 1)),
    };
    if let Some(yaml) = fields.optional("digits")
        && keyed != Keyed::Digits
    {
        reader.error(yaml.place, "how many digits there are is known: write \"as\" or \"digits\"");
    }
    (keyed, span)
}

pub(crate) fn day_first(yaml: &Yaml, reader: &mut Reader<'_>) -> Option<bool> {
    let text = reader.text(yaml, "month first or day first")?;
    match text.text.as_str() {
        "month first" => Some(false),
        "day first" => Some(true),
        other => {
            reader.unknown(text.place, "order of a date", other, ["month first", "day first"]);
            None
        }
    }
}

/// `8`, or `4 to 8`.
pub(crate) fn digits(yaml: &Yaml, reader: &mut Reader<'_>) -> Option<(u8, u8)> {
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

fn end(yaml: &Yaml, keyed: Keyed, reader: &mut Reader<'_>) -> Option<char> {
    let text = reader.text(yaml, "the end key")?;
    match text.text.as_str() {
        "*" if keyed == Keyed::Amount => {
            reader.error(text.place, "\"*\" is the point of an amount, and cannot end it");
            None
        }
        "#" => Some('#'),
        "*" => Some('*'),
        other => {
            reader.error(text.place, format!("the end key is \"#\" or \"*\", not \"{other}\""));
            None
        }
    }
}
