//! `warmline flow graph`: a flow as a drawing.

use clap::Args;
use clap::ValueEnum;

use super::Files;
use super::flow_name;
use crate::base::Name;
use crate::cli::trouble::Trouble;
use crate::flow::drawing;

#[derive(Debug, Args)]
pub(in crate::cli) struct GraphArgs {
    /// The flow: its name or its file
    flow: String,
    /// SVG for eyes, Mermaid for documents
    #[arg(long, value_enum, default_value_t)]
    format: Drawing,
    #[command(flatten)]
    files: Files,
}

#[derive(Clone, Copy, Debug, Default, ValueEnum)]
enum Drawing {
    #[default]
    Svg,
    Mermaid,
}

/// Draws the flow to stdout.
pub(super) fn run(args: &GraphArgs) -> Result<(), Trouble> {
    let (center, _) = args.files.center()?;
    let flow = &center.flows[&flow_name(&center, &args.flow)?];
    let queues: Vec<Name> = center.engine.queues.iter().map(|queue| queue.name.clone()).collect();
    let text = match args.format {
        Drawing::Svg => drawing::svg(flow, &queues),
        Drawing::Mermaid => drawing::mermaid(flow, &queues),
    };
    say!("{}", text.trim_end());
    Ok(())
}
