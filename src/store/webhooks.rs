//! How far each webhook was told of what happened, so that the next run goes on there.

use rusqlite::params;

use crate::base::Name;
use crate::store::Store;
use crate::store::StoreError;

/// How far a webhook is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ToldWebhook {
    pub name: Name,
    /// It was told of every fact up to this number that it wants, but for those it missed.
    pub up_to: u64,
    /// Facts that it will never have, and does not know of.
    pub missed: u64,
}

impl Store {
    /// How far each is, by name.
    pub fn webhooks_told(&self) -> Result<Vec<ToldWebhook>, StoreError> {
        let connection = self.connection();
        let mut statement = connection.prepare("SELECT name, told, missed FROM webhooks ORDER BY name")?;
        let webhooks = statement.query_map([], |row| {
            let number = |place| Ok::<_, rusqlite::Error>(row.get::<_, i64>(place)?.unsigned_abs());
            let name = row.get_ref(0)?.as_str()?.into();
            Ok(ToldWebhook { name, up_to: number(1)?, missed: number(2)? })
        })?;
        Ok(webhooks.collect::<Result<_, _>>()?)
    }

    /// Keeps how far each is. Of those that are not named it is forgotten.
    pub fn keep_webhooks_told(&self, webhooks: &[ToldWebhook]) -> Result<(), StoreError> {
        let mut connection = self.connection();
        let transaction = connection.transaction()?;
        transaction.execute("DELETE FROM webhooks", [])?;
        for webhook in webhooks {
            let (up_to, missed) = (webhook.up_to as i64, webhook.missed as i64);
            let insert = "INSERT INTO webhooks VALUES (?1, ?2, ?3)";
            transaction.prepare_cached(insert)?.execute(params![&*webhook.name, up_to, missed])?;
        }
        transaction.commit()?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn how_far_webhooks_are_is_kept_and_who_is_gone_is_forgotten() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path()).unwrap();
        let told = |name: &str, up_to, missed| ToldWebhook { name: name.into(), up_to, missed };
        store.keep_webhooks_told(&[told("crm", 7, 0), told("ops", 1_795_356_120_000_000, 3)]).unwrap();
        store.keep_webhooks_told(&[told("ops", 1_795_356_120_000_009, 0)]).unwrap();
        let again = Store::open(folder.path()).unwrap();
        assert_eq!(again.webhooks_told().unwrap(), [told("ops", 1_795_356_120_000_009, 0)]);
    }
}
