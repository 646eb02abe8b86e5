//! An agent's own phone hands a caller on: what it dials, and its Transfer button. The phones' messages are the
//! endpoint's business; here is what becomes of them.

use super::tests::FakeStreams;
use super::*;
use crate::fact::Target;
use crate::fact::TransferKind;
use crate::flow::Center;
use crate::server::canary::Edition;
use crate::server::trunks::setup::Bound;
use crate::sip::Event;
use crate::sip::Transport;
use crate::sip::api::Incoming;
use crate::sip::api::Refer;
use crate::sip::endpoint::EndpointConfig;
use crate::sip::uri::NameAddr;

pub(super) const CENTER: &str = "
company: Test
language: en
numbers: { 1000: straight }
skills: [talk, more]
queues:
  help: { needs: talk >= 1, permission: ask }
  strict: { needs: more >= 1, blind_transfer: no }
agents:
  alice: { skills: { talk: 5 }, contact: 'sip:alice@10.0.0.3:5060', ready: always, extension: 201 }
  bob: { skills: { more: 3 }, contact: 'sip:bob@10.0.0.4:5060', ready: always, extension: 202 }
";

const STRAIGHT: &str = "
flow: straight
start: queue
nodes:
  queue: { enqueue: help }
";

const PROMPTS: &str = "wait/all-busy wait/less-than wait/question wait/question-hold wait/granted wait/declined \
    wait/callback-promised wait/check-in wait/sorry wait/agent-calling-back wait/callback-greeting hold-music \
    transfer/colleague";

pub(super) const SDP: &str = "v=0\r\no=- 1 1 IN IP4 10.0.0.9\r\ns=-\r\nc=IN IP4 10.0.0.9\r\nt=0 0\r\n\
                   m=audio 4000 RTP/AVP 0\r\n";

pub(super) const CALL: CallId = CallId(1);
pub(super) const CALLER: SessionId = SessionId(1);
/// Alice's second line, which she dials.
const SECOND: SessionId = SessionId(2);
/// Her phone, which was rung for the caller, and bob's, which was rung after it.
pub(super) const ALICE: SessionId = SessionId(1 << 63);
const BOB: SessionId = SessionId((1 << 63) + 1);

pub(super) struct House {
    pub(super) switchboard: Switchboard,
    pub(super) streams: FakeStreams,
    pub(super) facts: Vec<What>,
}

pub(super) const NOW: Now = Now { at: Timestamp::from_secs(1), wall: WallTime(0) };

fn center_of(center: &str, roster: &[Name]) -> Center {
    let file = |name: &str, text: &str| (name.to_owned(), text.to_owned());
    let files = [file("center.yaml", center), file("straight.yaml", STRAIGHT)];
    let prompts = PROMPTS.split_whitespace().map(str::to_owned).chain(crate::flow::say::prompts("en"));
    let read = crate::flow::load_beside(&files, &prompts.collect(), roster);
    read.expect("the center is well-formed").0
}

impl House {
    /// Somebody talks with alice.
    pub(super) fn new() -> House {
        let mut house = House::of(CENTER);
        house.incoming(CALLER, "1000", None);
        house.picks_up(ALICE);
        assert!(house.has("agent_connected"), "{:?}", house.facts);
        house
    }

    /// Of another center, in which nobody has called yet.
    pub(super) fn of(center: &str) -> House {
        let center = center_of(center, &[]);
        let entropy = Entropy::seeded(1);
        let parts = Parts {
            endpoint: Endpoint::new(EndpointConfig::default(), entropy.clone()),
            center: Arc::new(center),
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
            first_call: CALL,
            max_calls: 8,
            log_queue: false,
            journal: false,
        };
        let (switchboard, streams) = (Switchboard::new(parts), FakeStreams::with_ports(8));
        House { switchboard, streams, facts: Vec::new() }
    }

    pub(super) fn sip(&mut self, event: Event) {
        self.switchboard.pending.push_back(Pending::Sip(event));
        let mut out = Vec::new();
        self.switchboard.settle(NOW, &mut self.streams, &mut out);
        self.hear(out);
    }

    /// The center's file is this from now on.
    pub(super) fn serves(&mut self, center: &str) {
        let roster = self.switchboard.parts.center.engine.roster_names();
        let center = Arc::new(center_of(center, &roster));
        let all = Edition { version: "another".into(), center, library: Arc::default() };
        self.tell(Input::Serve(Box::new(Served { all, canary: None })));
    }

    pub(super) fn ticks(&mut self) {
        self.tell(Input::Tick);
    }

    /// A caller's line is answered.
    pub(super) fn answers(&mut self, leg: LegId) {
        let mut out = Vec::new();
        self.switchboard.answer(NOW, leg, &mut self.streams, &mut out);
        self.hear(out);
    }

    /// A worker tells this.
    pub(super) fn tells(&mut self, event: MediaEvent) {
        self.tell(Input::Media(event));
    }

    /// Streams that were to close have.
    pub(super) fn closes(&mut self) {
        for event in self.streams.closed() {
            self.tells(event);
        }
    }

    pub(super) fn tell(&mut self, input: Input) {
        let mut out = Vec::new();
        self.switchboard.handle(NOW, input, &mut self.streams, &mut out);
        self.hear(out);
    }

    fn hear(&mut self, out: Vec<Output>) {
        let facts = out.into_iter().filter_map(|output| match output {
            Output::Fact(fact) => Some(fact.what),
            _ => None,
        });
        self.facts.extend(facts);
    }

    pub(super) fn incoming(&mut self, session: SessionId, dialled: &str, user: Option<&str>) {
        self.replacing(session, dialled, user, None);
    }

    fn replacing(
        &mut self,
        session: SessionId,
        dialled: &str,
        user: Option<&str>,
        replaces: Option<SessionId>,
    ) {
        let uri = |user: &str| Uri::sip(Some(user), "10.0.0.1", None);
        let remote = "10.0.0.9:5060".parse().unwrap();
        let hop = Hop { transport: Transport::Udp, local: "10.0.0.1:5060".parse().unwrap(), remote };
        let from = NameAddr::of(Uri::sip(user, "10.0.0.9", None));
        self.sip(Event::Incoming(Box::new(Incoming {
            session,
            hop,
            back: hop,
            sip_call_id: "abc".to_owned(),
            uri: uri(dialled),
            caller: Some(from.clone()),
            from,
            to: NameAddr::of(uri(dialled)),
            contact: uri("there"),
            trunk: None,
            user: user.map(Name::from),
            replaces,
            sdp: Some(SDP.into()),
        })));
    }

    pub(super) fn picks_up(&mut self, session: SessionId) {
        self.sip(Event::Answered { session, sdp: Some(SDP.into()) });
    }

    fn keys(&mut self, session: SessionId, digit: char) {
        let leg = self.switchboard.sessions[&session];
        self.switchboard.later(CALL, CallEvent::Digit { leg, digit });
        self.sip(Event::Progressed { session: SessionId(99), status: 180, sdp: None });
    }

    /// The phone's Transfer button; why it was refused, if it was.
    fn refers(&mut self, session: SessionId, to: &str, replaces: Option<SessionId>) -> Option<String> {
        let by = Some(NameAddr::of(Uri::sip(Some("alice"), "10.0.0.1", None)));
        let to = Uri::sip(Some(to), "10.0.0.1", None);
        self.sip(Event::Refer(Box::new(Refer { session, to, replaces, by })));
        let last = self.facts.iter().rev().find_map(|what| match what {
            What::Referred { refused, referred_by, .. } => {
                assert_eq!(referred_by.as_deref(), Some("sip:alice@10.0.0.1"));
                Some(refused.clone())
            }
            _ => None,
        });
        last.expect("what was asked is told")
    }

    fn has(&self, fact: &str) -> bool {
        self.facts.iter().any(|what| serde_json::to_value(what).unwrap()["fact"] == fact)
    }

    fn transfer(&self) -> Option<(Target, TransferKind)> {
        self.facts.iter().find_map(|what| match what {
            What::Transferred { to, kind, .. } => Some((to.clone(), *kind)),
            _ => None,
        })
    }
}

#[test]
fn a_transfer_button_follows_the_same_policy_as_the_desk() {
    let mut house = House::new();
    let strict = house.refers(ALICE, "strict", None);
    assert_eq!(strict.as_deref(), Some("the queue strict takes and gives no calls without a note"));
    let number = house.refers(ALICE, "+12025550199", None);
    assert_eq!(number.as_deref(), Some("a number outside gets no call without a note"));
    assert!(house.refers(ALICE, "nobody", None).is_some_and(|why| why.contains("\"nobody\"")));
    assert_eq!(house.refers(ALICE, "201", None).as_deref(), Some("alice is talking with somebody else"));
    assert_eq!(house.transfer(), None);
    assert_eq!(house.refers(ALICE, "202", None), None);
    assert_eq!(house.transfer(), Some((Target::Agent("bob".into()), TransferKind::Blind)));
    house.picks_up(BOB);
    assert_eq!(house.facts.iter().filter(|what| matches!(what, What::AgentConnected { .. })).count(), 2);
}

#[test]
fn a_phone_that_hangs_up_when_it_may_not_hand_on_leaves_the_caller_to_the_queue() {
    let mut house = House::new();
    assert!(house.refers(ALICE, "strict", None).is_some());
    house.sip(Event::Ended { session: ALICE, cause: crate::sip::api::EndCause::Bye });
    assert!(!house.has("call_ended"), "{:?}", house.facts);
    assert_eq!(house.facts.iter().filter(|what| matches!(what, What::Enqueued { .. })).count(), 2);
}

#[test]
fn an_agent_goes_on_at_another_phone_of_theirs_and_nobody_else_takes_their_place() {
    let mut house = House::new();
    let leg = house.switchboard.sessions[&ALICE];
    for (user, replaced) in [(Some("bob"), ALICE), (None, ALICE), (Some("alice"), CALLER)] {
        house.replacing(SessionId(7), "1000", user, Some(replaced));
        assert!(!house.switchboard.sessions.contains_key(&SessionId(7)), "{user:?} for {replaced:?}");
    }
    assert_eq!(house.switchboard.sessions[&ALICE], leg);
    house.replacing(SessionId(8), "1000", Some("alice"), Some(ALICE));
    assert!(house.has("leg_moved"));
    assert_eq!(house.switchboard.sessions[&SessionId(8)], leg, "the call has noticed nothing");
    assert!(!house.switchboard.sessions.contains_key(&ALICE));
    assert_eq!(house.switchboard.live_calls(), 1);
    house.sip(Event::Ended { session: SessionId(8), cause: crate::sip::api::EndCause::Bye });
    assert!(house.has("call_ended") || house.has("talk_ended"), "{:?}", house.facts);
}

#[test]
fn a_caller_hands_nobody_on() {
    let mut house = House::new();
    let to = Uri::sip(Some("202"), "10.0.0.1", None);
    house.sip(Event::Refer(Box::new(Refer { session: CALLER, to, replaces: None, by: None })));
    assert_eq!((house.has("referred"), house.transfer()), (false, None));
}

#[test]
fn an_attended_transfer_completes_the_consult_that_the_phone_dialled_once_the_note_is_acknowledged() {
    let mut house = House::new();
    house.incoming(SECOND, "202", Some("alice"));
    assert!(house.has("hold_asked") && !house.has("consult_started"), "{:?}", house.facts);
    assert_eq!(house.switchboard.live_calls(), 1, "it is no call of its own");
    house.keys(CALLER, '1');
    assert!(house.has("hold_started") && house.has("consult_ringing"), "{:?}", house.facts);
    let refused = house.refers(ALICE, "202", Some(SECOND));
    assert_eq!(refused.as_deref(), Some("nobody has picked up for the consult yet"));
    house.picks_up(BOB);
    let refused = house.refers(ALICE, "202", Some(SECOND));
    assert_eq!(refused.as_deref(), Some("the note has not been acknowledged yet"));
    let refused = house.refers(ALICE, "202", Some(CALLER));
    assert_eq!(refused.as_deref(), Some("that line is no consult of this call"));
    house.keys(BOB, '1');
    assert_eq!(house.refers(SECOND, "202", Some(ALICE)), None, "from either of the two lines");
    assert_eq!(house.transfer(), Some((Target::Agent("bob".into()), TransferKind::Warm)));
    assert!(!house.switchboard.sessions.contains_key(&ALICE), "alice is free");
    assert!(!house.switchboard.sessions.contains_key(&SECOND));
}

#[test]
fn a_caller_who_will_not_wait_ends_the_second_line_and_not_the_first() {
    let mut house = House::new();
    house.incoming(SECOND, "202", Some("alice"));
    house.keys(CALLER, '2');
    assert!(!house.has("consult_started"));
    assert!(!house.switchboard.sessions.contains_key(&SECOND));
    assert!(house.switchboard.sessions.contains_key(&ALICE));
    house.incoming(SECOND, "999", Some("alice"));
    assert!(!house.has("consult_started"), "nobody is reached by that");
}
