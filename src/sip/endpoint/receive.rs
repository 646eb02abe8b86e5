//! What comes in: whether it is a message, whose it is, and what it must be before anybody acts on it
//! (RFC 3261 §8.2).

use std::time::Duration;

use bytes::Bytes;

use super::Arrival;
use super::Core;
use super::Cx;
use super::Draft;
use super::Endpoint;
use super::EndpointConfig;
use super::Event;
use super::Reply;
use super::arrival::way_back;
use super::auth;
use super::refuse;
use crate::base::Name;
use crate::base::Timestamp;
use crate::sip::api::Hop;
use crate::sip::api::Incoming;
use crate::sip::api::Output;
use crate::sip::api::Refer;
use crate::sip::api::SessionId;
use crate::sip::dialog::Dialog;
use crate::sip::dialog::tag_of;
use crate::sip::message::Essentials;
use crate::sip::message::HeaderError;
use crate::sip::message::HeaderName;
use crate::sip::message::Message;
use crate::sip::message::Method;
use crate::sip::message::ParseError;
use crate::sip::message::Request;
use crate::sip::message::Response;
use crate::sip::session;
use crate::sip::session::ReferTo;
use crate::sip::session::Replaces;
use crate::sip::session::Session;
use crate::sip::transaction::Key;
use crate::sip::transaction::NewServer;
use crate::sip::transaction::Owner;
use crate::sip::transaction::Seen;
use crate::sip::transaction::TransactionId;
use crate::sip::uri::NameAddr;
use crate::sip::uri::Scheme;
use crate::sip::uri::Uri;

/// How often a phone is told that it talks with nobody: forged answers cost us, and whom they pretend to come from, no more than a
/// BYE and its repetitions each time.
const STRAY_EVERY: Duration = Duration::from_millis(100);

/// Whether a new session is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Welcome {
    Yes,
    No,
}

/// Who a request proved to be from, where it must say so, and in whose place its session is to be.
type Standing = (Option<Name>, Option<SessionId>);

/// What a session begins with: the peer's Contact, who calls, by which trunk, who that proved to be, and in whose place.
type Beginning = (Uri, Option<NameAddr>, Option<Name>, Option<Name>, Option<SessionId>);

impl Endpoint {
    pub(super) fn received(
        &mut self,
        now: Timestamp,
        hop: Hop,
        bytes: Bytes,
        welcome: Welcome,
        out: &mut Vec<Output>,
    ) {
        match Message::read(bytes) {
            Ok((Message::Request(request), essentials)) => match Arrival::read(hop, request, essentials) {
                Ok(arrival) => self.request(now, &arrival, welcome, out),
                Err(unreadable) => self.unreadable(hop, &unreadable.0, &unreadable.1, out),
            },
            Ok((Message::Response(response), essentials)) => {
                self.response(now, hop, response, essentials, out)
            }
            Err(error) => self.malformed(hop, &error, out),
        }
    }

    fn malformed(&mut self, hop: Hop, error: &ParseError, out: &mut Vec<Output>) {
        if *error == ParseError::Ignore("keep-alive") {
            return;
        }
        self.core.counters.malformed += 1;
        let source = hop.remote;
        if let Some(mut response) = error.response() {
            // A Via that cannot be read goes back as it came.
            let via = response.headers.via().ok();
            let hop = via.as_ref().map_or(hop, |via| way_back(hop, via));
            via.into_iter().for_each(|via| response.headers.stamp(via, source));
            response.set_to_tag(&self.core.entropy.token());
            response.headers.push(HeaderName::Server, self.core.config.product.as_str());
            out.push(Output::Send { hop, bytes: response.to_bytes() });
        }
    }

    fn response(
        &mut self,
        now: Timestamp,
        hop: Hop,
        response: Response,
        Essentials { via, cseq, .. }: Essentials,
        out: &mut Vec<Output>,
    ) {
        let status = response.status;
        let cancel = cseq.method == Method::Cancel;
        let found = via.branch().and_then(|branch| self.core.transactions.find_client(branch, cancel));
        let Some(id) = found else {
            self.core.counters.strays += 1;
            if cseq.method == Method::Invite && (200..300).contains(&status) {
                self.stray_answer(now, hop, &response, cseq.seq, out);
            }
            return;
        };
        let tag = tag_of(&response.headers);
        let seen = self.core.transactions.received(now, id, status, &tag);
        let Some(client) = self.core.transactions.client(id) else {
            return;
        };
        if let Seen::Repeated(ack) = seen {
            if let Some((other_hop, bytes)) = ack {
                out.push(Output::Send { hop: other_hop.unwrap_or(client.hop), bytes });
            }
            return;
        }
        self.core.counters.received(&cseq.method, status);
        let reply = Reply {
            transaction: id,
            hop: client.hop,
            owner: client.owner,
            method: cseq.method,
            cseq: cseq.seq,
            request: client.request.clone(),
            account: client.account.clone(),
            response,
        };
        let mut cx = Cx { now, core: &mut self.core, out };
        if reply.method == Method::Invite && status >= 300 {
            cx.acknowledge_refusal(id, &reply.response);
        }
        self.deliver(now, &reply, out);
    }

    /// A phone picked up, and the INVITE is known to nobody: its transaction has served, or went with an earlier process that rang
    /// the phone in its last moment. Whoever repeats an answer that a session has is acknowledged once more; else nobody is there
    /// to talk with, and the phone is told so (RFC 3261 §13.2.2.4). A stranger is told nothing, whom anybody could pretend to be.
    fn stray_answer(
        &mut self,
        now: Timestamp,
        hop: Hop,
        response: &Response,
        cseq: u32,
        out: &mut Vec<Output>,
    ) {
        let (Ok(call_id), Ok(from)) = (response.headers.call_id(), response.headers.from()) else { return };
        let tag = from.tag().unwrap_or_default();
        if let Some(id) = self.session_named(call_id, tag, &tag_of(&response.headers)) {
            self.with_session(now, id, out, |session, cx| session.accepted_again(cx, cseq));
            return;
        }
        let is_ours = session_in(tag).is_some_and(|id| id.0 >= 1 << 63);
        let is_known = |hop| self.core.config.trunk_at(hop).is_some() || self.registrar.is_at(hop);
        if now >= self.next_stray && is_ours && is_known(hop) {
            self.next_stray = now + STRAY_EVERY;
            session::end_unknown_dialog(&mut Cx { now, core: &mut self.core, out }, hop, response, cseq);
        }
    }

    /// Hands a response to whose request it answers.
    fn deliver(&mut self, now: Timestamp, reply: &Reply, out: &mut Vec<Output>) {
        let status = reply.response.status;
        match reply.owner {
            Owner::Session(id) => {
                if self.with_session(now, id, out, |session, cx| session.answered(cx, reply)).is_some() {
                    return;
                }
            }
            Owner::Trunk(place) => {
                if let Some(trunk) = self.trunks.get_mut(place) {
                    trunk.answered(&mut Cx { now, core: &mut self.core, out }, place, reply);
                }
                return;
            }
            Owner::Nobody => {}
        }
        let mut cx = Cx { now, core: &mut self.core, out };
        if reply.method == Method::Invite && (200..300).contains(&status) {
            session::end_stray_dialog(&mut cx, reply);
        } else if reply.method == Method::Bye && matches!(status, 401 | 407) {
            cx.resend(reply, reply.cseq.wrapping_add(1), true, |_| {});
        }
    }

    /// A request of which something cannot be read that everybody asks for.
    fn unreadable(&mut self, hop: Hop, request: &Request, error: &HeaderError, out: &mut Vec<Output>) {
        self.core.counters.malformed += 1;
        if request.method != Method::Ack {
            let mut response = request.response(error.sip_status());
            response.set_to_tag(&self.core.entropy.token());
            let hop = request.headers.via().map_or(hop, |via| way_back(hop, &via));
            out.push(Output::Send { hop, bytes: response.to_bytes() });
        }
    }

    fn request(&mut self, now: Timestamp, arrival: &Arrival, welcome: Welcome, out: &mut Vec<Output>) {
        if arrival.request.method == Method::Ack {
            return self.ack(now, arrival, out);
        }
        let key = arrival.key(&arrival.request.method);
        if let Some(id) = self.core.transactions.find_server(&key) {
            return self.core.transactions.repeat(id, out);
        }
        self.core.counters.request(&arrival.request.method);
        if self.answer_statelessly(now, arrival, out) {
            return;
        }
        let Some((transaction, standing)) = self.begin(now, arrival, key, welcome, out) else {
            return;
        };
        if let Some(status) = self.act(now, arrival, (transaction, standing), out) {
            let mut cx = Cx { now, core: &mut self.core, out };
            refuse::refuse(&mut cx, arrival, transaction, status);
        }
    }

    /// Answers what is answered to everybody alike, and keeps nothing of it: so that no stranger's many questions fill a table.
    /// False: it is something else.
    fn answer_statelessly(&mut self, now: Timestamp, arrival: &Arrival, out: &mut Vec<Output>) -> bool {
        let status = self.refusal_of_a_stranger(arrival);
        let mut cx = Cx { now, core: &mut self.core, out };
        match status {
            Some(status) => refuse::refuse_statelessly(&mut cx, arrival, status),
            None if arrival.request.method == Method::Options && arrival.to.tag().is_none() => {
                refuse::answer_options_statelessly(&mut cx, arrival);
            }
            None => return false,
        }
        true
    }

    /// What a request is refused with by what it says alone, whoever it is from. What belongs to a session is that session's.
    fn refusal_of_a_stranger(&self, arrival: &Arrival) -> Option<u16> {
        let method = &arrival.request.method;
        if *method == Method::Cancel {
            let is_known = self.core.transactions.find_server(&arrival.key(&Method::Invite)).is_some();
            return (!is_known).then_some(481);
        }
        if arrival.to.tag().is_some() {
            return self.session_of(arrival).is_none().then(|| refusal_of(arrival).unwrap_or(481));
        }
        refusal_of(arrival).or_else(|| match method {
            Method::Invite => unfit(arrival, &self.core.config),
            Method::Register | Method::Options => None,
            // Nobody is handed on by a stranger.
            Method::Refer => Some(403),
            // What is only ever said within a dialog.
            _ => Some(481),
        })
    }

    /// Whether a request is of a session that is up or begins.
    fn is_of_a_session(&self, arrival: &Arrival) -> bool {
        let cancels = arrival.request.method == Method::Cancel
            && self.core.transactions.find_server(&arrival.key(&Method::Invite)).is_some();
        cancels || self.session_of(arrival).is_some()
    }

    /// Begins a transaction, unless a table is full, a new session is not welcome, or it should prove who it is from and does not:
    /// the challenge and the refusal keep nothing, either.
    fn begin(
        &mut self,
        now: Timestamp,
        arrival: &Arrival,
        key: Key,
        welcome: Welcome,
        out: &mut Vec<Output>,
    ) -> Option<(TransactionId, Standing)> {
        let invite = arrival.request.method == Method::Invite;
        let first = invite && arrival.to.tag().is_none();
        // Each session that is up will need a transaction more, for its BYE: were that refused, the call would
        // not end. So for what is of no session the table is full before.
        let sessions = self.sessions.len();
        let room = self.core.transactions.room() > sessions;
        let welcome = !first || (welcome != Welcome::No && sessions < self.core.config.max_sessions);
        let served = (room && welcome) || self.is_of_a_session(arrival);
        let merge_key = first.then(|| arrival.merge_key());
        let merged = merge_key.as_ref().is_some_and(|key| self.core.transactions.is_merged(key));
        let mut standing = Standing::default();
        if served && !merged && arrival.to.tag().is_none() {
            standing = self.standing(now, arrival, out)?;
        }
        if served {
            let merge_key = merge_key.filter(|_| !merged);
            let new = NewServer { key, merge_key, hop: arrival.back, invite };
            if let Some(id) = self.core.transactions.begin_server(new) {
                if merged {
                    let mut cx = Cx { now, core: &mut self.core, out };
                    refuse::refuse(&mut cx, arrival, id, 482);
                    return None;
                }
                return Some((id, standing));
            }
        }
        self.core.counters.overload += 1;
        let mut cx = Cx { now, core: &mut self.core, out };
        refuse::refuse_statelessly(&mut cx, arrival, 503);
        None
    }

    /// Who a request outside a dialog proves to be from, where it must: who registers, and who calls in a local user's name. None:
    /// it does not, and was answered.
    fn standing(&mut self, now: Timestamp, arrival: &Arrival, out: &mut Vec<Output>) -> Option<Standing> {
        let Core { config, .. } = &self.core;
        let claimed = match arrival.request.method {
            Method::Register => Some(arrival.to.uri.user.as_deref().unwrap_or_default()),
            Method::Invite if config.trunk_at(arrival.hop).is_none() => claimed_user(config, arrival),
            _ => None,
        };
        let mut cx = Cx { now, core: &mut self.core, out };
        let user = match claimed.map(|claimed| auth::prove(&mut cx, arrival, claimed)).transpose() {
            Ok(user) => user,
            Err(unproven) => {
                auth::refuse(&mut cx, arrival, unproven);
                return None;
            }
        };
        match self.replaced(arrival, user.is_some()) {
            Ok(replaces) => Some((user, replaces)),
            Err(status) => {
                refuse::refuse_statelessly(&mut Cx { now, core: &mut self.core, out }, arrival, status);
                None
            }
        }
    }

    /// Acts on a new request. The status to refuse it with, or none when it is or will be answered.
    fn act(
        &mut self,
        now: Timestamp,
        arrival: &Arrival,
        (transaction, (user, replaces)): (TransactionId, Standing),
        out: &mut Vec<Output>,
    ) -> Option<u16> {
        let method = &arrival.request.method;
        if let Some(status) = refusal_of(arrival) {
            return Some(status);
        }
        if *method == Method::Cancel {
            return self.cancel(now, arrival, transaction, out);
        }
        if arrival.to.tag().is_some() {
            return self.within(now, arrival, transaction, out);
        }
        match (method, user) {
            (Method::Invite, user) => self.incoming(now, arrival, transaction, (user, replaces), out),
            (Method::Register, Some(user)) => self.register(now, arrival, transaction, &user, out),
            // All others were answered.
            _ => Some(481),
        }
    }

    fn ack(&mut self, now: Timestamp, arrival: &Arrival, out: &mut Vec<Output>) {
        if let Some(id) = self.core.transactions.find_server(&arrival.key(&Method::Invite))
            && !self.core.transactions.acked(now, id)
        {
            return;
        }
        match self.session_of(arrival) {
            Some(id) => {
                self.with_session(now, id, out, |session, cx| session.acked(cx, arrival));
            }
            // What was refused statelessly has this tag.
            None if arrival.to.tag().is_some_and(|tag| tag == arrival.merge_key().token()) => {}
            None => self.core.counters.strays += 1,
        }
    }

    fn cancel(
        &mut self,
        now: Timestamp,
        arrival: &Arrival,
        transaction: TransactionId,
        out: &mut Vec<Output>,
    ) -> Option<u16> {
        let invite = self.core.transactions.find_server(&arrival.key(&Method::Invite));
        let Some((invite, (session, proceeding))) =
            invite.and_then(|id| Some((id, self.core.transactions.invite_session(id)?)))
        else {
            return Some(481);
        };
        let tag =
            session.and_then(|id| self.sessions.get(&id)).map(|session| session.dialog.local_tag.clone());
        let mut cx = Cx { now, core: &mut self.core, out };
        let tag = tag.unwrap_or_else(|| arrival.tag());
        let response = arrival.refusal(200, &tag, &cx.core.config).finish();
        cx.respond(transaction, &Method::Cancel, 200, response);
        if let Some(session) = session.filter(|_| proceeding) {
            self.with_session(now, session, out, |session, cx| session.cancelled(cx, invite));
        }
        None
    }

    /// A request within a dialog (§12.2.2).
    fn within(
        &mut self,
        now: Timestamp,
        arrival: &Arrival,
        transaction: TransactionId,
        out: &mut Vec<Output>,
    ) -> Option<u16> {
        let Some(id) = self.session_of(arrival) else {
            return Some(481);
        };
        if arrival.request.method == Method::Invite {
            self.core.transactions.set_session(transaction, id);
        }
        if arrival.request.method == Method::Refer {
            return self.refer(now, id, arrival, transaction, out);
        }
        self.with_session(now, id, out, |session, cx| within_session(session, cx, arrival, transaction))?
    }

    /// The peer asks that whom it talks with be handed on; Replaces must name another session of its own.
    fn refer(
        &mut self,
        now: Timestamp,
        id: SessionId,
        arrival: &Arrival,
        transaction: TransactionId,
        out: &mut Vec<Output>,
    ) -> Option<u16> {
        let headers = &arrival.request.headers;
        let (to, dialog) = match ReferTo::read(headers) {
            Ok(ReferTo { to, replaces }) => (to.uri, replaces),
            Err(status) => return Some(status),
        };
        let replaces = match dialog {
            Some(Replaces { call_id, to_tag, from_tag }) => {
                let Some(found) = self.session_named(&call_id, &to_tag, &from_tag) else { return Some(481) };
                Some(found)
            }
            None => None,
        };
        let by = headers.addresses(HeaderName::ReferredBy).ok().and_then(|all| all.into_iter().next());
        self.with_session(now, id, out, |session, cx| {
            if !session.dialog.takes_cseq(arrival.cseq) {
                return Some(500);
            }
            session.referred(cx, arrival, transaction, |session| Refer { session, to, replaces, by })
        })?
    }

    /// The session that a request is of: our tag ends in its number.
    fn session_of(&self, arrival: &Arrival) -> Option<SessionId> {
        let remote = arrival.from.tag().unwrap_or_default();
        self.session_named(&arrival.call_id, arrival.to.tag()?, remote)
    }

    fn session_named(&self, call_id: &str, local: &str, remote: &str) -> Option<SessionId> {
        let id = session_in(local)?;
        let session = self.sessions.get(&id);
        session.filter(|session| session.dialog.is_of(call_id, local, remote)).map(|_| id)
    }

    /// An INVITE that begins a session (§13.3).
    fn incoming(
        &mut self,
        now: Timestamp,
        arrival: &Arrival,
        transaction: TransactionId,
        (user, replaces): Standing,
        out: &mut Vec<Output>,
    ) -> Option<u16> {
        let contact = match contact_of(arrival) {
            Ok(contact) => contact,
            Err(status) => return Some(status),
        };
        let mut cx = Cx { now, core: &mut self.core, out };
        let trunk = cx.core.config.trunk_at(arrival.hop).map(|trunk| (trunk.name.clone(), trunk.trusted));
        cx.trying(transaction, trying(arrival));
        let trusted = trunk.as_ref().is_some_and(|(_, trusted)| *trusted);
        let caller =
            Some(arrival).filter(|_| trusted).and_then(asserted).unwrap_or_else(|| arrival.from.clone());
        let caller = Some(caller).filter(|caller| !is_withheld(arrival, caller));
        let trunk = trunk.map(|(name, _)| name);
        self.begin_session(now, arrival, transaction, (contact, caller, trunk, user, replaces), out);
        None
    }

    /// The session whose place an INVITE is to take, or the status to refuse it with (RFC 3891 §3).
    fn replaced(&self, arrival: &Arrival, proven: bool) -> Result<Option<SessionId>, u16> {
        let mut all = arrival.request.headers.all(&HeaderName::Replaces);
        let text = match (all.next(), all.next()) {
            (None, _) => return Ok(None),
            (Some(text), None) => text,
            (Some(_), Some(_)) => return Err(400),
        };
        let Some(dialog) = Replaces::parse(text) else { return Err(400) };
        if !proven {
            return Err(403);
        }
        let found = self.session_named(&dialog.call_id, &dialog.to_tag, &dialog.from_tag);
        let early_only = text.split(';').any(|part| part.trim().eq_ignore_ascii_case("early-only"));
        match found {
            // Whoever we talk with has been answered.
            Some(_) if early_only => Err(486),
            found => found.map(Some).ok_or(481),
        }
    }

    fn begin_session(
        &mut self,
        now: Timestamp,
        arrival: &Arrival,
        transaction: TransactionId,
        (contact, caller, trunk, user, replaces): Beginning,
        out: &mut Vec<Output>,
    ) {
        self.last_session += 1;
        let id = SessionId(self.last_session);
        let core = &mut self.core;
        let tag = format!("{}{:x}", core.entropy.token(), id.0);
        let our_contact = core.config.contact(arrival.request.uri.user.as_deref(), arrival.hop);
        let dialog = Dialog::callee(arrival, contact.clone(), &tag, our_contact);
        core.transactions.set_session(transaction, id);
        let mut session = Session::incoming(id, dialog, arrival, transaction);
        session.user.clone_from(&user);
        self.sessions.insert(id, session);
        self.note_change(id);
        out.push(Output::Event(Event::Incoming(Box::new(Incoming {
            session: id,
            hop: arrival.hop,
            back: arrival.back,
            sip_call_id: arrival.call_id.clone(),
            uri: arrival.request.uri.clone(),
            from: arrival.from.clone(),
            to: arrival.to.clone(),
            caller,
            contact,
            trunk,
            user,
            replaces,
            sdp: arrival.sdp.clone(),
        }))));
        // Nothing has happened to it yet, but it may have a deadline.
        self.with_session(now, id, out, |_, _| {});
    }

    fn register(
        &mut self,
        now: Timestamp,
        arrival: &Arrival,
        transaction: TransactionId,
        user: &Name,
        out: &mut Vec<Output>,
    ) -> Option<u16> {
        let mut cx = Cx { now, core: &mut self.core, out };
        let contact = arrival.request.headers.contact().ok().flatten().map(|contact| contact.uri);
        let before = contact.as_ref().and_then(|contact| self.registrar.hop_of(user, contact));
        let refused = self.registrar.register(&mut cx, user, arrival, transaction);
        if let (None, Some(contact), true) = (refused, contact, arrival.hop.transport.is_reliable()) {
            self.reconnected(now, user, (&contact, before), arrival.hop, out);
        }
        refused
    }
}

impl Endpoint {
    /// A phone that has proved to be this user's comes by a connection that may be another one than before: what it is told within
    /// its sessions goes there.
    fn reconnected(
        &mut self,
        now: Timestamp,
        user: &Name,
        (contact, before): (&Uri, Option<Hop>),
        hop: Hop,
        out: &mut Vec<Output>,
    ) {
        let is_its = |session: &Session| session.is_phone_of(user, contact, before);
        let its: Vec<SessionId> =
            self.sessions.values().filter(|session| is_its(session)).map(|session| session.id).collect();
        for id in its {
            self.with_session(now, id, out, |session, cx| session.reconnected(cx, hop));
        }
    }
}

/// The session that a tag of ours names.
fn session_in(tag: &str) -> Option<SessionId> {
    Some(SessionId(u64::from_str_radix(tag.get(16..)?, 16).ok()?))
}

/// A request of a session's own.
fn within_session(
    session: &mut Session,
    cx: &mut Cx<'_>,
    arrival: &Arrival,
    transaction: TransactionId,
) -> Option<u16> {
    if !session.dialog.takes_cseq(arrival.cseq) {
        return Some(500);
    }
    if session.only_hop().is_some() || cx.core.config.trunk_at(arrival.hop).is_none() {
        session.came_by(arrival.hop);
    }
    let method = &arrival.request.method;
    let offer = matches!(method, Method::Invite | Method::Update);
    if offer && !arrival.has_known_body {
        return Some(415);
    }
    if offer && session::is_too_small(&arrival.request.headers, &cx.core.config) {
        return Some(422);
    }
    match method {
        Method::Bye => {
            acknowledge(cx, arrival, transaction, 200);
            session.hung_up(cx);
        }
        Method::Invite => return session.re_invited(cx, arrival, transaction),
        Method::Update => return session.updated(cx, arrival, transaction),
        Method::Prack => {
            // The 200 to the PRACK goes before what it lets through.
            return session.pracked(cx, arrival, transaction);
        }
        Method::Info => {
            acknowledge(cx, arrival, transaction, 200);
            let content_type = arrival.request.headers.content_type().unwrap_or_default();
            let body = arrival.request.body.clone();
            cx.tell(Event::Info { session: session.id, content_type, body });
        }
        Method::Options => refuse::answer_options(cx, arrival, transaction),
        _ => return Some(405),
    }
    None
}

fn acknowledge(cx: &mut Cx<'_>, arrival: &Arrival, transaction: TransactionId, status: u16) {
    let response = arrival.refusal(status, &arrival.tag(), &cx.core.config).finish();
    cx.respond(transaction, &arrival.request.method, status, response);
}

/// What no request may be, whatever it wants, in the order of §8.2.
fn refusal_of(arrival: &Arrival) -> Option<u16> {
    let request = &arrival.request;
    match request.method {
        Method::Other(_) => return Some(501),
        Method::Notify | Method::Subscribe | Method::Message | Method::Publish => {
            return Some(405);
        }
        _ => {}
    }
    if matches!(request.uri.scheme, Scheme::Other(_)) {
        return Some(416);
    }
    match request.headers.max_forwards() {
        Ok(Some(0)) => return Some(483),
        Ok(_) => {}
        Err(error) => return Some(error.sip_status()),
    }
    let asks = request.method != Method::Cancel && !refuse::unknown_extensions(&request.headers).is_empty();
    asks.then_some(420)
}

/// What no INVITE may be that begins a session, whoever it is from.
fn unfit(arrival: &Arrival, config: &EndpointConfig) -> Option<u16> {
    if !arrival.has_known_body {
        return Some(415);
    }
    if !arrival.accepts_sdp() {
        return Some(406);
    }
    if let Err(status) = contact_of(arrival) {
        return Some(status);
    }
    session::is_too_small(&arrival.request.headers, config).then_some(422)
}

/// Where whoever calls is to be asked within the dialog.
fn contact_of(arrival: &Arrival) -> Result<Uri, u16> {
    match arrival.request.headers.contact() {
        Ok(Some(contact)) if matches!(contact.uri.scheme, Scheme::Sip | Scheme::Sips) => Ok(contact.uri),
        // RFC 2543 had calls without: From is all there is.
        Ok(None) if arrival.is_of_rfc_2543() => Ok(arrival.from.uri.clone()),
        _ => Err(400),
    }
}

/// The 100, which tells the caller's transaction to be patient.
fn trying(arrival: &Arrival) -> Bytes {
    let mut draft = Draft::response(100);
    draft.lines(&arrival.head(""));
    draft.finish()
}

/// The local user that a caller says to be. By name alone: the host of From is whatever the phone was told.
fn claimed_user<'a>(config: &EndpointConfig, arrival: &'a Arrival) -> Option<&'a str> {
    arrival.from.uri.user.as_deref().filter(|user| config.users.contains_key(*user))
}

/// Whether who calls is not to be known: they ask for privacy (RFC 3323 §4.2, RFC 3325 §9.3), or are nobody (RFC 3323 §4.1.1.3).
fn is_withheld(arrival: &Arrival, caller: &NameAddr) -> bool {
    let values = arrival.request.headers.all(&HeaderName::Privacy).flat_map(|value| value.split([';', ',']));
    let asked = |value: &str| {
        ["id", "user", "header"].iter().any(|private| value.trim().eq_ignore_ascii_case(private))
    };
    let user = caller.uri.user.as_deref().unwrap_or_default();
    values.into_iter().any(asked)
        || user.eq_ignore_ascii_case("anonymous")
        || caller.uri.host.to_ascii_lowercase().ends_with(".invalid")
}

/// Who calls by the word of a trusted trunk (RFC 3325 §9.1); a SIP URI before a telephone number.
fn asserted(arrival: &Arrival) -> Option<NameAddr> {
    let all = arrival.request.headers.addresses(HeaderName::PAssertedIdentity).ok()?;
    let sip = all.iter().find(|who| matches!(who.uri.scheme, Scheme::Sip | Scheme::Sips));
    sip.or(all.first()).cloned()
}
