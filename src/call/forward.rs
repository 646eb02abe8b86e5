//! Somebody outside whom a flow calls for its caller: the caller hears ringing, then them, and the flow goes on when they
//! are gone. The flow says how long it rings.

use serde::Deserialize;
use serde::Serialize;

use super::Call;
use super::CallAction;
use super::hearing::Legs;
use crate::base::LegId;
use crate::base::Timestamp;
use crate::fact::MissedWhy;
use crate::fact::Party;
use crate::fact::What;
use crate::flow::Center;
use crate::flow::FlowEvent;
use crate::flow::api::TransferResult;

/// A call to somebody outside, within a flow.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Forward {
    pub(super) leg: LegId,
    number: String,
    /// Our number, as they see it; none: the caller's.
    pub(super) shown: Option<String>,
    dialled: Timestamp,
    /// Since when the two talk.
    up: Option<Timestamp>,
}

impl Call {
    /// The flow has somebody called.
    pub(super) fn forward(
        &mut self,
        now: Timestamp,
        number: String,
        shown: Option<String>,
        out: &mut Vec<CallAction>,
    ) {
        let Some(caller) = self.caller else { return };
        let leg = self.new_leg(Party::Agent);
        out.push(CallAction::Fact(What::ForwardDialled { number: number.clone() }));
        self.hears_it_ring(caller, out);
        out.push(CallAction::DialNumber { leg, number: number.clone() });
        self.forward = Some(Forward { leg, number, shown, dialled: now, up: None });
    }

    /// Whether this is the line of whom the flow called.
    pub(super) fn is_forward(&self, leg: LegId) -> bool {
        self.forward.as_ref().is_some_and(|forward| forward.leg == leg)
    }

    /// They picked up: the two hear each other.
    pub(super) fn forward_up(&mut self, center: &Center, now: Timestamp, out: &mut Vec<CallAction>) {
        let (Some(forward), Some(caller)) = (&mut self.forward, self.caller) else { return };
        if forward.up.replace(now).is_some() {
            return;
        }
        let (leg, number, rang) = (forward.leg, forward.number.clone(), now.since(forward.dialled));
        out.push(CallAction::StopPlay { leg: caller });
        out.push(CallAction::Join { a: caller, b: leg });
        out.push(CallAction::Fact(What::ForwardAnswered { number, rang }));
        self.step_flow(center, now, FlowEvent::Transferred(TransferResult::Answered), out);
    }

    /// Their phone did not take it.
    pub(super) fn forward_failed(
        &mut self,
        center: &Center,
        now: Timestamp,
        why: MissedWhy,
        out: &mut Vec<CallAction>,
    ) {
        let Some(forward) = self.forward.take() else { return };
        self.tell_forward_over(&forward, now, why, Party::Agent, out);
        let result = match why {
            _ if forward.up.is_some() => TransferResult::Ended,
            MissedWhy::Busy => TransferResult::Busy,
            MissedWhy::Declined => TransferResult::Refused,
            MissedWhy::NoAnswer | MissedWhy::Unreachable | MissedWhy::Withdrawn => TransferResult::NoAnswer,
        };
        self.step_flow(center, now, FlowEvent::Transferred(result), out);
    }

    /// They hung up.
    pub(super) fn forward_left(&mut self, center: &Center, now: Timestamp, out: &mut Vec<CallAction>) {
        self.forward_failed(center, now, MissedWhy::Unreachable, out);
    }

    /// The flow, or the caller, has done with them. Whether the two had talked.
    pub(super) fn end_forward(
        &mut self,
        now: Timestamp,
        why: MissedWhy,
        by: Party,
        out: &mut Vec<CallAction>,
    ) -> bool {
        let Some(forward) = self.forward.take() else { return false };
        out.push(CallAction::HangUp { leg: forward.leg, elsewhere: false });
        self.tell_forward_over(&forward, now, why, by, out);
        forward.up.is_some()
    }

    fn tell_forward_over(
        &self,
        forward: &Forward,
        now: Timestamp,
        why: MissedWhy,
        by: Party,
        out: &mut Vec<CallAction>,
    ) {
        let number = forward.number.clone();
        let (told, quiet) = match forward.up {
            Some(since) => {
                let hears = |leg| CallAction::Hear { leg, whom: Legs::new() };
                (What::ForwardEnded { number, talked: now.since(since), by }, self.caller.map(hears))
            }
            None => {
                let stops = |leg| CallAction::StopPlay { leg };
                (What::ForwardMissed { number, why }, self.caller.map(stops))
            }
        };
        out.extend(quiet);
        out.push(CallAction::Fact(told));
    }
}
