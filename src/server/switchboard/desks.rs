//! Agents' desks: one more phone of an agent, whose peer connection is up while the agent is signed in.
//!
//! A desk has one socket and one connection at a time; the newer ones take over. A desk that vanishes keeps its
//! line for [`GRACE`]: when the page is back by then, it goes on where it was.

use std::collections::BTreeSet;
use std::time::Duration;

use smallvec::SmallVec;

use super::Now;
use super::Output;
use super::Owner;
use super::Streams;
use super::Switchboard;
use super::lines::Line;
use crate::base::AgentId;
use crate::base::CallId;
use crate::base::LegId;
use crate::base::Name;
use crate::base::Timestamp;
use crate::call::CallEvent;
use crate::call::LegEvent;
use crate::fact::Fact;
use crate::fact::What;
use crate::flow::center::AgentContact;
use crate::queue;
use crate::queue::api::AgentState;
use crate::queue::api::AgentWish;
use crate::queue::api::DESK_LOST;
use crate::sdp::Codec;
use crate::sdp::Negotiated;
use crate::server::browser::SocketId;
use crate::server::browser::Tell;
use crate::sip::Command;
use crate::sip::api::EndReason;
use crate::wire::webrtc::ConnectionId;

/// How long a desk that vanished keeps its line and its agent's state.
pub(super) const GRACE: Duration = Duration::from_secs(30);

/// An agent's desk.
#[derive(Debug, Default)]
pub(super) struct Desk {
    socket: Option<SocketId>,
    /// The connection in use.
    link: Option<Link>,
    /// One that is to take its place as soon as it is up.
    next: Option<Link>,
    /// Whether it has been up since the agent signed in.
    opened: bool,
    /// While it is gone, until when it may come back.
    until: Option<Timestamp>,
    /// The line that rings at it, or that it carries.
    line: Option<LegId>,
}

#[derive(Debug)]
struct Link {
    connection: ConnectionId,
    agreed: Option<Negotiated>,
}

impl Desk {
    fn is_there(&self) -> bool {
        self.link.is_some() && self.socket.is_some()
    }
}

impl Switchboard {
    /// An agent's page is here, with an offer.
    pub(super) fn open_desk(
        &mut self,
        socket: SocketId,
        agent: &str,
        offer: String,
        streams: &mut dyn Streams,
        out: &mut Vec<Output>,
    ) {
        if self.shut_out.contains(agent) {
            return refuse(socket, "this account is shut out".to_owned(), "ask who runs the server", out);
        }
        let id = self.seat(agent);
        if self.sockets.get(&socket).is_some_and(|owner| *owner != Owner::Desk(id)) {
            return refuse(socket, "this socket is somebody else's".to_owned(), "open another", out);
        }
        let connection = self.new_connection(Owner::Desk(id));
        let desk = self.desks.entry(id).or_default();
        let older = desk.socket.replace(socket).filter(|older| *older != socket);
        let unborn = desk.next.replace(Link { connection, agreed: None });
        if let Some(older) = older {
            self.sockets.remove(&older);
            let error = "this desk was opened in another window, which has the phone now".to_owned();
            let hint = "reload this page to take the phone back".to_owned();
            out.push(Output::Tell { socket: older, tell: Tell::Error { error, hint } });
            out.push(Output::Tell { socket: older, tell: Tell::Over { again: false } });
        }
        if let Some(unborn) = unborn {
            self.drop_connection(unborn.connection, streams);
        }
        self.sockets.insert(socket, Owner::Desk(id));
        if !streams.accept(connection, offer) {
            refuse(socket, "too many browsers connect just now".to_owned(), "try again", out);
        }
    }

    /// Whose desk it is: an agent's, or a guest's, who has one from now on.
    fn seat(&mut self, name: &str) -> AgentId {
        self.person(name).unwrap_or_else(|| {
            self.guests.push(name.into());
            self.changed.desks();
            guest_id(self.guests.len() - 1)
        })
    }

    /// Somebody who is or was an agent, or a guest who has had a desk.
    fn person(&self, name: &str) -> Option<AgentId> {
        let guest = || self.guests.iter().position(|guest| **guest == *name);
        self.agents.get(name).copied().or_else(|| guest().map(guest_id))
    }

    /// Whether this desk carries a line that is up.
    pub(super) fn talks_at_desk(&self, id: AgentId) -> bool {
        let line = self.desks.get(&id).and_then(|desk| desk.line).and_then(|leg| self.lines.get(&leg));
        line.is_some_and(|line| line.up)
    }

    /// A guest is an agent from now on, and has another desk.
    pub(super) fn close_guests_desk(
        &mut self,
        now: Now,
        id: AgentId,
        streams: &mut dyn Streams,
        out: &mut Vec<Output>,
    ) {
        let Some(desk) = self.desks.get(&id) else { return };
        let socket = desk.socket;
        self.end_desk(now, id, AgentWish::Offline, streams, out);
        if let Some(socket) = socket {
            let error = "you are an agent from now on".to_owned();
            let hint = "reload this page to take calls".to_owned();
            out.push(Output::Tell { socket, tell: Tell::Error { error, hint } });
            out.push(Output::Tell { socket, tell: Tell::Over { again: false } });
        }
    }

    pub(super) fn desk_answered(
        &mut self,
        id: AgentId,
        connection: ConnectionId,
        sdp: String,
        agreed: Negotiated,
        out: &mut Vec<Output>,
    ) {
        let Some(desk) = self.desks.get_mut(&id) else { return };
        if let Some(next) = desk.next.as_mut().filter(|next| next.connection == connection) {
            next.agreed = Some(agreed);
            out.extend(desk.socket.map(|socket| Output::Tell { socket, tell: Tell::Answer { sdp } }));
        }
    }

    /// A desk's connection is up: it takes the place of the one before, and the line goes on over it.
    pub(super) fn desk_up(
        &mut self,
        now: Now,
        id: AgentId,
        connection: ConnectionId,
        streams: &mut dyn Streams,
        out: &mut Vec<Output>,
    ) {
        let Some(desk) = self.desks.get_mut(&id) else { return };
        let Some(next) = desk.next.take_if(|next| next.connection == connection) else { return };
        let agreed = next.agreed.clone();
        let before = desk.link.replace(next);
        out.extend(desk.socket.map(|socket| Output::Tell { socket, tell: Tell::Connected }));
        if let Some(before) = before {
            self.drop_connection(before.connection, streams);
        }
        self.carry(id, connection, agreed, streams);
        self.desk_is_back(now, id, out);
    }

    /// Lets the desk's connection carry the line that it has, when the agent has picked it up.
    fn carry(
        &mut self,
        id: AgentId,
        connection: ConnectionId,
        agreed: Option<Negotiated>,
        streams: &mut dyn Streams,
    ) {
        let Some(leg) = self.desks.get(&id).and_then(|desk| desk.line) else { return };
        if let Some(line) = self.lines.get_mut(&leg).filter(|line| line.up) {
            streams.patch(leg, connection);
            if let Some(agreed) = agreed {
                line.agree(leg, agreed, streams);
                self.changed.call(leg.call());
            }
        }
    }

    /// Nothing came over a desk's connection for a while, and now it does again.
    pub(super) fn desk_heard_again(
        &mut self,
        now: Now,
        id: AgentId,
        connection: ConnectionId,
        out: &mut Vec<Output>,
    ) {
        if self.has_link(id, connection) {
            self.desk_is_back(now, id, out);
        }
    }

    fn has_link(&self, id: AgentId, connection: ConnectionId) -> bool {
        let link = self.desks.get(&id).and_then(|desk| desk.link.as_ref());
        link.is_some_and(|link| link.connection == connection)
    }

    fn desk_is_back(&mut self, now: Now, id: AgentId, out: &mut Vec<Output>) {
        let agent = self.agent_name(id);
        let Some(desk) = self.desks.get_mut(&id) else { return };
        if !desk.is_there() {
            return;
        }
        let was_gone = desk.until.take().is_some();
        let (opened, line) = (std::mem::replace(&mut desk.opened, true), desk.line);
        if !opened {
            self.changed.desks();
            self.desk_fact(now, None, What::DeskOpened { agent }, out);
        } else if was_gone {
            self.desk_fact(now, line, What::DeskBack { agent }, out);
            if let Some(leg) = line {
                self.later(leg.call(), CallEvent::Leg { leg, event: LegEvent::Back });
            }
        } else {
            return;
        }
        let anew = self.parts.endpoint.contacts(&self.agent_name(id)).is_empty();
        self.signed_in(now, id, anew, out);
    }

    /// Nothing comes over a desk's connection any more.
    pub(super) fn desk_silent(
        &mut self,
        now: Now,
        id: AgentId,
        connection: ConnectionId,
        streams: &mut dyn Streams,
        out: &mut Vec<Output>,
    ) {
        if self.has_link(id, connection) {
            self.desk_is_gone(now, id, streams, out);
        }
    }

    /// A desk's connection was refused, or is over.
    pub(super) fn desk_disconnected(
        &mut self,
        now: Now,
        id: AgentId,
        connection: ConnectionId,
        why: String,
        streams: &mut dyn Streams,
        out: &mut Vec<Output>,
    ) {
        let Some(desk) = self.desks.get_mut(&id) else { return };
        let next = desk.next.take_if(|next| next.connection == connection).is_some();
        let link = desk.link.take_if(|link| link.connection == connection).is_some();
        if next || (link && desk.next.is_none()) {
            out.extend(desk.socket.map(|socket| Output::Tell { socket, tell: Tell::Disconnected { why } }));
        }
        if link {
            self.desk_is_gone(now, id, streams, out);
        }
    }

    /// A desk's socket is gone.
    pub(super) fn desk_socket_gone(
        &mut self,
        now: Now,
        id: AgentId,
        socket: SocketId,
        streams: &mut dyn Streams,
        out: &mut Vec<Output>,
    ) {
        let Some(desk) = self.desks.get_mut(&id).filter(|desk| desk.socket == Some(socket)) else { return };
        desk.socket = None;
        if desk.opened {
            self.desk_is_gone(now, id, streams, out);
        } else {
            self.forget_desk(id, streams);
        }
    }

    /// From now on the desk has [`GRACE`] to come back. What rings at it alone goes on to another agent.
    fn desk_is_gone(&mut self, now: Now, id: AgentId, streams: &mut dyn Streams, out: &mut Vec<Output>) {
        let agent = self.agent_name(id);
        let Some(desk) = self.desks.get_mut(&id) else { return };
        if !desk.opened || desk.until.is_some() {
            return;
        }
        desk.until = Some(now.at + GRACE);
        let line = desk.line;
        self.desk_fact(now, line, What::DeskLost { agent }, out);
        let Some(leg) = line else { return };
        if self.lines.get(&leg).is_some_and(|line| line.up) {
            self.later(leg.call(), CallEvent::Leg { leg, event: LegEvent::Lost });
        } else {
            self.stops_ringing_at(id, leg, 480, streams);
        }
    }

    /// Whose desks have been up and are not closed, in order.
    pub(super) fn open_desks(&self) -> impl Iterator<Item = AgentId> {
        self.desks.iter().filter(|(_, desk)| desk.opened).map(|(id, _)| *id)
    }

    /// A desk of an earlier process, whose connection went with that: it has [`GRACE`] to come back.
    pub(super) fn desk_vanished(&mut self, now: Now, id: AgentId) {
        let until = Some(now.at + GRACE);
        self.desks.insert(id, Desk { opened: true, until, ..Desk::default() });
    }

    /// A desk has had this line since before.
    pub(super) fn desk_has(&mut self, id: AgentId, leg: LegId) {
        if let Some(desk) = self.desks.get_mut(&id) {
            desk.line = Some(leg);
        }
    }

    /// The desk rings no more for a line; when nothing else rings for it, it has failed.
    fn stops_ringing_at(&mut self, id: AgentId, leg: LegId, status: u16, streams: &mut dyn Streams) {
        if let Some(desk) = self.desks.get_mut(&id) {
            desk.line = None;
        }
        let Some(line) = self.lines.get_mut(&leg) else { return };
        line.desk = None;
        if line.sessions.is_empty() {
            self.later(leg.call(), CallEvent::Leg { leg, event: LegEvent::Failed { status } });
            self.close(leg, streams);
        }
    }

    /// When a desk's grace is next over.
    pub(super) fn desks_deadline(&self) -> Option<Timestamp> {
        self.desks.values().filter_map(|desk| desk.until).min()
    }

    /// Gives up desks that did not come back in time.
    pub(super) fn desks_due(&mut self, now: Now, streams: &mut dyn Streams, out: &mut Vec<Output>) {
        let over = |desk: &Desk| desk.until.is_some_and(|until| until <= now.at);
        let due: Vec<AgentId> = self.desks.iter().filter(|(_, desk)| over(desk)).map(|(id, _)| *id).collect();
        for id in due {
            self.end_desk(now, id, AgentWish::NotReady(DESK_LOST.into()), streams, out);
        }
    }

    /// The agent signs out of the desk.
    pub(super) fn close_desk(
        &mut self,
        now: Now,
        socket: SocketId,
        streams: &mut dyn Streams,
        out: &mut Vec<Output>,
    ) {
        let Some(&Owner::Desk(id)) = self.sockets.get(&socket) else { return };
        self.end_desk(now, id, AgentWish::Offline, streams, out);
        out.push(Output::Tell { socket, tell: Tell::Over { again: false } });
    }

    /// These people have no account any more: their desks are closed, and no call comes to them. A talk that is up goes on to its
    /// end, for its caller's sake; a desk that carries one is closed when this is asked again after it.
    pub(super) fn shut_out_all(
        &mut self,
        now: Now,
        people: BTreeSet<Name>,
        streams: &mut dyn Streams,
        out: &mut Vec<Output>,
    ) {
        let before = std::mem::replace(&mut self.shut_out, people.clone());
        for name in people {
            let Some(id) = self.person(&name) else { continue };
            let socket = self.desks.get(&id).and_then(|desk| desk.socket);
            let closed = socket.filter(|_| !self.talks_at_desk(id));
            if let Some(socket) = closed {
                self.close_desk(now, socket, streams, out);
            }
            if self.agent(&name).is_some() && !before.contains(&name) {
                let wish = AgentWish::Offline;
                self.pending.push_back(super::Pending::Engine(queue::Event::AgentWants { agent: id, wish }));
            }
        }
    }

    /// The desk is no more; an agent without another phone becomes what `wish` says.
    fn end_desk(
        &mut self,
        now: Now,
        id: AgentId,
        wish: AgentWish,
        streams: &mut dyn Streams,
        out: &mut Vec<Output>,
    ) {
        let name = self.agent_name(id);
        if self.parts.endpoint.contacts(&name).is_empty() {
            self.pending.push_back(super::Pending::Engine(queue::Event::AgentWants { agent: id, wish }));
        }
        let line = self.desks.get(&id).and_then(|desk| desk.line);
        match line {
            Some(leg) if self.lines.get(&leg).is_some_and(|line| line.up) => {
                let event = LegEvent::Ended { cause: "the desk is gone".into() };
                self.later(leg.call(), CallEvent::Leg { leg, event });
                self.close(leg, streams);
            }
            Some(leg) => self.stops_ringing_at(id, leg, 480, streams),
            None => {}
        }
        self.forget_desk(id, streams);
        self.desk_fact(now, line, What::DeskClosed { agent: name }, out);
    }

    fn forget_desk(&mut self, id: AgentId, streams: &mut dyn Streams) {
        let Some(desk) = self.desks.remove(&id) else { return };
        self.changed.desks();
        for link in desk.link.into_iter().chain(desk.next) {
            self.drop_connection(link.connection, streams);
        }
        if let Some(socket) = desk.socket {
            self.sockets.remove(&socket);
        }
    }

    /// Whether the agent's desk can ring now.
    pub(super) fn desk_can_ring(&self, id: AgentId) -> bool {
        let free = |desk: &Desk| desk.is_there() && desk.until.is_none() && desk.line.is_none();
        self.desks.get(&id).is_some_and(free)
    }

    /// Whether this person's desk can carry a line of this call: it is free, or has one.
    pub(super) fn has_desk_for(&self, name: &str, call: CallId) -> bool {
        let desk = self.person(name).and_then(|id| self.desks.get(&id)).filter(|desk| desk.is_there());
        desk.is_some_and(|desk| desk.line.is_none_or(|leg| leg.call() == call))
    }

    /// Gives a line to the desk of whoever asked for it there, which need not ring for it; false when they have no
    /// free desk.
    pub(super) fn begin_at_desk(&mut self, name: &str, leg: LegId, streams: &mut dyn Streams) -> bool {
        let Some(id) = self.person(name).filter(|id| self.desk_can_ring(*id)) else { return false };
        let Some(desk) = self.desks.get_mut(&id) else { return false };
        let Some((connection, agreed)) =
            desk.link.as_ref().map(|link| (link.connection, link.agreed.clone()))
        else {
            return false;
        };
        desk.line = Some(leg);
        streams.open_browser(leg.call(), leg);
        let mut line = Line::new(SmallVec::new(), self.local(0));
        (line.desk, line.up) = (Some(id), true);
        self.lines.insert(leg, line);
        self.carry(id, connection, agreed, streams);
        self.later(leg.call(), CallEvent::Leg { leg, event: LegEvent::Up });
        true
    }

    /// The desk rings for this line. While it rings there is time to take up the caller's codec.
    pub(super) fn ring_desk(&mut self, id: AgentId, leg: LegId, out: &mut Vec<Output>) {
        let caller = self.lines.get(&LegId::of(leg.call(), 0)).and_then(|line| line.local.codecs.first());
        let caller = caller.copied().filter(|codec| matches!(codec, Codec::Opus | Codec::Pcmu | Codec::Pcma));
        let Some(desk) = self.desks.get_mut(&id) else { return };
        desk.line = Some(leg);
        let now = desk.link.as_ref().and_then(|link| link.agreed.as_ref()).map(|agreed| agreed.codec);
        if let (Some(codec), Some(socket)) = (caller.filter(|codec| Some(*codec) != now), desk.socket) {
            out.push(Output::Tell { socket, tell: Tell::Codec { codec } });
        }
    }

    /// The line of this desk is over, or another phone of the agent has it.
    pub(super) fn free_desk(&mut self, id: AgentId, leg: LegId) {
        if let Some(desk) = self.desks.get_mut(&id).filter(|desk| desk.line == Some(leg)) {
            desk.line = None;
        }
    }

    /// The agent picks up at the desk: the other phones stop, and the stream's far end is the browser.
    pub(super) fn pick_up(
        &mut self,
        now: Now,
        socket: SocketId,
        call: CallId,
        streams: &mut dyn Streams,
        out: &mut Vec<Output>,
    ) {
        let Some((id, leg)) = self.rings_at(socket, call) else {
            return refuse(
                socket,
                format!("call {call} does not ring here"),
                "somebody else may have it",
                out,
            );
        };
        if !self.pick_up_at_desk(now, id, leg, streams, out) {
            refuse(socket, "the desk has no audio connection".to_owned(), "reload the page", out);
        }
    }

    /// The agent's desk picks up the agent's own line of a call that they place, if it rings there.
    pub(super) fn pick_up_own(
        &mut self,
        now: Now,
        id: AgentId,
        call: CallId,
        streams: &mut dyn Streams,
        out: &mut Vec<Output>,
    ) {
        let line = self.desks.get(&id).and_then(|desk| desk.line).filter(|leg| leg.call() == call);
        if let Some(leg) = line {
            self.pick_up_at_desk(now, id, leg, streams, out);
        }
    }

    fn pick_up_at_desk(
        &mut self,
        now: Now,
        id: AgentId,
        leg: LegId,
        streams: &mut dyn Streams,
        out: &mut Vec<Output>,
    ) -> bool {
        let link = self.desks.get(&id).and_then(|desk| desk.link.as_ref());
        let Some((connection, agreed)) = link.map(|link| (link.connection, link.agreed.clone())) else {
            return false;
        };
        let Some(line) = self.lines.get_mut(&leg) else { return false };
        line.up = true;
        let (sessions, port) = (std::mem::take(&mut line.sessions), line.local.port);
        for session in sessions {
            self.sessions.remove(&session);
            self.command(now, Command::End { session, reason: EndReason::Elsewhere }, out);
        }
        if port != 0 {
            streams.to_browser(leg.call(), leg);
        }
        self.carry(id, connection, agreed, streams);
        self.later(leg.call(), CallEvent::Leg { leg, event: LegEvent::Up });
        true
    }

    /// The agent refuses what rings at the desk, for all phones.
    pub(super) fn reject(
        &mut self,
        now: Now,
        socket: SocketId,
        call: CallId,
        streams: &mut dyn Streams,
        out: &mut Vec<Output>,
    ) {
        let Some((id, leg)) = self.rings_at(socket, call) else {
            return refuse(socket, format!("call {call} does not ring here"), "it may have stopped", out);
        };
        let sessions = self.lines.get_mut(&leg).map(|line| std::mem::take(&mut line.sessions));
        for session in sessions.into_iter().flatten() {
            self.sessions.remove(&session);
            self.command(now, Command::End { session, reason: EndReason::Normal }, out);
        }
        self.stops_ringing_at(id, leg, 603, streams);
    }

    /// The agent ends a call at the desk, or refuses one that rings there.
    pub(super) fn hang_up_desk(
        &mut self,
        now: Now,
        socket: SocketId,
        call: CallId,
        streams: &mut dyn Streams,
        out: &mut Vec<Output>,
    ) {
        if self.rings_at(socket, call).is_some() {
            return self.reject(now, socket, call, streams, out);
        }
        let Some((_, leg)) = self.desk_line(socket, call) else {
            return refuse(socket, format!("call {call} is not at this desk"), "it may be over", out);
        };
        let event = LegEvent::Ended { cause: "hung up".into() };
        self.later(leg.call(), CallEvent::Leg { leg, event });
        self.close(leg, streams);
    }

    fn desk_line(&self, socket: SocketId, call: CallId) -> Option<(AgentId, LegId)> {
        let Some(Owner::Desk(id)) = self.sockets.get(&socket) else { return None };
        let leg = self.desks.get(id)?.line.filter(|leg| leg.call() == call)?;
        Some((*id, leg))
    }

    fn rings_at(&self, socket: SocketId, call: CallId) -> Option<(AgentId, LegId)> {
        self.desk_line(socket, call).filter(|(_, leg)| self.lines.get(leg).is_some_and(|line| !line.up))
    }

    /// A phone or a desk of the agent is there, `anew` if they had none: whoever was offline, or gone without their will, takes
    /// calls again, and whoever would be so after a call does not.
    pub(super) fn signed_in(&mut self, now: Now, agent: AgentId, anew: bool, out: &mut Vec<Output>) {
        let config = self.parts.center.contacts.get(agent.0 as usize);
        let Some(&AgentContact::Registered { ready_when_registered }) = config else { return };
        let wish = match self.engine.agent_state(agent) {
            Some(AgentState::Offline) if ready_when_registered => AgentWish::Ready,
            Some(AgentState::Offline) => AgentWish::NotReady("signed in".into()),
            Some(AgentState::NotReady(reason)) if is_involuntary(reason) => AgentWish::Ready,
            Some(AgentState::Ringing(_) | AgentState::Talking(_)) => {
                match self.engine.agent_next(agent) {
                    // With the last phone that was signed in they were as well.
                    Some(AgentWish::Offline) if anew => AgentWish::Ready,
                    Some(AgentWish::NotReady(reason)) if is_involuntary(reason) => AgentWish::Ready,
                    _ => return,
                }
            }
            _ => return,
        };
        self.tell_engine(now, queue::Event::AgentWants { agent, wish }, out);
    }

    /// Whether a desk of the agent is there, or may come back.
    pub(super) fn has_desk(&self, agent: AgentId) -> bool {
        self.desks.get(&agent).is_some_and(|desk| desk.opened)
    }

    /// What happened to a desk is a part of the call's story that it has, or rings for.
    fn desk_fact(&self, now: Now, line: Option<LegId>, what: What, out: &mut Vec<Output>) {
        out.push(Output::Fact(Fact { at: now.at, call: line.map(LegId::call), what }));
    }
}

/// Guests at desks are numbered from here on: no center has so many agents.
pub(super) const GUESTS: u32 = 1 << 31;

/// The id of the guest in this place.
pub(super) fn guest_id(place: usize) -> AgentId {
    AgentId(GUESTS.saturating_add(u32::try_from(place).unwrap_or(u32::MAX)))
}

/// Whether an agent is not ready for a reason that ends with the phone's or the desk's return.
fn is_involuntary(reason: &Name) -> bool {
    [queue::api::PHONE_UNREACHABLE, DESK_LOST].contains(&&**reason)
}

pub(super) fn refuse(socket: SocketId, error: String, hint: &str, out: &mut Vec<Output>) {
    out.push(Output::Tell { socket, tell: Tell::Error { error, hint: hint.to_owned() } });
}
