//! What is sent to an address that offer and answer named, and from which nothing comes.

use super::*;
use crate::media::control::Asked;
use crate::media::origin::Came;
use crate::media::stream::UNACKNOWLEDGED;
use crate::media::stream::UNHEARD;

/// As many packets are so long.
fn packets(duration: Duration) -> usize {
    (duration.as_millis() / 20) as usize
}

fn answered() -> Rig {
    let mut rig = Rig::new();
    rig.open(A, pcmu(A));
    rig.asked(Asked::Unacknowledged);
    rig
}

impl Rig {
    fn asked(&mut self, asked: Asked) {
        self.command(MediaCommand::Asked { leg: A, asked });
    }

    /// A report of the peer's comes from there.
    fn report_from(&mut self, from: &str) {
        let key = self.streams.key_of(A).unwrap();
        self.streams.received_report(self.now(), key, from.parse().unwrap(), &[0x80, 201, 0, 1, 0, 0, 0, 1]);
    }
}

#[test]
fn who_does_not_acknowledge_is_sent_half_a_second_and_misses_nothing_of_what_plays() {
    for by_audio in [false, true] {
        let mut rig = answered();
        rig.command(play(A, 1, &[clip(1, 60)]));
        rig.run(10_000);
        let before = rig.take(A);
        assert_eq!(before.len(), packets(UNACKNOWLEDGED));
        assert!(rig.sink.reports.is_empty());
        assert!(!rig.events().contains(&ended(A, 1, false)));
        match by_audio {
            true => rig.say(A, 0, 1, &[7; 160]),
            false => rig.asked(Asked::Known),
        }
        rig.run(2_000);
        let all: Vec<Sent> = before.into_iter().chain(rig.take(A)).collect();
        assert_eq!(
            first_bytes(&all)[..60],
            (1..=60).collect::<Vec<u8>>(),
            "from its first frame to its last"
        );
        assert!(rig.events().contains(&ended(A, 1, false)));
    }
}

#[test]
fn who_acknowledges_in_time_notices_nothing() {
    let mut rig = answered();
    rig.run(300);
    rig.asked(Asked::ByStranger);
    rig.say(A, 0, 1, &[7; 160]);
    rig.run(60_000);
    let sent = rig.take(A);
    is_even(&sent);
    assert_eq!(sent.len(), packets(Duration::from_millis(60_300)));
}

#[test]
fn a_stranger_from_whom_nothing_comes_is_sent_no_more_and_that_is_told_once() {
    let mut rig = answered();
    rig.asked(Asked::ByStranger);
    rig.run(100_000);
    assert_eq!(rig.take(A).len(), packets(UNHEARD));
    let unheard = MediaEvent::Unheard { leg: A };
    assert_eq!(rig.events(), [MediaEvent::AudioLost { leg: A }, unheard]);
    let late = rig.sink.reports.iter().filter(|(ms, ..)| u128::from(*ms) > UNHEARD.as_millis() + 100).count();
    assert_eq!(late, 0);
    // Whoever is there after all is heard.
    rig.say(A, 0, 1, &[7; 160]);
    rig.run(1_000);
    assert_eq!(rig.take(A).len(), 50);
}

#[test]
fn who_is_muted_or_held_after_they_were_heard_is_sent_to_for_ever() {
    // A frame of audio, a report, and what keeps a NAT's mapping alive with a payload type of nobody's (RFC 6263 §4.6).
    for sign in 0..3 {
        let mut rig = answered();
        rig.asked(Asked::ByStranger);
        rig.run(1_000);
        match sign {
            0 => rig.say(A, 0, 1, &[7; 160]),
            1 => rig.report_from("192.0.2.1:4001"),
            _ => rig.say(A, 120, 1, &[]),
        }
        rig.run(100_000);
        assert_eq!(rig.take(A).len(), packets(Duration::from_secs(101)), "{sign}");
        assert!(!rig.events().contains(&MediaEvent::Unheard { leg: A }));
    }
}

#[test]
fn after_a_restart_who_was_there_may_be_muted_for_ever_and_who_never_was_is_told_of() {
    let there = |from: &str| Some(from.parse().unwrap());
    for (anything, from, sent_for) in [
        (true, there("192.0.2.1"), Duration::from_secs(100)),
        // What was proven was another place than the one that the description names.
        (true, there("203.0.113.9"), UNHEARD),
        (true, None, UNHEARD),
        (false, None, UNHEARD),
    ] {
        let mut rig = Rig::new();
        let came = Came { anything, from };
        rig.streams.open(rig.now(), A, Origin { came, ..origin(A) }).unwrap();
        rig.command(MediaCommand::Agree { leg: A, agreed: pcmu(A) });
        rig.asked(Asked::ByStranger);
        rig.run(100_000);
        assert_eq!(rig.take(A).len(), packets(sent_for), "{came:?}");
        let mut told = vec![MediaEvent::AudioLost { leg: A }];
        told.extend((!anything).then_some(MediaEvent::Unheard { leg: A }));
        assert_eq!(rig.events(), told, "{came:?}");
    }
}

#[test]
fn whom_we_hold_or_who_holds_us_from_the_first_moment_is_not_sent_to_and_not_given_up() {
    let mut rig = answered();
    rig.asked(Asked::ByStranger);
    rig.command(MediaCommand::Agree {
        leg: A,
        agreed: Negotiated { direction: Direction::RecvOnly, ..pcmu(A) },
    });
    rig.run(100_000);
    assert_eq!((rig.take(A).len(), rig.events()), (0, vec![MediaEvent::AudioLost { leg: A }]));
}

#[test]
fn a_stranger_who_moves_elsewhere_is_sent_to_there_only_for_as_long_until_something_comes_from_there() {
    let elsewhere = |address: &str| Negotiated { remote_rtp: Some(address.parse().unwrap()), ..pcmu(A) };
    let mut rig = answered();
    rig.asked(Asked::ByStranger);
    rig.say(A, 0, 1, &[7; 160]);
    rig.run(1_000);
    rig.take(A);
    rig.command(MediaCommand::Agree { leg: A, agreed: elsewhere("203.0.113.9:7000") });
    rig.run(100_000);
    assert_eq!(rig.take(A).len(), packets(UNHEARD));
    // The call is not given up: its phone was there. Another port of the same place is the same place.
    assert!(!rig.events().contains(&MediaEvent::Unheard { leg: A }));
    rig.command(MediaCommand::Agree { leg: A, agreed: elsewhere("192.0.2.1:4444") });
    rig.run(60_000);
    assert_eq!(rig.take(A).len(), packets(Duration::from_secs(60)));
    // A border controller that fails over sends from where it says it is now.
    rig.command(MediaCommand::Agree { leg: A, agreed: elsewhere("203.0.113.10:7000") });
    let header = Header { marker: false, payload_type: 0, sequence: 9, timestamp: 9, ssrc: 77 };
    rig.say_from(A, "203.0.113.10:7000".parse().unwrap(), header, &[7; 160]);
    rig.run(60_000);
    assert_eq!(rig.take(A).len(), packets(Duration::from_secs(60)));
}
