//! `warmline explain ID`: why a call waited, and why it got the agent it got; read from the data folder.

use clap::Args;
use serde_json::json;

use crate::base::CallId;
use crate::cli::DataArg;
use crate::cli::Format;
use crate::cli::flow::Files;
use crate::cli::trouble::Trouble;
use crate::server::Rules;
use crate::server::zone_of;
use crate::store::Readers;
use crate::store::explain::ExplainedWait;

#[derive(Debug, Args)]
pub(super) struct ExplainArgs {
    /// The call's number, as `warmline calls` shows it
    id: u64,
    #[command(flatten)]
    data: DataArg,
    /// The center's flow files: they say which agent had which skill then
    #[command(flatten)]
    files: Files,
    /// Text for people, JSON for programs
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// `warmline explain ID`
pub(super) fn run(args: &ExplainArgs) -> Result<(), Trouble> {
    let (center, _) = args.files.center()?;
    let id = CallId(args.id);
    let unknown = || Trouble::new(format!("there is no call {id}")).hint("`warmline calls` lists them");
    let readers = Readers::open(&args.data.data)?;
    let waits = readers
        .explain(id, |at| Rules::of(&center, at).staff().agents, &zone_of(&center))?
        .ok_or_else(unknown)?;
    if args.format == Format::Json {
        say!("{:#}", json!({ "call": args.id, "waits": waits }));
        return Ok(());
    }
    if waits.is_empty() {
        eprintln!("call {id} never waited for an agent");
    }
    waits.iter().for_each(print);
    Ok(())
}

fn print(wait: &ExplainedWait) {
    say!("queue {}", wait.queue);
    let parts = [("needed", &wait.needed), ("who could", &wait.could), ("rung", &wait.rung)];
    for (title, lines) in parts {
        for (place, line) in lines.iter().enumerate() {
            say!("{:>10}  {line}", if place == 0 { title } else { "" });
        }
    }
    say!("{:>10}  {}", "promised", wait.promised);
    say!("{:>10}  {}", "ended", wait.ended);
}
