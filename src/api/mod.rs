//! HTTP for people and programs: REST, events, metrics, health.
//!
//! Handlers read the history, or what [`Live`] folded from facts, and ask the control thread for changes.
//! There is no sign-in yet: a server on loopback answers loopback names only, so that a web page of
//! somebody else cannot reach it through the browser (DNS rebinding), and changes need a JSON body, which
//! such a page cannot send unasked.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::middleware;
use axum::routing::MethodRouter;
use axum::routing::get;
use tokio::sync::Semaphore;

use crate::server::ControlHandle;
use crate::server::Live;
use crate::server::Metric;
use crate::store::Readers;

mod agents;
mod calls;
mod events;
mod guard;
mod health;
mod metrics;
mod openapi;
mod page;
mod problem;
mod queues;
mod talk;

/// The largest body that is read.
const LARGEST_BODY: usize = 16 * 1024;
/// Requests that may read the history at once or wait for it; the next one is told to come again.
const READING: usize = 32;

/// What the handlers work with. Cheap to clone.
#[derive(Clone)]
pub struct ApiState {
    readers: Arc<Readers>,
    reading: Arc<Semaphore>,
    control: ControlHandle,
    live: Arc<Live>,
    http: SocketAddr,
    sip: SocketAddr,
    more_metrics: Arc<dyn Fn() -> Vec<Metric> + Send + Sync>,
}

impl ApiState {
    /// A state that reads `readers` and `live` and asks `control`. `http` and `sip` are the addresses bound.
    pub fn new(
        readers: Readers,
        control: ControlHandle,
        live: Arc<Live>,
        http: SocketAddr,
        sip: SocketAddr,
    ) -> ApiState {
        ApiState {
            readers: Arc::new(readers),
            reading: Arc::new(Semaphore::new(READING)),
            control,
            live,
            http,
            sip,
            more_metrics: Arc::new(Vec::new),
        }
    }

    /// Adds figures of other floors to `/metrics`, read anew at each look.
    pub fn with_metrics(self, more: impl Fn() -> Vec<Metric> + Send + Sync + 'static) -> ApiState {
        ApiState { more_metrics: Arc::new(more), ..self }
    }
}

/// Every page and call of the API.
pub fn router(state: ApiState) -> Router {
    let mut router = Router::new();
    for (path, methods) in routes() {
        router = router.route(path, methods);
    }
    router
        .fallback(problem::no_such_page)
        .method_not_allowed_fallback(problem::no_such_method)
        .layer(DefaultBodyLimit::max(LARGEST_BODY))
        .layer(middleware::from_fn_with_state(state.clone(), guard::known_host_only))
        .with_state(state)
}

/// Paths and what answers them: a table, so that a test can hold it against the OpenAPI document.
fn routes() -> Vec<(&'static str, MethodRouter<ApiState>)> {
    let mut routes = vec![
        ("/", get(page::show)),
        ("/healthz", get(health::alive)),
        ("/readyz", get(health::ready)),
        ("/metrics", get(metrics::show)),
        ("/api/v1/calls", get(calls::list)),
        ("/api/v1/calls/{id}", get(calls::show)),
        ("/api/v1/agents", get(agents::list)),
        ("/api/v1/agents/{id}/state", get(agents::show).put(agents::set_state)),
        ("/api/v1/queues", get(queues::list)),
        ("/api/v1/events", get(events::watch)),
        ("/api/v1/openapi.json", get(openapi::show)),
    ];
    routes.extend(talk::routes());
    routes
}

#[cfg(test)]
mod tests;
