//! What agents and supervisors ask of calls: what a call cannot see by itself is looked at here.

use super::Now;
use super::Output;
use super::Pending;
use super::Streams;
use super::Switchboard;
use super::reschedule;
use crate::base::CallId;
use crate::base::Name;
use crate::base::PromiseId;
use crate::call::Call;
use crate::call::CallAction;
use crate::call::request::AgentRequest;
use crate::call::request::LONGEST_REASON;
use crate::call::request::OutcomeReport;
use crate::call::request::Refusal;
use crate::fact::Fact;
use crate::fact::Target;
use crate::fact::What;
use crate::flow::Center;
use crate::queue::api::AgentState;
use crate::queue::promises::PromiseWish;
use crate::server::handle::ControlError;

/// The longest note to an outcome, in characters.
const LONGEST_NOTE: usize = 2_000;
/// How many messages are known that were handled, beside the history, which has them within a second.
const HANDLED: usize = 1_024;
/// What an agent is at who is reserved.
pub(super) const RESERVED: &str = "kept for a customer who is being called back";

impl Switchboard {
    /// Does what `who` asks of a call, or says why not; the number of what was promised by it.
    pub fn request(
        &mut self,
        now: Now,
        call: CallId,
        who: &Name,
        request: AgentRequest,
        streams: &mut dyn Streams,
        out: &mut Vec<Output>,
    ) -> Result<Option<PromiseId>, ControlError> {
        if !self.knows(call, &request) {
            return Err(ControlError::UnknownCall(call));
        }
        if let AgentRequest::Outcome(report) = request {
            return self.outcome(now, call, who, *report, out);
        }
        if let AgentRequest::Misrouted { belongs, reason } = request {
            return self.misrouted(now, call, who, belongs, reason, out).map(|()| None);
        }
        if let AgentRequest::NotMisrouted = request {
            self.routed(who, call)?;
            let what = What::MisroutedTakenBack { agent: who.clone() };
            out.push(Output::Fact(Fact { at: now.at, call: Some(call), what }));
            return Ok(None);
        }
        if let AgentRequest::Quote { level } = &request {
            let draft = self.quote_of(now, level)?;
            return self.promise(now, call, who, draft, out).map(Some);
        }
        if let AgentRequest::Promise(draft) = request {
            return self.promise(now, call, who, *draft, out).map(Some);
        }
        if matches!(request, AgentRequest::Move { .. } | AgentRequest::Prioritise(_)) {
            return self.change_wait(now, call, who, request, streams, out).map(|()| None);
        }
        self.can_be_reached(who, call, &request)?;
        let listens = request == AgentRequest::Listen;
        let asked = self.ask_call(call, |call, center, actions| {
            call.request(center, now.at, now.wall, who, request, actions)
        });
        let actions = asked.ok_or(ControlError::UnknownCall(call))??;
        if listens {
            self.listening.insert(who.clone(), call);
        }
        self.pending.push_front(Pending::Actions(call, actions));
        self.settle(now, streams, out);
        Ok(None)
    }

    /// Whether there is such a call: what is said of a talk may be said after it as well.
    fn knows(&self, call: CallId, request: &AgentRequest) -> bool {
        let of_talk = matches!(
            request,
            AgentRequest::Outcome(_)
                | AgentRequest::Misrouted { .. }
                | AgentRequest::NotMisrouted
                | AgentRequest::Quote { .. }
                | AgentRequest::Promise(_)
        );
        self.has_call(call) || of_talk && (1..self.next_call).contains(&call.0)
    }

    /// Asks a call by the center that it began with; none when it is over. What it wants done is for the one who asks to
    /// pass on.
    pub(super) fn ask_call(
        &mut self,
        id: CallId,
        ask: impl FnOnce(&mut Call, &Center, &mut Vec<CallAction>) -> Result<(), Refusal>,
    ) -> Option<Result<Vec<CallAction>, Refusal>> {
        self.changed.call(id);
        let live = self.calls.get_mut(&id)?;
        let mut actions = Vec::new();
        let asked = ask(&mut live.call, &live.center, &mut actions);
        let due = live.call.deadline();
        reschedule(&mut self.due, &mut live.due, due, id);
        Some(asked.map(|()| actions))
    }

    /// Whether somebody who is asked for could come. A queue finds somebody by itself.
    pub(super) fn can_be_reached(
        &self,
        who: &Name,
        call: CallId,
        request: &AgentRequest,
    ) -> Result<(), Refusal> {
        match request {
            AgentRequest::Consult { to: Target::Agent(name), .. }
            | AgentRequest::Add { to: Target::Agent(name), .. }
            | AgentRequest::Transfer { to: Target::Agent(name) } => self.is_ready(name),
            AgentRequest::TakeOver if self.is_busy(who) => {
                let state = "in another call";
                Err(Refusal::Busy { name: who.clone(), state })
            }
            AgentRequest::Listen => self.may_listen(who, call),
            AgentRequest::TakeOver | AgentRequest::Supervise(Some(_)) if !self.can_be_let_in(who, call) => {
                Err(Refusal::NoPhone(who.clone()))
            }
            _ => Ok(()),
        }
    }

    /// Whether they have a phone, or a desk that is free or in this call already.
    pub(super) fn can_be_let_in(&self, who: &Name, call: CallId) -> bool {
        !self.parts.endpoint.contacts(who).is_empty() || self.has_desk_for(who, call)
    }

    /// Whether this is an agent whom a call rings, or who talks in one.
    fn is_busy(&self, name: &Name) -> bool {
        let state = self.agent(name).and_then(|agent| self.engine.agent_state(agent));
        matches!(state, Some(AgentState::Reserved(_) | AgentState::Ringing(_) | AgentState::Talking(_)))
    }

    /// Whether an agent could take a call now. The call says when there is no such agent.
    pub(super) fn is_ready(&self, name: &Name) -> Result<(), Refusal> {
        let state = self.agent(name).and_then(|agent| self.engine.agent_state(agent));
        let state = match state {
            None | Some(AgentState::Ready) => return Ok(()),
            Some(AgentState::Offline) => "signed out",
            Some(AgentState::Reserved(_)) => RESERVED,
            Some(AgentState::Ringing(_)) => "being rung for another call",
            Some(AgentState::Talking(_)) => "talking with somebody else",
            Some(AgentState::WrapUp) => "in wrap-up",
            Some(AgentState::NotReady(_)) => "not ready",
        };
        Err(Refusal::NotReady { name: name.clone(), state })
    }

    /// That a caller came to the wrong queue: taken from whoever talked with them lately, during the call and after it.
    fn misrouted(
        &mut self,
        now: Now,
        call: CallId,
        who: &Name,
        belongs: Option<Name>,
        reason: String,
        out: &mut Vec<Output>,
    ) -> Result<(), ControlError> {
        let queue = self.routed(who, call)?;
        let length = reason.chars().count();
        if length > LONGEST_REASON {
            return Err(Refusal::LongReason(length).into());
        }
        let queues = &self.parts.center.engine.queues;
        if let Some(unknown) =
            belongs.as_ref().filter(|name| !queues.iter().any(|queue| queue.name == **name))
        {
            return Err(Refusal::NoSuchTarget(format!("queue \"{unknown}\"")).into());
        }
        let what = What::Misrouted { agent: who.clone(), queue: Some(queue), belongs, reason };
        out.push(Output::Fact(Fact { at: now.at, call: Some(call), what }));
        Ok(())
    }

    /// Somebody has done what a message asks for. One person alone has: whoever says so first.
    pub fn message_handled(
        &mut self,
        now: Now,
        (call, part): (CallId, u16),
        by: Option<Name>,
        words: String,
        out: &mut Vec<Output>,
    ) -> Result<(), ControlError> {
        let before = self.handled.iter().find(|known| (known.0, known.1) == (call, part));
        if let Some((_, _, first)) = before {
            return Err(Refusal::Handled(first.clone()).into());
        }
        if self.handled.len() == HANDLED {
            self.handled.pop_front();
        }
        self.handled.push_back((call, part, by.clone()));
        let what = What::MessageHandled { part, by, words };
        out.push(Output::Fact(Fact { at: now.at, call: Some(call), what }));
        Ok(())
    }

    /// What came of a talk: taken from whoever talked with the caller lately, during the call and after it.
    fn outcome(
        &mut self,
        now: Now,
        call: CallId,
        who: &Name,
        report: OutcomeReport,
        out: &mut Vec<Output>,
    ) -> Result<Option<PromiseId>, ControlError> {
        self.talked_with(who, call)?;
        let OutcomeReport { outcome, reason_code, note, promise, kept } = report;
        for (text, most) in [(&reason_code, LONGEST_REASON), (&note, LONGEST_NOTE)] {
            let length = text.chars().count();
            if length > most {
                return Err(Refusal::LongReason(length).into());
            }
        }
        if let Some(id) = kept {
            self.owes(who, id)?;
        }
        // It is refused before anything is told, or not at all.
        let place = out.len();
        let promised = promise.map(|promise| self.promise(now, call, who, promise, out)).transpose()?;
        let what = What::OutcomeSet { agent: who.clone(), outcome, reason_code, note };
        out.insert(place, Output::Fact(Fact { at: now.at, call: Some(call), what }));
        if let Some(id) = kept {
            let wish = PromiseWish::Kept { words: format!("with call {call}") };
            self.promise_wish(now, id, (who, false), wish, out)?;
        }
        Ok(promised)
    }
}

#[cfg(test)]
mod tests {
    use super::super::refer_tests::CALL;
    use super::super::refer_tests::House;
    use super::*;
    use crate::base::Timestamp;
    use crate::base::WallTime;
    use crate::fact::SuperviseMode;

    const NOW: Now = Now { at: Timestamp::from_secs(1), wall: WallTime(1_000_000) };

    fn asks(
        house: &mut House,
        call: CallId,
        request: AgentRequest,
    ) -> Result<Option<PromiseId>, ControlError> {
        let mut out = Vec::new();
        house.switchboard.request(NOW, call, &"alice".into(), request, &mut house.streams, &mut out)
    }

    #[test]
    fn of_a_call_that_there_is_not_nothing_else_is_said() {
        let mut house = House::new();
        let requests = || {
            let quote = AgentRequest::Quote { level: "nobody".into() };
            let (belongs, reason) = (Some("nowhere".into()), String::new());
            [
                quote,
                AgentRequest::Misrouted { belongs, reason },
                AgentRequest::NotMisrouted,
                AgentRequest::Move { queue: "nowhere".into() },
                AgentRequest::Prioritise(5),
                AgentRequest::Supervise(Some(SuperviseMode::Listen)),
                AgentRequest::TakeOver,
                AgentRequest::Listen,
                AgentRequest::Transfer { to: Target::Agent("bob".into()) },
            ]
        };
        for request in requests() {
            for none in [CallId(4_242), CallId(0)] {
                assert_eq!(
                    asks(&mut house, none, request.clone()),
                    Err(ControlError::UnknownCall(none)),
                    "{request:?}"
                );
            }
            let there = asks(&mut house, CALL, request.clone());
            assert!(!matches!(there, Err(ControlError::UnknownCall(_))), "{request:?}: {there:?}");
        }
    }

    #[test]
    fn a_message_is_handled_by_whoever_says_so_first() {
        let mut house = House::new();
        let mut out = Vec::new();
        let mut says = |part, who: &str| {
            let by = Some(Name::from(who));
            house.switchboard.message_handled(NOW, (CALL, part), by, "called".to_owned(), &mut out)
        };
        assert_eq!(says(1, "alice"), Ok(()));
        let problem = says(1, "sam").unwrap_err();
        assert_eq!(
            (problem.to_string().as_str(), problem.http_status()),
            ("alice has handled it already", 409)
        );
        assert_eq!(says(2, "sam"), Ok(()), "it is another one");
        assert_eq!(out.len(), 2, "told once each: {out:?}");
    }
}
