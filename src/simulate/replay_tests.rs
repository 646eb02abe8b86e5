//! A day lived through again: by its own rules it is the same day, by others another.

use std::time::Duration;

use super::figures::Figures;
use super::replay::Caller;
use super::replay::Day;
use crate::base::AgentId;
use crate::base::CallId;
use crate::base::Entropy;
use crate::base::QueueId;
use crate::base::SkillId;
use crate::base::Timestamp;
use crate::base::WallTime;
use crate::queue::Engine;
use crate::queue::Event;
use crate::queue::api::AgentConfig;
use crate::queue::api::AgentWish;
use crate::queue::api::Config;
use crate::queue::api::Demand;
use crate::queue::api::Enqueue;
use crate::queue::api::Need;
use crate::queue::api::Needs;
use crate::queue::api::PermissionAnswer;
use crate::queue::api::Routing;
use crate::queue::log::Head;
use crate::queue::log::Log;
use crate::queue::log::Step;
use crate::queue::queue_config;

fn need(skill: u32, level: u8) -> Need {
    Need { skill: SkillId(skill), level }
}

/// Two queues, three agents for each and two for both.
fn center() -> Config {
    let queue = |name: &str, skill| {
        let mut queue = queue_config(name);
        queue.needs = Demand::from(Needs::from_iter([need(skill, 1)]));
        queue.wrap_up = Duration::from_secs(20);
        queue
    };
    let agent = |(place, skills): (usize, &[u32])| AgentConfig {
        name: format!("agent {place}").as_str().into(),
        skills: skills.iter().map(|skill| need(*skill, 5)).collect(),
        always_ready: false,
    };
    let skills: [&[u32]; 8] = [&[0], &[0], &[0], &[1], &[1], &[1], &[0, 1], &[0, 1]];
    Config {
        skills: vec!["billing".into(), "sales".into()],
        queues: vec![queue("billing", 0), queue("sales", 1)],
        agents: skills.into_iter().enumerate().map(agent).collect(),
        routing: Routing::LongestWaiting,
        redial: Duration::from_secs(120),
        changes: Vec::new(),
    }
}

/// A busy hour in which agents come late and take a break, drawn by chance.
fn day(seed: u64) -> Day {
    let mut chance = Entropy::seeded(seed);
    let mut seconds = |most: u64| Duration::from_millis(1 + chance.below(most * 1_000));
    let mut given = Vec::new();
    for agent in (0..8).map(AgentId) {
        let comes = Timestamp::ZERO + seconds(60);
        given.push((comes, Event::AgentWants { agent, wish: AgentWish::Ready }));
        let leaves = comes + seconds(2_000);
        given.push((leaves, Event::AgentWants { agent, wish: AgentWish::NotReady("lunch".into()) }));
        given.push((leaves + seconds(600), Event::AgentWants { agent, wish: AgentWish::Ready }));
    }
    given.sort_by_key(|(at, _)| *at);
    let mut at = Timestamp::from_secs(70);
    let callers = (1..=150).map(|call| {
        at += seconds(40);
        let enqueue = Enqueue::new(CallId(call), QueueId((call % 2) as u32));
        Caller {
            at,
            enqueue,
            patience: Some(seconds(600)),
            answers: vec![(seconds(9), PermissionAnswer::Granted)],
            pick_up: seconds(5),
            talk: seconds(400),
            wrap_up: Some(seconds(25)),
        }
    });
    let began = given[0].0;
    Day { callers: callers.collect(), given, began, config: center() }
}

fn log(steps: Vec<Step>) -> Log {
    let head = Head::of(WallTime(0), center(), &Engine::new(center()));
    Log { head, steps, cut: false }
}

#[test]
fn by_its_own_rules_a_day_is_the_same_again() {
    for seed in 0..20 {
        let (steps, figures) = day(seed).live(&center()).unwrap();
        let log = log(steps);
        assert_eq!(log.verify(), None, "seed {seed}");
        assert_eq!(Figures::of(&center(), &log.steps), figures);
        assert!(figures.queues.iter().all(|queue| queue.answered() > 20), "{figures:?}");
        let (again, same) = Day::of(&log).live(&center()).unwrap();
        for (ours, theirs) in again.iter().zip(&log.steps) {
            assert_eq!((ours.at, &ours.event), (theirs.at, &theirs.event), "seed {seed}");
        }
        assert_eq!(again.len(), log.steps.len(), "seed {seed}");
        assert_eq!(same, figures, "seed {seed}");
    }
}

#[test]
fn fewer_agents_answer_later_and_callers_hang_up_who_had_been_answered() {
    let (mut waited, mut hung_up) = ([0.0; 2], [0; 2]);
    for seed in 0..10 {
        let day = Day::of(&log(day(seed).live(&center()).unwrap().0));
        let mut fewer = center();
        // Their places are others now: agents are known by their names.
        fewer.agents.remove(6);
        fewer.agents.remove(0);
        fewer.agents.reverse();
        fewer.queues.reverse();
        for (place, center) in [center(), fewer].iter().enumerate() {
            let (steps, figures) = day.live(center).unwrap();
            assert!(steps.windows(2).all(|two| two[0].at <= two[1].at));
            for queue in &figures.queues {
                assert_eq!(
                    queue.offered as usize,
                    queue.answered() + (queue.hung_up + queue.unserved) as usize
                );
                waited[place] += queue.mean_wait().unwrap().as_secs_f64();
                hung_up[place] += queue.hung_up;
            }
        }
    }
    assert!(waited[1] > waited[0] * 1.2 && hung_up[1] > hung_up[0], "{waited:?} {hung_up:?}");
}

#[test]
fn a_queue_that_the_other_center_does_not_have_is_told() {
    let mut other = center();
    other.queues.remove(1);
    let said = day(1).live(&other).unwrap_err();
    assert_eq!(said, "callers of the log want the queue \"sales\", which is not there");
}
