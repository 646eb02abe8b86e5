//! A time cut into intervals that begin where a clock's quarters, hours and days do.

use std::str::FromStr;
use std::time::Duration;

use jiff::ToSpan;
use jiff::tz::TimeZone;

use crate::base::WallTime;
use crate::store::service::NoSuchWord;

/// A report has no more intervals than these: a month of quarters.
pub const MOST_INTERVALS: usize = 3_000;

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// How long an interval is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Every {
    Quarter,
    HalfHour,
    Hour,
    Day,
    /// From a Monday on.
    Week,
}

impl Every {
    /// What a time of this length is cut into where nobody says: quarters of an hour up to a day (and the hour that a clock
    /// may be set back), days beyond.
    pub fn usual(from: WallTime, until: WallTime) -> Every {
        if until.since(from) <= DAY + Duration::from_secs(3_600) { Every::Quarter } else { Every::Day }
    }

    /// As it is written: `15m`, `30m`, `1h`, `1d`, `1w`.
    pub fn written(self) -> &'static str {
        match self {
            Every::Quarter => "15m",
            Every::HalfHour => "30m",
            Every::Hour => "1h",
            Every::Day => "1d",
            Every::Week => "1w",
        }
    }

    fn length(self) -> Duration {
        match self {
            Every::Quarter => DAY / 96,
            Every::HalfHour => DAY / 48,
            Every::Hour => DAY / 24,
            Every::Day => DAY,
            Every::Week => DAY * 7,
        }
    }
}

impl FromStr for Every {
    type Err = NoSuchWord;

    fn from_str(text: &str) -> Result<Every, NoSuchWord> {
        let all = [Every::Quarter, Every::HalfHour, Every::Hour, Every::Day, Every::Week];
        let no_such = || NoSuchWord { got: text.to_owned(), known: "15m, 30m, 1h, 1d or 1w" };
        all.into_iter().find(|every| every.written() == text).ok_or_else(no_such)
    }
}

/// A time that cannot be cut so.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoIntervals {
    #[error("the time ends before it begins")]
    Backwards,
    #[error("that are more than {MOST_INTERVALS} intervals")]
    TooMany,
    #[error("there is no such time in the calendar")]
    NoSuchTime,
}

/// Intervals one after the other; the first begins with the time, the others where a clock's do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Intervals {
    begins: Vec<WallTime>,
    until: WallTime,
}

impl Intervals {
    /// The time from `from` on and before `until`, by the clock of `zone`.
    pub fn new(
        from: WallTime,
        until: WallTime,
        every: Every,
        zone: &TimeZone,
    ) -> Result<Intervals, NoIntervals> {
        if until <= from {
            return Err(NoIntervals::Backwards);
        }
        let mut begins = vec![from];
        let span_of = if every == Every::Week { week_of } else { day_of };
        let (mut day, mut next_day) = span_of(from, zone)?;
        let mut at = day;
        while at < until {
            if at > from {
                begins.push(at);
            }
            if begins.len() > MOST_INTERVALS {
                return Err(NoIntervals::TooMany);
            }
            at = at + every.length();
            // A day may be an hour shorter or longer than others: its last interval ends with it.
            if at >= next_day || matches!(every, Every::Day | Every::Week) {
                at = next_day;
                (day, next_day) = span_of(at, zone)?;
                debug_assert_eq!(day, at);
            }
        }
        Ok(Intervals { begins, until })
    }

    /// In which a moment is, if it is in the time.
    pub fn place(&self, at: WallTime) -> Option<usize> {
        (at < self.until).then(|| self.begins.partition_point(|begins| *begins <= at).checked_sub(1))?
    }

    /// What of the time from one moment to another is in which interval.
    pub fn split(&self, from: WallTime, to: WallTime) -> Vec<(usize, Duration)> {
        let mut parts = Vec::new();
        let mut at = from.max(self.begins[0]);
        while let Some(place) = self.place(at).filter(|_| at < to) {
            let ends = self.begins.get(place + 1).copied().unwrap_or(self.until).min(to);
            parts.push((place, ends.since(at)));
            at = ends;
        }
        parts
    }

    /// From when until when each is.
    pub fn spans(&self) -> impl Iterator<Item = (WallTime, WallTime)> {
        let ends = self.begins[1..].iter().copied().chain([self.until]);
        self.begins.iter().copied().zip(ends)
    }

    /// When an interval begins.
    pub fn begins(&self, place: usize) -> WallTime {
        self.begins[place]
    }

    /// When the time begins.
    pub fn from(&self) -> WallTime {
        self.begins[0]
    }

    /// When it is over.
    pub fn until(&self) -> WallTime {
        self.until
    }
}

/// When the calendar's day of a moment begins, and the next.
pub(in crate::store) fn day_of(wall: WallTime, zone: &TimeZone) -> Result<(WallTime, WallTime), NoIntervals> {
    let day = || {
        let at = jiff::Timestamp::from_microsecond(wall.0).ok()?.to_zoned(zone.clone());
        let begins = at.start_of_day().ok()?;
        let next = begins.checked_add(1.day()).ok()?.start_of_day().ok()?;
        let wall = |at: jiff::Zoned| WallTime(at.timestamp().as_microsecond());
        Some((wall(begins), wall(next)))
    };
    day().ok_or(NoIntervals::NoSuchTime)
}

/// When the week of a moment begins, on a Monday, and the next.
pub(in crate::store) fn week_of(
    wall: WallTime,
    zone: &TimeZone,
) -> Result<(WallTime, WallTime), NoIntervals> {
    let week = || {
        let at = jiff::Timestamp::from_microsecond(wall.0).ok()?.to_zoned(zone.clone());
        let since_monday = i64::from(at.weekday().to_monday_zero_offset());
        let begins = at.date().checked_sub(since_monday.days()).ok()?;
        let midnight = |day: jiff::civil::Date| {
            let begins = day.to_zoned(zone.clone()).ok()?.start_of_day().ok()?;
            Some(WallTime(begins.timestamp().as_microsecond()))
        };
        Some((midnight(begins)?, midnight(begins.checked_add(7.days()).ok()?)?))
    };
    week().ok_or(NoIntervals::NoSuchTime)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> WallTime {
        WallTime(text.parse::<jiff::Timestamp>().unwrap().as_microsecond())
    }

    fn begins(from: &str, until: &str, every: Every, zone: &str) -> Vec<String> {
        let zone = TimeZone::get(zone).unwrap();
        let intervals = Intervals::new(at(from), at(until), every, &zone).unwrap();
        let clock = |begins: &WallTime| {
            let begins = jiff::Timestamp::from_microsecond(begins.0).unwrap().to_zoned(zone.clone());
            begins.strftime("%d %H:%M").to_string()
        };
        intervals.begins.iter().map(clock).collect()
    }

    #[test]
    fn intervals_begin_where_a_clock_s_do_and_a_day_s_last_one_ends_with_it() {
        let quarters = begins("2026-11-22T10:07:00Z", "2026-11-22T10:40:00Z", Every::Quarter, "UTC");
        assert_eq!(quarters, ["22 10:07", "22 10:15", "22 10:30"]);
        let days = begins("2026-10-23T22:00:00Z", "2026-10-26T10:00:00Z", Every::Day, "Europe/Madrid");
        assert_eq!(days, ["24 00:00", "25 00:00", "26 00:00"], "the 25th has 25 hours");
        let hours = begins("2026-10-25T00:00:00Z", "2026-10-25T03:00:00Z", Every::Hour, "Europe/Madrid");
        assert_eq!(hours, ["25 02:00", "25 02:00", "25 03:00"]);
    }

    #[test]
    fn a_week_begins_on_a_monday_and_may_have_an_hour_more() {
        let weeks = begins("2026-10-22T10:00:00Z", "2026-11-05T10:00:00Z", Every::Week, "Europe/Madrid");
        assert_eq!(weeks, ["22 12:00", "26 00:00", "02 00:00"]);
        let zone = TimeZone::get("Europe/Madrid").unwrap();
        let (from, until) = (at("2026-10-22T10:00:00Z"), at("2026-11-05T10:00:00Z"));
        let intervals = Intervals::new(from, until, Every::Week, &zone).unwrap();
        let spans: Vec<_> = intervals.spans().collect();
        assert_eq!((spans[0].0, spans[2].1), (from, until));
        assert!(spans.windows(2).all(|pair| pair[0].1 == pair[1].0));
        let monday = week_of(at("2026-10-25T22:59:59Z"), &zone).unwrap();
        assert_eq!(monday, (at("2026-10-18T22:00:00Z"), at("2026-10-25T23:00:00Z")));
    }

    #[test]
    fn a_length_of_time_is_the_sum_of_its_parts() {
        let (from, until) = (at("2026-11-22T10:07:00Z"), at("2026-11-22T12:00:00Z"));
        let intervals = Intervals::new(from, until, Every::HalfHour, &TimeZone::UTC).unwrap();
        let parts = intervals.split(at("2026-11-22T10:20:00Z"), at("2026-11-22T11:40:00Z"));
        let minutes: Vec<_> = parts.iter().map(|(place, time)| (*place, time.as_secs() / 60)).collect();
        assert_eq!(minutes, [(0, 10), (1, 30), (2, 30), (3, 10)]);
        assert_eq!(intervals.split(at("2026-11-22T09:00:00Z"), from), []);
        let beyond = intervals.split(at("2026-11-22T11:50:00Z"), at("2026-11-22T13:00:00Z"));
        assert_eq!(beyond, [(3, Duration::from_secs(600))]);
    }

    #[test]
    fn what_cannot_be_cut_is_refused() {
        let cut = |from, until, every| Intervals::new(at(from), at(until), every, &TimeZone::UTC).map(drop);
        let long = ("2026-01-01T00:00:00Z", "2026-12-01T00:00:00Z");
        assert_eq!(cut(long.0, long.1, Every::Quarter), Err(NoIntervals::TooMany));
        assert_eq!(cut(long.0, long.1, Every::Day), Ok(()));
        assert_eq!(cut(long.1, long.0, Every::Day), Err(NoIntervals::Backwards));
        let (from, until) = (WallTime(i64::MAX - 5), WallTime(i64::MAX));
        assert_eq!(Intervals::new(from, until, Every::Day, &TimeZone::UTC), Err(NoIntervals::NoSuchTime));
    }
}
