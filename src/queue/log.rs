//! The engine's log: what it was told and what it wanted done, in text, to be gone through again.
//!
//! A log is JSON, a line each. The first says which center it was, and how the engine stood when it began; every other
//! is one event with its time and the actions that came of it. A log that was cut off in the middle of a line, by a
//! crash, is read up to there. Text in and out alone: the files are the server's.

use std::fmt;

use serde::Deserialize;
use serde::Serialize;

use super::Action;
use super::Engine;
use super::Event;
use super::api::AgentConfig;
use super::api::Config;
use crate::base::Timestamp;
use crate::base::WallTime;

/// The form that is written; what is read may be older.
pub const VERSION: u32 = 1;

/// The first line.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Head {
    /// [`VERSION`]
    pub queue_log: u32,
    /// When the timestamps began to count.
    pub started: WallTime,
    pub config: Config,
    /// How the engine stood; none: as a new one of this center.
    pub engine: Option<Box<Engine>>,
}

impl Head {
    /// The head of a log that goes on from here.
    pub fn of(started: WallTime, config: Config, engine: &Engine) -> Head {
        let is_new = Engine::new(config.clone()) == *engine;
        let engine = (!is_new).then(|| Box::new(engine.clone()));
        Head { queue_log: VERSION, started, config, engine }
    }

    /// The engine as it stood.
    pub fn engine(&self) -> Engine {
        self.engine.as_deref().cloned().unwrap_or_else(|| Engine::new(self.config.clone()))
    }

    /// As a line of text.
    pub fn line(&self) -> String {
        line(self)
    }
}

/// What the engine was told, and what it wanted done.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Step {
    pub at: Timestamp,
    pub event: Event,
    pub actions: Vec<Action>,
}

impl Step {
    /// As a line of text.
    pub fn line(&self) -> String {
        line(self)
    }
}

fn line(of: &impl Serialize) -> String {
    // Plain data with names as keys: there is nothing in it that JSON does not have.
    let mut text = serde_json::to_string(of).expect("what the engine knows can be written down");
    text.push('\n');
    text
}

/// A log that was read.
#[derive(Clone, Debug, PartialEq)]
pub struct Log {
    pub head: Head,
    pub steps: Vec<Step>,
    /// Whether its last line was cut off.
    pub cut: bool,
}

/// Why a log cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LogError {
    #[error("there is no whole line in it")]
    Empty,
    #[error("it was written by a later Warmline: its form is {0}, and this one knows up to {VERSION}")]
    TooNew(u32),
    #[error("line {line} is no line of a queue's log: {why}")]
    Line { line: usize, why: String },
    #[error("line {line} is earlier than the one before it")]
    Order { line: usize },
}

/// What every form of the first line has.
#[derive(Deserialize)]
struct Form {
    queue_log: u32,
}

impl Log {
    /// Reads a log, up to where it was cut off.
    pub fn read(text: &str) -> Result<Log, LogError> {
        let whole = text.rfind('\n').map_or(0, |end| end + 1);
        let (whole, rest) = text.split_at(whole);
        let mut lines = whole.lines().zip(1..);
        let (first, _) = lines.next().ok_or(LogError::Empty)?;
        let form: Form = parse(first, 1)?;
        if form.queue_log > VERSION {
            return Err(LogError::TooNew(form.queue_log));
        }
        let head: Head = parse(first, 1)?;
        let mut steps: Vec<Step> = Vec::new();
        for (text, line) in lines {
            let step: Step = parse(text, line)?;
            if steps.last().is_some_and(|last| last.at > step.at) {
                return Err(LogError::Order { line });
            }
            steps.push(step);
        }
        Ok(Log { head, steps, cut: !rest.is_empty() })
    }

    /// The center as it was at first, and with it who came later, who have no skills yet.
    pub fn center(&self) -> Config {
        let mut center = self.head.config.clone();
        for step in &self.steps {
            let Event::Agents(roster) = &step.event else { continue };
            for (id, agent) in &roster.agents {
                if id.0 as usize == center.agents.len() {
                    let (skills, always_ready) = (Vec::new(), false);
                    center.agents.push(AgentConfig { skills, always_ready, ..agent.clone() });
                }
            }
        }
        center
    }

    /// Goes through it again by the same rules; the first step at which something else is wanted done.
    pub fn verify(&self) -> Option<Difference> {
        let mut engine = self.head.engine();
        for (step, line) in self.steps.iter().zip(2..) {
            let mut actions = Vec::new();
            engine.handle(step.at, step.event.clone(), &mut actions);
            if actions != step.actions {
                return Some(Difference { line, step: step.clone(), now: actions });
            }
        }
        None
    }
}

fn parse<'a, T: Deserialize<'a>>(text: &'a str, line: usize) -> Result<T, LogError> {
    serde_json::from_str(text).map_err(|error| LogError::Line { line, why: error.to_string() })
}

/// Where two runs of one log part.
#[derive(Clone, Debug, PartialEq)]
pub struct Difference {
    pub line: usize,
    /// What was written down.
    pub step: Step,
    /// What is wanted done now.
    pub now: Vec<Action>,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Difference { line, step, now } = self;
        writeln!(f, "line {line}, at {}: {:?}", step.at, step.event)?;
        // From the first that differs on: what is the same is of no interest.
        let same = step.actions.iter().zip(now).take_while(|(a, b)| a == b).count();
        let told = |actions: &[Action]| {
            let words: Vec<String> = actions[same..].iter().map(|action| format!("{action:?}")).collect();
            if words.is_empty() { "nothing more".to_owned() } else { words.join(", ") }
        };
        writeln!(f, "  then: {}", told(&step.actions))?;
        write!(f, "   now: {}", told(now))
    }
}
