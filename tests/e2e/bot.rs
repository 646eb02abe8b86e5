//! A flow that hands its caller to a voice bot: a little one, which is really connected to.

use std::fs;
use std::net::TcpListener;
use std::sync::mpsc::Receiver;
use std::sync::mpsc::Sender;
use std::sync::mpsc::channel;
use std::thread;
use std::time::Duration;

use serde_json::Value;
use serde_json::json;
use tokio_tungstenite::tungstenite;
use tungstenite::Message;

use crate::callback::center_with;
use crate::server::Server;
use crate::sipp::Sipp;
use crate::spine::STRANGER;
use crate::tone;
use crate::tools::PATIENCE;
use crate::tools::available;
use crate::tools::within;

const BOT_HZ: f64 = 1_000.0;

const FLOW: &str = "\
flow: talk
start: talk
nodes:
  talk:
    bot: assistant
    send: { dialled: dialled }
    gives: { said: text, invoice: invoice as number }
    results: { billing: end }
    otherwise: odd
    lost: lost
    late: odd
  end: { hang_up: it was understood }
  odd: { hang_up: odd }
  lost: { hang_up: lost }
";

/// What a bot has met.
enum Met {
    Start(Value),
    /// The caller's tone, half a second of it.
    Caller,
    Other(Value),
}

/// A bot that speaks for a minute and a half at once; is silent when it is told of a key; and is done when it then hears the caller.
/// The second caller it leaves.
fn bot() -> (String, Receiver<Met>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let at = format!("ws://{}/voice", listener.local_addr().expect("an address"));
    let (tell, met) = channel();
    thread::spawn(move || {
        for (number, stream) in listener.incoming().flatten().enumerate() {
            let mut socket = tungstenite::accept(stream).expect("a handshake");
            if number == 0 {
                converse(&mut socket, &tell);
            }
        }
    });
    (at, met)
}

fn converse(socket: &mut tungstenite::WebSocket<std::net::TcpStream>, tell: &Sender<Met>) {
    let audio: Vec<u8> = tone::sine(BOT_HZ, 90 * tone::RATE).flat_map(i16::to_le_bytes).collect();
    let (mut heard, mut told, mut keyed) = (Vec::new(), false, false);
    while let Ok(message) = socket.read() {
        match message {
            Message::Binary(part) => {
                if !told {
                    heard.extend(part.chunks_exact(2).map(|pair| i16::from_le_bytes([pair[0], pair[1]])));
                }
                if !told && tone::seconds_of(tone::CALLER_HZ, &heard) > 0.5 {
                    told = true;
                    let _ = tell.send(Met::Caller);
                }
                if told && keyed {
                    let result = json!({ "event": "result", "result": "billing", "text": "my last invoice",
                        "variables": { "invoice": 7 } });
                    let _ = socket.send(Message::text(result.to_string()));
                    keyed = false;
                }
            }
            Message::Text(text) => {
                let said: Value = serde_json::from_str(&text).expect("JSON");
                if said["event"] == "start" {
                    for part in audio.chunks(tone::RATE) {
                        socket.send(Message::binary(part.to_vec())).expect("it is taken");
                    }
                    let mark = json!({ "event": "mark", "name": "all of it" });
                    socket.send(Message::text(mark.to_string())).expect("it is taken");
                    let _ = tell.send(Met::Start(said));
                    continue;
                }
                keyed |= said["event"] == "key";
                let _ = tell.send(Met::Other(said));
            }
            _ => {}
        }
    }
}

#[test]
fn a_bot_hears_the_caller_and_is_heard_and_the_flow_goes_by_its_result() {
    if !available("a_bot_hears_the_caller_…", &["sipp"]) {
        return;
    }
    let (at, met) = bot();
    let next = || met.recv_timeout(PATIENCE * Duration::from_secs(20)).expect("the bot meets something");
    let bots = format!("bots: {{ assistant: {{ at: \"{at}\", audio: l16 8k, connect: 10s }} }}\n\nskills: [");
    let (folder, setup) = center_with(&[("numbers:\n", "numbers:\n  1800: talk\n"), ("skills: [", &bots)]);
    fs::write(folder.path().join("talk.yaml"), FLOW).expect("room on the disk");
    let server = Server::set_up(setup);
    let caller = Sipp::dial(&server.sip(), "1800", STRANGER, "caller_stays", 0);
    let (mut started, mut heard, mut said) = (None, false, Vec::new());
    while started.is_none() || !heard {
        match next() {
            Met::Start(said) => started = Some(said),
            Met::Caller => heard = true,
            Met::Other(one) => said.push(one),
        }
    }
    let started = started.expect("it was told");
    assert_eq!(
        (&started["from"], &started["variables"]["dialled"]),
        (&STRANGER.into(), &"1800".into()),
        "{started}"
    );
    within(20, "the caller hears the bot", || (caller.line.heard(BOT_HZ) > 0.5).then_some(()));
    caller.line.key("5");
    while said.len() < 2 {
        if let Met::Other(one) = next() {
            said.push(one);
        }
    }
    // What it had still to say is not heard any more.
    assert_eq!(
        said,
        [json!({ "event": "mark", "name": "all of it" }), json!({ "event": "key", "digit": "5" })]
    );
    let id = caller.sip_call_id.clone();
    let story = server.story_with(&id, "call_ended", 20);
    assert_eq!(story.only("call_ended")["cause"], "it was understood");
    assert_eq!(story.only("bot_left")["result"], "billing");
    let set: Vec<(&str, &str)> = story
        .all("variable_set")
        .into_iter()
        .map(|fact| (fact["name"].as_str().unwrap_or_default(), fact["value"].as_str().unwrap_or_default()))
        .collect();
    assert_eq!(set, [("said", "my last invoice"), ("invoice", "7")]);
    caller.ends_well(10);

    let caller = Sipp::dial(&server.sip(), "1800", STRANGER, "caller_stays", 0);
    let story = server.story_with(&caller.sip_call_id, "call_ended", 20);
    assert_eq!(story.only("call_ended")["cause"], "lost");
    server.is_left_clean();
}
