//! `play`: prompts, one after the other, once or again and again.

use std::time::Duration;

use serde::Deserialize;
use serde::Serialize;

use crate::fact::What;
use crate::flow::model::NodeIndex;
use crate::flow::model::Prompt;
use crate::flow::node;
use crate::flow::node::THEN;
use crate::flow::read::Reader;
use crate::flow::read::fields::Fields;
use crate::flow::read::yaml::Yaml;
use crate::flow::step::Input;
use crate::flow::step::Next;
use crate::flow::step::Step;

/// Plays prompts, then goes on.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Play {
    pub prompts: Vec<Prompt>,
    /// Whether a key stops it; that key is kept for the node that asks next. Default yes.
    pub barge_in: bool,
    pub repeat: Repeat,
    pub then: NodeIndex,
}

/// How often.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Repeat {
    Times(u32),
    /// Again and again for as long as this.
    For(Duration),
}

/// Rounds still to come after the one that plays.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct State {
    rounds_left: u32,
}

impl Play {
    pub fn read(fields: &mut Fields<'_>, reader: &mut Reader<'_>) -> Play {
        Play {
            prompts: fields.must_hear(reader, "play"),
            barge_in: fields.truth(reader, "barge_in", true),
            repeat: fields
                .optional("repeat")
                .and_then(|yaml| repeat(yaml, reader))
                .unwrap_or(Repeat::Times(1)),
            then: fields.exit(reader, "then"),
        }
    }

    pub fn enter(&self, step: &mut Step<'_>) -> (node::State, Next) {
        let rounds = match self.repeat {
            Repeat::Times(rounds) => rounds,
            Repeat::For(_) => 1,
        };
        let state = node::State::Play(State { rounds_left: rounds - 1 });
        // Who keys ahead has heard it before.
        if self.barge_in && step.does_without(&self.prompts) {
            let prompts = step.said(&self.prompts);
            step.fact(What::LeftOut { prompts });
            return (state, Next::Go(THEN, self.then));
        }
        let for_ever = matches!(self.repeat, Repeat::For(_));
        if !step.play(&[&self.prompts], self.barge_in, for_ever) {
            return (state, Next::Go(THEN, self.then));
        }
        if let Repeat::For(duration) = self.repeat {
            step.wait(duration);
        }
        (state, Next::Stay)
    }

    pub fn handle(&self, state: &mut State, step: &mut Step<'_>, input: Input) -> Next {
        match input {
            Input::PlayEnded if state.rounds_left > 0 && !(self.barge_in && step.has_kept()) => {
                state.rounds_left -= 1;
                match step.play(&[&self.prompts], self.barge_in, false) {
                    true => Next::Stay,
                    false => Next::Go(THEN, self.then),
                }
            }
            Input::PlayEnded | Input::Timer => {
                step.stop_play();
                Next::Go(THEN, self.then)
            }
            Input::Digit { .. }
            | Input::Verified(_)
            | Input::Fetched { .. }
            | Input::Bot(_)
            | Input::Transferred(_)
            | Input::Message(_) => Next::Stay,
        }
    }
}

fn repeat(yaml: &Yaml, reader: &mut Reader<'_>) -> Option<Repeat> {
    let text = reader.text(yaml, "a number of times, or a time,")?;
    if text.text.chars().all(|c| c.is_ascii_digit()) {
        let times = reader.number(yaml, 1, 100)?;
        return u32::try_from(times).ok().map(Repeat::Times);
    }
    reader.duration(yaml).map(Repeat::For)
}
