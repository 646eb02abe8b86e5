//! Who can serve what: equal skill maps are one profile, equal need-sets one class, and which profile
//! fits which class is worked out once, when either is first seen.
//!
//! It knows who is idle and who is first in line, not why: states are in `agents`, waits in `waits`.

use std::collections::BTreeSet;

use serde::Deserialize;
use serde::Serialize;

use super::api::AgentConfig;
use super::api::Need;
use super::bits::Bits;
use super::line::Key;
use super::line::Line;
use crate::base::AgentId;
use crate::base::Timestamp;

/// The highest level of a skill.
const TOP_LEVEL: u8 = 10;

/// How many classes are remembered though no call is in them: flows tend to ask for the same again.
const CLASSES_KEPT: usize = 4_096;

/// A place in the list of profiles.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct ProfileId(u32);

/// A place in the list of classes, free to be another class once no call is in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(super) struct ClassId(u32);

/// Agents with equal skills.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Profile {
    /// By skill; 0 for a skill that they do not have.
    levels: Vec<u8>,
    /// How many skills they have.
    breadth: u32,
    /// Longest idle first.
    idle: BTreeSet<(Timestamp, AgentId)>,
    /// How many are signed in.
    staffed: u32,
    /// How many of those take calls: ready or busy with one.
    working: u32,
    /// The classes they can serve.
    serves: Bits,
}

/// Calls with equal needs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Class {
    needs: Vec<Need>,
    /// The profiles that meet them.
    eligible: Bits,
    /// The calls that an agent may be rung for, in order.
    line: Line,
    /// How many calls (and queues) are of this class, waiting or not.
    users: u32,
    /// How many signed-in agents can serve it.
    staffed: u32,
    /// When its last agent signed out.
    deserted_at: Option<Timestamp>,
}

/// The first of a class's line and the line's length, apart from the class to stay close together in
/// memory: a freed agent looks at those of all classes it serves.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
struct Head {
    first: Option<Key>,
    waiting: u32,
}

/// An idle agent for a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct BestAgent {
    pub agent: AgentId,
    /// Sum of levels above what is needed.
    pub fit: u32,
    pub idle_since: Timestamp,
    /// How many idle agents fit, this one among them.
    pub fitting: u32,
}

/// The table of profiles and classes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Skills {
    profiles: Vec<Profile>,
    /// By skill and level: the profiles that have it.
    planes: Vec<Bits>,
    idle_profiles: Bits,
    classes: Vec<Class>,
    heads: Vec<Head>,
    /// The classes with somebody in line.
    waiting_classes: Bits,
    /// Classes in use or remembered, by their needs.
    by_needs: Vec<ClassId>,
    /// Places of classes that are forgotten.
    free: Vec<ClassId>,
}

impl Skills {
    /// The table for these agents, and each agent's profile. Nobody is signed in.
    pub fn new(skills: usize, agents: &[AgentConfig]) -> (Skills, Vec<ProfileId>) {
        let mut of_agents: Vec<(Vec<u8>, usize)> =
            agents.iter().map(|a| levels(skills, a)).zip(0..).collect();
        of_agents.sort();
        let mut profile_of = vec![ProfileId(0); agents.len()];
        let mut profiles: Vec<Profile> = Vec::new();
        for (levels, agent) in of_agents {
            if profiles.last().is_none_or(|last| last.levels != levels) {
                profiles.push(Profile::new(levels));
            }
            profile_of[agent] = ProfileId(profiles.len() as u32 - 1);
        }
        let mut planes = vec![Bits::default(); skills * usize::from(TOP_LEVEL)];
        for (id, profile) in profiles.iter().enumerate() {
            for (skill, level) in profile.levels.iter().enumerate() {
                (1..=*level).for_each(|level| planes[plane(skill, level)].insert(id));
            }
        }
        let table = Skills {
            profiles,
            planes,
            idle_profiles: Bits::default(),
            classes: Vec::new(),
            heads: Vec::new(),
            waiting_classes: Bits::default(),
            by_needs: Vec::new(),
            free: Vec::new(),
        };
        (table, profile_of)
    }

    /// The class of these needs, which [`merged`] has put in order, with one user more.
    pub fn class_of(&mut self, needs: &[Need]) -> ClassId {
        let found = self
            .by_needs
            .binary_search_by(|class| self.classes[class.0 as usize].needs.as_slice().cmp(needs));
        let class = match found {
            Ok(place) => self.by_needs[place],
            Err(place) => self.learn(place, needs),
        };
        self.use_class(class);
        class
    }

    /// One user more of a class that is in use.
    pub fn use_class(&mut self, class: ClassId) {
        self.classes[class.0 as usize].users += 1;
    }

    /// One user less. A class without users may be forgotten.
    pub fn release(&mut self, class: ClassId) {
        let users = &mut self.classes[class.0 as usize].users;
        *users -= 1;
        if *users == 0 && self.by_needs.len() > CLASSES_KEPT {
            self.forget(class);
        }
    }

    fn learn(&mut self, place: usize, needs: &[Need]) -> ClassId {
        let mut eligible = Bits::full(self.profiles.len());
        for need in needs {
            match self.planes.get(plane(need.skill.0 as usize, need.level)) {
                Some(plane) if need.level <= TOP_LEVEL => eligible.keep(plane),
                _ => eligible = Bits::default(),
            }
        }
        let staffed = eligible.iter().map(|profile| self.profiles[profile].staffed).sum();
        let class = Class {
            needs: needs.to_vec(),
            eligible,
            line: Line::default(),
            users: 0,
            staffed,
            deserted_at: None,
        };
        let id = self.free.pop().unwrap_or(ClassId(self.classes.len() as u32));
        for profile in class.eligible.iter() {
            self.profiles[profile].serves.insert(id.0 as usize);
        }
        if id.0 as usize == self.classes.len() {
            self.classes.push(class);
            self.heads.push(Head { first: None, waiting: 0 });
        } else {
            self.classes[id.0 as usize] = class;
        }
        self.by_needs.insert(place, id);
        id
    }

    fn forget(&mut self, id: ClassId) {
        let class = &self.classes[id.0 as usize];
        assert_eq!(class.line.len(), 0, "a class without calls has nobody in line");
        let found =
            self.by_needs.binary_search_by(|other| self.classes[other.0 as usize].needs.cmp(&class.needs));
        // Every class that is not free stands in `by_needs`, and it was not free until now.
        self.by_needs.remove(found.expect("a class in use is listed by its needs"));
        for profile in class.eligible.iter() {
            self.profiles[profile].serves.remove(id.0 as usize);
        }
        self.free.push(id);
    }

    /// What calls of this class need, by skill.
    pub fn needs(&self, class: ClassId) -> &[Need] {
        &self.classes[class.0 as usize].needs
    }

    /// How many signed-in agents can serve this class.
    pub fn staffed(&self, class: ClassId) -> u32 {
        self.classes[class.0 as usize].staffed
    }

    /// How many agents who take calls now can serve this class.
    pub fn working(&self, class: ClassId) -> u32 {
        self.classes[class.0 as usize].eligible.iter().map(|profile| self.profiles[profile].working).sum()
    }

    /// Since when nobody who can serve this class is signed in.
    pub fn deserted_at(&self, class: ClassId) -> Option<Timestamp> {
        self.classes[class.0 as usize].deserted_at
    }

    /// An agent of this profile signs in: no class it serves is deserted any more.
    pub fn sign_in(&mut self, profile: ProfileId) {
        let profile = &mut self.profiles[profile.0 as usize];
        profile.staffed += 1;
        for class in profile.serves.iter() {
            self.classes[class].staffed += 1;
            self.classes[class].deserted_at = None;
        }
    }

    /// An agent of this profile signs out at `now`: the classes that have calls and nobody left.
    pub fn sign_out(&mut self, profile: ProfileId, now: Timestamp) -> Vec<ClassId> {
        let profile = &mut self.profiles[profile.0 as usize];
        profile.staffed -= 1;
        let mut deserted = Vec::new();
        for id in profile.serves.iter() {
            let class = &mut self.classes[id];
            class.staffed -= 1;
            if class.staffed == 0 && class.users > 0 {
                class.deserted_at = Some(now);
                deserted.push(ClassId(id as u32));
            }
        }
        deserted
    }

    /// The grace of a deserted class is over: its calls in line.
    pub fn give_up(&mut self, class: ClassId) -> impl Iterator<Item = Key> + '_ {
        let class = &mut self.classes[class.0 as usize];
        class.deserted_at = None;
        class.line.iter()
    }

    /// One agent more or less of this profile takes calls.
    pub fn set_working(&mut self, profile: ProfileId, more: bool) {
        let working = &mut self.profiles[profile.0 as usize].working;
        *working = if more { *working + 1 } else { *working - 1 };
    }

    /// An agent is free for a call since `since`.
    pub fn idle(&mut self, id: ProfileId, agent: AgentId, since: Timestamp) {
        let profile = &mut self.profiles[id.0 as usize];
        assert!(profile.idle.insert((since, agent)), "an agent gets idle once");
        self.idle_profiles.insert(id.0 as usize);
    }

    /// An agent is free no more.
    pub fn busy(&mut self, id: ProfileId, agent: AgentId, since: Timestamp) {
        let profile = &mut self.profiles[id.0 as usize];
        assert!(profile.idle.remove(&(since, agent)), "an agent who gets busy was idle");
        if profile.idle.is_empty() {
            self.idle_profiles.remove(id.0 as usize);
        }
    }

    /// A call of this class may be assigned.
    pub fn join(&mut self, class: ClassId, key: Key) {
        self.classes[class.0 as usize].line.join(key);
        self.refresh_head(class);
    }

    /// A call of this class may not be assigned any more; whether it could be.
    pub fn leave(&mut self, class: ClassId, key: Key) -> bool {
        let left = self.classes[class.0 as usize].line.leave(key);
        self.refresh_head(class);
        left
    }

    fn refresh_head(&mut self, class: ClassId) {
        let place = class.0 as usize;
        let line = &self.classes[place].line;
        self.heads[place] = Head { first: line.first(), waiting: line.len() as u32 };
        match line.first() {
            Some(_) => self.waiting_classes.insert(place),
            None => self.waiting_classes.remove(place),
        }
    }

    /// The idle agent for a call of this class: who fits best, then who has the fewest skills, so that
    /// those who can do more stay free for what only they can do; then who is idle longest, then by id.
    ///
    /// An agent whom `spared` names is passed over.
    pub fn best_agent(&self, class: ClassId, spared: impl Fn(AgentId) -> bool) -> Option<BestAgent> {
        let class = &self.classes[class.0 as usize];
        let mut best = None;
        let mut fitting = 0;
        for id in class.eligible.shared(&self.idle_profiles) {
            let profile = &self.profiles[id];
            fitting += profile.idle.len() as u32;
            let Some((since, agent)) = profile.idle.iter().find(|(_, agent)| !spared(*agent)) else {
                continue;
            };
            let rank = (u32::MAX - profile.fit(&class.needs), profile.breadth, *since, *agent);
            best = Some(best.map_or(rank, |best| rank.min(best)));
        }
        let (unfit, _, idle_since, agent) = best?;
        Some(BestAgent { agent, fit: u32::MAX - unfit, idle_since, fitting })
    }

    /// The call that an agent of this profile serves next: the first in order over all classes it can
    /// serve. With it, how many wait there. A call that `spared` names is passed over.
    pub fn first_call(&self, profile: ProfileId, spared: Option<impl Fn(Key) -> bool>) -> Option<(Key, u32)> {
        let serves = &self.profiles[profile.0 as usize].serves;
        let mut waiting = 0;
        let mut first: Option<Key> = None;
        for class in serves.shared(&self.waiting_classes) {
            let head = self.heads[class];
            waiting += head.waiting;
            let candidate = match &spared {
                None => head.first,
                Some(spared) => self.classes[class].line.iter().find(|key| !spared(*key)),
            };
            first = match (first, candidate) {
                (Some(a), Some(b)) => Some(a.min(b)),
                (a, b) => a.or(b),
            };
        }
        first.map(|key| (key, waiting))
    }

    /// How many calls are in line that an agent of this profile can serve.
    pub fn waiting_for(&self, profile: ProfileId) -> u32 {
        let serves = &self.profiles[profile.0 as usize].serves;
        serves.shared(&self.waiting_classes).map(|class| self.heads[class].waiting).sum()
    }
}

impl Profile {
    fn new(levels: Vec<u8>) -> Profile {
        let breadth = levels.iter().filter(|level| **level > 0).count() as u32;
        Profile { levels, breadth, idle: BTreeSet::new(), staffed: 0, working: 0, serves: Bits::default() }
    }

    /// The sum of levels above what is needed, for needs that are met.
    fn fit(&self, needs: &[Need]) -> u32 {
        needs.iter().map(|need| u32::from(self.levels[need.skill.0 as usize] - need.level)).sum()
    }
}

/// What a call needs: the queue's needs and its own, the higher level of each skill, sorted by skill. A
/// level of 0 asks for nothing.
pub(super) fn merged(of_queue: &[Need], of_call: &[Need]) -> Vec<Need> {
    let mut needs: Vec<Need> =
        of_queue.iter().chain(of_call).filter(|need| need.level > 0).copied().collect();
    needs.sort_by_key(|need| (need.skill, std::cmp::Reverse(need.level)));
    needs.dedup_by_key(|need| need.skill);
    needs
}

/// An agent's levels by skill. A skill that the center does not have is left out; a level above 10 is 10.
fn levels(skills: usize, agent: &AgentConfig) -> Vec<u8> {
    let mut levels = vec![0; skills];
    for has in &agent.skills {
        if let Some(level) = levels.get_mut(has.skill.0 as usize) {
            *level = has.level.min(TOP_LEVEL).max(*level);
        }
    }
    levels
}

/// The place of a skill's level in [`Skills::planes`]; levels begin at 1.
fn plane(skill: usize, level: u8) -> usize {
    skill * usize::from(TOP_LEVEL) + usize::from(level) - 1
}
