//! `warmline token`: tokens with which programs do what they are for, and nothing else.

use std::collections::BTreeSet;

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
use crate::store::tokens::ProgramToken;
use crate::store::tokens::Scope;
use crate::store::view::rfc3339;

#[derive(Debug, Subcommand)]
pub(super) enum TokenCommand {
    /// Make a token for a program, and print it: it is shown this once, and holds until it is removed
    Add {
        /// Who has it: prometheus
        name: String,
        /// What it is for, one or more: metrics, wallboard (what happens now), events (all facts), history (calls and reports),
        /// customers, agents (their states), calls (have agents call)
        #[arg(long = "scope", value_name = "SCOPE", value_delimiter = ',', default_value = "metrics")]
        scopes: Vec<Scope>,
        #[command(flatten)]
        data: DataArg,
    },
    /// List the tokens: whose they are, what for, and since when
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
        TokenCommand::Add { name, scopes, data } => {
            add(&name, &scopes.into_iter().collect(), &Store::open(&data.data)?)
        }
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

fn add(name: &str, scopes: &BTreeSet<Scope>, store: &Store) -> Result<(), Trouble> {
    let mut bytes = [0_u8; 32];
    getrandom::fill(&mut bytes)
        .map_err(|error| Trouble::new(format!("the machine gives no random numbers: {error}")))?;
    let token: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    store.add_token(name, &token, scopes, wall_now())?;
    say!("{token}");
    let scopes = scopes.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
    eprintln!(
        "it is for {scopes} and nothing else; send it as: Authorization: Bearer TOKEN. It is shown this once"
    );
    Ok(())
}

fn list(store: &Store, flows: &FlowsArg, format: Format) -> Result<(), Trouble> {
    let tokens = store.tokens()?;
    if format == Format::Json {
        let view = |token: &ProgramToken| {
            let scopes: Vec<String> = token.scopes.iter().map(ToString::to_string).collect();
            json!({ "name": token.name, "made": rfc3339(token.made), "scopes": scopes })
        };
        say!("{:#}", json!({ "tokens": tokens.iter().map(view).collect::<Vec<_>>() }));
        return Ok(());
    }
    if tokens.is_empty() {
        eprintln!("no tokens; `warmline token add prometheus` makes one");
        return Ok(());
    }
    let zone = flows.zone();
    let row = |token: &ProgramToken| {
        vec![token.name.clone(), story::date_and_clock(token.made, &zone), token.scopes_in_words()]
    };
    show(table(&["name", "made", "for"], &tokens.iter().map(row).collect::<Vec<_>>()));
    Ok(())
}
