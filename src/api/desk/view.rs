//! The desk's JSON. Times are RFC 3339 in UTC, lengths are seconds.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Serialize;

use crate::base::CallId;
use crate::base::Name;
use crate::base::WallTime;
use crate::fact::AgentStateName;
use crate::fact::AgentVerification;
use crate::fact::BriefingNote;
use crate::fact::Direction;
use crate::fact::Promise;
use crate::fact::PromiseKind;
use crate::fact::SuperviseMode;
use crate::fact::Verification;
use crate::fact::note::Mood;
use crate::flow::Center;
use crate::flow::escalation;
use crate::flow::escalation::Level;
use crate::server::desk::Consult;
use crate::server::desk::ConsultPhase;
use crate::server::desk::Contact;
use crate::server::desk::DeskCall;
use crate::server::desk::DeskView;
use crate::server::desk::Hold;
use crate::server::desk::ListeningPhase;
use crate::server::desk::ListeningTo;
use crate::server::desk::Member;
use crate::server::desk::PagePhone;
use crate::server::desk::Part;
use crate::server::desk::PartRole;
use crate::server::desk::Pause;
use crate::server::desk::Phase;
use crate::server::desk::Recording;
use crate::store::story::Line;
use crate::store::view::PromiseView;
use crate::store::view::rfc3339;

/// A desk.
#[derive(Debug, Serialize)]
pub(in crate::api) struct DeskJson {
    agent: String,
    /// Null for who takes no calls of a queue.
    state: Option<AgentStateName>,
    /// Why they are not ready; empty otherwise.
    reason: String,
    since: Option<String>,
    /// When the state ends by itself.
    until: Option<String>,
    /// What they want to be once the call is over.
    next: Option<NextJson>,
    /// To which colleague the agent listens, or asks to.
    listening_to: Option<ListeningJson>,
    /// To whom they may listen without being let in.
    learns_from: Vec<String>,
    /// After how long this desk takes a queue's calls by itself; null: the agent picks up.
    auto_answer_s: Option<f64>,
    /// The page that is their phone: `up`, or `lost` when it may come back; null when no page is.
    page: Option<&'static str>,
    /// Their phones beside it.
    telephones: u32,
    /// The server's clock, which every other time here is by.
    now: String,
    calls: Vec<CallJson>,
    /// What the agent owes.
    promises: Vec<PromiseView>,
}

/// What an agent is reached by, beside a page.
pub(in crate::api) struct Phones {
    pub telephones: u32,
    /// After how long a page takes a queue's calls by itself.
    pub auto_answer: Option<Duration>,
}

#[derive(Debug, Serialize)]
struct NextJson {
    state: AgentStateName,
    reason: String,
}

#[derive(Debug, Serialize)]
struct ListeningJson {
    call: u64,
    agent: String,
    phase: &'static str,
    since: String,
}

#[derive(Debug, Serialize)]
struct CallJson {
    call: u64,
    /// Who called whom.
    direction: Direction,
    role: &'static str,
    /// How a supervisor is there.
    mode: Option<SuperviseMode>,
    phase: &'static str,
    since: String,
    /// Who has the caller; null while nobody does.
    agent: Option<String>,
    caller: CallerJson,
    /// What the caller proved to a flow.
    verified: Option<VerifiedJson>,
    /// The latest word of an agent.
    verified_by_agent: Option<ByAgentJson>,
    /// How much is proven of who calls: 2, 1, or 0 for nothing.
    level: u8,
    /// How verification by a flow came out; null when there was none.
    identity: Option<Verification>,
    queue: Option<String>,
    chose: Vec<String>,
    collected: Vec<CollectedJson>,
    /// Since when the caller waits; null when they do not.
    waiting_since: Option<String>,
    waited_s: Option<f64>,
    quoted_s: Option<u64>,
    asking: Option<AskingJson>,
    hold: Option<HoldJson>,
    /// Whether the caller would not be held and can be called back instead.
    offer_callback: bool,
    /// How long the note is that was spoken, and that whoever is consulted hears.
    spoken_note_s: Option<f64>,
    /// Whether the caller's own phone holds, and hears nothing.
    caller_away: bool,
    /// Whether the own phone of the agent who has the caller holds.
    agent_away: bool,
    consult: Option<ConsultJson>,
    recording: Option<RecordingJson>,
    /// That the agent says the caller came to the wrong queue; null when they do not.
    misrouted: Option<MisroutedJson>,
    /// Whether the agent may leave wrap-up, before that is over, only when they have said what came of the talk.
    outcome_missing: bool,
    /// Where an escalation is and leads; null where the center has no levels.
    escalation: Option<EscalationJson>,
    /// Who was added to the talk.
    members: Vec<MemberJson>,
    /// Colleagues who ask whether they may listen, and those who do.
    asks_to_listen: Vec<String>,
    listeners: Vec<String>,
    /// Supervisors whom this person hears: by whispering, whoever has the caller alone.
    supervisors: Vec<SupervisorJson>,
    notes: Vec<NoteJson>,
    timeline: Vec<MomentJson>,
    before: Vec<ContactJson>,
    /// What was promised to the caller and is still owed, by whomever.
    owed: Vec<PromiseView>,
}

#[derive(Debug, Serialize)]
struct SupervisorJson {
    name: String,
    mode: SuperviseMode,
}

#[derive(Debug, Serialize)]
struct CallerJson {
    name: String,
    number: String,
    account: Option<String>,
    /// How much louder or quieter the others hear them.
    gain_db: i8,
}

#[derive(Debug, Serialize)]
struct VerifiedJson {
    how: &'static str,
    at: String,
}

#[derive(Debug, Serialize)]
struct ByAgentJson {
    #[serde(flatten)]
    word: AgentVerification,
    at: String,
}

#[derive(Debug, Serialize)]
struct CollectedJson {
    name: String,
    value: String,
}

#[derive(Debug, Serialize)]
struct AskingJson {
    reason: String,
    quote_s: u64,
}

#[derive(Debug, Serialize)]
struct HoldJson {
    reason: String,
    since: String,
    until: String,
    nudge: bool,
    alarm: bool,
}

#[derive(Debug, Serialize)]
struct RecordingJson {
    since: String,
    pause: Option<PauseJson>,
}

#[derive(Debug, Serialize)]
struct PauseJson {
    reason: String,
    since: String,
    until: String,
}

#[derive(Debug, Serialize)]
struct ConsultJson {
    with: String,
    phase: &'static str,
    note: NoteJson,
    acknowledged: bool,
    /// Whether it adds somebody to the talk, which goes on meanwhile.
    adds: bool,
}

#[derive(Debug, Serialize)]
struct MisroutedJson {
    /// Null where they did not say.
    belongs: Option<String>,
    reason: String,
}

#[derive(Debug, Serialize)]
struct EscalationJson {
    /// The level that was asked last; null when none was.
    level: Option<String>,
    /// What may be promised at it.
    promise: Option<MayPromiseJson>,
    /// The level that is asked next; null after the last.
    next: Option<String>,
    /// Whom it asks, and what a caller says that leads there.
    next_asks: Option<String>,
    next_when: Vec<String>,
}

#[derive(Debug, Serialize)]
struct MayPromiseJson {
    kind: PromiseKind,
    within_s: u64,
    words: String,
}

#[derive(Debug, Serialize)]
struct MemberJson {
    who: String,
    since: String,
    muted: bool,
    gain_db: i8,
}

#[derive(Debug, Serialize)]
struct NoteJson {
    issue: String,
    tried: String,
    wants: String,
    mood: Mood,
    promises: String,
    author: String,
    written: String,
}

#[derive(Debug, Serialize)]
struct MomentJson {
    at: String,
    text: String,
}

#[derive(Debug, Serialize)]
struct ContactJson {
    call: u64,
    at: String,
    queue: Option<String>,
    agent: Option<String>,
    outcome: String,
    note: String,
}

impl DeskJson {
    /// The desk as JSON, with the words of each call's timeline.
    pub fn new(
        view: DeskView,
        mut timelines: BTreeMap<CallId, Vec<Line>>,
        center: &Center,
        phones: Phones,
        now: WallTime,
    ) -> DeskJson {
        let DeskView { agent, desk, calls, promises } = view;
        let calls = calls.iter().map(|(part, call)| {
            let timeline = timelines.remove(&call.id).unwrap_or_default();
            let required = call.queue.as_deref().is_some_and(|queue| center.requires_outcome(queue));
            CallJson {
                outcome_missing: required && desk.state.is_some() && !call.has_outcome_of(&agent),
                escalation: escalation(call, &center.escalation),
                misrouted: call.misrouted.iter().find(|(by, ..)| *by == agent).map(misrouted),
                ..CallJson::new(part, call, timeline, &promises)
            }
        });
        DeskJson {
            agent: agent.to_string(),
            since: desk.state.map(|_| rfc3339(desk.since)),
            state: desk.state,
            reason: desk.reason,
            until: desk.until.map(rfc3339),
            next: desk.next.map(|(state, reason)| NextJson { state, reason }),
            listening_to: desk.listening_to.as_ref().map(listening),
            learns_from: center.learns_from.get(&agent).map(|from| names(from)).unwrap_or_default(),
            page: desk.page.map(page),
            telephones: phones.telephones,
            auto_answer_s: phones.auto_answer.map(|after| after.as_secs_f64()),
            now: rfc3339(now),
            calls: calls.collect(),
            promises: promises
                .iter()
                .filter(|promise| promise.owner == agent)
                .map(PromiseView::from)
                .collect(),
        }
    }
}

impl CallJson {
    fn new(part: &Part, call: &DeskCall, timeline: Vec<Line>, promises: &[Promise]) -> CallJson {
        let identity = call.assurance.verified;
        let verified = identity.filter(|result| result.is_proof()).zip(call.verified);
        let (role, mode) = match part.role {
            PartRole::Agent => ("agent", None),
            PartRole::Called => ("called", None),
            PartRole::Consulted => ("consulted", None),
            PartRole::Supervisor(mode) => ("supervisor", Some(mode)),
        };
        CallJson {
            call: call.id.0,
            direction: call.direction,
            role,
            mode,
            phase: phase(call.phase(part)),
            since: rfc3339(part.since),
            agent: call.has_caller().map(|name| name.to_string()),
            caller: CallerJson {
                name: name_for(part, call),
                number: call.number.clone(),
                account: call.account.clone(),
                gain_db: call.caller_gain_db,
            },
            verified: verified.map(|(result, at)| VerifiedJson { how: how(result), at: rfc3339(at) }),
            verified_by_agent: call.assurance.by_agent.as_ref().zip(call.verified_by_agent).map(by_agent),
            level: call.assurance.level(),
            identity,
            queue: call.queue.as_ref().map(|queue| queue.to_string()),
            chose: call.chose.iter().map(|choice| choice.to_string()).collect(),
            collected: call
                .collected
                .iter()
                .map(|(name, value)| CollectedJson { name: name.to_string(), value: value.clone() })
                .collect(),
            waiting_since: call.waiting_since.map(rfc3339),
            waited_s: call.waited.map(|waited| waited.as_secs_f64()),
            quoted_s: call.quote.map(|quote| quote.as_secs()),
            asking: call.asking.as_ref().map(asking),
            hold: call.hold.as_ref().map(hold),
            offer_callback: call.refused_hold
                && call.direction == Direction::Inbound
                && !call.number.is_empty(),
            spoken_note_s: call.spoken.map(|length| length.as_secs_f64()),
            caller_away: call.caller_away,
            agent_away: call.agent_away,
            consult: call.consult.as_ref().map(consult),
            recording: call.recording.as_ref().map(recording),
            misrouted: None,
            outcome_missing: false,
            escalation: None,
            members: call.members.iter().map(member).collect(),
            asks_to_listen: names(&call.asks_to_listen),
            listeners: names(&call.listeners),
            supervisors: call.parts.iter().filter_map(|other| heard(part, other)).collect(),
            notes: call.notes.iter().map(note).collect(),
            timeline: timeline
                .into_iter()
                .map(|line| MomentJson { at: rfc3339(line.wall), text: line.words })
                .collect(),
            before: call.before.iter().flat_map(|before| before.iter()).map(contact).collect(),
            owed: promises.iter().filter(|promise| call.is_owed(promise)).map(PromiseView::from).collect(),
        }
    }
}

/// A supervisor's part, if whoever has this one hears them.
fn heard(part: &Part, other: &Part) -> Option<SupervisorJson> {
    let PartRole::Supervisor(mode) = other.role else { return None };
    let hears = match mode {
        SuperviseMode::Listen => false,
        SuperviseMode::Whisper => part.role == PartRole::Agent,
        SuperviseMode::Barge => part.agent != other.agent,
    };
    hears.then(|| SupervisorJson { name: other.agent.to_string(), mode })
}

/// Who is at the other end: the colleague who calls, for the one who is called; else whom the call is with.
fn name_for(part: &Part, call: &DeskCall) -> String {
    let calls =
        call.parts.iter().find(|other| part.role == PartRole::Called && other.role == PartRole::Agent);
    calls.map_or_else(|| call.name.clone(), |other| other.agent.to_string())
}

fn how(proof: Verification) -> &'static str {
    match proof {
        Verification::VerifiedByBirthDate => "birth_date",
        Verification::VerifiedByCode => "code",
        _ => "pin",
    }
}

fn by_agent((word, at): (&AgentVerification, WallTime)) -> ByAgentJson {
    ByAgentJson { word: word.clone(), at: rfc3339(at) }
}

fn phase(phase: Phase) -> &'static str {
    match phase {
        Phase::Ringing => "ringing",
        Phase::Whisper => "whisper",
        Phase::CallingOut => "calling_out",
        Phase::Talking => "talking",
        Phase::AskingHold => "asking_hold",
        Phase::Holding => "holding",
        Phase::Consulting => "consulting",
        Phase::Conference => "conference",
        Phase::WrapUp => "wrap_up",
    }
}

fn asking((reason, quote): &(String, Duration)) -> AskingJson {
    AskingJson { reason: reason.clone(), quote_s: quote.as_secs() }
}

fn hold(hold: &Hold) -> HoldJson {
    let Hold { reason, since, until, nudge, alarm } = hold;
    HoldJson {
        reason: reason.clone(),
        since: rfc3339(*since),
        until: rfc3339(*until),
        nudge: *nudge,
        alarm: *alarm,
    }
}

fn misrouted((_, belongs, reason): &(Name, Option<Name>, String)) -> MisroutedJson {
    MisroutedJson { belongs: belongs.as_ref().map(|queue| queue.to_string()), reason: reason.clone() }
}

fn recording(recording: &Recording) -> RecordingJson {
    let pause = |Pause { reason, since, until }: &Pause| PauseJson {
        reason: reason.clone(),
        since: rfc3339(*since),
        until: rfc3339(*until),
    };
    RecordingJson { since: rfc3339(recording.since), pause: recording.pause.as_ref().map(pause) }
}

fn names(names: &[Name]) -> Vec<String> {
    names.iter().map(Name::to_string).collect()
}

fn listening(to: &ListeningTo) -> ListeningJson {
    let phase = match to.phase {
        ListeningPhase::Asking => "asking",
        ListeningPhase::LetIn => "let_in",
        ListeningPhase::Listening => "listening",
    };
    ListeningJson { call: to.call.0, agent: to.agent.to_string(), phase, since: rfc3339(to.since) }
}

fn consult(consult: &Consult) -> ConsultJson {
    let with = match &consult.with {
        Some(agent) => agent.to_string(),
        None => consult.target.to_string(),
    };
    let phase = match consult.phase {
        ConsultPhase::Ringing => "ringing",
        ConsultPhase::Briefing => "briefing",
        ConsultPhase::Private => "private",
        ConsultPhase::Caller => "caller",
        ConsultPhase::Conference => "conference",
    };
    ConsultJson {
        with,
        phase,
        note: note(&consult.note),
        acknowledged: consult.acknowledged,
        adds: consult.adds,
    }
}

fn escalation(call: &DeskCall, levels: &[Level]) -> Option<EscalationJson> {
    let first = levels.first()?;
    let find = |name: &Name| escalation::level(levels, name);
    let level = call.level.as_ref().and_then(find);
    let next = match level {
        Some(level) => level.next.as_ref().and_then(find),
        None => Some(first),
    };
    let promise = level.and_then(|level| level.promise.as_ref());
    Some(EscalationJson {
        level: level.map(|level| level.name.to_string()),
        promise: promise.map(|promise| MayPromiseJson {
            kind: promise.kind,
            within_s: promise.within.as_secs(),
            words: promise.words.clone(),
        }),
        next: next.map(|next| next.name.to_string()),
        next_asks: next.map(|next| next.to.to_string()),
        next_when: next.map(|next| next.when.clone()).unwrap_or_default(),
    })
}

fn page(phone: PagePhone) -> &'static str {
    match phone {
        PagePhone::Up => "up",
        PagePhone::Lost => "lost",
    }
}

fn member(member: &Member) -> MemberJson {
    let Member { who, since, muted, gain_db } = member;
    MemberJson { who: who.to_string(), since: rfc3339(*since), muted: *muted, gain_db: *gain_db }
}

fn note(note: &BriefingNote) -> NoteJson {
    NoteJson {
        issue: note.issue.clone(),
        tried: note.tried.clone(),
        wants: note.wants.clone(),
        mood: note.mood,
        promises: note.promises.clone(),
        author: note.author.to_string(),
        written: rfc3339(note.written),
    }
}

fn contact(contact: &Contact) -> ContactJson {
    ContactJson {
        call: contact.call.0,
        at: rfc3339(contact.at),
        queue: contact.queue.clone(),
        agent: contact.agent.clone(),
        outcome: contact.outcome.clone(),
        note: contact.note.clone(),
    }
}
