//! The prompts by language and name.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use crate::base::Name;
use crate::media::clip::Clip;
use crate::media::clip::ClipError;

/// The folder that holds for every language: music, tones.
const COMMON: &str = "common";

/// All prompts of a server, by path without extension: `en/welcome`.
#[derive(Clone, Debug, Default)]
pub struct Library {
    clips: HashMap<Name, Arc<Clip>>,
}

impl Library {
    /// Makes clips of `files`: path without `.wav`, and contents. All that are wrong are reported, not the first.
    pub fn load(files: impl IntoIterator<Item = (String, Vec<u8>)>) -> (Library, Vec<ClipError>) {
        let mut library = Library::default();
        let mut errors = Vec::new();
        for (path, bytes) in files {
            match Clip::from_wav(&path, &bytes) {
                Ok(clip) => library.insert(clip),
                Err(error) => errors.push(error),
            }
        }
        (library, errors)
    }

    /// Adds a clip, or puts it in the place of the one of the same name.
    pub fn insert(&mut self, clip: Clip) {
        self.clips.insert(clip.name.clone(), Arc::new(clip));
    }

    /// The prompt `name` in `language`, else the one that holds for every language.
    pub fn find(&self, language: &str, name: &str) -> Option<&Arc<Clip>> {
        let at = |folder: &str| self.clips.get(format!("{folder}/{name}").as_str());
        at(language).or_else(|| at(COMMON))
    }

    /// Whether there is a clip of this path: `en/welcome`.
    pub fn has(&self, path: &str) -> bool {
        self.clips.contains_key(path)
    }

    /// The path of each clip, `en/welcome`, and how long it lasts.
    pub fn lengths(&self) -> impl Iterator<Item = (&str, Duration)> {
        self.clips.iter().map(|(path, clip)| (&**path, clip.duration()))
    }

    /// How many clips there are.
    pub fn len(&self) -> usize {
        self.clips.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.clips.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prompt_is_looked_for_in_its_language_and_then_in_what_all_share() {
        let mut library = Library::default();
        for name in ["en/welcome", "de/welcome", "common/welcome", "common/music"] {
            library.insert(Clip::from_samples(name, &[0.0; 160]));
        }
        let found =
            |language: &str, name: &str| library.find(language, name).map(|clip| clip.name.to_string());
        assert_eq!(found("de", "welcome").as_deref(), Some("de/welcome"));
        assert_eq!(found("fr", "welcome").as_deref(), Some("common/welcome"));
        assert_eq!(found("en", "music").as_deref(), Some("common/music"));
        assert_eq!(found("en", "goodbye"), None);
    }

    #[test]
    fn every_bad_file_is_reported() {
        let bad = |name: &str| (name.to_owned(), b"nothing".to_vec());
        let (library, errors) = Library::load([bad("en/a"), bad("en/b")]);
        assert!(library.is_empty());
        let told: Vec<_> = errors.iter().map(ToString::to_string).collect();
        assert!(told[0].starts_with("en/a.wav") && told[1].starts_with("en/b.wav"), "{told:?}");
    }
}
