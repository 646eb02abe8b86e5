//! The last whole week of each queue beside the weeks before it, as the reports have their figures.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use jiff::tz::TimeZone;
use rusqlite::Connection;

use crate::base::Name;
use crate::base::WallTime;
use crate::fact::What;
use crate::fact::goal::Figure;
use crate::fact::trend::Change;
use crate::fact::trend::Comparison;
use crate::fact::trend::Day;
use crate::fact::trend::Pattern;
use crate::fact::trend::TrendChange;
use crate::fact::trend::Turn;
use crate::fact::trend::compare;
use crate::store::Readers;
use crate::store::StoreError;
use crate::store::fold::DatedFact;
use crate::store::goals::measured;
use crate::store::read;
use crate::store::service::By;
use crate::store::service::Every;
use crate::store::service::Figures;
use crate::store::service::Intervals;
use crate::store::service::Staff;
use crate::store::service::intervals::week_of;
use crate::store::talk_rows::GivenAnswer;

/// The weeks that a week is held against.
pub const WEEKS_BEFORE: usize = 4;

/// What is compared, in this order. The time that talks take stands before whether one is enough, and never without it.
const COMPARED: [Figure; 7] = [
    Figure::ServiceLevel,
    Figure::Abandonment,
    Figure::AverageWait,
    Figure::AverageHold,
    Figure::AverageHandle,
    Figure::FirstCallResolution,
    Figure::FirstCallResolutionByAnswer,
];

/// What became of a queue's figures.
#[derive(Clone, Debug, PartialEq)]
pub struct QueueTrends {
    pub queue: Name,
    pub trends: Vec<Trend>,
    pub pattern: Option<Pattern>,
}

/// One figure of a week beside the weeks before.
#[derive(Clone, Debug, PartialEq)]
pub struct Trend {
    pub figure: Figure,
    /// When the week begins that is compared: the last whole one; of whether one call was enough, and of how long its talks
    /// were, the one before that, for it shows seven days later.
    pub week: WallTime,
    pub comparison: Comparison,
}

impl QueueTrends {
    /// The fact that tells of it; none where nothing turned to the worse, or to something that somebody should look at.
    pub fn told(&self) -> Option<What> {
        let worth_telling = |trend: &&Trend| match trend.comparison.turn(&trend.figure) {
            Some(Turn::Worse) => true,
            Some(Turn::Other) => trend.figure != Figure::AverageHandle || self.pattern.is_some(),
            Some(Turn::Better) | None => false,
        };
        let change = |trend: &Trend| {
            let question = match &trend.figure {
                Figure::Survey(question) => Some(question.clone()),
                _ => None,
            };
            let (week, before) = (trend.comparison.week.value?, trend.comparison.before.value?);
            Some(TrendChange { figure: trend.figure.written().into(), question, week, before })
        };
        let changes: Vec<TrendChange> = self.trends.iter().filter(worth_telling).filter_map(change).collect();
        let (queue, pattern) = (self.queue.clone(), self.pattern);
        (!changes.is_empty()).then_some(What::TrendSeen { queue, changes, pattern })
    }
}

/// The weeks that are compared by then, by a clock in a zone.
struct Weeks {
    /// When each begins, the oldest first; the last is the one that goes on.
    begins: Vec<WallTime>,
}

impl Weeks {
    fn at(now: WallTime, zone: &TimeZone) -> Option<Weeks> {
        let mut begins = vec![week_of(now, zone).ok()?.0];
        for _ in 0..WEEKS_BEFORE + 2 {
            let before = WallTime(begins.last()?.0 - 1);
            begins.push(week_of(before, zone).ok()?.0);
        }
        begins.reverse();
        Some(Weeks { begins })
    }

    fn from(&self) -> WallTime {
        self.begins[0]
    }

    fn until(&self) -> WallTime {
        self.begins[WEEKS_BEFORE + 2]
    }

    /// Which of the weeks a figure is compared of.
    fn compared(figure: &Figure) -> usize {
        match figure {
            Figure::FirstCallResolution | Figure::AverageHandle => WEEKS_BEFORE,
            _ => WEEKS_BEFORE + 1,
        }
    }

    /// Compares days, each by its beginning.
    fn trend(&self, figure: Figure, days: &[(WallTime, Day)]) -> Trend {
        let place = Weeks::compared(&figure);
        let within = |from: WallTime, until: WallTime| -> Vec<Day> {
            let days = days.iter().filter(|(begins, _)| *begins >= from && *begins < until);
            days.map(|(_, day)| *day).collect()
        };
        let week = self.begins[place];
        let comparison = compare(
            &figure,
            &within(week, self.begins[place + 1]),
            &within(self.begins[place - WEEKS_BEFORE], week),
        );
        Trend { figure, week, comparison }
    }
}

/// When the week of a moment begins; none where the calendar has none.
pub fn week_begins(now: WallTime, zone: &TimeZone) -> Option<WallTime> {
    week_of(now, zone).ok().map(|(begins, _)| begins)
}

/// Every queue that somebody came to, by name; weeks are those of a clock in `zone`.
pub(super) fn report(
    readers: &Readers,
    staff: Staff,
    zone: &TimeZone,
    now: WallTime,
) -> Result<Vec<QueueTrends>, StoreError> {
    // A calendar without these weeks has nothing to compare.
    let Some(weeks) = Weeks::at(now, zone) else { return Ok(Vec::new()) };
    let Ok(days) = Intervals::new(weeks.from(), weeks.until(), Every::Day, zone) else {
        return Ok(Vec::new());
    };
    let rows = readers.service_report(By::Queue, days.clone(), staff, now)?.unwrap_or_default();
    let mut answers = answers_by_day(&readers.answers(weeks.from(), weeks.until())?, &days);
    let mut queues = Vec::new();
    for row in rows.iter().filter(|row| !row.name.is_empty()) {
        let of = |figure: &Figure| -> Vec<(WallTime, Day)> {
            let day =
                |(begins, figures): &(WallTime, Figures)| (*begins, Day::from(measured(figure, figures)));
            row.intervals.iter().map(day).collect()
        };
        let mut trends: Vec<Trend> =
            COMPARED.into_iter().map(|figure| weeks.trend(figure.clone(), &of(&figure))).collect();
        let change = |figure: Figure| {
            let trend = trends.iter().find(|trend| trend.figure == figure);
            trend.map_or(Change::TooFew, |trend| trend.comparison.change())
        };
        let pattern = Pattern::of(change(Figure::AverageHandle), change(Figure::FirstCallResolution));
        let asked = answers.remove(&row.name).unwrap_or_default();
        trends.extend(asked.into_iter().map(|(question, days)| weeks.trend(Figure::Survey(question), &days)));
        queues.push(QueueTrends { queue: row.name.clone(), trends, pattern });
    }
    Ok(queues)
}

type DaysOfQuestions = BTreeMap<Name, Vec<(WallTime, Day)>>;

/// What was answered about each queue to each question, by the day on which the call arrived.
fn answers_by_day(answers: &[GivenAnswer], days: &Intervals) -> BTreeMap<Name, DaysOfQuestions> {
    let mut cells: BTreeMap<Name, BTreeMap<Name, BTreeMap<WallTime, Day>>> = BTreeMap::new();
    for given in answers {
        let Some(place) = days.place(given.arrived) else { continue };
        let questions = cells.entry(given.queue.clone()).or_default();
        let day = questions.entry(given.question.clone()).or_default().entry(days.begins(place)).or_default();
        day.sum += f64::from(given.answer);
        day.count += 1;
    }
    let flat = |questions: BTreeMap<Name, BTreeMap<WallTime, Day>>| {
        questions.into_iter().map(|(question, days)| (question, days.into_iter().collect())).collect()
    };
    cells.into_iter().map(|(queue, questions)| (queue, flat(questions))).collect()
}

/// What was told of trends since then, in order.
pub(super) fn told(connection: &Connection, since: WallTime) -> Result<Vec<DatedFact>, StoreError> {
    // From the end, for there may be years before it.
    let mut statement =
        connection.prepare("SELECT wall_us, at_us, json FROM facts WHERE call = 0 ORDER BY seq DESC")?;
    let mut rows = statement.query([])?;
    let mut told = Vec::new();
    while let Some(row) = rows.next()?
        && WallTime(row.get(0)?) >= since
    {
        if read::is_of(row.get_ref(2)?.as_str().unwrap_or_default(), &["trend_seen"]) {
            told.extend(read::dated(row, None)?);
        }
    }
    told.reverse();
    Ok(told)
}

/// Of which queues something is to be told that was not told since this week began.
pub fn news(trends: &[QueueTrends], told: &[DatedFact]) -> Vec<What> {
    let known: BTreeSet<&Name> = told
        .iter()
        .filter_map(|dated| match &dated.fact.what {
            What::TrendSeen { queue, .. } => Some(queue),
            _ => None,
        })
        .collect();
    trends.iter().filter(|of| !known.contains(&of.queue)).filter_map(QueueTrends::told).collect()
}

#[cfg(test)]
mod tests;
