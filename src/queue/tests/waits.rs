//! What callers notice of a wait: the question, the hold, the check-ins, callbacks, and how it ends.

use super::script::check;
use super::script::run;

/// Alice is away: signed in, but nobody is rung.
const AWAY: &str = "agent alice x 1
                    0 alice wants lunch
                    ";

#[track_caller]
fn check_away(queue: &str, script: &str, expected: &str) {
    check(&format!("{queue}\n{AWAY}{script}"), &format!("0 alice: not ready (lunch)\n{expected}"));
}

#[test]
fn a_caller_is_asked_before_holding_and_asked_anew_when_the_permission_runs_out() {
    check_away(
        "queue support",
        "1 call 1 enters support
         9 call 1 grants
         9 call 1 grants
         310 nothing",
        "1 1 in support, priority 0, 1 waiting
         1 ask 1, place 1
         9 hold 1 until 309
         69 check in 1, place 1
         129 check in 1, place 1
         189 check in 1, place 1
         249 check in 1, place 1
         309 ask 1, place 1",
    );
}

#[test]
fn silence_is_asked_once_more_and_then_is_a_no() {
    check_away(
        "queue support",
        "1 call 1 enters support
         11 call 1 is silent
         21 call 1 is silent
         22 call 1 grants",
        "1 1 in support, priority 0, 1 waiting
         1 ask 1, place 1
         11 ask 1, place 1
         21 exit 1: Declined",
    );
}

#[test]
fn a_caller_may_decline_at_once_or_while_held() {
    check_away(
        "queue support, check-in 0",
        "1 call 1 enters support
         1 call 2 enters support
         2 call 1 declines
         2 call 2 grants
         50 call 2 declines",
        "1 1 in support, priority 0, 1 waiting
         1 ask 1, place 1
         1 2 in support, priority 0, 2 waiting
         1 ask 2, place 2
         2 exit 1: Declined
         2 hold 2 until 302
         50 exit 2: Declined",
    );
}

#[test]
fn nobody_waits_beyond_the_longest_wait_not_even_while_a_phone_rings() {
    check(
        "queue support, given, max 30, check-in 0
         agent alice x 1
         0 alice wants lunch
         0 call 1 enters support
         15 call 2 enters support
         20 alice ready
         31 nothing",
        "0 alice: not ready (lunch)
         0 1 in support, priority 0, 1 waiting
         0 hold 1 until 30 by flow file
         15 2 in support, priority 0, 2 waiting
         15 hold 2 until 45 by flow file
         20 alice: ready
         20 ring alice for 1, attempt 1, until 40; of 2 waiting, 1 fitting, fit 0, idle 0s
         20 alice: ringing 1 until 40
         30 stop ringing alice for 1: Withdrawn
         30 exit 1: Cap
         30 alice: ready
         30 ring alice for 2, attempt 1, until 50; of 1 waiting, 1 fitting, fit 0, idle 10s
         30 alice: ringing 2 until 50",
    );
}

#[test]
fn no_question_is_put_while_a_phone_rings_and_it_is_put_again_after_a_failed_ring() {
    check(
        "queue support
         agent alice x 1
         0 alice wants lunch
         0 call 1 enters support
         5 alice ready
         8 call 1 is silent
         25 nothing",
        "0 alice: not ready (lunch)
         0 1 in support, priority 0, 1 waiting
         0 ask 1, place 1
         5 alice: ready
         5 ring alice for 1, attempt 1, until 25; of 1 waiting, 1 fitting, fit 0, idle 0s
         5 alice: ringing 1 until 25
         25 stop ringing alice for 1: NoAnswer
         25 alice: not ready (missed a call)
         25 ask 1, place 1",
    );
}

#[test]
fn answers_that_come_while_a_phone_rings_count_if_nobody_picks_up() {
    let script = |answer: &str| {
        format!(
            "queue support
             agent alice x 1
             0 alice wants lunch
             0 call 1 enters support
             5 alice ready
             8 call 1 {answer}
             25 nothing"
        )
    };
    let until_answer = "0 alice: not ready (lunch)
         0 1 in support, priority 0, 1 waiting
         0 ask 1, place 1
         5 alice: ready
         5 ring alice for 1, attempt 1, until 25; of 1 waiting, 1 fitting, fit 0, idle 0s
         5 alice: ringing 1 until 25\n";
    let missed = "25 stop ringing alice for 1: NoAnswer
         25 alice: not ready (missed a call)\n";
    check(&script("grants"), &format!("{until_answer} 8 hold 1 until 308\n{missed}"));
    check(&script("declines"), &format!("{until_answer}{missed} 25 exit 1: Declined"));
    check(&script("wants callback"), &format!("{until_answer}{missed} 25 keep place of 1"));
}

#[test]
fn a_late_yes_to_a_connected_caller_is_harmless() {
    check(
        "queue support
         agent alice x 1
         0 alice ready
         0 call 1 enters support
         1 alice picks up 1
         2 call 1 grants
         2 call 1 declines
         2 call 1 wants callback",
        "0 alice: ready
         0 1 in support, priority 0, 1 waiting
         0 ring alice for 1, attempt 1, until 20; of 1 waiting, 1 fitting, fit 0, idle 0s
         0 alice: ringing 1 until 20
         1 1 has alice, waited 1s
         1 alice: talking 1",
    );
}

#[test]
fn a_callback_keeps_its_place_before_those_who_came_later() {
    check_away(
        "queue support",
        "1 call 1 enters support
         2 call 2 enters support
         3 call 1 wants callback
         3 call 1 is silent
         3 call 1 grants
         9 alice ready
         10 alice picks up 1
         90 alice ends 1
         91 alice ready",
        "1 1 in support, priority 0, 1 waiting
         1 ask 1, place 1
         2 2 in support, priority 0, 2 waiting
         2 ask 2, place 2
         3 keep place of 1
         9 alice: ready
         9 ring alice for 1, attempt 1, until 29; of 2 waiting, 1 fitting, fit 0, idle 0s
         9 alice: ringing 1 until 29
         10 1 has alice, waited 9s
         10 alice: talking 1
         90 alice: wrap-up until 120
         91 alice: ready
         91 ring alice for 2, attempt 1, until 111; of 1 waiting, 1 fitting, fit 0, idle 0s
         91 alice: ringing 2 until 111",
    );
}

#[test]
fn a_callback_that_reaches_nobody_is_tried_again_a_minute_later_and_then_given_up() {
    check_away(
        "queue support, tries 2",
        "1 call 1 enters support
         3 call 1 wants callback
         9 alice ready
         10 alice picks up 1
         20 alice finds nobody 1
         81 alice picks up 1
         90 alice finds nobody 1",
        "1 1 in support, priority 0, 1 waiting
         1 ask 1, place 1
         3 keep place of 1
         9 alice: ready
         9 ring alice for 1, attempt 1, until 29; of 1 waiting, 1 fitting, fit 0, idle 0s
         9 alice: ringing 1 until 29
         10 1 has alice, waited 9s
         10 alice: talking 1
         20 alice: ready
         80 ring alice for 1, attempt 2, until 100; of 1 waiting, 1 fitting, fit 0, idle 60s
         80 alice: ringing 1 until 100
         81 1 has alice, waited 80s
         81 alice: talking 1
         90 exit 1: CallbackFailed
         90 alice: ready",
    );
}

#[test]
fn who_calls_again_and_is_served_is_not_called_back_there() {
    check_away(
        "queue support, given, check-in 0
         queue sales, given",
        "1 call 1 is kept for support from 600, from +12025550143
         1 call 2 is kept for sales from 600, from +12025550143
         1 call 3 is kept for support from 600, from +12025550199
         2 call 4 enters support, from +12025550143
         9 alice ready
         10 alice picks up 4",
        "1 1 in support, priority 0, 1 waiting
         1 keep place of 1
         1 2 in sales, priority 0, 1 waiting
         1 keep place of 2
         1 3 in support, priority 0, 2 waiting
         1 keep place of 3
         2 4 in support, priority 0, 3 waiting
         2 hold 4 until 902 by flow file
         9 alice: ready
         9 ring alice for 4, attempt 1, until 29; of 1 waiting, 1 fitting, fit 0, idle 0s
         9 alice: ringing 4 until 29
         10 4 has alice, waited 8s
         10 alice: talking 4
         10 exit 1: Redialled",
    );
}

#[test]
fn who_asked_for_a_callback_before_anybody_was_there_is_called_when_somebody_is() {
    check_away(
        "queue support",
        "1 call 1 is kept for support from 0
         9 alice ready
         10 alice picks up 1",
        "1 1 in support, priority 0, 1 waiting
         1 keep place of 1
         9 alice: ready
         9 ring alice for 1, attempt 1, until 29; of 1 waiting, 1 fitting, fit 0, idle 0s
         9 alice: ringing 1 until 29
         10 1 has alice, waited 9s
         10 alice: talking 1",
    );
}

#[test]
fn a_callback_for_a_later_time_is_made_then_and_before_those_who_came_after_it() {
    check_away(
        "queue support, max 60, given",
        "0 alice ready
         1 call 1 is kept for support from 3600
         3590 call 2 enters support
         3591 alice picks up 2
         3599 call 3 enters support
         3605 alice ends 2
         3606 alice ready
         3607 alice picks up 1",
        "0 alice: ready
         1 1 in support, priority 0, 1 waiting
         1 keep place of 1
         3590 2 in support, priority 0, 2 waiting
         3590 ring alice for 2, attempt 1, until 3610; of 1 waiting, 1 fitting, fit 0, idle 3590s
         3590 alice: ringing 2 until 3610
         3591 2 has alice, waited 1s
         3591 alice: talking 2
         3599 3 in support, priority 0, 2 waiting
         3599 hold 3 until 3659 by flow file
         3605 alice: wrap-up until 3635
         3606 alice: ready
         3606 ring alice for 1, attempt 1, until 3626; of 2 waiting, 1 fitting, fit 0, idle 0s
         3606 alice: ringing 1 until 3626
         3607 1 has alice, waited 7s
         3607 alice: talking 1",
    );
}

#[test]
fn a_callback_outlives_the_longest_wait_but_not_four_hours() {
    check_away(
        "queue support, max 60",
        "0 call 1 enters support
         1 call 1 wants callback
         14402 nothing",
        "0 1 in support, priority 0, 1 waiting
         0 ask 1, place 1
         1 keep place of 1
         14401 exit 1: Cap",
    );
}

#[test]
fn a_place_that_was_kept_before_the_start_is_as_old_as_it_was_and_let_in_though_the_queue_is_full() {
    check_away(
        "queue support, given, room 1",
        "1 call 2 enters support, credit 30
         1 call 1 is recalled for support from 25 until 900 tried 1, credit 600
         26 alice ready
         27 alice picks up 1
         40 alice finds nobody 1
         41 alice picks up 2
         50 alice ends 2
         51 alice ready
         101 alice picks up 1",
        "1 2 in support, priority 0, 1 waiting
         1 hold 2 until 901 by flow file
         1 1 in support, priority 0, 2 waiting
         1 keep place of 1
         26 alice: ready
         26 ring alice for 1, attempt 1, until 46; of 2 waiting, 1 fitting, fit 0, idle 0s
         26 alice: ringing 1 until 46
         27 1 has alice, waited 2s
         27 alice: talking 1
         40 alice: ready
         40 ring alice for 2, attempt 1, until 60; of 1 waiting, 1 fitting, fit 0, idle 0s
         40 alice: ringing 2 until 60
         41 2 has alice, waited 40s
         41 alice: talking 2
         50 alice: wrap-up until 80
         51 alice: ready
         100 ring alice for 1, attempt 2, until 120; of 1 waiting, 1 fitting, fit 0, idle 49s
         100 alice: ringing 1 until 120
         101 1 has alice, waited 76s
         101 alice: talking 1",
    );
}

#[test]
fn a_place_is_not_kept_again_beyond_its_time_or_its_tries_or_without_its_queue() {
    check_away(
        "queue support, tries 2",
        "5 call 1 is recalled for support from 30 until 5 tried 0
         5 call 2 is recalled for support from 30 until 900 tried 2
         5 call 3 is recalled for nowhere from 30 until 900 tried 0
         5 call 4 is recalled for support from 30 until 60 tried 1
         61 nothing",
        "5 exit 1: Cap
         5 exit 2: CallbackFailed
         5 exit 3: NobodyStaffed
         5 4 in support, priority 0, 1 waiting
         5 keep place of 4
         60 exit 4: Cap",
    );
}

#[test]
fn a_full_queue_refuses_whoever_would_have_to_wait() {
    check_away(
        "queue support, given, room 1",
        "1 call 1 enters support, x 1
         2 call 2 enters support
         3 call 1 hangs up
         4 call 3 enters support",
        "1 1 in support x>=1, priority 0, 1 waiting
         1 hold 1 until 901 by flow file
         2 exit 2: Full
         3 exit 1: Abandoned
         4 3 in support, priority 0, 1 waiting
         4 hold 3 until 904 by flow file",
    );
}

#[test]
fn nobody_is_let_in_where_nobody_signed_in_has_the_skills() {
    check_away(
        "queue support, given",
        "1 call 1 enters support, x 2
         1 call 2 enters support, cooking 1
         2 call 3 enters support, x 1
         3 alice offline
         3 call 4 enters support",
        "1 exit 1: NobodyStaffed
         1 exit 2: NobodyStaffed
         2 3 in support x>=1, priority 0, 1 waiting
         2 hold 3 until 902 by flow file
         3 alice: offline
         3 exit 4: NobodyStaffed",
    );
}

#[test]
fn when_the_last_agent_signs_out_callers_leave_after_five_seconds_and_callbacks_stay() {
    check_away(
        "queue support",
        "1 call 1 enters support
         1 call 2 enters support
         2 call 1 wants callback
         2 call 2 grants
         10 alice offline
         14 alice wants tea
         20 alice offline
         30 alice ready",
        "1 1 in support, priority 0, 1 waiting
         1 ask 1, place 1
         1 2 in support, priority 0, 2 waiting
         1 ask 2, place 2
         2 keep place of 1
         2 hold 2 until 302
         10 alice: offline
         14 alice: not ready (tea)
         20 alice: offline
         25 exit 2: NobodyStaffed
         30 alice: ready
         30 ring alice for 1, attempt 1, until 50; of 1 waiting, 1 fitting, fit 0, idle 0s
         30 alice: ringing 1 until 50",
    );
}

#[test]
fn a_wait_is_quoted_once_there_is_something_to_go_by_and_held_against_what_it_was() {
    check(
        "queue support, wrap 20
         agent alice x 1
         0 alice ready
         0 call 1 enters support
         0 alice picks up 1
         5 call 2 enters support
         6 call 2 grants
         40 alice ends 1
         60 alice picks up 2
         61 call 3 enters support
         62 call 4 enters support
         63 call 3 grants
         80 alice ends 2
         100 alice picks up 3",
        "0 alice: ready
         0 1 in support, priority 0, 1 waiting
         0 ring alice for 1, attempt 1, until 20; of 1 waiting, 1 fitting, fit 0, idle 0s
         0 alice: ringing 1 until 20
         0 1 has alice, waited 0s
         0 alice: talking 1
         5 2 in support, priority 0, 1 waiting
         5 ask 2, place 1
         6 hold 2 until 306
         40 alice: wrap-up until 60
         60 alice: ready
         60 ring alice for 2, attempt 1, until 80; of 1 waiting, 1 fitting, fit 0, idle 0s
         60 alice: ringing 2 until 80
         60 2 has alice, waited 55s
         60 alice: talking 2
         61 3 in support, priority 0, 1 waiting
         61 ask 3, place 1, quote 138s
         62 4 in support, priority 0, 2 waiting
         62 ask 4, place 2, quote 276s
         63 hold 3 until 363
         80 alice: wrap-up until 100
         100 alice: ready
         100 ring alice for 3, attempt 1, until 120; of 2 waiting, 1 fitting, fit 0, idle 0s
         100 alice: ringing 3 until 120
         100 3 has alice, waited 39s, quote 138s
         100 alice: talking 3",
    );
}

#[test]
fn who_is_expected_to_wait_too_long_is_sent_on_at_once_or_when_it_turns_out_so() {
    // Nine in ten wait no longer than 2.3 times what the work ahead takes.
    check(
        "queue support, given, wrap 0, talk 60, expect 100
         agent alice english 1
         agent bob english 1
         0 alice ready
         0 bob ready
         1 call 1 enters support
         1 alice picks up 1
         2 call 2 enters support
         2 bob picks up 2
         3 call 3 enters support
         4 call 4 enters support
         50 bob wants lunch
         60 bob ends 2
         70 nothing",
        "0 alice: ready
         0 bob: ready
         1 1 in support, priority 0, 1 waiting
         1 ring alice for 1, attempt 1, until 21; of 1 waiting, 2 fitting, fit 0, idle 1s
         1 alice: ringing 1 until 21
         1 1 has alice, waited 0s
         1 alice: talking 1
         2 2 in support, priority 0, 1 waiting
         2 ring bob for 2, attempt 1, until 22; of 1 waiting, 1 fitting, fit 0, idle 2s
         2 bob: ringing 2 until 22
         2 2 has bob, waited 0s
         2 bob: talking 2
         3 3 in support, priority 0, 1 waiting
         3 hold 3 until 903 by flow file
         4 4 in support, priority 0, 2 waiting
         4 exit 4: ExpectedWait
         60 bob: not ready (lunch)
         63 exit 3: ExpectedWait",
    );
}

#[test]
fn where_no_wait_can_be_foretold_nobody_is_sent_on() {
    let script = "queue support, given, expect 1
         agent alice english 1
         0 alice ready
         1 call 1 enters support
         1 alice picks up 1
         2 call 2 enters support
         3 call 3 enters support
         4 call 4 is kept for support from 4
         200 nothing";
    assert!(!run(script).contains("exit"), "{}", run(script));
}
