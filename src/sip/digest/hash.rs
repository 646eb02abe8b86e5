//! The hashes of digest authentication: H(user:realm:password) and the response made of it.

use std::fmt;

use md5::Digest;
use md5::Md5;
use serde::Deserialize;
use serde::Serialize;
use sha2::Sha256;

/// A hash algorithm of RFC 8760 that we know.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Algorithm {
    /// What most telephones know.
    Md5,
    /// Better; preferred where both sides know it.
    Sha256,
}

impl Algorithm {
    /// As the `algorithm` parameter names it.
    pub const fn name(self) -> &'static str {
        match self {
            Algorithm::Md5 => "MD5",
            Algorithm::Sha256 => "SHA-256",
        }
    }

    /// By its name in any case; none for one that we do not know (`-sess`, SHA-512-256).
    pub fn by_name(name: &str) -> Option<Algorithm> {
        [Algorithm::Md5, Algorithm::Sha256].into_iter().find(|a| a.name().eq_ignore_ascii_case(name))
    }

    /// The hash of the parts joined by colons, in lower-case hexadecimal.
    pub(super) fn hex(self, parts: &[&str]) -> String {
        match self {
            Algorithm::Md5 => hex(&hash::<Md5>(parts)),
            Algorithm::Sha256 => hex(&hash::<Sha256>(parts)),
        }
    }
}

/// What stands in for a password: H(user:realm:password) by each algorithm. The password is not kept.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ha1 {
    pub md5: [u8; 16],
    pub sha256: [u8; 32],
}

impl Ha1 {
    /// Of a user's password within a realm.
    pub fn of(user: &str, realm: &str, password: &str) -> Ha1 {
        let parts = [user, realm, password];
        Ha1 { md5: hash::<Md5>(&parts).into(), sha256: hash::<Sha256>(&parts).into() }
    }

    /// By this it is known again, and nobody signs in with it: the first octets of its own hash.
    pub fn mark(&self) -> u64 {
        let hash = Sha256::digest(self.sha256);
        hash.iter().take(8).fold(0, |mark, octet| mark << 8 | u64::from(*octet))
    }

    pub(super) fn hex(&self, algorithm: Algorithm) -> String {
        match algorithm {
            Algorithm::Md5 => hex(&self.md5),
            Algorithm::Sha256 => hex(&self.sha256),
        }
    }
}

impl fmt::Debug for Ha1 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Ha1(…)")
    }
}

fn hash<D: Digest>(parts: &[&str]) -> sha2::digest::Output<D> {
    let mut hash = D::new();
    for (at, part) in parts.iter().enumerate() {
        if at > 0 {
            hash.update(b":");
        }
        hash.update(part.as_bytes());
    }
    hash.finalize()
}

/// Lower-case hexadecimal.
pub(super) fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let mut text = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        text.push(char::from(DIGITS[usize::from(byte >> 4)]));
        text.push(char::from(DIGITS[usize::from(byte & 15)]));
    }
    text
}

/// What the client proves the password with.
///
/// [RFC 7616 §3.4.1](https://www.rfc-editor.org/rfc/rfc7616#section-3.4.1); without `qop` after
/// [RFC 2617 §3.2.2.1](https://www.rfc-editor.org/rfc/rfc2617#section-3.2.2.1), as old servers want it.
pub(super) fn response(
    algorithm: Algorithm,
    ha1: &Ha1,
    method: &str,
    uri: &str,
    nonce: &str,
    auth: Option<Auth<'_>>,
) -> String {
    let ha1 = ha1.hex(algorithm);
    let ha2 = algorithm.hex(&[method, uri]);
    match auth {
        Some(Auth { nc, cnonce }) => algorithm.hex(&[&ha1, nonce, nc, cnonce, "auth", &ha2]),
        None => algorithm.hex(&[&ha1, nonce, &ha2]),
    }
}

/// What `qop=auth` adds to the response.
pub(super) struct Auth<'a> {
    /// Eight hexadecimal digits.
    pub nc: &'a str,
    pub cnonce: &'a str,
}
