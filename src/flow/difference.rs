//! What differs between two sets of flow files, in words. Layout and comments do not count.

use std::collections::BTreeMap;

use crate::flow::load::stem;
use crate::flow::node::KINDS;
use crate::flow::read::yaml;
use crate::flow::read::yaml::Text;
use crate::flow::read::yaml::Value;
use crate::flow::read::yaml::Yaml;

/// Each difference as a sentence, by file. Files are `(path, text)`, as [`load`](crate::flow::load()) takes them; what
/// is not YAML counts as empty.
pub fn differences(before: &[(String, String)], after: &[(String, String)]) -> Vec<String> {
    let (before, after) = (by_name(before), by_name(after));
    let mut found = Vec::new();
    for (name, old) in &before {
        match after.get(name) {
            None => found.push(format!("the flow \"{name}\" is gone")),
            Some(new) => file(name, old, new, &mut found),
        }
    }
    let new = after.iter().filter(|(name, _)| !before.contains_key(*name));
    found.extend(new.map(|(name, _)| format!("the flow \"{name}\" is new")));
    found
}

fn by_name(files: &[(String, String)]) -> BTreeMap<&str, Entries> {
    let read = |text: &str| yaml::parse(text).0.map(|yaml| entries(&yaml)).unwrap_or_default();
    files.iter().map(|(path, text)| (stem(path), read(text))).collect()
}

/// A map's entries in the file's order.
type Entries = Vec<(String, Yaml)>;

fn entries(yaml: &Yaml) -> Entries {
    match &yaml.value {
        Value::Map(entries) => entries.iter().map(|(key, yaml)| (key.text.clone(), yaml.clone())).collect(),
        _ => Vec::new(),
    }
}

fn find<'a>(entries: &'a Entries, key: &str) -> Option<&'a Yaml> {
    entries.iter().find(|(known, _)| known == key).map(|(_, yaml)| yaml)
}

fn file(name: &str, old: &Entries, new: &Entries, found: &mut Vec<String>) {
    let without_nodes =
        |entries: &Entries| entries.iter().filter(|(key, _)| key != "nodes").cloned().collect::<Entries>();
    values(name, &without_nodes(old), &without_nodes(new), found);
    let nodes = |file: &Entries| find(file, "nodes").map(entries).unwrap_or_default();
    all_nodes(name, &nodes(old), &nodes(new), found);
}

fn all_nodes(name: &str, old: &Entries, new: &Entries, found: &mut Vec<String>) {
    let gone: Vec<&(String, Yaml)> = old.iter().filter(|(node, _)| find(new, node).is_none()).collect();
    let mut fresh: Vec<&(String, Yaml)> = new.iter().filter(|(node, _)| find(old, node).is_none()).collect();
    for (node, was) in gone {
        match fresh.iter().position(|(_, is)| same(was, is)) {
            Some(place) => {
                let (renamed, _) = fresh.remove(place);
                found.push(format!("{name}: \"{node}\" is now called \"{renamed}\""));
            }
            None => found.push(format!("{name}: the node \"{node}\" is gone")),
        }
    }
    for (node, is) in fresh {
        found.push(format!("{name}: the node \"{node}\" is new: {}", shown(is)));
    }
    for (node, was) in old {
        let Some(is) = find(new, node).filter(|is| !same(was, is)) else { continue };
        let place = format!("{name}: \"{node}\"");
        match (kind(was), kind(is)) {
            (was, new) if was != new => {
                found.push(format!("{place} did {was} and does {new} now: {}", shown(is)))
            }
            _ => values(&place, &entries(was), &entries(is), found),
        }
    }
}

fn kind(node: &Yaml) -> String {
    let entries = entries(node);
    let kind = entries.iter().find(|(key, _)| KINDS.iter().any(|(kind, _)| kind == key));
    kind.map_or("node", |(key, _)| key).to_owned()
}

/// The differences of two maps, each with the way to it.
fn values(place: &str, old: &Entries, new: &Entries, found: &mut Vec<String>) {
    for (key, was) in old {
        match find(new, key) {
            None => found.push(format!("{place}: {key} is gone; it was {}", shown(was))),
            Some(is) if same(was, is) => {}
            Some(is) => match (&was.value, &is.value) {
                (Value::Map(_), Value::Map(_)) => {
                    values(&format!("{place}: {key}"), &entries(was), &entries(is), found);
                }
                _ => found.push(format!("{place}: {key} was {}, is {}", shown(was), shown(is))),
            },
        }
    }
    for (key, is) in new.iter().filter(|(key, _)| find(old, key).is_none()) {
        found.push(format!("{place}: {key} is new: {}", shown(is)));
    }
}

fn same(a: &Yaml, b: &Yaml) -> bool {
    match (&a.value, &b.value) {
        (Value::Text(a), Value::Text(b)) => a.text == b.text,
        (Value::List(a), Value::List(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b)),
        (Value::Map(a), Value::Map(b)) => {
            let found = |(key, yaml): &(Text, Yaml)| {
                b.iter().any(|(other, is)| other.text == key.text && same(yaml, is))
            };
            a.len() == b.len() && a.iter().all(found)
        }
        _ => false,
    }
}

/// A value in one line.
fn shown(yaml: &Yaml) -> String {
    match &yaml.value {
        Value::Text(text) if text.text.is_empty() => "nothing".to_owned(),
        Value::Text(text) => text.text.clone(),
        Value::List(items) => {
            let items: Vec<String> = items.iter().map(shown).collect();
            format!("[{}]", items.join(", "))
        }
        Value::Map(entries) => {
            let entries: Vec<String> =
                entries.iter().map(|(key, yaml)| format!("{}: {}", key.text, shown(yaml))).collect();
            format!("{{ {} }}", entries.join(", "))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BEFORE: &str = "flow: main\nstart: a\nnodes:\n  a: { play: hello, then: b }\n  \
        b: { menu: which, choices: { 1: c, 2: d }, otherwise: c }\n  c: { enqueue: billing }\n  \
        d: { hang_up: done }\n  e: { pause: 1s, then: c }\n";

    fn told(after: &str) -> Vec<String> {
        let file = |text: &str| vec![("ivr_flows/main.yaml".to_owned(), text.to_owned())];
        differences(&file(BEFORE), &file(after))
    }

    #[test]
    fn layout_order_and_comments_are_no_difference() {
        let after = "# New.\nstart: a\nflow: main\nnodes:\n  d:\n    hang_up: done\n  e: { then: c, pause: 1s }\n  \
            a: { play: hello, then: b }\n  b: { menu: which, choices: { 2: d, 1: c }, otherwise: c }\n  \
            c: { enqueue: billing }\n";
        assert_eq!(told(after), [""; 0]);
    }

    #[test]
    fn what_differs_is_told_in_words() {
        let after = "flow: main\nstart: z\nnodes:\n  z: { play: hello, then: b }\n  \
            b: { menu: which, choices: { 1: c, 2: c, 3: f }, otherwise: c, tries: 2 }\n  \
            c: { enqueue: billing, priority: 2 }\n  d: { echo: 1h }\n  f: { enqueue: sales }\n";
        assert_eq!(
            told(after),
            [
                "main: start was a, is z",
                "main: \"a\" is now called \"z\"",
                "main: the node \"e\" is gone",
                "main: the node \"f\" is new: { enqueue: sales }",
                "main: \"b\": choices: 2 was d, is c",
                "main: \"b\": choices: 3 is new: f",
                "main: \"b\": tries is new: 2",
                "main: \"c\": priority is new: 2",
                "main: \"d\" did hang_up and does echo now: { echo: 1h }",
            ]
        );
    }

    #[test]
    fn files_come_and_go() {
        let file = |name: &str| (format!("flows/{name}.yaml"), "flow: x\n".to_owned());
        let found = differences(&[file("a"), file("b")], &[file("b"), file("c")]);
        assert_eq!(found, ["the flow \"a\" is gone", "the flow \"c\" is new"]);
    }
}
