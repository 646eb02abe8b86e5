//! Personal data and secrets: types that do not print what they hold.

use std::fmt;

use serde::Deserialize;
use serde::Deserializer;
use serde::Serialize;
use serde::Serializer;
use serde::de;
use serde::de::Visitor;

/// Caller data on its way into a log line: all but the last three characters are masked.
///
/// History and the API show the value itself to people who may see it; logs never do.
///
/// ```
/// assert_eq!(warmline::base::Pii("+12025550143").to_string(), "…143");
/// assert_eq!(warmline::base::Pii("Ann").to_string(), "…");
/// ```
pub struct Pii<T>(pub T);

impl<T: AsRef<str>> fmt::Display for Pii<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = self.0.as_ref();
        match text.char_indices().rev().nth(2) {
            Some((from, _)) if from > 0 => write!(f, "…{}", &text[from..]),
            _ => f.write_str("…"),
        }
    }
}

impl<T: AsRef<str>> fmt::Debug for Pii<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A secret that a caller gave: PIN digits, a card number. It cannot be printed, logged or written
/// down; [`Secret::expose`] is for the verifier alone.
///
/// A state that is written down loses it: the caller is asked again after a restart.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// A secret that holds `text`.
    pub fn new(text: impl Into<String>) -> Secret {
        Secret(text.into())
    }

    /// Adds one digit as the caller keys it.
    pub fn push(&mut self, digit: char) {
        self.0.push(digit);
    }

    /// How many characters it has.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether nothing was given.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The text itself, for the verifier.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

impl Serialize for Secret {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str("")
    }
}

impl<'de> Deserialize<'de> for Secret {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Secret, D::Error> {
        // Asked for a text alone, a reader of JSON would tell what is there instead.
        deserializer.deserialize_any(Text)
    }
}

/// Takes a text. What is none is not said again: a number in its place is the secret all the same.
struct Text;

impl Text {
    fn is_no<E: de::Error>(what: &str) -> E {
        E::custom(format!("invalid type: {what}, expected a string"))
    }
}

impl Visitor<'_> for Text {
    type Value = Secret;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Secret, E> {
        Ok(Secret::new(text))
    }

    fn visit_string<E: de::Error>(self, text: String) -> Result<Secret, E> {
        Ok(Secret(text))
    }

    fn visit_u64<E: de::Error>(self, _: u64) -> Result<Secret, E> {
        Err(Text::is_no("a number"))
    }

    fn visit_i64<E: de::Error>(self, _: i64) -> Result<Secret, E> {
        Err(Text::is_no("a number"))
    }

    fn visit_f64<E: de::Error>(self, _: f64) -> Result<Secret, E> {
        Err(Text::is_no("a number"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_neither_printed_nor_written_down() {
        let pin = Secret::new("4711");
        assert_eq!(format!("{pin:?}"), "Secret(…)");
        assert_eq!(serde_json::to_string(&pin).unwrap(), "\"\"");
        assert_eq!(pin.expose(), "4711");
    }

    #[test]
    fn a_number_in_the_place_of_a_secret_is_not_said_again() {
        assert_eq!(serde_json::from_str::<Secret>("\"4711\"").unwrap().expose(), "4711");
        for number in ["4711", "-4711", "47.11", "47e11"] {
            let error = serde_json::from_str::<Secret>(number).unwrap_err().to_string();
            assert!(error.contains("a number, expected a string") && !error.contains("47"), "{error}");
        }
    }
}
