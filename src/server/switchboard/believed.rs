//! Who is believed to have the number that they call from. Anybody writes into From what they like.

use super::Switchboard;
use crate::flow::center::BelieveNumbers;
use crate::sip::api::Incoming;

impl Switchboard {
    /// Whether callers are who they say: by a trunk, by proof, or by where they are. A browser may stand behind a proxy of ours,
    /// and so is nowhere.
    pub(super) fn is_believed(&self, incoming: &Incoming) -> bool {
        let Incoming { hop, trunk, user, .. } = incoming;
        let believe = self.parts.center.believe_numbers;
        let is_there = match hop.transport.is_web() {
            true => believe == BelieveNumbers::FromAnywhere,
            false => believe.holds(hop.remote.ip(), hop.local.ip()),
        };
        trunk.is_some() || user.is_some() || is_there
    }
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;

    use super::super::refer_tests::CALLER;
    use super::super::refer_tests::CENTER;
    use super::super::refer_tests::House;
    use super::super::refer_tests::SDP;
    use super::*;
    use crate::fact::What;
    use crate::sip::Event;
    use crate::sip::Transport;
    use crate::sip::api::Hop;
    use crate::sip::uri::NameAddr;
    use crate::sip::uri::Uri;

    const NUMBER: &str = "+12025550143";

    /// Somebody who names a number, from this address.
    fn incoming(from: &str, transport: Transport, trunk: Option<&str>) -> Incoming {
        let remote: SocketAddr = from.parse().unwrap();
        let hop = Hop { transport, local: "10.0.0.1:5060".parse().unwrap(), remote };
        let who = NameAddr::of(Uri::sip(Some(NUMBER), remote.ip().to_string(), None));
        let to = Uri::sip(Some("1000"), "10.0.0.1", None);
        Incoming {
            session: CALLER,
            hop,
            back: hop,
            sip_call_id: "abc".to_owned(),
            uri: to.clone(),
            caller: Some(who.clone()),
            from: who.clone(),
            to: NameAddr::of(to),
            contact: who.uri.clone(),
            trunk: trunk.map(Into::into),
            user: None,
            replaces: None,
            sdp: Some(SDP.into()),
        }
    }

    fn house(setting: &str) -> House {
        House::of(&format!("{CENTER}{setting}"))
    }

    /// What the history has of a caller: their number, or the one that they are not believed.
    fn caller(setting: &str, from: &str) -> (String, Option<String>) {
        let mut house = house(setting);
        house.sip(Event::Incoming(Box::new(incoming(from, Transport::Udp, None))));
        let number = house.facts.iter().find_map(|what| match what {
            What::CallArrived { from, .. } => Some(from.clone()),
            _ => None,
        });
        let claimed = house.facts.iter().find_map(|what| match what {
            What::NumberNotBelieved { number } => Some(number.clone()),
            _ => None,
        });
        let call = house.switchboard.calls.values().next().expect("they are served all the same");
        assert_eq!(call.number.is_some(), claimed.is_none(), "who has no number is known again by nothing");
        (number.expect("a call arrived"), claimed)
    }

    #[test]
    fn a_number_is_believed_by_where_its_caller_is_or_by_a_trunk() {
        let believed = |setting: &str, from: &str| {
            let (number, claimed) = caller(setting, from);
            match claimed {
                None => assert_eq!(number, NUMBER),
                Some(ref claimed) => assert_eq!((number.as_str(), claimed.as_str()), ("", NUMBER)),
            }
            claimed.is_none()
        };
        let places =
            ["127.0.0.1:5062", "10.0.0.1:5062", "192.168.7.9:5060", "[fd00::9]:5060", "203.0.113.9:5060"];
        for (setting, expected) in [
            ("", [true, true, false, false, false]),
            ("believe_numbers: by trunk\n", [false; 5]),
            ("believe_numbers: from this machine\n", [true, true, false, false, false]),
            ("believe_numbers: from private networks\n", [true, true, true, true, false]),
            ("believe_numbers: from anywhere\n", [true; 5]),
        ] {
            assert_eq!(places.map(|place| believed(setting, place)), expected, "{setting}");
        }
    }

    #[test]
    fn a_trunk_is_believed_wherever_it_is_and_a_browser_nowhere() {
        let believed = |setting: &str, from: &str, transport: Transport, trunk: Option<&str>| {
            house(setting).switchboard.is_believed(&incoming(from, transport, trunk))
        };
        assert!(believed("believe_numbers: by trunk\n", "203.0.113.9:5060", Transport::Udp, Some("carrier")));
        // Behind a reverse proxy everybody comes from this machine.
        for transport in [Transport::Ws, Transport::Wss] {
            assert!(!believed("", "127.0.0.1:40000", transport, None));
            assert!(believed("believe_numbers: from anywhere\n", "127.0.0.1:40000", transport, None));
        }
    }

    #[test]
    fn who_calls_tells_no_terminal_anything() {
        let mut house = house("");
        let mut forger = incoming("127.0.0.1:5062", Transport::Udp, None);
        let caller = forger.caller.as_mut().unwrap();
        caller.uri.user = Some("\u{1b}[31mRED\nFAKE LINE".to_owned());
        caller.display = "\u{1b}]0;mine\u{7}Ann\u{202e}".to_owned();
        forger.uri.user = Some("10\r00".to_owned());
        house.sip(Event::Incoming(Box::new(forger)));
        let told = house.facts.iter().find_map(|what| match what {
            What::CallArrived { from, display, to, .. } => Some((&**from, &**display, &**to)),
            _ => None,
        });
        assert_eq!(told, Some(("[31mREDFAKE LINE", "]0;mineAnn", "1000")));
    }
}
