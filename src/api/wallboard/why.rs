//! Why a caller still waits, in words: what they do, and what those do who could help.

use crate::fact::AgentStateName;
use crate::fact::NeedFact;
use crate::server::live::LiveAgent;
use crate::server::live::LiveCall;
use crate::server::live::Phase;

/// Agents who are named; the others are counted.
const NAMED: usize = 3;

/// Why the caller waits.
pub(super) fn words(needs: &[NeedFact], call: Option<&LiveCall>, agents: &[LiveAgent]) -> String {
    match call.map(|call| (call.phase, call.agent.as_deref())) {
        Some((Phase::Ringing, Some(agent))) => return format!("{agent}'s phone rings"),
        Some((Phase::CallingBack, _)) => return "is being called back".to_owned(),
        _ => {}
    }
    let doing = match call.map(|call| call.phase) {
        Some(Phase::CallbackKept) => "will be called back; ",
        Some(Phase::Queued) => "is being asked to hold; ",
        _ => "",
    };
    format!("{doing}{}", who_could(needs, agents))
}

fn who_could(needs: &[NeedFact], agents: &[LiveAgent]) -> String {
    let able: Vec<&LiveAgent> = agents.iter().filter(|agent| can(agent, needs)).collect();
    let here: Vec<&&LiveAgent> = able.iter().filter(|agent| agent.state != AgentStateName::Offline).collect();
    let wanted: Vec<String> = needs.iter().map(|need| need.to_string().replace(">=", "≥")).collect();
    let wanted = if wanted.is_empty() { "what it takes".to_owned() } else { wanted.join(" and ") };
    match (able.len(), here.len()) {
        (0, _) => format!("no agent of this center has {wanted}"),
        (_, 0) => format!("nobody with {wanted} is signed in"),
        (_, count) => {
            let named: Vec<String> =
                here.iter().take(NAMED).map(|agent| format!("{} {}", agent.name, does(agent))).collect();
            let others = count.saturating_sub(NAMED);
            let others = if others == 0 { String::new() } else { format!(" and {others} more") };
            format!("needs {wanted}: {}{others}", named.join(", "))
        }
    }
}

/// Whether an agent has what is needed.
pub(super) fn can(agent: &LiveAgent, needs: &[NeedFact]) -> bool {
    needs.iter().all(|need| has(agent, need))
}

fn has(agent: &LiveAgent, need: &NeedFact) -> bool {
    let direct = agent.skills.iter().any(|(skill, level)| *skill == need.skill && *level >= need.level);
    direct || need.or.iter().any(|need| has(agent, need))
}

fn does(agent: &LiveAgent) -> String {
    match agent.state {
        AgentStateName::Offline => "is offline".to_owned(),
        AgentStateName::Ready => "is free".to_owned(),
        AgentStateName::Ringing => "is being rung".to_owned(),
        AgentStateName::Talking => "talks".to_owned(),
        AgentStateName::WrapUp => "is in wrap-up".to_owned(),
        AgentStateName::NotReady if agent.reason.is_empty() => "is not ready".to_owned(),
        AgentStateName::NotReady => format!("is not ready ({})", agent.reason),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::WallTime;

    fn agent(name: &str, state: AgentStateName, reason: &str) -> LiveAgent {
        let since = WallTime(0);
        let skills = vec![("billing".into(), if name == "alice" { 8 } else { 3 })];
        LiveAgent { name: name.into(), state, since, reason: reason.to_owned(), phones: 1, skills }
    }

    #[test]
    fn a_wait_is_explained_by_those_who_could_end_it() {
        let need = |level| vec![NeedFact { skill: "billing".into(), level, or: Vec::new() }];
        let words = |level, agents: &[LiveAgent]| words(&need(level), None, agents);
        let talking = agent("alice", AgentStateName::Talking, "call 7");
        let lunch = agent("bob", AgentStateName::NotReady, "lunch");
        let both = [talking.clone(), lunch.clone()];
        assert_eq!(words(3, &both), "needs billing ≥ 3: alice talks, bob is not ready (lunch)");
        assert_eq!(words(5, &both), "needs billing ≥ 5: alice talks");
        assert_eq!(words(9, &both), "no agent of this center has billing ≥ 9");
        let gone = [agent("alice", AgentStateName::Offline, ""), lunch];
        assert_eq!(words(5, &gone), "nobody with billing ≥ 5 is signed in");
    }
}
