//! A call that an agent places: their own phone first, then the phone of whom they call. Once both are there it is a
//! talk like any other, with the one who was called in the caller's place.
//!
//! | the agent | the one who is called | left by |
//! |---|---|---|
//! | rings | – | pick-up, the engine's ring time |
//! | there | sought: a colleague, until the engine rings them | the engine |
//! | there | rings | pick-up, a refusal, the ring time, the agent hangs up |
//!
//! An agent who dials on their own phone is there from the start; their phone hears ringing until the other picks up.

use std::time::Duration;

use serde::Deserialize;
use serde::Serialize;

use super::AgentLine;
use super::Arrival;
use super::Call;
use super::CallAction;
use super::Joined;
use super::Phase;
use crate::base::AgentId;
use crate::base::CallId;
use crate::base::LegId;
use crate::base::Name;
use crate::base::QueueId;
use crate::base::Timestamp;
use crate::fact::MissedWhy;
use crate::fact::Outcome;
use crate::fact::Party;
use crate::fact::Target;
use crate::fact::What;
use crate::fact::Why;
use crate::flow::Center;
use crate::queue;

/// How long a number outside rings. A colleague rings as long as the queue says.
const RING_FOR: Duration = Duration::from_secs(45);

/// The call of a colleague is known to the engine as this one of the call's consults.
const COLLEAGUE: u8 = 1;

/// What an agent wants: to talk with somebody.
#[derive(Clone, Debug, PartialEq)]
pub struct Order {
    pub agent: AgentId,
    pub name: Name,
    pub to: Callee,
    /// Whose rules hold, and who has the one who is called should the agent be lost.
    pub queue: QueueId,
    /// Our number, as whom we call sees it; empty: withheld.
    pub shown: String,
    /// The trunk by which somebody outside is called.
    pub trunk: Option<Name>,
    /// The agent's own phone, which dialled: its line, its Call-ID and where it is.
    pub phone: Option<Phone>,
}

/// An agent's phone that dialled.
#[derive(Clone, Debug, PartialEq)]
pub struct Phone {
    pub leg: LegId,
    pub sip_call_id: String,
    pub source: String,
}

/// Who is called.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Callee {
    Number(String),
    Agent(AgentId, Name),
}

impl Callee {
    fn target(&self) -> Target {
        match self {
            Callee::Number(number) => Target::Number(number.clone()),
            Callee::Agent(_, name) => Target::Agent(name.clone()),
        }
    }
}

/// A call that was placed, until the two talk.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Calling {
    pub(super) to: Callee,
    /// Whether the agent's phone is not answered before the other one is.
    by_phone: bool,
    /// The line of the one who is called, once it rings.
    pub(super) leg: Option<LegId>,
    /// Why the last ring was in vain.
    missed: Option<MissedWhy>,
    dialled: Timestamp,
    pub(super) until: Option<Timestamp>,
}

/// What stays known of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Placed {
    pub(super) name: Name,
    pub(super) shown: String,
    /// The colleague who was called, until they are let go of.
    pub(super) colleague: Option<(AgentId, Name)>,
}

impl Call {
    /// An agent calls somebody. Answers with the first actions.
    pub fn place(
        id: CallId,
        now: Timestamp,
        center: &Center,
        order: Order,
        out: &mut Vec<CallAction>,
    ) -> Call {
        let Order { agent, name, to, queue, shown, trunk: by, phone } = order;
        let (number, display) = match &to {
            Callee::Number(number) => (number.clone(), String::new()),
            Callee::Agent(_, name) => (name.to_string(), name.to_string()),
        };
        let leg = LegId::of(id, 0);
        let (sip_call_id, source) = match &phone {
            Some(phone) => (phone.sip_call_id.clone(), phone.source.clone()),
            None => Default::default(),
        };
        let dialled = String::new();
        let (trunk, contact) = (None, String::new());
        let arrival = Arrival {
            leg,
            number,
            claimed: None,
            display,
            dialled,
            sip_call_id,
            source,
            trunk,
            contact,
            agent: Some(agent),
        };
        let (by_phone, target) = (phone.is_some(), to.target());
        let calling = Calling { to, by_phone, leg: None, missed: None, dialled: now, until: None };
        let caller_id = by.as_ref().map(|_| shown.clone()).filter(|shown| !shown.is_empty());
        let mut call = Call {
            joined: Some(Joined::new(queue, now)),
            placed: Some(Placed { name: name.clone(), shown, colleague: None }),
            ..Call::new(id, center, arrival, Phase::Calling(calling))
        };
        let of = center.engine.queues[queue.0 as usize].name.clone();
        out.push(CallAction::Fact(What::CallPlaced {
            agent: name.clone(),
            to: target,
            queue: of,
            trunk: by,
            caller_id,
        }));
        if let Some(Phone { leg, source: address, .. }) = phone {
            call.open.push((leg, Party::Agent));
            call.agent = Some(AgentLine::new(Some(agent), name, id, leg));
            out.push(CallAction::Fact(What::LegOpened { leg, party: Party::Agent, address }));
        }
        out.push(CallAction::Queue(queue::Event::AgentCalls { call: id, agent, queue }));
        call
    }

    /// The engine rings the agent who calls: their own phone is dialled, unless it is the one that dials.
    pub(super) fn ring_own_phone(
        &mut self,
        now: Timestamp,
        agent: AgentId,
        name: Name,
        out: &mut Vec<CallAction>,
    ) {
        if self.agent.is_some() {
            return self.own_phone_up(now, out);
        }
        let leg = self.new_leg(Party::Agent);
        let why = "to make a call".to_owned();
        out.push(CallAction::Fact(What::AgentRinging {
            agent: name.clone(),
            attempt: 1,
            why: Why::Words(why),
        }));
        out.push(CallAction::DialAgent { leg, agent, of_queue: false });
        self.agent = Some(AgentLine::new(Some(agent), name, self.id, leg));
    }

    /// The agent is there: now the other one is called, and the agent hears it ring.
    pub(super) fn own_phone_up(&mut self, now: Timestamp, out: &mut Vec<CallAction>) {
        let (Phase::Calling(calling), Some(line)) = (&mut self.phase, &mut self.agent) else { return };
        line.up = true;
        let (call, own, agent) = (self.id, line.leg, line.agent);
        calling.dialled = now;
        let (to, by_phone) = (calling.to.clone(), calling.by_phone);
        out.extend(agent.map(|agent| CallAction::Queue(queue::Event::PickedUp { call, agent })));
        out.push(CallAction::Fact(What::CalleeDialled { to: to.target() }));
        if by_phone {
            out.push(CallAction::Ring { leg: own });
        } else {
            self.hears_it_ring(own, out);
        }
        match to {
            Callee::Number(number) => {
                let leg = self.new_leg(Party::Caller);
                self.callee_rings(leg, Some(now + RING_FOR));
                out.push(CallAction::DialNumber { leg, number });
            }
            Callee::Agent(agent, name) => {
                self.consults = COLLEAGUE;
                let queue = self.joined.as_ref().map_or(QueueId(0), |joined| joined.queue);
                if let Some(placed) = &mut self.placed {
                    placed.colleague = Some((agent, name));
                }
                let call = self.id.consult(COLLEAGUE);
                out.push(CallAction::Queue(queue::Event::CallAgent { call, agent, queue }));
            }
        }
    }

    fn callee_rings(&mut self, leg: LegId, until: Option<Timestamp>) {
        if let Phase::Calling(calling) = &mut self.phase {
            calling.leg = Some(leg);
            calling.until = until;
        }
    }

    /// The engine rings the colleague who is called.
    pub(super) fn ring_colleague(&mut self, agent: AgentId, name: Name, out: &mut Vec<CallAction>) {
        let leg = self.new_leg(Party::Caller);
        self.callee_rings(leg, None);
        let why = "a colleague calls".to_owned();
        out.push(CallAction::Fact(What::AgentRinging { agent: name, attempt: 1, why: Why::Words(why) }));
        out.push(CallAction::DialAgent { leg, agent, of_queue: false });
    }

    /// The engine rings the colleague no more.
    pub(super) fn colleague_missed(&mut self, why: MissedWhy, out: &mut Vec<CallAction>) {
        let Phase::Calling(calling) = &mut self.phase else { return };
        calling.missed.get_or_insert(why);
        if let Some(leg) = calling.leg.take() {
            out.push(CallAction::HangUp { leg, elsewhere: false });
        }
    }

    /// The engine has nobody to ring.
    pub(super) fn colleague_gone(&mut self, out: &mut Vec<CallAction>) {
        let Phase::Calling(calling) = &self.phase else { return };
        let why = calling.missed.unwrap_or(MissedWhy::Unreachable);
        if let Some(placed) = &mut self.placed {
            placed.colleague = None;
        }
        self.callee_missed(why, out);
    }

    /// The one who was called picked up: the two hear each other.
    pub(super) fn callee_reached(
        &mut self,
        center: &Center,
        now: Timestamp,
        leg: LegId,
        out: &mut Vec<CallAction>,
    ) {
        let (Phase::Calling(calling), Some(line)) = (&self.phase, &self.agent) else { return };
        let (own, by_phone, rang) = (line.leg, calling.by_phone, now.since(calling.dialled));
        let agent = line.name.clone();
        self.caller = Some(leg);
        if by_phone {
            out.push(CallAction::Answer { leg: own });
        } else {
            out.push(CallAction::StopPlay { leg: own });
        }
        if let Some((agent, _)) = self.placed.as_ref().and_then(|placed| placed.colleague.as_ref()) {
            let (call, agent) = (self.id.consult(COLLEAGUE), *agent);
            out.push(CallAction::Queue(queue::Event::PickedUp { call, agent }));
        }
        out.push(CallAction::Fact(What::CalleeReached { agent, rang }));
        self.begin_talk(center, now, out);
    }

    /// The phone of the one who is called did not take it.
    pub(super) fn callee_failed(&mut self, why: MissedWhy, out: &mut Vec<CallAction>) {
        let Phase::Calling(calling) = &mut self.phase else { return };
        calling.leg = None;
        calling.missed = Some(why);
        match calling.to {
            Callee::Agent(agent, _) => {
                let call = self.id.consult(COLLEAGUE);
                out.push(CallAction::Queue(queue::Event::RingFailed { call, agent, why }));
            }
            Callee::Number(_) => self.callee_missed(why, out),
        }
    }

    /// The number rang for as long as it may.
    pub(super) fn callee_late(&mut self, out: &mut Vec<CallAction>) {
        if let Phase::Calling(calling) = &mut self.phase {
            out.extend(calling.leg.take().map(|leg| CallAction::HangUp { leg, elsewhere: false }));
            self.callee_missed(MissedWhy::NoAnswer, out);
        }
    }

    fn callee_missed(&mut self, why: MissedWhy, out: &mut Vec<CallAction>) {
        out.push(CallAction::Fact(What::CalleeMissed { why }));
        let Phase::Calling(calling) = &self.phase else { return };
        if let (true, Some(line)) = (calling.by_phone, &self.agent) {
            let status = match why {
                MissedWhy::Busy => 486,
                MissedWhy::Declined => 603,
                MissedWhy::NoAnswer | MissedWhy::Unreachable | MissedWhy::Withdrawn => 480,
            };
            out.push(CallAction::Refuse { leg: line.leg, status });
            self.agent = None;
        }
        self.not_reached(Party::Server, "not reached", out);
    }

    /// The agent gave up, or their own phone was not picked up.
    pub(super) fn not_reached(&mut self, by: Party, cause: &str, out: &mut Vec<CallAction>) {
        self.leave_queue(out);
        self.end_lines(false, out);
        self.finish(by, Outcome::NotReached, cause, out);
    }

    /// The agent who calls hung up, or their phone did.
    pub(super) fn gave_up(&mut self, out: &mut Vec<CallAction>) {
        out.push(CallAction::Fact(What::CalleeMissed { why: MissedWhy::Withdrawn }));
        // Their line is over by itself.
        self.agent = None;
        self.not_reached(Party::Agent, "the agent hung up", out);
    }

    /// The engine did not get hold of the agent's own phone.
    pub(super) fn own_phone_missed(&mut self, out: &mut Vec<CallAction>) {
        if let (Some(line), Phase::Calling(Calling { by_phone: true, .. })) = (&self.agent, &self.phase) {
            out.push(CallAction::Refuse { leg: line.leg, status: 486 });
            self.agent = None;
        }
        self.not_reached(Party::Server, "the agent's phone was not picked up", out);
    }

    /// The colleague who was called is free again.
    pub(super) fn release_colleague(&mut self, out: &mut Vec<CallAction>) {
        if self.placed.as_mut().and_then(|placed| placed.colleague.take()).is_some() {
            let call = self.id.consult(COLLEAGUE);
            out.push(CallAction::Queue(queue::Event::Abandoned { call }));
        }
    }

    /// Whether the one in the caller's place is a colleague, and of that name.
    pub(super) fn is_colleague(&self, who: &Name) -> bool {
        self.colleague().is_some_and(|name| name == who)
    }

    /// The colleague in the caller's place.
    pub(super) fn colleague(&self) -> Option<&Name> {
        self.placed.as_ref()?.colleague.as_ref().map(|(_, name)| name)
    }
}
