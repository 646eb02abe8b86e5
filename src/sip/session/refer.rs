//! REFER within a session: the peer, an agent's phone, asks that the one it talks with be handed to somebody else
//! (RFC 3515), or to whoever another session of its own is with (Replaces in Refer-To, RFC 3891 §3).
//!
//! The server decides at once, so that the subscription that a REFER makes begins and ends with one NOTIFY; a peer that
//! wants none says so (RFC 4488).

use bytes::Bytes;
use serde::Deserialize;
use serde::Serialize;

use super::Session;
use super::Stage;
use crate::sip::api::Event;
use crate::sip::api::Refer;
use crate::sip::endpoint::Arrival;
use crate::sip::endpoint::Cx;
use crate::sip::endpoint::Draft;
use crate::sip::message::HeaderName;
use crate::sip::message::Headers;
use crate::sip::message::Method;
use crate::sip::message::reason_phrase;
use crate::sip::transaction::Owner;
use crate::sip::transaction::TransactionId;
use crate::sip::uri::NameAddr;
use crate::sip::uri::Scheme;
use crate::sip::uri::decode_lossy;

/// What a NOTIFY says became of it.
const SIPFRAG: &str = "message/sipfrag;version=2.0";

/// A REFER that the server has not answered yet.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Referring {
    transaction: TransactionId,
    cseq: u32,
    /// What its response begins with.
    head: String,
    /// Whether the peer wants to be told what became of it.
    told: bool,
}

/// Refer-To without what INVITE would have in its headers, and the dialog that Replaces names there.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::sip) struct ReferTo {
    pub(in crate::sip) to: NameAddr,
    pub(in crate::sip) replaces: Option<Replaces>,
}

/// A dialog, named from our side of it: its Call-ID, our tag, the peer's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::sip) struct Replaces {
    pub(in crate::sip) call_id: String,
    pub(in crate::sip) to_tag: String,
    pub(in crate::sip) from_tag: String,
}

impl Replaces {
    /// `abc@host;to-tag=1;from-tag=2` (RFC 3891 §6.1).
    pub(in crate::sip) fn parse(text: &str) -> Option<Replaces> {
        let mut parts = text.split(';').map(str::trim);
        let call_id = parts.next().filter(|id| !id.is_empty())?.to_owned();
        let (mut to_tag, mut from_tag) = (None, None);
        for part in parts {
            match part.split_once('=') {
                Some((name, tag)) if name.eq_ignore_ascii_case("to-tag") => to_tag = Some(tag.to_owned()),
                Some((name, tag)) if name.eq_ignore_ascii_case("from-tag") => from_tag = Some(tag.to_owned()),
                _ => {}
            }
        }
        Some(Replaces { call_id, to_tag: to_tag?, from_tag: from_tag? })
    }
}

impl ReferTo {
    /// Reads Refer-To; the status to refuse the REFER with when it has none, or one that is no SIP address.
    pub(in crate::sip) fn read(headers: &Headers) -> Result<ReferTo, u16> {
        let mut all = headers.all(&HeaderName::ReferTo);
        let (Some(text), None) = (all.next(), all.next()) else { return Err(400) };
        let mut to = NameAddr::parse(text).map_err(|_| 400u16)?;
        if !matches!(to.uri.scheme, Scheme::Sip | Scheme::Sips | Scheme::Tel) {
            return Err(416);
        }
        let within = to.uri.headers.take().unwrap_or_default();
        let replaces = within.split('&').filter_map(|header| header.split_once('='));
        let replaces =
            replaces.filter(|(name, _)| name.eq_ignore_ascii_case("Replaces")).map(|(_, text)| text);
        let replaces = match replaces.map(decode_lossy).next() {
            Some(text) => Some(Replaces::parse(&text).ok_or(400u16)?),
            None => None,
        };
        Ok(ReferTo { to, replaces })
    }
}

impl Session {
    /// The peer's REFER. The status to refuse it with, or none when the server will answer.
    pub(in crate::sip) fn referred(
        &mut self,
        cx: &mut Cx<'_>,
        arrival: &Arrival,
        transaction: TransactionId,
        refer: impl FnOnce(crate::sip::api::SessionId) -> Refer,
    ) -> Option<u16> {
        if self.stage != Stage::Confirmed || self.closing.is_some() {
            return Some(481);
        }
        if self.referring.is_some() {
            return Some(491);
        }
        let told = arrival.request.headers.get(&HeaderName::from("Refer-Sub"));
        let told = !told.is_some_and(|told| told.trim().eq_ignore_ascii_case("false"));
        let head = arrival.head(&self.dialog.local_tag);
        self.referring = Some(Referring { transaction, cseq: arrival.cseq, head, told });
        cx.tell(Event::Refer(Box::new(refer(self.id))));
        None
    }

    /// The server's answer: it has been done, or why it is refused.
    pub(in crate::sip) fn answer_refer(&mut self, cx: &mut Cx<'_>, refused: Option<(u16, &str)>) {
        let Some(Referring { transaction, cseq, head, told }) = self.referring.take() else { return };
        let (status, phrase) = refused.unwrap_or((202, reason_phrase(202)));
        let mut draft = Draft::response_in_words(status, phrase);
        draft.lines(&head).header("Contact", &self.dialog.contact);
        draft.header("Server", &cx.core.config.product);
        if refused.is_none() && !told {
            draft.header("Refer-Sub", "false");
        }
        cx.respond(transaction, &Method::Refer, status, draft.finish());
        if refused.is_none() && told {
            self.notify_done(cx, cseq);
        }
    }

    /// The session is over: a REFER that waits for the server's answer has its own (RFC 3261 §15.1.2).
    pub(in crate::sip) fn refuse_refer(&mut self, cx: &mut Cx<'_>) {
        self.answer_refer(cx, Some((487, reason_phrase(487))));
    }

    /// Tells that it has been done; the subscription ends with it (RFC 3515 §2.4.7).
    fn notify_done(&mut self, cx: &mut Cx<'_>, refer: u32) {
        let cseq = self.dialog.next_cseq();
        let (owner, account) = (Owner::Session(self.id), self.account.clone());
        let contact = self.dialog.contact.clone();
        cx.request(&self.dialog, (&Method::Notify, cseq), owner, account, |mut draft, core| {
            draft
                .header("Contact", contact)
                .header("Event", format_args!("refer;id={refer}"))
                .header("Subscription-State", "terminated;reason=noresource")
                .header("User-Agent", &core.config.product);
            draft.finish_with(Some((SIPFRAG, &Bytes::from_static(b"SIP/2.0 200 OK\r\n"))))
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<ReferTo, u16> {
        let mut headers = Headers::new();
        headers.push(HeaderName::ReferTo, text);
        ReferTo::read(&headers)
    }

    #[test]
    fn where_to_and_which_dialog_is_read() {
        let plain = read("<sip:sales@127.0.0.1:5060>;method=INVITE").unwrap();
        assert_eq!((plain.to.uri.user.as_deref(), plain.replaces), (Some("sales"), None));
        let attended = read("\"Bob\" <sip:202@host?Replaces=a%40b%3Bto-tag%3D1%3bfrom-tag%3D2&X=1>").unwrap();
        let (call_id, to_tag, from_tag) = ("a@b".to_owned(), "1".to_owned(), "2".to_owned());
        assert_eq!(attended.replaces, Some(Replaces { call_id, to_tag, from_tag }));
        assert_eq!(attended.to.uri.headers, None);
        assert_eq!(read("<mailto:bob@host>").unwrap_err(), 416);
        assert_eq!(read("<sip:202@host?Replaces=a%40b>").unwrap_err(), 400, "a dialog has two tags");
        assert_eq!(ReferTo::read(&Headers::new()).unwrap_err(), 400);
    }
}
