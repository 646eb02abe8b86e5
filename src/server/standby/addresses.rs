//! The addresses at which a standby would serve: it does not begin before it can have all of them, for nobody is there to begin it
//! again.

use std::net::SocketAddr;
use std::net::TcpListener;
use std::net::UdpSocket;

use crate::server::ServeOptions;

/// What each is for, and whether it is one of UDP.
#[derive(Debug)]
pub(super) struct Addresses(Vec<(&'static str, bool, SocketAddr)>);

impl Addresses {
    pub fn of(options: &ServeOptions) -> Addresses {
        let ServeOptions { sip, sip_tls, http, https, webrtc, .. } = options;
        let standbys = options.standbys.as_ref().map(|(address, _)| *address);
        let optional = [("SIP over TLS", *sip_tls), ("HTTPS", *https), ("standbys", standbys)];
        let all = [
            ("SIP", true, *sip),
            ("SIP over TCP", false, *sip),
            ("the web", false, *http),
            ("WebRTC", true, *webrtc),
        ];
        let optional = optional.into_iter().filter_map(|(what, at)| Some((what, false, at?)));
        Addresses(all.into_iter().chain(optional).collect())
    }

    /// What keeps this machine from serving, in words.
    pub fn trouble(&self) -> Option<String> {
        self.0.iter().find_map(|(what, is_udp, at)| {
            let bound = if *is_udp { UdpSocket::bind(at).map(drop) } else { TcpListener::bind(at).map(drop) };
            bound.err().map(|error| format!("its address {at} for {what} cannot be had here: {error}"))
        })
    }
}
