//! Who is signed in, over restarts. The file knows a token by its hash alone: who reads it cannot act.

use std::time::Duration;

use rusqlite::OptionalExtension;
use rusqlite::params;

use crate::base::Name;
use crate::base::WallTime;
use crate::store::Role;
use crate::store::Store;
use crate::store::StoreError;
use crate::store::words::from_word;

/// A session that nobody uses ends after so long: a shift and a half.
pub const IDLE: Duration = Duration::from_secs(12 * 60 * 60);
/// A session ends after so long however much it is used.
pub const LONGEST: Duration = Duration::from_secs(7 * 24 * 60 * 60);
/// How exactly the last use is written down: a session in use costs a write each time this has passed.
const USE_WRITTEN: Duration = Duration::from_secs(10 * 60);
/// Sessions of one account; the oldest makes room.
const OF_ONE_ACCOUNT: u32 = 20;

/// SHA-256 of a session's token.
pub type TokenHash = [u8; 32];

/// Who a session is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Person {
    pub name: Name,
    pub role: Role,
}

/// Whether a session lasts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// So long, unless it is used, or ended; and what its account may do.
    Until(WallTime, Role),
    /// It has run out.
    RunOut,
    /// It was ended, or had run out and was removed.
    Gone,
    /// Its account is disabled, or there is none.
    ShutOut,
}

impl Store {
    /// Begins a session of an account.
    pub fn begin_session(&self, token: &TokenHash, name: &str, now: WallTime) -> Result<(), StoreError> {
        let connection = self.connection();
        connection.execute("INSERT INTO sessions VALUES (?1, ?2, ?3, ?3)", params![token, name, now.0])?;
        connection.execute(
            "DELETE FROM sessions WHERE begun_us < ?1 OR used_us < ?2 OR (name = ?3 AND token NOT IN \
             (SELECT token FROM sessions WHERE name = ?3 ORDER BY begun_us DESC LIMIT ?4))",
            params![before(now, LONGEST), before(now, IDLE), name, OF_ONE_ACCOUNT],
        )?;
        Ok(())
    }

    /// Whose session this is; none when it is nobody's, or over.
    pub fn session(&self, token: &TokenHash, now: WallTime) -> Result<Option<Person>, StoreError> {
        let connection = self.connection();
        let found = connection
            .prepare_cached(
                "SELECT name, role, used_us FROM sessions JOIN agents USING (name) \
                 WHERE token = ?1 AND begun_us >= ?2 AND used_us >= ?3 AND NOT disabled",
            )?
            .query_row(params![token, before(now, LONGEST), before(now, IDLE)], |row| {
                let role = from_word(&row.get::<_, String>(1)?).unwrap_or(Role::Agent);
                Ok((Person { name: row.get::<_, String>(0)?.into(), role }, row.get::<_, i64>(2)?))
            })
            .optional()?;
        let Some((person, used)) = found else { return Ok(None) };
        if used < before(now, USE_WRITTEN) {
            connection.execute("UPDATE sessions SET used_us = ?2 WHERE token = ?1", params![token, now.0])?;
        }
        Ok(Some(person))
    }

    /// Whether this account's session lasts. To ask is no use of it.
    pub fn session_stands(
        &self,
        token: &TokenHash,
        name: &str,
        now: WallTime,
    ) -> Result<Standing, StoreError> {
        let connection = self.connection();
        let role = connection
            .prepare_cached("SELECT role FROM agents WHERE name = ?1 AND NOT disabled")?
            .query_row([name], |row| row.get::<_, String>(0))
            .optional()?;
        let Some(role) = role else { return Ok(Standing::ShutOut) };
        let until = connection
            .prepare_cached("SELECT begun_us, used_us FROM sessions WHERE token = ?1 AND name = ?2")?
            .query_row(params![token, name], |row| {
                Ok((WallTime(row.get(0)?) + LONGEST).min(WallTime(row.get(1)?) + IDLE))
            })
            .optional()?;
        Ok(match until {
            None => Standing::Gone,
            Some(until) if until < now => Standing::RunOut,
            Some(until) => Standing::Until(until, from_word(&role).unwrap_or(Role::Agent)),
        })
    }

    /// Ends a session; one that is over stays so.
    pub fn end_session(&self, token: &TokenHash) -> Result<(), StoreError> {
        self.connection().execute("DELETE FROM sessions WHERE token = ?1", [token])?;
        Ok(())
    }
}

/// So long before `now`, in microseconds since 1970.
fn before(now: WallTime, duration: Duration) -> i64 {
    now.0.saturating_sub(i64::try_from(duration.as_micros()).unwrap_or(i64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Secret;
    use crate::store::sample::STARTED;

    fn store() -> (tempfile::TempDir, Store) {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path()).unwrap();
        store.seed_demo_agents(&["alice".into()]).unwrap();
        (folder, store)
    }

    #[test]
    fn a_session_outlives_the_process_and_ends_when_it_is_ended() {
        let (folder, store) = store();
        store.begin_session(&[7; 32], "sam", STARTED).unwrap();
        drop(store);
        let store = Store::open(folder.path()).unwrap();
        let sam = Person { name: "sam".into(), role: Role::Supervisor };
        assert_eq!(store.session(&[7; 32], STARTED).unwrap(), Some(sam));
        assert_eq!(store.session(&[8; 32], STARTED).unwrap(), None);
        store.end_session(&[7; 32]).unwrap();
        assert_eq!(store.session(&[7; 32], STARTED).unwrap(), None);
    }

    #[test]
    fn a_session_lasts_as_long_as_it_is_used_and_a_week_at_most() {
        let (_folder, store) = store();
        store.begin_session(&[1; 32], "alice", STARTED).unwrap();
        store.begin_session(&[2; 32], "alice", STARTED).unwrap();
        let used_after = |hours: u64| STARTED + Duration::from_secs(hours * 3_600);
        let lives = |token: u8, hours: u64| store.session(&[token; 32], used_after(hours)).unwrap().is_some();
        assert!(lives(1, 11));
        assert!(!lives(2, 13), "nobody used it for thirteen hours");
        assert!(lives(1, 22), "eleven hours after its last use");
        let mut hours = 22;
        while hours + 10 <= 7 * 24 {
            hours += 10;
            assert!(lives(1, hours));
        }
        assert!(!lives(1, 7 * 24 + 1), "a week is over");
    }

    #[test]
    fn to_ask_whether_a_session_lasts_is_no_use_of_it() {
        let (_folder, store) = store();
        store.begin_session(&[1; 32], "alice", STARTED).unwrap();
        let after = |hours: u64| STARTED + Duration::from_secs(hours * 3_600);
        let stands = |hours: u64| store.session_stands(&[1; 32], "alice", after(hours)).unwrap();
        assert_eq!(stands(11), Standing::Until(after(12), Role::Agent));
        assert_eq!(stands(13), Standing::RunOut, "nobody used it");
        assert_eq!(stands(12), Standing::Until(after(12), Role::Agent));
        store.session(&[1; 32], after(11)).unwrap();
        assert_eq!(stands(13), Standing::Until(after(23), Role::Agent));
        store.change_password("alice", &Secret::new("correct horse")).unwrap();
        assert_eq!(stands(13), Standing::Gone);
        assert_eq!(store.session_stands(&[1; 32], "zoe", STARTED).unwrap(), Standing::ShutOut);
    }

    #[test]
    fn a_changed_password_ends_the_account_s_sessions() {
        let (_folder, store) = store();
        store.begin_session(&[1; 32], "alice", STARTED).unwrap();
        store.begin_session(&[2; 32], "sam", STARTED).unwrap();
        store.change_password("alice", &Secret::new("correct horse")).unwrap();
        assert_eq!(store.session(&[1; 32], STARTED).unwrap(), None);
        assert!(store.session(&[2; 32], STARTED).unwrap().is_some());
    }

    #[test]
    fn an_account_has_a_bounded_number_of_sessions() {
        let (_folder, store) = store();
        for token in 0..=OF_ONE_ACCOUNT as u8 {
            let now = STARTED + Duration::from_secs(u64::from(token));
            store.begin_session(&[token; 32], "alice", now).unwrap();
        }
        let now = STARTED + Duration::from_secs(60);
        assert_eq!(store.session(&[0; 32], now).unwrap(), None, "the oldest made room");
        assert!(store.session(&[1; 32], now).unwrap().is_some());
    }
}
