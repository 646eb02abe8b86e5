//! A colleague listens: who asks, who answers, and how it ends.

use super::*;
use crate::call::request::AgentRequest;
use crate::call::request::Refusal;
use crate::fact::ListensBy;
use crate::fact::SuperviseMode;
use crate::fact::Target;

const BOBS: LegId = LegId::of(CallId(7), 2);

impl Script {
    fn asks(&mut self, who: &str, request: AgentRequest) -> Result<(), Refusal> {
        let (mut out, now) = (Vec::new(), self.now);
        let done = self.call.request(&TEST_CENTER, now, WallTime(0), &who.into(), request, &mut out);
        self.note(&format!("{who} asks"), out);
        done
    }

    fn lets(&mut self, who: &str, agreed: bool) -> Result<(), Refusal> {
        self.asks("alice", AgentRequest::LetListen { who: who.into(), agreed })
    }

    /// Alice talks with a caller.
    fn talking() -> Script {
        let mut script = Script::arrive("1001", "", None);
        let agent = script.rings();
        script.leg("alice picks up", agent, LegEvent::Up);
        script.transcript.clear();
        script
    }

    /// And bob listens, with her yes.
    fn listening() -> Script {
        let mut script = Script::talking();
        script.asks("bob", AgentRequest::Listen).unwrap();
        script.lets("bob", true).unwrap();
        script.leg("bob picks up", BOBS, LegEvent::Up);
        script
    }

    fn has(&self, what: &What) -> bool {
        self.facts.contains(what)
    }
}

fn answered(agreed: bool) -> What {
    What::ListeningAnswered { agent: "alice".into(), by: "bob".into(), agreed }
}

#[test]
fn a_colleague_hears_a_talk_after_a_yes_and_until_they_are_sent_away() {
    let mut script = Script::listening();
    let by = ListensBy::Consent;
    assert!(script.has(&What::Listening { listener: "bob".into(), agent: "alice".into(), by }));
    script.happens("bob keys", CallEvent::Digit { leg: BOBS, digit: '*' });
    script.happens("bob keys", CallEvent::Digit { leg: BOBS, digit: '5' });
    script.leg("bob's phone holds", BOBS, LegEvent::Held);
    script.leg("bob's phone is back", BOBS, LegEvent::Resumed);
    script.lets("bob", false).unwrap();
    let no = Refusal::NotLetIn { who: "bob".into(), agent: "alice".into() };
    assert_eq!(script.asks("bob", AgentRequest::Listen), Err(no));
    script.check(
        "
bob asks
  fact: listening_asked
alice asks
  fact: listening_answered
  dial user bob on 2
bob picks up
  fact: listening
  2 hears 1 and 0
bob keys
bob keys
bob's phone holds
  fact: far_end_held
bob's phone is back
  fact: far_end_resumed
alice asks
  fact: listening_answered
  fact: listening_ended
  hang up 2
bob asks",
    );
}

#[test]
fn a_no_is_heard_once_and_silence_is_no_answer() {
    let mut script = Script::talking();
    script.asks("bob", AgentRequest::Listen).unwrap();
    assert_eq!(script.asks("bob", AgentRequest::Listen), Err(Refusal::Listens("bob".into())));
    script.waits();
    assert_eq!(script.now, Timestamp::from_secs(30));
    assert!(script.has(&What::ListeningLapsed { by: "bob".into() }));
    assert_eq!(script.lets("bob", true), Err(Refusal::DoesNotAsk("bob".into())), "too late");
    script.asks("bob", AgentRequest::Listen).unwrap();
    script.lets("bob", false).unwrap();
    assert!(script.has(&answered(false)) && script.call.deadline().is_none());
    assert!(script.asks("bob", AgentRequest::Listen).is_err(), "asked again after a no");
    assert!(!script.transcript.contains("dial user"), "{}", script.transcript);
}

#[test]
fn who_does_not_pick_up_or_leaves_may_ask_again() {
    let mut script = Script::talking();
    script.asks("bob", AgentRequest::Listen).unwrap();
    script.lets("bob", true).unwrap();
    script.waits();
    assert!(script.has(&What::ListeningLapsed { by: "bob".into() }));
    script.asks("bob", AgentRequest::Listen).unwrap();
    script.asks("bob", AgentRequest::StopListening).unwrap();
    script.asks("bob", AgentRequest::Listen).unwrap();
    script.lets("bob", true).unwrap();
    let leg = LegId::of(CallId(7), 3);
    script.leg("bob picks up", leg, LegEvent::Up);
    script.leg("bob hangs up", leg, LegEvent::Ended { cause: "hung up".into() });
    assert!(script.has(&What::ListeningEnded { listener: "bob".into() }));
    let gone = script.asks("bob", AgentRequest::StopListening);
    assert_eq!(gone, Err(Refusal::NotYours("bob".into())));
}

#[test]
fn a_listener_has_no_other_way_of_being_there() {
    let mut script = Script::listening();
    script.transcript.clear();
    for mode in [SuperviseMode::Listen, SuperviseMode::Whisper, SuperviseMode::Barge] {
        let refused = script.asks("bob", AgentRequest::Supervise(Some(mode)));
        assert_eq!(refused, Err(Refusal::Listens("bob".into())));
    }
    assert_eq!(script.asks("bob", AgentRequest::TakeOver), Err(Refusal::Listens("bob".into())));
    assert_eq!(script.asks("bob", AgentRequest::HangUp), Err(Refusal::NotYours("bob".into())));
    assert_eq!(script.lets("bob", true), Err(Refusal::DoesNotAsk("bob".into())));
    script.check(&format!("{}alice asks", "bob asks\n".repeat(5)));
}

#[test]
fn a_trainee_is_let_in_by_the_centers_file_and_sent_away_for_good() {
    let mut script = Script::talking();
    script.asks("dora", AgentRequest::Listen).unwrap();
    script.leg("dora picks up", BOBS, LegEvent::Up);
    let by = ListensBy::File;
    assert!(script.has(&What::Listening { listener: "dora".into(), agent: "alice".into(), by }));
    assert!(!script.facts.iter().any(|what| matches!(what, What::ListeningAsked { .. })));
    script.lets("dora", false).unwrap();
    assert!(script.has(&What::ListeningEnded { listener: "dora".into() }));
    assert!(script.asks("dora", AgentRequest::Listen).is_err());
}

#[test]
fn only_agents_ask_and_only_whoever_has_the_caller_answers() {
    let mut script = Script::talking();
    assert_eq!(script.asks("sam", AgentRequest::Listen), Err(Refusal::NoAgent("sam".into())));
    assert_eq!(script.asks("alice", AgentRequest::Listen), Err(Refusal::Yourself("alice".into())));
    script.asks("bob", AgentRequest::Listen).unwrap();
    let yes = AgentRequest::LetListen { who: "bob".into(), agreed: true };
    assert_eq!(script.asks("bob", yes.clone()), Err(Refusal::NotYours("bob".into())));
    assert_eq!(script.lets("dora", true), Err(Refusal::DoesNotAsk("dora".into())));
    for name in ["sam", "sue", "sid"] {
        script.asks(name, AgentRequest::Supervise(Some(SuperviseMode::Listen))).unwrap();
    }
    assert_eq!(script.lets("bob", true), Err(Refusal::Supervised), "three are three");
    assert_eq!(script.asks("dora", AgentRequest::Listen), Err(Refusal::Supervised));
    script.asks("sid", AgentRequest::Supervise(None)).unwrap();
    script.lets("bob", true).unwrap();
    let fourth = script.asks("sid", AgentRequest::Supervise(Some(SuperviseMode::Listen)));
    assert_eq!(fourth, Err(Refusal::Supervised));
}

#[test]
fn the_consent_was_the_agents_and_ends_with_their_talk() {
    let mut script = Script::listening();
    script.asks("sam", AgentRequest::TakeOver).unwrap();
    script.leg("sam picks up", LegId::of(CallId(7), 3), LegEvent::Up);
    assert!(script.has(&What::ListeningEnded { listener: "bob".into() }), "sam has the caller now");
    script.asks("bob", AgentRequest::Listen).unwrap();
    assert!(script.has(&What::ListeningAsked { by: "bob".into(), agent: "sam".into() }));

    let mut script = Script::listening();
    script.asks("alice", AgentRequest::Transfer { to: Target::Queue("help".into()) }).unwrap();
    assert!(script.has(&What::ListeningEnded { listener: "bob".into() }), "the caller waits again");

    let mut script = Script::talking();
    script.asks("bob", AgentRequest::Listen).unwrap();
    script.leg("the caller hangs up", CALLER, LegEvent::Ended { cause: "hung up".into() });
    assert!(script.has(&What::ListeningLapsed { by: "bob".into() }));
}

#[test]
fn who_takes_calls_again_listens_no_more() {
    let mut script = Script::listening();
    script.happens("bob is ready", CallEvent::StopsListening { who: "bob".into() });
    assert!(script.has(&What::ListeningEnded { listener: "bob".into() }));
    script.happens("and again", CallEvent::StopsListening { who: "bob".into() });
}
