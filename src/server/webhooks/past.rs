//! What happened before, for webhooks that have not been told of it yet, and how far each is.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::store::FactFilter;
use crate::store::Losses;
use crate::store::NumberedFact;
use crate::store::Readers;
use crate::store::Store;
use crate::store::StoreError;
use crate::store::webhooks::ToldWebhook;

/// Facts that are read at once.
const AT_ONCE: usize = 1_000;

/// See the file.
pub struct Past {
    store: Arc<Store>,
    readers: Readers,
    losses: Losses,
    /// Facts up to this number were told before this run, or are not told to those who watch it.
    begun_after: u64,
    /// What was lost when it was last looked at.
    lost: u64,
    kept: Vec<ToldWebhook>,
}

impl Past {
    /// The history's, up to the number after which facts are heard.
    ///
    /// # Errors
    ///
    /// When it cannot be read.
    pub fn of(store: &Arc<Store>, losses: Losses, begun_after: u64) -> Result<Past, StoreError> {
        let (readers, kept, lost) = (store.readers()?, store.webhooks_told()?, losses.lost());
        Ok(Past { store: Arc::clone(store), readers, losses, begun_after, lost, kept })
    }

    pub(super) fn begun_after(&self) -> u64 {
        self.begun_after
    }

    /// How far a webhook was in an earlier run, or when this was last kept.
    pub(super) fn told(&self, name: &str) -> Option<&ToldWebhook> {
        self.kept.iter().find(|kept| *kept.name == *name)
    }

    /// Tells of the facts of these kinds after a number, and up to one where there is such, as long as `more` says so.
    pub(super) fn read(
        &self,
        kinds: BTreeSet<String>,
        (after, up_to): (u64, Option<u64>),
        more: impl Fn() -> bool,
        mut tell: impl FnMut(&NumberedFact),
    ) -> Result<u64, StoreError> {
        self.losses.flush();
        let before = up_to.map(|number| number + 1);
        let mut filter = FactFilter { after, before, kinds: Some(kinds), agent: None, limit: AT_ONCE };
        while more() {
            let page = self.readers.facts_told(&filter)?;
            page.facts.iter().for_each(&mut tell);
            filter.after = page.looked_at;
            if !page.more {
                break;
            }
        }
        Ok(filter.after)
    }

    /// How many facts the history has lost since this was asked last.
    pub(super) fn lost_since(&mut self) -> u64 {
        let lost = self.losses.lost();
        lost - std::mem::replace(&mut self.lost, lost)
    }

    /// Keeps how far each is, where that is news.
    pub(super) fn keep(&mut self, told: Vec<ToldWebhook>) -> Result<(), StoreError> {
        if told != self.kept {
            self.store.keep_webhooks_told(&told)?;
            self.kept = told;
        }
        Ok(())
    }
}
