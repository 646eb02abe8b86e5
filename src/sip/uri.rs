//! SIP URIs and name-addrs (RFC 3261 §19.1, §20.10), with sips and tel among them.

use serde::Deserialize;
use serde::Serialize;

/// A SIP, SIPS or tel URI; another scheme is kept as text, for a 416.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Uri {
    pub scheme: Scheme,
    /// Before the `@`, unescaped; for tel the number.
    pub user: Option<String>,
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

/// `;name=value` pairs in order; a flag has no value.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Params(pub Vec<(String, Option<String>)>);

/// `"Display" <uri>;params`: From, To, Contact, Route, P-Asserted-Identity.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NameAddr {
    /// Unquoted; empty when none was given.
    pub display: String,
    pub uri: Uri,
    /// Header parameters: `tag`, `expires`, `q`.
    pub params: Params,
}

impl Uri {
    /// `sip:user@host:port`.
    pub fn sip(user: Option<&str>, host: impl Into<String>, port: Option<u16>) -> Uri {
        Uri {
            scheme: Scheme::Sip,
            user: user.map(str::to_owned),
            host: host.into(),
            port,
            params: Params::default(),
            headers: None,
        }
    }
}

impl NameAddr {
    /// A name-addr of `uri` alone.
    pub fn of(uri: Uri) -> NameAddr {
        NameAddr { display: String::new(), uri, params: Params::default() }
    }
}
