//! Browsers' sockets and connections: whose they are; and callers who call from a web page.

use super::Now;
use super::Output;
use super::Streams;
use super::Switchboard;
use super::desks::refuse;
use super::lines::Line;
use crate::base::AgentId;
use crate::base::CallId;
use crate::base::LegId;
use crate::base::Name;
use crate::base::plain;
use crate::call::Arrival;
use crate::call::CallEvent;
use crate::call::LegEvent;
use crate::sdp::Negotiated;
use crate::server::browser::Ask;
use crate::server::browser::CallState;
use crate::server::browser::SocketId;
use crate::server::browser::Tell;
use crate::wire::webrtc::BrowserEvent;
use crate::wire::webrtc::ConnectionId;

/// Whose a socket or a connection is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Owner {
    Desk(AgentId),
    Caller(SocketId),
}

/// A caller on a web page.
#[derive(Debug)]
pub(super) struct WebCaller {
    number: Name,
    connection: ConnectionId,
    agreed: Option<Negotiated>,
    /// The caller's line, once the connection is up and the call has begun.
    leg: Option<LegId>,
}

impl Switchboard {
    pub(super) fn on_ask(
        &mut self,
        now: Now,
        socket: SocketId,
        ask: Ask,
        streams: &mut dyn Streams,
        out: &mut Vec<Output>,
    ) {
        match ask {
            Ask::OpenDesk { agent, offer } => self.open_desk(socket, &agent, offer, streams, out),
            Ask::CloseDesk => self.close_desk(now, socket, streams, out),
            Ask::PickUp { call } => self.pick_up(now, socket, call, streams, out),
            Ask::Reject { call } => self.reject(now, socket, call, streams, out),
            Ask::HangUp { call: Some(call) } => self.hang_up_desk(now, socket, call, streams, out),
            Ask::HangUp { call: None } => self.end_web_call(socket, "hung up", streams, out),
            Ask::Call { number, offer } => self.call_from_web(socket, number, offer, streams, out),
            Ask::Key { digit } => self.web_key(socket, digit),
            Ask::Gone => match self.sockets.remove(&socket) {
                Some(Owner::Desk(id)) => self.desk_socket_gone(now, id, socket, streams, out),
                Some(Owner::Caller(socket)) => {
                    self.end_web_call(socket, "the page is gone", streams, out);
                }
                None => {}
            },
        }
    }

    pub(super) fn on_browser(
        &mut self,
        now: Now,
        event: BrowserEvent,
        streams: &mut dyn Streams,
        out: &mut Vec<Output>,
    ) {
        let (BrowserEvent::Answered { connection, .. }
        | BrowserEvent::Up { connection }
        | BrowserEvent::Silent { connection }
        | BrowserEvent::Back { connection }
        | BrowserEvent::Over { connection, .. }) = event;
        // One that was given up meanwhile is nobody's.
        let Some(&owner) = self.connections.get(&connection) else { return };
        if matches!(event, BrowserEvent::Over { .. }) {
            self.connections.remove(&connection);
        }
        match (owner, event) {
            (Owner::Desk(id), BrowserEvent::Answered { sdp, agreed, .. }) => {
                self.desk_answered(id, connection, sdp, agreed, out);
            }
            (Owner::Desk(id), BrowserEvent::Up { .. }) => self.desk_up(now, id, connection, streams, out),
            (Owner::Desk(id), BrowserEvent::Silent { .. }) => {
                self.desk_silent(now, id, connection, streams, out);
            }
            (Owner::Desk(id), BrowserEvent::Back { .. }) => self.desk_heard_again(now, id, connection, out),
            (Owner::Desk(id), BrowserEvent::Over { why, .. }) => {
                self.desk_disconnected(now, id, connection, why, streams, out);
            }
            (Owner::Caller(socket), BrowserEvent::Answered { sdp, agreed, .. }) => {
                if let Some(caller) = self.web_callers.get_mut(&socket) {
                    caller.agreed = Some(agreed);
                    out.push(Output::Tell { socket, tell: Tell::Answer { sdp } });
                }
            }
            (Owner::Caller(socket), BrowserEvent::Up { .. }) => self.web_arrival(now, socket, streams, out),
            // Whether a caller's audio comes is watched by the stream.
            (Owner::Caller(_), BrowserEvent::Silent { .. } | BrowserEvent::Back { .. }) => {}
            (Owner::Caller(socket), BrowserEvent::Over { why, .. }) => {
                out.push(Output::Tell { socket, tell: Tell::Disconnected { why } });
                self.end_web_call(socket, "the line is gone", streams, out);
            }
        }
    }

    pub(super) fn new_connection(&mut self, owner: Owner) -> ConnectionId {
        let connection = ConnectionId(self.next_connection);
        self.next_connection += 1;
        self.connections.insert(connection, owner);
        connection
    }

    pub(super) fn drop_connection(&mut self, connection: ConnectionId, streams: &mut dyn Streams) {
        if self.connections.remove(&connection).is_some() {
            streams.disconnect(connection);
        }
    }

    fn call_from_web(
        &mut self,
        socket: SocketId,
        number: Name,
        offer: String,
        streams: &mut dyn Streams,
        out: &mut Vec<Output>,
    ) {
        if self.sockets.contains_key(&socket) {
            return refuse(socket, "this page has a call already".to_owned(), "hang up first", out);
        }
        if self.is_draining() || self.calls.len() + self.web_callers.len() >= self.parts.max_calls {
            refuse(socket, "no more calls are taken just now".to_owned(), "try again in a moment", out);
            return out.push(Output::Tell { socket, tell: Tell::Over { again: true } });
        }
        let connection = self.new_connection(Owner::Caller(socket));
        self.sockets.insert(socket, Owner::Caller(socket));
        let caller = WebCaller { number, connection, agreed: None, leg: None };
        self.web_callers.insert(socket, caller);
        if !streams.accept(connection, offer) {
            refuse(socket, "too many browsers connect just now".to_owned(), "try again", out);
            self.end_web_call(socket, "overloaded", streams, out);
        }
    }

    /// The caller's audio can flow: only now the call begins, so that its first word is heard.
    fn web_arrival(&mut self, now: Now, socket: SocketId, streams: &mut dyn Streams, out: &mut Vec<Output>) {
        let id = CallId(self.next_call);
        let leg = LegId::of(id, 0);
        let Some(caller) = self.web_callers.get_mut(&socket).filter(|caller| caller.leg.is_none()) else {
            return;
        };
        caller.leg = Some(leg);
        let (connection, number, agreed) = (caller.connection, caller.number.clone(), caller.agreed.clone());
        self.next_call += 1;
        let mut line = Line::new(Default::default(), self.local(0));
        line.web = Some(socket);
        if let Some(agreed) = &agreed {
            line.local.prefer(agreed.codec);
        }
        line.prepared = agreed.map(|agreed| (String::new(), agreed));
        self.lines.insert(leg, line);
        streams.open_browser(id, leg);
        streams.patch(leg, connection);
        out.push(Output::Tell { socket, tell: Tell::State { state: CallState::Ringing, call: id } });
        let arrival = Arrival {
            leg,
            number: String::new(),
            claimed: None,
            display: "web page".to_owned(),
            dialled: plain(number.to_string()),
            sip_call_id: format!("web-{}", self.parts.entropy.token()),
            source: "web".to_owned(),
            trunk: None,
            contact: String::new(),
            agent: None,
        };
        self.begin_call(now, id, arrival, None, None, streams, out);
    }

    /// A web caller's line is answered: audio flows from now on.
    pub(super) fn answer_web(
        &mut self,
        leg: LegId,
        socket: SocketId,
        streams: &mut dyn Streams,
        out: &mut Vec<Output>,
    ) {
        let Some(line) = self.lines.get_mut(&leg) else { return };
        line.up = true;
        if let Some((_, agreed)) = line.prepared.take() {
            line.agree(leg, agreed, streams);
        }
        let state = Tell::State { state: CallState::Talking, call: leg.call() };
        out.push(Output::Tell { socket, tell: state });
        self.later(leg.call(), CallEvent::Leg { leg, event: LegEvent::Up });
    }

    fn web_key(&mut self, socket: SocketId, digit: char) {
        if let Some(leg) = self.web_callers.get(&socket).and_then(|caller| caller.leg) {
            self.later(leg.call(), CallEvent::Digit { leg, digit });
        }
    }

    /// The caller hangs up, or is gone.
    fn end_web_call(
        &mut self,
        socket: SocketId,
        cause: &str,
        streams: &mut dyn Streams,
        out: &mut Vec<Output>,
    ) {
        let Some(leg) = self.web_callers.get(&socket).map(|caller| caller.leg) else { return };
        if let Some(leg) = leg {
            let event = LegEvent::Ended { cause: cause.into() };
            self.later(leg.call(), CallEvent::Leg { leg, event });
            self.close(leg, streams);
        }
        self.web_call_over(socket, streams, out);
    }

    /// The web caller's line is ended: the page is told, and its connection closed.
    pub(super) fn web_call_over(
        &mut self,
        socket: SocketId,
        streams: &mut dyn Streams,
        out: &mut Vec<Output>,
    ) {
        let Some(caller) = self.web_callers.remove(&socket) else { return };
        self.sockets.remove(&socket);
        self.drop_connection(caller.connection, streams);
        if let Some(leg) = caller.leg {
            let state = Tell::State { state: CallState::Ended, call: leg.call() };
            out.push(Output::Tell { socket, tell: state });
        }
        out.push(Output::Tell { socket, tell: Tell::Over { again: true } });
    }
}
