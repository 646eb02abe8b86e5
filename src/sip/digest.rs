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
pub use hash::Algorithm;
pub use hash::Ha1;
pub use server::Authenticator;
pub use server::Rejection;

/// What we answer a challenge of somebody else's realm with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Credentials {
    pub username: String,
    pub password: crate::base::Secret,
}

#[cfg(test)]
mod tests;
