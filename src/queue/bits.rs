//! A set of small numbers as bits, and the walk over what two of them share.

use serde::Deserialize;
use serde::Serialize;

/// A set of small numbers. It grows as far as the greatest number that was put in.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Bits(Vec<u64>);

impl Bits {
    /// All of `0..count`.
    pub fn full(count: usize) -> Bits {
        let mut words = vec![u64::MAX; count / 64];
        if !count.is_multiple_of(64) {
            words.push((1 << (count % 64)) - 1);
        }
        Bits(words)
    }

    pub fn insert(&mut self, n: usize) {
        if self.0.len() <= n / 64 {
            self.0.resize(n / 64 + 1, 0);
        }
        self.0[n / 64] |= 1 << (n % 64);
    }

    pub fn remove(&mut self, n: usize) {
        if let Some(word) = self.0.get_mut(n / 64) {
            *word &= !(1 << (n % 64));
        }
    }

    pub fn has(&self, n: usize) -> bool {
        self.0.get(n / 64).is_some_and(|word| word & (1 << (n % 64)) != 0)
    }

    /// Keeps only what `other` has too.
    pub fn keep(&mut self, other: &Bits) {
        self.0.truncate(other.0.len());
        self.0.iter_mut().zip(&other.0).for_each(|(a, b)| *a &= b);
    }

    /// Takes in what `other` has.
    pub fn add(&mut self, other: &Bits) {
        if self.0.len() < other.0.len() {
            self.0.resize(other.0.len(), 0);
        }
        self.0.iter_mut().zip(&other.0).for_each(|(a, b)| *a |= b);
    }

    /// Its numbers, ascending.
    pub fn iter(&self) -> impl Iterator<Item = usize> + '_ {
        self.shared(self)
    }

    /// The numbers that both have, ascending.
    pub fn shared<'a>(&'a self, other: &'a Bits) -> impl Iterator<Item = usize> + 'a {
        let words = self.0.iter().zip(&other.0).map(|(a, b)| a & b);
        words.enumerate().flat_map(|(place, word)| Ones(word).map(move |bit| place * 64 + bit))
    }

    /// The numbers that both have, beginning about at this one: ascending from there, then those before.
    pub fn shared_from<'a>(&'a self, other: &'a Bits, from: usize) -> impl Iterator<Item = usize> + 'a {
        let words = self.0.len().min(other.0.len());
        let first = from.checked_rem(words).unwrap_or(0);
        (first..words)
            .chain(0..first)
            .flat_map(move |place| Ones(self.0[place] & other.0[place]).map(move |bit| place * 64 + bit))
    }
}

/// The places of the ones in a word, ascending.
struct Ones(u64);

impl Iterator for Ones {
    type Item = usize;

    fn next(&mut self) -> Option<usize> {
        if self.0 == 0 {
            return None;
        }
        let bit = self.0.trailing_zeros() as usize;
        self.0 &= self.0 - 1;
        Some(bit)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_sets_share_what_both_have() {
        let mut odd = Bits::default();
        [1, 63, 65, 199].into_iter().for_each(|n| odd.insert(n));
        odd.remove(63);
        odd.remove(4_000);
        assert_eq!(odd.shared(&Bits::full(100)).collect::<Vec<_>>(), [1, 65]);
        assert_eq!(odd.shared_from(&Bits::full(200), 3).collect::<Vec<_>>(), [199, 1, 65]);
        assert_eq!(odd.shared_from(&Bits::default(), 3).count(), 0);
        odd.add(&Bits::default());
        odd.keep(&Bits::full(66));
        assert_eq!(odd.iter().collect::<Vec<_>>(), [1, 65]);
        let mut far = Bits::default();
        far.insert(130);
        odd.add(&far);
        assert_eq!(odd.iter().collect::<Vec<_>>(), [1, 65, 130]);
    }
}
