//! Requests and responses as they stand on the wire: parse and print. No meaning is given here.
