//! Flow files change under the running server: by themselves, by command, and back again.

use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::Command;
use std::process::Output;
use std::process::Stdio;

use serde_json::Value;
use serde_json::json;

use crate::baresip;
use crate::baresip::Phone;
use crate::journal::somebody_waits;
use crate::journal::they_hear_each_other;
use crate::server::Server;
use crate::server::Setup;
use crate::spine::STRANGER;
use crate::tone::AGENT_HZ;
use crate::tools::Folder;
use crate::tools::available;
use crate::tools::within;

/// A copy of the demo center's flows, to be changed.
fn flows(folder: &Folder) -> std::path::PathBuf {
    let copy = folder.path().join("flows");
    fs::create_dir_all(&copy).expect("a folder");
    let demo = Path::new(env!("CARGO_MANIFEST_DIR")).join("ivr_flows");
    for entry in fs::read_dir(demo).expect("the demo center") {
        let path = entry.expect("an entry").path();
        if path.is_file() {
            fs::copy(&path, copy.join(path.file_name().expect("a name"))).expect("copied");
        }
    }
    copy
}

fn warmline(arguments: &[&str]) -> Output {
    let output = Command::new(env!("CARGO_BIN_EXE_warmline")).args(arguments).output();
    output.expect("warmline runs")
}

/// What a command says to programs.
fn parsed(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&output.stderr)))
}

#[test]
fn two_folders_of_flows_are_compared_for_people_and_for_programs() {
    let folder = Folder::new("differ");
    let new = flows(&folder);
    let goodbye = fs::read_to_string(new.join("goodbye.yaml")).expect("a flow");
    fs::write(new.join("goodbye.yaml"), goodbye.replace("pause: 1s", "pause: 3s")).expect("written");
    let old = Path::new(env!("CARGO_MANIFEST_DIR")).join("ivr_flows").display().to_string();
    let new = new.display().to_string();
    let text = warmline(&["flow", "diff", &old, &new]);
    let lines: Vec<_> = String::from_utf8_lossy(&text.stdout).lines().map(str::to_owned).collect();
    let one = ["goodbye", "1s", "3s"];
    assert!(lines.len() == 1 && one.iter().all(|words| lines[0].contains(words)), "{lines:?}");
    assert_eq!(
        parsed(&warmline(&["flow", "diff", &old, &new, "--format", "json"])),
        json!({ "changes": lines })
    );
    assert_eq!(
        parsed(&warmline(&["flow", "diff", &old, &old, "--format", "json"])),
        json!({ "changes": [] })
    );
}

#[test]
fn a_half_edited_file_ends_no_calls_when_the_server_crashes_and_starts() {
    if !available("a_half_edited_file_…", &["baresip"]) {
        return;
    }
    let folder = Folder::new("half");
    let flows = flows(&folder);
    let mut server = Server::set_up(Setup { flows: flows.clone(), ..Setup::default() });
    let (_alice, mut caller, id) = somebody_waits(&server, true);
    let support = flows.join("support_line.yaml");
    let good = fs::read_to_string(&support).expect("a flow");
    fs::write(&support, good.replace("enqueue: support", "enqueue: suport")).expect("written");
    let ready = |server: &Server| server.ask("GET", "/readyz", None).expect("the server answers");
    let told = within(10, "the problem is told", || {
        let (status, words) = ready(&server);
        assert_eq!(status, 200);
        words.contains("no queue is called \"suport\"").then_some(words)
    });
    assert!(told.contains("is served, also after a restart: "), "{told}");
    let to_strangers = server.ask_passed_on("/readyz").expect("the server answers");
    let plain =
        "ready\nthe flow files are not in order: what was served last is served, also after a restart\n";
    assert_eq!(to_strangers, (200, plain.to_owned()), "no file is named, and nothing that is in it");
    server.kill();
    server.restart();
    server.story_with(&id, "carried_on", 20);
    assert_eq!(ready(&server), (200, told.clone()), "as before");
    let alarms = server.get("/api/v1/wallboard")["alarms"].to_string();
    assert!(alarms.contains("the flow files are not in order, version "), "{alarms}");
    assert!(server.logged().contains("what was served last is served until they are mended"));
    let (good_now, words) = server.doctor();
    assert!(
        !good_now && words.contains("not in order") && words.contains("a start serves version "),
        "{words}"
    );
    fs::write(&support, good).expect("written");
    within(10, "it is mended", || (ready(&server).1 == "ready\n").then_some(()));
    caller.hang_up();
    server.story_with(&id, "call_ended", 10);
    server.is_left_clean();
}

#[test]
fn flow_files_change_under_the_running_server() {
    let folder = Folder::new("flows");
    let flows = flows(&folder);
    let server = Server::set_up(Setup { flows: flows.clone(), ..Setup::default() });
    let first = server.get("/api/v1/flows/versions")["version"].as_str().expect("a version").to_owned();
    let goodbye = flows.join("goodbye.yaml");
    let good = fs::read_to_string(&goodbye).expect("a flow");

    // By itself, within a few seconds.
    let longer = good.replace("pause: 1s", "pause: 2s").replace("goodbye said", "all said");
    fs::write(&goodbye, longer).expect("written");
    let changed = within(10, "the change is served", || {
        let told = server.get("/api/v1/flows/versions");
        (told["version"] != first.as_str()).then_some(told)
    });
    assert_eq!(changed["changes"][0]["did"], "reload");
    let told: Vec<&str> = changed["changes"][0]["changes"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|it| it.as_str())
        .collect();
    assert!(told.contains(&"goodbye: \"wait\": pause was 1s, is 2s"), "{told:?}");
    // And whoever looks at it sees the new one.
    let drawn = server.get("/api/v1/flows/goodbye").to_string();
    assert!(drawn.contains("all said") && !drawn.contains("goodbye said"), "{drawn}");

    // A bad file is told by everybody, and changes nothing.
    fs::write(&goodbye, good.replace("then: end", "then: nowhere")).expect("written");
    within(10, "the problem is told", || {
        server.get("/api/v1/flows/versions")["problem"]["errors"].as_array().map(drop)
    });
    assert_eq!(server.get("/api/v1/flows/versions")["version"], changed["version"]);
    let (_, metrics) = server.ask("GET", "/metrics", None).expect("the server answers");
    assert!(metrics.contains("\nwarmline_flow_problem 1\n"), "{metrics}");
    let http = server.http();
    let refused = warmline(&["flow", "publish", "--why", "a slip", "--http", &http]);
    assert_eq!(refused.status.code(), Some(1));
    let words = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(words.contains("no node is called \"nowhere\"") && words.contains("hint: "), "{words}");
    let versions = warmline(&["flow", "versions", "--format", "json", "--http", &http]);
    assert_eq!(versions.status.code(), Some(1), "what is wrong is a failure for programs, too");
    assert_eq!(parsed(&versions)["problem"], server.get("/api/v1/flows/versions")["problem"]);

    // Mended and published, with who and why; then back.
    fs::write(&goodbye, good.replace("pause: 1s", "pause: 3s")).expect("written");
    let published = warmline(&["flow", "publish", "--why", "shorter", "--by", "ada", "--http", &http]);
    assert!(published.status.success(), "{}", String::from_utf8_lossy(&published.stderr));
    let back = warmline(&["flow", "rollback", &first[..6], "--why", "it was better before", "--http", &http]);
    assert!(back.status.success(), "{}", String::from_utf8_lossy(&back.stderr));
    let told = server.get("/api/v1/flows/versions");
    assert_eq!(told["version"], first.as_str());
    assert!(told["problem"].is_null(), "{told}");
    let versions = warmline(&["flow", "versions", "--http", &http]);
    let versions = String::from_utf8_lossy(&versions.stdout).into_owned();
    for words in ["rollback", "it was better before", "ada", "shorter", &format!("new calls get {first}")] {
        assert!(versions.contains(words), "{words}: {versions}");
    }
    let versions = warmline(&["flow", "versions", "--format", "json", "--http", &http]);
    assert!(versions.status.success(), "{}", String::from_utf8_lossy(&versions.stderr));
    assert_eq!(parsed(&versions), told, "as the API answers");

    // An announcement is switched over what the file says, by name.
    let center = flows.join("center.yaml");
    let text = fs::read_to_string(&center).expect("the center");
    fs::write(&center, format!("{text}\nannouncements: {{ outage: {{ play: goodbye }} }}\n"))
        .expect("written");
    let published = warmline(&["flow", "publish", "--why", "for outages", "--http", &http]);
    assert!(published.status.success(), "{}", String::from_utf8_lossy(&published.stderr));
    let announce = |more: &[&str]| {
        let done = warmline(&[&["flow", "announce", "--http", &http], more].concat());
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
        String::from_utf8_lossy(&done.stdout).into_owned()
    };
    announce(&["outage", "--for", "2h", "--prompt", "beep", "--why", "a storm", "--by", "bo"]);
    let told = server.get("/api/v1/announcements")["announcements"][0].clone();
    assert_eq!((&told["switched"]["by"], &told["says"][0]), (&"bo".into(), &"beep".into()), "{told}");
    assert!(told["on_until"].is_string(), "{told}");
    assert!(announce(&[]).contains("a storm"));
    announce(&["outage", "--off", "--why", "it is over"]);
    let told = server.get("/api/v1/announcements")["announcements"][0].clone();
    assert!(told["on_until"].is_null() && told["switched"].is_null(), "{told}");
    let unknown = warmline(&["flow", "announce", "otage", "--off", "--why", "x", "--http", &http]);
    assert!(String::from_utf8_lossy(&unknown.stderr).contains("center.yaml has outage"));
}

#[test]
fn a_version_is_tried_on_some_callers_and_then_served_to_all() {
    if !available("a_version_is_tried_on_some_…", &["baresip"]) {
        return;
    }
    let server = Server::start();
    let http = server.http();
    let first = server.get("/api/v1/flows/versions")["version"].as_str().expect("a version").to_owned();
    let folder = Folder::new("canary");
    let new = flows(&folder);
    let goodbye = fs::read_to_string(new.join("goodbye.yaml")).expect("a flow");
    fs::write(new.join("goodbye.yaml"), goodbye.replace("goodbye said", "all said")).expect("written");
    let callers = folder.path().join("callers");
    fs::write(&callers, format!("# who tries it\n{STRANGER}\n")).expect("written");
    let (new, callers) = (new.display().to_string(), callers.display().to_string());
    let tries = ["flow", "publish", "--canary-callers", &callers, "--flows", &new, "--why", "new words"];
    let done = warmline(&[&tries[..], &["--http", &http]].concat());
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    assert!(String::from_utf8_lossy(&done.stdout).contains("is tried on: 1 caller"));

    let calls = |number: &str| {
        let mut caller = Phone::caller(&server.sip(), number);
        caller.dial(&server.uri("9199"));
        let id = caller.is_answered();
        server.story_with(&id, "call_ended", 60)
    };
    let (tried, other) = (calls(STRANGER), calls("+12025550177"));
    assert_eq!(tried.only("flows_served")["canary"], true);
    assert_eq!(tried.only("call_ended")["cause"], "all said");
    assert_eq!(other.only("flows_served")["version"], first.as_str());
    assert_eq!(other.only("call_ended")["cause"], "goodbye said");
    // Both are in the history; whoever folds them for the screens is told first.
    let told = server.get("/api/v1/flows/versions");
    assert_eq!((&told["version"], &told["canary"]["audience"]), (&first.clone().into(), &"1 caller".into()));
    let seen = told["outcomes"]["versions"].as_array().expect("versions");
    let calls_and_served: Vec<_> =
        seen.iter().map(|of| (of["calls"].as_u64(), of["served"].as_u64())).collect();
    assert_eq!(calls_and_served, [(Some(1), Some(1)); 2], "{told}");

    let done = warmline(&["flow", "promote", "--why", "nobody minded", "--http", &http]);
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    assert_eq!(calls("+12025550177").only("call_ended")["cause"], "all said");
}

#[test]
fn an_agent_comes_by_the_centers_file_is_rung_at_once_and_goes_by_it_after_the_talk() {
    if !available("an_agent_comes_by_the_centers_file_…", &["baresip"]) {
        return;
    }
    let folder = Folder::new("roster");
    let flows = flows(&folder);
    let mut server = Server::set_up(Setup { flows: flows.clone(), ..Setup::default() });
    // Alice is the only one there, and on a break: nobody can serve them.
    let (_alice, mut caller, id) = somebody_waits(&server, true);
    let mut add = Command::new(env!("CARGO_BIN_EXE_warmline"));
    add.args(["agent", "add", "erin", "--data"]).arg(server.data()).stdin(Stdio::piped());
    let mut add = add.spawn().expect("warmline runs");
    add.stdin.take().expect("it reads").write_all(b"correct-horse\n").expect("it is read");
    assert!(add.wait().expect("it ends").success());
    let center = flows.join("center.yaml");
    let without = fs::read_to_string(&center).expect("the center");
    let erin = "agents:\n  erin: { skills: { support: 6 }, ready: when registered }\n";
    let agents = |server: &Server| server.get("/api/v1/agents")["agents"].to_string();
    let phone = |server: &Server, answers| {
        let (domain, password) = (Some(server.sip()), Some("correct-horse"));
        Phone::start(&baresip::Setup {
            user: "erin",
            domain,
            password,
            answers,
            hz: AGENT_HZ,
            ..baresip::Setup::default()
        })
    };

    let version = |server: &Server| server.get("/api/v1/flows/versions")["version"].to_string();
    let before = version(&server);
    fs::write(&center, without.replace("agents:\n", erin)).expect("written");
    within(10, "erin is there", || agents(&server).contains("\"erin\"").then_some(()));
    assert_eq!(server.agent_state("erin"), "offline");
    let with_erin = within(10, "its version is told", || Some(version(&server)).filter(|now| *now != before));
    let erin = phone(&server, true);
    let story = server.story_with(&id, "agent_connected", 20);
    assert_eq!(story.only("agent_connected")["agent"], "erin");
    assert!(server.logged().contains("new calls get these flows"), "without a restart");
    they_hear_each_other(&caller, &erin);

    // Another process knows her, though the first began without her.
    server.kill();
    server.restart();
    server.story_with(&id, "carried_on", 20);
    they_hear_each_other(&caller, &erin);

    // She is taken out again while they talk.
    fs::write(&center, &without).expect("written");
    let accounts_changed = |server: &Server, times| {
        within(10, "accounts have changed", || {
            (server.logged().matches("accounts have changed").count() == times).then_some(())
        });
    };
    accounts_changed(&server, 1);
    assert_eq!(server.agent_state("erin"), "talking");
    they_hear_each_other(&caller, &erin);
    caller.hang_up();
    server.story_with(&id, "call_ended", 10);
    within(10, "she is gone", || (!agents(&server).contains("\"erin\"")).then_some(()));
    drop(erin);
    phone(&server, false).writes("403 Forbidden", 10);

    // A version that has her lets her in again.
    let back = warmline(&[
        "flow",
        "rollback",
        with_erin.trim_matches('"'),
        "--why",
        "she is back",
        "--http",
        &server.http(),
    ]);
    assert!(back.status.success(), "{}", String::from_utf8_lossy(&back.stderr));
    accounts_changed(&server, 2);
    let _erin = phone(&server, true);
    server.wait_for_agent("erin", "ready", 10);
    server.is_left_clean();
}
