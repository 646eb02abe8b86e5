//! The rows of messages that callers left: written from facts, read by people and, at its start, by the server.

use std::time::Duration;

use rusqlite::Connection;
use rusqlite::OptionalExtension;
use rusqlite::Row;
use rusqlite::params;
use rusqlite::params_from_iter;
use rusqlite::types::Value;

use crate::base::CallId;
use crate::base::Name;
use crate::base::WallTime;
use crate::fact::What;
use crate::fact::recording::RecordingFile;
use crate::fact::recording::RecordingKind;
use crate::store::StoreError;

const COLUMNS: &str =
    "id, call, part, queue, number, name, account, left_us, length_ms, handled_us, handled_by, handled_words";

/// A message that a caller left.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    pub id: u64,
    pub file: RecordingFile,
    /// For whoever serves it.
    pub queue: Name,
    /// Empty when it was withheld.
    pub number: String,
    pub name: Option<String>,
    /// The account that the caller proved to own.
    pub account: Option<String>,
    pub left: WallTime,
    pub length: Duration,
    pub handled: Option<Handled>,
}

/// Somebody has done what a message asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Handled {
    pub at: WallTime,
    /// None for a program on the server's machine.
    pub by: Option<Name>,
    pub words: String,
}

/// Which messages to list. Every filter that is set must fit.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct MessageFilter {
    /// None: of every queue.
    pub queues: Option<Vec<Name>>,
    /// None: all.
    pub handled: Option<bool>,
    /// Only those with a higher number: the next page.
    pub after: Option<u64>,
    /// At most so many. Default 50.
    pub limit: Option<u32>,
}

/// Takes a fact in, if it is about a message. Whoever handled it first has handled it.
pub(super) fn write(
    connection: &Connection,
    call: CallId,
    wall: WallTime,
    what: &What,
) -> Result<(), StoreError> {
    match what {
        What::MessageLeft { queue, part, length, from } => {
            connection
                .prepare_cached(
                    "INSERT OR IGNORE INTO messages (call, part, queue, number, name, account, left_us, length_ms) \
                     VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
                )?
                .execute(params![
                    call.0 as i64,
                    part,
                    queue,
                    from.number,
                    from.name,
                    from.account,
                    wall.0,
                    length.as_millis() as i64,
                ])?;
        }
        What::MessageHandled { part, by, words } => {
            connection
                .prepare_cached(
                    "UPDATE messages SET handled_us = ?3, handled_by = ?4, handled_words = ?5 \
                     WHERE call = ?1 AND part = ?2 AND handled_us IS NULL",
                )?
                .execute(params![call.0 as i64, part, wall.0, by, words])?;
        }
        _ => {}
    }
    Ok(())
}

/// Messages that fit `filter`, the oldest first.
pub(super) fn list(connection: &Connection, filter: &MessageFilter) -> Result<Vec<Message>, StoreError> {
    let (mut conditions, mut values) = (vec!["TRUE".to_owned()], Vec::new());
    if let Some(queues) = &filter.queues {
        let places = vec!["?"; queues.len()].join(", ");
        conditions.push(format!("queue IN ({places})"));
        values.extend(queues.iter().map(|queue| Value::Text(queue.to_string())));
    }
    match filter.handled {
        None => {}
        Some(true) => conditions.push("handled_us IS NOT NULL".to_owned()),
        Some(false) => conditions.push("handled_us IS NULL".to_owned()),
    }
    if let Some(after) = filter.after {
        conditions.push("id > ?".to_owned());
        values.push(Value::Integer(i64::try_from(after).unwrap_or(i64::MAX)));
    }
    let limit = filter.limit.unwrap_or(50);
    let conditions = conditions.join(" AND ");
    let sql = format!("SELECT {COLUMNS} FROM messages WHERE {conditions} ORDER BY id LIMIT {limit}");
    let mut statement = connection.prepare_cached(&sql)?;
    let rows = statement.query_map(params_from_iter(values), message)?;
    Ok(rows.collect::<Result<Vec<_>, _>>()?)
}

/// One message.
pub(super) fn one(connection: &Connection, id: u64) -> Result<Option<Message>, StoreError> {
    let sql = format!("SELECT {COLUMNS} FROM messages WHERE id = ?1");
    let id = i64::try_from(id).unwrap_or(i64::MAX);
    Ok(connection.prepare_cached(&sql)?.query_row([id], message).optional()?)
}

fn message(row: &Row<'_>) -> rusqlite::Result<Message> {
    let whole = |place: usize| row.get::<_, i64>(place).map(i64::unsigned_abs);
    let name = |text: String| Name::from(text.as_str());
    let handled = match row.get::<_, Option<i64>>(9)? {
        None => None,
        Some(at) => {
            let by = row.get::<_, Option<String>>(10)?.map(name);
            Some(Handled { at: WallTime(at), by, words: row.get(11)? })
        }
    };
    Ok(Message {
        id: whole(0)?,
        file: RecordingFile { kind: RecordingKind::Message, call: CallId(whole(1)?), part: row.get(2)? },
        queue: name(row.get(3)?),
        number: row.get(4)?,
        name: row.get(5)?,
        account: row.get(6)?,
        left: WallTime(row.get(7)?),
        length: Duration::from_millis(whole(8)?),
        handled,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Timestamp;
    use crate::fact::Fact;
    use crate::store::HistoryWriter;
    use crate::store::Store;
    use crate::store::sample;

    #[test]
    fn messages_are_tasks_of_their_queue_until_somebody_has_handled_them() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path()).unwrap();
        let history = HistoryWriter::start(&store, sample::STARTED).unwrap();
        let by =
            |name: &str, part| What::MessageHandled { part, by: Some(name.into()), words: "called".into() };
        let facts = [
            (7, sample::message_left("support", 1)),
            (7, sample::message_left("billing", 2)),
            (9, sample::message_left("billing", 1)),
            (7, by("bob", 2)),
            (7, by("sue", 2)),
            (8, by("bob", 1)),
        ];
        for (at, (call, what)) in (0..).zip(facts) {
            history.record(Fact { at: Timestamp::from_secs(at), call: Some(CallId(call)), what });
        }
        history.close();

        let readers = Store::open(folder.path()).unwrap().readers().unwrap();
        let listed = |filter: MessageFilter| -> Vec<(u64, String)> {
            let of = |message: &Message| (message.id, message.file.to_string());
            readers.messages(&filter).unwrap().iter().map(of).collect()
        };
        let file = |id, name: &str| (id, name.to_owned());
        let all = [file(1, "7.wav"), file(2, "7-2.wav"), file(3, "9.wav")];
        assert_eq!(listed(MessageFilter::default()), all);
        let queues = Some(vec!["billing".into()]);
        let open = MessageFilter { queues, handled: Some(false), ..MessageFilter::default() };
        assert_eq!(listed(open), all[2..]);
        let next = MessageFilter { after: Some(1), limit: Some(1), ..MessageFilter::default() };
        assert_eq!(listed(next), all[1..2]);
        assert_eq!(listed(MessageFilter { queues: Some(vec![]), ..MessageFilter::default() }), []);
        let handled = readers.message(2).unwrap().unwrap();
        let at = sample::STARTED + Duration::from_secs(3);
        let who = Handled { at, by: Some("bob".into()), words: "called".into() };
        assert_eq!((handled.handled, handled.length), (Some(who), Duration::from_millis(12_500)));
        assert_eq!((handled.name.as_deref(), &*handled.number), (Some("Ann"), "+12025550143"));
        assert_eq!(readers.message(4).unwrap(), None);
    }
}
