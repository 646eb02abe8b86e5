//! What agents can do by the keys of a plain phone, without a desk:
//!
//! | key | of the agent who has the caller |
//! |---|---|
//! | `*1` | have the caller asked whether they may be held for a minute |
//! | `*2` | come back to the caller |
//! | `*3` | talk with the other of the two |
//! | `*4` | let all three hear each other |
//! | `*5` | leave the caller to the one who is consulted |
//! | `*6` | end the consult |
//! | `*7` | pause the recording, or let it go on |
//! | `*8` | say the note to whoever is consulted, or have said it |
//!
//! Whoever is consulted presses `1` to acknowledge the note, or `2` to decline it.

use std::time::Duration;

use super::Call;
use super::CallAction;
use super::request::AgentRequest;
use super::request::Refusal;
use crate::base::LegId;
use crate::base::Timestamp;
use crate::base::WallTime;
use crate::fact::HoldWay;
use crate::flow::Center;
use crate::queue::hold;

/// How soon the second key follows the star.
const WITHIN: Duration = Duration::from_secs(3);

impl Call {
    /// A key during a talk, on whosever line.
    pub(super) fn on_talk_digit(
        &mut self,
        center: &Center,
        now: Timestamp,
        wall: WallTime,
        leg: LegId,
        digit: char,
        out: &mut Vec<CallAction>,
    ) {
        if self.caller == Some(leg) {
            // What is keyed in a talk is between the two, and may be a secret: only a hold looks at it.
            if self.answered_notice(center, digit, out) {
                return;
            }
            return self.tell_hold(center, now, hold::Event::Key(digit), out);
        }
        let by_key = if self.consulted().is_some_and(|line| line.leg == leg) {
            self.receivers_key(center, now, digit, out)
        } else if self.agent_at(leg).is_some() {
            self.senders_key(center, now, wall, digit, out)
        } else {
            Ok(())
        };
        // A phone has no screen to show a refusal on; the agent hears that nothing changes.
        by_key.unwrap_or_default();
    }

    fn receivers_key(
        &mut self,
        center: &Center,
        now: Timestamp,
        digit: char,
        out: &mut Vec<CallAction>,
    ) -> Result<(), Refusal> {
        let acknowledged =
            self.talk().and_then(|talk| talk.consult.as_ref()).is_some_and(|consult| consult.acknowledged);
        match digit {
            '1' if !acknowledged => self.acknowledge(center, out),
            '2' if !acknowledged => self.decline(center, now, "", out),
            _ => Ok(()),
        }
    }

    fn senders_key(
        &mut self,
        center: &Center,
        now: Timestamp,
        wall: WallTime,
        digit: char,
        out: &mut Vec<CallAction>,
    ) -> Result<(), Refusal> {
        let Some(talk) = self.talk_mut() else { return Ok(()) };
        let starred = talk.star.take().is_some_and(|at| now.since(at) <= WITHIN);
        if digit == '*' {
            talk.star = Some(now);
            return Ok(());
        }
        if !starred {
            return Ok(());
        }
        let request = match digit {
            '1' => {
                let (reason, way) = ("asked by phone".to_owned(), Some(HoldWay::Prompted));
                AgentRequest::Hold { reason, quote: None, way, agreed: false }
            }
            '2' => AgentRequest::Resume,
            '3' => AgentRequest::Toggle,
            '4' => AgentRequest::Join,
            '5' => AgentRequest::Complete,
            '6' => AgentRequest::Cancel,
            '7' => return self.toggle_recording(now, out),
            '8' => return self.toggle_note(center, now, out),
            _ => return Ok(()),
        };
        let Some(who) = self.agent.as_ref().map(|line| line.name.clone()) else { return Ok(()) };
        self.request(center, now, wall, &who, request, out)
    }
}
