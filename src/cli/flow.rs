//! `warmline flow`: flow files, offline.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::Path;
use std::path::PathBuf;

use clap::Args;
use clap::Subcommand;

use crate::cli::trouble::Trouble;
use crate::flow;

#[derive(Debug, Subcommand)]
pub(super) enum FlowCommand {
    /// Check the flow files and say everything that is wrong with them
    Check(CheckArgs),
}

#[derive(Debug, Args)]
pub(super) struct CheckArgs {
    /// The flow files
    #[arg(long, value_name = "DIR", default_value = "./ivr_flows")]
    flows: PathBuf,
    /// The prompts
    #[arg(long, value_name = "DIR", default_value = "./prompts")]
    prompts: PathBuf,
}

/// `warmline flow …`
pub(super) fn run(command: FlowCommand) -> Result<(), Trouble> {
    match command {
        FlowCommand::Check(args) => check(&args),
    }
}

/// Says what the checker found; fails when any of it is an error.
fn check(args: &CheckArgs) -> Result<(), Trouble> {
    let mut texts = Vec::new();
    for path in files(&args.flows, "yaml", "--flows")? {
        let text = fs::read_to_string(&path).map_err(|error| cannot_read(&path, &error, "--flows"))?;
        texts.push((path.display().to_string(), text));
    }
    let prompts = files(&args.prompts, "wav", "--prompts")?;
    let prompts: BTreeSet<String> = prompts.iter().filter_map(|path| prompt(path, &args.prompts)).collect();
    let (center, found) = match flow::load(&texts, &prompts) {
        Ok((center, found)) => (Some(center), found),
        Err(found) => (None, found),
    };
    for diagnostic in &found {
        say!("{diagnostic}\n");
    }
    let errors = found.iter().filter(|diagnostic| diagnostic.is_error()).count();
    let warnings = counted(found.len() - errors, "warning");
    match center {
        Some(center) => {
            let (flows, numbers) =
                (counted(center.flows.len(), "flow"), counted(center.numbers.len(), "number"));
            say!("good: {flows} behind {numbers}, {warnings}");
            Ok(())
        }
        None => Err(Trouble::new(format!("{} and {warnings} in the flow files", counted(errors, "error")))),
    }
}

/// What flows call a prompt: `en/greeting/welcome.wav` is `greeting/welcome`, whatever the language.
fn prompt(path: &Path, folder: &Path) -> Option<String> {
    let name = path.strip_prefix(folder).ok()?.with_extension("");
    let name = name.to_str()?.replace('\\', "/");
    Some(name.split_once('/')?.1.to_owned())
}

/// Every file below `folder` with this ending, sorted.
fn files(folder: &Path, ending: &str, flag: &str) -> Result<Vec<PathBuf>, Trouble> {
    let mut found = Vec::new();
    collect(folder, ending, &mut found).map_err(|error| cannot_read(folder, &error, flag))?;
    found.sort();
    Ok(found)
}

fn collect(folder: &Path, ending: &str, found: &mut Vec<PathBuf>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            collect(&path, ending, found)?;
        } else if path.extension().is_some_and(|extension| extension == ending) {
            found.push(path);
        }
    }
    Ok(())
}

fn cannot_read(path: &Path, error: &io::Error, flag: &str) -> Trouble {
    let hint = format!("start in the folder that has it, or name it with {flag}");
    Trouble::new(format!("{} cannot be read: {error}", path.display())).hint(hint)
}

fn counted(count: usize, what: &str) -> String {
    format!("{count} {what}{}", if count == 1 { "" } else { "s" })
}
