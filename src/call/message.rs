//! A message that a caller leaves: their line alone is recorded, as long as the flow says.

use serde::Deserialize;
use serde::Serialize;

use super::Call;
use super::CallAction;
use crate::base::LegId;
use crate::base::Name;
use crate::base::QueueId;
use crate::fact::What;
use crate::fact::recording::RecordingFile;
use crate::fact::recording::RecordingKind;
use crate::flow::Center;
use crate::flow::FlowAction;
use crate::flow::api::MessageEnd;
use crate::media::Record;
use crate::media::Tracks;

/// The messages of a call.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Messages {
    /// The line that is being recorded.
    pub(super) leg: Option<LegId>,
    /// How many have been begun.
    begun: u16,
    /// Whether one was kept.
    pub(super) left: bool,
}

impl Messages {
    /// This one was kept.
    pub(super) fn had(&mut self, part: u16) {
        (self.begun, self.left) = (self.begun.max(part), true);
    }
}

impl Call {
    /// What a flow says of a message.
    pub(super) fn on_message_action(
        &mut self,
        center: &Center,
        leg: LegId,
        action: &FlowAction,
        out: &mut Vec<CallAction>,
    ) {
        match *action {
            FlowAction::RecordMessage { .. } => {
                self.messages.begun = self.messages.begun.saturating_add(1);
                self.messages.leg = Some(leg);
                let record = Record::Start(Tracks::Message);
                out.push(CallAction::Record { leg, file: Some(self.message_file()), record });
            }
            FlowAction::MessageEnds { queue, end: MessageEnd::Kept { length } } => {
                let queue = self.message_over(center, queue, out);
                self.messages.left = true;
                let from = Box::new(self.known.promisee(&self.arrival.number, Some(Name::clone(&queue))));
                let part = self.messages.begun;
                out.push(CallAction::Fact(What::MessageLeft { queue, part, length, from }));
            }
            FlowAction::MessageEnds { queue, end } => {
                let queue = self.message_over(center, queue, out);
                out.push(CallAction::Discard { file: self.message_file() });
                let failed = end == MessageEnd::Failed;
                out.push(CallAction::Fact(What::NoMessageLeft { queue, failed }));
            }
            _ => {}
        }
    }

    /// Ends the recording; the name of the queue that it is for.
    fn message_over(&mut self, center: &Center, queue: QueueId, out: &mut Vec<CallAction>) -> Name {
        let leg = self.messages.leg.take();
        out.extend(leg.map(|leg| CallAction::Record { leg, file: None, record: Record::Stop }));
        let queue = center.engine.queues.get(queue.0 as usize);
        queue.map(|queue| Name::clone(&queue.name)).unwrap_or_default()
    }

    fn message_file(&self) -> RecordingFile {
        RecordingFile { kind: RecordingKind::Message, call: self.id, part: self.messages.begun }
    }
}
