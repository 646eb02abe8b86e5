//! Who may register and call in a local user's name: digest, RFC 3261 §22 and RFC 8760.

use std::time::Duration;

use super::Arrival;
use super::Core;
use super::Cx;
use super::Draft;
use crate::base::Name;
use crate::sip::api::Event;
use crate::sip::digest::Algorithm;
use crate::sip::digest::Authorization;
use crate::sip::digest::Ha1;
use crate::sip::digest::Rejection;
use crate::sip::message::HeaderName;
use crate::sip::transaction::TransactionId;

/// What a request's credentials are worth.
pub(super) enum Proof {
    /// It is this user.
    User(Name),
    /// None, or to a nonce of before: a challenge.
    Missing { stale: bool },
    /// Wrong: 403. Of a user that we do not know it is the same.
    Wrong,
    /// Not looked at, right or wrong, for so long: too many were wrong.
    NotNow(Duration),
}

/// Checks whether a request proves to be from `user`. An unknown user is challenged and refused exactly like a
/// known one with a wrong password, and at the same cost. Who guesses is put off.
pub(super) fn prove(cx: &mut Cx<'_>, arrival: &Arrival, user: &str) -> Proof {
    let Core { config, authenticator, counters, tries, .. } = &mut *cx.core;
    let address = arrival.hop.remote.ip();
    let known = config.users.get_key_value(user);
    let nobody = Ha1 { md5: [0; 16], sha256: [0; 32] };
    let ha1 = known.map_or(&nobody, |(_, ha1)| ha1);
    let method = arrival.request.method.as_str();
    for value in arrival.request.headers.all(&HeaderName::Authorization) {
        let Ok(authorization) = Authorization::parse(value) else {
            continue;
        };
        if let Some(wait) = tries.wait(cx.now, user, address) {
            return Proof::NotNow(wait);
        }
        match authenticator.check(cx.now, method, &authorization, ha1) {
            Ok(()) if authorization.username == user => {
                if let Some((name, _)) = known {
                    tries.knows(user, address);
                    return Proof::User(name.clone());
                }
            }
            Err(Rejection::Stale) => return Proof::Missing { stale: true },
            Err(Rejection::Realm) => continue,
            _ => {}
        }
        counters.auth_failures += 1;
        if tries.count(cx.now, user, address) {
            let user = user.to_owned();
            cx.tell(Event::TriesOver { user, hop: arrival.hop });
        }
        return Proof::Wrong;
    }
    Proof::Missing { stale: false }
}

/// Answers that credentials will be looked at again in so long.
pub(super) fn put_off(cx: &mut Cx<'_>, arrival: &Arrival, transaction: TransactionId, wait: Duration) {
    let mut draft = arrival.refusal(503, &arrival.tag(), &cx.core.config);
    draft.header("Retry-After", wait.as_secs() + 1);
    cx.respond(transaction, &arrival.request.method, 503, draft.finish());
}

/// Phones that give up on a 401 as soon as it names SHA-256, though RFC 8760 §2.4 has them pass over what
/// they do not know: by the beginning of their User-Agent. Debian 12 ships baresip 1.0.0.
const CONFUSED_BY_SHA256: [&str; 4] = ["baresip v0.", "baresip v1.", "baresip v2.0", "baresip v2.1"];

/// Answers 401 with a challenge for each algorithm that the phone can bear, the better first (RFC 8760 §2.4).
pub(super) fn challenge(cx: &mut Cx<'_>, arrival: &Arrival, transaction: TransactionId, stale: bool) {
    let mut draft: Draft = arrival.refusal(401, &arrival.tag(), &cx.core.config);
    let phone = arrival.request.headers.get(&HeaderName::UserAgent).unwrap_or_default();
    let md5_only = CONFUSED_BY_SHA256.iter().any(|confused| phone.starts_with(confused));
    for challenge in cx.core.authenticator.challenges(cx.now, stale) {
        if challenge.algorithm == Algorithm::Md5 || !md5_only {
            draft.header("WWW-Authenticate", challenge);
        }
    }
    cx.respond(transaction, &arrival.request.method, 401, draft.finish());
}
