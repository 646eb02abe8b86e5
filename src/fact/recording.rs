//! The words of facts about a recording.

use std::fmt;

use serde::Deserialize;
use serde::Serialize;

use crate::base::CallId;
use crate::base::Name;

/// Why a recording is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RecordingEnd {
    /// The call is over, or the caller's line is.
    Over,
    /// The caller is in a queue now that records nobody, or did not agree.
    Policy,
    /// The disk is full, or did not take it for another reason. What was written before is kept.
    Disk,
    /// It reached the longest that one is.
    Longest,
    /// Too many recordings wait to be begun.
    Busy,
    /// The server was started anew under the call.
    Restart,
}

/// What is recorded: each kind has a folder of its own.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RecordingKind {
    /// Caller and agent.
    #[default]
    Talk,
    /// A message that a caller left.
    Message,
    /// A briefing note that an agent spoke.
    Note,
}

impl RecordingKind {
    /// Every kind.
    pub const ALL: [RecordingKind; 3] = [RecordingKind::Talk, RecordingKind::Message, RecordingKind::Note];

    /// Its folder within the data folder.
    pub fn folder(self) -> &'static str {
        match self {
            RecordingKind::Talk => "recordings",
            RecordingKind::Message => "messages",
            RecordingKind::Note => "notes",
        }
    }
}

/// The file of a recording, by its call, and which one of the call's it is of its kind, from 1 on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RecordingFile {
    pub kind: RecordingKind,
    pub call: CallId,
    pub part: u16,
}

impl fmt::Display for RecordingFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.part {
            0 | 1 => write!(f, "{}.wav", self.call.0),
            part => write!(f, "{}-{part}.wav", self.call.0),
        }
    }
}

/// What stands before the file's name where a spoken note is one of the prompts of a play. No recorded prompt's name has a
/// colon in it.
const NOTE_PROMPT: &str = "note:";

impl RecordingFile {
    /// The file among the names of prompts.
    pub fn as_prompt(self) -> Name {
        format!("{NOTE_PROMPT}{self}").as_str().into()
    }
}

/// The name of the file, where a prompt's name is that of a spoken note.
pub fn spoken_note(prompt: &str) -> Option<&str> {
    prompt.strip_prefix(NOTE_PROMPT)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_calls_first_recording_has_its_number_as_a_name_and_others_count_on() {
        let kind = RecordingKind::Talk;
        let name = |part| RecordingFile { kind, call: CallId(12), part }.to_string();
        assert_eq!([name(1), name(2)], ["12.wav", "12-2.wav"]);
        let note = RecordingFile { kind: RecordingKind::Note, call: CallId(12), part: 2 }.as_prompt();
        assert_eq!((spoken_note(&note), spoken_note("consult/briefing")), (Some("12-2.wav"), None));
    }
}
