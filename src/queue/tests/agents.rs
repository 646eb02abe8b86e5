//! What agents notice: states, what leaves them, and what is done about calls they do not take.

use super::script::check;
use super::script::queue_config;
use super::script::run;
use crate::base::AgentId;
use crate::base::CallId;
use crate::base::QueueId;
use crate::base::Timestamp;
use crate::fact::WaitExit;
use crate::queue::Action;
use crate::queue::Engine;
use crate::queue::Event;
use crate::queue::api::AgentConfig;
use crate::queue::api::Config;
use crate::queue::api::Enqueue;
use crate::queue::api::Routing;
use crate::queue::api::Weights;

#[test]
fn a_ready_agent_is_rung_at_once_and_gets_wrap_up_after_the_talk() {
    check(
        "queue support billing 3
         agent alice billing 5, english 2
         0 alice ready
         10 call 1 enters support
         12 alice picks up 1
         100 alice ends 1
         200 nothing",
        "0 alice: ready
         10 1 in support billing>=3, priority 0, 1 waiting
         10 ring alice for 1, attempt 1, until 30; of 1 waiting, 1 fitting, fit 2, idle 10s
         10 alice: ringing 1 until 30
         12 1 has alice, waited 2s
         12 alice: talking 1
         100 alice: wrap-up until 130
         130 alice: ready",
    );
}

#[test]
fn an_agent_who_does_not_answer_gets_not_ready_and_the_caller_keeps_age_and_goes_to_the_next() {
    check(
        "queue support, given
         agent alice x 2
         agent bob x 1
         0 alice ready
         0 call 1 enters support
         5 call 2 enters support
         6 bob ready
         7 bob picks up 2
         20 nothing
         30 bob ends 2
         31 bob ready
         40 alice ready",
        "0 alice: ready
         0 1 in support, priority 0, 1 waiting
         0 ring alice for 1, attempt 1, until 20; of 1 waiting, 1 fitting, fit 0, idle 0s
         0 alice: ringing 1 until 20
         5 2 in support, priority 0, 2 waiting
         5 hold 2 until 905 by flow file
         6 bob: ready
         6 ring bob for 2, attempt 1, until 26; of 1 waiting, 1 fitting, fit 0, idle 0s
         6 bob: ringing 2 until 26
         7 2 has bob, waited 2s
         7 bob: talking 2
         20 stop ringing alice for 1: NoAnswer
         20 alice: not ready (missed a call)
         20 hold 1 until 900 by flow file
         30 bob: wrap-up until 60
         31 bob: ready
         31 ring bob for 1, attempt 2, until 51; of 1 waiting, 1 fitting, fit 0, idle 0s
         31 bob: ringing 1 until 51
         40 alice: ready",
    );
}

#[test]
fn a_refusal_pauses_the_agent_and_that_call_is_not_offered_again_meanwhile() {
    check(
        "queue support, given
         agent alice x 1
         0 alice ready
         0 call 1 enters support
         2 alice fails 1 declined
         4 alice ready
         5 call 2 enters support
         6 alice fails 2 declined
         17 nothing",
        "0 alice: ready
         0 1 in support, priority 0, 1 waiting
         0 ring alice for 1, attempt 1, until 20; of 1 waiting, 1 fitting, fit 0, idle 0s
         0 alice: ringing 1 until 20
         2 alice: not ready (declined a call) until 12
         2 hold 1 until 900 by flow file
         4 alice: ready
         5 2 in support, priority 0, 2 waiting
         5 ring alice for 2, attempt 1, until 25; of 2 waiting, 1 fitting, fit 0, idle 1s
         5 alice: ringing 2 until 25
         6 alice: not ready (declined a call) until 16
         6 hold 2 until 905 by flow file
         16 alice: ready
         16 ring alice for 1, attempt 2, until 36; of 2 waiting, 1 fitting, fit 0, idle 0s
         16 alice: ringing 1 until 36",
    );
}

#[test]
fn a_ready_agent_is_rung_for_the_call_they_refused_once_the_pause_is_over() {
    check(
        "queue support, given
         agent alice x 1
         0 alice ready
         0 call 1 enters support
         2 alice fails 1 declined
         4 alice ready
         20 nothing",
        "0 alice: ready
         0 1 in support, priority 0, 1 waiting
         0 ring alice for 1, attempt 1, until 20; of 1 waiting, 1 fitting, fit 0, idle 0s
         0 alice: ringing 1 until 20
         2 alice: not ready (declined a call) until 12
         2 hold 1 until 900 by flow file
         4 alice: ready
         12 ring alice for 1, attempt 2, until 32; of 1 waiting, 1 fitting, fit 0, idle 8s
         12 alice: ringing 1 until 32",
    );
}

/// The queue's word on misses: a second at least, and who is to say so themselves is waited for.
#[test]
fn how_long_an_agent_is_left_alone_is_said_by_the_queue_and_by_why() {
    check(
        "queue support, given, ring 10, no-answer 30, unreachable 0
         queue sales, given, declined 0
         agent alice x 1
         agent bob y 1
         agent carol z 1
         0 alice ready
         0 bob ready
         0 carol ready
         0 call 1 enters support, x 1
         0 call 2 enters support, y 1
         0 call 3 enters sales, z 1
         2 bob fails 2 unreachable
         2 carol fails 3 declined
         40 nothing",
        "0 alice: ready
         0 bob: ready
         0 carol: ready
         0 1 in support x>=1, priority 0, 1 waiting
         0 ring alice for 1, attempt 1, until 10; of 1 waiting, 1 fitting, fit 0, idle 0s
         0 alice: ringing 1 until 10
         0 2 in support y>=1, priority 0, 2 waiting
         0 ring bob for 2, attempt 1, until 10; of 1 waiting, 1 fitting, fit 0, idle 0s
         0 bob: ringing 2 until 10
         0 3 in sales z>=1, priority 0, 1 waiting
         0 ring carol for 3, attempt 1, until 20; of 1 waiting, 1 fitting, fit 0, idle 0s
         0 carol: ringing 3 until 20
         2 bob: not ready (phone unreachable) until 3
         2 hold 2 until 900 by flow file
         2 carol: not ready (declined a call)
         2 hold 3 until 900 by flow file
         3 bob: ready
         7 ring bob for 2, attempt 2, until 17; of 1 waiting, 1 fitting, fit 0, idle 4s
         7 bob: ringing 2 until 17
         10 stop ringing alice for 1: NoAnswer
         10 alice: not ready (missed a call) until 40
         10 hold 1 until 900 by flow file
         17 stop ringing bob for 2: NoAnswer
         17 bob: not ready (missed a call) until 47
         40 alice: ready
         40 ring alice for 1, attempt 2, until 50; of 1 waiting, 1 fitting, fit 0, idle 0s
         40 alice: ringing 1 until 50",
    );
}

#[test]
fn a_busy_phone_is_tried_again_after_a_minute_an_unreachable_one_only_when_the_agent_says() {
    check(
        "queue support, given
         agent alice x 1
         agent bob y 1
         0 alice ready
         0 bob ready
         1 call 1 enters support, x 1
         1 call 2 enters support, y 1
         2 alice fails 1 busy
         2 bob fails 2 unreachable
         62 nothing
         500 bob ready",
        "0 alice: ready
         0 bob: ready
         1 1 in support x>=1, priority 0, 1 waiting
         1 ring alice for 1, attempt 1, until 21; of 1 waiting, 1 fitting, fit 0, idle 1s
         1 alice: ringing 1 until 21
         1 2 in support y>=1, priority 0, 2 waiting
         1 ring bob for 2, attempt 1, until 21; of 1 waiting, 1 fitting, fit 0, idle 1s
         1 bob: ringing 2 until 21
         2 alice: not ready (phone busy) until 62
         2 hold 1 until 901 by flow file
         2 bob: not ready (phone unreachable)
         2 hold 2 until 901 by flow file
         62 check in 1, place 1
         62 check in 2, place 2
         62 alice: ready
         62 ring alice for 1, attempt 2, until 82; of 1 waiting, 1 fitting, fit 0, idle 0s
         62 alice: ringing 1 until 82
         82 stop ringing alice for 1: NoAnswer
         82 alice: not ready (missed a call)
         122 check in 1, place 1
         122 check in 2, place 2
         182 check in 1, place 1
         182 check in 2, place 2
         242 check in 1, place 1
         242 check in 2, place 2
         302 check in 1, place 1
         302 check in 2, place 2
         362 check in 1, place 1
         362 check in 2, place 2
         422 check in 1, place 1
         422 check in 2, place 2
         482 check in 1, place 1
         482 check in 2, place 2
         500 bob: ready
         500 ring bob for 2, attempt 2, until 520; of 1 waiting, 1 fitting, fit 0, idle 0s
         500 bob: ringing 2 until 520",
    );
}

#[test]
fn an_agent_who_is_always_ready_is_so_again_soon_after_a_miss_and_has_no_wrap_up() {
    check(
        "queue bench, given, check-in 0
         agent bench x 1, always
         0 call 1 enters bench
         20 nothing
         26 bench picks up 1
         30 bench ends 1",
        "0 1 in bench, priority 0, 1 waiting
         0 ring bench for 1, attempt 1, until 20; of 1 waiting, 1 fitting, fit 0, idle 0s
         0 bench: ringing 1 until 20
         20 stop ringing bench for 1: NoAnswer
         20 bench: not ready (missed a call) until 25
         20 hold 1 until 900 by flow file
         25 bench: ready
         25 ring bench for 1, attempt 2, until 45; of 1 waiting, 1 fitting, fit 0, idle 0s
         25 bench: ringing 1 until 45
         26 1 has bench, waited 26s
         26 bench: talking 1
         30 bench: ready",
    );
}

#[test]
fn a_phone_that_is_always_ready_and_never_reached_is_rung_less_and_less_often_and_callers_go_on() {
    let script = |last: &str| {
        let fails = [0, 5, 15, 35, 75, 155, 275].map(|at| format!("{at} bench fails 1 unreachable"));
        format!(
            "queue bench, given, check-in 0, ring 200
             agent bench x 1, always
             agent alice x 1
             0 call 1 enters bench
             {}
             {last}",
            fails.join("\n")
        )
    };
    let pauses = |last: &str| -> Vec<String> {
        let told = run(&script(last));
        let of_bench =
            told.lines().filter(|line| line.contains("bench: not ready") || line.contains("has bench"));
        of_bench.map(str::to_owned).collect()
    };
    let until = |at: u32, until: u32| format!("{at} bench: not ready (phone unreachable) until {until}");
    let doubled = [
        until(0, 5),
        until(5, 15),
        until(15, 35),
        until(35, 75),
        until(75, 155),
        until(155, 275),
        until(275, 395),
    ];
    assert_eq!(pauses("394 nothing"), doubled, "and no longer than two minutes");
    // Whom somebody calls ready has a phone that was looked after, and so has who refuses.
    let after = |last: &str| pauses(last)[doubled.len()..].to_vec();
    assert_eq!(after("300 bench ready\n301 bench fails 1 unreachable"), [until(301, 306)]);
    let again = "395 bench fails 1 declined\n405 bench fails 1 unreachable";
    assert_eq!(after(again)[1..], [until(405, 410)]);
    let talked =
        "395 bench picks up 1\n396 bench ends 1\n396 call 2 enters bench\n397 bench fails 2 unreachable";
    assert_eq!(after(talked)[1..], [until(397, 402)]);
    // Nobody waits for it: whoever else is there is rung at once.
    let told = run(&script("276 alice ready"));
    assert!(told.contains("276 ring alice for 1"), "{told}");
}

#[test]
fn a_break_wanted_during_a_talk_comes_after_wrap_up_and_signing_out_comes_at_once() {
    check(
        "queue support, given
         agent alice x 1
         agent bob y 1
         0 alice ready
         0 bob ready
         0 call 1 enters support, x 1
         0 call 2 enters support, y 1
         1 alice picks up 1
         1 bob picks up 2
         2 alice wants lunch
         2 bob offline
         3 alice ends 1
         3 bob ends 2
         40 nothing",
        "0 alice: ready
         0 bob: ready
         0 1 in support x>=1, priority 0, 1 waiting
         0 ring alice for 1, attempt 1, until 20; of 1 waiting, 1 fitting, fit 0, idle 0s
         0 alice: ringing 1 until 20
         0 2 in support y>=1, priority 0, 2 waiting
         0 ring bob for 2, attempt 1, until 20; of 1 waiting, 1 fitting, fit 0, idle 0s
         0 bob: ringing 2 until 20
         1 1 has alice, waited 1s
         1 alice: talking 1
         1 2 has bob, waited 1s
         1 bob: talking 2
         3 alice: wrap-up until 33
         3 bob: offline
         33 alice: not ready (lunch)",
    );
}

#[test]
fn wrap_up_ends_early_when_the_agent_says_so_and_a_wish_may_be_taken_back() {
    check(
        "queue support, given
         agent alice x 1
         0 alice ready
         0 call 1 enters support
         1 alice picks up 1
         2 alice wants lunch
         2 alice ready
         3 alice ends 1
         5 alice ready
         6 alice ready
         40 nothing",
        "0 alice: ready
         0 1 in support, priority 0, 1 waiting
         0 ring alice for 1, attempt 1, until 20; of 1 waiting, 1 fitting, fit 0, idle 0s
         0 alice: ringing 1 until 20
         1 1 has alice, waited 1s
         1 alice: talking 1
         3 alice: wrap-up until 33
         5 alice: ready",
    );
}

#[test]
fn an_agent_who_signs_out_while_ringing_gives_the_caller_back_with_age() {
    check(
        "queue support, given
         agent alice x 2
         agent bob x 1
         0 alice ready
         0 call 1 enters support
         1 bob wants lunch
         2 call 2 enters support
         3 alice offline
         4 bob ready",
        "0 alice: ready
         0 1 in support, priority 0, 1 waiting
         0 ring alice for 1, attempt 1, until 20; of 1 waiting, 1 fitting, fit 0, idle 0s
         0 alice: ringing 1 until 20
         1 bob: not ready (lunch)
         2 2 in support, priority 0, 2 waiting
         2 hold 2 until 902 by flow file
         3 stop ringing alice for 1: Unreachable
         3 alice: offline
         3 hold 1 until 900 by flow file
         4 bob: ready
         4 ring bob for 1, attempt 2, until 24; of 2 waiting, 1 fitting, fit 0, idle 0s
         4 bob: ringing 1 until 24",
    );
}

#[test]
fn a_caller_who_hangs_up_during_the_ring_costs_the_agent_no_idle_time() {
    check(
        "queue support, given
         agent alice x 1
         agent bob x 1
         0 alice ready
         1 bob ready
         5 call 1 enters support
         8 call 1 hangs up
         9 call 2 enters support",
        "0 alice: ready
         1 bob: ready
         5 1 in support, priority 0, 1 waiting
         5 ring alice for 1, attempt 1, until 25; of 1 waiting, 2 fitting, fit 0, idle 5s
         5 alice: ringing 1 until 25
         8 stop ringing alice for 1: Withdrawn
         8 exit 1: Abandoned
         8 alice: ready
         9 2 in support, priority 0, 1 waiting
         9 ring alice for 2, attempt 1, until 29; of 1 waiting, 2 fitting, fit 0, idle 9s
         9 alice: ringing 2 until 29",
    );
}

#[test]
fn events_about_nobody_and_late_events_change_nothing() {
    check(
        "queue support, given
         agent alice x 1
         0 alice picks up 7
         0 alice fails 7 busy
         0 alice ends 7
         0 alice finds nobody 7
         0 call 7 hangs up
         0 call 7 grants
         0 call 8 enters nowhere
         1 alice ready
         2 call 1 enters support
         2 call 1 enters support
         2 alice ends 1
         2 alice finds nobody 1
         3 alice picks up 1
         3 alice picks up 1
         3 alice fails 1 busy
         4 call 1 hangs up
         4 alice ends 1
         5 alice ready",
        "0 exit 8: NobodyStaffed
         1 alice: ready
         2 1 in support, priority 0, 1 waiting
         2 ring alice for 1, attempt 1, until 22; of 1 waiting, 1 fitting, fit 0, idle 1s
         2 alice: ringing 1 until 22
         3 1 has alice, waited 1s
         3 alice: talking 1
         4 alice: wrap-up until 34
         5 alice: ready",
    );
}

#[test]
fn an_agent_makes_a_call_whatever_they_are_at_and_is_at_it_again_afterwards() {
    check(
        "
        queue help, wrap 5
        agent alice
        0 alice calls 1
        1 alice ready
        2 alice wants lunch
        3 alice calls 2
        4 alice calls 3
        5 alice picks up 2
        6 call 4 enters help
        7 alice ends 2
        20 call 4 hangs up
        21 alice ready
        22 alice calls 5
        50 nothing
        ",
        "
        0 exit 1: NobodyStaffed
        1 alice: ready
        2 alice: not ready (lunch)
        3 ring alice for 2, attempt 1, until 23; of 1 waiting, 1 fitting, fit 0, idle 2s
        3 alice: ringing 2 until 23
        4 exit 3: NobodyStaffed
        5 2 has alice, waited 2s
        5 alice: talking 2
        6 4 in help, priority 0, 1 waiting
        6 ask 4, place 1
        7 alice: wrap-up until 12
        12 alice: not ready (lunch)
        20 exit 4: Abandoned
        21 alice: ready
        22 ring alice for 5, attempt 1, until 42; of 1 waiting, 1 fitting, fit 0, idle 1s
        22 alice: ringing 5 until 42
        42 stop ringing alice for 5: NoAnswer
        42 alice: not ready (missed a call)
        42 exit 5: NobodyStaffed
        ",
    );
}

#[test]
fn a_colleague_who_is_asked_and_given_up_again_makes_no_queue_weigh_more() {
    let alice = AgentConfig { name: "alice".into(), skills: Vec::new(), always_ready: true, gone: false };
    let engine = Engine::new(Config {
        queues: vec![queue_config("support"), queue_config("sales")],
        agents: vec![alice],
        routing: Routing::ServiceLevel(Weights::default()),
        ..Config::default()
    });
    let given_up = |call: CallId, begins: Event| {
        let (mut engine, mut out) = (engine.clone(), Vec::new());
        engine.handle(Timestamp::ZERO, begins, &mut out);
        assert!(out.iter().any(|action| matches!(action, Action::Ring { .. })), "{out:?}");
        engine.handle(Timestamp::from_secs(3), Event::Abandoned { call }, &mut out);
        assert!(out.contains(&Action::Exit { call, exit: WaitExit::Abandoned }), "{out:?}");
        engine.pace.queues[0].weight
    };
    let (caller, asked, queue) = (CallId(2), CallId(1).consult(1), QueueId(0));
    let weighs = engine.pace.queues[0].weight;
    let by_caller = given_up(caller, Event::Enqueue(Box::new(Enqueue::new(caller, queue))));
    assert!(by_caller > weighs, "a caller who gives up does");
    let by_colleague = given_up(asked, Event::CallAgent { call: asked, agent: AgentId(0), queue });
    assert_eq!(by_colleague, weighs);
}
