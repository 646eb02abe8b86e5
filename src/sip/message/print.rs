//! Messages as bytes.

use std::fmt::Write;

use bytes::Bytes;

use super::Headers;
use super::Message;
use super::Request;
use super::Response;
use super::name::HeaderName;

impl Message {
    /// As it goes on the wire.
    pub fn to_bytes(&self) -> Bytes {
        match self {
            Message::Request(request) => request.to_bytes(),
            Message::Response(response) => response.to_bytes(),
        }
    }
}

impl Request {
    /// As it goes on the wire, with the Content-Length that is true.
    pub fn to_bytes(&self) -> Bytes {
        let mut out = String::with_capacity(capacity(&self.headers, self.body.len()));
        // Writing to a String never fails.
        let _ = write!(out, "{} {} SIP/2.0\r\n", self.method, self.uri);
        finish(out, &self.headers, &self.body)
    }
}

impl Response {
    /// As it goes on the wire, with the Content-Length that is true.
    pub fn to_bytes(&self) -> Bytes {
        let mut out = String::with_capacity(capacity(&self.headers, self.body.len()));
        // Writing to a String never fails.
        let _ = write!(out, "SIP/2.0 {} ", self.status);
        out.extend(self.reason.chars().map(|c| if c.is_control() { ' ' } else { c }));
        out.push_str("\r\n");
        finish(out, &self.headers, &self.body)
    }
}

fn capacity(headers: &Headers, body: usize) -> usize {
    headers.iter().map(|(name, value)| name.as_str().len() + value.len() + 4).sum::<usize>() + body + 256
}

fn finish(mut out: String, headers: &Headers, body: &Bytes) -> Bytes {
    for (name, value) in headers.iter().filter(|(name, _)| **name != HeaderName::ContentLength) {
        out.push_str(name.as_str());
        out.push_str(": ");
        out.push_str(value);
        out.push_str("\r\n");
    }
    // Writing to a String never fails.
    let _ = write!(out, "Content-Length: {}\r\n\r\n", body.len());
    let mut out = out.into_bytes();
    out.extend_from_slice(body);
    Bytes::from(out)
}
