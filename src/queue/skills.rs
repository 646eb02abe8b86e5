//! Who can serve what: equal skill maps are one profile, calls of equal queue, priority and needs one class,
//! and which profile fits which class is worked out once, when either is first seen.
//!
//! It knows who is idle and who is first in line, not why: states are in `agents`, waits in `waits`.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::collections::HashMap; // looked up only
use std::hash::BuildHasherDefault;
use std::time::Duration;

use serde::Deserialize;
use serde::Deserializer;
use serde::Serialize;
use serde::Serializer;
use smallvec::SmallVec;

use super::api::AgentChoice;
use super::api::AgentConfig;
use super::api::Demand;
use super::api::Need;
use super::api::Needs;
use super::api::QueueConfig;
use super::bits::Bits;
use super::calls::Scatter;
use super::choose::Fortune;
use super::idle::Idle;
use super::line::Key;
use super::line::Line;
use super::line::Place;
use super::reserve::Want;
use crate::base::AgentId;
use crate::base::QueueId;
use crate::base::SkillId;
use crate::base::Timestamp;

/// The highest level of a skill.
const TOP_LEVEL: u8 = 10;

/// How many classes are remembered though no call is in them: flows tend to ask for the same again.
const CLASSES_KEPT: usize = 4_096;

/// A place in the list of profiles.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct ProfileId(pub(super) u32);

/// A place in the list of classes, free to be another class once no call is in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(super) struct ClassId(pub(super) u32);

/// The classes that a call is of in the course of its wait, and from which age on. The first is from the
/// beginning.
pub(super) type Course = SmallVec<[(Duration, ClassId); 1]>;

/// Agents with equal skills. What is asked whenever one of them changes comes first, and stays together in memory.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[repr(C, align(64))]
pub(super) struct Profile {
    /// The classes they can serve.
    pub serves: Bits,
    /// How many are signed in.
    staffed: u32,
    /// How many of those take calls: ready or busy with one.
    working: u32,
    /// How many calls in a row they have taken while one past its second promise waited for them.
    pub passed: u32,
    /// How many agents have it. A profile that nobody has is free to be another.
    members: u32,
    /// Longest idle first.
    pub idle: Idle,
    /// By skill; 0 for a skill that they do not have.
    levels: Vec<u8>,
    /// How many skills they have.
    breadth: u32,
    /// The same agents by how many calls they have taken, and by their place: where some queue goes by it.
    by_calls: BTreeSet<(u32, Timestamp, AgentId)>,
    by_place: BTreeMap<AgentId, Timestamp>,
}

/// What makes calls one class.
#[derive(Clone, Copy, Debug)]
pub(super) struct Kind<'a> {
    pub needs: &'a Needs,
    pub queue: QueueId,
    /// The queue's and the call's own.
    pub priority: i32,
    /// The queue's: it follows from the queue.
    pub target: Duration,
}

/// The same, to be found by.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Filed {
    queue: QueueId,
    priority: i32,
    needs: Needs,
}

impl Kind<'_> {
    fn filed(&self) -> Filed {
        Filed { queue: self.queue, priority: self.priority, needs: self.needs.clone() }
    }
}

/// Calls with equal needs, queue and priority.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Class {
    /// The profiles that meet the needs.
    pub eligible: Bits,
    /// The calls that an agent may be rung for, in order.
    pub line: Line,
    /// How many calls (and queues) are of this class, waiting or not.
    users: u32,
    /// How many signed-in agents can serve it.
    staffed: u32,
    /// When its last agent signed out.
    deserted_at: Option<Timestamp>,
}

/// What a freed agent looks at of each class it serves, apart from the class to stay close together in memory: what
/// every agent reads is in the first 64 bytes, the needs are in the last.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[repr(C, align(64))]
pub(super) struct Head {
    /// The first that was within target when last looked at, and how many are before it.
    pub fresh: Option<Key>,
    /// When the last in line joined, in µs as [`Key::since`]; 0 of an empty line.
    #[serde(skip)]
    pub last_since: i64,
    pub target_us: i64,
    pub waiting: u32,
    pub late: u32,
    pub queue: QueueId,
    pub priority: i32,
    /// The first in line, if anybody waits.
    #[serde(skip)]
    first: Key,
    pub fortune: Fortune,
    /// When its held-back calls will be looked at again.
    pub look_at: Option<Timestamp>,
    pub needs: Needs,
    /// Where in line the first within target was put.
    #[serde(skip)]
    fresh_at: Place,
}

/// Of the agents who can serve a class, those who are idle and those who take calls. Every agent who changes counts in
/// all the classes that they serve, and that need something: what needs nothing is anybody's, and counted once.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Count {
    pub idle: u32,
    pub working: u32,
}

impl Count {
    /// Somebody who is in it so far as the first is so as the other from now on.
    fn change(&mut self, from: Count, to: Count) {
        self.idle = self.idle - from.idle + to.idle;
        self.working = self.working - from.working + to.working;
    }
}

impl Head {
    fn filed(&self) -> Filed {
        Filed { queue: self.queue, priority: self.priority, needs: self.needs.clone() }
    }

    /// The first in line.
    pub fn first(&self) -> Option<Key> {
        (self.waiting > 0).then_some(self.first)
    }

    /// The first in line within target, and the first past it.
    pub fn firsts(&self) -> (Option<Key>, Option<Key>) {
        (self.fresh, self.first().filter(|_| self.late > 0))
    }

    /// Who is the first within target, and where.
    fn see_fresh(&mut self, fresh: Option<(Key, Place)>) {
        self.fresh = fresh.map(|(key, _)| key);
        self.fresh_at = fresh.map_or(Place::default(), |(_, place)| place);
    }

    /// Who is at the ends of its line.
    fn see(&mut self, line: &Line) {
        self.first = line.first().unwrap_or_default();
        self.last_since = line.last().map_or(0, |last| last.since);
    }
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

/// What orders idle agents, the least first.
type Rank = ((bool, (u32, u32)), Timestamp, AgentId);

/// The table of profiles and classes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(remote = "Self")]
pub(super) struct Skills {
    /// By agent: looked up for whatever an agent does, and small enough to be at hand.
    profile_of: Vec<ProfileId>,
    pub profiles: Vec<Profile>,
    /// By skill and level: the profiles that have it.
    planes: Vec<Bits>,
    /// The profiles that have a skill that there is not: none.
    nobody: Bits,
    pub idle_profiles: Bits,
    /// Whether some queue goes by calls taken, or by turns.
    ranked: bool,
    pub classes: Vec<Class>,
    pub heads: Vec<Head>,
    pub wants: Vec<Want>,
    /// By class; none of those that are anybody's.
    #[serde(skip)]
    counts: Vec<Option<Count>>,
    /// Of all agents.
    #[serde(skip)]
    everybody: Count,
    /// The classes that need something.
    #[serde(skip)]
    needy_classes: Bits,
    /// The classes with somebody in line.
    pub waiting_classes: Bits,
    /// The classes to which an idle agent more is worth something: what is in [`Want`].
    #[serde(skip)]
    pub wanting_classes: Bits,
    /// Classes in use or remembered, by their kind.
    #[serde(skip)]
    by_kind: HashMap<Filed, ClassId, BuildHasherDefault<Scatter>>, // looked up only
    /// Places of classes that are forgotten.
    free: Vec<ClassId>,
}

impl Serialize for Skills {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Skills::serialize(self, serializer)
    }
}

impl<'de> Deserialize<'de> for Skills {
    /// What follows from the rest is not written down, and worked out again.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Skills, D::Error> {
        let mut skills = Skills::deserialize(deserializer)?;
        let listed = skills.listed();
        skills.heads.iter_mut().zip(&skills.classes).for_each(|(head, class)| head.see(&class.line));
        let wanting = |class: &usize| skills.wants[*class].is_any();
        skills.wanting_classes = (0..skills.wants.len()).filter(wanting).collect();
        skills.everybody = skills.count_of(&Bits::full(skills.profiles.len()));
        let needy = |class: &usize| !skills.heads[*class].needs.is_empty();
        skills.needy_classes = (0..skills.heads.len()).filter(needy).collect();
        let counts = skills.classes.iter().zip(&skills.heads);
        skills.counts = counts.map(|(class, head)| skills.own_count(&head.needs, &class.eligible)).collect();
        skills.by_kind = listed.into_iter().map(|id| (skills.head(id).filed(), id)).collect();
        Ok(skills)
    }
}

impl Skills {
    /// The table for these agents. Nobody is signed in.
    pub fn new(skills: usize, agents: &[AgentConfig]) -> Skills {
        let mut of_agents: Vec<(Vec<u8>, usize)> =
            agents.iter().map(|a| levels(skills, a)).zip(0..).collect();
        of_agents.sort();
        let mut profile_of = vec![ProfileId(0); agents.len()];
        let mut profiles: Vec<Profile> = Vec::new();
        for (levels, agent) in of_agents {
            if profiles.last().is_none_or(|last| last.levels != levels) {
                profiles.push(Profile::new(levels));
            }
            let place = profiles.len() - 1;
            profiles[place].members += 1;
            profile_of[agent] = ProfileId(place as u32);
        }
        let mut planes = vec![Bits::default(); skills * usize::from(TOP_LEVEL)];
        for (id, profile) in profiles.iter().enumerate() {
            for (skill, level) in profile.levels.iter().enumerate() {
                (1..=*level).for_each(|level| planes[plane(skill, level)].insert(id));
            }
        }
        Skills {
            profile_of,
            profiles,
            planes,
            nobody: Bits::default(),
            idle_profiles: Bits::default(),
            ranked: false,
            classes: Vec::new(),
            heads: Vec::new(),
            wants: Vec::new(),
            counts: Vec::new(),
            everybody: Count::default(),
            needy_classes: Bits::default(),
            waiting_classes: Bits::default(),
            wanting_classes: Bits::default(),
            by_kind: HashMap::default(), // looked up only
            free: Vec::new(),
        }
    }

    pub fn profile_of(&self, agent: AgentId) -> ProfileId {
        self.profile_of[agent.0 as usize]
    }

    /// The class of this kind, with one user more.
    pub fn class_of(&mut self, kind: Kind<'_>) -> ClassId {
        let class = match self.by_kind.get(&kind.filed()) {
            Some(class) => *class,
            None => self.learn(kind),
        };
        self.use_class(class);
        class
    }

    /// The classes that a call with this priority and this demand of its own goes through in a queue, with one
    /// user more of each.
    pub fn course_of(&mut self, queue: QueueId, config: &QueueConfig, priority: i32, own: &Demand) -> Course {
        let target = config.service_level.1;
        let mut class = |needs: &Needs| self.class_of(Kind { needs, queue, priority, target });
        if config.needs.steps.is_empty() && own.is_empty() {
            return Course::from_elem((Duration::ZERO, class(&config.needs.needs)), 1);
        }
        config.needs.with(own).iter().map(|(age, needs)| (*age, class(needs))).collect()
    }

    /// One user more of a class that is in use.
    pub fn use_class(&mut self, class: ClassId) {
        self.classes[class.0 as usize].users += 1;
    }

    /// One user less. A class without users may be forgotten.
    pub fn release(&mut self, class: ClassId) {
        let users = &mut self.classes[class.0 as usize].users;
        *users -= 1;
        if *users == 0 && self.by_kind.len() > CLASSES_KEPT {
            self.forget(class);
        }
    }

    fn learn(&mut self, kind: Kind<'_>) -> ClassId {
        let eligible = self.eligible(kind.needs);
        let head = Head {
            fresh: None,
            last_since: 0,
            waiting: 0,
            late: 0,
            first: Key::default(),
            target_us: i64::try_from(kind.target.as_micros()).unwrap_or(i64::MAX / 2).min(i64::MAX / 2),
            queue: kind.queue,
            priority: kind.priority,
            needs: kind.needs.clone(),
            fortune: Fortune::default(),
            look_at: None,
            fresh_at: Place::default(),
        };
        let (want, count) = (Want::new(kind.queue), self.own_count(kind.needs, &eligible));
        let staffed = eligible.iter().map(|profile| self.profiles[profile].staffed).sum();
        let class = Class { eligible, line: Line::default(), users: 0, staffed, deserted_at: None };
        let id = self.free.pop().unwrap_or(ClassId(self.classes.len() as u32));
        for profile in class.eligible.iter() {
            self.profiles[profile].serves.insert(id.0 as usize);
        }
        match count {
            Some(_) => self.needy_classes.insert(id.0 as usize),
            None => self.needy_classes.remove(id.0 as usize),
        }
        if id.0 as usize == self.classes.len() {
            self.classes.push(class);
            self.heads.push(head);
            self.wants.push(want);
            self.counts.push(count);
        } else {
            self.classes[id.0 as usize] = class;
            self.heads[id.0 as usize] = head;
            self.wants[id.0 as usize] = want;
            self.wanting_classes.remove(id.0 as usize);
            self.counts[id.0 as usize] = count;
        }
        self.by_kind.insert(kind.filed(), id);
        id
    }

    /// What is counted of a class with these needs, which these profiles meet.
    fn own_count(&self, needs: &Needs, eligible: &Bits) -> Option<Count> {
        (!needs.is_empty()).then(|| self.count_of(eligible))
    }

    /// Of the agents of these profiles.
    fn count_of(&self, eligible: &Bits) -> Count {
        eligible.iter().map(|profile| &self.profiles[profile]).fold(Count::default(), |sum, profile| Count {
            idle: sum.idle + profile.idle.len() as u32,
            working: sum.working + profile.working,
        })
    }

    /// The profiles that have a skill at a level.
    fn has(&self, need: Need) -> &Bits {
        let known = need.level <= TOP_LEVEL;
        let plane = known.then(|| self.planes.get(plane(need.skill.0 as usize, need.level))).flatten();
        plane.unwrap_or(&self.nobody)
    }

    /// The profiles that meet these needs.
    fn eligible(&self, needs: &Needs) -> Bits {
        let mut eligible = Bits::full(self.profiles.len());
        for mut clause in needs.clauses() {
            let able = clause.next().map_or(&self.nobody, |need| self.has(need));
            match clause.next() {
                None => eligible.keep(able),
                Some(second) => {
                    let mut able = able.clone();
                    able.add(self.has(second));
                    clause.for_each(|need| able.add(self.has(need)));
                    eligible.keep(&able);
                }
            }
        }
        eligible
    }

    /// The class that is this one at another priority, with one user more.
    pub fn reclassed(&mut self, class: ClassId, priority: i32) -> ClassId {
        let head = &self.heads[class.0 as usize];
        let (needs, queue, target_us) = (head.needs.clone(), head.queue, head.target_us);
        let target = Duration::from_micros(target_us as u64);
        self.class_of(Kind { needs: &needs, queue, priority, target })
    }

    /// The profile that is this one with a skill at another level, nobody's yet when it is new. None: it is the
    /// same, or there is no such skill.
    pub fn profile_with(&mut self, id: ProfileId, skill: SkillId, level: u8) -> Option<ProfileId> {
        let mut levels = self.profiles[id.0 as usize].levels.clone();
        let has = levels.get_mut(skill.0 as usize)?;
        let level = level.min(TOP_LEVEL);
        if std::mem::replace(has, level) == level {
            return None;
        }
        let known = self.profiles.iter().position(|profile| profile.levels == levels);
        let place = known.unwrap_or_else(|| self.learn_profile(levels));
        Some(ProfileId(place as u32))
    }

    /// One agent more, without a skill and signed out.
    pub fn add_agent(&mut self) {
        let levels = vec![0; self.planes.len() / usize::from(TOP_LEVEL)];
        let known = self.profiles.iter().position(|profile| profile.levels == levels);
        let place = known.unwrap_or_else(|| self.learn_profile(levels));
        self.profiles[place].members += 1;
        self.profile_of.push(ProfileId(place as u32));
    }

    /// Which skills an agent is to have at another level to be as `config` says.
    pub fn differences(&self, agent: AgentId, config: &AgentConfig) -> Vec<(SkillId, u8)> {
        let has = &self.profiles[self.profile_of(agent).0 as usize].levels;
        let wanted = levels(has.len(), config);
        let differs = has.iter().zip(wanted).zip(0..).filter(|((has, wanted), _)| *has != wanted);
        differs.map(|((_, wanted), skill)| (SkillId(skill), wanted)).collect()
    }

    /// A new profile, in the place of one that nobody has any more if there is one: so they are no more than the
    /// agents and one.
    fn learn_profile(&mut self, levels: Vec<u8>) -> usize {
        let free = self.profiles.iter().position(|profile| profile.members == 0);
        let place = free.unwrap_or(self.profiles.len());
        self.planes.iter_mut().for_each(|plane| plane.remove(place));
        for (skill, level) in levels.iter().enumerate() {
            (1..=*level).for_each(|level| self.planes[plane(skill, level)].insert(place));
        }
        let profile = Profile::new(levels);
        match self.profiles.get_mut(place) {
            Some(free) => *free = profile,
            None => self.profiles.push(profile),
        }
        for ClassId(class) in self.listed() {
            let class = class as usize;
            let eligible = self.eligible(&self.heads[class].needs);
            if eligible.has(place) {
                self.profiles[place].serves.insert(class);
            }
            self.classes[class].eligible = eligible;
        }
        place
    }

    /// An agent has another profile now.
    pub fn change_profile(&mut self, agent: AgentId, to: ProfileId) {
        let from = std::mem::replace(&mut self.profile_of[agent.0 as usize], to);
        self.profiles[to.0 as usize].members += 1;
        let left = &mut self.profiles[from.0 as usize];
        left.members -= 1;
        if left.members == 0 {
            left.passed = 0;
        }
    }

    /// The classes in use or remembered, in the order of their places.
    fn listed(&self) -> Vec<ClassId> {
        let free: BTreeSet<ClassId> = self.free.iter().copied().collect();
        (0..self.classes.len() as u32).map(ClassId).filter(|class| !free.contains(class)).collect()
    }

    fn forget(&mut self, id: ClassId) {
        let class = &self.classes[id.0 as usize];
        assert_eq!(class.line.len(), 0, "a class without calls has nobody in line");
        let listed = self.by_kind.remove(&self.heads[id.0 as usize].filed());
        assert_eq!(listed, Some(id), "a class that is not free is listed by its kind");
        for profile in class.eligible.iter() {
            self.profiles[profile].serves.remove(id.0 as usize);
        }
        self.free.push(id);
    }

    /// What calls of this class need, by skill.
    pub fn needs(&self, class: ClassId) -> &Needs {
        &self.heads[class.0 as usize].needs
    }

    /// How many signed-in agents can serve this class.
    pub fn staffed(&self, class: ClassId) -> u32 {
        self.classes[class.0 as usize].staffed
    }

    /// How many agents who can serve this class are idle, and take calls.
    pub fn count(&self, class: usize) -> Count {
        self.counts[class].unwrap_or(self.everybody)
    }

    /// An agent of this profile counts otherwise from now on, in all that they serve: both are of this agent alone.
    pub fn recount(&mut self, profile: ProfileId, from: Count, to: Count) {
        if from == to {
            return;
        }
        let Profile { serves, working, .. } = &mut self.profiles[profile.0 as usize];
        *working = *working - from.working + to.working;
        let counts = &mut self.counts;
        let change = |class: usize| counts[class].iter_mut().for_each(|count| count.change(from, to));
        serves.for_each_shared(&self.needy_classes, change);
        self.everybody.change(from, to);
    }

    pub fn head(&self, class: ClassId) -> &Head {
        &self.heads[class.0 as usize]
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

    /// Calls have come into this class though nobody who can serve it is signed in; whether that is news.
    pub fn mark_deserted(&mut self, class: ClassId, now: Timestamp) -> bool {
        let class = &mut self.classes[class.0 as usize];
        let news = class.staffed == 0 && class.deserted_at.is_none();
        if news {
            class.deserted_at = Some(now);
        }
        news
    }

    /// The grace of a deserted class is over: its calls in line.
    pub fn give_up(&mut self, class: ClassId) -> impl Iterator<Item = Key> + '_ {
        let class = &mut self.classes[class.0 as usize];
        class.deserted_at = None;
        class.line.iter()
    }

    /// Some queue goes by calls taken, or by turns: keeps idle agents in these orders too. Nobody is idle yet.
    pub fn keep_ranks(&mut self) {
        self.ranked = true;
    }

    /// An agent who has taken so many calls is free for another since `since`, which is to be counted as well.
    pub fn idle(&mut self, id: ProfileId, agent: AgentId, since: Timestamp, calls: u32) {
        let profile = &mut self.profiles[id.0 as usize];
        if self.ranked {
            profile.by_calls.insert((calls, since, agent));
            profile.by_place.insert(agent, since);
        }
        assert!(profile.idle.insert(since, agent), "an agent gets idle once");
        self.idle_profiles.insert(id.0 as usize);
    }

    /// An agent is free no more; the rest as they were told to be.
    pub fn busy(&mut self, id: ProfileId, agent: AgentId, since: Timestamp, calls: u32) {
        let profile = &mut self.profiles[id.0 as usize];
        if self.ranked {
            profile.by_calls.remove(&(calls, since, agent));
            profile.by_place.remove(&agent);
        }
        assert!(profile.idle.remove(since, agent), "an agent who gets busy was idle");
        if profile.idle.is_empty() {
            self.idle_profiles.remove(id.0 as usize);
        }
    }

    /// A call of this class has come, with so much at stake for the next.
    pub fn called(&mut self, class: usize, now_s: f64, stake: f64) {
        let want = &mut self.wants[class];
        want.called(now_s, stake);
        match want.is_any() {
            true => self.wanting_classes.insert(class),
            false => self.wanting_classes.remove(class),
        }
    }

    /// A call of this class may be assigned; where it is in line.
    pub fn join(&mut self, class: ClassId, key: Key, now: Timestamp) -> Place {
        let place = class.0 as usize;
        let (line, head) = (&mut self.classes[place].line, &mut self.heads[place]);
        let stands = line.join(key);
        if head.first().is_none_or(|first| key < first) {
            head.first = key;
        }
        head.last_since = if head.waiting == 0 { key.since } else { head.last_since.max(key.since) };
        head.waiting += 1;
        self.waiting_classes.insert(place);
        let fresh = key.since >= head.in_target_since(now);
        if fresh && head.fresh.is_none_or(|fresh| key < fresh) {
            head.see_fresh(Some((key, stands)));
        } else if head.fresh.is_none_or(|fresh| key < fresh) {
            head.late += 1;
        }
        stands
    }

    /// A call of this class may not be assigned any more; whether it could be.
    pub fn leave(&mut self, class: ClassId, key: Key, stands: Place) -> bool {
        let place = class.0 as usize;
        let (line, head) = (&mut self.classes[place].line, &mut self.heads[place]);
        let Some(stands) = line.find(key, stands) else { return false };
        // Of those in the middle nobody in front hears.
        let (is_first, is_fresh) = (head.first() == Some(key), head.fresh == Some(key));
        let next = if is_first || is_fresh { line.behind(key, stands) } else { None };
        line.let_go(key, stands);
        if is_first {
            head.first = next.map_or(Key::default(), |(next, _)| next);
        }
        if head.last_since == key.since {
            head.last_since = line.last().map_or(0, |last| last.since);
        }
        head.waiting -= 1;
        if head.waiting == 0 {
            self.waiting_classes.remove(place);
        }
        if is_fresh {
            head.see_fresh(next);
        } else if head.fresh.is_none_or(|fresh| key < fresh) {
            head.late -= 1;
        }
        true
    }

    /// When the call behind the first within target joined, if there is one near it: what [`Skills::refresh`] reads first.
    pub fn near_first(&self, class: usize) -> Option<i64> {
        self.classes[class].line.since_behind(self.heads[class].fresh_at)
    }

    /// Which of a class's line is the first within target now; what was may have become late.
    pub fn refresh(&mut self, class: usize, now: Timestamp) {
        let head = &mut self.heads[class];
        let since = head.in_target_since(now);
        if let Some(fresh) = head.fresh.filter(|fresh| fresh.since < since) {
            let line = &self.classes[class].line;
            let (next, passed) = line.onward(fresh, head.fresh_at, Key::at(head.priority, since));
            head.see_fresh(next);
            head.late += passed as u32;
        }
    }

    /// The idle agent for a call of this class, by this choice, after this agent's turn, but who has what is wanted before
    /// all others; equals by how long they
    /// have been idle, then by id.
    ///
    /// An agent whom `spared` names is passed over.
    pub fn best_agent(
        &self,
        class: ClassId,
        wants: Option<&Needs>,
        choice: AgentChoice,
        last: Option<AgentId>,
        spared: impl Fn(AgentId) -> bool,
    ) -> Option<BestAgent> {
        let needs = &self.heads[class.0 as usize].needs;
        let mut best: Option<(Rank, BestAgent)> = None;
        let mut fitting = 0;
        for id in self.classes[class.0 as usize].eligible.shared(&self.idle_profiles) {
            let profile = &self.profiles[id];
            fitting += profile.idle.len() as u32;
            let Some((first, idle_since, agent)) = profile.first(choice, last, &spared) else { continue };
            let fit = profile.fit(needs);
            let rank = match choice {
                AgentChoice::BestFit => (u32::MAX - fit, profile.breadth),
                AgentChoice::MostSkilled => (u32::MAX - fit, 0),
                AgentChoice::LeastSkilled => (fit, 0),
                AgentChoice::LongestIdle | AgentChoice::FewestCalls | AgentChoice::RoundRobin => (first, 0),
            };
            let unwanted = wants.is_some_and(|wants| !profile.has(wants));
            let rank = ((unwanted, rank), idle_since, agent);
            if best.as_ref().is_none_or(|(than, _)| rank < *than) {
                best = Some((rank, BestAgent { agent, fit, idle_since, fitting: 0 }));
            }
        }
        best.map(|(_, best)| BestAgent { fitting, ..best })
    }

    /// This idle agent as the one for a call of this class.
    pub fn idle_agent(&self, class: ClassId, agent: AgentId, idle_since: Timestamp) -> BestAgent {
        let fitting = self.count(class.0 as usize).idle;
        BestAgent { agent, fit: self.fit(self.profile_of(agent), class), idle_since, fitting }
    }

    /// The sum of this profile's levels above what the class needs.
    pub fn fit(&self, profile: ProfileId, class: ClassId) -> u32 {
        self.profiles[profile.0 as usize].fit(&self.heads[class.0 as usize].needs)
    }

    /// The call that an agent of this profile serves next: the first in order over all classes it can
    /// serve. With it, how many wait there. A call that `spared` names is passed over.
    pub fn first_call(&self, profile: ProfileId, spared: Option<impl Fn(Key) -> bool>) -> Option<(Key, u32)> {
        let serves = &self.profiles[profile.0 as usize].serves;
        let mut waiting = 0;
        let mut first: Option<Key> = None;
        for class in serves.shared(&self.waiting_classes) {
            let head = &self.heads[class];
            waiting += head.waiting;
            let candidate = match &spared {
                None => head.first(),
                Some(spared) => self.classes[class].line.iter().find(|key| !spared(*key)),
            };
            first = match (first, candidate) {
                (Some(a), Some(b)) => Some(a.min(b)),
                (a, b) => a.or(b),
            };
        }
        first.map(|key| (key, waiting))
    }

    /// Whether agents of this profile can serve this class.
    pub fn serves(&self, profile: ProfileId, class: ClassId) -> bool {
        self.profiles[profile.0 as usize].serves.has(class.0 as usize)
    }

    /// How many calls are in line that an agent of this profile can serve.
    pub fn waiting_for(&self, profile: ProfileId) -> u32 {
        let serves = &self.profiles[profile.0 as usize].serves;
        let mut waiting = 0;
        serves.for_each_shared(&self.waiting_classes, |class| waiting += self.heads[class].waiting);
        waiting
    }
}

impl Head {
    /// Whoever joined since then is still within target.
    pub fn in_target_since(&self, now: Timestamp) -> i64 {
        i64::try_from(now.0).unwrap_or(i64::MAX).saturating_sub(self.target_us)
    }
}

impl Profile {
    fn new(levels: Vec<u8>) -> Profile {
        let breadth = levels.iter().filter(|level| **level > 0).count() as u32;
        Profile {
            levels,
            members: 0,
            breadth,
            idle: Idle::default(),
            by_calls: BTreeSet::new(),
            by_place: BTreeMap::new(),
            staffed: 0,
            working: 0,
            serves: Bits::default(),
            passed: 0,
        }
    }

    /// Of the idle agents who are not spared the first by a choice that does not go by skills, its rank before all
    /// else, and since when they are idle.
    fn first(
        &self,
        choice: AgentChoice,
        last: Option<AgentId>,
        spared: &impl Fn(AgentId) -> bool,
    ) -> Option<(u32, Timestamp, AgentId)> {
        match choice {
            AgentChoice::FewestCalls => self.by_calls.iter().find(|idle| !spared(idle.2)).copied(),
            AgentChoice::RoundRobin => {
                let turn = last.map_or(0, |last| last.0.saturating_add(1));
                let turn = AgentId(turn);
                let (after, before) = (self.by_place.range(turn..), self.by_place.range(..turn));
                let (agent, since) = after.chain(before).find(|(agent, _)| !spared(**agent))?;
                Some((agent.0.wrapping_sub(turn.0), *since, *agent))
            }
            _ => {
                let (since, agent) = self.idle.iter().find(|(_, agent)| !spared(*agent))?;
                Some((0, *since, *agent))
            }
        }
    }

    /// Whether they have all of this.
    pub fn has(&self, needs: &Needs) -> bool {
        needs.met(|skill| self.levels.get(skill.0 as usize).copied().unwrap_or(0))
    }

    /// The sum of levels above what is needed, for needs that are met.
    pub fn fit(&self, needs: &Needs) -> u32 {
        needs.above(|skill| self.levels.get(skill.0 as usize).copied().unwrap_or(0))
    }
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
