//! `warmline evaluations`: how talks were judged, which are to be judged, what it comes to, and how often all talks kept the rules
//! that facts judge, read from the data folder; no server need run.

use std::time::Duration;

use clap::Args;
use jiff::Timestamp as Instant;
use serde_json::json;

use crate::base::Name;
use crate::base::WallTime;
use crate::cli::DataArg;
use crate::cli::Format;
use crate::cli::conformance;
use crate::cli::flow::Files;
use crate::cli::report::Moment;
use crate::cli::report::moment;
use crate::cli::show;
use crate::cli::table::table;
use crate::cli::trouble::Trouble;
use crate::fact::evaluation::Rule;
use crate::server::zone_of;
use crate::store::Readers;
use crate::store::conformance::BrokenFilter;
use crate::store::conformance::Whose;
use crate::store::evaluations::Evaluation;
use crate::store::evaluations::draw;
use crate::store::evaluations::draw::Drawn;
use crate::store::story;
use crate::store::view::conformance::ConformanceReportView;
use crate::store::view::evaluations::DrawnView;
use crate::store::view::evaluations::EvaluationHead;
use crate::store::view::evaluations::EvaluationReportView;

/// What is looked at when nothing else is said: the last 30 days.
const SHOWN: Duration = Duration::from_secs(30 * 24 * 60 * 60);

/// Which evaluations, and what of them.
#[derive(Debug, Args)]
pub(super) struct EvaluationsArgs {
    #[command(flatten)]
    data: DataArg,
    #[command(flatten)]
    files: Files,
    /// The talks that are drawn to be judged instead: so many of each agent and week that is over
    #[arg(long, conflicts_with_all = ["report", "agent"])]
    due: bool,
    /// What they come to by agent and item instead
    #[arg(long, group = "figures")]
    report: bool,
    /// How often all talks kept the rules that facts judge instead, and which agents differ from others by more than chance
    #[arg(long, group = "figures", conflicts_with = "due")]
    conformance: bool,
    /// Whose talks kept them: agent or queue
    #[arg(long, value_name = "WHOSE", default_value = "agent", requires = "conformance")]
    by: Whose,
    /// The newest 100 talks that broke this rule instead: "asked before hold", or another that a form may name
    #[arg(long, value_name = "RULE", value_parser = conformance::rule, conflicts_with_all = ["due", "figures"])]
    broke: Option<Rule>,
    /// Only those that came by this queue
    #[arg(long, value_name = "NAME", requires = "broke")]
    queue: Option<String>,
    /// The figures as comma-separated values
    #[arg(long, requires = "figures", conflicts_with = "format")]
    csv: bool,
    /// Only this agent's
    #[arg(long, value_name = "NAME", conflicts_with = "figures")]
    agent: Option<String>,
    /// From this day or moment on; without it the last 30 days
    #[arg(long, value_name = "TIME", value_parser = moment)]
    since: Option<Moment>,
    /// Before this day or moment; without it until now
    #[arg(long, value_name = "TIME", value_parser = moment)]
    until: Option<Moment>,
    /// Text for people, JSON for programs
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// `warmline evaluations`
pub(super) fn run(args: &EvaluationsArgs) -> Result<(), Trouble> {
    let (center, _) = args.files.center()?;
    let zone = zone_of(&center);
    let now = WallTime(Instant::now().as_microsecond());
    let until = args.until.and_then(|until| until.in_zone(&zone)).unwrap_or(now);
    let before = WallTime(until.0.saturating_sub(i64::try_from(SHOWN.as_micros()).unwrap_or(i64::MAX)));
    let since = args.since.and_then(|since| since.in_zone(&zone)).unwrap_or(before);
    let readers = Readers::open(&args.data.data)?;
    if args.due {
        let drawn = readers.drawn_talks(&center.evaluations, &draw::weeks(since, until, &zone))?;
        return show_drawn(&drawn, args.format, |at| story::date_and_clock(at, &zone));
    }
    if let Some(rule) = args.broke {
        let name = |name: &Option<String>| name.as_deref().map(Name::from);
        let (agent, queue) = (name(&args.agent), name(&args.queue));
        let broken = readers.broken_talks(&BrokenFilter { rule, agent, queue, from: since, until })?;
        conformance::show_broken(&broken, args.format, |at| story::date_and_clock(at, &zone));
        return Ok(());
    }
    if args.conformance {
        let report = readers.conformance_report(since, until)?;
        conformance::show_report(&ConformanceReportView::of(&report, args.by), args.csv, args.format);
        return Ok(());
    }
    if args.report {
        let report = EvaluationReportView::from(&readers.evaluation_report(since, until)?);
        return show_report(&report, args);
    }
    let list = readers.evaluations(since, until, args.agent.as_deref())?;
    show_list(&list, args.format, |at| story::date_and_clock(at, &zone))
}

fn percent(share: Option<f64>) -> String {
    share.map_or_else(String::new, |share| format!("{share:.0}"))
}

fn show_drawn(drawn: &[Drawn], format: Format, clock: impl Fn(WallTime) -> String) -> Result<(), Trouble> {
    if format == Format::Json {
        let talks: Vec<_> = drawn.iter().map(DrawnView::from).collect();
        say!("{:#}", json!({ "talks": talks }));
        return Ok(());
    }
    if drawn.is_empty() {
        eprintln!("no talk is drawn: no form has a sample, or nobody talked so long in a week that is over");
        return Ok(());
    }
    let row = |one: &Drawn| {
        vec![
            one.call.to_string(),
            one.agent.to_string(),
            one.form.to_string(),
            clock(one.ended),
            story::length(one.talked),
            if one.evaluated { "judged" } else { "to do" }.to_owned(),
        ]
    };
    show(table(
        &["call", "agent", "form", "ended", "talked", ""],
        &drawn.iter().map(row).collect::<Vec<_>>(),
    ));
    Ok(())
}

fn show_list(list: &[Evaluation], format: Format, clock: impl Fn(WallTime) -> String) -> Result<(), Trouble> {
    let heads: Vec<EvaluationHead> = list.iter().map(EvaluationHead::from).collect();
    if format == Format::Json {
        say!("{:#}", json!({ "evaluations": heads }));
        return Ok(());
    }
    if list.is_empty() {
        eprintln!("no talk was judged");
        return Ok(());
    }
    let row = |(one, head): (&Evaluation, &EvaluationHead)| {
        vec![
            one.call.to_string(),
            one.agent.to_string(),
            one.form.to_string(),
            one.by.as_deref().unwrap_or_default().to_owned(),
            clock(one.at),
            percent(head.share),
            one.read.map(&clock).unwrap_or_default(),
        ]
    };
    let rows: Vec<_> = list.iter().zip(&heads).map(row).collect();
    show(table(&["call", "agent", "form", "by", "at", "points %", "read"], &rows));
    Ok(())
}

fn show_report(report: &EvaluationReportView, args: &EvaluationsArgs) -> Result<(), Trouble> {
    if args.csv {
        show(report.csv());
        return Ok(());
    }
    if args.format == Format::Json {
        say!("{:#}", json!(report));
        return Ok(());
    }
    if report.items.is_empty() {
        eprintln!("no talk was judged");
        return Ok(());
    }
    let agents = report.agents.iter().map(|one| {
        vec![one.agent.clone(), one.evaluations.to_string(), one.read.to_string(), percent(one.share)]
    });
    show(table(&["agent", "evaluations", "read", "points %"], &agents.collect::<Vec<_>>()));
    say!("");
    let items = report.items.iter().map(|one| {
        vec![
            one.agent.clone(),
            one.form.clone(),
            one.item.clone(),
            one.words.clone(),
            one.met.to_string(),
            one.not_met.to_string(),
            one.not_applicable.to_string(),
            one.disputed.to_string(),
            percent(one.met_share),
            percent(one.share),
        ]
    });
    let columns = ["agent", "form", "item", "", "met", "not met", "n/a", "disputed", "met %", "points %"];
    show(table(&columns, &items.collect::<Vec<_>>()));
    say!("");
    say!("met: {}", report.formulas.met);
    say!("points: {}", report.formulas.share);
    Ok(())
}
