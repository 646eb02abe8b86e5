//! Files change, are published, tried and taken back, under a control thread that says yes.

use super::*;
use crate::flow::announcement::Words;
use crate::server::ControlRequest;
use crate::server::canary::Audience;

const CENTER: &str = "company: x\nnumbers: { 1: main }\n";
const MAIN: &str = "flow: main\nstart: a\nnodes:\n  a: { play: hello, then: b }\n  b: { hang_up: done }\n";

struct House {
    folder: tempfile::TempDir,
    publisher: Publisher,
    /// The start nodes of what was served, in order; after a space that of what was tried on some.
    served: std::sync::mpsc::Receiver<String>,
}

fn write(folder: &Path, name: &str, text: &str) {
    fs::create_dir_all(folder.join("flows")).expect("a folder");
    fs::write(folder.join("flows").join(name), text).expect("written");
}

fn house() -> House {
    let folder = tempfile::tempdir().expect("a folder");
    fs::create_dir_all(folder.path().join("prompts/en")).expect("a folder");
    let spec = hound::WavSpec {
        channels: 1,
        sample_rate: 8_000,
        bits_per_sample: 16,
        sample_format: hound::SampleFormat::Int,
    };
    let mut wav = hound::WavWriter::create(folder.path().join("prompts/en/hello.wav"), spec).expect("a WAV");
    (0..800).for_each(|_| wav.write_sample(0_i16).expect("a sample"));
    wav.finalize().expect("a whole WAV");
    write(folder.path(), "center.yaml", CENTER);
    write(folder.path(), "main.yaml", MAIN);
    begin(folder)
}

/// Starts as the server does, with a control thread that says yes.
fn begin(folder: tempfile::TempDir) -> House {
    let (flows, prompts) = (FlowPlace::from(folder.path().join("flows")), folder.path().join("prompts"));
    let (loaded, beginning) =
        Beginning::read(&folder.path().join("data"), &flows, &prompts, Vec::new()).expect("in order");
    let (control, mut requests) = ControlHandle::new();
    let (sender, served) = std::sync::mpsc::channel();
    let first = |center: &Center| center.flows["main"].first_node().expect("a node").to_string();
    let tried = move |canary: Option<Canary>| {
        canary.map(|canary| format!(" {}", first(&canary.edition.center))).unwrap_or_default()
    };
    sender.send(first(&loaded.center) + &tried(beginning.canary())).expect("heard");
    thread::spawn(move || {
        while let Some(request) = requests.blocking_recv() {
            if let ControlRequest::Serve { served, reply } = request {
                let _ = sender.send(first(&served.all.center) + &tried(served.canary));
                let _ = reply.send(Ok(()));
            }
        }
    });
    let serving = (Arc::new(loaded.center), loaded.library);
    // Without the thread that looks at the folders: each test looks when it is time.
    let publisher = Publisher::new(beginning, serving, (flows, prompts), control);
    House { publisher, folder, served }
}

impl House {
    fn write(&self, name: &str, text: &str) {
        write(self.folder.path(), name, text);
    }

    fn served(&self) -> Vec<String> {
        self.served.try_iter().collect()
    }
}

#[test]
fn a_good_file_is_served_and_a_bad_one_is_told_and_changes_nothing() {
    let house = house();
    house.write("main.yaml", &MAIN.replace("a:", "z:").replace("start: a", "start: z"));
    let entry = house.publisher.publish("ada", "a new name").expect("in order");
    assert_eq!(entry.changes, ["main: start was a, is z", "main: \"a\" is now called \"z\""]);
    assert_eq!((entry.did, &*entry.by, &*entry.why), (Did::Publish, "ada", "a new name"));
    assert_eq!(house.served(), ["a", "z"]);
    house.write("main.yaml", &MAIN.replace("then: b", "then: nowhere"));
    let error = house.publisher.publish("ada", "a slip").expect_err("out of order");
    assert!(error.all()[0].contains("no node is called \"nowhere\""), "{error}");
    assert_eq!(house.served(), [""; 0]);
    let status = house.publisher.status();
    assert_eq!(status.serving.version, entry.version);
    assert_eq!((status.published, status.refused), (1, 1));
    assert!(status.problem.is_some_and(|problem| problem.errors[0].contains("nowhere")));
    house.write("main.yaml", MAIN);
    house.publisher.publish("ada", "mended").expect("in order");
    assert!(house.publisher.status().problem.is_none());
}

#[test]
fn a_change_is_taken_when_it_stands_still() {
    let house = house();
    house.publisher.look_again();
    assert_eq!(house.served(), ["a"], "nothing has changed");
    house.write("main.yaml", &MAIN.replace("a:", "other:").replace("start: a", "start: other"));
    house.publisher.look_again();
    house.publisher.look_again();
    assert_eq!(house.served(), ["other"]);
    assert_eq!(house.publisher.status().serving.did, Did::Reload);
    house.write("main.yaml", "flow: main");
    house.publisher.look_again();
    house.publisher.look_again();
    house.publisher.look_again();
    let status = house.publisher.status();
    assert_eq!(
        (house.served().len(), status.published, status.refused),
        (0, 1, 1),
        "a bad file is read once"
    );
}

#[test]
fn what_needs_a_restart_is_told_and_not_served() {
    let house = house();
    house.write(
        "center.yaml",
        "company: y\nnumbers: { 1: main }\nskills: [s]\nagents: { erin: { skills: { s: 3 } } }\n",
    );
    let error = house.publisher.publish("ada", "erin joins").expect_err("a restart is needed");
    assert_eq!(error.to_string(), "this needs a restart: the skills have changed");
    assert_eq!(house.served(), ["a"]);
}

/// The center's file with these agents, and a flow that begins at this node.
fn with_agents(house: &House, agents: &str) {
    house.write("center.yaml", &format!("{CENTER}agents: {{ {agents} }}\n"));
}

/// Each agent by their place, those who are gone with a minus.
fn places(house: &House) -> Vec<String> {
    let center = house.publisher.center();
    let agents = center.engine.agents.iter();
    agents.map(|agent| format!("{}{}", if agent.gone { "-" } else { "" }, agent.name)).collect()
}

#[test]
fn agents_come_change_and_go_and_nobodys_place_moves() {
    let house = house();
    let publish = |agents: &str| {
        with_agents(&house, agents);
        house.publisher.publish("ada", "x").expect("in order");
        places(&house)
    };
    assert_eq!(publish("bob: {}, erin: {}"), ["bob", "erin"]);
    assert_eq!(publish("ann: {}, erin: {}, bob: {}"), ["bob", "erin", "ann"], "their order is no matter");
    assert_eq!(publish("erin: { extension: 201 }, ann: {}"), ["-bob", "erin", "ann"]);
    assert_eq!(house.publisher.center().extensions["201"], crate::base::AgentId(1));
    assert_eq!(publish("bob: {}, zoe: {}"), ["bob", "-erin", "-ann", "zoe"], "who is back has their place");
    let back = house.publisher.log(9).expect("read").into_iter().rev().nth(2).expect("a change");
    house.publisher.go_back(Some(&back.version), "ada", "bob is ill").expect("in order");
    assert_eq!(places(&house), ["bob", "erin", "ann", "-zoe"]);
}

#[test]
fn a_flow_that_names_an_agent_who_is_gone_is_not_served() {
    let house = house();
    with_agents(&house, "bob: {}, erin: { learns_from: bob }");
    house.publisher.publish("ada", "x").expect("in order");
    with_agents(&house, "erin: { learns_from: bob }");
    let error = house.publisher.publish("ada", "bob leaves").expect_err("somebody learns from him");
    assert!(error.to_string().contains("no agent is called \"bob\""), "{error}");
    assert_eq!(places(&house), ["bob", "erin"]);
}

#[test]
fn files_with_other_agents_are_tried_on_nobody_and_served_to_all_by_no_trial() {
    let house = house();
    with_agents(&house, "bob: {}");
    house.publisher.publish("ada", "x").expect("in order");
    let mut files =
        vec![("center.yaml".to_owned(), format!("{CENTER}agents: {{ bob: {{}}, erin: {{}} }}\n"))];
    files.push(("main.yaml".to_owned(), MAIN.replace("a:", "z:").replace("start: a", "start: z")));
    let half = || Audience::share(50.0).expect("a share");
    let others =
        "agents and trunks are the same for all callers, and these files have others: the agent \"erin\" is";
    let error = house.publisher.try_on(Some(files.clone()), half(), "ada", "x").expect_err("erin");
    assert_eq!(error.to_string(), format!("{others} new"));
    with_agents(&house, "bob: {}, erin: {}");
    house.publisher.publish("ada", "erin joins").expect("in order");
    house.publisher.try_on(Some(files), half(), "ada", "x").expect("in order");
    // While it is tried, the center loses her.
    with_agents(&house, "bob: {}");
    house.publisher.publish("ada", "erin leaves").expect("in order");
    let error = house.publisher.promote("ada", "x").expect_err("erin would be back");
    assert_eq!(error.to_string(), format!("{others} new"));
    assert_eq!(places(&house), ["bob", "-erin"]);
}

#[test]
fn who_goes_back_stays_there_over_a_restart_until_the_files_change() {
    let house = house();
    let first = house.publisher.status().serving.version;
    house.write("main.yaml", &MAIN.replace("a:", "z:").replace("start: a", "start: z"));
    house.publisher.publish("ada", "new").expect("in order");
    let back = house.publisher.go_back(None, "ada", "callers complained").expect("a version before");
    assert_eq!(back.version, first);
    assert_eq!(house.served(), ["a", "z", "a"]);
    assert!(matches!(house.publisher.go_back(Some("zzz"), "ada", "x"), Err(PublishError::UnknownVersion(_))));
    let House { folder, publisher, .. } = house;
    drop(publisher);
    let house = begin(folder);
    assert_eq!(house.served(), ["a"], "the folder is as it was when somebody went back");
    let told: Vec<Did> = house.publisher.log(9).expect("read").iter().map(|entry| entry.did).collect();
    assert_eq!(told, [Did::Start, Did::Rollback, Did::Publish, Did::Start]);
    house.write("main.yaml", &MAIN.replace("a:", "y:").replace("start: a", "start: y"));
    let House { folder, publisher, .. } = house;
    drop(publisher);
    assert_eq!(begin(folder).served(), ["y"], "the files have changed since");
}

#[test]
fn files_written_again_with_the_same_contents_undo_no_going_back() {
    let house = house();
    let z = MAIN.replace("a:", "z:").replace("start: a", "start: z");
    house.write("main.yaml", &z);
    house.publisher.publish("ada", "a new name").expect("in order");
    house.publisher.go_back(None, "ada", "it was wrong").expect("there is one before");
    assert_eq!(house.served(), ["a", "z", "a"]);
    let touch = |name: &str| {
        let file = fs::File::options().append(true).open(house.folder.path().join(name)).expect("there");
        file.set_modified(SystemTime::now() + Duration::from_secs(3)).expect("touched");
        (0..3).for_each(|_| house.publisher.look_again());
    };
    touch("flows/main.yaml");
    assert!(house.served().is_empty(), "the same bytes are no change");
    // Other recordings are heard, by the same version.
    touch("prompts/en/hello.wav");
    assert_eq!(house.served(), ["a"]);
    house.write("main.yaml", &z.replace("hello", "[hello, hello]"));
    (0..2).for_each(|_| house.publisher.look_again());
    assert_eq!(house.served(), ["z"], "other contents are");
}

#[test]
fn a_start_serves_what_was_served_last_where_the_files_are_not_in_order() {
    let house = house();
    house.write("main.yaml", &beginning_with("z"));
    let good = house.publisher.publish("ada", "new").expect("in order").version;
    house.write("main.yaml", "flow: main\nstart: ");
    house.write("center.yaml", "company: ");
    // Not once only: it is told until somebody mends it.
    let mut house = house;
    for _ in 0..2 {
        let House { folder, publisher, .. } = house;
        drop(publisher);
        house = begin(folder);
        assert_eq!(house.served(), ["z"]);
        let status = house.publisher.status();
        assert_eq!((&status.serving.version, status.serving.did), (&good, Did::Start));
        let problem = status.problem.as_ref().expect("the files are not in order");
        assert_eq!((problem.errors.is_empty(), problem.restart), (false, Restart::ServesKept));
        let line = status.trouble().expect("it is told");
        assert!(
            line.starts_with("the flow files are not in order, version ") && line.contains("center.yaml:1"),
            "{line}"
        );
        house.publisher.look_again();
        house.publisher.look_again();
        assert_eq!(house.served(), [""; 0], "the same files are not read again");
    }
    house.write("main.yaml", &beginning_with("y"));
    house.write("center.yaml", CENTER);
    house.publisher.look_again();
    house.publisher.look_again();
    assert_eq!(house.served(), ["y"]);
    assert!(house.publisher.status().trouble().is_none(), "it is mended");
}

#[test]
fn a_first_start_refuses_files_that_are_not_in_order() {
    let folder = house().folder;
    fs::remove_dir_all(folder.path().join("data")).expect("removed");
    write(folder.path(), "main.yaml", "flow: main\nstart: ");
    let at = |name: &str| folder.path().join(name);
    let refused = Beginning::read(&at("data"), &at("flows").into(), &at("prompts"), Vec::new());
    assert!(matches!(refused, Err(LoadError::Flows(_))));
}

#[test]
fn flow_files_in_another_place_than_they_should_be_are_no_reason_to_serve_older_ones() {
    let folder = house().folder;
    let at = |name: &str| folder.path().join(name);
    let refused = Beginning::read(&at("data"), &at("nowhere").into(), &at("prompts"), Vec::new());
    assert!(matches!(refused, Err(LoadError::Read { .. })));
}

#[test]
fn what_a_restart_would_make_of_files_that_are_not_served_is_told() {
    let house = house();
    let trouble = || {
        let _ = house.publisher.publish("ada", "x");
        house.publisher.status().trouble().unwrap_or_default()
    };
    house.write("main.yaml", &MAIN.replace("then: b", "then: nowhere"));
    let words = trouble();
    assert!(words.contains("is served, also after a restart: ") && words.contains("\"nowhere\""), "{words}");
    house.write("main.yaml", MAIN);
    house.write("center.yaml", &format!("{CENTER}skills: [s]\n"));
    assert_eq!(trouble(), "changed flow files are not served: this needs a restart: the skills have changed");
    house.write("center.yaml", CENTER);
    let prompt = house.folder.path().join("prompts/en/hello.wav");
    fs::rename(&prompt, prompt.with_file_name("hallo.wav")).expect("renamed");
    let words = trouble();
    assert!(
        words.starts_with("a restart would fail: ") && words.contains("hello"),
        "what was served needs it: {words}"
    );
    fs::write(prompt, "no sound").expect("written");
    let words = trouble();
    assert!(words.starts_with("a restart would fail: ") && words.contains("hello.wav"), "{words}");
}

#[test]
fn the_centers_file_may_lie_elsewhere_and_is_called_as_it_is() {
    let folder = house().folder;
    let at = |name: &str| folder.path().join(name);
    let elsewhere = FlowPlace { folder: at("flows"), center: Some(at("other.yaml")) };
    let data = at("another");
    let read = || Beginning::read(&data, &elsewhere, &at("prompts"), Vec::new());
    assert!(matches!(read(), Err(LoadError::Read { path, .. }) if path == at("other.yaml")), "there is none");
    fs::write(at("other.yaml"), "company: Other\nnumbers: { 2: main }\n").expect("written");
    let (loaded, beginning) = read().expect("in order");
    assert_eq!(&*loaded.center.company, "Other");
    let seen = beginning.seen.clone();
    let kept =
        fs::read_to_string(data.join("flows/versions").join(&**beginning.version()).join("center.yaml"));
    assert!(kept.expect("it is kept").contains("Other"), "a version is whole by itself");
    fs::write(at("other.yaml"), "company: Other\nnumbers: { 2: mian }\n").expect("written");
    assert_ne!(look(&elsewhere, &at("prompts")), seen, "a change of it is seen");
    let (loaded, beginning) = read().expect("what was served before");
    assert_eq!(&*loaded.center.company, "Other");
    let errors = beginning.problem.expect("it is not in order").errors;
    assert!(
        errors[0].starts_with(&format!("{}:2:15: error: no flow is called", at("other.yaml").display())),
        "{errors:?}"
    );
}

/// Another machine with a copy of the data folder, and its own flow files.
fn other_machine(house: &House, main: &str) -> House {
    let other = self::house().folder;
    copy(&house.folder.path().join("data"), &other.path().join("data"));
    write(other.path(), "main.yaml", main);
    begin(other)
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("a folder");
    for entry in fs::read_dir(from).expect("a folder").flatten() {
        let to = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &to);
        } else {
            fs::copy(entry.path(), to).expect("a copy");
        }
    }
}

#[test]
fn another_machine_stays_with_what_somebody_went_back_to_where_its_folder_is_the_same() {
    let house = house();
    house.write("main.yaml", &beginning_with("z"));
    house.publisher.publish("ada", "new").expect("in order");
    house.publisher.go_back(None, "ada", "callers complained").expect("a version before");
    assert_eq!(
        other_machine(&house, &beginning_with("z")).served(),
        ["a"],
        "its folder is what was gone back from"
    );
    assert_eq!(other_machine(&house, &beginning_with("y")).served(), ["y"], "it has another folder");
    assert_eq!(other_machine(&house, MAIN).served(), ["a"]);
    house.publisher.try_on(sent(&beginning_with("x")), half(), "ada", "x").expect("in order");
    house.publisher.promote("ada", "better").expect("it is tried");
    assert_eq!(other_machine(&house, &beginning_with("z")).served(), ["x"]);
    assert_eq!(
        other_machine(&house, &beginning_with("y")).served(),
        ["y"],
        "what was published is not served there"
    );
}

/// Main with another first node.
fn beginning_with(node: &str) -> String {
    MAIN.replace("a:", &format!("{node}:")).replace("start: a", &format!("start: {node}"))
}

fn sent(main: &str) -> Option<Texts> {
    Some(vec![("center.yaml".to_owned(), CENTER.to_owned()), ("main.yaml".to_owned(), main.to_owned())])
}

fn half() -> Audience {
    Audience::share(50.0).expect("a share")
}

fn did(house: &House) -> Vec<Did> {
    house.publisher.log(99).expect("read").iter().map(|entry| entry.did).collect()
}

#[test]
fn a_version_is_tried_on_some_and_then_served_to_all() {
    let house = house();
    let first = house.publisher.status().serving.version;
    let entry =
        house.publisher.try_on(sent(&beginning_with("z")), half(), "ada", "shorter").expect("in order");
    assert_eq!((entry.did, entry.audience.as_deref()), (Did::Canary, Some("50 % of callers")));
    assert_eq!(entry.changes, ["main: start was a, is z", "main: \"a\" is now called \"z\""]);
    assert_eq!(house.served(), ["a", "a z"]);
    let status = house.publisher.status();
    assert_eq!((&status.serving.version, status.published), (&first, 0), "all others get what they got");
    let began = status.trial.expect("it is tried").began;
    let more = Audience::share(90.0).expect("a share");
    house.publisher.try_on(sent(&beginning_with("z")), more, "ada", "it goes well").expect("in order");
    assert_eq!(house.publisher.status().trial.expect("it is tried").began, began, "it is counted on");
    house.publisher.promote("ada", "better").expect("it is tried");
    let status = house.publisher.status();
    assert_eq!((status.serving.version, status.trial), (entry.version, None));
    assert_eq!(house.served(), ["a z", "z"]);
    assert_eq!(did(&house), [Did::Promote, Did::Canary, Did::Canary, Did::Start]);
    assert!(matches!(house.publisher.promote("ada", "again"), Err(PublishError::NothingTried)));
    let back = house.publisher.go_back(None, "ada", "no, it was not").expect("a version before");
    assert_eq!(back.version, first, "what was only tried is no version that all had");
}

#[test]
fn who_promotes_what_the_folder_does_not_have_keeps_it_over_a_restart() {
    let house = house();
    house.publisher.try_on(sent(&beginning_with("z")), half(), "ada", "x").expect("in order");
    house.publisher.promote("ada", "better").expect("it is tried");
    let House { folder, publisher, .. } = house;
    drop(publisher);
    let house = begin(folder);
    assert_eq!(house.served(), ["z"], "the folder is as it was then");
    house.write("main.yaml", &beginning_with("z"));
    house.publisher.publish("ada", "the folder has it, too").expect("in order");
    assert_eq!(house.publisher.status().serving.folder, None);
}

#[test]
fn what_is_tried_is_tried_still_after_a_restart_where_it_can_be() {
    let house = house();
    house.publisher.try_on(sent(&beginning_with("z")), half(), "ada", "shorter").expect("in order");
    let House { folder, publisher, .. } = house;
    drop(publisher);
    let house = begin(folder);
    assert_eq!(house.served(), ["a z"]);
    assert_eq!(house.publisher.status().trial.expect("it is tried").by, "ada");
    let House { folder, publisher, .. } = house;
    drop(publisher);
    // Meanwhile the center has become another one: what is tried does not know the skill.
    let more = "skills: [s]\nagents: { erin: { skills: { s: 3 } } }\n";
    write(folder.path(), "center.yaml", &format!("{CENTER}{more}"));
    let house = begin(folder);
    assert_eq!(house.served(), ["a"]);
    let last = house.publisher.log(1).expect("read").remove(0);
    assert_eq!((last.did, &*last.by), (Did::CanaryEnded, "the server"));
    assert!(last.why.contains("the skills have changed"), "{}", last.why);
    let House { folder, publisher, .. } = house;
    drop(publisher);
    assert_eq!(did(&begin(folder))[..2], [Did::Start, Did::CanaryEnded], "it is told once");
}

#[test]
fn a_canary_that_is_out_of_order_meets_nobody_and_leaves_nothing() {
    let house = house();
    let bad = sent(&MAIN.replace("then: b", "then: nowhere"));
    let error = house.publisher.try_on(bad, half(), "ada", "a slip").expect_err("out of order");
    assert!(error.all()[0].contains("main.yaml:4:27: error: no node is called \"nowhere\""), "{error}");
    let dialled = Audience::dialled(vec!["2".to_owned()]).expect("a number");
    let error =
        house.publisher.try_on(sent(&beginning_with("z")), dialled, "ada", "x").expect_err("no such number");
    assert_eq!(error.to_string(), "the version that is tried has no number \"2\"");
    let error = house.publisher.try_on(None, half(), "ada", "x").expect_err("nothing new");
    assert!(matches!(error, PublishError::ServedAlready(_)), "{error}");
    let more = format!("{CENTER}skills: [s]\nagents: {{ erin: {{ skills: {{ s: 3 }} }} }}\n");
    let files = vec![("center.yaml".to_owned(), more), ("main.yaml".to_owned(), MAIN.to_owned())];
    let error = house.publisher.try_on(Some(files), half(), "ada", "x").expect_err("a restart is needed");
    assert!(matches!(error, PublishError::NeedsRestart(_)), "{error}");
    for name in ["../main.yaml", "/etc/main.yaml", "main.txt", "", "a/../../b.yaml"] {
        let files = vec![(name.to_owned(), MAIN.to_owned())];
        let error = house.publisher.try_on(Some(files), half(), "ada", "x").expect_err("no name of a flow");
        assert!(matches!(error, PublishError::FileName(_)), "{name}: {error}");
    }
    assert_eq!(house.served(), ["a"]);
    assert_eq!(did(&house), [Did::Start]);
    let kept = fs::read_dir(house.folder.path().join("data/flows/versions")).expect("a folder").count();
    assert_eq!(kept, 1, "what never served is no version");
    assert!(house.publisher.status().problem.is_none(), "the folder is in order");
}

#[test]
fn going_back_ends_what_is_tried_and_other_changes_leave_it() {
    let house = house();
    let first = house.publisher.status().serving.version;
    house.publisher.try_on(sent(&beginning_with("z")), half(), "ada", "x").expect("in order");
    house.write("main.yaml", &beginning_with("y"));
    house.publisher.publish("bo", "y").expect("in order");
    assert_eq!(house.served(), ["a", "a z", "y z"]);
    let ended = house.publisher.go_back(None, "ada", "callers got lost").expect("it is tried");
    assert_eq!((ended.did, &*ended.why), (Did::CanaryEnded, "callers got lost"));
    assert_eq!(house.served(), ["y"], "to what all others got, and no further");
    house.publisher.try_on(sent(&beginning_with("z")), half(), "ada", "x").expect("in order");
    house.publisher.go_back(Some(&first), "ada", "all of it").expect("kept");
    assert_eq!(house.served(), ["y z", "a"]);
    assert_eq!(did(&house)[..3], [Did::Rollback, Did::CanaryEnded, Did::Canary]);
    house.publisher.try_on(sent(&beginning_with("z")), half(), "ada", "x").expect("in order");
    house.write("main.yaml", &beginning_with("z"));
    house.publisher.publish("ada", "the same in the folder").expect("in order");
    assert_eq!(house.served(), ["a z", "z"]);
    assert_eq!(did(&house)[..2], [Did::Publish, Did::Canary], "what all get is tried on nobody");
}

/// A center with an announcement that main begins with.
fn with_announcement(house: &House) {
    house.write("center.yaml", &format!("{CENTER}announcements: {{ outage: {{ play: hello }} }}\n"));
    house.write("main.yaml", &MAIN.replace("{ play: hello,", "{ announce: outage,"));
    house.publisher.publish("ada", "an announcement").expect("in order");
}

fn on_until(house: &House) -> Option<WallTime> {
    house.publisher.center().announcements["outage"].on_until(now())
}

#[test]
fn an_announcement_is_switched_for_a_while_and_outlives_a_restart() {
    let house = house();
    let hour = Duration::from_secs(3_600);
    let error = house.publisher.announce("outage", hour, Words::OfFile, "bo", "x").expect_err("none yet");
    assert_eq!(error.to_string(), "no announcement is called \"outage\"; center.yaml has none");
    with_announcement(&house);
    house.publisher.try_on(sent_with_announcement(), half(), "ada", "x").expect("in order");
    let before = house.publisher.status();
    assert_eq!(on_until(&house), None);
    for lasts in [Duration::ZERO, Duration::from_secs(32 * 86_400)] {
        let error = house.publisher.announce("outage", lasts, Words::OfFile, "bo", "x").expect_err("no time");
        assert!(matches!(error, PublishError::AnnouncementTime));
    }
    let words = Words::Prompt("no/such".into());
    let error = house.publisher.announce("outage", hour, words, "bo", "x").expect_err("no recording");
    assert_eq!(error.to_string(), "there is no recording \"no/such\" in \"en\"");
    assert_eq!(on_until(&house), None, "what cannot be heard switches nothing");
    let entry = house.publisher.announce("outage", hour, Words::OfFile, "bo", "a storm").expect("in order");
    assert_eq!((entry.did, &*entry.by, &*entry.why), (Did::Announce, "bo", "a storm"));
    assert!(entry.changes[0].starts_with("announcement \"outage\" is on until "), "{:?}", entry.changes);
    assert_eq!(on_until(&house), Some(entry.at + hour));
    let status = house.publisher.status();
    assert_eq!((status.serving.version, status.published), (before.serving.version, before.published));
    // What is tried says it as well, and neither a change of the files nor a restart ends it.
    let tried = house.publisher.work.lock().expect("whole").trying.as_ref().expect("tried").canary();
    assert_eq!(tried.edition.center.announcements["outage"].on_until(now()), Some(entry.at + hour));
    let text = MAIN.replace("{ play: hello,", "{ announce: outage,").replace("done", "said");
    house.write("main.yaml", &text);
    house.publisher.publish("ada", "more").expect("in order");
    assert_eq!(on_until(&house), Some(entry.at + hour));
    let House { folder, publisher, .. } = house;
    drop(publisher);
    let house = begin(folder);
    assert_eq!(on_until(&house), Some(entry.at + hour));
    assert_eq!(house.publisher.status().switched[0].why, "a storm");
    house.publisher.silence("outage", "bo", "mended").expect("in order");
    assert_eq!((on_until(&house), house.publisher.status().switched.len()), (None, 0));
    let back = house.publisher.go_back(None, "ada", "x").expect("it was tried");
    assert_eq!(back.did, Did::CanaryEnded, "an announcement is no version to go back to");
}

#[test]
fn an_announcement_that_is_refused_was_not_switched_and_the_log_does_not_say_so() {
    let house = house();
    with_announcement(&house);
    let hour = Duration::from_secs(3_600);
    let switch = || {
        let words = Words::Prompt("no/such".into());
        house.publisher.announce("outage", hour, words, "bo", "x").expect_err("no recording");
        house.publisher.announce("nothing", hour, Words::OfFile, "bo", "x").expect_err("none is called so");
        house.publisher.announce("outage", hour, Words::OfFile, "bo", "x").expect("in order");
    };
    // Tests beside this one may have just told all threads that nobody listens.
    let log = (0..20).map(|_| logged(switch)).find(|log| log.contains("an announcement was switched"));
    let log = log.expect("a log");
    assert_eq!(log.matches("switched").count(), 1, "{log}");
}

/// What is logged meanwhile, by this thread.
fn logged(done: impl FnOnce()) -> String {
    #[derive(Clone, Default)]
    struct Log(Arc<Mutex<Vec<u8>>>);
    impl io::Write for Log {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            locked(&self.0).extend(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let log = Log::default();
    let writer = log.clone();
    let subscriber = tracing_subscriber::fmt().with_writer(move || writer.clone()).finish();
    tracing::subscriber::with_default(subscriber, done);
    String::from_utf8(locked(&log.0).clone()).expect("a text")
}

fn sent_with_announcement() -> Option<Texts> {
    let center = format!("{CENTER}announcements: {{ outage: {{ play: hello }} }}\n");
    Some(vec![("center.yaml".to_owned(), center), ("main.yaml".to_owned(), beginning_with("z"))])
}

#[test]
fn an_announcement_that_the_files_have_on_can_be_silenced() {
    let house = house();
    let center =
        format!("{CENTER}announcements: {{ outage: {{ play: hello, on: yes, until: 2999-01-01 00:00 }} }}\n");
    house.write("center.yaml", &center);
    house.publisher.publish("ada", "an outage").expect("in order");
    assert!(on_until(&house).is_some());
    house.publisher.silence("outage", "bo", "it is over").expect("in order");
    assert_eq!(on_until(&house), None);
    let House { folder, publisher, .. } = house;
    drop(publisher);
    let house = begin(folder);
    assert_eq!(on_until(&house), None, "also after a restart");
    house.write("center.yaml", CENTER);
    house.publisher.publish("ada", "no more of it").expect("what was switched and is gone stops nobody");
}
