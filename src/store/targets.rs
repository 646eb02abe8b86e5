//! Which service-level target each queue had when: a fold over facts, and its rows, which outlive these.

use std::collections::BTreeMap;
use std::time::Duration;

use rusqlite::Connection;
use rusqlite::params;

use crate::base::Name;
use crate::base::WallTime;
use crate::fact::What;
use crate::store::StoreError;
use crate::store::fold::DatedFact;

/// A service-level target: so many per cent of a queue's callers are to be answered within so long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Target {
    pub percent: u8,
    pub within: Duration,
}

/// The targets of every queue, each from when on. Bounded by how often an operator changes them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Targets(BTreeMap<Name, BTreeMap<WallTime, Target>>);

impl Targets {
    /// Takes a fact in that concerns no call.
    pub fn apply(&mut self, dated: &DatedFact) {
        if let What::TargetSet { queue, percent, within } = &dated.fact.what {
            self.set(queue, dated.wall, Target { percent: *percent, within: *within });
        }
    }

    /// The target that a queue had then; before the first that was told, that one; none where none was.
    pub fn at(&self, queue: &Name, at: WallTime) -> Option<Target> {
        let all = self.0.get(queue)?;
        let held = all.range(..=at).next_back().or_else(|| all.first_key_value());
        held.map(|(_, target)| *target)
    }

    /// The last that was told of a queue.
    pub fn last(&self, queue: &Name) -> Option<Target> {
        self.0.get(queue)?.last_key_value().map(|(_, target)| *target)
    }

    fn set(&mut self, queue: &Name, from: WallTime, target: Target) {
        self.0.entry(queue.clone()).or_default().insert(from, target);
    }
}

/// Writes the row of a fact that concerns no call, if it is of a target. No row is ever removed: without it the waits after it
/// would be judged by the target before.
pub(super) fn write(connection: &Connection, wall: WallTime, what: &What) -> Result<(), StoreError> {
    let What::TargetSet { queue, percent, within } = what else { return Ok(()) };
    let within = within.as_micros() as i64;
    connection
        .prepare_cached("INSERT OR REPLACE INTO targets VALUES (?1, ?2, ?3, ?4)")?
        .execute(params![&**queue, wall.0, percent, within])?;
    Ok(())
}

/// All that were ever told; none in a file to which only earlier versions have written.
pub(super) fn read(connection: &Connection) -> Result<Targets, StoreError> {
    let mut targets = Targets::default();
    let there = "SELECT count(*) FROM sqlite_master WHERE type = 'table' AND name = 'targets'";
    if connection.query_row(there, [], |row| row.get::<_, i64>(0))? == 0 {
        return Ok(targets);
    }
    let mut statement = connection.prepare("SELECT queue, from_us, percent, within_us FROM targets")?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let queue: String = row.get(0)?;
        let within = Duration::from_micros(row.get::<_, i64>(3)?.unsigned_abs());
        targets.set(&queue.into(), WallTime(row.get(1)?), Target { percent: row.get(2)?, within });
    }
    Ok(targets)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Timestamp;
    use crate::fact::Fact;
    use crate::store::HistoryWriter;
    use crate::store::Store;
    use crate::store::sample;

    fn at(secs: u64) -> WallTime {
        sample::STARTED + Duration::from_secs(secs)
    }

    fn set(queue: &str, secs: u64, within: u64) -> Fact {
        let within = Duration::from_secs(within);
        let what = What::TargetSet { queue: queue.into(), percent: 80, within };
        Fact { at: Timestamp::from_secs(secs), call: None, what }
    }

    #[test]
    fn a_target_holds_from_when_it_was_told_until_the_next_and_the_first_before_it_too() {
        let facts = vec![set("billing", 10, 20), set("help", 10, 60), set("billing", 100, 30)];
        let mut targets = Targets::default();
        sample::dated(facts.clone()).iter().for_each(|dated| targets.apply(dated));
        let within = |queue: &str, secs| {
            let target = targets.at(&queue.into(), at(secs));
            target.map(|target| target.within.as_secs())
        };
        let billing = [0, 10, 99, 100, 5_000].map(|secs| within("billing", secs));
        assert_eq!(billing, [20, 20, 20, 30, 30].map(Some));
        assert_eq!((within("help", 5_000), within("sales", 50)), (Some(60), None));
        assert_eq!(targets.last(&"billing".into()).unwrap().within, Duration::from_secs(30));

        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path()).unwrap();
        let history = HistoryWriter::start(&store, sample::STARTED).unwrap();
        facts.into_iter().for_each(|fact| history.record(fact));
        history.flush();
        assert_eq!(store.readers().unwrap().targets().unwrap(), targets);
    }

    #[test]
    fn a_file_of_an_earlier_version_tells_of_no_target() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path()).unwrap();
        store.connection().execute_batch("DROP TABLE targets").unwrap();
        assert_eq!(store.readers().unwrap().targets().unwrap(), Targets::default());
    }
}
