//! The order of all facts: each has a number, and the history knows which fact each number is. Numbers ascend, and have gaps.
//!
//! Facts lie by call, so that a story is read in one place. In which order they were told stands apart: a row for some hundreds of
//! them, written with them and hardly felt.

use std::collections::BTreeSet;
use std::time::Duration;
use std::time::SystemTime;

use rusqlite::Connection;
use rusqlite::OptionalExtension;
use rusqlite::params;
use serde_json::Value;

use crate::base::CallId;
use crate::base::WallTime;
use crate::store::StoreError;
use crate::store::fold::DatedFact;
use crate::store::read::dated;
use crate::store::read::is_of;

/// Facts of one row.
const IN_A_ROW: usize = 256;
/// Facts that are looked through for one answer.
const LOOKED_THROUGH: usize = 20_000;
/// Facts that may wait to be written, and those that are being written: nobody has their numbers again after a crash.
const UNWRITTEN: u64 = 1_000_000;

/// A fact with its number.
#[derive(Clone, Debug, PartialEq)]
pub struct NumberedFact {
    pub number: u64,
    pub dated: DatedFact,
}

/// Which facts to read. Every filter that is set must fit.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct FactFilter {
    /// Only facts that were told after the one with this number.
    pub after: u64,
    /// And before this one.
    pub before: Option<u64>,
    /// Of these kinds.
    pub kinds: Option<BTreeSet<String>>,
    /// Whose `agent` is this one.
    pub agent: Option<String>,
    /// At most so many.
    pub limit: usize,
}

impl FactFilter {
    /// Whether a fact is of one of the kinds, and whose it should be.
    pub fn fits(&self, dated: &DatedFact) -> bool {
        let is_any = self.kinds.is_none() && self.agent.is_none();
        is_any || serde_json::to_string(&dated.fact.what).is_ok_and(|json| fits(&json, self))
    }
}

/// Facts in their order, and how far they were looked for.
#[derive(Clone, Debug, PartialEq)]
pub struct FactPage {
    pub facts: Vec<NumberedFact>,
    /// The number of the last fact that was looked at, or what was asked with where there was none: the next page is after it.
    pub looked_at: u64,
    /// Whether there may be more.
    pub more: bool,
}

/// The facts of a transaction, by number, as they are told to it.
#[derive(Debug, Default)]
pub(super) struct Order {
    places: Vec<Place>,
    last: WallTime,
}

/// Where the fact of a number lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Place {
    number: u64,
    call: u64,
    seq: u64,
}

impl Order {
    pub fn add(&mut self, number: u64, call: CallId, seq: i64, wall: WallTime) {
        self.places.push(Place { number, call: call.0, seq: seq.unsigned_abs() });
        self.last = wall;
    }

    /// Writes what it was told, and begins anew.
    pub fn write(&mut self, connection: &Connection) -> Result<(), StoreError> {
        let mut insert = connection.prepare_cached("INSERT INTO told VALUES (?1, ?2, ?3)")?;
        for row in self.places.chunks(IN_A_ROW) {
            let last = row.last().map_or(0, |place| place.number);
            insert.execute(params![key(last), self.last.0, packed(row)])?;
        }
        self.places.clear();
        Ok(())
    }

    pub fn forget(&mut self) {
        self.places.clear();
    }
}

/// The number that the first fact of a run has: higher than any that an earlier run can have told anybody, though it may have
/// ended before all of them were written.
pub(super) fn first_number(connection: &Connection) -> Result<u64, StoreError> {
    let highest: i64 = connection.query_row("SELECT ifnull(max(last), 0) FROM told", [], |row| row.get(0))?;
    // No run tells a million facts a second: its start in microseconds is beyond them, unless the calendar was set back.
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or(Duration::ZERO);
    Ok((highest.unsigned_abs() + UNWRITTEN).max(now.as_micros() as u64))
}

/// The facts that fit.
pub(super) fn facts(connection: &Connection, filter: &FactFilter) -> Result<FactPage, StoreError> {
    // Numbers and facts are of one moment.
    let connection = connection.unchecked_transaction()?;
    let mut page = FactPage { facts: Vec::new(), looked_at: filter.after, more: false };
    let mut looked_through = 0;
    let mut rows = connection.prepare_cached("SELECT facts FROM told WHERE last > ?1 ORDER BY last")?;
    let mut rows = rows.query([key(filter.after)])?;
    while let Some(row) = rows.next()? {
        for place in unpacked(row.get_ref(0)?.as_blob().unwrap_or_default()) {
            if place.number <= filter.after {
                continue;
            }
            if filter.before.is_some_and(|before| place.number >= before) {
                return Ok(page);
            }
            if page.facts.len() >= filter.limit || looked_through >= LOOKED_THROUGH {
                page.more = true;
                return Ok(page);
            }
            looked_through += 1;
            page.looked_at = place.number;
            page.facts.extend(fact(&connection, place, filter)?);
        }
    }
    Ok(page)
}

/// The fact that lies there, where it fits and was not removed.
fn fact(
    connection: &Connection,
    place: Place,
    filter: &FactFilter,
) -> Result<Option<NumberedFact>, StoreError> {
    let mut statement =
        connection.prepare_cached("SELECT wall_us, at_us, json FROM facts WHERE call = ?1 AND seq = ?2")?;
    let mut rows = statement.query([key(place.call), key(place.seq)])?;
    let Some(row) = rows.next()? else { return Ok(None) };
    let json = row.get_ref(2)?.as_str().unwrap_or_default();
    if !fits(json, filter) {
        return Ok(None);
    }
    let call = (place.call > 0).then_some(CallId(place.call));
    let number = place.number;
    Ok(dated(row, call)?.map(|dated| NumberedFact { number, dated }))
}

fn fits(json: &str, filter: &FactFilter) -> bool {
    if let Some(kinds) = &filter.kinds {
        let kinds: Vec<&str> = kinds.iter().map(String::as_str).collect();
        if !is_of(json, &kinds) {
            return false;
        }
    }
    filter.agent.as_ref().is_none_or(|agent| {
        let read: Value = serde_json::from_str(json).unwrap_or_default();
        read["agent"] == **agent
    })
}

/// Removes a row all of whose facts are gone, and that is not the last: the next number follows that. `after` is the row that was
/// looked at before. The row that was looked at; none where there is no further one that is older than `before`.
pub(super) fn remove_row(
    connection: &Connection,
    after: i64,
    before: WallTime,
) -> Result<Option<i64>, StoreError> {
    let next = "SELECT last, facts FROM told WHERE last > ?1 AND wall_us < ?2 AND last < (SELECT max(last) FROM told) \
                ORDER BY last LIMIT 1";
    let read = |row: &rusqlite::Row<'_>| Ok((row.get::<_, i64>(0)?, row.get::<_, Vec<u8>>(1)?));
    let row = connection.prepare_cached(next)?.query_row(params![after, before.0], read).optional()?;
    let Some((last, packed)) = row else { return Ok(None) };
    let mut is_there = connection.prepare_cached("SELECT 1 FROM facts WHERE call = ?1 AND seq = ?2")?;
    for place in unpacked(&packed) {
        if is_there.exists([key(place.call), key(place.seq)])? {
            return Ok(Some(last));
        }
    }
    connection.prepare_cached("DELETE FROM told WHERE last = ?1")?.execute([last])?;
    Ok(Some(last))
}

/// Each as three numbers, the first as how far it is beyond the one before, in seven bits an octet, the lowest first.
fn packed(places: &[Place]) -> Vec<u8> {
    let (mut octets, mut before) = (Vec::with_capacity(places.len() * 6 + 16), 0);
    for place in places {
        for mut number in [place.number - before, place.call, place.seq] {
            while number > 0x7f {
                octets.push(number as u8 | 0x80);
                number >>= 7;
            }
            octets.push(number as u8);
        }
        before = place.number;
    }
    octets
}

/// Up to the end, or to where it is not what [`packed`] makes.
fn unpacked(octets: &[u8]) -> impl Iterator<Item = Place> {
    let mut octets = octets.iter();
    let mut number = move || {
        let (mut number, mut shift) = (0_u64, 0);
        loop {
            let octet = *octets.next()?;
            number |= u64::from(octet & 0x7f).checked_shl(shift)?;
            if octet < 0x80 {
                return Some(number);
            }
            shift += 7;
        }
    };
    let mut before = 0_u64;
    std::iter::from_fn(move || {
        before = before.checked_add(number()?)?;
        Some(Place { number: before, call: number()?, seq: number()? })
    })
}

/// No number beyond this is ever given; asked for, it is simply not found.
fn key(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::base::Timestamp;
    use crate::fact::Fact;
    use crate::fact::What;
    use crate::store::HistoryWriter;
    use crate::store::Store;
    use crate::store::sample;

    fn opened(agent: &str) -> Fact {
        let what = What::DeskOpened { agent: agent.into() };
        Fact { at: Timestamp::from_secs(3), call: None, what }
    }

    fn all() -> FactFilter {
        FactFilter { limit: 1_000, ..FactFilter::default() }
    }

    fn write(store: &Store, facts: Vec<Fact>) -> Vec<u64> {
        let history = HistoryWriter::start(store, sample::STARTED).unwrap();
        let mut numbers = Vec::new();
        for fact in facts {
            numbers.push(history.next_number());
            history.record(fact);
        }
        history.close();
        numbers
    }

    #[test]
    fn facts_are_read_in_the_order_in_which_they_were_told_those_of_no_call_among_them() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path()).unwrap();
        // Two calls at once, and an agent's desk between their facts.
        let (first, second) = (sample::short_call(7), sample::short_call(3));
        let mut told: Vec<Fact> =
            first.into_iter().zip(second).flat_map(|(one, other)| [one, other]).collect();
        told.insert(3, opened("bob"));
        let numbers = write(&store, told.clone());
        let readers = store.readers().unwrap();
        let page = readers.facts_told(&all()).unwrap();
        assert_eq!(page.facts.iter().map(|fact| fact.number).collect::<Vec<_>>(), numbers);
        assert_eq!(page.facts.into_iter().map(|fact| fact.dated).collect::<Vec<_>>(), sample::dated(told));
        assert_eq!((Some(&page.looked_at), page.more), (numbers.last(), false));
    }

    #[test]
    fn page_by_page_each_fact_comes_once_over_runs_and_rows() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path()).unwrap();
        let calls = |calls: std::ops::Range<u64>| calls.flat_map(sample::short_call).collect::<Vec<_>>();
        let mut numbers = write(&store, calls(1..100));
        let of_later = write(&store, calls(100..103));
        assert!(of_later[0] >= numbers.last().unwrap() + UNWRITTEN, "{numbers:?} {of_later:?}");
        numbers.extend(of_later);
        let readers = store.readers().unwrap();
        let (mut read, mut filter) = (Vec::new(), FactFilter { limit: 7, ..FactFilter::default() });
        loop {
            let page = readers.facts_told(&filter).unwrap();
            read.extend(page.facts.iter().map(|fact| fact.number));
            filter.after = page.looked_at;
            if !page.more {
                break;
            }
        }
        assert_eq!(read, numbers);
        assert_eq!(readers.facts_told(&filter).unwrap().facts, []);
        let before = FactFilter { after: numbers[2], before: Some(numbers[5]), ..all() };
        assert_eq!(readers.facts_told(&before).unwrap().facts.len(), 2);
    }

    #[test]
    fn facts_are_found_by_kind_and_by_whose_they_are() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path()).unwrap();
        let mut facts = sample::short_call(7);
        facts.extend([opened("bob"), opened("alice")]);
        write(&store, facts);
        let readers = store.readers().unwrap();
        let kinds = |kinds: &[&str]| Some(kinds.iter().map(|kind| (*kind).to_owned()).collect());
        let count = |filter: FactFilter| readers.facts_told(&filter).unwrap().facts.len();
        assert_eq!(count(FactFilter { kinds: kinds(&["desk_opened", "call_ended"]), ..all() }), 3);
        assert_eq!(count(FactFilter { agent: Some("bob".to_owned()), ..all() }), 1);
        assert_eq!(count(FactFilter { kinds: kinds(&[]), ..all() }), 0);
    }

    #[test]
    fn a_call_that_a_crash_cut_off_ends_in_the_order_as_well() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path()).unwrap();
        let mut facts = sample::short_call(7);
        facts.truncate(2);
        let numbers = write(&store, facts);
        let after = FactFilter { after: *numbers.last().unwrap(), ..all() };
        assert_eq!(store.readers().unwrap().facts_told(&after).unwrap().facts, []);
        write(&store, Vec::new());
        let told = store.readers().unwrap().facts_told(&after).unwrap().facts;
        assert!(matches!(
            told[..],
            [NumberedFact { dated: DatedFact { fact: Fact { what: What::CallEnded { .. }, .. }, .. }, .. }]
        ));
    }

    #[test]
    fn what_could_not_be_written_leaves_a_gap() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path()).unwrap();
        let history = HistoryWriter::start(&store, sample::STARTED).unwrap();
        let first = history.next_number();
        store.connection().execute_batch("ALTER TABLE facts RENAME TO elsewhere").unwrap();
        history.record(opened("bob"));
        history.flush();
        store.connection().execute_batch("ALTER TABLE elsewhere RENAME TO facts").unwrap();
        history.record(opened("alice"));
        history.flush();
        let told = store.readers().unwrap().facts_told(&all()).unwrap().facts;
        assert_eq!(told.iter().map(|fact| fact.number).collect::<Vec<_>>(), [first + 1]);
    }

    proptest! {
        #[test]
        fn places_are_what_they_were(places: Vec<(u32, u64, u32)>) {
            let mut number = 0;
            let places: Vec<Place> = places
                .into_iter()
                .map(|(further, call, seq)| {
                    number += u64::from(further);
                    Place { number, call, seq: u64::from(seq) }
                })
                .collect();
            prop_assert_eq!(unpacked(&packed(&places)).collect::<Vec<_>>(), places);
        }

        #[test]
        fn octets_of_somebody_else_do_no_harm(octets: Vec<u8>) {
            unpacked(&octets).for_each(drop);
        }
    }
}
