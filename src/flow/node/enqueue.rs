//! `enqueue`: sends the caller to a queue. The flow ends here.

use std::time::Duration;

use crate::base::Name;
use crate::base::QueueId;
use crate::flow::api::FlowAction;
use crate::flow::expression::Expression;
use crate::flow::model;
use crate::flow::needs;
use crate::flow::needs::NOBODY;
use crate::flow::needs::is_nobody;
use crate::flow::node::set;
use crate::flow::node::set::Source;
use crate::flow::read::Reader;
use crate::flow::read::fields::Fields;
use crate::flow::read::yaml;
use crate::flow::read::yaml::Place;
use crate::flow::read::yaml::Text;
use crate::flow::read::yaml::Yaml;
use crate::flow::step::Next;
use crate::flow::step::Step;
use crate::queue::api::Config;
use crate::queue::api::Demand;
use crate::queue::api::Nobody;
use crate::queue::api::PermissionPolicy;
use crate::queue::api::QueueConfig;

/// How long a call waits for the agent it prefers while they are busy, when nothing is said.
pub(crate) const PREFER_FOR: Duration = Duration::from_secs(20);
/// How many agents a call can be kept from.
const MOST_EXCLUDED: usize = 16;

/// A queue, and what this caller needs beyond what the queue needs anyway.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Enqueue {
    pub queue: Option<QueueId>,
    pub needs: Demand,
    /// Added to the queue's own. Default 0.
    pub priority: i32,
    /// Who allows the hold. Default: as the queue says.
    pub permission: Option<PermissionPolicy>,
    /// Who has the caller first, and for how long.
    prefer: Option<(AgentName, Duration)>,
    /// Who must not have the caller.
    not: Vec<AgentName>,
    /// Where the node says that nobody is.
    nobody: Nobody,
    pub place: Place,
}

/// An agent's name, written down or computed.
#[derive(Clone, Debug, PartialEq)]
struct AgentName {
    source: Source,
    place: Place,
}

impl Enqueue {
    pub fn read(fields: &mut Fields<'_>, reader: &mut Reader<'_>) -> Enqueue {
        let yaml = fields.require(reader, "enqueue");
        let queue = yaml.and_then(|yaml| {
            let text = reader.text(yaml, "the name of a queue")?;
            reader.queue(text)
        });
        let priority = fields.optional("priority").and_then(|yaml| reader.number(yaml, -1000, 1000));
        let (prefer, not) = (fields.optional("prefer"), fields.optional("not"));
        let nobody = Nobody { prefer: prefer.is_some_and(is_nobody), exclude: not.is_some_and(is_nobody) };
        Enqueue {
            queue,
            needs: needs::demand(fields, reader),
            permission: fields.optional("permission").and_then(|yaml| reader.permission(yaml)),
            priority: priority.and_then(|priority| i32::try_from(priority).ok()).unwrap_or(0),
            prefer: prefer.and_then(|yaml| self::prefer(yaml, reader)),
            not: not.map(|yaml| self::not(yaml, reader)).unwrap_or_default(),
            nobody,
            place: yaml.map_or(fields.place, |yaml| yaml.place),
        }
    }

    pub fn expressions(&self) -> Vec<(&Expression, Place)> {
        let agents = self.prefer.iter().map(|(agent, _)| agent).chain(&self.not);
        let computed = agents.filter_map(|agent| match &agent.source {
            Source::Computed(expression, place) => Some((expression, *place)),
            Source::Written(_) => None,
        });
        computed.collect()
    }

    /// Reports agents whom the center does not have, and a preference that outlasts the queue's patience.
    pub fn check_agents(&self, engine: &Config, reader: &mut Reader<'_>) {
        for agent in self.prefer.iter().map(|(agent, _)| agent).chain(&self.not) {
            if let Source::Written(value) = &agent.source
                && engine.agent_named(&value.in_words()).is_none()
            {
                let known = engine.agents.iter().filter(|agent| !agent.gone).map(|agent| &*agent.name);
                reader.unknown(agent.place, "agent", &value.in_words(), known);
            }
        }
        let queue = self.queue.and_then(|queue| engine.queues.get(queue.0 as usize));
        if let (Some((agent, wait)), Some(queue)) = (&self.prefer, queue) {
            patient(queue, *wait, agent.place, reader);
        }
    }

    pub fn enter(&self, step: &mut Step<'_>) -> Next {
        step.stop_play();
        // The checker lets no flow through whose queue is unknown.
        if let Some(queue) = self.queue {
            let Enqueue { priority, permission, nobody, .. } = *self;
            let prefer = self.prefer.as_ref().and_then(|(agent, wait)| Some((agent.name(step)?, *wait)));
            let exclude = self.not.iter().filter_map(|agent| agent.name(step)).collect();
            let needs = self.needs.clone();
            step.out.push(FlowAction::Enqueue {
                queue,
                needs,
                priority,
                permission,
                prefer,
                exclude,
                nobody,
            });
        }
        Next::Over
    }
}

impl AgentName {
    fn read(text: &Text, reader: &mut Reader<'_>) -> Option<AgentName> {
        let source = match set::source(text, reader)? {
            Source::Written(_) => Source::Written(model::Value::Text(text.text.clone())),
            computed => computed,
        };
        Some(AgentName { source, place: text.place })
    }

    /// Who it is for this caller; nobody when that is empty or cannot be computed.
    fn name(&self, step: &Step<'_>) -> Option<Name> {
        let name = self.source.value(step).ok()?.in_words();
        (!name.is_empty()).then(|| name.as_str().into())
    }
}

/// Reports a wait for one agent that outlasts the queue's patience.
pub(crate) fn patient(queue: &QueueConfig, wait: Duration, place: Place, reader: &mut Reader<'_>) {
    if wait > queue.max_wait / 2 {
        let (wait, most) = (wait.as_secs_f64(), (queue.max_wait / 2).as_secs_f64());
        let message = format!(
            "a call waits for one agent for at most half of the longest wait of \"{}\", {most} s, got {wait} s",
            queue.name
        );
        reader.error_hint(place, message, format!("write \"for: {most}s\" or less"));
    }
}

fn prefer(yaml: &Yaml, reader: &mut Reader<'_>) -> Option<(AgentName, Duration)> {
    let (text, wait) = preferred(yaml, reader)?;
    Some((AgentName::read(text, reader)?, wait))
}

/// `{ agent: alice, for: 20s }`, or `nobody`.
pub(crate) fn preferred<'y>(yaml: &'y Yaml, reader: &mut Reader<'_>) -> Option<(&'y Text, Duration)> {
    if is_nobody(yaml) {
        return None;
    }
    if !matches!(yaml.value, yaml::Value::Map(_)) {
        let hint = format!("write it as: {{ agent: alice, for: 20s }}, or {NOBODY}");
        reader.error_hint(yaml.place, "this is not an agent and a time", hint);
        return None;
    }
    let mut fields = reader.fields(yaml, "who is preferred")?;
    let agent = fields.require(reader, "agent").and_then(|yaml| reader.text(yaml, "an agent's name"));
    let wait = fields.duration(reader, "for", PREFER_FOR);
    fields.finish(reader);
    Some((agent?, wait))
}

fn not(yaml: &Yaml, reader: &mut Reader<'_>) -> Vec<AgentName> {
    left_out(yaml, reader).into_iter().filter_map(|text| AgentName::read(text, reader)).collect()
}

/// The names of agents who are left out, at most so many: `alice`, a list of agents, or `nobody`.
pub(crate) fn left_out<'y>(yaml: &'y Yaml, reader: &mut Reader<'_>) -> Vec<&'y Text> {
    if is_nobody(yaml) {
        return Vec::new();
    }
    let texts = reader.texts(yaml, "an agent's name");
    if texts.len() > MOST_EXCLUDED {
        let message = format!("at most {MOST_EXCLUDED} agents are left out, got {}", texts.len());
        reader.error_hint(yaml.place, message, "give those who may take the call a skill for it");
    }
    texts
}
