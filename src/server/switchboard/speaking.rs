//! Plays: recordings at once, texts of a call when they have been spoken, elsewhere. Until then the line is silent, and
//! what was to be heard is kept here; a text that was not spoken in time is heard as its recording, or left out.

use std::collections::BTreeSet;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use super::LiveCall;
use super::Now;
use super::Output;
use super::Streams;
use super::Switchboard;
use super::lines::DigitsBy;
use super::lines::Playing;
use crate::base::LegId;
use crate::base::Name;
use crate::base::Timestamp;
use crate::call::CallEvent;
use crate::fact::recording::spoken_note;
use crate::flow::Center;
use crate::flow::speech;
use crate::media::MediaCommand;
use crate::media::clip::Clip;
use crate::media::control::PlayId;
use crate::media::library::Library;
use crate::server::speech::NOTE_WITHIN;
use crate::server::speech::Spoken;
use crate::server::speech::Unspoken;

/// How much longer than the center's own time a play waits: who speaks gives up first.
const GRACE: Duration = Duration::from_secs(1);

/// A play that waits for its texts.
pub(super) struct Waiting {
    playing: Playing,
    until: Timestamp,
}

/// What one leg hears recordings from: the center, its library, and the leg's language.
struct Shelf<'a> {
    center: &'a Center,
    library: &'a Library,
    language: &'a Name,
}

impl Shelf<'_> {
    /// What was recorded in the center's own language alone, a name say, is heard in that.
    fn find(&self, name: &str) -> Option<&Arc<Clip>> {
        self.library.find(self.language, name).or_else(|| self.library.find(&self.center.language, name))
    }

    /// A text that is the same in every call lies among the recordings, in the language that it is in.
    fn text(&self, text: &str) -> Option<&Arc<Clip>> {
        self.library.find(self.language, &speech::name(text, None))
    }

    /// The clips of these, in order. The checker has seen every name of a recording; one that is missing all the same is
    /// left out.
    fn clips(&self, prompts: &[Name], spoken: &HashMap<String, Arc<Clip>>) -> Arc<[Arc<Clip>]> {
        let clip = |name: &Name| match speech::text(name) {
            Some((text, or)) => {
                let made = self.text(text).or_else(|| spoken.get(text));
                made.or_else(|| or.and_then(|or| self.find(or)))
            }
            None => spoken_note(name).map_or_else(|| self.find(name), |note| spoken.get(note)),
        };
        prompts.iter().filter_map(|name| clip(name).cloned()).collect()
    }
}

impl Switchboard {
    fn shelf(&self, leg: LegId) -> Shelf<'_> {
        match self.calls.get(&leg.call()) {
            Some(LiveCall { center, library, call, .. }) => {
                Shelf { center, library, language: call.language_of(center, leg) }
            }
            None => {
                let (center, library) = (&self.parts.center, &self.parts.library);
                Shelf { center, library, language: &center.language }
            }
        }
    }

    /// Plays on a leg, as soon as all of it is there.
    pub(super) fn play(
        &mut self,
        now: Now,
        leg: LegId,
        playing: Playing,
        streams: &mut dyn Streams,
        out: &mut Vec<Output>,
    ) {
        self.not_spoken(leg);
        if let Some(line) = self.lines.get_mut(&leg) {
            line.sound.plays = Some(playing.clone());
        }
        let shelf = self.shelf(leg);
        let texts = playing.prompts.iter().filter_map(|name| speech::text(name));
        let texts: BTreeSet<&str> = texts
            .map(|(text, _)| text)
            .filter(|text| !text.is_empty() && shelf.text(text).is_none())
            .collect();
        let notes = playing.prompts.iter().filter_map(|name| spoken_note(name));
        let notes: Vec<String> = notes.map(str::to_owned).collect();
        let speech = shelf.center.speech.clone().filter(|_| !texts.is_empty());
        if speech.is_none() && notes.is_empty() {
            return self.start_play(leg, &playing, &HashMap::new(), streams);
        }
        let for_notes = if notes.is_empty() { Duration::ZERO } else { NOTE_WITHIN };
        let for_texts = speech.as_ref().map_or(Duration::ZERO, |speech| speech.timeout);
        let until = now.at + for_notes.max(for_texts) + GRACE;
        let texts = texts.into_iter().filter(|_| speech.is_some()).map(str::to_owned).collect();
        let language = Name::clone(shelf.language);
        out.push(Output::Speak(Unspoken { leg, play: playing.play, speech, language, texts, notes }));
        // What played before is over; the line is silent meanwhile.
        streams.send(leg.call(), MediaCommand::Stop { leg });
        self.unspoken.insert(leg, Waiting { playing, until });
    }

    fn start_play(
        &self,
        leg: LegId,
        playing: &Playing,
        spoken: &HashMap<String, Arc<Clip>>,
        streams: &mut dyn Streams,
    ) {
        let clips = self.shelf(leg).clips(&playing.prompts, spoken);
        let Playing { play, repeat, .. } = *playing;
        // A phone that sends INFO may send the same key in its audio, a moment later: that is not for the prompt that comes next.
        let by_info = self.lines.get(&leg).is_some_and(|line| line.digits == Some(DigitsBy::Info));
        let barge_in = playing.barge_in && !by_info;
        streams.send(leg.call(), MediaCommand::Play { leg, play, clips, barge_in, repeat });
    }

    /// Texts were spoken, or not. What nobody waits for any more is let go.
    pub(super) fn on_spoken(&mut self, spoken: Spoken, streams: &mut dyn Streams) {
        if self.unspoken.get(&spoken.leg).is_some_and(|waiting| waiting.playing.play == spoken.play)
            && let Some(waiting) = self.unspoken.remove(&spoken.leg)
        {
            self.start_play(spoken.leg, &waiting.playing, &spoken.clips, streams);
        }
    }

    /// Whatever waits on this leg is not to be heard any more.
    pub(super) fn not_spoken(&mut self, leg: LegId) {
        if let Some(waiting) = self.unspoken.remove(&leg) {
            let play = waiting.playing.play;
            self.play_is_over(leg, play);
            let ended = CallEvent::PlayEnded { leg, play, stopped: true };
            self.later(leg.call(), ended);
        }
    }

    /// A play has come to its end.
    pub(super) fn play_is_over(&mut self, leg: LegId, play: PlayId) {
        if let Some(line) = self.lines.get_mut(&leg) {
            line.sound.plays.take_if(|playing| playing.play == play);
        }
    }

    pub(super) fn unspoken_deadline(&self) -> Option<Timestamp> {
        self.unspoken.values().map(|waiting| waiting.until).min()
    }

    /// Plays that have waited for too long go on without.
    pub(super) fn unspoken_due(&mut self, now: Now, streams: &mut dyn Streams) {
        let mut late: Vec<LegId> = self
            .unspoken
            .iter()
            .filter(|(_, waiting)| waiting.until <= now.at)
            .map(|(leg, _)| *leg)
            .collect();
        late.sort_unstable();
        for leg in late {
            if let Some(waiting) = self.unspoken.remove(&leg) {
                self.start_play(leg, &waiting.playing, &HashMap::new(), streams);
            }
        }
    }
}
