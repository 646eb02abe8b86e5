//! Requests and responses as they stand on the wire: parse and print. No meaning is given here.

mod body;
mod framer;
mod headers;
pub(in crate::sip) mod lex;
mod method;
mod name;
mod parse;
mod print;
mod status;
mod text;
mod typed;
mod via;

use bytes::Bytes;
use serde::Deserialize;
use serde::Serialize;

pub use body::ACCEPT;
pub use body::Body;
pub use body::SDP;
pub use framer::Framed;
pub use framer::FramingError;
pub use framer::StreamFramer;
pub use headers::Headers;
pub use method::Method;
pub use method::NotAMethod;
pub use name::HeaderName;
pub(in crate::sip) use parse::Essentials;
pub use parse::ParseError;
pub use status::reason_phrase;
pub use text::Text;
pub use typed::CSeq;
pub use typed::Contacts;
pub use typed::HeaderError;
pub use typed::RAck;
pub use typed::Refresher;
pub use typed::SessionExpires;
pub use via::Via;

use crate::sip::uri::Uri;

#[cfg(test)]
mod tests;

/// The longest message that we read, head and body: 64 KiB, as much as a datagram can hold.
pub const MAX_MESSAGE: usize = 64 * 1024;

/// A SIP message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Message {
    Request(Request),
    Response(Response),
}

/// A request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Request {
    pub method: Method,
    /// Request-URI.
    pub uri: Uri,
    pub headers: Headers,
    pub body: Bytes,
}

/// A response.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Response {
    /// 100 to 699.
    pub status: u16,
    pub reason: String,
    pub headers: Headers,
    pub body: Bytes,
}

impl Message {
    /// Its headers.
    pub fn headers(&self) -> &Headers {
        match self {
            Message::Request(request) => &request.headers,
            Message::Response(response) => &response.headers,
        }
    }
}

impl Request {
    /// Without headers and body.
    pub fn new(method: Method, uri: Uri) -> Request {
        Request { method, uri, headers: Headers::new(), body: Bytes::new() }
    }

    /// A response to it, with the Vias, From, To, Call-ID and CSeq, and for a dialog (INVITE, SUBSCRIBE,
    /// REFER; 101 to 299) with the Record-Routes. The caller adds the To tag.
    ///
    /// [RFC 3261 §8.2.6.2](https://www.rfc-editor.org/rfc/rfc3261#section-8.2.6.2)
    pub fn response(&self, status: u16) -> Response {
        let mut response = Response::to_head(status, &self.headers);
        let dialog = matches!(self.method, Method::Invite | Method::Subscribe | Method::Refer);
        if dialog && (101..300).contains(&status) {
            response.headers.copy(&self.headers, &HeaderName::RecordRoute);
        }
        if status == 100 {
            response.headers.copy(&self.headers, &HeaderName::from("Timestamp"));
        }
        response
    }
}

impl Response {
    /// A response to the request that has the headers `head`, with the reason phrase of the RFCs.
    pub(super) fn to_head(status: u16, head: &Headers) -> Response {
        let mut headers = Headers::with_capacity(head.len().min(12));
        for name in [HeaderName::Via, HeaderName::From, HeaderName::To, HeaderName::CallId, HeaderName::CSeq]
        {
            headers.copy(head, &name);
        }
        Response { status, reason: reason_phrase(status).to_owned(), headers, body: Bytes::new() }
    }

    /// Adds the tag to To when it has none. Every response but 100 must have one.
    pub fn set_to_tag(&mut self, tag: &str) {
        let Some(to) = self.headers.get(&HeaderName::To) else { return };
        let tagged = match self.headers.to() {
            Ok(to) if to.tag().is_some() => return,
            // Inside brackets or not, what is added at the end belongs to the header.
            _ => format!("{to};tag={tag}"),
        };
        self.headers.set(HeaderName::To, tagged);
    }
}
