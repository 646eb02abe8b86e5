//! Every order of events, up to a depth, over a call in talk: the real call and the real queue engine, and
//! whatever agents, callers, phones and clocks may do next. After each event it is checked what must never be:
//! the path that fails is printed.
//!
//! `WARMLINE_DEPTH` looks further than the usual depth.

mod away;
mod by_phone;
mod conference;
mod escalation;
mod listen;
mod placed;
mod reached;
mod several;
mod spoken_note;
mod survey;
mod told;
mod whisper;

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::collections::HashSet;
use std::collections::VecDeque;
use std::fmt::Write;
use std::hash::DefaultHasher;
use std::hash::Hash;
use std::hash::Hasher;
use std::rc::Rc;
use std::sync::LazyLock;

use crate::call::by_phone::SecondLine;
use crate::call::conference::MOST_PARTIES;
use crate::call::consult::Stage;
use crate::call::hearing::Legs;
use crate::call::request::AgentRequest;
use crate::call::*;
use crate::fact::HoldAnswer;
use crate::fact::HoldBy;
use crate::fact::HoldWay;
use crate::fact::SuperviseMode;
use crate::fact::Target;
use crate::fact::note::NoteDraft;
use crate::fact::recording::spoken_note;
use crate::flow::center::Trunk;
use crate::media::Record;
use crate::media::Tracks;
use crate::queue::Action;
use crate::queue::Engine;
use crate::queue::api::AgentState;
use crate::queue::api::AgentWish;
use told::Told;

const CENTER: &str = "
company: Test
language: en
numbers: { 1000: straight }
skills: [talk]
queues:
  help: { needs: talk >= 1, permission: ask, wrap_up: 5s, ring: 20s, max_wait: 3m }
agents:
  alice: { skills: { talk: 5 }, ready: when registered }
  bob: { skills: { talk: 3 }, ready: when registered }
trunks:
  out: { from: [192.0.2.1], out: 192.0.2.1:5060 }
escalation:
  senior: { to: { agent: bob }, within: 15s, next: owner }
  owner: { to: { number: \"+12025550199\" }, promise: { kind: callback, within: 4h } }
";

const STRAIGHT: &str = "
flow: straight
start: queue
nodes:
  queue: { enqueue: help }
";

const PROMPTS: &str = "wait/all-busy wait/less-than wait/question wait/question-hold wait/granted wait/declined \
    wait/callback-promised wait/check-in wait/sorry wait/agent-calling-back wait/callback-greeting hold-music \
    recording/told hold/keys-callback transfer/bob transfer/alice transfer/help transfer/outside transfer/colleague";

static TEST_CENTER: LazyLock<Center> = LazyLock::new(|| center(CENTER));

fn center(text: &str) -> Center {
    center_of(text, &[])
}

/// The center of this file, with more flows.
fn center_of(text: &str, more: &[(&str, &str)]) -> Center {
    let file = |(name, text): &(&str, &str)| ((*name).to_owned(), (*text).to_owned());
    let files = [("center.yaml", text), ("straight.yaml", STRAIGHT)];
    let files: Vec<(String, String)> = files.iter().chain(more).map(file).collect();
    let prompts =
        PROMPTS.split_whitespace().map(str::to_owned).chain(crate::flow::say::prompts("en")).collect();
    let center = crate::flow::load(&files, &prompts).expect("the test center is well-formed").0;
    assert!(matches!(&center.trunks[..], [Trunk { outbound: Some(_), .. }]));
    center
}

const CALL: CallId = CallId(7);
const CALLER: LegId = LegId::of(CALL, 0);

/// What may happen next.
#[derive(Clone, Debug)]
enum Step {
    Asks(&'static str, AgentRequest),
    CallerKeys(char),
    /// A phone that rings is picked up, or refuses.
    PicksUp(LegId),
    Refuses(LegId),
    /// A party's line ends.
    Leaves(LegId),
    WordEnds(LegId, PlayId),
    Key(LegId, char),
    /// The desk of whoever has the caller vanishes, or is back.
    Desk {
        lost: bool,
    },
    /// Alice dials somebody on a second line of her phone.
    Dials(Target),
    /// The phone of whoever has the caller puts that line on hold, or takes it back.
    Turns {
        away: bool,
    },
    /// The caller's does.
    CallerTurns {
        away: bool,
    },
    /// That of whoever is consulted does.
    ReceiverTurns {
        away: bool,
    },
    /// An agent wants to be something else.
    Wants(AgentId, AgentWish),
    /// Her phone was refused to hand the caller on.
    Refused,
    /// Time passes until the next deadline of all.
    Passes,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Line {
    Rings,
    Up,
}

/// Something still to be told within the house, as in the switchboard.
enum Pending {
    Call(CallEvent),
    Actions(Vec<CallAction>),
}

/// The call, the engine, the lines, and what the facts have told so far.
#[derive(Clone)]
struct World {
    center: &'static Center,
    call: Call,
    engine: Engine,
    now: Timestamp,
    lines: BTreeMap<LegId, Line>,
    hears: BTreeMap<LegId, Legs>,
    /// What plays, and whether it is music.
    plays: BTreeMap<LegId, (PlayId, bool)>,
    /// Who hears a spoken note.
    notes: BTreeSet<LegId>,
    told: Told,
    over: bool,
}

impl World {
    /// A caller who talks with alice.
    fn new() -> World {
        World::with_number("")
    }

    /// The same, calling from this number, which nobody knows.
    fn with_number(number: &str) -> World {
        World::in_center(&TEST_CENTER, number)
    }

    /// The same in another center.
    fn in_center(center: &'static Center, number: &str) -> World {
        let mut world = World::ringing(center, number);
        let alice = *world.lines.keys().last().expect("alice's phone rings");
        world.step(&Step::PicksUp(alice));
        if matches!(world.call.phase, Phase::Whispering(_)) {
            world.step(&Step::Key(alice, '5'));
        }
        if world.call.talk().is_some_and(|talk| talk.notice.is_some()) {
            let (notice, _) = world.plays[&CALLER];
            world.step(&Step::WordEnds(CALLER, notice));
        }
        assert!(matches!(world.call.phase, Phase::Talking(_)) && !world.told.receivers.contains_key(&alice));
        world
    }

    /// A caller for whom agents' phones ring.
    fn ringing(center: &'static Center, number: &str) -> World {
        let arrival = Arrival {
            leg: CALLER,
            number: number.to_owned(),
            claimed: None,
            display: String::new(),
            dialled: "1000".to_owned(),
            sip_call_id: "abc@host".to_owned(),
            source: "udp 127.0.0.1:5070".to_owned(),
            trunk: None,
            contact: String::new(),
            agent: None,
        };
        let now = Timestamp::ZERO;
        let mut engine = Engine::new(center.engine.clone());
        let mut actions = Vec::new();
        for agent in [AgentId(0), AgentId(1)] {
            let wish = AgentWish::Ready;
            engine.handle(now, queue::Event::AgentWants { agent, wish }, &mut Vec::new());
        }
        let call = Call::arrive(CALL, center, now, WallTime(0), arrival, &mut actions);
        let mut world = World {
            center,
            call,
            engine,
            now,
            lines: BTreeMap::from([(CALLER, Line::Up)]),
            hears: BTreeMap::new(),
            plays: BTreeMap::new(),
            notes: BTreeSet::new(),
            told: Told::default(),
            over: false,
        };
        world.settle(VecDeque::from([Pending::Actions(actions), Pending::Call(CallEvent::Found(None))]));
        world
    }

    fn step(&mut self, step: &Step) {
        let leg_event = |leg: LegId, event| Pending::Call(CallEvent::Leg { leg, event });
        let first = match step {
            Step::Asks(who, request) => {
                let (who, mut out): (Name, _) = ((*who).into(), Vec::new());
                let (now, wall) = (self.now, WallTime(0));
                let before = self.call.clone();
                let asked = self.call.request(self.center, now, wall, &who, request.clone(), &mut out);
                if asked.is_err() {
                    assert!(out.is_empty() && before == self.call, "a refusal changed something: {asked:?}");
                }
                Pending::Actions(out)
            }
            Step::Dials(to) => {
                let (leg, mut out) = (self.call.reserve_leg(), Vec::new());
                let (before, line) = (self.call.clone(), SecondLine { leg, source: "udp".to_owned() });
                let (now, wall, who) = (self.now, WallTime(0), "alice".into());
                let asked =
                    self.call.consult_by_phone(self.center, now, wall, &who, line, to.clone(), &mut out);
                if asked.is_ok() {
                    self.lines.insert(leg, Line::Up);
                } else {
                    assert!(out.is_empty() && before == self.call, "a refusal changed something: {asked:?}");
                }
                Pending::Actions(out)
            }
            Step::Wants(agent, wish) => {
                let (agent, wish) = (*agent, wish.clone());
                Pending::Actions(vec![CallAction::Queue(queue::Event::AgentWants { agent, wish })])
            }
            Step::Refused => return self.call.transfer_refused(self.now),
            Step::Turns { away } => {
                let Some(leg) = self.call.agent.as_ref().map(|line| line.leg) else { return };
                leg_event(leg, if *away { LegEvent::Held } else { LegEvent::Resumed })
            }
            Step::CallerTurns { away } => {
                leg_event(self.caller(), if *away { LegEvent::Held } else { LegEvent::Resumed })
            }
            Step::ReceiverTurns { away } => {
                let Some(leg) = self.call.consulted().map(|line| line.leg) else { return };
                leg_event(leg, if *away { LegEvent::Held } else { LegEvent::Resumed })
            }
            Step::CallerKeys(digit) => Pending::Call(CallEvent::Digit { leg: self.caller(), digit: *digit }),
            Step::Key(leg, digit) => Pending::Call(CallEvent::Digit { leg: *leg, digit: *digit }),
            Step::Desk { lost } => {
                let Some(leg) = self.call.agent.as_ref().map(|line| line.leg) else { return };
                leg_event(leg, if *lost { LegEvent::Lost } else { LegEvent::Back })
            }
            Step::PicksUp(leg) => {
                self.lines.insert(*leg, Line::Up);
                leg_event(*leg, LegEvent::Up)
            }
            Step::Refuses(leg) => {
                self.lines.remove(leg);
                return self.settle(VecDeque::from([
                    leg_event(*leg, LegEvent::Failed { status: 486 }),
                    leg_event(*leg, LegEvent::Closed { quality: Default::default() }),
                ]));
            }
            Step::Leaves(leg) => {
                self.closes(*leg);
                return self.settle(VecDeque::from([
                    leg_event(*leg, LegEvent::Ended { cause: "hung up".into() }),
                    leg_event(*leg, LegEvent::Closed { quality: Default::default() }),
                ]));
            }
            Step::WordEnds(leg, play) => {
                self.plays.remove(leg);
                Pending::Call(CallEvent::PlayEnded { leg: *leg, play: *play, stopped: false })
            }
            Step::Passes => return self.time_passes(),
        };
        self.settle(VecDeque::from([first]));
    }

    fn deadline(&self) -> Option<Timestamp> {
        [self.call.deadline(), self.engine.deadline()].into_iter().flatten().min()
    }

    /// The line of the caller, or of who was called.
    fn caller(&self) -> LegId {
        self.call.caller.unwrap_or(CALLER)
    }

    /// As in the switchboard: the engine's deadlines first, then the call's.
    fn time_passes(&mut self) {
        let Some(due) = self.deadline() else { return };
        self.now = due.max(self.now);
        let mut pending = VecDeque::new();
        if self.engine.deadline().is_some_and(|due| due <= self.now) {
            self.tell_engine(queue::Event::Tick, &mut pending);
        }
        pending.push_back(Pending::Call(CallEvent::Tick));
        self.settle(pending);
    }

    fn settle(&mut self, mut pending: VecDeque<Pending>) {
        while let Some(next) = pending.pop_front() {
            match next {
                Pending::Call(event) if !self.over => {
                    let mut out = Vec::new();
                    self.call.handle(self.center, self.now, WallTime(0), event, &mut out);
                    pending.push_front(Pending::Actions(out));
                }
                Pending::Call(_) => {}
                Pending::Actions(actions) => {
                    for action in actions {
                        self.act(action, &mut pending);
                    }
                }
            }
        }
    }

    fn tell_engine(&mut self, event: queue::Event, pending: &mut VecDeque<Pending>) {
        let mut actions = Vec::new();
        self.engine.handle(self.now, event, &mut actions);
        for action in actions {
            let (call, word) = match action {
                Action::AgentChanged { .. }
                | Action::SkillChanged { .. }
                | Action::Moved { .. }
                | Action::AgentsNamed { .. } => continue,
                Action::Enqueued { call, priority, waiting, .. } => {
                    let (queue, needs) = ("help".into(), Vec::new());
                    (call, QueueWord::Enqueued { queue, needs, priority, waiting })
                }
                Action::SurgeBegan { .. } | Action::SurgeEnded { .. } => continue,
                Action::InSurge { call } => (call, QueueWord::InSurge),
                Action::AgeRestored { call, age } => (call, QueueWord::AgeRestored { age }),
                Action::Relaxed { call, .. } => (call, QueueWord::Relaxed { needs: Vec::new() }),
                Action::HeldBack { call, idle, until } => (call, QueueWord::HeldBack { idle, until }),
                Action::AskPermission { call, quote, position } => {
                    (call, QueueWord::AskPermission { quote, position })
                }
                Action::Hold { call, until, by_flow_file } => (call, QueueWord::Hold { until, by_flow_file }),
                Action::CheckIn { call, quote, position } => (call, QueueWord::CheckIn { quote, position }),
                Action::KeepPlace { call } => (call, QueueWord::KeepPlace),
                Action::Ring { call, agent, attempt, why, .. } => {
                    let name = self.center.engine.agents[agent.0 as usize].name.clone();
                    (call, QueueWord::Ring { agent, name, attempt, why })
                }
                Action::Reserve { call, agent, why, .. } => {
                    let name = self.center.engine.agents[agent.0 as usize].name.clone();
                    (call, QueueWord::Reserve { name, why })
                }
                Action::StopCalling { call, missed } => (call, QueueWord::StopCalling { missed }),
                Action::NotServed { call } => (call, QueueWord::NotServed),
                Action::StopRing { call, agent, why } => (call, QueueWord::StopRing { agent, why }),
                Action::Connected { call, waited, quote, .. } => {
                    (call, QueueWord::Connected { waited, quote })
                }
                Action::Exit { call, exit } => (call, QueueWord::Exit { exit }),
            };
            assert_eq!(call.whole(), CALL);
            pending.push_back(Pending::Call(match call.number() {
                0 => CallEvent::Queue(word),
                number => CallEvent::Consult { number, word },
            }));
        }
    }

    fn closes(&mut self, leg: LegId) {
        self.lines.remove(&leg);
        self.plays.remove(&leg);
        self.hears.remove(&leg);
        for whom in self.hears.values_mut() {
            whom.retain(|other| *other != leg);
        }
    }

    fn act(&mut self, action: CallAction, pending: &mut VecDeque<Pending>) {
        match action {
            CallAction::HangUp { leg, .. } | CallAction::Refuse { leg, .. } => {
                if self.lines.contains_key(&leg) {
                    self.closes(leg);
                    let event = LegEvent::Closed { quality: Default::default() };
                    pending.push_back(Pending::Call(CallEvent::Leg { leg, event }));
                }
            }
            CallAction::DialAgent { leg, .. }
            | CallAction::DialCaller { leg, .. }
            | CallAction::DialNumber { leg, .. }
            | CallAction::DialUser { leg, .. } => {
                let consulting =
                    self.told.asks_in() && self.call.consulted().is_some_and(|one| one.leg == leg);
                if self.call.party(leg) == Some(Party::Listener) {
                    self.told.listens.lines.insert(leg);
                } else if let CallAction::DialUser { user, .. } = action {
                    self.told.supervisors.insert(user, leg);
                } else if consulting {
                    self.told.receivers.insert(leg, false);
                }
                assert!(self.lines.insert(leg, Line::Rings).is_none(), "a line is dialled twice");
            }
            CallAction::Play { leg, play, repeat, prompts, .. } => {
                let note = prompts.iter().any(|name| spoken_note(name).is_some());
                let may = self.told.receivers.get(&leg) == Some(&false) && leg != self.caller();
                assert!(!note || may, "a spoken note is heard by somebody who need not");
                let music = repeat && prompts.iter().any(|name| name.contains("music"));
                if self.lines.contains_key(&leg) {
                    self.plays.insert(leg, (play, music));
                    if note {
                        self.notes.insert(leg)
                    } else {
                        self.notes.remove(&leg)
                    };
                }
            }
            CallAction::StopPlay { leg } => {
                self.plays.remove(&leg);
            }
            CallAction::Join { a, b } => {
                self.plays.remove(&a);
                self.plays.remove(&b);
                self.hear(a, Legs::from_slice(&[b]));
                self.hear(b, Legs::from_slice(&[a]));
            }
            CallAction::Hear { leg, whom } => self.hear(leg, whom),
            CallAction::Record { leg, record: Record::Start(Tracks::Message), .. } => {
                assert!(self.told.held && leg != self.caller(), "a note is spoken where the caller hears it");
            }
            CallAction::Queue(event) => self.tell_engine(event, pending),
            CallAction::Fact(what) => self.told.learn(what, self.now, &self.call),
            CallAction::Over => self.over = true,
            CallAction::Answer { leg } => {
                self.lines.insert(leg, Line::Up);
            }
            other => assert!(matches!(
                other,
                CallAction::Ring { .. }
                    | CallAction::FindCustomer { .. }
                    | CallAction::SendKeys { .. }
                    | CallAction::Mute { .. }
                    | CallAction::Gain { .. }
                    | CallAction::Record { .. }
                    | CallAction::Discard { .. }
            )),
        }
    }

    fn hear(&mut self, leg: LegId, whom: Legs) {
        assert!(self.lines.get(&leg) == Some(&Line::Up), "a line that is not up hears");
        for other in &whom {
            assert!(self.lines.get(other) == Some(&Line::Up), "a line that is not up is heard");
            assert_ne!(*other, leg, "somebody hears themselves");
        }
        // What was told of the one before is checked when all is settled.
        self.hears.insert(leg, whom);
    }

    /// What must be true whenever nothing is left to be told.
    fn check(&self) {
        let (empty, caller) = (Legs::new(), self.caller());
        let hears = |leg: LegId| self.hears.get(&leg).unwrap_or(&empty);
        let talk = self.call.talk();
        // No music to the caller before a permission or an override.
        if talk.is_some() {
            let music = self.plays.get(&caller).is_some_and(|(_, music)| *music);
            assert!(self.told.held || !music, "music without a permission");
            assert!(!self.told.held || hears(caller).is_empty(), "a held caller hears somebody");
            assert!(
                !self.told.held || self.plays.contains_key(&caller),
                "a held caller hears nothing at all"
            );
        }
        // Nobody is brought together with a receiver who does not know the note.
        for (receiver, acknowledged) in &self.told.receivers {
            let heard_by = self.hears.iter().filter(|(_, whom)| whom.contains(receiver)).count();
            assert!(
                *acknowledged || (hears(*receiver).is_empty() && heard_by == 0) || self.is_amended(*receiver),
                "a bridge before the acknowledgement"
            );
            assert!(
                *acknowledged || !hears(caller).contains(receiver) && !hears(*receiver).contains(&caller),
                "the caller meets a receiver who does not know the note"
            );
        }
        assert!(
            talk.is_none() || self.call.beside.is_empty(),
            "phones ring on for a caller who has an agent"
        );
        self.check_nobody_alone();
        self.check_agents();
        self.check_called_back();
        self.check_listeners();
        for (name, supervisor) in &self.told.supervisors {
            let overheard = hears(caller).contains(supervisor) && !self.told.barging.contains(name);
            assert!(!overheard, "the caller hears a supervisor who does not barge in");
        }
        if self.over {
            assert!(self.lines.is_empty(), "lines are left over: {:?}", self.lines);
            assert!(
                self.told.talking.is_empty()
                    && !self.told.held
                    && !self.told.asks_in()
                    && self.told.members.is_empty(),
                "{:?}",
                self.told
            );
        }
    }

    /// The agents may talk on while an amended note waits for its acknowledgement.
    fn is_amended(&self, receiver: LegId) -> bool {
        let is_agent = |leg: LegId| self.call.agent_at(leg).is_some();
        let only_agent = |whom: &Legs| whom.iter().all(|leg| is_agent(*leg) || self.is_supervisor(*leg));
        self.hears.get(&receiver).is_some_and(only_agent)
    }

    /// Whether the agent's desk has vanished and is waited for.
    fn is_lost(&self) -> bool {
        self.call.talk().is_some_and(|talk| talk.lost)
    }

    fn is_supervisor(&self, leg: LegId) -> bool {
        self.told.supervisors.values().any(|one| *one == leg)
    }

    fn check_nobody_alone(&self) {
        let is_up = |leg: &LegId| self.lines.get(leg) == Some(&Line::Up);
        let hears_somebody = |leg: LegId| {
            self.hears.get(&leg).is_some_and(|whom| whom.iter().any(|one| !self.is_supervisor(*one)))
        };
        let Some(caller) = self.call.caller.filter(is_up) else { return };
        match &self.call.phase {
            Phase::Talking(_) => {
                let agent = self.call.agent.as_ref().map(|line| line.leg);
                let agent = agent.filter(is_up).expect("a caller in talk has an agent");
                let left = self.is_lost() || self.call.is_left_by_phone();
                let waits = self.told.held || left && self.plays.contains_key(&caller);
                assert!(waits || hears_somebody(caller), "the caller is alone");
                assert!(waits || self.hears[&agent].contains(&caller), "the agent does not hear the caller");
                for member in self.call.members().map(|member| member.line.leg) {
                    let hears = &self.hears[&member];
                    assert!(hears.contains(&agent), "who was added does not hear the agent");
                    assert_eq!(
                        hears.contains(&caller),
                        !self.told.held,
                        "who was added hears a held caller, or none"
                    );
                }
            }
            Phase::Waiting(_) => assert!(self.engine.call(CALL).is_some(), "the caller waits for nobody"),
            Phase::Whispering(_) => self.check_whisper(caller),
            Phase::CallingBack(_) => {
                assert!(self.plays.contains_key(&caller), "a caller who was called back hears nobody")
            }
            Phase::Flow => assert!(
                self.plays.contains_key(&caller) || self.call.deadline().is_some(),
                "a flow that does nothing for its caller"
            ),
            Phase::Farewell { .. } => assert!(self.plays.contains_key(&caller), "a farewell without a word"),
            phase => assert!(self.over, "a caller in {phase:?}"),
        }
    }

    fn check_agents(&self) {
        for agent in [AgentId(0), AgentId(1)] {
            let (contact, up) = match self.engine.agent_state(agent).expect("an agent of the center") {
                AgentState::Ringing(contact) => (*contact, false),
                AgentState::Talking(contact) => (*contact, true),
                _ => continue,
            };
            let members = self.call.members().map(|member| &member.line);
            let lines =
                self.call.agent.iter().chain(&self.call.beside).chain(self.call.consulted()).chain(members);
            let line = lines.filter(|line| line.agent == Some(agent)).find(|line| line.contact == contact);
            let line = line.map(|line| (line.up, line.leg)).or_else(|| self.call.colleagues_line(agent));
            let (is_up, leg) = line.unwrap_or_else(|| panic!("{agent} is stuck with {contact}"));
            assert_eq!((is_up, self.lines.contains_key(&leg)), (up, true), "{agent} is stuck");
            assert!(up || self.engine.deadline().is_some(), "a ring without an end");
        }
    }

    /// When nobody does anything any more, everything that has a time comes to its end.
    fn check_timers_end(&self) {
        let mut world = self.clone();
        for _ in 0..60 {
            if world.deadline().is_none() {
                break;
            }
            world.time_passes();
            world.check();
        }
        assert_eq!(world.call.recording.deadline(), None, "a pause without an end");
        if let Some(talk) = world.call.talk() {
            assert!(talk.spoken.and_then(|note| note.deadline()).is_none(), "a note without an end");
            assert!(talk.hold.is_none(), "a hold without an end: {:?}", talk.hold);
            assert!(!world.call.is_left_by_phone(), "a caller waits for a phone without an end");
            assert_eq!(talk.listening.deadline(), None, "somebody asks to listen without an end");
            let waits = talk.consult.as_ref().is_some_and(|consult| consult.stage != Stage::Together);
            assert!(!waits, "a consult without an end: {:?}", talk.consult);
        }
        for agent in [AgentId(0), AgentId(1)] {
            let state = world.engine.agent_state(agent).expect("an agent of the center");
            assert!(
                !matches!(state, AgentState::Reserved(_) | AgentState::Ringing(_) | AgentState::WrapUp),
                "{agent} is stuck: {state:?}"
            );
        }
    }

    /// What may happen now, of what this exploration looks at.
    fn next(&self, asks: &[Step]) -> Vec<Step> {
        let mut steps = asks.to_vec();
        for (leg, line) in &self.lines {
            match line {
                Line::Rings => steps.extend([Step::PicksUp(*leg), Step::Refuses(*leg)]),
                Line::Up => steps.push(Step::Leaves(*leg)),
            }
            if self.told.receivers.contains_key(leg) {
                steps.extend(['1', '2'].map(|key| Step::Key(*leg, key)));
            }
        }
        if let Some(word) = self.call.talk().and_then(|talk| talk.word) {
            steps.push(Step::WordEnds(self.caller(), word));
        }
        // What a waiting caller may choose is explored with the queue engine.
        match &self.call.phase {
            Phase::Talking(_) => steps.extend(['1', '2', '3'].map(Step::CallerKeys)),
            Phase::Waiting(wait) if wait.reached => {
                steps.extend(wait.greeting().map(|play| Step::WordEnds(self.caller(), play)));
            }
            Phase::Waiting(wait) if wait.place_is_kept() => {
                let promise =
                    self.call.caller.and_then(|leg| self.plays.get(&leg).map(|(play, _)| (leg, *play)));
                steps.extend(promise.map(|(leg, play)| Step::WordEnds(leg, play)));
            }
            Phase::Flow => {
                steps.extend(['1', '9'].map(Step::CallerKeys));
                steps.extend(
                    self.plays.get(&self.caller()).map(|(play, _)| Step::WordEnds(self.caller(), *play)),
                );
            }
            Phase::Whispering(whispering) => steps.extend(self.after_whisper(whispering)),
            Phase::CallingBack(callback) => {
                steps.extend(callback.greeting.map(|play| Step::WordEnds(self.caller(), play)));
            }
            _ => {}
        }
        steps.extend(self.deadline().map(|_| Step::Passes));
        steps
    }

    /// The same for two worlds that differ in nothing but the numbers of lines, plays and consults.
    fn key(&self) -> u64 {
        let mut text = format!("{:?}{:?}{:?}", self.call, self.engine, self.now);
        write!(text, "{:?}{:?}{:?}{:?}", self.lines, self.hears, self.plays, self.told).expect("memory");
        let mut hasher = DefaultHasher::new();
        canonical(&text).hash(&mut hasher);
        hasher.finish()
    }
}

/// Lines by the order in which they are named; plays and counters by nothing.
fn canonical(text: &str) -> String {
    let mut known: Vec<&str> = Vec::new();
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("Id(") {
        let (before, after) = rest.split_at(at + 3);
        out.push_str(before);
        let (number, tail) = after.split_at(after.find(')').unwrap_or(0));
        if before.ends_with("LegId(") {
            let place = known.iter().position(|one| *one == number).unwrap_or_else(|| {
                known.push(number);
                known.len() - 1
            });
            write!(out, "{place}").expect("memory");
        } else if !before.ends_with("PlayId(") {
            out.push_str(number);
        }
        rest = tail;
    }
    out.push_str(rest);
    for counter in ["next_play: ", "next_leg: "] {
        if let Some(from) = out.find(counter).map(|at| at + counter.len()) {
            let digits = out[from..].bytes().take_while(u8::is_ascii_digit).count();
            out.replace_range(from..from + digits, "");
        }
    }
    out
}

/// A path is a list that shares its beginnings.
struct Path {
    step: Step,
    before: Option<Rc<Path>>,
}

fn in_words(path: Option<&Rc<Path>>) -> String {
    let mut steps = Vec::new();
    let mut at = path;
    while let Some(path) = at {
        steps.push(format!("{:?}", path.step));
        at = path.before.as_ref();
    }
    steps.reverse();
    steps.join("\n")
}

/// Walks every order of `asks`, and of what lines, callers and clocks do, to `depth`; how many worlds were met.
fn explore(start: World, usual_depth: usize, asks: &[Step]) -> usize {
    let number = std::env::var("WARMLINE_DEPTH").ok().and_then(|number| number.parse().ok());
    let mut seen = HashSet::new();
    let mut edge: Vec<(World, Option<Rc<Path>>)> = vec![(start, None)];
    for _ in 0..number.unwrap_or(usual_depth) {
        let mut next = Vec::new();
        for (world, path) in edge {
            for step in world.next(asks) {
                let path = Some(Rc::new(Path { step: step.clone(), before: path.clone() }));
                let walked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
                    let mut world = world.clone();
                    world.step(&step);
                    world.check();
                    let is_new = seen.insert(world.key());
                    if is_new {
                        world.check_timers_end();
                    }
                    is_new.then_some(world)
                }));
                match walked {
                    Ok(Some(world)) if !world.over => next.push((world, path)),
                    Ok(_) => {}
                    Err(_) => panic!("after these steps:\n{}", in_words(path.as_ref())),
                }
            }
        }
        edge = next;
    }
    seen.len()
}

fn draft() -> NoteDraft {
    NoteDraft { issue: "boiler leaks".into(), wants: "a visit".into(), ..NoteDraft::default() }
}

fn hold(way: HoldWay, agreed: bool) -> AgentRequest {
    AgentRequest::Hold { reason: "the invoice".into(), quote: None, way: Some(way), agreed }
}

fn consult(to: Target, told_caller: bool) -> AgentRequest {
    AgentRequest::Consult { to, told_caller, note: draft() }
}

fn alice(requests: impl IntoIterator<Item = AgentRequest>) -> Vec<Step> {
    requests.into_iter().map(|request| Step::Asks("alice", request)).collect()
}

fn bob(requests: impl IntoIterator<Item = AgentRequest>) -> Vec<Step> {
    requests.into_iter().map(|request| Step::Asks("bob", request)).collect()
}

/// A run that meets few worlds would prove little.
fn check(depth: usize, asks: &[Step], at_least: usize) {
    let met = explore(World::new(), depth, asks);
    println!("{met} worlds");
    assert!(met >= at_least, "only {met} worlds were met");
}

#[test]
fn no_order_of_events_around_holds_breaks_a_promise() {
    let asks = alice([
        hold(HoldWay::Verbal, true),
        hold(HoldWay::Verbal, false),
        hold(HoldWay::Prompted, false),
        hold(HoldWay::Override, false),
        AgentRequest::Requote(Duration::from_secs(30)),
        AgentRequest::Resume,
        AgentRequest::Transfer { to: Target::Agent("bob".into()) },
        AgentRequest::Transfer { to: Target::Queue("help".into()) },
        AgentRequest::HangUp,
    ]);
    check(7, &asks, 2_000);
}

#[test]
fn no_order_of_events_around_a_consult_with_an_agent_breaks_a_promise() {
    let mut asks = alice([
        consult(Target::Agent("bob".into()), true),
        AgentRequest::Resume,
        AgentRequest::Amend(draft()),
        AgentRequest::Toggle,
        AgentRequest::Join,
        AgentRequest::Complete,
        AgentRequest::Cancel,
    ]);
    asks.extend(bob([
        AgentRequest::Acknowledge,
        AgentRequest::Decline { reason: "no van left".into() },
        AgentRequest::Repeat { why: "the address".into() },
    ]));
    check(7, &asks, 900);
}

#[test]
fn no_order_of_events_around_a_consult_with_a_queue_or_outside_breaks_a_promise() {
    let asks = alice([
        consult(Target::Queue("help".into()), false),
        consult(Target::Number("+12025550199".into()), true),
        hold(HoldWay::Override, false),
        AgentRequest::Toggle,
        AgentRequest::Join,
        AgentRequest::Complete,
    ]);
    check(7, &asks, 900);
}

#[test]
fn no_order_of_events_around_a_desk_that_vanishes_breaks_a_promise() {
    let mut asks = alice([
        hold(HoldWay::Verbal, true),
        consult(Target::Agent("bob".into()), true),
        AgentRequest::Complete,
    ]);
    asks.extend(bob([AgentRequest::Acknowledge]));
    asks.extend([Step::Desk { lost: true }, Step::Desk { lost: false }]);
    check(6, &asks, 500);
}

#[test]
fn no_order_of_events_around_a_second_hop_breaks_a_promise() {
    let mut asks = alice([consult(Target::Agent("bob".into()), true), AgentRequest::Complete]);
    asks.extend(bob([
        AgentRequest::Acknowledge,
        consult(Target::Agent("alice".into()), true),
        AgentRequest::Complete,
        AgentRequest::HangUp,
    ]));
    asks.extend(alice([AgentRequest::Acknowledge]));
    check(8, &asks, 900);
}

#[test]
fn no_order_of_events_around_a_supervisor_lets_the_caller_hear_them() {
    let supervise = |mode| Step::Asks("sam", AgentRequest::Supervise(mode));
    let mut asks = alice([
        hold(HoldWay::Verbal, true),
        AgentRequest::Resume,
        consult(Target::Agent("bob".into()), true),
        AgentRequest::Complete,
    ]);
    asks.extend(bob([AgentRequest::Acknowledge]));
    asks.extend([
        supervise(Some(SuperviseMode::Listen)),
        supervise(Some(SuperviseMode::Whisper)),
        supervise(Some(SuperviseMode::Barge)),
        supervise(None),
        Step::Asks("sue", AgentRequest::Supervise(Some(SuperviseMode::Whisper))),
    ]);
    check(6, &asks, 2_500);
}
