//! One call through the SIP endpoint as the called side: INVITE, 100, 200, ACK, BYE, 200. No sockets.
//!
//! `cargo bench --no-default-features --bench sip_endpoint`. One iteration is one call; the clock goes on by
//! 10 ms for each, so that as many calls' transactions are absorbing repetitions as at 100 calls a second.

use std::time::Duration;

use bytes::Bytes;
use criterion::Criterion;
use criterion::criterion_group;
use criterion::criterion_main;
use warmline::base::Entropy;
use warmline::base::Timestamp;
use warmline::sip::Command;
use warmline::sip::Endpoint;
use warmline::sip::EndpointConfig;
use warmline::sip::Event;
use warmline::sip::Hop;
use warmline::sip::Input;
use warmline::sip::Output;
use warmline::sip::SessionId;
use warmline::sip::Transport;

const SDP: &str = "v=0\r\no=user1 53655765 2353687637 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\n\
                   t=0 0\r\nm=audio 6000 RTP/AVP 0 8 101\r\na=rtpmap:0 PCMU/8000\r\na=rtpmap:8 PCMA/8000\r\n\
                   a=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-15\r\n";

struct Caller {
    endpoint: Endpoint,
    hop: Hop,
    now: Timestamp,
    number: u64,
    out: Vec<Output>,
}

impl Caller {
    fn new() -> Caller {
        let (local, remote) = ("127.0.0.1:5060".parse().unwrap(), "127.0.0.1:5061".parse().unwrap());
        Caller {
            endpoint: Endpoint::new(EndpointConfig::default(), Entropy::seeded(1)),
            hop: Hop { transport: Transport::Udp, local, remote },
            now: Timestamp::from_secs(1),
            number: 0,
            out: Vec::new(),
        }
    }

    fn receive(&mut self, bytes: Bytes) {
        self.endpoint.handle(self.now, Input::Received { hop: self.hop, bytes }, &mut self.out);
    }

    fn request(&self, method: &str, cseq: u32, tag: &str, body: &str) -> Bytes {
        let number = self.number;
        let to_tag = if tag.is_empty() { String::new() } else { format!(";tag={tag}") };
        let content = if body.is_empty() { "" } else { "Content-Type: application/sdp\r\n" };
        Bytes::from(format!(
            "{method} sip:1000@127.0.0.1:5060 SIP/2.0\r\n\
             Via: SIP/2.0/UDP 127.0.0.1:5061;branch=z9hG4bK-{number}-{cseq}-{method}\r\n\
             From: sipp <sip:sipp@127.0.0.1:5061>;tag=1SIPpTag00{number}\r\n\
             To: 1000 <sip:1000@127.0.0.1:5060>{to_tag}\r\nCall-ID: {number}-1@127.0.0.1\r\n\
             CSeq: {cseq} {method}\r\nContact: sip:sipp@127.0.0.1:5061\r\nMax-Forwards: 70\r\n\
             Subject: Performance Test\r\n{content}Content-Length: {}\r\n\r\n{body}",
            body.len()
        ))
    }

    /// One whole call; the bytes of its requests are made here too, about a tenth of the time.
    fn call(&mut self) {
        self.number += 1;
        self.now += Duration::from_millis(10);
        self.out.clear();
        self.receive(self.request("INVITE", 1, "", SDP));
        let session = SessionId(self.number);
        let incoming = |output: &Output| matches!(output, Output::Event(Event::Incoming(_)));
        assert!(self.out.iter().any(incoming));
        self.out.clear();
        let answer = Command::Answer { session, sdp: Bytes::from_static(SDP.as_bytes()) };
        self.endpoint.handle(self.now, Input::Command(answer), &mut self.out);
        let tag = match &self.out[0] {
            Output::Send { bytes, .. } => to_tag(bytes),
            output => panic!("{output:?}"),
        };
        self.receive(self.request("ACK", 1, &tag, ""));
        self.receive(self.request("BYE", 2, &tag, ""));
        assert_eq!(self.endpoint.session_count(), 0);
    }
}

fn to_tag(bytes: &Bytes) -> String {
    let text = std::str::from_utf8(bytes).unwrap();
    let to = text.lines().find(|line| line.starts_with("To:")).unwrap();
    to.rsplit_once(";tag=").unwrap().1.to_owned()
}

fn called(criterion: &mut Criterion) {
    let mut caller = Caller::new();
    // Until as many transactions end as begin.
    for _ in 0..4_000 {
        caller.call();
    }
    criterion.bench_function("sip endpoint: INVITE, 200, ACK, BYE, 200", |bencher| {
        bencher.iter(|| caller.call());
    });
}

criterion_group!(benches, called);
criterion_main!(benches);
