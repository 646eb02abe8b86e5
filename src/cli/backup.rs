//! `warmline backup`: a copy of a data folder that a server may have meanwhile, from which another could start.

use std::path::PathBuf;

use clap::Args;

use crate::cli::DataArg;
use crate::cli::trouble::Trouble;
use crate::server::backup;
use crate::store;

/// What is copied, and where to.
#[derive(Debug, Args)]
pub(super) struct BackupArgs {
    /// The folder of the copy; it is made, and must be empty where it is there
    #[arg(value_name = "DIR")]
    to: PathBuf,
    #[command(flatten)]
    data: DataArg,
}

/// The history first: what is recorded meanwhile has no number in it, and loses nothing by that.
pub(super) fn run(args: &BackupArgs) -> Result<(), Trouble> {
    let BackupArgs { to, data } = args;
    let shown = to.display();
    let failed = |error| {
        Trouble::new(format!("the copy in {shown} is not whole: {error}"))
            .hint("see to it that the disk has room and both folders are yours, and begin with an empty one")
    };
    let is_free = backup::begin(&data.data, to).map_err(failed)?;
    if !is_free {
        let hint = "name a new folder, outside the data folder";
        return Err(Trouble::new(format!("{shown} is not empty, or in the data folder")).hint(hint));
    }
    store::copy_to(&data.data, to)?;
    let files = backup::files(&data.data, to).map_err(failed)?;
    say!("the history and {files} files are in {shown}");
    Ok(())
}
