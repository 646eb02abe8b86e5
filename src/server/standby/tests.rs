//! A server's folder and its standby, in one process.

use std::fs;
use std::io::Write;
use std::net::TcpListener;
use std::net::UdpSocket;
use std::path::Path;
use std::thread;
use std::time::Duration;
use std::time::Instant;

use rusqlite::Connection;
use tempfile::TempDir;

use super::*;
use crate::base::WallTime;
use crate::server::ServeOptions;
use crate::server::journal;
use crate::server::keyring::Keyring;
use crate::store::FILE;
use crate::store::Store;

/// A server that is nothing but its data folder.
struct Primary {
    data: TempDir,
    /// Flow files and prompts.
    files: TempDir,
    history: Connection,
    keys: Keyring,
    sip: SocketAddr,
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
        let standbys = Standbys::start(listener, folder, sip, key, folders).unwrap();
        let keys = Keyring::of(data.path(), WallTime(0));
        Primary { data, files, history, keys, sip, standbys: Some(standbys) }
    }

    fn options(&self, data: &Path) -> ServeOptions {
        let [flows, prompts] = ["flows", "prompts"].map(|name| data.with_extension("files").join(name));
        ServeOptions { data: data.to_owned(), sip: self.sip, flows, prompts, ..ServeOptions::default() }
    }

    fn address(&self) -> SocketAddr {
        self.standbys.as_ref().unwrap().address()
    }

    fn write(&self, word: &str) {
        self.history.execute("INSERT INTO words VALUES (?)", [word]).unwrap();
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
    channel.send(&Record::HasAll { form }, &[]).unwrap();
    channel.flush().unwrap();
    let until = Instant::now() + Duration::from_secs(60);
    let hears = || {
        assert!(Instant::now() < until, "it is let go of within a minute");
        channel.receive().ok().map(|(record, _)| record)
    };
    std::iter::from_fn(hears).collect()
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
