//! A real softphone, baresip, configured and commanded by a test: it sends a tone, keys digits, and records
//! what it hears.

use std::fmt::Write as _;
use std::fs;
use std::io::Read;
use std::io::Write as _;
use std::net::TcpStream;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use serde_json::Value;
use serde_json::json;

use crate::tone;
use crate::tools::Child;
use crate::tools::Folder;
use crate::tools::Ports;
use crate::tools::available;
use crate::tools::free_ports;
use crate::tools::within;

/// How a phone is set up.
pub struct Setup<'a> {
    /// The user part of its address: a name, or a calling number.
    pub user: &'a str,
    /// The server's address; the phone's own when it calls another phone directly.
    pub domain: Option<String>,
    /// Registers there with this password.
    pub password: Option<&'a str>,
    /// For so many seconds, and anew when they are nearly over.
    pub registers_s: u32,
    /// Picks up by itself.
    pub answers: bool,
    /// The tone it sends.
    pub hz: f64,
    /// How many calls it takes at once; beyond that it is busy.
    pub max_calls: u32,
    /// `udp`, `tcp` or `tls`.
    pub transport: &'a str,
    /// The one codec that it has, as baresip names it, with its rate where that is not 8000: `pcmu`, `g722/16000/1`,
    /// `opus/48000/2`.
    pub codec: &'a str,
    /// How it secures its audio, as baresip names it: `srtp-mand` by keys in the description, and not
    /// without; `dtls_srtp` by a handshake.
    pub srtp: Option<&'a str>,
}

impl Default for Setup<'_> {
    /// A caller's phone that knows no server.
    fn default() -> Self {
        let (domain, password) = (None, None);
        let (hz, max_calls, transport) = (tone::CALLER_HZ, 1, "udp");
        let (user, codec, srtp) = ("caller", "pcmu", None);
        let (registers_s, answers) = (60, false);
        Setup { user, domain, password, registers_s, answers, hz, max_calls, transport, codec, srtp }
    }
}

/// A running baresip.
pub struct Phone {
    // The process ends before its folder goes.
    process: Child,
    folder: Folder,
    control: TcpStream,
    unread: Vec<u8>,
    events: Vec<Value>,
    ports: Ports,
}

impl Phone {
    /// Starts it and waits until it can be commanded.
    pub fn start(setup: &Setup) -> Phone {
        let folder = Folder::new(setup.user);
        // SIP, the TLS port beside it, control, and ten RTP pairs.
        let ports = free_ports(24);
        let port = ports.first;
        let control = port + 2;
        let domain = setup.domain.clone().unwrap_or_else(|| format!("127.0.0.1:{port}"));
        let here = folder.path().display();
        // The 180 s of tone are longer than any test: at its end baresip would hang up.
        tone::write_wav(&folder.path().join("tone.wav"), tone::sine(setup.hz, 180 * tone::RATE));
        let mut config = format!(
            "sip_listen 127.0.0.1:{port}\nnet_interface 127.0.0.1\ncall_max_calls {}\n\
             call_local_timeout 120\naudio_source aufile,{here}/tone.wav\nausrc_srate 8000\n\
             auplay_srate 8000\nausrc_channels 1\nauplay_channels 1\nrtp_ports {}-{}\n\
             ctrl_tcp_listen 127.0.0.1:{control}\nsnd_path {here}\n",
            setup.max_calls,
            port + 4,
            port + 23,
        );
        let modules = modules_folder();
        writeln!(config, "module_path {}", modules.display()).expect("a string grows");
        for module in ["g711", "g722", "opus", "aufile", "sndfile", "srtp", "dtls_srtp"] {
            writeln!(config, "module {module}.so").expect("a string grows");
        }
        for module in ["account", "menu", "ctrl_tcp"] {
            writeln!(config, "module_app {module}.so").expect("a string grows");
        }
        let registers = match setup.password {
            Some(password) => {
                format!("regint={};auth_user={};auth_pass={password}", setup.registers_s, setup.user)
            }
            None => "regint=0".to_owned(),
        };
        let answers = if setup.answers { "auto" } else { "manual" };
        let account = format!(
            "<sip:{}@{domain};transport={}>;{registers};answermode={answers};audio_codecs={};dtmfmode=rtpevent{}\n",
            setup.user,
            setup.transport,
            setup.codec,
            setup.srtp.map_or_else(String::new, |srtp| format!(";mediaenc={srtp}")),
        );
        fs::write(folder.path().join("config"), config).expect("a config");
        fs::write(folder.path().join("accounts"), account).expect("an account");
        fs::write(folder.path().join("contacts"), "").expect("no contacts");
        let mut command = Command::new("baresip");
        command.args(["-4", "-s", "-f"]).arg(folder.path());
        let process = Child::start(&mut command, &folder.path().join("log"));
        let control =
            within(10, "baresip takes commands", || TcpStream::connect(("127.0.0.1", control)).ok());
        control.set_read_timeout(Some(Duration::from_millis(20))).expect("a timeout");
        // With none that it knows it would take all that it has.
        let log = fs::read_to_string(folder.path().join("log")).expect("a log");
        assert!(!log.contains("codec not found"), "{}: {log}", setup.codec);
        Phone { process, folder, control, unread: Vec::new(), events: Vec::new(), ports }
    }

    /// An agent's phone: registered, and picking up when it `answers`.
    pub fn agent(server: &str, user: &str, answers: bool) -> Phone {
        Phone::agent_over("udp", server, user, answers)
    }

    /// The same over a transport.
    pub fn agent_over(transport: &str, server: &str, user: &str, answers: bool) -> Phone {
        Phone::agent_set_up(&Setup {
            user,
            domain: Some(server.to_owned()),
            answers,
            transport,
            ..Setup::default()
        })
    }

    /// An agent's phone that is set up so, registered with the agents' usual password.
    pub fn agent_set_up(setup: &Setup) -> Phone {
        let setup =
            Setup { password: Some("warmline"), hz: tone::AGENT_HZ, domain: setup.domain.clone(), ..*setup };
        let phone = Phone::start(&setup);
        phone.writes("200 OK", 10);
        phone
    }

    /// A caller's phone: it does not register.
    pub fn caller(server: &str, number: &str) -> Phone {
        Phone::start(&Setup { user: number, domain: Some(server.to_owned()), ..Setup::default() })
    }

    /// Where this phone itself is reached.
    pub fn address(&self) -> String {
        format!("127.0.0.1:{}", self.ports.first)
    }

    pub fn dial(&mut self, uri: &str) {
        self.command("dial", Some(uri));
    }

    /// Waits until its call is up; SIP's Call-ID of it.
    pub fn is_answered(&mut self) -> String {
        self.wait_for("CALL_ESTABLISHED", 5)["id"].as_str().expect("a Call-ID").to_owned()
    }

    pub fn pick_up(&mut self) {
        self.command("accept", None);
    }

    /// Ends the call, or declines it while it rings.
    pub fn hang_up(&mut self) {
        self.command("hangup", None);
    }

    /// Puts the other side on hold, by re-INVITE.
    pub fn hold(&mut self) {
        self.command("hold", None);
    }

    /// Takes the hold back.
    pub fn resume(&mut self) {
        self.command("resume", None);
    }

    /// The Transfer button: holds, and asks that the other side be handed on, by REFER.
    pub fn transfer(&mut self, uri: &str) {
        self.command("transfer", Some(uri));
    }

    /// Keys these digits, about four a second, as RFC 4733 events.
    pub fn key(&mut self, digits: &str) {
        self.command("sndcode", Some(digits));
    }

    /// The process is killed: no BYE, no more RTP, nothing.
    pub fn vanish(&mut self) {
        self.process.kill();
    }

    /// The next event of this type that was not taken yet; fails when none comes in time.
    pub fn wait_for(&mut self, event: &str, seconds: u64) -> Value {
        let what = format!("{event}; the phone's log: {}", self.folder.path().join("log").display());
        within(seconds, &what, || self.take(event))
    }

    /// Waits until the phone's log has these words. It may have registered before it could be asked for events.
    pub fn writes(&self, words: &str, seconds: u64) {
        let log = self.folder.path().join("log");
        within(seconds, &format!("{words:?} in {}", log.display()), || {
            fs::read_to_string(&log).ok().filter(|text| text.contains(words))
        });
    }

    /// Of the call that it picked up last, as its peer is asked to let another phone have it (RFC 3891): Call-ID, and the
    /// tags of the peer and of this phone.
    pub fn replaces(&self) -> String {
        let log = fs::read_to_string(self.folder.path().join("log")).expect("a log");
        let answers = log.split("SIP/2.0 200 ").skip(1);
        let named = |answer: &str, name: &str| {
            let value = answer.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "));
            value.unwrap_or_else(|| panic!("no {name}: {answer}")).trim().to_owned()
        };
        let last =
            answers.filter(|answer| named(answer, "CSeq").ends_with(" INVITE")).last().expect("a call");
        let tag = |name| named(last, name).split_once(";tag=").expect("a tag").1.to_owned();
        format!("{};to-tag={};from-tag={}", named(last, "Call-ID"), tag("From"), tag("To"))
    }

    /// The INVITE that it was called by last.
    pub fn invite(&self) -> String {
        let log = fs::read_to_string(self.folder.path().join("log")).expect("a log");
        let (_, invite) = log.rsplit_once("INVITE sip:").expect("it was called");
        format!("INVITE sip:{invite}")
    }

    fn take(&mut self, event: &str) -> Option<Value> {
        self.read();
        let at = self.events.iter().position(|told| told["type"] == event)?;
        Some(self.events.remove(at))
    }

    /// How many seconds of this tone it has heard so far, over all its calls.
    pub fn heard(&self, hz: f64) -> f64 {
        tone::seconds_of(hz, &self.recording())
    }

    /// Everything it has heard; baresip 1.0.0 records nothing more once it was on hold, whichever side asked.
    pub fn recording(&self) -> Vec<i16> {
        let folder = fs::read_dir(self.folder.path()).expect("our folder");
        let mut files: Vec<PathBuf> = folder.flatten().map(|entry| entry.path()).collect();
        files.sort();
        files
            .iter()
            .filter(|path| path.to_string_lossy().ends_with("-dec.wav"))
            .flat_map(|path| tone::read_growing_wav(path))
            .collect()
    }

    /// What it has heard in its latest call, as its decoder made it: samples a second, channels, and the samples.
    pub fn sound(&self) -> Option<(u32, u16, Vec<i16>)> {
        let files = fs::read_dir(self.folder.path()).ok()?.flatten().map(|entry| entry.path());
        let latest = files.filter(|path| path.to_string_lossy().ends_with("-dec.wav")).max()?;
        tone::read_growing_wav_as_it_is(&latest)
    }

    fn command(&mut self, command: &str, parameter: Option<&str>) {
        let mut message = json!({ "command": command, "token": command });
        if let Some(parameter) = parameter {
            message["params"] = parameter.into();
        }
        let message = message.to_string();
        write!(self.control, "{}:{message},", message.len()).expect("baresip listens");
    }

    /// Takes the netstrings that have come: `LENGTH:JSON,`.
    fn read(&mut self) {
        let mut buffer = [0; 4096];
        while let Ok(count @ 1..) = self.control.read(&mut buffer) {
            self.unread.extend_from_slice(&buffer[..count]);
        }
        while let Some(colon) = self.unread.iter().position(|byte| *byte == b':') {
            let length: usize = String::from_utf8_lossy(&self.unread[..colon]).parse().expect("a netstring");
            let end = colon + 1 + length;
            if self.unread.len() <= end {
                break;
            }
            let told: Value = serde_json::from_slice(&self.unread[colon + 1..end]).expect("JSON");
            self.unread.drain(..=end);
            if told["event"] == true {
                self.events.push(told);
            }
        }
    }
}

fn modules_folder() -> PathBuf {
    let usual = ["/usr/lib/baresip/modules", "/usr/lib64/baresip/modules", "/usr/local/lib/baresip/modules"];
    let found = usual.iter().map(PathBuf::from).find(|path| path.is_dir());
    found.expect("baresip's modules in a usual place")
}

/// What all other tests rest on: these phones ring, talk, key and listen.
#[test]
fn two_phones_without_a_server_hear_each_other() {
    if !available("two_phones_without_a_server_hear_each_other", &["baresip"]) {
        return;
    }
    let one = |user, answers, hz| Phone::start(&Setup { user, answers, hz, ..Setup::default() });
    let mut agent = one("agent", true, tone::AGENT_HZ);
    let mut caller = one("caller", false, tone::CALLER_HZ);
    caller.dial(&format!("sip:agent@{}", agent.address()));
    caller.wait_for("CALL_ESTABLISHED", 10);
    agent.wait_for("CALL_ESTABLISHED", 10);
    within(10, "both tones are heard", || {
        (caller.heard(tone::AGENT_HZ) >= 1.0 && agent.heard(tone::CALLER_HZ) >= 1.0).then_some(())
    });
    assert_eq!(caller.heard(tone::CALLER_HZ), 0.0);
    caller.key("47#");
    for key in ["4", "7", "#"] {
        assert_eq!(agent.wait_for("CALL_DTMF_START", 5)["param"], key);
    }
    caller.hang_up();
    agent.wait_for("CALL_CLOSED", 5);
}
