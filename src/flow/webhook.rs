//! Webhooks as `center.yaml` names them: which events are sent where. Who sends them is elsewhere.

use std::collections::BTreeSet;
use std::time::Duration;

use crate::base::Name;
use crate::fact::What;
use crate::flow::read::Reader;
use crate::flow::read::fields::Fields;
use crate::flow::read::yaml::Text;
use crate::flow::read::yaml::Yaml;
use crate::flow::service::address;

/// How long a receiver has to answer, where nothing else is said.
const TIMEOUT: Duration = Duration::from_secs(5);
/// The longest that it may be given: meanwhile the events behind it wait.
const LONGEST: Duration = Duration::from_secs(30);
/// No center has more: each has a thread of its own.
const MOST: usize = 16;

/// A program elsewhere that is told of events.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Webhook {
    pub name: Name,
    /// `https://ops.example/calls`
    pub to: String,
    /// The kinds of facts that it is told of, as `fact` names them.
    pub events: BTreeSet<String>,
    /// The environment variable that holds the secret by which it knows us: no secret stands in a file.
    pub secret_env: String,
    /// How long it has to answer. Default 5 s.
    pub timeout: Duration,
}

/// `ops: { to: "https://ops.example/calls", events: [trunk_unregistered], secret_env: OPS_SECRET }`
pub(crate) fn read(yaml: &Yaml, reader: &mut Reader<'_>) -> Vec<Webhook> {
    let webhooks = reader.entries(yaml, "webhooks", webhook);
    if webhooks.len() > MOST {
        reader.error(yaml.place, format!("a center has {MOST} webhooks at most"));
    }
    webhooks
}

fn webhook(key: &Text, fields: &mut Fields<'_>, reader: &mut Reader<'_>) -> Option<Webhook> {
    let to = fields.require(reader, "to").and_then(|yaml| {
        let to = address(yaml, reader)?;
        if is_open_to_others(&to) {
            let hint = "write https://, so that nobody on the way reads of callers".to_owned();
            reader.warning(yaml.place, "events go over the network as everybody can read them", Some(hint));
        }
        Some(to)
    });
    let events = fields.require(reader, "events").map(|yaml| events(yaml, reader));
    let secret_env =
        fields.require(reader, "secret_env").and_then(|yaml| reader.name(yaml, "an environment variable"));
    let timeout = fields.duration(reader, "timeout", TIMEOUT);
    if timeout > LONGEST {
        let hint = "the events behind it wait meanwhile";
        reader.error_hint(key.place, format!("a webhook has {} s at most", LONGEST.as_secs()), hint);
    }
    let name = Name::from(key.text.as_str());
    Some(Webhook { name, to: to?, events: events?, secret_env: secret_env?.to_string(), timeout })
}

/// Kinds of facts that there are.
fn events(yaml: &Yaml, reader: &mut Reader<'_>) -> BTreeSet<String> {
    let texts = reader.texts(yaml, "the name of an event");
    if texts.is_empty() {
        let hint = "for example: [trunk_unregistered, call_ended]; GET /api/v1/events shows how they look";
        reader.error_hint(yaml.place, "a webhook without events is told nothing", hint);
    }
    let mut events = BTreeSet::new();
    for text in texts {
        if What::kinds().contains(&text.text.as_str()) {
            events.insert(text.text.clone());
        } else {
            reader.unknown(text.place, "event", &text.text, What::kinds().iter().copied());
        }
    }
    events
}

/// Whether what is sent there leaves this machine in the clear.
fn is_open_to_others(to: &str) -> bool {
    let Some(rest) = to.strip_prefix("http://") else { return false };
    let host = rest.split('/').next().unwrap_or_default();
    let name = host.rsplit_once(':').map_or(host, |(name, _)| name);
    let is_here = |ip: std::net::IpAddr| ip.is_loopback();
    !(name == "localhost" || name.trim_matches(['[', ']']).parse().is_ok_and(is_here))
}
