//! The recording of a talk: by the queue's policy, with the caller told or asked before anybody hears them.
//!
//! It begins with the first bridge and runs until the caller's line ends, or a flow goes on with them; what is in it
//! follows from who hears whom, which is the streams' business: a held caller's time is silence, and a private word is
//! not theirs. Nothing of a flow is ever in it.

use std::time::Duration;

use serde::Deserialize;
use serde::Serialize;

use super::Call;
use super::CallAction;
use super::hearing::Legs;
use super::request::Refusal;
use super::request::reason;
use crate::base::LegId;
use crate::base::Name;
use crate::base::Timestamp;
use crate::fact::HoldAnswer;
use crate::fact::RecordingEnd;
use crate::fact::What;
use crate::fact::recording::RecordingFile;
use crate::fact::recording::RecordingKind;
use crate::flow::Center;
use crate::flow::center::RECORDING_QUESTION;
use crate::flow::center::RECORDING_TOLD;
use crate::flow::center::RecordPolicy;
use crate::media::Record;
use crate::media::Tracks;
use crate::media::control::PlayId;

/// How long the caller may think about the question after it. Silence is no.
const ANSWER_WITHIN: Duration = Duration::from_secs(6);
/// The longest that the notice or the question plays before the talk begins regardless.
const NOTICE_WITHIN: Duration = Duration::from_secs(30);
/// A pause that is forgotten ends by itself.
pub const LONGEST_PAUSE: Duration = Duration::from_secs(300);

/// Whether and how a call is recorded.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Recording {
    /// Whether the caller has heard that they are recorded.
    told: bool,
    /// What the caller said when asked.
    agreed: Option<bool>,
    /// The line that is recorded now.
    leg: Option<LegId>,
    /// Until when it is paused.
    paused: Option<Timestamp>,
    /// How many recordings there have been.
    parts: u16,
}

/// What a caller hears before the talk: nobody hears them yet, and they hear nobody.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Notice {
    play: PlayId,
    /// Whether it is a question.
    asks: bool,
    pub(super) until: Timestamp,
}

/// What an agent wants of the recording.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RecordWish {
    Pause { reason: String },
    Resume,
}

impl Recording {
    /// The caller was asked before the talk.
    pub(super) fn answered(&mut self, agreed: bool) {
        self.agreed = Some(agreed);
    }

    /// There has been one more.
    pub(super) fn had_one(&mut self) {
        self.parts = self.parts.saturating_add(1);
    }

    /// When a pause ends by itself.
    pub(super) fn deadline(&self) -> Option<Timestamp> {
        self.paused
    }
}

impl Call {
    fn record_policy(&self, center: &Center) -> RecordPolicy {
        self.policy(center).record
    }

    /// What the caller has to hear before they are brought together with an agent; none when it can be at once.
    pub(super) fn notice(&mut self, center: &Center, now: Timestamp) -> Option<(Notice, Name)> {
        let (asks, prompt) = match self.record_policy(center) {
            RecordPolicy::Yes if !self.recording.told => (false, RECORDING_TOLD),
            RecordPolicy::WithConsent if self.recording.agreed.is_none() => (true, RECORDING_QUESTION),
            _ => return None,
        };
        let play = self.new_play();
        Some((Notice { play, asks, until: now + NOTICE_WITHIN }, prompt.into()))
    }

    /// Lets caller and agent hear the notice, each by themselves.
    pub(super) fn give_notice(
        &mut self,
        caller: LegId,
        agent: LegId,
        notice: &Notice,
        prompt: Name,
        out: &mut Vec<CallAction>,
    ) {
        let copy = self.new_play();
        out.push(CallAction::Fact(What::Played { prompts: vec![prompt.clone()] }));
        for (leg, play, barge_in) in [(caller, notice.play, notice.asks), (agent, copy, false)] {
            out.push(CallAction::Hear { leg, whom: Legs::new() });
            out.push(CallAction::Play { leg, play, prompts: vec![prompt.clone()], barge_in, repeat: false });
        }
    }

    /// A play to the caller ended: true when it was the notice.
    pub(super) fn notice_ended(
        &mut self,
        center: &Center,
        now: Timestamp,
        ended: PlayId,
        out: &mut Vec<CallAction>,
    ) -> bool {
        let Some(notice) = self.talk_mut().and_then(|talk| talk.notice.as_mut()) else { return false };
        if notice.play != ended {
            return false;
        }
        if notice.asks {
            notice.until = now + ANSWER_WITHIN;
        } else {
            self.recording.told = true;
            self.notice_over(center, out);
        }
        true
    }

    /// The caller pressed a key: true when it was to be an answer.
    pub(super) fn answered_notice(
        &mut self,
        center: &Center,
        digit: char,
        out: &mut Vec<CallAction>,
    ) -> bool {
        let Some(notice) = self.talk().and_then(|talk| talk.notice.as_ref()) else { return false };
        match (notice.asks, digit) {
            (true, '1') => self.consent(center, HoldAnswer::Yes, out),
            (true, '2') => self.consent(center, HoldAnswer::No, out),
            _ => {}
        }
        true
    }

    /// Its time may have passed.
    pub(super) fn notice_late(&mut self, center: &Center, now: Timestamp, out: &mut Vec<CallAction>) {
        let Some(notice) = self.talk().and_then(|talk| talk.notice.as_ref()) else { return };
        if notice.until > now {
            return;
        }
        if notice.asks {
            self.consent(center, HoldAnswer::Silent, out);
        } else {
            self.notice_over(center, out);
        }
    }

    fn consent(&mut self, center: &Center, answer: HoldAnswer, out: &mut Vec<CallAction>) {
        self.recording.agreed = Some(answer == HoldAnswer::Yes);
        out.push(CallAction::Fact(What::RecordingAnswered { answer }));
        let agent = self.agent.as_ref().map(|line| line.leg);
        out.extend(self.caller.into_iter().chain(agent).map(|leg| CallAction::StopPlay { leg }));
        self.notice_over(center, out);
    }

    /// Now they hear each other.
    fn notice_over(&mut self, center: &Center, out: &mut Vec<CallAction>) {
        if let Some(talk) = self.talk_mut() {
            talk.notice = None;
        }
        self.retune(center, out);
        self.record_talk(center, out);
    }

    /// Begins the recording, or ends one, as the queue's policy is and as far as the caller knows.
    pub(super) fn record_talk(&mut self, center: &Center, out: &mut Vec<CallAction>) {
        let wanted = match self.record_policy(center) {
            RecordPolicy::No => false,
            RecordPolicy::Yes => self.recording.told,
            RecordPolicy::WithConsent => self.recording.agreed == Some(true),
        };
        match (wanted, self.recording.leg, self.caller) {
            (true, None, Some(leg)) => {
                self.recording.parts = self.recording.parts.saturating_add(1);
                self.recording.leg = Some(leg);
                let file = self.recording_file();
                out.push(CallAction::Record { leg, file: Some(file), record: Record::Start(Tracks::Talk) });
                out.push(CallAction::Fact(What::RecordingStarted { file: file.to_string() }));
            }
            (false, Some(_), _) => self.end_recording(RecordingEnd::Policy, out),
            _ => {}
        }
    }

    fn recording_file(&self) -> RecordingFile {
        RecordingFile { kind: RecordingKind::Talk, call: self.id, part: self.recording.parts }
    }

    pub(super) fn end_recording(&mut self, why: RecordingEnd, out: &mut Vec<CallAction>) {
        let Some(leg) = self.recording.leg.take() else { return };
        self.recording.paused = None;
        out.push(CallAction::Record { leg, file: None, record: Record::Stop });
        let file = self.recording_file().to_string();
        out.push(CallAction::Fact(What::RecordingEnded { file, why }));
    }

    /// Whether it is this line that is recorded.
    pub fn records(&self, leg: LegId) -> bool {
        self.recording.leg == Some(leg)
    }

    /// Another process goes on with the call: the recording has ended with the one before, and another begins, paused where
    /// that was.
    pub(super) fn recording_goes_on(&mut self, center: &Center, out: &mut Vec<CallAction>) {
        let paused = self.recording.paused;
        if self.recording.leg.is_none() {
            return;
        }
        self.end_recording(RecordingEnd::Restart, out);
        self.record_talk(center, out);
        if let Some((leg, until)) = self.recording.leg.zip(paused) {
            self.recording.paused = Some(until);
            out.push(CallAction::Record { leg, file: None, record: Record::Pause });
        }
    }

    /// A line has closed, or cannot be recorded any more.
    pub(super) fn recording_of(&mut self, leg: LegId, why: RecordingEnd, out: &mut Vec<CallAction>) {
        if self.recording.leg == Some(leg) {
            self.end_recording(why, out);
        }
    }

    pub(super) fn recording_wish(
        &mut self,
        now: Timestamp,
        wish: &RecordWish,
        out: &mut Vec<CallAction>,
    ) -> Result<(), Refusal> {
        let leg = self.recording.leg.ok_or(Refusal::NotRecorded)?;
        let Some(agent) = self.agent.as_ref().map(|line| line.name.clone()) else { return Ok(()) };
        match wish {
            RecordWish::Pause { .. } if self.recording.paused.is_some() => Err(Refusal::RecordingPaused),
            RecordWish::Pause { reason: why } => {
                let reason = Some(reason(why)?).filter(|why| !why.is_empty());
                let reason = reason.ok_or(Refusal::NoPauseReason)?;
                self.recording.paused = Some(now + LONGEST_PAUSE);
                out.push(CallAction::Record { leg, file: None, record: Record::Pause });
                out.push(CallAction::Fact(What::RecordingPaused { agent, reason }));
                Ok(())
            }
            RecordWish::Resume if self.recording.paused.is_none() => Err(Refusal::RecordingRuns),
            RecordWish::Resume => {
                self.resume_recording(Some(agent), out);
                Ok(())
            }
        }
    }

    /// By key: the other of the two.
    pub(super) fn toggle_recording(
        &mut self,
        now: Timestamp,
        out: &mut Vec<CallAction>,
    ) -> Result<(), Refusal> {
        let wish = match self.recording.paused {
            Some(_) => RecordWish::Resume,
            None => RecordWish::Pause { reason: "paused by phone".to_owned() },
        };
        self.recording_wish(now, &wish, out)
    }

    /// The longest pause is over.
    pub(super) fn recording_late(&mut self, now: Timestamp, out: &mut Vec<CallAction>) {
        if self.recording.paused.is_some_and(|until| until <= now) {
            self.resume_recording(None, out);
        }
    }

    fn resume_recording(&mut self, agent: Option<Name>, out: &mut Vec<CallAction>) {
        self.recording.paused = None;
        if let Some(leg) = self.recording.leg {
            out.push(CallAction::Record { leg, file: None, record: Record::Resume });
            out.push(CallAction::Fact(What::RecordingResumed { agent }));
        }
    }
}
