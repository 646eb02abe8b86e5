//! The history is kept for so long, and what is older goes, a little at a time: nobody who writes or reads waits for it.
//!
//! Whoever is still owed something keeps their call: an open promise, a place that is kept, a message that nobody has
//! handled.

use std::collections::HashSet;
use std::path::PathBuf;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::mpsc;
use std::sync::mpsc::Receiver;
use std::sync::mpsc::RecvTimeoutError;
use std::sync::mpsc::Sender;
use std::thread;
use std::thread::JoinHandle;
use std::time::Duration;
use std::time::SystemTime;

use rusqlite::Connection;
use rusqlite::Transaction;
use rusqlite::TransactionBehavior;
use rusqlite::params;
use tracing::error;
use tracing::info;

use crate::base::CallId;
use crate::base::WallTime;
use crate::fact::PromiseState;
use crate::store::FILE;
use crate::store::StoreError;
use crate::store::handling::CallHandling;
use crate::store::order;
use crate::store::prepare;
use crate::store::read;
use crate::store::words::word;

/// The first time comes so long after the start, when calls that waited for it have been served.
const FIRST_AFTER: Duration = Duration::from_secs(60);
/// And then this often.
const EVERY: Duration = Duration::from_secs(24 * 60 * 60);
/// Calls that go in one transaction: a few milliseconds, for which facts wait in memory.
const CALLS_AT_ONCE: usize = 20;
/// And other rows.
const ROWS_AT_ONCE: i64 = 500;
/// Rows of the order of facts that are looked at in one: each asks for hundreds of facts.
const ORDERS_AT_ONCE: usize = 8;
/// So long the file is others' after each.
const PAUSE: Duration = Duration::from_millis(50);

/// The grip on the thread. It ends when this is dropped.
pub(super) struct Retention {
    /// None when it is closed.
    keep: Mutex<Option<Sender<Option<Duration>>>>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl Retention {
    /// Starts the thread, which does nothing until it is told for how long the history is kept.
    pub fn start(folder: PathBuf) -> Result<Retention, StoreError> {
        let (keep, told) = mpsc::channel();
        let thread = thread::Builder::new().name("retention".to_owned());
        let thread = thread.spawn(move || run(folder, &told)).map_err(StoreError::Thread)?;
        Ok(Retention { keep: Mutex::new(Some(keep)), thread: Mutex::new(Some(thread)) })
    }

    /// From now on the history is kept for so long; none: for ever.
    pub fn keep(&self, keep: Option<Duration>) {
        if let Some(tell) = &*self.keep.lock().unwrap_or_else(PoisonError::into_inner) {
            // A thread that failed keeps everything.
            let _ = tell.send(keep);
        }
    }

    pub fn close(&self) {
        drop(self.keep.lock().unwrap_or_else(PoisonError::into_inner).take());
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        if thread.is_some_and(|thread| thread.join().is_err()) {
            error!("the thread that removes old history had failed");
        }
    }
}

fn run(folder: PathBuf, told: &Receiver<Option<Duration>>) {
    let Ok(mut keep) = told.recv() else { return };
    let mut wait = FIRST_AFTER;
    loop {
        match told.recv_timeout(wait) {
            Ok(other) => keep = other,
            Err(RecvTimeoutError::Disconnected) => return,
            Err(RecvTimeoutError::Timeout) => {
                wait = EVERY;
                let Some(before) = keep.and_then(|keep| SystemTime::now().checked_sub(keep)) else {
                    continue;
                };
                let since_1970 = before.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
                let before = WallTime(0) + since_1970;
                let pause = || told.recv_timeout(PAUSE) != Err(RecvTimeoutError::Disconnected);
                if let Err(error) = sweep(&folder, before, pause) {
                    error!(%error, "old history cannot be removed");
                }
            }
        }
    }
}

/// Removes all that is older, with a pause after each transaction that may say that it is enough.
fn sweep(folder: &std::path::Path, before: WallTime, pause: impl Fn() -> bool) -> Result<(), StoreError> {
    let connection = Connection::open(folder.join(FILE))?;
    prepare(&connection)?;
    let mut sweep = Sweep::of(before);
    while sweep.step(&connection)? && pause() {}
    let Removed { calls, facts } = sweep.removed;
    if calls + facts > 0 {
        info!(calls, facts, "history that is older than keep_history is removed");
    }
    Ok(())
}

/// What has gone.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Removed {
    calls: u64,
    /// Those of calls, and those of agents and the server.
    facts: u64,
}

/// Going through a history from its beginning.
struct Sweep {
    before: WallTime,
    /// Calls up to this one have been looked at.
    looked_at: CallId,
    stage: Stage,
    /// In the tables of agents' times: agents up to this one have been looked at.
    agent: String,
    /// In the order of facts: rows up to this one have been looked at.
    row: i64,
    removed: Removed,
}

/// What is gone through, in this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    Calls,
    Spells,
    WrapUps,
    Others,
    Order,
}

impl Sweep {
    fn of(before: WallTime) -> Sweep {
        let (looked_at, agent, removed) = (CallId(0), String::new(), Removed::default());
        Sweep { before, looked_at, stage: Stage::Calls, agent, row: 0, removed }
    }

    /// Removes a little in one transaction; whether there may be more.
    fn step(&mut self, connection: &Connection) -> Result<bool, StoreError> {
        let transaction = Transaction::new_unchecked(connection, TransactionBehavior::Immediate)?;
        let more = match self.stage {
            Stage::Calls => self.remove_calls(&transaction)?,
            Stage::Spells => self.remove_times(&transaction, "spells")?,
            Stage::WrapUps => self.remove_times(&transaction, "wrap_ups")?,
            Stage::Others => self.remove_others(&transaction)?,
            Stage::Order => self.remove_order(&transaction)?,
        };
        transaction.commit()?;
        let next = match self.stage {
            Stage::Calls => Stage::Spells,
            Stage::Spells => Stage::WrapUps,
            Stage::WrapUps => Stage::Others,
            Stage::Others => Stage::Order,
            Stage::Order => return Ok(more),
        };
        if !more {
            (self.stage, self.agent) = (next, String::new());
        }
        Ok(true)
    }

    /// The next calls. Their numbers ascend with time, and the highest of all stays: the next call's follows it.
    fn remove_calls(&mut self, connection: &Connection) -> Result<bool, StoreError> {
        let owed = owed(connection)?;
        let mut next = connection.prepare_cached(
            "SELECT id, arrived_us, ended_us FROM calls WHERE id > ?1 AND id < (SELECT max(id) FROM calls) ORDER BY id LIMIT ?2",
        )?;
        let rows = next.query_map(params![self.looked_at.0 as i64, CALLS_AT_ONCE as i64], |row| {
            let ended: Option<i64> = row.get(2)?;
            Ok((CallId(row.get::<_, i64>(0)?.unsigned_abs()), WallTime(row.get(1)?), ended.map(WallTime)))
        })?;
        let rows = rows.collect::<Result<Vec<_>, _>>()?;
        let more = rows.len() == CALLS_AT_ONCE;
        for (call, arrived, ended) in rows {
            if arrived >= self.before {
                return Ok(false);
            }
            self.looked_at = call;
            if let Some(ended) = ended.filter(|ended| *ended < self.before)
                && !owed.contains(&call)
            {
                self.removed.facts += remove_call(connection, call, (arrived, ended))?;
                self.removed.calls += 1;
            }
        }
        Ok(more)
    }

    /// The next agent's times of a table, the oldest first: without reading those that stay.
    fn remove_times(&mut self, connection: &Connection, table: &str) -> Result<bool, StoreError> {
        let sql = format!("SELECT min(agent) FROM {table} WHERE agent > ?1");
        let next = connection.prepare_cached(&sql)?.query_row([&self.agent], |row| row.get(0))?;
        let Some(agent): Option<String> = next else { return Ok(false) };
        let sql = format!(
            "DELETE FROM {table} WHERE agent = ?1 AND from_us IN (SELECT from_us FROM {table} \
             WHERE agent = ?1 AND from_us < ?2 ORDER BY from_us LIMIT ?3) AND to_us < ?2"
        );
        let removed =
            connection.prepare_cached(&sql)?.execute(params![agent, self.before.0, ROWS_AT_ONCE])?;
        if removed == 0 {
            self.agent = agent;
        }
        Ok(true)
    }

    /// What agents did, promises that are settled, messages that are handled. The highest number of each stays.
    fn remove_others(&mut self, connection: &Connection) -> Result<bool, StoreError> {
        let facts = "DELETE FROM facts WHERE call = 0 AND seq IN (SELECT seq FROM facts WHERE call = 0 ORDER BY seq LIMIT ?2) \
                     AND wall_us < ?1 AND seq < (SELECT max(seq) FROM facts WHERE call = 0)";
        let facts = connection.prepare_cached(facts)?.execute(params![self.before.0, ROWS_AT_ONCE])?;
        self.removed.facts += facts as u64;
        let mut removed = facts;
        let (open, overdue) = (word(&PromiseState::Open), word(&PromiseState::Overdue));
        removed += connection
            .prepare_cached(
                "DELETE FROM promises WHERE id IN (SELECT id FROM promises WHERE due_us < ?1 AND settled_us < ?1 \
                 AND state NOT IN (?3, ?4) AND id < (SELECT max(id) FROM promises) LIMIT ?2)",
            )?
            .execute(params![self.before.0, ROWS_AT_ONCE, open, overdue])?;
        removed += connection
            .prepare_cached(
                "DELETE FROM messages WHERE id IN (SELECT id FROM messages WHERE left_us < ?1 AND handled_us < ?1 \
                 AND id < (SELECT max(id) FROM messages) LIMIT ?2)",
            )?
            .execute(params![self.before.0, ROWS_AT_ONCE])?;
        Ok(removed > 0)
    }

    /// In which order facts were told that are gone.
    fn remove_order(&mut self, connection: &Connection) -> Result<bool, StoreError> {
        for _ in 0..ORDERS_AT_ONCE {
            let Some(row) = order::remove_row(connection, self.row, self.before)? else { return Ok(false) };
            self.row = row;
        }
        Ok(true)
    }
}

/// The calls whose caller is still owed something.
fn owed(connection: &Connection) -> Result<HashSet<CallId>, StoreError> {
    let mut owed = connection.prepare_cached(
        "SELECT call FROM promises WHERE state IN ('open', 'overdue') UNION SELECT call FROM kept_places \
         UNION SELECT call FROM messages WHERE handled_us IS NULL",
    )?;
    let calls = owed.query_map([], |row| Ok(CallId(row.get::<_, i64>(0)?.unsigned_abs())))?;
    Ok(calls.collect::<Result<_, _>>()?)
}

/// A call that was up in this time, and all its rows; how many facts it had. Its row goes last: whatever is cut off is gone
/// through again.
fn remove_call(
    connection: &Connection,
    call: CallId,
    (arrived, ended): (WallTime, WallTime),
) -> Result<u64, StoreError> {
    let id = call.0 as i64;
    // Rows that stand by agent or by time are found by what the facts say.
    let handling = CallHandling::of(call, &read::facts(connection, call)?);
    for talk in handling.talks() {
        connection
            .prepare_cached("DELETE FROM talks WHERE agent = ?1 AND ended_us = ?2 AND call = ?3")?
            .execute(params![&*talk.agent, talk.ended.0, id])?;
    }
    connection
        .prepare_cached("DELETE FROM waits WHERE joined_us BETWEEN ?2 AND ?3 AND call = ?1")?
        .execute(params![id, arrived.0, ended.0])?;
    connection
        .prepare_cached("DELETE FROM conformance WHERE arrived_us = ?2 AND call = ?1")?
        .execute(params![id, arrived.0])?;
    for table in ["visits", "holds", "handovers", "answers", "menus", "routes", "evaluations", "legs"] {
        connection.prepare_cached(&format!("DELETE FROM {table} WHERE call = ?1"))?.execute([id])?;
    }
    let facts = connection.prepare_cached("DELETE FROM facts WHERE call = ?1")?.execute([id])?;
    connection.prepare_cached("DELETE FROM calls WHERE id = ?1")?.execute([id])?;
    Ok(facts as u64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Timestamp;
    use crate::fact::AgentStateName;
    use crate::fact::Fact;
    use crate::fact::Place;
    use crate::fact::What;
    use crate::store::HistoryWriter;
    use crate::store::Store;
    use crate::store::sample;

    const DAY: Duration = Duration::from_secs(24 * 60 * 60);

    /// A history of calls, one a day, each as the sample has it, and of an agent's day at work on each.
    fn history(days: u64) -> (tempfile::TempDir, Store) {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path()).unwrap();
        for day in 0..days {
            let started = sample::STARTED + DAY * day as u32;
            let history = HistoryWriter::start(&store, started).unwrap();
            sample::whole_call(day + 1).into_iter().for_each(|fact| history.record(fact));
            for (secs, to) in
                [(1, AgentStateName::Ready), (108, AgentStateName::WrapUp), (120, AgentStateName::Offline)]
            {
                let what = What::AgentState {
                    agent: "bob".into(),
                    from: AgentStateName::Offline,
                    to,
                    reason: String::new(),
                };
                history.record(Fact { at: Timestamp::from_secs(secs), call: None, what });
            }
        }
        (folder, store)
    }

    fn tell(store: &Store, call: u64, what: What) {
        let history = HistoryWriter::start(store, sample::STARTED).unwrap();
        history.record(Fact { at: Timestamp::from_secs(200), call: Some(CallId(call)), what });
    }

    fn swept(folder: &tempfile::TempDir, before: WallTime) -> (Removed, u32) {
        let connection = Connection::open(folder.path().join(FILE)).unwrap();
        prepare(&connection).unwrap();
        let (mut sweep, mut steps) = (Sweep::of(before), 1);
        while sweep.step(&connection).unwrap() {
            steps += 1;
        }
        (sweep.removed, steps)
    }

    /// How many rows of each table are of another call than these, or older than this.
    fn left(folder: &tempfile::TempDir, before: WallTime) -> Vec<(&'static str, i64)> {
        let connection = Connection::open(folder.path().join(FILE)).unwrap();
        let count = |(table, when): (&'static str, &str)| {
            let sql = format!("SELECT count(*) FROM {table} WHERE {when} < {}", before.0);
            (table, connection.query_row(&sql, [], |row| row.get(0)).unwrap())
        };
        [
            ("calls", "ended_us"),
            ("facts", "wall_us"),
            ("legs", "closed_us"),
            ("waits", "joined_us"),
            ("talks", "ended_us"),
            ("visits", "at_us"),
            ("spells", "to_us"),
            ("wrap_ups", "to_us"),
            ("promises", "settled_us"),
            ("messages", "handled_us"),
            ("told", "wall_us"),
        ]
        .map(count)
        .into_iter()
        .filter(|(_, count)| *count > 0)
        .collect()
    }

    #[test]
    fn what_is_older_goes_with_all_its_rows_a_few_calls_at_a_time_and_the_rest_stays() {
        let (folder, store) = history(50);
        let judged = "INSERT INTO evaluations SELECT id, 'bob', 'talk', NULL, 0, NULL, '{}' FROM calls";
        store.connection().execute(judged, []).unwrap();
        let before = sample::STARTED + DAY * 45;
        let facts = sample::whole_call(1).len() as u64;
        let (removed, steps) = swept(&folder, before);
        assert_eq!(removed, Removed { calls: 45, facts: 45 * (facts + 3) });
        assert!(steps >= 4, "in {steps} transactions");
        assert_eq!(left(&folder, before), []);
        for table in ["routes", "conformance", "evaluations"] {
            let sql = format!("SELECT count(*), min(call) FROM {table}");
            let left = store.connection().query_row(&sql, [], |row| Ok((row.get(0)?, row.get(1)?)));
            assert_eq!(left.unwrap(), (5, 46), "{table}");
        }
        let readers = store.readers().unwrap();
        let ids: Vec<u64> =
            readers.calls(&Default::default()).unwrap().iter().map(|call| call.id.0).collect();
        assert_eq!(ids, [50, 49, 48, 47, 46]);
        assert_eq!(readers.facts(CallId(46)).unwrap().len() as u64, facts);
        assert_eq!(swept(&folder, before).0, Removed::default());
    }

    #[test]
    fn the_target_of_a_queue_outlives_the_fact_that_told_it() {
        let (folder, store) = history(2);
        let within = Duration::from_secs(20);
        let what = What::TargetSet { queue: "billing".into(), percent: 80, within };
        let told = HistoryWriter::start(&store, sample::STARTED).unwrap();
        told.record(Fact { at: Timestamp::from_secs(1), call: None, what });
        // The last fact stays, whatever it tells.
        let what = What::DeskOpened { agent: "bob".into() };
        told.record(Fact { at: Timestamp::from_secs(2), call: None, what });
        drop(told);
        swept(&folder, sample::STARTED + DAY * 100);
        let readers = store.readers().unwrap();
        let facts = readers.facts(CallId(0)).unwrap();
        assert!(!facts.iter().any(|dated| matches!(dated.fact.what, What::TargetSet { .. })), "{facts:?}");
        let target = readers.targets().unwrap().at(&"billing".into(), sample::STARTED + DAY);
        assert_eq!(target.map(|target| target.within), Some(within));
    }

    #[test]
    fn whoever_is_still_owed_something_keeps_their_call() {
        let (folder, store) = history(8);
        let number = "+12025550143".to_owned();
        let place = Some(Box::new(Place { queue: "billing".into(), ..Place::default() }));
        tell(&store, 2, sample::promise_made(1, 60));
        tell(&store, 3, sample::message_left("billing", 1));
        tell(&store, 4, What::CallbackChosen { number, at: None, place });
        tell(&store, 5, sample::message_left("billing", 1));
        tell(&store, 5, What::MessageHandled { part: 1, by: None, words: String::new() });
        let before = sample::STARTED + DAY * 100;
        assert_eq!(swept(&folder, before).0.calls, 4);
        let readers = store.readers().unwrap();
        let ids: Vec<u64> =
            readers.calls(&Default::default()).unwrap().iter().map(|call| call.id.0).collect();
        // The last stays as well: the next call has the number after it.
        assert_eq!(ids, [8, 4, 3, 2]);
        assert_eq!(readers.recall_promises().unwrap().0.len(), 1);
        assert_eq!(store.next_call_id().unwrap(), CallId(9));
    }

    #[test]
    fn a_call_that_is_up_is_never_too_old() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path()).unwrap();
        let history = HistoryWriter::start(&store, sample::STARTED).unwrap();
        sample::whole_call(1).into_iter().take(5).for_each(|fact| history.record(fact));
        sample::whole_call(2).into_iter().for_each(|fact| history.record(fact));
        history.flush();
        assert_eq!(swept(&folder, sample::STARTED + DAY).0, Removed::default());
    }
}
