//! The control thread's loop: takes what comes, tells the switchboard, sends what it answers.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::task::yield_now;
use tokio::time::sleep_until;
use tracing::debug;
use tracing::error;
use tracing::info;
use tracing::trace;
use tracing::warn;

use crate::base::CallId;
use crate::base::LegId;
use crate::base::Name;
use crate::base::Timestamp;
use crate::fact::Fact;
use crate::fact::What;
use crate::fact::recording::RecordingFile;
use crate::flow::Center;
use crate::flow::api::BotCall;
use crate::media::MediaCommand;
use crate::media::MediaEvent;
use crate::media::Record;
use crate::media::Tracks;
use crate::server::Rules;
use crate::server::bots;
use crate::server::bots::BotEnded;
use crate::server::bots::Bots;
use crate::server::browser::Ask;
use crate::server::browser::SocketId;
use crate::server::browser::Tell;
use crate::server::canary::Edition;
use crate::server::clock;
use crate::server::clock::CalendarSet;
use crate::server::clock::Clock;
use crate::server::door::Door;
use crate::server::fetcher::Fetched;
use crate::server::fetcher::Fetcher;
use crate::server::gauges::Gauges;
use crate::server::handle::ControlError;
use crate::server::handle::ControlRequest;
use crate::server::journal::Journal;
use crate::server::live::Live;
use crate::server::queue_log::QueueLog;
use crate::server::recorder::Recorded;
use crate::server::recorder::Recorder;
use crate::server::speech::Speaker;
use crate::server::speech::Spoken;
use crate::server::switchboard::Carried;
use crate::server::switchboard::Input;
use crate::server::switchboard::Output;
use crate::server::switchboard::Recalled;
use crate::server::switchboard::Remaining;
use crate::server::switchboard::Streams;
use crate::server::switchboard::Switchboard;
use crate::server::trunks::setup::Setup;
use crate::server::trunks::setup::TrunkKeeper;
use crate::sip;
use crate::store::history::HistoryWriter;
use crate::store::identity::IdentityReply;
use crate::store::identity::IdentityService;
use crate::store::story::length;
use crate::wire::media::Before;
use crate::wire::media::Media;
use crate::wire::media::Opened;
use crate::wire::sip::SipSockets;
use crate::wire::webrtc::BrowserEvent;
use crate::wire::webrtc::Browsers;
use crate::wire::webrtc::ConnectionId;

/// How long calls have to end when the server stops at once: their BYEs sent, their streams closed, their
/// history told.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// The control thread runs before everything but audio, where we may say so (`CAP_SYS_NICE`): what ends a call must
/// not wait for what writes its history, nor for ever while audio takes a core of its own.
const NICENESS: i32 = -5;

/// How many events of one source are taken before the others get their turn.
const BATCH: usize = 256;

/// The control thread's belongings.
pub(super) struct Control {
    pub clock: Clock,
    /// When the calendar is looked at next.
    pub look_at: Timestamp,
    pub switchboard: Switchboard,
    pub sockets: SipSockets,
    pub streams_in: mpsc::Receiver<sip::Input>,
    pub trunks: TrunkKeeper,
    pub wires: Wires,
    pub media_events: mpsc::Receiver<MediaEvent>,
    pub browser_events: mpsc::Receiver<BrowserEvent>,
    /// What browsers' sockets are told through.
    pub sockets_told: HashMap<SocketId, mpsc::Sender<Tell>>,
    /// Recordings that ended by themselves.
    pub recorded: mpsc::Receiver<Recorded>,
    pub identity: IdentityService,
    pub identity_replies: mpsc::Receiver<IdentityReply>,
    pub fetcher: Fetcher,
    pub fetched: mpsc::Receiver<Fetched>,
    pub bots_ended: mpsc::Receiver<BotEnded>,
    pub speaker: Speaker,
    pub spoken: mpsc::Receiver<Spoken>,
    pub requests: mpsc::Receiver<ControlRequest>,
    pub history: HistoryWriter,
    pub live: Arc<Live>,
    pub gauges: Arc<Gauges>,
    pub door: Door,
    /// What an earlier process left, until this one goes on with it; with the flow files of each version that is in it.
    pub carried: Option<(Carried, HashMap<Name, Edition>)>,
    /// The places that an earlier run kept, until this one does.
    pub recalled: Vec<Recalled>,
    /// What of the calls outlives this process.
    pub journal: Journal,
    /// Whether this process ends, and another goes on.
    pub leaves: bool,
    /// Where what the engine decides is written down.
    pub queue_log: Option<QueueLog>,
}

/// The media workers and the browsers' port.
pub(super) struct Wires {
    pub media: Media,
    pub browsers: Browsers,
    pub recorder: Recorder,
    pub bots: Bots,
}

impl Streams for Wires {
    fn open(&mut self, call: CallId, leg: LegId) -> Option<Opened> {
        self.media.open(call, leg).ok()
    }

    fn reopen(&mut self, call: CallId, leg: LegId, port: u16, before: Option<&Before>) -> Option<Opened> {
        self.media.reopen(call, leg, port, before).ok()
    }

    fn record(&mut self, leg: LegId, file: RecordingFile, tracks: Tracks) {
        let call = leg.call();
        if let Some(tape) = self.recorder.begin(leg, file, tracks) {
            self.media.lay_tape(call, leg, tape);
            self.media.send(call, MediaCommand::Record { leg, record: Record::Start(tracks) });
        }
    }

    fn discard(&mut self, file: RecordingFile) {
        self.recorder.discard(file);
    }

    fn send(&mut self, call: CallId, command: MediaCommand) {
        self.media.send(call, command);
    }

    fn open_browser(&mut self, call: CallId, leg: LegId) {
        self.media.open_cord(call, leg, self.browsers.lay(leg));
    }

    fn open_bot(&mut self, call: CallId, leg: LegId, bot: Box<BotCall>) {
        let agreed = bots::agreed(bot.bot.audio);
        self.media.open_cord(call, leg, self.bots.begin(leg, bot));
        self.media.send(call, MediaCommand::Agree { leg, agreed });
    }

    fn bot_key(&mut self, leg: LegId, digit: char) {
        self.bots.key(leg, digit);
    }

    fn to_browser(&mut self, call: CallId, leg: LegId) {
        self.media.patch(call, leg, self.browsers.lay(leg));
    }

    fn patch(&mut self, leg: LegId, connection: ConnectionId) {
        self.browsers.patch(leg, connection);
    }

    fn accept(&mut self, connection: ConnectionId, offer: String) -> bool {
        self.browsers.accept(connection, offer)
    }

    fn disconnect(&mut self, connection: ConnectionId) {
        self.browsers.close(connection);
    }
}

impl Control {
    /// Runs until a shutdown has been asked for and the last call is over, or until it is asked a second
    /// time.
    pub(super) async fn run(mut self) {
        // Of this thread alone. Refused to most users, and calls are served without it too.
        let _ = rustix::process::setpriority_process(None, NICENESS);
        let mut inputs = Vec::new();
        let mut requests = Vec::new();
        let mut outputs = Vec::new();
        let mut draining = false;
        let mut stop_by = None;
        let now = self.clock.now();
        match self.carried.take() {
            Some((carried, editions)) => {
                self.switchboard.carry_on(now, carried, &editions, &mut self.wires, &mut outputs);
            }
            None => self.switchboard.tell_agents(now, &mut outputs),
        }
        let places = std::mem::take(&mut self.recalled);
        self.switchboard.recall_places(now, places, &mut self.wires, &mut outputs);
        self.perform(&mut outputs);
        loop {
            self.wait(stop_by, &mut inputs, &mut requests).await;
            if self.look_at <= self.clock.now().at {
                self.look_at_the_calendar(&mut outputs);
            }
            let mut stop_now = false;
            for request in requests.drain(..) {
                stop_now |= self.answer(request, &mut inputs, &mut outputs, &mut draining);
            }
            let now = self.clock.now();
            self.door.watch_audio(now.at, self.wires.media.stats());
            self.door.pass(now.at, &mut inputs);
            for input in inputs.drain(..) {
                if let Input::Sip(sip::Input::Received { hop, bytes } | sip::Input::Unwanted { hop, bytes }) =
                    &input
                {
                    self.gauges.sip_received(hop.transport);
                    trace!(peer = %hop.remote, message = summary(bytes), "received");
                }
                self.switchboard.handle(now, input, &mut self.wires, &mut outputs);
            }
            if self.switchboard.deadline().is_some_and(|due| due <= now.at) {
                self.switchboard.handle(now, Input::Tick, &mut self.wires, &mut outputs);
            }
            if stop_now {
                self.switchboard.stop(now, &mut self.wires, &mut outputs);
                stop_by.get_or_insert(now.at + LAST_WORDS);
            }
            self.perform(&mut outputs);
            self.gauges.set(&self.switchboard);
            if self.leaves {
                info!(
                    calls = self.switchboard.live_calls(),
                    "the server ends, and leaves its calls to the next one"
                );
                return self.end();
            }
            let too_long = stop_by.is_some_and(|by| by <= now.at);
            if too_long || (draining && self.switchboard.rests()) {
                break;
            }
        }
        info!("no calls are left: the server stops");
        self.end();
    }

    /// Whoever writes down or shows who the agents are knows before they are.
    fn know_center(&mut self, center: &Center) {
        let (now, zero) = (self.clock.now(), self.clock.zero());
        self.live.know(Rules::of(center, now.wall), now.wall);
        self.journal.config_is(center.engine_at(self.clock.started()));
        if let Some(log) = &mut self.queue_log {
            log.config_is(center.engine_at(zero));
        }
    }

    /// Follows the calendar where somebody has set it: everybody who dates what happens is told before anything else is.
    fn look_at_the_calendar(&mut self, outputs: &mut Vec<Output>) {
        self.look_at = self.clock.now().at + clock::LOOK_EVERY;
        let Some(CalendarSet { by_ms, slept }) = self.clock.look() else { return };
        let (now, zero) = (self.clock.now(), self.clock.zero());
        let by = clock::in_words(by_ms);
        if slept.is_zero() {
            warn!(%by, "the machine's clock was set: hours, dates and the history follow it");
        } else {
            let slept = length(slept);
            warn!(%by, %slept, "the machine slept: the calendar is followed, and what was due waits for so much longer");
        }
        self.live.calendar_set(zero, now.at);
        self.history.calendar_set(zero);
        self.journal.calendar_set(zero);
        if let Some(log) = &mut self.queue_log {
            log.calendar_set(zero);
        }
        self.gauges.calendar_set();
        self.switchboard.handle(now, Input::CalendarSet { by_ms }, &mut self.wires, outputs);
    }

    /// Lets go of everything; what is to be written is.
    fn end(mut self) {
        self.wires.media.shutdown();
        self.wires.recorder.close();
        self.journal.close();
        if let Some(log) = &mut self.queue_log {
            log.close();
        }
        self.history.close();
    }

    /// Waits for something to happen, and collects what has.
    async fn wait(
        &mut self,
        stop_by: Option<Timestamp>,
        inputs: &mut Vec<Input>,
        requests: &mut Vec<ControlRequest>,
    ) {
        let due = self.switchboard.deadline().into_iter().chain(stop_by).chain([self.look_at]).min();
        let due = self.clock.instant(due.unwrap_or(self.look_at));
        let timer = sleep_until(due.into());
        tokio::select! {
            readable = self.sockets.udp.readable() => {
                if let Err(error) = readable {
                    error!(%error, "the SIP socket failed");
                }
            }
            Some(input) = self.streams_in.recv() => inputs.push(Input::Sip(input)),
            Some(event) = self.media_events.recv() => inputs.push(Input::Media(event)),
            Some(event) = self.browser_events.recv() => inputs.push(Input::Browser(event)),
            Some(recorded) = self.recorded.recv() => inputs.push(recorded_input(recorded)),
            Some(reply) = self.identity_replies.recv() => inputs.push(identity_input(reply)),
            Some(fetched) = self.fetched.recv() => inputs.push(Input::Fetched(fetched)),
            Some(ended) = self.bots_ended.recv() => inputs.push(Input::Bot(ended)),
            Some(spoken) = self.spoken.recv() => inputs.push(Input::Spoken(spoken)),
            Some(request) = self.requests.recv() => requests.push(request),
            () = self.trunks.changed() => inputs.extend(trunks_input(&mut self.trunks)),
            // Somebody waits at the door: what else has come is looked at, and not waited for.
            () = yield_now(), if self.door.is_crowded() => {}
            () = timer => {}
        }
        self.sweep(inputs);
    }

    /// Collects what has come beside that which ended the waiting: so one turn serves all of it.
    fn sweep(&mut self, inputs: &mut Vec<Input>) {
        self.sockets.udp.receive(|input| inputs.push(Input::Sip(input)));
        take(&mut self.streams_in, |input| inputs.push(Input::Sip(input)));
        take(&mut self.media_events, |event| inputs.push(Input::Media(event)));
        take(&mut self.browser_events, |event| inputs.push(Input::Browser(event)));
        take(&mut self.recorded, |recorded| inputs.push(recorded_input(recorded)));
        take(&mut self.fetched, |fetched| inputs.push(Input::Fetched(fetched)));
        take(&mut self.bots_ended, |ended| inputs.push(Input::Bot(ended)));
        take(&mut self.spoken, |spoken| inputs.push(Input::Spoken(spoken)));
        take(&mut self.identity_replies, |reply| inputs.push(identity_input(reply)));
    }

    /// Answers what a person asks. Whether the server stops at once.
    fn answer(
        &mut self,
        request: ControlRequest,
        inputs: &mut Vec<Input>,
        outputs: &mut Vec<Output>,
        draining: &mut bool,
    ) -> bool {
        match request {
            ControlRequest::SetAgentState { agent, wish, by, reply } => {
                let unknown = || ControlError::UnknownAgent(agent.to_string());
                let known = self.switchboard.agent(&agent).ok_or_else(unknown).and_then(|agent| {
                    self.switchboard.may_want(agent, &wish)?;
                    Ok(agent)
                });
                // Whoever hears that it was taken sees what came of it.
                let taken = known.map(|agent| {
                    let (now, wants) = (self.clock.now(), Input::AgentWants { agent, wish, by });
                    self.switchboard.handle(now, wants, &mut self.wires, outputs);
                    self.perform(outputs);
                });
                let _ = reply.send(taken);
                false
            }
            ControlRequest::SetSkill { agent, skill, level, by, reply } => {
                let known = self.switchboard.agent_and_skill(&agent, &skill);
                let set = |(agent, skill)| inputs.push(Input::SetSkill { agent, skill, level, by });
                let _ = reply.send(known.map(set));
                false
            }
            ControlRequest::HangUp { call, by, reply } => {
                let known = self.switchboard.has_call(call);
                inputs.extend(known.then_some(Input::HangUp { call, by }));
                let _ = reply.send(if known { Ok(()) } else { Err(ControlError::UnknownCall(call)) });
                false
            }
            ControlRequest::AskCall { who, call, request, reply } => {
                let now = self.clock.now();
                let answer = self.switchboard.request(now, call, &who, *request, &mut self.wires, outputs);
                let _ = reply.send(answer);
                false
            }
            ControlRequest::RecordingFetched { call, file, by, reply } => {
                inputs.push(Input::RecordingFetched { call, file, by });
                let _ = reply.send(Ok(()));
                false
            }
            ControlRequest::Read { what, by, reply } => {
                let (call, what) = what.told(by);
                outputs.push(Output::Fact(Fact { at: self.clock.now().at, call, what }));
                let _ = reply.send(Ok(()));
                false
            }
            ControlRequest::CustomerChanged { account, did, by, reply } => {
                let (at, what) = (self.clock.now().at, What::CustomerChanged { account, did, by });
                outputs.push(Output::Fact(Fact { at, call: None, what }));
                let _ = reply.send(Ok(()));
                false
            }
            ControlRequest::Evaluated { call, agent, form, step, reply } => {
                let (at, what) = (self.clock.now().at, step.told(agent, form));
                outputs.push(Output::Fact(Fact { at, call: Some(call), what }));
                let _ = reply.send(Ok(()));
                false
            }
            ControlRequest::TrendSeen { what } => {
                outputs.push(Output::Fact(Fact { at: self.clock.now().at, call: None, what: *what }));
                false
            }
            ControlRequest::MessageHandled { call, part, by, words, reply } => {
                let now = self.clock.now();
                let handled = self.switchboard.message_handled(now, (call, part), by, words, outputs);
                let _ = reply.send(handled.map(|()| now.wall));
                false
            }
            ControlRequest::Promise { id, who, supervises, wish, reply } => {
                let now = self.clock.now();
                let _ = reply.send(self.switchboard.promise_wish(now, id, (&who, supervises), wish, outputs));
                false
            }
            ControlRequest::Place { who, wish, reply } => {
                let now = self.clock.now();
                let _ = reply.send(self.switchboard.place(now, &who, wish, &mut self.wires, outputs));
                false
            }
            ControlRequest::Accounts { users, shut_out } => {
                inputs.push(Input::Accounts { users, shut_out });
                false
            }
            ControlRequest::Serve { served, reply } => {
                self.wires.recorder.keep(served.all.center.keep_recordings);
                self.history.keep(served.all.center.keep_history);
                self.know_center(&served.all.center);
                if let Some(canary) = &served.canary {
                    self.live.outcomes.count_from(canary.began);
                }
                self.trunks.know(Arc::clone(&served.all.center));
                inputs.push(Input::Serve(served));
                inputs.extend(trunks_input(&mut self.trunks));
                let _ = reply.send(Ok(()));
                false
            }
            ControlRequest::Connect { socket, tell } => {
                self.sockets_told.insert(socket, tell);
                false
            }
            ControlRequest::Ask { socket, ask } => {
                if ask == Ask::Gone {
                    self.sockets_told.remove(&socket);
                }
                inputs.push(Input::Ask { socket, ask });
                false
            }
            ControlRequest::Leave { reply } => {
                self.leaves = true;
                let _ = reply.send(Ok(()));
                false
            }
            ControlRequest::Shutdown { reply } => {
                let stop_now = std::mem::replace(draining, true);
                if stop_now {
                    info!(
                        calls = self.switchboard.remaining().calls,
                        "stopping at once: every call is ended"
                    );
                } else {
                    self.drain(outputs);
                }
                let _ = reply.send(Ok(()));
                stop_now
            }
        }
    }

    /// Takes no more calls, and says once what is waited for.
    fn drain(&mut self, outputs: &mut Vec<Output>) {
        let now = self.clock.now();
        self.switchboard.drain(now, &mut self.wires, outputs);
        let Remaining { calls, waiting, waits_until, places } = self.switchboard.remaining();
        let longest_wait_s = waits_until.map_or(0, |until| until.since(now.at).as_secs());
        info!(
            calls,
            waiting,
            longest_wait_s,
            places,
            "stopping: no new calls are taken, those that are up may end by themselves, and phones that are silent are \
             asked whether they are there; told again, the server ends every call at once"
        );
    }

    fn perform(&mut self, outputs: &mut Vec<Output>) {
        for output in outputs.drain(..) {
            match output {
                Output::Send { hop, bytes } => {
                    self.gauges.sip_sent(hop.transport);
                    trace!(peer = %hop.remote, message = summary(&bytes), "sent");
                    self.sockets.send(hop, bytes);
                }
                Output::FindCustomer { call, number } => self.identity.find_by_number(call, number),
                Output::Verify { call, account, check } => self.identity.verify(call, account, check),
                Output::Fetch { call, question, code } => self.fetcher.ask(call, question, code),
                Output::Speak(unspoken) => self.speaker.speak(unspoken),
                Output::Tell { socket, tell } => self.tell(socket, tell),
                Output::Fact(fact) => {
                    debug!(call = fact.call.map(|call| call.0), kind = kind(&fact.what), "fact");
                    let dated = self.live.dated(fact);
                    self.live.tell(self.history.next_number(), &dated);
                    self.history.record(dated.fact);
                }
                Output::Told(at, event) => self.journal.told(at, event),
                Output::Decided(step) => {
                    self.journal.told(step.at, step.event.clone());
                    if let Some(log) = &mut self.queue_log {
                        log.step(step);
                    }
                }
            }
        }
        // All that was decided is told by now: the engine stands as the journal and the log say.
        self.journal.turn(self.clock.now().at, &mut self.switchboard);
        if let Some(log) = &mut self.queue_log {
            log.begin_if_due(self.clock.now().at, self.switchboard.engine());
        }
    }
}

impl Control {
    /// Tells a browser's socket. One that does not read is cut: it opens another and is told everything anew.
    fn tell(&mut self, socket: SocketId, tell: Tell) {
        let over = matches!(tell, Tell::Over { .. });
        let told = self.sockets_told.get(&socket).map(|sender| sender.try_send(tell));
        if over || matches!(told, Some(Err(_))) {
            self.sockets_told.remove(&socket);
        }
    }
}

/// What the log tells of a message: a response's status, a request's method. The rest is the caller's.
fn summary(bytes: &[u8]) -> &str {
    let line = bytes.split(|byte| matches!(byte, b'\r' | b'\n')).next().unwrap_or_default();
    let line = std::str::from_utf8(line).unwrap_or("not text");
    if line.starts_with("SIP/") { line } else { line.split(' ').next().unwrap_or_default() }
}

/// What the log tells of a fact: its kind. What is in it is the history's.
fn kind(what: &What) -> String {
    let told = serde_json::to_value(what).unwrap_or_default();
    told["fact"].as_str().unwrap_or_default().to_owned()
}

/// Trunks as they are now. The log says what keeps us from following.
fn trunks_input(trunks: &mut TrunkKeeper) -> Option<Input> {
    match trunks.setup() {
        Ok(Setup { trunks, ways_out, .. }) => Some(Input::Trunks { trunks, ways_out }),
        Err(error) => {
            error!(%error, "the trunks stay as they were");
            None
        }
    }
}

fn recorded_input(Recorded { leg, why }: Recorded) -> Input {
    Input::RecordingEnded { leg, why }
}

fn identity_input(reply: IdentityReply) -> Input {
    match reply {
        IdentityReply::Found { call, customer } => Input::Found { call, customer },
        IdentityReply::Verified { call, result } => Input::Verified { call, result },
    }
}

fn take<T>(receiver: &mut mpsc::Receiver<T>, mut each: impl FnMut(T)) {
    for _ in 0..BATCH {
        match receiver.try_recv() {
            Ok(item) => each(item),
            Err(_) => return,
        }
    }
}
