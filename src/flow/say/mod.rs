//! Numbers, digits, money, dates and times as lists of prompts, spoken one after the other. How words follow each
//! other is each language's own grammar.

mod english;
mod spanish;

use std::time::Duration;

use jiff::civil::Date;
use jiff::civil::Time;
use serde::Deserialize;
use serde::Serialize;

use crate::base::Name;

/// The languages whose grammar is known here, by the first part of their tags: `es-MX` is Spanish.
pub const LANGUAGES: [&str; 2] = ["en", "es"];

/// From here on a number is said digit by digit.
const TOO_LARGE: u64 = 1_000_000_000;

/// How the words of a language follow each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Grammar {
    English,
    Spanish,
}

/// A language of which nothing is known here is spoken in the order of English.
fn grammar(language: &str) -> Grammar {
    match language.split('-').next() {
        Some("es") => Grammar::Spanish,
        _ => Grammar::English,
    }
}

/// Whether it is Spanish, of whichever country.
pub fn speaks_spanish(language: &str) -> bool {
    grammar(language) == Grammar::Spanish
}

/// What an amount of money is counted in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Currency {
    #[default]
    Dollar,
    Euro,
    Pound,
}

impl Currency {
    /// By their codes (ISO 4217).
    pub const ALL: [(&str, Currency); 3] =
        [("USD", Currency::Dollar), ("EUR", Currency::Euro), ("GBP", Currency::Pound)];

    fn whole(self) -> &'static Unit {
        match self {
            Currency::Dollar => &DOLLAR,
            Currency::Euro => &EURO,
            Currency::Pound => &POUND,
        }
    }

    /// The hundredth of it.
    fn part(self) -> &'static Unit {
        match self {
            Currency::Dollar => &CENT,
            Currency::Euro => &EURO_CENT,
            Currency::Pound => &PENNY,
        }
    }
}

/// What is counted: its prompts for one and for more, and its gender in Spanish.
struct Unit {
    one: &'static str,
    many: &'static str,
    feminine: bool,
}

const fn unit(one: &'static str, many: &'static str, feminine: bool) -> Unit {
    Unit { one, many, feminine }
}

const HOUR: Unit = unit("units/hour", "units/hours", true);
const MINUTE: Unit = unit("units/minute", "units/minutes", false);
const SECOND: Unit = unit("units/second", "units/seconds", false);
const DOLLAR: Unit = unit("units/dollar", "units/dollars", false);
const CENT: Unit = unit("units/cent", "units/cents", false);
const EURO: Unit = unit("units/euro", "units/euros", false);
const EURO_CENT: Unit = unit("units/euro-cent", "units/euro-cents", false);
const POUND: Unit = unit("units/pound", "units/pounds", true);
const PENNY: Unit = unit("units/penny", "units/pence", false);

/// `digits/4 digits/7`: each digit by itself, in any language. What is no digit is left out.
pub fn digits(text: &str) -> Vec<Name> {
    text.chars().filter(char::is_ascii_digit).map(|digit| Name::from(format!("digits/{digit}"))).collect()
}

/// A number in words. A billion and more is said digit by digit.
pub fn number(language: &str, number: u64) -> Vec<Name> {
    match grammar(language) {
        _ if number >= TOO_LARGE => digits(&number.to_string()),
        Grammar::English => english::number(number),
        Grammar::Spanish => spanish::number(number, spanish::Form::Counting),
    }
}

/// How many minutes, without the word for them: `numbers/3`, in Spanish before a noun of its gender.
pub fn minutes(language: &str, number: u64) -> Vec<Name> {
    count(language, number, &MINUTE)
}

/// How many of these, without the word for them.
fn count(language: &str, number: u64, unit: &Unit) -> Vec<Name> {
    match grammar(language) {
        _ if number >= TOO_LARGE => digits(&number.to_string()),
        Grammar::English => english::number(number),
        Grammar::Spanish if unit.feminine => spanish::number(number, spanish::Form::Feminine),
        Grammar::Spanish => spanish::number(number, spanish::Form::Short),
    }
}

/// `numbers/1 units/hour words/and numbers/5 units/minutes`. Seconds are said below ten minutes only, and left
/// out when there are none.
pub fn duration(language: &str, duration: Duration) -> Vec<Name> {
    let seconds = duration.as_secs();
    let seconds = if seconds < 600 { seconds } else { seconds - seconds % 60 };
    let parts = [(seconds / 3_600, &HOUR), (seconds / 60 % 60, &MINUTE), (seconds % 60, &SECOND)];
    let mut spoken: Vec<(u64, &Unit)> = parts.into_iter().filter(|(count, _)| *count > 0).collect();
    if spoken.is_empty() {
        spoken.push((0, &SECOND));
    }
    let mut words = Vec::new();
    let last = spoken.len() - 1;
    for (place, (number, unit)) in spoken.into_iter().enumerate() {
        if place > 0 && place == last {
            words.push(Name::from("words/and"));
        }
        words.extend(count(language, number, unit));
        words.push(Name::from(if number == 1 { unit.one } else { unit.many }));
    }
    words
}

/// `12.50` or `12`, as "twelve dollars and fifty cents"; digit by digit where it is no amount.
pub fn money(language: &str, text: &str, currency: Currency) -> Vec<Name> {
    let Some((whole, part)) = amount(text) else { return digits(text) };
    let of = |number: u64, unit: &Unit| {
        let mut words = count(language, number, unit);
        if grammar(language) == Grammar::Spanish && number > 0 && number.is_multiple_of(1_000_000) {
            words.push(Name::from("words/of"));
        }
        words.push(Name::from(if number == 1 { unit.one } else { unit.many }));
        words
    };
    let mut words = Vec::new();
    if whole > 0 || part == 0 {
        words.extend(of(whole, currency.whole()));
    }
    if part > 0 {
        if whole > 0 {
            words.push(Name::from(match grammar(language) {
                Grammar::English => "words/and",
                Grammar::Spanish => "words/with",
            }));
        }
        words.extend(of(part, currency.part()));
    }
    words
}

/// Whole units and hundredths.
fn amount(text: &str) -> Option<(u64, u64)> {
    let (whole, part) = text.split_once('.').unwrap_or((text, "0"));
    let hundredths: u64 = part.parse().ok()?;
    let hundredths = match part.len() {
        1 => hundredths * 10,
        2 => hundredths,
        _ => return None,
    };
    Some((whole.parse().ok()?, hundredths))
}

/// `2026-12-24`, as "December twenty-fourth, twenty twenty-six"; digit by digit where it is no date.
pub fn date(language: &str, text: &str) -> Vec<Name> {
    let Ok(date) = text.parse::<Date>() else { return digits(text) };
    let (year, month, day) =
        (date.year().unsigned_abs().into(), date.month().unsigned_abs(), date.day().unsigned_abs().into());
    match grammar(language) {
        Grammar::English => english::date(year, month, day),
        Grammar::Spanish => spanish::date(year, month, day),
    }
}

/// `14:30`, as "two thirty p m"; digit by digit where it is no time of the day.
pub fn time(language: &str, text: &str) -> Vec<Name> {
    let Ok(time) = text.parse::<Time>() else { return digits(text) };
    let (hour, minute) = (time.hour().unsigned_abs().into(), time.minute().unsigned_abs().into());
    match grammar(language) {
        Grammar::English => english::time(hour, minute),
        Grammar::Spanish => spanish::time(hour, minute),
    }
}

/// What may be said of a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Digits,
    Number,
    Duration,
    Money(Currency),
    Date,
    Time,
}

/// A value by these rules. What does not fit them is said digit by digit.
pub fn of_kind(language: &str, kind: Kind, text: &str) -> Vec<Name> {
    match (kind, text.parse::<u64>()) {
        (Kind::Number, Ok(count)) => number(language, count),
        (Kind::Duration, Ok(seconds)) => duration(language, Duration::from_secs(seconds)),
        (Kind::Money(currency), _) => money(language, text, currency),
        (Kind::Date, _) => date(language, text),
        (Kind::Time, _) => time(language, text),
        _ => digits(text),
    }
}

/// Every prompt that these rules may name for it.
pub fn needed(language: &str, kind: Kind) -> Vec<String> {
    let grammar = grammar(language);
    let mut prompts: Vec<String> = (0..=9).map(|digit| format!("digits/{digit}")).collect();
    if kind != Kind::Digits {
        prompts.extend(match grammar {
            Grammar::English => english::numbers(),
            Grammar::Spanish => spanish::numbers(),
        });
    }
    let units = |units: &[&Unit]| -> Vec<String> {
        units.iter().flat_map(|unit| [unit.one.to_owned(), unit.many.to_owned()]).collect()
    };
    let words =
        |words: &[&str]| -> Vec<String> { words.iter().map(|word| format!("words/{word}")).collect() };
    match (kind, grammar) {
        (Kind::Digits | Kind::Number, _) => {}
        (Kind::Duration, _) => {
            prompts.extend(units(&[&HOUR, &MINUTE, &SECOND]));
            prompts.extend(words(&["and"]));
        }
        (Kind::Money(currency), _) => {
            prompts.extend(units(&[currency.whole(), currency.part()]));
            prompts.extend(words(match grammar {
                Grammar::English => &["and"],
                Grammar::Spanish => &["and", "with", "of"],
            }));
        }
        (Kind::Date, Grammar::English) => {
            prompts.extend(months());
            prompts.extend(english::ordinals());
            prompts.extend(words(&["oh"]));
        }
        (Kind::Date, Grammar::Spanish) => {
            prompts.extend(months());
            prompts.extend(words(&["of", "and"]));
            prompts.push("ordinals/1".to_owned());
        }
        (Kind::Time, Grammar::English) => prompts.extend(words(&["oh", "am", "pm"])),
        (Kind::Time, Grammar::Spanish) => {
            prompts.extend(words(&["and", "at-one", "at", "morning", "afternoon", "night"]));
        }
    }
    prompts
}

fn months() -> impl Iterator<Item = String> {
    (1..=12).map(|month| format!("months/{month}"))
}

/// Every prompt that these rules may name at all, each once.
pub fn prompts(language: &str) -> impl Iterator<Item = String> {
    let money = Currency::ALL.map(|(_, currency)| Kind::Money(currency));
    let kinds = [Kind::Digits, Kind::Number, Kind::Duration, Kind::Date, Kind::Time].into_iter().chain(money);
    let all: std::collections::BTreeSet<String> = kinds.flat_map(|kind| needed(language, kind)).collect();
    all.into_iter()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    pub(super) fn aloud(words: Vec<Name>) -> String {
        let words: Vec<&str> = words.iter().map(|word| word.rsplit('/').next().unwrap_or_default()).collect();
        words.join(" ")
    }

    #[test]
    fn times_are_said_as_people_say_them() {
        for (seconds, expected) in [
            (0, "0 seconds"),
            (1, "1 second"),
            (60, "1 minute"),
            (95, "1 minute and 30 5 seconds"),
            (659, "10 minutes"),
            (3_600, "1 hour"),
            (3_900, "1 hour and 5 minutes"),
        ] {
            assert_eq!(aloud(duration("en", Duration::from_secs(seconds))), expected);
        }
    }

    #[test]
    fn what_is_no_amount_no_date_and_no_time_is_said_digit_by_digit() {
        assert_eq!(aloud(money("en", "12.505", Currency::Dollar)), "1 2 5 0 5");
        assert_eq!(aloud(money("es", "-3", Currency::Dollar)), "3");
        assert_eq!(aloud(date("en", "2026-02-30")), "2 0 2 6 0 2 3 0");
        assert_eq!(aloud(time("es", "25:10")), "2 5 1 0");
    }

    #[test]
    fn a_language_is_known_by_the_first_part_of_its_tag() {
        assert_eq!(number("es-MX", 22), number("es", 22));
        assert_ne!(number("es", 22), number("en", 22));
        assert_eq!(number("de", 22), number("en", 22));
    }

    #[test]
    fn no_rule_names_a_prompt_that_is_not_listed() {
        let within = |language: &str, kind: Kind, words: Vec<Name>| {
            let listed: BTreeSet<String> = needed(language, kind).into_iter().collect();
            for word in words {
                assert!(listed.contains(&*word), "{language}: {kind:?} needs {word}");
            }
        };
        for language in LANGUAGES {
            for value in (0..2_000).chain([21_021, 999_999, 1_000_000, 121_131_741, u64::MAX]) {
                within(language, Kind::Number, number(language, value));
                within(language, Kind::Duration, duration(language, Duration::from_secs(value)));
                for (_, currency) in Currency::ALL {
                    let text = format!("{value}.{:02}", value % 100);
                    within(language, Kind::Money(currency), money(language, &text, currency));
                }
            }
            let mut day = jiff::civil::date(1899, 1, 1);
            while day.year() < 2032 {
                within(language, Kind::Date, date(language, &day.to_string()));
                day = day.tomorrow().expect("a day");
            }
            for minute in 0..24 * 60 {
                let text = format!("{:02}:{:02}", minute / 60, minute % 60);
                within(language, Kind::Time, time(language, &text));
            }
        }
    }
}
