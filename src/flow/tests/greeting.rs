//! Whether callers are told whom they have reached.

use super::harm::short;
use super::prompts;
use crate::flow::load;

const CENTER: &str = "\
company: Juniper Home Services
speech: { command: espeak-ng }
numbers: { 1000: main, 1001: main }
skills: [billing]
queues: { billing: { needs: billing >= 3 } }
agents: { alice: { skills: { billing: 7 } } }
";

/// What is said of a center whose `main` begins so, and goes on to the queue, where this is known of the recordings.
fn told_of(center: &str, begins: &str, manifest: &str) -> String {
    let main = format!("flow: main\nstart: a\nnodes:\n{begins}  queue: {{ enqueue: billing }}\n");
    let files = [("center.yaml", center), ("main.yaml", &main)];
    let files: Vec<(String, String)> =
        files.iter().map(|(path, text)| ((*path).to_owned(), (*text).to_owned())).collect();
    let mut prompts = prompts();
    prompts.insert_words(manifest);
    load(&files, &prompts).map_or_else(|found| short(&found), |(_, warnings)| short(&warnings))
}

fn told(begins: &str, manifest: &str) -> String {
    told_of(CENTER, begins, manifest)
}

/// What is said where nobody is told.
const NAMELESS: &str = "center.yaml:3:18: warning: callers of 1000, 1001 are not told whom they have reached: nothing that \
    they hear first names \"Juniper Home Services\" (greet them by that name, or write what they know you by into \"brands\")";

#[test]
fn a_greeting_in_text_names_the_company() {
    let greets = |words: &str| {
        told(&format!("  a: {{ play: {{ say: {{ text: \"{words}\" }} }}, then: queue }}\n"), "")
    };
    assert_eq!(greets("Good day, how can we help?"), NAMELESS);
    for named in ["Welcome to Juniper.", "JHS, good day.", "Thank you for calling JUNIPER home services"] {
        assert_eq!(greets(named), "", "{named}");
    }
}

#[test]
fn a_recorded_greeting_names_it_by_its_words_where_these_are_known() {
    let plays = "  a: { play: greeting/welcome, then: queue }\n";
    assert_eq!(told(plays, "greeting/welcome: Welcome to Juniper Home Services."), "");
    assert_eq!(told(plays, "greeting/welcome: Good day."), NAMELESS);
    assert_eq!(told(plays, "other: Good day."), "", "nobody wrote down what it says");
    // A second recording may be the one that names it.
    let plays = "  a: { play: [greeting/welcome, greeting/welcome-new], then: queue }\n";
    assert_eq!(told(plays, "greeting/welcome: Good day."), "");
}

#[test]
fn a_menu_may_name_it_and_what_comes_after_a_question_is_too_late() {
    let asks = |menu: &str, after: &str| {
        let nodes = "  a: { menu: menu/main, choices: { 1: more }, otherwise: more }\n  more: { play: long, then: queue }\n";
        told(nodes, &format!("menu/main: {menu}\nlong: {after}\n"))
    };
    assert_eq!(asks("Juniper. For an invoice, press 1.", "Thank you."), "");
    assert_eq!(asks("For an invoice, press 1.", "This is Juniper."), NAMELESS);
}

#[test]
fn who_hears_nothing_first_or_reaches_nobody_is_no_matter_and_other_names_can_be_told() {
    assert_eq!(told("  a: { pause: 1s, then: queue }\n", ""), "", "put through at once");
    let alone = "flow: main\nstart: a\nnodes:\n  a: { play: goodbye, then: end }\n  end: { hang_up: done }\n";
    let files = [("center.yaml".to_owned(), CENTER.to_owned()), ("main.yaml".to_owned(), alone.to_owned())];
    let mut prompts = prompts();
    prompts.insert_words("goodbye: Goodbye.");
    assert_eq!(load(&files, &prompts).map(|(_, warnings)| short(&warnings)).unwrap_or_default(), "");
    let with = |brands: &str| format!("{CENTER}brands: {brands}\n");
    let plays = "  a: { play: greeting/welcome, then: queue }\n";
    let manifest = "greeting/welcome: Welcome to Nipper Plumbing.";
    assert_eq!(told_of(&with("[Nipper, Acme]"), plays, manifest), "");
    let acme = told_of(&with("[Acme, The Oak]"), plays, manifest);
    assert!(acme.contains("names \"Acme\" or \"The Oak\" ("), "{acme}");
}
