//! YAML as a tree that knows where everything stands. Only the part of YAML that reads aloud: no anchors, no tags.
//!
//! A deserializer stops at the first value it dislikes; a tree can be read to its end, so that an admin sees
//! every problem at once.

use granit_parser::Event;
use granit_parser::Parser;
use granit_parser::ScalarStyle;
use granit_parser::Span;

use super::unreadable;

/// How deep lists and maps may be nested.
const MAX_DEPTH: usize = 16;
/// The longest file, in bytes: a flow of ten thousand nodes is a tenth of this.
const MAX_BYTES: usize = 16 << 20;

/// Where something stands in a file. Lines and columns count from 1, columns and lengths in characters.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Place {
    pub line: u32,
    pub column: u32,
    pub length: u32,
}

/// A value and its place.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Yaml {
    pub place: Place,
    pub value: Value,
}

/// A value. Plain scalars stay text: `1000` and `+12025550143` are what was typed.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Value {
    Text(Text),
    List(Vec<Yaml>),
    /// In the file's order; a key that was given twice is there once.
    Map(Vec<(Text, Yaml)>),
}

/// A scalar and its place.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Text {
    pub place: Place,
    pub text: String,
    /// Between quotation marks: never a number or a truth.
    pub quoted: bool,
}

/// What is wrong with the YAML itself.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Problem {
    pub place: Place,
    pub message: String,
    pub hint: Option<String>,
}

/// Reads one document. What could be read is returned even when there are problems.
pub(crate) fn parse(text: &str) -> (Option<Yaml>, Vec<Problem>) {
    let mut builder = Builder::default();
    if text.len() > MAX_BYTES {
        builder.problem(Place { line: 1, column: 1, length: 1 }, "the file is longer than 16 MiB", None);
        return (None, builder.problems);
    }
    if let Some(place) = not_utf8(text) {
        let hint = "save the file as UTF-8, which editors offer when it is saved: umlauts and accents are lost otherwise";
        builder.problem(place, "this file is not in UTF-8, as this character shows", Some(hint.to_owned()));
        if text.contains('\0') {
            // Every other letter is a zero, as UTF-16 has it: nothing else in it is worth a word.
            return (None, builder.problems);
        }
    }
    for event in Parser::new_from_str(text) {
        let more = match event {
            Ok((event, span)) => builder.take(event, place_of(span)),
            Err(error) => {
                builder.problems.push(unreadable::in_words(&error, text));
                false
            }
        };
        if !more {
            break;
        }
    }
    if builder.root.is_none() && builder.problems.is_empty() {
        builder.problem(Place { line: 1, column: 1, length: 1 }, "the file is empty", None);
    }
    (builder.root, builder.problems)
}

#[derive(Default)]
struct Builder {
    open: Vec<Open>,
    root: Option<Yaml>,
    problems: Vec<Problem>,
}

enum Open {
    List(Place, Vec<Yaml>),
    Map {
        place: Place,
        entries: Vec<(Text, Yaml)>,
        key: Option<Text>,
        known: std::collections::BTreeSet<String>,
    },
}

impl Builder {
    fn problem(&mut self, place: Place, message: &str, hint: Option<String>) {
        self.problems.push(Problem { place, message: message.to_owned(), hint });
    }

    /// Takes one event; false when there is no sense in going on.
    fn take(&mut self, event: Event<'_>, place: Place) -> bool {
        match event {
            Event::Scalar(text, style, _, _) => {
                let quoted = style != ScalarStyle::Plain;
                // Where nothing is written the parser gives YAML's word for nothing.
                let text = if quoted || text != "~" { text.into_owned() } else { String::new() };
                self.scalar(Text { place, text, quoted });
            }
            Event::SequenceStart(..) => self.open.push(Open::List(place, Vec::new())),
            Event::MappingStart(..) => {
                self.open.push(Open::Map { place, entries: Vec::new(), key: None, known: Default::default() })
            }
            Event::SequenceEnd | Event::MappingEnd => self.close(),
            Event::Alias(_) | Event::UnresolvedAlias(_) => {
                let hint = "write what begins with a * between quotation marks: \"*51\"";
                self.problem(place, "YAML anchors and aliases are not used here", Some(hint.to_owned()));
                self.scalar(Text { place, text: String::new(), quoted: true });
            }
            Event::DocumentStart(..) if self.root.is_some() => {
                self.problem(place, "a file holds one YAML document, and here begins a second", None);
                return false;
            }
            _ => {}
        }
        if self.open.len() > MAX_DEPTH {
            self.problem(place, "lists and maps are nested too deeply here", None);
            return false;
        }
        true
    }

    fn scalar(&mut self, text: Text) {
        match self.open.last_mut() {
            Some(Open::Map { key: key @ None, .. }) => *key = Some(text),
            _ => self.value(Yaml { place: text.place, value: Value::Text(text) }),
        }
    }

    fn close(&mut self) {
        match self.open.pop() {
            Some(Open::List(place, items)) => self.value(Yaml { place, value: Value::List(items) }),
            Some(Open::Map { place, entries, .. }) => {
                self.value(Yaml { place, value: Value::Map(entries) });
            }
            None => {}
        }
    }

    fn value(&mut self, yaml: Yaml) {
        let mut odd_key = None;
        let mut twice = None;
        match self.open.last_mut() {
            None => self.root = Some(yaml),
            Some(Open::List(_, items)) => items.push(yaml),
            Some(Open::Map { entries, key, known, .. }) => match key.take() {
                Some(key) if !known.insert(key.text.clone()) => twice = Some(key),
                Some(key) => entries.push((key, yaml)),
                None => {
                    odd_key = Some(yaml.place);
                    // Its value must not be taken for the next key.
                    *key = Some(Text { place: yaml.place, text: String::new(), quoted: true });
                }
            },
        }
        if let Some(place) = odd_key {
            self.problem(place, "a key is a plain word or number, not a list or a map", None);
        }
        if let Some(key) = twice {
            self.problem(key.place, &format!("\"{}\" is given twice", key.text), None);
        }
    }
}

/// Where the first character stands that whoever read the file could make nothing of.
fn not_utf8(text: &str) -> Option<Place> {
    let (line, source) =
        text.lines().enumerate().find(|(_, line)| line.contains(char::REPLACEMENT_CHARACTER))?;
    let column = source.chars().position(|c| c == char::REPLACEMENT_CHARACTER)?;
    Some(Place { line: count(line + 1), column: count(column + 1), length: 1 })
}

fn place_of(span: Span) -> Place {
    let (start, end) = (span.start, span.end);
    let length = if start.line() == end.line() { end.col().saturating_sub(start.col()) } else { 1 };
    Place { line: count(start.line()), column: count(start.col() + 1), length: count(length.max(1)) }
}

fn count(n: usize) -> u32 {
    u32::try_from(n).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_knows_its_place() {
        let (root, problems) = parse("a: x\nb:\n  - 1000\n  - \"two\"\n");
        assert_eq!(problems, []);
        let Some(Yaml { value: Value::Map(entries), .. }) = root else { panic!("a map") };
        assert_eq!(entries[0].0.place, Place { line: 1, column: 1, length: 1 });
        let Value::List(items) = &entries[1].1.value else { panic!("a list") };
        assert_eq!(items[0].place, Place { line: 3, column: 5, length: 4 });
        assert!(matches!(&items[1].value, Value::Text(text) if text.text == "two" && text.quoted));
    }

    #[test]
    fn a_key_given_twice_is_told_and_the_first_stays() {
        let (root, problems) = parse("a: 1\na: 2\n");
        assert_eq!(problems.len(), 1);
        assert_eq!(problems[0].place.line, 2);
        assert!(matches!(root, Some(Yaml { value: Value::Map(entries), .. }) if entries.len() == 1));
    }

    #[test]
    fn a_file_in_latin_1_or_utf_16_is_told_with_the_character_that_shows_it() {
        let latin = String::from_utf8_lossy(b"a: x\ncompany: M\xfcller\n").into_owned();
        let (root, problems) = parse(&latin);
        assert!(root.is_some(), "all else is read");
        assert_eq!((problems.len(), problems[0].place.line, problems[0].place.column), (1, 2, 11));
        assert!(problems[0].message.contains("not in UTF-8"), "{problems:?}");
        let utf_16 = String::from_utf8_lossy(b"\xff\xfea\0:\0 \0x\0").into_owned();
        assert_eq!(parse(&utf_16).1.len(), 1);
    }

    #[test]
    fn aliases_cannot_blow_up_a_file() {
        let (_, problems) = parse("a: &a [x]\nb: [*a, *a]\n");
        assert_eq!(problems.len(), 2);
    }
}
