//! What a supervisor should look at: where a queue breaks what it promises, in words.

use crate::api::wallboard::why;
use crate::base::WallTime;
use crate::fact::AgentStateName;
use crate::fact::Promise;
use crate::server::board::QueueDay;
use crate::server::board::Waiting;
use crate::server::live::LiveAgent;

/// How far below its goal a service level is an alarm, in points of per cent.
const BELOW_GOAL: f64 = 15.0;
/// Of how few waits a service level says nothing.
const TELLING: u32 = 5;

/// The queue's alarms, the worst first.
pub(super) fn of(day: &QueueDay, waiting: &[Waiting], agents: &[LiveAgent], now: WallTime) -> Vec<String> {
    let here: Vec<&Waiting> = waiting.iter().filter(|wait| wait.queue == day.rules.name).collect();
    let mut alarms = Vec::new();
    let there = |agent: &&LiveAgent| agent.state != AgentStateName::Offline;
    let alone = |wait: &&&Waiting| !agents.iter().filter(there).any(|agent| why::can(agent, &wait.needs));
    match here.iter().filter(alone).count() {
        0 => {}
        1 => alarms.push("nobody is there who could help one who waits".to_owned()),
        many => alarms.push(format!("nobody is there who could help {many} who wait")),
    }
    let is_broken = |wait: &&&Waiting| wait.quote.is_some_and(|quote| wait.joined + quote < now);
    match here.iter().filter(is_broken).count() {
        0 => {}
        1 => alarms.push("a promised wait is broken".to_owned()),
        many => alarms.push(format!("{many} promised waits are broken")),
    }
    let room = day.rules.room as usize;
    if here.len() * 5 >= room * 4 && !here.is_empty() {
        alarms.push(format!("{} wait, and there is room for {room}", here.len()));
    }
    let level = day.lately.service_level().filter(|_| day.lately.ended() >= TELLING);
    if let Some(level) =
        level.map(|part| part * 100.0).filter(|level| level + BELOW_GOAL < f64::from(day.rules.goal))
    {
        alarms.push(format!("service level lately {level:.0} %, the goal is {} %", day.rules.goal));
    }
    alarms
}

/// The alarm of promises to the queue's callers that were not kept in time.
pub(super) fn overdue(queue: &str, overdue: &[&Promise]) -> Option<String> {
    let here = |promise: &&&Promise| promise.to.queue.as_deref() == Some(queue);
    let mut owners: Vec<&str> = overdue.iter().filter(here).map(|promise| &*promise.owner).collect();
    let many = owners.len();
    owners.sort_unstable();
    owners.dedup();
    match many {
        0 => None,
        1 => Some(format!("a promise to a caller is overdue: {}", owners.join(", "))),
        many => Some(format!("{many} promises to callers are overdue: {}", owners.join(", "))),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use jiff::tz::TimeZone;

    use super::*;
    use crate::base::CallId;
    use crate::base::Timestamp;
    use crate::fact::Fact;
    use crate::fact::NeedFact;
    use crate::fact::WaitExit;
    use crate::fact::What;
    use crate::server::QueueRules;
    use crate::server::board::Board;
    use crate::store::sample;

    fn tell(board: &Board, call: u64, secs: u64, what: What) {
        let fact = Fact { at: Timestamp::from_secs(secs), call: Some(CallId(call)), what };
        sample::dated(vec![fact]).iter().for_each(|dated| board.apply(dated));
    }

    fn joins(board: &Board, call: u64) {
        let needs = vec![NeedFact { skill: "billing".into(), level: 3, or: Vec::new() }];
        tell(board, call, 0, What::Enqueued { queue: "billing".into(), needs, priority: 0, waiting: 1 });
    }

    #[test]
    fn a_queue_that_breaks_what_it_promises_says_so() {
        let board = Board::new(sample::STARTED, TimeZone::UTC, &[QueueRules::named("billing")]);
        let agent = |state| LiveAgent {
            name: "alice".into(),
            state,
            since: sample::STARTED,
            reason: String::new(),
            phones: 1,
            skills: vec![("billing".into(), 5)],
        };
        let alarms = |secs, state| {
            let now = sample::STARTED + Duration::from_secs(secs);
            of(&board.queues(now)[0], &board.waiting(), &[agent(state)], now)
        };
        joins(&board, 1);
        tell(&board, 1, 1, What::WaitAsked { quote: Some(Duration::from_secs(60)), position: 1 });
        assert_eq!(alarms(30, AgentStateName::Talking), Vec::<String>::new());
        assert_eq!(alarms(61, AgentStateName::Talking), ["a promised wait is broken"]);
        assert_eq!(alarms(30, AgentStateName::Offline), ["nobody is there who could help one who waits"]);
        (2..9).for_each(|call| joins(&board, call));
        assert_eq!(alarms(30, AgentStateName::Talking), ["8 wait, and there is room for 10"]);
        (2..9).for_each(|call| tell(&board, call, 40, What::WaitEnded { exit: WaitExit::Cap }));
        assert_eq!(alarms(50, AgentStateName::Talking), ["service level lately 0 %, the goal is 80 %"]);
    }
}
