//! What callers answered after their talks, as JSON.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Serialize;

use super::rfc3339;
use crate::base::Name;
use crate::store::surveys::After;
use crate::store::surveys::Answer;
use crate::store::surveys::AnswerTally;
use crate::store::surveys::SurveyReport;

/// One answer.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct AnswerView {
    pub at: String,
    pub question: String,
    pub answer: u8,
    /// Null where the question came without a talk.
    pub agent: Option<String>,
    pub queue: Option<String>,
    /// Whether what the caller called about is settled by it; null where that was not asked.
    pub settled: Option<bool>,
}

/// What the answers to one question came to, about a queue.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct QueueAnswersView {
    pub queue: Option<String>,
    #[serde(flatten)]
    pub answers: AnswersView,
}

/// About an agent.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct AgentAnswersView {
    pub agent: Option<String>,
    #[serde(flatten)]
    pub answers: AnswersView,
}

/// Of callers who had about so much behind them.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct EffortAnswersView {
    /// `wait_s`, `hold_s` or `handovers`.
    pub after: &'static str,
    /// At most so much; null beyond what is told apart.
    pub up_to: Option<u64>,
    #[serde(flatten)]
    pub answers: AnswersView,
}

/// What the answers to one question came to.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct AnswersView {
    pub question: String,
    pub answers: u32,
    /// Of all answers, to the hundredth.
    pub mean: f64,
}

/// What the answers of a time came to.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SurveyReportView {
    pub queues: Vec<QueueAnswersView>,
    pub agents: Vec<AgentAnswersView>,
    pub efforts: Vec<EffortAnswersView>,
}

impl From<Answer> for AnswerView {
    fn from(answer: Answer) -> AnswerView {
        let Answer { at, question, answer, agent, queue, settled } = answer;
        AnswerView {
            at: rfc3339(at),
            question: question.to_string(),
            answer,
            agent: agent.map(|agent| agent.to_string()),
            queue: queue.map(|queue| queue.to_string()),
            settled,
        }
    }
}

impl From<&SurveyReport> for SurveyReportView {
    fn from(report: &SurveyReport) -> SurveyReportView {
        let some = |name: &Name| Some(name.to_string()).filter(|name| !name.is_empty());
        let queues =
            views(&report.queues).map(|(queue, answers)| QueueAnswersView { queue: some(queue), answers });
        let agents =
            views(&report.agents).map(|(agent, answers)| AgentAnswersView { agent: some(agent), answers });
        let efforts = views(&report.efforts).map(|(after, answers)| {
            let (after, up_to) = match *after {
                After::Waited(time) => ("wait_s", up_to(time)),
                After::Held(time) => ("hold_s", up_to(time)),
                After::HandedOn(times) => ("handovers", Some(times.into()).filter(|_| times < u32::MAX)),
            };
            EffortAnswersView { after, up_to, answers }
        });
        SurveyReportView { queues: queues.collect(), agents: agents.collect(), efforts: efforts.collect() }
    }
}

/// A bound in whole seconds; none is beyond all.
fn up_to(time: Duration) -> Option<u64> {
    Some(time.as_secs()).filter(|_| time < Duration::MAX)
}

fn views<T>(tallies: &BTreeMap<(T, Name), AnswerTally>) -> impl Iterator<Item = (&T, AnswersView)> {
    tallies.iter().map(|((of, question), tally)| {
        let mean = (tally.mean().unwrap_or_default() * 100.0).round() / 100.0;
        let answers = AnswersView { question: question.to_string(), answers: tally.answers, mean };
        (of, answers)
    })
}
