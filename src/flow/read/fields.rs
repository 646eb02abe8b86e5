//! The fields of a map in a file: taken by key, and what nobody took is reported.

use std::ops::RangeInclusive;
use std::time::Duration;

use crate::flow::diagnostic::nearest;
use crate::flow::model::NodeIndex;
use crate::flow::model::Prompt;
use crate::flow::read::Reader;
use crate::flow::read::duration;
use crate::flow::read::list;
use crate::flow::read::yaml::Place;
use crate::flow::read::yaml::Text;
use crate::flow::read::yaml::Value;
use crate::flow::read::yaml::Yaml;

/// The fields of a map, taken one by one; [`Fields::finish`] reports those that nobody asked for.
pub(crate) struct Fields<'y> {
    pub place: Place,
    entries: &'y [(Text, Yaml)],
    asked: Vec<&'static str>,
}

/// `90s`, `15m`, `2h`
fn in_units(seconds: u64) -> String {
    match seconds {
        whole if whole % 3_600 == 0 => format!("{}h", whole / 3_600),
        whole if whole % 60 == 0 => format!("{}m", whole / 60),
        seconds => format!("{seconds}s"),
    }
}

impl<'y> Fields<'y> {
    pub fn new(place: Place, entries: &'y [(Text, Yaml)]) -> Fields<'y> {
        Fields { place, entries, asked: Vec::new() }
    }

    pub fn entries(&self) -> &'y [(Text, Yaml)] {
        self.entries
    }

    pub fn optional(&mut self, key: &'static str) -> Option<&'y Yaml> {
        self.asked.push(key);
        self.entries.iter().find(|(known, _)| known.text == key).map(|(_, yaml)| yaml)
    }

    pub fn require(&mut self, reader: &mut Reader<'_>, key: &'static str) -> Option<&'y Yaml> {
        let found = self.optional(key);
        if found.is_none() {
            reader.error(self.place, format!("\"{key}\" is missing here"));
        }
        found
    }

    /// An exit that must be wired.
    pub fn exit(&mut self, reader: &mut Reader<'_>, key: &'static str) -> NodeIndex {
        let Some(yaml) = self.optional(key) else {
            let message = format!("the exit \"{key}\" leads nowhere");
            reader.error_hint(self.place, message, format!("add \"{key}: name of a node\""));
            return NodeIndex::NOWHERE;
        };
        match reader.text(yaml, "the name of a node") {
            Some(text) => reader.node(text),
            None => NodeIndex::NOWHERE,
        }
    }

    /// An exit that may be left out.
    pub fn optional_exit(&mut self, reader: &mut Reader<'_>, key: &'static str) -> Option<NodeIndex> {
        let text = reader.text(self.optional(key)?, "the name of a node")?;
        Some(reader.node(text))
    }

    pub fn duration(&mut self, reader: &mut Reader<'_>, key: &'static str, default: Duration) -> Duration {
        self.optional(key).and_then(|yaml| reader.duration(yaml)).unwrap_or(default)
    }

    /// Warns of a time that is written here and that nobody means who writes it.
    pub fn hardly_meant(&self, reader: &mut Reader<'_>, key: &str, range: RangeInclusive<u64>) {
        let Some((_, yaml)) = self.entries.iter().find(|(known, _)| known.text == key) else { return };
        let Value::Text(text) = &yaml.value else { return };
        let Some(time) = duration(&text.text) else { return };
        // What is none, or more than a day, is an error already.
        if time.is_zero() || time.as_secs() > 86_400 {
            return;
        }
        let (least, most) = (Duration::from_secs(*range.start()), Duration::from_secs(*range.end()));
        if time < least || time > most {
            let short = if time < least { "short" } else { "long" };
            let message = format!("\"{key}\" of {} is too {short} for anybody to mean it", text.text);
            let hint = format!("let it be {} to {}", in_units(*range.start()), in_units(*range.end()));
            reader.warning(yaml.place, message, Some(hint));
        }
    }

    pub fn truth(&mut self, reader: &mut Reader<'_>, key: &'static str, default: bool) -> bool {
        self.optional(key).and_then(|yaml| reader.truth(yaml)).unwrap_or(default)
    }

    /// What is heard; empty when the key is absent.
    pub fn heard(&mut self, reader: &mut Reader<'_>, key: &'static str) -> Vec<Prompt> {
        self.optional(key).map(|yaml| reader.heard(yaml)).unwrap_or_default()
    }

    /// What must be heard.
    pub fn must_hear(&mut self, reader: &mut Reader<'_>, key: &'static str) -> Vec<Prompt> {
        self.require(reader, key).map(|yaml| reader.heard(yaml)).unwrap_or_default()
    }

    /// Reports the fields that mean nothing here.
    pub fn finish(self, reader: &mut Reader<'_>) {
        for (key, _) in self.entries {
            if !self.asked.contains(&key.text.as_str()) {
                let message = format!("\"{}\" means nothing here", key.text);
                match nearest(&key.text, self.asked.iter().copied()) {
                    Some(near) => reader.error_hint(key.place, message, format!("did you mean \"{near}\"?")),
                    None => {
                        let hint = list(self.asked.iter().copied()).unwrap_or_default();
                        reader.error_hint(key.place, message, format!("known here: {hint}"));
                    }
                }
            }
        }
    }
}
