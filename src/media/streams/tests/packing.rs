//! Packets of the length that the peer asks for, from 10 to 60 ms.

use super::*;

fn asks_for(leg: LegId, codec: Codec, ptime_ms: u8) -> Negotiated {
    Negotiated { ptime_ms, ..agreed(leg, codec) }
}

/// Every packet is so long, and comes so long after the one before, in time, in sequence and in media time.
fn is_even_in(sent: &[Sent], ptime_ms: u8) {
    let units = u32::from(ptime_ms) * 8;
    assert!(sent.iter().all(|sent| sent.payload.len() == units as usize), "{ptime_ms} ms");
    for pair in sent.windows(2) {
        let (before, after) = (&pair[0], &pair[1]);
        assert_eq!(after.ms - before.ms, u64::from(ptime_ms));
        assert_eq!(after.header.sequence, before.header.sequence.wrapping_add(1), "{ptime_ms} ms");
        assert_eq!(after.header.timestamp, before.header.timestamp.wrapping_add(units), "{ptime_ms} ms");
    }
}

#[test]
fn what_plays_is_sent_in_packets_as_long_as_asked_for_and_whole() {
    for ptime_ms in [10, 20, 30, 40, 50, 60] {
        for (codec, mask) in [(Codec::Pcmu, 0), (Codec::Pcma, 0x80)] {
            let mut rig = Rig::new();
            // Another stream takes the first slot: so this one's half lies elsewhere.
            rig.open(B, pcmu(B));
            rig.open(A, asks_for(A, codec, ptime_ms));
            rig.run(1_000);
            rig.command(play(A, 1, &[clip(1, 60)]));
            rig.run(3_000);
            assert_eq!(rig.events(), [ended(A, 1, false)]);
            let sent = rig.take(A);
            is_even_in(&sent, ptime_ms);
            let octets: Vec<u8> = sent.iter().flat_map(|sent| sent.payload.iter().copied()).collect();
            let clip: Vec<u8> = (1..=60).flat_map(|octet| [octet | mask; 160]).collect();
            assert!(octets.windows(clip.len()).any(|window| window == clip), "{ptime_ms} ms {codec:?}");
        }
    }
}

#[test]
fn who_sends_other_packets_than_the_listener_wants_is_packed_anew() {
    for (theirs, wanted) in [(20, 30), (20, 10), (40, 20), (60, 20), (10, 60)] {
        let mut rig = Rig::new();
        rig.open(A, asks_for(A, Codec::Pcmu, theirs));
        rig.open(B, asks_for(B, Codec::Pcmu, wanted));
        rig.command(MediaCommand::Join { a: A, b: B });
        let units = u32::from(theirs) * 8;
        for sequence in 0..(3_000 / u16::from(theirs)) {
            let timestamp = u32::from(sequence) * units;
            let header = Header { marker: false, payload_type: 0, sequence, timestamp, ssrc: 1_001 };
            rig.say_from(A, address(A), header, &vec![7; units as usize]);
            rig.run(theirs.into());
        }
        let sent = rig.take(B);
        is_even_in(&sent, wanted);
        let heard = sent.iter().rev().take_while(|sent| sent.payload.iter().all(|octet| *octet == 7)).count();
        assert!(heard * usize::from(wanted) > 2_500, "{theirs} to {wanted} ms: {heard} packets");
    }
}

#[test]
fn who_wants_as_long_packets_as_the_other_sends_is_handed_them_as_they_come() {
    let mut rig = Rig::new();
    rig.open(A, asks_for(A, Codec::Pcmu, 30));
    rig.open(B, asks_for(B, Codec::Pcma, 30));
    rig.command(MediaCommand::Join { a: A, b: B });
    rig.say(A, 0, 1, &[0x1e; 240]);
    let sent = rig.take(B);
    assert_eq!((sent.len(), &sent[0].payload[..]), (1, &[0x34; 240][..]));
}

#[test]
fn another_length_is_agreed_on_within_a_call_and_a_closed_line_leaves_nothing() {
    let mut rig = Rig::pair();
    rig.run(1_000);
    for ptime_ms in [30, 10, 20, 60, 50] {
        rig.take(A);
        rig.command(MediaCommand::Agree { leg: A, agreed: asks_for(A, Codec::Pcmu, ptime_ms) });
        rig.run(1_200);
        is_even_in(&rig.take(A), ptime_ms);
    }
    rig.command(MediaCommand::Close { leg: A });
    rig.run(200);
    assert!(rig.sink.sent.iter().all(|sent| sent.stream == rig.streams.key_of(B).unwrap()));
    assert!(rig.streams.halves.iter().all(Vec::is_empty));
}
