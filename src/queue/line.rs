//! A waiting line: calls in the order they are served, with each one's place counted.

use std::cmp::Reverse;
use std::time::Duration;

use serde::Deserialize;
use serde::Serialize;
use smallvec::SmallVec;

use super::bits::Ones;
use crate::base::CallId;
use crate::base::Timestamp;

/// What orders calls: priority, the higher first; then age, the longest waiting first; then the id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(super) struct Key {
    priority: Reverse<i32>,
    /// When the call counts as having joined, in µs: before the server's start for a call with a large
    /// age credit.
    pub since: i64,
    pub call: CallId,
}

impl Default for Key {
    fn default() -> Key {
        Key::FIRST
    }
}

impl Key {
    /// The key of a call that joined at `joined` and brought `credit` along.
    pub fn new(priority: i32, joined: Timestamp, credit: Duration, call: CallId) -> Key {
        let joined = i64::try_from(joined.0).unwrap_or(i64::MAX);
        let credit = i64::try_from(credit.as_micros()).unwrap_or(i64::MAX);
        Key { priority: Reverse(priority), since: joined.saturating_sub(credit), call }
    }

    /// The least key there is, and the greatest.
    pub const FIRST: Key = Key { priority: Reverse(i32::MAX), since: i64::MIN, call: CallId(0) };
    pub const LAST: Key = Key { priority: Reverse(i32::MIN), since: i64::MAX, call: CallId(u64::MAX) };

    /// How old the call is at `now`.
    pub fn age(self, now: Timestamp) -> Duration {
        let now = i64::try_from(now.0).unwrap_or(i64::MAX);
        Duration::from_micros(u64::try_from(now.saturating_sub(self.since)).unwrap_or(0))
    }

    /// When the call will be of this age.
    pub fn at_age(self, age: Duration) -> Timestamp {
        let age = i64::try_from(age.as_micros()).unwrap_or(i64::MAX);
        Timestamp(u64::try_from(self.since.saturating_add(age)).unwrap_or(0))
    }

    pub fn priority(self) -> i32 {
        self.priority.0
    }

    /// The same call's key at another priority.
    pub fn with_priority(self, priority: i32) -> Key {
        Key { priority: Reverse(priority), ..self }
    }

    /// Whether this call has waited longer, whatever the priorities.
    pub fn is_older(self, other: Key) -> bool {
        (self.since, self.call) < (other.since, other.call)
    }

    /// The key right after this one.
    pub fn next(self) -> Key {
        Key { call: CallId(self.call.0.saturating_add(1)), ..self }
    }

    /// The key that would come right before all who joined since then.
    pub fn at(priority: i32, since: i64) -> Key {
        Key { priority: Reverse(priority), since, call: CallId(0) }
    }
}

/// The most places in one chunk, one for each bit of a word.
const CHUNK: usize = 64;
/// So many places are gone over at a time on the way to one further on.
const STRIDE: usize = 8;

/// Calls in order. A sorted list in sorted chunks: joining costs a search among the chunks and one in a chunk, leaving
/// neither, for whoever joins is told their place; and how many are before somebody is counted by adding up chunks.
///
/// It is as long as its queue lets it get, [`QueueConfig::max_waiting`](super::api::QueueConfig).
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(from = "Written", into = "Written")]
pub(super) struct Line {
    /// In no order; those without a call are free to be others.
    chunks: SmallVec<[Chunk; 1]>,
    /// The chunks with calls in order, each after a key that none of its calls is after.
    order: SmallVec<[(Key, u32); 1]>,
    free: Vec<u32>,
    len: usize,
}

/// Where in a line a call was put. It is still there unless others have come in before it since. The default is nowhere.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Place {
    chunk: u32,
    at: u32,
    /// How often the chunk's calls had changed places by then.
    changes: u32,
}

/// A place is where to look first, and nothing follows from it: an engine that was read back has none.
impl PartialEq for Place {
    fn eq(&self, _: &Place) -> bool {
        true
    }
}

/// Calls of one priority in order.
#[derive(Clone, Debug)]
struct Chunk {
    priority: Reverse<i32>,
    /// Those who have left keep their places, until others need them.
    calls: Vec<(i64, CallId)>,
    /// Who has not left, as bits.
    here: u64,
    /// How often its calls have changed places: while it is the same, each is where it was put, which tells without looking
    /// at them. With many lines they are in no cache. It begins at 1.
    changes: u32,
}

impl Chunk {
    /// Nobody is any more where they were put.
    fn change(&mut self) {
        self.changes = self.changes.wrapping_add(1).max(1);
    }

    /// Whether the call that was put there is there still.
    fn has_still(&self, place: Place) -> bool {
        self.changes == place.changes && self.has(place.at as usize)
    }

    fn key(&self, at: usize) -> Key {
        self.as_key(self.calls[at])
    }

    fn as_key(&self, (since, call): (i64, CallId)) -> Key {
        Key { priority: self.priority, since, call }
    }

    fn has(&self, at: usize) -> bool {
        self.here & 1 << at != 0
    }

    /// Who is here from this place on, and where.
    fn here_from(&self, place: usize) -> impl Iterator<Item = (usize, Key)> + '_ {
        Ones(self.here & !before(place)).map(|at| (at, self.key(at)))
    }

    /// The first here at or after this key, of those from this place on. Mostly it is near. They are gone through as they lie
    /// in memory, which is read ahead; a search would wait for each read to know the next.
    fn next_from(&self, mut at: usize, key: Key) -> Option<(usize, Key)> {
        let is_before = |call: &(i64, CallId)| self.as_key(*call) < key;
        while self.calls.get(at + STRIDE).is_some_and(is_before) {
            at += STRIDE;
        }
        let near = self.calls[at..].iter().position(|call| !is_before(call))?;
        self.here_from(at + near).next()
    }

    /// The first here at or after this key.
    fn first_from(&self, key: Key) -> Option<Key> {
        let from = if self.priority == key.priority { self.place_of(key) } else { 0 };
        self.here_from(from).next().map(|(_, key)| key)
    }

    /// The first place, of those who have left too, of a call that is not before a key of this priority.
    fn place_of(&self, key: Key) -> usize {
        self.calls.partition_point(|call| *call < (key.since, key.call))
    }

    /// How many are here before a key of this priority.
    fn before(&self, key: Key) -> usize {
        (self.here & before(self.place_of(key))).count_ones() as usize
    }

    /// Takes in a call that is after all others, if there is room.
    fn push(&mut self, key: Key) -> Option<usize> {
        let at = self.calls.len();
        (at < CHUNK).then(|| {
            self.calls.push((key.since, key.call));
            self.here |= 1 << at;
            at
        })
    }

    /// Takes in a call at its place, if there is room.
    fn insert(&mut self, key: Key) -> Option<usize> {
        let at = self.place_of(key);
        if self.calls.get(at) == Some(&(key.since, key.call)) {
            // It was here before.
            self.here |= 1 << at;
            return Some(at);
        }
        if self.calls.len() == CHUNK && self.here != u64::MAX {
            self.close_up();
        }
        if self.calls.len() == CHUNK {
            return None;
        }
        let at = self.place_of(key);
        if at < self.calls.len() {
            self.change();
        }
        self.calls.insert(at, (key.since, key.call));
        let before = before(at);
        self.here = self.here & before | (self.here & !before) << 1 | 1 << at;
        Some(at)
    }

    /// Gives up the places of those who have left.
    fn close_up(&mut self) {
        self.change();
        let (mut at, here) = (0, self.here);
        self.calls.retain(|_| {
            at += 1;
            here & 1 << (at - 1) != 0
        });
        self.here = before(self.calls.len());
    }

    /// The later half of a full one.
    fn split_off(&mut self) -> Vec<(i64, CallId)> {
        self.change();
        self.here = before(CHUNK / 2);
        self.calls.split_off(CHUNK / 2)
    }

    /// Lets all go, to be another.
    fn clear(&mut self) {
        self.change();
        self.calls.clear();
    }
}

/// The bits of the places before this one.
fn before(at: usize) -> u64 {
    1_u64.checked_shl(at as u32).map_or(u64::MAX, |bit| bit - 1)
}

impl Line {
    pub fn len(&self) -> usize {
        self.len
    }

    pub fn first(&self) -> Option<Key> {
        self.iter().next()
    }

    pub fn iter(&self) -> impl Iterator<Item = Key> + '_ {
        self.order.iter().flat_map(|(_, chunk)| self.chunks[*chunk as usize].here_from(0).map(|(_, key)| key))
    }

    /// The first key at or after this one.
    pub fn first_from(&self, key: Key) -> Option<Key> {
        // Of the first of these chunks perhaps only those before have not left.
        let order = self.order[self.rank_of(key)..].iter();
        order.map(|(_, chunk)| &self.chunks[*chunk as usize]).find_map(|chunk| chunk.first_from(key))
    }

    pub fn last(&self) -> Option<Key> {
        let chunk = &self.chunks[self.order.last()?.1 as usize];
        Some(chunk.key(chunk.here.ilog2() as usize))
    }

    /// Takes a call in at its place. It must not be in already.
    pub fn join(&mut self, key: Key) -> Place {
        self.len += 1;
        let rank = match self.order.last() {
            Some((last, _)) if *last < key => self.order.len(),
            _ => self.rank_of(key),
        };
        let of_priority = |(_, chunk): &&(Key, u32)| self.chunks[*chunk as usize].priority == key.priority;
        let Some(chunk) = self.order.get(rank).filter(of_priority).map(|(_, chunk)| *chunk) else {
            return self.join_last(rank, key);
        };
        if let Some(at) = self.chunks[chunk as usize].insert(key) {
            return self.place(chunk, at);
        }
        let later_half = self.chunks[chunk as usize].split_off();
        let until = self.chunks[chunk as usize].key(CHUNK / 2 - 1);
        let later = std::mem::replace(&mut self.order[rank].0, until);
        let rest = self.add(key.priority);
        let of_rest = &mut self.chunks[rest as usize];
        (of_rest.calls, of_rest.here) = (later_half, before(CHUNK / 2));
        self.order.insert(rank + 1, (later, rest));
        let chunk = if key < until { chunk } else { rest };
        // Each half has room.
        let at = self.chunks[chunk as usize].insert(key).expect("half a chunk is not full");
        self.place(chunk, at)
    }

    /// Takes in the last call of its priority, as most are, before the chunk of this rank.
    fn join_last(&mut self, rank: usize, key: Key) -> Place {
        if let Some((last, chunk)) = rank.checked_sub(1).map(|before| &mut self.order[before]) {
            let of_chunk = &mut self.chunks[*chunk as usize];
            if of_chunk.priority == key.priority
                && let Some(at) = of_chunk.push(key)
            {
                *last = key;
                let chunk = *chunk;
                return self.place(chunk, at);
            }
        }
        let chunk = self.add(key.priority);
        self.order.insert(rank, (key, chunk));
        self.chunks[chunk as usize].push(key);
        self.place(chunk, 0)
    }

    /// This place of a chunk as it is now.
    fn place(&self, chunk: u32, at: usize) -> Place {
        Place { chunk, at: at as u32, changes: self.chunks[chunk as usize].changes }
    }

    /// A chunk without calls, in the memory of an earlier one if there is one.
    fn add(&mut self, priority: Reverse<i32>) -> u32 {
        if let Some(free) = self.free.pop() {
            self.chunks[free as usize].priority = priority;
            return free;
        }
        // Many a line is short.
        let room = if self.order.is_empty() { 0 } else { CHUNK };
        self.chunks.push(Chunk { priority, calls: Vec::with_capacity(room), here: 0, changes: 1 });
        self.chunks.len() as u32 - 1
    }

    /// Lets a call go that was once put there; whether it was in line.
    pub fn leave(&mut self, key: Key, place: Place) -> bool {
        let place = self.find(key, place);
        place.inspect(|place| self.let_go(key, *place));
        place.is_some()
    }

    /// Lets a call go that stands there.
    pub fn let_go(&mut self, key: Key, Place { chunk, at, .. }: Place) {
        self.len -= 1;
        let of_chunk = &mut self.chunks[chunk as usize];
        of_chunk.here &= !(1 << at);
        if of_chunk.here == 0 {
            of_chunk.clear();
            self.order.remove(self.rank_of(key));
            self.free.push(chunk);
        }
    }

    /// Who comes after a call that stands there, and where.
    pub fn behind(&self, key: Key, Place { chunk, at, .. }: Place) -> Option<(Key, Place)> {
        let first_from = |chunk: u32, at: usize| {
            let (at, key) = self.chunks[chunk as usize].here_from(at).next()?;
            Some((key, self.place(chunk, at)))
        };
        let next_chunk = || {
            let (_, last) = self.order.last()?;
            if *last == chunk {
                return None;
            }
            let (_, next) = self.order.get(self.rank_of(key) + 1)?;
            first_from(*next, 0)
        };
        first_from(chunk, at as usize + 1).or_else(next_chunk)
    }

    /// When the call behind this place joined, of those in the same chunk.
    pub fn since_behind(&self, place: Place) -> Option<i64> {
        let chunk = self.chunks.get(place.chunk as usize)?;
        chunk.calls.get(place.at as usize + 1).map(|(since, _)| *since)
    }

    /// Where a call is that was once put there, if it is in line.
    pub fn find(&self, key: Key, place: Place) -> Option<Place> {
        if self.chunks.get(place.chunk as usize).is_some_and(|chunk| chunk.has_still(place)) {
            debug_assert_eq!(self.chunks[place.chunk as usize].key(place.at as usize), key);
            return Some(place);
        }
        let (_, chunk) = *self.order.get(self.rank_of(key))?;
        let of_chunk = &self.chunks[chunk as usize];
        let at = of_chunk.place_of(key);
        let is_here = at < of_chunk.calls.len() && of_chunk.has(at) && of_chunk.key(at) == key;
        is_here.then(|| self.place(chunk, at))
    }

    /// The first from `key` on, after a call that is in line where it was once put; and how many are passed by, that call
    /// among them. Near that call it takes no search.
    pub fn onward(&self, from: Key, place: Place, key: Key) -> (Option<(Key, Place)>, usize) {
        let Some(Place { chunk, at, .. }) = self.find(from, place) else {
            let found = self.first_from(key);
            let until = found.map_or(self.len, |found| self.before(found));
            return (found.map(|found| (found, Place::default())), until - self.before(from));
        };
        let mut passed = 0;
        let mut look = |last: Key, chunk: u32, at: usize| {
            let of_chunk = &self.chunks[chunk as usize];
            let found = if last < key { None } else { of_chunk.next_from(at, key) };
            let until = found.map_or(CHUNK, |(next, _)| next);
            passed += (of_chunk.here & !before(at) & before(until)).count_ones() as usize;
            found.map(|(next, found)| (found, self.place(chunk, next)))
        };
        let mut found = look(Key::LAST, chunk, at as usize);
        if found.is_none() && self.order.last().is_some_and(|(_, last)| *last != chunk) {
            let behind = &self.order[self.rank_of(from) + 1..];
            found = behind.iter().find_map(|(last, chunk)| look(*last, *chunk, 0));
        }
        (found, passed)
    }

    /// How many are before this key.
    pub fn before(&self, key: Key) -> usize {
        let rank = self.rank_of(key);
        let chunk = |(_, chunk): &(Key, u32)| &self.chunks[*chunk as usize];
        let earlier: usize = self.order[..rank].iter().map(|of| chunk(of).here.count_ones() as usize).sum();
        let own = self.order.get(rank).map(chunk).filter(|chunk| chunk.priority == key.priority);
        earlier + own.map_or(0, |chunk| chunk.before(key))
    }

    /// The first of the chunks in order whose last key is not before this one: the only one that can hold it.
    fn rank_of(&self, key: Key) -> usize {
        self.order.partition_point(|(last, _)| *last < key)
    }
}

/// Equal are lines of equal calls, whatever chunks they are in.
impl PartialEq for Line {
    fn eq(&self, other: &Line) -> bool {
        self.iter().eq(other.iter())
    }
}

/// A line as it is written down.
#[derive(Serialize, Deserialize)]
struct Written {
    chunks: Vec<Vec<Key>>,
    len: usize,
}

impl From<Written> for Line {
    fn from(written: Written) -> Line {
        let mut line = Line::default();
        for key in written.chunks.into_iter().flatten() {
            line.join(key);
        }
        line
    }
}

impl From<Line> for Written {
    fn from(line: Line) -> Written {
        Written { chunks: vec![line.iter().collect()], len: line.len }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::collections::BTreeSet;

    use super::*;
    use crate::base::Entropy;

    #[test]
    fn priority_goes_before_age_and_age_before_the_id() {
        let key = |priority, secs, credit, call| {
            Key::new(priority, Timestamp::from_secs(secs), Duration::from_secs(credit), CallId(call))
        };
        assert!(key(1, 9, 0, 2) < key(0, 1, 0, 1));
        assert!(key(0, 1, 0, 2) < key(0, 2, 0, 1));
        assert!(key(0, 1, 0, 1) < key(0, 1, 0, 2));
        assert!(key(0, 5, 60, 2) < key(0, 1, 0, 1), "an age credit may reach back before the start");
    }

    #[test]
    fn a_line_keeps_order_and_counts_places_like_a_plain_set() {
        let mut chance = Entropy::seeded(1);
        let (mut line, mut plain, mut places) = (Line::default(), BTreeSet::new(), BTreeMap::new());
        for call in 0..20_000 {
            let key = Key::new(
                chance.below(3) as i32,
                Timestamp(chance.below(500)),
                Duration::ZERO,
                CallId(chance.below(2_000)),
            );
            if plain.insert(key) {
                places.insert(key, line.join(key));
            } else {
                // Where they once were, or where nobody says.
                let place = places.remove(&key).filter(|_| chance.below(2) == 0).unwrap_or_default();
                assert!(plain.remove(&key) && line.leave(key, place) && !line.leave(key, place));
            }
            let ends = (plain.first().copied(), plain.last().copied());
            assert_eq!((line.first(), line.last(), line.len()), (ends.0, ends.1, plain.len()));
            let from = Key::at(chance.below(3) as i32, chance.below(500) as i64);
            assert_eq!(line.first_from(from), plain.range(from..).next().copied());
            if let Some(place) = places.get(&key) {
                let behind = line.find(key, *place).and_then(|place| line.behind(key, place));
                assert_eq!(behind.map(|(key, _)| key), plain.range(key.next()..).next().copied());
                let at = |place: Place| line.chunks[place.chunk as usize].key(place.at as usize);
                assert!(behind.is_none_or(|(key, place)| at(place) == key));
                let (found, passed) = line.onward(key, *place, key.next().max(from));
                assert_eq!(
                    found.map(|(found, _)| found),
                    plain.range(key.next().max(from)..).next().copied()
                );
                assert_eq!(passed, plain.range(key..key.next().max(from)).count());
                let again = found.map(|(found, place)| line.onward(found, place, found));
                assert!(again.is_none_or(|again| again.0.map(|again| again.0) == found.map(|found| found.0)));
            }
            if call % 500 == 0 {
                assert!(line.iter().eq(plain.iter().copied()));
                assert!(plain.iter().enumerate().all(|(place, key)| line.before(*key) == place));
                let written = serde_json::to_string(&line).unwrap();
                assert_eq!(serde_json::from_str::<Line>(&written).unwrap(), line);
            }
        }
        for key in plain {
            assert!(line.leave(key, places[&key]));
        }
        assert_eq!(line, Line::default());
    }
}
