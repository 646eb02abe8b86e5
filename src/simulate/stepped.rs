//! Centers whose callers get the best first and others after a while, each beside the same center where they get the
//! best alone, or anybody at once. They show what steps are worth, and are in no mean of others.

use super::center::LEVEL_GAIN;
use super::center::Plan;
use super::center::TypePlan;
use super::centers::many;
use super::centers::two_pools;

/// Whom callers get, and when.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// Level 3 and nobody else.
    BestAlone,
    /// Level 3, level 2 after 15 s as well, and anybody with the skill after 30 s.
    Steps,
    /// Anybody with the skill at once.
    Anybody,
}

/// The centers of one form; they have the same days in each.
pub fn plans(form: Form) -> Vec<Plan> {
    let mut plans = [
        two_pools(),
        many("12 types, 18 groups", 12, 18, 0.9, 41),
        many("30 types, 45 groups", 30, 45, 0.96, 42),
    ];
    for plan in &mut plans {
        plan.types.iter_mut().for_each(|kind| take(kind, form));
    }
    plans.into()
}

/// A type of calls in this form. How long they take with somebody of a level is the same in each.
fn take(kind: &mut TypePlan, form: Form) {
    let at = |level| -> Vec<(u32, u8)> { kind.needs.iter().map(|(skill, _)| (*skill, level)).collect() };
    let first = if form == Form::Anybody { 1 } else { 3 };
    let needed: i32 = kind.needs.iter().map(|(_, level)| first - i32::from(*level)).sum();
    kind.talk_s *= LEVEL_GAIN.powi(needed);
    if form == Form::Steps {
        kind.steps = vec![(15, at(2)), (30, at(1))];
    }
    kind.needs = at(first as u8);
}
