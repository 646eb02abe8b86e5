//! Callers and agents in real browsers: each hears the other's tone, whatever is at the other end.

use crate::baresip::Phone;
use crate::browser::Browser;
use crate::browser::browsers_available;
use crate::server::Server;
use crate::sipp::Sipp;
use crate::spine::STRANGER;
use crate::tone::AGENT_HZ;
use crate::tone::CALLER_HZ;
use crate::tools::available;
use crate::tools::within;

#[test]
fn a_caller_and_an_agent_in_browsers_hear_each_other() {
    if !browsers_available("a_caller_and_an_agent_in_browsers_…") {
        return;
    }
    let server = Server::start();
    let mut agent = Browser::start(AGENT_HZ);
    agent.is_agent(&server, "bob");
    within(5, "bob is ready", || (server.agent_state("bob") == "ready").then_some(()));
    let mut caller = Browser::start(CALLER_HZ);
    caller.dials(&server, "1001");
    let call = agent.rings(20);
    agent.look(&format!("phone.pickUp({call})"));
    caller.hears("call", AGENT_HZ, 10);
    agent.hears("phone", CALLER_HZ, 10);
    let own = caller.look(&format!("hears(call.audio.remote, {CALLER_HZ})"));
    assert_eq!(own, false, "nobody hears themselves");
    caller.run("await page.click('#stop')");
    within(5, "bob is in wrap-up", || (server.agent_state("bob") == "wrap_up").then_some(()));
    let story = server.story_of(call);
    assert_eq!(story.only("call_arrived")["source"], "web");
    assert_eq!(story.only("call_ended")["by"], "caller");
}
