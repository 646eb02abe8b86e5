//! `branch`: goes one way or another by conditions, the first that is true.

use crate::flow::api::ExitName;
use crate::flow::expression::Expression;
use crate::flow::model::NodeIndex;
use crate::flow::node::Exit;
use crate::flow::node::OTHERWISE;
use crate::flow::read::Reader;
use crate::flow::read::fields::Fields;
use crate::flow::read::yaml::Place;
use crate::flow::read::yaml::Value;
use crate::flow::read::yaml::Yaml;
use crate::flow::step::Next;
use crate::flow::step::Step;

/// Conditions in order, and the way for when none is true.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Branch {
    pub ways: Vec<Way>,
    pub otherwise: NodeIndex,
}

/// A condition, and where it leads.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Way {
    pub condition: Expression,
    pub place: Place,
    pub then: NodeIndex,
}

impl Branch {
    pub fn read(fields: &mut Fields<'_>, reader: &mut Reader<'_>) -> Branch {
        let ways = fields.require(reader, "branch").map(|yaml| ways(yaml, reader)).unwrap_or_default();
        Branch { ways, otherwise: fields.exit(reader, "otherwise") }
    }

    pub fn exits(&self) -> Vec<Exit> {
        let ways = self.ways.iter().zip(1..).map(|(way, place)| Exit::plain(ExitName::If(place), way.then));
        ways.chain([Exit::plain(OTHERWISE, self.otherwise)]).collect()
    }

    pub fn enter(&self, step: &mut Step<'_>) -> Next {
        let known = step.known();
        match self.ways.iter().zip(1..).find(|(way, _)| way.condition.is_true(&known)) {
            Some((way, place)) => Next::Go(ExitName::If(place), way.then),
            None => Next::Go(OTHERWISE, self.otherwise),
        }
    }
}

fn ways(yaml: &Yaml, reader: &mut Reader<'_>) -> Vec<Way> {
    let Value::List(items) = &yaml.value else {
        let hint = "for example: - { if: caller.known, then: welcome_back }";
        reader.error_hint(yaml.place, "a branch is a list of conditions", hint);
        return Vec::new();
    };
    if items.is_empty() {
        reader.error(yaml.place, "this branch has no conditions");
    }
    items.iter().filter_map(|item| way(item, reader)).collect()
}

fn way(yaml: &Yaml, reader: &mut Reader<'_>) -> Option<Way> {
    let mut fields = reader.fields(yaml, "a condition")?;
    let condition = fields.require(reader, "if").and_then(|yaml| {
        let text = reader.text(yaml, "a condition")?;
        let parsed = Expression::parse(&text.text);
        let condition = parsed.map_err(|error| error.report(text.place, reader)).ok()?;
        Some((condition, text.place))
    });
    let then = fields.exit(reader, "then");
    fields.finish(reader);
    condition.map(|(condition, place)| Way { condition, place, then })
}
