//! The house is asked to stop: it waits for those who are there, and not for those whose phones died.

use super::*;
use crate::media::stream::LOST_AFTER;
use crate::queue::CALLBACK_KEPT;

/// How long an OPTIONS may be without an answer (timer F), and some time for what follows.
const UNANSWERED: Duration = Duration::from_secs(34);

/// Until the silent are asked again.
const ROUND: Duration = Duration::from_secs(30);

impl World {
    /// In the middle of a day: somebody is up.
    fn with_calls_up(seed: u64) -> World {
        let mut world = World::new(seed);
        for _ in 0..50 {
            let later = world.now + world.between(1_000, 20_000);
            world.run_until(later);
            if world.lines_up().len() > 1 {
                break;
            }
        }
        world
    }

    /// Callers' lines that are up.
    fn lines_up(&self) -> Vec<LegId> {
        let lines = self.switchboard.lines.iter().filter(|(leg, line)| leg.number() == 0 && line.up);
        let mut lines: Vec<LegId> = lines.map(|(leg, _)| *leg).collect();
        lines.sort_unstable();
        lines
    }

    fn nothing_is_heard_of(&mut self, lines: &[LegId]) {
        for &leg in lines {
            self.later(LOST_AFTER, Due::Media(MediaEvent::AudioLost { leg }));
        }
    }

    fn still_up(&self, lines: &[LegId]) -> Vec<LegId> {
        lines.iter().copied().filter(|leg| self.switchboard.lines.contains_key(leg)).collect()
    }

    fn is_asked_to_stop(&mut self) {
        let mut out = Vec::new();
        self.switchboard.drain(self.clock(), &mut self.streams, &mut out);
        self.perform(out);
    }

    pub(super) fn ends(&self) -> Vec<(CallId, &str)> {
        let ended = self.facts.iter().filter_map(|fact| match (&fact.call, &fact.what) {
            (Some(call), What::CallEnded { cause, .. }) => Some((*call, cause.as_str())),
            _ => None,
        });
        ended.collect()
    }
}

#[test]
fn callers_whose_phones_died_are_found_within_the_minute_before_or_after_the_server_is_asked_to_stop() {
    let (mut dead, mut held_by_phone) = (0, 0);
    for seed in 0..60 {
        let mut world = World::with_calls_up(seed);
        let waits = world.switchboard.remaining();
        assert!(waits.calls >= world.lines_up().len() && waits.waiting <= waits.calls, "{waits:?}");
        // Some are on hold by their own phone: of these nothing should be heard.
        for leg in world.lines_up().into_iter().filter(|leg| leg.call().0.is_multiple_of(3)) {
            let session = world.switchboard.lines[&leg].sessions[0];
            let theirs = SessionId((1 << 63) + session.0);
            let sdp = format!("{}a=inactive\r\n", sdp_of(CALLER)).into();
            world.phone(CALLER, sip::Input::Command(Command::Offer { session: theirs, sdp }));
        }
        world.run_until(world.now + Duration::from_secs(3));
        world.phones.remove(&CALLER);
        // What was on its way comes.
        world.run_until(world.now + Duration::from_millis(50));
        let up = world.lines_up();
        world.calls_left = 0;
        world.due.retain(|_, due| !matches!(due, Due::CallerCalls));
        let held = |leg: &&LegId| world.switchboard.lines[*leg].held;
        let heard: Vec<LegId> = up.iter().filter(|leg| !held(leg)).copied().collect();
        held_by_phone += up.len() - heard.len();
        world.nothing_is_heard_of(&heard);
        let stops_after = world.between(0, 20_000);
        world.run_until(world.now + stops_after);
        world.is_asked_to_stop();
        world.run_until(world.now + LOST_AFTER + UNANSWERED);
        assert_eq!(world.still_up(&heard), [], "seed {seed}: {:?}", world.facts);
        world.run_until(world.now + ROUND);
        assert_eq!(world.still_up(&up), [], "seed {seed}: {:?}", world.facts);
        // Somebody may be called back just now, at their turn.
        assert_eq!(world.switchboard.remaining().waiting, 0, "seed {seed}");
        dead += world
            .ends()
            .iter()
            .filter(|(call, cause)| *cause == "the line is gone" && up.iter().any(|leg| leg.call() == *call))
            .count();
    }
    assert!(dead > 40 && held_by_phone > 5, "{dead} were found, {held_by_phone} on hold");
}

#[test]
fn whoever_is_silent_and_there_is_waited_for() {
    let mut waited_for = 0;
    for seed in 0..40 {
        let mut world = World::with_calls_up(seed);
        let lines = world.lines_up();
        world.is_asked_to_stop();
        world.nothing_is_heard_of(&lines);
        let up_after = world.now + LOST_AFTER + UNANSWERED;
        world.run_until(up_after);
        waited_for += lines.iter().filter(|leg| world.switchboard.has_call(leg.call())).count();
        world.run_until(up_after + Duration::from_secs(4 * 3_600));
        assert!(
            world.ends().iter().all(|(_, cause)| *cause != "the line is gone"),
            "seed {seed}: {:?}",
            world.ends()
        );
        world.check_quiet();
    }
    assert!(waited_for > 10, "only {waited_for} were still there");
}

#[test]
fn nobody_is_called_back_once_the_server_is_asked_to_stop_and_places_are_left_to_the_next() {
    let (mut left, mut under_way, mut called_by_the_next) = (0, 0, 0);
    for seed in 0..60 {
        let checked = catch_unwind(AssertUnwindSafe(|| {
            let mut world = World::new(seed);
            world.wants_callbacks = true;
            let called = |world: &World| world.rings.values().map(Vec::len).sum::<usize>();
            let until = world.now + world.between(40_000, 150_000);
            // Half of them are asked while somebody is called.
            let in_the_middle = world.entropy.below(2) == 0;
            while world.now < until && !(in_the_middle && called(&world) > 0) {
                world.run_until(world.now + Duration::from_millis(500));
            }
            world.is_asked_to_stop();
            let before = called(&world);
            under_way += usize::from(!world.switchboard.rests() && before > 0);
            // Longer than any talk and any wait on the line.
            world.run_until(world.now + Duration::from_secs(900));
            assert_eq!(called(&world), before, "somebody is called who was not before");
            assert!(world.switchboard.rests(), "something goes on without end");
            let places = world.switchboard.remaining().places;
            let kept = world.killed_and_started(0);
            world.keeps(&kept);
            assert_eq!(places, kept.iter().count(), "what is said to be left");
            assert!(kept.iter().all(|place| !place.under_way), "a try goes on");
            left += kept.iter().count();
            world.run_until(world.now + CALLBACK_KEPT + CALLBACK_KEPT);
            world.check_quiet();
            called_by_the_next += called(&world) - before;
        }));
        assert!(checked.is_ok(), "seed {seed}");
    }
    let counts = format!("places {left}, under way {under_way}, called by the next {called_by_the_next}");
    assert!(left > 40 && under_way > 5 && called_by_the_next > 20, "{counts}");
}
