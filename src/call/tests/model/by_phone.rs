//! The same for an agent who consults on their own phone: a second line, and a phone that turns from one to the other.

use super::*;

#[test]
fn no_order_of_events_around_a_consult_by_phone_breaks_a_promise() {
    let mut asks = alice([
        hold(HoldWay::Verbal, true),
        AgentRequest::Toggle,
        AgentRequest::Join,
        AgentRequest::Complete,
        AgentRequest::HangUp,
    ]);
    asks.extend(bob([AgentRequest::Acknowledge]));
    asks.extend([
        Step::Dials(Target::Agent("bob".into())),
        Step::Refused,
        Step::Turns { away: true },
        Step::Turns { away: false },
    ]);
    check(7, &asks, 900);
}

#[test]
fn what_the_sender_s_phone_was_refused_says_nothing_of_the_receiver() {
    let mut world = World::new();
    world.step(&Step::Refused);
    world.step(&Step::Asks("alice", consult(Target::Agent("bob".into()), true)));
    world.step(&Step::Asks("bob", AgentRequest::Acknowledge));
    let bob = *world.lines.keys().last().expect("bob's phone rings");
    world.step(&Step::PicksUp(bob));
    world.step(&Step::Asks("alice", AgentRequest::Complete));
    world.check();
    world.step(&Step::Leaves(bob));
    world.check();
    assert!(world.over, "a receiver who hangs up has finished with the caller");
}

#[test]
fn no_order_of_events_around_a_consult_by_phone_with_a_number_or_a_queue_breaks_a_promise() {
    let mut asks = alice([AgentRequest::Join, AgentRequest::Complete, AgentRequest::Cancel]);
    asks.extend([
        Step::Dials(Target::Number("+12025550199".into())),
        Step::Dials(Target::Queue("help".into())),
        Step::Turns { away: false },
    ]);
    check(7, &asks, 400);
}
