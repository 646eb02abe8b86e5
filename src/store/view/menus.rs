//! What callers keyed at the menus, as JSON.

use serde::Serialize;

use super::service::tenths;
use crate::store::menus::MenuReport;
use crate::store::menus::MenuTally;

/// What callers did at the menus in a time.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct MenuReportView {
    pub formulas: MenuFormulas,
    pub menus: Vec<MenuView>,
}

/// What the figures mean, in words.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct MenuFormulas {
    pub came: String,
    pub keys: String,
    pub zero_outs: String,
}

/// What callers did at one menu: counts, and seconds to the tenth.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct MenuView {
    pub flow: String,
    pub node: String,
    pub came: u32,
    pub chose: u32,
    pub gave_up: u32,
    pub hung_up: u32,
    pub no_input: u32,
    pub no_match: u32,
    pub zero_outs: u32,
    /// Null where nobody came.
    pub average_s: Option<f64>,
}

impl MenuReportView {
    /// Of nodes at which somebody chose, and of those that the flows of now have as menus.
    pub fn of(report: &MenuReport, is_menu: impl Fn(&str, &str) -> bool) -> MenuReportView {
        let menus = report.0.iter().filter(|((flow, node), tally)| tally.chose > 0 || is_menu(flow, node));
        MenuReportView {
            formulas: MenuFormulas::new(),
            menus: menus.map(|((flow, node), tally)| MenuView::of(flow, node, tally)).collect(),
        }
    }
}

impl MenuFormulas {
    fn new() -> MenuFormulas {
        MenuFormulas {
            came: "how often a caller came to the menu and left it; each time they chose, hung up, or gave up: heard it to \
                   the last try"
                .to_owned(),
            keys: "no key: how often none came in time; wrong key: how often one was no choice".to_owned(),
            zero_outs: "how often 0 was keyed, be it a choice or not: by it callers look for a person".to_owned(),
        }
    }
}

impl MenuView {
    fn of(flow: &str, node: &str, tally: &MenuTally) -> MenuView {
        let MenuTally { came, chose, hung_up, no_input, no_match, zero_outs, .. } = *tally;
        MenuView {
            flow: flow.to_owned(),
            node: node.to_owned(),
            came,
            chose,
            gave_up: tally.gave_up(),
            hung_up,
            no_input,
            no_match,
            zero_outs,
            average_s: tally.average().map(|time| tenths(time.as_secs_f64())),
        }
    }
}
