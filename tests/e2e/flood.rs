//! Messages that no parser likes, at a server that is in the middle of a call.

use std::fs;
use std::net::TcpStream;
use std::net::UdpSocket;
use std::path::Path;
use std::path::PathBuf;
use std::time::Duration;

use crate::baresip::Phone;
use crate::script::Script;
use crate::server::Server;
use crate::server::Setup;
use crate::sipp::Sipp;
use crate::spine::STRANGER;
use crate::tone::AGENT_HZ;
use crate::tone::CALLER_HZ;
use crate::tools::available;
use crate::tools::within;

/// The torture messages of RFC 4475 and RFC 5118.
fn torture_messages() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/sip-torture");
    let mut files: Vec<PathBuf> = ["rfc4475", "rfc5118"]
        .iter()
        .flat_map(|rfc| fs::read_dir(folder.join(rfc)).expect("the torture messages").flatten())
        .map(|entry| entry.path())
        .collect();
    files.sort();
    files
}

#[test]
fn a_call_goes_on_through_a_flood_of_malformed_messages() {
    if !available("a_call_goes_on_through_a_flood_…", &["sipp", "baresip"]) {
        return;
    }
    let server = Server::start();
    let mut bob = Phone::agent(&server.sip(), "bob", true);
    let mut caller = Phone::caller(&server.sip(), STRANGER);
    caller.dial(&server.uri("1001"));
    let id = caller.is_answered();
    server.story_with(&id, "agent_connected", 15);

    let files = torture_messages();
    assert_eq!(files.len(), 61);
    let socket = UdpSocket::bind("127.0.0.1:0").expect("a port");
    socket.set_read_timeout(Some(Duration::from_millis(500))).expect("a timeout");
    for _ in 0..5 {
        for file in &files {
            socket.send_to(&fs::read(file).expect("a message"), server.sip()).expect("loopback takes it");
        }
        // What a cable does to a message: cut at every length.
        let whole = fs::read(&files[0]).expect("a message");
        for length in 0..whole.len() {
            socket.send_to(&whole[..length], server.sip()).expect("loopback takes it");
        }
    }

    let script = Script::begin("OPTIONS", &[]).expect(200);
    Sipp::play(&server.sip(), "9000", STRANGER, &script).ends_well(10);
    let (caller_heard, bob_heard) = (caller.heard(AGENT_HZ), bob.heard(CALLER_HZ));
    within(10, "they still hear each other", || {
        let caller_hears = caller.heard(AGENT_HZ) >= caller_heard + 1.0;
        (caller_hears && bob.heard(CALLER_HZ) >= bob_heard + 1.0).then_some(())
    });
    caller.hang_up();
    let story = server.story_with(&id, "call_ended", 5);
    assert_eq!(story.only("call_ended")["outcome"], "talked");
    bob.wait_for("CALL_CLOSED", 5);
    // Some of the messages are good INVITEs to nobody; what they began is over when SIP's timers say so.
    server.is_left_clean_within(60);
}

#[test]
fn who_connects_to_the_web_and_asks_nothing_stops_no_call() {
    if !available("who_connects_to_the_web_and_asks_nothing_…", &["sipp"]) {
        return;
    }
    let server = Server::set_up(Setup { open_files: Some(400), ..Setup::default() });
    let connect = |_| TcpStream::connect(server.http()).expect("the kernel takes connections");
    let silent: Vec<TcpStream> = (0..1_000).map(connect).collect();
    Sipp::dial(&server.sip(), "9197", STRANGER, "caller_leaves", 1_000).ends_well(15);
    drop(silent);
    within(10, "the web answers", || {
        server.ask("GET", "/healthz", None).filter(|(status, _)| *status == 200)
    });
    assert!(server.gauge("warmline_web_connections_refused_total") >= 800.0);
    assert!(server.gauge("warmline_web_connections") < 100.0);
    server.is_left_clean();
}
