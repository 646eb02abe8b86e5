//! Callers who are called back before an agent's phone rings, in the whole house.

use super::*;
use crate::fact::AgentStateName;

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
    rings: usize,
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
            What::AgentReserved { .. } => assert_eq!(self.rings, 0, "a phone rings already"),
            What::CallbackDialled { .. } => {
                assert!(!self.called, "called twice at once");
                self.called = true;
            }
            What::CallbackReached { .. } => {
                assert!(self.called, "picked up what did not ring");
                self.alone = Some(wall);
            }
            What::AgentRinging { .. } => (self.rings, self.alone) = (self.rings + 1, None),
            What::AgentMissed { .. } => {
                self.rings -= 1;
                self.alone = (self.called && self.rings == 0).then_some(wall);
            }
            What::CallbackFailed { .. } | What::CallbackCancelled { .. } => {
                (self.called, self.alone) = (false, None);
            }
            // The server was started anew.
            What::PlaceRecalled { .. } => *self = Told::default(),
            What::AgentConnected { .. } | What::Enqueued { .. } | What::WaitEnded { .. } => {
                (self.called, self.alone, self.rings) = (false, None, 0);
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

#[test]
fn whoever_is_called_first_has_an_agent_soon_or_is_told_so_and_keeps_their_place() {
    let mut met: BTreeMap<&str, u32> = BTreeMap::new();
    for seed in (0..240).step_by(3) {
        let checked = catch_unwind(AssertUnwindSafe(|| {
            let mut world = World::new(seed);
            world.wants_callbacks = true;
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
