//! `hang_up`: ends the call with a reason, after a last word.

use crate::base::Name;
use crate::flow::api::FlowAction;
use crate::flow::model::Prompt;
use crate::flow::read::Reader;
use crate::flow::read::fields::Fields;
use crate::flow::step::Input;
use crate::flow::step::Next;
use crate::flow::step::Step;

/// The end.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct HangUp {
    /// For the history.
    pub reason: Name,
    /// Heard before; no key stops it. None for none.
    pub prompts: Vec<Prompt>,
}

impl HangUp {
    pub fn read(fields: &mut Fields<'_>, reader: &mut Reader<'_>) -> HangUp {
        let reason = fields.require(reader, "hang_up").and_then(|yaml| reader.name(yaml, "the reason"));
        HangUp { reason: reason.unwrap_or_else(|| Name::from("")), prompts: fields.heard(reader, "after") }
    }

    pub fn enter(&self, step: &mut Step<'_>) -> Next {
        step.stop_play();
        match step.play(&[&self.prompts], false, false) {
            true => Next::Stay,
            false => self.end(step),
        }
    }

    pub fn handle(&self, step: &mut Step<'_>, input: Input) -> Next {
        match input {
            Input::PlayEnded => self.end(step),
            _ => Next::Stay,
        }
    }

    fn end(&self, step: &mut Step<'_>) -> Next {
        step.out.push(FlowAction::HangUp { reason: Name::clone(&self.reason) });
        Next::Over
    }
}
