//! Tokens of programs that read the metrics and nothing else. The file knows each by its hash alone, and they do not run out.

use rusqlite::OptionalExtension;
use rusqlite::params;
use sha2::Digest;
use sha2::Sha256;

use crate::base::WallTime;
use crate::store::Store;
use crate::store::StoreError;
use crate::store::agents::check_name;

/// Whose a token is, and since when.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MetricsToken {
    pub name: String,
    pub made: WallTime,
}

impl Store {
    /// Keeps a token by its hash, under a name that is nobody else's.
    pub fn add_token(&self, name: &str, token: &str, now: WallTime) -> Result<(), StoreError> {
        check_name(name)?;
        let added = self
            .connection()
            .execute("INSERT OR IGNORE INTO tokens VALUES (?1, ?2, ?3)", params![name, hash(token), now.0])?;
        if added == 0 { Err(StoreError::Exists(format!("token {name}"))) } else { Ok(()) }
    }

    /// Takes a token away: whoever has it is let in no more.
    pub fn remove_token(&self, name: &str) -> Result<(), StoreError> {
        let removed = self.connection().execute("DELETE FROM tokens WHERE name = ?1", [name])?;
        if removed == 0 { Err(StoreError::Unknown(format!("token {name}"))) } else { Ok(()) }
    }

    /// Every token, by name.
    pub fn tokens(&self) -> Result<Vec<MetricsToken>, StoreError> {
        let connection = self.connection();
        let mut statement = connection.prepare("SELECT name, made_us FROM tokens ORDER BY name")?;
        let tokens = statement
            .query_map([], |row| Ok(MetricsToken { name: row.get(0)?, made: WallTime(row.get(1)?) }))?;
        Ok(tokens.collect::<Result<Vec<_>, _>>()?)
    }

    /// Whether this is a token that may read the metrics.
    pub fn reads_metrics(&self, token: &str) -> Result<bool, StoreError> {
        let connection = self.connection();
        let mut statement = connection.prepare_cached("SELECT 1 FROM tokens WHERE hash = ?1")?;
        Ok(statement.query_row([hash(token)], |_| Ok(())).optional()?.is_some())
    }
}

fn hash(token: &str) -> [u8; 32] {
    Sha256::digest(token.as_bytes()).into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::sample::STARTED;

    #[test]
    fn a_token_holds_until_it_is_taken_away() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path()).unwrap();
        store.add_token("prometheus", "a long secret", STARTED).unwrap();
        assert!(matches!(store.add_token("prometheus", "another", STARTED), Err(StoreError::Exists(_))));
        assert!(matches!(store.add_token("No Name", "another", STARTED), Err(StoreError::Invalid(_))));
        let reads = |token: &str| store.reads_metrics(token).unwrap();
        assert!(reads("a long secret") && !reads("another"));
        assert_eq!(store.tokens().unwrap(), [MetricsToken { name: "prometheus".to_owned(), made: STARTED }]);
        store.remove_token("prometheus").unwrap();
        assert!(!reads("a long secret"));
        assert!(matches!(store.remove_token("prometheus"), Err(StoreError::Unknown(_))));
    }
}
