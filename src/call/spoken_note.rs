//! The briefing note as voice: the agent says up to twenty seconds while the caller is held, and whoever is consulted hears
//! it when they pick up, before they acknowledge. The caller never does: it is recorded only while they are held, and
//! played to the one who is consulted alone.

use std::time::Duration;

use serde::Deserialize;
use serde::Serialize;

use super::Call;
use super::CallAction;
use super::consult::Stage;
use super::request::Refusal;
use crate::base::LegId;
use crate::base::Timestamp;
use crate::fact::What;
use crate::fact::recording::RecordingFile;
use crate::fact::recording::RecordingKind;
use crate::flow::Center;
use crate::media::Record;
use crate::media::Tracks;
use crate::queue::hold::Hold;

/// The longest that a note is spoken.
pub const LONGEST: Duration = Duration::from_secs(20);
/// What is shorter was no note, but a key that was pressed twice.
const SHORTEST: Duration = Duration::from_millis(500);
/// To the agent: speak now; and when it is over.
const BEEP: &str = "beep";

/// What the agent says to whoever is consulted.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct SpokenNote {
    /// Which of the call's it is, from 1 on.
    part: u16,
    /// The line that is being recorded, since when, and until when at most; none once it is spoken.
    running: Option<(LegId, Timestamp, Timestamp)>,
    length: Duration,
}

impl SpokenNote {
    /// When it ends by itself.
    pub(super) fn deadline(&self) -> Option<Timestamp> {
        self.running.map(|(_, _, until)| until)
    }
}

impl Call {
    /// Whether somebody acts on the spoken note by this wish: to begin, or to end it.
    pub(super) fn speak_note(
        &mut self,
        center: &Center,
        now: Timestamp,
        begin: bool,
        out: &mut Vec<CallAction>,
    ) -> Result<(), Refusal> {
        let runs = self.is_note_running();
        match (begin, runs) {
            (true, true) => Err(Refusal::NoteRuns),
            (false, false) => Err(Refusal::NoNoteRuns),
            (false, true) => {
                self.end_note(center, now, out);
                Ok(())
            }
            (true, false) => self.begin_note(now, out),
        }
    }

    /// By key: the other of the two.
    pub(super) fn toggle_note(
        &mut self,
        center: &Center,
        now: Timestamp,
        out: &mut Vec<CallAction>,
    ) -> Result<(), Refusal> {
        let runs = self.is_note_running();
        self.speak_note(center, now, !runs, out)
    }

    fn is_note_running(&self) -> bool {
        self.talk().and_then(|talk| talk.spoken).is_some_and(|note| note.running.is_some())
    }

    fn begin_note(&mut self, now: Timestamp, out: &mut Vec<CallAction>) -> Result<(), Refusal> {
        let Some(talk) = self.talk() else { return Err(Refusal::NotTalking) };
        if !talk.hold.as_ref().is_some_and(Hold::is_held) {
            return Err(Refusal::CallerHears);
        }
        if talk.consult.as_ref().is_some_and(|consult| consult.stage == Stage::Together) {
            return Err(Refusal::Acknowledged);
        }
        let Some(leg) = self.agent.as_ref().map(|line| line.leg) else { return Err(Refusal::NotTalking) };
        let before = talk.spoken;
        let part = self.notes_spoken.saturating_add(1);
        self.notes_spoken = part;
        out.extend(before.map(|before| CallAction::Discard { file: self.note_file(before.part) }));
        self.cue_agent(BEEP, out);
        let (file, record) = (Some(self.note_file(part)), Record::Start(Tracks::Message));
        out.push(CallAction::Record { leg, file, record });
        if let Some(talk) = self.talk_mut() {
            talk.spoken =
                Some(SpokenNote { part, running: Some((leg, now, now + LONGEST)), length: Duration::ZERO });
        }
        Ok(())
    }

    /// What was said is the note; to whoever listens to the note already it is played anew.
    pub(super) fn end_note(&mut self, center: &Center, now: Timestamp, out: &mut Vec<CallAction>) {
        let Some(note) = self.talk_mut().and_then(|talk| talk.spoken.as_mut()) else { return };
        let Some((leg, since, _)) = note.running.take() else { return };
        note.length = now.since(since).min(LONGEST);
        let (part, length) = (note.part, note.length);
        let file = self.note_file(part);
        out.push(CallAction::Record { leg, file: None, record: Record::Stop });
        if length < SHORTEST {
            if let Some(talk) = self.talk_mut() {
                talk.spoken = None;
            }
            return out.push(CallAction::Discard { file });
        }
        self.cue_agent(BEEP, out);
        let by = self.agent.as_ref().map(|line| line.name.clone()).unwrap_or_default();
        out.push(CallAction::Fact(What::NoteSpoken { by, file: file.to_string(), length }));
        self.brief_again(center, out);
    }

    /// The recording ended by itself: there is none.
    pub(super) fn note_recording_ended(&mut self, leg: LegId) {
        if let Some(talk) = self.talk_mut() {
            talk.spoken.take_if(|note| note.running.is_some_and(|(running, ..)| running == leg));
        }
    }

    /// It ends when its time is over, when the caller is held no more, and when its line does.
    pub(super) fn heed_note(&mut self, center: &Center, now: Timestamp, out: &mut Vec<CallAction>) {
        let Some((leg, _, until)) = self.talk().and_then(|talk| talk.spoken).and_then(|note| note.running)
        else {
            return;
        };
        let held = self.talk().and_then(|talk| talk.hold.as_ref()).is_some_and(Hold::is_held);
        let theirs = self.agent.as_ref().is_some_and(|line| line.leg == leg);
        if until <= now || !held || !theirs {
            self.end_note(center, now, out);
        }
    }

    /// How long it takes to hear it.
    pub(super) fn note_length(&self) -> Duration {
        self.talk().and_then(|talk| talk.spoken).map_or(Duration::ZERO, |note| note.length)
    }

    /// The note as it is played to whoever is consulted.
    pub(super) fn note_to_play(&self) -> Option<RecordingFile> {
        let note = self.talk()?.spoken.filter(|note| note.running.is_none())?;
        Some(self.note_file(note.part))
    }

    fn note_file(&self, part: u16) -> RecordingFile {
        RecordingFile { kind: RecordingKind::Note, call: self.id, part }
    }
}
