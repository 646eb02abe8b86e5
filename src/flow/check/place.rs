//! Whether a place in line, told to callers, means what it says.

use std::collections::BTreeMap;

use crate::base::Name;
use crate::base::QueueId;
use crate::flow::center::Center;
use crate::flow::model::Flow;
use crate::flow::node::Node;
use crate::flow::read::Reader;
use crate::queue::api::Routing;

/// Reports queues that tell callers a place in line, and serve them in another order.
pub(crate) fn places(center: &Center, flows: &BTreeMap<Name, Flow>, reader: &mut Reader<'_>) {
    let queues = (0..).map(QueueId).zip(&center.engine.queues);
    for ((id, queue), prompts) in queues.zip(&center.wait_prompts) {
        let Some(told) = prompts.words.as_ref().and_then(|words| words.place.as_ref()) else { continue };
        let steps = |flow: &Flow| flow.nodes.iter().any(|at| relaxes(&at.node, id));
        if center.engine.routing != Routing::LongestWaiting {
            let message = "a place in line says something only where who waits longest is served first";
            reader.error_hint(
                told.at,
                message,
                "say \"routing: longest waiting\", or leave \"position\" out",
            );
        } else if !queue.needs.steps.is_empty() || flows.values().any(steps) {
            let message =
                "callers of this queue overtake each other by \"steps\": a place in line says nothing";
            reader.error_hint(told.at, message, "leave \"position\" out");
        }
    }
}

/// Whether callers come to the queue here who need less after a while.
fn relaxes(node: &Node, queue: QueueId) -> bool {
    matches!(node, Node::Enqueue(node) if node.queue == Some(queue) && !node.needs.steps.is_empty())
}
