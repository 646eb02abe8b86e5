//! The messages that nobody has handled yet: a fold over facts, for the board.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;

use crate::base::CallId;
use crate::base::Name;
use crate::base::WallTime;
use crate::fact::What;
use crate::store::DatedFact;
use crate::store::Message;

/// Messages that are counted; what comes when as many wait is in the store, and counted after a restart.
pub const MOST: usize = 10_000;

/// Messages to be handled, by call and part.
#[derive(Debug, Default)]
pub struct Messages(Mutex<BTreeMap<(CallId, u16), (Name, WallTime)>>);

/// The messages of a queue.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ToHandle {
    pub count: u32,
    /// When the oldest was left.
    pub oldest: Option<WallTime>,
}

impl Messages {
    /// What an earlier run left to be done.
    pub fn recall(&self, open: &[Message]) {
        let one = |message: &Message| {
            ((message.file.call, message.file.part), (Name::clone(&message.queue), message.left))
        };
        self.open().extend(open.iter().map(one));
    }

    /// Takes a fact in.
    pub fn apply(&self, dated: &DatedFact) {
        match (&dated.fact.what, dated.fact.call) {
            (What::MessageLeft { queue, part, .. }, Some(call)) => {
                let mut open = self.open();
                if open.len() < MOST {
                    open.insert((call, *part), (Name::clone(queue), dated.wall));
                }
            }
            (What::MessageHandled { part, .. }, Some(call)) => {
                self.open().remove(&(call, *part));
            }
            _ => {}
        }
    }

    /// What there is to be done for those who serve a queue.
    pub fn of(&self, queue: &str) -> ToHandle {
        let mut found = ToHandle::default();
        for (_, left) in self.open().values().filter(|(of, _)| **of == *queue) {
            found.count += 1;
            found.oldest = Some(found.oldest.map_or(*left, |oldest| oldest.min(*left)));
        }
        found
    }

    fn open(&self) -> MutexGuard<'_, BTreeMap<(CallId, u16), (Name, WallTime)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Timestamp;
    use crate::fact::Fact;
    use crate::store::sample;

    #[test]
    fn a_message_is_counted_for_its_queue_until_somebody_has_handled_it() {
        let messages = Messages::default();
        let tell = |call: u64, at: i64, what: What| {
            let fact = Fact { at: Timestamp::from_secs(1), call: Some(CallId(call)), what };
            messages.apply(&DatedFact { wall: WallTime(at), fact });
        };
        tell(7, 50, sample::message_left("billing", 1));
        tell(8, 60, sample::message_left("billing", 1));
        tell(7, 70, sample::message_left("support", 2));
        assert_eq!(messages.of("billing"), ToHandle { count: 2, oldest: Some(WallTime(50)) });
        for _ in 0..2 {
            tell(7, 80, What::MessageHandled { part: 1, by: None, words: String::new() });
        }
        assert_eq!(messages.of("billing"), ToHandle { count: 1, oldest: Some(WallTime(60)) });
        assert_eq!((messages.of("support").count, messages.of("sales")), (1, ToHandle::default()));
    }
}
