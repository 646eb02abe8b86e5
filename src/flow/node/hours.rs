//! `hours`: goes one way while somebody is there, another while nobody is.

use std::sync::Arc;

use crate::flow::api::ExitName;
use crate::flow::hours;
use crate::flow::hours::Opening;
use crate::flow::model::NodeIndex;
use crate::flow::node::Exit;
use crate::flow::read::Reader;
use crate::flow::read::fields::Fields;
use crate::flow::step::Next;
use crate::flow::step::Step;

const OPEN: ExitName = ExitName::Named("open");
const CLOSED: ExitName = ExitName::Named("closed");
const HOLIDAY: ExitName = ExitName::Named("holiday");

/// Whether it is open now.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Hours {
    /// None only where the checker has reported that there are no such hours.
    pub hours: Option<Arc<hours::Hours>>,
    pub open: NodeIndex,
    pub closed: NodeIndex,
    /// On a holiday; without this exit it is as any time that is closed.
    pub holiday: Option<NodeIndex>,
}

impl Hours {
    pub fn read(fields: &mut Fields<'_>, reader: &mut Reader<'_>) -> Hours {
        let hours = fields.require(reader, "hours").and_then(|yaml| reader.hours(yaml));
        Hours {
            hours,
            open: fields.exit(reader, "open"),
            closed: fields.exit(reader, "closed"),
            holiday: fields.optional_exit(reader, "holiday"),
        }
    }

    pub fn exits(&self) -> Vec<Exit> {
        let holiday = self.holiday.map(|to| Exit::plain(HOLIDAY, to));
        [Exit::plain(OPEN, self.open), Exit::plain(CLOSED, self.closed)].into_iter().chain(holiday).collect()
    }

    pub fn enter(&self, step: &mut Step<'_>) -> Next {
        let now = self.hours.as_ref().map_or(Opening::Closed, |hours| hours.at(step.wall()));
        match (now, self.holiday) {
            (Opening::Open, _) => Next::Go(OPEN, self.open),
            (Opening::Holiday, Some(holiday)) => Next::Go(HOLIDAY, holiday),
            (Opening::Closed | Opening::Holiday, _) => Next::Go(CLOSED, self.closed),
        }
    }
}
