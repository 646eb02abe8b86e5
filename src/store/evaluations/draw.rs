//! Which talks are judged: so many of each agent and week, drawn by the numbers of their calls, so that nobody chooses them and
//! everybody who draws draws the same. A week is drawn when it is over: before that nobody knows which of their talks it will be.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::time::Duration;

use jiff::tz::TimeZone;
use rusqlite::Connection;
use rusqlite::params;
use sha2::Digest;
use sha2::Sha256;

use crate::base::CallId;
use crate::base::Name;
use crate::base::WallTime;
use crate::fact::evaluation::Form;
use crate::fact::evaluation::Sample;
use crate::store::StoreError;
use crate::store::service::intervals::week_of;

/// The most weeks that are drawn at once.
const MOST_WEEKS: usize = 60;

/// A week, from a Monday on and before the next.
pub type Week = (WallTime, WallTime);

/// A talk that was drawn.
#[derive(Clone, Debug, PartialEq)]
pub struct Drawn {
    pub form: Name,
    /// When its week began.
    pub week: WallTime,
    pub agent: Name,
    pub call: CallId,
    pub ended: WallTime,
    pub talked: Duration,
    /// Whether somebody has filled the form in.
    pub evaluated: bool,
}

/// The weeks by the clock of this zone that ended after `from`, and not after `until`; of many the last 60.
pub fn weeks(from: WallTime, until: WallTime, zone: &TimeZone) -> Vec<Week> {
    let mut weeks = Vec::new();
    let mut end = week_of(until, zone).map(|(begins, _)| begins);
    while weeks.len() < MOST_WEEKS
        && let Ok(monday) = end
        && let Ok(week) = week_of(WallTime(monday.0 - 1), zone)
        && week.1 > from
    {
        weeks.push(week);
        end = Ok(week.0);
    }
    weeks.reverse();
    weeks
}

/// The talks of these weeks that are drawn for these forms, in order of week, form and agent.
pub(in crate::store) fn drawn(
    connection: &Connection,
    forms: &[Form],
    weeks: &[Week],
) -> Result<Vec<Drawn>, StoreError> {
    let mut drawn = Vec::new();
    for week in weeks {
        let talks = talks(connection, *week)?;
        for form in forms {
            let Some(sample) = form.sample else { continue };
            for (agent, talks) in &talks {
                for talk in draw(&form.name, agent, sample, talks) {
                    let evaluated = is_evaluated(connection, talk.call, agent, &form.name)?;
                    drawn.push(Drawn {
                        form: form.name.clone(),
                        week: week.0,
                        agent: agent.clone(),
                        call: talk.call,
                        ended: talk.ended,
                        talked: talk.talked,
                        evaluated,
                    });
                }
            }
        }
    }
    Ok(drawn)
}

/// A talk that may be drawn: the longest of an agent's in a call.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Talk {
    call: CallId,
    ended: WallTime,
    talked: Duration,
}

fn talks(connection: &Connection, (from, until): Week) -> Result<BTreeMap<Name, Vec<Talk>>, StoreError> {
    let mut statement = connection.prepare_cached(
        "SELECT agent, call, ended_us, max(talked_us) FROM talks WHERE ended_us >= ?1 AND ended_us < ?2 \
         GROUP BY agent, call",
    )?;
    let mut rows = statement.query(params![from.0, until.0])?;
    let mut talks: BTreeMap<Name, Vec<Talk>> = BTreeMap::new();
    while let Some(row) = rows.next()? {
        let talk = Talk {
            call: CallId(row.get::<_, i64>(1)?.unsigned_abs()),
            ended: WallTime(row.get(2)?),
            talked: Duration::from_micros(row.get::<_, i64>(3)?.unsigned_abs()),
        };
        talks.entry(row.get::<_, String>(0)?.into()).or_default().push(talk);
    }
    Ok(talks)
}

fn is_evaluated(connection: &Connection, call: CallId, agent: &str, form: &str) -> Result<bool, StoreError> {
    let sql = "SELECT count(*) FROM evaluations WHERE call = ?1 AND agent = ?2 AND form = ?3";
    Ok(connection
        .prepare_cached(sql)?
        .query_row(params![call.0 as i64, agent, form], |row| row.get::<_, bool>(0))?)
}

/// Those whose lots are the lowest, in the order of their calls.
fn draw(form: &str, agent: &str, sample: Sample, talks: &[Talk]) -> Vec<Talk> {
    let long_enough = talks.iter().filter(|talk| talk.talked >= sample.at_least);
    let mut lots: Vec<([u8; 8], CallId)> =
        long_enough.map(|talk| (lot(form, agent, talk.call), talk.call)).collect();
    lots.sort_unstable();
    lots.truncate(sample.talks as usize);
    let chosen: BTreeSet<CallId> = lots.into_iter().map(|(_, call)| call).collect();
    let mut drawn: Vec<Talk> = talks.iter().filter(|talk| chosen.contains(&talk.call)).copied().collect();
    drawn.sort_unstable_by_key(|talk| talk.call);
    drawn
}

fn lot(form: &str, agent: &str, call: CallId) -> [u8; 8] {
    let digest = Sha256::new()
        .chain_update(form)
        .chain_update([0])
        .chain_update(agent)
        .chain_update([0])
        .chain_update(call.0.to_be_bytes())
        .finalize();
    std::array::from_fn(|place| digest[place])
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp as Instant;

    use super::*;

    fn talk(call: u64, secs: u64) -> Talk {
        Talk { call: CallId(call), ended: WallTime(call as i64), talked: Duration::from_secs(secs) }
    }

    #[test]
    fn who_draws_anew_draws_the_same_whatever_the_order_and_short_talks_are_not_drawn() {
        let sample = Sample { talks: 3, at_least: Duration::from_secs(30) };
        let mut talks: Vec<Talk> =
            (1..=40).map(|call| talk(call, if call % 4 == 0 { 29 } else { 30 })).collect();
        let first = draw("talk", "alice", sample, &talks);
        talks.reverse();
        assert_eq!(draw("talk", "alice", sample, &talks), first);
        assert_eq!(first.len(), 3);
        assert!(first.iter().all(|talk| talk.talked == sample.at_least));
        assert_ne!(draw("talk", "bob", sample, &talks), first, "each agent's lots are others");
        assert_ne!(draw("short", "alice", sample, &talks), first, "and each form's");
        assert_eq!(
            draw("talk", "alice", sample, &talks[..1]).len(),
            usize::from(talks[0].talked >= sample.at_least)
        );
    }

    #[test]
    fn every_talk_is_drawn_as_often_as_others() {
        let sample = Sample { talks: 5, at_least: Duration::ZERO };
        let mut drawn = [0_u32; 4];
        for agent in 0..200 {
            let talks: Vec<Talk> = (1..=20).map(|call| talk(agent * 20 + call, 60)).collect();
            for talk in draw("talk", &format!("agent {agent}"), sample, &talks) {
                drawn[((talk.call.0 - 1) % 20 / 5) as usize] += 1;
            }
        }
        assert_eq!(drawn.iter().sum::<u32>(), 1_000);
        assert!(drawn.iter().all(|times| (190..310).contains(times)), "{drawn:?}");
    }

    #[test]
    fn a_week_is_from_monday_to_monday_by_the_center_s_clock_and_over() {
        let at = |text: &str| WallTime(text.parse::<Instant>().unwrap().as_microsecond());
        let zone = TimeZone::get("America/New_York").unwrap();
        // Clocks go back on Sunday, 1 November 2026: that week has an hour more.
        let (from, until) = (at("2026-10-26T04:00:01Z"), at("2026-11-10T12:00:00Z"));
        let (first, second, third) =
            (at("2026-10-26T04:00:00Z"), at("2026-11-02T05:00:00Z"), at("2026-11-09T05:00:00Z"));
        assert_eq!(weeks(from, until, &zone), [(first, second), (second, third)]);
        assert_eq!(weeks(from, third, &zone).len(), 2, "it is over when the next one begins");
        assert_eq!(weeks(from, WallTime(third.0 - 1), &zone), [(first, second)]);
        assert_eq!(weeks(second, until, &zone), [(second, third)], "it had ended by then");
        assert_eq!(weeks(WallTime(0), until, &zone).len(), MOST_WEEKS);
    }
}
