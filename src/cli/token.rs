//! `warmline token`: tokens with which programs read the metrics, and nothing else.

use clap::Subcommand;
use serde_json::json;

use crate::cli::DataArg;
use crate::cli::Format;
use crate::cli::flow::FlowsArg;
use crate::cli::flow::wall_now;
use crate::cli::show;
use crate::cli::table::table;
use crate::cli::trouble::Trouble;
use crate::store::Store;
use crate::store::story;
use crate::store::tokens::MetricsToken;
use crate::store::view::rfc3339;

#[derive(Debug, Subcommand)]
pub(super) enum TokenCommand {
    /// Make a token that reads the metrics, and print it: it is shown this once, and holds until it is removed
    Add {
        /// Who has it: prometheus
        name: String,
        #[command(flatten)]
        data: DataArg,
    },
    /// List the tokens: whose they are, and since when
    List {
        #[command(flatten)]
        data: DataArg,
        #[command(flatten)]
        flows: FlowsArg,
        /// Text for people, JSON for programs
        #[arg(long, value_enum, default_value_t)]
        format: Format,
    },
    /// Take a token away: it is let in no more, at once
    Remove {
        name: String,
        #[command(flatten)]
        data: DataArg,
    },
}

/// `warmline token …`
pub(super) fn run(command: TokenCommand) -> Result<(), Trouble> {
    match command {
        TokenCommand::Add { name, data } => add(&name, &Store::open(&data.data)?),
        TokenCommand::List { data, flows, format } => {
            list(&Store::open_existing(&data.data)?, &flows, format)
        }
        TokenCommand::Remove { name, data } => {
            Store::open_existing(&data.data)?.remove_token(&name)?;
            eprintln!("removed token {name}: it is let in no more");
            Ok(())
        }
    }
}

fn add(name: &str, store: &Store) -> Result<(), Trouble> {
    let mut bytes = [0_u8; 32];
    getrandom::fill(&mut bytes)
        .map_err(|error| Trouble::new(format!("the machine gives no random numbers: {error}")))?;
    let token: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    store.add_token(name, &token, wall_now())?;
    say!("{token}");
    eprintln!(
        "it reads /metrics and nothing else; send it as: Authorization: Bearer TOKEN. It is shown this once"
    );
    Ok(())
}

fn list(store: &Store, flows: &FlowsArg, format: Format) -> Result<(), Trouble> {
    let tokens = store.tokens()?;
    if format == Format::Json {
        let view = |token: &MetricsToken| json!({ "name": token.name, "made": rfc3339(token.made) });
        say!("{:#}", json!({ "tokens": tokens.iter().map(view).collect::<Vec<_>>() }));
        return Ok(());
    }
    if tokens.is_empty() {
        eprintln!("no tokens; `warmline token add prometheus` makes one");
        return Ok(());
    }
    let zone = flows.zone();
    let row = |token: &MetricsToken| vec![token.name.clone(), story::date_and_clock(token.made, &zone)];
    show(table(&["name", "made"], &tokens.iter().map(row).collect::<Vec<_>>()));
    Ok(())
}
