//! Tokens of programs, each for what it may do and nothing else. The file knows them by their hash alone, and they do not run out.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use rusqlite::OptionalExtension;
use rusqlite::Row;
use rusqlite::params;
use sha2::Digest;
use sha2::Sha256;

use crate::base::Name;
use crate::base::WallTime;
use crate::store::Store;
use crate::store::StoreError;
use crate::store::agents::check_name;

/// What a token is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Scope {
    /// To read `/metrics`.
    Metrics,
    /// To read what happens now: the wallboard, agents and queues.
    Wallboard,
    /// To be told of everything that happens, and to read it back in order.
    Events,
    /// To read calls, promises, messages without their sound, and reports but those on how talks were judged.
    History,
    /// To keep customers.
    Customers,
    /// To set agents' states.
    Agents,
    /// To have agents call somebody.
    Calls,
}

/// Whose a token is, since when, and what for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProgramToken {
    pub name: String,
    pub made: WallTime,
    pub scopes: BTreeSet<Scope>,
}

impl Scope {
    /// Each with its word.
    pub const ALL: [(Scope, &str); 7] = [
        (Scope::Metrics, "metrics"),
        (Scope::Wallboard, "wallboard"),
        (Scope::Events, "events"),
        (Scope::History, "history"),
        (Scope::Customers, "customers"),
        (Scope::Agents, "agents"),
        (Scope::Calls, "calls"),
    ];
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let word = Scope::ALL.iter().find(|(scope, _)| scope == self);
        f.write_str(word.map_or("", |(_, word)| *word))
    }
}

impl FromStr for Scope {
    type Err = String;

    fn from_str(text: &str) -> Result<Scope, String> {
        let scope = Scope::ALL.iter().find(|(_, word)| *word == text);
        let words = || Scope::ALL.map(|(_, word)| word).join(", ");
        scope.map(|(scope, _)| *scope).ok_or_else(|| format!("a token is for one or more of {}", words()))
    }
}

impl ProgramToken {
    /// How the program is called where it acts: no agent has such a name.
    pub fn actor(&self) -> Name {
        format!("program {}", self.name).into()
    }

    /// What it is for, in words.
    pub fn scopes_in_words(&self) -> String {
        words(&self.scopes, ", ")
    }
}

impl Store {
    /// Keeps a token by its hash, under a name that is nobody else's.
    pub fn add_token(
        &self,
        name: &str,
        token: &str,
        scopes: &BTreeSet<Scope>,
        now: WallTime,
    ) -> Result<(), StoreError> {
        check_name(name)?;
        let added = self.connection().execute(
            "INSERT OR IGNORE INTO tokens VALUES (?1, ?2, ?3, ?4)",
            params![name, hash(token), now.0, words(scopes, " ")],
        )?;
        if added == 0 { Err(StoreError::Exists(format!("token {name}"))) } else { Ok(()) }
    }

    /// Takes a token away: whoever has it is let in no more.
    pub fn remove_token(&self, name: &str) -> Result<(), StoreError> {
        let removed = self.connection().execute("DELETE FROM tokens WHERE name = ?1", [name])?;
        if removed == 0 { Err(StoreError::Unknown(format!("token {name}"))) } else { Ok(()) }
    }

    /// Every token, by name.
    pub fn tokens(&self) -> Result<Vec<ProgramToken>, StoreError> {
        let connection = self.connection();
        let mut statement =
            connection.prepare_cached("SELECT name, made_us, scopes FROM tokens ORDER BY name")?;
        let tokens = statement.query_map([], read)?;
        Ok(tokens.collect::<Result<Vec<_>, _>>()?)
    }

    /// Whose this token is; none where it is nobody's.
    pub fn token(&self, token: &str) -> Result<Option<ProgramToken>, StoreError> {
        let connection = self.connection();
        let mut statement =
            connection.prepare_cached("SELECT name, made_us, scopes FROM tokens WHERE hash = ?1")?;
        Ok(statement.query_row([hash(token)], read).optional()?)
    }
}

/// A scope of a later version is none that this one gives.
fn read(row: &Row<'_>) -> rusqlite::Result<ProgramToken> {
    let scopes = row.get_ref(2)?.as_str()?.split(' ').filter_map(|word| word.parse().ok()).collect();
    Ok(ProgramToken { name: row.get(0)?, made: WallTime(row.get(1)?), scopes })
}

fn words(scopes: &BTreeSet<Scope>, between: &str) -> String {
    scopes.iter().map(ToString::to_string).collect::<Vec<_>>().join(between)
}

fn hash(token: &str) -> [u8; 32] {
    Sha256::digest(token.as_bytes()).into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::sample::STARTED;

    #[test]
    fn a_token_holds_until_it_is_taken_away_and_for_what_it_was_made() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path()).unwrap();
        let scopes = BTreeSet::from([Scope::History, Scope::Events]);
        let add = |name, token| store.add_token(name, token, &scopes, STARTED);
        add("warehouse", "a long secret").unwrap();
        assert!(matches!(add("warehouse", "another"), Err(StoreError::Exists(_))));
        assert!(matches!(add("No Name", "another"), Err(StoreError::Invalid(_))));
        let kept = ProgramToken { name: "warehouse".to_owned(), made: STARTED, scopes: scopes.clone() };
        assert_eq!(kept.scopes_in_words(), "events, history");
        assert_eq!(store.token("a long secret").unwrap(), Some(kept.clone()));
        assert_eq!((store.token("another").unwrap(), store.tokens().unwrap()), (None, vec![kept]));
        store.remove_token("warehouse").unwrap();
        assert_eq!(store.token("a long secret").unwrap(), None);
        assert!(matches!(store.remove_token("warehouse"), Err(StoreError::Unknown(_))));
    }

    #[test]
    fn every_scope_has_its_word() {
        for (scope, word) in Scope::ALL {
            assert_eq!((scope.to_string().as_str(), word.parse()), (word, Ok(scope)));
        }
        assert!("everything".parse::<Scope>().unwrap_err().contains("wallboard, events"));
    }

    #[test]
    fn a_token_of_an_earlier_version_reads_the_metrics() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path()).unwrap();
        let insert = "INSERT INTO tokens (name, hash, made_us) VALUES ('prometheus', ?1, 0)";
        store.connection().execute(insert, [hash("a long secret")]).unwrap();
        let token = store.token("a long secret").unwrap().unwrap();
        assert_eq!(token.scopes, [Scope::Metrics].into());
    }
}
