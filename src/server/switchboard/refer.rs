//! What an agent's own phone does to hand a caller on: its Transfer button (SIP's REFER), and what it dials while it has
//! the caller.

use smallvec::smallvec;

use super::Now;
use super::Output;
use super::Pending;
use super::Streams;
use super::Switchboard;
use crate::base::CallId;
use crate::base::LegId;
use crate::base::Name;
use crate::call::CallAction;
use crate::call::CallEvent;
use crate::call::by_phone::SecondLine;
use crate::call::placed::Callee;
use crate::call::request::AgentRequest;
use crate::call::request::Refusal;
use crate::call::request::dialable;
use crate::fact::Fact;
use crate::fact::Party;
use crate::fact::Target;
use crate::fact::What;
use crate::queue::api::AgentState;
use crate::sdp;
use crate::sip::Command;
use crate::sip::SessionId;
use crate::sip::api::EndReason;
use crate::sip::api::Incoming;
use crate::sip::api::Refer;

/// Where a phone is: `udp 127.0.0.1:5070`.
fn source(incoming: &Incoming) -> String {
    format!("{} {}", incoming.hop.transport, incoming.hop.remote)
}

impl Switchboard {
    /// A phone asks that whom it talks with be handed on: the same as by the desk, and refused for the same reasons.
    pub(super) fn on_refer(&mut self, now: Now, refer: Refer, out: &mut Vec<Output>) {
        let session = refer.session;
        let Some(&leg) = self.sessions.get(&session) else { return };
        let call = leg.call();
        let who = self.calls.get(&call).and_then(|live| live.call.agent_at(leg)).cloned();
        let asked = self.referred(now, &refer);
        let refused = asked.as_ref().err().map(|refusal| (refusal.sip_status(), refusal.to_string()));
        if let Some(agent) = who {
            let to = refer.to.user.clone().unwrap_or_default();
            let referred_by = refer.by.as_ref().map(|by| by.uri.to_string());
            let refused = refused.as_ref().map(|(_, why)| why.clone());
            let what = What::Referred { agent, to, referred_by, refused };
            out.push(Output::Fact(Fact { at: now.at, call: Some(call), what }));
        }
        if refused.is_some()
            && let Some(live) = self.calls.get_mut(&call)
        {
            live.call.transfer_refused(now.at);
        }
        // The phone hears that it is done before its line ends.
        self.command(now, Command::AnswerRefer { session, refused }, out);
        if let Ok(actions) = asked {
            self.pending.push_front(Pending::Actions(call, actions));
        }
    }

    fn referred(&mut self, now: Now, refer: &Refer) -> Result<Vec<CallAction>, Refusal> {
        let leg = self.sessions.get(&refer.session).copied().ok_or(Refusal::NotTalking)?;
        let live = self.calls.get(&leg.call()).ok_or(Refusal::NotTalking)?;
        let who = live.call.agent_at(leg).cloned().ok_or(Refusal::NotAnAgent)?;
        let request = match refer.replaces {
            Some(other) => {
                let other = self.sessions.get(&other).copied();
                if !other.is_some_and(|other| live.call.is_consult_of(leg, other)) {
                    return Err(Refusal::OtherCall);
                }
                AgentRequest::Complete
            }
            None => {
                AgentRequest::Transfer { to: self.target_of(refer.to.user.as_deref().unwrap_or_default())? }
            }
        };
        self.can_be_reached(&who, leg.call(), &request)?;
        let asked = self.ask_call(leg.call(), |call, center, actions| {
            call.request(center, now.at, now.wall, &who, request, actions)
        });
        asked.ok_or(Refusal::NotTalking)?
    }

    /// Whom a phone means: a queue or an agent by name, an agent by extension, or a number outside.
    fn target_of(&self, dialled: &str) -> Result<Target, Refusal> {
        let center = &self.parts.center;
        let agent = center.extensions.get(dialled).copied().or_else(|| self.agent(dialled));
        if let Some(agent) = agent {
            Ok(Target::Agent(self.agent_name(agent)))
        } else if center.engine.queue_named(dialled).is_some() {
            Ok(Target::Queue(dialled.into()))
        } else if dialable(dialled) && !center.numbers.contains_key(dialled) {
            Ok(Target::Number(dialled.to_owned()))
        } else {
            Err(Refusal::NoSuchTarget(format!("agent or queue \"{dialled}\"")))
        }
    }

    /// The call that an agent's phone has when it dials somebody else, whom to consult about it, and who the agent is.
    pub(super) fn consult_dialled(&self, incoming: &Incoming) -> Option<(CallId, Name, Target)> {
        let user = incoming.user.as_deref()?;
        let agent = self.agent(user)?;
        let Some(AgentState::Talking(contact)) = self.engine.agent_state(agent) else { return None };
        let dialled = incoming.uri.user.as_deref().unwrap_or_default();
        let is_queue = self.parts.center.engine.queue_named(dialled).is_some();
        let to = match self.dial_plan(agent, dialled) {
            Some(Callee::Agent(_, name)) => Target::Agent(name),
            Some(Callee::Number(number)) => Target::Number(number),
            None if is_queue => Target::Queue(dialled.into()),
            None => return None,
        };
        Some((contact.whole(), user.into(), to))
    }

    /// Another phone of an agent takes the place of the one that has their call: only their own.
    pub(super) fn take_place(
        &mut self,
        now: Now,
        replaced: SessionId,
        incoming: &Incoming,
        streams: &mut dyn Streams,
        out: &mut Vec<Output>,
    ) {
        let session = incoming.session;
        let answer = match self.can_take_place(replaced, incoming) {
            Ok(leg) => self.moved(leg, replaced, incoming, streams).map(|sdp| (leg, sdp)),
            Err(status) => Err(status),
        };
        match answer {
            Ok((leg, sdp)) => {
                self.command(now, Command::Answer { session, sdp: sdp.into() }, out);
                self.command(now, Command::End { session: replaced, reason: EndReason::Elsewhere }, out);
                let (party, address) = (Party::Agent, source(incoming));
                let what = What::LegMoved { leg, party, address };
                out.push(Output::Fact(Fact { at: now.at, call: Some(leg.call()), what }));
            }
            Err(status) => self.command(now, Command::Refuse { session, status, retry_after_s: None }, out),
        }
    }

    /// The line that is to move, or the status to refuse it with.
    fn can_take_place(&self, replaced: SessionId, incoming: &Incoming) -> Result<LegId, u16> {
        let leg = self.sessions.get(&replaced).copied().ok_or(481u16)?;
        let live = self.calls.get(&leg.call()).ok_or(481u16)?;
        match (live.call.agent_at(leg), &incoming.user) {
            (Some(agent), Some(user)) if agent == user => {}
            _ => return Err(403),
        }
        if self.lines.get(&leg).is_some_and(|line| line.up) { Ok(leg) } else { Err(481) }
    }

    /// The line goes on over the new session: our answer, or our offer where the phone wants it.
    fn moved(
        &mut self,
        leg: LegId,
        replaced: SessionId,
        incoming: &Incoming,
        streams: &mut dyn Streams,
    ) -> Result<String, u16> {
        let srtp = self.srtp_at(leg, incoming.hop);
        let line = self.lines.get_mut(&leg).ok_or(481u16)?;
        let before = std::mem::replace(&mut line.local.srtp, srtp);
        let sdp = match &incoming.sdp {
            Some(offer) => {
                let answered = line.answer_offer(offer, &mut self.parts.entropy);
                let (answer, agreed) = answered.map_err(|error| {
                    line.local.srtp = before;
                    error.sip_status()
                })?;
                if let Some(event) = line.note_direction(&agreed) {
                    self.pending.push_back(Pending::Call(leg.call(), CallEvent::Leg { leg, event }));
                }
                line.agree(leg, agreed, streams);
                answer
            }
            // Its answer comes with the ACK.
            None => {
                line.local.version += 1;
                sdp::negotiate::offer(&line.local)
            }
        };
        line.sessions = smallvec![incoming.session];
        line.digits = None;
        self.sessions.remove(&replaced);
        self.sessions.insert(incoming.session, leg);
        Ok(sdp)
    }

    /// The second line of a phone whose agent consults somebody.
    pub(super) fn second_line(
        &mut self,
        now: Now,
        (call, who, to): (CallId, Name, Target),
        incoming: &Incoming,
        streams: &mut dyn Streams,
        out: &mut Vec<Output>,
    ) {
        let session = incoming.session;
        let Some(leg) = self.calls.get_mut(&call).map(|live| live.call.reserve_leg()) else { return };
        let refuse = |status| Command::Refuse { session, status, retry_after_s: None };
        if let Err(status) = self.open_line(leg, incoming, streams) {
            return self.command(now, refuse(status), out);
        }
        let request = AgentRequest::Transfer { to: to.clone() };
        let begun = self.can_be_reached(&who, call, &request).and_then(|()| {
            let line = SecondLine { leg, source: source(incoming) };
            let asked = self.ask_call(call, |call, center, actions| {
                call.consult_by_phone(center, now.at, now.wall, &who, line, to, actions)
            });
            asked.ok_or(Refusal::NotTalking)?
        });
        match begun {
            Ok(actions) => self.pending.push_front(Pending::Actions(call, actions)),
            Err(refusal) => {
                self.command(now, refuse(refusal.sip_status()), out);
                self.close(leg, streams);
            }
        }
    }
}
