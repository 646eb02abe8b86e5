//! Our registrations at trunks: REGISTER at the start, again before it runs out, again after a failure.

use std::time::Duration;

use serde::Deserialize;
use serde::Serialize;

use crate::base::Name;
use crate::base::Timestamp;
use crate::sip::api::Event;
use crate::sip::api::Hop;
use crate::sip::digest::Account;
use crate::sip::endpoint::Cx;
use crate::sip::endpoint::Draft;
use crate::sip::endpoint::Reply;
use crate::sip::endpoint::TrunkRegistration;
use crate::sip::message::Contacts;
use crate::sip::message::HeaderName;
use crate::sip::message::Headers;
use crate::sip::transaction::NewClient;
use crate::sip::transaction::Owner;
use crate::sip::uri::NameAddr;

/// The pause after the first failure; it doubles with each further one, up to [`MAX_PAUSE`].
const FIRST_PAUSE: Duration = Duration::from_secs(10);

/// No reason phrase that we pass on is longer, in characters.
const LONGEST_REASON: usize = 80;

/// So long may nothing come from one of a trunk's places before the next is tried: the request has been sent four times by then.
pub const ANOTHER_AFTER: Duration = Duration::from_secs(4);

/// The longest pause between two tries.
const MAX_PAUSE: Duration = Duration::from_secs(600);

/// How far along our registration at one trunk is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(in crate::sip) struct Trunk {
    pub(in crate::sip) name: Name,
    call_id: String,
    tag: String,
    cseq: u32,
    /// Which of its places is asked.
    #[serde(default)]
    place: usize,
    /// How many of them have not answered, one after the other.
    #[serde(default)]
    in_vain: usize,
    /// When the next REGISTER goes out; none while one waits for its answer.
    at: Option<Timestamp>,
    failures: u32,
    /// The expiry to ask for, when the trunk wanted a longer one than configured.
    min_expires_s: u32,
    /// What the server was told last.
    told: Option<u16>,
    /// Since when we are registered, or are not.
    #[serde(default)]
    since: Timestamp,
    /// What keeps us from being registered; none while we are, and before the first answer.
    #[serde(default)]
    trouble: Option<TrunkTrouble>,
}

/// How our registration at a trunk is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrunkState {
    pub trunk: Name,
    /// Whether it took our last REGISTER.
    pub is_registered: bool,
    /// Since when it is so, or is not; none before the first answer, and where we never asked.
    pub since: Option<Timestamp>,
    /// What keeps us from it.
    pub trouble: Option<TrunkTrouble>,
    /// When the next REGISTER goes out; none while one waits for its answer, and where we never ask.
    pub next: Option<Timestamp>,
}

/// What keeps us from being registered at a trunk.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum TrunkTrouble {
    /// It said so.
    Refused { status: u16, reason: String },
    /// It says nothing.
    Silent,
    /// Its hop failed.
    Unreachable,
    /// We never ask, and why: the server found this when it was configured.
    Hindered(String),
    /// Nobody knows where it is, and why. The server asks again.
    Nowhere(String),
}

impl Trunk {
    /// Not registered yet, and about to.
    pub(in crate::sip) fn new(name: Name, entropy: &mut crate::base::Entropy) -> Trunk {
        Trunk {
            name,
            call_id: format!("{}{}", entropy.token(), entropy.token()),
            tag: entropy.token(),
            cseq: 0,
            place: 0,
            in_vain: 0,
            at: Some(Timestamp::ZERO),
            failures: 0,
            min_expires_s: 0,
            told: None,
            since: Timestamp::ZERO,
            trouble: None,
        }
    }

    /// As it was, about to register where it never has.
    pub(in crate::sip) fn wanted_again(self) -> Trunk {
        match (self.at, self.told) {
            (None, None) => Trunk { at: Some(Timestamp::ZERO), ..self },
            _ => self,
        }
    }

    /// Whether our last REGISTER was refused, or not answered.
    pub(in crate::sip) fn is_refused(&self) -> bool {
        self.told.is_some_and(|status| status >= 300)
    }

    /// How it is; `hindrance` is why we do not ask, where the configuration says so.
    pub(in crate::sip) fn state(&self, hindrance: Option<&TrunkTrouble>) -> TrunkState {
        TrunkState {
            trunk: self.name.clone(),
            is_registered: hindrance.is_none() && self.told.is_some_and(|status| status < 300),
            since: self.told.map(|_| self.since).filter(|_| hindrance.is_none()),
            trouble: hindrance.or(self.trouble.as_ref()).cloned(),
            next: self.at.filter(|_| hindrance.is_none()),
        }
    }

    /// When [`Trunk::tick`] is next due.
    pub(in crate::sip) fn deadline(&self) -> Option<Timestamp> {
        self.at
    }

    /// Registers when it is time; `place` is where this trunk stands in the configuration.
    pub(in crate::sip) fn tick(&mut self, cx: &mut Cx<'_>, place: usize) {
        if self.at.take_if(|at| *at <= cx.now).is_none() {
            return;
        }
        let registration = cx.core.config.trunks.get(place).and_then(|trunk| trunk.registration.clone());
        let Some(Ok(registration)) = registration else {
            return;
        };
        self.cseq += 1;
        let Some(hop) = self.hop(&registration) else { return };
        let branch = cx.draw_branch();
        let mut draft = Draft::request("REGISTER", &registration.registrar);
        let aor = NameAddr::of(registration.aor.clone());
        draft
            .lines(&cx.via(hop, &branch.1))
            .header("Max-Forwards", 70)
            .header("From", aor.clone().with_tag(&self.tag))
            .header("To", &aor)
            .header("Call-ID", &self.call_id)
            .header("CSeq", format_args!("{} REGISTER", self.cseq))
            .header("Contact", cx.core.config.contact(registration.aor.user.as_deref(), hop))
            .header("Expires", registration.expires_s.max(self.min_expires_s))
            .header("User-Agent", &cx.core.config.product);
        let new = NewClient {
            hop,
            owner: Owner::Trunk(place),
            request: draft.finish(),
            invite: false,
            account: Some(Account::of(self.name.clone())),
        };
        let transaction = branch.0;
        cx.core.transactions.begin_client(cx.now, branch, new, cx.out);
        if registration.hops.len() > 1 {
            cx.core.transactions.answer_by(transaction, cx.now + ANOTHER_AFTER);
        }
    }

    /// Where it is asked.
    fn hop(&self, registration: &TrunkRegistration) -> Option<Hop> {
        registration.hops.get(self.place % registration.hops.len().max(1)).copied()
    }

    /// We are to register so from now on, as far as we are to; before it was `before`.
    pub(in crate::sip) fn heed(
        &mut self,
        now: Timestamp,
        before: Option<&TrunkRegistration>,
        registration: Option<&TrunkRegistration>,
    ) {
        let Some(registration) = registration else {
            (self.at, self.told, self.trouble) = (None, None, None);
            return;
        };
        let was_at = before.and_then(|before| self.hop(before));
        let still = registration.hops.iter().position(|hop| Some(*hop) == was_at);
        self.place = still.unwrap_or(0);
        let is_the_same = before.is_some_and(|before| {
            (&before.registrar, &before.aor, before.expires_s)
                == (&registration.registrar, &registration.aor, registration.expires_s)
        });
        if still.is_none() || !is_the_same {
            (self.at, self.in_vain) = (Some(now), 0);
        }
    }

    /// The trunk answered. `place` is where it stands in the configuration.
    pub(in crate::sip) fn answered(&mut self, cx: &mut Cx<'_>, place: usize, reply: &Reply) {
        let (headers, status) = (&reply.response.headers, reply.response.status);
        match status {
            ..200 => {}
            200..300 => self.registered(cx, reply),
            401 | 407 if cx.resend(reply, self.cseq + 1, true, |_| {}).is_some() => self.cseq += 1,
            423 if self.min_expires_s == 0 && headers.min_expires().is_ok_and(|min| min.is_some()) => {
                self.min_expires_s = headers.min_expires().ok().flatten().unwrap_or_default();
                self.at = Some(cx.now);
            }
            // Who serves nobody now is as good as gone (RFC 3263 §4.3).
            503 if self.asks_another(cx, place) => {}
            _ => {
                let said = reply.response.reason.chars().filter(|letter| !letter.is_control());
                let trouble = TrunkTrouble::Refused { status, reason: said.take(LONGEST_REASON).collect() };
                self.failed(cx, (status, trouble), headers.retry_after().ok().flatten());
            }
        }
    }

    /// The trunk did not answer: 408, or its hop failed: 503. `place` is where it stands in the configuration.
    pub(in crate::sip) fn unanswered(&mut self, cx: &mut Cx<'_>, place: usize, status: u16) {
        if self.asks_another(cx, place) {
            return;
        }
        let trouble = if status == 408 { TrunkTrouble::Silent } else { TrunkTrouble::Unreachable };
        self.failed(cx, (status, trouble), None);
    }

    /// Goes on to the trunk's next place, at once as long as one has not been tried; whether it does.
    fn asks_another(&mut self, cx: &Cx<'_>, place: usize) -> bool {
        let registration = cx.core.config.trunks.get(place).and_then(|trunk| trunk.registration.as_ref());
        let places = registration.and_then(|it| it.as_ref().ok()).map_or(0, |it| it.hops.len());
        (self.place, self.in_vain) = ((self.place + 1) % places.max(1), self.in_vain + 1);
        let is_one_left = self.in_vain < places;
        match is_one_left {
            true => self.at = Some(cx.now),
            false => self.in_vain = 0,
        }
        is_one_left
    }

    fn registered(&mut self, cx: &mut Cx<'_>, reply: &Reply) {
        (self.failures, self.in_vain) = (0, 0);
        let asked = |headers: &Headers| headers.expires().ok().flatten();
        let own = crate::sip::endpoint::own_request(&reply.request);
        let own_contact = own.as_ref().and_then(|own| own.headers.contact().ok().flatten());
        let granted = granted_s(&reply.response.headers, own_contact.as_ref())
            .or_else(|| own.as_ref().and_then(|own| asked(&own.headers)))
            .unwrap_or(3_600);
        // Between 80 and 90 % of it, so that trunks of one start do not stay in step.
        let share = 800 + cx.core.entropy.below(101);
        self.at = Some(cx.now + Duration::from_millis(u64::from(granted).max(10) * share));
        self.tell(cx, reply.response.status, None);
    }

    fn failed(
        &mut self,
        cx: &mut Cx<'_>,
        (status, trouble): (u16, TrunkTrouble),
        retry_after_s: Option<u32>,
    ) {
        let doubled = FIRST_PAUSE.saturating_mul(1 << self.failures.min(10)).min(MAX_PAUSE);
        self.failures = self.failures.saturating_add(1);
        // Half of it, and a random part of the other half: not everybody comes back at once.
        let half = doubled.as_millis() as u64 / 2;
        let pause = Duration::from_millis(half + cx.core.entropy.below(half + 1));
        let told = Duration::from_secs(retry_after_s.unwrap_or(0).into()).min(MAX_PAUSE);
        self.at = Some(cx.now + pause.max(told));
        self.tell(cx, status, Some(trouble));
    }

    fn tell(&mut self, cx: &mut Cx<'_>, status: u16, trouble: Option<TrunkTrouble>) {
        if self.told.is_none() || self.is_refused() != trouble.is_some() {
            self.since = cx.now;
        }
        self.trouble = trouble;
        if self.told.replace(status) != Some(status) {
            cx.tell(Event::TrunkRegistered { trunk: self.name.clone(), status });
        }
    }
}

/// The expiry of our contact in a 200: its own parameter, else the header.
fn granted_s(headers: &Headers, own: Option<&NameAddr>) -> Option<u32> {
    let contacts = match headers.contacts() {
        Ok(Contacts::List(contacts)) => contacts,
        _ => Vec::new(),
    };
    let ours = contacts.iter().find(|contact| own.is_some_and(|own| own.uri.equivalent(&contact.uri)));
    ours.and_then(|contact| contact.params.get("expires")?.parse().ok())
        .or_else(|| headers.get(&HeaderName::Expires)?.trim().parse().ok())
}
