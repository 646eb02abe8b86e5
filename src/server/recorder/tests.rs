//! Recordings into a real folder; the ring that feeds them is tested with the tape.

use std::os::unix::fs::PermissionsExt;
use std::os::unix::fs::symlink;

use super::*;
use crate::base::CallId;
use crate::media::frame::Rate;

const LEG: LegId = LegId::of(CallId(7), 0);
const FILE: RecordingFile = RecordingFile { kind: RecordingKind::Talk, call: CallId(7), part: 1 };
const MESSAGE: RecordingFile = RecordingFile { kind: RecordingKind::Message, ..FILE };
const KEEP: Duration = Duration::from_secs(90 * 86_400);
/// Nobody waits for so long unless something is wrong.
const PATIENCE: Duration = Duration::from_secs(60);

fn start(data: &Path) -> (Recorder, tokio::sync::mpsc::Receiver<Recorded>) {
    let (sender, ended) = tokio::sync::mpsc::channel(8);
    (Recorder::start(data, KEEP, sender).unwrap(), ended)
}

fn within<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let until = Instant::now() + PATIENCE;
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(Instant::now() < until, "{what}");
        thread::sleep(Duration::from_millis(10));
    }
}

#[test]
fn a_recording_can_be_played_while_it_runs_and_is_whole_at_its_end() {
    let data = tempfile::tempdir().unwrap();
    let (mut recorder, _ended) = start(data.path());
    let mut tape = recorder.begin(LEG, FILE, Tracks::Talk).unwrap();
    let path = data.path().join("recordings/7.wav");
    // The header is true at some time after what is written: no end of the recording is needed for that. All of it fits on
    // the tape, however late that is emptied.
    (0..10).for_each(|_| tape.write(Rate::Narrow, &[5; 320]));
    let so_far = within("the file can be read, and has sound", || {
        hound::WavReader::open(&path).ok().filter(|reader| reader.duration() > 0)
    });
    assert_eq!((so_far.spec().channels, so_far.spec().sample_rate), (2, 8_000));
    assert!(so_far.into_samples::<i16>().all(|sample| sample.unwrap() == 5));
    tape.write(Rate::Narrow, &[6; 320]);
    drop(tape);
    recorder.close();
    let whole = hound::WavReader::open(&path).unwrap();
    let samples: Vec<i16> = whole.into_samples().map(Result::unwrap).collect();
    assert_eq!(samples[samples.len() - 320..], [6; 320]);
    assert_eq!(samples.len() % 320, 0);
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o077;
    assert_eq!((mode(&path), mode(path.parent().unwrap())), (0, 0), "others can read it");
}

#[test]
fn a_disk_that_is_full_ends_the_recording_and_is_told_once() {
    let data = tempfile::tempdir().unwrap();
    let (recorder, mut ended) = start(data.path());
    symlink("/dev/full", path(data.path(), FILE)).unwrap();
    let mut tape = recorder.begin(LEG, FILE, Tracks::Talk).unwrap();
    tape.write(Rate::Wide, &[5; 640]);
    assert_eq!(ended.blocking_recv(), Some(Recorded { leg: LEG, why: RecordingEnd::Disk }));
    // The worker goes on writing, and is not stopped by it.
    for _ in 0..200 {
        tape.write(Rate::Wide, &[5; 640]);
    }
    assert_eq!(recorder.stats().failed.load(Ordering::Relaxed), 1);
    let told = recorder.stats().trouble().unwrap();
    assert!(
        told.starts_with("recordings and messages are being lost") && told.contains("No space"),
        "{told}"
    );
    // Somebody has made room.
    let mut tape = recorder.begin(LEG, RecordingFile { part: 2, ..FILE }, Tracks::Talk).unwrap();
    within("it is told no more", || {
        tape.write(Rate::Wide, &[5; 640]);
        recorder.stats().trouble().is_none().then_some(())
    });
    drop(tape);
    drop(recorder);
    assert_eq!(ended.blocking_recv(), None);
}

#[test]
fn what_is_not_wanted_is_gone_whether_it_has_ended_or_not_and_nothing_else_is() {
    let data = tempfile::tempdir().unwrap();
    let (mut recorder, _ended) = start(data.path());
    let mut talk = recorder.begin(LEG, FILE, Tracks::Talk).unwrap();
    let mut message = recorder.begin(LEG, MESSAGE, Tracks::Message).unwrap();
    talk.write(Rate::Narrow, &[5; 320]);
    message.write(Rate::Narrow, &[5; 160]);
    within("both have begun", || path(data.path(), MESSAGE).exists().then_some(()));
    recorder.discard(MESSAGE);
    drop(message);
    within("the message is gone", || (!path(data.path(), MESSAGE).exists()).then_some(()));
    let again = RecordingFile { part: 2, ..MESSAGE };
    drop(recorder.begin(LEG, again, Tracks::Message));
    recorder.discard(again);
    drop(talk);
    recorder.close();
    assert_eq!(hound::WavReader::open(path(data.path(), FILE)).unwrap().duration(), 160);
    assert_eq!(fs::read_dir(data.path().join("messages")).unwrap().count(), 0);
}

#[test]
fn a_recording_that_lies_there_is_kept_and_the_new_one_has_the_name() {
    let data = tempfile::tempdir().unwrap();
    let (mut recorder, _ended) = start(data.path());
    let earlier = path(data.path(), FILE);
    fs::write(&earlier, "somebody else's").unwrap();
    let mut tape = recorder.begin(LEG, FILE, Tracks::Talk).unwrap();
    tape.write(Rate::Narrow, &[5; 320]);
    drop(tape);
    recorder.close();
    assert_eq!(hound::WavReader::open(&earlier).unwrap().duration(), 160);
    let aside: Vec<_> = folders(data.path()).into_iter().skip(RecordingKind::ALL.len()).collect();
    assert_eq!(fs::read_to_string(aside[0].join("7.wav")).unwrap(), "somebody else's");
    // It is kept as long as others are, and no longer.
    let later = SystemTime::now() + KEEP + Duration::from_secs(60);
    assert_eq!((aside.len(), sweep(&aside[0], later, KEEP).unwrap()), (1, 1));
}

#[test]
fn a_folder_that_was_removed_is_made_again() {
    let data = tempfile::tempdir().unwrap();
    let (mut recorder, _ended) = start(data.path());
    fs::remove_dir(data.path().join("recordings")).unwrap();
    let mut tape = recorder.begin(LEG, FILE, Tracks::Talk).unwrap();
    tape.write(Rate::Narrow, &[5; 320]);
    drop(tape);
    recorder.close();
    assert_eq!(hound::WavReader::open(path(data.path(), FILE)).unwrap().duration(), 160);
    assert_eq!(recorder.stats().trouble(), None);
}

#[test]
fn a_recording_is_removed_when_it_was_kept_long_enough_and_not_before() {
    let data = tempfile::tempdir().unwrap();
    fs::write(data.path().join("1.wav"), "x").unwrap();
    fs::write(data.path().join("1.txt"), "x").unwrap();
    let written = fs::metadata(data.path().join("1.wav")).unwrap().modified().unwrap();
    assert_eq!(sweep(data.path(), written + KEEP, KEEP).unwrap(), 0);
    assert_eq!(sweep(data.path(), written + KEEP + Duration::from_secs(1), KEEP).unwrap(), 1);
    let left: Vec<_> = fs::read_dir(data.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left, ["1.txt"]);
}
