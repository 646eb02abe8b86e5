//! Whether callers are told whom they have reached, as far as the words are known that they hear. A warning, never an error.
//!
//! Only where all of the words are known is anything said: those of texts, and of recordings by the manifest beside them. A
//! number that says nothing, puts callers through at once, or leads to no people is left alone.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use crate::base::Name;
use crate::flow::center_file::CenterFile;
use crate::flow::check::together::target;
use crate::flow::model::Flow;
use crate::flow::model::FlowNode;
use crate::flow::model::NodeIndex;
use crate::flow::model::Prompt;
use crate::flow::node::Node;
use crate::flow::prompts::Prompts;
use crate::flow::read::Reader;
use crate::flow::read::list;
use crate::flow::read::yaml::Place;

type Flows = BTreeMap<Name, Flow>;

/// A shorter word, or fewer first letters, stand in any sentence.
const LEAST_LETTERS: usize = 3;

/// Warns of numbers whose callers hear everything but whom they have reached.
pub(crate) fn greetings(file: &CenterFile, flows: &Flows, reader: &mut Reader<'_>) {
    let mut numbers: BTreeMap<&Name, (Vec<&str>, Place)> = BTreeMap::new();
    for (number, (flow, place)) in &file.numbers {
        numbers.entry(flow).or_insert((Vec::new(), *place)).0.push(number);
    }
    for (flow, (numbers, place)) in numbers {
        let met = |stops: fn(&Node) -> bool| walk(flow, flows, stops);
        if !met(|_| false).iter().any(|at| leads_to_people(&at.node)) {
            continue;
        }
        let Some(words) = heard(&met(arrives), reader.prompts) else { continue };
        if !words.is_empty() && !names_any(&words, &file.brands) {
            let message = format!(
                "callers of {} are not told whom they have reached: nothing that they hear first names {}",
                list(numbers).unwrap_or_default(),
                file.brands.iter().map(|brand| format!("\"{brand}\"")).collect::<Vec<_>>().join(" or "),
            );
            let hint = "greet them by that name, or write what they know you by into \"brands\"".to_owned();
            reader.warning(place, message, Some(hint));
        }
    }
}

/// Where the first part of a call ends: somebody is asked something, or put through.
fn arrives(node: &Node) -> bool {
    leads_to_people(node)
        || matches!(
            node,
            Node::Menu(_)
                | Node::Collect(_)
                | Node::Verify(_)
                | Node::Consent(_)
                | Node::Bot(_)
                | Node::Survey(_)
        )
}

fn leads_to_people(node: &Node) -> bool {
    matches!(node, Node::Enqueue(_) | Node::Callback(_) | Node::Transfer(_) | Node::Voicemail(_))
}

/// The nodes that callers of a flow may come to, over all flows that it leads to, up to those that stop them.
fn walk<'f>(flow: &Name, flows: &'f Flows, stops: fn(&Node) -> bool) -> Vec<&'f FlowNode> {
    let (mut met, mut seen) = (Vec::new(), BTreeSet::new());
    let start = |flow: &Name| flows.get(flow).map(|flow| (&flow.name, flow.start));
    let mut open: Vec<(&Name, NodeIndex)> = start(flow).into_iter().collect();
    while let Some((name, index)) = open.pop() {
        let Some(at) = flows.get(name).and_then(|flow| flow.node(index)) else { continue };
        if !seen.insert((name, index)) {
            continue;
        }
        met.push(at);
        if !stops(&at.node) {
            open.extend(at.node.exits().iter().map(|exit| (name, exit.to)));
            open.extend(target(at).and_then(|flow| start(&flow)));
        }
    }
    met
}

/// All that is said at these nodes; none where some of it is not known here.
fn heard(nodes: &[&FlowNode], prompts: &Prompts) -> Option<Vec<String>> {
    let mut words = Vec::new();
    for at in nodes {
        if matches!(at.node, Node::Bot(_)) {
            return None;
        }
        for prompt in at.node.heard() {
            match prompt {
                Prompt::Recorded(name) => {
                    let before = words.len();
                    words.extend(prompts.words_of(name).map(str::to_owned));
                    if words.len() == before {
                        return None;
                    }
                }
                Prompt::Text(text) if text.variables().next().is_some() => return None,
                Prompt::Text(text) => words.extend(text.texts()),
                // A number, a date or a person's name.
                Prompt::Said(_) => {}
            }
        }
    }
    Some(words)
}

/// Whether anything of this has a word of one of these names, or its first letters.
fn names_any(words: &[String], brands: &[String]) -> bool {
    let parts = |text: &str| -> Vec<String> {
        let parts = text.split(|c: char| !c.is_alphanumeric()).filter(|part| !part.is_empty());
        parts.map(str::to_lowercase).collect()
    };
    let said: Vec<String> = words.iter().map(|words| parts(words).join(" ")).collect();
    brands.iter().any(|brand| {
        let own = parts(brand);
        let letters: String = own.iter().filter_map(|part| part.chars().next()).collect();
        let mut names: Vec<&str> = own.iter().map(String::as_str).collect();
        names.retain(|part| part.chars().count() >= LEAST_LETTERS && *part != "the");
        let whole = own.join(" ");
        let is_said = |name: &str| said.iter().any(|said| said.contains(name));
        let by_letters = letters.chars().count() >= LEAST_LETTERS
            && said.iter().any(|said| said.split(' ').any(|word| word == letters));
        is_said(&whole) || names.into_iter().any(is_said) || by_letters
    })
}
