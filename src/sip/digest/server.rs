//! Our challenges, and the check of what comes back. Nonces carry their own proof, so that no table of
//! them is kept.

use std::collections::VecDeque;
use std::time::Duration;

use serde::Deserialize;
use serde::Serialize;
use sha2::Digest;
use sha2::Sha256;

use super::challenge::Authorization;
use super::challenge::Challenge;
use super::hash;
use super::hash::Algorithm;
use super::hash::Auth;
use super::hash::Ha1;
use crate::base::Entropy;
use crate::base::Timestamp;

/// Challenges of one realm, and the judge of the answers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Authenticator {
    realm: String,
    key: [u8; 32],
    window: Duration,
    /// The latest right answers, oldest first: nobody may use one twice. At [`SEEN`] the oldest is
    /// forgotten, which only matters to who replays within the window of a nonce on a very busy server.
    seen: VecDeque<u64>,
}

/// How many right answers are remembered: at 10 a second, all of the default window of 300 s.
const SEEN: usize = 3_000;

/// Why an answer does not count.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Rejection {
    /// The nonce is too old or not ours, which is looked at first, so that nobody learns by it whether the answer is right; or
    /// it is right and was used before: challenge again with `stale`
    /// ([RFC 7616 §3.3](https://www.rfc-editor.org/rfc/rfc7616#section-3.3)).
    #[error("the nonce is too old or was used before")]
    Stale,
    /// For another realm.
    #[error("another realm")]
    Realm,
    /// Wrong user or password.
    #[error("wrong response")]
    Response,
    /// `qop=auth-int`, or `qop=auth` without `nc` or `cnonce`.
    #[error("a qop that was not offered")]
    Qop,
}

impl Authenticator {
    /// Nonces live for 300 s.
    pub const WINDOW: Duration = Duration::from_secs(300);

    /// For `realm`, with a key of its own.
    pub fn new(realm: impl Into<String>, entropy: &mut Entropy) -> Authenticator {
        let mut key = [0; 32];
        for part in key.chunks_exact_mut(8) {
            part.copy_from_slice(&entropy.u64().to_be_bytes());
        }
        Authenticator { realm: realm.into(), key, window: Authenticator::WINDOW, seen: VecDeque::new() }
    }

    /// The realm.
    pub fn realm(&self) -> &str {
        &self.realm
    }

    /// One challenge for each algorithm, the better first: each goes into a header of its own.
    ///
    /// [RFC 8760 §2.3](https://www.rfc-editor.org/rfc/rfc8760#section-2.3)
    pub fn challenges(&self, now: Timestamp, stale: bool) -> [Challenge; 2] {
        [Algorithm::Sha256, Algorithm::Md5].map(|algorithm| Challenge {
            realm: self.realm.clone(),
            nonce: self.nonce(now),
            opaque: None,
            algorithm,
            stale,
            qop_auth: true,
        })
    }

    /// Whether `authorization` proves, for a request of this method, the password behind `ha1`.
    ///
    /// The digest-uri is taken as the client gave it: proxies rewrite the Request-URI on the way.
    pub fn check(
        &mut self,
        now: Timestamp,
        method: &str,
        authorization: &Authorization,
        ha1: &Ha1,
    ) -> Result<(), Rejection> {
        if authorization.realm != self.realm {
            return Err(Rejection::Realm);
        }
        if !self.is_fresh(now, &authorization.nonce) {
            return Err(Rejection::Stale);
        }
        let expected = expected_response(method, authorization, ha1)?;
        if !same(expected.as_bytes(), authorization.response.to_ascii_lowercase().as_bytes()) {
            return Err(Rejection::Response);
        }
        if !self.is_first(&expected) {
            return Err(Rejection::Stale);
        }
        Ok(())
    }

    /// What a user's password is checked by who is none: nobody knows a password that fits it.
    pub fn nobody(&self) -> Ha1 {
        let digest = |hash| Sha256::new().chain_update(self.key).chain_update(hash).finalize();
        let (md5, sha256) = (digest("md5"), digest("sha256"));
        Ha1 { md5: std::array::from_fn(|at| md5[at]), sha256: std::array::from_fn(|at| sha256[at]) }
    }

    /// The time of the challenge and a hash of it that only we can make.
    fn nonce(&self, issued: Timestamp) -> String {
        let time = format!("{:016x}", issued.0);
        let proof = self.proof(&time);
        time + &proof
    }

    fn proof(&self, time: &str) -> String {
        // The key at both ends, each hashed apart: nothing can be appended to what was hashed.
        let inner = Sha256::new().chain_update(self.key).chain_update(time).finalize();
        let outer = Sha256::new().chain_update(inner).chain_update(self.key).finalize();
        hash::hex(&outer[..16])
    }

    fn is_fresh(&self, now: Timestamp, nonce: &str) -> bool {
        let Some((time, proof)) = nonce.split_at_checked(16) else { return false };
        if !same(self.proof(time).as_bytes(), proof.as_bytes()) {
            return false;
        }
        // Later than now is one from before a restart: the clock began anew.
        u64::from_str_radix(time, 16)
            .is_ok_and(|issued| issued <= now.0 && now.since(Timestamp(issued)) <= self.window)
    }

    /// Whether this right answer is seen for the first time. The nonce, `nc` and `cnonce` are part of
    /// it, so that an honest client never gives the same one twice.
    fn is_first(&mut self, response: &str) -> bool {
        let short = Sha256::digest(response);
        let short = u64::from_be_bytes([0, 1, 2, 3, 4, 5, 6, 7].map(|at| short[at]));
        if self.seen.contains(&short) {
            return false;
        }
        if self.seen.len() == SEEN {
            self.seen.pop_front();
        }
        self.seen.push_back(short);
        true
    }
}

fn expected_response(method: &str, authorization: &Authorization, ha1: &Ha1) -> Result<String, Rejection> {
    let auth = match (&authorization.qop, &authorization.nc, &authorization.cnonce) {
        (None, _, _) => None,
        (Some(qop), Some(nc), Some(cnonce)) if qop.eq_ignore_ascii_case("auth") => Some(Auth { nc, cnonce }),
        _ => return Err(Rejection::Qop),
    };
    let Authorization { algorithm, uri, nonce, .. } = authorization;
    Ok(hash::response(*algorithm, ha1, method, uri, nonce, auth))
}

/// Compares without telling by its time where the two begin to differ.
fn same(a: &[u8], b: &[u8]) -> bool {
    a.len() == b.len() && a.iter().zip(b).fold(0, |all, (a, b)| all | (a ^ b)) == 0
}
