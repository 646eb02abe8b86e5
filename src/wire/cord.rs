//! A patch cord between a stream of a media worker and a browser's connection, or a voice bot's: plain RTP and RTCP both
//! ways.
//!
//! Two bounded rings. Neither side ever waits for the other; when a ring is full, the packet is lost, and what waits in it
//! goes at the other side's next look: it is older by then than anybody would play. A cord whose one end was dropped is loose: the other end notices by [`BrowserEnd::is_loose`].

use std::io;
use std::net::Ipv4Addr;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering;

use arrayvec::ArrayVec;
use rtrb::Consumer;
use rtrb::Producer;
use rtrb::RingBuffer;

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

/// Where packets of one way are put in. Never waits, and not for a thread that was put aside while it took one out, either:
/// for that one may be of a lower class than this.
#[derive(Debug)]
struct Mouth {
    ring: Producer<Packet>,
    is_stale: Arc<AtomicBool>,
}

/// Where they are taken out.
#[derive(Debug)]
struct Ear {
    ring: Consumer<Packet>,
    /// Whether the ring was full: then what waits in it is older than any jitter buffer would play.
    is_stale: Arc<AtomicBool>,
}

fn way() -> (Mouth, Ear) {
    let (producer, consumer) = RingBuffer::new(DEPTH);
    let is_stale = Arc::new(AtomicBool::new(false));
    (Mouth { ring: producer, is_stale: is_stale.clone() }, Ear { ring: consumer, is_stale })
}

impl Mouth {
    fn push(&mut self, packet: &[u8]) -> bool {
        let Ok(packet) = Packet::try_from(packet) else { return false };
        if self.ring.push(packet).is_err() {
            self.is_stale.store(true, Ordering::Release);
        }
        true
    }
}

impl Ear {
    fn pop(&mut self) -> Option<Packet> {
        if self.is_stale.swap(false, Ordering::Acquire)
            && let Ok(stale) = self.ring.read_chunk(self.ring.slots())
        {
            stale.commit_all();
        }
        self.ring.pop().ok()
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
    to_browser: Mouth,
    from_browser: Ear,
    bell: Arc<Bell>,
}

/// The browser's end.
#[derive(Debug)]
pub struct BrowserEnd {
    to_stream: Mouth,
    from_stream: Ear,
}

/// A new cord. `bell` wakes the thread that has the browser's end.
pub(super) fn cord(bell: Arc<Bell>) -> (StreamEnd, BrowserEnd) {
    let ((to_browser, from_stream), (to_stream, from_browser)) = (way(), way());
    (StreamEnd { to_browser, from_browser, bell }, BrowserEnd { to_stream, from_stream })
}

impl StreamEnd {
    /// Sends a packet to the browser; false when it was too long.
    pub fn send(&mut self, packet: &[u8]) -> bool {
        let sent = self.to_browser.push(packet);
        self.bell.ring();
        sent
    }

    /// The next packet of the browser.
    pub fn receive(&mut self) -> Option<Packet> {
        self.from_browser.pop()
    }
}

impl BrowserEnd {
    /// Sends a packet to the stream; false when it was too long.
    pub fn send(&mut self, packet: &[u8]) -> bool {
        self.to_stream.push(packet)
    }

    /// The next packet of the stream.
    pub fn receive(&mut self) -> Option<Packet> {
        self.from_stream.pop()
    }

    /// Whether a packet of the stream waits.
    pub fn has_packets(&self) -> bool {
        !self.from_stream.ring.is_empty()
    }

    /// Whether the stream has closed.
    pub fn is_loose(&self) -> bool {
        self.from_stream.ring.is_abandoned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_side_that_does_not_read_loses_what_is_old_and_stops_nobody() {
        let (mut stream, mut browser) = cord(Arc::new(Bell::new().unwrap()));
        for number in 0..DEPTH as u8 {
            assert!(stream.send(&[number]));
        }
        assert_eq!(browser.receive().unwrap().as_slice(), [0], "so many wait");
        for number in 0..DEPTH as u8 {
            assert!(stream.send(&[number]));
        }
        assert_eq!(browser.receive(), None, "what is too old to be played is not kept");
        assert!(stream.send(b"new"));
        assert_eq!(browser.receive().unwrap().as_slice(), b"new");
        assert!(browser.send(b"back"));
        assert_eq!(stream.receive().unwrap().as_slice(), b"back");
        assert!(stream.receive().is_none());
    }

    #[test]
    fn a_packet_longer_than_any_audio_is_not_carried() {
        let (mut stream, mut browser) = cord(Arc::new(Bell::new().unwrap()));
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
