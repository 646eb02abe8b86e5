//! Whether a figure of a week is another one than in the weeks before it by more than chance. No clock.

use std::fmt;

use serde::Deserialize;
use serde::Serialize;

use crate::base::Name;
use crate::fact::goal::Actual;
use crate::fact::goal::Figure;
use crate::fact::goal::TELLING;
use crate::fact::goal::Unit;

/// A difference of more than so many times what chance makes of it is one: of a hundred figures that stay as they are, one in some
/// years is taken for another.
pub const BEYOND: f64 = 4.0;

/// How days differ by themselves is known from at least so many.
pub const LEAST_DAYS: usize = 10;

/// Nothing is so far beyond chance that it needs a higher number.
const MOST: f64 = 99.0;

/// A day's figure: the sum of what was counted, in the figure's unit, and of how many.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Day {
    pub sum: f64,
    pub count: u32,
}

impl From<Actual> for Day {
    fn from(actual: Actual) -> Day {
        Day { sum: actual.value.unwrap_or_default() * f64::from(actual.count), count: actual.count }
    }
}

/// A week's figure beside that of the weeks before.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Comparison {
    pub week: Actual,
    pub before: Actual,
    /// How many times the difference is what chance makes of it, negative where the figure went down; none where too little is
    /// known of it.
    pub times_chance: Option<f64>,
}

/// What became of a figure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    Up,
    Down,
    AsBefore,
    /// Fewer than [`TELLING`] were counted in the week or before, or on fewer than [`LEAST_DAYS`] days.
    TooFew,
}

/// What a change is to callers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Turn {
    Better,
    Worse,
    /// It changed, and the figure alone does not say for whose good.
    Other,
}

/// What became of the time that talks take and of whether one is enough, together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Pattern {
    /// Talks are shorter, and help fewer at once.
    Hurried,
    /// Talks are longer, and help fewer at once.
    Overtaxed,
}

/// A figure that changed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TrendChange {
    /// By its word in `center.yaml`.
    pub figure: Name,
    /// Of a survey.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub question: Option<Name>,
    /// In the figure's unit.
    pub week: f64,
    pub before: f64,
}

/// Changes in words: `service_level 61.2 % (83 % before), average_wait 80 s (12 s before)`, and what the pattern may mean.
pub fn in_words(changes: &[TrendChange], pattern: Option<Pattern>) -> String {
    let words: Vec<String> = changes.iter().map(TrendChange::to_string).collect();
    let meaning = pattern.map(|pattern| format!("; {}", pattern.words())).unwrap_or_default();
    format!("{}{meaning}", words.join(", "))
}

impl fmt::Display for TrendChange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (known, word) = (Figure::named(&self.figure), &self.figure);
        let unit = known.map_or("", |figure| figure.unit().sign());
        let rounded = |value: f64| (value * 10.0).round() / 10.0;
        let question = self.question.as_ref().map(|question| format!(" {question}")).unwrap_or_default();
        let (week, before) = (rounded(self.week), rounded(self.before));
        write!(f, "{word}{question} {week}{unit} ({before}{unit} before)")
    }
}

/// Compares the days of a week with those before it.
///
/// It is the weighted t-test of two means, of days by how many were counted on each, with the scatter of days around their own
/// period's mean. So a queue whose days differ much anyway, for a bad hour is the lot of all who call in it, has to differ more. Of shares the
/// scatter is at least what chance makes of so many callers.
pub fn compare(figure: &Figure, week: &[Day], before: &[Day]) -> Comparison {
    let (now, then) = (mean(week), mean(before));
    let comparison = Comparison { week: now, before: then, times_chance: None };
    let (Some(of_week), Some(of_before)) = (now.value, then.value) else { return comparison };
    let days = week.iter().chain(before).filter(|day| day.count > 0).count();
    if now.count < TELLING || then.count < TELLING || days < LEAST_DAYS {
        return comparison;
    }
    let scatter = (scatter(week, of_week) + scatter(before, of_before)) / (days - 2) as f64;
    let scatter = match figure.unit() {
        Unit::Percent => {
            let all = mean(&[week, before].concat()).value.unwrap_or_default();
            scatter.max(all * (100.0 - all))
        }
        Unit::Seconds | Unit::Key => scatter,
    };
    let chance = (scatter * (1.0 / f64::from(now.count) + 1.0 / f64::from(then.count))).sqrt();
    let difference = of_week - of_before;
    let times = if difference == 0.0 { 0.0 } else { (difference / chance).clamp(-MOST, MOST) };
    Comparison { times_chance: Some(times), ..comparison }
}

fn mean(days: &[Day]) -> Actual {
    let count: u32 = days.iter().map(|day| day.count).sum();
    let sum: f64 = days.iter().map(|day| day.sum).sum();
    Actual { value: (count > 0).then(|| sum / f64::from(count)), count }
}

/// The squares of how far days are from their mean, each by how many were counted on it.
fn scatter(days: &[Day], mean: f64) -> f64 {
    let square = |day: &Day| (day.sum - mean * f64::from(day.count)).powi(2) / f64::from(day.count);
    days.iter().filter(|day| day.count > 0).map(square).sum()
}

impl Comparison {
    pub fn change(&self) -> Change {
        match self.times_chance {
            None => Change::TooFew,
            Some(times) if times > BEYOND => Change::Up,
            Some(times) if times < -BEYOND => Change::Down,
            Some(_) => Change::AsBefore,
        }
    }

    /// What the change of this figure is to callers; none where there is none.
    pub fn turn(&self, figure: &Figure) -> Option<Turn> {
        let up = match self.change() {
            Change::Up => true,
            Change::Down => false,
            Change::AsBefore | Change::TooFew => return None,
        };
        Some(match figure.more_is_better().filter(|_| *figure != Figure::AverageHandle) {
            Some(better) if better == up => Turn::Better,
            Some(_) => Turn::Worse,
            // A longer talk may be the better one.
            None => Turn::Other,
        })
    }
}

impl Pattern {
    /// What the two changes of one week are together.
    pub fn of(handle: Change, resolution: Change) -> Option<Pattern> {
        match (handle, resolution) {
            (Change::Down, Change::Down) => Some(Pattern::Hurried),
            (Change::Up, Change::Down) => Some(Pattern::Overtaxed),
            _ => None,
        }
    }

    pub fn written(self) -> &'static str {
        match self {
            Pattern::Hurried => "hurried",
            Pattern::Overtaxed => "overtaxed",
        }
    }

    /// What it may mean.
    pub fn words(self) -> &'static str {
        match self {
            Pattern::Hurried => {
                "talks are shorter and fewer callers are helped at once: they may be hurried off the line, and call again"
            }
            Pattern::Overtaxed => {
                "talks are longer and fewer callers are helped at once: they may ask for something that agents do not know yet"
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Entropy;

    /// Days of so many, with this mean.
    fn days(many: usize, count: u32, mean: f64) -> Vec<Day> {
        vec![Day { sum: mean * f64::from(count), count }; many]
    }

    #[test]
    fn a_share_that_falls_by_more_than_chance_has_changed_and_for_the_worse() {
        let figure = Figure::ServiceLevel;
        let of = |week: f64| compare(&figure, &days(7, 50, week), &days(28, 50, 80.0));
        let fell = of(60.0);
        assert_eq!((fell.change(), fell.turn(&figure)), (Change::Down, Some(Turn::Worse)));
        // Of 350 and 1400 callers with 76 % in all, chance makes 2.55 points of a difference.
        let times = fell.times_chance.unwrap();
        assert!((times + 20.0 / 2.552).abs() < 0.01, "{times}");
        assert_eq!((of(71.0).change(), of(71.0).turn(&figure)), (Change::AsBefore, None));
        assert_eq!(of(95.0).turn(&figure), Some(Turn::Better));
        let gave_up = compare(&Figure::Abandonment, &days(7, 50, 20.0), &days(28, 50, 5.0));
        assert_eq!(gave_up.turn(&Figure::Abandonment), Some(Turn::Worse));
    }

    #[test]
    fn where_days_differ_much_anyway_a_week_has_to_differ_more() {
        let uneven: Vec<Day> =
            (0..28).map(|day| Day { sum: if day % 2 == 0 { 5_000.0 } else { 3_000.0 }, count: 50 }).collect();
        let week = days(7, 50, 60.0);
        assert_eq!(compare(&Figure::ServiceLevel, &week, &days(28, 50, 80.0)).change(), Change::Down);
        assert_eq!(compare(&Figure::ServiceLevel, &week, &uneven).change(), Change::AsBefore);
        // The same of a mean, worked by hand: days of 100 and 60 s around 80, and 7 of 140: 22 400 times 50 by 33 of scatter.
        let mean = compare(&Figure::AverageWait, &days(7, 50, 140.0), &uneven);
        let chance = (28.0 * 50.0 * 400.0 / 33.0_f64 * (1.0 / 350.0 + 1.0 / 1_400.0)).sqrt();
        assert!((mean.times_chance.unwrap() - 60.0 / chance).abs() < 1e-9);
    }

    #[test]
    fn of_few_callers_or_days_nothing_is_said() {
        let of = |week: &[Day], before: &[Day]| compare(&Figure::AverageWait, week, before).change();
        assert_eq!(of(&days(7, 4, 90.0), &days(28, 50, 10.0)), Change::TooFew);
        assert_eq!(of(&days(7, 50, 90.0), &days(7, 4, 10.0)), Change::TooFew);
        assert_eq!(of(&days(5, 50, 90.0), &days(4, 50, 10.0)), Change::TooFew);
        assert_eq!(of(&days(5, 50, 90.0), &days(5, 50, 10.0)), Change::Up);
        assert_eq!(of(&days(7, 50, 10.0), &days(28, 50, 10.0)), Change::AsBefore);
        assert_eq!(of(&[], &days(28, 50, 10.0)), Change::TooFew);
    }

    #[test]
    fn noise_is_no_change() {
        let mut entropy = Entropy::new([7; 32]);
        let mut share = || entropy.below(1_000) as f64 / 1_000.0;
        let mut alarms = 0;
        for _ in 0..2_000 {
            // Each day has a luck of its own, as busy hours have it.
            let mut day = || {
                let luck = 0.7 + 0.2 * share();
                let kept = (0..40).filter(|_| share() < luck).count();
                Day { sum: kept as f64 * 100.0, count: 40 }
            };
            let week: Vec<Day> = (0..7).map(|_| day()).collect();
            let before: Vec<Day> = (0..28).map(|_| day()).collect();
            let change = compare(&Figure::ServiceLevel, &week, &before).change();
            alarms += u32::from(change != Change::AsBefore);
        }
        assert!(alarms <= 2, "{alarms} of 2000");
    }

    #[test]
    fn shorter_talks_that_help_fewer_are_not_the_same_as_longer_ones() {
        assert_eq!(Pattern::of(Change::Down, Change::Down), Some(Pattern::Hurried));
        assert_eq!(Pattern::of(Change::Up, Change::Down), Some(Pattern::Overtaxed));
        assert_eq!(Pattern::of(Change::Down, Change::AsBefore), None);
        assert_eq!(Pattern::of(Change::Down, Change::Up), None);
        let change =
            |figure: &str, week, before| TrendChange { figure: figure.into(), question: None, week, before };
        let changes = [change("average_handle", 120.04, 180.0), change("first_call_resolution", 61.0, 75.5)];
        assert_eq!(
            in_words(&changes, Some(Pattern::Hurried)),
            "average_handle 120 s (180 s before), first_call_resolution 61 % (75.5 % before); talks are shorter and fewer callers \
             are helped at once: they may be hurried off the line, and call again"
        );
        // By itself the time that talks take is neither good nor bad.
        let longer = compare(&Figure::AverageHandle, &days(7, 50, 300.0), &days(28, 50, 200.0));
        assert_eq!(longer.turn(&Figure::AverageHandle), Some(Turn::Other));
    }
}
