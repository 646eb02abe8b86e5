//! Callers for whom nobody speaks, neither a trunk nor a password: how many calls one network of them may have, and when one ends
//! of whom nothing is heard. So does one to whoever is called back at the contact that they named themselves.

use std::collections::HashMap; // looked up only
use std::net::IpAddr;
use std::time::Duration;

use serde::Deserialize;
use serde::Serialize;
use tracing::warn;

use super::Now;
use super::Output;
use super::Streams;
use super::Switchboard;
use super::lines::Line;
use crate::base::LegId;
use crate::base::Timestamp;
use crate::base::network;
use crate::media::MediaCommand;
use crate::media::control::Asked;
use crate::sip::Command;
use crate::sip::api::EndReason;
use crate::sip::api::Incoming;

/// The part of all calls that one network of strangers may have: a quarter, as of the web's connections.
const PART: usize = 4;
/// And so many at least, however small the server is.
const FEWEST: usize = 8;
/// Calls of one network of strangers that we answered and that were not acknowledged yet. An ACK takes as long as the way there and
/// back; whoever leaves more of them open sends none.
const UNACKNOWLEDGED: usize = 16;
/// The same of all networks of strangers together: as many as [`PART`] of all calls, and at least so many. Trunks and phones of ours
/// have the rest, however many addresses somebody has.
const FEWEST_UNACKNOWLEDGED: usize = 64;
/// The log tells of refused strangers so often at most.
const TOLD_EVERY: Duration = Duration::from_secs(60);
/// Why a call ended of which nothing was ever heard, in words for the history.
const UNHEARD: &str = "nothing ever came from the phone";

/// What a line of a stranger has of its network's share.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Stranger {
    network: IpAddr,
    /// Whether we answered.
    answered: bool,
}

impl Stranger {
    /// None where somebody speaks for the caller.
    pub(super) fn of(incoming: &Incoming) -> Option<Stranger> {
        let is_known = incoming.trunk.is_some() || incoming.user.is_some();
        let network = network(incoming.hop.remote.ip());
        (!is_known).then_some(Stranger { network, answered: false })
    }

    /// Their network, where that is not this machine.
    pub(super) fn elsewhere(self) -> Option<IpAddr> {
        Some(self.network).filter(|network| !is_this_machine(*network))
    }
}

/// Lines of strangers, by network. There are no more of them than lines.
#[derive(Debug)]
pub(super) struct Strangers {
    networks: HashMap<IpAddr, Share>,
    /// So many calls a network may have at least.
    pub(super) fewest: usize,
    /// Of all networks, but this machine.
    unacknowledged: usize,
    /// When the log was told last of a network that had its share, and of all together.
    told: Option<Timestamp>,
    told_of_all: Option<Timestamp>,
}

/// Why a stranger has no place left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Taken {
    /// Their network has its share.
    ByNetwork,
    /// All of them together leave too many answers unacknowledged.
    ByAll,
}

impl Default for Strangers {
    fn default() -> Strangers {
        Strangers {
            networks: HashMap::new(),
            fewest: FEWEST,
            unacknowledged: 0,
            told: None,
            told_of_all: None,
        }
    }
}

/// What a network has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Share {
    lines: usize,
    unacknowledged: usize,
}

impl Strangers {
    /// Whether one more of them may call, where there is room for so many calls of anybody; why not. From this machine itself, where a
    /// proxy or a test brings everybody, all may.
    fn may_call(&self, stranger: Stranger, most: usize) -> Result<(), Taken> {
        let Share { lines, unacknowledged } =
            self.networks.get(&stranger.network).copied().unwrap_or_default();
        let part = most.div_ceil(PART);
        if stranger.elsewhere().is_none() {
            Ok(())
        } else if lines >= part.max(self.fewest) || unacknowledged >= UNACKNOWLEDGED {
            Err(Taken::ByNetwork)
        } else if self.unacknowledged >= part.max(FEWEST_UNACKNOWLEDGED) {
            Err(Taken::ByAll)
        } else {
            Ok(())
        }
    }

    /// Whether the log is to be told of this now.
    fn is_news(&mut self, now: Timestamp, taken: Taken) -> bool {
        let told = match taken {
            Taken::ByNetwork => &mut self.told,
            Taken::ByAll => &mut self.told_of_all,
        };
        let is_news = told.is_none_or(|told| now.since(told) >= TOLD_EVERY);
        *told = if is_news { Some(now) } else { *told };
        is_news
    }

    /// A line begins, or is gone on with.
    pub(super) fn begins(&mut self, line: &Line) {
        if let Some(Stranger { network, answered }) = line.stranger {
            self.networks.entry(network).or_default().lines += 1;
            if answered && !line.up {
                self.owes(network);
            }
        }
    }

    /// An answer to somebody there is not acknowledged yet.
    fn owes(&mut self, network: IpAddr) {
        self.networks.entry(network).or_default().unacknowledged += 1;
        self.unacknowledged += usize::from(!is_this_machine(network));
    }

    /// A line was answered.
    fn answered(&mut self, line: &mut Line) {
        let up = line.up;
        let Some(stranger) = line.stranger.as_mut().filter(|stranger| !stranger.answered && !up) else {
            return;
        };
        stranger.answered = true;
        let network = stranger.network;
        self.owes(network);
    }

    /// Its caller acknowledged that, and the line is not up yet.
    fn acknowledged(&mut self, line: &Line) {
        let Some(stranger) = line.stranger.filter(|stranger| stranger.answered && !line.up) else { return };
        if let Some(share) = self.networks.get_mut(&stranger.network) {
            share.unacknowledged -= 1;
            self.unacknowledged -= usize::from(!is_this_machine(stranger.network));
        }
    }

    /// A line is no more.
    pub(super) fn gone(&mut self, line: &Line) {
        self.acknowledged(line);
        let Some(Stranger { network, .. }) = line.stranger else { return };
        if let Some(share) = self.networks.get_mut(&network) {
            share.lines -= 1;
            if share.lines == 0 {
                self.networks.remove(&network);
            }
        }
    }
}

impl Switchboard {
    /// Whether whoever calls has a place left: who is a stranger, within their network's share.
    pub(super) fn has_share(&mut self, now: Now, incoming: &Incoming) -> bool {
        let Some(stranger) = Stranger::of(incoming) else { return true };
        let Err(taken) = self.strangers.may_call(stranger, self.parts.max_calls) else { return true };
        if self.strangers.is_news(now.at, taken) {
            let (network, unacknowledged) = (stranger.network, self.strangers.unacknowledged);
            match taken {
                Taken::ByNetwork => {
                    warn!(%network, "more calls at once than one network of strangers may have are refused; where that is a trunk, it should be one of `trunks` in center.yaml");
                }
                Taken::ByAll => {
                    warn!(
                        unacknowledged,
                        "calls of strangers are refused, for too many were answered whom nobody acknowledged; those of trunks and of phones that sign in are taken"
                    );
                }
            }
        }
        false
    }

    /// A caller's line is answered: until that is acknowledged, whoever is to have the audio may know nothing of it.
    pub(super) fn doubts(&mut self, leg: LegId, streams: &mut dyn Streams) {
        let Some(line) = self.lines.get_mut(&leg) else { return };
        self.strangers.answered(line);
        if !line.is_in_browser() {
            streams.send(leg.call(), MediaCommand::Asked { leg, asked: Asked::Unacknowledged });
        }
    }

    /// The answer is acknowledged: a trunk and a phone of ours will have meant what they wrote, of a stranger it is seen.
    pub(super) fn believes(&mut self, leg: LegId, streams: &mut dyn Streams) {
        let Some(line) = self.lines.get(&leg) else { return };
        self.strangers.acknowledged(line);
        if !line.is_in_browser() {
            streams.send(leg.call(), MediaCommand::Asked { leg, asked: line.is_asked() });
        }
    }

    /// Nothing ever came from a stranger who was sent audio for so long: whoever has it need not have asked for it.
    pub(super) fn unheard(&mut self, now: Now, leg: LegId, streams: &mut dyn Streams, out: &mut Vec<Output>) {
        let Some(line) = self.lines.get(&leg).filter(|line| line.doubtful().is_some() && line.up) else {
            return;
        };
        for session in line.sessions.clone() {
            self.command(now, Command::End { session, reason: EndReason::Normal }, out);
        }
        self.line_ended(leg, UNHEARD.into(), streams);
    }
}

impl Line {
    /// How far it is known, once it is up, that who is sent its audio asked for it.
    pub(super) fn is_asked(&self) -> Asked {
        match self.doubtful() {
            Some(network) if !stays_here(self, network) => Asked::ByStranger,
            _ => Asked::Known,
        }
    }

    /// The network of whoever it is with, where nobody speaks for them: a stranger's who calls, or that of a contact that is called back.
    fn doubtful(&self) -> Option<IpAddr> {
        self.stranger.map(|stranger| stranger.network).or(self.contact)
    }
}

/// Whether a call is with somebody on this machine and its audio goes nowhere else, as `warmline load` has it: nobody else is bothered.
fn stays_here(line: &Line, with: IpAddr) -> bool {
    let to = line.agreed.as_ref().and_then(|agreed| agreed.remote_rtp);
    is_this_machine(with) && to.is_some_and(|to| is_this_machine(to.ip()))
}

fn is_this_machine(network: IpAddr) -> bool {
    network == IpAddr::from([127, 0, 0, 1]) || network == IpAddr::from(std::net::Ipv6Addr::LOCALHOST)
}

#[cfg(test)]
impl Switchboard {
    /// What is counted is what there is.
    pub(super) fn check_strangers(&self) {
        let mut counted = Strangers::default();
        self.lines.values().for_each(|line| counted.begins(line));
        let all = |strangers: &Strangers| (strangers.networks.clone(), strangers.unacknowledged);
        assert_eq!(all(&self.strangers), all(&counted));
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::super::Input;
    use super::super::refer_tests::CENTER;
    use super::super::refer_tests::House;
    use super::super::refer_tests::NOW;
    use super::super::refer_tests::SDP;
    use super::super::tests::FakeStreams;
    use super::*;
    use crate::base::CallId;
    use crate::base::Secret;
    use crate::call::CallAction;
    use crate::fact::What;
    use crate::flow::api::Proof;
    use crate::flow::api::VerifyResult;
    use crate::sip::Event;
    use crate::sip::Hop;
    use crate::sip::SessionId;
    use crate::sip::Transport;
    use crate::sip::uri::NameAddr;
    use crate::sip::uri::Uri;

    /// A house with room for so many calls.
    fn house(max_calls: usize) -> House {
        let mut house = House::of(CENTER);
        house.switchboard.parts.max_calls = max_calls;
        house.streams = FakeStreams::with_ports(10 * max_calls);
        house
    }

    /// Whether a call is taken that comes from there.
    fn calls(house: &mut House, session: u64, from: &str, known: (Option<&str>, Option<&str>)) -> bool {
        offers(house, session, from, known, SDP)
    }

    /// The same, with this description.
    fn offers(
        house: &mut House,
        session: u64,
        from: &str,
        known: (Option<&str>, Option<&str>),
        sdp: &str,
    ) -> bool {
        let hop = Hop {
            transport: Transport::Udp,
            local: "10.0.0.1:5060".parse().unwrap(),
            remote: format!("{from}:5060").parse().unwrap(),
        };
        let who = |user| NameAddr::of(Uri::sip(user, "10.0.0.1", None));
        let session = SessionId(session);
        house.sip(Event::Incoming(Box::new(Incoming {
            session,
            hop,
            back: hop,
            sip_call_id: format!("call-{}", session.0),
            uri: who(Some("1000")).uri,
            caller: None,
            from: who(None),
            to: who(Some("1000")),
            contact: who(None).uri,
            trunk: known.0.map(Into::into),
            user: known.1.map(Into::into),
            replaces: None,
            sdp: Some(sdp.to_owned().into()),
        })));
        house.switchboard.check_strangers();
        house.switchboard.sessions.contains_key(&session)
    }

    const NOBODY: (Option<&str>, Option<&str>) = (None, None);

    #[test]
    fn strangers_of_one_network_leave_places_for_everybody_else() {
        let mut house = house(40);
        let taken = (1..=15).filter(|session| calls(&mut house, *session, "192.0.2.1", NOBODY)).count();
        assert_eq!(taken, 10, "a quarter");
        assert!(calls(&mut house, 20, "192.0.2.1", (Some("provider"), None)), "a trunk");
        assert!(calls(&mut house, 21, "192.0.2.1", (None, Some("alice"))), "who proved to be one of us");
        assert!(calls(&mut house, 22, "192.0.2.2", NOBODY), "another network");
        assert!(!calls(&mut house, 23, "[::ffff:192.0.2.1]", NOBODY), "the same in other clothes");
        let beside = (30..60).filter(|session| calls(&mut house, *session, "127.0.0.1", NOBODY)).count();
        assert_eq!(beside, 27, "this machine has what is left");
        // Who hangs up makes room.
        house.sip(Event::Ended { session: SessionId(1), cause: crate::sip::api::EndCause::Bye });
        house.closes();
        assert!(calls(&mut house, 61, "192.0.2.1", NOBODY));
        assert!(!calls(&mut house, 62, "192.0.2.1", NOBODY));
    }

    #[test]
    fn who_acknowledges_no_answer_gets_few() {
        let mut house = house(400);
        let answers = |house: &mut House, session: u64, from: &str| {
            let taken = calls(house, session, from, NOBODY);
            if let Some(leg) = house.switchboard.sessions.get(&SessionId(session)).copied() {
                house.answers(leg);
            }
            house.switchboard.check_strangers();
            taken
        };
        let taken = (1..=20).filter(|session| answers(&mut house, *session, "192.0.2.1")).count();
        assert_eq!(taken, UNACKNOWLEDGED);
        assert!(answers(&mut house, 21, "192.0.2.2"), "another network");
        for _ in 0..2 {
            house.sip(Event::Acked { session: SessionId(1), sdp: None });
        }
        assert!(answers(&mut house, 22, "192.0.2.1"), "one was acknowledged");
        assert!(!answers(&mut house, 23, "192.0.2.1"), "one");
        assert!((100..200).all(|session| answers(&mut house, session, "127.0.0.1")), "this machine");
        house.sip(Event::Ended { session: SessionId(2), cause: crate::sip::api::EndCause::NoAck });
        house.closes();
        assert!(answers(&mut house, 24, "192.0.2.1"), "one was given up");
    }

    #[test]
    fn strangers_of_ever_so_many_networks_who_acknowledge_nothing_leave_places_for_trunks() {
        for (max_calls, most) in [(200, FEWEST_UNACKNOWLEDGED), (400, 100)] {
            let mut house = house(max_calls);
            let answers = |house: &mut House, session: u64, from: &str| {
                let taken = calls(house, session, from, NOBODY);
                if let Some(leg) = house.switchboard.sessions.get(&SessionId(session)).copied() {
                    house.answers(leg);
                }
                house.switchboard.check_strangers();
                taken
            };
            let network = |session: u64| format!("192.0.2.{}", session % 20);
            let taken = (1..=150).filter(|session| answers(&mut house, *session, &network(*session)));
            assert_eq!(taken.count(), most);
            assert!(!answers(&mut house, 200, "198.51.100.1"), "a network of which nobody had called");
            assert!(calls(&mut house, 201, "192.0.2.1", (Some("provider"), None)), "a trunk");
            assert!(calls(&mut house, 202, "192.0.2.1", (None, Some("alice"))), "who proved to be one of us");
            assert!(answers(&mut house, 203, "127.0.0.1"), "this machine");
            house.sip(Event::Acked { session: SessionId(1), sdp: None });
            assert!(answers(&mut house, 204, "198.51.100.1"), "one was acknowledged");
            assert!(!answers(&mut house, 205, "198.51.100.1"), "one");
            house.sip(Event::Ended { session: SessionId(2), cause: crate::sip::api::EndCause::NoAck });
            house.closes();
            assert!(answers(&mut house, 206, "198.51.100.1"), "one was given up");
        }
    }

    #[test]
    fn the_log_is_told_once_a_minute_of_each_bound() {
        let mut strangers = Strangers::default();
        let told = [
            (0, Taken::ByAll),
            (0, Taken::ByNetwork),
            (59, Taken::ByAll),
            (60, Taken::ByAll),
            (61, Taken::ByAll),
        ]
        .map(|(secs, taken)| strangers.is_news(Timestamp::from_secs(secs), taken));
        assert_eq!(told, [true, true, false, true, false]);
    }

    #[test]
    fn who_calls_from_this_machine_is_doubted_only_where_the_audio_leaves_it() {
        for (from, to, asked) in [
            ("127.0.0.1", "127.0.0.1", Asked::Known),
            ("127.0.0.1", "127.0.0.9", Asked::ByStranger),
            ("127.0.0.1", "10.0.0.9", Asked::ByStranger),
            ("192.0.2.1", "127.0.0.1", Asked::ByStranger),
        ] {
            let mut house = house(8);
            assert!(offers(&mut house, 1, from, NOBODY, &SDP.replace("10.0.0.9", to)));
            let leg = house.switchboard.sessions[&SessionId(1)];
            house.answers(leg);
            house.sip(Event::Acked { session: SessionId(1), sdp: None });
            assert_eq!(house.streams.asked.get(&leg), Some(&asked), "{from} {to}");
        }
    }

    #[test]
    fn a_stranger_is_wrong_as_often_as_their_network_may_be_whatever_number_they_say() {
        let mut house = house(400);
        let verify = |house: &mut House, call: CallId| {
            let mut out = Vec::new();
            let action =
                CallAction::Verify { account: "1".to_owned(), proof: Proof::Pin(Secret::new("1234")) };
            house.switchboard.act(NOW, call, action, &mut house.streams, &mut out);
            out.iter().any(|output| matches!(output, Output::Verify { .. }))
        };
        let mut checked = Vec::new();
        for (session, from) in [(1, "192.0.2.1"), (2, "192.0.2.1"), (3, "192.0.2.2"), (4, "127.0.0.1")] {
            assert!(calls(&mut house, session, from, NOBODY));
            let call = house.switchboard.sessions[&SessionId(session)].call();
            let tries = if session == 3 { 3 } else { 25 };
            let checks = (0..tries).filter(|_| {
                let checks = verify(&mut house, call);
                if checks {
                    house.tell(Input::Verified { call, result: VerifyResult::Wrong });
                }
                checks
            });
            checked.push(checks.count());
        }
        assert_eq!(checked, [25, 5, 3, 25]);
    }

    #[test]
    fn who_is_called_back_at_a_contact_that_they_named_is_doubted_and_who_is_by_a_trunk_is_not() {
        const TRUNK: &str = "trunks: { provider: { out: 192.0.2.7 } }\n";
        for (known, doubted) in [(NOBODY, true), ((Some("provider"), None), false)] {
            let mut house = House::of(&format!("{CENTER}{TRUNK}"));
            let places = vec!["192.0.2.7:5060".parse().unwrap()];
            house.switchboard.parts.ways.know(BTreeMap::from([("provider".into(), places)]));
            assert!(calls(&mut house, 1, "10.0.0.9", known));
            let call = house.switchboard.sessions[&SessionId(1)].call();
            let leg = LegId::of(call, 40);
            let dials = CallAction::DialCaller { leg, number: "+12025550143".to_owned() };
            house.switchboard.act(NOW, call, dials, &mut house.streams, &mut Vec::new());
            let session = house.switchboard.lines[&leg].sessions[0];
            house.picks_up(session);
            let asked = house.streams.asked.get(&leg);
            assert_eq!(asked, doubted.then_some(&Asked::ByStranger), "{known:?}");
            house.tells(crate::media::MediaEvent::Unheard { leg });
            assert_eq!(house.switchboard.sessions.contains_key(&session), !doubted, "{known:?}");
            house.closes();
            house.switchboard.check_strangers();
        }
    }

    #[test]
    fn a_call_of_which_nothing_is_ever_heard_ends_and_says_so_unless_somebody_speaks_for_it() {
        for (known, ends) in [(NOBODY, true), ((Some("provider"), None), false)] {
            let mut house = house(8);
            assert!(calls(&mut house, 1, "192.0.2.1", known));
            let leg = house.switchboard.sessions[&SessionId(1)];
            house.answers(leg);
            assert_eq!(house.streams.asked.get(&leg), Some(&Asked::Unacknowledged));
            house.sip(Event::Acked { session: SessionId(1), sdp: None });
            let asked = if ends { Asked::ByStranger } else { Asked::Known };
            assert_eq!(house.streams.asked.get(&leg), Some(&asked));
            house.tells(crate::media::MediaEvent::Unheard { leg });
            assert_eq!(house.switchboard.sessions.is_empty(), ends);
            house.closes();
            let cause = house.facts.iter().find_map(|what| match what {
                What::CallEnded { cause, .. } => Some(cause.clone()),
                _ => None,
            });
            assert_eq!(cause.as_deref(), ends.then_some(UNHEARD), "{:?}", house.facts);
        }
    }
}
