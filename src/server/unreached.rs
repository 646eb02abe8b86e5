//! Phones that are always ready and cannot be reached: a fold over facts, for the board's alarms and one line in the log.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;

use tracing::info;
use tracing::warn;

use crate::base::Name;
use crate::base::WallTime;
use crate::fact::AgentStateName;
use crate::fact::What;
use crate::queue::api::PHONE_UNREACHABLE;
use crate::store::DatedFact;

/// Since when each agent's phone is not reached. No more than there are agents.
#[derive(Debug, Default)]
pub struct Unreached {
    since: Mutex<BTreeMap<Name, WallTime>>,
}

impl Unreached {
    /// Takes a fact in; `is_always_ready` says whose phones are meant.
    pub(super) fn apply(&self, dated: &DatedFact, is_always_ready: impl Fn(&str) -> bool) {
        let What::AgentState { agent, from, to, reason } = &dated.fact.what else { return };
        let mut since = self.since();
        let unreachable = *to == AgentStateName::NotReady && reason == PHONE_UNREACHABLE;
        // Between two tries it is ready and rings; a ring that runs out, or is withdrawn, says nothing of it.
        let answered = *to == AgentStateName::Talking
            || *from == AgentStateName::Ringing
                && ["declined a call", "phone busy"].contains(&reason.as_str());
        if *to == AgentStateName::Offline {
            since.remove(agent);
        } else if unreachable && !since.contains_key(agent) && is_always_ready(agent) {
            since.insert(Name::clone(agent), dated.wall);
            warn!(%agent, "the phone of an agent who is always ready cannot be reached: it is rung ever less often");
        } else if answered && since.remove(agent).is_some() {
            info!(%agent, "the phone of an agent who is always ready can be reached again");
        }
    }

    /// Who cannot be reached, and since when.
    pub fn agents(&self) -> Vec<(Name, WallTime)> {
        self.since().iter().map(|(agent, since)| (Name::clone(agent), *since)).collect()
    }

    fn since(&self) -> MutexGuard<'_, BTreeMap<Name, WallTime>> {
        self.since.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Timestamp;
    use crate::fact::Fact;
    use crate::store::sample;
    use AgentStateName::*;

    fn changes(told: &Unreached, at: u64, agent: &str, from: AgentStateName, to: AgentStateName, why: &str) {
        let what = What::AgentState { agent: agent.into(), from, to, reason: why.to_owned() };
        let fact = Fact { at: Timestamp::from_secs(at), call: None, what };
        sample::dated(vec![fact]).iter().for_each(|dated| told.apply(dated, |agent| agent == "lab"));
    }

    fn names(told: &Unreached) -> Vec<String> {
        told.agents().into_iter().map(|(name, _)| name.to_string()).collect()
    }

    #[test]
    fn a_phone_is_unreached_from_the_first_try_until_it_answers_and_not_anew_with_each() {
        let told = Unreached::default();
        changes(&told, 1, "alice", Ringing, NotReady, PHONE_UNREACHABLE);
        assert!(told.agents().is_empty(), "who registers is ready again when they do");
        changes(&told, 1, "lab", Ringing, NotReady, PHONE_UNREACHABLE);
        let first = told.agents();
        assert_eq!(names(&told), ["lab"]);
        changes(&told, 6, "lab", NotReady, Ready, "");
        changes(&told, 6, "lab", Ready, Ringing, "");
        changes(&told, 6, "lab", Ringing, NotReady, PHONE_UNREACHABLE);
        assert_eq!(told.agents(), first, "since the first");
        changes(&told, 26, "lab", Ringing, NotReady, "missed a call");
        assert_eq!(told.agents(), first, "a phone that is off may let it ring");
        changes(&told, 40, "lab", Ringing, Talking, "");
        assert!(told.agents().is_empty());
    }

    #[test]
    fn a_phone_that_refuses_is_reached_and_one_that_is_signed_out_is_nobodys_alarm() {
        for (to, why) in [(NotReady, "phone busy"), (NotReady, "declined a call"), (Offline, "")] {
            let told = Unreached::default();
            changes(&told, 1, "lab", Ringing, NotReady, PHONE_UNREACHABLE);
            changes(&told, 9, "lab", Ringing, to, why);
            assert!(told.agents().is_empty(), "{why}");
        }
    }
}
