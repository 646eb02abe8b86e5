//! The whisper: who has picked up hears, alone, which queue the caller comes by and how long they waited. The caller hears a
//! word out that is being said to them, and a ringing tone; the two are brought together when the whisper is said, or when the
//! agent presses a key.
//!
//! | left by | then |
//! |---|---|
//! | its end, a key of the agent, its longest time | they hear each other |
//! | the agent hangs up | the caller goes back to the queue, as old as they are |
//! | the caller hangs up | they have given up waiting |

use std::time::Duration;

use serde::Deserialize;
use serde::Serialize;

use super::Call;
use super::CallAction;
use super::Phase;
use super::waiting::Wait;
use crate::base::LegId;
use crate::base::Name;
use crate::base::Timestamp;
use crate::fact::MissedWhy;
use crate::fact::Outcome;
use crate::fact::Party;
use crate::fact::WaitExit;
use crate::fact::What;
use crate::flow::Center;
use crate::flow::whisper::Whispered;
use crate::media::control::PlayId;

/// The longest that a caller waits for it.
const WITHIN: Duration = Duration::from_secs(10);

/// An agent hears for what the caller comes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Whispering {
    pub(super) wait: Wait,
    pub(super) play: PlayId,
    /// When the agent picked up.
    since: Timestamp,
    pub(super) until: Timestamp,
    /// Whether the caller hears a ringing tone.
    pub(super) rings: bool,
    /// Whether the agent's desk has vanished, and may come back.
    lost: bool,
}

impl Call {
    /// Lets the agent on this line hear the whisper of the queue: false where it has none, or the caller was called for them:
    /// who picked up a moment ago is not made to wait, nor is it taken for giving up when they hang up.
    pub(super) fn whisper(
        &mut self,
        center: &Center,
        now: Timestamp,
        leg: LegId,
        out: &mut Vec<CallAction>,
    ) -> bool {
        if matches!(&self.phase, Phase::Waiting(wait) if wait.reached) {
            return false;
        }
        let prompts = self.whispered(center, now);
        let Some(agent) = self.agent.as_ref().map(|line| line.name.clone()).filter(|_| !prompts.is_empty())
        else {
            return false;
        };
        let Phase::Waiting(wait) = &self.phase else { return false };
        let (wait, until, play) = (wait.clone(), now + WITHIN, self.new_play());
        let (heard_out, rings) = (wait.says(), wait.rings());
        out.push(CallAction::Fact(What::Whispered { agent, prompts: prompts.clone() }));
        out.push(CallAction::Play { leg, play, prompts, barge_in: false, repeat: false });
        self.phase = Phase::Whispering(Whispering { wait, play, since: now, until, rings, lost: false });
        if !heard_out {
            self.whisper_rings(out);
        }
        true
    }

    /// What the queue's agents hear of this caller.
    pub(super) fn whispered(&self, center: &Center, now: Timestamp) -> Vec<Name> {
        let Some(joined) = &self.joined else { return Vec::new() };
        let Some(policy) = center.talk.get(joined.place()).filter(|policy| !policy.whisper.is_empty()) else {
            return Vec::new();
        };
        let (number, display) = self.caller_id();
        let call = Whispered {
            queue: &center.engine.queues[joined.place()].name,
            waited: joined.age(now),
            chosen: self.known.chosen().map(|choice| &**choice).collect(),
            number,
            dialled: &self.arrival.dialled,
            name: self.known.name().unwrap_or(display),
            served: self.served.as_ref(),
        };
        policy.whisper.prompts(center, &call)
    }

    /// It is said, or the agent has heard enough: they have the caller.
    pub(super) fn whisper_over(&mut self, center: &Center, now: Timestamp, out: &mut Vec<CallAction>) {
        let Phase::Whispering(Whispering { since, lost, .. }) = self.phase else { return };
        let Some(line) = &mut self.agent else { return };
        // The caller has waited for this as well.
        if let Some((waited, _)) = &mut line.promise {
            *waited = waited.saturating_add(now.since(since));
        }
        let leg = line.leg;
        out.push(CallAction::StopPlay { leg });
        self.begin_talk(center, now, out);
        if lost {
            self.on_desk(center, leg, true, out);
        }
    }

    /// The agent's desk vanished, or is back.
    pub(super) fn whisper_desk(&mut self, lost: bool) {
        if let Phase::Whispering(whispering) = &mut self.phase {
            whispering.lost = lost;
        }
    }

    /// The caller hears that somebody is about to be there: nobody waits for a whisper in silence, and music has its own leave.
    pub(super) fn whisper_rings(&mut self, out: &mut Vec<CallAction>) {
        let (Phase::Whispering(whispering), Some(leg)) = (&mut self.phase, self.caller) else { return };
        if !std::mem::replace(&mut whispering.rings, true) {
            self.hears_it_ring(leg, out);
        }
    }

    /// The agent hung up instead of taking the caller: others serve them, or the flow goes on that had this agent called.
    pub(super) fn whisper_refused(&mut self, center: &Center, now: Timestamp, out: &mut Vec<CallAction>) {
        let Phase::Whispering(whispering) = &self.phase else { return };
        let of_flow = whispering.wait.is_for_agent() && self.run.is_some();
        out.extend(self.caller.map(|leg| CallAction::StopPlay { leg }));
        if of_flow {
            self.agent_goes(MissedWhy::Unreachable, out);
            self.agent = None;
            self.back_in_flow(center, now, true, out);
        } else {
            self.next_agent(now, out);
        }
    }

    /// The caller hung up before they had the agent.
    pub(super) fn whisper_abandoned(&mut self, cause: &str, out: &mut Vec<CallAction>) {
        self.caller = None;
        out.push(CallAction::Fact(What::WaitEnded { exit: WaitExit::Abandoned }));
        self.agent_goes(MissedWhy::Withdrawn, out);
        self.end_lines(false, out);
        self.finish(Party::Caller, Outcome::Abandoned, cause, out);
    }
}
