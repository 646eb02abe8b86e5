//! A caller who is called back before an agent's phone rings.

use super::*;
use crate::fact::Party;

static CUSTOMER_FIRST: LazyLock<Center> = LazyLock::new(|| {
    let queue = "callback_first: customer, callback_wait: 15s, callback_tries: 2, ring: 10s";
    center(&CENTER.replace("ring: 20s", queue))
});

static AND_WHISPERS: LazyLock<Center> = LazyLock::new(|| {
    let queue = "callback_first: customer, callback_wait: 15s, ring: 10s, whisper: transfer/help";
    center(&CENTER.replace("ring: 20s", queue))
});

impl World {
    /// What must be true of a caller who is called back first.
    pub(super) fn check_called_back(&self) {
        let is_called =
            |(leg, party): &&(LegId, Party)| *party == Party::Caller && self.lines.contains_key(leg);
        let called = self.call.open.iter().filter(is_called).count();
        let reached = matches!(&self.call.phase, Phase::Waiting(wait) if wait.reached);
        let reaching = matches!(self.call.phase, Phase::Reaching(_));
        for agent in [AgentId(0), AgentId(1)] {
            let reserved = matches!(self.engine.agent_state(agent), Some(AgentState::Reserved(_)));
            assert!(!reserved || reaching, "{agent} is kept for somebody who is not called");
        }
        if reaching {
            let stage = self.engine.call(CALL).map(|view| view.stage);
            assert!(matches!(stage, Some(queue::Stage::Reserved(_))), "called, and nobody is there for them");
            assert!(self.engine.deadline().is_some(), "a call without an end");
        }
        if reached {
            let caller = self.call.caller.expect("who picked up is on the line");
            let (_, music) = self.plays.get(&caller).expect("who picked up hears nothing");
            assert!(!music, "music that nobody allowed");
            let view = self.engine.call(CALL).expect("who picked up waits for nobody");
            assert!(!view.callback && self.engine.deadline().is_some(), "a wait without an end");
        }
        assert!(!(reaching || reached) || called == 1, "{called} lines to one caller");
    }

    /// A caller who agreed to be called back; alice, who asked them, is in wrap-up and bob is ready.
    fn kept(center: &'static Center) -> World {
        let mut world = World::in_center(center, "+12025550143");
        let request = AgentRequest::CallBack { agreed: true, after: Duration::ZERO };
        world.step(&Step::Asks("alice", request));
        let (promise, _) = world.plays[&CALLER];
        world.step(&Step::WordEnds(CALLER, promise));
        world.check();
        assert!(world.lines.is_empty(), "nobody is called so soon: {:?}", world.lines);
        world
    }

    /// The same once they are called.
    fn called() -> World {
        World::called_of(&CUSTOMER_FIRST)
    }

    fn called_of(center: &'static Center) -> World {
        let mut world = World::kept(center);
        while world.lines.is_empty() {
            world.step(&Step::Passes);
            world.check();
        }
        assert!(matches!(world.call.phase, Phase::Reaching(_)), "the caller's phone rings first");
        world
    }

    /// The line that was dialled last.
    fn newest(&self) -> LegId {
        *self.lines.keys().last().expect("a phone rings")
    }
}

fn wants() -> Vec<Step> {
    let away = AgentWish::NotReady("lunch".into());
    let wants = |agent, wish: &AgentWish| Step::Wants(AgentId(agent), wish.clone());
    vec![wants(0, &away), wants(1, &away), wants(0, &AgentWish::Ready), wants(1, &AgentWish::Ready)]
}

#[test]
fn no_order_of_events_around_a_caller_who_is_called_first_breaks_a_promise() {
    let met = explore(World::called(), 7, &wants());
    println!("{met} worlds");
    assert!(met >= 1_000, "only {met} worlds were met");
    let met = explore(World::called(), 11, &[]);
    println!("{met} worlds");
    assert!(met >= 400, "only {met} worlds were met");
}

#[test]
fn the_caller_hears_who_calls_and_then_the_agent_who_was_reserved() {
    let mut world = World::called();
    let caller = world.newest();
    world.step(&Step::PicksUp(caller));
    world.check();
    let agent = world.newest();
    assert_ne!(agent, caller, "the agent's phone rings at that very moment");
    // The agent is faster than the words.
    world.step(&Step::PicksUp(agent));
    world.check();
    assert!(world.hears.is_empty() && world.told.talking.is_empty(), "they hear the words out");
    let (greeting, _) = world.plays[&caller];
    world.step(&Step::WordEnds(caller, greeting));
    world.check();
    assert_eq!(
        (world.hears[&caller].as_slice(), world.hears[&agent].as_slice()),
        (&[agent][..], &[caller][..])
    );
}

#[test]
fn an_agent_who_hangs_up_before_the_words_are_over_leaves_the_caller_to_others() {
    let mut world = World::called();
    let caller = world.newest();
    world.step(&Step::PicksUp(caller));
    let agent = world.newest();
    world.step(&Step::PicksUp(agent));
    world.step(&Step::Leaves(agent));
    world.check();
    assert!(world.lines.contains_key(&caller) && matches!(world.call.phase, Phase::Waiting(_)));
    assert!(world.engine.call(CALL).is_some_and(|view| !view.callback));
}

#[test]
fn who_picked_up_hears_a_ringing_tone_and_no_music_and_is_let_go_with_their_place() {
    let mut world = World::called();
    let caller = world.newest();
    world.step(&Step::PicksUp(caller));
    let (greeting, _) = world.plays[&caller];
    world.step(&Step::WordEnds(caller, greeting));
    world.check();
    world.step(&Step::Refuses(world.newest()));
    world.check();
    // Alice is free again by now, and refuses as well.
    world.step(&Step::Refuses(world.newest()));
    world.check();
    assert_eq!(world.lines.keys().collect::<Vec<_>>(), [&caller], "they still hear a ringing tone");
    let until = world.now + Duration::from_secs(40);
    while world.call.calls_back().is_some() && world.now < until {
        world.step(&Step::Passes);
        world.check();
    }
    assert_eq!(world.call.calls_back(), None, "let go after 15 s and a ring at most");
    let (sorry, _) = world.plays[&caller];
    world.step(&Step::WordEnds(caller, sorry));
    world.check();
    assert!(!world.lines.contains_key(&caller) && !world.over);
    assert!(world.engine.call(CALL).is_some_and(|view| view.callback), "the place is kept");
}

#[test]
fn who_was_called_first_has_an_agent_at_once_who_hears_no_whisper() {
    let mut world = World::called_of(&AND_WHISPERS);
    let caller = world.newest();
    world.step(&Step::PicksUp(caller));
    let (greeting, _) = world.plays[&caller];
    world.step(&Step::WordEnds(caller, greeting));
    let agent = world.newest();
    world.step(&Step::PicksUp(agent));
    world.check();
    assert!(matches!(world.call.phase, Phase::Talking(_)), "they would wait for a whisper");
    assert_eq!(world.hears[&caller].as_slice(), [agent]);
}
