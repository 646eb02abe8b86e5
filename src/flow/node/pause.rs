//! `pause`: silent for a while; keys are kept for the node that asks next.

use std::time::Duration;

use crate::flow::model::NodeIndex;
use crate::flow::node::THEN;
use crate::flow::read::Reader;
use crate::flow::read::fields::Fields;
use crate::flow::step::Input;
use crate::flow::step::Next;
use crate::flow::step::Step;

/// Silence.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Pause {
    pub duration: Duration,
    pub then: NodeIndex,
}

impl Pause {
    pub fn read(fields: &mut Fields<'_>, reader: &mut Reader<'_>) -> Pause {
        let duration = fields.require(reader, "pause").and_then(|yaml| reader.duration(yaml));
        Pause { duration: duration.unwrap_or(Duration::from_secs(1)), then: fields.exit(reader, "then") }
    }

    pub fn enter(&self, step: &mut Step<'_>) -> Next {
        step.stop_play();
        step.wait(self.duration);
        Next::Stay
    }

    pub fn handle(&self, input: Input) -> Next {
        match input {
            Input::Timer => Next::Go(THEN, self.then),
            _ => Next::Stay,
        }
    }
}
