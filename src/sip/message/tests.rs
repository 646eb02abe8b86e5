//! Messages read and printed.

use super::*;

const INVITE: &str = "INVITE sip:1000@127.0.0.1 SIP/2.0\r\n\
    Via: SIP/2.0/UDP 192.0.2.7:5070;rport;branch=z9hG4bK-1\r\n\
    Max-Forwards: 70\r\n\
    From: \"Ann\" <sip:ann@192.0.2.7>;tag=a1\r\n\
    To: <sip:1000@127.0.0.1>\r\n\
    Call-ID: c1@192.0.2.7\r\n\
    CSeq: 1 INVITE\r\n\
    Contact: <sip:ann@192.0.2.7:5070>\r\n\
    Content-Type: application/sdp\r\n\
    Content-Length: 5\r\n\r\nv=0\r\n";

fn request(text: &str) -> Request {
    match Message::parse(Bytes::copy_from_slice(text.as_bytes())) {
        Ok(Message::Request(request)) => request,
        other => panic!("{other:?}"),
    }
}

#[test]
fn an_invite_is_read_and_answered() {
    let mut invite = request(INVITE);
    assert_eq!(invite.method, Method::Invite);
    assert_eq!(invite.uri.to_string(), "sip:1000@127.0.0.1");
    assert_eq!(invite.headers.from().unwrap().tag(), Some("a1"));
    assert_eq!(invite.headers.cseq().unwrap(), CSeq { seq: 1, method: Method::Invite });
    assert_eq!(&invite.body[..], b"v=0\r\n");
    invite.headers.stamp_via("192.0.2.7:5071".parse().unwrap()).unwrap();
    let mut ringing = invite.response(180);
    ringing.set_to_tag("b2");
    assert_eq!(
        std::str::from_utf8(&ringing.to_bytes()).unwrap(),
        "SIP/2.0 180 Ringing\r\n\
         Via: SIP/2.0/UDP 192.0.2.7:5070;rport=5071;branch=z9hG4bK-1;received=192.0.2.7\r\n\
         From: \"Ann\" <sip:ann@192.0.2.7>;tag=a1\r\n\
         To: <sip:1000@127.0.0.1>;tag=b2\r\n\
         Call-ID: c1@192.0.2.7\r\n\
         CSeq: 1 INVITE\r\n\
         Content-Length: 0\r\n\r\n"
    );
}

#[test]
fn what_is_printed_reads_the_same() {
    let invite = Message::Request(request(INVITE));
    assert_eq!(Message::parse(invite.to_bytes()).unwrap(), invite);
}
