//! `call`: lets another flow do a part, and goes on by what it returns.

use crate::base::Name;
use crate::flow::api::ExitName;
use crate::flow::model::NodeIndex;
use crate::flow::node::Exit;
use crate::flow::node::fetch;
use crate::flow::node::fetch::Given;
use crate::flow::read::Reader;
use crate::flow::read::fields::Fields;
use crate::flow::read::yaml::Place;
use crate::flow::read::yaml::Text;
use crate::flow::read::yaml::Value;
use crate::flow::read::yaml::Yaml;
use crate::flow::step::Next;
use crate::flow::step::Step;

/// Another flow, and the ways on from what it returns.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Call {
    pub flow: Name,
    pub place: Place,
    /// What it takes, and what of ours it gets: a variable, or what every flow knows.
    pub with: Vec<(Name, Name)>,
    /// Variables of ours that get what it gives.
    pub gives: Vec<Given>,
    pub results: Vec<Result>,
}

/// A way on.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Result {
    pub name: Name,
    pub place: Place,
    pub then: NodeIndex,
}

impl Call {
    pub fn read(fields: &mut Fields<'_>, reader: &mut Reader<'_>) -> Call {
        let yaml = fields.require(reader, "call");
        let flow = yaml.and_then(|yaml| reader.name(yaml, "the name of a flow"));
        let place = yaml.map_or(fields.place, |yaml| yaml.place);
        let results = fields.require(reader, "results").map(|yaml| results(yaml, reader)).unwrap_or_default();
        let with = fields.optional("with").map(|yaml| with(yaml, reader)).unwrap_or_default();
        let gives = fields.optional("gives").map(|yaml| fetch::gives(yaml, reader)).unwrap_or_default();
        Call { flow: flow.unwrap_or_default(), place, with, gives, results }
    }

    pub fn exits(&self) -> Vec<Exit> {
        // What the other flow asks there is not known here: no way on is the caller's own.
        self.results
            .iter()
            .map(|result| Exit::plain(ExitName::Result(Name::clone(&result.name)), result.then).setting())
            .collect()
    }

    pub fn enter(&self, step: &Step<'_>) -> Next {
        let taken =
            self.with.iter().filter_map(|(takes, ours)| Some((Name::clone(takes), step.value(ours)?)));
        Next::Call(Name::clone(&self.flow), taken.collect())
    }

    /// What of ours is given to the other flow.
    pub fn uses(&self) -> impl Iterator<Item = &Name> {
        self.with.iter().map(|(_, ours)| ours)
    }

    /// Where a result leads.
    pub fn after(&self, result: &Name) -> Option<NodeIndex> {
        self.results.iter().find(|known| known.name == *result).map(|known| known.then)
    }
}

/// `{ order: order_number }`: what the other flow takes, and what of ours it gets.
fn with(yaml: &Yaml, reader: &mut Reader<'_>) -> Vec<(Name, Name)> {
    let Value::Map(entries) = &yaml.value else {
        let hint = "for example: { order: order_number }";
        reader.error_hint(yaml.place, "what a flow gets is \"what it takes: a variable\" lines", hint);
        return Vec::new();
    };
    let one = |(key, value): &(Text, Yaml)| {
        let ours = reader.name(value, "the name of a variable")?;
        Some((Name::from(key.text.as_str()), ours))
    };
    entries.iter().filter_map(one).collect()
}

pub(crate) fn results(yaml: &Yaml, reader: &mut Reader<'_>) -> Vec<Result> {
    let Value::Map(entries) = &yaml.value else {
        let hint = "for example: { proven: main_menu }";
        reader.error_hint(yaml.place, "results are written as \"result: node\" lines", hint);
        return Vec::new();
    };
    let one = |(key, value): &(Text, Yaml)| {
        let text = reader.text(value, "the name of a node")?;
        let then = reader.node(text);
        Some(Result { name: Name::from(key.text.as_str()), place: key.place, then })
    };
    entries.iter().filter_map(one).collect()
}
