//! Spanish: "cuatro mil setecientos once", "veinticuatro de diciembre de dos mil veintiséis", "las dos y treinta de la
//! tarde". One agrees with what is counted, and so do the hundreds: "veintiún minutos", "doscientas libras".

use crate::base::Name;

/// What form "one" and the hundreds take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// By itself: "veintiuno".
    Counting,
    /// Before what is masculine: "veintiún".
    Short,
    /// Before what is feminine: "veintiuna", "doscientas".
    Feminine,
}

/// `numbers/40 words/and numbers/7`.
pub(super) fn number(number: u64, form: Form) -> Vec<Name> {
    if number == 0 {
        return vec![Name::from("numbers/0")];
    }
    let mut words = Vec::new();
    match number / 1_000_000 {
        0 => {}
        millions => {
            below_a_thousand(millions, Form::Short, &mut words);
            words.push(Name::from(if millions == 1 { "numbers/million" } else { "numbers/millions" }));
        }
    }
    match number / 1_000 % 1_000 {
        0 => {}
        1 => words.push(Name::from("numbers/thousand")),
        thousands => {
            let form = if form == Form::Counting { Form::Short } else { form };
            below_a_thousand(thousands, form, &mut words);
            words.push(Name::from("numbers/thousand"));
        }
    }
    below_a_thousand(number % 1_000, form, &mut words);
    words
}

fn below_a_thousand(number: u64, form: Form, words: &mut Vec<Name>) {
    let (hundreds, rest) = (number / 100, number % 100);
    match hundreds {
        0 => {}
        // "cien" alone, "ciento" before more.
        1 => words.push(Name::from(if rest == 0 { "numbers/100" } else { "numbers/100-and" })),
        _ if form == Form::Feminine => words.push(Name::from(format!("numbers/{hundreds}00-feminine"))),
        _ => words.push(Name::from(format!("numbers/{hundreds}00"))),
    }
    match rest {
        0 => {}
        1 | 21 => words.push(one(rest, form)),
        2..=29 => words.push(Name::from(format!("numbers/{rest}"))),
        _ => {
            words.push(Name::from(format!("numbers/{}", rest / 10 * 10)));
            if rest % 10 > 0 {
                words.push(Name::from("words/and"));
                words.push(match rest % 10 {
                    1 => one(1, form),
                    digit => Name::from(format!("numbers/{digit}")),
                });
            }
        }
    }
}

/// "uno" or "veintiuno", in its form.
fn one(number: u64, form: Form) -> Name {
    Name::from(match form {
        Form::Counting => format!("numbers/{number}"),
        Form::Short => format!("numbers/{number}-short"),
        Form::Feminine => format!("numbers/{number}-feminine"),
    })
}

/// `numbers/24 words/of months/12 words/of numbers/2 numbers/thousand numbers/26`.
pub(super) fn date(year: u64, month: u8, day: u64) -> Vec<Name> {
    let mut words = match day {
        1 => vec![Name::from("ordinals/1")],
        _ => number(day, Form::Counting),
    };
    words.extend([Name::from("words/of"), Name::from(format!("months/{month}")), Name::from("words/of")]);
    words.extend(number(year, Form::Counting));
    words
}

/// `words/at numbers/2 words/and numbers/30 words/afternoon`.
pub(super) fn time(hour: u64, minute: u64) -> Vec<Name> {
    let hour_said = (hour + 11) % 12 + 1;
    let mut words = vec![Name::from(if hour_said == 1 { "words/at-one" } else { "words/at" })];
    words.extend(number(hour_said, Form::Feminine));
    if minute > 0 {
        words.push(Name::from("words/and"));
        words.extend(number(minute, Form::Counting));
    }
    words.push(Name::from(match hour {
        1..=11 => "words/morning",
        12..=19 => "words/afternoon",
        _ => "words/night",
    }));
    words
}

pub(super) fn numbers() -> Vec<String> {
    let numbers = (0..=29).chain((30..=90).step_by(10)).chain((100..=900).step_by(100));
    let hundreds = (200..=900).step_by(100).map(|number| format!("{number}-feminine"));
    let ones = ["1-short", "1-feminine", "21-short", "21-feminine", "100-and"].map(str::to_owned);
    let large = ["thousand", "million", "millions"].map(str::to_owned);
    let words = numbers.map(|number| number.to_string()).chain(hundreds).chain(ones).chain(large);
    words.map(|word| format!("numbers/{word}")).chain(["words/and".to_owned()]).collect()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::super::Currency;
    use super::super::date;
    use super::super::duration;
    use super::super::minutes;
    use super::super::money;
    use super::super::number;
    use super::super::tests::aloud;
    use super::super::time;

    #[test]
    fn numbers_are_said_in_words() {
        for (value, expected) in [
            (0, "0"),
            (1, "1"),
            (16, "16"),
            (21, "21"),
            (29, "29"),
            (30, "30"),
            (31, "30 and 1"),
            (47, "40 and 7"),
            (100, "100"),
            (101, "100-and 1"),
            (342, "300 40 and 2"),
            (1_000, "thousand"),
            (1_001, "thousand 1"),
            (4_711, "4 thousand 700 11"),
            (21_000, "21-short thousand"),
            (31_000, "30 and 1-short thousand"),
            (100_200, "100 thousand 200"),
            (1_000_000, "1-short million"),
            (2_000_001, "2 millions 1"),
            (21_100_116, "21-short millions 100 thousand 100-and 16"),
            (1_000_000_000, "1 0 0 0 0 0 0 0 0 0"),
        ] {
            assert_eq!(aloud(number("es", value)), expected, "{value}");
        }
    }

    #[test]
    fn one_and_the_hundreds_agree_with_what_is_counted() {
        assert_eq!(aloud(minutes("es", 1)), "1-short");
        assert_eq!(aloud(minutes("es", 21)), "21-short");
        assert_eq!(aloud(minutes("es", 31)), "30 and 1-short");
        let said = |seconds| aloud(duration("es", Duration::from_secs(seconds)));
        assert_eq!(said(3_660), "1-feminine hour and 1-short minute");
        assert_eq!(said(21 * 3_600), "21-feminine hours");
        let pounds = |text| aloud(money("es", text, Currency::Pound));
        assert_eq!(pounds("1"), "1-feminine pound");
        assert_eq!(pounds("201"), "200-feminine 1-feminine pounds");
        assert_eq!(pounds("500000"), "500-feminine thousand pounds");
        assert_eq!(pounds("200000000"), "200 millions of pounds");
    }

    #[test]
    fn money_is_said_in_its_units() {
        for (text, expected) in [
            ("12.50", "12 dollars with 50 cents"),
            ("21.01", "21-short dollars with 1-short cent"),
            ("0.31", "30 and 1-short cents"),
            ("1000000", "1-short million of dollars"),
            ("1000001", "1-short million 1-short dollars"),
            ("0", "0 dollars"),
        ] {
            assert_eq!(aloud(money("es", text, Currency::Dollar)), expected);
        }
    }

    #[test]
    fn dates_and_times_of_the_day() {
        assert_eq!(aloud(date("es", "2026-12-24")), "24 of 12 of 2 thousand 26");
        assert_eq!(aloud(date("es", "1999-05-01")), "1 of 5 of thousand 900 90 and 9");
        assert_eq!(date("es", "1999-05-01")[0].to_string(), "ordinals/1");
        for (text, expected) in [
            ("00:30", "at 12 and 30 night"),
            ("01:00", "at-one 1-feminine morning"),
            ("09:05", "at 9 and 5 morning"),
            ("13:01", "at-one 1-feminine and 1 afternoon"),
            ("14:30", "at 2 and 30 afternoon"),
            ("23:59", "at 11 and 50 and 9 night"),
        ] {
            assert_eq!(aloud(time("es", text)), expected);
        }
    }
}
