//! What `center.yaml` says of a queue's surge.

use super::harm::CENTER;
use super::harm::END;
use super::harm::center;
use super::harm::found;
use super::read;
use crate::queue::api::SurgeRule;

/// A center whose queue has this surge.
fn with(surge: &str) -> String {
    CENTER.replace("billing >= 3 }", &format!("billing >= 3, surge: {surge} }}"))
}

#[test]
fn a_surge_that_flickers_or_of_which_nobody_hears() {
    center(
        &with("{ from: 3, until: 3, say: wait/nothing, offers: { 3: mian }, colour: 1 }"),
        "center.yaml:4:68: error: a surge that begins at more than 3 comes and goes when it ends at 3 \
         (let \"until\" be less than \"from\")\n\
         center.yaml:4:76: error: no prompt is called \"wait/nothing\" (record it as prompts/en/wait/nothing.wav)\n\
         center.yaml:4:103: error: no flow is called \"mian\" (did you mean \"main\"?)\n\
         center.yaml:4:111: error: \"colour\" means nothing here (known here: from, until, say, offers, unserved)",
    );
    center(&with("{ from: 0, say: long }"), "center.yaml:4:58: error: this must be 1 to 1000, got 0");
    center(
        &with("{ say: long, until: 1001 }"),
        "center.yaml:4:50: error: \"from\" is missing here\n\
         center.yaml:4:70: error: this must be 0 to 1000, got 1001",
    );
    center(
        &with("{ from: 3 }"),
        "center.yaml:4:50: error: nobody hears of this surge, and nobody is sent on \
         (add \"say: name of a prompt\", or \"unserved: name of a flow\")",
    );
    center(
        &with("{ from: 3, say: long, unserved: mian }"),
        "center.yaml:4:66: error: \"unserved\" lets nobody in who could hear or choose this \
         (let that flow say it, or leave \"unserved\" out)\n\
         center.yaml:4:82: error: no flow is called \"mian\" (did you mean \"main\"?)",
    );
}

#[test]
fn whom_a_surge_keeps_out_does_not_go_round_for_ever() {
    let waits = "flow: main\nstart: a\nnodes:\n  a: { play: long, then: b }\n  b: { enqueue: billing }\n";
    let round = with("{ from: 3, unserved: main }, offers: { 3: main }");
    assert_eq!(
        found(&[("center.yaml", &round), ("main.yaml", waits)]),
        "center.yaml:4:71: error: whom nobody serves goes round for ever here: billing -> billing \
         (let one of these lead to a voicemail, or to hang_up)"
    );
    assert_eq!(found(&[("center.yaml", &round), ("main.yaml", END)]), "");
}

#[test]
fn a_surge_ends_at_half_of_what_it_begins_at() {
    let rule = |surge: &str| {
        let (center, _) = read(&[("center.yaml", &with(surge)), ("main.yaml", END)]).unwrap();
        center.engine.queues[0].surge
    };
    let half = SurgeRule { from: 5, until: 2, turns_away: false };
    assert_eq!(rule("{ from: 5, say: long, offers: { 3: main } }"), Some(half));
    let own = SurgeRule { from: 5, until: 0, turns_away: true };
    assert_eq!(rule("{ from: 5, until: 0, unserved: main }"), Some(own));
}
