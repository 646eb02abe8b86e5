//! What plays on a leg: a list of clips, taken frame by frame.

use std::sync::Arc;

use crate::media::clip::Clip;
use crate::media::codec::Law;
use crate::media::control::PlayId;

/// What plays, and how far it is.
#[derive(Debug)]
pub(super) struct Playing {
    pub play: PlayId,
    pub clips: Arc<[Arc<Clip>]>,
    pub barge_in: bool,
    pub repeat: bool,
    /// Which clip is next, and where in it.
    clip: usize,
    at: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Position {
    More,
    /// This frame was the last one.
    Last,
}

impl Playing {
    pub(super) fn new(play: PlayId, clips: Arc<[Arc<Clip>]>, barge_in: bool, repeat: bool) -> Playing {
        Playing { play, clips, barge_in, repeat, clip: 0, at: 0 }
    }

    /// Whether there is no sound in it at all.
    pub(super) fn is_empty(&self) -> bool {
        self.clips.iter().all(|clip| clip.pcmu.is_empty())
    }

    /// Copies the next frame; a clip that ends within a frame is filled up with silence.
    pub(super) fn next(&mut self, law: Law, into: &mut [u8]) -> Position {
        self.skip_finished();
        let Some(clip) = self.clips.get(self.clip) else { return Position::Last };
        let bytes = match law {
            Law::Mu => &clip.pcmu,
            Law::A => &clip.pcma,
        };
        let rest = &bytes[self.at.min(bytes.len())..];
        let length = rest.len().min(into.len());
        into[..length].copy_from_slice(&rest[..length]);
        into[length..].fill(law.silence());
        self.at += into.len();
        self.skip_finished();
        if self.clip < self.clips.len() { Position::More } else { Position::Last }
    }

    /// Goes to the next clip that has sound left; from the last to the first when it repeats.
    fn skip_finished(&mut self) {
        // Each clip is passed once at most: a list without any sound ends even when it repeats.
        for _ in 0..=self.clips.len() {
            match self.clips.get(self.clip) {
                Some(clip) if self.at >= clip.pcmu.len() => {
                    (self.clip, self.at) = (self.clip + 1, 0);
                    if self.repeat && self.clip == self.clips.len() {
                        self.clip = 0;
                    }
                }
                _ => return,
            }
        }
    }
}
