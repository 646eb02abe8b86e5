//! What a supervisor should look at: where a queue breaks what it promises, in words.

use std::time::Duration;

use crate::api::queues::waited_s;
use crate::base::Name;
use crate::base::WallTime;
use crate::fact::AgentStateName;
use crate::fact::Promise;
use crate::flow::center::AlarmPolicy;
use crate::server::board::QueueDay;
use crate::server::live::LiveAgent;
use crate::store::Losses;
use crate::store::waits::Waiting;
use crate::store::why::can;

/// How far below its goal a service level is an alarm where nobody says otherwise, in points of per cent.
const BELOW_GOAL: f64 = 15.0;
/// Of how few waits a share says nothing.
const TELLING: u32 = 5;

/// The queue's alarms, the worst first.
pub(super) fn of(
    day: &QueueDay,
    policy: &AlarmPolicy,
    waiting: &[Waiting],
    agents: &[LiveAgent],
    now: WallTime,
) -> Vec<String> {
    let here: Vec<&Waiting> = waiting.iter().filter(|wait| wait.queue == day.rules.name).collect();
    let mut alarms = Vec::new();
    let there = |agent: &&LiveAgent| agent.state != AgentStateName::Offline;
    let alone =
        |wait: &&&Waiting| !agents.iter().filter(there).any(|agent| wait.fits(&agent.name, &agent.skills));
    match here.iter().filter(alone).count() {
        0 => {}
        1 => alarms.push("nobody is there who could help one who waits".to_owned()),
        many => alarms.push(format!("nobody is there who could help {many} who wait")),
    }
    let serves = |agent: &LiveAgent| can(&agent.skills, &day.rules.needs);
    let sent_away = day.lately.unserved;
    if here.is_empty() && sent_away > 0 && !agents.iter().filter(there).any(serves) {
        let callers =
            if sent_away == 1 { "a caller was".to_owned() } else { format!("{sent_away} callers were") };
        alarms.push(format!("nobody is there who could help: {callers} not served lately"));
    }
    let is_broken = |wait: &&&Waiting| wait.quote.is_some_and(|quote| wait.joined + quote < now);
    match here.iter().filter(is_broken).count() {
        0 => {}
        1 => alarms.push("a promised wait is broken".to_owned()),
        many => alarms.push(format!("{many} promised waits are broken")),
    }
    alarms.extend(policy.longest_wait.and_then(|most| too_long(&here, most, now)));
    alarms.extend(crowded(here.len(), day.rules.room as usize, policy));
    alarms.extend(in_shares(day, policy));
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

/// The alarm of a queue in which many wait for each agent.
pub(super) fn surge(since: WallTime, now: WallTime) -> String {
    match waited_s(since, now) / 60 {
        0 => "a surge has begun".to_owned(),
        minutes => format!("a surge for {minutes} min"),
    }
}

/// The alarm of a queue whose last week was another one than those before, on the day on which it is told.
pub(super) fn trend(words: &str) -> String {
    format!("last week was another one than those before: {words}")
}

/// The alarm of phones that are always ready and cannot be reached, those first that are so for longest.
pub(super) fn unreached(agents: &[(Name, WallTime)], now: WallTime) -> Option<String> {
    let mut agents: Vec<&(Name, WallTime)> = agents.iter().collect();
    agents.sort_by_key(|(_, since)| *since);
    let one = |(name, since): &&(Name, WallTime)| format!("{name} for {} min", waited_s(*since, now) / 60);
    let all: Vec<String> = agents.iter().map(one).collect();
    (!all.is_empty()).then(|| format!("phones that are always ready cannot be reached: {}", all.join(", ")))
}

/// The alarm of a server whose history is being lost.
pub(super) fn history(losses: &Losses) -> Option<String> {
    let facts = match losses.lost() {
        1 => "a fact is".to_owned(),
        many => format!("{many} facts are"),
    };
    losses.go_on().then(|| {
        format!("history is being lost, because the disk is full or too slow: {facts} gone, calls are served all the same")
    })
}

fn too_long(here: &[&Waiting], most: Duration, now: WallTime) -> Option<String> {
    let long = here.iter().filter(|wait| wait.joined + most < now).count();
    let most = most.as_secs();
    match long {
        0 => None,
        1 => Some(format!("somebody has waited longer than {most} s")),
        many => Some(format!("{many} have waited longer than {most} s")),
    }
}

fn crowded(here: usize, room: usize, policy: &AlarmPolicy) -> Option<String> {
    let too_many = match policy.waiting {
        Some(most) => here >= most as usize,
        None => here * 5 >= room * 4,
    };
    let words = || match policy.waiting {
        Some(_) => format!("{here} wait"),
        None => format!("{here} wait, and there is room for {room}"),
    };
    (too_many && here > 0).then(words)
}

/// What the waits that have ended lately say together.
fn in_shares(day: &QueueDay, policy: &AlarmPolicy) -> impl Iterator<Item = String> {
    let told = day.lately.ended() >= TELLING;
    let percent = |share: Option<f64>| share.filter(|_| told).map(|share| share * 100.0);
    let goal = day.rules.goal;
    let least = policy.service_level.map_or(f64::from(goal) - BELOW_GOAL, f64::from);
    let level = percent(day.lately.service_level_of_all()).filter(|level| *level < least);
    let most = policy.abandonment.map(f64::from);
    let lost = percent(day.lately.abandonment()).filter(|lost| most.is_some_and(|most| *lost > most));
    let level = level.map(|level| format!("service level lately {level:.0} %, the goal is {goal} %"));
    level.into_iter().chain(lost.map(|lost| format!("{lost:.0} % gave up lately")))
}

#[cfg(test)]
mod tests {
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
    fn callers_whom_nobody_let_in_are_an_alarm_until_somebody_is_there() {
        let needs = vec![NeedFact { skill: "billing".into(), level: 3, or: Vec::new() }];
        let rules = QueueRules { needs: needs.clone(), ..QueueRules::named("billing") };
        let board = Board::new(sample::STARTED, TimeZone::UTC, &[rules]);
        let now = sample::STARTED + Duration::from_secs(60);
        let alarms = |agents: &[LiveAgent]| {
            of(&board.queues(now)[0], &AlarmPolicy::default(), &board.waiting(), agents, now)
        };
        let comes = |call, secs| {
            tell(&board, call, secs, What::NotLetIn { queue: "billing".into(), needs: needs.clone() });
            tell(&board, call, secs, What::WaitEnded { exit: WaitExit::NobodyStaffed });
        };
        assert_eq!(alarms(&[]), Vec::<String>::new(), "nobody called");
        comes(1, 10);
        assert_eq!(alarms(&[]), ["nobody is there who could help: a caller was not served lately"]);
        comes(2, 20);
        let two = ["nobody is there who could help: 2 callers were not served lately"];
        let at = |state, level| LiveAgent { skills: vec![("billing".into(), level)], ..alice(state) };
        assert_eq!(alarms(&[at(AgentStateName::Offline, 5), at(AgentStateName::Ready, 1)]), two);
        assert_eq!(alarms(&[at(AgentStateName::NotReady, 5)]), Vec::<String>::new());
    }

    fn alice(state: AgentStateName) -> LiveAgent {
        LiveAgent {
            name: "alice".into(),
            state,
            since: sample::STARTED,
            reason: String::new(),
            phones: 1,
            skills: vec![("billing".into(), 5)],
            auto_answer: None,
        }
    }

    #[test]
    fn a_queue_that_breaks_what_it_promises_says_so() {
        let board = Board::new(sample::STARTED, TimeZone::UTC, &[QueueRules::named("billing")]);
        let by = |policy: &AlarmPolicy, secs, state| {
            let now = sample::STARTED + Duration::from_secs(secs);
            of(&board.queues(now)[0], policy, &board.waiting(), &[alice(state)], now)
        };
        let alarms = |secs, state| by(&AlarmPolicy::default(), secs, state);
        joins(&board, 1);
        tell(&board, 1, 1, What::WaitAsked { quote: Some(Duration::from_secs(60)), position: 1 });
        assert_eq!(alarms(30, AgentStateName::Talking), Vec::<String>::new());
        assert_eq!(alarms(61, AgentStateName::Talking), ["a promised wait is broken"]);
        assert_eq!(alarms(30, AgentStateName::Offline), ["nobody is there who could help one who waits"]);
        (2..9).for_each(|call| joins(&board, call));
        assert_eq!(alarms(30, AgentStateName::Talking), ["8 wait, and there is room for 10"]);
        let own = AlarmPolicy {
            waiting: Some(9),
            longest_wait: Some(Duration::from_secs(30)),
            service_level: Some(1),
            abandonment: Some(20),
        };
        assert_eq!(by(&own, 30, AgentStateName::Talking), Vec::<String>::new());
        assert_eq!(by(&own, 31, AgentStateName::Talking), ["8 have waited longer than 30 s"]);
        joins(&board, 9);
        assert_eq!(by(&own, 20, AgentStateName::Talking), ["9 wait"]);
        (2..9).for_each(|call| tell(&board, call, 40, What::WaitEnded { exit: WaitExit::Cap }));
        assert_eq!(alarms(50, AgentStateName::Talking), ["service level lately 0 %, the goal is 80 %"]);
        tell(&board, 9, 40, What::WaitEnded { exit: WaitExit::Abandoned });
        let expected = ["somebody has waited longer than 30 s", "service level lately 0 %, the goal is 80 %"];
        assert_eq!(by(&own, 50, AgentStateName::Talking), expected);
        let strict = AlarmPolicy { service_level: None, abandonment: Some(10), ..own };
        assert!(by(&strict, 50, AgentStateName::Talking).contains(&"12 % gave up lately".to_owned()));
    }
}
