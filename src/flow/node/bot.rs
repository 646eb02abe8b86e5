//! `bot`: hands the caller's audio to a voice bot, and goes on by what it says in the end.

use std::sync::Arc;
use std::time::Duration;

use serde::Deserialize;
use serde::Serialize;

use crate::base::Name;
use crate::base::Timestamp;
use crate::fact::What;
use crate::flow::api::BotCall;
use crate::flow::api::BotEnd;
use crate::flow::api::ExitName;
use crate::flow::api::FlowAction;
use crate::flow::bot;
use crate::flow::model::NodeIndex;
use crate::flow::node;
use crate::flow::node::Exit;
use crate::flow::node::OTHERWISE;
use crate::flow::node::call;
use crate::flow::node::fetch;
use crate::flow::node::fetch::Given;
use crate::flow::read::Reader;
use crate::flow::read::fields::Fields;
use crate::flow::read::yaml::Place;
use crate::flow::step::Input;
use crate::flow::step::Next;
use crate::flow::step::Step;

/// The longest that a caller talks with a bot, where nothing else is said.
const LIMIT: Duration = Duration::from_secs(300);

const LOST: ExitName = ExitName::Named("lost");
const LATE: ExitName = ExitName::Named("late");

/// A talk with a bot.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Bot {
    /// None only where the checker has reported that there is no such bot.
    pub bot: Option<Arc<bot::Bot>>,
    /// What the bot is told: its name for it, and the variable.
    pub send: Vec<(Name, Name)>,
    pub gives: Vec<Given>,
    pub place: Place,
    /// How long it may last. Default 5 minutes.
    pub limit: Duration,
    /// Whether a key stops what the bot says. Default yes.
    pub barge_in: bool,
    pub results: Vec<call::Result>,
    /// Another result, or one that lacks a value.
    pub otherwise: NodeIndex,
    /// The bot could not be reached, or the connection broke.
    pub lost: NodeIndex,
    /// The time was over.
    pub late: NodeIndex,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct State {
    began: Timestamp,
}

impl Bot {
    pub fn read(fields: &mut Fields<'_>, reader: &mut Reader<'_>) -> Bot {
        let yaml = fields.require(reader, "bot");
        let bot = yaml.and_then(|yaml| {
            let text = reader.text(yaml, "the name of a bot")?;
            reader.bot(text)
        });
        let results = fields.require(reader, "results");
        Bot {
            bot,
            send: fields.optional("send").map(|yaml| fetch::send(yaml, reader)).unwrap_or_default(),
            gives: fields.optional("gives").map(|yaml| fetch::gives(yaml, reader)).unwrap_or_default(),
            place: yaml.map_or(fields.place, |yaml| yaml.place),
            limit: fields.duration(reader, "limit", LIMIT),
            barge_in: fields.truth(reader, "barge_in", true),
            results: results.map(|yaml| call::results(yaml, reader)).unwrap_or_default(),
            otherwise: fields.exit(reader, "otherwise"),
            lost: fields.exit(reader, "lost"),
            late: fields.exit(reader, "late"),
        }
    }

    pub fn exits(&self) -> Vec<Exit> {
        let result = |result: &call::Result| {
            Exit::plain(ExitName::Result(Name::clone(&result.name)), result.then).setting()
        };
        let others = [(OTHERWISE, self.otherwise), (LOST, self.lost), (LATE, self.late)];
        self.results.iter().map(result).chain(others.map(|(name, to)| Exit::plain(name, to))).collect()
    }

    pub fn about(&self) -> String {
        self.bot.as_ref().map(|bot| bot.name.to_string()).unwrap_or_default()
    }

    /// The variables that the bot is told.
    pub fn uses(&self) -> impl Iterator<Item = &Name> {
        self.send.iter().map(|(_, variable)| variable)
    }

    pub fn enter(&self, step: &mut Step<'_>) -> (node::State, Next) {
        let state = node::State::Bot(State { began: step.now });
        // The checker lets no flow through whose bot is unknown.
        let Some(bot) = &self.bot else { return (state, Next::Go(LOST, self.lost)) };
        step.stop_play();
        step.wait(bot.connect + self.limit);
        let send = self
            .send
            .iter()
            .filter_map(|(field, variable)| Some((Name::clone(field), step.value(variable)?)));
        let call = BotCall {
            bot: Arc::clone(bot),
            number: step.session.caller.number.clone(),
            dialled: step.session.caller.dialled.clone(),
            language: Name::clone(&step.session.language),
            send: send.collect(),
            fields: self.gives.iter().map(|given| Name::clone(&given.field)).collect(),
            results: self.results.iter().map(|result| Name::clone(&result.name)).collect(),
            barge_in: self.barge_in,
        };
        step.fact(What::BotJoined { bot: Name::clone(&bot.name) });
        step.out.push(FlowAction::Bot(Box::new(call)));
        (state, Next::Stay)
    }

    pub fn handle(&self, state: &State, step: &mut Step<'_>, input: Input) -> Next {
        match input {
            Input::Digit { digit, told } => {
                step.heard(digit, told);
                step.out.push(FlowAction::BotKey { digit });
                // The key took the timer's place.
                let (connect, since) =
                    (self.bot.as_ref().map(|bot| bot.connect), step.now.since(state.began));
                step.wait((connect.unwrap_or_default() + self.limit).saturating_sub(since));
                Next::Stay
            }
            Input::Timer => self.left(state, step, "time is over", Next::Go(LATE, self.late)),
            Input::Bot(BotEnd::Lost) => self.left(state, step, "lost", Next::Go(LOST, self.lost)),
            Input::Bot(BotEnd::Result { result, values }) => {
                let to = self.results.iter().find(|known| known.name == result).map(|known| known.then);
                let values = fetch::values(&self.gives, &values);
                let next = match (to, values) {
                    (Some(to), Some(values)) => {
                        values.into_iter().for_each(|(name, value)| step.set(&name, value));
                        Next::Go(ExitName::Result(Name::clone(&result)), to)
                    }
                    _ => Next::Go(OTHERWISE, self.otherwise),
                };
                self.left(state, step, &result, next)
            }
            Input::PlayEnded
            | Input::Verified(_)
            | Input::Fetched { .. }
            | Input::Transferred(_)
            | Input::Message(_) => Next::Stay,
        }
    }

    fn left(&self, state: &State, step: &mut Step<'_>, result: &str, next: Next) -> Next {
        step.session.timer = None;
        let bot = Name::from(self.about());
        step.fact(What::BotLeft { bot, result: result.into(), took: step.now.since(state.began) });
        step.out.push(FlowAction::BotEnds);
        next
    }
}
