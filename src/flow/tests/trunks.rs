//! What a center says of its trunks.

use super::harm::CENTER;
use super::harm::END;
use super::harm::center;
use super::read;
use crate::flow::center::Site;

#[test]
fn a_trunk_is_at_an_address_or_by_a_name() {
    let out = |trunk: &str| {
        let text = format!("{CENTER}trunks: {{ provider: {trunk} }}\n");
        let (center, _) = read(&[("center.yaml", &text), ("main.yaml", END)]).unwrap();
        center.trunks[0].outbound.clone().unwrap()
    };
    let address = |address: &str, port| Site::Address(address.parse().unwrap(), port);
    let name = |port| Site::Name("sip.provider.example".to_owned(), port);
    assert_eq!(out("{ out: 192.0.2.7 }"), address("192.0.2.7", None));
    assert_eq!(out("{ out: \"192.0.2.7:5070\" }"), address("192.0.2.7", Some(5070)));
    assert_eq!(out("{ out: \"2001:db8::7\", transport: tls }"), address("2001:db8::7", None));
    assert_eq!(out("{ out: sip.Provider.example }"), name(None));
    assert_eq!(out("{ out: \"sip.provider.example:5080\" }"), name(Some(5080)));
}

#[test]
fn what_is_neither_an_address_nor_a_name_is_told() {
    for written in
        ["192.0.2.300", "sip provider", "-sip.example", "sip..example", "sip.example:0", "sip.example:70000"]
    {
        let text = format!("{CENTER}trunks: {{ provider: {{ from: \"{written}\" }} }}\n");
        let found = read(&[("center.yaml", &text), ("main.yaml", END)]).unwrap_err();
        let told = format!("\"{written}\" is neither an address nor the name of a host");
        assert_eq!(found.iter().map(|found| found.message.as_str()).collect::<Vec<_>>(), [told]);
    }
}

#[test]
fn a_trunk_is_told_who_we_are_by_its_registration_or_without_one() {
    let account = |trunk: &str| {
        let text = format!("{CENTER}trunks: {{ provider: {{ out: 192.0.2.7, {trunk} }} }}\n");
        let (center, _) = read(&[("center.yaml", &text), ("main.yaml", END)]).ok()?;
        let trunk = center.trunks[0].clone();
        let account = trunk.account?;
        Some((account.username, account.password_env, trunk.register.is_some()))
    };
    let juniper = |registers| Some(("juniper".to_owned(), "SECRET".to_owned(), registers));
    assert_eq!(account("as: juniper, password_env: SECRET"), juniper(false));
    let registration = "register: { at: \"sip:provider.example\", as: juniper, password_env: SECRET }";
    assert_eq!(account(registration), juniper(true));
    assert_eq!(account("as: juniper"), None, "a password is missing");
    assert_eq!(account("password_env: SECRET"), None, "a name is missing");
    assert_eq!(account(&format!("{registration}, as: juniper")), None, "that is said already");
}

#[test]
fn callbacks_where_no_trunk_takes_calls_are_warned_of() {
    let flow = "flow: main\nstart: a\nnodes:\n  a: { callback: billing, confirm: goodbye, promised: goodbye, otherwise: q, \
                impossible: q }\n  q: { enqueue: billing }\n";
    let said = |trunks: &str| {
        let text = format!("{CENTER}{trunks}");
        let (_, warnings) = read(&[("center.yaml", &text), ("main.yaml", flow)]).unwrap();
        let told =
            "no trunk takes calls: who calls by one is called back where it says it is, which may take none";
        warnings.iter().filter(|warning| warning.message == told).count()
    };
    assert_eq!(said("trunks: { provider: { from: 192.0.2.7 } }\n"), 1);
    assert_eq!(said("trunks: { provider: { from: 192.0.2.7, out: 192.0.2.7 } }\n"), 0);
    assert_eq!(said(""), 0, "who calls is called back at their phone");
}

#[test]
fn a_trunk_whose_transport_is_not_known() {
    let trunk = "trunks: { provider: { from: [192.0.2.7], transport: tsl } }";
    center(
        &format!("{CENTER}{trunk}\n"),
        &format!(
            "center.yaml:{}:53: error: no transport is called \"tsl\" (did you mean \"tls\"?)",
            CENTER.lines().count() + 1
        ),
    );
}
