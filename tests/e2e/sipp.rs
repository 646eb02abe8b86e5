//! SIPp as the caller: its scenario does the signalling, a [`Line`] the talking.

use std::fs;
use std::net::UdpSocket;
use std::path::Path;
use std::process::Command;

use crate::baresip::Phone;
use crate::baresip::Setup;
use crate::line::Line;
use crate::script::Script;
use crate::tone;
use crate::tools::Child;
use crate::tools::Folder;
use crate::tools::Ports;
use crate::tools::available;
use crate::tools::free_ports;
use crate::tools::within;

/// One call by SIPp.
pub struct Sipp {
    process: Child,
    pub line: Line,
    pub sip_call_id: String,
    folder: Folder,
    /// Its own, where it was given none.
    port: Option<Ports>,
}

impl Sipp {
    /// Dials `number` with one of the scenarios in `tests/e2e/sipp/`. `leaves_after_ms` is when a caller who
    /// leaves does so.
    pub fn dial(server: &str, number: &str, from: &str, scenario: &str, leaves_after_ms: u32) -> Sipp {
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/e2e/sipp/{scenario}.xml"));
        let folder = Folder::new(scenario);
        Sipp::start(server, number, from, folder, &file, &["-d", &leaves_after_ms.to_string()])
    }

    /// Plays a script of a test's own.
    pub fn play(server: &str, number: &str, from: &str, script: &Script) -> Sipp {
        Sipp::play_over("u1", server, number, from, script)
    }

    /// The same over a transport, as SIPp calls it: `u1` for UDP, `t1` for TCP.
    pub fn play_over(transport: &str, server: &str, number: &str, from: &str, script: &Script) -> Sipp {
        let folder = Folder::new("script");
        let file = folder.path().join("script.xml");
        fs::write(&file, script.xml()).expect("a script");
        Sipp::start(server, number, from, folder, &file, &["-t", transport])
    }

    /// An agent's phone at this port that waits to be called, with one of the scenarios in `tests/e2e/sipp/`. On a second
    /// line, whose voice is at `second_port`, it dials `number`.
    pub fn agent(
        server: &str,
        port: u16,
        agent: &str,
        number: &str,
        second_port: u16,
        scenario: &str,
    ) -> Sipp {
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/e2e/sipp/{scenario}.xml"));
        let (folder, line) = (Folder::new(scenario), Line::open(tone::AGENT_HZ));
        let mut command = Command::new("sipp");
        command
            .current_dir(folder.path())
            .arg(server)
            .arg("-sf")
            .arg(file)
            .args(["-i", "127.0.0.1", "-p", &port.to_string(), "-m", "1", "-s", number, "-nostdin"])
            .args(["-key", "agent", agent, "-key", "server", server])
            .args(["-key", "rtp_port", &line.port.to_string()])
            .args(["-key", "second_port", &second_port.to_string()])
            .args(["-au", agent, "-ap", "warmline", "-auth_uri", &format!("{number}@{server}")])
            .args(["-timeout", "100s", "-timeout_error", "-recv_timeout", "95000"])
            .args(["-trace_err", "-error_file", "errors", "-trace_msg", "-message_file", "messages"]);
        let process = Child::start(&mut command, &folder.path().join("screen"));
        Sipp { process, line, sip_call_id: String::new(), folder, port: None }
    }

    /// Waits until it can be called at `port`: before, whoever calls is told by the kernel that nobody is there.
    pub fn can_be_called(&self, port: u16) {
        let bound = format!(" 0100007F:{port:04X} ");
        within(10, "SIPp has its port", || {
            fs::read_to_string("/proc/net/udp").unwrap_or_default().contains(&bound).then_some(())
        });
    }

    fn start(server: &str, number: &str, from: &str, folder: Folder, file: &Path, more: &[&str]) -> Sipp {
        let line = Line::open(tone::CALLER_HZ);
        let ports = free_ports(2);
        let port = ports.first;
        let sip_call_id = format!("e2e-{}-{port}", std::process::id());
        let mut command = Command::new("sipp");
        command
            .current_dir(folder.path())
            .arg(server)
            .arg("-sf")
            .arg(file)
            .args(["-i", "127.0.0.1", "-p", &port.to_string(), "-m", "1", "-s", number, "-nostdin"])
            .args(["-key", "caller", from, "-key", "rtp_port", &line.port.to_string()])
            .args(["-cid_str", &sip_call_id])
            .args(["-timeout", "100s", "-timeout_error", "-recv_timeout", "95000"])
            .args(["-trace_err", "-error_file", "errors", "-trace_msg", "-message_file", "messages"])
            .args(more);
        let process = Child::start(&mut command, &folder.path().join("screen"));
        Sipp { process, line, sip_call_id, folder, port: Some(ports) }
    }

    /// Tells a script that waits for it to go on.
    pub fn goes_on(&self) {
        let (call, port) = (&self.sip_call_id, self.port.as_ref().expect("a caller's port").first);
        let options = format!(
            "OPTIONS sip:127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1:9;branch=z9hG4bKtold\r\n\
             From: <sip:test@127.0.0.1>;tag=test\r\nTo: <sip:test@127.0.0.1>\r\nCall-ID: {call}\r\n\
             CSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n"
        );
        let socket = UdpSocket::bind("127.0.0.1:0").expect("a port");
        socket.send_to(options.as_bytes(), ("127.0.0.1", port)).expect("loopback");
    }

    /// Waits for the scenario's end, and fails when it did not go as written.
    pub fn ends_well(mut self, seconds: u64) {
        self.is_over(seconds);
    }

    /// The same, and the messages that it received.
    pub fn received(mut self, seconds: u64) -> Vec<String> {
        self.is_over(seconds);
        let messages = fs::read_to_string(self.folder.path().join("messages")).unwrap_or_default();
        let all = messages.split("-----------------------------------------------");
        let received = all.filter_map(|told| told.split_once("message received"));
        received.filter_map(|(_, told)| Some(told.split_once("\n\n")?.1.to_owned())).collect()
    }

    fn is_over(&mut self, seconds: u64) {
        let folder = self.folder.path().to_owned();
        let what = format!("SIPp's scenario ends; what it saw: {}", folder.display());
        let status = within(seconds, &what, || self.process.ended());
        let errors = fs::read_to_string(folder.join("errors")).unwrap_or_default();
        assert!(status.success(), "SIPp ended with {status}: {errors}; what it saw: {}", folder.display());
    }
}

/// The value of a header in a message.
pub fn header<'a>(message: &'a str, name: &str) -> Option<&'a str> {
    let mut lines = message.lines().map(str::trim_end).take_while(|line| !line.is_empty());
    lines.find_map(|line| {
        let (told, value) = line.split_once(':')?;
        told.eq_ignore_ascii_case(name).then(|| value.trim())
    })
}

/// The only message that begins like this: `SIP/2.0 503`.
pub fn only<'a>(messages: &'a [String], start: &str) -> &'a str {
    let found: Vec<&String> = messages.iter().filter(|message| message.starts_with(start)).collect();
    assert_eq!(found.len(), 1, "{start} in {messages:#?}");
    found[0]
}

/// What other tests rest on: SIPp signals, its line talks, keys and listens.
#[test]
fn a_caller_of_sipp_and_a_phone_hear_each_other_without_a_server() {
    if !available("a_caller_of_sipp_and_a_phone_…", &["sipp", "baresip"]) {
        return;
    }
    let setup = Setup { user: "agent", answers: true, hz: tone::AGENT_HZ, ..Setup::default() };
    let mut agent = Phone::start(&setup);
    let caller = Sipp::dial(&agent.address(), "agent", "caller", "caller_stays", 0);
    agent.wait_for("CALL_ESTABLISHED", 10);
    caller.line.key("4#");
    for key in ["4", "#"] {
        assert_eq!(agent.wait_for("CALL_DTMF_START", 5)["param"], key);
    }
    within(10, "both tones are heard", || {
        (caller.line.heard(tone::AGENT_HZ) >= 1.0 && agent.heard(tone::CALLER_HZ) >= 1.0).then_some(())
    });
    agent.hang_up();
    caller.ends_well(10);
    let caller = Sipp::dial(&agent.address(), "agent", "caller", "caller_leaves", 300);
    caller.ends_well(10);
}
