//! What stands on each agent's desk: their state and the calls they are part of, folded from facts.
//!
//! A call is followed from its arrival, so that the desk knows who calls, what they chose and how long they waited
//! before the phone rings. Told by the control thread like [`Live`](crate::server::Live), which owns it.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;
use std::time::Duration;

use dashmap::DashMap;
use tokio::sync::watch;

use crate::base::CallId;
use crate::base::Name;
use crate::base::WallTime;
use crate::fact::AgentStateName;
use crate::fact::OpenPromises;
use crate::fact::Promise;
use crate::fact::What;
use crate::server::QueueRules;
use crate::store::DatedFact;

mod call;
#[cfg(test)]
mod tests;

pub use call::Consult;
pub use call::ConsultPhase;
pub use call::DeskCall;
pub use call::Hold;
pub use call::Member;
pub use call::Part;
pub use call::PartPhase;
pub use call::PartRole;
pub use call::Pause;
pub use call::Phase;
pub use call::Recording;

/// Every desk. Bounded by the calls that the server takes and the accounts it has.
pub struct Desks {
    rules: BTreeMap<Name, QueueRules>,
    state: Mutex<State>,
    /// Rung when something on an agent's desk became another thing.
    bells: DashMap<Name, watch::Sender<()>>,
}

#[derive(Default)]
struct State {
    calls: HashMap<CallId, DeskCall>,
    agents: HashMap<Name, AgentDesk>,
    /// Whose desk listens or asks to: few, where desks are many.
    listeners: BTreeSet<Name>,
    promises: OpenPromises,
}

/// An agent's own part of their desk.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct AgentDesk {
    /// None for who takes no calls of a queue: a supervisor, an admin.
    pub state: Option<AgentStateName>,
    /// Why they are not ready.
    pub reason: String,
    pub since: WallTime,
    /// When the state ends by itself.
    pub until: Option<WallTime>,
    /// What they want to be once the call is over, and why.
    pub next: Option<(AgentStateName, String)>,
    /// To whom they listen, or ask to.
    pub listening_to: Option<ListeningTo>,
    /// The page that is their phone; none when no page is.
    pub page: Option<PagePhone>,
    calls: Vec<CallId>,
}

/// A page that is an agent's phone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PagePhone {
    Up,
    /// It was, and may come back.
    Lost,
}

/// An agent listens to a colleague, or asks to.
#[derive(Clone, Debug, PartialEq)]
pub struct ListeningTo {
    pub call: CallId,
    /// Who talks there.
    pub agent: Name,
    pub phase: ListeningPhase,
    pub since: WallTime,
}

/// How far that is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ListeningPhase {
    Asking,
    /// They may, and their phone rings.
    LetIn,
    Listening,
}

/// A desk at one moment.
#[derive(Clone, Debug, PartialEq)]
pub struct DeskView {
    pub agent: Name,
    pub desk: AgentDesk,
    /// Each with the agent's own part in it.
    pub calls: Vec<(Part, DeskCall)>,
    /// What the agent owes, and what is owed to their callers.
    pub promises: Vec<Promise>,
}

/// The last thing known of an earlier call of the same caller.
#[derive(Clone, Debug, PartialEq)]
pub struct Contact {
    pub call: CallId,
    pub at: WallTime,
    pub queue: Option<String>,
    pub agent: Option<String>,
    /// How it came out, in words.
    pub outcome: String,
    /// What the agent wrote.
    pub note: String,
}

impl Desks {
    /// Desks of agents who are offline.
    pub fn new(started: WallTime, agents: &[Name], rules: &[QueueRules]) -> Desks {
        let desk = AgentDesk { state: Some(AgentStateName::Offline), since: started, ..AgentDesk::default() };
        let agents = agents.iter().map(|name| (name.clone(), desk.clone())).collect();
        Desks {
            rules: rules.iter().map(|rules| (rules.name.clone(), rules.clone())).collect(),
            state: Mutex::new(State { agents, ..State::default() }),
            bells: DashMap::new(),
        }
    }

    /// These are the agents from now on: who is new has a desk.
    pub fn know<'a>(&self, agents: impl Iterator<Item = &'a Name>, now: WallTime) {
        let desk = AgentDesk { state: Some(AgentStateName::Offline), since: now, ..AgentDesk::default() };
        let mut state = self.state();
        for name in agents {
            state.agents.entry(name.clone()).or_insert_with(|| desk.clone());
        }
    }

    /// The calendar was set: what goes on has gone on as long as before. Every desk is told.
    pub fn calendar_set(&self, by_ms: i64) {
        let mut state = self.state();
        for desk in state.agents.values_mut() {
            let listens = desk.listening_to.as_mut().map(|listening| &mut listening.since);
            let moments = [&mut desk.since].into_iter().chain(&mut desk.until).chain(listens);
            moments.for_each(|moment| *moment = moment.moved(by_ms));
        }
        state.calls.values_mut().for_each(|call| call.calendar_set(by_ms));
        drop(state);
        self.bells.iter().for_each(|bell| bell.send_replace(()));
    }

    /// Takes a fact in. Called by the control thread alone, for every fact, in order.
    pub fn apply(&self, dated: &DatedFact) {
        let wall = dated.wall;
        let phone_of = self.state().phone(&dated.fact.what);
        self.ring(phone_of);
        let rung = match (&dated.fact.what, dated.fact.call) {
            (What::AgentState { agent, to, reason, .. }, _) => {
                self.state().agent_state(&self.rules, wall, agent, *to, reason)
            }
            (What::AgentNext { agent, to, reason }, _) => {
                if let Some(desk) = self.state().agents.get_mut(agent) {
                    desk.next = Some((*to, reason.clone()));
                }
                vec![agent.clone()]
            }
            (what, Some(call)) => {
                let mut state = self.state();
                let promise = state.promises.apply(call, wall, what);
                let owners =
                    promise.into_iter().flat_map(|(before, after)| before.into_iter().chain([after]));
                let mut rung = state.call(&self.rules, call, dated);
                rung.extend(owners.map(|promise| promise.owner));
                rung
            }
            _ => return,
        };
        self.ring(rung);
    }

    fn ring(&self, agents: impl IntoIterator<Item = Name>) {
        for agent in agents {
            if let Some(bell) = self.bells.get(&agent) {
                bell.send_replace(());
            }
        }
    }

    /// The desk of an agent as it is now.
    pub fn view(&self, agent: &str) -> DeskView {
        let state = self.state();
        let desk = state.agents.get(agent).cloned().unwrap_or_default();
        let calls = desk.calls.iter().filter_map(|id| state.calls.get(id));
        let calls = calls.filter_map(|call| Some((call.part(agent)?.clone(), call.clone())));
        let calls: Vec<(Part, DeskCall)> = calls.collect();
        let concerns = |promise: &&Promise| {
            *promise.owner == *agent || calls.iter().any(|(_, call)| call.is_owed(promise))
        };
        let mut promises: Vec<Promise> = state.promises.iter().filter(concerns).cloned().collect();
        promises.sort_by_key(|promise| promise.due);
        DeskView { agent: agent.into(), desk, calls, promises }
    }

    /// The calls of which an agent in wrap-up has not said what came of them, with the queue of each.
    pub fn without_outcome(&self, agent: &Name) -> Vec<(CallId, Option<Name>)> {
        let state = self.state();
        let desk = state.agents.get(agent).filter(|desk| desk.state == Some(AgentStateName::WrapUp));
        let calls = desk.into_iter().flat_map(|desk| &desk.calls).filter_map(|id| state.calls.get(id));
        let wraps_up =
            |call: &&DeskCall| call.part(agent).is_some_and(|part| part.phase == PartPhase::WrapUp);
        let calls = calls.filter(wraps_up).filter(|call| !call.has_outcome_of(agent));
        calls.map(|call| (call.id, call.queue.clone())).collect()
    }

    /// Every promise that somebody owes, what is due first comes first.
    pub fn promises(&self) -> Vec<Promise> {
        let mut promises: Vec<Promise> = self.state().promises.iter().cloned().collect();
        promises.sort_by_key(|promise| promise.due);
        promises
    }

    /// The promises that an earlier run left open.
    pub fn recall_promises(&self, open: &[Promise]) {
        self.state().promises = open.iter().cloned().collect();
    }

    /// Tells when a desk is another one. Ask for accounts only: each name that is asked for is kept.
    pub fn watch(&self, agent: &str) -> watch::Receiver<()> {
        self.bells.entry(agent.into()).or_insert_with(|| watch::channel(()).0).subscribe()
    }

    /// Lays the caller's earlier contacts beside a call; they come from the history, after the call has rung.
    pub fn set_before(&self, call: CallId, before: Arc<[Contact]>) {
        if let Some(call) = self.state().calls.get_mut(&call) {
            call.before = Some(before);
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// A phone of an agent came or went. Whose desk changed.
    fn phone(&mut self, what: &What) -> Option<Name> {
        let (agent, page) = match what {
            // How many there are is counted elsewhere.
            What::PhoneRegistered { agent, .. } | What::PhoneUnregistered { agent, .. } => {
                return Some(agent.clone());
            }
            What::DeskOpened { agent } | What::DeskBack { agent } => (agent, Some(PagePhone::Up)),
            What::DeskLost { agent } => (agent, Some(PagePhone::Lost)),
            What::DeskClosed { agent } => (agent, None),
            _ => return None,
        };
        self.agents.entry(agent.clone()).or_default().page = page;
        Some(agent.clone())
    }

    /// An agent became something else. Whose desks changed.
    fn agent_state(
        &mut self,
        rules: &BTreeMap<Name, QueueRules>,
        wall: WallTime,
        name: &Name,
        to: AgentStateName,
        reason: &str,
    ) -> Vec<Name> {
        let Some(desk) = self.agents.get_mut(name) else { return Vec::new() };
        let last = desk.calls.last().and_then(|id| self.calls.get(id));
        let rules = last.and_then(|call| call.queue.as_ref()).and_then(|queue| rules.get(queue));
        let lasts: Option<Duration> = match to {
            AgentStateName::WrapUp => rules.map(|rules| rules.wrap_up),
            _ => None,
        };
        desk.state = Some(to);
        desk.since = wall;
        desk.until = lasts.map(|lasts| wall + lasts);
        // A ring and a talk are named by their call: that is no reason for a person.
        desk.reason = if to == AgentStateName::NotReady { reason.to_owned() } else { String::new() };
        if !matches!(to, AgentStateName::Ringing | AgentStateName::Talking | AgentStateName::WrapUp) {
            desk.next = None;
        }
        if to != AgentStateName::WrapUp {
            let done: Vec<CallId> = desk.calls.clone();
            for id in done {
                self.leave_if(id, name, |part| part.phase == PartPhase::WrapUp);
            }
        }
        vec![name.clone()]
    }

    /// Something happened to a call. Whose desks changed.
    fn call(&mut self, rules: &BTreeMap<Name, QueueRules>, id: CallId, dated: &DatedFact) -> Vec<Name> {
        if matches!(dated.fact.what, What::CallArrived { .. } | What::CallPlaced { .. }) {
            self.calls.insert(id, DeskCall::new(id, dated.wall));
        }
        let Some(call) = self.calls.get_mut(&id) else { return Vec::new() };
        if !call.apply(dated) {
            return Vec::new();
        }
        let part_of: Vec<Name> = call.parts.iter().map(|part| part.agent.clone()).collect();
        let ring = call.queue.as_ref().and_then(|queue| rules.get(queue)).map(|rules| rules.ring);
        for agent in &part_of {
            let desk = self.agents.entry(agent.clone()).or_default();
            if !desk.calls.contains(&id) {
                desk.calls.push(id);
            }
        }
        let mut rung = part_of.clone();
        for agent in call.take_left() {
            if !part_of.contains(&agent) {
                self.forget(id, &agent);
                rung.push(agent);
            }
        }
        rung.extend(self.listening(id, dated));
        match &dated.fact.what {
            What::OutcomeSet { agent, .. } | What::TalkEnded { agent, .. } => {
                self.end_wrap_up(agent, Some(id))
            }
            What::TakenOver { by, .. } => self.end_wrap_up(by, None),
            // The agent is ringing by now, and only the call says for how long.
            What::AgentRinging { agent, .. } => {
                let rings = |desk: &&mut AgentDesk| desk.state == Some(AgentStateName::Ringing);
                if let Some(desk) = self.agents.get_mut(agent).filter(rings) {
                    desk.until = ring.map(|ring| dated.wall + ring);
                }
            }
            _ => {}
        }
        self.drop_if_over(id);
        rung
    }

    /// What it says of who listens. Whose desks changed.
    fn listening(&mut self, call: CallId, dated: &DatedFact) -> Vec<Name> {
        let (who, to) = match &dated.fact.what {
            What::ListeningAsked { by, agent } => (by, Some((agent, ListeningPhase::Asking))),
            What::ListeningAnswered { by, agent, agreed: true } => (by, Some((agent, ListeningPhase::LetIn))),
            What::Listening { listener, agent, .. } => (listener, Some((agent, ListeningPhase::Listening))),
            What::ListeningAnswered { by, agreed: false, .. } | What::ListeningLapsed { by } => (by, None),
            What::ListeningEnded { listener } => (listener, None),
            // What breaks ends without a word of who listened.
            What::CallEnded { .. } => {
                let State { listeners, agents, .. } = self;
                listeners.retain(|name| {
                    let Some(desk) = agents.get_mut(name) else { return false };
                    desk.listening_to.take_if(|to| to.call == call);
                    desk.listening_to.is_some()
                });
                return Vec::new();
            }
            _ => return Vec::new(),
        };
        let Some(desk) = self.agents.get_mut(who) else { return Vec::new() };
        desk.listening_to =
            to.map(|(agent, phase)| ListeningTo { call, agent: agent.clone(), phase, since: dated.wall });
        match desk.listening_to {
            Some(_) => self.listeners.insert(who.clone()),
            None => self.listeners.remove(who),
        };
        vec![who.clone()]
    }

    /// Ends the wrap-up of a supervisor who had a caller and has no state that would end it: once they have said what
    /// came of this call, or have the next one.
    fn end_wrap_up(&mut self, name: &Name, said: Option<CallId>) {
        let Some(desk) = self.agents.get(name).filter(|desk| desk.state.is_none()) else { return };
        for id in desk.calls.clone() {
            let over = self.calls.get(&id).is_some_and(|call| said.is_none() || call.has_outcome_of(name));
            if over {
                self.leave_if(id, name, |part| part.phase == PartPhase::WrapUp);
            }
        }
    }

    /// Takes an agent's part out of a call when it is such a one.
    fn leave_if(&mut self, id: CallId, agent: &Name, such: impl Fn(&Part) -> bool) {
        let Some(call) = self.calls.get_mut(&id) else { return };
        if call.part(agent).is_some_and(such) {
            call.leave(agent);
            call.take_left();
            self.forget(id, agent);
            self.drop_if_over(id);
        }
    }

    fn forget(&mut self, id: CallId, agent: &Name) {
        if let Some(desk) = self.agents.get_mut(agent) {
            desk.calls.retain(|call| *call != id);
        }
    }

    fn drop_if_over(&mut self, id: CallId) {
        if self.calls.get(&id).is_some_and(|call| call.ended && call.parts.is_empty()) {
            self.calls.remove(&id);
        }
    }
}
