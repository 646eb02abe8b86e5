//! Who calls again after their line dropped.

use super::script::check;

#[test]
fn a_dropped_caller_is_as_old_as_they_were_and_no_older_and_once() {
    check(
        "queue support, given, check-in 0
         queue sales, given, check-in 0
         agent alice x 1
         0 alice wants lunch
         0 call 1 enters support, from +12025550143, account 100200
         20 call 2 enters support
         30 call 1 hangs up
         60 call 3 enters sales, from +12025550143
         61 call 4 enters support, account 100200
         62 call 5 enters support, from +12025550143
         70 alice ready",
        "0 alice: not ready (lunch)
         0 1 in support, priority 0, 1 waiting
         0 hold 1 until 900 by flow file
         20 2 in support, priority 0, 2 waiting
         20 hold 2 until 920 by flow file
         30 exit 1: Abandoned
         60 3 in sales, priority 0, 1 waiting
         60 hold 3 until 960 by flow file
         61 4 in support, priority 0, 2 waiting
         61 4 is 30s old
         61 hold 4 until 961 by flow file
         62 5 in support, priority 0, 3 waiting
         62 hold 5 until 962 by flow file
         70 alice: ready
         70 ring alice for 2, attempt 1, until 90; of 4 waiting, 1 fitting, fit 0, idle 0s
         70 alice: ringing 2 until 90",
    );
}

#[test]
fn whom_an_operator_ends_has_not_given_up_and_has_no_age_to_claim() {
    check(
        "queue support, given, check-in 0
         agent alice x 1
         0 alice wants lunch
         0 call 1 enters support, from +12025550143
         30 call 1 is ended
         40 call 2 enters support, from +12025550143
         50 alice ready
         60 call 2 is ended
         61 call 3 enters support, from +12025550143
         61 alice picks up 3
         70 call 3 is ended",
        "0 alice: not ready (lunch)
         0 1 in support, priority 0, 1 waiting
         0 hold 1 until 900 by flow file
         30 exit 1: EndedByOperator
         40 2 in support, priority 0, 1 waiting
         40 hold 2 until 940 by flow file
         50 alice: ready
         50 ring alice for 2, attempt 1, until 70; of 1 waiting, 1 fitting, fit 0, idle 0s
         50 alice: ringing 2 until 70
         60 stop ringing alice for 2: Withdrawn
         60 exit 2: EndedByOperator
         60 alice: ready
         61 3 in support, priority 0, 1 waiting
         61 ring alice for 3, attempt 1, until 81; of 1 waiting, 1 fitting, fit 0, idle 11s
         61 alice: ringing 3 until 81
         61 3 has alice, waited 0s
         61 alice: talking 3
         70 alice: wrap-up until 100",
    );
}

#[test]
fn after_two_minutes_nobody_is_remembered_and_a_withheld_number_never() {
    check(
        "queue support, given, check-in 0
         agent alice x 1
         0 alice wants lunch
         0 call 1 enters support, from +12025550143
         0 call 2 enters support, from anonymous
         10 call 1 hangs up
         10 call 2 hangs up
         11 call 3 enters support, from anonymous
         130 call 4 enters support, from +12025550143",
        "0 alice: not ready (lunch)
         0 1 in support, priority 0, 1 waiting
         0 hold 1 until 900 by flow file
         0 2 in support, priority 0, 2 waiting
         0 hold 2 until 900 by flow file
         10 exit 1: Abandoned
         10 exit 2: Abandoned
         11 3 in support, priority 0, 1 waiting
         11 hold 3 until 911 by flow file
         130 4 in support, priority 0, 2 waiting
         130 hold 4 until 1030 by flow file",
    );
}
