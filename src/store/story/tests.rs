//! Stories as they are printed, against stories as they should read.

use super::*;
use crate::base::CallId;
use crate::base::Timestamp;
use crate::fact::AgentMethod;
use crate::fact::AgentVerification;
use crate::fact::Fact;
use crate::fact::Why;
use crate::store::sample;

fn check(facts: Vec<Fact>, expected: &str) {
    let lines = tell(&sample::dated(facts), &TimeZone::UTC);
    let story: String = lines.iter().map(|line| line.in_zone(&TimeZone::UTC) + "\n").collect();
    assert_eq!(story, expected);
}

#[test]
fn a_whole_call_reads_line_by_line() {
    let expected = "\
14:02:00.000      +0.00 s  call from +12025550143 \"Ann\" to 1000, udp 127.0.0.1:5070
14:02:00.000      +0.00 s  number is known: Ann, account 100200 (not yet proof)
14:02:00.012      +0.01 s  answered
14:02:00.012      +0.01 s  the caller's line opened, audio at 127.0.0.1:7000
14:02:00.013      +0.01 s  flow main begins
14:02:00.013      +0.01 s  at main/welcome
14:02:00.014      +0.01 s  plays greeting/welcome, names/ann
14:02:02.100      +2.10 s  key 1 stopped the prompt
14:02:02.100      +2.10 s  key 1
14:02:04.000      +4.00 s  account, or what proves it, did not fit, try 1
14:02:06.500      +6.50 s  verified by PIN
14:02:07.350      +7.35 s  key 1
14:02:07.350      +7.35 s  keyed 1: billing
14:02:07.351      +7.35 s  joined queue billing, needs billing >= 3, 2 waiting
14:02:07.352      +7.35 s  asked to hold: place 2, quoted 1 min
14:02:09.000      +9.00 s  agreed to hold, for 5 min (until 14:07:09.000)
14:02:09.001      +9.00 s  music on hold
14:02:20.000     +20.00 s  alice's phone rings
14:02:40.000     +40.00 s  alice did not answer
14:02:40.000     +40.00 s  bob's phone rings, try 2: the only idle agent
14:02:43.351     +43.35 s  connected to bob after waiting 36 s; promised 1 min: kept
14:03:48.351    +108.35 s  talk with bob over after 1 min 5 s, the caller hung up
14:03:48.352    +108.35 s  call over: talked with an agent; the caller ended it (BYE)
14:03:48.360    +108.36 s  the caller's line closed: 4310 packets sent, 4307 received, 3 lost, jitter 1.2 ms, round trip 0.8 ms, R 92, MOS 4.4; there 5 lost, jitter 2.1 ms, R 88, MOS 4.3
";
    check(sample::whole_call(7), expected);
}

#[test]
fn every_kind_of_trouble_has_plain_words() {
    let fact = |what| Fact { at: Timestamp::from_millis(500), call: Some(CallId(1)), what };
    let by_alice = |passed| {
        let (agent, method) = ("alice".into(), AgentMethod::CallbackNumber);
        fact(What::AgentVerified(AgentVerification { agent, method, passed }))
    };
    let facts = vec![
        fact(What::NoInput { node: "menu".into() }),
        fact(What::NoMatch { node: "menu".into(), digit: '7' }),
        fact(What::VerificationEnded { result: Verification::LockedOut }),
        by_alice(false),
        by_alice(true),
        fact(What::WaitDeclined),
        fact(What::CallbackChosen { number: "+12025550143".into(), at: None, place: None }),
        fact(What::CallbackFailed { number: "+12025550143".into(), attempt: 2, cause: "busy".into() }),
        fact(What::AgentReserved { agent: "bob".into(), why: Why::default() }),
        fact(What::CallbackCancelled { number: "+12025550143".into(), attempt: 3 }),
        fact(What::CallbackReached { number: "+12025550143".into(), attempt: 3 }),
        fact(What::PlaceRecalled {
            queue: "billing".into(),
            needs: Vec::new(),
            priority: 0,
            waiting: 1,
            since: sample::STARTED,
        }),
        fact(What::NotLetIn {
            queue: "billing".into(),
            needs: vec![NeedFact { skill: "billing".into(), level: 3, or: Vec::new() }],
        }),
        fact(What::WaitEnded { exit: WaitExit::NobodyStaffed }),
        fact(What::AgentMissed { agent: "bob".into(), why: MissedWhy::Withdrawn }),
        fact(What::AgentConnected {
            agent: "bob".into(),
            waited: Duration::from_secs(3_725),
            quote: Some(Duration::from_secs(120)),
        }),
        fact(What::AudioLost { leg: LegId::of(CallId(1), 3), party: Party::Agent }),
        fact(What::AgentState {
            agent: "bob".into(),
            from: AgentStateName::Ringing,
            to: AgentStateName::NotReady,
            reason: "missed a call".into(),
        }),
        fact(What::AgentState {
            agent: "bob".into(),
            from: AgentStateName::Ready,
            to: AgentStateName::Reserved,
            reason: "call 1".into(),
        }),
        fact(What::CallEnded {
            by: Party::Server,
            outcome: Outcome::Failed,
            cause: "the server stopped".into(),
            by_person: None,
        }),
    ];
    let expected = "\
no key in time at menu
keyed 7, which is no choice at menu
not verified: the account is locked after too many wrong tries
not verified by alice, callback number
verified by alice, callback number
would not hold
chose a callback to +12025550143, and keeps the place
callback to +12025550143 failed, try 2: busy
bob is reserved, and the caller is called first
+12025550143 is called no more, as no agent is there for them: this was no try
+12025550143 picked up for the callback, try 3, and waits for the agent
the server was started anew, and the place in billing is kept
came to queue billing, needs billing >= 3, and was not let in
wait over: nobody signed in has the skill
bob's phone stopped ringing: the call was gone, a colleague's, or the server began anew
connected to bob after waiting 1 h 2 min; promised 2 min: broken
no more audio comes on the agent's line 3
bob is not ready (missed a call), was ringing
bob is reserved for a callback (call 1), was ready
call over: failed on our side; the server ended it (the server stopped)
";
    let lines = tell(&sample::dated(facts), &TimeZone::UTC);
    assert_eq!(lines.iter().map(|line| format!("{}\n", line.words)).collect::<String>(), expected);
}

#[test]
fn who_ended_a_call_as_its_operator_is_told_so_and_not_that_it_failed() {
    let told = |outcome, person: Option<&str>| {
        let (by, cause, by_person) = (Party::Server, OPERATOR_ENDS.into(), person.map(Name::from));
        let what = What::CallEnded { by, outcome, cause, by_person };
        let ended = Fact { at: Timestamp::ZERO, call: Some(CallId(1)), what };
        tell(&sample::dated(vec![ended]), &TimeZone::UTC)[0].words.clone()
    };
    assert_eq!(told(Outcome::EndedByOperator, Some("sam")), "call over: ended by sam");
    assert_eq!(told(Outcome::Talked, Some("sam")), "call over: talked with an agent; sam ended it");
    // In a history from before it was told who, and of a program on the server's machine.
    assert_eq!(told(Outcome::EndedByOperator, None), "call over: ended by an operator");
    assert_eq!(told(Outcome::Talked, None), "call over: talked with an agent; an operator ended it");
}

#[test]
fn the_story_is_told_in_the_reader_s_own_zone() {
    let zone = TimeZone::fixed(jiff::tz::offset(-5));
    let lines = tell(&sample::dated(sample::short_call(1)), &zone);
    assert!(lines[0].in_zone(&zone).starts_with("09:02:00.000"));
    assert_eq!(date_and_clock(sample::STARTED, &zone), "2026-11-22 09:02:00");
}

#[test]
fn a_hold_and_a_warm_transfer_are_told_as_they_went() {
    use crate::fact::note;

    let secs = Duration::from_secs;
    let fact = |at, what| Fact { at: Timestamp::from_secs(at), call: Some(CallId(1)), what };
    let draft = note::NoteDraft {
        issue: "boiler leaks".into(),
        wants: "a visit today".into(),
        mood: note::Mood::Urgent,
        ..Default::default()
    };
    let filled = note::Filled {
        identity: note::Identity::default(),
        collected: Vec::new(),
        author: "alice".into(),
        written: sample::STARTED,
    };
    let note = Box::new(note::BriefingNote::parse(&draft, &[], filled).unwrap());
    let (agent, by): (Name, Name) = ("alice".into(), "bob".into());
    let reason = "looking up the invoice".to_owned();
    let (way, until) = (crate::fact::HoldWay::Prompted, Timestamp::from_secs(62));
    let target = crate::fact::Target::Agent(by.clone());
    let facts = vec![
        fact(0, What::HoldAsked { agent: agent.clone(), reason: reason.clone(), quote: secs(60), way }),
        fact(2, What::HoldAnswered { agent: agent.clone(), answer: crate::fact::HoldAnswer::Yes }),
        fact(2, What::HoldStarted { agent: agent.clone(), reason, until, by: crate::fact::HoldBy::Caller }),
        fact(
            32,
            What::HoldEnded { agent: agent.clone(), held: secs(30), by: crate::fact::HoldEndedBy::Caller },
        ),
        fact(40, What::ConsultStarted { agent: agent.clone(), target: target.clone(), note }),
        fact(41, What::NoteAcknowledged { by: by.clone() }),
        fact(42, What::NoteDeclined { by, reason: "no van left".into() }),
        fact(43, What::ConsultEnded { cause: crate::fact::ConsultEnd::Declined }),
        fact(50, What::Transferred { from: agent, to: target, kind: crate::fact::TransferKind::Warm }),
    ];
    let expected = "\
asked by prompt whether alice may hold for 1 min: looking up the invoice
agreed to be held by alice
on hold by alice for 1 min: looking up the invoice
off hold after 30 s: the caller's key brought alice back
alice consults bob: boiler leaks; wants a visit today; urgent
bob acknowledged the note
bob declined the note: no van left
consult over: declined
alice handed over to bob, who knows the note
";
    let lines = tell(&sample::dated(facts), &TimeZone::UTC);
    assert_eq!(lines.iter().map(|line| format!("{}\n", line.words)).collect::<String>(), expected);
}

#[test]
fn needs_with_alternatives_and_those_of_old_histories_read_alike() {
    let needs = r#"[{"skill":"billing","level":3},
        {"skill":"english","level":2,"or":[{"skill":"spanish","level":5}]}]"#;
    let needs: Vec<NeedFact> = serde_json::from_str(needs).unwrap();
    let fact = |secs, what| Fact { at: Timestamp::from_secs(secs), call: Some(CallId(1)), what };
    let facts = vec![
        fact(0, What::Enqueued { queue: "billing".into(), needs: needs.clone(), priority: 0, waiting: 1 }),
        fact(20, What::NeedsRelaxed { needs: needs[..1].to_vec() }),
        fact(30, What::HeldBack { idle: 2, at_most: Duration::from_secs(180) }),
        fact(40, What::NeedsRelaxed { needs: Vec::new() }),
    ];
    let expected = "\
14:02:00.000      +0.00 s  joined queue billing, needs billing >= 3 and (english >= 2 or spanish >= 5), the only one
14:02:20.000     +20.00 s  by now billing >= 3 will do
14:02:30.000     +30.00 s  still waits: 2 who could are idle and kept for calls to which they are worth more, for 3 min at most
14:02:40.000     +40.00 s  by now any agent will do
";
    check(facts, expected);
}
