//! Why a caller still waits: what they do, and what those do who could help.

use crate::fact::AgentStateName;
use crate::server::live::LiveAgent;
use crate::server::live::LiveCall;
use crate::server::live::Phase;
use crate::store::waits::Waiting;
use crate::store::why::Able;
use crate::store::why::Doing;
use crate::store::why::Helpers;
use crate::store::why::When;

/// Agents who are named; the others are counted.
const NAMED: usize = 3;

/// Why the caller waits.
pub(super) fn words(wait: &Waiting, call: Option<&LiveCall>, agents: &[LiveAgent]) -> String {
    match call.map(|call| (call.phase, call.agent.as_deref())) {
        Some((Phase::Ringing, Some(agent))) => return format!("{agent}'s phone rings"),
        Some((Phase::CallingBack, agent)) => return format!("is being called back{}", kept(agent, agents)),
        _ => {}
    }
    let doing = match call.map(|call| call.phase) {
        Some(Phase::CallbackKept) => "will be called back; ",
        Some(Phase::Queued) => "is being asked to hold; ",
        _ => "",
    };
    let helpers = helpers(wait, agents);
    let is_ready = |able: &Able| able.doings.iter().any(|doing| doing.state == AgentStateName::Ready);
    let ready = match wait.held_back && helpers.able.iter().any(is_ready) {
        true => "; who is ready is kept for calls to which they are worth more",
        false => "",
    };
    format!("{doing}{}{ready}", helpers.sentence(When::Now, NAMED))
}

/// Who is kept for a caller while they are called.
fn kept(agent: Option<&str>, agents: &[LiveAgent]) -> String {
    let reserved = |of: &&LiveAgent| Some(&*of.name) == agent && of.state == AgentStateName::Reserved;
    agents.iter().find(reserved).map_or_else(String::new, |of| format!("; {} is kept for them", of.name))
}

/// Who could help, by what they do now.
fn helpers(wait: &Waiting, agents: &[LiveAgent]) -> Helpers {
    let able = agents.iter().filter(|agent| wait.fits(&agent.name, &agent.skills)).map(|agent| {
        let doing = Doing { since: None, state: agent.state, reason: agent.reason.clone() };
        Able { name: agent.name.clone(), from: None, doings: vec![doing] }
    });
    Helpers { needs: wait.needs.clone(), able: able.collect(), agents: agents.len() }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use jiff::tz::TimeZone;
    use proptest::prelude::*;

    use super::*;
    use crate::base::CallId;
    use crate::base::Timestamp;
    use crate::fact::Fact;
    use crate::fact::NeedFact;
    use crate::fact::What;
    use crate::server::AgentRules;
    use crate::server::Live;
    use crate::server::Rules;
    use crate::store::explain::explain;
    use crate::store::sample;

    const AGENTS: [&str; 3] = ["alice", "bob", "carol"];
    const STATES: [AgentStateName; 7] = [
        AgentStateName::Offline,
        AgentStateName::Ready,
        AgentStateName::Reserved,
        AgentStateName::Ringing,
        AgentStateName::Talking,
        AgentStateName::WrapUp,
        AgentStateName::NotReady,
    ];

    #[test]
    fn who_is_called_back_first_is_told_with_who_is_kept_for_them() {
        let rules = Rules {
            agents: vec![AgentRules {
                name: "alice".into(),
                skills: Vec::new(),
                auto_answer: None,
                always_ready: false,
            }],
            ..Rules::named(&[], &["billing"])
        };
        let live = Live::new(sample::STARTED, rules);
        let told = |call: Option<u64>, what| {
            live.apply(&live.dated(Fact { at: Timestamp::from_secs(5), call: call.map(CallId), what }));
            let wait = live.board.waiting().into_iter().next();
            wait.map(|wait| words(&wait, live.call(CallId(7)).as_ref(), &live.agents()))
        };
        let (agent, number) = (|| "alice".into(), || "+12025550143".to_owned());
        let becomes = |from, to| What::AgentState { agent: agent(), from, to, reason: String::new() };
        use AgentStateName::Offline;
        use AgentStateName::Ready;
        use AgentStateName::Reserved;
        told(None, becomes(Offline, Ready));
        for what in sample::whole_call(7).into_iter().map(|fact| fact.what).take(1) {
            told(Some(7), what);
        }
        told(Some(7), What::Enqueued { queue: "billing".into(), needs: Vec::new(), priority: 0, waiting: 1 });
        let kept = told(Some(7), What::CallbackChosen { number: number(), at: None, place: None });
        assert_eq!(kept.as_deref(), Some("will be called back; needs any agent: alice is ready"));
        told(None, becomes(Ready, Reserved));
        told(Some(7), What::AgentReserved { agent: agent(), why: Default::default() });
        let called = told(Some(7), What::CallbackDialled { number: number(), attempt: 1 });
        assert_eq!(called.as_deref(), Some("is being called back; alice is kept for them"));
        // The agent first: they are on the line already.
        told(None, becomes(Reserved, AgentStateName::Talking));
        assert_eq!(told(None, becomes(Reserved, Ready)).as_deref(), Some("is being called back"));
    }

    #[test]
    fn who_waits_though_somebody_is_idle_is_told_why() {
        let alice =
            AgentRules { name: "alice".into(), skills: Vec::new(), auto_answer: None, always_ready: false };
        let live =
            Live::new(sample::STARTED, Rules { agents: vec![alice], ..Rules::named(&[], &["billing"]) });
        let told = |call: Option<u64>, what| {
            live.apply(&live.dated(Fact { at: Timestamp::from_secs(5), call: call.map(CallId), what }));
            let wait = live.board.waiting().into_iter().next();
            wait.map(|wait| words(&wait, None, &live.agents()))
        };
        let (from, to) = (AgentStateName::Offline, AgentStateName::Ready);
        told(None, What::AgentState { agent: "alice".into(), from, to, reason: String::new() });
        told(Some(7), What::Enqueued { queue: "billing".into(), needs: Vec::new(), priority: 0, waiting: 1 });
        let held_back = told(Some(7), What::HeldBack { idle: 1, at_most: Duration::from_secs(190) });
        assert_eq!(
            held_back.as_deref(),
            Some(
                "needs any agent: alice is ready; who is ready is kept for calls to which they are worth more"
            )
        );
        let (from, to) = (AgentStateName::Ready, AgentStateName::Talking);
        let busy = told(None, What::AgentState { agent: "alice".into(), from, to, reason: String::new() });
        assert_eq!(busy.as_deref(), Some("needs any agent: alice is talking"));
    }

    proptest! {
        /// Who waits now, and whose wait is explained as of now, is told the same of the same agents.
        #[test]
        fn the_wallboard_says_of_now_what_explain_says(
            levels in prop::array::uniform3(0..4u8),
            states in prop::array::uniform3(0..7usize),
            (level, relaxed) in (1..4u8, prop::option::of(0..3u8)),
            excluded in prop::option::of(0..3usize),
        ) {
            let need = |level: u8| match level {
                0 => Vec::new(),
                level => vec![NeedFact { skill: "billing".into(), level, or: Vec::new() }],
            };
            let skills = |level: u8| if level > 0 { vec![("billing".into(), level)] } else { Vec::new() };
            let of = |(name, level): (&&str, u8)| {
                let (name, skills) = ((*name).into(), skills(level));
                AgentRules { name, skills, auto_answer: None, always_ready: false }
            };
            let agents: Vec<AgentRules> = AGENTS.iter().zip(levels).map(of).collect();
            let rules = Rules { agents, ..Rules::named(&[], &["billing"]) };
            let skilled = rules.staff().agents;
            let live = Live::new(sample::STARTED, rules);
            let at = |secs, call: Option<u64>, what| {
                Fact { at: Timestamp::from_secs(secs), call: call.map(CallId), what }
            };
            let changed = |(agent, state): (&&str, usize)| {
                let (agent, from, to) = ((*agent).into(), AgentStateName::Offline, STATES[state]);
                at(1, None, What::AgentState { agent, from, to, reason: String::new() })
            };
            let of_agents: Vec<Fact> = AGENTS.iter().zip(states).map(changed).collect();
            let enqueued = What::Enqueued { queue: "billing".into(), needs: need(level), priority: 0, waiting: 1 };
            let exclude = excluded.map(|place| AGENTS[place].into()).into_iter().collect();
            let mut of_call = vec![at(5, Some(7), enqueued), at(5, Some(7), What::AgentsNamed { prefer: None, exclude, wants: Vec::new() })];
            // Who could from the beginning is told as of then: what is needed changes before anybody waits.
            of_call.extend(relaxed.map(|level| at(5, Some(7), What::NeedsRelaxed { needs: need(level) })));
            of_agents.iter().chain(&of_call).for_each(|fact| live.apply(&live.dated(fact.clone())));
            let wait = &live.board.waiting()[0];
            let (board, now) = (helpers(wait, &live.agents()), live.wall(Timestamp::from_secs(9)));
            let told = explain(&sample::dated(of_call), &sample::dated(of_agents), &[], |_| skilled.clone(), now, &TimeZone::UTC);
            // Only who could by what was needed first, and could not any more, would be told by one alone.
            if relaxed.is_none_or(|relaxed| relaxed <= level) {
                let mut words = board.words(When::Meanwhile(&TimeZone::UTC), AGENTS.len());
                words.push(board.others());
                prop_assert_eq!(&told[0].could, &words);
            }
            prop_assert_eq!(words(wait, None, &live.agents()), board.sentence(When::Now, NAMED));
        }
    }
}
