//! Callers and agents over TCP: the same main job, over connections instead of datagrams.

use crate::baresip::Phone;
use crate::script::PCMU;
use crate::script::Script;
use crate::server::Server;
use crate::sipp::Sipp;
use crate::sipp::header;
use crate::sipp::only;
use crate::spine::STRANGER;
use crate::tone::AGENT_HZ;
use crate::tone::CALLER_HZ;
use crate::tools::available;
use crate::tools::within;

#[test]
fn a_caller_and_an_agent_over_tcp_hear_each_other() {
    if !available("a_caller_and_an_agent_over_tcp_…", &["sipp", "baresip"]) {
        return;
    }
    let server = Server::start();
    let mut bob = Phone::agent_over("tcp", &server.sip(), "bob", true);
    let script = Script::invite(&[], Some(PCMU)).until_answered().answer("BYE");
    let caller = Sipp::play_over("t1", &server.sip(), "1001", STRANGER, &script);
    let id = caller.sip_call_id.clone();
    server.story_with(&id, "agent_connected", 15);
    within(10, "caller and agent hear each other's tone for a second", || {
        (caller.line.heard(AGENT_HZ) >= 1.0 && bob.heard(CALLER_HZ) >= 1.0).then_some(())
    });
    bob.hang_up();
    let received = caller.received(10);
    let contact = header(only(&received, "SIP/2.0 200"), "Contact").expect("a Contact");
    assert!(contact.contains("transport=tcp"), "{contact}");
    let via = header(only(&received, "BYE"), "Via").expect("a Via");
    assert!(via.starts_with("SIP/2.0/TCP"), "{via}");

    let story = server.story_with(&id, "call_ended", 5);
    let source = story.only("call_arrived")["source"].to_string();
    assert!(source.contains("tcp"), "{source}");
    assert_eq!(story.only("talk_ended")["by"], "agent");
    assert_eq!(story.only("call_ended")["outcome"], "talked");
    let (_, metrics) = server.ask("GET", "/metrics", None).expect("the server answers");
    for counted in ["received", "sent"] {
        let over_tcp = format!("warmline_sip_{counted}_total{{transport=\"tcp\"}} ");
        let count = metrics.lines().find_map(|line| line.strip_prefix(&over_tcp)).expect("over TCP");
        assert_ne!(count, "0", "{counted}");
        assert!(
            metrics.contains(&format!("warmline_sip_{counted}_total{{transport=\"ws\"}} 0\n")),
            "{metrics}"
        );
    }
    server.is_left_clean();
    server.stop();
}

#[test]
fn a_caller_over_tcp_keys_and_leaves() {
    if !available("a_caller_over_tcp_keys_and_leaves", &["sipp"]) {
        return;
    }
    let server = Server::start();
    let script = Script::invite(&[], Some(PCMU)).until_answered().answer("BYE");
    let caller = Sipp::play_over("t1", &server.sip(), "9002", STRANGER, &script);
    let id = caller.sip_call_id.clone();
    server.story_when(&id, "it says one", 5, |story| story.prompts() == ["digits/1"]);
    caller.line.key("7");
    server.story_when(&id, "it reads the digit back", 10, |story| story.prompts().len() == 2);
    caller.line.key("#");
    caller.ends_well(10);
    let story = server.story_with(&id, "call_ended", 5);
    assert_eq!(story.prompts(), ["digits/1", "digits/7"]);

    let script = Script::invite(&[], Some(PCMU)).until_answered().wait_ms(300).leaves();
    let caller = Sipp::play_over("t1", &server.sip(), "9000", STRANGER, &script);
    let id = caller.sip_call_id.clone();
    caller.ends_well(10);
    assert_eq!(server.story_with(&id, "call_ended", 5).only("call_ended")["by"], "caller");
    server.is_left_clean();
}
