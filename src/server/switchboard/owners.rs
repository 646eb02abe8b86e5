//! Who calls again is their last agent's first, or whoever owes them something, where the center says so.

use super::Now;
use super::Switchboard;
use crate::base::CallId;
use crate::fact::Target;
use crate::fact::What;
use crate::flow::center::OwnerFirst;
use crate::queue;
use crate::queue::api::Enqueue;
use crate::queue::api::Whose;
use crate::queue::api::Whoses;
use crate::store::read::LastTalk;

impl Switchboard {
    /// The talks of the last days, the oldest first, as an earlier run left them.
    pub fn recall_talks(&mut self, talks: &[LastTalk]) {
        for LastTalk { agent, number, account, at } in talks {
            let account = account.as_deref().map(Whose::account);
            let whose: Whoses = Whose::number(number).into_iter().chain(account).collect();
            if let Some(agent) = self.agent(agent) {
                self.owners.talked(*at, &whose, agent);
            }
        }
    }

    /// Remembers who has the caller now.
    pub(super) fn note_owner(&mut self, now: Now, call: CallId, what: &What) {
        if let What::TakenOver { by, .. } = what {
            self.note_talk(by.clone(), call);
        }
        let name = match what {
            What::AgentConnected { agent, .. } | What::CalleeReached { agent, .. } => agent,
            What::Transferred { to: Target::Agent(agent), .. } | What::TakenOver { by: agent, .. } => agent,
            _ => return,
        };
        if let (Some(agent), Some(live)) = (self.agent(name), self.calls.get(&call)) {
            self.owners.talked(now.wall, &live.call.whose(), agent);
        }
    }

    /// Lets a caller go to their own agent first, unless the flow has named one, or nobody: to whoever owes them something, else to
    /// whoever talked with them last.
    pub(super) fn owner_first(&self, now: Now, call: CallId, event: queue::Event) -> queue::Event {
        let queue::Event::Enqueue(enqueue) = event else { return event };
        if enqueue.nobody.prefer {
            return queue::Event::Enqueue(enqueue);
        }
        let prefer = enqueue.prefer.or_else(|| {
            let center = self.calls.get(&call).map_or(&self.parts.center, |live| &live.center);
            let policy = center.talk.get(enqueue.queue.0 as usize)?.owner_first.as_ref()?;
            let OwnerFirst { within, wait } = *policy;
            let owed = self.promises.owed_to(&enqueue.whose).and_then(|promise| self.agent(&promise.owner));
            let owner = owed.or_else(|| self.owners.find(now.wall, &enqueue.whose, within))?;
            (!enqueue.exclude.contains(&owner)).then_some((owner, wait))
        });
        queue::Event::Enqueue(Box::new(Enqueue { prefer, ..*enqueue }))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use super::super::refer_tests::CALL;
    use super::super::refer_tests::House;
    use super::*;
    use crate::base::AgentId;
    use crate::base::PromiseId;
    use crate::base::QueueId;
    use crate::base::Timestamp;
    use crate::base::WallTime;
    use crate::queue::api::Agents;
    use crate::queue::api::Nobody;
    use crate::store::sample;

    const WAIT: Duration = Duration::from_secs(20);

    /// Who gets a caller of this number first, a day after the sample's start.
    fn first(house: &House, exclude: &[AgentId]) -> Option<(AgentId, Duration)> {
        first_of(house, exclude, Nobody::default())
    }

    fn first_of(house: &House, exclude: &[AgentId], nobody: Nobody) -> Option<(AgentId, Duration)> {
        let enqueue = Enqueue {
            whose: Whose::number("+1 202 555 0143").into_iter().collect(),
            exclude: Agents::from_slice(exclude),
            nobody,
            ..Enqueue::new(CallId(9), QueueId(0))
        };
        let wall: WallTime = sample::STARTED + Duration::from_secs(86_400);
        let now = Now { at: Timestamp::from_secs(1), wall };
        match house.switchboard.owner_first(now, CALL, queue::Event::Enqueue(Box::new(enqueue))) {
            queue::Event::Enqueue(enqueue) => enqueue.prefer,
            other => panic!("{other:?}"),
        }
    }

    fn talked(agent: &str) -> LastTalk {
        let number = "+12025550143".to_owned();
        LastTalk { agent: agent.into(), number, account: None, at: sample::STARTED }
    }

    #[test]
    fn who_calls_again_goes_to_who_owes_them_something_or_talked_with_them_last_where_the_center_says_so() {
        let mut house = House::new();
        house.switchboard.recall_talks(&[talked("alice"), talked("bob"), talked("who left us")]);
        assert_eq!(first(&house, &[]), None, "this center does not say so");
        let live = house.switchboard.calls.get_mut(&CALL).expect("the call is up");
        let center = Arc::make_mut(&mut live.center);
        let within = Duration::from_secs(7 * 86_400);
        center.talk[0].owner_first = Some(OwnerFirst { within, wait: WAIT });
        assert_eq!(first(&house, &[]), Some((AgentId(1), WAIT)), "bob talked with them last");
        assert_eq!(first(&house, &[AgentId(1)]), None, "and must not get them");
        let nobody = Nobody { prefer: true, exclude: false };
        assert_eq!(first_of(&house, &[], nobody), None, "the flow says nobody");
        let now = Now { at: Timestamp::ZERO, wall: sample::STARTED };
        house.switchboard.recall_promises(now, vec![sample::promise(1, 600)], PromiseId(1));
        assert_eq!(first(&house, &[]), Some((AgentId(0), WAIT)), "alice owes them a call");
    }
}
