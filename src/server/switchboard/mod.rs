//! Where SIP, calls, the queue engine and the streams meet: who is told what, in which order.
//!
//! One writer: the control thread owns the switchboard and everything in it. It does no I/O itself; what
//! must leave goes out as [`Output`], and streams are steered through [`Streams`].

mod agents;
mod believed;
mod browsers;
mod carried;
mod codes;
#[cfg(test)]
mod desk_tests;
mod desks;
mod guesses;
mod in_browsers;
mod lines;
mod listening;
mod misdialled;
mod owners;
mod placing;
mod promises;
mod recall;
mod refer;
#[cfg(test)]
mod refer_tests;
mod requests;
mod roster;
mod shifts;
mod sip_events;
mod speaking;
mod stopping;
mod strangers;
mod supervision;
mod surveys;
#[cfg(test)]
mod tests;
mod ways;

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::collections::HashMap;
use std::collections::VecDeque;
use std::net::IpAddr;
use std::net::SocketAddr;
use std::panic::AssertUnwindSafe;
use std::panic::catch_unwind;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tracing::error;
use tracing::warn;

use crate::base::AgentId;
use crate::base::CallId;
use crate::base::Entropy;
use crate::base::LegId;
use crate::base::Name;
use crate::base::Secret;
use crate::base::SkillId;
use crate::base::Timestamp;
use crate::base::WallTime;
use crate::call::Call;
use crate::call::CallAction;
use crate::call::CallEvent;
use crate::call::LegEvent;
use crate::fact::Fact;
use crate::fact::OPERATOR_ENDS;
use crate::fact::Outcome;
use crate::fact::Party;
use crate::fact::RecordingEnd;
use crate::fact::What;
use crate::fact::recording::RecordingFile;
use crate::fact::recording::RecordingKind;
use crate::flow::Center;
use crate::flow::api::BotCall;
use crate::flow::api::Customer;
use crate::flow::api::Failure;
use crate::flow::api::FetchResult;
use crate::flow::api::Question;
use crate::flow::api::VerifyResult;
use crate::media::MediaCommand;
use crate::media::MediaEvent;
use crate::media::Record;
use crate::media::Tracks;
use crate::media::library::Library;
use crate::queue;
use crate::queue::Engine;
use crate::queue::Stage;
use crate::queue::api::EndedBy;
use crate::queue::api::Whose;
use crate::queue::owners::Owners;
use crate::queue::promises::Promises;
use crate::sdp::Fingerprint;
use crate::server::accounts::Users;
use crate::server::bots::BotEnded;
use crate::server::browser::Ask;
use crate::server::browser::SocketId;
use crate::server::browser::Tell;
use crate::server::canary::Canary;
use crate::server::canary::Served;
use crate::server::fetcher::Fetched;
use crate::server::speech::Spoken;
use crate::server::speech::Unspoken;
use crate::server::trunks::setup::Bound;
use crate::sip;
use crate::sip::Hop;
use crate::sip::SessionId;
use crate::sip::TrunkConfig;
use crate::sip::endpoint::Endpoint;
use crate::sip::uri::Uri;
use crate::store::identity::Check;
use crate::wire::media::Before;
use crate::wire::media::Opened;
use crate::wire::webrtc::BrowserEvent;
use crate::wire::webrtc::ConnectionId;
use browsers::Owner;
use browsers::WebCaller;
pub use carried::Carried;
pub use carried::CarriedCall;
pub use carried::CarriedDesks;
use carried::Changed;
pub use carried::Changes;
pub use carried::LineKeys;
pub use carried::LineSecret;
use codes::Code;
use codes::SentCodes;
use desks::Desk;
use lines::Line;
use lines::Playing;
pub use placing::PlaceCall;
use promises::Talked;
pub use recall::Recalled;
use speaking::Waiting;
pub use stopping::Remaining;
use surveys::Asked;
pub use ways::Ways;

/// How long a caller is asked to wait before trying again when there is no room (503 Retry-After).
const RETRY_AFTER_S: u32 = 5;

/// How long a key that an agent sends is held down.
const KEY_LASTS: Duration = Duration::from_millis(100);

/// The streams of legs: the control thread's grip on the media workers.
pub trait Streams {
    /// Opens the ports of a leg; nothing when all are taken.
    fn open(&mut self, call: CallId, leg: LegId) -> Option<Opened>;
    /// Opens the ports that a leg had in an earlier process, or others where somebody has those now. Its stream goes on from where
    /// that had come to, as far as it is known.
    fn reopen(&mut self, call: CallId, leg: LegId, port: u16, before: Option<&Before>) -> Option<Opened>;
    /// Records a leg into this file.
    fn record(&mut self, leg: LegId, file: RecordingFile, tracks: Tracks);
    /// Removes a recording.
    fn discard(&mut self, file: RecordingFile);
    /// Tells the worker of `call`.
    fn send(&mut self, call: CallId, command: MediaCommand);
    /// Opens the stream of a leg whose far end is a browser.
    fn open_browser(&mut self, call: CallId, leg: LegId);
    /// Makes a browser the far end of a leg that was opened with ports.
    fn to_browser(&mut self, call: CallId, leg: LegId);
    /// Opens the stream of a leg whose far end is a bot, and reaches it.
    fn open_bot(&mut self, call: CallId, leg: LegId, bot: Box<BotCall>);
    /// Tells a bot of a key.
    fn bot_key(&mut self, leg: LegId, digit: char);
    /// Lets a browser's connection carry a leg whose far end is a browser.
    fn patch(&mut self, leg: LegId, connection: ConnectionId);
    /// Answers a browser's offer; false when too many wait.
    fn accept(&mut self, connection: ConnectionId, offer: String) -> bool;
    /// Ends a browser's connection.
    fn disconnect(&mut self, connection: ConnectionId);
}

/// What the switchboard is told.
#[derive(Debug)]
pub enum Input {
    /// A message came, or a hop failed.
    Sip(sip::Input),
    /// A media worker tells.
    Media(MediaEvent),
    /// A browser's connection tells.
    Browser(BrowserEvent),
    /// A browser asks.
    Ask { socket: SocketId, ask: Ask },
    /// Who has a calling number.
    Found { call: CallId, customer: Option<Customer> },
    /// What the verifier says.
    Verified { call: CallId, result: VerifyResult },
    /// A leg's recording ended by itself.
    RecordingEnded { leg: LegId, why: RecordingEnd },
    /// A person fetches a recording, or a message.
    RecordingFetched { call: CallId, file: RecordingFile, by: Option<Name> },
    /// What a service said.
    Fetched(Fetched),
    /// What came of a bot's line.
    Bot(BotEnded),
    /// What came of texts that were to be spoken.
    Spoken(Spoken),
    /// A person wants an agent's state changed.
    AgentWants {
        agent: AgentId,
        wish: queue::api::AgentWish,
        /// Who, when it is not the agent.
        by: Option<Name>,
    },
    /// A person gives an agent a skill at this level; 0 takes it.
    SetSkill { agent: AgentId, skill: SkillId, level: u8, by: Name },
    /// The calendar was set by so much, and is as this input's time says from now on.
    CalendarSet { by_ms: i64 },
    /// Phones sign in with these from now on; and these people are shut out, who had an account.
    Accounts { users: Users, shut_out: BTreeSet<Name> },
    /// A person ends a call; none for a program on the server's machine.
    HangUp { call: CallId, by: Option<Name> },
    /// Trunks are these from now on, and are called there.
    Trunks { trunks: Vec<TrunkConfig>, ways_out: BTreeMap<Name, Vec<SocketAddr>> },
    /// Calls from now on are served with this; skills and queues are as before. Calls that are up stay on what they began with.
    Serve(Box<Served>),
    /// [`Switchboard::deadline`] is due.
    Tick,
}

/// What the switchboard wants done.
#[derive(Debug)]
pub enum Output {
    /// Send this message.
    Send { hop: Hop, bytes: Bytes },
    /// Look the number up, and tell [`Input::Found`].
    FindCustomer { call: CallId, number: String },
    /// Check an account, and tell [`Input::Verified`].
    Verify { call: CallId, account: String, check: Check },
    /// Ask a service, and tell [`Input::Fetched`].
    Fetch { call: CallId, question: Question, code: Option<Secret> },
    /// Have texts spoken, and tell [`Input::Spoken`].
    Speak(Unspoken),
    /// Tell a browser.
    Tell { socket: SocketId, tell: Tell },
    /// Something happened.
    Fact(Fact),
    /// The queue engine was told something: for the journal.
    Told(Timestamp, queue::Event),
    /// And has decided this, where its log wants that, too.
    Decided(Box<queue::log::Step>),
}

/// What the switchboard serves with.
pub struct Parts {
    /// The version of the flow files that calls get.
    pub version: Name,
    pub center: Arc<Center>,
    /// The calendar's time at timestamp 0.
    pub started: WallTime,
    pub library: Arc<Library>,
    /// A version that some get in its place.
    pub canary: Option<Canary>,
    pub endpoint: Endpoint,
    pub entropy: Entropy,
    /// The address that peers send RTP to.
    pub address: IpAddr,
    /// Of the certificate that phones are shown which secure their audio by DTLS.
    pub fingerprint: Fingerprint,
    /// The listening sockets' addresses, for what we send first.
    pub bound: Bound,
    /// Where trunks are called.
    pub ways: Ways,
    /// The first call's id.
    pub first_call: CallId,
    /// How many calls may be up at once; one more gets 503.
    pub max_calls: usize,
    /// Whether what the engine decides has a log: [`Output::Decided`].
    pub log_queue: bool,
    /// Whether [`Switchboard::take_changes`] is asked, after every turn, and [`Output::Told`] is wanted.
    pub journal: bool,
}

/// See the module.
pub struct Switchboard {
    parts: Parts,
    engine: Engine,
    calls: HashMap<CallId, LiveCall>,
    /// When each call's deadline is due.
    due: BTreeSet<(Timestamp, CallId)>,
    lines: HashMap<LegId, Line>,
    sessions: HashMap<SessionId, LegId>,
    /// Who is or was an agent.
    agents: HashMap<Name, AgentId>,
    /// Whom each agent or supervisor talked with last, the newest at the end.
    talked: HashMap<Name, VecDeque<Talked>>,
    /// The messages that were handled last, and by whom: the history may not have them yet.
    handled: VecDeque<(CallId, u16, Option<Name>)>,
    /// Who talked with a caller last.
    owners: Owners,
    /// Who listens to a colleague in which call, or asks to: one each, and agents all.
    listening: BTreeMap<Name, CallId>,
    /// Whose numbers were asked after a talk, lately.
    asked: Asked,
    /// Numbers that the center has in another form.
    misdialled: misdialled::Misdialled,
    strangers: strangers::Strangers,
    /// What callers were promised, and when something is to be done about it.
    promises: Promises,
    promises_due: Option<Timestamp>,
    /// When hours of agents begin or end next, and who is signed out by them.
    shifts_due: Option<Timestamp>,
    off_shift: BTreeSet<AgentId>,
    desks: BTreeMap<AgentId, Desk>,
    /// People who have a desk and take no calls of a queue: supervisors. Their ids are far behind those of the agents. As
    /// many as have an account.
    guests: Vec<Name>,
    /// Who had an account, and is let in no more.
    shut_out: BTreeSet<Name>,
    web_callers: HashMap<SocketId, WebCaller>,
    sockets: HashMap<SocketId, Owner>,
    connections: HashMap<ConnectionId, Owner>,
    next_connection: u64,
    next_call: u64,
    next_session: u64,
    /// When lines of which nothing is heard are asked next, once it takes no more calls.
    next_round: Option<Timestamp>,
    sent_codes: SentCodes,
    guesses: guesses::Guesses,
    /// Plays that wait for texts to be spoken; at most one for each line.
    unspoken: HashMap<LegId, Waiting>,
    changed: Changed,
    /// What is still to be told to somebody within the house, in order.
    pending: VecDeque<Pending>,
}

/// A call and what the server keeps beside it.
struct LiveCall {
    call: Call,
    /// Whose number calls, where it is a whole one and not withheld.
    number: Option<Whose>,
    due: Option<Timestamp>,
    /// What it is served with, from its first to its last word: the flow files' version, and what came of them.
    version: Name,
    center: Arc<Center>,
    library: Arc<Library>,
    /// Where the caller can be called back, when no trunk brought them; nowhere on a web page.
    callback: Option<(Uri, Hop)>,
    trunk: Option<Name>,
    /// The code that was sent last, until it is used. It is nowhere else, and lost with this process.
    code: Option<Code>,
}

enum Pending {
    Sip(sip::Event),
    Call(CallId, CallEvent),
    Actions(CallId, Vec<CallAction>),
    Engine(queue::Event),
}

/// The time, told with every input.
#[derive(Clone, Copy, Debug)]
pub struct Now {
    pub at: Timestamp,
    pub wall: WallTime,
}

impl Switchboard {
    /// A switchboard with no calls.
    pub fn new(mut parts: Parts) -> Switchboard {
        if parts.journal {
            parts.endpoint.watch_changes();
        }
        let names = parts.center.engine.agents.iter().map(|agent| agent.name.clone());
        Switchboard {
            engine: Engine::new(parts.center.engine_at(parts.started)),
            agents: names.enumerate().map(|(place, name)| (name, AgentId(place as u32))).collect(),
            talked: HashMap::new(),
            handled: VecDeque::new(),
            owners: Owners::default(),
            listening: BTreeMap::new(),
            misdialled: Default::default(),
            strangers: Default::default(),
            asked: Asked::default(),
            promises: Promises::default(),
            promises_due: None,
            shifts_due: parts.center.agent_hours.iter().any(Option::is_some).then_some(Timestamp::ZERO),
            off_shift: BTreeSet::new(),
            next_call: parts.first_call.0,
            // The server's sessions are numbered in the top half: see `SessionId`.
            next_session: 1 << 63,
            changed: Changed::new(parts.journal),
            parts,
            calls: HashMap::new(),
            due: BTreeSet::new(),
            lines: HashMap::new(),
            desks: BTreeMap::new(),
            guests: Vec::new(),
            shut_out: BTreeSet::new(),
            web_callers: HashMap::new(),
            sockets: HashMap::new(),
            connections: HashMap::new(),
            next_connection: 1,
            sessions: HashMap::new(),
            next_round: None,
            sent_codes: SentCodes::default(),
            guesses: Default::default(),
            unspoken: HashMap::new(),
            pending: VecDeque::new(),
        }
    }

    /// Applies `input` and appends what must be done, in order, to `out`.
    pub fn handle(&mut self, now: Now, input: Input, streams: &mut dyn Streams, out: &mut Vec<Output>) {
        match input {
            Input::Sip(input) => self.tell_sip(now, input, out),
            Input::Media(event) => self.on_media(now, event, streams, out),
            Input::Browser(event) => self.on_browser(now, event, streams, out),
            Input::Ask { socket, ask } => self.on_ask(now, socket, ask, streams, out),
            Input::Found { call, customer } => self.later(call, CallEvent::Found(customer)),
            Input::Verified { call, result } => {
                self.note_try(now, call, &result);
                self.later(call, CallEvent::Verified(result));
            }
            Input::Fetched(Fetched { call, number, result }) => {
                self.later(call, CallEvent::Fetched { number, result });
            }
            Input::Bot(BotEnded { leg, end }) => self.later(leg.call(), CallEvent::Bot { leg, end }),
            Input::Spoken(spoken) => self.on_spoken(spoken, streams),
            Input::RecordingEnded { leg, why } => {
                if let Some(line) = self.lines.get_mut(&leg) {
                    line.sound.recorded = false;
                }
                self.later(leg.call(), CallEvent::RecordingEnded { leg, why });
            }
            Input::RecordingFetched { call, file, by } => {
                let what = match file.kind {
                    RecordingKind::Talk | RecordingKind::Note => {
                        What::RecordingFetched { file: file.to_string(), by }
                    }
                    RecordingKind::Message => What::MessageFetched { part: file.part, by },
                };
                out.push(Output::Fact(Fact { at: now.at, call: Some(call), what }));
            }
            Input::SetSkill { agent, skill, level, by } => self.set_skill(now, agent, skill, level, by, out),
            Input::CalendarSet { by_ms } => self.calendar_set(now, by_ms, out),
            Input::AgentWants { agent, wish, by } => {
                self.tell_by(now, agent, &wish, by, out);
                self.tell_next(now, agent, &wish, out);
                self.pending.push_back(Pending::Engine(queue::Event::AgentWants { agent, wish }));
            }
            Input::Accounts { users, shut_out } => {
                let mut outputs = Vec::new();
                self.parts.endpoint.know_users(now.at, users, &mut outputs);
                self.take_sip(outputs, out);
                self.shut_out_all(now, shut_out, streams, out);
            }
            Input::Trunks { trunks, ways_out } => {
                self.parts.ways.know(ways_out);
                let mut outputs = Vec::new();
                self.parts.endpoint.know_trunks(now.at, trunks, &mut outputs);
                self.take_sip(outputs, out);
            }
            Input::HangUp { call, by } => {
                self.later(call, CallEvent::Stop { cause: OPERATOR_ENDS, by });
            }
            Input::Serve(served) => self.serve(now, *served, streams, out),
            Input::Tick => self.tick(now, streams, out),
        }
        self.settle(now, streams, out);
    }

    /// When [`Input::Tick`] is next due.
    pub fn deadline(&self) -> Option<Timestamp> {
        let calls = self.due.first().map(|(due, _)| *due);
        let (desks, promises) = (self.desks_deadline(), self.promises_deadline());
        let shifts = self.shifts_deadline();
        let (endpoint, engine) = (self.parts.endpoint.deadline(), self.engine.deadline());
        let house =
            [endpoint, engine, desks, promises, shifts, calls, self.unspoken_deadline(), self.next_round];
        house.into_iter().flatten().min()
    }

    /// How many calls are up.
    pub fn live_calls(&self) -> usize {
        self.calls.len()
    }

    /// Whether this call is up.
    pub fn has_call(&self, call: CallId) -> bool {
        self.calls.contains_key(&call)
    }

    /// How many legs have a stream.
    pub fn live_lines(&self) -> usize {
        self.lines.len()
    }

    /// The queue engine, as it stands.
    pub fn engine(&self) -> &Engine {
        &self.engine
    }

    /// The SIP endpoint, for its counters.
    pub fn endpoint(&self) -> &Endpoint {
        &self.parts.endpoint
    }

    /// The agent of this name, who is not gone.
    pub fn agent(&self, name: &str) -> Option<AgentId> {
        let agents = &self.parts.center.engine.agents;
        let is_one = |id: &AgentId| agents.get(id.0 as usize).is_some_and(|agent| !agent.gone);
        self.agents.get(name).copied().filter(is_one)
    }

    /// The name of an agent, or of a guest at a desk.
    fn agent_name(&self, agent: AgentId) -> Name {
        let known = self.parts.center.engine.agents.get(agent.0 as usize).map(|agent| &agent.name);
        let guest = || self.guests.get(agent.0.checked_sub(desks::GUESTS)? as usize);
        known.or_else(guest).cloned().unwrap_or_default()
    }

    fn later(&mut self, call: CallId, event: CallEvent) {
        self.changed.call(call);
        self.pending.push_back(Pending::Call(call, event));
    }

    fn tick(&mut self, now: Now, streams: &mut dyn Streams, out: &mut Vec<Output>) {
        if self.parts.endpoint.deadline().is_some_and(|due| due <= now.at) {
            self.tell_sip(now, sip::Input::Tick, out);
        }
        if self.engine.deadline().is_some_and(|due| due <= now.at) {
            self.pending.push_back(Pending::Engine(queue::Event::Tick));
        }
        if self.desks_deadline().is_some_and(|due| due <= now.at) {
            self.desks_due(now, streams, out);
        }
        if self.promises_deadline().is_some_and(|due| due <= now.at) {
            self.tick_promises(now, out);
        }
        if self.shifts_deadline().is_some_and(|due| due <= now.at) {
            self.tick_shifts(now);
        }
        if self.next_round.is_some_and(|due| due <= now.at) {
            self.ask_round(now, out);
        }
        self.unspoken_due(now, streams);
        let due = self.due.iter().take_while(|(due, _)| *due <= now.at);
        self.pending.extend(due.map(|(_, call)| Pending::Call(*call, CallEvent::Tick)));
    }

    /// Works until nobody in the house has anything left to be told.
    fn settle(&mut self, now: Now, streams: &mut dyn Streams, out: &mut Vec<Output>) {
        while let Some(pending) = self.pending.pop_front() {
            match pending {
                Pending::Sip(event) => self.on_sip(now, event, streams, out),
                Pending::Call(call, event) => self.tell_call(now, call, event),
                Pending::Actions(call, actions) => {
                    for action in actions {
                        self.act(now, call, action, streams, out);
                    }
                }
                Pending::Engine(event) => self.tell_engine(now, event, out),
            }
        }
    }

    /// Lets the endpoint take an input; its messages go out at once, its events wait their turn.
    fn tell_sip(&mut self, now: Now, input: sip::Input, out: &mut Vec<Output>) {
        let mut outputs = Vec::new();
        self.parts.endpoint.handle(now.at, input, &mut outputs);
        self.take_sip(outputs, out);
    }

    fn take_sip(&mut self, outputs: Vec<sip::Output>, out: &mut Vec<Output>) {
        for output in outputs {
            match output {
                sip::Output::Send { hop, bytes } => out.push(Output::Send { hop, bytes }),
                sip::Output::Event(event) => self.pending.push_back(Pending::Sip(event)),
            }
        }
    }

    fn command(&mut self, now: Now, command: sip::Command, out: &mut Vec<Output>) {
        self.tell_sip(now, sip::Input::Command(command), out);
    }

    /// Lets a call take an event. What breaks inside ends this call and no other.
    fn tell_call(&mut self, now: Now, id: CallId, event: CallEvent) {
        self.changed.call(id);
        let Some(live) = self.calls.get_mut(&id) else { return };
        let center = &live.center;
        let mut actions = Vec::new();
        let step = AssertUnwindSafe(|| live.call.handle(center, now.at, now.wall, event, &mut actions));
        if catch_unwind(step).is_err() {
            actions = self.broken(id);
        } else {
            let due = live.call.deadline();
            reschedule(&mut self.due, &mut live.due, due, id);
        }
        // What a call decided is done before anything that was waiting, so that it meets the world it saw.
        self.pending.push_front(Pending::Actions(id, actions));
    }

    /// The last actions of a call that failed by our fault.
    fn broken(&mut self, id: CallId) -> Vec<CallAction> {
        error!(call = %id, "a call failed and was ended; the others go on");
        let legs: Vec<LegId> = self.lines.keys().copied().filter(|leg| leg.call() == id).collect();
        let mut actions = Vec::new();
        // The call itself, and whoever is consulted in it.
        for call in (0..=u8::MAX).map(|number| id.consult(number)) {
            match self.engine.call(call).map(|view| view.stage) {
                Some(Stage::Talking(agent)) => {
                    actions.push(CallAction::Queue(queue::Event::TalkEnded { call, agent }));
                }
                Some(_) => actions.push(CallAction::Queue(queue::Event::Ended { call, by: EndedBy::Server })),
                None => {}
            }
        }
        actions.extend(legs.into_iter().map(|leg| CallAction::HangUp { leg, elsewhere: false }));
        let (by, outcome, cause) = (Party::Server, Outcome::Failed, "internal error".to_owned());
        actions.push(CallAction::Fact(What::CallEnded { by, outcome, cause, by_person: None }));
        actions.push(CallAction::Over);
        actions
    }

    fn act(
        &mut self,
        now: Now,
        call: CallId,
        action: CallAction,
        streams: &mut dyn Streams,
        out: &mut Vec<Output>,
    ) {
        match action {
            CallAction::FindCustomer { number } => out.push(Output::FindCustomer { call, number }),
            CallAction::Verify { .. } if !self.may_try(now, call) => {
                self.later(call, CallEvent::Verified(VerifyResult::LockedOut));
            }
            CallAction::Verify { account, proof } => {
                let check = self.check(now, call, &account, proof);
                out.push(Output::Verify { call, account, check });
            }
            CallAction::Fetch(question) => {
                let account = question.code_for.clone();
                match account.map(|account| self.new_code(now, call, account)) {
                    None => out.push(Output::Fetch { call, question, code: None }),
                    Some(Some(code)) => out.push(Output::Fetch { call, question, code: Some(code) }),
                    Some(None) => {
                        warn!(%call, "no code is sent: too many were, to the same account");
                        let (number, result) = (question.number, FetchResult::Failed(Failure::TooManyCodes));
                        self.later(call, CallEvent::Fetched { number, result });
                    }
                }
            }
            CallAction::Answer { leg } => self.answer(now, leg, streams, out),
            CallAction::Ring { leg } => self.ring(now, leg, out),
            CallAction::Refuse { leg, status } => self.refuse(now, leg, status, streams, out),
            CallAction::HangUp { leg, elsewhere } => self.hang_up(now, leg, elsewhere, streams, out),
            CallAction::DialAgent { leg, agent, of_queue } => {
                self.dial_agent(now, leg, agent, of_queue, streams, out);
            }
            CallAction::DialCaller { leg, number } | CallAction::DialNumber { leg, number }
                if self.is_called_back(leg, &number) =>
            {
                self.not_dialled(leg, 486);
            }
            CallAction::DialCaller { leg, number } => self.dial_caller(now, leg, &number, streams, out),
            CallAction::DialNumber { leg, number } => self.dial_number(now, leg, &number, streams, out),
            CallAction::DialUser { leg, user } => self.dial_user(now, leg, &user, streams, out),
            CallAction::DialBot { leg, call: bot } => {
                let mut line = Line::new(Default::default(), self.local(0));
                line.up = true;
                self.lines.insert(leg, line);
                streams.open_bot(call, leg, bot);
            }
            CallAction::BotKey { leg, digit } => streams.bot_key(leg, digit),
            CallAction::Play { leg, play, prompts, barge_in, repeat } => {
                let playing = Playing { play, prompts, barge_in, repeat };
                self.play(now, leg, playing, streams, out);
            }
            CallAction::StopPlay { leg } => {
                self.not_spoken(leg);
                self.sound(call, MediaCommand::Stop { leg }, streams);
            }
            CallAction::Join { a, b } => {
                [a, b].into_iter().for_each(|leg| self.not_spoken(leg));
                self.sound(call, MediaCommand::Join { a, b }, streams);
            }
            CallAction::Part { a, b } => self.sound(call, MediaCommand::Part { a, b }, streams),
            CallAction::Hear { leg, whom } => self.sound(call, MediaCommand::Hear { leg, whom }, streams),
            CallAction::Mute { leg, on } => self.sound(call, MediaCommand::Mute { leg, on }, streams),
            CallAction::Gain { leg, gain_db } => {
                self.sound(call, MediaCommand::Gain { leg, gain_db }, streams);
            }
            CallAction::Record { leg, file: Some(file), record: Record::Start(tracks) } => {
                if let Some(line) = self.lines.get_mut(&leg) {
                    line.sound.recorded = true;
                }
                streams.record(leg, file, tracks);
            }
            CallAction::Record { leg, record, .. } => {
                self.sound(call, MediaCommand::Record { leg, record }, streams);
            }
            CallAction::Discard { file } => streams.discard(file),
            CallAction::SendKeys { leg, keys } => {
                for digit in keys.chars() {
                    streams.send(call, MediaCommand::SendDigit { leg, digit, duration: KEY_LASTS });
                }
            }
            CallAction::Echo { leg } => self.sound(call, MediaCommand::Echo { leg, on: true }, streams),
            CallAction::Queue(event) => {
                let event = self.owner_first(now, call, event);
                self.tell_engine(now, event, out);
            }
            CallAction::Fact(what) => {
                self.note_owner(now, call, &what);
                self.note_survey(now, call, &what);
                self.note_listening(call, &what);
                out.push(Output::Fact(Fact { at: now.at, call: Some(call), what }));
            }
            CallAction::Over => {
                if let Some(LiveCall { due: Some(due), .. }) = self.calls.remove(&call) {
                    self.due.remove(&(due, call));
                }
            }
        }
    }

    fn on_media(&mut self, now: Now, event: MediaEvent, streams: &mut dyn Streams, out: &mut Vec<Output>) {
        let (leg, event) = match event {
            MediaEvent::Digit { leg, .. } if !self.believes_digits_in_rtp(leg) => return,
            MediaEvent::Digit { leg, digit } => (leg, CallEvent::Digit { leg, digit }),
            MediaEvent::PlayEnded { leg, play, stopped } => {
                self.play_is_over(leg, play);
                (leg, CallEvent::PlayEnded { leg, play, stopped })
            }
            MediaEvent::AudioLost { leg } => {
                self.audio_lost(now, leg, streams, out);
                (leg, CallEvent::AudioLost { leg })
            }
            MediaEvent::AudioBack { leg } => {
                self.audio_back(leg);
                (leg, CallEvent::AudioBack { leg })
            }
            MediaEvent::Unheard { leg } => return self.unheard(now, leg, streams, out),
            MediaEvent::Speaks { leg, on } => (leg, CallEvent::Speaks { leg, on }),
            MediaEvent::SendInfo { leg, digit } => return self.send_info(now, leg, digit, out),
            MediaEvent::Secured { leg } => return self.changed.call(leg.call()),
            MediaEvent::Closed { leg, quality } => {
                self.lines.remove(&leg).into_iter().for_each(|line| self.strangers.gone(&line));
                (leg, CallEvent::Leg { leg, event: LegEvent::Closed { quality } })
            }
        };
        self.later(leg.call(), event);
    }
}

/// Moves a call's place among the deadlines.
fn reschedule(
    due: &mut BTreeSet<(Timestamp, CallId)>,
    old: &mut Option<Timestamp>,
    new: Option<Timestamp>,
    call: CallId,
) {
    if *old == new {
        return;
    }
    if let Some(old) = *old {
        due.remove(&(old, call));
    }
    if let Some(new) = new {
        due.insert((new, call));
    }
    *old = new;
}
