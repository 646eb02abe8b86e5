//! Skills that agents have for a while: a training that counts from a day on, a licence that ends. The engine is told when
//! it begins; it takes each change at its moment.

use crate::base::AgentId;
use crate::base::Name;
use crate::base::SkillId;
use crate::base::Timestamp;
use crate::base::WallTime;
use crate::flow::center::Center;
use crate::flow::center_file::CenterFile;
use crate::flow::diagnostic::Diagnostic;
use crate::flow::diagnostic::Severity;
use crate::flow::hours;
use crate::flow::read::Reader;
use crate::flow::read::yaml::Place;
use crate::queue::api::Config;
use crate::queue::api::Need;
use crate::queue::api::SkillChange;

/// When an agent has a skill that they do not have for ever.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Validity {
    pub agent: AgentId,
    pub skill: SkillId,
    /// None: since ever.
    pub from: Option<WallTime>,
    /// The first moment at which they do not have it any more; none: for ever.
    pub until: Option<WallTime>,
}

impl Validity {
    /// Whether they have it at that time.
    pub fn holds(&self, at: WallTime) -> bool {
        self.from.is_none_or(|from| from <= at) && self.until.is_none_or(|until| at < until)
    }
}

/// A skill that nobody has any more from then on, and what is to be said of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Lapse {
    pub at: WallTime,
    pub warning: Diagnostic,
}

impl Center {
    /// The rules of an engine that begins at `started`: each agent has the skills that they have then, and what comes or
    /// goes later stands in [`Config::changes`].
    pub fn engine_at(&self, started: WallTime) -> Config {
        let mut config = self.engine.clone();
        for validity in &self.validities {
            let Some(agent) = config.agents.get_mut(validity.agent.0 as usize) else { continue };
            let Validity { agent: id, skill, .. } = *validity;
            let level = agent.level(skill);
            if !validity.holds(started) {
                agent.skills.retain(|has: &Need| has.skill != skill);
            }
            let changes = [(validity.from, level), (validity.until, 0)];
            let ahead = changes.into_iter().filter_map(|(at, level)| {
                let after = at?.0.checked_sub(started.0).filter(|after| *after > 0)?;
                Some(SkillChange { at: Timestamp(u64::try_from(after).ok()?), agent: id, skill, level })
            });
            config.changes.extend(ahead);
        }
        config.changes.sort_unstable();
        config
    }

    /// What is to be said at that time of skills that nobody has any more.
    pub fn lapsed(&self, at: WallTime) -> Vec<Diagnostic> {
        self.lapses.iter().filter(|lapse| lapse.at <= at).map(|lapse| lapse.warning.clone()).collect()
    }
}

/// The skills whose holders all have them until a day; `places` is where each skill is named.
pub(crate) fn lapses(center: &CenterFile, places: &[Place], reader: &Reader<'_>) -> Vec<Lapse> {
    let engine = &center.engine;
    let lapse = |((skill, name), place): ((SkillId, &Name), &Place)| {
        let holders = (0..).map(AgentId).zip(&engine.agents).filter(|(_, agent)| agent.level(skill) > 0);
        let ends = holders.map(|(id, _)| {
            let of =
                center.validities.iter().find(|validity| (validity.agent, validity.skill) == (id, skill));
            of.and_then(|validity| validity.until)
        });
        // Whoever has it for ever makes this none, and so does nobody.
        let at = ends.collect::<Option<Vec<WallTime>>>()?.into_iter().max()?;
        let last = hours::last_day_before(at, &center.time_zone)?;
        let message = format!("nobody has the skill \"{name}\" any more: the last one's date was {last}");
        let hint = "give somebody the skill, or a later date".to_owned();
        let warning = reader.diagnostic(Severity::Warning, *place, message, Some(hint));
        Some(Lapse { at, warning })
    };
    (0..).map(SkillId).zip(&engine.skills).zip(places).filter_map(lapse).collect()
}
