//! Sessions and contacts that outlive the process: what of them is written down, and how another endpoint goes on with it.

use std::fmt;

use bytes::Bytes;
use serde::Deserialize;
use serde::Serialize;

use super::Endpoint;
use crate::base::Name;
use crate::base::Timestamp;
use crate::sip::api::SessionId;
use crate::sip::registrar::Binding;
use crate::sip::session::Session;
use crate::sip::session::has_keys;
use crate::sip::transaction::CarriedClient;
use crate::sip::transaction::CarriedServer;

/// By how much our numbering of requests goes on higher than it was known to be: above any that was sent and not written
/// down ([RFC 3261 §12.2.1.1](https://www.rfc-editor.org/rfc/rfc3261#section-12.2.1.1) wants it to rise, not to have no gaps).
const CSEQ_GAP: u32 = 1_000;

/// A session as it is written down, with the request of ours that it waits on, or the INVITE that waits for us.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CarriedSession {
    session: Session,
    asking: Option<CarriedClient>,
    #[serde(default)]
    asked: Option<CarriedServer>,
    /// What the two last agreed on, where keys stand in it: not written down with the rest.
    #[serde(skip)]
    secret: Option<Descriptions>,
}

/// What the two sides of a session last agreed on.
#[derive(Clone, PartialEq, Eq)]
pub struct Descriptions {
    pub local: Bytes,
    pub remote: Bytes,
}

impl fmt::Debug for Descriptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Descriptions(…)")
    }
}

impl CarriedSession {
    /// Which session it is.
    pub fn id(&self) -> SessionId {
        self.session.id
    }

    /// Whether its peer is a phone in a browser.
    pub fn is_in_browser(&self) -> bool {
        self.session.dialog.web_hop().is_some()
    }

    /// Whether its peer is reached by a connection, which ended with the earlier process: a phone listens seldom where it connects
    /// from, so nothing can be said to it before it has connected again.
    pub fn is_by_connection(&self) -> bool {
        self.session.dialog.is_by_connection()
    }

    /// Whether it is up, and what the two agreed on was not written down: an offer is to be made anew.
    pub fn lacks_descriptions(&self) -> bool {
        self.session.lacks_descriptions() && self.secret.is_none()
    }

    /// Whether its peer is a phone that calls, and is not answered yet.
    pub fn waits_for_answer(&self) -> bool {
        self.session.waits_for_answer()
    }

    /// Whether nobody has answered yet, and the offer was not written down: it can be ended, and not be answered.
    pub fn lacks_offer(&self) -> bool {
        self.session.lacks_offer() && self.secret.is_none()
    }

    /// What its peer offers, that calls and is not answered yet; none where it wants our offer.
    pub fn offer(&self) -> Option<Bytes> {
        let kept = self.secret.as_ref().map(|secret| secret.remote.clone());
        kept.or_else(|| Some(self.session.descriptions().remote)).filter(|offer| !offer.is_empty())
    }

    /// What the two agreed on, or what was offered until there is an answer, that is not written down with the rest.
    pub fn secret(&self) -> Option<&Descriptions> {
        self.secret.as_ref()
    }

    /// This was not written down, and was kept elsewhere.
    pub fn had_secret(&mut self, descriptions: Descriptions) {
        self.secret = Some(descriptions);
    }
}

impl Endpoint {
    /// Whether the peer of a session calls by datagrams, and hears it ring.
    pub fn hears_it_ring(&self, id: SessionId) -> bool {
        self.sessions.get(&id).is_some_and(Session::hears_it_ring)
    }

    /// A session as it stands, to be written down; none when another process could not go on with it: it is ended, or is an
    /// incoming one over a connection that nobody has answered yet. Keys of SRTP are not written down, nor is a description that has
    /// them.
    pub fn carried(&self, id: SessionId) -> Option<CarriedSession> {
        let whole = self.sessions.get(&id)?;
        let session = whole.carried()?;
        // With an offer that is not written down and not answered yet, the two have to agree anew.
        let settled = session.lacks_descriptions() && whole.asking() == session.asking();
        let secret = (settled || session.lacks_offer()).then(|| whole.descriptions());
        let mut asking = session.asking().and_then(|id| self.core.transactions.carried(id));
        if session.lacks_offer() {
            asking.iter_mut().for_each(CarriedClient::leave_body);
        }
        let asked = match session.asked() {
            Some(id) => Some(self.core.transactions.carried_server(id).filter(|it| !has_keys(it.last()))?),
            None => None,
        };
        Some(CarriedSession { session, asking, asked, secret })
    }

    /// Goes on with a session of an earlier process, before anything else is told. One that rings in a browser, or whose offer is
    /// gone, is then to be ended.
    pub fn carry_on(&mut self, now: Timestamp, carried: CarriedSession) {
        let CarriedSession { mut session, mut asking, asked, secret } = carried;
        asked.into_iter().for_each(|asked| self.core.transactions.carry_on_server(asked));
        let id = session.id;
        if let Some(secret) = secret {
            asking.iter_mut().filter(|_| session.lacks_offer()).for_each(|it| it.had_body(&secret.local));
            session.had_agreed_on(secret);
        }
        if session.lacks_offer() {
            session.is_without_offer();
            asking.iter_mut().for_each(|asking| asking.is_not_repeated(now));
        }
        if id.0 < 1 << 63 {
            self.last_session = self.last_session.max(id.0);
        }
        session.dialog.local_cseq = session.dialog.local_cseq.saturating_add(CSEQ_GAP);
        if session.needs_its_connection() {
            session.part_from_before(now);
        } else if let Some(asking) = asking {
            self.core.transactions.carry_on(asking);
        }
        let deadline = session.deadline();
        self.timers.change(id, &mut session.entry, deadline);
        self.sessions.insert(id, session);
    }

    /// Notes from now on which sessions change, for [`Endpoint::take_changed`], which has to be asked then.
    pub fn watch_changes(&mut self) {
        self.changed.get_or_insert_default();
    }

    pub(super) fn note_change(&mut self, id: SessionId) {
        if let Some(changed) = &mut self.changed {
            changed.push(id);
        }
    }

    /// The sessions that may have changed since this was asked last, each once, in order.
    pub fn take_changed(&mut self) -> Vec<SessionId> {
        let mut changed = self.changed.as_mut().map(std::mem::take).unwrap_or_default();
        changed.sort_unstable();
        changed.dedup();
        changed
    }

    /// The users whose contacts may have changed since this was asked last, each once.
    pub fn take_moved(&mut self) -> Vec<Name> {
        self.registrar.take_moved()
    }

    /// Everybody who can be reached somewhere.
    pub fn users(&self) -> impl Iterator<Item = &Name> {
        self.registrar.users()
    }

    /// Goes on with a user's contacts of an earlier process, but for those whose password was changed meanwhile. What has run out is told
    /// as always.
    pub fn carry_on_contacts(&mut self, user: &Name, contacts: Vec<Binding>) {
        self.registrar.carry_on(user, self.core.config.users.get(user), contacts);
    }
}
