//! The SIP endpoint: told what arrived and what time it is, it answers with what to send and what happened.
//!
//! This file only finds whose business something is. What a message must be is checked in `receive`, how one is
//! refused stands in `refuse`, and who may register or call in `auth`.

mod arrival;
mod auth;
mod carried;
mod config;
mod counters;
mod cx;
mod draft;
mod receive;
mod refuse;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use serde::Deserialize;
use serde::Serialize;

pub(in crate::sip) use self::arrival::ALLOW;
pub(in crate::sip) use self::arrival::Arrival;
pub(in crate::sip) use self::arrival::SUPPORTED;
pub use self::carried::CarriedSession;
pub use self::carried::Descriptions;
pub use self::config::EndpointConfig;
pub use self::config::TrunkConfig;
pub use self::config::TrunkRegistration;
pub use self::counters::Counters;
use self::cx::Aside;
use self::cx::Core;
pub(in crate::sip) use self::cx::Cx;
pub(in crate::sip) use self::cx::Reply;
pub(in crate::sip) use self::cx::own_request;
pub(in crate::sip) use self::draft::Draft;
use self::receive::Welcome;
use super::api::Command;
use super::api::Event;
use super::api::Hop;
use super::api::Input;
use super::api::Output;
use super::api::SessionId;
use super::digest::Authenticator;
use super::registrar::Binding;
use super::registrar::Registrar;
use super::session::Session;
use super::transaction::Owner;
use super::transaction::Silence;
use super::transaction::Ticked;
use super::transaction::Timers;
use super::transaction::Transactions;
use super::transaction::pairs;
use super::trunk::Trunk;
use super::trunk::TrunkState;
use crate::base::Entropy;
use crate::base::Name;
use crate::base::Timestamp;
use crate::sip::digest::Ha1;

/// The SIP side of the server: all transactions, sessions, registrations and trunks.
///
/// Every table is bounded: sessions and server transactions by the configuration (503 beyond), contacts by user,
/// client transactions by what sessions and trunks may ask at a time.
///
/// It is plain data. Written down and read back, then given its configuration again with
/// [`Endpoint::configure`], it goes on as if nothing had been. Passwords are not written down: those of trunks stand in the
/// configuration, and sessions name the trunk.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Endpoint {
    core: Core,
    #[serde(with = "pairs")]
    sessions: BTreeMap<SessionId, Session>,
    timers: Timers<SessionId>,
    registrar: Registrar,
    /// As in the configuration, in its order.
    trunks: Vec<Trunk>,
    last_session: u64,
    /// From when on a phone is told again that it talks with nobody.
    #[serde(default)]
    next_stray: Timestamp,
    /// Sessions that may have changed since [`Endpoint::take_changed`] was asked last, where somebody asks.
    #[serde(default)]
    changed: Option<Vec<SessionId>>,
}

impl Endpoint {
    /// With nothing going on. Trunks register as soon as it is told the time.
    pub fn new(config: EndpointConfig, mut entropy: Entropy) -> Endpoint {
        let authenticator = Authenticator::new(config.realm.clone(), &mut entropy);
        let transactions = Transactions::new(config.max_transactions);
        let core = Core {
            config: Aside::default(),
            entropy,
            authenticator,
            tries: Aside::default(),
            transactions,
            counters: Counters::default(),
        };
        let mut endpoint = Endpoint {
            core,
            sessions: BTreeMap::new(),
            timers: Timers::default(),
            registrar: Registrar::default(),
            trunks: Vec::new(),
            last_session: 0,
            next_stray: Timestamp::ZERO,
            changed: None,
        };
        endpoint.configure(config);
        endpoint
    }

    /// Gives it a configuration: after it was read back, or because users or trunks changed. The realm and the
    /// limit of transactions stay as they were.
    pub fn configure(&mut self, config: EndpointConfig) {
        let mut known = std::mem::take(&mut self.trunks);
        for trunk in &config.trunks {
            let at = known.iter().position(|known| known.name == trunk.name);
            self.trunks.push(match at {
                Some(at) => known.swap_remove(at).wanted_again(),
                None => Trunk::new(trunk.name.clone(), &mut self.core.entropy),
            });
        }
        self.core.config = Aside(config);
    }

    /// Local users are these from now on. Who is registered and still is one by the same password stays so; all others are reached no
    /// more until they register anew, and the calls that they have go on.
    pub fn know_users(&mut self, now: Timestamp, users: BTreeMap<Name, Ha1>, out: &mut Vec<Output>) {
        let before = std::mem::replace(&mut self.core.config.0.users, users);
        let users = &self.core.config.users;
        let stays = |user: &&Name| users.get(*user).is_some_and(|ha1| before.get(*user) == Some(ha1));
        let gone: Vec<Name> = self.registrar.users().filter(|user| !stays(user)).cloned().collect();
        let mut cx = Cx { now, core: &mut self.core, out };
        gone.iter().for_each(|user| self.registrar.forget(&mut cx, user));
    }

    /// Trunks are these from now on, each known by its name. Who is none any more sends us calls as a stranger, and is not registered at
    /// again; calls that are up go on.
    pub fn know_trunks(&mut self, now: Timestamp, mut trunks: Vec<TrunkConfig>, out: &mut Vec<Output>) {
        // Each keeps its place, by which it is answered.
        let before = std::mem::take(&mut self.core.config.0.trunks);
        let known = &mut self.core.config.0.trunks;
        for (trunk, before) in self.trunks.iter_mut().zip(&before) {
            let at = trunks.iter().position(|one| one.name == trunk.name);
            let config = at.map(|at| trunks.remove(at)).unwrap_or_else(|| TrunkConfig::gone(&trunk.name));
            trunk.heed(now, before.way_in(), config.way_in());
            known.push(config);
        }
        for config in trunks {
            self.trunks.push(Trunk::new(config.name.clone(), &mut self.core.entropy));
            known.push(config);
        }
        self.tick(now, out);
    }

    /// Applies `input` at `now` and appends what must be done, in order, to `out`.
    pub fn handle(&mut self, now: Timestamp, input: Input, out: &mut Vec<Output>) {
        match input {
            Input::Received { hop, bytes } => self.received(now, hop, bytes, Welcome::Yes, out),
            Input::Unwanted { hop, bytes } => self.received(now, hop, bytes, Welcome::No, out),
            Input::HopFailed { hop } => self.hop_failed(now, hop, out),
            Input::Tick => {}
            Input::Command(command) => self.command(now, command, out),
        }
        self.tick(now, out);
        self.core.counters.retransmissions = self.core.transactions.repeated;
    }

    /// When [`Input::Tick`] is next due.
    pub fn deadline(&self) -> Option<Timestamp> {
        let trunks = self.trunks.iter().filter_map(Trunk::deadline).min();
        [self.core.transactions.deadline(), self.timers.next(), self.registrar.deadline(), trunks]
            .into_iter()
            .flatten()
            .min()
    }

    /// Where a local user can be reached now, the preferred first: INVITE `uri` over `hop`.
    pub fn contacts(&self, user: &str) -> Vec<Binding> {
        self.registrar.contacts(user)
    }

    /// What passed through so far.
    pub fn counters(&self) -> &Counters {
        &self.core.counters
    }

    /// How our registration is at each trunk at which we should be registered, in the order of the configuration.
    pub fn trunk_states(&self) -> impl Iterator<Item = TrunkState> {
        self.core.config.trunks.iter().zip(&self.trunks).filter_map(|(config, trunk)| {
            let wanted = config.registration.as_ref()?;
            Some(trunk.state(wanted.as_ref().err()))
        })
    }

    /// How many sessions there are.
    pub fn session_count(&self) -> usize {
        self.sessions.len()
    }

    /// How many transactions there are, those that only absorb repetitions among them.
    pub fn transaction_count(&self) -> usize {
        self.core.transactions.len()
    }

    fn command(&mut self, now: Timestamp, command: Command, out: &mut Vec<Output>) {
        match command {
            Command::Invite(invite) => self.invite(now, *invite, out),
            Command::Progress { session, status, sdp } => {
                self.with_session(now, session, out, |session, cx| session.progress(cx, status, sdp));
            }
            Command::Answer { session, sdp } => {
                self.with_session(now, session, out, |session, cx| session.answer(cx, sdp));
            }
            Command::Refuse { session, status, retry_after_s } => {
                self.with_session(now, session, out, |session, cx| session.refuse(cx, status, retry_after_s));
            }
            Command::End { session, reason } => {
                self.with_session(now, session, out, |session, cx| session.end(cx, reason));
            }
            Command::Offer { session, sdp } => {
                self.with_session(now, session, out, |session, _| session.offer(sdp));
            }
            Command::AnswerOffer { session, sdp } => {
                self.with_session(now, session, out, |session, cx| session.answer_offer(cx, sdp));
            }
            Command::RefuseOffer { session, status } => {
                self.with_session(now, session, out, |session, cx| session.refuse_offer(cx, status));
            }
            Command::AnswerRefer { session, refused } => {
                let refused = refused.as_ref().map(|(status, why)| (*status, why.as_str()));
                self.with_session(now, session, out, |session, cx| session.answer_refer(cx, refused));
            }
            Command::Info { session, content_type, body } => {
                self.with_session(now, session, out, |session, cx| session.info(cx, content_type, &body));
            }
            Command::Options { session } => {
                self.with_session(now, session, out, Session::is_there);
            }
        }
    }

    /// Calls somebody. The limit of sessions does not hold here: the server that asks for one more call to an
    /// agent has a caller who waits for it.
    fn invite(&mut self, now: Timestamp, invite: super::api::Invite, out: &mut Vec<Output>) {
        let id = invite.session;
        if self.sessions.contains_key(&id) {
            return;
        }
        let mut cx = Cx { now, core: &mut self.core, out };
        let hop = Some(invite.hop).filter(|hop| hop.transport.is_reliable());
        let user = hop.and_then(|hop| self.registrar.whose(&invite.uri, hop));
        let mut session = Session::invite(&mut cx, invite);
        session.user = user;
        self.sessions.insert(id, session);
        self.note_change(id);
    }

    /// Lets `act` change a session, and does what follows from it.
    fn with_session<T>(
        &mut self,
        now: Timestamp,
        id: SessionId,
        out: &mut Vec<Output>,
        act: impl FnOnce(&mut Session, &mut Cx<'_>) -> T,
    ) -> Option<T> {
        self.note_change(id);
        let session = self.sessions.get_mut(&id)?;
        let mut cx = Cx { now, core: &mut self.core, out };
        let done = act(session, &mut cx);
        if !session.is_over() {
            session.settle(&mut cx);
        }
        if session.is_over() {
            self.timers.change(id, &mut session.entry, None);
            session.refuse_refer(&mut cx);
            if let Some(invite) = session.pending_invite() {
                self.core.transactions.give_up(now, invite);
            }
            self.sessions.remove(&id);
        } else {
            let deadline = session.deadline();
            self.timers.change(id, &mut session.entry, deadline);
        }
        Some(done)
    }

    /// Does everything that is due at `now`.
    fn tick(&mut self, now: Timestamp, out: &mut Vec<Output>) {
        while let Some(ticked) = self.core.transactions.tick(now, out) {
            if let Ticked::TimedOut(silence) = ticked {
                self.unanswered(now, silence, 408, out);
            }
        }
        while let Some(id) = self.timers.due(now) {
            self.with_session(now, id, out, Session::tick);
        }
        let mut cx = Cx { now, core: &mut self.core, out };
        self.registrar.tick(&mut cx);
        for (place, trunk) in self.trunks.iter_mut().enumerate() {
            trunk.tick(&mut cx, place);
        }
    }

    fn hop_failed(&mut self, now: Timestamp, hop: Hop, out: &mut Vec<Output>) {
        // Others are reached anew where they are, or nobody knows where: sessions, which may be many, are not looked at for them.
        if hop.transport.is_web() || self.registrar.is_at(hop) {
            let over = self.sessions.values().filter(|session| session.is_by(hop));
            let over: Vec<SessionId> = over.map(|session| session.id).collect();
            for id in over {
                self.with_session(now, id, out, |session, _| session.part());
            }
        }
        for silence in self.core.transactions.hop_failed(hop) {
            self.unanswered(now, silence, 503, out);
        }
        if hop.transport.is_web() {
            self.registrar.disconnected(&mut Cx { now, core: &mut self.core, out }, hop);
        }
    }

    fn unanswered(&mut self, now: Timestamp, silence: Silence, status: u16, out: &mut Vec<Output>) {
        match silence.owner {
            Owner::Session(id) => {
                self.with_session(now, id, out, |session, cx| session.unanswered(cx, silence, status));
            }
            Owner::Trunk(place) => {
                if let Some(trunk) = self.trunks.get_mut(place) {
                    trunk.unanswered(&mut Cx { now, core: &mut self.core, out }, place, status);
                }
            }
            Owner::Nobody => {}
        }
    }
}
