//! The words of the prompts, for whoever reads what is being said. No sound.

use std::collections::HashMap;
use std::fs;
use std::path::Path;

use crate::base::Name;

/// The file of a language's folder that has the words: `name: words`, one a line; after `>-` they stand in the deeper
/// lines that follow.
const MANIFEST: &str = "manifest.yaml";

/// What each prompt says. Music and tones say nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Captions {
    words: HashMap<String, String>,
}

impl Captions {
    /// The words of the prompts of `language` below `folder`; none when nobody wrote them down.
    pub fn read(folder: &Path, language: &str) -> Captions {
        let manifest = folder.join(language).join(MANIFEST);
        Captions::parse(&fs::read_to_string(manifest).unwrap_or_default())
    }

    fn parse(manifest: &str) -> Captions {
        let mut captions = Captions::default();
        let mut long = None;
        for line in manifest.lines().filter(|line| !line.starts_with('#') && !line.is_empty()) {
            if let Some(more) = line.strip_prefix(' ') {
                if let Some(words) = long.as_ref().and_then(|name| captions.words.get_mut(name)) {
                    let gap = if words.is_empty() { "" } else { " " };
                    words.extend([gap, more.trim()]);
                }
                continue;
            }
            let Some((name, words)) = line.split_once(':') else { continue };
            let is_long = words.trim() == ">-";
            let words = if is_long { "" } else { words.trim() };
            captions.words.insert(name.to_owned(), words.to_owned());
            long = is_long.then(|| name.to_owned());
        }
        captions
    }

    /// What these prompts say, one after the other; nothing when they say nothing.
    pub fn of(&self, prompts: &[Name]) -> String {
        let words: Vec<&str> =
            prompts.iter().filter_map(|name| self.words.get(&**name)).map(String::as_str).collect();
        words.join(" ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prompts_are_told_in_their_words_and_music_in_none() {
        let manifest =
            "# Arriving\n\nhello: Good day: welcome.\nlong: >-\n  One line\n  and another.\nbye: Bye.\n";
        let captions = Captions::parse(manifest);
        let of =
            |names: &[&str]| captions.of(&names.iter().map(|name| Name::from(*name)).collect::<Vec<_>>());
        assert_eq!(of(&["hello", "bye"]), "Good day: welcome. Bye.");
        assert_eq!(of(&["long"]), "One line and another.");
        assert_eq!(of(&["hold-music"]), "");
    }

    #[test]
    fn the_demo_prompts_have_words() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("prompts");
        let captions = Captions::read(&folder, "en");
        let sentence = ["wait/less-than", "numbers/2", "units/minutes"].map(Name::from);
        assert_eq!(captions.of(&sentence), "The expected wait is less than two minutes");
        assert_eq!(Captions::read(&folder, "xx"), Captions::default());
    }
}
