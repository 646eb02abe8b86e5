//! `language`: asks which language to speak, and speaks it from there on.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Deserialize;
use serde::Serialize;

use crate::base::Name;
use crate::fact::What;
use crate::flow::api::ExitName;
use crate::flow::fields::Fields;
use crate::flow::model::NodeIndex;
use crate::flow::model::Prompt;
use crate::flow::node;
use crate::flow::node::Exit;
use crate::flow::node::OTHERWISE;
use crate::flow::node::menu;
use crate::flow::read::Reader;
use crate::flow::step::Input;
use crate::flow::step::Next;
use crate::flow::step::Step;
use crate::flow::yaml::Value;
use crate::flow::yaml::Yaml;

/// A key for each language. What else is keyed, and silence, is asked again without a word of reproach: who does not
/// understand the question would not understand that either.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Language {
    pub prompts: Vec<Prompt>,
    pub choices: BTreeMap<char, Name>,
    /// How often the question is heard in all. Default 2.
    pub tries: u32,
    /// How long the caller has from the end of the prompts. Default 5 s.
    pub wait: Duration,
    pub then: NodeIndex,
    /// After the last try, in the language that is spoken already.
    pub otherwise: NodeIndex,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct State {
    tries: u32,
}

impl Language {
    pub fn read(fields: &mut Fields<'_>, reader: &mut Reader<'_>) -> Language {
        Language {
            prompts: fields.must_hear(reader, "language"),
            choices: fields.require(reader, "choices").map(|yaml| choices(yaml, reader)).unwrap_or_default(),
            tries: menu::tries(fields, reader, 2),
            wait: fields.duration(reader, "wait", Duration::from_secs(5)),
            then: fields.exit(reader, "then"),
            otherwise: fields.exit(reader, "otherwise"),
        }
    }

    pub fn exits(&self) -> Vec<Exit> {
        let choices = self.choices.keys().map(|key| Exit::by_caller(ExitName::Key(*key), self.then));
        choices.chain([Exit::plain(OTHERWISE, self.otherwise)]).collect()
    }

    pub fn heard(&self) -> Vec<&Prompt> {
        self.prompts.iter().collect()
    }

    pub fn enter(&self, step: &mut Step<'_>) -> (node::State, Next) {
        let next = if step.has_kept() { Next::Stay } else { self.ask(step) };
        (node::State::Language(State { tries: 1 }), next)
    }

    pub fn handle(&self, state: &mut State, step: &mut Step<'_>, input: Input) -> Next {
        let node = Name::clone(step.node);
        match input {
            Input::PlayEnded => {
                step.wait(self.wait);
                return Next::Stay;
            }
            Input::Digit { digit, told } => {
                step.heard(digit, told);
                if let Some(language) = self.choices.get(&digit) {
                    step.fact(What::Chose { node, digit, choice: Name::clone(language) });
                    step.speak(language);
                    return Next::Go(ExitName::Key(digit), self.then);
                }
                step.fact(What::NoMatch { node, digit });
                step.forget_kept();
            }
            Input::Timer => step.fact(What::NoInput { node }),
            Input::Verified(_)
            | Input::Fetched { .. }
            | Input::Bot(_)
            | Input::Transferred(_)
            | Input::Message(_) => {
                return Next::Stay;
            }
        }
        if state.tries >= self.tries {
            return Next::Go(OTHERWISE, self.otherwise);
        }
        state.tries += 1;
        self.ask(step)
    }

    fn ask(&self, step: &mut Step<'_>) -> Next {
        step.ask(&[&self.prompts], true, self.wait)
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
