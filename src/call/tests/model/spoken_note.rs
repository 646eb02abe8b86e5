//! The same for notes that are spoken, and for recordings that are paused meanwhile.

use super::*;
use crate::call::recording::RecordWish;
use crate::call::request::Refusal;

fn speak(begin: bool) -> AgentRequest {
    AgentRequest::SpeakNote { begin }
}

#[test]
fn no_order_of_events_around_a_spoken_note_breaks_a_promise() {
    let mut asks = alice([
        hold(HoldWay::Verbal, true),
        consult(Target::Agent("bob".into()), true),
        speak(true),
        speak(false),
        AgentRequest::Amend(draft()),
        AgentRequest::Toggle,
        AgentRequest::Complete,
    ]);
    asks.extend(bob([AgentRequest::Acknowledge, AgentRequest::Decline { reason: "no van left".into() }]));
    check(6, &asks, 900);
}

/// The last play on a line is the note.
fn hears_note(world: &World, leg: LegId) -> bool {
    let file = world.call.note_to_play().map(|file| file.as_prompt());
    file.is_some() && world.notes.contains(&leg)
}

#[test]
fn a_note_is_spoken_while_the_caller_is_held_and_heard_before_the_acknowledgement() {
    let mut world = World::new();
    let mut call = world.call.clone();
    let (who, now, wall) = ("alice".into(), world.now, WallTime(0));
    let asked = call.request(&TEST_CENTER, now, wall, &who, speak(true), &mut Vec::new());
    assert_eq!(asked, Err(Refusal::CallerHears));

    world.step(&Step::Asks("alice", consult(Target::Agent("bob".into()), true)));
    world.step(&Step::Asks("alice", speak(true)));
    let bob = *world.lines.keys().last().expect("bob's phone rings");
    world.step(&Step::PicksUp(bob));
    assert!(!hears_note(&world, bob), "it is being spoken");
    world.now += Duration::from_secs(3);
    world.step(&Step::Asks("alice", speak(false)));
    world.check();
    assert!(hears_note(&world, bob) && !world.hears.contains_key(&bob));
    world.step(&Step::Key(bob, '1'));
    world.check();
    assert!(!world.plays.contains_key(&bob), "it is over with the acknowledgement");
}

#[test]
fn a_note_ends_after_twenty_seconds_and_with_the_hold() {
    let mut world = World::new();
    world.step(&Step::Asks("alice", hold(HoldWay::Verbal, true)));
    world.step(&Step::Asks("alice", speak(true)));
    let mut late = world.clone();
    late.step(&Step::Passes);
    assert_eq!(late.now, world.now + Duration::from_secs(20));
    assert!(late.call.note_to_play().is_some());
    world.now += Duration::from_secs(5);
    world.step(&Step::CallerKeys('1'));
    world.check();
    assert!(!world.told.held && world.call.note_to_play().is_some(), "the caller's key ended both");
}

static RECORDED: LazyLock<Center> =
    LazyLock::new(|| center(&CENTER.replace("permission: ask,", "permission: ask, record: yes,")));

#[test]
fn no_order_of_events_around_a_recording_breaks_a_promise() {
    let pause = || AgentRequest::Record(RecordWish::Pause { reason: "a card number".into() });
    let asks = alice([
        pause(),
        AgentRequest::Record(RecordWish::Resume),
        hold(HoldWay::Verbal, true),
        speak(true),
        AgentRequest::Transfer { to: Target::Queue("help".into()) },
    ]);
    let met = explore(World::in_center(&RECORDED, ""), 6, &asks);
    assert!(met >= 900, "only {met} worlds were met");
}
