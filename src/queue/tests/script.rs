//! A small language for tests: what happens, line by line, in; what the engine wants done, out.
//!
//! ```text
//! queue support billing 3, ring 20, given        a queue: its needs, then what differs from the defaults; `rings 2` at once
//! agent alice billing 5, english 2               an agent: skills and levels
//! first alice support 20                         whom calls of a queue go to first; `not bob support`
//! change alice english 0 at 60                   a skill at another level from then on
//! routing by service level                       instead of by the longest wait
//! 0 alice ready                                  seconds, then what happens; ticks come by themselves
//! 1 call 1 enters support, english 1           also: priority 2, from +1202…, prefer alice 20, not bob, wants english 3,
//!                                              prefer nobody, not nobody, wants nobody
//! 2 call 1 moves sales                          what a supervisor does; so `call 1 first`, `alice has billing 7`
//! 3 the center has bob billing 5                who is new or another than before; `the center loses bob`
//! ```
//!
//! At every step the engine is written down, read back, and must go on as the one that was not.

use std::time::Duration;

use crate::base::AgentId;
use crate::base::CallId;
use crate::base::Name;
use crate::base::QueueId;
use crate::base::SkillId;
use crate::base::Timestamp;
use crate::fact::MissedWhy;
use crate::queue::Action;
use crate::queue::Engine;
use crate::queue::Event;
use crate::queue::api::AgentConfig;
use crate::queue::api::AgentState;
use crate::queue::api::AgentWish;
use crate::queue::api::Agents;
use crate::queue::api::Config;
use crate::queue::api::Demand;
use crate::queue::api::EndedBy;
use crate::queue::api::Enqueue;
use crate::queue::api::FIRST;
use crate::queue::api::Misses;
use crate::queue::api::Need;
use crate::queue::api::Needs;
use crate::queue::api::PermissionAnswer;
use crate::queue::api::PermissionPolicy;
use crate::queue::api::QueueConfig;
use crate::queue::api::Roster;
use crate::queue::api::Routing;
use crate::queue::api::SkillChange;
use crate::queue::api::Step;
use crate::queue::api::SurgeRule;
use crate::queue::api::Weights;
use crate::queue::api::Whose;

/// Runs a script and compares what the engine wanted done.
#[track_caller]
pub(super) fn check(script: &str, expected: &str) {
    let transcript = run(script);
    let trimmed =
        |text: &str| text.lines().map(str::trim).filter(|l| !l.is_empty()).collect::<Vec<_>>().join("\n");
    let (got, expected) = (trimmed(&transcript), trimmed(expected));
    assert!(got == expected, "expected:\n{expected}\n\ngot:\n{got}");
}

/// A queue by the documented defaults.
pub(crate) fn queue_config(name: &str) -> QueueConfig {
    QueueConfig {
        name: name.into(),
        needs: Demand::default(),
        agents_by: None,
        priority: 0,
        ring_timeout: Duration::from_secs(20),
        ring_agents: 1,
        wrap_up: Duration::from_secs(30),
        max_wait: Duration::from_secs(900),
        max_expected_wait: None,
        max_waiting: 1000,
        service_level: (80, Duration::from_secs(20)),
        handle_time: None,
        permission: PermissionPolicy::Ask,
        permission_lasts: Duration::from_secs(300),
        answer_within: Duration::from_secs(10),
        check_in: Duration::from_secs(60),
        callback_tries: 3,
        callback_spacing: Duration::from_secs(60),
        customer_first: None,
        misses: Misses::default(),
        prefer: None,
        exclude: Agents::new(),
        surge: None,
    }
}

/// What the engine wanted done, line by line.
pub(super) fn run(script: &str) -> String {
    let lines = script.lines().map(str::trim).filter(|line| !line.is_empty());
    let (steps, center): (Vec<&str>, Vec<&str>) =
        lines.partition(|line| line.starts_with(|c: char| c.is_numeric()));
    let mut config =
        Config { routing: Routing::LongestWaiting, redial: Duration::from_secs(120), ..Config::default() };
    for line in center {
        read_center(&mut config, line);
    }
    let mut run = Run { engine: Engine::new(config.clone()), config, transcript: String::new() };
    for step in steps {
        let (secs, what) = step.split_once(' ').unwrap();
        let now = Timestamp::from_millis((secs.parse::<f64>().unwrap() * 1000.0) as u64);
        while let Some(at) = run.engine.deadline().filter(|at| *at <= now) {
            run.apply(at, Event::Tick);
        }
        if let Some(event) = read_event(&run.config, what) {
            run.apply(now, event);
        }
    }
    run.transcript
}

struct Run {
    config: Config,
    engine: Engine,
    transcript: String,
}

impl Run {
    fn apply(&mut self, now: Timestamp, event: Event) {
        let written = serde_json::to_string(&self.engine).unwrap();
        let mut read: Engine = serde_json::from_str(&written).unwrap();
        assert_eq!(read, self.engine);
        let (mut out, mut again) = (Vec::new(), Vec::new());
        self.engine.handle(now, event.clone(), &mut out);
        read.handle(now, event.clone(), &mut again);
        assert_eq!((&out, &self.engine), (&again, &read), "a state that was read back goes on alike");
        if event == Event::Tick {
            assert!(self.engine.deadline().is_none_or(|at| at > now), "a tick leaves nothing due");
        }
        if let Event::Agents(roster) = &event {
            self.config.know(roster);
        }
        for action in out {
            let line = words(&self.config, &action);
            self.transcript.push_str(&format!("{} {line}\n", seconds(now)));
        }
    }
}

fn read_center(config: &mut Config, line: &str) {
    let (kind, rest) = line.split_once(' ').unwrap();
    let (name, rest) = rest.split_once([' ', ',']).unwrap_or((rest, ""));
    let parts = rest.split(',').map(str::trim).filter(|part| !part.is_empty());
    match kind {
        "queue" => {
            let mut queue = queue_config(name);
            parts.for_each(|part| read_queue_part(config, &mut queue, part));
            config.queues.push(queue);
        }
        "first" | "not" => {
            let (queue, secs) = rest.split_once(' ').unwrap_or((rest, ""));
            let agent = config.agent_named(name).unwrap();
            let queue = config.queues.iter_mut().find(|known| &*known.name == queue).unwrap();
            match secs.parse() {
                Ok(secs) => queue.prefer = Some((agent, Duration::from_secs(secs))),
                Err(_) => queue.exclude.push(agent),
            }
        }
        "agent" => {
            let mut agent = plain_agent(name);
            for part in parts {
                match part {
                    "always" => agent.always_ready = true,
                    skill => agent.skills.push(need(config, skill)),
                }
            }
            agent.skills.sort();
            config.agents.push(agent);
        }
        "change" => {
            let [skill, level, "at", at] = rest.split_whitespace().collect::<Vec<_>>()[..] else {
                panic!("{line}?")
            };
            let agent = config.agent_named(name).unwrap();
            let Need { skill, level } = need(config, &format!("{skill} {level}"));
            let at = Timestamp::from_secs(at.parse().unwrap());
            config.changes.push(SkillChange { at, agent, skill, level });
        }
        "routing" if line == "routing most in target" => {
            config.routing = Routing::ServiceLevel(Weights::most_in_target());
        }
        "routing" => config.routing = Routing::default(),
        kind => panic!("{kind}?"),
    }
}

fn plain_agent(name: &str) -> AgentConfig {
    AgentConfig { name: name.into(), skills: Vec::new(), always_ready: false, gone: false }
}

/// Whether gone or not.
fn place_of(config: &Config, name: &str) -> Option<AgentId> {
    let place = config.agents.iter().position(|agent| &*agent.name == name)?;
    Some(AgentId(place as u32))
}

/// An agent is as this says from now on.
fn agent_is(config: &Config, agent: AgentConfig) -> Option<Event> {
    let id = place_of(config, &agent.name).unwrap_or(AgentId(config.agents.len() as u32));
    Some(Event::Agents(Box::new(Roster { agents: vec![(id, agent)], changes: Vec::new() })))
}

fn read_queue_part(config: &mut Config, queue: &mut QueueConfig, part: &str) {
    if let Some((after, needs)) = part.split_once(": ") {
        return queue.needs.steps.push(step(config, after, needs));
    }
    let (word, number) = part.split_once(' ').unwrap_or((part, "0"));
    let number: u32 = number.parse().unwrap_or(0);
    let time = Duration::from_secs(u64::from(number));
    match word {
        "given" => queue.permission = PermissionPolicy::GivenByFlowFile,
        "ring" => queue.ring_timeout = time,
        "rings" => queue.ring_agents = number,
        "wrap" => queue.wrap_up = time,
        "max" => queue.max_wait = time,
        "wants" => {
            let (skill, level) = part["wants ".len()..].split_once(' ').unwrap();
            queue.needs.wants = clause(config, &format!("{skill} {level}"));
        }
        "expect" => queue.max_expected_wait = Some(time),
        "room" => queue.max_waiting = number,
        "surge" => queue.surge = Some(SurgeRule { from: number, until: number / 2, turns_away: false }),
        "until" => queue.surge.as_mut().unwrap().until = number,
        "turns-away" => queue.surge.as_mut().unwrap().turns_away = true,
        "check-in" => queue.check_in = time,
        "target" => queue.service_level.1 = time,
        "talk" => queue.handle_time = Some(time),
        "priority" => queue.priority = number as i32,
        "tries" => queue.callback_tries = number,
        "spaced" => queue.callback_spacing = time,
        "customer-first" => queue.customer_first = Some(time),
        "no-answer" => queue.misses.no_answer = Some(time),
        "declined" => queue.misses.declined = (number > 0).then_some(time),
        "unreachable" => queue.misses.unreachable = Some(time),
        _ => queue.needs.needs = queue.needs.needs.and(&clause(config, part)),
    }
}

/// `20: billing 1 or sales 2`, after so many seconds; `20: anybody`.
fn step(config: &mut Config, after: &str, needs: &str) -> Step {
    let after = Duration::from_secs(after.parse().unwrap());
    Step { after, needs: if needs == "anybody" { Needs::default() } else { clause(config, needs) } }
}

/// `billing 3`, or alternatives: `english 2 or spanish 5`.
fn clause(config: &mut Config, part: &str) -> Needs {
    let needs = part.split(" or ").map(|part| Needs::from_iter([need(config, part)]));
    needs.reduce(|a, b| a.or(&b).unwrap()).unwrap()
}

fn need(config: &mut Config, part: &str) -> Need {
    let (skill, level) = part.split_once(' ').unwrap();
    let known = config.skills.iter().position(|name| &**name == skill);
    let place = known.unwrap_or_else(|| {
        config.skills.push(skill.into());
        config.skills.len() - 1
    });
    Need { skill: SkillId(place as u32), level: level.parse().unwrap() }
}

fn read_event(config: &Config, what: &str) -> Option<Event> {
    let (head, extra) = what.split_once(',').unwrap_or((what, ""));
    let words: Vec<&str> = head.split_whitespace().collect();
    let agent = |name: &str| place_of(config, name).unwrap();
    let call = |id: &str| CallId(id.parse().unwrap());
    let wants = |name: &str, wish| Some(Event::AgentWants { agent: agent(name), wish });
    let answers = |id: &str, answer| Some(Event::Permission { call: call(id), answer });
    match words[..] {
        ["nothing"] => None,
        // The only thing that was to come does so at another second.
        ["the", "clock", "is", "set", ref parts @ ..] => {
            let [agent, skill, level, "at", at] = parts[..] else { return None };
            let agent = config.agent_named(agent)?;
            let skill = SkillId(config.skills.iter().position(|known| &**known == skill)? as u32);
            let (at, level) = (Timestamp::from_secs(at.parse().ok()?), level.parse().ok()?);
            Some(Event::Redate(vec![SkillChange { at, agent, skill, level }]))
        }
        ["the", "center", "has", name, skill, level] => {
            let skill = SkillId(config.skills.iter().position(|known| &**known == skill)? as u32);
            let skills = vec![Need { skill, level: level.parse().ok()? }];
            agent_is(config, AgentConfig { skills, ..plain_agent(name) })
        }
        ["the", "center", "loses", name] => agent_is(config, AgentConfig { gone: true, ..plain_agent(name) }),
        ["the", "server", "stops"] => Some(Event::Stopping),
        ["call", id, "enters", queue] => {
            let queue = config.queues.iter().position(|known| &*known.name == queue).unwrap_or(99);
            Some(Event::Enqueue(Box::new(read_enqueue(config, call(id), QueueId(queue as u32), extra))))
        }
        ["call", id, "is", "kept", "for", queue, "from", at] => {
            let queue = config.queues.iter().position(|known| &*known.name == queue).unwrap_or(99);
            let enqueue = Box::new(read_enqueue(config, call(id), QueueId(queue as u32), extra));
            Some(Event::KeepPlace { enqueue, from: Timestamp::from_secs(at.parse().unwrap()) })
        }
        ["call", id, "is", "recalled", "for", queue, "from", at, "until", end, "tried", tries] => {
            let queue = config.queues.iter().position(|known| &*known.name == queue).unwrap_or(99);
            let enqueue = Box::new(read_enqueue(config, call(id), QueueId(queue as u32), extra));
            let secs = |text: &str| Timestamp::from_secs(text.parse().unwrap());
            let tries = tries.parse().unwrap();
            Some(Event::RecallPlace { enqueue, from: secs(at), until: secs(end), tries })
        }
        ["call", id, "grants"] => answers(id, PermissionAnswer::Granted),
        ["call", id, "declines"] => answers(id, PermissionAnswer::Declined),
        ["call", id, "wants", "callback"] => answers(id, PermissionAnswer::Callback),
        ["call", id, "is", "silent"] => answers(id, PermissionAnswer::Silent),
        ["call", id, "is", "ended"] => Some(Event::Ended { call: call(id), by: EndedBy::Operator }),
        ["call", id, "hangs", "up"] => Some(Event::Abandoned { call: call(id) }),
        [name, "calls", id] => {
            Some(Event::AgentCalls { call: call(id), agent: agent(name), queue: QueueId(0) })
        }
        ["call", id, "moves", queue] => {
            let queue = config.queues.iter().position(|known| &*known.name == queue).unwrap_or(99);
            Some(Event::Move { call: call(id), queue: QueueId(queue as u32) })
        }
        ["call", id, "first"] => Some(Event::Prioritise { call: call(id), priority: FIRST }),
        ["call", id, "priority", number] => {
            Some(Event::Prioritise { call: call(id), priority: number.parse().unwrap() })
        }
        [name, "has", skill, level] => {
            let skill = config.skills.iter().position(|known| &**known == skill).unwrap_or(99);
            let (agent, skill) = (agent(name), SkillId(skill as u32));
            Some(Event::SetSkill { agent, skill, level: level.parse().unwrap() })
        }
        [name, "ready"] => wants(name, AgentWish::Ready),
        [name, "offline"] => wants(name, AgentWish::Offline),
        [name, "wants", reason] => wants(name, AgentWish::NotReady(reason.into())),
        [name, "picks", "up", id] => Some(Event::PickedUp { call: call(id), agent: agent(name) }),
        [name, "ends", id] => Some(Event::TalkEnded { call: call(id), agent: agent(name) }),
        ["call", id, "is", "reached"] => Some(Event::CallerReached { call: call(id) }),
        ["call", id, "is", "missed"] => Some(Event::CallerMissed { call: call(id) }),
        [name, "finds", "nobody", id] => Some(Event::CallbackFailed { call: call(id), agent: agent(name) }),
        [name, "fails", id, why] => {
            let why = match why {
                "busy" => MissedWhy::Busy,
                "declined" => MissedWhy::Declined,
                "unreachable" => MissedWhy::Unreachable,
                "withdrawn" => MissedWhy::Withdrawn,
                why => panic!("{why}?"),
            };
            Some(Event::RingFailed { call: call(id), agent: agent(name), why })
        }
        _ => panic!("{what}?"),
    }
}

fn read_enqueue(config: &Config, call: CallId, queue: QueueId, extra: &str) -> Enqueue {
    let mut enqueue = Enqueue::new(call, queue);
    let agent = |name: &str| config.agent_named(name).unwrap();
    for part in extra.split(',').map(str::trim).filter(|part| !part.is_empty()) {
        let (word, number) = part.split_once(' ').unwrap_or((part, ""));
        match word {
            "given" => enqueue.permission = Some(PermissionPolicy::GivenByFlowFile),
            "ask" => enqueue.permission = Some(PermissionPolicy::Ask),
            "priority" => enqueue.priority = number.parse().unwrap(),
            "from" => enqueue.whose.extend(Whose::number(number)),
            "account" => enqueue.whose.push(Whose::account(number)),
            "credit" => enqueue.age_credit = Duration::from_secs(number.parse().unwrap()),
            "prefer" if number == "nobody" => enqueue.nobody.prefer = true,
            "not" if number == "nobody" => enqueue.nobody.exclude = true,
            "wants" if number == "nobody" => enqueue.needs.wants_nobody = true,
            "prefer" => {
                let (name, secs) = number.split_once(' ').unwrap();
                enqueue.prefer = Some((agent(name), Duration::from_secs(secs.parse().unwrap())));
            }
            "not" => enqueue.exclude.push(agent(number)),
            "wants" => {
                let (skill, level) = number.split_once(' ').unwrap();
                let place = config.skills.iter().position(|name| &**name == skill).unwrap();
                let need = Need { skill: SkillId(place as u32), level: level.parse().unwrap() };
                enqueue.needs.wants = Needs::from_iter([need]);
            }
            skill => {
                let place = config.skills.iter().position(|name| &**name == skill).unwrap_or(99);
                let need = Need { skill: SkillId(place as u32), level: number.parse().unwrap() };
                enqueue.needs.needs = enqueue.needs.needs.and(&Needs::from_iter([need]));
            }
        }
    }
    enqueue
}

fn words(config: &Config, action: &Action) -> String {
    let agent = |id: &AgentId| config.agents[id.0 as usize].name.clone();
    let quoted = |quote: &Option<Duration>| {
        quote.map_or(String::new(), |quote| format!(", quote {}s", quote.as_secs_f64()))
    };
    let until =
        |until: &Option<Timestamp>| until.map_or(String::new(), |at| format!(" until {}", seconds(at)));
    match action {
        Action::Enqueued { call, queue, needs, priority, waiting } => {
            let queue = &config.queues[queue.0 as usize].name;
            format!("{call} in {queue}{}, priority {priority}, {waiting} waiting", needed(config, needs))
        }
        Action::Moved { call, queue, needs, priority } => {
            let queue = &config.queues[queue.0 as usize].name;
            let priority = if *priority == FIRST { "first".into() } else { format!("priority {priority}") };
            format!("{call} moved to {queue}{}, {priority}", needed(config, needs))
        }
        Action::AgentsNamed { call, prefer, exclude, wants } => {
            let first =
                prefer.map(|(id, wait)| format!(", {} first for {}s", agent(&id), wait.as_secs_f64()));
            let not: String = exclude.iter().map(|id| format!(", not {}", agent(id))).collect();
            let wants = needed(config, wants);
            let wants = if wants.is_empty() { wants } else { format!(", wants{wants}") };
            format!("{call} goes{}{not}{wants}", first.unwrap_or_default())
        }
        Action::AgeRestored { call, age } => format!("{call} is {}s old", age.as_secs_f64()),
        Action::InSurge { call } => format!("{call} is told of the surge"),
        Action::SurgeBegan { queue, waiting, agents } => {
            format!(
                "surge in {}: {waiting} on the line, {agents} working",
                config.queues[queue.0 as usize].name
            )
        }
        Action::SurgeEnded { queue, waiting, agents } => {
            format!(
                "surge over in {}: {waiting} on the line, {agents} working",
                config.queues[queue.0 as usize].name
            )
        }
        Action::HeldBack { call, idle, until } => {
            format!("{call} is held back from {idle} until {}", seconds(*until))
        }
        Action::Relaxed { call, needs } => format!("{call} needs now:{}", needed(config, needs)),
        Action::AskPermission { call, quote, position } => {
            format!("ask {call}, place {position}{}", quoted(quote))
        }
        Action::Hold { call, until, by_flow_file } => {
            format!(
                "hold {call} until {}{}",
                seconds(*until),
                if *by_flow_file { " by flow file" } else { "" }
            )
        }
        Action::CheckIn { call, quote, position } => {
            format!("check in {call}, place {position}{}", quoted(quote))
        }
        Action::KeepPlace { call } => format!("keep place of {call}"),
        Action::Ring { call, agent: id, attempt, until, why } => format!(
            "ring {} for {call}, attempt {attempt}, until {}; of {} waiting, {} fitting, fit {}, idle {}s",
            agent(id),
            seconds(*until),
            why.waiting,
            why.fitting,
            why.fit,
            why.idle.as_secs_f64(),
        ),
        Action::Reserve { call, agent: id, until, why } => format!(
            "reserve {} for {call} until {}; of {} waiting, {} fitting",
            agent(id),
            seconds(*until),
            why.waiting,
            why.fitting
        ),
        Action::StopCalling { call, missed } => {
            format!("stop calling {call}{}", if *missed { ", missed" } else { "" })
        }
        Action::NotServed { call } => format!("let {call} go, place kept"),
        Action::StopRing { call, agent: id, why } => {
            format!("stop ringing {} for {call}: {why:?}", agent(id))
        }
        Action::Connected { call, agent: id, waited, quote } => {
            format!("{call} has {}, waited {}s{}", agent(id), waited.as_secs_f64(), quoted(quote))
        }
        Action::Exit { call, exit } => format!("exit {call}: {exit:?}"),
        Action::SkillChanged { agent: id, skill, level } => {
            format!("{}: {} {level}", agent(id), config.skills[skill.0 as usize])
        }
        Action::AgentChanged { agent: id, from: _, to, until: at } => {
            format!("{}: {}{}", agent(id), state(to), until(at))
        }
    }
}

fn needed(config: &Config, needs: &Needs) -> String {
    let words = needs.facts(&config.skills);
    words.iter().map(|need| format!(" {}", need.to_string().replace(" >= ", ">="))).collect()
}

fn state(state: &AgentState) -> Name {
    match state {
        AgentState::Offline => "offline".into(),
        AgentState::Ready => "ready".into(),
        AgentState::Reserved(call) => format!("reserved {call}").into(),
        AgentState::Ringing(call) => format!("ringing {call}").into(),
        AgentState::Talking(call) => format!("talking {call}").into(),
        AgentState::WrapUp => "wrap-up".into(),
        AgentState::NotReady(reason) => format!("not ready ({reason})").into(),
    }
}

fn seconds(at: Timestamp) -> String {
    format!("{}", at.0 as f64 / 1e6)
}
