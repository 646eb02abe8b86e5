//! The same for talks of more than three, and for supervisors who take a caller over.

use super::*;
use crate::call::conference::CALLER as THE_CALLER;
use crate::call::request::Refusal;

fn add(to: Target) -> AgentRequest {
    AgentRequest::Add { to, note: draft() }
}

fn number(place: usize) -> Target {
    Target::Number(format!("+1202555019{place}"))
}

#[test]
fn no_order_of_events_around_a_conference_breaks_a_promise() {
    let mut asks = alice([
        add(Target::Agent("bob".into())),
        add(number(9)),
        hold(HoldWay::Verbal, true),
        AgentRequest::Resume,
        AgentRequest::Drop { who: "bob".into() },
        AgentRequest::Mute { who: "bob".into(), on: true },
        AgentRequest::Complete,
    ]);
    asks.extend(bob([AgentRequest::Acknowledge, AgentRequest::HangUp]));
    check(6, &asks, 900);
}

#[test]
fn no_order_of_events_around_a_consult_that_becomes_a_conference_breaks_a_promise() {
    let mut asks = alice([
        consult(Target::Agent("bob".into()), true),
        AgentRequest::Join,
        add(number(9)),
        AgentRequest::Cancel,
        AgentRequest::Transfer { to: Target::Queue("help".into()) },
        AgentRequest::HangUp,
    ]);
    asks.extend(bob([AgentRequest::Acknowledge, AgentRequest::Complete]));
    asks.extend([Step::Desk { lost: true }, Step::Desk { lost: false }]);
    check(7, &asks, 900);
}

#[test]
fn no_order_of_events_around_a_take_over_breaks_a_promise() {
    let mut asks = alice([
        hold(HoldWay::Prompted, false),
        hold(HoldWay::Verbal, true),
        AgentRequest::Resume,
        consult(Target::Number("+12025550199".into()), true),
        AgentRequest::HangUp,
    ]);
    asks.extend([
        Step::Asks("sam", AgentRequest::TakeOver),
        Step::Asks("sam", AgentRequest::Supervise(Some(SuperviseMode::Whisper))),
        Step::Asks("sam", AgentRequest::Complete),
        Step::Asks("bob", AgentRequest::TakeOver),
        Step::Asks("bob", AgentRequest::Resume),
    ]);
    check(6, &asks, 1_500);
}

/// Somebody at `to` is added, takes the call and presses 1.
fn added(world: &mut World, to: Target) -> LegId {
    world.step(&Step::Asks("alice", add(to)));
    let leg = *world.lines.iter().find(|(_, line)| **line == Line::Rings).expect("a phone rings").0;
    world.step(&Step::PicksUp(leg));
    assert_eq!(world.hears.get(&leg), None, "they do not know the note");
    world.step(&Step::Key(leg, '1'));
    world.check();
    leg
}

#[test]
fn eight_hear_each_other_and_nobody_themselves() {
    let mut world = World::new();
    added(&mut world, Target::Agent("bob".into()));
    for place in 1..6 {
        added(&mut world, number(place));
    }
    let all: Vec<LegId> = world.lines.keys().copied().collect();
    assert_eq!(all.len(), MOST_PARTIES);
    let sorted = |whom: &Legs| whom.iter().copied().collect::<BTreeSet<LegId>>();
    for leg in &all {
        let others: BTreeSet<LegId> = all.iter().copied().filter(|other| other != leg).collect();
        assert_eq!(sorted(&world.hears[leg]), others, "who hears whom");
    }
    let ask = |who: &str, request| {
        let (mut call, mut out) = (world.call.clone(), Vec::new());
        let asked = call.request(&TEST_CENTER, world.now, WallTime(0), &who.into(), request, &mut out);
        asked.map(|()| out)
    };
    assert_eq!(ask("alice", add(number(9))), Err(Refusal::ConferenceFull));
    assert_eq!(ask("alice", consult(number(9), true)), Err(Refusal::Conference));
    assert_eq!(ask("bob", AgentRequest::Drop { who: "alice".into() }), Err(Refusal::NotTheSender));
    let nobody: Name = "nobody".into();
    assert_eq!(ask("alice", AgentRequest::Drop { who: nobody.clone() }), Err(Refusal::NotAParty(nobody)));
    let gain = |gain_db| AgentRequest::Gain { who: THE_CALLER.into(), gain_db };
    assert_eq!(ask("alice", gain(21)), Err(Refusal::TooLoud(21)));
    assert_eq!(ask("alice", gain(-6)).unwrap()[0], CallAction::Gain { leg: CALLER, gain_db: -6 });

    world.step(&Step::Asks("alice", AgentRequest::HangUp));
    world.check();
    assert_eq!(world.call.agent_at(all[2]).map(|name| &**name), Some("bob"), "the caller is the colleague's");
    assert_eq!(world.hears[&CALLER].len(), MOST_PARTIES - 2);
    world.step(&Step::Leaves(CALLER));
    world.check();
    assert!(world.over, "everybody is let go of");
}

#[test]
fn a_supervisor_who_takes_a_held_caller_over_finds_them_held() {
    let mut world = World::new();
    world.step(&Step::Asks("alice", hold(HoldWay::Verbal, true)));
    world.step(&Step::Asks("sam", AgentRequest::TakeOver));
    let sam = *world.lines.keys().last().expect("sam's phone rings");
    world.step(&Step::PicksUp(sam));
    world.check();
    assert!(world.told.held && world.hears[&CALLER].is_empty());
    assert_eq!(world.call.agent_at(sam).map(|name| &**name), Some("sam"));
    world.step(&Step::Asks("sam", AgentRequest::Resume));
    assert_eq!(world.hears[&CALLER].as_slice(), [sam]);
    assert_eq!(world.engine.agent_state(AgentId(0)), Some(&AgentState::WrapUp), "alice is done");
}
