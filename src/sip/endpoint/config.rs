//! What the endpoint is configured with.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::net::SocketAddr;
use std::time::Duration;

use crate::base::Name;
use crate::sip::api::Hop;
use crate::sip::digest::Credentials;
use crate::sip::digest::Ha1;
use crate::sip::trunk::TrunkTrouble;
use crate::sip::uri::Transport;
use crate::sip::uri::Uri;

/// The configuration of an [`Endpoint`](super::Endpoint). No part of its state: after a restart it is given anew.
#[derive(Clone, Debug)]
pub struct EndpointConfig {
    /// What we call ourselves in Via and Contact over UDP; default: the local address of the hop.
    pub advertised_udp: Option<SocketAddr>,
    /// The same for TCP: the address that we listen on.
    pub advertised_tcp: Option<SocketAddr>,
    /// The same for TLS.
    pub advertised_tls: Option<SocketAddr>,
    /// The digest realm; default `warmline`.
    pub realm: String,
    /// Local users, by name, who may register and call.
    pub users: BTreeMap<Name, Ha1>,
    /// Trunks.
    pub trunks: Vec<TrunkConfig>,
    /// Sessions at a time; one more INVITE is refused with 503 and Retry-After. Default 10 000.
    pub max_sessions: usize,
    /// Server transactions at a time; a request beyond is refused with 503. Default 100 000.
    pub max_transactions: usize,
    /// How long the server may think about an INVITE before the caller gets 100: up to 200 ms. Default: not at all.
    ///
    /// [RFC 3261 §17.2.1](https://www.rfc-editor.org/rfc/rfc3261#section-17.2.1)
    pub trying_after: Duration,
    /// Contacts of one user at a time. Default 8.
    pub max_contacts: usize,
    /// What Retry-After says when full, in seconds. Default 5.
    pub retry_after_s: u32,
    /// Session-Expires that we ask for, in seconds. Default 1 800 (RFC 4028 §4).
    pub session_expires_s: u32,
    /// The shortest session interval that we take, in seconds. Default 90 (RFC 4028 §5).
    pub min_se_s: u32,
    /// User-Agent and Server. Default `Warmline`.
    pub product: String,
}

impl Default for EndpointConfig {
    fn default() -> EndpointConfig {
        EndpointConfig {
            advertised_udp: None,
            advertised_tcp: None,
            advertised_tls: None,
            realm: "warmline".to_owned(),
            users: BTreeMap::new(),
            trunks: Vec::new(),
            max_sessions: 10_000,
            max_transactions: 100_000,
            trying_after: Duration::ZERO,
            max_contacts: 8,
            retry_after_s: 5,
            session_expires_s: 1_800,
            min_se_s: 90,
            product: "Warmline".to_owned(),
        }
    }
}

/// A trunk: a peer that calls come from, known by address, or that we register at, or both.
#[derive(Clone, Debug)]
pub struct TrunkConfig {
    pub name: Name,
    /// Requests from these addresses are the trunk's, from any port.
    pub sources: Vec<IpAddr>,
    /// Whether its P-Asserted-Identity is believed (RFC 3325).
    pub trusted: bool,
    /// To answer its challenges with: those of our registration, and of calls that go by it.
    pub credentials: Option<Credentials>,
    /// Where and how we register, when we do; or what keeps us from it.
    pub registration: Option<Result<TrunkRegistration, TrunkTrouble>>,
}

impl TrunkConfig {
    /// One that is none any more.
    pub(in crate::sip) fn gone(name: &Name) -> TrunkConfig {
        TrunkConfig {
            name: name.clone(),
            sources: Vec::new(),
            trusted: false,
            credentials: None,
            registration: None,
        }
    }

    /// Where and how we register, if we can.
    pub(in crate::sip) fn way_in(&self) -> Option<&TrunkRegistration> {
        self.registration.as_ref()?.as_ref().ok()
    }
}

/// An outbound registration.
#[derive(Clone, Debug, PartialEq)]
pub struct TrunkRegistration {
    /// The Request-URI of REGISTER: the domain of the registrar.
    pub registrar: Uri,
    /// Where that is, in the order in which they are tried (RFC 3263); the server resolved it. At least one.
    pub hops: Vec<Hop>,
    /// The address of record: To and From.
    pub aor: Uri,
    /// The expiry that we ask for, in seconds.
    pub expires_s: u32,
}

impl EndpointConfig {
    /// What we call ourselves over this hop.
    pub(in crate::sip) fn advertised(&self, hop: Hop) -> SocketAddr {
        let advertised = match hop.transport {
            Transport::Udp => self.advertised_udp,
            Transport::Tcp => self.advertised_tcp,
            Transport::Tls => self.advertised_tls,
            // At the web's port. No browser goes by it: its connection is the only way to us that it has.
            Transport::Ws | Transport::Wss => {
                self.advertised_tcp.map(|address| SocketAddr::new(address.ip(), hop.local.port()))
            }
        };
        advertised.unwrap_or(hop.local)
    }

    /// Our Contact over this hop, with its header parameters left to add.
    pub(in crate::sip) fn contact(&self, user: Option<&str>, hop: Hop) -> String {
        let address = self.advertised(hop);
        let mut uri = Uri::sip(user, address.ip().to_string(), Some(address.port()));
        if let Some(transport) = hop.transport.as_param() {
            uri.params.set("transport", Some(transport));
        }
        format!("<{uri}>")
    }

    /// What this trunk's challenges are answered with.
    pub(in crate::sip) fn credentials(&self, trunk: &str) -> Option<&Credentials> {
        self.trunks.iter().find(|one| &*one.name == trunk)?.credentials.as_ref()
    }

    /// The trunk that sends by this hop. A browser is none, wherever it stands.
    pub(in crate::sip) fn trunk_at(&self, hop: Hop) -> Option<&TrunkConfig> {
        let sends = |trunk: &&TrunkConfig| trunk.sources.contains(&hop.remote.ip());
        self.trunks.iter().find(sends).filter(|_| !hop.transport.is_web())
    }
}
