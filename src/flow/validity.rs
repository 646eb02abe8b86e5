//! Skills that agents have for a while: a training that counts from a day on, a licence that ends. The engine is told when
//! it begins; it takes each change at its moment.

use crate::base::AgentId;
use crate::base::SkillId;
use crate::base::Timestamp;
use crate::base::WallTime;
use crate::flow::center::Center;
use crate::flow::diagnostic::Diagnostic;
use crate::queue::api::Config;
use crate::queue::api::Need;
use crate::queue::api::Roster;
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

    /// What is to come of a skill that they have at this level, where the calendar shows `wall` at `now`.
    fn ahead(self, level: u8, now: Timestamp, wall: WallTime) -> impl Iterator<Item = SkillChange> {
        let changes = [(self.from, level), (self.until, 0)];
        changes.into_iter().filter_map(move |(at, level)| {
            let after = at?.0.checked_sub(wall.0).filter(|after| *after > 0)?;
            let at = Timestamp(now.0.checked_add(u64::try_from(after).ok()?)?);
            Some(SkillChange { at, agent: self.agent, skill: self.skill, level })
        })
    }
}

/// What holds no more from then on, a skill that nobody has or an announcement, and what is to be said of it.
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
            let Validity { skill, .. } = *validity;
            let level = agent.level(skill);
            if !validity.holds(started) {
                agent.skills.retain(|has: &Need| has.skill != skill);
            }
            config.changes.extend(validity.ahead(level, Timestamp::ZERO, started));
        }
        config.changes.sort_unstable();
        config
    }

    /// What comes and goes of skills where the calendar shows `wall` at `now`, and showed `before` until it was set: what has
    /// another answer by now does so at once.
    pub fn changes_at(&self, now: Timestamp, wall: WallTime, before: WallTime) -> Vec<SkillChange> {
        let mut changes = Vec::new();
        for validity in &self.validities {
            let Validity { agent, skill, .. } = *validity;
            let Some(of) = self.engine.agents.get(agent.0 as usize) else { continue };
            let level = of.level(skill);
            if validity.holds(wall) != validity.holds(before) {
                let level = if validity.holds(wall) { level } else { 0 };
                changes.push(SkillChange { at: now, agent, skill, level });
            }
            changes.extend(validity.ahead(level, now, wall));
        }
        changes.sort_unstable();
        changes
    }

    /// These agents as they are where the calendar shows `wall` at `now`, and all that comes and goes of anybody's skills.
    pub fn roster(&self, ids: &[AgentId], now: Timestamp, wall: WallTime) -> Roster {
        let config = self.engine_at(wall);
        let agent = |id: &AgentId| Some((*id, config.agents.get(id.0 as usize)?.clone()));
        let agents = ids.iter().filter_map(agent).collect();
        Roster { agents, changes: self.changes_at(now, wall, wall) }
    }

    /// What is to be said at that time of skills that nobody has any more, and of announcements that are over.
    pub fn lapsed(&self, at: WallTime) -> Vec<Diagnostic> {
        self.lapses.iter().filter(|lapse| lapse.at <= at).map(|lapse| lapse.warning.clone()).collect()
    }
}
