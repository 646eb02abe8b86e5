//! Peers that are not there: the kernel's record of ICMP errors about datagrams that we sent (ip(7),
//! `IP_RECVERR`). So a phone that was switched off fails at once and not after a ring timeout.

use std::io;
use std::io::IoSliceMut;
use std::net::SocketAddr;
use std::os::fd::AsRawFd;

use nix::sys::socket::MsgFlags;
use nix::sys::socket::SockaddrStorage;
use nix::sys::socket::recvmsg;
use nix::sys::socket::setsockopt;
use nix::sys::socket::sockopt::Ipv4RecvErr;
use nix::sys::socket::sockopt::Ipv6RecvErr;
use tokio::net::UdpSocket;

/// Has the kernel keep such errors for a socket.
pub(super) fn watch(socket: &UdpSocket, address: SocketAddr) -> io::Result<()> {
    match address {
        SocketAddr::V4(_) => setsockopt(socket, Ipv4RecvErr, &true)?,
        SocketAddr::V6(_) => setsockopt(socket, Ipv6RecvErr, &true)?,
    }
    Ok(())
}

/// The next peer that is not there; [`io::ErrorKind::WouldBlock`] when no more are recorded.
pub(super) fn next(socket: &UdpSocket) -> io::Result<SocketAddr> {
    // Whatever is read is the beginning of our own datagram: of no interest here.
    let mut start = [0; 1];
    let mut parts = [IoSliceMut::new(&mut start)];
    let record = recvmsg::<SockaddrStorage>(socket.as_raw_fd(), &mut parts, None, MsgFlags::MSG_ERRQUEUE)?;
    let address = record.address.and_then(|peer| {
        let v4 = peer.as_sockaddr_in().map(|peer| SocketAddr::from((peer.ip(), peer.port())));
        v4.or_else(|| peer.as_sockaddr_in6().map(|peer| SocketAddr::from((peer.ip(), peer.port()))))
    });
    address.ok_or_else(|| io::Error::other("a record of no address"))
}
