//! A day of a center from its queue's log, lived through again by other rules: the same callers, with their patience and
//! their talks, and the same agents coming and going.
//!
//! What the log does not show is taken from what it shows of others. How long a caller who was answered would have
//! waited is drawn from those of the queue who waited as long or longer (Kaplan and Meier's estimate); how long a
//! caller who hung up would have talked is what the one answered before them in the queue took. Rings that were missed
//! are picked up: absence is not foreseen. In calls that are no queue's, agents are away. Who waited when the log began is
//! left out.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::collections::BinaryHeap;
use std::time::Duration;

use super::figures::Figures;
use crate::base::AgentId;
use crate::base::CallId;
use crate::base::Entropy;
use crate::base::QueueId;
use crate::base::SkillId;
use crate::base::Timestamp;
use crate::queue::Action;
use crate::queue::Engine;
use crate::queue::Event;
use crate::queue::Stage;
use crate::queue::api::AgentState;
use crate::queue::api::AgentWish;
use crate::queue::api::Config;
use crate::queue::api::Enqueue;
use crate::queue::api::Nobody;
use crate::queue::api::PermissionAnswer;
use crate::queue::api::Roster;
use crate::queue::api::SkillChange;
use crate::queue::api::WaitExit;
use crate::queue::log::Log;
use crate::queue::log::Step;

/// How long a phone rings before it is picked up, where no ring of the log shows it.
const PICK_UP: Duration = Duration::from_secs(3);
/// Why agents are not ready who are in a call that is no queue's.
const OWN_CALL: &str = "a call of their own";
/// How long a talk takes in a queue where nobody was answered.
const TALK: Duration = Duration::from_secs(180);

/// What happened from outside: it happens again, whoever decides.
#[derive(Clone, Debug, PartialEq)]
pub struct Day {
    /// Callers in the order in which they joined.
    pub(super) callers: Vec<Caller>,
    /// What agents and supervisors did, in order.
    pub(super) given: Vec<(Timestamp, Event)>,
    pub(super) began: Timestamp,
    pub(super) config: Config,
}

/// A caller who joins a queue.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Caller {
    pub at: Timestamp,
    /// With the call as it is numbered here.
    pub enqueue: Enqueue,
    /// How long they wait before they hang up; never, if nothing says so.
    pub patience: Option<Duration>,
    /// What they answer to being asked to hold, and after how long. Then they agree.
    pub answers: Vec<(Duration, PermissionAnswer)>,
    /// How long the agent's phone rings.
    pub pick_up: Duration,
    pub talk: Duration,
    /// How long the agent takes afterwards, where they did not need all of the queue's time.
    pub wrap_up: Option<Duration>,
}

/// How far a caller came in the log.
#[derive(Clone, Debug)]
struct Seen {
    at: Timestamp,
    enqueue: Enqueue,
    /// How long they waited, and whether they hung up then.
    waited: Option<(Duration, bool)>,
    asked: Option<Timestamp>,
    answers: Vec<(Duration, PermissionAnswer)>,
    rang: Option<Timestamp>,
    pick_up: Option<Duration>,
    /// How long a phone had rung for them when they hung up.
    rang_for: Option<Duration>,
    connected: Option<Timestamp>,
    talk: Option<Duration>,
    wrap_up: Option<Duration>,
}

impl Day {
    /// The day that a log tells of.
    pub fn of(log: &Log) -> Day {
        let mut reading = Reading::of(log);
        log.steps.iter().for_each(|step| reading.step(step));
        let Reading { seen, given, .. } = reading;
        let began = log.steps.first().map_or(Timestamp::ZERO, |step| step.at);
        Day { callers: callers(&seen, log.head.config.queues.len()), given, began, config: log.center() }
    }

    /// Lives through the day with this center: every step of its engine, and what it came to. Callers of a queue that
    /// it does not have are an error, by the queue's name; agents whom it does not have do not come.
    pub fn live(&self, center: &Config) -> Result<(Vec<Step>, Figures), String> {
        let names = Names::between(&self.config, center);
        let mut world = World::new(self, center, &names)?;
        while world.next() {}
        Ok((world.steps, world.figures))
    }
}

/// Reads a log from its first step to its last.
struct Reading {
    seen: Vec<Seen>,
    given: Vec<(Timestamp, Event)>,
    /// Who of `seen` a call is at present.
    calls: BTreeMap<CallId, usize>,
    states: Vec<AgentState>,
    /// In whose wrap-up an agent is, and since when.
    wrapping_up: BTreeMap<AgentId, (usize, Timestamp)>,
    /// Whom an agent talked with last.
    talked: BTreeMap<AgentId, usize>,
    /// Who is in a call of no queue.
    on_their_own: BTreeSet<AgentId>,
    /// Whether the step told who the agents are from now on.
    by_the_files: bool,
}

impl Reading {
    fn of(log: &Log) -> Reading {
        let engine = log.head.engine();
        let began = log.steps.first().map_or(Timestamp::ZERO, |step| step.at);
        let agents = (0..log.head.config.agents.len() as u32).map(AgentId);
        let states: Vec<AgentState> =
            agents.map(|agent| engine.agent_state(agent).cloned().unwrap_or(AgentState::Offline)).collect();
        let there = states.iter().zip(0..).filter_map(|(state, place)| {
            let wish = match state {
                AgentState::Offline => return None,
                AgentState::NotReady(reason) => AgentWish::NotReady(reason.clone()),
                _ => AgentWish::Ready,
            };
            Some((began, Event::AgentWants { agent: AgentId(place), wish }))
        });
        Reading {
            seen: Vec::new(),
            given: there.collect(),
            calls: BTreeMap::new(),
            states,
            wrapping_up: BTreeMap::new(),
            talked: BTreeMap::new(),
            on_their_own: BTreeSet::new(),
            by_the_files: false,
        }
    }

    fn step(&mut self, step: &Step) {
        let at = step.at;
        self.by_the_files = matches!(step.event, Event::Agents(_));
        match &step.event {
            Event::AgentWants { agent, wish } => {
                // The end of a wrap-up belongs to the call before it.
                let wraps_up = self.states.get(agent.0 as usize) == Some(&AgentState::WrapUp);
                if !(wraps_up && *wish == AgentWish::Ready) {
                    self.given.push((at, step.event.clone()));
                }
            }
            Event::Agents(roster) => self.known(at, roster),
            Event::SetSkill { .. } | Event::Redate(_) => self.given.push((at, step.event.clone())),
            Event::Enqueue(enqueue) if !self.calls.contains_key(&enqueue.call) => self.joins(at, enqueue),
            Event::Permission { call, answer } => self.answers(at, *call, *answer),
            Event::Abandoned { call } => self.leaves(at, *call, true),
            Event::TalkEnded { call, .. } | Event::Ended { call, .. } => self.leaves(at, *call, false),
            _ => {}
        }
        step.actions.iter().for_each(|action| self.action(at, action));
        if let Event::Agents(roster) = &step.event {
            self.given.push((at, Event::Redate(roster.changes.clone())));
        }
    }

    /// Agents are others from now on: their skills are told one by one, and who is gone signs out.
    fn known(&mut self, at: Timestamp, roster: &Roster) {
        for (id, agent) in &roster.agents {
            if id.0 as usize == self.states.len() {
                self.states.push(AgentState::Offline);
            }
            if agent.gone {
                self.given.push((at, Event::AgentWants { agent: *id, wish: AgentWish::Offline }));
            }
        }
    }

    fn joins(&mut self, at: Timestamp, enqueue: &Enqueue) {
        let place = self.seen.len();
        self.calls.insert(enqueue.call, place);
        let enqueue = Enqueue { call: CallId(place as u64 + 1), ..enqueue.clone() };

        self.seen.push(Seen {
            at,
            enqueue,
            waited: None,
            asked: None,
            answers: Vec::new(),
            rang: None,
            pick_up: None,
            rang_for: None,
            connected: None,
            talk: None,
            wrap_up: None,
        });
    }

    fn answers(&mut self, at: Timestamp, call: CallId, answer: PermissionAnswer) {
        if let Some(seen) = self.calls.get(&call).map(|place| &mut self.seen[*place])
            && let Some(asked) = seen.asked.take()
        {
            seen.answers.push((at.since(asked), answer));
        }
    }

    /// A call is over, by its caller or not.
    fn leaves(&mut self, at: Timestamp, call: CallId, by_caller: bool) {
        let Some(seen) = self.calls.get(&call).map(|place| &mut self.seen[*place]) else { return };
        match seen.connected {
            Some(since) => {
                seen.talk = Some(at.since(since));
                self.calls.remove(&call);
            }
            None if by_caller && seen.waited.is_none() => {
                seen.waited = Some((at.since(seen.at), true));
                seen.rang_for = seen.rang.map(|rang| at.since(rang));
                // Whoever hangs up at the question had not answered it by then.
                if let Some(asked) = seen.asked.take() {
                    let later = at.since(asked) + Duration::from_micros(1);
                    seen.answers.push((later, PermissionAnswer::Granted));
                }
            }
            None => {}
        }
    }

    fn action(&mut self, at: Timestamp, action: &Action) {
        match action {
            Action::AgentChanged { agent, from, to, .. } => self.changed(at, *agent, from, to),
            Action::SkillChanged { agent, skill, level } if self.by_the_files => {
                let event = Event::SetSkill { agent: *agent, skill: *skill, level: *level };
                self.given.push((at, event));
            }
            Action::AskPermission { call, .. } => {
                self.seen_of(*call).into_iter().for_each(|seen| seen.asked = Some(at));
            }
            Action::Ring { call, .. } => {
                self.seen_of(*call).into_iter().for_each(|seen| seen.rang = Some(at))
            }
            Action::Connected { call, agent, .. } => {
                let Some(place) = self.calls.get(call).copied() else { return };
                self.talked.insert(*agent, place);
                let seen = &mut self.seen[place];
                seen.connected = Some(at);
                seen.pick_up = seen.rang.map(|rang| at.since(rang));
                seen.waited.get_or_insert((at.since(seen.at), false));
            }
            // Whoever is to be called back waits no more, and might have.
            Action::KeepPlace { call } => {
                self.seen_of(*call).into_iter().for_each(|seen| {
                    seen.waited.get_or_insert((at.since(seen.at), false));
                });
            }
            Action::Exit { call, exit } => {
                let Some(place) = self.calls.remove(call) else { return };
                let seen = &mut self.seen[place];
                seen.waited.get_or_insert((at.since(seen.at), *exit == WaitExit::Abandoned));
            }
            _ => {}
        }
    }

    fn changed(&mut self, at: Timestamp, agent: AgentId, from: &AgentState, to: &AgentState) {
        if let Some(state) = self.states.get_mut(agent.0 as usize) {
            state.clone_from(to);
        }
        match to {
            // A colleague's call, or one that they make: nobody waits for it, and they are away for it.
            AgentState::Reserved(call) | AgentState::Ringing(call) if !self.calls.contains_key(call) => {
                self.on_their_own.insert(agent);
                let wish = AgentWish::NotReady(OWN_CALL.into());
                self.given.push((at, Event::AgentWants { agent, wish }));
            }
            AgentState::Ready | AgentState::NotReady(_) | AgentState::Offline
                if self.on_their_own.remove(&agent) =>
            {
                let wish = match to {
                    AgentState::NotReady(reason) => AgentWish::NotReady(reason.clone()),
                    AgentState::Offline => AgentWish::Offline,
                    _ => AgentWish::Ready,
                };
                self.given.push((at, Event::AgentWants { agent, wish }));
            }
            _ => {}
        }
        if let AgentState::Ringing(call) = from
            && !matches!(to, AgentState::Talking(_))
            && let Some(seen) = self.seen_of(*call)
        {
            seen.rang = None;
        }
        if *from == AgentState::WrapUp
            && let Some((place, since)) = self.wrapping_up.remove(&agent)
            && *to == AgentState::Ready
        {
            self.seen[place].wrap_up = Some(at.since(since));
        }
        if *to == AgentState::WrapUp
            && let Some(place) = self.talked.get(&agent)
        {
            self.wrapping_up.insert(agent, (*place, at));
        }
    }

    fn seen_of(&mut self, call: CallId) -> Option<&mut Seen> {
        self.calls.get(&call).map(|place| &mut self.seen[*place])
    }
}

/// The callers, with what the log did not show of them.
fn callers(seen: &[Seen], queues: usize) -> Vec<Caller> {
    let mut survival: Vec<Survival> = vec![Survival::default(); queues];
    for one in seen {
        if let (Some((waited, hung_up)), Some(of)) =
            (one.waited, survival.get_mut(one.enqueue.queue.0 as usize))
        {
            of.waits.push((waited, !hung_up));
        }
    }
    survival.iter_mut().for_each(Survival::settle);
    let rings: Vec<Duration> = seen.iter().filter_map(|one| one.pick_up).collect();
    let pick_up = rings.iter().sum::<Duration>().checked_div(rings.len() as u32).unwrap_or(PICK_UP);
    let mut talks: BTreeMap<QueueId, Duration> = BTreeMap::new();
    for one in seen.iter().rev() {
        // The first of each queue in the end: whoever comes before anybody talked takes as long.
        one.talk.map(|talk| talks.insert(one.enqueue.queue, talk));
    }
    let caller = |one: &Seen| {
        let queue = one.enqueue.queue;
        let talk = one.talk.unwrap_or_else(|| talks.get(&queue).copied().unwrap_or(TALK));
        talks.insert(queue, talk);
        let patience = match one.waited {
            Some((waited, true)) => Some(waited),
            Some((waited, false)) => {
                survival.get(queue.0 as usize).and_then(|of| of.beyond(waited, one.enqueue.call))
            }
            None => None,
        };
        Caller {
            at: one.at,
            enqueue: one.enqueue.clone(),
            patience,
            answers: one.answers.clone(),
            // A phone that rang when they hung up had not been picked up by then.
            pick_up: one.pick_up.unwrap_or_else(|| {
                one.rang_for.map_or(pick_up, |rang| pick_up.max(rang + Duration::from_micros(1)))
            }),
            talk,
            wrap_up: one.wrap_up,
        }
    };
    seen.iter().map(caller).collect()
}

/// How long callers of a queue wait before they hang up, by Kaplan and Meier.
#[derive(Clone, Debug, Default)]
struct Survival {
    /// How long each waited, and whether they might have waited longer.
    waits: Vec<(Duration, bool)>,
    /// The share of callers who are still there after each time at which somebody hung up.
    there: Vec<(Duration, f64)>,
}

impl Survival {
    fn settle(&mut self) {
        // At one time those who hung up come before those who might have waited on.
        self.waits.sort_unstable();
        let (mut share, count) = (1.0, self.waits.len());
        for (place, (waited, waits_on)) in self.waits.iter().enumerate() {
            if !waits_on {
                share *= 1.0 - 1.0 / (count - place) as f64;
                self.there.push((*waited, share));
            }
        }
    }

    /// How long somebody waits who has waited so long; never hangs up, as far as anybody knows, if none. The call's
    /// number is the chance, so that one day has one patience for each.
    fn beyond(&self, waited: Duration, call: CallId) -> Option<Duration> {
        let passed = self.there.partition_point(|(at, _)| *at <= waited);
        let still_there = passed.checked_sub(1).map_or(1.0, |place| self.there[place].1);
        let left = still_there * Entropy::seeded(call.0).fraction();
        let rest = &self.there[passed..];
        rest.get(rest.partition_point(|(_, share)| *share > left)).map(|(at, _)| *at)
    }
}

/// What is called the same in two centers.
struct Names {
    skills: Vec<u32>,
    queues: Vec<Option<u32>>,
    agents: Vec<Option<u32>>,
}

/// A skill that nobody has.
const NOBODYS: u32 = u32::MAX;

impl Names {
    fn between(from: &Config, to: &Config) -> Names {
        let skill =
            |name| to.skills.iter().position(|known| known == name).map_or(NOBODYS, |place| place as u32);
        Names {
            skills: from.skills.iter().map(skill).collect(),
            queues: from.queues.iter().map(|queue| to.queue_named(&queue.name).map(|id| id.0)).collect(),
            agents: from.agents.iter().map(|agent| to.agent_named(&agent.name).map(|id| id.0)).collect(),
        }
    }

    fn agent(&self, agent: AgentId) -> Option<AgentId> {
        self.agents.get(agent.0 as usize).copied().flatten().map(AgentId)
    }

    fn skill(&self, skill: SkillId) -> SkillId {
        SkillId(self.skills.get(skill.0 as usize).copied().unwrap_or(NOBODYS))
    }

    fn enqueue(&self, enqueue: &Enqueue) -> Option<Enqueue> {
        let queue = QueueId(self.queues.get(enqueue.queue.0 as usize).copied().flatten()?);
        let needs = enqueue.needs.renamed(|skill| self.skill(skill));
        let prefer = enqueue.prefer.and_then(|(agent, wait)| Some((self.agent(agent)?, wait)));
        let exclude = enqueue.exclude.iter().filter_map(|agent| self.agent(*agent)).collect();
        // What a call says itself stays its own word, where whom it names is not there.
        let nobody = Nobody {
            prefer: enqueue.nobody.prefer || enqueue.prefer.is_some(),
            exclude: enqueue.nobody.exclude || !enqueue.exclude.is_empty(),
        };
        Some(Enqueue { queue, needs, prefer, exclude, nobody, ..enqueue.clone() })
    }

    fn event(&self, event: &Event) -> Option<Event> {
        Some(match event {
            Event::AgentWants { agent, wish } => {
                Event::AgentWants { agent: self.agent(*agent)?, wish: wish.clone() }
            }
            Event::SetSkill { agent, skill, level } => {
                Event::SetSkill { agent: self.agent(*agent)?, skill: self.skill(*skill), level: *level }
            }
            Event::Redate(changes) => {
                let renamed = |change: &SkillChange| {
                    let (agent, skill) = (self.agent(change.agent)?, self.skill(change.skill));
                    Some(SkillChange { agent, skill, ..*change })
                };
                Event::Redate(changes.iter().filter_map(renamed).collect())
            }
            _ => return None,
        })
    }
}

/// What is yet to happen. At one instant talks end first and people hang up last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Next {
    TalkEnds { caller: usize, agent: AgentId },
    WrapUpEnds { agent: AgentId },
    CallerPicksUp { caller: usize },
    PicksUp { caller: usize, agent: AgentId, attempt: u32 },
    Answers { caller: usize, answer: usize },
    Given(usize),
    Joins { caller: usize },
    HangsUp { caller: usize },
}

/// The agents who are ready whenever an engine begins, and were not when the log did.
fn not_there(day: &Day, center: &Config, names: &Names) -> impl Iterator<Item = AgentId> {
    let there: BTreeSet<AgentId> = day
        .given
        .iter()
        .take_while(|(at, _)| *at == day.began)
        .filter_map(|(_, event)| match event {
            Event::AgentWants { agent, wish: AgentWish::Ready } => names.agent(*agent),
            _ => None,
        })
        .collect();
    let ids = center.agents.iter().zip((0..).map(AgentId));
    ids.filter(move |(agent, id)| agent.always_ready && !there.contains(id)).map(|(_, id)| id)
}

struct World<'a> {
    day: &'a Day,
    engine: Engine,
    given: Vec<(Timestamp, Event)>,
    enqueues: Vec<Enqueue>,
    next: BinaryHeap<Reverse<(Timestamp, Next)>>,
    /// How often each caller was asked.
    asked: Vec<usize>,
    /// In whose wrap-up an agent is, and until when they are in it.
    wrapping_up: BTreeMap<AgentId, Timestamp>,
    talked: BTreeMap<AgentId, usize>,
    steps: Vec<Step>,
    figures: Figures,
}

impl<'a> World<'a> {
    fn new(day: &'a Day, center: &Config, names: &Names) -> Result<World<'a>, String> {
        let missing = |caller: &Caller| {
            let queue = &day.config.queues[caller.enqueue.queue.0 as usize];
            format!("callers of the log want the queue \"{}\", which is not there", queue.name)
        };
        let enqueues: Result<Vec<Enqueue>, String> = day
            .callers
            .iter()
            .map(|caller| names.enqueue(&caller.enqueue).ok_or_else(|| missing(caller)))
            .collect();
        let given = day.given.iter().filter_map(|(at, event)| Some((*at, names.event(event)?)));
        // Who is always ready was signed in when the engine began; only whom the log has there are there.
        let away = not_there(day, center, names)
            .map(|agent| (day.began, Event::AgentWants { agent, wish: AgentWish::Offline }));
        let given: Vec<(Timestamp, Event)> = away.chain(given).collect();
        let givens = given.iter().zip(0..).map(|((at, _), place)| (*at, Next::Given(place)));
        let joins =
            day.callers.iter().zip(0..).map(|(caller, place)| (caller.at, Next::Joins { caller: place }));
        let next = givens.chain(joins).map(Reverse).collect();
        Ok(World {
            day,
            engine: Engine::new(center.clone()),
            given,
            enqueues: enqueues?,
            next,
            asked: vec![0; day.callers.len()],
            wrapping_up: BTreeMap::new(),
            talked: BTreeMap::new(),
            steps: Vec::new(),
            figures: Figures::new(center, day.began),
        })
    }

    /// Lets the next thing happen; whether there was one.
    fn next(&mut self) -> bool {
        let next = self.next.peek().map(|Reverse((at, _))| *at);
        let due = self.engine.deadline().filter(|due| next.is_none_or(|next| *due <= next));
        if let Some(due) = due {
            self.tell(due, Event::Tick);
            return true;
        }
        let Some(Reverse((at, next))) = self.next.pop() else { return false };
        if let Some(event) = self.happens(at, next) {
            self.tell(at, event);
        }
        true
    }

    fn happens(&mut self, at: Timestamp, next: Next) -> Option<Event> {
        let call = |caller: usize| self.enqueues[caller].call;
        Some(match next {
            Next::TalkEnds { caller, agent } => Event::TalkEnded { call: call(caller), agent },
            Next::WrapUpEnds { agent } => {
                self.wrapping_up.remove(&agent).filter(|until| *until == at)?;
                Event::AgentWants { agent, wish: AgentWish::Ready }
            }
            Next::CallerPicksUp { caller } => Event::CallerReached { call: call(caller) },
            Next::PicksUp { caller, agent, attempt } => {
                let rings = self.engine.call(call(caller))?;
                let here = self.engine.agent_state(agent) == Some(&AgentState::Ringing(call(caller)));
                (here && rings.attempts == attempt).then_some(())?;
                Event::PickedUp { call: call(caller), agent }
            }
            Next::Answers { caller, answer } => {
                self.engine.call(call(caller))?;
                let known = self.day.callers[caller].answers.get(answer);
                let answer = known.map_or(PermissionAnswer::Granted, |(_, answer)| *answer);
                Event::Permission { call: call(caller), answer }
            }
            Next::Given(place) => {
                let event = self.given[place].1.clone();
                // Who was ready again then, after something that does not happen now, ends no wrap-up.
                let ends_wrap_up = matches!(&event, Event::AgentWants { agent, wish: AgentWish::Ready }
                    if self.engine.agent_state(*agent) == Some(&AgentState::WrapUp));
                (!ends_wrap_up).then_some(event)?
            }
            Next::Joins { caller } => {
                if let Some(patience) = self.day.callers[caller].patience {
                    self.next.push(Reverse((at + patience, Next::HangsUp { caller })));
                }
                Event::Enqueue(Box::new(self.enqueues[caller].clone()))
            }
            Next::HangsUp { caller } => {
                let waits = self.engine.call(call(caller))?;
                (!matches!(waits.stage, Stage::Talking(_)) && !waits.callback).then_some(())?;
                Event::Abandoned { call: call(caller) }
            }
        })
    }

    fn tell(&mut self, at: Timestamp, event: Event) {
        let mut actions = Vec::new();
        self.engine.handle(at, event.clone(), &mut actions);
        actions.iter().for_each(|action| self.answered(at, action));
        let step = Step { at, event, actions };
        self.figures.step(&step);
        self.steps.push(step);
    }

    fn answered(&mut self, at: Timestamp, action: &Action) {
        let caller = |call: &CallId| call.0 as usize - 1;
        match action {
            Action::Ring { call, agent, attempt, .. } => {
                let caller = caller(call);
                let picks_up = at + self.day.callers[caller].pick_up;
                self.next
                    .push(Reverse((picks_up, Next::PicksUp { caller, agent: *agent, attempt: *attempt })));
            }
            // Whoever is called back is there, be it first or after their agent.
            Action::Reserve { call, .. } => {
                let caller = caller(call);
                self.next.push(Reverse((at + PICK_UP, Next::CallerPicksUp { caller })));
            }
            Action::Connected { call, agent, .. } => {
                let caller = caller(call);
                self.talked.insert(*agent, caller);
                let ends = at + self.day.callers[caller].talk;
                self.next.push(Reverse((ends, Next::TalkEnds { caller, agent: *agent })));
            }
            Action::AskPermission { call, .. } => {
                let caller = caller(call);
                let answer = self.asked[caller];
                self.asked[caller] += 1;
                let known = self.day.callers[caller].answers.get(answer);
                let after = known.map_or(Duration::ZERO, |(after, _)| *after);
                self.next.push(Reverse((at + after, Next::Answers { caller, answer })));
            }
            Action::AgentChanged { agent, to: AgentState::WrapUp, until, .. } => {
                let talked = self.talked.get(agent).and_then(|caller| self.day.callers[*caller].wrap_up);
                let Some(ends) = talked.map(|wrap_up| at + wrap_up) else { return };
                if until.is_none_or(|until| ends < until) {
                    self.wrapping_up.insert(*agent, ends);
                    self.next.push(Reverse((ends, Next::WrapUpEnds { agent: *agent })));
                }
            }
            Action::AgentChanged { agent, .. } => drop(self.wrapping_up.remove(agent)),
            _ => {}
        }
    }
}
