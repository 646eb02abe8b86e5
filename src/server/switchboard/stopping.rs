//! A server that is to stop takes no more calls. Those that are up end as they like; a phone that died with its power or
//! its network would keep one up until a session timer or the longest wait ends it, so whoever is silent is asked. Nobody is
//! called back any more: places are kept for the next start.
//!
//! A browser's connection tells by itself when nobody is there (RFC 7675): see `wire::webrtc`.

use std::time::Duration;

use super::Now;
use super::Output;
use super::Streams;
use super::Switchboard;
use crate::base::CallId;
use crate::base::LegId;
use crate::base::Timestamp;
use crate::call::CallEvent;
use crate::queue;
use crate::queue::Stage;
use crate::sip::Command;
use crate::sip::SessionId;
use crate::sip::api::EndReason;

/// How often the silent ones are asked. An answer is waited for as long
/// ([RFC 3261 §17.1.2.2](https://www.rfc-editor.org/rfc/rfc3261#section-17.1.2.2), timer F).
const ROUND: Duration = Duration::from_secs(30);

/// How long after new keys were offered silence means that the phone does not use them.
const SECURED_WITHIN: Duration = Duration::from_secs(15);

/// What a server that is to stop still waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Remaining {
    /// Calls with somebody on the line, or rung.
    pub calls: usize,
    /// How many callers wait on the line in a queue.
    pub waiting: usize,
    /// When the last of these waits no longer, at the latest: somebody picks up, or the queue's longest wait ends it.
    pub waits_until: Option<Timestamp>,
    /// Callers who are to be called back, which is left to the next start: nothing of theirs is waited for.
    pub places: usize,
}

impl Switchboard {
    /// Takes no new calls from now on: they get 503. Phones of which nothing is heard are asked whether they are there, now
    /// and again, and are gone when they are not. No callback begins.
    pub fn drain(&mut self, now: Now, streams: &mut dyn Streams, out: &mut Vec<Output>) {
        if !self.is_draining() {
            self.ask_round(now, out);
            self.tell_engine(now, queue::Event::Stopping, out);
            self.settle(now, streams, out);
            // Places are left to the next start by the history.
            let resting = self.calls.iter().filter(|(_, live)| live.call.rests());
            resting.for_each(|(call, _)| self.changed.call(*call));
        }
    }

    pub(super) fn is_draining(&self) -> bool {
        self.next_round.is_some()
    }

    /// Ends every call at once; places that are kept are left for the next start.
    pub fn stop(&mut self, now: Now, streams: &mut dyn Streams, out: &mut Vec<Output>) {
        self.drain(now, streams, out);
        let mut calls: Vec<CallId> = self.calls.keys().copied().collect();
        calls.sort_unstable();
        for call in calls {
            self.later(call, CallEvent::Shutdown);
        }
        self.settle(now, streams, out);
    }

    /// Whether no call is up but those whose place is kept, with nobody on the line.
    pub fn rests(&self) -> bool {
        self.calls.values().all(|live| live.call.rests())
    }

    /// What is waited for until it [rests](Switchboard::rests).
    pub fn remaining(&self) -> Remaining {
        let up = self.calls.iter().filter(|(_, live)| !live.call.rests());
        let of_queues = up.clone().filter_map(|(call, _)| self.engine.call(*call));
        let waiting = of_queues.filter(|view| !view.callback && !matches!(view.stage, Stage::Talking(_)));
        let (calls, waits_until) = (up.count(), waiting.clone().map(|view| view.ends_by).max());
        Remaining { calls, waiting: waiting.count(), waits_until, places: self.calls.len() - calls }
    }

    /// Asks every phone of which nothing is heard whether it is there: audio should come and does not, or it holds us.
    pub(super) fn ask_round(&mut self, now: Now, out: &mut Vec<Output>) {
        self.next_round = Some(now.at + ROUND);
        let silent = self.lines.values().filter(|line| line.up && (line.lost || line.held));
        let mut sessions: Vec<SessionId> = silent.flat_map(|line| line.sessions.iter().copied()).collect();
        sessions.sort_unstable();
        for session in sessions {
            self.command(now, Command::Options { session }, out);
        }
    }

    /// No more audio comes on a line. While we stop, its phone is asked at once; and one in a browser always, for its connection
    /// may be gone as well, or its way alone, so that another is looked for. A phone that was offered new keys and does not use
    /// them hears nothing either: its line is over.
    pub(super) fn audio_lost(
        &mut self,
        now: Now,
        leg: LegId,
        streams: &mut dyn Streams,
        out: &mut Vec<Output>,
    ) {
        let Some(line) = self.lines.get_mut(&leg) else { return };
        line.lost = true;
        let Some(session) = line.sessions.first().copied().filter(|_| line.up) else { return };
        if line.secured_anew.is_some_and(|since| now.at < since + SECURED_WITHIN) {
            self.command(now, Command::End { session, reason: EndReason::Failure }, out);
            self.line_ended(leg, "its audio could not be secured anew".into(), streams);
        } else if line.is_in_browser() {
            self.command(now, Command::Options { session }, out);
            self.look_anew(now, leg, session, out);
        } else if self.is_draining() {
            self.command(now, Command::Options { session }, out);
        }
    }

    pub(super) fn audio_back(&mut self, leg: LegId) {
        if let Some(line) = self.lines.get_mut(&leg) {
            line.lost = false;
        }
    }
}
