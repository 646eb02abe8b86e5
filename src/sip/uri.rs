//! SIP URIs and name-addrs (RFC 3261 §19.1, §20.10), with sips and tel among them.

mod escape;
mod name_addr;
mod params;
mod transport;

use std::borrow::Cow;
use std::fmt;
use std::net::Ipv6Addr;

use serde::Deserialize;
use serde::Serialize;

use crate::sip::message::lex;

pub(in crate::sip) use escape::decode_lossy;
pub use name_addr::NameAddr;
pub use params::Params;
pub use transport::Transport;

/// A SIP, SIPS or tel URI; another scheme is kept as text, for a 416.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Uri {
    pub scheme: Scheme,
    /// Before the `@`, unescaped; for tel the number.
    pub user: Option<String>,
    /// After the user's `:`, unescaped. Nobody should send one (RFC 3261 §19.1.1); it is kept because it
    /// is part of what must be sent back.
    pub password: Option<String>,
    /// Host name, IPv4 address, or IPv6 address without brackets.
    pub host: String,
    pub port: Option<u16>,
    /// `;name=value`, in order.
    pub params: Params,
    /// After the `?`, as it stands.
    pub headers: Option<String>,
}

/// The scheme of a [`Uri`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Scheme {
    Sip,
    Sips,
    Tel,
    /// Any other; [`Uri::host`] holds the rest of the text.
    Other(String),
}

/// Why a text is no URI, or no name-addr.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UriError {
    #[error("no scheme")]
    NoScheme,
    #[error("a character that must be escaped, or a broken escape")]
    Escape,
    #[error("bad user part")]
    User,
    #[error("bad host")]
    Host,
    #[error("bad port")]
    Port,
    #[error("bad parameter")]
    Param,
    #[error("bad headers after the question mark")]
    Headers,
    #[error("bad display name")]
    Display,
    #[error("angle brackets do not match, or are missing where they are needed")]
    Brackets,
}

impl Uri {
    /// `sip:user@host:port`.
    pub fn sip(user: Option<&str>, host: impl Into<String>, port: Option<u16>) -> Uri {
        Uri {
            scheme: Scheme::Sip,
            user: user.map(str::to_owned),
            password: None,
            host: host.into(),
            port,
            params: Params::default(),
            headers: None,
        }
    }

    /// Reads a URI that stands alone: a Request-URI, or what is inside angle brackets.
    ///
    /// [RFC 3261 §19.1.1](https://www.rfc-editor.org/rfc/rfc3261#section-19.1.1)
    pub fn parse(text: &str) -> Result<Uri, UriError> {
        let (scheme, rest) = text.split_once(':').ok_or(UriError::NoScheme)?;
        if scheme.eq_ignore_ascii_case("sip") {
            parse_sip(Scheme::Sip, rest)
        } else if scheme.eq_ignore_ascii_case("sips") {
            parse_sip(Scheme::Sips, rest)
        } else if scheme.eq_ignore_ascii_case("tel") {
            parse_tel(rest)
        } else {
            parse_other(scheme, rest)
        }
    }

    /// The port, or the default of the scheme: 5060, for sips 5061.
    pub fn port_or_default(&self) -> u16 {
        self.port.unwrap_or(if self.scheme == Scheme::Sips { 5061 } else { 5060 })
    }

    /// Whether the two mean the same resource: escapes, case of the host and order of the parameters do
    /// not count.
    ///
    /// [RFC 3261 §19.1.4](https://www.rfc-editor.org/rfc/rfc3261#section-19.1.4)
    pub fn equivalent(&self, other: &Uri) -> bool {
        if self.scheme != other.scheme {
            return false;
        }
        match self.scheme {
            Scheme::Sip | Scheme::Sips => {
                self.user == other.user
                    && self.password == other.password
                    && same_host(&self.host, &other.host)
                    && self.port == other.port
                    && self.params.equivalent(&other.params)
                    && same_headers(self.headers.as_deref(), other.headers.as_deref())
            }
            Scheme::Tel => {
                let number = |uri: &Uri| digits(uri.user.as_deref().unwrap_or_default());
                number(self) == number(other) && self.params.same_set(&other.params)
            }
            Scheme::Other(_) => self.host == other.host,
        }
    }
}

fn parse_sip(scheme: Scheme, text: &str) -> Result<Uri, UriError> {
    // The user part may hold `;` and `?` but no `@`; parameters and headers hold no `@` unescaped either,
    // so the last one ends the user part.
    let (userinfo, rest) = match text.rsplit_once('@') {
        Some((userinfo, rest)) => (Some(userinfo), rest),
        None => (None, text),
    };
    let (user, password) = match userinfo {
        Some(userinfo) => parse_userinfo(userinfo)?,
        None => (None, None),
    };
    let (rest, headers) = match rest.split_once('?') {
        Some((rest, headers)) => {
            (rest, Some(escape::check(headers, escape::HEADERS).ok_or(UriError::Headers)?))
        }
        None => (rest, None),
    };
    let (hostport, params) = match rest.split_once(';') {
        Some((hostport, params)) => (hostport, Params::parse_uri(params)?),
        None => (rest, Params::default()),
    };
    let (host, port) = split_host_port(hostport)?;
    Ok(Uri {
        scheme,
        user,
        password,
        host: host.into_owned(),
        port,
        params,
        headers: headers.map(str::to_owned),
    })
}

fn parse_userinfo(userinfo: &str) -> Result<(Option<String>, Option<String>), UriError> {
    let (user, password) = match userinfo.split_once(':') {
        Some((user, password)) => {
            (user, Some(escape::decode(password, escape::PASSWORD).ok_or(UriError::User)?))
        }
        None => (userinfo, None),
    };
    if user.is_empty() {
        return Err(UriError::User);
    }
    let user = escape::decode(user, escape::USER_READ).ok_or(UriError::User)?;
    Ok((Some(user), password))
}

/// [RFC 3966 §3](https://www.rfc-editor.org/rfc/rfc3966#section-3): a number and parameters, no host.
fn parse_tel(text: &str) -> Result<Uri, UriError> {
    let (number, params) = match text.split_once(';') {
        Some((number, params)) => (number, Params::parse_uri(params)?),
        None => (text, Params::default()),
    };
    let digit = |b: u8| b.is_ascii_hexdigit() || b"+*#-.()".contains(&b);
    if number.is_empty() || !number.bytes().all(digit) {
        return Err(UriError::User);
    }
    Ok(Uri {
        scheme: Scheme::Tel,
        user: Some(number.to_owned()),
        password: None,
        host: String::new(),
        port: None,
        params,
        headers: None,
    })
}

fn parse_other(scheme: &str, rest: &str) -> Result<Uri, UriError> {
    let letters = |b: u8| b.is_ascii_alphanumeric() || b"+-.".contains(&b);
    if !scheme.starts_with(|c: char| c.is_ascii_alphabetic()) || !scheme.bytes().all(letters) {
        return Err(UriError::NoScheme);
    }
    if rest.is_empty() || rest.bytes().any(|b| b <= b' ' || b"<>\"".contains(&b) || b == 0x7f) {
        return Err(UriError::Escape);
    }
    Ok(Uri {
        scheme: Scheme::Other(scheme.to_owned()),
        user: None,
        password: None,
        host: rest.to_owned(),
        port: None,
        params: Params::default(),
        headers: None,
    })
}

/// Splits `host:port`; an IPv6 address stands in brackets, and comes back without.
pub(in crate::sip) fn split_host_port(text: &str) -> Result<(Cow<'_, str>, Option<u16>), UriError> {
    let (host, rest) = match text.strip_prefix('[') {
        Some(inner) => {
            let (address, rest) = inner.split_once(']').ok_or(UriError::Host)?;
            (ipv6(address).ok_or(UriError::Host)?, rest)
        }
        None => {
            let end = text.find(':').unwrap_or(text.len());
            if end == 0 || !text[..end].bytes().all(lex::is_host_byte) {
                return Err(UriError::Host);
            }
            (Cow::Borrowed(&text[..end]), &text[end..])
        }
    };
    match rest.strip_prefix(':') {
        Some(port) => Ok((host, Some(lex::port(port).ok_or(UriError::Port)?))),
        None if rest.is_empty() => Ok((host, None)),
        None => Err(UriError::Host),
    }
}

/// An IPv6 address as it stands. The grammar of RFC 3261 by mistake has a third colon before an IPv4 tail;
/// it is read without ([RFC 5118 §4.10](https://www.rfc-editor.org/rfc/rfc5118#section-4.10)).
fn ipv6(address: &str) -> Option<Cow<'_, str>> {
    let is_address = |text: &str| text.parse::<Ipv6Addr>().is_ok();
    if is_address(address) {
        return Some(Cow::Borrowed(address));
    }
    let (head, tail) = address.split_once(":::").filter(|(_, tail)| tail.contains('.'))?;
    let corrected = format!("{head}::{tail}");
    is_address(&corrected).then_some(Cow::Owned(corrected))
}

/// Writes `host:port`, an IPv6 address in brackets.
pub(in crate::sip) fn write_host_port(
    f: &mut fmt::Formatter<'_>,
    host: &str,
    port: Option<u16>,
) -> fmt::Result {
    if host.contains(':') {
        write!(f, "[{host}]")?
    } else {
        f.write_str(host)?
    }
    match port {
        Some(port) => write!(f, ":{port}"),
        None => Ok(()),
    }
}

fn same_host(a: &str, b: &str) -> bool {
    if a.eq_ignore_ascii_case(b) {
        return true;
    }
    // Two spellings of one IPv6 address.
    match (a.parse::<Ipv6Addr>(), b.parse::<Ipv6Addr>()) {
        (Ok(a), Ok(b)) => a == b,
        _ => false,
    }
}

/// Every header of one must be in the other, in any order.
fn same_headers(a: Option<&str>, b: Option<&str>) -> bool {
    let sorted = |headers: Option<&str>| {
        let mut headers: Vec<(String, String)> = headers
            .into_iter()
            .flat_map(|all| all.split('&'))
            .map(|header| header.split_once('=').unwrap_or((header, "")))
            .map(|(name, value)| (name.to_ascii_lowercase(), decode_lossy(value)))
            .collect();
        headers.sort();
        headers
    };
    a == b || sorted(a) == sorted(b)
}

/// A telephone number without the characters that only please the eye (RFC 3966 §5.1.1).
fn digits(number: &str) -> String {
    number.chars().filter(|c| !"-.()".contains(*c)).map(|c| c.to_ascii_lowercase()).collect()
}

impl fmt::Display for Uri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.scheme {
            Scheme::Sip => f.write_str("sip:")?,
            Scheme::Sips => f.write_str("sips:")?,
            Scheme::Tel => {
                write!(f, "tel:{}", self.user.as_deref().unwrap_or_default())?;
                return self.params.write_uri(f);
            }
            Scheme::Other(scheme) => return write!(f, "{scheme}:{}", self.host),
        }
        if let Some(user) = &self.user {
            escape::encode(f, user, escape::USER)?;
            if let Some(password) = &self.password {
                f.write_str(":")?;
                escape::encode(f, password, escape::PASSWORD)?;
            }
            f.write_str("@")?;
        }
        write_host_port(f, &self.host, self.port)?;
        self.params.write_uri(f)?;
        match &self.headers {
            Some(headers) => write!(f, "?{headers}"),
            None => Ok(()),
        }
    }
}

impl std::str::FromStr for Uri {
    type Err = UriError;

    fn from_str(text: &str) -> Result<Uri, UriError> {
        Uri::parse(text)
    }
}
