//! Any conversation with the endpoint: a peer who sends what it likes, in and out of dialogs, and a server that
//! asks for what it likes. No panic; what is due is done; and once everybody has hung up, nothing is left.
//!
//! The input is lines. The first character says what happens, the rest is a text for it (see [`Peer::act`]).
#![no_main]

use std::time::Duration;

use bytes::Bytes;
use libfuzzer_sys::fuzz_target;
use warmline::base::Entropy;
use warmline::base::Timestamp;
use warmline::sip::Command;
use warmline::sip::Endpoint;
use warmline::sip::EndpointConfig;
use warmline::sip::Event;
use warmline::sip::Hop;
use warmline::sip::Input;
use warmline::sip::Output;
use warmline::sip::SessionId;
use warmline::sip::Transport;
use warmline::sip::api::EndReason;
use warmline::sip::api::Invite;
use warmline::sip::message::HeaderName;
use warmline::sip::message::Message;
use warmline::sip::message::ParseError;
use warmline::sip::message::Request;
use warmline::sip::uri::NameAddr;
use warmline::sip::uri::Uri;

const SDP: &str = "v=0\r\no=- 1 1 IN IP4 192.0.2.9\r\ns=-\r\nc=IN IP4 192.0.2.9\r\nt=0 0\r\nm=audio 4000 RTP/AVP 0\r\n";
/// The sessions that the server begins: the first and how many.
const OURS: u64 = 1 << 63;
const MOST_OURS: u64 = 4;

fuzz_target!(|data: &[u8]| {
    let mut peer = Peer::new();
    for line in data.split(|octet| *octet == b'\n').take(60) {
        let text = String::from_utf8_lossy(line);
        let mut characters = text.chars();
        let what = characters.next().unwrap_or('t');
        peer.act(what, characters.as_str());
    }
    peer.everybody_hangs_up();
});

struct Peer {
    endpoint: Endpoint,
    now: Timestamp,
    hop: Hop,
    /// The tag of the endpoint in the peer's dialog, as its last response had it.
    tag: String,
    /// The endpoint's last request, for whoever answers it.
    asked: Option<Request>,
    /// What it told of: sessions that the peer began.
    sessions: u64,
    cseq: u32,
}

impl Peer {
    fn new() -> Peer {
        Peer {
            endpoint: Endpoint::new(EndpointConfig::default(), Entropy::seeded(1)),
            now: Timestamp::from_secs(1),
            hop: Hop {
                transport: Transport::Udp,
                local: "192.0.2.1:5060".parse().expect("an address"),
                remote: "192.0.2.9:5070".parse().expect("an address"),
            },
            tag: String::new(),
            asked: None,
            sessions: 0,
            cseq: 1,
        }
    }

    fn act(&mut self, what: char, text: &str) {
        let session = self.session(text);
        match what {
            // The peer's requests; `text` is a further header line, such as Refer-To or Replaces.
            'I' => self.request("INVITE", text, SDP),
            'i' => self.request("INVITE", text, ""),
            'A' => self.request("ACK", text, ""),
            'a' => self.request("ACK", text, SDP),
            'B' => self.request("BYE", text, ""),
            'C' => self.request("CANCEL", text, ""),
            'U' => self.request("UPDATE", text, SDP),
            'N' => self.request("INFO", text, "Signal=5"),
            'P' => self.request("PRACK", text, ""),
            'R' => self.request("REFER", text, ""),
            'O' => self.request("OPTIONS", text, ""),
            'G' => self.request("REGISTER", text, ""),
            // Another call from the start.
            'n' => self.tag.clear(),
            // The peer's answers to what it was asked last, by their first digit.
            '1' => self.respond(183, text, SDP),
            '2' => self.respond(200, text, SDP),
            '3' => self.respond(302, text, ""),
            '4' => self.respond(491, text, ""),
            '6' => self.respond(603, text, ""),
            'x' => self.input(Input::Received { hop: self.hop, bytes: Bytes::from(text.to_owned()) }),
            'X' => self.input(Input::HopFailed { hop: self.hop }),
            // What the server wants.
            'v' => self.invite(session),
            'p' => self.command(Command::Progress { session, status: 180, sdp: None }),
            'q' => self.command(Command::Progress { session, status: 183, sdp: Some(SDP.into()) }),
            'w' => self.command(Command::Answer { session, sdp: SDP.into() }),
            'r' => self.command(Command::Refuse { session, status: 486, retry_after_s: None }),
            'e' => self.command(Command::End { session, reason: EndReason::Normal }),
            'o' => self.command(Command::Offer { session, sdp: SDP.into() }),
            'k' => self.command(Command::AnswerOffer { session, sdp: SDP.into() }),
            'l' => self.command(Command::RefuseOffer { session, status: 488 }),
            'f' => self.command(Command::AnswerRefer { session, refused: None }),
            'g' => {
                let refused = Some((603, text.to_owned()));
                self.command(Command::AnswerRefer { session, refused });
            }
            'd' => {
                let body = Bytes::from(text.to_owned());
                self.command(Command::Info { session, content_type: "application/dtmf-relay", body });
            }
            't' => self.command(Command::Options { session }),
            _ => self.tick(),
        }
    }

    /// One of the sessions that there may be, by the last character of a text.
    fn session(&self, text: &str) -> SessionId {
        let chosen = text.bytes().last().map_or(0, u64::from);
        match chosen % 2 {
            0 => SessionId(1 + chosen / 2 % self.sessions.max(1)),
            _ => SessionId(OURS + chosen / 2 % MOST_OURS),
        }
    }

    fn request(&mut self, method: &str, header: &str, body: &str) {
        // CANCEL and ACK belong to the request before them.
        if !matches!(method, "ACK" | "CANCEL") {
            self.cseq += 1;
        }
        let Peer { cseq, tag, .. } = &self;
        let tag = if tag.is_empty() { String::new() } else { format!(";tag={tag}") };
        let extra = if header.is_empty() { String::new() } else { format!("{}\r\n", header.replace('\r', "")) };
        let content = if body.starts_with("v=") { "application/sdp" } else { "application/dtmf-relay" };
        let text = format!(
            "{method} sip:1000@192.0.2.1 SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.9:5070;branch=z9hG4bK{cseq}\r\n\
             Max-Forwards: 70\r\nFrom: <sip:carl@example.org>;tag=carl\r\nTo: <sip:1000@192.0.2.1>{tag}\r\n\
             Call-ID: call\r\nCSeq: {cseq} {method}\r\nContact: <sip:carl@192.0.2.9:5070>\r\n{extra}\
             Content-Type: {content}\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        );
        self.input(Input::Received { hop: self.hop, bytes: text.into() });
    }

    fn respond(&mut self, status: u16, header: &str, body: &str) {
        let Some(asked) = &self.asked else { return };
        let value = |name| asked.headers.get(&name).unwrap_or_default().to_owned();
        let mut to = value(HeaderName::To);
        if !to.contains(";tag=") {
            to.push_str(";tag=bob");
        }
        let extra = if header.is_empty() { String::new() } else { format!("{}\r\n", header.replace('\r', "")) };
        let text = format!(
            "SIP/2.0 {status} Whatever\r\nVia: {}\r\nFrom: {}\r\nTo: {to}\r\nCall-ID: {}\r\nCSeq: {}\r\n\
             Contact: <sip:bob@192.0.2.9:5070>\r\n{extra}Content-Type: application/sdp\r\n\
             Content-Length: {}\r\n\r\n{body}",
            value(HeaderName::Via),
            value(HeaderName::From),
            value(HeaderName::CallId),
            value(HeaderName::CSeq),
            body.len()
        );
        self.input(Input::Received { hop: self.hop, bytes: text.into() });
    }

    fn invite(&mut self, session: SessionId) {
        let uri = |text| Uri::parse(text).expect("our own");
        self.command(Command::Invite(Box::new(Invite {
            session: SessionId(OURS + session.0 % MOST_OURS),
            uri: uri("sip:bob@192.0.2.9:5070"),
            hop: self.hop,
            from: NameAddr::of(uri("sip:1000@192.0.2.1")),
            to: NameAddr::of(uri("sip:bob@192.0.2.9")),
            asserted: None,
            headers: Vec::new(),
            sdp: SDP.into(),
            trunk: None,
            routes: Vec::new(),
            answer_within: None,
        })));
    }

    fn command(&mut self, command: Command) {
        self.input(Input::Command(command));
    }

    fn tick(&mut self) {
        self.now = self.endpoint.deadline().unwrap_or(self.now).max(self.now);
        self.input(Input::Tick);
        assert!(self.endpoint.deadline().is_none_or(|at| at > self.now), "due, and not done");
    }

    fn input(&mut self, input: Input) {
        let mut out = Vec::new();
        self.endpoint.handle(self.now, input, &mut out);
        for output in out {
            match output {
                Output::Send { bytes, .. } => match Message::parse(bytes) {
                    Ok(Message::Request(request)) => self.asked = Some(request),
                    Ok(Message::Response(response)) => {
                        let to = response.headers.to().ok();
                        let tag = to.as_ref().and_then(|to| to.tag());
                        self.tag = tag.unwrap_or_default().to_owned();
                    }
                    // A 400 has the peer's own headers, as bad as they were.
                    Err(error) => assert!(matches!(error, ParseError::Ignore(_)), "{error:?}"),
                },
                Output::Event(Event::Incoming(incoming)) => self.sessions = incoming.session.0,
                Output::Event(_) => {}
            }
        }
    }

    /// The server ends every session; the peer says nothing more.
    fn everybody_hangs_up(&mut self) {
        let ours = OURS..OURS + MOST_OURS;
        for session in (1..=self.sessions).chain(ours).map(SessionId) {
            self.command(Command::End { session, reason: EndReason::Normal });
        }
        let end = self.now + Duration::from_secs(600);
        while self.endpoint.deadline().is_some_and(|at| at <= end) {
            self.tick();
        }
        assert_eq!(self.endpoint.session_count(), 0, "sessions are left");
        assert_eq!(self.endpoint.transaction_count(), 0, "transactions are left");
    }
}
