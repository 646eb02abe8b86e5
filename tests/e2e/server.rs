//! The real server as a child process, and what a person could ask it over HTTP.

use std::fs;
use std::io::Read;
use std::io::Write;
use std::net::SocketAddr;
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::path::PathBuf;
use std::process::Command;
use std::thread;
use std::time::Duration;
use std::time::Instant;

use serde_json::Value;

use crate::tools::Child;
use crate::tools::Folder;
use crate::tools::PATIENCE;
use crate::tools::Ports;
use crate::tools::free_ports;
use crate::tools::is_free;
use crate::tools::within;

/// How a server is set up.
pub struct Setup {
    /// The flow files and the center.
    pub flows: PathBuf,
    pub rtp_ports: u16,
    /// How much it logs: `RUST_LOG`.
    pub log: &'static str,
    /// SIP over TLS and HTTPS too, with a certificate of its own making.
    pub tls: bool,
    /// The port of the DNS server that it asks, on this machine.
    pub dns: Option<u16>,
    /// More of its environment.
    pub environment: Vec<(&'static str, String)>,
    /// Standbys may connect.
    pub standbys: bool,
    /// How many files it may have open, where it is not as many as this machine allows.
    pub open_files: Option<u32>,
}

impl Default for Setup {
    /// The demo center, with room for forty lines.
    fn default() -> Setup {
        let flows = Path::new(env!("CARGO_MANIFEST_DIR")).join("ivr_flows");
        Setup {
            flows,
            rtp_ports: 80,
            log: "debug",
            tls: false,
            dns: None,
            environment: Vec::new(),
            standbys: false,
            open_files: None,
        }
    }
}

/// A running `warmline serve` with a data folder and ports of its own.
pub struct Server {
    // The process ends before its folder goes.
    process: Child,
    standby: Option<Child>,
    folder: Folder,
    setup: Setup,
    sip: u16,
    http: u16,
    rtp: u16,
    _ports: [Ports; 2],
    starts: u32,
    /// How many machines of its have been lost.
    lost: u32,
}

impl Server {
    /// Starts the demo center and waits until it is ready.
    pub fn start() -> Server {
        Server::set_up(Setup::default())
    }

    /// Starts a server that is set up like this.
    pub fn set_up(setup: Setup) -> Server {
        let folder = Folder::new("server");
        // SIP, the web, WebRTC, SIP over TLS, HTTPS, standbys.
        let ports = [free_ports(6), free_ports(setup.rtp_ports)];
        let [sip, rtp] = ports.each_ref().map(|ports| ports.first);
        if setup.standbys {
            let key = folder.path().join(STANDBY_KEY);
            fs::write(&key, "a key that both machines have, and nobody else").expect("a file in our folder");
            fs::set_permissions(key, fs::Permissions::from_mode(0o600)).expect("our file");
        }
        let http = sip + 1;
        let serve = command(&["serve"], &setup, &folder, sip, rtp, 0);
        let process = Child::start(&mut { serve }, &folder.path().join("log-0"));
        let standby = None;
        let mut server =
            Server { process, standby, folder, setup, sip, http, rtp, _ports: ports, starts: 1, lost: 0 };
        server.is_ready();
        server
    }

    /// Starts it again, after it has ended, with the data of before.
    pub fn restart(&mut self) {
        assert!(self.process.ended().is_some(), "it still runs");
        self.process = self.spawn(&["serve"], self.lost);
        self.starts += 1;
        self.is_ready();
    }

    /// Starts it again, and waits no longer than until it has its data folder: it does not serve yet.
    pub fn begin(&mut self) {
        let lock = self.data().join("lock");
        fs::remove_file(&lock).expect("it has ended, and had its folder");
        self.process = self.spawn(&["serve"], self.lost);
        self.starts += 1;
        within(60, "it has its data folder", || lock.exists().then_some(()));
    }

    /// Starts a standby, with a data folder of its own as on another machine, and waits until it has everything.
    pub fn start_standby(&mut self) {
        let server = format!("127.0.0.1:{}", self.sip + 5);
        self.standby = Some(self.spawn(&["standby", &server], self.lost + 1));
        within(60, "the standby has everything", || (self.gauge("warmline_standbys") == 1.0).then_some(()));
    }

    /// The standby's machine is gone.
    pub fn lose_standby(&mut self) {
        drop(self.standby.take().expect("a standby"));
    }

    /// The machine is gone, and with it all that was on it; the standby takes over.
    pub fn lose_machine(&mut self) {
        self.kill();
        fs::rename(self.data(), self.folder.path().join(format!("lost-{}", self.lost))).expect("its data");
        self.process = self.standby.take().expect("a standby");
        self.starts += 1;
        self.lost += 1;
        self.is_ready();
    }

    fn spawn(&self, role: &[&str], machine: u32) -> Child {
        let mut command = command(role, &self.setup, &self.folder, self.sip, self.rtp, machine);
        Child::start(&mut command, &self.folder.path().join(format!("log-{}", self.starts)))
    }

    /// What `warmline doctor` says with the flags of this server, which runs; and whether all is well.
    pub fn doctor(&self) -> (bool, String) {
        let mut command = command(&["doctor"], &self.setup, &self.folder, self.sip, self.rtp, self.lost);
        let output = command.output().expect("warmline runs");
        (output.status.success(), String::from_utf8_lossy(&output.stdout).into_owned())
    }

    /// Starts another one with the same data, at ports of its own, which must end by itself; what it says.
    pub fn second_with_its_data(&self) -> String {
        let log = self.folder.path().join("log-second");
        let mut command = Command::new(env!("CARGO_BIN_EXE_warmline"));
        command.current_dir(env!("CARGO_MANIFEST_DIR")).arg("serve").arg("--data").arg(self.data());
        for flag in ["--sip", "--http", "--webrtc"] {
            command.args([flag, "127.0.0.1:0"]);
        }
        let mut second = Child::start(&mut command, &log);
        let ended = within(60, "a second server ends by itself", || second.ended());
        assert_eq!(ended.code(), Some(1));
        fs::read_to_string(log).expect("what it says")
    }

    fn is_ready(&mut self) {
        within(60, &format!("the server is ready; its log: {}", self.log().display()), || {
            let log = self.log();
            assert!(self.process.ended().is_none(), "{}", fs::read_to_string(log).unwrap_or_default());
            self.ask("GET", "/readyz", None).filter(|(status, _)| *status == 200)
        });
    }

    fn log(&self) -> PathBuf {
        self.folder.path().join(format!("log-{}", self.starts - 1))
    }

    /// Where it keeps its data.
    pub fn data(&self) -> PathBuf {
        data(&self.folder, self.lost)
    }

    /// What it has logged since its last start.
    pub fn logged(&self) -> String {
        fs::read_to_string(self.log()).unwrap_or_default()
    }

    /// Where phones reach it: `127.0.0.1:5060`.
    pub fn sip(&self) -> String {
        format!("127.0.0.1:{}", self.sip)
    }

    /// Where phones reach it over TLS.
    pub fn sip_tls(&self) -> String {
        format!("127.0.0.1:{}", self.sip + 3)
    }

    /// Where its pages are over HTTPS.
    pub fn secure_web(&self) -> String {
        format!("https://127.0.0.1:{}", self.sip + 4)
    }

    /// Where its web is: `127.0.0.1:8080`.
    pub fn http(&self) -> String {
        format!("127.0.0.1:{}", self.http)
    }

    /// Where browsers' audio goes.
    pub fn webrtc(&self) -> SocketAddr {
        SocketAddr::from(([127, 0, 0, 1], self.http + 1))
    }

    /// Where its pages are: `http://127.0.0.1:8080`.
    pub fn web(&self) -> String {
        format!("http://127.0.0.1:{}", self.http)
    }

    /// The story of a call, by its number, once this fact is in it.
    pub fn story_of(&self, call: u64, fact: &str, seconds: u64) -> Story {
        within(seconds, &format!("call {call} has {fact}; the log: {}", self.log().display()), || {
            let (status, body) = self.ask("GET", &format!("/api/v1/calls/{call}"), None)?;
            let story = Story(serde_json::from_str(&body).ok().filter(|_| status == 200)?);
            story.has(fact).then_some(story)
        })
    }

    /// `sip:1000@127.0.0.1:5060`
    pub fn uri(&self, number: &str) -> String {
        format!("sip:{number}@{}", self.sip())
    }

    /// The answer to a GET, as JSON.
    pub fn get(&self, path: &str) -> Value {
        let (status, body) = self.ask("GET", path, None).expect("the server answers");
        assert_eq!(status, 200, "GET {path}: {body}");
        serde_json::from_str(&body).unwrap_or_else(|error| panic!("GET {path}: {error}: {body}"))
    }

    /// What the history tells of a call so far, by SIP's Call-ID; none when it does not know it.
    pub fn story(&self, sip_call_id: &str) -> Option<Story> {
        let found = self.get(&format!("/api/v1/calls?sip_call_id={sip_call_id}"));
        let id = &found["calls"].as_array()?.first()?["id"];
        let id = id.as_str().map_or_else(|| id.to_string(), str::to_owned);
        Some(Story(self.get(&format!("/api/v1/calls/{id}"))))
    }

    /// The story once this fact is in it.
    pub fn story_with(&self, sip_call_id: &str, fact: &str, seconds: u64) -> Story {
        self.story_when(sip_call_id, fact, seconds, |story| story.has(fact))
    }

    /// The story once this is true of it. Fails with the story as far as it went.
    pub fn story_when(
        &self,
        sip_call_id: &str,
        what: &str,
        seconds: u64,
        is_told: impl Fn(&Story) -> bool,
    ) -> Story {
        let until = Instant::now() + PATIENCE * Duration::from_secs(seconds);
        loop {
            let story = self.story(sip_call_id);
            if let Some(story) = story.as_ref().filter(|story| is_told(story)) {
                return story.clone();
            }
            let log = self.log();
            assert!(
                Instant::now() < until,
                "not within {seconds} s: {what}; the story so far: {:#?}; the log: {}",
                story.map(|story| story.0["story"].clone()),
                log.display(),
            );
            thread::sleep(Duration::from_millis(50));
        }
    }

    /// An agent's state: `ready`, `wrap_up`.
    pub fn agent_state(&self, agent: &str) -> String {
        let agents = self.get("/api/v1/agents");
        let all = agents["agents"].as_array().expect("a list of agents");
        let found =
            all.iter().find(|told| told["id"] == agent).unwrap_or_else(|| panic!("{agent} in {agents}"));
        found["state"].as_str().expect("a state").to_owned()
    }

    pub fn wait_for_agent(&self, agent: &str, state: &str, seconds: u64) {
        within(seconds, &format!("{agent} is {state}, who was {}", self.agent_state(agent)), || {
            (self.agent_state(agent) == state).then_some(())
        });
    }

    /// `PUT /api/v1/agents/{id}/state`
    pub fn set_agent(&self, agent: &str, state: &str) {
        let body = serde_json::json!({ "state": state }).to_string();
        let (status, answer) = self
            .ask("PUT", &format!("/api/v1/agents/{agent}/state"), Some(&body))
            .expect("the server answers");
        assert!((200..300).contains(&status), "{status}: {answer}");
    }

    /// `POST /api/v1/calls/{id}/{action}` in somebody's name: the status, and the body.
    pub fn act(&self, call: u64, who: &str, action: &str, mut body: Value) -> (u16, Value) {
        body["agent"] = who.into();
        let path = format!("/api/v1/calls/{call}/{action}");
        let (status, body) = self.ask("POST", &path, Some(&body.to_string())).expect("the server answers");
        (status, serde_json::from_str(&body).unwrap_or_else(|error| panic!("{path}: {error}: {body}")))
    }

    /// The same, and it must be done.
    pub fn acts(&self, call: u64, who: &str, action: &str, body: Value) {
        let (status, answer) = self.act(call, who, action, body);
        assert_eq!(status, 202, "{who} {action}: {answer}");
    }

    /// Nothing is left of any call: no call, no session, no stream.
    pub fn is_left_clean(&self) {
        self.is_left_clean_within(5);
    }

    /// The same, with patience for what SIP itself keeps: a request that a dead phone never answers is given up
    /// after 32 s (RFC 3261, timers B and F).
    pub fn is_left_clean_within(&self, seconds: u64) {
        for gauge in ["warmline_calls_live", "warmline_sip_sessions", "warmline_media_streams"] {
            within(seconds, &format!("{gauge} is 0"), || (self.gauge(gauge) == 0.0).then_some(()));
        }
    }

    pub fn gauge(&self, name: &str) -> f64 {
        let (_, text) = self.ask("GET", "/metrics", None).expect("the server answers");
        let line = text.lines().find(|line| line.split([' ', '{']).next() == Some(name));
        let value = line.and_then(|line| line.rsplit(' ').next()).and_then(|value| value.parse().ok());
        value.unwrap_or_else(|| panic!("/metrics has no {name}"))
    }

    /// Fails when these digits stand anywhere in the log or the data folder, by themselves or right behind an
    /// account number. Within a longer word they are chance: the microseconds of a log line, a tag in hex.
    pub fn never_wrote(&self, digits: &str) {
        let mut looked_at = 0;
        search(self.folder.path(), digits.as_bytes(), &mut looked_at);
        assert!(looked_at > 1000, "only {looked_at} bytes were written at all");
    }

    /// Asks it to end, and waits until it has.
    pub fn stop(mut self) {
        self.terminate();
        self.ends(10);
        let ports =
            [self.sip, self.http, self.http + 1].into_iter().chain(self.rtp..self.rtp + self.setup.rtp_ports);
        let bound: Vec<u16> = ports.filter(|port| !is_free(*port)).collect();
        assert!(bound.is_empty(), "still bound: {bound:?}");
    }

    /// Asks it to end: SIGTERM.
    pub fn terminate(&self) {
        self.process.terminate();
    }

    /// Has it end at once, and leave its calls to the next one: SIGUSR2.
    pub fn leave(&mut self) {
        self.process.signal("USR2");
        self.ends(10);
    }

    /// SIGKILL: as a power cut would do it.
    pub fn kill(&mut self) {
        self.process.kill();
    }

    /// It does nothing any more, and nobody is told: SIGSTOP, as a network does that is gone.
    pub fn freeze(&self) {
        self.process.signal("STOP");
    }

    /// It goes on.
    pub fn thaw(&self) {
        self.process.signal("CONT");
    }

    pub fn runs(&mut self) -> bool {
        self.process.ended().is_none()
    }

    /// Waits until it has ended by itself, and well.
    pub fn ends(&mut self, seconds: u64) {
        let what = format!("the server ends; its log: {}", self.log().display());
        let status = within(seconds, &what, || self.process.ended());
        assert!(status.success(), "{status}");
    }

    /// One request, whose answer ends with the connection. None when it could not be asked.
    pub fn ask(&self, method: &str, path: &str, body: Option<&str>) -> Option<(u16, String)> {
        self.ask_as("", method, path, body)
    }

    /// The same question of somebody whom a proxy passes on: nobody knows who it is.
    pub fn ask_passed_on(&self, path: &str) -> Option<(u16, String)> {
        self.ask_as("X-Forwarded-For: 203.0.113.5\r\n", "GET", path, None)
    }

    /// The same as somebody who signs in for it with the demo's password.
    pub fn ask_of(&self, who: &str, method: &str, path: &str, body: Option<&str>) -> Option<(u16, String)> {
        let sign_in = serde_json::json!({ "name": who, "password": "warmline" }).to_string();
        let (head, _) = self.exchange("X-Warmline: 1\r\n", "POST", "/api/v1/session", Some(&sign_in))?;
        let cookie = head.lines().find_map(|line| line.split_once("et-cookie: ")?.1.split(';').next());
        let headers = format!("X-Warmline: 1\r\nCookie: {}\r\n", cookie.expect("they may sign in"));
        self.ask_as(&headers, method, path, body)
    }

    fn ask_as(&self, headers: &str, method: &str, path: &str, body: Option<&str>) -> Option<(u16, String)> {
        let (head, body) = self.exchange(headers, method, path, body)?;
        Some((head.split(' ').nth(1)?.parse().ok()?, body))
    }

    /// A request, and the head and the body of its answer.
    fn exchange(
        &self,
        headers: &str,
        method: &str,
        path: &str,
        body: Option<&str>,
    ) -> Option<(String, String)> {
        let mut stream = TcpStream::connect(("127.0.0.1", self.http)).ok()?;
        stream.set_read_timeout(Some(Duration::from_secs(5))).ok()?;
        let body = body.unwrap_or_default();
        write!(
            stream,
            "{method} {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\nContent-Type: application/json\r\n\
             {headers}Content-Length: {}\r\n\r\n{body}",
            body.len()
        )
        .ok()?;
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).ok()?;
        let answer = String::from_utf8_lossy(&answer);
        let (head, body) = answer.split_once("\r\n\r\n")?;
        Some((head.to_owned(), body.to_owned()))
    }
}

/// The file of the key that a server and its standbys share, in the test's folder.
const STANDBY_KEY: &str = "standby.key";

/// The data folder of a machine.
fn data(folder: &Folder, machine: u32) -> PathBuf {
    folder.path().join(if machine == 0 { "data".to_owned() } else { format!("data-{machine}") })
}

fn command(role: &[&str], setup: &Setup, folder: &Folder, sip: u16, rtp: u16, machine: u32) -> Command {
    let http = sip + 1;
    let program = env!("CARGO_BIN_EXE_warmline");
    let mut command = match setup.open_files {
        Some(files) => {
            let mut shell = Command::new("sh");
            shell.args(["-c", &format!("ulimit -n {files}; exec \"$0\" \"$@\""), program]);
            shell
        }
        None => Command::new(program),
    };
    command
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .env("RUST_LOG", setup.log)
        .envs(setup.environment.iter().cloned())
        .args(role)
        .arg("--data")
        .arg(data(folder, machine))
        .arg("--flows")
        .arg(&setup.flows)
        .args(["--sip", &format!("127.0.0.1:{sip}"), "--http", &format!("127.0.0.1:{http}")])
        .args(["--webrtc", &format!("127.0.0.1:{}", http + 1)])
        .args(["--rtp-ports", &format!("{rtp}-{}", rtp + setup.rtp_ports - 1), "--media-workers", "1"]);
    let address = |port: u16| format!("127.0.0.1:{port}");
    if setup.tls {
        command.args(["--sip-tls", &address(sip + 3), "--https", &address(sip + 4)]);
    }
    if let Some(port) = setup.dns {
        command.args(["--dns", &address(port)]);
    }
    if setup.standbys {
        command.args(["--standbys", &address(sip + 5), "--standby-key"]).arg(folder.path().join(STANDBY_KEY));
    }
    command
}

fn search(folder: &Path, needle: &[u8], looked_at: &mut usize) {
    for entry in fs::read_dir(folder).expect("our folder").flatten() {
        let path = entry.path();
        if path.is_dir() {
            search(&path, needle, looked_at);
            continue;
        }
        let bytes = fs::read(&path).unwrap_or_default();
        *looked_at += bytes.len();
        let counts = path.file_name().is_some_and(|name| name == "calls.journal");
        let stands = |at: usize| is_told(&bytes, at, needle.len()) && !(counts && is_count(&bytes, at));
        let found = (0..bytes.len()).find(|at| bytes[*at..].starts_with(needle) && stands(*at));
        if let Some(at) = found {
            let from = at.saturating_sub(60);
            let around = String::from_utf8_lossy(&bytes[from..bytes.len().min(at + 60)]).into_owned();
            panic!("a secret stands in {}: {around}", path.display());
        }
    }
}

/// Whether what stands here is a word of its own, or the tail of what a caller keyed after an account.
fn is_told(bytes: &[u8], at: usize, length: usize) -> bool {
    let before = &bytes[..at];
    let alone = !before.last().is_some_and(u8::is_ascii_alphanumeric);
    let keyed_after = ["100200", "999999"].iter().any(|account| before.ends_with(account.as_bytes()));
    (alone || keyed_after) && !bytes.get(at + length).is_some_and(u8::is_ascii_alphanumeric)
}

/// Whether what stands here is a member of JSON that is a number: in the journal something of ours that is counted, an RTP sequence
/// for one, and equal to a secret by chance. What was keyed is text there.
fn is_count(bytes: &[u8], at: usize) -> bool {
    bytes[..at].ends_with(b"\":")
}

#[test]
fn a_secret_is_found_where_it_is_told_and_not_where_something_is_counted() {
    let found = |text: &str| {
        let (bytes, at) = (text.as_bytes(), text.find("4711").expect("the secret"));
        is_told(bytes, at, 4) && !is_count(bytes, at)
    };
    assert!(found(r#"{"keyed":"4711"}"#) && found(r#"["4711"]"#) && found("PIN 4711") && found("1002004711"));
    assert!(!found(r#"{"next":4711,"timestamp":1053047129}"#) && !found("19:30:01.471103"));
}

/// What the history tells of one call.
#[derive(Clone, Debug)]
pub struct Story(Value);

impl Story {
    /// The call's number.
    pub fn id(&self) -> u64 {
        self.0["call"]["id"].as_u64().unwrap_or_else(|| panic!("an id in {}", self.0))
    }

    pub fn facts(&self) -> &[Value] {
        self.0["facts"].as_array().map_or(&[], Vec::as_slice)
    }

    pub fn has(&self, fact: &str) -> bool {
        self.facts().iter().any(|told| told["fact"] == fact)
    }

    /// The only fact of its kind.
    pub fn only(&self, fact: &str) -> &Value {
        let all = self.all(fact);
        assert_eq!(all.len(), 1, "{fact} in {:#?}", self.kinds());
        all[0]
    }

    pub fn all(&self, fact: &str) -> Vec<&Value> {
        self.facts().iter().filter(|told| told["fact"] == fact).collect()
    }

    /// The kinds of its facts, in order.
    pub fn kinds(&self) -> Vec<&str> {
        self.facts().iter().filter_map(|told| told["fact"].as_str()).collect()
    }

    /// The names of all prompts that began to play, in order.
    pub fn prompts(&self) -> Vec<&str> {
        let played = self.facts().iter().filter(|told| told["fact"] == "played");
        played
            .flat_map(|told| told["prompts"].as_array().into_iter().flatten())
            .filter_map(Value::as_str)
            .collect()
    }
}
