//! Chance, seeded from outside: the same seed gives the same draws.

use rand_chacha::ChaCha12Rng;
use rand_chacha::rand_core::RngCore;
use rand_chacha::rand_core::SeedableRng;
use serde::Deserialize;
use serde::Serialize;

/// A source of unpredictable numbers for tags, branches, nonces and SSRCs.
///
/// The shell seeds it from the operating system; a simulation seeds it with a number.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entropy(ChaCha12Rng);

impl Entropy {
    /// Seeded with 256 bits of the operating system's entropy.
    pub fn new(seed: [u8; 32]) -> Entropy {
        Entropy(ChaCha12Rng::from_seed(seed))
    }

    /// Seeded with a small number, for simulations and tests.
    pub fn seeded(seed: u64) -> Entropy {
        Entropy(ChaCha12Rng::seed_from_u64(seed))
    }

    /// A generator of its own, split off this one.
    pub fn split(&mut self) -> Entropy {
        let mut seed = [0; 32];
        self.0.fill_bytes(&mut seed);
        Entropy::new(seed)
    }

    /// 32 random bits.
    pub fn u32(&mut self) -> u32 {
        self.0.next_u32()
    }

    /// 64 random bits.
    pub fn u64(&mut self) -> u64 {
        self.0.next_u64()
    }

    /// A number in `0..bound`, every one as likely; `bound` is at least 1.
    pub fn below(&mut self, bound: u64) -> u64 {
        // Multiply-shift: the bias is below 2^-32 for every bound used here.
        ((u128::from(self.0.next_u64()) * u128::from(bound)) >> 64) as u64
    }

    /// A number in `0.0..1.0`.
    pub fn fraction(&mut self) -> f64 {
        (self.0.next_u64() >> 11) as f64 / (1u64 << 53) as f64
    }

    /// 64 random bits as 16 lower-case hexadecimal digits.
    pub fn token(&mut self) -> String {
        format!("{:016x}", self.0.next_u64())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_seed_draws_one_sequence() {
        let (mut a, mut b) = (Entropy::seeded(7), Entropy::seeded(7));
        assert_eq!(a.token(), b.token());
        assert_ne!(a.split().u64(), a.u64());
        for _ in 0..1_000 {
            assert!(a.below(3) < 3);
            assert!((0.0..1.0).contains(&a.fraction()));
        }
    }
}
