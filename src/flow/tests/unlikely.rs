//! What is in order and yet hardly meant: times, conditions, holidays, flows that nobody calls. Warnings, each with its place.

use std::time::Duration;

use super::harm::CENTER;
use super::harm::END;
use super::harm::center;
use super::harm::found;
use super::harm::short;
use super::read;
use crate::base::WallTime;

#[test]
fn a_pause_in_which_callers_take_the_line_for_dead() {
    let flow = |pause: &str| {
        let flow = format!(
            "flow: main\nstart: a\nnodes:\n  a: {{ pause: {pause}, then: b }}\n  b: {{ enqueue: billing }}\n"
        );
        found(&[("center.yaml", CENTER), ("main.yaml", &flow)])
    };
    assert_eq!(
        flow("1h"),
        "main.yaml:4:3: warning: \"a\" is silent for 3600 s, and callers take the line for dead (be silent for 30 s at most)"
    );
    assert_eq!(flow("30s"), "");
    let said = "flow: main\nno_person: to test lines with\nstart: a\nnodes:\n  a: { pause: 4h, then: b }\n  b: { hang_up: x }\n";
    assert_eq!(found(&[("center.yaml", CENTER), ("main.yaml", said)]), "", "it says why");
}

#[test]
fn times_of_a_queue_that_nobody_means() {
    let queue = |times: &str| CENTER.replace("needs: billing >= 3", &format!("needs: billing >= 3, {times}"));
    center(
        &queue("max_wait: 1s, answer_within: 500ms, permission_lasts: 24h"),
        "center.yaml:4:53: warning: \"max_wait\" of 1s is too short for anybody to mean it (let it be 20s to 4h)\n\
         center.yaml:4:72: warning: \"answer_within\" of 500ms is too short for anybody to mean it (let it be 3s to 1m)\n\
         center.yaml:4:97: warning: \"permission_lasts\" of 24h is too long for anybody to mean it (let it be 20s to 2h)",
    );
    center(&queue("max_wait: 20s, answer_within: 1m, wrap_up: 1h, check_in: 10s"), "");
    // What cannot be is one thing to mend, and no second one.
    center(
        &queue("max_wait: 0s"),
        "center.yaml:4:53: error: a time here is more than 0s and at most 24h, got 0s",
    );
}

/// What is said of a branch by this condition, in a center that speaks English and Spanish.
#[track_caller]
fn condition(condition: &str, expected: &str) {
    let center = format!("languages: [en, es]\n{CENTER}");
    let flow = format!(
        "flow: main\nstart: a\nnodes:\n  a: {{ branch: [{{ if: \"{condition}\", then: b }}], otherwise: c }}\n  \
         b: {{ hang_up: x }}\n  c: {{ enqueue: billing }}\n"
    );
    let said = found(&[("center.yaml", &center), ("main.yaml", &flow)]);
    let of_flow: Vec<&str> =
        said.lines().filter_map(|line| line.strip_prefix("main.yaml:4:23: warning: ")).collect();
    assert_eq!(of_flow.join("\n"), expected, "\n{said}");
}

#[test]
fn conditions_that_are_never_so() {
    condition("language == 'de'", "language is never 'de' in this center (callers are spoken to in en, es)");
    condition(
        "'es-MX' != language || verified",
        "language is never 'es-MX' in this center (callers are spoken to in en, es)",
    );
    condition("verified_by == 'Pin'", "verified_by is never 'Pin' in this center (did you mean 'pin'?)");
    condition("dialled in ['1000', '1001']", "dialled is never '1001' in this center (did you mean '1000'?)");
    condition(
        "!(dialled == '7' || language == 'en')",
        "dialled is never '7' in this center (center.yaml has 1000)",
    );
    for good in [
        "language == 'es'",
        "verified_by in ['', 'pin', 'birth date', 'code']",
        "dialled == '1000'",
        "caller.number == '7'",
    ] {
        condition(good, "");
    }
}

#[test]
fn holidays_that_are_all_past_are_told_once_they_are() {
    let said = |holidays: &str, day: &str| {
        let text = format!(
            "time_zone: Asia/Tokyo\nhours:\n  office: {{ mon-fri: 08:00-18:00, holidays: {holidays} }}\n{CENTER}"
        );
        let (center, warnings) = read(&[("center.yaml", &text), ("main.yaml", END)]).unwrap();
        assert_eq!(short(&warnings), "");
        let noon: jiff::Timestamp = format!("{day}T12:00:00Z").parse().unwrap();
        short(&center.lapsed(WallTime(0) + Duration::from_secs(noon.as_second().unsigned_abs())))
    };
    let past = "center.yaml:3:3: warning: all holidays of \"office\" are past: the last one was 2026-12-25 (name the next ones; \
                month and day alone are every year: 12-25)";
    assert_eq!(said("[2026-12-25, 2026-01-01]", "2026-12-26"), past);
    assert_eq!(said("[2026-12-25, 2026-01-01]", "2026-12-25"), "", "it is evening in Tokyo");
    assert_eq!(said("[2026-12-25, 01-01]", "2030-01-01"), "", "one is every year");
    assert_eq!(said("[]", "2030-01-01"), "");
}

#[test]
fn a_flow_that_nobody_calls() {
    let alone = "# An old one.\nflow: alone\nstart: a\nnodes:\n  a: { call: helper, results: { done: b } }\n  b: { hang_up: x }\n";
    let helper = "flow: helper\nstart: a\nnodes:\n  a: { return: done }\n";
    let files = |center: &str| {
        found(&[("center.yaml", center), ("main.yaml", END), ("alone.yaml", alone), ("helper.yaml", helper)])
    };
    let said = |name: &str, line: u32| {
        format!(
            "{name}.yaml:{line}:1: warning: no caller ever comes to \"{name}\": no number, queue or flow leads to it (lead a \
             number here in center.yaml, for example: 1000: {name}; or remove the file)"
        )
    };
    assert_eq!(files(CENTER), format!("{}\n{}", said("alone", 2), said("helper", 1)));
    assert_eq!(files(&CENTER.replace("1000: main", "1000: main, 1001: alone")), "", "and so both are called");
    assert_eq!(files(&CENTER.replace(">= 3 }", ">= 3, offers: { 3: alone } }")), "");
}

#[test]
fn queues_whose_callback_no_trunk_could_make() {
    let said = |trunk: &str| {
        found(&[("center.yaml", &format!("{CENTER}trunks: {{ provider: {trunk} }}\n")), ("main.yaml", END)])
    };
    assert_eq!(
        said("{ from: 192.0.2.7 }"),
        "center.yaml:6:9: warning: no trunk takes calls: whoever comes by one is not offered the callback of billing \
         (add \"out: address\" to a trunk)"
    );
    assert_eq!(said("{ from: 192.0.2.7, out: 192.0.2.7 }"), "");
    let none = CENTER.replace(">= 3 }", ">= 3, offers: { 3: main } }");
    center(&format!("{none}trunks: {{ provider: {{ from: 192.0.2.7 }} }}\n"), "");
}

#[test]
fn variables_of_the_environment_are_named_with_their_places_for_whoever_knows_what_is_set() {
    let text = format!(
        "{CENTER}services: {{ orders: {{ at: \"http://localhost\", headers_env: {{ X-Key: ORDERS_KEY }} }} }}\n\
         trunks: {{ provider: {{ out: 192.0.2.7, as: juniper, password_env: TRUNK_PASSWORD }} }}\n"
    );
    let (center, _) = read(&[("center.yaml", &text), ("main.yaml", END)]).unwrap();
    let said: Vec<_> = center.environment.iter().map(|(_, warning)| warning.clone()).collect();
    assert_eq!(
        short(&said),
        "center.yaml:6:69: warning: the environment has no variable \"ORDERS_KEY\": it is asked without \"X-Key\" (set it where \
         the server is started)\n\
         center.yaml:7:66: warning: the environment has no variable \"TRUNK_PASSWORD\": the trunk does not learn that it is us \
         (set it where the server is started)"
    );
    let variables: Vec<&str> = center.environment.iter().map(|(variable, _)| variable.as_str()).collect();
    assert_eq!(variables, ["ORDERS_KEY", "TRUNK_PASSWORD"]);
}
