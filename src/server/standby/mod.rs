//! A second machine that takes over: it has a copy of all that a server's calls and history are, never more than moments old, and
//! goes on with them when the server is gone.
//!
//! | file | is |
//! |---|---|
//! | `key` | what both machines share, so that nobody else is told anything |
//! | `channel` | records between the two, sealed |
//! | `primary` | the server's side: what changes in the data folder is sent to whoever has the key |
//! | `unproved` | who has connected, and has not shown that they have the key |
//! | `calls` | the journal and the keys of calls, as they are written |
//! | `files` | recordings, versions of flows and all else that is a file; and what of it is gone |
//! | `copy` | the standby's side: a data folder that becomes the same |
//! | `served` | flow files and prompts, which are the operator's on both machines, compared |
//! | `stats` | how each standby is, for whoever asks |
//! | `addresses` | whether this machine has the addresses of the service |
//! | `takeover` | when the standby serves |
//!
//! The server notices nothing of it: what it writes is read from its files, as the next process with the data folder would.

use std::net::SocketAddr;

use serde::Deserialize;
use serde::Serialize;

use crate::base::CallId;
use crate::store::lineage::Heads;
use crate::store::lineage::Lacks;

mod addresses;
mod calls;
mod channel;
mod copy;
mod files;
mod key;
mod primary;
mod served;
mod stats;
mod takeover;
#[cfg(test)]
mod tests;
mod unproved;

pub(super) use files::Look;
pub use key::KeyError;
pub use key::StandbyKey;
pub use primary::Standbys;
pub use served::Differing;
pub use stats::StandbyState;
pub use stats::StandbyStats;
pub use stats::StandbyStatus;
#[cfg(test)]
pub(crate) use stats::tests::behind;
pub use takeover::Standby;
pub use takeover::StandbyError;

/// The form of the records. Both sides must speak the same.
const FORM: u32 = 3;

/// What one side tells the other, beside the octets that go with it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Record {
    /// The standby's first: a file that it has already. Not told of the journal, the history and keys, which are sent whole.
    Has(FileState),
    /// The standby's last. By what its history is known, where it has one.
    HasAll {
        form: u32,
        #[serde(default)]
        history: Option<Heads>,
    },
    /// The server's first.
    Server(About),
    /// The server lives; and its machine's clock now, in ms. The standby says the same once it has all that came before.
    Alive { machine_ms: u64 },
    /// A thing begins anew, beside what there is of it: its octets follow.
    Begin(Thing),
    /// Octets of the thing that was begun; or else they are appended to it.
    Octets(Thing),
    /// What was begun takes its place. When it was last changed, in µs since 1970, where that matters.
    Done(Thing, i64),
    /// Octets of a recording that has grown, from there on.
    More { path: String, at: u64 },
    /// These were all. When it was last changed, in µs since 1970.
    Grown(String, i64),
    /// It is there no more.
    Gone(Thing),
    /// The server has no such file, and has not removed it: it is moved aside.
    Aside(String),
    /// How long recordings are kept, those that were moved aside among them.
    Keep { seconds: u64 },
    /// The history's log begins anew: all that there is of it goes into the file.
    Fold,
    /// The standby's: which flow files and prompts differ.
    Differs(Differing),
    /// All that there was when the standby came has been sent.
    Whole,
    /// The server has ended, and nothing comes any more. The standby says the same once it has all.
    Ended,
}

/// Who serves.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
struct About {
    /// [`FORM`]
    form: u32,
    /// Where SIP is: what phones were told to send to.
    sip: SocketAddr,
    machine_ms: u64,
    /// What the server's history lacks of the standby's.
    #[serde(default)]
    lacks: Lacks,
}

/// What there is in a data folder, and beside it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Thing {
    Journal,
    /// The history's file, and the log of what is not in it yet.
    History,
    Log,
    /// The keys of a call's lines, which are in memory alone.
    Keys(CallId),
    /// What the server serves of the operator's, to be compared: digests by name.
    Served,
    /// Any other file, by its path within the data folder.
    File(String),
}

/// A file as it was when it was sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct FileState {
    pub(super) path: String,
    length: u64,
    /// In µs since 1970.
    changed: i64,
}

impl FileState {
    /// Whether it is a recording of any kind.
    pub(super) fn is_sound(&self) -> bool {
        files::is_sound(&self.path)
    }
}
