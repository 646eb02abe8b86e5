//! Calls that outlive the process: what of them is written down after each turn, and how another process goes on with them.
//!
//! A call is written down once its caller's line is up or hears it ring, or nobody is on it. What a phone secures its audio with is
//! not: it lies elsewhere, and where it does not such a line is offered new keys. The connection of a desk ends with the process:
//! an agent has the time to come back that they have after any loss, a caller's page does not. That of a phone in a browser ends,
//! too, and its audio has a way of its own: that goes on, and what is said waits until the phone is back. What played begins anew.
//! A phone that rings rings on, or is told that nobody calls any more, and its agent has missed nothing.

use std::collections::BTreeSet;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use serde::Deserialize;
use serde::Serialize;
use tracing::info;
use tracing::warn;

use super::LiveCall;
use super::Now;
use super::Output;
use super::Pending;
use super::RETRY_AFTER_S;
use super::Streams;
use super::Switchboard;
use super::lines::Line;
use super::lines::Playing;
use super::reschedule;
use crate::base::AgentId;
use crate::base::CallId;
use crate::base::LegId;
use crate::base::Name;
use crate::call::Call;
use crate::call::CallEvent;
use crate::call::LegEvent;
use crate::fact::Fact;
use crate::fact::RecordingEnd;
use crate::fact::What;
use crate::flow::api::BotEnd;
use crate::flow::center::AgentContact;
use crate::media::MediaCommand;
use crate::media::origin::Reached;
use crate::queue;
use crate::queue::Engine;
use crate::queue::Stage;
use crate::queue::api::AgentState;
use crate::queue::api::AgentWish;
use crate::queue::api::DESK_LOST;
use crate::queue::api::EndedBy;
use crate::queue::api::PHONE_UNREACHABLE;
use crate::queue::api::Whose;
use crate::sdp;
use crate::sdp::Dtls;
use crate::sdp::LocalSrtp;
use crate::sdp::Srtp;
use crate::sdp::crypto::Sdes;
use crate::sdp::negotiate::NegotiateError;
use crate::server::canary::Edition;
use crate::sip::Binding;
use crate::sip::CarriedSession;
use crate::sip::Command;
use crate::sip::Descriptions;
use crate::sip::Hop;
use crate::sip::SessionId;
use crate::sip::api::EndReason;
use crate::sip::uri::Uri;
use crate::wire::media::Before;
use crate::wire::media::HandshakeKeys;
use crate::wire::media::Opened;
use crate::wire::media::Reach;

/// For how long a caller who gives up says so again and again
/// ([RFC 3261 §17.1.2.2](https://www.rfc-editor.org/rfc/rfc3261#section-17.1.2.2), timers E and F).
const CANCELS_FOR: Duration = Duration::from_secs(31);

/// What a line that has no phone any more ends with, in words for the history.
const PAGE_GONE: &str = "the page is gone";
const PHONE_GONE: &str = "the line is gone";

/// A call as it is written down.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct CarriedCall {
    call: Call,
    /// The version of the flow files that it is served with.
    version: Name,
    callback: Option<(Uri, Hop)>,
    trunk: Option<Name>,
    lines: Vec<CarriedLine>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct CarriedLine {
    leg: LegId,
    line: Line,
    secured: Secured,
    sessions: Vec<CarriedSession>,
    /// How far its stream had come, which is written down beside it, for it changes all the time.
    #[serde(skip)]
    reached: Option<Reached>,
    /// What it is secured by, which lies elsewhere.
    #[serde(skip)]
    keys: Option<LineKeys>,
}

/// What a line is secured by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LineKeys {
    pub secret: LineSecret,
    /// What we bring to offers and answers, without our certificate, which is another one in another process.
    pub local: LocalSrtp,
    /// What its sessions agreed on, or what was offered until there is an answer.
    pub descriptions: Vec<(SessionId, Descriptions)>,
}

/// Keys that stood in descriptions, or came out of a handshake.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LineSecret {
    /// The phone rings, and has not chosen among those that it was offered; or it calls, and is not answered yet.
    Offered,
    Sdes(Sdes),
    Dtls(Dtls, HandshakeKeys),
}

impl LineSecret {
    fn secured(&self) -> Secured {
        match self {
            LineSecret::Offered | LineSecret::Sdes(_) => Secured::ByKeys,
            LineSecret::Dtls(..) => Secured::ByHandshake,
        }
    }
}

impl LineKeys {
    fn of(line: &Line, sessions: &[CarriedSession]) -> Option<LineKeys> {
        // One that rings in a browser does not go on, and needs none.
        let goes_on = |session: &&CarriedSession| line.up || !session.is_in_browser();
        let descriptions = sessions.iter().filter(goes_on);
        let descriptions = descriptions.filter_map(|session| Some((session.id(), session.secret()?.clone())));
        let descriptions: Vec<_> = descriptions.collect();
        let agreed = line.agreed.as_ref().and_then(|agreed| agreed.srtp.as_ref());
        let secret = match agreed {
            Some(Srtp::Sdes(agreed)) => LineSecret::Sdes(agreed.clone()),
            Some(Srtp::Dtls(agreed)) => {
                LineSecret::Dtls(agreed.clone(), line.reach.as_ref()?.handshake_keys()?)
            }
            None if !line.up && !descriptions.is_empty() => LineSecret::Offered,
            None => return None,
        };
        let local = LocalSrtp { fingerprint: None, ..line.local.srtp.clone().unwrap_or_default() };
        Some(LineKeys { secret, local, descriptions })
    }
}

/// How a line's audio is secured, or would be if the phone that rings picked up. By what is not written down here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
enum Secured {
    No,
    ByKeys,
    ByHandshake,
}

impl Secured {
    fn of(line: &Line) -> Secured {
        let offered = line.local.srtp.as_ref().filter(|_| !line.up && line.prepared.is_none());
        match (line.agreed.as_ref().and_then(|agreed| agreed.srtp.as_ref()), offered) {
            (Some(Srtp::Sdes(_)), _) => Secured::ByKeys,
            (Some(Srtp::Dtls(_)), _) => Secured::ByHandshake,
            (None, Some(LocalSrtp { keys, .. })) if !keys.is_empty() => Secured::ByKeys,
            (None, Some(LocalSrtp { fingerprint: Some(_), .. })) => Secured::ByHandshake,
            (None, _) => Secured::No,
        }
    }
}

impl LineKeys {
    /// What its sessions agreed on, or what was offered until there is an answer.
    fn give_descriptions(&self, sessions: &mut [CarriedSession]) {
        for (id, secret) in &self.descriptions {
            let of_it = sessions.iter_mut().filter(|session| session.id() == *id);
            of_it.for_each(|session| session.had_secret(secret.clone()));
        }
    }
}

impl CarriedCall {
    pub fn id(&self) -> CallId {
        self.call.id()
    }

    /// The version of the flow files that it is served with.
    pub fn version(&self) -> &Name {
        &self.version
    }

    /// How far the streams of its lines to phones have come, whenever one looks.
    pub fn reaches(&self) -> impl Iterator<Item = (LegId, &Arc<Reach>)> {
        self.lines.iter().filter_map(|line| Some((line.leg, line.line.reach.as_ref()?)))
    }

    /// What its lines are secured by.
    pub fn keys(&self) -> impl Iterator<Item = (LegId, &LineKeys)> {
        self.lines.iter().filter_map(|line| Some((line.leg, line.keys.as_ref()?)))
    }

    /// This is what its lines were secured by.
    pub fn had_keys(&mut self, keys: Vec<(LegId, LineKeys)>) {
        for (leg, keys) in keys {
            let lines =
                self.lines.iter_mut().filter(|line| line.leg == leg && line.secured == keys.secret.secured());
            lines.for_each(|line| line.keys = Some(keys.clone()));
        }
    }

    /// Whether its caller hears it ring and cannot be answered, for what they offered was not kept; or may have given up, and
    /// said so to nobody, for the process has been gone so long.
    pub fn lost_caller(&self, gone: Duration) -> bool {
        let Some(line) = self.lines.iter().find(|line| self.call.caller_leg() == Some(line.leg)) else {
            return false;
        };
        let is_lost =
            |session: &CarriedSession| gone > CANCELS_FOR || session.lacks_offer() && line.keys.is_none();
        line.sessions.iter().filter(|session| session.waits_for_answer()).any(is_lost)
    }

    /// So far the streams of its lines had come.
    pub fn had_reached(&mut self, reached: Vec<(LegId, Reached)>) {
        for (leg, reached) in reached {
            let lines = self.lines.iter_mut().filter(|line| line.leg == leg);
            lines.for_each(|line| line.reached = Some(reached.clone()));
        }
    }
}

/// Whose desk is open, and whose seats there are beside the agents'.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct CarriedDesks {
    guests: Vec<Name>,
    open: Vec<AgentId>,
}

/// What has changed of what is written down.
#[derive(Debug, Default)]
pub struct Changes {
    /// Calls as they stand now; none for one that is over, or cannot be gone on with.
    pub calls: Vec<(CallId, Option<Box<CarriedCall>>)>,
    /// Where users can be reached now.
    pub contacts: Vec<(Name, Vec<Binding>)>,
    pub desks: Option<CarriedDesks>,
}

impl Changes {
    pub fn is_empty(&self) -> bool {
        self.calls.is_empty() && self.contacts.is_empty() && self.desks.is_none()
    }
}

/// What an earlier process left to this one.
#[derive(Debug)]
pub struct Carried {
    /// As it stood, where the center's skills and queues are as they were; else a new one goes on.
    pub engine: Option<Engine>,
    /// Who is another agent by the center's file than that engine knows.
    pub changed_agents: Vec<AgentId>,
    pub calls: Vec<CarriedCall>,
    /// Calls that do not go on: their phones are told so.
    pub over: Vec<CarriedCall>,
    pub contacts: Vec<(Name, Vec<Binding>)>,
    pub desks: CarriedDesks,
}

/// What has changed since somebody asked last; nothing is noted where nobody asks.
#[derive(Debug, Default)]
pub(super) struct Changed {
    wanted: bool,
    calls: BTreeSet<CallId>,
    desks: bool,
}

impl Changed {
    pub(super) fn new(wanted: bool) -> Changed {
        Changed { wanted, ..Changed::default() }
    }

    pub(super) fn call(&mut self, call: CallId) {
        if self.wanted {
            self.calls.insert(call);
        }
    }

    pub(super) fn desks(&mut self) {
        self.desks = self.wanted;
    }
}

impl Switchboard {
    /// What has changed of what is written down since this was asked last, where [`Parts::journal`](super::Parts::journal)
    /// is.
    pub fn take_changes(&mut self) -> Changes {
        for session in self.parts.endpoint.take_changed() {
            if let Some(leg) = self.sessions.get(&session) {
                self.changed.call(leg.call());
            }
        }
        let calls = std::mem::take(&mut self.changed.calls);
        let moved = self.parts.endpoint.take_moved();
        Changes {
            calls: calls.into_iter().map(|call| (call, self.carried(call).map(Box::new))).collect(),
            contacts: moved.into_iter().map(|user| self.carried_contacts(user)).collect(),
            desks: std::mem::take(&mut self.changed.desks).then(|| self.carried_desks()),
        }
    }

    /// All that is written down, as if all of it had changed.
    pub fn all_changes(&mut self) -> Changes {
        self.take_changes();
        let mut calls: Vec<CallId> = self.calls.keys().copied().collect();
        calls.sort_unstable();
        let users: Vec<Name> = self.parts.endpoint.users().cloned().collect();
        Changes {
            calls: calls.into_iter().map(|call| (call, self.carried(call).map(Box::new))).collect(),
            contacts: users.into_iter().map(|user| self.carried_contacts(user)).collect(),
            desks: Some(self.carried_desks()),
        }
    }

    fn carried_contacts(&self, user: Name) -> (Name, Vec<Binding>) {
        let mut contacts = self.parts.endpoint.contacts(&user);
        contacts.retain(|binding| !binding.hop.transport.is_web());
        (user, contacts)
    }

    fn carried_desks(&self) -> CarriedDesks {
        CarriedDesks { guests: self.guests.clone(), open: self.open_desks().collect() }
    }

    /// A call as it stands; none when another process could not go on with it.
    fn carried(&self, id: CallId) -> Option<CarriedCall> {
        let LiveCall { call, version, callback, trunk, .. } = self.calls.get(&id)?;
        let rings =
            |line: &Line| line.sessions.first().is_some_and(|it| self.parts.endpoint.hears_it_ring(*it));
        let holds = |leg: LegId| self.lines.get(&leg).is_some_and(|line| line.up || rings(line));
        let is_left = self.is_draining() && call.rests();
        if !call.goes_on() || is_left || !call.caller_leg().is_none_or(holds) {
            return None;
        }
        let lines = call.open_legs().filter_map(|leg| {
            let line = self.lines.get(&leg)?.clone();
            let carried = |session: &SessionId| self.parts.endpoint.carried(*session);
            let sessions: Vec<_> = line.sessions.iter().filter_map(carried).collect();
            let keys = LineKeys::of(&line, &sessions);
            let secured = keys.as_ref().map_or_else(|| Secured::of(&line), |keys| keys.secret.secured());
            Some(CarriedLine { leg, line, secured, sessions, reached: None, keys })
        });
        Some(CarriedCall {
            call: call.clone(),
            version: version.clone(),
            callback: callback.clone(),
            trunk: trunk.clone(),
            lines: lines.collect(),
        })
    }

    /// Goes on with what an earlier process left, before anything else is told. `editions` has each version of the flow files
    /// that a call is served with; a call without is over, as is everything that the engine knows of no call.
    pub fn carry_on(
        &mut self,
        now: Now,
        carried: Carried,
        editions: &HashMap<Name, Edition>,
        streams: &mut dyn Streams,
        out: &mut Vec<Output>,
    ) {
        let Carried { engine, changed_agents, calls, over, contacts, desks } = carried;
        if let Some(engine) = engine {
            self.engine = engine;
            self.engine.go_on();
        }
        self.tell_agents(now, out);
        self.tell_roster(now, &changed_agents, out);
        self.await_shifts(now, &changed_agents);
        self.tell_surges(now, out);
        for (user, contacts) in contacts {
            self.carry_contacts(now, user, contacts, out);
        }
        self.guests = desks.guests;
        let is_somebodys = |id: &AgentId| !self.agent_name(*id).is_empty();
        let open: Vec<AgentId> = desks.open.into_iter().filter(is_somebodys).collect();
        for agent in open {
            self.desk_vanished(now, agent);
        }
        self.changed.desks();
        self.await_phones(now, out);
        let count = calls.len();
        let mut asked = Vec::new();
        over.into_iter().for_each(|call| self.end_phones(now, call, &mut asked));
        for carried in calls {
            if let Some(edition) = editions.get(&carried.version) {
                self.carry_call(now, carried, edition, &mut asked, streams, out);
            } else {
                warn!(call = %carried.id(), version = %carried.version, "a call is over: its flows are gone");
                self.end_phones(now, carried, &mut asked);
            }
        }
        // Nothing is asked before all sessions are there: what was being asked keeps its number.
        for command in asked {
            self.command(now, command, out);
        }
        self.forget_lost_calls();
        self.settle(now, streams, out);
        if count > 0 {
            info!(calls = self.calls.len(), of = count, "calls of the process before go on");
        }
    }

    /// Agents whose desks and phones are all to come back, for their connections went with the process before, are not rung
    /// until one has: whoever has a call, after it.
    fn await_phones(&mut self, now: Now, out: &mut Vec<Output>) {
        let contacts = self.parts.center.contacts.iter().enumerate();
        let registered = contacts.filter(|(_, contact)| matches!(contact, AgentContact::Registered { .. }));
        let agents: Vec<AgentId> = registered.map(|(place, _)| AgentId(place as u32)).collect();
        for agent in agents {
            let to_be_rung = match self.engine.agent_state(agent) {
                Some(AgentState::Ready) => true,
                Some(AgentState::Ringing(_)) => self.engine.agent_next(agent).is_none(),
                // A desk that does not come back is given up after its grace, with what comes after the talk.
                Some(AgentState::Talking(_)) => {
                    self.engine.agent_next(agent).is_none() && !self.has_desk(agent)
                }
                _ => false,
            };
            if to_be_rung && self.parts.endpoint.contacts(&self.agent_name(agent)).is_empty() {
                let reason = if self.has_desk(agent) { DESK_LOST } else { PHONE_UNREACHABLE };
                let wish = AgentWish::NotReady(reason.into());
                self.tell_engine(now, queue::Event::AgentWants { agent, wish }, out);
            }
        }
    }

    fn carry_contacts(&mut self, now: Now, user: Name, contacts: Vec<Binding>, out: &mut Vec<Output>) {
        self.parts.endpoint.carry_on_contacts(&user, contacts);
        if self.agent(&user).is_none() {
            return;
        }
        for (binding, contacts) in self.parts.endpoint.contacts(&user).into_iter().zip(1..) {
            let contact = binding.uri.to_string();
            let what = What::PhoneRegistered { agent: user.clone(), contact, contacts };
            out.push(Output::Fact(Fact { at: now.at, call: None, what }));
        }
    }

    fn carry_call(
        &mut self,
        now: Now,
        carried: CarriedCall,
        edition: &Edition,
        asked: &mut Vec<Command>,
        streams: &mut dyn Streams,
        out: &mut Vec<Output>,
    ) {
        let CarriedCall { call, version, callback, trunk, lines } = carried;
        let id = call.id();
        let (center, library) = (Arc::clone(&edition.center), Arc::clone(&edition.library));
        let number = Whose::number(call.caller_id().0);
        let mut live =
            LiveCall { call, number, due: None, version, center, library, callback, trunk, code: None };
        self.recall_survey(&mut live);
        self.listening.extend(live.call.listeners().map(|name| (name.clone(), id)));
        let due = live.call.deadline();
        reschedule(&mut self.due, &mut live.due, due, id);
        self.calls.insert(id, live);
        self.next_call = self.next_call.max(id.0 + 1);
        self.later(id, CallEvent::CarriedOn);
        let mut opened = Vec::new();
        for line in lines {
            let leg = line.leg;
            if self.carry_line(now, line, asked, streams) {
                opened.push(leg);
            }
        }
        for leg in opened {
            self.carry_sound(now, leg, streams, out);
        }
    }

    /// Opens a line again; whether it is.
    fn carry_line(
        &mut self,
        now: Now,
        carried: CarriedLine,
        asked: &mut Vec<Command>,
        streams: &mut dyn Streams,
    ) -> bool {
        let CarriedLine { leg, mut line, secured, mut sessions, reached, keys } = carried;
        let desk = line.desk.take().filter(|agent| self.desks.contains_key(agent));
        if !line.up {
            keys.iter().for_each(|keys| keys.give_descriptions(&mut sessions));
            self.withdraw_rings(now, secured, &mut sessions, asked);
        }
        if let Some(agent) = desk.filter(|_| line.up) {
            streams.open_browser(leg.call(), leg);
            line.desk = Some(agent);
            self.lines.insert(leg, line);
            self.desk_has(agent, leg);
            self.later(leg.call(), CallEvent::Leg { leg, event: LegEvent::Lost });
            return true;
        }
        let opened = match sessions.is_empty() {
            true => None,
            false => {
                let by_its_keys = keys.is_some() && line.up;
                let shaken = match keys.as_ref().map(|keys| &keys.secret) {
                    Some(LineSecret::Dtls(_, shaken)) => shaken.clone(),
                    _ => HandshakeKeys::default(),
                };
                let before = Before { reached, by_its_keys, shaken };
                streams.reopen(leg.call(), leg, line.local.port, Some(&before))
            }
        };
        let Some(Opened { port, reach }) = opened else {
            self.withdraw_all(now, &mut sessions, asked);
            self.line_is_gone(leg, &line);
            return false;
        };
        line.reach = Some(reach);
        let moved = std::mem::replace(&mut line.local.port, port) != port;
        let waits = sessions.iter().any(CarriedSession::waits_for_answer);
        let in_vain = match waits {
            true => self.prepare_anew(leg, &mut line, &sessions).is_err(),
            // Whoever picks up would send to where nobody is.
            false => moved && !line.up,
        };
        if in_vain {
            self.withdraw_all(now, &mut sessions, asked);
            line.sessions.clear();
            self.strangers.begins(&line);
            self.lines.insert(leg, line);
            self.later(leg.call(), CallEvent::Leg { leg, event: LegEvent::Withdrawn });
            self.close(leg, streams);
            return false;
        }
        let keys = keys.filter(|_| !waits);
        let lacks_keys = secured != Secured::No && keys.is_none() && !waits;
        let in_browser = sessions.iter().any(CarriedSession::is_in_browser);
        let by_connection = sessions.iter().any(CarriedSession::is_by_connection);
        if lacks_keys && in_browser {
            // Browsers shake hands anew whenever they are offered another certificate, along another way.
            line.local = self.for_browser(line.local.clone());
        } else if lacks_keys {
            line.local.srtp = Some(self.srtp_by(true, secured == Secured::ByKeys));
            line.secured_anew = Some(now.at);
        }
        keys.into_iter().for_each(|keys| self.had_keys(&mut line, &mut sessions, keys));
        let offer = moved || lacks_keys || sessions.iter().any(CarriedSession::lacks_descriptions);
        line.sessions = sessions.iter().map(CarriedSession::id).collect();
        for session in sessions {
            self.sessions.insert(session.id(), leg);
            self.next_session = self.next_session.max(session.id().0.saturating_add(1));
            self.parts.endpoint.carry_on(now.at, session);
        }
        if line.up {
            // Who can be heard in a browser is there, and may have all the time to be back that it takes; who cannot may not.
            // Who was reached by another connection is not asked over one that is gone: their audio tells whether they are there.
            let asks = if in_browser { line.lost || lacks_keys } else { !offer && !by_connection };
            let options = |session: &SessionId| Command::Options { session: *session };
            asked.extend(line.sessions.first().filter(|_| asks).map(options));
            asked.extend(offer.then(|| offer_anew(&mut line)).flatten());
            if let Some(agreed) = line.agreed.clone().filter(|_| !lacks_keys) {
                line.agree(leg, agreed, streams);
            }
            // Its stream knows what came before, and watches for what does not come any more.
            line.lost = false;
            if !in_browser {
                streams.send(leg.call(), MediaCommand::Asked { leg, asked: line.is_asked() });
            }
        }
        if let Some(agent) = desk {
            // It rings there as well, as soon as it is back.
            line.desk = Some(agent);
            self.desk_has(agent, leg);
        }
        self.strangers.begins(&line);
        self.lines.insert(leg, line);
        true
    }

    /// A phone that calls is answered as if it had just called: it was told nothing yet.
    fn prepare_anew(
        &mut self,
        leg: LegId,
        line: &mut Line,
        sessions: &[CarriedSession],
    ) -> Result<(), NegotiateError> {
        let trunk = self.calls.get(&leg.call()).and_then(|live| live.trunk.clone());
        line.local.srtp = self.local_of(line.local.port, trunk.as_ref()).srtp;
        let offer = sessions.first().and_then(CarriedSession::offer);
        offer.map_or(Ok(()), |offer| line.prepare(&offer))
    }

    /// Of the sessions that nobody has answered, those that cannot go on are ended: where the keys are not kept that were offered,
    /// by either side; those that ring in browsers, which forget a call with their connection; and by a handshake, for the
    /// certificate that was offered is gone.
    fn withdraw_rings(
        &mut self,
        now: Now,
        secured: Secured,
        sessions: &mut Vec<CarriedSession>,
        asked: &mut Vec<Command>,
    ) {
        let rings_on = |session: &CarriedSession| !session.is_in_browser() && secured != Secured::ByHandshake;
        let goes_on = |session: &CarriedSession| {
            !session.lacks_offer() && (session.waits_for_answer() || rings_on(session))
        };
        let (on, mut over) = std::mem::take(sessions).into_iter().partition(goes_on);
        *sessions = on;
        self.withdraw_all(now, &mut over, asked);
    }

    /// A call does not go on, and nobody is left in it who thinks that it does.
    fn end_phones(&mut self, now: Now, call: CarriedCall, asked: &mut Vec<Command>) {
        for mut line in call.lines {
            self.withdraw_all(now, &mut line.sessions, asked);
        }
    }

    /// Phones that ring are to stop, by CANCEL, or where that is too late by BYE, as do those that talk. One that calls is refused.
    fn withdraw_all(&mut self, now: Now, over: &mut Vec<CarriedSession>, asked: &mut Vec<Command>) {
        for session in over.drain(..) {
            let (id, waits) = (session.id(), session.waits_for_answer());
            self.next_session = self.next_session.max(id.0.saturating_add(1));
            self.parts.endpoint.carry_on(now.at, session);
            asked.push(match waits {
                true => Command::Refuse { session: id, status: 503, retry_after_s: Some(RETRY_AFTER_S) },
                false => Command::End { session: id, reason: EndReason::Normal },
            });
        }
    }

    /// A line is secured as it was.
    fn had_keys(&self, line: &mut Line, sessions: &mut [CarriedSession], keys: LineKeys) {
        keys.give_descriptions(sessions);
        let LineKeys { secret, local, .. } = keys;
        let fingerprint = Some(self.parts.fingerprint.clone());
        line.local.srtp = Some(LocalSrtp { fingerprint, ..local });
        if let Some(before) = &mut line.agreed {
            before.srtp = match secret {
                LineSecret::Offered => None,
                LineSecret::Sdes(agreed) => Some(Srtp::Sdes(agreed)),
                LineSecret::Dtls(agreed, _) => Some(Srtp::Dtls(agreed)),
            };
        }
    }

    /// The far end of a line went with the process before.
    fn line_is_gone(&mut self, leg: LegId, line: &Line) {
        let call = leg.call();
        let is_bot = self.calls.get(&call).is_some_and(|live| live.call.bot_leg() == Some(leg));
        let closed = CallEvent::Leg { leg, event: LegEvent::Closed { quality: Default::default() } };
        if !line.up {
            self.later(call, CallEvent::Leg { leg, event: LegEvent::Withdrawn });
            return self.later(call, closed);
        }
        let cause = if line.sessions.is_empty() { PAGE_GONE } else { PHONE_GONE };
        let ended = LegEvent::Ended { cause: cause.into() };
        self.later(
            call,
            match is_bot {
                true => CallEvent::Bot { leg, end: BotEnd::Lost },
                false => CallEvent::Leg { leg, event: ended },
            },
        );
        self.later(call, closed);
    }

    /// Tells a line's stream what it did before.
    fn carry_sound(&mut self, now: Now, leg: LegId, streams: &mut dyn Streams, out: &mut Vec<Output>) {
        let Some(line) = self.lines.get_mut(&leg) else { return };
        let sound = std::mem::take(&mut line.sound);
        let call = leg.call();
        let hears = sound.hears.into_iter().filter(|heard| self.lines.contains_key(heard)).collect();
        self.sound(call, MediaCommand::Hear { leg, whom: hears }, streams);
        if sound.muted {
            self.sound(call, MediaCommand::Mute { leg, on: true }, streams);
        }
        if sound.gain_db != 0 {
            self.sound(call, MediaCommand::Gain { leg, gain_db: sound.gain_db }, streams);
        }
        if sound.echo {
            self.sound(call, MediaCommand::Echo { leg, on: true }, streams);
        }
        if let Some(playing @ Playing { .. }) = sound.plays {
            self.play(now, leg, playing, streams, out);
        }
        // The call itself goes on with the recording of its talk.
        let of_talk = self.calls.get(&call).is_some_and(|live| live.call.records(leg));
        if sound.recorded && !of_talk {
            self.later(call, CallEvent::RecordingEnded { leg, why: RecordingEnd::Restart });
        }
    }

    /// What the engine knows of calls that do not go on is over.
    fn forget_lost_calls(&mut self) {
        for call in self.engine.call_ids() {
            if self.calls.contains_key(&call.whole()) {
                continue;
            }
            let event = match self.engine.call(call).map(|view| view.stage) {
                Some(Stage::Talking(agent)) => queue::Event::TalkEnded { call, agent },
                _ => queue::Event::Ended { call, by: EndedBy::Server },
            };
            self.pending.push_back(Pending::Engine(event));
        }
    }
}

/// Asks a line's phone for another answer: what was agreed on does not hold any more.
fn offer_anew(line: &mut Line) -> Option<Command> {
    let session = *line.sessions.first()?;
    line.local.version += 1;
    Some(Command::Offer { session, sdp: sdp::negotiate::offer(&line.local).into() })
}
