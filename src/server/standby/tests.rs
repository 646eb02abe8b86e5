//! A server's folder and its standby, in one process.

use std::fs;
use std::io::Write;
use std::net::TcpListener;
use std::net::UdpSocket;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;
use std::thread;
use std::time::Duration;
use std::time::Instant;
use std::time::SystemTime;

use hound::SampleFormat;
use hound::WavSpec;
use hound::WavWriter;
use rusqlite::Connection;
use tempfile::TempDir;

use super::*;
use crate::base::WallTime;
use crate::fact::recording::RecordingFile;
use crate::fact::recording::RecordingKind;
use crate::server::ServeOptions;
use crate::server::journal;
use crate::server::keyring::Keyring;
use crate::server::recorder::Removals;
use crate::store::FILE;
use crate::store::HistoryWriter;
use crate::store::Store;
use crate::store::sample;
use crate::store::sounds::ASIDE;

/// How long the server keeps recordings.
const KEEP: Duration = Duration::from_secs(3_600);

/// A server that is nothing but its data folder.
struct Primary {
    data: TempDir,
    /// Flow files and prompts.
    files: TempDir,
    history: Connection,
    keys: Keyring,
    sip: SocketAddr,
    removals: Arc<Removals>,
    standbys: Option<Standbys>,
}

impl Primary {
    fn start() -> Primary {
        let data = tempfile::tempdir().unwrap();
        drop(Store::open(data.path()).unwrap());
        let history = Connection::open(data.path().join(FILE)).unwrap();
        history.execute_batch("CREATE TABLE words (word TEXT)").unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        // A port that is free once the test lets go of it.
        let sip = UdpSocket::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let files = tempfile::tempdir().unwrap();
        let folders = (files.path().join("flows").into(), files.path().join("prompts"));
        let (folder, key) = (data.path().to_owned(), StandbyKey::of("a"));
        let removals = Arc::new(Removals::new(KEEP));
        let standbys = Standbys::start(listener, folder, sip, key, folders, removals.clone()).unwrap();
        let keys = Keyring::of(data.path(), WallTime(0));
        Primary { data, files, history, keys, sip, removals, standbys: Some(standbys) }
    }

    fn options(&self, data: &Path) -> ServeOptions {
        let [flows, prompts] = ["flows", "prompts"].map(|name| data.with_extension("files").join(name));
        let (data, sip) = (data.to_owned(), self.sip);
        let any = "127.0.0.1:0".parse().unwrap();
        ServeOptions { data, sip, http: any, webrtc: any, flows, prompts, ..ServeOptions::default() }
    }

    fn address(&self) -> SocketAddr {
        self.standbys.as_ref().unwrap().address()
    }

    fn write(&self, word: &str) {
        self.history.execute("INSERT INTO words VALUES (?)", [word]).unwrap();
    }

    fn file(&self, path: &str, text: &str) {
        put(self.data.path(), path, text);
    }

    fn journal(&self, name: &str, text: &str) {
        let path = self.data.path().join(name);
        fs::OpenOptions::new()
            .create(true)
            .append(true)
            .open(path)
            .unwrap()
            .write_all(text.as_bytes())
            .unwrap();
    }
}

fn put(data: &Path, path: &str, text: &str) {
    let path = data.join(path);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}

/// What lies at this path in what was moved aside.
fn aside(data: &Path, path: &str) -> Vec<String> {
    let folders = fs::read_dir(data.join(ASIDE)).into_iter().flatten().flatten();
    let mut folders: Vec<PathBuf> = folders.map(|folder| folder.path()).collect();
    folders.sort();
    folders.iter().filter_map(|folder| fs::read_to_string(folder.join(path)).ok()).collect()
}

/// Writes a call into a history, so many seconds after the first.
fn a_call(data: &Path, call: u64, after_s: u64) {
    let started = sample::STARTED + Duration::from_secs(after_s);
    let history = HistoryWriter::start(&Store::open(data).unwrap(), started).unwrap();
    sample::short_call(call).into_iter().for_each(|fact| history.record(fact));
}

fn within(what: &str, mut is_so: impl FnMut() -> bool) {
    let until = Instant::now() + Duration::from_secs(60);
    while !is_so() {
        assert!(Instant::now() < until, "not within a minute: {what}");
        thread::sleep(Duration::from_millis(5));
    }
}

fn words(data: &Path) -> Vec<String> {
    // As the next process does, and not in the folder itself, into which the standby writes.
    let copy = tempfile::tempdir().unwrap();
    for name in [FILE, crate::store::log::LOG_FILE] {
        let _ = fs::copy(data.join(name), copy.path().join(name));
    }
    let connection = Connection::open(copy.path().join(FILE)).unwrap();
    let Ok(mut all) = connection.prepare("SELECT word FROM words ORDER BY rowid") else { return Vec::new() };
    all.query_map([], |row| row.get(0)).unwrap().map_while(Result::ok).collect()
}

#[test]
fn a_standby_has_all_that_the_server_has_and_serves_once_that_is_gone_and_its_address_is_here() {
    let mut primary = Primary::start();
    let data = primary.data.path().to_owned();
    primary.write("one");
    fs::create_dir(data.join("recordings")).unwrap();
    fs::write(data.join("recordings/call-1.wav"), "RIFF").unwrap();
    fs::write(data.join("recordings/note-2.draft"), "half").unwrap();
    primary.journal("calls.journal", "{\"head\":1}\n{\"turn\":5}\n{\"call\":1}\n");
    primary.keys.keep_text(CallId(7), "seven".to_owned());

    let mine = tempfile::tempdir().unwrap();
    let folder = mine.path().to_owned();
    let standby = Standby::new(&primary.options(&folder), primary.address(), StandbyKey::of("a")).unwrap();
    let waits = thread::spawn(move || standby.wait());
    let read = |name: &str| fs::read_to_string(folder.join(name)).unwrap_or_default();
    within("the words come", || words(&folder) == ["one"]);
    within("the recording comes", || read("recordings/call-1.wav") == "RIFF");
    within("whole turns come", || read("calls.journal") == "{\"head\":1}\n{\"turn\":5}\n");
    let keys = |call: u64| {
        let at = Keyring::folder_of(&folder);
        at.and_then(|at| fs::read_to_string(at.join(call.to_string())).ok()).unwrap_or_default()
    };
    within("keys come", || keys(7) == "seven");
    let stats = primary.standbys.as_ref().unwrap().stats().clone();
    within("it has everything", || stats.up_to_date() == 1);

    primary.write("two");
    primary.journal("calls.journal", "{\"turn\":6}\n");
    primary.keys.forget(CallId(7));
    primary.keys.keep_text(CallId(8), "eight".to_owned());
    fs::write(data.join("recordings/call-2.wav"), "RIFF2").unwrap();
    fs::remove_file(data.join("recordings/call-1.wav")).unwrap();
    within("the next word comes", || words(&folder) == ["one", "two"]);
    within("the next turn comes", || read("calls.journal").ends_with("{\"call\":1}\n{\"turn\":6}\n"));
    within("keys go and come", || keys(7).is_empty() && keys(8) == "eight");
    within("files go and come", || {
        read("recordings/call-2.wav") == "RIFF2" && read("recordings/call-1.wav").is_empty()
    });
    // The file begins anew, shorter.
    primary.journal("calls.new", "{\"head\":2}\n{\"turn\":7}\n");
    fs::rename(data.join("calls.new"), data.join("calls.journal")).unwrap();
    within("the journal that begins anew comes", || read("calls.journal") == "{\"head\":2}\n{\"turn\":7}\n");
    assert!(!folder.join("recordings/note-2.draft").exists(), "what is not whole is not sent");

    // Somebody has the address: the server is gone from it and not from the world.
    let elsewhere = UdpSocket::bind(primary.sip).unwrap();
    primary.write("three");
    primary.journal("calls.journal", "{\"turn\":8}\n");
    drop(primary.standbys.take());
    within("the last word came", || words(&folder) == ["one", "two", "three"]);
    assert!(!waits.is_finished());
    drop(elsewhere);
    waits.join().unwrap().unwrap();
    let journal = read("calls.journal");
    assert!(journal.starts_with("{\"head\":2}\n{\"turn\":7}\n{\"turn\":8}\n{\"moved\":"), "{journal}");
    assert_eq!(keys(8), "eight");
    // Its files of keys do not go with the folder.
    Keyring::of(&folder, WallTime(0)).begin(|_| false);
    primary.keys.begin(|_| false);
}

#[test]
fn a_standby_that_comes_back_is_sent_what_it_has_not() {
    let primary = Primary::start();
    primary.write("one");
    fs::write(primary.data.path().join("a.wav"), vec![7; 200_000]).unwrap();
    let mine = tempfile::tempdir().unwrap();
    let folder = mine.path().to_owned();
    let stats = primary.standbys.as_ref().unwrap().stats().clone();
    let sent = || stats.sent.load(std::sync::atomic::Ordering::Relaxed);
    let mut before = 0;
    for word in ["two", "three"] {
        // Each time a process of its own, so to speak: one that was ended by a kill.
        let listens = TcpListener::bind("127.0.0.1:0").unwrap();
        let (between, server) = (listens.local_addr().unwrap(), primary.address());
        let options = primary.options(&folder);
        let passes_on = thread::spawn(move || {
            let (standby, _) = listens.accept().unwrap();
            (standby, std::net::TcpStream::connect(server).unwrap())
        });
        let mut standby = Standby::new(&options, between, StandbyKey::of("a")).unwrap();
        let (stop, stopped) = std::sync::mpsc::channel();
        let follows = thread::spawn(move || {
            let _ = standby.follow();
            stop.send(()).unwrap();
        });
        let (ours, theirs) = passes_on.join().unwrap();
        let pipes = [
            (ours.try_clone().unwrap(), theirs.try_clone().unwrap()),
            (theirs.try_clone().unwrap(), ours.try_clone().unwrap()),
        ];
        for (mut from, mut to) in pipes {
            thread::spawn(move || std::io::copy(&mut from, &mut to));
        }
        primary.write(word);
        within("the word comes", || words(&folder).last().is_some_and(|last| last == word));
        within("the file is there", || {
            fs::metadata(folder.join("a.wav")).is_ok_and(|file| file.len() == 200_000)
        });
        let _ = ours.shutdown(std::net::Shutdown::Both);
        let _ = theirs.shutdown(std::net::Shutdown::Both);
        stopped.recv_timeout(Duration::from_secs(60)).unwrap();
        follows.join().unwrap();
        within("the server lets go", || stats.list().is_empty());
        let of_this = sent() - before;
        before = sent();
        assert_eq!(word == "two", of_this > 300_000, "{word}: {of_this} octets");
    }
    assert_eq!(words(&folder), ["one", "two", "three"]);
}

#[test]
fn a_standby_refuses_what_cannot_work_and_says_why() {
    let primary = Primary::start();
    let mine = tempfile::tempdir().unwrap();
    fs::write(mine.path().join("thesis.txt"), "mine").unwrap();
    let refused = Standby::new(&primary.options(mine.path()), primary.address(), StandbyKey::of("a"));
    let StandbyError::Foreign(_) = refused.unwrap_err() else { panic!("another's folder is taken") };

    let mine = tempfile::tempdir().unwrap();
    let options = ServeOptions { sip: "127.0.0.1:9".parse().unwrap(), ..primary.options(mine.path()) };
    let standby = Standby::new(&options, primary.address(), StandbyKey::of("a")).unwrap();
    let error = standby.wait().unwrap_err();
    assert!(matches!(error, StandbyError::Address { .. }) && error.hint().contains(&primary.sip.to_string()));

    let standby = Standby::new(&primary.options(mine.path()), primary.address(), StandbyKey::of("b"));
    let failed = standby.unwrap().follow().unwrap().unwrap_err();
    assert!(failed.to_string().contains("--standby-key"), "{failed}");
    let stats = primary.standbys.as_ref().unwrap().stats();
    within("it is counted", || stats.refused.load(std::sync::atomic::Ordering::Relaxed) == 1);
    assert!(
        !mine.path().join(FILE).exists() && !mine.path().join(journal::FILE).exists(),
        "nothing was told"
    );
}

/// What the server says to somebody who speaks this form and says no more, until it lets go.
fn heard_by_one_who_says_nothing(primary: &Primary, form: u32) -> Vec<Record> {
    let stream = std::net::TcpStream::connect(primary.address()).unwrap();
    let mut channel = channel::Channel::connect(stream, &StandbyKey::of("a")).unwrap();
    channel.send(&Record::HasAll { form, history: None }, &[]).unwrap();
    channel.flush().unwrap();
    let until = Instant::now() + Duration::from_secs(60);
    let hears = || {
        assert!(Instant::now() < until, "it is let go of within a minute");
        channel.receive().ok().map(|(record, _)| record)
    };
    std::iter::from_fn(hears).collect()
}

#[test]
fn strangers_keep_no_standby_out_however_many_say_nothing() {
    let primary = Primary::start();
    let strangers: Vec<std::net::TcpStream> = (0..100)
        .map(|_| {
            let mut stranger = std::net::TcpStream::connect(primary.address()).unwrap();
            // The length of a message that does not come.
            let _ = stranger.write_all(&[0]);
            stranger
        })
        .collect();
    let heard = heard_by_one_who_says_nothing(&primary, FORM + 1);
    assert!(matches!(heard[..], [Record::Server(_)]), "{heard:?}");
    drop(strangers);
    let stats = primary.standbys.as_ref().unwrap().stats();
    within("all of them are counted", || stats.refused.load(std::sync::atomic::Ordering::Relaxed) == 100);
}

#[test]
fn a_standby_that_the_network_lost_without_a_word_is_let_go() {
    let primary = Primary::start();
    let heard = heard_by_one_who_says_nothing(&primary, FORM);
    assert!(heard.contains(&Record::Whole), "it was served: {heard:?}");
    let stats = primary.standbys.as_ref().unwrap().stats();
    within("it is no standby any more", || stats.list().is_empty());
}

#[test]
fn a_standby_of_another_version_is_told_so() {
    let heard = heard_by_one_who_says_nothing(&Primary::start(), FORM - 1);
    assert!(matches!(heard[..], [Record::Server(About { form: FORM, .. })]), "{heard:?}");
}

#[test]
fn files_that_differ_are_told_while_they_do_and_stop_nothing() {
    let mut primary = Primary::start();
    let mine = tempfile::tempdir().unwrap();
    let folder = mine.path().join("data");
    let options = primary.options(&folder);
    fs::create_dir_all(&options.flows).unwrap();
    fs::create_dir_all(primary.files.path().join("flows")).unwrap();
    let theirs = primary.files.path().join("flows/main.yaml");
    fs::write(options.flows.join("old.yaml"), "old").unwrap();
    let standby = Standby::new(&options, primary.address(), StandbyKey::of("a")).unwrap();
    let waits = thread::spawn(move || standby.wait());
    let stats = primary.standbys.as_ref().unwrap().stats().clone();
    let told = || stats.list().first().map(|standby| standby.differing.words()).unwrap_or_default();
    within("a file too many is told", || told() == "flows/old.yaml is on the standby alone");
    fs::write(&theirs, "new").unwrap();
    let both = "flows/main.yaml is not on the standby, flows/old.yaml is on the standby alone";
    within("one that it lacks is told", || told() == both);
    assert_eq!(stats.up_to_date(), 1, "it could take over all the same");
    assert_eq!(fs::read_to_string(options.flows.join("old.yaml")).unwrap(), "old");
    fs::remove_file(options.flows.join("old.yaml")).unwrap();
    fs::copy(theirs, options.flows.join("main.yaml")).unwrap();
    within("nothing differs", || stats.files_differ() == 0);
    drop(primary.standbys.take());
    waits.join().unwrap().unwrap();
}

#[test]
fn what_a_standby_has_and_the_server_has_not_is_moved_aside_unless_the_server_removed_it() {
    let mut primary = Primary::start();
    let mine = tempfile::tempdir().unwrap();
    let folder = mine.path().to_owned();
    drop(Store::open(&folder).unwrap());
    let both = ["recordings/1.wav", "recordings/2.wav", "recordings/3.wav", "messages/1.wav", "tls/key.pem"];
    both.iter().for_each(|path| primary.file(path, path));
    // Another one by the same name, and such as only this machine has: of yesterday, and of just now.
    put(&folder, "recordings/1.wav", &"a talk that the server never had".repeat(9));
    put(&folder, "recordings/8.wav", "too old");
    let yesterday = SystemTime::now() - 24 * KEEP;
    fs::File::open(folder.join("recordings/8.wav")).unwrap().set_modified(yesterday).unwrap();
    put(&folder, "recordings/9.wav", "mine alone");
    put(&folder, "flows/log.jsonl", "mine too");
    // Nothing of the server's is in that folder: it may lie on a volume that is not there.
    put(&folder, "notes/9.wav", "noted");
    let standby = Standby::new(&primary.options(&folder), primary.address(), StandbyKey::of("a")).unwrap();
    let waits = thread::spawn(move || standby.wait());
    let read = |path: &str| fs::read_to_string(folder.join(path)).unwrap_or_default();
    within("all of the server's comes", || both.iter().all(|path| read(path) == *path));
    within("what it has not is set aside", || aside(&folder, "recordings/9.wav") == ["mine alone"]);
    assert_eq!(aside(&folder, "recordings/1.wav").concat().len(), 9 * 32);
    assert_eq!(
        (aside(&folder, "flows/log.jsonl"), read("notes/9.wav")),
        (vec!["mine too".into()], "noted".into())
    );
    within("what is too old is gone", || read("recordings/8.wav").is_empty());
    assert!(aside(&folder, "recordings/8.wav").is_empty());

    let data = primary.data.path().to_owned();
    let discarded = RecordingFile { kind: RecordingKind::Talk, call: CallId(2), part: 1 };
    primary.removals.discard(discarded);
    [2, 3].iter().for_each(|call| fs::remove_file(data.join(format!("recordings/{call}.wav"))).unwrap());
    within("what nobody removed is kept", || aside(&folder, "recordings/3.wav").len() == 1);
    within("what the server removed is gone", || read("recordings/2.wav").is_empty());
    assert!(aside(&folder, "recordings/2.wav").is_empty());
    // The volume is gone, and then it is an empty folder.
    fs::rename(data.join("messages"), data.join("elsewhere")).unwrap();
    fs::rename(data.join("recordings"), mine.path().with_extension("volume")).unwrap();
    fs::create_dir(data.join("recordings")).unwrap();
    within("what is new comes", || read("elsewhere/1.wav") == "messages/1.wav");
    primary.file("elsewhere/2.wav", "new");
    within("and what comes after that", || read("elsewhere/2.wav") == "new");
    assert_eq!((read("messages/1.wav"), read("recordings/1.wav")), (both[3].into(), both[0].into()));
    drop(primary.standbys.take());
    waits.join().unwrap().unwrap();
    fs::remove_dir_all(mine.path().with_extension("volume")).unwrap();
}

#[test]
fn a_history_that_the_server_has_not_is_never_replaced() {
    let primary = Primary::start();
    let mine = tempfile::tempdir().unwrap();
    a_call(mine.path(), 1, 0);
    a_call(mine.path(), 2, 500);
    put(mine.path(), "recordings/2.wav", "mine");
    let standby =
        || Standby::new(&primary.options(mine.path()), primary.address(), StandbyKey::of("a")).unwrap();
    let refused = standby().wait().unwrap_err();
    assert!(matches!(refused, StandbyError::OtherHistory { .. }), "{refused}");
    assert!(refused.hint().contains("nothing was changed"));
    assert_eq!(fs::read_to_string(mine.path().join("recordings/2.wav")).unwrap(), "mine");
    assert_eq!(Store::open(mine.path()).unwrap().next_call_id().unwrap(), CallId(3));
    assert!(!mine.path().join(ASIDE).exists());
}

#[test]
fn what_a_lost_machine_wrote_last_is_set_aside_when_it_comes_back_as_a_standby() {
    let mut primary = Primary::start();
    let mine = tempfile::tempdir().unwrap();
    let folder = mine.path().to_owned();
    // Both had the first call. The machine that is lost had a moment of another, which the other one did not get.
    for (data, after_s) in [(primary.data.path(), 600), (mine.path(), 500)] {
        a_call(data, 1, 0);
        a_call(data, 2, after_s);
    }
    put(&folder, "recordings/2.wav", "mine");
    primary.write("one");
    let standby = Standby::new(&primary.options(&folder), primary.address(), StandbyKey::of("a")).unwrap();
    let waits = thread::spawn(move || standby.wait());
    within("the words come", || words(&folder) == ["one"]);
    within("the talk is set aside", || aside(&folder, "recordings/2.wav") == ["mine"]);
    let stats = primary.standbys.as_ref().unwrap().stats().clone();
    within("it has everything", || stats.up_to_date() == 1);
    let kept = fs::read_dir(folder.join(ASIDE)).unwrap().flatten().find(|at| at.path().join(FILE).exists());
    let kept = Store::open(&kept.unwrap().path()).unwrap();
    let last = kept.readers().unwrap().call(CallId(2)).unwrap().unwrap();
    assert_eq!(last.arrived, sample::STARTED + Duration::from_secs(500));
    drop(primary.standbys.take());
    waits.join().unwrap().unwrap();
}

#[test]
fn a_recording_comes_as_it_grows_and_plays_to_its_last_sample_after_the_takeover() {
    let mut primary = Primary::start();
    let mine = tempfile::tempdir().unwrap();
    let folder = mine.path().to_owned();
    let standby = Standby::new(&primary.options(&folder), primary.address(), StandbyKey::of("a")).unwrap();
    let waits = thread::spawn(move || standby.wait());
    primary.file("recordings/7.wav", "");
    let path = primary.data.path().join("recordings/7.wav");
    let spec =
        WavSpec { channels: 2, sample_rate: 8_000, bits_per_sample: 16, sample_format: SampleFormat::Int };
    let mut writer = WavWriter::create(&path, spec).unwrap();
    let stats = primary.standbys.as_ref().unwrap().stats().clone();
    let plays =
        || hound::WavReader::open(folder.join("recordings/7.wav")).map_or(0, |sound| sound.duration());
    for seconds in 1..=4 {
        // It never stands still for as long as a look takes.
        within("what was said comes", || {
            (0..160).for_each(|_| writer.write_sample(7_i16).unwrap());
            writer.flush().unwrap();
            plays() > seconds * 1_000
        });
    }
    let sent = stats.sent.load(std::sync::atomic::Ordering::Relaxed);
    (0..800_000).for_each(|_| writer.write_sample(7_i16).unwrap());
    writer.flush().unwrap();
    within("all of it comes", || plays() == writer.duration());
    (0..160).for_each(|_| writer.write_sample(7_i16).unwrap());
    writer.flush().unwrap();
    within("so does a little more", || plays() == writer.duration());
    let since = stats.sent.load(std::sync::atomic::Ordering::Relaxed) - sent;
    assert!(since < 2_000_000, "none of it comes twice: {since} octets");
    // The server ends in the middle, with octets that the header does not know of.
    fs::OpenOptions::new().append(true).open(&path).unwrap().write_all(&[7; 4_000]).unwrap();
    drop(primary.standbys.take());
    waits.join().unwrap().unwrap();
    let sound = hound::WavReader::open(folder.join("recordings/7.wav")).unwrap();
    assert_eq!(sound.duration(), writer.duration() + 1_000);
}

#[test]
fn a_standby_waits_for_each_address_and_serves_again_when_it_is_started_anew() {
    let mut primary = Primary::start();
    let mine = tempfile::tempdir().unwrap();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let http = taken.local_addr().unwrap();
    let options = ServeOptions { http, ..primary.options(mine.path()) };
    let address = primary.address();
    let start = |options: &ServeOptions| Standby::new(options, address, StandbyKey::of("a")).unwrap();
    let standby = start(&options);
    let waits = thread::spawn(move || standby.wait());
    let stats = primary.standbys.as_ref().unwrap().stats().clone();
    within("it has everything", || stats.up_to_date() == 1);
    assert!(addresses::Addresses::of(&options).trouble().unwrap().contains("for the web cannot be had"));
    drop(primary.standbys.take());
    // Somebody else has a port of it: the talks would be lost with a process that ends for that.
    let until = Instant::now() + 3 * Duration::from_secs(1);
    within("it waits", || Instant::now() > until);
    assert!(!waits.is_finished());
    drop(taken);
    waits.join().unwrap().unwrap();
    // It served, and was killed: no server is there from which everything could come.
    start(&options).wait().unwrap();
}
