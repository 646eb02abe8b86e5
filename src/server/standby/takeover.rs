//! When the standby serves: the server has said nothing for a while, all that it had is here, and so is its address.
//!
//! That the address has come is what keeps the two apart: it is on one machine at a time, and who moves it (keepalived, a cloud's
//! API, a person) decides which of them serves.

use std::fs;
use std::io;
use std::net::SocketAddr;
use std::net::TcpStream;
use std::path::PathBuf;
use std::thread;
use std::time::Duration;
use std::time::Instant;

use tracing::debug;
use tracing::info;
use tracing::warn;

use super::FORM;
use super::Record;
use super::StandbyKey;
use super::addresses::Addresses;
use super::channel::Channel;
use super::channel::in_vain;
use super::copy::Copy;
use super::files::Look;
use super::served::Comparison;
use super::served::Differing;
use super::served::Served;
use crate::server::ServeOptions;
use crate::server::lock;
use crate::server::lock::FolderLock;
use crate::store;
use crate::store::lineage::Lacks;

/// How long the server may say nothing: five times what it takes to say that it lives. It need not be long, for a server that
/// lives has the address.
const SILENT: Duration = Duration::from_secs(1);
/// How long lies between two tries to reach it.
const TRIES_EVERY: Duration = Duration::from_millis(100);
/// How long a connection may take to come about.
const CONNECTS_WITHIN: Duration = Duration::from_millis(400);

/// Why there cannot be a standby.
#[derive(Debug, thiserror::Error)]
pub enum StandbyError {
    #[error("the folder {} is not empty and has no data of Warmline", .0.display())]
    Foreign(PathBuf),
    #[error("another Warmline has the data folder {}", .0.display())]
    Taken(PathBuf),
    #[error("the data folder {} cannot be written to: {error}", folder.display())]
    Folder { folder: PathBuf, error: io::Error },
    #[error("the server has SIP at {server}, and this standby would have it at {standby}")]
    Address { server: SocketAddr, standby: SocketAddr },
    #[error("the data folder {} has a history that the server {server} has not", folder.display())]
    OtherHistory { folder: PathBuf, server: SocketAddr },
    #[error("the server {server} is of another version: {error}")]
    Form { server: SocketAddr, error: String },
    #[error("the operating system refused: {0}")]
    System(io::Error),
}

impl StandbyError {
    /// What the operator can do about it.
    pub fn hint(&self) -> String {
        match self {
            StandbyError::Foreign(_) => {
                "all in a standby's data folder becomes what the server has: name an empty one with --data"
                    .to_owned()
            }
            StandbyError::Taken(_) => "stop it, or name another folder with --data".to_owned(),
            StandbyError::Folder { .. } => "name a folder that you may write to with --data".to_owned(),
            StandbyError::Address { server, .. } => {
                format!("the address moves with the service: start both with --sip {server}")
            }
            StandbyError::OtherHistory { .. } => {
                "nothing was changed. If what is here is right, stop that server, move the address here and start `warmline serve` with this \
                 folder; if what is there is right, name an empty folder with --data, and keep this one"
                    .to_owned()
            }
            StandbyError::Form { .. } => "run the same version on both machines".to_owned(),
            StandbyError::System(_) => "`warmline doctor` checks what the server needs".to_owned(),
        }
    }
}

/// A standby that waits.
#[derive(Debug)]
pub struct Standby {
    data: PathBuf,
    sip: SocketAddr,
    addresses: Addresses,
    server: SocketAddr,
    key: StandbyKey,
    copy: Copy,
    comparison: Comparison,
    /// When the server was heard last. None: it has said that it ends.
    heard: Option<Instant>,
    /// What was logged of why it waits: that the server cannot be heard, and that its address is not here.
    told: [Option<String>; 2],
    /// It was logged that the server sends what it has.
    sends: bool,
    /// No other server has the data folder meanwhile.
    _lock: FolderLock,
}

impl Standby {
    /// A standby of this server, that would serve with these options.
    ///
    /// # Errors
    ///
    /// When the data folder is no good one.
    pub fn new(options: &ServeOptions, server: SocketAddr, key: StandbyKey) -> Result<Standby, StandbyError> {
        let data = options.data.clone();
        let failed = |error| StandbyError::Folder { folder: data.clone(), error };
        store::make_folder(&data).map_err(failed)?;
        let is_empty = fs::read_dir(&data).map_err(failed)?.next().is_none();
        // One that was taken before, though nothing had come by then.
        let is_ours = [store::FILE, lock::FILE].iter().any(|name| data.join(name).exists());
        if !is_empty && !is_ours {
            return Err(StandbyError::Foreign(data));
        }
        let lock = FolderLock::take(&data).map_err(|_| StandbyError::Taken(data.clone()))?;
        let copy = Copy::new(&data).map_err(failed)?;
        let served =
            Served::watch(options.flow_place(), options.prompts.clone()).map_err(StandbyError::System)?;
        let comparison = Comparison::new(served);
        let (sip, heard, told, sends) = (options.sip, Some(Instant::now()), Default::default(), false);
        let addresses = Addresses::of(options);
        Ok(Standby { data, sip, addresses, server, key, copy, comparison, heard, told, sends, _lock: lock })
    }

    /// Keeps the copy, until it is to serve: then all that the server had is in the data folder.
    ///
    /// # Errors
    ///
    /// When this can be no standby of that server, or the folder cannot be written to.
    pub fn wait(mut self) -> Result<(), StandbyError> {
        loop {
            if let Err(error) = self.follow()? {
                self.tell(0, format!("the server cannot be heard: {}", in_words(&error)));
            }
            if self.heard.is_none_or(|heard| heard.elapsed() >= SILENT) && self.copy.is_whole() {
                match self.addresses.trouble() {
                    None => break,
                    Some(trouble) => self.tell(1, format!("the server is gone, and {trouble}")),
                }
            }
            thread::sleep(TRIES_EVERY);
        }
        let silent_ms = self.heard.map_or(0, |heard| heard.elapsed().as_millis() as u64);
        info!(silent_ms, address = %self.sip, "the server is gone: this one takes over");
        let failed = |error| StandbyError::Folder { folder: self.data.clone(), error };
        self.copy.take_over().map_err(failed)
    }

    /// Logs why it waits, once until it is another reason or everything was here again.
    fn tell(&mut self, reason: usize, what: String) {
        if self.told[reason].as_ref() != Some(&what) {
            warn!(server = %self.server, "{what}");
            self.told[reason] = Some(what);
        }
    }

    /// Connects to the server, and does what it says until it says nothing more.
    pub(super) fn follow(&mut self) -> Result<io::Result<()>, StandbyError> {
        let mut channel = match self.connect() {
            Ok(channel) => channel,
            Err(error) => return Ok(Err(error)),
        };
        self.comparison.begin();
        let (mut differed, mut is_taken) = (false, false);
        loop {
            let (record, octets) = match channel.receive() {
                Ok(received) => received,
                Err(error) if !is_taken => return Ok(Err(in_vain(error))),
                Err(error) => return Ok(Err(error)),
            };
            is_taken = true;
            self.heard = Some(Instant::now());
            let failed = |error: io::Error| StandbyError::Folder { folder: self.data.clone(), error };
            match &record {
                Record::Server(about) if about.form != FORM => {
                    let error = format!("it speaks form {}, and this one form {FORM}", about.form);
                    return Err(StandbyError::Form { server: self.server, error });
                }
                Record::Server(about) if about.sip != self.sip => {
                    return Err(StandbyError::Address { server: about.sip, standby: self.sip });
                }
                Record::Server(about) if about.lacks == Lacks::More => return self.keeps_its_own(),
                // A server that is lost again and again before it has sent everything is told of once.
                Record::Server(_) if !std::mem::replace(&mut self.sends, true) => {
                    info!(server = %self.server, "the server sends what it has");
                }
                Record::Whole => {
                    (self.told, self.sends) = Default::default();
                    info!(server = %self.server, "everything is here");
                }
                Record::Ended => self.heard = None,
                _ => {}
            }
            let is_told = matches!(record, Record::Alive { .. } | Record::Ended).then(|| record.clone());
            let applied = match self.comparison.take(&record, octets) {
                Ok(false) => self.copy.apply(record, octets),
                taken => taken.map(drop),
            };
            match applied {
                // What comes makes no sense: it is asked for anew.
                Err(error) if error.kind() == io::ErrorKind::InvalidData => return Ok(Err(error)),
                done => done.map_err(failed)?,
            }
            let Some(answer) = is_told else { continue };
            let differing = self.comparison.news();
            if let Some(differing) = &differing {
                tell_of(differing, std::mem::replace(&mut differed, differing.count > 0));
            }
            let answers = differing.map(Record::Differs).into_iter().chain([answer]);
            // A server that is gone hears nothing, and may have said more before.
            let _ = answers
                .into_iter()
                .try_for_each(|answer| channel.send(&answer, &[]))
                .and_then(|()| channel.flush());
        }
    }

    /// What is here is not thrown away for a server that has less. One that had everything goes on waiting, and serves once that
    /// server is gone.
    fn keeps_its_own(&self) -> Result<io::Result<()>, StandbyError> {
        let (folder, server) = (self.data.clone(), self.server);
        let why = StandbyError::OtherHistory { folder, server };
        if self.copy.is_whole() { Ok(Err(io::Error::other(why.to_string()))) } else { Err(why) }
    }

    fn connect(&mut self) -> io::Result<Channel> {
        let stream = TcpStream::connect_timeout(&self.server, CONNECTS_WITHIN)?;
        let mut channel = Channel::connect(stream, &self.key)?;
        channel.hears_within(SILENT)?;
        for file in Look::at(&self.data).files() {
            channel.send(&Record::Has(file), &[])?;
        }
        let history = self.copy.history();
        channel.send(&Record::HasAll { form: FORM, history }, &[])?;
        channel.flush()?;
        debug!(server = %self.server, "connected");
        Ok(channel)
    }
}

/// Logs which files differ; or that none does any more.
fn tell_of(differing: &Differing, differed: bool) {
    if differing.count > 0 {
        warn!(count = differing.count, files = %differing.words(), "this standby would serve other files than the server");
    } else if differed {
        info!("this standby would serve the same files as the server");
    }
}

/// A connection on which nothing came says so in the words of whoever waits.
fn in_words(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut => {
            format!("it says nothing for {} s", SILENT.as_secs())
        }
        // Without the words of ours that say more.
        io::ErrorKind::UnexpectedEof if error.get_ref().is_none() => "it has ended".to_owned(),
        _ => error.to_string(),
    }
}
