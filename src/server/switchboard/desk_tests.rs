//! Desks and callers' pages in virtual time: no phone, no network, only browsers that come and go.

use std::time::Duration;

use super::desks::GRACE;
use super::tests::FakeStreams;
use super::tests::center;
use super::*;
use crate::call::request::AgentRequest;
use crate::call::request::OutcomeReport;
use crate::fact::Resolution;
use crate::fact::SuperviseMode;
use crate::queue::api::AgentState;
use crate::queue::api::AgentWish;
use crate::queue::api::DESK_LOST;
use crate::sdp::Codec;
use crate::sdp::Direction;
use crate::sdp::ExtendedReports;
use crate::sdp::Negotiated;
use crate::server::browser::CallState;
use crate::server::trunks::setup::Bound;
use crate::sip::endpoint::EndpointConfig;

struct House {
    now: Timestamp,
    switchboard: Switchboard,
    streams: FakeStreams,
    facts: Vec<What>,
    told: Vec<(SocketId, Tell)>,
}

fn agreed(codec: Codec) -> Negotiated {
    Negotiated {
        codec,
        payload_type: 0,
        receive_payload_type: 0,
        telephone_event: None,
        ptime_ms: 20,
        remote_rtp: None,
        remote_named: None,
        remote_rtcp: None,
        direction: Direction::SendRecv,
        keys_by_info: false,
        extended: ExtendedReports::default(),
        srtp: None,
    }
}

impl House {
    fn new() -> House {
        let entropy = Entropy::seeded(1);
        let parts = Parts {
            endpoint: Endpoint::new(EndpointConfig::default(), entropy.clone()),
            center: Arc::new(center()),
            started: WallTime(0),
            version: "test".into(),
            library: Arc::new(Library::default()),
            canary: None,
            entropy,
            address: IpAddr::from([10, 0, 0, 1]),
            fingerprint: crate::sdp::Fingerprint::of(b"test"),
            bound: Bound {
                udp: "10.0.0.1:5060".parse().unwrap(),
                tcp: "10.0.0.1:5060".parse().unwrap(),
                tls: None,
            },
            ways: Default::default(),
            first_call: CallId(1),
            max_calls: 8,
            log_queue: false,
            journal: false,
        };
        let streams = FakeStreams::with_ports(8);
        let now = Timestamp::from_secs(1);
        House { now, switchboard: Switchboard::new(parts), streams, facts: Vec::new(), told: Vec::new() }
    }

    fn tell(&mut self, input: Input) {
        let now = Now { at: self.now, wall: WallTime(self.now.0 as i64) };
        let mut out = Vec::new();
        self.switchboard.handle(now, input, &mut self.streams, &mut out);
        self.take(out);
        for event in self.streams.closed() {
            self.tell(Input::Media(event));
        }
    }

    fn take(&mut self, out: Vec<Output>) {
        for output in out {
            match output {
                Output::Fact(fact) => self.facts.push(fact.what),
                Output::Tell { socket, tell } => self.told.push((socket, tell)),
                _ => {}
            }
        }
    }

    fn ask(&mut self, socket: u64, ask: Ask) {
        self.tell(Input::Ask { socket: SocketId(socket), ask });
    }

    fn browser(&mut self, event: BrowserEvent) {
        self.tell(Input::Browser(event));
    }

    /// Time passes; what is due happens.
    fn wait(&mut self, how_long: Duration) {
        let end = self.now + how_long;
        while let Some(due) = self.switchboard.deadline().filter(|due| *due <= end) {
            self.now = self.now.max(due);
            self.tell(Input::Tick);
        }
        self.now = end;
    }

    /// Lets the newest connection be answered and come up.
    fn connects(&mut self, codec: Codec) -> ConnectionId {
        let connection = *self.streams.connections.last().expect("a connection");
        let (sdp, agreed) = (String::new(), agreed(codec));
        self.browser(BrowserEvent::Answered { connection, sdp, agreed });
        self.browser(BrowserEvent::Up { connection });
        connection
    }

    fn desk(&mut self, socket: u64, agent: &str) -> ConnectionId {
        self.ask(socket, Ask::OpenDesk { agent: agent.into(), offer: "offer".to_owned() });
        self.connects(Codec::Pcmu)
    }

    /// A caller on a page, who is in the queue at once: every prompt is stopped by its end.
    fn caller(&mut self, socket: u64) -> CallId {
        self.ask(socket, Ask::Call { number: "1000".into(), offer: "offer".to_owned() });
        self.connects(Codec::Opus);
        let call = CallId(self.switchboard.next_call - 1);
        self.ask(socket, Ask::Key { digit: '1' });
        call
    }

    fn state(&self, agent: &str) -> AgentState {
        let id = self.switchboard.agent(agent).unwrap();
        self.switchboard.engine.agent_state(id).unwrap().clone()
    }

    fn has(&self, what: &What) -> bool {
        self.facts.contains(what)
    }

    fn carried_by(&self, call: CallId, leg: u16) -> Option<ConnectionId> {
        self.streams.carried.get(&LegId::of(call, leg)).copied()
    }
}

const ALICE: &str = "alice";

#[test]
fn a_caller_on_a_page_and_an_agent_at_a_desk_are_brought_together() {
    let mut house = House::new();
    let desk = house.desk(1, ALICE);
    assert_eq!(house.state(ALICE), AgentState::Ready);
    assert!(house.has(&What::DeskOpened { agent: ALICE.into() }));
    let call = house.caller(2);
    assert_eq!(house.state(ALICE), AgentState::Ringing(call));
    let offered = Tell::Codec { codec: Codec::Opus };
    assert_eq!(house.told.last(), Some(&(SocketId(1), offered)), "the caller's codec, while it rings");
    house.ask(1, Ask::PickUp { call });
    assert_eq!(house.state(ALICE), AgentState::Talking(call));
    assert_eq!(house.carried_by(call, 1), Some(desk));
    let wide = house.desk(1, ALICE);
    assert_eq!(house.carried_by(call, 1), Some(wide), "the talk goes on over the newer connection");
    assert!(!house.has(&What::DeskLost { agent: ALICE.into() }));
    house.ask(2, Ask::HangUp { call: None });
    assert_eq!(house.state(ALICE), AgentState::WrapUp);
    let ended = Tell::State { state: CallState::Ended, call };
    assert!(house.told.contains(&(SocketId(2), ended)));
    house.ask(1, Ask::CloseDesk);
    assert_eq!(house.state(ALICE), AgentState::Offline);
    assert!(house.streams.open.is_empty() && house.streams.connections.is_empty());
}

#[test]
fn what_rings_at_a_desk_that_vanishes_rings_at_another_at_once() {
    let mut house = House::new();
    house.desk(1, ALICE);
    let call = house.caller(2);
    house.ask(1, Ask::Gone);
    house.desk(3, "bob");
    house.wait(Duration::from_secs(1));
    assert_eq!(house.state("bob"), AgentState::Ringing(call));
    house.ask(3, Ask::PickUp { call });
    assert_eq!(house.state("bob"), AgentState::Talking(call));
}

#[test]
fn a_desk_that_comes_back_in_a_talk_goes_on_with_it() {
    let mut house = House::new();
    let first = house.desk(1, ALICE);
    let call = house.caller(2);
    house.ask(1, Ask::PickUp { call });
    house.ask(1, Ask::Gone);
    assert!(house.has(&What::DeskLost { agent: ALICE.into() }));
    house.wait(GRACE - Duration::from_secs(1));
    assert_eq!(house.state(ALICE), AgentState::Talking(call));
    let second = house.desk(3, ALICE);
    assert!(house.has(&What::DeskBack { agent: ALICE.into() }));
    assert_eq!(house.carried_by(call, 1), Some(second));
    assert!(!house.streams.connections.contains(&first), "the old connection is closed");
    house.wait(2 * GRACE);
    assert_eq!(house.state(ALICE), AgentState::Talking(call));
    house.ask(3, Ask::HangUp { call: Some(call) });
    assert_eq!(house.state(ALICE), AgentState::WrapUp);
}

#[test]
fn an_idle_agent_whose_desk_stays_away_is_not_ready_until_it_is_back() {
    let mut house = House::new();
    house.desk(1, ALICE);
    house.ask(1, Ask::Gone);
    house.wait(GRACE + Duration::from_millis(1));
    assert_eq!(house.state(ALICE), AgentState::NotReady(DESK_LOST.into()));
    assert!(house.has(&What::DeskClosed { agent: ALICE.into() }));
    assert!(house.streams.connections.is_empty());
    house.desk(2, ALICE);
    assert_eq!(house.state(ALICE), AgentState::Ready);
}

#[test]
fn a_connection_that_falls_silent_is_missed_like_the_page_and_may_be_heard_again() {
    let mut house = House::new();
    let connection = house.desk(1, ALICE);
    house.browser(BrowserEvent::Silent { connection });
    assert!(house.has(&What::DeskLost { agent: ALICE.into() }));
    house.browser(BrowserEvent::Back { connection });
    assert!(house.has(&What::DeskBack { agent: ALICE.into() }));
    house.wait(2 * GRACE);
    assert_eq!(house.state(ALICE), AgentState::Ready);
    house.browser(BrowserEvent::Over { connection, why: "gone".to_owned() });
    assert!(house.told.contains(&(SocketId(1), Tell::Disconnected { why: "gone".to_owned() })));
    house.desk(1, ALICE);
    house.wait(2 * GRACE);
    assert_eq!(house.state(ALICE), AgentState::Ready);
}

#[test]
fn a_second_window_takes_the_phone_and_the_first_is_told() {
    let mut house = House::new();
    house.desk(1, ALICE);
    let second = house.desk(2, ALICE);
    assert!(house.told.contains(&(SocketId(1), Tell::Over { again: false })));
    house.ask(1, Ask::Gone);
    assert!(!house.has(&What::DeskLost { agent: ALICE.into() }));
    let call = house.caller(3);
    house.ask(1, Ask::PickUp { call });
    assert_eq!(house.state(ALICE), AgentState::Ringing(call), "the first has no say any more");
    house.ask(2, Ask::PickUp { call });
    assert_eq!(house.carried_by(call, 1), Some(second));
}

#[test]
fn a_desk_refuses_and_another_rings() {
    let mut house = House::new();
    house.desk(1, ALICE);
    house.desk(2, "bob");
    let call = house.caller(3);
    assert_eq!(house.state(ALICE), AgentState::Ringing(call), "the more skilled one");
    house.ask(1, Ask::Reject { call });
    assert_eq!(house.state("bob"), AgentState::Ringing(call));
    assert!(matches!(house.state(ALICE), AgentState::NotReady(_)));
    house.ask(1, Ask::PickUp { call });
    assert!(matches!(house.told.last(), Some((SocketId(1), Tell::Error { .. }))));
}

#[test]
fn a_caller_whose_agents_desk_stays_away_is_back_in_the_queue() {
    let mut house = House::new();
    house.desk(1, ALICE);
    let call = house.caller(2);
    house.ask(1, Ask::PickUp { call });
    house.ask(1, Ask::Gone);
    house.desk(3, "bob");
    house.wait(GRACE + Duration::from_millis(1));
    assert_eq!(house.state("bob"), AgentState::Ringing(call));
    house.ask(3, Ask::PickUp { call });
    assert_eq!(house.state("bob"), AgentState::Talking(call));
    house.wait(Duration::from_secs(60));
    assert_eq!(house.state(ALICE), AgentState::NotReady(DESK_LOST.into()), "after the wrap-up");
    let lost = house.facts.iter().filter(|what| matches!(what, What::TalkEnded { .. })).count();
    assert_eq!(lost, 1);
}

#[test]
fn a_supervisor_listens_at_a_desk_of_their_own_and_takes_no_calls() {
    let mut house = House::new();
    house.desk(1, ALICE);
    let call = house.caller(2);
    house.ask(1, Ask::PickUp { call });
    let supervise = |house: &mut House, mode| {
        let now = Now { at: house.now, wall: WallTime(0) };
        let (request, mut out) = (AgentRequest::Supervise(mode), Vec::new());
        let done = house.switchboard.request(now, call, &"sam".into(), request, &mut house.streams, &mut out);
        house.take(out);
        done
    };
    assert!(supervise(&mut house, Some(SuperviseMode::Listen)).is_err(), "nothing to listen with");
    house.ask(3, Ask::OpenDesk { agent: "sam".into(), offer: "offer".to_owned() });
    assert!(
        supervise(&mut house, Some(SuperviseMode::Listen)).is_err(),
        "a page that is not up yet is no phone"
    );
    assert!(!house.told.contains(&(SocketId(3), Tell::Connected)));
    let desk = house.connects(Codec::Pcmu);
    assert!(house.told.contains(&(SocketId(3), Tell::Connected)), "the page is told when it is one");
    supervise(&mut house, Some(SuperviseMode::Listen)).unwrap();
    let supervising = |mode| What::Supervising { supervisor: "sam".into(), mode };
    assert!(house.has(&supervising(SuperviseMode::Listen)), "at once: the desk need not ring");
    assert_eq!(house.carried_by(call, 2), Some(desk));
    supervise(&mut house, Some(SuperviseMode::Barge)).unwrap();
    assert!(house.has(&supervising(SuperviseMode::Barge)));
    let again = house.desk(3, "sam");
    assert_eq!(house.carried_by(call, 2), Some(again), "a page that is loaded anew hears on");
    supervise(&mut house, None).unwrap();
    assert!(house.has(&What::SupervisionEnded { supervisor: "sam".into() }));
    supervise(&mut house, Some(SuperviseMode::Whisper)).unwrap();
    house.ask(3, Ask::HangUp { call: Some(call) });
    supervise(&mut house, Some(SuperviseMode::Listen)).unwrap();
    house.ask(3, Ask::Gone);
    house.wait(2 * GRACE);
    assert_eq!(house.state(ALICE), AgentState::Talking(call));
    assert!(supervise(&mut house, Some(SuperviseMode::Listen)).is_err(), "the desk is gone");
    let ended = house.facts.iter().filter(|what| matches!(what, What::SupervisionEnded { .. })).count();
    assert_eq!(ended, 3);
}

#[test]
fn a_supervisor_who_is_no_agent_takes_a_caller_over_and_says_what_came_of_it() {
    let mut house = House::new();
    house.desk(1, ALICE);
    let call = house.caller(2);
    house.ask(1, Ask::PickUp { call });
    house.desk(3, "sam");
    let asks = |house: &mut House, request| {
        let now = Now { at: house.now, wall: WallTime(0) };
        let mut out = Vec::new();
        let done = house.switchboard.request(now, call, &"sam".into(), request, &mut house.streams, &mut out);
        house.take(out);
        done
    };
    let outcome = || {
        let (reason_code, note) = ("refund".to_owned(), String::new());
        let outcome = Resolution::Resolved;
        let report = OutcomeReport { outcome, reason_code, note, promise: None, kept: None };
        AgentRequest::Outcome(Box::new(report))
    };
    assert!(asks(&mut house, outcome()).is_err(), "the caller is not theirs yet");
    asks(&mut house, AgentRequest::TakeOver).unwrap();
    assert!(house.has(&What::TakenOver { from: ALICE.into(), by: "sam".into() }));
    assert_eq!(house.state(ALICE), AgentState::WrapUp);
    // The page is loaded anew: the talk goes on over its new connection.
    house.ask(3, Ask::Gone);
    let again = house.desk(4, "sam");
    assert_eq!(house.carried_by(call, 2), Some(again));
    house.ask(4, Ask::HangUp { call: Some(call) });
    asks(&mut house, outcome()).unwrap();
    assert!(matches!(house.facts.last(), Some(What::OutcomeSet { agent, .. }) if **agent == *"sam"));
}

#[test]
fn who_had_a_caller_says_that_they_came_to_the_wrong_queue_and_takes_it_back() {
    let mut house = House::new();
    house.desk(1, ALICE);
    let call = house.caller(2);
    let asks = |house: &mut House, who: &str, request| {
        let now = Now { at: house.now, wall: WallTime(0) };
        let mut out = Vec::new();
        let done = house.switchboard.request(now, call, &who.into(), request, &mut house.streams, &mut out);
        house.take(out);
        done
    };
    let wrong = |belongs: Option<&str>, reason: &str| AgentRequest::Misrouted {
        belongs: belongs.map(Name::from),
        reason: reason.to_owned(),
    };
    assert!(asks(&mut house, ALICE, wrong(None, "")).is_err(), "she has nobody yet");
    house.ask(1, Ask::PickUp { call });
    asks(&mut house, ALICE, wrong(None, "")).unwrap();
    // In wrap-up she says more of it.
    house.ask(2, Ask::HangUp { call: None });
    assert!(asks(&mut house, ALICE, wrong(Some("hlep"), "")).is_err(), "no such queue");
    assert!(asks(&mut house, ALICE, wrong(None, &"x".repeat(201))).is_err(), "too long");
    asks(&mut house, ALICE, wrong(Some("help"), "a leak")).unwrap();
    assert!(asks(&mut house, "bob", wrong(None, "")).is_err(), "he had nobody");
    asks(&mut house, ALICE, AgentRequest::NotMisrouted).unwrap();
    let told = house.facts.iter().filter_map(|what| match what {
        What::Misrouted { queue, belongs, reason, .. } => {
            Some((queue.as_deref(), belongs.as_deref(), reason.as_str()))
        }
        What::MisroutedTakenBack { .. } => Some((None, None, "taken back")),
        _ => None,
    });
    assert_eq!(
        told.collect::<Vec<_>>(),
        [(Some("help"), None, ""), (Some("help"), Some("help"), "a leak"), (None, None, "taken back")]
    );
}

/// Whatever browsers do, in whatever order, nobody is left in a state that nothing leaves, and nothing is left over.
#[test]
fn browsers_that_do_as_they_like_leave_nothing_behind() {
    for seed in 0..300 {
        let mut house = House::new();
        let mut chance = Entropy::seeded(seed);
        for _ in 0..120 {
            let socket = 1 + chance.below(5);
            let call = CallId(1 + chance.below(house.switchboard.next_call));
            let connections: Vec<ConnectionId> = house.streams.connections.iter().copied().collect();
            let any = connections.get(chance.below(connections.len().max(1) as u64) as usize).copied();
            match chance.below(14) {
                0 | 1 => house.ask(socket, Ask::OpenDesk { agent: ALICE.into(), offer: String::new() }),
                12 => house.ask(socket, Ask::OpenDesk { agent: "sam".into(), offer: String::new() }),
                13 => {
                    let mode = [None, Some(SuperviseMode::Listen), Some(SuperviseMode::Barge)];
                    let request = AgentRequest::Supervise(mode[chance.below(3) as usize]);
                    let now = Now { at: house.now, wall: WallTime(0) };
                    let (sam, out) = ("sam".into(), &mut Vec::new());
                    // Refused more often than not.
                    let _ = house.switchboard.request(now, call, &sam, request, &mut house.streams, out);
                }
                2 => house.ask(socket, Ask::Call { number: "1000".into(), offer: String::new() }),
                3 => house.ask(socket, Ask::PickUp { call }),
                4 => house.ask(socket, Ask::HangUp { call: Some(call).filter(|_| chance.below(2) == 0) }),
                5 => house.ask(socket, Ask::Gone),
                6 => house.ask(socket, Ask::Key { digit: '1' }),
                7 => house.ask(socket, Ask::Reject { call }),
                8 => house.wait(Duration::from_secs(chance.below(20))),
                9 => {
                    if let Some(connection) = any {
                        house.browser(BrowserEvent::Over { connection, why: "chance".to_owned() });
                        // The port has forgotten it.
                        house.streams.connections.remove(&connection);
                    }
                }
                10 => {
                    if let Some(connection) = any {
                        house.browser(BrowserEvent::Silent { connection });
                    }
                }
                _ => {
                    if let Some(connection) = any {
                        let (sdp, agreed) = (String::new(), agreed(Codec::Pcmu));
                        house.browser(BrowserEvent::Answered { connection, sdp, agreed });
                        house.browser(BrowserEvent::Up { connection });
                    }
                }
            }
        }
        (1..=5).for_each(|socket| house.ask(socket, Ask::Gone));
        house.wait(Duration::from_secs(1_000));
        let left =
            (house.streams.open.len(), house.streams.connections.len(), house.switchboard.live_calls());
        assert_eq!(left, (0, 0, 0), "seed {seed}");
        assert!(
            house.switchboard.sockets.is_empty() && house.switchboard.connections.is_empty(),
            "seed {seed}"
        );
        assert!(
            house.switchboard.desks.is_empty() && house.switchboard.web_callers.is_empty(),
            "seed {seed}"
        );
        let state = house.state(ALICE);
        assert!(matches!(state, AgentState::NotReady(_) | AgentState::Offline), "seed {seed}: {state:?}");
    }
}

impl House {
    fn request(&mut self, call: CallId, who: &str, request: AgentRequest) -> Result<(), String> {
        let now = Now { at: self.now, wall: WallTime(0) };
        let mut out = Vec::new();
        let done = self.switchboard.request(now, call, &who.into(), request, &mut self.streams, &mut out);
        self.take(out);
        for event in self.streams.closed() {
            self.tell(Input::Media(event));
        }
        done.map(drop).map_err(|error| error.to_string())
    }

    fn wants(&mut self, agent: &str, wish: AgentWish) {
        let agent = self.switchboard.agent(agent).unwrap();
        self.tell(Input::AgentWants { agent, wish, by: None });
    }
}

fn lets_bob(agreed: bool) -> AgentRequest {
    AgentRequest::LetListen { who: "bob".into(), agreed }
}

#[test]
fn an_agent_listens_while_they_take_no_calls_and_no_longer() {
    let mut house = House::new();
    house.desk(1, ALICE);
    let call = house.caller(2);
    house.ask(1, Ask::PickUp { call });
    let ask = |house: &mut House| house.request(call, "bob", AgentRequest::Listen);
    assert_eq!(ask(&mut house), Err("bob is signed out".to_owned()));
    let desk = house.desk(3, "bob");
    assert_eq!(ask(&mut house), Err("bob is ready for calls".to_owned()));
    house.wants("bob", AgentWish::NotReady("to learn".into()));
    ask(&mut house).unwrap();
    assert_eq!(house.carried_by(call, 2), None, "nothing is heard before a yes");
    house.request(call, ALICE, lets_bob(true)).unwrap();
    assert_eq!(house.carried_by(call, 2), Some(desk), "at once: the desk need not ring");
    let ended = What::ListeningEnded { listener: "bob".into() };
    assert!(!house.has(&ended));
    house.wants("bob", AgentWish::NotReady("lunch".into()));
    assert!(!house.has(&ended), "that is no call");

    // Who is ready takes the next call, and hears no other one.
    house.wants("bob", AgentWish::Ready);
    assert!(house.has(&ended));
    let next = house.caller(4);
    assert_eq!(house.state("bob"), AgentState::Ringing(next));
    assert_eq!(ask(&mut house), Err("bob is being rung for a call".to_owned()));
    house.ask(3, Ask::PickUp { call: next });
    assert_eq!(house.state("bob"), AgentState::Talking(next), "the desk was free for it");
    house.ask(4, Ask::HangUp { call: None });

    // In wrap-up they may; the wish falls when that is over, and a yes is too late.
    assert_eq!(house.state("bob"), AgentState::WrapUp);
    ask(&mut house).unwrap();
    assert_eq!(ask(&mut house), Err("bob listens to a talk, or asks to, already".to_owned()));
    house.wants("bob", AgentWish::Ready);
    assert!(house.has(&What::ListeningLapsed { by: "bob".into() }));
    assert_eq!(house.request(call, ALICE, lets_bob(true)), Err("bob does not ask to listen".to_owned()));

    house.wants("bob", AgentWish::NotReady("to learn".into()));
    ask(&mut house).unwrap();
    house.request(call, ALICE, lets_bob(true)).unwrap();
    house.ask(3, Ask::Gone);
    house.wait(2 * GRACE);
    assert_eq!(house.facts.iter().filter(|what| **what == ended).count(), 2, "the desk is gone");
    assert_eq!(house.state(ALICE), AgentState::Talking(call));
    assert!(house.switchboard.listening.is_empty());
}

#[test]
fn who_listens_is_let_go_of_with_the_call_and_may_listen_to_another() {
    let mut house = House::new();
    house.desk(1, ALICE);
    house.desk(3, "bob");
    house.wants("bob", AgentWish::NotReady("to learn".into()));
    for _ in 0..2 {
        let call = house.caller(2);
        house.ask(1, Ask::PickUp { call });
        house.request(call, "bob", AgentRequest::Listen).unwrap();
        house.request(call, ALICE, lets_bob(true)).unwrap();
        assert_eq!(house.switchboard.listening.get("bob"), Some(&call));
        house.ask(2, Ask::HangUp { call: None });
        house.wants(ALICE, AgentWish::Ready);
        assert!(house.switchboard.listening.is_empty());
        assert!(house.switchboard.desk_can_ring(AgentId(1)));
    }
    assert_eq!(house.state("bob"), AgentState::NotReady("to learn".into()));
}

#[test]
fn what_is_asked_of_a_call_is_written_down_at_once() {
    let mut house = House::new();
    house.switchboard.changed = Changed::new(true);
    house.desk(1, ALICE);
    let call = house.caller(2);
    house.ask(1, Ask::PickUp { call });
    house.desk(3, "bob");
    house.wants("bob", AgentWish::NotReady("to learn".into()));
    house.switchboard.take_changes();
    house.request(call, "bob", AgentRequest::Listen).unwrap();
    let written: Vec<CallId> = house.switchboard.take_changes().calls.into_iter().map(|(id, _)| id).collect();
    assert_eq!(written, [call], "whose answer is awaited is so after a crash");
}

#[test]
fn who_has_no_phone_is_not_ready_and_a_desk_is_one_while_it_may_come_back() {
    let mut house = House::new();
    let wants = |house: &House, wish: AgentWish| {
        let alice = house.switchboard.agent(ALICE).unwrap();
        house.switchboard.may_want(alice, &wish).map_err(|refusal| refusal.to_string())
    };
    let no_phone = Err("no phone of alice is signed in".to_owned());
    assert_eq!(wants(&house, AgentWish::Ready), no_phone);
    assert_eq!(wants(&house, AgentWish::NotReady("lunch".into())), Ok(()));
    assert_eq!(wants(&house, AgentWish::Offline), Ok(()));

    house.ask(1, Ask::OpenDesk { agent: ALICE.into(), offer: "offer".to_owned() });
    assert_eq!(wants(&house, AgentWish::Ready), no_phone, "it connects yet");
    house.connects(Codec::Pcmu);
    assert_eq!(wants(&house, AgentWish::Ready), Ok(()));
    house.ask(1, Ask::Gone);
    assert_eq!(wants(&house, AgentWish::Ready), Ok(()), "it may come back");
    house.wait(GRACE + Duration::from_millis(1));
    assert_eq!(house.state(ALICE), AgentState::NotReady(DESK_LOST.into()));
    assert_eq!(wants(&house, AgentWish::Ready), no_phone);
}

/// Who has left is shut out: these are the users from now on.
fn shut_out(house: &mut House, who: &[&str]) {
    let people = who.iter().map(|name| Name::from(*name)).collect();
    house.tell(Input::Accounts { users: Users::default(), shut_out: people });
}

#[test]
fn who_has_left_the_company_has_no_desk_any_more_and_gets_no_call() {
    let mut house = House::new();
    house.desk(1, "alice");
    let alice = house.switchboard.agent("alice").unwrap();
    assert_eq!(house.switchboard.engine().agent_state(alice), Some(&AgentState::Ready));
    shut_out(&mut house, &["alice"]);
    assert!(house.told.contains(&(SocketId(1), Tell::Over { again: false })), "{:?}", house.told);
    assert_eq!(house.switchboard.engine().agent_state(alice), Some(&AgentState::Offline));
    house.ask(2, Ask::OpenDesk { agent: "alice".into(), offer: "offer".to_owned() });
    let refused = |told: &(SocketId, Tell)| matches!(told, (SocketId(2), Tell::Error { error, .. }) if error == "this account is shut out");
    assert!(house.told.iter().any(refused), "{:?}", house.told);
    // And is let in again.
    shut_out(&mut house, &[]);
    house.desk(3, "alice");
    assert_eq!(house.switchboard.engine().agent_state(alice), Some(&AgentState::Ready));
}

#[test]
fn a_caller_keeps_the_agent_who_is_shut_out_until_they_have_talked() {
    let mut house = House::new();
    house.desk(1, "alice");
    let call = house.caller(2);
    house.ask(1, Ask::PickUp { call });
    house.told.clear();
    shut_out(&mut house, &["alice"]);
    house.wait(Duration::from_secs(60));
    shut_out(&mut house, &["alice"]);
    assert!(house.switchboard.has_call(call) && house.told.is_empty(), "{:?}", house.told);
    house.ask(2, Ask::HangUp { call: None });
    shut_out(&mut house, &["alice"]);
    assert!(house.told.contains(&(SocketId(1), Tell::Over { again: false })), "{:?}", house.told);
    let alice = house.switchboard.agent("alice").unwrap();
    house.wait(Duration::from_secs(3_600));
    assert_eq!(house.switchboard.engine().agent_state(alice), Some(&AgentState::Offline));
}
