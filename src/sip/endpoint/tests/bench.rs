//! A bench to put one endpoint on: raw messages in, what it sent and told out.

use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;

use crate::base::Entropy;
use crate::base::Timestamp;
use crate::sip::api::Command;
use crate::sip::api::Event;
use crate::sip::api::Hop;
use crate::sip::api::Incoming;
use crate::sip::api::Input;
use crate::sip::api::Invite;
use crate::sip::api::Output;
use crate::sip::api::SessionId;
use crate::sip::digest::Ha1;
use crate::sip::endpoint::Endpoint;
use crate::sip::endpoint::EndpointConfig;
use crate::sip::endpoint::TrunkConfig;
use crate::sip::message::HeaderName;
use crate::sip::message::Message;
use crate::sip::message::Request;
use crate::sip::message::Response;
use crate::sip::uri::NameAddr;
use crate::sip::uri::Transport;
use crate::sip::uri::Uri;

pub(super) const OFFER: &str = "v=0\r\no=- 1 1 IN IP4 192.0.2.9\r\ns=-\r\nc=IN IP4 192.0.2.9\r\nt=0 0\r\n\
                                m=audio 4000 RTP/AVP 0\r\n";
pub(super) const ANSWER: &str = "v=0\r\no=- 2 2 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n\
                                 m=audio 6000 RTP/AVP 0\r\n";

pub(super) struct Bench {
    pub endpoint: Endpoint,
    pub now: Timestamp,
    pub hop: Hop,
    /// Written down and read back after every step, when set.
    pub reborn: bool,
    config: EndpointConfig,
    outputs: Vec<Output>,
}

pub(super) fn config() -> EndpointConfig {
    let user = |name: &str| (name.into(), Ha1::of(name, "warmline", "secret"));
    EndpointConfig { users: [user("alice"), user("bob")].into(), ..EndpointConfig::default() }
}

pub(super) fn hop(transport: Transport) -> Hop {
    Hop { transport, local: "192.0.2.1:5060".parse().unwrap(), remote: "192.0.2.9:5070".parse().unwrap() }
}

impl Bench {
    pub(super) fn new() -> Bench {
        Bench::with(config(), Transport::Udp)
    }

    pub(super) fn with(config: EndpointConfig, transport: Transport) -> Bench {
        Bench {
            endpoint: Endpoint::new(config.clone(), Entropy::seeded(1)),
            now: Timestamp::from_secs(100),
            hop: hop(transport),
            reborn: false,
            config,
            outputs: Vec::new(),
        }
    }

    pub(super) fn input(&mut self, input: Input) {
        if self.reborn {
            let text = serde_json::to_string(&self.endpoint).unwrap();
            let mut read: Endpoint = serde_json::from_str(&text).unwrap();
            assert_eq!(read, self.endpoint);
            read.configure(self.config.clone());
            self.endpoint = read;
        }
        self.endpoint.handle(self.now, input, &mut self.outputs);
    }

    pub(super) fn receive(&mut self, text: impl Into<String>) {
        self.receive_bytes(text.into().into_bytes());
    }

    pub(super) fn receive_bytes(&mut self, bytes: Vec<u8>) {
        self.input(Input::Received { hop: self.hop, bytes: bytes.into() });
    }

    /// The same, over another hop than usual.
    pub(super) fn receive_by(&mut self, hop: Hop, text: String) {
        self.input(Input::Received { hop, bytes: text.into_bytes().into() });
    }

    pub(super) fn know_trunks(&mut self, trunks: Vec<TrunkConfig>) {
        self.endpoint.know_trunks(self.now, trunks, &mut self.outputs);
    }

    /// Forgets what it sent and told.
    pub(super) fn forget(&mut self) {
        self.outputs.clear();
    }

    pub(super) fn command(&mut self, command: Command) {
        self.input(Input::Command(command));
    }

    /// The connection is closed; what comes next comes by another one.
    pub(super) fn cut_off(&mut self) {
        let closed = self.hop;
        self.hop.remote.set_port(closed.remote.port() + 1);
        self.input(Input::HopFailed { hop: closed });
        self.forget();
    }

    /// Lets time pass, with every tick on its deadline.
    pub(super) fn pass(&mut self, millis: u64) {
        let end = self.now + Duration::from_millis(millis);
        while let Some(at) = self.endpoint.deadline().filter(|at| *at <= end) {
            self.now = self.now.max(at);
            self.input(Input::Tick);
        }
        self.now = end;
    }

    /// What it sent since it was asked last: `200 INVITE` or `BYE`.
    pub(super) fn sent(&mut self) -> Vec<String> {
        let mut sent = Vec::new();
        self.outputs.retain(|output| match output {
            Output::Send { bytes, .. } => {
                sent.push(line(bytes));
                false
            }
            Output::Event(_) => true,
        });
        sent
    }

    /// The same, with where it went.
    pub(super) fn sent_over(&mut self) -> Vec<(Hop, String)> {
        let sent = std::mem::take(&mut self.outputs).into_iter().map(|output| match output {
            Output::Send { hop, bytes } => (hop, line(&bytes)),
            Output::Event(event) => panic!("it told {}", short(&event)),
        });
        sent.collect()
    }

    /// Where it sent something since it was asked last, without what went to the same place twice in a row.
    pub(super) fn sent_to(&mut self) -> Vec<SocketAddr> {
        let mut places = Vec::new();
        self.outputs.retain(|output| match output {
            Output::Send { hop, .. } => {
                places.push(hop.remote);
                false
            }
            Output::Event(_) => true,
        });
        places.dedup();
        places
    }

    /// The last message it sent since it was asked last.
    pub(super) fn last(&mut self) -> Message {
        let mut last = None;
        self.outputs.retain(|output| match output {
            Output::Send { bytes, .. } => {
                last = Some(bytes.clone());
                false
            }
            Output::Event(_) => true,
        });
        Message::parse(last.expect("nothing was sent")).expect("what we send can be read")
    }

    /// Where the last message went that it sent since it was asked last.
    pub(super) fn last_hop(&mut self) -> Hop {
        let hop = self.outputs.iter().rev().find_map(|output| match output {
            Output::Send { hop, .. } => Some(*hop),
            Output::Event(_) => None,
        });
        hop.expect("nothing was sent")
    }

    pub(super) fn last_request(&mut self) -> Request {
        match self.last() {
            Message::Request(request) => request,
            Message::Response(response) => panic!("a response: {response:?}"),
        }
    }

    pub(super) fn last_response(&mut self) -> Response {
        match self.last() {
            Message::Response(response) => response,
            Message::Request(request) => panic!("a request: {request:?}"),
        }
    }

    /// What it told the server since it was asked last.
    pub(super) fn events(&mut self) -> Vec<Event> {
        let mut events = Vec::new();
        self.outputs.retain(|output| match output {
            Output::Event(event) => {
                events.push(event.clone());
                false
            }
            Output::Send { .. } => true,
        });
        events
    }

    /// The same, short: `Incoming`, `Ended(Bye)`.
    pub(super) fn told(&mut self) -> Vec<String> {
        self.events().iter().map(short).collect()
    }

    /// Times of what is sent in the next `millis`, from now, with what it is.
    pub(super) fn sends_within(&mut self, millis: u64) -> Vec<(u64, String)> {
        let (start, end) = (self.now, self.now + Duration::from_millis(millis));
        let mut sends = Vec::new();
        while let Some(at) = self.endpoint.deadline().filter(|at| *at <= end) {
            self.now = self.now.max(at);
            self.input(Input::Tick);
            let at = self.now.since(start).as_millis() as u64;
            sends.extend(self.sent().into_iter().map(|line| (at, line)));
        }
        self.now = end;
        sends
    }

    /// Lets time pass until something is sent: how many milliseconds that took.
    pub(super) fn pass_until_it_sends(&mut self) -> u64 {
        let start = self.now;
        while !self.outputs.iter().any(|output| matches!(output, Output::Send { .. })) {
            self.now = self.endpoint.deadline().expect("something is due");
            self.input(Input::Tick);
        }
        self.now.since(start).as_millis() as u64
    }

    /// Calls and is answered: the To tag of ours.
    pub(super) fn establish(&mut self) -> String {
        self.receive(invite("1"));
        self.command(Command::Answer { session: SessionId(1), sdp: ANSWER.into() });
        let to = self.last_response().headers.to().unwrap();
        let tag = to.tag().unwrap().to_owned();
        self.receive(request("ACK", "1a", 1, &tag, "", ""));
        self.events();
        tag
    }
}

pub(super) fn line(bytes: &Bytes) -> String {
    match Message::parse(bytes.clone()).expect("what we send can be read") {
        Message::Request(request) => request.method.to_string(),
        Message::Response(response) => {
            format!("{} {}", response.status, response.headers.cseq().unwrap().method)
        }
    }
}

pub(super) fn short(event: &Event) -> String {
    match event {
        Event::Incoming(_) => "Incoming".into(),
        Event::Acked { sdp, .. } => with_sdp("Acked", sdp.is_some()),
        Event::Progressed { status, sdp, .. } => with_sdp(&format!("Progressed {status}"), sdp.is_some()),
        Event::Answered { sdp, .. } => with_sdp("Answered", sdp.is_some()),
        Event::Failed { status, .. } => format!("Failed {status}"),
        Event::Offered { sdp, .. } => with_sdp("Offered", sdp.is_some()),
        Event::OfferAnswered { .. } => "OfferAnswered".into(),
        Event::OfferRefused { status, .. } => format!("OfferRefused {status}"),
        Event::Info { content_type, .. } => format!("Info {content_type}"),
        Event::Refer(refer) => {
            let to = refer.to.user.clone().unwrap_or_default();
            format!("Refer {to}{}", if refer.replaces.is_some() { " replacing" } else { "" })
        }
        Event::Ended { cause, .. } => format!("Ended {cause:?}"),
        Event::Registered { user, contacts, .. } => format!("Registered {user} {contacts}"),
        Event::Unregistered { user, contacts } => format!("Unregistered {user} {contacts}"),
        Event::TrunkRegistered { trunk, status } => format!("TrunkRegistered {trunk} {status}"),
        Event::TriesOver { user, hop } => format!("TriesOver {user} {}", hop.remote),
    }
}

fn with_sdp(word: &str, sdp: bool) -> String {
    if sdp { format!("{word} sdp") } else { word.to_owned() }
}

/// A request of the peer's. `to_tag` is ours, `extra` whole header lines.
/// The number or user that a call is from.
pub(super) fn caller_of(incoming: &Incoming) -> Option<&str> {
    incoming.caller.as_ref()?.uri.user.as_deref()
}

pub(super) fn request(
    method: &str,
    branch: &str,
    cseq: u32,
    to_tag: &str,
    extra: &str,
    body: &str,
) -> String {
    let tag = if to_tag.is_empty() { String::new() } else { format!(";tag={to_tag}") };
    let content = if body.is_empty() { "" } else { "Content-Type: application/sdp\r\n" };
    format!(
        "{method} sip:1000@192.0.2.1 SIP/2.0\r\n\
         Via: SIP/2.0/UDP 192.0.2.9:5070;branch=z9hG4bK{branch};rport\r\n\
         Max-Forwards: 70\r\n\
         From: <sip:carl@example.org>;tag=carl\r\n\
         To: <sip:1000@192.0.2.1>{tag}\r\n\
         Call-ID: call-1\r\n\
         CSeq: {cseq} {method}\r\n\
         Contact: <sip:carl@192.0.2.9:5070>\r\n\
         {extra}{content}Content-Length: {}\r\n\r\n{body}",
        body.len()
    )
}

pub(super) fn invite(branch: &str) -> String {
    request("INVITE", branch, 1, "", "", OFFER)
}

/// The peer's response to a request of ours.
pub(super) fn response(to: &Request, status: u16, to_tag: &str, extra: &str, body: &str) -> String {
    let value = |name| to.headers.get(&name).unwrap_or_default().to_owned();
    let (via, from, call_id) = (value(HeaderName::Via), value(HeaderName::From), value(HeaderName::CallId));
    let (mut callee, cseq) = (value(HeaderName::To), value(HeaderName::CSeq));
    if !to_tag.is_empty() && !callee.contains(";tag=") {
        callee.push_str(&format!(";tag={to_tag}"));
    }
    let content = if body.is_empty() { "" } else { "Content-Type: application/sdp\r\n" };
    format!(
        "SIP/2.0 {status} Whatever\r\nVia: {via}\r\nFrom: {from}\r\nTo: {callee}\r\nCall-ID: {call_id}\r\n\
         CSeq: {cseq}\r\nContact: <sip:bob@192.0.2.9:5070>\r\n{extra}{content}Content-Length: {}\r\n\r\n{body}",
        body.len()
    )
}

/// Our call to bob.
pub(super) fn call(hop: Hop) -> Command {
    let uri = |text| Uri::parse(text).unwrap();
    Command::Invite(Box::new(Invite {
        session: OURS,
        uri: uri("sip:bob@192.0.2.9:5070"),
        hop,
        from: NameAddr::of(uri("sip:1000@192.0.2.1")),
        to: NameAddr::of(uri("sip:bob@192.0.2.9")),
        asserted: None,
        headers: vec![("X-Call", "7".to_owned())],
        sdp: OFFER.into(),
        trunk: None,
        routes: Vec::new(),
        answer_within: None,
    }))
}

/// The session of [`call`].
pub(super) const OURS: SessionId = SessionId(1 << 63);
