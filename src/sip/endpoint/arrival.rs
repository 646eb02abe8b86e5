//! A request that came in, with what everybody asks of it read once; and how it is answered.

use bytes::Bytes;

use super::Draft;
use super::EndpointConfig;
use crate::sip::api::Hop;
use crate::sip::message::Body;
use crate::sip::message::Essentials;
use crate::sip::message::HeaderError;
use crate::sip::message::HeaderName;
use crate::sip::message::Method;
use crate::sip::message::Request;
use crate::sip::message::Via;
use crate::sip::transaction::Key;
use crate::sip::transaction::MAGIC_COOKIE;
use crate::sip::uri::NameAddr;
use crate::sip::uri::Transport;

/// The methods that we know and allow.
pub(in crate::sip) const ALLOW: &str =
    "INVITE, ACK, BYE, CANCEL, OPTIONS, REGISTER, PRACK, UPDATE, INFO, REFER";

/// The extensions that we know.
pub(in crate::sip) const SUPPORTED: &str = "100rel, timer, norefersub, replaces";

/// A request and what was read of it.
pub(in crate::sip) struct Arrival {
    pub(in crate::sip) hop: Hop,
    /// Where its responses go, and so where its sender listens.
    pub(in crate::sip) back: Hop,
    pub(in crate::sip) request: Request,
    /// The top Via as the peer wrote it.
    pub(in crate::sip) via: Via,
    /// How many Vias there are.
    pub(in crate::sip) vias: usize,
    pub(in crate::sip) from: NameAddr,
    pub(in crate::sip) to: NameAddr,
    pub(in crate::sip) call_id: String,
    pub(in crate::sip) cseq: u32,
    /// Its SDP.
    pub(in crate::sip) sdp: Option<Bytes>,
    /// Whether its body has nothing that must be understood and is not.
    pub(in crate::sip) has_known_body: bool,
}

impl Arrival {
    /// Takes what was read of a request already, and stamps its Via. The error is the peer's: 400.
    pub(in crate::sip) fn read(
        hop: Hop,
        mut request: Request,
        Essentials { via, from, to, cseq }: Essentials,
    ) -> Result<Arrival, Box<(Request, HeaderError)>> {
        if cseq.seq > 0x7fff_ffff {
            return Err(Box::new((request, HeaderError::Malformed(HeaderName::CSeq))));
        }
        let call_id = match request.headers.call_id() {
            Ok(call_id) => call_id.to_owned(),
            Err(error) => return Err(Box::new((request, error))),
        };
        let vias = request.headers.list(&HeaderName::Via).count();
        request.headers.stamp(via.clone(), hop.remote);
        let back = way_back(hop, &via);
        let Body { sdp, is_known: has_known_body } = Body::read(&request.headers, &request.body);
        let cseq = cseq.seq;
        Ok(Arrival { hop, back, request, via, vias, from, to, call_id, cseq, sdp, has_known_body })
    }

    /// What names its server transaction: branch, sent-by and `method` (§17.2.3), or all that RFC 2543 had.
    pub(in crate::sip) fn key(&self, method: &Method) -> Key {
        let (host, port) = (&self.via.host, self.via.port.unwrap_or(5060));
        match self.via.branch().filter(|branch| branch.len() > MAGIC_COOKIE.len()) {
            Some(branch) if branch.starts_with(MAGIC_COOKIE) => {
                Key::of(format_args!("{method} {host}:{port} {branch}"))
            }
            branch => Key::of(format_args!(
                "{method} {host}:{port} {} {} {} {} {}",
                branch.unwrap_or_default(),
                self.call_id,
                self.from.tag().unwrap_or_default(),
                self.cseq,
                self.request.uri,
            )),
        }
    }

    /// Whether its sender knows only RFC 2543: its branch does not begin with the cookie, or is missing.
    pub(in crate::sip) fn is_of_rfc_2543(&self) -> bool {
        !self.via.branch().is_some_and(|branch| branch.starts_with(MAGIC_COOKIE))
    }

    /// What the same request has in common with itself when it came by two ways (§8.2.2.2).
    pub(in crate::sip) fn merge_key(&self) -> Key {
        Key::of(format_args!("{} {} {}", self.call_id, self.cseq, self.from.tag().unwrap_or_default()))
    }

    /// The header lines that every response to it begins with, To with `tag` when it has none.
    pub(in crate::sip) fn head(&self, tag: &str) -> String {
        let tag = Some(tag).filter(|tag| !tag.is_empty() && self.to.tag().is_none());
        head(&self.request, tag)
    }

    /// A final response without a body.
    pub(in crate::sip) fn refusal(&self, status: u16, tag: &str, config: &EndpointConfig) -> Draft {
        let mut draft = Draft::response(status);
        draft.lines(&self.head(tag)).header("Server", &config.product);
        draft
    }

    /// Whether the sender takes SDP back; without Accept it does (§20.1).
    pub(in crate::sip) fn accepts_sdp(&self) -> bool {
        let kinds = |range: &str| {
            let kind = range.split(';').next().unwrap_or_default().trim();
            ["application/sdp", "application/*", "*/*"].iter().any(|ours| kind.eq_ignore_ascii_case(ours))
        };
        let accept = &HeaderName::Accept;
        !self.request.headers.has(accept) || self.request.headers.list(accept).any(kinds)
    }
}

/// Where the responses go to a request with this top Via, over what it came by.
pub(super) fn way_back(hop: Hop, via: &Via) -> Hop {
    match hop.transport {
        Transport::Udp => Hop { remote: via.answered_at(hop.remote), ..hop },
        _ => hop,
    }
}

/// The Vias, From, To, Call-ID, CSeq and Record-Routes of a request as header lines.
fn head(request: &Request, to_tag: Option<&str>) -> String {
    let mut head = String::with_capacity(512);
    for (name, value) in request.headers.iter() {
        let copied = matches!(
            name,
            HeaderName::Via
                | HeaderName::From
                | HeaderName::To
                | HeaderName::CallId
                | HeaderName::CSeq
                | HeaderName::RecordRoute
        );
        if !copied {
            continue;
        }
        head.push_str(name.as_str());
        head.push_str(": ");
        head.push_str(value);
        if let (HeaderName::To, Some(tag)) = (name, to_tag) {
            head.push_str(";tag=");
            head.push_str(tag);
        }
        head.push_str("\r\n");
    }
    head
}
