//! What will have to be said of skills that nobody has any more from some day on, by the dates in `center.yaml`.

use crate::base::AgentId;
use crate::base::Name;
use crate::base::SkillId;
use crate::base::WallTime;
use crate::flow::center::Center;
use crate::flow::diagnostic::Severity;
use crate::flow::hours;
use crate::flow::read::Reader;
use crate::flow::read::yaml::Place;
use crate::flow::validity::Lapse;

/// The skills whose holders all have them until a day; `places` is where each skill is named.
pub(super) fn lapses(center: &Center, places: &[Place], reader: &Reader<'_>) -> Vec<Lapse> {
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
