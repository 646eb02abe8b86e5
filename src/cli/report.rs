//! `warmline calls --report`: how callers were answered, by queue, skill or agent and interval, how busy agents were, and
//! what talks came to, from the history.

use std::time::Duration;

use clap::Args;
use jiff::Timestamp as Instant;
use jiff::ToSpan;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use serde_json::json;

use crate::base::Name;
use crate::base::WallTime;
use crate::cli::Format;
use crate::cli::calls::ListArgs;
use crate::cli::goals::show_goals;
use crate::cli::show;
use crate::cli::table::table;
use crate::cli::trends::show_trends;
use crate::cli::trouble::Trouble;
use crate::server::Rules;
use crate::server::zone_of;
use crate::store::NumberReport;
use crate::store::Readers;
use crate::store::SurveyReport;
use crate::store::TalkReport;
use crate::store::service::By;
use crate::store::service::Every;
use crate::store::service::Intervals;
use crate::store::story;
use crate::store::surveys::After;
use crate::store::surveys::AnswerTally;
use crate::store::talks;
use crate::store::talks::HoldTally;
use crate::store::talks::PathTally;
use crate::store::view::goals::GoalReportView;
use crate::store::view::menus::MenuReportView;
use crate::store::view::menus::MenuView;
use crate::store::view::misrouted::BelongsView;
use crate::store::view::misrouted::RouteReportView;
use crate::store::view::misrouted::RouteView;
use crate::store::view::numbers::NumberReportView;
use crate::store::view::numbers::NumberView;
use crate::store::view::service::FiguresView;
use crate::store::view::service::ServiceReportView;
use crate::store::view::surveys::SurveyReportView;
use crate::store::view::talks::TalkReportView;
use crate::store::view::trends::TrendReportView;

/// What the report is of.
#[derive(Debug, Args)]
pub(super) struct ReportArgs {
    /// Figures instead: how callers were answered, how busy agents were, what talks took, whether one call was enough, what became
    /// of the calls to each number, what callers keyed at the menus, which routes lead to the wrong queue, holds, handovers, what
    /// callers answered, what goals came to, and what the last week was beside those before
    #[arg(long, conflicts_with_all = ["sip_call_id", "from", "agent", "outcome", "queue", "dialled", "before", "limit"])]
    pub(super) report: bool,
    /// Whose figures: queue, skill or agent
    #[arg(long, value_name = "WHOSE", default_value = "queue", requires = "report")]
    by: By,
    /// How long an interval is: 15m, 30m, 1h, 1d or 1w; without it 15m up to a day, 1d beyond
    #[arg(long, value_name = "LENGTH", requires = "report")]
    every: Option<Every>,
    /// From this day or moment on (2026-11-26, or 2026-11-26T09:00:00Z); without it a report is from today on
    #[arg(long, value_name = "TIME", value_parser = moment)]
    pub(super) since: Option<Moment>,
    /// Before this day or moment; without it until now
    #[arg(long, value_name = "TIME", value_parser = moment)]
    pub(super) until: Option<Moment>,
    /// The report's figures as comma-separated values
    #[arg(long, requires = "report", conflicts_with = "format")]
    csv: bool,
}

const FIGURES: [&str; 15] = [
    "from",
    "joined",
    "answered",
    "SL %",
    "SL of all %",
    "in 180 s %",
    "abandoned",
    "unserved",
    "ASA s",
    "p90 s",
    "longest s",
    "occupied %",
    "quoted",
    "kept %",
    "off by s",
];

const HANDLING: [&str; 12] = [
    "from",
    "talks",
    "AHT s",
    "talk s",
    "hold s",
    "wrap-up s",
    "contacts",
    "FCR %",
    "with outcome",
    "FCR of these %",
    "asked",
    "settled %",
];

const NUMBERS: [&str; 12] = [
    "number",
    "calls",
    "self-served",
    "came again",
    "contained %",
    "person",
    "messages",
    "left in flow",
    "abandoned",
    "unserved",
    "other",
    "in flow s",
];

const MENUS: [&str; 9] =
    ["menu", "came", "chose", "gave up", "hung up", "no key", "wrong key", "zero", "there s"];

const ROUTES: [&str; 7] = ["number", "by", "queue", "talks", "wrong queue", "wrong %", "where they belong"];

const HOLDS: [&str; 8] = [
    "holds of",
    "held",
    "in all",
    "longest",
    "longer than told",
    "refused",
    "without asking",
    "hung up on hold",
];

const ANSWERS: [&str; 4] = ["survey of", "question", "answers", "mean"];

const HANDOVERS: [&str; 6] = ["queue", "handed on by", "to", "with note", "without", "had to repeat"];

/// The report of the history.
pub(super) fn run(args: &ListArgs) -> Result<(), Trouble> {
    let ReportArgs { by, every, since, until, csv, .. } = args.report;
    let (center, _) = args.files.center()?;
    let zone = zone_of(&center);
    let now = WallTime(Instant::now().as_microsecond());
    let since = since.and_then(|since| since.in_zone(&zone)).unwrap_or_else(|| today(now, &zone));
    let until = until.and_then(|until| until.in_zone(&zone)).unwrap_or(now);
    let every = every.unwrap_or_else(|| Every::usual(since, until));
    let hint = "say --since, --until and --every: 15m, 30m, 1h, 1d or 1w";
    let intervals = Intervals::new(since, until, every, &zone)
        .map_err(|error| Trouble::new(error.to_string()).hint(hint))?;
    let staff = Rules::of(&center, now).staff();
    let readers = Readers::open(&args.data.data)?;
    let rows = readers.service_report(by, intervals, staff.clone(), now)?.map_err(|error| {
        Trouble::new(error.to_string()).hint("a shorter time, or longer intervals, have less")
    })?;
    let service = ServiceReportView::of(&rows, by, every, since, until);
    if csv {
        show(service.csv());
        return Ok(());
    }
    let numbers = readers.number_report(since, until)?;
    let menus = readers.menu_report(since, until)?;
    let menus = MenuReportView::of(&menus, |flow, node| center.has_choice(flow, node));
    let routes = RouteReportView::from(&readers.route_report(since, until)?);
    let talks = readers.talk_report(since, until)?;
    let surveys = readers.survey_report(since, until)?;
    let told = readers.goal_report(center.goals.clone(), &staff, &zone, now)?;
    let goals = GoalReportView::of(&told, now);
    let trends = TrendReportView::from(&*readers.trend_report(staff, &zone, now)?);
    if args.format == Format::Json {
        let (talks, surveys) = (TalkReportView::from(&talks), SurveyReportView::from(&surveys));
        let numbers = NumberReportView::from(&numbers);
        let told = json!({
            "service": service, "numbers": numbers, "menus": menus, "routes": routes, "talks": talks, "surveys": surveys,
            "goals": goals, "trends": trends,
        });
        say!("{told:#}");
        return Ok(());
    }
    show_service(&service, rows.iter().map(|row| row.intervals.iter().map(|(begins, _)| *begins)), &zone);
    show_numbers(&numbers);
    show_menus(&menus);
    show_routes(&routes);
    show_talks(&talks);
    show_surveys(&surveys);
    show_goals(&goals, &told, &zone);
    show_trends(&trends);
    Ok(())
}

/// The figures, and what they mean.
fn show_service<I>(report: &ServiceReportView, begins: impl Iterator<Item = I>, zone: &TimeZone)
where
    I: Iterator<Item = WallTime>,
{
    let nobody = if report.by == "skill" { "no skill" } else { "nobody" };
    let mut figures = Vec::new();
    for (row, begins) in report.rows.iter().zip(begins) {
        let name = row.name.as_deref().unwrap_or(nobody);
        figures.push((name, "in all".to_owned(), &row.whole));
        let intervals = row.intervals.iter().zip(begins);
        figures.extend(intervals.map(|(interval, begins)| (name, minute(begins, zone), &interval.figures)));
    }
    let head = |columns: &[&'static str]| [&[report.by], columns].concat();
    let lines: Vec<_> = figures.iter().map(|(name, from, figures)| cells(name, from, figures)).collect();
    show(table(&head(&FIGURES), &lines));
    let handled = figures.iter().filter(|(_, _, figures)| figures.handled > 0);
    let lines: Vec<_> = handled.map(|(name, from, figures)| handling_cells(name, from, figures)).collect();
    if !lines.is_empty() {
        say!("");
        show(table(&head(&HANDLING), &lines));
    }
    let formulas = &report.formulas;
    say!("");
    say!("SL: {}", formulas.service_level);
    say!("SL of all: {}", formulas.service_level_of_all);
    say!("in 180 s: {}", formulas.within_180_s);
    say!("waits: {}", formulas.waits);
    say!("occupied: {}", formulas.occupancy);
    if !lines.is_empty() {
        say!("AHT: {}", formulas.handle_time);
        say!("FCR: {}", formulas.first_call_resolution);
        say!("settled: {}", formulas.first_call_resolution_by_answer);
    }
}

/// What became of the calls to each number, where there were any, and what the figures mean.
fn show_numbers(numbers: &NumberReport) {
    let NumberReportView { formulas, numbers } = numbers.into();
    if numbers.is_empty() {
        return;
    }
    let cells = |of: &NumberView| {
        let count = |count: u32| count.to_string();
        vec![
            of.number.clone(),
            count(of.calls),
            count(of.self_served),
            count(of.came_again),
            maybe(of.containment),
            count(of.person),
            count(of.messages),
            count(of.left_in_flow),
            count(of.abandoned),
            count(of.unserved),
            count(of.other),
            maybe(of.average_in_flow_s),
        ]
    };
    say!("");
    show(table(&NUMBERS, &numbers.iter().map(cells).collect::<Vec<_>>()));
    say!("");
    say!("contained: {}", formulas.containment);
    say!("in flow: {}", formulas.in_flow);
}

/// What callers keyed at the menus, where anybody came to one, and what the figures mean.
fn show_menus(MenuReportView { formulas, menus }: &MenuReportView) {
    if menus.is_empty() {
        return;
    }
    let cells = |of: &MenuView| {
        let counts = [of.came, of.chose, of.gave_up, of.hung_up, of.no_input, of.no_match, of.zero_outs]
            .map(|count| count.to_string());
        [vec![format!("{}/{}", of.flow, of.node)], counts.to_vec(), vec![maybe(of.average_s)]].concat()
    };
    say!("");
    show(table(&MENUS, &menus.iter().map(cells).collect::<Vec<_>>()));
    say!("");
    say!("came: {}", formulas.came);
    say!("keys: {}", formulas.keys);
    say!("zero: {}", formulas.zero_outs);
}

/// How callers came to agents, where any did, and which of it led to the wrong queue.
fn show_routes(RouteReportView { formulas, routes }: &RouteReportView) {
    if routes.is_empty() {
        return;
    }
    let belongs = |BelongsView { queue, times }: &BelongsView| {
        format!("{} {times}", queue.as_deref().unwrap_or("not said"))
    };
    let cells = |of: &RouteView| {
        vec![
            of.entry.clone(),
            of.way_words(),
            of.queue.clone(),
            of.talks.to_string(),
            of.misrouted.to_string(),
            maybe(Some(of.share)),
            of.belongs.iter().map(belongs).collect::<Vec<_>>().join(", "),
        ]
    };
    say!("");
    show(table(&ROUTES, &routes.iter().map(cells).collect::<Vec<_>>()));
    say!("");
    say!("by: {}", formulas.route);
    say!("wrong queue: {}", formulas.misrouted);
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
    let cells = |of: String, question: &Name, tally: &AnswerTally| {
        let mean = tally.mean().map_or_else(String::new, |mean| format!("{mean:.2}"));
        vec![of, question.to_string(), tally.answers.to_string(), mean]
    };
    let queues = surveys.queues.iter();
    let queues = queues.map(|((name, question), tally)| cells(whose(name, "queue "), question, tally));
    let agents = surveys.agents.iter();
    let agents = agents.map(|((name, question), tally)| cells(whose(name, ""), question, tally));
    let efforts = surveys.efforts.iter();
    let efforts = efforts.map(|((after, question), tally)| cells(after_words(*after), question, tally));
    let answers: Vec<_> = queues.chain(agents).chain(efforts).collect();
    if !answers.is_empty() {
        say!("");
        show(table(&ANSWERS, &answers));
    }
}

/// What callers had behind them, in words.
fn after_words(after: After) -> String {
    match after {
        After::Waited(Duration::MAX) => "waited longer".to_owned(),
        After::Waited(time) => format!("waited up to {}", story::length(time)),
        After::Held(Duration::ZERO) => "not held".to_owned(),
        After::Held(Duration::MAX) => "held longer".to_owned(),
        After::Held(time) => format!("held up to {}", story::length(time)),
        After::HandedOn(0) => "not handed on".to_owned(),
        After::HandedOn(1) => "handed on once".to_owned(),
        After::HandedOn(_) => "handed on more often".to_owned(),
    }
}

fn hold_cells(of: &str, tally: &HoldTally) -> Vec<String> {
    vec![
        of.to_owned(),
        tally.held.to_string(),
        story::length(tally.total),
        story::length(tally.longest),
        tally.late.to_string(),
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

pub(super) fn maybe(value: Option<f64>) -> String {
    value.map_or_else(String::new, |value| format!("{value:.1}"))
}

fn cells(name: &str, from: &str, figures: &FiguresView) -> Vec<String> {
    vec![
        name.to_owned(),
        from.to_owned(),
        figures.joined.to_string(),
        figures.answered.to_string(),
        maybe(figures.service_level),
        maybe(figures.service_level_of_all),
        maybe(figures.within_180_s),
        figures.abandoned.to_string(),
        figures.unserved.to_string(),
        maybe(figures.average_wait_s),
        maybe(figures.p90_wait_s),
        maybe(Some(figures.longest_wait_s).filter(|longest| *longest > 0.0)),
        maybe(figures.occupancy),
        figures.quoted.to_string(),
        maybe(figures.quotes_kept),
        maybe(figures.quote_error_s),
    ]
}

fn handling_cells(name: &str, from: &str, figures: &FiguresView) -> Vec<String> {
    vec![
        name.to_owned(),
        from.to_owned(),
        figures.handled.to_string(),
        maybe(figures.average_handle_s),
        maybe(figures.average_talk_s),
        maybe(figures.average_hold_s),
        maybe(figures.average_wrap_up_s),
        figures.contacts.to_string(),
        maybe(figures.first_call_resolution),
        figures.contacts_with_outcome.to_string(),
        maybe(figures.first_call_resolution_with_outcome),
        figures.contacts_with_answer.to_string(),
        maybe(figures.first_call_resolution_by_answer),
    ]
}

/// `2026-11-26 14:15`
pub(super) fn minute(at: WallTime, zone: &TimeZone) -> String {
    match Instant::from_microsecond(at.0) {
        Ok(at) => at.to_zoned(zone.clone()).strftime("%Y-%m-%d %H:%M").to_string(),
        Err(_) => "(no such time)".to_owned(),
    }
}

/// When the day of a moment began; a day before it where the calendar has none.
fn today(now: WallTime, zone: &TimeZone) -> WallTime {
    let day = || {
        let now = Instant::from_microsecond(now.0).ok()?.to_zoned(zone.clone());
        let begins = now.start_of_day().or_else(|_| now.checked_sub(1.day())).ok()?;
        Some(WallTime(begins.timestamp().as_microsecond()))
    };
    day().unwrap_or(now)
}

/// A day, or a moment.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Moment {
    Day(Date),
    At(WallTime),
}

impl Moment {
    /// A day begins by a clock in this zone.
    pub(super) fn in_zone(self, zone: &TimeZone) -> Option<WallTime> {
        match self {
            Moment::At(at) => Some(at),
            Moment::Day(day) => Some(WallTime(day.to_zoned(zone.clone()).ok()?.timestamp().as_microsecond())),
        }
    }
}

pub(super) fn moment(text: &str) -> Result<Moment, String> {
    let at = text.parse::<Instant>().map(|at| Moment::At(WallTime(at.as_microsecond())));
    at.or_else(|_| text.parse().map(Moment::Day))
        .map_err(|_| "a day like 2026-11-26, or a moment like 2026-11-26T09:00:00Z".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_begins_by_the_centers_clock_and_a_moment_is_the_same_everywhere() {
        let tokyo = TimeZone::get("Asia/Tokyo").unwrap();
        let day = moment("2026-11-26").unwrap();
        let hours = |zone: &TimeZone| day.in_zone(zone).unwrap().0 / 3_600_000_000 % 24;
        assert_eq!((hours(&tokyo), hours(&TimeZone::UTC)), (15, 0));
        let at = moment("2026-11-26T09:00:00Z").unwrap();
        assert_eq!(at.in_zone(&tokyo), at.in_zone(&TimeZone::UTC));
        assert!(moment("yesterday").is_err());
    }
}
