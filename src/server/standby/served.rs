//! What is the operator's on both machines: flow files and prompts. The server says what it has by digests, the standby compares,
//! and both tell where they differ. Nothing is copied, and nobody stops for it.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::Weak;
use std::thread;
use std::time::Duration;
use std::time::Instant;

use serde::Deserialize;
use serde::Serialize;
use sha2::Digest;
use sha2::Sha256;

use super::Record;
use super::Thing;
use crate::server::load;
use crate::server::load::FlowPlace;

/// How long lies between two looks, and by how much longer than one takes.
const EVERY: Duration = Duration::from_secs(1);
const SHARE: u32 = 20;
/// The most files that are named, and of each name.
const NAMED: usize = 20;
const LONGEST: usize = 200;
/// How many bytes of a hash tell two files apart.
const DIGEST_BYTES: usize = 16;

/// Each file by the folder's flag and its path in it, `flows/main.yaml`, and the digest of what is in it.
type Digests = BTreeMap<String, String>;

/// What there is of both folders, looked at by a thread until nobody wants to know.
#[derive(Clone, Debug)]
pub(super) struct Served(Arc<Mutex<Option<Arc<Digests>>>>);

impl Served {
    /// # Errors
    ///
    /// When a thread cannot be started.
    pub fn watch(flows: FlowPlace, prompts: PathBuf) -> io::Result<Served> {
        let latest = Arc::default();
        let (told, mut looks) = (Arc::downgrade(&latest), Looks { flows, prompts, known: BTreeMap::new() });
        let look_again = move || while looks.look(&told) {};
        thread::Builder::new().name("files".to_owned()).spawn(look_again)?;
        Ok(Served(latest))
    }

    /// What there was at the last look, the same until it is another; none before the first one is over.
    fn latest(&self) -> Option<Arc<Digests>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// What a file was when it was read: its inode, its length, and when it was changed.
type State = (u64, u64, i64, i64);

struct Looks {
    flows: FlowPlace,
    prompts: PathBuf,
    known: BTreeMap<PathBuf, (State, String)>,
}

impl Looks {
    /// Looks, and rests. Whether somebody still wants to know.
    fn look(&mut self, told: &Weak<Mutex<Option<Arc<Digests>>>>) -> bool {
        let began = Instant::now();
        let digests = self.digests();
        let rests = EVERY.max(began.elapsed() * SHARE);
        let Some(told) = told.upgrade() else { return false };
        let mut latest = told.lock().unwrap_or_else(PoisonError::into_inner);
        if latest.as_deref() != Some(&digests) {
            *latest = Some(Arc::new(digests));
        }
        drop(latest);
        drop(told);
        thread::sleep(rests);
        true
    }

    /// What cannot be read is not there.
    fn digests(&mut self) -> Digests {
        let files = load::served(&self.flows, &self.prompts);
        let mut known = std::mem::take(&mut self.known);
        let digest = |(name, path): (String, PathBuf)| {
            let about = fs::metadata(&path).ok()?;
            let state = (about.ino(), about.len(), about.mtime(), about.mtime_nsec());
            let read = || fs::read(&path).ok().map(|octets| hash(&octets));
            let same = known.remove(&path).filter(|(before, _)| *before == state);
            let digest = same.map_or_else(read, |(_, digest)| Some(digest))?;
            self.known.insert(path, (state, digest.clone()));
            Some((name, digest))
        };
        files.into_iter().filter_map(digest).collect()
    }
}

fn hash(octets: &[u8]) -> String {
    Sha256::digest(octets)[..DIGEST_BYTES].iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The server's side: says what it has, at first and when it is another.
#[derive(Debug)]
pub(super) struct ServedTail {
    served: Served,
    sent: Option<Arc<Digests>>,
}

impl ServedTail {
    pub fn new(served: Served) -> ServedTail {
        ServedTail { served, sent: None }
    }

    /// What has come since: the octets of [`Thing::Served`].
    pub fn round(&mut self) -> io::Result<Option<Vec<u8>>> {
        let latest = self.served.latest().filter(|latest| self.sent.as_ref() != Some(latest));
        let Some(latest) = latest else { return Ok(None) };
        let octets = serde_json::to_vec(&*latest)?;
        self.sent = Some(latest);
        Ok(Some(octets))
    }
}

/// Which files differ between a server and its standby.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Differing {
    /// How many do.
    pub count: usize,
    /// The first of them, each with what is the matter, in words.
    pub named: Vec<String>,
}

impl Differing {
    fn between(server: &Digests, standby: &Digests) -> Differing {
        let names: BTreeSet<&String> = server.keys().chain(standby.keys()).collect();
        let differs = |name: &&String| server.get(*name) != standby.get(*name);
        let all: Vec<&String> = names.into_iter().filter(differs).collect();
        let in_words = |name: &&String| {
            let short: String = name.chars().take(LONGEST).collect();
            match (server.contains_key(*name), standby.contains_key(*name)) {
                (true, false) => format!("{short} is not on the standby"),
                (false, true) => format!("{short} is on the standby alone"),
                _ => format!("{short} is another"),
            }
        };
        Differing { count: all.len(), named: all.iter().take(NAMED).map(in_words).collect() }
    }

    /// All of them in words, the first by their names.
    pub fn words(&self) -> String {
        let more = self.count.saturating_sub(self.named.len());
        let more = (more > 0).then(|| format!("and {more} more"));
        self.named.iter().cloned().chain(more).collect::<Vec<_>>().join(", ")
    }
}

/// The standby's side: what the server has, as it comes, beside what is here.
#[derive(Debug)]
pub(super) struct Comparison {
    here: Served,
    coming: Vec<u8>,
    there: Option<Digests>,
    /// What was compared last with what the server has, and what came of it.
    compared: Option<Arc<Digests>>,
    told: Option<Differing>,
}

impl Comparison {
    pub fn new(here: Served) -> Comparison {
        Comparison { here, coming: Vec::new(), there: None, compared: None, told: None }
    }

    /// A server is connected, and has been told nothing yet.
    pub fn begin(&mut self) {
        (self.there, self.compared, self.told) = Default::default();
    }

    /// Takes a record that is about what the server has. Whether it was one.
    ///
    /// # Errors
    ///
    /// When it makes no sense.
    pub fn take(&mut self, record: &Record, octets: &[u8]) -> io::Result<bool> {
        match record {
            Record::Begin(Thing::Served) => self.coming.clear(),
            Record::Octets(Thing::Served) => self.coming.extend_from_slice(octets),
            Record::Done(Thing::Served, _) => {
                let there = serde_json::from_slice(&std::mem::take(&mut self.coming));
                self.there = Some(there.map_err(|_| io::ErrorKind::InvalidData)?);
                self.compared = None;
            }
            _ => return Ok(false),
        }
        Ok(true)
    }

    /// What is to be told: what differs at first, and when it is something else.
    pub fn news(&mut self) -> Option<Differing> {
        let (here, there) = (self.here.latest()?, self.there.as_ref()?);
        if self.compared.as_ref() == Some(&here) {
            return None;
        }
        let differing = Differing::between(there, &here);
        self.compared = Some(here);
        let is_news = self.told.as_ref() != Some(&differing);
        is_news.then(|| self.told.insert(differing).clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn digests(files: &[(&str, &str)]) -> Digests {
        files.iter().map(|(name, text)| ((*name).to_owned(), hash(text.as_bytes()))).collect()
    }

    #[test]
    fn each_file_that_differs_is_named_with_which_side_lacks_it() {
        let server = digests(&[("flows/a.yaml", "a"), ("flows/b.yaml", "b"), ("prompts/c.wav", "c")]);
        let standby = digests(&[("flows/a.yaml", "a"), ("flows/b.yaml", "other"), ("prompts/d.wav", "d")]);
        let words = "flows/b.yaml is another, prompts/c.wav is not on the standby, prompts/d.wav is on the standby alone";
        let differing = Differing::between(&server, &standby);
        assert_eq!((differing.count, differing.words()), (3, words.to_owned()));
        assert_eq!(Differing::between(&server, &server), Differing::default());
        let many: Vec<String> = (0..NAMED + 5).map(|number| format!("prompts/{number:03}.wav")).collect();
        let many = digests(&many.iter().map(|name| (name.as_str(), "")).collect::<Vec<_>>());
        assert!(Differing::between(&many, &Digests::new()).words().ends_with(" and 5 more"));
    }

    #[test]
    fn what_is_compared_is_what_would_be_served() {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| {
            let path = folder.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        };
        for name in [
            "f/main.yaml",
            "f/main.yaml~",
            "f/more/b.yaml",
            "f/tests/t.yaml",
            "p/en/a.wav",
            "p/en/words.yaml",
        ] {
            write(name, "1");
        }
        let (flows, prompts) = (folder.path().join("f").into(), folder.path().join("p"));
        let mut looks = Looks { flows, prompts, known: BTreeMap::new() };
        let first = looks.digests();
        let names = ["flows/main.yaml", "flows/more/b.yaml", "prompts/en/a.wav", "prompts/en/words.yaml"];
        assert_eq!(first.keys().collect::<Vec<_>>(), names);
        assert_eq!(looks.digests(), first);
        write("p/en/a.wav", "22");
        let second = looks.digests();
        assert!(second["prompts/en/a.wav"] != first["prompts/en/a.wav"] && second.len() == first.len());
    }
}
