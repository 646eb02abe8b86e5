//! An agent's desk that vanishes in a talk: the caller hears a ringing tone until it is back. When it stays away, the caller
//! goes back to the queue as old as they are; that is `talk`'s.

use super::Call;
use super::CallAction;
use crate::base::LegId;
use crate::flow::Center;

impl Call {
    /// The desk that has this line vanished, or came back.
    pub(super) fn on_desk(&mut self, center: &Center, leg: LegId, lost: bool, out: &mut Vec<CallAction>) {
        if self.agent.as_ref().is_none_or(|line| line.leg != leg) {
            return;
        }
        self.whisper_desk(lost);
        if let Some(talk) = self.talk_mut() {
            talk.lost = lost;
            self.retune(center, out);
        }
    }
}
