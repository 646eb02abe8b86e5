//! How a request is refused: the status, and the header that tells the peer what would do.

use bytes::Bytes;

use super::ALLOW;
use super::Arrival;
use super::Cx;
use super::Draft;
use super::SUPPORTED;
use crate::sip::message::ACCEPT;
use crate::sip::message::HeaderName;
use crate::sip::message::Headers;
use crate::sip::registrar::MIN_EXPIRES_S;
use crate::sip::transaction::TransactionId;

/// Refuses within the request's transaction.
pub(super) fn refuse(cx: &mut Cx<'_>, arrival: &Arrival, transaction: TransactionId, status: u16) {
    let response = draft(cx, arrival, status).finish();
    cx.respond(transaction, &arrival.request.method, status, response);
}

/// Refuses without one: at overload nothing is kept. The same request gets the same response (§8.2.7).
pub(super) fn refuse_statelessly(cx: &mut Cx<'_>, arrival: &Arrival, status: u16) {
    let response = draft(cx, arrival, status).finish();
    answer_statelessly(cx, arrival, status, response);
}

/// Answers without a transaction.
pub(super) fn answer_statelessly(cx: &mut Cx<'_>, arrival: &Arrival, status: u16, response: Bytes) {
    cx.core.counters.sent(&arrival.request.method, status);
    cx.send(arrival.back, response);
}

/// Answers OPTIONS in a dialog (§11.2).
pub(super) fn answer_options(cx: &mut Cx<'_>, arrival: &Arrival, transaction: TransactionId) {
    let response = abilities(cx, arrival);
    cx.respond(transaction, &arrival.request.method, 200, response);
}

/// Answers OPTIONS outside a dialog, and keeps nothing of it: any stranger may ask, and the same is answered again.
pub(super) fn answer_options_statelessly(cx: &mut Cx<'_>, arrival: &Arrival) {
    let response = abilities(cx, arrival);
    cx.core.counters.sent(&arrival.request.method, 200);
    cx.send(arrival.hop, response);
}

fn abilities(cx: &Cx<'_>, arrival: &Arrival) -> Bytes {
    let mut draft = arrival.refusal(200, &arrival.tag(), &cx.core.config);
    draft.header("Contact", cx.core.config.contact(None, arrival.hop));
    write_abilities(&mut draft);
    draft.finish()
}

/// The option tags of a request that we do not know.
pub(super) fn unknown_extensions(headers: &Headers) -> Vec<&str> {
    let known = |tag: &&str| SUPPORTED.split(", ").any(|ours| ours.eq_ignore_ascii_case(tag));
    headers.list(&HeaderName::Require).filter(|tag| !known(tag)).collect()
}

fn write_abilities(draft: &mut Draft) {
    draft
        .header("Allow", ALLOW)
        .header("Accept", ACCEPT)
        .header("Accept-Encoding", "identity")
        .header("Accept-Language", "en")
        .header("Supported", SUPPORTED);
}

fn draft(cx: &mut Cx<'_>, arrival: &Arrival, status: u16) -> Draft {
    let mut draft = arrival.refusal(status, &arrival.tag(), &cx.core.config);
    match status {
        405 | 501 => {
            draft.header("Allow", ALLOW);
        }
        415 => {
            draft.header("Accept", ACCEPT).header("Accept-Encoding", "identity");
        }
        420 => {
            draft.header("Unsupported", unknown_extensions(&arrival.request.headers).join(", "));
        }
        422 => {
            draft.header("Min-SE", cx.core.config.min_se_s);
        }
        423 => {
            draft.header("Min-Expires", MIN_EXPIRES_S);
        }
        // §14.2: between 0 and 10 s, at random.
        500 => {
            draft.header("Retry-After", cx.core.entropy.below(11));
        }
        503 => {
            draft.header("Retry-After", cx.core.config.retry_after_s);
        }
        _ => {}
    }
    draft
}

impl Arrival {
    /// The To tag of what we answer outside a dialog: the same for the same request. Empty where it has one.
    pub(super) fn tag(&self) -> String {
        if self.to.tag().is_some() { String::new() } else { self.merge_key().token() }
    }
}
