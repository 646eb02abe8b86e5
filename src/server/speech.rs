//! Has texts spoken by the center's command, and keeps what was spoken on the disk, named by what was to be said.
//!
//! A text that is the same in every call is spoken when the files are read; one that differs, on threads of its own while
//! the caller waits, and no longer than the center allows. The command is started without a shell, with the text on its
//! standard input, and knows nothing of our environment but where programs are.

#[cfg(test)]
mod tests;

use std::collections::BTreeSet;
use std::collections::HashMap;
use std::fs;
use std::fs::File;
use std::io;
use std::io::Read;
use std::io::Write;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::path::PathBuf;
use std::process::Child;
use std::process::Command;
use std::process::Stdio;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::mpsc::SyncSender;
use std::sync::mpsc::sync_channel;
use std::thread;
use std::time::Duration;
use std::time::Instant;
use std::time::SystemTime;

use rustix::fs::Access;
use rustix::fs::access;
use rustix::process::Pid;
use rustix::process::Signal;
use rustix::process::kill_process_group;
use sha2::Digest;
use sha2::Sha256;
use tokio::sync::mpsc;
use tracing::warn;

use crate::base::LegId;
use crate::base::Name;
use crate::fact::recording::RecordingKind;
use crate::flow::Center;
use crate::flow::speech;
use crate::flow::speech::Speech;
use crate::media::clip::Clip;
use crate::media::clip::ClipError;
use crate::media::control::PlayId;
use crate::media::spoken::levelled;
use crate::server::folder;

/// How many texts of calls are spoken at once.
const THREADS: usize = 4;
/// Texts that may wait for a thread; one more is not spoken.
const WAITING: usize = 256;
/// How long a text that is the same in every call may take.
const AT_LOAD: Duration = Duration::from_secs(20);
/// The most sound that a command may write, in bytes.
const LARGEST: u64 = 16 << 20;
/// The most texts that are kept; those that were not needed for longest go first.
const MOST: usize = 2_000;
/// How long a note that was spoken a moment ago may take to be written.
pub const NOTE_WITHIN: Duration = Duration::from_secs(2);
/// How often we look whether a command has ended, and whether a note is there.
const LOOK: Duration = Duration::from_millis(2);

/// Why a text was not spoken.
#[derive(Debug, thiserror::Error)]
pub enum SpeechError {
    #[error("nothing speaks {0:?}")]
    Language(Name),
    #[error("{program} cannot be started: {error}")]
    Start { program: String, error: io::Error },
    #[error("{program} was not done within {} s", within.as_secs_f64())]
    TooSlow { program: String, within: Duration },
    #[error("{program} failed ({status})")]
    Failed { program: String, status: std::process::ExitStatus },
    #[error("{program} did not write speech: {error}")]
    NoSound { program: String, error: ClipError },
    #[error("what was spoken cannot be kept: {0}")]
    Keep(#[from] io::Error),
}

/// What was spoken before, by what was to be said, in which language, and by which command.
#[derive(Clone, Debug)]
pub struct SpeechCache {
    folder: PathBuf,
    notes: PathBuf,
}

impl SpeechCache {
    /// The folder in the data folder. It is made when there is something to keep.
    pub fn within(data: &Path) -> SpeechCache {
        let notes = data.join(RecordingKind::Note.folder());
        SpeechCache { folder: data.join("speech-cache"), notes }
    }

    /// A note that an agent spoke, as loud as prompts are; waited for, while the disk has yet to take the end of it.
    fn note(&self, file: &str, until: Instant) -> Result<Clip, SpeechError> {
        let place = self.notes.join(file);
        let no_sound = |error| SpeechError::NoSound { program: file.to_owned(), error };
        loop {
            match fs::read(&place) {
                Ok(wav) => {
                    let wav = levelled(file, &wav).map_err(no_sound)?;
                    return Clip::from_wav(file, &wav).map_err(no_sound);
                }
                Err(error) if error.kind() == io::ErrorKind::NotFound && Instant::now() < until => {
                    thread::sleep(LOOK);
                }
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// The text as a clip, under the name that it has among recordings.
    pub fn speak(
        &self,
        speech: &Speech,
        language: &Name,
        text: &str,
        within: Duration,
    ) -> Result<Clip, SpeechError> {
        let command =
            speech.commands.get(language).ok_or_else(|| SpeechError::Language(Name::clone(language)))?;
        let program = || command.first().cloned().unwrap_or_default();
        let no_sound = |error| SpeechError::NoSound { program: program(), error };
        let name = format!("{language}/{}", speech::name(text, None));
        let place = self.folder.join(format!("{}.wav", key(command, text)));
        if let Ok(kept) = fs::read(&place)
            && let Ok(clip) = Clip::from_wav(&name, &kept)
        {
            // Its time is that of its last use; a disk that does not take that loses it the sooner.
            let _ = File::options()
                .write(true)
                .open(&place)
                .and_then(|file| file.set_modified(SystemTime::now()));
            return Ok(clip);
        }
        let wav = levelled(&name, &run(command, text, within)?).map_err(no_sound)?;
        self.keep(&place, &wav)?;
        Clip::from_wav(&name, &wav).map_err(no_sound)
    }

    fn keep(&self, place: &Path, wav: &[u8]) -> io::Result<()> {
        if !self.folder.is_dir() {
            // What callers are told is nobody else's.
            folder::private(&self.folder)?;
        }
        self.make_room()?;
        // Two threads may speak the same text: each writes a file of its own, and either is right.
        let draft = place.with_extension(format!("{:?}", thread::current().id()).replace(['(', ')'], ""));
        fs::write(&draft, wav)?;
        fs::rename(draft, place)
    }

    /// Removes what was not used for longest, when there is as much as may be.
    fn make_room(&self) -> io::Result<()> {
        let mut kept: Vec<(SystemTime, PathBuf)> = Vec::new();
        for entry in fs::read_dir(&self.folder)?.flatten() {
            let used = entry.metadata().and_then(|known| known.modified()).unwrap_or(SystemTime::UNIX_EPOCH);
            kept.push((used, entry.path()));
        }
        if kept.len() < MOST {
            return Ok(());
        }
        kept.sort();
        // Some at once, so that not every text looks through all of them in vain.
        kept.iter().take(MOST / 10).for_each(|(_, place)| drop(fs::remove_file(place)));
        Ok(())
    }

    /// The texts that are the same in every call; all that cannot be spoken is told, not the first.
    pub fn speak_all(&self, speech: &Speech, texts: &[(Name, String)]) -> Result<Vec<Clip>, Vec<String>> {
        let (mut clips, mut problems) = (Vec::new(), Vec::new());
        for (language, text) in texts {
            match self.speak(speech, language, text, AT_LOAD) {
                Ok(clip) => clips.push(clip),
                Err(error) => problems.push(format!("\"{text}\" ({language}): {error}")),
            }
        }
        if problems.is_empty() { Ok(clips) } else { Err(problems) }
    }
}

/// What is wrong with the commands of a center, each tried once in its language with a text that callers hear, where there is
/// one. Nothing is kept of it.
pub fn unspeakable(center: &Center) -> Vec<String> {
    let Some(speech) = &center.speech else { return Vec::new() };
    let texts = speech::fixed(center);
    let told = |(language, command): (&Name, &Vec<String>)| {
        let text = texts.iter().find(|(of, _)| of == language).map_or(SAMPLE, |(_, text)| text);
        let wav = run(command, text, AT_LOAD).and_then(|wav| {
            let no_sound = |error| SpeechError::NoSound { program: command.join(" "), error };
            levelled(language, &wav).map_err(no_sound)
        });
        wav.err().map(|error| format!("speech in \"{language}\": {error}"))
    };
    speech.commands.iter().filter_map(told).collect()
}

/// The programs of a center's commands that are not on this machine; none is started.
pub fn not_there(center: &Center) -> Vec<String> {
    let commands = center.speech.iter().flat_map(|speech| speech.commands.values());
    let programs: BTreeSet<&String> = commands.filter_map(|command| command.first()).collect();
    let missing = programs.into_iter().filter(|program| !can_be_started(program));
    let told = |program| {
        format!("{program}, which is to speak, is not on this machine: a server here would not start")
    };
    missing.map(told).collect()
}

/// Whether there is such a program, by its path or in the folders of programs.
fn can_be_started(program: &str) -> bool {
    let is_one = |path: &Path| path.is_file() && access(path, Access::EXEC_OK).is_ok();
    if program.contains('/') {
        return is_one(Path::new(program));
    }
    let folders = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&folders).any(|folder| is_one(&folder.join(program)))
}

/// What can be done where a command does not speak.
pub const SPEECH_HINT: &str = "give the command of `speech` a text in a terminal, as the user whom the server runs as: it reads it from its \
                               standard input, and writes a WAV file to its standard output";

/// Spoken on trial where callers hear no text that is the same in every call.
const SAMPLE: &str = "1, 2, 3";

/// The beginning of SHA-256 over the command and the text.
fn key(command: &[String], text: &str) -> String {
    let mut hash = Sha256::new();
    for part in command.iter().map(String::as_str).chain([text]) {
        hash.update(format!("{}\0{part}\0", part.len()));
    }
    hash.finalize()[..16].iter().map(|byte| format!("{byte:02x}")).collect()
}

/// What the command writes when it is given the text.
fn run(command: &[String], text: &str, within: Duration) -> Result<Vec<u8>, SpeechError> {
    let Some((program, arguments)) = command.split_first() else { return Ok(Vec::new()) };
    let until = Instant::now() + within;
    let start = |error| SpeechError::Start { program: program.clone(), error };
    let mut child = Command::new(program)
        .args(arguments)
        .env_clear()
        .envs(["PATH", "HOME", "LANG"].into_iter().filter_map(|name| Some((name, std::env::var_os(name)?))))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .process_group(0)
        .spawn()
        .map_err(start)?;
    // One that writes before it has read, or never reads, must not hold us: each pipe has a thread.
    let stdin = child.stdin.take();
    let words = text.to_owned();
    let writing = thread::spawn(move || {
        if let Some(mut stdin) = stdin {
            // Who does not want to hear it all may speak all the same.
            let _ = writeln!(stdin, "{words}");
        }
    });
    let stdout = child.stdout.take();
    let reading = thread::spawn(move || {
        let mut sound = Vec::new();
        let read = stdout.map(|stdout| stdout.take(LARGEST).read_to_end(&mut sound));
        read.unwrap_or(Ok(0)).map(|_| sound)
    });
    let ended = wait(&mut child, &reading, until);
    if ended.is_none() {
        // With all that it started itself, which might hold its pipes.
        if let Some(group) = i32::try_from(child.id()).ok().and_then(Pid::from_raw) {
            let _ = kill_process_group(group, Signal::KILL);
        }
        let _ = child.wait();
        return Err(SpeechError::TooSlow { program: program.clone(), within });
    }
    let status = child.wait().map_err(start)?;
    let _ = writing.join();
    let sound = reading.join().unwrap_or_else(|_| Ok(Vec::new())).map_err(start)?;
    if status.success() { Ok(sound) } else { Err(SpeechError::Failed { program: program.clone(), status }) }
}

/// Until the command has ended and all that it wrote is read.
fn wait<T>(child: &mut Child, reading: &thread::JoinHandle<T>, until: Instant) -> Option<()> {
    while Instant::now() < until {
        if reading.is_finished() && !matches!(child.try_wait(), Ok(None)) {
            return Some(());
        }
        thread::sleep(LOOK);
    }
    None
}

/// Texts of one play, to be spoken while its caller waits.
#[derive(Clone, Debug)]
pub struct Unspoken {
    pub leg: LegId,
    pub play: PlayId,
    /// None where the center has no voice: then there are no texts.
    pub speech: Option<Arc<Speech>>,
    pub language: Name,
    pub texts: Vec<String>,
    /// Notes that agents spoke, by the names of their files.
    pub notes: Vec<String>,
}

/// What came of them: a clip for each, or none.
#[derive(Debug)]
pub struct Spoken {
    pub leg: LegId,
    pub play: PlayId,
    pub clips: HashMap<String, Arc<Clip>>,
}

/// Speaks texts of calls on threads of its own, which end when it is dropped.
pub struct Speaker {
    requests: SyncSender<(Unspoken, Instant)>,
    answers: mpsc::Sender<Spoken>,
}

impl Speaker {
    /// Starts the threads. An answer waits for room in `answers`.
    pub fn start(cache: SpeechCache, answers: mpsc::Sender<Spoken>) -> io::Result<Speaker> {
        let (requests, receiver) = sync_channel::<(Unspoken, Instant)>(WAITING);
        let receiver = Arc::new(Mutex::new(receiver));
        for number in 0..THREADS {
            let (receiver, answers, cache) = (Arc::clone(&receiver), answers.clone(), cache.clone());
            thread::Builder::new().name(format!("speech {number}")).spawn(move || {
                loop {
                    let next = receiver.lock().unwrap_or_else(PoisonError::into_inner).recv();
                    let Ok((unspoken, asked)) = next else { return };
                    let spoken = all(&cache, unspoken, asked);
                    if answers.blocking_send(spoken).is_err() {
                        return;
                    }
                }
            })?;
        }
        Ok(Speaker { requests, answers })
    }

    /// Has them spoken, and never waits; [`Spoken`] answers, at once where too many wait.
    pub fn speak(&self, unspoken: Unspoken) {
        let (leg, play) = (unspoken.leg, unspoken.play);
        if self.requests.try_send((unspoken, Instant::now())).is_err() {
            warn!("too many texts are to be spoken at once");
            // Should the answers be full as well, the play's own time runs out.
            let _ = self.answers.try_send(Spoken { leg, play, clips: HashMap::new() });
        }
    }
}

fn all(cache: &SpeechCache, unspoken: Unspoken, asked: Instant) -> Spoken {
    let Unspoken { leg, play, speech, language, texts, notes } = unspoken;
    let mut clips = HashMap::new();
    for note in notes {
        match cache.note(&note, asked + NOTE_WITHIN) {
            Ok(clip) => drop(clips.insert(note, Arc::new(clip))),
            Err(error) => warn!(note, %error, "a spoken note was not played"),
        }
    }
    for (speech, text) in speech.iter().flat_map(|speech| texts.iter().map(move |text| (speech, text))) {
        let left = (asked + speech.timeout).saturating_duration_since(Instant::now());
        match cache.speak(speech, &language, text, left) {
            Ok(clip) => drop(clips.insert(text.clone(), Arc::new(clip))),
            // The text may be about a caller.
            Err(error) => warn!(%language, %error, "a text was not spoken"),
        }
    }
    Spoken { leg, play, clips }
}
