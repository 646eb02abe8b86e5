//! Any center, and any list of what happens to its queue engine, in any order: no panic, and after each step
//! everybody is where they may be. In the end everybody gets out.
//!
//! The input is a center in its first bytes, then operations of a few bytes each.
#![no_main]

use std::collections::BTreeMap;
use std::time::Duration;

use libfuzzer_sys::fuzz_target;
use warmline::base::AgentId;
use warmline::base::CallId;
use warmline::base::QueueId;
use warmline::base::SkillId;
use warmline::base::Timestamp;
use warmline::fact::MissedWhy;
use warmline::fact::WaitExit;
use warmline::queue::Action;
use warmline::queue::Engine;
use warmline::queue::Event;
use warmline::queue::Stage;
use warmline::queue::api::AgentChoice;
use warmline::queue::api::AgentConfig;
use warmline::queue::api::AgentState;
use warmline::queue::api::AgentWish;
use warmline::queue::api::Agents;
use warmline::queue::api::Config;
use warmline::queue::api::Demand;
use warmline::queue::api::EndedBy;
use warmline::queue::api::Enqueue;
use warmline::queue::api::FIRST;
use warmline::queue::api::Misses;
use warmline::queue::api::Need;
use warmline::queue::api::Needs;
use warmline::queue::api::Nobody;
use warmline::queue::api::PermissionAnswer;
use warmline::queue::api::PermissionPolicy;
use warmline::queue::api::QueueConfig;
use warmline::queue::api::Roster;
use warmline::queue::api::Routing;
use warmline::queue::api::SkillChange;
use warmline::queue::api::Step;
use warmline::queue::api::SurgeRule;
use warmline::queue::api::Weights;
use warmline::queue::api::Whose;

/// Operations of one input: enough for a day in which everything happens.
const STEPS: usize = 400;

fuzz_target!(|data: &[u8]| {
    let mut bytes = Bytes(data);
    let config = center(&mut bytes);
    let mut house = House {
        engine: Engine::new(config.clone()),
        config,
        now: Timestamp::ZERO,
        calls: BTreeMap::new(),
        next_call: 1,
        stopping: false,
    };
    for _ in 0..STEPS {
        if bytes.0.is_empty() {
            break;
        }
        house.pass(Duration::from_millis(u64::from(bytes.next()) * u64::from(bytes.next())));
        let event = house.event(&mut bytes);
        house.tell(event);
    }
    house.settle();
});

/// The rest of the input; zeros once it is used up.
struct Bytes<'a>(&'a [u8]);

impl Bytes<'_> {
    fn next(&mut self) -> u8 {
        let Some((first, rest)) = self.0.split_first() else { return 0 };
        self.0 = rest;
        *first
    }

    fn below(&mut self, bound: u8) -> u8 {
        self.next() % bound
    }

    fn secs(&mut self) -> Duration {
        Duration::from_secs(u64::from(self.next()))
    }
}

/// What is known of a call without asking the engine.
struct Call {
    needs: Needs,
    exclude: Agents,
    stage: Stage,
    /// Whose phones ring for it.
    rings: Vec<AgentId>,
    /// Until when it may be held.
    held_until: Option<Timestamp>,
    asked: bool,
    kept: bool,
    /// Until when their phone rings, with an agent reserved; or they wait on the line, having picked up.
    calling: Option<Timestamp>,
    reached: Option<Timestamp>,
    by_file: bool,
}

impl Call {
    fn rings_no_more(&mut self, agent: AgentId) {
        self.rings.retain(|other| *other != agent);
        if matches!(self.stage, Stage::Ringing(_)) {
            self.stage = self.rings.first().map_or(Stage::Waiting, |first| Stage::Ringing(*first));
        }
    }
}

struct House {
    engine: Engine,
    config: Config,
    now: Timestamp,
    calls: BTreeMap<CallId, Call>,
    next_call: u64,
    /// Whether nobody is called back any more.
    stopping: bool,
}

impl House {
    fn pass(&mut self, time: Duration) {
        let until = self.now + time;
        while let Some(due) = self.engine.deadline().filter(|due| *due <= until) {
            self.now = self.now.max(due);
            self.tell(Event::Tick);
            assert!(self.engine.deadline().is_none_or(|next| next > self.now), "a tick leaves nothing due");
        }
        self.now = until;
    }

    fn tell(&mut self, event: Event) {
        let mut actions = Vec::new();
        self.engine.handle(self.now, event.clone(), &mut actions);
        match &event {
            Event::PickedUp { call, agent } => {
                if let Some(call) = self.calls.get_mut(call).filter(|call| call.rings.contains(agent)) {
                    call.rings.retain(|other| other != agent);
                    call.stage = Stage::Talking(*agent);
                }
            }
            Event::RingFailed { call, agent, .. } => {
                if let Some(call) = self.calls.get_mut(call).filter(|call| call.rings.contains(agent)) {
                    call.rings_no_more(*agent);
                }
            }
            Event::TalkEnded { call, agent } => {
                self.calls.retain(|id, of| id != call || of.stage != Stage::Talking(*agent));
            }
            Event::Abandoned { call } | Event::Ended { call, .. } => {
                self.calls.retain(|id, of| id != call || !matches!(of.stage, Stage::Talking(_)));
            }
            Event::CallbackFailed { call, agent } => {
                let place = |of: &Call| of.kept || of.reached.is_some();
                let fails = |of: &&mut Call| of.stage == Stage::Talking(*agent) && place(of);
                if let Some(call) = self.calls.get_mut(call).filter(fails) {
                    (call.stage, call.kept, call.reached) = (Stage::Waiting, true, None);
                }
            }
            Event::CallerReached { call } => {
                let reserved = |of: &&mut Call| matches!(of.stage, Stage::Reserved(_));
                if let Some(call) = self.calls.get_mut(call).filter(reserved) {
                    (call.kept, call.calling, call.reached) = (false, None, Some(self.now));
                }
            }
            Event::CallerMissed { call } => {
                if let Some(call) = self.calls.get_mut(call) {
                    match call.stage {
                        Stage::Reserved(_) => (call.stage, call.calling) = (Stage::Waiting, None),
                        Stage::Waiting | Stage::Ringing(_) if call.reached.take().is_some() => call.kept = true,
                        _ => {}
                    }
                }
            }
            Event::SetSkill { agent, skill, level } => self.set_skill(*agent, *skill, *level),
            Event::Agents(roster) => self.know_agents(roster),
            Event::Stopping => self.stopping = true,
            _ => {}
        }
        for action in &actions {
            self.answered(&event, action);
        }
        self.check();
    }

    fn set_skill(&mut self, agent: AgentId, skill: SkillId, level: u8) {
        let known = (skill.0 as usize) < self.config.skills.len();
        let Some(agent) = self.config.agents.get_mut(agent.0 as usize).filter(|_| known) else { return };
        agent.skills.retain(|has| has.skill != skill);
        agent.skills.push(Need { skill, level: level.min(10) });
    }

    /// Who is new has no skills before it is told of them.
    fn know_agents(&mut self, roster: &Roster) {
        for (id, agent) in &roster.agents {
            let place = id.0 as usize;
            if place == self.config.agents.len() {
                self.config.agents.push(AgentConfig { skills: Vec::new(), ..agent.clone() });
            } else if let Some(known) = self.config.agents.get_mut(place) {
                known.gone = agent.gone;
            }
        }
    }

    fn answered(&mut self, event: &Event, action: &Action) {
        let now = self.now;
        match action {
            Action::Enqueued { call, needs, .. } => {
                let Event::Enqueue(enqueue) = event else { panic!("{call} joins unasked") };
                let queue = &self.config.queues[enqueue.queue.0 as usize];
                let permission = enqueue.permission.unwrap_or(queue.permission);
                let joined = Call {
                    needs: needs.clone(),
                    exclude: enqueue.exclude.clone(),
                    stage: Stage::Waiting,
                    rings: Vec::new(),
                    held_until: None,
                    asked: false,
                    kept: false,
                    calling: None,
                    reached: None,
                    by_file: permission == PermissionPolicy::GivenByFlowFile,
                };
                assert!(self.calls.insert(*call, joined).is_none(), "{call} joins twice");
            }
            Action::Relaxed { call, needs } | Action::Moved { call, needs, .. } => {
                self.of(*call).needs = needs.clone();
            }
            Action::HeldBack { call, idle, until } => {
                assert!(*idle > 0 && *until > now);
                assert_eq!(self.of(*call).stage, Stage::Waiting, "{call} is held back from nobody");
            }
            Action::Ring { call, agent, until, .. } => {
                assert!(*until >= now);
                let skills = &self.config.agents[agent.0 as usize];
                let of = self.calls.get_mut(call);
                if let Some(of) = of.filter(|of| of.stage == Stage::Reserved(*agent)) {
                    assert_eq!(*event, Event::CallerReached { call: *call });
                    (of.stage, of.rings) = (Stage::Ringing(*agent), vec![*agent]);
                } else if let Some(of) = self.calls.get_mut(call) {
                    assert!(!matches!(of.stage, Stage::Talking(_)) && !of.rings.contains(agent), "{call} rings twice");
                    assert!(!self.stopping || !of.kept, "{call} is called back by a server that is to stop");
                    assert!(!of.exclude.contains(agent), "{call} must not get {agent}");
                    assert!(of.needs.met(|skill| skills.level(skill)), "{agent} cannot serve {call}");
                    of.rings.push(*agent);
                    of.stage = Stage::Ringing(of.rings[0]);
                } else {
                    // A call for one agent alone is in no queue before it rings.
                    let stage = Stage::Ringing(*agent);
                    let (needs, exclude) = (Needs::default(), Agents::new());
                    let (held_until, asked, kept, by_file) = (None, false, false, true);
                    let (rings, calling, reached) = (vec![*agent], None, None);
                    let direct =
                        Call { needs, exclude, stage, rings, held_until, asked, kept, calling, reached, by_file };
                    self.calls.insert(*call, direct);
                }
            }
            Action::Reserve { call, agent, until, .. } => {
                let skills = &self.config.agents[agent.0 as usize];
                let of = self.calls.get_mut(call).expect("a place is in");
                assert!(!self.stopping || of.calling.is_some(), "{call} is called back by a server that is to stop");
                assert!(of.kept && matches!(of.stage, Stage::Waiting | Stage::Reserved(_)), "{call} is not called back");
                assert!(!of.exclude.contains(agent), "{call} must not get {agent}");
                assert!(of.needs.met(|skill| skills.level(skill)), "{agent} cannot serve {call}");
                let rings_for = until.since(now);
                assert!(of.calling.is_none_or(|other| other == *until) && rings_for <= Duration::from_secs(25));
                (of.stage, of.calling) = (Stage::Reserved(*agent), Some(*until));
            }
            Action::StopCalling { call, .. } => {
                let of = self.of(*call);
                assert!(of.calling.take().is_some(), "{call} is not called");
                of.stage = Stage::Waiting;
            }
            Action::NotServed { call } => {
                let of = self.of(*call);
                let since = of.reached.take().expect("who is let go had picked up");
                assert!(of.stage == Stage::Waiting && now.since(since) <= Duration::from_secs(2 * 256));
                of.kept = true;
            }
            Action::StopRing { call, agent, .. } => {
                let of = self.of(*call);
                assert!(of.rings.contains(agent));
                of.rings_no_more(*agent);
            }
            Action::Connected { call, agent, .. } => {
                let of = self.of(*call);
                assert!(of.stage == Stage::Talking(*agent) && of.rings.is_empty(), "the others' phones ring on");
            }
            Action::AskPermission { call, .. } => {
                let of = self.of(*call);
                assert!(!of.by_file && !of.kept && of.stage == Stage::Waiting);
                (of.asked, of.held_until) = (true, None);
            }
            Action::Hold { call, until, by_flow_file } => {
                let yes = Event::Permission { call: *call, answer: PermissionAnswer::Granted };
                let of = self.of(*call);
                assert!(
                    if *by_flow_file { of.by_file } else { *event == yes && of.asked },
                    "held without a yes"
                );
                of.held_until = Some(*until);
            }
            Action::CheckIn { call, .. } => {
                assert!(self.of(*call).held_until.is_some_and(|until| until > now), "told while not held");
            }
            Action::KeepPlace { call } => {
                let of = self.of(*call);
                assert!(!of.kept);
                (of.kept, of.held_until) = (true, None);
            }
            Action::Exit { call, exit } => {
                let gone = self.calls.remove(call);
                let by_others = matches!(
                    exit,
                    WaitExit::Abandoned
                        | WaitExit::Redialled
                        | WaitExit::EndedByOperator
                        | WaitExit::EndedByServer
                );
                assert!(
                    gone.is_none_or(|of| of.stage == Stage::Waiting || by_others),
                    "{call} is sent away while it has an agent"
                );
            }
            Action::SkillChanged { agent, skill, level } => self.set_skill(*agent, *skill, *level),
            Action::SurgeBegan { queue, waiting, agents } => {
                let rule = self.config.queues[queue.0 as usize].surge.expect("only by a rule");
                assert!(*waiting > rule.from * (*agents).max(1));
            }
            Action::SurgeEnded { queue, waiting, agents } => {
                let rule = self.config.queues[queue.0 as usize].surge.expect("only by a rule");
                assert!(*waiting <= rule.until * (*agents).max(1));
            }
            Action::AgentsNamed { .. }
            | Action::AgeRestored { .. }
            | Action::InSurge { .. }
            | Action::AgentChanged { .. } => {}
        }
    }

    /// Everybody is where the engine says, and nobody twice.
    fn check(&self) {
        for (id, call) in &self.calls {
            let view = self.engine.call(*id).unwrap_or_else(|| panic!("{id} is lost"));
            assert_eq!((view.stage, view.callback), (call.stage, call.kept), "{id}");
            let state = match call.stage {
                Stage::Waiting => continue,
                Stage::Reserved(agent) => (agent, AgentState::Reserved(*id)),
                Stage::Ringing(agent) => (agent, AgentState::Ringing(*id)),
                Stage::Talking(agent) => (agent, AgentState::Talking(*id)),
            };
            assert_eq!(self.engine.agent_state(state.0), Some(&state.1));
        }
        for agent in (0..self.config.agents.len() as u32).map(AgentId) {
            if self.config.agents[agent.0 as usize].gone {
                let is_away = matches!(
                    self.engine.agent_state(agent),
                    Some(AgentState::Offline | AgentState::Talking(_))
                );
                assert!(is_away, "{agent} is gone, and is there");
            }
            match self.engine.agent_state(agent) {
                Some(AgentState::Reserved(call)) => {
                    assert_eq!(self.calls[call].stage, Stage::Reserved(agent), "{agent} is stuck")
                }
                Some(AgentState::Ringing(call)) => {
                    assert!(self.calls[call].rings.contains(&agent), "{agent} is stuck")
                }
                Some(AgentState::Talking(call)) => {
                    assert_eq!(self.calls[call].stage, Stage::Talking(agent), "{agent} is stuck")
                }
                state => assert!(state.is_some()),
            }
        }
        let waits = |call: &&Call| !matches!(call.stage, Stage::Talking(_));
        let waiting = self.calls.values().filter(waits).count() as u32;
        let queues = (0..self.config.queues.len() as u32).map(QueueId);
        assert_eq!(queues.map(|queue| self.engine.waiting(queue)).sum::<u32>(), waiting);
    }

    /// All talks end, and with time everybody gets out.
    fn settle(&mut self) {
        let talks: Vec<(CallId, AgentId)> = self.calls.iter().filter_map(talk).collect();
        for (call, agent) in talks {
            self.tell(Event::TalkEnded { call, agent });
        }
        let kept: Vec<CallId> = self.calls.iter().filter(|(_, call)| call.kept).map(|(id, _)| *id).collect();
        for call in kept {
            self.tell(Event::Abandoned { call });
        }
        // Whoever is to be called back once a phone has rung out is so for four hours.
        self.pass(Duration::from_secs(5 * 3600));
        assert!(self.calls.is_empty(), "somebody waits for ever");
        assert_eq!(self.engine.deadline(), None, "all is quiet");
    }

    fn of(&mut self, call: CallId) -> &mut Call {
        self.calls.get_mut(&call).expect("an action names a call that is in")
    }

    fn event(&mut self, bytes: &mut Bytes<'_>) -> Event {
        match bytes.below(18) {
            16 => Event::Stopping,
            17 => Event::Agents(Box::new(self.roster(bytes))),
            0..4 => self.joins(bytes),
            4 | 5 => {
                let wish = match bytes.below(4) {
                    0 | 1 => AgentWish::Ready,
                    2 => AgentWish::NotReady("lunch".into()),
                    _ => AgentWish::Offline,
                };
                Event::AgentWants { agent: self.agent(bytes), wish }
            }
            6 => {
                let skill = SkillId(u32::from(bytes.below(self.config.skills.len() as u8 + 1)));
                Event::SetSkill { agent: self.agent(bytes), skill, level: bytes.below(12) }
            }
            7 => Event::Move { call: self.call(bytes), queue: self.queue(bytes) },
            8 => {
                let priority = if bytes.below(2) == 0 { FIRST } else { i32::from(bytes.below(9)) - 4 };
                Event::Prioritise { call: self.call(bytes), priority }
            }
            9 => {
                let (call, agent) = (self.new_call(), self.agent(bytes));
                let queue = self.queue(bytes);
                match bytes.below(2) {
                    0 => Event::CallAgent { call, agent, queue },
                    _ => Event::AgentCalls { call, agent, queue },
                }
            }
            _ => self.goes_on(bytes),
        }
    }

    /// Something that may well happen to a call.
    fn goes_on(&mut self, bytes: &mut Bytes<'_>) -> Event {
        use PermissionAnswer::*;
        let call = self.call(bytes);
        let stage = self.calls.get(&call).map(|call| call.stage);
        let agent = match stage {
            Some(Stage::Ringing(_)) => {
                let rings = &self.calls[&call].rings;
                rings[usize::from(bytes.next()) % rings.len()]
            }
            Some(Stage::Talking(agent)) => agent,
            _ => self.agent(bytes),
        };
        match bytes.below(13) {
            12 if bytes.below(2) == 0 => Event::Ended { call, by: EndedBy::Operator },
            12 => Event::Ended { call, by: EndedBy::Server },
            10 => Event::CallerReached { call },
            11 => Event::CallerMissed { call },
            0..3 => Event::PickedUp { call, agent },
            3 => {
                use MissedWhy::*;
                let why = [NoAnswer, Declined, Busy, Unreachable, Withdrawn][usize::from(bytes.below(5))];
                Event::RingFailed { call, agent, why }
            }
            4 => Event::TalkEnded { call, agent },
            5 => Event::Abandoned { call },
            6 => Event::CallbackFailed { call, agent },
            _ => {
                let answer = [Granted, Declined, Callback, Silent][usize::from(bytes.below(4))];
                Event::Permission { call, answer }
            }
        }
    }

    fn joins(&mut self, bytes: &mut Bytes<'_>) -> Event {
        let call = if bytes.below(16) == 0 { self.call(bytes) } else { self.new_call() };
        let needs = demand(bytes, self.config.skills.len() as u8);
        let prefer = (bytes.below(3) == 0).then(|| (self.agent(bytes), bytes.secs()));
        let exclude = (0..bytes.below(6).saturating_sub(3)).map(|_| self.agent(bytes)).collect();
        let numbers = ["+12025550143", "+12025550144", ""];
        let whose = Whose::number(numbers[usize::from(bytes.below(3))]).into_iter().collect();
        let permission = [None, Some(PermissionPolicy::Ask), Some(PermissionPolicy::GivenByFlowFile)];
        let nobody = Nobody { prefer: bytes.below(6) == 0, exclude: bytes.below(6) == 0 };
        Event::Enqueue(Box::new(Enqueue {
            call,
            queue: self.queue(bytes),
            needs,
            priority: i32::from(bytes.below(5)) - 1,
            age_credit: bytes.secs(),
            whose,
            permission: permission[usize::from(bytes.below(3))],
            prefer,
            exclude,
            nobody,
        }))
    }

    fn new_call(&mut self) -> CallId {
        self.next_call += 1;
        CallId(self.next_call)
    }

    /// Somebody is new, another than before, or gone.
    fn roster(&self, bytes: &mut Bytes<'_>) -> Roster {
        let places = self.config.agents.len() as u8;
        let mut roster = Roster::default();
        for _ in 0..1 + bytes.below(3) {
            let id = AgentId(u32::from(bytes.below(if places < 20 { places + 2 } else { places })));
            let mut agent = agent(bytes, self.config.skills.len() as u8);
            agent.gone = bytes.below(3) == 0;
            agent.skills.retain(|_| !agent.gone);
            roster.agents.push((id, agent));
        }
        roster
    }

    /// One of those that are in, or one that is not.
    fn call(&mut self, bytes: &mut Bytes<'_>) -> CallId {
        let place = usize::from(bytes.next());
        self.calls.keys().nth(place % (self.calls.len() + 1)).copied().unwrap_or(CallId(place as u64))
    }

    fn agent(&self, bytes: &mut Bytes<'_>) -> AgentId {
        AgentId(u32::from(bytes.below(self.config.agents.len() as u8 + 1)))
    }

    fn queue(&self, bytes: &mut Bytes<'_>) -> QueueId {
        QueueId(u32::from(bytes.below(self.config.queues.len() as u8 + 1)))
    }
}

fn agent(bytes: &mut Bytes<'_>, skills: u8) -> AgentConfig {
    AgentConfig {
        name: "agent".into(),
        skills: (0..u32::from(skills))
            .map(|skill| Need { skill: SkillId(skill), level: bytes.below(11) })
            .filter(|has| has.level > 0)
            .collect(),
        always_ready: bytes.below(8) == 0,
        gone: false,
    }
}

fn talk((id, call): (&CallId, &Call)) -> Option<(CallId, AgentId)> {
    match call.stage {
        Stage::Talking(agent) => Some((*id, agent)),
        _ => None,
    }
}

fn center(bytes: &mut Bytes<'_>) -> Config {
    use AgentChoice::*;
    let skills = 1 + bytes.below(4);
    let choices =
        [None, Some(BestFit), Some(LongestIdle), Some(LeastSkilled), Some(FewestCalls), Some(RoundRobin)];
    let queues = (0..1 + bytes.below(3)).map(|_| QueueConfig {
        name: "queue".into(),
        needs: demand(bytes, skills),
        agents_by: choices[usize::from(bytes.below(6))],
        priority: i32::from(bytes.below(3)),
        ring_timeout: bytes.secs(),
        ring_agents: 1 + u32::from(bytes.below(3)),
        wrap_up: bytes.secs(),
        max_wait: bytes.secs(),
        max_expected_wait: (bytes.below(3) == 0).then(|| bytes.secs()),
        max_waiting: u32::from(bytes.below(20)),
        service_level: (bytes.below(101), bytes.secs()),
        handle_time: (bytes.below(2) == 0).then(|| bytes.secs()),
        permission: match bytes.below(2) {
            0 => PermissionPolicy::Ask,
            _ => PermissionPolicy::GivenByFlowFile,
        },
        permission_lasts: Duration::from_secs(1) + bytes.secs(),
        answer_within: Duration::from_secs(10),
        check_in: bytes.secs(),
        callback_tries: u32::from(bytes.below(4)),
        callback_spacing: bytes.secs(),
        customer_first: (bytes.below(2) == 0).then(|| bytes.secs()),
        misses: Misses { no_answer: (bytes.below(4) == 0).then(|| bytes.secs()), ..Misses::default() },
        prefer: (bytes.below(4) == 0).then(|| (AgentId(u32::from(bytes.below(7))), bytes.secs())),
        exclude: (0..bytes.below(8).saturating_sub(6)).map(|_| AgentId(u32::from(bytes.below(7)))).collect(),
        surge: (bytes.below(3) == 0).then(|| {
            let until = u32::from(bytes.below(3));
            let from = until + 1 + u32::from(bytes.below(3));
            SurgeRule { from, until, turns_away: bytes.below(2) == 0 }
        }),
    });
    let queues = queues.collect();
    let agents: Vec<AgentConfig> = (0..1 + bytes.below(6)).map(|_| agent(bytes, skills)).collect();
    let changes = (0..bytes.below(6)).map(|_| SkillChange {
        at: Timestamp::ZERO + bytes.secs(),
        agent: AgentId(u32::from(bytes.below(7))),
        skill: SkillId(u32::from(bytes.below(5))),
        level: bytes.below(12),
    });
    let changes = changes.collect();
    let routing = match bytes.below(3) {
        0 => Routing::LongestWaiting,
        1 => Routing::default(),
        _ => Routing::ServiceLevel(Weights {
            second_promise: bytes.secs(),
            one_in: 1 + u32::from(bytes.below(4)),
            hold: f64::from(bytes.below(5)),
            ..Weights::default()
        }),
    };
    let skills = (0..skills).map(|_| "skill".into()).collect();
    Config { skills, queues, agents, routing, redial: bytes.secs(), changes }
}

fn demand(bytes: &mut Bytes<'_>, skills: u8) -> Demand {
    let mut after = Duration::ZERO;
    let needs = needs(bytes, skills);
    let steps = (0..bytes.below(5).saturating_sub(2)).map(|_| {
        after += Duration::from_millis(1 + u64::from(bytes.next()) * 100);
        Step { after, needs: self::needs(bytes, skills) }
    });
    let (steps, wants) = (steps.collect(), self::needs(bytes, skills));
    Demand { needs, steps, wants, wants_nobody: bytes.below(6) == 0 }
}

fn needs(bytes: &mut Bytes<'_>, skills: u8) -> Needs {
    let mut need = || {
        let skill = SkillId(u32::from(bytes.below(skills)));
        Needs::from_iter([Need { skill, level: bytes.below(6) }])
    };
    let (first, second, third) = (need(), need(), need());
    let either = first.or(&second).unwrap_or(first);
    if bytes.below(2) == 0 { either.and(&third) } else { third }
}
