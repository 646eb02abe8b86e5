//! One event on its way: signed as [Standard Webhooks](https://www.standardwebhooks.com/) have it, and what the receiver says.

use std::time::Duration;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use hmac::Hmac;
use hmac::Mac;
use sha2::Sha256;
use ureq::Agent;

use super::line::Event;
use crate::base::Secret;
use crate::base::WallTime;
use crate::flow::webhook::Webhook;
use crate::server::fetcher::failure;

/// Before a secret that is written in Base64, as receivers' tools make them.
const IN_BASE64: &str = "whsec_";

/// The longest answer that is read, in bytes.
const LONGEST: u64 = 64 * 1024;

/// Why an event was not taken.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Failure {
    /// Without the address, which may hold a secret.
    pub why: String,
    /// Whether the receiver finds the event wrong.
    pub is_our_fault: bool,
    /// For how long it wants to be left alone.
    pub retry_after: Option<Duration>,
}

/// Sends it once.
pub(super) fn send(
    agent: &Agent,
    webhook: &Webhook,
    secret: &Secret,
    event: &Event,
    now: WallTime,
) -> Result<(), Failure> {
    let timestamp = now.unix_secs();
    let request = agent.post(&webhook.to).config().timeout_global(Some(webhook.timeout)).build();
    let request = request
        .header("Content-Type", "application/json")
        .header("User-Agent", "Warmline")
        .header("webhook-id", &event.id)
        .header("webhook-timestamp", timestamp.to_string())
        .header("webhook-signature", signature(secret, &event.id, timestamp, &event.body));
    let failed = |why: &str| Failure { why: why.to_owned(), is_our_fault: false, retry_after: None };
    let mut answer = request.send(&*event.body).map_err(|error| failed(&failure(&error).to_string()))?;
    let status = answer.status().as_u16();
    // What it says more is of no use; but the connection is, for the next.
    let _ = answer.body_mut().with_config().limit(LONGEST).read_to_vec();
    let retry_after =
        answer.headers().get("retry-after").and_then(|value| value.to_str().ok()?.trim().parse().ok());
    match status {
        200..=299 => Ok(()),
        // These say that another time is better.
        408 | 425 | 429 | 500.. => Err(Failure {
            retry_after: retry_after.map(Duration::from_secs),
            ..failed(&format!("it answers {status}"))
        }),
        _ => Err(Failure { is_our_fault: true, ..failed(&format!("it answers {status}")) }),
    }
}

/// `v1,` and HMAC-SHA256 over id, timestamp and body, in Base64.
fn signature(secret: &Secret, id: &str, timestamp: i64, body: &str) -> String {
    let key = match secret.expose().strip_prefix(IN_BASE64).map(|text| BASE64_STANDARD.decode(text)) {
        Some(Ok(key)) => key,
        _ => secret.expose().as_bytes().to_vec(),
    };
    // HMAC takes a key of any length.
    let mut mac = Hmac::<Sha256>::new_from_slice(&key).expect("a key of any length");
    mac.update(format!("{id}.{timestamp}.{body}").as_bytes());
    format!("v1,{}", BASE64_STANDARD.encode(mac.finalize().into_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of the specification.
    #[test]
    fn an_event_is_signed_as_receivers_check_it() {
        let secret = Secret::new("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw");
        let signed =
            signature(&secret, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330, r#"{"test": 2432232314}"#);
        assert_eq!(signed, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
        let plain = signature(&Secret::new("a plain text"), "1", 1, "{}");
        assert_ne!(plain, signature(&Secret::new("another one"), "1", 1, "{}"));
    }
}
