//! How often talks kept the rules that facts judge, at the terminal.

use serde_json::json;

use crate::base::WallTime;
use crate::cli::Format;
use crate::cli::report::maybe;
use crate::cli::show;
use crate::cli::table::table;
use crate::fact::evaluation::Rule;
use crate::store::conformance::BrokenTalk;
use crate::store::conformance::BrokenTalks;
use crate::store::view::conformance::BrokenTalkView;
use crate::store::view::conformance::ConformanceReportView;
use crate::store::view::conformance::ConformanceRowView;
use crate::store::view::conformance::RuleView;

const DEVIATIONS: [&str; 4] = ["others %", "difference", "times chance", "is"];

/// A rule as a form names it.
pub(super) fn rule(text: &str) -> Result<Rule, String> {
    let known = || Rule::ALL.map(Rule::words).join(", ");
    let rule = Rule::ALL.into_iter().find(|rule| rule.words() == text.replace('_', " "));
    rule.ok_or_else(|| format!("it is one of: {}", known()))
}

/// The report, with the whole center in its last lines.
pub(super) fn show_report(report: &ConformanceReportView, csv: bool, format: Format) {
    if csv {
        show(report.csv());
        return;
    }
    if format == Format::Json {
        say!("{:#}", json!(report));
        return;
    }
    if report.rows.is_empty() {
        eprintln!("no talk is over of a call that arrived in this time");
        return;
    }
    let of_agents = report.by == "agent";
    let lines = |name: &str, row: &ConformanceRowView| -> Vec<Vec<String>> {
        let applies = row.rules.iter().filter(|rule| rule.applied > 0);
        applies.map(|rule| cells(name, rule, of_agents)).collect()
    };
    let no_name = "no queue";
    let rows = report.rows.iter().flat_map(|row| lines(row.name.as_deref().unwrap_or(no_name), row));
    let rows: Vec<_> = rows.chain(lines("in all", &report.center)).collect();
    let mut head = vec![report.by, "rule", "applied", "kept", "kept %"];
    head.extend(DEVIATIONS.iter().filter(|_| of_agents));
    show(table(&head, &rows));
    say!("");
    say!("kept: {}", report.formulas.kept);
    if of_agents {
        say!("is: {}", report.formulas.deviates);
    }
}

fn cells(name: &str, rule: &RuleView, of_agents: bool) -> Vec<String> {
    let RuleView { words, applied, kept, share, others, difference, times_chance, deviates, .. } = rule;
    let mut cells =
        vec![name.to_owned(), (*words).to_owned(), applied.to_string(), kept.to_string(), maybe(*share)];
    if of_agents {
        cells.extend([*others, *difference, *times_chance].map(maybe));
        cells.push(deviates.unwrap_or_default().replace('_', " "));
    }
    cells
}

/// The talks that broke a rule.
pub(super) fn show_broken(broken: &BrokenTalks, format: Format, clock: impl Fn(WallTime) -> String) {
    let talks: Vec<BrokenTalkView> = broken.talks.iter().map(BrokenTalkView::from).collect();
    if format == Format::Json {
        say!("{:#}", json!({ "talks": talks, "more": broken.more }));
        return;
    }
    if talks.is_empty() {
        eprintln!("no talk broke it");
        return;
    }
    let row = |talk: &BrokenTalk| {
        vec![talk.call.to_string(), clock(talk.arrived), talk.agent.to_string(), talk.queue.to_string()]
    };
    show(table(&["call", "arrived", "agent", "queue"], &broken.talks.iter().map(row).collect::<Vec<_>>()));
    if broken.more {
        eprintln!("there are older ones: say --until");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rule_is_named_as_forms_and_programs_name_it() {
        for all in Rule::ALL {
            assert_eq!(rule(all.words()), Ok(all));
            assert_eq!(rule(&all.words().replace(' ', "_")), Ok(all));
        }
        assert!(rule("was nice").unwrap_err().contains("asked before hold, held as told"));
    }
}
