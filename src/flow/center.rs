//! A center: everything that the files in `ivr_flows/` say, checked and ready to serve.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use jiff::tz::TimeZone;

use crate::base::AgentId;
use crate::base::Name;
use crate::base::QueueId;
use crate::fact::evaluation::Form;
use crate::fact::goal::Goal;
use crate::fact::note::NoteField;
use crate::flow::announcement::Announcement;
use crate::flow::diagnostic::Diagnostic;
use crate::flow::escalation::Level;
use crate::flow::hours::Hours;
use crate::flow::model::Flow;
use crate::flow::node::Node;
use crate::flow::node::fetch::Fetch;
use crate::flow::node::verify::Method;
use crate::flow::node::verify::Verify;
use crate::flow::prompts::Prompts;
use crate::flow::read::yaml::Place;
use crate::flow::service::Service;
use crate::flow::speech::Speech;
use crate::flow::validity::Lapse;
use crate::flow::validity::Validity;
use crate::flow::webhook::Webhook;
use crate::flow::whisper::Whisper;
use crate::media::codec::Codec;
use crate::queue::api::AgentConfig;
use crate::queue::api::AgentWish;
use crate::queue::api::Config;
use crate::queue::api::QueueConfig;
use crate::queue::hold::HoldPolicy;
use crate::sip::uri::Transport;
use crate::sip::uri::Uri;

/// To a caller: may an agent hold them?
pub const HOLD_QUESTION: &str = "hold/question";
/// To a caller, after that: the keys to answer with.
pub const HOLD_KEYS: &str = "hold/keys";
/// The same where they may be called back instead.
pub const HOLD_KEYS_CALLBACK: &str = "hold/keys-callback";
/// To a caller who is held.
pub const HOLD_CHECK_IN: &str = "hold/check-in";

/// A checked center.
#[derive(Clone, Debug)]
pub struct Center {
    /// The company's name, for people.
    pub company: String,
    /// The language that callers are greeted in, and agents are spoken to: `en`.
    pub language: Name,
    /// The languages that a caller may be spoken to in, that one among them.
    pub languages: Vec<Name>,
    /// Skills, queues and agents.
    pub engine: Config,
    /// How each agent is reached, in the order of `engine.agents`.
    pub contacts: Vec<AgentContact>,
    /// When each agent works, in the order of `engine.agents`; none: at any time.
    pub agent_hours: Vec<Option<Arc<Hours>>>,
    /// The skills that agents have for a while: `engine` has them as if for ever, [`Center::engine_at`] as they are.
    pub validities: Vec<Validity>,
    /// The skills that nobody will have some day.
    pub lapses: Vec<Lapse>,
    /// The environment variables that the file names, each with what is to be said where it is not set.
    pub environment: Vec<(String, Diagnostic)>,
    /// The flow behind each number that can be dialled.
    pub numbers: BTreeMap<String, Name>,
    /// What an agent's own phone can dial: `*51` ready, `*52` not ready, `*53` signed out.
    pub feature_codes: BTreeMap<String, AgentWish>,
    pub trunks: Vec<Trunk>,
    /// Whose word on their number is believed, of callers who come by no trunk.
    pub believe_numbers: BelieveNumbers,
    /// By name.
    pub flows: BTreeMap<Name, Arc<Flow>>,
    /// Which recordings there are.
    pub prompts: Arc<Prompts>,
    /// By name.
    pub announcements: BTreeMap<Name, Arc<Announcement>>,
    /// How texts are spoken, where they are.
    pub speech: Option<Arc<Speech>>,
    /// The zone that times of the day are told in.
    pub time_zone: TimeZone,
    /// The same; none where the file leaves it out, and the machine's is as good.
    pub named_zone: Option<TimeZone>,
    /// What a waiting caller hears, per queue, in the order of `engine.queues`.
    pub wait_prompts: Vec<WaitPrompts>,
    /// How agents may hold and hand over, per queue, in the order of `engine.queues`.
    pub talk: Vec<TalkPolicy>,
    /// From when on a supervisor is called, per queue, in the order of `engine.queues`.
    pub alarms: Vec<AlarmPolicy>,
    /// What figures of the reports are to come to, in the order of the file.
    pub goals: Vec<Goal>,
    /// How long recordings are kept. Default 90 days.
    pub keep_recordings: Duration,
    /// How long the history is kept; none: for ever. Default 24 months.
    pub keep_history: Option<Duration>,
    /// Whether audio with phones is secured, where a trunk does not say otherwise.
    pub srtp: SrtpPolicy,
    /// How phones are sent key presses, where a trunk does not say otherwise.
    pub dtmf: Dtmf,
    /// What phones and trunks may speak, in the order in which we offer it.
    pub codecs: Vec<Codec>,
    /// Whose phones take calls by themselves, and after how long.
    pub auto_answer: BTreeMap<AgentId, Duration>,
    /// What the phones of these agents show of a queue's calls, whatever the queue says.
    pub phones_show: BTreeMap<AgentId, PhonesShow>,
    /// Who learns from which colleagues, by name: they may listen to their talks without being let in. Who learns from nobody
    /// is not in it.
    pub learns_from: BTreeMap<Name, Vec<Name>>,
    /// What an agent's own phone dials to reach a colleague.
    pub extensions: BTreeMap<String, AgentId>,
    pub outbound: Outbound,
    /// Whom agents ask who cannot settle it, the first level first.
    pub escalation: Vec<Level>,
    /// The forms by which talks are judged.
    pub evaluations: Vec<Form>,
    /// Programs elsewhere that are told of events.
    pub webhooks: Vec<Webhook>,
}

/// From where callers are believed who come by no trunk and name a number: in From, anybody writes what they like. Who is not
/// believed has none, as if they withheld it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum BelieveNumbers {
    /// From nowhere: only by a trunk.
    ByTrunk,
    /// The default: the demo needs no trunk, and nobody outside can do it.
    #[default]
    FromThisMachine,
    /// RFC 1918, RFC 4193, and addresses of a link.
    FromPrivateNetworks,
    FromAnywhere,
}

impl BelieveNumbers {
    /// Whether a caller is believed whose messages come from `remote`, to our address `local`.
    pub fn holds(self, remote: IpAddr, local: IpAddr) -> bool {
        let (remote, local) = (remote.to_canonical(), local.to_canonical());
        let is_here = remote.is_loopback() || remote == local;
        match self {
            BelieveNumbers::ByTrunk => false,
            BelieveNumbers::FromThisMachine => is_here,
            BelieveNumbers::FromPrivateNetworks => is_here || is_private(remote),
            BelieveNumbers::FromAnywhere => true,
        }
    }
}

fn is_private(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => address.is_private() || address.is_link_local(),
        IpAddr::V6(address) => address.is_unique_local() || address.is_unicast_link_local(),
    }
}

/// How agents call people outside.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Outbound {
    /// The trunk; none: the first that takes calls.
    pub trunk: Option<Name>,
    /// Our number, as those who are called see it; a queue's own goes first. None: withheld.
    pub caller_id: Option<String>,
    /// Whose rules hold when nobody names a queue; none: the first that the agent serves.
    pub queue: Option<QueueId>,
    /// Whether agents' phones may dial numbers outside by themselves. Default no.
    pub phones: bool,
}

/// Whether audio is secured by SRTP, with keys in the description (RFC 4568) or in a handshake (RFC 5763).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SrtpPolicy {
    /// Who asks for it is refused.
    No,
    /// Where the other side has it.
    #[default]
    Optional,
    /// Who does not have it is refused.
    Required,
    /// The same, and keys never stand in a description.
    Dtls,
}

/// Who calls again within this time goes to whoever talked with them last, or owes them something, first for so long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OwnerFirst {
    pub within: Duration,
    pub wait: Duration,
}

/// How the agents of a queue may hold its callers, and hand them over.
#[derive(Clone, Debug, PartialEq)]
pub struct TalkPolicy {
    /// What callers say whom colleagues hand on to this queue. Default nothing.
    pub when: Vec<String>,
    pub hold: HoldPolicy,
    /// What a briefing note to this queue must say. Default the issue and what the caller wants.
    pub note_needs: Vec<NoteField>,
    /// Whether an agent is in wrap-up until they have said what came of the talk, or its time is over. Default no.
    pub outcome_required: bool,
    /// Whether calls leave and enter this queue by transfer without a note. Default yes.
    pub blind_transfer: bool,
    /// Our number, as whom agents call by this queue's rules sees it. Default the center's.
    pub caller_id: Option<String>,
    /// Whether who calls again goes to their own agent first. Default no.
    pub owner_first: Option<OwnerFirst>,
    /// What agents' phones show of its calls. Default the wait.
    pub phones_show: Option<PhonesShow>,
    /// Whether its talks are recorded. Default no.
    pub record: RecordPolicy,
    /// What agents hear of a caller before they have them. Default nothing.
    pub whisper: Whisper,
    /// What callers are asked after a talk. Default nothing.
    pub survey: Option<SurveyPolicy>,
}

/// What an agent's phones show of a call that a queue rings them for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum PhonesShow {
    /// Who calls, and nothing else.
    Caller,
    /// The queue, before who calls.
    Queue,
    /// The queue, and how long the caller has waited.
    #[default]
    Wait,
}

/// The flow that goes on with a caller when the agent has ended their talk.
#[derive(Clone, Debug, PartialEq)]
pub struct SurveyPolicy {
    pub flow: Name,
    /// After a talk of at least so long. Default 20 s.
    pub after: Duration,
    /// Nobody whose number was asked within this time. Default 4 h.
    pub again: Duration,
}

/// From when on a supervisor is called to a queue. What is not said is as the board has it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct AlarmPolicy {
    /// So many wait. Default four fifths of as many as may.
    pub waiting: Option<u32>,
    /// Somebody waits longer than this. Default none.
    pub longest_wait: Option<Duration>,
    /// Fewer are answered in time, in per cent. Default 15 points below the goal.
    pub service_level: Option<u8>,
    /// More give up, in per cent. Default none.
    pub abandonment: Option<u8>,
}

impl AlarmPolicy {
    /// This, and what it does not say as `others` has it.
    pub fn or(&self, others: &AlarmPolicy) -> AlarmPolicy {
        AlarmPolicy {
            waiting: self.waiting.or(others.waiting),
            longest_wait: self.longest_wait.or(others.longest_wait),
            service_level: self.service_level.or(others.service_level),
            abandonment: self.abandonment.or(others.abandonment),
        }
    }
}

/// What a caller hears before a talk that is recorded: "This call is recorded."
pub const RECORDING_TOLD: &str = "recording/told";
/// And where they are asked: "May we record this call? Press 1 for yes, or 2 for no."
pub const RECORDING_QUESTION: &str = "recording/question";

/// Whether talks are recorded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum RecordPolicy {
    #[default]
    No,
    /// The caller is told.
    Yes,
    /// The caller is asked, and silence is no.
    WithConsent,
}

impl Default for TalkPolicy {
    fn default() -> TalkPolicy {
        let note_needs = vec![NoteField::Issue, NoteField::Wants];
        let record = RecordPolicy::No;
        TalkPolicy {
            when: Vec::new(),
            hold: HoldPolicy::default(),
            note_needs,
            outcome_required: false,
            blind_transfer: true,
            caller_id: None,
            owner_first: None,
            phones_show: None,
            record,
            whisper: Whisper::default(),
            survey: None,
        }
    }
}

impl Center {
    /// The services that flows ask, each once.
    pub fn services<'a>(&'a self) -> BTreeMap<&'a Name, &'a Service> {
        let asked = |node: &'a Node| match node {
            Node::Fetch(Fetch { service: Some(service), .. }) => Some(service),
            Node::Verify(Verify { method: Method::Code { service: Some(service), .. }, .. }) => Some(service),
            _ => None,
        };
        let nodes = self.flows.values().flat_map(|flow| &flow.nodes).map(|at| &at.node);
        nodes.filter_map(asked).map(|service| (&service.name, &**service)).collect()
    }

    /// How agents of the queue of this name hold and hand over; none where there is no such queue.
    pub fn talk_of(&self, queue: &str) -> Option<&TalkPolicy> {
        let place = self.engine.queues.iter().position(|config| *config.name == *queue)?;
        self.talk.get(place)
    }

    /// Whether the center's file says that this agent learns from that one.
    pub fn learns_from(&self, who: &str, agent: &str) -> bool {
        self.learns_from.get(who).is_some_and(|agents| agents.iter().any(|one| **one == *agent))
    }

    /// Whether callers choose by a key at this node of this flow.
    pub fn has_choice(&self, flow: &str, node: &str) -> bool {
        self.flows.get(flow).is_some_and(|flow| flow.has_choice(node))
    }

    /// Whether the agent of this name has a phone at a fixed place, which need not sign in.
    pub fn is_always_reached(&self, agent: &str) -> bool {
        let place = self.engine.agents.iter().position(|config| *config.name == *agent);
        place.is_some_and(|place| matches!(self.contacts[place], AgentContact::Fixed(_)))
    }

    /// Whether an agent has to say what came of a talk of the queue of this name before they leave wrap-up.
    pub fn requires_outcome(&self, queue: &str) -> bool {
        self.talk_of(queue).is_some_and(|talk| talk.outcome_required)
    }

    /// What `new` changes that can only change with a restart, in words: the engine knows skills and queues by their places. All else
    /// may change under running calls.
    pub fn needs_restart(&self, new: &Center) -> Vec<String> {
        let mut words = Vec::new();
        if self.engine.skills != new.engine.skills {
            words.push("the skills have changed".to_owned());
        }
        let queue = |queue: &QueueConfig| (Name::clone(&queue.name), queue.clone());
        named("queue", self.engine.queues.iter().map(queue), new.engine.queues.iter().map(queue), &mut words);
        words
    }

    /// How the trunks of `new` differ from these, in words.
    pub fn other_trunks(&self, new: &Center) -> Vec<String> {
        let mut words = Vec::new();
        let trunk = |trunk: &Trunk| (Name::clone(&trunk.name), trunk.clone());
        named("trunk", self.trunks.iter().map(trunk), new.trunks.iter().map(trunk), &mut words);
        words
    }

    /// How the agents of `new` differ from these, in words.
    pub fn other_agents(&self, new: &Center) -> Vec<String> {
        let mut words = Vec::new();
        let agents = |center: &Center| {
            let all = (0..).map(AgentId).zip(&center.engine.agents).zip(&center.contacts);
            let one = |((id, agent), contact): ((AgentId, &AgentConfig), &AgentContact)| {
                let of = center.validities.iter().filter(|validity| validity.agent == id);
                let dates: Vec<_> = of.map(|of| (of.skill, of.from, of.until)).collect();
                let answers = center.auto_answer.get(&id).copied();
                (Name::clone(&agent.name), (agent.clone(), contact.clone(), dates, answers))
            };
            all.filter(|((_, agent), _)| !agent.gone).map(one).collect::<Vec<_>>()
        };
        named("agent", agents(self).into_iter(), agents(new).into_iter(), &mut words);
        words
    }
}

/// How two lists differ, which are known by name and place.
fn named<T: PartialEq>(
    what: &str,
    old: impl Iterator<Item = (Name, T)>,
    new: impl Iterator<Item = (Name, T)>,
    words: &mut Vec<String>,
) {
    let old: Vec<(Name, T)> = old.collect();
    let new: Vec<(Name, T)> = new.collect();
    let before = words.len();
    for (name, was) in &old {
        match new.iter().find(|(known, _)| known == name) {
            None => words.push(format!("the {what} \"{name}\" is gone")),
            Some((_, is)) if is != was => words.push(format!("the {what} \"{name}\" has changed")),
            Some(_) => {}
        }
    }
    let fresh = new.iter().filter(|(name, _)| !old.iter().any(|(known, _)| known == name));
    words.extend(fresh.map(|(name, _)| format!("the {what} \"{name}\" is new")));
    let order =
        |list: &[(Name, T)]| -> Vec<Name> { list.iter().map(|(name, _)| Name::clone(name)).collect() };
    if words.len() == before && order(&old) != order(&new) {
        words.push(format!("the {what}s stand in another order"));
    }
}

/// How an agent's phone is reached.
#[derive(Clone, Debug, PartialEq)]
pub enum AgentContact {
    /// Wherever it registered. Registering makes the agent ready when `ready_when_registered`.
    Registered { ready_when_registered: bool },
    /// Always there, without registering.
    Fixed(Uri),
}

/// A peer that brings and takes calls from and to the world.
#[derive(Clone, Debug, PartialEq)]
pub struct Trunk {
    pub name: Name,
    /// What comes from there, by whatever port, is this trunk's.
    pub sources: Vec<Site>,
    /// Where calls out go; none for a trunk that only brings calls.
    pub outbound: Option<Site>,
    /// How SIP travels there.
    pub transport: Transport,
    /// The name in its certificate, over TLS; none: its address.
    pub certificate_name: Option<String>,
    /// Whether its P-Asserted-Identity is believed (RFC 3325).
    pub trusted: bool,
    /// What its challenges are answered with.
    pub account: Option<TrunkAccount>,
    /// Register there.
    pub register: Option<TrunkRegistration>,
    /// Whether its audio is secured; none for as the center has it.
    pub srtp: Option<SrtpPolicy>,
    /// None: as the center has it.
    pub codecs: Option<Vec<Codec>>,
    /// How it is sent key presses; none for as the center has it.
    pub dtmf: Option<Dtmf>,
}

/// Where a trunk is.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Site {
    /// Without a port it is the transport's own.
    Address(IpAddr, Option<u16>),
    /// This name is looked up; without a port that says which as well (RFC 3263).
    Name(String, Option<u16>),
}

impl Site {
    /// What a URI names.
    pub fn of(uri: &Uri) -> Site {
        match uri.host.trim_matches(['[', ']']).parse() {
            Ok(address) => Site::Address(address, uri.port),
            Err(_) => Site::Name(uri.host.clone(), uri.port),
        }
    }

    /// Its name, where it has one.
    pub fn name(&self) -> Option<&str> {
        match self {
            Site::Address(..) => None,
            Site::Name(name, _) => Some(name),
        }
    }
}

/// How the other side is sent key presses.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Dtmf {
    /// In its audio: as telephone-event (RFC 4733) where it has that, and else as tones.
    #[default]
    Audio,
    /// By SIP INFO, `application/dtmf-relay`.
    Info,
}

/// Who we are to a trunk that asks.
#[derive(Clone, Debug, PartialEq)]
pub struct TrunkAccount {
    pub username: String,
    /// The environment variable that holds the password: no secret stands in a flow file.
    pub password_env: String,
}

/// How we register at a trunk, by its account.
#[derive(Clone, Debug, PartialEq)]
pub struct TrunkRegistration {
    /// `sip:provider.example`
    pub registrar: Uri,
    pub expires_s: u32,
}

/// The prompts of a wait, by name. The wording is the admin's; the order of events is the engine's.
#[derive(Clone, Debug, PartialEq)]
pub struct WaitPrompts {
    /// Before the quote: `wait/all-busy`.
    pub all_busy: Name,
    /// Said around a quote in minutes: `wait/less-than` … `wait/minutes`.
    pub less_than: Name,
    pub minute: Name,
    pub minutes: Name,
    /// Hold, or be called back: `wait/question`.
    pub question: Name,
    /// Hold; to a caller who cannot be called back: `wait/question-hold`.
    pub question_hold: Name,
    /// After a yes: `wait/thank-you-please-hold`.
    pub granted: Name,
    /// After a no: `wait/goodbye`.
    pub declined: Name,
    /// After choosing a callback: `wait/callback-promised`.
    pub callback: Name,
    /// `wait/still-with-you`.
    pub check_in: Name,
    /// The music.
    pub music: Name,
    /// When the longest wait is reached, or nobody is there: `wait/sorry`.
    pub unserved: Name,
    /// To the agent, when a callback is being dialled: `wait/calling-back`.
    pub agent_calling_back: Name,
    /// To the caller, when a callback reaches them: `wait/this-is-your-callback`.
    pub callback_greeting: Name,
    /// What is said while the caller is held; none: `check_in` and the quote, at each check-in.
    pub words: Option<WaitWords>,
    /// Keys that mean something at any time of the wait; none: 2 is a callback.
    pub offers: BTreeMap<char, WaitOffer>,
    /// The flow that goes on with callers whom nobody serves: the longest wait is reached, nobody is there, or the
    /// queue is full. None: they hear `unserved`, and the call ends.
    pub unserved_flow: Option<Name>,
    /// What becomes of callers who join while the queue is in a surge.
    pub surge: Option<SurgeWords>,
}

impl WaitPrompts {
    /// The flows that go on with callers who leave the queue without an agent: those whom nobody serves, and those whom a
    /// surge keeps out.
    pub(crate) fn unserved_flows(&self) -> impl Iterator<Item = &Name> {
        let of_surge = self.surge.as_ref().and_then(|surge| surge.unserved_flow.as_ref());
        self.unserved_flow.iter().chain(of_surge)
    }

    /// The flows for which callers may leave the queue.
    pub(crate) fn offered_flows(&self) -> impl Iterator<Item = &Name> {
        let of_surge = self.surge.iter().flat_map(|surge| surge.offers.values());
        self.offers.values().chain(of_surge).filter_map(|offer| match offer {
            WaitOffer::Flow(flow) => Some(flow),
            WaitOffer::Callback => None,
        })
    }
}

/// What callers hear and may choose who join a queue in a surge.
#[derive(Clone, Debug, PartialEq)]
pub struct SurgeWords {
    /// Heard before anything else of the wait. None only where nobody is let in.
    pub say: Option<Name>,
    /// As [`WaitPrompts::offers`], which are made where these are empty.
    pub offers: BTreeMap<char, WaitOffer>,
    /// Nobody is let in: this flow goes on with them.
    pub unserved_flow: Option<Name>,
}

/// What a held caller is told, and when.
#[derive(Clone, Debug, PartialEq)]
pub struct WaitWords {
    /// From the beginning of the wait to the first word. Default 15 s.
    pub first: Duration,
    /// From word to word. Default 60 s.
    pub every: Duration,
    /// Heard in turn where there is no better wait to tell; none: `check_in`.
    pub messages: Vec<Name>,
    /// Heard after each: which keys mean what.
    pub offer: Option<Name>,
    /// Around the number of their place in line, where callers are told it.
    pub place: Option<PlaceWords>,
}

/// "You are number … in line."
#[derive(Clone, Debug, PartialEq)]
pub struct PlaceWords {
    /// `wait/position`
    pub before: Name,
    /// `wait/in-line`
    pub after: Name,
    /// Where the file says so.
    pub(crate) at: Place,
}

/// What a key means to a caller who waits.
#[derive(Clone, Debug, PartialEq)]
pub enum WaitOffer {
    /// They are called back, and keep their place.
    Callback,
    /// They leave the queue, and this flow goes on with them.
    Flow(Name),
}
