//! The words of the prompts, for whoever reads what is being said. No sound.

use std::collections::HashMap;
use std::fs;
use std::path::Path;

use crate::base::Name;
use crate::flow::speech;

/// The file of a language's folder that has the words: `name: words`, one a line; after `>-` they stand in the deeper
/// lines that follow.
pub(super) const MANIFEST: &str = "manifest.yaml";

/// What holds for every language: offers of one, each in its own.
const COMMON: &str = "common";

/// What each prompt says, by language. Music and tones say nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Captions {
    languages: HashMap<String, Words>,
}

/// By the name of the prompt.
type Words = HashMap<String, String>;

impl Captions {
    /// The words of the prompts of these languages below `folder`; none when nobody wrote them down.
    pub fn read(folder: &Path, languages: &[Name]) -> Captions {
        let words = |language: &str| {
            let manifest = folder.join(language).join(MANIFEST);
            (language.to_owned(), parse(&fs::read_to_string(manifest).unwrap_or_default()))
        };
        let languages = languages.iter().map(|language| &**language).chain([COMMON]);
        Captions { languages: languages.map(words).collect() }
    }

    /// What these prompts say in `language`, one after the other; nothing when they say nothing.
    pub fn of(&self, language: &str, prompts: &[Name]) -> String {
        let words: Vec<&str> = prompts.iter().filter_map(|name| self.word(language, name)).collect();
        words.join(" ")
    }

    fn word<'a>(&'a self, language: &str, name: &'a str) -> Option<&'a str> {
        let of = |language: &str| self.languages.get(language)?.get(name).map(String::as_str);
        let text = || speech::text(name).map(|(text, _)| text);
        of(language).or_else(|| of(COMMON)).or_else(text)
    }
}

fn parse(manifest: &str) -> Words {
    let mut found = Words::new();
    let mut long = None;
    for line in manifest.lines().filter(|line| !line.starts_with('#') && !line.is_empty()) {
        if let Some(more) = line.strip_prefix(' ') {
            if let Some(words) = long.as_ref().and_then(|name| found.get_mut(name)) {
                let gap = if words.is_empty() { "" } else { " " };
                words.extend([gap, more.trim()]);
            }
            continue;
        }
        let Some((name, words)) = line.split_once(':') else { continue };
        let is_long = words.trim() == ">-";
        let words = if is_long { "" } else { words.trim() };
        found.insert(name.to_owned(), words.to_owned());
        long = is_long.then(|| name.to_owned());
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prompts_are_told_in_their_words_and_music_in_none() {
        let manifest =
            "# Arriving\n\nhello: Good day: welcome.\nlong: >-\n  One line\n  and another.\nbye: Bye.\n";
        let captions = Captions { languages: [("en".to_owned(), parse(manifest))].into() };
        let of = |names: &[&str]| {
            captions.of("en", &names.iter().map(|name| Name::from(*name)).collect::<Vec<_>>())
        };
        assert_eq!(of(&["hello", "bye"]), "Good day: welcome. Bye.");
        assert_eq!(of(&["long"]), "One line and another.");
        assert_eq!(of(&["hold-music"]), "");
    }

    #[test]
    fn the_demo_prompts_have_words() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("prompts");
        let captions = Captions::read(&folder, &["en".into(), "es".into()]);
        let sentence = ["wait/less-than", "numbers/2", "units/minutes"].map(Name::from);
        assert_eq!(captions.of("en", &sentence), "The expected wait is less than two minutes");
        assert_eq!(captions.of("es", &sentence), "La espera será de menos de dos minutos");
        let offer = ["language/es".into()];
        assert_eq!(captions.of("en", &offer), captions.of("es", &offer));
        assert!(captions.of("en", &offer).contains("español"));
        assert_eq!(captions.of("xx", &sentence), "");
    }
}
