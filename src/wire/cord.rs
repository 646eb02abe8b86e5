//! A patch cord between a stream of a media worker and a browser's connection, or a voice bot's: plain RTP and RTCP both
//! ways.
//!
//! Two bounded rings. Neither side ever waits for the other; when a ring is full, its oldest packet goes. A cord
//! whose one end was dropped is loose: the other end notices by [`BrowserEnd::is_loose`].

use std::fmt;
use std::io;
use std::net::Ipv4Addr;
use std::net::SocketAddr;
use std::sync::Arc;

use arrayvec::ArrayVec;
use crossbeam_queue::ArrayQueue;

use crate::wire::bell::Bell;

/// The longest packet that a cord carries: 60 ms of G.711, or Opus at any rate that speech needs. A longer one is
/// dropped.
pub const LONGEST: usize = 512;
/// Packets that may wait each way: two thirds of a second of audio, more than any jitter buffer would play.
const DEPTH: usize = 32;

/// Whether a packet of a muxed port is RTCP and not RTP
/// ([RFC 5761 §4](https://www.rfc-editor.org/rfc/rfc5761#section-4)).
pub(super) fn is_report(packet: &[u8]) -> bool {
    packet.get(1).is_some_and(|kind| (192..=223).contains(kind))
}

/// The address that a stream has for what comes through a cord. Nothing is ever sent there.
pub const FAR_END: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::UNSPECIFIED), 9);

/// A packet on its way.
pub type Packet = ArrayVec<u8, LONGEST>;

struct Rings {
    to_browser: ArrayQueue<Packet>,
    to_stream: ArrayQueue<Packet>,
}

impl fmt::Debug for Rings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (to_browser, to_stream) = (self.to_browser.len(), self.to_stream.len());
        f.debug_struct("Rings").field("to_browser", &to_browser).field("to_stream", &to_stream).finish()
    }
}

/// Cords for those who look by a clock of their own, and need no bell.
#[derive(Clone, Debug)]
pub struct Cords {
    unheard: Arc<Bell>,
}

impl Cords {
    /// Fails when the operating system gives no descriptor.
    pub fn new() -> io::Result<Cords> {
        Ok(Cords { unheard: Arc::new(Bell::new()?) })
    }

    /// A new cord.
    pub fn lay(&self) -> (StreamEnd, BrowserEnd) {
        cord(Arc::clone(&self.unheard))
    }
}

/// The worker's end.
#[derive(Debug)]
pub struct StreamEnd {
    rings: Arc<Rings>,
    bell: Arc<Bell>,
}

/// The browser's end.
#[derive(Debug)]
pub struct BrowserEnd {
    rings: Arc<Rings>,
}

/// A new cord. `bell` wakes the thread that has the browser's end.
pub(super) fn cord(bell: Arc<Bell>) -> (StreamEnd, BrowserEnd) {
    let rings = Arc::new(Rings { to_browser: ArrayQueue::new(DEPTH), to_stream: ArrayQueue::new(DEPTH) });
    (StreamEnd { rings: rings.clone(), bell }, BrowserEnd { rings })
}

impl StreamEnd {
    /// Sends a packet to the browser; false when it was too long.
    pub fn send(&self, packet: &[u8]) -> bool {
        let Ok(packet) = Packet::try_from(packet) else { return false };
        self.rings.to_browser.force_push(packet);
        self.bell.ring();
        true
    }

    /// The next packet of the browser.
    pub fn receive(&self) -> Option<Packet> {
        self.rings.to_stream.pop()
    }
}

impl BrowserEnd {
    /// Sends a packet to the stream; false when it was too long.
    pub fn send(&self, packet: &[u8]) -> bool {
        let Ok(packet) = Packet::try_from(packet) else { return false };
        self.rings.to_stream.force_push(packet);
        true
    }

    /// The next packet of the stream.
    pub fn receive(&self) -> Option<Packet> {
        self.rings.to_browser.pop()
    }

    /// Whether a packet of the stream waits.
    pub fn has_packets(&self) -> bool {
        !self.rings.to_browser.is_empty()
    }

    /// Whether the stream has closed.
    pub fn is_loose(&self) -> bool {
        Arc::strong_count(&self.rings) == 1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_side_that_does_not_read_loses_the_oldest_and_stops_nobody() {
        let (stream, browser) = cord(Arc::new(Bell::new().unwrap()));
        for number in 0..DEPTH as u8 + 2 {
            assert!(stream.send(&[number]));
        }
        assert_eq!(browser.receive().unwrap().as_slice(), [2]);
        assert!(browser.send(b"back"));
        assert_eq!(stream.receive().unwrap().as_slice(), b"back");
        assert!(stream.receive().is_none());
    }

    #[test]
    fn a_packet_longer_than_any_audio_is_not_carried() {
        let (stream, browser) = cord(Arc::new(Bell::new().unwrap()));
        assert!(!stream.send(&[0; LONGEST + 1]) && !browser.send(&[0; LONGEST + 1]));
        assert!(stream.receive().is_none() && browser.receive().is_none());
    }

    #[test]
    fn the_browsers_end_notices_that_the_stream_has_closed() {
        let (stream, browser) = cord(Arc::new(Bell::new().unwrap()));
        assert!(!browser.is_loose());
        drop(stream);
        assert!(browser.is_loose());
    }
}
