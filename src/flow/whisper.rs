//! The whisper of a queue: what its agents hear of a caller when they pick up, before the two hear each other. It is said in
//! the center's own language, of what is known of the call, and no secret is among that.

use std::time::Duration;

use crate::base::Name;
use crate::flow::Served;
use crate::flow::center::Center;
use crate::flow::check;
use crate::flow::model::Prompt;
use crate::flow::model::Spoken;
use crate::flow::model::SpokenAs;
use crate::flow::read::Reader;
use crate::flow::read::yaml::Place;
use crate::flow::read::yaml::Yaml;
use crate::flow::say;
use crate::flow::say::Kind;
use crate::flow::speech;

/// From here on a whisper is warned of: the caller waits for as long.
const LONG: Duration = Duration::from_secs(5);

/// What may be said of a call.
const KNOWN: [&str; 6] = ["waited", "queue", "chosen", "caller.name", "caller.number", "dialled"];

/// What agents of a queue hear before they have a caller; nothing where the queue says none.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Whisper(Vec<Prompt>);

/// A call, as far as a whisper may tell of it.
#[derive(Clone, Debug)]
pub struct Whispered<'c> {
    pub queue: &'c str,
    /// How long the caller has waited.
    pub waited: Duration,
    /// What they chose from menus, in order.
    pub chosen: Vec<&'c str>,
    /// Empty when withheld.
    pub number: &'c str,
    pub dialled: &'c str,
    /// The customer's name; empty when not known.
    pub name: &'c str,
    /// What the flow learned of them.
    pub served: Option<&'c Served>,
}

impl Whisper {
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The prompts to play of this call, in order.
    pub fn prompts(&self, center: &Center, call: &Whispered<'_>) -> Vec<Name> {
        self.0.iter().flat_map(|prompt| call.names(&center.language, prompt)).collect()
    }

    pub(crate) fn heard(&self) -> impl Iterator<Item = &Prompt> {
        self.0.iter()
    }
}

impl Whispered<'_> {
    fn names(&self, language: &Name, prompt: &Prompt) -> Vec<Name> {
        match prompt {
            Prompt::Recorded(name) => vec![Name::clone(name)],
            Prompt::Text(text) => vec![text.prompt(language, |name| self.in_words(language, name))],
            Prompt::Said(spoken) => match spoken.said_as {
                // Who was served at once has not waited.
                SpokenAs::As(Kind::Duration) if self.waited.as_secs() == 0 => Vec::new(),
                SpokenAs::As(Kind::Duration) => say::duration(language, told(self.waited)),
                SpokenAs::As(kind) => say::of_kind(language, kind, &self.value(&spoken.variable)),
                SpokenAs::Name { in_words } => self.name(in_words).into_iter().collect(),
            },
        }
    }

    /// The caller's name, by its recording or in words.
    fn name(&self, in_words: bool) -> Option<Name> {
        let recorded = self.served.and_then(Served::name_prompt).cloned();
        recorded.or_else(|| speech::name_of_person(self.name).filter(|_| in_words))
    }

    fn value(&self, name: &str) -> String {
        match name {
            "queue" => self.queue.to_owned(),
            "chosen" => self.chosen.join(", "),
            "caller.name" => self.name.to_owned(),
            "caller.number" => self.number.to_owned(),
            "dialled" => self.dialled.to_owned(),
            _ => String::new(),
        }
    }

    /// As it stands in a text.
    fn in_words(&self, language: &str, name: &str) -> String {
        match name {
            "waited" => wait_in_words(language, told(self.waited)),
            name => self.value(name),
        }
    }
}

/// Seconds of the first minute, then whole minutes.
fn told(waited: Duration) -> Duration {
    match waited.as_secs() {
        secs @ 0..60 => Duration::from_secs(secs),
        secs => Duration::from_secs(secs - secs % 60),
    }
}

/// `40 seconds`, `1 minute`; in a language of which nothing is known here, as in English.
fn wait_in_words(language: &str, waited: Duration) -> String {
    let (count, minutes) = match waited.as_secs() {
        secs @ 0..60 => (secs, false),
        secs => (secs / 60, true),
    };
    let unit = match (say::speaks_spanish(language), minutes) {
        (false, false) => "second",
        (false, true) => "minute",
        (true, false) => "segundo",
        (true, true) => "minuto",
    };
    let many = if count == 1 { "" } else { "s" };
    format!("{count} {unit}{many}")
}

/// `whisper: queues/billing`, or a list with what is said of the call.
pub(crate) fn read(yaml: &Yaml, reader: &mut Reader<'_>) -> Whisper {
    // Agents are spoken to in the center's own language, whatever callers are.
    let own = vec![Name::clone(&reader.names.language)];
    let callers = std::mem::replace(&mut reader.names.languages, own);
    let prompts = reader.heard(yaml);
    for prompt in &prompts {
        match prompt {
            Prompt::Said(spoken) => can_be_said(spoken, reader),
            Prompt::Text(text) => {
                text.variables().for_each(|name| known(name, text.place, reader));
            }
            Prompt::Recorded(_) => {}
        }
    }
    let length = check::length(&prompts, reader);
    if length > LONG {
        let message = format!("a caller waits {} s longer for this", length.as_secs());
        reader.warning(yaml.place, message, Some(format!("say it in {} s", LONG.as_secs())));
    }
    reader.names.languages = callers;
    Whisper(prompts)
}

fn known(name: &str, place: Place, reader: &mut Reader<'_>) {
    if !KNOWN.contains(&name) {
        reader.unknown(place, "variable of a whisper", name, KNOWN);
    }
}

fn can_be_said(spoken: &Spoken, reader: &mut Reader<'_>) {
    match (&*spoken.variable, spoken.said_as) {
        ("waited", SpokenAs::As(Kind::Duration)) => {}
        ("waited", _) => {
            reader.error_hint(spoken.place, "a wait is said as a time", "{ say: waited, as: duration }");
        }
        ("caller.name", SpokenAs::Name { .. }) => {}
        ("caller.number" | "dialled", SpokenAs::As(Kind::Digits)) => {}
        ("queue" | "chosen", _) => {
            let hint = format!("a text can: say: {{ text: \"{{{}}}\", or: a recording }}", spoken.variable);
            let message = format!("\"{}\" cannot be said by recordings", spoken.variable);
            reader.error_hint(spoken.place, message, hint);
        }
        (name, _) if KNOWN.contains(&name) => {
            reader.error(spoken.place, format!("\"{name}\" cannot be said that way"));
        }
        (name, _) => known(name, spoken.place, reader),
    }
}
