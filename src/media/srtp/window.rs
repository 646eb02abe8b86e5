//! Which packets of each source have been: a number is used once, whether it is sealed or opened.

use arrayvec::ArrayVec;

use crate::media::origin::Heard;

/// Sources of one way that are remembered; of more, the one that was silent longest is forgotten. A peer has one, and a
/// new one when its phone began anew.
const SOURCES: usize = 8;
/// Packets of the past within which a repeated one is recognised; older ones are repeated, too.
const WINDOW: u64 = 64;

/// See the module. The one that was used last stands last.
#[derive(Debug, Default)]
pub(super) struct Sources(ArrayVec<Source, SOURCES>);

#[derive(Debug)]
struct Source {
    ssrc: u32,
    highest: u64,
    /// Which of the 64 up to the highest have been: that one is the lowest bit.
    seen: u64,
}

impl Sources {
    /// The 48 bits of which a packet tells the lowest 16: as near to the highest so far as can be
    /// ([RFC 3711 §3.3.1](https://www.rfc-editor.org/rfc/rfc3711#section-3.3.1)). None before the first of all.
    pub fn index_of(&self, ssrc: u32, sequence: u16) -> Option<u64> {
        let Some(source) = self.of(ssrc) else { return Some(sequence.into()) };
        let ahead = sequence.wrapping_sub(source.highest as u16) as i16;
        source.highest.checked_add_signed(ahead.into())
    }

    /// Whether the packet has not been, as far as that is known.
    pub fn is_new(&self, ssrc: u32, index: u64) -> bool {
        let Some(source) = self.of(ssrc) else { return true };
        match source.highest.checked_sub(index) {
            None => true,
            Some(behind) => behind < WINDOW && source.seen >> behind & 1 == 0,
        }
    }

    /// The packet has been.
    pub fn note(&mut self, ssrc: u32, index: u64) {
        let mut source = match self.0.iter().position(|source| source.ssrc == ssrc) {
            Some(place) => self.0.remove(place),
            None => {
                if self.0.is_full() {
                    self.0.remove(0);
                }
                Source { ssrc, highest: index, seen: 0 }
            }
        };
        match index.checked_sub(source.highest) {
            Some(ahead) => {
                let moved = if ahead < WINDOW { source.seen << ahead } else { 0 };
                (source.highest, source.seen) = (index, moved | 1);
            }
            None => source.seen |= 1u64.checked_shl((source.highest - index) as u32).unwrap_or(0),
        }
        self.0.push(source);
    }

    /// The packet has been, and all before it, as far as is known.
    pub fn note_all(&mut self, latest: Heard) {
        self.note(latest.ssrc, latest.index);
        self.0
            .iter_mut()
            .filter(|source| source.ssrc == latest.ssrc)
            .for_each(|source| source.seen = u64::MAX);
    }

    /// The highest packet of the source that was used last.
    pub fn latest(&self) -> Option<Heard> {
        self.0.last().map(|source| Heard { ssrc: source.ssrc, index: source.highest })
    }

    fn of(&self, ssrc: u32) -> Option<&Source> {
        self.0.iter().rev().find(|source| source.ssrc == ssrc)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_used_once_whatever_the_order_and_over_a_wrap() {
        let mut sources = Sources::default();
        let mut passes = |sequence: u16| {
            let index = sources.index_of(7, sequence)?;
            let is_new = sources.is_new(7, index);
            if is_new {
                sources.note(7, index);
            }
            is_new.then_some(index)
        };
        assert_eq!(passes(65_533), Some(65_533));
        assert_eq!(passes(65_535), Some(65_535));
        assert_eq!(passes(65_534), Some(65_534));
        assert_eq!(passes(65_534), None);
        assert_eq!(passes(1), Some(65_537), "the sequence began anew");
        assert_eq!(passes(0), Some(65_536));
        assert_eq!(passes(65_535), None);
        assert_eq!(passes(200), Some(65_736));
        assert_eq!(passes(2), None, "too old to be known");
        assert_eq!(passes(137), Some(65_673), "the oldest that is");
        assert_eq!(passes(33_000), None, "a little more than half a turn ahead is behind");
        assert_eq!(passes(32_900), Some(98_436), "a little less is ahead");
    }

    #[test]
    fn before_the_first_packet_there_is_none() {
        let mut sources = Sources::default();
        sources.note(1, 3);
        assert_eq!(sources.index_of(1, 65_000), None);
        assert_eq!(sources.index_of(2, 65_000), Some(65_000));
    }

    #[test]
    fn the_source_that_was_silent_longest_is_forgotten_for_one_too_many() {
        let mut sources = Sources::default();
        for ssrc in 0..SOURCES as u32 {
            sources.note(ssrc, 1);
        }
        sources.note(0, 2);
        sources.note(99, 1);
        assert!(!sources.is_new(0, 2) && !sources.is_new(99, 1) && !sources.is_new(2, 1));
        assert!(sources.is_new(1, 1));
    }
}
