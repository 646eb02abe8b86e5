//! Percent escapes (RFC 3261 §19.1.2): which characters each part of a URI may hold as they are.

use std::borrow::Cow;
use std::fmt;

use crate::sip::message::lex;

/// What a user part holds unescaped beside the unreserved characters.
pub(super) const USER: &[u8] = b"&=+$,;?/";
/// What we read in one: `#` is none of the grammar, but phones send it in feature codes.
pub(super) const USER_READ: &[u8] = b"&=+$,;?/#";
/// What a password holds.
pub(super) const PASSWORD: &[u8] = b"&=+$,";
/// What a parameter's name and value hold.
pub(super) const PARAM: &[u8] = b"[]/:&+$";
/// What headers hold, with the signs between and within them.
pub(super) const HEADERS: &[u8] = b"[]/?:+$&=";

/// `text` when every byte may stand in it, or is part of a whole escape.
pub(super) fn check<'a>(text: &'a str, allowed: &[u8]) -> Option<&'a str> {
    let bytes = text.as_bytes();
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        if byte == b'%' {
            if !bytes.get(at + 1)?.is_ascii_hexdigit() || !bytes.get(at + 2)?.is_ascii_hexdigit() {
                return None;
            }
            at += 3;
        } else if lex::is_unreserved(byte) || allowed.contains(&byte) {
            at += 1;
        } else {
            return None;
        }
    }
    Some(text)
}

/// The text without its escapes; `None` for a character that may not stand there, a broken escape, or
/// escapes that are no UTF-8.
pub(super) fn decode(text: &str, allowed: &[u8]) -> Option<String> {
    check(text, allowed)?;
    if !text.contains('%') {
        return Some(text.to_owned());
    }
    String::from_utf8(decode_bytes(text)).ok()
}

/// The text without its escapes, whatever they are.
pub(in crate::sip) fn decode_lossy(text: &str) -> String {
    match String::from_utf8_lossy(&decode_bytes(text)) {
        Cow::Borrowed(text) => text.to_owned(),
        Cow::Owned(text) => text,
    }
}

fn decode_bytes(text: &str) -> Vec<u8> {
    let hex = |byte: Option<&u8>| byte.and_then(|b| char::from(*b).to_digit(16));
    let bytes = text.as_bytes();
    let mut plain = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        match (byte, hex(bytes.get(at + 1)), hex(bytes.get(at + 2))) {
            (b'%', Some(high), Some(low)) => {
                plain.push((high * 16 + low) as u8);
                at += 3;
            }
            _ => {
                plain.push(byte);
                at += 1;
            }
        }
    }
    plain
}

/// Writes `text`, with escapes for all that may not stand there.
pub(super) fn encode(f: &mut fmt::Formatter<'_>, text: &str, allowed: &[u8]) -> fmt::Result {
    let mut written = 0;
    for (at, byte) in text.bytes().enumerate() {
        if lex::is_unreserved(byte) || allowed.contains(&byte) {
            continue;
        }
        // A byte of a longer character is never allowed as it is, so the ends of this piece are
        // boundaries unless the piece is empty.
        f.write_str(text.get(written..at).unwrap_or_default())?;
        write!(f, "%{byte:02X}")?;
        written = at + 1;
    }
    f.write_str(text.get(written..).unwrap_or_default())
}
