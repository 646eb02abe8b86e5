//! What a flow as a whole must not do to a caller. No syntax: a flow comes here with every name resolved or reported.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use crate::base::Name;
use crate::flow::center_file;
use crate::flow::expression::Expression;
use crate::flow::expression::is_built_in;
use crate::flow::model::Flow;
use crate::flow::model::FlowNode;
use crate::flow::model::NodeIndex;
use crate::flow::model::Prompt;
use crate::flow::model::SpokenAs;
use crate::flow::model::Value;
use crate::flow::model::Variables;
use crate::flow::node::Node;
use crate::flow::node::set::Source;
use crate::flow::read::Reader;
use crate::flow::yaml::Place;
use crate::queue::api::Config;

/// Checks `flow` and marks its nodes.
pub(crate) fn flow(flow: &mut Flow, reader: &mut Reader<'_>) {
    let wired = flow.start != NodeIndex::NOWHERE
        && flow.nodes.iter().all(|at| at.node.exits().iter().all(|exit| exit.to != NodeIndex::NOWHERE));
    expressions(flow, reader);
    // With an exit that leads nowhere, everything below would tell the same thing again in other words.
    if !wired {
        return;
    }
    let exits = Graph::of(flow);
    unreachable(flow, &exits, reader);
    endless(flow, &exits, reader);
    late_ring(flow, &exits, reader);
    unset(flow, &exits, reader);
    mark_secrets(flow, &exits);
}

/// Reports every `enqueue` of the flow that no agent can serve.
pub(crate) fn staffing(flow: &Flow, engine: &Config, reader: &mut Reader<'_>) {
    for at in &flow.nodes {
        if let Node::Enqueue(node) = &at.node
            && let Some(queue) = node.queue.and_then(|queue| engine.queues.get(queue.0 as usize))
            && !node.needs.is_empty()
        {
            let (needs, more) = (&queue.needs, &node.needs);
            center_file::nobody_serves(reader, &engine.agents, needs, more, &queue.name, node.place);
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
                    let names: Vec<&str> = circle.map(|at| &*flow.nodes[at].name).collect();
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

/// Names, types and secrets in conditions, values and what is spoken.
fn expressions(flow: &Flow, reader: &mut Reader<'_>) {
    let (samples, secret) = variables(flow, reader);
    for at in &flow.nodes {
        for (expression, place) in at.node.expressions() {
            if names_known(expression, place, &samples, &secret, reader) {
                types_fit(expression, place, matches!(at.node, Node::Branch(_)), &samples, reader);
            }
        }
        for prompt in at.node.heard() {
            if let Prompt::Said(spoken) = prompt {
                let caller = match spoken.said_as {
                    SpokenAs::Name => &*spoken.variable == "caller.name",
                    _ => ["caller.number", "dialled"].contains(&&*spoken.variable),
                };
                if spoken.said_as == SpokenAs::Name && !caller {
                    let hint = "write { say: caller.name }";
                    reader.error_hint(spoken.place, "only the caller's name is said as a name", hint);
                } else if !caller {
                    name_known(&spoken.variable, spoken.place, &samples, &secret, reader);
                }
            }
        }
    }
}

/// A sample value of each variable, and the secret ones.
fn variables(flow: &Flow, reader: &mut Reader<'_>) -> (Variables, BTreeSet<Name>) {
    let mut samples = Variables::new();
    let mut secret = BTreeSet::new();
    let mut computed = Vec::new();
    let mut clashes: Vec<(Place, Name)> = Vec::new();
    let mut add = |samples: &mut Variables, name: &Name, value: Value, place: Place| {
        let known = samples.entry(Name::clone(name)).or_insert_with(|| value.clone());
        if std::mem::discriminant(known) != std::mem::discriminant(&value) {
            clashes.push((place, Name::clone(name)));
        }
    };
    for at in &flow.nodes {
        match &at.node {
            Node::Collect(node) if node.secret => {
                secret.insert(Name::clone(&node.variable));
            }
            Node::Collect(node) => {
                add(&mut samples, &node.variable, Value::Text("10".to_owned()), at.place);
            }
            Node::Set(node) => {
                for (name, source) in &node.values {
                    match source {
                        Source::Written(value) => add(&mut samples, name, value.clone(), at.place),
                        Source::Computed(expression, _) => computed.push((name, expression, at.place)),
                    }
                }
            }
            _ => {}
        }
    }
    // A value may be computed from a computed one: as many rounds as there are links in such a chain, at most.
    for _ in 0..computed.len().min(20) {
        for (name, expression, _) in &computed {
            if let Ok(Some(value)) = expression.trial(&samples) {
                samples.entry(Name::clone(name)).or_insert(value);
            }
        }
    }
    for (name, expression, place) in computed {
        match expression.trial(&samples) {
            Ok(Some(value)) => add(&mut samples, name, value, place),
            _ => {
                samples.entry(Name::clone(name)).or_insert(Value::Text(String::new()));
            }
        }
    }
    for (place, name) in clashes {
        let message = format!("\"{name}\" holds another kind of value here than elsewhere");
        reader.error_hint(place, message, "keep to one of text, number, yes or no; what is keyed is text");
    }
    (samples, secret)
}

fn names_known(
    expression: &Expression,
    place: Place,
    samples: &Variables,
    secret: &BTreeSet<Name>,
    reader: &mut Reader<'_>,
) -> bool {
    let mut known = true;
    for name in &expression.uses {
        known &= is_built_in(name) || name_known(name, place, samples, secret, reader);
    }
    known
}

fn name_known(
    name: &str,
    place: Place,
    samples: &Variables,
    secret: &BTreeSet<Name>,
    reader: &mut Reader<'_>,
) -> bool {
    if secret.contains(name) {
        reader.error(place, format!("\"{name}\" is secret: it is neither spoken nor compared"));
        return false;
    }
    if !samples.contains_key(name) {
        let known: Vec<&str> =
            samples.keys().map(|name| &**name).chain(crate::flow::expression::BUILT_IN).collect();
        reader.unknown(place, "variable", name, known);
        return false;
    }
    true
}

fn types_fit(
    expression: &Expression,
    place: Place,
    condition: bool,
    samples: &Variables,
    reader: &mut Reader<'_>,
) {
    match expression.trial(samples) {
        Err(message) => {
            let hint = "what is keyed is text: compare it with '10', or write int(order) > 10";
            reader.error_hint(place, format!("this cannot be computed: {message}"), hint);
        }
        Ok(Some(Value::Truth(_)) | None) => {}
        Ok(Some(_)) if !condition => {}
        Ok(Some(other)) => {
            let kind = if matches!(other, Value::Number(_)) { "a number" } else { "a text" };
            reader.error(place, format!("a condition is true or false, and this is {kind}"));
        }
    }
}

/// Reports variables that are used where some way of coming there has not set them.
fn unset(flow: &Flow, graph: &Graph, reader: &mut Reader<'_>) {
    let set_by = |at: &FlowNode| -> Vec<Name> {
        match &at.node {
            Node::Collect(node) => vec![Name::clone(&node.variable)],
            Node::Set(node) => node.values.iter().map(|(name, _)| Name::clone(name)).collect(),
            _ => Vec::new(),
        }
    };
    // For each node what is set on every way to it; none before any way is known.
    let mut on_entry: Vec<Option<BTreeSet<Name>>> = vec![None; flow.nodes.len()];
    on_entry[graph.start] = Some(BTreeSet::new());
    let mut open = vec![graph.start];
    while let Some(at) = open.pop() {
        let before = on_entry[at].clone().unwrap_or_default();
        let mut after = before.clone();
        after.extend(set_by(&flow.nodes[at]));
        for way in &graph.exits[at] {
            let brings = if way.sets { &after } else { &before };
            let common: BTreeSet<Name> = match &on_entry[way.to] {
                Some(known) => known.intersection(brings).cloned().collect(),
                None => brings.clone(),
            };
            if on_entry[way.to].as_ref() != Some(&common) {
                on_entry[way.to] = Some(common);
                open.push(way.to);
            }
        }
    }
    let ever: BTreeSet<Name> = flow.nodes.iter().flat_map(set_by).collect();
    for (at, set) in flow.nodes.iter().zip(on_entry) {
        let Some(mut set) = set else { continue };
        let mut used: Vec<(String, Place)> = Vec::new();
        if let Node::Set(node) = &at.node {
            for (name, source) in &node.values {
                if let Source::Computed(expression, place) = source {
                    let new = expression.uses.iter().filter(|used| !set.contains(used.as_str()));
                    used.extend(new.map(|name| (name.clone(), *place)));
                }
                set.insert(Name::clone(name));
            }
        } else {
            let conditions = at.node.expressions();
            used.extend(
                conditions.iter().flat_map(|(e, place)| e.uses.iter().map(|name| (name.clone(), *place))),
            );
        }
        used.extend(at.node.heard().into_iter().filter_map(|prompt| match prompt {
            Prompt::Said(spoken) => Some((spoken.variable.to_string(), spoken.place)),
            Prompt::Recorded(_) => None,
        }));
        for (name, place) in used {
            if ever.contains(name.as_str()) && !set.contains(name.as_str()) {
                let message = format!("\"{name}\" has no value yet on some way to \"{}\"", at.name);
                reader.error_hint(place, message, "set it before, on every way that leads here");
            }
        }
    }
}

/// Marks the nodes from which a secret may still be asked for.
fn mark_secrets(flow: &mut Flow, graph: &Graph) {
    let mut comes_from: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    for (at, ways) in graph.exits.iter().enumerate() {
        for way in ways {
            comes_from.entry(way.to).or_default().push(at);
        }
    }
    let mut open: Vec<usize> =
        (0..flow.nodes.len()).filter(|at| flow.nodes[*at].node.asks_secret()).collect();
    while let Some(at) = open.pop() {
        if !std::mem::replace(&mut flow.nodes[at].secret_ahead, true) {
            open.extend(comes_from.get(&at).into_iter().flatten());
        }
    }
}
