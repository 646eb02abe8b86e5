//! An agent who has picked up and hears for what the caller comes.

use super::*;

static WHISPERING: LazyLock<Center> =
    LazyLock::new(|| center(&CENTER.replace("ring: 20s", "ring: 20s, whisper: transfer/help")));

impl World {
    /// Nobody hears the other yet, the agent hears the whisper, and the caller is not left in silence nor with music.
    pub(super) fn check_whisper(&self, caller: LegId) {
        let agent = self.call.agent.as_ref().map(|line| line.leg).expect("somebody has picked up");
        assert!(self.told.talking.is_empty(), "they talk already");
        for leg in [caller, agent] {
            assert!(self.hears.get(&leg).is_none_or(|whom| whom.is_empty()), "somebody is heard too soon");
        }
        assert!(self.plays.contains_key(&agent), "a whisper that nobody hears");
        let (_, music) = self.plays.get(&caller).expect("a caller in silence");
        assert!(!music, "music that nobody allowed");
    }

    /// What may come next. A ringing tone has no end.
    pub(super) fn after_whisper(&self, whispering: &Whispering) -> Vec<Step> {
        let agent = self.call.agent.as_ref().map(|line| line.leg).expect("somebody has picked up");
        let caller = self.caller();
        let said = self.plays.get(&caller).filter(|_| !whispering.rings);
        let said = said.map(|(play, _)| Step::WordEnds(caller, *play));
        let ends = [Step::WordEnds(agent, whispering.play), Step::Key(agent, '5'), Step::CallerKeys('1')];
        ends.into_iter().chain(said).collect()
    }

    fn whispering() -> World {
        let mut world = World::ringing(&WHISPERING, "+12025550143");
        let agent = *world.lines.keys().last().expect("a phone rings");
        world.step(&Step::PicksUp(agent));
        world.check();
        assert!(matches!(world.call.phase, Phase::Whispering(_)));
        world
    }
}

#[test]
fn no_order_of_events_around_a_whisper_breaks_a_promise() {
    let mut asks = alice([AgentRequest::HangUp, hold(HoldWay::Verbal, true)]);
    asks.extend(bob([AgentRequest::HangUp]));
    asks.extend([Step::Desk { lost: true }, Step::Desk { lost: false }]);
    asks.extend([
        Step::Asks("sam", AgentRequest::Supervise(Some(SuperviseMode::Barge))),
        Step::Wants(AgentId(0), AgentWish::NotReady("lunch".into())),
    ]);
    let met = explore(World::ringing(&WHISPERING, "+12025550143"), 6, &asks);
    println!("{met} worlds");
    assert!(met >= 1_000, "only {met} worlds were met");
}

#[test]
fn a_caller_who_gives_up_during_a_whisper_leaves_the_agent_to_others() {
    let mut world = World::whispering();
    world.step(&Step::Leaves(CALLER));
    world.check();
    assert!(world.over && world.told.talking.is_empty());
    assert_eq!(world.engine.agent_state(AgentId(0)), Some(&AgentState::WrapUp));
}

#[test]
fn an_agent_who_hangs_up_during_a_whisper_leaves_the_caller_to_a_colleague() {
    let mut world = World::whispering();
    let agent = world.call.agent.as_ref().map(|line| line.leg).expect("alice");
    world.step(&Step::Leaves(agent));
    world.check();
    assert!(matches!(world.call.phase, Phase::Waiting(_)));
    assert!(world.call.agent.as_ref().is_some_and(|line| &*line.name == "bob"), "bob rings at once");
}
