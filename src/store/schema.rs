//! The tables, and how an older file becomes a newer one: each step once, in one transaction.

use std::path::PathBuf;

use rusqlite::Connection;
use rusqlite::ErrorCode;
use rusqlite::TransactionBehavior;

use crate::store::FILE;
use crate::store::StoreError;

/// What each version added. SQLite's `user_version` counts the steps a file has taken; a step that was
/// released is never edited.
///
/// Times are microseconds since 1970 (`_us`). Facts are clustered by call, so that a story is read in one
/// place; call 0 holds what concerns no call. `tries` counts wrong PINs for account numbers that do not
/// exist as well: otherwise a lock-out would tell which ones do.
const STEPS: &[&str] = &[
    "
    CREATE TABLE calls (
        id            INTEGER PRIMARY KEY,
        sip_call_id   TEXT NOT NULL,
        caller        TEXT NOT NULL,
        display       TEXT NOT NULL,
        dialled       TEXT NOT NULL,
        source        TEXT NOT NULL,
        trunk         TEXT,
        arrived_us    INTEGER NOT NULL,
        answered_us   INTEGER,
        ended_us      INTEGER,
        identity      TEXT,
        customer      TEXT,
        customer_name TEXT,
        queue         TEXT,
        waited_ms     INTEGER,
        quote_s       INTEGER,
        agent         TEXT,
        talked_ms     INTEGER,
        outcome       TEXT,
        ended_by      TEXT,
        cause         TEXT NOT NULL,
        digits        TEXT NOT NULL
    );
    CREATE INDEX calls_by_sip_call_id ON calls (sip_call_id);
    CREATE INDEX calls_by_caller ON calls (caller);
    CREATE INDEX calls_by_agent ON calls (agent) WHERE agent IS NOT NULL;
    CREATE INDEX calls_unfinished ON calls (id) WHERE ended_us IS NULL;

    CREATE TABLE legs (
        call          INTEGER NOT NULL,
        leg           INTEGER NOT NULL,
        party         TEXT NOT NULL,
        address       TEXT NOT NULL,
        opened_us     INTEGER,
        closed_us     INTEGER,
        sent          INTEGER,
        received      INTEGER,
        lost          INTEGER,
        jitter_us     INTEGER,
        round_trip_us INTEGER,
        PRIMARY KEY (call, leg)
    ) WITHOUT ROWID;

    CREATE TABLE facts (
        call          INTEGER NOT NULL,
        seq           INTEGER NOT NULL,
        wall_us       INTEGER NOT NULL,
        at_us         INTEGER NOT NULL,
        json          TEXT NOT NULL,
        kind          TEXT GENERATED ALWAYS AS (json ->> 'fact') VIRTUAL,
        PRIMARY KEY (call, seq)
    ) WITHOUT ROWID;

    CREATE TABLE customers (
        account       TEXT PRIMARY KEY,
        name          TEXT NOT NULL,
        name_prompt   TEXT,
        pin           TEXT NOT NULL
    ) WITHOUT ROWID;
    CREATE TABLE customer_numbers (
        number        TEXT NOT NULL,
        account       TEXT NOT NULL REFERENCES customers (account) ON DELETE CASCADE,
        PRIMARY KEY (number, account)
    ) WITHOUT ROWID;

    CREATE TABLE tries (
        account       TEXT PRIMARY KEY,
        failed_in_row INTEGER NOT NULL,
        locked_until_us INTEGER NOT NULL DEFAULT 0,
        last_us       INTEGER NOT NULL
    ) WITHOUT ROWID;
    CREATE INDEX tries_by_last ON tries (last_us);

    CREATE TABLE agents (
        name          TEXT PRIMARY KEY,
        role          TEXT NOT NULL,
        ha1_md5       BLOB NOT NULL,
        ha1_sha256    BLOB NOT NULL,
        password      TEXT NOT NULL,
        demo          INTEGER NOT NULL
    ) WITHOUT ROWID;

    CREATE TABLE seeded (what TEXT PRIMARY KEY) WITHOUT ROWID;
",
    "
    CREATE TABLE sessions (
        token         BLOB PRIMARY KEY,
        name          TEXT NOT NULL REFERENCES agents (name) ON DELETE CASCADE,
        begun_us      INTEGER NOT NULL,
        used_us       INTEGER NOT NULL
    ) WITHOUT ROWID;
    CREATE INDEX sessions_by_name ON sessions (name);
    CREATE INDEX calls_by_customer ON calls (customer) WHERE customer IS NOT NULL;
",
    // People who look back ask for it now and then; every fact that was written paid for it.
    "ALTER TABLE facts DROP COLUMN kind;",
    "ALTER TABLE calls ADD COLUMN recordings INTEGER NOT NULL DEFAULT 0;",
    // Agents call people too.
    "ALTER TABLE calls ADD COLUMN direction TEXT NOT NULL DEFAULT 'inbound';",
    "
    ALTER TABLE legs ADD COLUMN late INTEGER;
    ALTER TABLE legs ADD COLUMN duplicate INTEGER;
    ALTER TABLE legs ADD COLUMN reordered INTEGER;
    ALTER TABLE legs ADD COLUMN concealed_ms INTEGER;
    ALTER TABLE legs ADD COLUMN r_factor INTEGER;
",
    // A caller who tells their story twice is counted.
    "ALTER TABLE calls ADD COLUMN repeats INTEGER NOT NULL DEFAULT 0;",
    // As a hash, as the PIN is.
    "ALTER TABLE customers ADD COLUMN birth_date TEXT;",
    // What was promised before and is still to come is a row as well.
    "
    CREATE TABLE promises (
        id            INTEGER PRIMARY KEY,
        call          INTEGER NOT NULL,
        owner         TEXT NOT NULL,
        kind          TEXT NOT NULL,
        words         TEXT NOT NULL,
        number        TEXT NOT NULL,
        name          TEXT,
        account       TEXT,
        queue         TEXT,
        made_us       INTEGER NOT NULL,
        due_us        INTEGER NOT NULL,
        state         TEXT NOT NULL,
        reminded      INTEGER NOT NULL,
        settled_us    INTEGER,
        settled_by    TEXT,
        settled_words TEXT NOT NULL DEFAULT ''
    );
    CREATE INDEX promises_by_due ON promises (due_us, id);
    CREATE INDEX promises_open ON promises (id) WHERE state IN ('open', 'overdue');
    INSERT INTO promises (call, owner, kind, words, number, name, account, queue, made_us, due_us, state, reminded)
        SELECT facts.call, json ->> 'agent', json ->> 'promise', json ->> 'words',
            ifnull(CASE direction WHEN 'inbound' THEN caller ELSE dialled END, ''), customer_name,
            CASE identity WHEN 'verified_by_pin' THEN customer END, queue, wall_us, json ->> 'due', 'open', 0
        FROM facts LEFT JOIN calls ON calls.id = facts.call
        WHERE json ->> 'fact' = 'promise_made' AND json ->> 'due' > unixepoch() * 1000000
        ORDER BY wall_us, facts.call, seq;
",
    // How what a line was sent arrived, as its peer told it: a JSON object.
    "ALTER TABLE legs ADD COLUMN peer TEXT;",
    "
    CREATE TABLE messages (
        id            INTEGER PRIMARY KEY,
        call          INTEGER NOT NULL,
        part          INTEGER NOT NULL,
        queue         TEXT NOT NULL,
        number        TEXT NOT NULL,
        name          TEXT,
        account       TEXT,
        left_us       INTEGER NOT NULL,
        length_ms     INTEGER NOT NULL,
        handled_us    INTEGER,
        handled_by    TEXT,
        handled_words TEXT NOT NULL DEFAULT '',
        UNIQUE (call, part)
    );
    CREATE INDEX messages_to_do ON messages (queue, id) WHERE handled_us IS NULL;
",
    // Whose place in a queue is kept, as JSON; a row goes when the place is over.
    "CREATE TABLE kept_places (call INTEGER PRIMARY KEY, json TEXT NOT NULL);",
    // What reports sum: a row for each wait that is over, and each time in which an agent was there and busy or not.
    "
    CREATE TABLE waits (
        joined_us     INTEGER NOT NULL,
        call          INTEGER NOT NULL,
        seq           INTEGER NOT NULL,
        queue         TEXT NOT NULL,
        needs         TEXT NOT NULL,
        earlier       TEXT,
        rung          TEXT,
        ended         TEXT NOT NULL,
        agent         TEXT,
        length_us     INTEGER,
        quote_us      INTEGER,
        PRIMARY KEY (joined_us, call, seq)
    ) WITHOUT ROWID;
    CREATE TABLE spells (
        agent         TEXT NOT NULL,
        from_us       INTEGER NOT NULL,
        seq           INTEGER NOT NULL,
        to_us         INTEGER,
        busy          INTEGER NOT NULL,
        PRIMARY KEY (agent, from_us, seq)
    ) WITHOUT ROWID;
    CREATE INDEX spells_open ON spells (agent) WHERE to_us IS NULL;
",
    // And rows of what a call's talks came to, and of what its caller answered.
    "
    CREATE TABLE holds (
        call          INTEGER NOT NULL,
        agent         TEXT NOT NULL,
        queue         TEXT NOT NULL,
        held          INTEGER NOT NULL,
        total_us      INTEGER NOT NULL,
        longest_us    INTEGER NOT NULL,
        refused       INTEGER NOT NULL,
        overridden    INTEGER NOT NULL,
        abandoned     INTEGER NOT NULL,
        PRIMARY KEY (call, agent, queue)
    ) WITHOUT ROWID;
    CREATE TABLE handovers (
        call          INTEGER NOT NULL,
        queue         TEXT NOT NULL,
        from_agent    TEXT NOT NULL,
        target        TEXT NOT NULL,
        warm          INTEGER NOT NULL,
        blind         INTEGER NOT NULL,
        repeats       INTEGER NOT NULL,
        PRIMARY KEY (call, queue, from_agent, target)
    ) WITHOUT ROWID;
    CREATE TABLE answers (
        call          INTEGER NOT NULL,
        seq           INTEGER NOT NULL,
        question      TEXT NOT NULL,
        answer        INTEGER NOT NULL,
        agent         TEXT,
        queue         TEXT,
        PRIMARY KEY (call, seq)
    ) WITHOUT ROWID;
",
    // And of what talks took of agents' time, and who came to a queue again. Callers are digests in them.
    "
    CREATE TABLE talks (
        agent         TEXT NOT NULL,
        ended_us      INTEGER NOT NULL,
        call          INTEGER NOT NULL,
        place         INTEGER NOT NULL,
        queue         TEXT NOT NULL,
        needs         TEXT NOT NULL,
        placed        INTEGER NOT NULL,
        talked_us     INTEGER NOT NULL,
        held_us       INTEGER NOT NULL,
        last          INTEGER NOT NULL,
        caller        INTEGER,
        said          INTEGER NOT NULL,
        PRIMARY KEY (agent, ended_us, call, place)
    ) WITHOUT ROWID;
    CREATE TABLE visits (
        call          INTEGER NOT NULL,
        place         INTEGER NOT NULL,
        queue         TEXT NOT NULL,
        at_us         INTEGER NOT NULL,
        caller        INTEGER,
        PRIMARY KEY (call, place)
    ) WITHOUT ROWID;
    CREATE INDEX visits_by_caller ON visits (caller, queue, at_us) WHERE caller IS NOT NULL;
    CREATE TABLE wrap_ups (
        agent         TEXT NOT NULL,
        from_us       INTEGER NOT NULL,
        seq           INTEGER NOT NULL,
        to_us         INTEGER,
        PRIMARY KEY (agent, from_us, seq)
    ) WITHOUT ROWID;
    CREATE INDEX wrap_ups_open ON wrap_ups (agent) WHERE to_us IS NULL;
",
    // An agent's word on who calls: a JSON object.
    "ALTER TABLE calls ADD COLUMN by_agent TEXT;",
    // And rows of what callers did at the menus.
    "
    CREATE TABLE menus (
        call          INTEGER NOT NULL,
        flow          TEXT NOT NULL,
        node          TEXT NOT NULL,
        came          INTEGER NOT NULL,
        chose         INTEGER NOT NULL,
        hung_up       INTEGER NOT NULL,
        no_input      INTEGER NOT NULL,
        no_match      INTEGER NOT NULL,
        zero_outs     INTEGER NOT NULL,
        stayed_us     INTEGER NOT NULL,
        PRIMARY KEY (call, flow, node)
    ) WITHOUT ROWID;
",
    // Holds that took longer than was told; the rows are made anew from the facts.
    "
    DROP TABLE holds;
    CREATE TABLE holds (
        call          INTEGER NOT NULL,
        agent         TEXT NOT NULL,
        queue         TEXT NOT NULL,
        held          INTEGER NOT NULL,
        total_us      INTEGER NOT NULL,
        longest_us    INTEGER NOT NULL,
        late          INTEGER NOT NULL,
        refused       INTEGER NOT NULL,
        overridden    INTEGER NOT NULL,
        abandoned     INTEGER NOT NULL,
        PRIMARY KEY (call, agent, queue)
    ) WITHOUT ROWID;
",
    // Whether the caller said after a talk that it is settled.
    "ALTER TABLE talks ADD COLUMN settled INTEGER;",
    // Which service-level target each queue had from when on.
    "
    CREATE TABLE targets (
        queue         TEXT NOT NULL,
        from_us       INTEGER NOT NULL,
        percent       INTEGER NOT NULL,
        within_us     INTEGER NOT NULL,
        PRIMARY KEY (queue, from_us)
    ) WITHOUT ROWID;
",
    // And rows of how callers came to agents, and whether that was the wrong queue.
    "
    CREATE TABLE routes (
        call          INTEGER NOT NULL,
        place         INTEGER NOT NULL,
        entry         TEXT NOT NULL,
        way           TEXT NOT NULL,
        flow          TEXT NOT NULL,
        node          TEXT NOT NULL,
        choice        TEXT NOT NULL,
        queue         TEXT NOT NULL,
        misrouted     INTEGER NOT NULL,
        belongs       TEXT,
        PRIMARY KEY (call, place)
    ) WITHOUT ROWID;
",
    // How talks were judged; the sheet is a JSON object.
    "
    CREATE TABLE evaluations (
        call          INTEGER NOT NULL,
        agent         TEXT NOT NULL,
        form          TEXT NOT NULL,
        by            TEXT,
        at_us         INTEGER NOT NULL,
        read_us       INTEGER,
        json          TEXT NOT NULL,
        PRIMARY KEY (call, agent, form)
    ) WITHOUT ROWID;
",
    // And rows of which rules applied to whom in a call that is over, and which were kept: a bit each.
    "
    CREATE TABLE conformance (
        arrived_us    INTEGER NOT NULL,
        call          INTEGER NOT NULL,
        agent         TEXT NOT NULL,
        queue         TEXT NOT NULL,
        applied       INTEGER NOT NULL,
        kept          INTEGER NOT NULL,
        PRIMARY KEY (arrived_us, call, agent)
    ) WITHOUT ROWID;
",
    // By stretches of 1 024 calls, so that those of a second are written into a few pages of the index and not each into one of
    // all. Who looks for a Call-ID looks into each stretch.
    "
    DROP INDEX calls_by_sip_call_id;
    CREATE INDEX calls_by_sip_call_id ON calls (id >> 10, sip_call_id);
",
    // Who has left may neither sign in nor ring.
    "ALTER TABLE agents ADD COLUMN disabled INTEGER NOT NULL DEFAULT 0;",
    // Of programs that read the metrics.
    "
    CREATE TABLE tokens (
        name          TEXT PRIMARY KEY,
        hash          BLOB NOT NULL UNIQUE,
        made_us       INTEGER NOT NULL
    ) WITHOUT ROWID;
",
    // Few queues and few numbers: what is written goes to the end of each one's calls.
    "
    CREATE INDEX calls_by_queue ON calls (queue) WHERE queue IS NOT NULL;
    CREATE INDEX calls_by_dialled ON calls (dialled);
",
    // In which order facts were told: some hundreds a row, by the number of its last one, with when that was.
    "
    CREATE TABLE told (
        last          INTEGER PRIMARY KEY,
        wall_us       INTEGER NOT NULL,
        facts         BLOB NOT NULL
    );
",
    // Up to which number each webhook was told of the facts that it wants, and how many it has missed without being told so.
    "
    CREATE TABLE webhooks (
        name          TEXT PRIMARY KEY,
        told          INTEGER NOT NULL,
        missed        INTEGER NOT NULL
    ) WITHOUT ROWID;
",
    // What a program may do by its token: words, with a space between.
    "ALTER TABLE tokens ADD COLUMN scopes TEXT NOT NULL DEFAULT 'metrics';",
    // Our number, as whom an agent called saw it.
    "ALTER TABLE calls ADD COLUMN caller_id TEXT;",
];

/// Takes the steps that the file has not taken yet.
pub(super) fn migrate(connection: &mut Connection) -> Result<(), StoreError> {
    check(connection)?;
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let taken = version(&transaction)?;
    for (step, sql) in STEPS.iter().enumerate() {
        if step as i64 >= taken {
            transaction.execute_batch(sql)?;
        }
    }
    transaction.pragma_update(None, "user_version", STEPS.len() as i64)?;
    transaction.commit()?;
    Ok(())
}

/// Refuses a file that a later version wrote, or somebody else.
pub(super) fn check(connection: &Connection) -> Result<(), StoreError> {
    let (found, known) = (version(connection)?, STEPS.len() as i64);
    let tables = |name: &str| {
        let sql = "SELECT count(*) FROM sqlite_master WHERE type = 'table' AND name LIKE ?1";
        connection.query_row(sql, [name], |row| row.get::<_, i64>(0))
    };
    if tables("facts")? == 0 && (found != 0 || tables("%")? != 0) {
        return Err(StoreError::Foreign { file: file(connection) });
    }
    if found > known { Err(StoreError::TooNew { found, known }) } else { Ok(()) }
}

/// And one to which nobody has written yet.
pub(super) fn check_to_read(connection: &Connection) -> Result<(), StoreError> {
    check(connection)?;
    if version(connection)? == 0 { Err(StoreError::Empty { file: file(connection) }) } else { Ok(()) }
}

fn file(connection: &Connection) -> PathBuf {
    connection.path().unwrap_or(FILE).into()
}

fn version(connection: &Connection) -> Result<i64, StoreError> {
    let version = connection.query_row("PRAGMA user_version", [], |row| row.get(0));
    version.map_err(|error| match error.sqlite_error_code() {
        Some(ErrorCode::NotADatabase) => StoreError::Foreign { file: file(connection) },
        _ => StoreError::Sqlite(error),
    })
}
