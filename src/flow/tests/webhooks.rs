//! What a center says of programs that are told of events.

use super::harm::CENTER;
use super::harm::END;
use super::read;

fn center(webhook: &str) -> String {
    format!("{CENTER}webhooks: {{ ops: {webhook} }}\n")
}

#[test]
fn a_webhook_names_its_events_and_where_its_secret_is() {
    let text = center(
        "{ to: \"https://ops.example/calls/\", events: [call_ended, trunk_unregistered], secret_env: OPS }",
    );
    let (center, warnings) = read(&[("center.yaml", &text), ("main.yaml", END)]).unwrap();
    let webhook = &center.webhooks[0];
    assert_eq!(
        (&*webhook.name, &*webhook.to, &*webhook.secret_env),
        ("ops", "https://ops.example/calls", "OPS")
    );
    assert_eq!(webhook.events.iter().collect::<Vec<_>>(), ["call_ended", "trunk_unregistered"]);
    assert_eq!(webhook.timeout.as_secs(), 5);
    assert!(warnings.iter().all(|warning| !warning.message.contains("everybody can read")), "{warnings:?}");
}

#[test]
fn what_is_wrong_with_a_webhook_is_told() {
    let good = "to: \"https://ops.example\", events: [call_ended], secret_env: OPS";
    let cases = [
        (good.replace("call_ended", "call_endet"), "no event is called \"call_endet\""),
        (good.replace("[call_ended]", "[]"), "a webhook without events is told nothing"),
        (good.replace(", secret_env: OPS", ""), "\"secret_env\" is missing here"),
        (good.replace("https://", "ops:"), "is not the address of a service"),
        (format!("{good}, timeout: 31s"), "a webhook has 30 s at most"),
    ];
    for (webhook, message) in cases {
        let text = center(&format!("{{ {webhook} }}"));
        let found = read(&[("center.yaml", &text), ("main.yaml", END)]).unwrap_err();
        assert!(found.iter().any(|found| found.message.contains(message)), "{webhook}: {found:?}");
    }
    let many: Vec<String> = (0..17).map(|number| format!("ops{number}: {{ {good} }}")).collect();
    let text = format!("{CENTER}webhooks: {{ {} }}\n", many.join(", "));
    let found = read(&[("center.yaml", &text), ("main.yaml", END)]).unwrap_err();
    assert!(found.iter().any(|found| found.message == "a center has 16 webhooks at most"), "{found:?}");
}

#[test]
fn events_that_leave_the_machine_in_the_clear_are_warned_of() {
    let warned = |to: &str| {
        let text = center(&format!("{{ to: \"{to}\", events: [call_ended], secret_env: OPS }}"));
        let (_, warnings) = read(&[("center.yaml", &text), ("main.yaml", END)]).unwrap();
        warnings
            .iter()
            .any(|warning| warning.message == "events go over the network as everybody can read them")
    };
    assert!(warned("http://ops.example/calls") && warned("http://192.0.2.7:80"));
    for to in
        ["https://ops.example", "http://localhost:9000/calls", "http://127.0.0.1:9000", "http://[::1]:9000/x"]
    {
        assert!(!warned(to), "{to}");
    }
}
