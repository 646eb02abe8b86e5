//! What the times of keys tell: a burst that is one try, a `#` that ends a choice, and keys that may be a secret's though
//! nobody asks for one any more.

use std::time::Duration;

use serde::Deserialize;
use serde::Serialize;

use crate::base::Timestamp;
use crate::media::control::PlayId;

/// Keys that follow each other faster than this are one burst.
pub(crate) const BURST: Duration = Duration::from_secs(1);
/// How soon a `#` comes that still belongs to a choice.
const ENDS_CHOICE: Duration = Duration::from_secs(2);
/// How long keys are told by no fact after a secret was asked for, and after what is heard next.
const HUSHED_FOR: Duration = Duration::from_secs(10);
/// How long at least after another key.
const BETWEEN_KEYS: Duration = Duration::from_secs(5);

/// The keys of a caller, by their times.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Keypad {
    last: Option<Timestamp>,
    /// A key of this burst did not fit, or was all that it may choose: the rest of it is no answer to anything.
    deaf: bool,
    chosen: Option<Timestamp>,
}

impl Keypad {
    /// A key is pressed; whether it answers nothing, because it belongs to what was keyed just before.
    pub fn ignores(&mut self, now: Timestamp, digit: char) -> bool {
        let of_burst = self.last.replace(now).is_some_and(|last| now.since(last) < BURST);
        self.deaf &= of_burst;
        let ends = self.chosen.take().is_some_and(|at| digit == '#' && now.since(at) < ENDS_CHOICE);
        self.deaf || ends
    }

    /// What was keyed fits nothing: nor does the rest of the burst.
    pub fn ends_burst(&mut self) {
        self.deaf = true;
    }

    /// What was keyed is complete; a `#` may follow out of habit.
    pub fn chose(&mut self, now: Timestamp) {
        self.chosen = Some(now);
    }
}

/// A caller has been asked for a secret, and may key it again, or the rest of it, when it is asked for no more.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Hush {
    until: Timestamp,
    /// What was heard first after it.
    play: Option<PlayId>,
}

impl Hush {
    /// The node that asked for a secret is left.
    pub fn new(now: Timestamp) -> Hush {
        Hush { until: now + HUSHED_FOR, play: None }
    }

    /// Whether keys are untold still.
    pub fn holds(&self, now: Timestamp) -> bool {
        now < self.until
    }

    /// Something happens while this plays, or nothing.
    pub fn goes_on(&mut self, now: Timestamp, playing: Option<PlayId>) {
        if playing.is_some() && playing == self.play {
            self.until = self.until.max(now + HUSHED_FOR);
        }
    }

    /// This begins to play.
    pub fn plays(&mut self, now: Timestamp, play: PlayId) {
        if self.holds(now) {
            self.play.get_or_insert(play);
        }
    }

    /// A key is pressed meanwhile.
    pub fn keyed(&mut self, now: Timestamp) {
        self.until = self.until.max(now + BETWEEN_KEYS);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_heard_after_a_secret_may_be_as_long_as_it_likes() {
        let at = Timestamp::from_secs;
        let mut hush = Hush::new(at(1));
        hush.plays(at(2), PlayId(7));
        hush.plays(at(3), PlayId(8));
        hush.goes_on(at(60), Some(PlayId(7)));
        assert!(hush.holds(at(69)) && !hush.holds(at(70)));
        hush.keyed(at(69));
        hush.goes_on(at(70), Some(PlayId(8)));
        assert!(hush.holds(at(73)) && !hush.holds(at(74)));
    }
}
