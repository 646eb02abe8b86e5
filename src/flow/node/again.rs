//! What is heard before a question is put again: the same each time, or other words from try to try, so that who does not
//! get along is helped more.

use crate::flow::model::Prompt;
use crate::flow::read::Reader;
use crate::flow::read::fields::Fields;
use crate::flow::read::yaml::Value;
use crate::flow::read::yaml::Yaml;

/// The tries as files name them: a question is put ten times at most, and after the last nothing is heard.
const TRIES: [&str; 9] =
    ["first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth"];

/// What is heard after each try that failed; after the last that is named the same again.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Again(Vec<Vec<Prompt>>);

impl Again {
    /// `no_input: menu/no-input`, or `no_input: { first: menu/no-input, second: menu/help }`. Nothing when it is absent.
    /// `tries` is how often the question is put in all.
    pub fn read(fields: &mut Fields<'_>, reader: &mut Reader<'_>, key: &'static str, tries: u32) -> Again {
        match fields.optional(key) {
            Some(yaml) if is_by_try(yaml) => by_try(yaml, reader, tries),
            Some(yaml) => Again(vec![reader.heard(yaml)]),
            None => Again::default(),
        }
    }

    /// What is heard when this many tries have failed, 1 or more.
    pub fn after(&self, tries: u32) -> &[Prompt] {
        let place = usize::try_from(tries.saturating_sub(1)).unwrap_or(usize::MAX);
        self.0.get(place).or(self.0.last()).map(Vec::as_slice).unwrap_or_default()
    }

    /// All that may be heard.
    pub fn heard(&self) -> impl Iterator<Item = &Prompt> {
        self.0.iter().flatten()
    }
}

/// Whether these are tries, and no `{ say: … }`.
fn is_by_try(yaml: &Yaml) -> bool {
    matches!(&yaml.value, Value::Map(entries) if !entries.iter().any(|(key, _)| key.text == "say"))
}

fn by_try(yaml: &Yaml, reader: &mut Reader<'_>, tries: u32) -> Again {
    let Some(mut fields) = reader.fields(yaml, "what is heard by try") else { return Again::default() };
    let written = |name: &&str| fields.entries().iter().any(|(key, _)| key.text == **name);
    // The first must be there, and there is no gap before the last.
    let last = TRIES.iter().rposition(written).unwrap_or(0);
    let mut heard = Vec::new();
    for (place, name) in TRIES.into_iter().enumerate() {
        if place <= last {
            heard.push(fields.must_hear(reader, name));
        } else {
            // Known, and not there.
            fields.optional(name);
        }
        if place as u32 + 1 >= tries
            && let Some((key, _)) = fields.entries().iter().find(|(key, _)| key.text == name)
        {
            let message =
                format!("the question is put {tries} times, and nothing is heard after the {name} of them");
            reader.error_hint(key.place, message, "after the last try the caller goes on by \"otherwise\"");
        }
    }
    fields.finish(reader);
    Again(heard)
}
