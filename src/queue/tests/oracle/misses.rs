//! Agents who did not take a call: when they may be rung again.

use std::time::Duration;

use super::Oracle;
use crate::base::AgentId;
use crate::base::CallId;
use crate::base::Timestamp;
use crate::fact::MissedWhy;
use crate::queue::api::AgentState;
use crate::queue::api::PHONE_UNREACHABLE;

impl Oracle {
    /// An agent did not take a call: for how long they are not rung for it again.
    pub(super) fn spare(&mut self, now: Timestamp, call: CallId, agent: AgentId, why: MissedWhy) {
        let misses = self.config.queues[self.calls[&call].queue.0 as usize].misses;
        let pause = match why {
            MissedWhy::NoAnswer => misses.no_answer,
            MissedWhy::Declined => misses.declined,
            MissedWhy::Busy => misses.busy,
            MissedWhy::Unreachable => misses.unreachable,
            MissedWhy::Withdrawn => None,
        };
        if why != MissedWhy::NoAnswer || pause.is_some() {
            let spared = pause.unwrap_or_default().max(Duration::from_secs(5));
            self.agent(agent).spared.push((call, now + spared));
        }
    }

    /// Who is always ready is rung again the later, the oftener their phone was not reached, and never later than that.
    pub(super) fn backs_off(
        &mut self,
        now: Timestamp,
        id: AgentId,
        to: &AgentState,
        until: Option<Timestamp>,
    ) {
        let always_ready = self.config.agents[id.0 as usize].always_ready;
        let AgentState::NotReady(reason) = to else { return };
        if !always_ready || **reason != *PHONE_UNREACHABLE {
            return;
        }
        let times = self.agents[id.0 as usize].unreached;
        let pause = [5, 10, 20, 40, 80].get(times - 1).copied().unwrap_or(120);
        assert_eq!(until, Some(now + Duration::from_secs(pause)), "not reached {times} times in a row");
        if times > 1 {
            self.saw("not reached again");
        }
    }
}
