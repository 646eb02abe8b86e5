//! The registrar, RFC 3261 §10: where the local users can be reached now.
//!
//! Who registers has proved by digest who it is before it comes here.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::time::Duration;

use serde::Deserialize;
use serde::Serialize;

use crate::base::Name;
use crate::base::Timestamp;
use crate::sip::api::Event;
use crate::sip::api::Hop;
use crate::sip::digest::Ha1;
use crate::sip::endpoint::Arrival;
use crate::sip::endpoint::Cx;
use crate::sip::message::Contacts;
use crate::sip::message::HeaderName;
use crate::sip::message::Method;
use crate::sip::transaction::TransactionId;
use crate::sip::uri::NameAddr;
use crate::sip::uri::Uri;

/// The shortest expiry that we take, in seconds: shorter ones are refused with 423. Behind address
/// translation 30 s is what keeps a UDP binding open.
pub const MIN_EXPIRES_S: u32 = 30;

/// The longest expiry that we grant, and the one of a contact that names none, in seconds.
pub const MAX_EXPIRES_S: u32 = 3_600;

/// Where a user can be reached.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Binding {
    /// The Contact: the Request-URI of a call to it.
    pub uri: Uri,
    /// Where the sender of the REGISTER listens, and so where the call goes: through a translation of addresses too.
    pub hop: Hop,
    /// Preference in thousandths, 1 000 the best.
    pub q: u16,
    /// When it runs out.
    pub expires_at: Timestamp,
    call_id: String,
    cseq: u32,
    /// The mark of the password by which it was proven ([`Ha1::mark`]); none where the process that had it did not say.
    #[serde(default)]
    proven_by: Option<u64>,
}

/// All bindings. As many users as are configured, each with at most `max_contacts`; when one registers more,
/// the one that would run out first is dropped, because it is most likely the same phone's old address.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(in crate::sip) struct Registrar {
    users: BTreeMap<Name, Vec<Binding>>,
    /// The first expiry of each user.
    expiries: BTreeSet<(Timestamp, Name)>,
    /// Whose contacts may have changed since [`Registrar::take_moved`] was asked last: no more than there are users.
    #[serde(default)]
    moved: BTreeSet<Name>,
}

/// What one Contact of a REGISTER asks.
struct Wish {
    uri: Uri,
    q: u16,
    /// In seconds; 0 removes.
    expires_s: u32,
}

impl Registrar {
    /// The bindings of a user, the preferred first, of those the latest first.
    pub(in crate::sip) fn contacts(&self, user: &str) -> Vec<Binding> {
        let mut bindings = self.users.get(user).cloned().unwrap_or_default();
        bindings.sort_by_key(|binding| Reverse((binding.q, binding.expires_at)));
        bindings
    }

    /// The user who is signed in with this Contact, over this hop.
    pub(in crate::sip) fn whose(&self, contact: &Uri, hop: Hop) -> Option<Name> {
        let is_theirs = |binding: &Binding| binding.hop == hop && binding.uri.equivalent(contact);
        self.users.iter().find(|(_, bindings)| bindings.iter().any(is_theirs)).map(|(user, _)| user.clone())
    }

    /// The hop over which a user is signed in with this Contact.
    pub(in crate::sip) fn hop_of(&self, user: &Name, contact: &Uri) -> Option<Hop> {
        let bindings = self.users.get(user)?;
        bindings.iter().find(|binding| binding.uri.equivalent(contact)).map(|binding| binding.hop)
    }

    /// Whether anybody is signed in over this hop.
    pub(in crate::sip) fn is_at(&self, hop: Hop) -> bool {
        self.users.values().flatten().any(|binding| binding.hop == hop)
    }

    /// When [`Registrar::tick`] is next due.
    pub(in crate::sip) fn deadline(&self) -> Option<Timestamp> {
        self.expiries.first().map(|(at, _)| *at)
    }

    /// A REGISTER of `user`, who proved to be that. The status to refuse it with, if it was not answered.
    pub(in crate::sip) fn register(
        &mut self,
        cx: &mut Cx<'_>,
        user: &Name,
        arrival: &Arrival,
        transaction: TransactionId,
    ) -> Option<u16> {
        let known = self.users.get(user).map_or(&[][..], Vec::as_slice);
        let wishes = match read_wishes(arrival, known) {
            Ok(wishes) => wishes,
            Err(status) => return Some(status),
        };
        // §10.3: all or nothing.
        if wishes.iter().any(|wish| (1..MIN_EXPIRES_S).contains(&wish.expires_s)) {
            return Some(423);
        }
        let outdated = |binding: &Binding| binding.call_id == arrival.call_id && binding.cseq >= arrival.cseq;
        let touched = |binding: &&Binding| wishes.iter().any(|wish| wish.uri.equivalent(&binding.uri));
        if known.iter().filter(touched).any(outdated) {
            return Some(500);
        }
        let mut bindings = self.take(user);
        for wish in wishes {
            apply(cx, user, &mut bindings, wish, arrival);
        }
        let mut draft = arrival.refusal(200, &cx.core.entropy.token(), &cx.core.config);
        for binding in &bindings {
            let left = binding.expires_at.since(cx.now).as_secs();
            let q = f32::from(binding.q) / 1_000.0;
            draft.header("Contact", format_args!("<{}>;expires={left};q={q}", binding.uri));
        }
        self.put(user, bindings);
        cx.respond(transaction, &Method::Register, 200, draft.finish());
        None
    }

    /// Drops what ran out at `now`.
    pub(in crate::sip) fn tick(&mut self, cx: &mut Cx<'_>) {
        while let Some((_, user)) = self.expiries.first().filter(|(at, _)| *at <= cx.now).cloned() {
            let mut bindings = self.take(&user);
            while let Some(at) = bindings.iter().position(|binding| binding.expires_at <= cx.now) {
                bindings.remove(at);
                let contacts = bindings.len() as u32;
                cx.tell(Event::Unregistered { user: user.clone(), contacts });
            }
            self.put(&user, bindings);
        }
    }

    /// A connection from a browser is closed: nobody but the browser opens another, so what registered over it is reached no
    /// more ([RFC 5626 §4.2.2](https://www.rfc-editor.org/rfc/rfc5626#section-4.2.2)).
    pub(in crate::sip) fn disconnected(&mut self, cx: &mut Cx<'_>, hop: Hop) {
        let is_over = |binding: &Binding| binding.hop == hop;
        let of_hop = self.users.iter().filter(|(_, bindings)| bindings.iter().any(is_over));
        let users: Vec<Name> = of_hop.map(|(user, _)| user.clone()).collect();
        for user in users {
            let mut bindings = self.take(&user);
            while let Some(at) = bindings.iter().position(is_over) {
                bindings.remove(at);
                let contacts = bindings.len() as u32;
                cx.tell(Event::Unregistered { user: user.clone(), contacts });
            }
            self.put(&user, bindings);
        }
    }

    /// Forgets where a user is reached: they may be no more, or only by another password.
    pub(in crate::sip) fn forget(&mut self, cx: &mut Cx<'_>, user: &Name) {
        let bindings = self.take(user);
        for contacts in (0..bindings.len() as u32).rev() {
            cx.tell(Event::Unregistered { user: user.clone(), contacts });
        }
        self.put(user, Vec::new());
    }

    /// Everybody who has a contact.
    pub(in crate::sip) fn users(&self) -> impl Iterator<Item = &Name> {
        self.users.keys()
    }

    /// The users whose contacts may have changed since this was asked last.
    pub(in crate::sip) fn take_moved(&mut self) -> Vec<Name> {
        std::mem::take(&mut self.moved).into_iter().collect()
    }

    /// Goes on with a user's contacts of an earlier process, but those that were proven by another password than theirs is now.
    pub(in crate::sip) fn carry_on(&mut self, user: &Name, ha1: Option<&Ha1>, mut bindings: Vec<Binding>) {
        let mark = ha1.map(Ha1::mark);
        bindings.retain(|binding| binding.proven_by.is_none() || binding.proven_by == mark);
        bindings.iter_mut().for_each(|binding| binding.proven_by = mark);
        self.put(user, bindings);
    }

    fn take(&mut self, user: &Name) -> Vec<Binding> {
        let bindings = self.users.remove(user).unwrap_or_default();
        if let Some(first) = bindings.iter().map(|binding| binding.expires_at).min() {
            self.expiries.remove(&(first, user.clone()));
        }
        bindings
    }

    fn put(&mut self, user: &Name, bindings: Vec<Binding>) {
        self.moved.insert(user.clone());
        if let Some(first) = bindings.iter().map(|binding| binding.expires_at).min() {
            self.expiries.insert((first, user.clone()));
            self.users.insert(user.clone(), bindings);
        }
    }
}

/// Does what one Contact asks.
fn apply(cx: &mut Cx<'_>, user: &Name, bindings: &mut Vec<Binding>, wish: Wish, arrival: &Arrival) {
    let at = bindings.iter().position(|binding| binding.uri.equivalent(&wish.uri));
    if wish.expires_s == 0 {
        if let Some(at) = at {
            bindings.remove(at);
            cx.tell(Event::Unregistered { user: user.clone(), contacts: bindings.len() as u32 });
        }
        return;
    }
    let contact = wish.uri.to_string();
    let binding = Binding {
        uri: wish.uri,
        hop: arrival.back,
        q: wish.q,
        expires_at: cx.now + Duration::from_secs(wish.expires_s.min(MAX_EXPIRES_S).into()),
        call_id: arrival.call_id.clone(),
        cseq: arrival.cseq,
        proven_by: cx.core.config.users.get(user).map(Ha1::mark),
    };
    let changed = match at {
        Some(at) => {
            let changed = bindings[at].hop != binding.hop;
            bindings[at] = binding;
            changed
        }
        None => {
            if bindings.len() >= cx.core.config.max_contacts
                && let Some(oldest) = (0..bindings.len()).min_by_key(|at| bindings[*at].expires_at)
            {
                bindings.remove(oldest);
            }
            bindings.push(binding);
            true
        }
    };
    if changed {
        let contacts = bindings.len() as u32;
        cx.tell(Event::Registered { user: user.clone(), contact, contacts });
    }
}

fn read_wishes(arrival: &Arrival, known: &[Binding]) -> Result<Vec<Wish>, u16> {
    let headers = &arrival.request.headers;
    let default = headers.expires().ok().flatten().unwrap_or(MAX_EXPIRES_S);
    match headers.contacts().map_err(|error| error.sip_status())? {
        // §10.2.2: only with Expires: 0.
        Contacts::Star if headers.get(&HeaderName::Expires).is_none_or(|expires| expires.trim() != "0") => {
            Err(400)
        }
        Contacts::Star => Ok(known.iter().map(|b| Wish { uri: b.uri.clone(), q: 0, expires_s: 0 }).collect()),
        Contacts::List(list) => Ok(list.into_iter().map(|contact| read_wish(contact, default)).collect()),
    }
}

fn read_wish(contact: NameAddr, default: u32) -> Wish {
    // §10.3: what cannot be read counts as 3600.
    let expires_s = match contact.params.get("expires") {
        Some(expires) => expires.parse().unwrap_or(MAX_EXPIRES_S),
        None => default,
    };
    let q = contact.params.get("q").and_then(|q| q.parse::<f32>().ok()).unwrap_or(1.0);
    // A NaN becomes 0.
    let q = (q.clamp(0.0, 1.0) * 1_000.0) as u16;
    Wish { uri: contact.uri, q, expires_s }
}
