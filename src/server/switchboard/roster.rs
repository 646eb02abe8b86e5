//! Agents who are new, others than before, or gone: the center's file was changed under the server.
//!
//! Each has a place in every center that is served, which is their id and stays theirs; who is gone is there as gone.

use std::sync::Arc;

use super::Now;
use super::Output;
use super::Streams;
use super::Switchboard;
use super::desks::guest_id;
use crate::base::AgentId;
use crate::base::Name;
use crate::fact::Fact;
use crate::fact::What;
use crate::flow::Center;
use crate::queue;
use crate::queue::api::AgentState;
use crate::queue::api::AgentWish;
use crate::server::canary::Edition;
use crate::server::canary::Served;

impl Switchboard {
    /// Calls from now on are served with this, and its agents are the agents.
    pub(super) fn serve(
        &mut self,
        now: Now,
        served: Served,
        streams: &mut dyn Streams,
        out: &mut Vec<Output>,
    ) {
        let Served { all: Edition { version, center, library }, canary } = served;
        let before = std::mem::replace(&mut self.parts.center, center);
        (self.parts.version, self.parts.library, self.parts.canary) = (version, library, canary);
        let new = self.who_came_and_went(now, &before, out);
        let started = self.parts.started;
        let changed = before.engine_at(started).changed_agents(&self.parts.center.engine_at(started));
        self.heed_always_ready(&before, &changed);
        self.tell_roster(now, &changed, out);
        self.heed_contacts(now, &before, out);
        for id in new {
            self.leave_guests_desk(now, id, streams, out);
            self.signed_in_already(now, id, out);
        }
        self.shifts_changed(now);
    }

    /// These agents are others from now on than the engine knows them.
    pub(super) fn tell_roster(&mut self, now: Now, changed: &[AgentId], out: &mut Vec<Output>) {
        if !changed.is_empty() {
            let roster = self.parts.center.roster(changed, now.at, now.wall);
            self.tell_engine(now, queue::Event::Agents(Box::new(roster)), out);
        }
    }

    /// Tells who is new and who is gone; those who are new.
    fn who_came_and_went(&mut self, now: Now, before: &Center, out: &mut Vec<Output>) -> Vec<AgentId> {
        let center = Arc::clone(&self.parts.center);
        let mut new = Vec::new();
        for (agent, id) in center.engine.agents.iter().zip((0..).map(AgentId)) {
            let was_one = before.engine.agents.get(id.0 as usize).is_some_and(|agent| !agent.gone);
            let name = agent.name.clone();
            let what = match (was_one, !agent.gone) {
                (false, true) => {
                    self.agents.insert(name.clone(), id);
                    new.push(id);
                    What::AgentAdded { agent: name }
                }
                (true, false) => What::AgentRemoved { agent: name },
                _ => continue,
            };
            out.push(Output::Fact(Fact { at: now.at, call: None, what }));
        }
        new
    }

    /// Who is always ready from now on is signed in by their hours, as after a start.
    fn heed_always_ready(&mut self, before: &Center, changed: &[AgentId]) {
        let is = |center: &Center, id: &AgentId| {
            center.engine.agents.get(id.0 as usize).is_some_and(|agent| agent.always_ready)
        };
        for id in changed {
            match (is(before, id), is(&self.parts.center, id)) {
                (false, true) => drop(self.off_shift.insert(*id)),
                (_, false) => drop(self.off_shift.remove(id)),
                (true, true) => {}
            }
        }
    }

    /// After a start that goes on with an engine: who is always ready and was not is signed in by their hours.
    pub(super) fn await_shifts(&mut self, now: Now, changed: &[AgentId]) {
        let center = Arc::clone(&self.parts.center);
        let agents = &center.engine.agents;
        let is = |id: &AgentId| agents.get(id.0 as usize).is_some_and(|agent| agent.always_ready);
        for id in changed.iter().filter(|id| is(id)) {
            if self.engine.agent_state(*id) == Some(&AgentState::Offline) {
                self.off_shift.insert(*id);
                self.shifts_changed(now);
            }
        }
    }

    /// Whose phone was at a fixed place, and who has none now, is signed out.
    fn heed_contacts(&mut self, now: Now, before: &Center, out: &mut Vec<Output>) {
        let center = Arc::clone(&self.parts.center);
        for ((was, is), id) in before.contacts.iter().zip(&center.contacts).zip((0..).map(AgentId)) {
            let signed_out = matches!(self.engine.agent_state(id), None | Some(AgentState::Offline));
            if was != is && !signed_out && !self.has_phone(id, &self.agent_name(id)) {
                let wish = AgentWish::Offline;
                self.tell_engine(now, queue::Event::AgentWants { agent: id, wish }, out);
            }
        }
    }

    /// Who is new may have signed in a phone already, which with an account alone calls nobody; or is back in the talk in which
    /// they were taken out.
    fn signed_in_already(&mut self, now: Now, id: AgentId, out: &mut Vec<Output>) {
        let name = self.agent_name(id);
        let addresses: Vec<String> =
            self.parts.endpoint.contacts(&name).iter().map(|binding| binding.uri.to_string()).collect();
        for (contact, contacts) in addresses.iter().zip(1..) {
            let what = What::PhoneRegistered { agent: name.clone(), contact: contact.clone(), contacts };
            out.push(Output::Fact(Fact { at: now.at, call: None, what }));
        }
        if !addresses.is_empty() || self.has_desk(id) {
            self.signed_in(now, id, true, out);
        }
    }

    /// Who was a guest at a desk and is an agent now opens it as one.
    fn leave_guests_desk(&mut self, now: Now, id: AgentId, streams: &mut dyn Streams, out: &mut Vec<Output>) {
        let name: Name = self.agent_name(id);
        let guest = self.guests.iter().position(|guest| *guest == name).map(guest_id);
        if let Some(guest) = guest.filter(|guest| !self.talks_at_desk(*guest)) {
            self.close_guests_desk(now, guest, streams, out);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::refer_tests::ALICE;
    use super::super::refer_tests::CENTER;
    use super::super::refer_tests::House;
    use super::*;
    use crate::sip::Event;
    use crate::sip::api::EndCause;

    /// What has come of it for agents, in words.
    fn told(house: &mut House) -> Vec<String> {
        let told = std::mem::take(&mut house.facts).into_iter().filter_map(|what| match what {
            What::AgentAdded { agent } => Some(format!("{agent} added")),
            What::AgentRemoved { agent } => Some(format!("{agent} removed")),
            What::SkillSet { agent, skill, level, by: None } => Some(format!("{agent} {skill} {level}")),
            What::AgentState { agent, to, .. } => Some(format!("{agent} {to:?}")),
            _ => None,
        });
        told.collect()
    }

    /// Without the line of this agent, or with another one in its place.
    fn changed(agent: &str, line: &str) -> String {
        let lines = CENTER.lines().map(|known| match known.trim().starts_with(&format!("{agent}:")) {
            true => line,
            false => known,
        });
        lines.collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn who_is_taken_out_of_the_file_keeps_their_talk_and_is_called_no_more() {
        let mut house = House::new();
        told(&mut house);
        let alice = house.switchboard.agent("alice").expect("an agent");
        house.serves(&changed("alice", "").replace("more: 3", "more: 3, talk: 1"));
        assert_eq!(told(&mut house), ["alice removed", "alice talk 0", "bob talk 1"]);
        assert_eq!(
            house.switchboard.engine().agent_state(alice),
            Some(&AgentState::Talking(super::super::CallId(1)))
        );
        assert_eq!(house.switchboard.agent("alice"), None, "nobody can be handed on to her");
        house.sip(Event::Ended { session: ALICE, cause: EndCause::Bye });
        assert_eq!(told(&mut house), ["alice Offline"]);
        // And comes back.
        house.serves(CENTER);
        assert_eq!(house.switchboard.agent("alice"), Some(alice), "her place is hers");
        assert_eq!(told(&mut house), ["alice added", "alice talk 5", "bob talk 0"]);
        house.ticks();
        assert_eq!(told(&mut house), ["alice Ready"], "who is always ready is so at once");
    }

    #[test]
    fn who_is_put_into_the_file_is_rung_for_those_who_wait() {
        let mut house = House::new();
        house.incoming(super::super::SessionId(2), "1000", None);
        told(&mut house);
        let erin = "  erin: { skills: { talk: 2 }, contact: 'sip:erin@10.0.0.5:5060', ready: always }";
        house.serves(&format!("{CENTER}{erin}\n"));
        house.ticks();
        assert_eq!(told(&mut house), ["erin added", "erin talk 2", "erin Ready", "erin Ringing"]);
    }

    #[test]
    fn who_had_a_fixed_phone_and_has_none_is_signed_out() {
        let mut house = House::of(CENTER);
        house.ticks();
        told(&mut house);
        house.serves(&changed("bob", "  bob: { skills: { more: 3, talk: 1 }, ready: when registered }"));
        assert_eq!(told(&mut house), ["bob talk 1", "bob Offline"]);
        house.serves(&changed("bob", "  bob: { skills: { more: 3, talk: 1 } }"));
        assert_eq!(told(&mut house), [""; 0], "that is the same");
    }
}
