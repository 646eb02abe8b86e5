//! Accounts of the people who work here: agents, supervisors, admins. What a password is checked with.
//!
//! SIP's digest needs H(user:realm:password) (RFC 8760), the web needs argon2id; the password itself is not
//! kept. What is kept for SIP is as good as the password for SIP: the file is its owner's alone.

use std::fmt;
use std::str::FromStr;

use rusqlite::OptionalExtension;
use rusqlite::params;
use serde::Deserialize;
use serde::Serialize;

use crate::base::Name;
use crate::base::Secret;
use crate::sip::digest::Ha1;
use crate::store::Store;
use crate::store::StoreError;
use crate::store::password;
use crate::store::words::from_word;
use crate::store::words::word;

/// The digest realm of this server.
pub const REALM: &str = "warmline";
/// The password of every demo account, which is why a server that has one stays on loopback.
const DEMO_PASSWORD: &str = "warmline";

/// What a person may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Takes calls.
    Agent,
    /// Watches, listens, helps.
    Supervisor,
    /// Changes the center.
    Admin,
}

impl FromStr for Role {
    type Err = String;

    fn from_str(text: &str) -> Result<Role, String> {
        from_word(text).ok_or_else(|| format!("a role is agent, supervisor or admin, got {text:?}"))
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&word(self))
    }
}

/// An account as the server needs it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AgentAccount {
    pub name: Name,
    pub role: Role,
    /// What the phone's digest is checked with.
    pub ha1: Ha1,
    /// Still has the demo password.
    pub demo: bool,
    /// Shut out: it signs in nowhere, with no phone and at no page.
    pub disabled: bool,
}

/// An account to be added.
#[derive(Clone, Debug)]
pub struct NewAgent {
    pub name: String,
    pub role: Role,
    pub password: Secret,
}

impl Store {
    /// Adds an account; a name that is there already is refused.
    pub fn add_agent(&self, new: &NewAgent) -> Result<(), StoreError> {
        check_name(&new.name)?;
        check_password(&new.password)?;
        let hash = password::hash(&new.password)?;
        if self.insert_agent(&new.name, new.role, &new.password, &hash, false)? {
            Ok(())
        } else {
            Err(StoreError::Exists(format!("account {}", new.name)))
        }
    }

    /// Changes an account's password; it is no demo account any more, unless that is its password again.
    pub fn change_password(&self, name: &str, new: &Secret) -> Result<(), StoreError> {
        check_password(new)?;
        let (ha1, hash) = (ha1_of(name, new), password::hash(new)?);
        let connection = self.connection();
        let changed = connection.execute(
            "UPDATE agents SET ha1_md5 = ?2, ha1_sha256 = ?3, password = ?4, demo = ?5 WHERE name = ?1",
            params![name, ha1.md5, ha1.sha256, hash, new.expose() == DEMO_PASSWORD],
        )?;
        // Whoever signed in with the old one must sign in again.
        connection.execute("DELETE FROM sessions WHERE name = ?1", [name])?;
        if changed == 0 { Err(StoreError::Unknown(format!("account {name}"))) } else { Ok(()) }
    }

    /// Shuts an account out, and ends its sessions; or lets it in again.
    pub fn disable_agent(&self, name: &str, disabled: bool) -> Result<(), StoreError> {
        let connection = self.connection();
        let changed =
            connection.execute("UPDATE agents SET disabled = ?2 WHERE name = ?1", params![name, disabled])?;
        if disabled {
            connection.execute("DELETE FROM sessions WHERE name = ?1", [name])?;
        }
        if changed == 0 { Err(StoreError::Unknown(format!("account {name}"))) } else { Ok(()) }
    }

    /// Removes an account, and ends its sessions. What the history says of whose it was stays.
    pub fn remove_agent(&self, name: &str) -> Result<(), StoreError> {
        let removed = self.connection().execute("DELETE FROM agents WHERE name = ?1", [name])?;
        if removed == 0 { Err(StoreError::Unknown(format!("account {name}"))) } else { Ok(()) }
    }

    /// Every account, by name.
    pub fn agent_accounts(&self) -> Result<Vec<AgentAccount>, StoreError> {
        let connection = self.connection();
        let mut statement = connection
            .prepare("SELECT name, role, ha1_md5, ha1_sha256, demo, disabled FROM agents ORDER BY name")?;
        let accounts = statement.query_map([], |row| {
            Ok(AgentAccount {
                name: row.get::<_, String>(0)?.into(),
                role: from_word(&row.get::<_, String>(1)?).unwrap_or(Role::Agent),
                ha1: Ha1 { md5: row.get(2)?, sha256: row.get(3)? },
                demo: row.get(4)?,
                disabled: row.get(5)?,
            })
        })?;
        Ok(accounts.collect::<Result<Vec<_>, _>>()?)
    }

    /// Accounts whose demo password still stands: while there is one, nothing binds beyond loopback.
    pub fn demo_passwords_stand(&self) -> Result<Vec<Name>, StoreError> {
        let accounts = self.agent_accounts()?;
        Ok(accounts.into_iter().filter(|account| account.demo).map(|account| account.name).collect())
    }

    /// Whether `password` is that of `name`. Takes some 20 ms on purpose, known name or not.
    pub fn password_fits(&self, name: &str, given: &Secret) -> Result<bool, StoreError> {
        let hash: Option<String> = self
            .connection()
            .query_row("SELECT password FROM agents WHERE name = ?1 AND NOT disabled", [name], |row| {
                row.get(0)
            })
            .optional()?;
        match hash {
            Some(hash) => Ok(password::fits(given, &hash)),
            None => {
                password::hash(given)?;
                Ok(false)
            }
        }
    }

    /// Gives the center's `agents`, the supervisor `sam` and the admin `ada` their demo accounts, once in
    /// the life of a store; those who have an account keep it.
    pub fn seed_demo_agents(&self, agents: &[Name]) -> Result<(), StoreError> {
        if self.was_seeded("agents")? {
            return Ok(());
        }
        // One hash for all: everybody knows this password, so a salt of its own protects nobody, and the
        // first start is quicker.
        let password = Secret::new(DEMO_PASSWORD);
        let hash = password::hash(&password)?;
        let agents = agents.iter().map(|name| (&**name, Role::Agent));
        for (name, role) in agents.chain([("sam", Role::Supervisor), ("ada", Role::Admin)]) {
            self.insert_agent(name, role, &password, &hash, true)?;
        }
        self.mark_seeded("agents")
    }

    /// False when the name is taken.
    fn insert_agent(
        &self,
        name: &str,
        role: Role,
        password: &Secret,
        hash: &str,
        demo: bool,
    ) -> Result<bool, StoreError> {
        let ha1 = ha1_of(name, password);
        let added = self.connection().execute(
            "INSERT OR IGNORE INTO agents (name, role, ha1_md5, ha1_sha256, password, demo) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
            params![name, word(&role), ha1.md5, ha1.sha256, hash, demo],
        )?;
        Ok(added == 1)
    }
}

/// H(user:realm:password) by MD5 and SHA-256 (RFC 8760 §2.2).
fn ha1_of(name: &str, password: &Secret) -> Ha1 {
    Ha1::of(name, REALM, password.expose())
}

/// A name is the user part of a SIP address and stands in paths.
pub(super) fn check_name(name: &str) -> Result<(), StoreError> {
    let good = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '-' | '_' | '.');
    if (1..=32).contains(&name.len()) && name.chars().all(good) {
        return Ok(());
    }
    let words = "a name is 1 to 32 of a-z, 0-9, '-', '_' and '.'";
    Err(StoreError::Invalid(format!("{words}, got {name:?}")))
}

fn check_password(password: &Secret) -> Result<(), StoreError> {
    if (8..=128).contains(&password.len()) {
        return Ok(());
    }
    Err(StoreError::Invalid(format!("a password has 8 to 128 characters, got {}", password.len())))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::sample::STARTED;

    #[test]
    fn demo_passwords_stand_until_each_is_changed() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path()).unwrap();
        store.seed_demo_agents(&["alice".into(), "bob".into()]).unwrap();
        let stand = || store.demo_passwords_stand().unwrap().join(" ");
        assert_eq!(stand(), "ada alice bob sam");
        store.change_password("alice", &Secret::new("correct horse")).unwrap();
        assert_eq!(stand(), "ada bob sam");
        assert!(store.password_fits("alice", &Secret::new("correct horse")).unwrap());
        assert!(!store.password_fits("alice", &Secret::new("warmline")).unwrap());
        assert!(!store.password_fits("nobody", &Secret::new("warmline")).unwrap());
        store.seed_demo_agents(&["alice".into()]).unwrap();
        assert_eq!(stand(), "ada bob sam");
        let unknown = store.change_password("zoe", &Secret::new("correct horse"));
        assert!(matches!(unknown, Err(StoreError::Unknown(_))));
    }

    #[test]
    fn who_is_disabled_or_removed_is_let_in_nowhere() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path()).unwrap();
        store.seed_demo_agents(&["alice".into(), "bob".into()]).unwrap();
        let fits = |name: &str| store.password_fits(name, &Secret::new("warmline")).unwrap();
        let in_session = |token: u8| store.session(&[token; 32], STARTED).unwrap().is_some();
        for (token, name) in [(1, "alice"), (2, "bob")] {
            store.begin_session(&[token; 32], name, STARTED).unwrap();
        }
        store.disable_agent("alice", true).unwrap();
        assert!(!fits("alice") && !in_session(1), "and her sessions are over");
        assert!(
            store
                .agent_accounts()
                .unwrap()
                .iter()
                .any(|account| &*account.name == "alice" && account.disabled)
        );
        store.disable_agent("alice", false).unwrap();
        assert!(fits("alice") && !in_session(1), "she signs in anew");
        store.remove_agent("bob").unwrap();
        assert!(!fits("bob") && !in_session(2));
        store.seed_demo_agents(&["bob".into()]).unwrap();
        assert!(
            store.agent_accounts().unwrap().iter().all(|account| &*account.name != "bob"),
            "he stays removed"
        );
        for done in [store.disable_agent("zoe", true), store.remove_agent("zoe")] {
            assert!(matches!(done, Err(StoreError::Unknown(_))));
        }
    }

    #[test]
    fn a_phone_is_checked_with_the_hash_of_name_realm_and_password() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path()).unwrap();
        store.seed_demo_agents(&["alice".into()]).unwrap();
        let alice = store.agent_accounts().unwrap().into_iter().find(|a| &*a.name == "alice").unwrap();
        // printf alice:warmline:warmline | md5sum
        let md5: String = alice.ha1.md5.iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(md5, "7cac3fb08a9f95e399d28e0fe0d22094");
        assert_eq!(alice.role, Role::Agent);
    }

    #[test]
    fn names_and_passwords_are_checked_before_they_are_taken() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path()).unwrap();
        let add = |name: &str, password: &str| {
            store.add_agent(&NewAgent {
                name: name.into(),
                role: Role::Agent,
                password: Secret::new(password),
            })
        };
        assert!(matches!(add("Al ice", "long enough"), Err(StoreError::Invalid(_))));
        assert!(matches!(add("alice", "short"), Err(StoreError::Invalid(_))));
        add("alice", "long enough").unwrap();
        assert!(matches!(add("alice", "long enough"), Err(StoreError::Exists(_))));
    }
}
