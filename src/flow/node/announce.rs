//! `announce`: plays what the center has switched on for now, and nothing otherwise.

use std::sync::Arc;

use crate::flow::announcement::Announcement;
use crate::flow::model::NodeIndex;
use crate::flow::node::THEN;
use crate::flow::read::Reader;
use crate::flow::read::fields::Fields;
use crate::flow::step::Input;
use crate::flow::step::Next;
use crate::flow::step::Step;

/// An announcement's place in a flow.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Announce {
    /// None only where the checker has reported that there is no such announcement.
    pub announcement: Option<Arc<Announcement>>,
    pub then: NodeIndex,
}

impl Announce {
    pub fn read(fields: &mut Fields<'_>, reader: &mut Reader<'_>) -> Announce {
        let announcement = fields.require(reader, "announce").and_then(|yaml| {
            let text = reader.text(yaml, "the name of an announcement")?;
            reader.announcement(text)
        });
        Announce { announcement, then: fields.exit(reader, "then") }
    }

    pub fn enter(&self, step: &mut Step<'_>) -> Next {
        let now = step.wall();
        match self.announcement.as_ref().and_then(|announcement| announcement.heard(now)) {
            // Who keys ahead has not heard it: it is news.
            Some(prompts) if step.play(&[prompts], true, false) => Next::Stay,
            _ => Next::Go(THEN, self.then),
        }
    }

    pub fn handle(&self, input: Input) -> Next {
        match input {
            Input::PlayEnded => Next::Go(THEN, self.then),
            _ => Next::Stay,
        }
    }
}
