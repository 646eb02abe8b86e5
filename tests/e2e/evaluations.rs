//! A talk that a supervisor judges on the page, and its agent reads.

use serde_json::json;

use crate::browser::Browser;
use crate::browser::browsers_available;
use crate::callback::center_with;
use crate::pages::alice_takes_a_call;
use crate::pages::does;
use crate::pages::is_clean;
use crate::pages::open;
use crate::pages::sign_in;
use crate::server::Server;
use crate::tone::AGENT_HZ;
use crate::tone::RATE;
use crate::tools::available;
use crate::tools::within;

#[test]
fn a_supervisor_judges_a_talk_on_its_page_and_the_agent_alone_reads_it() {
    let test = "a_supervisor_judges_a_talk_on_its_page_…";
    if !browsers_available(test) || !available(test, &["sipp"]) {
        return;
    }
    let (_flows, setup) = center_with(&[("  support:\n", "  support:\n    record: yes\n")]);
    let server = Server::set_up(setup);
    let (mut alice, caller) = alice_takes_a_call(&server);
    let id = caller.sip_call_id.clone();
    let file = server.story_with(&id, "recording_started", 10).only("recording_started")["file"].clone();
    let file = server.data().join("recordings").join(file.as_str().expect("a name"));
    within(20, "three seconds are recorded", || {
        let length = std::fs::metadata(&file).ok()?.len();
        (length > 3 * 2 * 2 * RATE as u64).then_some(())
    });
    alice.run("await page.click('#hang-up')");
    does(&mut alice, "Wrap-up after");
    caller.ends_well(10);
    server.story_with(&id, "call_ended", 10);
    let call = server.get(&format!("/api/v1/calls?sip_call_id={id}"))["calls"][0]["id"].clone();
    let page = format!("/history#{call}");

    let mut sam = Browser::start(AGENT_HZ);
    open(&mut sam, &server, "/desk");
    sign_in(&mut sam, "sam", "warmline");
    sam.sees("the desk", 10, "document.querySelector('#state')?.checkVisibility()");
    open(&mut sam, &server, &page);
    sam.sees("forms", 20, "document.querySelectorAll('#judge-which option').length === 2");
    sam.run("await page.selectOption('#judge-which', '0')");
    // She has said nothing yet of what came of it, and the form knows.
    sam.sees("the form", 10, "document.querySelector('#judge-items').innerText.includes('Outcome given')");
    sam.run(
        "await page.selectOption('#judge-greeted', '1'); await page.selectOption('#judge-listened', '4'); \
         await page.selectOption('#judge-clear', 'none'); \
         await page.locator('details', { has: page.locator('#dispute-outcome') }).locator('summary').click(); \
         await page.fill('#dispute-outcome', 'she was still writing'); await page.fill('#strengths', 'calm'); \
         await page.click('#judge-listen')",
    );
    let sound = "document.querySelector('#judge-sound')";
    sam.sees("the recording plays", 20, &format!("{sound}.currentTime > 0 && {sound}.duration > 2"));
    // A comment is on the second at which the recording stands.
    sam.look(&format!("{sound}.pause(), {sound}.currentTime = 2, null"));
    sam.sees("it stands there", 10, &format!("{sound}.currentTime === 2"));
    sam.run(
        "await page.fill('#comment-words', 'well put'); await page.click('#comment-here'); \
         await page.click('#judge button[type=submit]')",
    );
    sam.sees(
        "what was said",
        10,
        "document.querySelector('#judged-list').innerText.includes('she was still writing')",
    );
    let evaluation = server.get(&format!("/api/v1/calls/{call}/evaluations"))["evaluations"][0].clone();
    assert_eq!(
        (&evaluation["agent"], &evaluation["by"], &evaluation["read"]),
        (&json!("alice"), &json!("sam"), &json!(null))
    );
    let outcome =
        evaluation["items"].as_array().and_then(|items| items.iter().find(|item| item["name"] == "outcome"));
    let outcome = outcome.expect("the form has it");
    assert_eq!((&outcome["verdict"], &outcome["got"]), (&json!("not_met"), &json!(0)));
    assert_eq!(evaluation["comments"], json!([{ "at_s": 2, "words": "well put" }]));
    // And plays from there.
    sam.look(&format!("{sound}.currentTime = 0, null"));
    sam.run("await page.locator('#judged-list').getByRole('button', { name: 'Listen from 0:02' }).click()");
    sam.sees("the second of the comment", 10, &format!("{sound}.currentTime >= 2"));
    sam.run("await page.click('#quality summary')");
    sam.sees("the figures", 20, "document.querySelectorAll('#items tr').length === 12");
    // The same talk is in the figures of all, and its call is named where she broke a rule.
    sam.run("await page.click('#conformance summary')");
    let given =
        "document.querySelector('#conformance-rows [aria-label^=\"Alice, outcome given: 0 % of 1\"]')";
    sam.sees("the rule that she broke", 20, &format!("{given} !== null"));
    sam.run("await page.locator('#conformance-rows [aria-label^=\"Alice, outcome given\"]').click()");
    sam.sees(
        "her call",
        20,
        &format!("document.querySelector('#broken-talks a')?.getAttribute('href') === '#{call}'"),
    );
    is_clean(&mut sam);

    open(&mut alice, &server, &page);
    alice.sees("her own", 20, "document.querySelectorAll('#judged-list article').length === 1");
    alice.run("await page.getByRole('button', { name: 'I have read it' }).click()");
    alice.sees(
        "it is noted",
        10,
        "!document.querySelector('#judged-list').innerText.includes('not read yet')",
    );
    assert_eq!(alice.look("document.querySelector('#judge-row').checkVisibility()"), json!(false));
    is_clean(&mut alice);
    let mut bob = Browser::start(AGENT_HZ);
    open(&mut bob, &server, "/desk");
    sign_in(&mut bob, "bob", "warmline");
    bob.sees("the desk", 10, "document.querySelector('#state')?.checkVisibility()");
    open(&mut bob, &server, &page);
    bob.sees("the story", 20, "document.querySelectorAll('#lines li').length > 0");
    assert_eq!(bob.look("document.querySelector('#judged').checkVisibility()"), json!(false));
    is_clean(&mut bob);
    let story = server.story_with(&id, "evaluation_acknowledged", 10);
    assert_eq!(story.only("evaluated")["by"], "sam");
}
