//! Who hears whom: each stream's list, and by which of the two ways a packet gets there.
//!
//! A stream that hears one other as it comes, and can be sent its packets by changing their header, is
//! forwarded them when they arrive. Every other one is mixed for: the voices it hears are decoded, summed and
//! encoded in its own frame, so never its own among them.

use smallvec::SmallVec;

use super::Streams;
use crate::base::LegId;
use crate::base::Timestamp;
use crate::media::codec::rate;
use crate::media::mix::Gain;
use crate::media::mix::Mix;
use crate::media::rtp::MAX_PACKET;
use crate::media::stream::Outlet;
use crate::media::stream::PASSED_DIGIT;
use crate::media::stream::Sound;
use crate::media::stream::Source;
use crate::media::stream::Taken;
use crate::media::stream::frame_at;
use crate::media::voice::Voice;

impl Streams {
    /// From now on `leg` hears exactly `whom`, as far as they have a stream; never itself.
    pub(super) fn hear(&mut self, leg: LegId, whom: &[LegId]) {
        let Some(key) = self.key_of(leg) else { return };
        let mut hears: SmallVec<[usize; 4]> = SmallVec::new();
        for other in whom.iter().filter_map(|leg| self.key_of(*leg)) {
            if other != key && !hears.contains(&other) {
                hears.push(other);
            }
        }
        let before = std::mem::replace(&mut self.stream(key).hears, hears.clone());
        for other in before.iter().filter(|other| !hears.contains(other)) {
            self.stream(*other).heard_by.retain(|by| *by != key);
        }
        for other in hears.iter().filter(|other| !before.contains(other)) {
            self.stream(*other).heard_by.push(key);
        }
        self.refresh(key);
        for other in before {
            self.refresh_voice(other);
        }
    }

    /// Two legs hear each other and nobody else, and nobody else hears them; what they play stops.
    pub(super) fn join(&mut self, a: LegId, b: LegId, out: &mut impl Outlet) {
        let (Some(key_a), Some(key_b)) = (self.key_of(a), self.key_of(b)) else { return };
        if key_a == key_b {
            return;
        }
        for (key, other) in [(key_a, key_b), (key_b, key_a)] {
            if self.stream(key).hears[..] != [other] {
                self.stream(key).stop(out);
            }
            self.leave(key, Some(other));
        }
        self.hear(a, &[b]);
        self.hear(b, &[a]);
    }

    /// Neither of two legs hears the other any more.
    pub(super) fn part(&mut self, a: LegId, b: LegId) {
        let (Some(key_a), Some(key_b)) = (self.key_of(a), self.key_of(b)) else { return };
        self.unhear(key_a, key_b);
        self.unhear(key_b, key_a);
    }

    /// Takes a stream out of everybody's hearing, and everybody out of its own; `but` is left as it is.
    pub(super) fn leave(&mut self, key: usize, but: Option<usize>) {
        let stream = self.stream(key);
        let (hears, heard_by) = (stream.hears.clone(), stream.heard_by.clone());
        for other in hears.into_iter().filter(|other| Some(*other) != but) {
            self.unhear(key, other);
        }
        for other in heard_by.into_iter().filter(|other| Some(*other) != but) {
            self.unhear(other, key);
        }
    }

    fn unhear(&mut self, key: usize, other: usize) {
        if !self.stream(key).hears.contains(&other) {
            return;
        }
        self.stream(key).hears.retain(|heard| *heard != other);
        self.stream(other).heard_by.retain(|by| *by != key);
        self.refresh(key);
        self.refresh_voice(other);
    }

    pub(super) fn set_gain(&mut self, leg: LegId, gain_db: i8) {
        let Some(key) = self.key_of(leg) else { return };
        self.stream(key).gain = Gain::from_db(gain_db);
        self.refresh_around(key);
    }

    pub(super) fn echo(&mut self, leg: LegId, on: bool) {
        let Some(key) = self.key_of(leg) else { return };
        self.stream(key).echo = on;
        self.refresh_around(key);
    }

    pub(super) fn mute(&mut self, leg: LegId, on: bool) {
        let Some(key) = self.key_of(leg) else { return };
        self.stream(key).muted = on;
        self.refresh_around(key);
    }

    /// Something about a stream changed that decides how it hears and is heard.
    pub(super) fn refresh_around(&mut self, key: usize) {
        self.refresh(key);
        for by in self.stream(key).heard_by.clone() {
            self.refresh(by);
        }
    }

    /// Decides anew where a stream's sound comes from.
    fn refresh(&mut self, key: usize) {
        let stream = &self.streams[key].stream;
        let mut audible = stream.hears.iter().filter(|other| self.streams[**other].stream.is_audible());
        let source = match (audible.next(), audible.next()) {
            (None, _) => Source::Nobody,
            (Some(one), None) if self.streams[*one].stream.can_be_forwarded_to(stream) => Source::One(*one),
            _ => Source::Mix,
        };
        if stream.source != source {
            let pressed = match source {
                Source::One(one) => self.streams[one].stream.latest_press(),
                Source::Mix | Source::Nobody => None,
            };
            let stream = self.stream(key);
            stream.source = source;
            stream.begin_other_source(pressed);
        }
        for other in self.stream(key).hears.clone() {
            self.refresh_voice(other);
        }
    }

    /// A stream is decoded exactly while somebody mixes it, or it is in a recording.
    pub(super) fn refresh_voice(&mut self, key: usize) {
        let stream = &self.streams[key].stream;
        let needs = |by: &usize| {
            let by = &self.streams[*by].stream;
            by.source == Source::Mix || by.recording.is_some()
        };
        let codec = stream.codec();
        let wanted = stream.is_audible() && (stream.recording.is_some() || stream.heard_by.iter().any(needs));
        let stream = self.stream(key);
        match wanted {
            true if stream.voice.is_none() => stream.voice = Some(Box::new(Voice::new(codec))),
            true => {}
            false => stream.stop_decoding(),
        }
    }

    /// Hands a packet of `key` to those who hear it.
    pub(super) fn spread(
        &mut self,
        now: Timestamp,
        key: usize,
        taken: Taken,
        packet: &mut [u8],
        out: &mut impl Outlet,
    ) {
        let frame = frame_at(now);
        let stream = self.stream(key);
        if stream.echo && matches!(taken.sound, Sound::Audio(_)) {
            return stream.pass(frame, taken, packet, out);
        }
        stream.listen(now, &taken, packet);
        let audible = stream.is_audible();
        let heard_by = stream.heard_by.clone();
        for (place, by) in heard_by.iter().enumerate() {
            let Some(listener) = self.streams.get_mut(*by).map(|placed| &mut placed.stream) else { continue };
            match listener.source {
                Source::One(source) if source == key && place + 1 == heard_by.len() => {
                    listener.pass(frame, taken, packet, out);
                }
                Source::One(source) if source == key => {
                    // The next one is handed the packet as it came.
                    let mut copy = [0; MAX_PACKET];
                    let Some(copy) = copy.get_mut(..packet.len()) else { continue };
                    copy.copy_from_slice(packet);
                    listener.pass(frame, taken, copy, out);
                }
                Source::Mix => {
                    if let Some(digit) = taken.digit.filter(|_| audible) {
                        listener.send_digit(digit, PASSED_DIGIT);
                    }
                }
                Source::One(_) | Source::Nobody => {}
            }
        }
    }

    /// What a stream hears in a frame, when that is mixed.
    pub(super) fn mixed(&mut self, now: Timestamp, key: usize, frame: u64) -> Option<Mix> {
        let stream = &self.streams.get(key)?.stream;
        if stream.source != Source::Mix {
            return None;
        }
        let mut mix = Mix::silence(rate(stream.codec()));
        for other in stream.hears.clone() {
            let Some(other) = self.streams.get_mut(other).map(|placed| &mut placed.stream) else { continue };
            let gain = other.gain;
            if let Some(voice) = &mut other.voice {
                mix.add(voice.frame(now, frame, mix.rate()), gain);
            }
        }
        Some(mix)
    }
}
