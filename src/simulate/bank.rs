//! A day of real calls: arrivals, types and talks as they were, and patience drawn from what the callers who
//! hung up and those who did not say about it.

use std::collections::BTreeMap;
use std::time::Duration;

use super::center::Arrival;
use super::center::Center;
use super::center::LEVEL_GAIN;
use super::center::log_normal;
use super::router::CallType;
use super::router::Setup;
use crate::base::Entropy;
use crate::base::SkillId;
use crate::base::Timestamp;
use crate::queue::api::Need;

/// A row: a call that asked for an agent.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// `990104`
    pub date: u32,
    /// The type's name.
    pub kind: String,
    pub priority: i32,
    /// Seconds after midnight.
    pub at_s: u64,
    pub queued_s: u64,
    pub served: bool,
    pub service_s: u64,
}

/// Reads the rows of a file with the columns `date,wd,type,prio,tod,q,served,svc`.
///
/// # Errors
///
/// The number of the first line that is not like that.
pub fn rows(text: &str) -> Result<Vec<Row>, usize> {
    let lines = text.lines().enumerate().skip(1).filter(|(_, line)| !line.is_empty());
    lines.map(|(number, line)| row(line).ok_or(number + 1)).collect()
}

fn row(line: &str) -> Option<Row> {
    let fields: Vec<&str> = line.trim().split(',').collect();
    let [date, _, kind, priority, at, queued, served, service] = fields[..] else { return None };
    Some(Row {
        date: date.parse().ok()?,
        kind: kind.to_owned(),
        priority: priority.parse().ok()?,
        at_s: at.parse().ok()?,
        queued_s: queued.parse().ok()?,
        served: served == "1",
        service_s: service.parse().ok()?,
    })
}

/// Patience by Kaplan and Meier: who was served would have waited longer than that.
struct Patience {
    /// Seconds, and the share of callers who wait longer.
    longer: Vec<(u64, f64)>,
}

impl Patience {
    fn of<'a>(rows: impl Iterator<Item = &'a Row>) -> Patience {
        let mut events: Vec<(u64, bool)> = rows.map(|row| (row.queued_s, row.served)).collect();
        events.sort();
        let (mut at_risk, mut share) = (events.len() as f64, 1.0);
        let mut longer = Vec::new();
        for (at, served) in events {
            if !served && at > 0 {
                share *= 1.0 - 1.0 / at_risk;
                longer.push((at, share));
            }
            at_risk -= 1.0;
        }
        Patience { longer }
    }

    fn draw(&self, chance: &mut Entropy) -> Duration {
        let share = chance.fraction();
        let place = self.longer.partition_point(|(_, longer)| *longer > share);
        let whole = self.longer.get(place).map_or(3_600, |(at, _)| *at);
        // Within the second, so that hang-ups are spread as they were.
        Duration::from_secs_f64(whole as f64 - chance.fraction())
    }
}

/// The days of these dates as if they were one, or none if there are no calls: types as they were, agents for all of them
/// with some differences, as many as answer about `load` of their time at the busiest hour.
pub fn day(rows: &[Row], dates: &[u32], load: f64, seed: u64) -> Option<Center> {
    let mut chance = Entropy::seeded(seed);
    let mut kinds: BTreeMap<&str, u32> = BTreeMap::new();
    for row in rows {
        let count = kinds.len() as u32;
        kinds.entry(&row.kind).or_insert(count);
    }
    let patience: BTreeMap<&str, Patience> =
        kinds.keys().map(|kind| (*kind, Patience::of(rows.iter().filter(|row| row.kind == *kind)))).collect();
    let talks: Vec<u64> =
        rows.iter().filter(|row| row.served && row.service_s > 0).map(|r| r.service_s).collect();
    let mut calls = Vec::new();
    for row in rows.iter().filter(|row| dates.contains(&row.date)) {
        let unserved = row.service_s == 0;
        // Whoever hung up would have talked as long as somebody else did.
        let talk_s = if unserved { talks[chance.below(talks.len() as u64) as usize] } else { row.service_s };
        calls.push(Arrival {
            at: Timestamp((row.at_s as f64 * 1e6 + chance.fraction() * 1e6) as u64),
            kind: kinds[row.kind.as_str()],
            patience: patience[row.kind.as_str()].draw(&mut chance),
            talk: Duration::from_secs(talk_s),
            wrap_up: Duration::from_secs(5),
        });
    }
    calls.sort_by_key(|call| call.at);
    let busiest = busiest_hour_s(&calls)?;
    let count = ((busiest / 3_600.0 / load).round() as usize).max(2);
    let agents: Vec<Vec<Need>> =
        (0..count).map(|agent| skills(agent, kinds.len() as u32, &mut chance)).collect();
    let slowness = agents.iter().map(|_| log_normal(&mut chance, 0.15)).collect();
    let types = kinds.iter().map(|(name, id)| (*id, kind(name, *id, rows))).collect::<BTreeMap<_, _>>();
    Some(Center {
        name: format!("bank {}", dates.iter().map(u32::to_string).collect::<Vec<_>>().join(" + ")),
        setup: Setup { skills: kinds.len(), types: types.into_values().collect(), agents },
        calls,
        shifts: (0..count as u32).map(|agent| (Timestamp::ZERO, agent, true)).collect(),
        slowness,
        with_types: Vec::new(),
        level_gain: LEVEL_GAIN,
        count_from: Timestamp::ZERO,
    })
}

/// The work of the hour with the most of it, in s.
fn busiest_hour_s(calls: &[Arrival]) -> Option<f64> {
    let mut by_hour: BTreeMap<u64, f64> = BTreeMap::new();
    for call in calls {
        *by_hour.entry(call.at.0 / 3_600_000_000).or_default() += (call.talk + call.wrap_up).as_secs_f64();
    }
    by_hour.into_values().max_by(f64::total_cmp)
}

/// Everybody takes regular calls; each other type is for some.
fn skills(agent: usize, kinds: u32, chance: &mut Entropy) -> Vec<Need> {
    let level = |chance: &mut Entropy| 1 + chance.below(3) as u8;
    let has = |skill: u32| skill == 0 || (agent as u32 + skill).is_multiple_of(3);
    (0..kinds)
        .filter(|skill| has(*skill))
        .map(|skill| Need { skill: SkillId(skill), level: level(chance) })
        .collect()
}

fn kind(name: &str, id: u32, rows: &[Row]) -> CallType {
    let of_kind = rows.iter().filter(|row| row.kind == name && row.served && row.service_s > 0);
    let (count, sum) = of_kind.fold((0u64, 0u64), |(count, sum), row| (count + 1, sum + row.service_s));
    let need = |level| vec![Need { skill: SkillId(id), level }];
    CallType {
        steps: Vec::new(),
        needs: need(1),
        wants: need(3),
        priority: rows.iter().filter(|row| row.kind == name).map(|row| row.priority).max().unwrap_or(0),
        target: (80, Duration::from_secs(30)),
        handle_time: Duration::from_secs(sum / count.max(1)),
    }
}
