//! What callers answered after their talks: those of a call, and what many came to. Folds over facts; nothing here
//! reads a clock or the file.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::base::Name;
use crate::base::WallTime;
use crate::fact::What;
use crate::store::fold::DatedFact;

/// The facts that answers are read from, by name.
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

impl std::iter::Sum for AnswerTally {
    fn sum<I: Iterator<Item = AnswerTally>>(tallies: I) -> AnswerTally {
        tallies.fold(AnswerTally::default(), |all, tally| AnswerTally {
            answers: all.answers + tally.answers,
            sum: all.sum + tally.sum,
        })
    }
}

/// What a caller had behind them who was asked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Effort {
    /// Their wait for the agent who had them last.
    pub waited: Duration,
    /// How long they were held in all.
    pub held: Duration,
    /// How often they were handed on.
    pub handed_on: u32,
}

/// About how much of one kind of effort a caller had: at most so much, and more than what is told apart below it. The greatest
/// is beyond all of these.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum After {
    Waited(Duration),
    Held(Duration),
    HandedOn(u32),
}

impl After {
    /// The usual target of a queue, a minute, and the legal mark of a long wait.
    const WAITS: [Duration; 3] = [Duration::from_secs(20), Duration::from_secs(60), Duration::from_secs(180)];
    /// Not at all, the longest that practice lets an agent quote, and longer than most may last.
    const HOLDS: [Duration; 3] = [Duration::ZERO, Duration::from_secs(60), Duration::from_secs(180)];
    const HANDOVERS: [u32; 2] = [0, 1];

    /// What there was of each kind.
    fn of(Effort { waited, held, handed_on }: Effort) -> [After; 3] {
        let up_to = |bounds: [Duration; 3], time: Duration| {
            bounds.into_iter().find(|bound| time <= *bound).unwrap_or(Duration::MAX)
        };
        let handed_on = After::HANDOVERS.into_iter().find(|bound| handed_on <= *bound).unwrap_or(u32::MAX);
        [
            After::Waited(up_to(After::WAITS, waited)),
            After::Held(up_to(After::HOLDS, held)),
            After::HandedOn(handed_on),
        ]
    }
}

/// What the answers of many calls came to: by whom they are about, or what the caller had behind them, and the question. An
/// empty name is nobody's.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SurveyReport {
    pub queues: BTreeMap<(Name, Name), AnswerTally>,
    pub agents: BTreeMap<(Name, Name), AnswerTally>,
    pub efforts: BTreeMap<(After, Name), AnswerTally>,
}

impl SurveyReport {
    /// Takes one more answer in, of a caller with so much behind them.
    pub fn apply(&mut self, Answer { question, answer, agent, queue, .. }: &Answer, effort: Effort) {
        let of = |name: &Option<Name>| name.clone().unwrap_or_default();
        self.add(question, *answer, (&of(agent), &of(queue)), effort);
    }

    /// The same, about this agent and queue.
    pub(super) fn add(
        &mut self,
        question: &Name,
        answer: u8,
        (agent, queue): (&Name, &Name),
        effort: Effort,
    ) {
        let of = |name: &Name| (name.clone(), question.clone());
        self.queues.entry(of(queue)).or_default().add(answer);
        self.agents.entry(of(agent)).or_default().add(answer);
        for after in After::of(effort) {
            self.efforts.entry((after, question.clone())).or_default().add(answer);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::base::CallId;
    use crate::base::Timestamp;
    use crate::fact::Fact;
    use crate::fact::HoldEndedBy;
    use crate::fact::Target;
    use crate::fact::TransferKind;
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
        // Whoever is asked in the first call waited, was held, and was handed on.
        let name = |name: &str| name.into();
        let before = [
            What::AgentConnected { agent: name("bob"), waited: Duration::from_secs(30), quote: None },
            What::HoldEnded { agent: name("bob"), held: Duration::from_secs(61), by: HoldEndedBy::Agent },
            What::Transferred {
                from: name("bob"),
                to: Target::Agent(name("alice")),
                kind: TransferKind::Blind,
            },
        ];
        let before = before.into_iter().map(|what| (7, what));
        for (call, what) in before.chain(told) {
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
        let of_efforts = |question: &str| -> Vec<(After, u32)> {
            let asked = report.efforts.iter().filter(|((_, of), _)| **of == *question);
            asked.map(|((after, _), tally)| (*after, tally.answers)).collect()
        };
        let secs = Duration::from_secs;
        let once = [After::Waited(secs(60)), After::Held(secs(180)), After::HandedOn(1)];
        assert_eq!(of_efforts("solved"), once.map(|after| (after, 1)));
        let (none, some) = ([After::Waited(secs(20)), After::Held(secs(0)), After::HandedOn(0)], once);
        let both = none.into_iter().zip(some).flat_map(|(none, some)| [(none, 2), (some, 1)]);
        assert_eq!(of_efforts("satisfied"), both.collect::<Vec<_>>());
        let of_call = answers(&readers.facts(CallId(7)).unwrap());
        assert_eq!(
            of_call.iter().map(|one| (&*one.question, one.answer)).collect::<Vec<_>>(),
            [("satisfied", 5), ("solved", 1)]
        );
        assert_eq!(AnswerTally::default().mean(), None);
    }

    #[test]
    fn how_much_of_an_effort_there_was_is_told_to_its_bound_and_beyond_all_of_them() {
        let secs = Duration::from_secs;
        let of =
            |waited, held, handed_on| After::of(Effort { waited: secs(waited), held: secs(held), handed_on });
        assert_eq!(of(20, 0, 0), [After::Waited(secs(20)), After::Held(secs(0)), After::HandedOn(0)]);
        assert_eq!(of(21, 60, 1), [After::Waited(secs(60)), After::Held(secs(60)), After::HandedOn(1)]);
        let beyond = [After::Waited(Duration::MAX), After::Held(Duration::MAX), After::HandedOn(u32::MAX)];
        assert_eq!(of(181, 181, 2), beyond);
    }
}
