//! The history as JSON: the shape that the API and `--format json` share. No core type is shown as it is.

pub mod calls;
pub mod conformance;
pub mod evaluations;
mod facts;
pub mod goals;
pub mod menus;
pub mod misrouted;
pub mod numbers;
pub mod reads;
pub mod service;
pub mod surveys;
pub mod talks;
pub mod trends;

use std::time::Duration;

use jiff::Timestamp as Instant;
use serde::Serialize;
use serde_json::Value;

use crate::base::WallTime;
use crate::fact::AgentVerification;
use crate::fact::Direction;
use crate::fact::Outcome;
use crate::fact::Party;
use crate::fact::Promise;
use crate::fact::PromiseKind;
use crate::fact::PromiseState;
use crate::fact::Quality;
use crate::fact::Verification;
use crate::fact::mos;
use crate::store::fold::CallRecord;
use crate::store::fold::DatedFact;
use crate::store::fold::LegRecord;
use crate::store::messages::Message;
use crate::store::promises::PromiseTally;
use crate::store::story::Line;

/// A call. Times are RFC 3339 in UTC, lengths are seconds.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct CallView {
    pub id: u64,
    pub direction: Direction,
    pub sip_call_id: String,
    pub from: String,
    pub display: String,
    pub to: String,
    pub source: String,
    pub trunk: Option<String>,
    /// Our number, as whom an agent called saw it.
    pub caller_id: Option<String>,
    pub arrived: String,
    pub answered: Option<String>,
    pub ended: Option<String>,
    /// How far a live call is; null when it is over.
    pub phase: Option<&'static str>,
    /// How verification by a flow came out.
    pub identity: Option<Verification>,
    pub verified_by_agent: Option<AgentVerification>,
    pub customer: Option<String>,
    pub customer_name: Option<String>,
    pub queue: Option<String>,
    pub waited_s: Option<f64>,
    pub quote_s: Option<u64>,
    pub agent: Option<String>,
    pub talked_s: Option<f64>,
    pub outcome: Option<Outcome>,
    pub ended_by: Option<Party>,
    pub cause: String,
    pub repeats: u32,
    pub digits: String,
    /// How many recordings were begun.
    pub recordings: u16,
    pub legs: Vec<LegView>,
}

/// One party's line.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct LegView {
    pub leg: u64,
    pub party: Party,
    pub address: String,
    pub opened: Option<String>,
    pub closed: Option<String>,
    pub quality: Option<QualityView>,
}

/// What a line carried.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct QualityView {
    pub sent: u64,
    pub received: u64,
    pub lost: u64,
    pub late: u64,
    pub duplicate: u64,
    pub reordered: u64,
    pub concealed_ms: u64,
    pub jitter_ms: f64,
    pub round_trip_ms: Option<f64>,
    /// By the E-model: the rating R, 0 to 93, and the opinion that follows from it, 1 to 4.5.
    pub r_factor: Option<u8>,
    pub mos: Option<f64>,
    pub peer: Option<PeerView>,
}

/// How what a line was sent arrived, as its peer told it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct PeerView {
    pub lost: u32,
    pub jitter_ms: f64,
    pub discarded_percent: Option<f64>,
    pub burst_ms: Option<u16>,
    pub r_factor: Option<u8>,
    pub mos: Option<f64>,
}

/// A fact: its time, its call, and its own fields beside `fact`, which names its kind: lengths in seconds, as `…_s`.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct FactView {
    pub at: String,
    pub call: Option<u64>,
    #[serde(flatten)]
    pub what: Value,
}

/// A promise.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct PromiseView {
    pub id: u64,
    pub call: u64,
    pub owner: String,
    pub kind: PromiseKind,
    pub words: String,
    pub number: String,
    pub name: Option<String>,
    pub account: Option<String>,
    pub queue: Option<String>,
    pub made: String,
    pub due: String,
    pub state: PromiseState,
    pub reminded: bool,
    pub settled: Option<String>,
    pub settled_by: Option<String>,
    pub settled_words: String,
}

/// A message that a caller left.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct MessageView {
    pub id: u64,
    pub call: u64,
    pub queue: String,
    pub number: String,
    pub name: Option<String>,
    pub account: Option<String>,
    pub left: String,
    pub length_s: f64,
    /// Whether what was said is still there.
    pub audio: bool,
    pub handled: Option<String>,
    pub handled_by: Option<String>,
    pub handled_words: String,
}

/// What came of the promises of one agent to the callers of one queue.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct PromiseTallyView {
    pub agent: String,
    pub queue: Option<String>,
    pub open: u32,
    pub overdue: u32,
    pub kept: u32,
    pub late: u32,
    pub broken: u32,
}

/// One line of a story.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct LineView {
    pub at: String,
    /// Since the call's first fact.
    pub after_s: f64,
    pub words: String,
}

impl From<CallRecord> for CallView {
    fn from(record: CallRecord) -> CallView {
        CallView {
            id: record.id.0,
            direction: record.direction,
            sip_call_id: record.sip_call_id,
            from: record.from,
            display: record.display,
            to: record.to,
            source: record.source,
            trunk: record.trunk,
            caller_id: record.caller_id,
            arrived: rfc3339(record.arrived),
            answered: record.answered.map(rfc3339),
            ended: record.ended.map(rfc3339),
            phase: None,
            identity: record.assurance.verified,
            verified_by_agent: record.assurance.by_agent,
            customer: record.customer,
            customer_name: record.customer_name,
            queue: record.queue,
            waited_s: record.waited.map(seconds),
            quote_s: record.quote.map(|quote| quote.as_secs()),
            agent: record.agent,
            talked_s: record.talked.map(seconds),
            outcome: record.outcome,
            ended_by: record.ended_by,
            cause: record.cause,
            repeats: record.repeats,
            digits: record.digits,
            recordings: record.recordings,
            legs: record.legs.into_iter().map(LegView::from).collect(),
        }
    }
}

impl MessageView {
    /// A message whose sound is there, or is not any more.
    pub fn of(message: &Message, audio: bool) -> MessageView {
        let handled = message.handled.as_ref();
        MessageView {
            id: message.id,
            call: message.file.call.0,
            queue: message.queue.to_string(),
            number: message.number.clone(),
            name: message.name.clone(),
            account: message.account.clone(),
            left: rfc3339(message.left),
            length_s: seconds(message.length),
            audio,
            handled: handled.map(|handled| rfc3339(handled.at)),
            handled_by: handled.and_then(|handled| handled.by.as_ref()).map(ToString::to_string),
            handled_words: handled.map(|handled| handled.words.clone()).unwrap_or_default(),
        }
    }
}

impl From<LegRecord> for LegView {
    fn from(leg: LegRecord) -> LegView {
        LegView {
            leg: leg.leg.0,
            party: leg.party,
            address: leg.address,
            opened: leg.opened.map(rfc3339),
            closed: leg.closed.map(rfc3339),
            quality: leg.quality.map(QualityView::from),
        }
    }
}

impl From<Quality> for QualityView {
    fn from(quality: Quality) -> QualityView {
        let millis = |us: u32| f64::from(us) / 1_000.0;
        let hundredths = |value: f64| (value * 100.0).round() / 100.0;
        QualityView {
            sent: quality.sent,
            received: quality.received,
            lost: quality.lost,
            late: quality.late,
            duplicate: quality.duplicate,
            reordered: quality.reordered,
            concealed_ms: quality.concealed_ms,
            jitter_ms: millis(quality.jitter_us),
            round_trip_ms: quality.round_trip_us.map(millis),
            r_factor: quality.r_factor,
            mos: quality.mos().map(hundredths),
            peer: quality.peer.map(|peer| PeerView {
                lost: peer.lost,
                jitter_ms: millis(peer.jitter_us),
                discarded_percent: peer.discarded.map(|of_256| hundredths(f64::from(of_256) / 2.56)),
                burst_ms: peer.burst_ms,
                r_factor: peer.r_factor,
                mos: peer.r_factor.map(mos).map(hundredths),
            }),
        }
    }
}

impl From<&DatedFact> for FactView {
    fn from(dated: &DatedFact) -> FactView {
        FactView {
            at: rfc3339(dated.wall),
            call: dated.fact.call.map(|call| call.0),
            what: facts::fields(dated).into(),
        }
    }
}

impl From<&Promise> for PromiseView {
    fn from(promise: &Promise) -> PromiseView {
        let Promise { id, call, owner, kind, words, to, made, due, state, reminded, settled } =
            promise.clone();
        let (settled, by, said) = match settled {
            Some((at, by, words)) => (Some(rfc3339(at)), by.map(|by| by.to_string()), words),
            None => Default::default(),
        };
        PromiseView {
            id: id.0,
            call: call.0,
            owner: owner.to_string(),
            kind,
            words,
            number: to.number,
            name: to.name,
            account: to.account,
            queue: to.queue.map(|queue| queue.to_string()),
            made: rfc3339(made),
            due: rfc3339(due),
            state,
            reminded,
            settled,
            settled_by: by,
            settled_words: said,
        }
    }
}

impl From<PromiseTally> for PromiseTallyView {
    fn from(tally: PromiseTally) -> PromiseTallyView {
        let PromiseTally { owner, queue, open, overdue, kept, late, broken } = tally;
        PromiseTallyView { agent: owner, queue, open, overdue, kept, late, broken }
    }
}

impl From<Line> for LineView {
    fn from(line: Line) -> LineView {
        LineView { at: rfc3339(line.wall), after_s: seconds(line.after), words: line.words }
    }
}

/// `2026-11-22T14:02:07.350Z`, to the millisecond.
pub fn rfc3339(wall: WallTime) -> String {
    match Instant::from_microsecond(wall.0) {
        Ok(instant) => format!("{instant:.3}"),
        Err(_) => "(no such time)".to_owned(),
    }
}

/// Whole milliseconds as seconds.
fn seconds(duration: Duration) -> f64 {
    duration.as_millis() as f64 / 1_000.0
}
