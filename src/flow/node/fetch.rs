//! `fetch`: asks a service over HTTP, and puts what it answers into variables.

use std::sync::Arc;
use std::time::Duration;

use serde::Deserialize;
use serde::Serialize;

use crate::base::Name;
use crate::base::Timestamp;
use crate::fact::What;
use crate::flow::api::ExitName;
use crate::flow::api::Failure;
use crate::flow::api::FetchResult;
use crate::flow::api::FlowAction;
use crate::flow::api::Kind;
use crate::flow::api::Question;
use crate::flow::model;
use crate::flow::model::NodeIndex;
use crate::flow::model::Prompt;
use crate::flow::node;
use crate::flow::node::Exit;
use crate::flow::node::OTHERWISE;
use crate::flow::node::THEN;
use crate::flow::node::collect;
use crate::flow::read::Reader;
use crate::flow::read::fields::Fields;
use crate::flow::read::yaml::Place;
use crate::flow::read::yaml::Text;
use crate::flow::read::yaml::Value;
use crate::flow::read::yaml::Yaml;
use crate::flow::service::Service;
use crate::flow::service::path_part;
use crate::flow::step::Input;
use crate::flow::step::Next;
use crate::flow::step::Step;
use crate::flow::template;
use crate::flow::template::Piece;

/// How much longer than the service's own time the flow waits: who asks gives up first.
const GRACE: Duration = Duration::from_millis(500);
/// The silence after which a caller is told that it takes a moment: so long a pause of somebody who looks something up is
/// taken for a line that broke.
const SILENT: Duration = Duration::from_secs(2);
/// The silence until they are told again.
const SILENT_AGAIN: Duration = Duration::from_secs(5);
/// What is said then, where it is recorded and nothing else is written.
const ONE_MOMENT: &str = "one-moment";
/// Not there: the service answered with 404.
const MISSING: ExitName = ExitName::Named("missing");

/// A question to a service.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Fetch {
    /// None only where the checker has reported that there is no such service.
    pub service: Option<Arc<Service>>,
    pub path: Vec<Piece>,
    /// What is sent as JSON, by POST: field and variable. Empty for a GET.
    pub send: Vec<(Name, Name)>,
    pub gives: Vec<Given>,
    /// What callers hear when it takes longer than [`SILENT`]; each time to its end.
    pub meanwhile: Vec<Prompt>,
    pub place: Place,
    pub then: NodeIndex,
    /// Without this exit it is as any other failure.
    pub missing: Option<NodeIndex>,
    pub otherwise: NodeIndex,
}

/// A variable that gets its value from the answer.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Given {
    pub variable: Name,
    /// `order.status`: names within names.
    pub field: Name,
    pub kind: Kind,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct State {
    number: u32,
    asked: Timestamp,
    /// It has come out, and what is said meanwhile is not at its end yet.
    #[serde(default)]
    outcome: Option<Outcome>,
}

/// How it came out.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Outcome {
    Answered,
    Missing,
    Failed,
}

impl Fetch {
    pub fn read(fields: &mut Fields<'_>, reader: &mut Reader<'_>) -> Fetch {
        let yaml = fields.require(reader, "fetch");
        let service = yaml.and_then(|yaml| {
            let text = reader.text(yaml, "the name of a service")?;
            reader.service(text)
        });
        let path = fields.optional("path").map(|yaml| path(yaml, reader)).unwrap_or_default();
        Fetch {
            service,
            path,
            send: fields.optional("send").map(|yaml| send(yaml, reader)).unwrap_or_default(),
            gives: fields.optional("gives").map(|yaml| gives(yaml, reader)).unwrap_or_default(),
            meanwhile: meanwhile(fields, reader),
            place: yaml.map_or(fields.place, |yaml| yaml.place),
            then: fields.exit(reader, "then"),
            missing: fields.optional_exit(reader, "missing"),
            otherwise: fields.exit(reader, "otherwise"),
        }
    }

    pub fn exits(&self) -> Vec<Exit> {
        let missing = self.missing.map(|to| Exit::plain(MISSING, to));
        let exits = [Exit::plain(THEN, self.then).setting(), Exit::plain(OTHERWISE, self.otherwise)];
        exits.into_iter().chain(missing).collect()
    }

    /// `orders /orders/{order}`
    pub fn about(&self) -> String {
        let service = self.service.as_ref().map(|service| service.name.to_string()).unwrap_or_default();
        let path = template::written(&self.path);
        format!("{service} {path}").trim().to_owned()
    }

    /// The variables that it sends.
    pub fn uses(&self) -> Vec<&Name> {
        template::variables(&self.path).chain(self.send.iter().map(|(_, variable)| variable)).collect()
    }

    /// What it asks for, in the order of `gives`.
    fn fields(&self) -> Vec<(Name, Kind)> {
        self.gives.iter().map(|given| (Name::clone(&given.field), given.kind)).collect()
    }

    pub fn enter(&self, step: &mut Step<'_>) -> (node::State, Next) {
        let number = step.session.next_fetch;
        step.session.next_fetch = number.wrapping_add(1);
        let state = node::State::Fetch(State { number, asked: step.now, outcome: None });
        // The checker lets no flow through whose service is unknown.
        let Some(service) = &self.service else { return (state, Next::Go(OTHERWISE, self.otherwise)) };
        step.stop_play();
        match self.meanwhile.is_empty() || service.timeout <= SILENT {
            true => step.wait(service.timeout + GRACE),
            false => step.wait(SILENT),
        }
        let value = |name: &Name| path_part(&step.in_words(name));
        let path = template::filled(&self.path, value);
        let send = self
            .send
            .iter()
            .filter_map(|(field, variable)| Some((Name::clone(field), step.value(variable)?)));
        let question = Question {
            number,
            service: Arc::clone(service),
            url: format!("{}{path}", service.at),
            send: send.collect(),
            fields: self.fields(),
            code_for: None,
        };
        step.out.push(FlowAction::Fetch(question));
        (state, Next::Stay)
    }

    pub fn handle(&self, state: &mut State, step: &mut Step<'_>, input: Input) -> Next {
        match input {
            Input::PlayEnded => match state.outcome {
                Some(outcome) => self.leave(outcome),
                None => {
                    step.wait(self.left(state, step).min(SILENT_AGAIN));
                    Next::Stay
                }
            },
            _ if state.outcome.is_some() => Next::Stay,
            Input::Timer if !self.left(state, step).is_zero() => {
                // Whoever keys meanwhile hears it all the same, and the key is kept.
                if !step.play(&[&self.meanwhile], false, false) {
                    step.wait(self.left(state, step));
                }
                Next::Stay
            }
            Input::Timer => self.came_out(state, step, FetchResult::Failed(Failure::Late)),
            Input::Fetched { number, result } if number == state.number => self.came_out(state, step, result),
            _ => Next::Stay,
        }
    }

    /// How long it may still take. A prompt that plays over its end is no reason to give it up before: who asks says when.
    fn left(&self, state: &State, step: &Step<'_>) -> Duration {
        let timeout = self.service.as_ref().map(|service| service.timeout + GRACE).unwrap_or_default();
        timeout.saturating_sub(step.now.since(state.asked))
    }

    /// Tells it, and goes on, once what is said meanwhile is at its end.
    fn came_out(&self, state: &mut State, step: &mut Step<'_>, result: FetchResult) -> Next {
        step.session.timer = None;
        let found = match &result {
            FetchResult::Answered { values: answered, .. } => values(&self.gives, answered),
            _ => None,
        };
        let words = match &result {
            FetchResult::Answered { values: answered, instead_of } => {
                match (Failure::of_fields(&self.fields(), answered), instead_of) {
                    (Some(lacks), _) => lacks.to_string(),
                    (None, Some(failure)) => format!("{failure}; what it said before holds"),
                    (None, None) => "answered".to_owned(),
                }
            }
            FetchResult::Missing => "has none".to_owned(),
            FetchResult::Failed(failure) => failure.to_string(),
        };
        let service = self.service.as_ref().map(|service| Name::clone(&service.name)).unwrap_or_default();
        let took = step.now.since(state.asked);
        step.fact(What::ServiceAsked { service, result: Name::from(words.as_str()), took });
        let outcome = match (found, result) {
            (Some(values), _) => {
                for (name, value) in values {
                    step.set(&name, value);
                    step.session.unheard.insert(name);
                }
                Outcome::Answered
            }
            (None, FetchResult::Missing) => Outcome::Missing,
            _ => Outcome::Failed,
        };
        if step.session.playing.is_some() {
            state.outcome = Some(outcome);
            return Next::Stay;
        }
        self.leave(outcome)
    }

    fn leave(&self, outcome: Outcome) -> Next {
        match (outcome, self.missing) {
            (Outcome::Answered, _) => Next::Go(THEN, self.then),
            (Outcome::Missing, Some(missing)) => Next::Go(MISSING, missing),
            (Outcome::Missing, None) | (Outcome::Failed, _) => Next::Go(OTHERWISE, self.otherwise),
        }
    }
}

/// Every variable's value; none when one is not there, or of another kind.
pub(crate) fn values(
    gives: &[Given],
    answered: &[Option<model::Value>],
) -> Option<Vec<(Name, model::Value)>> {
    let one = |(given, value): (&Given, &Option<model::Value>)| {
        Some((Name::clone(&given.variable), given.kind.fitted(value.as_ref()?)?))
    };
    if answered.len() != gives.len() {
        return None;
    }
    gives.iter().zip(answered).map(one).collect()
}

/// `meanwhile: one-moment`, `[…]`, or `nothing`.
fn meanwhile(fields: &mut Fields<'_>, reader: &mut Reader<'_>) -> Vec<Prompt> {
    let Some(yaml) = fields.optional("meanwhile") else {
        let in_all = |reader: &Reader<'_>| {
            reader.names.languages.iter().all(|language| reader.prompts.has(language, ONE_MOMENT))
        };
        return if in_all(reader) { vec![Prompt::Recorded(Name::from(ONE_MOMENT))] } else { Vec::new() };
    };
    match &yaml.value {
        Value::Text(text) if text.text == "nothing" && !text.quoted => Vec::new(),
        _ => reader.heard(yaml),
    }
}

/// `/orders/{order}/status`
fn path(yaml: &Yaml, reader: &mut Reader<'_>) -> Vec<Piece> {
    let Some(text) = reader.text(yaml, "a path") else { return Vec::new() };
    let pieces = template::pieces(&text.text).filter(|_| text.text.starts_with('/'));
    let good = pieces.is_some();
    let pieces = pieces.unwrap_or_default();
    let written = pieces.iter().all(|piece| match piece {
        Piece::Written(text) => text.chars().all(|c| c.is_ascii_graphic() && !"{}#\"<>\\^`|".contains(c)),
        Piece::Variable(_) => true,
    });
    if !good || !written {
        let message = format!("\"{}\" is not a path", text.text);
        reader.error_hint(text.place, message, "write it as: /orders/{order}");
    }
    pieces
}

/// `{ order: order_number }`: field and variable.
pub(crate) fn send(yaml: &Yaml, reader: &mut Reader<'_>) -> Vec<(Name, Name)> {
    let Value::Map(entries) = &yaml.value else {
        reader.error_hint(
            yaml.place,
            "what is sent is \"field: variable\" lines",
            "for example: order: order_number",
        );
        return Vec::new();
    };
    let one = |(key, value): &(Text, Yaml)| {
        let variable = reader.text(value, "the name of a variable")?;
        Some((Name::from(key.text.as_str()), Name::from(variable.text.as_str())))
    };
    entries.iter().filter_map(one).collect()
}

/// `{ status: order.status, days: order.days as number }`: variable and field.
pub(crate) fn gives(yaml: &Yaml, reader: &mut Reader<'_>) -> Vec<Given> {
    let Value::Map(entries) = &yaml.value else {
        reader.error_hint(
            yaml.place,
            "what it gives is \"variable: field\" lines",
            "for example: status: order.status",
        );
        return Vec::new();
    };
    let one = |(key, value): &(Text, Yaml)| {
        let variable = collect::variable_name(key, reader);
        let text = reader.text(value, "the name of a field")?;
        let (field, kind) = text.text.rsplit_once(" as ").unwrap_or((&text.text, "text"));
        let kind = reader.kind(text.place, kind)?;
        Some(Given { variable: variable?, field: Name::from(field.trim()), kind })
    };
    entries.iter().filter_map(one).collect()
}
