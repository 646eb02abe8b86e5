//! The same for escalations, whose next level is asked by itself.

use super::*;
use crate::call::escalate::Escalation;
use crate::call::request::Refusal;

fn escalate(level: Option<&str>) -> AgentRequest {
    AgentRequest::Escalate(Box::new(Escalation {
        level: level.map(Name::from),
        reason: "wants a refund".to_owned(),
        told_caller: true,
        note: draft(),
    }))
}

#[test]
fn no_order_of_events_around_an_escalation_breaks_a_promise() {
    let mut asks = alice([
        escalate(None),
        escalate(Some("owner")),
        AgentRequest::Resume,
        AgentRequest::Join,
        AgentRequest::Complete,
        AgentRequest::Cancel,
    ]);
    asks.extend(bob([AgentRequest::Acknowledge, AgentRequest::Decline { reason: "not mine".into() }]));
    check(6, &asks, 900);
}

#[test]
fn who_does_not_answer_in_time_is_passed_over_and_at_last_the_agent_has_the_caller_back() {
    let mut world = World::new();
    world.step(&Step::Asks("alice", escalate(None)));
    let rings =
        |world: &World| world.lines.iter().find(|(_, line)| **line == Line::Rings).map(|(leg, _)| *leg);
    let bob = rings(&world).expect("bob's phone rings");
    let begun = world.now;
    while rings(&world) == Some(bob) {
        world.step(&Step::Passes);
        world.check();
    }
    assert_eq!(world.now.since(begun), Duration::from_secs(15), "as long as the level has");
    assert!(world.told.held && rings(&world).is_some(), "the owner's number rings by itself");
    assert_eq!(world.call.talk().and_then(|talk| talk.level.as_deref()), Some("owner"));
    world.step(&Step::Refuses(rings(&world).unwrap()));
    world.check();
    assert!(!world.told.held && !world.told.asks_in(), "nobody is left to ask");
    let request = escalate(None);
    let asked =
        world.call.request(&TEST_CENTER, world.now, WallTime(0), &"alice".into(), request, &mut Vec::new());
    assert_eq!(asked, Err(Refusal::LastLevel("owner".into())));
}
