//! The agents that a queue of `center.yaml` names: who gets its callers first, and who must not get them.

use std::time::Duration;

use crate::flow::node::enqueue::left_out;
use crate::flow::node::enqueue::patient;
use crate::flow::node::enqueue::preferred;
use crate::flow::read::Reader;
use crate::flow::read::fields::Fields;
use crate::flow::read::yaml::Text;
use crate::queue::api::QueueConfig;

/// Names of agents who have not been read yet.
#[derive(Debug, Default)]
pub(crate) struct Named {
    prefer: Option<(Text, Duration)>,
    not: Vec<Text>,
}

impl Named {
    pub fn read(fields: &mut Fields<'_>, reader: &mut Reader<'_>) -> Named {
        let prefer = fields.optional("prefer").and_then(|yaml| preferred(yaml, reader));
        let not = fields.optional("not").map(|yaml| left_out(yaml, reader)).unwrap_or_default();
        let prefer = prefer.map(|(agent, wait)| (agent.clone(), wait));
        Named { prefer, not: not.into_iter().cloned().collect() }
    }

    /// Gives the queue the agents of these names, and reports those that there are not.
    pub fn give(&self, queue: &mut QueueConfig, reader: &mut Reader<'_>) {
        let mut named = |text: &Text| reader.agent(text);
        queue.prefer = self.prefer.as_ref().and_then(|(text, wait)| Some((named(text)?, *wait)));
        queue.exclude = self.not.iter().filter_map(named).collect();
        if let Some((text, wait)) = &self.prefer {
            patient(queue, *wait, text.place, reader);
        }
    }
}
