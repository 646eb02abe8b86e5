//! Who asks for a page that is none.

use super::*;

#[test]
fn a_browser_at_an_address_where_there_is_nothing_gets_a_page_and_a_program_an_answer() {
    let api = api();
    assert_eq!(api.get("/nowhere").0, 404);
    let browser = "Host: localhost\r\nAccept: text/html,application/xhtml+xml,*/*;q=0.8\r\n";
    let (status, head, page) = api.ask("GET", "/nowhere", browser, "");
    assert!(
        status == 404 && head.contains("text/html") && page.contains("href=\"/wallboard\""),
        "{head}{page}"
    );
    let (status, head, _) = api.ask("GET", "/api/v1/nowhere", browser, "");
    assert!(status == 404 && head.contains("application/json"), "{head}");
}
