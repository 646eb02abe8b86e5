//! Whether one history goes on where another one ended: told by a few facts of it, without reading it all.

use std::path::Path;

use rusqlite::Connection;
use rusqlite::OptionalExtension;
use rusqlite::Row;
use rusqlite::params;
use serde::Deserialize;
use serde::Serialize;
use sha2::Digest;
use sha2::Sha256;

use crate::store::FILE;
use crate::store::StoreError;
use crate::store::connect_to_read;
use crate::store::log;
use crate::store::refuse_emptied;

/// What a machine wrote last before it was lost may not have come to the other one: more than this is more than that.
const LAST_US: i64 = 60_000_000;
/// So many calls are looked through for one that began before the last moments.
const MOST: usize = 100_000;

/// Facts by which a history is known.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Heads {
    /// The last of those of no call, and of the last call's.
    last: Vec<Mark>,
    /// The same, as it was before the last moments.
    before: Vec<Mark>,
}

/// A fact, by its place and by what it says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Mark {
    call: i64,
    seq: i64,
    wall_us: i64,
    digest: String,
}

/// What a history lacks of another one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Lacks {
    /// It goes on where the other ended.
    #[default]
    Nothing,
    /// It went on when a machine was lost, and what that wrote last had not come.
    LastMoments,
    /// They are two.
    More,
}

/// By what the history in a folder is known in which nobody writes but the caller. None: there is nothing, or no fact yet.
///
/// # Errors
///
/// When there is something that cannot be read.
pub fn heads(folder: &Path) -> Result<Option<Heads>, StoreError> {
    if !folder.join(FILE).exists() {
        return Ok(None);
    }
    refuse_emptied(folder)?;
    log::fold_copy(folder)?;
    let connection = Connection::open(folder.join(FILE))?;
    let tables = "SELECT count(*) FROM sqlite_master WHERE type = 'table' AND name = 'facts'";
    if connection.query_row(tables, [], |row| row.get::<_, i64>(0))? == 0 {
        return Ok(None);
    }
    let last = marks(&connection, i64::MAX)?;
    let Some(newest) = last.iter().map(|mark| mark.wall_us).max() else { return Ok(None) };
    Ok(Some(Heads { before: marks(&connection, newest - LAST_US)?, last }))
}

/// What the history in a folder lacks of the one that is known by these.
///
/// # Errors
///
/// When it cannot be read.
pub fn lacks(folder: &Path, of: &Heads) -> Result<Lacks, StoreError> {
    let connection = connect_to_read(folder)?;
    let has = |marks: &[Mark]| -> Result<bool, StoreError> {
        for mark in marks {
            let sql = "SELECT call, seq, wall_us, json FROM facts WHERE call = ?1 AND seq = ?2";
            let found = connection.query_row(sql, params![mark.call, mark.seq], Mark::of).optional()?;
            if found.as_ref() != Some(mark) {
                return Ok(false);
            }
        }
        Ok(true)
    };
    Ok(match has(&of.last)? {
        true => Lacks::Nothing,
        false if has(&of.before)? => Lacks::LastMoments,
        false => Lacks::More,
    })
}

/// The last facts before this moment: of no call, and the last that the last call had, or the first of the last that had begun.
fn marks(connection: &Connection, before_us: i64) -> Result<Vec<Mark>, StoreError> {
    const FACT: &str = "SELECT call, seq, wall_us, json FROM facts WHERE call = ?1 AND wall_us < ?2";
    let of_none = format!("{FACT} ORDER BY seq DESC LIMIT 1");
    let of_none = connection.query_row(&of_none, params![0, before_us], Mark::of).optional()?;
    let order = if before_us == i64::MAX { "DESC" } else { "ASC" };
    let mut of_call = connection.prepare(&format!("{FACT} ORDER BY seq {order} LIMIT 1"))?;
    let mut next = connection.prepare("SELECT max(call) FROM facts WHERE call < ?1")?;
    let (mut call, mut found) = (i64::MAX, None);
    for _ in 0..MOST {
        let below: Option<i64> = next.query_row([call], |row| row.get(0))?;
        let Some(below) = below.filter(|below| *below > 0) else { break };
        call = below;
        found = of_call.query_row(params![call, before_us], Mark::of).optional()?;
        if found.is_some() {
            break;
        }
    }
    Ok(of_none.into_iter().chain(found).collect())
}

impl Mark {
    fn of(row: &Row) -> rusqlite::Result<Mark> {
        let (call, seq, wall_us, json): (i64, i64, i64, String) =
            (row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?);
        let digest = Sha256::digest(json.as_bytes())[..16].iter().map(|byte| format!("{byte:02x}")).collect();
        Ok(Mark { call, seq, wall_us, digest })
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::time::Duration;

    use tempfile::TempDir;

    use super::*;
    use crate::base::WallTime;
    use crate::store::HistoryWriter;
    use crate::store::Store;
    use crate::store::sample;

    /// A history with one call each so many seconds after the first.
    fn history(calls: &[(u64, u64)]) -> TempDir {
        let folder = tempfile::tempdir().unwrap();
        Store::open(folder.path()).unwrap();
        go_on(&folder, calls);
        folder
    }

    fn go_on(folder: &TempDir, calls: &[(u64, u64)]) {
        let store = Store::open(folder.path()).unwrap();
        for (call, after_s) in calls {
            let started: WallTime = sample::STARTED + Duration::from_secs(*after_s);
            let history = HistoryWriter::start(&store, started).unwrap();
            sample::short_call(*call).into_iter().for_each(|fact| history.record(fact));
        }
    }

    fn copy(of: &TempDir) -> TempDir {
        let folder = tempfile::tempdir().unwrap();
        heads(of.path()).unwrap();
        fs::copy(of.path().join(FILE), folder.path().join(FILE)).unwrap();
        folder
    }

    #[test]
    fn a_history_that_went_on_has_all_that_a_copy_has_of_it() {
        let one = history(&[(1, 0), (2, 500)]);
        let other = copy(&one);
        let asked = |one: &TempDir, other: &TempDir| {
            lacks(other.path(), &heads(one.path()).unwrap().unwrap()).unwrap()
        };
        assert_eq!(asked(&one, &other), Lacks::Nothing);
        go_on(&other, &[(3, 900), (4, 1_000)]);
        assert_eq!((asked(&one, &other), asked(&other, &one)), (Lacks::Nothing, Lacks::More));
    }

    #[test]
    fn what_a_lost_machine_wrote_last_is_told_from_another_history() {
        let one = history(&[(1, 0), (2, 500)]);
        let other = copy(&one);
        let asked = || lacks(other.path(), &heads(one.path()).unwrap().unwrap()).unwrap();
        go_on(&one, &[(3, 560)]);
        go_on(&other, &[(3, 600), (4, 700)]);
        assert_eq!(asked(), Lacks::LastMoments, "of call 3");
        go_on(&one, &[(4, 800)]);
        assert_eq!(asked(), Lacks::More);
    }

    #[test]
    fn a_history_that_began_anew_is_another_one() {
        let one = history(&[(1, 0), (2, 500), (3, 900)]);
        let known = heads(one.path()).unwrap().unwrap();
        for other in [history(&[]), history(&[(4, 2_000)]), history(&[(1, 1_000), (2, 1_500), (3, 1_900)])] {
            assert_eq!(lacks(other.path(), &known).unwrap(), Lacks::More);
        }
        assert_eq!(heads(history(&[]).path()).unwrap(), None);
        assert_eq!(heads(&one.path().join("nowhere")).unwrap(), None);
        fs::write(one.path().join(FILE), "").unwrap();
        fs::write(one.path().join("lock"), "1").unwrap();
        assert!(matches!(heads(one.path()), Err(StoreError::Emptied { .. })));
    }
}
