//! What goals came to: the figures of the reports, of each goal's own time and of the weeks in it.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use jiff::tz::TimeZone;

use crate::base::Name;
use crate::base::WallTime;
use crate::fact::goal::Actual;
use crate::fact::goal::Figure;
use crate::fact::goal::Goal;
use crate::store::Readers;
use crate::store::StoreError;
use crate::store::service::By;
use crate::store::service::Every;
use crate::store::service::Figures;
use crate::store::service::Intervals;
use crate::store::service::Row;
use crate::store::service::Staff;
use crate::store::surveys::AnswerTally;
use crate::store::surveys::SurveyReport;

/// A goal, and what its figure has come to.
#[derive(Clone, Debug, PartialEq)]
pub struct ToldGoal {
    pub goal: Goal,
    pub actual: Actual,
    /// The weeks of its time as far as they have begun, by their beginning: the first is the rest of the week in which the goal
    /// begins.
    pub weeks: Vec<(WallTime, Actual)>,
}

/// What all goals came to by `now`; weeks are those of a clock in `zone`.
pub(super) fn report(
    readers: &Readers,
    goals: Vec<Goal>,
    staff: &Staff,
    zone: &TimeZone,
    now: WallTime,
) -> Result<Vec<ToldGoal>, StoreError> {
    // Many goals are of one quarter: its history is read once.
    let mut read: BTreeMap<(WallTime, WallTime), Vec<Row>> = BTreeMap::new();
    let mut told = Vec::new();
    for goal in goals {
        let until = goal.until.map_or(now, |until| until.min(now));
        let Ok(intervals) = Intervals::new(goal.from, until, Every::Week, zone) else {
            // It has not begun.
            told.push(ToldGoal { goal, actual: Actual::default(), weeks: Vec::new() });
            continue;
        };
        let (actual, weeks) = match &goal.figure {
            Figure::Survey(question) => {
                let of = |from, until| {
                    let report = readers.survey_report(from, until)?;
                    Ok::<_, StoreError>(answered(&report, goal.queue.as_ref(), question))
                };
                let mut weeks = Vec::new();
                for (from, until) in intervals.spans() {
                    weeks.push((from, of(from, until)?));
                }
                (of(goal.from, until)?, weeks)
            }
            figure => {
                let time = (goal.from, until);
                if let Entry::Vacant(place) = read.entry(time) {
                    let rows = readers.service_report(By::Queue, intervals.clone(), staff.clone(), now)?;
                    // A row a queue and week are never too many.
                    place.insert(rows.unwrap_or_default());
                }
                let rows = read[&time].iter();
                let rows: Vec<&Row> =
                    rows.filter(|row| goal.queue.as_ref().is_none_or(|queue| row.name == *queue)).collect();
                let whole = Figures::sum(rows.iter().map(|row| &row.whole));
                let begins = intervals.spans().map(|(from, _)| from);
                let weeks = begins.map(|from| {
                    let parts = rows.iter().flat_map(|row| &row.intervals);
                    let parts = parts.filter(|(begins, _)| *begins == from).map(|(_, figures)| figures);
                    (from, measured(figure, &Figures::sum(parts)))
                });
                (measured(figure, &whole), weeks.collect())
            }
        };
        told.push(ToldGoal { goal, actual, weeks });
    }
    Ok(told)
}

/// What a figure comes to; of an answer to a question, nothing.
pub(super) fn measured(figure: &Figure, figures: &Figures) -> Actual {
    let percent = |share: Option<f64>, count| Actual { value: share.map(|share| share * 100.0), count };
    let (tally, handling) = (&figures.tally, &figures.handling);
    match figure {
        Figure::ServiceLevel => percent(tally.service_level(), tally.answered + tally.abandoned),
        Figure::ServiceLevelOfAll => percent(tally.service_level_of_all(), tally.ended()),
        Figure::Within180S => percent(tally.within_long_wait(), tally.ended()),
        Figure::Abandonment => percent(tally.abandonment(), tally.ended()),
        Figure::AverageWait => {
            Actual { value: tally.average().map(|mean| mean.as_secs_f64()), count: tally.answered }
        }
        Figure::QuotesKept => percent(tally.covered(), tally.kept + tally.broken),
        Figure::FirstCallResolution => percent(handling.first_call_resolution(), handling.contacts),
        Figure::FirstCallResolutionByAnswer => percent(handling.settled_by_answer(), handling.asked),
        Figure::AverageHold => {
            let mean = handling.per_talk(handling.held);
            Actual { value: mean.map(|mean| mean.as_secs_f64()), count: handling.talks }
        }
        Figure::AverageHandle => {
            Actual { value: handling.average().map(|mean| mean.as_secs_f64()), count: handling.talks }
        }
        Figure::Survey(_) => Actual::default(),
    }
}

/// The mean of the answers to a question, about a queue or about all.
fn answered(report: &SurveyReport, queue: Option<&Name>, question: &Name) -> Actual {
    let about = |(of, asked): &(Name, Name)| asked == question && queue.is_none_or(|queue| of == queue);
    let tallies = report.queues.iter().filter(|(key, _)| about(key)).map(|(_, tally)| *tally);
    let all: AnswerTally = tallies.sum();
    Actual { value: all.mean(), count: all.answers }
}

#[cfg(test)]
mod tests;
