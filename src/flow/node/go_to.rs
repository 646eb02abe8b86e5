//! `go_to`: leaves this flow for another, for good.

use crate::base::Name;
use crate::flow::read::Reader;
use crate::flow::read::fields::Fields;
use crate::flow::read::yaml::Place;
use crate::flow::step::Next;

/// Another flow.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct GoTo {
    pub flow: Name,
    pub place: Place,
}

impl GoTo {
    pub fn read(fields: &mut Fields<'_>, reader: &mut Reader<'_>) -> GoTo {
        let yaml = fields.require(reader, "go_to");
        let flow = yaml.and_then(|yaml| reader.name(yaml, "the name of a flow"));
        let place = yaml.map_or(fields.place, |yaml| yaml.place);
        GoTo { flow: flow.unwrap_or_default(), place }
    }

    pub fn enter(&self) -> Next {
        Next::GoTo(Name::clone(&self.flow))
    }
}
