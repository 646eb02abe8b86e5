//! A bot in a call: a line of its own, which hears the caller and is heard by them, as long as the flow says.

use smallvec::smallvec;

use super::Call;
use super::CallAction;
use super::hearing::Legs;
use crate::base::LegId;
use crate::fact::Party;
use crate::fact::What;
use crate::flow::api::BotCall;

impl Call {
    /// Lets the caller and a bot hear each other.
    pub(super) fn bot_joins(&mut self, caller: LegId, call: Box<BotCall>, out: &mut Vec<CallAction>) {
        let leg = self.new_leg(Party::Server);
        self.bot = Some(leg);
        let address = call.bot.at.clone();
        out.push(CallAction::Fact(What::LegOpened { leg, party: Party::Server, address }));
        out.push(CallAction::DialBot { leg, call });
        out.push(CallAction::Hear { leg: caller, whom: smallvec![leg] });
        out.push(CallAction::Hear { leg, whom: smallvec![caller] });
    }

    /// The bot leaves; the caller hears nobody.
    pub(super) fn bot_leaves(&mut self, out: &mut Vec<CallAction>) {
        let Some(leg) = self.bot.take() else { return };
        out.extend(self.caller.map(|caller| CallAction::Hear { leg: caller, whom: Legs::new() }));
        out.push(CallAction::HangUp { leg, elsewhere: false });
    }
}
