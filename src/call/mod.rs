//! One caller's contact from the first ring to the last word: flow, wait, ring, talk, callback.
//!
//! A [`Call`] is told what happens to its lines, to its wait and to its flow, and answers with what must
//! be done. It knows neither SIP nor sockets, and no other call.

pub mod api;
mod away;
mod bot;
pub mod by_phone;
mod callback;
mod carried;
pub mod conference;
mod consult;
mod desk;
mod ending;
pub mod escalate;
mod forward;
mod hearing;
mod hold;
mod keys;
mod known;
mod later;
mod listen;
mod message;
mod naming;
pub mod placed;
mod reached;
pub mod recall;
pub mod recording;
pub mod request;
pub mod shown;
mod spoken_note;
mod supervise;
mod survey;
mod talk;
#[cfg(test)]
mod tests;
mod transfer;
mod waiting;
mod whisper;

use std::time::Duration;

use serde::Deserialize;
use serde::Serialize;
use smallvec::SmallVec;

pub use api::Arrival;
pub use api::CallAction;
pub use api::CallEvent;
pub use api::LegEvent;
pub use api::QueueWord;
use talk::missed_why;

use crate::base::AgentId;
use crate::base::CallId;
use crate::base::LegId;
use crate::base::Name;
use crate::base::QueueId;
use crate::base::Timestamp;
use crate::base::WallTime;
use crate::fact::FEATURE_CODE;
use crate::fact::MissedWhy;
use crate::fact::Outcome;
use crate::fact::Party;
use crate::fact::Promisee;
use crate::fact::RecordingEnd;
use crate::fact::What;
use crate::flow::Center;
use crate::flow::FlowAction;
use crate::flow::FlowEvent;
use crate::flow::Run;
use crate::flow::Served;
use crate::flow::api::Caller;
use crate::flow::api::Customer;
use crate::flow::api::MessageNews;
use crate::flow::center::WaitPrompts;
use crate::flow::keypad::BURST;
use crate::media::control::PlayId;
use crate::queue;
use crate::queue::api::Agents;
use crate::queue::api::Demand;
use crate::queue::api::Enqueue;
use crate::queue::api::Nobody;
use crate::queue::api::PermissionPolicy;
use crate::queue::api::Whoses;
use callback::Callback;
use forward::Forward;
use known::Known;
use message::Messages;
use placed::Calling;
use placed::Placed;
use reached::Reaching;
use recording::Recording;
use survey::Surveyed;
use talk::Talk;
use waiting::Wait;
use whisper::Whispering;

/// Why a line is over that could not be gone on with, in words for the history.
const STARTED_ANEW: &str = "the server was started anew";

/// How long a call waits to learn who has its number before it greets a stranger.
const IDENTIFY_WITHIN: Duration = Duration::from_millis(150);

/// The longest that a last prompt may play before the line is ended regardless.
const FAREWELL_WITHIN: Duration = Duration::from_secs(30);

/// Plays of the call itself are numbered from here, its flow's from 0: neither is mistaken for the other.
const FIRST_PLAY: u32 = 1 << 24;

/// One caller's whole contact. Plain data: it can be written down at any time and read back.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Call {
    id: CallId,
    arrival: Arrival,
    phase: Phase,
    /// The caller's leg while the caller is on the line.
    caller: Option<LegId>,
    /// The agent who is being rung, or talks.
    agent: Option<AgentLine>,
    /// The lines of further agents who are rung beside that one: whoever picks up first gets the caller.
    #[serde(default)]
    beside: SmallVec<[AgentLine; 1]>,
    /// The flow that serves the caller, until it is over.
    run: Option<Run>,
    /// Legs whose streams are still open, and whose they are.
    open: Vec<(LegId, Party)>,
    next_play: u32,
    next_leg: u16,
    /// Whether an agent has talked with the caller.
    talked: bool,
    /// The queue that the caller joined, to go back to.
    joined: Option<Joined>,
    /// What was learned of the caller.
    known: Known,
    /// How many consults there have been.
    consults: u8,
    recording: Recording,
    /// How many notes were spoken.
    #[serde(default)]
    notes_spoken: u16,
    /// The line of the bot that the caller talks with.
    #[serde(default)]
    bot: Option<LegId>,
    #[serde(default)]
    messages: Messages,
    /// What its last flow learned, for one that goes on with the caller.
    #[serde(default)]
    served: Option<Served>,
    /// When the caller arrived, on both clocks; none for a call that an agent placed.
    #[serde(default)]
    arrived: Option<(Timestamp, WallTime)>,
    /// Whether a queue could not serve the caller.
    #[serde(default)]
    unserved: bool,
    /// Whom the caller is asked about, once the talk is over.
    #[serde(default)]
    surveyed: Option<Surveyed>,
    /// When the caller last pressed a key.
    #[serde(default)]
    last_key: Option<Timestamp>,
    /// When the caller's number was last asked, in whichever call.
    #[serde(default)]
    asked: Option<Timestamp>,
    /// Whether somebody has left the caller to somebody else.
    handed_on: bool,
    /// What an agent who placed the call wanted; none for a call from outside.
    placed: Option<Placed>,
    /// The language that the caller is spoken to in.
    language: Name,
    /// Somebody outside whom the flow calls, or has called, for the caller.
    #[serde(default)]
    forward: Option<Forward>,
    /// The operator who ended the call.
    #[serde(default)]
    ended_by: Option<Name>,
}

/// What the caller joined a queue with.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Joined {
    queue: QueueId,
    needs: Demand,
    priority: i32,
    permission: Option<PermissionPolicy>,
    /// Who must not get the caller.
    #[serde(default)]
    exclude: Agents,
    #[serde(default)]
    nobody: Nobody,
    since: Timestamp,
    /// The age that they brought along.
    #[serde(default)]
    credit: Duration,
}

impl Joined {
    /// As the queue has it.
    fn new(queue: QueueId, since: Timestamp) -> Joined {
        let (needs, priority, permission) = (Demand::default(), 0, None);
        let (exclude, nobody, credit) = (Agents::new(), Nobody::default(), Duration::ZERO);
        Joined { queue, needs, priority, permission, exclude, nobody, since, credit }
    }

    /// How old the caller counts as.
    fn age(&self, now: Timestamp) -> Duration {
        now.since(self.since).saturating_add(self.credit)
    }

    /// The queue's place in the center's lists.
    fn place(&self) -> usize {
        self.queue.0 as usize
    }
}

/// Where a call is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
enum Phase {
    /// Learning who has the calling number.
    Identifying { until: Timestamp },
    /// A flow serves the caller.
    Flow,
    /// In a queue; an agent may be ringing.
    Waiting(Wait),
    /// An agent calls somebody: the caller's place is empty until they pick up.
    Calling(Calling),
    /// An agent has picked up for a callback, and the caller's phone rings on this leg.
    CallingBack(Callback),
    /// An agent is reserved, and the caller's phone rings before the agent's does.
    Reaching(Reaching),
    /// An agent has picked up, and hears for what the caller comes.
    Whispering(Whispering),
    /// Caller and agent hear each other.
    Talking(Box<Talk>),
    /// A last prompt, then the line ends.
    Farewell { play: PlayId, until: Timestamp, outcome: Outcome, cause: Name },
    /// The server stops, and the place is kept for its next start: over here but for the closing of lines.
    Kept,
    /// Over but for the closing of lines.
    Ended { by: Party, outcome: Outcome, cause: Name },
}

/// An agent's line of this call.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct AgentLine {
    /// None for somebody outside, to whom the caller was handed over.
    agent: Option<AgentId>,
    name: Name,
    /// What the engine knows this agent's part in the call by: the call itself, or one of its consults.
    contact: CallId,
    leg: LegId,
    up: bool,
    /// What the engine said when it counted the agent's pick-up: how long the caller had waited, and
    /// what had been promised.
    promise: Option<(Duration, Option<Duration>)>,
    /// Whether they are a supervisor who is no agent, and took the caller over.
    #[serde(default)]
    guest: bool,
}

impl AgentLine {
    /// A line that is being dialled.
    fn new(agent: Option<AgentId>, name: Name, contact: CallId, leg: LegId) -> AgentLine {
        AgentLine { agent, name, contact, leg, up: false, promise: None, guest: false }
    }

    /// Whether it is somebody of the center's.
    fn is_ours(&self) -> bool {
        self.agent.is_some() || self.guest
    }
}

impl Call {
    /// A call of which nothing has happened yet, and that has no line.
    fn new(id: CallId, center: &Center, arrival: Arrival, phase: Phase) -> Call {
        Call {
            id,
            arrival,
            phase,
            caller: None,
            agent: None,
            beside: SmallVec::new(),
            run: None,
            open: Vec::new(),
            next_play: FIRST_PLAY,
            next_leg: 1,
            talked: false,
            joined: None,
            known: Known::default(),
            consults: 0,
            recording: Recording::default(),
            notes_spoken: 0,
            bot: None,
            messages: Messages::default(),
            served: None,
            arrived: None,
            unserved: false,
            surveyed: None,
            last_key: None,
            asked: None,
            handed_on: false,
            placed: None,
            language: center.language.clone(),
            forward: None,
            ended_by: None,
        }
    }

    /// A caller's line has come in. Answers with the first actions.
    pub fn arrive(
        id: CallId,
        center: &Center,
        now: Timestamp,
        wall: WallTime,
        arrival: Arrival,
        out: &mut Vec<CallAction>,
    ) -> Call {
        let leg = arrival.leg;
        let phase = Phase::Identifying { until: now + IDENTIFY_WITHIN };
        let mut call = Call {
            caller: Some(leg),
            open: vec![(leg, Party::Caller)],
            arrived: Some((now, wall)),
            ..Call::new(id, center, arrival, phase)
        };
        call.tell_arrival(out);
        if let Some((agent, wish)) = call.feature_code(center) {
            out.push(CallAction::Answer { leg });
            out.push(CallAction::Fact(What::CallAnswered));
            let prompt = waiting::state_prompt(&wish);
            out.push(CallAction::Queue(queue::Event::AgentWants { agent, wish }));
            call.farewell(now, prompt, Outcome::Served, FEATURE_CODE, out);
        } else if !center.numbers.contains_key(&call.arrival.dialled) {
            out.push(CallAction::Refuse { leg, status: 404 });
            call.finish(Party::Server, Outcome::Refused, "no such number", out);
        } else if call.arrival.number.is_empty() {
            call.begin_flow(center, now, wall, None, out);
        } else {
            out.push(CallAction::FindCustomer { number: call.arrival.number.clone() });
        }
        call
    }

    /// Which call this is.
    pub fn id(&self) -> CallId {
        self.id
    }

    /// Who calls: number and display name, either may be empty.
    pub fn caller_id(&self) -> (&str, &str) {
        (&self.arrival.number, &self.arrival.display)
    }

    /// Where the caller came from, `udp 10.0.0.2:5060`, and by which trunk.
    pub fn came_by(&self) -> (&str, Option<&Name>) {
        (&self.arrival.source, self.arrival.trunk.as_ref())
    }

    /// Who the caller is, as far as that is proved or believed.
    pub fn whose(&self) -> Whoses {
        self.known.whose(&self.arrival.number)
    }

    /// To whom somebody in this call promises something.
    pub fn promisee(&self, center: &Center) -> Promisee {
        let queue = self.joined.as_ref().and_then(|joined| center.engine.queues.get(joined.place()));
        self.known.promisee(&self.arrival.number, queue.map(|queue| queue.name.clone()))
    }

    /// Whether an agent calls somebody in it.
    pub fn is_placed(&self) -> bool {
        self.placed.is_some()
    }

    /// The language in which prompts are played on this leg: the caller's own, and the center's to everybody else.
    pub fn language_of<'a>(&'a self, center: &'a Center, leg: LegId) -> &'a Name {
        if self.caller == Some(leg) { &self.language } else { &center.language }
    }

    /// Applies `event` at `now` and appends what must be done, in order, to `out`.
    pub fn handle(
        &mut self,
        center: &Center,
        now: Timestamp,
        wall: WallTime,
        event: CallEvent,
        out: &mut Vec<CallAction>,
    ) {
        match event {
            CallEvent::Found(customer) => self.found(center, now, wall, customer, out),
            CallEvent::Leg { leg, event } => self.on_leg(center, now, leg, event, out),
            CallEvent::Digit { leg, digit } => self.on_digit(center, now, wall, leg, digit, out),
            CallEvent::PlayEnded { leg, play, stopped } => {
                self.on_play_ended(center, now, leg, play, stopped, out)
            }
            CallEvent::AudioLost { leg } => {
                if let Some(party) = self.party(leg) {
                    out.push(CallAction::Fact(What::AudioLost { leg, party }));
                }
            }
            CallEvent::AudioBack { leg } => {
                if let Some(party) = self.party(leg) {
                    out.push(CallAction::Fact(What::AudioBack { leg, party }));
                }
            }
            CallEvent::Verified(result) => self.step_flow(center, now, FlowEvent::Verified(result), out),
            CallEvent::Fetched { number, result } => {
                self.step_flow(center, now, FlowEvent::Fetched { number, result }, out);
            }
            CallEvent::Bot { leg, end } if self.bot == Some(leg) => {
                self.step_flow(center, now, FlowEvent::Bot(end), out);
            }
            CallEvent::Bot { .. } => {}
            CallEvent::Queue(word) => self.on_queue_word(center, now, word, out),
            CallEvent::Consult { number, word } => self.on_consult_word(center, now, number, word, out),
            CallEvent::RecordingEnded { leg, why } if self.messages.leg == Some(leg) => {
                let news =
                    if why == RecordingEnd::Restart { MessageNews::CutOff } else { MessageNews::Failed };
                self.step_flow(center, now, FlowEvent::Message(news), out);
            }
            CallEvent::RecordingEnded { leg, why } => {
                self.recording_of(leg, why, out);
                self.note_recording_ended(leg);
            }
            CallEvent::Speaks { leg, on } if self.messages.leg == Some(leg) => {
                self.step_flow(
                    center,
                    now,
                    FlowEvent::Message(if on { MessageNews::Speaks } else { MessageNews::Silent }),
                    out,
                );
            }
            CallEvent::Speaks { .. } => {}
            CallEvent::Tick => {
                self.recording_late(now, out);
                self.on_tick(center, now, wall, out);
            }
            CallEvent::CarriedOn => self.carried_on(center, out),
            CallEvent::StopsListening { who } => self.stop_listening(center, &who, out).unwrap_or_default(),
            CallEvent::Stop { cause, by } => {
                self.ended_by = by;
                self.stop(center, cause, now, out);
            }
            CallEvent::Shutdown => self.shut_down(center, now, out),
        }
        self.heed_note(center, now, out);
        self.heed_away(center, now, out);
        self.heed_listening(center, out);
    }

    /// When [`CallEvent::Tick`] is next due.
    pub fn deadline(&self) -> Option<Timestamp> {
        self.phase_deadline().into_iter().chain(self.recording.deadline()).min()
    }

    fn phase_deadline(&self) -> Option<Timestamp> {
        match &self.phase {
            Phase::Identifying { until } | Phase::Farewell { until, .. } => Some(*until),
            Phase::CallingBack(callback) => Some(callback.until),
            Phase::Calling(calling) => calling.until,
            Phase::Flow => self.run.as_ref().and_then(Run::deadline),
            Phase::Waiting(wait) => wait.deadline(),
            Phase::Whispering(whispering) => Some(whispering.until),
            Phase::Talking(talk) => talk.deadline(),
            // The engine says when.
            Phase::Reaching(_) | Phase::Kept | Phase::Ended { .. } => None,
        }
    }

    fn tell_arrival(&self, out: &mut Vec<CallAction>) {
        let Arrival { leg, number, claimed, display, dialled, sip_call_id, source, trunk, .. } =
            self.arrival.clone();
        out.push(CallAction::Fact(What::CallArrived {
            from: number,
            display,
            to: dialled.as_str().into(),
            sip_call_id,
            source: source.clone(),
            trunk,
        }));
        out.extend(claimed.map(|number| CallAction::Fact(What::NumberNotBelieved { number })));
        out.push(CallAction::Fact(What::LegOpened { leg, party: Party::Caller, address: source }));
    }

    fn feature_code(&self, center: &Center) -> Option<(AgentId, queue::api::AgentWish)> {
        let agent = self.arrival.agent?;
        Some((agent, center.feature_codes.get(&self.arrival.dialled)?.clone()))
    }

    fn found(
        &mut self,
        center: &Center,
        now: Timestamp,
        wall: WallTime,
        customer: Option<Customer>,
        out: &mut Vec<CallAction>,
    ) {
        if matches!(self.phase, Phase::Identifying { .. }) {
            self.begin_flow(center, now, wall, customer, out);
        }
    }

    fn begin_flow(
        &mut self,
        center: &Center,
        now: Timestamp,
        wall: WallTime,
        customer: Option<Customer>,
        out: &mut Vec<CallAction>,
    ) {
        // `arrive` refused what is no number of the center, and the center of a call does not change.
        let flow = &center.numbers[&self.arrival.dialled];
        let caller =
            Caller { number: self.arrival.number.clone(), dialled: self.arrival.dialled.clone(), customer };
        self.run = Some(Run::start(center, flow, caller));
        self.phase = Phase::Flow;
        self.step_flow(center, now, FlowEvent::Started { wall }, out);
    }

    /// The flow is over; what it learned is kept for another one.
    fn flow_over(&mut self) {
        self.served = self.run.take().map(Run::served).or(self.served.take());
    }

    /// Another flow goes on with the caller, who is on the line.
    fn go_on_in(&mut self, center: &Center, now: Timestamp, flow: &Name, out: &mut Vec<CallAction>) {
        let (Some(leg), Some((began, wall))) = (self.caller, self.arrived) else { return };
        // Nothing of a flow is in the recording of a talk.
        self.end_recording(RecordingEnd::Over, out);
        out.push(CallAction::StopPlay { leg });
        self.run = Some(match self.served.take() {
            Some(served) => Run::go_on(center, flow, served),
            None => {
                let (number, dialled) = (self.arrival.number.clone(), self.arrival.dialled.clone());
                let caller = Caller { number, dialled, customer: None };
                Run::go_on(center, flow, Run::start(center, flow, caller).served())
            }
        });
        self.phase = Phase::Flow;
        self.step_flow(center, now, FlowEvent::Started { wall: wall + now.since(began) }, out);
    }

    /// How a call comes out that ends in a flow.
    fn outcome_of_flow(&self, otherwise: Outcome) -> Outcome {
        match (&self.surveyed, self.messages.left, self.unserved) {
            (Some(_), ..) => Outcome::Talked,
            (None, true, _) => Outcome::Served,
            (None, false, true) => Outcome::Unserved,
            (None, false, false) => otherwise,
        }
    }

    /// Lets the flow take one event, and does what it says.
    fn step_flow(&mut self, center: &Center, now: Timestamp, event: FlowEvent, out: &mut Vec<CallAction>) {
        let (Some(run), Some(leg)) = (&mut self.run, self.caller) else { return };
        let mut actions = Vec::new();
        run.handle(center, now, event, &mut actions);
        for action in actions {
            match action {
                FlowAction::Answer => {
                    out.push(CallAction::Answer { leg });
                    out.push(CallAction::Fact(What::CallAnswered));
                }
                FlowAction::Ring => out.push(CallAction::Ring { leg }),
                FlowAction::Refuse { status } => {
                    out.push(CallAction::Refuse { leg, status });
                    self.finish(Party::Server, Outcome::Refused, "not answered, as the flow says", out);
                }
                FlowAction::Play { play, prompts, barge_in, repeat } => {
                    out.push(CallAction::Play { leg, play, prompts, barge_in, repeat });
                }
                FlowAction::StopPlay => out.push(CallAction::StopPlay { leg }),
                FlowAction::Speak { language } => self.language = language,
                FlowAction::Consent { agreed } => self.recording.answered(agreed),
                FlowAction::Echo => out.push(CallAction::Echo { leg }),
                FlowAction::Verify { account, proof } => out.push(CallAction::Verify { account, proof }),
                FlowAction::Fetch(question) => out.push(CallAction::Fetch(question)),
                FlowAction::Bot(call) => self.bot_joins(leg, call, out),
                FlowAction::BotKey { digit } => {
                    out.extend(self.bot.map(|leg| CallAction::BotKey { leg, digit }));
                }
                FlowAction::BotEnds => self.bot_leaves(out),
                FlowAction::Enqueue { queue, needs, priority, permission, prefer, exclude, nobody } => {
                    self.flow_over();
                    // Who is not an agent of this center is nobody: a service may know others.
                    let agent = |name: &Name| center.engine.agent_named(name);
                    let prefer = prefer.and_then(|(name, wait)| Some((agent(&name)?, wait)));
                    let exclude: Agents = exclude.iter().filter_map(agent).collect();
                    let joined =
                        Joined { needs, priority, permission, exclude, nobody, ..Joined::new(queue, now) };
                    let enqueue = Enqueue { prefer, ..self.enqueue(&joined, Duration::ZERO) };
                    self.joined = Some(joined);
                    self.phase = Phase::Waiting(Wait::new(queue));
                    out.push(CallAction::Queue(queue::Event::Enqueue(Box::new(enqueue))));
                }
                FlowAction::Transfer { number, shown } => self.forward(now, number, shown, out),
                FlowAction::CallAgent { agent, queue } => self.call_agent(now, agent, queue, out),
                FlowAction::EndTransfer => {
                    self.end_forward(now, MissedWhy::NoAnswer, Party::Server, out);
                }
                FlowAction::KeepPlace(kept) => {
                    self.flow_over();
                    self.agree_on_callback(now, *kept, out);
                }
                action @ (FlowAction::RecordMessage { .. } | FlowAction::MessageEnds { .. }) => {
                    self.on_message_action(center, leg, &action, out);
                }
                FlowAction::Surveyed { question, answer, settled } => {
                    self.answered(question, answer, settled, out);
                }
                FlowAction::HangUp { reason } => {
                    self.run = None;
                    self.end_lines(false, out);
                    self.finish(Party::Server, self.outcome_of_flow(Outcome::Served), &reason, out);
                }
                FlowAction::Fact(what) => {
                    self.known.learn(&what);
                    out.push(CallAction::Fact(what));
                }
                FlowAction::Left { .. } => {}
            }
        }
    }

    fn on_leg(
        &mut self,
        center: &Center,
        now: Timestamp,
        leg: LegId,
        event: LegEvent,
        out: &mut Vec<CallAction>,
    ) {
        let Some(party) = self.party(leg) else { return };
        match event {
            LegEvent::Ringing => {}
            LegEvent::Lost => self.on_desk(center, leg, true, out),
            LegEvent::Back => self.on_desk(center, leg, false, out),
            LegEvent::Up => self.on_line_up(center, now, leg, out),
            LegEvent::Failed { status } => {
                let cause = format!("SIP status {status}");
                self.on_line_failed(center, now, leg, (missed_why(status), &cause), out);
            }
            LegEvent::Withdrawn if self.caller == Some(leg) => self.stop(center, STARTED_ANEW, now, out),
            LegEvent::Withdrawn => {
                let withdrawn = (MissedWhy::Withdrawn, STARTED_ANEW);
                self.on_line_failed(center, now, leg, withdrawn, out);
            }
            LegEvent::Ended { cause } => self.on_party_left(center, now, leg, &cause, out),
            LegEvent::Held => {
                out.push(CallAction::Fact(What::FarEndHeld { leg, party }));
                self.flow_stands_still(center, now, leg, FlowEvent::Held, out);
                self.phone_holds(center, now, leg, out);
            }
            LegEvent::Resumed => {
                out.push(CallAction::Fact(What::FarEndResumed { leg, party }));
                self.flow_stands_still(center, now, leg, FlowEvent::Resumed, out);
                self.phone_is_back(center, now, leg, out);
            }
            LegEvent::Closed { quality } => {
                self.open.retain(|(open, _)| *open != leg);
                self.recording_of(leg, RecordingEnd::Over, out);
                if let Some(talk) = self.talk_mut() {
                    talk.away.retain(|away| *away != leg);
                }
                out.push(CallAction::Fact(What::LegClosed { leg, party, quality }));
                self.conclude(out);
            }
        }
    }

    fn on_digit(
        &mut self,
        center: &Center,
        now: Timestamp,
        wall: WallTime,
        leg: LegId,
        digit: char,
        out: &mut Vec<CallAction>,
    ) {
        if matches!(self.phase, Phase::Talking(_)) {
            return self.on_talk_digit(center, now, wall, leg, digit, out);
        }
        if matches!(self.phase, Phase::Whispering(_)) && self.agent_at(leg).is_some() {
            return self.whisper_over(center, now, out);
        }
        if self.caller != Some(leg) {
            return;
        }
        let of_burst = self.last_key.replace(now).is_some_and(|last| now.since(last) < BURST);
        match self.phase {
            // What is keyed in a talk is between the two, and may be a secret.
            Phase::Flow if self.forward.is_some() => {}
            Phase::Flow => {
                self.step_flow(center, now, FlowEvent::Digit(digit), out);
                // The key that led to a queue has chosen something: what follows it is another answer.
                self.last_key = self.last_key.filter(|_| matches!(self.phase, Phase::Flow));
            }
            Phase::Waiting(_) => self.on_waiting_digit(center, now, digit, of_burst),
            _ => {}
        }
    }

    fn on_play_ended(
        &mut self,
        center: &Center,
        now: Timestamp,
        leg: LegId,
        play: PlayId,
        stopped: bool,
        out: &mut Vec<CallAction>,
    ) {
        match &self.phase {
            // Of all that plays to others only its end says something.
            Phase::Whispering(whispering) if whispering.play == play => self.whisper_over(center, now, out),
            _ if self.caller != Some(leg) => {}
            Phase::Flow => self.step_flow(center, now, FlowEvent::PlayEnded { play }, out),
            Phase::Waiting(_) => self.on_wait_play_ended(center, now, play, stopped, out),
            Phase::Whispering(_) => self.whisper_rings(out),
            Phase::Talking(_) => self.on_talk_play_ended(center, now, play, out),
            Phase::Farewell { play: last, .. } if *last == play => self.end_farewell(out),
            Phase::CallingBack(callback) if callback.greeting == Some(play) => {
                self.begin_talk(center, now, out)
            }
            _ => {}
        }
    }

    fn on_tick(&mut self, center: &Center, now: Timestamp, wall: WallTime, out: &mut Vec<CallAction>) {
        if self.phase_deadline().is_none_or(|due| due > now) {
            return;
        }
        match &self.phase {
            Phase::Identifying { .. } => self.begin_flow(center, now, wall, None, out),
            Phase::Flow => self.step_flow(center, now, FlowEvent::Tick, out),
            Phase::Waiting(_) => self.on_wait_tick(center, now, out),
            Phase::CallingBack(_) => self.callback_failed("no answer", out),
            Phase::Calling(_) => self.callee_late(out),
            Phase::Farewell { .. } => self.end_farewell(out),
            Phase::Whispering(_) => self.whisper_over(center, now, out),
            Phase::Talking(_) => self.on_talk_tick(center, now, out),
            Phase::Reaching(_) | Phase::Kept | Phase::Ended { .. } => {}
        }
    }

    fn party(&self, leg: LegId) -> Option<Party> {
        self.open.iter().find(|(open, _)| *open == leg).map(|(_, party)| *party)
    }

    fn new_play(&mut self) -> PlayId {
        let play = PlayId(self.next_play);
        self.next_play += 1;
        play
    }

    /// A new line of this call.
    fn new_leg(&mut self, party: Party) -> LegId {
        let leg = self.reserve_leg();
        self.open.push((leg, party));
        leg
    }

    /// The name of a line that may become one of this call.
    pub fn reserve_leg(&mut self) -> LegId {
        let leg = LegId::of(self.id, self.next_leg);
        // 65 535 lines of one call are more than its queue's longest wait can ring.
        self.next_leg = self.next_leg.wrapping_add(1).max(1);
        leg
    }

    /// The prompts of the queue that the call waits in.
    fn prompts<'a>(&self, center: &'a Center) -> Option<&'a WaitPrompts> {
        match &self.phase {
            Phase::Waiting(wait)
            | Phase::CallingBack(Callback { wait, .. })
            | Phase::Reaching(Reaching { wait, .. }) => center.wait_prompts.get(wait.queue.0 as usize),
            _ => None,
        }
    }
}
