//! A queue in a surge: who joins is told, or not let in; who waits stays; and it does not flicker.

use super::script::check;
use super::script::run;

/// The lines about surges, who is told of one and who leaves.
fn of_surge(script: &str) -> Vec<String> {
    let tells = |line: &&str| line.contains("surge") || line.contains("exit");
    run(script).lines().filter(tells).map(str::to_owned).collect()
}

const QUEUE: &str = "queue support, given, check-in 0, surge 2
     agent alice english 1
     agent bob english 1
     0 alice ready
     0 call 1 enters support
     0 alice picks up 1\n";

#[test]
fn who_joins_when_many_wait_for_each_agent_is_told_and_who_waits_already_is_not() {
    check(
        "queue support, given, check-in 0, surge 2
         agent alice english 1
         0 alice ready
         0 call 1 enters support
         0 alice picks up 1
         1 call 2 enters support
         2 call 3 enters support
         3 call 4 enters support
         4 call 5 enters support
         5 call 2 hangs up
         6 call 3 hangs up
         7 call 4 hangs up
         8 call 6 enters support",
        "0 alice: ready
         0 1 in support, priority 0, 1 waiting
         0 ring alice for 1, attempt 1, until 20; of 1 waiting, 1 fitting, fit 0, idle 0s
         0 alice: ringing 1 until 20
         0 1 has alice, waited 0s
         0 alice: talking 1
         1 2 in support, priority 0, 1 waiting
         1 hold 2 until 901 by flow file
         2 3 in support, priority 0, 2 waiting
         2 hold 3 until 902 by flow file
         3 4 in support, priority 0, 3 waiting
         3 surge in support: 3 on the line, 1 working
         3 hold 4 until 903 by flow file
         4 5 in support, priority 0, 4 waiting
         4 5 is told of the surge
         4 hold 5 until 904 by flow file
         5 exit 2: Abandoned
         6 exit 3: Abandoned
         7 exit 4: Abandoned
         7 surge over in support: 1 on the line, 1 working
         8 6 in support, priority 0, 2 waiting
         8 hold 6 until 908 by flow file",
    );
}

#[test]
fn in_a_surge_that_lets_nobody_in_those_who_are_in_stay_and_those_who_waited_before_come_back() {
    let script = QUEUE.replace("surge 2", "surge 2, turns-away")
        + "1 call 2 enters support, from +12025550101
           1 call 3 enters support
           1 call 4 enters support
           2 call 5 enters support
           3 call 2 hangs up
           4 call 6 enters support, from +12025550101
           5 call 7 enters support, credit 30
           6 call 8 is kept for support from 6
           7 call 9 enters support
           60 nothing";
    assert_eq!(
        of_surge(&script),
        [
            "1 surge in support: 3 on the line, 1 working",
            "2 exit 5: Surge",
            "3 exit 2: Abandoned",
            "7 exit 9: Surge",
        ]
    );
    let transcript = run(&script);
    for joined in ["4 6 in support", "5 7 in support", "6 8 in support"] {
        assert!(transcript.contains(joined), "{transcript}");
    }
}

#[test]
fn agents_who_come_and_go_count_and_nobody_counts_as_one() {
    let three = "1 call 2 enters support\n1 call 3 enters support\n1 call 4 enters support\n";
    // Bob is there, on another call: three for two agents are no surge.
    let two = QUEUE.to_owned() + "0 bob ready\n0 call 9 enters support\n0 bob picks up 9\n" + three;
    assert_eq!(of_surge(&two), Vec::<String>::new());
    // When he has gone, whoever joins finds one.
    let gone = two.clone() + "2 bob wants lunch\n2 bob ends 9\n40 call 5 enters support\n";
    assert_eq!(
        of_surge(&gone),
        ["40 surge in support: 3 on the line, 1 working", "40 5 is told of the surge"]
    );
    // Nobody at work is no surge of a single caller, but of three.
    let nobody = "queue support, given, check-in 0, surge 2\nagent alice english 1\n0 alice wants lunch\n";
    assert_eq!(of_surge(&format!("{nobody}1 call 2 enters support\n")), Vec::<String>::new());
    assert_eq!(of_surge(&(nobody.to_owned() + three)), ["1 surge in support: 3 on the line, 0 working"]);
}

#[test]
fn who_chose_a_callback_is_on_no_line_any_more() {
    let script = QUEUE.replace("given, ", "")
        + "1 call 2 enters support
           1 call 3 enters support
           1 call 4 enters support
           2 call 2 wants callback
           2 call 3 wants callback
           3 call 5 enters support";
    assert_eq!(
        of_surge(&script),
        ["1 surge in support: 3 on the line, 1 working", "2 surge over in support: 1 on the line, 1 working"]
    );
}

/// Callers who come and go one by one between where it ends and where it begins change nothing; a surge lasts for at least as
/// many as lie between.
#[test]
fn a_surge_does_not_flicker() {
    let mut script = QUEUE.replace("surge 2", "surge 6, until 3");
    for call in 2..=8 {
        script += &format!("1 call {call} enters support\n");
    }
    for second in 0..200 {
        // Seven, then six, five, four, five, six, seven, …
        let (first, last) = (2 + second * 3, 8 + second * 3);
        for step in 0..3 {
            script += &format!("2 call {} hangs up\n", first + step);
        }
        for step in 1..=3 {
            script += &format!("2 call {} enters support, ask\n", last + step);
        }
    }
    let lines = of_surge(&script);
    let changes = |line: &&String| line.contains("surge in") || line.contains("surge over");
    assert_eq!(lines.iter().filter(changes).count(), 1, "{lines:?}");
}
