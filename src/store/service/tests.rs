//! A day worked by hand, and that the parts of any day come to the whole.

use jiff::tz::TimeZone;
use proptest::prelude::*;

use super::*;
use crate::base::CallId;
use crate::base::Timestamp;
use crate::fact::AgentStateName;
use crate::fact::Fact;
use crate::fact::HoldEndedBy;
use crate::fact::IdentifiedBy;
use crate::fact::MissedWhy;
use crate::fact::Outcome;
use crate::fact::Party;
use crate::fact::Place;
use crate::fact::Resolution;
use crate::fact::Target;
use crate::fact::WaitExit;
use crate::fact::What;
use crate::fact::Why;
use crate::store::HistoryWriter;
use crate::store::Readers;
use crate::store::Store;
use crate::store::sample;

/// From 14:00 on: the sample day begins at 14:02.
const TWO_PM: WallTime = WallTime(sample::STARTED.0 - 120_000_000);
const HOUR: Duration = Duration::from_secs(3_600);

fn need(skill: &str) -> NeedFact {
    NeedFact { skill: skill.into(), level: 3, or: Vec::new() }
}

fn fact(call: u64, secs: u64, what: What) -> Fact {
    Fact { at: Timestamp::from_secs(secs), call: (call > 0).then_some(CallId(call)), what }
}

fn joins(call: u64, secs: u64, queue: &str, needs: &[&str]) -> Fact {
    let needs = needs.iter().map(|skill| need(skill)).collect();
    fact(call, secs, What::Enqueued { queue: queue.into(), needs, priority: 0, waiting: 1 })
}

fn rings(call: u64, secs: u64, agent: &str) -> Fact {
    fact(call, secs, What::AgentRinging { agent: agent.into(), attempt: 1, why: Why::default() })
}

fn answers(call: u64, secs: u64, agent: &str, waited: u64) -> Fact {
    let (waited, quote) = (Duration::from_secs(waited), Some(Duration::from_secs(60)));
    fact(call, secs, What::AgentConnected { agent: agent.into(), waited, quote })
}

fn ends(call: u64, secs: u64, exit: WaitExit) -> Fact {
    fact(call, secs, What::WaitEnded { exit })
}

fn is_not_let_in(call: u64, secs: u64, queue: &str, needs: &[&str]) -> [Fact; 2] {
    let (queue, needs) = (queue.into(), needs.iter().map(|skill| need(skill)).collect());
    [fact(call, secs, What::NotLetIn { queue, needs }), ends(call, secs, WaitExit::NobodyStaffed)]
}

fn state(agent: &str, secs: u64, to: AgentStateName) -> Fact {
    let (agent, from) = (agent.into(), AgentStateName::Offline);
    fact(0, secs, What::AgentState { agent, from, to, reason: String::new() })
}

fn arrives(call: u64, secs: u64, from: &str) -> Fact {
    let (display, to, sip_call_id) = (String::new(), "1000".into(), format!("call-{call}@127.0.0.1"));
    let source = "udp 127.0.0.1:5070".into();
    fact(
        call,
        secs,
        What::CallArrived { from: from.to_owned(), display, to, sip_call_id, source, trunk: None },
    )
}

fn is_held(call: u64, secs: u64, agent: &str, held: u64) -> Fact {
    let held = Duration::from_secs(held);
    fact(call, secs, What::HoldEnded { agent: agent.into(), held, by: HoldEndedBy::Agent })
}

fn parts(call: u64, secs: u64, agent: &str, talked: u64) -> Fact {
    let talked = Duration::from_secs(talked);
    fact(call, secs, What::TalkEnded { agent: agent.into(), talked, by: Party::Caller })
}

fn says(call: u64, secs: u64, agent: &str) -> Fact {
    let (outcome, text) = (Resolution::Resolved, String::new);
    fact(call, secs, What::OutcomeSet { agent: agent.into(), outcome, reason_code: text(), note: text() })
}

fn is_settled(call: u64, secs: u64, settled: Option<bool>) -> Fact {
    let answered = sample::survey_answered("solved", 1, "alice");
    let What::SurveyAnswered { question, answer, agent, queue, .. } = answered else { unreachable!() };
    fact(call, secs, What::SurveyAnswered { question, answer, agent, queue, settled })
}

/// A caller of billing who is answered by alice at once, and talks.
fn talks(call: u64, secs: u64, from: &str, talked: u64) -> [Fact; 4] {
    [
        arrives(call, secs, from),
        joins(call, secs, "billing", &["billing"]),
        answers(call, secs, "alice", 0),
        parts(call, secs + talked, "alice", talked),
    ]
}

fn staff() -> Staff {
    let skilled = |name: &str, skills: &[&str]| Skilled {
        name: name.into(),
        skills: skills.iter().map(|skill| ((*skill).into(), 5)).collect(),
    };
    Staff {
        targets: BTreeMap::from([
            ("billing".into(), Duration::from_secs(20)),
            ("help".into(), Duration::from_secs(30)),
        ]),
        agents: vec![skilled("alice", &["billing", "english"]), skilled("bob", &["help"])],
    }
}

fn report(by: By, every: Every, facts: &[Fact], hours: u32) -> Vec<Row> {
    let intervals = Intervals::new(TWO_PM, TWO_PM + HOUR * hours, every, &TimeZone::UTC).unwrap();
    let mut report = ServiceReport::new(by, intervals, staff());
    let mut dated = sample::dated(facts.to_vec());
    // As the history tells them: call by call.
    dated.sort_by_key(|dated| (dated.fact.call, dated.wall));
    for dated in &dated {
        match dated.fact.call {
            Some(_) => report.apply(dated).unwrap(),
            None => report.apply_to_agent(dated),
        }
    }
    report.rows(TWO_PM + HOUR * hours).unwrap()
}

/// Six calls and two agents from 14:02 to 16:00; worked by hand below.
fn day() -> Vec<Fact> {
    vec![
        joins(1, 0, "billing", &["billing", "english"]),
        rings(1, 5, "alice"),
        answers(1, 10, "alice", 10),
        joins(2, 60, "billing", &["billing"]),
        rings(2, 61, "alice"),
        fact(2, 81, What::AgentMissed { agent: "alice".into(), why: MissedWhy::NoAnswer }),
        answers(2, 150, "alice", 90),
        // After 14:15.
        joins(3, 800, "billing", &["billing"]),
        ends(3, 803, WaitExit::Abandoned),
        joins(4, 900, "billing", &["billing"]),
        rings(4, 930, "alice"),
        ends(4, 940, WaitExit::Abandoned),
        joins(5, 1_000, "billing", &["billing"]),
        // From then on anybody will do.
        fact(5, 1_020, What::NeedsRelaxed { needs: Vec::new() }),
        ends(5, 1_300, WaitExit::Cap),
        joins(6, 1_000, "help", &["help"]),
        answers(6, 1_025, "bob", 25),
        state("alice", 0, AgentStateName::Ready),
        state("alice", 10, AgentStateName::Talking),
        state("alice", 130, AgentStateName::WrapUp),
        state("alice", 160, AgentStateName::Talking),
        state("alice", 400, AgentStateName::NotReady),
        state("bob", 500, AgentStateName::Ready),
        state("bob", 1_025, AgentStateName::Talking),
        state("bob", 1_550, AgentStateName::Offline),
    ]
}

/// What a row came to, as a line.
fn line(name: &str, figures: &Figures) -> String {
    let percent = |share: Option<f64>| share.map_or("-".to_owned(), |share| format!("{:.0}", share * 100.0));
    let secs = |time: Option<Duration>| time.map_or("-".to_owned(), |time| time.as_secs().to_string());
    let Tally { joined, answered, in_target, abandoned, short, unserved, longest, .. } = figures.tally;
    format!(
        "{name}: {joined} joined, {answered} answered, {in_target} in target, {abandoned}+{short} hung up, {unserved} not \
         served; SL {} of all {}, gave up {}; mean {} p90 {} longest {}; busy {} of {}: {}",
        percent(figures.tally.service_level()),
        percent(figures.tally.service_level_of_all()),
        percent(figures.tally.abandonment()),
        secs(figures.tally.average()),
        secs(figures.p90()),
        longest.as_secs(),
        figures.time.busy.as_secs(),
        figures.time.there.as_secs(),
        percent(figures.time.occupancy()),
    )
}

fn lines(by: By, every: Every) -> Vec<String> {
    let mut lines = Vec::new();
    for row in report(by, every, &day(), 2) {
        lines.push(line(&row.name, &row.whole));
        let minute = |at: WallTime| (at.0 - TWO_PM.0) / 60_000_000;
        let parts = row.intervals.iter().map(|(begins, part)| line(&format!("  {}", minute(*begins)), part));
        lines.extend(parts.filter(|_| every != Every::Day));
    }
    lines
}

#[test]
fn a_day_worked_by_hand_by_queue() {
    // alice: 10 s ready, 120 s talk, 30 s wrap-up, 240 s talk; bob: 525 s ready, of them 280 s before 14:15 (780 s after
    // 14:02), and 525 s talk. Relaxed, whoever is there can serve billing: bob too.
    assert_eq!(
        lines(By::Queue, Every::Quarter),
        [
            "billing: 5 joined, 2 answered, 1 in target, 1+1 hung up, 1 not served; SL 33 of all 25, gave up 25; mean 50 \
             p90 90 longest 90; busy 915 of 1450: 63",
            "  0: 2 joined, 2 answered, 1 in target, 0+0 hung up, 0 not served; SL 50 of all 50, gave up 0; mean 50 p90 90 \
             longest 90; busy 390 of 680: 57",
            "  15: 3 joined, 0 answered, 0 in target, 1+1 hung up, 1 not served; SL 0 of all 0, gave up 50; mean - p90 - \
             longest 40; busy 525 of 770: 68",
            "help: 1 joined, 1 answered, 1 in target, 0+0 hung up, 0 not served; SL 100 of all 100, gave up 0; mean 25 p90 \
             25 longest 25; busy 525 of 1050: 50",
            "  0: 0 joined, 0 answered, 0 in target, 0+0 hung up, 0 not served; SL - of all -, gave up -; mean - p90 - \
             longest 0; busy 0 of 280: 0",
            "  15: 1 joined, 1 answered, 1 in target, 0+0 hung up, 0 not served; SL 100 of all 100, gave up 0; mean 25 p90 \
             25 longest 25; busy 525 of 770: 68",
        ]
    );
}

#[test]
fn the_same_day_by_skill_and_by_agent() {
    assert_eq!(
        lines(By::Skill, Every::Day),
        [
            ": 1 joined, 0 answered, 0 in target, 0+0 hung up, 1 not served; SL - of all 0, gave up 0; mean - p90 - \
             longest 0; busy 0 of 0: -",
            "billing: 4 joined, 2 answered, 1 in target, 1+1 hung up, 0 not served; SL 33 of all 33, gave up 33; mean 50 \
             p90 90 longest 90; busy 390 of 400: 98",
            "english: 1 joined, 1 answered, 1 in target, 0+0 hung up, 0 not served; SL 100 of all 100, gave up 0; mean 10 \
             p90 10 longest 10; busy 390 of 400: 98",
            "help: 1 joined, 1 answered, 1 in target, 0+0 hung up, 0 not served; SL 100 of all 100, gave up 0; mean 25 p90 \
             25 longest 25; busy 525 of 1050: 50",
        ]
    );
    assert_eq!(
        lines(By::Agent, Every::Day),
        [
            ": 2 joined, 0 answered, 0 in target, 0+1 hung up, 1 not served; SL - of all 0, gave up 0; mean - p90 - \
             longest 0; busy 0 of 0: -",
            "alice: 3 joined, 2 answered, 1 in target, 1+0 hung up, 0 not served; SL 33 of all 33, gave up 33; mean 50 p90 \
             90 longest 90; busy 390 of 400: 98",
            "bob: 1 joined, 1 answered, 1 in target, 0+0 hung up, 0 not served; SL 100 of all 100, gave up 0; mean 25 p90 \
             25 longest 25; busy 525 of 1050: 50",
        ]
    );
}

/// The report of two hours, as it is so many days later.
fn handling(by: By, facts: &[Fact], days: u32) -> Vec<(String, Handling)> {
    let intervals = Intervals::new(TWO_PM, TWO_PM + HOUR * 2, Every::Day, &TimeZone::UTC).unwrap();
    let mut report = ServiceReport::new(by, intervals, staff());
    let mut dated = sample::dated(facts.to_vec());
    dated.sort_by_key(|dated| (dated.fact.call, dated.wall));
    for dated in &dated {
        match dated.fact.call {
            Some(_) => report.apply(dated).unwrap(),
            None => report.apply_to_agent(dated),
        }
    }
    let rows = report.rows(TWO_PM + HOUR * 24 * days).unwrap();
    rows.iter().map(|row| (row.name.to_string(), row.whole.handling)).collect()
}

#[test]
fn what_a_talk_takes_is_talk_and_hold_and_the_wrap_up_that_follows() {
    let mut facts = talks(1, 0, "+12025550143", 120).to_vec();
    facts.extend([
        is_held(1, 90, "alice", 30),
        state("alice", 120, AgentStateName::WrapUp),
        state("alice", 150, AgentStateName::Ready),
    ]);
    facts.extend(talks(2, 200, "+12025550144", 60));
    // Wrap-up after a consult, and a call that alice places, with its own: neither is of the queue's callers.
    facts.extend([
        state("alice", 300, AgentStateName::WrapUp),
        state("alice", 340, AgentStateName::Ready),
        fact(
            3,
            400,
            What::CallPlaced {
                agent: "alice".into(),
                to: Target::Number("+12025550145".into()),
                queue: "billing".into(),
                trunk: None,
                caller_id: None,
            },
        ),
        parts(3, 500, "alice", 90),
        state("alice", 500, AgentStateName::WrapUp),
        state("alice", 510, AgentStateName::Ready),
    ]);
    let secs = Duration::from_secs;
    for (by, name) in [(By::Queue, "billing"), (By::Skill, "billing"), (By::Agent, "alice")] {
        let rows = handling(by, &facts, 1);
        let (_, handling) = rows.iter().find(|(of, _)| of == name).unwrap();
        assert_eq!(
            (handling.talks, handling.talked, handling.held, handling.wrapped_up),
            (2, secs(150), secs(30), secs(30))
        );
        assert_eq!(handling.average(), Some(secs(105)), "by {}", by.written());
        assert_eq!(handling.contacts, 0, "nobody knows yet who calls again");
    }
}

#[test]
fn one_call_was_enough_for_whom_did_not_come_to_the_queue_again_in_seven_days() {
    const WEEK: u64 = 7 * 24 * 60 * 60;
    let mut facts = talks(1, 0, "+12025550143", 60).to_vec();
    facts.push(says(1, 70, "alice"));
    // The same number, written otherwise, in the last second; and another's a second too late.
    facts.extend(talks(2, WEEK + 60, "+1 (202) 555-0143", 60));
    facts.extend(talks(3, 10, "+12025550144", 60));
    facts.push(says(3, 80, "alice"));
    facts.extend(talks(4, WEEK + 71, "+12025550144", 60));
    // To another queue, with another matter.
    facts.extend(talks(5, 20, "+12025550145", 60));
    facts.extend([arrives(6, 500, "+12025550145"), joins(6, 500, "help", &["help"])]);
    // By account, from two phones; and somebody who is not known.
    let is = |call, secs| {
        let (customer, name, by) = ("100200".to_owned(), "Ann".to_owned(), IdentifiedBy::Account);
        fact(call, secs, What::Identified { customer, name, by })
    };
    facts.extend(talks(7, 30, "+12025550146", 60));
    facts.push(is(7, 40));
    facts.extend(talks(8, 900, "+12025550147", 60));
    facts.push(is(8, 900));
    facts.extend(talks(9, 40, "anonymous", 60));
    let rows = handling(By::Queue, &facts, 30);
    let (_, handling) = rows.iter().find(|(of, _)| of == "billing").unwrap();
    // Of 1, 3, 5, 7 and 8: not 1, who called again, nor 7.
    assert_eq!((handling.contacts, handling.once, handling.said, handling.said_once), (5, 3, 2, 1));
    assert_eq!(handling.first_call_resolution(), Some(0.6));
    let rows = self::handling(By::Queue, &facts, 6);
    assert!(rows.iter().all(|(_, handling)| handling.contacts == 0));
}

#[test]
fn whether_it_is_settled_is_the_caller_s_to_say_at_once_and_whoever_they_are() {
    let mut facts = Vec::new();
    // Yes, no, yes of somebody who is not known, no answer, and an answer to another question.
    for (call, settled) in [(1, Some(true)), (2, Some(false)), (3, Some(true)), (4, None), (5, None)] {
        let from = if call == 3 { "anonymous" } else { "+12025550143" };
        facts.extend(talks(call, call * 100, from, 60));
        if call != 4 {
            facts.push(is_settled(call, call * 100 + 80, settled));
        }
    }
    for (by, name) in [(By::Queue, "billing"), (By::Agent, "alice")] {
        let rows = handling(by, &facts, 1);
        let (_, handling) = rows.iter().find(|(of, _)| of == name).unwrap();
        assert_eq!((handling.talks, handling.asked, handling.settled), (5, 3, 2), "by {}", by.written());
        assert_eq!(handling.settled_by_answer(), Some(2.0 / 3.0));
        assert_eq!(handling.contacts, 0, "nobody knows yet who calls again");
    }
    assert_eq!(Handling::default().settled_by_answer(), None);
}

#[test]
fn of_a_call_with_two_talks_of_a_queue_the_last_shows_whether_it_was_enough() {
    let mut facts = talks(1, 0, "+12025550143", 60).to_vec();
    facts.extend([
        joins(1, 70, "billing", &["billing"]),
        answers(1, 80, "bob", 10),
        parts(1, 100, "bob", 20),
    ]);
    let rows = handling(By::Agent, &facts, 8);
    let contacts =
        |name: &str| rows.iter().find(|(of, _)| of == name).map(|(_, of)| (of.talks, of.contacts, of.once));
    assert_eq!((contacts("alice"), contacts("bob")), (Some((1, 0, 0)), Some((1, 1, 1))));
}

#[test]
fn whoever_was_there_when_the_server_died_is_not_from_then_on() {
    let mut facts = sample::dated(vec![
        state("alice", 0, AgentStateName::Ready),
        state("bob", 60, AgentStateName::Ready),
        // Another run, half an hour later.
        state("bob", 10, AgentStateName::Ready),
    ]);
    facts[2].wall = WallTime(facts[2].wall.0 + 1_800_000_000);
    let intervals = Intervals::new(TWO_PM, TWO_PM + HOUR, Every::Day, &TimeZone::UTC).unwrap();
    let mut report = ServiceReport::new(By::Agent, intervals, staff());
    facts.iter().for_each(|dated| report.apply_to_agent(dated));
    let there = |row: &Row| (row.name.to_string(), row.whole.time.there.as_secs());
    let rows = report.rows(facts[2].wall + Duration::from_secs(5)).unwrap();
    assert_eq!(rows.iter().map(there).collect::<Vec<_>>(), [("alice".into(), 60), ("bob".into(), 5)]);
}

#[test]
fn who_is_answered_by_the_mark_of_long_waits_counts_whatever_the_target_is() {
    let facts = [
        joins(1, 0, "billing", &[]),
        answers(1, 180, "alice", 180),
        joins(2, 0, "billing", &[]),
        answers(2, 181, "alice", 181),
        joins(3, 0, "billing", &[]),
        ends(3, 60, WaitExit::Abandoned),
        joins(4, 0, "billing", &[]),
        ends(4, 60, WaitExit::Cap),
    ];
    let tally = report(By::Queue, Every::Day, &facts, 1)[0].whole.tally;
    assert_eq!((tally.in_target, tally.in_long_wait, tally.within_long_wait()), (0, 1, Some(0.25)));
}

#[test]
fn whom_a_queue_does_not_let_in_came_and_was_not_served() {
    let facts = is_not_let_in(1, 0, "billing", &["billing"]);
    let rows = report(By::Queue, Every::Day, &facts, 1);
    let tally = rows[0].whole.tally;
    assert_eq!((&*rows[0].name, tally.joined, tally.unserved, tally.ended()), ("billing", 1, 1, 1));
    assert_eq!(tally.service_level_of_all(), Some(0.0));
    let rows = report(By::Skill, Every::Day, &facts, 1);
    assert_eq!((&*rows[0].name, rows[0].whole.tally.unserved), ("billing", 1));
}

#[test]
fn the_history_gives_the_report_that_its_facts_give() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path()).unwrap();
    let history = HistoryWriter::start(&store, sample::STARTED).unwrap();
    let day = [day(), recalled()].concat();
    for told in day.clone() {
        if let (What::Enqueued { .. }, Some(call)) = (&told.what, told.call) {
            let sip_call_id = format!("call-{call}@127.0.0.1");
            let source = "udp 127.0.0.1:5070".into();
            let (from, display, to) = ("+12025550143".into(), String::new(), "1000".into());
            let what = What::CallArrived { from, display, to, sip_call_id, source, trunk: None };
            history.record(Fact { what, ..told.clone() });
        }
        history.record(told);
    }
    history.flush();
    let readers = store.readers().unwrap();
    for by in [By::Queue, By::Skill, By::Agent] {
        let intervals = Intervals::new(TWO_PM, TWO_PM + HOUR * 2, Every::Quarter, &TimeZone::UTC).unwrap();
        let rows = readers.service_report(by, intervals, staff(), TWO_PM + HOUR * 2).unwrap().unwrap();
        assert_eq!(rows, report(by, Every::Quarter, &day, 2));
    }
}

#[test]
fn a_wait_is_judged_by_the_target_that_its_queue_had_when_it_began() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path()).unwrap();
    let history = HistoryWriter::start(&store, sample::STARTED).unwrap();
    let target = |secs, within| {
        let within = Duration::from_secs(within);
        fact(0, secs, What::TargetSet { queue: "billing".into(), percent: 80, within })
    };
    let mut facts = vec![target(50, 60), target(1_000, 10)];
    for (call, joined) in [(1, 0), (2, 60), (3, 990), (4, 1_000)] {
        facts.push(joins(call, joined, "billing", &["billing"]));
        facts.push(answers(call, joined + 40, "alice", 40));
        let (by, outcome, cause) = (Party::Caller, Outcome::Talked, String::new());
        facts.push(fact(call, joined + 100, What::CallEnded { by, outcome, cause, by_person: None }));
    }
    // Of this queue nothing is told: the center's 30 s.
    facts.extend([joins(5, 500, "help", &["help"]), answers(5, 525, "bob", 25)]);
    facts.iter().for_each(|fact| history.record(fact.clone()));
    history.flush();
    let (readers, now) = (store.readers().unwrap(), TWO_PM + HOUR);
    let rows = report_of_rows(&readers, By::Queue, now);
    let in_target = |row: &Row| (row.name.to_string(), row.whole.tally.answered, row.whole.tally.in_target);
    // The first holds for the time before it, too; whoever joined before the change is judged by what held then.
    assert_eq!(
        rows.iter().map(in_target).collect::<Vec<_>>(),
        [("billing".into(), 4, 3), ("help".into(), 1, 1)]
    );
    assert_eq!(rows, report_of_facts(&readers, By::Queue, 5, now));
}

#[test]
fn a_clock_that_is_set_makes_no_time_of_work_and_no_wait_longer_or_shorter() {
    use AgentStateName::*;
    let (by, outcome, cause) = (Party::Caller, Outcome::Abandoned, String::new());
    let set = |secs, by_ms| fact(0, secs, What::CalendarSet { by_ms });
    let ended = fact(1, 400, What::CallEnded { by, outcome, cause, by_person: None });
    for by_ms in [3_600_000_i64, -240_000] {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path()).unwrap();
        let history = HistoryWriter::start(&store, sample::STARTED).unwrap();
        let before = [
            state("alice", 300, Ready),
            state("bob", 300, Talking),
            joins(1, 340, "billing", &["billing"]),
            state("bob", 350, WrapUp),
        ];
        let after =
            [set(360, by_ms), state("bob", 380, NotReady), ended.clone(), state("alice", 420, NotReady)];
        before.into_iter().for_each(|fact| history.record(fact));
        history.calendar_set(sample::STARTED.moved(by_ms));
        after.into_iter().for_each(|fact| history.record(fact));
        history.flush();
        let (readers, now) = (store.readers().unwrap(), TWO_PM + HOUR * 3);
        let told = readers.facts(CallId(1)).unwrap();
        let apart = told[1].wall.0 - told[0].wall.0;
        assert_eq!(apart, 60_000_000 + by_ms * 1_000, "in order as it happened, and by the clock of then");
        assert_eq!(readers.call(CallId(1)).unwrap().unwrap().waited, Some(Duration::from_secs(60)));
        let rows = report_of_rows(&readers, By::Agent, now);
        assert_eq!(rows, report_of_facts(&readers, By::Agent, 1, now), "{by_ms} ms");
        let time = |name: &str| {
            let row = rows.iter().find(|row| &*row.name == name).expect("they were there");
            (row.whole.time.there.as_secs(), row.whole.time.busy.as_secs())
        };
        assert_eq!((time("alice"), time("bob")), ((120, 0), (80, 80)), "{by_ms} ms");
    }
}

#[test]
fn what_a_full_disk_has_cost_is_in_no_row() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path()).unwrap();
    let history = HistoryWriter::start(&store, sample::STARTED).unwrap();
    let record = |facts: &[Fact]| {
        facts.iter().for_each(|fact| history.record(fact.clone()));
        history.flush();
    };
    record(&[state("alice", 0, AgentStateName::Ready), joins(1, 0, "billing", &["billing"])]);
    store.connection().execute_batch("ALTER TABLE facts RENAME TO elsewhere").unwrap();
    record(&[state("alice", 10, AgentStateName::Talking), answers(1, 10, "alice", 10)]);
    assert_eq!(history.lost(), 2);
    store.connection().execute_batch("ALTER TABLE elsewhere RENAME TO facts").unwrap();
    let (by, outcome, cause) = (Party::Caller, Outcome::Abandoned, String::new());
    let ended = fact(1, 120, What::CallEnded { by, outcome, cause, by_person: None });
    record(&[state("alice", 100, AgentStateName::NotReady), ended]);
    let (readers, now) = (store.readers().unwrap(), TWO_PM + HOUR);
    for by in [By::Queue, By::Skill, By::Agent] {
        let told = report_of_facts(&readers, by, 1, now);
        assert_eq!(report_of_rows(&readers, by, now), told);
        let there = told.iter().find(|row| !row.whole.time.there.is_zero()).expect("alice was there");
        assert_eq!((there.whole.time.there.as_secs(), there.whole.time.busy.as_secs()), (100, 0));
    }
}

/// A caller whose place outlived the server: it no longer rings at alice, and anybody will do by now.
fn recalled() -> Vec<Fact> {
    let (since, needs) = (sample::STARTED + Duration::from_secs(1_400), Vec::new());
    let recalled = What::PlaceRecalled { queue: "billing".into(), needs, priority: 0, waiting: 1, since };
    vec![
        joins(7, 1_400, "billing", &["billing"]),
        rings(7, 1_410, "alice"),
        fact(7, 1_420, recalled),
        ends(7, 1_500, WaitExit::Abandoned),
    ]
}

/// The report of all facts that the file has, told one by one.
fn report_of_facts(readers: &Readers, by: By, calls: u64, now: WallTime) -> Vec<Row> {
    let intervals = Intervals::new(TWO_PM, TWO_PM + HOUR * 4, Every::Quarter, &TimeZone::UTC).unwrap();
    let mut report = ServiceReport::new(by, intervals, staff());
    let (of_no_call, mut targets) = (readers.facts(CallId(0)).unwrap(), Targets::default());
    of_no_call.iter().for_each(|dated| targets.apply(dated));
    report.judge_by(targets);
    for call in 1..=calls {
        readers.facts(CallId(call)).unwrap().iter().for_each(|dated| report.apply(dated).unwrap());
    }
    of_no_call.iter().for_each(|dated| report.apply_to_agent(dated));
    report.rows(now).unwrap()
}

/// The same by the rows that were written with them.
fn report_of_rows(readers: &Readers, by: By, now: WallTime) -> Vec<Row> {
    let intervals = Intervals::new(TWO_PM, TWO_PM + HOUR * 4, Every::Quarter, &TimeZone::UTC).unwrap();
    readers.service_report(by, intervals, staff(), now).unwrap().unwrap()
}

fn opens_a_desk(second: u64) -> Fact {
    fact(0, second, What::DeskOpened { agent: "sam".into() })
}

/// A day in two runs of the server, the second of which begins in this second of the day; the server is killed or stopped in
/// between.
fn lived_through(store: &Store, facts: Vec<Fact>, second: u64, waits_to_be_written: bool) -> HistoryWriter {
    let (first, later): (Vec<Fact>, Vec<Fact>) =
        facts.into_iter().partition(|fact| fact.at < Timestamp::from_secs(second));
    let history = HistoryWriter::start(store, sample::STARTED).unwrap();
    for fact in first {
        history.record(fact);
        if waits_to_be_written {
            history.flush();
        }
    }
    history.close();
    drop(history);
    let began = Duration::from_secs(second);
    let history = HistoryWriter::start(store, sample::STARTED + began).unwrap();
    for fact in later {
        history.record(Fact { at: Timestamp::ZERO + fact.at.since(Timestamp::ZERO + began), ..fact });
    }
    history.flush();
    history
}

/// One call's facts, and an agent's states, by numbers that chance draws.
fn any_day() -> impl Strategy<Value = Vec<Fact>> {
    let talk = (0..300u64, 0..4u8, 0..4usize);
    let call = (0..10_000u64, 0..2usize, 0..4usize, 0..600u64, 0..7u8, talk);
    let change = (0..10_000u64, 0..2usize, 0..6usize);
    (prop::collection::vec(call, 0..40), prop::collection::vec(change, 0..40)).prop_map(
        |(calls, mut changes)| {
            let (queues, agents) = (["billing", "help"], ["alice", "bob"]);
            let numbers = ["+12025550143", "+12025550144", "+12025550145", "anonymous"];
            let needs: [&[&str]; 4] = [&[], &["billing"], &["help"], &["english"]];
            let states = [
                AgentStateName::Offline,
                AgentStateName::Ready,
                AgentStateName::Ringing,
                AgentStateName::Talking,
                AgentStateName::WrapUp,
                AgentStateName::NotReady,
            ];
            let mut facts = Vec::new();
            for (place, (joined, queue, skills, waits, end, talk)) in calls.into_iter().enumerate() {
                let (call, over) = (place as u64 + 1, joined + waits);
                let (talked, became, number) = talk;
                facts.push(arrives(call, joined, numbers[number]));
                if end == 6 {
                    facts.extend(is_not_let_in(call, joined, queues[queue], needs[skills]));
                    continue;
                }
                facts.push(joins(call, joined, queues[queue], needs[skills]));
                let (from, to) = (queues[queue].into(), queues[1 - queue].into());
                match end {
                    0 => {
                        let (agent, parted) = (agents[queue], over + talked);
                        facts.extend([
                            answers(call, over, agent, waits),
                            is_held(call, parted, agent, talked / 3),
                            parts(call, parted, agent, talked),
                        ]);
                        if became & 1 == 1 {
                            facts.push(says(call, parted + 3, agent));
                        }
                        if number & 1 == 1 {
                            facts.push(is_settled(
                                call,
                                parted + 5,
                                [None, Some(true), Some(false)][skills % 3],
                            ));
                        }
                        if became & 2 == 2 {
                            facts.push(state(agent, parted, AgentStateName::WrapUp));
                            facts.push(state(agent, parted + 20, AgentStateName::Ready));
                        }
                    }
                    1 => facts.push(ends(call, over, WaitExit::Abandoned)),
                    2 => facts
                        .extend([rings(call, joined, agents[queue]), ends(call, over, WaitExit::Abandoned)]),
                    3 => facts.push(ends(call, over, WaitExit::Cap)),
                    4 => {
                        let (needs, by) = (vec![need("help")], "sam".into());
                        let moved = What::WaitMoved { from, to, needs, priority: 1, by };
                        let (by, outcome) = (Party::Caller, Outcome::Abandoned);
                        let ended = What::CallEnded { by, outcome, cause: String::new(), by_person: None };
                        facts.extend([fact(call, over, moved), fact(call, over + 7, ended)]);
                    }
                    _ => {}
                }
            }
            changes.sort_unstable();
            facts.extend(changes.into_iter().map(|(at, agent, to)| state(agents[agent], at, states[to])));
            facts
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn rows_come_to_what_their_facts_come_to_over_restarts_and_where_they_are_made_later(
        mut facts in any_day(), second in 1..12_000_u64, (flushed, over) in any::<(bool, u64)>(),
    ) {
        let calls = facts.iter().filter_map(|fact| fact.call).max().map_or(0, |last| last.0);
        // Some are over, whatever became of their waits; some are up, and some wait to be called back.
        for call in (1..=calls).filter(|call| over >> (call % 64) & 1 == 1) {
            let (by, outcome, cause) = (Party::Caller, Outcome::LeftInFlow, String::new());
            facts.push(fact(call, 11_000, What::CallEnded { by, outcome, cause, by_person: None }));
            if call % 3 == 0 && second < 11_000 {
                let number = "+12025550143".to_owned();
                let place = Some(Box::new(Place { queue: "billing".into(), ..Place::default() }));
                let since = sample::STARTED + Duration::from_secs(call);
                let (needs, queue) = (vec![need("help")], "help".into());
                let recalled = What::PlaceRecalled { queue, needs, priority: 0, waiting: 1, since };
                facts.push(fact(call, second.saturating_sub(1), What::CallbackChosen { number, at: None, place }));
                facts.push(fact(call, second, recalled));
            }
        }
        // Each run tells of its own: without a word of the next one, facts alone do not say that a run is over.
        facts.push(opens_a_desk(second));
        facts.sort_by_key(|fact| fact.at);
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path()).unwrap();
        let history = lived_through(&store, facts, second, flushed);
        let readers = store.readers().unwrap();
        // So much later that it shows who called again.
        let now = sample::STARTED + HOUR * 24 * 8;
        let reports = |report: &dyn Fn(By) -> Vec<Row>| [By::Queue, By::Skill, By::Agent].map(report);
        let told = reports(&|by| report_of_facts(&readers, by, calls, now));
        prop_assert_eq!(&told, &reports(&|by| report_of_rows(&readers, by, now)));
        drop(history);
        // A file of an earlier version has no rows: its facts are read, until the next start has made them.
        let connection = rusqlite::Connection::open(folder.path().join(crate::store::FILE)).unwrap();
        let emptied = "DELETE FROM waits; DELETE FROM spells; DELETE FROM talks; DELETE FROM visits; DELETE FROM wrap_ups; \
             DELETE FROM seeded WHERE what LIKE 'figures%'";
        connection.execute_batch(emptied).unwrap();
        prop_assert_eq!(&told, &reports(&|by| report_of_rows(&readers, by, now)));
        let history = HistoryWriter::start(&store, now).unwrap();
        history.record(opens_a_desk(0));
        history.flush();
        let told = reports(&|by| report_of_facts(&readers, by, calls, now));
        prop_assert_eq!(&told, &reports(&|by| report_of_rows(&readers, by, now)));
        let count = "SELECT (SELECT count(*) FROM waits) + (SELECT count(*) FROM spells)";
        let rows: i64 = connection.query_row(count, [], |row| row.get(0)).unwrap();
        prop_assert!(rows > 0 || told.iter().all(Vec::is_empty));
    }
}

proptest! {
    #[test]
    fn parts_come_to_the_whole(facts in any_day()) {
        let all = Figures::sum(report(By::Queue, Every::Day, &facts, 4).iter().map(|row| &row.whole));
        for by in [By::Queue, By::Skill, By::Agent] {
            let days = report(by, Every::Day, &facts, 4);
            for every in [Every::Quarter, Every::HalfHour, Every::Hour] {
                let parts = report(by, every, &facts, 4);
                prop_assert_eq!(parts.len(), days.len());
                for (row, day) in parts.iter().zip(&days) {
                    let intervals = Figures::sum(row.intervals.iter().map(|(_, figures)| figures));
                    prop_assert_eq!(&intervals, &row.whole);
                    prop_assert_eq!(&row.whole, &day.whole, "{} by {}", &row.name, every.written());
                }
            }
            // Each call here needs one skill at most: by whichever way they are divided, the calls are the same.
            let whole = Figures::sum(days.iter().map(|row| &row.whole));
            prop_assert_eq!((whole.tally, &whole.waits), (all.tally, &all.waits));
            let Tally { joined, .. } = whole.tally;
            prop_assert!(joined >= whole.tally.ended() + whole.tally.short);
            for row in &days {
                prop_assert!(row.whole.time.busy <= row.whole.time.there);
                prop_assert!(row.whole.p90() <= Some(row.whole.tally.longest));
            }
        }
    }
}
