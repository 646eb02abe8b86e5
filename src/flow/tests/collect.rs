//! Amounts and dates that callers key, read back and confirmed.

use super::Phone;
use super::center_of;
use super::read;

const CENTER: &str = "\
company: Juniper
numbers: { 1000: main }
skills: [billing]
queues: { billing: { needs: billing >= 3 } }
agents: { alice: { skills: { billing: 7 } } }
";

fn flow(collect: &str) -> String {
    format!(
        "flow: main\nstart: a\nnodes:\n  a: {{ collect: it, {collect}, prompt: long, no_match: menu/no-match, \
         no_input: menu/no-input, tries: 2, then: taken, otherwise: person }}\n  taken: {{ hang_up: taken }}\n  \
         person: {{ enqueue: billing }}\n"
    )
}

/// What a caller meets who does this, without the keys.
#[track_caller]
fn meets(collect: &str, script: &str, expected: &[&str]) {
    let center = center_of(&[("center.yaml", CENTER), ("main.yaml", &flow(collect))]);
    let mut phone = Phone::dial(&center, "main", None);
    phone.play(script);
    let met = phone.transcript.iter().map(String::as_str);
    let met: Vec<&str> = met.filter(|line| !line.starts_with("key ") && *line != "answered").collect();
    assert_eq!(met, expected);
}

const ASKED: &str = "hears long";
const AGAIN: &str = "hears menu/no-match long";
const TAKEN: &str = "hangs up: taken";
const PERSON: &str = "to billing, 0 needs more, priority 0";

#[test]
fn an_amount_has_a_star_for_its_point() {
    for (keys, value) in
        [("12*50#", "12.50"), ("12#", "12.00"), ("7*5#", "7.50"), ("*05#", "0.05"), ("007#", "7.00")]
    {
        meets("as: amount", &format!(". {keys}"), &[ASKED, &format!("it = {value}"), TAKEN]);
    }
    // Two points, a point alone, three digits behind it.
    for keys in ["1*2*3#", "*#", "1*234#"] {
        meets(
            "as: amount",
            &format!(". {keys} . 5#"),
            &[ASKED, "# is no choice at a", AGAIN, "it = 5.00", TAKEN],
        );
    }
    // Without the end key the entry ends by itself.
    meets("as: amount", ". 3*2 ~", &[ASKED, "it = 3.20", TAKEN]);
}

#[test]
fn a_date_is_one_that_the_calendar_has() {
    meets("as: date", ". 12242026", &[ASKED, "it = 2026-12-24", TAKEN]);
    meets("as: date, order: day first", ". 24122026", &[ASKED, "it = 2026-12-24", TAKEN]);
    meets("as: date", ". 02292028", &[ASKED, "it = 2028-02-29", TAKEN]);
    for keys in ["02292027", "13012026", "00002026", "24122026"] {
        let no_match = format!("{} is no choice at a", &keys[7..]);
        meets(
            "as: date",
            &format!(". {keys} . 01012027"),
            &[ASKED, &no_match, AGAIN, "it = 2027-01-01", TAKEN],
        );
    }
    meets("as: date", ". 1224# . 1224 ~", &[ASKED, "# is no choice at a", AGAIN, "silence at a", PERSON]);
}

#[test]
fn what_is_read_back_is_taken_with_one_and_asked_again_with_anything_else() {
    let amount = "as: amount, read_back: [{ say: it, as: money }, goodbye]";
    let back = "hears numbers/5 units/dollars goodbye";
    meets(amount, ". 5# . 1", &[ASKED, "it = 5.00", back, TAKEN]);
    // Over the words, or ahead of them.
    meets(amount, ". 5# 1", &[ASKED, "it = 5.00", back, TAKEN]);
    meets(amount, "5#1", &[ASKED, "it = 5.00", back, TAKEN]);
    let six = "hears numbers/6 units/dollars goodbye";
    meets(amount, ". 5# . 2 . 6# . 1", &[ASKED, "it = 5.00", back, ASKED, "it = 6.00", six, TAKEN]);
    // Silence is no yes.
    meets(
        amount,
        ". 5# . ~ . 6# . ~",
        &[
            ASKED,
            "it = 5.00",
            back,
            "silence at a",
            "hears menu/no-input long",
            "it = 6.00",
            six,
            "silence at a",
            PERSON,
        ],
    );
}

#[test]
fn what_the_checker_says() {
    for (collect, expected) in [
        ("digits: 3, as: amount", "4:29: how many digits there are is known: write \"as\" or \"digits\""),
        ("as: money", "4:25: no thing to key is called \"money\""),
        ("as: amount, end: \"*\"", "4:38: \"*\" is the point of an amount, and cannot end it"),
        ("as: amount, order: day first", "4:40: only a date has an order"),
        ("as: date, order: year first", "4:38: no order of a date is called \"year first\""),
        ("tries: 2", "4:3: \"digits\" is missing here"),
        (
            "digits: 3, secret: yes, read_back: { say: it }",
            "4:56: \"it\" is secret: it is neither spoken, compared nor sent",
        ),
    ] {
        let text = flow(collect).replace(", tries: 2, then", ", then");
        let found = read(&[("center.yaml", CENTER), ("main.yaml", &text)]).unwrap_err();
        let words: Vec<String> =
            found.iter().map(|one| format!("{}:{}: {}", one.line, one.column, one.message)).collect();
        assert_eq!(words, [expected], "{collect}");
    }
}
