//! A call as a desk shows it: who calls, what they chose, how they are served, who has which part in it.

use std::sync::Arc;
use std::time::Duration;

use super::Contact;
use crate::base::CallId;
use crate::base::Name;
use crate::base::WallTime;
use crate::call::conference::CALLER;
use crate::call::recording::LONGEST_PAUSE;
use crate::fact::Assurance;
use crate::fact::BriefingNote;
use crate::fact::Direction;
use crate::fact::Hears;
use crate::fact::HoldAnswer;
use crate::fact::HoldWay;
use crate::fact::Party;
use crate::fact::Promise;
use crate::fact::SuperviseMode;
use crate::fact::Target;
use crate::fact::What;
use crate::queue::api::Whose;
use crate::queue::api::Whoses;
use crate::queue::promises;
use crate::store::DatedFact;

/// Lines of a call's timeline that are kept; the history has them all.
const TIMELINE: usize = 200;
/// Variables that are kept, and choices.
const COLLECTED: usize = 24;
/// Notes that are kept.
const NOTES: usize = 8;

/// A call.
#[derive(Clone, Debug, PartialEq)]
pub struct DeskCall {
    pub id: CallId,
    pub direction: Direction,
    pub arrived: WallTime,
    pub number: String,
    pub name: String,
    /// The account number of the customer that was found.
    pub account: Option<String>,
    /// What is proven of who calls.
    pub assurance: Assurance,
    /// Since when a flow's word on it stands, and an agent's.
    pub verified: Option<WallTime>,
    pub verified_by_agent: Option<WallTime>,
    pub queue: Option<Name>,
    /// What the caller chose from menus, in order.
    pub chose: Vec<Name>,
    /// Variables that the flow set, by name: none of them a secret.
    pub collected: Vec<(Name, String)>,
    pub waiting_since: Option<WallTime>,
    /// How long the caller waited, once connected.
    pub waited: Option<Duration>,
    /// How long we said it would take, when we first said so.
    pub quote: Option<Duration>,
    /// The hold that the caller is being asked for: reason and quote.
    pub asking: Option<(String, Duration)>,
    pub hold: Option<Hold>,
    /// Whether the caller would not be held when they were last asked.
    pub refused_hold: bool,
    /// How long the note is that was spoken last.
    pub spoken: Option<Duration>,
    /// Whether the caller's own phone holds.
    pub caller_away: bool,
    /// Whether the own phone of the agent who has the caller holds.
    pub agent_away: bool,
    pub consult: Option<Consult>,
    pub recording: Option<Recording>,
    /// The level of escalation that was asked last.
    pub level: Option<Name>,
    /// Who was added to the talk.
    pub members: Vec<Member>,
    /// Colleagues who ask whether they may listen, and those who do.
    pub asks_to_listen: Vec<Name>,
    pub listeners: Vec<Name>,
    /// How much louder or quieter the others hear the caller, in dB.
    pub caller_gain_db: i8,
    /// Whether an agent's call rings at the one who is called.
    pub calling_out: bool,
    pub notes: Vec<BriefingNote>,
    /// Who says that the caller came to the wrong queue: where they belong, and why.
    pub misrouted: Vec<(Name, Option<Name>, String)>,
    /// What people should know of what happened: without nodes, prompts and single keys.
    pub timeline: Vec<DatedFact>,
    /// Earlier contacts of the caller; none until the history was asked.
    pub before: Option<Arc<[Contact]>>,
    /// Who has a part in it.
    pub parts: Vec<Part>,
    pub ended: bool,
    /// Who had a part in it until the last fact.
    left: Vec<Name>,
}

/// An agent's part in a call.
#[derive(Clone, Debug, PartialEq)]
pub struct Part {
    pub agent: Name,
    pub role: PartRole,
    pub phase: PartPhase,
    pub since: WallTime,
}

/// As what somebody is part of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PartRole {
    Agent,
    /// Called by a colleague: on the line as a caller is.
    Called,
    Consulted,
    Supervisor(SuperviseMode),
}

/// How far somebody's part is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PartPhase {
    Ringing,
    /// They hear for what the caller comes.
    Whisper,
    Talking,
    WrapUp,
}

/// What an agent sees a call doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    Ringing,
    /// The agent has picked up, and hears for what the caller comes.
    Whisper,
    /// The agent hears the phone ring of the one whom they call.
    CallingOut,
    Talking,
    AskingHold,
    Holding,
    Consulting,
    Conference,
    WrapUp,
}

/// The caller is held by an agent.
#[derive(Clone, Debug, PartialEq)]
pub struct Hold {
    pub reason: String,
    pub since: WallTime,
    pub until: WallTime,
    /// The agent was reminded.
    pub nudge: bool,
    /// It has reached its longest.
    pub alarm: bool,
}

/// The talk is recorded.
#[derive(Clone, Debug, PartialEq)]
pub struct Recording {
    pub since: WallTime,
    pub pause: Option<Pause>,
}

/// Silence is recorded, as an agent wants it.
#[derive(Clone, Debug, PartialEq)]
pub struct Pause {
    pub reason: String,
    pub since: WallTime,
    /// When it ends by itself.
    pub until: WallTime,
}

/// Somebody is asked to help or to take over.
#[derive(Clone, Debug, PartialEq)]
pub struct Consult {
    pub target: Target,
    /// Who it has become: the agent whose phone rings.
    pub with: Option<Name>,
    pub phase: ConsultPhase,
    pub note: BriefingNote,
    pub acknowledged: bool,
    /// Whether it adds somebody to the talk, which goes on meanwhile.
    pub adds: bool,
}

/// Somebody who was added to a talk.
#[derive(Clone, Debug, PartialEq)]
pub struct Member {
    pub who: Name,
    pub since: WallTime,
    pub muted: bool,
    pub gain_db: i8,
}

/// How far a consult is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConsultPhase {
    Ringing,
    /// They are there, and have not acknowledged the note yet.
    Briefing,
    /// Agent and consulted talk alone.
    Private,
    /// The agent talks with the caller, the consulted one waits.
    Caller,
    Conference,
}

impl DeskCall {
    /// What goes on has gone on as long as before. What has happened keeps the date that the history has of it.
    pub(super) fn calendar_set(&mut self, by_ms: i64) {
        let hold = self.hold.iter_mut().flat_map(|hold| [&mut hold.since, &mut hold.until]);
        let recording = self.recording.iter_mut().flat_map(|recording| {
            let pause = recording.pause.iter_mut().flat_map(|pause| [&mut pause.since, &mut pause.until]);
            [&mut recording.since].into_iter().chain(pause)
        });
        let parts = self.parts.iter_mut().map(|part| &mut part.since);
        let members = self.members.iter_mut().map(|member| &mut member.since);
        let moments = self.waiting_since.iter_mut().chain(hold).chain(recording).chain(parts).chain(members);
        moments.for_each(|moment| *moment = moment.moved(by_ms));
    }

    pub(super) fn new(id: CallId, arrived: WallTime) -> DeskCall {
        DeskCall {
            id,
            direction: Direction::Inbound,
            arrived,
            number: String::new(),
            name: String::new(),
            account: None,
            assurance: Assurance::default(),
            verified: None,
            verified_by_agent: None,
            queue: None,
            chose: Vec::new(),
            collected: Vec::new(),
            waiting_since: None,
            waited: None,
            quote: None,
            asking: None,
            hold: None,
            refused_hold: false,
            spoken: None,
            caller_away: false,
            agent_away: false,
            consult: None,
            recording: None,
            level: None,
            members: Vec::new(),
            asks_to_listen: Vec::new(),
            listeners: Vec::new(),
            caller_gain_db: 0,
            calling_out: false,
            notes: Vec::new(),
            misrouted: Vec::new(),
            timeline: Vec::new(),
            before: None,
            parts: Vec::new(),
            ended: false,
            left: Vec::new(),
        }
    }

    /// The part that an agent has in it.
    pub fn part(&self, agent: &str) -> Option<&Part> {
        self.parts.iter().find(|part| *part.agent == *agent)
    }

    /// Who has the caller.
    pub fn has_caller(&self) -> Option<&Name> {
        let talks = |part: &&Part| part.role == PartRole::Agent && part.phase == PartPhase::Talking;
        self.parts.iter().find(talks).map(|part| &part.agent)
    }

    /// What the call is doing, seen from a part.
    pub fn phase(&self, part: &Part) -> Phase {
        match (part.phase, part.role) {
            (PartPhase::Ringing, _) => Phase::Ringing,
            (PartPhase::Whisper, _) => Phase::Whisper,
            (PartPhase::WrapUp, _) => Phase::WrapUp,
            (PartPhase::Talking, PartRole::Supervisor(_) | PartRole::Called) => Phase::Talking,
            (PartPhase::Talking, PartRole::Agent) if self.calling_out => Phase::CallingOut,
            (PartPhase::Talking, _) => match (&self.consult, &self.hold, &self.asking) {
                (Some(consult), ..) if consult.phase == ConsultPhase::Conference => Phase::Conference,
                (Some(consult), ..) if !consult.adds => Phase::Consulting,
                (_, Some(_), _) => Phase::Holding,
                (_, None, Some(_)) => Phase::AskingHold,
                (_, None, None) if !self.members.is_empty() => Phase::Conference,
                (_, None, None) => Phase::Talking,
            },
        }
    }

    /// Takes one more fact in; whether a desk that shows the call shows something else now.
    pub(super) fn apply(&mut self, dated: &DatedFact) -> bool {
        let told = is_told(&dated.fact.what);
        if told && self.timeline.len() < TIMELINE {
            self.timeline.push(dated.clone());
        }
        told | self.change(dated.wall, dated)
    }

    /// Who has had a part in it until the last fact, and has none any more.
    pub(super) fn take_left(&mut self) -> Vec<Name> {
        std::mem::take(&mut self.left)
    }

    /// Whether something was promised to this caller.
    pub fn is_owed(&self, promise: &Promise) -> bool {
        let account = self.assurance.proven(self.account.as_deref()).map(Whose::account);
        let whose: Whoses = Whose::number(&self.number).into_iter().chain(account).collect();
        promises::is_to(&promise.to, &whose)
    }

    /// Whether somebody has said what came of their talk.
    pub fn has_outcome_of(&self, who: &Name) -> bool {
        let told = self.timeline.iter().map(|dated| &dated.fact.what);
        told.into_iter().any(|what| matches!(what, What::OutcomeSet { agent, .. } if agent == who))
    }

    pub(super) fn leave(&mut self, agent: &Name) {
        let before = self.parts.len();
        self.parts.retain(|part| part.agent != *agent);
        if self.parts.len() != before {
            self.left.push(agent.clone());
        }
    }

    fn change(&mut self, wall: WallTime, dated: &DatedFact) -> bool {
        match &dated.fact.what {
            What::CallArrived { from, display, .. } => {
                self.number.clone_from(from);
                self.name.clone_from(display);
            }
            What::CallPlaced { to, queue, .. } => {
                self.direction = Direction::placed(to);
                self.queue = Some(queue.clone());
                match to {
                    Target::Number(number) => self.number.clone_from(number),
                    Target::Agent(name) | Target::Queue(name) => self.name = name.to_string(),
                }
            }
            What::CalleeDialled { .. } => self.is_calling_out(wall),
            What::CalleeReached { .. } => {
                self.calling_out = false;
                for part in &mut self.parts {
                    part.phase = PartPhase::Talking;
                    part.since = wall;
                }
            }
            What::CalleeMissed { .. } => {
                self.calling_out = false;
                if let Some(one) = self.parts.iter().find(|part| part.role == PartRole::Agent) {
                    let agent = one.agent.clone();
                    self.talk_over(&agent, wall);
                }
            }
            What::Identified { customer, name, .. } => {
                self.account = Some(customer.clone());
                self.name.clone_from(name);
            }
            what @ (What::VerificationEnded { .. } | What::AgentVerified(_)) => self.learn(wall, what),
            What::Chose { choice, .. } if self.chose.len() < COLLECTED => self.chose.push(choice.clone()),
            What::VariableSet { name, value } => self.collect(name, value),
            What::Enqueued { queue, .. } => {
                self.queue = Some(queue.clone());
                self.waiting_since = Some(wall);
                self.waited = None;
            }
            // Nobody who rang or talked before the server was started does so now.
            What::PlaceRecalled { .. } => {
                let parts: Vec<Name> = self.parts.iter().map(|part| part.agent.clone()).collect();
                parts.iter().for_each(|agent| self.leave(agent));
            }
            What::WaitMoved { to, .. } => self.queue = Some(to.clone()),
            What::WaitAsked { quote, .. } => self.quote = self.quote.or(*quote),
            What::AgentRinging { agent, .. } => {
                let role = if self.calling_out { PartRole::Called } else { PartRole::Agent };
                self.join(agent, role, PartPhase::Ringing, wall);
            }
            What::AgentMissed { agent, .. } => self.leave(agent),
            What::CallbackFailed { .. } => self.rings_no_more(),
            What::Whispered { agent, .. } => self.join(agent, PartRole::Agent, PartPhase::Whisper, wall),
            What::AgentConnected { agent, waited, .. } => {
                self.waited = Some(*waited);
                self.waiting_since = None;
                self.join(agent, PartRole::Agent, PartPhase::Talking, wall);
            }
            What::TalkEnded { agent, .. } => self.talk_over(agent, wall),
            What::CallEnded { .. } => self.end(),
            What::Misrouted { agent, belongs, reason, .. } => {
                self.misrouted.retain(|(by, ..)| by != agent);
                self.misrouted.push((agent.clone(), belongs.clone(), reason.clone()));
            }
            What::MisroutedTakenBack { agent } => self.misrouted.retain(|(by, ..)| by != agent),
            _ => return self.change_talk(wall, dated),
        }
        true
    }

    /// Hold, consult, transfer, supervision.
    fn change_talk(&mut self, wall: WallTime, dated: &DatedFact) -> bool {
        match &dated.fact.what {
            What::HoldAsked { reason, quote, way, .. } => {
                self.refused_hold = false;
                self.asking = (*way == HoldWay::Prompted).then(|| (reason.clone(), *quote));
            }
            What::HoldAnswered { answer, .. } => {
                self.asking = None;
                self.refused_hold = *answer != HoldAnswer::Yes;
            }
            What::FarEndHeld { party: Party::Caller, .. } => self.caller_away = true,
            What::FarEndResumed { party: Party::Caller, .. } => self.caller_away = false,
            What::FarEndHeld { party: Party::Agent, .. } => self.agent_away = true,
            What::FarEndResumed { party: Party::Agent, .. } => self.agent_away = false,
            What::HoldStarted { reason, until, .. } => {
                let until = wall + until.since(dated.fact.at);
                let reason = reason.clone();
                self.asking = None;
                self.hold = Some(Hold { reason, since: wall, until, nudge: false, alarm: false });
            }
            What::HoldNudged { .. } => self.in_hold(|hold| hold.nudge = true),
            What::HoldRequoted { until, .. } => {
                let until = wall + until.since(dated.fact.at);
                self.in_hold(|hold| (hold.until, hold.nudge) = (until, false));
            }
            What::HoldAlarm { .. } => self.in_hold(|hold| hold.alarm = true),
            What::HoldEnded { .. } => self.hold = None,
            What::ConsultStarted { target, note, .. } => {
                self.keep_note(note);
                let (target, note) = (target.clone(), BriefingNote::clone(note));
                let phase = ConsultPhase::Ringing;
                let (with, acknowledged, adds) = (None, false, false);
                self.consult = Some(Consult { target, with, phase, note, acknowledged, adds });
            }
            What::Escalated { level, .. } => self.level = Some(level.clone()),
            What::PartyCalled { target, note, .. } => {
                self.keep_note(note);
                let (target, note) = (target.clone(), BriefingNote::clone(note));
                let (with, phase, acknowledged, adds) = (None, ConsultPhase::Ringing, false, true);
                self.consult = Some(Consult { target, with, phase, note, acknowledged, adds });
            }
            What::PartyJoined { who } => {
                self.consult = None;
                self.members.push(Member { who: who.clone(), since: wall, muted: false, gain_db: 0 });
            }
            What::PartyLeft { who, .. } => {
                self.members.retain(|member| member.who != *who);
                self.leave(who);
            }
            What::PartyMuted { who, on } => self.in_member(who, |member| member.muted = *on),
            What::PartyGain { who, gain_db } if **who == *CALLER => self.caller_gain_db = *gain_db,
            What::PartyGain { who, gain_db } => self.in_member(who, |member| member.gain_db = *gain_db),
            What::TakenOver { from, by } => {
                self.join(by, PartRole::Agent, PartPhase::Talking, wall);
                if let Some(part) = self.parts.iter_mut().find(|part| part.agent == *from) {
                    (part.phase, part.since) = (PartPhase::WrapUp, wall);
                }
            }
            What::ConsultRinging { agent } => {
                if let Some(consult) = &mut self.consult {
                    consult.with = Some(agent.clone());
                }
                self.join(agent, PartRole::Consulted, PartPhase::Ringing, wall);
            }
            What::NoteAmended { note, .. } => {
                self.keep_note(note);
                self.in_consult(|consult| {
                    consult.note = BriefingNote::clone(note);
                    consult.acknowledged = false;
                });
            }
            What::NoteSpoken { length, .. } => self.spoken = Some(*length),
            What::NoteAcknowledged { .. } => self.in_consult(|consult| {
                consult.acknowledged = true;
                if consult.phase == ConsultPhase::Briefing {
                    consult.phase = ConsultPhase::Private;
                }
            }),
            What::ConsultAnswered { by } => {
                self.in_consult(|consult| {
                    consult.phase =
                        if consult.acknowledged { ConsultPhase::Private } else { ConsultPhase::Briefing };
                });
                self.join(by, PartRole::Consulted, PartPhase::Talking, wall);
            }
            What::Toggled { hears } => self.in_consult(|consult| {
                consult.phase = match hears {
                    Hears::Caller => ConsultPhase::Caller,
                    Hears::Consulted => ConsultPhase::Private,
                };
            }),
            What::Conferenced => self.in_consult(|consult| consult.phase = ConsultPhase::Conference),
            What::ConsultEnded { .. } => {
                if let Some(with) = self.consult.take().and_then(|consult| consult.with) {
                    self.leave(&with);
                }
            }
            What::Transferred { from, to, .. } => self.transfer(from, to, wall),
            What::RecordingStarted { .. } => self.recording = Some(Recording { since: wall, pause: None }),
            What::RecordingPaused { reason, .. } => {
                let pause = Pause { reason: reason.clone(), since: wall, until: wall + LONGEST_PAUSE };
                self.in_recording(|recording| recording.pause = Some(pause));
            }
            What::RecordingResumed { .. } => self.in_recording(|recording| recording.pause = None),
            What::RecordingEnded { .. } => self.recording = None,
            What::Supervising { supervisor, mode } => {
                self.join(supervisor, PartRole::Supervisor(*mode), PartPhase::Talking, wall);
            }
            What::SupervisionEnded { supervisor } => self.leave(supervisor),
            What::ListeningAsked { by, .. } => self.asks_to_listen.push(by.clone()),
            What::ListeningAnswered { by, .. } | What::ListeningLapsed { by } => {
                self.asks_to_listen.retain(|one| one != by);
            }
            What::Listening { listener, .. } => self.listeners.push(listener.clone()),
            What::ListeningEnded { listener } => self.listeners.retain(|one| one != listener),
            _ => return false,
        }
        true
    }

    /// The agent who calls has picked up; whoever else rings from now on is called.
    fn is_calling_out(&mut self, wall: WallTime) {
        self.calling_out = true;
        for part in &mut self.parts {
            part.phase = PartPhase::Talking;
            part.since = wall;
        }
    }

    fn in_hold(&mut self, change: impl FnOnce(&mut Hold)) {
        self.hold.as_mut().map(change);
    }

    fn in_recording(&mut self, change: impl FnOnce(&mut Recording)) {
        self.recording.as_mut().map(change);
    }

    fn in_member(&mut self, who: &Name, change: impl FnOnce(&mut Member)) {
        self.members.iter_mut().find(|member| member.who == *who).map(change);
    }

    fn in_consult(&mut self, change: impl FnOnce(&mut Consult)) {
        self.consult.as_mut().map(change);
    }

    fn learn(&mut self, wall: WallTime, what: &What) {
        let stood = self.assurance.verified;
        self.assurance.learn(what);
        if matches!(what, What::AgentVerified(_)) {
            self.verified_by_agent = Some(wall);
        } else if self.assurance.verified != stood {
            self.verified = Some(wall);
        }
    }

    fn collect(&mut self, name: &Name, value: &str) {
        let room = self.collected.len() < COLLECTED;
        match self.collected.iter_mut().find(|(known, _)| known == name) {
            Some((_, known)) => value.clone_into(known),
            None if room => self.collected.push((name.clone(), value.to_owned())),
            None => {}
        }
    }

    fn keep_note(&mut self, note: &BriefingNote) {
        if self.notes.len() == NOTES {
            self.notes.remove(0);
        }
        self.notes.push(note.clone());
    }

    /// The caller was called back in vain: who is rung for them, or had picked up, has nothing to do with it any more.
    fn rings_no_more(&mut self) {
        let rings = |part: &&Part| matches!(part.phase, PartPhase::Ringing | PartPhase::Whisper);
        let agents: Vec<Name> = self.parts.iter().filter(rings).map(|part| part.agent.clone()).collect();
        agents.iter().for_each(|agent| self.leave(agent));
    }

    /// Gives an agent this part, in place of the one they had.
    fn join(&mut self, agent: &Name, role: PartRole, phase: PartPhase, since: WallTime) {
        let part = Part { agent: agent.clone(), role, phase, since };
        match self.parts.iter_mut().find(|known| known.agent == *agent) {
            Some(known) => *known = part,
            None => self.parts.push(part),
        }
    }

    fn talk_over(&mut self, agent: &Name, wall: WallTime) {
        if let Some(part) = self.parts.iter_mut().find(|part| part.agent == *agent) {
            if part.phase == PartPhase::WrapUp {
                // Somebody has the caller already, held as they may be.
                return;
            }
            part.phase = PartPhase::WrapUp;
            part.since = wall;
        }
        self.asking = None;
        self.hold = None;
        self.refused_hold = false;
        self.spoken = None;
        self.agent_away = false;
    }

    /// The caller is somebody else's: the one who handed over has wrap-up.
    fn transfer(&mut self, from: &Name, to: &Target, wall: WallTime) {
        let receiver = match (self.consult.take().and_then(|consult| consult.with), to) {
            (Some(with), _) => Some(with),
            (None, Target::Agent(agent)) => self.part(agent).map(|part| part.agent.clone()),
            (None, _) => None,
        };
        let name = to.to_string();
        self.members.retain(|member| *member.who != *name);
        if let Some(part) = self.parts.iter_mut().find(|part| Some(&part.agent) == receiver.as_ref()) {
            part.role = PartRole::Agent;
            part.phase = PartPhase::Talking;
        }
        self.talk_over(from, wall);
    }

    /// The call is over: who has wrap-up keeps it on the desk, the others are free of it.
    fn end(&mut self) {
        self.ended = true;
        self.members.clear();
        self.consult = None;
        let (kept, left) =
            std::mem::take(&mut self.parts).into_iter().partition(|part| part.phase == PartPhase::WrapUp);
        self.parts = kept;
        self.left.extend(Vec::into_iter(left).map(|part: Part| part.agent));
    }
}

/// What belongs on a timeline that a person reads while talking.
fn is_told(what: &What) -> bool {
    !matches!(
        what,
        What::FlowsServed { .. }
            | What::FlowStarted { .. }
            | What::NodeEntered { .. }
            | What::Played { .. }
            | What::LeftOut { .. }
            | What::BargedIn { .. }
            | What::Digit { .. }
            | What::NoMatch { .. }
            | What::NoInput { .. }
            | What::CallAnswered
            | What::HoldMusicStarted
            | What::LegOpened { .. }
            | What::LegClosed { .. }
            | What::VariableSet { .. }
            | What::ServiceAsked { .. }
            | What::BotJoined { .. }
            | What::BotLeft { .. }
    )
}
