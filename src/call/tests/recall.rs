//! What is left of a call whose place was kept when the server stopped.

use super::*;
use crate::call::recall::NotKept;
use crate::fact::AgentMethod;
use crate::fact::AgentVerification;
use crate::fact::IdentifiedBy;
use crate::fact::KeptPlace;
use crate::fact::NeedFact;
use crate::fact::OPERATOR_ENDS;
use crate::fact::Place;
use crate::queue::api::FIRST;
use crate::queue::api::Whose;

const NUMBER: &str = "+12025550100";

/// An hour after the calendar's beginning the server is started anew, which it was half an hour before as well.
const WALL: WallTime = WallTime(3_600_000_000);
const NOW: Timestamp = Timestamp::from_secs(2);

fn secs(secs: u64) -> Duration {
    Duration::from_secs(secs)
}

fn need(skill: &str, level: u8) -> NeedFact {
    NeedFact { skill: skill.into(), level, or: Vec::new() }
}

/// A place for `asked` that was agreed on ten minutes ago, when the caller was a minute old.
fn kept() -> KeptPlace {
    KeptPlace {
        call: CallId(7),
        number: NUMBER.to_owned(),
        at: None,
        place: Place {
            queue: "asked".into(),
            priority: 3,
            age: secs(60),
            waited: secs(40),
            ..Place::default()
        },
        chosen: WALL.before(secs(600)),
        tries: 1,
        under_way: false,
        failed: Some(WALL.before(secs(5))),
    }
}

/// What the history has of the call.
fn history() -> Vec<What> {
    let mut script = Script::arrive("1001", NUMBER, None);
    script.waits();
    script.word("engine asks", asks());
    script.digit('2');
    script.word("engine keeps the place", QueueWord::KeepPlace);
    script.facts
}

fn recalled(kept: &KeptPlace, history: &[What]) -> Result<(Call, Vec<CallAction>), NotKept> {
    let mut out = Vec::new();
    let call = Call::recalled(&TEST_CENTER, NOW, WALL, kept, history, &mut out)?;
    Ok((call, out))
}

/// What the engine is told of it.
fn told(out: &[CallAction]) -> (Enqueue, u64, u64, u32) {
    let told = out.iter().find_map(|action| match action {
        CallAction::Queue(queue::Event::RecallPlace { enqueue, from, until, tries }) => {
            let from_now = |at: &Timestamp| at.since(NOW).as_secs();
            Some(((**enqueue).clone(), from_now(from), from_now(until), *tries))
        }
        _ => None,
    });
    told.expect("the engine is told of the place")
}

#[test]
fn a_place_is_as_old_by_the_calendar_and_waits_out_what_may_still_ring() {
    let (mut call, out) = recalled(&kept(), &history()).unwrap();
    let (enqueue, from, until, tries) = told(&out);
    assert_eq!(enqueue.age_credit, secs(660), "ten minutes and the minute before");
    assert_eq!(enqueue.whose.to_vec(), Whose::number(NUMBER).into_iter().collect::<Vec<_>>());
    // The last try failed five seconds ago, and tries are a minute apart.
    assert_eq!((from, until, tries), (55, 4 * 3_600 - 600, 1));
    assert!(!out.iter().any(|action| matches!(action, CallAction::Fact(_))), "{out:?}");
    assert!(call.rests() && call.open.is_empty());

    let mut out = Vec::new();
    let word = QueueWord::Enqueued { queue: "asked".into(), needs: Vec::new(), priority: 3, waiting: 1 };
    call.handle(&TEST_CENTER, NOW, WALL, CallEvent::Queue(word), &mut out);
    call.handle(&TEST_CENTER, NOW, WALL, CallEvent::Queue(QueueWord::KeepPlace), &mut out);
    let [CallAction::Fact(What::PlaceRecalled { since, .. })] = out[..] else { panic!("{out:?}") };
    assert_eq!(since, WALL.before(secs(640)), "since they joined the queue");
}

#[test]
fn a_try_that_was_under_way_has_failed_and_a_chosen_time_stays() {
    let under_way = KeptPlace { under_way: true, failed: None, ..kept() };
    let (_, out) = recalled(&under_way, &history()).unwrap();
    assert_eq!(told(&out).1, 60, "a minute from now: the phone may still ring");
    let failed = out.iter().find_map(|action| match action {
        CallAction::Fact(What::CallbackFailed { attempt, cause, .. }) => Some((*attempt, cause.as_str())),
        _ => None,
    });
    assert_eq!(failed, Some((1, "the server stopped")));

    let later = KeptPlace { at: Some(WALL + secs(900)), tries: 0, failed: None, ..kept() };
    let (_, out) = recalled(&later, &history()).unwrap();
    assert_eq!((told(&out).1, told(&out).2), (900, 900 + 4 * 3_600));
    let now = KeptPlace { tries: 0, failed: None, ..kept() };
    assert_eq!(told(&recalled(&now, &history()).unwrap().1).1, 25, "any call of before has rung out");
}

#[test]
fn the_place_is_what_the_facts_say_of_it_by_what_the_center_has() {
    let mut fold = crate::fact::KeptPlaces::default();
    let mut script = Script::arrive("1001", NUMBER, None);
    script.waits();
    script.word(
        "engine",
        QueueWord::Enqueued { queue: "help".into(), needs: Vec::new(), priority: 4, waiting: 1 },
    );
    script.now += secs(30);
    script.word("engine keeps the place", QueueWord::KeepPlace);
    for what in &script.facts {
        fold.apply(CallId(7), WALL, what);
    }
    let place = fold.iter().next().expect("a place is kept").place.clone();
    assert_eq!((&*place.queue, place.priority, place.waited), ("help", 4, secs(30)));
    assert_eq!(place.contact, "sip:there@127.0.0.1:5070");

    // A supervisor's words after that count, and a skill that is no more is nobody's.
    let by = || "sam".into();
    fold.apply(CallId(7), WALL, &What::WaitPrioritised { priority: FIRST, by: by() });
    let first = fold.iter().next().unwrap().clone();
    let gone = vec![need("talk", 2), need("juggling", 9)];
    let of_skills = KeptPlace { place: Place { needs: gone, ..first.place.clone() }, ..first };
    let enqueue = told(&recalled(&of_skills, &history()).unwrap().1).0;
    assert_eq!(enqueue.priority, FIRST);
    assert_eq!(enqueue.needs.needs.facts(&TEST_CENTER.engine.skills), [need("talk", 2)]);
    let (from, to) = ("help".into(), "no such queue".into());
    fold.apply(CallId(7), WALL, &What::WaitMoved { from, to, needs: Vec::new(), priority: 0, by: by() });
    let moved = fold.iter().next().unwrap();
    assert_eq!(recalled(moved, &history()).unwrap_err(), NotKept::NoQueue);
    assert_eq!(recalled(&kept(), &[]).unwrap_err(), NotKept::NoHistory);
}

#[test]
fn what_was_of_the_call_is_not_begun_anew() {
    let leg = LegId::of(CallId(7), 9);
    let quality = Quality::default();
    let mut history = history();
    history.extend([
        What::LanguageChosen { language: "es".into() },
        What::RecordingStarted { file: "7-1.wav".to_owned() },
        What::LegClosed { leg, party: Party::Agent, quality },
    ]);
    let (mut call, _) = recalled(&kept(), &history).unwrap();
    assert_eq!(&*call.language, "es");
    assert_eq!(call.reserve_leg(), LegId::of(CallId(7), 10));
    let mut other = Call::new(CallId(7), &TEST_CENTER, call.arrival.clone(), Phase::Kept);
    other.recording.had_one();
    assert_eq!(call.recording, other.recording, "a second recording is the second");
}

#[test]
fn whom_an_agent_verified_is_known_when_they_are_called_back() {
    let verified = |passed| {
        let mut history = history();
        let (customer, name) = ("100200".to_owned(), "Ann".to_owned());
        let (agent, method) = ("alice".into(), AgentMethod::BirthDate);
        history.extend([
            What::Identified { customer, name, by: IdentifiedBy::CallingNumber },
            What::AgentVerified(AgentVerification { agent, method, passed }),
        ]);
        let (_, out) = recalled(&kept(), &history).unwrap();
        told(&out).0.whose.contains(&Whose::account("100200"))
    };
    assert!(verified(true) && !verified(false));
}

#[test]
fn who_was_recalled_has_waited_since_before_the_start() {
    let (call, out) = recalled(&kept(), &history()).unwrap();
    let (_, from, ..) = told(&out);
    let mut script = Script::of(call, NOW + secs(from));
    let agent = script.rings();
    script.leg("alice picks up", agent, LegEvent::Up);
    script.word("noted", QueueWord::Connected { waited: secs(3), quote: None });
    let caller = script.dialled();
    assert_eq!(script.call.rings_for(caller), Some(secs(25)));
    script.leg("the caller picks up", caller, LegEvent::Up);
    let play = script.call.next_play - 1 - FIRST_PLAY;
    script.play_ends(caller, play);
    let waited = script.facts.iter().find_map(|what| match what {
        What::AgentConnected { waited, .. } => Some(*waited),
        _ => None,
    });
    // Ten minutes and forty seconds before the start, what had to be waited after it, and three seconds.
    assert_eq!(waited, Some(secs(640 + from + 3)));
}

#[test]
fn a_server_that_stops_ends_no_place() {
    let (call, _) = recalled(&kept(), &history()).unwrap();
    let mut script = Script::of(call.clone(), NOW);
    script.happens("shutdown", CallEvent::Shutdown);
    script.check("shutdown\n  over");

    let mut script = Script::of(call.clone(), NOW);
    let agent = script.rings();
    script.leg("alice picks up", agent, LegEvent::Up);
    let caller = script.dialled();
    script.transcript.clear();
    script.happens("shutdown", CallEvent::Shutdown).closes(agent).closes(caller);
    script.check(
        "
shutdown
  fact: callback_failed
  hang up 1
  hang up 2
line closes
line closes
  over",
    );

    let mut script = Script::of(call, NOW);
    script.happens("stop", CallEvent::Stop { cause: OPERATOR_ENDS, by: Some("sam".into()) });
    script.check("stop\n  fact: wait_ended\n  engine: Ended\n  fact: call_ended\n  over");
    assert_eq!(script.outcome(), Some(Outcome::EndedByOperator), "it did not fail");
    let ended = WaitExit::EndedByOperator;
    assert!(script.facts.contains(&What::WaitEnded { exit: ended }), "{:?}", script.facts);
    let by_sam =
        |what: &What| matches!(what, What::CallEnded { by_person: Some(person), .. } if &**person == "sam");
    assert!(script.facts.iter().any(by_sam), "{:?}", script.facts);
}
