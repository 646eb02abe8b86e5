//! `warmline calls` and `warmline call ID`: the history, read from the data folder; no server need run.

use clap::Args;
use jiff::tz::TimeZone;
use serde_json::json;

use crate::base::CallId;
use crate::cli::DataArg;
use crate::cli::Format;
use crate::cli::flow::Files;
use crate::cli::flow::FlowsArg;
use crate::cli::on_one_line;
use crate::cli::report;
use crate::cli::report::Moment;
use crate::cli::report::ReportArgs;
use crate::cli::show;
use crate::cli::table::table;
use crate::cli::trouble::Trouble;
use crate::fact::Outcome;
use crate::fact::recording::RecordingFile;
use crate::fact::recording::RecordingKind;
use crate::server::recorder;
use crate::store::CallFilter;
use crate::store::CallRecord;
use crate::store::NoteFold;
use crate::store::Readers;
use crate::store::TalkFold;
use crate::store::story;
use crate::store::surveys;
use crate::store::talks::HoldTally;
use crate::store::view::CallView;
use crate::store::view::FactView;
use crate::store::view::LineView;
use crate::store::view::surveys::AnswerView;
use crate::store::view::talks::HoldsView;
use crate::store::view::talks::chain;

/// Which calls to list.
#[derive(Debug, Args)]
pub(super) struct ListArgs {
    #[command(flatten)]
    pub(super) data: DataArg,
    /// Only the call with this SIP Call-ID
    #[arg(long, value_name = "CALL-ID")]
    sip_call_id: Option<String>,
    /// Only calls from this number
    #[arg(long, value_name = "NUMBER")]
    from: Option<String>,
    /// Only calls whose last agent was this one
    #[arg(long, value_name = "NAME")]
    agent: Option<String>,
    /// Only calls that came out like this: talked, served, left_in_flow, abandoned, declined, unserved,
    /// callback_failed, refused, not_reached, ended_by_operator, failed
    #[arg(long, value_parser = outcome)]
    outcome: Option<Outcome>,
    /// Only calls whose last queue was this one
    #[arg(long, value_name = "NAME")]
    queue: Option<String>,
    /// Only calls to this number
    #[arg(long, value_name = "NUMBER")]
    dialled: Option<String>,
    /// Only calls before this one
    #[arg(long, value_name = "ID")]
    before: Option<u64>,
    /// At most so many
    #[arg(long, value_name = "N", default_value = "50", value_parser = clap::value_parser!(u32).range(1..=1000))]
    limit: u32,
    #[command(flatten)]
    pub(super) report: ReportArgs,
    #[command(flatten)]
    pub(super) files: Files,
    /// Text for people, JSON for programs
    #[arg(long, value_enum, default_value_t)]
    pub(super) format: Format,
}

/// Which call to tell.
#[derive(Debug, Args)]
pub(super) struct StoryArgs {
    /// The call's number, as `warmline calls` shows it
    id: u64,
    #[command(flatten)]
    data: DataArg,
    #[command(flatten)]
    flows: FlowsArg,
    /// Text for people, JSON for programs
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// `warmline calls`
pub(super) fn list(args: ListArgs) -> Result<(), Trouble> {
    if args.report.report {
        return report::run(&args);
    }
    // Asked for only where it is needed: the flow files may be elsewhere.
    let moment = |moment: Option<Moment>| moment.and_then(|moment| moment.in_zone(&args.files.flows.zone()));
    let filter = CallFilter {
        since: moment(args.report.since),
        until: moment(args.report.until),
        sip_call_id: args.sip_call_id,
        from: args.from,
        agent: args.agent,
        outcome: args.outcome,
        queue: args.queue,
        dialled: args.dialled,
        before: args.before.map(CallId),
        limit: Some(args.limit),
    };
    let records = Readers::open(&args.data.data)?.calls(&filter)?;
    if args.format == Format::Json {
        let views: Vec<_> = records.into_iter().map(CallView::from).collect();
        say!("{:#}", json!({ "calls": views }));
        return Ok(());
    }
    if records.is_empty() {
        eprintln!("no calls");
        return Ok(());
    }
    let zone = args.files.flows.zone();
    let rows: Vec<_> = records.iter().map(|record| row(record, &zone)).collect();
    let head = ["id", "arrived", "from", "to", "who", "queue", "waited", "agent", "talked", "outcome"];
    show(table(&head, &rows));
    Ok(())
}

/// `warmline call ID`
pub(super) fn story(args: StoryArgs) -> Result<(), Trouble> {
    let readers = Readers::open(&args.data.data)?;
    let id = CallId(args.id);
    let unknown = || Trouble::new(format!("there is no call {id}")).hint("`warmline calls` lists them");
    let record = readers.call(id)?.ok_or_else(unknown)?;
    let facts = readers.facts(id)?;
    let zone = args.flows.zone();
    let lines = story::tell(&facts, &zone);
    let holds = TalkFold::of(&facts).holds();
    if args.format == Format::Json {
        let story: Vec<_> = lines.into_iter().map(LineView::from).collect();
        let (notes, repeated) = chain(NoteFold::of(&facts));
        let survey: Vec<_> = surveys::answers(&facts).into_iter().map(AnswerView::from).collect();
        let facts: Vec<_> = facts.iter().map(FactView::from).collect();
        let (call, holds) = (CallView::from(record), HoldsView::from(&holds));
        say!(
            "{:#}",
            json!({
                "call": call, "holds": holds, "notes": notes, "repeated": repeated, "survey": survey, "story": story,
                "facts": facts,
            })
        );
        return Ok(());
    }
    let is_there = |part: u16| {
        let file = RecordingFile { kind: RecordingKind::Talk, call: record.id, part };
        recorder::path(&args.data.data, file).exists()
    };
    let there = (1..=record.recordings).filter(|part| is_there(*part)).count();
    show(headline(&record, there, &holds, &zone));
    for line in lines {
        say!("{}", on_one_line(&line.in_zone(&zone)));
    }
    Ok(())
}

fn row(record: &CallRecord, zone: &TimeZone) -> Vec<String> {
    let text = |text: &Option<String>| text.clone().unwrap_or_default();
    vec![
        record.id.to_string(),
        story::date_and_clock(record.arrived, zone),
        record.from.clone(),
        record.to.clone(),
        text(&record.customer_name),
        text(&record.queue),
        record.waited.map(story::length).unwrap_or_default(),
        text(&record.agent),
        record.talked.map(story::length).unwrap_or_default(),
        record.outcome.map_or("(up)", story::outcome_words).to_owned(),
    ]
}

/// What the call was, before its story.
fn headline(record: &CallRecord, recordings: usize, holds: &HoldTally, zone: &TimeZone) -> String {
    let mut head = format!(
        "call {} on {}: {}\n",
        record.id,
        story::date_and_clock(record.arrived, zone),
        record.outcome.map_or("still up", story::outcome_words),
    );
    head += &format!("SIP Call-ID {}\n", on_one_line(&record.sip_call_id));
    if !record.digits.is_empty() {
        head += &format!("keys heard outside a secret: {}\n", record.digits);
    }
    match (record.recordings, recordings) {
        (0, _) => {}
        (_, 0) => head += "no recording is there: it was kept long enough, or could not be written\n",
        (1, _) => head += "recorded\n",
        (parts, there) if usize::from(parts) == there => head += &format!("recorded in {parts} parts\n"),
        (parts, there) => head += &format!("recorded in {parts} parts, of which {there} can be heard\n"),
    }
    let (total, longest) = (story::length(holds.total), story::length(holds.longest));
    match holds.held {
        0 => {}
        1 => head += &format!("on hold once, for {total}\n"),
        times => head += &format!("on hold {times} times for {total} in all, for {longest} at the longest\n"),
    }
    head + "\n"
}

fn outcome(text: &str) -> Result<Outcome, String> {
    serde_json::from_value(serde_json::Value::String(text.to_owned())).map_err(|_| {
        "talked, served, left_in_flow, abandoned, declined, unserved, callback_failed, refused, not_reached, \
         ended_by_operator or failed"
            .to_owned()
    })
}
