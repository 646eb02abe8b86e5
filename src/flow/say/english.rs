//! English: "four thousand seven hundred eleven", "December twenty-fourth, twenty twenty-six", "two thirty p m".

use crate::base::Name;

/// `numbers/40 numbers/7`.
pub(super) fn number(number: u64) -> Vec<Name> {
    if number == 0 {
        return vec![Name::from("numbers/0")];
    }
    let mut words = Vec::new();
    for (size, word) in [(1_000_000, "numbers/million"), (1_000, "numbers/thousand")] {
        let part = number / size % 1_000;
        if part > 0 {
            below_a_thousand(part, &mut words);
            words.push(Name::from(word));
        }
    }
    below_a_thousand(number % 1_000, &mut words);
    words
}

fn below_a_thousand(number: u64, words: &mut Vec<Name>) {
    let (hundreds, rest) = (number / 100, number % 100);
    if hundreds > 0 {
        words.push(Name::from(format!("numbers/{hundreds}")));
        words.push(Name::from("numbers/hundred"));
    }
    match rest {
        0 => {}
        1..=20 => words.push(Name::from(format!("numbers/{rest}"))),
        _ => {
            words.push(Name::from(format!("numbers/{}", rest / 10 * 10)));
            if rest % 10 > 0 {
                words.push(Name::from(format!("numbers/{}", rest % 10)));
            }
        }
    }
}

/// `months/12 numbers/20 ordinals/4 numbers/20 numbers/20 numbers/6`.
pub(super) fn date(year: u64, month: u8, day: u64) -> Vec<Name> {
    let mut words = vec![Name::from(format!("months/{month}"))];
    if day > 20 && !day.is_multiple_of(10) {
        words.push(Name::from(format!("numbers/{}", day / 10 * 10)));
        words.push(Name::from(format!("ordinals/{}", day % 10)));
    } else {
        words.push(Name::from(format!("ordinals/{day}")));
    }
    words.extend(self::year(year));
    words
}

/// "nineteen hundred", "nineteen oh five", "two thousand five", "twenty twenty-six".
fn year(year: u64) -> Vec<Name> {
    let (century, rest) = (year / 100, year % 100);
    if !(11..=99).contains(&century) || century % 10 == 0 && rest < 10 {
        return number(year);
    }
    let mut words = number(century);
    match rest {
        0 => words.push(Name::from("numbers/hundred")),
        1..=9 => words.extend([Name::from("words/oh"), Name::from(format!("numbers/{rest}"))]),
        _ => words.extend(number(rest)),
    }
    words
}

/// `numbers/2 numbers/30 words/pm`.
pub(super) fn time(hour: u64, minute: u64) -> Vec<Name> {
    let mut words = number((hour + 11) % 12 + 1);
    match minute {
        0 => {}
        1..=9 => words.extend([Name::from("words/oh"), Name::from(format!("numbers/{minute}"))]),
        _ => words.extend(number(minute)),
    }
    words.push(Name::from(if hour < 12 { "words/am" } else { "words/pm" }));
    words
}

pub(super) fn numbers() -> Vec<String> {
    let numbers = (0..=20).chain((30..=90).step_by(10)).map(|number| number.to_string());
    let words = ["hundred", "thousand", "million"].map(str::to_owned);
    numbers.chain(words).map(|word| format!("numbers/{word}")).collect()
}

pub(super) fn ordinals() -> impl Iterator<Item = String> {
    (1..=20).chain([30]).map(|day| format!("ordinals/{day}"))
}

#[cfg(test)]
mod tests {
    use super::super::Currency;
    use super::super::date;
    use super::super::money;
    use super::super::number;
    use super::super::tests::aloud;
    use super::super::time;

    #[test]
    fn numbers_are_said_in_words() {
        for (value, expected) in [
            (0, "0"),
            (7, "7"),
            (13, "13"),
            (20, "20"),
            (21, "20 1"),
            (90, "90"),
            (100, "1 hundred"),
            (342, "3 hundred 40 2"),
            (1_000, "1 thousand"),
            (4_711, "4 thousand 7 hundred 11"),
            (100_200, "1 hundred thousand 2 hundred"),
            (1_000_001, "1 million 1"),
            (999_999_999, "9 hundred 90 9 million 9 hundred 90 9 thousand 9 hundred 90 9"),
            (1_000_000_000, "1 0 0 0 0 0 0 0 0 0"),
        ] {
            assert_eq!(aloud(number("en", value)), expected);
        }
    }

    #[test]
    fn money_is_said_in_its_units() {
        for (text, expected) in [
            ("12.50", "12 dollars and 50 cents"),
            ("1", "1 dollar"),
            ("1.01", "1 dollar and 1 cent"),
            ("0.5", "50 cents"),
            ("0", "0 dollars"),
        ] {
            assert_eq!(aloud(money("en", text, Currency::Dollar)), expected);
        }
        assert_eq!(aloud(money("en", "2.02", Currency::Pound)), "2 pounds and 2 pence");
    }

    #[test]
    fn dates_are_said_with_ordinals_and_years_in_pairs() {
        for (text, expected) in [
            ("2026-12-24", "12 20 4 20 20 6"),
            ("2005-07-01", "7 1 2 thousand 5"),
            ("2000-01-20", "1 20 2 thousand"),
            ("1900-02-13", "2 13 19 hundred"),
            ("1905-02-30", "1 9 0 5 0 2 3 0"),
            ("1905-03-31", "3 30 1 19 oh 5"),
        ] {
            assert_eq!(aloud(date("en", text)), expected);
        }
        assert_eq!(date("en", "2026-12-24")[2].to_string(), "ordinals/4");
    }

    #[test]
    fn times_of_the_day_are_said_with_twelve_hours() {
        for (text, expected) in [
            ("00:00", "12 am"),
            ("09:05", "9 oh 5 am"),
            ("12:00", "12 pm"),
            ("14:30", "2 30 pm"),
            ("23:59", "11 50 9 pm"),
        ] {
            assert_eq!(aloud(time("en", text)), expected);
        }
    }
}
