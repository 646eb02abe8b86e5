//! `consent`: asks whether the talk may be recorded, once in a call.

use std::time::Duration;

use serde::Deserialize;
use serde::Serialize;

use crate::base::Name;
use crate::fact::HoldAnswer;
use crate::fact::What;
use crate::flow::api::ExitName;
use crate::flow::api::FlowAction;
use crate::flow::fields::Fields;
use crate::flow::model::NodeIndex;
use crate::flow::model::Prompt;
use crate::flow::node;
use crate::flow::node::Exit;
use crate::flow::node::menu;
use crate::flow::read::Reader;
use crate::flow::step::Input;
use crate::flow::step::Next;
use crate::flow::step::Step;

const YES: ExitName = ExitName::Named("yes");
const NO: ExitName = ExitName::Named("no");
const NO_INPUT: ExitName = ExitName::Named("no_input");

/// The question: 1 is yes, 2 is no, as where a queue asks. Silence to the end is no.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Consent {
    pub prompts: Vec<Prompt>,
    /// How often the question is heard in all. Default 2.
    pub tries: u32,
    /// How long the caller has from the end of the prompts. Default 6 s.
    pub wait: Duration,
    pub yes: NodeIndex,
    pub no: NodeIndex,
    pub no_input: NodeIndex,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct State {
    tries: u32,
}

impl Consent {
    pub fn read(fields: &mut Fields<'_>, reader: &mut Reader<'_>) -> Consent {
        Consent {
            prompts: fields.must_hear(reader, "consent"),
            tries: menu::tries(fields, reader, 2),
            wait: fields.duration(reader, "wait", Duration::from_secs(6)),
            yes: fields.exit(reader, "yes"),
            no: fields.exit(reader, "no"),
            no_input: fields.exit(reader, "no_input"),
        }
    }

    pub fn exits(&self) -> Vec<Exit> {
        // None is the caller's own way: who has answered already goes it without a key.
        [(YES, self.yes), (NO, self.no), (NO_INPUT, self.no_input)]
            .map(|(name, to)| Exit::plain(name, to))
            .to_vec()
    }

    pub fn enter(&self, step: &mut Step<'_>) -> (node::State, Next) {
        let state = node::State::Consent(State { tries: 1 });
        // Nobody is asked twice.
        if let Some(agreed) = step.session.consent {
            return (state, self.by(agreed));
        }
        let next = if step.has_kept() { Next::Stay } else { self.ask(step) };
        (state, next)
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
                match digit {
                    '1' => return self.answered(step, HoldAnswer::Yes, self.by(true)),
                    '2' => return self.answered(step, HoldAnswer::No, self.by(false)),
                    _ => {}
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
            return self.answered(step, HoldAnswer::Silent, Next::Go(NO_INPUT, self.no_input));
        }
        state.tries += 1;
        self.ask(step)
    }

    fn answered(&self, step: &mut Step<'_>, answer: HoldAnswer, next: Next) -> Next {
        let agreed = answer == HoldAnswer::Yes;
        step.session.consent = Some(agreed);
        step.fact(What::RecordingAnswered { answer });
        step.out.push(FlowAction::Consent { agreed });
        next
    }

    fn by(&self, agreed: bool) -> Next {
        if agreed { Next::Go(YES, self.yes) } else { Next::Go(NO, self.no) }
    }

    fn ask(&self, step: &mut Step<'_>) -> Next {
        step.ask(&[&self.prompts], true, self.wait)
    }
}
