//! Centers with so much work that first come, first served answers 72 in 100 in time, and with groups that are
//! larger or smaller than their work asks for. Those in [`tuned`] the policy's numbers were chosen on; those in
//! [`apart`] were kept apart.

use super::center::GroupPlan;
use super::center::Plan;
use super::center::TypePlan;
use super::center::log_normal;
use super::centers::group;
use super::centers::kind;
use super::centers::many;
use super::centers::n_design;
use super::centers::plan;
use super::centers::shaped;
use super::centers::two_pools;
use crate::base::Entropy;

/// Work over staff in the busiest hour of a real day.
pub const BANK_LOAD: f64 = 1.12;
/// Agents with skills of their own in the centers with 200 skills.
const SPECIALISTS: u64 = 240;

/// The busy centers that the policy was tuned on.
pub fn tuned() -> Vec<Plan> {
    vec![
        busier(n_design(), 0.96),
        busier(two_pools(), 0.96),
        busier(uneven("20 types, 30 groups", 20, 30, 21), 1.09),
        busier(rare_skills("200 skills, 60 types", 60, 22), 1.08),
        busier(day("a day's profile", 23), 0.89),
        busier(surge("tenfold surge", 24), 0.92),
        busier(loss("a third of the agents lost", 25), 0.99),
    ]
}

/// The busy centers that were kept apart.
pub fn apart() -> Vec<Plan> {
    vec![
        busier(n_design_with_levels(), 0.96),
        busier(three_pools(), 1.03),
        busier(uneven("24 types, 36 groups", 24, 36, 31), 1.11),
        busier(rare_skills("200 skills, 120 types", 120, 32), 1.1),
        busier(day("another day's profile", 33), 0.92),
        busier(surge("another tenfold surge", 34), 0.93),
        busier(loss("a third of other agents lost", 35), 1.06),
    ]
}

/// The same plan with so many times the calls, less patience, and agents who need a while after each.
fn busier(mut plan: Plan, times: f64) -> Plan {
    for kind in &mut plan.types {
        kind.per_hour.iter_mut().for_each(|rate| *rate *= times);
        kind.patience_s *= 0.8;
    }
    plan.wrap_up_s = 15.0;
    plan
}

/// Types and groups drawn by chance, and as many calls as before for groups that are not as large as their
/// work asks for.
fn uneven(name: &str, types: u32, groups: u32, seed: u64) -> Plan {
    let mut plan = many(name, types, groups, 1.0, seed);
    let mut chance = Entropy::seeded(seed + 1_000);
    let agents = |plan: &Plan| plan.groups.iter().map(|group| group.agents).sum::<usize>() as f64;
    let before = agents(&plan);
    for group in &mut plan.groups {
        group.agents = ((group.agents as f64 * log_normal(&mut chance, 0.6)).round() as usize).max(1);
    }
    let more = agents(&plan) / before;
    plan.types.iter_mut().for_each(|kind| kind.per_hour[0] *= more);
    plan
}

fn day(name: &str, seed: u64) -> Plan {
    let mut plan = uneven(name, 10, 16, seed);
    plan.hours = 12.0;
    shaped(&mut plan.types, &[0.3, 0.7, 1.2, 1.5, 1.45, 1.2, 1.1, 1.25, 1.3, 1.0, 0.7, 0.4]);
    plan
}

fn surge(name: &str, seed: u64) -> Plan {
    let mut plan = uneven(name, 10, 15, seed);
    let mut shape = [1.0; 72];
    shape[30] = 10.0;
    for kind in &mut plan.types {
        kind.per_hour = shape.iter().map(|part| kind.per_hour[0] * part).collect();
    }
    plan
}

fn loss(name: &str, seed: u64) -> Plan {
    let mut plan = uneven(name, 10, 15, seed);
    plan.away = Some((0.34, 0.4, 0.6));
    plan
}

fn n_design_with_levels() -> Plan {
    let types =
        vec![kind(&[(0, 1)], (85, 25), 160.0, 150.0, 400.0), kind(&[(1, 2)], (80, 30), 300.0, 240.0, 120.0)];
    let groups = vec![group(&[(0, 3)], 12), group(&[(0, 1), (1, 2)], 9), group(&[(0, 2), (1, 3)], 4)];
    plan("N design, levels", 8.0, types, groups)
}

fn three_pools() -> Plan {
    let types = vec![
        kind(&[(0, 1)], (80, 20), 180.0, 150.0, 260.0),
        kind(&[(1, 1)], (80, 20), 240.0, 200.0, 200.0),
        kind(&[(2, 1)], (90, 40), 200.0, 180.0, 200.0),
    ];
    let groups = vec![
        group(&[(0, 3)], 5),
        group(&[(0, 3), (1, 1)], 7),
        group(&[(1, 3)], 5),
        group(&[(1, 3), (2, 1)], 7),
        group(&[(2, 3)], 5),
        group(&[(0, 1), (2, 3)], 7),
    ];
    plan("three pools, cross-trained", 8.0, types, groups)
}

/// Agents with a dozen of 200 skills each, and types that need one of them or two. Each type has its share of
/// those who can serve it, more or less.
fn rare_skills(name: &str, types: u32, seed: u64) -> Plan {
    let mut chance = Entropy::seeded(seed);
    let groups: Vec<GroupPlan> = (0..SPECIALISTS).map(|_| group(&a_dozen(&mut chance), 1)).collect();
    let needs: Vec<Vec<(u32, u8)>> = (0..types)
        .map(|_| {
            let of = &groups[chance.below(SPECIALISTS) as usize].skills;
            let first = chance.below(of.len() as u64) as usize;
            let second = (chance.below(4) == 0).then(|| of[(first + 1) % of.len()].0);
            std::iter::once(of[first].0).chain(second).map(|skill| (skill, 1)).collect()
        })
        .collect();
    let able = |group: &GroupPlan, needs: &[(u32, u8)]| {
        needs.iter().all(|need| group.skills.iter().any(|has| has.0 == need.0))
    };
    let serves = |group: &GroupPlan| needs.iter().filter(|needs| able(group, needs)).count() as f64;
    let types: Vec<TypePlan> = needs
        .iter()
        .map(|needs| {
            let target = [(80, 20), (80, 30), (90, 60), (85, 30)][chance.below(4) as usize];
            let talk_s = 150.0 + 200.0 * chance.fraction();
            let patience_s = 120.0 + 240.0 * chance.fraction();
            let able = groups.iter().filter(|group| able(group, needs));
            let share: f64 = able.map(|group| 1.0 / serves(group)).sum();
            let per_hour = share * 3_600.0 / talk_s * (0.8 + 0.4 * chance.fraction());
            let mut kind = kind(needs, target, talk_s, patience_s, per_hour);
            kind.priority = 1 + chance.below(3) as i32;
            kind
        })
        .collect();
    plan(name, 5.0, types, groups)
}

fn a_dozen(chance: &mut Entropy) -> Vec<(u32, u8)> {
    let mut skills: Vec<(u32, u8)> =
        (0..14).map(|_| (chance.below(200) as u32, 1 + chance.below(3) as u8)).collect();
    skills.sort();
    skills.dedup_by_key(|(skill, _)| *skill);
    skills
}
