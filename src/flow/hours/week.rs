//! Sets of minutes of a week, as clocks in the center's time zone show them. No dates, so neither holidays nor summer
//! time.

use std::fmt;

use crate::flow::hours::DAY;

/// The minutes of a week.
const WEEK: u16 = 7 * DAY;
const NAMES: [&str; 7] = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];

/// Some of the minutes of a week: spans from and to, in minutes since Monday began. They are sorted, none is empty, and
/// none touches the next, so that equal sets are equal.
///
/// [`Display`](fmt::Display) writes it for people: `Mon to Fri 18:00-20:00, Sat 09:00-13:00`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Week(Vec<(u16, u16)>);

impl Week {
    /// Every minute.
    pub fn always() -> Week {
        Week(vec![(0, WEEK)])
    }

    /// The minutes of these spans, which may come in any order and overlap.
    pub fn of(spans: impl IntoIterator<Item = (u16, u16)>) -> Week {
        let mut spans: Vec<(u16, u16)> = spans.into_iter().filter(|(from, to)| from < to).collect();
        spans.sort_unstable();
        let mut week: Vec<(u16, u16)> = Vec::new();
        for (from, to) in spans {
            match week.last_mut() {
                Some(last) if from <= last.1 => last.1 = last.1.max(to),
                _ => week.push((from, to)),
            }
        }
        Week(week)
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The minutes of either.
    pub fn or(&self, other: &Week) -> Week {
        Week::of(self.0.iter().chain(&other.0).copied())
    }

    /// The minutes of both.
    pub fn and(&self, other: &Week) -> Week {
        let common = |a: (u16, u16)| other.0.iter().map(move |b| (a.0.max(b.0), a.1.min(b.1)));
        Week::of(self.0.iter().copied().flat_map(common))
    }

    /// The minutes that are not in it.
    pub fn others(&self) -> Week {
        let ends = [0].into_iter().chain(self.0.iter().map(|span| span.1));
        let begins = self.0.iter().map(|span| span.0).chain([WEEK]);
        Week::of(ends.zip(begins))
    }

    /// Its minutes, and those that are at most so many before one of them; Monday comes after Sunday.
    pub fn or_before(&self, minutes: u16) -> Week {
        let earlier = self.0.iter().flat_map(|(from, to)| {
            let last_week = minutes.saturating_sub(*from).min(WEEK);
            [(from.saturating_sub(minutes), *to), (WEEK - last_week, WEEK)]
        });
        Week::of(earlier)
    }

    /// Its minutes of a day, from Monday on, since midnight.
    fn of_day(&self, day: u16) -> Vec<(u16, u16)> {
        let today = self.and(&Week(vec![(day * DAY, (day + 1) * DAY)]));
        today.0.into_iter().map(|(from, to)| (from - day * DAY, to - day * DAY)).collect()
    }
}

impl fmt::Display for Week {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if *self == Week::always() {
            return f.write_str("at any time");
        }
        let days: Vec<(&str, Vec<(u16, u16)>)> =
            NAMES.into_iter().zip(0..).map(|(name, day)| (name, self.of_day(day))).collect();
        let alike = days.chunk_by(|(_, one), (_, next)| one == next);
        let words = alike.filter(|days| !days[0].1.is_empty()).map(|days| {
            let ((first, spans), (last, _)) = (&days[0], &days[days.len() - 1]);
            let of = match days.len() {
                1 => (*first).to_owned(),
                7 => "every day".to_owned(),
                _ => format!("{first} to {last}"),
            };
            let spans: Vec<String> =
                spans.iter().map(|(from, to)| format!("{}-{}", clock(*from), clock(*to))).collect();
            format!("{of} {}", spans.join(" and "))
        });
        f.write_str(&words.collect::<Vec<_>>().join(", "))
    }
}

/// `08:05`; the end of a day is `24:00`.
fn clock(minute: u16) -> String {
    format!("{:02}:{:02}", minute / 60, minute % 60)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    fn spans() -> impl Strategy<Value = Vec<(u16, u16)>> {
        // Within a few hours of the week's ends, so that they meet.
        let minute = prop_oneof![0..400_u16, WEEK - 400..=WEEK];
        prop::collection::vec((minute.clone(), minute), 0..5)
    }

    fn minutes(week: &Week) -> BTreeSet<u16> {
        week.0.iter().flat_map(|(from, to)| *from..*to).collect()
    }

    proptest! {
        #[test]
        fn it_is_a_set_of_minutes(a in spans(), b in spans(), before in 0..500_u16) {
            let plain = |spans: &[(u16, u16)]| -> BTreeSet<u16> {
                spans.iter().flat_map(|(from, to)| *from..*to).collect()
            };
            let (of_a, of_b) = (Week::of(a.iter().copied()), Week::of(b.iter().copied()));
            let (a, b) = (plain(&a), plain(&b));
            prop_assert_eq!(minutes(&of_a), a.clone());
            prop_assert_eq!(minutes(&of_a.or(&of_b)), a.union(&b).copied().collect::<BTreeSet<_>>());
            prop_assert_eq!(minutes(&of_a.and(&of_b)), a.intersection(&b).copied().collect::<BTreeSet<_>>());
            let others: BTreeSet<u16> = (0..WEEK).filter(|minute| !a.contains(minute)).collect();
            prop_assert_eq!(minutes(&of_a.others()), others);
            let near = |minute: &u16| (0..=before).any(|more| a.contains(&((minute + more) % WEEK)));
            prop_assert_eq!(minutes(&of_a.or_before(before)), (0..WEEK).filter(near).collect::<BTreeSet<_>>());
            prop_assert_eq!(of_a.others().others(), of_a.clone());
            prop_assert_eq!(of_a.or(&of_a.others()), Week::always());
            prop_assert_eq!(of_a.is_empty(), a.is_empty());
        }
    }

    #[test]
    fn it_is_told_by_days() {
        let day = |day: u16, from: u16, to: u16| (day * DAY + from * 60, day * DAY + to * 60);
        let week = Week::of((0..5).map(|n| day(n, 18, 20)).chain([day(5, 9, 13), day(5, 14, 15)]));
        assert_eq!(week.to_string(), "Mon to Fri 18:00-20:00, Sat 09:00-13:00 and 14:00-15:00");
        assert_eq!(Week::of((0..7).map(|n| day(n, 0, 8))).to_string(), "every day 00:00-08:00");
        assert_eq!(Week::of([(5 * DAY, WEEK)]).to_string(), "Sat to Sun 00:00-24:00");
        assert_eq!(Week::of([(DAY - 30, DAY + 65)]).to_string(), "Mon 23:30-24:00, Tue 00:00-01:05");
        assert_eq!(Week::always().to_string(), "at any time");
    }
}
