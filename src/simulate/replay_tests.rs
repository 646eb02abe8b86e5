//! A day lived through again: by its own rules it is the same day, by others another.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::time::Duration;

use super::figures::Figures;
use super::figures::OfQueue;
use super::replay::Caller;
use super::replay::Day;
use crate::base::AgentId;
use crate::base::CallId;
use crate::base::Entropy;
use crate::base::QueueId;
use crate::base::SkillId;
use crate::base::Timestamp;
use crate::base::WallTime;
use crate::queue::Action;
use crate::queue::Engine;
use crate::queue::Event;
use crate::queue::api::AgentConfig;
use crate::queue::api::AgentState;
use crate::queue::api::AgentWish;
use crate::queue::api::Config;
use crate::queue::api::Demand;
use crate::queue::api::Enqueue;
use crate::queue::api::Need;
use crate::queue::api::Needs;
use crate::queue::api::PermissionAnswer;
use crate::queue::api::Routing;
use crate::queue::api::SkillChange;
use crate::queue::api::WaitExit;
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
        gone: false,
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

/// What the day of this seed came to in the center that it was made for.
fn lived(seed: u64) -> Day {
    Day::of(&log(day(seed).live(&center()).unwrap().0))
}

/// How many calls each agent took, by name.
fn taken(steps: &[Step], center: &Config) -> BTreeMap<String, usize> {
    let mut taken = BTreeMap::new();
    for action in steps.iter().flat_map(|step| &step.actions) {
        if let Action::Connected { agent, .. } = action {
            *taken.entry(center.agents[agent.0 as usize].name.to_string()).or_default() += 1;
        }
    }
    taken
}

fn agents_with(steps: &[Step], center: &Config, from: Timestamp, until: Timestamp) -> BTreeSet<String> {
    let during: Vec<Step> = steps.iter().filter(|step| step.at >= from && step.at < until).cloned().collect();
    taken(&during, center).into_keys().collect()
}

#[test]
fn skills_of_the_other_center_come_and_go_by_its_dates_whoever_stays_at_home() {
    let (noon, later) = (Timestamp::from_secs(700), Timestamp::from_secs(1_500));
    // Agent 0 has sales as well from 700 s on, agent 3 has them until 1500 s; agent 1's change concerns nobody here.
    let change =
        |at, agent, skill, level| SkillChange { at, agent: AgentId(agent), skill: SkillId(skill), level };
    let dated = Config {
        changes: vec![change(noon, 0, 1, 9), change(noon, 1, 0, 5), change(later, 3, 1, 0)],
        ..center()
    };
    let (mut before, mut after) = (BTreeSet::new(), BTreeSet::new());
    for seed in 0..10 {
        let sales_alone = |steps: Vec<Step>, center: &Config| {
            // Whoever took a caller of sales.
            let mut queue_of: BTreeMap<CallId, QueueId> = BTreeMap::new();
            let mut by = Vec::new();
            for step in &steps {
                for action in &step.actions {
                    match action {
                        Action::Enqueued { call, queue, .. } => drop(queue_of.insert(*call, *queue)),
                        Action::Connected { call, agent, .. } if queue_of[call] == QueueId(1) => {
                            by.push((step.at, center.agents[agent.0 as usize].name.to_string()));
                        }
                        _ => {}
                    }
                }
            }
            by
        };
        for stays in [None, Some("agent 1")] {
            let mut other = dated.clone();
            if let Some(name) = stays {
                other.leave_out(other.agent_named(name).unwrap());
            }
            let (steps, _) = lived(seed).live(&other).unwrap();
            let verified = Log {
                head: Head::of(WallTime(0), other.clone(), &Engine::new(other.clone())),
                steps: steps.clone(),
                cut: false,
            };
            assert_eq!(verified.verify(), None);
            for (at, name) in sales_alone(steps, &other) {
                assert!(name != "agent 0" || at >= noon, "seed {seed}: {name} took sales at {at}");
                // A phone that rings at that moment is picked up.
                assert!(
                    name != "agent 3" || at <= later + Duration::from_secs(20),
                    "seed {seed}: {name} took sales at {at}"
                );
                if at < noon {
                    before.insert(name)
                } else {
                    after.insert(name)
                };
            }
        }
    }
    assert!(!before.contains("agent 0") && after.contains("agent 0"), "{before:?} {after:?}");
    assert!(before.contains("agent 3"), "{before:?}");
}

/// How often somebody was rung who has one skill while one who has both was idle, and how often one who has both.
fn of_both(steps: &[Step], center: &Config) -> (usize, usize) {
    let both = |agent: &AgentId| ["agent 6", "agent 7"].contains(&&*center.agents[agent.0 as usize].name);
    let (mut idle, mut passed_over, mut rung) = (BTreeSet::new(), 0, 0);
    for action in steps.iter().flat_map(|step| &step.actions) {
        match action {
            Action::Ring { agent, .. } if both(agent) => rung += 1,
            Action::Ring { .. } => passed_over += usize::from(!idle.is_empty()),
            Action::AgentChanged { agent, to: AgentState::Ready, .. } if both(agent) => {
                idle.insert(*agent);
            }
            Action::AgentChanged { agent, .. } => drop(idle.remove(agent)),
            _ => {}
        }
    }
    (passed_over, rung)
}

#[test]
fn the_other_center_s_preferred_skills_choose() {
    // Agents 6 and 7 alone have both skills, which the other center has in another order.
    let mut wants = center();
    wants.skills.reverse();
    for agent in &mut wants.agents {
        agent.skills.iter_mut().for_each(|need| need.skill = SkillId(1 - need.skill.0));
        agent.skills.sort_unstable();
    }
    for (queue, (needed, wanted)) in wants.queues.iter_mut().zip([(1, 0), (0, 1)]) {
        queue.needs = Demand {
            wants: Needs::from_iter([need(wanted, 1)]),
            ..Demand::from(Needs::from_iter([need(needed, 1)]))
        };
    }
    let mut plainly = 0;
    for seed in 0..10 {
        let day = lived(seed);
        let (steps, _) = day.live(&center()).unwrap();
        plainly += of_both(&steps, &center()).0;
        let (steps, _) = day.live(&wants).unwrap();
        let (passed_over, rung) = of_both(&steps, &wants);
        assert!(passed_over == 0 && rung > 0, "seed {seed}: {passed_over} {rung}");
    }
    assert!(plainly > 20, "otherwise they are not: {plainly}");
}

#[test]
fn the_other_center_s_longest_expected_wait_sends_callers_on() {
    let impatient = |longest| {
        let mut center = center();
        center
            .queues
            .iter_mut()
            .for_each(|queue| queue.max_expected_wait = Some(Duration::from_secs(longest)));
        center
    };
    let mut sent_on = [0; 2];
    for seed in 0..10 {
        let day = lived(seed);
        for (sent_on, longest) in sent_on.iter_mut().zip([60, 3_600]) {
            let (steps, figures) = day.live(&impatient(longest)).unwrap();
            let expected =
                |action: &&Action| matches!(action, Action::Exit { exit: WaitExit::ExpectedWait, .. });
            let exits = steps.iter().flat_map(|step| &step.actions).filter(expected).count();
            let unserved: u32 = figures.queues.iter().map(|queue| queue.unserved).sum();
            assert_eq!(unserved as usize, exits, "nobody is unserved otherwise: {figures:?}");
            *sent_on += exits;
        }
    }
    assert!(sent_on[0] > 20 && sent_on[1] == 0, "{sent_on:?}");
}

#[test]
fn quotes_are_held_against_waits() {
    for seed in 0..5 {
        let (steps, figures) = day(seed).live(&center()).unwrap();
        let mut quoted: Vec<(f64, f64)> = Vec::new();
        for action in steps.iter().flat_map(|step| &step.actions) {
            if let Action::Connected { waited, quote: Some(quote), .. } = action {
                quoted.push((quote.as_secs_f64(), waited.as_secs_f64()));
            }
        }
        assert!(quoted.len() > 10, "{}", quoted.len());
        let count = |of: fn(&OfQueue) -> usize| figures.queues.iter().map(of).sum::<usize>();
        assert_eq!(count(OfQueue::quoted), quoted.len());
        // The queues' means, weighted, are the mean of all.
        let mean = |of: fn(&OfQueue) -> Option<f64>| {
            let sum: f64 =
                figures.queues.iter().filter_map(|queue| Some(of(queue)? * queue.quoted() as f64)).sum();
            sum / quoted.len() as f64
        };
        let near = |ours: f64, theirs: f64| assert!((ours - theirs).abs() < 1e-9, "{ours} {theirs}");
        let all = quoted.len() as f64;
        near(
            mean(OfQueue::quotes_kept),
            quoted.iter().filter(|(quote, waited)| waited <= quote).count() as f64 / all,
        );
        near(
            mean(OfQueue::quote_bias_s),
            quoted.iter().map(|(quote, waited)| quote - waited).sum::<f64>() / all,
        );
        near(
            mean(OfQueue::quote_error_s),
            quoted.iter().map(|(quote, waited)| (quote - waited).abs()).sum::<f64>() / all,
        );
    }
}

#[test]
fn who_is_always_ready_comes_when_they_came() {
    // Outside their hours, the server has such agents signed out; the log tells it as what they want.
    let mut ours = center();
    ours.agents.iter_mut().for_each(|agent| agent.always_ready = true);
    let mut more = ours.clone();
    more.agents.push(AgentConfig { name: "nobody knows".into(), ..more.agents[6].clone() });
    let away = Event::AgentWants { agent: AgentId(0), wish: AgentWish::Offline };
    let back = Timestamp::from_secs(900);
    let mut engine = Engine::new(ours.clone());
    engine.handle(Timestamp::from_secs(1), away, &mut Vec::new());
    let mut day = day(3);
    day.given = vec![(back, Event::AgentWants { agent: AgentId(0), wish: AgentWish::Ready })];
    day.config = ours.clone();
    // The log begins under way, while agent 0 is away.
    let head = Head::of(WallTime(0), ours.clone(), &engine);
    let began = Timestamp::from_secs(60);
    let begins = Step { at: began, event: Event::Tick, actions: Vec::new() };
    let comes = Step { at: back, event: day.given[0].1.clone(), actions: Vec::new() };
    let of_log = Day::of(&Log { head, steps: vec![begins, comes], cut: false });
    let day = Day { callers: day.callers, ..of_log };
    let (steps, _) = day.live(&more).unwrap();
    let early = agents_with(&steps, &more, began, back);
    assert!(early.len() >= 5 && !early.contains("agent 0"), "{early:?}");
    let all = agents_with(&steps, &more, began, Timestamp::from_secs(100_000));
    assert!(all.contains("agent 0") && !all.contains("nobody knows"), "{all:?}");
}

#[test]
fn a_queue_that_the_other_center_does_not_have_is_told() {
    let mut other = center();
    other.queues.remove(1);
    let said = day(1).live(&other).unwrap_err();
    assert_eq!(said, "callers of the log want the queue \"sales\", which is not there");
}

#[test]
fn who_is_called_back_first_is_there_as_whoever_is_called_back_after_the_agent() {
    let mut first = center();
    first.queues.iter_mut().for_each(|queue| queue.customer_first = Some(Duration::from_secs(30)));
    for seed in 0..5 {
        let mut day = lived(seed);
        for caller in day.callers.iter_mut().step_by(3) {
            caller.answers = vec![(Duration::from_secs(5), PermissionAnswer::Callback)];
        }
        let called_back = |center: &Config| {
            let (steps, _) = day.live(center).unwrap();
            let mut kept = BTreeSet::new();
            let (mut reserved, mut answered, mut in_vain) = (0, 0, 0);
            for action in steps.iter().flat_map(|step| &step.actions) {
                match action {
                    Action::KeepPlace { call } => drop(kept.insert(*call)),
                    Action::Reserve { .. } => reserved += 1,
                    Action::StopCalling { missed: true, .. } => in_vain += 1,
                    Action::Connected { call, .. } if kept.contains(call) => answered += 1,
                    _ => {}
                }
            }
            (kept.len(), reserved, answered, in_vain)
        };
        let (kept, reserved, answered, _) = called_back(&center());
        assert!(kept > 5 && answered == kept && reserved == 0, "seed {seed}: {answered} of {kept}");
        let (kept, reserved, answered, in_vain) = called_back(&first);
        assert!(kept > 5 && answered == kept && reserved >= kept, "seed {seed}: {answered} of {kept}");
        assert_eq!(in_vain, 0, "seed {seed}");
    }
}
