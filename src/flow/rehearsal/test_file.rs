//! A test file, `ivr_flows/tests/main.yaml`: who calls, what they do, and what must come of it.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::base::Name;
use crate::base::Secret;
use crate::base::WallTime;
use crate::flow::api::Caller;
use crate::flow::api::Customer;
use crate::flow::center::Center;
use crate::flow::hours;
use crate::flow::model;
use crate::flow::needs;
use crate::flow::node::set;
use crate::flow::read::Reader;
use crate::flow::read::fields::Fields;
use crate::flow::read::one_or_many;
use crate::flow::read::yaml::Place;
use crate::flow::read::yaml::Text;
use crate::flow::read::yaml::Value;
use crate::flow::read::yaml::Yaml;
use crate::flow::rehearsal::Account;
use crate::flow::rehearsal::Called;
use crate::flow::rehearsal::Message;
use crate::flow::rehearsal::Service;
use crate::flow::rehearsal::Verifier;
use crate::flow::rehearsal::World;
use crate::flow::speech;
use crate::queue::api::Needs;

/// The number of a caller of whom nothing else is said.
const SOMEBODY: &str = "+12025550100";

/// 2026-01-06 12:00 UTC.
pub const A_TUESDAY: WallTime = WallTime(1_767_700_800_000_000);

/// One test.
#[derive(Clone, Debug)]
pub(super) struct FlowTest {
    pub flow: Name,
    pub name: Name,
    pub caller: Caller,
    /// When the call begins, where it says so.
    pub wall: Option<WallTime>,
    pub world: World,
    pub steps: Vec<(Place, Step)>,
    pub path: Option<(Place, Vec<String>)>,
    pub sets: Vec<(Place, Name, String)>,
    pub within: Option<(Place, Duration)>,
    pub ends: (Place, Wanted),
}

/// What the caller does, or must hear.
#[derive(Clone, Debug)]
pub(super) enum Step {
    /// The next thing that is heard.
    Hears(Vec<Name>),
    /// Keyed as soon as the flow waits for it.
    Keys(String),
    /// Keyed at once, over what plays.
    Interrupts(String),
    /// Silence for this long.
    Waits(Duration),
    HangsUp,
}

/// How the call must end. What is not given may be anything.
#[derive(Clone, Debug)]
pub(super) enum Wanted {
    Queue { queue: Name, needs: Option<Vec<String>>, priority: Option<i32> },
    Callback { queue: Name, number: Option<String>, at: Option<String> },
    Agent { agent: Name },
    HungUp { reason: Name },
    Refused { status: u16 },
    CallerLeft,
}

/// Reads the file; what could not be read is left out, and reported.
pub(super) fn read(reader: &mut Reader<'_>, center: &Center, text: &str) -> Vec<FlowTest> {
    let Some(root) = reader.tree(text) else { return Vec::new() };
    let Some(mut fields) = reader.fields(&root, "a test file") else { return Vec::new() };
    let flow = fields.require(reader, "flow").and_then(|yaml| flow(yaml, reader, center));
    let customers = fields.optional("customers").map(|yaml| customers(yaml, reader)).unwrap_or_default();
    let services = fields.optional("services").map(|yaml| services(yaml, reader)).unwrap_or_default();
    let bots = fields.optional("bots").map(|yaml| bots(yaml, reader)).unwrap_or_default();
    let tests = fields.require(reader, "tests");
    fields.finish(reader);
    let (Some(flow), Some(tests)) = (flow, tests) else { return Vec::new() };
    let Value::Map(entries) = &tests.value else {
        reader.error(tests.place, "tests are written as \"what is tested: …\"");
        return Vec::new();
    };
    let setting = Setting { center, flow, customers, services, bots };
    entries.iter().filter_map(|(key, yaml)| setting.test(key, yaml, reader)).collect()
}

/// The customers of the file, and its services.
pub(super) fn world(reader: &mut Reader<'_>, text: &str) -> Option<World> {
    let root = reader.tree(text)?;
    let mut fields = reader.fields(&root, "a test file")?;
    let customers = fields.optional("customers").map(|yaml| customers(yaml, reader)).unwrap_or_default();
    let services = fields.optional("services").map(|yaml| services(yaml, reader)).unwrap_or_default();
    let bots = fields.optional("bots").map(|yaml| bots(yaml, reader)).unwrap_or_default();
    let accounts = customers.into_iter().map(|(_, account)| account).collect();
    Some(World { accounts, services, bots, ..World::default() })
}

fn flow(yaml: &Yaml, reader: &mut Reader<'_>, center: &Center) -> Option<Name> {
    let text = reader.text(yaml, "the name of a flow")?;
    if !center.flows.contains_key(text.text.as_str()) {
        reader.unknown(text.place, "flow", &text.text, center.flows.keys().map(|name| &**name));
        return None;
    }
    Some(Name::from(text.text.as_str()))
}

/// `ann: { account: "100200", pin: "4711", name: Ann }`
fn customers(yaml: &Yaml, reader: &mut Reader<'_>) -> Vec<(Name, Account)> {
    let Value::Map(entries) = &yaml.value else {
        reader.error(yaml.place, "customers are written as \"name: …\"");
        return Vec::new();
    };
    entries.iter().filter_map(|(key, yaml)| customer(key, yaml, reader)).collect()
}

fn customer(key: &Text, yaml: &Yaml, reader: &mut Reader<'_>) -> Option<(Name, Account)> {
    let mut fields = reader.fields(yaml, "a customer")?;
    let account = fields.require(reader, "account").and_then(|yaml| reader.name(yaml, "an account number"));
    let pin = fields.require(reader, "pin").and_then(|yaml| reader.name(yaml, "a PIN"));
    let name = fields.require(reader, "name").and_then(|yaml| reader.name(yaml, "a name"));
    let birth_date = fields.optional("birth_date").and_then(|yaml| reader.name(yaml, "a date of birth"));
    let number = fields.optional("number").and_then(|yaml| reader.name(yaml, "a number"));
    let name_prompt = fields.optional("prompt").and_then(|yaml| {
        let text = reader.text(yaml, "a prompt")?;
        reader.prompt(text)
    });
    fields.finish(reader);
    let customer = Customer { account: account?.to_string(), name: name?.to_string(), name_prompt };
    let number = number.map(|number| number.to_string());
    Some((
        Name::from(key.text.as_str()),
        Account {
            customer,
            number,
            pin: Secret::new(&*pin?),
            birth_date: birth_date.map(|date| Secret::new(&*date)),
        },
    ))
}

/// What all tests of a file share.
struct Setting<'a> {
    center: &'a Center,
    flow: Name,
    customers: Vec<(Name, Account)>,
    services: BTreeMap<Name, Service>,
    bots: Bots,
}

impl Setting<'_> {
    fn test(&self, key: &Text, yaml: &Yaml, reader: &mut Reader<'_>) -> Option<FlowTest> {
        let Value::Map(entries) = &yaml.value else {
            reader.error(yaml.place, format!("the test \"{}\" is written as \"key: value\" lines", key.text));
            return None;
        };
        let mut fields = Fields::new(key.place, entries);
        let number = fields.optional("from").and_then(|yaml| self.number(yaml, reader));
        let dialled = fields.optional("dialled").and_then(|yaml| reader.name(yaml, "a number"));
        let at = fields.optional("at").and_then(|yaml| hours::moment(yaml, &self.center.time_zone, reader));
        let verifier = fields.optional("verifier").and_then(|yaml| verifier(yaml, reader));
        let called = fields.optional("called").and_then(|yaml| called(yaml, reader)).unwrap_or_default();
        let message = fields.optional("message").and_then(|yaml| message(yaml, reader)).unwrap_or_default();
        let services = fields.optional("services").map(|yaml| services(yaml, reader)).unwrap_or_default();
        let bots = fields.optional("bots").map(|yaml| bots(yaml, reader)).unwrap_or_default();
        let steps = fields.optional("call").map(|yaml| steps(yaml, reader)).unwrap_or_default();
        let path = fields.optional("path").map(|yaml| {
            let names = reader.texts(yaml, "the name of a node");
            (yaml.place, names.iter().map(|text| text.text.clone()).collect())
        });
        let sets = fields.optional("sets").map(|yaml| sets(yaml, reader)).unwrap_or_default();
        let within = fields.optional("within").and_then(|yaml| Some((yaml.place, reader.duration(yaml)?)));
        let ends = fields.require(reader, "ends").and_then(|yaml| self.ends(yaml, reader));
        fields.finish(reader);
        let accounts = self.customers.iter().map(|(_, account)| account.clone()).collect();
        let services = self.services.clone().into_iter().chain(services).collect();
        let bots = self.bots.clone().into_iter().chain(bots).collect();
        let verifier = verifier.unwrap_or_default();
        let world = World { accounts, verifier, services, bots, called, message, ..World::default() };
        let number = number.unwrap_or_else(|| SOMEBODY.to_owned());
        let caller = Caller {
            customer: world.customer_of(&number).cloned(),
            number,
            dialled: dialled.map_or_else(|| self.dialled(), |number| number.to_string()),
        };
        let (flow, name) = (Name::clone(&self.flow), Name::from(key.text.as_str()));
        let wall = at;
        Some(FlowTest { flow, name, caller, wall, world, steps, path, sets, within, ends: ends? })
    }

    /// The first number that the flow serves.
    fn dialled(&self) -> String {
        let mut numbers = self.center.numbers.iter();
        numbers.find(|(_, flow)| **flow == self.flow).map(|(number, _)| number.clone()).unwrap_or_default()
    }

    /// A number, a customer who calls from theirs, or `withheld`.
    fn number(&self, yaml: &Yaml, reader: &mut Reader<'_>) -> Option<String> {
        let text = reader.text(yaml, "a number, a customer, or withheld,")?;
        if text.text == "withheld" {
            return Some(String::new());
        }
        if text.text.starts_with(|c: char| c == '+' || c.is_ascii_digit()) {
            return Some(text.text.clone());
        }
        let known = self.customers.iter().find(|(name, _)| **name == *text.text);
        match known.map(|(_, account)| account.number.clone()) {
            Some(Some(number)) => return Some(number),
            Some(None) => reader.error_hint(
                text.place,
                format!("\"{}\" has no number to call from", text.text),
                "add \"number:\" to the customer",
            ),
            None => {
                let names = self.customers.iter().map(|(name, _)| &**name);
                reader.unknown(text.place, "customer", &text.text, names);
            }
        }
        None
    }

    fn ends(&self, yaml: &Yaml, reader: &mut Reader<'_>) -> Option<(Place, Wanted)> {
        let hint = "write { queue: NAME }, { callback: NAME }, { agent: NAME }, { hang_up: REASON }, { refused: STATUS }, \
                    or: the caller hangs up";
        if let Value::Text(text) = &yaml.value {
            if text.text == "the caller hangs up" {
                return Some((text.place, Wanted::CallerLeft));
            }
            reader.error_hint(text.place, format!("\"{}\" is no way to end", text.text), hint);
            return None;
        }
        let mut fields = reader.fields(yaml, "an end")?;
        let queue = fields.optional("queue").map(|yaml| {
            let text = reader.text(yaml, "the name of a queue")?;
            reader.queue(text).map(|_| Name::from(text.text.as_str()))
        });
        let callback = fields.optional("callback").map(|yaml| {
            let text = reader.text(yaml, "the name of a queue")?;
            reader.queue(text).map(|_| Name::from(text.text.as_str()))
        });
        let agent = fields.optional("agent").map(|yaml| {
            let text = reader.text(yaml, "the name of an agent")?;
            reader.agent(text).map(|_| Name::from(text.text.as_str()))
        });
        let reason = fields.optional("hang_up").map(|yaml| reader.name(yaml, "a reason"));
        let status = fields.optional("refused").map(|yaml| reader.number(yaml, 400, 699));
        let wanted = match (queue, callback, agent, reason, status) {
            (Some(queue), None, None, None, None) => {
                let needs = fields.optional("needs").map(|yaml| needs::needs(yaml, reader));
                let words = |needs: Needs| {
                    needs.facts(&self.center.engine.skills).iter().map(ToString::to_string).collect()
                };
                let needs = needs.map(words);
                let priority = fields.optional("priority").and_then(|yaml| reader.number(yaml, -1000, 1000));
                let priority = priority.and_then(|priority| i32::try_from(priority).ok());
                queue.map(|queue| Wanted::Queue { queue, needs, priority })
            }
            (None, Some(queue), None, None, None) => {
                let number = fields.optional("number").and_then(|yaml| reader.name(yaml, "a number"));
                let at = fields.optional("at").and_then(|yaml| {
                    let at = hours::moment(yaml, &self.center.time_zone, reader)?;
                    hours::clock(at, &self.center.time_zone)
                });
                let number = number.map(|number| number.to_string());
                queue.map(|queue| Wanted::Callback { queue, number, at })
            }
            (None, None, Some(agent), None, None) => agent.map(|agent| Wanted::Agent { agent }),
            (None, None, None, Some(reason), None) => reason.map(|reason| Wanted::HungUp { reason }),
            (None, None, None, None, Some(status)) => {
                status.and_then(|status| u16::try_from(status).ok()).map(|status| Wanted::Refused { status })
            }
            _ => {
                reader.error_hint(yaml.place, "a call ends in one way", hint);
                None
            }
        };
        fields.finish(reader);
        wanted.map(|wanted| (yaml.place, wanted))
    }
}

/// `orders: { order.status: sent, days: 3 }`, or `missing`, or `down`.
fn services(yaml: &Yaml, reader: &mut Reader<'_>) -> BTreeMap<Name, Service> {
    let Value::Map(entries) = &yaml.value else {
        reader.error(yaml.place, "services are written as \"name: what it says\"");
        return BTreeMap::new();
    };
    let one = |(key, yaml): &(Text, Yaml)| Some((Name::from(key.text.as_str()), service(yaml, reader)?));
    entries.iter().filter_map(one).collect()
}

type Bots = BTreeMap<Name, (Name, BTreeMap<Name, model::Value>)>;

/// `assistant: { result: billing, text: my last invoice }`
fn bots(yaml: &Yaml, reader: &mut Reader<'_>) -> Bots {
    let Value::Map(entries) = &yaml.value else {
        reader.error(yaml.place, "bots are written as \"name: { result: …, and what else it says }\"");
        return BTreeMap::new();
    };
    let one = |(key, yaml): &(Text, Yaml)| {
        let Some(Service::Says(mut said)) = service(yaml, reader) else { return None };
        let result = said.remove("result").map(|result| Name::from(result.in_words()));
        if result.is_none() {
            reader.error(key.place, "a bot says its result");
        }
        Some((Name::from(key.text.as_str()), (result?, said)))
    };
    entries.iter().filter_map(one).collect()
}

fn service(yaml: &Yaml, reader: &mut Reader<'_>) -> Option<Service> {
    if let Value::Map(entries) = &yaml.value {
        let one = |(key, yaml): &(Text, Yaml)| {
            let value = set::written(reader.text(yaml, "a value")?);
            Some((Name::from(key.text.as_str()), value))
        };
        return Some(Service::Says(entries.iter().filter_map(one).collect()));
    }
    let text = reader.text(yaml, "what a service says, missing or down")?;
    match text.text.as_str() {
        "missing" => Some(Service::Missing),
        "down" => Some(Service::Down),
        other => {
            reader.unknown(text.place, "way for a service to be", other, ["missing", "down"]);
            None
        }
    }
}

fn called(yaml: &Yaml, reader: &mut Reader<'_>) -> Option<Called> {
    let text = reader.text(yaml, "answers, rings, is busy or refuses")?;
    match text.text.as_str() {
        "answers" => Some(Called::Answers),
        "rings" => Some(Called::Rings),
        "is busy" => Some(Called::Busy),
        "refuses" => Some(Called::Refuses),
        other => {
            let known = ["answers", "rings", "is busy", "refuses"];
            reader.unknown(text.place, "way for somebody who is called to be", other, known);
            None
        }
    }
}

fn message(yaml: &Yaml, reader: &mut Reader<'_>) -> Option<Message> {
    let text = reader.text(yaml, "speaks, is silent or cannot be stored")?;
    match text.text.as_str() {
        "speaks" => Some(Message::Speaks),
        "is silent" => Some(Message::IsSilent),
        "cannot be stored" => Some(Message::CannotBeStored),
        other => {
            let known = ["speaks", "is silent", "cannot be stored"];
            reader.unknown(text.place, "way for a message to be", other, known);
            None
        }
    }
}

fn verifier(yaml: &Yaml, reader: &mut Reader<'_>) -> Option<Verifier> {
    let text = reader.text(yaml, "works, locks or down")?;
    match text.text.as_str() {
        "works" => Some(Verifier::Works),
        "locks" => Some(Verifier::Locks),
        "down" => Some(Verifier::Down),
        other => {
            reader.unknown(text.place, "way for a verifier to be", other, ["works", "locks", "down"]);
            None
        }
    }
}

fn sets(yaml: &Yaml, reader: &mut Reader<'_>) -> Vec<(Place, Name, String)> {
    let Value::Map(entries) = &yaml.value else {
        reader.error(yaml.place, "what is set is written as \"variable: value\" lines");
        return Vec::new();
    };
    let one = |(key, yaml): &(Text, Yaml)| {
        let value = reader.text(yaml, "a value")?;
        Some((key.place, Name::from(key.text.as_str()), value.text.clone()))
    };
    entries.iter().filter_map(one).collect()
}

fn steps(yaml: &Yaml, reader: &mut Reader<'_>) -> Vec<(Place, Step)> {
    let Value::List(items) = &yaml.value else {
        let hint = "for example: [{ hears: menu/main }, { keys: 1 }]";
        reader.error_hint(yaml.place, "a call is a list of what is heard and done", hint);
        return Vec::new();
    };
    items.iter().filter_map(|item| Some((item.place, step(item, reader)?))).collect()
}

fn step(yaml: &Yaml, reader: &mut Reader<'_>) -> Option<Step> {
    const WAYS: [&str; 5] = ["hears", "keys", "interrupts", "waits", "hangs up"];
    if let Value::Text(text) = &yaml.value {
        if text.text == "hangs up" {
            return Some(Step::HangsUp);
        }
        reader.unknown(text.place, "step", &text.text, WAYS);
        return None;
    }
    let mut fields = reader.fields(yaml, "a step")?;
    let step = if let Some(yaml) = fields.optional("hears") {
        Some(Step::Hears(one_or_many(yaml).iter().filter_map(|item| heard(item, reader)).collect()))
    } else if let Some(yaml) = fields.optional("keys") {
        keys(yaml, reader).map(Step::Keys)
    } else if let Some(yaml) = fields.optional("interrupts") {
        keys(yaml, reader).map(Step::Interrupts)
    } else if let Some(yaml) = fields.optional("waits") {
        reader.duration(yaml).map(Step::Waits)
    } else {
        let first = fields.entries().first().map_or("", |(key, _)| key.text.as_str()).to_owned();
        reader.unknown(yaml.place, "step", &first, WAYS);
        return None;
    };
    fields.finish(reader);
    step
}

/// A recording, or `{ text: what is spoken }`.
fn heard(yaml: &Yaml, reader: &mut Reader<'_>) -> Option<Name> {
    if let Value::Text(_) = yaml.value {
        let text = reader.text(yaml, "a prompt")?;
        return reader.prompt(text);
    }
    let mut fields = reader.fields(yaml, "a prompt, or \"text: what is spoken\",")?;
    let text = fields.require(reader, "text").and_then(|yaml| reader.text(yaml, "a text"));
    fields.finish(reader);
    text.map(|text| speech::name(&text.text, None))
}

fn keys(yaml: &Yaml, reader: &mut Reader<'_>) -> Option<String> {
    let text = reader.text(yaml, "keys")?;
    if text.text.chars().all(|key| matches!(key, '0'..='9' | '*' | '#')) {
        return Some(text.text.clone());
    }
    let message = format!("\"{}\" cannot be keyed on a telephone", text.text);
    reader.error_hint(text.place, message, "a key is 0 to 9, * or #");
    None
}
