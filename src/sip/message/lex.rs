//! The smallest pieces of SIP's grammar (RFC 3261 §25.1): tokens, numbers, quoted strings, lists.

/// What a byte may be part of, one bit each: looked up, because every byte of a message is asked.
const TOKEN: u8 = 1;
const HOST: u8 = 2;
const UNRESERVED: u8 = 4;

static CLASS: [u8; 256] = classes();

const fn classes() -> [u8; 256] {
    let mut class = [0; 256];
    let mut byte = 0;
    while byte < 256 {
        let b = byte as u8;
        if b.is_ascii_alphanumeric() {
            class[byte] = TOKEN | HOST | UNRESERVED;
        }
        byte += 1;
    }
    add(&mut class, b"-.!%*_+`'~", TOKEN);
    add(&mut class, b"-._", HOST);
    add(&mut class, b"-_.!~*'()", UNRESERVED);
    class
}

const fn add(class: &mut [u8; 256], bytes: &[u8], bit: u8) {
    let mut at = 0;
    while at < bytes.len() {
        class[bytes[at] as usize] |= bit;
        at += 1;
    }
}

/// `token` of RFC 3261 §25.1: a method, a header name, a parameter.
pub(in crate::sip) fn is_token(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(is_token_byte)
}

/// Whether `byte` may be part of a token.
pub(in crate::sip) fn is_token_byte(byte: u8) -> bool {
    CLASS[byte as usize] & TOKEN != 0
}

/// Whether `byte` may be part of a host name. The underscore is no letter of the grammar, but names of
/// containers and Windows machines have it.
pub(in crate::sip) fn is_host_byte(byte: u8) -> bool {
    CLASS[byte as usize] & HOST != 0
}

/// `unreserved` of RFC 3261 §25.1: never escaped in a URI.
pub(in crate::sip) fn is_unreserved(byte: u8) -> bool {
    CLASS[byte as usize] & UNRESERVED != 0
}

/// Digits only, any number of leading zeros; `None` for anything else, `Some(None)` when it is beyond `u32`.
pub(in crate::sip) fn number(text: &str) -> Option<Option<u32>> {
    if text.is_empty() || !text.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let digits = text.trim_start_matches('0');
    Some(if digits.is_empty() { Some(0) } else { digits.parse().ok() })
}

/// A port: digits, at most 65535.
pub(in crate::sip) fn port(text: &str) -> Option<u16> {
    number(text)?.and_then(|port| u16::try_from(port).ok())
}

/// Linear white space within one header value, after unfolding.
pub(in crate::sip) fn trim(text: &str) -> &str {
    text.trim_matches([' ', '\t'])
}

/// The piece of `text` before the first `separator` that stands outside quotes and angle brackets, and
/// what follows it.
pub(in crate::sip) fn split_once(text: &str, separator: u8) -> (&str, Option<&str>) {
    match find(text, separator) {
        Some(at) => (&text[..at], Some(&text[at + 1..])),
        None => (text, None),
    }
}

/// Where `wanted` first stands outside quotes and angle brackets. `wanted` is ASCII.
pub(in crate::sip) fn find(text: &str, wanted: u8) -> Option<usize> {
    let (mut quoted, mut escaped, mut angle) = (false, false, false);
    for (at, byte) in text.bytes().enumerate() {
        if quoted {
            match byte {
                _ if escaped => escaped = false,
                b'\\' => escaped = true,
                b'"' => quoted = false,
                _ => {}
            }
            continue;
        }
        if byte == wanted && !angle {
            return Some(at);
        }
        match byte {
            b'"' if !angle => quoted = true,
            b'<' => angle = true,
            b'>' => angle = false,
            _ => {}
        }
    }
    None
}

/// The elements of a comma-separated value, trimmed, empty ones left out.
#[derive(Clone, Debug)]
pub(in crate::sip) struct Elements<'a>(pub(in crate::sip) Option<&'a str>);

impl<'a> Iterator for Elements<'a> {
    type Item = &'a str;

    fn next(&mut self) -> Option<&'a str> {
        loop {
            let (element, rest) = split_once(self.0?, b',');
            self.0 = rest;
            let element = trim(element);
            if !element.is_empty() {
                return Some(element);
            }
        }
    }
}

/// Takes the quotes and backslashes off a quoted string; `None` when it is not one from end to end.
pub(in crate::sip) fn unquote(text: &str) -> Option<String> {
    let inner = text.strip_prefix('"')?.strip_suffix('"')?;
    let mut plain = String::with_capacity(inner.len());
    let mut chars = inner.chars();
    while let Some(char) = chars.next() {
        match char {
            '"' => return None,
            // The closing quote was escaped when nothing follows.
            '\\' => plain.push(chars.next()?),
            char => plain.push(char),
        }
    }
    Some(plain)
}

/// Writes `text` as a quoted string. Line ends become spaces: no escape makes them harmless.
pub(in crate::sip) fn write_quoted(out: &mut impl std::fmt::Write, text: &str) -> std::fmt::Result {
    out.write_char('"')?;
    for char in text.chars() {
        match char {
            '"' | '\\' => {
                out.write_char('\\')?;
                out.write_char(char)?;
            }
            '\r' | '\n' => out.write_char(' ')?,
            char => out.write_char(char)?,
        }
    }
    out.write_char('"')
}
