//! What reports sum of talks and answers: a row for each agent who held a caller of a queue, for each way by which a caller was
//! handed on, and for each answer. At any moment the rows of a call are what its facts come to, be it over or not.

use std::collections::HashMap;
use std::time::Duration;

use rusqlite::Connection;
use rusqlite::params;

use crate::base::CallId;
use crate::base::Name;
use crate::base::WallTime;
use crate::fact::Target;
use crate::fact::What;
use crate::store::StoreError;
use crate::store::figures::Names;
use crate::store::fold::DatedFact;
use crate::store::surveys::Effort;
use crate::store::surveys::SurveyReport;
use crate::store::talks::HoldTally;
use crate::store::talks::Path;
use crate::store::talks::PathTally;
use crate::store::talks::TalkFold;
use crate::store::talks::TalkReport;

/// The tables.
pub(super) const TABLES: &[&str] = &["holds", "handovers", "answers"];

/// Takes a fact of a call in, and writes what it changes. `seq` is the fact's number in its call.
pub(super) fn write(
    fold: &mut TalkFold,
    connection: &Connection,
    call: CallId,
    seq: i64,
    dated: &DatedFact,
) -> Result<(), StoreError> {
    if let What::SurveyAnswered { question, answer, agent, queue, .. } = &dated.fact.what {
        let (agent, queue) = (agent.as_deref(), queue.as_deref());
        connection
            .prepare_cached("INSERT INTO answers VALUES (?1, ?2, ?3, ?4, ?5, ?6)")?
            .execute(params![call.0 as i64, seq, &**question, answer, agent, queue])?;
    }
    if fold.apply(dated) { insert(connection, call, fold) } else { Ok(()) }
}

/// The rows of a call's talks, over what was there: none ever goes.
fn insert(connection: &Connection, call: CallId, fold: &TalkFold) -> Result<(), StoreError> {
    let (call, micros) = (call.0 as i64, |time: Duration| time.as_micros() as i64);
    for ((agent, queue), tally) in &fold.holds {
        let HoldTally { held, total, longest, late, refused, overridden, abandoned } = *tally;
        connection
            .prepare_cached("INSERT OR REPLACE INTO holds VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)")?
            .execute(params![
                call,
                &**agent,
                &**queue,
                held,
                micros(total),
                micros(longest),
                late,
                refused,
                overridden,
                abandoned,
            ])?;
    }
    for (Path { queue, from, to }, PathTally { warm, blind, repeats }) in &fold.paths {
        // A name always has a JSON form.
        let to = serde_json::to_string(to).unwrap_or_default();
        connection
            .prepare_cached("INSERT OR REPLACE INTO handovers VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)")?
            .execute(params![call, &**queue, &**from, to, warm, blind, repeats])?;
    }
    Ok(())
}

/// What the answers of calls came to that arrived from then on and before then.
pub(super) fn survey_report(
    connection: &Connection,
    from: WallTime,
    until: WallTime,
) -> Result<SurveyReport, StoreError> {
    let (mut report, mut names) = (SurveyReport::default(), Names::default());
    // The few rows first, and the call of each by its number: calls are many, and in no order of their times.
    let mut statement = connection.prepare(
        "SELECT question, answer, answers.agent, answers.queue, ifnull(waited_ms, 0), \
         (SELECT ifnull(sum(total_us), 0) FROM holds WHERE holds.call = id), \
         (SELECT ifnull(sum(warm + blind), 0) FROM handovers WHERE handovers.call = id) \
         FROM answers CROSS JOIN calls ON id = answers.call WHERE arrived_us >= ?1 AND arrived_us < ?2",
    )?;
    let mut rows = statement.query([from.0, until.0])?;
    while let Some(row) = rows.next()? {
        let mut name = |place: usize| names.at(row, place);
        let effort = Effort {
            waited: Duration::from_millis(row.get::<_, i64>(4)?.unsigned_abs()),
            held: Duration::from_micros(row.get::<_, i64>(5)?.unsigned_abs()),
            handed_on: row.get(6)?,
        };
        report.add(&name(0)?, row.get(1)?, (&name(2)?, &name(3)?), effort);
    }
    Ok(report)
}

/// An answer about a queue, and when its call arrived.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct GivenAnswer {
    pub arrived: WallTime,
    pub queue: Name,
    pub question: Name,
    pub answer: u8,
}

/// What callers answered about queues, of calls that arrived from then on and before then.
pub(super) fn answers(
    connection: &Connection,
    from: WallTime,
    until: WallTime,
) -> Result<Vec<GivenAnswer>, StoreError> {
    let mut names = Names::default();
    let mut statement = connection.prepare(
        "SELECT arrived_us, answers.queue, question, answer FROM answers CROSS JOIN calls ON id = answers.call \
         WHERE answers.queue IS NOT NULL AND arrived_us >= ?1 AND arrived_us < ?2",
    )?;
    let mut rows = statement.query([from.0, until.0])?;
    let mut answers = Vec::new();
    while let Some(row) = rows.next()? {
        let (queue, question) = (names.at(row, 1)?, names.at(row, 2)?);
        answers.push(GivenAnswer { arrived: WallTime(row.get(0)?), queue, question, answer: row.get(3)? });
    }
    Ok(answers)
}

/// What the talks of calls came to that arrived from then on and before then.
pub(super) fn talk_report(
    connection: &Connection,
    from: WallTime,
    until: WallTime,
) -> Result<TalkReport, StoreError> {
    let (mut report, mut names) = (TalkReport::default(), Names::default());
    let mut statement = connection.prepare(
        "SELECT holds.agent, holds.queue, held, total_us, longest_us, late, refused, overridden, abandoned \
         FROM holds CROSS JOIN calls ON id = holds.call WHERE arrived_us >= ?1 AND arrived_us < ?2",
    )?;
    let mut rows = statement.query([from.0, until.0])?;
    while let Some(row) = rows.next()? {
        let mut name = |place: usize| names.at(row, place);
        let time = |place: usize| row.get::<_, i64>(place).map(|us| Duration::from_micros(us.unsigned_abs()));
        let tally = HoldTally {
            held: row.get(2)?,
            total: time(3)?,
            longest: time(4)?,
            late: row.get(5)?,
            refused: row.get(6)?,
            overridden: row.get(7)?,
            abandoned: row.get(8)?,
        };
        report.add_holds(&name(0)?, &name(1)?, &tally);
    }
    let mut targets: HashMap<String, Option<Target>> = HashMap::new();
    let mut statement = connection.prepare(
        "SELECT handovers.queue, from_agent, target, warm, blind, handovers.repeats FROM handovers \
         CROSS JOIN calls ON id = handovers.call WHERE arrived_us >= ?1 AND arrived_us < ?2",
    )?;
    let mut rows = statement.query([from.0, until.0])?;
    while let Some(row) = rows.next()? {
        let mut name = |place: usize| names.at(row, place);
        let target = targets.entry(row.get(2)?);
        let target = target.or_insert_with_key(|json| serde_json::from_str(json).ok()).clone();
        // Of a later version: this one cannot read it.
        let Some(to) = target else { continue };
        let path = Path { queue: name(0)?, from: name(1)?, to };
        let tally = PathTally { warm: row.get(3)?, blind: row.get(4)?, repeats: row.get(5)? };
        report.add_path(&path, &tally);
    }
    Ok(report)
}
