//! Random callers in random flows: every step ends, nobody is left in silence, no secret shows.

use proptest::prelude::*;

use super::DEMO;
use super::Phone;
use super::ann;
use super::demo;
use super::read;
use super::read_back;
use crate::flow::KINDS;

const KEYS: [&str; 35] = [
    "0",
    "1",
    "2",
    "3",
    "4",
    "5",
    "6",
    "7",
    "8",
    "9",
    "*",
    "#",
    "A",
    "b",
    ".",
    ".",
    ".",
    "~",
    "ok",
    "wrong",
    "locked",
    "down",
    "answered",
    "none",
    "fails",
    "picks-up",
    "parts",
    "busy",
    "refuses",
    "not-there",
    "done",
    "lost",
    "speaks",
    "silent",
    "full",
];

const CENTER: &str = "\
company: Random
services: { orders: { at: \"http://127.0.0.1:9\" } }
bots: { helper: { at: \"ws://127.0.0.1:9\" } }
speech: { command: \"speak {language}\" }
announcements: { outage: { play: long, on: yes, until: 2999-01-01 00:00 } }
languages: [en, es]
numbers: { 1: random }
skills: [any]
queues: { any: {} }
agents: { alice: { skills: { any: 5 } } }
hours: { office: { mon-fri: 08:00-18:00 } }
trunks: { carrier: { out: \"192.0.2.7:5060\" } }
";

/// What an admin may get wrong.
const SLIPS: [&str; 28] = [
    ":",
    "- ",
    "{",
    "}",
    "[",
    "]",
    ",",
    "\"",
    "'",
    "#",
    "*a",
    "&a",
    "!x",
    "|",
    "\n",
    "\n  ",
    "\t",
    "1",
    "-1",
    "99999999999",
    "=",
    "&& (",
    "then: ",
    "as: number",
    "ü",
    "\u{0}",
    "<<: ",
    "? ",
];

/// `text` with slips at these places, each after dropping some characters.
fn with_slips(text: &str, slips: &[(proptest::sample::Index, usize, &str)]) -> String {
    let mut chars: Vec<char> = text.chars().collect();
    for (place, drop, slip) in slips {
        let from = place.index(chars.len() + 1);
        let to = (from + drop).min(chars.len());
        chars.splice(from..to, slip.chars());
    }
    chars.into_iter().collect()
}

/// How many [`random_flow`] knows; the last is a pause.
const KINDS_OF_NODE: u8 = 27;

/// Kinds of which it has none: those that go to other flows, and those after which a flow is over.
const NOT_IN_IT: [&str; 6] = ["call", "return", "go_to", "enqueue", "echo", "ring"];

/// A flow of `kinds` whose exits lead forward but for the caller's own, which lead anywhere.
fn random_flow(kinds: &[(u8, u8)]) -> String {
    let mut text = String::from("flow: random\nno_person: a test\nstart: n0\nnodes:\n");
    for (place, (kind, far)) in kinds.iter().enumerate() {
        let next = place + 1;
        let forward = (next + usize::from(*far) % 3).min(kinds.len());
        let anywhere = usize::from(*far) % (kinds.len() + 1);
        let node = match kind % KINDS_OF_NODE {
            0 => format!("{{ play: [goodbye, long], then: n{next} }}"),
            1 => format!("{{ play: goodbye, barge_in: no, repeat: 2, then: n{forward} }}"),
            2 => format!(
                "{{ menu: menu/main, choices: {{ 1: n{anywhere}, 2: n{next}, 3: n{forward} }}, otherwise: n{next} }}"
            ),
            3 => format!("{{ collect: v{place}, digits: 2 to 5, then: n{anywhere}, otherwise: n{forward} }}"),
            4 => format!(
                "{{ collect: s{place}, digits: 3, secret: yes, prompt: long, then: n{anywhere}, otherwise: n{next} }}"
            ),
            5 => format!(
                "{{ verify: account and pin, ask_account: verify/enter-account, ask_pin: verify/enter-pin, \
                 wrong: verify/wrong, verified: n{next}, failed: n{forward}, locked: n{forward}, \
                 no_input: n{next}, unavailable: n{next} }}"
            ),
            6 => format!(
                "{{ branch: [{{ if: \"verified || size(caller.number) > 3\", then: n{next} }}], otherwise: n{forward} }}"
            ),
            7 => format!("{{ set: {{ x: 5, y: \"= x + {far}\" }}, then: n{next} }}"),
            8 => format!(
                "{{ language: long, choices: {{ 1: en, 2: es }}, then: n{anywhere}, otherwise: n{next} }}"
            ),
            11 => format!(
                "{{ collect: a{place}, as: amount, read_back: {{ say: a{place}, as: money }}, then: n{anywhere}, otherwise: n{next} }}"
            ),
            12 => format!(
                "{{ collect: d{place}, as: date, order: day first, read_back: long, then: n{anywhere}, otherwise: n{forward} }}"
            ),
            10 => format!(
                "{{ fetch: orders, path: \"/{{dialled}}\", gives: {{ f{place}: a.b, g{place}: c as number }}, \
                 then: n{next}, otherwise: n{forward} }}"
            ),
            24 => format!(
                "{{ voicemail: any, greeting: long, then: n{next}, nothing: n{forward}, failed: n{next} }}"
            ),
            25 => format!(
                "{{ survey: q{place}, prompt: long, answers: 0 to 3, no_input: goodbye, no_match: {{ first: long }}, \
                 then: n{anywhere}, otherwise: n{forward} }}"
            ),
            9 => format!("{{ speak: es, then: n{forward} }}"),
            13 => format!(
                "{{ callback: any, confirm: {{ say: callback_number }}, other: {{ ask: long, begins: [\"1\", \"9\"] }}, \
                 hours: office, later: {{ question: long, ask: long, confirm: {{ say: callback_time, as: time }} }}, \
                 no_match: {{ first: goodbye, second: long }}, otherwise: n{next}, impossible: n{forward} }}"
            ),
            14 => format!(
                "{{ transfer: \"+12025550199\", ended: n{forward}, no_answer: n{next}, busy: n{forward} }}"
            ),
            15 => {
                format!(
                    "{{ transfer: {{ agent: alice, queue: any }}, no_answer: n{next}, refused: n{forward} }}"
                )
            }
            16 => format!("{{ consent: long, yes: n{next}, no: n{forward}, no_input: n{next} }}"),
            17 => format!(
                "{{ bot: helper, send: {{ dialled: dialled }}, gives: {{ b{place}: text, c{place}: n as number }}, limit: 1m, \
                 results: {{ done: n{next}, more: n{forward} }}, otherwise: n{forward}, lost: n{next}, late: n{next} }}"
            ),
            18 => format!(
                "{{ play: [{{ say: {{ text: {{ en: \"It is {{dialled}}.\", es: \"Es {{dialled}}.\" }}, or: long }} }}, \
                 {{ say: caller.name }}, {{ say: {{ text: {{ en: Hello, es: Hola }} }} }}], then: n{next} }}"
            ),
            19 => format!(
                "{{ verify: account and birth date, ask_account: verify/enter-account, ask_birth_date: long, \
                 order: day first, wrong: verify/wrong, verified: n{next}, failed: n{forward}, locked: n{forward}, \
                 no_input: n{next}, unavailable: n{next} }}"
            ),
            20 => format!(
                "{{ verify: one-time code, ask_account: verify/enter-account, ask_code: long, send: orders, \
                 path: /codes, wrong: verify/wrong, verified: n{next}, failed: n{forward}, locked: n{forward}, \
                 no_input: n{next}, unavailable: n{next} }}"
            ),
            21 => format!(
                "{{ menu: menu/main, choices: {{ 1 or 2: n{anywhere}, 0 or 9: n{next} }}, tries: 4, \
                 no_input: {{ first: goodbye, second: [long, goodbye] }}, no_match: long, otherwise: n{forward} }}"
            ),
            22 => format!("{{ announce: outage, then: n{next} }}"),
            23 => format!("{{ hours: office, open: n{next}, closed: n{forward} }}"),
            _ => format!("{{ pause: 3s, then: n{forward} }}"),
        };
        text.push_str(&format!("  n{place}: {node}\n"));
    }
    text.push_str(&format!("  n{}: {{ hang_up: done, after: goodbye }}\n", kinds.len()));
    text
}

#[test]
fn every_kind_of_node_that_goes_on_is_in_random_flows() {
    let all: Vec<(u8, u8)> = (0..KINDS_OF_NODE).map(|kind| (kind, 1)).collect();
    let flow = random_flow(&all);
    for (kind, _) in KINDS {
        let there = flow.contains(&format!("{{ {kind}: "));
        assert_ne!(there, NOT_IN_IT.contains(&kind), "{kind}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_caller_in_any_flow_comes_to_an_end(
        kinds in proptest::collection::vec((any::<u8>(), any::<u8>()), 1..12),
        known in any::<bool>(),
        script in proptest::collection::vec(proptest::sample::select(&KEYS[..]), 0..120),
    ) {
        let flow = random_flow(&kinds);
        let loaded = read(&[("center.yaml", CENTER), ("random.yaml", &flow)]);
        let (center, _) = loaded.map_err(|found| TestCaseError::fail(super::in_words(&found)))?;
        let mut phone = Phone::dial(&center, "random", known.then(ann));
        for word in script {
            phone.play(word);
            // Whatever was keyed of a secret is lost by writing down, and the run is in order without it.
            let again = read_back(&phone.run);
            prop_assert_eq!(&read_back(&again), &again);
        }
        // Now silence, as long as it takes. Each round is one deadline or one prompt's end.
        let mut rounds = 0;
        while !phone.run.is_over() {
            phone.play(". ~");
            rounds += 1;
            prop_assert!(rounds < 500, "a silent caller is still there");
        }
        prop_assert!(phone.run.deadline().is_none());
    }

    #[test]
    fn hanging_up_anywhere_in_any_flow_ends_cleanly(
        kinds in proptest::collection::vec((any::<u8>(), any::<u8>()), 1..12),
        script in proptest::collection::vec(proptest::sample::select(&KEYS[..]), 0..60),
    ) {
        let flow = random_flow(&kinds);
        let loaded = read(&[("center.yaml", CENTER), ("random.yaml", &flow)]);
        let (center, _) = loaded.map_err(|found| TestCaseError::fail(super::in_words(&found)))?;
        let mut phone = Phone::dial(&center, "random", None);
        script.into_iter().for_each(|word| phone.play(word));
        phone.seen = Some(String::new());
        phone.play("bye");
        prop_assert!(phone.run.is_over() && phone.run.deadline().is_none());
        let seen = phone.seen.take().unwrap_or_default();
        prop_assert!(!seen.contains("HangUp {") && !seen.contains("Play {"), "{}", seen);
        let after = phone.transcript.len();
        phone.play("1 . ~ ok answered done picks-up parts bye");
        prop_assert_eq!(phone.transcript.len(), after);
    }

    #[test]
    fn whatever_a_file_says_is_answered_in_words(
        file in 0..DEMO.len(),
        slips in proptest::collection::vec(
            (any::<proptest::sample::Index>(), 0usize..6, proptest::sample::select(&SLIPS[..])), 1..5),
    ) {
        let text = with_slips(DEMO[file].1, &slips);
        let mut files = DEMO;
        files[file].1 = &text;
        match read(&files) {
            Ok((center, _)) => prop_assert_eq!(center.flows.len(), DEMO.len() - 1),
            Err(found) => {
                prop_assert!(!super::in_words(&found).is_empty());
                prop_assert!(found.iter().any(|one| one.is_error()));
            }
        }
    }

    #[test]
    fn a_run_that_was_written_down_goes_on_as_if_it_had_not(
        script in proptest::collection::vec(proptest::sample::select(&[".", "~", "1", "2", "3", "9"][..]), 0..60),
        flow in proptest::sample::select(&["read_back", "long_story", "silence", "goodbye"][..]),
    ) {
        let center = demo();
        let mut phone = Phone::dial(&center, flow, None);
        let mut other = Phone::dial(&center, flow, None);
        for word in script {
            other.run = read_back(&other.run);
            prop_assert_eq!(&other.run, &phone.run);
            phone.play(word);
            other.play(word);
            prop_assert_eq!(&phone.transcript, &other.transcript);
        }
    }

    #[test]
    fn hanging_up_anywhere_ends_cleanly(
        script in proptest::collection::vec(proptest::sample::select(&KEYS[..]), 0..40),
    ) {
        let center = demo();
        let mut phone = Phone::dial(&center, "main", None);
        script.into_iter().for_each(|word| phone.play(word));
        let verifications = |phone: &Phone<'_>| {
            phone.transcript.iter().filter(|line| line.starts_with("verification:")).count()
        };
        let (ended, lines) = (verifications(&phone), phone.transcript.len());
        let was_over = phone.run.is_over();
        phone.seen = Some(String::new());
        phone.play("bye");
        prop_assert!(phone.run.is_over());
        prop_assert!(verifications(&phone) <= 1 && verifications(&phone) >= ended);
        prop_assert!(!was_over || phone.transcript.len() == lines);
        let hangs_up = phone.seen.take().is_some_and(|seen| seen.contains("HangUp {"));
        prop_assert!(!hangs_up, "the caller has hung up already");
        // After the end nothing is answered any more.
        let after = phone.transcript.len();
        phone.play("1 . ~ ok bye");
        prop_assert_eq!(phone.transcript.len(), after);
    }

    /// The PIN 4711 stands nowhere: neither in facts, nor in actions, nor in the run, nor in what is written down;
    /// whenever its digits come, and whatever prompt they interrupt.
    #[test]
    fn no_digit_of_a_pin_is_seen_anywhere(
        dots in proptest::collection::vec(0usize..4, 6),
        pin in "[5-8]{4,8}",
        known in any::<bool>(),
        result in prop::sample::select(vec!["ok", "wrong", "locked", "down", "~"]),
        ends in any::<bool>(),
    ) {
        let center = demo();
        let mut phone = Phone::dial(&center, "main", known.then(ann));
        phone.seen = Some(String::new());
        let mut keys = String::from("100200#");
        keys.push_str(&pin);
        keys.push_str(if ends { "#" } else { " ~" });
        phone.play(&". ".repeat(dots[0]));
        for (place, key) in keys.split_inclusive(|_| true).enumerate() {
            phone.play(key);
            phone.play(&". ".repeat(usize::from(place % 5 == dots[1]) * dots[2]));
        }
        phone.play("wrong");
        phone.play(&format!("{pin}# {result}"));
        phone.play(&". ".repeat(dots[3]));
        phone.play(&format!("{pin}#"));
        let seen = phone.seen.take().unwrap_or_default();
        prop_assert!(seen.contains("NodeEntered"));
        for digit in pin.chars() {
            prop_assert!(!seen.contains(&format!("digit: '{digit}'")), "{}", seen);
            let told = phone.transcript.contains(&format!("key {digit}"));
            prop_assert!(!told);
        }
        prop_assert!(!seen.contains(&pin));
    }
}
