//! Calls whose rules are judged as they are made up, against those of their facts; and sheets as people fill them in.

use std::time::Duration;

use super::*;
use crate::base::Entropy;
use crate::base::Timestamp;
use crate::fact::AgentMethod;
use crate::fact::AgentVerification;
use crate::fact::Fact;
use crate::fact::HoldBy;
use crate::fact::HoldEndedBy;
use crate::fact::MissedWhy;
use crate::fact::NeedFact;
use crate::fact::Party;
use crate::fact::PromiseKind;
use crate::fact::Resolution;
use crate::fact::Target;
use crate::fact::TransferKind;
use crate::fact::Verification;
use crate::fact::What;
use crate::fact::Why;
use crate::fact::evaluation::Item;
use crate::store::HistoryWriter;
use crate::store::sample;

const AGENTS: [&str; 3] = ["alice", "bob", "carol"];

/// A call in the making: what is told, and what speaks for and against each agent by each rule.
pub(in crate::store) struct Script {
    chance: Entropy,
    at: Timestamp,
    pub facts: Vec<Fact>,
    expected: BTreeMap<(&'static str, Rule), (u32, u32)>,
    /// Whether who calls is proven, by a flow or an agent who found it fitting.
    proven: bool,
}

impl Script {
    /// A caller who waits for alice from then on, and talks with up to three agents after each other.
    pub fn of(seed: u64, at: Timestamp) -> Script {
        let (expected, facts) = Default::default();
        let chance = Entropy::seeded(seed);
        let mut script = Script { chance, at, facts, expected, proven: false };
        if script.one_in(3) {
            let passed = script.one_in(2);
            let result = if passed { Verification::VerifiedByPin } else { Verification::Failed };
            script.tell(What::VerificationEnded { result });
            script.proven = passed;
        }
        script.joins("billing");
        script.rings("alice");
        let mut agent = "alice";
        while let Some(next) = script.talks(agent) {
            agent = next;
        }
        script
    }

    fn one_in(&mut self, many: u64) -> bool {
        self.chance.below(many) == 0
    }

    fn tell(&mut self, what: What) {
        self.at += Duration::from_secs(1);
        self.facts.push(Fact { at: self.at, call: Some(CallId(7)), what });
    }

    fn count(&mut self, agent: &'static str, rule: Rule, is_good: bool) {
        let (good, bad) = self.expected.entry((agent, rule)).or_default();
        *(if is_good { good } else { bad }) += 1;
    }

    fn joins(&mut self, queue: &str) {
        let needs: Vec<NeedFact> = Vec::new();
        self.tell(What::Enqueued { queue: queue.into(), needs, priority: 0, waiting: 1 });
    }

    fn rings(&mut self, agent: &'static str) {
        while self.one_in(3) {
            self.tell(What::AgentRinging { agent: agent.into(), attempt: 1, why: Why::default() });
            let why = if self.one_in(2) { MissedWhy::NoAnswer } else { MissedWhy::Withdrawn };
            self.tell(What::AgentMissed { agent: agent.into(), why });
            if why == MissedWhy::NoAnswer {
                self.count(agent, Rule::PickedUp, false);
            }
        }
        self.tell(What::AgentConnected { agent: agent.into(), waited: Duration::ZERO, quote: None });
        self.count(agent, Rule::PickedUp, true);
    }

    /// A whole talk; to whom the caller is handed on.
    fn talks(&mut self, agent: &'static str) -> Option<&'static str> {
        let mut asked = false;
        if self.one_in(3) {
            let passed = self.one_in(2);
            let method = AgentMethod::Document;
            self.tell(What::AgentVerified(AgentVerification { agent: agent.into(), method, passed }));
            (asked, self.proven) = (true, self.proven || passed);
        }
        for _ in 0..self.chance.below(3) {
            self.holds(agent);
        }
        let is_verified = asked || self.proven;
        self.count(agent, Rule::VerifiedTheCaller, is_verified);
        let next = AGENTS.iter().position(|name| *name == agent).and_then(|place| AGENTS.get(place + 1));
        let next = next.filter(|_| self.one_in(2)).copied();
        match next {
            Some(next) => self.hands_on(agent, next),
            None => {
                let talked = Duration::from_secs(60);
                self.tell(What::TalkEnded { agent: agent.into(), talked, by: Party::Caller });
            }
        }
        self.says(agent, next.is_none());
        next
    }

    fn holds(&mut self, agent: &'static str) {
        let name: Name = agent.into();
        let by = if self.one_in(3) { HoldBy::Override } else { HoldBy::Caller };
        let until = |script: &Script, secs: u64| script.at + Duration::from_secs(secs);
        let told = until(self, 10);
        self.tell(What::HoldStarted { agent: name.clone(), reason: "it".to_owned(), until: told, by });
        self.count(agent, Rule::AskedBeforeHold, by == HoldBy::Caller);
        let is_late = self.one_in(3);
        if self.one_in(3) {
            let told = until(self, 20);
            self.tell(What::HoldRequoted { agent: name.clone(), until: told });
            self.at += Duration::from_secs(5);
        }
        self.at += Duration::from_secs(if is_late { 40 } else { 2 });
        let ended = if self.one_in(4) { HoldEndedBy::Cap } else { HoldEndedBy::Agent };
        self.tell(What::HoldEnded { agent: name, held: Duration::from_secs(9), by: ended });
        self.count(agent, Rule::HeldAsTold, !is_late);
        self.count(agent, Rule::HeldWithinTheCap, ended != HoldEndedBy::Cap);
    }

    fn hands_on(&mut self, agent: &'static str, next: &'static str) {
        let kind = if self.one_in(2) { TransferKind::Warm } else { TransferKind::Blind };
        self.tell(What::Transferred { from: agent.into(), to: Target::Agent(next.into()), kind });
        self.count(agent, Rule::BriefedBeforeTransfer, kind == TransferKind::Warm);
        self.count(agent, Rule::NothingToldTwice, true);
        if self.one_in(3) {
            self.tell(What::HadToRepeat { agent: next.into(), why: "the address".to_owned() });
            self.count(agent, Rule::NothingToldTwice, false);
        }
    }

    /// What came of it, says the agent; whoever had the caller last is asked for it.
    fn says(&mut self, agent: &'static str, was_last: bool) {
        let words = String::new;
        if self.one_in(3) {
            if was_last {
                self.count(agent, Rule::OutcomeGiven, false);
            }
            return;
        }
        let outcomes =
            [Resolution::Resolved, Resolution::Promised, Resolution::NotResolved, Resolution::Escalated];
        let outcome = outcomes[self.chance.below(4) as usize];
        self.tell(What::OutcomeSet { agent: agent.into(), outcome, reason_code: words(), note: words() });
        self.count(agent, Rule::OutcomeGiven, true);
        let promises = self.one_in(2);
        if promises {
            let promise = PromiseKind::Callback;
            let due = WallTime(0);
            let (agent, to) = (agent.into(), Box::default());
            self.tell(What::PromiseMade { id: None, agent, promise, due, words: words(), to });
        }
        if matches!(outcome, Resolution::Promised | Resolution::NotResolved) {
            self.count(agent, Rule::PromisedWhatIsOpen, promises);
        }
    }
}

#[test]
fn what_facts_fill_in_is_what_was_told_of_each_agent() {
    let mut seen: BTreeMap<(Rule, &str), u32> = BTreeMap::new();
    for seed in 0..500 {
        let script = Script::of(seed, Timestamp::ZERO);
        let facts = sample::dated(script.facts);
        let talked = judge::talked(&facts);
        for agent in AGENTS.into_iter().filter(|agent| talked.contains(&Name::from(*agent))) {
            for rule in Rule::ALL {
                let judged = judge::judge(rule, agent, &facts);
                let expected = match script.expected.get(&(agent, rule)) {
                    None => Verdict::NotApplicable,
                    Some((_, 0)) => Verdict::Met,
                    Some(_) => Verdict::NotMet,
                };
                assert_eq!(judged.verdict, expected, "seed {seed}, {agent}, {rule}: {facts:#?}");
                let decided = !judged.facts.is_empty();
                assert_eq!(decided, expected != Verdict::NotApplicable, "{rule} says by which facts");
                let word = match expected {
                    Verdict::Met => "met",
                    Verdict::NotMet => "not met",
                    Verdict::NotApplicable => "neither",
                };
                *seen.entry((rule, word)).or_default() += 1;
            }
        }
    }
    for rule in Rule::ALL {
        assert!(["met", "not met"].iter().all(|word| seen.contains_key(&(rule, word))), "{rule}: {seen:?}");
    }
}

fn form() -> Form {
    let hand = |name: &str, points| Item {
        name: name.into(),
        filled: FilledBy::Hand { question: format!("{name}?") },
        points,
    };
    let facts = |name: &str, rule, queues: &[&str]| Item {
        name: name.into(),
        filled: FilledBy::Facts { rule, queues: queues.iter().map(|queue| (*queue).into()).collect() },
        points: 2,
    };
    let items = vec![
        hand("greeted", 1),
        hand("listened", 5),
        facts("picked", Rule::PickedUp, &[]),
        facts("outcome", Rule::OutcomeGiven, &["billing"]),
        facts("elsewhere", Rule::OutcomeGiven, &["sales"]),
    ];
    Form { name: "talk".into(), items, sample: None }
}

/// The form of bob's talk in the sample's call.
fn filled() -> Vec<FilledItem> {
    fill(&form(), "bob", &sample::dated(sample::whole_call(7)), &TimeZone::UTC)
}

fn answers(of: &[(&str, Option<u32>)], disputes: &[(&str, &str)]) -> Answers {
    Answers {
        answers: of.iter().map(|(name, got)| (Name::from(*name), *got)).collect(),
        disputes: disputes.iter().map(|(name, why)| (Name::from(*name), (*why).to_owned())).collect(),
        ..Answers::default()
    }
}

#[test]
fn what_is_disputed_stays_as_the_facts_filled_it_in() {
    let said = answers(&[("greeted", Some(1)), ("listened", Some(3))], &[("outcome", "said on the line")]);
    let sheet = Sheet::of(filled(), said).unwrap();
    let item = |name: &str| sheet.items.iter().find(|item| *item.name == *name).unwrap().clone();
    let Filled::Facts { verdict, from, disputed, .. } = item("outcome").filled else { panic!("by hand") };
    assert_eq!((verdict, item("outcome").got), (Verdict::NotMet, Some(0)));
    assert_eq!(disputed.as_deref(), Some("said on the line"));
    assert_eq!(
        from,
        [Moment { after_s: 108.4, words: "talk with bob over after 1 min 5 s, the caller hung up".into() }]
    );
    let Filled::Facts { verdict, .. } = item("elsewhere").filled else { panic!("by hand") };
    assert_eq!((verdict, item("elsewhere").got), (Verdict::NotApplicable, None), "no call of that queue");
    assert_eq!(sheet.points(), (1 + 3 + 2, 1 + 5 + 2 + 2));
}

#[test]
fn what_nobody_may_say_is_refused() {
    let all = [("greeted", None), ("listened", Some(5))];
    let long = "x".repeat(LONGEST_WORDS + 1);
    for (said, refused) in [
        (answers(&all[..1], &[]), AnswerError::Missing("listened".into())),
        (
            answers(&[all[0], ("listened", Some(6))], &[]),
            AnswerError::TooMany { name: "listened".into(), most: 5, got: 6 },
        ),
        (answers(&[all[0], all[1], ("picked", Some(2))], &[]), AnswerError::Facts("picked".into())),
        (answers(&[all[0], all[1], ("pikced", Some(2))], &[]), AnswerError::Unknown("pikced".into())),
        (answers(&all, &[("nothing", "x")]), AnswerError::Unknown("nothing".into())),
        (answers(&all, &[("greeted", "x")]), AnswerError::Own("greeted".into())),
        (answers(&all, &[("picked", " ")]), AnswerError::NoReason("picked".into())),
        (
            answers(&all, &[("picked", &long)]),
            AnswerError::Long { got: LONGEST_WORDS + 1, most: LONGEST_WORDS },
        ),
        (
            Answers { strengths: "x".repeat(LONGEST_TEXT + 1), ..answers(&all, &[]) },
            AnswerError::Long { got: LONGEST_TEXT + 1, most: LONGEST_TEXT },
        ),
        (
            Answers {
                comments: vec![Comment { at_s: 1, words: String::new() }; MOST_COMMENTS + 1],
                ..answers(&all, &[])
            },
            AnswerError::ManyComments(MOST_COMMENTS + 1),
        ),
    ] {
        assert_eq!(Sheet::of(filled(), said), Err(refused));
    }
}

#[test]
fn evaluations_are_kept_summed_and_drawn_for() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path()).unwrap();
    let history = HistoryWriter::start(&store, sample::STARTED).unwrap();
    sample::whole_call(7).into_iter().for_each(|fact| history.record(fact));
    history.close();
    let readers = store.readers().unwrap();
    let until = sample::STARTED + Duration::from_secs(3_600);
    let said = answers(&[("greeted", Some(1)), ("listened", Some(3))], &[]);
    let sheet = Sheet::of(filled(), said).unwrap();
    let (agent, form_name): (Name, Name) = ("bob".into(), "talk".into());
    let evaluation = Evaluation {
        call: CallId(7),
        agent: agent.clone(),
        form: form_name.clone(),
        by: Some("sam".into()),
        at: until,
        read: None,
        sheet,
    };
    store.put_evaluation(&evaluation).unwrap();
    assert_eq!(readers.evaluations_of(CallId(7)).unwrap(), std::slice::from_ref(&evaluation));
    assert!(store.evaluation_read(CallId(7), "bob", "talk", until).unwrap());
    assert!(!store.evaluation_read(CallId(7), "alice", "talk", until).unwrap());
    let read = readers.evaluation(CallId(7), "bob", "talk").unwrap().unwrap();
    assert_eq!(read, Evaluation { read: Some(until), ..evaluation.clone() });
    assert_eq!(readers.evaluations(sample::STARTED, until, Some("alice")).unwrap(), []);
    let report = readers.evaluation_report(sample::STARTED, until).unwrap();
    assert_eq!(report.agents[&agent], AgentTally { evaluations: 1, read: 1, got: 6, points: 10 });
    let item = |name: &str| {
        let tally = &report.items[&(agent.clone(), form_name.clone(), Name::from(name))];
        (tally.met, tally.not_met, tally.not_applicable)
    };
    assert_eq!(
        [item("greeted"), item("listened"), item("picked"), item("outcome"), item("elsewhere")],
        [(1, 0, 0), (0, 1, 0), (1, 0, 0), (0, 1, 0), (0, 0, 1)]
    );
    // A week of one talk, which two forms draw, and one of them is done.
    let sample = Some(crate::fact::evaluation::Sample { talks: 2, at_least: Duration::from_secs(65) });
    let forms = [Form { sample, ..form() }, Form { name: "other".into(), sample, ..form() }, form()];
    let week = (sample::STARTED, until);
    let drawn = readers.drawn_talks(&forms, &[week]).unwrap();
    let drawn: Vec<_> =
        drawn.iter().map(|drawn| (&*drawn.form, &*drawn.agent, drawn.call, drawn.evaluated)).collect();
    assert_eq!(drawn, [("talk", "bob", CallId(7), true), ("other", "bob", CallId(7), false)]);
    // Judged anew, it is to be read anew.
    store.put_evaluation(&evaluation).unwrap();
    assert_eq!(readers.evaluation(CallId(7), "bob", "talk").unwrap().unwrap().read, None);
}
