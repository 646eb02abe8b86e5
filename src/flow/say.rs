//! Numbers, digits and times as lists of prompts, spoken one after the other. English.

use std::time::Duration;

use crate::base::Name;

/// `digits/4 digits/7`: each digit by itself. What is no digit is left out.
pub fn digits(text: &str) -> Vec<Name> {
    text.chars().filter(char::is_ascii_digit).map(|digit| Name::from(format!("digits/{digit}"))).collect()
}

/// `numbers/40 numbers/7`: a number in words. A billion and more is said digit by digit.
pub fn number(number: u64) -> Vec<Name> {
    let mut words = Vec::new();
    match number {
        0 => words.push(Name::from("numbers/0")),
        1_000_000_000.. => return digits(&number.to_string()),
        _ => {
            for (size, word) in [(1_000_000, "numbers/million"), (1_000, "numbers/thousand")] {
                let part = number / size % 1_000;
                if part > 0 {
                    below_a_thousand(part, &mut words);
                    words.push(Name::from(word));
                }
            }
            below_a_thousand(number % 1_000, &mut words);
        }
    }
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

/// `numbers/1 units/hour words/and numbers/5 units/minutes`. Seconds are said below ten minutes only, and left
/// out when there are none.
pub fn duration(duration: Duration) -> Vec<Name> {
    let seconds = duration.as_secs();
    let seconds = if seconds < 600 { seconds } else { seconds - seconds % 60 };
    let parts = [(seconds / 3_600, "hour"), (seconds / 60 % 60, "minute"), (seconds % 60, "second")];
    let mut spoken: Vec<(u64, &str)> = parts.into_iter().filter(|(count, _)| *count > 0).collect();
    if spoken.is_empty() {
        spoken.push((0, "second"));
    }
    let mut words = Vec::new();
    let last = spoken.len() - 1;
    for (place, (count, unit)) in spoken.into_iter().enumerate() {
        if place > 0 && place == last {
            words.push(Name::from("words/and"));
        }
        words.extend(number(count));
        words.push(Name::from(if count == 1 { format!("units/{unit}") } else { format!("units/{unit}s") }));
    }
    words
}

/// `words/less-than numbers/3 units/minutes`: whole minutes, rounded up, at least one.
pub fn less_than(duration: Duration) -> Vec<Name> {
    let minutes = duration.as_millis().div_ceil(60_000).max(1);
    let mut words = vec![Name::from("words/less-than")];
    words.extend(number(u64::try_from(minutes).unwrap_or(u64::MAX)));
    words.push(Name::from(if minutes == 1 { "units/minute" } else { "units/minutes" }));
    words
}

/// Every prompt these rules may name.
pub fn prompts() -> impl Iterator<Item = String> {
    let numbers = (0..=20).chain((30..=90).step_by(10)).map(|number| format!("numbers/{number}"));
    let words = ["numbers/hundred", "numbers/thousand", "numbers/million", "words/and", "words/less-than"];
    let units = ["hour", "hours", "minute", "minutes", "second", "seconds"];
    (0..=9)
        .map(|digit| format!("digits/{digit}"))
        .chain(numbers)
        .chain(words.map(str::to_owned))
        .chain(units.map(|unit| format!("units/{unit}")))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn aloud(words: Vec<Name>) -> String {
        let words: Vec<&str> = words.iter().map(|word| word.rsplit('/').next().unwrap_or_default()).collect();
        words.join(" ")
    }

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
            assert_eq!(aloud(number(value)), expected);
        }
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
            assert_eq!(aloud(duration(Duration::from_secs(seconds))), expected);
        }
        assert_eq!(aloud(less_than(Duration::from_secs(121))), "less-than 3 minutes");
        assert_eq!(aloud(less_than(Duration::ZERO)), "less-than 1 minute");
    }

    #[test]
    fn no_rule_names_a_prompt_that_is_not_listed() {
        let listed: BTreeSet<String> = prompts().collect();
        for value in (0..2_000).chain([999_999, 123_456_789, u64::MAX]) {
            for word in number(value).into_iter().chain(duration(Duration::from_secs(value))) {
                assert!(listed.contains(&*word), "{word}");
            }
        }
    }
}
