//! A server that is to stop begins no callback.

use super::script::check;

#[test]
fn once_it_is_to_stop_nobody_is_called_back_and_who_is_on_the_line_is_served() {
    check(
        "queue support billing 1
         agent alice billing 5
         0 call 1 is kept for support from 0
         5 the server stops
         6 alice ready
         20 call 2 enters support, given
         22 alice picks up 2
         60 alice ends 2
         100 call 3 is kept for support from 0
         200 call 4 is kept for support from 250
         300 alice ready
         20000 nothing",
        "0 1 in support billing>=1, priority 0, 1 waiting
         0 keep place of 1
         6 alice: ready
         20 2 in support billing>=1, priority 0, 2 waiting
         20 ring alice for 2, attempt 1, until 40; of 1 waiting, 1 fitting, fit 4, idle 14s
         20 alice: ringing 2 until 40
         22 2 has alice, waited 2s
         22 alice: talking 2
         60 alice: wrap-up until 90
         90 alice: ready
         100 3 in support billing>=1, priority 0, 2 waiting
         100 keep place of 3
         200 4 in support billing>=1, priority 0, 3 waiting
         200 keep place of 4
         14400 exit 1: Cap
         14500 exit 3: Cap
         14650 exit 4: Cap",
    );
}

#[test]
fn an_agents_phone_that_rings_for_a_callback_stops_and_they_take_who_is_on_the_line() {
    check(
        "queue support billing 1, rings 2
         agent alice billing 5
         agent bob billing 5
         0 alice ready
         0 bob ready
         1 call 1 is kept for support from 0
         2 call 2 enters support, given
         3 the server stops
         4 call 1 hangs up",
        "0 alice: ready
         0 bob: ready
         1 1 in support billing>=1, priority 0, 1 waiting
         1 keep place of 1
         1 ring alice for 1, attempt 1, until 21; of 1 waiting, 2 fitting, fit 4, idle 1s
         1 alice: ringing 1 until 21
         1 ring bob for 1, attempt 1, until 21; of 1 waiting, 1 fitting, fit 4, idle 1s
         1 bob: ringing 1 until 21
         2 2 in support billing>=1, priority 0, 2 waiting
         2 hold 2 until 902 by flow file
         3 stop ringing alice for 1: Withdrawn
         3 stop ringing bob for 1: Withdrawn
         3 alice: ready
         3 bob: ready
         3 ring alice for 2, attempt 1, until 23; of 1 waiting, 2 fitting, fit 4, idle 3s
         3 alice: ringing 2 until 23
         3 ring bob for 2, attempt 1, until 23; of 1 waiting, 1 fitting, fit 4, idle 3s
         3 bob: ringing 2 until 23
         4 exit 1: Abandoned",
    );
}

#[test]
fn a_callback_that_is_under_way_goes_on_and_is_not_tried_again() {
    check(
        "queue support billing 1, spaced 10
         agent alice billing 5
         agent bob billing 5
         0 alice ready
         0 bob ready
         1 call 1 is kept for support from 0
         2 call 2 is kept for support from 0
         3 alice picks up 1
         4 bob picks up 2
         5 the server stops
         6 alice finds nobody 1
         50 bob ends 2
         51 bob ready
         100 call 1 hangs up",
        "0 alice: ready
         0 bob: ready
         1 1 in support billing>=1, priority 0, 1 waiting
         1 keep place of 1
         1 ring alice for 1, attempt 1, until 21; of 1 waiting, 2 fitting, fit 4, idle 1s
         1 alice: ringing 1 until 21
         2 2 in support billing>=1, priority 0, 2 waiting
         2 keep place of 2
         2 ring bob for 2, attempt 1, until 22; of 1 waiting, 1 fitting, fit 4, idle 2s
         2 bob: ringing 2 until 22
         3 1 has alice, waited 2s
         3 alice: talking 1
         4 2 has bob, waited 2s
         4 bob: talking 2
         6 alice: ready
         50 bob: wrap-up until 80
         51 bob: ready
         100 exit 1: Abandoned",
    );
}

#[test]
fn a_customer_who_is_called_first_is_still_served_and_those_after_them_are_not_called() {
    check(
        "queue support billing 1, customer-first 30, spaced 0
         agent alice billing 5
         agent bob billing 5
         0 call 1 is kept for support from 0
         0 call 2 is kept for support from 0
         15 alice ready
         16 the server stops
         17 bob ready
         18 alice wants lunch
         20 call 1 is reached
         22 bob picks up 1
         30 bob ends 1
         31 bob ready
         100 call 2 hangs up",
        "0 1 in support billing>=1, priority 0, 1 waiting
         0 keep place of 1
         0 2 in support billing>=1, priority 0, 2 waiting
         0 keep place of 2
         15 alice: ready
         15 reserve alice for 1 until 40; of 2 waiting, 1 fitting
         15 alice: reserved 1 until 40
         17 bob: ready
         18 alice: not ready (lunch)
         18 reserve bob for 1 until 40; of 1 waiting, 1 fitting
         18 bob: reserved 1 until 40
         20 ring bob for 1, attempt 1, until 40; of 1 waiting, 1 fitting, fit 4, idle 1s
         20 bob: ringing 1 until 40
         22 1 has bob, waited 22s
         22 bob: talking 1
         30 bob: wrap-up until 60
         31 bob: ready
         100 exit 2: Abandoned",
    );
}

#[test]
fn a_customer_of_whom_nobody_is_left_is_called_no_more_and_not_again_even_at_once() {
    check(
        "queue support billing 1, customer-first 30, spaced 0
         agent alice billing 5
         0 call 1 is kept for support from 0
         15 alice ready
         16 the server stops
         18 alice wants lunch
         20 alice ready
         60 call 1 hangs up",
        "0 1 in support billing>=1, priority 0, 1 waiting
         0 keep place of 1
         15 alice: ready
         15 reserve alice for 1 until 40; of 1 waiting, 1 fitting
         15 alice: reserved 1 until 40
         18 alice: not ready (lunch)
         18 stop calling 1
         20 alice: ready
         60 exit 1: Abandoned",
    );
}

#[test]
fn who_would_rather_be_called_back_keeps_their_place_and_is_off_when_they_are_served_by_another_call() {
    check(
        "queue support billing 1
         agent alice billing 5
         agent bob billing 5
         0 alice ready
         0 call 1 enters support, given, from +12025550143
         1 alice picks up 1
         2 call 2 enters support, ask, from +12025550144
         3 the server stops
         4 call 2 wants callback
         5 call 3 enters support, given, from +12025550144
         6 bob ready
         8 bob picks up 3",
        "0 alice: ready
         0 1 in support billing>=1, priority 0, 1 waiting
         0 ring alice for 1, attempt 1, until 20; of 1 waiting, 1 fitting, fit 4, idle 0s
         0 alice: ringing 1 until 20
         1 1 has alice, waited 1s
         1 alice: talking 1
         2 2 in support billing>=1, priority 0, 1 waiting
         2 ask 2, place 1
         4 keep place of 2
         5 3 in support billing>=1, priority 0, 2 waiting
         5 hold 3 until 905 by flow file
         6 bob: ready
         6 ring bob for 3, attempt 1, until 26; of 1 waiting, 1 fitting, fit 4, idle 0s
         6 bob: ringing 3 until 26
         8 3 has bob, waited 3s
         8 bob: talking 3
         8 exit 2: Redialled",
    );
}
