//! The history's thread: facts in, rows out, many in one transaction. A call never waits for it.

use std::collections::HashMap;
use std::collections::VecDeque;
use std::io::Write;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::AtomicI64;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;
use std::thread;
use std::thread::JoinHandle;
use std::time::Duration;

use rusqlite::Connection;
use rusqlite::params;
use tracing::error;
use tracing::info;
use tracing::warn;

use crate::base::CallId;
use crate::base::Timestamp;
use crate::base::WallTime;
use crate::fact::Fact;
use crate::fact::KeptPlaces;
use crate::fact::Outcome;
use crate::fact::Party;
use crate::fact::What;
use crate::store::Store;
use crate::store::StoreError;
use crate::store::backlog::Backlog;
use crate::store::figures::FigureRows;
use crate::store::fold::CallFold;
use crate::store::fold::CallRecord;
use crate::store::fold::DatedFact;
use crate::store::messages;
use crate::store::order;
use crate::store::order::NumberedFact;
use crate::store::order::Order;
use crate::store::places;
use crate::store::promises;
use crate::store::read;
use crate::store::retention::Retention;
use crate::store::targets;
use crate::store::words::word;

/// Ended calls whose fold is kept for late facts: a line's quality comes after the call's end. A call that
/// is older is folded anew from the file, which is slower and no less right.
const ENDED_KEPT: usize = 4_096;

/// Writes history. Cheap to clone; the thread ends when [`HistoryWriter::close`] is called or the last
/// clone is dropped, and has then written everything.
#[derive(Clone)]
pub struct HistoryWriter {
    shared: Arc<Shared>,
}

struct Shared {
    losses: Losses,
    /// What the calendar would have shown at [`Timestamp::ZERO`].
    zero: AtomicI64,
    /// The number that the next fact has.
    next: AtomicU64,
    retention: Retention,
    thread: Mutex<Option<JoinHandle<()>>>,
}

/// What is lost of the history, for anybody to look at. Cheap to clone; of no history: nothing.
#[derive(Clone, Default)]
pub struct Losses {
    backlog: Arc<Backlog>,
    lost: Arc<Lost>,
}

#[derive(Default)]
struct Lost {
    /// Facts find no room right now: it has been said.
    no_room: AtomicBool,
    /// What was last to be written was refused.
    refusing: AtomicBool,
    /// Facts that SQLite refused (disk full), counted apart from those that found no room.
    refused: AtomicU64,
}

impl Losses {
    /// Facts lost since the start, for want of room or because SQLite refused them.
    pub fn lost(&self) -> u64 {
        self.backlog.lost() + self.lost.refused.load(Ordering::Relaxed)
    }

    /// Whether what happens now is being lost: from the first fact that is until one is written again.
    pub fn go_on(&self) -> bool {
        self.lost.refusing.load(Ordering::Relaxed) || self.lost.no_room.load(Ordering::Relaxed)
    }

    /// Waits until every fact recorded so far is in the file, or lost.
    pub fn flush(&self) {
        self.backlog.flush();
    }
}

impl HistoryWriter {
    /// Starts the thread. `started` is the calendar's time at [`Timestamp::ZERO`].
    ///
    /// Calls that an earlier run left unfinished are ended first, with the truth: the server stopped.
    pub fn start(store: &Store, started: WallTime) -> Result<HistoryWriter, StoreError> {
        HistoryWriter::carry_on(store, started, &[])
    }

    /// As [`HistoryWriter::start`], but for the calls that go on.
    pub fn carry_on(store: &Store, started: WallTime, go_on: &[CallId]) -> Result<HistoryWriter, StoreError> {
        let mut writer = Writer::new(store.connect()?);
        writer.next = order::first_number(&writer.connection)?;
        writer.end_what_a_crash_left(go_on)?;
        writer.figures = FigureRows::begin(&writer.connection)?;
        let next = writer.next;
        let backlog = Arc::new(Backlog::default());
        let losses = Losses { backlog: Arc::clone(&backlog), lost: Arc::clone(&writer.lost) };
        let worker = backlog;
        let thread = thread::Builder::new()
            .name("history".to_owned())
            .spawn(move || {
                let ending = EndOnDrop(&worker);
                writer.run(&worker);
                drop(ending);
            })
            .map_err(StoreError::Thread)?;
        let thread = Mutex::new(Some(thread));
        let retention = Retention::start(store.folder().to_owned())?;
        let zero = AtomicI64::new(started.0);
        let shared = Shared { losses, zero, next: AtomicU64::new(next), retention, thread };
        Ok(HistoryWriter { shared: Arc::new(shared) })
    }

    /// Has a fact written. Never waits: when a quarter of a million facts wait already, this one is lost and
    /// counted, and the log says once that it began and once that it is over.
    pub fn record(&self, fact: Fact) {
        let Losses { backlog, lost } = &self.shared.losses;
        let zero = WallTime(self.shared.zero.load(Ordering::Relaxed));
        let wall = zero + Duration::from_micros(fact.at.0);
        let number = self.shared.next.fetch_add(1, Ordering::Relaxed);
        let taken = backlog.push(NumberedFact { number, dated: DatedFact { wall, fact } });
        if taken == lost.no_room.load(Ordering::Relaxed) {
            lost.no_room.store(!taken, Ordering::Relaxed);
            if taken {
                info!(lost = self.lost(), "history takes facts again");
            } else {
                error!("history is full: facts are lost until the disk has caught up");
            }
        }
    }

    /// The number that the next fact has which is recorded. One thread records them.
    pub fn next_number(&self) -> u64 {
        self.shared.next.load(Ordering::Relaxed)
    }

    /// The calendar was set: by it, [`Timestamp::ZERO`] was then. Facts that are recorded from now on are dated so.
    pub fn calendar_set(&self, zero: WallTime) {
        self.shared.zero.store(zero.0, Ordering::Relaxed);
    }

    /// What is older than this is removed, within a minute and then once a day; none: the history is kept for ever. Nothing
    /// is removed before this is called.
    pub fn keep(&self, keep: Option<Duration>) {
        self.shared.retention.keep(keep);
    }

    /// Facts lost since the start, for want of room or because SQLite refused them.
    pub fn lost(&self) -> u64 {
        self.shared.losses.lost()
    }

    /// The same for others to look at, and whether it goes on.
    pub fn losses(&self) -> Losses {
        self.shared.losses.clone()
    }

    /// Facts that wait to be written.
    pub fn waiting(&self) -> usize {
        self.shared.losses.backlog.waiting()
    }

    /// Waits until every fact recorded so far is in the file.
    pub fn flush(&self) {
        self.shared.losses.backlog.flush();
    }

    /// Writes what is left and ends the thread. Facts recorded afterwards are lost.
    pub fn close(&self) {
        self.shared.close();
    }
}

impl Shared {
    fn close(&self) {
        self.retention.close();
        self.losses.backlog.close();
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        if thread.is_some_and(|thread| thread.join().is_err()) {
            error!("the history's thread had failed");
        }
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        self.close();
    }
}

/// Tells those who wait in a flush that nothing more will come, even when the thread fails.
struct EndOnDrop<'a>(&'a Backlog);

impl Drop for EndOnDrop<'_> {
    fn drop(&mut self) {
        self.0.end();
    }
}

/// What the thread works with.
struct Writer {
    connection: Connection,
    lost: Arc<Lost>,
    calls: HashMap<CallId, LiveCall>,
    /// As the rows have them.
    places: KeptPlaces,
    figures: FigureRows,
    /// Calls that have ended but are still in `calls`, oldest first.
    ended: VecDeque<CallId>,
    /// The next place for a fact that concerns no call.
    server_seq: i64,
    /// The number of the next fact that this thread tells itself, before it takes others'.
    next: u64,
    order: Order,
    /// A call that is not in `calls` and has a higher id than this is new: the file knows nothing of it.
    in_file_up_to: CallId,
    json: Vec<u8>,
}

/// A call that facts still come for.
struct LiveCall {
    fold: CallFold,
    next_seq: i64,
    /// The row is older than the fold.
    stale: bool,
    /// The row has what the call came with, which does not change any more.
    arrived: bool,
}

impl Writer {
    fn new(connection: Connection) -> Writer {
        Writer {
            connection,
            lost: Arc::default(),
            calls: HashMap::new(),
            places: KeptPlaces::default(),
            figures: FigureRows::default(),
            ended: VecDeque::new(),
            server_seq: 0,
            next: 0,
            order: Order::default(),
            in_file_up_to: CallId(0),
            json: Vec::new(),
        }
    }

    fn run(&mut self, backlog: &Backlog) {
        let mut batch = Vec::new();
        let mut failing = None;
        while backlog.take(&mut batch) {
            let count = batch.len();
            match self.write(&mut batch) {
                Ok(()) => {
                    self.lost.refusing.store(false, Ordering::Relaxed);
                    if let Some(lost) = failing.take() {
                        info!(lost, "history is being written again");
                    }
                }
                Err(error) => {
                    self.lost.refused.fetch_add(count as u64, Ordering::Relaxed);
                    self.lost.refusing.store(true, Ordering::Relaxed);
                    if failing.is_none() {
                        error!(
                            %error,
                            facts = count,
                            "history cannot be written: calls go on, these facts and those to come are lost until it can"
                        );
                    }
                    *failing.get_or_insert(0) += count;
                }
            }
            backlog.done(count);
        }
    }

    /// Writes a batch in one transaction: the facts, then the row of each call that changed. The batch is used up.
    fn write(&mut self, batch: &mut Vec<NumberedFact>) -> Result<(), StoreError> {
        self.connection.execute_batch("BEGIN IMMEDIATE")?;
        let written = self.write_within(batch);
        let end = if written.is_ok() { "COMMIT" } else { "ROLLBACK" };
        let ended = self.connection.execute_batch(end);
        if written.is_err() || ended.is_err() {
            // What the folds and numbers say is not what the file holds now: they are read back at need.
            self.calls.clear();
            self.ended.clear();
            self.in_file_up_to = CallId(u64::MAX);
            self.server_seq = 0;
            self.order.forget();
            if !self.connection.is_autocommit() {
                self.connection.execute_batch("ROLLBACK")?;
            }
            self.places = places::recall(&self.connection)?;
            self.figures = FigureRows::read_back(&self.connection)?;
        }
        written?;
        ended?;
        self.forget_long_ended();
        Ok(())
    }

    fn write_within(&mut self, batch: &mut Vec<NumberedFact>) -> Result<(), StoreError> {
        let mut changed = Vec::new();
        for NumberedFact { number, dated } in batch.drain(..) {
            let (wall, call) = (dated.wall, dated.fact.call);
            let seq = match call {
                Some(call) => self.write_fact_of(call, dated, &mut changed)?,
                None => self.write_server_fact(wall, &dated.fact)?,
            };
            self.order.add(number, call.unwrap_or(CallId(0)), seq, wall);
        }
        self.order.write(&self.connection)?;
        for call in changed {
            if let Some(live) = self.calls.get_mut(&call) {
                write_record(&self.connection, live.fold.record(), live.arrived)?;
                live.stale = false;
                live.arrived = true;
            }
        }
        Ok(())
    }

    fn write_fact_of(
        &mut self,
        call: CallId,
        dated: DatedFact,
        changed: &mut Vec<CallId>,
    ) -> Result<i64, StoreError> {
        if !self.calls.contains_key(&call) {
            let fold = CallFold::new(call, dated.wall);
            let new = LiveCall { fold, next_seq: 1, stale: false, arrived: false };
            let live = self.read_back(call)?.unwrap_or(new);
            self.calls.insert(call, live);
        }
        // It was inserted just above, if it was not there.
        let live = self.calls.get_mut(&call).expect("the call is in the table");
        let seq = live.next_seq;
        live.next_seq += 1;
        if live.fold.apply(&dated) && !live.stale {
            live.stale = true;
            changed.push(call);
        }
        match dated.fact.what {
            What::CallArrived { .. } | What::CallPlaced { .. } => live.arrived = false,
            What::CallEnded { .. } => self.ended.push_back(call),
            _ => {}
        }
        messages::write(&self.connection, call, dated.wall, &dated.fact.what)?;
        promises::write(&self.connection, call, dated.wall, &dated.fact.what)?;
        places::write(&self.connection, &mut self.places, call, dated.wall, &dated.fact.what)?;
        self.figures.write(&self.connection, seq, &dated)?;
        insert_fact(&self.connection, &mut self.json, call, seq, dated.wall, &dated.fact)?;
        Ok(seq)
    }

    fn write_server_fact(&mut self, wall: WallTime, fact: &Fact) -> Result<i64, StoreError> {
        if self.server_seq == 0 {
            self.server_seq = next_seq(&self.connection, CallId(0))?;
        }
        let seq = self.server_seq;
        self.server_seq += 1;
        self.figures.write_state(&self.connection, seq, wall, &fact.what)?;
        targets::write(&self.connection, wall, &fact.what)?;
        insert_fact(&self.connection, &mut self.json, CallId(0), seq, wall, fact)?;
        Ok(seq)
    }

    /// The fold of a call that the file knows; none for a new one.
    fn read_back(&mut self, call: CallId) -> Result<Option<LiveCall>, StoreError> {
        if call > self.in_file_up_to {
            return Ok(None);
        }
        let facts = read::facts(&self.connection, call)?;
        self.figures.fold(call, &facts);
        let Some(fold) = CallFold::of(call, &facts) else { return Ok(None) };
        let next_seq = next_seq(&self.connection, call)?;
        Ok(Some(LiveCall { fold, next_seq, stale: false, arrived: true }))
    }

    /// Lets the folds of calls go that ended long ago.
    fn forget_long_ended(&mut self) {
        while self.ended.len() > ENDED_KEPT {
            if let Some(call) = self.ended.pop_front() {
                self.calls.remove(&call);
                self.figures.forget(call);
                self.in_file_up_to = self.in_file_up_to.max(call);
            }
        }
    }

    /// A crash leaves calls without an end. They did end: the server was gone. But for those whose place is kept, or that
    /// go on.
    fn end_what_a_crash_left(&mut self, go_on: &[CallId]) -> Result<(), StoreError> {
        let highest: i64 =
            self.connection.query_row("SELECT ifnull(max(call), 0) FROM facts", [], |row| row.get(0))?;
        self.in_file_up_to = CallId(highest.unsigned_abs());
        self.places = places::recall(&self.connection)?;
        let mut left = read::unfinished(&self.connection)?;
        left.retain(|call| !self.places.has(*call) && !go_on.contains(call));
        if left.is_empty() {
            return Ok(());
        }
        warn!(calls = left.len(), "calls were up when the server stopped; the history now says so");
        self.connection.execute_batch("BEGIN IMMEDIATE")?;
        for call in left {
            let facts = read::facts(&self.connection, call)?;
            let Some(mut fold) = CallFold::of(call, &facts) else { continue };
            // The last fact's time is the last moment that we know the server lived.
            let last = facts.last().map_or(fold.record().arrived, |last| last.wall);
            let at = facts.last().map_or(Timestamp::ZERO, |last| last.fact.at);
            let cause = "the server stopped".to_owned();
            let what =
                What::CallEnded { by: Party::Server, outcome: Outcome::Failed, cause, by_person: None };
            let fact = Fact { at, call: Some(call), what };
            let dated = DatedFact { wall: last, fact: fact.clone() };
            fold.apply(&dated);
            let seq = next_seq(&self.connection, call)?;
            self.figures.fold(call, &facts);
            self.figures.write(&self.connection, seq, &dated)?;
            insert_fact(&self.connection, &mut self.json, call, seq, last, &fact)?;
            write_record(&self.connection, fold.record(), true)?;
            self.order.add(self.next, call, seq, last);
            self.next += 1;
        }
        self.order.write(&self.connection)?;
        self.connection.execute_batch("COMMIT")?;
        Ok(())
    }
}

fn next_seq(connection: &Connection, call: CallId) -> Result<i64, StoreError> {
    let mut highest = connection.prepare_cached("SELECT ifnull(max(seq), 0) FROM facts WHERE call = ?1")?;
    let highest: i64 = highest.query_row([call.0 as i64], |row| row.get(0))?;
    Ok(highest + 1)
}

fn insert_fact(
    connection: &Connection,
    json: &mut Vec<u8>,
    call: CallId,
    seq: i64,
    wall: WallTime,
    fact: &Fact,
) -> Result<(), StoreError> {
    json.clear();
    // Facts are plain enums of numbers and text, and writing to memory cannot fail; if ever one did, its
    // place in the story says so rather than being empty.
    if serde_json::to_writer(&mut *json, &fact.what).is_err() {
        json.clear();
        let _ = json.write_all(b"{}");
    }
    let text = std::str::from_utf8(json).unwrap_or("{}");
    connection
        .prepare_cached("INSERT INTO facts (call, seq, wall_us, at_us, json) VALUES (?1, ?2, ?3, ?4, ?5)")?
        .execute(params![call.0 as i64, seq, wall.0, fact.at.0 as i64, text])?;
    Ok(())
}

/// A call's row, whatever was there.
const WHOLE_ROW: &str = "INSERT OR REPLACE INTO calls VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, \
     ?16, ?17, ?18, ?19, ?20, ?21, ?22, ?23, ?24, ?25, ?26, ?27)";

/// What changes in it while the call goes on. What the call came with is in two indexes, which are left alone.
const CHANGED_ROW: &str = "UPDATE calls SET answered_us = ?9, ended_us = ?10, identity = ?11, customer = ?12, customer_name = ?13, \
     queue = ?14, waited_ms = ?15, quote_s = ?16, agent = ?17, talked_ms = ?18, outcome = ?19, ended_by = ?20, cause = ?21, \
     digits = ?22, recordings = ?23, repeats = ?25, by_agent = ?26, caller_id = ?27 WHERE id = ?1";

/// Writes the row of a call, and those of its lines, over what was there. `arrived`: the row has what the call came with.
fn write_record(connection: &Connection, record: &CallRecord, arrived: bool) -> Result<(), StoreError> {
    connection.prepare_cached(if arrived { CHANGED_ROW } else { WHOLE_ROW })?.execute(params![
        record.id.0 as i64,
        record.sip_call_id,
        record.from,
        record.display,
        record.to,
        record.source,
        record.trunk,
        record.arrived.0,
        record.answered.map(|wall| wall.0),
        record.ended.map(|wall| wall.0),
        record.assurance.verified.as_ref().map(word),
        record.customer,
        record.customer_name,
        record.queue,
        record.waited.map(|waited| waited.as_millis() as i64),
        record.quote.map(|quote| quote.as_secs() as i64),
        record.agent,
        record.talked.map(|talked| talked.as_millis() as i64),
        record.outcome.as_ref().map(word),
        record.ended_by.as_ref().map(word),
        record.cause,
        record.digits,
        record.recordings,
        word(&record.direction),
        record.repeats,
        record.assurance.by_agent.as_ref().and_then(|word| serde_json::to_string(word).ok()),
        record.caller_id,
    ])?;
    for leg in &record.legs {
        let quality = leg.quality.as_ref();
        connection
            .prepare_cached(
                "INSERT INTO legs VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17) \
                 ON CONFLICT (call, leg) DO UPDATE SET party = ?3, address = ?4, opened_us = ?5, \
                 closed_us = ?6, sent = ?7, received = ?8, lost = ?9, jitter_us = ?10, round_trip_us = ?11, \
                 late = ?12, duplicate = ?13, reordered = ?14, concealed_ms = ?15, r_factor = ?16, peer = ?17",
            )?
            .execute(params![
                record.id.0 as i64,
                leg.leg.0 as i64,
                word(&leg.party),
                leg.address,
                leg.opened.map(|wall| wall.0),
                leg.closed.map(|wall| wall.0),
                quality.map(|quality| quality.sent as i64),
                quality.map(|quality| quality.received as i64),
                quality.map(|quality| quality.lost as i64),
                quality.map(|quality| quality.jitter_us),
                quality.and_then(|quality| quality.round_trip_us),
                quality.map(|quality| quality.late as i64),
                quality.map(|quality| quality.duplicate as i64),
                quality.map(|quality| quality.reordered as i64),
                quality.map(|quality| quality.concealed_ms as i64),
                quality.and_then(|quality| quality.r_factor),
                quality.and_then(|quality| serde_json::to_string(&quality.peer?).ok()),
            ])?;
    }
    Ok(())
}

#[cfg(test)]
mod tests;
