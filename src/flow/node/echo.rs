//! `echo`: sends the caller's own audio back, until the caller hangs up or a while has passed. The flow ends here.

use std::time::Duration;

use crate::base::Name;
use crate::flow::api::FlowAction;
use crate::flow::read::Reader;
use crate::flow::read::fields::Fields;
use crate::flow::step::Input;
use crate::flow::step::Next;
use crate::flow::step::Step;

/// The caller's own audio, sent back.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Echo {
    /// At most this long: an echo test that was forgotten ends.
    pub duration: Duration,
}

impl Echo {
    pub fn read(fields: &mut Fields<'_>, reader: &mut Reader<'_>) -> Echo {
        let duration = fields.require(reader, "echo").and_then(|yaml| reader.duration(yaml));
        Echo { duration: duration.unwrap_or(Duration::from_secs(3_600)) }
    }

    pub fn enter(&self, step: &mut Step<'_>) -> Next {
        step.stop_play();
        step.wait(self.duration);
        step.out.push(FlowAction::Echo);
        Next::Stay
    }

    pub fn handle(&self, step: &mut Step<'_>, input: Input) -> Next {
        if input != Input::Timer {
            return Next::Stay;
        }
        step.out.push(FlowAction::HangUp { reason: Name::from("echo test over") });
        Next::Over
    }
}
