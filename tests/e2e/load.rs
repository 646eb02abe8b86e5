//! The load generator calls the real server, and tells what its callers met.

use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

use crate::server::Server;
use crate::server::Setup;
use crate::tools::Folder;
use crate::tools::free_ports;

/// Runs `warmline load` with these arguments and reads its report.
fn load(server: &Server, arguments: &[&str]) -> Value {
    let ports = free_ports(40);
    let (first, last) = (ports.first, ports.first + 39);
    let output = Command::new(env!("CARGO_BIN_EXE_warmline"))
        .args(["load", &server.sip(), "--format", "json", "--rtp-ports", &format!("{first}-{last}")])
        .args(arguments)
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    serde_json::from_str(&text)
        .unwrap_or_else(|_| panic!("{}\n{text}", String::from_utf8_lossy(&output.stderr)))
}

#[test]
fn callers_of_a_prompt_hear_it_at_once_and_whole() {
    let server = Server::start();
    let report = load(&server, &["--number", "9001", "--calls", "5", "--rate", "10", "--talk", "2s"]);
    assert_eq!((&report["placed"], &report["answered"]), (&5.into(), &5.into()), "{report:#}");
    assert_eq!(report["packets_lost"], 0, "{report:#}");
    assert!(report["packets_heard"].as_u64().unwrap() >= 5 * 80, "{report:#}");
    assert_eq!(report["first_audio_us"]["count"], 5, "{report:#}");
    assert!(report["off_pace_us"]["p50"].as_u64().unwrap() < 10_000, "{report:#}");
    assert_eq!(report["delay_us"], Value::Null, "a prompt is no frame of the caller's");
}

#[test]
fn callers_and_agents_are_bridged_and_the_way_between_is_measured() {
    let ports = free_ports(2);
    let agents = ports.first;
    let flows = Folder::new("load-flows");
    let demo = Path::new(env!("CARGO_MANIFEST_DIR")).join("ivr_flows");
    for file in fs::read_dir(demo).unwrap().flatten().filter(|file| file.path().is_file()) {
        let mut text = fs::read_to_string(file.path()).unwrap();
        for port in 5091..=5094 {
            text = text.replace(&format!("@127.0.0.1:{port}"), &format!("@127.0.0.1:{agents}"));
        }
        fs::write(flows.path().join(file.file_name()), text).unwrap();
    }
    let server = Server::set_up(Setup { flows: flows.path().to_owned(), ..Setup::default() });
    let from = format!("127.0.0.1:{agents}");
    let plan = ["--number", "9003", "--calls", "3", "--rate", "10", "--talk", "3s", "--from", &from];
    let report = load(&server, &plan);
    assert_eq!((&report["answered"], &report["rang_agents"]), (&3.into(), &3.into()), "{report:#}");
    assert!(report["delay_us"]["count"].as_u64().unwrap() >= 3 * 2 * 80, "{report:#}");
    assert!(report["delay_us"]["p50"].as_u64().unwrap() < 20_000, "{report:#}");
}

#[test]
fn a_caller_of_the_generator_keys_and_a_number_that_is_none_is_refused() {
    let server = Server::start();
    let report = load(&server, &["--number", "9002", "--calls", "1", "--keys", "1s 47#", "--talk", "4s"]);
    assert_eq!(report["answered"], 1, "{report:#}");
    let calls = server.get("/api/v1/calls");
    let id = calls["calls"][0]["id"].to_string();
    let story = server.get(&format!("/api/v1/calls/{}", id.trim_matches('"'))).to_string();
    assert!(story.contains("\"4\"") && story.contains("\"7\""), "{story}");
    let refused = load(&server, &["--number", "12345", "--calls", "2", "--no-audio"]);
    assert_eq!((&refused["answered"], &refused["refused"]["404"]), (&0.into(), &2.into()), "{refused:#}");
}
