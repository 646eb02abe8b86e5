//! What a supervisor changes under way.

use super::script::check;
use super::script::run;

#[test]
fn who_is_moved_is_as_old_as_before_and_asked_nothing_again() {
    check(
        "queue support
         queue sales sales 1, priority 2
         agent alice sales 5
         0 alice ready
         0 call 9 enters sales
         0 alice picks up 9
         1 call 1 enters support, sales 1, priority 1
         2 call 1 grants
         3 call 2 enters sales
         9 call 1 moves sales
         10 alice ends 9
         11 alice ready
         12 alice picks up 1",
        "0 alice: ready
         0 9 in sales sales>=1, priority 2, 1 waiting
         0 ring alice for 9, attempt 1, until 20; of 1 waiting, 1 fitting, fit 4, idle 0s
         0 alice: ringing 9 until 20
         0 9 has alice, waited 0s
         0 alice: talking 9
         1 1 in support sales>=1, priority 1, 1 waiting
         1 ask 1, place 1
         2 hold 1 until 302
         3 2 in sales sales>=1, priority 2, 1 waiting
         3 ask 2, place 1
         9 1 moved to sales sales>=1, priority 3
         10 alice: wrap-up until 40
         11 alice: ready
         11 ring alice for 1, attempt 1, until 31; of 2 waiting, 1 fitting, fit 4, idle 0s
         11 alice: ringing 1 until 31
         12 1 has alice, waited 11s
         12 alice: talking 1",
    );
}

#[test]
fn nobody_is_moved_where_nobody_is_or_where_there_is_no_room() {
    let moved = |to: &str| {
        let script = format!(
            "queue support, given
             queue sales sales 1, given
             queue small, given, room 1
             agent alice english 1
             agent bob sales 1
             0 alice wants lunch
             1 call 1 enters support
             2 call 2 enters small
             3 call 1 moves {to}"
        );
        run(&script).contains("1 moved to")
    };
    assert!(!moved("sales"), "bob is not signed in");
    assert!(!moved("small"), "one waits there, and there is room for one");
    assert!(!moved("support"), "they are there");
    assert!(!moved("nowhere"));
}

#[test]
fn who_is_first_goes_before_everybody_whatever_a_queue_weighs() {
    let order = |routing: &str| {
        let script = format!(
            "{routing}
             queue vip, given, priority 9, target 5
             queue support, given
             agent alice x 1
             0 alice wants lunch
             1 call 1 enters vip
             2 call 2 enters support
             3 call 3 enters support
             4 call 3 first
             60 alice ready
             60 alice picks up 3
             61 call 2 first
             62 alice ends 3
             63 alice ready"
        );
        run(&script).lines().filter(|line| line.contains(" ring ")).map(str::to_owned).collect::<Vec<_>>()
    };
    for routing in ["", "routing by service level"] {
        let rung = order(routing);
        assert!(rung[0].starts_with("60 ring alice for 3,"), "{rung:?}");
        assert!(rung[1].starts_with("63 ring alice for 2,"), "{rung:?}");
    }
}

#[test]
fn an_agent_who_learns_a_skill_has_who_waits_for_it_at_once() {
    check(
        "queue sales sales 3, given
         agent alice english 1
         agent bob sales 5
         0 bob wants lunch
         0 alice ready
         1 call 1 enters sales
         2 alice has sales 2
         3 alice has sales 3
         4 alice picks up 1
         5 alice has sales 0
         6 alice ends 1
         7 alice ready
         7 call 2 enters sales",
        "0 bob: not ready (lunch)
         0 alice: ready
         1 1 in sales sales>=3, priority 0, 1 waiting
         1 hold 1 until 901 by flow file
         3 ring alice for 1, attempt 1, until 23; of 1 waiting, 1 fitting, fit 0, idle 3s
         3 alice: ringing 1 until 23
         4 1 has alice, waited 3s
         4 alice: talking 1
         6 alice: wrap-up until 36
         7 alice: ready
         7 2 in sales sales>=3, priority 0, 1 waiting
         7 hold 2 until 907 by flow file",
    );
}

#[test]
fn callers_are_not_left_waiting_for_a_skill_that_was_taken_away() {
    let transcript = run("queue sales sales 3, given
         agent alice sales 5
         0 alice wants lunch
         1 call 1 enters sales
         2 alice has sales 1
         6 nothing
         8 nothing");
    assert!(transcript.contains("7 exit 1: NobodyStaffed"), "{transcript}");
}

#[test]
fn skills_come_when_the_calendar_of_now_says_so_where_that_was_set() {
    check(
        "queue help, given, spanish 3
         agent alice english 5
         agent bob spanish 5
         change alice spanish 4 at 1000
         0 alice ready
         0 bob ready
         1 call 1 enters help
         2 bob picks up 1
         3 call 2 enters help
         9 the clock is set alice spanish 4 at 500
         10 the clock is set alice spanish 4 at 10
         11 alice picks up 2
         499 alice ends 2
         501 alice ready
         1001 nothing",
        "0 alice: ready
         0 bob: ready
         1 1 in help spanish>=3, priority 0, 1 waiting
         1 ring bob for 1, attempt 1, until 21; of 1 waiting, 1 fitting, fit 2, idle 1s
         1 bob: ringing 1 until 21
         2 1 has bob, waited 1s
         2 bob: talking 1
         3 2 in help spanish>=3, priority 0, 1 waiting
         3 hold 2 until 903 by flow file
         10 alice: spanish 4
         10 ring alice for 2, attempt 1, until 30; of 1 waiting, 1 fitting, fit 1, idle 10s
         10 alice: ringing 2 until 30
         11 2 has alice, waited 8s
         11 alice: talking 2
         499 alice: wrap-up until 529
         501 alice: ready",
    );
}

#[test]
fn a_skill_that_comes_by_its_date_is_used_that_very_moment_and_one_that_ends_ends_no_talk() {
    check(
        "queue help, given, spanish 3
         agent alice english 5
         agent bob spanish 5
         change alice spanish 0 at 100
         change alice spanish 4 at 60
         0 alice ready
         0 bob ready
         1 call 1 enters help
         2 bob picks up 1
         3 call 2 enters help
         61 alice picks up 2
         101 call 3 enters help
         110 alice ends 2
         111 alice ready",
        "0 alice: ready
         0 bob: ready
         1 1 in help spanish>=3, priority 0, 1 waiting
         1 ring bob for 1, attempt 1, until 21; of 1 waiting, 1 fitting, fit 2, idle 1s
         1 bob: ringing 1 until 21
         2 1 has bob, waited 1s
         2 bob: talking 1
         3 2 in help spanish>=3, priority 0, 1 waiting
         3 hold 2 until 903 by flow file
         60 alice: spanish 4
         60 ring alice for 2, attempt 1, until 80; of 1 waiting, 1 fitting, fit 1, idle 60s
         60 alice: ringing 2 until 80
         61 2 has alice, waited 58s
         61 alice: talking 2
         100 alice: spanish 0
         101 3 in help spanish>=3, priority 0, 1 waiting
         101 hold 3 until 1001 by flow file
         110 alice: wrap-up until 140
         111 alice: ready",
    );
}
