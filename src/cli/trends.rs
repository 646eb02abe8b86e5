//! The last week beside those before it, at the terminal.

use crate::cli::report::maybe;
use crate::cli::show;
use crate::cli::table::table;
use crate::store::view::trends::QueueTrendsView;
use crate::store::view::trends::TrendReportView;
use crate::store::view::trends::TrendView;

const TRENDS: [&str; 9] =
    ["queue", "figure", "week of", "it was", "of so many", "before", "of so many", "times chance", "is"];

/// What became of each queue's figures, where there is anything to compare.
pub(super) fn show_trends(TrendReportView { formulas, queues }: &TrendReportView) {
    let line = |queue: &QueueTrendsView, trend: &TrendView| {
        let figure = [Some(trend.figure), trend.question.as_deref()]
            .into_iter()
            .flatten()
            .collect::<Vec<_>>()
            .join(" ");
        let is = [Some(trend.change), trend.turn].into_iter().flatten().collect::<Vec<_>>().join(", ");
        vec![
            queue.queue.clone(),
            figure,
            trend.week_begins.split('T').next().unwrap_or_default().to_owned(),
            maybe(trend.week),
            trend.week_count.to_string(),
            maybe(trend.before),
            trend.before_count.to_string(),
            maybe(trend.times_chance),
            is.replace('_', " "),
        ]
    };
    let compared = |trend: &&TrendView| trend.week_count > 0 || trend.before_count > 0;
    let lines: Vec<_> = queues
        .iter()
        .flat_map(|queue| queue.figures.iter().filter(compared).map(move |trend| line(queue, trend)))
        .collect();
    if lines.is_empty() {
        return;
    }
    say!("");
    show(table(&TRENDS, &lines));
    for (queue, words) in queues.iter().filter_map(|queue| Some((&queue.queue, queue.words?))) {
        say!("");
        say!("{queue}: {words}");
    }
    say!("");
    say!("week: {}", formulas.weeks);
    say!("is: {}", formulas.change);
}
