//! Offers within a confirmed session, both ways: re-INVITE, UPDATE, glare (RFC 3261 §14, RFC 3311, RFC 3264).

use std::time::Duration;

use bytes::Bytes;

use super::Asked;
use super::AskedKind;
use super::Asking;
use super::AskingKind;
use super::Glare;
use super::Session;
use super::Stage;
use super::timer_lines;
use crate::sip::api::EndCause;
use crate::sip::api::Event;
use crate::sip::endpoint::ALLOW;
use crate::sip::endpoint::Arrival;
use crate::sip::endpoint::Cx;
use crate::sip::endpoint::Draft;
use crate::sip::endpoint::SUPPORTED;
use crate::sip::message::ACCEPT;
use crate::sip::message::Method;
use crate::sip::transaction::Owner;
use crate::sip::transaction::TransactionId;

/// How often a re-INVITE that met another one is tried again, before the server hears of it.
const MAX_GLARE: u8 = 4;

impl Session {
    /// The server offers anew. The latest wins while one waits for its turn.
    pub(in crate::sip) fn offer(&mut self, sdp: Bytes) {
        if self.closing.is_none() {
            self.wanted = Some(sdp);
        }
    }

    /// The server answers the peer's offer, or makes the offer that the peer asked for.
    pub(in crate::sip) fn answer_offer(&mut self, cx: &mut Cx<'_>, sdp: Bytes) {
        if self.asked.as_ref().is_some_and(|asked| asked.kind != AskedKind::Invite) {
            self.accept_asked(cx, Some(sdp));
        }
    }

    /// The server refuses the peer's offer.
    pub(in crate::sip) fn refuse_offer(&mut self, cx: &mut Cx<'_>, status: u16) {
        if self.asked.as_ref().is_some_and(|asked| asked.kind != AskedKind::Invite) {
            self.refuse_asked(cx, status.clamp(300, 699), None, None);
        }
    }

    /// The server sends INFO (RFC 6086).
    pub(in crate::sip) fn info(&mut self, cx: &mut Cx<'_>, content_type: &str, body: &Bytes) {
        self.ask_aside(cx, &Method::Info, |draft| draft.finish_with(Some((content_type, body))));
    }

    /// The server asks whether the peer is still there (§11). Who is not, has no answer for it, or 481 (§12.2.1.2).
    pub(in crate::sip) fn is_there(&mut self, cx: &mut Cx<'_>) {
        self.must_be_back(cx.now);
        let asked = self.ask_aside(cx, &Method::Options, |mut draft| {
            draft.header("Accept", ACCEPT);
            draft.finish()
        });
        self.probe = asked.or(self.probe);
    }

    /// Asks something beside offers and answers, which may go on meanwhile.
    fn ask_aside(
        &mut self,
        cx: &mut Cx<'_>,
        method: &Method,
        write: impl FnOnce(Draft) -> Bytes,
    ) -> Option<TransactionId> {
        if self.stage != Stage::Confirmed || self.closing.is_some() || self.parted.is_some() {
            return None;
        }
        let cseq = self.dialog.next_cseq();
        let owner = Owner::Session(self.id);
        let account = self.account.clone();
        let asked = cx.request(&self.dialog, (method, cseq), owner, account, |mut draft, core| {
            draft.header("User-Agent", &core.config.product);
            write(draft)
        });
        Some(asked)
    }

    /// The peer's re-INVITE. The status to refuse it with, or none when the server will answer.
    pub(in crate::sip) fn re_invited(
        &mut self,
        cx: &mut Cx<'_>,
        arrival: &Arrival,
        transaction: TransactionId,
    ) -> Option<u16> {
        if let Some(status) = self.is_busy() {
            return Some(status);
        }
        self.dialog.moved(arrival);
        self.ask_server(cx, arrival, transaction, AskedKind::ReInvite);
        None
    }

    /// The peer's UPDATE, with an offer or for the session timer.
    pub(in crate::sip) fn updated(
        &mut self,
        cx: &mut Cx<'_>,
        arrival: &Arrival,
        transaction: TransactionId,
    ) -> Option<u16> {
        if arrival.sdp.is_none() {
            self.dialog.moved(arrival);
            self.learn(&arrival.request.headers);
            self.accept_refresh(cx, arrival, transaction);
            return None;
        }
        let busy = match self.settled_early() {
            Some(_) => self.asked.as_ref().map(|_| 500),
            // We offered in the INVITE and have no answer yet (RFC 3311 §5.2).
            None => self.is_busy().or((self.stage == Stage::Early).then_some(491)),
        };
        if busy.is_some() {
            return busy;
        }
        self.dialog.moved(arrival);
        self.ask_server(cx, arrival, transaction, AskedKind::Update);
        None
    }

    /// Why no offer of the peer's is taken now: 500 while one of its own waits, 491 while one of ours does.
    fn is_busy(&self) -> Option<u16> {
        if self.asked.is_some() {
            Some(500)
        } else if self.asking.as_ref().is_some_and(|asking| asking.kind != AskingKind::Update)
            || self.unacked.is_some()
        {
            Some(491)
        } else {
            None
        }
    }

    fn ask_server(
        &mut self,
        cx: &mut Cx<'_>,
        arrival: &Arrival,
        transaction: TransactionId,
        kind: AskedKind,
    ) {
        self.learn(&arrival.request.headers);
        self.asked = Some(Asked::new(arrival, transaction, kind, &self.dialog.local_tag));
        let sdp = arrival.sdp.clone();
        if let Some(sdp) = &sdp {
            self.remote_sdp = sdp.clone();
        }
        self.tell(cx, |session| Event::Offered { session, sdp });
    }

    /// Answers an UPDATE that only refreshes; a pending INVITE keeps its own place.
    fn accept_refresh(&mut self, cx: &mut Cx<'_>, arrival: &Arrival, transaction: TransactionId) {
        let headers = &arrival.request.headers;
        let expires = headers.session_expires().ok().flatten();
        let agreed = self.agree(cx, expires, headers.min_se().ok().flatten());
        let mut draft = arrival.refusal(200, &self.dialog.local_tag, &cx.core.config);
        draft
            .header("Contact", &self.dialog.contact)
            .header("Allow", ALLOW)
            .header("Supported", SUPPORTED)
            .lines(&timer_lines(agreed));
        cx.respond(transaction, &Method::Update, 200, draft.finish());
    }

    /// Sends a re-INVITE with an offer.
    pub(super) fn re_invite(&mut self, cx: &mut Cx<'_>, kind: AskingKind, sdp: Bytes, tries: u8) {
        let transaction = self.ask_peer(cx, &Method::Invite, Some(&sdp));
        let cseq = self.dialog.local_cseq;
        self.asking = Some(Asking { tries, ..Asking::new(transaction, kind, cseq, Some(sdp)) });
    }

    /// Sends an UPDATE without an offer.
    pub(super) fn update(&mut self, cx: &mut Cx<'_>) {
        let transaction = self.ask_peer(cx, &Method::Update, None);
        self.asking = Some(Asking::new(transaction, AskingKind::Update, self.dialog.local_cseq, None));
    }

    fn ask_peer(&mut self, cx: &mut Cx<'_>, method: &Method, sdp: Option<&Bytes>) -> TransactionId {
        let cseq = self.dialog.next_cseq();
        let timer = if self.peer.timer { self.timer_request(&cx.core.config) } else { String::new() };
        let owner = Owner::Session(self.id);
        let (dialog, account) = (&self.dialog, self.account.clone());
        cx.request(dialog, (method, cseq), owner, account, |mut draft, core| {
            draft
                .header("Contact", &dialog.contact)
                .header("Allow", ALLOW)
                .header("Supported", SUPPORTED)
                .lines(&timer)
                .header("User-Agent", &core.config.product);
            draft.finish_sdp(sdp)
        })
    }

    /// The peer refused a re-INVITE or UPDATE, or did not answer it.
    pub(super) fn offer_refused(&mut self, cx: &mut Cx<'_>, kind: AskingKind, status: u16) {
        let Some(asking) = self.asking.take() else {
            return;
        };
        match (status, kind, asking.sdp) {
            // §12.2.1.2, §14.1: there is nobody on the other side.
            (408 | 481, ..) => self.ended(cx, EndCause::PeerGone, true),
            (491, AskingKind::ReInvite | AskingKind::Refresh, Some(sdp)) if asking.tries < MAX_GLARE => {
                let at = cx.now + self.glare_pause(cx);
                let refresh = kind == AskingKind::Refresh;
                self.glare = Some(Glare { at, sdp, tries: asking.tries + 1, refresh });
            }
            // What went with the connection waits for the next.
            (503, AskingKind::ReInvite, Some(sdp)) if self.only_hop().is_some() => {
                self.wanted.get_or_insert(sdp);
            }
            (_, AskingKind::ReInvite, _) => {
                self.tell(cx, |session| Event::OfferRefused { session, status });
            }
            // What was refused now may be taken before the session timer runs out.
            _ => self.retry_refresh(cx),
        }
    }

    /// §14.1: 2.1 to 4 s when the Call-ID is ours, else 0 to 2 s, in steps of 10 ms: so the two never try
    /// again at the same time.
    fn glare_pause(&self, cx: &mut Cx<'_>) -> Duration {
        let steps = if self.ours { 210 + cx.core.entropy.below(191) } else { cx.core.entropy.below(201) };
        Duration::from_millis(steps * 10)
    }

    pub(super) fn tick_glare(&mut self, cx: &mut Cx<'_>) {
        let Some(glare) = self.glare.take_if(|glare| glare.at <= cx.now) else {
            return;
        };
        if self.closing.is_some() {
            return;
        }
        if self.is_free() {
            let kind = if glare.refresh { AskingKind::Refresh } else { AskingKind::ReInvite };
            // What the server wants by now is newer.
            let sdp = self.wanted.take().unwrap_or(glare.sdp);
            self.re_invite(cx, kind, sdp, glare.tries);
        } else if !glare.refresh && self.wanted.is_none() {
            self.wanted = Some(glare.sdp);
        }
    }
}
