//! `warmline flow explore`: thousands of callers by chance, and the worst that happened to any of them.

use std::time::Duration;

use clap::Args;

use super::Files;
use super::Moment;
use super::flow_name;
use super::wall_now;
use super::world;
use crate::cli::table::table;
use crate::cli::trouble::Trouble;
use crate::flow::rehearsal::Met;
use crate::flow::rehearsal::explore::Exploration;
use crate::flow::rehearsal::explore::Findings;
use crate::flow::rehearsal::explore::Walk;

#[derive(Debug, Args)]
pub(in crate::cli) struct ExploreArgs {
    /// The flow: its name or its file
    flow: String,
    /// How many call
    #[arg(long, default_value_t = 2_000, value_parser = clap::value_parser!(u64).range(1..=1_000_000))]
    callers: u64,
    /// The same seed calls the same callers
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Tell the whole way of the worst callers
    #[arg(long)]
    stories: bool,
    #[command(flatten)]
    moment: Moment,
    #[command(flatten)]
    files: Files,
}

/// Explores the flow and says what was found.
pub(super) fn run(args: &ExploreArgs) -> Result<(), Trouble> {
    let (center, prompts) = args.files.center()?;
    let flow = flow_name(&center, &args.flow)?;
    let world = world(&args.files, &center, &prompts, &flow)?;
    let wall = args.moment.wall(&center)?.unwrap_or_else(wall_now);
    let exploration = Exploration { center: &center, prompts: &prompts, world: &world, flow: &flow, wall };
    let findings = exploration.run(args.callers, args.seed);
    let ends = findings.ends.iter().map(|(end, count)| vec![count.to_string(), end.clone()]);
    say!("{}", table(&["callers", "ended"], &ends.collect::<Vec<_>>()));
    say!("{}", times(&findings));
    let missing = findings.coverage.missing(&flow);
    match missing.len() {
        0 => say!("every node and exit was met"),
        _ => say!("not met: {}", missing.join(", ")),
    }
    if args.stories {
        findings.longest.iter().for_each(|walk| story("longest", walk));
        findings.most_repeated.iter().for_each(|(_, walk)| story("most repeated", walk));
    }
    Ok(())
}

fn times(findings: &Findings) -> String {
    let sorted = &findings.to_a_queue;
    let at = |share: usize| sorted.get((sorted.len() * share / 100).min(sorted.len().saturating_sub(1)));
    let mut rows = Vec::new();
    let row = |what: &str, value: Option<&Duration>| {
        let shown = value.map_or("nobody".to_owned(), |value| format!("{:.1} s", value.as_secs_f64()));
        vec![what.to_owned(), shown]
    };
    rows.push(row("to a queue, half of the callers within", at(50)));
    rows.push(row("to a queue, 95 of 100 within", at(95)));
    rows.push(row("to a queue, longest", sorted.last()));
    rows.push(row("in the flow, longest", findings.longest.as_ref().map(|walk| &walk.lasted)));
    let most = findings.most_repeated.as_ref().map_or(0, |(most, _)| *most);
    rows.push(vec!["the same words in a row, most".to_owned(), most.to_string()]);
    rows.push(vec!["still there after 200 decisions".to_owned(), findings.gave_up.to_string()]);
    table(&["what", "worst"], &rows)
}

fn story(what: &str, walk: &Walk) {
    say!("\n{what}: caller {}, {:.1} s", walk.caller, walk.lasted.as_secs_f64());
    for (at, met) in walk.log.iter().filter(|(_, met)| !matches!(met, Met::Left { .. })) {
        say!("{:>8.1} s  {met}", at.as_secs_f64());
    }
}
