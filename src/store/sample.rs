//! Calls for tests: what the cores would tell of them.

use std::time::Duration;

use crate::base::CallId;
use crate::base::LegId;
use crate::base::Name;
use crate::base::PromiseId;
use crate::base::Timestamp;
use crate::base::WallTime;
use crate::fact::Fact;
use crate::fact::GrantedBy;
use crate::fact::IdentifiedBy;
use crate::fact::MissedWhy;
use crate::fact::NeedFact;
use crate::fact::Outcome;
use crate::fact::Party;
use crate::fact::PeerReport;
use crate::fact::Promise;
use crate::fact::PromiseKind;
use crate::fact::PromiseState;
use crate::fact::Promisee;
use crate::fact::Quality;
use crate::fact::Verification;
use crate::fact::WaitExit;
use crate::fact::What;
use crate::fact::Why;
use crate::store::fold::DatedFact;

/// 2026-11-22 14:02:00 UTC: when the server of these calls started.
pub(crate) const STARTED: WallTime = WallTime(1_795_356_120_000_000);

/// The same facts with the calendar's time.
pub(crate) fn dated(facts: Vec<Fact>) -> Vec<DatedFact> {
    let date = |fact: Fact| DatedFact { wall: STARTED + Duration::from_micros(fact.at.0), fact };
    facts.into_iter().map(date).collect()
}

/// Ann calls the main number, proves who she is, chooses billing, holds, and talks with Bob.
pub(crate) fn whole_call(call: u64) -> Vec<Fact> {
    let quality = Quality {
        sent: 4_310,
        received: 4_307,
        lost: 3,
        jitter_us: 1_240,
        round_trip_us: Some(800),
        r_factor: Some(92),
        peer: Some(PeerReport { lost: 5, jitter_us: 2_100, r_factor: Some(88), ..PeerReport::default() }),
        ..Quality::default()
    };
    let secs = Duration::from_secs;
    timed(
        call,
        vec![
            (0, arrived(call)),
            (
                0,
                What::Identified {
                    customer: "100200".into(),
                    name: "Ann".into(),
                    by: IdentifiedBy::CallingNumber,
                },
            ),
            (12, What::CallAnswered),
            (
                12,
                What::LegOpened {
                    leg: LegId::of(CallId(call), 0),
                    party: Party::Caller,
                    address: "127.0.0.1:7000".into(),
                },
            ),
            (13, What::FlowStarted { flow: "main".into() }),
            (13, What::NodeEntered { flow: "main".into(), node: "welcome".into(), by: None }),
            (14, What::Played { prompts: vec!["greeting/welcome".into(), "names/ann".into()] }),
            (2_100, What::BargedIn { digit: '1' }),
            (2_100, What::Digit { digit: '1' }),
            (4_000, What::VerificationFailed { attempt: 1 }),
            (6_500, What::VerificationEnded { result: Verification::VerifiedByPin }),
            (7_350, What::Digit { digit: '1' }),
            (7_350, What::Chose { node: "menu".into(), digit: '1', choice: "billing".into() }),
            (
                7_351,
                What::Enqueued {
                    queue: "billing".into(),
                    needs: vec![NeedFact { skill: "billing".into(), level: 3, or: Vec::new() }],
                    priority: 0,
                    waiting: 2,
                },
            ),
            (7_352, What::WaitAsked { quote: Some(secs(60)), position: 2 }),
            (9_000, What::WaitGranted { by: GrantedBy::Caller, until: Timestamp::from_millis(309_000) }),
            (9_001, What::HoldMusicStarted),
            (20_000, What::AgentRinging { agent: "alice".into(), attempt: 1, why: Why::default() }),
            (40_000, What::AgentMissed { agent: "alice".into(), why: MissedWhy::NoAnswer }),
            (
                40_000,
                What::AgentRinging {
                    agent: "bob".into(),
                    attempt: 2,
                    why: Why::Words("the only idle agent".into()),
                },
            ),
            (
                43_351,
                What::AgentConnected {
                    agent: "bob".into(),
                    waited: Duration::from_millis(36_000),
                    quote: Some(secs(60)),
                },
            ),
            (108_351, What::TalkEnded { agent: "bob".into(), talked: secs(65), by: Party::Caller }),
            (
                108_352,
                What::CallEnded {
                    by: Party::Caller,
                    outcome: Outcome::Talked,
                    cause: "BYE".into(),
                    by_person: None,
                },
            ),
            (108_360, What::LegClosed { leg: LegId::of(CallId(call), 0), party: Party::Caller, quality }),
        ],
    )
}

/// What is told of a call to 9000: answered, and hung up by the caller.
pub(crate) fn short_call(call: u64) -> Vec<Fact> {
    let leg = LegId::of(CallId(call), 0);
    timed(
        call,
        vec![
            (0, arrived(call)),
            (1, What::CallAnswered),
            (1, What::LegOpened { leg, party: Party::Caller, address: "127.0.0.1:7000".into() }),
            (1, What::FlowStarted { flow: "answer".into() }),
            (
                5,
                What::CallEnded {
                    by: Party::Caller,
                    outcome: Outcome::LeftInFlow,
                    cause: "BYE".into(),
                    by_person: None,
                },
            ),
            (6, What::LegClosed { leg, party: Party::Caller, quality: Quality::default() }),
        ],
    )
}

/// A caller with a number of their own who comes to a queue in this second, is answered by alice after so long, and talks for
/// so long.
pub(crate) fn served(
    call: u64,
    caller: u64,
    second: u64,
    queue: &str,
    (waited, talked): (u64, u64),
) -> Vec<Fact> {
    let secs = Duration::from_secs;
    let (agent, by): (Name, Party) = ("alice".into(), Party::Caller);
    let connected = What::AgentConnected { agent: agent.clone(), waited: secs(waited), quote: None };
    let ended = What::CallEnded { by, outcome: Outcome::Talked, cause: "BYE".into(), by_person: None };
    let told = vec![
        (0, arrived_from(call, format!("+1202{caller:07}"))),
        (0, joined(queue)),
        (waited * 1_000, connected),
        ((waited + talked) * 1_000, What::TalkEnded { agent, talked: secs(talked), by }),
        ((waited + talked) * 1_000, ended),
    ];
    later(second, timed(call, told))
}

/// One who hangs up after so long.
pub(crate) fn gave_up(call: u64, caller: u64, second: u64, queue: &str, after: u64) -> Vec<Fact> {
    let ended = What::CallEnded {
        by: Party::Caller,
        outcome: Outcome::Abandoned,
        cause: "BYE".into(),
        by_person: None,
    };
    let told = vec![
        (0, arrived_from(call, format!("+1202{caller:07}"))),
        (0, joined(queue)),
        (after * 1_000, What::WaitEnded { exit: WaitExit::Abandoned }),
        (after * 1_000, ended),
    ];
    later(second, timed(call, told))
}

fn joined(queue: &str) -> What {
    What::Enqueued { queue: queue.into(), needs: Vec::new(), priority: 0, waiting: 1 }
}

fn later(second: u64, facts: Vec<Fact>) -> Vec<Fact> {
    let after = Duration::from_secs(second);
    facts.into_iter().map(|fact| Fact { at: fact.at + after, ..fact }).collect()
}

fn arrived(call: u64) -> What {
    arrived_from(call, "+12025550143".to_owned())
}

fn arrived_from(call: u64, from: String) -> What {
    What::CallArrived {
        from,
        display: "Ann".into(),
        to: "1000".into(),
        sip_call_id: format!("call-{call}@127.0.0.1"),
        source: "udp 127.0.0.1:5070".into(),
        trunk: None,
    }
}

fn timed(call: u64, facts: Vec<(u64, What)>) -> Vec<Fact> {
    let fact = |(ms, what)| Fact { at: Timestamp::from_millis(ms), call: Some(CallId(call)), what };
    facts.into_iter().map(fact).collect()
}

/// What alice promised Ann in call 7, to be kept so long after the start.
pub(crate) fn promise(id: u64, due_s: u64) -> Promise {
    Promise {
        id: PromiseId(id),
        call: CallId(7),
        owner: "alice".into(),
        kind: PromiseKind::Callback,
        words: "the price".to_owned(),
        to: Promisee {
            number: "+12025550143".to_owned(),
            name: Some("Ann".to_owned()),
            account: None,
            queue: Some("billing".into()),
        },
        made: STARTED,
        due: STARTED + Duration::from_secs(due_s),
        state: PromiseState::Open,
        reminded: false,
        settled: None,
    }
}

/// A message for a queue.
pub(crate) fn message_left(queue: &str, part: u16) -> What {
    let from = Box::new(Promisee { queue: Some(queue.into()), ..promise(1, 0).to });
    What::MessageLeft { queue: queue.into(), part, length: Duration::from_millis(12_500), from }
}

/// What a caller of billing said about an agent.
pub(crate) fn survey_answered(question: &str, answer: u8, agent: &str) -> What {
    let (agent, queue) = (Some(agent.into()), Some("billing".into()));
    What::SurveyAnswered { question: question.into(), answer, agent, queue, settled: None }
}

/// The fact that tells it.
pub(crate) fn promise_made(id: u64, due_s: u64) -> What {
    let Promise { id, owner, kind, words, to, due, .. } = promise(id, due_s);
    What::PromiseMade { id: Some(id), agent: owner, promise: kind, due, words, to: Box::new(to) }
}
