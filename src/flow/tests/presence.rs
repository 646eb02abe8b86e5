//! Callers who come when nobody works who can serve them: which times, and whose callers.

use super::harm::found;

const CENTER: &str = "\
company: Juniper
numbers: { 1000: main, 1001: other, 1002: main }
hours:
  office: { mon-fri: 08:00-18:00 }
  shop: { mon-fri: 08:00-20:00, sat: 09:00-13:00 }
  weekend: { sat-sun: 10:00-16:00 }
skills: [billing, sales]
queues:
  billing: { needs: billing >= 3 }
  sales: { needs: sales >= 5, steps: [{ after: 30s, needs: sales }] }
agents:
  alice: { skills: { billing: 7, sales: 2 }, hours: office }
  bob: { skills: { sales: 7 }, hours: weekend }
time_zone: UTC
";

/// A flow that sends nobody anywhere.
const OTHER: &str = "flow: other\nstart: a\nnodes:\n  a: { hang_up: done }\n";

#[track_caller]
fn said(center: &str, main: &str, other: &str, expected: &str) {
    let main = format!("flow: main\nstart: a\nnodes:\n{main}");
    let found = found(&[("center.yaml", center), ("main.yaml", &main), ("other.yaml", other)]);
    assert_eq!(found, expected, "\n{found}");
}

/// The same of the usual center and flows that are in order but for what is said.
#[track_caller]
fn main(main: &str, expected: &str) {
    said(CENTER, main, OTHER, expected);
}

#[test]
fn callers_who_come_when_nobody_works() {
    let hint = "(lead them elsewhere by hours, or have an agent with the skills work then)";
    main(
        "  a: { hours: shop, open: b, closed: c }\n  b: { enqueue: billing }\n  c: { hang_up: closed }\n",
        &format!(
            "main.yaml:5:17: warning: callers of 1000, 1002 come here Mon to Fri 18:00-20:00, Sat 09:00-13:00, when \
             nobody who can serve the queue \"billing\" works {hint}"
        ),
    );
    main(
        "  a: { hours: office, open: b, closed: c }\n  b: { enqueue: billing }\n  c: { hang_up: closed }\n",
        "",
    );
    // What less will do counts: alice has a little of sales, and works when bob does not.
    main(
        "  a: { hours: shop, open: b, closed: c }\n  b: { enqueue: sales }\n  c: { hang_up: closed }\n",
        &format!(
            "main.yaml:5:17: warning: callers of 1000, 1002 come here Mon to Fri 18:00-20:00, Sat 09:00-10:00, when \
             nobody who can serve the queue \"sales\" works {hint}"
        ),
    );
    main(
        "  a: { enqueue: billing }\n",
        &format!(
            "main.yaml:4:17: warning: callers of 1000, 1002 come here Mon to Fri 00:00-08:00 and 18:00-24:00, Sat to Sun \
             00:00-24:00, when nobody who can serve the queue \"billing\" works {hint}"
        ),
    );
}

#[test]
fn callers_who_never_find_anybody() {
    main(
        "  a: { hours: weekend, open: b, closed: c }\n  b: { enqueue: billing }\n  c: { hang_up: closed }\n",
        "main.yaml:5:17: error: nobody who can serve the queue \"billing\" works when callers of 1000, 1002 come here, \
         Sat to Sun 10:00-16:00 (give an agent with the skills hours in which they come, or lead them elsewhere by hours)",
    );
    // Whose place is kept for hours is called when somebody works.
    let callback = "callback: billing, confirm: callback/confirm, otherwise: c, impossible: c";
    main(
        &format!(
            "  a: {{ hours: shop, open: b, closed: c }}\n  b: {{ {callback} }}\n  c: {{ hang_up: closed }}\n"
        ),
        "main.yaml:5:18: warning: callers of 1000, 1002 come here Mon to Fri 18:00-20:00, Sat 09:00-13:00, when nobody \
         who can serve the queue \"billing\" works (lead them elsewhere by hours, or have an agent with the skills work \
         then)",
    );
    main(&format!("  a: {{ {callback}, hours: office }}\n  c: {{ hang_up: closed }}\n"), "");
    let early =
        CENTER.replace("mon-fri: 08:00-20:00", "mon-fri: 04:00-18:00").replace(", sat: 09:00-13:00", "");
    said(
        &early,
        &format!(
            "  a: {{ hours: shop, open: b, closed: c }}\n  b: {{ {callback} }}\n  c: {{ hang_up: closed }}\n"
        ),
        OTHER,
        "",
    );
}

#[test]
fn where_nobody_has_hours_or_somebody_always_works_nothing_is_said() {
    let always = CENTER.replace(", hours: office", "");
    said(&always, "  a: { enqueue: billing }\n", OTHER, "");
    let none = always.replace(", hours: weekend", "");
    said(&none, "  a: { enqueue: sales }\n", OTHER, "");
}

#[test]
fn the_way_through_other_flows_counts() {
    // The called flow looks whether it is open; who comes back closed goes to the queue.
    let asks = "flow: other\nstart: a\nnodes:\n  a: { hours: office, open: y, closed: n }\n  y: { return: open }\n  \
                n: { return: closed }\n";
    let called = CENTER.replace("1001: other, ", "");
    let main = |open: &str, closed: &str| {
        format!(
            "  a: {{ hours: shop, open: b, closed: c }}\n  b: {{ call: other, results: {{ open: {open}, closed: {closed} }} }}\n  \
             q: {{ enqueue: billing }}\n  c: {{ hang_up: closed }}\n"
        )
    };
    said(&called, &main("q", "c"), asks, "");
    said(
        &called,
        &main("c", "q"),
        asks,
        "main.yaml:6:17: error: nobody who can serve the queue \"billing\" works when callers of 1000, 1002 come here, \
         Mon to Fri 18:00-20:00, Sat 09:00-13:00 (give an agent with the skills hours in which they come, or lead them \
         elsewhere by hours)",
    );
    // A flow that two numbers lead to is told of the one whose callers come too late.
    let evening = "flow: other\nstart: a\nnodes:\n  a: { hours: office, open: b, closed: c }\n  b: { hang_up: done }\n  \
                   c: { go_to: main }\n";
    said(
        &CENTER.replace("1000: main, 1001: other, 1002: main", "1001: other"),
        "  a: { hours: shop, open: b, closed: c }\n  b: { enqueue: billing }\n  c: { hang_up: closed }\n",
        evening,
        "main.yaml:5:17: error: nobody who can serve the queue \"billing\" works when callers of 1001 come here, Mon to \
         Fri 18:00-20:00, Sat 09:00-13:00 (give an agent with the skills hours in which they come, or lead them \
         elsewhere by hours)",
    );
    // Whom nobody serves comes to the other queue when they came to the first.
    said(
        &CENTER
            .replace("billing: { needs: billing >= 3 }", "billing: { needs: billing >= 3, unserved: other }"),
        "  a: { hours: office, open: b, closed: c }\n  b: { enqueue: billing }\n  c: { hang_up: closed }\n",
        "flow: other\nstart: a\nnodes:\n  a: { hours: office, open: q, closed: c }\n  q: { enqueue: sales, needs: sales >= 5 }\n  \
         c: { hang_up: closed }\n",
        "other.yaml:5:17: error: nobody who can serve the queue \"sales\" works when callers of 1000, 1001, 1002 come \
         here, Mon to Fri 08:00-18:00 (give an agent with the skills hours in which they come, or lead them elsewhere by \
         hours)",
    );
}

#[test]
fn hours_that_there_are_not() {
    said(
        &CENTER.replace("hours: weekend }", "hours: weekends }"),
        "  a: { hang_up: done }\n",
        OTHER,
        "center.yaml:13:39: error: no hours is called \"weekends\" (did you mean \"weekend\"?)",
    );
}
