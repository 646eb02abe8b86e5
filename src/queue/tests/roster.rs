//! Agents who come and go under a running server.

use super::script::check;

#[test]
fn who_waits_for_a_new_agents_skill_is_rung_for_at_once() {
    check(
        "
        queue support billing 3, given
        agent alice billing 1
        0 alice ready
        1 call 1 is kept for support from 1
        5 the center has bob billing 5
        6 bob ready
        7 bob picks up 1
        ",
        "
        0 alice: ready
        1 1 in support billing>=3, priority 0, 1 waiting
        1 keep place of 1
        5 bob: billing 5
        6 bob: ready
        6 ring bob for 1, attempt 1, until 26; of 1 waiting, 1 fitting, fit 2, idle 0s
        6 bob: ringing 1 until 26
        7 1 has bob, waited 6s
        7 bob: talking 1
        ",
    );
}

#[test]
fn who_is_gone_keeps_their_talk_to_its_end_and_is_rung_no_more() {
    check(
        "
        queue support billing 1, given
        agent alice billing 1
        agent bob billing 1
        0 alice ready
        1 call 1 enters support
        2 alice picks up 1
        3 the center loses alice
        4 bob ready
        5 alice ready
        6 alice ends 1
        7 call 2 enters support
        8 alice ready
        9 the center has alice billing 2
        10 alice ready
        ",
        "
        0 alice: ready
        1 1 in support billing>=1, priority 0, 1 waiting
        1 ring alice for 1, attempt 1, until 21; of 1 waiting, 1 fitting, fit 0, idle 1s
        1 alice: ringing 1 until 21
        2 1 has alice, waited 1s
        2 alice: talking 1
        3 alice: billing 0
        4 bob: ready
        6 alice: offline
        7 2 in support billing>=1, priority 0, 1 waiting
        7 ring bob for 2, attempt 1, until 27; of 1 waiting, 1 fitting, fit 0, idle 3s
        7 bob: ringing 2 until 27
        9 alice: billing 2
        10 alice: ready
        ",
    );
}

#[test]
fn a_call_that_rings_at_who_is_gone_rings_at_somebody_else() {
    check(
        "
        queue support billing 1, given
        agent alice billing 1
        agent bob billing 1
        0 alice ready
        1 call 1 enters support
        2 bob ready
        3 the center loses alice
        ",
        "
        0 alice: ready
        1 1 in support billing>=1, priority 0, 1 waiting
        1 ring alice for 1, attempt 1, until 21; of 1 waiting, 1 fitting, fit 0, idle 1s
        1 alice: ringing 1 until 21
        2 bob: ready
        3 stop ringing alice for 1: Unreachable
        3 alice: offline
        3 ring bob for 1, attempt 2, until 23; of 1 waiting, 1 fitting, fit 0, idle 1s
        3 bob: ringing 1 until 23
        3 alice: billing 0
        ",
    );
}
