//! Callers who choose a language, and centers that offer one.

use std::time::Duration;

use super::Phone;
use super::center_of;
use super::in_words;
use super::read;
use crate::flow::Prompts;
use crate::flow::load;
use crate::flow::say;

const CENTER: &str = "\
company: Juniper
languages: [en, es]
currency: EUR
numbers: { 1000: main }
skills: [billing]
queues: { billing: { needs: billing >= 3 } }
agents: { alice: { skills: { billing: 7 } } }
";

const ASKS: &str = "\
flow: main
start: ask
nodes:
  ask: { language: language/es, choices: { 1: en, 2: es }, then: amounts, otherwise: amounts }
  amounts: { set: { due: \"2026-05-01\", owed: \"21.01\", at: \"13:30\" }, then: told }
  told:
    play: [goodbye, { say: due, as: date }, { say: owed, as: money }, { say: at, as: time }]
    then: which
  which: { branch: [{ if: \"language == 'es'\", then: spanish }], otherwise: person }
  spanish: { play: greeting/welcome, then: person }
  person: { enqueue: billing }
";

#[track_caller]
fn meets(script: &str, expected: &str) {
    let center = center_of(&[("center.yaml", CENTER), ("main.yaml", ASKS)]);
    let mut phone = Phone::dial(&center, "main", None);
    phone.play(script);
    let expected: Vec<&str> = expected.lines().map(str::trim).collect();
    let met: Vec<&str> = phone
        .transcript
        .iter()
        .map(String::as_str)
        .filter(|line| !line.contains(" = ") && *line != "answered")
        .collect();
    assert_eq!(met, expected, "\n{}", met.join("\n"));
}

#[test]
fn who_chooses_spanish_is_told_amounts_and_dates_in_its_grammar() {
    meets(
        ". 2 . .",
        "hears language/es
         key 2
         chose es
         LanguageChosen { language: \"es\" }
         speaks es
         hears goodbye ordinals/1 words/of months/5 words/of numbers/2 numbers/thousand numbers/26 \
         numbers/21-short units/euros words/with numbers/1-short units/euro-cent \
         words/at-one numbers/1-feminine words/and numbers/30 words/afternoon
         hears greeting/welcome
         to billing, 0 needs more, priority 0",
    );
}

#[test]
fn who_stays_with_the_own_language_or_says_nothing_goes_on_in_it() {
    let told = "hears goodbye months/5 ordinals/1 numbers/20 numbers/20 numbers/6 \
         numbers/20 numbers/1 units/euros words/and numbers/1 units/euro-cent \
         numbers/1 numbers/30 words/pm
         to billing, 0 needs more, priority 0";
    meets(". 1 .", &format!("hears language/es\nkey 1\nchose en\n{told}"));
    meets(
        ". 7 . ~ .",
        &format!(
            "hears language/es\nkey 7\n7 is no choice at ask\nhears language/es\nsilence at ask\n{told}"
        ),
    );
}

/// What is wrong where Spanish has these prompts alone.
fn with_spanish(center: &str, flow: &str, spanish: &[&str]) -> Vec<String> {
    let mut prompts = Prompts::default();
    let own = "wait/all-busy wait/less-than wait/question wait/question-hold wait/granted wait/declined wait/callback-promised \
        wait/check-in wait/sorry wait/agent-calling-back wait/callback-greeting hold/question hold/keys \
        hold/check-in greeting/welcome";
    let second = Duration::from_secs(1);
    for name in own.split_whitespace() {
        prompts.insert(&format!("en/{name}"), second);
        if !name.starts_with("greeting") && !name.contains("agent") {
            prompts.insert(&format!("es/{name}"), second);
        }
    }
    say::prompts("en").for_each(|name| prompts.insert(&format!("en/{name}"), second));
    say::prompts("es").for_each(|name| prompts.insert(&format!("es/{name}"), second));
    prompts.insert("common/hold-music", second);
    spanish.iter().for_each(|name| prompts.insert(&format!("es/{name}"), second));
    prompts.insert("fr/greeting/welcome", second);
    let files = [("center.yaml", center), ("main.yaml", flow)];
    let files: Vec<(String, String)> =
        files.iter().map(|(path, text)| ((*path).to_owned(), (*text).to_owned())).collect();
    let found = match load(&files, &prompts) {
        Ok((_, warnings)) => warnings,
        Err(found) => found,
    };
    let line = |one: &crate::flow::Diagnostic| {
        let hint = one.hint.as_ref().map(|hint| format!(" ({hint})")).unwrap_or_default();
        format!("{}:{}:{}: {}{hint}", one.file, one.line, one.column, one.message)
    };
    found.iter().map(line).collect()
}

const PLAYS: &str = "\
flow: main
start: a
nodes:
  a: { play: greeting/welcome, then: end }
  end: { hang_up: done }
";

#[test]
fn a_prompt_is_there_in_every_language_that_is_offered() {
    assert_eq!(
        with_spanish(CENTER, PLAYS, &[]),
        [
            "main.yaml:4:14: \"greeting/welcome\" is not recorded in es (record it as prompts/es/greeting/welcome.wav)"
        ]
    );
    assert_eq!(with_spanish(CENTER, PLAYS, &["greeting/welcome"]), [""; 0]);
    // Where nobody can choose Spanish, nothing need be there in it.
    assert_eq!(with_spanish(&CENTER.replace("[en, es]", "en"), PLAYS, &[]), [""; 0]);
    let says = PLAYS.replace("greeting/welcome", "[{ say: dialled, as: number }]");
    let french = CENTER.replace("[en, es]", "[en, fr]").replace("currency: EUR\n", "");
    let found = with_spanish(&french, &says, &[]);
    let cannot = "this cannot be said in fr, prompts are missing: digits/0, digits/1";
    assert!(found.iter().any(|line| line.starts_with(&format!("main.yaml:4:15: {cannot}"))), "{found:?}");
    assert!(found.iter().any(|line| line.contains("\"hold/question\" is not recorded in fr")), "{found:?}");
    // Where nothing at all is there, that is told once.
    let german = french.replace("fr]", "de]");
    let found = with_spanish(&german, &says, &[]);
    let [warning, error] = &found[..] else { panic!("{found:?}") };
    assert_eq!(
        warning,
        "center.yaml:2:17: numbers and dates are said in \"de\" as in English (give no choice of it, or say none)"
    );
    let told = "center.yaml:2:17: nothing is recorded in \"de\", in which 56 prompts are needed: digits/0, digits/1, digits/2, … \
                (record them as prompts/de/digits/0.wav and so on, or take the language out)";
    assert_eq!(error, told);
}

#[test]
fn a_language_that_is_none_of_the_centers() {
    let german = ASKS.replace("2: es", "2: de");
    let found = read(&[("center.yaml", CENTER), ("main.yaml", &german)]).unwrap_err();
    assert_eq!(found.len(), 1, "{}", in_words(&found));
    assert_eq!(found[0].message, "no language is called \"de\"");
    let alone = "company: x\nlanguage: de\nlanguages: [en, es, es]\ncurrency: DM\nnumbers: {}\n";
    let found = read(&[("center.yaml", alone)]).unwrap_err();
    let words: Vec<&str> = found.iter().map(|one| one.message.as_str()).collect();
    assert!(words.contains(&"\"de\", the center's own language, is not among these"), "{words:?}");
    assert!(words.contains(&"\"es\" is given twice"), "{words:?}");
    assert!(words.contains(&"no currency is called \"DM\""), "{words:?}");
}
