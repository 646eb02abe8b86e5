//! What a held caller is told, what they may choose, and where they go whom nobody serves.

use super::*;
use crate::fact::NeedFact;

impl Script {
    /// Somebody has dialled a number that leads to a queue at once.
    fn joined(dialled: &str) -> Script {
        let mut script = Script::arrive(dialled, "+12025550100", None);
        script.happens("nobody has that number", CallEvent::Found(None));
        script.transcript.clear();
        script
    }

    /// Somebody is held, 2 minutes having been said.
    fn held() -> Script {
        Script::held_at("1010")
    }

    fn held_at(dialled: &str) -> Script {
        let mut script = Script::arrive(dialled, "+12025550100", None);
        script.happens("nobody has that number", CallEvent::Found(None)).is_let_in();
        script.word("asks", QueueWord::AskPermission { quote: Some(Duration::from_secs(110)), position: 2 });
        script.digit('1').word("engine holds", holds());
        script.play_ends(CALLER, 1);
        script.transcript.clear();
        script
    }

    /// The queue has them.
    pub(super) fn is_let_in(&mut self) -> &mut Script {
        let (queue, needs) = ("help".into(), Vec::new());
        self.word("joins", QueueWord::Enqueued { queue, needs, priority: 0, waiting: 1 })
    }

    /// The engine checks in after so many seconds more.
    fn checks_in(&mut self, after_s: u64, quote_s: Option<u64>, position: u32) -> &mut Script {
        self.now += Duration::from_secs(after_s);
        let quote = quote_s.map(Duration::from_secs);
        self.word(&format!("{after_s} s later"), QueueWord::CheckIn { quote, position })
    }
}

#[test]
fn a_held_caller_is_told_a_better_wait_and_messages_in_turn_and_the_next_one_no_wait() {
    let mut script = Script::held();
    script.checks_in(13, Some(50), 2);
    script.checks_in(1, Some(100), 2).checks_in(59, Some(50), 2);
    script.checks_in(1, Some(50), 2).checks_in(60, Some(170), 3);
    // Who is next hears no wait, however short.
    script.checks_in(60, Some(10), 1).checks_in(60, None, 2);
    script.check(
        "
13 s later
1 s later
  fact: checked_in
  play to 0: wait/web wait/offer
59 s later
1 s later
  fact: checked_in
  play to 0: wait/check-in wait/less-than numbers/1 units/minute wait/offer
60 s later
  fact: checked_in
  play to 0: wait/letter wait/offer
60 s later
  fact: checked_in
  play to 0: wait/web wait/offer
60 s later
  fact: checked_in
  play to 0: wait/letter wait/offer",
    );
}

#[test]
fn a_held_caller_is_told_their_place_when_it_is_better_and_not_who_is_next() {
    let mut script = Script::held_at("1012");
    script.checks_in(15, None, 4).checks_in(60, Some(50), 3);
    // Others went before them; then they are as near as they knew; then nearer; then next.
    script.checks_in(60, None, 5).checks_in(60, None, 3).checks_in(60, None, 2).checks_in(60, None, 1);
    script.check(
        "
15 s later
  fact: checked_in
  play to 0: wait/check-in wait/position numbers/4 wait/in-line
60 s later
  fact: checked_in
  play to 0: wait/check-in wait/less-than numbers/1 units/minute wait/position numbers/3 wait/in-line
60 s later
  fact: checked_in
  play to 0: wait/web
60 s later
  fact: checked_in
  play to 0: wait/web
60 s later
  fact: checked_in
  play to 0: wait/check-in wait/position numbers/2 wait/in-line
60 s later
  fact: checked_in
  play to 0: wait/web",
    );
}

#[test]
fn a_caller_who_would_rather_leave_a_message_leaves_the_queue_for_it() {
    let mut script = Script::held();
    script.digit('2').digit('3').word("engine lets go", QueueWord::Exit { exit: WaitExit::Declined });
    script.flow_play_ends(1).flow_play_ends(2);
    script.happens("speaks", CallEvent::Speaks { leg: CALLER, on: true });
    script.now += Duration::from_secs(3);
    script.leg("the caller hangs up", CALLER, LegEvent::Ended { cause: "hung up".into() });
    script.closes(CALLER);
    script.check(
        "
key 2
key 3
  fact: digit
  engine: Permission Declined
engine lets go
  fact: wait_ended
  stop playing
  fact: flow_started
  play to 0: greeting/welcome
play ends
  play to 0: beep
play ends
  record 0 into 7.wav: Start(Message)
speaks
the caller hangs up
  record 0: Stop
  fact: message_left
line closes
  fact: call_ended
  over",
    );
    let mut script = Script::held();
    script.digit('4');
    script.check("key 4\n  fact: digit\n  engine: Permission Callback");
}

#[test]
fn whom_nobody_serves_goes_on_in_the_queues_flow_and_came_out_unserved_unless_they_left_something() {
    let exits = [
        (WaitExit::Cap, true),
        (WaitExit::NobodyStaffed, false),
        (WaitExit::Full, false),
        (WaitExit::ExpectedWait, false),
    ];
    for (exit, leaves) in exits {
        let mut script = Script::held();
        script.word("nobody", QueueWord::Exit { exit }).flow_play_ends(1).flow_play_ends(2);
        script.happens("speaks", CallEvent::Speaks { leg: CALLER, on: leaves });
        script.now += Duration::from_secs(3);
        script.leg("the caller hangs up", CALLER, LegEvent::Ended { cause: "hung up".into() });
        let outcome = if leaves { Outcome::Served } else { Outcome::Unserved };
        let ended = matches!(&script.call.phase, Phase::Ended { outcome: ended, .. } if *ended == outcome);
        assert!(ended, "{:?}", script.call.phase);
    }
    // A queue without such a flow says that it is sorry.
    let mut script = Script::arrive("1001", "+12025550100", None);
    script.happens("nobody has that number", CallEvent::Found(None));
    script.word("nobody", QueueWord::Exit { exit: WaitExit::Full });
    assert!(script.transcript.ends_with("play to 0: wait/sorry\n"), "{}", script.transcript);
}

#[test]
fn an_agent_who_picks_up_in_time_has_the_caller_who_wanted_to_leave() {
    let mut script = Script::held();
    let agent = script.rings();
    script.digit('3').leg("alice picks up", agent, LegEvent::Up);
    assert!(matches!(script.call.phase, Phase::Talking(_)), "{:?}", script.call.phase);
}

#[test]
fn who_joins_in_a_surge_hears_so_first_and_once_and_is_made_its_offers() {
    let mut script = Script::joined("1013");
    let quote = Some(Duration::from_secs(110));
    script.word("engine tells", QueueWord::InSurge);
    script.word("asks", QueueWord::AskPermission { quote, position: 9 });
    script.word("asks again", QueueWord::AskPermission { quote: None, position: 9 });
    script.digit('3').digit('5');
    script.check(
        "
engine tells
  fact: joined_in_surge
asks
  fact: wait_asked
  play to 0: wait/many wait/all-busy wait/less-than numbers/2 units/minutes wait/question
asks again
  fact: wait_asked
  play to 0: wait/all-busy wait/question
key 3
key 5
  fact: digit
  engine: Permission Callback",
    );
    // Who is not asked hears it before the music.
    let mut script = Script::joined("1013");
    let hold = QueueWord::Hold { until: Timestamp::from_secs(900), by_flow_file: true };
    script.word("engine tells", QueueWord::InSurge).word("engine holds", hold.clone()).play_ends(CALLER, 0);
    script.check(
        "
engine tells
  fact: joined_in_surge
engine holds
  fact: wait_granted
  play to 0: wait/many
play ends
  fact: hold_music_started
  play to 0: hold-music again and again",
    );
    // Who joins at another time has the queue's own offers and hears nothing of it.
    let mut script = Script::joined("1013");
    script.word("engine holds", hold).digit('5').digit('3');
    script.check(
        "
engine holds
  fact: wait_granted
  fact: hold_music_started
  play to 0: hold-music again and again
key 5
key 3
  fact: digit
  engine: Permission Declined",
    );
}

#[test]
fn who_came_to_a_queue_that_did_not_let_them_in_stands_in_the_history_with_what_they_needed() {
    let mut script = Script::joined("1001");
    script.word("engine lets nobody in", QueueWord::Exit { exit: WaitExit::NobodyStaffed });
    let needs = vec![NeedFact { skill: "talk".into(), level: 1, or: Vec::new() }];
    let not_let_in = What::NotLetIn { queue: "help".into(), needs };
    assert_eq!(script.facts[script.facts.len() - 3], not_let_in, "{:?}", script.facts);
    // Whoever was let in has waited.
    let mut script = Script::joined("1001");
    script.is_let_in().word("engine gives up", QueueWord::Exit { exit: WaitExit::NobodyStaffed });
    assert!(!script.facts.iter().any(|fact| matches!(fact, What::NotLetIn { .. })), "{:?}", script.facts);
    assert!(script.facts.contains(&What::WaitEnded { exit: WaitExit::NobodyStaffed }), "{:?}", script.facts);
}

#[test]
fn whom_a_surge_lets_in_no_more_goes_on_in_its_flow() {
    let mut script = Script::joined("1014");
    script.word("engine lets nobody in", QueueWord::Exit { exit: WaitExit::Surge });
    script.check(
        "
engine lets nobody in
  fact: not_let_in
  fact: wait_ended
  stop playing
  fact: flow_started
  play to 0: greeting/welcome",
    );
    // Whose center says no more where they go are told that nobody serves them.
    let mut script = Script::joined("1001");
    script.word("engine lets nobody in", QueueWord::Exit { exit: WaitExit::Surge });
    assert!(script.transcript.ends_with("play to 0: wait/sorry\n"), "{}", script.transcript);
}

#[test]
fn digits_in_a_row_choose_nothing_of_a_waiting_caller_and_are_told_nowhere() {
    let mut script = Script::joined("1010");
    script.is_let_in();
    script.word("asks", QueueWord::AskPermission { quote: Some(Duration::from_secs(110)), position: 2 });
    script.transcript.clear();
    script.keys("100200#").keys("8352#").keys("13").digit('7');
    script.check("key 100200#\nkey 8352#\nkey 13\nkey 7");
    // One alone does, and silence is silence.
    script
        .digit('1')
        .check("key 100200#\nkey 8352#\nkey 13\nkey 7\nkey 1\n  fact: digit\n  engine: Permission Granted");
}
