//! The lines of calls: their sessions, their offers and answers, their streams.

use std::collections::VecDeque;
use std::net::IpAddr;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use serde::Deserialize;
use serde::Serialize;
use smallvec::SmallVec;
use smallvec::smallvec;
use tracing::debug;
use tracing::warn;

use super::Now;
use super::Output;
use super::Streams;
use super::Switchboard;
use super::in_browsers::InBrowsers;
use super::strangers::Stranger;
use super::ways::Instead;
use crate::base::AgentId;
use crate::base::CallId;
use crate::base::Entropy;
use crate::base::LegId;
use crate::base::Name;
use crate::base::Timestamp;
use crate::call::CallEvent;
use crate::call::LegEvent;
use crate::call::shown::Shown;
use crate::flow::center::AgentContact;
use crate::flow::center::Dtmf;
use crate::flow::center::Site;
use crate::flow::center::SrtpPolicy;
use crate::flow::center::Trunk;
use crate::media::MediaCommand;
use crate::media::Record;
use crate::media::control::PlayId;
use crate::sdp;
use crate::sdp::Codec;
use crate::sdp::Direction;
use crate::sdp::Negotiated;
use crate::sdp::crypto::Crypto;
use crate::sdp::negotiate::NegotiateError;
use crate::server::browser::SocketId;
use crate::server::browser::Tell;
use crate::sip::Command;
use crate::sip::Hop;
use crate::sip::SessionId;
use crate::sip::Transport;
use crate::sip::api::EndReason;
use crate::sip::api::Incoming;
use crate::sip::api::Invite;
use crate::sip::uri::NameAddr;
use crate::sip::uri::Uri;
use crate::wire::media::Opened;
use crate::wire::media::Reach;

/// One line of a call: the SIP sessions that are or may become it, and its stream.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Line {
    /// More than one while several phones of one agent ring.
    pub(super) sessions: SmallVec<[SessionId; 2]>,
    /// What we say of ourselves in offers and answers.
    pub(super) local: sdp::Local,
    /// Our answer to the caller's offer, and what it agrees on, until the line is answered. Not written down: it may have keys, and
    /// another process prepares it anew.
    #[serde(skip)]
    pub(super) prepared: Option<(String, Negotiated)>,
    pub(super) up: bool,
    /// Whether the party's phone has put us on hold.
    pub(super) held: bool,
    /// Whether audio should come and does not.
    pub(super) lost: bool,
    /// How the party's keys come: the first way that they come is believed, the other one ignored, for
    /// some phones send both.
    pub(super) digits: Option<DigitsBy>,
    /// The agent whose desk rings for it, or is it.
    pub(super) desk: Option<AgentId>,
    /// The page of a caller who calls from the web.
    #[serde(skip)]
    pub(super) web: Option<SocketId>,
    /// Those of its phones that ring in browsers.
    #[serde(skip)]
    pub(super) in_browsers: Option<InBrowsers>,
    /// What is left to try while nobody has answered. Not written down: who goes on with it waits for the place that is called.
    #[serde(skip)]
    pub(super) instead: Option<Instead>,
    /// The best refusal so far of several phones.
    pub(super) refused: Option<u16>,
    /// What a phone that rings has offered anew, and our answer agreed to, until one is picked up. Not written down: it may have keys,
    /// and what that phone said of itself comes again when it is picked up.
    #[serde(skip)]
    pub(super) early: SmallVec<[(SessionId, Negotiated); 1]>,
    /// What its stream was last told of the far end.
    pub(super) agreed: Option<Negotiated>,
    /// What its stream does.
    pub(super) sound: Sound,
    /// When its phone was offered new keys, because the old ones went with an earlier process.
    #[serde(default)]
    pub(super) secured_anew: Option<Timestamp>,
    /// Whether a caller has it for whom nobody speaks.
    #[serde(default)]
    pub(super) stranger: Option<Stranger>,
    /// Where somebody is called back by the contact that their own phone gave, which may be anybody's.
    #[serde(default)]
    pub(super) contact: Option<IpAddr>,
    /// How far its stream has come, where that goes to a phone.
    #[serde(skip)]
    pub(super) reach: Option<Arc<Reach>>,
}

/// What the stream of a line was told to do, as far as it still does: to be told so again by another process.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Sound {
    pub(super) plays: Option<Playing>,
    /// Whom it hears.
    pub(super) hears: SmallVec<[LegId; 4]>,
    pub(super) muted: bool,
    pub(super) gain_db: i8,
    pub(super) echo: bool,
    pub(super) recorded: bool,
}

/// What plays on a line, or will as soon as it is spoken.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Playing {
    pub(super) play: PlayId,
    pub(super) prompts: Vec<Name>,
    pub(super) barge_in: bool,
    pub(super) repeat: bool,
}

impl Sound {
    /// The two hear each other and nobody else.
    fn joined_with(&mut self, other: LegId) {
        (self.plays, self.hears) = (None, smallvec![other]);
    }
}

/// How a phone sends its keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum DigitsBy {
    Rtp,
    Info,
}

impl Line {
    pub(super) fn new(sessions: SmallVec<[SessionId; 2]>, local: sdp::Local) -> Line {
        Line {
            sessions,
            local,
            prepared: None,
            up: false,
            held: false,
            lost: false,
            digits: None,
            desk: None,
            web: None,
            in_browsers: None,
            instead: None,
            refused: None,
            early: SmallVec::new(),
            agreed: None,
            sound: Sound::default(),
            secured_anew: None,
            stranger: None,
            contact: None,
            reach: None,
        }
    }

    /// Prepares our answer to the caller's offer.
    pub(super) fn prepare(&mut self, offer: &[u8]) -> Result<(), NegotiateError> {
        let prepared = sdp::negotiate::answer(offer, &self.local)?;
        self.local.prefer(prepared.1.codec);
        self.prepared = Some(prepared);
        Ok(())
    }

    /// Tells the line's stream what offer and answer agreed on.
    pub(super) fn agree(&mut self, leg: LegId, agreed: Negotiated, streams: &mut dyn Streams) {
        self.agreed = Some(agreed.clone());
        streams.send(leg.call(), MediaCommand::Agree { leg, agreed });
    }

    /// Our answer to an offer within the session, and what it agrees on.
    pub(super) fn answer_offer(
        &mut self,
        offer: &[u8],
        entropy: &mut Entropy,
    ) -> Result<(String, Negotiated), NegotiateError> {
        self.local.version += 1;
        let answered = sdp::negotiate::answer(offer, &self.local)?;
        match self.looks_anew(&answered.1, entropy) {
            true => sdp::negotiate::answer(offer, &self.local),
            false => Ok(answered),
        }
    }

    /// Our answer to an offer of a phone that rings, and has answered ours already. The line is as it was until one is picked up.
    pub(super) fn answer_early(
        &mut self,
        session: SessionId,
        offer: &[u8],
    ) -> Result<String, NegotiateError> {
        let local = self.offered_mut(session);
        local.version += 1;
        let (answer, agreed) = sdp::negotiate::answer(offer, local)?;
        self.early.retain(|(of, _)| *of != session);
        self.early.push((session, agreed));
        Ok(answer)
    }

    /// What is agreed with the phone that is picked up, by what it said of itself last.
    pub(super) fn agreed_with(
        &mut self,
        session: SessionId,
        answer: &[u8],
    ) -> Result<Negotiated, NegotiateError> {
        let early = std::mem::take(&mut self.early).into_iter().find(|(of, _)| *of == session);
        match early {
            Some((_, agreed)) => Ok(agreed),
            None => sdp::negotiate::accept(self.offered(session), answer),
        }
    }

    /// Remembers which way audio flows now; the event to tell when that is news.
    pub(super) fn note_direction(&mut self, agreed: &Negotiated) -> Option<LegEvent> {
        let held = matches!(agreed.direction, Direction::RecvOnly | Direction::Inactive);
        if held == self.held {
            return None;
        }
        self.held = held;
        Some(if held { LegEvent::Held } else { LegEvent::Resumed })
    }
}

/// Of two refusals by phones of one agent, the one that says more about the person: a decline or busy
/// before a phone that could not be reached.
pub(super) fn better_refusal(a: u16, b: u16) -> u16 {
    let rank = |status| match status {
        603 | 403 => 0,
        486 | 600 => 1,
        408 | 480 | 487 => 2,
        _ => 3,
    };
    if rank(b) < rank(a) { b } else { a }
}

/// Whether we offer keys to these phones unasked: only where nobody on the way can read them (RFC 4568 §7), unless
/// there is to be no talk without.
fn keys_may_travel<'h>(required: bool, mut hops: impl Iterator<Item = &'h Hop>) -> bool {
    required || hops.all(|hop| hop.transport == Transport::Tls)
}

/// Phones that ring together.
#[derive(Default)]
struct Phones {
    at: Vec<(Uri, Hop)>,
    /// Where it is called one after the other, when none of these says anything.
    instead: VecDeque<(Uri, Hop)>,
    /// The trunk that they are called by.
    trunk: Option<Name>,
    /// After how long they take the call by themselves.
    answer_after: Option<Duration>,
}

impl Phones {
    /// These, at once.
    fn at(phones: Vec<(Uri, Hop)>) -> Phones {
        Phones { at: phones, ..Phones::default() }
    }
}

/// What asks a phone to take a call by itself, in every way that phones know: the standard's
/// ([RFC 5373 §3](https://www.rfc-editor.org/rfc/rfc5373#section-3)), which has no delay, and the two that most makers read.
fn answer_by_itself(address: &IpAddr, after: Duration) -> Vec<(&'static str, String)> {
    let (host, secs) = (Uri::sip(None, address.to_string(), None), after.as_secs_f64().ceil());
    let mut headers = vec![
        ("Call-Info", format!("<{host}>;answer-after={secs}")),
        ("Alert-Info", format!("<{host}>;info=alert-autoanswer;delay={secs}")),
    ];
    if after.is_zero() {
        headers.push(("Answer-Mode", "Auto".to_owned()));
    }
    headers
}

impl Switchboard {
    /// Tells a call's streams what they do from now on, and remembers it.
    pub(super) fn sound(&mut self, call: CallId, command: MediaCommand, streams: &mut dyn Streams) {
        let mut change = |leg: LegId, what: &dyn Fn(&mut Sound)| {
            self.lines.get_mut(&leg).into_iter().for_each(|line| what(&mut line.sound));
        };
        match &command {
            MediaCommand::Stop { leg } => change(*leg, &|sound| sound.plays = None),
            MediaCommand::Join { a, b } => {
                change(*a, &|sound| sound.joined_with(*b));
                change(*b, &|sound| sound.joined_with(*a));
            }
            MediaCommand::Part { a, b } => {
                [a, b].into_iter().for_each(|leg| change(*leg, &|sound| sound.hears.clear()));
            }
            MediaCommand::Hear { leg, whom } => change(*leg, &|sound| sound.hears.clone_from(whom)),
            MediaCommand::Mute { leg, on } => change(*leg, &|sound| sound.muted = *on),
            MediaCommand::Gain { leg, gain_db } => change(*leg, &|sound| sound.gain_db = *gain_db),
            MediaCommand::Echo { leg, on } => change(*leg, &|sound| sound.echo = *on),
            MediaCommand::Record { leg, record: Record::Stop } => {
                change(*leg, &|sound| sound.recorded = false)
            }
            _ => {}
        }
        streams.send(call, command);
    }

    pub(super) fn local(&mut self, port: u16) -> sdp::Local {
        sdp::Local {
            address: self.parts.address,
            port,
            codecs: self.parts.center.codecs.clone(),
            direction: Direction::SendRecv,
            session: u64::from(self.parts.entropy.u32()),
            version: 1,
            keys_by_info: false,
            srtp: None,
        }
    }

    /// What we bring to a line of a phone: codecs and secured audio as this trunk has them, or the center.
    pub(super) fn local_of(&mut self, port: u16, trunk: Option<&Name>) -> sdp::Local {
        let mut local = self.local(port);
        let center = &self.parts.center;
        let trunk = trunk.and_then(|name| self.trunk(name));
        if let Some(codecs) = trunk.and_then(|trunk| trunk.codecs.as_ref()) {
            local.codecs.clone_from(codecs);
        }
        local.keys_by_info = trunk.and_then(|trunk| trunk.dtmf).unwrap_or(center.dtmf) == Dtmf::Info;
        let (required, by_keys) = match trunk.and_then(|trunk| trunk.srtp).unwrap_or(center.srtp) {
            SrtpPolicy::No => return local,
            SrtpPolicy::Optional => (false, true),
            SrtpPolicy::Required => (true, true),
            SrtpPolicy::Dtls => (true, false),
        };
        local.srtp = Some(self.srtp_by(required, by_keys));
        local
    }

    /// What we bring to audio that is secured, by keys in the description or by a handshake alone. Keys are new.
    pub(super) fn srtp_by(&mut self, required: bool, by_keys: bool) -> sdp::LocalSrtp {
        let keys = if by_keys { Crypto::draw(&mut self.parts.entropy) } else { Vec::new() };
        sdp::LocalSrtp { required, keys, fingerprint: Some(self.parts.fingerprint.clone()), ice: None }
    }

    /// Answers the caller's line and starts its stream.
    pub(super) fn answer(&mut self, now: Now, leg: LegId, streams: &mut dyn Streams, out: &mut Vec<Output>) {
        let Some(line) = self.lines.get(&leg) else { return };
        if let Some(socket) = line.web {
            return self.answer_web(leg, socket, streams, out);
        }
        self.doubts(leg, streams);
        let Some(line) = self.lines.get_mut(&leg) else { return };
        let Some(&session) = line.sessions.first() else { return };
        let text = match line.prepared.take() {
            Some((text, agreed)) => {
                line.agree(leg, agreed, streams);
                text
            }
            // The caller wants our offer: its answer comes with the ACK.
            None => sdp::negotiate::offer(&line.local),
        };
        self.command(now, Command::Answer { session, sdp: text.into() }, out);
    }

    pub(super) fn ring(&mut self, now: Now, leg: LegId, out: &mut Vec<Output>) {
        if let Some(&session) = self.lines.get(&leg).and_then(|line| line.sessions.first()) {
            self.command(now, Command::Progress { session, status: 180, sdp: None }, out);
        }
    }

    pub(super) fn refuse(
        &mut self,
        now: Now,
        leg: LegId,
        status: u16,
        streams: &mut dyn Streams,
        out: &mut Vec<Output>,
    ) {
        if let Some(&session) = self.lines.get(&leg).and_then(|line| line.sessions.first()) {
            self.command(now, Command::Refuse { session, status, retry_after_s: None }, out);
        }
        if let Some(socket) = self.lines.get(&leg).and_then(|line| line.web) {
            let error = format!("the call was not taken (SIP status {status})");
            let hint = "is the number one of the center?".to_owned();
            out.push(Output::Tell { socket, tell: Tell::Error { error, hint } });
            self.web_call_over(socket, streams, out);
        }
        self.close(leg, streams);
    }

    /// Ends a line, however far it is.
    pub(super) fn hang_up(
        &mut self,
        now: Now,
        leg: LegId,
        elsewhere: bool,
        streams: &mut dyn Streams,
        out: &mut Vec<Output>,
    ) {
        let Some(line) = self.lines.get(&leg) else { return };
        let reason = if elsewhere { EndReason::Elsewhere } else { EndReason::Normal };
        let web = line.web;
        for session in line.sessions.clone() {
            self.command(now, Command::End { session, reason }, out);
        }
        if let Some(socket) = web {
            self.web_call_over(socket, streams, out);
        }
        self.close(leg, streams);
    }

    /// Closes a line's stream and forgets its sessions; [`LegEvent::Closed`] follows when the stream has
    /// ended.
    pub(super) fn close(&mut self, leg: LegId, streams: &mut dyn Streams) {
        if let Some(line) = self.lines.get_mut(&leg) {
            for session in line.sessions.drain(..) {
                self.sessions.remove(&session);
            }
            let desk = line.desk.take();
            self.unspoken.remove(&leg);
            streams.send(leg.call(), MediaCommand::Close { leg });
            if let Some(agent) = desk {
                self.free_desk(agent, leg);
            }
        }
    }

    /// Rings every phone of an agent, and the desk; the first that picks up is the line.
    pub(super) fn dial_agent(
        &mut self,
        now: Now,
        leg: LegId,
        agent: AgentId,
        of_queue: bool,
        streams: &mut dyn Streams,
        out: &mut Vec<Output>,
    ) {
        let name = self.agent_name(agent);
        let phones: Vec<(Uri, Hop)> = match &self.parts.center.contacts[agent.0 as usize] {
            AgentContact::Fixed(uri) => self.hop_to(uri).map(|hop| (uri.clone(), hop)).into_iter().collect(),
            AgentContact::Registered { .. } => {
                let bindings = self.parts.endpoint.contacts(&name);
                bindings.into_iter().map(|binding| (binding.uri, binding.hop)).collect()
            }
        };
        let answer_after = self.parts.center.auto_answer.get(&agent).copied().filter(|_| of_queue);
        let phones = Phones { answer_after, ..Phones::at(phones) };
        if !self.desk_can_ring(agent) {
            return self.dial(now, leg, phones, streams, out);
        }
        if phones.at.is_empty() {
            streams.open_browser(leg.call(), leg);
            let line = Line::new(SmallVec::new(), self.local(0));
            self.lines.insert(leg, line);
        } else {
            self.dial(now, leg, phones, streams, out);
        }
        // Without a port for the phones the line has failed already.
        if let Some(line) = self.lines.get_mut(&leg) {
            line.desk = Some(agent);
            self.ring_desk(agent, leg, out);
        }
    }

    /// Calls the caller back: by the trunk that brought them, or at the contact their phone gave.
    pub(super) fn dial_caller(
        &mut self,
        now: Now,
        leg: LegId,
        number: &str,
        streams: &mut dyn Streams,
        out: &mut Vec<Output>,
    ) {
        let Some(live) = self.calls.get(&leg.call()) else { return };
        let came_by = live.trunk.as_ref().and_then(|name| self.trunk(name));
        let own = came_by.filter(|trunk| trunk.outbound.is_some());
        // Who came by a trunk that takes no calls is called by one that does, where there is one.
        let by_trunk = own.or_else(|| came_by.and(self.outbound_trunk()));
        let phones = match by_trunk {
            Some(trunk) => self.by_trunk(now.at, trunk, number),
            None => Phones {
                trunk: live.trunk.clone(),
                ..Phones::at(live.callback.clone().into_iter().collect())
            },
        };
        let contact = Some(&phones).filter(|_| by_trunk.is_none()).and_then(|phones| phones.at.first());
        let contact = contact.map(|(_, hop)| hop.remote.ip());
        self.dial(now, leg, phones, streams, out);
        self.lines.get_mut(&leg).into_iter().for_each(|line| line.contact = contact);
    }

    /// Whether this line is to a caller who is called back before their agent, and whom another call calls back already: nobody
    /// is called twice at once.
    pub(super) fn is_called_back(&self, leg: LegId, number: &str) -> bool {
        let calls = |live: &super::LiveCall| live.call.calls_back() == Some(number);
        self.calls.get(&leg.call()).is_some_and(|live| live.call.calls_first(leg))
            && self.calls.iter().any(|(id, live)| *id != leg.call() && calls(live))
    }

    /// A line that is not dialled, as if its phone had answered so.
    pub(super) fn not_dialled(&mut self, leg: LegId, status: u16) {
        let (failed, quality) = (LegEvent::Failed { status }, Default::default());
        self.later(leg.call(), CallEvent::Leg { leg, event: failed });
        self.later(leg.call(), CallEvent::Leg { leg, event: LegEvent::Closed { quality } });
    }

    /// Calls somebody outside, by the first trunk that takes calls.
    pub(super) fn dial_number(
        &mut self,
        now: Now,
        leg: LegId,
        number: &str,
        streams: &mut dyn Streams,
        out: &mut Vec<Output>,
    ) {
        let trunk = self.outbound_trunk();
        let phones = trunk.map(|trunk| self.by_trunk(now.at, trunk, number));
        self.dial(now, leg, phones.unwrap_or_default(), streams, out);
    }

    fn trunk(&self, name: &Name) -> Option<&Trunk> {
        self.parts.center.trunks.iter().find(|trunk| trunk.name == *name)
    }

    /// The trunk that takes calls to the outside: the one that the center names, else the first.
    pub(super) fn outbound_trunk(&self) -> Option<&Trunk> {
        let center = &self.parts.center;
        let named = center.outbound.trunk.as_ref();
        let mut trunks = center.trunks.iter().filter(|trunk| named.is_none_or(|name| trunk.name == *name));
        trunks.find(|trunk| trunk.outbound.is_some())
    }

    /// Lets somebody in who asked for it: at their desk at once, or every phone that is signed in for them rings.
    pub(super) fn dial_user(
        &mut self,
        now: Now,
        leg: LegId,
        user: &str,
        streams: &mut dyn Streams,
        out: &mut Vec<Output>,
    ) {
        if self.begin_at_desk(user, leg, streams) {
            return;
        }
        let bindings = self.parts.endpoint.contacts(user);
        let at = bindings.into_iter().map(|binding| (binding.uri, binding.hop)).collect();
        self.dial(now, leg, Phones::at(at), streams, out);
    }

    fn dial(
        &mut self,
        now: Now,
        leg: LegId,
        phones: Phones,
        streams: &mut dyn Streams,
        out: &mut Vec<Output>,
    ) {
        let Phones { at: phones, instead, trunk, answer_after } = phones;
        let opened = if phones.is_empty() { None } else { streams.open(leg.call(), leg) };
        let Some(Opened { port, reach }) = opened else {
            debug!(%leg, "no phone to dial, or no port for it");
            return self.not_dialled(leg, 480);
        };
        let (in_browsers, elsewhere): (Vec<_>, Vec<_>) =
            phones.into_iter().partition(|(_, hop)| hop.transport.is_web());
        let mut local = self.local_of(port, trunk.as_ref());
        local.srtp =
            local.srtp.filter(|srtp| keys_may_travel(srtp.required, elsewhere.iter().map(|(_, hop)| hop)));
        // What the caller's line has comes first: two lines with one codec cost least and lose nothing.
        if let Some(caller) = self.lines.get(&LegId::of(leg.call(), 0)) {
            let place = |codec: &Codec| caller.local.codecs.iter().position(|theirs| theirs == codec);
            local.codecs.sort_by_key(|codec| place(codec).unwrap_or(usize::MAX));
        }
        let mut headers = vec![("X-Warmline-Call", leg.call().to_string())];
        headers
            .extend(answer_after.into_iter().flat_map(|after| answer_by_itself(&self.parts.address, after)));
        let live = self.calls.get(&leg.call());
        let shown = live.map(|live| live.call.shown_to(&live.center, now.at, leg)).unwrap_or_default();
        headers.extend(shown.subject.clone().map(|subject| ("Subject", subject)));
        let from = self.from(&shown);
        let rings_for = self.calls.get(&leg.call()).and_then(|live| live.call.rings_for(leg));
        headers.extend(rings_for.map(|rings_for| ("Expires", rings_for.as_secs().to_string())));
        // Who called in by a trunk that takes no calls may have named any place to call back: nobody there learns what proves us.
        let takes_calls = |name: &&Name| self.trunk(name).is_some_and(|trunk| trunk.outbound.is_some());
        let trunk = trunk.as_ref().filter(takes_calls);
        let first = elsewhere.first().filter(|_| !instead.is_empty());
        let instead = first.map(|(_, hop)| Instead {
            at: hop.remote,
            left: instead,
            from: from.clone(),
            headers: headers.clone(),
            trunk: trunk.cloned(),
        });
        let patience = instead.as_ref().and_then(Instead::patience);
        let sessions = self.invite(now, leg, elsewhere, &local, (&from, &headers, trunk), patience, out);
        let mut line = Line { reach: Some(reach), ..Line::new(sessions, local) };
        line.instead = instead;
        if !in_browsers.is_empty() {
            let local = self.for_browser(line.local.clone());
            let sessions = self.invite(now, leg, in_browsers, &local, (&from, &headers, None), None, out);
            line.sessions.extend_from_slice(&sessions);
            line.in_browsers = Some(InBrowsers { sessions, local });
        }
        self.lines.insert(leg, line);
    }

    /// Calls phones that are offered the same; their sessions. `trunk` is the one whose password they may ask for; `patience` is how long
    /// they may say nothing, where others are called instead.
    #[expect(clippy::too_many_arguments, reason = "what a call out is made of")]
    pub(super) fn invite(
        &mut self,
        now: Now,
        leg: LegId,
        phones: Vec<(Uri, Hop)>,
        local: &sdp::Local,
        (from, headers, trunk): (&NameAddr, &[(&'static str, String)], Option<&Name>),
        patience: Option<Duration>,
        out: &mut Vec<Output>,
    ) -> SmallVec<[SessionId; 2]> {
        let offer = Bytes::from(sdp::negotiate::offer(local));
        let mut sessions = SmallVec::new();
        for (uri, hop) in phones {
            let session = SessionId(self.next_session);
            self.next_session += 1;
            sessions.push(session);
            self.sessions.insert(session, leg);
            let invite = Invite {
                session,
                to: NameAddr::of(uri.clone()),
                uri,
                hop,
                from: from.clone(),
                asserted: None,
                headers: headers.to_vec(),
                sdp: offer.clone(),
                trunk: trunk.cloned(),
                routes: Vec::new(),
                answer_within: patience,
            };
            self.command(now, Command::Invite(Box::new(invite)), out);
        }
        sessions
    }

    /// Who we say is calling, to a phone that we dial: the caller, or who calls for us, at our own address.
    fn from(&self, shown: &Shown<'_>) -> NameAddr {
        let user = if shown.number.is_empty() { "anonymous" } else { shown.number };
        let host = self.parts.address.to_string();
        let mut from = NameAddr::of(Uri::sip(Some(user), host, None));
        from.display = shown.display.clone().into_owned();
        from
    }

    /// The hop to a URI whose host is an address; names are not looked up.
    fn hop_to(&self, uri: &Uri) -> Option<Hop> {
        let address: IpAddr = uri.host.parse().ok()?;
        let transport = uri.params.get("transport").and_then(Transport::named).unwrap_or(Transport::Udp);
        self.hop_over(transport, SocketAddr::new(address, uri.port.unwrap_or(transport.default_port())))
    }

    /// None where the transport is not bound.
    pub(super) fn hop_over(&self, transport: Transport, remote: SocketAddr) -> Option<Hop> {
        Some(Hop { transport, local: self.parts.bound.at(transport)?, remote })
    }

    /// How a number is called by a trunk that takes calls. Nowhere while nobody knows where its name leads to.
    fn by_trunk(&self, now: Timestamp, trunk: &Trunk, number: &str) -> Phones {
        let to = |place: SocketAddr| {
            let mut uri = match &trunk.outbound {
                Some(Site::Name(name, port)) => Uri::sip(Some(number), name.as_str(), *port),
                _ => Uri::sip(Some(number), place.ip().to_string(), Some(place.port())),
            };
            if trunk.transport != Transport::Udp {
                uri.params.set("transport", Some(&trunk.transport.to_string()));
            }
            Some((uri, self.hop_over(trunk.transport, place)?))
        };
        let mut places = self.parts.ways.by(now, &trunk.name).into_iter().filter_map(to);
        let first = places.next();
        if first.is_none() {
            warn!(trunk = %trunk.name, "nobody is called by the trunk: where it is is not known");
        }
        Phones {
            instead: places.collect(),
            trunk: Some(trunk.name.clone()),
            ..Phones::at(first.into_iter().collect())
        }
    }

    /// A key came in the audio: whether it is one, and not the copy of one that came by INFO. If it is the line's first, INFO is
    /// not believed from now on.
    pub(super) fn believes_digits_in_rtp(&mut self, leg: LegId) -> bool {
        let Some(line) = self.lines.get_mut(&leg) else { return true };
        *line.digits.get_or_insert(DigitsBy::Rtp) == DigitsBy::Rtp
    }

    /// A line of a new incoming session.
    pub(super) fn open_line(
        &mut self,
        leg: LegId,
        incoming: &Incoming,
        streams: &mut dyn Streams,
    ) -> Result<(), u16> {
        let Opened { port, reach } = streams.open(leg.call(), leg).ok_or(503u16)?;
        let mut local = self.local_of(port, incoming.trunk.as_ref());
        if incoming.hop.transport.is_web() {
            local = self.for_browser(local);
        }
        let mut line = Line::new(smallvec![incoming.session], local);
        line.reach = Some(reach);
        line.stranger = Stranger::of(incoming);
        if let Some(Err(error)) = incoming.sdp.as_ref().map(|offer| line.prepare(offer)) {
            debug!(%error, "the offer was refused");
            streams.send(leg.call(), MediaCommand::Close { leg });
            return Err(error.sip_status());
        }
        self.sessions.insert(incoming.session, leg);
        self.strangers.begins(&line);
        self.lines.insert(leg, line);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_phone_is_asked_to_take_a_call_by_itself_in_every_way_that_phones_know() {
        let asked = |after| answer_by_itself(&"192.0.2.1".parse().unwrap(), after);
        let call_info = |secs| ("Call-Info", format!("<sip:192.0.2.1>;answer-after={secs}"));
        let alert = |secs| ("Alert-Info", format!("<sip:192.0.2.1>;info=alert-autoanswer;delay={secs}"));
        let mode = ("Answer-Mode", "Auto".to_owned());
        assert_eq!(asked(Duration::ZERO), [call_info(0), alert(0), mode]);
        assert_eq!(asked(Duration::from_millis(1_500)), [call_info(2), alert(2)], "whole seconds");
    }

    #[test]
    fn keys_are_offered_where_nobody_on_the_way_reads_them() {
        let address: SocketAddr = "127.0.0.1:5060".parse().unwrap();
        let hop = |transport| Hop { transport, local: address, remote: address };
        let (tls, udp) = (hop(Transport::Tls), hop(Transport::Udp));
        assert!(keys_may_travel(false, [&tls, &tls].into_iter()));
        assert!(!keys_may_travel(false, [&tls, &udp].into_iter()), "one offer for all of an agent's phones");
        assert!(keys_may_travel(true, [&udp].into_iter()), "the center will have it so");
    }
}
