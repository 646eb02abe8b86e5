//! What is needed of an agent: skills at levels, some of them instead of others, and what less will do after a
//! while.

use std::cmp::Reverse;
use std::time::Duration;

use serde::Deserialize;
use serde::Serialize;
use smallvec::SmallVec;

use crate::base::Name;
use crate::base::SkillId;
use crate::fact::NeedFact;

/// The most clauses of [`Needs::or`]: alternatives of alternatives multiply.
pub const MOST_CLAUSES: usize = 32;

/// A skill at a least level, 1 to 10.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Need {
    pub skill: SkillId,
    pub level: u8,
}

/// What an agent must have, all of it: `billing >= 3 and (english >= 2 or spanish >= 5)`.
///
/// They are clauses, each met by any one of its needs, in a normal form: no clause follows from another, and
/// both clauses and what is in them are sorted. So needs that were written in another order are equal.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Needs(SmallVec<[Term; 4]>);

/// A need in a row of clauses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
struct Term {
    skill: SkillId,
    level: u8,
    /// Whether it is another way to meet the clause of the one before it.
    or: bool,
}

/// The needs of which any one meets a clause.
type Clause = SmallVec<[Need; 2]>;

impl Term {
    fn need(&self) -> Need {
        Need { skill: self.skill, level: self.level }
    }
}

impl Needs {
    fn of(clauses: impl IntoIterator<Item = Clause>) -> Needs {
        let mut kept: Vec<Clause> = Vec::new();
        for clause in clauses.into_iter().filter_map(normal) {
            if !kept.iter().any(|other| follows(&clause, other)) {
                kept.retain(|other| !follows(other, &clause));
                kept.push(clause);
            }
        }
        kept.sort();
        let terms = kept.iter().flat_map(|clause| {
            let term =
                |(place, need): (usize, &Need)| Term { skill: need.skill, level: need.level, or: place > 0 };
            clause.iter().enumerate().map(term)
        });
        Needs(terms.collect())
    }

    /// Both: the higher level of each skill, and the clauses of either.
    pub fn and(&self, other: &Needs) -> Needs {
        if self.is_empty() {
            return other.clone();
        }
        let mut terms: SmallVec<[Term; 4]> = self.0.iter().chain(&other.0).copied().collect();
        if terms.iter().any(|term| term.or) {
            return Needs::of(self.clauses().chain(other.clauses()).map(Iterator::collect));
        }
        terms.sort_unstable_by_key(|term| (term.skill, Reverse(term.level)));
        terms.dedup_by_key(|term| term.skill);
        Needs(terms)
    }

    /// Either; none where that takes more than [`MOST_CLAUSES`].
    pub fn or(&self, other: &Needs) -> Option<Needs> {
        let pairs = self.clauses().flat_map(|a| {
            let a: Clause = a.collect();
            other.clauses().map(move |b| a.iter().copied().chain(b).collect())
        });
        let (mine, others) = (self.clauses().count(), other.clauses().count());
        (mine * others <= MOST_CLAUSES).then(|| Needs::of(pairs))
    }

    /// The clauses, in order.
    pub fn clauses(&self) -> impl Iterator<Item = impl Iterator<Item = Need> + '_> + '_ {
        self.0.chunk_by(|_, next| next.or).map(|clause| clause.iter().map(Term::need))
    }

    /// Whether nothing is needed.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether somebody with these levels has what is needed.
    pub fn met(&self, level: impl Fn(SkillId) -> u8) -> bool {
        self.clauses().all(|mut clause| clause.any(|need| level(need.skill) >= need.level))
    }

    /// The sum of levels above what is needed, of somebody who has it: of each clause what they are best at.
    pub fn above(&self, level: impl Fn(SkillId) -> u8) -> u32 {
        let (mut sum, mut of_clause) = (0, 0);
        for term in &self.0 {
            let above = level(term.skill).saturating_sub(term.level);
            if term.or {
                of_clause = above.max(of_clause);
            } else {
                sum += u32::from(of_clause);
                of_clause = above;
            }
        }
        sum + u32::from(of_clause)
    }

    /// Whether everybody who has `other` has this as well.
    pub fn asks_no_more_than(&self, other: &Needs) -> bool {
        let others: Vec<Clause> = other.clauses().map(Iterator::collect).collect();
        self.clauses().map(Iterator::collect).all(|clause| others.iter().any(|other| follows(&clause, other)))
    }

    /// What these name, of the center's skills: which skill it does not have is nobody's, and is left out.
    pub fn of_facts(facts: &[NeedFact], skills: &[Name]) -> Needs {
        let need = |fact: &NeedFact| {
            let place = skills.iter().position(|name| *name == fact.skill)?;
            Some(Need { skill: SkillId(place as u32), level: fact.level })
        };
        let clauses = facts
            .iter()
            .map(|fact| -> Clause { std::iter::once(fact).chain(&fact.or).filter_map(need).collect() });
        Needs::of(clauses.filter(|clause| !clause.is_empty()))
    }

    /// The same by name, for the history: `skills` are the center's.
    pub fn facts(&self, skills: &[Name]) -> Vec<NeedFact> {
        let named = |need: Need| NeedFact {
            skill: skills.get(need.skill.0 as usize).cloned().unwrap_or_else(|| "?".into()),
            level: need.level,
            or: Vec::new(),
        };
        let clause = |mut clause: Box<dyn Iterator<Item = NeedFact> + '_>| {
            let first = clause.next()?;
            Some(NeedFact { or: clause.collect(), ..first })
        };
        self.clauses().filter_map(|needs| clause(Box::new(needs.map(named)))).collect()
    }
}

impl FromIterator<Need> for Needs {
    /// All of these.
    fn from_iter<T: IntoIterator<Item = Need>>(needs: T) -> Needs {
        Needs::of(needs.into_iter().map(|need| Clause::from_slice(&[need])))
    }
}

/// A clause with each skill once, at the lowest of its levels; none if it asks for nothing.
fn normal(mut clause: Clause) -> Option<Clause> {
    clause.sort_unstable();
    clause.dedup_by_key(|need| need.skill);
    (!clause.iter().any(|need| need.level == 0)).then_some(clause)
}

/// Whether whoever meets `other` meets `clause` as well.
fn follows(clause: &Clause, other: &Clause) -> bool {
    other.iter().all(|need| clause.iter().any(|less| less.skill == need.skill && less.level <= need.level))
}

/// What a queue or a call needs, and what less will do once it has been waited for so long.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Demand {
    pub needs: Needs,
    /// By time, ascending: each replaces what was needed before.
    pub steps: Vec<Step>,
    /// Among idle agents who have what is needed, those who have this as well are taken first. Nobody waits for it. A
    /// call that wants nothing wants what its queue does.
    #[serde(default)]
    pub wants: Needs,
    /// Whether a call that wants nothing means it, whatever its queue wants.
    #[serde(default)]
    pub wants_nobody: bool,
}

/// From when on something else is needed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    /// How long it has been waited; an earlier wait that the call brings along counts.
    pub after: Duration,
    pub needs: Needs,
}

impl Demand {
    /// What is needed of calls of this age.
    pub fn at(&self, age: Duration) -> &Needs {
        let reached = self.steps.iter().take_while(|step| step.after <= age).last();
        reached.map_or(&self.needs, |step| &step.needs)
    }

    /// The same of skills that are numbered otherwise.
    pub fn renamed(&self, skill: impl Fn(SkillId) -> SkillId) -> Demand {
        let needs = |needs: &Needs| {
            let need = |need: Need| Need { skill: skill(need.skill), level: need.level };
            Needs::of(needs.clauses().map(|clause| clause.map(need).collect()))
        };
        let step = |step: &Step| Step { after: step.after, needs: needs(&step.needs) };
        let (steps, wants) = (self.steps.iter().map(step).collect(), needs(&self.wants));
        Demand { needs: needs(&self.needs), steps, wants, wants_nobody: self.wants_nobody }
    }

    /// What is preferred for a call with a demand of its own in a queue with this one.
    pub fn wants_with<'d>(&'d self, of_call: &'d Demand) -> &'d Needs {
        if of_call.wants_nobody || !of_call.wants.is_empty() { &of_call.wants } else { &self.wants }
    }

    /// Whether nothing is ever needed.
    pub fn is_empty(&self) -> bool {
        self.needs.is_empty() && self.steps.is_empty()
    }

    /// What a call with a demand of its own needs in a queue with this one, from which age on. The first is from
    /// the beginning.
    pub fn with(&self, of_call: &Demand) -> SmallVec<[(Duration, Needs); 1]> {
        let mut course = SmallVec::new();
        course.push((Duration::ZERO, self.needs.and(&of_call.needs)));
        let mut ages: SmallVec<[Duration; 8]> =
            self.steps.iter().chain(&of_call.steps).map(|step| step.after).collect();
        ages.sort_unstable();
        ages.dedup();
        for age in ages {
            let needs = self.at(age).and(of_call.at(age));
            if course.last().is_none_or(|(_, before)| *before != needs) {
                course.push((age, needs));
            }
        }
        course
    }
}

impl From<Needs> for Demand {
    fn from(needs: Needs) -> Demand {
        Demand { needs, ..Demand::default() }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SKILLS: u32 = 4;

    /// An expression as it was written.
    #[derive(Clone, Debug)]
    enum Written {
        Need(Need),
        And(Box<(Written, Written)>),
        Or(Box<(Written, Written)>),
    }

    impl Written {
        fn read(&self) -> Option<Needs> {
            match self {
                Written::Need(need) => Some([*need].into_iter().collect()),
                Written::And(both) => Some(both.0.read()?.and(&both.1.read()?)),
                Written::Or(both) => both.0.read()?.or(&both.1.read()?),
            }
        }

        fn met(&self, levels: &[u8]) -> bool {
            match self {
                Written::Need(need) => levels[need.skill.0 as usize] >= need.level,
                Written::And(both) => both.0.met(levels) && both.1.met(levels),
                Written::Or(both) => both.0.met(levels) || both.1.met(levels),
            }
        }
    }

    fn written() -> impl Strategy<Value = Written> {
        let need = (0..SKILLS, 0..5u8).prop_map(|(skill, level)| need(skill, level)).prop_map(Written::Need);
        need.prop_recursive(4, 16, 2, |inner| {
            let pair = (inner.clone(), inner).prop_map(Box::new);
            prop_oneof![pair.clone().prop_map(Written::And), pair.prop_map(Written::Or)]
        })
    }

    fn need(skill: u32, level: u8) -> Need {
        Need { skill: SkillId(skill), level }
    }

    proptest! {
        #[test]
        fn needs_are_met_by_whom_they_were_written_for(written in written(), levels in prop::collection::vec(0..6u8, 4)) {
            let Some(needs) = written.read() else { return Ok(()) };
            let level = |skill: SkillId| levels[skill.0 as usize];
            prop_assert_eq!(needs.met(level), written.met(&levels), "{:?}", needs);
            // The sum of levels above is what looking at each clause gives.
            if needs.met(level) {
                let best = |clause: Vec<Need>| {
                    clause.iter().filter_map(|need| level(need.skill).checked_sub(need.level)).max().unwrap()
                };
                let sum: u32 = needs.clauses().map(|clause| u32::from(best(clause.collect()))).sum();
                prop_assert_eq!(needs.above(level), sum);
            }
        }

        #[test]
        fn the_order_of_writing_makes_no_difference(a in written(), b in written()) {
            let (Some(a), Some(b)) = (a.read(), b.read()) else { return Ok(()) };
            prop_assert_eq!(a.and(&b), b.and(&a));
            prop_assert_eq!(a.or(&b), b.or(&a));
            prop_assert_eq!(a.and(&a), a.clone());
            prop_assert!(a.asks_no_more_than(&a.and(&b)));
            prop_assert!(a.or(&b).is_none_or(|either| either.asks_no_more_than(&a)));
            prop_assert_eq!(a.and(&Needs::default()), a);
        }
    }

    #[test]
    fn the_higher_level_is_needed_and_what_follows_is_left_out() {
        let queue: Needs = [need(0, 3), need(1, 0)].into_iter().collect();
        let either = Needs::from_iter([need(1, 2)]).or(&Needs::from_iter([need(2, 5)])).unwrap();
        let call = Needs::from_iter([need(0, 5)]).and(&either);
        let both = queue.and(&call);
        assert_eq!(both, call, "the queue asks for less of the same");
        let skills: Vec<Name> = ["billing", "english", "spanish"].map(Name::from).to_vec();
        let words: Vec<String> = both.facts(&skills).iter().map(ToString::to_string).collect();
        assert_eq!(words, ["billing >= 5", "(english >= 2 or spanish >= 5)"]);
        assert_eq!(both.and(&Needs::from_iter([need(2, 6)])), Needs::from_iter([need(0, 5), need(2, 6)]));
    }

    #[test]
    fn alternatives_of_alternatives_have_an_end() {
        let pair = |n: u32| Needs::from_iter([need(2 * n, 1), need(2 * n + 1, 1)]);
        let mut needs = pair(0);
        for n in 1..5 {
            needs = needs.or(&pair(n)).unwrap();
        }
        assert_eq!(needs.clauses().count(), MOST_CLAUSES);
        assert_eq!(needs.or(&pair(5)), None);
    }

    #[test]
    fn steps_of_queue_and_call_replace_each_their_own() {
        let secs = Duration::from_secs;
        let step = |after, level| Step { after: secs(after), needs: Needs::from_iter([need(0, level)]) };
        let steps = vec![step(20, 3), step(40, 1)];
        let queue = Demand { needs: Needs::from_iter([need(0, 5)]), steps, ..Demand::default() };
        let after = secs(30);
        let english = Needs::from_iter([need(1, 2)]);
        let steps = vec![Step { after, needs: Needs::default() }];
        let call = Demand { needs: english.clone(), steps, ..Demand::default() };
        let level = |level| Needs::from_iter([need(0, level)]);
        let expected =
            [(0, level(5).and(&english)), (20, level(3).and(&english)), (30, level(3)), (40, level(1))];
        assert_eq!(queue.with(&call)[..], expected.map(|(age, needs)| (secs(age), needs)));
        assert_eq!(*queue.at(secs(39)), level(3));
    }
}
