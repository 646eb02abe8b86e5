//! A prompt in memory: decoded, resampled and encoded once, shared by every call that plays it.

use std::sync::Arc;

use crate::base::Name;

/// A piece of recorded sound, ready to play in every codec that this build sends.
pub struct Clip {
    /// Its name in the library: `en/welcome`.
    pub name: Name,
    /// The G.711 µ-law bytes, 8 000 a second, padded with silence to whole 20 ms frames.
    pub pcmu: Arc<[u8]>,
    /// The same in A-law.
    pub pcma: Arc<[u8]>,
}

impl std::fmt::Debug for Clip {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Clip({}, {} ms)", self.name, self.pcmu.len() / 8)
    }
}
