//! A recorded talk: each party's tone in its own channel, silence while it is paused and while the caller is held,
//! and a file that plays although the server was killed.

use std::path::Path;

use serde_json::json;

use crate::callback::center_with;
use crate::server::Server;
use crate::talk::Talk;
use crate::tone;
use crate::tone::AGENT_HZ;
use crate::tone::CALLER_HZ;
use crate::tools::available;
use crate::tools::within;

/// Samples of a second of one channel.
const SECOND: usize = tone::RATE;
/// So many frames of silence in a row, on both sides, are a pause and no chance.
const PAUSE: usize = 50;

#[test]
fn a_recording_has_each_party_in_its_channel_no_pause_and_survives_the_server() {
    if !available("a_recording_has_each_party_in_its_channel_…", &["sipp", "baresip"]) {
        return;
    }
    let (_flows, setup) = center_with(&[("  support:\n", "  support:\n    record: yes\n")]);
    let mut talk = Talk::begin(Server::set_up(setup));
    let story = talk.server.story_with(&talk.sip_call_id, "recording_started", 10);
    assert_eq!(story.prompts().last(), Some(&"recording/told"));
    let file = talk.server.data().join("recordings").join(format!("{}.wav", talk.call));

    passes(&talk, 2);
    let (status, problem) = talk.server.act(talk.call, "alice", "record", json!({ "do": "resume" }));
    assert_eq!((status, &problem["error"]), (409, &json!("the recording is not paused")));
    talk.acts("alice", "record", json!({ "do": "pause", "reason": "a card number" }));
    talk.server.story_with(&talk.sip_call_id, "recording_paused", 10);
    talk.caller.line.key("5399");
    passes(&talk, 4);
    talk.acts("alice", "record", json!({ "do": "resume" }));
    passes(&talk, 2);
    talk.acts("alice", "hold", json!({ "reason": "a look", "way": "verbal", "agreed": true }));
    talk.server.story_with(&talk.sip_call_id, "hold_started", 10);
    passes(&talk, 4);
    talk.acts("alice", "resume", json!({}));
    talk.hear("a", "c", None);
    passes(&talk, 2);

    // What was said by now is soon in the file, and played although nobody closes it.
    let so_far = seconds(&file);
    within(20, "the file grows", || (seconds(&file) >= so_far + 3.0).then_some(()));
    talk.server.kill();
    within(10, "the server is gone", || (!talk.server.runs()).then_some(()));
    let [left, right] = channels(&file);
    let said = stretches(&left, &right);
    assert_eq!(said.len(), 3, "talk, pause, talk, hold, talk: {said:?}");
    for (from, to) in said {
        let (left, right) = (&left[from..to], &right[from..to]);
        assert!(tone::is_in(CALLER_HZ, left) && !tone::is_in(AGENT_HZ, left), "left {from}..{to}");
        assert!(tone::is_in(AGENT_HZ, right) && !tone::is_in(CALLER_HZ, right), "right {from}..{to}");
    }

    talk.server.restart();
    let (status, sound) = talk
        .server
        .ask("GET", &format!("/api/v1/calls/{}/recording", talk.call), None)
        .expect("the server answers");
    assert!(status == 200 && sound.starts_with("RIFF"), "{status}");
    let story = talk.server.story_with(&talk.sip_call_id, "recording_fetched", 10);
    // The talk goes on, and its recording in another file.
    let files: Vec<_> = story.all("recording_started").iter().map(|told| told["file"].clone()).collect();
    assert_eq!(files, [format!("{}.wav", talk.call), format!("{}-2.wav", talk.call)]);
    assert_eq!(story.all("recording_ended")[0]["why"], "restart");
    assert_eq!(story.only("recording_paused")["reason"], "a card number");
    talk.server.never_wrote("5399");
}

/// Waits until the caller has heard so many seconds more, whatever that was.
fn passes(talk: &Talk, seconds: usize) {
    let wanted = talk.caller.line.recording().len() + seconds * SECOND;
    let heard = || (talk.caller.line.recording().len() >= wanted).then_some(());
    within(20, "the caller hears something", heard);
}

/// How long the file says that it is.
fn seconds(file: &Path) -> f64 {
    hound::WavReader::open(file).map_or(0.0, |reader| f64::from(reader.duration()) / SECOND as f64)
}

fn channels(file: &Path) -> [Vec<i16>; 2] {
    let reader = hound::WavReader::open(file).expect("a file that plays");
    assert_eq!((reader.spec().channels, reader.spec().sample_rate as usize), (2, SECOND));
    let samples: Vec<i16> = reader.into_samples().map(|sample| sample.expect("a whole file")).collect();
    [0, 1].map(|channel| samples.iter().skip(channel).step_by(2).copied().collect())
}

/// Where something was said, between pauses.
fn stretches(left: &[i16], right: &[i16]) -> Vec<(usize, usize)> {
    let frame = SECOND / 50;
    let mut found: Vec<(usize, usize)> = Vec::new();
    for (number, (left, right)) in left.chunks(frame).zip(right.chunks(frame)).enumerate() {
        if left.iter().chain(right).all(|sample| *sample == 0) {
            continue;
        }
        let (from, to) = (number * frame, number * frame + left.len());
        match found.last_mut() {
            Some((_, end)) if from - *end < PAUSE * frame => *end = to,
            _ => found.push((from, to)),
        }
    }
    found
}
