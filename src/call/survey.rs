//! What a caller is asked when the agent has ended their talk: whether, in which flow, and whose answers they are.

use serde::Deserialize;
use serde::Serialize;

use super::Call;
use super::CallAction;
use super::Phase;
use crate::base::Name;
use crate::base::Timestamp;
use crate::fact::Party;
use crate::fact::What;
use crate::flow::Center;

/// Whom the answers are about.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Surveyed {
    agent: Name,
    queue: Name,
}

impl Call {
    /// The caller's number was asked then, in this call or another one.
    pub fn was_asked(&mut self, at: Timestamp) {
        self.asked = Some(at);
    }

    /// The agent is done with the caller, who goes on in the queue's survey, or has nothing to stay for.
    pub(super) fn end_by_agent(
        &mut self,
        center: &Center,
        now: Timestamp,
        cause: &str,
        out: &mut Vec<CallAction>,
    ) {
        let Some((flow, surveyed)) = self.survey(center, now) else {
            return self.end_talk(now, Party::Agent, cause, out);
        };
        let Some(line) = self.agent.take() else { return };
        self.leave_talk(now, line, out);
        let Surveyed { agent, queue } = surveyed.clone();
        self.surveyed = Some(surveyed);
        self.asked = Some(now);
        out.push(CallAction::Fact(What::SurveyStarted { agent, queue }));
        self.go_on_in(center, now, &flow, out);
    }

    /// The flow that asks this caller now, and about whom.
    fn survey(&self, center: &Center, now: Timestamp) -> Option<(Name, Surveyed)> {
        let Phase::Talking(talk) = &self.phase else { return None };
        let place = self.joined.as_ref()?.place();
        let policy = center.talk.get(place)?.survey.as_ref()?;
        let line = self.agent.as_ref().filter(|line| line.agent.is_some())?;
        let there = self.caller.is_some() && self.arrived.is_some();
        let again = self.asked.is_some_and(|asked| now.since(asked) < policy.again);
        // Who is still being told of the recording has not talked.
        let talked = talk.notice.is_none() && now.since(talk.since) >= policy.after;
        let queue = center.engine.queues.get(place)?.name.clone();
        (there && !again && talked)
            .then(|| (policy.flow.clone(), Surveyed { agent: line.name.clone(), queue }))
    }

    /// Tells what the caller answered, and whom it is about.
    pub(super) fn answered(
        &self,
        question: Name,
        answer: u8,
        settled: Option<bool>,
        out: &mut Vec<CallAction>,
    ) {
        let (agent, queue) = match &self.surveyed {
            Some(Surveyed { agent, queue }) => (Some(agent.clone()), Some(queue.clone())),
            None => (None, None),
        };
        out.push(CallAction::Fact(What::SurveyAnswered { question, answer, agent, queue, settled }));
    }
}
