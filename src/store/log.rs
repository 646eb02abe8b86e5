//! What is written to the history, octet by octet: SQLite's write-ahead log, read by somebody who keeps a copy of the file on
//! another machine.
//!
//! The log is a row of frames, a page each, behind a header ([file format, §4](https://www.sqlite.org/fileformat2.html#walformat));
//! the last frame of a transaction says so. Once all of it is in the file, the next writer begins the log anew. So that nothing is
//! missed, a read transaction stands open meanwhile, for the log is not begun anew under one; only [`LogTail::fold`] lets go of it
//! for a moment, and then knows how long the log had become.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::path::PathBuf;
use std::time::Duration;

use rusqlite::Connection;

use crate::store::FILE;
use crate::store::StoreError;

/// The log's file, beside the history's, and what SQLite finds its way in it by.
pub const LOG_FILE: &str = "warmline.db-wal";
pub const INDEX_FILE: &str = "warmline.db-shm";

const HEADER: usize = 32;
const FRAME_HEADER: usize = 24;
/// The two magic numbers: sums are of little-endian words, and of big-endian ones.
const MAGIC: [u32; 2] = [0x377f_0682, 0x377f_0683];
/// From this length on the log is to be put into the file: as long as SQLite itself lets it become.
pub const FOLDED_FROM: u64 = 4 << 20;
/// How long writers wait for readers at most while it is put there: in vain, it is tried again later.
const WAITS: Duration = Duration::from_millis(100);
/// The most that is read at once.
const AT_ONCE: usize = 1 << 20;

/// What a look at the log has found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Found {
    /// Whole transactions, or nothing.
    More,
    /// The log begins anew: all that was in it before has been found, and is to go into the copy's file.
    Anew,
    /// The log was begun anew by somebody else: what it had before may not have been found, so the copy is to be made anew.
    Lost,
}

/// See the module.
#[derive(Debug)]
pub struct LogTail {
    /// Stands in a read transaction.
    connection: Connection,
    path: PathBuf,
    log: File,
    generation: Generation,
    /// What was found so far ends here.
    at: u64,
    sum: Sum,
    /// Where the log ends, once it is in the file and nobody writes to its end any more.
    ends: Option<u64>,
}

/// What the header of a log says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Generation {
    header: [u8; HEADER],
    little_endian: bool,
    page: usize,
    /// The first counts up by one with each beginning, the other is drawn.
    salts: [u32; 2],
    sum: Sum,
}

/// The sum that each frame has of all before it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Sum(u32, u32);

impl Sum {
    fn add(self, octets: &[u8], little_endian: bool) -> Sum {
        let word = |octets: &[u8]| {
            let octets = [octets[0], octets[1], octets[2], octets[3]];
            if little_endian { u32::from_le_bytes(octets) } else { u32::from_be_bytes(octets) }
        };
        octets.chunks_exact(8).fold(self, |Sum(first, second), pair| {
            let first = first.wrapping_add(word(&pair[..4])).wrapping_add(second);
            let second = second.wrapping_add(word(&pair[4..])).wrapping_add(first);
            Sum(first, second)
        })
    }
}

impl Generation {
    /// None of octets that are no header, or only half of one.
    fn parse(header: [u8; HEADER]) -> Option<Generation> {
        let number = |at: usize| number(&header, at);
        let little_endian = number(0) == MAGIC[0];
        let sum = Sum::default().add(&header[..24], little_endian);
        let is_one = MAGIC.contains(&number(0)) && sum == Sum(number(24), number(28));
        let (page, salts) = (number(8) as usize, [number(16), number(20)]);
        is_one.then_some(Generation { header, little_endian, page, salts, sum })
    }

    fn frame(&self) -> usize {
        FRAME_HEADER + self.page
    }

    /// The sum up to this frame, and whether it ends a transaction. None: it is no frame of this log, or not all of it is there.
    fn check(&self, frame: &[u8], before: Sum) -> Option<(Sum, bool)> {
        let number = |at: usize| number(frame, at);
        let sum = before.add(&frame[..8], self.little_endian).add(&frame[FRAME_HEADER..], self.little_endian);
        let is_one = self.is_salted(frame) && sum == Sum(number(16), number(20));
        is_one.then_some((sum, number(4) > 0))
    }

    /// Whether a frame that begins so was written since the log began.
    fn is_salted(&self, frame: &[u8]) -> bool {
        [number(frame, 8), number(frame, 12)] == self.salts
    }
}

fn number(octets: &[u8], at: usize) -> u32 {
    u32::from_be_bytes([octets[at], octets[at + 1], octets[at + 2], octets[at + 3]])
}

impl LogTail {
    /// Begins with the log as it stands: the file, copied from now on, and all that is found are the history.
    ///
    /// # Errors
    ///
    /// When there is no history, or it cannot be read.
    pub fn start(folder: &Path) -> Result<LogTail, StoreError> {
        let path = folder.join(FILE);
        if !path.is_file() {
            return Err(StoreError::Missing { folder: folder.to_owned() });
        }
        let connection = Connection::open(&path)?;
        connection.busy_timeout(super::BUSY)?;
        write_something(&connection)?;
        stand(&connection)?;
        connection.busy_timeout(WAITS)?;
        let failed = |error: io::Error| StoreError::Invalid(format!("{LOG_FILE}: {error}"));
        let log = File::open(folder.join(LOG_FILE)).map_err(failed)?;
        let mut header = [0; HEADER];
        log.read_exact_at(&mut header, 0).map_err(failed)?;
        let generation =
            Generation::parse(header).ok_or_else(|| failed(io::ErrorKind::InvalidData.into()))?;
        Ok(LogTail { connection, path, log, generation, at: 0, sum: generation.sum, ends: None })
    }

    /// The history's file.
    pub fn file(&self) -> &Path {
        &self.path
    }

    /// Appends to `out` what has come, in whole transactions: of the log as it was at [`Found::More`], of the new one at
    /// [`Found::Anew`]. More may be there as long as something was found.
    ///
    /// # Errors
    ///
    /// When the log cannot be read.
    pub fn look(&mut self, out: &mut Vec<u8>) -> io::Result<Found> {
        if self.transactions(out)? {
            return Ok(Found::More);
        }
        let mut header = [0; HEADER];
        self.log.read_exact_at(&mut header, 0)?;
        // One that is being written is looked at once more.
        let Some(now) = Generation::parse(header).filter(|now| *now != self.generation) else {
            return Ok(Found::More);
        };
        let is_next = now.salts[0] == self.generation.salts[0].wrapping_add(1);
        if !is_next || self.ends != Some(self.at) {
            return Ok(Found::Lost);
        }
        (self.generation, self.at, self.sum, self.ends) = (now, 0, now.sum, None);
        self.transactions(out)?;
        Ok(Found::Anew)
    }

    /// Appends transactions behind what was found, and the header before the first. Whether there was something.
    fn transactions(&mut self, out: &mut Vec<u8>) -> io::Result<bool> {
        let (frame, from) = (self.generation.frame(), self.at.max(HEADER as u64));
        if !self.has_frame(from)? {
            return Ok(false);
        }
        let at_once = (AT_ONCE / frame).max(1) * frame;
        let (mut octets, mut sum, mut whole) = (Vec::new(), self.sum, None);
        // A transaction may be longer than what is read at once.
        while whole.is_none() {
            let mut looked_at = octets.len();
            octets.resize(looked_at + at_once, 0);
            let length = looked_at + read_at(&self.log, &mut octets[looked_at..], from + looked_at as u64)?;
            while looked_at + frame <= length
                && let Some((next, ends)) = self.generation.check(&octets[looked_at..looked_at + frame], sum)
            {
                (sum, looked_at) = (next, looked_at + frame);
                if ends {
                    whole = Some((looked_at, sum));
                }
            }
            if looked_at < octets.len() {
                break;
            }
        }
        let Some((length, sum)) = whole else { return Ok(false) };
        self.pass_on(out, &octets[..length], sum);
        Ok(true)
    }

    /// Whether something of this log stands there. What is mostly there is the end of the file, or what an earlier log left.
    fn has_frame(&self, at: u64) -> io::Result<bool> {
        let mut header = [0; FRAME_HEADER];
        let length = read_at(&self.log, &mut header, at)?;
        Ok(length == FRAME_HEADER && self.generation.is_salted(&header))
    }

    fn pass_on(&mut self, out: &mut Vec<u8>, frames: &[u8], sum: Sum) {
        if self.at == 0 {
            out.extend_from_slice(&self.generation.header);
            self.at = HEADER as u64;
        }
        out.extend_from_slice(frames);
        self.at += frames.len() as u64;
        self.sum = sum;
    }

    /// Puts a log of this length or more into the file, so that the next writer begins it anew.
    ///
    /// # Errors
    ///
    /// When SQLite says no. That readers or writers are in the way is no error: it is tried again.
    pub fn fold(&mut self, from: u64) -> Result<(), StoreError> {
        if self.at < from || self.ends.is_some() {
            return Ok(());
        }
        self.connection.execute_batch("COMMIT")?;
        let folded = self.connection.query_row("PRAGMA wal_checkpoint(RESTART)", [], |row| {
            Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?, row.get::<_, i64>(2)?))
        });
        stand(&self.connection)?;
        let (busy, frames, in_file) = folded?;
        if busy == 0 && frames == in_file {
            let frames = frames.unsigned_abs() * self.generation.frame() as u64;
            self.ends = Some(HEADER as u64 + frames);
        }
        Ok(())
    }
}

/// A transaction that changes nothing, so that there is a log.
fn write_something(connection: &Connection) -> Result<(), StoreError> {
    let id: i64 = connection.pragma_query_value(None, "application_id", |row| row.get(0))?;
    connection.execute_batch(&format!("BEGIN IMMEDIATE; PRAGMA application_id = {id}; COMMIT"))?;
    Ok(())
}

/// Begins a read transaction, and reads, for it begins with that.
fn stand(connection: &Connection) -> Result<(), StoreError> {
    connection.execute_batch("BEGIN")?;
    connection.query_row("SELECT count(*) FROM sqlite_master", [], |_| Ok(()))?;
    Ok(())
}

/// Reads as much as there is.
fn read_at(file: &File, into: &mut [u8], from: u64) -> io::Result<usize> {
    let mut length = 0;
    while length < into.len() {
        match file.read_at(&mut into[length..], from + length as u64)? {
            0 => break,
            more => length += more,
        }
    }
    Ok(length)
}

/// Puts the log of a copy into its file, where nobody else has it open.
///
/// # Errors
///
/// When SQLite says no.
pub fn fold_copy(folder: &Path) -> Result<(), StoreError> {
    // What an earlier one found its way by says nothing of this log.
    let _ = std::fs::remove_file(folder.join(INDEX_FILE));
    let connection = Connection::open(folder.join(FILE))?;
    let busy: i64 = connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get(0))?;
    if busy == 0 { Ok(()) } else { Err(StoreError::Invalid(format!("{FILE} is in use"))) }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::fs::OpenOptions;
    use std::io::Write;

    use proptest::prelude::*;
    use tempfile::TempDir;

    use super::*;
    use crate::base::Entropy;
    use crate::store::Store;

    /// A history that is written to, and its copy.
    struct Copied {
        from: TempDir,
        to: TempDir,
        writer: Connection,
        tail: LogTail,
        anew: u32,
    }

    impl Copied {
        fn start() -> Copied {
            let (from, to) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
            drop(Store::open(from.path()).unwrap());
            let writer = Connection::open(from.path().join(FILE)).unwrap();
            writer.execute_batch("CREATE TABLE words (word BLOB)").unwrap();
            let tail = LogTail::start(from.path()).unwrap();
            fs::copy(tail.file(), to.path().join(FILE)).unwrap();
            Copied { from, to, writer, tail, anew: 0 }
        }

        fn write(&self, octets: usize, chance: &mut Entropy) {
            let word: Vec<u8> = (0..octets).map(|_| chance.u32() as u8).collect();
            self.writer.execute("INSERT INTO words VALUES (?)", [word]).unwrap();
        }

        /// Copies what has come. Whether nothing is lost.
        fn copy(&mut self) -> bool {
            loop {
                let mut out = Vec::new();
                match self.tail.look(&mut out).unwrap() {
                    Found::Lost => return false,
                    Found::More if out.is_empty() => return true,
                    Found::More => {}
                    Found::Anew => {
                        self.anew += 1;
                        fold_copy(self.to.path()).unwrap();
                    }
                }
                let log = self.to.path().join(LOG_FILE);
                OpenOptions::new().append(true).create(true).open(log).unwrap().write_all(&out).unwrap();
            }
        }

        fn words(connection: &Connection) -> Vec<Vec<u8>> {
            let mut all = connection.prepare("SELECT word FROM words ORDER BY rowid").unwrap();
            all.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
        }

        fn assert_same(&self) {
            // As the next process opens it: by the file and its log.
            let _ = fs::remove_file(self.to.path().join(INDEX_FILE));
            let copy = tempfile::tempdir().unwrap();
            for name in [FILE, LOG_FILE] {
                let _ = fs::copy(self.to.path().join(name), copy.path().join(name));
            }
            let copied = Connection::open(copy.path().join(FILE)).unwrap();
            let checked: String = copied.query_row("PRAGMA integrity_check", [], |row| row.get(0)).unwrap();
            assert_eq!(checked, "ok");
            assert!(Copied::words(&copied) == Copied::words(&self.writer), "the copy has other words");
        }
    }

    #[test]
    fn a_copy_has_every_transaction_and_none_that_is_not_over() {
        let (mut copied, mut chance) = (Copied::start(), Entropy::seeded(1));
        copied.write(100, &mut chance);
        assert!(copied.copy());
        copied.assert_same();
        copied.writer.execute_batch("BEGIN; INSERT INTO words VALUES (zeroblob(3000000))").unwrap();
        assert!(copied.copy());
        copied.writer.execute_batch("ROLLBACK").unwrap();
        copied.assert_same();
        // Longer than what is read at once.
        copied.write(3_000_000, &mut chance);
        assert!(copied.copy());
        copied.assert_same();
    }

    #[test]
    fn a_log_that_others_begin_anew_is_a_copy_to_be_made_anew() {
        let (mut copied, mut chance) = (Copied::start(), Entropy::seeded(2));
        copied.write(100, &mut chance);
        assert!(copied.copy());
        copied.write(100, &mut chance);
        // As if nobody stood in a read transaction.
        copied.tail.connection.execute_batch("COMMIT").unwrap();
        copied.writer.query_row("PRAGMA wal_checkpoint(RESTART)", [], |_| Ok(())).unwrap();
        copied.write(100, &mut chance);
        assert!(!copied.copy());
        let again = LogTail::start(copied.from.path()).unwrap();
        let _ = fs::remove_file(copied.to.path().join(LOG_FILE));
        fs::copy(again.file(), copied.to.path().join(FILE)).unwrap();
        copied.tail = again;
        assert!(copied.copy());
        copied.assert_same();
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(16))]

        #[test]
        fn a_copy_is_the_same_however_often_the_log_begins_anew(seed: u64) {
            let (mut copied, mut chance) = (Copied::start(), Entropy::seeded(seed));
            for _ in 0..60 {
                for _ in 0..chance.below(4) {
                    let octets = 1 + chance.below(30_000) as usize;
                    copied.write(octets, &mut chance);
                }
                prop_assert!(copied.copy(), "lost");
                if chance.below(2) == 0 {
                    copied.tail.fold(100_000).unwrap();
                }
            }
            prop_assert!(copied.copy());
            copied.assert_same();
            prop_assert!(copied.anew > 0, "the log was never begun anew");
        }
    }
}
