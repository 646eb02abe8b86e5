//! A message of ours on its way to bytes: written once, into one buffer.

use std::fmt::Display;
use std::fmt::Write;

use bytes::Bytes;

use crate::sip::message::SDP;
use crate::sip::message::reason_phrase;

/// A message being written, head first.
pub(in crate::sip) struct Draft(String);

impl Draft {
    /// A request line.
    pub(in crate::sip) fn request(method: &str, uri: &impl Display) -> Draft {
        let mut draft = Draft(String::with_capacity(1_024));
        draft.line(format_args!("{method} {uri} SIP/2.0"));
        draft
    }

    /// A status line with the reason phrase of the RFCs.
    pub(in crate::sip) fn response(status: u16) -> Draft {
        Draft::response_in_words(status, reason_phrase(status))
    }

    /// A status line with words of ours, which phones show (RFC 3261 §7.2).
    pub(in crate::sip) fn response_in_words(status: u16, words: &str) -> Draft {
        let mut draft = Draft(String::with_capacity(1_024));
        draft.line(format_args!("SIP/2.0 {status} {words}"));
        draft
    }

    /// One header. Line ends in `value` become spaces, so that no value adds a header.
    pub(in crate::sip) fn header(&mut self, name: &str, value: impl Display) -> &mut Draft {
        self.line(format_args!("{name}: {value}"));
        self
    }

    /// Header lines that were written before, each with its line end.
    pub(in crate::sip) fn lines(&mut self, lines: &str) -> &mut Draft {
        self.0.push_str(lines);
        self
    }

    /// Without a body.
    pub(in crate::sip) fn finish(self) -> Bytes {
        self.finish_with(None)
    }

    /// With a body of a content type, if any.
    pub(in crate::sip) fn finish_with(mut self, body: Option<(&str, &[u8])>) -> Bytes {
        if let Some((content_type, _)) = body {
            self.header("Content-Type", content_type);
        }
        let body = body.map_or(&[][..], |(_, body)| body);
        self.header("Content-Length", body.len());
        self.0.push_str("\r\n");
        let mut bytes = self.0.into_bytes();
        bytes.extend_from_slice(body);
        Bytes::from(bytes)
    }

    /// With SDP, if any.
    pub(in crate::sip) fn finish_sdp(self, sdp: Option<&Bytes>) -> Bytes {
        self.finish_with(sdp.map(|sdp| (SDP, &sdp[..])))
    }

    fn line(&mut self, line: std::fmt::Arguments<'_>) {
        let start = self.0.len();
        // Writing to a String fails only when a Display does, and ours do not.
        let _ = self.0.write_fmt(line);
        self.0.push_str("\r\n");
        let end = self.0.len() - 2;
        if self.0[start..end].contains(['\r', '\n']) {
            let clean = self.0[start..end].replace(['\r', '\n'], " ");
            self.0.replace_range(start..end, &clean);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_with_a_line_end_adds_no_header() {
        let mut draft = Draft::response(200);
        draft.header("Subject", "hello\r\nX-Evil: 1");
        let bytes = draft.finish_with(Some(("text/plain", b"hi")));
        let text = std::str::from_utf8(&bytes).unwrap();
        assert_eq!(
            text,
            "SIP/2.0 200 OK\r\nSubject: hello  X-Evil: 1\r\nContent-Type: text/plain\r\n\
             Content-Length: 2\r\n\r\nhi"
        );
    }
}
