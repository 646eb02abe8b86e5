//! `callback`: keeps the caller's place in a queue and lets them go; they are called back. The flow ends here.
//!
//! | the caller hears | keys | goes on |
//! |---|---|---|
//! | the number, read back | 1 it is right, 2 another one | later, or the promise; the other number |
//! | the question for another number | the number | the number, read back |
//! | as soon as possible, or at a time | 1, 2 | the promise; the time |
//! | the question for the time | four digits | the time, read back |
//! | the time, read back | 1 it is right, else | the promise; the time again |

use std::sync::Arc;
use std::time::Duration;

use serde::Deserialize;
use serde::Serialize;

use crate::base::Name;
use crate::base::QueueId;
use crate::base::WallTime;
use crate::fact::What;
use crate::flow::api::CallbackAt;
use crate::flow::api::ExitName;
use crate::flow::api::FlowAction;
use crate::flow::api::KeptPlace;
use crate::flow::hours::Hours;
use crate::flow::model::NodeIndex;
use crate::flow::model::Prompt;
use crate::flow::model::Value;
use crate::flow::needs;
use crate::flow::node;
use crate::flow::node::Exit;
use crate::flow::node::OTHERWISE;
use crate::flow::node::again::Again;
use crate::flow::node::collect;
use crate::flow::node::entry::Entry;
use crate::flow::node::entry::Key;
use crate::flow::node::question;
use crate::flow::read::Reader;
use crate::flow::read::fields::Fields;
use crate::flow::read::yaml::Place;
use crate::flow::read::yaml::Yaml;
use crate::flow::step::Input;
use crate::flow::step::Next;
use crate::flow::step::Step;
use crate::queue::api::Demand;

/// The caller has no number, and no other one may be keyed.
const IMPOSSIBLE: ExitName = ExitName::Named("impossible");

/// What the node's own prompts may say: the number, the day and the time of the callback.
pub(crate) const NUMBER: &str = "callback_number";
pub(crate) const DAY: &str = "callback_day";
pub(crate) const TIME: &str = "callback_time";

/// A place in a queue without holding the line.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Callback {
    pub queue: Option<QueueId>,
    pub needs: Demand,
    pub priority: i32,
    /// Heard with the number: 1 is right, 2 is another one.
    pub confirm: Vec<Prompt>,
    pub other: Option<Other>,
    /// When callers are called; who asks at another time is called when it opens. None: at any time.
    pub hours: Option<Arc<Hours>>,
    pub later: Option<Later>,
    /// Heard last; none: what the queue says.
    pub promised: Vec<Prompt>,
    pub no_input: Again,
    pub no_match: Again,
    /// How often each question is put in all. Default 3.
    pub tries: u32,
    /// From the end of a question to the first key. Default 5 s.
    pub wait: Duration,
    /// From key to key. Default 3 s.
    pub between: Duration,
    pub otherwise: NodeIndex,
    pub impossible: NodeIndex,
    pub place: Place,
}

/// Another number than the caller's.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Other {
    pub ask: Vec<Prompt>,
    pub digits: (u8, u8),
    /// What it must begin with: whoever calls chooses whom we pay for.
    pub begins: Vec<String>,
    pub place: Place,
}

/// A time that the caller chooses.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Later {
    /// 1 as soon as possible, 2 at a time.
    pub question: Vec<Prompt>,
    /// Four digits.
    pub ask: Vec<Prompt>,
    /// Heard with day and time; 1 takes it.
    pub confirm: Vec<Prompt>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Asked {
    #[default]
    Number,
    OtherNumber,
    When,
    Time,
    Moment,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct State {
    asked: Asked,
    tries: u32,
    keyed: String,
    number: String,
    at: Option<WallTime>,
}

impl Callback {
    pub fn read(fields: &mut Fields<'_>, reader: &mut Reader<'_>) -> Callback {
        let yaml = fields.require(reader, "callback");
        let queue = yaml.and_then(|yaml| {
            let text = reader.text(yaml, "the name of a queue")?;
            reader.queue(text)
        });
        let priority = fields.optional("priority").and_then(|yaml| reader.number(yaml, -1000, 1000));
        let hours = fields.optional("hours");
        let later = fields.optional("later");
        if let (Some(later), None) = (later, hours) {
            let message = "callers who choose a time choose it within hours";
            reader.error_hint(later.place, message, "add \"hours: name of hours\"");
        }
        let tries = question::tries(fields, reader, 3);
        Callback {
            queue,
            needs: needs::demand(fields, reader),
            priority: priority.and_then(|priority| i32::try_from(priority).ok()).unwrap_or(0),
            confirm: fields.must_hear(reader, "confirm"),
            other: fields.optional("other").and_then(|yaml| other(yaml, reader)),
            hours: hours.and_then(|yaml| reader.hours(yaml)),
            later: later.and_then(|yaml| self::later(yaml, reader)),
            promised: fields.heard(reader, "promised"),
            no_input: Again::read(fields, reader, "no_input", tries),
            no_match: Again::read(fields, reader, "no_match", tries),
            tries,
            wait: fields.duration(reader, "wait", Duration::from_secs(5)),
            between: fields.duration(reader, "between", Duration::from_secs(3)),
            otherwise: fields.exit(reader, "otherwise"),
            impossible: fields.exit(reader, "impossible"),
            place: yaml.map_or(fields.place, |yaml| yaml.place),
        }
    }

    pub fn exits(&self) -> Vec<Exit> {
        vec![Exit::plain(OTHERWISE, self.otherwise), Exit::plain(IMPOSSIBLE, self.impossible)]
    }

    pub fn heard(&self) -> Vec<&Prompt> {
        let own = [&self.confirm, &self.promised].into_iter().flatten();
        let own = own.chain(self.no_input.heard()).chain(self.no_match.heard());
        let other = self.other.iter().flat_map(|other| &other.ask);
        let later = self.later.iter().flat_map(|later| [&later.question, &later.ask, &later.confirm]);
        own.chain(other).chain(later.flatten()).collect()
    }

    pub fn enter(&self, step: &mut Step<'_>) -> (node::State, Next) {
        let mut state = State::default();
        let number = step.session.caller.number.clone();
        let next = if !number.is_empty() {
            self.learn_number(&mut state, step, number);
            self.begin(&mut state, step, Asked::Number)
        } else if self.other.is_some() {
            self.begin(&mut state, step, Asked::OtherNumber)
        } else {
            Next::Go(IMPOSSIBLE, self.impossible)
        };
        (node::State::Callback(state), next)
    }

    pub fn handle(&self, state: &mut State, step: &mut Step<'_>, input: Input) -> Next {
        match input {
            Input::PlayEnded => {
                step.wait(self.wait);
                Next::Stay
            }
            Input::Digit { digit, told } => {
                step.heard(digit, told);
                self.digit(state, step, digit)
            }
            Input::Timer if !state.keyed.is_empty() => self.keyed(state, step, None),
            Input::Timer => self.silent(state, step),
            Input::Verified(_)
            | Input::Fetched { .. }
            | Input::Bot(_)
            | Input::Transferred(_)
            | Input::Message(_) => Next::Stay,
        }
    }

    fn digit(&self, state: &mut State, step: &mut Step<'_>, digit: char) -> Next {
        if !matches!(state.asked, Asked::OtherNumber | Asked::Time) && matches!(digit, '1' | '2') {
            step.ends_by_habit();
        }
        match (state.asked, digit) {
            (Asked::Number, '1') if self.later.is_some() => self.begin(state, step, Asked::When),
            (Asked::Number, '1') | (Asked::When, '1') => self.as_soon_as_possible(state, step),
            (Asked::Number, '2') if self.other.is_some() => self.begin(state, step, Asked::OtherNumber),
            (Asked::When, '2') => self.begin(state, step, Asked::Time),
            (Asked::Moment, '1') => self.promise(state, step),
            (Asked::Moment, _) => self.begin(state, step, Asked::Time),
            (Asked::Number | Asked::When, _) => self.no_match(state, step, digit),
            (Asked::OtherNumber | Asked::Time, _) => self.key(state, step, digit),
        }
    }

    /// A key of a number or a time.
    fn key(&self, state: &mut State, step: &mut Step<'_>, digit: char) -> Next {
        let key = self.entry(state.asked).key(state.keyed.len(), digit);
        if matches!(key, Key::More | Key::Complete) {
            state.keyed.push(digit);
        }
        match key {
            Key::More => {
                step.wait(self.between);
                Next::Stay
            }
            Key::Complete | Key::End => self.keyed(state, step, Some(digit)),
            Key::Skip => self.silent(state, step),
            Key::Odd => self.no_match(state, step, digit),
        }
    }

    fn entry(&self, asked: Asked) -> Entry {
        let number = self.other.as_ref().map_or((1, 1), |other| other.digits);
        let (least, most) = if asked == Asked::Time { (4, 4) } else { number };
        Entry { least, most, ends_when_full: true, end: '#', first: self.wait, between: self.between }
    }

    /// A number or a time has been keyed.
    fn keyed(&self, state: &mut State, step: &mut Step<'_>, last: Option<char>) -> Next {
        let keyed = std::mem::take(&mut state.keyed);
        let odd = last.or(keyed.chars().last()).unwrap_or('#');
        let fits = self.entry(state.asked).fits(keyed.len());
        match (state.asked, &self.other) {
            (Asked::Time, _) => match fits.then(|| self.moment(step, &keyed)).flatten() {
                Some(at) => {
                    self.learn_time(state, step, at);
                    self.begin(state, step, Asked::Moment)
                }
                None => self.no_match(state, step, odd),
            },
            (_, Some(other)) if fits && other.begins.iter().any(|begin| keyed.starts_with(begin)) => {
                self.learn_number(state, step, keyed);
                self.begin(state, step, Asked::Number)
            }
            _ => self.no_match(state, step, odd),
        }
    }

    /// `1430`: when a clock next shows it within the hours.
    fn moment(&self, step: &Step<'_>, keyed: &str) -> Option<WallTime> {
        let number = |from: usize, to: usize| keyed.get(from..to)?.parse::<u16>().ok();
        let (hour, minute) = (number(0, 2)?, number(2, 4)?);
        let in_a_day = hour < 24 && minute < 60;
        in_a_day.then(|| self.hours.as_ref()?.next_at(step.wall(), hour * 60 + minute)).flatten()
    }

    fn learn_number(&self, state: &mut State, step: &mut Step<'_>, number: String) {
        step.set(&Name::from(NUMBER), Value::Text(number.clone()));
        state.number = number;
    }

    fn learn_time(&self, state: &mut State, step: &mut Step<'_>, at: WallTime) {
        state.at = Some(at);
        if let Some((day, time)) = self.hours.as_ref().and_then(|hours| hours.shown(at)) {
            step.set(&Name::from(DAY), Value::Text(day));
            step.set(&Name::from(TIME), Value::Text(time));
        }
    }

    fn as_soon_as_possible(&self, state: &mut State, step: &mut Step<'_>) -> Next {
        let now = step.wall();
        let opens = self.hours.as_ref().and_then(|hours| hours.next_open(now));
        match opens.filter(|opens| *opens > now) {
            Some(opens) => self.learn_time(state, step, opens),
            None => state.at = None,
        }
        self.promise(state, step)
    }

    fn promise(&self, state: &State, step: &mut Step<'_>) -> Next {
        step.stop_play();
        let wait = |at: WallTime| Duration::from_micros(at.0.saturating_sub(step.wall().0).unsigned_abs());
        let at = state.at.map(|wall| CallbackAt { at: step.now + wait(wall), wall });
        // The checker lets no flow through whose queue is unknown.
        if let Some(queue) = self.queue {
            step.out.push(FlowAction::KeepPlace(Box::new(KeptPlace {
                queue,
                needs: self.needs.clone(),
                priority: self.priority,
                number: state.number.clone(),
                at,
                promised: step.said(&self.promised),
            })));
        }
        Next::Over
    }

    /// Puts a question for the first time. Keys that came ahead are the answer.
    fn begin(&self, state: &mut State, step: &mut Step<'_>, asked: Asked) -> Next {
        (state.asked, state.tries) = (asked, 1);
        state.keyed.clear();
        if step.has_kept() { Next::Stay } else { self.ask(state, step, &[]) }
    }

    fn silent(&self, state: &mut State, step: &mut Step<'_>) -> Next {
        step.fact(What::NoInput { node: Name::clone(step.node) });
        self.again(state, step, self.no_input.after(state.tries))
    }

    fn no_match(&self, state: &mut State, step: &mut Step<'_>, digit: char) -> Next {
        step.no_match(digit);
        self.again(state, step, self.no_match.after(state.tries))
    }

    fn again(&self, state: &mut State, step: &mut Step<'_>, before: &[Prompt]) -> Next {
        state.keyed.clear();
        if state.tries >= self.tries {
            return Next::Go(OTHERWISE, self.otherwise);
        }
        state.tries += 1;
        self.ask(state, step, before)
    }

    fn ask(&self, state: &State, step: &mut Step<'_>, before: &[Prompt]) -> Next {
        let (other, later) = (self.other.as_ref(), self.later.as_ref());
        let question = match state.asked {
            Asked::Number => Some(&self.confirm),
            Asked::OtherNumber => other.map(|other| &other.ask),
            Asked::When => later.map(|later| &later.question),
            Asked::Time => later.map(|later| &later.ask),
            Asked::Moment => later.map(|later| &later.confirm),
        };
        step.ask(&[before, question.map_or(&[], Vec::as_slice)], true, self.wait)
    }
}

/// `{ ask: callback/key-number, digits: 7 to 15, begins: ["1", "0044"] }`
fn other(yaml: &Yaml, reader: &mut Reader<'_>) -> Option<Other> {
    let mut fields = reader.fields(yaml, "another number")?;
    let ask = fields.must_hear(reader, "ask");
    let digits = fields.optional("digits").and_then(|yaml| collect::digits(yaml, reader));
    let begins = fields.require(reader, "begins").map(|yaml| begins(yaml, reader)).unwrap_or_default();
    fields.finish(reader);
    Some(Other { ask, digits: digits.unwrap_or((3, 15)), begins, place: yaml.place })
}

fn begins(yaml: &Yaml, reader: &mut Reader<'_>) -> Vec<String> {
    let mut begins = Vec::new();
    for text in reader.texts(yaml, "the first digits of a number") {
        if text.text.bytes().all(|c| c.is_ascii_digit()) {
            begins.push(text.text.clone());
        } else {
            let message = format!("no number that is keyed begins with \"{}\"", text.text);
            reader.error_hint(text.place, message, "write digits, in quotes: [\"1202\", \"0044\"]");
        }
    }
    begins
}

fn later(yaml: &Yaml, reader: &mut Reader<'_>) -> Option<Later> {
    let mut fields = reader.fields(yaml, "the choice of a time")?;
    let question = fields.must_hear(reader, "question");
    let ask = fields.must_hear(reader, "ask");
    let confirm = fields.must_hear(reader, "confirm");
    fields.finish(reader);
    Some(Later { question, ask, confirm })
}
