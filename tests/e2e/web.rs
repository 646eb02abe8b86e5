//! Callers and agents in real browsers: each hears the other's tone, whatever is at the other end.

use serde_json::json;

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

/// A tone that eight thousand samples a second cannot hold.
const WIDEBAND_HZ: f64 = 6_000.0;
/// The server gives up a browser that is silent for 25 s.
const SLEPT: std::time::Duration = std::time::Duration::from_secs(30);

#[test]
fn a_caller_and_an_agent_in_browsers_hear_each_other() {
    if !browsers_available("a_caller_and_an_agent_in_browsers_…") {
        return;
    }
    let server = Server::start();
    let mut agent = Browser::start(AGENT_HZ);
    agent.is_agent(&server, "bob");
    server.wait_for_agent("bob", "ready", 5);
    let mut caller = Browser::start(CALLER_HZ);
    caller.dials(&server, "1001");
    let call = agent.rings(20);
    agent.picks_up(call);
    caller.hears("call", AGENT_HZ, 10);
    agent.hears("phone", CALLER_HZ, 10);
    assert_eq!(
        caller.look(&format!("hears(call.audio.remote, {CALLER_HZ})")),
        false,
        "nobody hears themselves"
    );
    is_wideband(&mut caller, "call", &mut agent, "phone");
    caller.run("await page.click('#stop')");
    server.wait_for_agent("bob", "wrap_up", 5);
    let story = server.story_of(call, "call_ended", 5);
    assert_eq!(story.only("call_arrived")["source"], "web");
    assert_eq!(story.only("agent_connected")["agent"], "bob");
    assert_eq!(story.only("call_ended")["by"], "caller");
    agent.look("phone.disconnect()");
    server.wait_for_agent("bob", "offline", 5);
    server.is_left_clean();
}

/// What no telephone carries arrives, and both sides have the one codec, which is forwarded as it is.
fn is_wideband(caller: &mut Browser, call: &str, agent: &mut Browser, phone: &str) {
    caller.look(&format!(
        "(async () => {{
            const context = new AudioContext();
            const [tone, voice] = [context.createOscillator(), context.createMediaStreamDestination()];
            tone.frequency.value = {WIDEBAND_HZ};
            tone.connect(voice);
            tone.start();
            await {call}.sender.replaceTrack(voice.stream.getAudioTracks()[0]);
        }})()"
    ));
    agent.hears(phone, WIDEBAND_HZ, 10);
    for (browser, line) in [(caller, call), (agent, phone)] {
        let codecs = browser.look(&format!(
            "{line}.peer.getStats().then((stats) => [...stats.values()]
                .filter(({{ type }}) => /^(in|out)bound-rtp$/.test(type))
                .map(({{ codecId }}) => stats.get(codecId).mimeType))"
        ));
        assert_eq!(codecs, json!(["audio/opus", "audio/opus"]), "{line}");
    }
}

#[test]
fn a_telephone_caller_and_an_agent_in_a_browser_hear_each_other() {
    if !browsers_available("a_telephone_caller_and_an_agent_…") || !available("…", &["sipp"]) {
        return;
    }
    let server = Server::start();
    let mut agent = Browser::start(AGENT_HZ);
    agent.is_agent(&server, "alice");
    server.wait_for_agent("alice", "ready", 5);
    let caller = Sipp::dial(&server.sip(), "1001", STRANGER, "caller_stays", 0);
    let call = agent.rings(20);
    agent.picks_up(call);
    within(10, "a second of the agent's tone", || (caller.line.heard(AGENT_HZ) >= 1.0).then_some(()));
    agent.hears("phone", CALLER_HZ, 5);
    agent.look(&format!("phone.hangUp({call})"));
    caller.ends_well(10);
    assert_eq!(server.story_of(call, "call_ended", 5).only("call_ended")["by"], "agent");
    server.is_left_clean();
}

#[test]
fn a_caller_on_a_web_page_walks_through_a_flow_to_an_agents_phone() {
    if !browsers_available("a_caller_on_a_web_page_…") || !available("…", &["baresip"]) {
        return;
    }
    let server = Server::start();
    let mut alice = Phone::agent(&server.sip(), "alice", false);
    let mut caller = Browser::start(CALLER_HZ);
    caller.dials(&server, "1000");
    let call = caller.is_talking();
    for key in "100200#4711#".chars() {
        caller.run(&format!("await page.click('#keys button:text-is(\"{key}\")')"));
    }
    let story = server.story_of(call, "verification_ended", 15);
    assert_eq!(story.only("verification_ended")["result"], "verified_by_pin");
    caller.run("await page.click('#keys button:text-is(\"1\")')");
    server.story_of(call, "agent_ringing", 15);
    alice.pick_up();
    within(10, "alice hears the caller", || (alice.heard(CALLER_HZ) >= 1.0).then_some(()));
    caller.hears("call", AGENT_HZ, 5);
    alice.hang_up();
    caller.sees(
        "the page tells the end",
        5,
        "document.querySelector('#state').textContent === 'Not connected'",
    );
    server.never_wrote("4711");
    server.is_left_clean();
}

#[test]
fn of_an_agents_phone_and_desk_the_first_that_picks_up_has_the_call() {
    if !browsers_available("of_an_agents_phone_and_desk_…") || !available("…", &["sipp", "baresip"]) {
        return;
    }
    let server = Server::start();
    let mut desk = Browser::start(AGENT_HZ);
    desk.is_agent(&server, "alice");
    let mut phone = Phone::agent(&server.sip(), "alice", false);

    // The desk: the phone stops ringing.
    let caller = Sipp::dial(&server.sip(), "1001", STRANGER, "caller_stays", 0);
    let call = desk.rings(20);
    phone.wait_for("CALL_INCOMING", 5);
    desk.picks_up(call);
    phone.wait_for("CALL_CLOSED", 5);
    within(10, "the desk is heard", || (caller.line.heard(AGENT_HZ) >= 1.0).then_some(()));
    desk.look(&format!("phone.hangUp({call})"));
    caller.ends_well(10);

    // The phone: the desk stops ringing.
    server.set_agent("alice", "ready");
    let caller = Sipp::dial(&server.sip(), "1001", STRANGER, "caller_stays", 0);
    let call = desk.rings(20);
    phone.wait_for("CALL_INCOMING", 5);
    phone.pick_up();
    desk.sees("it rings no more", 5, "!phone.desk.calls.some(({ phase }) => phase === 'ringing')");
    within(10, "the phone hears the caller", || (phone.heard(CALLER_HZ) >= 1.0).then_some(()));
    assert_eq!(
        desk.look(&format!("phone.audio.remote !== null && hears(phone.audio.remote, {CALLER_HZ})")),
        false
    );
    phone.hang_up();
    caller.ends_well(10);
    server.story_of(call, "call_ended", 5);
    server.is_left_clean();
}

/// A caller at a telephone and alice at her desk hear each other in this call.
fn talk() -> (Server, Browser, Sipp, u64) {
    let server = Server::start();
    let mut agent = Browser::start(AGENT_HZ);
    agent.is_agent(&server, "alice");
    let caller = Sipp::dial(&server.sip(), "1001", STRANGER, "caller_stays", 0);
    let call = agent.rings(20);
    agent.picks_up(call);
    agent.hears("phone", CALLER_HZ, 10);
    within(10, "the agent is heard", || (caller.line.heard(AGENT_HZ) >= 1.0).then_some(()));
    (server, agent, caller, call)
}

#[test]
fn a_desk_that_is_reloaded_in_a_talk_goes_on_within_three_seconds() {
    if !browsers_available("a_desk_that_is_reloaded_…") || !available("…", &["sipp"]) {
        return;
    }
    let (server, mut agent, caller, call) = talk();

    agent.run("await page.reload()");
    agent.sits_down("alice");
    agent.hears("phone", CALLER_HZ, 3);
    let before = caller.line.heard(AGENT_HZ);
    within(3, "the agent is heard again", || (caller.line.heard(AGENT_HZ) >= before + 0.5).then_some(()));
    assert_eq!(server.agent_state("alice"), "talking");
    agent.look(&format!("phone.hangUp({call})"));
    caller.ends_well(10);
    assert_eq!(server.story_of(call, "call_ended", 5).only("talk_ended")["by"], "agent");
}

#[test]
fn a_page_that_sleeps_in_the_background_keeps_its_talk() {
    if !browsers_available("a_page_that_sleeps_…") || !available("…", &["sipp"]) {
        return;
    }
    let (server, mut agent, caller, call) = talk();
    let sleeps = |agent: &mut Browser, state: &str| {
        agent.run(&format!(
            "state.devtools ??= await context.newCDPSession(page);
             await state.devtools.send('Page.setWebLifecycleState', {{ state: '{state}' }})"
        ));
    };
    sleeps(&mut agent, "frozen");
    // Longer than a page is believed that says nothing.
    std::thread::sleep(SLEPT);
    let before = caller.line.heard(AGENT_HZ);
    within(10, "the agent is heard while the page sleeps", || {
        (caller.line.heard(AGENT_HZ) >= before + 1.0).then_some(())
    });
    sleeps(&mut agent, "active");
    agent.sees("the page is awake", 10, "phone.state === 'up'");
    agent.hears("phone", CALLER_HZ, 10);
    agent.look(&format!("phone.hangUp({call})"));
    caller.ends_well(10);
    assert!(!server.story_of(call, "call_ended", 5).has("desk_lost"));
}

#[test]
fn the_newer_of_two_windows_has_the_phone() {
    if !browsers_available("the_newer_of_two_windows_has_the_phone") {
        return;
    }
    let server = Server::start();
    let mut agent = Browser::start(AGENT_HZ);
    agent.is_agent(&server, "alice");
    agent.run("state.older = state.page; state.page = await state.person()");
    agent.is_agent(&server, "alice");
    let older = || "return state.older.evaluate(() => phone.state)";
    within(5, "the older window is told", || (agent.run(older()) == "taken").then_some(()));
    let mut caller = Browser::start(CALLER_HZ);
    caller.dials(&server, "1001");
    let call = agent.rings(20);
    agent.picks_up(call);
    agent.hears("phone", CALLER_HZ, 10);
    assert_eq!(agent.run(older()), "taken", "the two do not fight for it");
    assert_eq!(server.agent_state("alice"), "talking");
}

/// From the click on "pick up" to the first sound of either side in the other's ears. What it takes is printed; the
/// bound is a busy machine's.
#[test]
fn picking_up_is_heard_on_both_sides_at_once() {
    if !browsers_available("picking_up_is_heard_on_both_sides_at_once") {
        return;
    }
    let server = Server::start();
    let mut agent = Browser::start(AGENT_HZ);
    agent.is_agent(&server, "bob");
    let mut caller = Browser::start(CALLER_HZ);
    caller.dials(&server, "1001");
    let call = agent.rings(20);
    // A person takes a second to pick up; ears that are new take a while to hear.
    std::thread::sleep(std::time::Duration::from_secs(1));
    for (browser, line, hz) in [(&mut agent, "phone", CALLER_HZ), (&mut caller, "call", AGENT_HZ)] {
        browser.look(&format!("firstHeard(() => {line}.audio.remote, {hz}, 100)"));
    }
    let ear = format!("void (window.ear = firstHeard(() => call.audio.remote, {AGENT_HZ}, 10000))");
    caller.look(&ear);
    let heard = agent.look(&format!(
        "(async () => {{
            const ear = firstHeard(() => phone.audio.remote, {CALLER_HZ}, 10000);
            const clicked = performance.timeOrigin + performance.now();
            phone.pickUp({call});
            return [clicked, await ear];
        }})()"
    ));
    let clicked = heard[0].as_f64().expect("a time");
    let by_agent = heard[1].as_f64().expect("the agent hears the caller") - clicked;
    let by_caller = caller.look("ear").as_f64().expect("the caller hears the agent") - clicked;
    println!(
        "from click to sound: the agent hears after {by_agent:.0} ms, the caller after {by_caller:.0} ms"
    );
    assert!(by_agent < 1_000.0 && by_caller < 1_000.0, "{by_agent} ms, {by_caller} ms");
}

#[test]
fn a_caller_whose_agents_browser_is_gone_goes_back_to_the_queue() {
    if !browsers_available("a_caller_whose_agents_browser_is_gone_…") || !available("…", &["sipp"]) {
        return;
    }
    let (server, agent, caller, call) = talk();
    drop(agent);
    server.story_of(call, "desk_lost", 15);
    assert_eq!(server.agent_state("alice"), "talking", "the line is kept");
    let story = server.story_of(call, "desk_closed", 45);
    assert_eq!(story.only("talk_ended")["by"], "agent");
    within(5, "the caller is in the queue again", || {
        (server.story_of(call, "desk_closed", 1).all("enqueued").len() == 2).then_some(())
    });
    server.wait_for_agent("alice", "wrap_up", 5);
    drop(caller);
}
