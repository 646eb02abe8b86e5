//! Talks that were judged by a form: what the facts say by themselves, what a person answered, and what they wrote. They are no
//! facts, for the call's history is read by others than the one who is judged; the history tells that a talk was judged, and who
//! read it.

use std::collections::BTreeMap;

use jiff::tz::TimeZone;
use rusqlite::Connection;
use rusqlite::OptionalExtension;
use rusqlite::Row;
use rusqlite::params;
use serde::Deserialize;
use serde::Serialize;

use crate::base::CallId;
use crate::base::Name;
use crate::base::WallTime;
use crate::fact::evaluation::FilledBy;
use crate::fact::evaluation::Form;
use crate::fact::evaluation::Rule;
use crate::store::Store;
use crate::store::StoreError;
use crate::store::fold::DatedFact;
use crate::store::story;

pub mod draw;
pub mod judge;
mod report;

pub use judge::Verdict;
pub use report::AgentTally;
pub use report::EvaluationReport;
pub use report::ItemTally;
pub(super) use report::report;

/// The longest text about strengths or improvements, and reason of a dispute or comment, in characters.
pub const LONGEST_TEXT: usize = 2_000;
pub const LONGEST_WORDS: usize = 300;
/// The most comments on one talk.
pub const MOST_COMMENTS: usize = 20;

/// A talk that was judged.
#[derive(Clone, Debug, PartialEq)]
pub struct Evaluation {
    pub call: CallId,
    /// Whose talk it was.
    pub agent: Name,
    pub form: Name,
    /// Who judged it; none for a program on the server's machine.
    pub by: Option<Name>,
    pub at: WallTime,
    /// When the agent said that they have read it.
    pub read: Option<WallTime>,
    pub sheet: Sheet,
}

/// A form that was filled in.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Sheet {
    pub items: Vec<FilledItem>,
    pub strengths: String,
    pub improvements: String,
    pub comments: Vec<Comment>,
}

/// An item, and how it came out.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FilledItem {
    pub name: Name,
    /// What it is worth at most.
    pub points: u32,
    /// How many of these there are; none where it does not apply.
    pub got: Option<u32>,
    #[serde(flatten)]
    pub filled: Filled,
}

/// How an item was filled in.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "filled", rename_all = "snake_case")]
pub enum Filled {
    /// By whoever judged the talk.
    Hand { question: String },
    /// By the facts of the call, which nobody types over.
    Facts {
        rule: Rule,
        verdict: Verdict,
        /// The facts that say it.
        from: Vec<Moment>,
        /// Why whoever judged the talk says otherwise.
        disputed: Option<String>,
    },
}

/// A fact of the call, in words.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Moment {
    /// So many seconds after the call's first fact.
    pub after_s: f64,
    pub words: String,
}

/// A word on a moment of the talk.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Comment {
    /// So many seconds after the recording began.
    pub at_s: u32,
    pub words: String,
}

/// What whoever judges a talk says of it.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Answers {
    /// Points by item; null: it does not apply.
    pub answers: BTreeMap<Name, Option<u32>>,
    /// Why the facts do not say it all, by item.
    pub disputes: BTreeMap<Name, String>,
    pub strengths: String,
    pub improvements: String,
    pub comments: Vec<Comment>,
}

/// Why a form cannot be filled in so.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AnswerError {
    #[error("the form has no item {0:?}")]
    Unknown(String),
    #[error("{0:?} is not answered")]
    Missing(String),
    #[error("{name:?} is worth {most} points at most, not {got}")]
    TooMany { name: String, most: u32, got: u32 },
    #[error("{0:?} is what the facts of the call say, and nobody types over it")]
    Facts(String),
    #[error("{0:?} is your own answer, and needs no dispute")]
    Own(String),
    #[error("a dispute of {0:?} needs a reason")]
    NoReason(String),
    #[error("the text has {got} characters, and {most} are the most")]
    Long { got: usize, most: usize },
    #[error("there are {0} comments, and {MOST_COMMENTS} are the most")]
    ManyComments(usize),
}

/// The form as the facts of a call fill it in for this agent; what is asked of a person is not answered yet.
pub fn fill(form: &Form, agent: &str, facts: &[DatedFact], zone: &TimeZone) -> Vec<FilledItem> {
    let story = story::tell(facts, zone);
    let queue = judge::queue_of(agent, facts);
    let fill = |item: &crate::fact::evaluation::Item| {
        let (filled, got) = match &item.filled {
            FilledBy::Hand { question } => (Filled::Hand { question: question.clone() }, None),
            FilledBy::Facts { rule, queues } => {
                let applies = queues.is_empty() || queue.is_some_and(|queue| queues.contains(queue));
                let judged = if applies {
                    judge::judge(*rule, agent, facts)
                } else {
                    judge::Judged { verdict: Verdict::NotApplicable, facts: Vec::new() }
                };
                let got = match judged.verdict {
                    Verdict::Met => Some(item.points),
                    Verdict::NotMet => Some(0),
                    Verdict::NotApplicable => None,
                };
                let moment = |place: &usize| {
                    let line = &story[*place];
                    Moment {
                        after_s: (line.after.as_secs_f64() * 10.0).round() / 10.0,
                        words: line.words.clone(),
                    }
                };
                let from = judged.facts.iter().map(moment).collect();
                (Filled::Facts { rule: *rule, verdict: judged.verdict, from, disputed: None }, got)
            }
        };
        FilledItem { name: item.name.clone(), points: item.points, got, filled }
    };
    form.items.iter().map(fill).collect()
}

impl Sheet {
    /// The form, as the facts filled it in, with what a person says.
    pub fn of(mut items: Vec<FilledItem>, answers: Answers) -> Result<Sheet, AnswerError> {
        let Answers { answers, mut disputes, strengths, improvements, comments } = answers;
        let named = |name: &Name| items.iter().any(|item| item.name == *name);
        if let Some(unknown) = answers.keys().chain(disputes.keys()).find(|name| !named(name)) {
            return Err(AnswerError::Unknown(unknown.to_string()));
        }
        for item in &mut items {
            let name = || item.name.to_string();
            match (&mut item.filled, answers.get(&item.name), disputes.remove(&item.name)) {
                (Filled::Hand { .. }, _, Some(_)) => return Err(AnswerError::Own(name())),
                (Filled::Hand { .. }, None, None) => return Err(AnswerError::Missing(name())),
                (Filled::Hand { .. }, Some(Some(got)), None) if *got > item.points => {
                    return Err(AnswerError::TooMany { name: name(), most: item.points, got: *got });
                }
                (Filled::Hand { .. }, Some(got), None) => item.got = *got,
                (Filled::Facts { .. }, Some(_), _) => return Err(AnswerError::Facts(name())),
                (Filled::Facts { .. }, None, None) => {}
                (Filled::Facts { disputed, .. }, None, Some(reason)) => {
                    if reason.trim().is_empty() {
                        return Err(AnswerError::NoReason(name()));
                    }
                    is_short(&reason, LONGEST_WORDS)?;
                    *disputed = Some(reason);
                }
            }
        }
        for text in [&strengths, &improvements] {
            is_short(text, LONGEST_TEXT)?;
        }
        if comments.len() > MOST_COMMENTS {
            return Err(AnswerError::ManyComments(comments.len()));
        }
        comments.iter().try_for_each(|comment| is_short(&comment.words, LONGEST_WORDS))?;
        Ok(Sheet { items, strengths, improvements, comments })
    }

    /// The points that there are, and the most that there could be: of what applies.
    pub fn points(&self) -> (u32, u32) {
        let applies = self.items.iter().filter_map(|item| Some((item.got?, item.points)));
        applies.fold((0, 0), |sum, item| (sum.0 + item.0, sum.1 + item.1))
    }
}

fn is_short(text: &str, most: usize) -> Result<(), AnswerError> {
    let got = text.chars().count();
    if got > most { Err(AnswerError::Long { got, most }) } else { Ok(()) }
}

impl Store {
    /// Writes down how a talk was judged, in place of what was said of it by the same form before.
    pub fn put_evaluation(&self, evaluation: &Evaluation) -> Result<(), StoreError> {
        let Evaluation { call, agent, form, by, at, read, sheet } = evaluation;
        // Names, numbers and text always have a JSON form.
        let json = serde_json::to_string(sheet).unwrap_or_default();
        self.connection().execute(
            "INSERT OR REPLACE INTO evaluations VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
            params![call.0 as i64, &**agent, &**form, by.as_deref(), at.0, read.map(|read| read.0), json],
        )?;
        Ok(())
    }

    /// The agent has read how their talk was judged; whether there is such an evaluation. The first time stays.
    pub fn evaluation_read(
        &self,
        call: CallId,
        agent: &str,
        form: &str,
        now: WallTime,
    ) -> Result<bool, StoreError> {
        let sql = "UPDATE evaluations SET read_us = ifnull(read_us, ?4) WHERE call = ?1 AND agent = ?2 AND form = ?3";
        Ok(self.connection().execute(sql, params![call.0 as i64, agent, form, now.0])? > 0)
    }
}

const COLUMNS: &str = "evaluations.call, evaluations.agent, form, by, at_us, read_us, json";

/// How the talks of a call were judged, in the order of their agents' names.
pub(super) fn of_call(connection: &Connection, call: CallId) -> Result<Vec<Evaluation>, StoreError> {
    let sql = format!("SELECT {COLUMNS} FROM evaluations WHERE call = ?1 ORDER BY agent, form");
    let mut statement = connection.prepare_cached(&sql)?;
    let rows = statement.query_map([i64::try_from(call.0).unwrap_or(-1)], evaluation)?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// One of them.
pub(super) fn one(
    connection: &Connection,
    call: CallId,
    agent: &str,
    form: &str,
) -> Result<Option<Evaluation>, StoreError> {
    let sql = format!("SELECT {COLUMNS} FROM evaluations WHERE call = ?1 AND agent = ?2 AND form = ?3");
    let key = i64::try_from(call.0).unwrap_or(-1);
    Ok(connection.prepare_cached(&sql)?.query_row(params![key, agent, form], evaluation).optional()?)
}

/// How talks were judged of calls that arrived from then on and before then, the newest first; of one agent, or of all.
pub(super) fn list(
    connection: &Connection,
    from: WallTime,
    until: WallTime,
    agent: Option<&str>,
) -> Result<Vec<Evaluation>, StoreError> {
    let sql = format!(
        "SELECT {COLUMNS} FROM evaluations CROSS JOIN calls ON id = evaluations.call WHERE arrived_us >= ?1 AND \
         arrived_us < ?2 AND (?3 IS NULL OR evaluations.agent = ?3) ORDER BY evaluations.call DESC, evaluations.agent, form"
    );
    let mut statement = connection.prepare_cached(&sql)?;
    let rows = statement.query_map(params![from.0, until.0, agent], evaluation)?;
    Ok(rows.collect::<Result<_, _>>()?)
}

fn evaluation(row: &Row<'_>) -> rusqlite::Result<Evaluation> {
    let name = |place: usize| row.get::<_, String>(place).map(Name::from);
    Ok(Evaluation {
        call: CallId(row.get::<_, i64>(0)?.unsigned_abs()),
        agent: name(1)?,
        form: name(2)?,
        by: row.get::<_, Option<String>>(3)?.map(Name::from),
        at: WallTime(row.get(4)?),
        read: row.get::<_, Option<i64>>(5)?.map(WallTime),
        // What a later version wrote otherwise is empty here.
        sheet: serde_json::from_str(row.get_ref(6)?.as_str().unwrap_or_default()).unwrap_or_default(),
    })
}

#[cfg(test)]
pub(in crate::store) mod tests;
