//! By which routes callers came to the wrong queue, as JSON.

use serde::Serialize;

use super::service::tenths;
use crate::store::misrouted::Route;
use crate::store::misrouted::RouteReport;
use crate::store::misrouted::RouteTally;
use crate::store::misrouted::Way;

/// What came of the routes in a time: those by which most came to the wrong queue first.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct RouteReportView {
    pub formulas: RouteFormulas,
    pub routes: Vec<RouteView>,
}

/// What the figures mean, in words.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RouteFormulas {
    pub route: String,
    pub misrouted: String,
}

/// What came of one route.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct RouteView {
    /// The number that was dialled.
    pub entry: String,
    /// `flow`, `chose`, `handed_on` or `moved`.
    pub way: &'static str,
    /// What was chosen last; null where nothing was.
    pub chose: Option<ChoiceView>,
    pub queue: String,
    pub talks: u32,
    pub misrouted: u32,
    /// Of the talks, in per cent.
    pub share: f64,
    pub belongs: Vec<BelongsView>,
}

/// What a caller chose from a menu.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ChoiceView {
    pub flow: String,
    pub node: String,
    pub choice: String,
}

/// Where callers belonged who came to the wrong queue.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct BelongsView {
    /// Null where nobody said.
    pub queue: Option<String>,
    pub times: u32,
}

impl From<&RouteReport> for RouteReportView {
    fn from(report: &RouteReport) -> RouteReportView {
        let mut routes: Vec<RouteView> =
            report.0.iter().map(|(route, tally)| RouteView::of(route, tally)).collect();
        routes.sort_by_key(|route| std::cmp::Reverse(route.misrouted));
        RouteReportView { formulas: RouteFormulas::new(), routes }
    }
}

impl RouteFormulas {
    fn new() -> RouteFormulas {
        RouteFormulas {
            route: "the number that was dialled, what was chosen last from a menu, and the queue that gave the caller to an \
                    agent; one whom an agent handed on, or a supervisor moved, came to the last queue by that"
                .to_owned(),
            misrouted: "talks of which whoever had the caller says that they came to the wrong queue, of all talks that came \
                        by the route"
                .to_owned(),
        }
    }
}

impl RouteView {
    fn of(Route { entry, way, queue }: &Route, tally: &RouteTally) -> RouteView {
        let chose = match way {
            Way::Chose { flow, node, choice } => Some(ChoiceView {
                flow: flow.to_string(),
                node: node.to_string(),
                choice: choice.to_string(),
            }),
            Way::Flow | Way::HandedOn | Way::Moved => None,
        };
        let belongs = tally.belongs.iter().map(|(queue, times)| BelongsView {
            queue: (!queue.is_empty()).then(|| queue.to_string()),
            times: *times,
        });
        let mut belongs: Vec<BelongsView> = belongs.collect();
        belongs.sort_by_key(|belongs| std::cmp::Reverse(belongs.times));
        RouteView {
            entry: entry.to_string(),
            way: way.word(),
            chose,
            queue: queue.to_string(),
            talks: tally.talks,
            misrouted: tally.misrouted,
            share: tenths(100.0 * f64::from(tally.misrouted) / f64::from(tally.talks.max(1))),
            belongs,
        }
    }

    /// What led the callers to the queue, in a few words.
    pub fn way_words(&self) -> String {
        match (&self.chose, self.way) {
            (Some(ChoiceView { flow, node, choice }), _) => format!("{flow}/{node}: {choice}"),
            (None, "handed_on") => "handed on".to_owned(),
            (None, "moved") => "moved by a supervisor".to_owned(),
            (None, _) => "no choice".to_owned(),
        }
    }
}
