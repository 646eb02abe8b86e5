//! What peers and we tell each other of what came, through whole streams.

use super::*;

use crate::fact::Quality;
use crate::media::reception::Block;
use crate::media::rtcp;
use crate::media::rtcp::Report;
use crate::media::rtcp::Rtcp;
use crate::media::xr::VoipMetrics;

const C: LegId = LegId(3);
const BOTH: ExtendedReports = ExtendedReports { metrics: true, round_trip: true };

/// The VoIP metrics in a compound packet: the block and its header.
fn metrics(packet: &[u8]) -> Option<&[u8]> {
    packet.windows(36).find(|octets| octets[..4] == [7, 0, 0, 8])
}

#[test]
fn who_asks_is_told_what_was_lost_and_what_came_too_late() {
    for extended in [BOTH, ExtendedReports::default()] {
        let mut rig = Rig::new();
        rig.open(A, Negotiated { extended, ..pcmu(A) });
        rig.open(B, pcmu(B));
        rig.open(C, pcmu(C));
        // C hears both, so A is decoded, and what comes after its time is of no use.
        rig.command(MediaCommand::Hear { leg: C, whom: [A, B].into_iter().collect() });
        for n in 0..500u16 {
            // Each hundred packets four in a row are lost, and one comes when it was given up.
            if !(40..44).contains(&(n % 100)) && n % 100 != 70 {
                rig.say(A, 0, n, &[9; 160]);
            }
            if n % 100 == 85 {
                rig.say(A, 0, n - 15, &[9; 160]);
            }
            rig.run(20);
        }
        rig.command(MediaCommand::Close { leg: A });
        let (_, _, last) = rig.sink.reports.last().unwrap();
        let Some(block) = metrics(last) else {
            assert_eq!(extended, ExtendedReports::default());
            continue;
        };
        assert_eq!(extended, BOTH);
        let [lost, discarded, in_bursts, in_gaps] = block[8..12] else { panic!() };
        assert_eq!((lost, discarded), ((20 * 256 / 500) as u8, (5 * 256 / 500) as u8));
        assert_eq!(
            (in_bursts, in_gaps),
            (255, (5 * 256 / 480) as u8),
            "four in a row are a burst, one is none"
        );
        assert_eq!(block[12..14], 80u16.to_be_bytes(), "ms of a burst");
        let first =
            rig.sink.reports.iter().find_map(|(_, stream, packet)| metrics(packet).filter(|_| *stream == 0));
        assert_eq!(first.unwrap()[28], 0xf0, "decoded: concealed, with a buffer that adapts");
    }
}

#[test]
fn what_the_peer_says_of_what_it_hears_is_in_the_history() {
    let mut rig = Rig::new();
    let key = rig.open(A, Negotiated { extended: BOTH, ..pcmu(A) });
    rig.run(1_000);
    let ssrc = rig.take(A)[0].header.ssrc;
    let mut entropy = Entropy::seeded(8);
    let mut phone = Rtcp::new(&mut entropy);
    let report = Report {
        sent: rtcp::Sent { ssrc: 7, timestamp: 0, packets: 0, octets: 0 },
        block: Some(Block { ssrc, fraction_lost: 9, cumulative_lost: 3, highest_sequence: 99, jitter: 16 }),
        metrics: Some(VoipMetrics {
            ssrc,
            discarded: 5,
            burst_ms: 60,
            r_factor: Some(80),
            ..Default::default()
        }),
        round_trip: true,
    };
    let mut packet = [0; rtcp::LONGEST];
    let length = phone.report(Timestamp::ZERO, report, &mut entropy, &mut packet);
    let elsewhere = "203.0.113.9:4001".parse().unwrap();
    rig.streams.received_report(rig.now(), key, elsewhere, &packet[..length]);
    let close = |rig: &mut Rig| -> Quality {
        rig.command(MediaCommand::Close { leg: A });
        let closed = rig.events().into_iter().find_map(|event| match event {
            MediaEvent::Closed { quality, .. } => Some(quality),
            _ => None,
        });
        closed.unwrap()
    };
    assert_eq!(rig.streams.of(A).unwrap().quality().peer, None, "a stranger's report");
    rig.streams.received_report(rig.now(), key, SocketAddr::new(address(A).ip(), 4_001), &packet[..length]);
    let told = close(&mut rig).peer.unwrap();
    assert_eq!((told.lost, told.jitter_us, told.r_factor), (3, 2_000, Some(80)));
    assert_eq!((told.discarded, told.burst_ms), (Some(5), Some(60)));
}
