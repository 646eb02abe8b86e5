//! Every rule of the checker: a file that breaks it, and what is said.

use super::in_words;
use super::read;
use crate::flow::Diagnostic;
use crate::flow::center::Dtmf;
use crate::flow::center::SrtpPolicy;
use crate::media::codec::Codec;
use crate::queue::api::AgentChoice;
use crate::queue::api::Routing;
use crate::queue::api::Weights;

pub(super) const CENTER: &str = "\
company: Juniper
numbers: { 1000: main }
skills: [billing]
queues: { billing: { needs: billing >= 3 } }
agents: { alice: { skills: { billing: 7 } } }
";

/// A flow that only hangs up.
pub(super) const END: &str = "flow: main\nstart: a\nnodes:\n  a: { hang_up: done }\n";

/// A flow that is in order, around the `nodes` given. They begin in line 4; `a` is where it starts, `queue` and
/// `end` are there.
fn flow(nodes: &str) -> String {
    format!(
        "flow: main\nstart: a\nnodes:\n{nodes}  queue: {{ enqueue: billing }}\n  end: {{ hang_up: done }}\n"
    )
}

/// `main.yaml:4:6: error: message (hint)`
pub(super) fn short(found: &[Diagnostic]) -> String {
    let line = |one: &Diagnostic| {
        let hint = one.hint.as_ref().map(|hint| format!(" ({hint})")).unwrap_or_default();
        let severity = if one.is_error() { "error" } else { "warning" };
        format!("{}:{}:{}: {severity}: {}{hint}", one.file, one.line, one.column, one.message)
    };
    found.iter().map(line).collect::<Vec<_>>().join("\n")
}

pub(super) fn found(files: &[(&str, &str)]) -> String {
    match read(files) {
        Ok((_, warnings)) => short(&warnings),
        Err(problems) => short(&problems),
    }
}

/// What is said of these nodes.
#[track_caller]
fn nodes(nodes: &str, expected: &str) {
    let said = found(&[("center.yaml", CENTER), ("main.yaml", &flow(nodes))]);
    assert_eq!(said, expected, "\n{said}");
}

/// What is said of a center, with a flow `main` that is in order.
#[track_caller]
pub(super) fn center(text: &str, expected: &str) {
    let said = found(&[("center.yaml", text), ("main.yaml", END)]);
    assert_eq!(said, expected, "\n{said}");
}

const BOTH: &str = "  a: { branch: [{ if: verified, then: queue }], otherwise: end }\n";

#[test]
fn an_escalation_that_leads_nowhere_is_not_served() {
    let with = |levels: &str| format!("{CENTER}escalation:\n{levels}");
    center(
        &with("  boss: { to: { agent: alice }, promise: { kind: callback, within: 4h, words: a call } }\n"),
        "",
    );
    center(
        &with("  lead: { to: { agent: alcie }, next: bos }\n  boss: { to: { queue: billing } }\n"),
        "center.yaml:7:24: error: no agent is called \"alcie\" (did you mean \"alice\"?)\n\
         center.yaml:7:39: error: no level of escalation is called \"bos\" (did you mean \"boss\"?)\n\
         center.yaml:8:3: error: nobody may answer at \"boss\", and nothing can be promised then (add a \"next\" level, \
         or \"promise: { kind: callback, within: 4h }\")",
    );
    center(
        &with(
            "  a: { to: { agent: alice }, next: b }\n  b: { to: { queue: billing }, next: a, within: 5m }\n",
        ),
        "center.yaml:7:3: error: \"a\" comes after itself: nobody is ever the last\n\
         center.yaml:8:3: error: a held caller waits 120 s at most for one level (write less after \"within\")\n\
         center.yaml:8:3: error: \"b\" comes after itself: nobody is ever the last",
    );
    center(
        &with("  a: { to: { agent: alice, queue: billing }, next: a }\n"),
        "center.yaml:7:12: error: one agent, queue or number is asked (write { agent: dave }, { queue: billing } or \
         { number: \"+12025550199\" })",
    );
}

#[test]
fn a_good_file_is_not_talked_about() {
    nodes(BOTH, "");
    center(CENTER, "");
}

#[test]
fn it_is_told_as_a_compiler_tells_it() {
    let files = [("center.yaml", CENTER), ("main.yaml", &flow("  a: { play: godbye, then: queu }\n"))];
    let said = in_words(&read(&files).unwrap_err());
    let expected = "main.yaml:4:14: error: no prompt is called \"godbye\"
 4 |   a: { play: godbye, then: queu }
   |              ^^^^^^
hint: did you mean \"goodbye\"?

main.yaml:4:28: error: no node is called \"queu\"
 4 |   a: { play: godbye, then: queu }
   |                            ^^^^
hint: did you mean \"queue\"?";
    assert_eq!(said, expected, "\n{said}");
}

#[test]
fn what_is_not_yaml() {
    let said = found(&[("center.yaml", CENTER), ("main.yaml", "flow: main\nstart: [a\nnodes: {}\n")]);
    assert!(said.starts_with("main.yaml:2:8: error: a [ is never closed"), "{said}");
    let said = found(&[("center.yaml", "company: x\nfeature_codes: { *51: ready }\n")]);
    assert!(said.contains("write what begins with a * between quotation marks: \"*51\""), "{said}");
}

#[test]
fn a_company_without_a_name_a_code_that_is_a_number_and_hours_of_no_zone() {
    let center =
        |more: &str| found(&[("center.yaml", &format!("{more}{}", &CENTER[17..])), ("main.yaml", END)]);
    for empty in ["company:\n", "company: \"\"\n", "company: \" \"\n"] {
        let said = center(empty);
        assert!(said.contains("error: the company's name is empty"), "{said}");
    }
    let said = center("company: x\nfeature_codes: { 1000: ready }\n");
    assert!(said.contains("center.yaml:2:18: error: \"1000\" is a number of the center as well"), "{said}");
    assert!(said.contains("let the code begin with a star: \"*1000\""), "{said}");
    let hours = "company: x\nhours: { office: { mon-fri: 09:00-17:00 } }\n";
    let said = center(hours);
    assert!(
        said.starts_with(
            "center.yaml:2:8: warning: these hours go by UTC, for the center names no time_zone"
        ),
        "{said}"
    );
    assert_eq!(center(&format!("time_zone: Europe/Berlin\n{hours}")), "");
}

#[test]
fn of_a_center_that_is_not_yaml_nothing_is_told_but_that() {
    let broken = CENTER.replace("queues:", "queues");
    let calls_a_queue = flow("  a: { enqueue: help }\n");
    let said = found(&[("center.yaml", &broken), ("main.yaml", &calls_a_queue)]);
    assert!(said.starts_with("center.yaml:4:1: error: \"queues\" has no colon"), "{said}");
    assert_eq!(said.matches("error:").count(), 1, "{said}");
    let said = found(&[("center.yaml", &broken), ("main.yaml", "flow: main\nstart: [a\nnodes: {}\n")]);
    assert!(said.contains("\nmain.yaml:2:8: error: a [ is never closed"), "{said}");
    assert_eq!(said.matches("error:").count(), 2, "{said}");
}

#[test]
fn a_key_given_twice() {
    nodes(
        "  a: { menu: menu/main, choices: { 1: queue, 1: end }, otherwise: end }\n",
        "main.yaml:4:46: error: \"1\" is given twice",
    );
    let twice = CENTER.replace("{ 1000: main }", "{ 1000: main, 1000: main }");
    center(&twice, "center.yaml:2:24: error: \"1000\" is given twice");
}

#[test]
fn a_key_that_means_nothing() {
    nodes(
        &BOTH.replace("otherwise", "tries: 3, otherwise").replace("if:", "fi: true, if:"),
        "main.yaml:4:19: error: \"fi\" means nothing here (did you mean \"if\"?)\n\
         main.yaml:4:59: error: \"tries\" means nothing here (known here: branch, otherwise)",
    );
}

#[test]
fn a_node_that_is_none() {
    nodes(
        &format!("{BOTH}  b: {{ plya: goodbye, then: end }}\n"),
        "main.yaml:5:3: error: this node does not say what it does (did you mean \"play\"?)",
    );
}

#[test]
fn an_exit_that_leads_nowhere() {
    nodes(
        "  a: { menu: menu/main, choices: { 1: queue } }\n",
        "main.yaml:4:3: error: the exit \"otherwise\" leads nowhere (add \"otherwise: name of a node\")",
    );
}

#[test]
fn names_that_nobody_has() {
    nodes(
        &BOTH.replace("verified, then: queue", "verfied, then: q"),
        "main.yaml:4:23: error: no variable is called \"verfied\" (did you mean \"verified\"?)\n\
         main.yaml:4:38: error: no node is called \"q\" (there is a, end, queue)",
    );
    nodes(
        "  a: { enqueue: biling, needs: billig >= 3 }\n",
        "main.yaml:4:17: error: no queue is called \"biling\" (did you mean \"billing\"?)\n\
         main.yaml:4:32: error: no skill is called \"billig\" (did you mean \"billing\"?)\n\
         main.yaml:5:3: warning: no caller ever comes to \"queue\" (lead an exit here, or remove the node)\n\
         main.yaml:6:3: warning: no caller ever comes to \"end\" (lead an exit here, or remove the node)",
    );
    let wrong = CENTER.replace("1000: main", "1000: mian, 1001: main");
    center(&wrong, "center.yaml:2:18: error: no flow is called \"mian\" (did you mean \"main\"?)");
}

#[test]
fn a_condition_that_cannot_be_read_or_computed() {
    nodes(
        "  a: { collect: order, digits: 4 to 6, then: b, otherwise: end }\n  \
           b: { branch: [{ if: order > 5, then: queue }], otherwise: end }\n",
        "main.yaml:5:23: error: this cannot be computed: these do not go together: a text and a number \
         (what is keyed is text: compare it with '10', or write int(order) > 10)",
    );
    nodes(
        &BOTH.replace("verified", "dialled == 1000"),
        "main.yaml:4:23: error: dialled (a text) and 1000 (a number) are never equal \
         (write '1000' in quotes)",
    );
    nodes(
        &BOTH.replace("verified", "caller.number"),
        "main.yaml:4:23: error: a condition is true or false, and this is a text",
    );
    let said =
        found(&[("center.yaml", CENTER), ("main.yaml", &flow(&BOTH.replace("verified", "(verified")))]);
    assert!(said.starts_with("main.yaml:4:23: error: this condition cannot be read:"), "{said}");
}

#[test]
fn a_variable_that_has_no_value_yet() {
    nodes(
        "  a: { collect: order, digits: 4, then: b, otherwise: b }\n  \
           b: { play: { say: order }, then: queue }\n  c: { play: goodbye, then: end }\n",
        "main.yaml:5:14: error: \"order\" has no value yet on some way to \"b\" \
         (set it before, on every way that leads here)\n\
         main.yaml:6:3: warning: no caller ever comes to \"c\" (lead an exit here, or remove the node)\n\
         main.yaml:8:3: warning: no caller ever comes to \"end\" (lead an exit here, or remove the node)",
    );
}

#[test]
fn a_secret_is_neither_spoken_nor_compared() {
    nodes(
        "  a: { collect: card, digits: 16, secret: yes, then: b, otherwise: end }\n  \
           b: { branch: [{ if: card == '1', then: c }], otherwise: queue }\n  \
           c: { play: { say: card }, then: end }\n",
        "main.yaml:5:23: error: \"card\" is secret: it is neither spoken, compared nor sent\n\
         main.yaml:6:14: error: \"card\" is secret: it is neither spoken, compared nor sent",
    );
}

#[test]
fn what_cannot_be_said() {
    nodes(
        "  a: { play: [{ say: verified }, { say: dialled, as: name }, { say: order }], then: queue }\n",
        "main.yaml:4:15: error: \"verified\" cannot be said that way\n\
         main.yaml:4:34: error: nothing speaks names in this center (only { say: caller.name } can be a recording; add \"speech: { command: … }\" to center.yaml)\n\
         main.yaml:4:62: error: no variable is called \"order\" (there is caller.number, caller.known, \
         caller.name, caller.account, verified, verified_by, language, dialled)\n\
         main.yaml:6:3: warning: no caller ever comes to \"end\" (lead an exit here, or remove the node)",
    );
}

#[test]
fn a_variable_of_two_kinds() {
    nodes(
        "  a: { set: { tier: gold }, then: b }\n  b: { set: { tier: 3 }, then: queue }\n",
        "main.yaml:5:3: error: \"tier\" holds another kind of value here than elsewhere \
         (keep to one of text, number, yes or no; what is keyed is text)\n\
         main.yaml:7:3: warning: no caller ever comes to \"end\" (lead an exit here, or remove the node)",
    );
}

#[test]
fn nodes_that_no_caller_reaches() {
    nodes(
        "  a: { play: goodbye, then: queue }\n",
        "main.yaml:6:3: warning: no caller ever comes to \"end\" (lead an exit here, or remove the node)",
    );
}

#[test]
fn a_circle_without_the_callers_doing() {
    nodes(
        &format!("{BOTH}  b: {{ play: goodbye, then: c }}\n  c: {{ pause: 1s, then: b }}\n")
            .replace("then: queue", "then: b"),
        "main.yaml:5:3: error: a silent caller goes round for ever here: b -> c -> b \
         (let one of these lead on: to a queue, or to hang_up)\n\
         main.yaml:7:3: warning: no caller ever comes to \"queue\" (lead an exit here, or remove the node)",
    );
    // The caller's own key may lead back; silence may not.
    nodes("  a: { menu: menu/main, choices: { 9: a, 1: queue }, otherwise: end }\n", "");
    nodes(
        "  a: { menu: menu/main, choices: { 1: queue, 2: end }, otherwise: a }\n",
        "main.yaml:4:3: error: a silent caller goes round for ever here: a -> a \
         (let one of these lead on: to a queue, or to hang_up)",
    );
}

/// Who is verified goes that way again without a key: it is no choice.
#[test]
fn a_circle_of_the_verified() {
    nodes(
        "  a: { verify: account and pin, ask_account: verify/enter-account, ask_pin: verify/enter-pin, \
         wrong: verify/wrong, verified: a, failed: queue, locked: queue, no_input: queue, unavailable: end }\n",
        "main.yaml:4:3: error: a silent caller goes round for ever here: a -> a \
         (let one of these lead on: to a queue, or to hang_up)",
    );
}

#[test]
fn a_line_that_was_answered_cannot_ring() {
    nodes(
        &BOTH
            .replace("then: queue", "then: r")
            .replace("otherwise: end }\n", "otherwise: end }\n  r: { ring: 9s }\n"),
        "main.yaml:5:3: error: \"r\" rings, but the line has been answered before it \
         (make it the start of a flow of its own, with its own number)\n\
         main.yaml:6:3: warning: no caller ever comes to \"queue\" (lead an exit here, or remove the node)",
    );
}

#[test]
fn a_queue_that_nobody_can_serve() {
    let low = CENTER.replace("billing: 7", "billing: 2");
    center(
        &low,
        "center.yaml:4:11: error: no agent can serve the queue \"billing\" here: it needs billing >= 3 \
         (give an agent the skills, or lower what is needed)",
    );
    nodes(
        "  a: { enqueue: billing, needs: billing >= 9 }\n",
        "main.yaml:4:17: error: no agent can serve the queue \"billing\" here: it needs billing >= 9 \
         (give an agent the skills, or lower what is needed)\n\
         main.yaml:5:3: warning: no caller ever comes to \"queue\" (lead an exit here, or remove the node)\n\
         main.yaml:6:3: warning: no caller ever comes to \"end\" (lead an exit here, or remove the node)",
    );
}

#[test]
fn skills_that_are_preferred_and_that_nobody_has() {
    let message = "warning: no agent who can serve the queue \"billing\" here has the skills that are preferred \
                   (give one of them the skills, or write \"prefer_skills: nobody\")";
    let with = |queue: &str| {
        CENTER.replace("needs: billing >= 3", &format!("needs: billing >= 3, prefer_skills: {queue}"))
    };
    center(&with("billing >= 7"), "");
    center(&with("billing >= 8"), &format!("center.yaml:4:11: {message}"));
    let files = [
        ("center.yaml", CENTER),
        (
            "main.yaml",
            &flow(
                "  a: { branch: [{ if: verified, then: b }], otherwise: queue }\n  b: { enqueue: billing, prefer_skills: billing >= 9 }\n",
            ),
        ),
    ];
    let said = found(&files);
    assert!(said.starts_with(&format!("main.yaml:5:17: {message}")), "{said}");
    center(&with("nobody"), "");
    center(&with("[]"), "");
}

#[test]
fn nobody_is_a_word_and_no_name() {
    let read = |node: &str| {
        let center =
            CENTER.replace("needs: billing >= 3", "needs: billing >= 3, prefer_skills: billing >= 8");
        let said = found(&[
            ("center.yaml", &center),
            (
                "main.yaml",
                &flow(&format!(
                    "  a: {{ branch: [{{ if: verified, then: b }}], otherwise: queue }}\n  b: {{ enqueue: billing, {node} }}\n"
                )),
            ),
        ]);
        said.lines()
            .filter(|line| line.starts_with("main.yaml:5"))
            .map(|line| format!("{line}\n"))
            .collect::<String>()
    };
    assert_eq!(read("prefer: nobody, not: nobody, prefer_skills: nobody"), "");
    assert_eq!(read("not: [], prefer_skills: []"), "");
    let hint = "main.yaml:5:34: error: this is not an agent and a time (write it as: { agent: alice, for: 20s }, or nobody)\n";
    assert_eq!(read("prefer: alice"), hint);
    let named = |what: &str| format!("no {what} can be called \"nobody\": it is what a file says for none");
    let said = found(&[("center.yaml", &CENTER.replace("alice:", "nobody:")), ("main.yaml", "")]);
    assert!(said.contains(&named("agent")), "{said}");
    let said = found(&[
        ("center.yaml", &CENTER.replace("skills: [billing]", "skills: [billing, nobody]")),
        ("main.yaml", ""),
    ]);
    assert!(said.contains(&named("skill")), "{said}");
}

#[test]
fn an_agent_who_is_not_there_and_one_who_would_be_waited_for_too_long() {
    let unreachable = "main.yaml:5:3: warning: no caller ever comes to \"queue\" (lead an exit here, or remove the node)\n\
                       main.yaml:6:3: warning: no caller ever comes to \"end\" (lead an exit here, or remove the node)";
    let said =
        |node: &str, expected: &str| nodes(&format!("  a: {{ enqueue: billing, {node} }}\n"), expected);
    said(
        "prefer: { agent: alcie, for: 500s }, not: [alice, bob]",
        &format!(
            "main.yaml:4:43: error: no agent is called \"alcie\" (did you mean \"alice\"?)\n\
             main.yaml:4:43: error: a call waits for one agent for at most half of the longest wait of \"billing\", \
             450 s, got 500 s (write \"for: 450s\" or less)\n\
             main.yaml:4:76: error: no agent is called \"bob\" (there is alice)\n{unreachable}"
        ),
    );
    said("prefer: { agent: alice }, not: '= caller.account'", unreachable);
    center(
        &CENTER.replace(
            "needs: billing >= 3",
            "needs: billing >= 3, prefer: { agent: alcie, for: 451s }, not: [alice, bob]",
        ),
        "center.yaml:4:60: error: no agent is called \"alcie\" (did you mean \"alice\"?)\n\
         center.yaml:4:60: error: a call waits for one agent for at most half of the longest wait of \"billing\", \
         450 s, got 451 s (write \"for: 450s\" or less)\n\
         center.yaml:4:93: error: no agent is called \"bob\" (there is alice)",
    );
    nodes(
        "  a: { enqueue: billing, prefer: { agent: = owner } }\n",
        &format!(
            "main.yaml:4:43: error: no variable is called \"owner\" (there is caller.number, caller.known, caller.name, \
         caller.account, verified, verified_by, language, dialled)\n{unreachable}"
        ),
    );
}

#[test]
fn levels_times_and_digits_out_of_range() {
    let high = CENTER.replace("billing: 7", "billing: 11");
    center(&high, "center.yaml:5:39: error: a level is 1 to 10, got 11");
    nodes(
        "  a: { menu: menu/main, wait: 5, tries: 0, choices: { 12: queue, 2: end }, otherwise: queue }\n",
        "main.yaml:4:31: error: \"5\" is not a time (write a number and its unit: 500ms, 20s, 15m, 4h)\n\
         main.yaml:4:41: error: this must be 1 to 10, got 0\n\
         main.yaml:4:55: error: \"12\" is not a key of a telephone (a key is 0 to 9, \"*\" or \"#\")",
    );
    nodes(
        "  a: { collect: order, digits: 9 to 4, then: queue, otherwise: end }\n",
        "main.yaml:4:32: error: \"9 to 4\" is not a number of digits (write 6, or 4 to 8; at most 32)",
    );
}

#[test]
fn prompts_that_are_empty_or_missing() {
    nodes(
        "  a: { play: [], then: b }\n  b: { menu: [menu/man], choices: { 1: queue }, otherwise: end }\n",
        "main.yaml:4:14: error: nothing is played here (name at least one prompt)\n\
         main.yaml:5:15: error: no prompt is called \"menu/man\" (did you mean \"menu/main\"?)",
    );
}

#[test]
fn words_that_a_center_does_not_know() {
    let odd = CENTER
        .replace(
            "{ needs: billing >= 3 }",
            "{ needs: billing > 3, permission: never, service_level: 80 in 20 }",
        )
        .replace("{ billing: 7 } }", "{ billing: 7 }, ready: always }");
    center(
        &odd,
        "center.yaml:4:29: error: \"billing > 3\" is not a need \
         (write it as: billing >= 3, or billing >= 3 and (english >= 2 or spanish >= 5))\n\
         center.yaml:4:54: error: \"never\" is no way to get permission to hold \
         (write \"ask\" or \"given by this file\")\n\
         center.yaml:4:76: error: \"80 in 20\" is not a service level (write it as: 80% in 20s)\n\
         center.yaml:5:51: error: only an agent with a fixed contact is always ready \
         (add \"contact: sip:alice@host:port\", or write \"ready: when registered\")",
    );
}

#[test]
fn needs_that_can_be_read_in_two_ways_or_not_at_all() {
    let needs = |needs: &str| {
        let odd = CENTER.replace("[billing]", "[billing, second line]").replace("billing >= 3", needs);
        found(&[("center.yaml", &odd), ("main.yaml", END)])
    };
    let place = "center.yaml:4:29: error: ";
    assert_eq!(
        needs("billing >= 3 and second line or billing"),
        format!(
            "{place}\"billing >= 3 and second line or billing\" can be read in two ways (put what belongs together \
             in parentheses: billing and (english or spanish))"
        )
    );
    let twice = "needs a skill that is needed already";
    assert_eq!(needs("\"billing >= 3 and billing\""), format!("{place}\"billing >= 3 and billing\" {twice}"));
    for odd in ["(billing", "billing)", "billing >=", "or billing", "billing second", "()"] {
        let said = needs(&format!("\"{odd}\""));
        assert!(said.starts_with(place) && said.lines().count() == 1, "{odd}: {said}");
    }
    let fine = "(billing >= 3 or second line >= 1) and (second line or (billing >= 4 and billing >= 5))";
    assert!(needs(fine).contains(twice), "in parentheses as well");
    assert_eq!(needs("(billing >= 5 or second line) and (second line >= 2 or billing >= 4)"), "");
}

#[test]
fn steps_that_help_nobody() {
    let steps = |steps: &str| {
        let odd = CENTER
            .replace("[billing]", "[billing, sales]")
            .replace("needs: billing >= 3", &format!("needs: billing >= 9, steps: [{steps}]"));
        found(&[("center.yaml", &odd), ("main.yaml", END)])
    };
    assert_eq!(steps("{ after: 20s, needs: billing >= 3 }"), "", "the widest step is what counts");
    assert_eq!(
        steps("{ after: 20s, needs: billing >= 8 }"),
        "center.yaml:4:11: error: no agent can serve the queue \"billing\" here: at its last step it needs \
         billing >= 8 (give an agent the skills, or lower what is needed)"
    );
    let late = steps("{ after: 20s, needs: billing >= 8 }, { after: 20s, needs: billing >= 1 }");
    assert!(late.contains("error: a step comes later than the one before it"), "{late}");
    let narrow = steps("{ after: 20s, needs: billing >= 3 }, { after: 30s, needs: sales or billing >= 4 }");
    assert!(narrow.contains("warning: after 30 s some who could serve before cannot"), "{narrow}");
    let never = steps("{ after: 15m, needs: billing >= 3 }");
    assert!(never.contains("warning: nobody waits until this step"), "{never}");
}

#[test]
fn a_way_of_routing_that_there_is_not() {
    center(
        &format!("{CENTER}routing: longest wait\n"),
        "center.yaml:6:10: error: no way of routing is called \"longest wait\" (did you mean \"longest waiting\"?)",
    );
    let routing = |text: &str| {
        let text = CENTER.replace("company:", &format!("{text}\ncompany:"));
        let (center, _) = read(&[("center.yaml", &text), ("main.yaml", END)]).unwrap();
        center.engine.routing
    };
    assert_eq!(routing(""), Routing::default());
    assert_eq!(routing("routing: longest waiting"), Routing::LongestWaiting);
    center(
        &format!("{CENTER}agents_by: longest idel\n"),
        "center.yaml:6:12: error: no choice of agents is called \"longest idel\" (did you mean \"longest idle\"?)",
    );
    let both = "[billing]\nagents_by: round robin";
    let queues = "{ needs: billing, agents_by: fewest calls }, other: {}";
    let text = CENTER.replace("[billing]", both).replace("{ needs: billing >= 3 }", queues);
    let (center, _) = read(&[("center.yaml", &text), ("main.yaml", END)]).unwrap();
    let choices: Vec<_> = center.engine.queues.iter().filter_map(|queue| queue.agents_by).collect();
    assert_eq!(choices, [AgentChoice::FewestCalls, AgentChoice::RoundRobin]);
    assert_eq!(routing("routing: short tail"), Routing::ServiceLevel(Weights::short_tail()));
    assert_eq!(routing("routing: most in target"), Routing::ServiceLevel(Weights::most_in_target()));
}

#[test]
fn what_a_center_says_of_the_audio_of_phones() {
    center(
        &format!("{CENTER}srtp: always\ncodecs: [opus, opus, g729]\ndtmf: rtp\n"),
        "center.yaml:6:7: error: no policy of SRTP is called \"always\" (there is no, optional, required, dtls)\n\
         center.yaml:7:16: error: \"opus\" is named twice\n\
         center.yaml:7:22: error: no codec is called \"g729\" (did you mean \"g722\"?)\n\
         center.yaml:8:7: error: no way of key presses is called \"rtp\" (there is audio, info)",
    );
    center(
        &format!("{CENTER}codecs: []\n"),
        "center.yaml:6:9: error: no codec is left to talk in (write [pcmu, pcma], which every telephone has)",
    );
    center(
        &format!("{CENTER}codecs: opus\n"),
        "center.yaml:6:9: warning: a phone that has nothing but G.711 is refused \
         (with pcmu or pcma at the end nobody is refused for it)",
    );
    let said = |text: &str| {
        let text = format!("{CENTER}{text}\n");
        let (center, _) = read(&[("center.yaml", &text), ("main.yaml", END)]).unwrap();
        let trunk = center.trunks.first().map(|trunk| (trunk.srtp, trunk.codecs.clone(), trunk.dtmf));
        (center.srtp, center.codecs, center.dtmf, trunk)
    };
    let all = vec![Codec::Pcmu, Codec::Pcma, Codec::G722, Codec::Opus];
    assert_eq!(said(""), (SrtpPolicy::Optional, all, Dtmf::Audio, None));
    let trunk = "trunks: { provider: { from: 192.0.2.7, srtp: dtls, codecs: pcma, dtmf: audio } }";
    assert_eq!(
        said(&format!("srtp: required\ncodecs: [opus, pcma]\ndtmf: info\n{trunk}")),
        (
            SrtpPolicy::Required,
            vec![Codec::Opus, Codec::Pcma],
            Dtmf::Info,
            Some((Some(SrtpPolicy::Dtls), Some(vec![Codec::Pcma]), Some(Dtmf::Audio)))
        )
    );
}

#[test]
fn what_a_center_says_of_recordings() {
    let odd = CENTER.replace("{ needs: billing >= 3 }", "{ needs: billing >= 3, record: sometimes }");
    center(
        &format!("{odd}keep_recordings: 90\n"),
        "center.yaml:4:51: error: no way of recording is called \"sometimes\" (there is no, yes, with consent)\n\
         center.yaml:6:18: error: \"90\" is not a number of days (write it as 90d; at most 3650d)",
    );
    let quiet = CENTER.replace("{ needs: billing >= 3 }", "{ needs: billing >= 3, record: yes }");
    center(
        &quiet,
        "center.yaml:4:51: error: no prompt is called \"recording/told\" \
         (record it as prompts/en/recording/told.wav)",
    );
    let kept = |text: &str| {
        let text = format!("{CENTER}{text}\n");
        read(&[("center.yaml", &text), ("main.yaml", END)]).unwrap().0.keep_recordings.as_secs() / 86_400
    };
    assert_eq!((kept(""), kept("keep_recordings: 7d")), (90, 7));
}

#[test]
fn how_long_who_misses_a_call_is_left_alone_is_a_time_or_until_they_are_ready() {
    let with = |misses: &str| {
        CENTER.replace("{ needs: billing >= 3 }", &format!("{{ needs: billing >= 3, after_miss: {misses} }}"))
    };
    center(&with("{ no_answer: 30s, declined: until ready, busy: 2m, unreachable: 1s }"), "");
    center(
        &with("{ no_answer: never, busy: 200ms, refused: 5s }"),
        "center.yaml:4:68: error: \"never\" is not a time (write a number and its unit: 500ms, 20s, 15m, 4h)\n\
         center.yaml:4:81: error: an agent is left alone for 1s at least, got 200ms \
         (a phone that refuses at once would be rung again and again)\n\
         center.yaml:4:88: error: \"refused\" means nothing here \
         (known here: no_answer, declined, busy, unreachable)",
    );
}

#[test]
fn a_queue_rings_one_agent_or_a_few_at_once() {
    let with = |ring: &str| CENTER.replace("billing >= 3 }", &format!("billing >= 3, ring: {ring} }}"));
    ["15s", "{ for: 15s, agents: 3 }", "{ agents: 2 }"].iter().for_each(|ring| center(&with(ring), ""));
    center(
        &with("{ agents: 9, at_once: yes }"),
        "center.yaml:4:59: error: this must be 1 to 8, got 9\n\
         center.yaml:4:62: error: \"at_once\" means nothing here (known here: for, agents)",
    );
}

#[test]
fn a_phone_takes_calls_by_itself_soon_or_not_at_all() {
    let with = |said: &str| CENTER.replace("skills: {", &format!("auto_answer: {said}, skills: {{"));
    ["yes", "no", "2s"].iter().for_each(|said| center(&with(said), ""));
    let problem = |said, expected| {
        let text = with(said);
        let (line, column) =
            text.lines().zip(1..).find_map(|(text, line)| Some((line, text.find(said)? + 1))).unwrap();
        center(&text, &format!("center.yaml:{line}:{column}: error: {expected}"));
    };
    problem(
        "11s",
        "a phone takes a call by itself within 10s, got 11s (write auto_answer: yes, or a shorter time)",
    );
    problem("perhaps", "\"perhaps\" is not a time (write a number and its unit: 500ms, 20s, 15m, 4h)");
}

#[test]
fn alarms_that_are_never_raised_or_say_nothing() {
    let with = |queue: &str, center: &str| {
        let queue = format!("{{ needs: billing >= 3{queue} }}");
        format!("{}{center}", CENTER.replace("{ needs: billing >= 3 }", &queue))
    };
    center(
        &with(", alarms: { waiting: 0, service_level: 60, longest: 3m }", ""),
        "center.yaml:4:62: error: this must be 1 to 100000, got 0\n\
         center.yaml:4:80: error: \"60\" is not a share (write it as: 60%)\n\
         center.yaml:4:84: error: \"longest\" means nothing here \
         (known here: waiting, longest_wait, service_level, abandonment)",
    );
    let queue =
        ", max_waiting: 8, max_wait: 2m, alarms: { waiting: 9, longest_wait: 2m, service_level: 90% }";
    center(
        &with(queue, ""),
        "center.yaml:4:81: warning: this alarm is never raised: no more than 8 may wait here \
         (let \"waiting\" be lower than that)\n\
         center.yaml:4:81: warning: this alarm is never raised: nobody waits longer than 120 s \
         (let \"longest_wait\" be lower than that)\n\
         center.yaml:4:81: warning: this alarm is raised while the goal of 80 % is kept, below 90 % \
         (let \"service_level\" be 80% at most)",
    );
    let usual = "alarms: { waiting: 5, abandonment: 10% }\n";
    let text = with(", alarms: { waiting: 3, longest_wait: 3m }", usual);
    let (center, _) = read(&[("center.yaml", &text), ("main.yaml", END)]).unwrap();
    let alarms = &center.alarms[0];
    let wait = alarms.longest_wait.map(|wait| wait.as_secs());
    assert_eq!(
        (alarms.waiting, wait, alarms.abandonment),
        (Some(3), Some(180), Some(10)),
        "its own go first"
    );
}

#[test]
fn a_flow_that_is_called_otherwise_than_its_file() {
    let said = found(&[
        ("center.yaml", CENTER),
        ("main.yaml", "flow: mine\nstart: a\nnodes:\n  a: { hang_up: done }\n"),
    ]);
    let expected = "main.yaml:1:7: error: this flow is called \"mine\", but its file \"main.yaml\" \
                    (write \"flow: main\", or rename the file)";
    assert_eq!(said, expected);
}

#[test]
fn no_center_at_all() {
    assert_eq!(found(&[("main.yaml", "flow: main")]), "center.yaml:1:1: error: there is no center.yaml");
    assert!(found(&[("center.yaml", "")]).contains("center.yaml:1:1: error: the file is empty"));
}

#[test]
fn a_callback_that_cannot_be_made() {
    let node = |more: &str| {
        format!(
            "  a: {{ callback: billing, confirm: [{{ say: callback_number }}], {more}, otherwise: queue, \
             impossible: end }}\n"
        )
    };
    nodes(
        &node("other: { ask: long, begins: [\"+49\"] }, later: { question: long, ask: long, confirm: long }"),
        "main.yaml:4:71: error: no trunk takes calls, so nobody can be called at another number (add \"out: address\" \
         to a trunk, or leave \"other\" away)\n\
         main.yaml:4:93: error: no number that is keyed begins with \"+49\" (write digits, in quotes: [\"1202\", \"0044\"])\n\
         main.yaml:4:110: error: callers who choose a time choose it within hours (add \"hours: name of hours\")",
    );
    nodes(
        &node("other: { ask: long, begins: \"49\" }"),
        "main.yaml:4:71: error: no trunk takes calls, so nobody can be called at another number (add \"out: address\" \
         to a trunk, or leave \"other\" away)",
    );
    nodes(
        &node("needs: billing >= 9"),
        "main.yaml:4:18: error: no agent can serve the queue \"billing\" here: it needs billing >= 9 \
         (give an agent the skills, or lower what is needed)",
    );
    nodes(
        &format!(
            "{}  b: {{ play: {{ say: callback_number }}, then: end }}\n",
            node("tries: 2").replace("end }", "b }")
        ),
        "main.yaml:5:14: error: \"callback_number\" has no value yet on some way to \"b\" \
         (set it before, on every way that leads here)",
    );
    // Who is called back comes to a person.
    nodes(
        &format!(
            "  a: {{ menu: menu/main, choices: {{ 1: b }}, otherwise: end }}\n{}",
            node("tries: 2").replace("  a:", "  b:").replace("otherwise: queue", "otherwise: end")
        ),
        "main.yaml:6:3: warning: no caller ever comes to \"queue\" (lead an exit here, or remove the node)",
    );
}

#[test]
fn a_transfer_that_cannot_be_made() {
    nodes(
        "  a: { transfer: \"+4930123\", no_answer: queue }\n  b: { transfer: { agent: alcie, queue: billing }, no_answer: end }\n  \
         c: { transfer: somebody, no_answer: end }\n",
        "main.yaml:4:18: error: no trunk takes calls, so nobody outside can be called (add \"out: address\" to a trunk)\n\
         main.yaml:5:3: warning: no caller ever comes to \"b\" (lead an exit here, or remove the node)\n\
         main.yaml:5:27: error: no agent is called \"alcie\" (did you mean \"alice\"?)\n\
         main.yaml:6:3: warning: no caller ever comes to \"c\" (lead an exit here, or remove the node)\n\
         main.yaml:6:18: error: \"somebody\" is not a telephone number (write digits, with + before a country's code, \
         in quotes)\n\
         main.yaml:8:3: warning: no caller ever comes to \"end\" (lead an exit here, or remove the node)",
    );
    // A silent caller is not called for again and again.
    nodes(
        "  a: { transfer: { agent: alice, queue: billing }, no_answer: b, busy: queue }\n  b: { pause: 1s, then: a }\n",
        "main.yaml:4:3: error: a silent caller goes round for ever here: a -> b -> a \
         (let one of these lead on: to a queue, or to hang_up)\n\
         main.yaml:7:3: warning: no caller ever comes to \"end\" (lead an exit here, or remove the node)",
    );
}

#[test]
fn a_message_that_cannot_be_left() {
    nodes(
        "  a: { voicemail: biling, greeting: long, longest: 20m, silence: 1s, then: end, nothing: a }\n",
        "main.yaml:4:3: error: the exit \"failed\" leads nowhere (add \"failed: name of a node\")\n\
         main.yaml:4:19: error: no queue is called \"biling\" (did you mean \"billing\"?)\n\
         main.yaml:4:52: error: \"longest\" is from 5 s to 900 s, got 1200 s\n\
         main.yaml:4:66: error: \"silence\" is from 2 s to 60 s, got 1 s",
    );
    nodes(
        "  a: { voicemail: billing, greeting: long, then: queue, nothing: a, failed: end }\n",
        "main.yaml:4:3: error: a silent caller goes round for ever here: a -> a \
         (let one of these lead on: to a queue, or to hang_up)",
    );
    // Who leaves a message has come to somebody who answers it.
    nodes(
        "  a: { menu: menu/main, choices: { 1: b }, otherwise: end }\n  \
         b: { voicemail: billing, greeting: long, then: end, nothing: end, failed: end }\n",
        "main.yaml:6:3: warning: no caller ever comes to \"queue\" (lead an exit here, or remove the node)",
    );
}

#[test]
fn what_callers_of_a_queue_hear_and_choose_and_where_it_leads() {
    let queue = |more: &str| CENTER.replace("billing >= 3 }", &format!("billing >= 3, {more} }}"));
    center(
        &queue("unserved: mian, offers: { 1: callback, 3: nowhere, 22: main }, check_in: 20s"),
        "center.yaml:4:53: error: no flow is called \"mian\" (did you mean \"main\"?)\n\
         center.yaml:4:69: error: \"1\" is no key for an offer \
         (0, 2 to 9, * or #; 1 is the answer of who will hold)\n\
         center.yaml:4:85: error: no flow is called \"nowhere\" (there is main)\n\
         center.yaml:4:94: error: \"22\" is no key for an offer \
         (0, 2 to 9, * or #; 1 is the answer of who will hold)",
    );
    center(
        &queue("check_in: 20s, waiting: { first: 1s, messages: [wait/nothing] }"),
        "center.yaml:4:53: error: \"waiting\" says when something is said (leave it out)\n\
         center.yaml:4:76: error: \"first\" is at least 5 s, got 1 s \
         (who is talked to all the time hears nothing of it)\n\
         center.yaml:4:91: error: no prompt is called \"wait/nothing\" (record it as prompts/en/wait/nothing.wav)",
    );
    let place = queue("steps: [{ after: 30s, needs: billing >= 1 }], waiting: { position: yes }");
    center(
        &place,
        "center.yaml:4:110: error: a place in line says something only where who waits longest is served first \
         (say \"routing: longest waiting\", or leave \"position\" out)",
    );
    center(
        &format!("{place}routing: longest waiting\n"),
        "center.yaml:4:110: error: callers of this queue overtake each other by \"steps\": a place in line says nothing \
         (leave \"position\" out)",
    );
    center(
        &queue("offers: 7"),
        "center.yaml:4:51: error: offers are written as \"key: callback\", or \"key: name of a flow\"",
    );
    let waits = "flow: main\nstart: a\nnodes:\n  a: { play: long, then: b }\n  b: { enqueue: billing }\n";
    let said = found(&[("center.yaml", &queue("unserved: main")), ("main.yaml", waits)]);
    assert_eq!(
        said,
        "center.yaml:4:53: error: whom nobody serves goes round for ever here: billing -> billing \
         (let one of these lead to a voicemail, or to hang_up)"
    );
    let rings = "flow: main\nstart: a\nnodes:\n  a: { ring: 5s }\n";
    let said = found(&[("center.yaml", &queue("unserved: main")), ("main.yaml", rings)]);
    assert_eq!(said, "center.yaml:4:53: error: \"main\" rings, but the line has been answered before it");
    // Who chooses to wait again may.
    let again = "flow: main\nstart: a\nnodes:\n  \
                 a: { menu: menu/main, choices: { 1: b }, otherwise: end }\n  b: { enqueue: billing }\n  \
                 end: { hang_up: done }\n";
    assert_eq!(found(&[("center.yaml", &queue("unserved: main")), ("main.yaml", again)]), "");
}

#[test]
fn a_survey_that_asks_too_much_or_has_callers_wait_again() {
    let center =
        |survey: &str| CENTER.replace("billing >= 3 }", &format!("billing >= 3, survey: {survey} }}"));
    let said = |survey: &str, nodes: &str| {
        let after = format!("flow: after\nstart: a\nnodes:\n{nodes}  end: {{ hang_up: done }}\n");
        found(&[("center.yaml", &center(survey)), ("main.yaml", END), ("after.yaml", &after)])
    };
    let asks = |name: &str, then: &str| {
        format!("  {name}: {{ survey: good, prompt: long, then: {then}, otherwise: end }}\n")
    };
    assert_eq!(said("after", &(asks("a", "b") + &asks("b", "end"))), "");
    assert_eq!(said("{ flow: after, after: 1s, again: 24h }", &asks("a", "end")), "");
    assert_eq!(
        said("afer", &asks("a", "end")),
        "center.yaml:4:51: error: no flow is called \"afer\" (did you mean \"after\"?)"
    );
    assert_eq!(
        said("{ after: 20s }", &asks("a", "end")),
        "center.yaml:4:51: error: \"flow\" is missing here"
    );
    let too_much = "center.yaml:4:51: error: \"after\" asks more than 2 questions of one caller \
                    (who is asked more hangs up: leave some out)";
    assert_eq!(said("after", &(asks("a", "b") + &asks("b", "c") + &asks("c", "end"))), too_much);
    // Who answers goes round.
    assert_eq!(said("after", &asks("a", "a")), too_much);
    assert_eq!(
        said("after", "  a: { play: long, then: end }\n"),
        "center.yaml:4:51: warning: \"after\" asks callers nothing (add a node \"survey: name of a question\")"
    );
    assert_eq!(
        said("after", &(asks("a", "b") + "  b: { enqueue: billing }\n")),
        "center.yaml:4:51: error: a survey comes after the talk, and \"b\" of \"after\" leads to agents again \
         (let it end in hang_up, or in a voicemail before that)"
    );
    nodes(
        "  a: { survey: good, prompt: long, answers: 5 to 1, then: end }\n",
        "main.yaml:4:3: error: the exit \"otherwise\" leads nowhere (add \"otherwise: name of a node\")\n\
         main.yaml:4:45: error: \"5 to 1\" are no answers that one key gives (write 1 to 5; 0 to 9 at most)",
    );
}
