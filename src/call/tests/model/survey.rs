//! The same where callers are asked when their agent has ended the talk.

use super::*;

const AFTER: &str = "
flow: after
start: good
nodes:
  good: { survey: good, prompt: wait/sorry, then: end, otherwise: end }
  end: { hang_up: asked, after: wait/sorry }
";

static ASKING: LazyLock<Center> = LazyLock::new(|| {
    let survey = "{ needs: talk >= 1, survey: after, ";
    let mut center = center_of(&CENTER.replace("{ needs: talk >= 1, ", survey), &[("after.yaml", AFTER)]);
    // Every order of events is looked at, and most of them take no time.
    center.talk[0].survey.as_mut().expect("the queue asks").after = Duration::ZERO;
    center
});

#[test]
fn no_order_of_events_around_a_survey_breaks_a_promise() {
    let mut asks = alice([
        hold(HoldWay::Verbal, true),
        consult(Target::Agent("bob".into()), true),
        AgentRequest::Complete,
        AgentRequest::HangUp,
    ]);
    asks.extend(bob([AgentRequest::Acknowledge, AgentRequest::HangUp]));
    let met = explore(World::in_center(&ASKING, "+12025550143"), 7, &asks);
    assert!(met >= 400, "only {met} worlds were met");
}

#[test]
fn a_caller_who_is_asked_comes_to_an_end_and_their_agent_wraps_up_meanwhile() {
    let mut world = World::in_center(&ASKING, "+12025550143");
    world.step(&Step::Asks("alice", AgentRequest::HangUp));
    world.check();
    assert!(matches!(world.call.phase, Phase::Flow) && world.plays.contains_key(&CALLER));
    assert_eq!(world.engine.agent_state(AgentId(0)), Some(&AgentState::WrapUp));
    world.step(&Step::CallerKeys('3'));
    let (thanks, _) = world.plays[&CALLER];
    world.step(&Step::WordEnds(CALLER, thanks));
    world.check();
    assert!(world.over);
}
