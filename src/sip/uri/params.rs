//! `;name=value` pairs, of URIs (escaped) and of headers (quoted).

use std::fmt;

use serde::Deserialize;
use serde::Serialize;

use super::UriError;
use super::escape;
use crate::sip::message::lex;

/// `;name=value` pairs in order; a flag has no value. Names are compared without case.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Params(pub Vec<(String, Option<String>)>);

impl Params {
    /// The value of the first parameter of this name; a flag has the value `""`.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0
            .iter()
            .find(|(n, _)| n.eq_ignore_ascii_case(name))
            .map(|(_, v)| v.as_deref().unwrap_or_default())
    }

    /// Whether there is a parameter of this name.
    pub fn has(&self, name: &str) -> bool {
        self.get(name).is_some()
    }

    /// Gives a parameter a value, `None` for a flag; adds it when there is none.
    pub fn set(&mut self, name: &str, value: Option<&str>) {
        let value = value.map(str::to_owned);
        match self.0.iter_mut().find(|(n, _)| n.eq_ignore_ascii_case(name)) {
            Some((_, old)) => *old = value,
            None => self.0.push((name.to_owned(), value)),
        }
    }

    /// Removes all parameters of this name.
    pub fn remove(&mut self, name: &str) {
        self.0.retain(|(n, _)| !n.eq_ignore_ascii_case(name));
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// What follows the first `;` of a URI. Names and values are unescaped.
    pub(super) fn parse_uri(text: &str) -> Result<Params, UriError> {
        let decode = |text| escape::decode(text, escape::PARAM).ok_or(UriError::Param);
        let name = |text| {
            decode(text).and_then(|name| if name.is_empty() { Err(UriError::Param) } else { Ok(name) })
        };
        let mut params = Vec::with_capacity(2);
        for param in text.split(';') {
            params.push(match param.split_once('=') {
                Some((before, value)) => (name(before)?, Some(decode(value)?)),
                None => (name(param)?, None),
            });
        }
        Ok(Params(params))
    }

    /// What follows the first `;` of a header value: tokens, hosts or quoted strings, white space around
    /// them.
    pub(in crate::sip) fn parse_header(text: &str) -> Result<Params, UriError> {
        let mut params = Vec::with_capacity(2);
        let mut rest = Some(text);
        while let Some(all) = rest {
            let (param, after) = lex::split_once(all, b';');
            rest = after;
            params.push(match param.split_once('=') {
                Some((name, value)) => (header_name(name)?, Some(header_value(value)?)),
                None => (header_name(param)?, None),
            });
        }
        Ok(Params(params))
    }

    /// As part of a URI, escaped.
    pub(super) fn write_uri(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (name, value) in &self.0 {
            f.write_str(";")?;
            escape::encode(f, name, escape::PARAM)?;
            if let Some(value) = value {
                f.write_str("=")?;
                escape::encode(f, value, escape::PARAM)?;
            }
        }
        Ok(())
    }

    /// As part of a header, quoted where a token or host cannot say it.
    pub(in crate::sip) fn write_header(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (name, value) in &self.0 {
            write!(f, ";{name}")?;
            match value {
                Some(value) if is_bare(value) => write!(f, "={value}")?,
                Some(value) => {
                    f.write_str("=")?;
                    lex::write_quoted(f, value)?;
                }
                None => {}
            }
        }
        Ok(())
    }

    /// RFC 3261 §19.1.4: what both have must be equal; `user`, `ttl`, `method`, `maddr` and `transport`
    /// must be in both or in neither.
    pub(super) fn equivalent(&self, other: &Params) -> bool {
        let binding = ["user", "ttl", "method", "maddr", "transport"];
        let agrees = |a: &Params, b: &Params| {
            a.0.iter().all(|(name, value)| match b.get(name) {
                Some(theirs) => theirs.eq_ignore_ascii_case(value.as_deref().unwrap_or_default()),
                None => !binding.iter().any(|known| known.eq_ignore_ascii_case(name)),
            })
        };
        agrees(self, other) && agrees(other, self)
    }

    /// Whether both have the same parameters, in any order.
    pub(super) fn same_set(&self, other: &Params) -> bool {
        let within = |a: &Params, b: &Params| {
            a.0.iter().all(|(name, value)| {
                b.get(name).is_some_and(|v| v.eq_ignore_ascii_case(value.as_deref().unwrap_or_default()))
            })
        };
        self.0.len() == other.0.len() && within(self, other) && within(other, self)
    }
}

fn header_name(text: &str) -> Result<String, UriError> {
    let name = lex::trim(text);
    if lex::is_token(name) { Ok(name.to_owned()) } else { Err(UriError::Param) }
}

fn header_value(text: &str) -> Result<String, UriError> {
    let value = lex::trim(text);
    if value.starts_with('"') {
        lex::unquote(value).ok_or(UriError::Param)
    } else if is_bare(value) {
        Ok(value.to_owned())
    } else {
        Err(UriError::Param)
    }
}

/// A token or a host, an IPv6 address with or without brackets among them (RFC 5118 §4.5).
fn is_bare(value: &str) -> bool {
    !value.is_empty() && value.bytes().all(|b| lex::is_token_byte(b) || b"[]:/".contains(&b))
}
