//! Recorded talks: who is told and asked before, and what an agent may do with the recording.

use super::*;
use crate::call::recording::RecordWish;
use crate::call::request::AgentRequest;
use crate::call::request::Refusal;
use crate::fact::RecordingEnd;
use crate::fact::Target;

const AGENT: LegId = LegId::of(CallId(7), 1);

impl Script {
    /// A caller of this number, and alice has picked up.
    fn picked_up(dialled: &str) -> Script {
        let mut script = Script::arrive(dialled, "", None);
        let agent = script.rings();
        script.transcript.clear();
        script.leg("alice picks up", agent, LegEvent::Up);
        script
    }

    /// The same, and the caller has heard that they are recorded.
    fn recorded() -> Script {
        let mut script = Script::picked_up("1002");
        script.notice_ends();
        script.transcript.clear();
        script
    }

    fn notice_ends(&mut self) -> &mut Script {
        // The first play of this call was the ringing tone.
        self.play_ends(CALLER, 1)
    }

    fn alice(&mut self, request: AgentRequest) -> Result<(), Refusal> {
        let (mut out, now) = (Vec::new(), self.now);
        let done = self.call.request(&TEST_CENTER, now, WallTime(0), &"alice".into(), request, &mut out);
        self.note("alice asks", out);
        done
    }

    fn pause(&mut self, reason: &str) -> Result<(), Refusal> {
        self.alice(AgentRequest::Record(RecordWish::Pause { reason: reason.to_owned() }))
    }

    fn resume(&mut self) -> Result<(), Refusal> {
        self.alice(AgentRequest::Record(RecordWish::Resume))
    }
}

#[test]
fn an_agent_who_hangs_up_during_the_notice_leaves_the_caller_to_the_queue() {
    let mut script = Script::picked_up("1002");
    script.transcript.clear();
    script.leg("alice hangs up", AGENT, LegEvent::Ended { cause: "hung up".into() });
    script.check(
        "
alice hangs up
  fact: talk_ended
  engine: TalkEnded
  stop playing
  0 hears 
  engine: Enqueue
",
    );
    assert!(matches!(script.call.phase, Phase::Waiting(_)));
}

#[test]
fn a_caller_of_a_recorded_queue_hears_of_it_before_anybody_hears_them() {
    let mut script = Script::picked_up("1002");
    let hold = AgentRequest::Hold { reason: "a".to_owned(), quote: None, way: None, agreed: true };
    assert_eq!(script.alice(hold), Err(Refusal::Asking), "nothing comes between");
    script.notice_ends();
    script.leg("the caller hangs up", CALLER, LegEvent::Ended { cause: "hung up".into() });
    script.closes(AGENT).closes(CALLER);
    script.check(
        "
alice picks up
  0 hears 
  play to 0: recording/told
  1 hears 
  play to 1: recording/told
  engine: PickedUp
alice asks
play ends
  1 hears 0
  0 hears 1
  record 0 into 7.wav: Start(Talk)
  fact: recording_started
the caller hangs up
  hang up 1
  fact: talk_ended
  engine: TalkEnded
  record 0: Stop
  fact: recording_ended
line closes
line closes
  fact: call_ended
  over",
    );
}

#[test]
fn a_caller_who_is_asked_is_recorded_only_when_they_say_yes() {
    let answered = |script: &mut Script, answer: &str| {
        assert!(script.transcript.contains("fact: recording_answered"), "{answer}: {}", script.transcript);
        assert!(script.transcript.contains("0 hears 1"), "{answer}: {}", script.transcript);
        script.transcript.contains("Start(Talk)")
    };
    let mut yes = Script::picked_up("1003");
    yes.digit('5').digit('1');
    assert!(answered(&mut yes, "yes"));
    let mut no = Script::picked_up("1003");
    no.notice_ends().digit('2');
    assert!(!answered(&mut no, "no"));
    let mut silent = Script::picked_up("1003");
    silent.notice_ends().waits();
    assert!(!answered(&mut silent, "silence"));
    // Not even the key stands in the history: what is keyed in a talk is between the two.
    for script in [yes, no, silent] {
        assert!(!script.transcript.contains("fact: digit"), "{}", script.transcript);
    }
    assert!(Script::picked_up("1001").transcript.starts_with("alice picks up\n  join 0 and 1"));
}

#[test]
fn who_was_asked_by_the_flow_is_not_asked_again() {
    let talks = |key: Option<char>| {
        let mut script = Script::arrive("1005", "", None);
        match key {
            Some(key) => script.digit(key),
            None => script.flow_play_ends(1).waits(),
        };
        let agent = script.rings();
        script.transcript.clear();
        script.leg("alice picks up", agent, LegEvent::Up);
        script.transcript
    };
    for (key, recorded) in [(Some('1'), true), (Some('2'), false), (None, false)] {
        let told = talks(key);
        assert!(!told.contains("recording/question"), "{key:?}: {told}");
        assert_eq!(told.contains("Start(Talk)"), recorded, "{key:?}: {told}");
    }
}

#[test]
fn an_agent_pauses_the_recording_with_a_reason_and_a_forgotten_pause_ends() {
    let mut script = Script::recorded();
    assert_eq!(script.resume(), Err(Refusal::RecordingRuns));
    assert_eq!(script.pause("  "), Err(Refusal::NoPauseReason));
    script.pause("a card number").unwrap();
    assert_eq!(script.pause("another"), Err(Refusal::RecordingPaused));
    script.resume().unwrap();
    script.happens("star", CallEvent::Digit { leg: AGENT, digit: '*' });
    script.happens("seven", CallEvent::Digit { leg: AGENT, digit: '7' });
    script.waits();
    assert_eq!(script.now, Timestamp::from_secs(300));
    script.check(
        "
alice asks
alice asks
alice asks
  record 0: Pause
  fact: recording_paused
alice asks
alice asks
  record 0: Resume
  fact: recording_resumed
star
seven
  record 0: Pause
  fact: recording_paused
at 300.000000s
  record 0: Resume
  fact: recording_resumed",
    );
    assert_eq!(Script::picked_up("1001").pause("a card number"), Err(Refusal::NotRecorded));
}

#[test]
fn a_recording_goes_on_through_the_queue_and_ends_where_nobody_is_recorded() {
    let mut script = Script::recorded();
    script.alice(AgentRequest::Transfer { to: Target::Queue("recorded".into()) }).unwrap();
    let second = script.rings();
    script.leg("alice picks up again", second, LegEvent::Up);
    assert!(!script.transcript.contains("record"), "told once, and one file: {}", script.transcript);
    assert!(script.transcript.contains("join 0 and 2"), "{}", script.transcript);
    script.alice(AgentRequest::Transfer { to: Target::Queue("help".into()) }).unwrap();
    let third = script.rings();
    script.leg("alice picks up once more", third, LegEvent::Up);
    assert!(script.transcript.ends_with("record 0: Stop\n  fact: recording_ended\n  engine: PickedUp\n"));
}

#[test]
fn nothing_of_a_flow_that_goes_on_with_the_caller_is_in_the_recording_of_their_talk() {
    let mut script = Script::recorded();
    script.alice(AgentRequest::Transfer { to: Target::Queue("told".into()) }).unwrap();
    script.is_let_in().transcript.clear();
    script.word("nobody", QueueWord::Exit { exit: WaitExit::Cap });
    script.flow_play_ends(1).flow_play_ends(2);
    script.check(
        "
nobody
  fact: wait_ended
  record 0: Stop
  fact: recording_ended
  stop playing
  fact: flow_started
  play to 0: greeting/welcome
play ends
  play to 0: beep
play ends
  record 0 into 7.wav: Start(Message)",
    );
}

#[test]
fn a_disk_that_is_full_ends_the_recording_once_and_not_the_call() {
    let mut script = Script::recorded();
    let ended = CallEvent::RecordingEnded { leg: CALLER, why: RecordingEnd::Disk };
    script.happens("the disk is full", ended.clone());
    script.happens("and again", ended);
    assert_eq!(script.pause("a card number"), Err(Refusal::NotRecorded));
    script.leg("the caller hangs up", CALLER, LegEvent::Ended { cause: "hung up".into() });
    assert_eq!(script.transcript.matches("fact: recording_ended").count(), 1, "{}", script.transcript);
    assert!(script.transcript.contains("fact: talk_ended"));
}

#[test]
fn another_process_goes_on_with_the_recording_in_another_file_and_keeps_it_paused() {
    let mut script = Script::recorded();
    script.pause("a card number").expect("it is recorded");
    script.happens("the server is started anew", CallEvent::CarriedOn);
    let since = script.transcript.split("the server is started anew\n").nth(1).expect("it was");
    assert_eq!(
        since.trim_end(),
        "  fact: carried_on
  record 0: Stop
  fact: recording_ended
  record 0 into 7-2.wav: Start(Talk)
  fact: recording_started
  record 0: Pause"
    );
}
