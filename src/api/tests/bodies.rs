//! What a body or a query is answered that cannot be read.

use super::*;

#[test]
fn a_body_that_cannot_be_read_is_told_what_is_wrong_where_and_what_is_taken() {
    let api = api();
    let described = "GET /api/v1/openapi.json describes the body";
    for (method, path, body, told, hint) in [
        ("POST", "/api/v1/calls/7/hold", "", (400, "there is no body"), described),
        (
            "POST",
            "/api/v1/calls/7/hold",
            "{\"way\":",
            (400, "the body is cut off: line 1, column 7"),
            described,
        ),
        (
            "POST",
            "/api/v1/calls/7/hold",
            "{way}",
            (400, "the body is not JSON: key must be a string, line 1, column 2"),
            described,
        ),
        ("POST", "/api/v1/calls/7/hold", "[]", (422, "the body must be an object, not a list"), described),
        (
            "POST",
            "/api/v1/calls/7/hold",
            "{\"agent\":\"alice\",\"quote_s\":\"60\"}",
            (422, "`quote_s` must be a whole number from 0 to 4294967295, not \"60\""),
            described,
        ),
        (
            "POST",
            "/api/v1/calls/7/hold",
            "{\"agent\":\"alice\",\"way\":\"loud\"}",
            (422, "`way` cannot be \"loud\""),
            "one of verbal, prompted, override",
        ),
        (
            "POST",
            "/api/v1/calls/7/hold",
            "{\"agent\":\"alice\",\"quote\":60}",
            (422, "there is no field `quote`"),
            "one of reason, quote_s, requote_s, way, agreed",
        ),
        ("POST", "/api/v1/session", "{\"name\":\"alice\"}", (422, "`password` is missing"), described),
        (
            "POST",
            "/api/v1/session",
            "{\"name\":\"alice\",\"password\":4711}",
            (422, "`password` must be a string, not a number"),
            described,
        ),
        (
            "POST",
            "/api/v1/messages/1/handled",
            "{\"words\":1}",
            (422, "`words` must be a string, not 1"),
            described,
        ),
    ] {
        let (status, problem) = api.sends(method, path, body);
        assert_eq!((status, &problem["error"]), (told.0, &json!(told.1)), "{path} {body}");
        assert_eq!(problem["hint"], hint, "{path} {body}");
    }
    let (status, _, problem) =
        api.ask("POST", "/api/v1/calls/7/hold", "Host: localhost\r\nContent-Type: text/plain\r\n", "{}");
    assert!(status == 415 && problem.contains("the Content-Type is not application/json"), "{problem}");
}

#[test]
fn a_query_that_cannot_be_read_is_told_what_is_wrong() {
    let api = api();
    let told = |query: &str| api.get(&format!("/api/v1/calls?{query}")).1["error"].clone();
    assert_eq!(told("limit=abc"), "`limit` must be a whole number");
    assert_eq!(told("outcome=fine"), "`outcome` cannot be \"fine\"");
    assert_eq!(told("zzz=1"), "there is no field `zzz`");
}
