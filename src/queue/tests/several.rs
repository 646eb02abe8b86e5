//! Several agents rung for one call.

use super::script::check;
use super::script::queue_config;
use crate::base::CallId;
use crate::base::QueueId;
use crate::base::Timestamp;
use crate::queue::Action;
use crate::queue::Engine;
use crate::queue::Event;
use crate::queue::api::AgentConfig;
use crate::queue::api::Config;
use crate::queue::api::Enqueue;
use crate::queue::api::QueueConfig;

#[test]
fn who_is_faster_gets_the_call_and_a_caller_who_leaves_stops_all_phones() {
    check(
        "queue support, given, ring 10, rings 2
         agent alice x 1
         agent bob x 1
         agent carol x 1
         0 alice ready
         1 bob ready
         2 carol ready
         3 call 1 enters support
         5 bob picks up 1
         6 call 2 enters support
         7 call 2 hangs up",
        "0 alice: ready
         1 bob: ready
         2 carol: ready
         3 1 in support, priority 0, 1 waiting
         3 ring alice for 1, attempt 1, until 13; of 1 waiting, 3 fitting, fit 0, idle 3s
         3 alice: ringing 1 until 13
         3 ring bob for 1, attempt 1, until 13; of 1 waiting, 2 fitting, fit 0, idle 2s
         3 bob: ringing 1 until 13
         5 stop ringing alice for 1: Withdrawn
         5 1 has bob, waited 2s
         5 bob: talking 1
         5 alice: ready
         6 2 in support, priority 0, 1 waiting
         6 ring alice for 2, attempt 1, until 16; of 1 waiting, 2 fitting, fit 0, idle 6s
         6 alice: ringing 2 until 16
         6 ring carol for 2, attempt 1, until 16; of 1 waiting, 1 fitting, fit 0, idle 4s
         6 carol: ringing 2 until 16
         7 stop ringing alice for 2: Withdrawn
         7 stop ringing carol for 2: Withdrawn
         7 exit 2: Abandoned
         7 alice: ready
         7 carol: ready",
    );
}

/// Alice is looked at first, and bob is as free as she is.
#[test]
fn of_two_whose_phones_stop_the_one_who_is_preferred_gets_the_next_call() {
    check(
        "queue support, given, ring 10, rings 2
         agent alice x 1
         agent bob x 1
         0 alice ready
         0 bob ready
         1 call 1 enters support
         2 call 2 enters support, prefer bob 60
         3 call 1 hangs up",
        "0 alice: ready
         0 bob: ready
         1 1 in support, priority 0, 1 waiting
         1 ring alice for 1, attempt 1, until 11; of 1 waiting, 2 fitting, fit 0, idle 1s
         1 alice: ringing 1 until 11
         1 ring bob for 1, attempt 1, until 11; of 1 waiting, 1 fitting, fit 0, idle 1s
         1 bob: ringing 1 until 11
         2 2 in support, priority 0, 2 waiting
         2 2 goes, bob first for 60s
         2 hold 2 until 902 by flow file
         3 stop ringing alice for 1: Withdrawn
         3 stop ringing bob for 1: Withdrawn
         3 exit 1: Abandoned
         3 alice: ready
         3 bob: ready
         3 ring bob for 2, attempt 1, until 13; of 1 waiting, 2 fitting, fit 0, idle 3s
         3 bob: ringing 2 until 13",
    );
}

#[test]
fn when_one_refuses_the_other_rings_on_and_the_caller_waits_once_nobody_does() {
    check(
        "queue support, given, ring 10, rings 2, no-answer 30
         agent alice x 1
         agent bob x 1
         0 alice ready
         0 bob ready
         0 call 1 enters support
         3 alice fails 1 declined
         4 call 2 enters support
         12 nothing",
        "0 alice: ready
         0 bob: ready
         0 1 in support, priority 0, 1 waiting
         0 ring alice for 1, attempt 1, until 10; of 1 waiting, 2 fitting, fit 0, idle 0s
         0 alice: ringing 1 until 10
         0 ring bob for 1, attempt 1, until 10; of 1 waiting, 1 fitting, fit 0, idle 0s
         0 bob: ringing 1 until 10
         3 alice: not ready (declined a call) until 13
         4 2 in support, priority 0, 2 waiting
         4 hold 2 until 904 by flow file
         10 stop ringing bob for 1: NoAnswer
         10 bob: not ready (missed a call) until 40
         10 hold 1 until 900 by flow file",
    );
}

/// Bob turned the sales call down a moment ago, and is to have it as soon as he may.
#[test]
fn nobody_is_rung_beside_others_whom_another_caller_waits_for() {
    check(
        "queue support, given, ring 10, rings 2
         queue sales, given, y 1
         agent alice x 1
         agent bob x 1, y 1
         0 bob ready
         0 call 1 enters sales
         1 bob fails 1 withdrawn
         2 alice ready
         3 call 2 enters support
         6 nothing",
        "0 bob: ready
         0 1 in sales y>=1, priority 0, 1 waiting
         0 ring bob for 1, attempt 1, until 20; of 1 waiting, 1 fitting, fit 0, idle 0s
         0 bob: ringing 1 until 20
         1 bob: ready
         1 hold 1 until 900 by flow file
         2 alice: ready
         3 2 in support, priority 0, 1 waiting
         3 ring alice for 2, attempt 1, until 13; of 1 waiting, 2 fitting, fit 0, idle 1s
         3 alice: ringing 2 until 13
         6 ring bob for 1, attempt 2, until 26; of 1 waiting, 1 fitting, fit 0, idle 6s
         6 bob: ringing 1 until 26",
    );
}

#[test]
fn who_consults_a_queue_that_rings_several_rings_one() {
    let agent =
        |name: &str| AgentConfig { name: name.into(), skills: Vec::new(), always_ready: true, gone: false };
    let queue = QueueConfig { ring_agents: 2, ..queue_config("support") };
    let agents = vec![agent("alice"), agent("bob")];
    let engine = Engine::new(Config { queues: vec![queue], agents, ..Config::default() });
    let rings = |call| {
        let enqueue = Enqueue::new(call, QueueId(0));
        let mut out = Vec::new();
        engine.clone().handle(Timestamp::ZERO, Event::Enqueue(Box::new(enqueue)), &mut out);
        out.iter().filter(|action| matches!(action, Action::Ring { .. })).count()
    };
    assert_eq!((rings(CallId(1)), rings(CallId(1).consult(1))), (2, 1));
}

#[test]
fn of_two_agents_who_get_free_at_once_the_better_one_has_who_goes_before_others_there() {
    check(
        "queue sales y 1, given, rings 2
         queue support x 1, given
         agent alice y 5, x 1
         agent bob x 5, y 1
         0 alice ready
         0 bob ready
         1 call 1 enters sales
         2 call 2 enters support, x 4
         3 call 3 enters support
         5 call 1 hangs up",
        "0 alice: ready
         0 bob: ready
         1 1 in sales y>=1, priority 0, 1 waiting
         1 ring alice for 1, attempt 1, until 21; of 1 waiting, 2 fitting, fit 4, idle 1s
         1 alice: ringing 1 until 21
         1 ring bob for 1, attempt 1, until 21; of 1 waiting, 1 fitting, fit 0, idle 1s
         1 bob: ringing 1 until 21
         2 2 in support x>=4, priority 0, 1 waiting
         2 hold 2 until 902 by flow file
         3 3 in support x>=1, priority 0, 2 waiting
         3 hold 3 until 903 by flow file
         5 stop ringing alice for 1: Withdrawn
         5 stop ringing bob for 1: Withdrawn
         5 exit 1: Abandoned
         5 alice: ready
         5 bob: ready
         5 ring bob for 2, attempt 1, until 25; of 2 waiting, 1 fitting, fit 1, idle 5s
         5 bob: ringing 2 until 25
         5 ring alice for 3, attempt 1, until 25; of 1 waiting, 1 fitting, fit 0, idle 5s
         5 alice: ringing 3 until 25",
    );
}
