//! The keys of secured lines, in memory that outlives the process and is no disk: a file for each call, in a folder into which only
//! the server's user may look, and which is gone when the machine begins anew. A file goes with its call.
//!
//! Where there is no such memory nothing is kept, and phones are offered new keys after a crash.

use std::collections::BTreeMap;
use std::env;
use std::fs;
use std::fs::DirBuilder;
use std::fs::OpenOptions;
use std::io;
use std::io::Read;
use std::io::Write;
use std::os::unix::fs::DirBuilderExt;
use std::os::unix::fs::MetadataExt;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::path::PathBuf;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use rustix::fs::OFlags;
use serde::Deserialize;
use serde::Serialize;
use sha2::Digest;
use sha2::Sha256;
use tracing::warn;

use crate::base::CallId;
use crate::base::LegId;
use crate::base::WallTime;
use crate::sdp::Dtls;
use crate::sdp::Fingerprint;
use crate::sdp::Ice;
use crate::sdp::LocalIce;
use crate::sdp::LocalSrtp;
use crate::sdp::crypto::Crypto;
use crate::sdp::crypto::MasterKey;
use crate::sdp::crypto::Sdes;
use crate::sdp::crypto::Suite;
use crate::sdp::dtls::Setup;
use crate::server::switchboard::LineKeys;
use crate::server::switchboard::LineSecret;
use crate::sip::Descriptions;
use crate::sip::SessionId;
use crate::wire::media::HandshakeKeys;

/// What `statfs` calls the two file systems that are memory.
const MEMORY: [u64; 2] = [0x0102_1994, 0x8584_58f6];
/// The longest file that is read: a call has a line or some.
const LONGEST: u64 = 1 << 20;

/// See the module.
#[derive(Debug)]
pub struct Keyring {
    /// Where the folder may be, best first: within this memory, there.
    places: Vec<(PathBuf, PathBuf)>,
    /// Where it is, once something is in it.
    folder: Option<PathBuf>,
    /// Whose keys they are: calls of another server may have the same numbers.
    started: WallTime,
    /// What each file says.
    kept: BTreeMap<CallId, String>,
    failed: bool,
}

/// A call's file.
#[derive(Serialize, Deserialize)]
struct OnFile {
    /// When the call's server had started.
    started: WallTime,
    lines: Vec<LineOnFile>,
}

#[derive(Serialize, Deserialize)]
struct LineOnFile {
    leg: LegId,
    /// None until there is an answer, by which is chosen among those that are offered.
    #[serde(default)]
    keys: Option<KeysOnFile>,
    /// What they came out of, where that was a handshake.
    handshake: Option<HandshakeOnFile>,
    required: bool,
    /// What we bring to offers and answers: tag, suite and key.
    offered: Vec<(u32, String, String)>,
    /// By what checks of a phone in a browser are known, and will be in what we offer and answer.
    #[serde(default)]
    ice: Option<LocalIceOnFile>,
    /// What each session agreed on: our description and the peer's.
    sessions: Vec<(SessionId, String, String)>,
}

#[derive(Serialize, Deserialize)]
struct KeysOnFile {
    suite: String,
    ours: String,
    theirs: String,
}

#[derive(Serialize, Deserialize)]
struct HandshakeOnFile {
    /// Whether we began it.
    active: bool,
    /// Of the peer's certificate.
    fingerprint: String,
    rtcp_mux: bool,
    /// The keys of reports, where they have their own.
    reports: Option<KeysOnFile>,
    /// The way to a phone in a browser.
    #[serde(default)]
    ice: Option<IceOnFile>,
}

#[derive(Serialize, Deserialize)]
struct LocalIceOnFile {
    ufrag: String,
    password: String,
}

#[derive(Serialize, Deserialize)]
struct IceOnFile {
    local: LocalIceOnFile,
    remote_ufrag: String,
}

impl Keyring {
    /// That of a data folder, where one is.
    pub fn of(data: &Path, started: WallTime) -> Keyring {
        let whole = data.canonicalize().unwrap_or_else(|_| data.to_owned());
        let digest = Sha256::digest(whole.as_os_str().as_encoded_bytes());
        let name: String = digest.iter().take(8).map(|octet| format!("{octet:02x}")).collect();
        let folder = |at: PathBuf| (at.clone(), at.join(format!("warmline-{name}")));
        // systemd names one for each service, separated by colons where there are more.
        let of_service = env::var("RUNTIME_DIRECTORY").ok();
        let of_service = of_service.as_deref().and_then(|all| all.split(':').next()).map(PathBuf::from);
        let of_user = env::var_os("XDG_RUNTIME_DIR").map(PathBuf::from);
        let mut places: Vec<_> = of_service.into_iter().chain(of_user).map(folder).collect();
        places.push((PathBuf::from("/run"), Path::new("/run/warmline").join(&name)));
        places.push(folder(PathBuf::from("/dev/shm")));
        Keyring::among(places, started)
    }

    /// Where the keys of the calls of a data folder are, while there are any.
    pub fn folder_of(data: &Path) -> Option<PathBuf> {
        Keyring::of(data, WallTime(0)).folder.take()
    }

    /// The calls whose keys are in a folder, and the file of each.
    pub fn files_in(folder: &Path) -> impl Iterator<Item = (CallId, PathBuf)> + use<> {
        let files = fs::read_dir(folder).into_iter().flatten().flatten();
        files.filter_map(|file| Some((CallId(file.file_name().to_str()?.parse().ok()?), file.path())))
    }

    fn among(mut places: Vec<(PathBuf, PathBuf)>, started: WallTime) -> Keyring {
        places.retain(|(within, _)| is_memory(within));
        let folder = places.iter().map(|(_, folder)| folder).find(|folder| is_ours(folder)).cloned();
        Keyring { places, folder, started, kept: BTreeMap::new(), failed: false }
    }

    /// The keys of a call's lines, where the process that had it kept any.
    pub fn read(&self, call: CallId) -> Vec<(LegId, LineKeys)> {
        let Some(path) = self.path(call) else { return Vec::new() };
        let read =
            read(&path).and_then(|text| serde_json::from_str::<OnFile>(&text).map_err(io::Error::other));
        match read {
            Ok(file) if file.started == self.started => {
                file.lines.iter().filter_map(|line| Some((line.leg, line.keys()?))).collect()
            }
            Ok(_) => Vec::new(),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
            Err(error) => {
                warn!(%error, %call, "the keys of a call cannot be read");
                Vec::new()
            }
        }
    }

    /// Begins with calls that are kept next: the files of all others are removed.
    pub fn begin(&mut self, is_next: impl Fn(CallId) -> bool) {
        self.kept.clear();
        self.keep_only(is_next);
    }

    /// Removes the files of all calls but these.
    pub fn keep_only(&mut self, is_kept: impl Fn(CallId) -> bool) {
        let files = self.folder.as_ref().and_then(|folder| fs::read_dir(folder).ok());
        for file in files.into_iter().flatten().flatten() {
            let call = file.file_name().to_str().and_then(|name| name.parse().ok()).map(CallId);
            if !call.is_some_and(&is_kept) {
                let _ = fs::remove_file(file.path());
            }
        }
        self.leave();
    }

    /// Keeps the keys of a call's lines, or forgets them where there are none any more.
    pub fn keep<'k>(&mut self, call: CallId, keys: impl Iterator<Item = (LegId, &'k LineKeys)>) {
        let lines: Vec<LineOnFile> = keys.filter_map(|(leg, keys)| LineOnFile::of(leg, keys)).collect();
        if lines.is_empty() {
            return self.forget(call);
        }
        let file = OnFile { started: self.started, lines };
        // Text, numbers and lists: there is nothing in it that JSON does not have.
        let text = serde_json::to_string(&file).expect("keys can be written down");
        self.keep_text(call, text);
    }

    /// Keeps what another machine's keyring says of a call.
    pub fn keep_text(&mut self, call: CallId, text: String) {
        if self.kept.get(&call) == Some(&text) {
            return;
        }
        if let Err(error) = self.write(call, &text)
            && !std::mem::replace(&mut self.failed, true)
        {
            warn!(%error, "keys of secured lines are not kept: after a crash phones are offered new ones");
        }
        self.kept.insert(call, text);
    }

    /// A call is over, or has no secured line.
    pub fn forget(&mut self, call: CallId) {
        if self.kept.remove(&call).is_some() {
            let _ = self.path(call).map(fs::remove_file);
            self.leave();
        }
    }

    /// The folder goes with the last file: a server that is killed, and not started again, leaves none that is empty.
    fn leave(&mut self) {
        // One with files is not removed.
        self.folder.take_if(|folder| fs::remove_dir(folder).is_ok());
    }

    fn path(&self, call: CallId) -> Option<PathBuf> {
        self.folder.as_ref().map(|folder| folder.join(call.0.to_string()))
    }

    fn write(&mut self, call: CallId, text: &str) -> io::Result<()> {
        if self.folder.is_none() {
            self.folder = Some(self.make()?);
        }
        let path = self.path(call).ok_or(io::ErrorKind::NotFound)?;
        let draft = path.with_extension("draft");
        let _ = fs::remove_file(&draft);
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&draft)?;
        file.write_all(text.as_bytes())?;
        fs::rename(&draft, &path)
    }

    /// Makes the folder in the first place that takes it.
    fn make(&self) -> io::Result<PathBuf> {
        let mut failed = io::Error::other("this machine has no file system that is memory");
        for (_, folder) in &self.places {
            let made = DirBuilder::new().recursive(true).mode(0o700).create(folder);
            match made {
                Ok(()) if is_ours(folder) => return Ok(folder.clone()),
                Ok(()) => failed = io::Error::other(format!("{} is not ours alone", folder.display())),
                Err(error) => failed = error,
            }
        }
        Err(failed)
    }
}

impl Drop for Keyring {
    fn drop(&mut self) {
        // With calls that are left to the next process it stays.
        self.leave();
    }
}

fn is_memory(path: &Path) -> bool {
    rustix::fs::statfs(path).is_ok_and(|about| MEMORY.contains(&(about.f_type as u64)))
}

/// Whether it is a folder of our user, into which nobody else may look.
fn is_ours(folder: &Path) -> bool {
    let about = fs::symlink_metadata(folder);
    about.is_ok_and(|about| about.is_dir() && is_private(&about, 0o700))
}

fn is_private(about: &fs::Metadata, mode: u32) -> bool {
    about.uid() == rustix::process::geteuid().as_raw() && about.mode() & 0o777 == mode
}

/// What a file says that is ours.
fn read(path: &Path) -> io::Result<String> {
    let no_link = OFlags::NOFOLLOW.bits() as i32;
    let file = OpenOptions::new().read(true).custom_flags(no_link).open(path)?;
    let about = file.metadata()?;
    if !about.is_file() || !is_private(&about, 0o600) {
        return Err(io::Error::other("it is not ours alone"));
    }
    let mut text = String::new();
    file.take(LONGEST).read_to_string(&mut text)?;
    Ok(text)
}

impl LineOnFile {
    fn of(leg: LegId, keys: &LineKeys) -> Option<LineOnFile> {
        let LineKeys { secret, local, descriptions } = keys;
        let offered = local.keys.iter().map(|Crypto { tag, suite, key }| {
            let (name, key) = (suite.name().to_owned(), encoded(*suite, key));
            (*tag, name, key)
        });
        let sessions = descriptions.iter().map(|(session, Descriptions { local, remote })| {
            (*session, STANDARD.encode(local), STANDARD.encode(remote))
        });
        let (keys, handshake) = match secret {
            LineSecret::Offered => (None, None),
            LineSecret::Sdes(keys) => (Some(keys), None),
            LineSecret::Dtls(Dtls { setup, fingerprint, rtcp_mux, ice }, shaken) => {
                let handshake = HandshakeOnFile {
                    active: *setup == Setup::Active,
                    fingerprint: fingerprint.to_string(),
                    rtcp_mux: *rtcp_mux,
                    reports: shaken.reports.as_ref().map(KeysOnFile::of),
                    ice: ice.as_deref().map(IceOnFile::of),
                };
                (Some(shaken.audio.as_ref()?), Some(handshake))
            }
        };
        Some(LineOnFile {
            leg,
            keys: keys.map(KeysOnFile::of),
            handshake,
            required: local.required,
            offered: offered.collect(),
            ice: local.ice.as_ref().map(LocalIceOnFile::of),
            sessions: sessions.collect(),
        })
    }

    fn keys(&self) -> Option<LineKeys> {
        let keys = self.keys.as_ref().map(KeysOnFile::read);
        let secret = match (keys, &self.handshake) {
            (None, _) => LineSecret::Offered,
            (Some(keys), None) => LineSecret::Sdes(keys?),
            (Some(keys), Some(HandshakeOnFile { active, fingerprint, rtcp_mux, reports, ice })) => {
                let keys = keys?;
                let setup = if *active { Setup::Active } else { Setup::Passive };
                let fingerprint = Fingerprint::parse(fingerprint)?;
                let reports = reports.as_ref().and_then(KeysOnFile::read);
                let ice = ice.as_ref().map(|ice| Box::new(ice.read()));
                let dtls = Dtls { setup, fingerprint, rtcp_mux: *rtcp_mux, ice };
                LineSecret::Dtls(dtls, HandshakeKeys { audio: Some(keys), reports })
            }
        };
        let offered = self.offered.iter().map(|(tag, name, octets)| {
            let suite = suite_of(name)?;
            Some(Crypto { tag: *tag, suite, key: key(suite, octets)? })
        });
        let keys = offered.collect::<Option<Vec<_>>>()?;
        let descriptions = self.sessions.iter().map(|(session, local, remote)| {
            let octets = |text| STANDARD.decode(text).ok().map(Into::into);
            Some((*session, Descriptions { local: octets(local)?, remote: octets(remote)? }))
        });
        let descriptions = descriptions.collect::<Option<Vec<_>>>()?;
        Some(LineKeys {
            secret,
            local: LocalSrtp {
                required: self.required,
                keys,
                fingerprint: None,
                ice: self.ice.as_ref().map(LocalIceOnFile::read),
            },
            descriptions,
        })
    }
}

impl KeysOnFile {
    fn of(Sdes { suite, ours, theirs }: &Sdes) -> KeysOnFile {
        let (ours, theirs) = (encoded(*suite, ours), encoded(*suite, theirs));
        KeysOnFile { suite: suite.name().to_owned(), ours, theirs }
    }

    fn read(&self) -> Option<Sdes> {
        let suite = suite_of(&self.suite)?;
        Some(Sdes { suite, ours: key(suite, &self.ours)?, theirs: key(suite, &self.theirs)? })
    }
}

impl LocalIceOnFile {
    fn of(LocalIce { ufrag, password }: &LocalIce) -> LocalIceOnFile {
        LocalIceOnFile { ufrag: ufrag.clone(), password: password.clone() }
    }

    fn read(&self) -> LocalIce {
        LocalIce { ufrag: self.ufrag.clone(), password: self.password.clone() }
    }
}

impl IceOnFile {
    fn of(Ice { local, remote_ufrag }: &Ice) -> IceOnFile {
        IceOnFile { local: LocalIceOnFile::of(local), remote_ufrag: remote_ufrag.clone() }
    }

    fn read(&self) -> Ice {
        Ice { local: self.local.read(), remote_ufrag: self.remote_ufrag.clone() }
    }
}

fn suite_of(name: &str) -> Option<Suite> {
    Suite::ALL.into_iter().find(|suite| suite.name() == name)
}

/// Key and salt as text.
fn encoded(suite: Suite, key: &MasterKey) -> String {
    let (key, salt) = key.expose(suite);
    STANDARD.encode([key, salt].concat())
}

fn key(suite: Suite, text: &str) -> Option<MasterKey> {
    MasterKey::of(suite, &STANDARD.decode(text).ok()?)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;
    use std::os::unix::fs::symlink;

    use super::*;
    use crate::base::Entropy;

    const CALL: CallId = CallId(7);

    fn keys(seed: u64) -> LineKeys {
        let mut entropy = Entropy::seeded(seed);
        let keys = Crypto::draw(&mut entropy);
        let suite = Suite::AesCm128HmacSha1_80;
        let [ours, theirs] = [(); 2].map(|()| MasterKey::draw(suite, &mut entropy));
        let descriptions = Descriptions { local: "v=0\r\n".into(), remote: "v=0\r\ns=x\r\n".into() };
        let sdes = Sdes { suite, ours, theirs };
        let ice = seed.is_multiple_of(4).then(|| LocalIce::draw(&mut entropy));
        // Every other one shook hands.
        let secret = if seed.is_multiple_of(2) {
            let fingerprint = Fingerprint::of(b"theirs");
            // And every other one of these is in a browser.
            let ice = ice.clone().map(|local| Box::new(Ice { local, remote_ufrag: "theirs".to_owned() }));
            let dtls = Dtls { setup: Setup::Active, fingerprint, rtcp_mux: ice.is_some(), ice };
            LineSecret::Dtls(dtls, HandshakeKeys { audio: Some(sdes.clone()), reports: Some(sdes) })
        } else {
            LineSecret::Sdes(sdes)
        };
        LineKeys {
            secret,
            local: LocalSrtp { required: true, keys, fingerprint: None, ice },
            descriptions: vec![(SessionId(3), descriptions)],
        }
    }

    /// A keyring in a folder that stands for memory.
    fn keyring(within: &Path, started: WallTime) -> Keyring {
        let mut keyring = Keyring::among(Vec::new(), started);
        let folder = within.join("ring");
        keyring.folder = Some(folder.clone()).filter(|folder| is_ours(folder));
        keyring.places = vec![(within.to_owned(), folder)];
        keyring
    }

    #[test]
    fn what_was_kept_is_read_back_by_the_next_process_until_the_call_is_over() {
        let within = tempfile::tempdir().unwrap();
        let mut first = keyring(within.path(), WallTime(5));
        assert!(first.read(CALL).is_empty());
        let lines =
            [(LegId::of(CALL, 0), keys(1)), (LegId::of(CALL, 2), keys(2)), (LegId::of(CALL, 3), keys(4))];
        first.keep(CALL, lines.iter().map(|(leg, keys)| (*leg, keys)));
        let file = within.path().join("ring/7");
        assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
        drop(first);
        let mut second = keyring(within.path(), WallTime(5));
        assert_eq!(second.read(CALL), lines);
        assert!(second.read(CallId(8)).is_empty());
        assert!(keyring(within.path(), WallTime(6)).read(CALL).is_empty(), "of another server's call");

        // What is left of calls that do not go on is removed, and so is a call's file when it is over.
        second.begin(|call| call == CALL);
        assert!(file.exists());
        second.begin(|_| false);
        assert!(!file.exists());
        second.keep(CALL, [(LegId::of(CALL, 0), &keys(1))].into_iter());
        assert!(file.exists());
        second.forget(CALL);
        assert!(!within.path().join("ring").exists(), "nothing is left over");
        second.keep(CALL, [(LegId::of(CALL, 0), &keys(1))].into_iter());
        assert!(file.exists(), "it is made again");
    }

    #[test]
    fn what_another_user_may_have_put_there_is_not_believed() {
        let within = tempfile::tempdir().unwrap();
        let mut ring = keyring(within.path(), WallTime(5));
        ring.keep(CALL, [(LegId::of(CALL, 0), &keys(1))].into_iter());
        let (folder, file) = (within.path().join("ring"), within.path().join("ring/7"));
        let open = |path: &Path, mode| fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
        open(&file, 0o644);
        assert!(ring.read(CALL).is_empty());
        open(&file, 0o600);
        assert_eq!(ring.read(CALL).len(), 1);
        let elsewhere = within.path().join("elsewhere");
        fs::rename(&file, &elsewhere).unwrap();
        symlink(&elsewhere, &file).unwrap();
        assert!(ring.read(CALL).is_empty());
        open(&folder, 0o755);
        let mut next = keyring(within.path(), WallTime(5));
        assert!(next.folder.is_none());
        next.keep(CALL, [(LegId::of(CALL, 0), &keys(1))].into_iter());
        assert!(next.folder.is_none() && next.failed, "nor is anything written into it");
    }

    #[test]
    fn a_disk_is_no_memory() {
        let root = PathBuf::from("/");
        let memory = Path::new("/dev/shm");
        assert!(is_memory(memory) && !is_memory(Path::new("/nowhere")));
        assert!(Keyring::among(vec![(root.clone(), root.join("ring"))], WallTime(0)).places.is_empty());
    }
}
