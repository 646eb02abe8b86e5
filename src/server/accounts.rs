//! Accounts change under a running server: a thread looks at the store, and phones sign in with what it says now.

use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;
use std::sync::Weak;
use std::thread;
use std::time::Duration;

use tracing::info;
use tracing::warn;

use crate::base::Name;
use crate::server::handle::ControlHandle;
use crate::sip::digest::Ha1;
use crate::store::Store;
use crate::store::StoreError;

/// How often the store is looked at: who has changed a password need not wait.
const LOOK: Duration = Duration::from_secs(1);

/// What phones sign in with, by the name of the account.
pub(super) type Users = BTreeMap<Name, Ha1>;

/// What the store says now.
pub(super) fn users(store: &Store) -> Result<Users, StoreError> {
    let accounts = store.agent_accounts()?;
    Ok(accounts.into_iter().map(|account| (account.name, account.ha1)).collect())
}

/// Looks from now on, until nobody serves any more; `known` is what the server began with.
pub(super) fn watch(store: &Arc<Store>, known: Users, control: ControlHandle) -> io::Result<()> {
    let store = Arc::downgrade(store);
    thread::Builder::new().name("accounts".to_owned()).spawn(move || run(&store, known, &control))?;
    Ok(())
}

fn run(store: &Weak<Store>, mut known: Users, control: &ControlHandle) {
    loop {
        thread::sleep(LOOK);
        let Some(store) = store.upgrade().filter(|_| control.is_open()) else { return };
        match users(&store) {
            Ok(users) if users == known => {}
            Ok(users) => {
                info!("accounts have changed: phones sign in with what they are now");
                known.clone_from(&users);
                if control.know_users(users).is_err() {
                    return;
                }
            }
            Err(error) => warn!(%error, "accounts cannot be read: phones sign in with what they were"),
        }
    }
}
