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

/// What is held against an account.
#[derive(Clone, Debug, PartialEq)]
pub enum Check {
    Pin(Secret),
    /// `2026-12-24`.
    BirthDate(Secret),
    /// A code of one use, which was compared already: the tries are counted here.
    Code {
        fits: bool,
    },
}

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
    checks: SyncSender<(CallId, String, Check)>,
    replies: Sender<IdentityReply>,
}

impl IdentityService {
    /// Starts the two threads; what they find goes to `replies`.
    pub fn start(store: &Store, replies: Sender<IdentityReply>) -> Result<IdentityService, StoreError> {
        let (look_ups, to_look_up) = mpsc::sync_channel::<(CallId, String)>(LOOK_UPS);
        let (checks, to_check) = mpsc::sync_channel::<(CallId, String, Check)>(CHECKS);

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
            for (call, account, check) in to_check {
                let result = verifier.verify(&account, &check, wall_clock()).unwrap_or_else(|error| {
                    error!(%call, %error, "an account could not be checked");
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

    /// Checks an account: [`IdentityReply::Verified`] answers. Never waits; when too many wait already,
    /// the answer is `Unavailable`.
    pub fn verify(&self, call: CallId, account: impl Into<String>, check: Check) {
        if !taken(self.checks.try_send((call, account.into(), check)), "PIN checks") {
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

#[cfg(test)]
mod tests {
    use std::fs;
    use std::io;
    use std::sync::Arc;
    use std::sync::Mutex;

    use tokio::sync::mpsc::Receiver;
    use tokio::sync::mpsc::channel;

    use super::*;
    use crate::store::HistoryWriter;
    use crate::store::sample;

    fn service() -> (tempfile::TempDir, Store, IdentityService, Receiver<IdentityReply>) {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path()).unwrap();
        store.seed_demo_customers().unwrap();
        let (replies, receiver) = channel(2 * CHECKS);
        let service = IdentityService::start(&store, replies).unwrap();
        (folder, store, service, receiver)
    }

    #[test]
    fn a_caller_is_known_by_number_and_proven_by_pin() {
        let (_folder, _store, service, mut replies) = service();
        service.find_by_number(CallId(1), "+12025550143");
        let Some(IdentityReply::Found { call: CallId(1), customer: Some(ann) }) = replies.blocking_recv()
        else {
            panic!("Ann is not known");
        };
        service.verify(CallId(1), ann.account.clone(), Check::Pin(Secret::new("4711")));
        let result = VerifyResult::Verified(ann);
        assert_eq!(replies.blocking_recv(), Some(IdentityReply::Verified { call: CallId(1), result }));
    }

    #[test]
    fn a_look_up_does_not_wait_for_pin_checks() {
        let (_folder, _store, service, mut replies) = service();
        for call in 10..20 {
            service.verify(CallId(call), "100200", Check::Pin(Secret::new("4711")));
        }
        service.find_by_number(CallId(1), "+12025550143");
        let mut checked = 0;
        while let Some(IdentityReply::Verified { .. }) = replies.blocking_recv() {
            checked += 1;
        }
        // In one line with the checks it would be the last. How many come first is up to a busy machine.
        assert!(checked < 10, "{checked} checks came first");
    }

    #[test]
    fn too_many_checks_are_refused_at_once() {
        let (_folder, _store, service, mut replies) = service();
        let asked = CHECKS as u64 + 10;
        for call in 0..asked {
            service.verify(CallId(call), "100200", Check::Pin(Secret::new("4711")));
        }
        let unavailable = |reply: &IdentityReply| {
            matches!(reply, IdentityReply::Verified { result: VerifyResult::Unavailable, .. })
        };
        let first: Vec<_> = (0..5).map(|_| replies.blocking_recv().unwrap()).collect();
        assert!(first.iter().filter(|reply| unavailable(reply)).count() >= 3, "{first:?}");
    }

    /// What was logged.
    #[derive(Clone, Default)]
    struct Log(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Log {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_pin_is_in_no_file_and_in_no_line_of_the_log() {
        let folder = tempfile::tempdir().unwrap();
        let log = Log::default();
        let writer = log.clone();
        let subscriber = tracing_subscriber::fmt()
            .with_max_level(tracing::Level::TRACE)
            .with_writer(move || writer.clone())
            .finish();
        tracing::subscriber::with_default(subscriber, || {
            let store = Store::open(folder.path()).unwrap();
            store.seed_demo_customers().unwrap();
            let history = HistoryWriter::start(&store, sample::STARTED).unwrap();
            sample::whole_call(1).into_iter().for_each(|fact| history.record(fact));
            let mut verifier = Verifier::new(store.connect().unwrap()).unwrap();
            for (account, pin) in [("100200", "4711"), ("100200", "471147"), ("999999", "4711")] {
                verifier.verify(account, &Check::Pin(Secret::new(pin)), wall_clock()).unwrap();
            }
            let (replies, mut receiver) = channel(4);
            let service = IdentityService::start(&store, replies).unwrap();
            service.verify(CallId(1), "100200", Check::Pin(Secret::new("4711")));
            receiver.blocking_recv().unwrap();
            tracing::info!(pin = ?Secret::new("4711"), "the log is being watched");
            history.close();
        });
        let log = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
        assert!(log.contains("the log is being watched"));
        assert!(!log.contains("4711"));
        let mut files = 0;
        for entry in fs::read_dir(folder.path()).unwrap() {
            let bytes = fs::read(entry.unwrap().path()).unwrap();
            // A hash is base64 and may hold these four digits by chance: the chance is 1 in 200 000 per file.
            assert!(!bytes.windows(4).any(|window| window == b"4711"));
            files += 1;
        }
        assert!(files > 0);
    }
}
