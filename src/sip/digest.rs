//! Digest access authentication (RFC 7616, RFC 8760): challenge, response, check. MD5 and SHA-256.

mod challenge;
mod client;
mod hash;
mod server;

use serde::Deserialize;
use serde::Serialize;

pub use challenge::Authorization;
pub use challenge::Challenge;
pub use challenge::DigestError;
pub use client::answer;
pub use client::is_stale;
pub use hash::Algorithm;
pub use hash::Ha1;
pub use server::Authenticator;
pub use server::Rejection;

use crate::base::Name;

/// What we answer a challenge of somebody else's realm with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Credentials {
    pub username: String,
    pub password: crate::base::Secret,
}

/// How many challenges one request of ours answers: the first, and further ones that call only the nonce too old.
const MAX_ANSWERS: u8 = 3;

/// By whose credentials a request of ours answers a challenge: those of a trunk, which stand in the configuration. Here is its
/// name alone, for this is written down, and no password is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Account {
    trunk: Name,
    /// How many challenges the request has answered.
    answered: u8,
}

impl Account {
    /// Of a request that has not been challenged yet.
    pub fn of(trunk: Name) -> Account {
        Account { trunk, answered: 0 }
    }

    /// For another request by the same trunk.
    pub fn anew(self) -> Account {
        Account::of(self.trunk)
    }

    /// The trunk.
    pub fn trunk(&self) -> &Name {
        &self.trunk
    }

    /// Of the request that answers one more challenge; none when that would be refused again, and so on.
    ///
    /// [RFC 3261 §22.2](https://www.rfc-editor.org/rfc/rfc3261#section-22.2)
    pub fn once_more(self, stale: bool) -> Option<Account> {
        let may = self.answered == 0 || stale && self.answered < MAX_ANSWERS;
        may.then(|| Account { answered: self.answered + 1, ..self })
    }
}

#[cfg(test)]
mod tests;
