//! Who gets a caller as a center's file says it: today's skills, hours, what is preferred; and what those are told who wait.

use std::fs;

use crate::baresip::Phone;
use crate::callback::center_with;
use crate::server::Server;
use crate::server::Story;
use crate::sipp::Sipp;
use crate::sound::played;
use crate::spine::STRANGER;
use crate::tone::RATE;
use crate::tools::available;
use crate::tools::within;

/// The loudest part of this prompt.
fn piece_of(prompt: &str) -> Vec<i16> {
    const LONG: usize = RATE / 5;
    let samples = played(prompt);
    let loudness = |piece: &&[i16]| piece.iter().map(|sample| u64::from(sample.unsigned_abs())).sum::<u64>();
    let pieces = samples.windows(LONG.min(samples.len())).step_by(RATE / 100);
    pieces.max_by_key(loudness).expect("it is not empty").to_vec()
}

/// Where in what was heard this piece is: sample for sample, as it comes over a line that loses nothing.
fn place_of(piece: &[i16], heard: &[i16]) -> Option<usize> {
    heard.windows(piece.len()).position(|there| there == piece)
}

/// A caller of this number who stays until the agent goes.
fn calls(server: &Server, number: &str) -> Sipp {
    Sipp::dial(&server.sip(), number, STRANGER, "caller_stays", 0)
}

fn rung(story: &Story) -> Vec<&str> {
    story.all("agent_ringing").iter().filter_map(|told| told["agent"].as_str()).collect()
}

#[test]
fn a_caller_goes_to_whom_the_file_says_for_today_and_is_told_the_place_in_line() {
    if !available("a_caller_goes_to_whom_the_file_says_…", &["baresip", "sipp"]) {
        return;
    }
    // Far from midnight on either side.
    let other_day = jiff::Zoned::now().checked_add(jiff::Span::new().days(3)).expect("there is such a day");
    let hours = format!("hours: {{ other_day: {{ {}: 08:00-18:00 }} }}\n\nskills:", other_day.strftime("%a"))
        .to_lowercase();
    let (flows, setup) = center_with(&[
        ("skills:", &hours),
        ("1003: leave_message", "1003: leave_message\n  1004: sales_line"),
        // Alice is who is preferred, and Bob the best fit. A third of them would be yet better, were it some years ago.
        (
            "needs: support >= 3",
            "needs: support >= 3\n    prefer_skills: billing >= 8\n    waiting: { first: 5s, position: yes }",
        ),
        ("dave: { skills: { support: 9, ", "dave: { skills: { support: { level: 9, until: 2024-02-29 }, "),
        ("needs: sales >= 1", "needs: sales >= 1\n    handle_time: 30m\n    max_expected_wait: 1m"),
        ("5091\", ready: always", "5091\", ready: always, hours: other_day"),
    ]);
    let sales_line =
        "flow: sales_line\nstart: a\nnodes:\n  a: { enqueue: sales, permission: given by this file }\n";
    fs::write(flows.path().join("sales_line.yaml"), sales_line).expect("room on the disk");
    let server = Server::set_up(setup);
    server.wait_for_agent("bench1", "offline", 10);
    server.wait_for_agent("bench2", "ready", 10);
    let phones = ["dave", "bob", "alice"].map(|agent| {
        let phone = Phone::agent(&server.sip(), agent, true);
        server.wait_for_agent(agent, "ready", 10);
        phone
    });

    let first = calls(&server, "1001");
    let story = server.story_with(&first.sip_call_id, "agent_connected", 20);
    assert_eq!(rung(&story), ["alice"]);
    let why = server.get(&format!("/api/v1/calls/{}/explain", story.id()));
    let could = why["waits"][0]["could"].to_string();
    assert!(could.contains("alice") && could.contains("bob") && !could.contains("dave"), "{why}");
    let second = calls(&server, "1001");
    assert_eq!(rung(&server.story_with(&second.sip_call_id, "agent_connected", 20)), ["bob"]);

    // Dave can sell, and is on a break; of half an hour with Bob nobody hears anything.
    server.set_agent("dave", "not_ready");
    server.wait_for_agent("dave", "not_ready", 5);
    let sent_on = calls(&server, "1004");
    let story = server.story_with(&sent_on.sip_call_id, "call_ended", 30);
    assert_eq!(story.only("wait_ended")["exit"], "expected_wait");
    assert_eq!(story.prompts(), ["wait/sorry"]);

    let next = calls(&server, "1001");
    server.story_with(&next.sip_call_id, "wait_granted", 20);
    let after = calls(&server, "1001");
    let told = ["wait/position", "numbers/2", "wait/in-line"];
    server.story_when(&after.sip_call_id, "the place is told", 20, |story| {
        story.prompts().windows(3).any(|prompts| *prompts == told)
    });
    let pieces = told.map(piece_of);
    let heard_in_order = || {
        let mut heard = &after.line.recording()[..];
        pieces.iter().all(|piece| match place_of(piece, heard) {
            Some(place) => {
                heard = &heard[place + piece.len()..];
                true
            }
            None => false,
        })
    };
    within(30, "the caller hears the place", || heard_in_order().then_some(()));
    let story = server.story(&next.sip_call_id).expect("the call is known");
    assert!(!story.prompts().contains(&"wait/position"), "who is next is told none: {:?}", story.prompts());
    drop((first, second, next, after));
    drop(phones);
}
