//! What a flow is made of: one file per type of node, with its fields, its check and its step; and what several ask with: a
//! [`question`] that one key answers, digits as an [`entry`], and what is heard before asking [`again`].

pub(crate) mod again;
pub(crate) mod announce;
pub(crate) mod bot;
pub(crate) mod branch;
pub(crate) mod call;
pub(crate) mod callback;
pub(crate) mod collect;
pub(crate) mod consent;
pub(crate) mod echo;
pub(crate) mod enqueue;
pub(crate) mod entry;
pub(crate) mod fetch;
pub(crate) mod give_back;
pub(crate) mod go_to;
pub(crate) mod hang_up;
pub(crate) mod hours;
pub(crate) mod language;
pub(crate) mod menu;
pub(crate) mod pause;
pub(crate) mod play;
pub(crate) mod question;
pub(crate) mod ring;
pub(crate) mod set;
pub(crate) mod speak;
pub(crate) mod survey;
pub(crate) mod transfer;
pub(crate) mod verify;
pub(crate) mod voicemail;

use serde::Deserialize;
use serde::Serialize;

use crate::flow::api::ExitName;
use crate::flow::expression::Expression;
use crate::flow::model::NodeIndex;
use crate::flow::model::Prompt;
use crate::flow::node::question::Put;
use crate::flow::read::Reader;
use crate::flow::read::fields::Fields;
use crate::flow::read::yaml::Place;
use crate::flow::step::Input;
use crate::flow::step::Next;
use crate::flow::step::Step;

/// The types of node, by the key that says which one it is, and what each is for.
pub const KINDS: [(&str, &str); 25] = [
    ("play", "plays prompts"),
    ("menu", "asks for one key"),
    ("collect", "asks for digits, an amount or a date"),
    ("verify", "has callers prove who they are"),
    ("language", "asks which language to speak"),
    ("consent", "asks whether the talk may be recorded"),
    ("speak", "speaks a language from here on"),
    ("branch", "goes one way or another by conditions"),
    ("hours", "goes one way while it is open, another while it is not"),
    ("set", "gives variables a value"),
    ("fetch", "asks a service over HTTP"),
    ("bot", "hands the caller to a voice bot"),
    ("announce", "plays what is switched on for now"),
    ("call", "lets another flow do a part"),
    ("return", "ends a called flow with a result"),
    ("go_to", "goes on in another flow"),
    ("enqueue", "sends the caller to a queue"),
    ("callback", "keeps the caller's place, to call them back"),
    ("transfer", "calls a number or an agent for the caller"),
    ("voicemail", "records a message to a queue"),
    ("survey", "asks what the caller thinks of it"),
    ("pause", "is silent for a while"),
    ("echo", "sends the caller's own audio back"),
    ("ring", "lets the line ring, unanswered"),
    ("hang_up", "ends the call"),
];

/// Where a caller goes on who has met what the node is for.
pub(crate) const THEN: ExitName = ExitName::Named("then");
/// Where a caller goes on who has not.
pub(crate) const OTHERWISE: ExitName = ExitName::Named("otherwise");

/// A node of a flow.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Node {
    Play(play::Play),
    Menu(menu::Menu),
    Collect(collect::Collect),
    Verify(verify::Verify),
    Language(language::Language),
    Consent(consent::Consent),
    Speak(speak::Speak),
    Branch(branch::Branch),
    Hours(hours::Hours),
    Set(set::Set),
    Fetch(fetch::Fetch),
    Bot(bot::Bot),
    Announce(announce::Announce),
    Call(call::Call),
    GiveBack(give_back::GiveBack),
    GoTo(go_to::GoTo),
    Enqueue(enqueue::Enqueue),
    Callback(Box<callback::Callback>),
    Transfer(transfer::Transfer),
    Voicemail(voicemail::Voicemail),
    Survey(survey::Survey),
    Pause(pause::Pause),
    Echo(echo::Echo),
    Ring(ring::Ring),
    HangUp(hang_up::HangUp),
}

/// How far a caller has come within a node.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum State {
    /// Between nodes, or in one that remembers nothing.
    Plain,
    Play(play::State),
    Menu(Put),
    Language(Put),
    Consent(Put),
    Collect(collect::State),
    Verify(verify::State),
    Fetch(fetch::State),
    Bot(bot::State),
    Callback(callback::State),
    Transfer(transfer::State),
    Voicemail(voicemail::State),
    Survey(Put),
}

/// Which way out of a node.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Exit {
    pub name: ExitName,
    pub to: NodeIndex,
    /// Only a key of the caller leads here, so that a loop through it is the caller's own.
    pub by_caller: bool,
    /// The node's variable has its value on this way.
    pub sets: bool,
}

impl Exit {
    fn plain(name: ExitName, to: NodeIndex) -> Exit {
        Exit { name, to, by_caller: false, sets: false }
    }

    fn by_caller(name: ExitName, to: NodeIndex) -> Exit {
        Exit { name, to, by_caller: true, sets: false }
    }

    fn setting(self) -> Exit {
        Exit { sets: true, ..self }
    }
}

impl Node {
    /// Reads the node that `fields` describe; none when it is not even clear of what type it is.
    pub fn read(fields: &mut Fields<'_>, reader: &mut Reader<'_>) -> Option<Node> {
        let kinds: Vec<&str> = KINDS.iter().map(|(kind, _)| *kind).collect();
        let entries = fields.entries();
        let kind = match entries.iter().find(|(key, _)| kinds.contains(&key.text.as_str())) {
            Some((key, _)) => key.text.as_str(),
            None => {
                unknown_kind(fields.place, entries.first().map(|(key, _)| key.text.as_str()), &kinds, reader);
                return None;
            }
        };
        Some(match kind {
            "play" => Node::Play(play::Play::read(fields, reader)),
            "menu" => Node::Menu(menu::Menu::read(fields, reader)),
            "collect" => Node::Collect(collect::Collect::read(fields, reader)),
            "verify" => Node::Verify(verify::Verify::read(fields, reader)),
            "language" => Node::Language(language::Language::read(fields, reader)),
            "consent" => Node::Consent(consent::Consent::read(fields, reader)),
            "speak" => Node::Speak(speak::Speak::read(fields, reader)),
            "branch" => Node::Branch(branch::Branch::read(fields, reader)),
            "hours" => Node::Hours(hours::Hours::read(fields, reader)),
            "set" => Node::Set(set::Set::read(fields, reader)),
            "fetch" => Node::Fetch(fetch::Fetch::read(fields, reader)),
            "bot" => Node::Bot(bot::Bot::read(fields, reader)),
            "announce" => Node::Announce(announce::Announce::read(fields, reader)),
            "call" => Node::Call(call::Call::read(fields, reader)),
            "return" => Node::GiveBack(give_back::GiveBack::read(fields, reader)),
            "go_to" => Node::GoTo(go_to::GoTo::read(fields, reader)),
            "enqueue" => Node::Enqueue(enqueue::Enqueue::read(fields, reader)),
            "callback" => Node::Callback(Box::new(callback::Callback::read(fields, reader))),
            "transfer" => Node::Transfer(transfer::Transfer::read(fields, reader)),
            "voicemail" => Node::Voicemail(voicemail::Voicemail::read(fields, reader)),
            "survey" => Node::Survey(survey::Survey::read(fields, reader)),
            "pause" => Node::Pause(pause::Pause::read(fields, reader)),
            "echo" => Node::Echo(echo::Echo::read(fields, reader)),
            "ring" => Node::Ring(ring::Ring::read(fields, reader)),
            _ => Node::HangUp(hang_up::HangUp::read(fields, reader)),
        })
    }

    /// The caller comes to this node.
    pub fn enter(&self, step: &mut Step<'_>) -> (State, Next) {
        match self {
            Node::Play(node) => node.enter(step),
            Node::Menu(node) => node.enter(step),
            Node::Collect(node) => node.enter(step),
            Node::Verify(node) => node.enter(step),
            Node::Language(node) => node.enter(step),
            Node::Consent(node) => node.enter(step),
            Node::Speak(node) => (State::Plain, node.enter(step)),
            Node::Branch(node) => (State::Plain, node.enter(step)),
            Node::Hours(node) => (State::Plain, node.enter(step)),
            Node::Set(node) => (State::Plain, node.enter(step)),
            Node::Fetch(node) => node.enter(step),
            Node::Bot(node) => node.enter(step),
            Node::Announce(node) => (State::Plain, node.enter(step)),
            Node::Call(node) => (State::Plain, node.enter(step)),
            Node::GiveBack(node) => (State::Plain, node.enter()),
            Node::GoTo(node) => (State::Plain, node.enter()),
            Node::Enqueue(node) => (State::Plain, node.enter(step)),
            Node::Callback(node) => node.enter(step),
            Node::Transfer(node) => node.enter(step),
            Node::Voicemail(node) => node.enter(step),
            Node::Survey(node) => node.enter(step),
            Node::Pause(node) => (State::Plain, node.enter(step)),
            Node::Echo(node) => (State::Plain, node.enter(step)),
            Node::Ring(node) => (State::Plain, node.enter(step)),
            Node::HangUp(node) => (State::Plain, node.enter(step)),
        }
    }

    /// Something happens while the caller is here.
    pub fn handle(&self, state: &mut State, step: &mut Step<'_>, input: Input) -> Next {
        match (self, state) {
            (Node::Play(node), State::Play(state)) => node.handle(state, step, input),
            (Node::Menu(node), State::Menu(state)) => node.handle(state, step, input),
            (Node::Language(node), State::Language(state)) => node.handle(state, step, input),
            (Node::Consent(node), State::Consent(state)) => node.handle(state, step, input),
            (Node::Collect(node), State::Collect(state)) => node.handle(state, step, input),
            (Node::Verify(node), State::Verify(state)) => node.handle(state, step, input),
            (Node::Bot(node), State::Bot(state)) => node.handle(state, step, input),
            (Node::Fetch(node), State::Fetch(state)) => node.handle(state, step, input),
            (Node::Callback(node), State::Callback(state)) => node.handle(state, step, input),
            (Node::Transfer(node), State::Transfer(state)) => node.handle(state, step, input),
            (Node::Voicemail(node), State::Voicemail(state)) => node.handle(state, step, input),
            (Node::Survey(node), State::Survey(state)) => node.handle(state, step, input),
            (Node::Pause(node), _) => node.handle(input),
            (Node::Announce(node), _) => node.handle(input),
            (Node::Ring(node), _) => node.handle(step, input),
            (Node::Echo(node), _) => node.handle(step, input),
            (Node::HangUp(node), _) => node.handle(step, input),
            _ => Next::Stay,
        }
    }

    /// The key that says what it does.
    pub fn kind(&self) -> &'static str {
        match self {
            Node::Play(_) => "play",
            Node::Menu(_) => "menu",
            Node::Collect(_) => "collect",
            Node::Verify(_) => "verify",
            Node::Language(_) => "language",
            Node::Consent(_) => "consent",
            Node::Speak(_) => "speak",
            Node::Branch(_) => "branch",
            Node::Hours(_) => "hours",
            Node::Set(_) => "set",
            Node::Fetch(_) => "fetch",
            Node::Bot(_) => "bot",
            Node::Announce(_) => "announce",
            Node::Call(_) => "call",
            Node::GiveBack(_) => "return",
            Node::GoTo(_) => "go_to",
            Node::Enqueue(_) => "enqueue",
            Node::Callback(_) => "callback",
            Node::Transfer(_) => "transfer",
            Node::Voicemail(_) => "voicemail",
            Node::Survey(_) => "survey",
            Node::Pause(_) => "pause",
            Node::Echo(_) => "echo",
            Node::Ring(_) => "ring",
            Node::HangUp(_) => "hang_up",
        }
    }

    /// Whether a key would be taken now rather than kept for a later node.
    pub fn listens(&self, state: &State) -> bool {
        match (self, state) {
            (
                Node::Menu(_)
                | Node::Language(_)
                | Node::Consent(_)
                | Node::Collect(_)
                | Node::Callback(_)
                | Node::Survey(_),
                _,
            ) => true,
            (Node::Bot(_), State::Bot(_)) => true,
            (Node::Voicemail(node), State::Voicemail(state)) => node.listens(state),
            (Node::Verify(_), State::Verify(state)) => state.listens(),
            _ => false,
        }
    }

    /// Whether it is the caller's keys that are waited for.
    pub fn waits_for_keys(&self, state: &State) -> bool {
        self.listens(state) && !matches!(self, Node::Bot(_) | Node::Voicemail(_))
    }

    /// Whether the digits keyed here are a secret or may be.
    pub fn asks_secret(&self) -> bool {
        match self {
            Node::Verify(_) => true,
            Node::Collect(node) => node.secret,
            _ => false,
        }
    }

    /// Whether the caller was asked for a secret here.
    pub fn asked_secret(&self, state: &State) -> bool {
        match (self, state) {
            (Node::Verify(_), State::Verify(state)) => state.has_asked(),
            (node, _) => node.asks_secret(),
        }
    }

    /// Whether anything here depends on who calls.
    pub fn looks_at_caller(&self) -> bool {
        let of_caller = |name: &str| name.starts_with("caller.");
        let said = |prompt: &&Prompt| match prompt {
            Prompt::Said(spoken) => of_caller(&spoken.variable),
            Prompt::Text(text) => text.variables().any(|name| of_caller(name)),
            Prompt::Recorded(_) => false,
        };
        // What another flow looks at is not known here.
        matches!(
            self,
            Node::Verify(_)
                | Node::Enqueue(_)
                | Node::Callback(_)
                | Node::Transfer(_)
                | Node::Voicemail(_)
                | Node::Call(_)
                | Node::GoTo(_)
        ) || self.expressions().iter().any(|(used, _)| used.uses.iter().any(|name| of_caller(name)))
            || matches!(self, Node::Fetch(node) if node.uses().iter().any(|name| of_caller(name)))
            || matches!(self, Node::Bot(node) if node.uses().any(|name| of_caller(name)))
            || self.heard().iter().any(said)
    }

    /// Every way out.
    pub fn exits(&self) -> Vec<Exit> {
        match self {
            Node::Play(node) => vec![Exit::plain(THEN, node.then)],
            Node::Menu(node) => node.exits(),
            Node::Collect(node) => node.exits(),
            Node::Verify(node) => node.exits(),
            Node::Language(node) => node.exits(),
            Node::Consent(node) => node.exits(),
            Node::Speak(node) => vec![Exit::plain(THEN, node.then)],
            Node::Branch(node) => node.exits(),
            Node::Set(node) => vec![Exit::plain(THEN, node.then).setting()],
            Node::Pause(node) => vec![Exit::plain(THEN, node.then)],
            Node::Fetch(node) => node.exits(),
            Node::Bot(node) => node.exits(),
            Node::Hours(node) => node.exits(),
            Node::Announce(node) => vec![Exit::plain(THEN, node.then)],
            Node::Call(node) => node.exits(),
            Node::Callback(node) => node.exits(),
            Node::Transfer(node) => node.exits(),
            Node::Voicemail(node) => node.exits(),
            Node::Survey(node) => node.exits(),
            Node::Enqueue(_)
            | Node::Echo(_)
            | Node::Ring(_)
            | Node::HangUp(_)
            | Node::GiveBack(_)
            | Node::GoTo(_) => Vec::new(),
        }
    }

    /// What may be heard here.
    pub fn heard(&self) -> Vec<&Prompt> {
        match self {
            Node::Play(node) => node.prompts.iter().collect(),
            Node::Menu(node) => node.question.heard(),
            Node::Collect(node) => {
                let asked = node.prompts.iter().chain(node.no_input.heard()).chain(node.no_match.heard());
                asked.chain(&node.read_back).collect()
            }
            Node::Language(node) => node.question.heard(),
            Node::Consent(node) => node.question.heard(),
            Node::HangUp(node) => node.prompts.iter().collect(),
            Node::Verify(node) => node.heard(),
            Node::Callback(node) => node.heard(),
            Node::Voicemail(node) => node.greeting.iter().collect(),
            Node::Survey(node) => node.question.heard(),
            Node::Fetch(node) => node.meanwhile.iter().collect(),
            Node::Announce(node) => {
                node.announcement.iter().flat_map(|announcement| announcement.all()).collect()
            }
            _ => Vec::new(),
        }
    }

    /// The expressions computed here, and where they stand.
    pub fn expressions(&self) -> Vec<(&Expression, Place)> {
        match self {
            Node::Branch(node) => node.ways.iter().map(|way| (&way.condition, way.place)).collect(),
            Node::Set(node) => node.expressions(),
            Node::Enqueue(node) => node.expressions(),
            _ => Vec::new(),
        }
    }
}

fn unknown_kind(place: Place, first: Option<&str>, kinds: &[&str], reader: &mut Reader<'_>) {
    let near = first.and_then(|first| crate::flow::diagnostic::nearest(first, kinds.iter().copied()));
    let hint = match near {
        Some(near) => format!("did you mean \"{near}\"?"),
        None => format!("a node is one of {}", kinds.join(", ")),
    };
    reader.error_hint(place, "this node does not say what it does", hint);
}
