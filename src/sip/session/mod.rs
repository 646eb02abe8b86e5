//! An INVITE session: one dialog, its offers and answers, and the server that is told about them.
//!
//! `uas` is the side that was called, `uac` the side that calls, `offer` what either may ask within the
//! dialog, `timer` when it has to be asked again. This file holds the state and its ending.

mod offer;
mod parted;
mod refer;
mod timer;
mod uac;
mod uas;

use std::collections::VecDeque;
use std::time::Duration;

use bytes::Bytes;
use serde::Deserialize;
use serde::Serialize;

use self::parted::Parted;
pub(in crate::sip) use self::refer::ReferTo;
use self::refer::Referring;
pub(in crate::sip) use self::refer::Replaces;
use self::timer::SessionTimer;
pub(in crate::sip) use self::timer::is_too_small;
pub(in crate::sip) use self::uac::end_stray_dialog;
pub(in crate::sip) use self::uac::end_unknown_dialog;
use crate::base::Name;
use crate::base::Timestamp;
use crate::sip::api::EndCause;
use crate::sip::api::EndReason;
use crate::sip::api::Event;
use crate::sip::api::Hop;
use crate::sip::api::SessionId;
use crate::sip::dialog::Dialog;
use crate::sip::digest::Account;
use crate::sip::endpoint::Cx;
use crate::sip::endpoint::Descriptions;
use crate::sip::message::HeaderName;
use crate::sip::message::Headers;
use crate::sip::message::Method;
use crate::sip::message::Refresher;
use crate::sip::message::SessionExpires;
use crate::sip::transaction::Owner;
use crate::sip::transaction::Repeat;
use crate::sip::transaction::TransactionId;
use crate::sip::transaction::octets;

/// Provisional responses that wait for the PRACK of the one before. Full: the newest is dropped, because
/// the final response says all.
const MAX_QUEUED_PROVISIONALS: usize = 8;

/// A session.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(in crate::sip) struct Session {
    pub(in crate::sip) id: SessionId,
    pub(in crate::sip) dialog: Dialog,
    /// The local user whose phone is the peer, where that proved to be one: by digest, or by being called where it is signed in.
    #[serde(default)]
    pub(in crate::sip) user: Option<Name>,
    /// The entry of [`Session::deadline`] in the endpoint's timers.
    pub(in crate::sip) entry: Option<Timestamp>,
    stage: Stage,
    /// Whether the call, and so the Call-ID, is ours (§14.1).
    ours: bool,
    peer: Peer,
    /// What the peer asks and the server has not answered yet.
    asked: Option<Asked>,
    /// What we ask and the peer has not answered yet.
    asking: Option<Asking>,
    /// Our 2xx that the peer has not ACKed yet.
    unacked: Option<Unacked>,
    /// Our reliable provisional response that the peer has not PRACKed yet, and those behind it.
    reliable: Option<Reliable>,
    queued: VecDeque<(u16, Option<Bytes>)>,
    /// The answer that waits for that PRACK (RFC 3262 §3).
    answer: Option<Bytes>,
    rseq: u32,
    /// An offer of the server's that waits for its turn.
    wanted: Option<Bytes>,
    glare: Option<Glare>,
    /// The peer's REFER that the server has not answered yet.
    referring: Option<Referring>,
    /// What the two last agreed on, from our side: a refreshing re-INVITE offers it again.
    #[serde(with = "octets")]
    local_sdp: Bytes,
    #[serde(with = "octets")]
    remote_sdp: Bytes,
    timer: Option<SessionTimer>,
    /// The server has ended it; it stays until that can be said to the peer, and tells nothing more.
    closing: Option<Closing>,
    /// Who answers challenges to our requests.
    #[serde(default)]
    account: Option<Account>,
    /// The connection to the peer, a phone in a browser, is gone.
    #[serde(default)]
    parted: Option<Parted>,
    /// Our last OPTIONS.
    #[serde(default)]
    probe: Option<TransactionId>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
enum Stage {
    /// Our INVITE, or the peer's, has no 2xx yet.
    Early,
    Confirmed,
    /// To be removed.
    Over,
}

/// What the peer said that it can.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Peer {
    /// UPDATE (RFC 3311).
    update: bool,
    /// Session timers (RFC 4028).
    timer: bool,
}

/// A request of the peer's that the server has to answer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Asked {
    transaction: TransactionId,
    kind: AskedKind,
    cseq: u32,
    /// What its response begins with.
    head: String,
    /// Whether the peer made an offer, so that we answer; otherwise it wants ours.
    offered: bool,
    /// Whether offer and answer were exchanged in reliable provisional responses already.
    settled: bool,
    reliability: Reliability,
    expires: Option<SessionExpires>,
    min_se_s: Option<u32>,
    /// When the last provisional response is sent again, so that no proxy gives up (§13.3.1.1).
    remind: Option<(Timestamp, u16)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
enum AskedKind {
    /// The INVITE that began the session.
    Invite,
    ReInvite,
    Update,
}

/// What an INVITE says of reliable provisional responses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
enum Reliability {
    Unknown,
    Supported,
    Required,
}

/// A request of ours that the peer has to answer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Asking {
    transaction: TransactionId,
    kind: AskingKind,
    cseq: u32,
    /// The offer in it.
    sdp: Option<Bytes>,
    /// How often it was sent anew, for glare, a challenge, or a longer interval.
    tries: u8,
    /// Reliable provisional responses seen, by To tag (RFC 3262 §4).
    seen: Vec<(String, u32)>,
    /// Whether any provisional response came: only then may it be cancelled.
    proceeding: bool,
    /// What provisional responses answered our offer with, by To tag.
    #[serde(default)]
    early: Vec<EarlyAnswer>,
}

/// An answer that came before the 2xx.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct EarlyAnswer {
    to_tag: String,
    /// What the peer says of itself, by an UPDATE since. Empty while it was written down and has keys.
    #[serde(with = "octets")]
    sdp: Bytes,
    /// Whether the response was reliable: then offer and answer are exchanged, and what the 2xx says is no answer any more.
    ///
    /// [RFC 6337 §2.1](https://www.rfc-editor.org/rfc/rfc6337#section-2.1)
    settled: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
enum AskingKind {
    Invite,
    /// With an offer of the server's.
    ReInvite,
    /// A re-INVITE that changes nothing, for the session timer.
    Refresh,
    /// An UPDATE without SDP, for the session timer.
    Update,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Unacked {
    cseq: u32,
    response: Bytes,
    hop: Hop,
    repeat: Repeat,
    until: Timestamp,
    /// Whether it answers the INVITE that began the session.
    first: bool,
    /// Whether it carries our offer, so that the ACK carries the answer.
    offer: bool,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Reliable {
    rseq: u32,
    cseq: u32,
    response: Bytes,
    hop: Hop,
    repeat: Repeat,
    until: Timestamp,
    /// Whether it carries SDP.
    sdp: bool,
}

/// A refused re-INVITE that is tried again (§14.1).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Glare {
    at: Timestamp,
    sdp: Bytes,
    tries: u8,
    refresh: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
struct Closing {
    reason: EndReason,
    /// Whether a CANCEL has been sent.
    cancelled: bool,
    /// When we stop waiting for the peer to agree.
    until: Timestamp,
}

impl Session {
    fn new(id: SessionId, dialog: Dialog, ours: bool) -> Session {
        Session {
            id,
            dialog,
            user: None,
            entry: None,
            stage: Stage::Early,
            ours,
            peer: Peer::default(),
            asked: None,
            asking: None,
            unacked: None,
            reliable: None,
            queued: VecDeque::new(),
            answer: None,
            rseq: 0,
            wanted: None,
            glare: None,
            referring: None,
            local_sdp: Bytes::new(),
            remote_sdp: Bytes::new(),
            timer: None,
            closing: None,
            account: None,
            parted: None,
            probe: None,
        }
    }

    /// As it is written down: see [`Endpoint::carried`](crate::sip::endpoint::Endpoint::carried).
    ///
    /// What the peer has asked and nobody has answered yet is left to the peer, who asks again; but for the INVITE of a phone that
    /// hears it ring, which is not sent again once it does.
    pub(in crate::sip) fn carried(&self) -> Option<Session> {
        let (rings, waits) = (self.rings(), self.waits_for_answer());
        if !(rings || waits || self.stage == Stage::Confirmed) || self.closing.is_some() {
            return None;
        }
        let offered = self.asking.as_ref().and_then(|asking| asking.sdp.as_ref());
        let keys_offered = offered.is_some_and(|sdp| has_keys(sdp));
        let mut session = Session { entry: None, referring: None, ..self.clone() };
        if rings && keys_offered {
            session.asking.iter_mut().for_each(|asking| asking.sdp = None);
        } else {
            session.asking.take_if(|_| keys_offered);
        }
        if let Some(asked) = session.asked.take_if(|_| !waits) {
            session.dialog.remote_cseq = Some(asked.cseq.saturating_sub(1));
        }
        let early = session.asking.iter_mut().flat_map(|asking| &mut asking.early);
        early.filter(|early| has_keys(&early.sdp)).for_each(|early| early.sdp = Bytes::new());
        // What waits to be sent, or to be sent again, may have keys as well.
        (session.wanted, session.glare) = (None, None);
        session.unacked.take_if(|unacked| has_keys(&unacked.response));
        if has_keys(&self.local_sdp) || has_keys(&self.remote_sdp) {
            (session.local_sdp, session.remote_sdp) = (Bytes::new(), Bytes::new());
        }
        Some(session)
    }

    /// Whether it is up, and what the two agreed on was not written down.
    pub(in crate::sip) fn lacks_descriptions(&self) -> bool {
        self.stage == Stage::Confirmed && self.local_sdp.is_empty()
    }

    /// Whether the peer is a phone that we call, and that has not answered yet.
    pub(in crate::sip) fn rings(&self) -> bool {
        self.stage == Stage::Early && self.ours
    }

    /// Whether the peer calls, by no connection that ends with the process, and is not answered yet. What it is told by then may
    /// have keys in it where it is a description.
    pub(in crate::sip) fn waits_for_answer(&self) -> bool {
        let tells = self.reliable.is_some() || !self.queued.is_empty() || self.answer.is_some();
        let asks = self.stage == Stage::Early && !self.ours && self.asked.is_some();
        asks && !self.dialog.is_by_connection() && !tells
    }

    /// Whether it waits for our answer, and was told that it rings.
    pub(in crate::sip) fn hears_it_ring(&self) -> bool {
        self.waits_for_answer() && self.asked.as_ref().is_some_and(|asked| asked.remind.is_some())
    }

    /// The peer's request that is not answered yet.
    pub(in crate::sip) fn asked(&self) -> Option<TransactionId> {
        self.asked.as_ref().map(|asked| asked.transaction)
    }

    /// Whether nobody has answered yet, and the offer was not written down: ours to a phone that rings, or that of one that calls.
    pub(in crate::sip) fn lacks_offer(&self) -> bool {
        match self.rings() {
            true => self.asking.as_ref().is_none_or(|asking| asking.sdp.is_none()),
            false => {
                let offered = self.asked.as_ref().is_some_and(|asked| asked.offered);
                self.waits_for_answer() && offered && self.remote_sdp.is_empty()
            }
        }
    }

    /// Its INVITE cannot be sent again, for its offer is gone. What remains is to cancel it, which is not left to a provisional
    /// response that the process before may have had already.
    pub(in crate::sip) fn is_without_offer(&mut self) {
        self.asking.iter_mut().for_each(|asking| asking.proceeding = true);
    }

    /// What the two last agreed on; until there is an answer, what was offered.
    pub(in crate::sip) fn descriptions(&self) -> Descriptions {
        Descriptions { local: self.local_sdp.clone(), remote: self.remote_sdp.clone() }
    }

    /// This is what the two last agreed on, or what was offered.
    pub(in crate::sip) fn had_agreed_on(&mut self, descriptions: Descriptions) {
        if let Some(asking) = self.asking.as_mut().filter(|_| self.stage == Stage::Early && self.ours) {
            asking.sdp = Some(descriptions.local.clone());
            let ours =
                |early: &&mut EarlyAnswer| early.sdp.is_empty() && early.to_tag == self.dialog.remote_tag;
            asking.early.iter_mut().filter(ours).for_each(|early| early.sdp = descriptions.remote.clone());
        }
        (self.local_sdp, self.remote_sdp) = (descriptions.local, descriptions.remote);
    }

    /// The request of ours that the peer has not answered yet.
    pub(in crate::sip) fn asking(&self) -> Option<TransactionId> {
        self.asking.as_ref().map(|asking| asking.transaction)
    }

    /// Whether it is to be removed.
    pub(in crate::sip) fn is_over(&self) -> bool {
        self.stage == Stage::Over
    }

    /// When [`Session::tick`] is next due.
    pub(in crate::sip) fn deadline(&self) -> Option<Timestamp> {
        let unacked = self.unacked.as_ref().map(|u| u.repeat.at().map_or(u.until, |at| at.min(u.until)));
        let reliable = self.reliable.as_ref().map(|r| r.repeat.at().map_or(r.until, |at| at.min(r.until)));
        let remind = self.asked.as_ref().and_then(|asked| asked.remind).map(|(at, _)| at);
        let glare = self.glare.as_ref().map(|glare| glare.at);
        let timer = self.timer.map(|timer| timer.at);
        let closing = self.closing.map(|closing| closing.until);
        [unacked, reliable, remind, glare, timer, closing, self.back_by()].into_iter().flatten().min()
    }

    /// Does what is due at `now`.
    pub(in crate::sip) fn tick(&mut self, cx: &mut Cx<'_>) {
        if self.closing.is_some_and(|closing| closing.until <= cx.now) {
            // §9.1: 64 × T1 after the CANCEL the INVITE counts as cancelled. A 2xx still to come is ACKed
            // and ended without us.
            match self.is_cancelled() {
                true => self.rings_for_nobody(cx),
                false => self.stage = Stage::Over,
            }
            return;
        }
        self.tick_unacked(cx);
        self.tick_reliable(cx);
        self.tick_reminder(cx);
        self.tick_glare(cx);
        self.tick_timer(cx);
        self.tick_parted(cx);
    }

    /// The server ends the session.
    pub(in crate::sip) fn end(&mut self, cx: &mut Cx<'_>, reason: EndReason) {
        if self.closing.is_some() {
            return;
        }
        let waits = match self.stage {
            Stage::Over => return,
            Stage::Early => self.ours,
            // §15: the called side does not say BYE before it has the ACK. A browser hears of it when it is back.
            Stage::Confirmed => {
                self.parted.is_some() || self.unacked.as_ref().is_some_and(|unacked| unacked.first)
            }
        };
        if waits {
            self.closing =
                Some(Closing { reason, cancelled: false, until: cx.now + Duration::from_secs(64) });
        } else if self.stage == Stage::Early {
            let status = if reason == EndReason::Failure { 500 } else { 480 };
            self.refuse_asked(cx, status, None, Some(reason));
            self.stage = Stage::Over;
        } else {
            self.bye(cx, reason);
        }
    }

    /// Ends a confirmed session with BYE.
    fn bye(&mut self, cx: &mut Cx<'_>, reason: EndReason) {
        self.refuse_asked(cx, 487, None, None);
        let cseq = self.dialog.next_cseq();
        let account = self.account.take();
        cx.request(&self.dialog, (&Method::Bye, cseq), Owner::Nobody, account, |mut draft, core| {
            draft.header("User-Agent", &core.config.product);
            if let Some(reason) = reason_header(reason) {
                draft.header("Reason", reason);
            }
            draft.finish()
        });
        self.stage = Stage::Over;
    }

    /// Ends the session by itself: BYE when the peer may still listen, and the server is told.
    fn ended(&mut self, cx: &mut Cx<'_>, cause: EndCause, bye: bool) {
        self.tell(cx, |session| Event::Ended { session, cause });
        if bye {
            let reason = self.closing.map_or(EndReason::Normal, |closing| closing.reason);
            self.bye(cx, reason);
        } else {
            self.refuse_asked(cx, 487, None, None);
            self.stage = Stage::Over;
        }
    }

    /// Tells the server, unless it has ended the session.
    fn tell(&self, cx: &mut Cx<'_>, event: impl FnOnce(SessionId) -> Event) {
        if self.closing.is_none() {
            cx.tell(event(self.id));
        }
    }

    /// After every change: what was waiting for it.
    pub(in crate::sip) fn settle(&mut self, cx: &mut Cx<'_>) {
        if let (Some(closing), Stage::Confirmed, None, None) =
            (self.closing, self.stage, &self.unacked, self.parted)
        {
            self.bye(cx, closing.reason);
            return;
        }
        self.cancel_if_due(cx);
        if self.closing.is_none()
            && self.is_free()
            && let Some(sdp) = self.wanted.take()
        {
            self.re_invite(cx, AskingKind::ReInvite, sdp, 0);
        }
    }

    /// Whether we may send an offer now (RFC 3264 §4, RFC 3261 §14.1).
    fn is_free(&self) -> bool {
        self.stage == Stage::Confirmed
            && self.asked.is_none()
            && self.asking.is_none()
            && self.unacked.is_none()
            && self.glare.is_none()
            && self.parted.is_none()
    }

    /// Learns from a message what the peer can.
    fn learn(&mut self, headers: &Headers) {
        if headers.has(&HeaderName::Allow) {
            self.peer.update = headers.list(&HeaderName::Allow).any(|method| method == "UPDATE");
        }
        self.peer.timer |= headers.supports("timer") || headers.requires("timer");
    }
}

/// Whether a key of SRTP stands in a message or a description (RFC 4568 §4), or a password of ICE, by which audio is led elsewhere
/// (RFC 8839 §5.4).
pub(in crate::sip) fn has_keys(text: &[u8]) -> bool {
    let has = |mark: &[u8]| text.windows(mark.len()).any(|part| part == mark);
    has(b"a=crypto:") || has(b"a=ice-pwd:")
}

/// The Reason header (RFC 3326) of an [`EndReason`].
fn reason_header(reason: EndReason) -> Option<&'static str> {
    match reason {
        EndReason::Normal => None,
        EndReason::Elsewhere => Some("SIP;cause=200;text=\"Call completed elsewhere\""),
        EndReason::Failure => Some("SIP;cause=500;text=\"Server failure\""),
    }
}

/// `Session-Expires: 1800;refresher=uac` and what goes with it in a 2xx.
fn timer_lines(agreed: Option<(u32, Refresher)>) -> String {
    match agreed {
        // §9 of RFC 4028: when the caller refreshes, it must know that.
        Some((secs, Refresher::Uac)) => {
            format!("Session-Expires: {secs};refresher=uac\r\nRequire: timer\r\n")
        }
        Some((secs, Refresher::Uas)) => format!("Session-Expires: {secs};refresher=uas\r\n"),
        None => String::new(),
    }
}
