//! The kinds of facts by name, as JSON has them: what a list in a file may name.

use std::fmt;

use serde::Deserialize;
use serde::de;
use serde::de::value::MapDeserializer;

use super::What;

impl What {
    /// Every kind, as `fact` names it: `call_arrived`.
    pub fn kinds() -> &'static [&'static str] {
        let unknown = [("fact", "")].into_iter();
        match What::deserialize(MapDeserializer::<_, Kinds>::new(unknown)) {
            Err(Kinds(kinds)) => kinds,
            Ok(_) => &[],
        }
    }
}

/// What is said of a kind that there is not: those that there are.
#[derive(Debug)]
struct Kinds(&'static [&'static str]);

impl de::Error for Kinds {
    fn custom<T: fmt::Display>(_: T) -> Kinds {
        Kinds(&[])
    }

    fn unknown_variant(_: &str, expected: &'static [&'static str]) -> Kinds {
        Kinds(expected)
    }
}

impl fmt::Display for Kinds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.join(", "))
    }
}

impl std::error::Error for Kinds {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_of_fact_has_its_name() {
        let kinds = What::kinds();
        for kind in ["call_arrived", "call_ended", "trunk_unregistered"] {
            assert!(kinds.contains(&kind), "{kind}: {kinds:?}");
        }
        let told = serde_json::to_value(What::CallAnswered).unwrap();
        assert!(kinds.contains(&told["fact"].as_str().unwrap()));
    }
}
