//! Texts that a program speaks: before anybody calls, during a call, and what is heard where it does not come to an end.

use std::fs;

use crate::callback::center_with;
use crate::script::PCMU;
use crate::script::Script;
use crate::server::Server;
use crate::sipp::Sipp;
use crate::spine::STRANGER;
use crate::tone;
use crate::tools::available;

/// What the program says of a text that is the same in every call, and of one that is not.
const FIXED_HZ: f64 = 600.0;
const OF_A_CALL_HZ: f64 = 1_700.0;
/// What is heard in the place of one that it does not get done with: the prompt `tone-1004`.
const INSTEAD_HZ: f64 = 1_004.0;

const FLOW: &str = "\
flow: spoken
start: fixed
nodes:
  fixed: { play: { say: { text: { en: Welcome., es: Hola. } } }, then: of_a_call }
  of_a_call:
    play: { say: { text: { en: \"You called {dialled}.\", es: \"Llama al {dialled}.\" }, or: goodbye } }
    then: endless
  endless:
    play: { say: { text: { en: \"Endless {dialled}.\", es: \"Sin fin {dialled}.\" }, or: tone-1004 } }
    then: end
  end: { hang_up: all was said }
";

/// It looks at the text, and has a tone for each.
const PROGRAM: &str = "\
read text
case $text in
  Endless*) sleep 1000 ;;
  *called*) cat $1/of-a-call.wav ;;
  *) cat $1/fixed.wav ;;
esac
";

#[test]
fn texts_are_heard_and_what_is_not_spoken_in_time_has_a_recording() {
    if !available("texts_are_heard_…", &["sipp"]) {
        return;
    }
    let (folder, setup) = center_with(&[("numbers:\n", "numbers:\n  1600: spoken\n")]);
    let path = |name: &str| folder.path().join(name);
    for (name, hz) in [("fixed.wav", FIXED_HZ), ("of-a-call.wav", OF_A_CALL_HZ)] {
        tone::write_wav(&path(name), tone::sine(hz, tone::RATE));
    }
    fs::write(path("spoken.yaml"), FLOW).expect("room on the disk");
    fs::write(path("speak"), PROGRAM).expect("room on the disk");
    let speech = format!(
        "\nspeech: {{ command: \"sh '{}' '{}'\", timeout: 10s }}\nskills: [",
        path("speak").display(),
        folder.path().display()
    );
    let center = fs::read_to_string(path("center.yaml")).expect("the center's file");
    fs::write(path("center.yaml"), center.replacen("\nskills: [", &speech, 1)).expect("room on the disk");
    let server = Server::set_up(setup);
    let script = Script::invite(&[], Some(PCMU)).until_answered().answer("BYE");
    let caller = Sipp::play(&server.sip(), "1600", STRANGER, &script);
    let story = server.story_with(&caller.sip_call_id, "call_ended", 40);
    assert_eq!(story.only("call_ended")["cause"], "all was said");
    assert_eq!(
        story.prompts(),
        ["\"Welcome.\"", "\"You called 1600.\" or goodbye", "\"Endless 1600.\" or tone-1004"]
    );
    for hz in [FIXED_HZ, OF_A_CALL_HZ, INSTEAD_HZ] {
        assert!(caller.line.heard(hz) > 0.3, "{hz} Hz: {} s", caller.line.heard(hz));
    }
    caller.ends_well(10);
    // Two of the fixed text and one of the call; nothing of the one that was not spoken.
    let kept = fs::read_dir(server.data().join("speech-cache")).expect("the cache").count();
    assert_eq!(kept, 3);
}
