//! Phones that hold by themselves: the button of the phone, in SIP a re-INVITE with `sendonly` or `inactive` (RFC 3264
//! §8.4).
//!
//! An agent's is a wish to hold like any other. Nobody has asked the caller, so they are asked by prompt, unless they
//! agreed a moment ago. Until the phone is back, a caller who did not agree hears a ringing tone, which is no hold music,
//! and after half a minute they go back to the queue as old as they are. A caller's own hold is told to the agent's desk, and
//! a flow does not count their silence meanwhile; it changes nothing else.

use std::time::Duration;

use super::Call;
use super::CallAction;
use super::Phase;
use super::consult::Stage;
use crate::base::LegId;
use crate::base::Timestamp;
use crate::fact::HoldEndedBy;
use crate::flow::Center;
use crate::flow::FlowEvent;
use crate::queue::hold;
use crate::queue::hold::Hold;

/// How long a caller waits for an agent whose phone holds them without their leave: as for a desk that vanished.
const WAITS_FOR: Duration = Duration::from_secs(30);
/// What the hold is for, as far as a phone says.
const REASON: &str = "held by phone";

impl Call {
    /// The caller's phone holds their line, or has them back, while a flow serves them.
    pub(super) fn flow_stands_still(
        &mut self,
        center: &Center,
        now: Timestamp,
        leg: LegId,
        event: FlowEvent,
        out: &mut Vec<CallAction>,
    ) {
        if self.caller == Some(leg) && matches!(self.phase, Phase::Flow) {
            self.step_flow(center, now, event, out);
        }
    }

    /// A party's phone holds its line.
    pub(super) fn phone_holds(
        &mut self,
        center: &Center,
        now: Timestamp,
        leg: LegId,
        out: &mut Vec<CallAction>,
    ) {
        let Some(talk) = self.talk_mut() else { return };
        if !talk.away.contains(&leg) {
            talk.away.push(leg);
        }
        let Some(line) = self.agent.as_ref().filter(|line| line.leg == leg) else { return };
        let agent = line.name.clone();
        let Some(talk) = self.talk() else { return };
        if talk.notice.is_some() || talk.hold.is_some() || !talk.members.is_empty() {
            return;
        }
        match &talk.consult {
            Some(consult) if consult.joined || consult.adds => return,
            Some(consult) if consult.stage == Stage::Together => {
                // The agent turns to the other of the two. A phone has no screen to show a refusal on.
                self.toggle(center, now, out).unwrap_or_default();
                if let Some(talk) = self.talk_mut() {
                    talk.held_by_phone = talk.hold.is_some();
                }
                return;
            }
            _ => {}
        }
        let (policy, mut actions) = (self.policy(center).hold, Vec::new());
        let still = talk.permission.filter(|(until, _)| *until > now);
        let offers_callback = self.offers_callback(center);
        let quote = super::hold::QUOTE.min(policy.longest_quote);
        let wish = |quote| hold::Wish { agent, reason: REASON.to_owned(), quote, offers_callback };
        let begun = match still {
            Some((until, by)) => Hold::granted(now, &policy, wish(until.since(now)), by, &mut actions),
            None => Hold::ask(now, &policy, wish(quote), &mut actions),
        };
        self.begin_hold(center, now, Some(begun), actions, out);
        if let Some(talk) = self.talk_mut() {
            talk.held_by_phone = true;
        }
    }

    /// A party's phone took its hold back: what it wanted ends with it, and nothing else.
    pub(super) fn phone_is_back(
        &mut self,
        center: &Center,
        now: Timestamp,
        leg: LegId,
        out: &mut Vec<CallAction>,
    ) {
        let with_caller = self.agent.as_ref().is_some_and(|line| line.leg == leg);
        let own = self.own_line().is_some();
        let Some(talk) = self.talk_mut() else { return };
        talk.away.retain(|other| *other != leg);
        if !with_caller {
            return;
        }
        let held = talk.hold.as_ref().is_some_and(Hold::is_held);
        let together = talk.consult.as_ref().is_some_and(|consult| consult.stage == Stage::Together);
        if held && together && (own || talk.held_by_phone) {
            // They may: the caller is theirs, and held.
            self.toggle(center, now, out).unwrap_or_default();
        } else if talk.held_by_phone && talk.hold.is_some() {
            self.tell_hold(center, now, hold::Event::End(HoldEndedBy::Agent), out);
        }
    }

    /// Whether the agent's phone holds the caller, who did not agree to that and has nobody else to talk with.
    pub(super) fn is_left_by_phone(&self) -> bool {
        let (Some(talk), Some(line)) = (self.talk(), &self.agent) else { return false };
        let is_there = |leg: LegId| !talk.away.contains(&leg);
        let joined =
            talk.consult.as_ref().filter(|consult| consult.stage == Stage::Together && consult.joined);
        let receiver = joined.and_then(|consult| consult.line.as_ref());
        let own = joined.and_then(|consult| consult.own).filter(|own| own.up);
        let others = receiver.map(|line| line.leg).into_iter().chain(own.map(|own| own.leg));
        let mut others = others.chain(talk.members.iter().map(|member| member.line.leg));
        talk.hold.is_none() && talk.notice.is_none() && !is_there(line.leg) && !others.any(is_there)
    }

    /// Has the time run in which an agent's phone has to be back, or stops it.
    pub(super) fn heed_away(&mut self, center: &Center, now: Timestamp, out: &mut Vec<CallAction>) {
        let left = self.is_left_by_phone();
        let Some(talk) = self.talk_mut() else { return };
        if left == talk.alone_until.is_some() {
            return;
        }
        talk.alone_until = left.then(|| now + WAITS_FOR);
        self.retune(center, out);
    }

    /// The agent's phone was not back in time: the caller is served by others.
    pub(super) fn alone_late(&mut self, now: Timestamp, out: &mut Vec<CallAction>) {
        if self.talk().and_then(|talk| talk.alone_until).is_none_or(|until| until > now) {
            return;
        }
        out.extend(self.agent.as_ref().map(|line| CallAction::HangUp { leg: line.leg, elsewhere: false }));
        self.leave_to_queue(now, "the agent's phone held the caller", out);
    }
}
