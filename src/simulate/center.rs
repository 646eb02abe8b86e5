//! A center and its day: types of calls with their arrivals, groups of agents, and what becomes of the staff.
//! Everything is drawn beforehand, so that each router meets the same callers with the same patience.

use std::time::Duration;

use super::router::CallType;
use super::router::Setup;
use crate::base::Entropy;
use crate::base::SkillId;
use crate::base::Timestamp;
use crate::queue::api::Need;

/// A center and one day of it.
#[derive(Clone, Debug)]
pub struct Center {
    pub name: String,
    pub setup: Setup,
    /// In order.
    pub calls: Vec<Arrival>,
    /// When which agent comes (or goes), in order.
    pub shifts: Vec<(Timestamp, u32, bool)>,
    /// How much slower than the mean each agent is.
    pub slowness: Vec<f64>,
    /// How much slower than that each agent is with each type, agent by agent. Empty: as with any.
    pub with_types: Vec<f64>,
    /// What each level above the need makes of the time that a call takes.
    pub level_gain: f64,
    /// Calls before this are not counted: the center fills up.
    pub count_from: Timestamp,
}

/// A call that will come.
#[derive(Clone, Debug, PartialEq)]
pub struct Arrival {
    pub at: Timestamp,
    pub kind: u32,
    pub patience: Duration,
    /// How long the talk takes with an agent of mean speed at the level that is needed.
    pub talk: Duration,
    pub wrap_up: Duration,
}

/// A type of calls as a planner sees it.
#[derive(Clone, Debug)]
pub struct TypePlan {
    pub needs: Vec<(u32, u8)>,
    /// After so many seconds, what will do instead.
    pub steps: Vec<(u64, Vec<(u32, u8)>)>,
    pub wants: Vec<(u32, u8)>,
    pub priority: i32,
    pub target: (u8, u64),
    /// Mean talk, in s.
    pub talk_s: f64,
    /// Mean patience, in s.
    pub patience_s: f64,
    /// Mean calls per hour, in equal parts of the day.
    pub per_hour: Vec<f64>,
}

/// Agents with equal skills.
#[derive(Clone, Debug)]
pub struct GroupPlan {
    pub skills: Vec<(u32, u8)>,
    pub agents: usize,
}

/// How ready to hang up callers are as they wait.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Patience {
    /// At any moment the same: the exponential of theory.
    #[default]
    Even,
    /// Half as ready after a minute and a half, with the same mean: as the callers of a bank were in a month.
    Falling,
}

/// A plan of a center's day.
#[derive(Clone, Debug)]
pub struct Plan {
    pub name: String,
    pub hours: f64,
    pub types: Vec<TypePlan>,
    pub groups: Vec<GroupPlan>,
    /// How talks spread: the sigma of the logarithm, or none for an exponential.
    pub talk_sigma: Option<f64>,
    /// How agents differ in speed: the sigma of the logarithm.
    pub speed_sigma: f64,
    /// This share of each group is away for that part of the day.
    pub away: Option<(f64, f64, f64)>,
    /// Mean wrap-up, in s.
    pub wrap_up_s: f64,
    /// How callers' patience falls around their type's mean.
    pub patience: Patience,
    /// What each level above the need makes of the time that a call takes.
    pub level_gain: f64,
}

impl Plan {
    /// A day of this plan, by chance.
    pub fn day(&self, seed: u64) -> Center {
        let mut chance = Entropy::seeded(seed);
        let agents: Vec<&GroupPlan> =
            self.groups.iter().flat_map(|group| std::iter::repeat_n(group, group.agents)).collect();
        let slowness = agents.iter().map(|_| log_normal(&mut chance, self.speed_sigma)).collect();
        let mut calls: Vec<Arrival> = Vec::new();
        for (kind, plan) in self.types.iter().enumerate() {
            self.arrivals(kind as u32, plan, &mut chance, &mut calls);
        }
        calls.sort_by_key(|call| (call.at, call.kind));
        let setup = Setup {
            skills: self.skills(),
            types: self.types.iter().map(TypePlan::kind).collect(),
            agents: agents.iter().map(|group| needs(&group.skills)).collect(),
        };
        let shifts = self.shifts();
        Center {
            name: self.name.clone(),
            setup,
            calls,
            shifts,
            slowness,
            with_types: Vec::new(),
            level_gain: self.level_gain,
            count_from: Timestamp::ZERO,
        }
    }

    fn skills(&self) -> usize {
        let of_types = self.types.iter().flat_map(|kind| &kind.needs);
        let of_agents = self.groups.iter().flat_map(|group| &group.skills);
        of_types.chain(of_agents).map(|(skill, _)| *skill as usize + 1).max().unwrap_or(0)
    }

    fn arrivals(&self, kind: u32, plan: &TypePlan, chance: &mut Entropy, calls: &mut Vec<Arrival>) {
        let part_s = self.hours * 3_600.0 / plan.per_hour.len() as f64;
        let busiest = plan.per_hour.iter().copied().fold(0.0, f64::max);
        if busiest <= 0.0 {
            return;
        }
        // By thinning: as many as at the busiest time, of which a share is taken.
        let mut at = 0.0;
        loop {
            at += exponential(chance, 3_600.0 / busiest);
            if at >= self.hours * 3_600.0 {
                return;
            }
            let part = (at / part_s) as usize;
            if chance.fraction() * busiest >= plan.per_hour[part.min(plan.per_hour.len() - 1)] {
                continue;
            }
            let spread = match self.talk_sigma {
                Some(sigma) => log_normal(chance, sigma),
                None => exponential(chance, 1.0),
            };
            let patience = Duration::from_secs_f64(self.patience.draw(chance, plan.patience_s));
            let wrap_up = match self.wrap_up_s > 0.0 {
                true => Duration::from_secs_f64(self.wrap_up_s * log_normal(chance, 0.5)),
                false => Duration::ZERO,
            };
            calls.push(Arrival {
                at: Timestamp((at * 1e6) as u64),
                kind,
                patience,
                talk: Duration::from_secs_f64((plan.talk_s * spread).max(1.0)),
                wrap_up,
            });
        }
    }

    fn shifts(&self) -> Vec<(Timestamp, u32, bool)> {
        let mut shifts = Vec::new();
        let mut agent = 0;
        let hours = |share: f64| Timestamp((share * self.hours * 3.6e9) as u64);
        for group in &self.groups {
            for place in 0..group.agents {
                shifts.push((Timestamp::ZERO, agent, true));
                if let Some((share, from, to)) = self.away
                    && ((place as f64 + 0.5) / group.agents as f64) < share
                {
                    shifts.push((hours(from), agent, false));
                    shifts.push((hours(to), agent, true));
                }
                agent += 1;
            }
        }
        shifts.sort();
        shifts
    }
}

/// Of the real calls of a bank's month, the rate of hanging up is 0.0035 a second between 10 and 20 s of waiting,
/// 0.0028 between 60 and 90 s, and 0.0017 beyond 90 s. That is about what it comes to where this share of the callers
/// have this part of the mean patience, and the others more.
const HASTY: (f64, f64) = (0.3, 0.2);

impl Patience {
    /// A caller's, in s.
    fn draw(self, chance: &mut Entropy, mean_s: f64) -> f64 {
        let (share, part) = HASTY;
        let mean_s = match self {
            Patience::Even => mean_s,
            Patience::Falling if chance.fraction() < share => mean_s * part,
            Patience::Falling => mean_s * (1.0 - share * part) / (1.0 - share),
        };
        exponential(chance, mean_s)
    }
}

impl TypePlan {
    fn kind(&self) -> CallType {
        let step = |(after, then): &(u64, Vec<_>)| (Duration::from_secs(*after), needs(then));
        CallType {
            needs: needs(&self.needs),
            steps: self.steps.iter().map(step).collect(),
            wants: needs(&self.wants),
            priority: self.priority,
            target: (self.target.0, Duration::from_secs(self.target.1)),
            handle_time: Duration::from_secs_f64(self.talk_s),
        }
    }
}

impl Center {
    /// The same day with everybody able to serve every call, as quickly as who is just able: what no routing
    /// can reach.
    pub fn with_every_skill(&self) -> Center {
        let mut center = self.clone();
        let needed = self.setup.types.iter().flat_map(|kind| &kind.needs).map(|need| need.level);
        let level = needed.max().unwrap_or(0).max(2);
        for skills in &mut center.setup.agents {
            for skill in (0..self.setup.skills as u32).map(SkillId) {
                match skills.iter_mut().find(|has| has.skill == skill) {
                    Some(has) => has.level = has.level.max(level),
                    None => skills.push(Need { skill, level }),
                }
            }
            skills.sort();
        }
        center
    }

    /// The same day with agents who know less: each keeps the skill that they are best at, where these are several one
    /// of them in turn, and of those who have a skill beside that, so many in a hundred keep it, and one at least.
    pub fn with_few_skills(mut self, kept: usize) -> Center {
        let mut met = vec![0; self.setup.skills];
        for (turn, skills) in self.setup.agents.iter_mut().enumerate() {
            let best = skills.iter().map(|has| has.level).max();
            let best: Vec<SkillId> =
                skills.iter().filter(|has| Some(has.level) == best).map(|has| has.skill).collect();
            skills.retain(|has| {
                has.skill == best[turn % best.len()] || is_kept(&mut met[has.skill.0 as usize], kept)
            });
        }
        self
    }

    /// The same day with agents who are better at some types than at others: the sigma of the logarithm. 0 leaves all
    /// as it is.
    pub fn with_agents_who_differ(mut self, sigma: f64, seed: u64) -> Center {
        let mut chance = Entropy::seeded(seed);
        let pairs = self.setup.agents.len() * self.setup.types.len();
        self.with_types =
            (0..pairs).filter(|_| sigma > 0.0).map(|_| log_normal(&mut chance, sigma)).collect();
        self
    }

    /// How long this call takes with this agent.
    pub(super) fn talk(&self, call: &Arrival, agent: u32) -> Duration {
        Duration::from_secs_f64(call.talk.as_secs_f64() * self.slowness_with(call.kind, agent))
    }

    fn slowness_with(&self, kind: u32, agent: u32) -> f64 {
        let pair = agent as usize * self.setup.types.len() + kind as usize;
        let with_type = self.with_types.get(pair).copied().unwrap_or(1.0);
        let (kind, skills) = (&self.setup.types[kind as usize], &self.setup.agents[agent as usize]);
        // Who will do at a later step alone is below, and slower.
        let above = |need: &Need| i32::from(super::router::level(skills, need)) - i32::from(need.level);
        self.slowness[agent as usize] * with_type * self.level_gain.powi(kind.needs.iter().map(above).sum())
    }
}

/// Whether the next of those who were met is among so many in a hundred, evenly spread; the first is.
fn is_kept(met: &mut usize, kept: usize) -> bool {
    let before = (*met * kept).div_ceil(100);
    *met += 1;
    (*met * kept).div_ceil(100) > before
}

/// What each level above the need mostly makes of the time that a call takes.
pub(super) const LEVEL_GAIN: f64 = 0.93;

fn needs(skills: &[(u32, u8)]) -> Vec<Need> {
    let mut needs: Vec<Need> =
        skills.iter().map(|(skill, level)| Need { skill: SkillId(*skill), level: *level }).collect();
    needs.sort();
    needs
}

pub(super) fn exponential(chance: &mut Entropy, mean: f64) -> f64 {
    -mean * (1.0 - chance.fraction()).ln()
}

/// With mean 1.
pub(super) fn log_normal(chance: &mut Entropy, sigma: f64) -> f64 {
    let radius = (-2.0 * (1.0 - chance.fraction()).ln()).sqrt();
    let normal = radius * (std::f64::consts::TAU * chance.fraction()).cos();
    (sigma * normal - sigma * sigma / 2.0).exp()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_has_waited_hangs_up_less_readily_and_on_average_as_late() {
        let mut chance = Entropy::seeded(1);
        let drawn: Vec<f64> = (0..200_000).map(|_| Patience::Falling.draw(&mut chance, 450.0)).collect();
        let mean = drawn.iter().sum::<f64>() / drawn.len() as f64;
        assert!((445.0..455.0).contains(&mean), "{mean}");
        let rate = |from: f64, to: f64| {
            let there = drawn.iter().filter(|at| **at > from).map(|at| at.min(to) - from).sum::<f64>();
            drawn.iter().filter(|at| (from..to).contains(at)).count() as f64 / there
        };
        assert!((0.0033..0.0045).contains(&rate(10.0, 20.0)), "{}", rate(10.0, 20.0));
        assert!((0.0024..0.0036).contains(&rate(60.0, 90.0)), "{}", rate(60.0, 90.0));
        assert!((0.0014..0.0024).contains(&rate(120.0, 300.0)), "{}", rate(120.0, 300.0));
    }
}
