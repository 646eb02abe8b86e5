//! Variables: known, of one kind, set before they are used, and no secret told.

use std::collections::BTreeSet;

use crate::base::Name;
use crate::flow::api::Kind;
use crate::flow::check::Graph;
use crate::flow::diagnostic::nearest;
use crate::flow::expression::Expression;
use crate::flow::expression::is_built_in;
use crate::flow::model::Flow;
use crate::flow::model::FlowNode;
use crate::flow::model::Prompt;
use crate::flow::model::Spoken;
use crate::flow::model::SpokenAs;
use crate::flow::model::Value;
use crate::flow::model::Variables;
use crate::flow::node::Node;
use crate::flow::node::callback;
use crate::flow::node::set::Source;
use crate::flow::read::Reader;
use crate::flow::read::list;
use crate::flow::read::yaml::Place;
use crate::flow::say;
use crate::flow::step::VERIFIED_BY;

/// Names, types and secrets in conditions, values and what is spoken. A sample of each variable.
pub(super) fn expressions(flow: &Flow, reader: &mut Reader<'_>) -> Variables {
    let (samples, secret, guessed) = variables(flow, reader);
    for at in &flow.nodes {
        for (expression, place) in at.node.expressions() {
            if names_known(expression, place, &samples, &secret, reader) {
                never_so(expression, place, reader);
                types_fit(
                    expression,
                    place,
                    matches!(at.node, Node::Branch(_)),
                    (&samples, &guessed),
                    reader,
                );
            }
        }
        for (name, place) in sent(&at.node).into_iter().filter(|(name, _)| !is_built_in(name)) {
            name_known(name, place, &samples, &secret, reader);
        }
        for prompt in at.node.heard() {
            match prompt {
                Prompt::Said(spoken) => spoken_known(spoken, &samples, &secret, reader),
                Prompt::Text(text) => {
                    for name in text.variables().filter(|name| !is_built_in(name)) {
                        name_known(name, text.place, &samples, &secret, reader);
                    }
                }
                Prompt::Recorded(_) => {}
            }
        }
    }
    samples
}

/// Warns where a built-in name is held against what it never is in this center.
fn never_so(expression: &Expression, place: Place, reader: &mut Reader<'_>) {
    for (name, text) in expression.compared_texts() {
        let (known, what): (Vec<String>, _) = match name.as_str() {
            "language" => {
                let languages = reader.names.languages.iter().map(ToString::to_string);
                (languages.collect(), "callers are spoken to in")
            }
            "verified_by" => (VERIFIED_BY.map(str::to_owned).to_vec(), "it is empty, or one of"),
            "dialled" => (reader.names.numbers.clone(), "center.yaml has"),
            _ => continue,
        };
        if known.contains(&text) {
            continue;
        }
        let near =
            nearest(&text, known.iter().map(String::as_str)).map(|near| format!("did you mean '{near}'?"));
        let all = || {
            format!(
                "{what} {}",
                list(known.iter().filter(|known| !known.is_empty()).map(String::as_str)).unwrap_or_default()
            )
        };
        reader.warning(
            place,
            format!("{name} is never '{text}' in this center"),
            Some(near.unwrap_or_else(all)),
        );
    }
}

/// The variables that are said there.
fn said(prompt: &Prompt) -> Vec<(String, Place)> {
    match prompt {
        Prompt::Said(spoken) => vec![(spoken.variable.to_string(), spoken.place)],
        Prompt::Text(text) => text.variables().map(|name| (name.to_string(), text.place)).collect(),
        Prompt::Recorded(_) => Vec::new(),
    }
}

/// The variables that a node hands on: to a service, or to a flow that it calls.
fn sent(node: &Node) -> Vec<(&Name, Place)> {
    match node {
        Node::Fetch(node) => node.uses().into_iter().map(|name| (name, node.place)).collect(),
        Node::Call(node) => node.uses().map(|name| (name, node.place)).collect(),
        Node::Bot(node) => node.uses().map(|name| (name, node.place)).collect(),
        _ => Vec::new(),
    }
}

/// What the flow gives to those that call it is there, of the kind that it says, and there is a way back.
pub(super) fn parameters(flow: &Flow, samples: &Variables, reader: &mut Reader<'_>) {
    for given in &flow.gives {
        match samples.get(&given.name).map(Kind::of) {
            Some(kind) if kind == given.kind => {}
            Some(kind) => {
                let message =
                    format!("\"{}\" is {}, not {}", given.name, kind.in_words(), given.kind.in_words());
                reader.error(given.place, message);
            }
            None => reader.unknown(given.place, "variable", &given.name, samples.keys().map(|name| &**name)),
        }
    }
    if let Some(given) = flow.gives.first()
        && !flow.nodes.iter().any(|at| matches!(at.node, Node::GiveBack(_)))
    {
        reader.error_hint(given.place, "this flow never returns to give this", "end it with a return node");
    }
}

/// Whether what is said is known, and can be said that way.
fn spoken_known(spoken: &Spoken, samples: &Variables, secret: &BTreeSet<Name>, reader: &mut Reader<'_>) {
    match (&*spoken.variable, spoken.said_as) {
        ("caller.name", SpokenAs::Name { .. }) => {}
        (
            "caller.number" | "caller.account" | "dialled",
            SpokenAs::As(say::Kind::Digits | say::Kind::Number | say::Kind::Duration),
        ) => {}
        (_, SpokenAs::Name { in_words: false }) => {
            let hint =
                "only { say: caller.name } can be a recording; add \"speech: { command: … }\" to center.yaml";
            reader.error_hint(spoken.place, "nothing speaks names in this center", hint);
        }
        (built_in, _) if is_built_in(built_in) => {
            reader.error(spoken.place, format!("\"{built_in}\" cannot be said that way"));
        }
        (name, _) => {
            name_known(name, spoken.place, samples, secret, reader);
        }
    }
}

/// A sample value of each variable, the secret ones, and those whose kind nobody can tell.
fn variables(flow: &Flow, reader: &mut Reader<'_>) -> (Variables, BTreeSet<Name>, BTreeSet<Name>) {
    let mut samples = Variables::new();
    let mut secret = BTreeSet::new();
    let mut guessed = BTreeSet::new();
    let mut computed = Vec::new();
    let mut clashes: Vec<(Place, Name)> = Vec::new();
    let mut add = |samples: &mut Variables, name: &Name, value: Value, place: Place| {
        let known = samples.entry(Name::clone(name)).or_insert_with(|| value.clone());
        if std::mem::discriminant(known) != std::mem::discriminant(&value) {
            clashes.push((place, Name::clone(name)));
        }
    };
    for taken in &flow.takes {
        add(&mut samples, &taken.name, taken.kind.sample(), taken.place);
    }
    for at in &flow.nodes {
        match &at.node {
            Node::Call(node) => {
                for given in &node.gives {
                    add(&mut samples, &given.variable, given.kind.sample(), at.place);
                }
            }
            Node::Collect(node) if node.secret => {
                secret.insert(Name::clone(&node.variable));
            }
            Node::Collect(node) => {
                add(&mut samples, &node.variable, Value::Text("10".to_owned()), at.place);
            }
            Node::Bot(node) => {
                for given in &node.gives {
                    add(&mut samples, &given.variable, given.kind.sample(), at.place);
                }
            }
            Node::Callback(_) => {
                for name in [callback::NUMBER, callback::DAY, callback::TIME] {
                    add(&mut samples, &Name::from(name), Value::Text("10".to_owned()), at.place);
                }
            }
            Node::Fetch(node) => {
                for given in &node.gives {
                    add(&mut samples, &given.variable, given.kind.sample(), at.place);
                }
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
            _ if samples.contains_key(name) => {}
            _ => {
                samples.insert(Name::clone(name), Value::Text(String::new()));
                guessed.insert(Name::clone(name));
            }
        }
    }
    for (place, name) in clashes {
        let message = format!("\"{name}\" holds another kind of value here than elsewhere");
        reader.error_hint(place, message, "keep to one of text, number, yes or no; what is keyed is text");
    }
    (samples, secret, guessed)
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
        reader.error(place, format!("\"{name}\" is secret: it is neither spoken, compared nor sent"));
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
    (samples, guessed): (&Variables, &BTreeSet<Name>),
    reader: &mut Reader<'_>,
) {
    let kind = |name: &str| samples.get(name).filter(|_| !guessed.contains(name)).map(Kind::of);
    if let Some(unequal) = expression.unequal(&kind) {
        return match unequal.hint {
            Some(hint) => reader.error_hint(place, unequal.message, hint),
            None => reader.error(place, unequal.message),
        };
    }
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
pub(super) fn unset(flow: &Flow, graph: &Graph, reader: &mut Reader<'_>) {
    let set_by = |at: &FlowNode| -> Vec<Name> {
        match &at.node {
            Node::Collect(node) => vec![Name::clone(&node.variable)],
            Node::Set(node) => node.values.iter().map(|(name, _)| Name::clone(name)).collect(),
            Node::Fetch(node) => node.gives.iter().map(|given| Name::clone(&given.variable)).collect(),
            Node::Call(node) => node.gives.iter().map(|given| Name::clone(&given.variable)).collect(),
            Node::Bot(node) => node.gives.iter().map(|given| Name::clone(&given.variable)).collect(),
            Node::Callback(_) => [callback::NUMBER, callback::DAY, callback::TIME].map(Name::from).to_vec(),
            _ => Vec::new(),
        }
    };
    // For each node what is set on every way to it; none before any way is known.
    let mut on_entry: Vec<Option<BTreeSet<Name>>> = vec![None; flow.nodes.len()];
    let taken: BTreeSet<Name> = flow.takes.iter().map(|taken| Name::clone(&taken.name)).collect();
    on_entry[graph.start] = Some(taken);
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
        used.extend(sent(&at.node).into_iter().map(|(name, place)| (name.to_string(), place)));
        if matches!(at.node, Node::GiveBack(_)) {
            used.extend(flow.gives.iter().map(|given| (given.name.to_string(), at.place)));
        }
        used.extend(at.node.heard().into_iter().flat_map(said));
        // What is read back is what was keyed just now.
        let own = match &at.node {
            Node::Collect(node) if node.read_back.is_empty() => Vec::new(),
            Node::Collect(_) | Node::Callback(_) => set_by(at),
            _ => Vec::new(),
        };
        for (name, place) in used.into_iter().filter(|(name, _)| !own.iter().any(|own| **own == **name)) {
            if ever.contains(name.as_str()) && !set.contains(name.as_str()) {
                let message = format!("\"{name}\" has no value yet on some way to \"{}\"", at.name);
                reader.error_hint(place, message, "set it before, on every way that leads here");
            }
        }
    }
}
