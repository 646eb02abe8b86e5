//! HTTP for people and programs: REST, events, metrics, health.
//!
//! Handlers read the history, or what [`Live`] folded from facts, and ask the control thread for changes.
//! Who acts is found out once, before any of them, in `session`. A server on loopback answers loopback names
//! only, so that a web page of somebody else cannot reach it through the browser (DNS rebinding); what such a page
//! sends all the same is known by its origin, by the header that only our pages send, and by the JSON body that
//! changes need.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::SystemTime;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::middleware;
use axum::routing::MethodRouter;
use axum::routing::get;
use axum::routing::post;
use axum::routing::put;
use tokio::sync::Semaphore;

use crate::base::WallTime;
use crate::flow::Center;
use crate::server::ControlHandle;
use crate::server::Live;
use crate::server::Metric;
use crate::server::Publisher;
use crate::server::captions::Captions;
use crate::server::options::IceServers;
use crate::server::recorder::RecorderStats;
use crate::server::standby::StandbyStats;
use crate::server::trunks::Trunks;
use crate::server::webhooks::Webhooks;
use crate::store::Losses;
use crate::store::Readers;
use crate::store::Store;
use crate::store::StoreError;
use crate::wire::sip::WebConnections;
use downloads::Downloads;
use reads::Reads;
use session::Sessions;
use web_call::IdlePages;

mod agents;
mod announcements;
mod calls;
mod came;
mod center;
mod conformance;
mod customers;
mod desk;
mod desk_socket;
mod downloads;
mod evaluations;
mod events;
mod facts;
mod flows;
mod goals;
mod guard;
mod health;
mod ice;
mod late;
pub mod listener;
mod messages;
mod metrics;
mod openapi;
mod page;
mod problem;
mod promises;
mod queues;
mod reads;
mod recording;
mod reports;
mod session;
mod sip_socket;
mod socket;
mod talk;
mod trends;
mod unreadable;
mod wallboard;
mod web_call;

/// The largest body that is read.
const LARGEST_BODY: usize = 16 * 1024;
/// The largest that is read where flow files are sent.
const LARGEST_FLOWS: usize = 8 * 1024 * 1024;
/// Requests that may read the history at once or wait for it; the next one is told to come again.
const READING: usize = 32;

/// What the handlers work with. Cheap to clone.
#[derive(Clone)]
pub struct ApiState {
    readers: Arc<Readers>,
    store: Arc<Store>,
    sessions: Arc<Sessions>,
    reading: Arc<Semaphore>,
    downloads: Arc<Downloads>,
    watching: Arc<Semaphore>,
    idle_pages: IdlePages,
    reads: Arc<Reads>,
    board: wallboard::Drawn,
    control: ControlHandle,
    live: Arc<Live>,
    captions: Arc<Captions>,
    /// What the server started with.
    center: Arc<Center>,
    /// The data folder.
    data: PathBuf,
    http: SocketAddr,
    sip: SocketAddr,
    more_metrics: Arc<dyn Fn() -> Vec<Metric> + Send + Sync>,
    flows: Option<Arc<Publisher>>,
    ice: Arc<IceServers>,
    phones: Option<WebConnections>,
    /// Whose pages may be phones, beside our own.
    sip_origins: Arc<[String]>,
    /// Under which names a proxy on this machine is reached.
    proxy: Arc<[String]>,
    losses: Losses,
    /// How recordings are written.
    recordings: Arc<RecorderStats>,
    /// How the standbys are, where there are to be any.
    standbys: Option<Arc<StandbyStats>>,
    /// How our registrations at trunks are.
    trunks: Arc<Trunks>,
    /// How programs elsewhere are told of events.
    webhooks: Arc<Webhooks>,
}

impl ApiState {
    /// A state that reads `store` and `live` and asks `control`. `http` and `sip` are the addresses bound.
    pub fn new(
        store: Arc<Store>,
        control: ControlHandle,
        live: Arc<Live>,
        center: Arc<Center>,
        http: SocketAddr,
        sip: SocketAddr,
    ) -> Result<ApiState, StoreError> {
        Ok(ApiState {
            readers: Arc::new(store.readers()?),
            data: store.folder().to_owned(),
            sessions: Arc::new(Sessions::new(Arc::clone(&store))),
            store,
            reading: Arc::new(Semaphore::new(READING)),
            downloads: Arc::default(),
            watching: Arc::new(Semaphore::new(events::WATCHERS)),
            idle_pages: IdlePages::default(),
            reads: Arc::default(),
            board: wallboard::Drawn::default(),
            control,
            live,
            captions: Arc::default(),
            center,
            http,
            sip,
            more_metrics: Arc::new(Vec::new),
            flows: None,
            ice: Arc::default(),
            phones: None,
            sip_origins: Arc::default(),
            proxy: Arc::default(),
            losses: Losses::default(),
            recordings: Arc::default(),
            standbys: None,
            trunks: Arc::default(),
            webhooks: Arc::default(),
        })
    }

    /// Tells callers on a page what the prompts say.
    pub fn with_captions(self, captions: Captions) -> ApiState {
        ApiState { captions: Arc::new(captions), ..self }
    }

    /// Lets the flow files be looked at and changed.
    pub fn with_flows(self, flows: Arc<Publisher>) -> ApiState {
        ApiState { flows: Some(flows), ..self }
    }

    /// Tells pages of STUN and TURN servers.
    pub fn with_ice(self, ice: IceServers) -> ApiState {
        ApiState { ice: Arc::new(ice), ..self }
    }

    /// Takes phones in browsers, on our pages and on those of these origins.
    pub fn with_phones(self, phones: WebConnections, sip_origins: Vec<String>) -> ApiState {
        ApiState { phones: Some(phones), sip_origins: sip_origins.into(), ..self }
    }

    /// Answers a proxy on this machine, which is reached under these names.
    pub fn with_proxy(self, names: Vec<String>) -> ApiState {
        ApiState { proxy: names.into(), ..self }
    }

    /// Tells those who watch the server when history is being lost.
    pub fn with_losses(self, losses: Losses) -> ApiState {
        ApiState { losses, ..self }
    }

    /// Tells those who watch the server when recordings cannot be written.
    pub fn with_recordings(self, recordings: Arc<RecorderStats>) -> ApiState {
        ApiState { recordings, ..self }
    }

    /// Tells those who watch the server how its standbys are.
    pub fn with_standbys(self, standbys: Option<Arc<StandbyStats>>) -> ApiState {
        ApiState { standbys, ..self }
    }

    /// Tells those who watch the server how its registrations at trunks are.
    pub fn with_trunks(self, trunks: Arc<Trunks>) -> ApiState {
        ApiState { trunks, ..self }
    }

    /// Tells those who watch the server how programs elsewhere are told of events.
    pub fn with_webhooks(self, webhooks: Arc<Webhooks>) -> ApiState {
        ApiState { webhooks, ..self }
    }

    /// What is wrong with trunks and webhooks, in words.
    fn troubles_elsewhere(&self) -> Vec<String> {
        let zone = &self.live.rules().zone;
        let trunks = self.trunks.troubles(|at| self.live.wall(at), zone);
        trunks.into_iter().chain(self.webhooks.troubles(zone)).collect()
    }

    /// What new calls are served with now.
    fn center(&self) -> Arc<Center> {
        self.flows.as_ref().map_or_else(|| Arc::clone(&self.center), |flows| flows.center())
    }

    /// Adds figures of other floors to `/metrics`, read anew at each look.
    pub fn with_metrics(self, more: impl Fn() -> Vec<Metric> + Send + Sync + 'static) -> ApiState {
        ApiState { more_metrics: Arc::new(more), ..self }
    }
}

/// The calendar's time.
fn now() -> WallTime {
    WallTime(0) + SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default()
}

/// Every page and call of the API. Serve it with [`SocketAddr`] as connection info: wrong passwords are counted by it.
pub fn router(state: ApiState) -> Router {
    let mut router = Router::new();
    for (path, methods) in routes() {
        router = router.route(path, methods);
    }
    router
        .fallback(problem::no_such_page)
        .method_not_allowed_fallback(problem::no_such_method)
        .layer(DefaultBodyLimit::max(LARGEST_BODY))
        .layer(middleware::from_fn(late::in_time_only))
        .layer(middleware::from_fn_with_state(state.clone(), session::known_people_only))
        .layer(middleware::from_fn_with_state(state.clone(), guard::known_host_only))
        .layer(middleware::from_fn_with_state(state.clone(), came::tell))
        .with_state(state)
}

/// Paths and what answers them: a table, so that a test can hold it against the OpenAPI document.
fn routes() -> Vec<(&'static str, MethodRouter<ApiState>)> {
    let mut routes = vec![
        ("/", get(page::start)),
        ("/desk", get(page::desk)),
        ("/wallboard", get(page::wallboard)),
        ("/history", get(page::history)),
        ("/flows", get(page::flows)),
        ("/call", get(page::call)),
        ("/web/{file}", get(page::file)),
        ("/healthz", get(health::alive)),
        ("/readyz", get(health::ready)),
        ("/metrics", get(metrics::show)),
        (sip_socket::PATH, get(sip_socket::open)),
        ("/api/v1/session", get(session::show).post(session::sign_in).delete(session::sign_out)),
        ("/api/v1/calls", get(calls::list).post(talk::place)),
        ("/api/v1/calls/{id}", get(calls::show)),
        ("/api/v1/calls/{id}/explain", get(calls::explain)),
        ("/api/v1/calls/{id}/end", post(calls::end)),
        ("/api/v1/calls/{id}/recording", get(recording::fetch)),
        ("/api/v1/calls/{id}/evaluations", get(evaluations::of_call)),
        ("/api/v1/calls/{id}/evaluations/{agent}/{form}", put(evaluations::put)),
        ("/api/v1/calls/{id}/evaluations/{agent}/{form}/read", post(evaluations::read)),
        ("/api/v1/evaluations", get(evaluations::list)),
        ("/api/v1/evaluations/due", get(evaluations::due)),
        ("/api/v1/reports/evaluations", get(evaluations::report)),
        ("/api/v1/reports/conformance", get(conformance::report)),
        ("/api/v1/reports/conformance/broken", get(conformance::broken)),
        ("/api/v1/reports/service", get(reports::service)),
        ("/api/v1/reports/talks", get(reports::talks)),
        ("/api/v1/reports/numbers", get(reports::numbers)),
        ("/api/v1/reports/menus", get(reports::menus)),
        ("/api/v1/reports/misrouted", get(reports::misrouted)),
        ("/api/v1/reports/reads", get(reports::reads)),
        ("/api/v1/reports/surveys", get(reports::surveys)),
        ("/api/v1/reports/goals", get(goals::show)),
        ("/api/v1/reports/trends", get(trends::show)),
        ("/api/v1/messages", get(messages::list)),
        ("/api/v1/messages/{id}/audio", get(messages::audio)),
        ("/api/v1/messages/{id}/handled", post(messages::handled)),
        ("/api/v1/promises", get(promises::list)),
        ("/api/v1/promises/report", get(promises::report)),
        ("/api/v1/promises/{id}", post(promises::settle)),
        ("/api/v1/agents", get(agents::list)),
        ("/api/v1/agents/{id}/state", get(agents::show).put(agents::set_state)),
        ("/api/v1/agents/{id}/skills/{skill}", put(agents::set_skill)),
        ("/api/v1/customers", get(customers::list)),
        ("/api/v1/customers/{account}", get(customers::show).put(customers::put).delete(customers::remove)),
        ("/api/v1/customers/{account}/unlock", post(customers::unlock)),
        ("/api/v1/queues", get(queues::list)),
        ("/api/v1/queues/{name}/agents", get(queues::helpers)),
        ("/api/v1/center", get(center::show)),
        ("/api/v1/flows", get(center::flows)),
        ("/api/v1/flows/{id}", get(center::flow)),
        ("/api/v1/desk-view", get(desk::show)),
        ("/api/v1/desk-view/events", get(desk::watch)),
        ("/api/v1/wallboard", get(wallboard::show)),
        ("/api/v1/wallboard/events", get(wallboard::watch)),
        ("/api/v1/flows/versions", get(flows::show)),
        ("/api/v1/flows/publish", post(flows::publish).layer(DefaultBodyLimit::max(LARGEST_FLOWS))),
        ("/api/v1/flows/promote", post(flows::promote)),
        ("/api/v1/flows/rollback", post(flows::roll_back)),
        ("/api/v1/announcements", get(announcements::list)),
        ("/api/v1/announcements/{id}", put(announcements::switch)),
        ("/api/v1/events", get(events::watch)),
        ("/api/v1/facts", get(facts::list)),
        ("/api/v1/ice", get(ice::show)),
        ("/api/v1/desk", get(desk_socket::open)),
        ("/api/v1/web-call", get(web_call::open)),
        ("/api/v1/openapi.json", get(openapi::show)),
    ];
    routes.extend(talk::routes());
    routes
}

#[cfg(test)]
mod tests;
