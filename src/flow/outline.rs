//! A flow as a list of nodes and the ways between them: for drawings, coverage and comparisons.

use crate::base::Name;
use crate::base::QueueId;
use crate::flow::api::ExitName;
use crate::flow::model::Flow;
use crate::flow::node::Node;

/// A node, seen from outside.
#[derive(Clone, Debug, PartialEq)]
pub struct NodeOutline {
    pub name: Name,
    /// What it does: `menu`, one of [`KINDS`](crate::flow::KINDS).
    pub kind: &'static str,
    /// What it does it with: the first prompt, the queue, the reason. Empty where there is nothing to tell.
    pub about: String,
    /// Where callers go from here; empty where the flow ends.
    pub exits: Vec<ExitOutline>,
}

/// A way out of a node.
#[derive(Clone, Debug, PartialEq)]
pub struct ExitOutline {
    pub name: ExitName,
    /// What the history calls it, where that says more than its name: a choice's label, a condition.
    pub label: Option<String>,
    pub to: Name,
}

impl Flow {
    /// The node where every caller begins.
    pub fn first_node(&self) -> Option<&Name> {
        self.node(self.start).map(|at| &at.name)
    }

    /// Its nodes, in the file's order. `queues` are the center's, by place.
    pub fn outline(&self, queues: &[Name]) -> Vec<NodeOutline> {
        let one = |at: &crate::flow::model::FlowNode| NodeOutline {
            name: Name::clone(&at.name),
            kind: at.node.kind(),
            about: about(&at.node, queues),
            exits: self.exits_of(&at.node),
        };
        self.nodes.iter().map(one).collect()
    }

    /// Whether callers choose by a key at this node: a menu, or the choice of a language.
    pub fn has_choice(&self, node: &str) -> bool {
        let named = self.nodes.iter().find(|at| *at.name == *node);
        named.is_some_and(|at| matches!(at.node, Node::Menu(_) | Node::Language(_)))
    }

    fn exits_of(&self, node: &Node) -> Vec<ExitOutline> {
        let exits = node.exits().into_iter().filter_map(|exit| {
            let to = Name::clone(&self.node(exit.to)?.name);
            Some(ExitOutline { label: label(node, &exit.name), name: exit.name, to })
        });
        exits.collect()
    }
}

fn label(node: &Node, exit: &ExitName) -> Option<String> {
    match (node, exit) {
        (Node::Menu(menu), ExitName::Key(key)) => {
            menu.choices.get(key).map(|choice| choice.label.to_string())
        }
        (Node::Language(node), ExitName::Key(key)) => node.choices.get(key).map(ToString::to_string),
        (Node::Branch(branch), ExitName::If(place)) => {
            branch.ways.get(usize::from(*place) - 1).map(|way| way.condition.text.clone())
        }
        _ => None,
    }
}

fn about(node: &Node, queues: &[Name]) -> String {
    let named = |queue: Option<QueueId>| {
        let queue = queue.and_then(|queue| queues.get(queue.0 as usize));
        queue.map(ToString::to_string).unwrap_or_default()
    };
    match node {
        Node::Enqueue(node) => named(node.queue),
        Node::Callback(node) => named(node.queue),
        Node::Voicemail(node) => named(node.queue),
        Node::Transfer(node) => node.about(),
        Node::Survey(node) => node.name.to_string(),
        Node::HangUp(node) => node.reason.to_string(),
        Node::Collect(node) => node.variable.to_string(),
        Node::Set(node) => {
            let names: Vec<&str> = node.values.iter().map(|(name, _)| &**name).collect();
            names.join(", ")
        }
        Node::Speak(node) => node.language.to_string(),
        Node::Fetch(node) => node.about(),
        Node::Verify(node) => node.method.in_words().to_owned(),
        Node::Bot(node) => node.about(),
        Node::GoTo(node) => node.flow.to_string(),
        Node::Call(node) => node.flow.to_string(),
        Node::GiveBack(node) => node.result.to_string(),
        other => other.heard().first().map(|prompt| prompt.written()).unwrap_or_default(),
    }
}
