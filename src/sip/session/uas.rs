//! The called side: from the INVITE to its ACK, RFC 3261 §13.3, with reliable provisional responses (RFC 3262).

use std::time::Duration;

use bytes::Bytes;

use super::Asked;
use super::AskedKind;
use super::MAX_QUEUED_PROVISIONALS;
use super::Reliability;
use super::Reliable;
use super::Session;
use super::Stage;
use super::Unacked;
use super::reason_header;
use super::timer_lines;
use crate::sip::api::EndCause;
use crate::sip::api::EndReason;
use crate::sip::api::Event;
use crate::sip::api::Hop;
use crate::sip::api::SessionId;
use crate::sip::dialog::Dialog;
use crate::sip::endpoint::ALLOW;
use crate::sip::endpoint::Arrival;
use crate::sip::endpoint::Cx;
use crate::sip::endpoint::Draft;
use crate::sip::endpoint::SUPPORTED;
use crate::sip::message::Method;
use crate::sip::transaction::Repeat;
use crate::sip::transaction::T1;
use crate::sip::transaction::TIMEOUT;
use crate::sip::transaction::TransactionId;

/// How often a provisional response is sent again, so that proxies keep waiting (§13.3.1.1).
const REMIND: Duration = Duration::from_secs(60);

impl Session {
    /// The session that an INVITE begins, after its 100.
    pub(in crate::sip) fn incoming(
        id: SessionId,
        dialog: Dialog,
        arrival: &Arrival,
        transaction: TransactionId,
    ) -> Session {
        let mut session = Session::new(id, dialog, false);
        session.learn(&arrival.request.headers);
        session.asked = Some(Asked::new(arrival, transaction, AskedKind::Invite, &session.dialog.local_tag));
        session.remote_sdp = arrival.sdp.clone().unwrap_or_default();
        session
    }

    /// The server wants a provisional response.
    pub(in crate::sip) fn progress(&mut self, cx: &mut Cx<'_>, status: u16, sdp: Option<Bytes>) {
        let Some(asked) = self.asked.as_mut().filter(|asked| asked.kind == AskedKind::Invite) else {
            return;
        };
        if !(101..200).contains(&status) || self.closing.is_some() || self.answer.is_some() {
            return;
        }
        let reliable = match asked.reliability {
            Reliability::Required => true,
            Reliability::Supported => sdp.is_some(),
            Reliability::Unknown => false,
        };
        if reliable && self.reliable.is_some() {
            if self.queued.len() < MAX_QUEUED_PROVISIONALS {
                self.queued.push_back((status, sdp));
            }
            return;
        }
        asked.remind = Some((cx.now + REMIND, status));
        // Without a PRACK to say that it arrived, an offer of ours may not be in it (RFC 3262 §5).
        let sdp = sdp.filter(|_| reliable || asked.offered);
        let (transaction, cseq) = (asked.transaction, asked.cseq);
        let mut draft = self.dialog_response(cx, status);
        if reliable {
            // RFC 3262 §3: the first is random, so that a late PRACK of another call fits nothing.
            self.rseq =
                if self.rseq == 0 { 1 + cx.core.entropy.below(1 << 30) as u32 } else { self.rseq + 1 };
            draft.header("Require", "100rel").header("RSeq", self.rseq);
        }
        let response = draft.finish_sdp(sdp.as_ref());
        if !cx.respond(transaction, &Method::Invite, status, response.clone()) || !reliable {
            return;
        }
        if let Some(sdp) = &sdp {
            self.local_sdp = sdp.clone();
        }
        self.reliable = Some(Reliable {
            rseq: self.rseq,
            cseq,
            response,
            hop: self.asked_hop(cx, transaction),
            repeat: Repeat::unlimited(cx.now, T1),
            until: cx.now + TIMEOUT,
            sdp: sdp.is_some(),
        });
    }

    /// The server answers.
    pub(in crate::sip) fn answer(&mut self, cx: &mut Cx<'_>, sdp: Bytes) {
        let Some(asked) = self.asked.as_ref().filter(|asked| asked.kind == AskedKind::Invite) else {
            return;
        };
        if self.closing.is_some() {
            return;
        }
        let settled = asked.settled;
        if self.reliable.as_ref().is_some_and(|reliable| reliable.sdp) {
            self.answer = Some(sdp);
            return;
        }
        self.reliable = None;
        self.queued.clear();
        self.stage = Stage::Confirmed;
        self.accept_asked(cx, (!settled).then_some(sdp));
    }

    /// The server refuses.
    pub(in crate::sip) fn refuse(&mut self, cx: &mut Cx<'_>, status: u16, retry_after_s: Option<u32>) {
        let refusable = self.asked.as_ref().is_some_and(|asked| asked.kind == AskedKind::Invite);
        if refusable && self.closing.is_none() {
            self.refuse_asked(cx, status.clamp(300, 699), retry_after_s, None);
            self.stage = Stage::Over;
        }
    }

    /// The peer cancelled its INVITE, whose transaction this is.
    pub(in crate::sip) fn cancelled(&mut self, cx: &mut Cx<'_>, transaction: TransactionId) {
        let Some(asked) = self.asked.as_ref().filter(|asked| asked.transaction == transaction) else {
            return;
        };
        let first = asked.kind == AskedKind::Invite;
        self.refuse_asked(cx, 487, None, None);
        if first {
            self.ended(cx, EndCause::Cancelled, false);
        }
    }

    /// The ACK of a 2xx came.
    pub(in crate::sip) fn acked(&mut self, cx: &mut Cx<'_>, arrival: &Arrival) {
        let Some(unacked) = self.unacked.take_if(|unacked| unacked.cseq == arrival.cseq) else {
            return;
        };
        let sdp = arrival.sdp.clone().filter(|_| unacked.offer);
        if let Some(sdp) = &sdp {
            self.remote_sdp = sdp.clone();
        }
        match (unacked.first, sdp) {
            (true, sdp) => self.tell(cx, |session| Event::Acked { session, sdp }),
            (false, Some(sdp)) => self.tell(cx, |session| Event::OfferAnswered { session, sdp }),
            (false, None) => {}
        }
    }

    /// A PRACK came (RFC 3262 §3). The status to answer it with, unless it has been answered.
    pub(in crate::sip) fn pracked(
        &mut self,
        cx: &mut Cx<'_>,
        arrival: &Arrival,
        transaction: TransactionId,
    ) -> Option<u16> {
        let Ok(Some(rack)) = arrival.request.headers.rack() else {
            return Some(400);
        };
        let matched = self.reliable.take_if(|reliable| {
            (reliable.rseq, reliable.cseq) == (rack.rseq, rack.cseq.seq) && rack.cseq.method == Method::Invite
        });
        let Some(reliable) = matched else {
            // Our 200 went out without waiting for it: it is late, but not lost.
            let late = self.stage == Stage::Confirmed && (1..=self.rseq).contains(&rack.rseq);
            return Some(if late { 200 } else { 481 });
        };
        let sdp = arrival.sdp.clone();
        // A new offer while the INVITE itself waits would need a second place to wait in.
        let settled = self.asked.as_ref().is_none_or(|asked| asked.offered || asked.settled);
        let status = if sdp.is_some() && settled { 488 } else { 200 };
        let response = arrival.refusal(status, &self.dialog.local_tag, &cx.core.config).finish();
        cx.respond(transaction, &Method::Prack, status, response);
        if let Some(asked) = self.asked.as_mut().filter(|_| reliable.sdp) {
            asked.settled = true;
        }
        if let Some(sdp) = sdp.filter(|_| reliable.sdp && !settled) {
            self.remote_sdp = sdp.clone();
            self.tell(cx, |session| Event::OfferAnswered { session, sdp });
        }
        if let Some(sdp) = self.answer.take() {
            self.answer(cx, sdp);
        } else if let Some((status, sdp)) = self.queued.pop_front() {
            self.progress(cx, status, sdp);
        }
        None
    }

    /// Accepts what the peer asks with a 2xx.
    pub(super) fn accept_asked(&mut self, cx: &mut Cx<'_>, sdp: Option<Bytes>) {
        let Some(asked) = self.asked.take() else {
            return;
        };
        let agreed = self.agree(cx, asked.expires, asked.min_se_s);
        let mut draft = Draft::response(200);
        draft
            .lines(&asked.head)
            .header("Contact", &self.dialog.contact)
            .header("Allow", ALLOW)
            .header("Supported", SUPPORTED)
            .header("Server", &cx.core.config.product)
            .lines(&timer_lines(agreed));
        let response = draft.finish_sdp(sdp.as_ref());
        let hop = self.asked_hop(cx, asked.transaction);
        let sent = cx.respond(asked.transaction, &asked.method(), 200, response.clone());
        if let Some(sdp) = &sdp {
            self.local_sdp = sdp.clone();
        }
        let remote = self.remote_sdp.clone();
        if let Some(early) = self.settled_early() {
            early.sdp = remote;
        }
        if !sent || !matches!(asked.kind, AskedKind::Invite | AskedKind::ReInvite) {
            return;
        }
        // §13.3.1.4: over any transport, because the way may be longer than this hop.
        self.unacked = Some(Unacked {
            cseq: asked.cseq,
            response,
            hop,
            repeat: Repeat::doubling(cx.now, T1),
            until: cx.now + TIMEOUT,
            first: asked.kind == AskedKind::Invite,
            offer: !asked.offered && sdp.is_some(),
        });
    }

    /// Refuses what the peer asks, if anything.
    pub(super) fn refuse_asked(
        &mut self,
        cx: &mut Cx<'_>,
        status: u16,
        retry_after_s: Option<u32>,
        reason: Option<EndReason>,
    ) {
        let Some(asked) = self.asked.take() else {
            return;
        };
        let mut draft = Draft::response(status);
        draft.lines(&asked.head).header("Server", &cx.core.config.product);
        if let Some(seconds) = retry_after_s {
            draft.header("Retry-After", seconds);
        }
        if let Some(reason) = reason.and_then(reason_header) {
            draft.header("Reason", reason);
        }
        self.reliable = None;
        self.queued.clear();
        cx.respond(asked.transaction, &asked.method(), status, draft.finish());
    }

    pub(super) fn tick_unacked(&mut self, cx: &mut Cx<'_>) {
        let Some(unacked) = &mut self.unacked else {
            return;
        };
        if unacked.until <= cx.now {
            self.unacked = None;
            self.ended(cx, EndCause::NoAck, true);
        } else if unacked.repeat.take(cx.now) {
            cx.core.transactions.repeated += 1;
            let (hop, bytes) = (unacked.hop, unacked.response.clone());
            cx.send(hop, bytes);
        }
    }

    pub(super) fn tick_reliable(&mut self, cx: &mut Cx<'_>) {
        let Some(reliable) = &mut self.reliable else {
            return;
        };
        if reliable.until <= cx.now {
            // RFC 3262 §3: no PRACK, no call.
            self.refuse_asked(cx, 504, None, None);
            self.ended(cx, EndCause::PeerGone, false);
        } else if reliable.repeat.take(cx.now) {
            cx.core.transactions.repeated += 1;
            let (hop, bytes) = (reliable.hop, reliable.response.clone());
            cx.send(hop, bytes);
        }
    }

    pub(super) fn tick_reminder(&mut self, cx: &mut Cx<'_>) {
        let Some(asked) = &mut self.asked else {
            return;
        };
        let Some((_, status)) = asked.remind.filter(|(at, _)| *at <= cx.now) else {
            return;
        };
        asked.remind = Some((cx.now + REMIND, status));
        let (transaction, required) = (asked.transaction, asked.reliability == Reliability::Required);
        if required {
            // It may be sent only reliably, and that is what the server's next one will be.
            return;
        }
        let response = self.dialog_response(cx, status).finish();
        cx.respond(transaction, &Method::Invite, status, response);
    }

    /// A response to the INVITE that makes or keeps the dialog.
    fn dialog_response(&self, cx: &Cx<'_>, status: u16) -> Draft {
        let mut draft = Draft::response(status);
        draft
            .lines(self.asked.as_ref().map_or("", |asked| &asked.head))
            .header("Contact", &self.dialog.contact)
            .header("Allow", ALLOW)
            .header("Server", &cx.core.config.product);
        draft
    }

    fn asked_hop(&self, cx: &Cx<'_>, transaction: TransactionId) -> Hop {
        cx.core.transactions.server_hop(transaction).unwrap_or_else(|| self.dialog.next_hop())
    }
}

impl Asked {
    pub(super) fn new(
        arrival: &Arrival,
        transaction: TransactionId,
        kind: AskedKind,
        local_tag: &str,
    ) -> Asked {
        let headers = &arrival.request.headers;
        let reliability = match (headers.requires("100rel"), headers.supports("100rel")) {
            (true, _) => Reliability::Required,
            (false, true) => Reliability::Supported,
            (false, false) => Reliability::Unknown,
        };
        Asked {
            transaction,
            kind,
            cseq: arrival.cseq,
            head: arrival.head(local_tag),
            offered: arrival.sdp.is_some(),
            settled: false,
            reliability,
            expires: headers.session_expires().ok().flatten(),
            min_se_s: headers.min_se().ok().flatten(),
            remind: None,
        }
    }

    fn method(&self) -> Method {
        match self.kind {
            AskedKind::Invite | AskedKind::ReInvite => Method::Invite,
            AskedKind::Update => Method::Update,
        }
    }
}
