//! How a server is to be run. No checks here: the server's start makes them.

use std::net::IpAddr;
use std::net::Ipv4Addr;
use std::net::Ipv6Addr;
use std::net::SocketAddr;
use std::ops::RangeInclusive;
use std::path::PathBuf;

use crate::base::Secret;
use crate::server::load::FlowPlace;
use crate::wire::tls::CertificateFiles;

/// What `warmline serve` is told, with the defaults of its flags.
#[derive(Clone, Debug, PartialEq)]
pub struct ServeOptions {
    /// The center's file. Default `center.yaml` among the flows.
    pub config: Option<PathBuf>,
    /// The data folder. Default `./warmline-data`.
    pub data: PathBuf,
    /// The flow files. Default `./ivr_flows`.
    pub flows: PathBuf,
    /// The prompts. Default `./prompts`.
    pub prompts: PathBuf,
    /// SIP over UDP and TCP. Default 127.0.0.1:5060.
    pub sip: SocketAddr,
    /// SIP over TLS. Default: none.
    pub sip_tls: Option<SocketAddr>,
    /// The web. Default 127.0.0.1:8080.
    pub http: SocketAddr,
    /// The web over HTTPS. Default: none.
    pub https: Option<SocketAddr>,
    /// The certificate of both, where one is needed. Default: one of our own making in the data folder.
    pub certificate: Option<CertificateFiles>,
    /// Whose certificates we believe when we connect to a trunk or a bot over TLS, in PEM. Default: those of this machine.
    pub authorities: Option<PathBuf>,
    /// The DNS server that is asked for trunks' names. Default: those of this machine.
    pub dns: Option<SocketAddr>,
    /// WebRTC: the one UDP port of all browsers. Default 127.0.0.1:8081.
    pub webrtc: SocketAddr,
    /// UDP ports of the audio, RTP on the even ones. Default 16384 to 32767.
    pub rtp_ports: RangeInclusive<u16>,
    /// Threads that move audio. Default: one less than there are cores, 1 at least.
    pub media_workers: usize,
    /// The address that peers reach us at, where it is not the one that we bind: behind NAT.
    pub public_address: Option<IpAddr>,
    /// Where what the queue engine is told and decides is written down. Default: nowhere.
    pub queue_log: Option<PathBuf>,
    /// What pages should know for networks that need it. Default: none.
    pub ice: IceServers,
    /// Where standbys connect, and the file of the key that they share with us. Default: there are none.
    pub standbys: Option<(SocketAddr, PathBuf)>,
    /// Whose pages may be SIP phones here beside our own, as browsers name them: `https://crm.example.org`. Default: nobody's.
    pub sip_origins: Vec<String>,
    /// Under which names a proxy on this machine brings people to the web. Default: there is none.
    pub behind_proxy: Vec<String>,
}

/// STUN and TURN servers for browsers.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct IceServers {
    /// `stun:host:3478`, `turn:host:3478?transport=udp`
    pub urls: Vec<String>,
    /// What the TURN servers share with us: pages get credentials that are made of it.
    pub turn_secret: Option<Secret>,
}

impl IceServers {
    /// A URL of [RFC 7064](https://www.rfc-editor.org/rfc/rfc7064) or [7065](https://www.rfc-editor.org/rfc/rfc7065).
    pub fn parse_url(text: &str) -> Result<String, String> {
        let (scheme, rest) = text.split_once(':').unwrap_or_default();
        let known = matches!(scheme, "stun" | "stuns" | "turn" | "turns");
        if !known || rest.is_empty() || rest.starts_with('/') || rest.contains(char::is_whitespace) {
            return Err(
                "one like stun:stun.example.org:3478 or turn:turn.example.org:3478?transport=udp".to_owned()
            );
        }
        Ok(text.to_owned())
    }

    /// Whether the server of this URL wants credentials.
    pub fn is_turn(url: &str) -> bool {
        url.starts_with("turn")
    }

    /// Whether there is a server that wants credentials, and nothing to make them of.
    pub fn lacks_secret(&self) -> bool {
        self.turn_secret.is_none() && self.urls.iter().any(|url| IceServers::is_turn(url))
    }
}

impl ServeOptions {
    /// A site's origin ([RFC 6454 §6.2](https://www.rfc-editor.org/rfc/rfc6454#section-6.2)): scheme, host, and the port where it
    /// is no default.
    pub fn parse_origin(text: &str) -> Result<String, String> {
        let (scheme, host) = text.split_once("://").unwrap_or_default();
        let is_host = |c: char| c.is_ascii_alphanumeric() || ".-:[]".contains(c);
        if !matches!(scheme, "http" | "https") || host.is_empty() || !host.chars().all(is_host) {
            return Err("a site without a path, like https://crm.example.org".to_owned());
        }
        Ok(text.to_ascii_lowercase())
    }

    /// A host's name or address as it stands in a URL, without a port.
    pub fn parse_host(text: &str) -> Result<String, String> {
        let is_name = |c: char| c.is_ascii_alphanumeric() || ".-".contains(c);
        let is_host = !text.is_empty() && text.chars().all(is_name) || text.parse::<Ipv6Addr>().is_ok();
        if !is_host {
            return Err("a name without a port, like calls.example.org".to_owned());
        }
        Ok(text.to_ascii_lowercase())
    }

    /// Where the flow files are, the center's among them.
    pub fn flow_place(&self) -> FlowPlace {
        FlowPlace { folder: self.flows.clone(), center: self.config.clone() }
    }

    /// Whether other machines reach SIP or the web.
    pub fn is_public(&self) -> bool {
        self.reached_at().is_some()
    }

    /// An address, or a proxy's name, at which other machines reach SIP or the web.
    pub fn reached_at(&self) -> Option<String> {
        let bound = [Some(self.sip), self.sip_tls, Some(self.http), self.https].into_iter().flatten();
        let mut beyond = bound.filter(|address| !address.ip().is_loopback());
        beyond.next().map(|address| address.to_string()).or_else(|| self.behind_proxy.first().cloned())
    }
}

impl Default for ServeOptions {
    fn default() -> ServeOptions {
        let loopback = |port| SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        ServeOptions {
            config: None,
            data: "warmline-data".into(),
            flows: "ivr_flows".into(),
            prompts: "prompts".into(),
            sip: loopback(5060),
            sip_tls: None,
            http: loopback(8080),
            https: None,
            certificate: None,
            authorities: None,
            dns: None,
            webrtc: loopback(8081),
            rtp_ports: 16_384..=32_767,
            media_workers: std::thread::available_parallelism().map_or(1, |cores| (cores.get() - 1).max(1)),
            public_address: None,
            queue_log: None,
            ice: IceServers::default(),
            standbys: None,
            sip_origins: Vec::new(),
            behind_proxy: Vec::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_for_browsers_is_named_by_a_url_of_its_kind() {
        for good in
            ["stun:stun.example.org", "turns:turn.example.org:443?transport=tcp", "turn:[2001:db8::1]:3478"]
        {
            assert!(IceServers::parse_url(good).is_ok(), "{good}");
        }
        for bad in
            ["stun.example.org", "stun:", "http://stun.example.org", "turn://turn.example.org", "stun:a b"]
        {
            assert!(IceServers::parse_url(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_site_is_named_without_a_path() {
        for good in ["https://crm.example.org", "http://127.0.0.1:3000", "https://[2001:db8::1]:8443"] {
            assert_eq!(ServeOptions::parse_origin(good).as_deref(), Ok(good));
        }
        assert_eq!(ServeOptions::parse_origin("https://CRM.example").as_deref(), Ok("https://crm.example"));
        for bad in ["crm.example.org", "https://", "https://crm.example.org/", "file://a", "*", "https://a b"]
        {
            assert!(ServeOptions::parse_origin(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_proxy_is_named_as_people_reach_it() {
        for good in ["calls.example.org", "192.0.2.1", "2001:db8::1", "CALLS"] {
            assert_eq!(ServeOptions::parse_host(good), Ok(good.to_ascii_lowercase()));
        }
        for bad in ["", "https://calls.example.org", "calls.example.org:443", "calls/", "*", "a b"] {
            assert!(ServeOptions::parse_host(bad).is_err(), "{bad}");
        }
        let behind = vec!["calls.example.org".to_owned()];
        assert!(ServeOptions { behind_proxy: behind, ..ServeOptions::default() }.is_public());
        assert!(!ServeOptions::default().is_public());
    }

    #[test]
    fn a_turn_server_needs_a_secret() {
        let of = |url: &str, secret: Option<&str>| IceServers {
            urls: vec![url.to_owned()],
            turn_secret: secret.map(Secret::new),
        };
        assert!(of("turn:a", None).lacks_secret());
        assert!(!of("turn:a", Some("x")).lacks_secret() && !of("stun:a", None).lacks_secret());
    }
}
