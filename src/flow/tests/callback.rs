//! Callbacks that a flow agrees with its callers: which number, and when.

use super::Phone;
use super::harm::END;
use super::harm::found;
use super::in_words;
use super::read;
use super::read_back;
use crate::base::WallTime;
use crate::flow::Run;
use crate::flow::api::Caller;
use crate::flow::api::FlowEvent;

const CENTER: &str = "\
company: Juniper
numbers: { 1000: main }
time_zone: Europe/Berlin
hours: { office: { mon-fri: 08:00-18:00, holidays: [12-25] } }
skills: [billing]
queues: { billing: { needs: billing >= 3 } }
agents: { alice: { skills: { billing: 7 } } }
trunks: { provider: { out: \"192.0.2.7:5060\" } }
";

const NODE: &str = "{ callback: billing, needs: [billing >= 5], \
    confirm: [callback/your-number, { say: callback_number }, callback/confirm], \
    other: { ask: callback/key-number, digits: 4 to 8, begins: [\"0\", \"44\"] }, hours: office, \
    later: { question: callback/when, ask: callback/key-time, \
      confirm: [callback/at, { say: callback_day, as: date }, { say: callback_time, as: time }] }, \
    promised: callback/promised, no_input: menu/no-input, no_match: menu/no-match, tries: 2, \
    otherwise: person, impossible: cannot }";

/// 2026-12-24 15:00 UTC, a Thursday: 16:00 in the office.
const THURSDAY: WallTime = WallTime(1_798_124_400_000_000);
/// Five hours later, when it is closed.
const EVENING: WallTime = WallTime(1_798_142_400_000_000);

fn center(node: &str) -> crate::flow::Center {
    let flow = format!(
        "flow: main\nstart: a\nnodes:\n  a: {node}\n  person: {{ enqueue: billing }}\n  cannot: {{ hang_up: cannot }}\n"
    );
    let loaded = read(&[("center.yaml", CENTER), ("main.yaml", &flow)]);
    let (center, warnings) = loaded.unwrap_or_else(|found| panic!("{}", in_words(&found)));
    assert!(warnings.is_empty(), "{}", in_words(&warnings));
    center
}

/// What a caller from `number` meets at `wall` who does this, without the keys.
#[track_caller]
fn meets(node: &str, number: &str, wall: WallTime, script: &str, expected: &[&str]) {
    let center = center(node);
    let mut phone = Phone::dial(&center, "main", None);
    phone.transcript.clear();
    let caller = Caller { number: number.into(), dialled: "1000".into(), customer: None };
    phone.run = Run::start(&center, &"main".into(), caller);
    phone.tell(FlowEvent::Started { wall });
    for word in script.split_whitespace() {
        phone.play(word);
        phone.run = read_back(&phone.run);
    }
    let met = phone.transcript.iter().map(String::as_str);
    let met: Vec<&str> = met.filter(|line| !line.starts_with("key ") && *line != "answered").collect();
    assert_eq!(met, expected);
}

const OWN: &str = "callback_number = 44123";
const CONFIRM: &str =
    "hears callback/your-number digits/4 digits/4 digits/1 digits/2 digits/3 callback/confirm";
const PERSON: &str = "to billing, 0 needs more, priority 0";

#[test]
fn the_callers_own_number_is_read_back_and_called_as_soon_as_it_is_their_turn() {
    let promised = "callback to 44123 by billing, promised callback/promised";
    meets(NODE, "44123", THURSDAY, ". 1 . 1", &[OWN, CONFIRM, "hears callback/when", promised]);
    // Who knows the questions keys ahead.
    meets(NODE, "44123", THURSDAY, "11", &[OWN, CONFIRM, "hears callback/when", promised]);
}

#[test]
fn another_number_is_one_of_those_that_may_be_keyed() {
    let other = "callback_number = 0301234";
    let read_back = "hears callback/your-number digits/0 digits/3 digits/0 digits/1 digits/2 digits/3 digits/4 \
                     callback/confirm";
    let ask = "hears callback/key-number";
    let promised = "callback to 0301234 by billing, promised callback/promised";
    let steps = [OWN, CONFIRM, ask, other, read_back, "hears callback/when", promised];
    meets(NODE, "44123", THURSDAY, ". 2 . 0301234# . 1 . 1", &steps);
    // A number that we would pay dearly for, one that is too short, one with a star in it.
    for keys in ["1900123#", "030#", "0*"] {
        let odd = if keys.ends_with('*') { '*' } else { '#' };
        let no_match = format!("{odd} is no choice at a");
        let again = "hears menu/no-match callback/key-number";
        let steps = [OWN, CONFIRM, ask, &no_match, again, &no_match, PERSON];
        meets(NODE, "44123", THURSDAY, &format!(". 2 . {keys} . {keys}"), &steps);
    }
}

#[test]
fn a_time_is_the_next_one_within_the_hours() {
    let when = "hears callback/when";
    let ask = "hears callback/key-time";
    let thursday = ["callback_day = 2026-12-24", "callback_time = 16:30"];
    let read_back = "hears callback/at months/12 numbers/20 ordinals/4 numbers/20 numbers/20 numbers/6 numbers/4 numbers/30 words/pm";
    // The call began at second 1, half an hour before.
    let promised = "callback to 44123 by billing, not before 1801.000000s, promised callback/promised";
    let steps = [OWN, CONFIRM, when, ask, thursday[0], thursday[1], read_back, promised];
    meets(NODE, "44123", THURSDAY, ". 1 . 2 . 1630 . 1", &steps);
    // 17:59 has passed by, and Friday is a holiday: it is Monday.
    let monday = ["callback_day = 2026-12-28", "callback_time = 15:00"];
    let later = "hears callback/at months/12 numbers/20 ordinals/8 numbers/20 numbers/20 numbers/6 numbers/3 words/pm";
    meets(NODE, "44123", EVENING, ". 1 . 2 . 1500", &[OWN, CONFIRM, when, ask, monday[0], monday[1], later]);
    // No such time, and one at which nobody is there.
    for keys in ["2500", "1860", "0700", "12#"] {
        let no_match = format!("{} is no choice at a", &keys[keys.len() - 1..]);
        let again = "hears menu/no-match callback/key-time";
        let steps = [OWN, CONFIRM, when, ask, &no_match, again, &no_match, PERSON];
        meets(NODE, "44123", THURSDAY, &format!(". 1 . 2 . {keys} . {keys}"), &steps);
    }
}

#[test]
fn who_asks_when_it_is_closed_is_called_when_it_opens() {
    let opens = ["callback_day = 2026-12-28", "callback_time = 08:00"];
    // Thursday 21:00 to Monday 08:00 are 83 hours.
    let promised = "callback to 44123 by billing, not before 298801.000000s, promised callback/promised";
    let steps = [OWN, CONFIRM, "hears callback/when", opens[0], opens[1], promised];
    meets(NODE, "44123", EVENING, ". 1 . 1", &steps);
}

#[test]
fn who_cannot_be_called_goes_another_way() {
    let without =
        NODE.replace("other: { ask: callback/key-number, digits: 4 to 8, begins: [\"0\", \"44\"] }, ", "");
    meets(&without, "", THURSDAY, "", &["hangs up: cannot"]);
    meets(NODE, "", THURSDAY, "", &["hears callback/key-number"]);
    let silence = "silence at a";
    let again = "hears menu/no-input callback/key-number";
    meets(NODE, "", THURSDAY, ". ~ . ~", &["hears callback/key-number", silence, again, silence, PERSON]);
    let no_match = "2 is no choice at a";
    let asked_again = format!("hears menu/no-match {}", &CONFIRM["hears ".len()..]);
    meets(&without, "44123", THURSDAY, ". 2", &[OWN, CONFIRM, no_match, &asked_again]);
}

/// The center whose queue says this as well.
fn with(more: &str) -> String {
    CENTER.replace("billing >= 3 }", &format!("billing >= 3, {more} }}"))
}

#[test]
fn a_queue_says_who_is_called_first() {
    let first = |more: &str| {
        let (center, _) = read(&[("center.yaml", &with(more)), ("main.yaml", END)]).expect("a center");
        center.engine.queues[0].customer_first.map(|wait| wait.as_secs())
    };
    assert_eq!(first("priority: 0"), None);
    assert_eq!(first("callback_first: agent"), None);
    assert_eq!(first("callback_first: customer"), Some(30));
    assert_eq!(first("callback_first: customer, callback_wait: 12s"), Some(12));

    let found = |more: &str| found(&[("center.yaml", &with(more)), ("main.yaml", END)]);
    assert_eq!(
        found("callback_first: custmer"),
        "center.yaml:6:59: error: no party of a callback is called \"custmer\" (did you mean \"customer\"?)"
    );
    assert_eq!(
        found("callback_first: customer, callback_wait: 31s"),
        "center.yaml:6:84: error: 31 s is too long for who picked up \
         (nobody asked them whether they would hold: at most 30s)"
    );
    assert_eq!(
        found("callback_wait: 20s"),
        "center.yaml:6:58: error: callback_wait is of callbacks where the customer is called first \
         (say callback_first: customer, or leave it out)"
    );
}
