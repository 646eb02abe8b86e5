//! What less will do after a while, and for whom.

use super::script::check;

#[test]
fn a_step_reaches_those_who_were_idle_all_along() {
    check(
        "queue support billing 5, given, check-in 0, 20: billing 3, 40: anybody
         agent expert billing 7
         agent novice billing 3
         agent other sales 9
         0 novice ready
         0 other ready
         0 expert wants lunch
         1 call 1 enters support
         2 call 2 enters support
         50 nothing",
        "0 novice: ready
         0 other: ready
         0 expert: not ready (lunch)
         1 1 in support billing>=5, priority 0, 1 waiting
         1 hold 1 until 901 by flow file
         2 2 in support billing>=5, priority 0, 2 waiting
         2 hold 2 until 902 by flow file
         21 1 needs now: billing>=3
         21 ring novice for 1, attempt 1, until 41; of 1 waiting, 1 fitting, fit 0, idle 21s
         21 novice: ringing 1 until 41
         22 2 needs now: billing>=3
         41 stop ringing novice for 1: NoAnswer
         41 novice: not ready (missed a call)
         41 1 needs now:
         41 ring other for 1, attempt 2, until 61; of 1 waiting, 1 fitting, fit 0, idle 41s
         41 other: ringing 1 until 61
         42 2 needs now:",
    );
}

#[test]
fn age_that_a_call_brings_along_counts_and_its_own_steps_replace_its_own_needs() {
    check(
        "queue support billing 1 or sales 1, given, check-in 0, 30: billing 1 or sales 1 or bench 1
         agent seller sales 4
         agent bench bench 1
         0 bench ready
         1 seller wants lunch
         10 call 1 enters support, credit 29
         10 call 2 enters support, credit 30
         11 nothing",
        "0 bench: ready
         1 seller: not ready (lunch)
         10 1 in support (billing>=1 or sales>=1), priority 0, 1 waiting
         10 hold 1 until 910 by flow file
         10 2 in support (billing>=1 or sales>=1 or bench>=1), priority 0, 2 waiting
         10 ring bench for 2, attempt 1, until 30; of 1 waiting, 1 fitting, fit 0, idle 10s
         10 bench: ringing 2 until 30
         11 1 needs now: (billing>=1 or sales>=1 or bench>=1)",
    );
}

#[test]
fn who_can_be_served_later_is_let_in_and_gives_up_when_that_is_over() {
    check(
        "queue support billing 5, given, check-in 0, 20: billing 1
         agent novice billing 2
         0 call 1 enters support
         1 novice wants lunch
         2 call 2 enters support
         10 novice offline
         26 nothing
         30 novice wants lunch
         31 call 3 enters support
         52 novice offline
         60 nothing",
        "0 exit 1: NobodyStaffed
         1 novice: not ready (lunch)
         2 2 in support billing>=5, priority 0, 1 waiting
         2 hold 2 until 902 by flow file
         10 novice: offline
         22 2 needs now: billing>=1
         27 exit 2: NobodyStaffed
         30 novice: not ready (lunch)
         31 3 in support billing>=5, priority 0, 1 waiting
         31 hold 3 until 931 by flow file
         51 3 needs now: billing>=1
         52 novice: offline
         57 exit 3: NobodyStaffed",
    );
}

#[test]
fn of_alternatives_the_best_counts_for_the_fit() {
    check(
        "queue support billing 3, english 2 or spanish 5, given
         agent first billing 3, english 2, spanish 9
         agent second billing 4, english 3
         agent third billing 9, spanish 4
         0 third ready
         1 second ready
         2 first ready
         3 call 1 enters support",
        "0 third: ready
         1 second: ready
         2 first: ready
         3 1 in support billing>=3 (english>=2 or spanish>=5), priority 0, 1 waiting
         3 ring first for 1, attempt 1, until 23; of 1 waiting, 2 fitting, fit 4, idle 1s
         3 first: ringing 1 until 23",
    );
}
