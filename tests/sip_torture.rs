//! The torture messages of RFC 4475 and RFC 5118: what the parser makes of each, and why. What an
//! endpoint answers to those that are read (405, 415, 416, 420, 481) is tested with the endpoint.

use std::fs;
use std::path::PathBuf;

use bytes::Bytes;
use warmline::sip::digest::Authorization;
use warmline::sip::message::Body;
use warmline::sip::message::CSeq;
use warmline::sip::message::Contacts;
use warmline::sip::message::Framed;
use warmline::sip::message::HeaderError;
use warmline::sip::message::HeaderName;
use warmline::sip::message::Message;
use warmline::sip::message::Method;
use warmline::sip::message::ParseError;
use warmline::sip::message::Request;
use warmline::sip::message::Response;
use warmline::sip::message::StreamFramer;
use warmline::sip::uri::Scheme;

/// What the parser must do with a message.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Must {
    /// Read it.
    Read,
    /// Refuse it with this status and reason phrase.
    Refuse(u16, &'static str),
    /// Say nothing.
    BeSilent,
}

use Must::BeSilent;
use Must::Read;
use Must::Refuse;

/// Every message: (folder/name, what must be done, the section that says so and why).
const TABLE: &[(&str, Must, &str)] = &[
    ("rfc4475/wsinv", Read, "3.1.1.1 white space, folds, compact forms, escaped quotes: all legal"),
    ("rfc4475/intmeth", Read, "3.1.1.2 the whole range of characters that each part may hold"),
    ("rfc4475/esc01", Read, "3.1.1.3 escapes in user, parameter and Contact"),
    ("rfc4475/escnull", Read, "3.1.1.4 an escaped null is a character of a user part"),
    ("rfc4475/esc02", Read, "3.1.1.5 a percent sign in a token or a display name escapes nothing"),
    ("rfc4475/lwsdisp", Read, "3.1.1.6 no space is needed between display name and bracket"),
    ("rfc4475/longreq", Read, "3.1.1.7 long values"),
    ("rfc4475/dblreq", Read, "3.1.1.8 what follows the body in a datagram is left out"),
    ("rfc4475/semiuri", Read, "3.1.1.9 a semicolon in a user part begins no parameter"),
    ("rfc4475/transports", Read, "3.1.1.10 transports that we do not know, in Via"),
    ("rfc4475/mpart01", Read, "3.1.1.11 a binary multipart body"),
    ("rfc4475/unreason", Read, "3.1.1.12 a reason phrase beyond ASCII"),
    ("rfc4475/noreason", Read, "3.1.1.13 an empty reason phrase"),
    ("rfc4475/badinv01", Refuse(400, "bad Via"), "3.1.2.1 empty parameters and elements"),
    ("rfc4475/clerr", Refuse(400, "Body Shorter Than Content-Length"), "3.1.2.2 the body was cut off"),
    ("rfc4475/ncl", Refuse(400, "bad Content-Length"), "3.1.2.3 a negative length"),
    ("rfc4475/scalar02", Refuse(400, "bad CSeq"), "3.1.2.4 a request's CSeq beyond 32 bits"),
    ("rfc4475/scalarlg", BeSilent, "3.1.2.5 a response's CSeq beyond 32 bits: nothing matches it"),
    ("rfc4475/quotbal", Refuse(400, "bad To"), "3.1.2.6 an open quote"),
    (
        "rfc4475/ltgtruri",
        Refuse(400, "Bad Request-URI: no scheme"),
        "3.1.2.7 no brackets around a Request-URI",
    ),
    ("rfc4475/lwsruri", Refuse(400, "Bad Request Line"), "3.1.2.8 no space within a Request-URI"),
    ("rfc4475/lwsstart", Refuse(400, "Bad Request Line"), "3.1.2.9 one space between the parts"),
    ("rfc4475/trws", Refuse(400, "Bad Request Line"), "3.1.2.10 no space after the version"),
    (
        "rfc4475/escruri",
        Refuse(400, "Bad Request-URI: it has headers"),
        "3.1.2.11 no headers in a Request-URI",
    ),
    ("rfc4475/baddate", Read, "3.1.2.12 nobody here reads Date, so it is let by, as the section allows"),
    ("rfc4475/regbadct", Read, "3.1.2.13 read, but its Contact is not: see below"),
    ("rfc4475/badaspec", Refuse(400, "bad To"), "3.1.2.14 no space within the brackets"),
    ("rfc4475/baddn", Read, "3.1.2.15 From holds one element, so its comma cannot be mistaken"),
    ("rfc4475/badvers", Refuse(505, "Version Not Supported"), "3.1.2.16 SIP/7.0"),
    ("rfc4475/mismatch01", Refuse(400, "CSeq Names Another Method"), "3.1.2.17 OPTIONS, CSeq INVITE"),
    ("rfc4475/mismatch02", Refuse(400, "CSeq Names Another Method"), "3.1.2.18 400 or 501"),
    ("rfc4475/bigcode", BeSilent, "3.1.2.19 a status beyond 699 is no response"),
    ("rfc4475/badbranch", Read, "3.2.1 a branch that is the cookie alone: for the transaction layer"),
    ("rfc4475/insuf", Refuse(400, "no From"), "3.3.1 Call-ID, From and To are missing"),
    ("rfc4475/unkscm", Read, "3.3.2 an unknown scheme: for a 416"),
    ("rfc4475/novelsc", Read, "3.3.3 an unknown scheme with a dot: for a 416"),
    ("rfc4475/unksm2", Read, "3.3.4 unknown schemes in To, From and Contact are text"),
    ("rfc4475/bext01", Read, "3.3.5 unknown option tags: for a 420"),
    ("rfc4475/invut", Read, "3.3.6 an unknown body: for a 415"),
    ("rfc4475/regaut01", Read, "3.3.7 an unknown authorization scheme: for a 401"),
    ("rfc4475/multi01", Refuse(400, "more than one From"), "3.3.8 headers that may stand once stand twice"),
    ("rfc4475/mcl01", Refuse(400, "more than one Content-Length"), "3.3.9 which of the two is true?"),
    ("rfc4475/bcast", Read, "3.3.10 a Via below ours: for the transaction layer to drop"),
    ("rfc4475/zeromf", Read, "3.3.11 the last hop answers all the same"),
    ("rfc4475/cparam01", Read, "3.3.12 a parameter outside brackets belongs to Contact"),
    ("rfc4475/cparam02", Read, "3.3.13 a parameter inside brackets belongs to the URI"),
    ("rfc4475/regescrt", Read, "3.3.14 headers in a Contact's URI are kept"),
    ("rfc4475/sdp01", Read, "3.3.15 an Accept without SDP: for a 406"),
    ("rfc4475/inv2543", Read, "3.4.1 no branch, no From tag, no Content-Length: RFC 2543"),
    ("rfc5118/ipv6-good", Read, "4.1"),
    ("rfc5118/ipv6-bad", Refuse(400, "Bad Request-URI: bad port"), "4.2 an IPv6 address wants brackets"),
    ("rfc5118/port-ambiguous", Read, "4.3 inside the brackets it is part of the address"),
    ("rfc5118/port-unambiguous", Read, "4.4"),
    ("rfc5118/via-received-param-no-delim", Read, "4.5 received without brackets"),
    ("rfc5118/via-received-param-with-delim", Read, "4.5 received with brackets"),
    ("rfc5118/ipv6-in-sdp", Read, "4.6"),
    ("rfc5118/mult-ip-in-header", Read, "4.7"),
    ("rfc5118/mult-ip-in-sdp", Read, "4.8"),
    ("rfc5118/ipv4-mapped-ipv6", Read, "4.9"),
    ("rfc5118/ipv6-bug-abnf-3-colons", Read, "4.10 must be tolerated"),
    ("rfc5118/ipv6-correct-abnf-2-colons", Read, "4.10"),
];

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/data/sip-torture")
}

fn bytes(name: &str) -> Bytes {
    fs::read(folder().join(name).with_extension("dat")).expect(name).into()
}

fn request(name: &str) -> Request {
    match Message::parse(bytes(name)) {
        Ok(Message::Request(request)) => request,
        other => panic!("{name}: {other:?}"),
    }
}

fn response(name: &str) -> Response {
    match Message::parse(bytes(name)) {
        Ok(Message::Response(response)) => response,
        other => panic!("{name}: {other:?}"),
    }
}

#[test]
fn every_torture_message_gets_what_its_section_asks() {
    for (name, must, why) in TABLE {
        let parsed = Message::parse(bytes(name));
        let got = match &parsed {
            Ok(_) => Read,
            Err(ParseError::Ignore(_)) => BeSilent,
            Err(ParseError::Refuse { status, reason, .. }) => Refuse(*status, reason.clone().leak()),
        };
        assert_eq!(got, *must, "{name}: {why}");
        if let Err(error) = parsed {
            let response = error.response().map(|response| response.to_bytes());
            match must {
                Refuse(status, _) => {
                    assert!(response.unwrap().starts_with(format!("SIP/2.0 {status} ").as_bytes()), "{name}");
                }
                _ => assert_eq!(response, None, "{name}"),
            }
        }
    }
}

#[test]
fn the_table_leaves_no_message_out() {
    let mut files: Vec<String> = Vec::new();
    for part in ["rfc4475", "rfc5118"] {
        for entry in fs::read_dir(folder().join(part)).unwrap() {
            let path = entry.unwrap().path();
            files.push(format!("{part}/{}", path.file_stem().unwrap().to_str().unwrap()));
        }
    }
    files.sort();
    let mut named: Vec<String> = TABLE.iter().map(|(name, ..)| (*name).to_owned()).collect();
    named.sort();
    assert_eq!(files, named);
}

#[test]
fn what_was_read_prints_and_reads_the_same() {
    for (name, ..) in TABLE.iter().filter(|(_, must, _)| *must == Read) {
        let message = Message::parse(bytes(name)).unwrap();
        assert_eq!(Message::parse(message.to_bytes()), Ok(message), "{name}");
    }
}

#[test]
fn a_stream_is_cut_where_the_message_ends() {
    for (name, ..) in TABLE.iter().filter(|(_, must, _)| *must == Read) {
        let whole = Message::parse(bytes(name)).unwrap();
        // Without Content-Length a stream has no sign of the body's end.
        if *name == "rfc4475/inv2543" {
            continue;
        }
        let mut framer = StreamFramer::new();
        let mut first = None;
        for byte in bytes(name) {
            framer.push(&[byte]);
            match framer.next().unwrap() {
                Some(Framed::Message(message)) if first.is_none() => first = Some(message),
                _ => {}
            }
        }
        let first = first.unwrap_or_else(|| panic!("{name} does not end"));
        assert_eq!(Message::parse(first), Ok(whole), "{name}");
    }
}

#[test]
fn wsinv_is_understood_to_the_last_space() {
    let invite = request("rfc4475/wsinv");
    let headers = &invite.headers;
    assert!(invite.uri.params.has("unknownparam"));
    assert_eq!(headers.to().unwrap().tag(), Some("1918181833n"));
    let from = headers.from().unwrap();
    assert_eq!((from.display.as_str(), from.tag()), ("J Rosenberg \\\"", Some("98asjd8")));
    assert_eq!(headers.max_forwards(), Ok(Some(68)));
    assert_eq!(headers.cseq(), Ok(CSeq { seq: 9, method: Method::Invite }));
    assert_eq!(headers.get(&HeaderName::Subject), Some(""));
    assert_eq!(
        headers.get(&HeaderName::from("newfangledheader")),
        Some("newfangled value continued newfangled value")
    );
    let vias: Vec<String> = headers.vias().unwrap().iter().map(ToString::to_string).collect();
    assert_eq!(
        vias,
        [
            "SIP/2.0/UDP 192.0.2.2;branch=390skdjuw",
            "SIP/2.0/TCP spindle.example.com;branch=z9hG4bK9ikj8",
            "SIP/2.0/UDP 192.168.255.111;branch=z9hG4bK30239",
        ]
    );
    let route = &headers.routes().unwrap()[0].uri;
    assert!(route.params.has("lr"));
    assert_eq!(route.params.get("unknownwith"), Some("value"));
    let contact = headers.contact().unwrap().unwrap();
    assert_eq!(contact.display, "Quoted string \"\"");
    assert_eq!((contact.params.get("newparam"), contact.params.get("q")), (Some("newvalue"), Some("0.33")));
    assert_eq!(headers.content_type().as_deref(), Some("application/sdp"));
    assert_eq!(invite.body.len(), 150);
}

#[test]
fn intmeth_keeps_every_character() {
    let message = request("rfc4475/intmeth");
    assert_eq!(message.method, Method::Other("!interesting-Method0123456789_*+`.%indeed'~".to_owned()));
    assert_eq!(message.uri.user.as_deref(), Some("1_unusual.URI~(to-be!sure)&isn't+it$/crazy?,/;;*"));
    assert_eq!(message.uri.password.as_deref(), Some("&it+has=1,weird!*pas$wo~d_too.(doesn't-it)"));
    assert_eq!(message.headers.to().unwrap().display, "BEL:\u{7} NUL:\0 DEL:\u{7f}");
    let from = message.headers.from().unwrap();
    assert_eq!(from.display, "token1~` token2'+_ token3*%!.-");
    assert_eq!(from.params.get("fromParam''~+*_!.-%"), Some("работающий"));
    assert_eq!(from.tag(), Some("_token~1'+`*%!-."));
    assert_eq!(message.headers.max_forwards(), Ok(Some(255)));
}

#[test]
fn escapes_are_taken_off_once_and_only_in_uris() {
    let invite = request("rfc4475/esc01");
    assert_eq!(invite.uri.user.as_deref(), Some("sips:user@example.com"));
    assert_eq!(invite.uri.to_string(), "sip:sips%3Auser%40example.com@example.net");
    assert_eq!(invite.headers.to().unwrap().uri.user.as_deref(), Some("user"));
    let contact = invite.headers.contact().unwrap().unwrap().uri;
    assert_eq!(contact.user.as_deref(), Some("caller"));
    assert!(contact.params.has("lr"));
    assert_eq!(contact.params.get("name"), Some("value%41"));

    let other = request("rfc4475/esc02");
    assert_eq!(other.method, Method::Other("RE%47IST%45R".to_owned()));
    assert_eq!(other.headers.to().unwrap().display, "%Z%45");
    let Ok(Contacts::List(contacts)) = other.headers.contacts() else { panic!("two contacts") };
    assert_eq!(contacts.len(), 2, "C%6Fntact is another header");

    let null = request("rfc4475/escnull");
    assert_eq!(null.headers.to().unwrap().uri.user.as_deref(), Some("null-\0-null"));
}

#[test]
fn odd_but_legal_parts_are_where_they_belong() {
    assert_eq!(request("rfc4475/lwsdisp").headers.from().unwrap().display, "caller");
    assert_eq!(request("rfc4475/semiuri").uri.user.as_deref(), Some("user;par=u@example.net"));
    assert_eq!(request("rfc4475/dblreq").body.len(), 0);
    let parts = request("rfc4475/mpart01");
    assert_eq!(parts.body.len(), 553);
    let body = Body::read(&parts.headers, &parts.body);
    assert_eq!((body.sdp, body.is_known), (None, false), "a text and a signature");
    let transports: Vec<String> =
        request("rfc4475/transports").headers.vias().unwrap().into_iter().map(|via| via.transport).collect();
    assert_eq!(transports, ["UDP", "SCTP", "TLS", "UNKNOWN", "TCP"]);
    assert_eq!(response("rfc4475/noreason").reason, "");
    assert_eq!(response("rfc4475/unreason").reason, "= 2**3 * 5**2 но сто девяносто девять - простое");
    assert_eq!(request("rfc4475/baddn").headers.from().unwrap().display, "Bell, Alexander");
    assert_eq!(request("rfc4475/zeromf").headers.max_forwards(), Ok(Some(0)));
    assert_eq!(request("rfc4475/badbranch").headers.via().unwrap().branch(), Some("z9hG4bK"));
}

#[test]
fn contacts_know_which_parameters_are_theirs() {
    let first = |name| match request(name).headers.contacts() {
        Ok(Contacts::List(contacts)) => contacts[0].clone(),
        other => panic!("{name}: {other:?}"),
    };
    let outside = first("rfc4475/cparam01");
    assert!(outside.params.has("unknownparam") && outside.uri.params.is_empty());
    let inside = first("rfc4475/cparam02");
    assert!(inside.params.is_empty() && inside.uri.params.has("unknownparam"));
    assert_eq!(first("rfc4475/regescrt").uri.headers.as_deref(), Some("Route=%3Csip:sip.example.com%3E"));
    let bad = request("rfc4475/regbadct").headers.contacts().unwrap_err();
    assert_eq!((bad.sip_status(), bad), (400, HeaderError::Malformed(HeaderName::Contact)));
}

#[test]
fn unknown_schemes_and_extensions_are_kept_for_the_endpoint() {
    assert_eq!(request("rfc4475/unkscm").uri.scheme, Scheme::Other("nobodyKnowsThisScheme".to_owned()));
    assert_eq!(request("rfc4475/novelsc").uri.to_string(), "soap.beep://192.0.2.103:3002");
    assert_eq!(request("rfc4475/unksm2").headers.to().unwrap().uri.to_string(), "isbn:2983792873");
    assert!(request("rfc4475/bext01").headers.requires("nothingSupportsThisEither"));
    assert_eq!(request("rfc4475/invut").headers.content_type().as_deref(), Some("application/unknownformat"));
    let authorization = request("rfc4475/regaut01");
    let value = authorization.headers.get(&HeaderName::Authorization).unwrap();
    assert!(Authorization::parse(value).is_err());
}

#[test]
fn a_request_of_rfc_2543_has_no_branch_and_no_tag() {
    let invite = request("rfc4475/inv2543");
    assert_eq!(invite.headers.via().unwrap().branch(), None);
    assert_eq!(invite.headers.from().unwrap().tag(), None);
    assert!(invite.body.starts_with(b"v=0") && invite.body.ends_with(b"RTP/AVP 0\r\n"));
}

#[test]
fn ipv6_addresses_are_read_in_every_place() {
    let host = |name| request(name).uri.host;
    assert_eq!(host("rfc5118/ipv6-good"), "2001:db8::10");
    assert_eq!(host("rfc5118/port-ambiguous"), "2001:db8::10:5070");
    let unambiguous = request("rfc5118/port-unambiguous").uri;
    assert_eq!((unambiguous.host.as_str(), unambiguous.port), ("2001:db8::10", Some(5070)));
    assert_eq!(host("rfc5118/ipv6-bug-abnf-3-colons"), "2001:db8::192.0.2.1");
    assert_eq!(host("rfc5118/ipv6-correct-abnf-2-colons"), "2001:db8::192.0.2.1");
    for name in ["rfc5118/via-received-param-no-delim", "rfc5118/via-received-param-with-delim"] {
        let via = request(name).headers.via().unwrap();
        assert_eq!(via.received(), Some("2001:db8::9:255".parse().unwrap()), "{name}");
    }
    let vias = request("rfc5118/mult-ip-in-header").headers.vias().unwrap();
    let hosts: Vec<&str> = vias.iter().map(|via| via.host.as_str()).collect();
    assert_eq!(hosts, ["2001:db8::9:1", "192.0.2.1", "2001:db8::9:255"]);
    assert_eq!(
        request("rfc5118/ipv4-mapped-ipv6").headers.contact().unwrap().unwrap().uri.host,
        "::ffff:192.0.2.2"
    );
}
