//! `set`: gives variables a value, written down or computed.

use crate::base::Name;
use crate::flow::expression::Expression;
use crate::flow::model;
use crate::flow::model::NodeIndex;
use crate::flow::node::THEN;
use crate::flow::node::collect;
use crate::flow::read::Reader;
use crate::flow::read::fields::Fields;
use crate::flow::read::yaml::Place;
use crate::flow::read::yaml::Text;
use crate::flow::read::yaml::Value;
use crate::flow::read::yaml::Yaml;
use crate::flow::step::Next;
use crate::flow::step::Step;

/// Values for variables, in the file's order.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Set {
    pub values: Vec<(Name, Source)>,
    pub then: NodeIndex,
}

/// Where a value comes from.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Source {
    Written(model::Value),
    /// `= size(order) > 6`
    Computed(Expression, Place),
}

impl Source {
    /// What it is for this caller; an error when it cannot be computed.
    pub fn value(&self, step: &Step<'_>) -> Result<model::Value, String> {
        match self {
            Source::Written(value) => Ok(value.clone()),
            Source::Computed(expression, _) => expression.compute(&step.known()),
        }
    }
}

impl Set {
    pub fn read(fields: &mut Fields<'_>, reader: &mut Reader<'_>) -> Set {
        let values = fields.require(reader, "set").map(|yaml| values(yaml, reader)).unwrap_or_default();
        Set { values, then: fields.exit(reader, "then") }
    }

    pub fn expressions(&self) -> Vec<(&Expression, Place)> {
        let computed = self.values.iter().filter_map(|(_, source)| match source {
            Source::Computed(expression, place) => Some((expression, *place)),
            Source::Written(_) => None,
        });
        computed.collect()
    }

    pub fn enter(&self, step: &mut Step<'_>) -> Next {
        for (name, source) in &self.values {
            // What cannot be computed leaves the variable as it was.
            if let Ok(value) = source.value(step) {
                step.set(name, value);
            }
        }
        Next::Go(THEN, self.then)
    }
}

fn values(yaml: &Yaml, reader: &mut Reader<'_>) -> Vec<(Name, Source)> {
    let Value::Map(entries) = &yaml.value else {
        reader.error_hint(
            yaml.place,
            "values are written as \"name: value\" lines",
            "for example: tier: gold",
        );
        return Vec::new();
    };
    if entries.is_empty() {
        reader.error(yaml.place, "nothing is set here");
    }
    let read = |(key, value): &(Text, Yaml)| {
        let name = collect::variable_name(key, reader);
        let text = reader.text(value, "a value")?;
        let source = source(text, reader)?;
        Some((name?, source))
    };
    entries.iter().filter_map(read).collect()
}

pub(crate) fn source(text: &Text, reader: &mut Reader<'_>) -> Option<Source> {
    if let Some(expression) = text.text.strip_prefix('=') {
        let parsed = Expression::parse(expression.trim());
        let expression = parsed.map_err(|error| error.report(text.place, reader)).ok()?;
        return Some(Source::Computed(expression, text.place));
    }
    Some(Source::Written(written(text)))
}

/// A value as it is written down: a truth or a whole number, unless it is quoted or is neither.
pub(crate) fn written(text: &Text) -> model::Value {
    match text.text.as_str() {
        other if text.quoted => model::Value::Text(other.to_owned()),
        "true" | "yes" => model::Value::Truth(true),
        "false" | "no" => model::Value::Truth(false),
        other => other.parse().map_or_else(|_| model::Value::Text(other.to_owned()), model::Value::Number),
    }
}
