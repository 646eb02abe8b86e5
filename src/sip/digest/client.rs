//! Our answer to somebody else's challenge.

use super::Credentials;
use super::challenge::Authorization;
use super::challenge::Challenge;
use super::hash;
use super::hash::Auth;
use super::hash::Ha1;

/// Whether one of the challenges calls our last answer right, and its nonce too old.
pub fn is_stale<'a>(challenges: impl IntoIterator<Item = &'a str>) -> bool {
    challenges.into_iter().filter_map(|text| Challenge::parse(text).ok()).any(|challenge| challenge.stale)
}

/// The value of the Authorization (Proxy-Authorization) header that answers the best of the challenges
/// that we can: SHA-256 before MD5, and `qop=auth` where it is offered. None when there is no such.
///
/// `challenges` are the values of all WWW-Authenticate (Proxy-Authenticate) headers, one each; `uri` is
/// the Request-URI; `nc` counts the answers to one nonce from 1; `cnonce` is a fresh token.
///
/// [RFC 7616 §3.4](https://www.rfc-editor.org/rfc/rfc7616#section-3.4)
pub fn answer<'a>(
    challenges: impl IntoIterator<Item = &'a str>,
    credentials: &Credentials,
    method: &str,
    uri: &str,
    nc: u32,
    cnonce: &str,
) -> Option<String> {
    let known = challenges.into_iter().filter_map(|text| Challenge::parse(text).ok());
    let challenge = known.max_by_key(|challenge| challenge.algorithm)?;
    let ha1 = Ha1::of(&credentials.username, &challenge.realm, credentials.password.expose());
    let nc = format!("{nc:08x}");
    let auth = challenge.qop_auth.then_some(Auth { nc: &nc, cnonce });
    let response = hash::response(challenge.algorithm, &ha1, method, uri, &challenge.nonce, auth);
    let (qop, nc, cnonce) = match challenge.qop_auth {
        true => (Some("auth".to_owned()), Some(nc), Some(cnonce.to_owned())),
        false => (None, None, None),
    };
    let authorization = Authorization {
        username: credentials.username.clone(),
        realm: challenge.realm,
        nonce: challenge.nonce,
        uri: uri.to_owned(),
        response,
        algorithm: challenge.algorithm,
        opaque: challenge.opaque,
        qop,
        nc,
        cnonce,
    };
    Some(authorization.to_string())
}
