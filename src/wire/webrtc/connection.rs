//! One browser's connection: ICE checks, the DTLS handshake, and then SRTP, over one address pair at a time.
//!
//! It is told the time and what came, and says what to send. It outlives the streams that it carries: whatever
//! stream it is patched to, the browser sees one source whose sequence and media time never restart.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use std::time::Instant;

use bytes::BytesMut;
use rtc_dtls::endpoint::Endpoint;
use rtc_dtls::endpoint::EndpointEvent;
use rtc_shared::TransportProtocol;

use crate::base::Entropy;
use crate::media::codec::units;
use crate::media::rtp;
use crate::media::rtp::HEADER;
use crate::media::rtp::Outgoing;
use crate::media::srtp::OVERHEAD;
use crate::media::srtp::Ways;
use crate::sdp::Codec;
use crate::sdp::Fingerprint;
use crate::sdp::Ice;
use crate::sdp::dtls::Setup;
use crate::wire::cord::FAR_END;
use crate::wire::cord::LONGEST;
use crate::wire::cord::is_report;
use crate::wire::dtls::Identity;
use crate::wire::dtls::KeyError;
use crate::wire::ice;
use crate::wire::webrtc::reports;
use crate::wire::webrtc::reports::Known;
use crate::wire::webrtc::reports::NAME;

/// A browser checks its pair every two and a half seconds at least: after two of them missing, it is silent.
const SILENT_AFTER: Duration = Duration::from_millis(5_500);
/// A browser that was silent for so long comes back with a new connection, if at all.
const OVER_AFTER: Duration = Duration::from_secs(35);
/// A connection that is not up by then has no way to us.
const UP_WITHIN: Duration = Duration::from_secs(15);

/// What becomes of a connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Change {
    /// It is up: audio may flow.
    Up,
    /// Nothing has come for a while.
    Silent,
    /// Something comes again.
    Back,
    /// It will never be up, or is over; why.
    Over(String),
}

/// Where packets to the network go.
pub(super) type Send<'a> = dyn FnMut(SocketAddr, &[u8]) + 'a;

/// See the module.
pub(super) struct Connection {
    pub ice: Ice,
    identity: Arc<Identity>,
    dtls: Endpoint,
    keys: Option<Ways>,
    /// Packets are sealed here.
    sealed: [u8; LONGEST + OVERHEAD],
    /// The browser's end of the pair in use.
    peer: Option<SocketAddr>,
    began: Instant,
    /// When a check or audio last came.
    heard: Instant,
    silent: bool,
    /// Untold.
    change: Option<Change>,
    out: Outgoing,
    /// How long a frame of the agreed codec lasts by its clock.
    units: u32,
    /// Our canonical name.
    name: [u8; NAME],
}

impl Connection {
    pub fn new(
        now: Instant,
        identity: Arc<Identity>,
        ice: Ice,
        fingerprint: &Fingerprint,
        codec: Codec,
        entropy: &mut Entropy,
    ) -> Result<Connection, KeyError> {
        let handshake = identity.handshake(Setup::Passive, fingerprint)?;
        Ok(Connection {
            ice,
            identity,
            // Which address a record comes from does not matter to DTLS: ICE says whose it is.
            dtls: Endpoint::new(FAR_END, TransportProtocol::UDP, Some(handshake)),
            keys: None,
            sealed: [0; LONGEST + OVERHEAD],
            peer: None,
            began: now,
            heard: now,
            silent: false,
            change: None,
            out: Outgoing::new(entropy),
            units: units(codec),
            name: std::array::from_fn(|_| b'a' + entropy.below(26) as u8),
        })
    }

    /// Whether a packet passed ICE from this address: what else comes from there is this connection's.
    pub fn check(&mut self, now: Instant, from: SocketAddr, packet: &[u8], send: &mut Send) -> bool {
        let crypto = self.identity.provider.crypto();
        let Some(passed) = ice::check(&self.ice, from, packet, crypto) else { return false };
        send(from, &passed.answer);
        self.came(now);
        if passed.nominated || self.peer.is_none() {
            self.peer = Some(from);
        }
        true
    }

    /// A packet came from an address that passed ICE. A packet of audio, or a report about ours, is opened in place:
    /// how long it is then; none when it was about the connection itself.
    pub fn receive(&mut self, now: Instant, packet: &mut [u8], send: &mut Send) -> Option<usize> {
        // RFC 7983: what a packet is, by its first octet.
        match packet.first()? {
            20..=63 => {
                self.shake_hands(now, packet, send);
                None
            }
            128..=191 => {
                let keys = self.keys.as_mut()?;
                let is_report = is_report(packet);
                // What cannot be opened is a repetition, or a stranger's.
                let length = keys.open(packet, is_report)?;
                if let Some((stream, _)) = self.out.passed().filter(|_| is_report) {
                    reports::inbound(&mut packet[..length], self.out.ssrc, stream);
                }
                self.came(now);
                Some(length)
            }
            _ => None,
        }
    }

    fn came(&mut self, now: Instant) {
        self.heard = now;
        if std::mem::take(&mut self.silent) {
            self.change = Some(Change::Back);
        }
    }

    fn shake_hands(&mut self, now: Instant, packet: &[u8], send: &mut Send) {
        let events = self.dtls.read(now, FAR_END, None, BytesMut::from(packet));
        self.send_records(send);
        match events {
            Ok(events) => events.into_iter().for_each(|event| self.on_handshake(event)),
            Err(error) if self.keys.is_none() => self.change = Some(Change::Over(error.to_string())),
            // An established connection does not end by a record that makes no sense.
            Err(error) => tracing::debug!(%error, "a record of a browser was ignored"),
        }
    }

    fn on_handshake(&mut self, event: EndpointEvent) {
        match event {
            EndpointEvent::HandshakeComplete => {
                let Some(state) = self.dtls.get_connection_state(FAR_END) else { return };
                self.change = Some(match self.identity.ways(state) {
                    Ok(keys) => {
                        self.keys = Some(keys);
                        Change::Up
                    }
                    Err(error) => Change::Over(error),
                });
            }
            EndpointEvent::PeerClosed => {
                self.change = Some(Change::Over("the browser closed the connection".to_owned()));
            }
            _ => {}
        }
    }

    /// What has become of it since the last look.
    pub fn change(&mut self) -> Option<Change> {
        self.change.take()
    }

    fn send_records(&mut self, send: &mut Send) {
        while let Some(record) = self.dtls.poll_transmit() {
            if let Some(peer) = self.peer {
                send(peer, &record.message);
            }
        }
    }

    /// Sends a plain packet of a stream, in the connection's own sequence and media time. `frame` counts since the
    /// connection's thread began.
    pub fn send(&mut self, frame: u64, packet: &mut [u8], send: &mut Send) {
        if is_report(packet) {
            return self.send_report(packet, send);
        }
        let (Some(keys), Some(peer)) = (&mut self.keys, self.peer) else { return };
        let Some(parsed) = rtp::parse(packet) else { return };
        let Some(header) = self.out.pass(parsed.header, parsed.header.payload_type, frame, self.units) else {
            return;
        };
        let start = parsed.start - HEADER;
        let Some(head) = packet[start..].first_chunk_mut() else { return };
        header.write(head);
        let plain = &packet[start..parsed.end];
        self.out.count(plain.len() - HEADER);
        match seal(keys, &mut self.sealed, plain, false) {
            Some(sealed) => send(peer, sealed),
            None => tracing::debug!("a packet to a browser could not be secured"),
        }
    }

    fn send_report(&mut self, packet: &mut [u8], send: &mut Send) {
        let (Some(keys), Some(peer)) = (&mut self.keys, self.peer) else { return };
        // Before the first packet of a stream there is nothing to report on.
        let Some((_, timestamp_offset)) = self.out.passed() else { return };
        let known = Known { ssrc: self.out.ssrc, timestamp_offset, name: self.name };
        let length = reports::outbound(packet, known);
        if let Some(sealed) = seal(keys, &mut self.sealed, &packet[..length], true) {
            send(peer, sealed);
        }
    }

    /// Tells the browser that the connection is over.
    pub fn close(&mut self, now: Instant, send: &mut Send) {
        // It can only fail for want of a connection, and then there is nobody to tell.
        let _ = self.dtls.close(now);
        self.send_records(send);
    }

    /// When [`Connection::tick`] is next due.
    pub fn deadline(&self) -> Instant {
        let patience = match (&self.keys, self.silent) {
            (None, _) => self.began + UP_WITHIN,
            (Some(_), false) => self.heard + SILENT_AFTER,
            (Some(_), true) => self.heard + OVER_AFTER,
        };
        self.dtls.poll_timeout(&FAR_END).map_or(patience, |handshake| handshake.min(patience))
    }

    /// Time has passed.
    pub fn tick(&mut self, now: Instant, send: &mut Send) {
        if self.dtls.poll_timeout(&FAR_END).is_some_and(|due| due <= now) {
            if let Err(error) = self.dtls.handle_timeout(FAR_END, now) {
                tracing::debug!(%error, "a browser does not shake hands");
            }
            self.send_records(send);
        }
        if self.keys.is_none() && now >= self.began + UP_WITHIN {
            self.change = Some(Change::Over("no way to the browser was found".to_owned()));
        } else if self.keys.is_some() && self.silent && now >= self.heard + OVER_AFTER {
            self.change = Some(Change::Over("nothing came from the browser any more".to_owned()));
        } else if self.keys.is_some() && !self.silent && now >= self.heard + SILENT_AFTER {
            self.silent = true;
            self.change = Some(Change::Silent);
        }
    }
}

/// Seals a packet beside itself.
fn seal<'a>(keys: &mut Ways, into: &'a mut [u8], packet: &[u8], is_report: bool) -> Option<&'a [u8]> {
    into.get_mut(..packet.len())?.copy_from_slice(packet);
    let length = keys.seal(into, packet.len(), is_report)?;
    into.get(..length)
}
