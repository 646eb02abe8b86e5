//! A day whose figures are counted as it is made up, against those of its facts.

use super::*;
use crate::base::CallId;
use crate::base::Entropy;
use crate::base::Timestamp;
use crate::base::WallTime;
use crate::fact::BriefingNote;
use crate::fact::ConsultEnd;
use crate::fact::Fact;
use crate::fact::HoldBy;
use crate::fact::Outcome;
use crate::fact::note::Identity;
use crate::fact::note::Mood;
use crate::store::HistoryWriter;
use crate::store::Readers;
use crate::store::Store;
use crate::store::SurveyReport;
use crate::store::sample;
use crate::store::surveys;

const AGENTS: [&str; 3] = ["alice", "bob", "carol"];
const QUEUES: [&str; 2] = ["billing", "sales"];

/// A day in the making: what is told, and what it should come to.
struct Day {
    chance: Entropy,
    at: Timestamp,
    call: CallId,
    facts: Vec<Fact>,
    expected: TalkReport,
}

impl Day {
    fn new(seed: u64) -> Day {
        Day {
            chance: Entropy::seeded(seed),
            at: Timestamp::ZERO,
            call: CallId(0),
            facts: Vec::new(),
            expected: TalkReport::default(),
        }
    }

    fn tell(&mut self, what: What) {
        self.at += Duration::from_millis(10);
        self.facts.push(Fact { at: self.at, call: Some(self.call), what });
    }

    fn one_of(&mut self, names: &[&'static str]) -> &'static str {
        names[self.chance.below(names.len() as u64) as usize]
    }

    fn count(&mut self, queue: &str, agent: &str, count: impl Fn(&mut HoldTally)) {
        count(self.expected.queues.entry(queue.into()).or_default());
        count(self.expected.agents.entry(agent.into()).or_default());
    }

    fn path(&mut self, queue: &str, from: &str, to: Target) -> &mut PathTally {
        let path = Path { queue: queue.into(), from: from.into(), to };
        self.expected.paths.entry(path).or_default()
    }

    /// A hold as the machine tells it; whether the caller hung up in it.
    fn hold(&mut self, queue: &str, agent: &'static str) -> bool {
        let (name, quote): (Name, _) = (agent.into(), Duration::from_secs(60));
        let way = match self.chance.below(3) {
            0 => HoldWay::Verbal,
            1 => HoldWay::Prompted,
            _ => HoldWay::Override,
        };
        self.tell(What::HoldAsked { agent: name.clone(), reason: "the invoice".to_owned(), quote, way });
        let by = if way == HoldWay::Override {
            self.count(queue, agent, |tally| tally.overridden += 1);
            HoldBy::Override
        } else {
            let answer = [HoldAnswer::Yes, HoldAnswer::No, HoldAnswer::Silent][self.chance.below(3) as usize];
            self.tell(What::HoldAnswered { agent: name.clone(), answer });
            if answer != HoldAnswer::Yes {
                self.count(queue, agent, |tally| tally.refused += 1);
                return false;
            }
            HoldBy::Caller
        };
        let (began, mut until) = (self.at, self.at + quote);
        self.tell(What::HoldStarted { agent: name.clone(), reason: "the invoice".to_owned(), until, by });
        let more = self.chance.below(3) == 0;
        if more {
            self.at += Duration::from_secs(50);
            until = self.at + quote;
            self.tell(What::HoldRequoted { agent: name.clone(), until });
        }
        self.at += Duration::from_millis(self.chance.below(120_000));
        let held = self.at.since(began);
        let leaves = self.chance.below(4) == 0;
        let by = if leaves { HoldEndedBy::Left } else { HoldEndedBy::Agent };
        self.tell(What::HoldEnded { agent: name, held, by });
        let told = until.since(began);
        self.count(queue, agent, |tally| {
            tally.held += 1;
            tally.total += held;
            tally.longest = tally.longest.max(held);
            tally.late += u32::from(held > told);
            tally.abandoned += u32::from(leaves);
        });
        leaves
    }

    fn note(&self, author: &str) -> Box<BriefingNote> {
        let (issue, wants, text) = ("leak".to_owned(), "a visit".to_owned(), String::new);
        let (identity, written) = (Identity::default(), WallTime(0));
        let (mood, collected, author) = (Mood::Calm, Vec::new(), author.into());
        let (tried, promises) = (text(), text());
        Box::new(BriefingNote { issue, tried, wants, mood, promises, identity, collected, author, written })
    }

    /// Somebody else has the caller afterwards; who, and whether it was by a blind transfer to a queue.
    fn hand_on(&mut self, queue: &mut &'static str, from: &'static str) -> &'static str {
        let others: Vec<&'static str> = AGENTS.into_iter().filter(|name| *name != from).collect();
        let to = self.one_of(&others);
        let talked = |agent: &str| What::TalkEnded {
            agent: agent.into(),
            talked: Duration::from_secs(9),
            by: Party::Agent,
        };
        if self.chance.below(3) == 0 {
            let next = self.one_of(&QUEUES);
            let target = Target::Queue(next.into());
            self.tell(talked(from));
            let (kind, came_by) = (TransferKind::Blind, *queue);
            self.tell(What::Transferred { from: from.into(), to: target.clone(), kind });
            self.path(came_by, from, target.clone()).blind += 1;
            self.enqueued(next);
            *queue = next;
            self.connected(to);
            if self.repeats(to) {
                self.path(came_by, from, target).repeats += 1;
            }
            return to;
        }
        // Asked of a queue or of one agent; somebody may have declined before.
        let target = match self.chance.below(2) {
            0 => Target::Agent(to.into()),
            _ => Target::Queue(self.one_of(&QUEUES).into()),
        };
        let note = self.note(from);
        if self.chance.below(2) == 0 {
            self.tell(What::ConsultStarted {
                agent: from.into(),
                target: target.clone(),
                note: note.clone(),
            });
            self.tell(What::ConsultRinging { agent: to.into() });
            self.tell(What::ConsultEnded { cause: ConsultEnd::Declined });
        }
        self.tell(What::ConsultStarted { agent: from.into(), target: target.clone(), note });
        self.tell(What::ConsultRinging { agent: to.into() });
        self.tell(What::NoteAcknowledged { by: to.into() });
        let before = self.repeats(to);
        self.tell(talked(from));
        let kind = TransferKind::Warm;
        self.tell(What::Transferred { from: from.into(), to: Target::Agent(to.into()), kind });
        let after = self.repeats(to);
        let tally = self.path(queue, from, target);
        tally.warm += 1;
        tally.repeats += u32::from(before) + u32::from(after);
        to
    }

    fn repeats(&mut self, agent: &str) -> bool {
        let repeats = self.chance.below(3) == 0;
        if repeats {
            self.tell(What::HadToRepeat { agent: agent.into(), why: "the address".to_owned() });
        }
        repeats
    }

    fn enqueued(&mut self, queue: &str) {
        self.tell(What::Enqueued { queue: queue.into(), needs: Vec::new(), priority: 0, waiting: 0 });
    }

    fn connected(&mut self, agent: &str) {
        let waited = Duration::from_secs(self.chance.below(240));
        self.tell(What::AgentConnected { agent: agent.into(), waited, quote: None });
    }

    fn call(&mut self) {
        self.call = CallId(self.call.0 + 1);
        let mut facts = sample::short_call(self.call.0);
        facts.truncate(2);
        let began = facts.into_iter().map(|fact| fact.what);
        began.for_each(|what| self.tell(what));
        let (mut queue, mut agent) = (self.one_of(&QUEUES), self.one_of(&AGENTS));
        self.enqueued(queue);
        self.connected(agent);
        let mut hung_up = false;
        for _ in 0..self.chance.below(5) {
            if self.chance.below(2) == 0 {
                hung_up = self.hold(queue, agent);
            } else {
                agent = self.hand_on(&mut queue, agent);
            }
            if hung_up {
                break;
            }
        }
        let by = if hung_up || self.chance.below(2) == 0 { Party::Caller } else { Party::Agent };
        self.tell(What::TalkEnded { agent: agent.into(), talked: Duration::from_secs(60), by });
        let (outcome, cause) = (Outcome::Talked, "BYE".to_owned());
        self.tell(What::CallEnded { by, outcome, cause, by_person: None });
    }
}

#[test]
fn the_facts_of_a_day_give_exactly_its_figures() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path()).unwrap();
    let history = HistoryWriter::start(&store, sample::STARTED).unwrap();
    let mut day = Day::new(7);
    for _ in 0..400 {
        day.call();
    }
    let until = sample::STARTED + Duration::from_micros(day.at.0 + 1);
    // Of a call that arrives later nothing is in the report.
    let expected = day.expected.clone();
    for _ in 0..10 {
        day.call();
    }
    day.facts.iter().for_each(|fact| history.record(fact.clone()));
    history.flush();
    let readers = store.readers().unwrap();
    let report = readers.talk_report(sample::STARTED, until).unwrap();
    assert_eq!(report, expected);
    let of_agents = report.agents.values().fold(HoldTally::default(), |mut sum, tally| {
        sum.add(tally);
        sum
    });
    for (count, what) in [
        (of_agents.held, "held"),
        (of_agents.late, "late"),
        (of_agents.held - of_agents.late, "in time"),
        (of_agents.refused, "refused"),
        (of_agents.overridden, "overridden"),
        (of_agents.abandoned, "abandoned"),
        (report.paths.values().map(|tally| tally.warm).sum(), "warm"),
        (report.paths.values().map(|tally| tally.blind).sum(), "blind"),
        (report.paths.values().map(|tally| tally.repeats).sum(), "repeats"),
    ] {
        assert!(count >= 10, "only {count} {what}: the day shows little");
    }
    let whole = readers.talk_report(sample::STARTED, WallTime(i64::MAX)).unwrap();
    assert_eq!(whole, day.expected);
}

#[test]
fn what_a_full_disk_has_cost_is_in_no_row() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path()).unwrap();
    let history = HistoryWriter::start(&store, sample::STARTED).unwrap();
    let mut day = Day::new(3);
    for _ in 0..40 {
        day.call();
    }
    // The second third is refused, in the midst of a call or not.
    for (third, facts) in day.facts.chunks(day.facts.len().div_ceil(3)).enumerate() {
        let (full, empty) =
            ("ALTER TABLE facts RENAME TO elsewhere", "ALTER TABLE elsewhere RENAME TO facts");
        let is_full = third == 1;
        if is_full {
            store.connection().execute_batch(full).unwrap();
        }
        facts.iter().for_each(|fact| history.record(fact.clone()));
        history.flush();
        if is_full {
            store.connection().execute_batch(empty).unwrap();
        }
    }
    assert!(history.lost() > 0);
    let (readers, until) = (store.readers().unwrap(), WallTime(i64::MAX));
    let rows = readers.talk_report(sample::STARTED, until).unwrap();
    assert_eq!(rows, of_facts(&readers, day.call.0, until).0);
    assert!(rows != day.expected && !rows.paths.is_empty());
}

#[test]
fn a_call_s_own_holds_are_the_sum_over_its_agents() {
    let (agent, reason): (fn(&str) -> Name, _) = (|name| name.into(), || "why".to_owned());
    let started = |name| What::HoldStarted {
        agent: agent(name),
        reason: reason(),
        until: Timestamp::ZERO,
        by: HoldBy::Caller,
    };
    let ended = |name, secs| What::HoldEnded {
        agent: agent(name),
        held: Duration::from_secs(secs),
        by: HoldEndedBy::Agent,
    };
    let told = [started("alice"), ended("alice", 20), started("bob"), ended("bob", 30), started("bob")];
    let dated = |what| DatedFact {
        wall: WallTime(0),
        fact: Fact { at: Timestamp::ZERO, call: Some(CallId(7)), what },
    };
    let facts: Vec<DatedFact> = told.into_iter().map(dated).collect();
    let expected = HoldTally {
        held: 3,
        total: Duration::from_secs(50),
        longest: Duration::from_secs(30),
        ..HoldTally::default()
    };
    assert_eq!(TalkFold::of(&facts).holds(), expected);
}

/// What all the facts in the file come to of calls that arrived before then.
fn of_facts(readers: &Readers, calls: u64, until: WallTime) -> (TalkReport, SurveyReport) {
    let (mut talks, mut answers) = (TalkReport::default(), SurveyReport::default());
    for call in (1..=calls).map(CallId) {
        if readers.call(call).unwrap().is_some_and(|record| record.arrived < until) {
            let facts = readers.facts(call).unwrap();
            let fold = TalkFold::of(&facts);
            talks.add(&fold);
            let waited = readers.call(call).unwrap().and_then(|record| record.waited).unwrap_or_default();
            let effort = fold.effort(waited);
            surveys::answers(&facts).iter().for_each(|answer| answers.apply(answer, effort));
        }
    }
    (talks, answers)
}

#[test]
fn rows_come_to_what_their_facts_come_to_over_restarts_and_where_they_are_made_later() {
    for seed in 0..20 {
        let mut day = Day::new(seed);
        for _ in 0..25 {
            day.call();
            if day.chance.below(2) == 0 {
                let agent = day.one_of(&AGENTS);
                let question = day.one_of(&["satisfied", "solved"]);
                let answer = 1 + day.chance.below(5) as u8;
                day.tell(sample::survey_answered(question, answer, agent));
            }
        }
        // Killed in the midst of a call, which goes on in the next run, as one does whose place was kept.
        let killed = day.chance.below(day.facts.len() as u64) as usize;
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path()).unwrap();
        let began = Duration::from_micros(day.facts[killed].at.0);
        for (run, since) in [(&day.facts[..killed], Duration::ZERO), (&day.facts[killed..], began)] {
            let history = HistoryWriter::start(&store, sample::STARTED + since).unwrap();
            for fact in run.iter().cloned() {
                history.record(Fact { at: Timestamp::ZERO + fact.at.since(Timestamp::ZERO + since), ..fact });
                if day.chance.below(30) == 0 {
                    history.flush();
                }
            }
            history.close();
        }
        let readers = store.readers().unwrap();
        let later = sample::STARTED + Duration::from_micros(day.at.0 * 2 / 3);
        let check = |what: &str| {
            for until in [later, WallTime(i64::MAX)] {
                let from = sample::STARTED;
                let rows =
                    (readers.talk_report(from, until).unwrap(), readers.survey_report(from, until).unwrap());
                assert_eq!(rows, of_facts(&readers, day.call.0, until), "{what}, seed {seed}");
            }
        };
        check("written with the facts");
        let connection = rusqlite::Connection::open(folder.path().join(crate::store::FILE)).unwrap();
        let rows = || -> i64 {
            let count = "SELECT (SELECT count(*) FROM holds) * (SELECT count(*) FROM handovers) * (SELECT count(*) FROM answers)";
            connection.query_row(count, [], |row| row.get(0)).unwrap()
        };
        assert!(rows() > 0, "a day in which nobody is held, handed on or asked shows nothing");
        // A file of an earlier version: its facts are read, until the next start has made the rows.
        let emptied = "DELETE FROM holds; DELETE FROM handovers; DELETE FROM answers; DELETE FROM seeded WHERE what LIKE 'figures%'";
        connection.execute_batch(emptied).unwrap();
        check("not made yet");
        assert_eq!(rows(), 0);
        HistoryWriter::start(&store, sample::STARTED).unwrap().close();
        check("made later");
        assert!(rows() > 0);
    }
}
