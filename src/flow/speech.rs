//! Texts that a command speaks: what the center says of the command, how a flow writes a text, and what a text is called
//! among the names of recordings. Nothing is spoken here.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::base::Name;
use crate::flow::center::Center;
use crate::flow::model::Prompt;
use crate::flow::read::Reader;
use crate::flow::read::fields::Fields;
use crate::flow::read::yaml::Place;
use crate::flow::read::yaml::Value;
use crate::flow::read::yaml::Yaml;
use crate::flow::template;
use crate::flow::template::Piece;

/// How long a text of a call may take to be spoken, where nothing else is said. The caller hears nothing meanwhile.
const TIMEOUT: Duration = Duration::from_secs(3);
/// The longest that it may be given.
const LONGEST: Duration = Duration::from_secs(10);
/// The most characters of a text, its variables filled in.
pub const MOST: usize = 500;
/// About how long a character takes, for what nobody has spoken yet.
const PER_CHARACTER: Duration = Duration::from_millis(65);
/// About how many characters a variable has.
const OF_A_VARIABLE: usize = 8;
/// What stands for the language in a command.
const LANGUAGE: &str = "{language}";

/// How texts are spoken: by a command that reads the text and writes a WAV file.
#[derive(Clone, Debug, PartialEq)]
pub struct Speech {
    /// For each language the program and its arguments. No shell sees them, and no text is among them.
    pub commands: BTreeMap<Name, Vec<String>>,
    pub timeout: Duration,
}

/// A text in a flow.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct TextPrompt {
    /// By language.
    words: BTreeMap<Name, Vec<Piece>>,
    /// The recording that is heard where a text of the call cannot be spoken. A text without variables has none: it is
    /// spoken before the first caller hears it.
    or: Option<Name>,
    pub place: Place,
}

impl TextPrompt {
    /// A text without variables, by language; none where one is empty, too long, or has what no text can have.
    pub fn plain(words: BTreeMap<Name, String>) -> Option<TextPrompt> {
        let good = |text: &String| {
            let plain = !text.is_empty() && !text.chars().any(|c| c.is_control() || matches!(c, '{' | '}'));
            plain && text.chars().count() <= MOST
        };
        let all_good = words.values().all(good);
        let words =
            words.into_iter().map(|(language, text)| (language, vec![Piece::Written(text)])).collect();
        all_good.then_some(TextPrompt { words, or: None, place: Place { line: 1, column: 1, length: 1 } })
    }

    /// What this is called among the names of recordings, with the value of each variable.
    pub fn prompt(&self, language: &Name, value: impl Fn(&Name) -> String) -> Name {
        let text = self.words.get(language).map(|pieces| template::filled(pieces, value));
        let text: String = text.unwrap_or_default().chars().filter(|c| !c.is_control()).collect();
        match &self.or {
            // What a service says may have any length.
            Some(or) if text.chars().count() > MOST => Name::clone(or),
            or => name(&text, or.as_deref()),
        }
    }

    /// The variables that it says, in any language.
    pub fn variables(&self) -> impl Iterator<Item = &Name> {
        self.words.values().flat_map(|pieces| template::variables(pieces))
    }

    /// What it says in each language, variables as they are written.
    pub fn texts(&self) -> impl Iterator<Item = String> {
        self.words.values().map(|pieces| template::written(pieces))
    }

    /// About how long it is in the language that takes longest.
    pub fn length(&self, spoken: impl Fn(&str, &str) -> Option<Duration>) -> Duration {
        let one = |(language, pieces): (&Name, &Vec<Piece>)| {
            let text = template::filled(pieces, |_| "x".repeat(OF_A_VARIABLE));
            spoken(language, &name(&text, None)).unwrap_or_else(|| about(&text))
        };
        self.words.iter().map(one).max().unwrap_or_default()
    }

    /// As the file has it in its first language.
    pub fn written(&self) -> String {
        self.words
            .values()
            .next()
            .map(|pieces| format!("\"{}\"", template::written(pieces)))
            .unwrap_or_default()
    }

    fn fixed(&self) -> impl Iterator<Item = (Name, String)> {
        let fixed = self.words.iter().filter(|(_, pieces)| template::variables(pieces).next().is_none());
        fixed.map(|(language, pieces)| (Name::clone(language), template::written(pieces)))
    }
}

/// What a text is called among the names of recordings: itself between quotation marks, and after them the recording
/// that is heard where it cannot be spoken: `"Your order 7 is on its way" or order/on-its-way`.
pub fn name(text: &str, or: Option<&str>) -> Name {
    match or {
        Some(or) => Name::from(format!("\"{text}\" or {or}")),
        None => Name::from(format!("\"{text}\"")),
    }
}

/// What a person's name in words is called among the names of recordings; none where there is nothing to say.
pub(crate) fn name_of_person(words: &str) -> Option<Name> {
    let words: String = words.chars().filter(|c| !c.is_control()).take(MOST).collect();
    Some(words.trim()).filter(|words| !words.is_empty()).map(|words| name(words, None))
}

/// The text, and the recording that is heard in its place, where the name is that of a text.
pub fn text(name: &str) -> Option<(&str, Option<&str>)> {
    // No recording's name has a quotation mark in it: the last one is the end of the text.
    let (text, or) = name.strip_prefix('"')?.rsplit_once('"')?;
    Some((text, or.strip_prefix(" or ")))
}

/// About how long it takes to say this.
pub fn about(text: &str) -> Duration {
    PER_CHARACTER * u32::try_from(text.chars().count()).unwrap_or(u32::MAX)
}

/// Every text that is the same in all calls, with its language, each once.
pub fn fixed(center: &Center) -> Vec<(Name, String)> {
    let nodes = center.flows.values().flat_map(|flow| &flow.nodes);
    let whispers = center.talk.iter().flat_map(|policy| policy.whisper.heard());
    let texts = nodes.flat_map(|at| at.node.heard()).chain(whispers).filter_map(|prompt| match prompt {
        Prompt::Text(text) => Some(text.fixed()),
        _ => None,
    });
    let mut texts: Vec<(Name, String)> = texts.flatten().collect();
    texts.sort();
    texts.dedup();
    texts
}

/// `speech: { command: espeak-ng -v {language} --stdout, timeout: 3s }`
pub(crate) fn read(yaml: &Yaml, reader: &mut Reader<'_>) -> Option<Speech> {
    let mut fields = reader.fields(yaml, "speech")?;
    let commands = fields.require(reader, "command").map(|yaml| commands(yaml, reader)).unwrap_or_default();
    let timeout = fields.duration(reader, "timeout", TIMEOUT);
    fields.finish(reader);
    if timeout > LONGEST {
        let hint = "a caller hears nothing meanwhile";
        reader.error_hint(yaml.place, format!("a text has {} s at most", LONGEST.as_secs()), hint);
    }
    Some(Speech { commands, timeout })
}

/// One command for every language, or `{ en: …, es: … }`.
fn commands(yaml: &Yaml, reader: &mut Reader<'_>) -> BTreeMap<Name, Vec<String>> {
    let Value::Map(entries) = &yaml.value else {
        let of = |language: Name, reader: &mut Reader<'_>| {
            Some((Name::clone(&language), command(yaml, &language, reader)?))
        };
        let before = reader.diagnostics.len();
        let mut commands = BTreeMap::new();
        for language in reader.names.languages.clone() {
            commands.extend(of(language, reader));
            // What is wrong with it is wrong in every language.
            if reader.diagnostics.len() > before {
                break;
            }
        }
        return commands;
    };
    let mut commands = BTreeMap::new();
    for (key, yaml) in entries {
        let language = reader.language(key);
        commands.extend(
            language.and_then(|language| Some((Name::clone(&language), command(yaml, &language, reader)?))),
        );
    }
    commands
}

fn command(yaml: &Yaml, language: &Name, reader: &mut Reader<'_>) -> Option<Vec<String>> {
    let text = reader.text(yaml, "a command")?;
    let parts = shlex::split(&text.text).filter(|parts| !parts.is_empty());
    let Some(parts) = parts else {
        reader.error_hint(
            text.place,
            "this command has a quotation mark without another",
            "a \\ before it takes it as it is",
        );
        return None;
    };
    let filled: Vec<String> = parts.iter().map(|part| part.replace(LANGUAGE, language)).collect();
    if filled.iter().any(|part| part.contains(['{', '}'])) {
        let hint = "the text comes on the standard input, and a WAV file is expected on the standard output";
        reader.error_hint(text.place, format!("a command knows {LANGUAGE} and nothing else"), hint);
        return None;
    }
    Some(filled)
}

/// `{ text: "Your order {days} is on its way", or: order/on-its-way }`
pub(crate) fn read_text(yaml: &Yaml, reader: &mut Reader<'_>) -> Option<TextPrompt> {
    let mut fields = reader.fields(yaml, "a text")?;
    let words = words(&mut fields, reader);
    let written = fields.optional("or");
    let or = written.and_then(|yaml| {
        let text = reader.text(yaml, "a prompt")?;
        reader.prompt(text)
    });
    fields.finish(reader);
    let text = TextPrompt { words: words?, or, place: yaml.place };
    if text.variables().next().is_some() && written.is_none() {
        let hint = "add \"or: a recording\" for when it cannot be spoken";
        reader.error_hint(
            yaml.place,
            "this text differs from call to call, and is spoken while the caller waits",
            hint,
        );
    }
    spoken_in_all(&text, reader);
    Some(text)
}

fn words(fields: &mut Fields<'_>, reader: &mut Reader<'_>) -> Option<BTreeMap<Name, Vec<Piece>>> {
    let yaml = fields.require(reader, "text")?;
    let languages = reader.names.languages.clone();
    let mut words = BTreeMap::new();
    match &yaml.value {
        Value::Map(entries) => {
            for (key, yaml) in entries {
                words.extend(reader.language(key).zip(pieces(yaml, reader)));
            }
            if let Some(missing) =
                languages.iter().find(|language| !entries.iter().any(|(key, _)| key.text == ***language))
            {
                reader.error(yaml.place, format!("this text is not there in \"{missing}\""));
            }
        }
        _ if languages.len() > 1 => {
            let each: Vec<String> = languages.iter().map(|language| format!("{language}: \"…\"")).collect();
            let hint = format!("write {{ {} }}", each.join(", "));
            reader.error_hint(
                yaml.place,
                "callers are spoken to in several languages, and this text is in one",
                hint,
            );
        }
        _ => words.extend(languages.first().cloned().zip(pieces(yaml, reader))),
    }
    Some(words)
}

fn pieces(yaml: &Yaml, reader: &mut Reader<'_>) -> Option<Vec<Piece>> {
    let text = reader.text(yaml, "a text")?;
    let length = text.text.chars().count();
    if length > MOST {
        reader.error(text.place, format!("a text has at most {MOST} characters, this one {length}"));
        return None;
    }
    let pieces = template::pieces(&text.text);
    if pieces.is_none() {
        reader.error_hint(text.place, "a brace has no other half here", "a variable stands between { and }");
    }
    pieces
}

/// Reports the first language that nothing speaks.
fn spoken_in_all(text: &TextPrompt, reader: &mut Reader<'_>) {
    let Some(speech) = &reader.names.speech else {
        let hint = "add \"speech: { command: … }\" to center.yaml";
        return reader.error_hint(text.place, "nothing speaks texts in this center", hint);
    };
    let silent = text.words.keys().find(|language| !speech.commands.contains_key(*language)).cloned();
    if let Some(language) = silent {
        let hint = "add its command to \"speech\" in center.yaml";
        reader.error_hint(text.place, format!("nothing speaks \"{language}\" in this center"), hint);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_texts_name_says_the_text_and_what_is_heard_in_its_place() {
        for said in ["Hello", "so called \"friends\" or foes", ""] {
            assert_eq!(text(&name(said, None)), Some((said, None)));
            assert_eq!(text(&name(said, Some("order/late"))), Some((said, Some("order/late"))));
        }
        assert_eq!(text("greeting/welcome"), None);
        assert_eq!(text("\"open"), None);
    }
}
