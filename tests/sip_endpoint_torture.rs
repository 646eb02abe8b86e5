//! The messages of RFC 4475 and RFC 5118, each to a fresh endpoint: what it answers first, and that it still
//! answers afterwards. What the parser makes of them is tested beside it, in `sip_torture`.

use std::fs;

use bytes::Bytes;
use warmline::base::Entropy;
use warmline::base::Timestamp;
use warmline::sip::Endpoint;
use warmline::sip::EndpointConfig;
use warmline::sip::Hop;
use warmline::sip::Input;
use warmline::sip::Output;
use warmline::sip::Transport;

/// No answer: a response that answers nothing, or what must not be answered.
const SILENCE: u16 = 0;

/// The status of the first answer to each message. 100: the call is taken to the server. 401: a REGISTER, whose
/// sender must first prove who it is.
const EXPECTED: &[(&str, u16)] = &[
    ("badaspec", 400),
    ("badbranch", 200),
    ("baddate", 100),
    ("baddn", 200),
    ("badinv01", 400),
    ("badvers", 505),
    ("bcast", SILENCE),
    ("bext01", 420),
    ("bigcode", SILENCE),
    ("clerr", 400),
    ("cparam01", 401),
    ("cparam02", 401),
    ("dblreq", 401),
    ("esc01", 100),
    ("esc02", 501),
    ("escnull", 401),
    ("escruri", 400),
    ("insuf", 400),
    ("intmeth", 501),
    ("inv2543", 100),
    ("invut", 415),
    ("longreq", 100),
    ("ltgtruri", 400),
    ("lwsdisp", 200),
    ("lwsruri", 400),
    ("lwsstart", 400),
    ("mcl01", 400),
    ("mismatch01", 400),
    ("mismatch02", 400),
    ("mpart01", 405),
    ("multi01", 400),
    ("ncl", 400),
    ("noreason", SILENCE),
    ("novelsc", 416),
    ("quotbal", 400),
    ("regaut01", 401),
    ("regbadct", 401),
    ("regescrt", 401),
    ("scalar02", 400),
    ("scalarlg", SILENCE),
    ("sdp01", 406),
    ("semiuri", 200),
    ("transports", 200),
    ("trws", 400),
    ("unkscm", 416),
    ("unksm2", 401),
    ("unreason", SILENCE),
    ("wsinv", 481),
    ("zeromf", 483),
    ("ipv4-mapped-ipv6", 100),
    ("ipv6-bad", 400),
    ("ipv6-bug-abnf-3-colons", 200),
    ("ipv6-correct-abnf-2-colons", 200),
    ("ipv6-good", 401),
    ("ipv6-in-sdp", 100),
    ("mult-ip-in-header", 481),
    ("mult-ip-in-sdp", 100),
    ("port-ambiguous", 401),
    ("port-unambiguous", 401),
    ("via-received-param-no-delim", 200),
    ("via-received-param-with-delim", 481),
];

const OPTIONS: &str = "OPTIONS sip:warmline@192.0.2.1 SIP/2.0\r\n\
    Via: SIP/2.0/UDP 192.0.2.9:5070;branch=z9hG4bKafter\r\nMax-Forwards: 70\r\n\
    From: <sip:carl@example.org>;tag=carl\r\nTo: <sip:warmline@192.0.2.1>\r\n\
    Call-ID: after\r\nCSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n";

#[test]
fn every_torture_message_gets_its_due_and_leaves_the_endpoint_answering() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/sip-torture");
    let mut wrong = Vec::new();
    let mut seen = 0;
    for rfc in ["rfc4475", "rfc5118"] {
        for file in fs::read_dir(format!("{folder}/{rfc}")).unwrap() {
            let path = file.unwrap().path();
            let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
            let mut endpoint = Endpoint::new(EndpointConfig::default(), Entropy::seeded(1));
            let status = first_status(&mut endpoint, fs::read(&path).unwrap().into());
            if !EXPECTED.contains(&(&name, status)) {
                wrong.push(format!("{name}: {status}"));
            }
            assert_eq!(first_status(&mut endpoint, OPTIONS.into()), 200, "after {name}");
            seen += 1;
        }
    }
    assert!(wrong.is_empty(), "answered otherwise than expected: {wrong:#?}");
    assert_eq!(seen, EXPECTED.len());
}

/// The status of the first response to a datagram.
fn first_status(endpoint: &mut Endpoint, bytes: Bytes) -> u16 {
    let (local, remote) = ("192.0.2.1:5060".parse().unwrap(), "192.0.2.9:5070".parse().unwrap());
    let hop = Hop { transport: Transport::Udp, local, remote };
    let mut out = Vec::new();
    endpoint.handle(Timestamp::from_secs(1), Input::Received { hop, bytes }, &mut out);
    let first = out.iter().find_map(|output| match output {
        Output::Send { bytes, .. } => Some(bytes),
        Output::Event(_) => None,
    });
    first.map_or(SILENCE, |bytes| {
        let status = bytes.strip_prefix(b"SIP/2.0 ").and_then(|rest| rest.get(..3)).expect("a response");
        std::str::from_utf8(status).unwrap().parse().unwrap()
    })
}
