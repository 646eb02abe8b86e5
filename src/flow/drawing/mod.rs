//! A flow as a drawing: Mermaid for documents, SVG for eyes. Text out; who shows it is for others.

mod layout;
mod mermaid;
mod svg;

use std::collections::BTreeMap;

use crate::base::Name;
use crate::flow::api::ExitName;
use crate::flow::model::Flow;
use crate::flow::outline::ExitOutline;
use crate::flow::outline::NodeOutline;

/// The longest label of a way, in characters; the whole is in the drawing's tooltip.
const LONGEST_LABEL: usize = 26;

/// A flow in Mermaid's flowchart language. `queues` are the center's, by place.
pub fn mermaid(flow: &Flow, queues: &[Name]) -> String {
    mermaid::draw(&Picture::of(flow, queues))
}

/// A flow as an SVG document.
pub fn svg(flow: &Flow, queues: &[Name]) -> String {
    svg::draw(&Picture::of(flow, queues))
}

/// What is drawn: nodes, and one line from each to each that it leads to.
struct Picture {
    name: Name,
    start: usize,
    nodes: Vec<NodeOutline>,
    lines: Vec<Line>,
}

/// All exits of one node that lead to one other.
struct Line {
    from: usize,
    to: usize,
    labels: Vec<String>,
    /// Only a key of the caller leads here.
    by_caller: bool,
}

impl Picture {
    fn of(flow: &Flow, queues: &[Name]) -> Picture {
        let nodes = flow.outline(queues);
        let places: BTreeMap<&str, usize> =
            nodes.iter().enumerate().map(|(place, node)| (&*node.name, place)).collect();
        let mut lines: Vec<Line> = Vec::new();
        for (from, node) in nodes.iter().enumerate() {
            for exit in &node.exits {
                let Some(&to) = places.get(&*exit.to) else { continue };
                let by_caller = matches!(exit.name, ExitName::Key(_));
                match lines.iter_mut().find(|line| (line.from, line.to) == (from, to)) {
                    Some(line) => {
                        line.labels.push(label(exit));
                        line.by_caller &= by_caller;
                    }
                    None => lines.push(Line { from, to, labels: vec![label(exit)], by_caller }),
                }
            }
        }
        // A node with a single way out needs no name on it.
        for line in &mut lines {
            if nodes[line.from].exits.len() == 1 {
                line.labels.clear();
            }
        }
        let start = flow.first_node().and_then(|first| places.get(&**first)).copied().unwrap_or(0);
        Picture { name: Name::clone(&flow.name), start, lines, nodes }
    }
}

fn label(exit: &ExitOutline) -> String {
    match (&exit.name, &exit.label) {
        (ExitName::Key(key), Some(label)) if **label != *exit.to => format!("{key} {label}"),
        (ExitName::Key(key), _) => key.to_string(),
        (ExitName::If(_), Some(condition)) => condition.clone(),
        (name, _) => name.to_string(),
    }
}

/// At most [`LONGEST_LABEL`] characters of it.
fn short(text: &str) -> String {
    if text.chars().count() <= LONGEST_LABEL {
        return text.to_owned();
    }
    let mut short: String = text.chars().take(LONGEST_LABEL - 1).collect();
    short.push('…');
    short
}
