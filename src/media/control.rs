//! How calls steer their audio: commands to a media worker, events back. No audio passes here.

use std::sync::Arc;
use std::time::Duration;

use smallvec::SmallVec;

use crate::base::LegId;
use crate::fact::Quality;
use crate::media::clip::Clip;
use crate::media::recording::Record;
use crate::sdp::Negotiated;

/// One playing of a list of clips. Numbered by the call, ascending per leg.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
pub struct PlayId(pub u32);

/// How far it is known that who is sent a leg's audio asked for it: a description can name anybody's address.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Asked {
    /// It is known, or nobody doubts it: a trunk's call, a phone that proved whose it is, one that we called.
    #[default]
    Known,
    /// Our answer is not acknowledged yet, so who asked may have written another's address as their own. Until something comes from
    /// there no more is sent than [`UNACKNOWLEDGED`](crate::media::stream::UNACKNOWLEDGED), and what plays waits.
    Unacknowledged,
    /// A stranger acknowledged it. Until something comes from there no more is sent than
    /// [`UNHEARD`](crate::media::stream::UNHEARD); where nothing ever came from anywhere, [`MediaEvent::Unheard`] says so.
    ByStranger,
}

/// What a media worker is asked to do with a leg. A command for a leg that is closed is ignored.
///
/// The sockets of a leg are opened by `wire` before [`MediaCommand::Open`] and freed after
/// [`MediaEvent::Closed`].
#[derive(Clone, Debug)]
pub enum MediaCommand {
    /// Start the stream. Without `agreed` it only listens, until [`MediaCommand::Agree`].
    Open { leg: LegId, agreed: Option<Negotiated> },
    /// Offer and answer agreed on something (new): codec, addresses, direction.
    Agree { leg: LegId, agreed: Negotiated },
    /// How far it is known that who is sent its audio asked for it; at first nobody doubts it.
    Asked { leg: LegId, asked: Asked },
    /// Play clips one after the other, instead of what plays now. With `barge_in` the first digit that
    /// begins stops it within one frame. `repeat` starts it over for ever.
    Play { leg: LegId, play: PlayId, clips: Arc<[Arc<Clip>]>, barge_in: bool, repeat: bool },
    /// Stop what plays.
    Stop { leg: LegId },
    /// Let two legs hear each other and nobody else, and nobody else hear them; what either played stops.
    /// Both are on the same worker.
    Join { a: LegId, b: LegId },
    /// Let them part; neither hears the other.
    Part { a: LegId, b: LegId },
    /// From now on the leg hears exactly these legs, all on its worker, as far as they are open; nobody is
    /// silence. It never hears itself. What plays to it goes on, and is heard instead of them until it ends. A
    /// leg that closes leaves every list.
    Hear { leg: LegId, whom: SmallVec<[LegId; 4]> },
    /// How loud others hear the leg, in dB; at most 20 either way, and 0 is as it comes.
    Gain { leg: LegId, gain_db: i8 },
    /// Whether nobody hears the leg, whoever has it on their list. Its keys are told all the same.
    Mute { leg: LegId, on: bool },
    /// Send the leg's own audio back to it.
    Echo { leg: LegId, on: bool },
    /// Send a digit: as telephone-event (RFC 4733), as tones to a peer that has none, or by
    /// [`MediaEvent::SendInfo`] where that was agreed on.
    SendDigit { leg: LegId, digit: char, duration: Duration },
    /// Record the leg, at the rate of its codec, or do something about its recording. Where its samples go was
    /// told to `wire` before.
    Record { leg: LegId, record: Record },
    /// End the stream.
    Close { leg: LegId },
}

impl MediaCommand {
    /// The leg that it is about; of two, the first.
    pub fn leg(&self) -> LegId {
        match self {
            MediaCommand::Open { leg, .. }
            | MediaCommand::Agree { leg, .. }
            | MediaCommand::Asked { leg, .. }
            | MediaCommand::Play { leg, .. }
            | MediaCommand::Stop { leg }
            | MediaCommand::Hear { leg, .. }
            | MediaCommand::Gain { leg, .. }
            | MediaCommand::Mute { leg, .. }
            | MediaCommand::Echo { leg, .. }
            | MediaCommand::SendDigit { leg, .. }
            | MediaCommand::Record { leg, .. }
            | MediaCommand::Close { leg } => *leg,
            MediaCommand::Join { a, .. } | MediaCommand::Part { a, .. } => *a,
        }
    }
}

/// What a media worker tells.
#[derive(Clone, Debug, PartialEq)]
pub enum MediaEvent {
    /// A digit began, exactly once per key press: 0-9, *, #, A-D.
    Digit { leg: LegId, digit: char },
    /// A key press goes to the leg, whose peer wants it by SIP INFO. Two are at least the pause of a press apart.
    SendInfo { leg: LegId, digit: char },
    /// A play came to its end, or was stopped by a digit, [`MediaCommand::Stop`] or another play.
    PlayEnded { leg: LegId, play: PlayId, stopped: bool },
    /// Nothing has come from the leg for a while though it should be sending.
    AudioLost { leg: LegId },
    /// It sends again.
    AudioBack { leg: LegId },
    /// As much was sent to a stranger as they may have unheard, and nothing ever came on the leg: no audio, no report.
    Unheard { leg: LegId },
    /// A handshake has brought the keys that the leg's packets are secured by.
    Secured { leg: LegId },
    /// Somebody begins to speak on a leg that is recorded as a message, or has not for a second.
    Speaks { leg: LegId, on: bool },
    /// The stream ended, and what it carried.
    Closed { leg: LegId, quality: Quality },
}
