//! The numbers of the demo center that tools dial: each does what the README says.

use crate::baresip::Phone;
use crate::server::Server;
use crate::sipp::Sipp;
use crate::spine::STRANGER;
use crate::tone::CALLER_HZ;
use crate::tools::available;
use crate::tools::within;

#[test]
fn the_numbers_of_the_demo_center_do_what_they_say() {
    if !available("the_numbers_of_the_demo_center_…", &["sipp", "baresip"]) {
        return;
    }
    let server = Server::start();

    // 9197: 1004 Hz.
    let caller = Sipp::dial(&server.sip(), "9197", STRANGER, "caller_leaves", 2500);
    within(5, "two seconds of 1004 Hz", || (caller.line.heard(1004.0) >= 2.0).then_some(()));
    caller.ends_well(10);

    // 9196: the caller's own voice.
    let mut caller = Phone::caller(&server.sip(), STRANGER);
    caller.dial(&server.uri("9196"));
    caller.is_answered();
    within(10, "a second of one's own tone", || (caller.heard(CALLER_HZ) >= 1.0).then_some(()));
    caller.hang_up();

    // 9002: every digit read back, until the pound key.
    let caller = Sipp::dial(&server.sip(), "9002", STRANGER, "caller_stays", 0);
    let id = caller.sip_call_id.clone();
    server.story_when(&id, "it says one", 5, |story| story.prompts() == ["digits/1"]);
    for (keyed, digit) in ["4", "7"].iter().enumerate() {
        caller.line.key(digit);
        server.story_when(&id, "it reads the digit back", 10, |story| story.prompts().len() == keyed + 2);
    }
    caller.line.key("#");
    caller.ends_well(10);
    let story = server.story_with(&id, "call_ended", 5);
    assert_eq!(story.prompts(), ["digits/1", "digits/4", "digits/7"]);
    assert_eq!(story.only("call_ended")["by"], "server");

    // 9199: says goodbye and hangs up.
    let caller = Sipp::dial(&server.sip(), "9199", STRANGER, "caller_stays", 0);
    let id = caller.sip_call_id.clone();
    caller.ends_well(10);
    assert_eq!(server.story_with(&id, "call_ended", 5).prompts(), ["goodbye"]);
    server.is_left_clean();
}
