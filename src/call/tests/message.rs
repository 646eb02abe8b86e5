//! A caller who leaves a message.

use super::*;
use crate::fact::RecordingEnd;

pub(super) const MESSAGE: &str = "\
flow: message
start: a
nodes:
  a: { voicemail: help, greeting: greeting/welcome, then: end, nothing: end, failed: end }
  end: { hang_up: done }
";

impl Script {
    /// Somebody has dialled a flow that takes messages; the tone is over.
    fn after_the_tone() -> Script {
        let mut script = Script::arrive("1009", "+12025550100", None);
        script.happens("nobody has that number", CallEvent::Found(None));
        script.leg("line up", CALLER, LegEvent::Up);
        script.flow_play_ends(1).flow_play_ends(2);
        script.transcript.clear();
        script
    }

    fn speaks(&mut self, on: bool) -> &mut Script {
        self.now += Duration::from_secs(2);
        self.happens(if on { "speaks" } else { "is silent" }, CallEvent::Speaks { leg: CALLER, on })
    }
}

#[test]
fn what_a_caller_said_is_kept_who_hangs_up_in_the_middle() {
    let mut script = Script::after_the_tone();
    script.speaks(true);
    script.now += Duration::from_secs(3);
    script.leg("the caller hangs up", CALLER, LegEvent::Ended { cause: "hung up".into() });
    script.closes(CALLER);
    script.check(
        "
speaks
the caller hangs up
  record 0: Stop
  fact: message_left
line closes
  fact: call_ended
  over",
    );
}

#[test]
fn a_message_of_nobody_is_forgotten_and_one_that_the_disk_does_not_take_as_well() {
    let mut script = Script::after_the_tone();
    script.speaks(false).leg("the caller hangs up", CALLER, LegEvent::Ended { cause: "hung up".into() });
    script.check(
        "
is silent
the caller hangs up
  record 0: Stop
  discard messages/7.wav
  fact: no_message_left",
    );
    let mut script = Script::after_the_tone();
    let ended = CallEvent::RecordingEnded { leg: CALLER, why: RecordingEnd::Disk };
    script.speaks(true).happens("the disk is full", ended);
    script.check(
        "
speaks
the disk is full
  record 0: Stop
  discard messages/7.wav
  fact: no_message_left
  hang up 0",
    );
}

#[test]
fn what_was_said_is_kept_when_another_process_goes_on_with_the_call() {
    let restart = || CallEvent::RecordingEnded { leg: CALLER, why: RecordingEnd::Restart };
    let mut script = Script::after_the_tone();
    script.speaks(true).speaks(false).happens("the server is started anew", restart());
    script.check(
        "
speaks
is silent
the server is started anew
  record 0: Stop
  fact: message_left
  hang up 0",
    );
    let mut script = Script::after_the_tone();
    script.happens("before anybody spoke", restart());
    script.check(
        "
before anybody spoke
  record 0: Stop
  discard messages/7.wav
  fact: no_message_left
  hang up 0",
    );
}

#[test]
fn a_server_that_stops_keeps_what_was_said_until_then() {
    let mut script = Script::after_the_tone();
    script
        .speaks(true)
        .speaks(false)
        .happens("the server stops", CallEvent::Stop { cause: "stops", by: None });
    script.check(
        "
speaks
is silent
the server stops
  record 0: Stop
  fact: message_left
  hang up 0",
    );
}
