//! `warmline serve`: the server, its web, and the signals that end both.

use std::io;
use std::io::IsTerminal;

use tokio::net::TcpListener;
use tokio::runtime;
use tokio::signal::unix::Signal;
use tokio::signal::unix::SignalKind;
use tokio::signal::unix::signal;
use tracing_subscriber::EnvFilter;

use crate::api;
use crate::api::ApiState;
use crate::api::listener;
use crate::api::listener::Doors;
use crate::cli::banner;
use crate::cli::banner::Bound;
use crate::cli::trouble::Trouble;
use crate::server;
use crate::server::ControlHandle;
use crate::server::ServeError;
use crate::server::ServeOptions;
use crate::server::captions::Captions;

/// What is logged unless `RUST_LOG` says otherwise: of each handshake rtc-dtls warns of what it does not know and need not.
const LOGGED: &str = "info,rtc_dtls=error";

/// Runs the server until it is told to stop: SIGTERM or Ctrl-C drains, a second one stops at once. SIGUSR2 ends it at once
/// with its calls left to the next server, which an upgrade is. The log
/// goes to stderr; `RUST_LOG` says how much of it.
pub(super) fn run(options: ServeOptions) -> Result<(), Trouble> {
    log();
    serve_or_tell(options)
}

/// Logs to stderr.
pub(super) fn log() {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(LOGGED));
    // A log in a file is read by programs: no colours there.
    let colour = io::stderr().is_terminal();
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(io::stderr).with_ansi(colour).init();
}

/// Runs the server; what is wrong is told with a hint.
pub(super) fn serve_or_tell(options: ServeOptions) -> Result<(), Trouble> {
    serve(options).map_err(|error| match error {
        ServeError::Store(error) => error.into(),
        error => {
            let hint = error.hint();
            Trouble::new(error.to_string())
                .hint(hint.unwrap_or_else(|| "`warmline doctor` checks what the server needs".to_owned()))
        }
    })
}

fn serve(options: ServeOptions) -> Result<(), ServeError> {
    let web = runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
    let http = web.block_on(TcpListener::bind(options.http)).map_err(|error| ServeError::Bind {
        what: "the web pages",
        address: options.http,
        error,
    })?;
    let https = match options.https {
        Some(address) => {
            let bound = web.block_on(TcpListener::bind(address));
            Some(bound.map_err(|error| ServeError::Bind { what: "HTTPS", address, error })?)
        }
        None => None,
    };
    // Before anything is begun that a signal must not break off: whoever asks a server to end while it starts has it
    // end well as soon as it serves.
    let signals = {
        let _web = web.enter();
        Signals::hear()?
    };
    let running = server::start(&options)?;
    let address = http.local_addr()?;
    let secure = https.as_ref().map(TcpListener::local_addr).transpose()?;
    // Who may ask without a name depends on who can: on the address that reaches furthest.
    let reached = secure.filter(|secure| !secure.ip().is_loopback()).unwrap_or(address);
    let (gauges, flows) = (running.gauges.clone(), running.flows.clone());
    let publisher = flows.clone();
    // After the start, which raises the limit of open files.
    let doors = Doors::new();
    let connected = doors.clone();
    let (control, live) = (running.control.clone(), running.live.clone());
    let (center, webhooks) = (running.center.clone(), running.webhooks.clone());
    let state = ApiState::new(running.store.clone(), control.clone(), live, center, reached, running.sip)?
        .with_captions(Captions::read(&options.prompts, &running.center.languages))
        .with_flows(flows)
        .with_ice(options.ice.clone())
        .with_phones(running.phones.clone(), options.sip_origins.clone())
        .with_proxy(options.behind_proxy.clone())
        .with_losses(running.losses.clone())
        .with_recordings(running.recordings.clone())
        .with_standbys(running.standbys.as_ref().map(|standbys| standbys.stats().clone()))
        .with_trunks(gauges.trunks().clone())
        .with_webhooks(running.webhooks.clone())
        .with_metrics(move || {
            let metrics = gauges.metrics().into_iter();
            metrics.chain(publisher.metrics()).chain(connected.metrics()).chain(webhooks.metrics()).collect()
        });
    let router = api::router(state);
    web.spawn(listener::serve(http, None, router.clone(), doors.clone()));
    if let Some(tls) = &running.tls {
        web.spawn(tls.clone().follow());
    }
    if let Some((listener, tls)) = https.zip(running.tls.clone()) {
        web.spawn(listener::serve(listener, Some(tls), router, doors));
    }
    web.spawn(signals.stop(control));
    let bound = Bound { sip: running.sip, sip_tls: running.sip_tls, http: address, https: secure };
    let trouble = running.flows.status().trouble();
    let accounts = running.store.agent_accounts()?;
    banner::print(&options, &running.center, &accounts, bound, trouble.as_deref());
    running.join()
}

/// Those that end the server. They are kept from when they are heard until somebody asks for them.
struct Signals {
    terminate: Signal,
    interrupt: Signal,
    upgrade: Signal,
}

impl Signals {
    /// From now on none of them ends the process by itself.
    fn hear() -> io::Result<Signals> {
        Ok(Signals {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            upgrade: signal(SignalKind::user_defined2())?,
        })
    }

    /// Has the control thread do what each asks for, until it is ending.
    async fn stop(mut self, control: ControlHandle) {
        loop {
            tokio::select! {
                _ = self.terminate.recv() => {}
                _ = self.interrupt.recv() => {}
                _ = self.upgrade.recv() => {
                    // Where it is refused, the server is ending already.
                    let _ = control.leave().await;
                    return;
                }
            }
            if control.shut_down().await.is_err() {
                return;
            }
        }
    }
}
