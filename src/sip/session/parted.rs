//! A session whose peer has opened its connection, between the end of one and the beginning of the next, which nobody else can
//! open: a phone in a browser, or one that is signed in over TCP or TLS. Audio has a way of its own and goes on meanwhile, so the
//! session does not end by it. One that only rings in a browser does, and its phone is told so when it is back.

use serde::Deserialize;
use serde::Serialize;

use super::Asking;
use super::AskingKind;
use super::Session;
use super::Stage;
use crate::base::Name;
use crate::base::Timestamp;
use crate::sip::api::EndCause;
use crate::sip::api::EndReason;
use crate::sip::api::Event;
use crate::sip::api::Hop;
use crate::sip::endpoint::Cx;
use crate::sip::transaction::Silence;
use crate::sip::transaction::TIMEOUT;
use crate::sip::uri::Uri;

/// Nothing can be said to the peer now. Offers, refreshes and the BYE wait for it; a key of a moment ago does not.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Parted {
    /// When it is taken for gone: 32 s after somebody asked whether it is there, as long as an answer would be waited for.
    until: Option<Timestamp>,
}

impl Session {
    /// The connection by which alone the peer is reached: that of a browser, or of a phone that is signed in and so comes again. Its
    /// Contact may well name the port that it connected from, and nobody listens there.
    pub(in crate::sip) fn only_hop(&self) -> Option<Hop> {
        let signed_in = self.user.is_some();
        self.dialog.web_hop().or_else(|| self.dialog.connection().filter(|_| signed_in))
    }

    /// Whether it is this one.
    pub(in crate::sip) fn is_by(&self, hop: Hop) -> bool {
        self.only_hop() == Some(hop)
    }

    /// Whether the peer is a phone of this user, that signs in with this Contact, and did so by another connection before. A
    /// Contact alone proves nothing: anybody may give another one's, and a user's phones may have the same but for the port.
    pub(in crate::sip) fn is_phone_of(&self, user: &Name, contact: &Uri, before: Option<Hop>) -> bool {
        let came_again = self.dialog.web_hop().is_some() || self.parted.is_some();
        self.user.as_ref() == Some(user)
            && self
                .only_hop()
                .is_some_and(|hop| Some(hop) == before || came_again && self.dialog.is_to(contact))
    }

    /// Whether what the peer is told may go over this connection, which it has opened as well: one of the same kind.
    fn goes_on_by(&self, hop: Hop) -> bool {
        match self.dialog.web_hop() {
            Some(_) => hop.transport.is_web(),
            None => self.dialog.connection().is_some_and(|before| before.transport == hop.transport),
        }
    }

    /// Whether the peer cannot be told anything by a process that has not made its connection.
    pub(in crate::sip) fn needs_its_connection(&self) -> bool {
        self.dialog.web_hop().is_some() || self.stage == Stage::Confirmed && self.only_hop().is_some()
    }

    /// The connection to the peer is gone. A phone that is no browser may answer an INVITE over another one
    /// ([RFC 3261 §18.2.2](https://www.rfc-editor.org/rfc/rfc3261#section-18.2.2)), so it rings on.
    pub(in crate::sip) fn part(&mut self) {
        if self.stage == Stage::Confirmed || self.dialog.web_hop().is_some() && self.rings() {
            self.parted.get_or_insert_default();
        }
    }

    /// The connection by which the peer rang is gone, and an answer cannot come by another one: phones forget whom they would
    /// answer. They ring on all the same, so that the peer is told when it is back that nobody calls any more.
    pub(super) fn rings_by_no_connection(&mut self, cx: &mut Cx<'_>, status: u16) {
        self.asking = None;
        self.tell(cx, |session| Event::Failed { session, status, retry_after_s: None });
        self.end(cx, EndReason::Normal);
        if self.parted.is_none() {
            // It was back before the one that it rang by was found to be closed.
            self.rings_for_nobody(cx);
        }
    }

    /// The connection went with an earlier process, and so did the answer to what was being asked over it.
    pub(in crate::sip) fn part_from_before(&mut self, now: Timestamp) {
        self.part();
        if self.rings() {
            self.asking = None;
        }
        if let Some(Asking { kind, sdp, .. }) = self.asking.take() {
            match (kind, &mut self.timer) {
                (AskingKind::ReInvite, _) => self.wanted = self.wanted.take().or(sdp),
                (_, Some(timer)) => timer.at = timer.at.min(now),
                (_, None) => {}
            }
        }
    }

    /// The peer has another connection now: what it is told goes there. Where the one before was gone it is asked whether it
    /// still knows the session.
    pub(in crate::sip) fn reconnected(&mut self, cx: &mut Cx<'_>, hop: Hop) {
        if !self.goes_on_by(hop) {
            return;
        }
        self.dialog.reconnected(hop);
        match self.parted.take() {
            None => {}
            Some(_) if self.rings() => self.rings_for_nobody(cx),
            Some(_) => self.is_there(cx),
        }
    }

    /// There is nothing to cancel at the peer: its transaction went with its connection, or it picked up for a process that is
    /// gone. What it has of the call is the dialog that its ringing began, which a BYE ends, be it early still or not
    /// ([RFC 3261 §15](https://www.rfc-editor.org/rfc/rfc3261#section-15)).
    pub(super) fn rings_for_nobody(&mut self, cx: &mut Cx<'_>) {
        if self.dialog.remote_tag.is_empty() {
            self.stage = Stage::Over;
        } else {
            self.bye(cx, EndReason::Normal);
        }
    }

    /// The peer has said something within the session by this connection: whoever never signs in is found by that. A trunk is
    /// reached where it listens.
    pub(in crate::sip) fn came_by(&mut self, hop: Hop) {
        if self.goes_on_by(hop) {
            self.dialog.reconnected(hop);
            self.parted = None;
        }
    }

    /// It is to be asked whether it is there, and has no connection.
    pub(super) fn must_be_back(&mut self, now: Timestamp) {
        if let Some(parted) = &mut self.parted {
            parted.until.get_or_insert(now + TIMEOUT);
        }
    }

    /// What was told or asked aside over a connection went with it.
    pub(super) fn was_cut_off(&mut self, cx: &mut Cx<'_>, silence: Silence) {
        if self.probe == Some(silence.id) {
            self.is_there(cx);
        }
    }

    /// When [`Session::tick_parted`] is next due.
    pub(super) fn back_by(&self) -> Option<Timestamp> {
        self.parted.filter(|_| self.closing.is_none())?.until
    }

    pub(super) fn tick_parted(&mut self, cx: &mut Cx<'_>) {
        if self.back_by().is_some_and(|until| until <= cx.now) {
            self.ended(cx, EndCause::PeerGone, true);
        }
    }
}
