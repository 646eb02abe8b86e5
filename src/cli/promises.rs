//! `warmline promises`: what callers were promised and what became of it, read from the data folder; no server need run.

use std::time::Duration;

use clap::Args;
use jiff::Timestamp as Instant;
use jiff::tz::TimeZone;
use serde_json::json;

use crate::base::WallTime;
use crate::cli::DataArg;
use crate::cli::Format;
use crate::cli::flow::FlowsArg;
use crate::cli::show;
use crate::cli::table::table;
use crate::cli::trouble::Trouble;
use crate::fact::Promise;
use crate::fact::PromiseKind;
use crate::fact::PromiseState;
use crate::store::PromiseFilter;
use crate::store::PromiseTally;
use crate::store::Readers;
use crate::store::story;
use crate::store::view::PromiseTallyView;
use crate::store::view::PromiseView;
use crate::store::view::rfc3339;

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// Which promises to list.
#[derive(Debug, Args)]
pub(super) struct PromisesArgs {
    #[command(flatten)]
    data: DataArg,
    #[command(flatten)]
    flows: FlowsArg,
    /// Only what this agent owes
    #[arg(long, value_name = "NAME")]
    owner: Option<String>,
    /// Only those: open (what is overdue among them), overdue, kept, late, broken
    #[arg(long, value_parser = state)]
    state: Option<PromiseState>,
    /// At most so many
    #[arg(long, value_name = "N", default_value = "50", value_parser = clap::value_parser!(u32).range(1..=1000))]
    limit: u32,
    /// What came of the promises of so many last days instead, by agent and queue
    #[arg(long, value_name = "DAYS", num_args = 0..=1, default_missing_value = "30", conflicts_with_all = ["owner", "state", "limit"])]
    report: Option<u16>,
    /// Text for people, JSON for programs
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// `warmline promises`
pub(super) fn list(args: PromisesArgs) -> Result<(), Trouble> {
    let readers = Readers::open(&args.data.data)?;
    if let Some(days) = args.report {
        return report(&readers, days, args.format);
    }
    let PromisesArgs { flows, owner, state, limit, format, .. } = args;
    let promises = readers.promises(&PromiseFilter { owner, state, after: None, limit: Some(limit) })?;
    if format == Format::Json {
        let views: Vec<_> = promises.iter().map(PromiseView::from).collect();
        say!("{:#}", json!({ "promises": views }));
        return Ok(());
    }
    if promises.is_empty() {
        eprintln!("no promises");
        return Ok(());
    }
    let zone = flows.zone();
    let rows: Vec<_> = promises.iter().map(|promise| row(promise, &zone)).collect();
    show(table(&["id", "due", "owner", "to", "what", "words", "queue", "state", "call"], &rows));
    Ok(())
}

fn row(promise: &Promise, zone: &TimeZone) -> Vec<String> {
    let to = &promise.to;
    vec![
        promise.id.to_string(),
        story::date_and_clock(promise.due, zone),
        promise.owner.to_string(),
        to.name.clone().unwrap_or_else(|| to.number.clone()),
        match promise.kind {
            PromiseKind::Callback => "callback".to_owned(),
            PromiseKind::Answer => "answer".to_owned(),
        },
        promise.words.clone(),
        to.queue.as_ref().map(|queue| queue.to_string()).unwrap_or_default(),
        word(promise.state).to_owned(),
        promise.call.to_string(),
    ]
}

fn report(readers: &Readers, days: u16, format: Format) -> Result<(), Trouble> {
    let until = WallTime(Instant::now().as_microsecond());
    let back = i64::try_from((DAY * u32::from(days)).as_micros()).unwrap_or(i64::MAX);
    let from = WallTime(until.0.saturating_sub(back));
    let tallies = readers.promise_report(from, until)?;
    if format == Format::Json {
        let lines: Vec<_> = tallies.into_iter().map(PromiseTallyView::from).collect();
        say!("{:#}", json!({ "from": rfc3339(from), "until": rfc3339(until), "lines": lines }));
        return Ok(());
    }
    let row = |tally: &PromiseTally| {
        let mut cells = vec![tally.owner.clone(), tally.queue.clone().unwrap_or_default()];
        let counts = [tally.kept, tally.late, tally.broken, tally.open, tally.overdue];
        cells.extend(counts.map(|count| count.to_string()));
        cells
    };
    let rows: Vec<_> = tallies.iter().map(row).collect();
    show(table(&["agent", "queue", "kept", "late", "broken", "open", "overdue"], &rows));
    Ok(())
}

fn word(state: PromiseState) -> &'static str {
    match state {
        PromiseState::Open => "open",
        PromiseState::Overdue => "overdue",
        PromiseState::Kept => "kept",
        PromiseState::Late => "late",
        PromiseState::Broken => "broken",
    }
}

fn state(text: &str) -> Result<PromiseState, String> {
    let all = [
        PromiseState::Open,
        PromiseState::Overdue,
        PromiseState::Kept,
        PromiseState::Late,
        PromiseState::Broken,
    ];
    let found = all.into_iter().find(|state| word(*state) == text);
    found.ok_or_else(|| "open, overdue, kept, late or broken".to_owned())
}
