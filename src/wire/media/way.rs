//! The way to a phone in a browser: its checks are answered, the addresses that passed are its own, and the one that it
//! nominated is in use.

use std::net::SocketAddr;

use arrayvec::ArrayVec;
use rtc_crypto::RTCCrypto;

use crate::sdp::Ice;
use crate::wire::ice;

/// Addresses that are remembered: a browser checks from each of its networks.
const ADDRESSES: usize = 16;

/// See the module.
pub(super) struct Way {
    ice: Ice,
    /// Where checks passed from, the latest last.
    passed: ArrayVec<SocketAddr, ADDRESSES>,
    peer: Option<SocketAddr>,
}

impl Way {
    pub fn new(ice: Ice) -> Way {
        Way { ice, passed: ArrayVec::new(), peer: None }
    }

    /// As it was in an earlier process, where it is known where the phone was: it need not wait for its next check.
    pub fn go_on(ice: Ice, peer: Option<SocketAddr>) -> Way {
        Way { ice, passed: peer.into_iter().collect(), peer }
    }

    /// The way is looked for by this from now on. Until another one is found, it stays the one it was.
    pub fn look_anew(&mut self, ice: Ice) {
        self.ice = ice;
    }

    /// What a check is answered with; none when it is none of this phone's.
    pub fn check(&mut self, from: SocketAddr, packet: &[u8], crypto: &dyn RTCCrypto) -> Option<Vec<u8>> {
        let passed = ice::check(&self.ice, from, packet, crypto)?;
        self.learn(from);
        if passed.nominated || self.peer.is_none() {
            self.peer = Some(from);
        }
        Some(passed.answer)
    }

    fn learn(&mut self, from: SocketAddr) {
        if self.knows(from) {
            return;
        }
        if self.passed.is_full() {
            self.passed.remove(0);
        }
        self.passed.push(from);
    }

    /// Whether a check passed from this address.
    pub fn knows(&self, from: SocketAddr) -> bool {
        self.passed.contains(&from)
    }

    /// Where the phone is.
    pub fn peer(&self) -> Option<SocketAddr> {
        self.peer
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::ice::tests::request;
    use crate::wire::ice::tests::session;

    fn at(port: u16) -> SocketAddr {
        SocketAddr::from(([198, 51, 100, 7], port))
    }

    /// Whether a check from there is answered.
    fn checks(way: &mut Way, from: SocketAddr, packet: &[u8]) -> bool {
        let provider = rtc_crypto::default_provider().unwrap();
        way.check(from, packet, provider.crypto()).is_some()
    }

    fn good(nominates: bool) -> Vec<u8> {
        request("ours:theirs", &session().local.password, nominates)
    }

    #[test]
    fn a_phone_is_where_it_says_last_and_its_other_addresses_stay_its_own() {
        let mut way = Way::new(session());
        assert_eq!(way.peer(), None);
        assert!(checks(&mut way, at(1), &good(false)));
        assert_eq!(way.peer(), Some(at(1)), "there is no better one yet");
        assert!(checks(&mut way, at(2), &good(false)));
        assert_eq!(way.peer(), Some(at(1)));
        assert!(checks(&mut way, at(2), &good(true)));
        assert_eq!(way.peer(), Some(at(2)));
        assert!(way.knows(at(1)) && way.knows(at(2)) && !way.knows(at(3)));
    }

    #[test]
    fn a_stranger_moves_nobody() {
        let mut way = Way::new(session());
        assert!(!checks(&mut way, at(1), &request("ours:theirs", "a-password-of-another!", true)));
        assert!(!checks(&mut way, at(1), &request("others:theirs", &session().local.password, true)));
        assert!(!way.knows(at(1)) && way.peer().is_none());
    }

    #[test]
    fn a_way_that_is_looked_for_anew_stays_until_another_is_found() {
        let mut way = Way::new(session());
        assert!(checks(&mut way, at(1), &good(true)));
        way.look_anew(Ice { remote_ufrag: "others".to_owned(), ..session() });
        assert_eq!(way.peer(), Some(at(1)));
        assert!(!checks(&mut way, at(2), &good(true)), "it is over");
        assert!(checks(&mut way, at(2), &request("ours:others", &session().local.password, true)));
        assert_eq!(way.peer(), Some(at(2)));
    }

    #[test]
    fn a_way_goes_on_in_another_process_without_a_check() {
        let mut way = Way::go_on(session(), Some(at(1)));
        assert!(way.knows(at(1)) && !way.knows(at(2)));
        assert_eq!(way.peer(), Some(at(1)));
        // The phone moves, as ever.
        assert!(checks(&mut way, at(2), &good(true)));
        assert_eq!(way.peer(), Some(at(2)));
        assert_eq!(Way::go_on(session(), None).peer(), None);
    }

    #[test]
    fn a_phone_that_keeps_changing_its_address_does_not_grow_the_list() {
        let mut way = Way::new(session());
        for port in 0..100 {
            assert!(checks(&mut way, at(port), &good(true)));
        }
        assert!(way.knows(at(99)) && !way.knows(at(0)));
        assert_eq!((way.passed.len(), way.peer()), (ADDRESSES, Some(at(99))));
    }
}
