//! The same for phones that hold by themselves, and for callers who are called back instead of being held.

use super::*;

fn turns() -> [Step; 2] {
    [Step::Turns { away: true }, Step::Turns { away: false }]
}

#[test]
fn no_order_of_events_around_a_phone_that_holds_breaks_a_promise() {
    let mut asks = alice([
        hold(HoldWay::Verbal, true),
        AgentRequest::Resume,
        AgentRequest::Transfer { to: Target::Queue("help".into()) },
    ]);
    asks.extend(turns());
    asks.extend([Step::CallerTurns { away: true }, Step::CallerTurns { away: false }]);
    check(7, &asks, 900);
}

#[test]
fn no_order_of_events_around_a_phone_that_holds_in_a_consult_breaks_a_promise() {
    let mut asks = alice([
        consult(Target::Agent("bob".into()), true),
        AgentRequest::Toggle,
        AgentRequest::Join,
        AgentRequest::Complete,
    ]);
    asks.extend(bob([AgentRequest::Acknowledge]));
    asks.extend(turns());
    asks.extend([Step::ReceiverTurns { away: true }, Step::ReceiverTurns { away: false }]);
    check(7, &asks, 900);
}

#[test]
fn no_order_of_events_around_a_callback_instead_of_a_hold_breaks_a_promise() {
    let call_back = |secs| AgentRequest::CallBack { agreed: true, after: Duration::from_secs(secs) };
    let asks = alice([
        hold(HoldWay::Prompted, false),
        hold(HoldWay::Verbal, false),
        call_back(0),
        call_back(300),
        AgentRequest::HangUp,
    ]);
    let met = explore(World::with_number("+12025550143"), 7, &asks);
    assert!(met >= 400, "only {met} worlds were met");
}

/// The line of the agent who has the caller.
fn agents_line(world: &World) -> LegId {
    world.call.agent.as_ref().expect("an agent has the caller").leg
}

#[test]
fn an_agent_s_hold_button_asks_the_caller_who_is_held_only_when_they_agree() {
    let mut world = World::new();
    world.step(&Step::Turns { away: true });
    world.check();
    assert!(!world.told.held && world.plays.contains_key(&CALLER), "the caller is being asked");
    world.step(&Step::CallerKeys('1'));
    world.check();
    assert!(world.told.held);
    world.step(&Step::Turns { away: false });
    world.check();
    assert_eq!(world.hears[&CALLER].as_slice(), [agents_line(&world)]);
    // What was agreed a moment ago still counts.
    world.step(&Step::Turns { away: true });
    world.check();
    assert!(world.told.held);
}

#[test]
fn a_caller_who_would_not_be_held_by_a_phone_hears_it_ring_and_is_soon_served_by_others() {
    let mut world = World::new();
    world.step(&Step::Turns { away: true });
    world.step(&Step::CallerKeys('2'));
    world.check();
    let (_, music) = world.plays[&CALLER];
    assert!(!music && world.hears[&CALLER].is_empty(), "a ringing tone, and nobody");
    let back = {
        let mut world = world.clone();
        world.step(&Step::Turns { away: false });
        world.check();
        (world.hears[&CALLER].len(), world.call.talk().and_then(|talk| talk.alone_until))
    };
    assert_eq!(back, (1, None));
    let due = world.now + Duration::from_secs(30);
    world.step(&Step::Passes);
    world.check();
    assert_eq!(world.now, due);
    assert!(matches!(world.call.phase, Phase::Waiting(_)), "in the queue again");
}

#[test]
fn a_caller_s_own_hold_changes_nothing_for_the_agent() {
    let mut world = World::new();
    let before = (world.hears.clone(), world.plays.clone());
    world.step(&Step::CallerTurns { away: true });
    world.check();
    assert_eq!((world.hears.clone(), world.plays.clone()), before, "no music is sent to their hold");
    assert!(!world.told.held && world.deadline().is_none());
}

#[test]
fn whoever_agreed_to_be_called_back_is_called_by_whoever_is_free() {
    let mut world = World::with_number("+12025550143");
    world.step(&Step::Asks("alice", hold(HoldWay::Prompted, false)));
    world.step(&Step::CallerKeys('3'));
    world.check();
    let (promise, _) = world.plays[&CALLER];
    world.step(&Step::WordEnds(CALLER, promise));
    world.check();
    assert!(!world.lines.contains_key(&CALLER), "they need not stay on the line");
    assert_eq!(world.engine.agent_state(AgentId(0)), Some(&AgentState::WrapUp));
    let bob = *world.lines.keys().next().expect("bob's phone rings");
    world.step(&Step::PicksUp(bob));
    let caller = *world.lines.keys().last().expect("the caller's phone rings");
    world.step(&Step::PicksUp(caller));
    let (greeting, _) = world.plays[&caller];
    world.step(&Step::WordEnds(caller, greeting));
    world.check();
    assert_eq!(world.hears[&caller].as_slice(), [bob]);
}
