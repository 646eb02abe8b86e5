//! `warmline serve`.

use tracing_subscriber::EnvFilter;

use crate::cli::trouble::Trouble;
use crate::server;
use crate::server::ServeOptions;

/// Runs the server until it is told to stop. The log goes to stderr; `RUST_LOG` says how much of it.
pub(super) fn run(options: ServeOptions) -> Result<(), Trouble> {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).init();
    server::run(options).map_err(|error| {
        Trouble::new(error.to_string()).hint("`warmline doctor` checks what the server needs")
    })
}
