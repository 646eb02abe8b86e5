//! The port over real loopback sockets, with a browser by other hands: the `rtc` crate's whole peer connection.
