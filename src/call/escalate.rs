//! An escalation: a consult with whom the center's matrix names, and when they do not take it in their time, with the
//! next, by itself, under the same note. The caller waits by the permission that they gave for it.

use std::time::Duration;

use serde::Deserialize;
use serde::Serialize;

use super::Call;
use super::CallAction;
use super::consult::Told;
use super::request::Refusal;
use super::request::reason;
use crate::base::Name;
use crate::base::Timestamp;
use crate::base::WallTime;
use crate::fact::ConsultEnd;
use crate::fact::What;
use crate::fact::note::NoteDraft;
use crate::flow::Center;
use crate::flow::escalation;
use crate::flow::escalation::Level;

/// The level that a consult asks.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Asked {
    pub(super) level: Name,
    within: Duration,
    /// Until when they may take it; none until they are sought.
    pub(super) until: Option<Timestamp>,
}

impl Asked {
    fn of(level: &Level) -> Asked {
        Asked { level: level.name.clone(), within: level.within, until: None }
    }

    /// From now on their time counts.
    pub(super) fn begin(&mut self, now: Timestamp) {
        self.until = Some(now + self.within);
    }
}

/// What an agent wants who cannot settle it.
#[derive(Clone, Debug, PartialEq)]
pub struct Escalation {
    /// None: the one after the last that was asked, or the first.
    pub level: Option<Name>,
    pub reason: String,
    /// Whether the caller knows why and to whom, and agreed to wait.
    pub told_caller: bool,
    pub note: NoteDraft,
}

impl Call {
    pub(super) fn escalate(
        &mut self,
        center: &Center,
        now: Timestamp,
        wall: WallTime,
        Escalation { level, reason: why, told_caller, mut note }: Escalation,
        out: &mut Vec<CallAction>,
    ) -> Result<(), Refusal> {
        let reason = Some(reason(&why)?).filter(|reason| !reason.is_empty()).ok_or(Refusal::NoReason)?;
        let level = self.level_to_ask(center, level)?;
        if note.issue.trim().is_empty() {
            note.issue.clone_from(&reason);
        }
        let place = out.len();
        self.consult(center, now, wall, level.to.clone(), Told::by_agent(told_caller), &note, out)?;
        let mut asked = Asked::of(level);
        if let Some(consult) = self.consult_mut() {
            if consult.is_begun() {
                asked.begin(now);
            }
            consult.asked = Some(asked);
        }
        out.insert(place, self.escalated(level, reason));
        Ok(())
    }

    fn level_to_ask<'c>(&self, center: &'c Center, level: Option<Name>) -> Result<&'c Level, Refusal> {
        let levels = &center.escalation;
        let first = levels.first().ok_or(Refusal::NoLevels)?;
        let last = self.talk().and_then(|talk| talk.level.as_ref());
        match (level, last.and_then(|last| escalation::level(levels, last))) {
            (Some(name), _) => {
                let unknown = || Refusal::NoSuchTarget(format!("level of escalation \"{name}\""));
                escalation::level(levels, &name).ok_or_else(unknown)
            }
            (None, Some(last)) => {
                let next = last.next.as_ref().and_then(|next| escalation::level(levels, next));
                next.ok_or_else(|| Refusal::LastLevel(last.name.clone()))
            }
            (None, None) => Ok(first),
        }
    }

    /// The fact that somebody of this level is asked, which is the call's level from then on.
    fn escalated(&mut self, level: &Level, reason: String) -> CallAction {
        let agent = self.agent.as_ref().map(|line| line.name.clone()).unwrap_or_default();
        if let Some(talk) = self.talk_mut() {
            talk.level = Some(level.name.clone());
        }
        CallAction::Fact(What::Escalated { agent, level: level.name.clone(), to: level.to.clone(), reason })
    }

    /// Nobody of the level took it: the next is asked, if there is one whom this call can ask. Whether it is.
    pub(super) fn escalates_on(
        &mut self,
        center: &Center,
        now: Timestamp,
        cause: ConsultEnd,
        out: &mut Vec<CallAction>,
    ) -> bool {
        if !matches!(cause, ConsultEnd::NoAnswer | ConsultEnd::Declined | ConsultEnd::Unreachable) {
            return false;
        }
        let held = self.talk().and_then(|talk| talk.hold.as_ref()).is_some_and(|hold| hold.is_held());
        let Some(consult) = self.consult_mut().filter(|consult| held && !consult.is_together()) else {
            return false;
        };
        let Some(asked) = &consult.asked else { return false };
        let (last, note) = (asked.level.clone(), consult.note().clone());
        let levels = &center.escalation;
        let after = |level: &Level| level.next.as_ref().and_then(|next| escalation::level(levels, next));
        let mut next = escalation::level(levels, &last).and_then(after);
        // The checker has seen that no level comes after itself; so many there are at most.
        for _ in 0..levels.len() {
            let Some(level) = next else { return false };
            if let Ok(mut consult) = self.consult_again(center, &level.to, note.clone()) {
                self.close_consult(cause, out);
                consult.asked = Some(Asked::of(level));
                let fact = self.escalated(level, format!("{last} did not take it"));
                out.push(fact);
                if let Some(talk) = self.talk_mut() {
                    talk.consult = Some(Box::new(consult));
                }
                self.begin_planned(now, out);
                self.retune(center, out);
                return true;
            }
            next = after(level);
        }
        false
    }
}
