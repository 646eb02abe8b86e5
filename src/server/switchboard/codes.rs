//! Codes of one use: made here, sent by a service of the center, and compared once with what the caller keys. How often one
//! is sent to an account's owner is bounded over all calls: whoever knows a number of an account makes nobody's phone ring
//! all night.

use std::time::Duration;

use super::Now;
use super::Switchboard;
use crate::base::CallId;
use crate::base::Latest;
use crate::base::Secret;
use crate::base::Timestamp;
use crate::flow::api::Proof;
use crate::store::identity::Check;

/// How long a code holds.
const HOLDS: Duration = Duration::from_secs(600);
/// As many as there are of six digits.
const CODES: u64 = 1_000_000;

/// How often a code is sent for one account within [`WINDOW`]: as many wrong tries in a row lock it.
const MOST: usize = 10;
const WINDOW: Duration = Duration::from_secs(3_600);
/// Accounts that are remembered; of more, that is forgotten for which no code was wanted for longest.
const ACCOUNTS: usize = 10_000;

/// When codes were sent, by account, within the last hour. Lost with this process.
#[derive(Debug)]
pub(super) struct SentCodes(Latest<String, Vec<Timestamp>>);

impl Default for SentCodes {
    fn default() -> SentCodes {
        SentCodes(Latest::new(ACCOUNTS))
    }
}

impl SentCodes {
    /// Whether one more may be sent for this account now; then it counts.
    fn take(&mut self, now: Timestamp, account: &str) -> bool {
        let mut sent = self.0.remove(account).unwrap_or_default();
        sent.retain(|sent| now.since(*sent) < WINDOW);
        let may = sent.len() < MOST;
        if may {
            sent.push(now);
        }
        self.0.put(account.to_owned(), sent);
        may
    }
}

/// A code, and for whose account it was sent.
pub(super) struct Code {
    account: String,
    code: Secret,
    until: Timestamp,
}

impl Switchboard {
    /// Makes a code for the owner of this account; one that was made before is worth nothing any more. None when too many
    /// have been sent to them.
    pub(super) fn new_code(&mut self, now: Now, call: CallId, account: String) -> Option<Secret> {
        if !self.sent_codes.take(now.at, &account) {
            return None;
        }
        let code = Secret::new(format!("{:06}", self.parts.entropy.below(CODES)));
        if let Some(live) = self.calls.get_mut(&call) {
            live.code = Some(Code { account, code: code.clone(), until: now.at + HOLDS });
        }
        Some(code)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn so_many_codes_are_sent_for_an_account_in_an_hour_and_no_more() {
        let mut codes = SentCodes::default();
        let minute = |minutes: u64| Timestamp::from_secs(60 * minutes);
        let sent = (0..30).filter(|minutes| codes.take(minute(*minutes), "100200")).count();
        assert_eq!(sent, MOST);
        assert!(codes.take(minute(30), "100300"), "each account by itself");
        assert!(!codes.take(minute(59), "100200"));
        assert!(codes.take(minute(60), "100200"), "the first was an hour ago");
        assert!(!codes.take(minute(60), "100200"), "and the second was not");
    }
}
