//! A set of small numbers as bits, and the walk over what two of them share.

use serde::Deserialize;
use serde::Serialize;
use smallvec::SmallVec;

/// A set of small numbers. It grows as far as the greatest number that was put in, and is gone through as quickly as
/// few are in it.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(from = "Vec<u64>", into = "Vec<u64>")]
pub(super) struct Bits {
    words: SmallVec<[u64; 16]>,
    /// The words with something in them, as bits: at hand for sets of up to 8 000.
    filled: SmallVec<[u64; 2]>,
}

impl Bits {
    /// All of `0..count`.
    pub fn full(count: usize) -> Bits {
        let mut words = vec![u64::MAX; count / 64];
        if !count.is_multiple_of(64) {
            words.push((1 << (count % 64)) - 1);
        }
        Bits::from(words)
    }

    pub fn insert(&mut self, n: usize) {
        let word = n / 64;
        if self.words.len() <= word {
            self.words.resize(word + 1, 0);
            self.filled.resize(word / 64 + 1, 0);
        }
        self.words[word] |= 1 << (n % 64);
        self.filled[word / 64] |= 1 << (word % 64);
    }

    pub fn remove(&mut self, n: usize) {
        let place = n / 64;
        let Some(word) = self.words.get_mut(place) else { return };
        *word &= !(1 << (n % 64));
        if *word == 0 {
            self.filled[place / 64] &= !(1 << (place % 64));
        }
    }

    pub fn has(&self, n: usize) -> bool {
        self.words.get(n / 64).is_some_and(|word| word & (1 << (n % 64)) != 0)
    }

    /// Keeps only what `other` has too.
    pub fn keep(&mut self, other: &Bits) {
        self.words.truncate(other.words.len());
        self.words.iter_mut().zip(&other.words).for_each(|(a, b)| *a &= b);
        self.filled = filled(&self.words);
    }

    /// Takes in what `other` has.
    pub fn add(&mut self, other: &Bits) {
        if self.words.len() < other.words.len() {
            self.words.resize(other.words.len(), 0);
        }
        self.words.iter_mut().zip(&other.words).for_each(|(a, b)| *a |= b);
        self.filled = filled(&self.words);
    }

    /// Its numbers, ascending.
    pub fn iter(&self) -> impl Iterator<Item = usize> + '_ {
        self.shared(self)
    }

    /// The numbers that both have, ascending.
    pub fn shared<'a>(&'a self, other: &'a Bits) -> impl Iterator<Item = usize> + 'a {
        Shared::new(self, other, 0, usize::MAX)
    }

    /// The same in one go, which needs no note of where it is.
    #[inline]
    pub fn for_each_shared(&self, other: &Bits, mut f: impl FnMut(usize)) {
        let [one, others] = [self, other].map(|set| &set.words[..]);
        for (block, (filled, filled_too)) in self.filled.iter().zip(&other.filled).enumerate() {
            for place in Ones(filled & filled_too).map(|bit| block * 64 + bit) {
                Ones(one[place] & others[place]).for_each(|bit| f(place * 64 + bit));
            }
        }
    }

    /// The numbers that both have, beginning about at this one: ascending from there, then those before.
    pub fn shared_from<'a>(&'a self, other: &'a Bits, from: usize) -> impl Iterator<Item = usize> + 'a {
        let first = from.checked_rem(self.words.len().min(other.words.len())).unwrap_or(0);
        Shared::new(self, other, first, usize::MAX).chain(Shared::new(self, other, 0, first))
    }
}

/// Equal are sets of equal numbers, however far they have grown.
impl PartialEq for Bits {
    fn eq(&self, other: &Bits) -> bool {
        self.iter().eq(other.iter())
    }
}

impl FromIterator<usize> for Bits {
    fn from_iter<I: IntoIterator<Item = usize>>(numbers: I) -> Bits {
        let mut bits = Bits::default();
        numbers.into_iter().for_each(|n| bits.insert(n));
        bits
    }
}

impl From<Vec<u64>> for Bits {
    fn from(words: Vec<u64>) -> Bits {
        Bits { filled: filled(&words), words: SmallVec::from_vec(words) }
    }
}

impl From<Bits> for Vec<u64> {
    fn from(bits: Bits) -> Vec<u64> {
        bits.words.into_vec()
    }
}

fn filled(words: &[u64]) -> SmallVec<[u64; 2]> {
    let of_block = |block: &[u64]| (0..).zip(block).map(|(bit, word)| u64::from(*word != 0) << bit).sum();
    words.chunks(64).map(of_block).collect()
}

/// The walk over what two sets share: over the words that are filled in both, and the ones of these.
struct Shared<'a> {
    sets: [&'a Bits; 2],
    /// Which 64 words are gone through, and which of them are yet to come.
    block: usize,
    words: Ones,
    /// The word that is gone through, and which of its bits are yet to come.
    word: usize,
    bits: Ones,
    /// The word to stop before.
    end: usize,
}

impl<'a> Shared<'a> {
    /// Of the words from `first` on and before `end`.
    fn new(one: &'a Bits, other: &'a Bits, first: usize, end: usize) -> Shared<'a> {
        let end = end.min(one.words.len()).min(other.words.len());
        let (sets, block) = ([one, other], first / 64);
        let mut shared = Shared { sets, block, words: Ones(0), word: 0, bits: Ones(0), end };
        shared.words = Ones(shared.filled() & (u64::MAX << (first % 64)));
        shared
    }

    /// The words of the block that are filled in both.
    fn filled(&self) -> u64 {
        let [one, other] = self.sets.map(|set| set.filled.get(self.block).copied().unwrap_or(0));
        one & other
    }
}

impl Iterator for Shared<'_> {
    type Item = usize;

    #[inline]
    fn next(&mut self) -> Option<usize> {
        loop {
            if let Some(bit) = self.bits.next() {
                return Some(self.word * 64 + bit);
            }
            let Some(place) = self.words.next() else {
                self.block += 1;
                if self.block * 64 >= self.end {
                    return None;
                }
                self.words = Ones(self.filled());
                continue;
            };
            self.word = self.block * 64 + place;
            if self.word >= self.end {
                return None;
            }
            let [one, other] = self.sets.map(|set| set.words[self.word]);
            self.bits = Ones(one & other);
        }
    }
}

/// The places of the ones in a word, ascending.
pub(super) struct Ones(pub(super) u64);

impl Iterator for Ones {
    type Item = usize;

    #[inline]
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
    use std::collections::BTreeSet;

    use super::*;
    use crate::base::Entropy;

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
        assert_ne!(odd, far);
        let (mut grown, small) = (far.clone(), Bits::from_iter([130]));
        grown.insert(9_000);
        grown.remove(9_000);
        assert_eq!(grown, small);
    }

    /// Of sets with much room between, with none, and read back in between.
    #[test]
    fn a_set_is_like_a_plain_one_whatever_its_size() {
        let mut chance = Entropy::seeded(1);
        for most in [1, 64, 65, 5_000, 20_000] {
            let mut draw = |bits: &mut Bits, plain: &mut BTreeSet<usize>| {
                let n = chance.below(most) as usize;
                if plain.insert(n) {
                    bits.insert(n);
                } else {
                    plain.remove(&n);
                    bits.remove(n);
                }
                n
            };
            let (mut a, mut b) = (Bits::default(), Bits::default());
            let (mut plain_a, mut plain_b) = (BTreeSet::new(), BTreeSet::new());
            for _ in 0..400 {
                let n = draw(&mut a, &mut plain_a);
                assert_eq!(a.has(n), plain_a.contains(&n));
                let from = draw(&mut b, &mut plain_b);
                a = Bits::from(Vec::from(a));
                let shared: Vec<usize> = plain_a.intersection(&plain_b).copied().collect();
                assert_eq!(a.shared(&b).collect::<Vec<_>>(), shared);
                let mut all = Vec::new();
                a.for_each_shared(&b, |n| all.push(n));
                assert_eq!(all, shared, "gone through in one go");
                let mut turned: Vec<usize> = a.shared_from(&b, from).collect();
                turned.sort_unstable();
                assert_eq!(turned, shared, "each once, from wherever");
                let (mut both, mut either) = (a.clone(), a.clone());
                both.keep(&b);
                either.add(&b);
                assert!(both.iter().eq(shared) && either.iter().eq(plain_a.union(&plain_b).copied()));
            }
        }
    }
}
