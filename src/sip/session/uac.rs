//! The calling side: from our INVITE to its ACK, RFC 3261 §13.2, and whatever a fork makes of it.

use bytes::Bytes;

use super::Asking;
use super::AskingKind;
use super::Closing;
use super::EarlyAnswer;
use super::Session;
use super::Stage;
use super::reason_header;
use crate::sip::api::EndCause;
use crate::sip::api::Event;
use crate::sip::api::Hop;
use crate::sip::api::Invite;
use crate::sip::dialog::Dialog;
use crate::sip::dialog::tag_of;
use crate::sip::digest::Account;
use crate::sip::endpoint::ALLOW;
use crate::sip::endpoint::Cx;
use crate::sip::endpoint::Reply;
use crate::sip::endpoint::SUPPORTED;
use crate::sip::message::Body;
use crate::sip::message::HeaderName;
use crate::sip::message::Method;
use crate::sip::message::Response;
use crate::sip::transaction::Owner;
use crate::sip::transaction::Silence;
use crate::sip::transaction::TIMEOUT;
use crate::sip::transaction::TransactionId;

/// How many early dialogs of a forked INVITE have their reliable responses acknowledged.
const MAX_EARLY: usize = 8;

impl Session {
    /// Calls somebody.
    pub(in crate::sip) fn invite(cx: &mut Cx<'_>, invite: Invite) -> Session {
        let tag = format!("{}{:x}", cx.core.entropy.token(), invite.session.0);
        let address = cx.core.config.advertised(invite.hop);
        let call_id = format!("{}{}@{}", cx.core.entropy.token(), cx.core.entropy.token(), address.ip());
        let contact = cx.core.config.contact(invite.from.uri.user.as_deref(), invite.hop);
        let target = (invite.uri, invite.hop);
        let dialog = Dialog::caller(call_id, (invite.from, invite.to), &tag, contact, target, invite.routes);
        let mut session = Session::new(invite.session, dialog, true);
        session.account = invite.trunk.map(Account::of);
        session.local_sdp = invite.sdp.clone();
        let cseq = session.dialog.next_cseq();
        let timer = session.timer_request(&cx.core.config);
        let transaction = cx.request_over(
            invite.hop,
            &session.dialog,
            (&Method::Invite, cseq),
            Owner::Session(session.id),
            session.account.clone(),
            |mut draft, core| {
                draft
                    .header("Contact", &session.dialog.contact)
                    .header("Allow", ALLOW)
                    .header("Supported", SUPPORTED)
                    .lines(&timer)
                    .header("User-Agent", &core.config.product);
                if let Some(asserted) = &invite.asserted {
                    draft.header("P-Asserted-Identity", asserted);
                }
                for (name, value) in &invite.headers {
                    draft.header(name, value);
                }
                draft.finish_sdp(Some(&invite.sdp))
            },
        );
        if let Some(within) = invite.answer_within {
            cx.core.transactions.answer_by(transaction, cx.now + within);
        }
        session.asking = Some(Asking::new(transaction, AskingKind::Invite, cseq, Some(invite.sdp)));
        session
    }

    /// A response to a request of this session came, and was new.
    pub(in crate::sip) fn answered(&mut self, cx: &mut Cx<'_>, reply: &Reply) {
        let status = reply.response.status;
        if reply.method == Method::Cancel {
            return self.cancel_answered(cx, status);
        }
        let Some(kind) = self.asking_kind(reply.transaction) else {
            return self.answered_aside(cx, reply);
        };
        match status {
            ..200 => self.progressed(cx, reply, kind),
            200..300 => self.accepted(cx, reply, kind),
            401 | 407 if self.try_credentials(cx, reply) => {}
            422 if self.try_longer(cx, reply) => {}
            _ => self.refused(cx, kind, status, reply.response.headers.retry_after().ok().flatten()),
        }
    }

    /// A request of this session got no answer.
    pub(in crate::sip) fn unanswered(&mut self, cx: &mut Cx<'_>, silence: Silence, status: u16) {
        match self.asking_kind(silence.id) {
            Some(AskingKind::Invite) if status == 503 && self.dialog.web_hop().is_some() => {
                self.rings_by_no_connection(cx, status);
            }
            Some(kind) => self.refused(cx, kind, status, None),
            None if status == 503 && self.only_hop().is_some() => self.was_cut_off(cx, silence),
            None if self.stage == Stage::Confirmed => self.ended(cx, EndCause::PeerGone, true),
            None => {}
        }
    }

    /// The INVITE of ours that still waits, when the session goes.
    pub(in crate::sip) fn pending_invite(&self) -> Option<TransactionId> {
        self.asking.as_ref().map(|asking| asking.transaction)
    }

    /// The peer hung up.
    pub(in crate::sip) fn hung_up(&mut self, cx: &mut Cx<'_>) {
        self.unacked = None;
        self.tell(cx, |session| Event::Ended { session, cause: EndCause::Bye });
        self.refuse_asked(cx, 487, None, None);
        self.stage = Stage::Over;
    }

    /// Sends the CANCEL that waited for a provisional response (§9.1).
    pub(super) fn cancel_if_due(&mut self, cx: &mut Cx<'_>) {
        let proceeding = self.asking.as_ref().filter(|asking| asking.proceeding);
        let (Some(closing), Some(asking), Stage::Early) = (&mut self.closing, proceeding, self.stage) else {
            return;
        };
        if closing.cancelled || self.parted.is_some() {
            return;
        }
        *closing = Closing { cancelled: true, until: cx.now + TIMEOUT, ..*closing };
        cx.cancel(asking.transaction, reason_header(closing.reason));
    }

    /// Whether a CANCEL was sent, and the INVITE has no final response yet.
    pub(super) fn is_cancelled(&self) -> bool {
        let cancelled = self.closing.is_some_and(|closing| closing.cancelled);
        cancelled && self.stage == Stage::Early && self.parted.is_none()
    }

    /// The CANCEL was answered. Who knows nothing that it could cancel, and was heard ringing, has picked up: a process that ended
    /// before it could write that down has acknowledged it.
    fn cancel_answered(&mut self, cx: &mut Cx<'_>, status: u16) {
        if status == 481 && self.is_cancelled() && !self.dialog.remote_tag.is_empty() {
            self.rings_for_nobody(cx);
        }
    }

    /// A 2xx that this session has acknowledged came again, to a transaction that is gone: the ACK was lost.
    pub(in crate::sip) fn accepted_again(&mut self, cx: &mut Cx<'_>, cseq: u32) {
        if self.stage == Stage::Confirmed {
            let hop = self.dialog.next_hop();
            let ack = cx.ack(hop, &self.dialog, cseq, "");
            cx.send(hop, ack);
        }
    }

    fn asking_kind(&self, transaction: TransactionId) -> Option<AskingKind> {
        self.asking.as_ref().filter(|asking| asking.transaction == transaction).map(|asking| asking.kind)
    }

    fn progressed(&mut self, cx: &mut Cx<'_>, reply: &Reply, kind: AskingKind) {
        if let Some(asking) = &mut self.asking {
            asking.proceeding = true;
        }
        let (response, status) = (&reply.response, reply.response.status);
        if kind != AskingKind::Invite || status == 100 {
            return;
        }
        let tag = tag_of(&response.headers);
        if !tag.is_empty() && (self.dialog.remote_tag.is_empty() || self.dialog.remote_tag == tag) {
            self.dialog.adopt(response);
            self.learn(&response.headers);
        }
        let reliable = response.headers.requires("100rel") && matches!(response.headers.rseq(), Ok(Some(_)));
        if reliable && !self.acknowledge_provisional(cx, reply, tag.clone()) {
            return;
        }
        let sdp = Body::read(&response.headers, &response.body).sdp;
        if let Some(sdp) = sdp.clone() {
            self.answered_early(EarlyAnswer { to_tag: tag, sdp, settled: reliable });
        }
        self.tell(cx, |session| Event::Progressed { session, status, sdp });
    }

    /// A provisional response answers our offer, unless a reliable one of the same dialog has done so (RFC 3262 §5).
    fn answered_early(&mut self, answer: EarlyAnswer) {
        let Some(asking) = &mut self.asking else {
            return;
        };
        let known = asking.early.iter().position(|early| early.to_tag == answer.to_tag);
        if known.is_some_and(|at| asking.early[at].settled) {
            return;
        }
        if answer.to_tag == self.dialog.remote_tag {
            self.remote_sdp = answer.sdp.clone();
        }
        match known {
            Some(at) => asking.early[at] = answer,
            None if asking.early.len() < MAX_EARLY => asking.early.push(answer),
            None => {}
        }
    }

    /// The reliable answer to our INVITE, which has no 2xx yet, where that came in the dialog that the peer's requests come in.
    pub(super) fn settled_early(&mut self) -> Option<&mut EarlyAnswer> {
        let (stage, tag) = (self.stage, &self.dialog.remote_tag);
        let asking = self.asking.as_mut().filter(|_| stage == Stage::Early && self.closing.is_none())?;
        asking.early.iter_mut().find(|early| early.settled && early.to_tag == *tag)
    }

    /// Sends PRACK (RFC 3262 §4). False when the response came before, or out of order: it is as if it had
    /// not come.
    fn acknowledge_provisional(&mut self, cx: &mut Cx<'_>, reply: &Reply, tag: String) -> bool {
        let (Ok(Some(rseq)), Some(asking)) = (reply.response.headers.rseq(), &mut self.asking) else {
            return true;
        };
        let early = asking.seen.iter().position(|(seen, _)| *seen == tag);
        match early {
            Some(at) if rseq == asking.seen[at].1.wrapping_add(1) => asking.seen[at].1 = rseq,
            None if asking.seen.len() < MAX_EARLY => asking.seen.push((tag.clone(), rseq)),
            _ => return false,
        }
        let rack = format!("{rseq} {} INVITE", asking.cseq);
        let cseq = self.dialog.next_cseq();
        let mut early = self.dialog.clone();
        if early.remote_tag != tag {
            early.adopt(&reply.response);
        }
        let account = self.account.clone();
        let owner = Owner::Session(self.id);
        cx.request(&early, (&Method::Prack, cseq), owner, account, |mut draft, core| {
            draft.header("RAck", rack).header("User-Agent", &core.config.product);
            draft.finish()
        });
        true
    }

    fn accepted(&mut self, cx: &mut Cx<'_>, reply: &Reply, kind: AskingKind) {
        let Some(mut asking) = self.asking.take() else {
            return;
        };
        let response = &reply.response;
        match kind {
            AskingKind::Invite => self.dialog.adopt(response),
            _ => self.dialog.refresh_target(&response.headers),
        }
        self.learn(&response.headers);
        self.agreed(cx, &response.headers);
        if kind != AskingKind::Update {
            cx.acknowledge(&self.dialog, asking.cseq, asking.transaction);
        }
        let sdp = asking.answer(response);
        let changed = sdp.as_ref().is_some_and(|sdp| *sdp != self.remote_sdp);
        if let Some(sdp) = &sdp {
            self.remote_sdp = sdp.clone();
        }
        // What the first INVITE offered is known, and may have changed by an UPDATE since.
        if let Some(offer) = asking.sdp.filter(|_| kind != AskingKind::Invite) {
            self.local_sdp = offer;
        }
        match (kind, sdp) {
            (AskingKind::Invite, sdp) => {
                self.stage = Stage::Confirmed;
                self.tell(cx, |session| Event::Answered { session, sdp });
            }
            (AskingKind::ReInvite, Some(sdp)) => {
                self.tell(cx, |session| Event::OfferAnswered { session, sdp });
            }
            // A 2xx that does not answer the offer leaves the media as they were.
            (AskingKind::ReInvite, None) => {
                self.tell(cx, |session| Event::OfferRefused { session, status: 488 });
            }
            (AskingKind::Refresh, Some(sdp)) if changed => {
                self.tell(cx, |session| Event::OfferAnswered { session, sdp });
            }
            (AskingKind::Refresh | AskingKind::Update, _) => {}
        }
    }

    fn refused(&mut self, cx: &mut Cx<'_>, kind: AskingKind, status: u16, retry_after_s: Option<u32>) {
        if kind != AskingKind::Invite {
            return self.offer_refused(cx, kind, status);
        }
        self.asking = None;
        self.tell(cx, |session| Event::Failed { session, status, retry_after_s });
        self.stage = Stage::Over;
    }

    /// A response to INFO, OPTIONS or PRACK, or to an INVITE of before.
    fn answered_aside(&mut self, cx: &mut Cx<'_>, reply: &Reply) {
        let status = reply.response.status;
        let invite = reply.method == Method::Invite;
        if invite && (200..300).contains(&status) {
            return end_stray_dialog(cx, reply);
        }
        if matches!(status, 401 | 407) && !invite {
            let cseq = self.dialog.next_cseq();
            let sent = cx.resend(reply, cseq, true, |_| {});
            self.probe = sent.filter(|_| self.probe == Some(reply.transaction)).or(self.probe);
        }
        // §12.2.1.2: the peer knows no such dialog.
        let aside = matches!(reply.method, Method::Info | Method::Options);
        if matches!(status, 408 | 481) && aside && self.stage == Stage::Confirmed {
            self.ended(cx, EndCause::PeerGone, true);
        }
    }

    /// Answers a challenge (§22.2). The dialog goes on as it was before the request.
    fn try_credentials(&mut self, cx: &mut Cx<'_>, reply: &Reply) -> bool {
        if self.closing.is_some() {
            return false;
        }
        self.forget_early();
        let cseq = self.dialog.next_cseq();
        let sent = cx.resend(reply, cseq, true, |_| {});
        self.asked_anew(sent, cseq)
    }

    /// Asks for the longer session interval that a 422 wants (RFC 4028 §7.3), once.
    fn try_longer(&mut self, cx: &mut Cx<'_>, reply: &Reply) -> bool {
        let tried = self.asking.as_ref().is_none_or(|asking| asking.tries > 1);
        let (false, Ok(Some(min_se_s)), None) = (tried, reply.response.headers.min_se(), self.closing) else {
            return false;
        };
        self.forget_early();
        let cseq = self.dialog.next_cseq();
        let expires_s = min_se_s.max(cx.core.config.session_expires_s);
        let sent = cx.resend(reply, cseq, false, |headers| {
            headers.set(HeaderName::SessionExpires, expires_s.to_string());
            headers.set(HeaderName::MinSe, min_se_s.to_string());
        });
        self.asked_anew(sent, cseq)
    }

    fn forget_early(&mut self) {
        if self.stage == Stage::Early {
            self.dialog.remote_tag.clear();
        }
    }

    fn asked_anew(&mut self, sent: Option<TransactionId>, cseq: u32) -> bool {
        let (Some(transaction), Some(asking)) = (sent, &mut self.asking) else {
            return false;
        };
        asking.transaction = transaction;
        asking.cseq = cseq;
        asking.tries += 1;
        asking.proceeding = false;
        asking.seen.clear();
        asking.early.clear();
        true
    }
}

impl Asking {
    pub(super) fn new(transaction: TransactionId, kind: AskingKind, cseq: u32, sdp: Option<Bytes>) -> Asking {
        let (seen, early) = (Vec::new(), Vec::new());
        Asking { transaction, kind, cseq, sdp, tries: 0, seen, proceeding: false, early }
    }

    /// What a 2xx answers our offer with: nothing new, where a reliable response has done so. One that was not reliable is no
    /// answer to rely on, but better than none: some phones leave it at that.
    fn answer(&mut self, response: &Response) -> Option<Bytes> {
        let said = Body::read(&response.headers, &response.body).sdp;
        let tag = tag_of(&response.headers);
        let early = self.early.drain(..).find(|early| early.to_tag == tag && !early.sdp.is_empty());
        match early {
            Some(early) if early.settled => Some(early.sdp),
            early => said.or_else(|| Some(early?.sdp)),
        }
    }
}

/// A 2xx to an INVITE that nobody wants any more: another branch of the fork answered first, or the session
/// is gone. It is ACKed and ended (§13.2.2.4).
pub(in crate::sip) fn end_stray_dialog(cx: &mut Cx<'_>, reply: &Reply) {
    let contact = cx.core.config.contact(None, reply.hop);
    let Some(dialog) = Dialog::stray(&reply.response, reply.hop, contact) else {
        return;
    };
    cx.acknowledge(&dialog, reply.cseq, reply.transaction);
    say_bye(cx, dialog.next_hop(), dialog, reply.cseq, reply.account.clone().map(Account::anew));
}

/// The same for a 2xx whose INVITE nobody knows. Whatever it says of where its sender is, it is answered where it came from.
pub(in crate::sip) fn end_unknown_dialog(cx: &mut Cx<'_>, hop: Hop, response: &Response, cseq: u32) {
    let contact = cx.core.config.contact(None, hop);
    let Some(dialog) = Dialog::stray(response, hop, contact) else {
        return;
    };
    let ack = cx.ack(hop, &dialog, cseq, "");
    cx.send(hop, ack);
    say_bye(cx, hop, dialog, cseq, None);
}

/// Ends a dialog that no session has; its INVITE had this number.
fn say_bye(cx: &mut Cx<'_>, hop: Hop, mut dialog: Dialog, cseq: u32, account: Option<Account>) {
    // Above any number that a PRACK may have taken meanwhile.
    dialog.local_cseq = cseq.wrapping_add(100);
    let bye = (&Method::Bye, dialog.next_cseq());
    cx.request_over(hop, &dialog, bye, Owner::Nobody, account, |draft, _| draft.finish());
}
