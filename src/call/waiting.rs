//! What a waiting caller hears and may say. When is the queue engine's; this is only the conversation.
//!
//! Nobody hears music on hold before the engine has said [`QueueWord::Hold`].

use std::time::Duration;

use serde::Deserialize;
use serde::Serialize;

use super::AgentLine;
use super::Call;
use super::CallAction;
use super::Joined;
use super::Phase;
use super::QueueWord;
use super::callback::Callback;
use super::reached::NOBODY_FREE;
use super::whisper::Whispering;
use crate::base::AgentId;
use crate::base::LegId;
use crate::base::Name;
use crate::base::QueueId;
use crate::base::Secret;
use crate::base::Timestamp;
use crate::base::WallTime;
use crate::fact::GrantedBy;
use crate::fact::MissedWhy;
use crate::fact::Outcome;
use crate::fact::Party;
use crate::fact::Place;
use crate::fact::WaitExit;
use crate::fact::What;
use crate::fact::Why;
use crate::flow::Center;
use crate::flow::FlowEvent;
use crate::flow::api::CallbackAt;
use crate::flow::api::KeptPlace;
use crate::flow::api::TransferResult;
use crate::flow::center::PlaceWords;
use crate::flow::center::WaitOffer;
use crate::flow::center::WaitPrompts;
use crate::flow::center::WaitWords;
use crate::flow::keypad::BURST;
use crate::flow::say;
use crate::media::control::PlayId;
use crate::queue;
use crate::queue::api::AgentWish;
use crate::queue::api::Demand;
use crate::queue::api::Enqueue;
use crate::queue::api::Needs;
use crate::queue::api::PermissionAnswer;

/// What a caller hears while an agent's phone rings and nothing else is to be said: a ringing tone, which
/// is no hold music.
pub(super) const RINGING_TONE: &str = "ringback";

/// A wait, as its caller experiences it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Wait {
    pub(super) queue: QueueId,
    hears: Hears,
    /// The caller chose a callback: the place is kept without them.
    pub(super) callback: bool,
    /// Where and when they are called, as the flow agreed it with them; none: where they called from, when it is
    /// their turn.
    #[serde(default)]
    agreed: Option<Agreed>,
    /// How often the caller has been called back.
    pub(super) callbacks: u32,
    /// They have picked up for it, and wait on the line.
    #[serde(default)]
    pub(super) reached: bool,
    /// For one agent alone, who was given the call; if they do not take it, the queue has it again.
    for_agent: bool,
    /// Whether an agent's phone has rung.
    #[serde(default)]
    rang: bool,
    /// The flow for which the caller leaves the queue, by their own choice.
    #[serde(default)]
    leaves_for: Option<Name>,
    #[serde(default)]
    surge: Surge,
    #[serde(default)]
    said: Said,
    #[serde(default)]
    pressed: Pressed,
    /// Since when the caller is in this queue, once it has let them in, and the priority in force.
    #[serde(default)]
    enqueued: Option<Timestamp>,
    #[serde(default)]
    priority: i32,
    /// Since when they are there, and how long they had waited, where this server was started meanwhile.
    #[serde(default)]
    recalled: Option<(WallTime, Duration)>,
}

/// Whether the queue was in a surge when the caller joined.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
enum Surge {
    #[default]
    None,
    /// It was, and the caller is to be told.
    Untold,
    Told,
}

/// What a held caller has been told.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Said {
    /// The expected wait, in minutes.
    minutes: Option<u64>,
    /// The place in line.
    #[serde(default)]
    place: Option<u32>,
    /// When the next word may come; none before the wait's own first.
    next: Option<Timestamp>,
    /// How many messages have been heard.
    messages: usize,
}

/// A key that chooses when no other follows; lost when it is written down.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Pressed {
    key: Secret,
    due: Option<Timestamp>,
}

/// What a key chooses.
enum Choice {
    /// To hold.
    Hold,
    Callback,
    Flow(Name),
}

/// A callback as a flow agreed it with the caller.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Agreed {
    /// Another number than they called from.
    number: Option<String>,
    at: Option<CallbackAt>,
    /// What they hear once the place is kept; empty: what the queue says.
    promised: Vec<Name>,
}

/// What the caller hears just now.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
enum Hears {
    Nothing,
    /// An agent's phone rings.
    RingingTone,
    /// "Press 1 to hold, or 2 to be called back": silence counts from the end of the question.
    Question {
        play: PlayId,
        silent_at: Option<Timestamp>,
    },
    /// A word before the music goes on.
    Word {
        play: PlayId,
    },
    Music,
    /// "We will call you back": the line ends after it.
    Promise {
        play: PlayId,
    },
    /// "You asked us to call you back": then a ringing tone until an agent has them.
    Greeting {
        play: PlayId,
    },
}

impl Wait {
    pub(super) fn new(queue: QueueId) -> Wait {
        Wait {
            queue,
            hears: Hears::Nothing,
            callback: false,
            agreed: None,
            callbacks: 0,
            reached: false,
            for_agent: false,
            rang: false,
            leaves_for: None,
            surge: Surge::None,
            said: Said::default(),
            pressed: Pressed::default(),
            enqueued: None,
            priority: 0,
            recalled: None,
        }
    }

    /// A place that was kept before the server was started: since when and how long, and after how many tries.
    pub(super) fn recalled(
        queue: QueueId,
        number: Option<String>,
        at: Option<CallbackAt>,
        since: (WallTime, Duration),
        callbacks: u32,
    ) -> Wait {
        let agreed = Some(Agreed { number, at, promised: Vec::new() });
        Wait { callback: true, agreed, callbacks, recalled: Some(since), ..Wait::new(queue) }
    }

    /// Another number at which the caller is called back.
    pub(super) fn other_number(&self) -> Option<&str> {
        self.agreed.as_ref()?.number.as_deref()
    }

    /// A wait for one agent alone; what the caller hears is the queue's.
    pub(super) fn for_agent(queue: QueueId) -> Wait {
        Wait { for_agent: true, ..Wait::new(queue) }
    }

    /// A wait of a caller who is to be called back where they called from.
    pub(super) fn to_call_back(queue: QueueId, at: Option<CallbackAt>) -> Wait {
        let agreed = Some(Agreed { number: None, at, promised: Vec::new() });
        Wait { agreed, ..Wait::new(queue) }
    }

    /// What says to the caller who calls them back, while it plays.
    pub(super) fn greeting(&self) -> Option<PlayId> {
        match self.hears {
            Hears::Greeting { play } => Some(play),
            _ => None,
        }
    }

    /// The caller has picked up, and hears who calls; or they have been let go.
    pub(super) fn greets(self, play: Option<PlayId>) -> Wait {
        let hears = play.map_or(Hears::Nothing, |play| Hears::Greeting { play });
        Wait { reached: true, hears, ..self }
    }

    pub(super) fn let_go(&mut self, promise: Option<PlayId>) {
        self.reached = false;
        self.hears = promise.map_or(Hears::Nothing, |play| Hears::Promise { play });
    }

    /// Whether it is for one agent alone.
    pub(super) fn is_for_agent(&self) -> bool {
        self.for_agent
    }

    /// Whether something is being said to the caller.
    pub(super) fn says(&self) -> bool {
        matches!(self.hears, Hears::Question { silent_at: None, .. } | Hears::Word { .. })
    }

    /// Whether the caller hears that a phone rings.
    pub(super) fn rings(&self) -> bool {
        self.hears == Hears::RingingTone
    }

    /// Whether the caller need not stay on the line.
    pub(super) fn place_is_kept(&self) -> bool {
        self.callback
    }

    pub(super) fn deadline(&self) -> Option<Timestamp> {
        let silent_at = match self.hears {
            Hears::Question { silent_at, .. } => silent_at,
            _ => None,
        };
        silent_at.into_iter().chain(self.pressed.due).min()
    }
}

impl Said {
    /// The word that is next: that the caller is remembered, before a wait that is told, else the messages in turn.
    fn in_turn(&mut self, tells: bool, words: &WaitWords, prompts: &WaitPrompts) -> Vec<Name> {
        match words.messages.get(self.messages % words.messages.len().max(1)) {
            Some(message) if !tells => {
                self.messages += 1;
                vec![message.clone()]
            }
            _ => vec![prompts.check_in.clone()],
        }
    }
}

/// What a phone hears after it dialled a feature code.
pub(super) fn state_prompt(wish: &AgentWish) -> Name {
    match wish {
        AgentWish::Ready => "agent/ready".into(),
        AgentWish::NotReady(_) => "agent/not-ready".into(),
        AgentWish::Offline => "agent/signed-out".into(),
    }
}

/// A quote as it is told.
fn minutes(quote: Duration) -> u64 {
    quote.as_secs().div_ceil(60).max(1)
}

/// "… less than three minutes": rounded up to whole minutes; nothing where no quote is known.
pub(super) fn quote_words(language: &str, quote: Option<Duration>, prompts: &WaitPrompts) -> Vec<Name> {
    let Some(quote) = quote else { return Vec::new() };
    let minutes = minutes(quote);
    let unit = if minutes == 1 { &prompts.minute } else { &prompts.minutes };
    let mut words = vec![prompts.less_than.clone()];
    words.extend(say::minutes(language, minutes));
    words.push(unit.clone());
    words
}

/// "You are number four in line."
fn place_words(language: &str, place: u32, words: &PlaceWords) -> Vec<Name> {
    let number = say::number(language, u64::from(place));
    [vec![words.before.clone()], number, vec![words.after.clone()]].concat()
}

impl Call {
    /// The flow agreed with the caller that they are called back.
    pub(super) fn agree_on_callback(&mut self, now: Timestamp, kept: KeptPlace, out: &mut Vec<CallAction>) {
        let KeptPlace { queue, needs, priority, number, at, promised } = kept;
        let number = Some(number).filter(|number| *number != self.arrival.number);
        let agreed = Some(Agreed { number, at, promised });
        let joined = Joined { needs, priority, ..Joined::new(queue, now) };
        let enqueue = Box::new(self.enqueue(&joined, Duration::ZERO));
        self.joined = Some(joined);
        self.phase = Phase::Waiting(Wait { agreed, ..Wait::new(queue) });
        let from = at.map_or(now, |at| at.at);
        out.push(CallAction::Queue(queue::Event::KeepPlace { enqueue, from }));
    }

    /// The flow has one agent called, by the rules of a queue; it goes on if they do not take the caller.
    pub(super) fn call_agent(
        &mut self,
        now: Timestamp,
        agent: AgentId,
        queue: QueueId,
        out: &mut Vec<CallAction>,
    ) {
        self.joined = Some(Joined::new(queue, now));
        self.phase = Phase::Waiting(Wait::for_agent(queue));
        let call = self.id;
        out.push(CallAction::Queue(queue::Event::CallAgent { call, agent, queue }));
    }

    /// The agent whom a flow had called did not take the caller: the flow goes on.
    pub(super) fn back_in_flow(
        &mut self,
        center: &Center,
        now: Timestamp,
        rang: bool,
        out: &mut Vec<CallAction>,
    ) {
        self.phase = Phase::Flow;
        let result = if rang { TransferResult::NoAnswer } else { TransferResult::Busy };
        self.step_flow(center, now, FlowEvent::Transferred(result), out);
    }

    /// What the engine is told of a call that joins a queue, and prefers nobody.
    pub(super) fn enqueue(&self, joined: &Joined, age_credit: Duration) -> Enqueue {
        let Joined { queue, priority, permission, nobody, .. } = *joined;
        let (call, needs, prefer, exclude) = (self.id, joined.needs.clone(), None, joined.exclude.clone());
        let whose = self.known.whose(&self.arrival.number);
        Enqueue { call, queue, needs, priority, age_credit, whose, permission, prefer, exclude, nobody }
    }

    /// The engine decided something for this call.
    pub(super) fn on_queue_word(
        &mut self,
        center: &Center,
        now: Timestamp,
        word: QueueWord,
        out: &mut Vec<CallAction>,
    ) {
        match word {
            QueueWord::Enqueued { queue, needs, priority, waiting } => {
                let recalled = self.enqueued(now, priority);
                out.push(CallAction::Fact(match recalled {
                    Some((since, _)) => What::PlaceRecalled { queue, needs, priority, waiting, since },
                    None => What::Enqueued { queue, needs, priority, waiting },
                }));
            }
            QueueWord::AgentsNamed { prefer, exclude, wants } => {
                out.push(CallAction::Fact(What::AgentsNamed { prefer, exclude, wants }));
            }
            QueueWord::AgeRestored { age } => {
                if let Some(joined) = &mut self.joined {
                    joined.credit = age;
                }
                out.push(CallAction::Fact(What::AgeRestored { age }));
            }
            QueueWord::InSurge => {
                if let Phase::Waiting(wait) = &mut self.phase {
                    wait.surge = Surge::Untold;
                }
                out.push(CallAction::Fact(What::JoinedInSurge));
            }
            QueueWord::Relaxed { needs } => out.push(CallAction::Fact(What::NeedsRelaxed { needs })),
            QueueWord::HeldBack { idle, until } => {
                out.push(CallAction::Fact(What::HeldBack { idle, at_most: until.since(now) }));
            }
            QueueWord::Moved { queue, told } => self.moved(queue, told, out),
            QueueWord::AskPermission { quote, position } => self.ask(center, quote, position, out),
            QueueWord::Hold { until, by_flow_file } => self.hold(center, until, by_flow_file, out),
            QueueWord::CheckIn { quote, position } => self.check_in(center, now, quote, position, out),
            QueueWord::KeepPlace => self.keep_place(center, now, out),
            QueueWord::Ring { agent, name, .. } if matches!(self.phase, Phase::Calling(_)) => {
                self.ring_own_phone(now, agent, name, out);
            }
            QueueWord::Ring { agent, name, attempt, why } => {
                let ringing = What::AgentRinging { agent: name.clone(), attempt, why: Why::Reason(why) };
                self.ring_agent(agent, name, ringing, out);
            }
            QueueWord::Reserve { name, why } => self.reserved(name, why, out),
            QueueWord::StopCalling { missed } => self.stop_calling(missed, out),
            QueueWord::NotServed => self.not_served(center, out),
            QueueWord::StopRing { agent, why } => self.stop_ringing(agent, why, out),
            QueueWord::Connected { waited, quote } => self.connected(waited, quote, out),
            QueueWord::Exit { exit } => self.leave_wait(center, now, exit, out),
        }
    }

    /// Whether there is a number to call back, and a way to it: a withheld one is none, and a web page has none. Who came by
    /// a trunk is called by a trunk, who dialled us by themselves where their phone is.
    pub(super) fn can_be_called_back(&self, center: &Center) -> bool {
        let calls_out = || center.trunks.iter().any(|trunk| trunk.outbound.is_some());
        !self.arrival.number.is_empty() && (self.arrival.trunk.is_none() || calls_out())
    }

    /// The caller hears nothing of it: they wait as before.
    fn moved(&mut self, queue: QueueId, told: What, out: &mut Vec<CallAction>) {
        if let Phase::Waiting(wait) = &mut self.phase {
            if wait.queue != queue {
                wait.surge = Surge::None;
            }
            wait.queue = queue;
            if let What::WaitMoved { priority, .. } | What::WaitPrioritised { priority, .. } = &told {
                wait.priority = *priority;
            }
        }
        if let Some(joined) = self.joined.as_mut().filter(|joined| joined.queue != queue) {
            joined.queue = queue;
            joined.needs = Demand::default();
        }
        out.push(CallAction::Fact(told));
    }

    fn ask(&mut self, center: &Center, quote: Option<Duration>, position: u32, out: &mut Vec<CallAction>) {
        let Some(prompts) = self.prompts(center) else { return };
        let mut words: Vec<Name> = self.tell_surge(prompts).into_iter().collect();
        words.push(prompts.all_busy.clone());
        words.extend(quote_words(&self.language, quote, prompts));
        words.push(
            if self.can_be_called_back(center) { &prompts.question } else { &prompts.question_hold }.clone(),
        );
        if let Phase::Waiting(wait) = &mut self.phase {
            wait.said.minutes = quote.map(minutes).or(wait.said.minutes);
        }
        out.push(CallAction::Fact(What::WaitAsked { quote, position }));
        if let Some(play) = self.say(words, true, out) {
            self.set_hears(Hears::Question { play, silent_at: None });
        }
    }

    fn hold(&mut self, center: &Center, until: Timestamp, by_flow_file: bool, out: &mut Vec<CallAction>) {
        let Some(prompts) = self.prompts(center) else { return };
        let granted = prompts.granted.clone();
        let by = if by_flow_file { GrantedBy::FlowFile } else { GrantedBy::Caller };
        out.push(CallAction::Fact(What::WaitGranted { by, until }));
        let word = if by_flow_file { self.tell_surge(prompts) } else { Some(granted) };
        match word {
            None => self.music(center, out),
            Some(word) => {
                if let Some(play) = self.say(vec![word], false, out) {
                    self.set_hears(Hears::Word { play });
                }
            }
        }
    }

    /// What a caller hears first who joined in a surge, once.
    fn tell_surge(&mut self, prompts: &WaitPrompts) -> Option<Name> {
        let Phase::Waiting(wait) = &mut self.phase else { return None };
        if wait.surge != Surge::Untold {
            return None;
        }
        wait.surge = Surge::Told;
        prompts.surge.as_ref()?.say.clone()
    }

    fn music(&mut self, center: &Center, out: &mut Vec<CallAction>) {
        let (Some(leg), Some(prompts)) = (self.caller, self.prompts(center)) else { return };
        let music = prompts.music.clone();
        let play = self.new_play();
        out.push(CallAction::Fact(What::HoldMusicStarted));
        out.push(CallAction::Play { leg, play, prompts: vec![music], barge_in: false, repeat: true });
        self.set_hears(Hears::Music);
    }

    fn check_in(
        &mut self,
        center: &Center,
        now: Timestamp,
        quote: Option<Duration>,
        position: u32,
        out: &mut Vec<CallAction>,
    ) {
        let Some(prompts) = self.prompts(center) else { return };
        let since = self.joined.as_ref().map_or(now, |joined| joined.since);
        let Phase::Waiting(wait) = &mut self.phase else { return };
        let (quote, place, first) = match &prompts.words {
            None => (quote, None, vec![prompts.check_in.clone()]),
            Some(words) => {
                if wait.said.next.unwrap_or(since + words.first) > now {
                    return;
                }
                wait.said.next = Some(now + words.every);
                // Who is next is about to be served: how long that takes nobody need tell them.
                let better = quote.filter(|quote| {
                    position > 1 && wait.said.minutes.is_none_or(|told| minutes(*quote) < told)
                });
                // Nor who they are before; and to whom others went first it is not said.
                let place = words
                    .place
                    .as_ref()
                    .filter(|_| position > 1 && wait.said.place.is_none_or(|told| position < told));
                let tells = better.is_some() || place.is_some();
                (better, place, wait.said.in_turn(tells, words, prompts))
            }
        };
        wait.said.minutes = quote.map(minutes).or(wait.said.minutes);
        wait.said.place = place.map(|_| position).or(wait.said.place);
        let mut said = first;
        said.extend(quote_words(&self.language, quote, prompts));
        said.extend(place.into_iter().flat_map(|words| place_words(&self.language, position, words)));
        said.extend(prompts.words.as_ref().and_then(|words| words.offer.clone()));
        out.push(CallAction::Fact(What::CheckedIn { quote }));
        if let Some(play) = self.say(said, false, out) {
            self.set_hears(Hears::Word { play });
        }
    }

    /// The engine has let the caller in, or in again.
    fn enqueued(&mut self, now: Timestamp, priority: i32) -> Option<(WallTime, Duration)> {
        let Phase::Waiting(wait) = &mut self.phase else { return None };
        (wait.enqueued, wait.priority) = (Some(now), priority);
        wait.recalled
    }

    fn keep_place(&mut self, center: &Center, now: Timestamp, out: &mut Vec<CallAction>) {
        let Some(prompts) = self.prompts(center) else { return };
        let usual = prompts.callback.clone();
        let Phase::Waiting(wait) = &self.phase else { return };
        // It was kept before the server was started, and the caller has been told.
        if wait.callback {
            return;
        }
        let place = self.place_to_keep(center, now, wait).map(Box::new);
        let Phase::Waiting(wait) = &mut self.phase else { return };
        wait.callback = true;
        let number = wait.other_number().unwrap_or(&self.arrival.number).to_owned();
        let at = wait.agreed.as_ref().and_then(|agreed| agreed.at).map(|at| at.wall);
        let promised = wait.agreed.as_mut().map(|agreed| std::mem::take(&mut agreed.promised));
        let promise = promised.filter(|words| !words.is_empty()).unwrap_or_else(|| vec![usual]);
        out.push(CallAction::Fact(What::CallbackChosen { number, at, place }));
        if let Some(play) = self.say(promise, false, out) {
            self.set_hears(Hears::Promise { play });
        }
    }

    /// What it takes to keep the caller's place over a restart.
    fn place_to_keep(&self, center: &Center, now: Timestamp, wait: &Wait) -> Option<Place> {
        let (joined, center) = (self.joined.as_ref()?, &center.engine);
        let name = |agent: &AgentId| Some(center.agents.get(agent.0 as usize)?.name.clone());
        let named = |needs: &Needs| needs.facts(&center.skills);
        Some(Place {
            queue: center.queues.get(joined.place())?.name.clone(),
            needs: named(&joined.needs.needs),
            steps: joined.needs.steps.iter().map(|step| (step.after, named(&step.needs))).collect(),
            wants: named(&joined.needs.wants),
            priority: wait.priority,
            exclude: joined.exclude.iter().filter_map(name).collect(),
            wants_nobody: joined.needs.wants_nobody,
            excludes_nobody: joined.nobody.exclude,
            age: joined.age(now),
            waited: wait.enqueued.map_or(Duration::ZERO, |enqueued| now.since(enqueued)),
            contact: self.arrival.contact.clone(),
        })
    }

    fn ring_agent(&mut self, agent: AgentId, name: Name, ringing: What, out: &mut Vec<CallAction>) {
        let Phase::Waiting(wait) = &mut self.phase else { return };
        wait.rang = true;
        let leg = self.new_leg(Party::Agent);
        out.push(CallAction::Fact(ringing));
        out.push(CallAction::DialAgent { leg, agent, of_queue: true });
        let line = AgentLine::new(Some(agent), name, self.id, leg);
        match self.agent {
            Some(_) => self.beside.push(line),
            None => self.agent = Some(line),
        }
        self.ringing_tone(out);
    }

    /// Lets a caller who hears nothing hear that an agent's phone rings, or soon will for who was called back.
    pub(super) fn ringing_tone(&mut self, out: &mut Vec<CallAction>) {
        let Phase::Waiting(wait) = &self.phase else { return };
        let rings = self.agent.is_some() || wait.reached;
        let (true, true, Some(leg)) = (wait.hears == Hears::Nothing, rings, self.caller) else { return };
        self.hears_it_ring(leg, out);
        self.set_hears(Hears::RingingTone);
    }

    /// Lets somebody hear that a phone rings, until they hear something else.
    pub(super) fn hears_it_ring(&mut self, leg: LegId, out: &mut Vec<CallAction>) {
        let (play, prompts) = (self.new_play(), vec![RINGING_TONE.into()]);
        out.push(CallAction::Play { leg, play, prompts, barge_in: false, repeat: true });
    }

    fn stop_ringing(&mut self, agent: AgentId, why: MissedWhy, out: &mut Vec<CallAction>) {
        if let Some(line) = self.take_ringing(|line| line.agent == Some(agent)) {
            out.push(CallAction::HangUp { leg: line.leg, elsewhere: false });
            self.agent_missed(line.name, why, out);
        }
    }

    /// Takes a line that rings out of the call; one that rings beside it takes its place.
    pub(super) fn take_ringing(&mut self, such: impl Fn(&AgentLine) -> bool) -> Option<AgentLine> {
        if let Some(line) = self.agent.take_if(|line| !line.up && such(line)) {
            self.agent = (!self.beside.is_empty()).then(|| self.beside.remove(0));
            return Some(line);
        }
        let place = self.beside.iter().position(such)?;
        Some(self.beside.remove(place))
    }

    /// An agent picks up who was rung beside others: the line is the one that counts from now on.
    pub(super) fn prefer_line(&mut self, leg: LegId) {
        let rings = self.agent.as_mut().filter(|line| !line.up);
        let picked_up = self.beside.iter_mut().find(|line| line.leg == leg);
        if let (Some(first), Some(line)) = (rings, picked_up) {
            std::mem::swap(first, line);
        }
    }

    /// Somebody has picked up: the phones of the others stop, and they have missed nothing.
    pub(super) fn others_stop(&mut self, out: &mut Vec<CallAction>) {
        for line in std::mem::take(&mut self.beside) {
            out.push(CallAction::HangUp { leg: line.leg, elsewhere: true });
            out.push(CallAction::Fact(What::AgentMissed { agent: line.name, why: MissedWhy::Withdrawn }));
        }
    }

    /// The agent did not take it: the caller is told nothing, and hears no ringing tone meanwhile.
    pub(super) fn agent_missed(&mut self, agent: Name, why: MissedWhy, out: &mut Vec<CallAction>) {
        out.push(CallAction::Fact(What::AgentMissed { agent, why }));
        if self.agent.is_none()
            && let Phase::Waiting(wait) = &mut self.phase
            && wait.hears == Hears::RingingTone
            && !wait.reached
        {
            wait.hears = Hears::Nothing;
            out.extend(self.caller.map(|leg| CallAction::StopPlay { leg }));
        }
    }

    fn connected(&mut self, waited: Duration, quote: Option<Duration>, out: &mut Vec<CallAction>) {
        let talking = matches!(self.phase, Phase::Talking(_));
        if matches!(self.phase, Phase::Calling(_)) {
            // Nobody waited: it is the agent who calls.
            return;
        }
        let before = match &self.phase {
            Phase::Waiting(wait)
            | Phase::CallingBack(Callback { wait, .. })
            | Phase::Whispering(Whispering { wait, .. }) => wait.recalled,
            _ => None,
        };
        let waited = before.map_or(waited, |(_, before)| waited.saturating_add(before));
        let Some(line) = &mut self.agent else { return };
        line.promise = Some((waited, quote));
        if talking {
            out.push(CallAction::Fact(What::AgentConnected { agent: line.name.clone(), waited, quote }));
        }
    }

    fn leave_wait(&mut self, center: &Center, now: Timestamp, exit: WaitExit, out: &mut Vec<CallAction>) {
        if matches!(self.phase, Phase::Calling(_)) {
            return self.own_phone_missed(out);
        }
        // That it ended is told by then.
        if matches!(exit, WaitExit::EndedByOperator | WaitExit::EndedByServer) {
            return;
        }
        if let Phase::Waiting(wait) = &self.phase
            && wait.for_agent
        {
            let rang = wait.rang;
            return match &self.run {
                Some(_) => self.back_in_flow(center, now, rang, out),
                None => self.rejoin(now, out),
            };
        }
        if let Phase::Waiting(wait) = &self.phase
            && wait.reached
        {
            out.push(self.try_failed(wait, NOBODY_FREE));
        }
        out.extend(self.not_let_in(center, now).map(CallAction::Fact));
        out.push(CallAction::Fact(What::WaitEnded { exit }));
        let Some(prompts) = self.prompts(center) else { return };
        if let Some(flow) = self.leads_to(prompts, exit).cloned() {
            return self.go_on_in(center, now, &flow, out);
        }
        let (prompt, outcome, cause) = match exit {
            WaitExit::Abandoned | WaitExit::EndedByOperator | WaitExit::EndedByServer => return,
            WaitExit::Declined => (&prompts.declined, Outcome::Declined, "would not hold"),
            WaitExit::Cap => (&prompts.unserved, Outcome::Unserved, "longest wait reached"),
            WaitExit::NobodyStaffed => (&prompts.unserved, Outcome::Unserved, "nobody there with the skill"),
            WaitExit::Full => (&prompts.unserved, Outcome::Unserved, "queue full"),
            WaitExit::ExpectedWait => (&prompts.unserved, Outcome::Unserved, "too long a wait expected"),
            WaitExit::Surge => (&prompts.unserved, Outcome::Unserved, "too many waiting for each agent"),
            WaitExit::Redialled => (&prompts.unserved, Outcome::Served, "called again, and was served"),
            WaitExit::CallbackFailed => {
                (&prompts.unserved, Outcome::CallbackFailed, "callback did not reach the caller")
            }
        };
        let prompt = prompt.clone();
        self.farewell(now, prompt, outcome, cause, out);
    }

    /// That the queue has not let the caller in, where it has not: they came to it all the same, and count among its callers.
    fn not_let_in(&self, center: &Center, now: Timestamp) -> Option<What> {
        let Phase::Waiting(wait) = &self.phase else { return None };
        if wait.enqueued.is_some() || wait.recalled.is_some() {
            return None;
        }
        let queue = center.engine.queues.get(wait.queue.0 as usize)?;
        let joined = self.joined.as_ref()?;
        let age = joined.age(now);
        let needs = queue.needs.at(age).and(joined.needs.at(age)).facts(&center.engine.skills);
        Some(What::NotLetIn { queue: queue.name.clone(), needs })
    }

    /// The flow that goes on with the caller when a wait ends so, who is on the line.
    fn leads_to<'a>(&'a mut self, prompts: &'a WaitPrompts, exit: WaitExit) -> Option<&'a Name> {
        let Phase::Waiting(wait) = &self.phase else { return None };
        if wait.callback || self.caller.is_none() || self.arrived.is_none() {
            return None;
        }
        match exit {
            WaitExit::Declined => wait.leaves_for.as_ref(),
            WaitExit::Cap | WaitExit::NobodyStaffed | WaitExit::Full | WaitExit::ExpectedWait => {
                self.unserved = true;
                prompts.unserved_flow.as_ref()
            }
            WaitExit::Surge => {
                self.unserved = true;
                let of_surge = prompts.surge.as_ref().and_then(|surge| surge.unserved_flow.as_ref());
                of_surge.or(prompts.unserved_flow.as_ref())
            }
            WaitExit::Abandoned
            | WaitExit::CallbackFailed
            | WaitExit::Redialled
            | WaitExit::EndedByOperator
            | WaitExit::EndedByServer => None,
        }
    }

    /// A key while waiting. It chooses once it is clear that it stands alone: digits in a row are meant for something else,
    /// and may be a secret, so that only what is chosen is told.
    pub(super) fn on_waiting_digit(&mut self, center: &Center, now: Timestamp, digit: char, of_burst: bool) {
        let chooses = !of_burst && self.choice(center, digit).is_some();
        let Phase::Waiting(wait) = &mut self.phase else { return };
        wait.pressed = match chooses {
            true => Pressed { key: Secret::new(digit), due: Some(now + BURST) },
            false => Pressed::default(),
        };
        // No answer so far: the question stands, and silence counts anew.
        if let Hears::Question { silent_at, .. } = &mut wait.hears {
            *silent_at = Some(now + center.engine.queues[wait.queue.0 as usize].answer_within);
        }
    }

    /// What a key chooses now; none for one that chooses nothing.
    fn choice(&self, center: &Center, digit: char) -> Option<Choice> {
        let Phase::Waiting(wait) = &self.phase else { return None };
        // Nobody asks them anything any more.
        if wait.callback {
            return None;
        }
        let asked = matches!(wait.hears, Hears::Question { .. });
        let prompts = center.wait_prompts.get(wait.queue.0 as usize);
        let of_surge =
            prompts.filter(|_| wait.surge != Surge::None).and_then(|prompts| prompts.surge.as_ref());
        let of_surge = of_surge.map(|surge| &surge.offers).filter(|offers| !offers.is_empty());
        let own = prompts.map(|prompts| &prompts.offers).filter(|offers| !offers.is_empty());
        let own = of_surge.or(own);
        let offer = own.map_or((digit == '2').then_some(&WaitOffer::Callback), |own| own.get(&digit));
        match (digit, offer) {
            ('1', _) if asked => Some(Choice::Hold),
            // An offer may be taken at any time of the wait, not only when asked.
            (_, Some(WaitOffer::Callback)) if self.can_be_called_back(center) => Some(Choice::Callback),
            (_, Some(WaitOffer::Flow(flow))) => Some(Choice::Flow(flow.clone())),
            _ => None,
        }
    }

    fn chose(&mut self, center: &Center, digit: char, out: &mut Vec<CallAction>) {
        let Some(choice) = self.choice(center, digit) else { return };
        let Phase::Waiting(wait) = &mut self.phase else { return };
        let asked = matches!(wait.hears, Hears::Question { .. });
        let answer = match choice {
            Choice::Hold => PermissionAnswer::Granted,
            Choice::Callback => PermissionAnswer::Callback,
            Choice::Flow(flow) => {
                wait.leaves_for = Some(flow);
                PermissionAnswer::Declined
            }
        };
        out.push(CallAction::Fact(What::Digit { digit }));
        self.answer(answer, asked, out);
    }

    fn answer(&mut self, answer: PermissionAnswer, asked: bool, out: &mut Vec<CallAction>) {
        out.push(CallAction::Queue(queue::Event::Permission { call: self.id, answer }));
        if asked {
            self.set_hears(Hears::Nothing);
            self.ringing_tone(out);
        }
    }

    /// A key has stood alone, or the caller has been silent since the question.
    pub(super) fn on_wait_tick(&mut self, center: &Center, now: Timestamp, out: &mut Vec<CallAction>) {
        let Phase::Waiting(wait) = &mut self.phase else { return };
        if wait.pressed.due.is_some_and(|due| due <= now) {
            let pressed = std::mem::take(&mut wait.pressed);
            if let Some(digit) = pressed.key.expose().chars().next() {
                self.chose(center, digit, out);
            }
            return;
        }
        self.answer(PermissionAnswer::Silent, true, out);
    }

    /// Something that a waiting caller heard came to its end.
    pub(super) fn on_wait_play_ended(
        &mut self,
        center: &Center,
        now: Timestamp,
        ended: PlayId,
        stopped: bool,
        out: &mut Vec<CallAction>,
    ) {
        let Phase::Waiting(wait) = &mut self.phase else { return };
        match &mut wait.hears {
            Hears::Question { play, silent_at } if *play == ended => {
                *silent_at = Some(now + center.engine.queues[wait.queue.0 as usize].answer_within);
            }
            Hears::Word { play } if *play == ended && !stopped => self.music(center, out),
            Hears::Greeting { play } if *play == ended => {
                wait.hears = Hears::Nothing;
                self.ringing_tone(out);
            }
            Hears::Promise { play } if *play == ended => {
                wait.hears = Hears::Nothing;
                out.extend(self.caller.take().map(|leg| CallAction::HangUp { leg, elsewhere: false }));
            }
            _ => {}
        }
    }

    pub(super) fn say(
        &mut self,
        prompts: Vec<Name>,
        barge_in: bool,
        out: &mut Vec<CallAction>,
    ) -> Option<PlayId> {
        let leg = self.caller?;
        let play = self.new_play();
        out.push(CallAction::Fact(What::Played { prompts: prompts.clone() }));
        out.push(CallAction::Play { leg, play, prompts, barge_in, repeat: false });
        Some(play)
    }

    fn set_hears(&mut self, hears: Hears) {
        if let Phase::Waiting(wait) = &mut self.phase {
            wait.hears = hears;
        }
    }
}
