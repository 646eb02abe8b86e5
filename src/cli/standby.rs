//! `warmline standby`: a second machine that has a copy of all that a server's calls and history are, and takes over.

use std::net::SocketAddr;

use clap::Args;

use super::ServeArgs;
use super::address;
use super::serve;
use super::trouble::Trouble;
use crate::server::standby::Standby;
use crate::server::standby::StandbyKey;

/// The flags of `standby`: those with which it serves once it has taken over, and whose standby it is.
#[derive(Debug, Args)]
pub(super) struct StandbyArgs {
    /// Where the server has its standbys connect: its `--standbys`
    #[arg(value_name = "SERVER", value_parser = address::<5_070>)]
    server: SocketAddr,
    #[command(flatten)]
    serve: ServeArgs,
}

/// Waits until the server is gone and its address is here, and serves in its place.
pub(super) fn run(args: StandbyArgs) -> Result<(), Trouble> {
    let StandbyArgs { server, serve: args } = args;
    let Some(key) = &args.standby_key else {
        return Err(Trouble::new("a standby and its server share a key, and none is named".to_owned())
            .hint("name the file with --standby-key FILE".to_owned()));
    };
    let key = StandbyKey::read(key).map_err(|error| Trouble::new(error.to_string()).hint(error.hint()))?;
    let options = args.into();
    serve::log();
    let standby = Standby::new(&options, server, key);
    let waited = standby.and_then(Standby::wait);
    waited.map_err(|error| Trouble::new(error.to_string()).hint(error.hint()))?;
    serve::serve_or_tell(options)
}
