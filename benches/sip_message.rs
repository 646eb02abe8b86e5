//! What one SIP message costs: reading a 1.3 kB INVITE, answering it, checking a digest.

use std::hint::black_box;
use std::time::Duration;

use bytes::Bytes;
use criterion::Criterion;
use criterion::criterion_group;
use criterion::criterion_main;
use warmline::base::Entropy;
use warmline::base::Timestamp;
use warmline::sdp;
use warmline::sip::digest::Authenticator;
use warmline::sip::digest::Authorization;
use warmline::sip::digest::Credentials;
use warmline::sip::digest::Ha1;
use warmline::sip::message::Message;
use warmline::sip::message::StreamFramer;

/// An INVITE as a softphone behind one proxy sends it: 1.3 kB.
const HEAD: &str = "INVITE sip:1000@127.0.0.1:5060 SIP/2.0\r\n\
    Via: SIP/2.0/UDP 192.0.2.10:5060;branch=z9hG4bK1d32.a4c1f7e2b5d60b8e0f1c7a2d94e3b6f1.0\r\n\
    Via: SIP/2.0/UDP 198.51.100.23:49872;rport=49872;branch=z9hG4bKPjQxk4tPq2mNbVcXzLkJhGfDsAq;received=198.51.100.23\r\n\
    Record-Route: <sip:192.0.2.10;lr;ftag=7f3e9a5b2c>\r\n\
    Max-Forwards: 69\r\n\
    From: \"Ann Example\" <sip:+12025550143@trunk.example.net>;tag=7f3e9a5b2c\r\n\
    To: <sip:1000@127.0.0.1>\r\n\
    Contact: <sip:+12025550143@198.51.100.23:49872;transport=udp;ob>\r\n\
    Call-ID: 8d2f6c1e-4b7a-4f0c-9e55-1a2b3c4d5e6f@198.51.100.23\r\n\
    CSeq: 17342 INVITE\r\n\
    Allow: PRACK, INVITE, ACK, BYE, CANCEL, UPDATE, INFO, SUBSCRIBE, NOTIFY, REFER, MESSAGE, OPTIONS\r\n\
    Supported: replaces, 100rel, timer, norefersub\r\n\
    Session-Expires: 1800\r\n\
    Min-SE: 90\r\n\
    P-Asserted-Identity: \"Ann Example\" <sip:+12025550143@trunk.example.net>\r\n\
    User-Agent: Example Softphone 5.14.2 (Linux x86_64)\r\n\
    Content-Type: application/sdp\r\n";

const SDP: &str = "v=0\r\no=- 3909136142 3909136142 IN IP4 198.51.100.23\r\ns=session\r\n\
    c=IN IP4 198.51.100.23\r\nt=0 0\r\nm=audio 40012 RTP/AVP 8 0 101\r\nc=IN IP4 198.51.100.23\r\n\
    a=rtcp:40013 IN IP4 198.51.100.23\r\na=sendrecv\r\na=rtpmap:8 PCMA/8000\r\na=rtpmap:0 PCMU/8000\r\n\
    a=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-16\r\na=ptime:20\r\n";

fn invite() -> Bytes {
    Bytes::from(format!("{HEAD}Content-Length: {}\r\n\r\n{SDP}", SDP.len()))
}

fn messages(c: &mut Criterion) {
    let bytes = invite();
    c.bench_function(&format!("parse a {} byte INVITE", bytes.len()), |b| {
        b.iter(|| Message::parse(black_box(&bytes).clone()));
    });
    let Ok(Message::Request(request)) = Message::parse(bytes.clone()) else { panic!("the INVITE is good") };
    c.bench_function("print that INVITE", |b| b.iter(|| black_box(&request).to_bytes()));
    c.bench_function("answer it with 180", |b| {
        b.iter(|| {
            let mut ringing = black_box(&request).response(180);
            ringing.set_to_tag("a1b2c3d4");
            ringing.to_bytes()
        });
    });
    c.bench_function("stamp its Via", |b| {
        let source = "192.0.2.10:5060".parse().expect("an address");
        b.iter(|| black_box(&request).clone().headers.stamp_via(source));
    });
    c.bench_function("frame it from a stream", |b| {
        b.iter(|| {
            let mut framer = StreamFramer::new();
            framer.push(black_box(&bytes));
            framer.next()
        });
    });
}

fn descriptions(c: &mut Criterion) {
    let local = sdp::Local {
        address: "127.0.0.1".parse().expect("an address"),
        port: 20_000,
        codecs: sdp::Codec::SUPPORTED.to_vec(),
        direction: sdp::Direction::SendRecv,
        session: 1,
        version: 1,
        keys_by_info: false,
        srtp: None,
    };
    c.bench_function("answer its SDP", |b| b.iter(|| sdp::answer(black_box(SDP), &local)));
}

fn digest(c: &mut Criterion) {
    let now = Timestamp::from_secs(1);
    let server = Authenticator::new("warmline", &mut Entropy::seeded(1));
    let password = warmline::base::Secret::new("warmline");
    let credentials = Credentials { username: "alice".to_owned(), password };
    let ha1 = Ha1::of("alice", "warmline", "warmline");
    let challenge = server.challenges(now, false)[0].to_string();
    let answer = warmline::sip::digest::answer(
        [challenge.as_str()],
        &credentials,
        "REGISTER",
        "sip:127.0.0.1",
        1,
        "0a4f113b",
    )
    .expect("an answer");
    c.bench_function("parse and check a SHA-256 digest", |b| {
        b.iter_batched(
            || server.clone(),
            |mut server| {
                let authorization = Authorization::parse(black_box(&answer)).expect("our own");
                server.check(now, "REGISTER", &authorization, &ha1)
            },
            criterion::BatchSize::SmallInput,
        );
    });
}

criterion_group! {
    name = benches;
    config = Criterion::default().measurement_time(Duration::from_secs(2)).warm_up_time(Duration::from_millis(500));
    targets = messages, descriptions, digest
}
criterion_main!(benches);
