//! Dialogs, RFC 3261 §12: who the two are, what was numbered last, and where requests go.

use std::net::IpAddr;
use std::net::SocketAddr;

use serde::Deserialize;
use serde::Serialize;

use crate::sip::api::Hop;
use crate::sip::endpoint::Arrival;
use crate::sip::endpoint::Draft;
use crate::sip::message::HeaderName;
use crate::sip::message::Headers;
use crate::sip::message::Response;
use crate::sip::uri::NameAddr;
use crate::sip::uri::Transport;
use crate::sip::uri::Uri;

/// How many Record-Routes a dialog may have: a way longer than Max-Forwards is none.
const MAX_ROUTES: usize = 70;

/// A dialog, early or confirmed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(in crate::sip) struct Dialog {
    pub(in crate::sip) call_id: String,
    /// Our From (we called) or To, with our tag.
    pub(in crate::sip) local: String,
    pub(in crate::sip) local_tag: String,
    /// Theirs, with their tag once it is known.
    pub(in crate::sip) remote: String,
    /// Empty until the first response with one, and for peers of RFC 2543 that have none.
    pub(in crate::sip) remote_tag: String,
    /// Our Contact.
    pub(in crate::sip) contact: String,
    /// The CSeq of our last request.
    pub(in crate::sip) local_cseq: u32,
    /// The CSeq of the peer's last request.
    pub(in crate::sip) remote_cseq: Option<u32>,
    routes: Vec<NameAddr>,
    /// Remote target: the peer's Contact.
    target: Uri,
    /// The hop the dialog was made over.
    hop: Hop,
    /// The peer's Contact is not where it can be reached: requests go to `hop`.
    pinned: bool,
}

impl Dialog {
    /// The dialog that an INVITE to us begins (§12.1.1).
    pub(in crate::sip) fn callee(arrival: &Arrival, target: Uri, local_tag: &str, contact: String) -> Dialog {
        let headers = &arrival.request.headers;
        let to = arrival.to.clone().with_tag(local_tag);
        Dialog {
            call_id: arrival.call_id.clone(),
            local: to.to_string(),
            local_tag: local_tag.to_owned(),
            remote: arrival.from.to_string(),
            remote_tag: arrival.from.tag().unwrap_or_default().to_owned(),
            contact,
            local_cseq: 0,
            remote_cseq: Some(arrival.cseq),
            routes: record_routes(headers),
            pinned: is_translated(arrival, &target),
            target,
            hop: arrival.back,
        }
    }

    /// The dialog that our INVITE hopes for; `routes` are those it is sent through.
    pub(in crate::sip) fn caller(
        call_id: String,
        (from, to): (NameAddr, NameAddr),
        local_tag: &str,
        contact: String,
        (target, hop): (Uri, Hop),
        routes: Vec<Uri>,
    ) -> Dialog {
        // A phone behind address translation is called at its Contact, but by way of the hop it registered
        // over; its 200 then has the same unreachable Contact.
        let pinned = literal(&target).is_some_and(|literal| literal != hop.remote);
        Dialog {
            call_id,
            local: from.with_tag(local_tag).to_string(),
            local_tag: local_tag.to_owned(),
            remote: to.to_string(),
            remote_tag: String::new(),
            contact,
            local_cseq: 0,
            remote_cseq: None,
            routes: routes.into_iter().map(NameAddr::of).collect(),
            target,
            hop,
            pinned,
        }
    }

    /// The dialog of a 2xx that nobody wants any more, read off the response alone.
    pub(in crate::sip) fn stray(response: &Response, hop: Hop, contact: String) -> Option<Dialog> {
        let headers = &response.headers;
        let from = headers.from().ok()?;
        let target =
            headers.contact().ok()?.map_or_else(|| headers.to().map(|to| to.uri), |c| Ok(c.uri)).ok()?;
        let mut dialog = Dialog {
            call_id: headers.call_id().ok()?.to_owned(),
            local_tag: from.tag().unwrap_or_default().to_owned(),
            local: from.to_string(),
            remote: String::new(),
            remote_tag: String::new(),
            contact,
            local_cseq: 0,
            remote_cseq: None,
            routes: Vec::new(),
            target,
            hop,
            pinned: false,
        };
        dialog.adopt(response);
        Some(dialog)
    }

    /// The dialog as a response to our INVITE makes it (§12.1.2). Each 2xx or provisional may make its own.
    pub(in crate::sip) fn adopt(&mut self, response: &Response) {
        if let Some(to) = response.headers.get(&HeaderName::To) {
            self.remote = to.to_owned();
        }
        self.remote_tag = tag_of(&response.headers);
        self.routes = record_routes(&response.headers);
        self.routes.reverse();
        self.refresh_target(&response.headers);
    }

    /// Takes the peer's new Contact, when there is one (target refresh, §12.2).
    pub(in crate::sip) fn refresh_target(&mut self, headers: &Headers) {
        if let Ok(Some(contact)) = headers.contact() {
            self.target = contact.uri;
        }
    }

    /// The peer sends from somewhere else now, and says so by a new Contact in a request.
    pub(in crate::sip) fn moved(&mut self, arrival: &Arrival) {
        if let Ok(Some(contact)) = arrival.request.headers.contact() {
            self.pinned = is_translated(arrival, &contact.uri);
            self.target = contact.uri;
            self.hop = arrival.back;
        }
    }

    /// The connection of the browser that the peer is in; none where it is in none.
    pub(in crate::sip) fn web_hop(&self) -> Option<Hop> {
        Some(self.hop).filter(|hop| hop.transport.is_web())
    }

    /// The connection that the dialog goes over; none where it goes over none.
    pub(in crate::sip) fn connection(&self) -> Option<Hop> {
        Some(self.hop).filter(|hop| hop.transport.is_reliable())
    }

    /// Whether the dialog was made over a connection, and so the peer hears when that ends.
    pub(in crate::sip) fn is_by_connection(&self) -> bool {
        self.hop.transport.is_reliable()
    }

    /// Whether this Contact is the peer's, but for marks that it has in dialogs alone.
    pub(in crate::sip) fn is_to(&self, contact: &Uri) -> bool {
        let of = |uri: &Uri| (uri.user.clone(), uri.host.to_ascii_lowercase());
        of(&self.target) == of(contact)
    }

    /// The peer has another connection now: requests go over that.
    pub(in crate::sip) fn reconnected(&mut self, hop: Hop) {
        self.hop = hop;
    }

    /// Whether a request of the peer's is of this dialog. A peer of RFC 2543 may leave its tag away, and one
    /// whose first response was lost may name one that we do not know yet.
    pub(in crate::sip) fn is_of(&self, call_id: &str, local_tag: &str, remote_tag: &str) -> bool {
        self.call_id == call_id
            && self.local_tag == local_tag
            && (self.remote_tag == remote_tag || self.remote_tag.is_empty())
    }

    /// Takes note of the CSeq of a request. False when it came out of order (§12.2.2).
    pub(in crate::sip) fn takes_cseq(&mut self, cseq: u32) -> bool {
        let in_order = self.remote_cseq.is_none_or(|last| cseq > last);
        if in_order {
            self.remote_cseq = Some(cseq);
        }
        in_order
    }

    /// The CSeq for a new request of ours.
    pub(in crate::sip) fn next_cseq(&mut self) -> u32 {
        // 2^31 requests into a call, order is lost for one of them; a panic would lose more.
        self.local_cseq = self.local_cseq.wrapping_add(1) & 0x7fff_ffff;
        self.local_cseq
    }

    /// Where a request goes next.
    ///
    /// First the first Route, else the remote target, when its host is an address: we ask no DNS. Everything
    /// else goes to the hop the dialog was made over: a name; a Contact on another transport; any target over
    /// a stream, whose connection is the only sure way back; and a peer behind address translation, known by a
    /// lone Via that is not where its request came from.
    pub(in crate::sip) fn next_hop(&self) -> Hop {
        let next = self.routes.first().map_or(&self.target, |route| &route.uri);
        let pinned = self.pinned && self.routes.is_empty();
        if pinned || self.hop.transport.is_reliable() || wants_other_transport(next, self.hop.transport) {
            return self.hop;
        }
        match literal(next) {
            Some(remote) => Hop { remote, ..self.hop },
            None => self.hop,
        }
    }

    /// Begins a request within the dialog (§12.2.1.1): all but what is special to it, and the body.
    pub(in crate::sip) fn draft(&self, method: &str, cseq: u32, via: &str) -> Draft {
        // A first Route without `lr` is a strict router's: it wants itself in the Request-URI.
        let strict = self.routes.first().filter(|route| !route.uri.params.has("lr"));
        let mut draft = Draft::request(method, strict.map_or(&self.target, |route| &route.uri));
        draft.lines(via).header("Max-Forwards", 70);
        for route in self.routes.iter().skip(usize::from(strict.is_some())) {
            draft.header("Route", route);
        }
        if strict.is_some() {
            draft.header("Route", NameAddr::of(self.target.clone()));
        }
        draft
            .header("From", &self.local)
            .header("To", &self.remote)
            .header("Call-ID", &self.call_id)
            .header("CSeq", format_args!("{cseq} {method}"));
        draft
    }
}

/// The To tag of a response; empty when there is none.
pub(in crate::sip) fn tag_of(headers: &Headers) -> String {
    headers.to().ok().and_then(|to| to.tag().map(str::to_owned)).unwrap_or_default()
}

/// The address a URI names without DNS.
pub(in crate::sip) fn literal(uri: &Uri) -> Option<SocketAddr> {
    let ip: IpAddr = uri.host.parse().ok()?;
    Some(SocketAddr::new(ip, uri.port_or_default()))
}

fn wants_other_transport(uri: &Uri, ours: Transport) -> bool {
    let said = uri.params.get("transport").unwrap_or("udp");
    !said.eq_ignore_ascii_case(ours.as_via())
}

fn record_routes(headers: &Headers) -> Vec<NameAddr> {
    let mut routes = headers.record_routes().unwrap_or_default();
    routes.truncate(MAX_ROUTES);
    routes
}

/// Whether `target` cannot be where the request came from: with a lone Via, nobody stood between us but a
/// translator of addresses, which changes the source and leaves the Via as it was. Who only sends from another port than
/// it listens on, and does not ask for that one, is translated by nobody.
fn is_translated(arrival: &Arrival, target: &Uri) -> bool {
    let Some(target) = literal(target) else {
        return true;
    };
    let heard = arrival.back.remote;
    if arrival.vias > 1 || target == heard {
        return false;
    }
    match arrival.via.host.parse::<IpAddr>() {
        Ok(sent_by) => SocketAddr::new(sent_by, arrival.via.port.unwrap_or(5060)) != heard,
        Err(_) => target.ip() != heard.ip(),
    }
}
