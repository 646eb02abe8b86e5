//! `enqueue`: sends the caller to a queue. The flow ends here.

use crate::base::QueueId;
use crate::flow::api::FlowAction;
use crate::flow::fields::Fields;
use crate::flow::needs;
use crate::flow::read::Reader;
use crate::flow::step::Next;
use crate::flow::step::Step;
use crate::flow::yaml::Place;
use crate::queue::api::Demand;
use crate::queue::api::PermissionPolicy;

/// A queue, and what this caller needs beyond what the queue needs anyway.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Enqueue {
    pub queue: Option<QueueId>,
    pub needs: Demand,
    /// Added to the queue's own. Default 0.
    pub priority: i32,
    /// Who allows the hold. Default: as the queue says.
    pub permission: Option<PermissionPolicy>,
    pub place: Place,
}

impl Enqueue {
    pub fn read(fields: &mut Fields<'_>, reader: &mut Reader<'_>) -> Enqueue {
        let yaml = fields.require(reader, "enqueue");
        let queue = yaml.and_then(|yaml| {
            let text = reader.text(yaml, "the name of a queue")?;
            reader.queue(text)
        });
        let priority = fields.optional("priority").and_then(|yaml| reader.number(yaml, -1000, 1000));
        Enqueue {
            queue,
            needs: needs::demand(fields, reader),
            permission: fields.optional("permission").and_then(|yaml| reader.permission(yaml)),
            priority: priority.and_then(|priority| i32::try_from(priority).ok()).unwrap_or(0),
            place: yaml.map_or(fields.place, |yaml| yaml.place),
        }
    }

    pub fn enter(&self, step: &mut Step<'_>) -> Next {
        step.stop_play();
        // The checker lets no flow through whose queue is unknown.
        if let Some(queue) = self.queue {
            let Enqueue { priority, permission, .. } = *self;
            step.out.push(FlowAction::Enqueue { queue, needs: self.needs.clone(), priority, permission });
        }
        Next::Over
    }
}
