//! What reports sum of handling: a row for each talk that is over, for each time that a caller came to a queue, and for each
//! wrap-up. At any moment the rows of a call are what its facts come to, be it over or not.

use std::collections::BTreeMap;
use std::time::Duration;

use rusqlite::Connection;
use rusqlite::params;

use crate::base::CallId;
use crate::base::Name;
use crate::base::WallTime;
use crate::fact::AgentStateName;
use crate::store::StoreError;
use crate::store::figures::Known;
use crate::store::fold::DatedFact;
use crate::store::handling::CallHandling;
use crate::store::handling::EndedTalk;
use crate::store::handling::FOLLOWS;
use crate::store::service::ServiceReport;
use crate::store::service::TooLong;

/// The tables.
pub(super) const TABLES: &[&str] = &["talks", "visits", "wrap_ups"];

/// When the wrap-up of each agent who is in one began, and by which fact.
#[derive(Default)]
pub(super) struct WrapUps(BTreeMap<Name, (WallTime, i64)>);

impl WrapUps {
    /// After a transaction came to nothing: as the rows are.
    pub fn read_back(connection: &Connection) -> Result<WrapUps, StoreError> {
        let mut statement =
            connection.prepare("SELECT agent, from_us, seq FROM wrap_ups WHERE to_us IS NULL")?;
        let rows = statement.query_map([], |row| {
            let agent: String = row.get(0)?;
            Ok((Name::from(agent), (WallTime(row.get(1)?), row.get(2)?)))
        })?;
        Ok(WrapUps(rows.collect::<Result<_, _>>()?))
    }

    /// What goes on began at another date.
    pub fn calendar_set(&mut self, by_ms: i64) {
        self.0.values_mut().for_each(|(from, _)| *from = from.moved(by_ms));
    }

    /// Takes in that an agent is in another state, and writes the wrap-up that begins or ends by it.
    pub fn write_state(
        &mut self,
        connection: &Connection,
        seq: i64,
        wall: WallTime,
        agent: &Name,
        to: AgentStateName,
    ) -> Result<(), StoreError> {
        let wraps_up = to == AgentStateName::WrapUp;
        match self.0.get(agent).copied() {
            None if wraps_up => {
                insert_wrap_up(connection, agent, seq, wall, None)?;
                self.0.insert(agent.clone(), (wall, seq));
            }
            Some((from, of)) if !wraps_up => {
                insert_wrap_up(connection, agent, of, from, Some(wall))?;
                self.0.remove(agent);
            }
            _ => {}
        }
        Ok(())
    }
}

/// Takes a fact of a call in, and writes what it changes.
pub(super) fn write(
    fold: &mut CallHandling,
    connection: &Connection,
    call: CallId,
    dated: &DatedFact,
) -> Result<(), StoreError> {
    if fold.apply(call, dated) { insert(connection, call, fold) } else { Ok(()) }
}

/// The rows of a call, over what was there: none ever goes.
fn insert(connection: &Connection, call: CallId, fold: &CallHandling) -> Result<(), StoreError> {
    let micros = |time: Duration| time.as_micros() as i64;
    for talk in fold.talks() {
        let EndedTalk { ended, call, place, agent, queue, needs, .. } = &talk;
        // Names and levels always have a JSON form.
        let needs = serde_json::to_string(needs).unwrap_or_default();
        connection
            .prepare_cached(
                "INSERT OR REPLACE INTO talks VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)",
            )?
            .execute(params![
                &**agent,
                ended.0,
                call.0 as i64,
                place,
                &**queue,
                needs,
                talk.placed,
                micros(talk.talked),
                micros(talk.held),
                talk.last,
                talk.caller,
                talk.said,
                talk.settled,
            ])?;
    }
    for (visit, place) in fold.visits().iter().zip(1_i64..) {
        connection
            .prepare_cached("INSERT OR REPLACE INTO visits VALUES (?1, ?2, ?3, ?4, ?5)")?
            .execute(params![call.0 as i64, place, &*visit.queue, visit.at.0, fold.caller()])?;
    }
    Ok(())
}

pub(super) fn insert_wrap_up(
    connection: &Connection,
    agent: &str,
    seq: i64,
    from: WallTime,
    to: Option<WallTime>,
) -> Result<(), StoreError> {
    connection
        .prepare_cached("INSERT OR REPLACE INTO wrap_ups VALUES (?1, ?2, ?3, ?4)")?
        .execute(params![agent, from.0, seq, to.map(|to| to.0)])?;
    Ok(())
}

/// Tells a report of the talks that ended in its time, agent by agent.
pub(super) fn tell(
    connection: &Connection,
    report: &mut ServiceReport,
    now: WallTime,
) -> Result<Result<(), TooLong>, StoreError> {
    let (from, until) = report.time();
    let mut next = connection.prepare("SELECT min(agent) FROM talks WHERE agent > ?1")?;
    let mut talks = connection.prepare(
        "SELECT ended_us, call, place, queue, needs, placed, talked_us, held_us, last, caller, said, settled FROM talks \
         WHERE agent = ?1 AND ended_us >= ?2 AND ended_us < ?3 ORDER BY ended_us, call, place",
    )?;
    let mut wrap_ups = connection.prepare(
        "SELECT from_us, to_us FROM wrap_ups WHERE agent = ?1 AND from_us >= ?2 AND from_us < ?3 ORDER BY from_us, seq",
    )?;
    let mut again = connection.prepare(
        "SELECT EXISTS (SELECT 1 FROM visits WHERE caller = ?1 AND queue = ?2 AND at_us > ?3 AND at_us <= ?4 AND call <> ?5)",
    )?;
    let (mut known, mut agent) = (Known::default(), String::new());
    while let Some(after) = next.query_row([&agent], |row| row.get::<_, Option<String>>(0))? {
        agent = after;
        let mut told = Vec::new();
        let mut rows = talks.query(params![agent, from.0, until.0])?;
        while let Some(row) = rows.next()? {
            let Some(talk) = known.talk(&agent, row)? else { continue };
            let shows = talk.shows_by().filter(|(_, by)| *by <= now);
            let came_again = shows.map(|(caller, by)| {
                let call = talk.call.0 as i64;
                again.query_row(params![caller, &*talk.queue, talk.ended.0, by.0, call], |row| row.get(0))
            });
            told.push((talk, came_again.transpose()?));
        }
        let wrap_ups = wrap_ups.query_map(params![agent, from.0, (until + FOLLOWS).0], |row| {
            let to = row.get::<_, Option<i64>>(1)?.map_or(now, WallTime);
            Ok((WallTime(row.get(0)?), to))
        })?;
        let wrap_ups = wrap_ups.collect::<Result<Vec<_>, _>>()?;
        if let Err(too_long) = report.add_talks(&told, &wrap_ups) {
            return Ok(Err(too_long));
        }
    }
    Ok(Ok(()))
}

impl Known {
    /// The talk of a row of an agent; none when this version cannot read it.
    fn talk(&mut self, agent: &str, row: &rusqlite::Row<'_>) -> Result<Option<EndedTalk>, StoreError> {
        let time = |place: usize| row.get::<_, i64>(place).map(|us| Duration::from_micros(us.unsigned_abs()));
        let Some(needs) = self.needs(row.get_ref(4)?.as_str().ok()) else { return Ok(None) };
        Ok(Some(EndedTalk {
            ended: WallTime(row.get(0)?),
            call: CallId(row.get::<_, i64>(1)?.unsigned_abs()),
            place: row.get(2)?,
            agent: self.names.of(agent),
            queue: self.names.at(row, 3)?,
            needs,
            placed: row.get(5)?,
            talked: time(6)?,
            held: time(7)?,
            last: row.get(8)?,
            caller: row.get(9)?,
            said: row.get(10)?,
            settled: row.get(11)?,
        }))
    }
}
