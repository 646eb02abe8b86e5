//! A caller who came to the wrong queue, as their agent says on the desk.

use serde_json::json;

use crate::browser::browsers_available;
use crate::pages::alice_takes_a_call;
use crate::pages::does;
use crate::pages::is_clean;
use crate::server::Server;
use crate::tools::available;
use crate::tools::within;

#[test]
fn an_agent_says_by_one_click_that_a_call_came_to_the_wrong_queue_and_then_where_it_belongs() {
    let test = "an_agent_says_by_one_click_that_a_call_came_to_the_wrong_queue_…";
    if !browsers_available(test) || !available(test, &["sipp"]) {
        return;
    }
    let server = Server::start();
    let (mut alice, caller) = alice_takes_a_call(&server);
    let said = |words: &str| format!("document.querySelector('#misrouted-words').innerText === '{words}'");
    alice.sees("the button", 10, "document.querySelector('#misrouted').checkVisibility()");
    alice.run("await page.click('#misrouted')");
    alice.sees("it is said", 10, &said("Came to the wrong queue."));
    alice.run("await page.click('#misrouted-back')");
    alice.sees("it is taken back", 10, "document.querySelector('#misrouted').checkVisibility()");
    alice.run("await page.click('#misrouted')");
    alice.sees("it is said again", 10, &said("Came to the wrong queue."));
    alice.run("await page.click('#hang-up')");
    does(&mut alice, "Wrap-up after");
    // In wrap-up she says where it belongs, by keys alone.
    alice.run("await page.locator('body').press('w')");
    alice.sees("the dialog", 10, "document.querySelector('#misrouted-dialog').open");
    alice.run(
        "await page.selectOption('#misrouted-belongs', 'sales'); await page.fill('#misrouted-reason', 'a new boiler'); \
         await page.keyboard.press('Enter')",
    );
    alice.sees("all of it", 10, &said("Came to the wrong queue, and belongs in sales: a new boiler."));
    let told = within(10, "the history has it", || {
        let story = server.story_with(&caller.sip_call_id, "misrouted", 10);
        story.all("misrouted").into_iter().find(|fact| fact["belongs"] == "sales").cloned()
    });
    assert_eq!((&told["queue"], &told["reason"]), (&json!("support"), &json!("a new boiler")));
    let route = within(10, "the route is in the report", || {
        let report = server.get("/api/v1/reports/misrouted");
        let routes = report["routes"].as_array()?.clone();
        routes.into_iter().find(|route| route["queue"] == "support" && route["misrouted"] == 1)
    });
    assert_eq!(
        (&route["entry"], &route["way"], &route["talks"]),
        (&json!("1001"), &json!("flow"), &json!(1))
    );
    assert_eq!(route["belongs"], json!([{ "queue": "sales", "times": 1 }]));
    is_clean(&mut alice);
    caller.ends_well(10);
}
