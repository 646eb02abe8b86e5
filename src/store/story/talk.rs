//! The words of a talk: hold by permission, consult and transfer, supervision, outcome.

use std::time::Duration;

use super::length;
use crate::fact::BriefingNote;
use crate::fact::ConsultEnd;
use crate::fact::Hears;
use crate::fact::HoldAnswer;
use crate::fact::HoldBy;
use crate::fact::HoldEndedBy;
use crate::fact::HoldWay;
use crate::fact::ListensBy;
use crate::fact::MissedWhy;
use crate::fact::Party;
use crate::fact::PromiseKind;
use crate::fact::PromiseState;
use crate::fact::RecordingEnd;
use crate::fact::Resolution;
use crate::fact::SuperviseMode;
use crate::fact::Target;
use crate::fact::TransferKind;
use crate::fact::note::Mood;

pub(super) fn hold_asked(agent: &str, reason: &str, quote: Duration, way: HoldWay) -> String {
    let quote = length(quote);
    match way {
        HoldWay::Verbal => format!("{agent} asked to hold for {quote}: {reason}"),
        HoldWay::Prompted => format!("asked by prompt whether {agent} may hold for {quote}: {reason}"),
        HoldWay::Override => format!("{agent} holds without asking, for {quote}: {reason}"),
    }
}

pub(super) fn hold_answered(agent: &str, answer: HoldAnswer) -> String {
    match answer {
        HoldAnswer::Yes => format!("agreed to be held by {agent}"),
        HoldAnswer::No => format!("would not be held by {agent}"),
        HoldAnswer::Silent => "said nothing to the hold: not held".to_owned(),
    }
}

pub(super) fn callback_agreed(agent: &str, way: HoldWay) -> String {
    match way {
        HoldWay::Prompted => format!("wants to be called back instead of being held by {agent}"),
        HoldWay::Verbal | HoldWay::Override => {
            format!("is to be called back instead, as agreed, says {agent}")
        }
    }
}

pub(super) fn hold_started(agent: &str, reason: &str, left: Duration, by: HoldBy) -> String {
    let left = length(left);
    match by {
        HoldBy::Caller => format!("on hold by {agent} for {left}: {reason}"),
        HoldBy::Override => format!("on hold by {agent} for {left}, without permission: {reason}"),
    }
}

pub(super) fn hold_ended(agent: &str, held: Duration, by: HoldEndedBy) -> String {
    let why = match by {
        HoldEndedBy::Agent => format!("{agent} is back"),
        HoldEndedBy::Caller => format!("the caller's key brought {agent} back"),
        HoldEndedBy::Cap => "the longest hold was reached".to_owned(),
        HoldEndedBy::Consult => "the consult came to its end".to_owned(),
        HoldEndedBy::Left => "somebody left".to_owned(),
    };
    format!("off hold after {}: {why}", length(held))
}

pub(super) fn referred(agent: &str, to: &str, by: Option<&str>, refused: Option<&str>) -> String {
    let by = by.map(|by| format!(", on behalf of {by}")).unwrap_or_default();
    let refused = refused.map(|why| format!("; refused: {why}")).unwrap_or_default();
    format!("{agent}'s phone hands the caller to {to}{by}{refused}")
}

pub(super) fn callee_missed(why: MissedWhy) -> &'static str {
    match why {
        MissedWhy::NoAnswer => "nobody picked up",
        MissedWhy::Declined => "the call was declined",
        MissedWhy::Busy => "the line is busy",
        MissedWhy::Unreachable => "the number could not be reached",
        MissedWhy::Withdrawn => "the agent gave up",
    }
}

pub(super) fn consult_started(agent: &str, target: &Target, written: &BriefingNote) -> String {
    format!("{agent} consults {target}: {}", note(written))
}

/// The note in one line; what was not written is left out.
pub(super) fn note(note: &BriefingNote) -> String {
    let BriefingNote { issue, tried, wants, mood, promises, .. } = note;
    let mood = match mood {
        Mood::Calm => "",
        Mood::Worried => "worried",
        Mood::Angry => "angry",
        Mood::Urgent => "urgent",
    };
    let fields =
        [("", issue.as_str()), ("tried ", tried), ("wants ", wants), ("promised ", promises), ("", mood)];
    let told: Vec<String> = fields
        .iter()
        .filter(|(_, text)| !text.is_empty())
        .map(|(word, text)| format!("{word}{text}"))
        .collect();
    told.join("; ")
}

pub(super) fn toggled(hears: Hears) -> &'static str {
    match hears {
        Hears::Caller => "the agent talks with the caller again",
        Hears::Consulted => "the agent talks with the one consulted again",
    }
}

pub(super) fn consult_end(cause: ConsultEnd) -> &'static str {
    match cause {
        ConsultEnd::NoAnswer => "no answer",
        ConsultEnd::Declined => "declined",
        ConsultEnd::Unreachable => "nobody could be reached",
        ConsultEnd::ReceiverLeft => "the one consulted left",
        ConsultEnd::Cancelled => "the agent ended it",
        ConsultEnd::SenderLeft => "the agent left before the note was acknowledged",
        ConsultEnd::CallerLeft => "the caller hung up",
    }
}

pub(super) fn party_left(who: &str, by: Party) -> String {
    match by {
        Party::Agent => format!("{who} was dropped"),
        Party::Consulted => format!("{who} left"),
        Party::Caller | Party::Supervisor | Party::Listener | Party::Server => {
            format!("{who} is let go of")
        }
    }
}

pub(super) fn transferred(from: &str, to: &Target, kind: TransferKind) -> String {
    match kind {
        TransferKind::Warm => format!("{from} handed over to {to}, who knows the note"),
        TransferKind::Blind => format!("{from} transferred to {to} without a word"),
    }
}

pub(super) fn supervising(supervisor: &str, mode: SuperviseMode) -> String {
    match mode {
        SuperviseMode::Listen => format!("supervisor {supervisor} listens"),
        SuperviseMode::Whisper => format!("supervisor {supervisor} whispers to the agent"),
        SuperviseMode::Barge => format!("supervisor {supervisor} talks with all"),
    }
}

pub(super) fn listening(listener: &str, agent: &str, by: ListensBy) -> String {
    match by {
        ListensBy::Consent => format!("{listener} listens to {agent}, who agreed"),
        ListensBy::File => format!("{listener} listens to {agent}, from whom they learn"),
    }
}

pub(super) fn outcome(agent: &str, outcome: Resolution, reason_code: &str, note: &str) -> String {
    let word = resolution(outcome);
    let code = if reason_code.is_empty() { String::new() } else { format!(" ({reason_code})") };
    let note = if note.is_empty() { String::new() } else { format!(": {note}") };
    format!("{agent} says {word}{code}{note}")
}

pub(super) fn resolution(outcome: Resolution) -> &'static str {
    match outcome {
        Resolution::Resolved => "resolved",
        Resolution::Promised => "a promise was made",
        Resolution::Escalated => "escalated",
        Resolution::NotResolved => "not resolved",
    }
}

pub(super) fn misrouted(agent: &str, queue: Option<&str>, belongs: Option<&str>, reason: &str) -> String {
    let queue =
        queue.map_or_else(|| "the wrong queue".to_owned(), |queue| format!("the wrong queue, {queue}"));
    let belongs = belongs.map_or_else(String::new, |belongs| format!(", and belongs in {belongs}"));
    let reason = if reason.is_empty() { String::new() } else { format!(": {reason}") };
    format!("came to {queue}{belongs}, says {agent}{reason}")
}

pub(super) fn promised(agent: &str, promise: PromiseKind, due: &str, words: &str) -> String {
    let what = match promise {
        PromiseKind::Callback => "a callback",
        PromiseKind::Answer => "an answer",
    };
    let words = if words.is_empty() { String::new() } else { format!(": {words}") };
    format!("{agent} promised {what} by {due}{words}")
}

pub(super) fn promise_settled(agent: &str, state: PromiseState, by: Option<&str>, words: &str) -> String {
    let what = match state {
        PromiseState::Kept => "was kept",
        PromiseState::Late => "was kept late",
        PromiseState::Broken => "was broken",
        PromiseState::Open | PromiseState::Overdue => "is open",
    };
    let says = match by {
        Some(by) => format!(", says {by}"),
        None => ": nobody has said anything for a week".to_owned(),
    };
    let words = if words.is_empty() { String::new() } else { format!(": {words}") };
    format!("{agent}'s promise {what}{says}{words}")
}

pub(super) fn recording_answered(answer: HoldAnswer) -> &'static str {
    match answer {
        HoldAnswer::Yes => "agreed to be recorded",
        HoldAnswer::No => "would not be recorded",
        HoldAnswer::Silent => "said nothing to being recorded: not recorded",
    }
}

pub(super) fn recording_resumed(agent: Option<&str>) -> String {
    match agent {
        Some(agent) => format!("{agent} lets the recording go on"),
        None => "the longest pause is over: recorded again".to_owned(),
    }
}

pub(super) fn recording_ended(file: &str, why: RecordingEnd) -> String {
    match why {
        RecordingEnd::Over => format!("the recording {file} is complete"),
        RecordingEnd::Policy => format!("the recording {file} ends: the caller is not recorded here"),
        RecordingEnd::Disk => format!("the recording {file} ends: the disk did not take it"),
        RecordingEnd::Longest => format!("the recording {file} ends: it reached the longest that one is"),
        RecordingEnd::Restart => format!("the recording {file} ends: the server was started anew"),
        RecordingEnd::Busy => format!("the recording {file} could not begin: too many others wait"),
    }
}
