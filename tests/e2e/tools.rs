//! What every test here needs: tools that are there or not, free ports, a folder, patience with a limit.

use std::env;
use std::fs;
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

static NEXT_PORT: AtomicU16 = AtomicU16::new(0);

/// The ports that tests use: below those that the kernel gives to whoever asks for any.
const PORTS: std::ops::Range<u16> = 20_000..32_000;

/// The first of `count` ports in a row that are free now on loopback, UDP and TCP, the first one even.
/// No two callers in this process get the same; another process may still be quicker.
pub fn free_ports(count: u16) -> u16 {
    let start = PORTS.start + (std::process::id() % 100) as u16 * 100;
    NEXT_PORT.compare_exchange(0, start, Ordering::Relaxed, Ordering::Relaxed).ok();
    for _ in 0..1000 {
        let first = NEXT_PORT.fetch_add(count + count % 2, Ordering::Relaxed);
        if first + count > PORTS.end {
            NEXT_PORT.store(PORTS.start, Ordering::Relaxed);
            continue;
        }
        if (first..first + count).all(is_free) {
            return first;
        }
    }
    panic!("no {count} free ports in a row");
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
        let status = Command::new("kill").args(["-TERM", &self.0.id().to_string()]).status();
        assert!(status.is_ok_and(|status| status.success()), "kill -TERM");
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        self.kill();
    }
}
