//! Who may register and call in a local user's name: digest, RFC 3261 §22 and RFC 8760.

use std::time::Duration;

use super::Arrival;
use super::Core;
use super::Cx;
use super::Draft;
use super::refuse;
use crate::base::Name;
use crate::sip::api::Event;
use crate::sip::digest::Algorithm;
use crate::sip::digest::Authorization;
use crate::sip::digest::Rejection;
use crate::sip::message::HeaderName;

/// Why a request does not prove who it is from.
pub(super) enum Unproven {
    /// No credentials, or to a nonce of before: a challenge.
    Missing { stale: bool },
    /// Wrong: 403. Of a user that we do not know it is the same.
    Wrong,
    /// Not looked at, right or wrong, for so long: too many were wrong.
    NotNow(Duration),
}

/// Checks whether a request proves to be from `user`. An unknown user is challenged and refused exactly like a
/// known one with a wrong password, and at the same cost. Who guesses is put off.
pub(super) fn prove(cx: &mut Cx<'_>, arrival: &Arrival, user: &str) -> Result<Name, Unproven> {
    let Core { config, authenticator, counters, tries, .. } = &mut *cx.core;
    let address = arrival.hop.remote.ip();
    let known = config.users.get_key_value(user);
    // Of a user that there is not, a password that nobody can know: an answer that fitted would tell who there is.
    let nobody = authenticator.nobody();
    let ha1 = known.map_or(&nobody, |(_, ha1)| ha1);
    let method = arrival.request.method.as_str();
    for value in arrival.request.headers.all(&HeaderName::Authorization) {
        let Ok(authorization) = Authorization::parse(value) else {
            continue;
        };
        if let Some(wait) = tries.wait(cx.now, user, address) {
            return Err(Unproven::NotNow(wait));
        }
        match authenticator.check(cx.now, method, &authorization, ha1) {
            Ok(()) if authorization.username == user => {
                if let Some((name, _)) = known {
                    tries.knows(user, address);
                    return Ok(name.clone());
                }
            }
            Err(Rejection::Stale) => return Err(Unproven::Missing { stale: true }),
            Err(Rejection::Realm) => continue,
            _ => {}
        }
        counters.auth_failures += 1;
        if tries.count(cx.now, user, address) {
            let user = user.to_owned();
            cx.tell(Event::TriesOver { user, hop: arrival.hop });
        }
        return Err(Unproven::Wrong);
    }
    Err(Unproven::Missing { stale: false })
}

/// Answers whoever does not prove it, and keeps nothing of it: the same request gets the same answer.
pub(super) fn refuse(cx: &mut Cx<'_>, arrival: &Arrival, unproven: Unproven) {
    match unproven {
        Unproven::Wrong => refuse::refuse_statelessly(cx, arrival, 403),
        Unproven::NotNow(wait) => put_off(cx, arrival, wait),
        Unproven::Missing { stale } => challenge(cx, arrival, stale),
    }
}

/// Answers that credentials will be looked at again in so long.
fn put_off(cx: &mut Cx<'_>, arrival: &Arrival, wait: Duration) {
    let mut draft = arrival.refusal(503, &arrival.tag(), &cx.core.config);
    draft.header("Retry-After", wait.as_secs() + 1);
    refuse::answer_statelessly(cx, arrival, 503, draft.finish());
}

/// Phones that give up on a 401 as soon as it names SHA-256, though RFC 8760 §2.4 has them pass over what
/// they do not know: by the beginning of their User-Agent. Debian 12 ships baresip 1.0.0.
const CONFUSED_BY_SHA256: [&str; 4] = ["baresip v0.", "baresip v1.", "baresip v2.0", "baresip v2.1"];

/// Answers 401 with a challenge for each algorithm that the phone can bear, the better first (RFC 8760 §2.4).
fn challenge(cx: &mut Cx<'_>, arrival: &Arrival, stale: bool) {
    let mut draft: Draft = arrival.refusal(401, &arrival.tag(), &cx.core.config);
    let phone = arrival.request.headers.get(&HeaderName::UserAgent).unwrap_or_default();
    let md5_only = CONFUSED_BY_SHA256.iter().any(|confused| phone.starts_with(confused));
    for challenge in cx.core.authenticator.challenges(cx.now, stale) {
        if challenge.algorithm == Algorithm::Md5 || !md5_only {
            draft.header("WWW-Authenticate", challenge);
        }
    }
    refuse::answer_statelessly(cx, arrival, 401, draft.finish());
}
