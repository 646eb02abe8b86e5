//! `survey`: puts one question that is answered with a key, and tells the history what was said.

use std::time::Duration;

use crate::base::Name;
use crate::flow::api::FlowAction;
use crate::flow::model::NodeIndex;
use crate::flow::node;
use crate::flow::node::Exit;
use crate::flow::node::OTHERWISE;
use crate::flow::node::THEN;
use crate::flow::node::question::Answer;
use crate::flow::node::question::Put;
use crate::flow::node::question::Question;
use crate::flow::read::Reader;
use crate::flow::read::fields::Fields;
use crate::flow::read::yaml::Yaml;
use crate::flow::step::Input;
use crate::flow::step::Next;
use crate::flow::step::Step;

/// A question whose answer is one of the keys from the lowest to the highest.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Survey {
    /// What reports call it.
    pub name: Name,
    /// Heard twice in all, where the file says nothing else, with 5 s for a key.
    pub question: Question,
    /// The lowest and the highest answer. Default 1 to 5.
    pub answers: (u8, u8),
    /// The answers by which what the caller called about is settled; none: the question asks something else.
    pub settled: Vec<u8>,
    pub then: NodeIndex,
    pub otherwise: NodeIndex,
}

impl Survey {
    pub fn read(fields: &mut Fields<'_>, reader: &mut Reader<'_>) -> Survey {
        let name = fields.require(reader, "survey").and_then(|yaml| reader.name(yaml, "the question's name"));
        let question = Question::read(fields, reader, "prompt", 2, Duration::from_secs(5));
        let answers = fields.optional("answers").and_then(|yaml| answers(yaml, reader)).unwrap_or((1, 5));
        let settled = fields.optional("settled").map(|yaml| settled(yaml, answers, reader));
        Survey {
            name: name.unwrap_or_default(),
            question: question.with_again(fields, reader),
            answers,
            settled: settled.unwrap_or_default(),
            then: fields.exit(reader, "then"),
            otherwise: fields.exit(reader, "otherwise"),
        }
    }

    pub fn exits(&self) -> Vec<Exit> {
        vec![Exit::by_caller(THEN, self.then), Exit::plain(OTHERWISE, self.otherwise)]
    }

    pub fn enter(&self, step: &mut Step<'_>) -> (node::State, Next) {
        (node::State::Survey(self.question.put(step)), Next::Stay)
    }

    pub fn handle(&self, put: &mut Put, step: &mut Step<'_>, input: Input) -> Next {
        match self.question.handle(put, step, input, |key| self.answer(key)) {
            Answer::Key(_, answer) => {
                let settled = (!self.settled.is_empty()).then(|| self.settled.contains(&answer));
                step.out.push(FlowAction::Surveyed { question: Name::clone(&self.name), answer, settled });
                Next::Go(THEN, self.then)
            }
            Answer::NotYet => Next::Stay,
            Answer::Never => Next::Go(OTHERWISE, self.otherwise),
        }
    }

    fn answer(&self, digit: char) -> Option<u8> {
        let answer = u8::try_from(digit.to_digit(10)?).ok()?;
        (self.answers.0..=self.answers.1).contains(&answer).then_some(answer)
    }
}

/// `1`, or `4 or 5`: some of the answers, and not all.
fn settled(yaml: &Yaml, (lowest, highest): (u8, u8), reader: &mut Reader<'_>) -> Vec<u8> {
    let Some(text) = reader.text(yaml, "the answers of a yes") else { return Vec::new() };
    let mut settled = Vec::new();
    for word in text.text.split(" or ").map(str::trim) {
        match word.parse() {
            Ok(answer) if (lowest..=highest).contains(&answer) => settled.push(answer),
            _ => {
                let message = format!("\"{word}\" is none of the answers, which are {lowest} to {highest}");
                reader.error_hint(text.place, message, "write the key of a yes, as \"settled: 1\"");
            }
        }
    }
    if (lowest..=highest).all(|answer| settled.contains(&answer)) {
        let hint = "leave out the keys of a no";
        reader.error_hint(text.place, "by every answer it would be settled", hint);
    }
    settled
}

/// `1 to 5`
fn answers(yaml: &Yaml, reader: &mut Reader<'_>) -> Option<(u8, u8)> {
    let text = reader.text(yaml, "the lowest and the highest answer")?;
    let ends = text.text.split_once(" to ").map(|(low, high)| (low.trim().parse(), high.trim().parse()));
    match ends {
        Some((Ok(lowest), Ok(highest @ 1..=9))) if lowest < highest => Some((lowest, highest)),
        _ => {
            let message = format!("\"{}\" are no answers that one key gives", text.text);
            reader.error_hint(text.place, message, "write 1 to 5; 0 to 9 at most");
            None
        }
    }
}
