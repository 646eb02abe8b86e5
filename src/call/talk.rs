//! The agent's line: it comes up, caller and agent talk, one of them leaves.

use std::time::Duration;

use serde::Deserialize;
use serde::Serialize;
use smallvec::SmallVec;

use super::AgentLine;
use super::Call;
use super::CallAction;
use super::Callback;
use super::Phase;
use super::conference::Member;
use super::consult::Consult;
use super::hearing::Heard;
use super::listen::Listening;
use super::recording::Notice;
use super::spoken_note::SpokenNote;
use super::supervise::Supervisor;
use crate::base::LegId;
use crate::base::Name;
use crate::base::Timestamp;
use crate::fact::ConsultEnd;
use crate::fact::HoldBy;
use crate::fact::MissedWhy;
use crate::fact::Outcome;
use crate::fact::Party;
use crate::fact::What;
use crate::flow::Center;
use crate::media::control::PlayId;
use crate::queue;
use crate::queue::hold;
use crate::queue::hold::Hold;

/// Who hangs up so soon after a transfer that was refused meant the caller to be served by others.
const MEANT_TO_HAND_ON: Duration = Duration::from_secs(3);

/// A caller and their agent, and whoever is with them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Talk {
    /// Since when the agent has the caller.
    pub(super) since: Timestamp,
    pub(super) hold: Option<Hold>,
    /// Until when the caller may be held, and by whose word.
    pub(super) permission: Option<(Timestamp, HoldBy)>,
    pub(super) consult: Option<Box<Consult>>,
    pub(super) supervisors: SmallVec<[Supervisor; 1]>,
    #[serde(default)]
    pub(super) listening: Listening,
    /// The level of escalation that was asked last.
    #[serde(default)]
    pub(super) level: Option<Name>,
    /// Who was added to it.
    #[serde(default)]
    pub(super) members: Vec<Member>,
    pub(super) heard: Heard,
    /// What is being said to the caller: the question before a hold, a check-in.
    pub(super) word: Option<PlayId>,
    /// When the agent last pressed the star.
    pub(super) star: Option<Timestamp>,
    /// When the agent's phone was last refused to hand the caller on.
    pub(super) refused: Option<Timestamp>,
    /// Whether the agent's desk has vanished, and may come back.
    pub(super) lost: bool,
    /// What the caller hears before anything else.
    pub(super) notice: Option<Notice>,
    /// What the agent says, or said, to whoever is consulted.
    #[serde(default)]
    pub(super) spoken: Option<SpokenNote>,
    /// Lines that their own phones hold.
    #[serde(default)]
    pub(super) away: SmallVec<[LegId; 1]>,
    /// Whether it was the agent's own phone that wanted the hold there is.
    #[serde(default)]
    pub(super) held_by_phone: bool,
    /// Until when a caller waits for an agent whose phone holds them, and whom they did not allow to.
    #[serde(default)]
    pub(super) alone_until: Option<Timestamp>,
}

impl Talk {
    fn between(since: Timestamp, caller: LegId, agent: LegId) -> Talk {
        let (hold, permission, consult, supervisors) = (None, None, None, SmallVec::new());
        let heard = Heard::joined(caller, agent);
        let (word, star, notice) = (None, None, None);
        Talk {
            since,
            hold,
            permission,
            consult,
            supervisors,
            listening: Listening::default(),
            level: None,
            members: Vec::new(),
            heard,
            word,
            star,
            refused: None,
            lost: false,
            notice,
            spoken: None,
            away: SmallVec::new(),
            held_by_phone: false,
            alone_until: None,
        }
    }

    /// Whether the agent meant to hand the caller on a moment ago: some phones hang up when they may not.
    fn was_refused(&self, now: Timestamp) -> bool {
        self.refused.is_some_and(|at| now.since(at) <= MEANT_TO_HAND_ON)
    }

    pub(super) fn deadline(&self) -> Option<Timestamp> {
        let hold = self.hold.as_ref().and_then(Hold::deadline);
        let consult = self.consult.as_ref().and_then(|consult| consult.deadline());
        let notice = self.notice.as_ref().map(|notice| notice.until);
        let spoken = self.spoken.and_then(|note| note.deadline());
        let own = [consult, notice, self.alone_until, spoken, self.listening.deadline()];
        hold.into_iter().chain(own.into_iter().flatten()).min()
    }
}

/// Why a phone did not take a call, by SIP's final status (RFC 3261 §21).
pub(super) fn missed_why(status: u16) -> MissedWhy {
    match status {
        486 | 600 => MissedWhy::Busy,
        403 | 603 => MissedWhy::Declined,
        408 | 487 => MissedWhy::NoAnswer,
        _ => MissedWhy::Unreachable,
    }
}

impl Call {
    /// A line is up: the caller's own, an agent's, a supervisor's, or the caller's who is called back.
    pub(super) fn on_line_up(
        &mut self,
        center: &Center,
        now: Timestamp,
        leg: LegId,
        out: &mut Vec<CallAction>,
    ) {
        self.prefer_line(leg);
        if self.is_forward(leg) {
            self.forward_up(center, now, out);
        } else if let (Phase::Calling(calling), Some(line)) = (&self.phase, &self.agent) {
            if calling.leg == Some(leg) {
                self.callee_reached(center, now, leg, out);
            } else if line.leg == leg && !line.up {
                self.own_phone_up(now, out);
            }
        } else if let Some(line) = self.agent.as_mut().filter(|line| line.leg == leg && !line.up) {
            line.up = true;
            let agent = line.agent;
            match (&self.phase, self.caller) {
                (Phase::Waiting(wait), Some(caller)) if wait.greeting().is_some() => {
                    self.agent_hears_out(now, caller);
                }
                (Phase::Waiting(_), Some(_)) => {
                    if !self.whisper(center, now, leg, out) {
                        self.begin_talk(center, now, out);
                    }
                }
                (Phase::Waiting(wait), None) => {
                    let wait = wait.clone();
                    self.call_back(center, now, wait, leg, out);
                }
                // The caller left in the same moment: the engine has withdrawn the ring.
                _ => return,
            }
            self.others_stop(out);
            let call = self.id;
            out.extend(agent.map(|agent| CallAction::Queue(queue::Event::PickedUp { call, agent })));
        } else if matches!(&self.phase, Phase::CallingBack(callback) if callback.leg == leg) {
            self.callback_reached(center, now, leg, out);
        } else if self.calls_first(leg) {
            self.caller_reached(center, out);
        } else if self.is_supervisor(leg) {
            self.supervisor_up(center, now, leg, out);
        } else if self.is_listener(leg) {
            self.listener_up(center, leg, out);
        } else {
            self.consult_line_up(center, now, leg, out);
        }
    }

    /// Lets caller and agent hear each other, once the caller knows whether they are recorded.
    pub(super) fn begin_talk(&mut self, center: &Center, now: Timestamp, out: &mut Vec<CallAction>) {
        let (Some(caller), Some(line)) = (self.caller, self.agent.clone()) else { return };
        let agent = line.leg;
        let mut talk = Talk::between(now, caller, agent);
        match self.notice(center, now) {
            None => out.push(CallAction::Join { a: caller, b: agent }),
            Some((notice, prompt)) => {
                self.give_notice(caller, agent, &notice, prompt, out);
                talk.heard = Heard::default();
                talk.notice = Some(notice);
            }
        }
        if let Some((waited, quote)) = line.promise {
            out.push(CallAction::Fact(What::AgentConnected { agent: line.name, waited, quote }));
        }
        self.talked = true;
        // A flow that had this agent called is over.
        self.flow_over();
        let waits = talk.notice.is_some();
        self.phase = Phase::Talking(Box::new(talk));
        if !waits {
            self.record_talk(center, out);
        }
    }

    /// A phone that we dialled did not take the call: why, and in words for the history.
    pub(super) fn on_line_failed(
        &mut self,
        center: &Center,
        now: Timestamp,
        leg: LegId,
        (why, cause): (MissedWhy, &str),
        out: &mut Vec<CallAction>,
    ) {
        if self.is_forward(leg) {
            self.forward_failed(center, now, why, out);
        } else if matches!(&self.phase, Phase::Calling(calling) if calling.leg == Some(leg)) {
            self.callee_failed(why, out);
        } else if let Some(line) = self.take_ringing(|line| line.leg == leg) {
            self.ring_failed(line, why, out);
        } else if matches!(&self.phase, Phase::CallingBack(Callback { leg: dialled, .. }) if *dialled == leg)
        {
            self.callback_failed(cause, out);
        } else if self.calls_first(leg) {
            self.caller_missed(cause, out);
        } else if self.agent.as_ref().is_some_and(|line| line.leg == leg) {
            self.agent_left(center, now, "line failed", out);
        } else if self.is_supervisor(leg) {
            self.supervisor_left(center, leg, out);
        } else if self.is_listener(leg) {
            self.listener_left(center, leg, out);
        } else if self.is_member(leg) {
            self.member_left(center, leg, Party::Consulted, out);
        } else if self.consulted().is_some_and(|line| line.leg == leg) {
            self.consult_line_failed(center, now, why, out);
        }
    }

    pub(super) fn ring_failed(&mut self, line: AgentLine, why: MissedWhy, out: &mut Vec<CallAction>) {
        self.agent_missed(line.name, why, out);
        let (call, agent) = (self.id, line.agent);
        out.extend(agent.map(|agent| CallAction::Queue(queue::Event::RingFailed { call, agent, why })));
    }

    /// The agent hung up, or is gone. A caller who waits for them, for whom they consult, or who has not heard them yet, is not
    /// left alone.
    pub(super) fn agent_left(
        &mut self,
        center: &Center,
        now: Timestamp,
        cause: &str,
        out: &mut Vec<CallAction>,
    ) {
        match &self.phase {
            Phase::Talking(_) if self.can_hand_over() => self.hand_over(center, now, out),
            Phase::Talking(_) if self.has_members() => self.hand_to_member(center, now, out),
            Phase::Talking(talk)
                if talk.lost
                    || talk.notice.is_some()
                    || talk.was_refused(now)
                    || talk.consult.is_some()
                    || talk.hold.as_ref().is_some_and(Hold::is_held) =>
            {
                self.leave_to_queue(now, cause, out);
            }
            Phase::Talking(_) => self.end_by_agent(center, now, cause, out),
            Phase::CallingBack(callback) if callback.wait.reached => self.next_agent(now, out),
            Phase::Whispering(_) => self.whisper_refused(center, now, out),
            Phase::CallingBack(_) => self.callback_failed("the agent hung up", out),
            Phase::Calling(_) if self.agent.as_ref().is_some_and(|line| line.up) => self.gave_up(out),
            _ => {
                if let Some(line) = self.agent.take() {
                    self.agent = (!self.beside.is_empty()).then(|| self.beside.remove(0));
                    self.ring_failed(line, MissedWhy::Unreachable, out);
                }
            }
        }
    }

    /// A deadline of the talk is due.
    pub(super) fn on_talk_tick(&mut self, center: &Center, now: Timestamp, out: &mut Vec<CallAction>) {
        self.notice_late(center, now, out);
        self.alone_late(now, out);
        self.listening_late(now, out);
        self.tell_hold(center, now, hold::Event::Tick, out);
        if self.talk().and_then(|talk| talk.consult.as_ref()).is_some_and(|consult| consult.is_late(now)) {
            self.consult_late(center, now, out);
        }
    }

    /// Caller and agent part, and the call is over.
    pub(super) fn end_talk(&mut self, now: Timestamp, by: Party, cause: &str, out: &mut Vec<CallAction>) {
        if self.talk().is_none() {
            return;
        }
        self.close_hold(now, out);
        let consult_end = if by == Party::Caller { ConsultEnd::CallerLeft } else { ConsultEnd::Cancelled };
        self.close_consult(consult_end, out);
        self.close_conference(by, out);
        self.close_supervision(out);
        let line = match by {
            Party::Agent => self.agent.take(),
            _ => self.agent.clone(),
        };
        self.end_lines(false, out);
        if let Some(line) = line {
            self.tell_talk_ended(&line, now, by, out);
        }
        self.finish(by, Outcome::Talked, cause, out);
    }

    /// Tells the history and the engine that an agent does not have the caller any more.
    pub(super) fn tell_talk_ended(
        &self,
        line: &AgentLine,
        now: Timestamp,
        by: Party,
        out: &mut Vec<CallAction>,
    ) {
        let since = self.talk().map_or(now, |talk| talk.since);
        let (name, call) = (line.name.clone(), line.contact);
        out.push(CallAction::Fact(What::TalkEnded { agent: name, talked: now.since(since), by }));
        let ended = |agent| CallAction::Queue(queue::Event::TalkEnded { call, agent });
        out.extend(line.agent.map(ended));
    }
}
