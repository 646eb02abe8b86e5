//! The loop: SIP by the server's own endpoint, the phones' thread, the clock.

use std::collections::HashMap;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;
use std::time::Instant;

use bytes::Bytes;
use tokio::runtime;
use tokio::time::sleep_until;
use tracing::debug;

use super::callers::Action;
use super::callers::Callers;
use super::callers::Event;
use super::phones::Phone;
use super::phones::Phones;
use super::phones::wall_now;
use super::plan::Plan;
use super::report::Report;
use crate::base::Entropy;
use crate::base::Timestamp;
use crate::sdp;
use crate::sdp::Codec;
use crate::sdp::Direction;
use crate::sdp::Negotiated;
use crate::sip;
use crate::sip::Command;
use crate::sip::Endpoint;
use crate::sip::EndpointConfig;
use crate::sip::Hop;
use crate::sip::SessionId;
use crate::sip::Transport;
use crate::sip::api::EndReason;
use crate::sip::api::Invite;
use crate::sip::uri::NameAddr;
use crate::sip::uri::Uri;
use crate::wire::media::Pair;
use crate::wire::media::Ports;
use crate::wire::media::PortsTaken;
use crate::wire::sip::SipSockets;

/// Transactions of ours at a time, each kept for 32 s: enough for 5 000 calls a second.
const TRANSACTIONS: usize = 500_000;
/// How often who watches is told.
const PROGRESS: Duration = Duration::from_millis(500);
/// How long our last messages have to be answered.
const LAST_WORDS: Duration = Duration::from_millis(500);

/// Why a run could not begin.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    #[error("SIP cannot be bound to {address}: {error}")]
    Bind { address: SocketAddr, error: io::Error },
    #[error("no port for the audio: {0}")]
    Ports(#[from] PortsTaken),
    #[error("the operating system refused: {0}")]
    System(#[from] io::Error),
}

/// Runs the plan. `progress` is told twice a second how far it is, and how many callers are on the line; when it
/// answers false, no more calls are placed and those that are up are ended.
pub fn run(plan: Plan, progress: impl FnMut(&Report, usize) -> bool) -> Result<Report, LoadError> {
    let runtime = runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async { Generator::start(plan).await?.run(progress).await })
}

struct Generator {
    plan: Plan,
    zero: Instant,
    callers: Callers,
    endpoint: Endpoint,
    sockets: SipSockets,
    local: SocketAddr,
    ports: Ports,
    /// The one pair that all calls name when there is no audio.
    silent: Option<Pair>,
    lines: HashMap<SessionId, Line>,
    phones: Phones,
    next_description: u64,
    /// Whether the server sent anything at all.
    server_heard: bool,
}

struct Line {
    local: sdp::Local,
    /// Until it talks.
    pair: Option<Pair>,
    /// The server's offer, to be answered at pick-up.
    offer: Option<Bytes>,
    is_caller: bool,
}

impl Generator {
    async fn start(plan: Plan) -> Result<Generator, LoadError> {
        let mut seed = [0; 32];
        getrandom::fill(&mut seed).map_err(|error| io::Error::other(error.to_string()))?;
        let mut entropy = Entropy::new(seed);
        let bind = |error| LoadError::Bind { address: plan.from, error };
        // What comes over TCP is nobody's here: the server calls agents over the transport of their contact.
        let (sockets, _) = SipSockets::bind(plan.from).await.map_err(bind)?;
        let local = sockets.udp.address();
        let config = EndpointConfig {
            max_sessions: plan.at_once.saturating_mul(2),
            max_transactions: TRANSACTIONS,
            product: concat!("Warmline-load/", env!("CARGO_PKG_VERSION")).to_owned(),
            ..EndpointConfig::default()
        };
        let mut ports = Ports::new(local.ip(), plan.rtp_ports.clone(), entropy.u64());
        let silent = if plan.audio { None } else { Some(ports.take(Instant::now())?) };
        Ok(Generator {
            callers: Callers::new(plan.clone(), Timestamp::ZERO),
            plan,
            zero: Instant::now(),
            endpoint: Endpoint::new(config, entropy.split()),
            sockets,
            local,
            ports,
            silent,
            lines: HashMap::new(),
            phones: Phones::start(entropy)?,
            next_description: 1,
            server_heard: false,
        })
    }

    async fn run(mut self, mut progress: impl FnMut(&Report, usize) -> bool) -> Result<Report, LoadError> {
        let mut told = Instant::now();
        let mut inputs = Vec::new();
        while !self.callers.is_done() {
            self.wait(&mut inputs, told + PROGRESS).await;
            let now = self.now();
            for input in inputs.drain(..) {
                self.tell_sip(now, input);
            }
            self.act(now, Event::Tick);
            if told.elapsed() >= PROGRESS {
                told = Instant::now();
                let goes_on = progress(&self.report(self.phones.done()), self.callers.callers());
                if !goes_on {
                    let mut actions = Vec::new();
                    self.callers.stop(now, &mut actions);
                    self.perform(now, actions);
                }
            }
        }
        let took = self.zero.elapsed();
        // The last BYEs are sent again when they are lost, like any.
        let end = Instant::now() + LAST_WORDS;
        while Instant::now() < end {
            self.wait(&mut inputs, end).await;
            let now = self.now();
            inputs.drain(..).for_each(|input| self.tell_sip(now, input));
        }
        let mut report = self.report(Default::default());
        let done = self.phones.finish();
        (report.heard, report.packets_sent, report.send_late) = (done.heard, done.sent, done.late);
        report.took = took;
        Ok(report)
    }

    fn now(&self) -> Timestamp {
        Timestamp::ZERO + self.zero.elapsed()
    }

    fn report(&self, done: super::phones::Done) -> Report {
        Report {
            took: self.zero.elapsed(),
            counts: self.callers.counts().clone(),
            heard: done.heard,
            packets_sent: done.sent,
            send_late: done.late,
            repeated: self.endpoint.counters().retransmissions,
            server_heard: self.server_heard,
        }
    }

    async fn wait(&mut self, inputs: &mut Vec<sip::Input>, until: Instant) {
        let due = [self.callers.deadline(), self.endpoint.deadline()].into_iter().flatten().min();
        let due = due.map_or(until, |due| (self.zero + due.since(Timestamp::ZERO)).min(until));
        tokio::select! {
            readable = self.sockets.udp.readable() => {
                if let Err(error) = readable {
                    debug!(%error, "the SIP socket failed");
                }
                self.sockets.udp.receive(|input| inputs.push(input));
            }
            () = sleep_until(due.into()) => inputs.push(sip::Input::Tick),
        }
    }

    /// Lets the endpoint take an input, sends what it says, and tells the callers what it means.
    fn tell_sip(&mut self, now: Timestamp, input: sip::Input) {
        self.server_heard |= matches!(input, sip::Input::Received { .. });
        let mut outputs = Vec::new();
        self.endpoint.handle(now, input, &mut outputs);
        for output in outputs {
            match output {
                sip::Output::Send { hop, bytes } => self.sockets.send(hop, bytes),
                sip::Output::Event(event) => self.on_sip(now, event),
            }
        }
    }

    fn command(&mut self, now: Timestamp, command: Command) {
        self.tell_sip(now, sip::Input::Command(command));
    }

    fn on_sip(&mut self, now: Timestamp, event: sip::Event) {
        match event {
            sip::Event::Answered { session, sdp } => {
                let Some(line) = self.lines.get(&session) else { return };
                let agreed = sdp.and_then(|answer| sdp::negotiate::accept(&line.local, &answer).ok());
                match agreed {
                    Some(agreed) => {
                        self.act(now, Event::Answered { session });
                        self.talk(session, agreed);
                    }
                    None => {
                        self.command(now, Command::End { session, reason: EndReason::Failure });
                        self.lose(now, Event::Failed { session, status: 488 }, session);
                    }
                }
            }
            sip::Event::Failed { session, status, .. } => {
                self.lose(now, Event::Failed { session, status }, session);
            }
            sip::Event::Ended { session, .. } => self.lose(now, Event::Ended { session }, session),
            sip::Event::Incoming(incoming) => {
                let agent = incoming.uri.user.unwrap_or_default();
                self.rings(now, incoming.session, agent, incoming.sdp);
            }
            sip::Event::Offered { session, sdp } => self.offered(now, session, sdp.as_deref()),
            _ => {}
        }
    }

    /// The server calls an agent.
    fn rings(&mut self, now: Timestamp, session: SessionId, agent: String, offer: Option<Bytes>) {
        let refuse = |status| Command::Refuse { session, status, retry_after_s: None };
        if offer.is_none() {
            return self.command(now, refuse(488));
        }
        match self.line(false) {
            Some(line) => {
                self.lines.insert(session, Line { offer, ..line });
                self.act(now, Event::Rings { session, agent });
            }
            None => self.command(now, refuse(503)),
        }
    }

    /// The server offers anew within a call.
    fn offered(&mut self, now: Timestamp, session: SessionId, offer: Option<&[u8]>) {
        let Some(line) = self.lines.get_mut(&session) else { return };
        line.local.version += 1;
        let answer = match offer {
            Some(offer) => sdp::negotiate::answer(offer, &line.local).map(|(answer, _)| answer),
            None => Ok(sdp::negotiate::offer(&line.local)),
        };
        let command = match answer {
            Ok(answer) => Command::AnswerOffer { session, sdp: answer.into() },
            Err(error) => Command::RefuseOffer { session, status: error.sip_status() },
        };
        self.command(now, command);
    }

    fn act(&mut self, now: Timestamp, event: Event) {
        let mut actions = Vec::new();
        self.callers.handle(now, event, &mut actions);
        self.perform(now, actions);
    }

    fn perform(&mut self, now: Timestamp, actions: Vec<Action>) {
        for action in actions {
            match action {
                Action::Call { session } => self.call(now, session),
                Action::PickUp { session } => self.pick_up(now, session),
                Action::HangUp { session } => {
                    self.command(now, Command::End { session, reason: EndReason::Normal });
                    self.drop_line(session);
                }
            }
        }
    }

    fn call(&mut self, now: Timestamp, session: SessionId) {
        let Some(line) = self.line(true) else { return self.act(now, Event::NoPort { session }) };
        let (host, port) = (self.plan.target.ip().to_string(), Some(self.plan.target.port()));
        let uri = Uri::sip(Some(&self.plan.number), host, port);
        // Callers differ, so that nobody is taken for a known one.
        let caller = format!("load{}", session.0 & u64::from(u32::MAX));
        let from = Uri::sip(Some(&caller), self.local.ip().to_string(), Some(self.local.port()));
        let invite = Invite {
            session,
            to: NameAddr::of(uri.clone()),
            uri,
            hop: Hop { transport: Transport::Udp, local: self.local, remote: self.plan.target },
            from: NameAddr::of(from),
            asserted: None,
            headers: Vec::new(),
            sdp: sdp::negotiate::offer(&line.local).into(),
            trunk: None,
            routes: Vec::new(),
            answer_within: None,
        };
        self.lines.insert(session, line);
        self.command(now, Command::Invite(Box::new(invite)));
    }

    fn pick_up(&mut self, now: Timestamp, session: SessionId) {
        let Some(line) = self.lines.get_mut(&session) else { return };
        let Some(offer) = line.offer.take() else { return };
        match sdp::negotiate::answer(&offer, &line.local) {
            Ok((answer, agreed)) => {
                self.command(now, Command::Answer { session, sdp: answer.into() });
                self.talk(session, agreed);
            }
            Err(error) => {
                let status = error.sip_status();
                self.command(now, Command::Refuse { session, status, retry_after_s: None });
                self.lose(now, Event::Ended { session }, session);
            }
        }
    }

    /// A new line, or none when the ports are out.
    fn line(&mut self, is_caller: bool) -> Option<Line> {
        let now = Instant::now();
        for pair in self.phones.returned() {
            self.ports.give_back(now, pair);
        }
        let pair = if self.plan.audio { Some(self.ports.take(now).ok()?) } else { None };
        let port = pair.as_ref().or(self.silent.as_ref()).map(|pair| pair.port)?;
        let session = self.next_description;
        self.next_description += 1;
        let (address, direction) = (self.local.ip(), Direction::SendRecv);
        let codecs = vec![Codec::Pcmu, Codec::Pcma];
        let local = sdp::Local {
            address,
            port,
            codecs,
            direction,
            session,
            version: 1,
            keys_by_info: false,
            srtp: None,
        };
        Some(Line { local, pair, offer: None, is_caller })
    }

    fn talk(&mut self, session: SessionId, agreed: Negotiated) {
        let Some(line) = self.lines.get_mut(&session) else { return };
        let (Some(to), Some(pair)) = (agreed.remote_rtp, line.pair.take()) else { return };
        pair.drain();
        self.phones.talk(Phone {
            session,
            pair,
            to,
            payload_type: agreed.payload_type,
            events: agreed.telephone_event.map(|(theirs, _)| theirs),
            keys: if line.is_caller { self.plan.keys.clone() } else { Vec::new() },
            answered: wall_now(),
        });
    }

    /// The server ended a line, or would not have it.
    fn lose(&mut self, now: Timestamp, event: Event, session: SessionId) {
        self.drop_line(session);
        self.act(now, event);
    }

    fn drop_line(&mut self, session: SessionId) {
        let Some(line) = self.lines.remove(&session) else { return };
        match line.pair {
            Some(pair) => self.ports.give_back(Instant::now(), pair),
            None => self.phones.hang_up(session),
        }
    }
}
