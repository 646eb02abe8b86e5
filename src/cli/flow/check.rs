//! `warmline flow check`: everything that is wrong with the flow files.

use clap::Args;
use serde_json::json;

use super::Files;
use super::counted;
use super::wall_now;
use crate::cli::Format;
use crate::cli::trouble::Trouble;
use crate::flow::Center;
use crate::flow::Diagnostic;
use crate::server::load;
use crate::server::oddities;
use crate::server::speech;

#[derive(Debug, Args)]
pub(in crate::cli) struct CheckArgs {
    #[command(flatten)]
    files: Files,
    /// For people or for programs
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// Says what the checker found; fails when any of it is an error.
pub(super) fn run(args: &CheckArgs) -> Result<(), Trouble> {
    let read = args.files.read()?;
    let unusable = read.unusable;
    let (center, found) = match read.center {
        Ok((center, found)) => {
            let said = center.lapsed(wall_now()).into_iter().chain(oddities::unset(&center).cloned());
            let found: Vec<Diagnostic> = found.into_iter().chain(said).collect();
            (Some(center), found)
        }
        Err(found) => (None, found),
    };
    let found: Vec<Diagnostic> = found.into_iter().chain(args.files.oddities()).collect();
    let silent = center.as_ref().map(speech::not_there).unwrap_or_default();
    let errors = found.iter().filter(|diagnostic| diagnostic.is_error()).count();
    let warnings = counted(found.len() - errors + silent.len(), "warning");
    match args.format {
        Format::Text => {
            unusable.iter().for_each(|problem| say!("{problem}\n"));
            found.iter().for_each(|diagnostic| say!("{diagnostic}\n"));
            silent.iter().for_each(|problem| say!("warning: {problem}\nhint: {}\n", speech::SPEECH_HINT));
            if let Some(center) = center.as_ref().filter(|_| unusable.is_empty()) {
                let (flows, numbers) =
                    (counted(center.flows.len(), "flow"), counted(center.numbers.len(), "number"));
                say!("good: {flows} behind {numbers}, {warnings}");
            }
        }
        Format::Json => say!("{:#}", report(center.as_ref(), &found, &unusable, &silent)),
    }
    let recordings = counted(unusable.len(), "recording");
    match center {
        Some(_) if unusable.is_empty() => Ok(()),
        Some(_) => Err(Trouble::new(format!("{recordings} cannot be used")).hint(load::RECORDING_HINT)),
        None if !unusable.is_empty() => {
            let errors = counted(errors, "error");
            let told = format!("{errors} and {warnings} in the flow files, and {recordings} cannot be used");
            Err(Trouble::new(told).hint(load::RECORDING_HINT))
        }
        None => Err(Trouble::new(format!("{} and {warnings} in the flow files", counted(errors, "error")))),
    }
}

/// What programs read: an editor, a pipeline.
fn report(
    center: Option<&Center>,
    found: &[Diagnostic],
    unusable: &[String],
    silent: &[String],
) -> serde_json::Value {
    let one = |diagnostic: &Diagnostic| {
        json!({
            "severity": if diagnostic.is_error() { "error" } else { "warning" },
            "file": diagnostic.file,
            "line": diagnostic.line,
            "column": diagnostic.column,
            "text": diagnostic.text,
            "message": diagnostic.message,
            "hint": diagnostic.hint,
        })
    };
    json!({
        "good": center.is_some() && unusable.is_empty(),
        "recordings": unusable,
        "speech": silent,
        "flows": center.map(|center| center.flows.len()),
        "numbers": center.map(|center| center.numbers.len()),
        "diagnostics": found.iter().map(one).collect::<Vec<_>>(),
    })
}
