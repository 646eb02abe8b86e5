//! The notes of a call, in the order in which they were written: who told whom what, who knows it, and what came of
//! it. A fold over facts; nothing here reads a clock or the file.

use std::time::Duration;

use crate::base::Name;
use crate::base::WallTime;
use crate::fact::BriefingNote;
use crate::fact::ConsultEnd;
use crate::fact::Target;
use crate::fact::What;
use crate::store::fold::DatedFact;

/// A note, and what became of it.
#[derive(Clone, Debug, PartialEq)]
pub struct ToldNote {
    pub note: BriefingNote,
    /// Whom it was written for.
    pub to: Target,
    /// Whether it changes the one before it, which was for the same.
    pub amends: bool,
    /// Whom it was shown or played to; none where nobody rang.
    pub rang: Option<Name>,
    /// Who knew it, and since when.
    pub acknowledged: Option<(Name, WallTime)>,
    /// Who would not take it, when, and why.
    pub declined: Option<(Name, WallTime, String)>,
    /// What was spoken to them: its length, and its file in the folder of notes.
    pub spoken: Option<(Duration, String)>,
    /// How the consult ended, where the caller was not handed on.
    pub ended: Option<ConsultEnd>,
}

/// Who said that the caller had to tell again what was known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Repeated {
    pub by: Name,
    pub at: WallTime,
    pub why: String,
}

/// The notes of a call in the making.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct NoteFold {
    pub notes: Vec<ToldNote>,
    /// What was spoken before anybody was consulted.
    spoken: Option<(Duration, String)>,
    pub repeated: Vec<Repeated>,
}

impl NoteFold {
    /// The fold of all facts of one call.
    pub fn of(facts: &[DatedFact]) -> NoteFold {
        let mut fold = NoteFold::default();
        facts.iter().for_each(|fact| fold.apply(fact));
        fold
    }

    /// Takes one more fact in.
    pub fn apply(&mut self, dated: &DatedFact) {
        let at = dated.wall;
        match &dated.fact.what {
            What::ConsultStarted { target, note, .. } | What::PartyCalled { target, note, .. } => {
                self.told(note, target.clone(), false, None);
            }
            What::NoteAmended { note, .. } => {
                if let Some(ToldNote { to, rang, .. }) = self.notes.last().cloned() {
                    self.told(note, to, true, rang);
                }
            }
            What::NoteSpoken { file, length, .. } => {
                let spoken = Some((*length, file.clone()));
                match self.notes.last_mut().filter(|last| last.ended.is_none() && last.acknowledged.is_none())
                {
                    Some(last) => last.spoken = spoken,
                    None => self.spoken = spoken,
                }
            }
            What::ConsultRinging { agent } => self.last(|last| last.rang = Some(agent.clone())),
            What::NoteAcknowledged { by } => self.last(|last| last.acknowledged = Some((by.clone(), at))),
            What::NoteDeclined { by, reason } => {
                self.last(|last| last.declined = Some((by.clone(), at, reason.clone())));
            }
            What::ConsultEnded { cause } => self.last(|last| last.ended = Some(*cause)),
            What::HadToRepeat { agent, why } => {
                self.repeated.push(Repeated { by: agent.clone(), at, why: why.clone() });
            }
            _ => {}
        }
    }

    fn told(&mut self, note: &BriefingNote, to: Target, amends: bool, rang: Option<Name>) {
        let (acknowledged, declined, ended) = (None, None, None);
        let note = note.clone();
        // What somebody has spoken is heard by all whom they consult from then on.
        let before = self.notes.last().filter(|last| last.note.author == note.author);
        let before = before.and_then(|last| last.spoken.clone());
        let spoken = self.spoken.take().or(before);
        self.notes.push(ToldNote { note, to, amends, rang, acknowledged, declined, spoken, ended });
    }

    fn last(&mut self, learn: impl FnOnce(&mut ToldNote)) {
        if let Some(last) = self.notes.last_mut() {
            learn(last);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::CallId;
    use crate::base::Timestamp;
    use crate::fact::Fact;
    use crate::fact::note::Identity;
    use crate::fact::note::Mood;

    fn note(author: &str, issue: &str) -> Box<BriefingNote> {
        Box::new(BriefingNote {
            issue: issue.to_owned(),
            tried: String::new(),
            wants: "a visit".to_owned(),
            mood: Mood::Calm,
            promises: String::new(),
            identity: Identity::default(),
            collected: Vec::new(),
            author: author.into(),
            written: WallTime(0),
        })
    }

    #[test]
    fn the_chain_says_who_wrote_what_and_who_knew_it() {
        let agent = |name: &str| Target::Agent(name.into());
        let facts = [
            What::ConsultStarted { agent: "alice".into(), target: agent("bob"), note: note("alice", "leak") },
            What::ConsultRinging { agent: "bob".into() },
            What::NoteSpoken { by: "alice".into(), file: "7.wav".to_owned(), length: Duration::from_secs(9) },
            What::NoteAmended { by: "alice".into(), note: note("alice", "two leaks") },
            What::NoteAcknowledged { by: "bob".into() },
            What::HadToRepeat { agent: "bob".into(), why: "the address".into() },
            What::ConsultStarted {
                agent: "bob".into(),
                target: Target::Queue("sales".into()),
                note: note("bob", "a new boiler"),
            },
            What::ConsultRinging { agent: "carol".into() },
            What::NoteDeclined { by: "carol".into(), reason: "lunch".into() },
            What::ConsultEnded { cause: ConsultEnd::Declined },
        ];
        let date = |(place, what): (usize, &What)| {
            let fact = Fact { at: Timestamp::ZERO, call: Some(CallId(7)), what: what.clone() };
            DatedFact { wall: WallTime(place as i64), fact }
        };
        let facts: Vec<_> = facts.iter().enumerate().map(date).collect();
        let NoteFold { notes, repeated, .. } = NoteFold::of(&facts);
        let known = |told: &ToldNote| (told.note.issue.clone(), told.amends, told.acknowledged.clone());
        let bob = Some(("bob".into(), WallTime(4)));
        assert_eq!(
            notes.iter().map(known).collect::<Vec<_>>(),
            [
                ("leak".to_owned(), false, None),
                ("two leaks".to_owned(), true, bob),
                ("a new boiler".to_owned(), false, None)
            ]
        );
        assert_eq!((notes[1].to.clone(), notes[1].rang.as_deref()), (agent("bob"), Some("bob")));
        assert_eq!(notes[2].declined, Some(("carol".into(), WallTime(8), "lunch".to_owned())));
        assert_eq!(
            (&notes[1].spoken, &notes[2].spoken),
            (&Some((Duration::from_secs(9), "7.wav".to_owned())), &None)
        );
        assert_eq!((notes[1].ended, notes[2].ended), (None, Some(ConsultEnd::Declined)));
        assert_eq!((repeated.len(), repeated[0].why.as_str()), (1, "the address"));
    }
}
