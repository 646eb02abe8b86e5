//! Who fetches audio now. It has places of its own, so that whoever takes theirs slowly, or not at all, keeps nobody from reading.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;

use tokio::sync::oneshot;

use crate::base::Name;

/// Downloads at one time.
const MOST: usize = 64;
/// How many of these are one person's. The one that began first gives way to another.
const MOST_OF_ONE: usize = 4;

/// Every download that goes on.
#[derive(Debug, Default)]
pub(super) struct Downloads(Mutex<Going>);

#[derive(Debug, Default)]
struct Going {
    /// How many have begun ever.
    begun: u64,
    /// By their numbers, so in the order in which they began.
    all: BTreeMap<u64, Download>,
}

#[derive(Debug)]
struct Download {
    /// None: a program of this machine.
    who: Option<Name>,
    /// The download ends with it.
    _cut: oneshot::Sender<()>,
}

/// One of them, as long as it lives.
#[derive(Debug)]
pub(super) struct Turn {
    number: u64,
    cut: oneshot::Receiver<()>,
    of: Arc<Downloads>,
}

impl Downloads {
    /// A turn for this person; none while too many others have one.
    pub fn begin(self: &Arc<Downloads>, who: Option<Name>) -> Option<Turn> {
        let mut going = self.going();
        if who.is_some() {
            let mut theirs = going.all.iter().filter(|(_, one)| one.who == who).map(|(number, _)| *number);
            let (first, count) = (theirs.next(), 1 + theirs.count());
            if let Some(first) = first.filter(|_| count >= MOST_OF_ONE) {
                going.all.remove(&first);
            }
        }
        if going.all.len() >= MOST {
            return None;
        }
        going.begun += 1;
        let (number, (_cut, cut)) = (going.begun, oneshot::channel());
        going.all.insert(number, Download { who, _cut });
        Some(Turn { number, cut, of: Arc::clone(self) })
    }

    fn going(&self) -> MutexGuard<'_, Going> {
        // Nothing panics while it holds the lock.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Turn {
    /// Ends once the turn is another one's.
    pub async fn is_over(&mut self) {
        // Nothing is ever sent: it is dropped.
        let _ = (&mut self.cut).await;
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        self.of.going().all.remove(&self.number);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_person_has_a_few_and_all_together_have_more() {
        let downloads = Arc::<Downloads>::default();
        let mut alice: Vec<Turn> =
            (0..=MOST_OF_ONE).filter_map(|_| downloads.begin(Some("alice".into()))).collect();
        assert_eq!((alice.len(), downloads.going().all.len()), (MOST_OF_ONE + 1, MOST_OF_ONE));
        let over: Vec<bool> =
            alice.iter_mut().map(|turn| turn.cut.try_recv().is_err_and(is_closed)).collect();
        assert_eq!(over, [true, false, false, false, false], "the first has made room");
        let others: Vec<Turn> = (0..MOST - MOST_OF_ONE).filter_map(|_| downloads.begin(None)).collect();
        assert_eq!(others.len(), MOST - MOST_OF_ONE);
        assert!(downloads.begin(Some("bob".into())).is_none());
        assert!(downloads.begin(Some("alice".into())).is_some(), "in the place of one of her own");
        drop(alice);
        assert!(downloads.begin(Some("bob".into())).is_some());
        drop(others);
        assert!(downloads.going().all.is_empty());
    }

    fn is_closed(error: oneshot::error::TryRecvError) -> bool {
        error == oneshot::error::TryRecvError::Closed
    }
}
