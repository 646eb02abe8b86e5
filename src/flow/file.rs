//! A flow file, `ivr_flows/main.yaml`: its nodes read one by one, names turned into places.
//!
//! There is no set of structs for the file's own shape: reading straight out of the tree is what lets every
//! problem be told at once, each with its place.

use std::collections::BTreeMap;

use crate::base::Name;
use crate::flow::check;
use crate::flow::model::Flow;
use crate::flow::model::FlowNode;
use crate::flow::model::NodeIndex;
use crate::flow::model::Parameter;
use crate::flow::model::Variables;
use crate::flow::node::Node;
use crate::flow::node::collect;
use crate::flow::read::Reader;
use crate::flow::read::fields::Fields;
use crate::flow::read::yaml::Text;
use crate::flow::read::yaml::Value;
use crate::flow::read::yaml::Yaml;

/// The most nodes of one flow.
const MAX_NODES: usize = 20_000;

/// Reads and checks the flow that is called `name` after its file.
pub(crate) fn read(reader: &mut Reader<'_>, name: &str, text: &str) -> Option<Flow> {
    let root = reader.tree(text)?;
    let mut fields = reader.fields(&root, "a flow")?;
    if let Some(yaml) = fields.require(reader, "flow")
        && let Some(said) = reader.text(yaml, "the flow's name")
        && said.text != name
    {
        let message = format!("this flow is called \"{}\", but its file \"{name}.yaml\"", said.text);
        reader.error_hint(said.place, message, format!("write \"flow: {name}\", or rename the file"));
    }
    let start = fields.require(reader, "start");
    let nodes = fields.require(reader, "nodes");
    let takes = fields.optional("takes").map(|yaml| parameters(yaml, reader)).unwrap_or_default();
    let gives = fields.optional("gives").map(|yaml| parameters(yaml, reader)).unwrap_or_default();
    let no_person = fields.optional("no_person").and_then(|yaml| reader.name(yaml, "the reason"));
    fields.finish(reader);
    let entries = node_entries(nodes?, reader)?;
    reader.nodes = places(entries);
    let start = start.and_then(|yaml| {
        let text = reader.text(yaml, "the name of a node")?;
        Some(reader.node(text))
    });
    let read = |(key, yaml): &(Text, Yaml)| read_node(key, yaml, reader);
    let nodes: Vec<Option<FlowNode>> = entries.iter().map(read).collect();
    // With a node missing, the places of all others would be wrong.
    let nodes: Vec<FlowNode> = nodes.into_iter().collect::<Option<_>>()?;
    let (name, samples) = (Name::from(name), Variables::new());
    let mut flow = Flow { name, start: start?, nodes, takes, gives, samples, no_person };
    flow.samples = check::flow(&flow, reader);
    Some(flow)
}

/// `{ order: text, most: number }`
fn parameters(yaml: &Yaml, reader: &mut Reader<'_>) -> Vec<Parameter> {
    let Value::Map(entries) = &yaml.value else {
        let hint = "for example: { order: text, most: number }";
        reader.error_hint(yaml.place, "these are \"variable: kind of value\" lines", hint);
        return Vec::new();
    };
    let one = |(key, yaml): &(Text, Yaml)| {
        let name = collect::variable_name(key, reader);
        let text = reader.text(yaml, "text, number, or yes or no,")?;
        let kind = reader.kind(text.place, &text.text)?;
        Some(Parameter { name: name?, kind, place: key.place })
    };
    entries.iter().filter_map(one).collect()
}

fn node_entries<'y>(yaml: &'y Yaml, reader: &mut Reader<'_>) -> Option<&'y [(Text, Yaml)]> {
    let Value::Map(entries) = &yaml.value else {
        reader.error_hint(
            yaml.place,
            "nodes are written as \"name: node\"",
            "for example: greet: { play: … }",
        );
        return None;
    };
    if entries.is_empty() || entries.len() > MAX_NODES {
        reader.error(yaml.place, format!("a flow has 1 to {MAX_NODES} nodes, this one {}", entries.len()));
        return None;
    }
    Some(entries)
}

fn places(entries: &[(Text, Yaml)]) -> BTreeMap<Name, NodeIndex> {
    let index = |place: usize| u32::try_from(place).map_or(NodeIndex::NOWHERE, NodeIndex);
    entries
        .iter()
        .enumerate()
        .map(|(place, (key, _))| (Name::from(key.text.as_str()), index(place)))
        .collect()
}

fn read_node(key: &Text, yaml: &Yaml, reader: &mut Reader<'_>) -> Option<FlowNode> {
    let Value::Map(entries) = &yaml.value else {
        reader.error(yaml.place, format!("the node \"{}\" is written as \"key: value\" lines", key.text));
        return None;
    };
    // What is missing in a node is told at its name: it has no place of its own.
    let mut fields = Fields::new(key.place, entries);
    let node = Node::read(&mut fields, reader)?;
    fields.finish(reader);
    Some(FlowNode { name: Name::from(key.text.as_str()), place: key.place, node, secret_ahead: false })
}
