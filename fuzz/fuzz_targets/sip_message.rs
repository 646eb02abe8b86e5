//! Any datagram: it is read, refused or ignored; what was read prints and reads the same.

#![no_main]

use bytes::Bytes;
use libfuzzer_sys::fuzz_target;
use warmline::sip::digest::Authorization;
use warmline::sip::digest::Challenge;
use warmline::sip::message::Body;
use warmline::sip::message::HeaderName;
use warmline::sip::message::Headers;
use warmline::sip::message::Message;
use warmline::sip::message::ParseError;

fuzz_target!(|data: &[u8]| {
    match Message::parse(Bytes::copy_from_slice(data)) {
        Ok(message) => {
            ask(message.headers());
            if let Message::Request(request) = &message {
                describes(&request.headers, &request.body);
                let mut response = request.response(200);
                response.set_to_tag("tag");
                assert!(Message::parse(response.to_bytes()).is_ok());
            }
            print_and_read(message);
        }
        Err(ParseError::Refuse { head, .. }) => ask(&head),
        Err(ParseError::Ignore(_)) => {}
    }
});

fn print_and_read(message: Message) {
    // Control characters in a reason phrase are not printed, and what is printed may outgrow a datagram.
    let control = |reason: &str| reason.contains(char::is_control);
    if matches!(&message, Message::Response(response) if control(&response.reason)) || message.to_bytes().len() > 60_000 {
        return;
    }
    assert_eq!(Message::parse(message.to_bytes()), Ok(message));
}

/// What is taken out of a body is a part of it.
fn describes(headers: &Headers, body: &Bytes) {
    if let Some(sdp) = Body::read(headers, body).sdp.filter(|sdp| !sdp.is_empty()) {
        assert!(body.windows(sdp.len()).any(|part| part == &sdp[..]));
    }
}

fn ask(headers: &Headers) {
    let _ = (headers.via(), headers.vias(), headers.from(), headers.to(), headers.cseq());
    let _ = (headers.max_forwards(), headers.contact(), headers.contacts(), headers.routes());
    let _ = (headers.record_routes(), headers.expires(), headers.min_expires(), headers.rseq());
    let _ = (headers.rack(), headers.session_expires(), headers.min_se(), headers.retry_after());
    let _ = (headers.content_length(), headers.content_type(), headers.call_id());
    let _ = (headers.supports("100rel"), headers.requires("timer"));
    for name in [HeaderName::Authorization, HeaderName::WwwAuthenticate] {
        for value in headers.all(&name) {
            if let Ok(authorization) = Authorization::parse(value) {
                assert_eq!(Authorization::parse(&authorization.to_string()), Ok(authorization));
            }
            if let Ok(challenge) = Challenge::parse(value) {
                assert_eq!(Challenge::parse(&challenge.to_string()), Ok(challenge));
            }
        }
    }
}
