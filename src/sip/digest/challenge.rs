//! The two headers of digest authentication as text: the challenge, and the answer to it.

use std::fmt;

use serde::Deserialize;
use serde::Serialize;

use super::hash::Algorithm;
use crate::sip::message::lex;

/// Why a header is no digest challenge, or no answer to one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DigestError {
    #[error("another scheme than Digest")]
    Scheme,
    #[error("not a list of name=value")]
    Syntax,
    #[error("no {0}")]
    Missing(&'static str),
    #[error("an algorithm that we do not know")]
    Algorithm,
}

/// The value of one WWW-Authenticate or Proxy-Authenticate header.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Challenge {
    pub realm: String,
    pub nonce: String,
    pub opaque: Option<String>,
    pub algorithm: Algorithm,
    /// The answer was right, but to a nonce that is too old: answer again, without asking the person.
    pub stale: bool,
    /// Whether `qop=auth` is offered; old servers offer none.
    pub qop_auth: bool,
}

impl Challenge {
    /// Reads the value of one header.
    pub fn parse(text: &str) -> Result<Challenge, DigestError> {
        let params = DigestParams::parse(text)?;
        Ok(Challenge {
            realm: params.need("realm")?,
            nonce: params.need("nonce")?,
            opaque: params.get("opaque").map(str::to_owned),
            algorithm: params.algorithm()?,
            stale: params.get("stale").is_some_and(|stale| stale.eq_ignore_ascii_case("true")),
            qop_auth: match params.get("qop") {
                Some(qop) if lex::Elements(Some(qop)).any(|q| q.eq_ignore_ascii_case("auth")) => true,
                // auth-int alone is nothing that we can answer.
                Some(_) => return Err(DigestError::Missing("qop=auth")),
                None => false,
            },
        })
    }
}

impl fmt::Display for Challenge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Digest realm=")?;
        lex::write_quoted(f, &self.realm)?;
        f.write_str(", nonce=")?;
        lex::write_quoted(f, &self.nonce)?;
        if let Some(opaque) = &self.opaque {
            f.write_str(", opaque=")?;
            lex::write_quoted(f, opaque)?;
        }
        write!(f, ", algorithm={}", self.algorithm.name())?;
        if self.stale {
            f.write_str(", stale=true")?;
        }
        if self.qop_auth {
            f.write_str(", qop=\"auth\"")?;
        }
        Ok(())
    }
}

/// The value of one Authorization or Proxy-Authorization header.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Authorization {
    pub username: String,
    pub realm: String,
    pub nonce: String,
    /// The digest-uri: what the client took for the Request-URI.
    pub uri: String,
    pub response: String,
    pub algorithm: Algorithm,
    pub opaque: Option<String>,
    /// `auth`, or none from an old client.
    pub qop: Option<String>,
    /// Eight hexadecimal digits.
    pub nc: Option<String>,
    pub cnonce: Option<String>,
}

impl Authorization {
    /// Reads the value of one header.
    pub fn parse(text: &str) -> Result<Authorization, DigestError> {
        let params = DigestParams::parse(text)?;
        let own = |name| params.get(name).map(str::to_owned);
        Ok(Authorization {
            username: params.need("username")?,
            realm: params.need("realm")?,
            nonce: params.need("nonce")?,
            uri: params.need("uri")?,
            response: params.need("response")?,
            algorithm: params.algorithm()?,
            opaque: own("opaque"),
            qop: own("qop"),
            nc: own("nc"),
            cnonce: own("cnonce"),
        })
    }
}

impl fmt::Display for Authorization {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Digest username=")?;
        lex::write_quoted(f, &self.username)?;
        for (name, value) in
            [("realm", &self.realm), ("nonce", &self.nonce), ("uri", &self.uri), ("response", &self.response)]
        {
            write!(f, ", {name}=")?;
            lex::write_quoted(f, value)?;
        }
        write!(f, ", algorithm={}", self.algorithm.name())?;
        for (name, value) in [("cnonce", &self.cnonce), ("opaque", &self.opaque)] {
            if let Some(value) = value {
                write!(f, ", {name}=")?;
                lex::write_quoted(f, value)?;
            }
        }
        for (name, value) in [("qop", &self.qop), ("nc", &self.nc)] {
            if let Some(value) = value {
                write!(f, ", {name}={value}")?;
            }
        }
        Ok(())
    }
}

/// `Digest name=value, name="value"`, the values unquoted.
struct DigestParams(Vec<(String, String)>);

impl DigestParams {
    fn parse(text: &str) -> Result<DigestParams, DigestError> {
        let (scheme, rest) = lex::trim(text).split_once([' ', '\t']).ok_or(DigestError::Scheme)?;
        if !scheme.eq_ignore_ascii_case("Digest") {
            return Err(DigestError::Scheme);
        }
        let param = |element: &str| {
            let (name, value) = element.split_once('=')?;
            let (name, value) = (lex::trim(name), lex::trim(value));
            let value = if value.starts_with('"') { lex::unquote(value)? } else { value.to_owned() };
            lex::is_token(name).then(|| (name.to_ascii_lowercase(), value))
        };
        let params: Option<Vec<_>> = lex::Elements(Some(rest)).map(param).collect();
        params.map(DigestParams).ok_or(DigestError::Syntax)
    }

    fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(n, _)| n == name).map(|(_, value)| value.as_str())
    }

    fn need(&self, name: &'static str) -> Result<String, DigestError> {
        self.get(name).map(str::to_owned).ok_or(DigestError::Missing(name))
    }

    fn algorithm(&self) -> Result<Algorithm, DigestError> {
        Algorithm::by_name(self.get("algorithm").unwrap_or("MD5")).ok_or(DigestError::Algorithm)
    }
}
