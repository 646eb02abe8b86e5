//! Symmetric RTP: whom a leg sends to and whose packets it takes.
//!
//! A phone behind a NAT names an address in SDP that nobody can reach; its packets show the one that works.
//! But whoever can guess a port must not take a call over. So:
//!
//! 1. We send to SDP's address until a source is locked; from then on to the source.
//! 2. A packet from SDP's IP address, on whatever port, locks at once.
//! 3. A stranger (another IP address) is locked after [`PROBATION`] packets in sequence with one SSRC, as long as
//!    nothing ever came from SDP's IP address; they are dropped until then. SDP's own address takes the lock
//!    back as soon as it speaks.
//!    The very address of SDP takes it back from anybody: after a move within a session the old address's last
//!    packets may still be under way, and lock by rule 2.
//! 4. While locked, packets from elsewhere are dropped and counted, except: the same SSRC moves the lock when
//!    the locked source was silent for [`SAME_SSRC_AFTER`] (a NAT that forgot its mapping), and any source may
//!    start probation after [`RELATCH_AFTER`] of silence. But once something came from SDP's IP address, another IP
//!    address has the lock by the same SSRC alone: who is muted is silent for long, and whoever knows the port could have their
//!    audio with three packets.
//! 5. A new description with another address starts over; one with the same address keeps the lock.
//!
//! A phone behind a NAT, of whose SDP's address nothing ever comes, is not so protected: after it was silent for
//! [`RELATCH_AFTER`], who guesses its port is taken for the same phone by another way. Secured audio (SRTP) is no stranger's ever.
//!
//! Where SDP has a host name, everybody is a stranger: nothing is sent before one is locked by rule 3.
//!
//! Without an address or name in SDP (port 0, or the unspecified address) nothing is sent and nobody is locked.

use std::net::IpAddr;
use std::net::SocketAddr;
use std::time::Duration;

use serde::Deserialize;
use serde::Serialize;

use crate::base::Timestamp;
use crate::sdp::Negotiated;

/// Packets in sequence by which a stranger proves to be a stream: 60 ms of it.
pub const PROBATION: u8 = 3;
/// Silence after which the same SSRC may come from elsewhere.
pub const SAME_SSRC_AFTER: Duration = Duration::from_secs(1);
/// Silence after which another source may take the lock.
pub const RELATCH_AFTER: Duration = Duration::from_secs(5);

/// Where SDP says that the peer is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Signalled {
    /// Nowhere, or not yet.
    #[default]
    Nowhere,
    At(SocketAddr),
    /// At this port of a host that has a name.
    Named(u16),
}

impl Signalled {
    /// As offer and answer agreed.
    pub fn by(agreed: &Negotiated) -> Signalled {
        let named = || agreed.remote_named.map_or(Signalled::Nowhere, Signalled::Named);
        agreed.remote_rtp.map_or_else(named, Signalled::At)
    }

    fn address(self) -> Option<SocketAddr> {
        match self {
            Signalled::At(address) => Some(address),
            Signalled::Nowhere | Signalled::Named(_) => None,
        }
    }
}

/// Whose packets a leg takes, and where it sends.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Latch {
    signalled: Signalled,
    locked: Option<Locked>,
    candidate: Option<Candidate>,
    /// Whether something came from SDP's IP address.
    #[serde(default)]
    speaks: bool,
    /// The IP address that was sent to and from which something came last.
    #[serde(default)]
    proven: Option<IpAddr>,
    /// Packets that were dropped by this rule.
    pub refused: u64,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Locked {
    address: SocketAddr,
    ssrc: u32,
    heard: Timestamp,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Candidate {
    address: SocketAddr,
    ssrc: u32,
    next: u16,
    seen: u8,
}

impl Latch {
    /// Of a stream that goes on, to which something came from there last.
    pub fn proven_by(from: Option<IpAddr>) -> Latch {
        Latch { proven: from, ..Latch::default() }
    }

    /// Offer and answer agreed on where the peer listens.
    pub fn agree(&mut self, signalled: Signalled) {
        if self.signalled != signalled {
            self.signalled = signalled;
            self.locked = None;
            self.candidate = None;
            self.speaks = false;
        }
    }

    /// Something came from there, whatever it was: where that is the IP address that is sent to, somebody is there.
    pub fn saw(&mut self, from: SocketAddr) {
        if self.destination().is_some_and(|to| to.ip() == from.ip()) {
            self.proven = Some(from.ip());
        }
    }

    /// The IP address that was sent to and from which something came last.
    pub fn proven(&self) -> Option<IpAddr> {
        self.proven
    }

    /// Whether anything ever came from the IP address that is sent to. Offer and answer alone can name anybody's.
    pub fn is_proven(&self) -> bool {
        self.proven.is_some() && self.proven == self.destination().map(|to| to.ip())
    }

    /// Where to send RTP.
    pub fn destination(&self) -> Option<SocketAddr> {
        self.locked().or(self.signalled.address())
    }

    /// The source that is locked, if any is.
    pub fn locked(&self) -> Option<SocketAddr> {
        self.locked.as_ref().map(|locked| locked.address)
    }

    /// Whether a packet is to be taken. A dropped one is counted.
    pub fn admit(&mut self, now: Timestamp, from: SocketAddr, ssrc: u32, sequence: u16) -> bool {
        let admitted = self.decide(now, from, ssrc, sequence);
        if !admitted {
            self.refused += 1;
        }
        admitted
    }

    fn decide(&mut self, now: Timestamp, from: SocketAddr, ssrc: u32, sequence: u16) -> bool {
        if self.signalled == Signalled::Nowhere {
            return false;
        }
        let signalled = self.signalled.address();
        let expected = signalled.is_some_and(|signalled| from.ip() == signalled.ip());
        self.speaks |= expected;
        if let Some(locked) = &mut self.locked {
            let silent = now.since(locked.heard);
            if locked.address == from {
                locked.heard = now;
                locked.ssrc = ssrc;
                return true;
            }
            let takes_back = Some(from) == signalled || (expected && locked.address.ip() != from.ip());
            let moved = ssrc == locked.ssrc && silent >= SAME_SSRC_AFTER;
            let may_be_another = silent >= RELATCH_AFTER && (expected || !self.speaks);
            if !takes_back && !moved && !may_be_another {
                return false;
            }
            if moved {
                return self.lock(now, from, ssrc);
            }
        }
        if expected {
            return self.lock(now, from, ssrc);
        }
        self.probe(from, ssrc, sequence) && self.lock(now, from, ssrc)
    }

    fn lock(&mut self, now: Timestamp, address: SocketAddr, ssrc: u32) -> bool {
        self.locked = Some(Locked { address, ssrc, heard: now });
        self.proven = Some(address.ip());
        self.candidate = None;
        true
    }

    /// Whether a stranger has now sent enough in sequence.
    fn probe(&mut self, address: SocketAddr, ssrc: u32, sequence: u16) -> bool {
        let seen = match &self.candidate {
            Some(candidate)
                if candidate.address == address && candidate.ssrc == ssrc && candidate.next == sequence =>
            {
                candidate.seen + 1
            }
            _ => 1,
        };
        self.candidate = Some(Candidate { address, ssrc, next: sequence.wrapping_add(1), seen });
        seen >= PROBATION
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Entropy;

    const SDP: &str = "192.0.2.1:4000";
    const NAT_PORT: &str = "192.0.2.1:61000";
    const STRANGER: &str = "203.0.113.9:5000";
    const ATTACKER: &str = "198.51.100.66:6666";

    /// `(ms, from, ssrc, sequence)` of packets that come in, and whether each is taken.
    fn check(latch: &mut Latch, script: &[(u64, &str, u32, u16, bool)]) {
        for (n, (ms, from, ssrc, sequence, taken)) in script.iter().enumerate() {
            let admitted = latch.admit(Timestamp::from_millis(*ms), from.parse().unwrap(), *ssrc, *sequence);
            assert_eq!(admitted, *taken, "line {n}: {from} at {ms} ms");
        }
    }

    fn at(address: &str) -> Signalled {
        Signalled::At(address.parse().unwrap())
    }

    fn agreed() -> Latch {
        let mut latch = Latch::default();
        latch.agree(at(SDP));
        latch
    }

    fn sends_to(latch: &Latch, address: &str) {
        assert_eq!(latch.destination(), Some(address.parse().unwrap()));
    }

    #[test]
    fn before_anything_comes_audio_goes_where_sdp_says() {
        sends_to(&agreed(), SDP);
        assert_eq!(Latch::default().destination(), None);
    }

    #[test]
    fn a_phone_whose_nat_changed_the_port_is_answered_at_that_port() {
        let mut latch = agreed();
        check(&mut latch, &[(0, NAT_PORT, 1, 1, true)]);
        sends_to(&latch, NAT_PORT);
    }

    #[test]
    fn a_phone_behind_nat_is_heard_after_three_packets_in_sequence() {
        let mut latch = agreed();
        check(
            &mut latch,
            &[(0, STRANGER, 1, 65_535, false), (20, STRANGER, 1, 0, false), (40, STRANGER, 1, 1, true)],
        );
        sends_to(&latch, STRANGER);
        assert_eq!(latch.refused, 2);
    }

    #[test]
    fn guessed_packets_do_not_pass_for_a_stream() {
        let mut latch = agreed();
        check(
            &mut latch,
            &[
                (0, ATTACKER, 1, 1, false),
                (20, ATTACKER, 2, 2, false),
                (40, ATTACKER, 2, 9, false),
                (60, STRANGER, 2, 10, false),
                (80, ATTACKER, 2, 11, false),
            ],
        );
        sends_to(&latch, SDP);
    }

    #[test]
    fn a_running_call_cannot_be_taken_over() {
        let mut latch = agreed();
        check(
            &mut latch,
            &[
                (0, SDP, 1, 1, true),
                (10, ATTACKER, 9, 1, false),
                (20, SDP, 1, 2, true),
                (30, ATTACKER, 9, 2, false),
                (50, ATTACKER, 9, 3, false),
                (60, ATTACKER, 1, 4, false),
                (70, NAT_PORT, 2, 1, false),
            ],
        );
        sends_to(&latch, SDP);
        assert_eq!(latch.refused, 5);
    }

    #[test]
    fn the_address_in_sdp_takes_the_lock_back_from_a_stranger() {
        let mut latch = agreed();
        check(
            &mut latch,
            &[(0, ATTACKER, 9, 1, false), (1, ATTACKER, 9, 2, false), (2, ATTACKER, 9, 3, true)],
        );
        check(&mut latch, &[(20, SDP, 1, 1, true), (21, ATTACKER, 9, 4, false)]);
        sends_to(&latch, SDP);
    }

    #[test]
    fn a_peer_that_moved_is_followed_though_its_old_packets_come_late() {
        let mut latch = agreed();
        check(&mut latch, &[(0, SDP, 1, 1, true)]);
        latch.agree(at("192.0.2.1:4002"));
        check(
            &mut latch,
            &[(20, SDP, 1, 2, true), (40, "192.0.2.1:4002", 1, 3, true), (41, SDP, 1, 4, false)],
        );
        sends_to(&latch, "192.0.2.1:4002");
    }

    #[test]
    fn a_nat_that_forgot_its_mapping_is_followed_by_ssrc() {
        let mut latch = agreed();
        check(
            &mut latch,
            &[(0, STRANGER, 1, 1, false), (20, STRANGER, 1, 2, false), (40, STRANGER, 1, 3, true)],
        );
        check(
            &mut latch,
            &[(500, "203.0.113.9:7000", 1, 30, false), (1_100, "203.0.113.9:7000", 1, 60, true)],
        );
        sends_to(&latch, "203.0.113.9:7000");
    }

    #[test]
    fn another_source_may_come_after_long_silence() {
        let mut latch = agreed();
        check(
            &mut latch,
            &[(0, SDP, 1, 1, true), (4_900, NAT_PORT, 2, 1, false), (5_000, NAT_PORT, 2, 2, true)],
        );
        // Behind a NAT, and by another way when its provider gives it another address.
        let mut latch = agreed();
        for (ms, from, ssrc) in [(0, STRANGER, 3), (5_040, "203.0.113.10:5000", 4)] {
            check(
                &mut latch,
                &[
                    (ms, from, ssrc, 1, false),
                    (ms + 20, from, ssrc, 2, false),
                    (ms + 40, from, ssrc, 3, true),
                ],
            );
        }
        sends_to(&latch, "203.0.113.10:5000");
    }

    #[test]
    fn the_audio_of_a_muted_phone_cannot_be_taken() {
        let mut latch = agreed();
        check(&mut latch, &[(0, SDP, 1, 1, true)]);
        for n in 0..100 {
            check(&mut latch, &[(6_000 + u64::from(n) * 20, ATTACKER, 9, n, false)]);
        }
        sends_to(&latch, SDP);
        // Its own network may send it another way; and where it says anew that it is, it is.
        check(&mut latch, &[(9_000, STRANGER, 1, 500, true)]);
        sends_to(&latch, STRANGER);
        check(&mut latch, &[(15_000, ATTACKER, 9, 1, false)]);
        latch.agree(at("192.0.2.77:4000"));
        check(&mut latch, &[(20_000, "192.0.2.77:4000", 7, 1, true)]);
        sends_to(&latch, "192.0.2.77:4000");
    }

    /// By seed: packets of the phone and of strangers who know its port but not its SSRC, in any order and after any silence.
    #[test]
    fn whatever_strangers_send_who_was_heard_where_sdp_says_keeps_their_audio() {
        for seed in 0..2_000 {
            let mut chance = Entropy::seeded(seed);
            let (mut latch, mut now, mut sequence) = (agreed(), Timestamp::ZERO, 0u16);
            let mut heard = false;
            for _ in 0..200 {
                now += Duration::from_millis([20, 20, 700, 5_000][chance.below(4) as usize]);
                sequence = sequence.wrapping_add(1);
                let (from, ssrc) = match chance.below(8) {
                    0 => (SDP, 1),
                    1 => (NAT_PORT, 1),
                    n => ([STRANGER, ATTACKER][n as usize % 2], 2 + u32::from(n == 2)),
                };
                latch.admit(now, from.parse().unwrap(), ssrc, sequence);
                heard |= ssrc == 1;
                let to = latch.destination().unwrap();
                assert!(!heard || to.ip() == at(SDP).address().unwrap().ip(), "seed {seed}: {to} at {now:?}");
                assert_eq!(latch.is_proven(), latch.locked().is_some(), "seed {seed}");
            }
        }
    }

    #[test]
    fn who_is_sent_to_is_proven_by_what_comes_from_there_and_nothing_else() {
        let mut latch = agreed();
        assert!(!latch.is_proven());
        latch.saw(ATTACKER.parse().unwrap());
        assert!(!latch.is_proven(), "a packet from elsewhere");
        latch.saw("192.0.2.1:4001".parse().unwrap());
        assert!(latch.is_proven(), "a report");
        latch.agree(at("192.0.2.1:4010"));
        assert!(latch.is_proven(), "another port there");
        latch.agree(at(ATTACKER));
        assert!(!latch.is_proven(), "another place");
        latch.agree(at(SDP));
        assert!(latch.is_proven(), "and back");
    }

    #[test]
    fn a_new_address_in_sdp_starts_over_and_the_same_one_does_not() {
        let mut latch = agreed();
        check(&mut latch, &[(0, NAT_PORT, 1, 1, true)]);
        latch.agree(at(SDP));
        sends_to(&latch, NAT_PORT);
        latch.agree(at("192.0.2.77:4000"));
        sends_to(&latch, "192.0.2.77:4000");
        latch.agree(Signalled::Nowhere);
        assert_eq!(latch.destination(), None);
        check(&mut latch, &[(40, NAT_PORT, 1, 2, false)]);
    }

    #[test]
    fn a_host_that_only_has_a_name_is_found_by_its_stream() {
        let mut latch = Latch::default();
        latch.agree(Signalled::Named(4_000));
        assert_eq!(latch.destination(), None);
        check(
            &mut latch,
            &[
                (0, ATTACKER, 9, 7, false),
                (10, STRANGER, 1, 1, false),
                (30, STRANGER, 1, 2, false),
                (50, STRANGER, 1, 3, true),
                (60, ATTACKER, 9, 8, false),
                (61, ATTACKER, 9, 9, false),
                (62, ATTACKER, 9, 10, false),
                (70, STRANGER, 1, 4, true),
            ],
        );
        sends_to(&latch, STRANGER);
        // A refresh changes nothing; another port is another place.
        latch.agree(Signalled::Named(4_000));
        sends_to(&latch, STRANGER);
        latch.agree(Signalled::Named(4_002));
        assert_eq!((latch.destination(), latch.locked()), (None, None));
        latch.agree(at(SDP));
        sends_to(&latch, SDP);
    }
}
