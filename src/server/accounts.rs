//! Accounts change under a running server: a thread looks at the store, phones sign in with what it says now, and who is not in it any
//! more is shut out. It sees as well whether the store is there at all.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::io;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::Weak;
use std::thread;
use std::time::Duration;

use tracing::error;
use tracing::info;
use tracing::warn;

use crate::base::Name;
use crate::server::handle::ControlHandle;
use crate::server::live::Live;
use crate::sip::digest::Ha1;
use crate::store::AgentAccount;
use crate::store::Role;
use crate::store::Store;
use crate::store::StoreError;
use crate::store::tokens::ProgramToken;

/// How often the store is looked at: who has changed a password need not wait.
const LOOK: Duration = Duration::from_secs(1);

/// What phones sign in with, by the name of the account.
pub(super) type Users = BTreeMap<Name, Ha1>;

/// Who had an account and is let in nowhere any more: whoever serves a request asks here, and not the store.
#[derive(Debug, Default)]
pub struct ShutOut(Mutex<BTreeSet<Name>>);

impl ShutOut {
    /// Whether this person is.
    pub fn has(&self, name: &str) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).contains(name)
    }

    /// It is these from now on.
    pub fn are(&self, people: &BTreeSet<Name>) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone_from(people);
    }
}

/// What the store says now: who may sign in, and who may not though there is an account. So may not who was nothing but an agent,
/// and is `gone`.
fn look(store: &Store, gone: &[Name]) -> Result<(Users, BTreeSet<Name>), StoreError> {
    let is_gone = |account: &AgentAccount| account.role == Role::Agent && gone.contains(&account.name);
    let (disabled, enabled): (Vec<AgentAccount>, Vec<AgentAccount>) =
        store.agent_accounts()?.into_iter().partition(|account| account.disabled || is_gone(account));
    let users = enabled.into_iter().map(|account| (account.name, account.ha1)).collect();
    Ok((users, disabled.into_iter().map(|account| account.name).collect()))
}

/// Who may sign in.
pub(super) fn users(store: &Store) -> Result<Users, StoreError> {
    look(store, &[]).map(|(users, _)| users)
}

/// Who acts by a token, as the store says now.
fn programs(store: &Store) -> Result<BTreeSet<Name>, StoreError> {
    Ok(store.tokens()?.iter().map(ProgramToken::actor).collect())
}

/// Looks from now on, until nobody serves any more; `known` is what the server began with.
pub(super) fn watch(
    store: &Arc<Store>,
    known: Users,
    control: ControlHandle,
    live: Arc<Live>,
) -> io::Result<()> {
    let store = Arc::downgrade(store);
    thread::Builder::new().name("accounts".to_owned()).spawn(move || run(&store, known, &control, &live))?;
    Ok(())
}

fn run(store: &Weak<Store>, mut known: Users, control: &ControlHandle, live: &Live) {
    let (mut removed, mut first) = (BTreeSet::new(), true);
    let (mut known_programs, mut removed_programs) = (BTreeSet::new(), BTreeSet::new());
    let mut told = None;
    while let Some(store) = store.upgrade().filter(|_| control.is_open()) {
        let trouble = store.trouble();
        match &trouble {
            Some(trouble) if told != Some(trouble.clone()) => {
                error!(folder = %store.folder().display(), "{trouble}")
            }
            None if told.is_some() => info!("the data folder is back"),
            _ => {}
        }
        told = trouble;
        match look(&store, &live.rules().gone).and_then(|looked| Ok((looked, programs(&store)?))) {
            Ok(((users, disabled), programs)) => {
                let changed = users != known;
                if changed {
                    info!("accounts have changed: phones sign in with what they are now");
                }
                removed.extend(known.keys().cloned());
                removed.retain(|name| !users.contains_key(name));
                let shut_out: BTreeSet<Name> = removed.union(&disabled).cloned().collect();
                removed_programs.append(&mut known_programs);
                removed_programs.retain(|name| !programs.contains(name));
                known_programs = programs;
                live.shut_out.are(&shut_out.union(&removed_programs).cloned().collect());
                // Again while there is somebody: a desk that carries a talk is closed after it.
                if (first || changed || !shut_out.is_empty())
                    && control.know_accounts(users.clone(), shut_out).is_err()
                {
                    return;
                }
                (known, first) = (users, false);
            }
            Err(error) => warn!(%error, "accounts cannot be read: phones sign in with what they were"),
        }
        drop(store);
        thread::sleep(LOOK);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_is_disabled_is_no_user_and_shut_out() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path()).unwrap();
        store.seed_demo_agents(&["alice".into(), "bob".into()]).unwrap();
        store.disable_agent("bob", true).unwrap();
        let (users, disabled) = look(&store, &[]).unwrap();
        assert_eq!(users.keys().map(|name| &**name).collect::<Vec<_>>(), ["ada", "alice", "sam"]);
        let shut_out = ShutOut::default();
        shut_out.are(&disabled);
        assert!(shut_out.has("bob") && !shut_out.has("alice"));
    }
}
