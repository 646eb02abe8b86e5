//! An agent's desk in two windows of one browser: one of them is the phone, and each says which.

use serde_json::json;

use crate::browser::Browser;
use crate::browser::browsers_available;
use crate::pages::alice_takes_a_call;
use crate::pages::does;
use crate::pages::is_clean;
use crate::pages::text;
use crate::server::Server;
use crate::tone::AGENT_HZ;
use crate::tone::CALLER_HZ;
use crate::tools::available;
use crate::tools::within;

const IS_UP: &str = "document.querySelector('#phone-state')?.innerText === 'Phone up'";
const IS_TAKEN: &str = "document.querySelector('#phone-state')?.innerText === 'Another window has the phone'";

/// Opens the desk in another window, which knows what this one has kept, as a copied tab does; it is the page from now on.
fn copies_the_window(browser: &mut Browser) {
    browser.run(
        "state.first = page;
         [state.page] = await Promise.all([page.waitForEvent('popup'), page.evaluate(() => void window.open('/desk'))])",
    );
    assert_eq!(browser.look("sessionStorage.getItem('warmline.phone')"), "on", "it is a copy");
}

#[test]
fn a_copy_of_a_desk_leaves_the_phone_where_it_is_unless_told_and_gives_it_back_when_it_is_closed() {
    let test = "a_copy_of_a_desk_leaves_the_phone_where_it_is_…";
    if !browsers_available(test) || !available(test, &["sipp"]) {
        return;
    }
    let server = Server::start();
    let (mut alice, caller) = alice_takes_a_call(&server);
    alice.hears("phone", CALLER_HZ, 10);

    copies_the_window(&mut alice);
    alice.sees("that it is not the phone", 10, IS_TAKEN);
    does(&mut alice, "You talk with");
    assert_eq!(text(&mut alice, "#elsewhere-title"), "You are not on the line here");
    alice.run("state.copy = page; state.page = state.first");
    assert_eq!(alice.look(IS_UP), true);
    alice.hears("phone", CALLER_HZ, 5);

    // Who says so takes the phone there: the first window says what that means.
    alice.run("state.page = state.copy; await state.copy.keyboard.press('r')");
    alice.sees("it is the phone", 10, IS_UP);
    alice.hears("phone", CALLER_HZ, 10);
    alice.sees("nothing of it any more", 5, "!document.querySelector('#elsewhere-panel').checkVisibility()");
    alice.run("state.page = state.first");
    alice.sees("that it is not the phone", 10, IS_TAKEN);
    alice.sees(
        "where the caller is",
        10,
        "document.querySelector('#elsewhere-words').innerText.startsWith('Another window of yours is the phone')",
    );
    let told = "document.querySelector('#announce').textContent.includes('You are not on the line here')";
    alice.sees("it is told aloud", 5, told);

    // It is closed, and the caller is heard where they were.
    alice.run("await state.copy.close()");
    alice.sees("it is the phone again", 10, IS_UP);
    alice.hears("phone", CALLER_HZ, 10);
    let before = caller.line.heard(AGENT_HZ);
    within(5, "alice is heard again", || (caller.line.heard(AGENT_HZ) >= before + 0.5).then_some(()));

    // A page that is loaded anew is no copy.
    alice.run("await page.reload(); state.loaded = Date.now()");
    alice.sees("it is the phone", 20, IS_UP);
    println!("up again after {} ms", alice.run("return Date.now() - state.loaded"));
    alice.hears("phone", CALLER_HZ, 10);
    assert_eq!(alice.run("return state.console.filter((line) => /AbortError/.test(line))"), json!([]));
    is_clean(&mut alice);
}
