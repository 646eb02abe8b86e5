//! Customers, kept by admins and their programs.

use super::*;

const BODY: &str =
    r#"{"name": "Dora", "pin": "73519", "numbers": ["+1 (202) 555-0177"], "birth_date": "1980-12-24"}"#;

fn told(api: &Api) -> Vec<(String, Option<String>)> {
    api.fetched.try_iter().collect()
}

#[test]
fn a_customer_is_added_changed_unlocked_and_removed_and_the_history_says_by_whom() {
    let api = api();
    let ada = sign_in(&api, "ada") + "X-Warmline: 1\r\n";
    let ask = |method: &str, path: &str, body: &str| {
        let (status, _, body) = api.ask(method, &format!("/api/v1/customers{path}"), &ada, body);
        assert!(!body.contains("73519") && !body.contains("1980") && !body.contains("argon2"), "{body}");
        (status, serde_json::from_str(&body).unwrap_or(Value::Null))
    };
    let (status, dora) = ask("PUT", "/100500", BODY);
    let shown = json!({
        "account": "100500", "name": "Dora", "name_prompt": null, "numbers": ["+12025550177"], "failed_in_row": 0,
        "locked_until": null,
    });
    assert_eq!((status, &dora), (201, &shown));
    let (status, dora) = ask("PUT", "/100500", r#"{"name": "Dora Day", "numbers": []}"#);
    assert_eq!((status, &dora["name"], &dora["numbers"]), (200, &json!("Dora Day"), &json!([])));
    assert_eq!(ask("GET", "/100500", ""), (200, dora.clone()));
    assert_eq!(ask("GET", "?limit=1", ""), (200, json!({ "customers": [dora], "next_after": "100500" })));
    assert_eq!(ask("GET", "?after=100500", "").1["customers"], json!([]));
    assert_eq!(ask("POST", "/100500/unlock", "").0, 200);
    assert_eq!(ask("DELETE", "/100500", "").0, 204);
    for (method, path) in [("GET", "/100500"), ("DELETE", "/100500"), ("POST", "/100500/unlock")] {
        assert_eq!(ask(method, path, "").0, 404, "{method}");
    }
    let by_ada = |did: &str| (did.to_owned(), Some("ada".to_owned()));
    let expected =
        [by_ada("100500 Added"), by_ada("100500 Changed"), by_ada("Customers"), by_ada("100500 Removed")];
    assert_eq!(told(&api), expected, "nothing was locked, and it is one reading");
}

#[test]
fn customers_are_an_admin_s_and_what_is_wrong_with_one_is_told_without_its_pin() {
    let api = api();
    for who in ["alice", "sam"] {
        let headers = sign_in(&api, who) + "X-Warmline: 1\r\n";
        for (method, path) in
            [("GET", ""), ("GET", "/1"), ("PUT", "/1"), ("DELETE", "/1"), ("POST", "/1/unlock")]
        {
            let (status, ..) = api.ask(method, &format!("/api/v1/customers{path}"), &headers, BODY);
            assert_eq!(status, 403, "{who}: {method} {path}");
        }
    }
    let put = |account: &str, body: &str| {
        let (status, _, body) = api.ask("PUT", &format!("/api/v1/customers/{account}"), JSON, body);
        assert!(!body.contains("735"), "{body}");
        (status, body)
    };
    assert_eq!(put("Dora", BODY).0, 422);
    assert_eq!(put("100500", r#"{"name": "Dora", "pin": "735"}"#).0, 422);
    assert_eq!(
        put("100500", r#"{"name": "Dora", "pin": 73519}"#).0,
        422,
        "a number, which is not said again"
    );
    let (status, without) = put("100500", r#"{"name": "Dora"}"#);
    assert!(status == 422 && without.contains("PIN"), "{without}");
    assert_eq!(put("100500", r#"{"name": "Dora", "pin": "73519", "birth_date": "1980-13-24"}"#).0, 422);
    assert!(told(&api).is_empty(), "nothing was done");
    assert_eq!(put("100500", BODY).0, 201);
    assert_eq!(told(&api), [("100500 Added".to_owned(), None)], "a program on this machine");
}
