//! A call of which a kept place is left when the server is started anew: as the history has it.

use std::time::Duration;

use super::Arrival;
use super::Call;
use super::CallAction;
use super::Joined;
use super::Phase;
use super::callback::RING_FOR;
use super::waiting::Wait;
use crate::base::LegId;
use crate::base::QueueId;
use crate::base::Timestamp;
use crate::base::WallTime;
use crate::fact::HoldAnswer;
use crate::fact::KeptPlace;
use crate::fact::Outcome;
use crate::fact::WaitExit;
use crate::fact::What;
use crate::flow::Center;
use crate::flow::api::CallbackAt;
use crate::queue;
use crate::queue::api::Demand;
use crate::queue::api::FIRST;
use crate::queue::api::Needs;
use crate::queue::api::Nobody;
use crate::queue::api::Step;

/// Why a place is not kept over a restart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotKept {
    /// The center does not have its queue any more.
    NoQueue,
    /// Nobody can be called there any more: the trunk is gone, or the phone.
    NoWay,
    /// The history does not say how the call began.
    NoHistory,
}

impl NotKept {
    /// How the wait ends, how the call comes out, and why.
    pub fn end(self) -> (WaitExit, Outcome, &'static str) {
        match self {
            NotKept::NoQueue => (WaitExit::NobodyStaffed, Outcome::Unserved, "the queue is no more"),
            NotKept::NoWay => {
                (WaitExit::CallbackFailed, Outcome::CallbackFailed, "the number cannot be called any more")
            }
            NotKept::NoHistory => {
                (WaitExit::CallbackFailed, Outcome::CallbackFailed, "the history of the call is lost")
            }
        }
    }
}

impl Call {
    /// The call whose place was kept when the server stopped, with all of its facts. Answers with the first actions: a try
    /// that was under way has failed, and the engine keeps the place again, as old as it is by the calendar.
    ///
    /// The caller is not called sooner than any call of the server before has rung out.
    pub fn recalled<'f>(
        center: &Center,
        now: Timestamp,
        wall: WallTime,
        kept: &KeptPlace,
        facts: impl IntoIterator<Item = &'f What>,
        out: &mut Vec<CallAction>,
    ) -> Result<Call, NotKept> {
        let KeptPlace { call: id, number, at, place, tries, .. } = kept;
        let queue = center.engine.queue_named(&place.queue).ok_or(NotKept::NoQueue)?;
        let mut facts = facts.into_iter();
        let arrival = facts.find_map(|what| arrived(kept, what)).ok_or(NotKept::NoHistory)?;
        let mut call = Call::new(*id, center, arrival, Phase::Waiting(Wait::new(queue)));
        facts.for_each(|what| call.remember(what));
        let on_our_clock = |at: WallTime| now + at.since(wall);
        let joined = joined(center, now, wall, queue, kept);
        let (from, until) = times(center, wall, queue, kept);
        let waited = from.since(kept.waits_since());
        let at = at.map(|wall| CallbackAt { at: on_our_clock(wall), wall });
        let other = (*number != call.arrival.number).then(|| number.clone());
        call.phase = Phase::Waiting(Wait::recalled(queue, other, at, (kept.joined(), waited), *tries));
        call.arrived = Some((now, wall));
        if kept.under_way {
            let (number, cause) = (number.clone(), "the server stopped".to_owned());
            out.push(CallAction::Fact(What::CallbackFailed { number, attempt: *tries, cause }));
        }
        let enqueue = Box::new(call.enqueue(&joined, joined.age(now)));
        let (from, until) = (on_our_clock(from), on_our_clock(until));
        out.push(CallAction::Queue(queue::Event::RecallPlace { enqueue, from, until, tries: *tries }));
        call.joined = Some(joined);
        Ok(call)
    }

    /// What has been of the call is not begun anew, and what was learned is not asked again.
    fn remember(&mut self, what: &What) {
        match what {
            What::LanguageChosen { language } => self.language = language.clone(),
            What::AgentConnected { .. } => self.talked = true,
            What::Transferred { .. } => self.handed_on = true,
            What::NoteSpoken { .. } => self.notes_spoken = self.notes_spoken.saturating_add(1),
            What::RecordingAnswered { answer } => self.recording.answered(*answer == HoldAnswer::Yes),
            What::RecordingStarted { .. } => self.recording.had_one(),
            What::MessageLeft { part, .. } => self.messages.had(*part),
            What::LegOpened { leg, .. } | What::LegClosed { leg, .. } => {
                self.next_leg = self.next_leg.max(leg.number().saturating_add(1));
            }
            _ => {}
        }
        self.known.learn(what);
    }
}

/// How the call began.
fn arrived(kept: &KeptPlace, what: &What) -> Option<Arrival> {
    let What::CallArrived { from, display, to, sip_call_id, source, trunk } = what else { return None };
    Some(Arrival {
        leg: LegId::of(kept.call, 0),
        number: from.clone(),
        claimed: None,
        display: display.clone(),
        dialled: to.to_string(),
        sip_call_id: sip_call_id.clone(),
        source: source.clone(),
        trunk: trunk.clone(),
        contact: kept.place.contact.clone(),
        agent: None,
    })
}

/// What the caller joined the queue with, by what the center has of it now. A skill that it does not have is not needed
/// any more: nobody could ever call back.
fn joined(center: &Center, now: Timestamp, wall: WallTime, queue: QueueId, kept: &KeptPlace) -> Joined {
    let (place, engine) = (&kept.place, &center.engine);
    let needs = |facts: &[_]| Needs::of_facts(facts, &engine.skills);
    let step = |(after, facts): &(Duration, Vec<_>)| Step { after: *after, needs: needs(facts) };
    let demand = Demand {
        needs: needs(&place.needs),
        steps: place.steps.iter().map(step).collect(),
        wants: needs(&place.wants),
        wants_nobody: place.wants_nobody,
    };
    let of_queue = engine.queues[queue.0 as usize].priority;
    let first = place.priority == FIRST;
    Joined {
        needs: demand,
        priority: if first { FIRST } else { place.priority.saturating_sub(of_queue) },
        exclude: place.exclude.iter().filter_map(|name| engine.agent_named(name)).collect(),
        nobody: Nobody { exclude: place.excludes_nobody, ..Nobody::default() },
        credit: wall.since(kept.since()),
        ..Joined::new(queue, now)
    }
}

/// When the caller may be called again, and until when the place is kept.
fn times(center: &Center, wall: WallTime, queue: QueueId, kept: &KeptPlace) -> (WallTime, WallTime) {
    let config = &center.engine.queues[queue.0 as usize];
    let tried = if kept.under_way { Some(wall) } else { kept.failed };
    let again = tried.map(|tried| tried + config.callback_spacing);
    let from = [Some(wall + RING_FOR), again, kept.at].into_iter().flatten().max();
    let begins = kept.at.unwrap_or(kept.chosen).max(kept.chosen);
    let until = (begins + queue::CALLBACK_KEPT).max(kept.joined() + config.max_wait);
    (from.unwrap_or(wall), until)
}
