//! What is said of a consult: to the caller whom they are to be connected with, before they are asked whether they will
//! wait, by the recording `transfer/NAME` of the agent or queue, or `transfer/outside` of a number; to whoever is consulted
//! the note. Where the center has a voice, it says either.

use super::Call;
use crate::base::Name;
use crate::fact::BriefingNote;
use crate::fact::Target;
use crate::fact::note::NoteDraft;
use crate::flow::Center;
use crate::flow::speech;

/// "I would like to connect you with somebody outside."
const OUTSIDE: &str = "transfer/outside";
/// "I would like to ask a colleague": names nobody, and is heard where an agent dials whom to consult on a phone that can
/// say nothing else.
const COLLEAGUE: &str = "transfer/colleague";

/// The note as it is read out to whoever is consulted, in the language that agents are spoken to; none where nothing
/// speaks, or the note says that it was told by voice.
pub(super) fn read_out(center: &Center, note: &BriefingNote) -> Option<Name> {
    center.speech.as_ref()?.commands.get(&center.language)?;
    let BriefingNote { author, issue, tried, wants, promises, .. } = note;
    if *issue == NoteDraft::by_voice().issue {
        return None;
    }
    let [says, was_tried, is_wanted, was_promised] = match &*center.language {
        "en" => ["says", "Tried", "They want", "Promised"],
        "es" => ["dice", "Se intentó", "Quiere", "Se prometió"],
        _ => return None,
    };
    let mut words = format!("{author} {says}: {issue}.");
    for (what, text) in [(was_tried, tried), (is_wanted, wants), (was_promised, promises)] {
        if !text.is_empty() {
            words += &format!(" {what}: {text}.");
        }
    }
    let words: String = words.chars().filter(|c| !c.is_control()).take(speech::MOST).collect();
    Some(speech::name(&words, None))
}

impl Call {
    /// What names the target to this caller; none where nothing does, and it is the agent's to tell them.
    pub(super) fn naming(&self, center: &Center, target: &Target) -> Option<Name> {
        let recorded = |name: String| self.recorded(center, &name);
        match target {
            Target::Number(_) => recorded(OUTSIDE.to_owned()),
            Target::Agent(name) | Target::Queue(name) => {
                recorded(format!("transfer/{name}")).or_else(|| self.spoken(center, name))
            }
        }
    }

    /// The same of somebody whom an agent dialled on their phone.
    pub(super) fn naming_by_phone(&self, center: &Center, target: &Target) -> Option<Name> {
        self.naming(center, target).or_else(|| self.recorded(center, COLLEAGUE))
    }

    fn recorded(&self, center: &Center, name: &str) -> Option<Name> {
        center.prompts.has(&self.language, name).then(|| name.into())
    }

    fn spoken(&self, center: &Center, name: &Name) -> Option<Name> {
        center.speech.as_ref()?.commands.get(&self.language)?;
        let words = match &*self.language {
            "en" => format!("I would like to connect you with {name}."),
            "es" => format!("Quisiera comunicarle con {name}."),
            _ => return None,
        };
        Some(speech::name(&words, None))
    }
}
