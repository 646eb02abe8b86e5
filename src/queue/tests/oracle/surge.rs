//! Whether a queue is in a surge, counted anew whenever somebody joins or leaves it; and whom that keeps out.

use super::Oracle;
use crate::base::CallId;
use crate::base::QueueId;
use crate::fact::WaitExit;
use crate::queue::Action;
use crate::queue::Event;
use crate::queue::Stage;
use crate::queue::api::AgentState;
use crate::queue::api::Enqueue;
use crate::queue::api::SurgeRule;

impl Oracle {
    /// The queues that somebody joins or leaves by this action, which has not been followed yet.
    pub(super) fn joined_or_left(&self, action: &Action) -> Vec<QueueId> {
        let of = |call: &CallId| self.calls.get(call).map(|call| call.queue);
        match action {
            Action::Enqueued { queue, .. } => vec![*queue],
            Action::Moved { call, queue, .. } => of(call).into_iter().chain([*queue]).collect(),
            Action::Connected { call, .. }
            | Action::KeepPlace { call }
            | Action::NotServed { call }
            | Action::Exit { call, .. } => of(call).into_iter().collect(),
            _ => Vec::new(),
        }
    }

    /// A surge that is to begin or to end does so with what comes next.
    pub(super) fn surges_in_time(&mut self, event: &Event, queues: &[QueueId], next: &[Action]) {
        for id in queues {
            let Some(rule) = self.rule(*id) else { continue };
            let (waiting, agents) = self.load(event, *id);
            let is = self.surges.contains(id);
            let each = if is { rule.until } else { rule.from };
            if (waiting > each * agents.max(1)) != is {
                let told = |action: &Action| matches!(action, Action::SurgeBegan { queue, .. } | Action::SurgeEnded { queue, .. } if queue == id);
                assert!(next.iter().take(2).any(told), "{waiting} wait for {agents}, and nobody says so");
            }
        }
    }

    pub(super) fn surge(&mut self, event: &Event, action: &Action) {
        match action {
            Action::SurgeBegan { queue, waiting, agents } => {
                let rule = self.rule(*queue).expect("a surge of a queue that has none");
                assert_eq!((*waiting, *agents), self.load(event, *queue));
                assert!(*waiting > rule.from * (*agents).max(1), "too soon");
                assert!(self.surges.insert(*queue), "it had begun");
                self.saw("surge began");
            }
            Action::SurgeEnded { queue, waiting, agents } => {
                let rule = self.rule(*queue).expect("a surge of a queue that has none");
                assert_eq!((*waiting, *agents), self.load(event, *queue));
                assert!(*waiting <= rule.until * (*agents).max(1), "too soon");
                assert!(self.surges.remove(queue), "there was none");
                self.saw("surge ended");
            }
            Action::InSurge { call } => {
                let Event::Enqueue(enqueue) = event else { panic!("only who has just joined is told") };
                assert_eq!(enqueue.call, *call);
                let rule = self.rule(enqueue.queue).filter(|_| self.surges.contains(&enqueue.queue));
                assert!(!rule.expect("told of no surge").turns_away, "nobody is to be let in");
                self.saw("told of a surge");
            }
            _ => {}
        }
    }

    /// Somebody was let in: into a surge that lets nobody in only where somebody is idle for them, or they waited before.
    pub(super) fn let_in(&self, enqueue: &Enqueue, kept: bool, next: &[Action]) {
        let Some(rule) = self.rule(enqueue.queue).filter(|_| self.surges.contains(&enqueue.queue)) else {
            return;
        };
        let older = |action: &Action| matches!(action, Action::AgeRestored { .. });
        if kept || !enqueue.age_credit.is_zero() || next.iter().any(older) {
            return;
        }
        if rule.turns_away {
            let ready = |agent| self.agents[agent as usize].state == AgentState::Ready;
            let able = self.agent_ids().any(|agent| ready(agent.0) && self.fits(enqueue.call, agent));
            assert!(able, "{} was let in, though nobody should be", enqueue.call);
        } else {
            let told = |action: &Action| matches!(action, Action::InSurge { call } if *call == enqueue.call);
            assert!(next.iter().any(told), "{} is not told of the surge", enqueue.call);
        }
    }

    /// Somebody was not let in.
    pub(super) fn kept_out(&self, enqueue: &Enqueue, kept: bool, exit: WaitExit) {
        if exit == WaitExit::Surge {
            let rule = self.rule(enqueue.queue).filter(|_| self.surges.contains(&enqueue.queue));
            assert!(rule.expect("there is no surge").turns_away && !kept && enqueue.age_credit.is_zero());
        }
    }

    fn rule(&self, queue: QueueId) -> Option<SurgeRule> {
        self.config.queues[queue.0 as usize].surge
    }

    /// How many are on the line without an agent, and how many agents with the queue's needs take calls.
    fn load(&self, event: &Event, id: QueueId) -> (u32, u32) {
        let is_kept = |id: &CallId| match event {
            Event::KeepPlace { enqueue, .. } | Event::RecallPlace { enqueue, .. } => enqueue.call == *id,
            _ => false,
        };
        let waits = self.calls.iter().filter(|(call, of)| {
            of.queue == id && !of.kept && !is_kept(call) && !matches!(of.stage, Stage::Talking(_))
        });
        let needs = &self.config.queues[id.0 as usize].needs.needs;
        let works = self.agent_ids().filter(|agent| {
            let state = &self.agents[agent.0 as usize].state;
            let takes_calls = !matches!(state, AgentState::Offline | AgentState::NotReady(_));
            takes_calls && needs.met(|skill| self.level(*agent, skill))
        });
        (waits.count() as u32, works.count() as u32)
    }
}
