//! Calls as they are made up for the forms, whose sums must be what the forms say; and days whose figures are known.

use std::time::Duration;

use jiff::tz::TimeZone;

use super::*;
use crate::base::Timestamp;
use crate::fact::Fact;
use crate::fact::HoldBy;
use crate::fact::Outcome;
use crate::fact::Party;
use crate::fact::What;
use crate::fact::conformance::Deviates;
use crate::fact::evaluation::FilledBy;
use crate::fact::evaluation::Form;
use crate::fact::evaluation::Item;
use crate::store::HistoryWriter;
use crate::store::Readers;
use crate::store::Store;
use crate::store::evaluations;
use crate::store::evaluations::Filled;
use crate::store::evaluations::judge;
use crate::store::evaluations::tests::Script;
use crate::store::fold::DatedFact;
use crate::store::sample;

const UNTIL: WallTime = WallTime(sample::STARTED.0 + 24 * 3_600 * 1_000_000);

fn arrived() -> What {
    What::CallArrived {
        from: "+12025550143".to_owned(),
        display: String::new(),
        to: "1000".into(),
        sip_call_id: String::new(),
        source: String::new(),
        trunk: None,
    }
}

fn ended() -> What {
    What::CallEnded { by: Party::Caller, outcome: Outcome::Talked, cause: "BYE".to_owned(), by_person: None }
}

/// A made-up call that arrives so many seconds after the start, and is over before its agent says what came of it; every
/// seventh goes on.
fn made_up(call: u64, second: u64) -> Vec<Fact> {
    let begin = Timestamp::from_secs(second);
    let mut facts = Script::of(call, begin).facts;
    let is_last = |fact: &Fact| matches!(fact.what, What::TalkEnded { .. });
    let last = facts.iter().position(is_last).expect("every talk ends");
    if !call.is_multiple_of(7) {
        let at = facts[last].at;
        facts.insert(last + 1, Fact { at, call: None, what: ended() });
    }
    facts.insert(0, Fact { at: begin, call: None, what: arrived() });
    facts.into_iter().map(|fact| Fact { call: Some(CallId(call)), ..fact }).collect()
}

/// A form of all rules.
fn form() -> Form {
    let item = |rule: Rule| Item {
        name: rule.words().into(),
        filled: FilledBy::Facts { rule, queues: Vec::new() },
        points: 1,
    };
    Form { name: "all".into(), items: Rule::ALL.map(item).into(), sample: None }
}

/// What the form says of every talk of these calls, as tallies.
fn by_the_form(calls: &[Vec<Fact>]) -> ConformanceReport {
    let mut report = ConformanceReport::default();
    for facts in calls {
        let facts: Vec<DatedFact> = sample::dated(facts.clone());
        if !facts.iter().any(|dated| matches!(dated.fact.what, What::CallEnded { .. })) {
            continue;
        }
        for agent in judge::talked(&facts) {
            let queue = judge::queue_of(&agent, &facts).cloned().unwrap_or_default();
            let tally = report.0.entry((agent.clone(), queue)).or_default();
            tally.talks += 1;
            for item in evaluations::fill(&form(), &agent, &facts, &TimeZone::UTC) {
                let Filled::Facts { rule, .. } = item.filled else { panic!("by hand") };
                let kept = &mut tally.kept[rule as usize];
                kept.applied += u32::from(item.got.is_some());
                kept.kept += item.got.unwrap_or_default();
            }
        }
    }
    report
}

fn whole(readers: &Readers) -> ConformanceReport {
    readers.conformance_report(sample::STARTED, UNTIL).unwrap()
}

#[test]
fn the_sums_are_what_the_forms_say_of_each_talk_over_every_restart() {
    let calls: Vec<Vec<Fact>> = (1..=60).map(|call| made_up(call, 7 * call)).collect();
    let expected = by_the_form(&calls);
    let center = expected.center();
    assert!(Rule::ALL.into_iter().all(|rule| center.of(rule).kept < center.of(rule).applied), "{center:?}");
    let mut facts = calls.concat();
    facts.sort_by_key(|fact| fact.at);
    let up: Vec<CallId> = (1..=calls.len() as u64).map(CallId).collect();
    for killed in (0..facts.len()).step_by(facts.len() / 8) {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path()).unwrap();
        for run in [&facts[..killed], &facts[killed..]] {
            let history = HistoryWriter::carry_on(&store, sample::STARTED, &up).unwrap();
            run.iter().for_each(|fact| history.record(fact.clone()));
            history.close();
        }
        let readers = store.readers().unwrap();
        assert_eq!(whole(&readers), expected, "killed at {killed}");
        let broken = |rule: Rule| {
            let filter = BrokenFilter { rule, agent: None, queue: None, from: sample::STARTED, until: UNTIL };
            readers.broken_talks(&filter).unwrap()
        };
        let named = Rule::ALL.map(broken);
        for (rule, broken) in Rule::ALL.into_iter().zip(&named) {
            let Kept { applied, kept } = center.of(rule);
            assert_eq!((broken.talks.len() as u32, broken.more), (applied - kept, false), "{rule}");
        }
        if killed > 0 {
            continue;
        }
        // A file of an earlier version: its facts are read, until the next start has made the rows.
        let emptied = "DELETE FROM conformance; DELETE FROM seeded WHERE what LIKE 'figures%'";
        store.connection().execute_batch(emptied).unwrap();
        assert_eq!((whole(&readers), Rule::ALL.map(broken)), (expected.clone(), named.clone()));
        HistoryWriter::carry_on(&store, sample::STARTED, &up).unwrap().close();
        assert_eq!((whole(&readers), Rule::ALL.map(broken)), (expected.clone(), named));
    }
}

/// A call of a minute, in which its agent holds the caller, whether asked or not, or does not.
fn held(call: u64, agent: &str, queue: &str, hold: Option<HoldBy>) -> Vec<Fact> {
    let (agent, at) = (Name::from(agent), Timestamp::from_secs(60 * call));
    let mut told = vec![
        arrived(),
        What::Enqueued { queue: queue.into(), needs: Vec::new(), priority: 0, waiting: 1 },
        What::AgentConnected { agent: agent.clone(), waited: Duration::ZERO, quote: None },
    ];
    told.extend(hold.map(|by| What::HoldStarted {
        agent: agent.clone(),
        reason: "it".to_owned(),
        until: at + Duration::from_secs(30),
        by,
    }));
    told.push(What::TalkEnded { agent, talked: Duration::from_secs(3), by: Party::Caller });
    told.push(ended());
    let fact = |what| Fact { at, call: Some(CallId(call)), what };
    told.into_iter().map(fact).collect()
}

/// 30 of alice's callers are held, every second of them without being asked, 10 are not; of bob's and carol's all are asked, and
/// carol serves another queue.
fn day() -> (tempfile::TempDir, Store) {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path()).unwrap();
    let history = HistoryWriter::start(&store, sample::STARTED).unwrap();
    for call in 1..=40 {
        let hold = if call % 2 == 0 { HoldBy::Override } else { HoldBy::Caller };
        let facts = held(call, "alice", "billing", (call <= 30).then_some(hold));
        facts.into_iter().for_each(|fact| history.record(fact));
    }
    for call in 41..=140 {
        let (agent, queue) = if call <= 100 { ("bob", "billing") } else { ("carol", "sales") };
        held(call, agent, queue, Some(HoldBy::Caller)).into_iter().for_each(|fact| history.record(fact));
    }
    history.close();
    (folder, store)
}

#[test]
fn an_agent_who_asks_less_often_than_the_others_of_their_queue_deviates_and_a_talk_without_a_hold_says_nothing()
 {
    let (_folder, store) = day();
    let report = whole(&store.readers().unwrap());
    let kept = |kept, applied| Kept { applied, kept };
    let asked = |rows: &BTreeMap<&Name, ConformanceTally>| -> Vec<(String, u32, Kept)> {
        let of = |(name, tally): (&&Name, &ConformanceTally)| {
            (name.to_string(), tally.talks, tally.of(Rule::AskedBeforeHold))
        };
        rows.iter().map(of).collect()
    };
    let (agents, queues) = (report.by(Whose::Agent), report.by(Whose::Queue));
    let named = |name: &str, talks, kept| (name.to_owned(), talks, kept);
    assert_eq!(
        asked(&agents),
        [named("alice", 40, kept(15, 30)), named("bob", 60, kept(60, 60)), named("carol", 40, kept(40, 40))]
    );
    assert_eq!(asked(&queues), [named("billing", 100, kept(75, 90)), named("sales", 40, kept(40, 40))]);
    assert_eq!(report.center().of(Rule::AskedBeforeHold), kept(115, 130));
    let deviates = |agent: &str, rule| report.deviation(&agent.into(), rule, &queues);
    let alice = deviates("alice", Rule::AskedBeforeHold);
    assert_eq!((alice.others, alice.difference), (Some(1.0), Some(-0.5)));
    assert_eq!(alice.deviates(), Deviates::LessOften);
    assert_eq!(deviates("bob", Rule::AskedBeforeHold).deviates(), Deviates::MoreOften);
    // Nobody else serves sales, and nobody handed a caller on.
    assert_eq!(deviates("carol", Rule::AskedBeforeHold), Deviation::default());
    assert_eq!(deviates("alice", Rule::BriefedBeforeTransfer), Deviation::default());
    assert_eq!(deviates("alice", Rule::OutcomeGiven).deviates(), Deviates::AsOthers, "nobody gives one");
}

#[test]
fn talks_that_broke_a_rule_are_named_the_newest_first_and_not_all_of_very_many() {
    let (_folder, store) = day();
    let readers = store.readers().unwrap();
    let all = |rule| BrokenFilter { rule, agent: None, queue: None, from: sample::STARTED, until: UNTIL };
    let calls = |filter: BrokenFilter| {
        let broken = readers.broken_talks(&filter).unwrap();
        (broken.talks.iter().map(|talk| talk.call.0).collect::<Vec<_>>(), broken.more)
    };
    let unasked: Vec<u64> = (1..=15).rev().map(|place| 2 * place).collect();
    assert_eq!(calls(all(Rule::AskedBeforeHold)), (unasked.clone(), false));
    let of = |agent: &str| BrokenFilter { agent: Some(agent.into()), ..all(Rule::AskedBeforeHold) };
    assert_eq!([calls(of("alice")), calls(of("bob"))], [(unasked, false), (Vec::new(), false)]);
    // Calls 4 and 6 arrived in these three minutes.
    let from = sample::STARTED + Duration::from_secs(60 * 4);
    let short = BrokenFilter { from, until: from + Duration::from_secs(180), ..all(Rule::AskedBeforeHold) };
    assert_eq!(calls(short), (vec![6, 4], false));
    let (named, more) = calls(all(Rule::OutcomeGiven));
    assert_eq!((named.len(), named[0], more), (MOST_BROKEN, 140, true));
    let sales = BrokenFilter { queue: Some("sales".into()), ..all(Rule::OutcomeGiven) };
    assert_eq!(calls(sales), ((101..=140).rev().collect(), false));
}
