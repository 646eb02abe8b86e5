//! Skills that agents have for a while.

use super::center_of;
use super::harm::found;
use super::in_words;
use crate::base::AgentId;
use crate::base::SkillId;
use crate::base::Timestamp;
use crate::base::WallTime;
use crate::flow::Center;
use crate::queue::api::SkillChange;

const MAIN: &str = "flow: main\nstart: a\nnodes:\n  a: { hang_up: done }\n";

/// Alice has spanish for ever, and italian until a day; bob has spanish in the winter, and italian from a day to another.
const CENTER: &str = "\
company: Juniper
time_zone: Europe/Berlin
numbers: { 1000: main }
skills: [spanish, italian]
agents:
  alice: { skills: { spanish: 5, italian: { level: 4, until: 2027-02-28 } } }
  bob:
    skills:
      spanish: { level: 3, from: 2026-12-01, until: 2027-02-28 }
      italian: { level: 2, from: 2026-12-01, until: 2027-01-31 }
";

fn center() -> Center {
    center_of(&[("center.yaml", CENTER), ("main.yaml", MAIN)])
}

fn at(text: &str) -> WallTime {
    crate::flow::hours::moment_of(text, &center().time_zone).expect("a moment")
}

/// When, whose, which skill and at what level.
type Change = (u64, u32, u32, u8);

/// Each agent's levels in the order of skills, of an engine that begins then; and what comes after so many seconds.
fn begins(text: &str) -> (Vec<[u8; 2]>, Vec<Change>) {
    let config = center().engine_at(at(text));
    let levels = config.agents.iter().map(|agent| [0, 1].map(|skill| agent.level(SkillId(skill))));
    let change = |change: &SkillChange| {
        let SkillChange { at, agent: AgentId(agent), skill: SkillId(skill), level } = *change;
        (at.since(Timestamp::ZERO).as_secs(), agent, skill, level)
    };
    (levels.collect(), config.changes.iter().map(change).collect())
}

#[test]
fn a_skill_counts_from_the_beginning_of_its_first_day_to_the_end_of_its_last() {
    const DAY: u64 = 24 * 3_600;
    // An hour before December, by a clock in Berlin.
    let (levels, changes) = begins("2026-11-30 23:00");
    assert_eq!(levels, [[5, 4], [0, 0]]);
    let first = 3_600;
    let (february, march) = (first + 62 * DAY, first + 90 * DAY);
    assert_eq!(
        changes,
        [(first, 1, 0, 3), (first, 1, 1, 2), (february, 1, 1, 0), (march, 0, 1, 0), (march, 1, 0, 0)]
    );
    assert_eq!(begins("2026-12-01 00:00").0, [[5, 4], [3, 2]]);
    assert_eq!(begins("2027-01-31 23:59").0, [[5, 4], [3, 2]]);
    assert_eq!(begins("2027-02-01 00:00").0, [[5, 4], [3, 0]]);
    assert_eq!(begins("2027-03-01 00:00"), (vec![[5, 0], [0, 0]], vec![]));
}

/// What follows where the clock shows `wall` 100 s after the start, and showed `before` until it was set.
fn is_set(before: &str, wall: &str) -> Vec<Change> {
    let changes = center().changes_at(Timestamp::from_secs(100), at(wall), at(before));
    let change = |change: &SkillChange| {
        let SkillChange { at, agent: AgentId(agent), skill: SkillId(skill), level } = *change;
        (at.since(Timestamp::ZERO).as_secs(), agent, skill, level)
    };
    changes.iter().map(change).collect()
}

#[test]
fn a_clock_that_is_set_brings_and_takes_what_is_dated_otherwise_by_then() {
    const DAY: u64 = 24 * 3_600;
    // From a machine that thinks it is long ago to the last hour of January.
    assert_eq!(
        is_set("2001-01-01 00:00", "2027-01-31 23:00"),
        [
            (100, 1, 0, 3),
            (100, 1, 1, 2),
            (100 + 3_600, 1, 1, 0),
            (100 + 3_600 + 28 * DAY, 0, 1, 0),
            (100 + 3_600 + 28 * DAY, 1, 0, 0),
        ]
    );
    // Back over the end of February: what had ended has not yet.
    assert_eq!(
        is_set("2027-03-01 00:30", "2027-02-28 23:30"),
        [(100, 0, 1, 4), (100, 1, 0, 3), (100 + 1_800, 0, 1, 0), (100 + 1_800, 1, 0, 0)]
    );
    // What is as it was is not touched: a supervisor may have said otherwise meanwhile.
    assert_eq!(is_set("2027-03-02 00:00", "2027-03-01 00:00"), []);
}

#[test]
fn a_skill_that_nobody_has_any_more_is_told_from_that_day_on() {
    let center = center();
    assert_eq!(in_words(&center.lapsed(at("2027-02-28 23:59"))), "");
    assert_eq!(
        in_words(&center.lapsed(at("2027-03-01 00:00"))),
        "center.yaml:4:19: warning: nobody has the skill \"italian\" any more: the last one's date was 2027-02-28\n \
         4 | skills: [spanish, italian]\n   |                   ^^^^^^^\n\
         hint: give somebody the skill, or a later date"
    );
}

#[test]
fn another_date_makes_another_agent_and_needs_no_restart() {
    let later = CENTER.replace("until: 2027-01-31", "until: 2027-01-30");
    let later = center_of(&[("center.yaml", &later), ("main.yaml", MAIN)]);
    assert_eq!(center().other_agents(&later), ["the agent \"bob\" has changed"]);
    assert_eq!(center().other_agents(&center()), [""; 0]);
    assert_eq!(center().needs_restart(&later), [""; 0]);
}

#[test]
fn dates_that_are_none() {
    let with = |skill: &str| {
        let center = format!(
            "company: x\nnumbers: {{ 1000: main }}\nskills: [s]\nagents: {{ a: {{ skills: {{ s: {skill} }} }} }}\n"
        );
        found(&[("center.yaml", &center), ("main.yaml", MAIN)])
    };
    assert_eq!(
        with("{ level: 3, from: tomorrow }"),
        "center.yaml:4:47: error: \"tomorrow\" is not a date (write it as: 2026-12-24)"
    );
    assert_eq!(
        with("{ level: 3, from: 2026-12-24, until: 2026-12-23 }"),
        "center.yaml:4:29: error: this skill ends on 2026-12-23, before it begins on 2026-12-24"
    );
    assert_eq!(with("{ from: 2026-12-24 }"), "center.yaml:4:29: error: \"level\" is missing here");
    assert_eq!(with("{ level: 3, from: 2026-12-24, until: 2026-12-24 }"), "");
}
