//! `warmline flow diff`: what differs between two folders of flow files, in words.

use std::path::PathBuf;

use clap::Args;
use serde::Serialize;
use serde_json::json;

use super::counted;
use super::unreadable;
use crate::cli::Format;
use crate::cli::trouble::Trouble;
use crate::flow::difference::differences;
use crate::server::load;

#[derive(Debug, Args)]
pub(in crate::cli) struct DiffArgs {
    /// The flow files before
    before: PathBuf,
    /// The flow files after
    after: PathBuf,
    /// For people or for programs
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// What differs, as the API tells it of each version.
#[derive(Debug, Serialize)]
struct DiffView {
    /// In words, one for each difference.
    changes: Vec<String>,
}

/// Tells every difference, one a line.
pub(super) fn run(args: &DiffArgs) -> Result<(), Trouble> {
    let before = load::flow_files(&args.before).map_err(unreadable)?;
    let after = load::flow_files(&args.after).map_err(unreadable)?;
    let found = differences(&before, &after);
    let told = counted(found.len(), "difference");
    match args.format {
        Format::Text => found.iter().for_each(|line| say!("{line}")),
        Format::Json => say!("{:#}", json!(DiffView { changes: found })),
    }
    eprintln!("{told}");
    Ok(())
}
