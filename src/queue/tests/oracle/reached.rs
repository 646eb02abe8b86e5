//! Callbacks where the caller is called first: who is reserved, for how long, and what becomes of who picked up.

use std::time::Duration;

use super::Call;
use super::Oracle;
use crate::base::AgentId;
use crate::base::CallId;
use crate::base::Timestamp;
use crate::queue::Action;
use crate::queue::Event;
use crate::queue::Stage;
use crate::queue::api::Reason;

/// How long a caller's phone rings.
const RINGS: Duration = Duration::from_secs(25);
/// How long who was told that they are called back is left alone.
pub(super) const LET_GO: Duration = Duration::from_secs(15);

impl Call {
    /// Whether it is a callback, be its caller on the line by now or not.
    pub fn is_place(&self) -> bool {
        self.kept || self.reached.is_some()
    }
}

impl Oracle {
    /// A try is over, and the next is not before a while.
    pub(super) fn tried(&mut self, now: Timestamp, id: CallId, at_least: Duration) {
        let spacing = self.queue_of(id).callback_spacing.max(at_least);
        let call = self.call(id);
        call.tries += 1;
        (call.kept, call.reached, call.calling) = (true, None, None);
        call.not_before = now + spacing;
    }

    /// The caller who was called picked up, or did not, or hung up again.
    pub(super) fn called(&mut self, now: Timestamp, event: &Event, id: CallId) {
        let Some(call) = self.calls.get(&id) else { return };
        let (stage, reached) = (call.stage, call.reached.is_some());
        match (event, stage) {
            (Event::CallerReached { .. }, Stage::Reserved(_)) => {
                let waits = self.queue_of(id).customer_first.expect("it is the customer first");
                let call = self.call(id);
                assert!(call.kept && call.calling.is_some_and(|until| until > now));
                (call.kept, call.calling, call.reached) = (false, None, Some(now + waits));
                self.saw("caller reached");
            }
            (Event::CallerMissed { .. }, Stage::Reserved(_)) => {
                self.tried(now, id, Duration::ZERO);
                self.call(id).stage = Stage::Waiting;
                self.saw("caller missed");
            }
            (Event::CallerMissed { .. }, Stage::Waiting | Stage::Ringing(_)) if reached => {
                // Phones that ring for it stop by the actions that follow.
                self.tried(now, id, Duration::ZERO);
                let rang = matches!(stage, Stage::Ringing(_));
                self.saw(if rang {
                    "reached, and hung up while a phone rang"
                } else {
                    "reached, and hung up"
                });
            }
            _ => {}
        }
    }

    /// An agent is reserved: the choice is the same as for a ring, and nobody's phone rings for longer because of it.
    pub(super) fn reserved(
        &mut self,
        now: Timestamp,
        id: CallId,
        agent: AgentId,
        until: Timestamp,
        why: &Reason,
    ) {
        assert!(
            self.calls[&id].kept && self.queue_of(id).customer_first.is_some(),
            "the agent was to be first"
        );
        let rings_until = self.calls[&id].calling;
        assert_eq!(until, rings_until.unwrap_or(now + RINGS), "one call, and its time");
        self.check_ring(now, id, agent, why);
        let call = self.call(id);
        call.rings.clear();
        (call.stage, call.calling) = (Stage::Reserved(agent), Some(until));
        self.saw(if rings_until.is_some() { "reserved in another's stead" } else { "reserved" });
    }

    /// Who was reserved is rung the moment that the caller picks up, and nobody else is.
    pub(super) fn rung_who_was_reserved(&mut self, event: &Event, id: CallId, agent: AgentId) {
        assert_eq!(*event, Event::CallerReached { call: id });
        let call = self.call(id);
        assert!(call.reached.is_some() && call.rings.is_empty());
        (call.stage, call.rings) = (Stage::Ringing(agent), vec![agent]);
    }

    /// An agent who was reserved is something else: unless they are rung now, the call looks for another.
    pub(super) fn reserved_no_more(&mut self, id: CallId, agent: AgentId) {
        let looks = self.calls.get_mut(&id).filter(|call| call.stage == Stage::Reserved(agent));
        looks.into_iter().for_each(|call| call.stage = Stage::Waiting);
    }

    /// A caller is called no more for want of an agent only where there is none.
    pub(super) fn nobody_else_is_there(&self, now: Timestamp, action: &Action, next: &[Action]) {
        let Action::StopCalling { call: id, missed: false } = action else { return };
        let exits = |next: &Action| matches!(next, Action::Exit { call, .. } if call == id);
        let idle = self.agent_ids().find(|agent| self.may_ring(now, *id, *agent));
        assert!(idle.is_none() || next.iter().any(exits), "{id} is called no more though an agent is idle");
    }

    pub(super) fn stop_calling(&mut self, now: Timestamp, id: CallId, missed: bool) {
        let until = self.calls[&id].calling.expect("only who is called is called no more");
        let tries = self.calls[&id].tries;
        self.tried(now, id, Duration::ZERO);
        self.call(id).stage = Stage::Waiting;
        if missed {
            assert_eq!(until, now, "not sooner, nor later");
            self.saw("called no more, in time");
        } else {
            self.call(id).tries = tries;
            self.saw("called no more, for nobody is there");
        }
    }

    /// Nobody took who picked up for as long as they are to wait.
    pub(super) fn not_served(&mut self, now: Timestamp, id: CallId) {
        let call = &self.calls[&id];
        assert_eq!(call.stage, Stage::Waiting, "let go while a phone rings");
        assert!(call.reached.is_some_and(|until| until <= now), "let go too soon");
        self.tried(now, id, LET_GO);
        self.saw("let go, place kept");
    }
}
