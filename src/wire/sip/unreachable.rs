//! Peers that are not there: the kernel's record of ICMP errors about datagrams that we sent (ip(7),
//! `IP_RECVERR`). So a phone that was switched off fails at once and not after a ring timeout.
//!
//! Only the peer itself knows that. What others say on the way, of a hop limit or a route that is gone, may be over in a
//! moment: the request is sent again, and its own time-out decides.

use std::io;
use std::io::IoSliceMut;
use std::net::IpAddr;
use std::net::SocketAddr;
use std::os::fd::AsRawFd;

use nix::cmsg_space;
use nix::libc;
use nix::libc::sock_extended_err;
use nix::sys::socket::ControlMessageOwned;
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

/// What is recorded next: a peer that is not there, or none when it is of no consequence;
/// [`io::ErrorKind::WouldBlock`] when no more is.
pub(super) fn next(socket: &UdpSocket) -> io::Result<Option<SocketAddr>> {
    // Whatever is read is the beginning of our own datagram: of no interest here.
    let mut start = [0; 1];
    let mut parts = [IoSliceMut::new(&mut start)];
    let mut control = cmsg_space!(sock_extended_err, libc::sockaddr_in6);
    let socket = socket.as_raw_fd();
    let record = recvmsg::<SockaddrStorage>(socket, &mut parts, Some(&mut control), MsgFlags::MSG_ERRQUEUE)?;
    let peer = record.address.and_then(|peer| {
        let v4 = peer.as_sockaddr_in().map(|peer| SocketAddr::from((peer.ip(), peer.port())));
        v4.or_else(|| peer.as_sockaddr_in6().map(|peer| SocketAddr::from((peer.ip(), peer.port()))))
    });
    let peer = peer.ok_or_else(|| io::Error::other("a record of no address"))?;
    let told = record.cmsgs()?.find_map(|message| match message {
        ControlMessageOwned::Ipv4RecvErr(error, by) => {
            Some((error, by.map(|by| IpAddr::from(by.sin_addr.s_addr.to_ne_bytes()))))
        }
        ControlMessageOwned::Ipv6RecvErr(error, by) => {
            Some((error, by.map(|by| IpAddr::from(by.sin6_addr.s6_addr))))
        }
        _ => None,
    });
    Ok(told.is_some_and(|(error, by)| says_nobody_is_there(&error, by, peer.ip())).then_some(peer))
}

/// Whether the peer says of itself that nobody listens there: its port is unreachable, or UDP as a whole.
///
/// [RFC 3261 §18.4](https://www.rfc-editor.org/rfc/rfc3261#section-18.4)
fn says_nobody_is_there(error: &sock_extended_err, by: Option<IpAddr>, peer: IpAddr) -> bool {
    let nobody = [libc::ECONNREFUSED, libc::ENOPROTOOPT].map(i32::cast_unsigned);
    let by_icmp = [libc::SO_EE_ORIGIN_ICMP, libc::SO_EE_ORIGIN_ICMP6];
    by_icmp.contains(&error.ee_origin) && nobody.contains(&error.ee_errno) && by == Some(peer)
}

#[cfg(test)]
mod tests {
    use super::*;

    const PEER: [u8; 4] = [192, 0, 2, 9];
    const ROUTER: [u8; 4] = [192, 0, 2, 1];

    /// As the kernel tells of an ICMP message (type, code) by somebody.
    fn is_believed(errno: i32, (ee_type, ee_code): (u8, u8), by: [u8; 4]) -> bool {
        let error = sock_extended_err {
            ee_errno: errno.cast_unsigned(),
            ee_origin: libc::SO_EE_ORIGIN_ICMP,
            ee_type,
            ee_code,
            ee_pad: 0,
            ee_info: 0,
            ee_data: 0,
        };
        says_nobody_is_there(&error, Some(by.into()), PEER.into())
    }

    #[test]
    fn a_peer_whose_port_is_closed_is_not_there() {
        assert!(is_believed(libc::ECONNREFUSED, (3, 3), PEER));
        assert!(is_believed(libc::ENOPROTOOPT, (3, 2), PEER));
    }

    #[test]
    fn what_goes_wrong_on_the_way_does_not_mean_that_a_peer_is_not_there() {
        let ttl_exceeded = (libc::EHOSTUNREACH, (11, 0));
        let fragmentation_needed = (libc::EMSGSIZE, (3, 4));
        let host_unreachable = (libc::EHOSTUNREACH, (3, 1));
        let network_unreachable = (libc::ENETUNREACH, (3, 0));
        let prohibited = (libc::EHOSTUNREACH, (3, 13));
        for (errno, message) in
            [ttl_exceeded, fragmentation_needed, host_unreachable, network_unreachable, prohibited]
        {
            for by in [ROUTER, PEER] {
                assert!(!is_believed(errno, message, by), "{message:?} by {by:?}");
            }
        }
        assert!(!is_believed(libc::ECONNREFUSED, (3, 3), ROUTER), "others do not know it");
        let local = sock_extended_err {
            ee_errno: libc::ECONNREFUSED.cast_unsigned(),
            ee_origin: libc::SO_EE_ORIGIN_LOCAL,
            ee_type: 0,
            ee_code: 0,
            ee_pad: 0,
            ee_info: 0,
            ee_data: 0,
        };
        assert!(!says_nobody_is_there(&local, Some(PEER.into()), PEER.into()));
    }
}
