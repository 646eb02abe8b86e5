//! What flows give each other: values on the way in, values on the way back.

use super::Phone;
use super::center_of;
use super::read;
use super::read_back;

const CENTER: &str = "\
company: Juniper
numbers: { 1000: main }
skills: [billing]
queues: { billing: { needs: billing >= 3 } }
agents: { alice: { skills: { billing: 7 } } }
";

const MAIN: &str = "\
flow: main
start: count
nodes:
  count: { set: { most: 3, tier: none }, then: ask }
  ask:
    call: rate
    with: { who: caller.number, limit: most }
    gives: { tier: rank, points: points as number }
    results: { rated: which, unknown: person }
  which: { branch: [{ if: \"tier == 'gold' && points == 4 && most == 3\", then: gold }], otherwise: person }
  gold: { hang_up: gold }
  person: { enqueue: billing }
";

const RATE: &str = "\
flow: rate
takes: { who: text, limit: number }
gives: { rank: text, points: number }
start: key
nodes:
  key: { collect: rank_key, digits: 1, then: known, otherwise: none }
  known: { set: { rank: gold, points: = limit + 1 }, then: which }
  which: { branch: [{ if: size(who) > 5, then: rated }], otherwise: none }
  none: { set: { rank: none, points: 0 }, then: unknown }
  rated: { return: rated }
  unknown: { return: unknown }
";

fn found(main: &str, rate: &str) -> Vec<String> {
    let found = match read(&[("center.yaml", CENTER), ("main.yaml", main), ("rate.yaml", rate)]) {
        Ok((_, warnings)) => warnings,
        Err(found) => found,
    };
    found.iter().map(|one| format!("{}:{}:{}: {}", one.file, one.line, one.column, one.message)).collect()
}

#[test]
fn a_called_flow_knows_what_it_takes_and_gives_back_what_it_says() {
    let center = center_of(&[("center.yaml", CENTER), ("main.yaml", MAIN), ("rate.yaml", RATE)]);
    let mut phone = Phone::dial(&center, "main", None);
    // What it takes is not lost when the run is written down.
    phone.run = read_back(&phone.run);
    phone.play("7");
    assert_eq!(
        phone.transcript.join("\n"),
        "answered\nmost = 3\ntier = none\nkey 7\nrank_key = 7\nrank = gold\npoints = 4\n\
         tier = gold\npoints = 4\nhangs up: gold"
    );
}

#[test]
fn what_a_call_gives_and_gets_fits_what_the_other_flow_takes_and_gives() {
    assert_eq!(found(MAIN, RATE), [""; 0]);
    for (old, new, expected) in [
        (", limit: most", "", "main.yaml:6:11: \"rate\" takes \"limit\", which it does not get here"),
        ("limit: most", "limit: most, x: most", "main.yaml:6:11: \"rate\" takes no \"x\""),
        (
            "limit: most",
            "limit: tier",
            "main.yaml:6:11: \"limit\" of \"rate\" is number, and \"tier\" is text",
        ),
        (
            "who: caller.number",
            "who: verified",
            "main.yaml:6:11: \"who\" of \"rate\" is text, and \"verified\" is yes or no",
        ),
        ("tier: rank", "tier: tier", "main.yaml:6:11: \"rate\" gives no \"tier\""),
        (
            "tier: rank,",
            "tier: rank, other: points,",
            "main.yaml:6:11: \"rate\" gives \"points\" as number, not as text",
        ),
        ("limit: most", "limit: mots", "main.yaml:6:11: no variable is called \"mots\""),
        ("points as number", "points as money", "main.yaml:8:34: no kind of value is called \"money\""),
    ] {
        let said = found(&MAIN.replace(old, new), RATE);
        assert!(said.contains(&expected.to_owned()), "{new}: {said:#?}");
    }
}

#[test]
fn what_a_flow_gives_has_a_value_of_its_kind_on_every_way_back() {
    for (old, new, expected) in [
        (
            "none: { set: { rank: none, points: 0 }",
            "none: { set: { rank: none }",
            "rate.yaml:11:3: \"points\" has no value yet on some way to \"unknown\"",
        ),
        ("rank: text,", "rank: number,", "rate.yaml:3:10: \"rank\" is text, not number"),
        ("rank: text,", "rnk: text,", "rate.yaml:3:10: no variable is called \"rnk\""),
        (
            "limit: number",
            "limit: text",
            "main.yaml:6:11: \"limit\" of \"rate\" is text, and \"most\" is number",
        ),
        ("who: text", "caller: text", "rate.yaml:2:10: \"caller\" cannot be the name of a variable"),
    ] {
        let said = found(MAIN, &RATE.replace(old, new));
        assert!(said.contains(&expected.to_owned()), "{new}: {said:#?}");
    }
}

#[test]
fn only_a_call_gives_a_flow_what_it_takes() {
    let only = "flow: rate\ntakes: { who: text }\nstart: end\nnodes:\n  end: { hang_up: \"no\" }\n";
    let goes = "flow: main\nstart: a\nnodes:\n  a: { go_to: rate }\n";
    assert_eq!(found(goes, only), ["main.yaml:4:15: \"rate\" takes \"who\", and go_to gives nothing"]);
    let dialled = CENTER.replace("1000: main", "1000: rate");
    let said = read(&[("center.yaml", &dialled), ("rate.yaml", only)]).unwrap_err();
    assert_eq!(said[0].message, "\"rate\" takes \"who\", and a caller's number gives nothing");
    let never = only.replace("takes: { who: text }", "gives: { who: text }");
    let said = found("flow: main\nstart: a\nnodes:\n  a: { hang_up: done }\n", &never);
    assert!(said.contains(&"rate.yaml:2:10: this flow never returns to give this".to_owned()), "{said:?}");
}

#[test]
fn the_agent_who_is_preferred_may_be_computed_and_nobody_is_called_nothing() {
    let flow = "flow: main\nstart: known\nnodes:\n  \
                known: { set: { owner: alice, other: = caller.name }, then: q }\n  \
                q: { enqueue: billing, prefer: { agent: = owner, for: 5s }, not: [= other, '= \"bo\" + \"b\"'] }\n";
    let (center, _) = read(&[("center.yaml", CENTER), ("main.yaml", flow)]).unwrap();
    let phone = Phone::dial(&center, "main", None);
    assert_eq!(
        phone.transcript.last().unwrap(),
        "to billing, 0 needs more, priority 0, alice first for 5s, not bob"
    );
    let flow = "flow: main\nstart: q\nnodes:\n  q: { enqueue: billing, prefer: nobody, not: [], prefer_skills: nobody }\n";
    let (center, _) = read(&[("center.yaml", CENTER), ("main.yaml", flow)]).unwrap();
    let phone = Phone::dial(&center, "main", None);
    assert_eq!(
        phone.transcript.last().unwrap(),
        "to billing, 0 needs more, priority 0, prefer nobody, not nobody, prefer_skills nobody"
    );
}
