//! `consent`: asks whether the talk may be recorded, once in a call.

use std::time::Duration;

use crate::fact::HoldAnswer;
use crate::fact::What;
use crate::flow::api::ExitName;
use crate::flow::api::FlowAction;
use crate::flow::model::NodeIndex;
use crate::flow::node;
use crate::flow::node::Exit;
use crate::flow::node::question::Answer;
use crate::flow::node::question::Put;
use crate::flow::node::question::Question;
use crate::flow::read::Reader;
use crate::flow::read::fields::Fields;
use crate::flow::step::Input;
use crate::flow::step::Next;
use crate::flow::step::Step;

const YES: ExitName = ExitName::Named("yes");
const NO: ExitName = ExitName::Named("no");
const NO_INPUT: ExitName = ExitName::Named("no_input");

/// The question: 1 is yes, 2 is no, as where a queue asks. Silence to the end is no.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Consent {
    /// Heard twice in all, where the file says nothing else, with 6 s for a key.
    pub question: Question,
    pub yes: NodeIndex,
    pub no: NodeIndex,
    pub no_input: NodeIndex,
}

impl Consent {
    pub fn read(fields: &mut Fields<'_>, reader: &mut Reader<'_>) -> Consent {
        Consent {
            question: Question::read(fields, reader, "consent", 2, Duration::from_secs(6)),
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
        // Nobody is asked twice.
        match step.session.consent {
            Some(agreed) => (node::State::Consent(Put::first()), self.by(agreed)),
            None => (node::State::Consent(self.question.put(step)), Next::Stay),
        }
    }

    pub fn handle(&self, put: &mut Put, step: &mut Step<'_>, input: Input) -> Next {
        let key = |key| match key {
            '1' => Some(true),
            '2' => Some(false),
            _ => None,
        };
        match self.question.handle(put, step, input, key) {
            Answer::Key(_, true) => self.answered(step, HoldAnswer::Yes, self.by(true)),
            Answer::Key(_, false) => self.answered(step, HoldAnswer::No, self.by(false)),
            Answer::NotYet => Next::Stay,
            Answer::Never => self.answered(step, HoldAnswer::Silent, Next::Go(NO_INPUT, self.no_input)),
        }
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
}
