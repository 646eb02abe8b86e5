//! Closed enums as the words that stand in tables and in front of people: `left_in_flow`.

use serde::Serialize;
use serde::de::DeserializeOwned;

/// The enum's serde name; empty for what is no plain enum.
pub(super) fn word<T: Serialize>(value: &T) -> String {
    match serde_json::to_value(value) {
        Ok(serde_json::Value::String(word)) => word,
        _ => String::new(),
    }
}

/// The enum of that name; none for a word that this version does not know.
pub(super) fn from_word<T: DeserializeOwned>(word: &str) -> Option<T> {
    serde_json::from_value(serde_json::Value::String(word.to_owned())).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fact::Outcome;

    #[test]
    fn a_word_goes_there_and_back() {
        assert_eq!(word(&Outcome::LeftInFlow), "left_in_flow");
        assert_eq!(from_word("left_in_flow"), Some(Outcome::LeftInFlow));
        assert_eq!(from_word::<Outcome>("from the future"), None);
    }
}
