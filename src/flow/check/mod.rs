//! What a flow as a whole must not do to a caller. No syntax: a flow comes here with every name resolved or reported.

mod advice;
mod greeting;
mod place;
mod presence;
mod survey;
mod together;
mod variables;

use std::collections::BTreeSet;

use crate::flow::center::Trunk;
use crate::flow::center_file::queue::nobody_serves;
use crate::flow::model::Flow;
use crate::flow::model::FlowNode;
use crate::flow::model::NodeIndex;
use crate::flow::model::Variables;
use crate::flow::node::Node;
use crate::flow::node::transfer::To;
use crate::flow::read::Reader;
use crate::queue::api::Config;

pub(crate) use advice::length;
pub(crate) use greeting::greetings;
pub(crate) use place::places;
pub(crate) use presence::presence;
pub(crate) use survey::goals;
pub(crate) use survey::surveys;
pub(crate) use together::begins_from;
pub(crate) use together::links;
pub(crate) use together::round_and_round;
pub(crate) use together::together;
pub(crate) use together::unused;

/// Checks `flow` by itself; a sample of each of its variables.
pub(crate) fn flow(flow: &Flow, reader: &mut Reader<'_>) -> Variables {
    let wired = flow.start != NodeIndex::NOWHERE
        && flow.nodes.iter().all(|at| at.node.exits().iter().all(|exit| exit.to != NodeIndex::NOWHERE));
    let samples = variables::expressions(flow, reader);
    variables::parameters(flow, &samples, reader);
    // With an exit that leads nowhere, everything below would tell the same thing again in other words.
    if !wired {
        return samples;
    }
    let exits = Graph::of(flow);
    unreachable(flow, &exits, reader);
    endless(flow, &exits, reader);
    late_ring(flow, &exits, reader);
    variables::unset(flow, &exits, reader);
    if !reader.has_errors() {
        advice::flow(flow, &exits, reader);
    }
    samples
}

/// Reports every node that sends callers to a queue where no agent can serve them, or that names one whom there is not.
pub(crate) fn staffing(flow: &Flow, engine: &Config, reader: &mut Reader<'_>) {
    for at in &flow.nodes {
        let (queue, more, place) = match &at.node {
            Node::Enqueue(node) => {
                node.check_agents(engine, reader);
                (node.queue, &node.needs, node.place)
            }
            Node::Callback(node) => (node.queue, &node.needs, node.place),
            _ => continue,
        };
        if let Some(queue) = queue.and_then(|queue| engine.queues.get(queue.0 as usize))
            && (!more.is_empty() || !more.wants.is_empty())
        {
            nobody_serves(reader, &engine.agents, &queue.needs, more, &queue.name, place);
        }
    }
}

/// Reports every node that calls numbers outside, where no trunk takes calls.
pub(crate) fn trunks(flow: &Flow, trunks: &[Trunk], reader: &mut Reader<'_>) {
    if trunks.iter().any(|trunk| trunk.outbound.is_some()) {
        return;
    }
    for at in &flow.nodes {
        match &at.node {
            Node::Callback(node) => {
                if let Some(other) = &node.other {
                    let message = "no trunk takes calls, so nobody can be called at another number";
                    let hint = "add \"out: address\" to a trunk, or leave \"other\" away";
                    reader.error_hint(other.place, message, hint);
                }
                if !trunks.is_empty() {
                    let message = "no trunk takes calls: who calls by one is called back where it says it is, which may take none";
                    reader.warning(node.place, message, Some("add \"out: address\" to a trunk".to_owned()));
                }
            }
            Node::Transfer(node) if matches!(node.to, To::Number { .. }) => {
                let message = "no trunk takes calls, so nobody outside can be called";
                reader.error_hint(node.place, message, "add \"out: address\" to a trunk");
            }
            _ => {}
        }
    }
}

/// The ways between nodes, by place.
struct Graph {
    exits: Vec<Vec<Way>>,
    start: usize,
}

struct Way {
    to: usize,
    by_caller: bool,
    sets: bool,
}

impl Graph {
    fn of(flow: &Flow) -> Graph {
        let ways = |at: &FlowNode| {
            let way = |exit: crate::flow::node::Exit| Way {
                to: exit.to.0 as usize,
                by_caller: exit.by_caller,
                sets: exit.sets,
            };
            at.node.exits().into_iter().map(way).collect()
        };
        Graph { exits: flow.nodes.iter().map(ways).collect(), start: flow.start.0 as usize }
    }

    fn reached(&self) -> Vec<bool> {
        let mut reached = vec![false; self.exits.len()];
        let mut open = vec![self.start];
        while let Some(at) = open.pop() {
            if !std::mem::replace(&mut reached[at], true) {
                open.extend(self.exits[at].iter().map(|way| way.to));
            }
        }
        reached
    }
}

fn unreachable(flow: &Flow, graph: &Graph, reader: &mut Reader<'_>) {
    for (at, reached) in flow.nodes.iter().zip(graph.reached()) {
        if !reached {
            let message = format!("no caller ever comes to \"{}\"", at.name);
            reader.warning(at.place, message, Some("lead an exit here, or remove the node".to_owned()));
        }
    }
}

/// Reports nodes that follow each other in a circle without the caller's doing. Depth first, without recursion.
fn endless(flow: &Flow, graph: &Graph, reader: &mut Reader<'_>) {
    #[derive(Clone, Copy, PartialEq)]
    enum Seen {
        No,
        OnPath,
        Done,
    }
    let mut seen = vec![Seen::No; graph.exits.len()];
    for from in 0..graph.exits.len() {
        let mut path: Vec<(usize, usize)> = Vec::new();
        if seen[from] == Seen::No {
            seen[from] = Seen::OnPath;
            path.push((from, 0));
        }
        while let Some((at, next)) = path.last_mut() {
            let at = *at;
            let Some(way) = graph.exits[at].get(*next) else {
                seen[at] = Seen::Done;
                path.pop();
                continue;
            };
            *next += 1;
            let to = way.to;
            match seen[to] {
                _ if way.by_caller => {}
                Seen::No => {
                    seen[to] = Seen::OnPath;
                    path.push((to, 0));
                }
                Seen::OnPath => {
                    let circle = path.iter().map(|(at, _)| *at).skip_while(|at| *at != to).chain([to]);
                    let mut names: Vec<&str> = circle.map(|at| &*flow.nodes[at].name).collect();
                    if names.len() > 10 {
                        names.splice(5..names.len() - 4, ["…"]);
                    }
                    let message = format!("a silent caller goes round for ever here: {}", names.join(" -> "));
                    let hint = "let one of these lead on: to a queue, or to hang_up";
                    reader.error_hint(flow.nodes[to].place, message, hint);
                }
                Seen::Done => {}
            }
        }
    }
}

/// A line that is answered cannot ring any more.
fn late_ring(flow: &Flow, graph: &Graph, reader: &mut Reader<'_>) {
    let targets: BTreeSet<usize> = graph.exits.iter().flatten().map(|way| way.to).collect();
    for (index, at) in flow.nodes.iter().enumerate() {
        if matches!(at.node, Node::Ring(_)) && targets.contains(&index) {
            let hint = "make it the start of a flow of its own, with its own number";
            let message = format!("\"{}\" rings, but the line has been answered before it", at.name);
            reader.error_hint(at.place, message, hint);
        }
    }
}
