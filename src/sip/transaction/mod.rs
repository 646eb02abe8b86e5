//! The transaction layer, RFC 3261 §17: what is repeated, what is absorbed, what is given up.
//!
//! Each machine has a file of its own; this one keeps them, finds them and tells them the time. What a request
//! means is not known here: a transaction holds the bytes it may have to send again, and who is told.

mod client_invite;
mod client_other;
mod key;
pub(in crate::sip) mod octets;
pub(in crate::sip) mod pairs;
mod server_invite;
mod server_other;
#[cfg(test)]
mod tests;
mod timers;

use std::collections::BTreeMap;
use std::collections::HashMap; // looked up only
use std::time::Duration;

use bytes::Bytes;
use serde::Deserialize;
use serde::Serialize;

use self::client_invite::ClientInvite;
use self::client_other::ClientOther;
pub(in crate::sip) use self::key::Key;
use self::server_invite::ServerInvite;
use self::server_other::ServerOther;
pub(in crate::sip) use self::timers::Timers;
use crate::base::Entropy;
use crate::base::Timestamp;
use crate::sip::api::Hop;
use crate::sip::api::Output;
use crate::sip::api::SessionId;
use crate::sip::digest::Account;

/// The round-trip estimate, from which every other timer follows: 500 ms.
///
/// [RFC 3261 §17.1.1.1](https://www.rfc-editor.org/rfc/rfc3261#section-17.1.1.1)
pub const T1: Duration = Duration::from_millis(500);

/// The longest interval between repetitions of what is not an INVITE, and of its responses: 4 s.
pub const T2: Duration = Duration::from_secs(4);

/// How long a message may stay in the network: 5 s.
pub const T4: Duration = Duration::from_secs(5);

/// 64 × T1: timers B, F, H, J, L and M.
pub const TIMEOUT: Duration = Duration::from_secs(32);

/// Timer D: more than 32 s.
pub const TIMER_D: Duration = Duration::from_millis(32_500);

/// What is kept of responses, at most, before strangers get none that is kept: 256 MiB, three times what 7 000 calls a second
/// need. A response repeats the Via headers of its request, which may be 64 KiB long.
pub(in crate::sip) const MOST_OCTETS: usize = 256 << 20;

/// What every branch that is unique begins with (RFC 3261 §8.1.1.7).
pub(in crate::sip) const MAGIC_COOKIE: &str = "z9hG4bK";

/// Names one transaction, client's or server's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub(in crate::sip) struct TransactionId(u64);

/// Who is told what becomes of a transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::sip) enum Owner {
    /// A session.
    Session(SessionId),
    /// The registration at the trunk in this place of the configuration.
    Trunk(usize),
    /// Nobody cares: a BYE of a session that is gone.
    Nobody,
}

/// When something is sent again.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(in crate::sip) struct Repeat {
    at: Option<Timestamp>,
    interval: Duration,
    /// What the interval doubles up to.
    cap: Duration,
}

impl Repeat {
    /// After `first`, then after twice as long, and so on up to T2.
    pub(in crate::sip) fn doubling(now: Timestamp, first: Duration) -> Repeat {
        Repeat { at: Some(now + first), interval: first, cap: T2 }
    }

    /// As [`Repeat::doubling`], without end.
    pub(in crate::sip) fn unlimited(now: Timestamp, first: Duration) -> Repeat {
        Repeat { at: Some(now + first), interval: first, cap: TIMEOUT }
    }

    /// Not at all: the transport is reliable.
    pub(in crate::sip) fn never() -> Repeat {
        Repeat { at: None, interval: T2, cap: T2 }
    }

    /// When next.
    pub(in crate::sip) fn at(&self) -> Option<Timestamp> {
        self.at
    }

    /// Whether it is time; then the next time is set.
    pub(in crate::sip) fn take(&mut self, now: Timestamp) -> bool {
        let due = self.at.is_some_and(|at| at <= now);
        if due {
            self.interval = (self.interval * 2).min(self.cap);
            self.at = Some(now + self.interval);
        }
        due
    }

    /// From the next time on, every `interval`.
    fn slow_down(&mut self, interval: Duration) {
        self.interval = interval;
    }
}

/// What a machine wants when it is told the time.
enum Due {
    Nothing,
    /// Send again what was sent before.
    Send(Bytes),
    /// Send what waited for its time.
    SendFirst(Bytes),
    /// It has served.
    Gone,
    /// No answer came; whoever owns it is told.
    TimedOut,
}

impl Due {
    fn gone_at(until: Timestamp, now: Timestamp) -> Due {
        if until <= now { Due::Gone } else { Due::Nothing }
    }
}

/// What a response is to a client transaction.
pub(in crate::sip) enum Seen {
    /// The owner's business.
    New,
    /// It came before. The ACK to send again, and where, if not where the INVITE went.
    Repeated(Option<(Option<Hop>, Bytes)>),
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
enum ServerMachine {
    Invite(ServerInvite),
    Other(ServerOther),
}

/// A request that we answer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Server {
    key: Key,
    /// Call-ID, CSeq and From tag of an INVITE that begins a dialog: by another way it is merged (§8.2.2.2).
    merge_key: Option<Key>,
    /// Where it came from, and so where the responses go.
    hop: Hop,
    session: Option<SessionId>,
    machine: ServerMachine,
    timer: Option<Timestamp>,
    /// Of its response, as it is counted in [`Transactions::octets`].
    #[serde(default)]
    octets: usize,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
enum ClientMachine {
    Invite(ClientInvite),
    Other(ClientOther),
}

/// A request that we sent.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(in crate::sip) struct Client {
    token: u32,
    /// Where it went.
    pub(in crate::sip) hop: Hop,
    pub(in crate::sip) owner: Owner,
    /// As it went out; empty once it has a final response and needs no repetition.
    #[serde(with = "octets")]
    pub(in crate::sip) request: Bytes,
    /// Who answers a challenge.
    #[serde(default)]
    pub(in crate::sip) account: Option<Account>,
    machine: ClientMachine,
    timer: Option<Timestamp>,
}

/// A client transaction that ended without an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::sip) struct Silence {
    pub(in crate::sip) id: TransactionId,
    pub(in crate::sip) owner: Owner,
}

/// A client transaction as it is written down.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(in crate::sip) struct CarriedClient {
    id: TransactionId,
    client: Client,
}

/// A server transaction as it is written down.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(in crate::sip) struct CarriedServer {
    id: TransactionId,
    server: Server,
}

impl CarriedServer {
    /// What it would send again.
    pub(in crate::sip) fn last(&self) -> &[u8] {
        let last = match &self.server.machine {
            ServerMachine::Invite(invite) => invite.repeated(),
            ServerMachine::Other(other) => other.repeated(),
        };
        last.map_or(&[], |bytes| bytes)
    }
}

impl CarriedClient {
    /// The body of its request is not written down.
    pub(in crate::sip) fn leave_body(&mut self) {
        let request = &mut self.client.request;
        let blank = request.windows(4).position(|part| part == b"\r\n\r\n");
        request.truncate(blank.map_or(0, |at| at + 4));
    }

    /// This was the body of its request.
    pub(in crate::sip) fn had_body(&mut self, body: &[u8]) {
        self.client.request = [&self.client.request, body].concat().into();
    }

    /// Its request is not sent again, for its body is gone: what is left of it has none.
    pub(in crate::sip) fn is_not_repeated(&mut self, now: Timestamp) {
        let head = String::from_utf8_lossy(&self.client.request).into_owned();
        let lines = head.split("\r\n").filter(|line| !line.starts_with("Content-"));
        self.client.request = lines.collect::<Vec<_>>().join("\r\n").into();
        if let ClientMachine::Invite(invite) = &mut self.client.machine {
            invite.is_not_repeated(now);
        }
    }
}

/// What a client transaction begins with.
pub(in crate::sip) struct NewClient {
    pub(in crate::sip) hop: Hop,
    pub(in crate::sip) owner: Owner,
    pub(in crate::sip) request: Bytes,
    pub(in crate::sip) invite: bool,
    pub(in crate::sip) account: Option<Account>,
}

/// What a server transaction begins with.
pub(in crate::sip) struct NewServer {
    pub(in crate::sip) key: Key,
    pub(in crate::sip) merge_key: Option<Key>,
    pub(in crate::sip) hop: Hop,
    pub(in crate::sip) invite: bool,
}

/// All transactions. Server transactions are bounded: at the limit a new request gets no transaction and is
/// refused statelessly. Client transactions follow from sessions and trunks, which are bounded themselves.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(in crate::sip) struct Transactions {
    limit: usize,
    next: u64,
    #[serde(with = "pairs")]
    servers: BTreeMap<TransactionId, Server>,
    server_keys: HashMap<Key, TransactionId>, // looked up only
    merge_keys: HashMap<Key, TransactionId>,  // looked up only
    #[serde(with = "pairs")]
    clients: BTreeMap<TransactionId, Client>,
    timers: Timers<TransactionId>,
    /// What server transactions keep of responses, in all.
    #[serde(default)]
    octets: usize,
    /// Messages sent again so far.
    pub(in crate::sip) repeated: u64,
}

impl Transactions {
    /// None yet; at most `limit` server transactions at a time.
    pub(in crate::sip) fn new(limit: usize) -> Transactions {
        Transactions {
            limit,
            next: 0,
            servers: BTreeMap::new(),
            server_keys: HashMap::new(), // looked up only
            merge_keys: HashMap::new(),  // looked up only
            clients: BTreeMap::new(),
            timers: Timers::default(),
            octets: 0,
            repeated: 0,
        }
    }

    /// How many there are.
    pub(in crate::sip) fn len(&self) -> usize {
        self.servers.len() + self.clients.len()
    }

    /// How many more requests can be answered: none while responses of [`MOST_OCTETS`] are kept.
    pub(in crate::sip) fn room(&self) -> usize {
        if self.octets < MOST_OCTETS { self.limit.saturating_sub(self.servers.len()) } else { 0 }
    }

    /// When [`Transactions::tick`] is next due.
    pub(in crate::sip) fn deadline(&self) -> Option<Timestamp> {
        self.timers.next()
    }

    /// The server transaction a request belongs to.
    pub(in crate::sip) fn find_server(&self, key: &Key) -> Option<TransactionId> {
        self.server_keys.get(key).copied()
    }

    /// Whether an INVITE of the same Call-ID, CSeq and From tag is being answered, or was lately.
    pub(in crate::sip) fn is_merged(&self, merge_key: &Key) -> bool {
        self.merge_keys.contains_key(merge_key)
    }

    /// Begins a server transaction; `None` when there are too many.
    pub(in crate::sip) fn begin_server(&mut self, new: NewServer) -> Option<TransactionId> {
        if self.servers.len() >= self.limit {
            return None;
        }
        let id = self.draw_id();
        let reliable = new.hop.transport.is_reliable();
        let machine = match new.invite {
            true => ServerMachine::Invite(ServerInvite::new(reliable)),
            false => ServerMachine::Other(ServerOther::new(reliable)),
        };
        let NewServer { key, merge_key, hop, .. } = new;
        self.server_keys.insert(key, id);
        self.merge_keys.extend(merge_key.map(|key| (key, id)));
        let server = Server { key, merge_key, hop, session: None, machine, timer: None, octets: 0 };
        self.servers.insert(id, server);
        Some(id)
    }

    /// Says which session a server transaction belongs to.
    pub(in crate::sip) fn set_session(&mut self, id: TransactionId, session: SessionId) {
        if let Some(server) = self.servers.get_mut(&id) {
            server.session = Some(session);
        }
    }

    /// The session of an INVITE, and whether it still waits for its final response.
    pub(in crate::sip) fn invite_session(&self, id: TransactionId) -> Option<(Option<SessionId>, bool)> {
        let server = self.servers.get(&id)?;
        match &server.machine {
            ServerMachine::Invite(invite) => Some((server.session, invite.is_proceeding())),
            ServerMachine::Other(_) => None,
        }
    }

    /// Where a server transaction's responses go.
    pub(in crate::sip) fn server_hop(&self, id: TransactionId) -> Option<Hop> {
        self.servers.get(&id).map(|server| server.hop)
    }

    /// Sends a response. False when the transaction is gone or has had its final one.
    pub(in crate::sip) fn respond(
        &mut self,
        now: Timestamp,
        id: TransactionId,
        status: u16,
        response: Bytes,
        out: &mut Vec<Output>,
    ) -> bool {
        let Some(server) = self.servers.get_mut(&id) else {
            return false;
        };
        let sent = match &mut server.machine {
            ServerMachine::Invite(invite) => invite.respond(now, status, &response),
            ServerMachine::Other(other) => other.respond(now, status, &response),
        };
        if sent {
            out.push(Output::Send { hop: server.hop, bytes: response });
            self.reschedule_server(id);
        }
        sent
    }

    /// Has `trying`, the 100 of an INVITE, sent at `at`, unless it has another response by then.
    ///
    /// [RFC 3261 §17.2.1](https://www.rfc-editor.org/rfc/rfc3261#section-17.2.1): none is needed when an answer
    /// follows within 200 ms. Most calls are answered at once, and so are spared a message.
    pub(in crate::sip) fn try_by(&mut self, id: TransactionId, at: Timestamp, trying: Bytes) {
        if let Some(Server { machine: ServerMachine::Invite(invite), .. }) = self.servers.get_mut(&id) {
            invite.try_by(at, trying);
            self.reschedule_server(id);
        }
    }

    /// A request came again.
    pub(in crate::sip) fn repeat(&mut self, id: TransactionId, out: &mut Vec<Output>) {
        let Some(server) = self.servers.get(&id) else {
            return;
        };
        let last = match &server.machine {
            ServerMachine::Invite(invite) => invite.repeated(),
            ServerMachine::Other(other) => other.repeated(),
        };
        if let Some(bytes) = last {
            self.repeated += 1;
            out.push(Output::Send { hop: server.hop, bytes: bytes.clone() });
        }
    }

    /// An ACK matched an INVITE. True when it is its session's, because that sent a 2xx.
    pub(in crate::sip) fn acked(&mut self, now: Timestamp, id: TransactionId) -> bool {
        let Some(Server { machine: ServerMachine::Invite(invite), .. }) = self.servers.get_mut(&id) else {
            return false;
        };
        let passed = invite.acked(now);
        self.reschedule_server(id);
        passed
    }

    /// Draws the id and the branch of a request that is about to be written.
    pub(in crate::sip) fn draw_branch(&mut self, entropy: &mut Entropy) -> (TransactionId, Branch) {
        let id = self.draw_id();
        (id, Branch { id: id.0, token: entropy.u32() })
    }

    /// Sends a request and begins its client transaction.
    pub(in crate::sip) fn begin_client(
        &mut self,
        now: Timestamp,
        (id, branch): (TransactionId, Branch),
        new: NewClient,
        out: &mut Vec<Output>,
    ) {
        let reliable = new.hop.transport.is_reliable();
        let machine = match new.invite {
            true => ClientMachine::Invite(ClientInvite::new(now, reliable)),
            false => ClientMachine::Other(ClientOther::new(now, reliable)),
        };
        out.push(Output::Send { hop: new.hop, bytes: new.request.clone() });
        let client = Client {
            token: branch.token,
            hop: new.hop,
            owner: new.owner,
            request: new.request,
            account: new.account,
            machine,
            timer: None,
        };
        self.clients.insert(id, client);
        self.reschedule_client(id);
    }

    /// Sends the CANCEL of an INVITE, which shares its branch.
    pub(in crate::sip) fn begin_cancel(
        &mut self,
        now: Timestamp,
        id: TransactionId,
        request: Bytes,
        out: &mut Vec<Output>,
    ) {
        let Some(invite) = self.clients.get(&id) else {
            return;
        };
        let (hop, owner) = (invite.hop, invite.owner);
        let new = NewClient { hop, owner, request, invite: false, account: None };
        let branch = Branch { id: id.0, token: invite.token };
        self.begin_client(now, (TransactionId(id.0 + 1), branch), new, out);
    }

    /// The client transaction that a response with this top branch and CSeq method belongs to.
    pub(in crate::sip) fn find_client(&self, branch: &str, cancel: bool) -> Option<TransactionId> {
        let branch = Branch::parse(branch)?;
        let id = TransactionId(branch.id.checked_add(u64::from(cancel))?);
        self.clients.get(&id).filter(|client| client.token == branch.token).map(|_| id)
    }

    /// A client transaction.
    pub(in crate::sip) fn client(&self, id: TransactionId) -> Option<&Client> {
        self.clients.get(&id)
    }

    /// A client transaction as it stands, to be written down.
    pub(in crate::sip) fn carried(&self, id: TransactionId) -> Option<CarriedClient> {
        let client = Client { timer: None, ..self.clients.get(&id)?.clone() };
        Some(CarriedClient { id, client })
    }

    /// Goes on with a client transaction of an earlier process, before any other begins.
    pub(in crate::sip) fn carry_on(&mut self, carried: CarriedClient) {
        let CarriedClient { id, client } = carried;
        self.next = self.next.max(id.0);
        self.clients.insert(id, client);
        self.reschedule_client(id);
    }

    /// A server transaction as it stands, to be written down.
    pub(in crate::sip) fn carried_server(&self, id: TransactionId) -> Option<CarriedServer> {
        let server = Server { timer: None, octets: 0, ..self.servers.get(&id)?.clone() };
        Some(CarriedServer { id, server })
    }

    /// Goes on with a server transaction of an earlier process, before any other begins.
    pub(in crate::sip) fn carry_on_server(&mut self, carried: CarriedServer) {
        let CarriedServer { id, server } = carried;
        self.next = self.next.max(id.0);
        self.server_keys.insert(server.key, id);
        self.merge_keys.extend(server.merge_key.map(|key| (key, id)));
        self.servers.insert(id, server);
        self.reschedule_server(id);
    }

    /// Tells a client transaction of a response.
    pub(in crate::sip) fn received(
        &mut self,
        now: Timestamp,
        id: TransactionId,
        status: u16,
        to_tag: &str,
    ) -> Seen {
        let Some(client) = self.clients.get_mut(&id) else {
            return Seen::Repeated(None);
        };
        let seen = match &mut client.machine {
            ClientMachine::Invite(invite) => invite.received(now, status, to_tag),
            ClientMachine::Other(other) => other.received(now, status),
        };
        self.reschedule_client(id);
        seen
    }

    /// Sends the ACK of a final response above 299, which is the transaction's own.
    pub(in crate::sip) fn complete(
        &mut self,
        now: Timestamp,
        id: TransactionId,
        ack: Bytes,
        out: &mut Vec<Output>,
    ) {
        if let Some(Client { machine: ClientMachine::Invite(invite), hop, request, .. }) =
            self.clients.get_mut(&id)
        {
            out.push(Output::Send { hop: *hop, bytes: ack.clone() });
            invite.complete(now, ack);
            *request = Bytes::new();
            self.reschedule_client(id);
        }
    }

    /// Sends the ACK of a 2xx, and remembers it for when that comes again.
    pub(in crate::sip) fn accept(
        &mut self,
        id: TransactionId,
        to_tag: &str,
        hop: Hop,
        ack: Bytes,
        out: &mut Vec<Output>,
    ) {
        if let Some(Client { machine: ClientMachine::Invite(invite), request, .. }) =
            self.clients.get_mut(&id)
        {
            invite.accept(to_tag, hop, ack.clone());
            *request = Bytes::new();
        }
        out.push(Output::Send { hop, bytes: ack });
    }

    /// An INVITE whose session is gone: it is answered for a while yet, but not waited for.
    pub(in crate::sip) fn give_up(&mut self, now: Timestamp, id: TransactionId) {
        if let Some(client) = self.clients.get_mut(&id) {
            client.owner = Owner::Nobody;
            if let ClientMachine::Invite(invite) = &mut client.machine {
                invite.give_up(now);
            }
            self.reschedule_client(id);
        }
    }

    /// The peer is to say something by then, for somebody else can be asked; sooner than timer B or F would have it.
    pub(in crate::sip) fn answer_by(&mut self, id: TransactionId, by: Timestamp) {
        if let Some(client) = self.clients.get_mut(&id) {
            match &mut client.machine {
                ClientMachine::Invite(invite) => invite.answer_by(by),
                ClientMachine::Other(other) => other.answer_by(by),
            }
            self.reschedule_client(id);
        }
    }

    /// Forgets a client transaction.
    fn abandon(&mut self, id: TransactionId) {
        if let Some(mut client) = self.clients.remove(&id) {
            self.timers.change(id, &mut client.timer, None);
        }
    }

    /// The client transactions over `hop` that wait for an answer that cannot come any more. They are forgotten.
    ///
    /// Over UDP a phone that rings has been there, and may be again: an INVITE that was answered provisionally goes on by its own
    /// timers, so that it can be cancelled.
    pub(in crate::sip) fn hop_failed(&mut self, hop: Hop) -> Vec<Silence> {
        let dead: Vec<Silence> = self
            .clients
            .iter()
            .filter(|(_, client)| {
                client.hop.remote == hop.remote
                    && client.hop.transport == hop.transport
                    && client.is_pending()
                    && (hop.transport.is_reliable() || client.is_unheard())
            })
            .map(|(id, client)| Silence { id: *id, owner: client.owner })
            .collect();
        for silence in &dead {
            self.abandon(silence.id);
        }
        dead
    }

    /// Does what is due first at `now`; the caller asks until there is nothing.
    pub(in crate::sip) fn tick(&mut self, now: Timestamp, out: &mut Vec<Output>) -> Option<Ticked> {
        let id = self.timers.due(now)?;
        let (hop, owner, due) = if let Some(server) = self.servers.get_mut(&id) {
            let due = match &mut server.machine {
                ServerMachine::Invite(invite) => invite.tick(now),
                ServerMachine::Other(other) => other.tick(now),
            };
            (server.hop, Owner::Nobody, due)
        } else if let Some(client) = self.clients.get_mut(&id) {
            let due = match &mut client.machine {
                ClientMachine::Invite(invite) => invite.tick(now, &client.request),
                ClientMachine::Other(other) => other.tick(now, &client.request),
            };
            (client.hop, client.owner, due)
        } else {
            // A holder takes its entry with it, so there is none without a holder; were there one, it would
            // come up for ever.
            self.timers.change(id, &mut self.timers.next(), None);
            return Some(Ticked::Done);
        };
        match due {
            Due::Nothing => self.reschedule(id),
            Due::Send(bytes) => {
                self.repeated += 1;
                out.push(Output::Send { hop, bytes });
                self.reschedule(id);
            }
            Due::SendFirst(bytes) => {
                out.push(Output::Send { hop, bytes });
                self.reschedule(id);
            }
            Due::Gone => self.remove(id),
            Due::TimedOut => {
                self.remove(id);
                return Some(Ticked::TimedOut(Silence { id, owner }));
            }
        }
        Some(Ticked::Done)
    }

    fn draw_id(&mut self) -> TransactionId {
        // Two apart: an INVITE's CANCEL has its branch, and takes the number after it.
        self.next += 2;
        TransactionId(self.next)
    }

    fn reschedule(&mut self, id: TransactionId) {
        self.reschedule_server(id);
        self.reschedule_client(id);
    }

    fn reschedule_server(&mut self, id: TransactionId) {
        if let Some(server) = self.servers.get_mut(&id) {
            let (deadline, octets) = match &server.machine {
                ServerMachine::Invite(invite) => (invite.deadline(), invite.octets()),
                ServerMachine::Other(other) => (other.deadline(), other.octets()),
            };
            self.timers.change(id, &mut server.timer, deadline);
            self.octets = self.octets + octets - std::mem::replace(&mut server.octets, octets);
        }
    }

    fn reschedule_client(&mut self, id: TransactionId) {
        if let Some(client) = self.clients.get_mut(&id) {
            let deadline = match &client.machine {
                ClientMachine::Invite(invite) => invite.deadline(),
                ClientMachine::Other(other) => other.deadline(),
            };
            self.timers.change(id, &mut client.timer, deadline);
        }
    }

    fn remove(&mut self, id: TransactionId) {
        if let Some(mut server) = self.servers.remove(&id) {
            self.timers.change(id, &mut server.timer, None);
            self.octets -= server.octets;
            self.server_keys.remove(&server.key);
            if let Some(merge_key) = &server.merge_key {
                self.merge_keys.remove(merge_key);
            }
        }
        self.abandon(id);
    }
}

impl Client {
    /// Whether a final response is still awaited.
    pub(in crate::sip) fn is_pending(&self) -> bool {
        match &self.machine {
            ClientMachine::Invite(invite) => invite.is_pending(),
            ClientMachine::Other(other) => other.is_pending(),
        }
    }

    /// Whether nobody is known to ring for it.
    fn is_unheard(&self) -> bool {
        match &self.machine {
            ClientMachine::Invite(invite) => invite.is_unheard(),
            ClientMachine::Other(_) => true,
        }
    }
}

/// What came of one step of [`Transactions::tick`].
pub(in crate::sip) enum Ticked {
    Done,
    TimedOut(Silence),
}

/// A branch of ours: it names the transaction, and proves by its random part that the response answers us.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::sip) struct Branch {
    id: u64,
    token: u32,
}

impl Branch {
    fn parse(text: &str) -> Option<Branch> {
        let (token, id) = text.strip_prefix(MAGIC_COOKIE)?.split_once('.')?;
        Some(Branch { id: u64::from_str_radix(id, 16).ok()?, token: u32::from_str_radix(token, 16).ok()? })
    }
}

impl std::fmt::Display for Branch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{MAGIC_COOKIE}{:08x}.{:x}", self.token, self.id)
    }
}
