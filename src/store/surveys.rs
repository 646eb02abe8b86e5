//! What callers answered after their talks: those of a call, and what many came to. Folds over facts; nothing here
//! reads a clock or the file.

use std::collections::BTreeMap;

use crate::base::Name;
use crate::base::WallTime;
use crate::fact::What;
use crate::store::fold::DatedFact;

/// The facts that [`SurveyReport::apply`] looks at, by name.
pub(super) const LOOKED_AT: &[&str] = &["survey_answered"];

/// One answer of a caller.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    pub at: WallTime,
    pub question: Name,
    pub answer: u8,
    /// None where the question came without a talk.
    pub agent: Option<Name>,
    pub queue: Option<Name>,
    /// Whether what they called about is settled by it; none where that was not asked.
    pub settled: Option<bool>,
}

/// What a call's caller answered, in order.
pub fn answers<'a>(facts: impl IntoIterator<Item = &'a DatedFact>) -> Vec<Answer> {
    let answer = |dated: &DatedFact| match dated.fact.what.clone() {
        What::SurveyAnswered { question, answer, agent, queue, settled } => {
            Some(Answer { at: dated.wall, question, answer, agent, queue, settled })
        }
        _ => None,
    };
    facts.into_iter().filter_map(answer).collect()
}

/// What the answers to one question came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct AnswerTally {
    pub answers: u32,
    sum: u64,
}

impl AnswerTally {
    fn add(&mut self, answer: u8) {
        self.answers += 1;
        self.sum += u64::from(answer);
    }

    /// The mean; none when nobody answered.
    pub fn mean(&self) -> Option<f64> {
        (self.answers > 0).then(|| self.sum as f64 / f64::from(self.answers))
    }
}

/// What the answers of many calls came to: by whom they are about, and the question. An empty name is nobody's.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SurveyReport {
    pub queues: BTreeMap<(Name, Name), AnswerTally>,
    pub agents: BTreeMap<(Name, Name), AnswerTally>,
}

impl SurveyReport {
    /// Takes one more fact in.
    pub fn apply(&mut self, what: &What) {
        if let What::SurveyAnswered { question, answer, agent, queue, .. } = what {
            let of = |name: &Option<Name>| name.clone().unwrap_or_default();
            self.add(question, *answer, &of(agent), &of(queue));
        }
    }

    /// Takes one more answer in.
    pub(super) fn add(&mut self, question: &Name, answer: u8, agent: &Name, queue: &Name) {
        let of = |name: &Name| (name.clone(), question.clone());
        self.queues.entry(of(queue)).or_default().add(answer);
        self.agents.entry(of(agent)).or_default().add(answer);
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::base::CallId;
    use crate::base::Timestamp;
    use crate::fact::Fact;
    use crate::store::HistoryWriter;
    use crate::store::Store;
    use crate::store::sample;

    #[test]
    fn answers_are_counted_by_queue_and_agent_of_calls_that_arrived_in_a_time() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path()).unwrap();
        let history = HistoryWriter::start(&store, sample::STARTED).unwrap();
        let told = [
            (7, sample::survey_answered("satisfied", 5, "alice")),
            (7, sample::survey_answered("solved", 1, "alice")),
            (8, sample::survey_answered("satisfied", 2, "alice")),
            (9, sample::survey_answered("satisfied", 4, "bob")),
            (10, sample::survey_answered("satisfied", 1, "bob")),
        ];
        for (call, what) in told {
            let fact = |what| Fact { at: Timestamp::from_secs(call), call: Some(CallId(call)), what };
            history.record(fact(What::CallAnswered));
            history.record(fact(what));
        }
        history.flush();
        let readers = store.readers().unwrap();
        let until = sample::STARTED + Duration::from_secs(10);
        let report = readers.survey_report(sample::STARTED, until).unwrap();
        let of = |tallies: &BTreeMap<(Name, Name), AnswerTally>| -> Vec<String> {
            let line = |((name, question), tally): (&(Name, Name), &AnswerTally)| {
                format!("{name} {question}: {} of {}", tally.mean().unwrap_or_default(), tally.answers)
            };
            tallies.iter().map(line).collect()
        };
        assert_eq!(
            of(&report.agents),
            ["alice satisfied: 3.5 of 2", "alice solved: 1 of 1", "bob satisfied: 4 of 1"]
        );
        let mean = format!("billing satisfied: {} of 3", 11.0 / 3.0);
        assert_eq!(of(&report.queues), [mean, "billing solved: 1 of 1".to_owned()]);
        let of_call = answers(&readers.facts(CallId(7)).unwrap());
        assert_eq!(
            of_call.iter().map(|one| (&*one.question, one.answer)).collect::<Vec<_>>(),
            [("satisfied", 5), ("solved", 1)]
        );
        assert_eq!(AnswerTally::default().mean(), None);
    }
}
