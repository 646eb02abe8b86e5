//! The whisper: an agent hears for what the caller comes before they have them, and nobody else does.

use crate::baresip::Phone;
use crate::callback::center_with;
use crate::server::Server;
use crate::sipp::Sipp;
use crate::spine::STRANGER;
use crate::talk::Talk;
use crate::tone::AGENT_HZ;
use crate::tone::CALLER_HZ;
use crate::tools::available;
use crate::tools::within;

/// The prompt that is the whisper here: ten seconds of a tone.
const WHISPER: (&str, f64) = ("tone-1004", 1004.0);

#[test]
fn an_agent_hears_the_whisper_alone_and_a_key_brings_the_caller() {
    if !available("an_agent_hears_the_whisper_alone_…", &["sipp", "baresip"]) {
        return;
    }
    let whisper = format!("  support:\n    whisper: {}\n", WHISPER.0);
    let (_flows, setup) = center_with(&[("  support:\n", &whisper)]);
    let server = Server::set_up(setup);
    let mut alice = Phone::agent(&server.sip(), "alice", true);
    let caller = Sipp::dial(&server.sip(), "1001", STRANGER, "caller_stays", 0);
    let sip_call_id = caller.sip_call_id.clone();
    let story = server.story_with(&sip_call_id, "whispered", 15);
    assert_eq!(story.only("whispered")["agent"], "alice");
    let call = story.id();
    within(10, "a second of the whisper", || (alice.heard(WHISPER.1) >= 1.0).then_some(()));
    server.wait_for_agent("alice", "talking", 5);
    assert!(!server.story_with(&sip_call_id, "whispered", 1).has("agent_connected"), "they have not met");
    assert!(alice.heard(CALLER_HZ) < 0.1, "the caller is heard too soon");

    alice.key("5");
    server.story_with(&sip_call_id, "agent_connected", 10);
    let talk = Talk { server, alice, caller, sip_call_id, call };
    talk.hear("a", "c", None);
    assert!(talk.caller.line.heard(WHISPER.1) < 0.1, "the caller hears the whisper");
    assert!(talk.caller.line.heard(AGENT_HZ) > 0.0 && talk.alice.heard(WHISPER.1) < 9.0, "the key ended it");
    talk.over("alice");
}
