//! Announcements: what every caller is told while it holds, as center.yaml says, and as somebody switches it over that
//! while the center is served.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Deserialize;
use serde::Serialize;

use crate::base::Name;
use crate::base::WallTime;
use crate::flow::center::Center;
use crate::flow::model::Prompt;
use crate::flow::node::Node;
use crate::flow::prompts::Prompts;
use crate::flow::read::list;
use crate::flow::speech;
use crate::flow::speech::Speech;
use crate::flow::speech::TextPrompt;

/// Something to tell every caller while it holds: a known outage.
#[derive(Clone, Debug, PartialEq)]
pub struct Announcement {
    pub(crate) prompts: Vec<Prompt>,
    /// Until when it is on by the file; none while it is off.
    pub until: Option<WallTime>,
    /// What somebody switched, which goes before the file.
    pub switched: Option<Switch>,
}

/// How an announcement was switched.
#[derive(Clone, Debug, PartialEq)]
pub enum Switch {
    /// On until then, afterwards as the file says.
    On { until: WallTime, words: SwitchedWords },
    /// Off, whatever the file says.
    Off,
}

/// What is heard of an announcement that was switched on.
#[derive(Clone, Debug, PartialEq)]
pub struct SwitchedWords(Option<Vec<Prompt>>);

/// What somebody wants heard.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Words {
    /// What the file says.
    OfFile,
    /// This recording.
    Prompt(Name),
    /// This text: by language, or one for a center of one language under no name.
    Text(BTreeMap<Name, String>),
}

/// What somebody wants an announcement to be.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Wish {
    On { until: WallTime, words: Words },
    Off,
}

/// Why an announcement cannot be switched so.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum SwitchError {
    #[error("no announcement is called {name:?}; center.yaml has {known}")]
    Unknown { name: String, known: String },
    #[error("there is no recording {prompt:?} in {language:?}")]
    NoRecording { prompt: Name, language: Name },
    #[error("nothing speaks texts in {0:?} in this center: add \"speech: {{ command: … }}\" to center.yaml")]
    NothingSpeaks(Name),
    #[error("callers are spoken to in {0:?}, too, and the text is not there in it")]
    NotInLanguage(Name),
    #[error("the center has no language {0:?}")]
    UnknownLanguage(Name),
    #[error("a text has 1 to {} characters, without braces and line breaks", speech::MOST)]
    Text,
}

impl Announcement {
    /// What callers hear of it at this time; none while it is off.
    pub(crate) fn heard(&self, now: WallTime) -> Option<&[Prompt]> {
        match &self.switched {
            Some(Switch::Off) => None,
            Some(Switch::On { until, words }) if now < *until => {
                Some(words.0.as_ref().unwrap_or(&self.prompts).as_slice())
            }
            Some(Switch::On { .. }) | None => {
                self.until.filter(|until| now < *until).map(|_| self.prompts.as_slice())
            }
        }
    }

    /// Until when it is on; none while it is off.
    pub fn on_until(&self, now: WallTime) -> Option<WallTime> {
        self.heard(now)?;
        match &self.switched {
            Some(Switch::On { until, .. }) if now < *until => Some(*until),
            _ => self.until,
        }
    }

    /// What callers hear or would hear, in words: names of recordings, and texts between quotation marks.
    pub fn in_words(&self, now: WallTime) -> Vec<String> {
        let prompts = self.heard(now).unwrap_or(&self.prompts);
        prompts.iter().map(Prompt::written).collect()
    }

    /// All that may be heard of it.
    pub(crate) fn all(&self) -> impl Iterator<Item = &Prompt> {
        let switched = match &self.switched {
            Some(Switch::On { words, .. }) => words.0.as_deref(),
            Some(Switch::Off) | None => None,
        };
        self.prompts.iter().chain(switched.unwrap_or_default())
    }
}

impl Center {
    /// Switches an announcement, for all that begins with this center.
    pub fn switch(&mut self, name: &str, wish: &Wish, prompts: &Prompts) -> Result<(), SwitchError> {
        let switched = match wish {
            Wish::Off => Switch::Off,
            Wish::On { until, words } => {
                let words = SwitchedWords(self.prompts_of(words, prompts)?);
                Switch::On { until: *until, words }
            }
        };
        let Some(announcement) = self.announcements.get_mut(name) else {
            return Err(self.unknown_announcement(name));
        };
        let before = Arc::clone(announcement);
        let after = Arc::new(Announcement { switched: Some(switched), ..Announcement::clone(&before) });
        *announcement = Arc::clone(&after);
        for flow in self.flows.values_mut() {
            let has = |node: &Node| matches!(node, Node::Announce(node) if node.announcement.as_ref().is_some_and(|known| Arc::ptr_eq(known, &before)));
            if !flow.nodes.iter().any(|at| has(&at.node)) {
                continue;
            }
            for at in &mut Arc::make_mut(flow).nodes {
                if has(&at.node)
                    && let Node::Announce(node) = &mut at.node
                {
                    node.announcement = Some(Arc::clone(&after));
                }
            }
        }
        Ok(())
    }

    /// That there is no such announcement, and which there are.
    pub(crate) fn unknown_announcement(&self, name: &str) -> SwitchError {
        let known =
            list(self.announcements.keys().map(|known| &**known)).unwrap_or_else(|| "none".to_owned());
        SwitchError::Unknown { name: name.to_owned(), known }
    }

    fn prompts_of(&self, words: &Words, prompts: &Prompts) -> Result<Option<Vec<Prompt>>, SwitchError> {
        match words {
            Words::OfFile => Ok(None),
            Words::Prompt(prompt) => {
                match self.languages.iter().find(|language| !prompts.has(language, prompt)) {
                    Some(language) => {
                        let (prompt, language) = (Name::clone(prompt), Name::clone(language));
                        Err(SwitchError::NoRecording { prompt, language })
                    }
                    None => Ok(Some(vec![Prompt::Recorded(Name::clone(prompt))])),
                }
            }
            Words::Text(texts) => self.spoken(texts).map(|text| Some(vec![Prompt::Text(text)])),
        }
    }

    /// A text in every language of the center.
    fn spoken(&self, texts: &BTreeMap<Name, String>) -> Result<TextPrompt, SwitchError> {
        let unknown =
            texts.keys().find(|language| !language.is_empty() && !self.languages.contains(language));
        if let Some(unknown) = unknown {
            return Err(SwitchError::UnknownLanguage(Name::clone(unknown)));
        }
        let speaks = |speech: &Speech, language: &Name| speech.commands.contains_key(language);
        let mut words = BTreeMap::new();
        for language in &self.languages {
            let alone = || texts.get("").filter(|_| self.languages.len() == 1);
            let text = texts.get(language).or_else(alone);
            let text = text.ok_or_else(|| SwitchError::NotInLanguage(Name::clone(language)))?;
            if !self.speech.as_deref().is_some_and(|speech| speaks(speech, language)) {
                return Err(SwitchError::NothingSpeaks(Name::clone(language)));
            }
            words.insert(Name::clone(language), text.trim().to_owned());
        }
        TextPrompt::plain(words).ok_or(SwitchError::Text)
    }
}
