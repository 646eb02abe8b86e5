//! The RTP ports: pairs of bound sockets, given out and taken back by the control thread.
//!
//! A pair that comes back stays bound and rests: packets that its last peer still sends end there and not in
//! the next call. Most calls so get sockets without a `bind`, which is the dearest part of opening a leg.

use std::collections::VecDeque;
use std::io;
use std::net::IpAddr;
use std::net::SocketAddr;
use std::net::UdpSocket;
use std::ops::RangeInclusive;
use std::time::Duration;
use std::time::Instant;

/// How long a pair rests before another call gets it, as long as there are others.
pub const REST: Duration = Duration::from_secs(3);
/// When as many pairs rest, the one that rested longest is given out before its time: the latch rule and the
/// drain at opening keep the old peer's packets out of the call.
pub const ENOUGH: usize = 1_024;
/// Resting pairs that are kept bound at most. More than [`ENOUGH`], so that calls which come and go by the
/// hundred do not bind and close a pair each.
pub const KEPT: usize = 2_048;
/// Of the pairs beyond this many, those that nobody wanted for a minute are closed.
const KEPT_IDLE: usize = 64;
const IDLE: Duration = Duration::from_secs(60);
/// How many ports of other programs are stepped over in one search.
const TRIES: usize = 64;
/// Expedited forwarding ([RFC 3246](https://www.rfc-editor.org/rfc/rfc3246)), where the network heeds it.
const DSCP_EF: u8 = 46 << 2;

/// All RTP ports are in use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("all RTP ports are in use")]
pub struct PortsTaken;

/// The sockets of one leg: RTP on an even port, RTCP on the next.
#[derive(Debug)]
pub(crate) struct Pair {
    pub port: u16,
    pub rtp: UdpSocket,
    pub rtcp: UdpSocket,
}

impl Pair {
    fn bind(address: IpAddr, port: u16) -> io::Result<Pair> {
        let rtp = UdpSocket::bind(SocketAddr::new(address, port))?;
        let rtcp = UdpSocket::bind(SocketAddr::new(address, port + 1))?;
        rtp.set_nonblocking(true)?;
        rtcp.set_nonblocking(true)?;
        // Audio flows without it too.
        let _ = match address {
            IpAddr::V4(_) => rustix::net::sockopt::set_ip_tos(&rtp, DSCP_EF),
            IpAddr::V6(_) => rustix::net::sockopt::set_ipv6_tclass(&rtp, DSCP_EF.into()),
        };
        Ok(Pair { port, rtp, rtcp })
    }

    /// Throws away what came while nobody listened.
    pub fn drain(&self) {
        let mut octets = [0; 1];
        for socket in [&self.rtp, &self.rtcp] {
            // A socket buffers some hundred packets: so this ends, even while a peer goes on sending.
            for _ in 0..1_024 {
                match socket.recv(&mut octets) {
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                    _ => {}
                }
            }
        }
    }
}

/// All ports of the configured range.
#[derive(Debug)]
pub(crate) struct Ports {
    address: IpAddr,
    /// Even ports that are not bound. The start is turned by chance, so that ports cannot be guessed.
    unbound: VecDeque<u16>,
    resting: VecDeque<(Instant, Pair)>,
}

impl Ports {
    /// The even ports of `range` whose odd neighbour is in it too; `chance` turns the order.
    pub fn new(address: IpAddr, range: RangeInclusive<u16>, chance: u64) -> Ports {
        let even = |port: &u16| port.is_multiple_of(2) && *port != 0;
        let mut unbound: VecDeque<u16> =
            range.clone().filter(even).filter(|port| range.contains(&(port + 1))).collect();
        if !unbound.is_empty() {
            let turn = chance % unbound.len() as u64;
            unbound.rotate_left(turn as usize);
        }
        Ports { address, unbound, resting: VecDeque::new() }
    }

    /// The address that sockets are bound to.
    #[cfg(test)]
    pub fn address(&self) -> IpAddr {
        self.address
    }

    /// How many pairs there are when none is given out.
    pub fn capacity(&self) -> usize {
        self.unbound.len() + self.resting.len()
    }

    /// A pair that nobody uses: one that has rested, else a fresh one, else the one that rested longest.
    pub fn take(&mut self, now: Instant) -> Result<Pair, PortsTaken> {
        let rested = self.resting.front().is_some_and(|(since, _)| now.duration_since(*since) >= REST);
        if rested || self.resting.len() >= ENOUGH {
            return self.resting.pop_front().map(|(_, pair)| pair).ok_or(PortsTaken);
        }
        self.bind_fresh().or_else(|| self.resting.pop_front().map(|(_, pair)| pair)).ok_or(PortsTaken)
    }

    /// The pair with this port, which a leg had in an earlier process; none when somebody has it now.
    pub fn take_at(&mut self, port: u16) -> Option<Pair> {
        let place = self.unbound.iter().position(|unbound| *unbound == port)?;
        let pair = Pair::bind(self.address, port).ok()?;
        self.unbound.remove(place);
        Some(pair)
    }

    /// The next unbound port that can be bound; ports of other programs go to the end of the list.
    fn bind_fresh(&mut self) -> Option<Pair> {
        for _ in 0..self.unbound.len().min(TRIES) {
            let port = self.unbound.pop_front()?;
            match Pair::bind(self.address, port) {
                Ok(pair) => return Some(pair),
                Err(error) => {
                    self.unbound.push_back(port);
                    if error.kind() != io::ErrorKind::AddrInUse {
                        // Out of file descriptors, or the address is gone: another port is no better.
                        tracing::warn!(%error, port, "RTP port cannot be bound");
                        return None;
                    }
                }
            }
        }
        None
    }

    /// Takes a pair back.
    pub fn give_back(&mut self, now: Instant, pair: Pair) {
        self.resting.push_back((now, pair));
        for _ in 0..4 {
            let idle = |(since, _): &(Instant, Pair)| now.duration_since(*since) >= IDLE;
            let surplus = self.resting.len() > KEPT
                || self.resting.len() > KEPT_IDLE && self.resting.front().is_some_and(idle);
            if !surplus {
                return;
            }
            if let Some((_, pair)) = self.resting.pop_front() {
                self.unbound.push_back(pair.port);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HERE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);

    /// A range of `pairs` pairs that is free right now, each test in a region of its own.
    fn free_range(start: u16, pairs: u16) -> RangeInclusive<u16> {
        (start..start + 4_000)
            .step_by(usize::from(2 * pairs))
            .map(|low| low..=low + 2 * pairs - 1)
            .find(|range| range.clone().all(|port| UdpSocket::bind((HERE, port)).is_ok()))
            .unwrap()
    }

    #[test]
    fn a_port_rests_before_another_call_gets_it() {
        let mut ports = Ports::new(HERE, free_range(42_000, 2), 0);
        let start = Instant::now();
        let first = ports.take(start).unwrap();
        let port = first.port;
        assert_eq!(port % 2, 0);
        ports.give_back(start, first);
        let second = ports.take(start + Duration::from_secs(1)).unwrap();
        assert_ne!(second.port, port);
        let third = ports.take(start + REST).unwrap();
        assert_eq!(third.port, port);
        assert_eq!(ports.take(start + REST).unwrap_err(), PortsTaken);
    }

    #[test]
    fn a_call_is_not_refused_while_a_port_still_rests() {
        let mut ports = Ports::new(HERE, free_range(46_000, 1), 5);
        let now = Instant::now();
        let pair = ports.take(now).unwrap();
        assert!(ports.take(now).is_err());
        ports.give_back(now, pair);
        assert!(ports.take(now).is_ok());
    }

    #[test]
    fn a_port_of_another_program_is_stepped_over() {
        let range = free_range(50_000, 2);
        let theirs = UdpSocket::bind((HERE, range.start() + 1)).unwrap();
        let mut ports = Ports::new(HERE, range.clone(), 0);
        assert_eq!(ports.take(Instant::now()).unwrap().port, range.start() + 2);
        drop(theirs);
        assert_eq!(ports.take(Instant::now()).unwrap().port, *range.start());
    }

    #[test]
    fn what_came_while_nobody_listened_is_not_heard() {
        let mut ports = Ports::new(HERE, free_range(54_000, 1), 0);
        let pair = ports.take(Instant::now()).unwrap();
        let late = UdpSocket::bind((HERE, 0)).unwrap();
        for _ in 0..10 {
            late.send_to(b"late", (HERE, pair.port)).unwrap();
        }
        pair.drain();
        assert_eq!(pair.rtp.recv(&mut [0; 9]).unwrap_err().kind(), io::ErrorKind::WouldBlock);
    }

    #[test]
    fn audio_goes_first_where_the_network_heeds_it() {
        let mut ports = Ports::new(HERE, free_range(56_000, 1), 0);
        let pair = ports.take(Instant::now()).unwrap();
        assert_eq!(rustix::net::sockopt::ip_tos(&pair.rtp), Ok(DSCP_EF));
        let here = std::net::Ipv6Addr::LOCALHOST.into();
        let pair = Ports::new(here, 57_000..=57_999, 7).take(Instant::now()).unwrap();
        assert_eq!(rustix::net::sockopt::ipv6_tclass(&pair.rtp), Ok(DSCP_EF.into()));
    }

    #[test]
    fn a_range_counts_only_whole_pairs() {
        assert_eq!(Ports::new(HERE, 10_001..=10_006, 3).capacity(), 2);
        assert_eq!(Ports::new(HERE, 65_534..=65_535, 3).capacity(), 1);
        assert_eq!(Ports::new(HERE, 7..=7, 3).capacity(), 0);
    }
}
