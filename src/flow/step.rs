//! What a node works with while a caller is in it: what is known, and what it may ask for.

use std::collections::BTreeSet;
use std::time::Duration;

use serde::Deserialize;
use serde::Serialize;

use crate::base::Name;
use crate::base::Secret;
use crate::base::Timestamp;
use crate::base::WallTime;
use crate::fact::Verification;
use crate::fact::What;
use crate::flow::api::BotEnd;
use crate::flow::api::Caller;
use crate::flow::api::ExitName;
use crate::flow::api::FetchResult;
use crate::flow::api::FlowAction;
use crate::flow::api::MessageNews;
use crate::flow::api::TransferResult;
use crate::flow::api::VerifyResult;
use crate::flow::expression::Known;
use crate::flow::keypad::Hush;
use crate::flow::keypad::Keypad;
use crate::flow::model::NodeIndex;
use crate::flow::model::Prompt;
use crate::flow::model::Spoken;
use crate::flow::model::SpokenAs;
use crate::flow::model::Value;
use crate::flow::model::Variables;
use crate::flow::say;
use crate::flow::speech;
use crate::media::control::PlayId;

/// How many keys are kept for a node that has not asked yet. Further keys are dropped.
pub(crate) const MAX_KEPT: usize = 32;
/// Stands where a key is not told.
const UNTOLD: char = '?';

/// What happens to a node.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Input {
    PlayEnded,
    /// A key, while the node listens; `told` when a fact has told it already.
    Digit {
        digit: char,
        told: bool,
    },
    /// The timer that the node set is due.
    Timer,
    Verified(VerifyResult),
    /// What a service said to the question of this number.
    Fetched {
        number: u32,
        result: FetchResult,
    },
    /// What came of a talk with a bot.
    Bot(BotEnd),
    /// How a transfer goes.
    Transferred(TransferResult),
    /// How the recording of a message goes.
    Message(MessageNews),
}

/// Where a node sends the caller.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Next {
    Stay,
    Go(ExitName, NodeIndex),
    /// To another flow, for good.
    GoTo(Name),
    /// To another flow, with what it takes, and back.
    Call(Name, Variables),
    /// Back to the flow that called, with a result.
    Return(Name),
    Over,
}

/// What a run knows whatever node it is in.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Session {
    pub caller: Caller,
    /// The calendar's time when the flow began, and when that was.
    pub wall: WallTime,
    pub began: Timestamp,
    pub variables: Variables,
    /// Variables that are secret: for a verifier alone.
    pub secrets: std::collections::BTreeMap<Name, Secret>,
    pub verified: bool,
    /// How, once it has happened; what was written down before it was kept was by PIN.
    #[serde(default)]
    pub verified_by: Option<Verification>,
    /// Whether the caller lets the talk be recorded, once they were asked.
    #[serde(default)]
    pub consent: Option<bool>,
    /// The language that the caller is spoken to in.
    pub language: Name,
    /// Keys that nobody has asked for yet and that may become part of a secret: told by no fact until a node that
    /// asks for no secret takes them.
    pub kept_untold: Secret,
    /// Keys that nobody has asked for yet; told already.
    pub kept: String,
    pub next_play: u32,
    pub next_fetch: u32,
    pub playing: Option<Playing>,
    pub timer: Option<Timestamp>,
    #[serde(default)]
    pub keypad: Keypad,
    /// The caller's phone holds the line: until when at most nothing is expected of them.
    #[serde(default)]
    pub held_until: Option<Timestamp>,
    /// How long the timer was set for.
    #[serde(default)]
    pub waits: Duration,
    /// What services said in this flow that the caller has not heard.
    #[serde(default)]
    pub unheard: BTreeSet<Name>,
    /// A secret was asked for a short while ago.
    #[serde(default)]
    pub hush: Option<Hush>,
}

impl Session {
    /// Whether what is keyed now may still be a secret that was asked for before.
    pub fn is_hushed(&self, now: Timestamp) -> bool {
        self.hush.is_some_and(|hush| hush.holds(now))
    }

    /// How many keys are kept.
    pub fn kept(&self) -> usize {
        self.kept.len() + self.kept_untold.len()
    }

    /// Forgets the keys that nobody asked for.
    pub fn forget_kept(&mut self) {
        self.kept_untold = Secret::default();
        self.kept.clear();
    }

    /// How the caller has proven who they are.
    pub fn verified_by(&self) -> Option<Verification> {
        self.verified.then(|| self.verified_by.unwrap_or(Verification::VerifiedByPin))
    }
}

/// All that [`verified_by`] may be.
pub(crate) const VERIFIED_BY: [&str; 4] = ["", "pin", "birth date", "code"];

/// As conditions have it: `pin`, `birth date`, `code`; empty for who has proven nothing.
pub(crate) fn verified_by(how: Option<Verification>) -> &'static str {
    VERIFIED_BY[match how {
        Some(Verification::VerifiedByPin) => 1,
        Some(Verification::VerifiedByBirthDate) => 2,
        Some(Verification::VerifiedByCode) => 3,
        _ => 0,
    }]
}

/// What plays now.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Playing {
    pub play: PlayId,
    pub barge_in: bool,
}

/// One step of a node.
pub(crate) struct Step<'a> {
    pub now: Timestamp,
    pub node: &'a Name,
    /// See [`FlowNode::secret_ahead`](crate::flow::model::FlowNode::secret_ahead).
    pub secret_ahead: bool,
    pub session: &'a mut Session,
    pub out: &'a mut Vec<FlowAction>,
}

impl Step<'_> {
    pub fn fact(&mut self, what: What) {
        self.out.push(FlowAction::Fact(what));
    }

    pub fn known(&self) -> Known<'_> {
        Known {
            caller: &self.session.caller,
            verified: self.session.verified,
            verified_by: self.session.verified_by(),
            language: &self.session.language,
            variables: &self.session.variables,
        }
    }

    /// Plays `prompts`; false when there is nothing to hear, and so nothing to wait for.
    pub fn play(&mut self, prompts: &[&[Prompt]], barge_in: bool, repeat: bool) -> bool {
        let given = prompts.iter().copied().flatten();
        let prompts: Vec<Name> = given.clone().flat_map(|prompt| self.names(prompt)).collect();
        self.session.timer = None;
        given.flat_map(said).for_each(|name| {
            self.session.unheard.remove(name);
        });
        if prompts.is_empty() {
            return false;
        }
        let play = PlayId(self.session.next_play);
        self.session.next_play = self.session.next_play.wrapping_add(1);
        self.session.playing = Some(Playing { play, barge_in });
        if let Some(hush) = &mut self.session.hush {
            hush.plays(self.now, play);
        }
        self.fact(What::Played { prompts: prompts.clone() });
        self.out.push(FlowAction::Play { play, prompts, barge_in, repeat });
        true
    }

    /// Whether the caller does without these: they have keyed ahead, as who has heard them before does. Nobody has heard
    /// before what a service has just said.
    pub fn does_without(&self, prompts: &[Prompt]) -> bool {
        self.has_kept() && !prompts.iter().flat_map(said).any(|name| self.session.unheard.contains(name))
    }

    /// The prompts that these are now.
    pub fn said(&self, prompts: &[Prompt]) -> Vec<Name> {
        prompts.iter().flat_map(|prompt| self.names(prompt)).collect()
    }

    /// Stops what plays, if anything does.
    pub fn stop_play(&mut self) {
        if self.session.playing.take().is_some() {
            self.out.push(FlowAction::StopPlay);
        }
    }

    /// The calendar's time now.
    pub fn wall(&self) -> WallTime {
        self.session.wall + self.now.since(self.session.began)
    }

    pub fn wait(&mut self, duration: Duration) {
        self.session.waits = duration;
        self.session.timer = Some(self.now + duration);
    }

    /// Puts a question: its prompts, and then the time that the caller has, which begins at once when there is nothing to
    /// hear.
    pub fn ask(&mut self, prompts: &[&[Prompt]], barge_in: bool, wait: Duration) -> Next {
        if !self.play(prompts, barge_in, false) {
            self.wait(wait);
        }
        Next::Stay
    }

    /// Tells of a key that is no part of a secret.
    pub fn heard(&mut self, digit: char, told: bool) {
        if !told && !self.is_hushed() {
            self.fact(What::Digit { digit });
        }
    }

    /// Tells that a key is no answer here, and which one it was unless it may be a secret's. It ends all that was keyed with
    /// it.
    pub fn no_match(&mut self, digit: char) {
        let digit = if self.is_hushed() { UNTOLD } else { digit };
        self.fact(What::NoMatch { node: Name::clone(self.node), digit });
        self.forget_kept();
        self.session.keypad.ends_burst();
    }

    /// What was keyed is complete: a `#` right after it belongs to it.
    pub fn ends_by_habit(&mut self) {
        self.session.keypad.chose(self.now);
        if self.next_kept() == Some('#') {
            self.take_kept();
        }
    }

    /// A key is a choice: a `#` right after it belongs to it.
    pub fn is_answer(&mut self) {
        self.ends_by_habit();
        // One key is a choice. More may be the secret once more, which nobody is told in choices.
        if self.is_hushed() {
            self.session.keypad.ends_burst();
        }
    }

    /// Whether what is keyed now may still be a secret that was asked for before.
    pub fn is_hushed(&self) -> bool {
        self.session.is_hushed(self.now)
    }

    /// Keeps a key for a later node.
    pub fn keep(&mut self, digit: char) {
        if self.session.kept() >= MAX_KEPT {
            return;
        }
        if self.secret_ahead || self.is_hushed() {
            self.session.kept_untold.push(digit);
        } else {
            self.fact(What::Digit { digit });
            self.session.kept.push(digit);
        }
    }

    /// Keeps a key for a later node where it may be a secret that was asked for before. One key is a choice; more are the
    /// secret once more, and forgotten.
    pub fn keep_alone(&mut self, digit: char) {
        if !self.has_kept() {
            return self.keep(digit);
        }
        self.forget_kept();
        self.session.keypad.ends_burst();
    }

    /// Whether keys are kept.
    pub fn has_kept(&self) -> bool {
        !self.session.kept_untold.is_empty() || !self.session.kept.is_empty()
    }

    fn next_kept(&self) -> Option<char> {
        self.session.kept_untold.expose().chars().chain(self.session.kept.chars()).next()
    }

    /// The oldest kept key, and whether a fact has told it already.
    pub fn take_kept(&mut self) -> Option<(char, bool)> {
        let mut untold = self.session.kept_untold.expose().chars();
        if let Some(digit) = untold.next() {
            self.session.kept_untold = Secret::new(untold.as_str());
            return Some((digit, false));
        }
        if self.session.kept.is_empty() {
            return None;
        }
        Some((self.session.kept.remove(0), true))
    }

    /// Forgets the keys that nobody asked for.
    pub fn forget_kept(&mut self) {
        self.session.forget_kept();
    }

    /// What a name stands for: a variable, or what every flow knows. None for what has no value.
    pub fn value(&self, name: &str) -> Option<Value> {
        let caller = &self.session.caller;
        Some(match name {
            "caller.number" => Value::Text(caller.number.clone()),
            "caller.known" => Value::Truth(caller.customer.is_some()),
            "caller.name" => Value::Text(caller.customer.as_ref()?.name.clone()),
            "caller.account" => Value::Text(caller.customer.as_ref()?.account.clone()),
            "verified" => Value::Truth(self.session.verified),
            "verified_by" => Value::Text(verified_by(self.session.verified_by()).to_owned()),
            "language" => Value::Text(self.session.language.to_string()),
            "dialled" => Value::Text(caller.dialled.clone()),
            name => self.session.variables.get(name)?.clone(),
        })
    }

    /// What a name stands for, in words; nothing for what has no value.
    pub fn in_words(&self, name: &str) -> String {
        self.value(name).as_ref().map(Value::in_words).unwrap_or_default()
    }

    /// Speaks this language from here on.
    pub fn speak(&mut self, language: &Name) {
        if self.session.language == *language {
            return;
        }
        self.session.language = Name::clone(language);
        self.fact(What::LanguageChosen { language: Name::clone(language) });
        self.out.push(FlowAction::Speak { language: Name::clone(language) });
    }

    pub fn set(&mut self, name: &Name, value: Value) {
        self.fact(What::VariableSet { name: Name::clone(name), value: value.in_words() });
        self.session.variables.insert(Name::clone(name), value);
    }

    fn names(&self, prompt: &Prompt) -> Vec<Name> {
        match prompt {
            Prompt::Recorded(name) => vec![Name::clone(name)],
            Prompt::Said(spoken) => self.spoken(spoken),
            Prompt::Text(text) => {
                vec![text.prompt(&self.session.language, |name| self.in_words(name))]
            }
        }
    }

    fn spoken(&self, spoken: &Spoken) -> Vec<Name> {
        let text = self.in_words(&spoken.variable);
        if let SpokenAs::Name { in_words } = spoken.said_as {
            let of_caller =
                (&*spoken.variable == "caller.name").then_some(self.session.caller.customer.as_ref());
            let recorded = of_caller.flatten().and_then(|customer| customer.name_prompt.clone());
            return recorded
                .or_else(|| in_words.then(|| speech::name_of_person(&text)).flatten())
                .into_iter()
                .collect();
        }
        let language = &self.session.language;
        let SpokenAs::As(kind) = spoken.said_as else { return Vec::new() };
        say::of_kind(language, kind, &text)
    }
}

/// The variables that a prompt says.
fn said(prompt: &Prompt) -> Vec<&Name> {
    match prompt {
        Prompt::Recorded(_) => Vec::new(),
        Prompt::Said(spoken) => vec![&spoken.variable],
        Prompt::Text(text) => text.variables().collect(),
    }
}
