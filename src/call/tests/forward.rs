//! Callers for whom a flow calls somebody.

use super::*;

pub(super) const OUTSIDE: &str = "
flow: outside
start: call
nodes:
  call: { transfer: '+12025550199', caller_id: '+12025550100', ended: bye, no_answer: queue, busy: bye }
  bye: { play: greeting/welcome, then: queue }
  queue: { enqueue: help }
";

pub(super) const ALONE: &str = "
flow: alone
start: call
nodes:
  call: { transfer: { agent: alice, queue: help }, no_answer: queue, busy: bye }
  bye: { hang_up: busy }
  queue: { enqueue: help }
";

const CALLED: LegId = LegId::of(CallId(7), 1);

fn outside() -> Script {
    let mut script = Script::arrive("1006", "", None);
    assert_eq!(script.call.shown_to(&TEST_CENTER, script.now, CALLED).number, "+12025550100");
    script.transcript.clear();
    script
}

#[test]
fn a_caller_hears_ringing_then_who_was_called_and_goes_on_when_they_hang_up() {
    let mut script = outside();
    script.leg("they pick up", CALLED, LegEvent::Up);
    // What the two key is theirs.
    script.digit('4');
    script.leg("they hang up", CALLED, LegEvent::Ended { cause: "BYE".into() });
    script.closes(CALLED);
    script.leg("the caller hangs up", CALLER, LegEvent::Ended { cause: "BYE".into() });
    script.closes(CALLER);
    script.check(
        "
they pick up
  stop playing
  join 0 and 1
  fact: forward_answered
key 4
they hang up
  0 hears 
  fact: forward_ended
  play to 0: greeting/welcome
line closes
the caller hangs up
line closes
  fact: call_ended
  over",
    );
}

#[test]
fn a_caller_who_hangs_up_hangs_up_on_who_was_called() {
    let mut script = outside();
    script.leg("they pick up", CALLED, LegEvent::Up);
    script.transcript.clear();
    script.leg("the caller hangs up", CALLER, LegEvent::Ended { cause: "BYE".into() });
    script.closes(CALLED);
    script.closes(CALLER);
    script.check(
        "
the caller hangs up
  hang up 1
  fact: forward_ended
line closes
line closes
  fact: call_ended
  over",
    );
    let mut script = outside();
    script.leg("the caller hangs up", CALLER, LegEvent::Ended { cause: "BYE".into() });
    script.closes(CALLER);
    script.closes(CALLED);
    script.check(
        "
the caller hangs up
  hang up 1
  fact: forward_missed
line closes
line closes
  fact: call_ended
  over",
    );
}

#[test]
fn who_is_not_reached_outside_is_called_no_more_and_the_caller_goes_on() {
    let mut script = outside();
    script.leg("they are busy", CALLED, LegEvent::Failed { status: 486 });
    script.closes(CALLED);
    script.check(
        "
they are busy
  stop playing
  fact: forward_missed
  play to 0: greeting/welcome
line closes",
    );
    let mut script = outside();
    script.waits();
    assert_eq!(script.now, Timestamp::from_secs(30));
    script.closes(CALLED);
    script.check(
        "
at 30.000000s
  hang up 1
  stop playing
  fact: forward_missed
  engine: Enqueue
line closes",
    );
    // They pick up in the same moment: nobody talks with them.
    script.leg("they pick up", CALLED, LegEvent::Up);
    assert!(script.transcript.ends_with("they pick up\n"), "{}", script.transcript);
}

#[test]
fn the_server_stops_and_nobody_who_was_called_is_left() {
    let mut script = outside();
    script.happens("stop", CallEvent::Stop { cause: "the server stops", by: None });
    script.closes(CALLED);
    script.closes(CALLER);
    script.check(
        "
stop
  hang up 1
  hang up 0
line closes
line closes
  fact: call_ended
  over",
    );
}

#[test]
fn one_agent_is_called_alone_and_the_flow_goes_on_without_them() {
    let mut script = Script::arrive("1007", "", None);
    let alice = script.rings();
    script.leg("alice declines", alice, LegEvent::Failed { status: 603 });
    script.closes(alice);
    script.word("engine has nobody else", QueueWord::Exit { exit: WaitExit::NobodyStaffed });
    script.check(
        "
arrive
  fact: call_arrived
  answer
  fact: call_answered
  fact: flow_started
  engine: CallAgent
engine rings alice
  fact: agent_ringing
  dial agent 0 on 1
  play to 0: ringback again and again
alice declines
  fact: agent_missed
  stop playing
  engine: RingFailed Declined
line closes
engine has nobody else
  engine: Enqueue",
    );
    let mut script = Script::arrive("1007", "", None);
    script.transcript.clear();
    script.word("alice is not ready", QueueWord::Exit { exit: WaitExit::NobodyStaffed });
    script.closes(CALLER);
    script.check(
        "
alice is not ready
  hang up 0
line closes
  fact: call_ended
  over",
    );
    let mut script = Script::arrive("1007", "", None);
    let alice = script.rings();
    script.transcript.clear();
    script.leg("alice picks up", alice, LegEvent::Up);
    script.leg("alice hangs up", alice, LegEvent::Ended { cause: "BYE".into() });
    script.check(
        "
alice picks up
  join 0 and 1
  engine: PickedUp
alice hangs up
  hang up 0
  fact: talk_ended
  engine: TalkEnded",
    );
}
