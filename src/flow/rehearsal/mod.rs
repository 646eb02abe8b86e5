//! A caller without a telephone: walks through a flow in virtual time, and writes down what is met.
//!
//! Tests of flows, the terminal and the explorer are all such a caller; what each does is theirs.

pub mod coverage;
pub mod explore;
pub mod test;
mod test_file;

use std::collections::BTreeMap;
use std::time::Duration;

use crate::base::Name;
use crate::base::Secret;
use crate::base::Timestamp;
use crate::base::WallTime;
use crate::fact::What;
use crate::flow::api::BotCall;
use crate::flow::api::BotEnd;
use crate::flow::api::Caller;
use crate::flow::api::Customer;
use crate::flow::api::ExitName;
use crate::flow::api::Failure;
use crate::flow::api::FetchResult;
use crate::flow::api::FlowAction;
use crate::flow::api::FlowEvent;
use crate::flow::api::KeptPlace;
use crate::flow::api::Kind;
use crate::flow::api::MessageEnd;
use crate::flow::api::MessageNews;
use crate::flow::api::Proof;
use crate::flow::api::Question;
use crate::flow::api::TransferResult;
use crate::flow::api::VerifyResult;
use crate::flow::center::Center;
use crate::flow::hours;
use crate::flow::model::Value;
use crate::flow::prompts::Prompts;
use crate::flow::run::Run;
use crate::flow::speech;
use crate::media::control::PlayId;

/// From one key to the next, where nothing else is said.
const BETWEEN_KEYS: Duration = Duration::from_millis(300);

/// What a rehearsed caller may be, and who checks it.
#[derive(Clone, Debug, Default)]
pub struct World {
    pub accounts: Vec<Account>,
    pub verifier: Verifier,
    /// What services say, by name.
    pub services: BTreeMap<Name, Service>,
    /// What those say that are not among them.
    pub other_services: Service,
    /// What bots say in the end, by name: the result, and the fields that go with it.
    pub bots: BTreeMap<Name, (Name, BTreeMap<Name, Value>)>,
    /// What becomes of whom a transfer calls.
    pub called: Called,
    /// What the caller does where a message is recorded.
    pub message: Message,
}

/// A customer who can be verified.
#[derive(Clone, Debug)]
pub struct Account {
    pub customer: Customer,
    /// The number that they call from; none when none is known.
    pub number: Option<String>,
    pub pin: Secret,
    /// `1980-12-24`; none when it is not known.
    pub birth_date: Option<Secret>,
}

/// The code that every rehearsed caller is sent.
pub const CODE: &str = "123456";

/// How a service is.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Service {
    /// It says this of each field, and nothing of any other.
    Says(BTreeMap<Name, Value>),
    /// It knows nothing of what it is asked.
    Missing,
    /// It does not answer.
    #[default]
    Down,
    /// It says something of the kind that is asked for.
    SaysAnything,
}

/// How the verifier is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Verifier {
    #[default]
    Works,
    /// Every account is locked.
    Locks,
    /// It never answers.
    Down,
}

/// What somebody does who is called for the caller.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Called {
    /// They pick up, talk for a minute, and hang up.
    #[default]
    Answers,
    /// Their phone rings until nobody waits any longer.
    Rings,
    Busy,
    Refuses,
}

/// What a caller does after the tone.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Message {
    /// They speak for ten seconds.
    #[default]
    Speaks,
    IsSilent,
    /// They speak, and the disk is full.
    CannotBeStored,
}

/// How long who leaves a message speaks.
const SPEAKS: Duration = Duration::from_secs(10);
/// That somebody is silent is told when it has lasted so long.
const SILENT_AFTER: Duration = Duration::from_secs(1);

/// How long who answers talks.
const TALK: Duration = Duration::from_secs(60);

impl World {
    /// The customer who has this number, when exactly one has.
    pub fn customer_of(&self, number: &str) -> Option<&Customer> {
        let mut found = self.accounts.iter().filter(|account| account.number.as_deref() == Some(number));
        let first = found.next();
        first.filter(|_| found.next().is_none()).map(|account| &account.customer)
    }

    fn fetch(&self, question: &Question) -> FetchResult {
        let values = |of: &dyn Fn(&Name, Kind) -> Option<Value>| FetchResult::Answered {
            values: question.fields.iter().map(|(field, kind)| of(field, *kind)).collect(),
            instead_of: None,
        };
        match self.services.get(&question.service.name).unwrap_or(&self.other_services) {
            Service::Says(said) => values(&|field, _| said.get(field).cloned()),
            Service::Missing => FetchResult::Missing,
            Service::SaysAnything => values(&|_, kind| Some(kind.sample())),
            Service::Down => FetchResult::Failed(Failure::Late),
        }
    }

    /// Bots that nothing is said of are as other services are: any of them, none, or lost.
    fn bot(&self, call: &BotCall) -> BotEnd {
        let any = |result: Option<&Name>| BotEnd::Result {
            result: result.cloned().unwrap_or_default(),
            values: call.fields.iter().map(|_| Some(Kind::Number.sample())).collect(),
        };
        match (self.bots.get(&call.bot.name), &self.other_services) {
            (Some((result, said)), _) => BotEnd::Result {
                result: Name::clone(result),
                values: call.fields.iter().map(|field| said.get(field).cloned()).collect(),
            },
            (None, Service::SaysAnything) => any(call.results.first()),
            (None, Service::Missing) => any(call.results.last()),
            (None, _) => BotEnd::Lost,
        }
    }

    fn verify(&self, account: &str, proof: &Proof) -> Option<VerifyResult> {
        let proven = |known: &Account| match proof {
            Proof::Pin(pin) => known.pin == *pin,
            Proof::BirthDate(date) => known.birth_date.as_ref() == Some(date),
            Proof::Code(code) => code.expose() == CODE,
        };
        let fits = |known: &&Account| known.customer.account == account && proven(known);
        match self.verifier {
            Verifier::Down => None,
            Verifier::Locks => Some(VerifyResult::LockedOut),
            Verifier::Works => Some(match self.accounts.iter().find(fits) {
                Some(known) => VerifyResult::Verified(known.customer.clone()),
                None => VerifyResult::Wrong,
            }),
        }
    }
}

/// Something that the caller met.
#[derive(Clone, Debug, PartialEq)]
pub enum Met {
    Answered,
    Rings,
    Entered {
        flow: Name,
        node: Name,
    },
    Left {
        flow: Name,
        node: Name,
        exit: ExitName,
    },
    Hears {
        prompts: Vec<Name>,
    },
    /// Is spoken to in this language from here on.
    Speaks {
        language: Name,
    },
    /// Lets the talk be recorded, or not.
    Consent {
        agreed: bool,
    },
    /// Hears their own voice.
    Echo,
    /// Somebody is called for them.
    Called {
        whom: String,
    },
    /// Hears who was called.
    Talks,
    /// Is recorded from here on.
    IsRecorded,
    /// Has left a message, or none.
    Message {
        kept: bool,
    },
    /// Has answered a survey's question.
    Surveyed {
        question: Name,
        answer: u8,
    },
    /// The caller pressed a key: told where it is no part of a secret.
    Key(char),
    Silence {
        node: Name,
    },
    NoMatch {
        node: Name,
        digit: char,
    },
    Identified {
        name: String,
    },
    Verified {
        words: String,
    },
    Set {
        name: Name,
        value: String,
    },
    Asked {
        service: Name,
        result: Name,
    },
    /// Talks with a bot, and what came of it.
    TalksWithBot {
        bot: Name,
        result: Name,
    },
    Ended(End),
}

/// How a caller left the flow.
#[derive(Clone, Debug, PartialEq)]
pub enum End {
    Queue {
        queue: Name,
        needs: Vec<String>,
        priority: i32,
    },
    /// The place in the queue is kept; `at` is the day and time that was chosen, by a clock in the center.
    Callback {
        queue: Name,
        number: String,
        at: Option<String>,
    },
    HungUp {
        reason: Name,
    },
    /// An agent who was called for them has them.
    Agent {
        agent: Name,
    },
    Refused {
        status: u16,
    },
    CallerLeft,
}

/// A rehearsed call.
pub struct Rehearsal<'a> {
    center: &'a Center,
    prompts: &'a Prompts,
    world: &'a World,
    run: Run,
    began: Timestamp,
    now: Timestamp,
    playing: Option<Playing>,
    /// What the verifier or a service will say.
    reply: Option<FlowEvent>,
    /// When the other one hangs up, while the caller talks with somebody outside.
    talks_until: Option<Timestamp>,
    /// When they are heard to be silent, while they leave a message.
    speaks_until: Option<Timestamp>,
    log: Vec<(Duration, Met)>,
    end: Option<End>,
}

#[derive(Clone, Copy, Debug)]
struct Playing {
    play: PlayId,
    /// None for what plays again and again.
    ends: Option<Timestamp>,
}

impl<'a> Rehearsal<'a> {
    /// Dials: the flow starts at `wall`.
    pub fn dial(
        center: &'a Center,
        prompts: &'a Prompts,
        world: &'a World,
        flow: &Name,
        caller: Caller,
        wall: WallTime,
    ) -> Rehearsal<'a> {
        let began = Timestamp::from_secs(1);
        let run = Run::start(center, flow, caller);
        let mut rehearsal = Rehearsal {
            center,
            prompts,
            world,
            run,
            began,
            now: began,
            playing: None,
            reply: None,
            talks_until: None,
            speaks_until: None,
            log: Vec::new(),
            end: None,
        };
        rehearsal.tell(FlowEvent::Started { wall });
        rehearsal
    }

    /// What was met so far, and when after the call began.
    pub fn log(&self) -> &[(Duration, Met)] {
        &self.log
    }

    /// How the caller left, once that has happened.
    pub fn end(&self) -> Option<&End> {
        self.end.as_ref()
    }

    /// How long the call has lasted.
    pub fn lasted(&self) -> Duration {
        self.now.since(self.began)
    }

    /// The language that the caller is spoken to in.
    pub fn language(&self) -> &Name {
        self.run.language()
    }

    /// What the flow has put into variables. No secret is among them.
    pub fn variables(&self) -> impl Iterator<Item = (&Name, &Value)> {
        self.run.variables()
    }

    /// Whether the flow waits for a key, and says nothing any more.
    pub fn is_asked(&self) -> bool {
        let busy = self.playing.is_some() || self.reply.is_some() || self.speaks_until.is_some();
        !busy && self.run.listens(self.center)
    }

    /// Whether a key would be an answer, spoken over or not.
    pub fn listens(&self) -> bool {
        self.run.listens(self.center)
    }

    /// Presses a key now.
    pub fn press(&mut self, key: char) {
        self.tell(FlowEvent::Digit(key));
    }

    /// Presses keys one after the other, at the pace of a hand.
    pub fn key_in(&mut self, keys: &str) {
        for (place, key) in keys.chars().enumerate() {
            if place > 0 {
                self.stay(BETWEEN_KEYS);
            }
            self.press(key);
        }
    }

    /// Hangs up.
    pub fn hang_up(&mut self) {
        if self.end.is_none() {
            self.tell(FlowEvent::HungUp);
            self.ends(End::CallerLeft);
        }
    }

    /// Says nothing for this long.
    pub fn stay(&mut self, duration: Duration) {
        let until = self.now + duration;
        while self.next_due().is_some_and(|due| due <= until) && self.advance() {}
        if self.end.is_none() {
            self.now = until;
        }
    }

    /// Lets the next thing happen, without a word from the caller. False once the call has ended.
    pub fn advance(&mut self) -> bool {
        if self.end.is_some() {
            return false;
        }
        if let Some(reply) = self.reply.take() {
            self.tell(reply);
            return true;
        }
        if let Some(until) = self.talks_until.take() {
            self.now = self.now.max(until);
            self.tell(FlowEvent::Transferred(TransferResult::Ended));
            return true;
        }
        if let Some(until) = self.speaks_until
            && self.run.deadline().is_none_or(|due| until <= due)
        {
            self.speaks_until = None;
            self.now = self.now.max(until);
            self.tell(FlowEvent::Message(MessageNews::Silent));
            return true;
        }
        let ends = self.playing.and_then(|playing| Some((playing.ends?, playing.play)));
        match (ends, self.run.deadline()) {
            (Some((ends, play)), deadline) if deadline.is_none_or(|due| ends <= due) => {
                self.now = self.now.max(ends);
                self.playing = None;
                self.tell(FlowEvent::PlayEnded { play });
            }
            (_, Some(due)) => {
                self.now = self.now.max(due);
                self.tell(FlowEvent::Tick);
            }
            // The interpreter waits for something in every state; were it not so, this caller would stand still.
            _ => self.ends(End::HungUp { reason: Name::from("flow error") }),
        }
        true
    }

    /// Says nothing until the flow waits for a key. False when the call ends before.
    pub fn until_asked(&mut self) -> bool {
        while !self.is_asked() {
            if !self.advance() {
                return false;
            }
        }
        true
    }

    fn next_due(&self) -> Option<Timestamp> {
        if self.reply.is_some() {
            return Some(self.now);
        }
        let ends = self.playing.and_then(|playing| playing.ends);
        [ends, self.talks_until, self.speaks_until, self.run.deadline()].into_iter().flatten().min()
    }

    fn tell(&mut self, event: FlowEvent) {
        if event == FlowEvent::Transferred(TransferResult::Answered) {
            self.talks_until = Some(self.now + TALK);
            self.log.push((self.lasted(), Met::Talks));
        }
        let mut out = Vec::new();
        self.run.handle(self.center, self.now, event, &mut out);
        for action in out {
            self.note(action);
        }
    }

    fn note(&mut self, action: FlowAction) {
        let met = match action {
            FlowAction::Answer => Met::Answered,
            FlowAction::Ring => Met::Rings,
            FlowAction::Refuse { status } => return self.ends(End::Refused { status }),
            FlowAction::Play { play, prompts, repeat, .. } => {
                let language = self.run.language();
                let length = |name: &Name| {
                    let text = speech::text(name).map(|(text, _)| speech::about(text));
                    self.prompts.length(language, name).or(text).unwrap_or_default()
                };
                let ends = self.now + prompts.iter().map(length).sum();
                self.playing = Some(Playing { play, ends: (!repeat).then_some(ends) });
                Met::Hears { prompts }
            }
            FlowAction::StopPlay => {
                self.playing = None;
                return;
            }
            FlowAction::Speak { language } => Met::Speaks { language },
            FlowAction::Consent { agreed } => Met::Consent { agreed },
            FlowAction::Echo => Met::Echo,
            FlowAction::Verify { account, proof } => {
                self.reply = self.world.verify(&account, &proof).map(FlowEvent::Verified);
                return;
            }
            FlowAction::Fetch(question) => {
                let (number, result) = (question.number, self.world.fetch(&question));
                self.reply = Some(FlowEvent::Fetched { number, result });
                return;
            }
            FlowAction::Bot(call) => {
                self.reply = Some(FlowEvent::Bot(self.world.bot(&call)));
                return;
            }
            FlowAction::BotKey { .. } | FlowAction::BotEnds => {
                self.reply = None;
                return;
            }
            FlowAction::Enqueue { queue, needs, priority, .. } => {
                let needs = needs.needs.facts(&self.center.engine.skills);
                let needs = needs.iter().map(ToString::to_string).collect();
                let queue = self.center.engine.queues.get(queue.0 as usize).map(|queue| queue.name.clone());
                return self.ends(End::Queue { queue: queue.unwrap_or_default(), needs, priority });
            }
            FlowAction::KeepPlace(kept) => return self.place_kept(*kept),
            FlowAction::Transfer { number, .. } => {
                self.call(number);
                return;
            }
            FlowAction::CallAgent { agent, .. } => {
                let agents = &self.center.engine.agents;
                let agent = agents.get(agent.0 as usize).map(|agent| agent.name.clone()).unwrap_or_default();
                self.call(agent.to_string());
                if self.world.called == Called::Answers {
                    self.ends(End::Agent { agent });
                }
                return;
            }
            FlowAction::EndTransfer => {
                self.talks_until = None;
                return;
            }
            FlowAction::RecordMessage { .. } => {
                self.speaks_until = Some(self.now + SPEAKS + SILENT_AFTER);
                self.reply = match self.world.message {
                    Message::Speaks => Some(FlowEvent::Message(MessageNews::Speaks)),
                    Message::CannotBeStored => Some(FlowEvent::Message(MessageNews::Failed)),
                    Message::IsSilent => {
                        self.speaks_until = None;
                        None
                    }
                };
                Met::IsRecorded
            }
            FlowAction::MessageEnds { end, .. } => {
                self.speaks_until = None;
                Met::Message { kept: matches!(end, MessageEnd::Kept { .. }) }
            }
            FlowAction::Surveyed { question, answer, .. } => Met::Surveyed { question, answer },
            FlowAction::HangUp { reason } => return self.ends(End::HungUp { reason }),
            FlowAction::Left { flow, node, exit } => Met::Left { flow, node, exit },
            FlowAction::Fact(what) => match told(what) {
                Some(met) => met,
                None => return,
            },
        };
        self.log.push((self.lasted(), met));
    }

    /// Somebody is called for the caller.
    fn call(&mut self, whom: String) {
        let result = match self.world.called {
            Called::Answers => Some(TransferResult::Answered),
            Called::Busy => Some(TransferResult::Busy),
            Called::Refuses => Some(TransferResult::Refused),
            Called::Rings => None,
        };
        self.log.push((self.lasted(), Met::Called { whom }));
        self.reply = result.map(FlowEvent::Transferred);
    }

    fn place_kept(&mut self, kept: KeptPlace) {
        let lasted = self.lasted();
        let queue = self.center.engine.queues.get(kept.queue.0 as usize);
        let queue = queue.map(|queue| queue.name.clone()).unwrap_or_default();
        if !kept.promised.is_empty() {
            self.log.push((lasted, Met::Hears { prompts: kept.promised }));
        }
        let at = kept.at.and_then(|at| hours::clock(at.wall, &self.center.time_zone));
        self.ends(End::Callback { queue, number: kept.number, at });
    }

    fn ends(&mut self, end: End) {
        self.playing = None;
        self.log.push((self.lasted(), Met::Ended(end.clone())));
        self.end.get_or_insert(end);
    }
}

/// What a fact tells that no action has told.
fn told(what: What) -> Option<Met> {
    Some(match what {
        What::NodeEntered { flow, node, .. } => Met::Entered { flow, node },
        What::Digit { digit } => Met::Key(digit),
        What::NoInput { node } => Met::Silence { node },
        What::NoMatch { node, digit } => Met::NoMatch { node, digit },
        What::Identified { name, .. } => Met::Identified { name },
        What::VerificationFailed { .. } => Met::Verified { words: "does not fit".to_owned() },
        What::VerificationEnded { result } => Met::Verified { words: in_words(result).to_owned() },
        What::VariableSet { name, value } => Met::Set { name, value },
        What::BotLeft { bot, result, .. } => Met::TalksWithBot { bot, result },
        What::ServiceAsked { service, result, .. } => Met::Asked { service, result },
        _ => return None,
    })
}

fn in_words(result: crate::fact::Verification) -> &'static str {
    use crate::fact::Verification;
    match result {
        Verification::VerifiedByPin | Verification::VerifiedByBirthDate | Verification::VerifiedByCode => {
            "proven"
        }
        Verification::Failed => "not proven",
        Verification::LockedOut => "locked",
        Verification::NoInput => "no answer",
        Verification::Unavailable => "verifier does not answer",
        Verification::Abandoned => "abandoned",
    }
}

impl std::fmt::Display for Met {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Met::Answered => f.write_str("answered"),
            Met::Rings => f.write_str("rings"),
            Met::Entered { flow, node } => write!(f, "at {flow}/{node}"),
            Met::Left { exit, .. } => write!(f, "leaves by {exit}"),
            Met::Hears { prompts } => write!(f, "hears {}", prompts.join(" ")),
            Met::Speaks { language } => write!(f, "is spoken to in {language}"),
            Met::Consent { agreed: true } => f.write_str("may be recorded"),
            Met::Consent { agreed: false } => f.write_str("may not be recorded"),
            Met::Echo => f.write_str("hears their own voice"),
            Met::Called { whom } => write!(f, "hears {whom} ring"),
            Met::Talks => f.write_str("talks with them"),
            Met::IsRecorded => f.write_str("is recorded"),
            Met::Message { kept: true } => f.write_str("has left a message"),
            Met::Message { kept: false } => f.write_str("has left no message"),
            Met::Surveyed { question, answer } => write!(f, "answers {answer} to {question}"),
            Met::Key(key) => write!(f, "keys {key}"),
            Met::Silence { node } => write!(f, "silence at {node}"),
            Met::NoMatch { node, digit } => write!(f, "{digit} is no choice at {node}"),
            Met::Identified { name } => write!(f, "is {name}"),
            Met::Verified { words } => write!(f, "identity: {words}"),
            Met::Set { name, value } => write!(f, "{name} = {value}"),
            Met::Asked { service, result } => write!(f, "the service {service} {result}"),
            Met::TalksWithBot { bot, result } => write!(f, "talks with the bot {bot}: {result}"),
            Met::Ended(end) => write!(f, "ends: {end}"),
        }
    }
}

impl std::fmt::Display for End {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            End::Queue { queue, needs, priority } => {
                write!(f, "queue {queue}")?;
                for need in needs {
                    write!(f, ", needs {need}")?;
                }
                if *priority == 0 { Ok(()) } else { write!(f, ", priority {priority}") }
            }
            End::Callback { queue, number, at } => {
                write!(f, "callback to {number} by queue {queue}")?;
                at.iter().try_for_each(|at| write!(f, ", not before {at}"))
            }
            End::Agent { agent } => write!(f, "agent {agent}"),
            End::HungUp { reason } => write!(f, "hang up: {reason}"),
            End::Refused { status } => write!(f, "refused with {status}"),
            End::CallerLeft => f.write_str("the caller hangs up"),
        }
    }
}
