//! What a session, the registrar and the trunks work with: the time, the transactions, the way out.

use bytes::Bytes;
use serde::Deserialize;
use serde::Serialize;

use super::Counters;
use super::Draft;
use super::EndpointConfig;
use crate::base::Entropy;
use crate::base::Timestamp;
use crate::base::Tries;
use crate::sip::api::Event;
use crate::sip::api::Hop;
use crate::sip::api::Output;
use crate::sip::dialog::Dialog;
use crate::sip::digest;
use crate::sip::digest::Account;
use crate::sip::digest::Authenticator;
use crate::sip::message::HeaderName;
use crate::sip::message::Headers;
use crate::sip::message::Message;
use crate::sip::message::Method;
use crate::sip::message::Request;
use crate::sip::message::Response;
use crate::sip::transaction::Branch;
use crate::sip::transaction::NewClient;
use crate::sip::transaction::Owner;
use crate::sip::transaction::TransactionId;
use crate::sip::transaction::Transactions;

/// The headers that answer a challenge.
const ANSWERS: [HeaderName; 2] = [HeaderName::Authorization, HeaderName::ProxyAuthorization];

/// What all parts of the endpoint share.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(in crate::sip) struct Core {
    #[serde(skip)]
    pub(in crate::sip) config: Aside<EndpointConfig>,
    pub(in crate::sip) entropy: Entropy,
    pub(in crate::sip) authenticator: Authenticator,
    /// At users' passwords.
    #[serde(skip)]
    pub(in crate::sip) tries: Aside<Tries>,
    pub(in crate::sip) transactions: Transactions,
    pub(in crate::sip) counters: Counters,
}

/// What is beside the state: not written down, and no two states differ by it.
#[derive(Clone, Debug, Default)]
pub(in crate::sip) struct Aside<T>(pub(in crate::sip) T);

impl<T> PartialEq for Aside<T> {
    fn eq(&self, _: &Aside<T>) -> bool {
        true
    }
}

impl<T> std::ops::Deref for Aside<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

impl<T> std::ops::DerefMut for Aside<T> {
    fn deref_mut(&mut self) -> &mut T {
        &mut self.0
    }
}

/// One moment of the endpoint.
pub(in crate::sip) struct Cx<'a> {
    pub(in crate::sip) now: Timestamp,
    pub(in crate::sip) core: &'a mut Core,
    pub(in crate::sip) out: &'a mut Vec<Output>,
}

impl Cx<'_> {
    /// Tells the server.
    pub(in crate::sip) fn tell(&mut self, event: Event) {
        self.out.push(Output::Event(event));
    }

    /// Sends outside any transaction.
    pub(in crate::sip) fn send(&mut self, hop: Hop, bytes: Bytes) {
        self.out.push(Output::Send { hop, bytes });
    }

    /// Answers within a server transaction. False when it has its final response already.
    pub(in crate::sip) fn respond(
        &mut self,
        id: TransactionId,
        method: &Method,
        status: u16,
        response: Bytes,
    ) -> bool {
        let sent = self.core.transactions.respond(self.now, id, status, response, self.out);
        if sent {
            self.core.counters.sent(method, status);
        }
        sent
    }

    /// Tells the caller to be patient: at once, or when it has no other answer in time.
    pub(in crate::sip) fn trying(&mut self, id: TransactionId, trying: Bytes) {
        let after = self.core.config.trying_after;
        if after.is_zero() {
            self.respond(id, &Method::Invite, 100, trying);
        } else {
            self.core.transactions.try_by(id, self.now + after, trying);
        }
    }

    /// Draws the id and the branch of a request that is about to be written.
    pub(in crate::sip) fn draw_branch(&mut self) -> (TransactionId, Branch) {
        let Core { transactions, entropy, .. } = &mut *self.core;
        transactions.draw_branch(entropy)
    }

    /// The Via line of a request with this branch over `hop`.
    pub(in crate::sip) fn via(&self, hop: Hop, branch: &impl std::fmt::Display) -> String {
        let sent_by = self.core.config.advertised(hop);
        format!("Via: SIP/2.0/{} {sent_by};rport;branch={branch}\r\n", hop.transport.as_via())
    }

    /// Sends a request within a dialog over its next hop; `write` adds what is special to it, and the body.
    pub(in crate::sip) fn request(
        &mut self,
        dialog: &Dialog,
        (method, cseq): (&Method, u32),
        owner: Owner,
        account: Option<Account>,
        write: impl FnOnce(Draft, &Core) -> Bytes,
    ) -> TransactionId {
        self.request_over(dialog.next_hop(), dialog, (method, cseq), owner, account, write)
    }

    /// As [`Cx::request`], over a hop that the server chose.
    pub(in crate::sip) fn request_over(
        &mut self,
        hop: Hop,
        dialog: &Dialog,
        (method, cseq): (&Method, u32),
        owner: Owner,
        account: Option<Account>,
        write: impl FnOnce(Draft, &Core) -> Bytes,
    ) -> TransactionId {
        let branch = self.draw_branch();
        let via = self.via(hop, &branch.1);
        let request = write(dialog.draft(method.as_str(), cseq, &via), self.core);
        let new = NewClient { hop, owner, request, invite: *method == Method::Invite, account };
        self.core.transactions.begin_client(self.now, branch, new, self.out);
        branch.0
    }

    /// Sends the ACK of a 2xx within a dialog, and remembers it for repetitions of that.
    pub(in crate::sip) fn acknowledge(&mut self, dialog: &Dialog, cseq: u32, invite: TransactionId) {
        let hop = dialog.next_hop();
        let answers = self.answers_in(invite);
        let ack = self.ack(hop, dialog, cseq, &answers);
        self.core.transactions.accept(invite, &dialog.remote_tag, hop, ack, self.out);
    }

    /// The ACK of a 2xx, over this hop, with these lines of its INVITE's.
    pub(in crate::sip) fn ack(&mut self, hop: Hop, dialog: &Dialog, cseq: u32, lines: &str) -> Bytes {
        let branch = self.draw_branch().1;
        let via = self.via(hop, &branch);
        let mut draft = dialog.draft("ACK", cseq, &via);
        draft.lines(lines).header("User-Agent", &self.core.config.product);
        draft.finish()
    }
}

/// A response that was new, with what it answers.
pub(in crate::sip) struct Reply {
    pub(in crate::sip) transaction: TransactionId,
    pub(in crate::sip) hop: Hop,
    pub(in crate::sip) owner: Owner,
    pub(in crate::sip) method: Method,
    pub(in crate::sip) cseq: u32,
    /// The request as it went out.
    pub(in crate::sip) request: Bytes,
    /// Who answers a challenge.
    pub(in crate::sip) account: Option<Account>,
    pub(in crate::sip) response: Response,
}

impl Cx<'_> {
    /// Sends a request again as a new one: with the next CSeq, a branch of its own, and what `edit` changes.
    /// `challenged`: with the answer to the response's challenge, as long as there is one; else without any, for one answer serves
    /// one request.
    pub(in crate::sip) fn resend(
        &mut self,
        reply: &Reply,
        cseq: u32,
        challenged: bool,
        edit: impl FnOnce(&mut Headers),
    ) -> Option<TransactionId> {
        let mut request = own_request(&reply.request)?;
        for answer in ANSWERS {
            request.headers.remove(&answer);
        }
        let account = match (challenged, reply.account.clone()) {
            (true, account) => Some(self.authorize(&mut request, &reply.response, account?)?),
            (false, account) => account.map(Account::anew),
        };
        let branch = self.draw_branch();
        let sent_by = self.core.config.advertised(reply.hop);
        let transport = reply.hop.transport.as_via();
        let via = format!("SIP/2.0/{transport} {sent_by};rport;branch={}", branch.1);
        request.headers.set(HeaderName::Via, via);
        request.headers.set(HeaderName::CSeq, format!("{cseq} {}", request.method));
        edit(&mut request.headers);
        let new = NewClient {
            hop: reply.hop,
            owner: reply.owner,
            invite: request.method == Method::Invite,
            request: request.to_bytes(),
            account,
        };
        self.core.transactions.begin_client(self.now, branch, new, self.out);
        Some(branch.0)
    }

    fn authorize(
        &mut self,
        request: &mut Request,
        challenge: &Response,
        account: Account,
    ) -> Option<Account> {
        let (asks, answers) = match challenge.status {
            407 => (HeaderName::ProxyAuthenticate, HeaderName::ProxyAuthorization),
            _ => (HeaderName::WwwAuthenticate, HeaderName::Authorization),
        };
        let account = account.once_more(digest::is_stale(challenge.headers.all(&asks)))?;
        let cnonce = self.core.entropy.token();
        let credentials = self.core.config.credentials(account.trunk())?;
        let (method, uri) = (request.method.as_str(), request.uri.to_string());
        let answer = digest::answer(challenge.headers.all(&asks), credentials, method, &uri, 1, &cnonce)?;
        request.headers.set(answers, answer);
        Some(account)
    }

    /// What an INVITE of ours answered a challenge with: the ACK of its 2xx has the same (§13.2.2.4).
    fn answers_in(&self, invite: TransactionId) -> String {
        let client = self.core.transactions.client(invite).filter(|client| client.account.is_some());
        let Some(request) = client.and_then(|client| own_request(&client.request)) else {
            return String::new();
        };
        let line = |name: &HeaderName| Some(format!("{}: {}\r\n", name.as_str(), request.headers.get(name)?));
        ANSWERS.iter().filter_map(line).collect()
    }

    /// Sends the CANCEL of an INVITE that waits (§9.1): the INVITE's own line and numbers.
    pub(in crate::sip) fn cancel(&mut self, invite: TransactionId, reason: Option<&str>) {
        let request = self.core.transactions.client(invite).and_then(|client| own_request(&client.request));
        let Some(request) = request else {
            return;
        };
        let mut draft = hop_by_hop("CANCEL", &request, request.headers.get(&HeaderName::To));
        if let Some(reason) = reason {
            draft.header("Reason", reason);
        }
        let cancel = draft.finish();
        self.core.transactions.begin_cancel(self.now, invite, cancel, self.out);
    }

    /// Sends the ACK of a final response above 299 (§17.1.1.3).
    pub(in crate::sip) fn acknowledge_refusal(&mut self, invite: TransactionId, response: &Response) {
        let request = self.core.transactions.client(invite).and_then(|client| own_request(&client.request));
        if let Some(request) = request {
            let ack = hop_by_hop("ACK", &request, response.headers.get(&HeaderName::To)).finish();
            self.core.transactions.complete(self.now, invite, ack, self.out);
        }
    }
}

/// An ACK or CANCEL that belongs to the transaction of an INVITE of ours.
fn hop_by_hop(method: &str, invite: &Request, to: Option<&str>) -> Draft {
    let headers = &invite.headers;
    let mut draft = Draft::request(method, &invite.uri);
    // Every request of ours has these; an empty value would only be refused.
    let value = |name| headers.get(&name).unwrap_or_default();
    draft.header("Via", value(HeaderName::Via)).header("Max-Forwards", 70);
    for route in headers.all(&HeaderName::Route) {
        draft.header("Route", route);
    }
    let cseq = value(HeaderName::CSeq).split(' ').next().unwrap_or_default();
    draft
        .header("From", value(HeaderName::From))
        .header("To", to.unwrap_or_default())
        .header("Call-ID", value(HeaderName::CallId))
        .header("CSeq", format_args!("{cseq} {method}"));
    draft
}

/// Reads a request of our own again.
pub(in crate::sip) fn own_request(bytes: &Bytes) -> Option<Request> {
    match Message::parse(bytes.clone()) {
        Ok(Message::Request(request)) => Some(request),
        _ => None,
    }
}
