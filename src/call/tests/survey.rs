//! What callers are asked when their agent has ended the talk, and who is not.

use super::*;
use crate::call::request::AgentRequest;

pub(super) const AFTER_TALK: &str = "
flow: after_talk
start: good
nodes:
  good: { survey: good, prompt: greeting/welcome, tries: 1, then: end, otherwise: end }
  end: { hang_up: asked }
";

const AGENT: LegId = LegId::of(CallId(7), 1);

impl Script {
    /// A caller has talked with alice for so long, in the queue that asks.
    fn talked(number: &str, secs: u64) -> Script {
        let mut script = Script::arrive("1011", number, None);
        script.happens("nobody has that number", CallEvent::Found(None));
        script.rings();
        // The first play of this call was the ringing tone.
        script.leg("alice picks up", AGENT, LegEvent::Up).play_ends(CALLER, 1);
        script.now += Duration::from_secs(secs);
        script.transcript.clear();
        script
    }

    fn leaves(&mut self, who: &str, leg: LegId) -> &mut Script {
        self.leg(&format!("{who} hangs up"), leg, LegEvent::Ended { cause: "hung up".into() })
    }

    fn is_asked(&self) -> bool {
        self.transcript.contains("fact: survey_started")
    }

    pub(super) fn outcome(&self) -> Option<Outcome> {
        match &self.call.phase {
            Phase::Ended { outcome, .. } => Some(*outcome),
            _ => None,
        }
    }
}

#[test]
fn a_caller_whose_agent_hangs_up_first_is_asked_and_the_agent_is_free_at_once() {
    let mut script = Script::talked("+12025550143", 30);
    script.leaves("alice", AGENT).closes(AGENT).digit('4').closes(CALLER);
    script.check(
        "
alice hangs up
  fact: talk_ended
  engine: TalkEnded
  stop playing
  0 hears 
  fact: survey_started
  record 0: Stop
  fact: recording_ended
  stop playing
  fact: flow_started
  play to 0: greeting/welcome
line closes
key 4
  stop playing
  fact: barged_in
  fact: digit
  fact: survey_answered
  hang up 0
line closes
  fact: call_ended
  over",
    );
    assert_eq!(script.outcome(), Some(Outcome::Talked));
}

#[test]
fn an_answer_tells_whom_it_is_about() {
    let mut script = Script::talked("", 20);
    script.leaves("alice", AGENT);
    let (mut out, digit) = (Vec::new(), '5');
    script.call.handle(
        &TEST_CENTER,
        script.now,
        WallTime(0),
        CallEvent::Digit { leg: CALLER, digit },
        &mut out,
    );
    let (question, agent, queue) = ("good".into(), Some("alice".into()), Some("judged".into()));
    assert!(out.contains(&CallAction::Fact(What::SurveyAnswered {
        question,
        answer: 5,
        agent,
        queue,
        settled: None
    })));
}

#[test]
fn the_agent_s_desk_hangs_up_like_their_phone() {
    let mut script = Script::talked("+12025550143", 30);
    let (mut out, now, who) = (Vec::new(), script.now, "alice".into());
    let asked = script.call.request(&TEST_CENTER, now, WallTime(0), &who, AgentRequest::HangUp, &mut out);
    assert_eq!(asked, Ok(()));
    script.note("alice hangs up at the desk", out);
    assert!(script.transcript.starts_with("alice hangs up at the desk\n  hang up 1\n") && script.is_asked());
}

#[test]
fn nobody_is_asked_who_hung_up_first_or_hardly_talked_or_was_asked_a_while_ago() {
    let mut left = Script::talked("+12025550143", 30);
    left.leaves("the caller", CALLER);
    let mut short = Script::talked("+12025550143", 19);
    short.leaves("alice", AGENT);
    let mut asked = Script::talked("+12025550143", 4 * 60 * 60 - 1);
    asked.call.was_asked(Timestamp::ZERO);
    asked.leaves("alice", AGENT);
    for script in [left, short, asked] {
        assert!(!script.is_asked(), "{}", script.transcript);
        assert_eq!(script.outcome(), Some(Outcome::Talked));
    }
    let mut again = Script::talked("+12025550143", 4 * 60 * 60);
    again.call.was_asked(Timestamp::ZERO);
    again.leaves("alice", AGENT);
    assert!(again.is_asked());
}

#[test]
fn a_caller_who_hangs_up_in_it_or_says_nothing_has_talked_all_the_same() {
    let mut left = Script::talked("", 30);
    left.leaves("alice", AGENT).leaves("the caller", CALLER);
    let mut silent = Script::talked("", 30);
    silent.leaves("alice", AGENT);
    silent.flow_play_ends(1).waits();
    for script in [left, silent] {
        assert!(script.is_asked() && !script.transcript.contains("survey_answered"), "{}", script.transcript);
        assert_eq!(script.outcome(), Some(Outcome::Talked));
    }
}
