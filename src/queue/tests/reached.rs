//! Callbacks where the caller is called before an agent's phone rings.

use super::script::check;

/// A place that is kept from the start, in a queue that calls the customer first; nobody is ready yet.
#[track_caller]
fn check_called(queue: &str, script: &str, expected: &str) {
    let center = format!(
        "queue support billing 1, customer-first 30{queue}\nagent alice billing 5\nagent bob billing 3\n"
    );
    let kept = "0 call 1 is kept for support from 0, from +12025550143\n";
    let first = "0 1 in support billing>=1, priority 0, 1 waiting\n0 keep place of 1\n";
    check(&format!("{center}{kept}{script}"), &format!("{first}{expected}"));
}

#[test]
fn the_customer_is_called_while_an_agent_is_reserved_who_is_rung_once_they_pick_up() {
    check_called(
        "",
        "30 alice ready
         40 call 1 is reached
         43 alice picks up 1
         90 alice ends 1",
        "30 alice: ready
         30 reserve alice for 1 until 55; of 1 waiting, 1 fitting
         30 alice: reserved 1 until 55
         40 ring alice for 1, attempt 1, until 60; of 1 waiting, 1 fitting, fit 4, idle 0s
         40 alice: ringing 1 until 60
         43 1 has alice, waited 43s
         43 alice: talking 1
         90 alice: wrap-up until 120",
    );
}

#[test]
fn who_promised_a_moment_ago_to_wait_for_the_call_is_left_alone_for_it() {
    check_called(
        "",
        "1 alice ready
         30 call 1 hangs up",
        "1 alice: ready
         15 reserve alice for 1 until 40; of 1 waiting, 1 fitting
         15 alice: reserved 1 until 40
         30 stop calling 1
         30 exit 1: Abandoned
         30 alice: ready",
    );
}

#[test]
fn a_customer_who_does_not_pick_up_costs_the_agent_no_more_than_the_ring_and_is_tried_again() {
    check_called(
        ", tries 2",
        "30 alice ready
         31 call 2 enters support, given
         57 alice picks up 2
         70 alice ends 2
         71 alice ready
         120 call 1 is missed
         121 call 1 is reached",
        "30 alice: ready
         30 reserve alice for 1 until 55; of 1 waiting, 1 fitting
         30 alice: reserved 1 until 55
         31 2 in support billing>=1, priority 0, 2 waiting
         31 hold 2 until 931 by flow file
         55 stop calling 1, missed
         55 alice: ready
         55 ring alice for 2, attempt 1, until 75; of 1 waiting, 1 fitting, fit 4, idle 25s
         55 alice: ringing 2 until 75
         57 2 has alice, waited 26s
         57 alice: talking 2
         70 alice: wrap-up until 100
         71 alice: ready
         115 reserve alice for 1 until 140; of 1 waiting, 1 fitting
         115 alice: reserved 1 until 140
         120 exit 1: CallbackFailed
         120 alice: ready",
    );
}

#[test]
fn who_is_reserved_may_leave_and_another_is_in_their_stead_or_the_customer_is_called_no_more() {
    check_called(
        "",
        "30 alice ready
         31 bob ready
         35 alice wants lunch
         38 bob offline
         98 alice ready
         100 alice has billing 0
         160 alice has billing 2
         161 call 1 is reached",
        "30 alice: ready
         30 reserve alice for 1 until 55; of 1 waiting, 1 fitting
         30 alice: reserved 1 until 55
         31 bob: ready
         35 alice: not ready (lunch)
         35 reserve bob for 1 until 55; of 1 waiting, 1 fitting
         35 bob: reserved 1 until 55
         38 bob: offline
         38 stop calling 1
         98 alice: ready
         98 reserve alice for 1 until 123; of 1 waiting, 1 fitting
         98 alice: reserved 1 until 123
         100 alice: ready
         100 stop calling 1
         160 reserve alice for 1 until 185; of 1 waiting, 1 fitting
         160 alice: reserved 1 until 185
         161 ring alice for 1, attempt 1, until 181; of 1 waiting, 1 fitting, fit 1, idle 62s
         161 alice: ringing 1 until 181",
    );
}

#[test]
fn who_picked_up_waits_for_the_next_agent_before_anybody_younger_and_is_let_go_after_a_time() {
    check_called(
        ", ring 5, tries 2",
        "30 alice ready
         31 call 2 enters support, given
         32 call 1 is reached
         33 bob ready
         34 bob fails 2 declined
         35 alice fails 1 declined
         38 bob offline
         60 call 2 hangs up
         97 bob ready
         123 call 1 is reached
         124 call 1 is missed",
        "30 alice: ready
         30 reserve alice for 1 until 55; of 1 waiting, 1 fitting
         30 alice: reserved 1 until 55
         31 2 in support billing>=1, priority 0, 2 waiting
         31 hold 2 until 931 by flow file
         32 ring alice for 1, attempt 1, until 37; of 1 waiting, 1 fitting, fit 4, idle 0s
         32 alice: ringing 1 until 37
         33 bob: ready
         33 ring bob for 2, attempt 1, until 38; of 1 waiting, 1 fitting, fit 2, idle 0s
         33 bob: ringing 2 until 38
         34 bob: not ready (declined a call) until 44
         35 alice: not ready (declined a call) until 45
         38 bob: offline
         45 alice: ready
         45 ring alice for 1, attempt 2, until 50; of 2 waiting, 1 fitting, fit 4, idle 0s
         45 alice: ringing 1 until 50
         50 stop ringing alice for 1: NoAnswer
         50 alice: not ready (missed a call)
         60 exit 2: Abandoned
         62 let 1 go, place kept
         97 bob: ready
         122 reserve bob for 1 until 147; of 1 waiting, 1 fitting
         122 bob: reserved 1 until 147
         123 ring bob for 1, attempt 3, until 128; of 1 waiting, 1 fitting, fit 2, idle 25s
         123 bob: ringing 1 until 128
         124 stop ringing bob for 1: Withdrawn
         124 exit 1: CallbackFailed
         124 bob: ready",
    );
}

#[test]
fn who_calls_again_and_is_served_is_called_no_more_unless_they_picked_up() {
    check_called(
        "",
        "26 alice ready
         27 call 2 enters support, from +12025550143
         28 bob ready
         29 bob picks up 2",
        "26 alice: ready
         26 reserve alice for 1 until 51; of 1 waiting, 1 fitting
         26 alice: reserved 1 until 51
         27 2 in support billing>=1, priority 0, 2 waiting
         27 ask 2, place 1
         28 bob: ready
         28 ring bob for 2, attempt 1, until 48; of 1 waiting, 1 fitting, fit 2, idle 0s
         28 bob: ringing 2 until 48
         29 2 has bob, waited 2s
         29 bob: talking 2
         29 stop calling 1
         29 exit 1: Redialled
         29 alice: ready",
    );
    check_called(
        "",
        "26 alice ready
         27 call 1 is reached
         28 call 2 enters support, from +12025550143
         29 bob ready
         30 bob picks up 2
         31 alice picks up 1",
        "26 alice: ready
         26 reserve alice for 1 until 51; of 1 waiting, 1 fitting
         26 alice: reserved 1 until 51
         27 ring alice for 1, attempt 1, until 47; of 1 waiting, 1 fitting, fit 4, idle 0s
         27 alice: ringing 1 until 47
         28 2 in support billing>=1, priority 0, 2 waiting
         28 ask 2, place 1
         29 bob: ready
         29 ring bob for 2, attempt 1, until 49; of 1 waiting, 1 fitting, fit 2, idle 0s
         29 bob: ringing 2 until 49
         30 2 has bob, waited 2s
         30 bob: talking 2
         31 1 has alice, waited 31s
         31 alice: talking 1",
    );
}

#[test]
fn nothing_is_said_to_an_agent_who_is_reserved_but_what_ends_it() {
    check_called(
        "",
        "26 alice ready
         27 alice ready
         28 alice picks up 1
         29 alice fails 1 busy
         30 call 1 declines
         31 alice calls 9
         32 call 1 first
         33 call 1 hangs up",
        "26 alice: ready
         26 reserve alice for 1 until 51; of 1 waiting, 1 fitting
         26 alice: reserved 1 until 51
         31 exit 9: NobodyStaffed
         33 stop calling 1
         33 exit 1: Abandoned
         33 alice: ready",
    );
}
