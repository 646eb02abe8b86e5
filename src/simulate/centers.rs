//! The centers by name. Those in [`tuned`] the policy's numbers were chosen on; those in [`apart`] nobody
//! looked at while choosing. In `busy` are some with more work.

use super::center::GroupPlan;
use super::center::LEVEL_GAIN;
use super::center::Patience;
use super::center::Plan;
use super::center::TypePlan;
use crate::base::Entropy;

/// The centers that the policy was tuned on.
pub fn tuned() -> Vec<Plan> {
    vec![
        single(),
        n_design(),
        two_pools(),
        many("20 types, 30 groups", 20, 30, 1.08, 1),
        skills_200(),
        profile(),
        surge(),
        loss(),
    ]
}

/// The centers that were kept apart.
pub fn apart() -> Vec<Plan> {
    vec![
        w_design(),
        small_pools(),
        many("50 types, 60 groups", 50, 60, 1.0, 7),
        many("12 types, 15 groups, quiet", 12, 15, 0.93, 8),
        many("30 types, 40 groups, overloaded", 30, 40, 1.2, 9),
        surge_of_one(),
        loss_of_a_group(),
        targets_differ(),
    ]
}

pub(super) fn kind(
    needs: &[(u32, u8)],
    target: (u8, u64),
    talk_s: f64,
    patience_s: f64,
    per_hour: f64,
) -> TypePlan {
    TypePlan {
        needs: needs.to_vec(),
        steps: Vec::new(),
        wants: needs.iter().map(|(skill, _)| (*skill, 3)).collect(),
        priority: 1,
        target,
        talk_s,
        patience_s,
        per_hour: vec![per_hour],
    }
}

pub(super) fn group(skills: &[(u32, u8)], agents: usize) -> GroupPlan {
    GroupPlan { skills: skills.to_vec(), agents }
}

pub(super) fn plan(name: &str, hours: f64, types: Vec<TypePlan>, groups: Vec<GroupPlan>) -> Plan {
    Plan {
        name: name.to_owned(),
        hours,
        types,
        groups,
        talk_sigma: Some(0.8),
        speed_sigma: 0.15,
        away: None,
        wrap_up_s: 0.0,
        patience: Patience::Even,
        level_gain: LEVEL_GAIN,
    }
}

/// Arrivals that follow a shape over the day with this mean.
pub(super) fn shaped(types: &mut [TypePlan], shape: &[f64]) {
    let mean = shape.iter().sum::<f64>() / shape.len() as f64;
    for kind in types {
        kind.per_hour = shape.iter().map(|part| kind.per_hour[0] * part / mean).collect();
    }
}

fn single() -> Plan {
    let types = vec![kind(&[(0, 1)], (80, 20), 180.0, 150.0, 560.0)];
    plan("one skill", 8.0, types, vec![group(&[(0, 1)], 9), group(&[(0, 2)], 9), group(&[(0, 3)], 8)])
}

pub(super) fn n_design() -> Plan {
    let types =
        vec![kind(&[(0, 1)], (80, 20), 200.0, 200.0, 240.0), kind(&[(1, 1)], (80, 20), 240.0, 240.0, 130.0)];
    plan("N design", 8.0, types, vec![group(&[(0, 2)], 11), group(&[(0, 1), (1, 2)], 11)])
}

pub(super) fn two_pools() -> Plan {
    let types =
        vec![kind(&[(0, 1)], (80, 20), 180.0, 150.0, 370.0), kind(&[(1, 1)], (80, 20), 240.0, 200.0, 280.0)];
    let groups = vec![
        group(&[(0, 3)], 8),
        group(&[(0, 3), (1, 1)], 9),
        group(&[(1, 3)], 8),
        group(&[(0, 1), (1, 3)], 9),
    ];
    plan("two pools, cross-trained", 8.0, types, groups)
}

/// Types and groups drawn by chance; `load` is offered work over staff.
pub(super) fn many(name: &str, types: u32, groups: u32, load: f64, seed: u64) -> Plan {
    let mut chance = Entropy::seeded(seed);
    let types: Vec<TypePlan> = (0..types)
        .map(|skill| {
            let target = [(80, 20), (80, 30), (90, 60), (70, 15), (85, 45)][chance.below(5) as usize];
            let talk_s = 120.0 + 240.0 * chance.fraction();
            let patience_s = 90.0 + 300.0 * chance.fraction();
            let level = 1 + u8::from(chance.below(4) == 0);
            let mut kind =
                kind(&[(skill, level)], target, talk_s, patience_s, 20.0 + 130.0 * chance.fraction());
            kind.priority = 1 + chance.below(3) as i32;
            kind
        })
        .collect();
    let skills: Vec<Vec<(u32, u8)>> = (0..groups)
        .map(|place| {
            // The first rounds see to it that every type has its groups.
            let mut skills = vec![(place % types.len() as u32, 3)];
            for _ in 0..2 + chance.below(3) {
                let skill = chance.below(types.len() as u64) as u32;
                if skills.iter().all(|(has, _)| *has != skill) {
                    skills.push((skill, 1 + chance.below(3) as u8));
                }
            }
            skills
        })
        .collect();
    plan(name, 6.0, types.clone(), staffed(&types, skills, load))
}

/// As many agents in each group as its share of the work of the types it can serve asks for.
fn staffed(types: &[TypePlan], groups: Vec<Vec<(u32, u8)>>, load: f64) -> Vec<GroupPlan> {
    let able = |skills: &[(u32, u8)], kind: &TypePlan| {
        kind.needs.iter().all(|need| skills.iter().any(|has| has.0 == need.0 && has.1 >= need.1))
    };
    let mut work = vec![0.0; groups.len()];
    for kind in types {
        let of_kind = kind.per_hour[0] * kind.talk_s / 3_600.0;
        let count = groups.iter().filter(|skills| able(skills, kind)).count() as f64;
        for (work, _) in work.iter_mut().zip(&groups).filter(|(_, skills)| able(skills, kind)) {
            *work += of_kind / count;
        }
    }
    let groups = groups.into_iter().zip(work);
    groups.map(|(skills, work)| group(&skills, ((work / load).round() as usize).max(1))).collect()
}

fn skills_200() -> Plan {
    let mut chance = Entropy::seeded(5);
    let groups: Vec<GroupPlan> = (0..300)
        .map(|_| {
            let skills = (0..8).map(|_| (chance.below(200) as u32, 1 + chance.below(3) as u8));
            let mut skills: Vec<(u32, u8)> = skills.collect();
            skills.sort();
            skills.dedup_by_key(|(skill, _)| *skill);
            group(&skills, 1)
        })
        .collect();
    let types: Vec<TypePlan> = (0..200)
        .map(|skill| {
            let target = [(80, 20), (80, 30), (90, 60)][chance.below(3) as usize];
            let holders: usize =
                groups.iter().filter(|group| group.skills.iter().any(|(has, _)| *has == skill)).count();
            let rate = 2.1 * holders as f64 * (0.6 + 0.8 * chance.fraction());
            kind(&[(skill, 1)], target, 240.0, 240.0, rate)
        })
        .collect();
    plan("200 skills", 4.0, types, groups)
}

fn profile() -> Plan {
    let mut plan = many("a day's profile", 8, 12, 0.88, 3);
    plan.hours = 12.0;
    shaped(&mut plan.types, &[0.3, 0.7, 1.2, 1.5, 1.45, 1.2, 1.1, 1.25, 1.3, 1.0, 0.7, 0.4]);
    plan
}

fn surge() -> Plan {
    let mut plan = many("tenfold surge", 8, 12, 0.88, 4);
    let mut shape = [1.0; 36];
    shape[16] = 10.0;
    for kind in &mut plan.types {
        kind.per_hour = shape.iter().map(|part| kind.per_hour[0] * part).collect();
    }
    plan
}

fn loss() -> Plan {
    let mut plan = many("a third of the agents lost", 10, 15, 0.94, 6);
    plan.away = Some((0.34, 0.4, 0.65));
    plan
}

fn w_design() -> Plan {
    let types = vec![
        kind(&[(0, 1)], (80, 20), 150.0, 120.0, 200.0),
        kind(&[(1, 1)], (80, 20), 300.0, 300.0, 100.0),
        kind(&[(2, 1)], (90, 40), 240.0, 200.0, 60.0),
    ];
    let groups = vec![group(&[(0, 2), (1, 2)], 10), group(&[(1, 2), (2, 2)], 9), group(&[(0, 1)], 2)];
    plan("W design", 8.0, types, groups)
}

fn small_pools() -> Plan {
    let types: Vec<TypePlan> =
        (0..8).map(|skill| kind(&[(skill, 1)], (80, 30), 300.0, 240.0, 18.0)).collect();
    let pair = |place: u32| group(&[(place % 8, 3), ((place + 3) % 8, 1)], 1);
    plan("small pools", 8.0, types, (0..14).map(pair).collect())
}

fn surge_of_one() -> Plan {
    let mut plan = many("surge of one type", 12, 18, 0.9, 10);
    let base = plan.types[2].per_hour[0];
    plan.types[2].per_hour =
        (0..24).map(|part| if (8..12).contains(&part) { 6.0 * base } else { base }).collect();
    plan
}

fn loss_of_a_group() -> Plan {
    let mut plan = many("half of the agents lost for an hour", 15, 20, 0.85, 11);
    plan.away = Some((0.5, 0.5, 0.67));
    plan
}

fn targets_differ() -> Plan {
    let mut plan = many("targets from 10 to 180 s", 16, 20, 1.02, 12);
    for (kind, target) in plan.types.iter_mut().zip([(80, 10), (95, 120), (70, 60), (90, 180)].iter().cycle())
    {
        kind.target = *target;
    }
    plan
}
