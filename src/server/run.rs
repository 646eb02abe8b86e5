//! The server's start. A placeholder until the control thread is here: it says so and starts nothing.

use crate::server::options::ServeOptions;

/// Why the server did not start, or stopped.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    #[error("this build has no control thread yet")]
    NotBuilt,
}

/// Runs the server until it is told to stop.
pub fn run(_options: ServeOptions) -> Result<(), ServeError> {
    Err(ServeError::NotBuilt)
}
