//! What holds for every SIP message, URI and digest header: nothing panics, and what is printed reads
//! the same.

use std::fs;
use std::path::Path;

use bytes::Bytes;
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use warmline::sip::digest::Authorization;
use warmline::sip::digest::Challenge;
use warmline::sip::message::Framed;
use warmline::sip::message::HeaderName;
use warmline::sip::message::Headers;
use warmline::sip::message::Message;
use warmline::sip::message::ParseError;
use warmline::sip::message::Request;
use warmline::sip::message::StreamFramer;
use warmline::sip::message::Via;
use warmline::sip::uri::NameAddr;
use warmline::sip::uri::Params;
use warmline::sip::uri::Scheme;
use warmline::sip::uri::Uri;

fn torture() -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/sip-torture");
    let mut messages = Vec::new();
    for part in ["rfc4475", "rfc5118"] {
        let mut paths: Vec<_> =
            fs::read_dir(folder.join(part)).unwrap().map(|entry| entry.unwrap().path()).collect();
        paths.sort();
        messages.extend(paths.iter().map(|path| fs::read(path).unwrap()));
    }
    messages
}

/// A torture message with a few bytes changed, added or lost.
fn damaged() -> impl Strategy<Value = Vec<u8>> {
    let messages = torture();
    let byte = prop_oneof![any::<u8>(), prop::sample::select(&b"\r\n \t:;,<>\"\\@?=%/[]*.0aS"[..])];
    (prop::sample::select(messages), vec((any::<prop::sample::Index>(), 0..3, byte), 0..12)).prop_map(
        |(mut message, changes)| {
            for (at, kind, byte) in changes {
                let at = at.index(message.len().max(1));
                match kind {
                    0 if at < message.len() => message[at] = byte,
                    1 if at < message.len() => drop(message.remove(at)),
                    _ => message.insert(at.min(message.len()), byte),
                }
            }
            message
        },
    )
}

/// Everything that can be asked of headers.
fn ask(headers: &Headers) {
    let _ = (headers.via(), headers.vias(), headers.from(), headers.to(), headers.cseq());
    let _ = (headers.max_forwards(), headers.contact(), headers.contacts(), headers.routes());
    let _ = (headers.record_routes(), headers.expires(), headers.min_expires(), headers.rseq());
    let _ = (headers.rack(), headers.session_expires(), headers.min_se(), headers.retry_after());
    let _ = (headers.content_length(), headers.content_type(), headers.call_id());
    let _ = (headers.supports("100rel"), headers.requires("timer"));
    for name in [HeaderName::Authorization, HeaderName::ProxyAuthorization, HeaderName::WwwAuthenticate] {
        for value in headers.all(&name) {
            let _ = (Authorization::parse(value), Challenge::parse(value));
        }
    }
}

fn must_hold(bytes: &[u8]) -> Result<(), TestCaseError> {
    match Message::parse(Bytes::copy_from_slice(bytes)) {
        Ok(message) => {
            ask(message.headers());
            if let Message::Request(request) = &message {
                let mut response = request.response(180);
                response.set_to_tag("t");
                prop_assert!(Message::parse(response.to_bytes()).is_ok());
            }
            // Control characters in a reason phrase are not printed, so it is the one part that may change.
            match message {
                Message::Response(response) if response.reason.contains(char::is_control) => {}
                message => prop_assert_eq!(Message::parse(message.to_bytes()), Ok(message)),
            }
        }
        Err(ParseError::Refuse { status, reason, head }) => {
            prop_assert!((400..700).contains(&status) && !reason.is_empty());
            ask(&head);
        }
        Err(ParseError::Ignore(_)) => {}
    }
    Ok(())
}

fn text() -> impl Strategy<Value = String> {
    "[^\\p{Cc}]{0,20}"
}

fn some_text() -> impl Strategy<Value = String> {
    "[^\\p{Cc}]{1,20}"
}

fn token() -> impl Strategy<Value = String> {
    "[A-Za-z0-9.!%*_+`'~-]{1,12}"
}

fn host() -> impl Strategy<Value = String> {
    prop_oneof![
        "[a-z0-9]([a-z0-9-]{0,8}[a-z0-9])?(\\.[a-z]{2,5}){0,2}",
        any::<std::net::Ipv4Addr>().prop_map(|ip| ip.to_string()),
        any::<std::net::Ipv6Addr>().prop_map(|ip| ip.to_string()),
    ]
}

fn sip_uri() -> impl Strategy<Value = Uri> {
    let user = option::of((some_text(), option::of(text())));
    let params = vec((some_text(), option::of(text())), 0..3).prop_map(Params);
    let headers = option::of("[a-z]{1,5}=[a-z%41]{0,0}[a-z]{0,5}");
    (any::<bool>(), user, host(), option::of(any::<u16>()), params, headers).prop_map(
        |(secure, user, host, port, params, headers)| {
            let (user, password) = match user {
                Some((user, password)) => (Some(user), password),
                None => (None, None),
            };
            let scheme = if secure { Scheme::Sips } else { Scheme::Sip };
            Uri { scheme, user, password, host, port, params, headers }
        },
    )
}

fn name_addr() -> impl Strategy<Value = NameAddr> {
    let params = vec((token(), option::of(text())), 0..3).prop_map(Params);
    (text(), sip_uri(), params).prop_map(|(display, uri, params)| NameAddr { display, uri, params })
}

proptest! {
    #[test]
    fn no_bytes_break_the_parser(bytes in vec(any::<u8>(), 0..2_000)) {
        must_hold(&bytes)?;
    }

    #[test]
    fn no_damaged_message_breaks_the_parser(bytes in damaged()) {
        must_hold(&bytes)?;
    }

    #[test]
    fn no_stream_breaks_the_framer(chunks in vec(damaged(), 1..4), size in 1_usize..700) {
        let mut framer = StreamFramer::new();
        let stream = chunks.concat();
        let mut framed = 0;
        'reads: for read in stream.chunks(size) {
            framer.push(read);
            loop {
                match framer.next() {
                    Ok(Some(Framed::Message(message))) => {
                        framed += message.len();
                        must_hold(&message)?;
                    }
                    Ok(Some(Framed::Ping)) => {}
                    Ok(None) => break,
                    Err(_) => break 'reads,
                }
            }
        }
        prop_assert!(framed <= stream.len());
    }

    #[test]
    fn how_a_stream_is_read_does_not_change_what_it_says(chunks in vec(damaged(), 1..4), size in 1_usize..700) {
        let all = |size: usize| {
            let mut framer = StreamFramer::new();
            let mut out = Vec::new();
            for read in chunks.concat().chunks(size) {
                framer.push(read);
                loop {
                    match framer.next() {
                        Ok(Some(framed)) => out.push(Ok(framed)),
                        Ok(None) => break,
                        Err(error) => {
                            out.push(Err(error));
                            return out;
                        }
                    }
                }
            }
            out
        };
        prop_assert_eq!(all(size), all(usize::MAX));
    }

    #[test]
    fn a_uri_prints_and_reads_the_same(uri in sip_uri()) {
        let printed = uri.to_string();
        let read = Uri::parse(&printed);
        prop_assert_eq!(read.as_ref(), Ok(&uri), "{}", printed);
    }

    #[test]
    fn a_name_addr_prints_and_reads_the_same(name_addr in name_addr()) {
        let printed = name_addr.to_string();
        let read = NameAddr::parse(&printed);
        prop_assert_eq!(read.as_ref(), Ok(&name_addr), "{}", printed);
    }

    #[test]
    fn a_via_prints_and_reads_the_same(
        transport in token(),
        host in host(),
        port in option::of(any::<u16>()),
        params in vec((token(), option::of(text())), 0..3),
    ) {
        let via = Via { transport, host, port, params: Params(params) };
        let read = Via::parse(&via.to_string());
        prop_assert_eq!(read.as_ref(), Ok(&via), "{}", via);
    }

    #[test]
    fn a_message_prints_and_reads_the_same(
        from in name_addr(),
        to in name_addr(),
        uri in sip_uri(),
        others in vec((token(), "[^\\p{Cc}]{0,30}"), 0..5),
        body in vec(any::<u8>(), 0..200),
    ) {
        let mut request = Request::new(warmline::sip::message::Method::Options, Uri { headers: None, ..uri });
        request.headers.push(HeaderName::Via, "SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK1");
        request.headers.push(HeaderName::From, from.to_string());
        request.headers.push(HeaderName::To, to.to_string());
        request.headers.push(HeaderName::CallId, "1@192.0.2.1");
        request.headers.push(HeaderName::CSeq, "1 OPTIONS");
        for (name, value) in others {
            // A prefix keeps it from being a header with a meaning of its own.
            request.headers.push(HeaderName::from(format!("X-{name}").as_str()), value.trim_matches([' ', '\t']));
        }
        request.body = body.into();
        let read = Message::parse(request.to_bytes());
        prop_assert_eq!(read, Ok(Message::Request(request)));
    }

    #[test]
    fn a_digest_header_prints_and_reads_the_same(
        realm in text(),
        nonce in text(),
        user in text(),
        opaque in option::of(text()),
        stale in any::<bool>(),
        auth in any::<bool>(),
    ) {
        let algorithm = warmline::sip::digest::Algorithm::Sha256;
        let challenge = Challenge { realm: realm.clone(), nonce: nonce.clone(), opaque: opaque.clone(), algorithm, stale, qop_auth: auth };
        let read = Challenge::parse(&challenge.to_string());
        prop_assert_eq!(read, Ok(challenge));
        let authorization = Authorization {
            username: user,
            realm,
            nonce,
            uri: "sip:a@b".to_owned(),
            response: "00ff".to_owned(),
            algorithm,
            opaque,
            qop: auth.then(|| "auth".to_owned()),
            nc: auth.then(|| "00000001".to_owned()),
            cnonce: auth.then(|| "x".to_owned()),
        };
        let read = Authorization::parse(&authorization.to_string());
        prop_assert_eq!(read, Ok(authorization));
    }

    #[test]
    fn no_text_breaks_the_digest_parser(text in "(Digest )?[a-z]{0,8}=?\"?.{0,80}") {
        let _ = (Authorization::parse(&text), Challenge::parse(&text));
    }
}
