//! `warmline messages`: what callers left to be done, read from the data folder; no server need run.

use clap::Args;
use serde_json::json;

use crate::base::Name;
use crate::cli::DataArg;
use crate::cli::Format;
use crate::cli::flow::FlowsArg;
use crate::cli::show;
use crate::cli::table::table;
use crate::cli::trouble::Trouble;
use crate::server::recorder;
use crate::store::Message;
use crate::store::MessageFilter;
use crate::store::Readers;
use crate::store::story;
use crate::store::view::MessageView;

/// Which messages to list.
#[derive(Debug, Args)]
pub(super) struct MessagesArgs {
    #[command(flatten)]
    data: DataArg,
    #[command(flatten)]
    flows: FlowsArg,
    /// Only for this queue
    #[arg(long, value_name = "NAME")]
    queue: Option<String>,
    /// Those that somebody has handled as well
    #[arg(long)]
    all: bool,
    /// At most so many
    #[arg(long, value_name = "N", default_value = "50", value_parser = clap::value_parser!(u32).range(1..=1000))]
    limit: u32,
    /// Text for people, JSON for programs
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

/// `warmline messages`
pub(super) fn list(args: MessagesArgs) -> Result<(), Trouble> {
    let MessagesArgs { data, flows, queue, all, limit, format } = args;
    let queues = queue.map(|queue| vec![Name::from(queue)]);
    let handled = (!all).then_some(false);
    let filter = MessageFilter { queues, handled, after: None, limit: Some(limit) };
    let messages = Readers::open(&data.data)?.messages(&filter)?;
    let path = |message: &Message| recorder::path(&data.data, message.file);
    if format == Format::Json {
        let view = |message: &Message| MessageView::of(message, path(message).exists());
        let views: Vec<_> = messages.iter().map(view).collect();
        say!("{:#}", json!({ "messages": views }));
        return Ok(());
    }
    if messages.is_empty() {
        eprintln!("no messages");
        return Ok(());
    }
    let zone = flows.zone();
    let row = |message: &Message| {
        let (path, handled) = (path(message), message.handled.as_ref());
        let by = |by: &Option<Name>| by.as_deref().unwrap_or("somebody").to_owned();
        vec![
            message.id.to_string(),
            story::date_and_clock(message.left, &zone),
            message.queue.to_string(),
            message.name.clone().unwrap_or_else(|| message.number.clone()),
            format!("{:.0} s", message.length.as_secs_f64()),
            handled.map(|handled| by(&handled.by)).unwrap_or_default(),
            handled.map(|handled| handled.words.clone()).unwrap_or_default(),
            if path.exists() { path.display().to_string() } else { "gone".to_owned() },
        ]
    };
    let rows: Vec<_> = messages.iter().map(row).collect();
    show(table(&["id", "left", "queue", "from", "length", "handled by", "words", "file"], &rows));
    Ok(())
}
