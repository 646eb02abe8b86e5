//! A real Chromium, commanded by a test through `tests/browser/driver.mjs`: it sends a tone and tells what it hears.

use std::io::BufRead;
use std::io::BufReader;
use std::io::Write;
use std::path::Path;
use std::path::PathBuf;
use std::process::Child;
use std::process::ChildStdin;
use std::process::Command;
use std::process::Stdio;
use std::sync::mpsc::Receiver;
use std::sync::mpsc::channel;
use std::time::Duration;

use serde_json::Value;
use serde_json::json;

use crate::server::Server;
use crate::tone;
use crate::tools::Folder;
use crate::tools::available;
use crate::tools::in_time;
use crate::tools::within;

/// A browser starts slowly on a busy machine.
const STARTS_WITHIN: Duration = Duration::from_secs(60);

/// One Chromium with one person at it.
pub struct Browser {
    process: Child,
    commands: Option<ChildStdin>,
    answers: Receiver<String>,
    // The process ends before its folder goes.
    _folder: Folder,
}

/// Whether the tests with browsers can run here.
pub fn browsers_available(test: &str) -> bool {
    let modules = driver().with_file_name("node_modules");
    if available(test, &["node", "chromium"]) {
        if modules.is_dir() {
            return true;
        }
        assert!(
            std::env::var_os("WARMLINE_TOOLS").is_none_or(|wanted| wanted != "required"),
            "npm ci in tests/browser, as scripts/test does"
        );
        eprintln!("{test}: skipped, for tests/browser has no node_modules: npm ci there");
    }
    false
}

fn driver() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/browser/driver.mjs")
}

impl Browser {
    /// Starts one whose microphone hears this tone.
    pub fn start(hz: f64) -> Browser {
        let folder = Folder::new("browser");
        let microphone = folder.path().join("microphone.wav");
        tone::write_wav(&microphone, tone::sine(hz, 10 * tone::RATE));
        let mut process = Command::new("node")
            .arg(driver())
            .arg(&microphone)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("node runs");
        let output = process.stdout.take().expect("piped");
        let (lines, answers) = channel();
        std::thread::spawn(move || {
            for line in BufReader::new(output).lines().map_while(Result::ok) {
                if lines.send(line).is_err() {
                    return;
                }
            }
        });
        let commands = process.stdin.take();
        let browser = Browser { process, commands, answers, _folder: folder };
        browser.answer();
        browser
    }

    /// Runs a command; what it returns.
    pub fn run(&mut self, command: &str) -> Value {
        let line = json!({ "run": command }).to_string();
        let input = self.commands.as_mut().expect("open until the end");
        writeln!(input, "{line}").expect("the driver reads");
        self.answer()
    }

    fn answer(&self) -> Value {
        let line = self.answers.recv_timeout(STARTS_WITHIN).expect("the driver answers");
        let answer: Value = serde_json::from_str(&line).expect("JSON");
        assert!(answer["error"].is_null(), "{}", answer["error"].as_str().unwrap_or_default());
        answer["value"].clone()
    }

    /// Evaluates an expression in the page.
    pub fn look(&mut self, expression: &str) -> Value {
        self.run(&format!("return page.evaluate(async () => ({expression}))"))
    }

    /// Waits until an expression is true in the page, which may go to another one meanwhile. Fails with what the page
    /// says instead.
    pub fn sees(&mut self, what: &str, seconds: u64, expression: &str) {
        let command = format!(
            "return page.evaluate(async () => ({expression})).catch((error) => {{
                if (!/context was destroyed/.test(error.message)) throw error;
            }})"
        );
        if in_time(seconds, || (self.run(&command) == true).then_some(())).is_none() {
            let page = self.run("return page.url() + '\\n' + await page.innerText('body')");
            panic!("not within {seconds} s: {what}; the page says:\n{}", page.as_str().unwrap_or_default());
        }
    }

    /// Waits until `line` in the page, a phone or a call, is there and hears this tone.
    pub fn hears(&mut self, line: &str, hz: f64, seconds: u64) {
        let expression = format!("Boolean(window.{line}) && hears({line}.audio.remote, {hz})");
        self.sees(&format!("the browser hears {hz} Hz"), seconds, &expression);
    }

    /// Waits until `line` hears this tone, alone or among others.
    pub fn hears_among(&mut self, line: &str, hz: f64, seconds: u64) {
        let expression = format!("Boolean(window.{line}) && hearsAmong({line}.audio.remote, {hz})");
        self.sees(&format!("the browser hears {hz} Hz among others"), seconds, &expression);
    }

    /// Calls a number from the page `/call`.
    pub fn dials(&mut self, server: &Server, number: &str) {
        self.run(&format!("await page.goto('{}/call')", server.web()));
        self.run(&format!("await page.fill('#number', '{number}'); await page.click('#go')"));
    }

    /// Sits down at an agent's desk, and has its phone connected.
    pub fn is_agent(&mut self, server: &Server, agent: &str) {
        self.run(&format!("await page.goto('{}/call')", server.web()));
        self.sits_down(agent);
    }

    /// Takes up the phone of a desk in the page that is open.
    pub fn sits_down(&mut self, agent: &str) {
        self.look(&format!(
            "import('/web/phone.js').then(async ({{ Phone }}) => {{
                const phone = window.phone = new Phone({{ path: '/api/v1/desk?agent={agent}' }});
                phone.addEventListener('desk', ({{ detail }}) => (phone.desk = detail));
                phone.addEventListener('state', ({{ detail }}) => (phone.state = detail.state));
                await phone.connect();
            }})"
        ));
        self.sees("the desk's phone is up", 10, "phone.state === 'up'");
    }

    /// Has a phone by JsSIP at a server's web, of this user; with a password it is signed in.
    pub fn has_jssip(&mut self, web: &str, user: &str, password: Option<&str>) {
        self.run(&format!("await page.goto('{web}/'); await state.jssip()"));
        let url = format!("{}/sip", web.replacen("http", "ws", 1));
        let phone = json!({ "url": url, "user": user, "password": password });
        self.look(&format!("void (window.phone = jssipPhone({phone}))"));
        let is_up = if password.is_some() { "phone.ua.isRegistered()" } else { "phone.ua.isConnected()" };
        self.sees("the phone is up", 10, is_up);
    }

    /// Has a phone by SIP.js at a server's web, of this user; with a password it is signed in.
    pub fn has_sipjs(&mut self, web: &str, user: &str, password: Option<&str>) {
        self.run(&format!("await page.goto('{web}/'); await state.sipjs()"));
        let url = format!("{}/sip", web.replacen("http", "ws", 1));
        let phone = json!({ "url": url, "user": user, "password": password });
        self.look(&format!("sipjsPhone({phone}).then((phone) => void (window.phone = phone))"));
    }

    /// The Call-ID of the call that its phone by JsSIP has.
    pub fn sip_call_id(&mut self) -> String {
        let id = self.look("phone.session._request.call_id");
        id.as_str().expect("a Call-ID").to_owned()
    }

    /// Waits until the caller's page is connected; the number of the call.
    pub fn is_talking(&mut self) -> u64 {
        self.sees("the call is answered", 10, "call.state === 'talking'");
        self.look("call.number").as_u64().expect("the call's number")
    }

    /// The agent takes the call.
    pub fn picks_up(&mut self, call: u64) {
        self.look(&format!("phone.pickUp({call})"));
    }

    /// Waits for a call that rings at the desk; its number.
    pub fn rings(&mut self, seconds: u64) -> u64 {
        let ringing = "phone.desk?.calls.find(({ phase }) => phase === 'ringing')?.call ?? 0";
        within(seconds, "a call rings at the desk", || self.look(ringing).as_u64().filter(|call| *call > 0))
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // The end of the commands is the end of the driver, which closes its browser.
        drop(self.commands.take());
        for _ in 0..100 {
            if !matches!(self.process.try_wait(), Ok(None)) {
                return;
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
