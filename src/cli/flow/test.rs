//! `warmline flow test`: the test files among the flows, a table of what came of them, and what they cover.

use clap::Args;
use serde_json::json;

use super::Files;
use super::Moment;
use super::counted;
use super::unreadable;
use crate::base::Name;
use crate::cli::Format;
use crate::cli::table::table;
use crate::cli::trouble::Trouble;
use crate::flow::rehearsal::coverage::Coverage;
use crate::flow::rehearsal::test;
use crate::flow::rehearsal::test::Outcome;
use crate::server::load;

#[derive(Debug, Args)]
pub(in crate::cli) struct TestArgs {
    #[command(flatten)]
    files: Files,
    /// Only tests whose flow or name has this in it
    #[arg(value_name = "WORDS")]
    words: Option<String>,
    /// Fail when a node or an exit of any flow was not met
    #[arg(long)]
    full_coverage: bool,
    /// Show what the caller of each test met
    #[arg(long)]
    stories: bool,
    #[command(flatten)]
    moment: Moment,
    /// For people or for programs
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// Runs the tests; fails when one does, or when there is none.
pub(super) fn run(args: &TestArgs) -> Result<(), Trouble> {
    let (center, prompts) = args.files.center()?;
    let wall = args.moment.wall(&center)?.unwrap_or(test::A_TUESDAY);
    let mut coverage = Coverage::of(&center);
    let mut outcomes = Vec::new();
    let mut unread = 0;
    for (path, text) in load::test_files(&args.files.flows.folder).map_err(unreadable)? {
        match test::run_file_at(wall, &center, &prompts, &path, &text, &mut coverage) {
            Ok(run) => outcomes.extend(run),
            Err(found) => {
                unread += found.len();
                found.iter().for_each(|diagnostic| eprintln!("{diagnostic}\n"));
            }
        }
    }
    if let Some(words) = &args.words {
        outcomes.retain(|outcome| outcome.flow.contains(words) || outcome.name.contains(words));
    }
    match args.format {
        Format::Text => show(args, &outcomes, &coverage),
        Format::Json => say!("{:#}", report(&outcomes, &coverage)),
    }
    judge(args, &outcomes, &coverage, unread)
}

fn judge(args: &TestArgs, outcomes: &[Outcome], coverage: &Coverage, unread: usize) -> Result<(), Trouble> {
    let failed = outcomes.iter().filter(|outcome| outcome.failure.is_some()).count();
    if unread > 0 {
        return Err(Trouble::new(format!("{} in the test files", counted(unread, "error"))));
    }
    if outcomes.is_empty() {
        let hint = "tests are YAML files in the folder tests among the flows; docs/FLOWS.md shows one";
        return Err(Trouble::new("there is no such test").hint(hint));
    }
    if failed > 0 {
        let failed = counted(failed, "test");
        return Err(Trouble::new(format!("{failed} of {} did not pass", outcomes.len())));
    }
    if args.full_coverage && coverage.flows.keys().any(|flow| !coverage.share(flow).is_full()) {
        return Err(Trouble::new("not every node and exit was met").hint("the table says which are missing"));
    }
    Ok(())
}

fn show(args: &TestArgs, outcomes: &[Outcome], coverage: &Coverage) {
    let row = |outcome: &Outcome| {
        let result = if outcome.failure.is_some() { "FAILED" } else { "passed" };
        let lasted = format!("{:.1} s", outcome.lasted.as_secs_f64());
        vec![outcome.flow.to_string(), result.to_owned(), lasted, outcome.name.to_string()]
    };
    let rows: Vec<Vec<String>> = outcomes.iter().map(row).collect();
    say!("{}", table(&["flow", "result", "call", "test"], &rows));
    for outcome in outcomes {
        if let Some(failure) = &outcome.failure {
            say!("{failure}\nthe call:\n{}", outcome.story());
        } else if args.stories {
            say!("{}: {}\n{}", outcome.flow, outcome.name, outcome.story());
        }
    }
    let covered = |flow: &Name| {
        let share = coverage.share(flow);
        let part = |(met, all): (usize, usize)| format!("{met}/{all}");
        let missing = coverage.missing(flow).join(", ");
        vec![flow.to_string(), part(share.nodes), part(share.exits), missing]
    };
    let rows: Vec<Vec<String>> = coverage.flows.keys().map(covered).collect();
    say!("{}", table(&["flow", "nodes", "exits", "not met"], &rows));
    let failed = outcomes.iter().filter(|outcome| outcome.failure.is_some()).count();
    say!("{} passed, {failed} failed", outcomes.len() - failed);
}

fn report(outcomes: &[Outcome], coverage: &Coverage) -> serde_json::Value {
    let test = |outcome: &Outcome| {
        json!({
            "flow": &*outcome.flow,
            "test": &*outcome.name,
            "passed": outcome.failure.is_none(),
            "lasted_s": outcome.lasted.as_secs_f64(),
            "failure": outcome.failure.as_ref().map(|failure| json!({
                "file": failure.file,
                "line": failure.line,
                "column": failure.column,
                "message": failure.message,
            })),
        })
    };
    let covered = |flow: &Name| {
        let share = coverage.share(flow);
        json!({
            "flow": &**flow,
            "nodes_met": share.nodes.0,
            "nodes": share.nodes.1,
            "exits_met": share.exits.0,
            "exits": share.exits.1,
            "not_met": coverage.missing(flow),
        })
    };
    json!({
        "tests": outcomes.iter().map(test).collect::<Vec<_>>(),
        "coverage": coverage.flows.keys().map(covered).collect::<Vec<_>>(),
    })
}
