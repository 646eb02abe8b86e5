//! What every test here needs: tools that are there or not, free ports, a folder, patience with a limit.

use std::env;
use std::fs;
use std::fs::File;
use std::io::Write;
use std::net::TcpListener;
use std::net::UdpSocket;
use std::path::Path;
use std::path::PathBuf;
use std::process::Command;
use std::process::Stdio;
use std::sync::atomic::AtomicU16;
use std::sync::atomic::AtomicU32;
use std::sync::atomic::Ordering;
use std::thread;
use std::time::Duration;
use std::time::Instant;

/// Whether all these commands are installed. When one is not, the test is skipped and named, or fails
/// where tools are required.
pub fn available(test: &str, commands: &[&str]) -> bool {
    let missing: Vec<&str> = commands.iter().copied().filter(|command| !is_installed(command)).collect();
    if missing.is_empty() {
        return true;
    }
    let missing = missing.join(" and ");
    assert!(
        env::var("WARMLINE_TOOLS").as_deref() != Ok("required"),
        "{test} needs {missing}; scripts/test installs it"
    );
    // Not println!, which the test harness keeps to itself while a test passes.
    let _ = writeln!(std::io::stderr().lock(), "skipped: {test} needs {missing}; scripts/test installs it");
    false
}

fn is_installed(command: &str) -> bool {
    let path = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&path).any(|folder| folder.join(command).is_file())
}

/// How often longer than it should take a busy machine may take. It costs time only where a test fails.
pub const PATIENCE: u32 = 4;

/// Fails with `what` unless `probe` gives something within the time, or [`PATIENCE`] times that.
pub fn within<T>(seconds: u64, what: &str, probe: impl FnMut() -> Option<T>) -> T {
    in_time(seconds, probe).unwrap_or_else(|| panic!("not within {seconds} s: {what}"))
}

/// What `probe` gives within the time, or [`PATIENCE`] times that.
pub fn in_time<T>(seconds: u64, mut probe: impl FnMut() -> Option<T>) -> Option<T> {
    let until = Instant::now() + PATIENCE * Duration::from_secs(seconds);
    loop {
        let found = probe();
        if found.is_some() || Instant::now() >= until {
            return found;
        }
        thread::sleep(Duration::from_millis(20));
    }
}

/// The ports that tests use: below those that the kernel gives to whoever asks for any.
const PORTS: std::ops::Range<u16> = 20_000..32_000;

/// How many are given at once, at least.
const UNIT: u16 = 8;

/// Ports in a row that are one test's own for as long as it has this: no other thread and no other process that tests
/// is given one of them, be it bound already or not.
pub struct Ports {
    /// The first of them, which is even.
    pub first: u16,
    /// A lock for each [`UNIT`] of them, which ends with its file, or with the process.
    _locks: Vec<File>,
}

/// `count` ports in a row that are free now on loopback, UDP and TCP.
pub fn free_ports(count: u16) -> Ports {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let (units, wanted) = ((PORTS.end - PORTS.start) / UNIT, count.div_ceil(UNIT));
    // Processes begin in different places: so each finds what it looks for sooner.
    let start = (std::process::id() % 97) as u16 * (units / 97);
    for _ in 0..2 * units {
        let unit = (start + NEXT.fetch_add(wanted, Ordering::Relaxed) % units) % units;
        let first = PORTS.start + unit * UNIT;
        if first + wanted * UNIT > PORTS.end {
            continue;
        }
        let locks: Option<Vec<File>> = (0..wanted).map(|unit| lock(first + unit * UNIT)).collect();
        // Whether a port is free is seen by taking it for a moment: nobody does so whose it is not.
        if let Some(locks) = locks.filter(|_| (first..first + count).all(is_free)) {
            return Ports { first, _locks: locks };
        }
    }
    panic!("no {count} free ports in a row");
}

/// Locks a unit of ports by the first of them, unless somebody else has it.
fn lock(first: u16) -> Option<File> {
    let folder = env::temp_dir().join("warmline-test-ports");
    fs::create_dir_all(&folder).ok()?;
    let path = folder.join(first.to_string());
    let file = File::open(&path).or_else(|_| File::create(&path)).ok()?;
    file.try_lock().ok().map(|()| file)
}

#[test]
fn ports_are_one_tests_own_until_it_lets_them_go() {
    let held: Vec<Ports> = (0..40).map(|count| free_ports(count % 12 + 1)).collect();
    let mut first: Vec<(u16, u16)> =
        held.iter().zip(0..).map(|(ports, count)| (ports.first, count % 12 + 1)).collect();
    first.sort_unstable();
    assert!(first.windows(2).all(|two| two[0].0 + two[0].1 <= two[1].0), "{first:?}");
    let even = |(first, _): &(u16, u16)| first.is_multiple_of(2) && PORTS.contains(first);
    assert!(first.iter().all(even), "{first:?}");
    // A lock is of an open file, not of a process: nobody gets it a second time.
    assert!(held.iter().all(|ports| lock(ports.first).is_none()));
}

/// Whether a port of loopback is free for UDP and TCP.
pub fn is_free(port: u16) -> bool {
    UdpSocket::bind(("127.0.0.1", port)).is_ok() && TcpListener::bind(("127.0.0.1", port)).is_ok()
}

/// A new folder of a test's own, below the build folder. It stays when the test fails.
pub struct Folder(PathBuf);

impl Folder {
    pub fn new(name: &str) -> Folder {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let path = Path::new(env!("CARGO_TARGET_TMPDIR"))
            .join(format!("e2e-{}-{number}-{name}", std::process::id()));
        fs::create_dir_all(&path).expect("a folder below the build folder");
        Folder(path)
    }

    pub fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        if thread::panicking() {
            eprintln!("what happened is in {}", self.0.display());
        } else {
            let _ = fs::remove_dir_all(&self.0);
        }
    }
}

/// A child process that ends with its owner.
pub struct Child(std::process::Child);

impl Child {
    /// Starts it with both outputs in `log`.
    pub fn start(command: &mut Command, log: &Path) -> Child {
        let out = fs::File::create(log).expect("a log");
        let err = out.try_clone().expect("a second handle");
        let child = command.stdin(Stdio::null()).stdout(out).stderr(err).spawn();
        Child(child.unwrap_or_else(|error| panic!("{command:?}: {error}")))
    }

    /// Its exit status, once it has ended.
    pub fn ended(&mut self) -> Option<std::process::ExitStatus> {
        self.0.try_wait().expect("it is our child")
    }

    /// SIGKILL: it vanishes without a word.
    pub fn kill(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }

    /// SIGTERM: asks it to end.
    pub fn terminate(&self) {
        self.signal("TERM");
    }

    pub fn signal(&self, name: &str) {
        let status = Command::new("kill").args(["-s", name, &self.0.id().to_string()]).status();
        assert!(status.is_ok_and(|status| status.success()), "kill -s {name}");
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        self.kill();
    }
}
