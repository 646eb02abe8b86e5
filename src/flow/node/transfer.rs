//! `transfer`: calls a number outside, or one agent, and lets the caller talk with who picks up.
//!
//! The caller hears ringing meanwhile. Who is outside is the caller's as long as both stay on the line; an agent has
//! them as from a queue.

use std::time::Duration;

use serde::Deserialize;
use serde::Serialize;

use crate::base::AgentId;
use crate::base::Name;
use crate::base::QueueId;
use crate::flow::api::ExitName;
use crate::flow::api::FlowAction;
use crate::flow::api::TransferResult;
use crate::flow::center_file::number::telephone;
use crate::flow::model::NodeIndex;
use crate::flow::node;
use crate::flow::node::Exit;
use crate::flow::read::Reader;
use crate::flow::read::fields::Fields;
use crate::flow::read::yaml::Place;
use crate::flow::read::yaml::Value;
use crate::flow::read::yaml::Yaml;
use crate::flow::step::Input;
use crate::flow::step::Next;
use crate::flow::step::Step;

const ENDED: ExitName = ExitName::Named("ended");
const NO_ANSWER: ExitName = ExitName::Named("no_answer");
const BUSY: ExitName = ExitName::Named("busy");
const REFUSED: ExitName = ExitName::Named("refused");

/// The longest that a caller and somebody outside are together.
const LONGEST_TALK: Duration = Duration::from_secs(4 * 3600);
/// The longest that an agent is sought, whose ring time is the queue's.
const LONGEST_SEARCH: Duration = Duration::from_secs(600);

/// A call to somebody.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Transfer {
    pub to: To,
    /// Where the caller goes on when the other one has hung up; none: the call ends.
    pub ended: Option<NodeIndex>,
    pub no_answer: NodeIndex,
    /// Without these it is no answer.
    pub busy: Option<NodeIndex>,
    pub refused: Option<NodeIndex>,
    pub place: Place,
}

/// To whom.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum To {
    Number {
        number: String,
        /// Our number, as they see it; none: the caller's.
        shown: Option<String>,
        /// How long it rings. Default 30 s.
        ring: Duration,
    },
    /// By the rules of this queue.
    Agent { agent: AgentId, name: Name, queue: QueueId },
    /// Only where the checker has reported it.
    Nobody,
}

/// Whether the other one has picked up.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct State {
    talks: bool,
}

impl Transfer {
    pub fn read(fields: &mut Fields<'_>, reader: &mut Reader<'_>) -> Transfer {
        let yaml = fields.require(reader, "transfer");
        let to_agent = yaml.is_some_and(|yaml| matches!(yaml.value, Value::Map(_)));
        let (to, ended) = match yaml {
            Some(yaml) if to_agent => (agent(yaml, reader), None),
            yaml => (number(yaml, fields, reader), fields.optional_exit(reader, "ended")),
        };
        Transfer {
            to: to.unwrap_or(To::Nobody),
            ended,
            no_answer: fields.exit(reader, "no_answer"),
            busy: fields.optional_exit(reader, "busy"),
            refused: fields.optional_exit(reader, "refused"),
            place: yaml.map_or(fields.place, |yaml| yaml.place),
        }
    }

    pub fn exits(&self) -> Vec<Exit> {
        let optional = [(ENDED, self.ended), (BUSY, self.busy), (REFUSED, self.refused)];
        let given = optional.into_iter().filter_map(|(name, to)| Some(Exit::plain(name, to?)));
        [Exit::plain(NO_ANSWER, self.no_answer)].into_iter().chain(given).collect()
    }

    /// What a drawing says of it.
    pub fn about(&self) -> String {
        match &self.to {
            To::Number { number, .. } => number.clone(),
            To::Agent { name, .. } => name.to_string(),
            To::Nobody => String::new(),
        }
    }

    pub fn enter(&self, step: &mut Step<'_>) -> (node::State, Next) {
        step.stop_play();
        let state = node::State::Transfer(State { talks: false });
        let (action, within) = match self.to.clone() {
            To::Number { number, shown, ring } => (FlowAction::Transfer { number, shown }, ring),
            To::Agent { agent, queue, .. } => (FlowAction::CallAgent { agent, queue }, LONGEST_SEARCH),
            To::Nobody => return (state, Next::Go(NO_ANSWER, self.no_answer)),
        };
        step.wait(within);
        step.out.push(action);
        (state, Next::Stay)
    }

    pub fn handle(&self, state: &mut State, step: &mut Step<'_>, input: Input) -> Next {
        match input {
            Input::Transferred(TransferResult::Answered) => {
                state.talks = true;
                step.wait(LONGEST_TALK);
                Next::Stay
            }
            Input::Transferred(TransferResult::Busy) => self.missed(BUSY, self.busy),
            Input::Transferred(TransferResult::Refused) => self.missed(REFUSED, self.refused),
            Input::Transferred(TransferResult::NoAnswer) => self.missed(NO_ANSWER, None),
            Input::Transferred(TransferResult::Ended) => self.ended(step),
            Input::Timer => {
                step.out.push(FlowAction::EndTransfer);
                if state.talks { self.ended(step) } else { self.missed(NO_ANSWER, None) }
            }
            _ => Next::Stay,
        }
    }

    fn missed(&self, exit: ExitName, to: Option<NodeIndex>) -> Next {
        match to {
            Some(to) => Next::Go(exit, to),
            None => Next::Go(NO_ANSWER, self.no_answer),
        }
    }

    fn ended(&self, step: &mut Step<'_>) -> Next {
        if let Some(to) = self.ended {
            return Next::Go(ENDED, to);
        }
        step.out.push(FlowAction::HangUp { reason: Name::from("transferred") });
        Next::Over
    }
}

fn number(yaml: Option<&Yaml>, fields: &mut Fields<'_>, reader: &mut Reader<'_>) -> Option<To> {
    let shown = fields.optional("caller_id").and_then(|yaml| telephone(yaml, reader));
    let ring = fields.duration(reader, "ring", Duration::from_secs(30));
    let number = telephone(yaml?, reader)?;
    Some(To::Number { number, shown, ring })
}

/// `{ agent: alice, queue: billing }`
fn agent(yaml: &Yaml, reader: &mut Reader<'_>) -> Option<To> {
    let mut fields = reader.fields(yaml, "an agent")?;
    let agent = fields.require(reader, "agent").and_then(|yaml| {
        let text = reader.text(yaml, "the name of an agent")?;
        Some((reader.agent(text)?, Name::from(text.text.as_str())))
    });
    let queue = fields.require(reader, "queue").and_then(|yaml| {
        let text = reader.text(yaml, "the name of a queue")?;
        reader.queue(text)
    });
    fields.finish(reader);
    let (agent, name) = agent?;
    Some(To::Agent { agent, name, queue: queue? })
}
