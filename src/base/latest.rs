//! What was known last of so many: a table with a bound, in which the entry that was put longest ago makes room. No clock:
//! what is too old is its users' to say.

use std::borrow::Borrow;
use std::collections::BTreeMap;

/// At most so many entries, each as it was put last.
#[derive(Clone, Debug, PartialEq)]
pub struct Latest<K, V> {
    most: usize,
    /// Each with its turn.
    entries: BTreeMap<K, (u64, V)>,
    /// Whose turn it was; the first is the one that was put longest ago.
    turns: BTreeMap<u64, K>,
    next: u64,
}

impl<K: Clone + Ord, V> Latest<K, V> {
    /// An empty table for so many entries.
    pub fn new(most: usize) -> Latest<K, V> {
        Latest { most, entries: BTreeMap::new(), turns: BTreeMap::new(), next: 0 }
    }

    /// Puts an entry as the latest one, in the place of one of the same key or, in a full table, of the one that was put
    /// longest ago.
    pub fn put(&mut self, key: K, value: V) {
        if let Some((turn, _)) = self.entries.insert(key.clone(), (self.next, value)) {
            self.turns.remove(&turn);
        }
        self.turns.insert(self.next, key);
        self.next += 1;
        if self.entries.len() > self.most
            && let Some((_, oldest)) = self.turns.pop_first()
        {
            self.entries.remove(&oldest);
        }
    }

    /// What is known of this key.
    pub fn get<Q: Ord + ?Sized>(&self, key: &Q) -> Option<&V>
    where
        K: Borrow<Q>,
    {
        self.entries.get(key).map(|(_, value)| value)
    }

    /// The same, to be changed: that does not make it the latest.
    pub fn get_mut<Q: Ord + ?Sized>(&mut self, key: &Q) -> Option<&mut V>
    where
        K: Borrow<Q>,
    {
        self.entries.get_mut(key).map(|(_, value)| value)
    }

    /// Takes an entry out.
    pub fn remove<Q: Ord + ?Sized>(&mut self, key: &Q) -> Option<V>
    where
        K: Borrow<Q>,
    {
        let (turn, value) = self.entries.remove(key)?;
        self.turns.remove(&turn);
        Some(value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The keys, from the one that was put longest ago.
    fn keys(table: &Latest<&'static str, u32>) -> String {
        assert!(table.entries.len() == table.turns.len() && table.entries.len() <= table.most);
        table.turns.values().copied().collect()
    }

    #[test]
    fn the_entry_that_was_put_longest_ago_makes_room_for_a_new_one_and_for_no_known_one() {
        let mut table = Latest::new(3);
        ["a", "b", "c"].into_iter().zip(1..).for_each(|(key, value)| table.put(key, value));
        table.put("a", 4);
        assert_eq!((keys(&table).as_str(), table.get("a")), ("bca", Some(&4)));
        table.put("d", 5);
        assert_eq!((keys(&table).as_str(), table.get("b")), ("cad", None));
    }

    #[test]
    fn what_is_changed_keeps_its_turn_and_what_is_taken_out_leaves_room() {
        let mut table = Latest::new(2);
        ["a", "b"].into_iter().for_each(|key| table.put(key, 1));
        table.get_mut("a").into_iter().for_each(|value| *value = 2);
        assert_eq!((keys(&table).as_str(), table.remove("a"), table.remove("a")), ("ab", Some(2), None));
        table.put("c", 3);
        assert_eq!(keys(&table), "bc");
        assert_eq!(table.get_mut("a"), None);
    }
}
