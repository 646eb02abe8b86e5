//! The sockets that SIP speaks over: one UDP socket, listeners for TCP and TLS with their connections, and the connections
//! that browsers open at the web.
//!
//! It frames and carries; what a message means is the endpoint's.

mod streams;
mod udp;
mod unreachable;
mod web;

use std::io;
use std::net::SocketAddr;

use bytes::Bytes;
use tokio::sync::mpsc;
use tracing::debug;

use crate::sip::Hop;
use crate::sip::Input;
use crate::sip::Transport;
use crate::wire::places::Shares;
use crate::wire::places::of_open_files;
use streams::Connections;
pub use streams::Keys;
pub use udp::Udp;
pub use web::WebConnection;
pub use web::WebConnections;

/// How many messages from streams may wait for the control thread; a connection that brings more waits
/// itself, and TCP slows its peer down.
const STREAM_BACKLOG: usize = 1_024;

/// How many connections of one kind there may be, where more files may be open; one more is closed at once.
const MOST_CONNECTIONS: usize = 4_096;

/// Of the files that may be open each kind has one in so many: a leg of a call has two, and the web has its own.
const PART_OF_FILES: u64 = 8;

/// What peers may take of the connections of one kind: a network as many as the phones of a large office behind one address,
/// and this machine, where a proxy may stand, all.
fn shares() -> Shares {
    Shares::of(of_open_files(PART_OF_FILES, MOST_CONNECTIONS))
}

/// How many messages may wait to be written to one peer; a peer that reads slower than that is cut off.
const WRITE_BACKLOG: usize = 256;

/// All SIP sockets of a server.
pub struct SipSockets {
    /// The datagram socket, read by the control thread itself.
    pub udp: Udp,
    tcp: Connections,
    tls: Option<Connections>,
    web: WebConnections,
    arrived: mpsc::Sender<Input>,
}

impl SipSockets {
    /// Binds UDP and TCP to `address`; with port 0 both get the same free port. What comes over streams
    /// arrives at the receiver.
    pub async fn bind(address: SocketAddr) -> io::Result<(SipSockets, mpsc::Receiver<Input>)> {
        let (arrived, receiver) = mpsc::channel(STREAM_BACKLOG);
        let udp = Udp::bind(address).await?;
        let tcp = Connections::listen(udp.address(), None, arrived.clone()).await?;
        let web = WebConnections::new(arrived.clone());
        Ok((SipSockets { udp, tcp, tls: None, web, arrived }, receiver))
    }

    /// The connections of browsers, for those who listen for them.
    pub fn web(&self) -> &WebConnections {
        &self.web
    }

    /// Binds TLS to `address` as well; where that is.
    pub async fn bind_tls(&mut self, address: SocketAddr, keys: Keys) -> io::Result<SocketAddr> {
        let connections = Connections::listen(address, Some(keys), self.arrived.clone()).await?;
        let bound = connections.address();
        self.tls = Some(connections);
        Ok(bound)
    }

    /// Sends one message. Over UDP what the kernel has no room for is lost, as on any network; a stream
    /// that cannot be opened or written is told as [`Input::HopFailed`].
    pub fn send(&mut self, hop: Hop, bytes: Bytes) {
        match (hop.transport, &mut self.tls) {
            (Transport::Udp, _) => self.udp.send(hop.remote, &bytes),
            (Transport::Tcp, _) => self.tcp.send(hop, bytes),
            (Transport::Tls, Some(tls)) => tls.send(hop, bytes),
            (Transport::Ws | Transport::Wss, _) => self.web.send(hop, bytes),
            // Never in the clear instead.
            (Transport::Tls, None) => debug!(peer = %hop.remote, "TLS is not bound: a message was dropped"),
        }
    }
}
