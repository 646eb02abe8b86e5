//! By which routes callers came to the wrong queue, as those say who talked with them: the number that was dialled, what was
//! chosen from a menu there, and the queue. A fold over the facts of a call, and the rows that it makes for a report to sum, a
//! row for each talk that a queue gave to an agent.

use std::collections::BTreeMap;

use rusqlite::Connection;
use rusqlite::params;

use crate::base::CallId;
use crate::base::Name;
use crate::base::WallTime;
use crate::fact::What;
use crate::store::StoreError;
use crate::store::figures;
use crate::store::figures::Names;
use crate::store::fold::DatedFact;
use crate::store::read;

/// The facts that the fold looks at, by name.
pub(super) const LOOKED_AT: &[&str] = &[
    "call_arrived",
    "call_placed",
    "node_entered",
    "chose",
    "enqueued",
    "place_recalled",
    "wait_moved",
    "agent_connected",
    "misrouted",
    "misrouted_taken_back",
];

/// The tables.
pub(super) const TABLES: &[&str] = &["routes"];

/// How a caller came to an agent.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Route {
    /// The number that they had dialled.
    pub entry: Name,
    pub way: Way,
    pub queue: Name,
}

/// What led a caller to a queue.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Way {
    /// The flow, without a choice of theirs.
    #[default]
    Flow,
    /// What they chose last from a menu.
    Chose { flow: Name, node: Name, choice: Name },
    /// Whoever had them before handed them on.
    HandedOn,
    /// A supervisor moved them while they waited.
    Moved,
}

impl Way {
    /// As it is written.
    pub fn word(&self) -> &'static str {
        match self {
            Way::Flow => "flow",
            Way::Chose { .. } => "chose",
            Way::HandedOn => "handed_on",
            Way::Moved => "moved",
        }
    }
}

/// What came of a route.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RouteTally {
    /// Talks that came by it.
    pub talks: u32,
    /// Of those, which had come to the wrong queue.
    pub misrouted: u32,
    /// Where these belonged, and how many; empty where nobody said.
    pub belongs: BTreeMap<Name, u32>,
}

/// What came of the routes of many calls.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RouteReport(pub BTreeMap<Route, RouteTally>);

impl RouteReport {
    fn add(&mut self, RoutedTalk { route, said, .. }: RoutedTalk) {
        let tally = self.0.entry(route).or_default();
        tally.talks += 1;
        if let Some(Said { belongs, .. }) = said {
            tally.misrouted += 1;
            *tally.belongs.entry(belongs.unwrap_or_default()).or_default() += 1;
        }
    }
}

/// A talk that a queue gave to an agent.
#[derive(Clone, Debug, PartialEq)]
struct RoutedTalk {
    agent: Name,
    route: Route,
    said: Option<Said>,
}

/// That it had come to the wrong queue.
#[derive(Clone, Debug, PartialEq)]
struct Said {
    by: Name,
    belongs: Option<Name>,
}

/// One call's routes in the making.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct RouteFold {
    placed: bool,
    entry: Name,
    /// The flow that the caller is in.
    flow: Name,
    way: Way,
    queue: Option<Name>,
    talks: Vec<RoutedTalk>,
}

impl RouteFold {
    /// The fold of all facts of one call.
    pub fn of(facts: &[DatedFact]) -> RouteFold {
        let mut fold = RouteFold::default();
        for dated in facts {
            fold.apply(dated);
        }
        fold
    }

    /// Takes one more fact in; the talk of which it says something, by its place.
    fn apply(&mut self, dated: &DatedFact) -> Option<usize> {
        match &dated.fact.what {
            What::CallArrived { to, .. } => self.entry = to.clone(),
            What::CallPlaced { .. } => self.placed = true,
            What::NodeEntered { flow, .. } => self.flow = flow.clone(),
            What::Chose { node, choice, .. } if self.talks.is_empty() => {
                self.way = Way::Chose { flow: self.flow.clone(), node: node.clone(), choice: choice.clone() };
            }
            What::Enqueued { queue, .. } => {
                // Who comes to the same queue again after a talk comes back to it, as they first came.
                if !self.talks.is_empty() && self.queue.as_ref() != Some(queue) {
                    self.way = Way::HandedOn;
                }
                self.queue = Some(queue.clone());
            }
            What::PlaceRecalled { queue, .. } => self.queue = Some(queue.clone()),
            What::WaitMoved { to, .. } => (self.way, self.queue) = (Way::Moved, Some(to.clone())),
            What::AgentConnected { agent, .. } if !self.placed => {
                let (entry, way) = (self.entry.clone(), self.way.clone());
                let route = Route { entry, way, queue: self.queue.clone()? };
                self.talks.push(RoutedTalk { agent: agent.clone(), route, said: None });
                return Some(self.talks.len() - 1);
            }
            What::Misrouted { agent, belongs, .. } => {
                let place = self.talk_of(agent)?;
                self.talks[place].said = Some(Said { by: agent.clone(), belongs: belongs.clone() });
                return Some(place);
            }
            What::MisroutedTakenBack { agent } => {
                let place = self.talk_of(agent)?;
                self.talks[place].said.take_if(|said| said.by == *agent)?;
                return Some(place);
            }
            _ => {}
        }
        None
    }

    /// The last talk that a queue gave to this agent; to whom a colleague gave the caller, the last that it gave to anybody.
    fn talk_of(&self, agent: &Name) -> Option<usize> {
        let own = self.talks.iter().rposition(|talk| talk.agent == *agent);
        own.or_else(|| self.talks.len().checked_sub(1))
    }
}

/// Takes a fact of a call in, and writes the talk of which it says something, over what was there.
pub(super) fn write(
    fold: &mut RouteFold,
    connection: &Connection,
    call: CallId,
    dated: &DatedFact,
) -> Result<(), StoreError> {
    let Some(place) = fold.apply(dated) else { return Ok(()) };
    let RoutedTalk { route: Route { entry, way, queue }, said, .. } = &fold.talks[place];
    let (flow, node, choice) = match way {
        Way::Chose { flow, node, choice } => (&**flow, &**node, &**choice),
        Way::Flow | Way::HandedOn | Way::Moved => ("", "", ""),
    };
    let belongs = said.as_ref().and_then(|said| said.belongs.as_deref());
    connection
        .prepare_cached("INSERT OR REPLACE INTO routes VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)")?
        .execute(params![
            call.0 as i64,
            place as i64,
            &**entry,
            way.word(),
            flow,
            node,
            choice,
            &**queue,
            said.is_some(),
            belongs
        ])?;
    Ok(())
}

/// What came of the routes of calls that arrived from then on and before then.
pub(super) fn report(
    connection: &Connection,
    from: WallTime,
    until: WallTime,
) -> Result<RouteReport, StoreError> {
    let connection = connection.unchecked_transaction()?;
    if !figures::are_made(&connection)? {
        return of_facts(&connection, from, until);
    }
    let (mut report, mut names) = (RouteReport::default(), Names::default());
    let mut statement = connection.prepare(
        "SELECT entry, way, flow, node, choice, routes.queue, misrouted, belongs FROM calls JOIN routes ON \
         routes.call = id WHERE arrived_us >= ?1 AND arrived_us < ?2",
    )?;
    let mut rows = statement.query([from.0, until.0])?;
    while let Some(row) = rows.next()? {
        let way = match row.get_ref(1)?.as_str().unwrap_or_default() {
            "chose" => {
                Way::Chose { flow: names.at(row, 2)?, node: names.at(row, 3)?, choice: names.at(row, 4)? }
            }
            "handed_on" => Way::HandedOn,
            "moved" => Way::Moved,
            _ => Way::Flow,
        };
        let route = Route { entry: names.at(row, 0)?, way, queue: names.at(row, 5)? };
        let belongs = row.get::<_, Option<String>>(7)?.map(Name::from);
        let said = row.get::<_, bool>(6)?.then(|| Said { by: Name::default(), belongs });
        report.add(RoutedTalk { agent: Name::default(), route, said });
    }
    Ok(report)
}

/// The same by the facts: of a file to which only earlier versions have written.
fn of_facts(connection: &Connection, from: WallTime, until: WallTime) -> Result<RouteReport, StoreError> {
    let mut report = RouteReport::default();
    let apply = |fold: &mut RouteFold, dated: &DatedFact| {
        fold.apply(dated);
    };
    read::each_fold(connection, LOOKED_AT, (from, until), apply, |fold: RouteFold| {
        fold.talks.into_iter().for_each(|talk| report.add(talk));
    })?;
    Ok(report)
}

#[cfg(test)]
mod tests;
