//! Calls out by trunks that are in several places: one after the other, until one of them says something
//! ([RFC 3263 §4.3](https://www.rfc-editor.org/rfc/rfc3263#section-4.3)).

use std::collections::BTreeMap;
use std::collections::VecDeque;
use std::net::SocketAddr;
use std::time::Duration;

use smallvec::SmallVec;
use tracing::info;

use super::Now;
use super::Output;
use super::Switchboard;
use crate::base::LegId;
use crate::base::Name;
use crate::base::Timestamp;
use crate::sip::ANOTHER_AFTER;
use crate::sip::Hop;
use crate::sip::SessionId;
use crate::sip::uri::NameAddr;
use crate::sip::uri::Uri;

/// A place that has not answered is the last to be tried for so long.
const SHUNNED: Duration = Duration::from_secs(60);

/// Where calls go out.
#[derive(Debug, Default)]
pub struct Ways {
    /// The places of each trunk that takes calls, in the order in which they are to be tried.
    of: BTreeMap<Name, Vec<SocketAddr>>,
    /// Until when a place that has not answered comes last. No more than there are places.
    silent: BTreeMap<SocketAddr, Timestamp>,
}

impl Ways {
    /// Trunks are in these places.
    pub fn new(of: BTreeMap<Name, Vec<SocketAddr>>) -> Ways {
        Ways { of, silent: BTreeMap::new() }
    }

    /// The same from now on.
    pub fn know(&mut self, of: BTreeMap<Name, Vec<SocketAddr>>) {
        self.of = of;
        let known = &self.of;
        self.silent.retain(|place, _| known.values().any(|places| places.contains(place)));
    }

    /// Where this trunk is called now, the first to be tried first.
    pub fn by(&self, now: Timestamp, trunk: &str) -> Vec<SocketAddr> {
        let mut places = self.of.get(trunk).cloned().unwrap_or_default();
        places.sort_by_key(|place| self.silent.get(place).is_some_and(|until| *until > now));
        places
    }

    fn was_silent(&mut self, now: Timestamp, place: SocketAddr) {
        self.silent.insert(place, now + SHUNNED);
    }
}

/// What is left to try of a line that nobody has answered yet.
#[derive(Clone, Debug)]
pub(super) struct Instead {
    /// Where it is called now.
    pub(super) at: SocketAddr,
    pub(super) left: VecDeque<(Uri, Hop)>,
    pub(super) from: NameAddr,
    pub(super) headers: Vec<(&'static str, String)>,
    pub(super) trunk: Option<Name>,
}

impl Instead {
    /// How long the place that is called now may say nothing.
    pub(super) fn patience(&self) -> Option<Duration> {
        (!self.left.is_empty()).then_some(ANOTHER_AFTER)
    }
}

impl Switchboard {
    /// A line's session failed before anything was heard of it: calls the next place, where there is one; whether it does.
    pub(super) fn calls_instead(
        &mut self,
        now: Now,
        (leg, session): (LegId, SessionId),
        status: u16,
        out: &mut Vec<Output>,
    ) -> bool {
        let Some(line) = self.lines.get_mut(&leg) else { return false };
        let nobody = matches!(status, 408 | 503);
        let Some(mut instead) = line.instead.take_if(|_| nobody) else { return false };
        self.parts.ways.was_silent(now.at, instead.at);
        let Some((uri, hop)) = instead.left.pop_front() else { return false };
        info!(%leg, silent = %instead.at, next = %hop.remote, status, "the trunk does not answer there: it is called elsewhere");
        instead.at = hop.remote;
        line.sessions.retain(|one| *one != session);
        let local = line.local.clone();
        let called_by = (&instead.from, &instead.headers[..], instead.trunk.as_ref());
        let sessions: SmallVec<_> =
            self.invite(now, leg, vec![(uri, hop)], &local, called_by, instead.patience(), out);
        if let Some(line) = self.lines.get_mut(&leg) {
            line.sessions.extend_from_slice(&sessions);
            line.instead = Some(instead);
        }
        true
    }

    /// Somebody has answered for this session: no other place is called in its stead.
    pub(super) fn is_heard(&mut self, session: SessionId) {
        if let Some(line) = self.sessions.get(&session).and_then(|leg| self.lines.get_mut(leg)) {
            line.instead = None;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_that_has_not_answered_is_tried_last_for_a_minute() {
        let [first, second, third] =
            ["192.0.2.1:5060", "192.0.2.2:5060", "192.0.2.3:5060"].map(|at| at.parse().unwrap());
        let places = |places: &[SocketAddr]| BTreeMap::from([("provider".into(), places.to_vec())]);
        let mut ways = Ways::new(places(&[first, second, third]));
        let at = Timestamp::from_secs;
        assert_eq!(ways.by(at(10), "provider"), [first, second, third]);
        ways.was_silent(at(10), first);
        assert_eq!(ways.by(at(69), "provider"), [second, third, first]);
        assert_eq!(ways.by(at(70), "provider"), [first, second, third]);
        ways.was_silent(at(70), second);
        ways.know(places(&[third, second]));
        assert_eq!(ways.by(at(71), "provider"), [third, second]);
        ways.know(places(&[third]));
        ways.know(places(&[second, third]));
        assert_eq!(ways.by(at(72), "provider"), [second, third], "what DNS has forgotten is forgotten");
        assert!(ways.by(at(72), "other").is_empty());
    }
}
