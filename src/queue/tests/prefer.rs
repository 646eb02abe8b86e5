//! Whom a call goes to first, and whom it must not get.

use super::script::check;
use super::script::run;

#[test]
fn the_owner_is_waited_for_while_they_are_busy_and_no_longer_than_was_said() {
    check(
        "queue support, given, check-in 0, wrap 5
         agent alice x 1
         agent bob x 1
         0 alice ready
         0 call 1 enters support
         1 alice picks up 1
         2 bob ready
         3 call 2 enters support, prefer alice 20
         4 call 3 enters support, prefer alice 60
         10 alice ends 1
         16 alice picks up 2
         63 nothing
         64 nothing",
        "0 alice: ready
         0 1 in support, priority 0, 1 waiting
         0 ring alice for 1, attempt 1, until 20; of 1 waiting, 1 fitting, fit 0, idle 0s
         0 alice: ringing 1 until 20
         1 1 has alice, waited 1s
         1 alice: talking 1
         2 bob: ready
         3 2 in support, priority 0, 1 waiting
         3 2 goes, alice first for 20s
         3 hold 2 until 903 by flow file
         4 3 in support, priority 0, 2 waiting
         4 3 goes, alice first for 60s
         4 hold 3 until 904 by flow file
         10 alice: wrap-up until 15
         15 alice: ready
         15 ring alice for 2, attempt 1, until 35; of 2 waiting, 2 fitting, fit 0, idle 0s
         15 alice: ringing 2 until 35
         16 2 has alice, waited 13s
         16 alice: talking 2
         64 ring bob for 3, attempt 1, until 84; of 1 waiting, 1 fitting, fit 0, idle 62s
         64 bob: ringing 3 until 84",
    );
}

#[test]
fn no_second_is_lost_once_the_owner_is_away_or_wants_a_break() {
    let rung = |what: &str| {
        let script = format!(
            "queue support, given, check-in 0
             queue other, given
             agent alice x 1
             agent bob x 1
             0 alice ready
             0 call 1 enters other
             1 alice picks up 1
             2 bob ready
             3 call 2 enters support, x 1, prefer alice 60
             10 {what}"
        );
        let transcript = run(&script);
        transcript
            .lines()
            .find(|line| line.contains("ring bob for 2"))
            .map(|line| line.split(' ').next().unwrap().to_owned())
    };
    for away in ["alice wants lunch", "alice offline", "alice has x 0", "call 2 hangs up"] {
        let expected = (!away.starts_with("call")).then(|| "10".to_owned());
        assert_eq!(rung(away), expected, "{away}");
    }
    let after = run("queue support, given
         agent alice x 1
         agent bob x 1
         0 bob ready
         0 alice wants lunch
         1 call 1 enters support, prefer alice 60");
    assert!(after.contains("1 ring bob for 1"), "{after}");
}

#[test]
fn an_owner_who_comes_back_in_time_goes_before_the_order_but_not_before_who_was_put_first() {
    let first = |more: &str| {
        let script = format!(
            "queue support, given, check-in 0
             agent alice x 1
             0 alice wants lunch
             1 call 1 enters support, priority 5
             2 call 2 enters support, prefer alice 30
             {more}
             20 alice ready"
        );
        let transcript = run(&script);
        transcript.lines().find(|line| line.contains("ring alice")).unwrap().to_owned()
    };
    assert!(first("3 nothing").contains("for 2,"));
    assert!(first("3 call 1 first").contains("for 1,"));
    let late = "3 call 3 enters support, prefer alice 1";
    assert!(first(late).contains("for 2,"), "the time of call 3 is over");
}

#[test]
fn one_ring_is_what_the_owner_gets() {
    check(
        "queue support, given, check-in 0, ring 10
         agent alice x 1
         agent bob x 1
         0 alice ready
         0 bob ready
         1 call 1 enters support, prefer alice 200
         2 alice fails 1 declined",
        "0 alice: ready
         0 bob: ready
         1 1 in support, priority 0, 1 waiting
         1 1 goes, alice first for 200s
         1 ring alice for 1, attempt 1, until 11; of 1 waiting, 2 fitting, fit 0, idle 1s
         1 alice: ringing 1 until 11
         2 alice: not ready (declined a call) until 12
         2 ring bob for 1, attempt 2, until 12; of 1 waiting, 1 fitting, fit 0, idle 2s
         2 bob: ringing 1 until 12",
    );
}

#[test]
fn half_of_the_longest_wait_is_the_most_and_a_full_queue_waits_for_nobody() {
    let transcript = run("queue support, given, check-in 0, max 100
         queue small, given, room 0
         agent alice x 1
         agent bob x 1
         0 alice ready
         0 call 1 enters support
         1 alice picks up 1
         2 bob ready
         3 call 2 enters support, prefer alice 80
         4 call 3 enters small, prefer alice 80
         5 nothing
         60 nothing");
    assert!(transcript.contains("3 2 goes, alice first for 50s"), "{transcript}");
    assert!(transcript.contains("4 ring bob for 3"), "{transcript}");
}

#[test]
fn who_must_not_get_a_call_never_rings_for_it_however_idle() {
    check(
        "queue support, given, check-in 0, max 60
         agent alice x 1
         agent bob x 1
         0 call 1 enters support, not alice
         1 alice ready
         2 call 2 enters support, not alice, not bob
         3 bob wants lunch
         4 call 3 enters support, not alice, prefer alice 20
         5 call 4 enters support, not bob
         6 alice fails 4 withdrawn
         7 bob ready",
        "0 exit 1: NobodyStaffed
         1 alice: ready
         2 exit 2: NobodyStaffed
         3 bob: not ready (lunch)
         4 3 in support, priority 0, 1 waiting
         4 3 goes, not alice
         4 hold 3 until 64 by flow file
         5 4 in support, priority 0, 2 waiting
         5 4 goes, not bob
         5 ring alice for 4, attempt 1, until 25; of 2 waiting, 1 fitting, fit 0, idle 4s
         5 alice: ringing 4 until 25
         6 alice: ready
         6 hold 4 until 65 by flow file
         7 bob: ready
         7 ring bob for 3, attempt 1, until 27; of 2 waiting, 2 fitting, fit 0, idle 0s
         7 bob: ringing 3 until 27",
    );
}

#[test]
fn a_call_that_names_nobody_goes_to_whom_its_queue_names_and_its_own_word_goes_before() {
    let first = |call: &str| {
        let script = format!(
            "queue support, given
             agent alice english 1
             agent bob english 1
             agent carol english 1
             first bob support 20
             not alice support
             0 alice ready
             1 carol ready
             2 bob ready
             3 call 1 enters support{call}"
        );
        let rung = run(&script);
        let ring = rung.lines().find_map(|line| line.split_once("ring ")).map(|(_, rest)| rest.to_owned());
        ring.and_then(|ring| ring.split(' ').next().map(str::to_owned)).unwrap_or_default()
    };
    assert_eq!(first(""), "bob");
    assert_eq!(first(", prefer carol 20"), "carol");
    assert_eq!(first(", prefer alice 20"), "carol", "the queue's agents never are left out of nothing");
    assert_eq!(first(", not bob"), "alice", "it says itself whom it must not get");
    assert_eq!(first(", not bob, prefer alice 5"), "alice");
    assert_eq!(first(", prefer nobody"), "carol", "the longest idle but for alice");
    assert_eq!(first(", not nobody"), "bob");
    assert_eq!(first(", prefer nobody, not nobody"), "alice");
}

#[test]
fn who_has_the_skills_that_are_wanted_is_taken_first_and_not_waited_for() {
    for routing in ["", "routing by service level"] {
        let rung = |queue: &str, call: &str, ready: &str| {
            let script = format!(
                "queue support billing 1, given{queue}
                 agent alice billing 9
                 agent bob billing 1, spanish 2
                 agent carol billing 1, spanish 5
                 {routing}
                 {ready}
                 9 call 1 enters support{call}
                 10 nothing"
            );
            let said = run(&script);
            let ring =
                said.lines().find_map(|line| line.split_once("ring ")).map(|(_, rest)| rest.to_owned());
            ring.and_then(|ring| ring.split(' ').next().map(str::to_owned)).unwrap_or(said)
        };
        let all = "0 alice ready\n1 bob ready\n2 carol ready";
        let without = "0 alice ready\n1 bob ready";
        assert_eq!(rung("", ", wants spanish 3", all), "carol", "{routing}");
        assert_eq!(rung(", wants spanish 3", "", all), "carol", "{routing}");
        assert_eq!(rung(", wants spanish 3", ", wants billing 5", all), "alice", "{routing}");
        assert_ne!(rung("", ", wants spanish 3", without), "carol", "{routing}");
        let nobody = rung(", wants spanish 3", ", wants nobody", all);
        assert_eq!(nobody, rung("", "", all), "as if the queue wanted nothing: {routing}");
        assert_ne!(nobody, "carol", "{routing}");
        assert_eq!(
            rung("", ", wants spanish 3", "0 alice ready"),
            "alice",
            "nobody is waited for: {routing}"
        );
    }
}

#[test]
fn whose_second_promise_is_past_finds_another_agent_before_those_who_waited_for_the_one_who_left() {
    check(
        "routing by service level
         queue support billing 1, customer-first 30
         agent alice billing 5
         agent bob billing 5
         0 call 1 is kept for support from 0, credit 600
         20 alice ready
         21 call 2 enters support, given, priority 2, prefer alice 60
         22 bob ready
         30 alice wants lunch",
        "0 1 in support billing>=1, priority 0, 1 waiting
         0 keep place of 1
         20 alice: ready
         20 reserve alice for 1 until 45; of 1 waiting, 1 fitting
         20 alice: reserved 1 until 45
         21 2 in support billing>=1, priority 2, 2 waiting
         21 2 goes, alice first for 60s
         21 hold 2 until 921 by flow file
         22 bob: ready
         30 alice: not ready (lunch)
         30 reserve bob for 1 until 45; of 2 waiting, 1 fitting
         30 bob: reserved 1 until 45",
    );
}

#[test]
fn of_those_who_waited_for_one_agent_the_longest_past_its_second_promise_goes_to_the_next() {
    check(
        "routing by service level
         queue support billing 1
         agent alice billing 5
         agent bob billing 5
         0 alice ready
         0 call 1 enters support, given
         1 alice picks up 1
         2 call 2 enters support, given, priority 2, prefer alice 60
         3 call 3 enters support, given, prefer alice 60, credit 600
         4 bob ready
         5 alice wants lunch",
        "0 alice: ready
         0 1 in support billing>=1, priority 0, 1 waiting
         0 ring alice for 1, attempt 1, until 20; of 1 waiting, 1 fitting, fit 4, idle 0s
         0 alice: ringing 1 until 20
         1 1 has alice, waited 1s
         1 alice: talking 1
         2 2 in support billing>=1, priority 2, 1 waiting
         2 2 goes, alice first for 60s
         2 hold 2 until 902 by flow file
         3 3 in support billing>=1, priority 0, 2 waiting
         3 3 goes, alice first for 60s
         3 hold 3 until 903 by flow file
         4 bob: ready
         5 ring bob for 3, attempt 1, until 25; of 2 waiting, 1 fitting, fit 4, idle 1s
         5 bob: ringing 3 until 25",
    );
}
