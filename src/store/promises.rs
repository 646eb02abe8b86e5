//! The rows of promises: written from facts, read by people and, at its start, by the server.

use rusqlite::Connection;
use rusqlite::Row;
use rusqlite::params;
use rusqlite::params_from_iter;
use rusqlite::types::Value;

use crate::base::CallId;
use crate::base::PromiseId;
use crate::base::WallTime;
use crate::fact::Promise;
use crate::fact::PromiseKind;
use crate::fact::PromiseState;
use crate::fact::Promisee;
use crate::fact::What;
use crate::store::StoreError;
use crate::store::words::from_word;
use crate::store::words::word;

/// The most promises that one list holds.
pub const LIST_LIMIT: u32 = 1_000;

const COLUMNS: &str = "id, call, owner, kind, words, number, name, account, queue, made_us, due_us, state, reminded, \
                       settled_us, settled_by, settled_words";

/// Which promises to list. Every filter that is set must fit.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PromiseFilter {
    pub owner: Option<String>,
    /// None: all; `Open` has those that are overdue among them.
    pub state: Option<PromiseState>,
    /// Only those with a higher number: the next page.
    pub after: Option<PromiseId>,
    /// At most so many. Default 50, at most [`LIST_LIMIT`].
    pub limit: Option<u32>,
}

/// What came of the promises of one agent to the callers of one queue.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PromiseTally {
    pub owner: String,
    pub queue: Option<String>,
    pub open: u32,
    pub overdue: u32,
    pub kept: u32,
    pub late: u32,
    pub broken: u32,
}

/// Takes a fact in, if it is about a promise.
pub(super) fn write(
    connection: &Connection,
    call: CallId,
    wall: WallTime,
    what: &What,
) -> Result<(), StoreError> {
    let set = |sql: &str, values: &[&dyn rusqlite::ToSql]| -> Result<(), StoreError> {
        connection.prepare_cached(sql)?.execute(values)?;
        Ok(())
    };
    match what {
        What::PromiseMade { id: Some(id), agent, promise, due, words, to } => {
            connection
                .prepare_cached(
                    "INSERT OR IGNORE INTO promises (id, call, owner, kind, words, number, name, account, queue, \
                     made_us, due_us, state, reminded) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, 0)",
                )?
                .execute(params![
                    id.0 as i64,
                    call.0 as i64,
                    agent,
                    word(promise),
                    words,
                    to.number,
                    to.name,
                    to.account,
                    to.queue,
                    wall.0,
                    due.0,
                    word(&PromiseState::Open),
                ])?;
            Ok(())
        }
        What::PromiseReminded { id, .. } => {
            set("UPDATE promises SET reminded = 1 WHERE id = ?1", &[&(id.0 as i64)])
        }
        What::PromiseOverdue { id, .. } => {
            let state = word(&PromiseState::Overdue);
            set("UPDATE promises SET state = ?2 WHERE id = ?1", &[&(id.0 as i64), &state])
        }
        What::PromiseHanded { id, to, .. } => {
            set("UPDATE promises SET owner = ?2 WHERE id = ?1", &[&(id.0 as i64), to])
        }
        What::PromiseSettled { id, state, by, words, .. } => set(
            "UPDATE promises SET state = ?2, settled_us = ?3, settled_by = ?4, settled_words = ?5 WHERE id = ?1",
            &[&(id.0 as i64), &word(state), &wall.0, by, words],
        ),
        _ => Ok(()),
    }
}

/// Promises that fit `filter`: what is due first comes first.
pub(super) fn list(connection: &Connection, filter: &PromiseFilter) -> Result<Vec<Promise>, StoreError> {
    let (mut conditions, mut values) = (vec!["TRUE"], Vec::new());
    if let Some(owner) = &filter.owner {
        conditions.push("owner = ?");
        values.push(Value::Text(owner.clone()));
    }
    match filter.state {
        None => {}
        Some(PromiseState::Open) => conditions.push("state IN ('open', 'overdue')"),
        Some(state) => {
            conditions.push("state = ?");
            values.push(Value::Text(word(&state)));
        }
    }
    if let Some(after) = filter.after {
        conditions.push("(due_us, id) > (SELECT due_us, id FROM promises WHERE id = ?)");
        values.push(Value::Integer(after.0 as i64));
    }
    let limit = filter.limit.unwrap_or(50).min(LIST_LIMIT);
    let conditions = conditions.join(" AND ");
    let sql = format!("SELECT {COLUMNS} FROM promises WHERE {conditions} ORDER BY due_us, id LIMIT {limit}");
    let mut statement = connection.prepare_cached(&sql)?;
    let rows = statement.query_map(params_from_iter(values), promise)?;
    Ok(rows.collect::<Result<Vec<_>, _>>()?)
}

/// Every open promise, and the highest number that was given.
pub(super) fn recall(connection: &Connection) -> Result<(Vec<Promise>, PromiseId), StoreError> {
    let sql = format!("SELECT {COLUMNS} FROM promises WHERE state IN ('open', 'overdue') ORDER BY id");
    let mut statement = connection.prepare(&sql)?;
    let open = statement.query_map([], promise)?.collect::<Result<Vec<_>, _>>()?;
    let highest: i64 =
        connection.query_row("SELECT ifnull(max(id), 0) FROM promises", [], |row| row.get(0))?;
    Ok((open, PromiseId(highest.unsigned_abs())))
}

/// What came of the promises that were to be kept from `from` on and before `until`, by agent and queue.
pub(super) fn report(
    connection: &Connection,
    from: WallTime,
    until: WallTime,
) -> Result<Vec<PromiseTally>, StoreError> {
    let mut statement = connection.prepare_cached(
        "SELECT owner, queue, sum(state = 'open'), sum(state = 'overdue'), sum(state = 'kept'), sum(state = 'late'), \
         sum(state = 'broken') FROM promises WHERE due_us >= ?1 AND due_us < ?2 GROUP BY owner, queue \
         ORDER BY owner, queue",
    )?;
    let tallies = statement.query_map([from.0, until.0], |row| {
        Ok(PromiseTally {
            owner: row.get(0)?,
            queue: row.get(1)?,
            open: row.get(2)?,
            overdue: row.get(3)?,
            kept: row.get(4)?,
            late: row.get(5)?,
            broken: row.get(6)?,
        })
    })?;
    Ok(tallies.collect::<Result<Vec<_>, _>>()?)
}

fn promise(row: &Row<'_>) -> rusqlite::Result<Promise> {
    let text = |place: usize| row.get::<_, String>(place);
    let settled: Option<i64> = row.get(13)?;
    let by: Option<String> = row.get(14)?;
    let said = text(15)?;
    Ok(Promise {
        id: PromiseId(row.get::<_, i64>(0)?.unsigned_abs()),
        call: CallId(row.get::<_, i64>(1)?.unsigned_abs()),
        owner: text(2)?.as_str().into(),
        kind: from_word(&text(3)?).unwrap_or(PromiseKind::Answer),
        words: text(4)?,
        to: Promisee {
            number: text(5)?,
            name: row.get(6)?,
            account: row.get(7)?,
            queue: row.get::<_, Option<String>>(8)?.map(|queue| queue.as_str().into()),
        },
        made: WallTime(row.get(9)?),
        due: WallTime(row.get(10)?),
        state: from_word(&text(11)?).unwrap_or(PromiseState::Broken),
        reminded: row.get(12)?,
        settled: settled.map(|at| (WallTime(at), by.map(|by| by.as_str().into()), said)),
    })
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::base::Timestamp;
    use crate::fact::AgentMethod;
    use crate::fact::AgentVerification;
    use crate::fact::Fact;
    use crate::store::HistoryWriter;
    use crate::store::Store;
    use crate::store::sample;

    fn made(id: u64, agent: &str, due_s: u64) -> What {
        match sample::promise_made(id, due_s) {
            What::PromiseMade { id, promise, due, words, to, .. } => {
                What::PromiseMade { id, agent: agent.into(), promise, due, words, to }
            }
            other => panic!("{other:?}"),
        }
    }

    fn settled(id: u64, agent: &str, state: PromiseState) -> What {
        let (id, agent, by) = (PromiseId(id), agent.into(), Some("sue".into()));
        What::PromiseSettled { id, agent, state, by, words: "told them".to_owned() }
    }

    #[test]
    fn who_talked_with_whom_last_is_read_from_the_history() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path()).unwrap();
        let history = HistoryWriter::start(&store, sample::STARTED).unwrap();
        sample::whole_call(7).into_iter().for_each(|fact| history.record(fact));
        sample::short_call(8).into_iter().for_each(|fact| history.record(fact));
        let by_agent = |call: u64, passed| {
            let word = AgentVerification { agent: "bob".into(), method: AgentMethod::Document, passed };
            for mut fact in sample::whole_call(call) {
                if matches!(fact.what, What::VerificationEnded { .. }) {
                    fact.what = What::AgentVerified(word.clone());
                }
                history.record(fact);
            }
            word
        };
        let words = [by_agent(9, true), by_agent(10, false)];
        history.close();
        let readers = store.readers().unwrap();
        let told = [9, 10].map(|call| readers.call(CallId(call)).unwrap().unwrap().assurance);
        assert_eq!(told.map(|assurance| assurance.by_agent), words.map(Some));
        let talks = readers.last_talks(sample::STARTED, 10).unwrap();
        let of = |talk: &crate::store::read::LastTalk| {
            (talk.agent.clone(), talk.number.clone(), talk.account.clone())
        };
        let ann = ("bob".to_owned(), "+12025550143".to_owned(), Some("100200".to_owned()));
        let (by_agent, nobody) = (ann.clone(), (ann.0.clone(), ann.1.clone(), None));
        assert_eq!(talks.iter().map(of).collect::<Vec<_>>(), [ann, by_agent, nobody]);
        assert_eq!(readers.last_talks(sample::STARTED + Duration::from_secs(60), 10).unwrap(), []);
    }

    #[test]
    fn promises_are_there_after_a_restart_as_the_facts_say() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path()).unwrap();
        let history = HistoryWriter::start(&store, sample::STARTED).unwrap();
        let bob = || "bob".into();
        let facts = [
            made(1, "alice", 60),
            made(2, "alice", 30),
            made(3, "bob", 90),
            What::PromiseReminded { id: PromiseId(1), agent: "alice".into() },
            What::PromiseOverdue { id: PromiseId(1), agent: "alice".into() },
            What::PromiseHanded { id: PromiseId(1), from: "alice".into(), to: bob(), by: "sue".into() },
            settled(2, "alice", PromiseState::Kept),
            settled(3, "bob", PromiseState::Late),
        ];
        for (secs, what) in (0..).zip(facts) {
            history.record(Fact { at: Timestamp::from_secs(secs), call: Some(CallId(7)), what });
        }
        history.close();

        let readers = Store::open(folder.path()).unwrap().readers().unwrap();
        let (open, highest) = readers.recall_promises().unwrap();
        assert_eq!((open.len(), highest), (1, PromiseId(3)));
        assert_eq!((&*open[0].owner, open[0].state, open[0].reminded), ("bob", PromiseState::Overdue, true));
        assert_eq!(open[0].to.name.as_deref(), Some("Ann"));

        let listed = |filter: PromiseFilter| -> Vec<u64> {
            readers.promises(&filter).unwrap().iter().map(|promise| promise.id.0).collect()
        };
        let state = |state| PromiseFilter { state: Some(state), ..PromiseFilter::default() };
        assert_eq!(listed(PromiseFilter::default()), [2, 1, 3], "what is due first comes first");
        assert_eq!(listed(state(PromiseState::Open)), [1], "what is overdue is open");
        assert_eq!(listed(state(PromiseState::Late)), [3]);
        let after = Some(PromiseId(2));
        assert_eq!(listed(PromiseFilter { after, limit: Some(1), ..PromiseFilter::default() }), [1]);
        let kept = readers.promises(&state(PromiseState::Kept)).unwrap();
        let said = (sample::STARTED + Duration::from_secs(6), Some("sue".into()), "told them".to_owned());
        assert_eq!(kept[0].settled, Some(said));

        let week = sample::STARTED + Duration::from_secs(604_800);
        let report = readers.promise_report(sample::STARTED, week).unwrap();
        let of = |tally: &PromiseTally| (tally.owner.clone(), tally.overdue, tally.kept, tally.late);
        let counted: Vec<_> = report.iter().map(of).collect();
        assert_eq!(counted, [("alice".to_owned(), 0, 1, 0), ("bob".to_owned(), 1, 0, 1)]);
        assert_eq!(readers.promise_report(sample::STARTED, sample::STARTED).unwrap(), []);
    }
}
