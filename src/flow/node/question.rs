//! A question that one key answers: how it is put, what is heard before it is put again, and how often that is.

use std::time::Duration;

use serde::Deserialize;
use serde::Serialize;

use crate::base::Name;
use crate::fact::What;
use crate::flow::model::Prompt;
use crate::flow::node::again::Again;
use crate::flow::read::Reader;
use crate::flow::read::fields::Fields;
use crate::flow::step::Input;
use crate::flow::step::Step;

/// A question, until a key answers it or the tries are over.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Question {
    pub prompts: Vec<Prompt>,
    /// Heard before the question again, after silence.
    pub no_input: Again,
    /// Heard before the question again, after a key that is no answer.
    pub no_match: Again,
    /// How often the question is heard in all.
    pub tries: u32,
    /// How long the caller has from the end of the prompts.
    pub wait: Duration,
    /// Whether a key stops the prompts.
    pub barge_in: bool,
}

/// How often a question has been put to a caller.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Put {
    tries: u32,
}

impl Put {
    /// For the first time.
    pub fn first() -> Put {
        Put { tries: 1 }
    }
}

/// What came of it.
pub(crate) enum Answer<A> {
    /// A key that is an answer, and what it stands for.
    Key(char, A),
    /// None so far.
    NotYet,
    /// None, as often as it was put.
    Never,
}

impl Question {
    /// `tries` and `wait`, and what is heard: under the name of the node's kind, or `prompt`.
    pub fn read(
        fields: &mut Fields<'_>,
        reader: &mut Reader<'_>,
        prompts: &'static str,
        default_tries: u32,
        default_wait: Duration,
    ) -> Question {
        Question {
            prompts: fields.must_hear(reader, prompts),
            no_input: Again::default(),
            no_match: Again::default(),
            tries: tries(fields, reader, default_tries),
            wait: fields.duration(reader, "wait", default_wait),
            barge_in: true,
        }
    }

    /// The same, and what is heard before it is put again: `no_input` and `no_match`.
    pub fn with_again(self, fields: &mut Fields<'_>, reader: &mut Reader<'_>) -> Question {
        let no_input = Again::read(fields, reader, "no_input", self.tries);
        let no_match = Again::read(fields, reader, "no_match", self.tries);
        Question { no_input, no_match, ..self }
    }

    /// All that may be heard.
    pub fn heard(&self) -> Vec<&Prompt> {
        self.prompts.iter().chain(self.no_input.heard()).chain(self.no_match.heard()).collect()
    }

    /// Puts it for the first time. Keys that came ahead are the answer: who keys ahead has heard the question before.
    pub fn put(&self, step: &mut Step<'_>) -> Put {
        if !step.does_without(&self.prompts) {
            self.ask(step, &[]);
        }
        Put::first()
    }

    /// Takes in what happened; what is no answer to `key` is told, and the question is put again.
    pub fn handle<A>(
        &self,
        put: &mut Put,
        step: &mut Step<'_>,
        input: Input,
        key: impl FnOnce(char) -> Option<A>,
    ) -> Answer<A> {
        let before = match input {
            Input::PlayEnded => {
                step.wait(self.wait);
                return Answer::NotYet;
            }
            Input::Digit { digit, told } => {
                step.heard(digit, told);
                if let Some(answer) = key(digit) {
                    step.is_answer();
                    return Answer::Key(digit, answer);
                }
                step.no_match(digit);
                &self.no_match
            }
            Input::Timer => {
                step.fact(What::NoInput { node: Name::clone(step.node) });
                &self.no_input
            }
            Input::Verified(_)
            | Input::Fetched { .. }
            | Input::Bot(_)
            | Input::Transferred(_)
            | Input::Message(_) => return Answer::NotYet,
        };
        if put.tries >= self.tries {
            return Answer::Never;
        }
        let before = before.after(put.tries);
        put.tries += 1;
        self.ask(step, before);
        Answer::NotYet
    }

    fn ask(&self, step: &mut Step<'_>, before: &[Prompt]) {
        step.ask(&[before, &self.prompts], self.barge_in, self.wait);
    }
}

/// How often a question is put in all: `tries`, 1 to 10.
pub(crate) fn tries(fields: &mut Fields<'_>, reader: &mut Reader<'_>, default: u32) -> u32 {
    let tries = fields.optional("tries").and_then(|yaml| reader.number(yaml, 1, 10));
    tries.and_then(|tries| u32::try_from(tries).ok()).unwrap_or(default)
}
