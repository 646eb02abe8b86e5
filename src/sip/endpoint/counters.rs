//! What passed through the endpoint, counted.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde::Serialize;

use crate::sip::message::Method;

/// Counts since the start. Methods that we do not know count as `other`, so that no peer makes it grow.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counters {
    /// Requests received, new ones, by method.
    pub requests: BTreeMap<String, u64>,
    /// Responses sent, by method and status class: `INVITE 2xx`.
    pub responses_sent: BTreeMap<String, u64>,
    /// Responses received that were new, by method and status class.
    pub responses_received: BTreeMap<String, u64>,
    /// Messages that could not be read, answered with a 4xx or dropped.
    pub malformed: u64,
    /// Messages that were sent again by a timer or because the peer repeated itself.
    pub retransmissions: u64,
    /// Responses to nothing that we know to have asked, ACKs of nothing we answered.
    pub strays: u64,
    /// Requests refused because a table was full.
    pub overload: u64,
    /// Digest credentials that were wrong.
    pub auth_failures: u64,
}

impl Counters {
    pub(in crate::sip) fn request(&mut self, method: &Method) {
        count(&mut self.requests, label(method));
    }

    pub(in crate::sip) fn sent(&mut self, method: &Method, status: u16) {
        count(&mut self.responses_sent, class(method, status));
    }

    pub(in crate::sip) fn received(&mut self, method: &Method, status: u16) {
        count(&mut self.responses_received, class(method, status));
    }
}

fn count(table: &mut BTreeMap<String, u64>, key: &str) {
    match table.get_mut(key) {
        Some(count) => *count += 1,
        None => {
            table.insert(key.to_owned(), 1);
        }
    }
}

fn label(method: &Method) -> &str {
    match method {
        Method::Other(_) => "other",
        method => method.as_str(),
    }
}

/// The labels of every method and class, made once: counting allocates nothing.
fn class(method: &Method, status: u16) -> &'static str {
    macro_rules! classes {
        ($($variant:ident $name:literal,)*) => {
            match (method, status / 100) {
                $((Method::$variant, 1) => concat!($name, " 1xx"),
                  (Method::$variant, 2) => concat!($name, " 2xx"),
                  (Method::$variant, 3) => concat!($name, " 3xx"),
                  (Method::$variant, 4) => concat!($name, " 4xx"),
                  (Method::$variant, 5) => concat!($name, " 5xx"),
                  (Method::$variant, _) => concat!($name, " 6xx"),)*
                (_, 1) => "other 1xx",
                (_, 2) => "other 2xx",
                (_, 3) => "other 3xx",
                (_, 4) => "other 4xx",
                (_, 5) => "other 5xx",
                _ => "other 6xx",
            }
        };
    }
    classes! {
        Invite "INVITE", Bye "BYE", Cancel "CANCEL", Options "OPTIONS", Register "REGISTER",
        Info "INFO", Prack "PRACK", Update "UPDATE",
    }
}
