//! `speak`: from here on the caller is spoken to in a language.

use crate::base::Name;
use crate::flow::model::NodeIndex;
use crate::flow::node::THEN;
use crate::flow::read::Reader;
use crate::flow::read::fields::Fields;
use crate::flow::step::Next;
use crate::flow::step::Step;

/// A language.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Speak {
    pub language: Name,
    pub then: NodeIndex,
}

impl Speak {
    pub fn read(fields: &mut Fields<'_>, reader: &mut Reader<'_>) -> Speak {
        let language = fields.require(reader, "speak").and_then(|yaml| {
            let text = reader.text(yaml, "a language")?;
            reader.language(text)
        });
        Speak { language: language.unwrap_or_default(), then: fields.exit(reader, "then") }
    }

    pub fn enter(&self, step: &mut Step<'_>) -> Next {
        step.speak(&self.language);
        Next::Go(THEN, self.then)
    }
}
