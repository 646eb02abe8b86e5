//! `warmline agent`: accounts in the store, and states at the running server.

use std::net::SocketAddr;

use clap::Args;
use clap::Subcommand;
use clap::ValueEnum;
use serde_json::Value;
use serde_json::json;

use crate::cli::DataArg;
use crate::cli::Format;
use crate::cli::ask;
use crate::cli::http;
use crate::cli::show;
use crate::cli::table::table;
use crate::cli::trouble::Trouble;
use crate::store::AgentAccount;
use crate::store::NewAgent;
use crate::store::Role;
use crate::store::Store;

#[derive(Debug, Subcommand)]
pub(super) enum AgentCommand {
    /// List the accounts
    List {
        #[command(flatten)]
        data: DataArg,
        /// Text for people, JSON for programs
        #[arg(long, value_enum, default_value_t)]
        format: Format,
    },
    /// Add an account; the password is asked for, or read from stdin
    Add {
        /// The name that a phone signs in with
        name: String,
        /// agent, supervisor or admin
        #[arg(long, default_value = "agent")]
        role: Role,
        #[command(flatten)]
        data: DataArg,
    },
    /// Change a password; it is asked for, or read from stdin
    Passwd {
        name: String,
        #[command(flatten)]
        data: DataArg,
    },
    /// Show or set what an agent is doing, at the running server
    State(StateArgs),
}

#[derive(Debug, Args)]
pub(super) struct StateArgs {
    name: String,
    /// Leave it out to see the state
    #[arg(value_enum)]
    state: Option<State>,
    /// Why not ready
    #[arg(long, default_value = "")]
    reason: String,
    /// The running server's web address
    #[arg(long, value_name = "ADDR:PORT", default_value = "127.0.0.1:8080")]
    http: SocketAddr,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum State {
    Ready,
    #[value(alias = "not_ready")]
    NotReady,
    Offline,
}

/// `warmline agent …`
pub(super) fn run(command: AgentCommand) -> Result<(), Trouble> {
    match command {
        AgentCommand::List { data, format } => list(&Store::open_existing(&data.data)?, format),
        AgentCommand::Add { name, role, data } => {
            let store = Store::open(&data.data)?;
            let password = ask::new_secret("password")?;
            store.add_agent(&NewAgent { name: name.clone(), role, password })?;
            eprintln!("added {name}; a running server knows it within a second");
            Ok(())
        }
        AgentCommand::Passwd { name, data } => {
            let store = Store::open_existing(&data.data)?;
            let accounts = store.agent_accounts()?;
            if !accounts.iter().any(|account| *account.name == *name) {
                let error = Trouble::new(format!("there is no account {name}"));
                return Err(error.hint("`warmline agent list` shows who is there"));
            }
            store.change_password(&name, &ask::new_secret("new password")?)?;
            eprintln!(
                "changed; a running server knows it within a second: pages are signed out, and a phone needs it to go on"
            );
            Ok(())
        }
        AgentCommand::State(args) => state(&args),
    }
}

fn list(store: &Store, format: Format) -> Result<(), Trouble> {
    let accounts = store.agent_accounts()?;
    if format == Format::Json {
        let view = |a: &AgentAccount| json!({ "name": &*a.name, "role": a.role, "demo_password": a.demo });
        say!("{:#}", json!({ "agents": accounts.iter().map(view).collect::<Vec<_>>() }));
        return Ok(());
    }
    if accounts.is_empty() {
        eprintln!(
            "no accounts; `warmline serve` makes those of the demo center, `warmline agent add` others"
        );
        return Ok(());
    }
    let password = |demo: bool| if demo { "demo" } else { "its own" };
    let row = |a: &AgentAccount| vec![a.name.to_string(), a.role.to_string(), password(a.demo).to_owned()];
    show(table(&["name", "role", "password"], &accounts.iter().map(row).collect::<Vec<_>>()));
    if accounts.iter().any(|account| account.demo) {
        eprintln!("\nhint: `warmline agent passwd NAME` changes a demo password");
    }
    Ok(())
}

fn state(args: &StateArgs) -> Result<(), Trouble> {
    if !args.reason.is_empty() && !matches!(args.state, Some(State::NotReady)) {
        return Err(Trouble::wrong_use("a reason goes with not-ready").hint("leave --reason out"));
    }
    let path = format!("/api/v1/agents/{}/state", http::path_part(&args.name));
    let wish = args.state.map(|state| {
        let state = match state {
            State::Ready => "ready",
            State::NotReady => "not_ready",
            State::Offline => "offline",
        };
        json!({ "state": state, "reason": args.reason }).to_string()
    });
    let method = if wish.is_some() { "PUT" } else { "GET" };
    let answer = http::ask(args.http, method, &path, wish.as_deref()).map_err(|error| {
        let hint = "is it running? `warmline serve` starts it, --http names another address";
        Trouble::new(format!("no server answers at {}: {error}", args.http)).hint(hint)
    })?;
    let body: Value = serde_json::from_str(&answer.body).unwrap_or_default();
    let text = |field: &str| body[field].as_str().unwrap_or_default().to_owned();
    match answer.status {
        200 => say!("{} is {}{}", args.name, text("state"), in_brackets(&text("reason"))),
        202 => eprintln!("asked; {} is {}{} now", args.name, text("state"), in_brackets(&text("reason"))),
        status => {
            let error = format!("the server said {status}: {}", text("error"));
            return Err(Trouble::new(error).hint(text("hint")));
        }
    }
    Ok(())
}

fn in_brackets(reason: &str) -> String {
    if reason.is_empty() { String::new() } else { format!(" ({reason})") }
}
