//! Which nodes and exits were met, and how often.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::base::Name;
use crate::flow::api::ExitName;
use crate::flow::center::Center;
use crate::flow::rehearsal::Met;

/// Counts for every node and exit of a center.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Coverage {
    /// By flow.
    pub flows: BTreeMap<Name, Vec<NodeCount>>,
}

/// How often a node was entered, and left by each of its exits.
#[derive(Clone, Debug, PartialEq)]
pub struct NodeCount {
    pub name: Name,
    pub entered: u64,
    pub exits: Vec<(ExitName, u64)>,
}

/// How much of a flow was met.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Share {
    pub nodes: (usize, usize),
    pub exits: (usize, usize),
}

impl Share {
    pub fn is_full(&self) -> bool {
        self.nodes.0 == self.nodes.1 && self.exits.0 == self.exits.1
    }
}

impl Coverage {
    /// Nothing met yet.
    pub fn of(center: &Center) -> Coverage {
        let node = |outline: crate::flow::outline::NodeOutline| NodeCount {
            name: outline.name,
            entered: 0,
            exits: outline.exits.into_iter().map(|exit| (exit.name, 0)).collect(),
        };
        let flows = center
            .flows
            .iter()
            .map(|(name, flow)| (Name::clone(name), flow.outline(&[]).into_iter().map(node).collect()));
        Coverage { flows: flows.collect() }
    }

    /// Counts one call.
    pub fn count(&mut self, log: &[(Duration, Met)]) {
        for (_, met) in log {
            match met {
                Met::Entered { flow, node } => {
                    if let Some(count) = self.node(flow, node) {
                        count.entered += 1;
                    }
                }
                Met::Left { flow, node, exit } => {
                    let exits = self.node(flow, node).map(|count| &mut count.exits);
                    if let Some((_, count)) =
                        exits.and_then(|exits| exits.iter_mut().find(|(known, _)| known == exit))
                    {
                        *count += 1;
                    }
                }
                _ => {}
            }
        }
    }

    /// How much of `flow` was met.
    pub fn share(&self, flow: &str) -> Share {
        let nodes = self.flows.get(flow).map(Vec::as_slice).unwrap_or_default();
        let exits = || nodes.iter().flat_map(|node| &node.exits);
        Share {
            nodes: (nodes.iter().filter(|node| node.entered > 0).count(), nodes.len()),
            exits: (exits().filter(|(_, count)| *count > 0).count(), exits().count()),
        }
    }

    /// What of `flow` was not met: nodes, and exits as `node: exit`.
    pub fn missing(&self, flow: &str) -> Vec<String> {
        let mut missing = Vec::new();
        for node in self.flows.get(flow).into_iter().flatten() {
            if node.entered == 0 {
                missing.push(node.name.to_string());
                continue;
            }
            let exits = node.exits.iter().filter(|(_, count)| *count == 0);
            missing.extend(exits.map(|(exit, _)| format!("{}: {exit}", node.name)));
        }
        missing
    }

    fn node(&mut self, flow: &str, node: &str) -> Option<&mut NodeCount> {
        self.flows.get_mut(flow)?.iter_mut().find(|count| *count.name == *node)
    }
}
