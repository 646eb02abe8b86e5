//! The house is killed at any moment and another process goes on with what was written down: nobody notices but by what was
//! being said.

use super::super::carried::Carried;
use super::super::carried::CarriedCall;
use super::super::carried::CarriedDesks;
use super::super::carried::Changes;
use super::*;
use crate::base::QueueId;
use crate::queue::api::PHONE_UNREACHABLE;
use crate::queue::api::SurgeRule;
use crate::server::journal;
use crate::server::journal::Place;
use crate::server::keyring::Keyring;
use crate::sip::Binding;

/// What has been written down since the last start, as text where it is text.
#[derive(Default)]
pub(super) struct Written {
    pub(super) told: Vec<(Timestamp, queue::Event)>,
    calls: BTreeMap<CallId, String>,
    contacts: BTreeMap<Name, Vec<Binding>>,
    desks: CarriedDesks,
}

fn text(call: &CarriedCall) -> String {
    serde_json::to_string(call).expect("a call can be written down")
}

/// A call as it is written down, without when a request is sent again: that changes by itself, and one that is sent once too
/// often harms nobody.
fn but_for_repetitions(call: &str) -> serde_json::Value {
    let mut call: serde_json::Value = serde_json::from_str(call).expect("it is JSON");
    for line in call["lines"].as_array_mut().into_iter().flatten() {
        for session in line["sessions"].as_array_mut().into_iter().flatten() {
            session["asking"]["client"]["machine"].take();
        }
    }
    call
}

impl Written {
    pub(super) fn take(&mut self, changes: Changes) {
        for (id, call) in changes.calls {
            match call {
                Some(call) => drop(self.calls.insert(id, text(&call))),
                None => drop(self.calls.remove(&id)),
            }
        }
        self.contacts.extend(changes.contacts);
        self.desks = changes.desks.unwrap_or(std::mem::take(&mut self.desks));
    }
}

impl World {
    /// A world in which everything is written down.
    pub(super) fn with_journal(seed: u64) -> World {
        let mut world = World::new(seed);
        world.restart_with(|parts| parts.journal = true);
        world
    }

    fn restart_with(&mut self, change: impl FnOnce(&mut Parts)) {
        let center = Arc::clone(&self.switchboard.parts.center);
        let mut parts = parts(center, self.next_call(), &mut self.entropy);
        change(&mut parts);
        if self.journal.told.is_empty() {
            self.first_center = Arc::clone(&parts.center);
        }
        self.begins(parts);
    }

    /// The process is gone without a word, and another goes on. What was written down says how everything stood.
    pub(super) fn killed_and_carried_on(&mut self) -> usize {
        self.killed_for(Duration::ZERO)
    }

    /// The same, where nobody was there so long, of which the clock does not tell: how many calls go on.
    fn killed_for(&mut self, gone: Duration) -> usize {
        self.written_is_what_is();
        let center = Arc::clone(&self.switchboard.parts.center);
        let version = self.switchboard.parts.version.clone();
        let engine = self.engine_as_told();
        let FakeStreams { ports, silent_strangers, .. } = self.streams;
        self.streams = FakeStreams { silent_strangers, ..FakeStreams::with_ports(ports) };
        self.due.retain(|_, due| !matches!(due, Due::Media(_) | Due::Found(_)));
        self.restart_with(|parts| parts.journal = true);
        let Written { told, calls, contacts, desks } = std::mem::take(&mut self.journal);
        self.journal.told = told;
        let calls = calls.values().map(|text| serde_json::from_str(text).expect("a call can be read back"));
        let (over, calls): (Vec<CarriedCall>, Vec<CarriedCall>) =
            calls.partition(|call: &CarriedCall| call.lost_caller(gone));
        let count = calls.len();
        self.end_all_but(|call| calls.iter().any(|carried| carried.id() == call));
        let contacts = contacts.into_iter().collect();
        let carried =
            Carried { engine: Some(engine), changed_agents: Vec::new(), calls, over, contacts, desks };
        let edition = Edition { version: version.clone(), center, library: Arc::default() };
        let editions = HashMap::from([(version, edition)]);
        let mut out = Vec::new();
        let now = self.clock();
        self.switchboard.carry_on(now, carried, &editions, &mut self.streams, &mut out);
        let changes = self.switchboard.all_changes();
        self.journal.take(changes);
        self.perform(out);
        count
    }

    /// The engine after all that it was told since the first process began.
    fn engine_as_told(&self) -> Engine {
        let mut engine = Engine::new(self.first_center.engine_at(WallTime(0)));
        for (at, event) in &self.journal.told {
            engine.handle(*at, event.clone(), &mut Vec::new());
        }
        engine
    }

    /// How many callers talk with an agent, and how many wait. Who is being called back waits still, though their agent is on
    /// the line: that try is over when the server is, and their place stays.
    pub(super) fn talks_and_waits(&self) -> (usize, usize) {
        let stage = |call: CallId| self.switchboard.engine.call(call).map(|view| view.stage);
        let with_agents = self
            .switchboard
            .calls
            .iter()
            .filter(|(call, _)| matches!(stage(**call), Some(Stage::Talking(_))));
        let (called_back, talk): (Vec<_>, Vec<_>) =
            with_agents.partition(|(_, of)| of.call.calls_back().is_some());
        let waiting = self.switchboard.engine.waiting(QueueId(0)) as usize;
        (talk.len(), waiting + called_back.len())
    }

    /// The calls of which this was told.
    fn of_calls(&self, is_told: impl Fn(&What) -> bool) -> impl Iterator<Item = CallId> {
        self.facts.iter().filter(move |fact| is_told(&fact.what)).filter_map(|fact| fact.call)
    }

    /// Every change has been told, and the engine is where its events lead.
    fn written_is_what_is(&mut self) {
        let all = self.switchboard.all_changes();
        let mut now = Written::default();
        now.take(all);
        assert_eq!(self.engine_as_told(), self.switchboard.engine, "the engine is not where its events lead");
        assert_eq!(self.journal.calls.keys().collect::<Vec<_>>(), now.calls.keys().collect::<Vec<_>>());
        for (id, call) in &now.calls {
            let written = but_for_repetitions(&self.journal.calls[id]);
            assert_eq!(written, but_for_repetitions(call), "call {id} was not written down as it is");
        }
        assert_eq!(self.journal.desks, now.desks);
    }
}

#[test]
fn whenever_the_server_is_killed_calls_go_on_in_the_next_and_nothing_is_left_over() {
    let (mut calls, mut talks, mut waits) = (0, 0, 0);
    let number = |name| std::env::var(name).ok().and_then(|number| number.parse::<u64>().ok());
    let seeds = match number("WARMLINE_SEED") {
        Some(one) => one..one + 1,
        None => 0..number("WARMLINE_SEEDS").unwrap_or(120),
    };
    let all = seeds.end - seeds.start > 1;
    for seed in seeds {
        let checked = catch_unwind(AssertUnwindSafe(|| {
            let mut world = World::with_journal(seed);
            world.wants_callbacks = seed % 4 == 0;
            for _ in 0..3 {
                let after = world.between(1_000, 60_000);
                world.run_until(world.now + after);
                let (talked, waited) = world.talks_and_waits();
                calls += world.killed_and_carried_on();
                assert_eq!(world.talks_and_waits(), (talked, waited), "a talk or a wait is over");
                (talks, waits) = (talks + talked, waits + waited);
            }
            world.run_until(world.now + Duration::from_secs(5 * 3_600));
            world.check_quiet();
        }));
        assert!(checked.is_ok(), "seed {seed}: WARMLINE_SEED={seed} runs it alone");
    }
    assert!(!all || calls > 200 && talks > 40 && waits > 100, "calls {calls}, talks {talks}, waits {waits}");
}

#[test]
fn a_stranger_of_whom_nothing_ever_came_is_found_after_a_restart_as_before_it() {
    let (mut doubted, mut found) = (0, 0);
    for seed in 0..20 {
        let mut world = World::with_journal(seed);
        let after = world.between(1_000, 60_000);
        world.run_until(world.now + after);
        world.streams.silent_strangers = true;
        world.killed_and_carried_on();
        for (leg, line) in
            world.switchboard.lines.iter().filter(|(_, line)| line.up && line.stranger.is_some())
        {
            assert_eq!(world.streams.asked.get(leg), Some(&Asked::ByStranger), "seed {seed}: {leg}");
            assert!(!line.lost, "seed {seed}: {leg} is watched anew");
            doubted += 1;
        }
        let carried: BTreeSet<CallId> = world.of_calls(|what| matches!(what, What::CarriedOn)).collect();
        world.run_until(world.now + Duration::from_secs(60));
        let ended = |what: &What| matches!(what, What::CallEnded { cause, .. } if cause.contains("nothing ever came"));
        found += world.of_calls(ended).filter(|call| carried.contains(call)).count();
    }
    assert!(doubted > 10 && found > 0, "{doubted} were doubted, and {found} found");
}

impl World {
    /// A world in which everything is written down, and whose number rings and is never answered.
    fn that_rings(seed: u64) -> World {
        let mut world = World::with_journal(seed);
        let center = Arc::new(center_with("flow: greet\nstart: ring\nnodes:\n  ring: { ring: 60s }\n"));
        world.restart_with(|parts| (parts.journal, parts.center) = (true, center));
        world
    }

    /// The first of its callers hears it ring, who has patience.
    fn that_rings_for_somebody() -> World {
        let rings = |seed| {
            let mut world = World::that_rings(seed);
            world.run_until(Timestamp::from_secs(4));
            let mut sessions = world.switchboard.lines.values().flat_map(|line| &line.sessions);
            let rings = sessions.any(|session| world.switchboard.endpoint().hears_it_ring(*session));
            let stays = world.due.iter().find(|(_, due)| matches!(due, Due::CallerHangsUp(_)));
            let stays = stays.is_some_and(|((at, _), _)| *at > Timestamp::from_secs(20));
            // Nobody else calls, and nothing is lost.
            world.due.retain(|_, due| !matches!(due, Due::CallerCalls));
            world.loss_percent = 0;
            (rings && stays && world.callers() == 1).then_some(world)
        };
        (0..100).find_map(rings).expect("somebody with patience in one of so many worlds")
    }

    fn callers(&self) -> usize {
        self.phones[&CALLER].session_count()
    }
}

#[test]
fn whenever_the_server_is_killed_who_hears_it_ring_hears_it_ring_on_or_gives_up() {
    let (mut calls, mut given_up, mut refused) = (0, 0, 0);
    for seed in 0..30 {
        let mut world = World::that_rings(seed);
        for _ in 0..3 {
            let after = world.between(1_000, 60_000);
            world.run_until(world.now + after);
            calls += world.killed_and_carried_on();
        }
        world.run_until(world.now + Duration::from_secs(600));
        world.check_quiet();
        assert_eq!(world.callers(), 0, "seed {seed}: somebody hears it ring for nobody");
        let carried: BTreeSet<CallId> = world.of_calls(|what| matches!(what, What::CarriedOn)).collect();
        let by = |party| {
            let ended = move |what: &What| matches!(what, What::CallEnded { by, .. } if *by == party);
            world.of_calls(ended).filter(|call| carried.contains(call)).count()
        };
        (given_up, refused) = (given_up + by(Party::Caller), refused + by(Party::Server));
    }
    assert!(given_up > 10 && refused > 10, "of {calls}: {given_up} gave up, {refused} were refused");
}

#[test]
fn who_may_have_given_up_while_nobody_was_there_is_refused() {
    let mut world = World::that_rings_for_somebody();
    assert_eq!(world.killed_for(Duration::from_secs(31)), 1);
    world.run_until(world.now + Duration::from_secs(1));
    assert_eq!((world.callers(), world.switchboard.endpoint().session_count()), (1, 1));
    let mut world = World::that_rings_for_somebody();
    assert_eq!(world.killed_for(Duration::from_secs(32)), 0);
    world.run_until(world.now + Duration::from_secs(1));
    assert_eq!((world.callers(), world.switchboard.endpoint().session_count()), (0, 0));
}

#[test]
fn who_calls_and_cannot_be_answered_any_more_is_refused_and_the_call_says_why() {
    let mut world = World::that_rings_for_somebody();
    world.streams.ports = 0;
    world.killed_and_carried_on();
    world.run_until(world.now + Duration::from_secs(1));
    assert_eq!((world.callers(), world.switchboard.endpoint().session_count()), (0, 0));
    let ends: Vec<&str> = world.ends().into_iter().map(|(_, cause)| cause).collect();
    assert_eq!(ends, ["the server was started anew"]);
}

#[test]
fn a_surge_that_goes_on_is_told_again_and_since_when() {
    const QUEUE: QueueId = QueueId(0);
    let in_a_surge = |seed| {
        let mut world = World::with_journal(seed);
        let mut center = Center::clone(&world.switchboard.parts.center);
        center.engine.queues[0].surge = Some(SurgeRule { from: 1, until: 0, turns_away: false });
        let center = Arc::new(center);
        world.restart_with(|parts| (parts.journal, parts.center) = (true, center));
        let since = (0..300).find_map(|_| {
            world.run_until(world.now + Duration::from_secs(1));
            world.switchboard.engine.surge_since(QUEUE)
        });
        since.map(|since| (world, since))
    };
    let (mut world, began) = (0..20).find_map(in_a_surge).expect("a surge in one of so many worlds");
    world.run_until(world.now + Duration::from_millis(10));
    assert_eq!(world.switchboard.engine.surge_since(QUEUE), Some(began));
    let before = world.facts.len();
    world.killed_and_carried_on();
    let told = world.facts[before..].iter().find_map(|fact| match &fact.what {
        What::SurgeGoesOn { queue, waiting, since, .. } => Some((queue.clone(), *waiting > 1, *since)),
        _ => None,
    });
    let queue = world.switchboard.parts.center.engine.queues[0].name.clone();
    assert_eq!(told, Some((queue, true, WallTime(began.0 as i64))));
}

#[test]
fn who_talks_and_has_no_phone_any_more_is_not_ready_after_the_talk_unless_one_is_back() {
    let mut world = World::with_journal(1);
    let talks = |world: &World| {
        let is_talking = |name: &&str| {
            let agent = world.switchboard.agent(name).expect("an agent of the test center");
            matches!(world.switchboard.engine.agent_state(agent), Some(AgentState::Talking(_)))
        };
        ["alice", "bob"].into_iter().find(is_talking)
    };
    let name = (0..600).find_map(|_| {
        world.run_until(world.now + Duration::from_secs(1));
        talks(&world)
    });
    let name = name.expect("a talk in ten minutes");
    // Their phone was signed in over a connection that is gone with the process.
    world.journal.contacts.insert(name.into(), Vec::new());
    world.killed_and_carried_on();
    assert_eq!(talks(&world), Some(name));
    let next = |world: &World| {
        let agent = world.switchboard.agent(name).expect("an agent of the test center");
        world.switchboard.engine.agent_next(agent).cloned()
    };
    assert_eq!(next(&world), Some(AgentWish::NotReady(PHONE_UNREACHABLE.into())));
    let now = world.clock();
    let signs_in = |world: &mut World| {
        world.switchboard.phone_registered(now, name.into(), "sip:back".to_owned(), 1, &mut Vec::new());
    };
    signs_in(&mut world);
    assert_eq!(next(&world), None, "they take calls again after this one");
    world.switchboard.phone_unregistered(now, name.into(), 0, &mut Vec::new());
    assert_eq!(next(&world), Some(AgentWish::Offline));
    signs_in(&mut world);
    assert_eq!(next(&world), None);
}

/// Everything goes through a real file, which is begun anew again and again: what it leaves is what there was.
#[test]
fn what_is_read_out_of_the_file_is_what_there_was() {
    let mut calls = 0;
    for seed in 0..12 {
        let data = tempfile::tempdir().expect("a folder");
        let mut world = World::with_journal(seed);
        let config = world.switchboard.parts.center.engine_at(WallTime(0));
        let place = Place { started: WallTime(0), config, sip: at(SERVER) };
        let keyring = Keyring::of(data.path(), WallTime(0));
        world.file = Some(Journal::with(data.path(), place, keyring, None, 1).expect("a thread"));
        let until = world.now + world.between(20_000, 90_000);
        world.run_until(until);
        // Closed, it has written everything.
        world.file = None;
        let (left, _) = journal::take(data.path()).expect("what was written");
        let mut written = Written::default();
        written.take(world.switchboard.all_changes());
        assert_eq!(left.carried.engine.as_ref(), Some(&world.switchboard.engine), "seed {seed}");
        let read: Vec<String> = left.carried.calls.iter().map(text).collect();
        assert_eq!(read, written.calls.into_values().collect::<Vec<_>>(), "seed {seed}");
        assert_eq!(left.carried.contacts, written.contacts.into_iter().collect::<Vec<_>>(), "seed {seed}");
        calls += read.len();
    }
    assert!(calls > 20, "only {calls} calls were up");
}
