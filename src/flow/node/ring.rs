//! `ring`: lets the line ring and never answers it. Only a flow's first node can.

use std::time::Duration;

use crate::flow::api::FlowAction;
use crate::flow::read::Reader;
use crate::flow::read::fields::Fields;
use crate::flow::step::Input;
use crate::flow::step::Next;
use crate::flow::step::Step;

/// Rings, then refuses.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Ring {
    pub duration: Duration,
    /// The SIP status that ends it. Default 480 Temporarily Unavailable.
    pub status: u16,
}

impl Ring {
    pub fn read(fields: &mut Fields<'_>, reader: &mut Reader<'_>) -> Ring {
        let duration = fields.require(reader, "ring").and_then(|yaml| reader.duration(yaml));
        let status = fields.optional("status").and_then(|yaml| reader.number(yaml, 400, 699));
        Ring {
            duration: duration.unwrap_or(Duration::from_secs(60)),
            status: status.and_then(|status| u16::try_from(status).ok()).unwrap_or(480),
        }
    }

    pub fn enter(&self, step: &mut Step<'_>) -> Next {
        step.out.push(FlowAction::Ring);
        step.wait(self.duration);
        Next::Stay
    }

    pub fn handle(&self, step: &mut Step<'_>, input: Input) -> Next {
        if input != Input::Timer {
            return Next::Stay;
        }
        step.out.push(FlowAction::Refuse { status: self.status });
        Next::Over
    }
}
