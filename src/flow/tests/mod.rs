//! The language from outside: files in, a caller's keys in, what the caller meets out.

mod again;
mod announcement;
mod bot;
mod callback;
mod collect;
mod consent;
mod demo;
mod docs;
mod evaluation;
mod fetch;
mod goals;
mod greeting;
mod harm;
mod kept;
mod keys;
mod languages;
mod parameters;
mod presence;
mod rehearsal;
mod secrets;
mod shapes;
mod speech;
mod surge;
mod survey;
mod together;
mod transfer;
mod trunks;
mod unlikely;
mod validity;
mod verify;
mod voicemail;
mod walks;
mod webhooks;
mod whisper;

use std::time::Duration;

use crate::base::Name;
use crate::base::Timestamp;
use crate::base::WallTime;
use crate::fact::What;
use crate::flow::Center;
use crate::flow::Diagnostic;
use crate::flow::FlowAction;
use crate::flow::FlowEvent;
use crate::flow::Prompts;
use crate::flow::Run;
use crate::flow::api::BotEnd;
use crate::flow::api::Caller;
use crate::flow::api::Customer;
use crate::flow::api::Failure;
use crate::flow::api::FetchResult;
use crate::flow::api::MessageEnd;
use crate::flow::api::MessageNews;
use crate::flow::api::Proof;
use crate::flow::api::TransferResult;
use crate::flow::api::VerifyResult;
use crate::flow::load;
use crate::flow::model::Value;
use crate::flow::say;
use crate::media::control::PlayId;
use crate::queue::api::PermissionPolicy;

/// The files of the demo center.
pub(super) const DEMO: [(&str, &str); 13] = [
    ("ivr_flows/center.yaml", include_str!("../../../ivr_flows/center.yaml")),
    ("ivr_flows/main.yaml", include_str!("../../../ivr_flows/main.yaml")),
    ("ivr_flows/support_line.yaml", include_str!("../../../ivr_flows/support_line.yaml")),
    ("ivr_flows/spanish_line.yaml", include_str!("../../../ivr_flows/spanish_line.yaml")),
    ("ivr_flows/leave_message.yaml", include_str!("../../../ivr_flows/leave_message.yaml")),
    ("ivr_flows/bench.yaml", include_str!("../../../ivr_flows/bench.yaml")),
    ("ivr_flows/silence.yaml", include_str!("../../../ivr_flows/silence.yaml")),
    ("ivr_flows/long_story.yaml", include_str!("../../../ivr_flows/long_story.yaml")),
    ("ivr_flows/read_back.yaml", include_str!("../../../ivr_flows/read_back.yaml")),
    ("ivr_flows/echo_test.yaml", include_str!("../../../ivr_flows/echo_test.yaml")),
    ("ivr_flows/test_tone.yaml", include_str!("../../../ivr_flows/test_tone.yaml")),
    ("ivr_flows/ring_only.yaml", include_str!("../../../ivr_flows/ring_only.yaml")),
    ("ivr_flows/goodbye.yaml", include_str!("../../../ivr_flows/goodbye.yaml")),
];

/// The prompts that the demo center ships with.
pub(super) fn prompts() -> Prompts {
    let named = "greeting/welcome greeting/welcome-back greeting/welcome-new names/ann names/ben names/carla \
        verify/enter-account verify/enter-pin verify/wrong verify/locked verify/verified verify/unavailable \
        verify/skip verify/no-input menu/main menu/no-input menu/no-match menu/to-a-person goodbye long wait/all-busy \
        wait/less-than wait/position wait/in-line wait/question wait/question-hold wait/granted wait/declined wait/callback-promised wait/check-in wait/sorry \
        wait/agent-calling-back wait/callback-greeting agent/ready agent/not-ready agent/signed-out \
        agent/unknown-code language/es hold-music tone-1004 beep \
        callback/your-number callback/confirm callback/key-number callback/when callback/key-time callback/at \
        callback/confirm-time callback/promised voicemail/greeting voicemail/review voicemail/kept voicemail/nothing \
        survey/satisfied survey/solved survey/thanks one-moment";
    named
        .split_whitespace()
        .map(str::to_owned)
        .chain(say::LANGUAGES.into_iter().flat_map(say::prompts))
        .collect()
}

/// Loads files given as `(path, text)`.
pub(super) fn read(files: &[(&str, &str)]) -> Result<(Center, Vec<Diagnostic>), Vec<Diagnostic>> {
    let files: Vec<(String, String)> =
        files.iter().map(|(path, text)| ((*path).to_owned(), (*text).to_owned())).collect();
    load(&files, &prompts())
}

/// The center of these files, which must be in order; warnings may be.
#[track_caller]
pub(super) fn center_of(files: &[(&str, &str)]) -> Center {
    read(files).unwrap_or_else(|found| panic!("{}", in_words(&found))).0
}

/// The demo center.
pub(crate) fn demo() -> Center {
    match read(&DEMO) {
        Ok((center, warnings)) => {
            assert!(warnings.is_empty(), "{}", in_words(&warnings));
            center
        }
        Err(problems) => panic!("{}", in_words(&problems)),
    }
}

/// The demo center with more at the end of its file.
pub(crate) fn demo_with(more: &str) -> Center {
    let with_more = |(path, text): (&'static str, &str)| {
        let more = if path.ends_with("center.yaml") { more } else { "" };
        (path, format!("{text}\n{more}"))
    };
    let files: Vec<(&str, String)> = DEMO.into_iter().map(with_more).collect();
    let files: Vec<(&str, &str)> = files.iter().map(|(path, text)| (*path, text.as_str())).collect();
    center_of(&files)
}

pub(super) fn in_words(diagnostics: &[Diagnostic]) -> String {
    let words: Vec<String> = diagnostics.iter().map(Diagnostic::to_string).collect();
    words.join("\n\n")
}

pub(super) fn ann() -> Customer {
    Customer { account: "100200".into(), name: "Ann".into(), name_prompt: Some("names/ann".into()) }
}

/// A caller on the line: does what a script says and writes down what is met.
pub(super) struct Phone<'a> {
    pub center: &'a Center,
    pub run: Run,
    pub now: Timestamp,
    playing: Option<(PlayId, bool, bool)>,
    /// The last question to a service, and for how much it asked.
    question: (u32, usize),
    pub transcript: Vec<String>,
    /// Everything that was ever answered, facts and all, and every state, in debug form; none unless asked for.
    pub seen: Option<String>,
}

impl<'a> Phone<'a> {
    pub fn dial(center: &'a Center, flow: &str, customer: Option<Customer>) -> Phone<'a> {
        let caller = Caller { number: "+12025550143".into(), dialled: "1000".into(), customer };
        let run = Run::start(center, &Name::from(flow), caller);
        let now = Timestamp::from_secs(1);
        let mut phone =
            Phone { center, run, now, playing: None, question: (0, 0), transcript: Vec::new(), seen: None };
        phone.tell(FlowEvent::Started { wall: WallTime(0) });
        phone
    }

    /// One event, and the invariants that hold after each.
    pub fn tell(&mut self, event: FlowEvent) {
        let mut out = Vec::new();
        self.run.handle(self.center, self.now, event, &mut out);
        for action in out {
            if let Some(seen) = &mut self.seen {
                seen.push_str(&format!("{action:?}\n"));
            }
            if let Some(line) = self.note(action) {
                self.transcript.push(line);
            }
        }
        if let Some(seen) = &mut self.seen {
            let written = serde_json::to_string(&self.run).expect("a run is plain data");
            seen.push_str(&format!("{:?}\n{written}\n", self.run));
        }
        let waits = self.run.is_over() || self.run.deadline().is_some() || self.playing.is_some();
        assert!(waits, "nothing will ever happen to this caller: {:?}", self.run);
    }

    fn note(&mut self, action: FlowAction) -> Option<String> {
        Some(match action {
            FlowAction::Play { play, prompts, barge_in, repeat } => {
                self.playing = Some((play, barge_in, repeat));
                format!("hears {}", prompts.join(" "))
            }
            FlowAction::StopPlay => {
                self.playing = None;
                return None;
            }
            FlowAction::Speak { language } => format!("speaks {language}"),
            FlowAction::Answer => "answered".into(),
            FlowAction::Ring => "rings".into(),
            FlowAction::Refuse { status } => format!("refused {status}"),
            FlowAction::Consent { agreed } => format!("recorded: {agreed}"),
            FlowAction::Echo => "echo".into(),
            FlowAction::Verify { account, proof } => {
                let (how, keyed) = match proof {
                    Proof::Pin(keyed) => ("digits", keyed),
                    Proof::BirthDate(keyed) => ("characters of a date", keyed),
                    Proof::Code(keyed) => ("digits of a code", keyed),
                };
                format!("verify {account} with {} {how}", keyed.expose().len())
            }
            FlowAction::Fetch(question) => {
                self.question = (question.number, question.fields.len());
                let sent: Vec<String> = question
                    .send
                    .iter()
                    .map(|(field, value)| format!(" {field}={}", value.in_words()))
                    .collect();
                format!("asks {}{}", question.url, sent.join(""))
            }
            FlowAction::Bot(call) => {
                let sent: Vec<String> =
                    call.send.iter().map(|(field, value)| format!(" {field}={}", value.in_words())).collect();
                format!("talks with {}{}", call.bot.name, sent.join(""))
            }
            FlowAction::BotKey { digit } => format!("the bot hears of {digit}"),
            FlowAction::BotEnds => "the bot is gone".to_owned(),
            FlowAction::Enqueue { queue, needs, priority, permission, prefer, exclude, nobody } => {
                let queue = &self.center.engine.queues[queue.0 as usize].name;
                let held = match permission {
                    Some(PermissionPolicy::GivenByFlowFile) => ", held by the file's word",
                    Some(PermissionPolicy::Ask) => ", asked",
                    None => "",
                };
                let first = prefer.map_or_else(String::new, |(agent, wait)| {
                    format!(", {agent} first for {}s", wait.as_secs())
                });
                let not: String = exclude.iter().map(|agent| format!(", not {agent}")).collect();
                let meant = [
                    (nobody.prefer, "prefer"),
                    (nobody.exclude, "not"),
                    (needs.wants_nobody, "prefer_skills"),
                ];
                let nobody: String = meant
                    .iter()
                    .filter(|(meant, _)| *meant)
                    .map(|(_, key)| format!(", {key} nobody"))
                    .collect();
                let more = needs.needs.clauses().count();
                format!("to {queue}, {more} needs more, priority {priority}{held}{first}{not}{nobody}")
            }
            FlowAction::Transfer { number, shown } => {
                format!("calls {number}{}", shown.map_or_else(String::new, |shown| format!(" as {shown}")))
            }
            FlowAction::CallAgent { agent, queue } => {
                let (agents, queues) = (&self.center.engine.agents, &self.center.engine.queues);
                format!("calls {} by {}", agents[agent.0 as usize].name, queues[queue.0 as usize].name)
            }
            FlowAction::EndTransfer => "calls no more".into(),
            FlowAction::KeepPlace(kept) => {
                let queue = &self.center.engine.queues[kept.queue.0 as usize].name;
                let at = kept.at.map_or_else(String::new, |at| format!(", not before {}", at.at));
                format!("callback to {} by {queue}{at}, promised {}", kept.number, kept.promised.join(" "))
            }
            FlowAction::RecordMessage { queue } => {
                format!("is recorded for {}", self.center.engine.queues[queue.0 as usize].name)
            }
            FlowAction::MessageEnds { end, .. } => match end {
                MessageEnd::Kept { length } => format!("a message of {} s", length.as_secs_f64()),
                MessageEnd::Nothing => "no message".to_owned(),
                MessageEnd::Failed => "the message is lost".to_owned(),
            },
            FlowAction::Surveyed { question, answer, settled } => {
                let settled = match settled {
                    Some(true) => ": settled",
                    Some(false) => ": not settled",
                    None => "",
                };
                format!("answers {answer} to {question}{settled}")
            }
            FlowAction::HangUp { reason } => format!("hangs up: {reason}"),
            FlowAction::Fact(fact) => return fact_in_words(fact),
            FlowAction::Left { .. } => return None,
        })
    }

    /// Does what `script` says, word by word: keys as they are, `.` what plays comes to its end, `~` nothing
    /// until the next deadline, `ok`/`wrong`/`locked`/`down` the verifier answers, `answered`/`none`/`fails` a service does,
    /// `picks-up`/`parts`/`busy`/`refuses`/`not-there` what somebody does who is called, `done`/`lost` a
    /// bot is done with two values or gone, `speaks`/`silent` after 3 s/`full` the disk what happens to a message, `bye`
    /// the caller hangs up, `holds`/`back` their phone holds the line and has them back.
    pub fn play(&mut self, script: &str) {
        for word in script.split_whitespace() {
            match word {
                "." => self.play_ends(),
                "~" => self.wait(),
                "ok" => self.tell(FlowEvent::Verified(VerifyResult::Verified(ann()))),
                "wrong" => self.tell(FlowEvent::Verified(VerifyResult::Wrong)),
                "locked" => self.tell(FlowEvent::Verified(VerifyResult::LockedOut)),
                "down" => self.tell(FlowEvent::Verified(VerifyResult::Unavailable)),
                "none" => self.fetched(FetchResult::Missing),
                "fails" => self.fetched(FetchResult::Failed(Failure::Status(500))),
                "answered" => self.says(&vec![Value::Text("7".to_owned()); self.question.1]),
                "picks-up" => self.tell(FlowEvent::Transferred(TransferResult::Answered)),
                "parts" => self.tell(FlowEvent::Transferred(TransferResult::Ended)),
                "busy" => self.tell(FlowEvent::Transferred(TransferResult::Busy)),
                "refuses" => self.tell(FlowEvent::Transferred(TransferResult::Refused)),
                "not-there" => self.tell(FlowEvent::Transferred(TransferResult::NoAnswer)),
                "done" => {
                    let values = vec![Some(Value::Text("7".to_owned())); 2];
                    self.tell(FlowEvent::Bot(BotEnd::Result { result: "done".into(), values }));
                }
                "lost" => self.tell(FlowEvent::Bot(BotEnd::Lost)),
                "speaks" => self.tell(FlowEvent::Message(MessageNews::Speaks)),
                "silent" => {
                    self.now += Duration::from_secs(3);
                    self.tell(FlowEvent::Message(MessageNews::Silent));
                }
                "full" => self.tell(FlowEvent::Message(MessageNews::Failed)),
                "holds" => self.tell(FlowEvent::Held),
                "back" => self.tell(FlowEvent::Resumed),
                "bye" => self.tell(FlowEvent::HungUp),
                keys => keys.chars().for_each(|key| {
                    self.now += Duration::from_millis(200);
                    self.tell(FlowEvent::Digit(key));
                }),
            }
        }
    }

    /// A service answers the last question.
    pub fn says(&mut self, values: &[Value]) {
        let values = values.iter().cloned().map(Some).collect();
        self.fetched(FetchResult::Answered { values, instead_of: None });
    }

    fn fetched(&mut self, result: FetchResult) {
        self.now += Duration::from_millis(50);
        self.tell(FlowEvent::Fetched { number: self.question.0, result });
    }

    fn play_ends(&mut self) {
        self.now += Duration::from_secs(2);
        if let Some((play, _, false)) = self.playing.take() {
            self.tell(FlowEvent::PlayEnded { play });
        }
    }

    fn wait(&mut self) {
        if let Some(deadline) = self.run.deadline() {
            self.now = self.now.max(deadline);
        }
        self.tell(FlowEvent::Tick);
    }
}

/// The same run, written down and read back.
pub(super) fn read_back(run: &Run) -> Run {
    let text = serde_json::to_string(run).expect("a run is plain data");
    serde_json::from_str(&text).expect("what was written can be read")
}

fn fact_in_words(fact: What) -> Option<String> {
    Some(match fact {
        What::FlowStarted { .. }
        | What::NodeEntered { .. }
        | What::Played { .. }
        | What::LeftOut { .. }
        | What::BargedIn { .. } => return None,
        What::Digit { digit } => format!("key {digit}"),
        What::NoInput { node } => format!("silence at {node}"),
        What::NoMatch { node, digit } => format!("{digit} is no choice at {node}"),
        What::Chose { choice, .. } => format!("chose {choice}"),
        What::Identified { name, .. } => format!("is {name}"),
        What::VerificationFailed { attempt } => format!("try {attempt} did not fit"),
        What::VerificationEnded { result } => format!("verification: {result:?}"),
        What::VariableSet { name, value } => format!("{name} = {value}"),
        What::ServiceAsked { service, result, .. } => format!("the service {service} {result}"),
        other => format!("{other:?}"),
    })
}

/// Plays `script` to `flow` of the demo center and compares what the caller meets, line by line.
#[track_caller]
pub(super) fn check(center: &Center, flow: &str, customer: Option<Customer>, script: &str, expected: &str) {
    let mut phone = Phone::dial(center, flow, customer);
    phone.play(script);
    let expected: Vec<&str> = expected.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    assert_eq!(phone.transcript, expected, "\n{}", phone.transcript.join("\n"));
}
