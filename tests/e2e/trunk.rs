//! Peers that bring calls from the world: known by address, believed about the caller, registered at.

use std::fs;
use std::net::UdpSocket;

use serde_json::json;

use crate::baresip::Phone;
use crate::callback::center_with;
use crate::dns::Dns;
use crate::script::PCMU;
use crate::script::Script;
use crate::server::Server;
use crate::server::Story;
use crate::sipp::Sipp;
use crate::spine::ANN;
use crate::spine::STRANGER;
use crate::tone::AGENT_HZ;
use crate::tools::Ports;
use crate::tools::available;
use crate::tools::free_ports;
use crate::tools::within;

/// A call that says it is a stranger's, and that Ann is who asserts it.
fn asserted(server: &Server) -> Story {
    let asserts = format!("P-Asserted-Identity: \"Ann\" <sip:{ANN}@127.0.0.1>");
    let script = Script::invite(&[&asserts], Some(PCMU)).until_answered().wait_ms(300).leaves();
    let caller = Sipp::play(&server.sip(), "9000", STRANGER, &script);
    let id = caller.sip_call_id.clone();
    caller.ends_well(10);
    server.story_with(&id, "call_ended", 5)
}

#[test]
fn a_trusted_trunk_is_believed_about_the_caller_and_others_are_not() {
    if !available("a_trusted_trunk_is_believed_…", &["sipp"]) {
        return;
    }
    for (trusted, from) in [("yes", ANN), ("no", STRANGER)] {
        let trunk = format!("trunks:\n  provider:\n    from: [127.0.0.1]\n    trusted: {trusted}\n\nskills:");
        let (_flows, setup) = center_with(&[("skills:", &trunk)]);
        let server = Server::set_up(setup);
        let story = asserted(&server);
        assert_eq!(story.only("call_arrived")["trunk"], "provider");
        assert_eq!(story.only("call_arrived")["from"], from, "trusted: {trusted}");
        server.is_left_clean();
    }
    let server = Server::start();
    let story = asserted(&server);
    assert!(story.only("call_arrived")["trunk"].is_null());
    assert_eq!(story.only("call_arrived")["from"], STRANGER);
}

#[test]
fn a_server_registers_at_its_trunk_with_a_password() {
    // The registrar is a second server, at which Alice's phone is the first one.
    let registrar = Server::start();
    let trunk = format!(
        "trunks:\n  provider:\n    from: [192.0.2.7]\n    register:\n      at: \"sip:{}\"\n      as: alice\n      \
         password_env: PROVIDER_PASSWORD\n      every: 1m\n\nskills:",
        registrar.sip(),
    );
    let (_flows, mut setup) = center_with(&[("skills:", &trunk)]);
    setup.environment = vec![("PROVIDER_PASSWORD", "warmline".to_owned())];
    let server = Server::set_up(setup);
    registrar.wait_for_agent("alice", "ready", 10);
    within(5, "the trunk is registered", || {
        metrics(&server).contains("warmline_trunk_registered{trunk=\"provider\"} 1\n").then_some(())
    });
    assert_eq!(ready(&server), "ready\n");
    server.never_wrote("PROVIDER_PASSWORD=");
    drop(server);

    let (flows, mut setup) = center_with(&[("skills:", &trunk.replace("as: alice", "as: carol"))]);
    setup.environment = vec![("PROVIDER_PASSWORD", "not-the-password".to_owned())];
    let server = Server::set_up(setup);
    within(10, "the refusal is in the log", || server.logged().contains("403").then_some(()));
    assert_eq!(registrar.agent_state("carol"), "offline");
    let told = within(5, "whoever watches is told", || Some(ready(&server)).filter(|told| told != "ready\n"));
    let (said, again) = (": it said 403 ", "; it is tried again at 20");
    assert!(told.starts_with("ready\nthe trunk provider is not registered since 20"), "{told}");
    assert!(told.contains(said) && told.contains(again), "{told}");
    let board = server.get("/api/v1/wallboard");
    let alarm = board["alarms"][0].as_str().expect("an alarm");
    assert!(alarm.starts_with("the trunk provider is not registered since 20"), "{alarm}");
    let trunk = &board["trunks"][0];
    assert_eq!((&trunk["registered"], &trunk["status"]), (&json!(false), &json!(403)), "{board}");
    let metrics = metrics(&server);
    for line in ["warmline_trunks_unregistered 1\n", "warmline_trunk_registered{trunk=\"provider\"} 0\n"] {
        assert!(metrics.contains(line), "{metrics}");
    }
    let (_, doctor) = server.doctor();
    assert!(doctor.contains("the trunk provider is not registered since 20"), "{doctor}");
    assert!(fs::exists(flows.path()).unwrap_or_default());
}

fn ready(server: &Server) -> String {
    let (status, told) = server.ask("GET", "/readyz", None).expect("the server answers");
    assert_eq!(status, 200, "one trunk takes no server away");
    told
}

fn metrics(server: &Server) -> String {
    server.ask("GET", "/metrics", None).expect("the server answers").1
}

/// Alice calls somebody by a trunk that is played by a scenario in `tests/e2e/sipp/`, is heard there, and hangs up.
fn talks_by_a_trunk(keys: &str, scenario: &str) {
    let ports = free_ports(2);
    talks_by_a_trunk_at(&ports, &format!("127.0.0.1:{}", ports.first), None, (keys, scenario));
}

/// The same; the center has the trunk as `out`, and asks this DNS server.
fn talks_by_a_trunk_at(ports: &Ports, out: &str, dns: Option<u16>, (keys, scenario): (&str, &str)) {
    let trunk = format!("trunks:\n  carrier: {{ out: \"{out}\"{keys} }}\n\nskills:");
    let (_flows, mut setup) = center_with(&[("skills:", &trunk)]);
    setup.dns = dns;
    setup.environment = vec![("CARRIER_PASSWORD", "warmline".to_owned())];
    let server = Server::set_up(setup);
    let mut alice = Phone::agent(&server.sip(), "alice", true);
    server.wait_for_agent("alice", "ready", 10);
    server.set_agent("alice", "not_ready");
    server.wait_for_agent("alice", "not_ready", 5);
    let carrier = Sipp::agent(&server.sip(), ports.first, "juniper", "", 0, scenario);
    carrier.can_be_called(ports.first);
    let body = json!({ "agent": "alice", "to": { "number": "12025550199" } }).to_string();
    let (status, answer) = server.ask("POST", "/api/v1/calls", Some(&body)).expect("the server answers");
    assert_eq!(status, 202, "{answer}");
    let call = serde_json::from_str::<serde_json::Value>(&answer).expect("JSON")["call"].as_u64();
    let call = call.expect("the call's number");
    server.story_of(call, "callee_reached", 15);
    within(10, "the carrier hears alice", || (carrier.line.heard(AGENT_HZ) >= 1.0).then_some(()));
    within(10, "alice hears the carrier", || (alice.heard(AGENT_HZ) >= 1.0).then_some(()));
    alice.hang_up();
    carrier.ends_well(10);
    assert_eq!(server.story_of(call, "call_ended", 5).only("call_ended")["outcome"], "talked");
    server.is_left_clean();
}

#[test]
fn a_trunk_that_asks_who_calls_takes_the_call_and_its_end() {
    if available("a_trunk_that_asks_who_calls_…", &["sipp", "baresip"]) {
        talks_by_a_trunk(", as: juniper, password_env: CARRIER_PASSWORD", "trunk_asks");
    }
}

#[test]
fn a_trunk_that_answers_while_it_rings_is_talked_with_where_it_said_last() {
    if available("a_trunk_that_answers_while_it_rings_…", &["sipp", "baresip"]) {
        talks_by_a_trunk("", "trunk_answers_early");
    }
}

#[test]
fn a_trunk_by_name_is_called_where_dns_leads_and_elsewhere_when_nobody_answers_there() {
    if !available("a_trunk_by_name_is_called_…", &["dnsmasq", "sipp", "baresip"]) {
        return;
    }
    let silent = UdpSocket::bind("127.0.0.1:0").expect("a free port");
    let ports = free_ports(2);
    let at = [silent.local_addr().expect("it is bound").port(), ports.first];
    let hosts = ["one.carrier.test", "two.carrier.test"];
    let service = |place: usize| format!("_sip._udp.carrier.test,{},{},{place},0", hosts[place], at[place]);
    let dns = Dns::start(&[service(0), service(1)], &hosts);
    let asks = (", as: juniper, password_env: CARRIER_PASSWORD", "trunk_asks");
    talks_by_a_trunk_at(&ports, "carrier.test", Some(dns.port()), asks);
    // The first one has been asked, and for the domain.
    silent.set_nonblocking(true).expect("a socket");
    let mut heard = [0; 4_096];
    let length = silent.recv(&mut heard).expect("an INVITE");
    let invite = String::from_utf8_lossy(&heard[..length]);
    assert!(invite.starts_with("INVITE sip:12025550199@carrier.test SIP/2.0\r\n"), "{invite}");
}

#[test]
fn a_registrar_is_registered_at_as_soon_as_its_name_leads_somewhere() {
    if !available("a_registrar_is_registered_at_…", &["dnsmasq"]) {
        return;
    }
    let registrar = Server::start();
    let dns = Dns::start(&[], &[]);
    let name = format!("registrar.test:{}", registrar.sip().rsplit(':').next().expect("a port"));
    let trunk = format!(
        "trunks:\n  provider: {{ register: {{ at: \"sip:{name}\", as: alice, password_env: PROVIDER_PASSWORD }} }}\n\nskills:"
    );
    let (_flows, mut setup) = center_with(&[("skills:", &trunk)]);
    setup.environment = vec![("PROVIDER_PASSWORD", "warmline".to_owned())];
    setup.dns = Some(dns.port());
    let server = Server::set_up(setup);
    let told = within(5, "whoever watches is told", || Some(ready(&server)).filter(|told| told != "ready\n"));
    let why = format!("its name {name} leads nowhere: there is no such name; it is looked up again");
    assert!(told.contains(&why), "{told}");
    let (is_well, doctor) = server.doctor();
    assert!(!is_well && doctor.contains(&format!("the name {name} leads nowhere")), "{doctor}");
    dns.knows(&["registrar.test"]);
    registrar.wait_for_agent("alice", "ready", 20);
    within(5, "nothing is wrong any more", || (ready(&server) == "ready\n").then_some(()));
    let (_, doctor) = server.doctor();
    assert!(doctor.contains(&format!("the name {name} leads to 127.0.0.1:")), "{doctor}");
}

#[test]
fn trunks_come_and_go_without_a_restart() {
    if !available("trunks_come_and_go_…", &["sipp"]) {
        return;
    }
    let (flows, setup) = center_with(&[]);
    let server = Server::set_up(setup);
    let file = flows.path().join("center.yaml");
    let without = fs::read_to_string(&file).expect("the center's file");
    let brings = |server: &Server| asserted(server).only("call_arrived")["trunk"].clone();
    assert!(brings(&server).is_null());
    let version = || server.get("/api/v1/flows/versions")["version"].clone();
    for (text, trunk) in [
        (format!("trunks: {{ provider: {{ from: 127.0.0.1 }} }}\n\n{without}"), json!("provider")),
        (without, json!(null)),
    ] {
        let before = version();
        fs::write(&file, text).expect("room on the disk");
        within(10, "it is served", || (version() != before).then_some(()));
        assert_eq!(brings(&server), trunk);
    }
}
