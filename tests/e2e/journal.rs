//! Calls that outlive the server: killed as a crash would do it and started anew, it goes on with them, and the phones on
//! either side notice no more than a moment of silence.

use std::fs;
use std::path::PathBuf;

use tempfile::TempDir;

use crate::baresip;
use crate::baresip::Phone;
use crate::browser::Browser;
use crate::browser::browsers_available;
use crate::callback::center_with;
use crate::placed::call_that_is_up;
use crate::script::PCMU;
use crate::script::Script;
use crate::server::Server;
use crate::server::Setup;
use crate::sipp::Sipp;
use crate::sipp::header;
use crate::spine::ANN;
use crate::spine::STRANGER;
use crate::talk::colleague;
use crate::tone;
use crate::tone::AGENT_HZ;
use crate::tone::CALLER_HZ;
use crate::tools::Folder;
use crate::tools::available;
use crate::tools::within;

/// Nobody has missed a call before the server is back, however long that takes on a busy machine.
const LONG_RING: [(&str, &str); 2] = [
    ("    needs: billing >= 3\n", "    needs: billing >= 3\n    ring: 5m\n"),
    ("    needs: support >= 3\n", "    needs: support >= 3\n    ring: 5m\n"),
];

/// From now on, each of the two hears the other.
pub fn they_hear_each_other(caller: &Phone, agent: &Phone) {
    let from = [caller.recording().len(), agent.recording().len()];
    within(20, "caller and agent hear each other's tone, in what came since", || {
        let heard = |phone: &Phone, from: usize, hz| tone::seconds_of(hz, &phone.recording()[from..]) >= 1.0;
        (heard(caller, from[0], AGENT_HZ) && heard(agent, from[1], CALLER_HZ)).then_some(())
    });
}

/// From now on, the caller hears something for a second.
pub fn hears_music(caller: &Phone) {
    let from = caller.recording().len();
    within(20, "the caller hears music", || {
        let since = caller.recording().split_off(from);
        (since.iter().filter(|sample| sample.unsigned_abs() > 200).count() > 8_000).then_some(())
    });
}

#[test]
fn a_talk_outlives_the_server() {
    if !available("a_talk_outlives_the_server", &["baresip"]) {
        return;
    }
    let mut server = Server::start();
    let mut alice = Phone::agent(&server.sip(), "alice", true);
    let mut caller = Phone::caller(&server.sip(), STRANGER);
    caller.dial(&server.uri("1001"));
    let id = caller.is_answered();
    server.story_with(&id, "agent_connected", 20);
    they_hear_each_other(&caller, &alice);

    // A crash, and an upgrade.
    for (times, ends) in [(1, Server::kill as fn(&mut Server)), (2, Server::leave)] {
        ends(&mut server);
        server.restart();
        let told = |story: &crate::server::Story| story.all("carried_on").len() == times;
        server.story_when(&id, "the call goes on", 20, told);
        they_hear_each_other(&caller, &alice);
    }
    assert_eq!(server.agent_state("alice"), "talking");
    assert_eq!(alice.heard(AGENT_HZ), 0.0, "nobody hears themselves");

    alice.hang_up();
    caller.wait_for("CALL_CLOSED", 10);
    let story = server.story_with(&id, "call_ended", 10);
    assert_eq!(story.only("agent_connected")["agent"], "alice");
    assert_eq!(story.only("talk_ended")["by"], "agent");
    assert_eq!(story.only("call_ended")["outcome"], "talked");
    server.is_left_clean();
}

/// Alice is not ready, and somebody has just begun to wait: her phone, which picks up by itself or not, theirs, and the call.
pub fn somebody_waits(server: &Server, answers: bool) -> (Phone, Phone, String) {
    let alice = Phone::agent(&server.sip(), "alice", answers);
    server.wait_for_agent("alice", "ready", 10);
    server.set_agent("alice", "not_ready");
    let mut caller = Phone::caller(&server.sip(), STRANGER);
    caller.dial(&server.uri("1001"));
    let id = caller.is_answered();
    server.story_with(&id, "hold_music_started", 20);
    (alice, caller, id)
}

#[test]
fn a_wait_outlives_the_server_as_old_as_it_is_and_so_do_the_phones_that_are_signed_in() {
    if !available("a_wait_outlives_the_server_…", &["baresip"]) {
        return;
    }
    let mut server = Server::start();
    // At once: the caller's phone has heard nothing yet, or hardly anything.
    let (mut alice, mut caller, id) = somebody_waits(&server, true);
    server.kill();
    server.restart();
    server.story_with(&id, "carried_on", 20);
    assert_eq!(server.agent_state("alice"), "not_ready");
    hears_music(&caller);

    // Nobody had to sign in again.
    server.set_agent("alice", "ready");
    alice.wait_for("CALL_ESTABLISHED", 20);
    server.story_with(&id, "agent_connected", 20);
    they_hear_each_other(&caller, &alice);
    caller.hang_up();
    let story = server.story_with(&id, "call_ended", 10);
    assert_eq!(story.all("enqueued").len(), 1, "it is the same wait: {:?}", story.kinds());
    assert_eq!(story.all("wait_granted").len(), 1, "nobody is asked twice: {:?}", story.kinds());
    server.is_left_clean();
}

#[test]
fn a_caller_who_is_asked_something_is_asked_again_and_what_was_proved_is_not() {
    if !available("a_caller_who_is_asked_something_…", &["baresip"]) {
        return;
    }
    let mut server = Server::start();
    let alice = Phone::agent(&server.sip(), "alice", true);
    let mut ann = Phone::caller(&server.sip(), ANN);
    ann.dial(&server.uri("1000"));
    let id = ann.is_answered();
    server.story_when(&id, "the greeting by name", 20, |story| story.prompts().contains(&"names/ann"));
    ann.key("4711#");
    server.story_with(&id, "verification_ended", 20);

    server.kill();
    server.restart();
    server.story_with(&id, "carried_on", 20);
    ann.key("2");
    let story = server.story_with(&id, "agent_connected", 20);
    assert_eq!(story.all("verification_ended").len(), 1, "{:?}", story.kinds());
    they_hear_each_other(&ann, &alice);
    ann.hang_up();
    server.story_with(&id, "call_ended", 10);
    server.never_wrote("4711");
    server.is_left_clean();
}

#[test]
fn a_talk_at_a_desk_outlives_the_server_and_the_desk_comes_back_to_it_by_itself() {
    if !browsers_available("a_talk_at_a_desk_outlives_the_server_…") || !available("…", &["baresip"]) {
        return;
    }
    let mut server = Server::start();
    let mut agent = Browser::start(AGENT_HZ);
    agent.is_agent(&server, "alice");
    server.wait_for_agent("alice", "ready", 20);
    let mut caller = Phone::caller(&server.sip(), STRANGER);
    caller.dial(&server.uri("1001"));
    let id = caller.is_answered();
    let call = agent.rings(20);
    agent.picks_up(call);
    server.story_with(&id, "agent_connected", 20);
    agent.hears("phone", CALLER_HZ, 20);

    server.kill();
    server.restart();
    server.story_with(&id, "carried_on", 20);
    server.story_with(&id, "desk_back", 30);
    agent.hears("phone", CALLER_HZ, 20);
    let from = caller.recording().len();
    within(20, "the caller hears the agent again", || {
        (tone::seconds_of(AGENT_HZ, &caller.recording()[from..]) >= 1.0).then_some(())
    });
    caller.hang_up();
    let story = server.story_with(&id, "call_ended", 10);
    assert_eq!(story.only("agent_connected")["agent"], "alice");
    assert_eq!(story.only("talk_ended")["by"], "caller");
    server.is_left_clean();
}

/// A center whose phones may secure their audio, and the memory in which its server keeps their keys.
pub fn secured_center(policy: &str) -> (Folder, Setup, TempDir) {
    let secured = format!("srtp: {policy}\ncompany: ");
    center_with_memory(&[("company: ", &secured), LONG_RING[0], LONG_RING[1]])
}

/// A center that is changed in these places, and the memory in which its server keeps keys.
fn center_with_memory(changes: &[(&str, &str)]) -> (Folder, Setup, TempDir) {
    let (flows, mut setup) = center_with(changes);
    let memory = tempfile::tempdir_in("/dev/shm").expect("a folder in memory");
    setup.environment.push(("RUNTIME_DIRECTORY", memory.path().display().to_string()));
    (flows, setup, memory)
}

/// A phone of that center which secures its audio in this way.
pub fn secured_phone<'a>(server: &Server, user: &'a str, srtp: Option<&'a str>) -> baresip::Setup<'a> {
    baresip::Setup { user, domain: Some(server.sip()), srtp, ..baresip::Setup::default() }
}

/// The same of an agent who picks up.
pub fn secured_agent(server: &Server, user: &str, srtp: Option<&str>) -> Phone {
    Phone::agent_set_up(&baresip::Setup { answers: true, ..secured_phone(server, user, srtp) })
}

/// Files that hold keys.
pub fn kept(memory: &TempDir) -> Vec<PathBuf> {
    let within =
        |folder: PathBuf| fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path());
    within(memory.path().to_owned()).flat_map(within).collect()
}

#[test]
fn a_secured_talk_outlives_the_server_by_the_keys_that_it_had() {
    if !available("a_secured_talk_outlives_the_server_…", &["baresip"]) {
        return;
    }
    let (_flows, setup, memory) = secured_center("required");
    let mut server = Server::set_up(setup);
    let mut bob = secured_agent(&server, "bob", Some("srtp-mand"));
    let mut caller = Phone::start(&secured_phone(&server, STRANGER, Some("srtp-mand")));
    caller.dial(&server.uri("1001"));
    let id = caller.is_answered();
    server.story_with(&id, "agent_connected", 20);
    they_hear_each_other(&caller, &bob);

    for times in 1..=2 {
        server.kill();
        let [file] = &kept(&memory)[..] else { panic!("one call has keys: {:?}", kept(&memory)) };
        let keys: serde_json::Value =
            serde_json::from_str(&fs::read_to_string(file).expect("its file")).expect("it is JSON");
        let journal = fs::read_to_string(server.data().join("calls.journal")).expect("the journal");
        for line in keys["lines"].as_array().expect("lines") {
            for key in ["ours", "theirs"] {
                let key = line["keys"][key].as_str().expect("a key");
                assert!(key.len() > 30 && !journal.contains(key) && !server.logged().contains(key));
            }
        }
        assert!(
            journal.contains("\"call\"") && !journal.contains("inline:") && !journal.contains("a=crypto")
        );
        server.restart();
        let told = |story: &crate::server::Story| story.all("carried_on").len() == times;
        server.story_when(&id, "the call goes on", 20, told);
        they_hear_each_other(&caller, &bob);
    }

    bob.hang_up();
    caller.wait_for("CALL_CLOSED", 10);
    server.story_with(&id, "call_ended", 10);
    server.is_left_clean();
    within(10, "no key is left over", || kept(&memory).is_empty().then_some(()));
}

/// baresip 1.0.0 answers an offer of new keys, and goes on with the old ones.
#[test]
fn without_the_keys_who_takes_no_new_one_is_not_left_in_silence() {
    if !available("without_the_keys_…", &["baresip"]) {
        return;
    }
    let (_flows, setup, memory) = secured_center("optional");
    let mut server = Server::set_up(setup);
    let mut bob = secured_agent(&server, "bob", None);
    let mut caller = Phone::start(&secured_phone(&server, STRANGER, Some("srtp-mand")));
    caller.dial(&server.uri("1001"));
    let id = caller.is_answered();
    server.story_with(&id, "agent_connected", 20);
    they_hear_each_other(&caller, &bob);

    server.kill();
    forget_all(&memory);
    server.restart();
    server.story_with(&id, "carried_on", 20);
    caller.writes("a=crypto", 20);
    let story = server.story_with(&id, "call_ended", 60);
    assert_eq!(story.only("call_ended")["cause"], "its audio could not be secured anew");
    caller.wait_for("CALL_CLOSED", 20);
    bob.wait_for("CALL_CLOSED", 20);
    server.is_left_clean();
}

#[test]
fn a_talk_that_a_handshake_secured_outlives_the_server() {
    if !available("a_talk_that_a_handshake_secured_…", &["baresip"]) {
        return;
    }
    let (_flows, setup, _memory) = secured_center("dtls");
    let mut server = Server::set_up(setup);
    let mut bob = secured_agent(&server, "bob", Some("dtls_srtp"));
    let mut caller = Phone::start(&secured_phone(&server, STRANGER, Some("dtls_srtp")));
    caller.dial(&server.uri("1001"));
    let id = caller.is_answered();
    server.story_with(&id, "agent_connected", 20);
    they_hear_each_other(&caller, &bob);

    server.kill();
    server.restart();
    server.story_with(&id, "carried_on", 20);
    they_hear_each_other(&caller, &bob);
    bob.hang_up();
    caller.wait_for("CALL_CLOSED", 10);
    server.story_with(&id, "call_ended", 10);
    server.is_left_clean();
}

/// A server whose keys lie where the test can look.
fn with_memory() -> (Server, TempDir) {
    let memory = tempfile::tempdir_in("/dev/shm").expect("a folder in memory");
    let environment = vec![("RUNTIME_DIRECTORY", memory.path().display().to_string())];
    (Server::set_up(Setup { environment, ..Setup::default() }), memory)
}

/// From now on, the telephone and the browser hear each other.
pub fn telephone_and_browser_hear_each_other(
    phone: &Phone,
    phone_hz: f64,
    browser: &mut Browser,
    browser_hz: f64,
) {
    let from = phone.recording().len();
    browser.hears("phone", phone_hz, 20);
    within(20, "the telephone hears the browser, in what came since", || {
        (tone::seconds_of(browser_hz, &phone.recording()[from..]) >= 1.0).then_some(())
    });
}

/// A caller at a telephone talks with alice, whose phone is JsSIP in a browser.
struct TalkInBrowser {
    server: Server,
    agent: Browser,
    caller: Phone,
    /// The call's SIP Call-ID.
    id: String,
    /// Where the server keeps its keys.
    memory: TempDir,
}

impl TalkInBrowser {
    fn begin() -> TalkInBrowser {
        let (server, memory) = with_memory();
        let mut agent = Browser::start(AGENT_HZ);
        agent.has_jssip(&server.web(), "alice", Some("warmline"));
        server.wait_for_agent("alice", "ready", 10);
        let mut caller = Phone::caller(&server.sip(), STRANGER);
        caller.dial(&server.uri("1001"));
        let id = caller.is_answered();
        agent.sees("it rings", 20, "phone.state === 'ringing'");
        agent.look("phone.pickUp()");
        server.story_with(&id, "agent_connected", 20);
        telephone_and_browser_hear_each_other(&caller, CALLER_HZ, &mut agent, AGENT_HZ);
        TalkInBrowser { server, agent, caller, id, memory }
    }
}

#[test]
fn a_talk_of_a_phone_in_a_browser_outlives_the_server() {
    let test = "a_talk_of_a_phone_in_a_browser_outlives_the_server";
    if !browsers_available(test) || !available(test, &["baresip"]) {
        return;
    }
    let TalkInBrowser { mut server, mut agent, mut caller, id, memory } = TalkInBrowser::begin();

    for times in 1..=2 {
        server.kill();
        let [file] = &kept(&memory)[..] else { panic!("one call has keys: {:?}", kept(&memory)) };
        let keys: serde_json::Value =
            serde_json::from_str(&fs::read_to_string(file).expect("its file")).expect("it is JSON");
        let journal = fs::read_to_string(server.data().join("calls.journal")).expect("the journal");
        let line = &keys["lines"][0];
        for secret in [&line["keys"]["ours"], &line["keys"]["theirs"], &line["ice"]["password"]] {
            let secret = secret.as_str().expect("a secret");
            assert!(secret.len() > 20 && !journal.contains(secret) && !server.logged().contains(secret));
        }
        assert!(journal.contains("\"call\"") && !journal.contains("ice-pwd"));
        server.restart();
        let told = |story: &crate::server::Story| story.all("carried_on").len() == times;
        server.story_when(&id, "the call goes on", 20, told);
        telephone_and_browser_hear_each_other(&caller, CALLER_HZ, &mut agent, AGENT_HZ);
    }

    // So long that Chromium has given up the way: another one is looked for once the phone is back.
    server.kill();
    let given_up = "Date.now() - (phone.silent_since ??= Date.now()) > 20_000";
    agent.sees("none of its checks was answered for 20 s", 60, given_up);
    server.restart();
    server.story_when(&id, "the call goes on", 20, |story| story.all("carried_on").len() == 3);
    agent.hears("phone", CALLER_HZ, 60);
    telephone_and_browser_hear_each_other(&caller, CALLER_HZ, &mut agent, AGENT_HZ);

    // The phone comes back by itself, and what is said in the talk goes both ways: it sees another certificate, too.
    agent.sees("it is signed in again", 40, "phone.ua.isRegistered() && phone.reconnected === 3");
    agent.look("void phone.session.hold()");
    server.story_with(&id, "hold_asked", 20);
    agent.look("void phone.session.unhold()");
    telephone_and_browser_hear_each_other(&caller, CALLER_HZ, &mut agent, AGENT_HZ);
    agent.look("phone.hangUp()");
    caller.wait_for("CALL_CLOSED", 10);
    let story = server.story_with(&id, "call_ended", 10);
    assert_eq!(story.only("agent_connected")["agent"], "alice");
    assert_eq!(story.only("talk_ended")["by"], "agent");
    assert_eq!(story.only("call_ended")["outcome"], "talked");
    server.is_left_clean();
    within(10, "no key is left over", || kept(&memory).is_empty().then_some(()));
}

#[test]
fn a_call_from_a_browser_that_never_signed_in_outlives_the_server() {
    let test = "a_call_from_a_browser_that_never_signed_in_…";
    if !browsers_available(test) || !available(test, &["baresip"]) {
        return;
    }
    let (mut server, _memory) = with_memory();
    let alice = Phone::agent(&server.sip(), "alice", true);
    let mut caller = Browser::start(CALLER_HZ);
    caller.has_jssip(&server.web(), STRANGER, None);
    caller.look("void phone.call('1001')");
    caller.sees("the call is answered", 20, "phone.state === 'talking'");
    let id = caller.sip_call_id();
    server.story_with(&id, "agent_connected", 20);
    telephone_and_browser_hear_each_other(&alice, AGENT_HZ, &mut caller, CALLER_HZ);
    server.kill();
    server.restart();
    server.story_with(&id, "carried_on", 20);
    telephone_and_browser_hear_each_other(&alice, AGENT_HZ, &mut caller, CALLER_HZ);
    caller.sees("it is connected again", 40, "phone.ua.isConnected() && phone.reconnected === 1");
    caller.look("phone.hangUp()");
    let story = server.story_with(&id, "call_ended", 10);
    assert_eq!(story.only("talk_ended")["by"], "caller");
    server.is_left_clean();
}

#[test]
fn without_the_keys_a_phone_in_a_browser_shakes_hands_anew() {
    let test = "without_the_keys_a_phone_in_a_browser_…";
    if !browsers_available(test) || !available(test, &["baresip"]) {
        return;
    }
    let TalkInBrowser { mut server, mut agent, mut caller, id, memory } = TalkInBrowser::begin();
    server.kill();
    kept(&memory).iter().for_each(|file| fs::remove_file(file).expect("it is there"));
    server.restart();
    server.story_with(&id, "carried_on", 20);
    telephone_and_browser_hear_each_other(&caller, CALLER_HZ, &mut agent, AGENT_HZ);
    caller.hang_up();
    agent.sees("the phone is told", 10, "phone.state === 'over' && phone.originator === 'remote'");
    server.story_with(&id, "call_ended", 10);
    server.is_left_clean();
}

#[test]
fn a_page_that_was_closed_while_the_server_was_gone_does_not_leave_its_caller_in_silence() {
    let test = "a_page_that_was_closed_while_the_server_was_gone_…";
    if !browsers_available(test) || !available(test, &["baresip"]) {
        return;
    }
    let TalkInBrowser { mut server, mut agent, mut caller, id, memory: _memory } = TalkInBrowser::begin();
    server.kill();
    agent.run("await page.goto('about:blank')");
    server.restart();
    // Five seconds of silence, and half a minute in which it could have come back.
    server.story_with(&id, "talk_ended", 60);
    caller.hang_up();
    server.story_with(&id, "call_ended", 20);
    server.is_left_clean();
}

/// Alice is rung for a caller who waits, whose Call-ID this is.
fn rings_for(server: &Server, caller: &mut Phone) -> String {
    server.wait_for_agent("alice", "ready", 10);
    caller.dial(&server.uri("1001"));
    let id = caller.is_answered();
    server.story_with(&id, "agent_ringing", 20);
    hears_music(caller);
    id
}

/// Alice's phone rings anew for the caller, who has kept their place, and she has missed nothing.
fn is_rung_anew(server: &Server, id: &str) {
    let anew = |story: &crate::server::Story| story.all("agent_ringing").len() == 2;
    let story = server.story_when(id, "she is rung anew", 30, anew);
    assert_eq!(story.only("agent_missed")["why"], "withdrawn");
    assert_eq!(story.all("enqueued").len(), 1, "it is the same wait: {:?}", story.kinds());
}

#[test]
fn a_phone_that_rings_while_the_server_is_killed_rings_on_for_the_same_caller() {
    if !available("a_phone_that_rings_while_the_server_is_killed_…", &["baresip"]) {
        return;
    }
    // She picks up while nobody is there, or afterwards.
    for meanwhile in [true, false] {
        let (_flows, setup) = center_with(&LONG_RING);
        let mut server = Server::set_up(setup);
        let mut alice = Phone::agent(&server.sip(), "alice", false);
        let mut caller = Phone::caller(&server.sip(), STRANGER);
        let id = rings_for(&server, &mut caller);
        alice.wait_for("CALL_INCOMING", 10);
        server.kill();
        if meanwhile {
            alice.pick_up();
            alice.writes("SIP/2.0 200 Answering", 10);
        }
        server.restart();
        server.story_with(&id, "carried_on", 20);
        if !meanwhile {
            assert_eq!(server.agent_state("alice"), "ringing");
            alice.pick_up();
        }
        let story = server.story_with(&id, "agent_connected", 20);
        they_hear_each_other(&caller, &alice);
        assert_eq!(story.all("agent_ringing").len(), 1, "{:?}", story.kinds());
        assert!(!story.has("agent_missed"), "{:?}", story.kinds());
        caller.hang_up();
        alice.wait_for("CALL_CLOSED", 10);
        server.story_with(&id, "call_ended", 10);
        server.is_left_clean();
    }
}

#[test]
fn a_phone_that_rings_and_is_to_secure_its_audio_rings_on_by_the_keys_that_it_was_offered() {
    if !available("a_phone_that_rings_and_is_to_secure_its_audio_…", &["baresip"]) {
        return;
    }
    let (_flows, setup, memory) = secured_center("required");
    let mut server = Server::set_up(setup);
    let mut alice = Phone::agent_set_up(&secured_phone(&server, "alice", Some("srtp-mand")));
    let mut caller = Phone::start(&secured_phone(&server, STRANGER, Some("srtp-mand")));
    let id = rings_for(&server, &mut caller);
    alice.wait_for("CALL_INCOMING", 10);
    server.kill();
    let journal = fs::read_to_string(server.data().join("calls.journal")).expect("the journal");
    assert!(journal.contains("INVITE sip:alice") && !journal.contains("inline:"), "no key is written down");
    server.restart();
    server.story_with(&id, "carried_on", 20);
    alice.pick_up();
    let story = server.story_with(&id, "agent_connected", 20);
    they_hear_each_other(&caller, &alice);
    assert_eq!(story.all("agent_ringing").len(), 1, "{:?}", story.kinds());
    assert!(!story.has("agent_missed"), "{:?}", story.kinds());

    // And the talk that came of it outlives another one.
    server.kill();
    server.restart();
    server.story_when(&id, "the call goes on", 20, |story| story.all("carried_on").len() == 2);
    they_hear_each_other(&caller, &alice);
    caller.hang_up();
    alice.wait_for("CALL_CLOSED", 10);
    server.story_with(&id, "call_ended", 10);
    server.is_left_clean();
    within(10, "no key is left over", || kept(&memory).is_empty().then_some(()));
}

/// Removes from a call's file the keys that a phone was offered which rings.
fn forget_what_was_offered(file: &PathBuf) {
    let text = fs::read_to_string(file).expect("its file");
    let mut keys: serde_json::Value = serde_json::from_str(&text).expect("it is JSON");
    keys["lines"].as_array_mut().expect("lines").retain(|line| !line["keys"].is_null());
    fs::write(file, keys.to_string()).expect("room in memory");
}

#[test]
fn a_phone_that_cannot_ring_on_is_told_so_and_rung_anew() {
    if !available("a_phone_that_cannot_ring_on_…", &["baresip"]) {
        return;
    }
    // By a handshake, whose certificate is another one then; and by keys, on a machine that has no memory for them.
    for (policy, srtp) in [("dtls", "dtls_srtp"), ("required", "srtp-mand")] {
        let (_flows, setup, memory) = secured_center(policy);
        let mut server = Server::set_up(setup);
        let mut alice = Phone::agent_set_up(&secured_phone(&server, "alice", Some(srtp)));
        let mut caller = Phone::start(&secured_phone(&server, STRANGER, Some(srtp)));
        let id = rings_for(&server, &mut caller);
        alice.wait_for("CALL_INCOMING", 10);
        server.kill();
        kept(&memory).iter().for_each(forget_what_was_offered);
        server.restart();
        alice.wait_for("CALL_CLOSED", 10);
        is_rung_anew(&server, &id);
        alice.wait_for("CALL_INCOMING", 10);
        alice.pick_up();
        server.story_with(&id, "agent_connected", 20);
        they_hear_each_other(&caller, &alice);
        alice.hang_up();
        server.story_with(&id, "talk_ended", 10);
        caller.hang_up();
        server.story_with(&id, "call_ended", 20);
        server.is_left_clean();
    }
}

/// The file of a server that is killed right after this moment, and could not write down what came then; and what is in it.
fn last_moment(server: &Server) -> (PathBuf, Vec<u8>) {
    let file = server.data().join("calls.journal");
    let written = fs::read(&file).expect("the journal");
    (file, written)
}

#[test]
fn a_phone_that_picked_up_in_the_last_moment_of_the_server_does_not_talk_with_nobody() {
    if !available("a_phone_that_picked_up_in_the_last_moment_…", &["baresip"]) {
        return;
    }
    let (_flows, setup) = center_with(&LONG_RING);
    let mut server = Server::set_up(setup);
    let mut alice = Phone::agent(&server.sip(), "alice", false);
    let mut caller = Phone::caller(&server.sip(), STRANGER);
    let id = rings_for(&server, &mut caller);
    alice.wait_for("CALL_INCOMING", 10);
    is_written(&server, "\"proceeding\":true");
    let (file, written) = last_moment(&server);
    alice.pick_up();
    alice.wait_for("CALL_ESTABLISHED", 10);
    server.kill();
    fs::write(file, written).expect("room on the disk");
    server.restart();
    server.story_with(&id, "carried_on", 20);
    assert_eq!(server.agent_state("alice"), "ringing", "nobody told the server that she has picked up");
    caller.hang_up();
    // Her phone says 200 to the CANCEL, and nothing more.
    alice.wait_for("CALL_CLOSED", 40);
    server.is_left_clean();
}

#[test]
fn a_phone_that_was_rung_in_the_last_moment_of_the_server_and_picks_up_does_not_talk_with_nobody() {
    if !available("a_phone_that_was_rung_in_the_last_moment_…", &["baresip"]) {
        return;
    }
    let mut server = Server::start();
    let (mut alice, mut caller, id) = somebody_waits(&server, false);
    hears_music(&caller);
    let (file, written) = last_moment(&server);
    server.set_agent("alice", "ready");
    alice.wait_for("CALL_INCOMING", 10);
    server.kill();
    fs::write(file, written).expect("room on the disk");
    server.restart();
    server.story_with(&id, "carried_on", 20);
    alice.pick_up();
    alice.wait_for("CALL_CLOSED", 10);
    caller.hang_up();
    server.story_with(&id, "call_ended", 20);
    server.is_left_clean();
}

#[test]
fn a_phone_in_a_browser_that_rings_while_the_server_is_killed_rings_for_nobody_no_more() {
    let test = "a_phone_in_a_browser_that_rings_while_the_server_is_killed_…";
    if !browsers_available(test) || !available(test, &["baresip"]) {
        return;
    }
    let (mut server, _memory) = with_memory();
    let mut agent = Browser::start(AGENT_HZ);
    agent.has_jssip(&server.web(), "alice", Some("warmline"));
    let mut caller = Phone::caller(&server.sip(), STRANGER);
    let id = rings_for(&server, &mut caller);
    agent.sees("it rings", 20, "phone.state === 'ringing'");
    agent.look("void (window.first = phone.session)");
    server.kill();
    server.restart();
    server.story_with(&id, "carried_on", 20);
    agent.sees("what rang is over", 40, "first.isEnded()");
    is_rung_anew(&server, &id);
    agent.sees("it rings anew", 20, "phone.state === 'ringing' && phone.session !== first");
    agent.look("phone.pickUp()");
    server.story_with(&id, "agent_connected", 20);
    telephone_and_browser_hear_each_other(&caller, CALLER_HZ, &mut agent, AGENT_HZ);
    caller.hang_up();
    server.story_with(&id, "call_ended", 10);
    server.is_left_clean();
}

#[test]
fn a_desk_that_rings_while_the_server_is_killed_is_rung_anew_and_has_missed_nothing() {
    let test = "a_desk_that_rings_while_the_server_is_killed_…";
    if !browsers_available(test) || !available(test, &["baresip"]) {
        return;
    }
    let mut server = Server::start();
    let mut agent = Browser::start(AGENT_HZ);
    agent.is_agent(&server, "alice");
    let mut caller = Phone::caller(&server.sip(), STRANGER);
    let id = rings_for(&server, &mut caller);
    agent.rings(20);
    server.kill();
    server.restart();
    server.story_with(&id, "carried_on", 20);
    is_rung_anew(&server, &id);
    let call = agent.rings(20);
    agent.picks_up(call);
    server.story_with(&id, "agent_connected", 20);
    agent.hears("phone", CALLER_HZ, 20);
    caller.hang_up();
    server.story_with(&id, "call_ended", 10);
    server.is_left_clean();
}

#[test]
fn an_agent_whose_own_phone_calls_a_colleague_reaches_them_though_the_server_is_killed_meanwhile() {
    if !available("an_agent_whose_own_phone_calls_a_colleague_…", &["baresip"]) {
        return;
    }
    let (_flows, setup) = center_with(&[("bob: {", "bob: { extension: 202,")]);
    let mut server = Server::set_up(setup);
    let mut alice = Phone::agent(&server.sip(), "alice", false);
    let mut bob = colleague(&server, "bob", false, CALLER_HZ);
    let call = calls_a_colleague(&server, &mut alice, &mut bob);
    server.kill();
    server.restart();
    server.story_of(call, "carried_on", 20);
    bob.pick_up();
    alice.wait_for("CALL_ESTABLISHED", 20);
    they_hear_each_other(&bob, &alice);
    alice.hang_up();
    bob.wait_for("CALL_CLOSED", 10);
    let story = server.story_of(call, "call_ended", 10);
    assert_eq!(story.only("call_ended")["outcome"], "talked");
    server.is_left_clean();
}

/// Alice's own phone dials bob's extension: his rings, and she hears it. The call's number.
fn calls_a_colleague(server: &Server, alice: &mut Phone, bob: &mut Phone) -> u64 {
    server.wait_for_agent("alice", "ready", 10);
    server.wait_for_agent("bob", "ready", 10);
    alice.dial(&server.uri("202"));
    bob.wait_for("CALL_INCOMING", 10);
    alice.wait_for("CALL_RINGING", 10);
    let call = call_that_is_up(server);
    server.story_of(call, "agent_ringing", 10);
    call
}

#[test]
fn an_agent_whose_own_phone_secures_its_audio_is_answered_after_a_crash_by_what_it_offered_or_refused() {
    if !available("an_agent_whose_own_phone_secures_its_audio_…", &["baresip"]) {
        return;
    }
    for is_kept in [true, false] {
        let change =
            [("bob: {", "bob: { extension: 202,"), ("company: ", "srtp: required\ncompany: "), LONG_RING[0]];
        let (_flows, setup, memory) = center_with_memory(&change);
        let mut server = Server::set_up(setup);
        let phone = |user| Phone::agent_set_up(&secured_phone(&server, user, Some("srtp-mand")));
        let (mut alice, mut bob) = (phone("alice"), phone("bob"));
        let call = calls_a_colleague(&server, &mut alice, &mut bob);
        is_written(&server, "INVITE sip:bob");
        server.kill();
        assert!(!journal(&server).contains("inline:"), "no key is written down");
        if is_kept {
            server.restart();
            server.story_of(call, "carried_on", 20);
            bob.pick_up();
            alice.wait_for("CALL_ESTABLISHED", 20);
            let from = [alice.recording().len(), bob.recording().len()];
            within(20, "both hear what was secured anew", || {
                let heard =
                    |phone: &Phone, from: usize| tone::seconds_of(AGENT_HZ, &phone.recording()[from..]);
                (heard(&alice, from[0]) >= 1.0 && heard(&bob, from[1]) >= 1.0).then_some(())
            });
            alice.hang_up();
        } else {
            forget_all(&memory);
            server.restart();
            alice.writes("SIP/2.0 503", 20);
        }
        alice.wait_for("CALL_CLOSED", 10);
        bob.wait_for("CALL_CLOSED", 10);
        let story = server.story_of(call, "call_ended", 20);
        let outcome = if is_kept { "talked" } else { "not_reached" };
        assert_eq!(story.only("call_ended")["outcome"], outcome);
        server.is_left_clean();
        within(10, "no key is left over", || kept(&memory).is_empty().then_some(()));
    }
}

fn journal(server: &Server) -> String {
    fs::read_to_string(server.data().join("calls.journal")).expect("the journal")
}

/// What was gathered is written down 20 ms later.
fn is_written(server: &Server, words: &str) {
    within(10, &format!("{words:?} is written down"), || journal(server).contains(words).then_some(()));
}

/// As on a machine that has no such memory.
fn forget_all(memory: &TempDir) {
    kept(memory).iter().for_each(|file| fs::remove_file(file).expect("it is there"));
}

#[test]
fn a_caller_who_hears_it_ring_while_the_server_is_killed_is_the_same_call_and_may_give_up() {
    if !available("a_caller_who_hears_it_ring_while_the_server_is_killed_…", &["sipp"]) {
        return;
    }
    let mut server = Server::start();
    let rings = Script::invite(&[], Some(PCMU)).may_get(100).expect(180).until_told();
    let again = rings.invite_again(&[], Some(PCMU)).expect(180);
    let script = again.cancel().expect(200).expect(487).ack_refusal();
    let caller = Sipp::play(&server.sip(), "9198", STRANGER, &script);
    let id = caller.sip_call_id.clone();
    server.story_with(&id, "call_arrived", 10);
    is_written(&server, "180 Ringing");
    server.kill();
    server.restart();
    server.story_with(&id, "carried_on", 20);
    caller.goes_on();
    let received = caller.received(30);
    let ringing: Vec<&String> = received.iter().filter(|one| one.starts_with("SIP/2.0 180")).collect();
    let [before, after] = ringing[..] else { panic!("it is told twice that it rings: {received:#?}") };
    assert_eq!(header(before, "To"), header(after, "To"), "it is the same dialog");
    let story = server.story_with(&id, "call_ended", 10);
    assert_eq!(story.all("call_arrived").len(), 1);
    assert_eq!(story.only("call_ended")["by"], "caller");
    assert!(!story.has("call_answered"), "{:?}", story.kinds());
    let found = server.get(&format!("/api/v1/calls?sip_call_id={id}"));
    assert_eq!(found["calls"].as_array().map(Vec::len), Some(1), "{found}");
    server.is_left_clean();
}

#[test]
fn a_phone_that_secures_its_audio_hears_it_ring_on_where_its_offer_was_kept_and_is_refused_where_it_was_not()
{
    if !available("a_phone_that_secures_its_audio_hears_it_ring_on_…", &["baresip"]) {
        return;
    }
    for is_kept in [true, false] {
        let (_flows, setup, memory) = secured_center("required");
        let mut server = Server::set_up(setup);
        let mut alice = Phone::agent_set_up(&secured_phone(&server, "alice", Some("srtp-mand")));
        alice.dial(&server.uri("9198"));
        let id = alice.wait_for("CALL_RINGING", 10)["id"].as_str().expect("a Call-ID").to_owned();
        server.story_with(&id, "call_arrived", 10);
        is_written(&server, "180 Ringing");
        server.kill();
        let written = journal(&server);
        let secrets = ["inline:", "a=crypto", "Digest"];
        assert!(secrets.iter().all(|secret| !written.contains(secret)), "{written}");
        let cause = if is_kept {
            server.restart();
            server.story_with(&id, "carried_on", 20);
            alice.hang_up();
            "hung up before the answer"
        } else {
            forget_all(&memory);
            server.restart();
            // Nobody could answer it, so it does not ring on.
            alice.writes("SIP/2.0 503", 20);
            "the server stopped"
        };
        alice.wait_for("CALL_CLOSED", 10);
        let story = server.story_with(&id, "call_ended", 10);
        assert_eq!(story.only("call_ended")["cause"], cause);
        server.is_left_clean();
        within(10, "no key is left over", || kept(&memory).is_empty().then_some(()));
    }
}

#[test]
fn calls_that_do_not_go_on_end_at_their_phones_too() {
    if !available("calls_that_do_not_go_on_…", &["baresip"]) {
        return;
    }
    let (flows, setup) = center_with(&[]);
    let mut server = Server::set_up(setup);
    let mut alice = Phone::agent(&server.sip(), "alice", true);
    let [mut first, mut second] =
        [STRANGER, "+12025550101"].map(|number| Phone::caller(&server.sip(), number));
    first.dial(&server.uri("1001"));
    alice.wait_for("CALL_ESTABLISHED", 20);
    let mut bob = colleague(&server, "bob", false, CALLER_HZ);
    second.dial(&server.uri("1001"));
    let id = second.is_answered();
    bob.wait_for("CALL_INCOMING", 20);
    server.story_with(&id, "agent_ringing", 20);
    hears_music(&second);
    server.kill();
    // Calls of a center whose skills are others cannot go on.
    let file = flows.path().join("center.yaml");
    let center = fs::read_to_string(&file).expect("the center's file");
    let center = center.replace("skills: [billing,", "skills: [gardening, billing,");
    fs::write(&file, center).expect("room on the disk");
    server.restart();
    for phone in [&mut alice, &mut bob, &mut first, &mut second] {
        phone.wait_for("CALL_CLOSED", 10);
    }
    assert!(server.logged().contains("calls of the server before are over"));
    server.is_left_clean();
}
