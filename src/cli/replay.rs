//! `warmline replay LOG`: a day of the queue engine again, by the same rules or by others.

use std::fs;
use std::path::Path;
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use serde_json::Value;
use serde_json::json;

use crate::base::Name;
use crate::cli::Format;
use crate::cli::flow::Files;
use crate::cli::route::RoutingArg;
use crate::cli::show;
use crate::cli::table::table;
use crate::cli::trouble::Trouble;
use crate::queue::api::Config;
use crate::queue::log::Log;
use crate::simulate::figures::Figures;
use crate::simulate::figures::OfQueue;
use crate::simulate::replay::Day;

/// What is asked.
#[derive(Debug, Args)]
pub(super) struct ReplayArgs {
    /// The log, as `warmline serve --queue-log` writes it
    log: PathBuf,
    /// Another center's file: its skills, queues and agents
    #[arg(long, value_name = "FILE")]
    center: Option<PathBuf>,
    /// Another way of routing
    #[arg(long, value_enum)]
    routing: Option<RoutingArg>,
    /// An agent who stays at home; may be given more than once
    #[arg(long, value_name = "AGENT")]
    without: Vec<String>,
    /// The flows and prompts beside the other center's file
    #[command(flatten)]
    files: Files,
    /// Text for people, JSON for programs
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

impl ReplayArgs {
    /// Whether anything is to be other than it was.
    fn is_other(&self) -> bool {
        self.center.is_some() || self.routing.is_some() || !self.without.is_empty()
    }
}

/// `warmline replay LOG`
pub(super) fn run(args: &ReplayArgs) -> Result<(), Trouble> {
    let log = read(&args.log)?;
    if log.cut {
        eprintln!("the last line was cut off: the log is taken up to there");
    }
    if args.is_other() { compare(args, &log) } else { verify(args, &log) }
}

fn read(path: &Path) -> Result<Log, Trouble> {
    let name = path.display();
    let text =
        fs::read_to_string(path).map_err(|error| Trouble::new(format!("{name} cannot be read: {error}")))?;
    Log::read(&text).map_err(|error| {
        Trouble::new(format!("{name}: {error}")).hint("`warmline serve --queue-log FOLDER` writes such logs")
    })
}

/// The same rules must decide the same.
fn verify(args: &ReplayArgs, log: &Log) -> Result<(), Trouble> {
    let difference = log.verify();
    let steps = log.steps.len();
    if args.format == Format::Json {
        let line = difference.as_ref().map(|difference| difference.line);
        say!("{:#}", json!({ "steps": steps, "same": difference.is_none(), "first_difference": line }));
    }
    match difference {
        None if args.format == Format::Text => {
            say!("{steps} steps: every decision is the same again");
            Ok(())
        }
        None => Ok(()),
        Some(difference) => Err(Trouble::new(format!("the decisions differ\n{difference}"))
            .hint("it was written by a Warmline that decides otherwise, or somebody has changed it")),
    }
}

/// The day by other rules, beside the day as it was.
fn compare(args: &ReplayArgs, log: &Log) -> Result<(), Trouble> {
    let was = &log.head.config;
    let mut center = match &args.center {
        Some(path) => args.files.center_of(path)?.engine_at(log.head.started),
        None => log.center(),
    };
    if let Some(routing) = args.routing {
        center.routing = routing.into();
    }
    for name in &args.without {
        stays_at_home(name, &mut center)?;
    }
    let (_, then) = Day::of(log).live(&center).map_err(Trouble::new)?;
    let as_was = Figures::of(was, &log.steps);
    if args.format == Format::Json {
        say!("{:#}", json!({ "was": as_json(&as_was), "then": as_json(&then) }));
    } else {
        show(table(&HEAD, &rows(was, &as_was, &then)));
    }
    Ok(())
}

fn stays_at_home(name: &str, center: &mut Config) -> Result<(), Trouble> {
    let Some(agent) = center.agent_named(name) else {
        let known: Vec<&str> = center.agents.iter().map(|agent| &*agent.name).collect();
        return Err(Trouble::wrong_use(format!("no agent is called \"{name}\""))
            .hint(format!("there is {}", known.join(", "))));
    };
    center.leave_out(agent);
    Ok(())
}

const HEAD: [&str; 14] = [
    "queue",
    "",
    "offered",
    "answered",
    "SL %",
    "mean wait s",
    "p90 s",
    "longest s",
    "hung up",
    "called back",
    "unserved",
    "quoted",
    "kept %",
    "off by s",
];

/// Each queue as it was and as it is then, and how busy the agents were.
fn rows(was: &Config, as_was: &Figures, then: &Figures) -> Vec<Vec<String>> {
    let mut rows = Vec::new();
    for (queue, before) in was.queues.iter().zip(&as_was.queues) {
        rows.push(row(&queue.name, "was", before));
        let after = then.queues.iter().find(|after| after.name == queue.name);
        rows.extend(after.map(|after| row(&queue.name, "then", after)));
    }
    for (when, figures) in [("was", as_was), ("then", then)] {
        let occupancy = figures.occupancy().map_or_else(String::new, percent);
        let mut cells = vec!["agents busy %".to_owned(), when.to_owned()];
        cells.resize(HEAD.len() - 1, String::new());
        cells.insert(4, occupancy);
        rows.push(cells);
    }
    rows
}

fn row(name: &Name, when: &str, of: &OfQueue) -> Vec<String> {
    let seconds =
        |wait: Option<Duration>| wait.map_or_else(String::new, |wait| format!("{:.1}", wait.as_secs_f64()));
    vec![
        name.to_string(),
        when.to_owned(),
        of.offered.to_string(),
        of.answered().to_string(),
        of.service_level().map_or_else(String::new, percent),
        seconds(of.mean_wait()),
        seconds(of.wait_of(0.9)),
        seconds(of.wait_of(1.0)),
        of.hung_up.to_string(),
        of.called_back.to_string(),
        of.unserved.to_string(),
        of.quoted().to_string(),
        of.quotes_kept().map_or_else(String::new, percent),
        of.quote_error_s().map_or_else(String::new, |off_by| format!("{off_by:.1}")),
    ]
}

fn percent(share: f64) -> String {
    format!("{:.1}", share * 100.0)
}

/// Shares are in per cent, as the API and the reports have them; unrounded.
fn as_json(figures: &Figures) -> Value {
    let percent = |share: Option<f64>| share.map(|share| share * 100.0);
    let queue = |of: &OfQueue| {
        let seconds = |wait: Option<Duration>| wait.map(|wait| wait.as_secs_f64());
        json!({
            "queue": of.name,
            "offered": of.offered,
            "answered": of.answered(),
            "service_level": percent(of.service_level()),
            "average_wait_s": seconds(of.mean_wait()),
            "p90_wait_s": seconds(of.wait_of(0.9)),
            "longest_wait_s": seconds(of.wait_of(1.0)),
            "abandoned": of.hung_up,
            "called_back": of.called_back,
            "unserved": of.unserved,
            "quoted": of.quoted(),
            "quotes_kept": percent(of.quotes_kept()),
            "quote_bias_s": of.quote_bias_s(),
            "quote_error_s": of.quote_error_s(),
        })
    };
    let queues: Vec<Value> = figures.queues.iter().map(queue).collect();
    json!({ "queues": queues, "occupancy": percent(figures.occupancy()) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::AgentId;
    use crate::base::CallId;
    use crate::base::Timestamp;
    use crate::queue::Engine;
    use crate::queue::Event;
    use crate::queue::api::AgentConfig;
    use crate::queue::api::AgentWish;
    use crate::queue::api::Demand;
    use crate::queue::api::Enqueue;
    use crate::queue::api::Needs;
    use crate::queue::api::Nobody;
    use crate::queue::api::Whoses;
    use crate::queue::log::Step;
    use crate::queue::queue_config;

    #[test]
    fn shares_are_in_per_cent_as_the_api_has_them() {
        let queue = queue_config("billing");
        let agent =
            AgentConfig { name: "alice".into(), skills: Vec::new(), always_ready: false, gone: false };
        let config = Config { queues: vec![queue], agents: vec![agent], ..Config::default() };
        let (mut engine, call, agent) = (Engine::new(config.clone()), CallId(1), AgentId(0));
        let enqueue = Enqueue {
            call,
            queue: crate::base::QueueId(0),
            needs: Demand::from(Needs::default()),
            priority: 0,
            age_credit: Duration::ZERO,
            whose: Whoses::new(),
            permission: None,
            prefer: None,
            exclude: Default::default(),
            nobody: Nobody::default(),
        };
        let given = [
            (0, Event::AgentWants { agent, wish: AgentWish::Ready }),
            (3, Event::Enqueue(Box::new(enqueue))),
            (4, Event::PickedUp { call, agent }),
            (5, Event::AgentWants { agent, wish: AgentWish::Ready }),
        ];
        let step = |(secs, event): (u64, Event)| {
            let (at, mut actions) = (Timestamp::from_secs(secs), Vec::new());
            engine.handle(at, event.clone(), &mut actions);
            Step { at, event, actions }
        };
        let steps: Vec<Step> = given.into_iter().map(step).collect();
        let told = as_json(&Figures::of(&config, &steps));
        assert_eq!(told["queues"][0]["service_level"], 100.0);
        // Ready for 3 s, and then rung for one, which is all that has ended.
        assert_eq!(told["occupancy"], 25.0);
    }
}
