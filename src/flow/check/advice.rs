//! What callers find hard: long speeches before a question, wide menus, deep ones. Warnings, never errors.

use std::time::Duration;

use crate::base::Name;
use crate::flow::check::Graph;
use crate::flow::model::Flow;
use crate::flow::model::FlowNode;
use crate::flow::model::Prompt;
use crate::flow::node::Node;
use crate::flow::node::entry::Entry;
use crate::flow::node::play::Repeat;
use crate::flow::read::Reader;

/// The most choices of a menu that a caller keeps in mind; `0`, `*` and `#` are habits, and do not count.
const CHOICES: usize = 5;
/// The most menus one after the other.
const MENUS: usize = 3;
/// The longest that a menu should speak.
const MENU: Duration = Duration::from_secs(20);
/// How long a caller needs for a key, and has patience for.
const KEY: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(60));
/// The longest silence that a caller does not take for a dead line.
const SILENCE: Duration = Duration::from_secs(30);
/// The longest that a flow should speak before it asks anything.
const SPEECH: Duration = Duration::from_secs(30);

pub(super) fn flow(flow: &Flow, graph: &Graph, reader: &mut Reader<'_>) {
    flow.nodes.iter().for_each(|at| times(at, reader));
    silences(flow, reader);
    let depths = depths(flow, graph);
    for (at, depth) in flow.nodes.iter().zip(depths) {
        let Node::Menu(menu) = &at.node else { continue };
        let choices = menu.choices.keys().filter(|key| !matches!(key, '0' | '*' | '#')).count();
        if choices > CHOICES {
            let message =
                format!("\"{}\" has {choices} choices, and callers keep {CHOICES} in mind", at.name);
            reader.warning(at.place, message, Some("ask in two steps".to_owned()));
        }
        if depth.is_some_and(|depth| depth > MENUS) {
            let message =
                format!("\"{}\" is the {}th menu in a row, even on the shortest way", at.name, MENUS + 1);
            reader.warning(at.place, message, Some("ask less, or let a person ask".to_owned()));
        }
        let length = length(&menu.question.prompts, reader);
        if length > MENU {
            let message =
                format!("\"{}\" speaks for {} s before the caller may choose", at.name, length.as_secs());
            reader.warning(at.place, message, Some(format!("say it in {} s", MENU.as_secs())));
        }
    }
    speech(flow, graph, reader);
}

/// Warns of times in which nobody can press a key, or for which nobody stays.
fn times(at: &FlowNode, reader: &mut Reader<'_>) {
    let entry = |entry: &Entry| vec![("wait", entry.first), ("between", entry.between)];
    let times = match &at.node {
        Node::Menu(node) => vec![("wait", node.question.wait)],
        Node::Language(node) => vec![("wait", node.question.wait)],
        Node::Consent(node) => vec![("wait", node.question.wait)],
        Node::Survey(node) => vec![("wait", node.question.wait)],
        Node::Collect(node) => entry(&node.entry),
        Node::Verify(node) => entry(&node.account),
        _ => Vec::new(),
    };
    for (key, time) in times.into_iter().filter(|(_, time)| *time < KEY.0 || *time > KEY.1) {
        let message = format!("\"{}\" gives callers {} s for a key", at.name, time.as_secs_f64());
        let hint = format!("let \"{key}\" be {} to {} s", KEY.0.as_secs(), KEY.1.as_secs());
        reader.warning(at.place, message, Some(hint));
    }
}

/// Warns of pauses for which nobody stays; a flow from which nobody comes to a person, and which says why, may have its own reasons.
fn silences(flow: &Flow, reader: &mut Reader<'_>) {
    for at in flow.nodes.iter().filter(|_| flow.no_person.is_none()) {
        let Node::Pause(pause) = &at.node else { continue };
        if pause.duration > SILENCE {
            let message = format!(
                "\"{}\" is silent for {} s, and callers take the line for dead",
                at.name,
                pause.duration.as_secs()
            );
            reader.warning(at.place, message, Some(format!("be silent for {} s at most", SILENCE.as_secs())));
        }
    }
}

/// How long it takes to say this in the language that takes longest; what is said of variables does not count.
pub(crate) fn length(prompts: &[Prompt], reader: &Reader<'_>) -> Duration {
    let one = |prompt: &Prompt| match prompt {
        Prompt::Recorded(name) => {
            let length = |language: &Name| reader.prompts.length(language, name);
            reader.names.languages.iter().filter_map(length).max()
        }
        Prompt::Text(text) => Some(text.length(|language, name| reader.prompts.length(language, name))),
        Prompt::Said(_) => None,
    };
    prompts.iter().filter_map(one).sum()
}

/// For each menu the fewest menus on any way to it, itself included; none for what nobody comes to.
fn depths(flow: &Flow, graph: &Graph) -> Vec<Option<usize>> {
    let is_menu = |place: usize| usize::from(matches!(flow.nodes[place].node, Node::Menu(_)));
    let mut depths = vec![None; flow.nodes.len()];
    // Nodes by the menus before them: those of one round add none, or one for the next.
    let mut round = vec![graph.start];
    let mut menus = 0;
    while !round.is_empty() {
        let mut next = Vec::new();
        while let Some(at) = round.pop() {
            if depths[at].is_none() {
                depths[at] = Some(menus + is_menu(at));
                let onwards = graph.exits[at].iter().map(|way| way.to);
                if is_menu(at) == 1 { next.extend(onwards) } else { round.extend(onwards) }
            }
        }
        round = next;
        menus += 1;
    }
    depths
}

/// Warns where the flow speaks for long before it asks anything.
fn speech(flow: &Flow, graph: &Graph, reader: &mut Reader<'_>) {
    let mut longest: Vec<Option<Duration>> = vec![None; flow.nodes.len()];
    longest[graph.start] = Some(Duration::ZERO);
    for at in in_order(flow, graph) {
        let Some(before) = longest[at] else { continue };
        let after = before + spoken(&flow.nodes[at].node, reader);
        for way in &graph.exits[at] {
            longest[way.to] = longest[way.to].max(Some(after));
        }
    }
    let asks = |place: &usize| asks(&flow.nodes[*place].node);
    let worst = (0..flow.nodes.len()).filter(asks).filter_map(|place| Some((longest[place]?, place))).max();
    if let Some((length, place)) = worst.filter(|(length, _)| *length > SPEECH) {
        let at = &flow.nodes[place];
        let message =
            format!("a caller hears {} s of speech before \"{}\" asks anything", length.as_secs(), at.name);
        reader.warning(at.place, message, Some(format!("say it in {} s", SPEECH.as_secs())));
    }
}

fn asks(node: &Node) -> bool {
    matches!(
        node,
        Node::Menu(_)
            | Node::Language(_)
            | Node::Consent(_)
            | Node::Bot(_)
            | Node::Collect(_)
            | Node::Verify(_)
            | Node::Survey(_)
    )
}

fn spoken(node: &Node, reader: &Reader<'_>) -> Duration {
    match node {
        Node::Play(play) => match play.repeat {
            Repeat::Times(times) => length(&play.prompts, reader) * times,
            Repeat::For(duration) => duration,
        },
        Node::Announce(node) => {
            node.announcement.as_ref().map(|on| length(&on.prompts, reader)).unwrap_or_default()
        }
        _ => Duration::ZERO,
    }
}

/// The nodes that come before the first question, each after all that lead to it. There is no circle among them:
/// nobody is asked there, so it would be endless.
fn in_order(flow: &Flow, graph: &Graph) -> Vec<usize> {
    let onwards = |at: usize| if asks(&flow.nodes[at].node) { &[][..] } else { &graph.exits[at][..] };
    let mut seen = vec![false; flow.nodes.len()];
    let mut after = Vec::new();
    let mut path = vec![(graph.start, 0)];
    seen[graph.start] = true;
    while let Some((at, next)) = path.last_mut() {
        match onwards(*at).get(*next) {
            Some(way) => {
                *next += 1;
                if !std::mem::replace(&mut seen[way.to], true) {
                    path.push((way.to, 0));
                }
            }
            None => {
                after.push(*at);
                path.pop();
            }
        }
    }
    after.reverse();
    after.retain(|at| !asks(&flow.nodes[*at].node));
    after
}
