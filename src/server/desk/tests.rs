//! What an agent would see, told by facts.

use super::*;
use crate::base::Timestamp;
use crate::fact::AgentMethod;
use crate::fact::AgentVerification;
use crate::fact::BriefingNote;
use crate::fact::Fact;
use crate::fact::HoldAnswer;
use crate::fact::HoldBy;
use crate::fact::HoldEndedBy;
use crate::fact::HoldWay;
use crate::fact::Party;
use crate::fact::RecordingEnd;
use crate::fact::Resolution;
use crate::fact::Target;
use crate::fact::TransferKind;
use crate::fact::Verification;
use crate::fact::Why;
use crate::fact::note;
use crate::store::sample;

const CALL: CallId = CallId(7);

fn desks() -> Desks {
    let rules = [QueueRules::named("support"), QueueRules::named("billing")];
    Desks::new(sample::STARTED, &["alice".into(), "bob".into()], &rules)
}

fn tell(desks: &Desks, facts: impl IntoIterator<Item = Fact>) {
    sample::dated(facts.into_iter().collect()).iter().for_each(|dated| desks.apply(dated));
}

fn at(secs: u64, what: What) -> Fact {
    Fact { at: Timestamp::from_secs(secs), call: Some(CALL), what }
}

fn state(secs: u64, agent: &str, to: AgentStateName) -> Fact {
    let from = AgentStateName::Ready;
    let what = What::AgentState { agent: agent.into(), from, to, reason: "call 7".into() };
    Fact { at: Timestamp::from_secs(secs), call: None, what }
}

fn phase(desks: &Desks, agent: &str) -> Option<Phase> {
    let view = desks.view(agent);
    assert!(view.calls.len() <= 1);
    view.calls.first().map(|(part, call)| call.phase(part))
}

/// The sample call, up to the moment in which bob and the caller talk.
fn talking() -> Desks {
    let desks = desks();
    tell(&desks, sample::whole_call(7).into_iter().take(21));
    tell(&desks, [state(43, "bob", AgentStateName::Talking)]);
    desks
}

#[test]
fn before_picking_up_the_desk_says_who_calls_and_what_they_have_been_through() {
    let desks = desks();
    tell(&desks, sample::whole_call(7).into_iter().take(20));
    assert_eq!(desks.view("alice").calls, [], "alice missed it");
    let view = desks.view("bob");
    let (part, call) = &view.calls[0];
    assert_eq!((part.role, call.phase(part)), (PartRole::Agent, Phase::Ringing));
    assert_eq!((call.name.as_str(), call.number.as_str()), ("Ann", "+12025550143"));
    let (result, when) = (call.assurance.verified, call.verified);
    assert_eq!(result, Some(Verification::VerifiedByPin));
    assert_eq!(when, Some(sample::STARTED + Duration::from_millis(6_500)));
    assert_eq!(call.chose, ["billing".into()]);
    assert_eq!((call.queue.as_deref(), call.quote), (Some("billing"), Some(Duration::from_secs(60))));
    assert_eq!(call.waiting_since, Some(sample::STARTED + Duration::from_millis(7_351)));
}

#[test]
fn a_desk_that_rings_says_until_when_it_does() {
    let desks = desks();
    let rings = sample::whole_call(7).into_iter().take(20);
    // The state comes first, as the engine tells it.
    let (before, last): (Vec<_>, Vec<_>) = rings.partition(|fact| fact.at < Timestamp::from_secs(40));
    tell(&desks, before);
    tell(&desks, [state(40, "bob", AgentStateName::Ringing)]);
    tell(&desks, last);
    let desk = desks.view("bob").desk;
    assert_eq!(
        desk.until,
        Some(sample::STARTED + Duration::from_secs(40) + QueueRules::named("billing").ring)
    );
    tell(&desks, [state(43, "bob", AgentStateName::Talking)]);
    assert_eq!(desks.view("bob").desk.until, None);
}

#[test]
fn an_agent_who_hears_a_whisper_has_picked_up_and_does_not_talk_yet() {
    let desks = desks();
    tell(&desks, sample::whole_call(7).into_iter().take(20));
    tell(&desks, [at(40, What::Whispered { agent: "bob".into(), prompts: vec!["queues/billing".into()] })]);
    assert_eq!(phase(&desks, "bob"), Some(Phase::Whisper));
    let waited = Duration::from_secs(30);
    tell(&desks, [at(44, What::AgentConnected { agent: "bob".into(), waited, quote: None })]);
    assert_eq!(phase(&desks, "bob"), Some(Phase::Talking));
}

#[test]
fn a_place_that_outlived_the_server_rings_nobody_of_before_and_says_all_of_the_caller() {
    let desks = desks();
    tell(&desks, sample::whole_call(7).into_iter().take(20));
    assert_eq!(phase(&desks, "bob"), Some(Phase::Ringing));
    let since = sample::STARTED + Duration::from_millis(7_351);
    let (queue, needs) = ("billing".into(), Vec::new());
    tell(&desks, [at(600, What::PlaceRecalled { queue, needs, priority: 0, waiting: 1, since })]);
    assert_eq!(phase(&desks, "bob"), None, "his phone does not ring any more");
    let why = Why::Words(String::new());
    tell(&desks, [at(630, What::AgentRinging { agent: "alice".into(), attempt: 1, why })]);
    let view = desks.view("alice");
    let (part, call) = &view.calls[0];
    assert_eq!((part.role, call.phase(part)), (PartRole::Agent, Phase::Ringing));
    assert_eq!((call.name.as_str(), call.queue.as_deref()), ("Ann", Some("billing")));
    assert_eq!(call.waiting_since, Some(since));
}

#[test]
fn a_desk_rings_its_bell_when_it_changes_and_only_then() {
    let desks = desks();
    let (alice, bob) = (desks.watch("alice"), desks.watch("bob"));
    tell(&desks, sample::whole_call(7).into_iter().take(17));
    assert!(!alice.has_changed().unwrap(), "the call is nobody's yet");
    tell(&desks, sample::whole_call(7).into_iter().skip(17).take(1));
    assert!(alice.has_changed().unwrap() && !bob.has_changed().unwrap());
}

#[test]
fn after_the_call_its_wrap_up_stays_until_the_agent_is_something_else() {
    let desks = talking();
    assert_eq!(phase(&desks, "bob"), Some(Phase::Talking));
    tell(&desks, sample::whole_call(7).into_iter().skip(21));
    tell(&desks, [state(108, "bob", AgentStateName::WrapUp)]);
    assert_eq!(phase(&desks, "bob"), Some(Phase::WrapUp));
    let until = sample::STARTED + Duration::from_secs(108 + 30);
    assert_eq!(desks.view("bob").desk.until, Some(until));
    tell(&desks, [state(120, "bob", AgentStateName::Ready)]);
    assert_eq!(phase(&desks, "bob"), None);
    assert!(desks.state().calls.is_empty(), "nothing is kept of it");
}

#[test]
fn what_the_agent_wants_next_is_shown_until_they_are_it() {
    let desks = talking();
    let next = What::AgentNext { agent: "bob".into(), to: AgentStateName::NotReady, reason: "lunch".into() };
    tell(&desks, [Fact { at: Timestamp::from_secs(50), call: None, what: next }]);
    let lunch = Some((AgentStateName::NotReady, "lunch".to_owned()));
    assert_eq!(desks.view("bob").desk.next, lunch);
    tell(&desks, [state(60, "bob", AgentStateName::WrapUp)]);
    assert_eq!(desks.view("bob").desk.next, lunch);
    tell(&desks, [state(90, "bob", AgentStateName::NotReady)]);
    assert_eq!(desks.view("bob").desk.next, None);
}

#[test]
fn a_desk_says_that_the_talk_is_recorded_and_when_it_is_not() {
    let desks = talking();
    let recording = |desks: &Desks| desks.view("bob").calls[0].1.recording.clone();
    assert_eq!(recording(&desks), None);
    tell(&desks, [at(50, What::RecordingStarted { file: "7.wav".into() })]);
    let since = sample::STARTED + Duration::from_secs(50);
    assert_eq!(recording(&desks), Some(Recording { since, pause: None }));
    tell(&desks, [at(60, What::RecordingPaused { agent: "bob".into(), reason: "a card number".into() })]);
    let pause = recording(&desks).and_then(|recording| recording.pause).unwrap();
    assert_eq!((pause.reason.as_str(), pause.until), ("a card number", since + Duration::from_secs(310)));
    tell(&desks, [at(70, What::RecordingResumed { agent: None })]);
    assert_eq!(recording(&desks), Some(Recording { since, pause: None }), "it is one recording");
    tell(&desks, [at(80, What::RecordingEnded { file: "7.wav".into(), why: RecordingEnd::Disk })]);
    assert_eq!(recording(&desks), None);
}

#[test]
fn a_desk_says_whether_a_page_is_the_phone() {
    let desks = talking();
    let mut bell = desks.watch("bob");
    let mut page_after = |what: What| {
        bell.mark_unchanged();
        tell(&desks, [at(50, what)]);
        assert!(bell.has_changed().unwrap(), "the desk is told");
        desks.view("bob").desk.page
    };
    let bob = || "bob".into();
    assert_eq!(page_after(What::DeskOpened { agent: bob() }), Some(PagePhone::Up));
    assert_eq!(page_after(What::DeskLost { agent: bob() }), Some(PagePhone::Lost));
    assert_eq!(page_after(What::DeskBack { agent: bob() }), Some(PagePhone::Up));
    assert_eq!(page_after(What::DeskClosed { agent: bob() }), None);
    let contact = "sip:bob@10.0.0.4".to_owned();
    assert_eq!(page_after(What::PhoneRegistered { agent: bob(), contact, contacts: 1 }), None);
    assert_eq!(desks.view("alice").desk.page, None);
}

#[test]
fn an_agents_word_on_who_calls_stands_beside_what_the_flow_was_shown() {
    let desks = talking();
    let (agent, method): (Name, _) = ("bob".into(), AgentMethod::BirthDate);
    tell(&desks, [at(50, What::AgentVerified(AgentVerification { agent, method, passed: false }))]);
    let call = desks.view("bob").calls[0].1.clone();
    assert_eq!((call.assurance.verified, call.assurance.level()), (Some(Verification::VerifiedByPin), 2));
    assert_eq!(call.verified, Some(sample::STARTED + Duration::from_millis(6_500)));
    assert!(call.assurance.by_agent.is_some_and(|word| !word.passed));
    assert_eq!(call.verified_by_agent, Some(sample::STARTED + Duration::from_secs(50)));
    assert!(call.timeline.iter().any(|dated| matches!(dated.fact.what, What::AgentVerified(_))));
}

#[test]
fn a_hold_is_seen_from_the_question_to_the_return() {
    let desks = talking();
    let (agent, reason): (Name, String) = ("bob".into(), "the invoice".into());
    let (quote, way) = (Duration::from_secs(60), HoldWay::Prompted);
    tell(&desks, [at(50, What::HoldAsked { agent: agent.clone(), reason: reason.clone(), quote, way })]);
    assert_eq!(phase(&desks, "bob"), Some(Phase::AskingHold));
    let until = Timestamp::from_secs(112);
    tell(
        &desks,
        [
            at(52, What::HoldAnswered { agent: agent.clone(), answer: HoldAnswer::Yes }),
            at(52, What::HoldStarted { agent: agent.clone(), reason, until, by: HoldBy::Caller }),
            at(97, What::HoldNudged { agent: agent.clone() }),
        ],
    );
    assert_eq!(phase(&desks, "bob"), Some(Phase::Holding));
    let hold = desks.view("bob").calls[0].1.hold.clone().unwrap();
    assert_eq!((hold.until, hold.nudge), (sample::STARTED + Duration::from_secs(112), true));
    let held = Duration::from_secs(48);
    tell(&desks, [at(100, What::HoldEnded { agent, held, by: HoldEndedBy::Agent })]);
    assert_eq!(phase(&desks, "bob"), Some(Phase::Talking));
}

#[test]
fn a_warm_transfer_moves_the_call_from_one_desk_to_the_other() {
    let desks = talking();
    let draft = note::NoteDraft { issue: "boiler leaks".into(), ..Default::default() };
    let filled = note::Filled {
        identity: note::Identity::default(),
        collected: Vec::new(),
        author: "bob".into(),
        written: sample::STARTED,
    };
    let note = Box::new(BriefingNote::parse(&draft, &[], filled).unwrap());
    let (bob, alice): (Name, Name) = ("bob".into(), "alice".into());
    let target = Target::Queue("support".into());
    tell(
        &desks,
        [
            at(50, What::ConsultStarted { agent: bob.clone(), target: target.clone(), note }),
            at(51, What::ConsultRinging { agent: alice.clone() }),
        ],
    );
    assert_eq!(
        (phase(&desks, "bob"), phase(&desks, "alice")),
        (Some(Phase::Consulting), Some(Phase::Ringing))
    );
    let (part, call) = desks.view("alice").calls[0].clone();
    assert_eq!(part.role, PartRole::Consulted);
    assert_eq!(call.consult.unwrap().note.issue, "boiler leaks", "read before picking up");
    tell(&desks, [at(55, What::ConsultAnswered { by: alice.clone() })]);
    let consult = |desks: &Desks| desks.view("bob").calls[0].1.consult.as_ref().map(|consult| consult.phase);
    assert_eq!(consult(&desks), Some(ConsultPhase::Briefing));
    tell(&desks, [at(57, What::NoteAcknowledged { by: alice.clone() })]);
    assert_eq!(consult(&desks), Some(ConsultPhase::Private));
    tell(&desks, [at(60, What::Conferenced)]);
    assert_eq!(phase(&desks, "alice"), Some(Phase::Conference));
    let kind = TransferKind::Warm;
    tell(&desks, [at(70, What::Transferred { from: bob.clone(), to: target, kind })]);
    assert_eq!((phase(&desks, "bob"), phase(&desks, "alice")), (Some(Phase::WrapUp), Some(Phase::Talking)));
    assert_eq!(desks.view("alice").calls[0].0.role, PartRole::Agent);
    let talked = Duration::from_secs(9);
    tell(&desks, [at(99, What::TalkEnded { agent: alice, talked, by: Party::Caller })]);
    assert_eq!(phase(&desks, "alice"), Some(Phase::WrapUp));
}

#[test]
fn a_supervisor_who_has_a_caller_keeps_the_call_until_they_have_said_what_came_of_it() {
    let desks = talking();
    let (bob, sam): (Name, Name) = ("bob".into(), "sam".into());
    let ended = What::TalkEnded { agent: bob.clone(), talked: Duration::from_secs(7), by: Party::Supervisor };
    tell(&desks, [at(50, What::TakenOver { from: bob, by: sam.clone() }), at(50, ended)]);
    assert_eq!((phase(&desks, "bob"), phase(&desks, "sam")), (Some(Phase::WrapUp), Some(Phase::Talking)));
    let outcome = |reason: &str| What::OutcomeSet {
        agent: "sam".into(),
        outcome: Resolution::Resolved,
        reason_code: reason.to_owned(),
        note: String::new(),
    };
    tell(&desks, [at(60, outcome("invoice"))]);
    assert_eq!(phase(&desks, "sam"), Some(Phase::Talking), "the talk goes on");
    let talked = Duration::from_secs(20);
    tell(&desks, [at(70, What::TalkEnded { agent: sam.clone(), talked, by: Party::Agent })]);
    assert_eq!(phase(&desks, "sam"), None, "it was said already");
    tell(&desks, [state(71, "bob", AgentStateName::Ready)]);
    let talks = |call: u64, secs: u64| {
        let fact = |what| Fact { call: Some(CallId(call)), ..at(secs, what) };
        tell(&desks, sample::whole_call(call).into_iter().take(21));
        tell(&desks, [fact(What::TakenOver { from: "bob".into(), by: sam.clone() })]);
        tell(&desks, [fact(What::TalkEnded { agent: sam.clone(), talked, by: Party::Agent })]);
    };
    talks(8, 100);
    assert_eq!(phase(&desks, "sam"), Some(Phase::WrapUp), "until it is said");
    talks(9, 200);
    let kept: Vec<CallId> = desks.view("sam").calls.iter().map(|(_, call)| call.id).collect();
    assert_eq!(kept, [CallId(9)], "or the next one is there");
    tell(&desks, [Fact { call: Some(CallId(9)), ..at(210, outcome("order")) }]);
    assert_eq!(phase(&desks, "sam"), None);
}

#[test]
fn who_was_added_to_a_talk_stands_in_its_list() {
    let desks = talking();
    tell(&desks, [at(50, What::PartyJoined { who: "alice".into() })]);
    assert_eq!(phase(&desks, "bob"), Some(Phase::Conference));
    tell(
        &desks,
        [
            at(60, What::PartyMuted { who: "alice".into(), on: true }),
            at(61, What::PartyGain { who: "alice".into(), gain_db: 3 }),
            at(62, What::PartyGain { who: "caller".into(), gain_db: -6 }),
        ],
    );
    let call = desks.view("bob").calls[0].1.clone();
    let since = sample::STARTED + Duration::from_secs(50);
    assert_eq!(call.members, [Member { who: "alice".into(), since, muted: true, gain_db: 3 }]);
    assert_eq!(call.caller_gain_db, -6);
    tell(&desks, [at(70, What::PartyLeft { who: "alice".into(), by: Party::Agent })]);
    assert_eq!(phase(&desks, "bob"), Some(Phase::Talking));
}

#[test]
fn calls_that_no_agent_sees_leave_nothing() {
    let desks = desks();
    for call in 0..100 {
        tell(&desks, sample::short_call(call));
    }
    assert!(desks.state().calls.is_empty());
}
