//! Both agents' phones ring for one caller.

use super::*;

static BOTH: LazyLock<Center> =
    LazyLock::new(|| center(&CENTER.replace("ring: 20s", "ring: { for: 20s, agents: 2 }")));

#[test]
fn no_order_of_events_around_two_phones_that_ring_leaves_one_ringing_or_a_caller_alone() {
    let world = World::ringing(&BOTH, "+12025550143");
    let rings = world.lines.values().filter(|line| **line == Line::Rings).count();
    assert_eq!(rings, 2, "alice's phone and bob's");
    let met = explore(world, 8, &[]);
    println!("{met} worlds");
    assert!(met >= 120, "only {met} worlds were met");
}

#[test]
fn who_is_faster_has_the_caller_and_the_other_is_free_and_has_missed_nothing() {
    let mut world = World::ringing(&BOTH, "");
    let bob = *world.lines.keys().last().expect("bob's phone rings");
    world.step(&Step::PicksUp(bob));
    world.check();
    assert!(world.call.talk().is_some());
    assert_eq!(world.lines.keys().collect::<Vec<_>>(), [&CALLER, &bob], "alice's phone has stopped");
    assert_eq!(world.engine.agent_state(AgentId(0)), Some(&AgentState::Ready));
    assert_eq!(world.engine.agent_state(AgentId(1)), Some(&AgentState::Talking(CALL)));
}
