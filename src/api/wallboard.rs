//! `/api/v1/wallboard`: queues, agents and waiting callers, with the day's figures and their formulas.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::time::Duration;
use std::time::Instant;

use axum::Json;
use axum::extract::State;
use axum::response::Sse;
use axum::response::sse::Event;
use serde::Serialize;
use tokio::time::MissedTickBehavior;
use tokio_stream::Stream;
use tokio_stream::StreamExt;
use tokio_stream::wrappers::IntervalStream;

use crate::api::ApiState;
use crate::api::events;
use crate::api::flows::ProblemView;
use crate::api::now;
use crate::api::queues::waited_s;
use crate::api::session::Actor;
use crate::api::session::Sitting;
use crate::base::WallTime;
use crate::fact::AgentStateName;
use crate::fact::FIRST;
use crate::fact::Promise;
use crate::fact::PromiseState;
use crate::server::Live;
use crate::server::board::INTERVAL;
use crate::server::board::QueueDay;
use crate::server::live::LiveAgent;
use crate::server::live::LiveCall;
use crate::server::publisher::Status;
use crate::server::standby::StandbyState;
use crate::server::standby::StandbyStats;
use crate::server::standby::StandbyStatus;
use crate::server::trunks;
use crate::sip::TrunkState;
use crate::sip::TrunkTrouble;
use crate::store::view::PromiseView;
use crate::store::view::rfc3339;
use crate::store::waits::LONG_WAIT;
use crate::store::waits::SHORT_ABANDON;
use crate::store::waits::Tally;
use crate::store::waits::Waiting;

mod alarms;
mod why;

/// How often a board is drawn anew for those who watch it. They all get the same one.
const DRAWN: Duration = Duration::from_millis(500);
/// A board on which nothing has happened is sent all the same after so many drawings: its clocks are right again.
const AT_LEAST_EACH: u32 = 20;

/// The last board that was drawn for watchers.
pub(super) type Drawn = Arc<Mutex<Option<(Instant, Arc<str>)>>>;

/// Everything on the board.
#[derive(Debug, Serialize)]
pub(super) struct BoardJson {
    now: String,
    day_begins: String,
    interval_s: u64,
    formulas: Formulas,
    /// Which flow files new calls get; null where they cannot be changed.
    flows: Option<FlowsJson>,
    /// What concerns every queue and somebody should look at now, in words.
    alarms: Vec<String>,
    /// Those that are connected; null where there are to be none.
    standbys: Option<Vec<StandbyJson>>,
    /// Those at which we should be registered.
    trunks: Vec<TrunkJson>,
    calls: usize,
    queues: Vec<QueueJson>,
    promises: PromisesJson,
    /// Every skill that there is.
    skills: Vec<String>,
    agents: Vec<AgentJson>,
    waiting: Vec<WaitingJson>,
}

/// What callers were promised.
#[derive(Debug, Serialize)]
struct PromisesJson {
    /// How many are owed, those that are overdue among them.
    open: usize,
    overdue: Vec<PromiseView>,
}

/// A machine that could take over.
#[derive(Debug, Serialize)]
struct StandbyJson {
    address: String,
    /// `sending`, `up_to_date` or `behind`.
    state: &'static str,
    /// Since when it has everything; before that: since when it is connected.
    since: String,
    /// How old what it has is; null before it has everything.
    behind_s: Option<f64>,
    /// How many flow files and prompts it would serve otherwise than this server; and the first of them, in words.
    files_differ: usize,
    differing: Vec<String>,
}

/// A trunk at which we should be registered.
#[derive(Debug, Serialize)]
struct TrunkJson {
    trunk: String,
    registered: bool,
    /// Since when it is so; null before its first answer, and where it cannot be asked.
    since: Option<String>,
    /// What keeps us from it, in words; null when nothing does, and before its first answer.
    why: Option<String>,
    /// What it said; null when it said nothing.
    status: Option<u16>,
    /// When it is asked next; null while it is being asked, and where it cannot be.
    next: Option<String>,
}

#[derive(Debug, Serialize)]
struct FlowsJson {
    version: String,
    /// What is wrong with the files in the folder, which are not served; null when they are.
    problem: Option<ProblemView>,
}

/// What the figures mean, in words.
#[derive(Debug, Serialize)]
struct Formulas {
    service_level: String,
    within_180_s: String,
    abandonment: String,
    lately: String,
    quotes: String,
}

#[derive(Debug, Serialize)]
struct QueueJson {
    name: String,
    target_s: u64,
    goal_percent: u8,
    waiting: u32,
    longest_wait_s: Option<u64>,
    /// Waiting callers whose promised wait is nearly or wholly over.
    at_risk: u32,
    /// Since when it is in a surge; null when it is in none.
    surge_since: Option<String>,
    today: TallyJson,
    lately: TallyJson,
    /// When `lately` begins.
    lately_since: String,
    /// What a supervisor should look at now, in words.
    alarms: Vec<String>,
    intervals: Vec<IntervalJson>,
    messages: MessagesJson,
}

/// Messages that nobody has handled yet.
#[derive(Debug, Default, Serialize)]
struct MessagesJson {
    count: u32,
    /// When the oldest was left; null without one.
    oldest: Option<String>,
}

#[derive(Debug, Serialize)]
struct TallyJson {
    joined: u32,
    answered: u32,
    in_target: u32,
    in_180_s: u32,
    abandoned: u32,
    short_abandoned: u32,
    unserved: u32,
    promises_kept: u32,
    promises_broken: u32,
    /// How much longer waits were quoted than they were, and how far apart the two were; null without a quote.
    quote_bias_s: Option<f64>,
    quote_error_s: Option<f64>,
    average_wait_s: Option<f64>,
    longest_wait_s: f64,
    /// In per cent; null when nobody's wait is over.
    service_level: Option<f64>,
    /// The same by the mark of long waits instead of the target.
    within_180_s: Option<f64>,
    abandonment: Option<f64>,
}

#[derive(Debug, Serialize)]
struct IntervalJson {
    begins: String,
    #[serde(flatten)]
    tally: TallyJson,
}

#[derive(Debug, Serialize)]
struct AgentJson {
    id: String,
    state: AgentStateName,
    since: String,
    reason: String,
    phones: u32,
    /// After how long their phone takes a queue's calls by itself; null: they pick up.
    auto_answer_s: Option<f64>,
    skills: Vec<SkillJson>,
    /// The call that they are in.
    call: Option<u64>,
    queue: Option<String>,
}

#[derive(Debug, Serialize)]
struct SkillJson {
    skill: String,
    level: u8,
}

#[derive(Debug, Serialize)]
struct WaitingJson {
    call: u64,
    from: String,
    queue: String,
    since: String,
    /// When the promised wait is over; null when none was promised.
    promised: Option<String>,
    at_risk: bool,
    /// The queue's and their own.
    priority: i32,
    own_priority: i32,
    /// Whether a supervisor put them before all others.
    first: bool,
    /// Why they still wait, in words.
    why: String,
}

/// `GET /api/v1/wallboard`
pub(super) async fn show(State(state): State<ApiState>) -> Json<BoardJson> {
    Json(BoardJson::of(&state, now()))
}

/// `GET /api/v1/wallboard/events`: an event `board` at once, when something has happened, and now and then; and `alive`.
pub(super) async fn watch(
    State(state): State<ApiState>,
    actor: Actor,
    sitting: Sitting,
) -> Sse<impl Stream<Item = Result<Event, Infallible>>> {
    let mut timer = tokio::time::interval(DRAWN);
    timer.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let (mut seen, mut silent) = (None, 0);
    let ticks = state.watched(IntervalStream::new(timer), &actor, sitting.in_use());
    let events = ticks.filter_map(move |_| {
        let standbys = state.standbys.as_ref().map(|standbys| standbys.changes());
        let happened = (state.live.counts().facts, standbys);
        silent += 1;
        if seen == Some(happened) && silent < AT_LEAST_EACH {
            return None;
        }
        (seen, silent) = (Some(happened), 0);
        Some(Ok(Event::default().event("board").data(drawn(&state))))
    });
    events::living(events)
}

/// The board as text: drawn once for all who watch.
fn drawn(state: &ApiState) -> Arc<str> {
    let mut last = state.board.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some((at, text)) = &*last
        && at.elapsed() < DRAWN / 2
    {
        return text.clone();
    }
    let text: Arc<str> = serde_json::to_string(&BoardJson::of(state, now())).unwrap_or_default().into();
    *last = Some((Instant::now(), text.clone()));
    text
}

impl BoardJson {
    fn of(state: &ApiState, now: WallTime) -> BoardJson {
        let live = &*state.live;
        let (agents, calls, waiting) = (live.agents(), live.calls(), live.board.waiting());
        let days = live.board.queues(now);
        let promises = live.desks.promises();
        let overdue: Vec<&Promise> =
            promises.iter().filter(|promise| promise.state == PromiseState::Overdue).collect();
        let waits: Vec<WaitingJson> =
            waiting.iter().map(|wait| waiting_json(wait, &days, live, &agents, now)).collect();
        let center = state.center();
        // Queues stay as they are until a restart; what is an alarm may change with the files.
        let policy = |place: usize| center.alarms.get(place).cloned().unwrap_or_default();
        let queue = |(place, day): (usize, &QueueDay)| {
            let mut alarms = alarms::of(day, &policy(place), &waiting, &agents, now);
            alarms.extend(alarms::overdue(&day.rules.name, &overdue));
            let surge = live.surge_since(&day.rules.name);
            alarms.extend(surge.map(|since| alarms::surge(since, now)));
            alarms.extend(
                live.trends.of(&day.rules.name, live.board.day().begins).map(|words| alarms::trend(&words)),
            );
            let to_handle = live.messages.of(&day.rules.name);
            let messages = MessagesJson { count: to_handle.count, oldest: to_handle.oldest.map(rfc3339) };
            let surge_since = surge.map(rfc3339);
            QueueJson { alarms, messages, surge_since, ..QueueJson::of(day, &waiting, now) }
        };
        let standbys = state.standbys.as_deref();
        let flows = state.flows.as_ref().map(|flows| flows.status());
        BoardJson {
            now: rfc3339(now),
            day_begins: rfc3339(live.board.day().begins),
            interval_s: INTERVAL.as_secs(),
            formulas: formulas(),
            alarms: [
                state.store.trouble(),
                alarms::history(&state.losses),
                state.recordings.trouble(),
                standbys.and_then(StandbyStats::trouble),
                flows.as_ref().and_then(Status::trouble),
                alarms::unreached(&live.unreached.agents(), now),
            ]
            .into_iter()
            .flatten()
            .chain(state.troubles_elsewhere())
            .collect(),
            trunks: state.trunks.list().iter().map(|trunk| TrunkJson::of(trunk, live)).collect(),
            flows: flows.map(FlowsJson::from),
            standbys: standbys.map(|standbys| standbys.list().into_iter().map(StandbyJson::from).collect()),
            calls: calls.len(),
            queues: days.iter().enumerate().map(queue).collect(),
            promises: PromisesJson {
                open: promises.len(),
                overdue: overdue.iter().map(|promise| PromiseView::from(*promise)).collect(),
            },
            waiting: waits,
            skills: live.rules().skills.iter().map(|skill| skill.to_string()).collect(),
            agents: agents.iter().map(|agent| agent_json(agent, &calls)).collect(),
        }
    }
}

impl From<Status> for FlowsJson {
    fn from(status: Status) -> FlowsJson {
        let problem = status.problem.map(ProblemView::from);
        FlowsJson { version: status.serving.version.to_string(), problem }
    }
}

impl TrunkJson {
    fn of(state: &TrunkState, live: &Live) -> TrunkJson {
        let at = |at| rfc3339(live.wall(at));
        TrunkJson {
            trunk: state.trunk.to_string(),
            registered: state.is_registered,
            since: state.since.map(at),
            why: state.trouble.as_ref().map(trunks::why),
            status: match &state.trouble {
                Some(TrunkTrouble::Refused { status, .. }) => Some(*status),
                _ => None,
            },
            next: state.next.map(at),
        }
    }
}

impl From<StandbyStatus> for StandbyJson {
    fn from(standby: StandbyStatus) -> StandbyJson {
        let state = match standby.state {
            StandbyState::Sending => "sending",
            StandbyState::UpToDate => "up_to_date",
            StandbyState::Behind => "behind",
        };
        StandbyJson {
            address: standby.address.to_string(),
            state,
            since: rfc3339(standby.since),
            behind_s: standby.behind.map(|behind| behind.as_millis() as f64 / 1_000.0),
            files_differ: standby.differing.count,
            differing: standby.differing.named,
        }
    }
}

fn formulas() -> Formulas {
    let short = SHORT_ABANDON.as_secs();
    let minutes = INTERVAL.as_secs() / 60;
    Formulas {
        service_level: format!(
            "answered within the target ÷ (answered + abandoned + unserved); who hung up within {short} s is not \
             counted, who still waits not yet"
        ),
        within_180_s: format!(
            "answered within {} s, whatever the target, ÷ (answered + abandoned + unserved)",
            LONG_WAIT.as_secs()
        ),
        abandonment: format!("abandoned after more than {short} s ÷ (answered + abandoned + unserved)"),
        quotes: "mean of quoted − waited (bias) and of its size (error), of those who were quoted a wait and were \
                 answered; a quote is meant to be kept by nine in ten"
            .to_owned(),
        lately: format!("waits that began in this quarter of an hour and the {minutes} minutes before it"),
    }
}

impl QueueJson {
    fn of(day: &QueueDay, waiting: &[Waiting], now: WallTime) -> QueueJson {
        let here: Vec<&Waiting> = waiting.iter().filter(|wait| wait.queue == day.rules.name).collect();
        QueueJson {
            name: day.rules.name.to_string(),
            target_s: day.rules.target.as_secs(),
            goal_percent: day.rules.goal,
            waiting: u32::try_from(here.len()).unwrap_or(u32::MAX),
            longest_wait_s: here.first().map(|wait| waited_s(wait.joined, now)),
            at_risk: u32::try_from(here.iter().filter(|wait| at_risk(wait, now)).count()).unwrap_or(u32::MAX),
            surge_since: None,
            today: TallyJson::from(&day.today),
            lately: TallyJson::from(&day.lately),
            lately_since: rfc3339(day.since),
            alarms: Vec::new(),
            messages: MessagesJson::default(),
            intervals: day
                .intervals
                .iter()
                .map(|(begins, tally)| IntervalJson { begins: rfc3339(*begins), tally: tally.into() })
                .collect(),
        }
    }
}

impl From<&Tally> for TallyJson {
    fn from(tally: &Tally) -> TallyJson {
        let percent = |part: Option<f64>| part.map(|part| (part * 1_000.0).round() / 10.0);
        let tenths = |secs: f64| (secs * 10.0).round() / 10.0;
        let seconds = |duration: Duration| tenths(duration.as_secs_f64());
        TallyJson {
            joined: tally.joined,
            answered: tally.answered,
            in_target: tally.in_target,
            in_180_s: tally.in_long_wait,
            abandoned: tally.abandoned,
            short_abandoned: tally.short,
            unserved: tally.unserved,
            promises_kept: tally.kept,
            promises_broken: tally.broken,
            quote_bias_s: tally.quote_bias_s().map(tenths),
            quote_error_s: tally.quote_error_s().map(tenths),
            average_wait_s: tally.average().map(seconds),
            longest_wait_s: seconds(tally.longest),
            service_level: percent(tally.service_level_of_all()),
            within_180_s: percent(tally.within_long_wait()),
            abandonment: percent(tally.abandonment()),
        }
    }
}

fn agent_json(agent: &LiveAgent, calls: &[LiveCall]) -> AgentJson {
    let busy =
        matches!(agent.state, AgentStateName::Reserved | AgentStateName::Ringing | AgentStateName::Talking);
    let has =
        |call: &&LiveCall| call.agent.as_ref() == Some(&agent.name) || call.ringing.contains(&agent.name);
    let call = calls.iter().find(|call| busy && has(call));
    AgentJson {
        id: agent.name.to_string(),
        state: agent.state,
        since: rfc3339(agent.since),
        // A ring, a talk and a callback are named by their call, which is told apart.
        reason: match agent.state {
            AgentStateName::NotReady => agent.reason.clone(),
            _ => String::new(),
        },
        phones: agent.phones,
        auto_answer_s: agent.auto_answer.map(|after| after.as_secs_f64()),
        skills: agent
            .skills
            .iter()
            .map(|(skill, level)| SkillJson { skill: skill.to_string(), level: *level })
            .collect(),
        call: call.map(|call| call.id.0),
        queue: call.and_then(|call| call.queue.as_ref()).map(|queue| queue.to_string()),
    }
}

fn waiting_json(
    wait: &Waiting,
    days: &[QueueDay],
    live: &Live,
    agents: &[LiveAgent],
    now: WallTime,
) -> WaitingJson {
    let call = live.call(wait.call);
    let of_queue = days.iter().find(|day| day.rules.name == wait.queue).map_or(0, |day| day.rules.priority);
    let first = wait.priority == FIRST;
    WaitingJson {
        call: wait.call.0,
        from: call.as_ref().map(|call| call.from.clone()).unwrap_or_default(),
        queue: wait.queue.to_string(),
        since: rfc3339(wait.joined),
        promised: wait.quote.map(|quote| rfc3339(wait.joined + quote)),
        at_risk: at_risk(wait, now),
        priority: wait.priority,
        own_priority: if first { 0 } else { wait.priority.saturating_sub(of_queue) },
        first,
        why: why::words(wait, call.as_ref(), agents),
    }
}

/// Whether four fifths of the promised wait are over.
fn at_risk(wait: &Waiting, now: WallTime) -> bool {
    wait.quote.is_some_and(|quote| wait.joined + quote * 4 / 5 <= now)
}
