//! A waiting line: calls in the order they are served, with each one's place counted.

use std::cmp::Reverse;
use std::time::Duration;

use serde::Deserialize;
use serde::Serialize;

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

/// The most keys in one chunk: moving half of them costs about as much as finding the chunk.
const CHUNK: usize = 256;

/// Calls in order. A sorted list in sorted chunks: the first is at hand, joining and leaving cost a
/// binary search and a short move, and a place is counted by adding up chunk lengths.
///
/// It is as long as its queue lets it get, [`QueueConfig::max_waiting`](super::api::QueueConfig).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Line {
    /// None of them empty.
    chunks: Vec<Vec<Key>>,
    len: usize,
}

impl Line {
    pub fn len(&self) -> usize {
        self.len
    }

    pub fn first(&self) -> Option<Key> {
        self.chunks.first().map(|chunk| chunk[0])
    }

    pub fn iter(&self) -> impl Iterator<Item = Key> + '_ {
        self.chunks.iter().flatten().copied()
    }

    /// The first key at or after this one.
    pub fn first_from(&self, key: Key) -> Option<Key> {
        let chunk = self.chunks.get(self.chunk_of(key))?;
        Some(chunk[chunk.partition_point(|other| *other < key)])
    }

    pub fn last(&self) -> Option<Key> {
        self.chunks.last().and_then(|chunk| chunk.last()).copied()
    }

    /// Takes a call in at its place. It must not be in already.
    pub fn join(&mut self, key: Key) {
        self.len += 1;
        let at = self.chunk_of(key).min(self.chunks.len().saturating_sub(1));
        let Some(chunk) = self.chunks.get_mut(at) else {
            self.chunks.push(vec![key]);
            return;
        };
        let place = chunk.partition_point(|other| *other < key);
        chunk.insert(place, key);
        if chunk.len() > CHUNK {
            // Most calls join at the end: a chunk that grew there is left full instead of halved.
            let cut = if place + 1 == chunk.len() { place } else { CHUNK / 2 };
            let rest = chunk.split_off(cut);
            self.chunks.insert(at + 1, rest);
        }
    }

    /// Lets a call go; whether it was there.
    pub fn leave(&mut self, key: Key) -> bool {
        let at = self.chunk_of(key);
        let Some(chunk) = self.chunks.get_mut(at) else { return false };
        let Ok(place) = chunk.binary_search(&key) else { return false };
        chunk.remove(place);
        if chunk.is_empty() {
            self.chunks.remove(at);
        }
        self.len -= 1;
        true
    }

    /// How many are before this key.
    pub fn before(&self, key: Key) -> usize {
        let at = self.chunk_of(key);
        let earlier: usize = self.chunks[..at].iter().map(Vec::len).sum();
        earlier + self.chunks.get(at).map_or(0, |chunk| chunk.partition_point(|other| *other < key))
    }

    /// The first chunk whose last key is not before this one: the only one that can hold it.
    fn chunk_of(&self, key: Key) -> usize {
        self.chunks.partition_point(|chunk| chunk.last().is_some_and(|last| *last < key))
    }
}

#[cfg(test)]
mod tests {
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
        let (mut line, mut plain) = (Line::default(), BTreeSet::new());
        for call in 0..20_000 {
            let key = Key::new(
                chance.below(3) as i32,
                Timestamp(chance.below(500)),
                Duration::ZERO,
                CallId(chance.below(2_000)),
            );
            if plain.insert(key) {
                line.join(key);
            } else {
                assert!(plain.remove(&key) && line.leave(key) && !line.leave(key));
            }
            assert_eq!((line.first(), line.len()), (plain.first().copied(), plain.len()));
            if call % 500 == 0 {
                assert!(line.iter().eq(plain.iter().copied()));
                assert!(plain.iter().enumerate().all(|(place, key)| line.before(*key) == place));
            }
        }
        for key in plain {
            assert!(line.leave(key));
        }
        assert_eq!(line, Line::default());
    }
}
