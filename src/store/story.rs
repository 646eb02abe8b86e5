//! The story of a call: one line of plain words per fact, to be read at three in the morning. Pure.

mod talk;

use std::fmt;
use std::time::Duration;

use jiff::Timestamp as Instant;
use jiff::tz::TimeZone;

use crate::base::LegId;
use crate::base::Name;
use crate::base::WallTime;
use crate::fact::AgentStateName;
use crate::fact::AgentVerification;
use crate::fact::CustomerChange;
use crate::fact::FIRST;
use crate::fact::GrantedBy;
use crate::fact::IdentifiedBy;
use crate::fact::MissedWhy;
use crate::fact::NeedFact;
use crate::fact::OPERATOR_ENDS;
use crate::fact::Outcome;
use crate::fact::Party;
use crate::fact::PeerReport;
use crate::fact::Quality;
use crate::fact::Resolution;
use crate::fact::Verification;
use crate::fact::WaitExit;
use crate::fact::What;
use crate::fact::Why;
use crate::fact::mos;
use crate::fact::trend;
use crate::store::fold::DatedFact;

/// One line of a story.
#[derive(Clone, Debug, PartialEq)]
pub struct Line {
    /// When, by the calendar.
    pub wall: WallTime,
    /// How long after the story's first fact.
    pub after: Duration,
    /// What happened.
    pub words: String,
}

impl Line {
    /// The line with its times: `14:02:07.350    +7.35 s  keyed 1: billing`.
    pub fn in_zone(&self, zone: &TimeZone) -> String {
        let after = format!("+{:.2} s", self.after.as_secs_f64());
        format!("{}  {after:>11}  {}", clock(self.wall, zone), self.words)
    }
}

/// Tells facts of one call, which are in order, as lines in the same order.
pub fn tell(facts: &[DatedFact], zone: &TimeZone) -> Vec<Line> {
    let begin = facts.first().map_or(WallTime(0), |first| first.wall);
    let line = |dated: &DatedFact| Line {
        wall: dated.wall,
        after: Duration::from_micros(u64::try_from(dated.wall.0.saturating_sub(begin.0)).unwrap_or(0)),
        words: words(dated, zone),
    };
    facts.iter().map(line).collect()
}

/// `14:02:07.350` in `zone`.
pub fn clock(wall: WallTime, zone: &TimeZone) -> String {
    zoned(wall, zone, "%H:%M:%S%.3f")
}

/// `2026-11-22 14:02:07` in `zone`.
pub fn date_and_clock(wall: WallTime, zone: &TimeZone) -> String {
    zoned(wall, zone, "%Y-%m-%d %H:%M:%S")
}

/// The same with the zone that it is the clock of: `2026-11-26 18:00:00 CET`.
pub fn moment(wall: WallTime, zone: &TimeZone) -> String {
    zoned(wall, zone, "%Y-%m-%d %H:%M:%S %Z")
}

fn zoned(wall: WallTime, zone: &TimeZone, format: &str) -> String {
    match Instant::from_microsecond(wall.0) {
        Ok(instant) => instant.to_zoned(zone.clone()).strftime(format).to_string(),
        Err(_) => "(no such time)".to_owned(),
    }
}

/// A length of time as people say it: `0.4 s`, `12 s`, `3 min 5 s`.
pub fn length(duration: Duration) -> String {
    let secs = duration.as_secs();
    match secs {
        0..10 => format!("{:.1} s", duration.as_secs_f64()),
        10..60 => format!("{secs} s"),
        60..3_600 if secs.is_multiple_of(60) => format!("{} min", secs / 60),
        60..3_600 => format!("{} min {} s", secs / 60, secs % 60),
        _ => format!("{} h {} min", secs / 3_600, secs % 3_600 / 60),
    }
}

/// What happened, in words.
fn words(dated: &DatedFact, zone: &TimeZone) -> String {
    match &dated.fact.what {
        What::CallArrived { from, display, to, sip_call_id: _, source, trunk } => {
            arrived(from, display, to, source, trunk.as_ref())
        }
        What::FlowsServed { version, canary: false } => format!("served with the flows of version {version}"),
        What::FlowsServed { version, canary: true } => {
            format!("served with the flows of version {version}, which are tried on some")
        }
        What::CallPlaced { agent, to, queue, trunk, caller_id } => {
            let by = trunk.as_ref().map(|trunk| match caller_id {
                Some(number) => format!(", by {trunk} as {number}"),
                None => format!(", by {trunk}, our number withheld"),
            });
            format!("{agent} calls {to}, by the rules of queue {queue}{}", by.unwrap_or_default())
        }
        What::CalleeDialled { to } => format!("{to} is being called"),
        What::CalleeReached { agent, rang } => {
            format!("picked up after {}: {agent} is connected", length(*rang))
        }
        What::CalleeMissed { why } => talk::callee_missed(*why).to_owned(),
        What::CallAnswered => "answered".to_owned(),
        What::FlowStarted { flow } => format!("flow {flow} begins"),
        What::NodeEntered { flow, node, .. } => format!("at {flow}/{node}"),
        What::Played { prompts } => format!("plays {}", list(prompts)),
        What::LeftOut { prompts } => format!("keyed ahead: {} was left out", list(prompts)),
        What::BargedIn { digit } => format!("key {digit} stopped the prompt"),
        What::Digit { digit } => format!("key {digit}"),
        What::NoInput { node } => format!("no key in time at {node}"),
        What::NoMatch { node, digit: '?' } => format!("keyed what is no choice at {node}"),
        What::NoMatch { node, digit } => format!("keyed {digit}, which is no choice at {node}"),
        What::Chose { node: _, digit, choice } => format!("keyed {digit}: {choice}"),
        What::Identified { customer, name, by } => identified(customer, name, *by),
        What::VerificationFailed { attempt } => {
            format!("account, or what proves it, did not fit, try {attempt}")
        }
        What::VerificationEnded { result } => verification(*result).to_owned(),
        What::AgentVerified(AgentVerification { agent, method, passed }) => {
            let not = if *passed { "" } else { "not " };
            format!("{not}verified by {agent}, {}", method.in_words())
        }
        What::VariableSet { name, value } => format!("{name} is {value:?}"),
        What::ServiceAsked { service, result, took } => {
            format!("the service {service} {result}, after {} ms", took.as_millis())
        }
        What::BotJoined { bot } => format!("talks with the bot {bot}"),
        What::BotLeft { bot, result, took } => format!("the bot {bot}: {result}, after {}", length(*took)),
        What::LanguageChosen { language } => format!("is spoken to in {language:?}"),
        What::Enqueued { queue, needs, priority, waiting } => enqueued(queue, needs, *priority, *waiting),
        What::NotLetIn { queue, needs } => {
            format!("came to queue {queue}, needs {}, and was not let in", needed(needs))
        }
        What::AgentsNamed { prefer, exclude, wants } => agents_named(prefer.as_ref(), exclude, wants),
        What::AgeRestored { age } => {
            format!("called again after the line dropped: counts as waiting for {} already", length(*age))
        }
        What::JoinedInSurge => "joined in a surge, and is told so".to_owned(),
        What::NeedsRelaxed { needs } => format!("by now {} will do", needed(needs)),
        What::HeldBack { idle, at_most } => format!("still waits: {}", held_back(*idle, *at_most)),
        What::WaitMoved { from, to, needs, priority: _, by } => {
            format!("{by} moved the caller from queue {from} to {to}, for {}", needed(needs))
        }
        What::WaitPrioritised { priority: FIRST, by } => format!("{by} put the caller before all others"),
        What::WaitPrioritised { priority, by } => format!("{by} gave the caller priority {priority}"),
        What::WaitAsked { quote, position } => {
            format!("asked to hold: place {position}, {}", quoted(*quote))
        }
        What::WaitGranted { by, until } => {
            let left = until.since(dated.fact.at);
            let until = clock(dated.wall_of(*until), zone);
            match by {
                GrantedBy::Caller => format!("agreed to hold, for {} (until {until})", length(left)),
                GrantedBy::FlowFile => {
                    format!("held without asking, by the flow file, for {} (until {until})", length(left))
                }
            }
        }
        What::WaitDeclined => "would not hold".to_owned(),
        What::HoldMusicStarted => "music on hold".to_owned(),
        What::CheckedIn { quote } => format!("told that we still remember: {}", quoted(*quote)),
        What::CallbackChosen { number, at, .. } => {
            let at = at.map_or_else(String::new, |at| format!(" at {}", date_and_clock(at, zone)));
            format!("chose a callback to {number}{at}, and keeps the place")
        }
        What::CarriedOn => "the server was started anew, and the call went on".to_owned(),
        What::PlaceRecalled { queue, .. } => {
            format!("the server was started anew, and the place in {queue} is kept")
        }
        What::ForwardDialled { number } => format!("the flow calls {number} for the caller"),
        What::ForwardAnswered { number, rang } => {
            format!("{number} picked up after {}, and the two hear each other", length(*rang))
        }
        What::ForwardMissed { number, why } => missed(number, *why),
        What::ForwardEnded { number, talked, by } => {
            format!("talk with {number} over after {}, {} hung up", length(*talked), who(*by))
        }
        What::CallbackDialled { number, attempt } => format!("calling back {number}, try {attempt}"),
        What::CallbackFailed { number, attempt, cause } => {
            format!("callback to {number} failed, try {attempt}: {cause}")
        }
        What::AgentReserved { agent, why } => {
            let why = because(why, agent);
            format!("{agent} is reserved, and the caller is called first{why}")
        }
        What::CallbackReached { number, attempt } => {
            format!("{number} picked up for the callback, try {attempt}, and waits for the agent")
        }
        What::CallbackCancelled { number, .. } => {
            format!("{number} is called no more, as no agent is there for them: this was no try")
        }
        What::WaitEnded { exit } => format!("wait over: {}", exit_words(*exit)),
        What::AgentRinging { agent, attempt, why } => {
            let attempt = if *attempt > 1 { format!(", try {attempt}") } else { String::new() };
            let why = because(why, agent);
            format!("{agent}'s phone rings{attempt}{why}")
        }
        What::AgentMissed { agent, why } => missed(agent, *why),
        What::Whispered { agent, prompts } => format!("{agent} picks up, and hears alone: {}", list(prompts)),
        What::AgentConnected { agent, waited, quote } => connected(agent, *waited, *quote),
        What::TalkEnded { agent, talked, by } => {
            format!("talk with {agent} over after {}, {} hung up", length(*talked), who(*by))
        }
        What::HoldAsked { agent, reason, quote, way } => talk::hold_asked(agent, reason, *quote, *way),
        What::CallbackAgreed { agent, way } => talk::callback_agreed(agent, *way),
        What::HoldAnswered { agent, answer } => talk::hold_answered(agent, *answer),
        What::HoldStarted { agent, reason, until, by } => {
            talk::hold_started(agent, reason, until.since(dated.fact.at), *by)
        }
        What::HoldNudged { agent } => format!("{agent} was reminded that the hold is nearly over"),
        What::HoldRequoted { agent, until } => {
            format!("told that {agent} needs {} more", length(until.since(dated.fact.at)))
        }
        What::HoldCheckedIn => "held, and told that we still remember".to_owned(),
        What::HoldAlarm { agent } => format!("{agent} holds too long: alarm"),
        What::HoldEnded { agent, held, by } => talk::hold_ended(agent, *held, *by),
        What::ConsultStarted { agent, target, note } => talk::consult_started(agent, target, note),
        What::ConsultRinging { agent } => format!("{agent}'s phone rings for the consult"),
        What::NoteSpoken { by, length: spoken, .. } => format!("{by} spoke a note of {}", length(*spoken)),
        What::NoteAmended { by, note } => format!("{by} amended the note: {}", talk::note(note)),
        What::NoteAcknowledged { by } => format!("{by} acknowledged the note"),
        What::NoteDeclined { by, reason } if reason.is_empty() => format!("{by} declined the note"),
        What::NoteDeclined { by, reason } => format!("{by} declined the note: {reason}"),
        What::ConsultAnswered { by } => format!("{by} picked up for the consult"),
        What::Toggled { hears } => talk::toggled(*hears).to_owned(),
        What::Conferenced => "all three hear each other".to_owned(),
        What::Escalated { agent, level, to, reason } => {
            format!("{agent} escalates to {level}, {to}: {reason}")
        }
        What::PartyCalled { agent, target, note } => {
            format!("{agent} adds {target}: {}", talk::note(note))
        }
        What::PartyJoined { who } => format!("{who} hears all, and all hear {who}"),
        What::PartyLeft { who, by } => talk::party_left(who, *by),
        What::PartyMuted { who, on: true } => format!("nobody hears {who}"),
        What::PartyMuted { who, on: false } => format!("{who} is heard again"),
        What::PartyGain { who, gain_db } => format!("{who} is heard {gain_db:+} dB louder"),
        What::TakenOver { from, by } => format!("supervisor {by} takes the caller over from {from}"),
        What::ConsultEnded { cause } => format!("consult over: {}", talk::consult_end(*cause)),
        What::Transferred { from, to, kind } => talk::transferred(from, to, *kind),
        What::Referred { agent, to, referred_by, refused } => {
            talk::referred(agent, to, referred_by.as_deref(), refused.as_deref())
        }
        What::HadToRepeat { agent, why } if why.is_empty() => format!("had to repeat, says {agent}"),
        What::HadToRepeat { agent, why } => format!("had to repeat, says {agent}: {why}"),
        What::Misrouted { agent, queue, belongs, reason } => {
            talk::misrouted(agent, queue.as_deref(), belongs.as_deref(), reason)
        }
        What::MisroutedTakenBack { agent } => format!("came to the right queue after all, says {agent}"),
        What::Supervising { supervisor, mode } => talk::supervising(supervisor, *mode),
        What::SupervisionEnded { supervisor } => format!("supervisor {supervisor} is gone"),
        What::ListeningAsked { by, agent } => format!("{by} asks {agent} whether they may listen"),
        What::ListeningAnswered { agent, by, agreed: true } => format!("{agent} lets {by} listen"),
        What::ListeningAnswered { agent, by, agreed: false } => format!("{agent} does not let {by} listen"),
        What::ListeningLapsed { by } => format!("nothing came of it that {by} was to listen"),
        What::Listening { listener, agent, by } => talk::listening(listener, agent, *by),
        What::ListeningEnded { listener } => format!("{listener} does not listen any more"),
        What::OutcomeSet { agent, outcome, reason_code, note } => {
            talk::outcome(agent, *outcome, reason_code, note)
        }
        What::PromiseMade { agent, promise, due, words, .. } => {
            talk::promised(agent, *promise, &date_and_clock(*due, zone), words)
        }
        What::PromiseReminded { agent, .. } => format!("{agent} is reminded of the promise"),
        What::PromiseOverdue { agent, .. } => format!("{agent}'s promise is not kept in time"),
        What::PromiseHanded { from, to, by, .. } => format!("{by} gives {from}'s promise to {to}"),
        What::PromiseSettled { agent, state, by, words, .. } => {
            talk::promise_settled(agent, *state, by.as_deref(), words)
        }
        What::RecordingAnswered { answer } => talk::recording_answered(*answer).to_owned(),
        What::RecordingStarted { file } => format!("recorded from now on, as {file}"),
        What::RecordingPaused { agent, reason } => format!("{agent} pauses the recording: {reason}"),
        What::RecordingResumed { agent } => talk::recording_resumed(agent.as_deref()),
        What::RecordingEnded { file, why } => talk::recording_ended(file, *why),
        What::RecordingFetched { file, by } => {
            format!("{} fetched the recording {file}", somebody(by.as_ref()))
        }
        What::CallRead { by } => format!("{by} read the call's history"),
        What::Evaluated { agent, form, by } => {
            format!("{} judged {agent}'s talk by the form {form}", somebody(by.as_ref()))
        }
        What::EvaluationAcknowledged { agent, form } => {
            format!("{agent} has read how their talk was judged by the form {form}")
        }
        What::EvaluationsRead { by } => format!("{by} read how its talks were judged"),
        What::CallsListed { by, filter } if filter.is_empty() => format!("{by} read the list of calls"),
        What::CallsListed { by, filter } => format!("{by} read the list of calls with {filter}"),
        What::CustomersRead { by } => format!("{by} reads who the customers are"),
        What::CustomerChanged { account, did, by } => {
            let did = match did {
                CustomerChange::Added => "added",
                CustomerChange::Changed => "changed",
                CustomerChange::Removed => "removed",
                CustomerChange::Unlocked => "unlocked",
            };
            let by = by.as_deref().unwrap_or("a program on the server's machine");
            format!("customer {account} was {did} by {by}")
        }
        What::EventsWatched { by } => format!("{by} watches everything that happens"),
        What::MessageLeft { queue, length, .. } => {
            format!("left a message of {:.0} s for {queue}", length.as_secs_f64())
        }
        What::NoMessageLeft { queue, failed: true } => {
            format!("a message for {queue} could not be stored")
        }
        What::NoMessageLeft { queue, failed: false } => format!("left no message for {queue}"),
        What::MessageFetched { by, .. } => format!("{} fetched the message", somebody(by.as_ref())),
        What::MessageHandled { by, words, .. } => {
            let said = if words.is_empty() { String::new() } else { format!(": {words}") };
            format!("{} says that the message is handled{said}", somebody(by.as_ref()))
        }
        What::SurveyStarted { agent, queue } => {
            format!("is asked about the talk with {agent}, of queue {queue}")
        }
        What::SurveyAnswered { question, answer, settled, .. } => {
            let settled = match settled {
                Some(true) => ": it is settled",
                Some(false) => ": it is not settled",
                None => "",
            };
            format!("answers {answer} to {question}{settled}")
        }
        What::LegOpened { leg, party, address } => {
            format!("{} opened, audio at {address}", line(*party, *leg))
        }
        What::LegMoved { leg, party, address } => {
            format!("{} goes on at another phone, {address}", line(*party, *leg))
        }
        What::LegClosed { leg, party, quality } => {
            format!("{} closed: {}", line(*party, *leg), carried(quality))
        }
        What::AudioLost { leg, party } => format!("no more audio comes on {}", line(*party, *leg)),
        What::AudioBack { leg, party } => format!("audio is back on {}", line(*party, *leg)),
        What::FarEndHeld { leg, party } => format!("{} put on hold by its own phone", line(*party, *leg)),
        What::FarEndResumed { leg, party } => {
            format!("{} taken off hold by its own phone", line(*party, *leg))
        }
        What::CallEnded { by, outcome, cause, by_person } => {
            ended(*by, *outcome, cause, by_person.as_deref())
        }
        What::AgentTold { agent, to, reason, by } => {
            let reason = if reason.is_empty() { String::new() } else { format!(" ({reason})") };
            format!("{by} wants {agent} to be {}{reason}", state(*to))
        }
        What::AgentAdded { agent } => format!("{agent} is an agent from now on, as center.yaml says"),
        What::AgentRemoved { agent } => format!("{agent} is an agent no more, as center.yaml says"),
        What::SkillSet { agent, skill, level, by } => skill_set(agent, skill, *level, by.as_ref()),
        What::AgentState { agent, from, to, reason } => state_changed(agent, *from, *to, reason),
        What::AgentNext { agent, to, reason } => {
            let reason = if reason.is_empty() { String::new() } else { format!(" ({reason})") };
            format!("{agent} will be {}{reason} after the call", state(*to))
        }
        What::PhoneRegistered { agent, contact, contacts } => {
            format!("{agent} signed in a phone at {contact}, {contacts} now")
        }
        What::DeskOpened { agent } => format!("{agent} opened the desk"),
        What::DeskLost { agent } => format!("{agent}'s desk vanished"),
        What::DeskBack { agent } => format!("{agent}'s desk is back"),
        What::DeskClosed { agent } => format!("{agent}'s desk is closed"),
        What::SurgeBegan { queue, waiting, agents } => {
            format!("a surge begins in queue {queue}: {}", on_line(*waiting, *agents))
        }
        What::SurgeGoesOn { queue, waiting, agents, since } => {
            let (line, since) = (on_line(*waiting, *agents), clock(*since, zone));
            format!(
                "the server was started anew, and the surge in queue {queue} goes on since {since}: {line}"
            )
        }
        What::SurgeEnded { queue, waiting, agents } => {
            format!("the surge in queue {queue} is over: {}", on_line(*waiting, *agents))
        }
        What::NumberNotBelieved { number } => {
            format!("says to be {number}, which is not believed: the call came by no trunk")
        }
        What::TrunkRegistered { trunk } => format!("registered at the trunk {trunk}"),
        What::TrunkUnregistered { trunk, why } => {
            format!("not registered at the trunk {trunk}, so no calls may come by it: {why}")
        }
        What::CalendarSet { by_ms } => {
            let way = if *by_ms < 0 { "back" } else { "forward" };
            format!(
                "the clock of the server's machine was set {way} by {}",
                length(Duration::from_millis(by_ms.unsigned_abs()))
            )
        }
        What::TrendSeen { queue, changes, pattern } => {
            let words = trend::in_words(changes, *pattern);
            format!("the last week of queue {queue} was another one than those before: {words}")
        }
        What::TargetSet { queue, percent, within } => {
            format!("in queue {queue} {percent} % are to be answered within {} from now on", length(*within))
        }
        What::PhoneUnregistered { agent, contacts } => format!("{agent} signed out a phone, {contacts} left"),
    }
}

/// Who waits for whom in a queue.
fn on_line(waiting: u32, agents: u32) -> String {
    format!("{waiting} on the line, {agents} at work")
}

/// None is a program on the server's machine.
fn somebody(by: Option<&Name>) -> &str {
    by.map_or("a program on this machine", |by| by)
}

fn arrived(from: &str, display: &str, to: &str, source: &str, trunk: Option<&Name>) -> String {
    let from = if from.is_empty() { "a withheld number" } else { from };
    let display =
        if display.is_empty() || display == from { String::new() } else { format!(" \"{display}\"") };
    let trunk = trunk.map(|trunk| format!(" by trunk {trunk}")).unwrap_or_default();
    format!("call from {from}{display} to {to}{trunk}, {source}")
}

fn identified(customer: &str, name: &str, by: IdentifiedBy) -> String {
    match by {
        IdentifiedBy::CallingNumber => format!("number is known: {name}, account {customer} (not yet proof)"),
        IdentifiedBy::Account => format!("account {customer} is {name}'s"),
    }
}

fn verification(result: Verification) -> &'static str {
    match result {
        Verification::VerifiedByPin => "verified by PIN",
        Verification::VerifiedByBirthDate => "verified by date of birth",
        Verification::VerifiedByCode => "verified by a code that was sent",
        Verification::Failed => "not verified: every try was wrong",
        Verification::LockedOut => "not verified: the account is locked after too many wrong tries",
        Verification::NoInput => "not verified: nothing was keyed",
        Verification::Unavailable => "not verified: the customer store did not answer",
        Verification::Abandoned => "not verified: hung up meanwhile",
    }
}

fn enqueued(queue: &str, needs: &[NeedFact], priority: i32, waiting: u32) -> String {
    let needs = if needs.is_empty() { String::new() } else { format!(", needs {}", needed(needs)) };
    let priority = if priority == 0 { String::new() } else { format!(", priority {priority}") };
    let waiting = if waiting == 1 { "the only one".to_owned() } else { format!("{waiting} waiting") };
    format!("joined queue {queue}{needs}{priority}, {waiting}")
}

pub(super) fn agents_named(
    prefer: Option<&(Name, Duration)>,
    exclude: &[Name],
    wants: &[NeedFact],
) -> String {
    let first = prefer.map(|(agent, wait)| format!("{agent} first, for up to {}", length(*wait)));
    let not = (!exclude.is_empty()).then(|| format!("not {}", exclude.join(", ")));
    let wanted = (!wants.is_empty()).then(|| format!("rather somebody with {}", needed(wants)));
    first.into_iter().chain(not).chain(wanted).collect::<Vec<_>>().join("; ")
}

pub(super) fn held_back(idle: u32, at_most: Duration) -> String {
    let who = if idle == 1 {
        "one who could is idle and".to_owned()
    } else {
        format!("{idle} who could are idle and")
    };
    format!("{who} kept for calls to which they are worth more, for {} at most", length(at_most))
}

pub(super) fn needed(needs: &[NeedFact]) -> String {
    let words: Vec<String> = needs.iter().map(ToString::to_string).collect();
    if words.is_empty() { "any agent".to_owned() } else { words.join(" and ") }
}

fn quoted(quote: Option<Duration>) -> String {
    quote.map_or_else(|| "no wait quoted".to_owned(), |quote| format!("quoted {}", length(quote)))
}

fn skill_set(agent: &Name, skill: &Name, level: u8, by: Option<&Name>) -> String {
    match (by, level) {
        (Some(by), 0) => format!("{by} took the skill {skill} from {agent}"),
        (Some(by), level) => format!("{by} gave {agent} the skill {skill} at level {level}"),
        (None, 0) => format!("{agent}'s skill {skill} has ended, as center.yaml says"),
        (None, level) => {
            format!("{agent} has the skill {skill} at level {level} from now on, as center.yaml says")
        }
    }
}

pub(super) fn exit_words(exit: WaitExit) -> &'static str {
    match exit {
        WaitExit::Abandoned => "the caller hung up",
        WaitExit::Declined => "the caller would not hold, and wanted no callback",
        WaitExit::Cap => "the longest wait that the queue allows",
        WaitExit::NobodyStaffed => "nobody signed in has the skill",
        WaitExit::Full => "the queue is full",
        WaitExit::ExpectedWait => "the expected wait is longer than the queue allows",
        WaitExit::Surge => "a surge: too many wait for each agent already",
        WaitExit::CallbackFailed => "no callback reached the caller",
        WaitExit::Redialled => "the caller called again and was served",
        WaitExit::EndedByOperator => "an operator ended the call",
        WaitExit::EndedByServer => "the server ended the call",
    }
}

/// `: ` and why it is this agent, at the end of a line; nothing where nothing was told.
pub(super) fn because(why: &Why, agent: &str) -> String {
    let words = why.words(agent);
    if words.is_empty() { words } else { format!(": {words}") }
}

pub(super) fn missed(agent: &str, why: MissedWhy) -> String {
    match why {
        MissedWhy::NoAnswer => format!("{agent} did not answer"),
        MissedWhy::Declined => format!("{agent} declined"),
        MissedWhy::Busy => format!("{agent}'s phone was busy"),
        MissedWhy::Unreachable => format!("{agent}'s phone could not be reached"),
        MissedWhy::Withdrawn => {
            format!(
                "{agent}'s phone stopped ringing: the call was gone, a colleague's, or the server began anew"
            )
        }
    }
}

fn connected(agent: &str, waited: Duration, quote: Option<Duration>) -> String {
    let kept = match quote {
        None => String::new(),
        Some(quote) if waited <= quote => format!("; promised {}: kept", length(quote)),
        Some(quote) => format!("; promised {}: broken", length(quote)),
    };
    format!("connected to {agent} after waiting {}{kept}", length(waited))
}

fn ended(by: Party, outcome: Outcome, cause: &str, person: Option<&str>) -> String {
    if cause == OPERATOR_ENDS {
        let operator = person.unwrap_or("an operator");
        return match outcome {
            Outcome::EndedByOperator => format!("call over: ended by {operator}"),
            _ => format!("call over: {}; {operator} ended it", outcome_words(outcome)),
        };
    }
    let cause = if cause.is_empty() { String::new() } else { format!(" ({cause})") };
    format!("call over: {}; {} ended it{cause}", outcome_words(outcome), who(by))
}

/// How a call came out, in words.
pub fn outcome_words(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Talked => "talked with an agent",
        Outcome::Served => "served by the flow",
        Outcome::LeftInFlow => "left in the flow",
        Outcome::Abandoned => "abandoned while waiting",
        Outcome::Declined => "would not wait",
        Outcome::Unserved => "not served",
        Outcome::CallbackFailed => "callback never reached the caller",
        Outcome::Refused => "refused",
        Outcome::NotReached => "not reached",
        Outcome::EndedByOperator => "ended by an operator",
        Outcome::Failed => "failed on our side",
    }
}

/// What an agent said of a call, in words.
pub fn resolution_words(resolution: Resolution) -> &'static str {
    talk::resolution(resolution)
}

fn state_changed(agent: &str, from: AgentStateName, to: AgentStateName, reason: &str) -> String {
    let reason = if reason.is_empty() { String::new() } else { format!(" ({reason})") };
    format!("{agent} is {}{reason}, was {}", state(to), state(from))
}

pub(super) fn state(state: AgentStateName) -> &'static str {
    match state {
        AgentStateName::Offline => "offline",
        AgentStateName::Ready => "ready",
        AgentStateName::Reserved => "reserved for a callback",
        AgentStateName::Ringing => "ringing",
        AgentStateName::Talking => "talking",
        AgentStateName::WrapUp => "in wrap-up",
        AgentStateName::NotReady => "not ready",
    }
}

fn who(party: Party) -> &'static str {
    match party {
        Party::Caller => "the caller",
        Party::Agent => "the agent",
        Party::Consulted => "the one consulted",
        Party::Supervisor => "the supervisor",
        Party::Listener => "the colleague who listens",
        Party::Server => "the server",
    }
}

/// The call's first line is the caller's and needs no number; the others are told apart by theirs.
fn line(party: Party, leg: LegId) -> String {
    let number = match leg.number() {
        0 => String::new(),
        number => format!(" {number}"),
    };
    match party {
        Party::Caller => format!("the caller's line{number}"),
        Party::Agent => format!("the agent's line{number}"),
        Party::Consulted => format!("the consulted one's line{number}"),
        Party::Supervisor => format!("the supervisor's line{number}"),
        Party::Listener => format!("the listener's line{number}"),
        Party::Server => format!("our line{number}"),
    }
}

fn carried(quality: &Quality) -> String {
    let Quality { sent, received, lost, jitter_us, round_trip_us, .. } = quality;
    let jitter = f64::from(*jitter_us) / 1_000.0;
    let round_trip = round_trip_us
        .map_or_else(String::new, |us| format!(", round trip {:.1} ms", f64::from(us) / 1_000.0));
    let Quality { late, duplicate, reordered, concealed_ms, r_factor, .. } = quality;
    let counted =
        [(late, "late"), (duplicate, "repeated"), (reordered, "out of order"), (concealed_ms, "ms made up")];
    let counted = counted.iter().filter(|(count, _)| **count > 0);
    let counted: String = counted.map(|(count, what)| format!(", {count} {what}")).collect();
    let sounds = match (r_factor, quality.mos()) {
        (Some(r), Some(mos)) => format!(", R {r}, MOS {mos:.1}"),
        _ => String::new(),
    };
    let there = quality.peer.as_ref().map_or_else(String::new, there);
    format!(
        "{sent} packets sent, {received} received, {lost} lost{counted}, jitter {jitter:.1} ms{round_trip}{sounds}{there}"
    )
}

fn there(peer: &PeerReport) -> String {
    let PeerReport { lost, jitter_us, r_factor, .. } = peer;
    let sounds = r_factor.map_or_else(String::new, |r| format!(", R {r}, MOS {:.1}", mos(r)));
    format!("; there {lost} lost, jitter {:.1} ms{sounds}", f64::from(*jitter_us) / 1_000.0)
}

fn list(names: &[Name]) -> impl fmt::Display {
    names.join(", ")
}

#[cfg(test)]
mod tests;
