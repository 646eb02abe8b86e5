//! Waits that are over, what agents did, and what talks and answers came to: rows, for a report to sum where it would have
//! to read twenty facts a call. Those of talks are in `talk_rows` and `handling_rows`, those of menus in `menus`, those of
//! routes in `misrouted`, those of rules in `conformance`.
//!
//! The rows say nothing that the facts do not. They are written with these, in the same transaction; where an earlier version
//! wrote the facts they are made from them at the next start, and until then reports read the facts.

use std::collections::BTreeMap;
use std::collections::HashMap;
use std::collections::HashSet;
use std::time::Duration;
use std::time::Instant;

use rusqlite::Connection;
use rusqlite::Row;
use rusqlite::params;
use tracing::info;

use crate::base::CallId;
use crate::base::Name;
use crate::base::WallTime;
use crate::fact::NeedFact;
use crate::fact::What;
use crate::store::StoreError;
use crate::store::conformance;
use crate::store::conformance::ConformanceFold;
use crate::store::fold::DatedFact;
use crate::store::handling;
use crate::store::handling::CallHandling;
use crate::store::handling_rows;
use crate::store::handling_rows::WrapUps;
use crate::store::menus;
use crate::store::menus::MenuFold;
use crate::store::misrouted;
use crate::store::misrouted::RouteFold;
use crate::store::read;
use crate::store::service;
use crate::store::service::ServiceReport;
use crate::store::service::TooLong;
use crate::store::service::shifts::Shifts;
use crate::store::service::shifts::Spell;
use crate::store::service::shifts::is_busy;
use crate::store::surveys;
use crate::store::talk_rows;
use crate::store::talks;
use crate::store::talks::TalkFold;
use crate::store::waits::WaitChange;
use crate::store::waits::WaitEnd;
use crate::store::waits::Waiting;
use crate::store::waits::Waits;

/// What `seeded` says once every fact has its rows. Another name each time that there are rows of something more.
const MADE: &str = "figures of waits, talks, late holds, handling, menus, routes and rules";

/// How often it is told how far the making of rows is.
const TELL_EVERY: Duration = Duration::from_secs(5);

/// The facts that rows are made of, by name.
const LOOKED_AT: [&[&str]; 7] = [
    service::LOOKED_AT,
    talks::LOOKED_AT,
    surveys::LOOKED_AT,
    handling::LOOKED_AT,
    menus::LOOKED_AT,
    misrouted::LOOKED_AT,
    conformance::LOOKED_AT,
];

/// How a wait ended, as it is written.
const ANSWERED: &str = "answered";
const HUNG_UP: &str = "hung_up";
const UNSERVED: &str = "unserved";
const REDIALLED: &str = "redialled";

/// A wait that is over.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct EndedWait {
    /// As it was in the end.
    pub wait: Waiting,
    /// What was needed of agents before, and in which queue.
    pub earlier: Vec<Demand>,
    pub end: WaitEnd,
}

/// A queue, and what is needed of agents in it.
pub(super) type Demand = (Name, Vec<NeedFact>);

/// Writes the rows, and keeps what they will be of. Bounded by the calls that the server takes and the history keeps, and the
/// center's agents.
#[derive(Default)]
pub(super) struct FigureRows {
    waits: Waits,
    asked: HashMap<CallId, Vec<Demand>>,
    calls: HashMap<CallId, CallRows>,
    wrap_ups: WrapUps,
    /// The row of each agent who is there, and whether they are busy.
    there: BTreeMap<Name, (SpellKey, bool)>,
}

/// What is kept of a call to write its rows, but for those of its waits.
#[derive(Default)]
struct CallRows {
    talks: TalkFold,
    handling: CallHandling,
    menus: MenuFold,
    routes: RouteFold,
    rules: ConformanceFold,
}

impl CallRows {
    /// After these facts, whose rows are there.
    fn of(call: CallId, facts: &[DatedFact]) -> CallRows {
        CallRows {
            talks: TalkFold::of(facts),
            handling: CallHandling::of(call, facts),
            menus: MenuFold::of(facts),
            routes: RouteFold::of(facts),
            rules: ConformanceFold::of(facts),
        }
    }

    fn write(
        &mut self,
        connection: &Connection,
        call: CallId,
        seq: i64,
        dated: &DatedFact,
    ) -> Result<(), StoreError> {
        talk_rows::write(&mut self.talks, connection, call, seq, dated)?;
        handling_rows::write(&mut self.handling, connection, call, dated)?;
        menus::write(&mut self.menus, connection, call, dated)?;
        misrouted::write(&mut self.routes, connection, call, dated)?;
        conformance::write(&mut self.rules, connection, dated)
    }
}

/// When a spell began, and by which fact.
type SpellKey = (WallTime, i64);

impl FigureRows {
    /// Before the first fact of a run: whoever was there when the last one ended is not from its last fact on, and facts of
    /// an earlier version get their rows.
    pub fn begin(connection: &Connection) -> Result<FigureRows, StoreError> {
        let transaction = connection.unchecked_transaction()?;
        if are_made(&transaction)? {
            for table in ["spells", "wrap_ups"] {
                let ended = format!(
                    "UPDATE {table} SET to_us = max(from_us, ifnull((SELECT wall_us FROM facts WHERE call = 0 ORDER BY seq \
                     DESC LIMIT 1), 0)) WHERE to_us IS NULL"
                );
                transaction.execute(&ended, [])?;
            }
        } else {
            make(&transaction)?;
            transaction.execute("INSERT INTO seeded VALUES (?1)", [MADE])?;
        }
        transaction.commit()?;
        Ok(FigureRows::default())
    }

    /// After a transaction came to nothing: as the rows are. Waits are folded anew when their calls are read back.
    pub fn read_back(connection: &Connection) -> Result<FigureRows, StoreError> {
        let mut statement =
            connection.prepare("SELECT agent, from_us, seq, busy FROM spells WHERE to_us IS NULL")?;
        let mut rows = statement.query([])?;
        let mut there = BTreeMap::new();
        while let Some(row) = rows.next()? {
            let agent: String = row.get(0)?;
            there.insert(Name::from(agent), ((WallTime(row.get(1)?), row.get(2)?), row.get(3)?));
        }
        Ok(FigureRows { there, wrap_ups: WrapUps::read_back(connection)?, ..FigureRows::default() })
    }

    /// Begins a call with the facts of it that were written before, whose rows are there.
    pub fn fold(&mut self, call: CallId, facts: &[DatedFact]) {
        self.waits.forget(call);
        self.asked.remove(&call);
        self.calls.insert(call, CallRows::of(call, facts));
        for dated in facts {
            self.take(dated);
        }
    }

    /// No fact of a call is expected any more; if one comes, it is begun with those of before.
    pub fn forget(&mut self, call: CallId) {
        self.calls.remove(&call);
    }

    /// Takes a fact of a call in, and writes the wait that it ends. `seq` is the fact's number in its call.
    pub fn write(&mut self, connection: &Connection, seq: i64, dated: &DatedFact) -> Result<(), StoreError> {
        if let Some(call) = dated.fact.call {
            self.calls.entry(call).or_default().write(connection, call, seq, dated)?;
        }
        match self.take(dated) {
            Some(ended) => insert_wait(connection, seq, &ended),
            None => Ok(()),
        }
    }

    /// Takes a fact in that concerns no call, and writes what it says of an agent.
    pub fn write_state(
        &mut self,
        connection: &Connection,
        seq: i64,
        wall: WallTime,
        what: &What,
    ) -> Result<(), StoreError> {
        if let What::CalendarSet { by_ms } = what {
            return self.calendar_set(connection, *by_ms);
        }
        let What::AgentState { agent, to, .. } = what else { return Ok(()) };
        self.wrap_ups.write_state(connection, seq, wall, agent, *to)?;
        let busy = is_busy(*to);
        let was = self.there.get(agent).copied();
        if was.map(|(_, busy)| busy) == busy {
            return Ok(());
        }
        if let Some(((from, of), _)) = was {
            connection
                .prepare_cached(
                    "UPDATE spells SET to_us = ?4 WHERE agent = ?1 AND from_us = ?2 AND seq = ?3",
                )?
                .execute(params![&**agent, from.0, of, wall.0])?;
        }
        match busy {
            Some(busy) => {
                insert_spell(connection, agent, seq, wall, None, busy)?;
                self.there.insert(agent.clone(), ((wall, seq), busy));
            }
            None => drop(self.there.remove(agent)),
        }
        Ok(())
    }

    /// What goes on began at another date, by the calendar of now.
    fn calendar_set(&mut self, connection: &Connection, by_ms: i64) -> Result<(), StoreError> {
        for table in ["spells", "wrap_ups"] {
            let moved = format!("UPDATE {table} SET from_us = from_us + ?1 WHERE to_us IS NULL");
            connection.execute(&moved, [by_ms.saturating_mul(1_000)])?;
        }
        self.there.values_mut().for_each(|((from, _), _)| *from = from.moved(by_ms));
        self.wrap_ups.calendar_set(by_ms);
        Ok(())
    }

    fn take(&mut self, dated: &DatedFact) -> Option<EndedWait> {
        match self.waits.apply(dated)? {
            WaitChange::Joined(wait) | WaitChange::Relaxed(wait) | WaitChange::Moved { wait, .. } => {
                let asked = self.asked.entry(wait.call).or_default();
                let demand = (wait.queue, wait.needs);
                if !asked.contains(&demand) {
                    asked.push(demand);
                }
                None
            }
            WaitChange::Ended(wait, end) => {
                let mut earlier = self.asked.remove(&wait.call).unwrap_or_default();
                earlier.retain(|(queue, needs)| (queue, needs) != (&wait.queue, &wait.needs));
                Some(EndedWait { wait, earlier, end })
            }
        }
    }
}

/// Whether every fact has its rows.
pub(super) fn are_made(connection: &Connection) -> Result<bool, StoreError> {
    Ok(connection.query_row("SELECT count(*) FROM seeded WHERE what = ?1", [MADE], |row| row.get(0))?)
}

/// Makes the rows of all facts that there are, in place of those that an earlier version made.
fn make(connection: &Connection) -> Result<(), StoreError> {
    let tables = ["waits", "spells"].iter().chain(talk_rows::TABLES).chain(handling_rows::TABLES);
    for table in tables.chain(menus::TABLES).chain(misrouted::TABLES).chain(conformance::TABLES) {
        connection.execute(&format!("DELETE FROM {table}"), [])?;
    }
    let highest: i64 =
        connection.query_row("SELECT ifnull(max(call), 0) FROM facts", [], |row| row.get(0))?;
    let mut progress = Progress::begins(highest.unsigned_abs());
    let mut rows = FigureRows::default();
    let mut statement = connection
        .prepare("SELECT wall_us, at_us, json, call, seq FROM facts WHERE call > 0 ORDER BY call, seq")?;
    let mut told = statement.query([])?;
    let mut last = CallId(0);
    while let Some(row) = told.next()? {
        let call = CallId(row.get::<_, i64>(3)?.unsigned_abs());
        if call != last {
            rows.forget(last);
            progress.is_at(call);
            last = call;
        }
        let json = row.get_ref(2)?.as_str().unwrap_or_default();
        if LOOKED_AT.iter().any(|kinds| read::is_of(json, kinds))
            && let Some(dated) = read::dated(row, Some(call))?
        {
            rows.write(connection, row.get(4)?, &dated)?;
        }
    }
    let mut shifts = Shifts::default();
    let mut last = WallTime(0);
    let mut statement =
        connection.prepare("SELECT wall_us, at_us, json FROM facts WHERE call = 0 ORDER BY seq")?;
    let mut told = statement.query([])?;
    while let Some(row) = told.next()? {
        last = WallTime(row.get(0)?);
        if let Some(dated) = read::dated(row, None)? {
            shifts.apply(&dated);
        }
    }
    let (spells, wrap_ups) = shifts.end(last);
    for (agent, spells) in spells {
        for (Spell { from, to, busy }, place) in spells.into_iter().zip(1..) {
            insert_spell(connection, &agent, place, from, Some(to), busy)?;
        }
    }
    for (agent, wrap_ups) in wrap_ups {
        for ((from, to), place) in wrap_ups.into_iter().zip(1..) {
            handling_rows::insert_wrap_up(connection, &agent, place, from, Some(to))?;
        }
    }
    progress.ends();
    Ok(())
}

/// Tells how far the making of rows is, for people who wait for the server.
struct Progress {
    calls: u64,
    began: Instant,
    told: Instant,
}

impl Progress {
    fn begins(calls: u64) -> Progress {
        if calls > 0 {
            info!(
                calls,
                "what reports sum is made from the facts of an earlier version, once; the server answers when it is done"
            );
        }
        Progress { calls, began: Instant::now(), told: Instant::now() }
    }

    fn is_at(&mut self, call: CallId) {
        if self.told.elapsed() >= TELL_EVERY {
            self.told = Instant::now();
            let percent = call.0 * 100 / self.calls.max(1);
            info!(percent, "what reports sum is being made");
        }
    }

    fn ends(&self) {
        if self.calls > 0 {
            info!(took_s = self.began.elapsed().as_secs(), "what reports sum is made");
        }
    }
}

fn insert_wait(connection: &Connection, seq: i64, ended: &EndedWait) -> Result<(), StoreError> {
    let EndedWait { wait, earlier, end } = ended;
    let micros = |time: Duration| time.as_micros() as i64;
    let (word, agent, length, quote) = match end {
        WaitEnd::Answered { agent, waited, quote } => (ANSWERED, Some(&**agent), Some(*waited), *quote),
        WaitEnd::HungUp { after } => (HUNG_UP, None, Some(*after), None),
        WaitEnd::Unserved => (UNSERVED, None, None, None),
        WaitEnd::Redialled => (REDIALLED, None, None, None),
    };
    // Names and levels always have a JSON form.
    let needs = serde_json::to_string(&wait.needs).unwrap_or_default();
    let earlier = (!earlier.is_empty()).then(|| serde_json::to_string(earlier).unwrap_or_default());
    connection
        .prepare_cached("INSERT OR REPLACE INTO waits VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)")?
        .execute(params![
            wait.joined.0,
            wait.call.0 as i64,
            seq,
            &*wait.queue,
            needs,
            earlier,
            wait.rings.last().map(|agent| &**agent),
            word,
            agent,
            length.map(micros),
            quote.map(micros),
        ])?;
    Ok(())
}

fn insert_spell(
    connection: &Connection,
    agent: &str,
    seq: i64,
    from: WallTime,
    to: Option<WallTime>,
    busy: bool,
) -> Result<(), StoreError> {
    connection
        .prepare_cached("INSERT OR REPLACE INTO spells VALUES (?1, ?2, ?3, ?4, ?5)")?
        .execute(params![agent, from.0, seq, to.map(|to| to.0), busy])?;
    Ok(())
}

/// Tells a report of everything in its time: of calls that are up by their facts, of all else by the rows. Who is there now is
/// so until `now`.
pub(super) fn tell(
    connection: &Connection,
    report: &mut ServiceReport,
    now: WallTime,
) -> Result<Result<(), TooLong>, StoreError> {
    let up: HashSet<CallId> = read::unfinished(connection)?.into_iter().collect();
    let (from, until) = report.time();
    let mut statement = connection.prepare(
        "SELECT joined_us, call, queue, needs, earlier, rung, ended, agent, length_us, quote_us FROM waits \
         WHERE joined_us >= ?1 AND joined_us < ?2",
    )?;
    let mut rows = statement.query([from.0, until.0])?;
    let mut known = Known::default();
    while let Some(row) = rows.next()? {
        let call = CallId(row.get::<_, i64>(1)?.unsigned_abs());
        if !up.contains(&call)
            && let Some(ended) = known.wait(call, row)?
            && let Err(too_long) = report.add(&ended)
        {
            return Ok(Err(too_long));
        }
    }
    for call in up {
        for dated in read::facts(connection, call)? {
            if let Err(too_long) = report.apply_to_wait(&dated) {
                return Ok(Err(too_long));
            }
        }
    }
    tell_spells(connection, report, now)?;
    handling_rows::tell(connection, report, now)
}

/// Agent by agent, from the spell in which the report's time begins.
fn tell_spells(connection: &Connection, report: &mut ServiceReport, now: WallTime) -> Result<(), StoreError> {
    let (from, until) = report.time();
    let mut next = connection.prepare("SELECT min(agent) FROM spells WHERE agent > ?1")?;
    let mut spells = connection.prepare(
        "SELECT from_us, to_us, busy FROM spells WHERE agent = ?1 AND from_us < ?3 AND from_us >= \
         ifnull((SELECT max(from_us) FROM spells WHERE agent = ?1 AND from_us <= ?2), ?2)",
    )?;
    let mut agent = String::new();
    while let Some(after) = next.query_row([&agent], |row| row.get::<_, Option<String>>(0))? {
        agent = after;
        let name = Name::from(agent.as_str());
        let mut rows = spells.query(params![agent, from.0, until.0])?;
        while let Some(row) = rows.next()? {
            let to = row.get::<_, Option<i64>>(1)?.map_or(now, WallTime);
            report.add_spell(&name, Spell { from: WallTime(row.get(0)?), to, busy: row.get(2)? }, now);
        }
    }
    Ok(())
}

/// Names that rows have in common: each is made once.
#[derive(Default)]
pub(super) struct Names(HashMap<String, Name>);

impl Names {
    pub fn of(&mut self, text: &str) -> Name {
        match self.0.get(text) {
            Some(name) => name.clone(),
            None => self.0.entry(text.to_owned()).or_insert_with(|| text.into()).clone(),
        }
    }

    /// The name at this place of a row; empty for none.
    pub fn at(&mut self, row: &Row<'_>, place: usize) -> rusqlite::Result<Name> {
        Ok(self.of(row.get_ref(place)?.as_str().unwrap_or_default()))
    }
}

/// The same, and needs.
#[derive(Default)]
pub(super) struct Known {
    pub names: Names,
    needs: HashMap<String, Vec<NeedFact>>,
}

impl Known {
    /// The wait of a row; none when this version cannot read it.
    fn wait(&mut self, call: CallId, row: &Row<'_>) -> Result<Option<EndedWait>, StoreError> {
        let text = |place: usize| row.get_ref(place).map(|value| value.as_str_or_null().ok().flatten());
        let micros = |place: usize| {
            let micros: Option<i64> = row.get(place)?;
            Ok::<_, StoreError>(micros.map(|micros| Duration::from_micros(micros.unsigned_abs())))
        };
        let agent = text(7)?.map(|agent| self.names.of(agent)).unwrap_or_default();
        let length = micros(8)?.unwrap_or_default();
        let end = match text(6)? {
            Some(ANSWERED) => WaitEnd::Answered { agent, waited: length, quote: micros(9)? },
            Some(HUNG_UP) => WaitEnd::HungUp { after: length },
            Some(UNSERVED) => WaitEnd::Unserved,
            Some(REDIALLED) => WaitEnd::Redialled,
            _ => return Ok(None),
        };
        let earlier = text(4)?.map(serde_json::from_str).transpose();
        let (Some(queue), Some(needs), Ok(earlier)) = (text(2)?, self.needs(text(3)?), earlier) else {
            return Ok(None);
        };
        let queue = self.names.of(queue);
        let rings = text(5)?.map(|agent| self.names.of(agent)).into_iter().collect();
        let wait = Waiting { needs, rings, ..Waiting::joined(call, &queue, WallTime(row.get(0)?)) };
        Ok(Some(EndedWait { wait, earlier: earlier.unwrap_or_default(), end }))
    }

    pub fn needs(&mut self, json: Option<&str>) -> Option<Vec<NeedFact>> {
        let json = json?;
        if let Some(needs) = self.needs.get(json) {
            return Some(needs.clone());
        }
        let needs: Vec<NeedFact> = serde_json::from_str(json).ok()?;
        self.needs.insert(json.to_owned(), needs.clone());
        Some(needs)
    }
}
