//! What evaluations come to, by agent and item.

use std::collections::BTreeMap;

use rusqlite::Connection;

use super::Evaluation;
use super::Filled;
use super::FilledItem;
use super::list;
use crate::base::Name;
use crate::base::WallTime;
use crate::store::StoreError;

/// What the evaluations of many talks come to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EvaluationReport {
    pub agents: BTreeMap<Name, AgentTally>,
    /// By agent, form and item.
    pub items: BTreeMap<(Name, Name, Name), ItemTally>,
}

/// What an agent's evaluations come to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct AgentTally {
    pub evaluations: u32,
    /// Of which the agent said that they have read them.
    pub read: u32,
    pub got: u32,
    pub points: u32,
}

/// What an item comes to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ItemTally {
    /// What is asked, or the rule, as it stood in the newest of the evaluations.
    pub words: String,
    /// Whether the facts fill it in.
    pub by_facts: bool,
    /// Where there were all of its points.
    pub met: u32,
    pub not_met: u32,
    pub not_applicable: u32,
    pub disputed: u32,
    pub got: u32,
    pub points: u32,
}

impl EvaluationReport {
    /// Takes one more evaluation in; the newest come first.
    pub fn add(&mut self, evaluation: &Evaluation) {
        let (got, points) = evaluation.sheet.points();
        let agent = self.agents.entry(evaluation.agent.clone()).or_default();
        agent.evaluations += 1;
        agent.read += u32::from(evaluation.read.is_some());
        agent.got += got;
        agent.points += points;
        for item in &evaluation.sheet.items {
            let key = (evaluation.agent.clone(), evaluation.form.clone(), item.name.clone());
            self.items.entry(key).or_default().add(item);
        }
    }
}

impl ItemTally {
    fn add(&mut self, item: &FilledItem) {
        let (words, disputed) = match &item.filled {
            Filled::Hand { question } => (question.as_str(), None),
            Filled::Facts { rule, disputed, .. } => (rule.words(), disputed.as_ref()),
        };
        if self.words.is_empty() {
            words.clone_into(&mut self.words);
            self.by_facts = matches!(item.filled, Filled::Facts { .. });
        }
        self.disputed += u32::from(disputed.is_some());
        match item.got {
            None => self.not_applicable += 1,
            Some(got) => {
                self.got += got;
                self.points += item.points;
                *(if got == item.points { &mut self.met } else { &mut self.not_met }) += 1;
            }
        }
    }
}

/// What evaluations come to of calls that arrived from then on and before then.
pub(in crate::store) fn report(
    connection: &Connection,
    from: WallTime,
    until: WallTime,
) -> Result<EvaluationReport, StoreError> {
    let mut report = EvaluationReport::default();
    list(connection, from, until, None)?.iter().for_each(|evaluation| report.add(evaluation));
    Ok(report)
}
