//! The briefing note of a warm transfer: what the next person must know, so that the caller tells it once.
//!
//! What an agent writes is a [`NoteDraft`]; what passed [`BriefingNote::parse`] is a good note from there on.

use std::fmt;

use serde::Deserialize;
use serde::Serialize;

use crate::base::Name;
use crate::base::WallTime;
use crate::fact::Assurance;

/// The longest text of one field, in characters: a note is read while a phone rings.
pub const LONGEST_FIELD: usize = 500;
/// How many facts collected by the flow a note carries along.
pub const MOST_COLLECTED: usize = 24;

/// What an agent writes. Nothing of it is trusted yet.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct NoteDraft {
    pub issue: String,
    pub tried: String,
    pub wants: String,
    pub mood: Mood,
    pub promises: String,
}

/// A note that may be shown and acted on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BriefingNote {
    /// Why the caller calls.
    pub issue: String,
    /// What was done about it so far.
    pub tried: String,
    /// What the caller wants now.
    pub wants: String,
    pub mood: Mood,
    /// What the caller was promised.
    pub promises: String,
    /// Who the caller is, as far as the server knows.
    pub identity: Identity,
    /// What the flow asked and learned: no secret is among it.
    pub collected: Vec<Collected>,
    pub author: Name,
    pub written: WallTime,
}

/// How the caller is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mood {
    #[default]
    Calm,
    Worried,
    Angry,
    Urgent,
}

/// Who the caller is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identity {
    /// The calling number; empty when withheld.
    pub number: String,
    /// The customer's name, when a record was found.
    pub name: Option<String>,
    /// The account number.
    pub customer: Option<String>,
    /// What is proven of that.
    #[serde(flatten)]
    pub assurance: Assurance,
}

/// A fact that the flow learned.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Collected {
    pub name: Name,
    pub value: String,
}

/// A field that a queue can demand of a note.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NoteField {
    Issue,
    Tried,
    Wants,
    Promises,
}

impl Identity {
    /// See [`Assurance::proven`].
    pub fn proven_account(&self) -> Option<&str> {
        self.assurance.proven(self.customer.as_deref())
    }
}

/// What the server fills in.
#[derive(Clone, Debug)]
pub struct Filled {
    pub identity: Identity,
    pub collected: Vec<Collected>,
    pub author: Name,
    pub written: WallTime,
}

/// Why a draft is no note.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoteError {
    #[error("the note does not say {}", .0.question())]
    Missing(NoteField),
    #[error("\"{field}\" has {length} characters, more than {LONGEST_FIELD}")]
    TooLong { field: NoteField, length: usize },
}

impl NoteField {
    /// Every field, in the order in which a note is read.
    pub const ALL: [NoteField; 4] =
        [NoteField::Issue, NoteField::Tried, NoteField::Wants, NoteField::Promises];

    /// The field as files and requests call it.
    pub fn name(self) -> &'static str {
        match self {
            NoteField::Issue => "issue",
            NoteField::Tried => "tried",
            NoteField::Wants => "wants",
            NoteField::Promises => "promises",
        }
    }

    fn question(self) -> &'static str {
        match self {
            NoteField::Issue => "what the issue is",
            NoteField::Tried => "what was tried",
            NoteField::Wants => "what the caller wants",
            NoteField::Promises => "what was promised",
        }
    }
}

impl fmt::Display for NoteField {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl NoteDraft {
    /// Of an agent at a plain phone, who says it all to the one who is consulted.
    pub fn by_voice() -> NoteDraft {
        let said = || "told by voice".to_owned();
        NoteDraft { issue: said(), tried: said(), wants: said(), promises: said(), ..NoteDraft::default() }
    }

    fn field(&self, field: NoteField) -> &str {
        match field {
            NoteField::Issue => self.issue.trim(),
            NoteField::Tried => self.tried.trim(),
            NoteField::Wants => self.wants.trim(),
            NoteField::Promises => self.promises.trim(),
        }
    }
}

impl BriefingNote {
    /// The note that a draft becomes for a target that demands these fields; or everything that is wrong
    /// with it.
    pub fn parse(
        draft: &NoteDraft,
        needs: &[NoteField],
        filled: Filled,
    ) -> Result<BriefingNote, Vec<NoteError>> {
        let mut errors = Vec::new();
        for field in NoteField::ALL {
            let length = draft.field(field).chars().count();
            if length > LONGEST_FIELD {
                errors.push(NoteError::TooLong { field, length });
            } else if length == 0 && needs.contains(&field) {
                errors.push(NoteError::Missing(field));
            }
        }
        if !errors.is_empty() {
            return Err(errors);
        }
        let text = |field| draft.field(field).to_owned();
        let Filled { identity, mut collected, author, written } = filled;
        collected.truncate(MOST_COLLECTED);
        Ok(BriefingNote {
            issue: text(NoteField::Issue),
            tried: text(NoteField::Tried),
            wants: text(NoteField::Wants),
            mood: draft.mood,
            promises: text(NoteField::Promises),
            identity,
            collected,
            author,
            written,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(draft: &NoteDraft) -> Result<BriefingNote, Vec<NoteError>> {
        let filled = Filled {
            identity: Identity::default(),
            collected: Vec::new(),
            author: "alice".into(),
            written: WallTime(0),
        };
        BriefingNote::parse(draft, &[NoteField::Issue, NoteField::Wants], filled)
    }

    #[test]
    fn a_note_says_what_its_target_demands_and_is_told_all_that_is_missing() {
        let draft =
            NoteDraft { issue: "  boiler leaks ".into(), wants: "a visit".into(), ..Default::default() };
        assert_eq!(parse(&draft).unwrap().issue, "boiler leaks");
        let empty = NoteDraft { issue: " ".into(), ..Default::default() };
        let missing = [NoteField::Issue, NoteField::Wants].map(NoteError::Missing);
        assert_eq!(parse(&empty), Err(missing.to_vec()));
    }

    #[test]
    fn a_note_is_short_enough_to_be_read_while_a_phone_rings() {
        let long =
            |length| NoteDraft { issue: "ä".repeat(length), wants: "a visit".into(), ..Default::default() };
        assert!(parse(&long(LONGEST_FIELD)).is_ok());
        let too_long = NoteError::TooLong { field: NoteField::Issue, length: LONGEST_FIELD + 1 };
        assert_eq!(parse(&long(LONGEST_FIELD + 1)), Err(vec![too_long]));
    }
}
