//! `voicemail`: records what the caller says after a tone, as a message to a queue.
//!
//! `#` ends it, silence does, and the longest that one may be. What was said is kept when the caller hangs up in the
//! middle, or the server is started anew, too; under a second, or without a voice in it, it is no message.

use std::time::Duration;

use serde::Deserialize;
use serde::Serialize;

use crate::base::Name;
use crate::base::QueueId;
use crate::base::Timestamp;
use crate::flow::api::ExitName;
use crate::flow::api::FlowAction;
use crate::flow::api::MessageEnd;
use crate::flow::api::MessageNews;
use crate::flow::model::NodeIndex;
use crate::flow::model::Prompt;
use crate::flow::node;
use crate::flow::node::Exit;
use crate::flow::node::THEN;
use crate::flow::read::Reader;
use crate::flow::read::fields::Fields;
use crate::flow::read::yaml::Place;
use crate::flow::read::yaml::Text;
use crate::flow::step::Input;
use crate::flow::step::Next;
use crate::flow::step::Step;

const NOTHING: ExitName = ExitName::Named("nothing");
const FAILED: ExitName = ExitName::Named("failed");

/// The tone, in every language.
const TONE: &str = "beep";
/// What is shorter is no message.
const SHORTEST: Duration = Duration::from_secs(1);
/// Nobody speaking is told when it has lasted so long.
const TOLD_AFTER: Duration = Duration::from_secs(1);
/// How long a message may be at all, and the silence that ends it, in seconds.
const LONGEST_S: (u64, u64) = (5, 900);
const SILENCE_S: (u64, u64) = (2, 60);

/// A message to whoever serves a queue.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Voicemail {
    pub queue: Option<QueueId>,
    /// Heard before the tone; a key goes on to it.
    pub greeting: Vec<Prompt>,
    tone: Vec<Prompt>,
    /// Default 3 min.
    pub longest: Duration,
    /// Default 5 s.
    pub silence: Duration,
    pub then: NodeIndex,
    /// Nobody said anything.
    pub nothing: NodeIndex,
    /// It could not be stored.
    pub failed: NodeIndex,
}

/// How far the caller is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum State {
    Greeting,
    Tone,
    Recording {
        since: Timestamp,
        /// When silence ends it; none while somebody speaks.
        silent_at: Option<Timestamp>,
        spoke: bool,
    },
}

impl Voicemail {
    pub fn read(fields: &mut Fields<'_>, reader: &mut Reader<'_>) -> Voicemail {
        let yaml = fields.require(reader, "voicemail");
        let queue = yaml.and_then(|yaml| {
            let text = reader.text(yaml, "the name of a queue")?;
            reader.queue(text)
        });
        let place = yaml.map_or(fields.place, |yaml| yaml.place);
        Voicemail {
            queue,
            greeting: fields.must_hear(reader, "greeting"),
            tone: tone(place, reader),
            longest: bounded(fields, reader, "longest", 180, LONGEST_S),
            silence: bounded(fields, reader, "silence", 5, SILENCE_S),
            then: fields.exit(reader, "then"),
            nothing: fields.exit(reader, "nothing"),
            failed: fields.exit(reader, "failed"),
        }
    }

    pub fn exits(&self) -> Vec<Exit> {
        [(THEN, self.then), (NOTHING, self.nothing), (FAILED, self.failed)]
            .map(|(name, to)| Exit::plain(name, to))
            .to_vec()
    }

    pub fn enter(&self, step: &mut Step<'_>) -> (node::State, Next) {
        let mut state = State::Greeting;
        if !step.play(&[&self.greeting], true, false) {
            self.tone(&mut state, step);
        }
        (node::State::Voicemail(state), Next::Stay)
    }

    pub fn handle(&self, state: &mut State, step: &mut Step<'_>, input: Input) -> Next {
        match (&mut *state, input) {
            (State::Greeting, Input::PlayEnded) => self.tone(state, step),
            (State::Tone, Input::PlayEnded) => self.record(state, step),
            (State::Recording { .. }, Input::Digit { digit: '#', told }) => {
                step.heard('#', told);
                return self.ends(state, step);
            }
            // A key that means nothing here; a part of a secret it is not, nor is it told.
            (State::Recording { since, silent_at, .. }, Input::Digit { .. }) => {
                self.wait(*since, *silent_at, step);
            }
            (State::Recording { .. }, Input::Message(MessageNews::CutOff)) => return self.ends(state, step),
            (State::Recording { since, silent_at, spoke }, Input::Message(news)) => {
                if news == MessageNews::Failed {
                    self.stop(MessageEnd::Failed, step);
                    return Next::Go(FAILED, self.failed);
                }
                *spoke |= news == MessageNews::Speaks;
                let silence = self.silence.saturating_sub(TOLD_AFTER);
                *silent_at = (news == MessageNews::Silent).then(|| step.now + silence);
                let (since, silent_at) = (*since, *silent_at);
                self.wait(since, silent_at, step);
            }
            (State::Recording { .. }, Input::Timer) => return self.ends(state, step),
            _ => {}
        }
        Next::Stay
    }

    /// The caller hung up: what they have said is kept.
    pub fn abandoned(&self, state: &State, step: &mut Step<'_>) {
        if matches!(state, State::Recording { .. }) {
            let _ = self.ends(state, step);
        }
    }

    /// A key is heard while the message is recorded, and before goes on to the tone.
    pub fn listens(&self, state: &State) -> bool {
        matches!(state, State::Recording { .. })
    }

    fn tone(&self, state: &mut State, step: &mut Step<'_>) {
        *state = State::Tone;
        if !step.play(&[&self.tone], false, false) {
            self.record(state, step);
        }
    }

    fn record(&self, state: &mut State, step: &mut Step<'_>) {
        // Whatever was keyed before is no end of the message.
        step.forget_kept();
        let (since, silent_at) = (step.now, Some(step.now + self.silence));
        *state = State::Recording { since, silent_at, spoke: false };
        // The checker lets no flow through whose queue is unknown.
        step.out.extend(self.queue.map(|queue| FlowAction::RecordMessage { queue }));
        self.wait(since, silent_at, step);
    }

    fn wait(&self, since: Timestamp, silent_at: Option<Timestamp>, step: &mut Step<'_>) {
        let longest = since + self.longest;
        let next = silent_at.map_or(longest, |silent_at| silent_at.min(longest));
        step.wait(next.since(step.now));
    }

    fn ends(&self, state: &State, step: &mut Step<'_>) -> Next {
        let State::Recording { since, spoke, .. } = state else { return Next::Stay };
        let length = step.now.since(*since);
        if *spoke && length >= SHORTEST {
            self.stop(MessageEnd::Kept { length }, step);
            Next::Go(THEN, self.then)
        } else {
            self.stop(MessageEnd::Nothing, step);
            Next::Go(NOTHING, self.nothing)
        }
    }

    fn stop(&self, end: MessageEnd, step: &mut Step<'_>) {
        step.session.timer = None;
        step.out.extend(self.queue.map(|queue| FlowAction::MessageEnds { queue, end }));
    }
}

fn tone(place: Place, reader: &mut Reader<'_>) -> Vec<Prompt> {
    let text = Text { place, text: TONE.to_owned(), quoted: true };
    let name: Option<Name> = reader.prompt(&text);
    name.into_iter().map(Prompt::Recorded).collect()
}

fn bounded(
    fields: &mut Fields<'_>,
    reader: &mut Reader<'_>,
    key: &'static str,
    default_s: u64,
    (least_s, most_s): (u64, u64),
) -> Duration {
    let default = Duration::from_secs(default_s);
    let Some(yaml) = fields.optional(key) else { return default };
    let Some(given) = reader.duration(yaml) else { return default };
    if !(Duration::from_secs(least_s)..=Duration::from_secs(most_s)).contains(&given) {
        let got = given.as_secs_f64();
        reader.error(yaml.place, format!("\"{key}\" is from {least_s} s to {most_s} s, got {got} s"));
    }
    given
}
