//! Which recordings there are, in which language, and how long each lasts. The sound itself is elsewhere.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::flow::read::yaml;
use crate::flow::read::yaml::Value;
use crate::flow::read::yaml::Yaml;

/// The folder that holds for every language: music, tones.
pub const COMMON: &str = "common";

/// The recordings by name, each with its languages and lengths.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Prompts {
    lengths: BTreeMap<String, BTreeMap<String, Duration>>,
    /// What they say, as far as somebody wrote it down; by name, a text for each language.
    words: BTreeMap<String, Vec<String>>,
}

impl Prompts {
    /// Adds the recording of this path: `en/menu/main`, the language first. A path without one is ignored.
    pub fn insert(&mut self, path: &str, length: Duration) {
        if let Some((language, name)) = path.split_once('/') {
            self.lengths.entry(name.to_owned()).or_default().insert(language.to_owned(), length);
        }
    }

    /// Adds what the recordings of one language say, by their manifest.
    pub fn insert_words(&mut self, manifest: &str) {
        for (name, words) in words(manifest) {
            self.words.entry(name).or_default().push(words);
        }
    }

    /// What a recording says in each language of which that is known.
    pub fn words_of(&self, name: &str) -> impl Iterator<Item = &str> {
        self.words.get(name).into_iter().flatten().map(String::as_str)
    }

    /// Whether there is such a recording in `language`, or one that holds for every language.
    pub fn has(&self, language: &str, name: &str) -> bool {
        self.length(language, name).is_some()
    }

    /// Whether there is such a recording in any language.
    pub fn has_in_some(&self, name: &str) -> bool {
        self.lengths.contains_key(name)
    }

    /// Whether anything at all is recorded in `language`.
    pub fn has_any(&self, language: &str) -> bool {
        self.lengths.values().any(|languages| languages.contains_key(language))
    }

    /// How long it lasts; none when there is no such recording.
    pub fn length(&self, language: &str, name: &str) -> Option<Duration> {
        let languages = self.lengths.get(name)?;
        languages.get(language).or_else(|| languages.get(COMMON)).copied()
    }

    /// The names that can be heard in `language`.
    pub fn names<'a>(&'a self, language: &'a str) -> impl Iterator<Item = &'a str> + Clone {
        let heard = move |languages: &BTreeMap<String, Duration>| {
            languages.contains_key(language) || languages.contains_key(COMMON)
        };
        self.lengths.iter().filter(move |(_, languages)| heard(languages)).map(|(name, _)| name.as_str())
    }

    /// How many names there are.
    pub fn len(&self) -> usize {
        self.lengths.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.lengths.is_empty()
    }
}

/// Names alone: each holds for every language and lasts no time.
impl FromIterator<String> for Prompts {
    fn from_iter<I: IntoIterator<Item = String>>(names: I) -> Prompts {
        let mut prompts = Prompts::default();
        for name in names {
            prompts.insert(&format!("{COMMON}/{name}"), Duration::ZERO);
        }
        prompts
    }
}

/// The words of each recording, from a manifest: `name: words`, one a line. What cannot be read is left out.
pub fn words(manifest: &str) -> BTreeMap<String, String> {
    let Some(Yaml { value: Value::Map(entries), .. }) = yaml::parse(manifest).0 else {
        return BTreeMap::new();
    };
    let word = |(key, yaml): (yaml::Text, Yaml)| match yaml.value {
        Value::Text(words) => Some((key.text, words.text.trim().to_owned())),
        _ => None,
    };
    entries.into_iter().filter_map(word).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_recording_holds_for_its_language_or_for_all() {
        let mut prompts = Prompts::default();
        prompts.insert("en/menu/main", Duration::from_secs(4));
        prompts.insert("common/music", Duration::from_secs(48));
        prompts.insert("stray", Duration::ZERO);
        assert_eq!(prompts.length("en", "menu/main"), Some(Duration::from_secs(4)));
        assert!(!prompts.has("es", "menu/main") && prompts.has("es", "music"));
        assert_eq!(prompts.names("es").collect::<Vec<_>>(), ["music"]);
        assert_eq!(prompts.len(), 2);
    }

    #[test]
    fn what_a_recording_says_is_known_in_each_language_that_has_a_manifest() {
        let mut prompts = Prompts::default();
        prompts.insert_words("greeting: Welcome to Juniper.");
        prompts.insert_words("greeting: Bienvenido a Juniper.");
        let words: Vec<&str> = prompts.words_of("greeting").collect();
        assert_eq!(words, ["Welcome to Juniper.", "Bienvenido a Juniper."]);
        assert_eq!(prompts.words_of("beep").count(), 0);
    }

    #[test]
    fn a_manifest_says_the_words_of_each_recording() {
        let words =
            words("# Prompts\nmenu/main: For billing, press 1.\nlong: >-\n  One.\n  Two.\nodd: [x]\n");
        assert_eq!(words.get("menu/main").map(String::as_str), Some("For billing, press 1."));
        assert_eq!(words.get("long").map(String::as_str), Some("One. Two."));
        assert_eq!(words.len(), 2);
    }
}
