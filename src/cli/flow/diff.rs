//! `warmline flow diff`: what differs between two folders of flow files, in words.

use std::path::PathBuf;

use clap::Args;

use super::counted;
use super::unreadable;
use crate::cli::trouble::Trouble;
use crate::flow::difference::differences;
use crate::server::load;

#[derive(Debug, Args)]
pub(in crate::cli) struct DiffArgs {
    /// The flow files before
    before: PathBuf,
    /// The flow files after
    after: PathBuf,
}

/// Tells every difference, one a line.
pub(super) fn run(args: &DiffArgs) -> Result<(), Trouble> {
    let before = load::flow_files(&args.before).map_err(unreadable)?;
    let after = load::flow_files(&args.after).map_err(unreadable)?;
    let found = differences(&before, &after);
    found.iter().for_each(|line| say!("{line}"));
    eprintln!("{}", counted(found.len(), "difference"));
    Ok(())
}
