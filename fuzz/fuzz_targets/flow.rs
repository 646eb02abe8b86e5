//! Any text as a flow file, any keys as its caller: no panic, and every caller comes to an end.
//!
//! The input is a flow file, a zero byte, and what the caller does.
#![no_main]

use libfuzzer_sys::fuzz_target;
use warmline::base::Name;
use warmline::base::Timestamp;
use warmline::base::WallTime;
use warmline::flow::FlowAction;
use warmline::flow::FlowEvent;
use warmline::flow::Prompts;
use warmline::flow::Run;
use warmline::flow::api::BotEnd;
use warmline::flow::api::Caller;
use warmline::flow::api::Customer;
use warmline::flow::api::TransferResult;
use warmline::flow::api::VerifyResult;
use warmline::flow::load;
use warmline::flow::say;

const CENTER: &str = "company: Fuzz
speech: { command: speak }
services: { any: { at: \"http://any.example\" } }
bots: { any: { at: \"ws://any.example\" } }
numbers: { 1: main }
skills: [any]
queues: { any: {} }
agents: { alice: { skills: { any: 5 } } }
hours: { any: { mon-fri: 08:00-18:00 } }
announcements: { any: { play: long, on: yes, until: 2999-01-01 00:00 } }
trunks: { any: { out: \"192.0.2.7:5060\" } }
";

fuzz_target!(|data: &[u8]| {
    let mut parts = data.splitn(2, |byte| *byte == 0);
    let text = String::from_utf8_lossy(parts.next().unwrap_or_default()).into_owned();
    let keys = parts.next().unwrap_or_default();
    let prompts: Prompts = say::prompts("en").chain(PROMPTS.iter().map(|name| (*name).to_owned())).collect();

    // The same text as a center file: whatever it is, it is told in words.
    let _ = load(&[("center.yaml".to_owned(), text.clone())], &prompts).map_err(|found| {
        found.iter().map(ToString::to_string).collect::<Vec<_>>()
    });

    let files = [("center.yaml".to_owned(), CENTER.to_owned()), ("main.yaml".to_owned(), text)];
    let center = match load(&files, &prompts) {
        Ok((center, _)) => center,
        Err(found) => {
            found.iter().for_each(|one| drop(one.to_string()));
            return;
        }
    };
    let caller = Caller { number: "+1202".into(), dialled: "1".into(), customer: None };
    let mut run = Run::start(&center, &Name::from("main"), caller);
    let mut line = Line { now: Timestamp::ZERO, plays: None };
    line.tell(&mut run, &center, FlowEvent::Started { wall: WallTime(0) });
    for key in keys.iter().take(500) {
        line.act(&mut run, &center, *key);
    }
    for _ in 0..100_000 {
        if run.is_over() {
            return;
        }
        line.act(&mut run, &center, b'.');
        line.act(&mut run, &center, b'~');
    }
    panic!("a silent caller is still there");
});

struct Line {
    now: Timestamp,
    plays: Option<warmline::media::control::PlayId>,
}

impl Line {
    fn act(&mut self, run: &mut Run, center: &warmline::flow::Center, what: u8) {
        match what {
            b'.' => {
                if let Some(play) = self.plays.take() {
                    self.tell(run, center, FlowEvent::PlayEnded { play });
                }
            }
            b'~' => {
                self.now = run.deadline().unwrap_or(self.now).max(self.now);
                self.tell(run, center, FlowEvent::Tick);
            }
            b'v' => {
                let customer = Customer { account: "1".into(), name: "A".into(), name_prompt: None };
                self.tell(run, center, FlowEvent::Verified(VerifyResult::Verified(customer)));
            }
            b'w' => self.tell(run, center, FlowEvent::Verified(VerifyResult::Wrong)),
            b'l' => self.tell(run, center, FlowEvent::Bot(BotEnd::Lost)),
            b'r' => {
                let end = BotEnd::Result { result: "any".into(), values: Vec::new() };
                self.tell(run, center, FlowEvent::Bot(end));
            }
            b'a' => self.tell(run, center, FlowEvent::Transferred(TransferResult::Answered)),
            b'e' => self.tell(run, center, FlowEvent::Transferred(TransferResult::Ended)),
            b'n' => self.tell(run, center, FlowEvent::Transferred(TransferResult::NoAnswer)),
            b'h' => self.tell(run, center, FlowEvent::HungUp),
            key => self.tell(run, center, FlowEvent::Digit(char::from(key))),
        }
    }

    fn tell(&mut self, run: &mut Run, center: &warmline::flow::Center, event: FlowEvent) {
        let mut out = Vec::new();
        run.handle(center, self.now, event, &mut out);
        for action in out {
            match action {
                FlowAction::Play { play, repeat: false, .. } => self.plays = Some(play),
                FlowAction::Play { .. } | FlowAction::StopPlay => self.plays = None,
                _ => {}
            }
        }
        assert!(run.is_over() || run.deadline().is_some() || self.plays.is_some(), "stuck: {run:?}");
    }
}

const PROMPTS: [&str; 19] = [
    "greeting/welcome",
    "goodbye",
    "long",
    "menu/main",
    "verify/enter-account",
    "verify/enter-pin",
    "verify/wrong",
    "wait/all-busy",
    "wait/less-than",
    "wait/question",
    "wait/question-hold",
    "wait/granted",
    "wait/declined",
    "wait/callback-promised",
    "wait/check-in",
    "wait/sorry",
    "wait/agent-calling-back",
    "wait/callback-greeting",
    "hold-music",
];
