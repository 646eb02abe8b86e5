//! A second opinion: it keeps its own plain lists of calls and agents, from what the engine was told and
//! answered, decides everything anew by looking at all of them, and objects.

mod eligible;
mod misses;
mod reached;
mod roster;
mod surge;

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::time::Duration;

use crate::base::AgentId;
use crate::base::CallId;
use crate::base::QueueId;
use crate::base::SkillId;
use crate::base::Timestamp;
use crate::fact::MissedWhy;
use crate::fact::WaitExit;
use crate::queue::Action;
use crate::queue::Engine;
use crate::queue::Event;
use crate::queue::Stage;
use crate::queue::api::AgentChoice;
use crate::queue::api::AgentState;
use crate::queue::api::AgentWish;
use crate::queue::api::Agents;
use crate::queue::api::ChosenBy;
use crate::queue::api::Config;
use crate::queue::api::Demand;
use crate::queue::api::Enqueue;
use crate::queue::api::FIRST;
use crate::queue::api::Need;
use crate::queue::api::Needs;
use crate::queue::api::PermissionAnswer;
use crate::queue::api::PermissionPolicy;
use crate::queue::api::Reason;
use crate::queue::api::Routing;
use crate::queue::api::SkillChange;
use crate::queue::api::Whoses;

pub(super) struct Oracle {
    config: Config,
    pub calls: BTreeMap<CallId, Call>,
    pub agents: Vec<Agent>,
    /// What was counted, so that a simulation can say that it met every case.
    pub seen: BTreeMap<String, u64>,
    /// How often agents with these skills have passed over calls past their second promise.
    passed: BTreeMap<Vec<Need>, u32>,
    last_rung: BTreeMap<QueueId, AgentId>,
    /// Who dropped out of which queue, when and at what age, and has not got it back.
    dropped: Vec<(Whoses, QueueId, Timestamp, Duration)>,
    /// The queues that are in a surge.
    surges: BTreeSet<QueueId>,
    /// Whether nobody is called back any more.
    stopping: bool,
}

pub(super) struct Call {
    queue: QueueId,
    demand: Demand,
    /// What is needed, as it was told last.
    needs: Needs,
    priority: i64,
    permission: PermissionPolicy,
    since: i128,
    whose: Whoses,
    /// Who has it first, and until when.
    prefer: Option<(AgentId, Timestamp)>,
    exclude: Agents,
    /// What it wants of an agent, if it can be had.
    wants: Needs,
    enqueued_at: Timestamp,
    cap_at: Timestamp,
    pub stage: Stage,
    pub kept: bool,
    not_before: Timestamp,
    /// Whose phones ring for it, in the order in which they were rung.
    pub rings: Vec<AgentId>,
    /// Until when the caller's phone rings, with an agent reserved.
    calling: Option<Timestamp>,
    /// Until when they wait on the line who picked up for their callback.
    pub reached: Option<Timestamp>,
    /// How often they were called in vain.
    tries: u32,
    /// Until when holding is allowed.
    held_until: Option<Timestamp>,
    pub asked: bool,
    /// Whether it was told of it that it waits though somebody is idle.
    held_back: bool,
}

pub(super) struct Agent {
    pub state: AgentState,
    /// Whether they want to go on after the call.
    goes_on: bool,
    calls: i64,
    idle_since: Timestamp,
    until: Option<Timestamp>,
    spared: Vec<(CallId, Timestamp)>,
    /// How often in a row their phone was not reached.
    unreached: usize,
}

/// Who joins, and from when they may be called back if they do not stay on the line.
type Joining = (Enqueue, Option<Timestamp>);

/// Who joins by an event.
fn joining_by(now: Timestamp, event: &Event) -> Option<Joining> {
    match event {
        Event::Enqueue(enqueue) => Some(((**enqueue).clone(), None)),
        Event::KeepPlace { enqueue, from } | Event::RecallPlace { enqueue, from, .. } => {
            Some(((**enqueue).clone(), Some(now.max(*from))))
        }
        _ => None,
    }
}

/// Whom a call must not get: whom it names, else whom its queue names, unless it says nobody.
fn effective<'a>(own: &'a Enqueue, of_queue: &'a Agents) -> &'a Agents {
    if own.exclude.is_empty() && !own.nobody.exclude { of_queue } else { &own.exclude }
}

impl Oracle {
    pub fn new(config: Config) -> Oracle {
        let state = |ready| if ready { AgentState::Ready } else { AgentState::Offline };
        let agents = config.agents.iter().map(|config| Agent::new(state(config.always_ready))).collect();
        Oracle {
            config,
            calls: BTreeMap::new(),
            agents,
            seen: BTreeMap::new(),
            passed: BTreeMap::new(),
            last_rung: BTreeMap::new(),
            dropped: Vec::new(),
            surges: BTreeSet::new(),
            stopping: false,
        }
    }

    /// The center as it is by now.
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// Follows one step and checks every action in it, then the state it leaves.
    pub fn step(&mut self, now: Timestamp, event: &Event, actions: &[Action], engine: &Engine) {
        let mut joining = None;
        let moves = self.moves(now, event);
        assert_eq!(moves, actions.iter().any(|action| matches!(action, Action::Moved { .. })), "{event:?}");
        self.told(now, event, &mut joining);
        for (action, next) in actions.iter().zip(1..) {
            let (queues, next) = (self.joined_or_left(action), &actions[next..]);
            self.nobody_else_is_there(now, action, next);
            let joins = joining.clone();
            self.answered(now, event, action, &mut joining);
            if let (Action::Enqueued { .. }, Some((enqueue, from))) = (action, joins) {
                self.let_in(&enqueue, from.is_some(), next);
            }
            self.surges_in_time(event, &queues, next);
        }
        assert!(joining.is_none(), "who joins is let in or sent away at once");
        let connected = actions.iter().find_map(|action| match action {
            Action::Connected { call, .. } => self.calls.get(call).filter(|call| !call.kept),
            _ => None,
        });
        if let Some(served) = connected {
            let same = |kept: &Call| kept.whose.iter().any(|whose| served.whose.contains(whose));
            let still = |kept: &Call| {
                kept.kept && kept.queue == served.queue && !matches!(kept.stage, Stage::Talking(_))
            };
            assert!(
                !self.calls.values().any(|kept| still(kept) && same(kept)),
                "who is served is called back as well"
            );
        }
        self.check_roster(event);
        self.check_state(now, engine);
    }

    /// Whether a supervisor's word about a call is to be followed.
    fn moves(&self, now: Timestamp, event: &Event) -> bool {
        let waits = |call: &CallId| self.is_at(*call, Stage::Waiting);
        match event {
            Event::Prioritise { call, .. } => waits(call),
            Event::Move { call, queue } => {
                let Some(to) = self.config.queues.get(queue.0 as usize) else { return false };
                if !waits(call) {
                    return false;
                }
                let age = self.age(now, *call);
                let later = to.needs.steps.iter().map(|step| step.after).filter(|after| *after > age);
                let ages: Vec<Duration> = std::iter::once(age).chain(later).collect();
                let able = |agent: &AgentId| {
                    ages.iter().any(|age| to.needs.at(*age).met(|skill| self.level(*agent, skill)))
                };
                let there = |agent: &AgentId| self.agents[agent.0 as usize].state != AgentState::Offline;
                self.calls[call].queue != *queue
                    && self.agent_ids().any(|agent| able(&agent) && there(&agent))
                    && self.waiting(*queue) < to.max_waiting
            }
            _ => false,
        }
    }

    fn told(&mut self, now: Timestamp, event: &Event, joining: &mut Option<Joining>) {
        if let Event::AgentWants { agent, .. } = event
            && let Some(agent) = self.agents.get_mut(agent.0 as usize)
        {
            agent.unreached = 0;
        }
        if let Some(joins) = joining_by(now, event).filter(|joins| !self.calls.contains_key(&joins.0.call)) {
            *joining = Some(joins);
        }
        match event {
            Event::RingFailed { call, agent, why } if self.rings_at(*call, *agent) => {
                self.rings_no_more(*call, *agent);
                self.spare(now, *call, *agent, *why);
                match why {
                    MissedWhy::Unreachable => self.agent(*agent).unreached += 1,
                    MissedWhy::Declined | MissedWhy::Busy => self.agent(*agent).unreached = 0,
                    MissedWhy::NoAnswer | MissedWhy::Withdrawn => {}
                }
            }
            Event::PickedUp { call, agent } if self.rings_at(*call, *agent) => {
                self.agent(*agent).unreached = 0;
                let call = self.call(*call);
                call.rings.retain(|other| other != agent);
                (call.stage, call.prefer) = (Stage::Talking(*agent), None);
                if !call.rings.is_empty() {
                    self.saw("faster than others");
                }
            }
            Event::AgentWants { agent, wish }
                if self.agents.get(agent.0 as usize).is_some_and(|agent| {
                    matches!(agent.state, AgentState::Ringing(_) | AgentState::Talking(_))
                }) =>
            {
                self.agent(*agent).goes_on = *wish == AgentWish::Ready && !self.is_gone(*agent);
            }
            Event::TalkEnded { call, agent } if self.is_at(*call, Stage::Talking(*agent)) => {
                self.calls.remove(call);
            }
            Event::Abandoned { call } | Event::Ended { call, .. }
                if self.calls.get(call).is_some_and(|call| matches!(call.stage, Stage::Talking(_))) =>
            {
                self.calls.remove(call);
            }
            Event::CallbackFailed { call, agent }
                if self.is_at(*call, Stage::Talking(*agent)) && self.calls[call].is_place() =>
            {
                self.tried(now, *call, Duration::ZERO);
                self.call(*call).stage = Stage::Waiting;
            }
            Event::CallerReached { call } | Event::CallerMissed { call } => self.called(now, event, *call),
            Event::SetSkill { agent, skill, level } => self.set_skill(*agent, *skill, *level),
            Event::Redate(changes) => self.redate(now, changes),
            Event::Agents(roster) => self.know_agents(now, roster),
            Event::Stopping => self.stopping = true,
            _ => {}
        }
    }

    fn set_skill(&mut self, agent: AgentId, skill: SkillId, level: u8) {
        let known = (skill.0 as usize) < self.config.skills.len();
        let Some(agent) = self.config.agents.get_mut(agent.0 as usize).filter(|_| known) else { return };
        agent.skills.retain(|has| has.skill != skill);
        if level > 0 {
            agent.skills.push(Need { skill, level: level.min(10) });
            agent.skills.sort();
        }
        let agents = &self.config.agents;
        self.passed.retain(|skills, _| agents.iter().any(|agent| agent.skills == *skills));
        self.saw("skill set");
    }

    fn answered(&mut self, now: Timestamp, event: &Event, action: &Action, joining: &mut Option<Joining>) {
        match action {
            Action::Enqueued { call, queue, needs, priority, waiting } => {
                let (enqueue, from) = joining.take().expect("only who joins is let in");
                assert_eq!((enqueue.call, enqueue.queue), (*call, *queue));
                self.join(now, enqueue, from, needs, *priority);
                assert_eq!(*waiting, self.waiting(*queue));
                self.saw("joined");
            }
            Action::AgentsNamed { call, prefer, exclude, wants } => {
                self.named(now, event, *call, *prefer, exclude);
                assert_eq!(*wants, self.calls[call].wants);
            }
            Action::AgeRestored { call, age } => {
                let (enqueue, _) = joining_by(now, event).expect("only who joins gets an age back");
                assert_eq!(enqueue.call, *call);
                let claims = |(whose, queue, at, had): &(Whoses, QueueId, Timestamp, Duration)| {
                    whose.iter().any(|whose| enqueue.whose.contains(whose))
                        && *queue == enqueue.queue
                        && now < *at + self.config.redial
                        && had == age
                };
                let claim = self.dropped.iter().rposition(claims).expect("nobody is older than they were");
                self.dropped.remove(claim);
                self.call(*call).since = i128::from(now.0) - age.as_micros() as i128;
                self.check_needs(now, *call);
                self.saw("age restored");
            }
            Action::Relaxed { call, needs } => {
                let call = self.call(*call);
                assert_eq!(call.stage, Stage::Waiting, "needs stand still while a phone rings");
                assert_ne!(call.needs, *needs, "told without need");
                call.needs = needs.clone();
                self.saw("relaxed");
            }
            Action::HeldBack { call, idle, until } => self.held_back(now, *call, *idle, *until),
            Action::Ring { call, agent, until, why, .. } => {
                assert_eq!(*until, now + self.queue_of(*call).ring_timeout);
                if self.is_at(*call, Stage::Reserved(*agent)) {
                    self.rung_who_was_reserved(event, *call, *agent);
                } else {
                    assert!(!self.calls[call].kept || self.queue_of(*call).customer_first.is_none(), "first");
                    if let Some(until) = self.calls[call].reached {
                        assert!(until > now, "who picked up is let go at last");
                        self.saw("reached, and rung again");
                    }
                    self.check_ring(now, *call, *agent, why);
                }
            }
            Action::Reserve { call, agent, until, why } => self.reserved(now, *call, *agent, *until, why),
            Action::StopCalling { call, missed } => self.stop_calling(now, *call, *missed),
            Action::NotServed { call } => self.not_served(now, *call),
            Action::StopRing { call, agent, why } => {
                assert!(self.rings_at(*call, *agent), "only what rings is stopped");
                let taken = matches!(self.calls[call].stage, Stage::Talking(_));
                if *event == Event::Stopping {
                    assert!(self.calls[call].kept, "only who is not on the line is left to the next start");
                    self.saw("rung no more, for the server is to stop");
                }
                assert!(!taken || *why == MissedWhy::Withdrawn, "who is slower has missed nothing");
                self.rings_no_more(*call, *agent);
                self.saw(&format!("stop ring {why:?}"));
                if *why == MissedWhy::NoAnswer {
                    self.spare(now, *call, *agent, *why);
                }
            }
            Action::Connected { call, agent, waited, .. } => {
                assert!(self.is_at(*call, Stage::Talking(*agent)));
                assert!(self.calls[call].rings.is_empty(), "the others' phones ring on");
                assert_eq!(*waited, now.since(self.calls[call].enqueued_at));
                self.agent(*agent).calls += 1;
                self.saw(if self.calls[call].reached.is_some() {
                    "reached, and connected"
                } else {
                    "connected"
                });
            }
            Action::Exit { call, exit } => {
                match joining.take() {
                    Some((enqueue, from)) => {
                        assert_eq!(enqueue.call, *call);
                        self.kept_out(&enqueue, from.is_some(), *exit);
                        let known = (enqueue.queue.0 as usize) < self.config.queues.len();
                        match event {
                            Event::RecallPlace { until, tries, .. } if known => {
                                let tries_left = *tries < self.most_tries(enqueue.queue);
                                let over = if tries_left { WaitExit::Cap } else { WaitExit::CallbackFailed };
                                assert_eq!(*exit, over, "what was agreed on is kept");
                                assert!(!tries_left || *until <= now, "what was agreed on is kept");
                            }
                            _ => assert!(
                                from.is_none() || !known || *exit == WaitExit::Full,
                                "a callback finds a place"
                            ),
                        }
                    }
                    None => self.check_exit(now, *call, *exit),
                }
                self.saw(&format!("exit {exit:?}"));
            }
            Action::Hold { call, until, by_flow_file } => {
                let flow_file = self.calls[call].permission == PermissionPolicy::GivenByFlowFile;
                let granted = Event::Permission { call: *call, answer: PermissionAnswer::Granted };
                assert!(
                    if *by_flow_file { flow_file } else { *event == granted },
                    "nobody is held without a yes"
                );
                assert!(!self.calls[call].kept && *until > now);
                self.call(*call).held_until = Some(*until);
                self.saw("held");
            }
            Action::AskPermission { call, .. } => {
                assert!(
                    self.is_at(*call, Stage::Waiting) && !self.calls[call].kept,
                    "asked while a phone rings"
                );
                assert_ne!(self.calls[call].permission, PermissionPolicy::GivenByFlowFile);
                assert!(self.calls[call].held_until.is_none_or(|until| until <= now), "asked though held");
                let call = self.call(*call);
                (call.asked, call.held_until) = (true, None);
                self.saw("asked");
            }
            Action::CheckIn { call, position, .. } => {
                assert!(self.is_at(*call, Stage::Waiting) && !self.calls[call].kept);
                assert!(self.calls[call].held_until.is_some_and(|until| until > now), "told while not held");
                assert_eq!(*position, self.place(*call));
                self.saw("checked in");
            }
            Action::Moved { call, queue, needs, priority } => {
                self.moved(now, event, *call, *queue, needs, *priority);
            }
            Action::KeepPlace { call } => {
                let customer_first = self.queue_of(*call).customer_first.is_some();
                let call = self.call(*call);
                assert!(!call.kept && call.stage == Stage::Waiting);
                (call.kept, call.held_until) = (true, None);
                call.cap_at = call.cap_at.max(now.max(call.enqueued_at) + Duration::from_secs(4 * 3600));
                let later = call.not_before > now;
                if customer_first {
                    call.not_before = call.not_before.max(now + reached::LET_GO);
                }
                if let Event::RecallPlace { until, tries, .. } = event {
                    (call.cap_at, call.tries) = (*until, *tries);
                    assert!(*until > now, "kept longer than was agreed on");
                    self.saw("place kept again");
                }
                self.saw(if later { "place kept for later" } else { "place kept" });
            }
            Action::SkillChanged { agent, skill, level } => {
                let change = SkillChange { at: now, agent: *agent, skill: *skill, level: *level };
                self.skill_changed(event, change);
            }
            Action::InSurge { .. } | Action::SurgeBegan { .. } | Action::SurgeEnded { .. } => {
                self.surge(event, action);
            }
            Action::AgentChanged { agent, from, to, until } => self.change(now, *agent, from, to, *until),
        }
    }

    fn most_tries(&self, queue: QueueId) -> u32 {
        self.config.queues[queue.0 as usize].callback_tries.max(1)
    }

    fn join(
        &mut self,
        now: Timestamp,
        enqueue: Enqueue,
        from: Option<Timestamp>,
        needs: &Needs,
        priority: i32,
    ) {
        let queue = &self.config.queues[enqueue.queue.0 as usize];
        assert_eq!(priority, queue.priority + enqueue.priority);
        let nobody = enqueue.nobody;
        let waived = nobody.prefer && enqueue.prefer.is_none() && queue.prefer.is_some()
            || nobody.exclude && enqueue.exclude.is_empty() && !queue.exclude.is_empty();
        let exclude = effective(&enqueue, &queue.exclude).clone();
        let call = Call {
            queue: enqueue.queue,
            needs: needs.clone(),
            wants: match (enqueue.needs.wants_nobody, enqueue.needs.wants.is_empty()) {
                (false, true) => queue.needs.wants.clone(),
                _ => enqueue.needs.wants.clone(),
            },
            demand: enqueue.needs,
            priority: i64::from(priority),
            permission: enqueue.permission.unwrap_or(queue.permission),
            since: i128::from(now.0) - enqueue.age_credit.as_micros() as i128,
            whose: enqueue.whose,
            prefer: None,
            exclude,
            enqueued_at: from.unwrap_or(now),
            cap_at: now + queue.max_wait,
            stage: Stage::Waiting,
            kept: false,
            not_before: from.unwrap_or(now),
            rings: Vec::new(),
            calling: None,
            reached: None,
            tries: 0,
            held_until: None,
            held_back: false,
            asked: false,
        };
        self.calls.insert(enqueue.call, call);
        if waived {
            self.saw("nobody, whatever the queue says");
        }
    }

    /// Whom the call goes to first and whom it must not get, as it was asked for.
    fn named(
        &mut self,
        now: Timestamp,
        event: &Event,
        id: CallId,
        prefer: Option<(AgentId, Duration)>,
        exclude: &Agents,
    ) {
        let (enqueue, from) = joining_by(now, event).expect("only who joins names agents");
        assert!(from.is_none() || prefer.is_none(), "who is called back prefers nobody");
        assert_eq!(enqueue.call, id);
        let of_queue = self.queue_of(id);
        let asked_not = effective(&enqueue, &of_queue.exclude);
        assert!(exclude.iter().all(|agent| asked_not.contains(agent)));
        assert!(asked_not.iter().all(|agent| exclude.contains(agent)));
        let default =
            enqueue.prefer.is_none() && prefer.is_some() || enqueue.exclude.is_empty() && !exclude.is_empty();
        if let Some((agent, wait)) = prefer {
            let of_queue = of_queue.prefer.filter(|_| !enqueue.nobody.prefer);
            let (asked, most) = enqueue.prefer.or(of_queue).expect("nobody is preferred unasked");
            assert!(agent == asked && wait <= most && wait <= self.queue_of(id).max_wait / 2);
            assert!((agent.0 as usize) < self.agents.len() && !exclude.contains(&agent));
        }
        let call = self.call(id);
        call.prefer = prefer.map(|(agent, wait)| (agent, now + wait));
        call.exclude = exclude.clone();
        if default {
            self.saw("named by the queue");
        }
    }

    /// Of a call that waits just those agents are able whom its queue and its own needs ask for by now.
    fn check_needs(&self, now: Timestamp, id: CallId) {
        let call = &self.calls[&id];
        let age = self.age(now, id);
        for agent in self.agent_ids() {
            let level = |skill| self.level(agent, skill);
            let asked = self.queue_of(id).needs.at(age).met(level) && call.demand.at(age).met(level);
            assert_eq!(self.fits(id, agent), asked, "{id} waits by other needs than those of its age");
        }
    }

    fn age(&self, now: Timestamp, id: CallId) -> Duration {
        Duration::from_micros(u64::try_from(i128::from(now.0) - self.calls[&id].since).unwrap_or(0))
    }

    fn moved(
        &mut self,
        now: Timestamp,
        event: &Event,
        id: CallId,
        queue: QueueId,
        needs: &Needs,
        priority: i32,
    ) {
        let base = |queue: QueueId| i64::from(self.config.queues[queue.0 as usize].priority);
        let (call, first) = (&self.calls[&id], i64::from(FIRST));
        let expected = match event {
            Event::Move { .. } if call.priority == first => first,
            Event::Move { .. } => call.priority - base(call.queue) + base(queue),
            Event::Prioritise { priority: FIRST, .. } => first,
            Event::Prioritise { priority, .. } => i64::from(*priority) + base(queue),
            event => panic!("{event:?} moves nobody"),
        };
        assert_eq!(i64::from(priority), expected);
        self.saw(if queue == call.queue { "prioritised" } else { "moved" });
        let call = self.call(id);
        if call.queue != queue {
            call.demand = Demand::default();
        }
        (call.queue, call.needs, call.priority) = (queue, needs.clone(), expected);
        self.check_needs(now, id);
    }

    /// The choice, made again by looking at every call and every agent.
    fn check_ring(&mut self, now: Timestamp, call: CallId, agent: AgentId, why: &Reason) {
        // For whoever is rung beside others the choice is the same, as if the call still waited.
        let beside = !self.calls[&call].rings.is_empty();
        assert_eq!(why.by == ChosenBy::Beside, beside);
        if beside {
            assert!(self.calls[&call].rings.len() < self.queue_of(call).ring_agents as usize);
            self.call(call).stage = Stage::Waiting;
        }
        assert!(self.may_ring(now, call, agent), "rung without being able, idle, or offered it");
        let idle = |a: &AgentId| self.agents[a.0 as usize].state == AgentState::Ready && self.fits(call, *a);
        let fitting: Vec<AgentId> = self.agent_ids().filter(idle).collect();
        let last = self.last_rung.get(&self.calls[&call].queue).copied();
        let by_wait = self.config.routing == Routing::LongestWaiting;
        let agents_by = self.queue_of(call).agents_by;
        let choice = agents_by.or(by_wait.then_some(AgentChoice::BestFit));
        let rank = |agent: AgentId| {
            let (fit, of_agent) = (i64::from(self.fit(call, agent)), &self.agents[agent.0 as usize]);
            let breadth = self.config.agents[agent.0 as usize].skills.len() as i64;
            let first = match choice {
                Some(AgentChoice::BestFit) => (-fit, breadth),
                Some(AgentChoice::MostSkilled) => (-fit, 0),
                Some(AgentChoice::LeastSkilled) => (fit, 0),
                Some(AgentChoice::FewestCalls) => (of_agent.calls, 0),
                Some(AgentChoice::RoundRobin) => {
                    (i64::from(last.is_some_and(|last| agent <= last)), i64::from(agent.0))
                }
                Some(AgentChoice::LongestIdle) | None => (0, 0),
            };
            (self.is_unwanted(call, agent), first, of_agent.idle_since, agent)
        };
        let preferred = self.preferred(now, call) == Some(agent);
        let choice = choice.filter(|_| !preferred);
        let agents_by = agents_by.filter(|_| !preferred);
        let able = fitting.iter().copied().filter(|agent| self.may_ring(now, call, *agent));
        let able: Vec<AgentId> = able.collect();
        if let Some(choice) = choice {
            assert_eq!(
                able.iter().copied().min_by_key(|agent| rank(*agent)),
                Some(agent),
                "a better agent was idle"
            );
            if fitting.len() > 1 {
                self.saw(&format!("rung by {choice:?}"));
            }
        }
        // Whoever is kept for others is rung beside nobody.
        self.check_wanted(call, agent, &able, preferred || beside);
        let serves: Vec<CallId> = self
            .calls
            .keys()
            .copied()
            .filter(|call| self.in_line(now, *call) && self.fits(*call, agent))
            .filter(|call| self.kept_for(now, *call).is_none_or(|other| other == agent))
            .collect();
        let preferring = serves.iter().copied().filter(|call| self.preferred(now, *call) == Some(agent));
        let preferring: Vec<CallId> =
            preferring.filter(|other| *other == call || self.could_ring(now, *other, agent)).collect();
        let first_of_those = preferring.iter().copied().min_by_key(|call| self.order(*call));
        if preferred {
            assert_eq!(first_of_those, Some(call), "another that prefers them was to go first");
            self.saw(if preferring.len() > 1 { "rung, preferred by several" } else { "rung, preferred" });
        } else if let Some(other) = first_of_those {
            let is_first = self.calls[&call].priority == i64::from(FIRST);
            assert!(is_first && self.order(call) < self.order(other), "who prefers them goes first");
        }
        let first =
            serves.iter().copied().filter(|other| *other == call || self.could_ring(now, *other, agent));
        if by_wait && !preferred {
            assert_eq!(
                first.min_by_key(|call| self.order(*call)),
                Some(call),
                "another call was to go first"
            );
        }
        let idle = now.since(self.agents[agent.0 as usize].idle_since);
        let spared = fitting.iter().any(|agent| !self.may_ring(now, call, *agent));
        let due_now = serves.iter().filter(|other| **other != call && self.is_due_now(now, **other)).count();
        let (waiting, fitting) = (serves.len() as u32, fitting.len() as u32);
        let waiting = why.waiting.clamp(waiting - due_now as u32, waiting);
        let by = match by_wait {
            _ if beside => ChosenBy::Beside,
            _ if preferred => ChosenBy::Preferred,
            true => ChosenBy::LongestWait,
            false => ChosenBy::ServiceLevel,
        };
        self.check_needs(now, call);
        assert_eq!(*why, Reason { waiting, fitting, fit: self.fit(call, agent), idle, by, agents_by });
        self.last_rung.insert(self.calls[&call].queue, agent);
        if beside {
            assert_eq!(serves, [call], "who is rung beside others could have had another call");
            self.saw("rung beside others");
        } else if preferred {
            self.call(call).prefer = None;
        } else {
            self.check_second_promise(now, call, agent);
        }
        let is_first = |id: &CallId| self.calls[id].priority == i64::from(FIRST);
        let firsts = self.calls.keys().copied().filter(|id| is_first(id) && self.could_ring(now, *id, agent));
        let passed_over = firsts.min_by_key(|id| self.order(*id)).filter(|first| *first != call);
        assert!(
            passed_over.is_none_or(|first| self.order(call) < self.order(first)),
            "who is first goes first"
        );
        if is_first(&call) {
            self.saw("first, rung");
        }
        let of_call = self.call(call);
        of_call.rings.push(agent);
        of_call.stage = Stage::Ringing(of_call.rings[0]);
        self.saw("rung");
        if spared {
            self.saw("spared");
        }
        if fitting > 1 {
            self.saw("rung, of several");
        }
        if waiting > 1 {
            self.saw("rung, for one of several");
        }
    }

    fn check_exit(&mut self, now: Timestamp, id: CallId, exit: WaitExit) {
        let staffed = |agent: &AgentId| self.agents[agent.0 as usize].state != AgentState::Offline;
        let some_day = |agent: &AgentId| self.fits(id, *agent) || self.will_fit(now, id, *agent);
        let hopeless = !self.agent_ids().any(|agent| staffed(&agent) && some_day(&agent));
        let call = self.calls.remove(&id).expect("only who is in leaves");
        assert_eq!(call.stage, Stage::Waiting, "nobody is sent away while a phone rings or an agent talks");
        match exit {
            // A place can come to its end while the caller is called; nobody else is there beyond it, as `check_state` has it.
            WaitExit::Cap => assert!(call.cap_at == now || call.is_place() && call.cap_at < now),
            WaitExit::NobodyStaffed => {
                assert!(!call.is_place() && hopeless);
            }
            WaitExit::ExpectedWait => {
                let queue = &self.config.queues[call.queue.0 as usize];
                assert!(queue.max_expected_wait.is_some() && !call.is_place());
                assert!(call.cap_at > now, "the longest wait goes first");
            }
            WaitExit::Full | WaitExit::Surge => panic!("who is in stays, however many are"),
            WaitExit::Declined => assert!((call.asked || call.held_until.is_some()) && !call.kept),
            WaitExit::CallbackFailed => {
                // Whom nobody took in time, and who was called for the last time.
                let tries = call.tries + u32::from(call.reached.is_some_and(|until| until <= now));
                assert!(call.is_place() && tries >= self.most_tries(call.queue));
            }
            WaitExit::Redialled => {
                let served = |served: &Call| {
                    served.queue == call.queue
                        && !served.kept
                        && matches!(served.stage, Stage::Talking(_))
                        && served.whose.iter().any(|whose| call.whose.contains(whose))
                };
                assert!(call.kept && self.calls.values().any(served), "only who is served is called off");
            }
            WaitExit::Abandoned if !call.is_place() => {
                let age = Duration::from_micros((i128::from(now.0) - call.since) as u64);
                self.dropped.push((call.whose, call.queue, now, age));
            }
            WaitExit::Abandoned | WaitExit::EndedByOperator | WaitExit::EndedByServer => {}
        }
    }

    fn change(
        &mut self,
        now: Timestamp,
        id: AgentId,
        from: &AgentState,
        to: &AgentState,
        until: Option<Timestamp>,
    ) {
        self.backs_off(now, id, to, until);
        let agent = self.agent(id);
        assert_eq!(agent.state, *from);
        if *to == AgentState::Ready && !matches!(from, AgentState::Ringing(_) | AgentState::Reserved(_)) {
            agent.idle_since = now;
        }
        if *from == AgentState::Offline {
            agent.calls = 0;
        }
        agent.goes_on |= matches!(to, AgentState::Ready | AgentState::NotReady(_) | AgentState::Offline);
        (agent.state, agent.until) = (to.clone(), until);
        if let AgentState::Reserved(call) = from {
            self.reserved_no_more(*call, id);
        }
        let name = match to {
            AgentState::Reserved(_) => "reserved",
            AgentState::Ringing(_) => "ringing",
            AgentState::Talking(_) => "talking",
            AgentState::NotReady(reason) => reason,
            AgentState::WrapUp => "wrap-up",
            AgentState::Ready => "ready",
            AgentState::Offline => "offline",
        };
        self.saw(&format!("agent {name}"));
    }

    fn check_state(&mut self, now: Timestamp, engine: &Engine) {
        let (mut held_back, mut kept, mut excluded, mut left) = (0, 0, 0, 0);
        assert!(self.config.changes.iter().all(|change| change.at > now), "no skill changes late");
        assert_eq!(engine.calls.len(), self.calls.len(), "callers are neither lost nor made");
        for (id, call) in &self.calls {
            let view = engine.call(*id).expect("who waits is in");
            assert_eq!((view.queue, view.stage, view.callback), (call.queue, call.stage, call.kept));
            assert_eq!(call.calling.is_some(), matches!(call.stage, Stage::Reserved(_)), "called for nobody");
            let (Stage::Reserved(agent) | Stage::Ringing(agent) | Stage::Talking(agent)) = call.stage else {
                match call.reached {
                    None => assert!(call.cap_at > now, "nobody waits beyond the longest wait"),
                    Some(until) => assert!(until > now, "who picked up waits for nobody"),
                }
                self.check_needs(now, *id);
                assert!(
                    call.is_place() || call.asked || call.held_until.is_some(),
                    "a wait begins with a question"
                );
                let idle = self.agent_ids().find(|agent| self.may_ring(now, *id, *agent));
                left += u32::from(self.is_left(*id));
                kept += u32::from(self.kept_for(now, *id).is_some());
                if idle.is_some() && self.may_hold_back(now, call) {
                    let looked_at = now + Duration::from_secs(1);
                    assert!(engine.deadline().is_some_and(|at| at <= looked_at), "{id} is forgotten");
                    held_back += 1;
                    continue;
                }
                assert_eq!(idle, None, "{id} waits though an agent is idle who could serve it");
                continue;
            };
            let ringing = matches!(call.stage, Stage::Ringing(_));
            let (state, agents) = match call.stage {
                Stage::Ringing(_) => (AgentState::Ringing(*id), call.rings.clone()),
                Stage::Reserved(_) => (AgentState::Reserved(*id), vec![agent]),
                _ => (AgentState::Talking(*id), vec![agent]),
            };
            assert_eq!(call.rings.is_empty(), !ringing, "a phone rings for a talk");
            for agent in agents {
                assert_eq!(self.agents[agent.0 as usize].state, state);
                assert!(!call.exclude.contains(&agent), "{id} must not get {agent}");
            }
            excluded += u32::from(!call.exclude.is_empty());
        }
        for (id, agent) in self.agent_ids().zip(&self.agents) {
            assert_eq!(engine.agent_state(id), Some(&agent.state));
            match &agent.state {
                AgentState::Reserved(call) => {
                    let of = &self.calls[call];
                    assert!(of.stage == Stage::Reserved(id) && of.kept, "reserved for nobody");
                    assert!(agent.until.is_some_and(|until| until > now) && agent.until == of.calling);
                    assert!(self.fits(*call, id), "reserved without being able");
                }
                AgentState::Ringing(call) => {
                    assert!(self.rings_at(*call, id) && agent.until.is_some())
                }
                AgentState::Talking(call) => assert!(self.is_at(*call, Stage::Talking(id))),
                AgentState::WrapUp => assert!(agent.until.is_some_and(|until| until > now)),
                AgentState::Ready | AgentState::Offline => assert_eq!(agent.until, None),
                AgentState::NotReady(_) => {}
            }
        }
        let counts = [
            (held_back, "held back"),
            (kept, "kept for who is preferred"),
            (excluded, "excluded"),
            (left, "left to the next start"),
        ];
        counts.into_iter().filter(|(count, _)| *count > 0).for_each(|(_, what)| self.saw(what));
        for queue in 0..self.config.queues.len() as u32 {
            assert_eq!(engine.waiting(QueueId(queue)), self.waiting(QueueId(queue)));
            assert_eq!(engine.surge_since(QueueId(queue)).is_some(), self.surges.contains(&QueueId(queue)));
        }
    }

    fn order(&self, id: CallId) -> (i64, i128, CallId) {
        let call = &self.calls[&id];
        (-call.priority, call.since, id)
    }

    fn place(&self, id: CallId) -> u32 {
        let queue = self.calls[&id].queue;
        let ahead = |(other, call): &(&CallId, &Call)| {
            call.queue == queue && call.stage == Stage::Waiting && self.order(**other) < self.order(id)
        };
        self.calls.iter().filter(ahead).count() as u32 + 1
    }

    fn waiting(&self, queue: QueueId) -> u32 {
        let waits = |call: &&Call| call.queue == queue && !matches!(call.stage, Stage::Talking(_));
        self.calls.values().filter(waits).count() as u32
    }

    fn queue_of(&self, call: CallId) -> &crate::queue::api::QueueConfig {
        &self.config.queues[self.calls[&call].queue.0 as usize]
    }

    fn is_at(&self, call: CallId, stage: Stage) -> bool {
        self.calls.get(&call).is_some_and(|call| call.stage == stage)
    }

    fn rings_at(&self, call: CallId, agent: AgentId) -> bool {
        self.calls.get(&call).is_some_and(|call| call.rings.contains(&agent))
    }

    /// A phone rings no more; a call that none rings for waits again.
    fn rings_no_more(&mut self, call: CallId, agent: AgentId) {
        let call = self.call(call);
        call.rings.retain(|other| *other != agent);
        if !matches!(call.stage, Stage::Talking(_)) {
            call.stage = call.rings.first().map_or(Stage::Waiting, |first| Stage::Ringing(*first));
        }
    }

    fn call(&mut self, id: CallId) -> &mut Call {
        self.calls.get_mut(&id).expect("an action names a call that is in")
    }

    fn agent(&mut self, id: AgentId) -> &mut Agent {
        &mut self.agents[id.0 as usize]
    }

    fn agent_ids(&self) -> impl Iterator<Item = AgentId> + use<> {
        (0..self.agents.len() as u32).map(AgentId)
    }

    fn saw(&mut self, what: &str) {
        *self.seen.entry(what.to_owned()).or_default() += 1;
    }
}
