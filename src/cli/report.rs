//! `warmline calls --report`: the day's figures of each queue, by quarter of an hour, and what its talks came to, from
//! the history.

use std::path::Path;

use jiff::Timestamp as Instant;
use jiff::tz::TimeZone;
use serde_json::Value;
use serde_json::json;

use crate::base::Name;
use crate::base::WallTime;
use crate::cli::Format;
use crate::cli::flow::Files;
use crate::cli::show;
use crate::cli::table::table;
use crate::cli::trouble::Trouble;
use crate::server::Rules;
use crate::server::board::Board;
use crate::server::board::Tally;
use crate::store::Readers;
use crate::store::SurveyReport;
use crate::store::TalkReport;
use crate::store::story;
use crate::store::surveys::AnswerTally;
use crate::store::talks;
use crate::store::talks::HoldTally;
use crate::store::talks::PathTally;
use crate::store::view::rfc3339;
use crate::store::view::surveys::SurveyReportView;
use crate::store::view::talks::TalkReportView;

const HEAD: [&str; 12] = [
    "queue",
    "from",
    "joined",
    "answered",
    "SL %",
    "abandoned",
    "mean wait s",
    "longest s",
    "quoted",
    "kept %",
    "quoted - waited s",
    "off by s",
];

const HOLDS: [&str; 7] =
    ["holds of", "held", "in all", "longest", "refused", "without asking", "hung up on hold"];

const ANSWERS: [&str; 4] = ["survey of", "question", "answers", "mean"];

const HANDOVERS: [&str; 6] = ["queue", "handed on by", "to", "with note", "without", "had to repeat"];

/// Today's report of the history in the folder `data`.
pub(super) fn run(data: &Path, files: &Files, format: Format) -> Result<(), Trouble> {
    let (center, _) = files.center()?;
    let zone = TimeZone::system();
    let now = WallTime(Instant::now().as_microsecond());
    let board = Board::new(now, zone.clone(), &Rules::from(&center.engine).queues);
    let readers = Readers::open(data)?;
    for fact in readers.facts_of_waits(board.day().begins)? {
        board.apply(&fact);
    }
    let talks = readers.talk_report(board.day().begins, WallTime(i64::MAX))?;
    let surveys = readers.survey_report(board.day().begins, WallTime(i64::MAX))?;
    let mut lines = Vec::new();
    for queue in board.queues(now) {
        lines.push((queue.rules.name.clone(), None, queue.today));
        let intervals = queue.intervals.iter();
        lines.extend(intervals.map(|(begins, tally)| (queue.rules.name.clone(), Some(*begins), *tally)));
    }
    if format == Format::Json {
        let lines: Vec<Value> =
            lines.iter().map(|(queue, begins, tally)| as_json(queue, *begins, tally)).collect();
        let talks = TalkReportView::from(&talks);
        let (begins, surveys) = (rfc3339(board.day().begins), SurveyReportView::from(&surveys));
        say!("{:#}", json!({ "day_begins": begins, "lines": lines, "talks": talks, "surveys": surveys }));
        return Ok(());
    }
    let row = |(queue, begins, tally): &(Name, Option<WallTime>, Tally)| {
        let from = begins.map_or("today".to_owned(), |begins| story::clock(begins, &zone)[..5].to_owned());
        cells(queue, from, tally)
    };
    show(table(&HEAD, &lines.iter().map(row).collect::<Vec<_>>()));
    show_talks(&talks);
    show_surveys(&surveys);
    Ok(())
}

/// Holds and handovers, where there were any.
fn show_talks(talks: &TalkReport) {
    let queues = talks.queues.iter().map(|(queue, tally)| hold_cells(&format!("queue {queue}"), tally));
    let agents = talks.agents.iter().map(|(agent, tally)| hold_cells(agent, tally));
    let holds: Vec<_> = queues.chain(agents).collect();
    if !holds.is_empty() {
        say!("");
        show(table(&HOLDS, &holds));
    }
    let handovers: Vec<_> = talks.paths.iter().map(path_cells).collect();
    if !handovers.is_empty() {
        say!("");
        show(table(&HANDOVERS, &handovers));
    }
}

/// What callers answered, where any did.
fn show_surveys(surveys: &SurveyReport) {
    let whose = |name: &Name, kind: &str| match &**name {
        "" => "nobody".to_owned(),
        name => format!("{kind}{name}"),
    };
    let cells = |kind: &'static str| {
        move |((name, question), tally): (&(Name, Name), &AnswerTally)| {
            let mean = tally.mean().map_or_else(String::new, |mean| format!("{mean:.2}"));
            vec![whose(name, kind), question.to_string(), tally.answers.to_string(), mean]
        }
    };
    let queues = surveys.queues.iter().map(cells("queue "));
    let answers: Vec<_> = queues.chain(surveys.agents.iter().map(cells(""))).collect();
    if !answers.is_empty() {
        say!("");
        show(table(&ANSWERS, &answers));
    }
}

fn hold_cells(of: &str, tally: &HoldTally) -> Vec<String> {
    vec![
        of.to_owned(),
        tally.held.to_string(),
        story::length(tally.total),
        story::length(tally.longest),
        tally.refused.to_string(),
        tally.overridden.to_string(),
        tally.abandoned.to_string(),
    ]
}

fn path_cells((path, tally): (&talks::Path, &PathTally)) -> Vec<String> {
    let mut cells = vec![path.queue.to_string(), path.from.to_string(), path.to.to_string()];
    cells.extend([tally.warm, tally.blind, tally.repeats].map(|count| count.to_string()));
    cells
}

fn cells(queue: &str, from: String, tally: &Tally) -> Vec<String> {
    let percent = |part: Option<f64>| part.map_or_else(String::new, |part| format!("{:.1}", part * 100.0));
    let seconds = |secs: Option<f64>| secs.map_or_else(String::new, |secs| format!("{secs:.1}"));
    vec![
        queue.to_owned(),
        from,
        tally.joined.to_string(),
        tally.answered.to_string(),
        percent(tally.service_level()),
        tally.abandoned.to_string(),
        seconds(tally.average().map(|wait| wait.as_secs_f64())),
        seconds((tally.longest.as_micros() > 0).then_some(tally.longest.as_secs_f64())),
        (tally.kept + tally.broken).to_string(),
        percent(tally.covered()),
        seconds(tally.quote_bias_s()),
        seconds(tally.quote_error_s()),
    ]
}

fn as_json(queue: &str, begins: Option<WallTime>, tally: &Tally) -> Value {
    json!({
        "queue": queue,
        "begins": begins.map(rfc3339),
        "joined": tally.joined,
        "answered": tally.answered,
        "service_level": tally.service_level(),
        "abandoned": tally.abandoned,
        "average_wait_s": tally.average().map(|wait| wait.as_secs_f64()),
        "longest_wait_s": tally.longest.as_secs_f64(),
        "quoted": tally.kept + tally.broken,
        "kept": tally.covered(),
        "quote_bias_s": tally.quote_bias_s(),
        "quote_error_s": tally.quote_error_s(),
    })
}
