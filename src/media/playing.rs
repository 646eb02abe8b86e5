//! What plays on a leg: a list of clips, taken frame by frame.

use std::sync::Arc;

use crate::media::clip::Clip;
use crate::media::codec::Encoder;
use crate::media::codec::MAX_FRAME;
use crate::media::control::PlayId;
use crate::sdp::Codec;

/// What plays, and how far it is.
#[derive(Debug)]
pub(super) struct Playing {
    pub play: PlayId,
    pub clips: Arc<[Arc<Clip>]>,
    pub barge_in: bool,
    pub repeat: bool,
    /// Which clip is next, and which frame of it.
    clip: usize,
    frame: usize,
    /// Whether this clip was not encoded yet when it began, and so is encoded as it goes.
    live: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Position {
    More,
    /// This frame was the last one.
    Last,
}

impl Playing {
    pub(super) fn new(play: PlayId, clips: Arc<[Arc<Clip>]>, barge_in: bool, repeat: bool) -> Playing {
        Playing { play, clips, barge_in, repeat, clip: 0, frame: 0, live: false }
    }

    /// Whether there is no sound in it at all.
    pub(super) fn is_empty(&self) -> bool {
        self.clips.iter().all(|clip| clip.frames() == 0)
    }

    /// The next frame, in a codec: how many octets it has, and whether it is the last one.
    pub(super) fn next(
        &mut self,
        codec: Codec,
        encoder: &mut Option<Encoder>,
        into: &mut [u8; MAX_FRAME],
    ) -> (usize, Position) {
        self.skip_finished();
        let Some(clip) = self.clips.get(self.clip) else { return (0, Position::Last) };
        if self.frame == 0 {
            // Not changed within a clip, for these codecs remember what they sent.
            self.live = !clip.is_encoded(codec);
        }
        let ready = clip.frame(codec, self.frame).filter(|_| !self.live);
        let length = match (ready, clip.samples(self.frame)) {
            (Some(frame), _) => {
                into[..frame.len()].copy_from_slice(frame);
                frame.len()
            }
            (None, Some(samples)) => encoder_for(encoder, codec).encode(samples, into),
            (None, None) => 0,
        };
        self.frame += 1;
        self.skip_finished();
        (length, if self.clip < self.clips.len() { Position::More } else { Position::Last })
    }

    /// Goes to the next clip that has sound left; from the last to the first when it repeats.
    fn skip_finished(&mut self) {
        // Each clip is passed once at most: a list without any sound ends even when it repeats.
        for _ in 0..=self.clips.len() {
            match self.clips.get(self.clip) {
                Some(clip) if self.frame >= clip.frames() => {
                    (self.clip, self.frame) = (self.clip + 1, 0);
                    if self.repeat && self.clip == self.clips.len() {
                        self.clip = 0;
                    }
                }
                _ => return,
            }
        }
    }
}

/// The encoder of a stream: made when it is first needed, and anew for another codec.
pub(super) fn encoder_for(encoder: &mut Option<Encoder>, codec: Codec) -> &mut Encoder {
    if encoder.as_ref().is_some_and(|encoder| encoder.codec() != codec) {
        *encoder = None;
    }
    encoder.get_or_insert_with(|| Encoder::new(codec))
}
