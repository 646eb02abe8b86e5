//! What the body of a message is to us: SDP, alone or as a part of several, and whether the rest may be left out. What SDP says
//! is the `sdp` floor's.
//!
//! A gateway of telephone networks sends its ISUP beside the SDP (RFC 3372), an emergency or mobile network where the caller
//! is (RFC 6442). Who reads neither takes the SDP, where the sender lets them ([RFC 5621](https://www.rfc-editor.org/rfc/rfc5621)).

use bytes::Bytes;

use super::headers::Headers;
use super::name::HeaderName;
use super::parse::read_part;
use crate::sip::uri::Params;

/// The content type of SDP.
pub const SDP: &str = "application/sdp";
/// What we take, for Accept.
pub const ACCEPT: &str = "application/sdp, multipart/mixed, multipart/alternative";

/// More parts nobody sends, and they are not looked at.
const MOST_PARTS: usize = 16;
/// Parts may have parts, so deep.
const DEEPEST: u32 = 3;
/// [RFC 2046 §5.1.1](https://www.rfc-editor.org/rfc/rfc2046#section-5.1.1)
const LONGEST_BOUNDARY: usize = 70;

/// What a body is to us.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Body {
    /// The description of the session.
    pub sdp: Option<Bytes>,
    /// Whether we understand all that must be understood: else a request is refused with 415.
    pub is_known: bool,
}

impl Body {
    /// Reads the body of a message with these headers.
    pub fn read(headers: &Headers, body: &Bytes) -> Body {
        understand(headers, body, 0)
    }
}

/// A body, or a part of one that lies so deep.
fn understand(headers: &Headers, body: &Bytes, depth: u32) -> Body {
    if body.is_empty() {
        return Body { sdp: None, is_known: true };
    }
    let disposition = Disposition::of(headers);
    let kind = headers.content_type().unwrap_or_default();
    let found = match kind.strip_prefix("multipart/") {
        _ if is_encoded(headers) => None,
        Some(subtype) if depth < DEEPEST => {
            parts(headers, body).map(|parts| gather(parts, subtype, depth + 1))
        }
        // The media of before the answer have a description of their own (RFC 3959).
        None if kind == SDP && disposition.kind != "early-session" => {
            Some(Body { sdp: Some(body.clone()), is_known: true })
        }
        _ => None,
    };
    // What a header refers to is for whoever understands that header.
    let referred = depth > 0 && disposition.kind.is_empty() && headers.has(&HeaderName::from("Content-ID"));
    let may_be_left_out = disposition.is_optional || disposition.kind == "by-reference" || referred;
    let Body { sdp, is_known } = found.unwrap_or(Body { sdp: None, is_known: false });
    Body { sdp, is_known: is_known || may_be_left_out }
}

/// Of alternatives the last that we understand counts (RFC 2046 §5.1.4); of any other parts all do (§5.1.3), and SDP once.
fn gather(parts: Vec<Bytes>, subtype: &str, depth: u32) -> Body {
    let read = |part: &Bytes| {
        let (headers, body) = read_part(part);
        understand(&headers, &body, depth)
    };
    let mut read: Vec<Body> = parts.iter().map(read).collect();
    if subtype == "alternative" {
        let described = read.iter().rposition(|part| part.sdp.is_some() && part.is_known);
        let chosen = described.or_else(|| read.iter().rposition(|part| part.is_known));
        return chosen.map_or(Body { sdp: None, is_known: false }, |at| read.swap_remove(at));
    }
    let is_known = read.iter().all(|part| part.is_known);
    Body { sdp: read.into_iter().find_map(|part| part.sdp), is_known }
}

/// The parts of a body, with their headers; none where they cannot be told apart. Where the end was cut off, the last one is what
/// there is of it.
fn parts(headers: &Headers, body: &Bytes) -> Option<Vec<Bytes>> {
    let (_, params) = headers.get(&HeaderName::ContentType)?.split_once(';')?;
    let params = Params::parse_header(params).ok()?;
    let boundary = params.get("boundary").filter(|boundary| !boundary.is_empty())?;
    if boundary.len() > LONGEST_BOUNDARY {
        return None;
    }
    let (mut parts, mut begun, mut at) = (Vec::new(), None, 0);
    while at < body.len() {
        let next = body[at..].iter().position(|b| *b == b'\n').map_or(body.len(), |end| at + end + 1);
        let behind =
            body[at..next].strip_prefix(b"--").and_then(|line| line.strip_prefix(boundary.as_bytes()));
        let behind = behind.map(<[u8]>::trim_ascii_end).filter(|behind| matches!(*behind, b"" | b"--"));
        if let Some(behind) = behind {
            if let Some(from) = begun {
                parts.push(body.slice(from..before_line_end(body, from, at)));
            }
            begun = behind.is_empty().then_some(next);
            if begun.is_none() || parts.len() > MOST_PARTS {
                break;
            }
        }
        at = next;
    }
    parts.extend(begun.map(|from| body.slice(from..)));
    (1..=MOST_PARTS).contains(&parts.len()).then_some(parts)
}

/// The line end before a boundary belongs to the boundary.
fn before_line_end(body: &[u8], from: usize, end: usize) -> usize {
    let content = &body[from..end];
    let content =
        content.strip_suffix(b"\n").map_or(content, |line| line.strip_suffix(b"\r").unwrap_or(line));
    from + content.len()
}

/// Whether octets stand for others.
fn is_encoded(headers: &Headers) -> bool {
    let compressed =
        headers.list(&HeaderName::ContentEncoding).any(|name| !name.eq_ignore_ascii_case("identity"));
    let transfer = HeaderName::from("Content-Transfer-Encoding");
    let plain = |name: &str| ["7bit", "8bit", "binary"].iter().any(|plain| name.eq_ignore_ascii_case(plain));
    compressed || headers.all(&transfer).any(|name| !plain(name.trim()))
}

/// Content-Disposition (RFC 3261 §20.11).
struct Disposition {
    /// In lower case; empty where nothing is said.
    kind: String,
    is_optional: bool,
}

impl Disposition {
    fn of(headers: &Headers) -> Disposition {
        let value = headers.get(&HeaderName::ContentDisposition).unwrap_or_default();
        let (kind, params) = value.split_once(';').unwrap_or((value, ""));
        let params = Params::parse_header(params).unwrap_or_default();
        let is_optional = params.get("handling").is_some_and(|how| how.eq_ignore_ascii_case("optional"));
        Disposition { kind: kind.trim().to_ascii_lowercase(), is_optional }
    }
}

#[cfg(test)]
mod tests {
    use super::super::Message;
    use super::*;

    const OFFER: &str = "v=0\r\no=- 1 1 IN IP4 192.0.2.9\r\n";

    /// The body of an INVITE with this content type.
    fn read(content_type: &str, body: impl AsRef<[u8]>) -> Body {
        let head = format!(
            "INVITE sip:1000@192.0.2.1 SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.9;branch=z9hG4bK1\r\nFrom: <sip:a@b>;tag=1\r\n\
             To: <sip:c@d>\r\nCall-ID: 1\r\nCSeq: 1 INVITE\r\n{content_type}\r\nContent-Length: {}\r\n\r\n",
            body.as_ref().len()
        );
        let message = [head.as_bytes(), body.as_ref()].concat();
        let Ok(Message::Request(request)) = Message::parse(message.into()) else { panic!("{head}") };
        Body::read(&request.headers, &request.body)
    }

    /// A body of these parts: the header lines of each and its content.
    fn mixed(parts: &[(&str, &str)]) -> Body {
        read("Content-Type: multipart/mixed; boundary=\"a b\"", of("a b", parts))
    }

    fn of(boundary: &str, parts: &[(&str, &str)]) -> String {
        let part = |(head, content): &(&str, &str)| format!("--{boundary}\r\n{head}\r\n\r\n{content}\r\n");
        parts.iter().map(part).chain([format!("--{boundary}--\r\n")]).collect()
    }

    fn sdp() -> (&'static str, &'static str) {
        ("Content-Type: application/sdp", OFFER)
    }

    fn seen(body: &Body) -> (Option<&str>, bool) {
        (body.sdp.as_deref().map(|sdp| std::str::from_utf8(sdp).unwrap()), body.is_known)
    }

    #[test]
    fn sdp_is_taken_out_of_what_stands_beside_it() {
        let isup = "Content-Type: application/ISUP;version=nxv3;base=etsi121\r\n\
                    Content-Disposition: signal;handling=optional";
        assert_eq!(seen(&mixed(&[sdp(), (isup, "\u{1}\0I\0")])), (Some(OFFER), true));
        assert_eq!(seen(&mixed(&[(isup, "\u{1}\0I\0"), sdp()])), (Some(OFFER), true));
        // Where the caller is: a header refers to it.
        let place = ("Content-Type: application/pidf+xml\r\nContent-ID: <me@example.com>", "<presence/>");
        assert_eq!(seen(&mixed(&[sdp(), place])), (Some(OFFER), true));
        let referred = ("Content-Type: text/xml\r\nContent-Disposition: by-reference", "<a/>");
        assert_eq!(seen(&mixed(&[sdp(), referred])), (Some(OFFER), true));
    }

    #[test]
    fn what_must_be_understood_and_is_not_is_no_known_body() {
        for unknown in [
            "Content-Type: application/isup",
            "Content-Type: application/isup\r\nContent-Disposition: signal;handling=required",
            "Content-Type: text/plain",
            "X-Nothing: of a type",
            "Content-Type: application/sdp\r\nContent-Transfer-Encoding: base64",
            "Content-Type: application/sdp\r\nContent-Encoding: gzip",
            "Content-Type: application/sdp\r\nContent-Disposition: early-session",
        ] {
            assert_eq!(seen(&mixed(&[sdp(), (unknown, "what")])), (Some(OFFER), false), "{unknown}");
        }
        assert_eq!(seen(&read("Content-Type: application/isup", "what")), (None, false));
        assert_eq!(
            seen(&read("Content-Type: application/sdp\r\nContent-Encoding: gzip", "what")),
            (None, false)
        );
        let optional = "Content-Type: application/isup\r\nContent-Disposition: signal; Handling=Optional";
        assert_eq!(seen(&read(optional, "what")), (None, true), "an INVITE that leaves the offer to us");
    }

    #[test]
    fn of_alternatives_the_last_that_is_understood_counts() {
        let other = "v=0\r\no=- 2 2 IN IP4 192.0.2.9\r\n";
        let alternatives =
            |parts: &[(&str, &str)]| read("Content-Type: multipart/alternative;boundary=x", of("x", parts));
        let second = ("Content-Type: application/sdp", other);
        let third = ("Content-Type: application/sdp-of-2040", "");
        assert_eq!(seen(&alternatives(&[sdp(), second, (third.0, "v=1")])), (Some(other), true));
        assert_eq!(seen(&alternatives(&[(third.0, "v=1")])), (None, false));
        let inner = of("y", &[sdp(), second]);
        let nested = mixed(&[("Content-Type: multipart/alternative; boundary=y", &inner)]);
        assert_eq!(seen(&nested), (Some(other), true));
    }

    #[test]
    fn parts_are_told_apart_as_they_were_written() {
        let with =
            |body: &str| seen(&read("Content-Type: multipart/mixed;boundary=x", body)).0.map(str::to_owned);
        let plain = format!("--x\r\nContent-Type: application/sdp\r\n\r\n{OFFER}\r\n--x--\r\n");
        assert_eq!(with(&plain).as_deref(), Some(OFFER));
        // Lone line feeds, words before and behind, blanks behind a boundary, another boundary that begins alike.
        let odd = format!("hello\n--x \n\n--xy\n--x\nc: application/SDP ; a=b\n\n{OFFER}\n--x--\nbye\n--x\n");
        assert_eq!(with(&odd).as_deref(), Some(OFFER));
        // The end was forgotten.
        assert_eq!(with(plain.trim_end().trim_end_matches("--x--")), Some(format!("{OFFER}\r\n")));
        assert_eq!((with(""), with("--x--"), with("nothing of it")), (None, None, None));
        for content_type in ["multipart/mixed", "multipart/mixed;boundary=", "multipart/mixed;boundary=\"x"] {
            let body = read(&format!("Content-Type: {content_type}"), &plain);
            assert_eq!(seen(&body), (None, false), "{content_type}");
        }
    }

    #[test]
    fn many_parts_and_deep_ones_are_not_looked_at() {
        let parts = |count| mixed(&vec![sdp(); count]);
        assert_eq!(seen(&parts(MOST_PARTS)), (Some(OFFER), true));
        assert_eq!(seen(&parts(MOST_PARTS + 1)), (None, false));
        let within = |depth: u32| {
            let mut body = OFFER.to_owned();
            let mut head = "Content-Type: application/sdp".to_owned();
            for level in 0..depth {
                body = of(&format!("b{level}"), &[(&head, &body)]);
                head = format!("Content-Type: multipart/mixed; boundary=b{level}");
            }
            read(&head, body)
        };
        assert_eq!(seen(&within(DEEPEST)), (Some(OFFER), true));
        assert_eq!(seen(&within(DEEPEST + 1)), (None, false));
    }
}
