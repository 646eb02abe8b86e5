//! The engine against exact theory, and against what others do, on days in virtual time.

use std::time::Duration;

use super::Center;
use super::Score;
use super::center::GroupPlan;
use super::center::Patience;
use super::center::Plan;
use super::center::TypePlan;
use super::centers;
use super::engine::EngineRouter;
use super::erlang::theory;
use super::reference::Policy;
use super::reference::Reference;
use super::router::Answer;
use super::router::CallType;
use super::router::Router;
use super::router::Setup;
use super::router::Told;
use super::run;
use super::stepped;
use super::stepped::Form;
use crate::base::SkillId;
use crate::base::Timestamp;
use crate::queue::api::Need;
use crate::queue::api::Routing;

/// One type, equal agents, exponential talks: M/M/n with patience of that mean.
fn one_skill(agents: usize, per_hour: f64, talk_s: f64, patience_s: f64, hours: f64) -> Plan {
    let kind = TypePlan {
        needs: vec![(0, 1)],
        steps: Vec::new(),
        wants: Vec::new(),
        priority: 0,
        target: (80, 20),
        talk_s,
        patience_s,
        per_hour: vec![per_hour],
    };
    Plan {
        name: "one skill".to_owned(),
        hours,
        types: vec![kind],
        groups: vec![GroupPlan { skills: vec![(0, 1)], agents }],
        talk_sigma: None,
        speed_sigma: 0.0,
        away: None,
        wrap_up_s: 0.0,
        patience: Patience::Even,
        level_gain: 1.0,
    }
}

fn by(routing: Routing, center: &Center) -> Score {
    run(center, &mut EngineRouter::new(&center.setup, routing))
}

/// The mean over days, and what it may be off by: three of its standard errors.
fn over_days(plan: &Plan, days: u64, figure: impl Fn(&Score) -> f64) -> (f64, f64) {
    let day = |seed| {
        let mut center = plan.day(seed);
        center.count_from = Timestamp::from_secs(3_600);
        figure(&by(Routing::LongestWaiting, &center))
    };
    let figures: Vec<f64> = (0..days).map(day).collect();
    let count = figures.len() as f64;
    let mean = figures.iter().sum::<f64>() / count;
    let variance = figures.iter().map(|figure| (figure - mean).powi(2)).sum::<f64>() / (count - 1.0);
    (mean, 3.0 * (variance / count).sqrt())
}

#[track_caller]
fn agrees(what: &str, (mean, error): (f64, f64), exact: f64) {
    assert!(error < 0.2 * exact, "{what}: {mean} ± {error} says nothing about {exact}");
    assert!((mean - exact).abs() <= error, "{what}: {mean} ± {error} is not {exact}");
}

#[test]
fn one_skill_and_endless_patience_are_erlang_c() {
    // 8 erlangs on 10 agents.
    let plan = one_skill(10, 160.0, 180.0, 1e9, 40.0);
    let exact = theory(10, 8.0, 0.0);
    let waited = |score: &Score| {
        1.0 - score.waits.partition_point(|wait| *wait <= 0.0) as f64 / score.waits.len() as f64
    };
    agrees("share who wait", over_days(&plan, 12, waited), exact.waits);
    agrees("mean wait", over_days(&plan, 12, Score::mean_wait), exact.mean_wait * 180.0);
}

#[test]
fn one_skill_and_mortal_patience_are_erlang_a() {
    // 22 erlangs on 20 agents; patience of two talks.
    let plan = one_skill(20, 440.0, 180.0, 360.0, 20.0);
    let exact = theory(20, 22.0, 0.5);
    agrees("share who hang up", over_days(&plan, 8, |score| score.abandoned() / 100.0), exact.hangs_up);
    let in_all = |score: &Score| score.waits.iter().filter(|wait| **wait > 0.0).count() as f64;
    // Whoever hung up waited as well.
    let waits = |score: &Score| {
        (in_all(score) + score.abandoned() / 100.0 * f64::from(score.offered())) / f64::from(score.offered())
    };
    agrees("share who wait", over_days(&plan, 8, waits), exact.waits);
}

fn figures(score: &Score) -> [f64; 3] {
    [score.service_level(), score.worst(), score.abandoned()]
}

#[test]
fn in_centers_apart_far_more_are_answered_in_time_and_no_more_hang_up() {
    let plans = centers::apart();
    let (mut ours, mut theirs) = ([0.0; 3], [0.0; 3]);
    for plan in &plans {
        let center = plan.day(7);
        let first_come = run(&center, &mut Reference::new(Policy::FirstCome, &center.setup));
        for (mean, score) in [(&mut ours, by(Routing::default(), &center)), (&mut theirs, first_come)] {
            let parts = mean.iter_mut().zip(figures(&score));
            parts.for_each(|(mean, figure)| *mean += figure / plans.len() as f64);
        }
    }
    assert!(ours[0] > theirs[0] + 4.0, "service level {} against {}", ours[0], theirs[0]);
    assert!(ours[1] > theirs[1] + 10.0, "the worst type {} against {}", ours[1], theirs[1]);
    assert!(ours[2] < theirs[2] + 0.5, "hung up {} against {}", ours[2], theirs[2]);
}

#[test]
fn what_is_said_of_waits_is_right_on_average_and_its_bound_holds_for_nine_in_ten() {
    for plan in &centers::tuned()[..4] {
        for routing in [Routing::default(), Routing::LongestWaiting] {
            let score = by(routing, &plan.day(11));
            let (bias, _) = score.bias();
            assert!(bias.abs() < 2.5, "{}, {routing:?}: {bias} s", plan.name);
            assert!((86.0..94.0).contains(&score.coverage()), "{}: {} %", plan.name, score.coverage());
        }
    }
}

#[test]
fn the_same_seed_is_the_same_day_and_the_same_answers() {
    let plan = &centers::tuned()[1];
    let [a, b] = [1, 1].map(|seed| by(Routing::default(), &plan.day(seed)));
    assert_eq!(a, b);
    assert_ne!(a, by(Routing::default(), &plan.day(2)));
}

#[test]
fn steps_answer_more_in_time_and_the_best_have_fewer_of_the_calls() {
    let score = |form| {
        // The world itself refuses whom nobody may have yet.
        let day = stepped::plans(form)[0].day(5);
        run(&day, &mut EngineRouter::new(&day.setup, Routing::default()))
    };
    let [alone, steps, anybody] = [Form::BestAlone, Form::Steps, Form::Anybody].map(score);
    assert_eq!(alone.as_wanted(), 100.0);
    assert!(steps.service_level() > alone.service_level());
    assert!(anybody.service_level() > steps.service_level());
    assert!(anybody.as_wanted() < steps.as_wanted() && steps.as_wanted() < 100.0);
}

const POLICIES: [Policy; 8] = [
    Policy::FirstCome,
    Policy::Penalties,
    Policy::Tiers,
    Policy::BestLevel,
    Policy::Bullseye,
    Policy::Weights,
    Policy::GeneralizedCmu,
    Policy::Slack,
];

/// Who is answered, in order, when one agent gets free beside callers of three types: priority 1, 2 and 1, targets of
/// 20, 60 and 600 s, the same talk; and the agent lacks a level for the first. They came at 0, 5 and 3 s.
fn order(policy: Policy, free_at_s: u64) -> Vec<u64> {
    let kind = |priority, target_s, want| CallType {
        needs: vec![need(0, 1)],
        steps: Vec::new(),
        wants: vec![need(0, want)],
        priority,
        target: (80, Duration::from_secs(target_s)),
        handle_time: Duration::from_secs(100),
    };
    let types = vec![kind(1, 20, 3), kind(2, 60, 2), kind(1, 600, 2)];
    let setup = Setup { skills: 1, types, agents: vec![vec![need(0, 2)]] };
    let (mut router, mut answer, mut order) = (Reference::new(policy, &setup), Answer::default(), Vec::new());
    for (at, call) in [(0, 0), (3, 2), (5, 1)] {
        router.handle(Timestamp::from_secs(at), Told::Arrived { call, kind: call as u32 }, &mut answer);
    }
    for round in 0..20 {
        let now = Timestamp::from_secs(free_at_s + round);
        for told in [Told::Available { agent: 0 }, Told::Tick] {
            router.handle(now, told, &mut answer);
            order.extend(answer.assign.iter().map(|(call, _)| *call));
        }
    }
    order
}

fn need(skill: u32, level: u8) -> Need {
    Need { skill: SkillId(skill), level }
}

#[test]
fn each_policy_has_its_order() {
    let orders = |free_at_s| POLICIES.map(|policy| (policy, order(policy, free_at_s)));
    let expected = |policy, free_at_s| match (policy, free_at_s) {
        (Policy::FirstCome | Policy::Tiers, _) => [0, 2, 1],
        // Queues of one weight take turns.
        (Policy::Penalties, _) => [1, 2, 0],
        (Policy::BestLevel, _) => [1, 0, 2],
        // Who lacks a level for a call gets it after ten seconds.
        (Policy::Bullseye, 6) => [2, 1, 0],
        (Policy::Bullseye, _) => [0, 2, 1],
        // (6 − 10)/20, 2 × 1/60 and 3/600; 5/20, 2 × 10/60 and 12/600; 20/20, 2 × 25/60 and 27/600.
        (Policy::Weights, 6) => [1, 2, 0],
        (Policy::Weights, 15) => [1, 0, 2],
        (Policy::Weights, _) => [0, 1, 2],
        (Policy::GeneralizedCmu, _) => [0, 1, 2],
        (Policy::Slack, 6 | 15) => [0, 1, 2],
        // The first is past its target by then.
        (Policy::Slack, _) => [1, 2, 0],
    };
    for free_at_s in [6, 15, 30] {
        for (policy, order) in orders(free_at_s) {
            assert_eq!(order, expected(policy, free_at_s), "{policy:?} at {free_at_s} s");
        }
    }
}

#[test]
fn everybody_is_counted_once() {
    for policy in POLICIES {
        let center = centers::apart()[1].day(3);
        let score = run(&center, &mut Reference::new(policy, &center.setup));
        assert_eq!(score.offered() as usize, center.calls.len());
        let parts = score.types.iter().map(|kind| kind.answered + kind.hung_up).sum::<u32>();
        assert_eq!(parts, score.offered());
    }
}

/// Assigns whoever comes to agent 0, able or not, free or not.
struct Careless;

impl Router for Careless {
    fn handle(&mut self, _: Timestamp, told: Told, answer: &mut Answer) {
        answer.clear();
        if let Told::Arrived { call, .. } = told {
            answer.assign.push((call, 0));
        }
    }
}

#[test]
#[should_panic(expected = "an assigned agent is free")]
fn a_router_that_assigns_who_is_not_free_is_found_out() {
    run(&one_skill(1, 100.0, 180.0, 60.0, 1.0).day(1), &mut Careless);
}

#[test]
fn a_real_day_is_read_and_lived_through() {
    let mut text = "date,wd,type,prio,tod,q,served,svc\n".to_owned();
    for call in 0..500 {
        let (at, kind) = (28_800 + call * 20, if call % 4 == 0 { "IN" } else { "PS" });
        let (queued, served) = (call % 90, u32::from(call % 5 != 0));
        text += &format!("990104,0,{kind},0,{at},{queued},{served},{}\n", served * (60 + call % 200));
    }
    let rows = super::bank::rows(&text).unwrap();
    assert_eq!(rows.len(), 500);
    assert!(super::bank::day(&rows, &[990_105], 1.0, 1).is_none());
    let center = super::bank::day(&rows, &[990_104], 0.8, 1).unwrap();
    let score = by(Routing::default(), &center);
    assert_eq!(score.offered(), 500);
    assert!(score.service_level() > 60.0, "{}", score.service_level());
    assert!(center.calls.iter().all(|call| call.patience <= Duration::from_secs(3_600)));
    assert_eq!(super::bank::rows("date\n990104,0,PS\n"), Err(2));

    let another = rows.iter().map(|row| super::bank::Row { date: 990_105, ..row.clone() });
    let rows: Vec<_> = rows.iter().cloned().chain(another).collect();
    let both = super::bank::day(&rows, &[990_104, 990_105], 0.8, 1).unwrap();
    assert_eq!((both.name.as_str(), both.calls.len()), ("bank 990104 + 990105", 1_000));
    assert_eq!(both.setup.agents.len(), 2 * center.setup.agents.len());
}
