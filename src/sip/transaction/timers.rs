//! What is due when: one ordered set of deadlines, one entry for each holder. No clock.

use std::collections::BTreeSet;

use serde::Deserialize;
use serde::Serialize;

use crate::base::Timestamp;

/// Deadlines in order. A holder remembers its own entry, so that a change costs two steps of O(log n) and
/// nothing stale is ever left behind. It has as many entries as there are holders, which are bounded.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(in crate::sip) struct Timers<K: Ord> {
    due: BTreeSet<(Timestamp, K)>,
}

impl<K: Ord> Default for Timers<K> {
    fn default() -> Timers<K> {
        Timers { due: BTreeSet::new() }
    }
}

impl<K: Ord + Copy> Timers<K> {
    /// Moves the entry of `key`, which its holder remembers in `entry`, to `to`.
    pub(in crate::sip) fn change(&mut self, key: K, entry: &mut Option<Timestamp>, to: Option<Timestamp>) {
        if *entry == to {
            return;
        }
        if let Some(from) = entry.take() {
            self.due.remove(&(from, key));
        }
        if let Some(to) = to {
            self.due.insert((to, key));
        }
        *entry = to;
    }

    /// When the first one is due.
    pub(in crate::sip) fn next(&self) -> Option<Timestamp> {
        self.due.first().map(|(at, _)| *at)
    }

    /// Whose turn it is at `now`. The entry stays until its holder moves it, so the holder must.
    pub(in crate::sip) fn due(&self, now: Timestamp) -> Option<K> {
        self.due.first().filter(|(at, _)| *at <= now).map(|(_, key)| *key)
    }

    /// How many holders wait for something.
    #[cfg(test)]
    fn len(&self) -> usize {
        self.due.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_holder_has_one_entry_and_the_earliest_is_next() {
        let mut timers = Timers::default();
        let (mut a, mut b) = (None, None);
        timers.change('a', &mut a, Some(Timestamp(5)));
        timers.change('b', &mut b, Some(Timestamp(3)));
        assert_eq!((timers.next(), timers.len()), (Some(Timestamp(3)), 2));
        timers.change('b', &mut b, Some(Timestamp(9)));
        assert_eq!((timers.due(Timestamp(4)), timers.due(Timestamp(5))), (None, Some('a')));
        timers.change('a', &mut a, None);
        assert_eq!((timers.next(), timers.len()), (Some(Timestamp(9)), 1));
    }
}
