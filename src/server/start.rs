//! The server's start: opens everything in order, and says what is wrong before it serves.

use std::collections::HashMap;
use std::io;
use std::net::IpAddr;
use std::net::SocketAddr;
use std::net::TcpListener;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;
use std::thread;
use std::thread::JoinHandle;
use std::time::Duration;

use tokio::runtime;
use tokio::sync::mpsc;
use tracing::debug;
use tracing::info;
use tracing::warn;

use crate::base::CallId;
use crate::base::Entropy;
use crate::base::Name;
use crate::base::Timestamp;
use crate::base::WallTime;
use crate::fact::Fact;
use crate::fact::What;
use crate::flow::Center;
use crate::queue::owners::REMEMBERED;
use crate::sdp::Codec;
use crate::sdp::Fingerprint;
use crate::server::Rules;
use crate::server::ServeOptions;
use crate::server::accounts;
use crate::server::accounts::Users;
use crate::server::bots::Bots;
use crate::server::canary::Canary;
use crate::server::canary::Edition;
use crate::server::canary::Served;
use crate::server::clock::Clock;
use crate::server::control::Control;
use crate::server::control::Wires;
use crate::server::door::Door;
use crate::server::fetcher::Fetcher;
use crate::server::gauges::Gauges;
use crate::server::handle::ControlHandle;
use crate::server::journal;
use crate::server::journal::Journal;
use crate::server::journal::Place;
use crate::server::keyring::Keyring;
use crate::server::live::Live;
use crate::server::load;
use crate::server::load::LoadError;
use crate::server::lock::FolderLock;
use crate::server::lock::Taken;
use crate::server::messages::MOST;
use crate::server::publisher::Beginning;
use crate::server::publisher::Publisher;
use crate::server::queue_log::QueueLog;
use crate::server::recorder::Recorder;
use crate::server::recorder::RecorderStats;
use crate::server::review::Review;
use crate::server::speech::Speaker;
use crate::server::speech::SpeechCache;
use crate::server::standby::KeyError;
use crate::server::standby::StandbyKey;
use crate::server::standby::Standbys;
use crate::server::switchboard::CarriedCall;
use crate::server::switchboard::Parts;
use crate::server::switchboard::Recalled;
use crate::server::switchboard::Switchboard;
use crate::server::switchboard::Ways;
use crate::server::trunks::setup::Bound;
use crate::server::trunks::setup::Setup;
use crate::server::trunks::setup::TrunkKeeper;
use crate::server::webhooks::Past;
use crate::server::webhooks::Webhooks;
use crate::sip::Transport;
use crate::sip::endpoint::Endpoint;
use crate::sip::endpoint::EndpointConfig;
use crate::store;
use crate::store::DatedFact;
use crate::store::MessageFilter;
use crate::store::Store;
use crate::store::StoreError;
use crate::store::Targets;
use crate::store::history::HistoryWriter;
use crate::store::history::Losses;
use crate::store::identity::IdentityService;
use crate::wire::media::Media;
use crate::wire::media::MediaConfig;
use crate::wire::sip::Keys;
use crate::wire::sip::SipSockets;
use crate::wire::sip::WebConnections;
use crate::wire::tls;
use crate::wire::tls::CertificateFiles;
use crate::wire::tls::TlsClient;
use crate::wire::tls::TlsError;
use crate::wire::tls::TlsServer;
use crate::wire::webrtc::Browsers;
use crate::wire::webrtc::WebrtcConfig;

/// How many events of media workers may wait for the control thread; a worker that finds no room keeps its
/// own and tries again.
const MEDIA_EVENTS: usize = 16_384;

/// How many events of browsers' connections may wait for the control thread; their thread waits for room.
const BROWSER_EVENTS: usize = 1_024;

/// How many recordings that ended by themselves may wait for the control thread; their thread waits for room.
const RECORDED: usize = 256;

/// How many answers of services may wait for the control thread.
const FETCHED: usize = 512;

/// How many ends of talks with bots may wait for the control thread; their thread waits for room.
const BOTS_ENDED: usize = 256;

/// How many texts that were spoken may wait for the control thread; their threads wait for room.
const SPOKEN: usize = 256;

/// How many answers of the customer store may wait for the control thread.
const IDENTITY_REPLIES: usize = 2_048;

/// How long the center may think about a call before the caller is told to be patient. A flow that asks who calls
/// is answered by another thread within a millisecond or two.
const TRYING_AFTER: Duration = Duration::from_millis(100);

/// How many requests are remembered, so that a repeated one gets the same answer. RFC 3261 keeps each for 32 s, and
/// a call has two: this is enough for 7 500 calls a second. Beyond it new requests get 503.
const TRANSACTIONS: usize = 500_000;

/// How long webhooks may be told of what happened last before the process ends.
const LAST_EVENTS: Duration = Duration::from_secs(2);

/// Whose customers everybody knows with their PINs, in `ivr_flows/center.yaml` as it comes. No other center gets them.
const DEMO_COMPANY: &str = "Juniper Home Services";

/// Why the server did not start, or stopped.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    #[error(transparent)]
    Load(#[from] LoadError),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("cannot bind {what} to {address}: {error}")]
    Bind { what: &'static str, address: SocketAddr, error: io::Error },
    #[error(transparent)]
    Tls(#[from] TlsError),
    #[error("trunk {0} speaks TLS, and TLS is not bound")]
    NoTls(Name),
    #[error("{} still have the demo password, so {address} is not opened", names.join(", "))]
    DemoPasswords { names: Vec<String>, address: String },
    #[error("{0} is no address that a phone can send audio to")]
    NoAddress(IpAddr),
    #[error("a TURN server is named, and no secret to make credentials of")]
    NoTurnSecret,
    #[error("another Warmline serves with the data folder {}", .0.display())]
    FolderTaken(PathBuf),
    #[error(transparent)]
    StandbyKey(#[from] KeyError),
    #[error("the operating system refused: {0}")]
    System(#[from] io::Error),
}

impl ServeError {
    /// What the operator can do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            ServeError::Bind { what: "SIP", .. } => {
                Some("another server may have the port; choose one with --sip ADDR:PORT".to_owned())
            }
            ServeError::Bind { what: "SIP over TLS", .. } => {
                Some("another server may have the port; choose one with --sip-tls ADDR:PORT".to_owned())
            }
            ServeError::Bind { what: "HTTPS", .. } => {
                Some("another server may have the port; choose one with --https ADDR:PORT".to_owned())
            }
            ServeError::NoTls(_) => Some("say where with --sip-tls ADDR:PORT".to_owned()),
            ServeError::Tls(_) => {
                let hint = "name a chain and its key with --tls-cert FILE and --tls-key FILE, both in PEM, and \
                            authorities with --tls-ca FILE";
                Some(hint.to_owned())
            }
            ServeError::Bind { what: "WebRTC", .. } => {
                Some("another server may have the port; choose one with --webrtc ADDR:PORT".to_owned())
            }
            ServeError::Bind { what: "standbys", .. } => {
                Some("another server may have the port; choose one with --standbys ADDR:PORT".to_owned())
            }
            ServeError::Bind { .. } => {
                Some("another server may have the port; choose one with --http ADDR:PORT".to_owned())
            }
            ServeError::DemoPasswords { names, .. } => {
                let first = names.first().map_or("NAME", String::as_str);
                Some(format!("give each a password: warmline agent passwd {first}"))
            }
            ServeError::NoTurnSecret => Some(
                "put the TURN server's shared secret into the environment: WARMLINE_TURN_SECRET".to_owned(),
            ),
            ServeError::NoAddress(_) => {
                Some("say how peers reach this machine: --public-address IP".to_owned())
            }
            ServeError::Load(LoadError::NoFlows(_) | LoadError::Read { .. }) => {
                Some("say where the flow files are: --flows DIR, and the center's file: --config FILE".to_owned())
            }
            ServeError::Load(LoadError::NoPrompts(_) | LoadError::PromptFolder { .. }) => {
                Some("say where the prompts are: --prompts DIR".to_owned())
            }
            ServeError::Load(LoadError::Prompts { .. }) => Some(load::RECORDING_HINT.to_owned()),
            ServeError::Load(LoadError::DataFolder { error, .. })
                if error.kind() == io::ErrorKind::StorageFull =>
            {
                Some("the disk is full: make room, and start again".to_owned())
            }
            ServeError::Load(LoadError::DataFolder { .. }) => {
                Some("name a folder that you may write to with --data".to_owned())
            }
            ServeError::StandbyKey(error) => Some(error.hint()),
            ServeError::FolderTaken(_) => Some(
                "stop it, or wait until its last calls are over; a second server has a folder of its own: --data DIR"
                    .to_owned(),
            ),
            _ => None,
        }
    }
}

/// A server that serves.
pub struct Running {
    /// What it began to serve with.
    pub center: Arc<Center>,
    /// To ask the control thread.
    pub control: ControlHandle,
    /// What is going on, folded from facts.
    pub live: Arc<Live>,
    pub gauges: Arc<Gauges>,
    /// To change the flow files under it.
    pub flows: Arc<Publisher>,
    /// To read the history.
    pub store: Arc<Store>,
    /// What of it is lost.
    pub losses: Losses,
    /// How recordings are written.
    pub recordings: Arc<RecorderStats>,
    /// Where SIP is bound.
    pub sip: SocketAddr,
    /// Where SIP over TLS is.
    pub sip_tls: Option<SocketAddr>,
    /// Our certificate, where one is needed.
    pub tls: Option<TlsServer>,
    /// Where phones in browsers connect.
    pub phones: WebConnections,
    thread: JoinHandle<()>,
    /// Looks back when a week is over.
    _review: Review,
    /// Programs elsewhere that are told of events.
    pub webhooks: Arc<Webhooks>,
    /// How the standbys are, where there are to be any. They are let go once all is written.
    pub standbys: Option<Standbys>,
    /// No other server has the data folder meanwhile.
    _lock: FolderLock,
}

impl Running {
    /// Waits until it has stopped: it was told to, and its calls are over.
    pub fn join(self) -> Result<(), ServeError> {
        self.thread.join().map_err(|_| io::Error::other("the control thread failed"))?;
        // Calls that are left to the next process do not wait for a receiver.
        let leaves_calls = self.live.call_count() > 0;
        self.webhooks.close(if leaves_calls { Duration::ZERO } else { LAST_EVENTS });
        info!("stopped");
        Ok(())
    }
}

/// Starts to serve: everything but the web.
pub fn start(options: &ServeOptions) -> Result<Running, ServeError> {
    raise_file_limit();
    keep_pages_small();
    if options.ice.lacks_secret() {
        return Err(ServeError::NoTurnSecret);
    }
    let lock = take_folder(&options.data)?;
    store::refuse_emptied(&options.data)?;
    let (left, taken) = journal::take(&options.data).unzip();
    let resumed =
        left.as_ref().map(|left| Clock::resume(left.place.started, left.zero, left.last, left.passed));
    let clock = resumed.unwrap_or_else(Clock::start);
    let keyring = Keyring::of(&options.data, clock.started());
    // Whoever was an agent of calls that may go on has their place still.
    let roster = left.as_ref().map(|left| left.place.config.roster_names()).unwrap_or_default();
    let (loaded, beginning) =
        Beginning::read(&options.data, &options.flow_place(), &options.prompts, roster)?;
    let store = Arc::new(open_store(options, &loaded.center)?);
    let center = Arc::new(loaded.center);
    let library = loaded.library;
    let (version, canary) = (beginning.version().clone(), beginning.canary());
    let all = Edition { version, center: Arc::clone(&center), library: Arc::clone(&library) };

    let runtime = runtime::Builder::new_current_thread().enable_all().build()?;
    let bound = runtime.block_on(SipSockets::bind(options.sip));
    let (mut sockets, streams_in) =
        bound.map_err(|error| ServeError::Bind { what: "SIP", address: options.sip, error })?;
    let (sip, phones) = (sockets.udp.address(), sockets.web().clone());
    let tls = tls_server(options)?;
    let sip_tls = match options.sip_tls.zip(tls.clone()) {
        Some((address, server)) => {
            let client = TlsClient::new(options.authorities.as_deref())?;
            let bound = runtime.block_on(sockets.bind_tls(address, Keys { server, client: client.clone() }));
            let bound = bound.map_err(|error| ServeError::Bind { what: "SIP over TLS", address, error })?;
            Some((bound, client))
        }
        None => None,
    };
    let in_vain = center.trunks.iter().find(|trunk| trunk.transport == Transport::Tls && sip_tls.is_none());
    if let Some(trunk) = in_vain {
        return Err(ServeError::NoTls(trunk.name.clone()));
    }
    let (sip_tls, tls_client) = sip_tls.unzip();
    let bound = Bound { udp: sip, tcp: sip, tls: sip_tls };
    let keeper = TrunkKeeper::start(Arc::clone(&center), bound, tls_client, options.dns);
    let mut trunks = runtime.block_on(keeper)?;
    let trunks_now = trunks.setup()?;
    let (media_sender, media_events) = mpsc::channel(MEDIA_EVENTS);
    let media = MediaConfig {
        address: options.sip.ip(),
        ports: options.rtp_ports.clone(),
        workers: options.media_workers,
    };
    let media = Media::start(media, media_sender)?;
    let fingerprint = media.fingerprint().clone();
    let (browser_sender, browser_events) = mpsc::channel(BROWSER_EVENTS);
    let webrtc = WebrtcConfig {
        bind: options.webrtc,
        public_address: options.public_address,
        // What telephones have, and what browsers have among themselves.
        codecs: vec![Codec::Opus, Codec::Pcmu, Codec::Pcma],
    };
    if webrtc.public_address.unwrap_or(options.webrtc.ip()).is_unspecified() {
        return Err(ServeError::NoAddress(options.webrtc.ip()));
    }
    let browsers = Browsers::start(webrtc, browser_sender).map_err(|error| ServeError::Bind {
        what: "WebRTC",
        address: options.webrtc,
        error,
    })?;
    let (recorded_sender, recorded) = mpsc::channel(RECORDED);
    let recorder = Recorder::start(&options.data, center.keep_recordings, recorded_sender)?;
    let config = center.engine_at(clock.started());
    let place = Place { started: clock.started(), config: config.clone(), sip };
    let carried = match left {
        Some(left) => Some(left.with_keys(&keyring).for_place(&place, ended(&store)?)),
        None => None,
    };
    let carried = carried.map(|carried| {
        let editions = editions(&carried.calls, &all, canary.as_ref(), &beginning);
        (carried, editions)
    });
    let go_on: Vec<CallId> = carried
        .iter()
        .flat_map(|(carried, editions)| {
            let served = |call: &&CarriedCall| editions.contains_key(call.version());
            carried.calls.iter().filter(served).map(CarriedCall::id)
        })
        .collect();
    let queue_log = options.queue_log.as_deref();
    let queue_log =
        queue_log.map(|folder| QueueLog::start(folder, center.engine_at(clock.zero()), clock.zero()));
    let queue_log = queue_log.transpose()?;
    let mut journal = Journal::start(&options.data, place, keyring, clock.boot())?;
    journal.calendar_set(clock.zero());
    let standbys = standbys(options, sip, &recorder)?;
    let gauges = Gauges::new(&media, &browsers, &recorder, &journal, queue_log.as_ref(), standbys.as_ref());
    let gauges = Arc::new(gauges);
    let recordings = recorder.stats().clone();
    let (identity_sender, identity_replies) = mpsc::channel(IDENTITY_REPLIES);
    let (fetched_sender, fetched) = mpsc::channel(FETCHED);
    let (bots_sender, bots_ended) = mpsc::channel(BOTS_ENDED);
    let (spoken_sender, spoken) = mpsc::channel(SPOKEN);
    let live = Arc::new(live_view(&center, clock));
    let tried_since = canary.as_ref().map(|canary| canary.began);
    let (control, requests) = ControlHandle::new();
    let users = accounts::users(&store)?;
    let mut belongings = Control {
        clock,
        look_at: Timestamp::ZERO,
        switchboard: switchboard(
            options,
            &store,
            Served { all, canary },
            clock.zero(),
            (bound, trunks_now),
            fingerprint,
            users.clone(),
        )?,
        trunks,
        sockets,
        streams_in,
        wires: Wires {
            media,
            browsers,
            recorder,
            bots: Bots::start(bots_sender, tls::believing(options.authorities.as_deref())?)?,
        },
        recorded,
        media_events,
        browser_events,
        sockets_told: HashMap::new(),
        identity: IdentityService::start(&store, identity_sender)?,
        identity_replies,
        fetcher: Fetcher::start(fetched_sender)?,
        fetched,
        bots_ended,
        speaker: Speaker::start(SpeechCache::within(&options.data), spoken_sender)?,
        spoken,
        requests,
        history: HistoryWriter::carry_on(&store, clock.zero(), &go_on)?,
        live: live.clone(),
        gauges: gauges.clone(),
        door: Door::default(),
        carried,
        recalled: Vec::new(),
        journal,
        leaves: false,
        queue_log,
    };
    belongings.history.keep(center.keep_history);
    live.board.judge_by(tell_targets(&belongings.history, &store, &live, clock)?);
    let losses = belongings.history.losses();
    live.begin_after(belongings.history.next_number() - 1);
    // After the history's start, which ends the calls that a crash left open.
    for fact in store.readers()?.facts_of_waits(live.board.day().begins)? {
        live.board.recall(&fact);
    }
    if let Some(since) = tried_since {
        live.outcomes.count_from(since);
        store.readers()?.facts_of_flows(since)?.iter().for_each(|fact| live.outcomes.apply(fact));
    }
    for (agent, skill, level) in still_set(store.readers()?.skills_set(live.board.day().begins)?) {
        belongings.switchboard.recall_skill(&agent, &skill, level);
        live.set_skill(&agent, &skill, level);
    }
    let owner_first = center.talk.iter().filter_map(|policy| policy.owner_first);
    if let Some(within) = owner_first.map(|own| own.within).max() {
        let before = i64::try_from(within.as_micros()).unwrap_or(i64::MAX);
        let since = WallTime(clock.zero().0.saturating_sub(before));
        let talks = store.readers()?.last_talks(since, REMEMBERED as u32)?;
        belongings.switchboard.recall_talks(&talks);
    }
    for told in store.readers()?.trends_told(live.board.day().begins)? {
        live.trends.apply(&told);
    }
    let to_handle =
        MessageFilter { handled: Some(false), limit: Some(MOST as u32), ..MessageFilter::default() };
    live.messages.recall(&store.readers()?.messages(&to_handle)?);
    let (open, highest) = store.readers()?.recall_promises()?;
    live.desks.recall_promises(&open);
    belongings.switchboard.recall_promises(clock.now(), open, highest);
    for call in &go_on {
        live.carry_on(*call, &store.readers()?.facts(*call)?);
    }
    let kept_places = store.readers()?.kept_places()?;
    for kept in kept_places.iter().filter(|kept| !go_on.contains(&kept.call)) {
        let facts = store.readers()?.facts(kept.call)?;
        live.recall(kept.call, &facts);
        let facts = facts.into_iter().map(|dated| dated.fact.what).collect();
        belongings.recalled.push(Recalled { kept: kept.clone(), facts });
    }
    let heard = (!center.webhooks.is_empty()).then(|| live.subscribe());
    let past = Past::of(&store, losses.clone(), live.last_number())?;
    let thread = thread::Builder::new()
        .name("control".to_owned())
        .spawn(move || runtime.block_on(belongings.run()))?;
    if let Some(taken) = taken {
        taken.remove();
    }
    accounts::watch(&store, users, control.clone(), live.clone())?;
    let review = Review::start(store.readers()?, live.clone(), control.clone())?;
    let folders = (options.flow_place(), options.prompts.clone());
    let flows = Publisher::start(beginning, (center.clone(), library), folders, control.clone())?;
    let served = flows.clone();
    let webhooks = Webhooks::start(past, live.clone(), heard, move || served.center())?;
    Ok(Running {
        center,
        control,
        live,
        gauges,
        flows,
        store,
        losses,
        recordings,
        sip,
        sip_tls,
        tls,
        phones,
        thread,
        _review: review,
        webhooks,
        standbys,
        _lock: lock,
    })
}

/// Which calls are over by the history, though the journal may not say so yet.
fn ended(store: &Store) -> Result<impl Fn(CallId) -> bool + use<>, ServeError> {
    let readers = store.readers()?;
    let ends = |dated: &DatedFact| matches!(dated.fact.what, What::CallEnded { .. });
    Ok(move |call| readers.facts(call).is_ok_and(|facts| facts.iter().any(ends)))
}

/// The flow files of each version that calls of an earlier process are served with.
fn editions(
    calls: &[CarriedCall],
    all: &Edition,
    canary: Option<&Canary>,
    beginning: &Beginning,
) -> HashMap<Name, Edition> {
    let mut editions = HashMap::from([(all.version.clone(), all.clone())]);
    editions.extend(canary.map(|canary| (canary.edition.version.clone(), canary.edition.clone())));
    for call in calls {
        if editions.contains_key(call.version()) {
            continue;
        }
        match beginning.edition(call.version()) {
            Ok(edition) => drop(editions.insert(call.version().clone(), edition)),
            Err(error) => warn!(%error, version = %call.version(), "flow files of before cannot be read"),
        }
    }
    editions
}

/// What we show to those who connect over TLS; none where nobody does.
fn tls_server(options: &ServeOptions) -> Result<Option<TlsServer>, ServeError> {
    if options.sip_tls.is_none() && options.https.is_none() {
        return Ok(None);
    }
    let files = match &options.certificate {
        Some(files) => files.clone(),
        None => {
            let address = options.public_address.unwrap_or(options.sip.ip());
            let names = ["localhost".to_owned(), address.to_string()];
            CertificateFiles::of_our_own(&options.data.join("tls"), &names)?
        }
    };
    Ok(Some(TlsServer::new(files)?))
}

/// Lets standbys connect, where there are to be any.
fn standbys(
    options: &ServeOptions,
    sip: SocketAddr,
    recorder: &Recorder,
) -> Result<Option<Standbys>, ServeError> {
    let Some((address, key)) = &options.standbys else { return Ok(None) };
    let key = StandbyKey::read(key)?;
    let failed = |error| ServeError::Bind { what: "standbys", address: *address, error };
    let listener = TcpListener::bind(address).map_err(failed)?;
    let folders = (options.flow_place(), options.prompts.clone());
    let (data, removals) = (options.data.clone(), recorder.removals().clone());
    Ok(Some(Standbys::start(listener, data, sip, key, folders, removals)?))
}

/// Has the data folder for this server alone, making it where it is missing.
fn take_folder(data: &Path) -> Result<FolderLock, ServeError> {
    let failed = |error| LoadError::DataFolder { path: data.to_owned(), error };
    store::make_folder(data).map_err(failed)?;
    FolderLock::take(data).map_err(|Taken| ServeError::FolderTaken(data.to_owned()))
}

fn open_store(options: &ServeOptions, center: &Center) -> Result<Store, ServeError> {
    let store = Store::open(&options.data)?;
    let agents = center.engine.agents.iter().filter(|agent| !agent.gone);
    let agents: Vec<Name> = agents.map(|agent| agent.name.clone()).collect();
    store.seed_demo_agents(&agents)?;
    if center.company == DEMO_COMPANY {
        store.seed_demo_customers()?;
    } else {
        store.leave_out_demo_customers()?;
    }
    if let Some(address) = options.reached_at() {
        let names = store.demo_passwords_stand()?;
        if !names.is_empty() {
            let names = names.iter().map(|name| name.to_string()).collect();
            return Err(ServeError::DemoPasswords { names, address });
        }
    }
    Ok(store)
}

/// Tells the history which targets the queues have from now on, where that is news; and all that it knows then.
fn tell_targets(
    history: &HistoryWriter,
    store: &Store,
    live: &Live,
    clock: Clock,
) -> Result<Targets, StoreError> {
    let mut targets = store.readers()?.targets()?;
    let now = clock.now();
    for what in live.rules().new_targets(&targets) {
        let fact = Fact { at: now.at, call: None, what };
        targets.apply(&DatedFact { wall: now.wall, fact: fact.clone() });
        history.record(fact);
    }
    Ok(targets)
}

/// What supervisors set of agents' skills, and no date has set otherwise since.
fn still_set(facts: Vec<DatedFact>) -> Vec<(Name, Name, u8)> {
    let mut set: Vec<(Name, Name, u8)> = Vec::new();
    for dated in facts {
        if let What::SkillSet { agent, skill, level, by } = dated.fact.what {
            set.retain(|(of, known, _)| (of, known) != (&agent, &skill));
            set.extend(by.map(|_| (agent, skill, level)));
        }
    }
    set
}

fn live_view(center: &Center, clock: Clock) -> Live {
    Live::new(clock.zero(), Rules::of(center, clock.zero()))
}

fn switchboard(
    options: &ServeOptions,
    store: &Store,
    served: Served,
    started: WallTime,
    (bound, trunks): (Bound, Setup),
    fingerprint: Fingerprint,
    users: Users,
) -> Result<Switchboard, ServeError> {
    let address = options.public_address.unwrap_or(bound.udp.ip());
    if address.is_unspecified() {
        return Err(ServeError::NoAddress(address));
    }
    let Served { all: Edition { version, center, library }, canary } = served;
    let mut seed = [0; 32];
    getrandom::fill(&mut seed).map_err(|error| io::Error::other(error.to_string()))?;
    let mut entropy = Entropy::new(seed);
    let advertised = |bound: SocketAddr| SocketAddr::new(address, bound.port());
    let config = EndpointConfig {
        advertised_udp: Some(advertised(bound.udp)),
        advertised_tcp: Some(advertised(bound.tcp)),
        advertised_tls: bound.tls.map(advertised),
        users,
        trunks: trunks.trunks,
        trying_after: TRYING_AFTER,
        max_transactions: TRANSACTIONS,
        ..EndpointConfig::default()
    };
    Ok(Switchboard::new(Parts {
        endpoint: Endpoint::new(config, entropy.split()),
        version,
        center,
        started,
        library,
        canary,
        address,
        fingerprint,
        bound,
        ways: Ways::new(trunks.ways_out),
        first_call: store.next_call_id()?,
        // Each call has one line at least, and each line a pair of ports.
        max_calls: options.rtp_ports.len() / 2,
        log_queue: options.queue_log.is_some(),
        journal: true,
        entropy,
    }))
}

/// Lets the process open as many files as it may: each leg has two sockets.
fn raise_file_limit() {
    use rustix::process::Resource;
    use rustix::process::getrlimit;
    use rustix::process::setrlimit;
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    if setrlimit(Resource::Nofile, limit).is_err() {
        warn!("the limit of open files could not be raised: `warmline doctor` tells what it allows");
    }
}

/// Keeps the kernel from putting this process's memory into huge pages. The thread that does so (`khugepaged`) cannot be
/// interrupted on many kernels, and so keeps a media worker from its slot for five milliseconds and more; and what is empty in
/// a huge page is memory all the same.
fn keep_pages_small() {
    if let Err(error) = rustix::thread::disable_transparent_huge_pages(true) {
        debug!(%error, "the kernel may put memory into huge pages");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::flow;

    #[test]
    fn only_the_demo_center_has_customers_whose_pins_everybody_knows() {
        let customers = |company: &str| {
            let folder = tempfile::tempdir().unwrap();
            let options = ServeOptions { data: folder.path().to_owned(), ..ServeOptions::default() };
            let center = Center { company: company.to_owned(), ..flow::tests::demo() };
            open_store(&options, &center).unwrap().customers().unwrap().len()
        };
        assert_eq!(customers(&flow::tests::demo().company), 3);
        assert_eq!(customers("Oak Plumbing"), 0);
    }
}
