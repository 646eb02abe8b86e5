//! What nobody on the way can read: SIP over TLS, and pages over HTTPS.

use serde_json::json;

use crate::baresip;
use crate::baresip::Phone;
use crate::browser::Browser;
use crate::browser::browsers_available;
use crate::journal::they_hear_each_other;
use crate::server::Server;
use crate::server::Setup;
use crate::spine::STRANGER;
use crate::tone::AGENT_HZ;
use crate::tone::CALLER_HZ;
use crate::tools::available;
use crate::tools::within;

/// What 9197 plays.
pub const TEST_HZ: f64 = 1_004.0;

fn start() -> Server {
    Server::set_up(Setup { tls: true, ..Setup::default() })
}

#[test]
fn a_caller_and_an_agent_over_tls_hear_each_other() {
    if !available("a_caller_and_an_agent_over_tls_…", &["baresip"]) {
        return;
    }
    let server = start();
    let mut bob = Phone::agent_over("tls", &server.sip_tls(), "bob", true);
    let domain = Some(server.sip_tls());
    let setup = baresip::Setup { user: STRANGER, domain, transport: "tls", ..baresip::Setup::default() };
    let mut caller = Phone::start(&setup);
    caller.dial(&format!("sip:1001@{};transport=tls", server.sip_tls()));
    let id = caller.is_answered();
    server.story_with(&id, "agent_connected", 15);
    within(10, "caller and agent hear each other's tone for a second", || {
        (caller.heard(AGENT_HZ) >= 1.0 && bob.heard(CALLER_HZ) >= 1.0).then_some(())
    });
    bob.hang_up();
    let story = server.story_with(&id, "call_ended", 5);
    let source = story.only("call_arrived")["source"].to_string();
    assert!(source.contains("tls"), "{source}");
    assert_eq!(story.only("talk_ended")["by"], "agent");
    server.is_left_clean();
}

#[test]
fn a_phone_that_has_lost_its_connection_is_told_when_it_is_back_that_the_caller_hung_up() {
    if !available("a_phone_that_has_lost_its_connection_…", &["baresip"]) {
        return;
    }
    let mut server = start();
    let mut alice = Phone::agent_set_up(&baresip::Setup {
        user: "alice",
        domain: Some(server.sip_tls()),
        answers: true,
        transport: "tls",
        registers_s: 30,
        ..baresip::Setup::default()
    });
    let mut caller = Phone::caller(&server.sip(), STRANGER);
    caller.dial(&server.uri("1001"));
    let id = caller.is_answered();
    server.story_with(&id, "agent_connected", 20);
    they_hear_each_other(&caller, &alice);

    server.kill();
    server.restart();
    server.story_with(&id, "carried_on", 20);
    they_hear_each_other(&caller, &alice);
    caller.hang_up();
    server.story_with(&id, "talk_ended", 10);
    // It signs in again before its time is over, and by another connection.
    alice.wait_for("CALL_CLOSED", 40);
    server.story_with(&id, "call_ended", 10);
    server.is_left_clean();
}

#[test]
fn a_page_over_https_is_a_telephone() {
    if !browsers_available("a_page_over_https_is_a_telephone") {
        return;
    }
    let server = start();
    let mut caller = Browser::start(CALLER_HZ);
    let page = server.secure_web();
    caller.run(&format!("await page.goto('{page}/call')"));
    caller.run("await page.fill('#number', '9197'); await page.click('#go')");
    caller.is_talking();
    caller.hears("call", TEST_HZ, 10);
    caller.run("await page.click('#stop')");

    caller.run(&format!("await page.goto('{page}/desk')"));
    caller.run(
        "await page.fill('#name', 'alice'); await page.fill('#password', 'warmline');
         await page.keyboard.press('Enter')",
    );
    caller.sees("the desk", 10, "document.querySelector('#state')?.innerText === 'Offline'");
    let kept =
        caller.run("return (await context.cookies()).map(({ secure, httpOnly }) => [secure, httpOnly])");
    assert_eq!(kept, json!([[true, true]]), "the cookie never travels in the clear");
    server.is_left_clean();
}
