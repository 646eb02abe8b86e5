//! Whose an address is.

use std::net::IpAddr;

/// The network that one person has: an IPv4 address itself, of an IPv6 address its /64. An IPv4 address in IPv6's clothes
/// (`::ffff:192.0.2.1`) is one; this machine is `127.0.0.1` or `::1`.
pub fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(v6) if !v6.is_loopback() => IpAddr::V6((u128::from(v6) >> 64 << 64).into()),
        whole => whole,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_person_has_an_address_or_sixty_four_bits_of_them() {
        let told = [
            ("192.0.2.1", "192.0.2.1"),
            ("::ffff:192.0.2.1", "192.0.2.1"),
            ("2001:db8:0:1:ffff::2", "2001:db8:0:1::"),
            ("::1", "::1"),
        ];
        for (address, of) in told {
            assert_eq!(network(address.parse().unwrap()).to_string(), of);
        }
    }
}
