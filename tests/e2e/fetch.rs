//! A flow that asks a service over HTTP, and goes by what it says.

use std::fs;
use std::io::Read;
use std::io::Write;
use std::net::TcpListener;
use std::thread;

use crate::callback::center_with;
use crate::script::PCMU;
use crate::script::Script;
use crate::server::Server;
use crate::sipp::Sipp;
use crate::spine::STRANGER;
use crate::tools::available;

const FLOW: &str = "\
flow: orders
start: look
nodes:
  look:
    fetch: orders
    path: /of/{dialled}
    gives: { days: order.days as number }
    then: which
    missing: none
    otherwise: down
  which: { branch: [{ if: days < 5, then: soon }], otherwise: later }
  soon: { hang_up: soon }
  later: { hang_up: later }
  none: { hang_up: no such order }
  down: { hang_up: the service is down }
";

/// A service that knows of the orders of 1500, and says so to whoever asks, as long as the test lives.
fn service() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let at = format!("http://{}/orders", listener.local_addr().expect("an address"));
    thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let (mut asked, mut part) = (Vec::new(), [0; 512]);
            while !asked.windows(4).any(|end| end == b"\r\n\r\n") {
                match stream.read(&mut part) {
                    Ok(length @ 1..) => asked.extend_from_slice(&part[..length]),
                    _ => break,
                }
            }
            let answer = match asked.starts_with(b"GET /orders/of/1500 HTTP/1.1\r\n") {
                true => {
                    "HTTP/1.1 200 OK\r\nContent-Length: 20\r\nConnection: close\r\n\r\n{\"order\":{\"days\":3}}"
                }
                false => "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
            };
            // Who no longer listens need not be told.
            let _ = stream.write_all(answer.as_bytes());
        }
    });
    at
}

/// What became of a call: what was said of the service, and why the flow ended it.
fn calls(server: &Server, number: &str) -> (String, String) {
    let script = Script::invite(&[], Some(PCMU)).until_answered().answer("BYE");
    let caller = Sipp::play(&server.sip(), number, STRANGER, &script);
    let story = server.story_with(&caller.sip_call_id, "call_ended", 30);
    let word = |fact: &str, key: &str| story.only(fact)[key].as_str().unwrap_or_default().to_owned();
    let told = (word("service_asked", "result"), word("call_ended", "cause"));
    caller.ends_well(10);
    told
}

#[test]
fn a_flow_asks_a_service_and_goes_by_what_it_says() {
    if !available("a_flow_asks_a_service_…", &["sipp"]) {
        return;
    }
    let services = format!("services: {{ orders: {{ at: \"{}\", timeout: 10s }} }}\n\nskills: [", service());
    let numbers = "numbers:\n  1500: orders\n  1501: orders\n";
    let (folder, setup) = center_with(&[("numbers:\n", numbers), ("skills: [", &services)]);
    fs::write(folder.path().join("orders.yaml"), FLOW).expect("room on the disk");
    let server = Server::set_up(setup);
    assert_eq!(calls(&server, "1500"), ("answered".to_owned(), "soon".to_owned()));
    assert_eq!(calls(&server, "1501"), ("has none".to_owned(), "no such order".to_owned()));
}
