//! What the center's goals came to, at the terminal.

use jiff::tz::TimeZone;

use crate::cli::report::maybe;
use crate::cli::report::minute;
use crate::cli::show;
use crate::cli::table::table;
use crate::store::goals::ToldGoal;
use crate::store::view::goals::ActualView;
use crate::store::view::goals::GoalReportView;

const GOALS: [&str; 8] = ["goal", "of", "is to be", "from", "through %", "actual", "of so many", "so far"];

/// Each goal and its weeks, where there are any, and what it means.
pub(super) fn show_goals(report: &GoalReportView, told: &[ToldGoal], zone: &TimeZone) {
    if told.is_empty() {
        return;
    }
    let mut lines = Vec::new();
    for (view, ToldGoal { goal, weeks, .. }) in report.goals.iter().zip(told) {
        let whole =
            [view.name.clone(), view.queue.clone().unwrap_or_else(|| "all".to_owned()), goal.to_string()];
        let through = maybe(view.through);
        lines.push([&whole[..], &[minute(goal.from, zone), through], &came_to(&view.whole)].concat());
        for (week, (begins, _)) in view.weeks.iter().zip(weeks) {
            let blank = String::new;
            let head = [blank(), blank(), "week".to_owned(), minute(*begins, zone), blank()];
            lines.push([&head[..], &came_to(&week.actual)].concat());
        }
    }
    say!("");
    show(table(&GOALS, &lines));
    say!("");
    say!("actual: {}", report.formulas.actual);
    say!("so far: {}", report.formulas.verdict);
}

fn came_to(of: &ActualView) -> [String; 3] {
    let actual = of.actual.map_or_else(String::new, |actual| actual.to_string());
    [actual, of.count.to_string(), of.verdict.replace('_', " ")]
}
