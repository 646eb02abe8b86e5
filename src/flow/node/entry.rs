//! Several digits keyed one after the other: what ends an entry, and how long it may take.

use std::time::Duration;

/// The rules of an entry.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Entry {
    /// The fewest digits that are an answer.
    pub least: u8,
    /// The most.
    pub most: u8,
    /// Whether the entry ends by itself with the last possible digit.
    pub ends_when_full: bool,
    /// The key that ends it. Default `#`.
    pub end: char,
    /// From the end of the prompts to the first digit. Default 5 s.
    pub first: Duration,
    /// From one digit to the next; then the entry has ended. Default 3 s.
    pub between: Duration,
}

/// What a key did to an entry that had `keyed` digits before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Key {
    /// The digit belongs to the entry, which goes on.
    More,
    /// The digit belongs to the entry, and completes it.
    Complete,
    /// The entry has ended before this key.
    End,
    /// The end key came first: the caller gives no answer.
    Skip,
    /// Not a key that an entry knows.
    Odd,
}

impl Entry {
    /// What `key` does after `keyed` digits.
    pub fn key(&self, keyed: usize, key: char) -> Key {
        match key {
            end if end == self.end && keyed == 0 => Key::Skip,
            end if end == self.end => Key::End,
            '0'..='9' if self.ends_when_full && keyed + 1 >= usize::from(self.most) => Key::Complete,
            '0'..='9' => Key::More,
            _ => Key::Odd,
        }
    }

    /// Whether that many digits are an answer.
    pub fn fits(&self, keyed: usize) -> bool {
        (usize::from(self.least)..=usize::from(self.most)).contains(&keyed)
    }
}
