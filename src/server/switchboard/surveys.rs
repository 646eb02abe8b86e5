//! Nobody is asked after a talk who was asked a while ago, in whichever call.

use super::LiveCall;
use super::Now;
use super::Switchboard;
use crate::base::CallId;
use crate::base::Latest;
use crate::base::Timestamp;
use crate::fact::What;
use crate::queue::api::Whose;

/// How many numbers are remembered.
const REMEMBERED: usize = 10_000;

/// Whose numbers were asked lately, and when.
#[derive(Debug)]
pub(super) struct Asked(Latest<Whose, Timestamp>);

impl Default for Asked {
    fn default() -> Asked {
        Asked(Latest::new(REMEMBERED))
    }
}

impl Switchboard {
    /// Tells a call that begins when its number was asked.
    pub(super) fn recall_survey(&self, live: &mut LiveCall) {
        if let Some(at) = live.number.and_then(|number| self.asked.0.get(&number)) {
            live.call.was_asked(*at);
        }
    }

    /// Remembers who is asked now, and tells the other calls from the same number.
    pub(super) fn note_survey(&mut self, now: Now, call: CallId, what: &What) {
        let What::SurveyStarted { .. } = what else { return };
        let Some(number) = self.calls.get(&call).and_then(|live| live.number) else { return };
        self.asked.0.put(number, now.at);
        let same = self.calls.values_mut().filter(|live| live.number == Some(number));
        same.for_each(|live| live.call.was_asked(now.at));
    }
}

#[cfg(test)]
mod tests {
    use super::super::refer_tests::House;
    use super::*;
    use crate::base::WallTime;
    use crate::sip::SessionId;

    /// When the number of this call was asked, as the call has it.
    fn asked(house: &House, call: u64) -> serde_json::Value {
        let live = &house.switchboard.calls[&CallId(call)];
        serde_json::to_value(&live.call).unwrap()["asked"].clone()
    }

    #[test]
    fn a_number_that_was_asked_is_known_in_the_calls_there_are_and_in_those_to_come() {
        let mut house = House::new();
        let number = Some("+12025550143");
        house.incoming(SessionId(20), "1000", number);
        house.incoming(SessionId(21), "1000", Some("+12025550144"));
        house.incoming(SessionId(22), "1000", number);
        let now = Now { at: Timestamp::from_secs(60), wall: WallTime(0) };
        let what = What::SurveyStarted { agent: "alice".into(), queue: "help".into() };
        house.switchboard.note_survey(now, CallId(2), &what);
        house.incoming(SessionId(23), "1000", number);
        let at = serde_json::to_value(now.at).unwrap();
        let asked: Vec<_> = (1..=5).map(|call| asked(&house, call)).collect();
        let nobody = serde_json::Value::Null;
        assert_eq!(asked, [nobody.clone(), at.clone(), nobody, at.clone(), at]);
    }
}
