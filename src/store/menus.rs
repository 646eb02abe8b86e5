//! What callers keyed at the menus: how many came, chose, gave up, how often nothing came or a key that is no choice. A fold over
//! the facts of each call; a row for each of its menus, for reports to sum. Nothing here reads a clock.

use std::collections::BTreeMap;
use std::time::Duration;

use rusqlite::Connection;
use rusqlite::params;

use crate::base::CallId;
use crate::base::Name;
use crate::base::WallTime;
use crate::fact::Outcome;
use crate::fact::What;
use crate::store::StoreError;
use crate::store::figures;
use crate::store::figures::Names;
use crate::store::fold::DatedFact;
use crate::store::read;

/// The facts that the fold looks at, by name.
pub(super) const LOOKED_AT: &[&str] = &["node_entered", "no_input", "no_match", "chose", "call_ended"];

/// The tables.
pub(super) const TABLES: &[&str] = &["menus"];

/// The key by which callers look for a person, whether or not a menu offers one there.
const ZERO: char = '0';

/// A node of a flow: the flow's name, and its own.
pub type Node = (Name, Name);

/// What callers did at one menu.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MenuTally {
    /// How often somebody came to it.
    pub came: u32,
    /// How often somebody chose.
    pub chose: u32,
    /// How often somebody hung up there, without having chosen.
    pub hung_up: u32,
    /// Times that no key came.
    pub no_input: u32,
    /// Times that a key was no choice.
    pub no_match: u32,
    /// Times that 0 was keyed, a choice or not.
    pub zero_outs: u32,
    /// How long callers were there, together.
    stayed: Duration,
}

impl MenuTally {
    /// How often somebody stayed to the last try and had not chosen.
    pub fn gave_up(&self) -> u32 {
        self.came.saturating_sub(self.chose).saturating_sub(self.hung_up)
    }

    /// How long a caller was there, on average.
    pub fn average(&self) -> Option<Duration> {
        self.stayed.checked_div(self.came)
    }

    fn add(&mut self, other: &MenuTally) {
        self.came += other.came;
        self.chose += other.chose;
        self.hung_up += other.hung_up;
        self.no_input += other.no_input;
        self.no_match += other.no_match;
        self.zero_outs += other.zero_outs;
        self.stayed += other.stayed;
    }
}

/// What the callers of many calls did, by node: menus, and other nodes at which somebody keyed what does not fit, said nothing
/// or hung up.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MenuReport(pub BTreeMap<Node, MenuTally>);

impl MenuReport {
    fn add(&mut self, node: Node, tally: &MenuTally) {
        self.0.entry(node).or_default().add(tally);
    }
}

/// One call's menus in the making: of those that its caller has left.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct MenuFold {
    /// Where the caller is, since when, and what they did there.
    at: Option<(Node, WallTime, MenuTally)>,
    left: BTreeMap<Node, MenuTally>,
}

impl MenuFold {
    /// The fold of all facts of one call.
    pub fn of(facts: &[DatedFact]) -> MenuFold {
        let mut fold = MenuFold::default();
        for dated in facts {
            fold.apply(dated);
        }
        fold
    }

    /// Takes one more fact in; the node that the caller has left by it, if its tally is another one now.
    fn apply(&mut self, dated: &DatedFact) -> Option<(&Node, &MenuTally)> {
        match &dated.fact.what {
            What::NodeEntered { flow, node, .. } => {
                let now = (flow.clone(), node.clone());
                let last = self.at.replace((now, dated.wall, MenuTally { came: 1, ..MenuTally::default() }));
                return self.leave(last, dated.wall);
            }
            What::NoInput { node } => self.does(node, |tally| tally.no_input += 1),
            What::NoMatch { node, digit } => self.does(node, |tally| {
                tally.no_match += 1;
                tally.zero_outs += u32::from(*digit == ZERO);
            }),
            What::Chose { node, digit, .. } => self.does(node, |tally| {
                tally.chose += 1;
                tally.zero_outs += u32::from(*digit == ZERO);
            }),
            What::CallEnded { outcome, .. } => {
                let mut last = self.at.take();
                if let Some((_, _, tally)) = last.as_mut().filter(|(_, _, tally)| tally.chose == 0) {
                    tally.hung_up = u32::from(*outcome == Outcome::LeftInFlow);
                }
                return self.leave(last, dated.wall);
            }
            _ => {}
        }
        None
    }

    fn does(&mut self, node: &Name, did: impl FnOnce(&mut MenuTally)) {
        if let Some((_, _, tally)) = self.at.as_mut().filter(|((_, name), ..)| name == node) {
            did(tally);
        }
    }

    /// A node that asks for nothing, and that nobody hung up at, is worth no row.
    fn leave(
        &mut self,
        last: Option<(Node, WallTime, MenuTally)>,
        now: WallTime,
    ) -> Option<(&Node, &MenuTally)> {
        let (node, since, tally) = last?;
        if tally == (MenuTally { came: 1, ..MenuTally::default() }) {
            return None;
        }
        self.left.entry(node.clone()).or_default().add(&MenuTally { stayed: now.since(since), ..tally });
        self.left.get_key_value(&node)
    }
}

/// Takes a fact of a call in, and writes the menu that the caller has left by it, over what was there.
pub(super) fn write(
    fold: &mut MenuFold,
    connection: &Connection,
    call: CallId,
    dated: &DatedFact,
) -> Result<(), StoreError> {
    if let Some(((flow, node), tally)) = fold.apply(dated) {
        let MenuTally { came, chose, hung_up, no_input, no_match, zero_outs, stayed } = *tally;
        let (call, stayed) = (call.0 as i64, stayed.as_micros() as i64);
        connection
            .prepare_cached("INSERT OR REPLACE INTO menus VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)")?
            .execute(params![
                call, &**flow, &**node, came, chose, hung_up, no_input, no_match, zero_outs, stayed
            ])?;
    }
    Ok(())
}

/// What callers did at the menus, of calls that arrived from then on and before then.
pub(super) fn report(
    connection: &Connection,
    from: WallTime,
    until: WallTime,
) -> Result<MenuReport, StoreError> {
    let connection = connection.unchecked_transaction()?;
    if !figures::are_made(&connection)? {
        return of_facts(&connection, from, until);
    }
    let (mut report, mut names) = (MenuReport::default(), Names::default());
    let mut statement = connection.prepare(
        "SELECT flow, node, came, chose, hung_up, no_input, no_match, zero_outs, stayed_us FROM calls JOIN menus ON \
         menus.call = id WHERE arrived_us >= ?1 AND arrived_us < ?2",
    )?;
    let mut rows = statement.query([from.0, until.0])?;
    while let Some(row) = rows.next()? {
        let tally = MenuTally {
            came: row.get(2)?,
            chose: row.get(3)?,
            hung_up: row.get(4)?,
            no_input: row.get(5)?,
            no_match: row.get(6)?,
            zero_outs: row.get(7)?,
            stayed: Duration::from_micros(row.get::<_, i64>(8)?.unsigned_abs()),
        };
        report.add((names.at(row, 0)?, names.at(row, 1)?), &tally);
    }
    Ok(report)
}

/// The same by the facts: of a file to which only earlier versions have written.
fn of_facts(connection: &Connection, from: WallTime, until: WallTime) -> Result<MenuReport, StoreError> {
    let mut report = MenuReport::default();
    let apply = |fold: &mut MenuFold, dated: &DatedFact| {
        fold.apply(dated);
    };
    read::each_fold(connection, LOOKED_AT, (from, until), apply, |fold| {
        fold.left.into_iter().for_each(|(node, tally)| report.add(node, &tally));
    })?;
    Ok(report)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Timestamp;
    use crate::fact::Fact;
    use crate::fact::Party;
    use crate::store::HistoryWriter;
    use crate::store::Store;
    use crate::store::sample;

    fn at(node: &str) -> What {
        What::NodeEntered { flow: "main".into(), node: node.into(), by: None }
    }

    fn silent() -> What {
        What::NoInput { node: "menu".into() }
    }

    fn wrong(digit: char) -> What {
        What::NoMatch { node: "menu".into(), digit }
    }

    fn chose(digit: char) -> What {
        What::Chose { node: "menu".into(), digit, choice: "billing".into() }
    }

    fn ended(outcome: Outcome) -> What {
        What::CallEnded { by: Party::Caller, outcome, cause: String::new(), by_person: None }
    }

    /// Callers at a menu, from one to the next by a minute, and in each call from fact to fact by 4 s.
    fn calls() -> Vec<Vec<What>> {
        vec![
            vec![
                at("welcome"),
                at("menu"),
                silent(),
                wrong('9'),
                chose('1'),
                at("queue"),
                ended(Outcome::Talked),
            ],
            // Who came again, and looked for a person.
            vec![at("menu"), chose('2'), at("hours"), at("menu"), wrong('0'), wrong('0'), at("person")],
            vec![at("menu"), chose('0'), at("person"), ended(Outcome::Talked)],
            vec![at("menu"), silent(), ended(Outcome::LeftInFlow)],
            vec![at("menu"), ended(Outcome::LeftInFlow)],
            vec![at("menu"), silent(), silent(), silent(), at("person"), ended(Outcome::Talked)],
            // The server stopped: nobody hung up.
            vec![at("menu"), ended(Outcome::Failed)],
            vec![at("menu")],
        ]
    }

    fn facts() -> Vec<Fact> {
        let of = |(id, told): (u64, Vec<What>)| {
            let date = move |(place, what)| Fact {
                at: Timestamp::from_secs(60 * id + 4 * place),
                call: Some(CallId(id)),
                what,
            };
            (0_u64..).zip([vec![What::CallAnswered], told].concat()).map(date).collect::<Vec<_>>()
        };
        (1..).zip(calls()).flat_map(of).collect()
    }

    /// The whole of them, at `menu`.
    fn expected() -> MenuTally {
        let mut sum = MenuTally::default();
        for (came, chose, hung_up, no_input, no_match, zero_outs, stayed) in [
            (1, 1, 0, 1, 1, 0, 16),
            (2, 1, 0, 0, 2, 2, 8 + 12),
            (1, 1, 0, 0, 0, 1, 8),
            (1, 0, 1, 1, 0, 0, 8),
            (1, 0, 1, 0, 0, 0, 4),
            (1, 0, 0, 3, 0, 0, 16),
        ] {
            let stayed = Duration::from_secs(stayed);
            sum.add(&MenuTally { came, chose, hung_up, no_input, no_match, zero_outs, stayed });
        }
        sum
    }

    #[test]
    fn what_callers_keyed_at_a_menu_outlives_every_restart_and_is_of_a_time() {
        for killed in 0..facts().len() {
            let folder = tempfile::tempdir().unwrap();
            let store = Store::open(folder.path()).unwrap();
            for run in [&facts()[..killed], &facts()[killed..]] {
                // A call that was up when it was killed goes on in the next run.
                let up: Vec<CallId> = (1..=8).map(CallId).collect();
                let history = HistoryWriter::carry_on(&store, sample::STARTED, &up).unwrap();
                run.iter().for_each(|fact| history.record(fact.clone()));
                history.close();
            }
            let readers = store.readers().unwrap();
            let until = |calls: u64| sample::STARTED + Duration::from_secs(60 * (calls + 1));
            let whole = || readers.menu_report(sample::STARTED, until(8)).unwrap();
            let menu: Node = ("main".into(), "menu".into());
            assert_eq!(whole().0, BTreeMap::from([(menu.clone(), expected())]), "killed at {killed}");
            let first = readers.menu_report(sample::STARTED, until(1)).unwrap().0[&menu];
            assert_eq!((first.came, first.no_input, first.no_match), (1, 1, 1));
            assert_eq!((expected().gave_up(), expected().average()), (2, Some(Duration::from_secs(72) / 7)));
            if killed > 0 {
                continue;
            }
            // A file of an earlier version: its facts are read, until the next start has made the rows.
            let emptied = "DELETE FROM menus; DELETE FROM seeded WHERE what LIKE 'figures%'";
            store.connection().execute_batch(emptied).unwrap();
            assert_eq!(whole().0[&menu], expected());
            HistoryWriter::start(&store, sample::STARTED).unwrap().close();
            assert_eq!(whole().0[&menu], expected());
        }
    }

    #[test]
    fn a_menu_that_nobody_came_to_has_no_average() {
        assert_eq!((MenuTally::default().average(), MenuTally::default().gave_up()), (None, 0));
    }
}
