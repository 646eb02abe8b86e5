//! `language`: asks which language to speak, and speaks it from there on.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::base::Name;
use crate::fact::What;
use crate::flow::api::ExitName;
use crate::flow::model::NodeIndex;
use crate::flow::node;
use crate::flow::node::Exit;
use crate::flow::node::OTHERWISE;
use crate::flow::node::menu;
use crate::flow::node::question::Answer;
use crate::flow::node::question::Put;
use crate::flow::node::question::Question;
use crate::flow::read::Reader;
use crate::flow::read::fields::Fields;
use crate::flow::read::yaml::Value;
use crate::flow::read::yaml::Yaml;
use crate::flow::step::Input;
use crate::flow::step::Next;
use crate::flow::step::Step;

/// A key for each language. What else is keyed, and silence, is asked again without a word of reproach: who does not
/// understand the question would not understand that either.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Language {
    /// Heard twice in all, where the file says nothing else, with 5 s for a key.
    pub question: Question,
    pub choices: BTreeMap<char, Name>,
    pub then: NodeIndex,
    /// After the last try, in the language that is spoken already.
    pub otherwise: NodeIndex,
}

impl Language {
    pub fn read(fields: &mut Fields<'_>, reader: &mut Reader<'_>) -> Language {
        Language {
            question: Question::read(fields, reader, "language", 2, Duration::from_secs(5)),
            choices: fields.require(reader, "choices").map(|yaml| choices(yaml, reader)).unwrap_or_default(),
            then: fields.exit(reader, "then"),
            otherwise: fields.exit(reader, "otherwise"),
        }
    }

    pub fn exits(&self) -> Vec<Exit> {
        let choices = self.choices.keys().map(|key| Exit::by_caller(ExitName::Key(*key), self.then));
        choices.chain([Exit::plain(OTHERWISE, self.otherwise)]).collect()
    }

    pub fn enter(&self, step: &mut Step<'_>) -> (node::State, Next) {
        (node::State::Language(self.question.put(step)), Next::Stay)
    }

    pub fn handle(&self, put: &mut Put, step: &mut Step<'_>, input: Input) -> Next {
        match self.question.handle(put, step, input, |key| self.choices.get(&key)) {
            Answer::Key(digit, language) => {
                let node = Name::clone(step.node);
                step.fact(What::Chose { node, digit, choice: Name::clone(language) });
                step.speak(language);
                Next::Go(ExitName::Key(digit), self.then)
            }
            Answer::NotYet => Next::Stay,
            Answer::Never => Next::Go(OTHERWISE, self.otherwise),
        }
    }
}

fn choices(yaml: &Yaml, reader: &mut Reader<'_>) -> BTreeMap<char, Name> {
    let Value::Map(entries) = &yaml.value else {
        reader.error_hint(yaml.place, "choices are written as \"key: language\" lines", "for example: 2: es");
        return BTreeMap::new();
    };
    let mut choices = BTreeMap::new();
    for (key, value) in entries {
        let digit = menu::key(key, reader);
        let language = reader.text(value, "a language").and_then(|text| reader.language(text));
        choices.extend(digit.zip(language));
    }
    choices
}
