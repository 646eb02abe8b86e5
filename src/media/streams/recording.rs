//! The recording of a stream: whose voices are in it, frame by frame.

use super::Streams;
use crate::base::LegId;
use crate::base::Timestamp;
use crate::media::codec::rate;
use crate::media::control::MediaEvent;
use crate::media::mix::Gain;
use crate::media::mix::Mix;
use crate::media::recording::Record;
use crate::media::recording::Recording;
use crate::media::recording::Tracks;
use crate::media::stream::Outlet;

impl Streams {
    pub(super) fn record(&mut self, leg: LegId, record: Record, out: &mut impl Outlet) {
        let Some(key) = self.key_of(leg) else { return };
        match record {
            Record::Start(tracks) => {
                let stream = self.stream(key);
                if stream.recording.is_none() {
                    stream.recording = Some(Box::new(Recording::new(tracks, rate(stream.codec()))));
                    self.refresh_recorded(key);
                }
            }
            Record::Pause | Record::Resume => {
                if let Some(recording) = &mut self.stream(key).recording {
                    recording.paused = record == Record::Pause;
                }
            }
            Record::Stop => self.stop_recording(key, out),
        }
    }

    /// Ends the recording of a stream, when there is one.
    pub(super) fn stop_recording(&mut self, key: usize, out: &mut impl Outlet) {
        let Some(mut recording) = self.stream(key).recording.take() else { return };
        let rate = recording.rate;
        recording.finish(|samples| out.record(key, rate, samples));
        out.recorded(key);
        self.refresh_recorded(key);
    }

    /// It has begun or ended: who is in it has to be decoded, or need not any more.
    fn refresh_recorded(&mut self, key: usize) {
        self.refresh_voice(key);
        for other in self.stream(key).hears.clone() {
            self.refresh_voice(other);
        }
    }

    /// Takes a frame of what the stream says, and of those whom it hears.
    pub(super) fn record_frame(&mut self, now: Timestamp, key: usize, frame: u64, out: &mut impl Outlet) {
        let Some(stream) = self.streams.get_mut(key).map(|placed| &mut placed.stream) else { return };
        let Some(mut recording) = stream.recording.take() else { return };
        let rate = recording.rate;
        let (mut said, mut heard) = (Mix::silence(rate), Mix::silence(rate));
        let is_heard = recording.tracks == Tracks::Message || !stream.heard_by.is_empty();
        if let Some(voice) = stream.voice.as_mut().filter(|_| is_heard) {
            said.add(voice.frame(now, frame, rate), Gain::UNITY);
        }
        for other in stream.hears.clone() {
            let Some(other) = self.streams.get_mut(other).map(|placed| &mut placed.stream) else { continue };
            let gain = other.gain;
            if let Some(voice) = other.voice.as_mut().filter(|_| recording.tracks == Tracks::Talk) {
                heard.add(voice.frame(now, frame, rate), gain);
            }
        }
        let speaks = recording.take(frame, [&said, &heard], |samples| out.record(key, rate, samples));
        let stream = self.stream(key);
        stream.recording = Some(recording);
        if let Some(on) = speaks {
            out.event(MediaEvent::Speaks { leg: stream.leg, on });
        }
    }
}
