//! What callers answered after their talks, as JSON.

use std::collections::BTreeMap;

use serde::Serialize;

use super::rfc3339;
use crate::base::Name;
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
        let queues = views(&report.queues).map(|(queue, answers)| QueueAnswersView { queue, answers });
        let agents = views(&report.agents).map(|(agent, answers)| AgentAnswersView { agent, answers });
        SurveyReportView { queues: queues.collect(), agents: agents.collect() }
    }
}

fn views(
    tallies: &BTreeMap<(Name, Name), AnswerTally>,
) -> impl Iterator<Item = (Option<String>, AnswersView)> {
    tallies.iter().map(|((name, question), tally)| {
        let mean = (tally.mean().unwrap_or_default() * 100.0).round() / 100.0;
        let answers = AnswersView { question: question.to_string(), answers: tally.answers, mean };
        (Some(name.to_string()).filter(|name| !name.is_empty()), answers)
    })
}
