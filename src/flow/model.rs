//! A flow, checked: nodes by place, exits wired. Made by the checker only.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde::Serialize;

use crate::base::Name;
use crate::flow::api::Kind;
use crate::flow::node::Node;
use crate::flow::read::yaml::Place;
use crate::flow::say;
use crate::flow::speech::TextPrompt;

/// A checked flow.
#[derive(Clone, Debug, PartialEq)]
pub struct Flow {
    pub name: Name,
    pub(crate) start: NodeIndex,
    pub(crate) nodes: Vec<FlowNode>,
    /// What a flow that calls this one gives it, and what it gives back.
    pub(crate) takes: Vec<Parameter>,
    pub(crate) gives: Vec<Parameter>,
    /// A value of its kind for each variable.
    pub(crate) samples: Variables,
    /// Why no menu here leads to a person, where the file says so on purpose.
    pub(crate) no_person: Option<Name>,
}

impl Flow {
    /// The names of its nodes, in the file's order.
    pub fn nodes(&self) -> impl Iterator<Item = &Name> {
        self.nodes.iter().map(|node| &node.name)
    }

    /// Whether anything in it depends on who calls: a check of it, a condition or a prompt that names the caller, or a
    /// queue, whose agent is shown it. For any other flow nobody need be looked up.
    pub fn looks_at_caller(&self) -> bool {
        self.nodes.iter().any(|at| at.node.looks_at_caller())
    }

    pub(crate) fn node(&self, index: NodeIndex) -> Option<&FlowNode> {
        self.nodes.get(index.0 as usize)
    }
}

/// A variable that goes from one flow to another.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Parameter {
    pub name: Name,
    pub kind: Kind,
    pub place: Place,
}

/// A node by its place in the flow.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct NodeIndex(pub u32);

impl NodeIndex {
    /// What a name stands for that was reported as unknown. No checked flow has it.
    pub const NOWHERE: NodeIndex = NodeIndex(u32::MAX);
}

/// A node with its name.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct FlowNode {
    pub name: Name,
    pub place: Place,
    pub node: Node,
    /// Whether this node, or one that may follow, asks for a secret. A digit keyed here that nobody has asked
    /// for may be part of it.
    pub secret_ahead: bool,
}

/// What is heard.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Prompt {
    Recorded(Name),
    Said(Spoken),
    /// Words that a command speaks.
    Text(TextPrompt),
}

impl Prompt {
    /// The name of a recording, `say order`, or a text between quotation marks.
    pub fn written(&self) -> String {
        match self {
            Prompt::Recorded(name) => name.to_string(),
            Prompt::Said(spoken) => format!("say {}", spoken.variable),
            Prompt::Text(text) => text.written(),
        }
    }
}

/// A variable spoken aloud.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Spoken {
    pub variable: Name,
    pub said_as: SpokenAs,
    pub place: Place,
}

/// How a variable is spoken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SpokenAs {
    /// By the rules of the caller's language.
    As(say::Kind),
    /// A person's name: the caller's by the recording that comes with them; else in words, where the center speaks texts in
    /// every language; else nothing.
    Name { in_words: bool },
}

/// What a variable of a flow holds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Value {
    Text(String),
    Number(i64),
    Truth(bool),
}

impl Value {
    /// As a fact shows it.
    pub fn in_words(&self) -> String {
        match self {
            Value::Text(text) => text.clone(),
            Value::Number(number) => number.to_string(),
            Value::Truth(truth) => truth.to_string(),
        }
    }
}

/// Variables by name.
pub(crate) type Variables = BTreeMap<Name, Value>;
