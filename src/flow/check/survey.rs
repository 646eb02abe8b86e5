//! What a survey must not do to a caller whose talk is over: ask more and more, or have them wait again.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use crate::base::Name;
use crate::fact::goal::Figure;
use crate::flow::center_file::CenterFile;
use crate::flow::check::Graph;
use crate::flow::check::together::target;
use crate::flow::model::Flow;
use crate::flow::node::Node;
use crate::flow::read::Reader;
use crate::flow::read::yaml::Place;

type Flows = BTreeMap<Name, Flow>;

/// The most questions that one caller is asked.
const MOST: usize = 2;

/// Reports surveys of queues that ask nothing, or too much, or lead back to agents.
pub(crate) fn surveys(file: &CenterFile, flows: &Flows, reader: &mut Reader<'_>) {
    for (policy, links) in file.center.talk.iter().zip(&file.links) {
        // The queue's first link is its survey.
        if let (Some(policy), Some((_, place))) = (&policy.survey, links.first())
            && flows.contains_key(&policy.flow)
        {
            survey(&policy.flow, *place, flows, reader);
        }
    }
}

fn survey(name: &Name, place: Place, flows: &Flows, reader: &mut Reader<'_>) {
    let parts = parts(name, flows);
    for flow in parts.iter().filter_map(|name| flows.get(name)) {
        if let Some(at) = flow.nodes.iter().find(|at| leads_to_agents(&at.node)) {
            let message = format!(
                "a survey comes after the talk, and \"{}\" of \"{}\" leads to agents again",
                at.name, flow.name
            );
            reader.error_hint(place, message, "let it end in hang_up, or in a voicemail before that");
        }
    }
    match asked(name, &parts, flows) {
        0 => {
            let hint = "add a node \"survey: name of a question\"".to_owned();
            reader.warning(place, format!("\"{name}\" asks callers nothing"), Some(hint));
        }
        1..=MOST => {}
        _ => {
            let message = format!("\"{name}\" asks more than {MOST} questions of one caller");
            reader.error_hint(place, message, "who is asked more hangs up: leave some out");
        }
    }
}

/// Reports goals of questions that no flow asks.
pub(crate) fn goals(file: &CenterFile, flows: &Flows, reader: &mut Reader<'_>) {
    let question = |node: &Node| match node {
        Node::Survey(survey) => Some(Name::clone(&survey.name)),
        _ => None,
    };
    let nodes = flows.values().flat_map(|flow| &flow.nodes);
    let questions: BTreeSet<Name> = nodes.filter_map(|at| question(&at.node)).collect();
    for (goal, place) in &file.goals {
        if let Figure::Survey(asked) = &goal.figure
            && !questions.contains(asked)
        {
            reader.unknown(*place, "question of a survey", asked, questions.iter().map(|name| &**name));
        }
    }
}

fn leads_to_agents(node: &Node) -> bool {
    matches!(node, Node::Enqueue(_) | Node::Callback(_) | Node::Transfer(_))
}

/// The flow and those that it leads to.
fn parts(name: &Name, flows: &Flows) -> BTreeSet<Name> {
    let (mut found, mut open) = (BTreeSet::new(), vec![Name::clone(name)]);
    while let Some(name) = open.pop() {
        if let Some(flow) = flows.get(&name)
            && found.insert(name)
        {
            open.extend(flow.nodes.iter().filter_map(target));
        }
    }
    found
}

/// How many questions one caller may be asked at most; who may be asked for ever, more than [`MOST`].
fn asked(name: &Name, parts: &BTreeSet<Name>, flows: &Flows) -> usize {
    let mut most: BTreeMap<&Name, Vec<usize>> = BTreeMap::new();
    loop {
        let mut changed = false;
        for (name, flow) in flows.iter().filter(|(name, _)| parts.contains(*name)) {
            let graph = Graph::of(flow);
            let known = most.get(name).cloned().unwrap_or_else(|| vec![0; flow.nodes.len()]);
            let of = |place: usize| {
                let at = &flow.nodes[place];
                let own = usize::from(matches!(at.node, Node::Survey(_)));
                let later = graph.exits[place].iter().map(|way| known[way.to]).max().unwrap_or(0);
                let start = |to: &Name| Some(most.get(to)?[flows.get(to)?.start.0 as usize]);
                let there = target(at).and_then(|to| start(&to)).unwrap_or(0);
                (own + there + later).min(MOST + 1)
            };
            let found: Vec<usize> = (0..flow.nodes.len()).map(of).collect();
            changed |= found != known;
            most.insert(name, found);
        }
        if !changed {
            break;
        }
    }
    flows.get(name).and_then(|flow| most.get(name)?.get(flow.start.0 as usize).copied()).unwrap_or(0)
}
