//! Which languages callers are spoken to in, and which currency amounts are said in, as `center.yaml` says it.

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use crate::base::Name;
use crate::flow::center::HOLD_CHECK_IN;
use crate::flow::center::HOLD_KEYS;
use crate::flow::center::HOLD_KEYS_CALLBACK;
use crate::flow::center::HOLD_QUESTION;
use crate::flow::model::SpokenAs;
use crate::flow::read::Reader;
use crate::flow::read::fields::Fields;
use crate::flow::read::yaml;
use crate::flow::read::yaml::Place;
use crate::flow::read::yaml::Text;
use crate::flow::read::yaml::Value;
use crate::flow::read::yaml::Yaml;
use crate::flow::say;
use crate::flow::say::Currency;

/// `language: en`, and `languages: [en, es]` where callers may choose: the first of them is the center's own unless it
/// says so.
pub(super) fn languages(fields: &mut Fields<'_>, reader: &mut Reader<'_>) {
    let own = fields.optional("language").and_then(|yaml| reader.name(yaml, "the language"));
    let Some(yaml) = fields.optional("languages") else {
        reader.names.language = own.unwrap_or_else(|| Name::from("en"));
        reader.names.languages = vec![Name::clone(&reader.names.language)];
        return;
    };
    let mut all: Vec<Name> = Vec::new();
    for text in reader.texts(yaml, "a language") {
        if all.iter().any(|known| **known == *text.text) {
            reader.error(text.place, format!("\"{}\" is given twice", text.text));
            continue;
        }
        if !say::LANGUAGES.contains(&text.text.split('-').next().unwrap_or_default()) {
            let message = format!("numbers and dates are said in \"{}\" as in English", text.text);
            reader.warning(text.place, message, Some("give no choice of it, or say none".to_owned()));
        }
        all.push(Name::from(text.text.as_str()));
    }
    let own = own.or_else(|| all.first().cloned()).unwrap_or_else(|| Name::from("en"));
    if !all.contains(&own) {
        let message = format!("\"{own}\", the center's own language, is not among these");
        reader.error(yaml.place, message);
    }
    reader.names.language = own;
    reader.names.languages = all;
    heard_in_all(yaml.place, reader);
}

/// Tells of each language in which nothing is recorded, once, where it is named.
pub(crate) fn unrecorded(text: &str, wanted: &BTreeMap<Name, BTreeSet<Name>>, reader: &mut Reader<'_>) {
    const NAMED: usize = 3;
    let root = yaml::parse(text).0;
    for (language, names) in wanted {
        let place = root.as_ref().and_then(|root| place_of(root, language)).unwrap_or(Place {
            line: 1,
            column: 1,
            length: 1,
        });
        let first: Vec<&str> = names.iter().take(NAMED).map(|name| &**name).collect();
        let more = if names.len() > NAMED { ", …" } else { "" };
        let message = format!(
            "nothing is recorded in \"{language}\", in which {} prompts are needed: {}{more}",
            names.len(),
            first.join(", ")
        );
        let hint =
            format!("record them as prompts/{language}/{}.wav and so on, or take the language out", first[0]);
        reader.error_hint(place, message, hint);
    }
}

/// Where `languages` names one.
fn place_of(root: &Yaml, language: &str) -> Option<Place> {
    let Value::Map(entries) = &root.value else { return None };
    let (_, languages) = entries.iter().find(|(key, _)| key.text == "languages")?;
    let Value::List(all) = &languages.value else { return Some(languages.place) };
    let named = all.iter().find(|yaml| matches!(&yaml.value, Value::Text(text) if text.text == language));
    Some(named.unwrap_or(languages).place)
}

/// What is in no file, and heard all the same: by a held caller, and the minutes of a quote.
fn heard_in_all(place: Place, reader: &mut Reader<'_>) {
    reader.words_for(place, SpokenAs::As(say::Kind::Number));
    for name in [HOLD_QUESTION, HOLD_KEYS, HOLD_KEYS_CALLBACK, HOLD_CHECK_IN] {
        if reader.prompts.has(&reader.names.language, name) {
            reader.prompt(&Text { place, text: name.to_owned(), quoted: true });
        }
    }
}

pub(super) fn currency(yaml: &Yaml, reader: &mut Reader<'_>) -> Option<Currency> {
    let text = reader.text(yaml, "a currency")?;
    let known = Currency::ALL.iter().find(|(code, _)| *code == text.text);
    if known.is_none() {
        reader.unknown(text.place, "currency", &text.text, Currency::ALL.map(|(code, _)| code));
    }
    known.map(|(_, currency)| *currency)
}
