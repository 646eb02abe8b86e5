//! Reading the history: lists of calls, one call, its facts. On connections that cannot write.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Condvar;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::time::Duration;

use jiff::tz::TimeZone;
use rusqlite::Connection;
use rusqlite::OptionalExtension;
use rusqlite::Row;
use rusqlite::params_from_iter;
use rusqlite::types::Value;

use crate::base::CallId;
use crate::base::LegId;
use crate::base::PromiseId;
use crate::base::Timestamp;
use crate::base::WallTime;
use crate::fact::Assurance;
use crate::fact::Fact;
use crate::fact::KeptPlaces;
use crate::fact::Outcome;
use crate::fact::Party;
use crate::fact::Promise;
use crate::fact::Quality;
use crate::fact::What;
use crate::fact::evaluation::Form;
use crate::fact::goal::Goal;
use crate::store::StoreError;
use crate::store::conformance;
use crate::store::conformance::BrokenFilter;
use crate::store::conformance::BrokenTalks;
use crate::store::conformance::ConformanceReport;
use crate::store::connect_to_read;
use crate::store::evaluations;
use crate::store::evaluations::Evaluation;
use crate::store::evaluations::EvaluationReport;
use crate::store::evaluations::draw;
use crate::store::evaluations::draw::Drawn;
use crate::store::evaluations::draw::Week;
use crate::store::figures;
use crate::store::fold::CallRecord;
use crate::store::fold::DatedFact;
use crate::store::fold::LegRecord;
use crate::store::goals;
use crate::store::goals::ToldGoal;
use crate::store::handling;
use crate::store::handling::AGAIN_WITHIN;
use crate::store::menus;
use crate::store::menus::MenuReport;
use crate::store::messages;
use crate::store::messages::Message;
use crate::store::messages::MessageFilter;
use crate::store::misrouted;
use crate::store::misrouted::RouteReport;
use crate::store::numbers;
use crate::store::numbers::NumberReport;
use crate::store::order;
use crate::store::order::FactFilter;
use crate::store::order::FactPage;
use crate::store::places;
use crate::store::promises;
use crate::store::promises::PromiseFilter;
use crate::store::promises::PromiseTally;
use crate::store::reads;
use crate::store::reads::ReadReport;
use crate::store::service;
use crate::store::service::By;
use crate::store::service::Intervals;
use crate::store::service::Row as ServiceRow;
use crate::store::service::ServiceReport;
use crate::store::service::Staff;
use crate::store::service::TooLong;
use crate::store::surveys;
use crate::store::surveys::SurveyReport;
use crate::store::talk_rows;
use crate::store::talk_rows::GivenAnswer;
use crate::store::talks;
use crate::store::talks::TalkFold;
use crate::store::talks::TalkReport;
use crate::store::targets;
use crate::store::targets::Targets;
use crate::store::trends;
use crate::store::trends::QueueTrends;
use crate::store::words::from_word;
use crate::store::words::word;

/// How many may read at once.
const CONNECTIONS: usize = 2;
/// The most calls that one list holds.
pub const LIST_LIMIT: u32 = 1_000;
/// The most facts of one call that are read: far more than any call has.
const FACTS_LIMIT: u32 = 100_000;
/// How many facts of agents are looked through for what everybody did before a call.
const FACTS_BEFORE: u32 = 5_000;
/// No call joins a queue later after its arrival: six hours.
pub(super) const LONGEST_CALL_US: i64 = 6 * 60 * 60 * 1_000_000;

/// Which calls to list. Every filter that is set must fit.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CallFilter {
    /// SIP's Call-ID header.
    pub sip_call_id: Option<String>,
    /// The calling number, as it stands in the history.
    pub from: Option<String>,
    /// The last agent of the call.
    pub agent: Option<String>,
    pub outcome: Option<Outcome>,
    /// The queue that the caller joined last.
    pub queue: Option<String>,
    /// The number that was dialled.
    pub dialled: Option<String>,
    /// Only calls that came at this moment or later, and before that one.
    pub since: Option<WallTime>,
    pub until: Option<WallTime>,
    /// Only calls older than this one: the next page.
    pub before: Option<CallId>,
    /// At most so many, newest first. Default 50, at most [`LIST_LIMIT`].
    pub limit: Option<u32>,
}

/// A call of the same caller.
#[derive(Clone, Debug, PartialEq)]
pub struct EarlierCall {
    /// Without its lines.
    pub record: CallRecord,
    /// What the agent said of it in the end: an [`OutcomeSet`](What::OutcomeSet).
    pub said: Option<What>,
}

/// Who talked with a caller.
#[derive(Clone, Debug, PartialEq)]
pub struct LastTalk {
    pub agent: String,
    /// The number of the caller, or of whom the agent called; empty when withheld.
    pub number: String,
    /// The account that the caller proved to own.
    pub account: Option<String>,
    pub at: WallTime,
}

/// A small pool of reading connections. A reader blocks while all are taken: use it off the async threads.
#[derive(Debug)]
pub struct Readers {
    idle: Mutex<Vec<Connection>>,
    returned: Condvar,
}

impl Readers {
    /// Opens the store in `folder` to read; it must exist.
    pub fn open(folder: &Path) -> Result<Readers, StoreError> {
        let idle = (0..CONNECTIONS).map(|_| connect_to_read(folder)).collect::<Result<Vec<_>, _>>()?;
        Ok(Readers { idle: Mutex::new(idle), returned: Condvar::new() })
    }

    /// Calls that fit `filter`, newest first, those that are up among them.
    pub fn calls(&self, filter: &CallFilter) -> Result<Vec<CallRecord>, StoreError> {
        self.with(|connection| calls(connection, filter))
    }

    /// One call; none when there is no such call.
    pub fn call(&self, id: CallId) -> Result<Option<CallRecord>, StoreError> {
        self.with(|connection| call(connection, id))
    }

    /// The facts of one call, in the order in which they happened.
    pub fn facts(&self, id: CallId) -> Result<Vec<DatedFact>, StoreError> {
        self.with(|connection| facts(connection, id))
    }

    /// Facts of all calls and of none in the order in which they were told, from a number on.
    pub fn facts_told(&self, filter: &FactFilter) -> Result<FactPage, StoreError> {
        self.with(|connection| order::facts(connection, filter))
    }

    /// The facts of waits that were told since then, call by call. For the day's figures.
    pub fn facts_of_waits(&self, since: WallTime) -> Result<Vec<DatedFact>, StoreError> {
        self.with(|connection| facts_of_calls(connection, since, OF_WAITS))
    }

    /// Facts of calls since then that tell how they came out by the version of the flow files, call by call.
    pub fn facts_of_flows(&self, since: WallTime) -> Result<Vec<DatedFact>, StoreError> {
        self.with(|connection| facts_of_calls(connection, since, OF_FLOWS))
    }

    /// Facts of agents until then, in order: at least those from `from` on, and enough before them to tell what
    /// everybody did then.
    pub fn facts_of_agents(&self, from: WallTime, until: WallTime) -> Result<Vec<DatedFact>, StoreError> {
        self.with(|connection| facts_of_agents(connection, from, until))
    }

    /// The skills that were given and taken since then, in order, as far as the last 100 000 facts of agents tell.
    pub fn skills_set(&self, since: WallTime) -> Result<Vec<DatedFact>, StoreError> {
        self.with(|connection| skills_set(connection, since))
    }

    /// Who talked with whom last since then, the oldest first; of many the newest.
    pub fn last_talks(&self, since: WallTime, most: u32) -> Result<Vec<LastTalk>, StoreError> {
        self.with(|connection| last_talks(connection, since, most))
    }

    /// Promises that fit `filter`: what is due first comes first.
    pub fn promises(&self, filter: &PromiseFilter) -> Result<Vec<Promise>, StoreError> {
        self.with(|connection| promises::list(connection, filter))
    }

    /// Every open promise, and the highest number that was given. For the server's start.
    pub fn recall_promises(&self) -> Result<(Vec<Promise>, PromiseId), StoreError> {
        self.with(promises::recall)
    }

    /// The places that are kept for callers who are to be called back.
    pub fn kept_places(&self) -> Result<KeptPlaces, StoreError> {
        self.with(places::recall)
    }

    /// Messages that fit `filter`, the oldest first.
    pub fn messages(&self, filter: &MessageFilter) -> Result<Vec<Message>, StoreError> {
        self.with(|connection| messages::list(connection, filter))
    }

    /// One message; none when there is no such message.
    pub fn message(&self, id: u64) -> Result<Option<Message>, StoreError> {
        self.with(|connection| messages::one(connection, id))
    }

    /// What came of promises that were to be kept from then on and before then, by agent and queue.
    pub fn promise_report(&self, from: WallTime, until: WallTime) -> Result<Vec<PromiseTally>, StoreError> {
        self.with(|connection| promises::report(connection, from, until))
    }

    /// What callers answered after their talks, of calls that arrived from then on and before then.
    pub fn survey_report(&self, from: WallTime, until: WallTime) -> Result<SurveyReport, StoreError> {
        self.with(|connection| {
            let connection = connection.unchecked_transaction()?;
            if figures::are_made(&connection)? {
                return talk_rows::survey_report(&connection, from, until);
            }
            survey_report(&connection, from, until)
        })
    }

    /// What became of the calls to each number that arrived from then on and before then.
    pub fn number_report(&self, from: WallTime, until: WallTime) -> Result<NumberReport, StoreError> {
        self.with(|connection| numbers::report(connection, from, until))
    }

    /// Who read lists of calls from then on and before then, or watched what happens.
    pub fn read_report(&self, from: WallTime, until: WallTime) -> Result<ReadReport, StoreError> {
        self.with(|connection| reads::report(connection, from, until))
    }

    /// What callers did at the menus, of calls that arrived from then on and before then.
    pub fn menu_report(&self, from: WallTime, until: WallTime) -> Result<MenuReport, StoreError> {
        self.with(|connection| menus::report(connection, from, until))
    }

    /// By which routes callers came to the wrong queue, of calls that arrived from then on and before then.
    pub fn route_report(&self, from: WallTime, until: WallTime) -> Result<RouteReport, StoreError> {
        self.with(|connection| misrouted::report(connection, from, until))
    }

    /// How often talks kept the rules that facts judge, of calls that are over and arrived from then on and before then.
    pub fn conformance_report(
        &self,
        from: WallTime,
        until: WallTime,
    ) -> Result<ConformanceReport, StoreError> {
        self.with(|connection| conformance::report(connection, from, until))
    }

    /// The newest talks that broke a rule.
    pub fn broken_talks(&self, filter: &BrokenFilter) -> Result<BrokenTalks, StoreError> {
        self.with(|connection| conformance::broken(connection, filter))
    }

    /// How the talks of a call were judged.
    pub fn evaluations_of(&self, call: CallId) -> Result<Vec<Evaluation>, StoreError> {
        self.with(|connection| evaluations::of_call(connection, call))
    }

    /// How an agent's talk in a call was judged by a form; none when it was not.
    pub fn evaluation(
        &self,
        call: CallId,
        agent: &str,
        form: &str,
    ) -> Result<Option<Evaluation>, StoreError> {
        self.with(|connection| evaluations::one(connection, call, agent, form))
    }

    /// How talks were judged of calls that arrived from then on and before then, the newest first: of one agent, or of all.
    pub fn evaluations(
        &self,
        from: WallTime,
        until: WallTime,
        agent: Option<&str>,
    ) -> Result<Vec<Evaluation>, StoreError> {
        self.with(|connection| evaluations::list(connection, from, until, agent))
    }

    /// The talks of these weeks that these forms draw.
    pub fn drawn_talks(&self, forms: &[Form], weeks: &[Week]) -> Result<Vec<Drawn>, StoreError> {
        self.with(|connection| draw::drawn(connection, forms, weeks))
    }

    /// What evaluations come to, of calls that arrived from then on and before then.
    pub fn evaluation_report(&self, from: WallTime, until: WallTime) -> Result<EvaluationReport, StoreError> {
        self.with(|connection| evaluations::report(connection, from, until))
    }

    /// What the talks of calls came to that arrived from then on and before then.
    pub fn talk_report(&self, from: WallTime, until: WallTime) -> Result<TalkReport, StoreError> {
        self.with(|connection| talk_report(connection, from, until))
    }

    /// How callers were answered whose waits began in these intervals, and how busy agents were, as of `now`.
    pub fn service_report(
        &self,
        by: By,
        intervals: Intervals,
        staff: Staff,
        now: WallTime,
    ) -> Result<Result<Vec<ServiceRow>, TooLong>, StoreError> {
        self.with(|connection| service_report(connection, by, intervals, staff, now))
    }

    /// Which service-level target each queue had when.
    pub fn targets(&self) -> Result<Targets, StoreError> {
        self.with(targets::read)
    }

    /// What these goals' figures have come to by `now`, week by week by a clock in `zone`.
    pub fn goal_report(
        &self,
        goals: Vec<Goal>,
        staff: &Staff,
        zone: &TimeZone,
        now: WallTime,
    ) -> Result<Vec<ToldGoal>, StoreError> {
        goals::report(self, goals, staff, zone, now)
    }

    /// Each queue's last whole week beside the weeks before it, by a clock in `zone`, as of `now`.
    pub fn trend_report(
        &self,
        staff: Staff,
        zone: &TimeZone,
        now: WallTime,
    ) -> Result<Vec<QueueTrends>, StoreError> {
        trends::report(self, staff, zone, now)
    }

    /// What was told of such weeks since then, in order.
    pub fn trends_told(&self, since: WallTime) -> Result<Vec<DatedFact>, StoreError> {
        self.with(|connection| trends::told(connection, since))
    }

    /// What callers answered about queues, of calls that arrived from then on and before then; nothing of a file to which only
    /// earlier versions have written.
    pub(super) fn answers(&self, from: WallTime, until: WallTime) -> Result<Vec<GivenAnswer>, StoreError> {
        self.with(|connection| match figures::are_made(connection)? {
            true => talk_rows::answers(connection, from, until),
            false => Ok(Vec::new()),
        })
    }

    /// Earlier calls of the same caller, by account or by number, newest first.
    pub fn earlier(
        &self,
        call: CallId,
        account: Option<&str>,
        number: &str,
        limit: u32,
    ) -> Result<Vec<EarlierCall>, StoreError> {
        self.with(|connection| earlier(connection, call, account, number, limit))
    }

    fn with<T>(&self, read: impl FnOnce(&Connection) -> T) -> T {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        let connection = loop {
            match idle.pop() {
                Some(connection) => break connection,
                None => idle = self.returned.wait(idle).unwrap_or_else(PoisonError::into_inner),
            }
        };
        drop(idle);
        let lent = Lent { readers: self, connection: Some(connection) };
        // It was put there in the line above, and only dropping takes it out.
        read(lent.connection.as_ref().expect("the connection is lent"))
    }
}

/// A connection that goes back to the pool whatever happens to its reader.
struct Lent<'a> {
    readers: &'a Readers,
    connection: Option<Connection>,
}

impl Drop for Lent<'_> {
    fn drop(&mut self) {
        self.readers.idle.lock().unwrap_or_else(PoisonError::into_inner).extend(self.connection.take());
        self.readers.returned.notify_one();
    }
}

const CALL_COLUMNS: &str = "id, sip_call_id, caller, display, dialled, source, trunk, arrived_us, answered_us, \
     ended_us, identity, customer, customer_name, queue, waited_ms, quote_s, agent, talked_ms, outcome, \
     ended_by, cause, digits, recordings, direction, repeats, by_agent, caller_id";

/// The calls with a Call-ID: each stretch of the index that has calls is looked into, from the newest.
pub(super) const BY_SIP_CALL_ID: &str = "id IN (WITH RECURSIVE stretch (number) AS (SELECT max(id) >> 10 FROM calls UNION ALL \
     SELECT (SELECT id >> 10 FROM calls WHERE id < number << 10 ORDER BY id DESC LIMIT 1) FROM stretch WHERE number IS NOT NULL) \
     SELECT calls.id FROM stretch CROSS JOIN calls ON calls.id >> 10 = stretch.number AND calls.sip_call_id = ?)";

/// By how much a clock may have been set back between two calls, in microseconds, for both to be found by when they came.
const CLOCK_SET: i64 = 3_600_000_000;

/// The number of the first call that came then or later; one that no call has where there is none.
fn first_since(connection: &Connection, moment_us: i64) -> Result<i64, StoreError> {
    let last: i64 = connection.query_row("SELECT ifnull(max(id), 0) FROM calls", [], |row| row.get(0))?;
    let mut next =
        connection.prepare_cached("SELECT id, arrived_us FROM calls WHERE id >= ?1 ORDER BY id LIMIT 1")?;
    // Every call below `low` came before it, and none from `high` on did.
    let (mut low, mut high) = (1, last + 1);
    while low < high {
        let middle = low + (high - low) / 2;
        let (id, arrived): (i64, i64) = next.query_row([middle], |row| Ok((row.get(0)?, row.get(1)?)))?;
        if arrived < moment_us {
            low = id + 1;
        } else {
            high = middle;
        }
    }
    Ok(low)
}

fn calls(connection: &Connection, filter: &CallFilter) -> Result<Vec<CallRecord>, StoreError> {
    let (sql, values) = listing(connection, filter)?;
    let mut statement = connection.prepare_cached(&sql)?;
    let rows = statement.query_map(params_from_iter(values), record)?;
    let mut records = rows.collect::<Result<Vec<_>, _>>()?;
    for record in &mut records {
        record.legs = legs(connection, record.id)?;
    }
    Ok(records)
}

/// How the calls that fit a filter are asked for, and with which values.
pub(super) fn listing(
    connection: &Connection,
    filter: &CallFilter,
) -> Result<(String, Vec<Value>), StoreError> {
    let mut conditions = Vec::new();
    let mut values = Vec::new();
    let mut with = |condition: &'static str, value: Option<Value>| {
        if let Some(value) = value {
            conditions.push(condition);
            values.push(value);
        }
    };
    with(BY_SIP_CALL_ID, filter.sip_call_id.clone().map(Value::Text));
    with("caller = ?", filter.from.clone().map(Value::Text));
    with("agent = ?", filter.agent.clone().map(Value::Text));
    with("outcome = ?", filter.outcome.as_ref().map(|outcome| Value::Text(word(outcome))));
    // A caller, an agent or a Call-ID is of fewer calls than a number, and a number than a queue: with a `+` before it a column's index
    // is not taken.
    let is_narrow = filter.sip_call_id.is_some() || filter.from.is_some() || filter.agent.is_some();
    let by_dialled = if is_narrow { "+dialled = ?" } else { "dialled = ?" };
    let by_queue = if is_narrow || filter.dialled.is_some() { "+queue = ?" } else { "queue = ?" };
    with(by_queue, filter.queue.clone().map(Value::Text));
    with(by_dialled, filter.dialled.clone().map(Value::Text));
    with("id < ?", filter.before.map(|id| Value::Integer(i64::try_from(id.0).unwrap_or(i64::MAX))));
    // Calls are numbered as they come: no index is needed for when that was.
    if let Some(since) = filter.since {
        with("id >= ?", Some(Value::Integer(first_since(connection, since.0.saturating_sub(CLOCK_SET))?)));
        with("arrived_us >= ?", Some(Value::Integer(since.0)));
    }
    if let Some(until) = filter.until {
        with("id < ?", Some(Value::Integer(first_since(connection, until.0.saturating_add(CLOCK_SET))?)));
        with("arrived_us < ?", Some(Value::Integer(until.0)));
    }
    conditions.push("TRUE");
    let limit = filter.limit.unwrap_or(50).min(LIST_LIMIT);
    let sql = format!(
        "SELECT {CALL_COLUMNS} FROM calls WHERE {} ORDER BY id DESC LIMIT {limit}",
        conditions.join(" AND ")
    );
    Ok((sql, values))
}

fn call(connection: &Connection, id: CallId) -> Result<Option<CallRecord>, StoreError> {
    let sql = format!("SELECT {CALL_COLUMNS} FROM calls WHERE id = ?1");
    let mut statement = connection.prepare_cached(&sql)?;
    let Some(mut record) = statement.query_row([key(id)], record).optional()? else { return Ok(None) };
    record.legs = legs(connection, id)?;
    Ok(Some(record))
}

/// The facts of a call, oldest first. One that this version cannot read is passed over.
pub(super) fn facts(connection: &Connection, id: CallId) -> Result<Vec<DatedFact>, StoreError> {
    let mut statement = connection
        .prepare_cached("SELECT wall_us, at_us, json FROM facts WHERE call = ?1 ORDER BY seq LIMIT ?2")?;
    let mut rows = statement.query(rusqlite::params![key(id), FACTS_LIMIT])?;
    let mut facts = Vec::new();
    while let Some(row) = rows.next()? {
        let json = row.get_ref(2)?.as_str().unwrap_or_default();
        let Ok(what) = serde_json::from_str(json) else { continue };
        let at = Timestamp(row.get::<_, i64>(1)?.unsigned_abs());
        let fact = Fact { at, call: (id.0 != 0).then_some(id), what };
        facts.push(DatedFact { wall: WallTime(row.get(0)?), fact });
    }
    Ok(facts)
}

/// Facts of calls that make a day's figures.
const OF_WAITS: &str = "'enqueued', 'place_recalled', 'agents_named', 'needs_relaxed', 'wait_moved', 'wait_prioritised', 'wait_asked', 'agent_connected', \
     'wait_ended', 'call_ended'";
/// And those that make a version's.
const OF_FLOWS: &str = "'flows_served', 'flow_started', 'no_input', 'no_match', 'service_asked', 'bot_left', \
    'verification_ended', 'forward_missed', 'forward_answered', 'enqueued', 'callback_chosen', 'agent_connected', \
    'call_ended'";

fn facts_of_calls(
    connection: &Connection,
    since: WallTime,
    kinds: &str,
) -> Result<Vec<DatedFact>, StoreError> {
    // Ids ascend with time: the newest call that was over long before is found from the end.
    let long_before = since.0.saturating_sub(LONGEST_CALL_US);
    let before: Option<i64> = connection
        .query_row(
            "SELECT id FROM calls WHERE arrived_us < ?1 ORDER BY id DESC LIMIT 1",
            [long_before],
            |row| row.get(0),
        )
        .optional()?;
    let mut statement = connection.prepare(&format!(
        "SELECT call, wall_us, at_us, json FROM facts WHERE call > ?1 AND wall_us >= ?2 AND json ->> 'fact' IN \
         ({kinds}) ORDER BY call, seq"
    ))?;
    let mut rows = statement.query([before.unwrap_or(0), since.0])?;
    let mut facts = Vec::new();
    while let Some(row) = rows.next()? {
        let Ok(what) = serde_json::from_str(row.get_ref(3)?.as_str().unwrap_or_default()) else { continue };
        let call = Some(CallId(row.get::<_, i64>(0)?.unsigned_abs()));
        let at = Timestamp(row.get::<_, i64>(2)?.unsigned_abs());
        facts.push(DatedFact { wall: WallTime(row.get(1)?), fact: Fact { at, call, what } });
    }
    Ok(facts)
}

/// What was answered, by the facts.
fn survey_report(
    connection: &Connection,
    from: WallTime,
    until: WallTime,
) -> Result<SurveyReport, StoreError> {
    let mut asked: BTreeSet<CallId> = BTreeSet::new();
    each_fact(connection, surveys::LOOKED_AT, from, until, |call, _| {
        asked.insert(call);
    })?;
    let mut report = SurveyReport::default();
    for id in asked {
        let (call, facts) = (call(connection, id)?, facts(connection, id)?);
        let waited = call.and_then(|call| call.waited).unwrap_or_default();
        let effort = TalkFold::of(&facts).effort(waited);
        surveys::answers(&facts).iter().for_each(|answer| report.apply(answer, effort));
    }
    Ok(report)
}

fn talk_report(connection: &Connection, from: WallTime, until: WallTime) -> Result<TalkReport, StoreError> {
    let connection = connection.unchecked_transaction()?;
    if figures::are_made(&connection)? {
        return talk_rows::talk_report(&connection, from, until);
    }
    let mut report = TalkReport::default();
    let apply = |fold: &mut TalkFold, dated: &DatedFact| {
        fold.apply(dated);
    };
    each_fold(&connection, talks::LOOKED_AT, (from, until), apply, |fold| report.add(&fold))?;
    Ok(report)
}

/// Folds the facts of these kinds of each call that arrived in a time, and tells what they came to.
pub(super) fn each_fold<F: Default>(
    connection: &Connection,
    kinds: &[&str],
    (from, until): (WallTime, WallTime),
    apply: impl Fn(&mut F, &DatedFact),
    mut tell: impl FnMut(F),
) -> Result<(), StoreError> {
    let (mut fold, mut of) = (F::default(), None);
    each_fact(connection, kinds, from, until, |call, dated| {
        if of.replace(call).is_some_and(|last| last != call) {
            tell(std::mem::take(&mut fold));
        }
        apply(&mut fold, &dated);
    })?;
    tell(fold);
    Ok(())
}

/// Tells the facts of these kinds of calls that arrived in a time, call by call, each in order.
fn each_fact(
    connection: &Connection,
    kinds: &[&str],
    from: WallTime,
    until: WallTime,
    mut tell: impl FnMut(CallId, DatedFact),
) -> Result<(), StoreError> {
    let mut statement = connection.prepare(
        "SELECT wall_us, at_us, json, call FROM calls JOIN facts ON call = id WHERE arrived_us >= ?1 AND arrived_us < ?2 \
         ORDER BY call, seq",
    )?;
    let mut rows = statement.query([from.0, until.0])?;
    while let Some(row) = rows.next()? {
        let call = CallId(row.get::<_, i64>(3)?.unsigned_abs());
        if is_of(row.get_ref(2)?.as_str().unwrap_or_default(), kinds)
            && let Some(dated) = dated(row, Some(call))?
        {
            tell(call, dated);
        }
    }
    Ok(())
}

/// Whether a fact may be of one of these kinds. Its kind is the first that is written of it: to look there takes a
/// fraction of what reading it does, and most facts are of other kinds.
pub(super) fn is_of(json: &str, kinds: &[&str]) -> bool {
    let kind = json.strip_prefix(r#"{"fact":""#).and_then(|rest| rest.split('"').next());
    kind.is_none_or(|kind| kinds.contains(&kind))
}

fn service_report(
    connection: &Connection,
    by: By,
    intervals: Intervals,
    staff: Staff,
    now: WallTime,
) -> Result<Result<Vec<ServiceRow>, TooLong>, StoreError> {
    // Rows and facts are of one moment.
    let connection = connection.unchecked_transaction()?;
    let mut report = ServiceReport::new(by, intervals, staff);
    report.judge_by(targets::read(&connection)?);
    let told = match figures::are_made(&connection)? {
        true => figures::tell(&connection, &mut report, now)?,
        false => tell_facts(&connection, &mut report)?,
    };
    Ok(told.and_then(|()| report.rows(now)))
}

/// Tells a report of the facts of its time: of a file to which only earlier versions have written.
fn tell_facts(
    connection: &Connection,
    report: &mut ServiceReport,
) -> Result<Result<(), TooLong>, StoreError> {
    let (from, until) = report.time();
    let arrived = from.0.saturating_sub(LONGEST_CALL_US);
    // Who came to a queue again did so later.
    let long_after = until + AGAIN_WITHIN;
    // Ids ascend with time: the facts of all these calls, and hardly any other's, lie beside each other.
    let mut statement = connection.prepare(
        "WITH these AS (SELECT min(id) AS first, max(id) AS last FROM calls WHERE arrived_us >= ?1 AND arrived_us < ?2) \
         SELECT wall_us, at_us, json, call FROM facts \
         WHERE call BETWEEN (SELECT first FROM these) AND (SELECT last FROM these) ORDER BY call, seq",
    )?;
    let mut rows = statement.query([arrived, long_after.0])?;
    while let Some(row) = rows.next()? {
        let json = row.get_ref(2)?.as_str().unwrap_or_default();
        if !is_of(json, service::LOOKED_AT) && !is_of(json, handling::LOOKED_AT) {
            continue;
        }
        let call = Some(CallId(row.get::<_, i64>(3)?.unsigned_abs()));
        let told = dated(row, call)?.map_or(Ok(()), |dated| report.apply(&dated));
        if let Err(too_long) = told {
            return Ok(Err(too_long));
        }
    }
    // What everybody did when the time began was told before it.
    let before: Option<i64> = connection
        .query_row(
            "SELECT seq FROM facts WHERE call = 0 AND wall_us < ?1 ORDER BY seq DESC LIMIT 1",
            [from.0],
            |row| row.get(0),
        )
        .optional()?;
    let first = before.unwrap_or(0).saturating_sub(i64::from(FACTS_BEFORE));
    let mut statement = connection
        .prepare("SELECT wall_us, at_us, json FROM facts WHERE call = 0 AND seq >= ?1 ORDER BY seq")?;
    let mut rows = statement.query([first])?;
    while let Some(row) = rows.next()? {
        if let Some(dated) = dated(row, None)? {
            report.apply_to_agent(&dated);
        }
    }
    Ok(Ok(()))
}

/// The fact of a row of `wall_us, at_us, json`; none that this version cannot read.
pub(super) fn dated(row: &Row<'_>, call: Option<CallId>) -> Result<Option<DatedFact>, StoreError> {
    let Ok(what) = serde_json::from_str(row.get_ref(2)?.as_str().unwrap_or_default()) else {
        return Ok(None);
    };
    let at = Timestamp(row.get::<_, i64>(1)?.unsigned_abs());
    Ok(Some(DatedFact { wall: WallTime(row.get(0)?), fact: Fact { at, call, what } }))
}

fn facts_of_agents(
    connection: &Connection,
    from: WallTime,
    until: WallTime,
) -> Result<Vec<DatedFact>, StoreError> {
    let mut statement = connection
        .prepare_cached("SELECT wall_us, at_us, json FROM facts WHERE call = 0 ORDER BY seq DESC LIMIT ?1")?;
    let mut rows = statement.query([FACTS_LIMIT])?;
    let (mut facts, mut before) = (Vec::new(), 0);
    while let Some(row) = rows.next()?.filter(|_| before < FACTS_BEFORE) {
        let wall = WallTime(row.get(0)?);
        if wall > until {
            continue;
        }
        before += u32::from(wall < from);
        let Ok(what) = serde_json::from_str(row.get_ref(2)?.as_str().unwrap_or_default()) else { continue };
        let at = Timestamp(row.get::<_, i64>(1)?.unsigned_abs());
        facts.push(DatedFact { wall, fact: Fact { at, call: None, what } });
    }
    facts.reverse();
    Ok(facts)
}

fn skills_set(connection: &Connection, since: WallTime) -> Result<Vec<DatedFact>, StoreError> {
    // What concerns no call is call 0; from the end, for there may be years of it.
    let mut statement = connection.prepare(
        "SELECT wall_us, at_us, json, json ->> 'fact' FROM facts WHERE call = 0 ORDER BY seq DESC LIMIT ?1",
    )?;
    let mut rows = statement.query([FACTS_LIMIT])?;
    let mut facts = Vec::new();
    while let Some(row) = rows.next()? {
        let wall = WallTime(row.get(0)?);
        if wall < since {
            break;
        }
        if row.get_ref(3)?.as_str() == Ok("skill_set") {
            let Ok(what) = serde_json::from_str(row.get_ref(2)?.as_str().unwrap_or_default()) else {
                continue;
            };
            let at = Timestamp(row.get::<_, i64>(1)?.unsigned_abs());
            facts.push(DatedFact { wall, fact: Fact { at, call: None, what } });
        }
    }
    facts.reverse();
    Ok(facts)
}

fn earlier(
    connection: &Connection,
    call: CallId,
    account: Option<&str>,
    number: &str,
    limit: u32,
) -> Result<Vec<EarlierCall>, StoreError> {
    // An account is more than a number: a family shares a phone. No number at all is nobody's.
    let (column, value) = match account {
        Some(account) => ("customer", account),
        None if number.is_empty() => return Ok(Vec::new()),
        None => ("caller", number),
    };
    let sql = format!(
        "SELECT {CALL_COLUMNS}, (SELECT json FROM facts WHERE call = id AND json ->> 'fact' = 'outcome_set' \
         ORDER BY seq DESC LIMIT 1) AS said FROM calls WHERE {column} = ?1 AND id < ?2 ORDER BY id DESC LIMIT ?3"
    );
    let mut statement = connection.prepare_cached(&sql)?;
    let rows = statement.query_map(rusqlite::params![value, key(call), limit], |row| {
        let said = row.get::<_, Option<String>>("said")?;
        Ok(EarlierCall { record: record(row)?, said: said.and_then(|json| serde_json::from_str(&json).ok()) })
    })?;
    Ok(rows.collect::<Result<Vec<_>, _>>()?)
}

fn last_talks(connection: &Connection, since: WallTime, most: u32) -> Result<Vec<LastTalk>, StoreError> {
    let mut statement = connection.prepare(
        "SELECT agent, CASE direction WHEN 'inbound' THEN caller ELSE dialled END, \
         CASE WHEN identity LIKE 'verified_by_%' OR by_agent ->> 'passed' THEN customer END, ifnull(ended_us, arrived_us) FROM calls \
         WHERE agent IS NOT NULL AND talked_ms IS NOT NULL AND arrived_us >= ?1 ORDER BY id DESC LIMIT ?2",
    )?;
    let talks = statement.query_map(rusqlite::params![since.0, most], |row| {
        let at = WallTime(row.get(3)?);
        Ok(LastTalk { agent: row.get(0)?, number: row.get(1)?, account: row.get(2)?, at })
    })?;
    let mut talks = talks.collect::<Result<Vec<_>, _>>()?;
    talks.reverse();
    Ok(talks)
}

/// Calls without an end.
pub(super) fn unfinished(connection: &Connection) -> Result<Vec<CallId>, StoreError> {
    let mut statement = connection.prepare("SELECT id FROM calls WHERE ended_us IS NULL ORDER BY id")?;
    let ids = statement.query_map([], |row| Ok(CallId(row.get::<_, i64>(0)?.unsigned_abs())))?;
    Ok(ids.collect::<Result<Vec<_>, _>>()?)
}

fn legs(connection: &Connection, id: CallId) -> Result<Vec<LegRecord>, StoreError> {
    let mut statement = connection.prepare_cached(
        "SELECT leg, party, address, opened_us, closed_us, sent, received, lost, jitter_us, round_trip_us, \
         late, duplicate, reordered, concealed_ms, r_factor, peer FROM legs WHERE call = ?1 ORDER BY leg",
    )?;
    let legs = statement.query_map([key(id)], leg)?;
    Ok(legs.collect::<Result<Vec<_>, _>>()?)
}

fn key(id: CallId) -> i64 {
    // No id beyond this is ever given; asked for, it is simply not found.
    i64::try_from(id.0).unwrap_or(-1)
}

fn record(row: &Row<'_>) -> rusqlite::Result<CallRecord> {
    let duration = |some: Option<i64>, unit: fn(u64) -> Duration| some.map(|some| unit(some.unsigned_abs()));
    Ok(CallRecord {
        id: CallId(row.get::<_, i64>(0)?.unsigned_abs()),
        sip_call_id: row.get(1)?,
        from: row.get(2)?,
        display: row.get(3)?,
        to: row.get(4)?,
        source: row.get(5)?,
        trunk: row.get(6)?,
        caller_id: row.get(26)?,
        arrived: WallTime(row.get(7)?),
        answered: row.get::<_, Option<i64>>(8)?.map(WallTime),
        ended: row.get::<_, Option<i64>>(9)?.map(WallTime),
        assurance: Assurance {
            verified: row.get::<_, Option<String>>(10)?.as_deref().and_then(from_word),
            by_agent: row.get::<_, Option<String>>(25)?.and_then(|json| serde_json::from_str(&json).ok()),
        },
        customer: row.get(11)?,
        customer_name: row.get(12)?,
        queue: row.get(13)?,
        waited: duration(row.get(14)?, Duration::from_millis),
        quote: duration(row.get(15)?, Duration::from_secs),
        agent: row.get(16)?,
        talked: duration(row.get(17)?, Duration::from_millis),
        outcome: row.get::<_, Option<String>>(18)?.as_deref().and_then(from_word),
        ended_by: row.get::<_, Option<String>>(19)?.as_deref().and_then(from_word),
        cause: row.get(20)?,
        digits: row.get(21)?,
        recordings: row.get(22)?,
        direction: from_word(&row.get::<_, String>(23)?).unwrap_or_default(),
        repeats: row.get(24)?,
        legs: Vec::new(),
    })
}

fn leg(row: &Row<'_>) -> rusqlite::Result<LegRecord> {
    let count =
        |place: usize| Ok::<_, rusqlite::Error>(row.get::<_, Option<i64>>(place)?.map(i64::unsigned_abs));
    let quality = match count(5)? {
        None => None,
        Some(sent) => Some(Quality {
            sent,
            received: count(6)?.unwrap_or(0),
            lost: count(7)?.unwrap_or(0),
            jitter_us: row.get::<_, Option<u32>>(8)?.unwrap_or(0),
            round_trip_us: row.get(9)?,
            late: count(10)?.unwrap_or(0),
            duplicate: count(11)?.unwrap_or(0),
            reordered: count(12)?.unwrap_or(0),
            concealed_ms: count(13)?.unwrap_or(0),
            r_factor: row.get(14)?,
            peer: row.get::<_, Option<String>>(15)?.and_then(|json| serde_json::from_str(&json).ok()),
        }),
    };
    Ok(LegRecord {
        leg: LegId(row.get::<_, i64>(0)?.unsigned_abs()),
        party: from_word(&row.get::<_, String>(1)?).unwrap_or(Party::Server),
        address: row.get(2)?,
        opened: row.get::<_, Option<i64>>(3)?.map(WallTime),
        closed: row.get::<_, Option<i64>>(4)?.map(WallTime),
        quality,
    })
}

#[cfg(test)]
mod tests {
    use super::is_of;
    use crate::store::sample;

    #[test]
    fn the_kind_of_a_fact_is_seen_where_it_is_written_first_and_a_fact_of_another_shape_is_read() {
        for fact in sample::whole_call(1) {
            let json = serde_json::to_string(&fact.what).unwrap();
            let kind = serde_json::to_value(&fact.what).unwrap()["fact"].as_str().unwrap().to_owned();
            assert!(is_of(&json, &["digit", &kind]) && !is_of(&json, &["unheard_of"]), "{json}");
        }
        assert!(is_of(r#"{ "digit": "1", "fact": "digit" }"#, &["enqueued"]));
    }
}
