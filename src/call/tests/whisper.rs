//! What an agent hears of a caller before they have them.

use super::*;

/// One agent is called, by the rules of the queue that whispers.
pub(super) const GIVEN: &str = "
flow: given
start: call
nodes:
  call: { transfer: { agent: alice, queue: whispers }, no_answer: bye, busy: bye }
  bye: { hang_up: nobody, after: greeting/welcome }
";

const AGENT: LegId = LegId::of(CallId(7), 1);

fn whispering() -> Script {
    let mut script = Script::arrive("1015", "", None);
    let agent = script.rings();
    script.now += Duration::from_secs(130);
    script.transcript.clear();
    script.leg("alice picks up", agent, LegEvent::Up);
    let connected = QueueWord::Connected { waited: Duration::from_secs(130), quote: None };
    script.word("engine counts it", connected);
    script
}

#[test]
fn an_agent_hears_for_what_the_caller_comes_before_they_have_them() {
    let mut script = whispering();
    script.now += Duration::from_secs(3);
    // The first play was the ringing tone, the second is the whisper; then the notice of the recording.
    script.play_ends(AGENT, 1);
    script.play_ends(CALLER, 2);
    script.check(
        "
alice picks up
  fact: whispered
  play to 1: queues/whispers numbers/2 units/minutes
  engine: PickedUp
engine counts it
play ends
  stop playing
  0 hears 
  play to 0: recording/told
  1 hears 
  play to 1: recording/told
  fact: agent_connected
play ends
  1 hears 0
  0 hears 1
  record 0 into 7.wav: Start(Talk)
  fact: recording_started
",
    );
    // The caller has waited for the whisper as well.
    let waited = script.facts.iter().find_map(|what| match what {
        What::AgentConnected { waited, .. } => Some(*waited),
        _ => None,
    });
    assert_eq!(waited, Some(Duration::from_secs(133)));
}

#[test]
fn a_key_of_the_agent_is_enough_and_one_of_the_caller_is_nothing() {
    let mut script = whispering();
    script.transcript.clear();
    script.digit('1');
    assert!(matches!(script.call.phase, Phase::Whispering(_)));
    script.happens("alice keys 5", CallEvent::Digit { leg: AGENT, digit: '5' });
    assert!(matches!(script.call.phase, Phase::Talking(_)), "{}", script.transcript);
}

#[test]
fn a_whisper_that_never_ends_keeps_nobody() {
    let mut script = whispering();
    let began = script.now;
    script.waits();
    assert_eq!(script.now.since(began), Duration::from_secs(10));
    assert!(matches!(script.call.phase, Phase::Talking(_)));
}

#[test]
fn who_hung_up_during_a_whisper_has_given_up_waiting() {
    let mut script = whispering();
    script.leg("the caller hangs up", CALLER, LegEvent::Ended { cause: "hung up".into() });
    script.closes(AGENT).closes(CALLER);
    let ended = script.facts.last();
    assert!(
        matches!(ended, Some(What::CallEnded { by: Party::Caller, outcome: Outcome::Abandoned, .. })),
        "{ended:?}"
    );
    assert!(!script.facts.iter().any(|what| matches!(what, What::AgentConnected { .. })));
}

#[test]
fn a_desk_that_vanished_during_a_whisper_is_waited_for_with_a_ringing_tone() {
    let mut script = whispering();
    script.leg("the desk vanishes", AGENT, LegEvent::Lost);
    script.play_ends(AGENT, 1).play_ends(CALLER, 2);
    assert!(script.transcript.contains("play to 0: ringback again and again\n"), "{}", script.transcript);
}

#[test]
fn a_caller_who_is_being_asked_hears_the_question_out_and_then_a_ringing_tone() {
    let mut script = Script::arrive("1015", "", None);
    script.word("the engine asks", asks());
    let agent = script.rings();
    script.transcript.clear();
    script.leg("alice picks up", agent, LegEvent::Up).play_ends(CALLER, 0);
    script.check(
        "
alice picks up
  fact: whispered
  play to 1: queues/whispers
  engine: PickedUp
play ends
  play to 0: ringback again and again
",
    );
}

#[test]
fn the_flow_goes_on_when_the_agent_whom_it_had_called_hangs_up_during_a_whisper() {
    let mut script = Script::arrive("1016", "", None);
    let agent = script.rings();
    script.leg("alice picks up", agent, LegEvent::Up);
    script.transcript.clear();
    script.leg("alice hangs up", agent, LegEvent::Ended { cause: "hung up".into() });
    script.check(
        "
alice hangs up
  stop playing
  fact: agent_missed
  engine: TalkEnded
  play to 0: greeting/welcome
",
    );
}
