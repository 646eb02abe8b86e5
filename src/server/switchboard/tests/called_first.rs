//! Callers who are called back before an agent's phone rings, in the whole house.

use super::*;
use crate::fact::AgentStateName;
use crate::server::Rules;
use crate::server::desk::PartPhase;
use crate::sip::api::EndCause;

/// What the queue says beside the rest.
pub(super) const SAID: &str = ", callback_first: customer, callback_wait: 15s, callback_spacing: 30s";

/// As `SAID` has it, and how long a phone rings.
const WAITS: Duration = Duration::from_secs(15);
const RINGS: Duration = Duration::from_secs(25);

/// What the facts say of a call so far.
#[derive(Default)]
struct Told {
    /// Whether the caller's phone rings, or they have picked up, for a callback.
    called: bool,
    /// Since when they are on the line without an agent's phone ringing.
    alone: Option<WallTime>,
    /// Whose phones ring, or were picked up and they do not have the caller yet.
    rings: BTreeSet<Name>,
    /// Whose did until something ended that, and may be told to have rung in vain.
    rang: BTreeSet<Name>,
}

impl Told {
    /// Takes a fact in; what must not be.
    fn learn(&mut self, wall: WallTime, what: &What) {
        // What the next server says of a try that was under way as far as it knows: the end of it may have been lost.
        let of_the_next = matches!(what, What::CallbackFailed { cause, .. } if cause == "the server stopped");
        if let Some(since) = self.alone.filter(|_| !of_the_next) {
            let alone = wall.since(since);
            assert!(alone <= WAITS, "who picked up was without an agent for {alone:?}, then {what:?}");
        }
        match what {
            What::AgentReserved { .. } => assert!(self.rings.is_empty(), "a phone rings already"),
            What::CallbackDialled { .. } => {
                assert!(!self.called, "called twice at once");
                self.called = true;
            }
            What::CallbackReached { .. } => {
                assert!(self.called, "picked up what did not ring");
                self.alone = Some(wall);
            }
            What::AgentRinging { agent, .. } => {
                assert!(self.rings.insert(agent.clone()), "{agent} is rung twice");
                (self.rang, self.alone) = (BTreeSet::new(), None);
            }
            What::AgentMissed { agent, .. } => {
                assert!(
                    self.rings.remove(agent) | self.rang.remove(agent),
                    "{agent} missed what did not ring"
                );
                self.alone = (self.called && self.rings.is_empty()).then_some(wall);
            }
            // Of who had picked up, while the caller heard who calls, nothing more is told.
            What::CallbackFailed { .. } | What::CallbackCancelled { .. } => {
                (self.called, self.alone) = (false, None);
                self.rang = std::mem::take(&mut self.rings);
            }
            // The server was started anew.
            What::PlaceRecalled { .. } => *self = Told::default(),
            What::AgentConnected { .. } | What::Enqueued { .. } | What::WaitEnded { .. } => {
                *self = Told { rang: std::mem::take(&mut self.rings), ..Told::default() };
            }
            _ => {}
        }
    }
}

impl World {
    /// Nobody is called twice at once or left alone on the line, and no agent is reserved for longer than a phone rings.
    pub(super) fn check_called_first(&self) {
        let mut calls: BTreeMap<CallId, Told> = BTreeMap::new();
        let mut reserved: BTreeMap<Name, WallTime> = BTreeMap::new();
        let first = |fact: &Fact| matches!(fact.what, What::AgentReserved { .. });
        if !self.facts.iter().any(first) {
            return;
        }
        for (fact, wall) in self.facts.iter().zip(&self.walls) {
            if let Some(call) = fact.call {
                calls.entry(call).or_default().learn(*wall, &fact.what);
            }
            if let What::AgentState { agent, from, to, .. } = &fact.what {
                let since = reserved.remove(agent).filter(|_| *from == AgentStateName::Reserved);
                let long = since.map(|since| wall.since(since));
                assert!(long.is_none_or(|long| long <= RINGS), "{agent} was reserved for {long:?}");
                if *to == AgentStateName::Reserved {
                    reserved.insert(agent.clone(), *wall);
                }
            }
        }
    }
}

/// Screens that show the test center.
pub(super) fn screens() -> Live {
    Live::new(WallTime(0), Rules::named(&["alice", "bob"], &["help"]))
}

impl World {
    /// Whose desk or place on the wallboard says that their phone rings for a call is that call's.
    pub(super) fn check_screens(&self, live: &Live) {
        let engine = self.switchboard.engine();
        let is_of = |name: &str, call: CallId| {
            let agent = self.switchboard.agent(name).expect("an agent of the test center");
            let state = engine.agent_state(agent).expect("an agent of the test center");
            let shown = matches!(state, AgentState::Ringing(of) | AgentState::Talking(of) if *of == call);
            assert!(shown, "{name} is shown with call {call}, and is {state:?}");
        };
        for name in ["alice", "bob"] {
            let calls = live.desks.view(name).calls.into_iter();
            calls
                .filter(|(part, _)| part.phase == PartPhase::Ringing)
                .for_each(|(_, call)| is_of(name, call.id));
        }
        for call in live.calls() {
            call.ringing.iter().for_each(|name| is_of(name, call.id));
        }
    }
}

/// The caller hangs up while they hear who calls: the agent has picked up, and does not have them yet.
#[test]
fn who_picked_up_for_a_caller_who_hangs_up_in_the_greeting_is_shown_with_them_no_more() {
    let mut entropy = Entropy::seeded(1);
    let always = "contact: 'sip:alice@10.0.0.3:5060', ready: always";
    let center = CENTER.replace("max_wait: 3m", &format!("max_wait: 3m{SAID}")).replacen(
        "ready: when registered",
        always,
        1,
    );
    let center = Arc::new(center_of(&center, GREET));
    let mut switchboard = Switchboard::new(parts(center, CallId(9), &mut entropy));
    let (mut out, mut streams) = (Vec::new(), FakeStreams::with_ports(100));
    let (live, mut told, mut dialled, place) = (screens(), Told::default(), 0, recall::a_place());
    let call = place.kept.call;
    let arrived = Fact { at: Timestamp::ZERO, call: Some(call), what: place.facts[0].clone() };
    live.apply(&live.dated(arrived));
    let clock = |secs: u64| Now { at: Timestamp::from_secs(secs), wall: WallTime(secs as i64 * 1_000_000) };
    switchboard.recall_places(clock(0), vec![place], &mut streams, &mut out);
    // How often the caller was dialled, and whether a phone rings for them: by the wallboard, the board and alice's desk.
    let mut then = |secs: u64, event: Option<sip::Event>| {
        switchboard.pending.extend(event.map(Pending::Sip));
        switchboard.handle(clock(secs), Input::Tick, &mut streams, &mut out);
        for output in out.drain(..) {
            let Output::Fact(fact) = output else { continue };
            if fact.call == Some(call) {
                told.learn(clock(secs).wall, &fact.what);
                dialled += u32::from(matches!(fact.what, What::CallbackDialled { .. }));
            }
            live.apply(&live.dated(fact));
        }
        let rings = live.call(call).is_some_and(|call| !call.ringing.is_empty());
        let waits = live.board.waiting().iter().any(|wait| !wait.rings.is_empty());
        (dialled, rings, waits, !live.desks.view("alice").calls.is_empty())
    };
    let answers = |session, host| Some(sip::Event::Answered { session, sdp: Some(sdp_of(host).into()) });
    let (caller, phone) = (SessionId(1 << 63), SessionId((1 << 63) + 1));
    assert_eq!(then(25, None), (1, false, false, false), "the caller is called, alice is reserved");
    assert_eq!(then(30, answers(caller, CALLER)), (1, true, true, true), "alice's phone rings");
    assert_eq!(then(31, answers(phone, ALICE)), (1, true, true, true), "she waits for the greeting's end");
    let hangs_up = sip::Event::Ended { session: caller, cause: EndCause::Bye };
    assert_eq!(then(31, Some(hangs_up)), (1, false, false, false), "she is free again");
    assert_eq!(then(61, None), (2, false, false, false), "and reserved for them anew");
}

#[test]
fn whoever_is_called_first_has_an_agent_soon_or_is_told_so_and_keeps_their_place() {
    let mut met: BTreeMap<&str, u32> = BTreeMap::new();
    for seed in (0..240).step_by(3) {
        let checked = catch_unwind(AssertUnwindSafe(|| {
            let mut world = World::new(seed);
            world.wants_callbacks = true;
            world.live = Some(screens());
            world.run_until(Timestamp::from_secs(6 * 3_600));
            world.check_quiet();
            let (mut talked, mut reached) = (false, BTreeSet::new());
            for fact in &world.facts {
                let Some(call) = fact.call else { continue };
                let what = match &fact.what {
                    What::AgentReserved { .. } => "reserved",
                    What::CallbackReached { .. } => {
                        reached.insert(call);
                        "reached"
                    }
                    What::CallbackCancelled { .. } => "cancelled",
                    What::CallbackFailed { cause, .. } if cause == "no answer" => "not answered",
                    What::CallbackFailed { cause, .. } if cause == "SIP status 486" => "busy",
                    What::CallbackFailed { cause, .. } if cause == "no agent took them in time" => {
                        "not served"
                    }
                    What::AgentConnected { .. } if reached.contains(&call) => {
                        talked = true;
                        "talked"
                    }
                    _ => continue,
                };
                *met.entry(what).or_default() += 1;
            }
            talked
        }));
        assert!(checked.is_ok(), "seed {seed}");
    }
    let rare = ["reserved", "reached", "cancelled", "not answered", "busy", "not served", "talked"];
    let rare: Vec<&str> = rare.into_iter().filter(|what| met.get(what).is_none_or(|n| *n < 3)).collect();
    assert!(rare.is_empty(), "hardly ever met {rare:?} in {met:?}");
}

#[test]
fn who_has_two_places_is_called_by_one_call_at_a_time() {
    let mut entropy = Entropy::seeded(1);
    let center = center_of(&CENTER.replace("max_wait: 3m", &format!("max_wait: 3m{SAID}")), GREET);
    let mut switchboard = Switchboard::new(parts(Arc::new(center), CallId(9), &mut entropy));
    let (mut out, mut streams) = (Vec::new(), FakeStreams::with_ports(100));
    let clock = |secs: u64| Now { at: Timestamp::from_secs(secs), wall: WallTime(secs as i64 * 1_000_000) };
    let place = |call| {
        let mut place = recall::a_place();
        place.kept.call = CallId(call);
        place
    };
    switchboard.recall_places(clock(0), vec![place(7), place(8)], &mut streams, &mut out);
    for name in ["alice", "bob"] {
        let (agent, wish) = (switchboard.agent(name).expect("an agent of the test center"), AgentWish::Ready);
        switchboard.handle(clock(1), Input::AgentWants { agent, wish, by: None }, &mut streams, &mut out);
    }
    out.clear();
    switchboard.handle(clock(25), Input::Tick, &mut streams, &mut out);
    let invites =
        |output: &&Output| matches!(output, Output::Send { bytes, .. } if bytes.starts_with(b"INVITE"));
    assert_eq!(out.iter().filter(invites).count(), 1, "one call, and the other place waits");
    let told = |call, what: fn(&What) -> bool| {
        let of_call = |output: &&Output| matches!(output, Output::Fact(fact) if fact.call == Some(CallId(call)) && what(&fact.what));
        out.iter().filter(of_call).count()
    };
    let failed =
        |what: &What| matches!(what, What::CallbackFailed { cause, .. } if cause == "SIP status 486");
    assert_eq!((told(7, failed), told(8, failed)), (0, 1));
    let states = [AgentId(0), AgentId(1)].map(|agent| switchboard.engine().agent_state(agent).cloned());
    assert!(
        states.contains(&Some(AgentState::Reserved(CallId(7)))) && states.contains(&Some(AgentState::Ready))
    );
}
