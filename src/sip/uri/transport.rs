//! How SIP travels, as a URI and a Via header name it.

use std::fmt;

use serde::Deserialize;
use serde::Serialize;

/// How a message travels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Transport {
    Udp,
    Tcp,
    Tls,
    /// WebSocket ([RFC 7118](https://www.rfc-editor.org/rfc/rfc7118)), and the same over TLS.
    Ws,
    Wss,
}

impl Transport {
    /// Every transport, in the order of their declaration.
    pub const ALL: [Transport; 5] =
        [Transport::Udp, Transport::Tcp, Transport::Tls, Transport::Ws, Transport::Wss];

    /// Whether the transport itself delivers or says that it cannot (RFC 3261 §17: no retransmission).
    pub const fn is_reliable(self) -> bool {
        !matches!(self, Transport::Udp)
    }

    /// Whether a browser is at the other side: it alone opens connections, and has no address of its own
    /// ([RFC 7118 §5](https://www.rfc-editor.org/rfc/rfc7118#section-5)).
    pub const fn is_web(self) -> bool {
        matches!(self, Transport::Ws | Transport::Wss)
    }

    /// By the name that a URI gives it (RFC 3261 §19.1.1), in any case.
    pub fn named(name: &str) -> Option<Transport> {
        Transport::ALL.into_iter().find(|transport| transport.as_via().eq_ignore_ascii_case(name))
    }

    /// The port where nobody says another.
    pub const fn default_port(self) -> u16 {
        match self {
            Transport::Udp | Transport::Tcp => 5060,
            Transport::Tls => 5061,
            Transport::Ws => 80,
            Transport::Wss => 443,
        }
    }

    /// As the Via header names it: `UDP`.
    pub const fn as_via(self) -> &'static str {
        match self {
            Transport::Udp => "UDP",
            Transport::Tcp => "TCP",
            Transport::Tls => "TLS",
            Transport::Ws => "WS",
            Transport::Wss => "WSS",
        }
    }

    /// As the parameter of a URI names it, where it must; the two of the web have one name
    /// ([RFC 7118 §4.2](https://www.rfc-editor.org/rfc/rfc7118#section-4.2)).
    pub const fn as_param(self) -> Option<&'static str> {
        match self {
            Transport::Udp => None,
            Transport::Tcp => Some("tcp"),
            Transport::Tls => Some("tls"),
            Transport::Ws | Transport::Wss => Some("ws"),
        }
    }
}

impl fmt::Display for Transport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Transport::Udp => "udp",
            Transport::Tcp => "tcp",
            Transport::Tls => "tls",
            Transport::Ws => "ws",
            Transport::Wss => "wss",
        })
    }
}
