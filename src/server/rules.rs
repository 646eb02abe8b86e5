//! What screens must know of the center beside facts: what queues promise, and what agents can.

use std::time::Duration;

use jiff::tz::TimeZone;

use crate::base::AgentId;
use crate::base::Name;
use crate::base::WallTime;
use crate::fact::NeedFact;
use crate::fact::What;
use crate::flow::Center;
use crate::store::Target;
use crate::store::Targets;
use crate::store::service::Staff;
use crate::store::why::Skilled;

/// A center's agents and queues, in its own order.
#[derive(Clone, Debug, PartialEq)]
pub struct Rules {
    pub agents: Vec<AgentRules>,
    /// Who was one until the center's file was changed.
    pub gone: Vec<Name>,
    pub queues: Vec<QueueRules>,
    /// Every skill that there is.
    pub skills: Vec<Name>,
    /// By whose clock days begin and times are told.
    pub zone: TimeZone,
}

/// By whose clock days begin and times are told: the center's, where it names one, else this machine's.
pub fn zone_of(center: &Center) -> TimeZone {
    center.named_zone.clone().unwrap_or_else(TimeZone::system)
}

/// An agent.
#[derive(Clone, Debug, PartialEq)]
pub struct AgentRules {
    pub name: Name,
    /// Skills and levels, 1 to 10.
    pub skills: Vec<(Name, u8)>,
    /// After how long their phone takes a queue's calls by itself; none: they pick up.
    pub auto_answer: Option<Duration>,
    /// Whether nobody signs them in or out: a phone at a fixed address.
    pub always_ready: bool,
}

/// A queue.
#[derive(Clone, Debug, PartialEq)]
pub struct QueueRules {
    pub name: Name,
    /// Answered within this time counts as in service level.
    pub target: Duration,
    /// The per cent of callers who should be.
    pub goal: u8,
    /// What is needed of whoever serves a caller who has waited for long.
    pub needs: Vec<NeedFact>,
    /// Added to each call's own priority.
    pub priority: i32,
    /// How many may wait.
    pub room: u32,
    /// How long an agent's phone rings.
    pub ring: Duration,
    /// After-call work.
    pub wrap_up: Duration,
}

impl Rules {
    /// A center's, with the skills that agents have at this time.
    pub fn of(center: &Center, now: WallTime) -> Rules {
        let config = &center.engine_at(now);
        let skill = |place: usize| config.skills.get(place).cloned().unwrap_or_else(|| "".into());
        let gone = config.agents.iter().filter(|agent| agent.gone).map(|agent| agent.name.clone());
        let agents = config.agents.iter().zip((0..).map(AgentId)).filter(|(agent, _)| !agent.gone);
        let agents = agents.map(|(agent, id)| AgentRules {
            name: agent.name.clone(),
            skills: agent.skills.iter().map(|need| (skill(need.skill.0 as usize), need.level)).collect(),
            auto_answer: center.auto_answer.get(&id).copied(),
            always_ready: agent.always_ready,
        });
        let queues = config.queues.iter().map(|queue| QueueRules {
            name: queue.name.clone(),
            target: queue.service_level.1,
            goal: queue.service_level.0,
            needs: queue.needs.at(Duration::MAX).facts(&config.skills),
            priority: queue.priority,
            room: queue.max_waiting,
            ring: queue.ring_timeout,
            wrap_up: queue.wrap_up,
        });
        let (skills, zone) = (config.skills.clone(), zone_of(center));
        Rules { agents: agents.collect(), gone: gone.collect(), queues: queues.collect(), skills, zone }
    }

    /// Whether somebody of this name is an agent.
    pub fn has_agent(&self, name: &str) -> bool {
        self.agents.iter().any(|agent| *agent.name == *name)
    }

    /// Whether an agent's phone is at a fixed address, and nobody signs them in.
    pub fn is_always_ready(&self, name: &str) -> bool {
        self.agents.iter().any(|agent| *agent.name == *name && agent.always_ready)
    }

    /// What is to be told of the queues' targets, where the last that were told are these.
    pub fn new_targets(&self, told: &Targets) -> Vec<What> {
        let changed = self.queues.iter().filter(|queue| {
            let target = Target { percent: queue.goal, within: queue.target };
            told.last(&queue.name) != Some(target)
        });
        changed.map(QueueRules::target_set).collect()
    }

    /// What a report must know of the center.
    pub fn staff(&self) -> Staff {
        let agent = |agent: &AgentRules| Skilled { name: agent.name.clone(), skills: agent.skills.clone() };
        let target = |queue: &QueueRules| (queue.name.clone(), queue.target);
        Staff {
            targets: self.queues.iter().map(target).collect(),
            agents: self.agents.iter().map(agent).collect(),
        }
    }
}

impl QueueRules {
    fn target_set(&self) -> What {
        What::TargetSet { queue: self.name.clone(), percent: self.goal, within: self.target }
    }
}

#[cfg(test)]
impl QueueRules {
    /// A queue with the defaults of a center's file.
    pub(crate) fn named(name: &str) -> QueueRules {
        let secs = Duration::from_secs;
        let (target, ring, wrap_up) = (secs(20), secs(20), secs(30));
        let needs = Vec::new();
        QueueRules { name: name.into(), target, goal: 80, needs, priority: 0, room: 10, ring, wrap_up }
    }
}

#[cfg(test)]
impl Rules {
    /// Agents with billing 5 and support 5, and queues with defaults.
    pub(crate) fn named(agents: &[&str], queues: &[&str]) -> Rules {
        let skills = vec![("billing".into(), 5), ("support".into(), 5)];
        let agent = |name: &&str| AgentRules {
            name: (*name).into(),
            skills: skills.clone(),
            auto_answer: None,
            always_ready: false,
        };
        Rules {
            agents: agents.iter().map(agent).collect(),
            gone: Vec::new(),
            queues: queues.iter().map(|name| QueueRules::named(name)).collect(),
            skills: vec!["billing".into(), "support".into()],
            zone: TimeZone::UTC,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Timestamp;
    use crate::fact::Fact;
    use crate::store::sample;

    #[test]
    fn a_target_is_told_where_the_last_that_was_told_is_another() {
        let mut rules = Rules::named(&[], &["billing", "help"]);
        let mut targets = Targets::default();
        let mut tell = |rules: &Rules, secs| -> Vec<String> {
            let told = rules.new_targets(&targets);
            let fact = |what: &What| Fact { at: Timestamp::from_secs(secs), call: None, what: what.clone() };
            sample::dated(told.iter().map(fact).collect()).iter().for_each(|dated| targets.apply(dated));
            told.iter()
                .map(|what| match what {
                    What::TargetSet { queue, percent, within } => {
                        format!("{queue} {percent}% in {}s", within.as_secs())
                    }
                    other => format!("{other:?}"),
                })
                .collect()
        };
        assert_eq!(tell(&rules, 1), ["billing 80% in 20s", "help 80% in 20s"]);
        assert_eq!(tell(&rules, 2), [""; 0]);
        rules.queues[1].goal = 90;
        assert_eq!(tell(&rules, 3), ["help 90% in 20s"]);
        // And back again.
        rules.queues[1].goal = 80;
        assert_eq!(tell(&rules, 4), ["help 80% in 20s"]);
    }

    #[test]
    fn days_begin_by_the_centers_clock_where_it_names_one() {
        let center = |zone: Option<&str>| Center {
            named_zone: zone.map(|zone| TimeZone::get(zone).unwrap()),
            ..crate::flow::tests::demo()
        };
        let zone = |center| Rules::of(&center, sample::STARTED).zone;
        assert_eq!(zone(center(Some("Asia/Tokyo"))), TimeZone::get("Asia/Tokyo").unwrap());
        assert_eq!(zone(center(None)), TimeZone::system());
    }
}
