//! What is written down, and what another process makes of it.

use super::*;
use crate::base::AgentId;
use crate::queue::Event;
use crate::queue::api::AgentConfig;
use crate::queue::api::AgentState;
use crate::queue::api::AgentWish;
use crate::queue::api::Roster;

fn config() -> Config {
    let agent = AgentConfig { name: "alice".into(), skills: Vec::new(), always_ready: false, gone: false };
    Config { agents: vec![agent], ..Config::default() }
}

fn wants(wish: AgentWish) -> Event {
    Event::AgentWants { agent: AgentId(0), wish }
}

fn desks(open: &[u32]) -> Changes {
    let desks = serde_json::json!({ "guests": ["sam"], "open": open });
    Changes { desks: Some(serde_json::from_value(desks).unwrap()), ..Changes::default() }
}

fn place() -> Place {
    Place { started: WallTime(7), config: config(), sip: "127.0.0.1:5060".parse().unwrap() }
}

/// What is left, taken for good.
fn taken(data: &Path) -> Option<Left> {
    let (left, taken) = take(data)?;
    taken.remove();
    Some(left)
}

/// A writer as the thread has it, that has been told everything.
fn writer(data: &Path, shortest: u64) -> Writer {
    let mut writer = Writer {
        path: data.join(FILE),
        place: place(),
        zero: Arc::new(AtomicI64::new(place().started.0)),
        boot: None,
        keyring: Keyring::of(data, WallTime(7)),
        shortest,
        file: None,
        kept: None,
        last: Timestamp::ZERO,
        reached_at: Instant::now(),
        failed: Arc::default(),
        stats: Arc::default(),
    };
    let engine = Box::new(Engine::new(config()));
    writer.whole(Timestamp::ZERO, engine, Changes::default()).unwrap();
    writer
}

fn turn(at: Timestamp, told: Vec<(Timestamp, Event)>, changes: Changes) -> Turn {
    let mut turn = Turn::default();
    turn.add(at, told, changes);
    turn
}

fn agent(left: &Left) -> &AgentState {
    left.carried.engine.as_ref().unwrap().agent_state(AgentId(0)).unwrap()
}

#[test]
fn what_was_written_is_left_to_the_next_and_taken_once() {
    let data = tempfile::tempdir().unwrap();
    assert!(take(data.path()).is_none(), "nobody was there before");
    let mut writer = writer(data.path(), SHORTEST);
    let told = vec![(Timestamp::from_secs(1), wants(AgentWish::Ready))];
    writer.turn(turn(Timestamp::from_secs(2), told, desks(&[0]))).unwrap();
    let left = taken(data.path()).unwrap();
    assert_eq!((&left.place, left.last), (&place(), Timestamp::from_secs(2)));
    assert_eq!(agent(&left), &AgentState::Ready);
    assert_eq!(serde_json::to_value(&left.carried.desks).unwrap()["open"], serde_json::json!([0]));
    assert!(left.gone < Duration::from_secs(60));
    assert!(take(data.path()).is_none(), "whoever breaks over it does so once");
}

#[test]
fn a_turn_that_was_cut_off_has_not_been() {
    let data = tempfile::tempdir().unwrap();
    let mut writer = writer(data.path(), SHORTEST);
    writer.turn(turn(Timestamp::from_secs(1), Vec::new(), desks(&[0]))).unwrap();
    let told = vec![(Timestamp::from_secs(2), wants(AgentWish::Ready))];
    writer.turn(turn(Timestamp::from_secs(2), told, desks(&[]))).unwrap();
    let whole = fs::read_to_string(data.path().join(FILE)).unwrap();
    let last = whole.trim_end().rfind('\n').unwrap();
    // Without its last line, and with every part of it, the last turn has not been.
    for cut in [last + 1, last + 5, whole.len() - 2] {
        fs::write(data.path().join(FILE), &whole[..cut]).unwrap();
        let left = taken(data.path()).unwrap();
        assert_eq!((left.last, agent(&left)), (Timestamp::from_secs(1), &AgentState::Offline), "{cut}");
        assert_eq!(serde_json::to_value(&left.carried.desks).unwrap()["open"], serde_json::json!([0]));
    }
}

#[test]
fn a_file_that_is_long_enough_is_begun_anew_with_what_it_came_to() {
    let data = tempfile::tempdir().unwrap();
    let mut writer = writer(data.path(), 1);
    let empty = fs::metadata(data.path().join(FILE)).unwrap().len();
    for n in 0..500 {
        let wish = if n % 2 == 0 { AgentWish::Ready } else { AgentWish::NotReady("lunch".into()) };
        let at = Timestamp::from_secs(n);
        writer.turn(turn(at, vec![(at, wants(wish))], Changes::default())).unwrap();
        let length = fs::metadata(data.path().join(FILE)).unwrap().len();
        assert!(length <= 8 * empty, "{length} after {n}, and {empty} at first");
    }
    let left = taken(data.path()).unwrap();
    assert_eq!(agent(&left), &AgentState::NotReady("lunch".into()));
    assert_eq!(left.last, Timestamp::from_secs(499));
}

#[test]
fn a_disk_that_takes_nothing_leaves_nothing_to_go_on_with() {
    let data = tempfile::tempdir().unwrap();
    let folder = data.path().join("gone");
    fs::create_dir(&folder).unwrap();
    let mut writer = writer(&folder, 1);
    fs::remove_dir_all(&folder).unwrap();
    // The file is open still; the one that takes its place cannot be.
    let told = (0..1_000).map(|n| (Timestamp::from_secs(n), wants(AgentWish::Ready))).collect();
    let failed = writer.turn(turn(Timestamp::from_secs(1_000), told, Changes::default())).unwrap_err();
    writer.or_give_up(Err(failed));
    assert!(writer.failed.load(Ordering::Relaxed) && writer.file.is_none());
    assert_eq!(writer.stats.given_up.load(Ordering::Relaxed), 1);
    fs::create_dir(&folder).unwrap();
    assert!(take(&folder).is_none());
}

#[test]
fn another_form_another_center_and_a_long_absence_are_not_gone_on_with() {
    let data = tempfile::tempdir().unwrap();
    let write = || drop(writer(data.path(), SHORTEST));
    write();
    let text = fs::read_to_string(data.path().join(FILE)).unwrap();
    fs::write(data.path().join(FILE), text.replace("\"journal\":1", "\"journal\":2")).unwrap();
    assert!(take(data.path()).is_none());
    fs::write(data.path().join(FILE), "no journal at all").unwrap();
    assert!(take(data.path()).is_none());

    let goes_on = |gone, change: &dyn Fn(&mut Place)| {
        let mut writer = writer(data.path(), SHORTEST);
        let told = vec![(Timestamp::ZERO, wants(AgentWish::Ready))];
        writer.turn(turn(Timestamp::ZERO, told, desks(&[0]))).unwrap();
        let mut now = place();
        change(&mut now);
        let carried = Left { gone, ..taken(data.path()).unwrap() }.for_place(&now, |_| false);
        assert_eq!(carried.engine.is_some(), carried.desks != CarriedDesks::default());
        carried.engine.is_some()
    };
    assert!(goes_on(CARRIED_FOR, &|_| {}));
    assert!(!goes_on(CARRIED_FOR + Duration::from_secs(1), &|_| {}));
    assert!(!goes_on(Duration::ZERO, &|place| place.config.skills.push("another".into())));
    assert!(!goes_on(Duration::ZERO, &|place| place.sip.set_port(5_070)));
    assert!(goes_on(Duration::ZERO, &|place| place.config.agents[0].always_ready = true));
}

#[test]
fn who_is_another_agent_than_before_is_told_to_the_engine_that_goes_on() {
    let data = tempfile::tempdir().unwrap();
    let keyring = Keyring::of(data.path(), WallTime(7));
    let mut journal = Journal::start(data.path(), place(), keyring, None).unwrap();
    let agent = |name: &str| AgentConfig { name: name.into(), ..config().agents[0].clone() };
    let mut with_bob = config();
    with_bob.agents.push(agent("bob"));
    journal.config_is(with_bob.clone());
    let mut engine = Engine::new(config());
    let roster = Roster { agents: vec![(AgentId(1), agent("bob"))], changes: Vec::new() };
    engine.handle(Timestamp::ZERO, Event::Agents(Box::new(roster)), &mut Vec::new());
    let whole = Message::Whole {
        at: Timestamp::ZERO,
        config: Arc::clone(&journal.config),
        engine: Box::new(engine),
        changes: Changes::default(),
    };
    assert!(journal.send(whole));
    journal.close();
    let left = taken(data.path()).unwrap();
    assert_eq!(left.place.config, with_bob, "who the agents are now is what the next process compares with");
    let mut now = place();
    now.config = with_bob;
    now.config.agents[0].gone = true;
    now.config.agents.push(agent("carol"));
    let carried = left.for_place(&now, |_| false);
    assert_eq!(carried.changed_agents, [AgentId(0), AgentId(2)]);
    assert!(carried.engine.unwrap().agent_state(AgentId(1)).is_some());
}

#[test]
fn a_server_that_cannot_start_leaves_the_file_to_the_next() {
    let data = tempfile::tempdir().unwrap();
    drop(writer(data.path(), SHORTEST));
    let (_, first) = take(data.path()).unwrap();
    assert!(take(data.path()).is_none());
    drop(first);
    assert!(taken(data.path()).is_some());
    assert!(take(data.path()).is_none() && fs::read_dir(data.path()).unwrap().next().is_none());
}

#[test]
fn streams_of_another_machine_were_looked_at_by_our_clock() {
    let mut standing = Standing::<Value>::of(Engine::new(config()));
    let at = |at_ms: u64| {
        let reached = serde_json::json!({
            "ssrc": 1, "name": "a", "at_ms": at_ms, "next": 5, "timestamp": 6, "units": 160, "report": 0, "heard": null,
        });
        (LegId(at_ms), serde_json::from_value::<Reached>(reached).unwrap())
    };
    let left = |standing: &Standing<Value>| -> Vec<u64> {
        standing.reached[&CallId(1)].iter().map(|(_, reached)| reached.at_ms).collect()
    };
    standing.apply(Entry::Reached(CallId(1), vec![at(2_000), at(9_000)]), |call: Value| call);
    standing.apply(Entry::Moved(100_000), |call: Value| call);
    assert_eq!(left(&standing), [102_000, 109_000]);
    standing.apply(Entry::Moved(-105_000), |call: Value| call);
    assert_eq!(left(&standing), [4_000], "one was before our clock began");
}

#[test]
fn what_is_behind_the_last_whole_turn_is_not_over() {
    let of = |text: &str| whole_turns(text.as_bytes());
    assert_eq!(of(""), 0);
    assert_eq!(of("{\"head\":1}\n"), 0);
    assert_eq!(of("{\"head\":1}\n{\"turn\":1}"), 0, "it may be cut off");
    assert_eq!(of("{\"head\":1}\n{\"turn\":1}\n"), 22);
    assert_eq!(of("{\"head\":1}\n{\"turn\":1}\n{\"over\":1}\n{\"tu"), 22);
    let mut text = line(&Entry::<()>::Over(CallId(3)));
    text.push_str(&turn_over(Timestamp::from_secs(4)));
    assert_eq!(of(&text), text.len(), "as lines are written");
}

#[test]
fn a_file_from_another_machine_says_so_at_its_end() {
    let data = tempfile::tempdir().unwrap();
    writer(data.path(), SHORTEST).turn(turn(Timestamp::from_secs(2), Vec::new(), desks(&[0]))).unwrap();
    let hour = Duration::from_secs(3_600);
    let file = OpenOptions::new().append(true).open(data.path().join(FILE)).unwrap();
    file.set_modified(SystemTime::now() - hour).unwrap();
    moved(data.path(), -5).unwrap();
    assert!(fs::read_to_string(data.path().join(FILE)).unwrap().ends_with("{\"moved\":-5}\n"));
    let left = taken(data.path()).unwrap();
    assert_eq!(left.last, Timestamp::from_secs(2));
    assert!(left.gone >= hour, "{:?}", left.gone);
}

#[cfg(target_os = "linux")]
#[test]
fn how_long_it_was_gone_is_told_by_the_machine_s_clock_where_the_calendar_was_set_meanwhile() {
    let data = tempfile::tempdir().unwrap();
    let hour = Duration::from_secs(3_600);
    let left = |boot: Option<Boot>| {
        let mut writer = writer(data.path(), SHORTEST);
        writer.boot = boot;
        writer.whole(Timestamp::ZERO, Box::new(Engine::new(config())), Changes::default()).unwrap();
        let file = OpenOptions::new().append(true).open(data.path().join(FILE)).unwrap();
        // As if the calendar had been set an hour ahead since.
        file.set_modified(SystemTime::now() - hour).unwrap();
        taken(data.path()).unwrap()
    };
    let here = left(crate::server::clock::Clock::start().boot());
    let minute = Duration::from_secs(60);
    assert!(here.gone < minute && here.passed.is_some_and(|passed| passed < minute), "{here:?}");
    let unknown = left(None);
    assert!(unknown.gone >= hour && unknown.passed.is_none(), "{unknown:?}");
}

#[test]
fn a_calendar_that_was_set_is_known_to_the_next_and_it_is_the_same_server() {
    let data = tempfile::tempdir().unwrap();
    let set = WallTime(7).moved(7_200_000);
    let mut writer = writer(data.path(), 1);
    assert_eq!(taken(data.path()).unwrap().zero, place().started);
    writer.whole(Timestamp::ZERO, Box::new(Engine::new(config())), Changes::default()).unwrap();
    writer.zero.store(set.0, Ordering::Relaxed);
    writer.begin_anew(Timestamp::from_secs(3)).unwrap();
    let left = taken(data.path()).unwrap();
    assert_eq!((&left.place, left.zero), (&place(), set));
}
