//! Goals: what a figure of the reports is to come to in a time, and whether it did.

use std::fmt;

use crate::base::Name;
use crate::base::WallTime;

/// Of fewer than so many nothing is said: one caller more or less would change it.
pub const TELLING: u32 = 30;

/// What a figure is to come to in a time.
#[derive(Clone, Debug, PartialEq)]
pub struct Goal {
    /// As its operator calls it.
    pub name: Name,
    /// Whose figure; none: the whole center's.
    pub queue: Option<Name>,
    pub figure: Figure,
    /// In the figure's unit.
    pub bound: Bound,
    pub from: WallTime,
    /// The first moment after it; none: for ever.
    pub until: Option<WallTime>,
    /// In the operator's words; empty for none.
    pub why: String,
}

/// A figure of the reports that a goal may be of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Figure {
    ServiceLevel,
    ServiceLevelOfAll,
    Within180S,
    Abandonment,
    AverageWait,
    QuotesKept,
    FirstCallResolution,
    FirstCallResolutionByAnswer,
    AverageHold,
    AverageHandle,
    /// The mean of the answers to this question.
    Survey(Name),
}

/// What a figure is counted in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    Percent,
    Seconds,
    /// What callers key.
    Key,
}

/// On which side of what a figure is to be.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Bound {
    AtLeast(f64),
    AtMost(f64),
}

/// What a figure came to, and of how many.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Actual {
    /// In the figure's unit; none where there was nothing to take it of.
    pub value: Option<f64>,
    pub count: u32,
}

/// Whether a figure came to what it was to come to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    Reached,
    NotReached,
    /// Fewer than [`TELLING`] were counted.
    TooFew,
}

/// Where a goal's time stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    Coming,
    Running,
    Over,
}

impl Figure {
    /// Every figure by the word that is written for it; that of a survey needs its question.
    pub const WORDS: [(&str, Figure); 10] = [
        ("service_level", Figure::ServiceLevel),
        ("service_level_of_all", Figure::ServiceLevelOfAll),
        ("within_180_s", Figure::Within180S),
        ("abandonment", Figure::Abandonment),
        ("average_wait", Figure::AverageWait),
        ("quotes_kept", Figure::QuotesKept),
        ("first_call_resolution", Figure::FirstCallResolution),
        ("first_call_resolution_by_answer", Figure::FirstCallResolutionByAnswer),
        ("average_hold", Figure::AverageHold),
        ("average_handle", Figure::AverageHandle),
    ];
    /// And the word for that.
    pub const SURVEY: &str = "survey";

    /// The figure of this word, but for that of a survey.
    pub fn named(word: &str) -> Option<Figure> {
        Figure::WORDS.into_iter().find(|(known, _)| *known == word).map(|(_, figure)| figure)
    }

    /// As it is written.
    pub fn written(&self) -> &'static str {
        let known = Figure::WORDS.iter().find(|(_, figure)| figure == self);
        known.map_or(Figure::SURVEY, |(word, _)| word)
    }

    pub fn unit(&self) -> Unit {
        match self {
            Figure::AverageWait | Figure::AverageHold | Figure::AverageHandle => Unit::Seconds,
            Figure::Survey(_) => Unit::Key,
            _ => Unit::Percent,
        }
    }

    /// Whether more of it is better for callers; none where that is the question's to say.
    pub fn more_is_better(&self) -> Option<bool> {
        match self {
            Figure::Survey(_) => None,
            Figure::Abandonment | Figure::AverageWait | Figure::AverageHold | Figure::AverageHandle => {
                Some(false)
            }
            _ => Some(true),
        }
    }
}

impl Unit {
    /// As it is written: `percent`, `seconds`, `key`.
    pub fn written(self) -> &'static str {
        match self {
            Unit::Percent => "percent",
            Unit::Seconds => "seconds",
            Unit::Key => "key",
        }
    }

    /// What stands behind a number.
    pub fn sign(self) -> &'static str {
        match self {
            Unit::Percent => " %",
            Unit::Seconds => " s",
            Unit::Key => "",
        }
    }
}

impl Bound {
    fn holds(self, value: f64) -> bool {
        match self {
            Bound::AtLeast(least) => value >= least,
            Bound::AtMost(most) => value <= most,
        }
    }
}

impl Goal {
    /// Whether a figure of the goal's time, or of a part of it, is what it is to be.
    pub fn judge(&self, actual: Actual) -> Verdict {
        match actual.value.filter(|_| actual.count >= TELLING) {
            None => Verdict::TooFew,
            Some(value) if self.bound.holds(value) => Verdict::Reached,
            Some(_) => Verdict::NotReached,
        }
    }

    pub fn stage(&self, now: WallTime) -> Stage {
        match self.until {
            _ if now < self.from => Stage::Coming,
            Some(until) if until <= now => Stage::Over,
            _ => Stage::Running,
        }
    }

    /// Which part of its time has passed; none of one without an end.
    pub fn through(&self, now: WallTime) -> Option<f64> {
        let until = self.until?;
        let (passed, whole) = (now.min(until).since(self.from), until.since(self.from));
        Some(if whole.is_zero() { 1.0 } else { passed.as_secs_f64() / whole.as_secs_f64() })
    }
}

impl fmt::Display for Goal {
    /// `service_level at least 85 %`
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (word, bound) = match self.bound {
            Bound::AtLeast(least) => ("at least", least),
            Bound::AtMost(most) => ("at most", most),
        };
        let unit = self.figure.unit().sign();
        write!(f, "{}", self.figure.written())?;
        if let Figure::Survey(question) = &self.figure {
            write!(f, " {question}")?;
        }
        write!(f, " {word} {bound}{unit}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn goal(bound: Bound) -> Goal {
        let (from, until) = (WallTime(0), Some(WallTime(100_000_000)));
        let (queue, why) = (Some("billing".into()), String::new());
        Goal { name: "quick".into(), queue, figure: Figure::ServiceLevel, bound, from, until, why }
    }

    #[test]
    fn a_goal_is_reached_missed_or_of_too_few_to_say() {
        let judge = |bound, value, count| goal(bound).judge(Actual { value, count });
        let (least, most) = (Bound::AtLeast(80.0), Bound::AtMost(80.0));
        assert_eq!(judge(least, Some(80.0), 30), Verdict::Reached);
        assert_eq!(judge(least, Some(79.99), 1_000), Verdict::NotReached);
        assert_eq!(judge(most, Some(80.0), 30), Verdict::Reached);
        assert_eq!(judge(most, Some(80.01), 30), Verdict::NotReached);
        assert_eq!(judge(least, Some(100.0), 29), Verdict::TooFew);
        assert_eq!(judge(least, None, 0), Verdict::TooFew);
    }

    #[test]
    fn how_far_through_its_time_a_goal_is_goes_by_the_time_alone() {
        let goal = goal(Bound::AtLeast(80.0));
        let at = |secs: i64| WallTime(secs * 1_000_000);
        let stands = |secs| (goal.stage(at(secs)), goal.through(at(secs)));
        assert_eq!(stands(-1), (Stage::Coming, Some(0.0)));
        assert_eq!(stands(25), (Stage::Running, Some(0.25)));
        assert_eq!(stands(100), (Stage::Over, Some(1.0)));
        let endless = Goal { until: None, ..goal };
        assert_eq!((endless.stage(at(1_000)), endless.through(at(1_000))), (Stage::Running, None));
    }

    #[test]
    fn a_goal_reads_as_it_is_written() {
        assert_eq!(goal(Bound::AtLeast(62.5)).to_string(), "service_level at least 62.5 %");
        let wait = Goal { figure: Figure::AverageWait, ..goal(Bound::AtMost(20.0)) };
        assert_eq!(wait.to_string(), "average_wait at most 20 s");
        let survey = Goal { figure: Figure::Survey("satisfied".into()), ..goal(Bound::AtLeast(4.2)) };
        assert_eq!(survey.to_string(), "survey satisfied at least 4.2");
    }
}
