//! A flow that calls somebody outside for its caller.

use std::fs;

use crate::baresip::Phone;
use crate::baresip::Setup;
use crate::callback::center_with;
use crate::server::Server;
use crate::spine::STRANGER;
use crate::tone::CALLER_HZ;
use crate::tone::COLLEAGUE_HZ;
use crate::tools::available;
use crate::tools::within;

const FLOW: &str = "\
flow: outside
start: call
nodes:
  call: { transfer: \"+12025550199\", caller_id: \"+12025550100\", ring: 60s, ended: served, no_answer: nobody }
  served: { hang_up: served outside }
  nobody: { hang_up: nobody there }
";

#[test]
fn a_caller_talks_with_whom_the_flow_calls_outside_and_the_flow_goes_on() {
    if !available("a_caller_talks_with_whom_…", &["baresip"]) {
        return;
    }
    let setup = Setup { user: "+12025550199", answers: true, hz: COLLEAGUE_HZ, ..Setup::default() };
    let mut outside = Phone::start(&setup);
    let trunk = format!("trunks: {{ carrier: {{ out: \"{}\" }} }}\n\nskills:", outside.address());
    let (folder, setup) = center_with(&[("numbers:\n", "numbers:\n  1500: outside\n"), ("skills:", &trunk)]);
    fs::write(folder.path().join("outside.yaml"), FLOW).expect("room on the disk");
    let server = Server::set_up(setup);
    let mut caller = Phone::caller(&server.sip(), STRANGER);
    caller.dial(&server.uri("1500"));
    let id = caller.is_answered();
    server.story_with(&id, "forward_answered", 60);
    let shown = outside.wait_for("CALL_ESTABLISHED", 30);
    assert!(shown["peeruri"].as_str().is_some_and(|uri| uri.contains("+12025550100")), "{shown}");
    within(60, "both hear each other's tone for a second", || {
        (caller.heard(COLLEAGUE_HZ) >= 1.0 && outside.heard(CALLER_HZ) >= 1.0).then_some(())
    });
    outside.hang_up();
    let story = server.story_with(&id, "call_ended", 30);
    assert_eq!(story.only("call_ended")["cause"], "served outside");
    assert_eq!(story.only("forward_ended")["by"], "agent");
    caller.wait_for("CALL_CLOSED", 30);
    server.is_left_clean();
}
