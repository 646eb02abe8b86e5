//! Via: the way a request came, and the way its response goes back.

use std::borrow::Cow;
use std::fmt;
use std::net::IpAddr;
use std::net::SocketAddr;

use serde::Deserialize;
use serde::Serialize;

use super::lex;
use crate::sip::uri;
use crate::sip::uri::Params;
use crate::sip::uri::UriError;

/// One Via: `SIP/2.0/UDP host:port;branch=…`.
///
/// [RFC 3261 §20.42](https://www.rfc-editor.org/rfc/rfc3261#section-20.42)
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Via {
    /// `UDP`, `TCP`, or a transport that we do not know.
    pub transport: String,
    /// Host name, IPv4 address, or IPv6 address without brackets.
    pub host: String,
    pub port: Option<u16>,
    pub params: Params,
}

impl Via {
    /// The cookie that begins every branch of RFC 3261.
    pub const COOKIE: &str = "z9hG4bK";

    /// Our own: with `branch`, and asking for the source port (RFC 3581).
    pub fn new(transport: &str, sent_by: SocketAddr, branch: &str) -> Via {
        let params = Params(vec![("rport".to_owned(), None), ("branch".to_owned(), Some(branch.to_owned()))]);
        Via {
            transport: transport.to_owned(),
            host: sent_by.ip().to_string(),
            port: Some(sent_by.port()),
            params,
        }
    }

    /// Reads one element of a Via header.
    pub fn parse(text: &str) -> Result<Via, UriError> {
        let (start, params) = lex::split_once(text, b';');
        let mut parts = start.splitn(3, '/').map(lex::trim);
        let (name, version, rest) = (parts.next(), parts.next(), parts.next());
        let sip = name.is_some_and(|name| name.eq_ignore_ascii_case("SIP")) && version == Some("2.0");
        let (transport, sent_by) =
            rest.and_then(|rest| rest.split_once([' ', '\t'])).ok_or(UriError::Host)?;
        if !sip || !lex::is_token(transport) {
            return Err(UriError::NoScheme);
        }
        let (host, port) = split_sent_by(lex::trim(sent_by))?;
        let params = match params {
            Some(params) => Params::parse_header(params)?,
            None => Params::default(),
        };
        Ok(Via { transport: transport.to_owned(), host: host.into_owned(), port, params })
    }

    /// The branch; one without the cookie is from RFC 2543, and matches nothing by itself.
    pub fn branch(&self) -> Option<&str> {
        self.params.get("branch").filter(|branch| !branch.is_empty())
    }

    /// Whether the sender asks for its source port, or has been told it.
    pub fn wants_rport(&self) -> bool {
        self.params.has("rport")
    }

    /// The source port that a server wrote in.
    pub fn rport(&self) -> Option<u16> {
        self.params.get("rport").and_then(lex::port)
    }

    /// The source address that a server wrote in; brackets around IPv6 are forgiven (RFC 5118 §4.5).
    pub fn received(&self) -> Option<IpAddr> {
        self.params.get("received")?.trim_matches(['[', ']']).parse().ok()
    }

    /// Where the responses to a request from `source` go: over UDP to the port that its sender listens on, which stands here, unless
    /// it asked for the port that it sends from. Whose address was translated on the way is reached by the source alone, asked for
    /// or not.
    ///
    /// [RFC 3261 §18.2.2](https://www.rfc-editor.org/rfc/rfc3261#section-18.2.2),
    /// [RFC 3581 §4](https://www.rfc-editor.org/rfc/rfc3581#section-4)
    pub fn answered_at(&self, source: SocketAddr) -> SocketAddr {
        let by_port = self.transport.eq_ignore_ascii_case("UDP") && !self.wants_rport();
        let port = self.port.unwrap_or(5060);
        match self.host.parse::<IpAddr>() {
            Ok(said) if by_port && said == source.ip() && port != 0 => SocketAddr::new(said, port),
            _ => source,
        }
    }

    /// Writes in where the request really came from: `received` when it differs from sent-by or rport was
    /// asked for, and `rport` when it was.
    ///
    /// [RFC 3261 §18.2.1](https://www.rfc-editor.org/rfc/rfc3261#section-18.2.1),
    /// [RFC 3581 §4](https://www.rfc-editor.org/rfc/rfc3581#section-4)
    pub fn stamp(&mut self, source: SocketAddr) {
        let asked = self.wants_rport();
        if asked {
            self.params.set("rport", Some(&source.port().to_string()));
        }
        let said: Option<IpAddr> = self.host.parse().ok();
        if asked || said != Some(source.ip()) {
            self.params.set("received", Some(&source.ip().to_string()));
        } else {
            // Nobody but us may say where it came from.
            self.params.remove("received");
        }
    }
}

/// `host:port`, with white space around the colon (RFC 3261 §25.1: COLON).
fn split_sent_by(text: &str) -> Result<(Cow<'_, str>, Option<u16>), UriError> {
    if !text.contains([' ', '\t']) {
        return uri::split_host_port(text);
    }
    match text.rsplit_once(':') {
        Some((host, port)) => {
            let (host, none) = uri::split_host_port(lex::trim(host))?;
            let port = lex::port(lex::trim(port)).ok_or(UriError::Port)?;
            if none.is_some() { Err(UriError::Port) } else { Ok((host, Some(port))) }
        }
        None => Err(UriError::Host),
    }
}

impl fmt::Display for Via {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SIP/2.0/{} ", self.transport)?;
        uri::write_host_port(f, &self.host, self.port)?;
        self.params.write_header(f)
    }
}
