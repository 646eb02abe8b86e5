//! The house is killed at any moment and started anew: places that are kept stay so, and nobody is called twice at once.

use super::*;
use crate::fact::KeptPlace;
use crate::fact::KeptPlaces;
use crate::fact::Place;
use crate::queue::CALLBACK_KEPT;

/// The least time between two calls to one person of whom the second server cannot know that the first has rung out.
const RUNG_OUT: Duration = Duration::from_secs(25);

impl World {
    /// The process is gone without a word, and with it the last facts, which were told but not written. Another one starts
    /// with what the history has. The places that were kept then.
    pub(super) fn killed_and_started(&mut self, lost: usize) -> KeptPlaces {
        let written = self.facts.len().saturating_sub(lost);
        self.facts.truncate(written);
        self.walls.truncate(written);
        let mut kept = KeptPlaces::default();
        for (fact, wall) in self.facts.iter().zip(&self.walls) {
            fact.call.and_then(|call| kept.apply(call, *wall, &fact.what));
        }
        self.end_all_but(|call| kept.has(call));
        let ports = self.streams.ports;
        self.streams = FakeStreams::with_ports(ports);
        self.due.retain(|_, due| !matches!(due, Due::Media(_) | Due::Found(_)));
        let first_call = self.next_call();
        let center = Arc::clone(&self.switchboard.parts.center);
        let parts = parts(center, first_call, &mut self.entropy);
        self.begins(parts);
        self.began = self.now;
        let places = kept.iter().map(|kept| {
            let of_call = |fact: &&Fact| fact.call == Some(kept.call);
            let facts = self.facts.iter().filter(of_call).map(|fact| fact.what.clone()).collect();
            Recalled { kept: kept.clone(), facts }
        });
        let places = places.collect();
        let mut out = Vec::new();
        self.switchboard.recall_places(self.clock(), places, &mut self.streams, &mut out);
        self.perform(out);
        kept
    }

    /// The first call of the next process.
    pub(super) fn next_call(&self) -> CallId {
        CallId(self.facts.iter().filter_map(|fact| fact.call).max().map_or(1, |last| last.0 + 1))
    }

    /// For some time, or until somebody is called back.
    fn goes_on_for_a_while(&mut self) {
        let until = self.now + self.between(20_000, 150_000);
        if self.entropy.below(2) == 0 {
            return self.run_until(until);
        }
        let called = |world: &World| world.rings.values().map(Vec::len).sum::<usize>();
        let before = called(self);
        while self.now < until && called(self) == before {
            self.run_until(self.now + Duration::from_millis(500));
        }
    }

    /// As the history does at its start.
    pub(super) fn end_all_but(&mut self, goes_on: impl Fn(CallId) -> bool) {
        let ended = |call| {
            let told = |fact: &Fact| fact.call == Some(call) && matches!(fact.what, What::CallEnded { .. });
            self.facts.iter().any(told)
        };
        let calls: BTreeSet<CallId> = self.facts.iter().filter_map(|fact| fact.call).collect();
        let left: Vec<CallId> = calls.into_iter().filter(|call| !goes_on(*call) && !ended(*call)).collect();
        for call in left {
            let (by, outcome, cause) = (Party::Server, Outcome::Failed, "the server stopped".to_owned());
            let what = What::CallEnded { by, outcome, cause, by_person: None };
            self.facts.push(Fact { at: self.clock().at, call: Some(call), what });
            self.walls.push(self.clock().wall);
        }
    }

    /// Every place is in the engine once, or has an end that is told.
    pub(super) fn keeps(&self, kept: &KeptPlaces) {
        for place in kept.iter() {
            let of_call = || self.facts.iter().filter(|fact| fact.call == Some(place.call));
            let ended = of_call().any(|fact| matches!(fact.what, What::CallEnded { .. }));
            let view = self.switchboard.engine.call(place.call);
            assert_eq!(
                view.is_some_and(|view| view.callback && view.stage == Stage::Waiting),
                !ended,
                "{place:?}"
            );
            assert_eq!(self.switchboard.has_call(place.call), !ended, "{place:?}");
            let failed = of_call().rev().find_map(|fact| match &fact.what {
                What::CallbackFailed { cause, .. } => Some(cause.as_str()),
                _ => None,
            });
            assert!(!place.under_way || failed == Some("the server stopped"), "{place:?}");
        }
        assert!(self.switchboard.calls.keys().all(|call| kept.has(*call)), "a call out of nowhere");
    }
}

#[test]
fn whenever_the_server_is_killed_places_stay_and_nobody_is_called_twice_at_once() {
    let (mut places, mut under_way, mut talked_later) = (0, 0, 0);
    for seed in 0..120 {
        let checked = catch_unwind(AssertUnwindSafe(|| {
            let mut world = World::new(seed);
            world.wants_callbacks = true;
            let mut kills = Vec::new();
            for _ in 0..2 {
                world.goes_on_for_a_while();
                let lost = world.entropy.below(3) as usize;
                let kept = world.killed_and_started(lost);
                world.keeps(&kept);
                places += kept.iter().count();
                under_way += kept.iter().filter(|place| place.under_way).count();
                kills.push((world.now, kept));
            }
            world.run_until(world.now + CALLBACK_KEPT + CALLBACK_KEPT);
            world.check_quiet();
            for (_, kept) in &kills {
                let connected = |call| {
                    let told = |fact: &&Fact| {
                        fact.call == Some(call) && matches!(fact.what, What::AgentConnected { .. })
                    };
                    world.facts.iter().any(|fact| told(&fact))
                };
                talked_later += kept.iter().filter(|place| connected(place.call)).count();
            }
            for (number, dials) in &world.rings {
                for (first, second) in dials.iter().zip(dials.iter().skip(1)) {
                    let died = kills.iter().any(|(at, _)| first < at && at <= second);
                    let apart = second.since(*first);
                    assert!(!died || apart >= RUNG_OUT, "{number} was called {apart:?} after a call");
                }
            }
        }));
        assert!(checked.is_ok(), "seed {seed}");
    }
    let counts = format!("places {places}, tries under way {under_way}, talks afterwards {talked_later}");
    assert!(places > 200 && under_way > 10 && talked_later > 30, "{counts}");
}

#[test]
fn a_server_that_stops_leaves_its_places_to_the_next_and_need_not_wait_for_them() {
    let mut stopped = 0;
    for seed in 0..20 {
        let mut world = World::new(seed);
        world.wants_callbacks = true;
        world.goes_on_for_a_while();
        let mut out = Vec::new();
        world.switchboard.drain(world.clock(), &mut world.streams, &mut out);
        world.switchboard.stop(world.clock(), &mut world.streams, &mut out);
        world.perform(out);
        let second = world.now + Duration::from_secs(1);
        world.run_until(second);
        assert!(world.switchboard.rests(), "seed {seed}: something is left over");
        let kept = world.killed_and_started(0);
        world.keeps(&kept);
        stopped += kept.iter().count();
        assert!(kept.iter().all(|place| !place.under_way), "seed {seed}: a try goes on");
        world.run_until(world.now + CALLBACK_KEPT + CALLBACK_KEPT);
        world.check_quiet();
    }
    assert!(stopped > 10, "only {stopped} places were kept");
}

/// A place that was kept, with how its call began.
pub(super) fn a_place() -> Recalled {
    let place =
        Place { queue: "help".into(), contact: "sip:there@10.0.0.2:5060".to_owned(), ..Place::default() };
    let (number, chosen) = ("+12025550143".to_owned(), WallTime(1));
    let kept = KeptPlace {
        call: CallId(7),
        number: number.clone(),
        at: None,
        place,
        chosen,
        tries: 0,
        under_way: false,
        failed: None,
    };
    let arrived = What::CallArrived {
        from: number,
        display: String::new(),
        to: "1000".into(),
        sip_call_id: "abc".to_owned(),
        source: "udp 10.0.0.2:5060".to_owned(),
        trunk: None,
    };
    Recalled { kept, facts: vec![arrived] }
}

/// What is told of a place with which the server is started, and how many calls there are then.
fn started_with(change: impl FnOnce(&mut Recalled)) -> (Vec<What>, usize) {
    let mut entropy = Entropy::seeded(1);
    let mut recalled = a_place();
    change(&mut recalled);
    let mut switchboard = Switchboard::new(parts(Arc::new(center()), CallId(8), &mut entropy));
    let (mut out, mut streams) = (Vec::new(), FakeStreams::default());
    let now = Now { at: Timestamp::ZERO, wall: WallTime(60_000_000) };
    switchboard.recall_places(now, vec![recalled], &mut streams, &mut out);
    let told = out.into_iter().filter_map(|output| match output {
        Output::Fact(fact) if fact.call == Some(CallId(7)) => Some(fact.what),
        _ => None,
    });
    (told.collect(), switchboard.live_calls())
}

#[test]
fn what_cannot_be_kept_has_an_end_with_its_reason() {
    let (told, live) = started_with(|_| {});
    assert!(matches!(told[..], [What::PlaceRecalled { .. }]) && live == 1, "{told:?}");

    let ends = |change: &dyn Fn(&mut Recalled)| {
        let (told, live) = started_with(change);
        assert_eq!(live, 0, "{told:?}");
        match &told[..] {
            [What::WaitEnded { exit }, What::CallEnded { cause, .. }] => (*exit, cause.clone()),
            other => panic!("{other:?}"),
        }
    };
    use crate::fact::WaitExit::*;
    let is = |exit, cause: &str| (exit, cause.to_owned());
    let end = ends(&|recalled| recalled.kept.place.queue = "sales".into());
    assert_eq!(end, is(NobodyStaffed, "the queue is no more"));
    let end = ends(&|recalled| recalled.kept.place.contact.clear());
    assert_eq!(end, is(CallbackFailed, "the number cannot be called any more"));
    // Another number than they called from, and no trunk that calls it.
    let end = ends(&|recalled| recalled.kept.number = "0301".to_owned());
    assert_eq!(end, is(CallbackFailed, "the number cannot be called any more"));
    let end = ends(&|recalled| recalled.facts.clear());
    assert_eq!(end, is(CallbackFailed, "the history of the call is lost"));
    let end = ends(&|recalled| recalled.kept.tries = 3);
    assert_eq!(end, is(CallbackFailed, "callback did not reach the caller"));
    let end = ends(&|recalled| recalled.kept.chosen = WallTime(-5 * 3_600_000_000));
    assert_eq!(end, is(Cap, "longest wait reached"));
}
