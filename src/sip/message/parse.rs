//! Bytes to message. What is refused says how: with a status, or by silence.

use std::sync::Arc;

use bytes::Bytes;

use super::Headers;
use super::MAX_MESSAGE;
use super::Message;
use super::Method;
use super::Request;
use super::Response;
use super::lex;
use super::name::HeaderName;
use super::text::Text;
use super::typed::CSeq;
use super::typed::HeaderError;
use super::via::Via;
use crate::sip::uri::NameAddr;
use crate::sip::uri::Uri;

/// More headers than any honest message has; every proxy on the way adds two.
const MAX_HEADERS: usize = 256;

/// Why bytes are no message, and what is to be done about it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ParseError {
    /// Say nothing: it is a response, an ACK, or nothing that an answer could reach.
    #[error("ignored: {0}")]
    Ignore(&'static str),
    /// Refuse the request.
    #[error("refused with {status}: {reason}")]
    Refuse {
        status: u16,
        /// The reason phrase, which tells the sender what is wrong.
        reason: String,
        /// The headers that could be read, for the response; at least one Via is among them.
        head: Headers,
    },
}

impl ParseError {
    /// The response to a request that is refused, as far as its headers could be read. It goes to where
    /// the request came from; no transaction is made for it, and the caller adds a To tag.
    pub fn response(&self) -> Option<Response> {
        match self {
            ParseError::Ignore(_) => None,
            ParseError::Refuse { status, reason, head } => {
                let mut response = Response::to_head(*status, head);
                response.reason.clone_from(reason);
                Some(response)
            }
        }
    }
}

impl Message {
    /// Reads one datagram, or one message framed from a stream.
    ///
    /// What follows the body that Content-Length announces is left out; without Content-Length the body
    /// goes to the end ([RFC 3261 §18.3](https://www.rfc-editor.org/rfc/rfc3261#section-18.3)). The body's
    /// own length says it from then on: Content-Length is not among the headers. From, To, Call-ID, CSeq
    /// and the top Via are there, and can be read, in every message that comes out.
    pub fn parse(bytes: Bytes) -> Result<Message, ParseError> {
        Message::read(bytes).map(|(message, _)| message)
    }

    /// As [`Message::parse`], with what had to be read of the headers on the way.
    pub(in crate::sip) fn read(bytes: Bytes) -> Result<(Message, Essentials), ParseError> {
        if bytes.len() > MAX_MESSAGE {
            return Err(ParseError::Ignore("too long"));
        }
        let start =
            bytes.iter().position(|b| !b"\r\n".contains(b)).ok_or(ParseError::Ignore("keep-alive"))?;
        let bytes = bytes.slice(start..);
        let (head, body_at) = split_head(&bytes);
        let (start_line, fields) = next_line(&head, 0);
        let (headers, broken) = parse_headers(&head, fields);
        let raw = Raw { headers, broken, body: bytes.slice(body_at..) };
        let start_line = &head[..start_line];
        match start_line.get(..4) {
            Some(sip) if sip.eq_ignore_ascii_case("SIP/") => parse_response(start_line, raw),
            _ => parse_request(start_line, raw),
        }
    }
}

/// The headers that every message must have, read.
pub(in crate::sip) struct Essentials {
    /// The top Via.
    pub(in crate::sip) via: Via,
    pub(in crate::sip) from: NameAddr,
    pub(in crate::sip) to: NameAddr,
    pub(in crate::sip) cseq: CSeq,
}

/// A message whose start line is not understood yet.
struct Raw {
    headers: Headers,
    /// What was wrong with the header lines that are not in `headers`.
    broken: Option<&'static str>,
    body: Bytes,
}

fn parse_request(start_line: &str, mut raw: Raw) -> Result<(Message, Essentials), ParseError> {
    let line = request_line(start_line, &raw);
    match line.and_then(|line| Ok((check(&mut raw, Some(&line.0))?, line))) {
        Ok((essentials, (method, uri))) => {
            let request = Request { method, uri, headers: raw.headers, body: raw.body };
            Ok((Message::Request(request), essentials))
        }
        Err(fault) => Err(refuse(start_line, raw.headers, fault)),
    }
}

fn parse_response(start_line: &str, mut raw: Raw) -> Result<(Message, Essentials), ParseError> {
    let (version, rest) = start_line.split_once(' ').unwrap_or((start_line, ""));
    if !version.eq_ignore_ascii_case("SIP/2.0") {
        return Err(ParseError::Ignore("response of another version"));
    }
    // The space before an empty reason phrase is often forgotten.
    let (status, reason) = rest.split_once(' ').unwrap_or((rest, ""));
    let status = match lex::number(status) {
        Some(Some(number @ 100..=699)) if status.len() == 3 => number as u16,
        _ => return Err(ParseError::Ignore("response with a bad status")),
    };
    let Ok(essentials) = check(&mut raw, None) else {
        return Err(ParseError::Ignore("response with bad headers"));
    };
    let response = Response { status, reason: reason.to_owned(), headers: raw.headers, body: raw.body };
    Ok((Message::Response(response), essentials))
}

/// Status and reason phrase.
type Fault = (u16, String);

fn bad(reason: impl Into<String>) -> Fault {
    (400, reason.into())
}

/// `METHOD SP URI SP SIP/2.0`, with one space each: a Request-URI holds none
/// ([RFC 4475 §3.1.2.8](https://www.rfc-editor.org/rfc/rfc4475#section-3.1.2.8) to 3.1.2.10).
fn request_line(line: &str, raw: &Raw) -> Result<(Method, Uri), Fault> {
    let mut parts = line.split(' ');
    let (Some(method), Some(uri), Some(version), None) =
        (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return Err(bad("Bad Request Line"));
    };
    let method: Method = method.parse().map_err(|_| bad("Bad Method"))?;
    if !version.eq_ignore_ascii_case("SIP/2.0") {
        return Err(match version.get(..4) {
            Some(sip) if sip.eq_ignore_ascii_case("SIP/") => (505, "Version Not Supported".to_owned()),
            _ => bad("Bad Request Line"),
        });
    }
    if let Some(broken) = raw.broken {
        return Err(bad(broken));
    }
    let uri = Uri::parse(uri).map_err(|error| bad(format!("Bad Request-URI: {error}")))?;
    // RFC 3261 §19.1.1: headers have no place in a Request-URI.
    if uri.headers.is_some() {
        return Err(bad("Bad Request-URI: it has headers"));
    }
    Ok((method, uri))
}

/// What every message must have, and have once
/// ([RFC 3261 §8.1.1](https://www.rfc-editor.org/rfc/rfc3261#section-8.1.1)); cuts the body to its length.
fn check(raw: &mut Raw, method: Option<&Method>) -> Result<Essentials, Fault> {
    let fault = |error: HeaderError| (error.sip_status(), error.to_string());
    if let Some(broken) = raw.broken {
        return Err(bad(broken));
    }
    let headers = &raw.headers;
    let via = headers.via().map_err(fault)?;
    let from = headers.from().map_err(fault)?;
    let to = headers.to().map_err(fault)?;
    headers.call_id().map_err(fault)?;
    let cseq = headers.cseq().map_err(fault)?;
    if method.is_some_and(|method| *method != cseq.method) {
        return Err(bad("CSeq Names Another Method"));
    }
    headers.max_forwards().map_err(fault)?;
    if let Some(length) = headers.content_length().map_err(fault)? {
        if length > raw.body.len() {
            return Err(bad("Body Shorter Than Content-Length"));
        }
        raw.body.truncate(length);
        raw.headers.remove(&HeaderName::ContentLength);
    }
    Ok(Essentials { via, from, to, cseq })
}

fn refuse(start_line: &str, head: Headers, (status, reason): Fault) -> ParseError {
    if start_line.starts_with("ACK ") {
        return ParseError::Ignore("bad ACK");
    }
    if !head.has(&HeaderName::Via) {
        return ParseError::Ignore("no Via to answer by");
    }
    ParseError::Refuse { status, reason, head }
}

/// The headers and the content of a part of a body. Headers that are none are left out.
pub(super) fn read_part(part: &Bytes) -> (Headers, Bytes) {
    if let Some(content) = part.strip_prefix(b"\r\n").or_else(|| part.strip_prefix(b"\n")) {
        return (Headers::new(), part.slice_ref(content));
    }
    let (head, body_at) = split_head(part);
    (parse_headers(&head, 0).0, part.slice(body_at..))
}

/// The head as text, with the empty line that ends it, and where the body begins.
fn split_head(bytes: &Bytes) -> (Arc<str>, usize) {
    let (text, valid) = match std::str::from_utf8(bytes) {
        Ok(text) => (text, true),
        // The body may be anything. What is valid up to here is valid.
        Err(error) => (std::str::from_utf8(&bytes[..error.valid_up_to()]).unwrap_or_default(), false),
    };
    if let Some(end) = head_end(text.as_bytes()) {
        return (Arc::from(&text[..end]), end);
    }
    if valid {
        return (Arc::from(text), bytes.len());
    }
    // Old telephones write names in Latin-1, where every byte is the character of that number. Reading
    // them so keeps the call, and the name.
    let end = head_end(bytes).unwrap_or(bytes.len());
    let head: String = bytes[..end].iter().map(|&byte| char::from(byte)).collect();
    (Arc::from(head), end)
}

/// The end of the empty line. Lines end with CRLF; a lone LF is understood.
fn head_end(bytes: &[u8]) -> Option<usize> {
    let mut at = 0;
    loop {
        at += bytes[at..].iter().position(|&b| b == b'\n')? + 1;
        match bytes[at..] {
            [b'\r', b'\n', ..] => return Some(at + 2),
            [b'\n', ..] => return Some(at + 1),
            _ => {}
        }
    }
}

/// The line that begins at `from`: where it ends, and where the next begins.
fn next_line(head: &str, from: usize) -> (usize, usize) {
    match head[from..].find('\n') {
        Some(length) => {
            let end = from + length;
            let line = &head[from..end];
            (if line.ends_with('\r') { end - 1 } else { end }, end + 1)
        }
        None => (head.len(), head.len()),
    }
}

/// All header lines from `at`, continuations joined to theirs; and what was wrong with one left out.
fn parse_headers(head: &Arc<str>, mut at: usize) -> (Headers, Option<&'static str>) {
    let mut headers = Headers::with_capacity(24);
    let mut broken = None;
    while at < head.len() {
        let (mut end, mut next) = next_line(head, at);
        if end == at {
            break;
        }
        let mut folded = false;
        while head[next..].starts_with([' ', '\t']) {
            (end, next) = next_line(head, next);
            folded = true;
        }
        if headers.len() == MAX_HEADERS {
            return (headers, Some("Too Many Headers"));
        }
        match parse_header(head, at, end, folded) {
            Ok((name, value)) => headers.push_parsed(name, value),
            Err(why) => broken = Some(why),
        }
        at = next;
    }
    (headers, broken)
}

fn parse_header(
    head: &Arc<str>,
    from: usize,
    end: usize,
    folded: bool,
) -> Result<(HeaderName, Text), &'static str> {
    let line = &head[from..end];
    let (name, value) = line.split_once(':').ok_or("Header Line Without Colon")?;
    let name_text = lex::trim(name);
    if name_text.len() > 255 || !name.starts_with(name_text) || !lex::is_token(name_text) {
        return Err("Bad Header Name");
    }
    let name = HeaderName::known(name_text)
        .unwrap_or_else(|| HeaderName::Other(Text::slice(head, from, from + name_text.len())));
    if folded {
        return Ok((name, Text::from(unfold(value))));
    }
    if value.contains('\r') {
        return Err("Carriage Return Within A Header");
    }
    let value_at = end - value.len();
    let start = value_at + (value.len() - value.trim_start_matches([' ', '\t']).len());
    Ok((name, Text::slice(head, start, start + lex::trim(value).len())))
}

/// A line end with the white space around it is one space
/// ([RFC 3261 §7.3.1](https://www.rfc-editor.org/rfc/rfc3261#section-7.3.1)).
fn unfold(value: &str) -> String {
    let mut joined = String::with_capacity(value.len());
    for line in value.split('\n').map(|line| line.trim_matches([' ', '\t', '\r'])) {
        if !joined.is_empty() && !line.is_empty() {
            joined.push(' ');
        }
        joined.push_str(line);
    }
    joined.replace('\r', " ")
}
