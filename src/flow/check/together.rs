//! What flows do together: links between them, circles through them, a person for every menu, secrets ahead.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use crate::base::Name;
use crate::flow::api::Kind;
use crate::flow::center_file::CenterFile;
use crate::flow::check::Graph;
use crate::flow::model::Flow;
use crate::flow::model::FlowNode;
use crate::flow::node::Node;
use crate::flow::node::call::Call;
use crate::flow::read::Reader;
use crate::flow::read::yaml::Place;

/// All flows of a center, each by itself in order.
type Flows = BTreeMap<Name, Flow>;
type Readers<'a> = BTreeMap<Name, Reader<'a>>;

/// Whether the flow returns to one that has called it.
fn returns(flow: &Flow) -> bool {
    flow.nodes.iter().any(|at| matches!(at.node, Node::GiveBack(_)))
}

/// Reports what keeps a flow from being where a number, or a queue, leads.
pub(crate) fn begins_from(flow: &Flow, place: Place, from: &str, reader: &mut Reader<'_>) {
    let (name, own) = (&flow.name, "let a flow of its own call it");
    if let Some(taken) = flow.takes.first() {
        let message = format!("\"{name}\" takes \"{}\", and {from} gives nothing", taken.name);
        reader.error_hint(place, message, own);
    } else if returns(flow) {
        let message = format!("\"{name}\" returns to the flow that calls it, and {from} is none");
        reader.error_hint(place, message, own);
    } else if from == "a queue" && flow.node(flow.start).is_some_and(|at| matches!(at.node, Node::Ring(_))) {
        reader.error(place, format!("\"{name}\" rings, but the line has been answered before it"));
    }
}

/// Reports a circle of queues whose callers, served by nobody and silent, come from one to the next for ever.
pub(crate) fn round_and_round(file: &CenterFile, flows: &Flows, reader: &mut Reader<'_>) {
    let next = |queue: usize| -> BTreeSet<usize> {
        let ways = file.center.wait_prompts[queue].unserved_flows();
        ways.flat_map(|flow| silent_queues(flow, flows)).collect()
    };
    for first in 0..file.center.wait_prompts.len() {
        let mut path = vec![(first, next(first))];
        let mut seen = BTreeSet::from([first]);
        while let Some((_, ways)) = path.last_mut() {
            match ways.pop_first() {
                None => {
                    path.pop();
                }
                Some(to) if to == first => {
                    let name = |queue: usize| &*file.center.engine.queues[queue].name;
                    let names: Vec<&str> = path.iter().map(|(queue, _)| name(*queue)).collect();
                    let round = format!("{} -> {}", names.join(" -> "), name(first));
                    let second = path.get(1).map_or(first, |(queue, _)| *queue);
                    let leads = |flow: &&Name| silent_queues(flow, flows).contains(&second);
                    let flow = file.center.wait_prompts[first].unserved_flows().find(leads);
                    // What is offered stands before it, and may be the same flow.
                    if let Some((_, place)) = file.links[first].iter().rfind(|(name, _)| Some(name) == flow) {
                        let message = format!("whom nobody serves goes round for ever here: {round}");
                        let hint = "let one of these lead to a voicemail, or to hang_up";
                        reader.error_hint(*place, message, hint);
                    }
                    return;
                }
                Some(to) if seen.insert(to) => path.push((to, next(to))),
                Some(_) => {}
            }
        }
    }
}

/// The queues that a silent caller comes to from the beginning of a flow.
fn silent_queues(flow: &Name, flows: &Flows) -> BTreeSet<usize> {
    let (mut found, mut seen, mut open) = (BTreeSet::new(), BTreeSet::new(), vec![Name::clone(flow)]);
    while let Some(name) = open.pop() {
        let Some(flow) = flows.get(&name).filter(|_| seen.insert(Name::clone(&name))) else { continue };
        let graph = Graph::of(flow);
        for place in silently_reached(flow, &graph) {
            match &flow.nodes[place].node {
                Node::Enqueue(node) => found.extend(node.queue.map(|queue| queue.0 as usize)),
                _ => open.extend(target(&flow.nodes[place])),
            }
        }
    }
    found
}

/// Reports links of `flow` to flows that are not there.
pub(crate) fn links(flow: &Flow, known: &BTreeSet<&str>, reader: &mut Reader<'_>) {
    for at in &flow.nodes {
        if let Some((other, place)) = link(at)
            && !known.contains(&**other)
            && !other.is_empty()
        {
            reader.unknown(place, "flow", other, known.iter().copied());
        }
    }
}

fn link(at: &FlowNode) -> Option<(&Name, Place)> {
    match &at.node {
        Node::GoTo(node) => Some((&node.flow, node.place)),
        Node::Call(node) => Some((&node.flow, node.place)),
        _ => None,
    }
}

/// Checks all flows together, and marks the nodes from which a secret may still be asked for.
pub(crate) fn together(flows: &mut Flows, readers: &mut Readers<'_>) {
    for (name, flow) in flows.iter() {
        if let Some(reader) = readers.get_mut(name) {
            flow.nodes.iter().for_each(|at| fits(at, flow, flows, reader));
        }
    }
    if readers.values().any(Reader::has_errors) {
        return;
    }
    let graphs: BTreeMap<Name, Graph> =
        flows.iter().map(|(name, flow)| (Name::clone(name), Graph::of(flow))).collect();
    let calls = |flow: &Flow| -> Vec<Name> {
        flow.nodes.iter().filter(|at| matches!(at.node, Node::Call(_))).filter_map(target).collect()
    };
    let message = "a flow calls itself here, and would for ever: ";
    circle(flows, &calls, message, "let one of these go_to the other instead", readers);
    let silently = |flow: &Flow| silent_targets(flow, &graphs[&flow.name]);
    let message = "a silent caller goes round for ever through these flows: ";
    circle(flows, &silently, message, "let one of these lead on: to a queue, or to hang_up", readers);
    persons(flows, &graphs, readers);
    secrets(flows, &graphs);
}

/// Warns of flows that no caller ever comes to: no number, no queue and no flow that somebody comes to leads there.
pub(crate) fn unused(file: &CenterFile, flows: &Flows, readers: &mut Readers<'_>) {
    let numbers = file.numbers.values().map(|(flow, _)| flow);
    let mut open: Vec<&Name> = numbers.chain(file.links.iter().flatten().map(|(flow, _)| flow)).collect();
    let mut used = BTreeSet::new();
    while let Some(name) = open.pop() {
        let Some(flow) = flows.get(name).filter(|_| used.insert(Name::clone(name))) else { continue };
        open.extend(flow.nodes.iter().filter_map(link).map(|(name, _)| name));
    }
    for name in flows.keys().filter(|name| !used.contains(*name)) {
        let Some(reader) = readers.get_mut(name) else { continue };
        let message = format!("no caller ever comes to \"{name}\": no number, queue or flow leads to it");
        let hint =
            format!("lead a number here in center.yaml, for example: 1000: {name}; or remove the file");
        reader.warning(reader.place_of("flow"), message, Some(hint));
    }
}

pub(super) fn target(at: &FlowNode) -> Option<Name> {
    link(at).map(|(flow, _)| Name::clone(flow))
}

/// Whether a link suits the flow that it leads to.
fn fits(at: &FlowNode, flow: &Flow, flows: &Flows, reader: &mut Reader<'_>) {
    let Some((name, place)) = link(at) else { return };
    let Some(other) = flows.get(name) else { return };
    if other.node(other.start).is_some_and(|first| matches!(first.node, Node::Ring(_))) {
        reader.error(place, format!("\"{name}\" rings, but the line has been answered before it"));
    }
    let results: BTreeSet<&Name> = other
        .nodes
        .iter()
        .filter_map(|at| match &at.node {
            Node::GiveBack(node) => Some(&node.result),
            _ => None,
        })
        .collect();
    match &at.node {
        Node::Call(call) => {
            parameters(call, other, flow, reader);
            for result in &results {
                if !call.results.iter().any(|known| known.name == **result) {
                    let message = format!("\"{name}\" may return \"{result}\", which leads nowhere here");
                    reader.error_hint(
                        place,
                        message,
                        format!("add \"{result}: name of a node\" to the results"),
                    );
                }
            }
            for known in call.results.iter().filter(|known| !results.contains(&known.name)) {
                let message = format!("\"{name}\" never returns \"{}\"", known.name);
                reader.error_hint(known.place, message, "it returns what its return nodes say");
            }
        }
        _ if !results.is_empty() => {
            let message =
                format!("\"{name}\" returns to the flow that calls it, and go_to does not come back");
            reader.error_hint(place, message, "write \"call\", and its results");
        }
        _ => {
            if let Some(taken) = other.takes.first() {
                let message = format!("\"{name}\" takes \"{}\", and go_to gives nothing", taken.name);
                reader.error_hint(place, message, "write \"call\", and what it gets");
            }
        }
    }
}

/// What the other flow takes is what it gets, and what it gives is what is asked of it.
fn parameters(call: &Call, other: &Flow, flow: &Flow, reader: &mut Reader<'_>) {
    let (name, place) = (&call.flow, call.place);
    for taken in &other.takes {
        let Some((_, ours)) = call.with.iter().find(|(takes, _)| *takes == taken.name) else {
            let message = format!("\"{name}\" takes \"{}\", which it does not get here", taken.name);
            reader.error_hint(place, message, format!("add \"{}: a variable\" to \"with\"", taken.name));
            continue;
        };
        let kind = flow.samples.get(ours).map_or_else(|| built_in(ours), Kind::of);
        if kind != taken.kind {
            let (is, must) = (kind.in_words(), taken.kind.in_words());
            reader
                .error(place, format!("\"{}\" of \"{name}\" is {must}, and \"{ours}\" is {is}", taken.name));
        }
    }
    for (takes, _) in
        call.with.iter().filter(|(takes, _)| !other.takes.iter().any(|taken| taken.name == *takes))
    {
        reader.error(place, format!("\"{name}\" takes no \"{takes}\""));
    }
    for ours in &call.gives {
        match other.gives.iter().find(|given| given.name == ours.field) {
            Some(given) if given.kind == ours.kind => {}
            Some(given) => {
                let (is, must) = (given.kind.in_words(), ours.kind.in_words());
                let message = format!("\"{name}\" gives \"{}\" as {is}, not as {must}", given.name);
                reader.error_hint(
                    place,
                    message,
                    format!("write \"{}: {} as {is}\"", ours.variable, ours.field),
                );
            }
            None => reader.error(place, format!("\"{name}\" gives no \"{}\"", ours.field)),
        }
    }
}

/// The kind of what every flow knows.
fn built_in(name: &str) -> Kind {
    match name {
        "verified" | "caller.known" => Kind::Truth,
        _ => Kind::Text,
    }
}

/// Reports a circle of flows, at its first.
fn circle(
    flows: &Flows,
    targets: &dyn Fn(&Flow) -> Vec<Name>,
    message: &str,
    hint: &str,
    readers: &mut Readers<'_>,
) {
    let ways: BTreeMap<&Name, Vec<Name>> = flows.iter().map(|(name, flow)| (name, targets(flow))).collect();
    let mut done: BTreeSet<&Name> = BTreeSet::new();
    for first in flows.keys() {
        let mut path: Vec<(&Name, usize)> = vec![(first, 0)];
        while let Some((at, next)) = path.last_mut() {
            let at = *at;
            let Some(to) = ways[at].get(*next).and_then(|to| flows.get_key_value(to)).map(|(to, _)| to)
            else {
                done.insert(at);
                path.pop();
                continue;
            };
            *next += 1;
            if let Some(begin) = path.iter().position(|(on_path, _)| *on_path == to) {
                let names: Vec<&str> =
                    path[begin..].iter().map(|(name, _)| &***name).chain([&**to]).collect();
                if let (Some(reader), Some(start)) = (readers.get_mut(to), flows[to].node(flows[to].start)) {
                    reader.error_hint(start.place, format!("{message}{}", names.join(" -> ")), hint);
                }
            } else if !done.contains(to) {
                path.push((to, 0));
            }
        }
    }
}

/// The flows that a silent caller comes to from this one's start.
fn silent_targets(flow: &Flow, graph: &Graph) -> Vec<Name> {
    silently_reached(flow, graph).into_iter().filter_map(|at| target(&flow.nodes[at])).collect()
}

/// The nodes that a silent caller comes to.
fn silently_reached(flow: &Flow, graph: &Graph) -> Vec<usize> {
    let mut reached = vec![false; flow.nodes.len()];
    let mut open = vec![graph.start];
    let mut nodes = Vec::new();
    while let Some(at) = open.pop() {
        if !std::mem::replace(&mut reached[at], true) {
            nodes.push(at);
            open.extend(graph.exits[at].iter().filter(|way| !way.by_caller).map(|way| way.to));
        }
    }
    nodes
}

/// Reports menus from which no way leads to a person.
fn persons(flows: &Flows, graphs: &BTreeMap<Name, Graph>, readers: &mut Readers<'_>) {
    let mut to_person: BTreeMap<Name, Vec<bool>> = BTreeMap::new();
    loop {
        let mut changed = false;
        for (name, flow) in flows {
            let leads = |other: &Name| {
                let start = flows[other].start.0 as usize;
                to_person.get(other).is_some_and(|known| known[start])
            };
            let is_person = |at: &FlowNode| {
                matches!(
                    at.node,
                    Node::Enqueue(_) | Node::Callback(_) | Node::Transfer(_) | Node::Voicemail(_)
                ) || link(at).is_some_and(|(to, _)| leads(to))
            };
            let found = backwards(&graphs[name], flow.nodes.iter().map(is_person).collect());
            changed |= to_person.get(name) != Some(&found);
            to_person.insert(Name::clone(name), found);
        }
        if !changed {
            break;
        }
    }
    for (name, flow) in flows.iter().filter(|(_, flow)| flow.no_person.is_none()) {
        let reached = graphs[name].reached();
        // A flow that is called may lead to a person afterwards.
        let Some(reader) = readers.get_mut(name).filter(|_| !returns(flow)) else { continue };
        for (place, at) in flow.nodes.iter().enumerate() {
            if reached[place] && matches!(at.node, Node::Menu(_)) && !to_person[name][place] {
                let message = format!("no way leads from the menu \"{}\" to a person", at.name);
                let hint = "lead a key or \"otherwise\" to enqueue; \
                            or write \"no_person: why\" beside the flow's name, where that is meant";
                reader.error_hint(at.place, message, hint);
            }
        }
    }
}

/// The nodes from which any of those that are `marked` may follow, themselves included.
fn backwards(graph: &Graph, mut marked: Vec<bool>) -> Vec<bool> {
    let mut comes_from: Vec<Vec<usize>> = vec![Vec::new(); marked.len()];
    for (at, ways) in graph.exits.iter().enumerate() {
        for way in ways {
            comes_from[way.to].push(at);
        }
    }
    let mut open: Vec<usize> = (0..marked.len()).filter(|at| marked[*at]).collect();
    while let Some(at) = open.pop() {
        for &from in &comes_from[at] {
            if !std::mem::replace(&mut marked[from], true) {
                open.push(from);
            }
        }
    }
    marked
}

/// Marks the nodes from which a secret may still be asked for, in this flow or in one that follows it.
fn secrets(flows: &mut Flows, graphs: &BTreeMap<Name, Graph>) {
    let mut marked: BTreeMap<Name, Vec<bool>> =
        flows.iter().map(|(name, flow)| (Name::clone(name), vec![false; flow.nodes.len()])).collect();
    loop {
        let mut changed = false;
        // The flows after whose return a secret may be asked for.
        let before_secret: BTreeSet<Name> = flows
            .iter()
            .flat_map(|(name, flow)| {
                let known = &marked[name];
                let graph = &graphs[name];
                let ahead = move |place: usize| graph.exits[place].iter().any(|way| known[way.to]);
                let calls = flow.nodes.iter().enumerate();
                calls.filter(move |(place, at)| matches!(at.node, Node::Call(_)) && ahead(*place))
            })
            .filter_map(|(_, at)| target(at))
            .collect();
        for (name, flow) in flows.iter() {
            let asks = |at: &FlowNode| match &at.node {
                Node::GiveBack(_) => before_secret.contains(name),
                node if node.asks_secret() => true,
                _ => target(at).is_some_and(|to| marked[&to][flows[&to].start.0 as usize]),
            };
            let found = backwards(&graphs[name], flow.nodes.iter().map(asks).collect());
            changed |= marked[name] != found;
            marked.insert(Name::clone(name), found);
        }
        if !changed {
            break;
        }
    }
    for (name, flow) in flows.iter_mut() {
        for (at, ahead) in flow.nodes.iter_mut().zip(&marked[name]) {
            at.secret_ahead = *ahead;
        }
    }
}
