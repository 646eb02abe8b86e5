//! What is written in another shape than it should be, or is more than there may be: for each rule a file that breaks it,
//! and what is said. `tests/tidy.rs` looks whether a rule has none.

use super::read;

const CENTER: [&str; 5] = [
    "company: Juniper",
    "numbers: { 1000: main }",
    "skills: [billing]",
    "queues: { billing: { needs: billing >= 3 } }",
    "agents: { alice: { skills: { billing: 7 } } }",
];

const END: &str = "flow: main\nstart: a\nnodes:\n  a: { hang_up: done }\n";

/// The errors, without the name of their file.
fn errors(center: &str, main: &str) -> Vec<String> {
    let found = read(&[("center.yaml", center), ("main.yaml", main)]).err().unwrap_or_default();
    let line = |one: &crate::flow::Diagnostic| {
        let hint = one.hint.as_ref().map(|hint| format!(" ({hint})")).unwrap_or_default();
        format!("{}:{}: {}{hint}", one.line, one.column, one.message)
    };
    found.iter().filter(|one| one.is_error()).map(line).collect()
}

#[track_caller]
fn center(line: usize, text: &str, expected: &str) {
    let mut lines = CENTER.map(str::to_owned).to_vec();
    lines.resize(line.max(lines.len()), String::new());
    lines[line - 1] = text.to_owned();
    assert_eq!(errors(&(lines.join("\n") + "\n"), END), [expected], "{text}");
}

#[track_caller]
fn flow(text: &str, expected: &str) {
    assert_eq!(errors(&(CENTER.join("\n") + "\n"), text), [expected], "{text}");
}

#[track_caller]
fn node(node: &str, expected: &str) {
    let center = CENTER.join("\n") + "\nservices: { s: { at: \"http://127.0.0.1:9\" } }\n";
    let main = format!(
        "flow: main\nstart: a\nnodes:\n  a: {{ {node} }}\n  queue: {{ enqueue: billing }}\n  end: {{ hang_up: done }}\n"
    );
    assert_eq!(errors(&center, &main), [expected], "{node}");
}

#[test]
fn lines_of_the_center_that_have_another_shape() {
    center(6, "bots: 7", "6:7: bots are written as \"name: …\"");
    center(6, "announcements: [a]", "6:16: announcements are written as \"name: …\"");
    center(6, "escalation: 7", "6:13: levels of escalation are written as \"name: …\"");
    center(6, "hours: 7", "6:8: hours are written as \"name: …\"");
    center(6, "hours: { office: 7 }", "6:18: the hours \"office\" are written as \"day: from-to\" lines");
    center(6, "services: 7", "6:11: services are written as \"name: …\"");
    center(
        6,
        "services: { s: { at: \"http://127.0.0.1:9\", headers_env: 7 } }",
        "6:57: headers are written as \"header: environment variable\" lines (for example: { Authorization: ORDERS_TOKEN })",
    );
    center(
        6,
        "feature_codes: 7",
        "6:16: feature codes are \"code: wish\" lines (for example: \"*51\": ready)",
    );
    center(6, "feature_codes: { abc: ready }", "6:18: \"abc\" cannot be dialled from a phone");
    center(
        6,
        "trunks: { t: { from: 192.0.2.300 } }",
        "6:22: \"192.0.2.300\" is neither an address nor the name of a host (write 192.0.2.7, \"192.0.2.7:5060\" or sip.provider.example)",
    );
    center(
        6,
        "trunks: { t: { register: { at: \"not a uri\", as: x, password_env: P } } }",
        "6:32: \"not a uri\" is not a SIP address (write it as: sip:alice@192.0.2.7:5060)",
    );
    center(6, "trunks: 7", "6:9: trunks are written as \"name: …\"");
    center(2, "numbers: 7", "2:10: numbers are written as \"number: flow\" lines (for example: 1000: main)");
    center(2, "numbers: { \"10 00\": main }", "2:12: \"10 00\" is not a number that can be dialled");
    center(
        5,
        "agents: { alice: { skills: [billing] } }",
        "5:28: skills are written with their levels (for example: { billing: 7 })",
    );
    center(3, "skills: [billing, billing]", "3:19: the skill \"billing\" is given twice");
    center(
        5,
        "agents: { alice: { skills: { billing: 7, billing: 8 } } }",
        "5:42: \"billing\" is given twice",
    );
    center(
        5,
        "agents: { alice: { skills: { billing: 7 }, contact: \"sip:a@192.0.2.1\", ready: when registered } }",
        "5:79: an agent with a fixed contact does not register (write \"ready: always\" or \"ready: by hand\")",
    );
    center(
        5,
        "agents: { alice: { skills: { billing: 7 }, contact: \"not a uri\" } }",
        "5:53: \"not a uri\" is not a SIP address (write it as: sip:alice@192.0.2.7:5060)",
    );
    center(
        5,
        "agents: { alice: { skills: { billing: 7 }, extension: \"1000\" } }",
        "5:55: the extension \"1000\" is a number of the center already",
    );
    center(
        5,
        "agents: { alice: { skills: { billing: 7 }, extension: \"x y\" } }",
        "5:55: the extension \"x y\" cannot be dialled: an extension is digits",
    );
    center(
        4,
        "queues: { billing: { needs: billing >= 3, prompts: 7 } }",
        "4:52: prompts are written as \"key: name of a prompt\" lines",
    );
    center(
        4,
        "queues: { billing: { needs: billing >= 3, ring: 25h } }",
        "4:49: a time here is more than 0s and at most 24h, got 25h",
    );
    center(
        4,
        "queues: { billing: { needs: billing >= 3, max_waiting: some } }",
        "4:56: this is a whole number, not \"some\"",
    );
    center(
        4,
        "queues: { billing: { needs: billing >= 3, steps: 7 } }",
        "4:50: steps are written as a list (for example: [{ after: 20s, needs: billing >= 1 }])",
    );
    center(
        4,
        "queues: { billing: { needs: [billing >= 3, billing >= 2] } }",
        "4:44: \"billing >= 2\" needs a skill that is needed already",
    );
    center(
        6,
        "announcements: { a: { play: long, until: tomorrow } }",
        "6:42: \"tomorrow\" is not a day and a time (write it as: 2026-12-24 14:30)",
    );
}

#[test]
fn flows_that_have_another_shape() {
    flow(
        "flow: main\ntakes: 7\nstart: a\nnodes:\n  a: { hang_up: done }\n",
        "2:8: these are \"variable: kind of value\" lines (for example: { order: text, most: number })",
    );
    flow(
        "flow: main\nstart: a\nnodes: 7\n",
        "3:8: nodes are written as \"name: node\" (for example: greet: { play: … })",
    );
    flow("flow: main\nstart: a\nnodes: {}\n", "3:8: a flow has 1 to 20000 nodes, this one 0");
    flow(
        "flow: main\nstart: a\nnodes:\n  a: hang_up\n",
        "4:6: the node \"a\" is written as \"key: value\" lines",
    );
}

#[test]
fn nodes_that_have_another_shape() {
    node(
        "branch: 7, otherwise: queue",
        "4:16: a branch is a list of conditions (for example: - { if: caller.known, then: welcome_back })",
    );
    node("branch: [], otherwise: queue", "4:16: this branch has no conditions");
    node("branch: [7], otherwise: queue", "4:17: a condition is written as \"key: value\" lines");
    node(
        "call: main, with: 7, results: { ok: queue }",
        "4:26: what a flow gets is \"what it takes: a variable\" lines (for example: { order: order_number })",
    );
    node(
        "call: main, results: 7",
        "4:29: results are written as \"result: node\" lines (for example: { proven: main_menu })",
    );
    node(
        "collect: it, digits: 2, end: 7, then: queue, otherwise: queue",
        "4:37: the end key is \"#\" or \"*\", not \"7\"",
    );
    node(
        "fetch: s, send: 7, then: queue, otherwise: queue",
        "4:24: what is sent is \"field: variable\" lines (for example: order: order_number)",
    );
    node(
        "fetch: s, gives: 7, then: queue, otherwise: queue",
        "4:25: what it gives is \"variable: field\" lines (for example: status: order.status)",
    );
    node(
        "language: long, choices: 7, then: queue, otherwise: queue",
        "4:33: choices are written as \"key: language\" lines (for example: 2: es)",
    );
    node(
        "menu: long, choices: 7, otherwise: queue",
        "4:29: choices are written as \"key: node\" lines (for example: 1: to_billing)",
    );
    node("menu: long, choices: {}, otherwise: queue", "4:29: this menu has no choices");
    node(
        "set: 7, then: queue",
        "4:13: values are written as \"name: value\" lines (for example: tier: gold)",
    );
    node("set: {}, then: queue", "4:13: nothing is set here");
    node("play: { say: [x] }, then: queue", "4:21: a variable is one word or text");
    node("play: goodbye, barge_in: perhaps, then: queue", "4:33: this is yes or no, not \"perhaps\"");
    node(
        "menu: goodbye, choices: { 0: queue }, tries: some, otherwise: queue",
        "4:53: this is a whole number, not \"some\"",
    );
}

#[test]
fn more_than_there_may_be() {
    let steps: Vec<String> =
        (1..18).map(|second| format!("{{ after: {second}s, needs: billing }}")).collect();
    let queue = |more: &str| format!("queues: {{ billing: {{ {more} }} }}");
    let steps = queue(&format!("needs: billing >= 3, steps: [{}]", steps.join(", ")));
    center(4, &steps, "4:50: there are at most 8 steps, got 17");
    let needs = queue(&format!("needs: \"{}\"", vec!["billing >= 1"; 120].join(" and ")));
    center(4, &needs, "4:29: needs are at most 500 characters");
    let agents = vec!["alice"; 17].join(", ");
    node(
        &format!("enqueue: billing, not: [{agents}]"),
        "4:31: at most 16 agents are left out, got 17 (give those who may take the call a skill for it)",
    );
    let pairs = "(a and b) or (c and d) or (e and f) or (g and h) or (i and j) or (billing and a)";
    let lines = [
        CENTER[0],
        CENTER[1],
        "skills: [billing, a, b, c, d, e, f, g, h, i, j]",
        &queue(&format!("needs: \"{pairs}\"")),
    ];
    assert_eq!(
        errors(&(lines.join("\n") + "\n" + CENTER[4] + "\n"), END),
        [format!(
            "4:29: \"{pairs}\" has more than 32 combinations of alternatives (make it simpler, or give these agents \
             a skill for it)"
        )]
    );
}
