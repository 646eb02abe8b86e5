//! What became of the calls to each number: who needed nobody, who reached a person, who gave up. A fold over the records of
//! calls, from the newest to the oldest.

use std::collections::BTreeMap;
use std::collections::HashMap;
use std::time::Duration;

use rusqlite::Connection;

use crate::base::Name;
use crate::base::WallTime;
use crate::fact::FEATURE_CODE;
use crate::fact::Outcome;
use crate::store::StoreError;
use crate::store::figures::Names;
use crate::store::handling::AGAIN_WITHIN;
use crate::store::handling::Caller;
use crate::store::handling::of_account;
use crate::store::handling::of_number;
use crate::store::read::LONGEST_CALL_US;
use crate::store::words::from_word;

/// A call that was answered, as far as the report looks at it.
#[derive(Clone, Debug, PartialEq)]
struct DialledCall {
    dialled: Name,
    /// Who calls: by account, else by number.
    caller: Option<Caller>,
    arrived: WallTime,
    answered: WallTime,
    /// When it was over, and how; none while it is up.
    end: Option<(WallTime, Outcome)>,
    was_queued: bool,
    /// When the caller came to a queue first; none where they never did, or no row says so.
    queued: Option<WallTime>,
    left_message: bool,
}

impl DialledCall {
    /// How long the caller was in the flow; none where what came after it cannot be told apart.
    fn in_flow(&self) -> Option<Duration> {
        let left = match (self.queued, self.end?) {
            (Some(queued), _) => queued,
            (None, (ended, Outcome::Served | Outcome::LeftInFlow)) if !self.was_queued => ended,
            (None, _) => return None,
        };
        Some(left.since(self.answered))
    }
}

/// What became of the calls to one number. Each is in exactly one of the counts, those who came again among the self-served.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct NumberTally {
    pub calls: u32,
    /// Whom the flow served to its end, and who asked for nobody.
    pub self_served: u32,
    /// Of those, whose caller called the same number again within [`AGAIN_WITHIN`].
    pub came_again: u32,
    /// Who talked with somebody.
    pub person: u32,
    /// Who left a message.
    pub messages: u32,
    /// Who hung up in the flow.
    pub left_in_flow: u32,
    /// Who hung up in a queue.
    pub abandoned: u32,
    /// Who was in a queue and not served.
    pub unserved: u32,
    /// Ended by a failure of ours, or served by another call.
    pub other: u32,
    /// Whose time in the flow is known, and how long they were there, together.
    through: u32,
    in_flow: Duration,
}

impl NumberTally {
    /// The part of the calls that the flow served to its end and whose caller did not come again; none without a call.
    pub fn containment(&self) -> Option<f64> {
        let contained = self.self_served.saturating_sub(self.came_again);
        (self.calls > 0).then(|| f64::from(contained) / f64::from(self.calls))
    }

    /// How long a caller was in the flow, on average.
    pub fn average_in_flow(&self) -> Option<Duration> {
        self.in_flow.checked_div(self.through)
    }

    fn add(&mut self, call: &DialledCall, outcome: Outcome, came_again: bool) {
        self.calls += 1;
        let count = match outcome {
            Outcome::Talked => &mut self.person,
            Outcome::Served if call.left_message => &mut self.messages,
            Outcome::Served if !call.was_queued => {
                self.came_again += u32::from(came_again);
                &mut self.self_served
            }
            Outcome::LeftInFlow => &mut self.left_in_flow,
            Outcome::Abandoned => &mut self.abandoned,
            Outcome::Declined | Outcome::Unserved | Outcome::CallbackFailed => &mut self.unserved,
            Outcome::Served | Outcome::Refused | Outcome::NotReached => &mut self.other,
            Outcome::EndedByOperator | Outcome::Failed => &mut self.other,
        };
        *count += 1;
        if let Some(in_flow) = call.in_flow() {
            self.through += 1;
            self.in_flow += in_flow;
        }
    }
}

/// What became of the calls of a time, by the number that was dialled.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NumberReport(pub BTreeMap<Name, NumberTally>);

/// A report in the making, from the newest call to the oldest: so it is known of each whether its caller came again.
struct NumberFold {
    until: WallTime,
    /// When each caller called each number next. Bounded by the callers of the report's time and of the days after it.
    next: HashMap<(Name, Caller), WallTime>,
    report: NumberReport,
}

impl NumberFold {
    /// Of calls that arrived before `until`; later ones only say who came again.
    fn new(until: WallTime) -> NumberFold {
        NumberFold { until, next: HashMap::new(), report: NumberReport::default() }
    }

    /// Takes in a call that arrived before all that were taken in.
    fn add(&mut self, call: &DialledCall) {
        let next = call.caller.and_then(|who| self.next.insert((call.dialled.clone(), who), call.arrived));
        if let Some((ended, outcome)) = call.end
            && call.arrived < self.until
        {
            let came_again = next.is_some_and(|next| next <= ended + AGAIN_WITHIN);
            self.report.0.entry(call.dialled.clone()).or_default().add(call, outcome, came_again);
        }
    }
}

/// What became of the calls that arrived from then on and before then.
pub(super) fn report(
    connection: &Connection,
    from: WallTime,
    until: WallTime,
) -> Result<NumberReport, StoreError> {
    let (mut fold, mut names) = (NumberFold::new(until), Names::default());
    let mut statement = connection.prepare(
        "SELECT arrived_us, answered_us, ended_us, dialled, caller, outcome, queue IS NOT NULL, customer, \
         (SELECT at_us FROM visits WHERE call = calls.id AND place = 1), EXISTS (SELECT 1 FROM messages WHERE call = calls.id), \
         answered_us IS NOT NULL AND direction = 'inbound' AND cause <> ?1 FROM calls ORDER BY id DESC",
    )?;
    let mut rows = statement.query([FEATURE_CODE])?;
    while let Some(row) = rows.next()? {
        let arrived = WallTime(row.get(0)?);
        // Ids ascend with time, but for a clock that was set back.
        if arrived.0 < from.0.saturating_sub(LONGEST_CALL_US) {
            break;
        }
        let counts: bool = row.get(10)?;
        if !counts || arrived < from {
            continue;
        }
        let outcome = row.get::<_, Option<String>>(5)?.as_deref().and_then(from_word);
        let number = row.get_ref(4)?.as_str().unwrap_or_default();
        let account = row.get_ref(7)?.as_str().ok();
        fold.add(&DialledCall {
            dialled: names.at(row, 3)?,
            caller: account.map(of_account).or_else(|| of_number(number)),
            arrived,
            answered: WallTime(row.get(1)?),
            end: row.get::<_, Option<i64>>(2)?.map(WallTime).zip(outcome),
            was_queued: row.get(6)?,
            queued: row.get::<_, Option<i64>>(8)?.map(WallTime),
            left_message: row.get(9)?,
        });
    }
    Ok(fold.report)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::CallId;
    use crate::base::Timestamp;
    use crate::fact::Fact;
    use crate::fact::IdentifiedBy;
    use crate::fact::Party;
    use crate::fact::Target;
    use crate::fact::What;
    use crate::store::HistoryWriter;
    use crate::store::Store;
    use crate::store::sample;

    const MINUTE: u64 = 60;
    const DAY: u64 = 24 * 60 * MINUTE;

    /// A history of calls: when each came in seconds after the start, from whom, to which number, what happened to it and how
    /// it ended after a minute.
    fn told(calls: &[(u64, &str, &str, &[What], Outcome)]) -> (tempfile::TempDir, Store) {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path()).unwrap();
        let history = HistoryWriter::start(&store, sample::STARTED).unwrap();
        for (id, (at, from, to, what, outcome)) in (1..).zip(calls) {
            let fact = |secs, what| {
                history.record(Fact { at: Timestamp::from_secs(at + secs), call: Some(CallId(id)), what })
            };
            let (from, to) = ((*from).to_owned(), (*to).into());
            let (display, sip_call_id, source) = (String::new(), format!("{id}@here"), String::new());
            fact(0, What::CallArrived { from, display, to, sip_call_id, source, trunk: None });
            fact(0, What::CallAnswered);
            what.iter().for_each(|what| fact(20, what.clone()));
            fact(
                MINUTE,
                What::CallEnded {
                    by: Party::Caller,
                    outcome: *outcome,
                    cause: String::new(),
                    by_person: None,
                },
            );
        }
        history.flush();
        drop(history);
        (folder, store)
    }

    fn enqueued() -> What {
        What::Enqueued { queue: "billing".into(), needs: Vec::new(), priority: 0, waiting: 0 }
    }

    fn identified(account: &str) -> What {
        What::Identified { customer: account.into(), name: "Ann".into(), by: IdentifiedBy::Account }
    }

    fn report(store: &Store, days: u64) -> NumberReport {
        let until = sample::STARTED + Duration::from_secs(days * DAY);
        store.readers().unwrap().number_report(sample::STARTED, until).unwrap()
    }

    const ANN: &str = "+12025550143";

    #[test]
    fn every_call_is_in_one_count_of_its_number() {
        let message = [sample::message_left("billing", 1)];
        let unheard = [enqueued(), sample::message_left("billing", 1)];
        let (_folder, store) = told(&[
            (0, "", "1000", &[], Outcome::Served),
            (1, "", "1000", &[enqueued()], Outcome::Talked),
            (2, "", "1000", &message, Outcome::Served),
            (3, "", "1000", &unheard, Outcome::Served),
            (4, "", "1000", &[], Outcome::LeftInFlow),
            (5, "", "1000", &[enqueued()], Outcome::Abandoned),
            (6, "", "1000", &[enqueued()], Outcome::Unserved),
            (7, "", "1000", &[enqueued()], Outcome::Declined),
            (8, "", "1000", &[], Outcome::Failed),
            // Served by another call of theirs.
            (9, "", "1000", &[enqueued()], Outcome::Served),
            (10, "", "9000", &[], Outcome::LeftInFlow),
        ]);
        let report = report(&store, 1);
        let main = report.0["1000"];
        let counts = [
            main.self_served,
            main.person,
            main.messages,
            main.left_in_flow,
            main.abandoned,
            main.unserved,
            main.other,
        ];
        assert_eq!(counts, [1, 1, 2, 1, 1, 2, 2]);
        assert_eq!((main.calls, counts.iter().sum::<u32>()), (10, 10));
        assert_eq!(main.containment(), Some(0.1));
        // Three were in the flow for a minute, six until they came to a queue after 20 s.
        assert_eq!(main.average_in_flow(), Some(Duration::from_secs(3 * 60 + 6 * 20) / 9));
        assert_eq!((report.0.len(), report.0["9000"].calls), (2, 1));
        assert_eq!(NumberTally::default().containment(), None);
    }

    #[test]
    fn who_calls_the_same_number_again_in_seven_days_was_not_helped_by_the_flow() {
        let again = |from: &'static str, after: u64, to: &'static str| {
            let calls = [
                (0, from, "1000", &[][..], Outcome::Served),
                (after, from, to, &[][..], Outcome::LeftInFlow),
            ];
            let (_folder, store) = told(&calls);
            report(&store, 1).0["1000"].came_again
        };
        assert_eq!(again(ANN, MINUTE + 7 * DAY, "1000"), 1);
        assert_eq!(again(ANN, MINUTE + 7 * DAY + 1, "1000"), 0);
        assert_eq!(again(ANN, 2 * MINUTE, "1001"), 0, "about something else");
        assert_eq!(again("", 2 * MINUTE, "1000"), 0, "nobody knows");
        assert_eq!(again("201", 2 * MINUTE, "1000"), 0, "an extension is many people's");
    }

    #[test]
    fn whose_account_is_known_has_come_again_from_whatever_number() {
        let elsewhere = "+12025550199";
        let (_folder, store) = told(&[
            (0, ANN, "1000", &[identified("100200")], Outcome::Served),
            (DAY, elsewhere, "1000", &[identified("100200")], Outcome::Talked),
            (DAY + 1, ANN, "1000", &[identified("100300")], Outcome::Served),
        ]);
        let main = report(&store, 2).0["1000"];
        assert_eq!((main.self_served, main.came_again, main.containment()), (2, 1, Some(1.0 / 3.0)));
    }

    #[test]
    fn feature_codes_calls_of_agents_and_calls_that_are_up_are_in_no_count() {
        let (_folder, store) = told(&[(0, ANN, "1000", &[], Outcome::Served)]);
        let history = HistoryWriter::start(&store, sample::STARTED).unwrap();
        let tell = |call, what| {
            history.record(Fact { at: Timestamp::from_secs(DAY), call: Some(CallId(call)), what });
        };
        let arrived = |to: &str| What::CallArrived {
            from: ANN.into(),
            display: String::new(),
            to: to.into(),
            sip_call_id: String::new(),
            source: String::new(),
            trunk: None,
        };
        let ended = |cause: &str| What::CallEnded {
            by: Party::Server,
            outcome: Outcome::Served,
            cause: cause.into(),
            by_person: None,
        };
        tell(2, arrived("*51"));
        tell(2, What::CallAnswered);
        tell(2, ended("feature code"));
        let to = Target::Number("1000".into());
        tell(
            3,
            What::CallPlaced {
                agent: "alice".into(),
                to,
                queue: "billing".into(),
                trunk: None,
                caller_id: None,
            },
        );
        tell(3, ended(""));
        tell(4, arrived("1000"));
        tell(4, What::CallAnswered);
        history.flush();
        let report = report(&store, 2);
        assert_eq!(report.0.keys().map(|name| &**name).collect::<Vec<_>>(), ["1000"]);
        let main = report.0["1000"];
        assert_eq!((main.calls, main.came_again), (1, 1), "who is on the line again has come again");
    }
}
