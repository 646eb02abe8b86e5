//! SIP over UDP: one socket, read in batches by the control thread.

use std::io;
use std::net::SocketAddr;

use bytes::Bytes;
use socket2::Domain;
use socket2::Protocol;
use socket2::Socket;
use socket2::Type;
use tokio::net::UdpSocket;

use crate::sip::Hop;
use crate::sip::Input;
use crate::sip::Transport;

/// The largest datagram there is.
const LARGEST: usize = 65_536;

/// What the kernel may keep for us while the control thread is busy: some thousand messages.
const RECEIVE_BUFFER: usize = 4 << 20;

/// How many datagrams are taken before anything else gets its turn.
const BATCH: usize = 64;

/// The datagram socket.
pub struct Udp {
    socket: UdpSocket,
    address: SocketAddr,
    buffer: Box<[u8]>,
    /// Datagrams that the kernel did not take.
    pub unsent: u64,
}

impl Udp {
    /// Binds to `address`. Within a tokio runtime.
    pub fn bind(address: SocketAddr) -> io::Result<Udp> {
        let socket = Socket::new(Domain::for_address(address), Type::DGRAM, Some(Protocol::UDP))?;
        socket.set_nonblocking(true)?;
        // The kernel's limit may give less; it then says so by dropping, which retransmission mends.
        let _ = socket.set_recv_buffer_size(RECEIVE_BUFFER);
        let _ = socket.set_send_buffer_size(RECEIVE_BUFFER);
        socket.bind(&address.into())?;
        let socket = UdpSocket::from_std(socket.into())?;
        let address = socket.local_addr()?;
        Ok(Udp { socket, address, buffer: vec![0; LARGEST].into(), unsent: 0 })
    }

    /// Where it is bound.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Waits until there is something to [`Udp::receive`].
    pub async fn readable(&self) -> io::Result<()> {
        self.socket.readable().await
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
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return,
                // Somebody's ICMP error: it concerns a message that we sent, and retransmission knows.
                Err(_) => {}
            }
        }
    }

    pub(super) fn send(&mut self, remote: SocketAddr, bytes: &[u8]) {
        if self.socket.try_send_to(bytes, remote).is_err() {
            self.unsent += 1;
        }
    }
}
