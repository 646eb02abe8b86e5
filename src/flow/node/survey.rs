//! `survey`: puts one question that is answered with a key, and tells the history what was said.

use std::time::Duration;

use serde::Deserialize;
use serde::Serialize;

use crate::base::Name;
use crate::fact::What;
use crate::flow::again::Again;
use crate::flow::api::FlowAction;
use crate::flow::fields::Fields;
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

/// A question whose answer is one of the keys from the lowest to the highest.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Survey {
    /// What reports call it.
    pub question: Name,
    pub prompts: Vec<Prompt>,
    /// The lowest and the highest answer. Default 1 to 5.
    pub answers: (u8, u8),
    /// Heard before the question again, after silence.
    pub no_input: Again,
    /// Heard before the question again, after a key that is no answer.
    pub no_match: Again,
    /// How often the question is heard in all. Default 2.
    pub tries: u32,
    /// How long the caller has from the end of the prompts. Default 5 s.
    pub wait: Duration,
    pub then: NodeIndex,
    pub otherwise: NodeIndex,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct State {
    tries: u32,
}

impl Survey {
    pub fn read(fields: &mut Fields<'_>, reader: &mut Reader<'_>) -> Survey {
        let question =
            fields.require(reader, "survey").and_then(|yaml| reader.name(yaml, "the question's name"));
        let tries = menu::tries(fields, reader, 2);
        Survey {
            question: question.unwrap_or_default(),
            prompts: fields.must_hear(reader, "prompt"),
            answers: fields.optional("answers").and_then(|yaml| answers(yaml, reader)).unwrap_or((1, 5)),
            no_input: Again::read(fields, reader, "no_input", tries),
            no_match: Again::read(fields, reader, "no_match", tries),
            tries,
            wait: fields.duration(reader, "wait", Duration::from_secs(5)),
            then: fields.exit(reader, "then"),
            otherwise: fields.exit(reader, "otherwise"),
        }
    }

    pub fn exits(&self) -> Vec<Exit> {
        vec![Exit::by_caller(THEN, self.then), Exit::plain(OTHERWISE, self.otherwise)]
    }

    pub fn heard(&self) -> Vec<&Prompt> {
        self.prompts.iter().chain(self.no_input.heard()).chain(self.no_match.heard()).collect()
    }

    pub fn enter(&self, step: &mut Step<'_>) -> (node::State, Next) {
        // Keys that came ahead are the answer; who keys ahead has heard the question before.
        let next = if step.has_kept() { Next::Stay } else { self.ask(step, &[]) };
        (node::State::Survey(State { tries: 1 }), next)
    }

    pub fn handle(&self, state: &mut State, step: &mut Step<'_>, input: Input) -> Next {
        let node = Name::clone(step.node);
        match input {
            Input::PlayEnded => {
                step.wait(self.wait);
                Next::Stay
            }
            Input::Digit { digit, told } => {
                step.heard(digit, told);
                if let Some(answer) = self.answer(digit) {
                    let question = Name::clone(&self.question);
                    step.out.push(FlowAction::Surveyed { question, answer });
                    return Next::Go(THEN, self.then);
                }
                step.fact(What::NoMatch { node, digit });
                step.forget_kept();
                self.again(state, step, self.no_match.after(state.tries))
            }
            Input::Timer => {
                step.fact(What::NoInput { node });
                self.again(state, step, self.no_input.after(state.tries))
            }
            Input::Verified(_)
            | Input::Fetched { .. }
            | Input::Bot(_)
            | Input::Transferred(_)
            | Input::Message(_) => Next::Stay,
        }
    }

    fn answer(&self, digit: char) -> Option<u8> {
        let answer = u8::try_from(digit.to_digit(10)?).ok()?;
        (self.answers.0..=self.answers.1).contains(&answer).then_some(answer)
    }

    fn again(&self, state: &mut State, step: &mut Step<'_>, before: &[Prompt]) -> Next {
        if state.tries >= self.tries {
            return Next::Go(OTHERWISE, self.otherwise);
        }
        state.tries += 1;
        self.ask(step, before)
    }

    fn ask(&self, step: &mut Step<'_>, before: &[Prompt]) -> Next {
        step.ask(&[before, &self.prompts], true, self.wait)
    }
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
