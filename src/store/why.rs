//! Who could serve a waiting caller, what these do or did, and its words: what the wallboard says of a caller who waits, and
//! what explains a wait afterwards.

use jiff::tz::TimeZone;

use crate::base::Name;
use crate::base::WallTime;
use crate::fact::AgentStateName;
use crate::fact::NeedFact;
use crate::store::story;
use crate::store::story::clock;

/// How many changes of one agent's state are told.
const CHANGES: usize = 12;

/// An agent, and what they can: by skill, 1 to 10.
#[derive(Clone, Debug, PartialEq)]
pub struct Skilled {
    pub name: Name,
    pub skills: Vec<(Name, u8)>,
}

/// Gives somebody a skill at another level; at 0 they have it not at all.
pub fn set_level(skills: &mut Vec<(Name, u8)>, skill: &Name, level: u8) {
    skills.retain(|(known, _)| known != skill);
    if level > 0 {
        skills.push((skill.clone(), level));
        skills.sort_unstable();
    }
}

/// Whether somebody with these skills has what is needed.
pub fn can(skills: &[(Name, u8)], needs: &[NeedFact]) -> bool {
    needs.iter().all(|need| has(skills, need))
}

fn has(skills: &[(Name, u8)], need: &NeedFact) -> bool {
    let enough = |(skill, level): &(Name, u8)| *skill == need.skill && *level >= need.level;
    skills.iter().any(enough) || need.or.iter().any(|need| has(skills, need))
}

/// What an agent did from a moment on, and why; at no moment where that was before anything that is told.
#[derive(Clone, Debug, PartialEq)]
pub struct Doing {
    pub since: Option<WallTime>,
    pub state: AgentStateName,
    pub reason: String,
}

/// An agent who could serve the caller.
#[derive(Clone, Debug, PartialEq)]
pub struct Able {
    pub name: Name,
    /// From when on, where not from the beginning.
    pub from: Option<WallTime>,
    /// What they did meanwhile, in order. Who did nothing but being offline was not there.
    pub doings: Vec<Doing>,
}

impl Able {
    fn was_here(&self) -> bool {
        self.doings.iter().any(|doing| doing.state != AgentStateName::Offline)
    }
}

/// Who could serve a caller, of how many.
#[derive(Clone, Debug, PartialEq)]
pub struct Helpers {
    /// What is needed of an agent, as it was last.
    pub needs: Vec<NeedFact>,
    pub able: Vec<Able>,
    pub agents: usize,
}

/// When it is told.
#[derive(Clone, Copy, Debug)]
pub enum When<'a> {
    /// While the caller waits: what agents do.
    Now,
    /// Of a wait that went on: what they did meanwhile, by this clock.
    Meanwhile(&'a TimeZone),
}

impl Helpers {
    /// In words: one by one, of whom so many are named, or that there is nobody.
    pub fn words(&self, when: When<'_>, named: usize) -> Vec<String> {
        let wanted: Vec<String> = self.needs.iter().map(|need| need.to_string().replace(">=", "≥")).collect();
        let wanted = if wanted.is_empty() { "what it takes".to_owned() } else { wanted.join(" and ") };
        let here: Vec<&Able> = self.able.iter().filter(|able| able.was_here()).collect();
        let is = match when {
            When::Now => "is",
            When::Meanwhile(_) => "was",
        };
        if self.able.is_empty() {
            return vec![format!("no agent who may take it has {wanted}")];
        }
        if here.is_empty() {
            return vec![format!("nobody with {wanted} {is} signed in")];
        }
        let mut words: Vec<String> = here.iter().take(named).map(|able| able.words(when, is)).collect();
        let more = here.len().saturating_sub(named);
        words.extend((more > 0).then(|| format!("and {more} more")));
        words
    }

    /// The same in one sentence, with what is needed where somebody is there.
    pub fn sentence(&self, when: When<'_>, named: usize) -> String {
        let words = self.words(when, named).join(", ");
        let here = self.able.iter().any(Able::was_here);
        let needed = story::needed(&self.needs).replace(">=", "≥");
        if here { format!("needs {needed}: {words}") } else { words }
    }

    /// How many are not named at all, and why.
    pub fn others(&self) -> String {
        let absent = self.able.iter().filter(|able| !able.was_here()).count();
        let absent =
            if absent == 0 { String::new() } else { format!("{absent} who could were signed out; ") };
        format!("{absent}{} of {} agents could not", self.agents - self.able.len(), self.agents)
    }
}

impl Able {
    fn words(&self, when: When<'_>, is: &str) -> String {
        let at = |moment: Option<WallTime>, before: &str, after: &str| match (when, moment) {
            (When::Meanwhile(zone), Some(moment)) => format!("{before}{}{after}", clock(moment, zone)),
            _ => String::new(),
        };
        let doing = |doing: &Doing| {
            let reason = if doing.reason.is_empty() { String::new() } else { format!(" ({})", doing.reason) };
            format!("{}{is} {}{reason}", at(doing.since, "at ", " "), story::state(doing.state))
        };
        let doings: Vec<String> = self.doings.iter().take(CHANGES).map(doing).collect();
        format!("{}{} {}", self.name, at(self.from, " (from ", ")"), doings.join(", "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::sample;

    fn able(name: &str, state: AgentStateName, reason: &str) -> Able {
        let doing = Doing { since: None, state, reason: reason.to_owned() };
        Able { name: name.into(), from: None, doings: vec![doing] }
    }

    #[test]
    fn a_wait_is_explained_by_those_who_could_end_it() {
        let needs = vec![NeedFact { skill: "billing".into(), level: 3, or: Vec::new() }];
        let helpers = |able: Vec<Able>| Helpers { needs: needs.clone(), able, agents: 3 };
        let talking = able("alice", AgentStateName::Talking, "call 7");
        let lunch = able("bob", AgentStateName::NotReady, "lunch");
        let both = helpers(vec![talking.clone(), lunch.clone()]);
        let now = |helpers: &Helpers, named| helpers.sentence(When::Now, named);
        assert_eq!(now(&both, 3), "needs billing ≥ 3: alice is talking (call 7), bob is not ready (lunch)");
        assert_eq!(now(&both, 1), "needs billing ≥ 3: alice is talking (call 7), and 1 more");
        assert_eq!(now(&helpers(Vec::new()), 3), "no agent who may take it has billing ≥ 3");
        let gone =
            helpers(vec![able("alice", AgentStateName::Offline, ""), Able { doings: Vec::new(), ..lunch }]);
        assert_eq!(now(&gone, 3), "nobody with billing ≥ 3 is signed in");
        assert_eq!(gone.words(When::Meanwhile(&TimeZone::UTC), 3), ["nobody with billing ≥ 3 was signed in"]);
        assert_eq!(gone.others(), "2 who could were signed out; 1 of 3 agents could not");
    }

    #[test]
    fn of_a_wait_that_went_on_it_is_told_when() {
        let ready =
            Doing { since: Some(sample::STARTED), state: AgentStateName::Ready, reason: String::new() };
        let alice = able("alice", AgentStateName::Talking, "call 3");
        let doings = [alice.doings, vec![ready]].concat();
        let alice = Able { from: Some(sample::STARTED), doings, ..able("alice", AgentStateName::Ready, "") };
        let helpers = Helpers { needs: Vec::new(), able: vec![alice], agents: 1 };
        assert_eq!(
            helpers.words(When::Meanwhile(&TimeZone::UTC), 3),
            ["alice (from 14:02:00.000) was talking (call 3), at 14:02:00.000 was ready"]
        );
        assert_eq!(helpers.sentence(When::Now, 3), "needs any agent: alice is talking (call 3), is ready");
    }
}
