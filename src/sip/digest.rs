//! Digest access authentication (RFC 7616, RFC 8760): challenge, response, check. MD5 and SHA-256.

use serde::Deserialize;
use serde::Serialize;

/// What stands in for a password: H(user:realm:password) by each algorithm. The password is not kept.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ha1 {
    pub md5: [u8; 16],
    pub sha256: [u8; 32],
}

impl std::fmt::Debug for Ha1 {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Ha1(…)")
    }
}

/// What we answer a challenge of somebody else's realm with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Credentials {
    pub username: String,
    pub password: crate::base::Secret,
}
