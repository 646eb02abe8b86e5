//! A call that outlives the process which served it.

use super::Call;
use super::CallAction;
use super::Phase;
use crate::base::LegId;
use crate::fact::What;
use crate::flow::Center;

impl Call {
    /// Whether there is something of it to go on with.
    pub fn goes_on(&self) -> bool {
        !matches!(self.phase, Phase::Kept | Phase::Ended { .. })
    }

    /// The caller's line, while the caller is on it.
    pub fn caller_leg(&self) -> Option<LegId> {
        self.caller
    }

    /// The line of the bot that the caller talks with.
    pub fn bot_leg(&self) -> Option<LegId> {
        self.bot
    }

    /// The lines whose streams are open, in the order in which they were opened.
    pub fn open_legs(&self) -> impl Iterator<Item = LegId> {
        self.open.iter().map(|(leg, _)| *leg)
    }

    /// Another process goes on with it: everything is as it was, but for what was being written.
    pub(super) fn carried_on(&mut self, center: &Center, out: &mut Vec<CallAction>) {
        out.push(CallAction::Fact(What::CarriedOn));
        self.recording_goes_on(center, out);
    }
}
