//! The sockets that SIP speaks over: one UDP socket, one TCP listener and its connections.
//!
//! It frames and carries; what a message means is the endpoint's.

mod tcp;
mod udp;
mod unreachable;

use std::io;
use std::net::SocketAddr;

use bytes::Bytes;
use tokio::sync::mpsc;

use crate::sip::Hop;
use crate::sip::Input;
use crate::sip::Transport;
use tcp::Connections;
pub use udp::Udp;

/// How many messages from streams may wait for the control thread; a connection that brings more waits
/// itself, and TCP slows its peer down.
const STREAM_BACKLOG: usize = 1_024;

/// All SIP sockets of a server.
pub struct SipSockets {
    /// The datagram socket, read by the control thread itself.
    pub udp: Udp,
    connections: Connections,
}

impl SipSockets {
    /// Binds UDP and TCP to `address`; with port 0 both get the same free port. What comes over streams
    /// arrives at the receiver.
    pub async fn bind(address: SocketAddr) -> io::Result<(SipSockets, mpsc::Receiver<Input>)> {
        let (sender, receiver) = mpsc::channel(STREAM_BACKLOG);
        let udp = Udp::bind(address)?;
        let connections = Connections::listen(udp.address(), sender).await?;
        Ok((SipSockets { udp, connections }, receiver))
    }

    /// Sends one message. Over UDP what the kernel has no room for is lost, as on any network; a stream
    /// that cannot be opened or written is told as [`Input::HopFailed`].
    pub fn send(&mut self, hop: Hop, bytes: Bytes) {
        match hop.transport {
            Transport::Udp => self.udp.send(hop.remote, &bytes),
            Transport::Tcp => self.connections.send(hop, bytes),
        }
    }
}
