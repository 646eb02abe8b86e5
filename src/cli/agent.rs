//! `warmline agent`: accounts in the store, and states at the running server.

use std::fmt;
use std::net::SocketAddr;
use std::thread;
use std::time::Duration;
use std::time::Instant;

use clap::Args;
use clap::Subcommand;
use clap::ValueEnum;
use serde_json::Value;
use serde_json::json;

use crate::cli::DataArg;
use crate::cli::Format;
use crate::cli::address;
use crate::cli::ask;
use crate::cli::http;
use crate::cli::show;
use crate::cli::table::table;
use crate::cli::trouble::Trouble;
use crate::store::AgentAccount;
use crate::store::NewAgent;
use crate::store::Role;
use crate::store::Store;

/// How long a wish may take to show.
const ACTS_WITHIN: Duration = Duration::from_millis(500);
/// How often we look whether it does.
const LOOK: Duration = Duration::from_millis(10);

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
    /// Shut somebody out at once: no phone and no page of theirs is let in, until they are enabled again
    Disable {
        name: String,
        #[command(flatten)]
        data: DataArg,
    },
    /// Let somebody in again who was disabled
    Enable {
        name: String,
        #[command(flatten)]
        data: DataArg,
    },
    /// Remove an account, and shut its owner out at once; what the history says of them stays
    Remove {
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
    #[arg(long, value_name = "ADDR:PORT", default_value = "127.0.0.1:8080", value_parser = address::<8_080>)]
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
        AgentCommand::Disable { name, data } => {
            Store::open_existing(&data.data)?.disable_agent(&name, true)?;
            eprintln!("{name} is shut out: {WITHIN_A_SECOND}");
            Ok(())
        }
        AgentCommand::Enable { name, data } => {
            Store::open_existing(&data.data)?.disable_agent(&name, false)?;
            eprintln!("{name} may sign in again; a running server knows it within a second");
            Ok(())
        }
        AgentCommand::Remove { name, data } => {
            Store::open_existing(&data.data)?.remove_agent(&name)?;
            eprintln!("removed {name}: {WITHIN_A_SECOND}");
            Ok(())
        }
        AgentCommand::State(args) => state(&args),
    }
}

/// What shutting out does at a server that runs.
const WITHIN_A_SECOND: &str = "within a second a running server lets no phone and no page of theirs in, and gives them no call; \
                               a talk that is up goes on to its end";

fn list(store: &Store, format: Format) -> Result<(), Trouble> {
    let accounts = store.agent_accounts()?;
    if format == Format::Json {
        let view = |a: &AgentAccount| json!({ "name": &*a.name, "role": a.role, "demo_password": a.demo, "disabled": a.disabled });
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
    let row = |a: &AgentAccount| {
        let shut_out = if a.disabled { "disabled" } else { "" };
        vec![a.name.to_string(), a.role.to_string(), password(a.demo).to_owned(), shut_out.to_owned()]
    };
    show(table(&["name", "role", "password", ""], &accounts.iter().map(row).collect::<Vec<_>>()));
    if accounts.iter().any(|account| account.demo) {
        eprintln!("\nhint: `warmline agent passwd NAME` changes a demo password");
    }
    Ok(())
}

fn state(args: &StateArgs) -> Result<(), Trouble> {
    if !args.reason.is_empty() && !matches!(args.state, Some(State::NotReady)) {
        return Err(Trouble::wrong_use("a reason goes with not-ready").hint("leave --reason out"));
    }
    let Some(state) = args.state else {
        say!("{} is {}", args.name, Now::asked(args, "GET", None)?);
        return Ok(());
    };
    let wish = Now { state: state.word().to_owned(), reason: args.reason.clone() };
    let body = json!({ "state": wish.state, "reason": wish.reason }).to_string();
    Now::asked(args, "PUT", Some(&body))?;
    let now = come_of(&wish, || Now::asked(args, "GET", None))?;
    match now == wish {
        true => eprintln!("{} is {now}", args.name),
        false => eprintln!("asked; {} is {now} until then", args.name),
    }
    Ok(())
}

/// What an agent is doing once they were asked to do `wish`: the server has taken the wish, and acts on it a moment later; an
/// agent who talks does so when the talk is over.
fn come_of(wish: &Now, mut look: impl FnMut() -> Result<Now, Trouble>) -> Result<Now, Trouble> {
    let until = Instant::now() + ACTS_WITHIN;
    loop {
        let now = look()?;
        if now == *wish || Instant::now() >= until {
            return Ok(now);
        }
        thread::sleep(LOOK);
    }
}

/// What an agent is doing.
#[derive(Clone, Debug, PartialEq)]
struct Now {
    state: String,
    /// Why they are not ready; empty otherwise.
    reason: String,
}

impl Now {
    /// As the server tells it.
    fn asked(args: &StateArgs, method: &str, wish: Option<&str>) -> Result<Now, Trouble> {
        let path = format!("/api/v1/agents/{}/state", http::path_part(&args.name));
        let answer = http::ask(args.http, method, &path, wish).map_err(|error| {
            let hint = "is it running? `warmline serve` starts it, --http names another address";
            Trouble::new(format!("no server answers at {}: {error}", args.http)).hint(hint)
        })?;
        let body: Value = serde_json::from_str(&answer.body).unwrap_or_default();
        let text = |field: &str| body[field].as_str().unwrap_or_default().to_owned();
        if !matches!(answer.status, 200 | 202) {
            let error = format!("the server said {}: {}", answer.status, text("error"));
            return Err(Trouble::new(error).hint(text("hint")));
        }
        Ok(Now { state: text("state"), reason: text("reason") })
    }
}

impl fmt::Display for Now {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.state)?;
        if self.reason.is_empty() { Ok(()) } else { write!(f, " ({})", self.reason) }
    }
}

impl State {
    fn word(self) -> &'static str {
        match self {
            State::Ready => "ready",
            State::NotReady => "not_ready",
            State::Offline => "offline",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_sets_a_state_is_told_what_came_of_it_and_not_what_was_before() {
        let now = |state: &str, reason: &str| Now { state: state.to_owned(), reason: reason.to_owned() };
        let wish = now("not_ready", "lunch");
        let mut states = vec![wish.clone(), now("ready", ""), now("ready", "")];
        let come = come_of(&wish, || Ok(states.pop().expect("it is looked at until it is so"))).unwrap();
        assert_eq!(come.to_string(), "not_ready (lunch)");
        let talks = come_of(&now("ready", ""), || Ok(now("talking", ""))).unwrap();
        assert_eq!(talks.to_string(), "talking", "and becomes ready when the talk is over");
    }
}
