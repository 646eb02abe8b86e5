//! Customers for the calls: look-ups and PIN checks on two threads of their own, answers by channel.
//!
//! A look-up takes microseconds and a PIN check some 20 ms on purpose, so each has its own thread and its own
//! connection, and neither waits for the other. The control thread only ever pushes a request.

use std::sync::mpsc;
use std::sync::mpsc::SyncSender;
use std::sync::mpsc::TrySendError;
use std::thread;
use std::time::SystemTime;

use tokio::sync::mpsc::Sender;
use tracing::error;
use tracing::warn;

use crate::base::CallId;
use crate::base::Secret;
use crate::base::WallTime;
use crate::flow::api::Customer;
use crate::flow::api::VerifyResult;
use crate::store::Store;
use crate::store::StoreError;
use crate::store::customers::Verifier;
use crate::store::customers::find_by_number;

/// Look-ups that may wait, at a few microseconds each. Beyond it a caller is unknown, and told nothing odd.
const LOOK_UPS: usize = 1_024;
/// PIN checks that may wait: five seconds of them. Beyond it the answer is `Unavailable`, at once.
const CHECKS: usize = 256;

/// The answer to one request.
#[derive(Clone, Debug, PartialEq)]
pub enum IdentityReply {
    /// To [`IdentityService::find_by_number`].
    Found { call: CallId, customer: Option<Customer> },
    /// To [`IdentityService::verify`].
    Verified { call: CallId, result: VerifyResult },
}

/// Asks who a caller is. Cheap to clone; the threads end when the last clone is dropped.
#[derive(Clone)]
pub struct IdentityService {
    look_ups: SyncSender<(CallId, String)>,
    checks: SyncSender<(CallId, String, Secret)>,
    replies: Sender<IdentityReply>,
}

impl IdentityService {
    /// Starts the two threads; what they find goes to `replies`.
    pub fn start(store: &Store, replies: Sender<IdentityReply>) -> Result<IdentityService, StoreError> {
        let (look_ups, to_look_up) = mpsc::sync_channel::<(CallId, String)>(LOOK_UPS);
        let (checks, to_check) = mpsc::sync_channel::<(CallId, String, Secret)>(CHECKS);

        let (connection, answers) = (store.connect()?, replies.clone());
        spawn("customer look-up", move || {
            for (call, number) in to_look_up {
                let customer = find_by_number(&connection, &number).unwrap_or_else(|error| {
                    error!(%call, %error, "a customer could not be looked up");
                    None
                });
                if answers.blocking_send(IdentityReply::Found { call, customer }).is_err() {
                    return;
                }
            }
        })?;

        let (mut verifier, answers) = (Verifier::new(store.connect()?)?, replies.clone());
        spawn("PIN check", move || {
            for (call, account, pin) in to_check {
                let result = verifier.verify(&account, &pin, wall_clock()).unwrap_or_else(|error| {
                    error!(%call, %error, "a PIN could not be checked");
                    VerifyResult::Unavailable
                });
                if answers.blocking_send(IdentityReply::Verified { call, result }).is_err() {
                    return;
                }
            }
        })?;
        Ok(IdentityService { look_ups, checks, replies })
    }

    /// Looks the caller up by number: [`IdentityReply::Found`] answers. Never waits; when too many wait
    /// already, the answer is that nobody is known.
    pub fn find_by_number(&self, call: CallId, number: impl Into<String>) {
        if !taken(self.look_ups.try_send((call, number.into())), "customer look-ups") {
            self.reply(IdentityReply::Found { call, customer: None });
        }
    }

    /// Checks account and PIN: [`IdentityReply::Verified`] answers. Never waits; when too many wait already,
    /// the answer is `Unavailable`.
    pub fn verify(&self, call: CallId, account: impl Into<String>, pin: Secret) {
        if !taken(self.checks.try_send((call, account.into(), pin)), "PIN checks") {
            self.reply(IdentityReply::Verified { call, result: VerifyResult::Unavailable });
        }
    }

    /// Answers at once, from the caller's own thread. When even the answers' channel is full, the call's own
    /// time limit for verification ends its wait.
    fn reply(&self, reply: IdentityReply) {
        if self.replies.try_send(reply).is_err() {
            warn!("an identity answer found no room");
        }
    }
}

/// Whether a request was taken; says so when it was not.
fn taken<T>(sent: Result<(), TrySendError<T>>, what: &'static str) -> bool {
    match sent {
        Ok(()) => true,
        Err(TrySendError::Full(_)) => {
            warn!(what, "too many wait; the caller is told at once that nothing can be said");
            false
        }
        Err(TrySendError::Disconnected(_)) => {
            error!(what, "the thread is gone");
            false
        }
    }
}

fn spawn(name: &str, work: impl FnOnce() + Send + 'static) -> Result<(), StoreError> {
    thread::Builder::new().name(name.to_owned()).spawn(work).map_err(StoreError::Thread)?;
    Ok(())
}

/// The calendar's time now; 1970 when the machine's clock is before it.
fn wall_clock() -> WallTime {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    WallTime(0) + since
}
