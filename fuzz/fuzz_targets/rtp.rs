//! Any datagrams on the RTP and RTCP ports of a leg that is joined with another: they are taken or dropped;
//! what is passed on is RTP of one source, and nothing goes anywhere but to the two phones.

#![no_main]

use std::net::SocketAddr;

use libfuzzer_sys::fuzz_target;
use warmline::base::Entropy;
use warmline::base::LegId;
use warmline::base::Timestamp;
use warmline::media::MediaCommand;
use warmline::media::MediaEvent;
use warmline::media::Outlet;
use warmline::media::Streams;
use warmline::media::origin::Origin;
use warmline::media::rtp;
use warmline::sdp::Codec;
use warmline::sdp::Direction;
use warmline::sdp::ExtendedReports;
use warmline::sdp::Negotiated;

fuzz_target!(|data: &[u8]| {
    let mut streams = Streams::new(Entropy::seeded(1));
    let mut sink = Sink { ssrc: None };
    let keys = [1, 2].map(|leg| {
        let key = streams
            .open(Timestamp::ZERO, LegId(leg), Origin::draw(&mut Entropy::seeded(leg)))
            .expect("each leg is opened once");
        let agreed = agreed(leg as u8);
        streams.command(Timestamp::ZERO, MediaCommand::Agree { leg: LegId(leg), agreed }, &mut sink);
        key
    });
    streams.command(Timestamp::ZERO, MediaCommand::Join { a: LegId(1), b: LegId(2) }, &mut sink);
    let (mut now, mut rest) = (0, data);
    // One datagram after the other: a length, where it comes from and how much later, and that many octets.
    while let Some((&[length, how], after)) = rest.split_first_chunk() {
        let (datagram, next) = after.split_at(usize::from(length).min(after.len()));
        now += u64::from(how >> 2) * 5_000;
        let from = if how & 1 == 0 { phone(1) } else { "203.0.113.1:9".parse().expect("an address") };
        let mut datagram = datagram.to_vec();
        if how & 2 == 0 {
            streams.received(Timestamp(now), keys[0], from, &mut datagram, &mut sink);
        } else {
            streams.received_report(Timestamp(now), keys[0], from, &datagram);
        }
        rest = next;
    }
    streams.close(Timestamp(now), keys[0], &mut sink);
});

fn phone(leg: u8) -> SocketAddr {
    SocketAddr::from(([192, 0, 2, leg], 4_000))
}

fn agreed(leg: u8) -> Negotiated {
    Negotiated {
        codec: if leg == 1 { Codec::Pcmu } else { Codec::Pcma },
        payload_type: if leg == 1 { 0 } else { 8 },
        receive_payload_type: if leg == 1 { 0 } else { 8 },
        telephone_event: Some((101, 101)),
        ptime_ms: 20,
        remote_rtp: Some(phone(leg)),
        remote_named: None,
        remote_rtcp: Some(phone(leg)),
        direction: Direction::SendRecv,
        keys_by_info: false,
        extended: ExtendedReports { metrics: true, round_trip: true },
        srtp: None,
    }
}

struct Sink {
    ssrc: Option<u32>,
}

impl Outlet for Sink {
    fn rtp(&mut self, _: usize, to: SocketAddr, packet: &[u8]) {
        let parsed = rtp::parse(packet).expect("ours is RTP");
        assert_eq!(to, phone(2));
        assert!([8, 101].contains(&parsed.header.payload_type));
        assert_eq!(*self.ssrc.get_or_insert(parsed.header.ssrc), parsed.header.ssrc);
    }
    fn rtcp(&mut self, _: usize, _: SocketAddr, _: &[u8]) {}
    fn event(&mut self, _: MediaEvent) {}
    fn closed(&mut self, _: usize) {}
}
