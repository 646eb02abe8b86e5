//! Who gets whom.

use super::script::check;
use super::script::run;

#[test]
fn higher_priority_goes_first_then_the_longest_wait_with_credit() {
    check(
        "queue support, given
         queue vip, given, priority 5
         agent alice x 1
         0 alice wants lunch
         1 call 1 enters support
         2 call 2 enters support, credit 10
         3 call 3 enters vip
         4 call 4 enters support, priority 5
         5 alice ready
         6 alice picks up 3
         7 alice ends 3
         8 alice ready
         9 alice picks up 4
         9 alice ends 4
         10 alice ready
         11 alice picks up 2
         11 alice ends 2
         12 alice ready",
        "0 alice: not ready (lunch)
         1 1 in support, priority 0, 1 waiting
         1 hold 1 until 901 by flow file
         2 2 in support, priority 0, 2 waiting
         2 hold 2 until 902 by flow file
         3 3 in vip, priority 5, 1 waiting
         3 hold 3 until 903 by flow file
         4 4 in support, priority 5, 3 waiting
         4 hold 4 until 904 by flow file
         5 alice: ready
         5 ring alice for 3, attempt 1, until 25; of 4 waiting, 1 fitting, fit 0, idle 0s
         5 alice: ringing 3 until 25
         6 3 has alice, waited 3s
         6 alice: talking 3
         7 alice: wrap-up until 37
         8 alice: ready
         8 ring alice for 4, attempt 1, until 28; of 3 waiting, 1 fitting, fit 0, idle 0s
         8 alice: ringing 4 until 28
         9 4 has alice, waited 5s
         9 alice: talking 4
         9 alice: wrap-up until 39
         10 alice: ready
         10 ring alice for 2, attempt 1, until 30; of 2 waiting, 1 fitting, fit 0, idle 0s
         10 alice: ringing 2 until 30
         11 2 has alice, waited 9s
         11 alice: talking 2
         11 alice: wrap-up until 41
         12 alice: ready
         12 ring alice for 1, attempt 1, until 32; of 1 waiting, 1 fitting, fit 0, idle 0s
         12 alice: ringing 1 until 32",
    );
}

#[test]
fn the_better_skilled_agent_goes_first_then_the_specialist_then_the_longest_idle() {
    check(
        "queue billing billing 2, given
         agent generalist billing 5, english 5
         agent late billing 5
         agent early billing 5
         agent expert billing 6, english 1, french 1
         agent novice billing 1
         0 generalist ready
         1 early ready
         2 late ready
         3 expert ready
         3 novice ready
         10 call 1 enters billing
         10 call 2 enters billing
         10 call 3 enters billing
         10 call 4 enters billing
         10 call 5 enters billing",
        "0 generalist: ready
         1 early: ready
         2 late: ready
         3 expert: ready
         3 novice: ready
         10 1 in billing billing>=2, priority 0, 1 waiting
         10 ring expert for 1, attempt 1, until 30; of 1 waiting, 4 fitting, fit 4, idle 7s
         10 expert: ringing 1 until 30
         10 2 in billing billing>=2, priority 0, 2 waiting
         10 ring early for 2, attempt 1, until 30; of 1 waiting, 3 fitting, fit 3, idle 9s
         10 early: ringing 2 until 30
         10 3 in billing billing>=2, priority 0, 3 waiting
         10 ring late for 3, attempt 1, until 30; of 1 waiting, 2 fitting, fit 3, idle 8s
         10 late: ringing 3 until 30
         10 4 in billing billing>=2, priority 0, 4 waiting
         10 ring generalist for 4, attempt 1, until 30; of 1 waiting, 1 fitting, fit 3, idle 10s
         10 generalist: ringing 4 until 30
         10 5 in billing billing>=2, priority 0, 5 waiting
         10 hold 5 until 910 by flow file",
    );
}

#[test]
fn a_freed_agent_takes_the_first_call_that_they_can_serve_past_those_they_cannot() {
    check(
        "queue support, given
         agent alice english 1
         agent bob french 4
         0 alice wants lunch
         0 bob wants lunch
         1 call 1 enters support, french 3
         2 call 2 enters support, english 1
         2 call 3 enters support, french 4
         3 alice ready
         4 bob ready",
        "0 alice: not ready (lunch)
         0 bob: not ready (lunch)
         1 1 in support french>=3, priority 0, 1 waiting
         1 hold 1 until 901 by flow file
         2 2 in support english>=1, priority 0, 2 waiting
         2 hold 2 until 902 by flow file
         2 3 in support french>=4, priority 0, 3 waiting
         2 hold 3 until 902 by flow file
         3 alice: ready
         3 ring alice for 2, attempt 1, until 23; of 1 waiting, 1 fitting, fit 0, idle 0s
         3 alice: ringing 2 until 23
         4 bob: ready
         4 ring bob for 1, attempt 1, until 24; of 2 waiting, 1 fitting, fit 1, idle 0s
         4 bob: ringing 1 until 24",
    );
}

#[test]
fn a_call_may_raise_its_queues_need() {
    check(
        "queue support english 2, given
         agent alice english 4
         agent bob english 5
         0 alice ready
         1 call 1 enters support, english 5
         2 bob ready",
        "0 alice: ready
         1 exit 1: NobodyStaffed
         2 bob: ready",
    );
}

#[test]
fn by_service_level_a_call_past_its_target_goes_after_one_that_is_not() {
    check(
        "routing by service level
         queue support, given, target 20, wrap 0
         agent alice x 1
         0 alice wants lunch
         1 call 1 enters support
         20 call 2 enters support
         30 alice ready
         30 alice picks up 2
         40 alice ends 2
         40 alice picks up 1",
        "0 alice: not ready (lunch)
         1 1 in support, priority 0, 1 waiting
         1 hold 1 until 901 by flow file
         20 2 in support, priority 0, 2 waiting
         20 hold 2 until 920 by flow file
         30 alice: ready
         30 ring alice for 2, attempt 1, until 50; of 2 waiting, 1 fitting, fit 0, idle 0s
         30 alice: ringing 2 until 50
         30 2 has alice, waited 10s
         30 alice: talking 2
         40 alice: ready
         40 ring alice for 1, attempt 1, until 60; of 1 waiting, 1 fitting, fit 0, idle 0s
         40 alice: ringing 1 until 60
         40 1 has alice, waited 39s
         40 alice: talking 1",
    );
}

/// Calls come faster than one agent serves them, so that some are always within their target; of any four
/// that the agent takes, one is the longest waiting of those past their second promise.
#[test]
fn by_service_level_the_second_promise_is_kept_however_many_come() {
    let mut script = "routing by service level
        queue support, given, target 20, wrap 0
        agent alice x 1
        0 alice wants lunch
        0 call 1 enters support
        0 call 2 enters support
        299 call 3 enters support\n"
        .to_owned();
    for call in 3..25 {
        let at = 300 + (call - 3) * 5;
        let next = call + 1;
        script += &format!("{at} call {next} enters support\n{at} alice ready\n");
        for possible in [1, 2].into_iter().chain(3..=next) {
            script += &format!("{at} alice picks up {possible}\n");
        }
        for possible in [1, 2].into_iter().chain(3..=next) {
            script += &format!("{} alice ends {possible}\n", at + 4);
        }
        script += &format!("{} alice wants lunch\n", at + 4);
    }
    let transcript = run(&script);
    let order: Vec<&str> =
        transcript.lines().filter_map(|line| line.split_once(" has alice")).map(|(call, _)| call).collect();
    let place = |call: &str| order.iter().position(|other| other.ends_with(&format!(" {call}"))).unwrap();
    assert_eq!((place("1"), place("2")), (9, 19), "{order:?}");
}

/// Calls came every ten seconds, and the one that is left is past its target. An agent who gets ready takes it, or is kept
/// for the next where most in target is what counts: until that comes, or for 210 s of its wait.
#[test]
fn by_most_in_target_a_late_call_waits_for_newer_ones_of_its_own_and_not_for_long() {
    let rings = |routing: &str, then: &str| {
        let mut script = format!(
            "routing {routing}
             queue support, given, target 20, talk 100
             agent alice x 1
             0 alice wants lunch\n"
        );
        (1..=12).for_each(|call| script += &format!("{} call {call} enters support\n", call * 10));
        (1..=11).for_each(|call| script += &format!("121 call {call} hangs up\n"));
        script += &format!("145 alice ready\n{then}\n400 nothing");
        let transcript = run(&script);
        let rung = transcript.lines().find(|line| line.contains(" ring ")).unwrap();
        rung.split_once(", attempt").unwrap().0.to_owned()
    };
    assert_eq!(rings("by service level", "150 call 13 enters support"), "145 ring alice for 12");
    assert_eq!(rings("most in target", "150 call 13 enters support"), "150 ring alice for 13");
    assert_eq!(rings("most in target", ""), "330 ring alice for 12");
}

/// Alice may be rung for call 1 again at the very instant at which call 2 asks less: calls' deadlines are first, so it is
/// call 2's turn, though call 1 is long past its second promise.
#[test]
fn a_step_that_is_due_when_an_agents_pause_ends_goes_before_it() {
    check(
        "routing by service level
         queue support, given, check-in 0
         queue sales, given, check-in 0, billing 1, 10: anybody
         agent alice x 1
         0 alice ready
         0 call 1 enters support, credit 400
         2 alice fails 1 declined
         2 call 2 enters sales
         4 alice ready
         12 alice picks up 2
         13 nothing",
        "0 alice: ready
         0 1 in support, priority 0, 1 waiting
         0 ring alice for 1, attempt 1, until 20; of 1 waiting, 1 fitting, fit 0, idle 0s
         0 alice: ringing 1 until 20
         2 alice: not ready (declined a call) until 12
         2 hold 1 until 900 by flow file
         2 2 in sales billing>=1, priority 0, 1 waiting
         2 hold 2 until 902 by flow file
         4 alice: ready
         12 2 needs now:
         12 ring alice for 2, attempt 1, until 32; of 2 waiting, 1 fitting, fit 0, idle 8s
         12 alice: ringing 2 until 32
         12 2 has alice, waited 10s
         12 alice: talking 2",
    );
}

#[test]
fn by_service_level_the_quicker_agent_is_preferred_once_it_is_known_who_that_is() {
    let mut script = "routing by service level
        queue support, given, wrap 0, talk 100
        agent slow x 1
        agent quick x 1
        0 slow ready\n"
        .to_owned();
    // One at a time for the first 40 calls: each agent shows how long they take.
    for call in 0..40 {
        let at = call * 1_000;
        let (on, off, took) = if call % 2 == 0 { ("slow", "quick", 300) } else { ("quick", "slow", 50) };
        script += &format!("{at} {off} wants lunch\n{at} {on} ready\n{at} call {call} enters support\n");
        script += &format!("{at} {on} picks up {call}\n{} {on} ends {call}\n", at + took);
    }
    script += "50000 slow ready\n50001 quick ready\n50010 call 99 enters support\n";
    let transcript = run(&script);
    let last = transcript.lines().rfind(|line| line.contains("ring ")).unwrap();
    assert!(last.starts_with("50010 ring quick for 99"), "{last}");
}
