//! The whole house in virtual time: real SIP endpoints as phones, a network that loses and delays, and
//! callers and agents who do as they like. Thousands of calls; the seed that failed is printed.

mod called_first;
mod carried;
mod keys;
mod recall;
mod roster;
mod stopping;

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::collections::HashMap;
use std::net::SocketAddr;
use std::time::Duration;

use super::*;
use crate::base::Secret;
use crate::fact::MissedWhy;
use crate::media::control::Asked;
use crate::media::control::PlayId;
use crate::media::stream::UNHEARD;
use crate::queue::api::AgentState;
use crate::queue::api::AgentWish;
use crate::server::Live;
use crate::server::canary::Audience;
use crate::server::canary::Edition;
use crate::server::journal::Journal;
use crate::server::trunks::setup::Bound;
use crate::sip::Command;
use crate::sip::Transport;
use crate::sip::api::EndReason;
use crate::sip::api::Invite;
use crate::sip::digest::Credentials;
use crate::sip::digest::Ha1;
use crate::sip::endpoint::EndpointConfig;
use crate::sip::endpoint::TrunkConfig;
use crate::sip::endpoint::TrunkRegistration;
use crate::sip::uri::NameAddr;

const CENTER: &str = "
company: Test
language: en
numbers: { 1000: greet }
believe_numbers: from private networks
skills: [talk]
queues:
  help: { needs: talk >= 1, permission: ask, wrap_up: 5s, ring: 20s, max_wait: 3m }
agents:
  alice: { skills: { talk: 5 }, ready: when registered }
  bob: { skills: { talk: 3 }, ready: when registered }
";

const GREET: &str = "
flow: greet
start: hello
nodes:
  hello: { play: greeting/welcome, then: ask }
  ask:
    menu: menu/main
    choices: { 1: { label: help, then: queue } }
    no_input: menu/no-input
    no_match: menu/no-match
    tries: 2
    otherwise: queue
  queue: { enqueue: help }
";

const PROMPTS: &str = "greeting/welcome menu/main menu/no-input menu/no-match wait/all-busy wait/less-than \
    wait/question wait/question-hold wait/granted wait/declined wait/callback-promised wait/check-in wait/sorry \
    wait/agent-calling-back wait/callback-greeting hold-music";

/// What callers key.
const KEYS: [char; 6] = ['1', '1', '1', '2', '5', '#'];

const PLAY: Duration = Duration::from_secs(2);

pub(super) fn center() -> Center {
    center_with(GREET)
}

fn center_with(greet: &str) -> Center {
    center_of(CENTER, greet)
}

fn center_of(center: &str, greet: &str) -> Center {
    center_beside(center, greet, &[])
}

fn center_beside(center: &str, greet: &str, roster: &[Name]) -> Center {
    let files = [("center.yaml".to_owned(), center.to_owned()), ("greet.yaml".to_owned(), greet.to_owned())];
    let prompts =
        PROMPTS.split_whitespace().map(str::to_owned).chain(crate::flow::say::prompts("en")).collect();
    crate::flow::load_beside(&files, &prompts, roster).expect("the test center is well-formed").0
}

fn at(host: u8) -> SocketAddr {
    SocketAddr::from(([10, 0, 0, host], 5060))
}

fn hop(from: u8, to: u8) -> Hop {
    Hop { transport: Transport::Udp, local: at(from), remote: at(to) }
}

const SERVER: u8 = 1;
const CALLER: u8 = 2;
const ALICE: u8 = 3;
const BOB: u8 = 4;

/// What happens at a time.
#[derive(Debug)]
enum Due {
    Datagram {
        from: u8,
        to: u8,
        bytes: Bytes,
    },
    Media(MediaEvent),
    Found(CallId),
    CallerCalls,
    /// One more caller, who is not followed by others.
    OneMore,
    Serve(Box<Served>),
    CallerHangsUp(SessionId),
    PhoneAnswers(u8, SessionId),
    PhoneHangsUp(u8, SessionId),
    AgentReady(&'static str),
    AgentAway(&'static str),
}

/// Streams that play in no time at all but end when they should.
#[derive(Default)]
pub(super) struct FakeStreams {
    pub(super) open: BTreeSet<LegId>,
    joined: BTreeSet<(LegId, LegId)>,
    due: Vec<(Duration, Due)>,
    playing: HashMap<LegId, PlayId>,
    /// Whether a key in the audio stops what was last played.
    barge_in: bool,
    /// What they were told last of who asked for their audio.
    pub(super) asked: HashMap<LegId, Asked>,
    /// Whether nothing ever comes from some strangers.
    silent_strangers: bool,
    ports: usize,
    pub(super) connections: BTreeSet<ConnectionId>,
    pub(super) carried: BTreeMap<LegId, ConnectionId>,
}

impl FakeStreams {
    pub(super) fn with_ports(ports: usize) -> FakeStreams {
        FakeStreams { ports, ..FakeStreams::default() }
    }

    /// Streams that have closed since the last look, without the time that it takes.
    pub(super) fn closed(&mut self) -> Vec<MediaEvent> {
        let due = std::mem::take(&mut self.due).into_iter();
        due.filter_map(|(_, due)| match due {
            Due::Media(event) => Some(event),
            _ => None,
        })
        .collect()
    }
}

impl Streams for FakeStreams {
    fn open(&mut self, _: CallId, leg: LegId) -> Option<Opened> {
        if self.open.len() >= self.ports {
            return None;
        }
        assert!(self.open.insert(leg), "a leg was opened twice");
        Some(Opened { port: 20_000 + 2 * self.open.len() as u16, reach: Arc::default() })
    }

    fn reopen(&mut self, call: CallId, leg: LegId, _: u16, _: Option<&Before>) -> Option<Opened> {
        self.open(call, leg)
    }

    fn send(&mut self, _: CallId, command: MediaCommand) {
        match command {
            MediaCommand::Play { leg, play, repeat, barge_in, .. } => {
                self.barge_in = barge_in;
                if let Some(old) = self.playing.insert(leg, play) {
                    let ended = MediaEvent::PlayEnded { leg, play: old, stopped: true };
                    self.due.push((Duration::ZERO, Due::Media(ended)));
                }
                if !repeat {
                    let ended = MediaEvent::PlayEnded { leg, play, stopped: false };
                    self.due.push((PLAY, Due::Media(ended)));
                }
            }
            MediaCommand::Asked { leg, asked } => {
                self.asked.insert(leg, asked);
                if self.silent_strangers && asked == Asked::ByStranger && leg.call().0.is_multiple_of(3) {
                    self.due.push((UNHEARD, Due::Media(MediaEvent::Unheard { leg })));
                }
            }
            MediaCommand::Join { a, b } => {
                assert!(self.open.contains(&a) && self.open.contains(&b), "joined a leg that is closed");
                self.joined.insert((a, b));
            }
            MediaCommand::Hear { leg, whom } => {
                assert!(self.open.contains(&leg), "a leg that is closed hears");
                assert!(whom.iter().all(|leg| self.open.contains(leg)), "a leg that is closed is heard");
            }
            MediaCommand::Close { leg } if self.open.remove(&leg) => {
                let closed = MediaEvent::Closed { leg, quality: Default::default() };
                self.due.push((Duration::from_millis(1), Due::Media(closed)));
            }
            _ => {}
        }
    }

    fn discard(&mut self, _: RecordingFile) {}

    fn record(&mut self, leg: LegId, _: RecordingFile, _: Tracks) {
        assert!(self.open.contains(&leg), "a leg that is closed is recorded");
    }

    fn open_browser(&mut self, _: CallId, leg: LegId) {
        assert!(self.open.insert(leg), "a leg was opened twice");
    }

    fn open_bot(&mut self, _: CallId, leg: LegId, _: Box<crate::flow::api::BotCall>) {
        assert!(self.open.insert(leg), "a leg was opened twice");
    }

    fn bot_key(&mut self, leg: LegId, _: char) {
        assert!(self.open.contains(&leg), "a bot that is gone is told of a key");
    }

    fn to_browser(&mut self, _: CallId, leg: LegId) {
        assert!(self.open.contains(&leg), "a leg that is closed was given to a browser");
    }

    fn patch(&mut self, leg: LegId, connection: ConnectionId) {
        assert!(self.open.contains(&leg), "a leg that is closed was patched");
        assert!(self.connections.contains(&connection), "a connection that is closed was patched");
        self.carried.insert(leg, connection);
    }

    fn accept(&mut self, connection: ConnectionId, _: String) -> bool {
        self.connections.insert(connection)
    }

    fn disconnect(&mut self, connection: ConnectionId) {
        assert!(self.connections.remove(&connection), "a connection was closed twice");
    }
}

struct World {
    now: Timestamp,
    switchboard: Switchboard,
    streams: FakeStreams,
    phones: BTreeMap<u8, Endpoint>,
    due: BTreeMap<(Timestamp, u64), Due>,
    order: u64,
    entropy: Entropy,
    loss_percent: u64,
    calls_left: u32,
    calls_made: u64,
    facts: Vec<Fact>,
    /// When each was told.
    walls: Vec<WallTime>,
    /// When the server was started.
    began: Timestamp,
    /// When whom was called back.
    rings: BTreeMap<String, Vec<Timestamp>>,
    /// Whether callers would rather be called back.
    wants_callbacks: bool,
    /// How many calls strangers of one network have at least.
    share: usize,
    /// What people see, where that is looked at.
    live: Option<Live>,
    /// What the first of its engines began with.
    first_center: Arc<Center>,
    journal: carried::Written,
    /// What is written to in place of that.
    file: Option<Journal>,
}

/// The center's file of the world that is drawn from this seed.
fn center_text(seed: u64) -> String {
    // Every other seed rings both agents at once.
    let ring = if seed.is_multiple_of(2) { "ring: 20s" } else { "ring: { for: 20s, agents: 2 }" };
    // Every third calls the customer before the agent.
    let first = if seed.is_multiple_of(3) { called_first::SAID } else { "" };
    CENTER.replace("ring: 20s", ring).replace("max_wait: 3m", &format!("max_wait: 3m{first}"))
}

/// How many calls strangers of one network have at least, in that world: mostly fewer than the server has room for.
fn share(seed: u64) -> usize {
    if seed % 7 < 3 { 8 } else { 4 }
}

/// What a switchboard of this center begins with.
fn parts(center: Arc<Center>, first_call: CallId, entropy: &mut Entropy) -> Parts {
    let ha1 = |user: &str| Ha1::of(user, "warmline", "warmline");
    let users = ["alice", "bob"].map(|user| (user.into(), ha1(user))).into();
    let config = EndpointConfig { users, ..EndpointConfig::default() };
    Parts {
        endpoint: Endpoint::new(config, entropy.split()),
        center,
        started: WallTime(0),
        version: "test".into(),
        library: Arc::default(),
        canary: None,
        address: at(SERVER).ip(),
        fingerprint: crate::sdp::Fingerprint::of(b"test"),
        bound: Bound { udp: at(SERVER), tcp: at(SERVER), tls: None },
        ways: Ways::default(),
        first_call,
        max_calls: 6,
        log_queue: false,
        journal: false,
        entropy: entropy.split(),
    }
}

impl World {
    fn new(seed: u64) -> World {
        let mut entropy = Entropy::seeded(seed);
        let center = Arc::new(center_of(&center_text(seed), GREET));
        let first_center = Arc::clone(&center);
        let switchboard = Switchboard::new(parts(center, CallId(1), &mut entropy));
        let caller = Endpoint::new(EndpointConfig::default(), entropy.split());
        let phones = [(CALLER, caller), (ALICE, agent_phone("alice", ALICE, &mut entropy))]
            .into_iter()
            .chain([(BOB, agent_phone("bob", BOB, &mut entropy))])
            .collect();
        let loss_percent = [0, 5, 20][entropy.below(3) as usize];
        let streams = FakeStreams { ports: [4, 100][entropy.below(2) as usize], ..FakeStreams::default() };
        let mut world = World {
            now: Timestamp::ZERO,
            switchboard,
            streams,
            phones,
            due: BTreeMap::new(),
            order: 0,
            entropy,
            loss_percent,
            calls_left: 8,
            calls_made: 0,
            facts: Vec::new(),
            walls: Vec::new(),
            began: Timestamp::ZERO,
            rings: BTreeMap::new(),
            wants_callbacks: false,
            share: share(seed),
            live: None,
            first_center,
            journal: carried::Written::default(),
            file: None,
        };
        world.switchboard.strangers.fewest = world.share;
        world.later(Duration::from_secs(3), Due::CallerCalls);
        for host in [ALICE, BOB] {
            world.phone(host, sip::Input::Tick);
        }
        world
    }

    /// A server begins with these.
    fn begins(&mut self, parts: Parts) {
        self.switchboard = Switchboard::new(parts);
        self.switchboard.strangers.fewest = self.share;
    }

    fn later(&mut self, after: Duration, due: Due) {
        self.order += 1;
        self.due.insert((self.now + after, self.order), due);
    }

    fn between(&mut self, from_ms: u64, to_ms: u64) -> Duration {
        Duration::from_millis(from_ms + self.entropy.below(to_ms - from_ms))
    }

    fn send(&mut self, from: u8, hop: Hop, bytes: Bytes) {
        let SocketAddr::V4(to) = hop.remote else { panic!("no such host: {hop:?}") };
        if self.entropy.below(100) < self.loss_percent {
            return;
        }
        let delay = self.between(1, 30);
        self.later(delay, Due::Datagram { from, to: to.ip().octets()[3], bytes });
    }

    /// The server's clock.
    fn clock(&self) -> Now {
        Now { at: Timestamp::ZERO + self.now.since(self.began), wall: WallTime(self.now.0 as i64) }
    }

    fn tell(&mut self, input: Input) {
        let mut out = Vec::new();
        self.switchboard.handle(self.clock(), input, &mut self.streams, &mut out);
        self.perform(out);
    }

    fn perform(&mut self, out: Vec<Output>) {
        let told = out.iter().any(|output| matches!(output, Output::Fact(_)));
        for output in out {
            match output {
                Output::Tell { .. } => {}
                Output::Send { hop, bytes } => self.send(SERVER, hop, bytes),
                Output::FindCustomer { call, .. } => {
                    let delay = self.between(1, 300);
                    self.later(delay, Due::Found(call));
                }
                Output::Fetch { .. } => unreachable!("the test center asks no service"),
                Output::Speak(_) => unreachable!("the test center speaks no texts"),
                Output::Verify { .. } => unreachable!("the test center verifies nobody"),
                Output::Fact(fact) => {
                    if let What::CallbackDialled { number, .. } = &fact.what {
                        self.rings.entry(number.clone()).or_default().push(self.now);
                    }
                    self.walls.push(self.clock().wall);
                    self.live.iter().for_each(|live| live.apply(&live.dated(fact.clone())));
                    self.facts.push(fact);
                }
                Output::Told(at, event) => match &mut self.file {
                    Some(file) => file.told(at, event),
                    None => self.journal.told.push((at, event)),
                },
                Output::Decided(_) => unreachable!("the test center has no log of its queues"),
            }
        }
        self.live.iter().filter(|_| told).for_each(|live| self.check_screens(live));
        let at = self.clock().at;
        match &mut self.file {
            Some(file) => file.turn(at, &mut self.switchboard),
            None => self.journal.take(self.switchboard.take_changes()),
        }
        for (after, due) in std::mem::take(&mut self.streams.due) {
            self.later(after, due);
        }
    }

    /// Lets a phone take an input, and its person act on what it shows.
    fn phone(&mut self, host: u8, input: sip::Input) {
        let Some(phone) = self.phones.get_mut(&host) else { return };
        let mut out = Vec::new();
        phone.handle(self.now, input, &mut out);
        for output in out {
            match output {
                sip::Output::Send { hop, bytes } => self.send(host, hop, bytes),
                sip::Output::Event(event) => self.person(host, event),
            }
        }
    }

    fn person(&mut self, host: u8, event: sip::Event) {
        let sdp = || Bytes::from(sdp_of(host));
        match event {
            sip::Event::Incoming(incoming) => {
                let session = incoming.session;
                match self.entropy.below(10) {
                    0 => {
                        let refuse = Command::Refuse { session, status: 486, retry_after_s: None };
                        self.phone(host, sip::Input::Command(refuse));
                    }
                    1 => {}
                    _ => {
                        let ring = Command::Progress { session, status: 180, sdp: None };
                        self.phone(host, sip::Input::Command(ring));
                        let delay = self.between(200, 25_000);
                        self.later(delay, Due::PhoneAnswers(host, session));
                    }
                }
            }
            sip::Event::Acked { session, .. } | sip::Event::Answered { session, .. } if host != CALLER => {
                let delay = self.between(500, 60_000);
                self.later(delay, Due::PhoneHangsUp(host, session));
            }
            // Whoever is called back and picks up may hang up before an agent has them.
            sip::Event::Acked { session, .. } if self.entropy.below(3) == 0 => {
                let delay = self.between(500, 20_000);
                self.later(delay, Due::CallerHangsUp(session));
            }
            sip::Event::Offered { session, .. } => {
                self.phone(host, sip::Input::Command(Command::AnswerOffer { session, sdp: sdp() }));
            }
            _ => {}
        }
    }

    fn happen(&mut self, due: Due) {
        match due {
            Due::Datagram { from, to: SERVER, bytes } => {
                self.tell(Input::Sip(sip::Input::Received { hop: hop(SERVER, from), bytes }));
            }
            Due::Datagram { from, to, bytes } => {
                self.phone(to, sip::Input::Received { hop: hop(to, from), bytes });
            }
            Due::Media(event) => {
                if let MediaEvent::PlayEnded { leg, play, stopped: false } = &event
                    && (self.streams.playing.get(leg) != Some(play) || !self.streams.open.contains(leg))
                {
                    return;
                }
                if let MediaEvent::PlayEnded { leg, play, .. } = &event
                    && self.streams.playing.get(leg) == Some(play)
                {
                    self.streams.playing.remove(leg);
                }
                self.tell(Input::Media(event));
            }
            Due::Found(call) => self.tell(Input::Found { call, customer: None }),
            Due::CallerCalls => self.caller_calls(),
            Due::OneMore => self.one_call(),
            Due::Serve(served) => self.tell(Input::Serve(served)),
            Due::CallerHangsUp(session) => {
                let end = Command::End { session, reason: EndReason::Normal };
                self.phone(CALLER, sip::Input::Command(end));
            }
            Due::PhoneAnswers(host, session) => {
                let answer = Command::Answer { session, sdp: sdp_of(host).into() };
                self.phone(host, sip::Input::Command(answer));
            }
            Due::PhoneHangsUp(host, session) => {
                let end = Command::End { session, reason: EndReason::Normal };
                self.phone(host, sip::Input::Command(end));
            }
            Due::AgentReady(name) => self.agent_wants(name, AgentWish::Ready),
            Due::AgentAway(name) => self.agent_wants(name, AgentWish::NotReady("lunch".into())),
        }
    }

    fn agent_wants(&mut self, name: &str, wish: AgentWish) {
        let Some(agent) = self.switchboard.agent(name) else { return };
        self.tell(Input::AgentWants { agent, wish, by: None });
    }

    fn caller_calls(&mut self) {
        self.one_call();
        self.calls_left -= 1;
        if self.calls_left > 0 {
            let gap = self.between(1, 30_000);
            self.later(gap, Due::CallerCalls);
        }
    }

    fn one_call(&mut self) {
        self.calls_made += 1;
        let session = SessionId((1 << 63) + self.calls_made);
        let user = format!("+1202555{:04}", self.calls_made);
        let uri = crate::sip::uri::Uri::sip(Some("1000"), "10.0.0.1", Some(5060));
        let invite = Invite {
            session,
            to: NameAddr::of(uri.clone()),
            uri,
            hop: hop(CALLER, SERVER),
            from: NameAddr::of(crate::sip::uri::Uri::sip(Some(&user), "10.0.0.2", None)),
            asserted: None,
            headers: Vec::new(),
            sdp: sdp_of(CALLER).into(),
            trunk: None,
            routes: Vec::new(),
            answer_within: None,
        };
        self.phone(CALLER, sip::Input::Command(Command::Invite(Box::new(invite))));
        let patience = self.between(10, 120_000);
        self.later(patience, Due::CallerHangsUp(session));
        // Keys at random times, on every line there may be.
        for _ in 0..self.entropy.below(if self.wants_callbacks { 20 } else { 6 }) {
            let after = self.between(100, 60_000);
            let keys = if self.wants_callbacks { ['1', '2', '2', '2', '5', '#'] } else { KEYS };
            let digit = keys[self.entropy.below(6) as usize];
            let call = CallId(1 + self.entropy.below(self.calls_made));
            let event = MediaEvent::Digit { leg: LegId::of(call, 0), digit };
            self.later(after, Due::Media(event));
        }
        let agent = ["alice", "bob"][self.entropy.below(2) as usize];
        let after = self.between(100, 60_000);
        self.later(after, Due::AgentReady(agent));
        if self.wants_callbacks {
            let agent = ["alice", "bob"][self.entropy.below(2) as usize];
            let after = self.between(20_000, 120_000);
            self.later(after, Due::AgentAway(agent));
            let after = after + self.between(1_000, 120_000);
            self.later(after, Due::AgentReady(agent));
        }
    }

    /// When anybody's deadline is due.
    fn deadline(&self) -> Option<Timestamp> {
        let phones = self.phones.values().filter_map(Endpoint::deadline);
        let of_server = self.switchboard.deadline().map(|due| self.began + due.since(Timestamp::ZERO));
        phones.chain(of_server).chain(self.due.keys().next().map(|(at, _)| *at)).min()
    }

    /// Runs until `end`, whatever happens.
    fn run_until(&mut self, end: Timestamp) {
        let mut steps = 0;
        while let Some(next) = self.deadline().filter(|next| *next <= end) {
            steps += 1;
            assert!(steps < 200_000, "somebody's deadline never passes");
            self.now = self.now.max(next);
            while let Some(entry) = self.due.first_entry().filter(|entry| entry.key().0 <= self.now) {
                let due = entry.remove();
                self.happen(due);
            }
            for host in [CALLER, ALICE, BOB] {
                let phone = self.phones.get(&host);
                if phone.and_then(Endpoint::deadline).is_some_and(|due| due <= self.now) {
                    self.phone(host, sip::Input::Tick);
                }
            }
            if self.switchboard.deadline().is_some_and(|due| due <= self.clock().at) {
                self.tell(Input::Tick);
            }
            if self.switchboard.live_lines() < 10 {
                self.switchboard.check_strangers();
            }
        }
        self.now = end;
    }

    /// Nothing is left over, and every call's facts tell a whole story.
    fn check_quiet(&self) {
        let left: Vec<&LiveCall> = self.switchboard.calls.values().collect();
        assert!(
            left.is_empty(),
            "calls are left over: {:#?}",
            left.iter().map(|one| &one.call).collect::<Vec<_>>()
        );
        assert_eq!(self.switchboard.live_lines(), 0, "lines are left over");
        self.switchboard.check_strangers();
        assert_eq!(self.streams.open.len(), 0, "streams are left over");
        assert_eq!(self.switchboard.endpoint().session_count(), 0, "sessions are left over");
        assert!(self.switchboard.due.is_empty(), "deadlines are left over");
        assert!(self.switchboard.sessions.is_empty(), "a session's line is left over");
        for agent in [AgentId(0), AgentId(1)] {
            let state = self.switchboard.engine.agent_state(agent).expect("an agent of the test center");
            let calm = matches!(state, AgentState::Offline | AgentState::Ready | AgentState::NotReady(_));
            assert!(calm, "agent {agent} is stuck: {state:?}");
        }
        let mut stories: BTreeMap<CallId, Vec<&What>> = BTreeMap::new();
        for fact in &self.facts {
            stories.entry(fact.call.unwrap_or(CallId(0))).or_default().push(&fact.what);
        }
        stories.remove(&CallId(0));
        self.check_called_first();
        for (call, story) in stories {
            let arrived = story.iter().filter(|what| matches!(what, What::CallArrived { .. })).count();
            let ended = story.iter().filter(|what| matches!(what, What::CallEnded { .. })).count();
            let last_is_end = matches!(story.last(), Some(What::CallEnded { .. }));
            assert!(arrived == 1 && ended == 1 && last_is_end, "call {call}: {story:#?}");
            let mut granted = false;
            for what in &story {
                granted |= matches!(what, What::WaitGranted { .. });
                assert!(granted || !matches!(what, What::HoldMusicStarted), "call {call}: {story:#?}");
                if matches!(what, What::WaitAsked { .. }) {
                    granted = false;
                }
            }
        }
    }
}

fn sdp_of(host: u8) -> String {
    format!(
        "v=0\r\no=- 1 1 IN IP4 10.0.0.{host}\r\ns=-\r\nc=IN IP4 10.0.0.{host}\r\nt=0 0\r\n\
         m=audio 4000 RTP/AVP 0 101\r\na=rtpmap:101 telephone-event/8000\r\n"
    )
}

/// A phone that registers for an agent, by the means with which we register at trunks.
fn agent_phone(user: &str, host: u8, entropy: &mut Entropy) -> Endpoint {
    let uri = crate::sip::uri::Uri::sip(Some(user), "10.0.0.1", Some(5060));
    let credentials = Credentials { username: user.to_owned(), password: Secret::new("warmline") };
    let registration = TrunkRegistration {
        registrar: crate::sip::uri::Uri::sip(None, "10.0.0.1", Some(5060)),
        hops: vec![hop(host, SERVER)],
        aor: uri,
        expires_s: 3_600,
    };
    let trunk = TrunkConfig {
        name: "warmline".into(),
        sources: vec![at(SERVER).ip()],
        trusted: true,
        credentials: Some(credentials),
        registration: Some(Ok(registration)),
    };
    let config = EndpointConfig { trunks: vec![trunk], ..EndpointConfig::default() };
    Endpoint::new(config, entropy.split())
}

#[test]
fn whatever_callers_agents_and_the_network_do_nothing_is_left_over() {
    let number = |name| std::env::var(name).ok().and_then(|number| number.parse::<u64>().ok());
    let seeds = match number("WARMLINE_SEED") {
        Some(one) => one..one + 1,
        None => 0..number("WARMLINE_SEEDS").unwrap_or(60),
    };
    let (mut talked, mut missed, mut held, mut faster, mut unheard) = (0, 0, 0, 0, 0);
    for seed in seeds {
        let checked = catch_unwind(AssertUnwindSafe(|| {
            let mut world = World::new(seed);
            world.streams.silent_strangers = seed % 5 == 4;
            world.wants_callbacks = seed % 4 == 3;
            world.live = Some(called_first::screens());
            // The place of a callback is kept for four hours when no agent is there to call.
            world.run_until(Timestamp::from_secs(5 * 3_600));
            world.check_quiet();
            let count = |test: fn(&What) -> bool| world.facts.iter().filter(|fact| test(&fact.what)).count();
            talked += count(|what| matches!(what, What::TalkEnded { .. }));
            missed += count(|what| matches!(what, What::AgentMissed { .. }));
            held += count(|what| matches!(what, What::HoldMusicStarted));
            unheard += count(
                |what| matches!(what, What::CallEnded { cause, .. } if cause == "nothing ever came from the phone"),
            );
            let stopped = |what: &What| matches!(what, What::AgentMissed { why: MissedWhy::Withdrawn, .. });
            let connected = |one: &Fact| matches!(one.what, What::AgentConnected { .. });
            let of_same = |fact: &&Fact| {
                world.facts.iter().any(|one| (one.call, one.at) == (fact.call, fact.at) && connected(one))
            };
            faster += world.facts.iter().filter(|fact| stopped(&fact.what)).filter(of_same).count();
        }));
        assert!(checked.is_ok(), "seed {seed}: WARMLINE_SEED={seed} runs it alone");
    }
    // A world in which nobody talks, misses or waits would prove nothing.
    let counts = format!("talked {talked}, missed {missed}, held {held}, faster {faster}, unheard {unheard}");
    assert!(talked > 0 && missed > 0 && held > 0 && faster > 0 && unheard > 0, "{counts}");
}

/// The test center as a version of this name, which all its nodes bear.
fn edition(version: &str) -> Edition {
    let mut greet = GREET.to_owned();
    for node in ["hello", "ask", "queue"] {
        greet = greet.replace(&format!("  {node}:"), &format!("  {node}_{version}:"));
        greet = greet.replace(&format!(": {node}"), &format!(": {node}_{version}"));
    }
    Edition { version: version.into(), center: Arc::new(center_with(&greet)), library: Arc::default() }
}

/// New flows a thousand times under five hundred calls, every other time with others that half of the callers meet: none
/// is lost, and each stays on what it began with, as the history says.
#[test]
fn a_thousand_reloads_under_running_calls_lose_none() {
    let mut world = World::new(11);
    world.switchboard.parts.max_calls = 4_000;
    (world.streams.ports, world.loss_percent, world.calls_left) = (4_000, 0, 1);
    for _ in 0..499 {
        let at = world.between(1, 60_000);
        world.later(at, Due::OneMore);
    }
    for version in 0..1_000_u32 {
        let canary = (version % 2 == 0).then(|| Canary {
            edition: edition(&format!("t{version}")),
            audience: Audience::share(50.0).expect("a share"),
            began: WallTime(0),
        });
        let served = Served { all: edition(&format!("v{version}")), canary };
        let at = Duration::from_millis(120 * u64::from(version));
        world.later(at, Due::Serve(Box::new(served)));
    }
    world.run_until(Timestamp::from_secs(5 * 3_600));
    world.check_quiet();
    let mut versions: BTreeMap<CallId, BTreeSet<&str>> = BTreeMap::new();
    let mut served: BTreeMap<CallId, (&str, bool)> = BTreeMap::new();
    let mut overtaken = 0;
    for fact in &world.facts {
        if let (Some(call), What::NodeEntered { node, .. }) = (fact.call, &fact.what) {
            let version = node.rsplit('_').next().unwrap_or_default();
            versions.entry(call).or_default().insert(version);
            let newest = fact.at.0 / 120_000;
            overtaken += u32::from(version[1..].parse::<u64>().is_ok_and(|version| version + 1 < newest));
        }
        if let (Some(call), What::FlowsServed { version, canary }) = (fact.call, &fact.what) {
            assert!(served.insert(call, (version, *canary)).is_none(), "{call} is told twice");
        }
    }
    // Whoever hangs up within their first milliseconds has come to no flow.
    assert!((490..=500).contains(&versions.len()), "{} calls came to a flow", versions.len());
    for (call, met) in &versions {
        let (version, canary) = served[call];
        assert_eq!(met.iter().collect::<Vec<_>>(), [&version], "a call has changed its flows");
        assert_eq!(canary, version.starts_with('t'));
    }
    let tried = served.values().filter(|(_, canary)| *canary).count();
    assert!((60..190).contains(&tried), "a quarter of 500 meets what half meet half of the time: {tried}");
    assert!(overtaken > 100, "only {overtaken} steps were made after newer flows were served");
}
