//! Where a stream begins that we send: by chance, or where the stream of an earlier process had come to.
//!
//! How far that had come is known of a moment before it ended, and its media time has gone on as time has. What lies between the
//! two reads as loss, so a stream goes on where it would be by now, at a packet a frame. Where it goes on under the keys that it
//! had, no number may come twice: a stream keeps to a pace ([`PACE`]), and begins behind all that it can have sent by that.

use std::net::IpAddr;
use std::net::SocketAddr;
use std::time::Duration;

use serde::Deserialize;
use serde::Serialize;

use crate::base::Entropy;
use crate::media::stream::FRAME;

/// The most packets that a stream sends in a frame: packets may be a quarter as long.
pub const PACE: u64 = 4;
/// And how many more at once, where those that it passes on come in a bunch, or after a loss that shows in their numbers.
pub const BUNCH: u64 = 128;
/// What a stream may be beyond that, and is not: a packet that was sent and not noted, frames that a worker caught up with.
const SPARE: u64 = 16;
/// Frames by which media time goes on later than it would be: what was passed on may have run ahead of it by jitter, and the
/// frames of two processes do not begin together.
const LATER: u64 = 3;

/// Who a stream is to its peer, and where it begins.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Origin {
    pub ssrc: u32,
    /// Of the first packet: its sequence, and above the lowest 16 bits how often that had begun anew.
    pub index: u64,
    /// Media time in the frame in which the stream is opened.
    pub timestamp: u32,
    /// The canonical name in its reports, sixteen letters and digits.
    pub name: String,
    /// What came from its peer, where it goes on.
    pub came: Came,
}

/// What came from a stream's peer so far, by which whoever has its audio is known to be there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Came {
    /// Whether anything did, from wherever.
    pub anything: bool,
    /// The IP address that was sent to and from which something came last.
    pub from: Option<IpAddr>,
}

impl Came {
    /// Of a stream whose process did not write it down: nobody is given up for that.
    fn unknown() -> Came {
        Came { anything: true, from: None }
    }
}

/// How far both ways had come under the keys of an earlier process, where those go on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sealed {
    /// As the stream's [`Origin`]: nothing of its source has been sealed under this number, or a later one.
    pub ssrc: u32,
    pub index: u64,
    /// And no report under this one.
    pub report: u32,
    pub heard: Option<Heard>,
}

/// The latest packet of the peer: its source, and its index as [`Origin::index`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Heard {
    pub ssrc: u32,
    pub index: u64,
}

impl Origin {
    /// A random source, sequence, media time ([RFC 3550 §5.1](https://www.rfc-editor.org/rfc/rfc3550#section-5.1)) and name
    /// ([RFC 7022](https://www.rfc-editor.org/rfc/rfc7022)). The sequence is of the lower half: who secures packets counts from 0 how
    /// often it has begun anew, and would count wrong where it had and the first packets were lost.
    pub fn draw(entropy: &mut Entropy) -> Origin {
        let (timestamp, ssrc) = (entropy.u32(), entropy.u32());
        let index = u64::from(entropy.u32() & 0x7fff);
        Origin { ssrc, index, timestamp, name: entropy.token(), came: Came::default() }
    }
}

/// How far a stream had come when somebody looked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reached {
    pub ssrc: u32,
    pub name: String,
    /// When that was, in milliseconds of a clock that the next process has as well.
    pub at_ms: u64,
    /// The index of the next packet, as [`Origin::index`].
    pub next: u64,
    /// Media time then, after all that had been sent.
    pub timestamp: u32,
    /// Units of media time in a frame.
    pub units: u32,
    /// The number of the next report that is sealed.
    pub report: u32,
    /// What was opened last of what the peer had sealed.
    pub heard: Option<Heard>,
    /// Where a phone in a browser was by its checks.
    #[serde(default)]
    pub peer: Option<SocketAddr>,
    #[serde(default = "Came::unknown")]
    pub came: Came,
}

impl Reached {
    /// How far both ways may have come under their keys, so long after.
    pub fn sealed_after(&self, elapsed: Duration) -> Sealed {
        // Two reports are more than a second apart (`rtcp::INTERVAL`).
        let reports = elapsed.as_secs() as u32 + SPARE as u32;
        Sealed {
            ssrc: self.ssrc,
            index: self.next + PACE * frames(elapsed) + BUNCH + SPARE,
            report: self.report.saturating_add(reports),
            heard: self.heard,
        }
    }

    /// Where the stream goes on, so long after, where it has no keys or other ones.
    pub fn goes_on_after(&self, elapsed: Duration) -> Origin {
        let gone = (frames(elapsed) + LATER) as u32;
        Origin {
            ssrc: self.ssrc,
            index: self.next + frames(elapsed) + SPARE,
            timestamp: self.timestamp.wrapping_add(gone.wrapping_mul(self.units)),
            name: self.name.clone(),
            came: self.came,
        }
    }
}

/// How many frames may have begun meanwhile.
fn frames(elapsed: Duration) -> u64 {
    elapsed.as_millis().div_ceil(FRAME.as_millis()) as u64
}
