//! Routes of scripted calls, with a kill at every fact.

use std::time::Duration;

use super::*;
use crate::base::Timestamp;
use crate::fact::Fact;
use crate::fact::Target;
use crate::store::HistoryWriter;
use crate::store::Store;
use crate::store::sample;

fn arrived(to: &str) -> What {
    What::CallArrived {
        from: "+12025550143".to_owned(),
        display: String::new(),
        to: to.into(),
        sip_call_id: String::new(),
        source: String::new(),
        trunk: None,
    }
}

fn at(node: &str) -> What {
    What::NodeEntered { flow: "main".into(), node: node.into(), by: None }
}

fn chose(choice: &str) -> What {
    What::Chose { node: "topics".into(), digit: '1', choice: choice.into() }
}

fn joins(queue: &str) -> What {
    What::Enqueued { queue: queue.into(), needs: Vec::new(), priority: 0, waiting: 1 }
}

fn connected(agent: &str) -> What {
    What::AgentConnected { agent: agent.into(), waited: Duration::ZERO, quote: None }
}

fn moved(from: &str, to: &str) -> What {
    let (from, to, by) = (from.into(), to.into(), "sam".into());
    What::WaitMoved { from, to, needs: Vec::new(), priority: 0, by }
}

fn wrong(agent: &str, belongs: Option<&str>) -> What {
    let belongs = belongs.map(Name::from);
    What::Misrouted { agent: agent.into(), queue: None, belongs, reason: String::new() }
}

fn right(agent: &str) -> What {
    What::MisroutedTakenBack { agent: agent.into() }
}

fn calls() -> Vec<Vec<What>> {
    let by = |choice| vec![arrived("1000"), at("topics"), chose(choice)];
    let billing = || [by("billing"), vec![joins("billing"), connected("alice")]].concat();
    vec![
        billing(),
        [billing(), vec![wrong("alice", None), wrong("alice", Some("support"))]].concat(),
        [billing(), vec![wrong("alice", None)]].concat(),
        // It is taken back by who said it, and by nobody else.
        [billing(), vec![wrong("alice", Some("sales")), right("alice"), right("alice")]].concat(),
        [billing(), vec![wrong("alice", Some("sales")), right("bob")]].concat(),
        // Whom she gives to another queue, that was the wrong one as well.
        [billing(), vec![joins("support"), connected("bob"), wrong("bob", Some("billing"))]].concat(),
        // Who comes back to the queue comes as before.
        [billing(), vec![joins("billing"), connected("bob")]].concat(),
        // Who got them from a colleague says it of how they came to that one.
        [billing(), vec![wrong("carol", Some("support"))]].concat(),
        [by("billing"), vec![joins("billing"), moved("billing", "support"), connected("bob")]].concat(),
        vec![arrived("2000"), at("welcome"), joins("support"), connected("bob"), wrong("bob", None)],
        // Nobody comes to a queue in a call that an agent places.
        vec![
            What::CallPlaced {
                agent: "bob".into(),
                to: Target::Number("1".to_owned()),
                queue: "support".into(),
                trunk: None,
                caller_id: None,
            },
            wrong("bob", None),
        ],
    ]
}

fn expected() -> BTreeMap<Route, RouteTally> {
    let chose = Way::Chose { flow: "main".into(), node: "topics".into(), choice: "billing".into() };
    let tally = |talks, belongs: &[(&str, u32)]| RouteTally {
        talks,
        misrouted: belongs.iter().map(|(_, times)| times).sum(),
        belongs: belongs.iter().map(|(queue, times)| (Name::from(*queue), *times)).collect(),
    };
    [
        ("1000", chose, "billing", tally(9, &[("", 1), ("support", 2), ("sales", 1)])),
        ("1000", Way::HandedOn, "support", tally(1, &[("billing", 1)])),
        ("1000", Way::Moved, "support", tally(1, &[])),
        ("2000", Way::Flow, "support", tally(1, &[("", 1)])),
    ]
    .map(|(entry, way, queue, tally)| (Route { entry: entry.into(), way, queue: queue.into() }, tally))
    .into()
}

fn facts() -> Vec<Fact> {
    let of = |(id, told): (u64, Vec<What>)| {
        let date = move |(place, what)| Fact {
            at: Timestamp::from_secs(60 * id + 4 * place),
            call: Some(CallId(id)),
            what,
        };
        (0_u64..).zip(told).map(date).collect::<Vec<_>>()
    };
    (1..).zip(calls()).flat_map(of).collect()
}

#[test]
fn what_is_said_of_a_route_outlives_every_restart_and_is_of_a_time() {
    for killed in 0..facts().len() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path()).unwrap();
        for run in [&facts()[..killed], &facts()[killed..]] {
            let up: Vec<CallId> = (1..=calls().len() as u64).map(CallId).collect();
            let history = HistoryWriter::carry_on(&store, sample::STARTED, &up).unwrap();
            run.iter().for_each(|fact| history.record(fact.clone()));
            history.close();
        }
        let readers = store.readers().unwrap();
        let until = |calls: u64| sample::STARTED + Duration::from_secs(60 * (calls + 1));
        let whole = || readers.route_report(sample::STARTED, until(20)).unwrap().0;
        assert_eq!(whole(), expected(), "killed at {killed}");
        let first = readers.route_report(sample::STARTED, until(1)).unwrap().0;
        assert_eq!(first.values().map(|tally| (tally.talks, tally.misrouted)).collect::<Vec<_>>(), [(1, 0)]);
        if killed > 0 {
            continue;
        }
        // A file of an earlier version: its facts are read, until the next start has made the rows.
        let emptied = "DELETE FROM routes; DELETE FROM seeded WHERE what LIKE 'figures%'";
        store.connection().execute_batch(emptied).unwrap();
        assert_eq!(whole(), expected());
        HistoryWriter::start(&store, sample::STARTED).unwrap().close();
        assert_eq!(whole(), expected());
    }
}
