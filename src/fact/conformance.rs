//! Whether an agent keeps a rule more or less often than others do by more than chance. No clock.

use crate::fact::goal::TELLING;
use crate::fact::trend::BEYOND;

/// Nothing is so far beyond chance that it needs a higher number.
const MOST: f64 = 99.0;

/// Talks to which a rule applied, and in how many of them it was kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Kept {
    pub applied: u32,
    pub kept: u32,
}

impl Kept {
    /// Of the talks to which it applied, 0 to 1; none where there was none.
    pub fn share(self) -> Option<f64> {
        (self.applied > 0).then(|| f64::from(self.kept) / f64::from(self.applied))
    }

    /// These and those.
    pub fn plus(self, other: Kept) -> Kept {
        Kept { applied: self.applied + other.applied, kept: self.kept + other.kept }
    }

    /// These without those, which are among them.
    pub fn without(self, some: Kept) -> Kept {
        Kept { applied: self.applied - some.applied, kept: self.kept - some.kept }
    }
}

/// An agent's talks beside those of others.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Deviation {
    /// What others kept, 0 to 1: of the same queues, each weighing as much as in the agent's talks. None where the agent shares no queue
    /// with anybody.
    pub others: Option<f64>,
    /// How far the agent's share of these queues is from that.
    pub difference: Option<f64>,
    /// How many times the difference is what chance makes of it, negative where the agent keeps it less often; none where
    /// too little is known.
    pub times_chance: Option<f64>,
}

/// How an agent differs from others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Deviates {
    MoreOften,
    LessOften,
    AsOthers,
    /// The agent had fewer than [`TELLING`] such talks in queues that others serve as well, or these had too few.
    TooFew,
}

impl Deviates {
    pub fn written(self) -> &'static str {
        match self {
            Deviates::MoreOften => "more_often",
            Deviates::LessOften => "less_often",
            Deviates::AsOthers => "as_others",
            Deviates::TooFew => "too_few",
        }
    }
}

/// Holds an agent's talks against those of others, queue by queue: `(the agent's, the others')`.
///
/// It is the likelihood-ratio test of two shares (G, as its signed root, which chance makes as wide as a normal's). It stays honest
/// where a rule is nearly always kept, and the difference of two shares by their standard error does not: who broke one of 30
/// talks where others break one of 1000 would be five times beyond chance by it, and is twice.
pub fn deviation(queues: impl IntoIterator<Item = (Kept, Kept)>) -> Deviation {
    let (mut own, mut expected, mut spread) = (Kept::default(), 0.0, 0.0);
    for (of_agent, of_others) in queues {
        let Some(share) = of_others.share().filter(|_| of_agent.applied > 0) else { continue };
        let applied = f64::from(of_agent.applied);
        own = own.plus(of_agent);
        expected += applied * share;
        spread += applied * applied / f64::from(of_others.applied);
    }
    let Some(share) = own.share() else { return Deviation::default() };
    let applied = f64::from(own.applied);
    let others = expected / applied;
    // The others' share is as certain as that of so many talks of one queue.
    let of_others = applied * applied / spread;
    let difference = share - others;
    let is_telling = own.applied >= TELLING && of_others >= f64::from(TELLING);
    let times_chance = is_telling.then(|| {
        let all = (applied * share + of_others * others) / (applied + of_others);
        let root = (2.0 * (applied * apart(share, all) + of_others * apart(others, all))).max(0.0).sqrt();
        root.min(MOST).copysign(difference)
    });
    Deviation { others: Some(others), difference: Some(difference), times_chance }
}

/// How unlikely talks with this share are where it is `all`, a talk: Kullback and Leibler's divergence.
fn apart(share: f64, all: f64) -> f64 {
    let part = |of: f64, by: f64| if of > 0.0 && by > 0.0 { of * (of / by).ln() } else { 0.0 };
    part(share, all) + part(1.0 - share, 1.0 - all)
}

impl Deviation {
    pub fn deviates(&self) -> Deviates {
        match self.times_chance {
            None => Deviates::TooFew,
            Some(times) if times > BEYOND => Deviates::MoreOften,
            Some(times) if times < -BEYOND => Deviates::LessOften,
            Some(_) => Deviates::AsOthers,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Entropy;

    fn kept(kept: u32, applied: u32) -> Kept {
        Kept { applied, kept }
    }

    #[test]
    fn who_keeps_a_rule_far_less_often_than_others_is_told_apart_and_by_how_much() {
        let of = |own| deviation([(own, kept(900, 1_000))]);
        let fell = of(kept(70, 100));
        assert_eq!((fell.deviates(), fell.others), (Deviates::LessOften, Some(0.9)));
        assert!((fell.difference.unwrap() + 0.2).abs() < 1e-9);
        // By hand: 970 of 1100 in all, and 2 times the sum of k ln (k / expected) over the four cells is 26.20.
        let cells =
            [(70.0, 970.0 / 11.0), (30.0, 130.0 / 11.0), (900.0, 9_700.0 / 11.0), (100.0, 1_300.0 / 11.0)];
        let sum: f64 = cells.iter().map(|(seen, expected): &(f64, f64)| seen * (seen / expected).ln()).sum();
        assert!((fell.times_chance.unwrap() + (2.0 * sum).sqrt()).abs() < 1e-9, "{fell:?}");
        assert_eq!(of(kept(86, 100)).deviates(), Deviates::AsOthers);
        assert_eq!(of(kept(100, 100)).deviates(), Deviates::MoreOften);
        assert_eq!(deviation([(kept(50, 50), kept(80, 80))]).times_chance, Some(0.0), "nobody breaks it");
    }

    #[test]
    fn of_few_talks_nothing_is_said_and_one_slip_is_no_habit() {
        let of = |own, others| deviation([(own, others)]).deviates();
        assert_eq!(of(kept(0, 29), kept(900, 1_000)), Deviates::TooFew);
        assert_eq!(of(kept(0, 30), kept(29, 29)), Deviates::TooFew);
        assert_eq!(of(kept(0, 30), kept(900, 1_000)), Deviates::LessOften);
        assert_eq!(of(kept(29, 30), kept(999, 1_000)), Deviates::AsOthers);
        assert_eq!(of(kept(26, 30), kept(9_990, 10_000)), Deviates::LessOften);
        assert_eq!(deviation([(kept(40, 40), kept(0, 0))]), Deviation::default(), "nobody else is there");
    }

    #[test]
    fn whoever_serves_a_hard_queue_is_held_against_others_of_that_queue() {
        // In sales hardly anybody is verified, in billing nearly all are: she does in each as others do, and serves sales more.
        let own = [kept(19, 20), kept(18, 180)];
        let others = [kept(950, 1_000), kept(50, 500)];
        let fair = deviation(own.into_iter().zip(others));
        assert_eq!(fair.deviates(), Deviates::AsOthers);
        assert!(fair.difference.unwrap().abs() < 1e-9, "{fair:?}");
        let together = deviation([(own[0].plus(own[1]), others[0].plus(others[1]))]);
        assert_eq!(together.deviates(), Deviates::LessOften, "without queues it would be held against her");
        // A queue that nobody else serves says nothing.
        let alone = own.into_iter().zip(others).chain([(kept(0, 500), kept(0, 0))]);
        assert_eq!(deviation(alone), fair);
    }

    #[test]
    fn chance_alone_is_hardly_ever_a_deviation() {
        let mut entropy = Entropy::new([7; 32]);
        let mut draw = |applied: u32, percent: u64| {
            let kept = (0..applied).filter(|_| entropy.below(1_000) < percent * 10).count();
            Kept { applied, kept: kept as u32 }
        };
        let mut told = 0;
        for round in 0..4_000 {
            let percent = [50, 80, 95, 99][round % 4];
            let queues: Vec<(Kept, Kept)> =
                (0..2).map(|queue| (draw(30, percent - queue), draw(300, percent - queue))).collect();
            told += u32::from(deviation(queues).deviates() != Deviates::AsOthers);
        }
        assert!(told <= 2, "{told} of 4000");
    }
}
