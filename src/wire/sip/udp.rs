//! SIP over UDP: one socket, read in batches by the control thread.

use std::io;
use std::net::SocketAddr;

use bytes::Bytes;
use rustix::net::sockopt::Ipv4PathMtuDiscovery;
use rustix::net::sockopt::set_ip_mtu_discover;
use socket2::Domain;
use socket2::Protocol;
use socket2::Socket;
use socket2::Type;
use tokio::io::Interest;
use tokio::net::UdpSocket;

use super::unreachable;
use crate::sip::Hop;
use crate::sip::Input;
use crate::sip::Transport;

/// The largest datagram there is.
const LARGEST: usize = 65_536;

/// What the kernel may keep for us while the control thread is busy: some thousand messages.
const RECEIVE_BUFFER: usize = 4 << 20;

/// How many datagrams are taken before anything else gets its turn.
const BATCH: usize = 256;

/// The datagram socket.
pub struct Udp {
    socket: UdpSocket,
    address: SocketAddr,
    buffer: Box<[u8]>,
    /// Datagrams that the kernel did not take.
    pub unsent: u64,
}

impl Udp {
    /// Binds to `address`, and can be sent by at once. Within a tokio runtime.
    pub async fn bind(address: SocketAddr) -> io::Result<Udp> {
        let socket = Socket::new(Domain::for_address(address), Type::DGRAM, Some(Protocol::UDP))?;
        socket.set_nonblocking(true)?;
        // The kernel's limit may give less; it then says so by dropping, which retransmission mends.
        let _ = socket.set_recv_buffer_size(RECEIVE_BUFFER);
        let _ = socket.set_send_buffer_size(RECEIVE_BUFFER);
        may_be_fragmented(&socket, address)?;
        socket.bind(&address.into())?;
        let socket = UdpSocket::from_std(socket.into())?;
        let address = socket.local_addr()?;
        unreachable::watch(&socket, address)?;
        // Before the runtime has looked at a socket once, it takes nothing.
        socket.writable().await?;
        Ok(Udp { socket, address, buffer: vec![0; LARGEST].into(), unsent: 0 })
    }

    /// Where it is bound.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Waits until there is something to [`Udp::receive`]: a datagram, or news of one that did not arrive.
    pub async fn readable(&self) -> io::Result<()> {
        self.socket.ready(Interest::READABLE | Interest::ERROR).await.map(drop)
    }

    /// Takes what has come, a batch at most, and hands each datagram to `each`.
    pub fn receive(&mut self, mut each: impl FnMut(Input)) {
        for _ in 0..BATCH {
            match self.socket.try_recv_from(&mut self.buffer) {
                Ok((length, remote)) => {
                    let hop = Hop { transport: Transport::Udp, local: self.address, remote };
                    let bytes = Bytes::copy_from_slice(&self.buffer[..length]);
                    each(Input::Received { hop, bytes });
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                // It is about something that we sent, and stands in the record of errors too.
                Err(_) => {}
            }
        }
        for _ in 0..BATCH {
            let record = self.socket.try_io(Interest::ERROR, || unreachable::next(&self.socket));
            let Ok(record) = record else { return };
            if let Some(remote) = record {
                each(Input::HopFailed {
                    hop: Hop { transport: Transport::Udp, local: self.address, remote },
                });
            }
        }
    }

    pub(super) fn send(&mut self, remote: SocketAddr, bytes: &[u8]) {
        // An error left by an earlier datagram is told once, instead of sending this one: so once again.
        let sent = self.socket.try_send_to(bytes, remote);
        if sent.or_else(|_| self.socket.try_send_to(bytes, remote)).is_err() {
            self.unsent += 1;
        }
    }
}

/// Lets routers cut a message that is too long for a link of theirs. By default the kernel forbids it, to learn what fits: where
/// the path has changed, a message is lost by that. IPv6 has no such routers (RFC 8200 §5).
fn may_be_fragmented(socket: &Socket, address: SocketAddr) -> io::Result<()> {
    match address {
        SocketAddr::V4(_) => set_ip_mtu_discover(socket, Ipv4PathMtuDiscovery::DONT).map_err(io::Error::from),
        SocketAddr::V6(_) => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_long_message_may_be_cut_on_its_way() {
        let udp = Udp::bind(SocketAddr::from(([127, 0, 0, 1], 0))).await.unwrap();
        assert_eq!(rustix::net::sockopt::ip_mtu_discover(&udp.socket).unwrap(), Ipv4PathMtuDiscovery::DONT);
    }

    #[tokio::test]
    async fn a_phone_that_is_switched_off_is_noticed_at_once() {
        let mut udp = Udp::bind(SocketAddr::from(([127, 0, 0, 1], 0))).await.unwrap();
        let gone = std::net::UdpSocket::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let there = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
        udp.send(gone, b"anybody?");
        udp.send(there.local_addr().unwrap(), b"hello");
        let mut failed = Vec::new();
        let noticed = async {
            while failed.is_empty() {
                udp.readable().await.unwrap();
                udp.receive(|input| failed.push(input));
            }
        };
        tokio::time::timeout(std::time::Duration::from_secs(10), noticed).await.unwrap();
        assert!(matches!(failed[..], [Input::HopFailed { hop }] if hop.remote == gone), "{failed:?}");
        let mut buffer = [0; 16];
        assert_eq!(there.recv(&mut buffer).unwrap(), 5, "another phone's message is not lost by it");
    }
}
