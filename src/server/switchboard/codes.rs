//! Codes of one use: made here, sent by a service of the center, and compared once with what the caller keys.

use std::time::Duration;

use super::Now;
use super::Switchboard;
use crate::base::CallId;
use crate::base::Secret;
use crate::base::Timestamp;
use crate::flow::api::Proof;
use crate::store::identity::Check;

/// How long a code holds.
const HOLDS: Duration = Duration::from_secs(600);
/// As many as there are of six digits.
const CODES: u64 = 1_000_000;

/// A code, and for whose account it was sent.
pub(super) struct Code {
    account: String,
    code: Secret,
    until: Timestamp,
}

impl Switchboard {
    /// Makes a code for the owner of this account; one that was made before is worth nothing any more.
    pub(super) fn new_code(&mut self, now: Now, call: CallId, account: String) -> Secret {
        let code = Secret::new(format!("{:06}", self.parts.entropy.below(CODES)));
        if let Some(live) = self.calls.get_mut(&call) {
            live.code = Some(Code { account, code: code.clone(), until: now.at + HOLDS });
        }
        code
    }

    /// What the store is to check: it counts the tries whatever the proof is.
    pub(super) fn check(&mut self, now: Now, call: CallId, account: &str, proof: Proof) -> Check {
        match proof {
            Proof::Pin(pin) => Check::Pin(pin),
            Proof::BirthDate(date) => Check::BirthDate(date),
            Proof::Code(keyed) => {
                // Each try takes the code away: after a wrong one another is sent.
                let sent = self.calls.get_mut(&call).and_then(|live| live.code.take());
                let fits = sent
                    .is_some_and(|sent| sent.account == account && sent.until > now.at && sent.code == keyed);
                Check::Code { fits }
            }
        }
    }
}
