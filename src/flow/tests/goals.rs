//! What figures are to come to, and what is no goal.

use super::harm::CENTER;
use super::harm::END;
use super::harm::center;
use super::read;
use crate::base::WallTime;
use crate::fact::goal::Bound;
use crate::fact::goal::Figure;
use crate::fact::goal::Goal;
use crate::flow::hours;

fn goals(text: &str) -> Vec<Goal> {
    let text = format!("{CENTER}time_zone: Europe/Berlin\ngoals:\n{text}");
    read(&[("center.yaml", &text), ("main.yaml", END)]).unwrap().0.goals
}

#[test]
fn a_goal_is_of_a_queue_or_of_all_and_ends_with_its_last_day() {
    let read = goals(
        "  answered: { queue: billing, figure: service_level, at_least: 85%, from: 2026-10-01, until: 2026-12-31, why: as agreed }
  all waits: { figure: average_wait, at_most: 20s, from: 2026-10-01 }
  gave up: { figure: abandonment, at_most: 2.5%, from: 2026-10-01, until: 2026-10-01 }\n",
    );
    let zone = jiff::tz::TimeZone::get("Europe/Berlin").unwrap();
    let at = |text: &str| hours::moment_of(&format!("{text} 00:00"), &zone).unwrap();
    let (from, queue) = (at("2026-10-01"), Some("billing".into()));
    let told = |goal: &Goal| (goal.figure.clone(), goal.bound, goal.until);
    assert_eq!((&read[0].queue, &*read[0].name, read[0].why.as_str()), (&queue, "answered", "as agreed"));
    assert_eq!((read[1].queue.as_ref(), read[1].why.as_str()), (None, ""));
    assert!(read.iter().all(|goal| goal.from == from));
    let until: [Option<WallTime>; 3] = [Some(at("2027-01-01")), None, Some(at("2026-10-02"))];
    let expected = [
        (Figure::ServiceLevel, Bound::AtLeast(85.0), until[0]),
        (Figure::AverageWait, Bound::AtMost(20.0), until[1]),
        (Figure::Abandonment, Bound::AtMost(2.5), until[2]),
    ];
    assert_eq!(read.iter().map(told).collect::<Vec<_>>(), expected);
}

#[test]
fn what_is_no_goal_is_told_at_once() {
    center(
        &format!(
            "{CENTER}goals:
  a: {{ queue: biling, figure: service_level, at_least: 85%, from: 2026-10-01 }}
  b: {{ figure: service, at_least: 85%, from: 2026-10-01 }}
  c: {{ figure: abandonment, at_least: 5%, from: 2026-10-01 }}
  d: {{ figure: quotes_kept, at_most: 90%, from: 2026-10-01 }}
  e: {{ figure: service_level, at_least: 85, from: 2026-10-01 }}
  f: {{ figure: service_level, at_least: 85%, from: autumn }}
  g: {{ figure: service_level, at_least: 85%, from: 2026-10-02, until: 2026-10-01 }}
  h: {{ figure: service_level, from: 2026-10-01 }}
  i: {{ figure: survey, question: nice, at_least: 10, at_most: 12, from: 2026-10-01 }}
  j: {{ figure: survey, question: nice, at_least: 10, from: 2026-10-01 }}
"
        ),
        "center.yaml:7:15: error: no queue is called \"biling\" (did you mean \"billing\"?)
center.yaml:8:16: error: no figure is called \"service\" (there is service_level, service_level_of_all, within_180_s, abandonment, average_wait, quotes_kept, first_call_resolution, first_call_resolution_by_answer, average_hold, average_handle, survey)
center.yaml:9:39: error: abandonment is no goal to have more of (write \"at_most\")
center.yaml:10:38: error: quotes_kept is no goal to have less of (write \"at_least\")
center.yaml:11:41: error: \"85\" is not a share in per cent (write it as: 85%, or 62.5%)
center.yaml:12:52: error: \"autumn\" is not a date (write it as: 2026-12-24)
center.yaml:13:71: error: this goal ends on 2026-10-01, before it begins on 2026-10-02
center.yaml:14:3: error: a goal says at_least or at_most (for example: at_least: 85%)
center.yaml:15:63: error: a goal is at_least or at_most, not both (make two goals of them, or leave one out)
center.yaml:16:50: error: \"10\" is not a mean of answers (callers answer by keys from 0 to 9; write it as: 4.2)",
    );
}

#[test]
fn short_talks_are_a_goal_only_beside_helping_at_once() {
    let said = "center.yaml:7:36: error: short talks are no goal of their own: whom an agent hurries off the line calls again \
                (take first_call_resolution, or let a goal for it, of the same queue and time, stand beside this one)";
    let with = |more: &str| {
        format!(
            "{CENTER}goals:
  short: {{ queue: billing, figure: average_handle, at_most: 4m, from: 2026-10-01, until: 2026-12-31 }}
{more}"
        )
    };
    center(&with(""), said);
    let beside = |queue: &str, from: &str| {
        with(&format!(
            "  helped: {{ {queue}figure: first_call_resolution, at_least: 75%, from: {from}, until: 2026-12-31 }}\n"
        ))
    };
    center(&beside("", "2026-10-01"), said);
    center(&beside("queue: billing, ", "2026-10-02"), said);
    center(&beside("queue: billing, ", "2026-10-01"), "");
}

#[test]
fn a_goal_of_answers_is_of_a_question_that_a_flow_asks() {
    let goal = "goals: { liked: { figure: survey, question: likd, at_least: 4.2, from: 2026-10-01 } }\n";
    let center =
        format!("{CENTER}{goal}").replace("{ needs: billing >= 3 }", "{ needs: billing >= 3, survey: ask }");
    let ask = "flow: ask\nstart: a\nnodes:\n  a: { survey: liked, prompt: survey/satisfied, then: b, otherwise: b }\n  b: { hang_up: asked }\n";
    let files =
        |center: &str| super::harm::found(&[("center.yaml", center), ("main.yaml", END), ("ask.yaml", ask)]);
    let said =
        "center.yaml:6:45: error: no question of a survey is called \"likd\" (did you mean \"liked\"?)";
    assert_eq!(files(&center), said);
    assert_eq!(files(&center.replace("likd", "liked")), "");
}
