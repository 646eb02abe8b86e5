//! A call's wait: joining a queue, permission to hold, check-ins, a callback that keeps the place, and
//! the exits. What happens while an agent's phone rings is in `assign`.
//!
//! While a phone rings the caller is asked nothing, told nothing and counted as silent about nothing; only
//! the longest wait runs on. After a failed ring the wait goes on where it was.

use std::collections::BTreeSet;
use std::time::Duration;

use serde::Deserialize;
use serde::Serialize;
use tracing::debug;

use super::api::Action;
use super::api::Agents;
use super::api::Demand;
use super::api::Enqueue;
use super::api::FIRST;
use super::api::Needs;
use super::api::PermissionAnswer;
use super::api::PermissionPolicy;
use super::api::Whoses;
use super::choose::Found;
use super::deadlines::Deadlines;
use super::deadlines::sooner;
use super::engine::Due;
use super::engine::Engine;
use super::engine::Queue;
use super::engine::Stage;
use super::kept::Keeping;
use super::line::Key;
use super::line::Place;
use super::prefer::Preference;
use super::quote::Forecast;
use super::reached::Calling;
use super::reached::LET_GO;
use super::skills::ClassId;
use super::skills::Course;
use super::skills::ProfileId;
use super::skills::Skills;
use crate::base::AgentId;
use crate::base::CallId;
use crate::base::QueueId;
use crate::base::Timestamp;
use crate::fact::WaitExit;

/// How long a callback's place is kept; then it ends by [`WaitExit::Cap`]. Nobody holds the line for it,
/// so it may take longer than a queue's longest wait, but a call from hours ago helps nobody.
pub const CALLBACK_KEPT: Duration = Duration::from_secs(4 * 3600);
/// How long callers wait on after the last agent with their skills signed out, in case one comes back.
/// Callbacks wait on: nobody is on the line.
pub(super) const STAFF_GRACE: Duration = Duration::from_secs(5);

/// A call in the engine. What its ring asks for is in the first 192 bytes: of 100 000 calls none is in the processor's
/// caches.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[repr(C)]
pub(super) struct Call {
    pub key: Key,
    pub queue: QueueId,
    pub class: ClassId,
    pub stage: Stage,
    /// Where it was put in the lines of its queue and of its class, of those that it stands in.
    #[serde(skip)]
    pub in_queue: Place,
    #[serde(skip)]
    pub in_class: Place,
    /// How many rings there were.
    pub attempts: u32,
    /// Who allows the hold.
    pub permission: PermissionPolicy,
    /// Whether it is for one agent alone: see `direct`.
    pub direct: bool,
    pub consent: Consent,
    /// Who gets it first.
    #[serde(default)]
    pub prefer: Option<Preference>,
    /// Its entry among the deadlines.
    pub due: Option<Timestamp>,
    /// When the wait ends by its cap.
    pub cap_at: Timestamp,
    /// What it wants of an agent, if it can be had.
    #[serde(default)]
    pub wants: Option<Box<Needs>>,
    /// While the caller is called with an agent reserved.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub calling: Option<Box<Calling>>,
    /// What it will be of, and when: less will do after a while.
    pub steps: Vec<(Timestamp, ClassId)>,
    /// Whose phones ring for it beside the one that the stage names.
    #[serde(default)]
    pub beside: Agents,
    /// Who must not get it.
    #[serde(default)]
    pub exclude: Agents,
    pub whose: Whoses,
    pub enqueued_at: Timestamp,
    /// How long the wait was thought to take when it began.
    pub forecast: Option<Forecast>,
    /// The first quote that the caller was told, counted from joining: to be held against the wait.
    pub quote: Option<Duration>,
    pub talk_since: Option<Timestamp>,
    /// How many times an agent was there for a callback and the caller was not.
    pub callback_tries: u32,
    /// Whether it has waited while somebody idle was kept for others.
    #[serde(default)]
    pub held_back: bool,
}

/// How the caller has answered whether they would hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Consent {
    /// An agent was there at once.
    NotAsked,
    /// Not answered yet. Silence counts as no the second time.
    Asked {
        silences: u8,
    },
    Granted {
        until: Timestamp,
        check_in_at: Option<Timestamp>,
    },
    /// A no that came when an agent's phone rang already: it counts if nobody picks up.
    Refused,
    /// Likewise, a wish to be called back.
    WantsCallback,
    /// The caller is gone and will be called back, not before that time.
    Kept {
        not_before: Option<Timestamp>,
    },
    /// They were called before an agent was, have picked up, and wait on the line for one until then.
    Reached {
        until: Timestamp,
    },
}

impl Call {
    /// Whether only its place is kept, and the caller will be called back.
    pub fn is_callback(&self) -> bool {
        matches!(self.consent, Consent::Kept { .. })
    }

    /// Whether the caller has picked up for their callback.
    pub fn is_reached(&self) -> bool {
        matches!(self.consent, Consent::Reached { .. })
    }

    /// Whether it is a callback, be the caller on the line by now or not.
    pub fn is_place(&self) -> bool {
        self.is_callback() || self.is_reached()
    }

    /// When its wait ends by its cap. A callback that is under way is not cut off: its own times are shorter.
    fn ends_by_cap(&self) -> Option<Timestamp> {
        (!self.is_reached()).then_some(self.cap_at)
    }

    fn is_over_cap(&self, now: Timestamp) -> bool {
        self.ends_by_cap().is_some_and(|at| at <= now)
    }

    /// The next time something is to be done about this call.
    fn next_due(&self) -> Option<Timestamp> {
        let of_wait = match (self.stage, self.consent) {
            (Stage::Talking(_) | Stage::Reserved(_), _) => return None,
            (Stage::Waiting, Consent::Granted { until, check_in_at }) => {
                Some(check_in_at.map_or(until, |check_in_at| check_in_at.min(until)))
            }
            (Stage::Waiting, Consent::Kept { not_before }) => not_before,
            (Stage::Waiting, Consent::Reached { until }) => Some(until),
            _ => None,
        };
        let step = self.steps.first().filter(|_| self.stage == Stage::Waiting).map(|(at, _)| *at);
        [step, self.preference_ends(), self.ends_by_cap()].into_iter().fold(of_wait, sooner)
    }

    /// Its deadline is what it is to be now.
    pub fn rearm(&mut self, now: Timestamp, due: &mut Deadlines) {
        let (from, to) = (self.due, self.next_due());
        // Nobody rings for long: what was due sooner stays and finds nothing to do, instead of being moved twice.
        let to = if matches!(self.stage, Stage::Ringing(_)) { sooner(from, to) } else { to };
        self.due = due.rearm(now, Due::Call(self.key.call), from, to);
    }

    /// It is in no line any more.
    pub fn leave_line(
        &mut self,
        queue: &mut Queue,
        skills: &mut Skills,
        preferring: &mut BTreeSet<(AgentId, Key)>,
    ) {
        queue.line.leave(self.key, std::mem::take(&mut self.in_queue));
        self.stand_down(skills, preferring);
    }
}

impl Engine {
    /// A call joins; `keeping` is of a caller who is not on the line.
    pub(super) fn enqueue(&mut self, enqueue: Enqueue, keeping: Option<Keeping>, out: &mut Vec<Action>) {
        let Enqueue {
            call: id,
            queue,
            needs,
            priority,
            age_credit,
            whose,
            permission,
            prefer,
            mut exclude,
            nobody,
        } = enqueue;
        if self.calls.has(id) {
            debug!(call = %id, "joined twice");
            return;
        }
        if queue.0 as usize >= self.queues.len() {
            debug!(call = %id, %queue, "no such queue");
            out.push(Action::Exit { call: id, exit: WaitExit::NobodyStaffed });
            return;
        }
        // Agents may have come or gone since the queue was looked at last.
        self.heed_surge(queue, out);
        let surging = self.queue(queue).config.surge.filter(|_| self.surge_since(queue).is_some());
        let config = &self.queue(queue).config;
        let priority = if priority == FIRST { FIRST } else { config.priority.saturating_add(priority) };
        let prefer = prefer.or(config.prefer.filter(|_| !nobody.prefer));
        if exclude.is_empty() && !nobody.exclude {
            exclude.clone_from(&config.exclude);
        }
        exclude.sort_unstable();
        exclude.dedup();
        let wants = config.needs.wants_with(&needs);
        let wants = (!wants.is_empty()).then(|| Box::new(wants.clone()));
        let now = self.now;
        let redial = self.redials.find(now, &whose, queue).filter(|(_, age)| *age > age_credit);
        let age_credit = redial.map_or(age_credit, |(_, age)| age);
        let key = Key::new(priority, now, age_credit, id);
        let course = self.course_of(queue, priority, &needs);
        // The first class is from the beginning, so one is reached.
        let reached = course.iter().rposition(|(age, _)| *age <= age_credit).unwrap_or(0);
        course[..reached].iter().for_each(|(_, class)| self.skills.release(*class));
        let class = course[reached].1;
        let steps: Vec<(Timestamp, ClassId)> =
            course[reached + 1..].iter().map(|(age, class)| (key.at_age(*age), *class)).collect();
        self.exclude(id, &exclude);
        let from = keeping.map(|keeping| keeping.from);
        // It is nothing to who need not stay on the line, nor to who has waited before, nor to an agent who asks another.
        let surging = surging.filter(|_| from.is_none() && age_credit.is_zero() && id.number() == 0);
        let turned_away = surging.is_some_and(|rule| rule.turns_away);
        let refused = match keeping.and_then(|keeping| Some((keeping.until?, keeping.tries))) {
            Some(agreed) => self.not_kept_again(queue, agreed),
            None => self.refusal(id, queue, class, &steps, &exclude, from.is_some()),
        };
        let refused = refused.or_else(|| {
            (turned_away && !self.is_served_at_once(id, queue, class)).then_some(WaitExit::Surge)
        });
        if let Some(exit) = refused {
            self.forget_excluded(id, &exclude);
            self.release(class, &steps);
            out.push(Action::Exit { call: id, exit });
            return;
        }
        let config = &self.queue(queue).config;
        let longest = now + config.max_wait;
        let cap_at = from.map_or(longest, |from| longest.max(from + CALLBACK_KEPT));
        let cap_at = keeping.and_then(|keeping| keeping.until).unwrap_or(cap_at);
        let later = from.filter(|from| *from > now);
        let not_before = from.filter(|_| config.customer_first.is_some()).map(|from| from.max(now + LET_GO));
        let not_before = not_before.or(later);
        let consent = from.map_or(Consent::NotAsked, |_| Consent::Kept { not_before });
        // Whoever is called back is called by whom their turn brings.
        let prefer = self.preference(queue, id, prefer.filter(|_| from.is_none()));
        let permission = permission.unwrap_or(config.permission);
        let call = Call {
            queue,
            class,
            steps,
            key,
            whose,
            stage: Stage::Waiting,
            consent,
            // Nobody waits before the time that they chose.
            enqueued_at: later.unwrap_or(now),
            permission,
            cap_at,
            attempts: 0,
            callback_tries: keeping.map_or(0, |keeping| keeping.tries),
            held_back: false,
            calling: None,
            direct: false,
            prefer,
            exclude: exclude.clone(),
            beside: Agents::new(),
            wants: wants.clone(),
            forecast: None,
            quote: None,
            talk_since: None,
            due: None,
            in_queue: Place::default(),
            in_class: Place::default(),
        };
        if from.is_some() {
            self.kept.add(&call.whose, id);
        }
        self.queue_mut(queue).comes(&call);
        self.calls.insert(id, call);
        let waiting = self.queue(queue).waiting;
        let needs = self.skills.needs(class).clone();
        out.push(Action::Enqueued { call: id, queue, needs, priority, waiting });
        self.heed_surge(queue, out);
        if prefer.is_some() || !exclude.is_empty() || wants.is_some() {
            let wants = wants.map(|wants| *wants).unwrap_or_default();
            let prefer = prefer.map(|prefer| (prefer.agent, prefer.until.since(now)));
            out.push(Action::AgentsNamed { call: id, prefer, exclude, wants });
        }
        if let Some((place, age)) = redial {
            self.redials.forget(place);
            out.push(Action::AgeRestored { call: id, age });
        }
        if surging.is_some() && !turned_away {
            out.push(Action::InSurge { call: id });
        }
        if from.is_some() {
            out.push(Action::KeepPlace { call: id });
        }
        match not_before {
            Some(_) => self.in_line_for_later(id),
            None => self.back_in_line(id, None, out),
        }
    }

    /// A callback that is not to be tried yet has its place, and is in no class's line.
    pub(super) fn in_line_for_later(&mut self, id: CallId) {
        self.join_queue(id);
        self.rearm_call(id);
    }

    /// The classes of a call with this priority and this demand of its own, with one user more of each.
    pub(super) fn course_of(&mut self, id: QueueId, priority: i32, own: &Demand) -> Course {
        // Not by `self.queue`: the queue's part and the table are borrowed side by side.
        let queue = &self.queues[id.0 as usize];
        if own.is_empty() && priority == queue.config.priority {
            queue.course.iter().for_each(|(_, class)| self.skills.use_class(*class));
            return queue.course.clone();
        }
        self.skills.course_of(id, &queue.config, priority, own)
    }

    /// Why a place that was kept until then, after so many tries, is not kept again.
    fn not_kept_again(&self, queue: QueueId, (until, tries): (Timestamp, u32)) -> Option<WaitExit> {
        let used_up = tries >= self.queue(queue).config.callback_tries.max(1);
        match used_up {
            true => Some(WaitExit::CallbackFailed),
            false => (until <= self.now).then_some(WaitExit::Cap),
        }
    }

    /// Why a call is not let in: nobody could ever serve it, or it would have to wait and there is no room. A callback
    /// waits for somebody to come.
    fn refusal(
        &self,
        call: CallId,
        queue: QueueId,
        class: ClassId,
        steps: &[(Timestamp, ClassId)],
        exclude: &[AgentId],
        callback: bool,
    ) -> Option<WaitExit> {
        let staffed = |class| self.staffed_but_for(exclude, class);
        if !callback && !staffed(class) && !steps.iter().any(|(_, class)| staffed(*class)) {
            return Some(WaitExit::NobodyStaffed);
        }
        let full = self.queue(queue).waiting >= self.queue(queue).config.max_waiting;
        (full && !self.is_served_at_once(call, queue, class)).then_some(WaitExit::Full)
    }

    /// Whether an idle agent would have a call that joins now.
    fn is_served_at_once(&self, call: CallId, queue: QueueId, class: ClassId) -> bool {
        let key = Key::new(0, self.now, Duration::ZERO, call);
        matches!(self.best_agent(queue, class, key, None, false), Found::Agent(_))
    }

    /// A call without an agent, or no more with this one: the best idle one is rung, or its wait begins or goes on.
    pub(super) fn back_in_line(&mut self, id: CallId, from: Option<AgentId>, out: &mut Vec<Action>) {
        self.take_steps(id, out);
        let call = self.call_mut(id);
        call.stage = Stage::Waiting;
        let class = call.class;
        self.join_queue(id);
        self.stand(id);
        if self.calls[&id].direct {
            return self.exit(id, WaitExit::NobodyStaffed, out);
        }
        self.look_for_idle(class);
        // Who waited for that agent alone is everybody's now, each in their turn.
        from.inspect(|agent| self.assign_preferring_before(*agent, id, out));
        if matches!(self.calls[&id].consent, Consent::Reached { until } if until <= self.now) {
            return self.not_served(id, out);
        }
        if !self.assign_call(id, out) {
            self.wait(id, out);
        }
    }

    /// The call has its place in its queue's line.
    pub(super) fn join_queue(&mut self, id: CallId) {
        let (queue, key) = (self.calls[&id].queue, self.calls[&id].key);
        self.call_mut(id).in_queue = self.queue_mut(queue).line.join(key);
    }

    /// The call is in no line any more.
    pub(super) fn leave_line(&mut self, id: CallId) {
        let call = &mut self.calls[&id];
        let queue = &mut self.queues[call.queue.0 as usize];
        call.leave_line(queue, &mut self.skills, &mut self.preferring);
    }

    /// The wait begins, or goes on after a ring that failed.
    fn wait(&mut self, id: CallId, out: &mut Vec<Action>) {
        let call = &self.calls[&id];
        let begins = call.forecast.is_none() && call.attempts == 0;
        if begins {
            let forecast = self.forecast(call);
            self.call_mut(id).forecast = forecast;
        }
        let call = &self.calls[&id];
        match call.consent {
            // A queue with a longest wait of 0 takes calls for idle agents only.
            _ if call.is_over_cap(self.now) => self.exit(id, WaitExit::Cap, out),
            _ if begins && self.expects_too_long(id, call.forecast) => {
                self.exit(id, WaitExit::ExpectedWait, out);
            }
            Consent::NotAsked => match call.permission {
                PermissionPolicy::Ask => self.ask(id, 0, out),
                PermissionPolicy::GivenByFlowFile => self.hold(id, call.cap_at, true, out),
            },
            Consent::Asked { silences } => self.ask(id, silences, out),
            Consent::Granted { until, .. } if until <= self.now => self.ask(id, 0, out),
            Consent::Granted { .. } | Consent::Kept { .. } | Consent::Reached { .. } => self.rearm_call(id),
            Consent::Refused => self.exit(id, WaitExit::Declined, out),
            Consent::WantsCallback => self.keep_place(id, out),
        }
    }

    fn ask(&mut self, id: CallId, silences: u8, out: &mut Vec<Action>) {
        self.call_mut(id).consent = Consent::Asked { silences };
        let (quote, position) = self.tell(id);
        self.rearm_call(id);
        out.push(Action::AskPermission { call: id, quote, position });
    }

    fn hold(&mut self, id: CallId, until: Timestamp, by_flow_file: bool, out: &mut Vec<Action>) {
        let check_in_at = self.next_check_in(id);
        self.call_mut(id).consent = Consent::Granted { until, check_in_at };
        self.rearm_call(id);
        out.push(Action::Hold { call: id, until, by_flow_file });
    }

    /// A check-in time of 0 is none at all.
    fn next_check_in(&self, id: CallId) -> Option<Timestamp> {
        let check_in = self.queue(self.calls[&id].queue).config.check_in;
        (!check_in.is_zero()).then(|| self.now + check_in)
    }

    /// What the caller is told now of wait and place. The first quote is remembered.
    fn tell(&mut self, id: CallId) -> (Option<Duration>, u32) {
        let call = &self.calls[&id];
        let (forecast, position) = (self.forecast(call), self.position(call));
        let quote = forecast.map(|forecast| forecast.quote());
        let waited = self.now.since(call.enqueued_at);
        let call = self.call_mut(id);
        call.quote = call.quote.or(quote.map(|quote| waited.saturating_add(quote)));
        (quote, position)
    }

    pub(super) fn permission(&mut self, id: CallId, answer: PermissionAnswer, out: &mut Vec<Action>) {
        let Some(call) = self.calls.get_mut(id) else {
            debug!(call = %id, "an answer from a caller who does not wait");
            return;
        };
        match (call.stage, call.consent, answer) {
            (Stage::Waiting | Stage::Ringing(_), Consent::Asked { .. }, PermissionAnswer::Granted) => {
                let until = self.now + self.queue(self.calls[&id].queue).config.permission_lasts;
                self.hold(id, until, false, out);
            }
            (Stage::Waiting, Consent::Asked { silences: 0 }, PermissionAnswer::Silent) => {
                self.ask(id, 1, out)
            }
            (
                Stage::Waiting,
                Consent::Asked { .. },
                PermissionAnswer::Silent | PermissionAnswer::Declined,
            )
            | (Stage::Waiting, Consent::Granted { .. }, PermissionAnswer::Declined) => {
                self.exit(id, WaitExit::Declined, out);
            }
            (Stage::Waiting, Consent::Asked { .. } | Consent::Granted { .. }, PermissionAnswer::Callback) => {
                self.keep_place(id, out);
            }
            (
                Stage::Ringing(_),
                Consent::NotAsked | Consent::Kept { .. } | Consent::Reached { .. },
                answer,
            ) => {
                debug!(call = %id, ?answer, "an answer to no question");
            }
            (Stage::Ringing(_), _, PermissionAnswer::Declined) => call.consent = Consent::Refused,
            (Stage::Ringing(_), _, PermissionAnswer::Callback) => call.consent = Consent::WantsCallback,
            (stage, consent, answer) => {
                debug!(call = %id, ?stage, ?consent, ?answer, "an answer to no question")
            }
        }
    }

    fn keep_place(&mut self, id: CallId, out: &mut Vec<Action>) {
        let (now, queue) = (self.now, self.calls[&id].queue);
        let until = now + CALLBACK_KEPT;
        let not_before = self.queue(queue).config.customer_first.map(|_| now + LET_GO);
        if not_before.is_some() || self.stopping {
            self.stand_down(id);
        }
        let call = self.call_mut(id);
        call.consent = Consent::Kept { not_before };
        call.cap_at = call.cap_at.max(until);
        let whose = call.whose.clone();
        self.kept.add(&whose, id);
        self.queue_mut(queue).stays_on_no_line(true);
        self.rearm_call(id);
        out.push(Action::KeepPlace { call: id });
        self.heed_surge(queue, out);
    }

    /// A callback did not reach the caller: the place is kept, but no agent is rung for a while.
    pub(super) fn try_again_later(&mut self, id: CallId, out: &mut Vec<Action>) {
        let spacing = self.queue(self.calls[&id].queue).config.callback_spacing;
        if self.try_is_over(id, out) {
            self.keep_for_later(id, spacing, out);
        }
    }

    /// A callback did not bring caller and agent together, and counts as a try; whether there may be another.
    pub(super) fn try_is_over(&mut self, id: CallId, out: &mut Vec<Action>) -> bool {
        let now = self.now;
        let call = self.call_mut(id);
        let (had_agent, on_line) = (matches!(call.stage, Stage::Talking(_)), call.is_reached());
        call.stage = Stage::Waiting;
        call.consent = Consent::Kept { not_before: None };
        call.talk_since = None;
        call.callback_tries += 1;
        let tries = call.callback_tries;
        // Not by `self.queue_mut`: the queues and the calls are borrowed side by side.
        let call = &self.calls[&id];
        let queue = &mut self.queues[call.queue.0 as usize];
        match (had_agent, on_line) {
            (true, _) => queue.comes(call),
            (false, true) => queue.stays_on_no_line(true),
            (false, false) => {}
        }
        if tries >= queue.config.callback_tries {
            self.exit(id, WaitExit::CallbackFailed, out);
            return false;
        }
        // While the caller's phone rang the place came to its end.
        if self.calls[&id].cap_at <= now {
            self.exit(id, WaitExit::Cap, out);
            return false;
        }
        true
    }

    /// A place that is out of its lines has its own again: nobody is rung for it before so long.
    pub(super) fn keep_for_later(&mut self, id: CallId, pause: Duration, out: &mut Vec<Action>) {
        self.take_steps(id, out);
        let not_before = (!pause.is_zero()).then(|| self.now + pause);
        self.call_mut(id).consent = Consent::Kept { not_before };
        if not_before.is_none() {
            return self.back_in_line(id, None, out);
        }
        self.in_line_for_later(id);
    }

    /// A call is over: its caller hung up, or somebody ended it.
    pub(super) fn goes_by(&mut self, id: CallId, exit: WaitExit, out: &mut Vec<Action>) {
        match self.calls.get(id).map(|call| call.stage) {
            None => debug!(call = %id, ?exit, "the end of a call that does not wait"),
            // Nobody is left to talk to, whatever the call still says of it: the agent goes on.
            Some(Stage::Talking(agent)) => self.talk_ended(id, agent, out),
            Some(_) => self.exit(id, exit, out),
        }
    }

    /// The wait ends without an agent. Those whose phones ring are free for other calls.
    pub(super) fn exit(&mut self, id: CallId, exit: WaitExit, out: &mut Vec<Action>) {
        self.leave_line(id);
        let Some(call) = self.remove_call(id) else { return };
        self.queue_mut(call.queue).goes(&call);
        if exit == WaitExit::Abandoned {
            // That a colleague is asked no more says nothing of a queue's callers.
            if !call.direct {
                self.wait_is_over(call.queue, false);
            }
            self.remember(&call);
        }
        let rung: Agents = call.rung().collect();
        self.withdraw(id, &rung, out);
        if call.calling.is_some() {
            out.push(Action::StopCalling { call: id, missed: false });
        }
        out.push(Action::Exit { call: id, exit });
        self.heed_surge(call.queue, out);
        self.free_withdrawn(&call.agents(), out);
    }

    /// A caller's line dropped, or they gave up: who calls again soon is as old as they are now. Whose place is kept
    /// has nothing to lose.
    fn remember(&mut self, call: &Call) {
        self.redials.expire(self.now);
        if !self.redial.is_zero() && !call.is_place() {
            let (age, until) = (call.key.age(self.now), self.now + self.redial);
            self.redials.remember(&call.whose, call.queue, age, until);
        }
    }

    /// Takes a call that is in no line out of the engine.
    pub(super) fn remove_call(&mut self, id: CallId) -> Option<Box<Call>> {
        let call = self.calls.remove(id)?;
        self.due.rearm(self.now, Due::Call(id), call.due, None);
        if call.is_place() {
            self.kept.remove(&call.whose, id);
        }
        self.release(call.class, &call.steps);
        self.forget_excluded(id, &call.exclude);
        Some(call)
    }

    pub(super) fn call_due(&mut self, id: CallId, out: &mut Vec<Action>) {
        let now = self.now;
        let call = self.call_mut(id);
        call.due = None;
        if call.next_due().is_none_or(|at| at > now) {
            return self.rearm_call(id);
        }
        if call.is_over_cap(now) {
            return self.exit(id, WaitExit::Cap, out);
        }
        if call.steps.first().is_some_and(|(at, _)| *at <= now) {
            return self.relax(id, out);
        }
        if call.preference_ends().is_some_and(|at| at <= now) {
            return self.preference_over(id, out);
        }
        match &mut call.consent {
            Consent::Kept { not_before } => {
                *not_before = None;
                self.rearm_call(id);
                self.stand(id);
                self.assign_call(id, out);
            }
            Consent::Granted { until, .. } if *until <= now => self.ask(id, 0, out),
            Consent::Granted { .. } => self.check_in(id, out),
            Consent::Reached { .. } => self.not_served(id, out),
            consent => unreachable!("{consent:?} has no deadline but the cap"),
        }
    }

    /// Whether a call will wait longer than its queue lets anybody wait for. Where nobody knows, it will not; nor is anybody
    /// sent away whose place is kept: they are not on the line.
    fn expects_too_long(&self, id: CallId, forecast: Option<Forecast>) -> bool {
        let call = &self.calls[&id];
        let most = self.queue(call.queue).config.max_expected_wait.filter(|_| !call.is_place());
        most.zip(forecast).is_some_and(|(most, forecast)| forecast.quote() > most)
    }

    fn check_in(&mut self, id: CallId, out: &mut Vec<Action>) {
        if self.expects_too_long(id, self.forecast(&self.calls[&id])) {
            return self.exit(id, WaitExit::ExpectedWait, out);
        }
        let next = self.next_check_in(id);
        if let Consent::Granted { check_in_at, .. } = &mut self.call_mut(id).consent {
            *check_in_at = next;
        }
        let (quote, position) = self.tell(id);
        self.rearm_call(id);
        out.push(Action::CheckIn { call: id, quote, position });
    }

    /// An agent of this profile signed out. Classes that have nobody left are given a grace.
    pub(super) fn desert(&mut self, profile: ProfileId) {
        for class in self.skills.sign_out(profile, self.now) {
            self.arm(Due::Deserted(class), self.now + STAFF_GRACE);
        }
    }

    pub(super) fn class_due(&mut self, class: ClassId, out: &mut Vec<Action>) {
        if self.skills.deserted_at(class).is_none_or(|at| at + STAFF_GRACE > self.now) {
            // Somebody signed in meanwhile.
            return;
        }
        let mut leaving: Vec<Key> = self.skills.give_up(class).collect();
        leaving.retain(|key| {
            let call = &self.calls[&key.call];
            !call.is_place() && !self.staffed_later(&call.steps)
        });
        for key in leaving {
            self.exit(key.call, WaitExit::NobodyStaffed, out);
        }
    }

    pub(super) fn rearm_call(&mut self, id: CallId) {
        self.calls[&id].rearm(self.now, &mut self.due);
    }

    /// A call that the engine knows it has: it stands in a line, in an agent's state or in `due`.
    pub(super) fn call_mut(&mut self, id: CallId) -> &mut Call {
        &mut self.calls[&id]
    }
}
