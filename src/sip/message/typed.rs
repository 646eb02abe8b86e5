//! What single headers mean: accessors that read a header's value as its own type.

use std::fmt;
use std::net::SocketAddr;

use serde::Deserialize;
use serde::Serialize;

use super::headers::Headers;
use super::lex;
use super::method::Method;
use super::name::HeaderName;
use super::via::Via;
use crate::sip::uri::NameAddr;

/// Why a header could not be read. Each is the sender's fault: 400.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HeaderError {
    #[error("no {0}")]
    Missing(HeaderName),
    #[error("more than one {0}")]
    Repeated(HeaderName),
    #[error("bad {0}")]
    Malformed(HeaderName),
}

impl HeaderError {
    /// What a request is refused with for it.
    pub const fn sip_status(&self) -> u16 {
        400
    }
}

/// CSeq: which request of its sender, and its method.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CSeq {
    pub seq: u32,
    pub method: Method,
}

/// RAck: which reliable provisional response a PRACK acknowledges (RFC 3262 §7.2).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RAck {
    pub rseq: u32,
    pub cseq: CSeq,
}

/// Who refreshes a session (RFC 4028 §4).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Refresher {
    /// Who sent the request.
    Uac,
    /// Who answered it.
    Uas,
}

/// Session-Expires (RFC 4028 §4).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionExpires {
    pub secs: u32,
    pub refresher: Option<Refresher>,
}

/// What a REGISTER says in its Contact headers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Contacts {
    /// `*`: all of them (RFC 3261 §10.2.2).
    Star,
    /// These; none asks what there is.
    List(Vec<NameAddr>),
}

impl Headers {
    /// The top Via.
    pub fn via(&self) -> Result<Via, HeaderError> {
        self.first(HeaderName::Via, |text| Via::parse(text).ok())
    }

    /// All Vias, top first.
    pub fn vias(&self) -> Result<Vec<Via>, HeaderError> {
        self.every(HeaderName::Via, |text| Via::parse(text).ok())
    }

    /// Writes into the top Via where the request came from; see [`Via::stamp`].
    pub fn stamp_via(&mut self, source: SocketAddr) -> Result<(), HeaderError> {
        self.stamp(self.via()?, source);
        Ok(())
    }

    /// As [`Headers::stamp_via`], for a top Via that was read already.
    pub(in crate::sip) fn stamp(&mut self, mut via: Via, source: SocketAddr) {
        via.stamp(source);
        let below: String =
            self.get(&HeaderName::Via).and_then(|top| lex::split_once(top, b',').1).unwrap_or("").into();
        let value = if lex::trim(&below).is_empty() { via.to_string() } else { format!("{via},{below}") };
        self.replace_first(&HeaderName::Via, value);
    }

    /// From.
    pub fn from(&self) -> Result<NameAddr, HeaderError> {
        self.only(HeaderName::From, |text| NameAddr::parse(text).ok())
    }

    /// To.
    pub fn to(&self) -> Result<NameAddr, HeaderError> {
        self.only(HeaderName::To, |text| NameAddr::parse(text).ok())
    }

    /// Call-ID.
    pub fn call_id(&self) -> Result<&str, HeaderError> {
        let id = self.single(HeaderName::CallId)?.ok_or(HeaderError::Missing(HeaderName::CallId))?;
        if id.is_empty() || id.contains([' ', '\t', ',']) {
            return Err(HeaderError::Malformed(HeaderName::CallId));
        }
        Ok(id)
    }

    /// CSeq.
    pub fn cseq(&self) -> Result<CSeq, HeaderError> {
        self.only(HeaderName::CSeq, CSeq::parse)
    }

    /// Max-Forwards; more than 255 counts as 255.
    pub fn max_forwards(&self) -> Result<Option<u8>, HeaderError> {
        let number = self.number(HeaderName::MaxForwards)?;
        Ok(number.map(|number| u8::try_from(number).unwrap_or(u8::MAX)))
    }

    /// The first Contact; none when there is none.
    pub fn contact(&self) -> Result<Option<NameAddr>, HeaderError> {
        match self.list(&HeaderName::Contact).next() {
            Some(text) => {
                NameAddr::parse(text).map(Some).map_err(|_| HeaderError::Malformed(HeaderName::Contact))
            }
            None => Ok(None),
        }
    }

    /// All Contacts, as a REGISTER means them.
    pub fn contacts(&self) -> Result<Contacts, HeaderError> {
        if self.list(&HeaderName::Contact).any(|text| text == "*") {
            return match self.list(&HeaderName::Contact).count() {
                1 => Ok(Contacts::Star),
                _ => Err(HeaderError::Malformed(HeaderName::Contact)),
            };
        }
        self.addresses(HeaderName::Contact).map(Contacts::List)
    }

    /// All Routes, first to be visited first.
    pub fn routes(&self) -> Result<Vec<NameAddr>, HeaderError> {
        self.addresses(HeaderName::Route)
    }

    /// All Record-Routes as they stand.
    pub fn record_routes(&self) -> Result<Vec<NameAddr>, HeaderError> {
        self.addresses(HeaderName::RecordRoute)
    }

    /// Every element of a header that lists addresses: P-Asserted-Identity, Path, Diversion.
    pub fn addresses(&self, name: HeaderName) -> Result<Vec<NameAddr>, HeaderError> {
        self.every(name, |text| NameAddr::parse(text).ok())
    }

    /// Expires in seconds; beyond `u32` counts as `u32::MAX`.
    pub fn expires(&self) -> Result<Option<u32>, HeaderError> {
        self.number(HeaderName::Expires)
    }

    /// Min-Expires in seconds.
    pub fn min_expires(&self) -> Result<Option<u32>, HeaderError> {
        self.number(HeaderName::MinExpires)
    }

    /// Content-Length in bytes; only in headers that no [`super::Message`] was made of yet.
    pub fn content_length(&self) -> Result<Option<usize>, HeaderError> {
        Ok(self.number(HeaderName::ContentLength)?.map(|length| length as usize))
    }

    /// Content-Type without its parameters, in lower case: `application/sdp`.
    pub fn content_type(&self) -> Option<String> {
        let (kind, _) = lex::split_once(self.get(&HeaderName::ContentType)?, b';');
        Some(kind.split_whitespace().collect::<String>().to_ascii_lowercase())
    }

    /// RSeq (RFC 3262 §7.1).
    pub fn rseq(&self) -> Result<Option<u32>, HeaderError> {
        self.number(HeaderName::RSeq)
    }

    /// RAck (RFC 3262 §7.2).
    pub fn rack(&self) -> Result<Option<RAck>, HeaderError> {
        self.optional(HeaderName::RAck, RAck::parse)
    }

    /// Session-Expires (RFC 4028 §4).
    pub fn session_expires(&self) -> Result<Option<SessionExpires>, HeaderError> {
        self.optional(HeaderName::SessionExpires, SessionExpires::parse)
    }

    /// Min-SE in seconds (RFC 4028 §5).
    pub fn min_se(&self) -> Result<Option<u32>, HeaderError> {
        self.optional(HeaderName::MinSe, |text| seconds(lex::split_once(text, b';').0))
    }

    /// Retry-After in seconds, without its comment and parameters.
    pub fn retry_after(&self) -> Result<Option<u32>, HeaderError> {
        self.optional(HeaderName::RetryAfter, |text| seconds(text.split([';', '(']).next()?))
    }

    /// Whether `Supported` has this option tag.
    pub fn supports(&self, tag: &str) -> bool {
        self.list(&HeaderName::Supported).any(|t| t.eq_ignore_ascii_case(tag))
    }

    /// Whether `Require` has this option tag.
    pub fn requires(&self, tag: &str) -> bool {
        self.list(&HeaderName::Require).any(|t| t.eq_ignore_ascii_case(tag))
    }

    fn single(&self, name: HeaderName) -> Result<Option<&str>, HeaderError> {
        let mut values = self.iter().filter(|(n, _)| **n == name).map(|(_, value)| value);
        let value = values.next();
        if values.next().is_some() { Err(HeaderError::Repeated(name)) } else { Ok(value) }
    }

    fn only<T>(&self, name: HeaderName, read: impl Fn(&str) -> Option<T>) -> Result<T, HeaderError> {
        self.optional(name.clone(), read)?.ok_or(HeaderError::Missing(name))
    }

    fn optional<T>(
        &self,
        name: HeaderName,
        read: impl Fn(&str) -> Option<T>,
    ) -> Result<Option<T>, HeaderError> {
        match self.single(name.clone())? {
            Some(text) => read(text).map(Some).ok_or(HeaderError::Malformed(name)),
            None => Ok(None),
        }
    }

    fn number(&self, name: HeaderName) -> Result<Option<u32>, HeaderError> {
        self.optional(name, seconds)
    }

    fn first<T>(&self, name: HeaderName, read: impl Fn(&str) -> Option<T>) -> Result<T, HeaderError> {
        let Some(text) = self.list(&name).next() else { return Err(HeaderError::Missing(name.clone())) };
        read(text).ok_or(HeaderError::Malformed(name.clone()))
    }

    fn every<T>(&self, name: HeaderName, read: impl Fn(&str) -> Option<T>) -> Result<Vec<T>, HeaderError> {
        let all: Option<Vec<T>> = self.list(&name).map(read).collect();
        all.ok_or(HeaderError::Malformed(name.clone()))
    }
}

/// A number that saturates.
fn seconds(text: &str) -> Option<u32> {
    lex::number(lex::trim(text)).map(|number| number.unwrap_or(u32::MAX))
}

impl CSeq {
    fn parse(text: &str) -> Option<CSeq> {
        let (seq, method) = text.split_once([' ', '\t'])?;
        Some(CSeq { seq: lex::number(seq)??, method: lex::trim(method).parse().ok()? })
    }
}

impl RAck {
    fn parse(text: &str) -> Option<RAck> {
        let (rseq, cseq) = text.split_once([' ', '\t'])?;
        Some(RAck { rseq: lex::number(rseq)??, cseq: CSeq::parse(lex::trim(cseq))? })
    }
}

impl SessionExpires {
    fn parse(text: &str) -> Option<SessionExpires> {
        let mut parts = text.split(';').map(lex::trim);
        let secs = seconds(parts.next()?)?;
        let refresher = parts
            .filter_map(|param| param.split_once('='))
            .find(|(name, _)| lex::trim(name).eq_ignore_ascii_case("refresher"))
            .and_then(|(_, value)| match lex::trim(value) {
                value if value.eq_ignore_ascii_case("uac") => Some(Refresher::Uac),
                value if value.eq_ignore_ascii_case("uas") => Some(Refresher::Uas),
                _ => None,
            });
        Some(SessionExpires { secs, refresher })
    }
}

impl fmt::Display for CSeq {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.seq, self.method)
    }
}

impl fmt::Display for RAck {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.rseq, self.cseq)
    }
}

impl fmt::Display for SessionExpires {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.secs)?;
        match self.refresher {
            Some(Refresher::Uac) => f.write_str(";refresher=uac"),
            Some(Refresher::Uas) => f.write_str(";refresher=uas"),
            None => Ok(()),
        }
    }
}
