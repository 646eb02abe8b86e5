//! A stream of bytes cut into messages by Content-Length (RFC 3261 §18.3).

use bytes::Bytes;
use bytes::BytesMut;
use serde::Deserialize;
use serde::Serialize;

use super::MAX_MESSAGE;
use super::lex;

/// Cuts one TCP connection's bytes into messages. It holds at most one unfinished message
/// ([`MAX_MESSAGE`]) and what was read beside it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct StreamFramer {
    buffer: BytesMut,
    /// How much of the buffer holds no end of a head, so that a slow sender costs no second look.
    searched: usize,
}

/// What a stream brought.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Framed {
    /// A whole message, for [`super::Message::parse`].
    Message(Bytes),
    /// A double line end between messages: the peer asks whether we are there, and gets one line end back
    /// ([RFC 5626 §4.4.1](https://www.rfc-editor.org/rfc/rfc5626#section-4.4.1)).
    Ping,
}

impl Framed {
    /// What one frame of a WebSocket brought, which is a message by itself
    /// ([RFC 7118 §5](https://www.rfc-editor.org/rfc/rfc7118#section-5)); nothing, when it is the answer to a ping or empty.
    /// Whether it is a whole message is looked at by its Content-Length, as in a datagram.
    pub fn of_frame(frame: Bytes) -> Option<Framed> {
        match &frame[..] {
            b"" | b"\r\n" => None,
            b"\r\n\r\n" => Some(Framed::Ping),
            _ => Some(Framed::Message(frame)),
        }
    }
}

/// The stream cannot be cut into messages any more: close it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FramingError {
    #[error("a message is longer than {MAX_MESSAGE} bytes")]
    TooLong,
    #[error("a message has no Content-Length that can be understood")]
    ContentLength,
}

impl StreamFramer {
    /// At the start of a connection.
    pub fn new() -> StreamFramer {
        StreamFramer::default()
    }

    /// Takes what was read from the connection. Call [`StreamFramer::next`] until it has nothing before
    /// the next read: so nothing piles up here.
    pub fn push(&mut self, read: &[u8]) {
        self.buffer.extend_from_slice(read);
    }

    /// The next message or keep-alive; `None` when more must be read first.
    ///
    /// A message without Content-Length has no body here: a stream has no other sign of its end.
    #[expect(clippy::should_implement_trait, reason = "None means not yet")]
    pub fn next(&mut self) -> Result<Option<Framed>, FramingError> {
        let double = self.buffer.starts_with(b"\r\n\r\n");
        if !double && b"\r\n\r\n".starts_with(&self.buffer) {
            // Not even a lone CR is looked at before it is known what it begins.
            return Ok(None);
        }
        if self.searched == 0 && self.buffer.starts_with(b"\r\n") {
            let _ = self.buffer.split_to(if double { 4 } else { 2 });
            return if double { Ok(Some(Framed::Ping)) } else { self.next() };
        }
        let Some(head) = self.head_length() else {
            return if self.buffer.len() > MAX_MESSAGE { Err(FramingError::TooLong) } else { Ok(None) };
        };
        let length = head + content_length(&self.buffer[..head])?;
        if length > MAX_MESSAGE {
            return Err(FramingError::TooLong);
        }
        if self.buffer.len() < length {
            return Ok(None);
        }
        self.searched = 0;
        Ok(Some(Framed::Message(self.buffer.split_to(length).freeze())))
    }

    /// The length of the head with its empty line, when all of it is there.
    fn head_length(&mut self) -> Option<usize> {
        let from = self.searched.saturating_sub(3);
        match self.buffer[from..].windows(4).position(|window| window == b"\r\n\r\n") {
            Some(at) => Some(from + at + 4),
            None => {
                self.searched = self.buffer.len();
                None
            }
        }
    }
}

/// What the head says about the body's length; several headers must agree.
fn content_length(head: &[u8]) -> Result<usize, FramingError> {
    let mut length = None;
    for line in head.split(|&b| b == b'\n') {
        let Some(colon) = line.iter().position(|&b| b == b':') else { continue };
        let name = line[..colon].trim_ascii_end();
        if !name.eq_ignore_ascii_case(b"Content-Length") && !name.eq_ignore_ascii_case(b"l") {
            continue;
        }
        let value = std::str::from_utf8(line[colon + 1..].trim_ascii()).unwrap_or_default();
        let value = lex::number(value).flatten().ok_or(FramingError::ContentLength)? as usize;
        if length.is_some_and(|other| other != value) {
            return Err(FramingError::ContentLength);
        }
        length = Some(value);
    }
    // Saturated by the check against MAX_MESSAGE in the caller; here only the sum must not overflow.
    Ok(length.unwrap_or(0).min(MAX_MESSAGE + 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_of_a_websocket_is_one_message_or_a_ping() {
        let of = |frame: &'static str| Framed::of_frame(Bytes::from_static(frame.as_bytes()));
        assert_eq!((of(""), of("\r\n"), of("\r\n\r\n")), (None, None, Some(Framed::Ping)));
        // Two in one frame are one that is malformed: what follows the first is let by, as in a datagram.
        for message in ["OPTIONS sip:a SIP/2.0\r\n\r\n", "\r\n\r\n\r\n", "nonsense"] {
            assert_eq!(of(message), Some(Framed::Message(Bytes::from_static(message.as_bytes()))));
        }
    }

    /// What is framed of `stream` when it comes in pieces of `size` bytes.
    fn frame(stream: &[u8], size: usize) -> Vec<Framed> {
        let (mut framer, mut framed) = (StreamFramer::new(), Vec::new());
        for read in stream.chunks(size) {
            framer.push(read);
            while let Ok(Some(one)) = framer.next() {
                framed.push(one);
            }
        }
        framed
    }

    #[test]
    fn a_line_end_cut_in_two_is_no_part_of_the_message_after_it() {
        let message = b"OPTIONS sip:a SIP/2.0\r\nl: 0\r\n\r\n";
        let stream = [b"\r\n".as_slice(), message, b"\r\n\r\n", message].concat();
        let message = || Framed::Message(Bytes::from_static(message));
        for size in 1..=stream.len() {
            assert_eq!(frame(&stream, size), [message(), Framed::Ping, message()], "pieces of {size}");
        }
    }
}
