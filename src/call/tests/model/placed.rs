//! The same for calls that an agent places, by the desk and by their own phone, to a number and to a colleague.

use super::*;
use crate::call::placed::Callee;
use crate::call::placed::Order;
use crate::call::placed::Phone;

impl Call {
    /// The line of a colleague who was called, and whether it is up.
    pub(super) fn colleagues_line(&self, agent: AgentId) -> Option<(bool, LegId)> {
        let (colleague, _) = self.placed.as_ref()?.colleague.as_ref()?;
        let ringing = match &self.phase {
            Phase::Calling(calling) => calling.leg.map(|leg| (false, leg)),
            _ => None,
        };
        let talking = self.caller.map(|leg| (true, leg));
        talking.or(ringing).filter(|_| *colleague == agent)
    }
}

impl World {
    /// Alice, who is on a break if not `ready`, wants to talk with somebody.
    fn placed(to: Callee, by_phone: bool, ready: bool) -> World {
        let mut engine = Engine::new(TEST_CENTER.engine.clone());
        let rest = AgentWish::NotReady("break".into());
        for (agent, wish) in [(0, if ready { AgentWish::Ready } else { rest }), (1, AgentWish::Ready)] {
            let agent = AgentId(agent);
            engine.handle(Timestamp::ZERO, queue::Event::AgentWants { agent, wish }, &mut Vec::new());
        }
        let phone = Phone { leg: CALLER, sip_call_id: "abc@host".to_owned(), source: "udp".to_owned() };
        let (agent, name, queue) = (AgentId(0), "alice".into(), QueueId(0));
        let shown = "+12025550100".to_owned();
        let order = Order { agent, name, to, queue, shown, trunk: None, phone: by_phone.then_some(phone) };
        let mut actions = Vec::new();
        let call = Call::place(CALL, Timestamp::ZERO, &TEST_CENTER, order, &mut actions);
        let lines = by_phone.then_some((CALLER, Line::Up)).into_iter().collect();
        let mut world = World {
            center: &TEST_CENTER,
            call,
            engine,
            now: Timestamp::ZERO,
            lines,
            hears: BTreeMap::new(),
            plays: BTreeMap::new(),
            notes: BTreeSet::new(),
            told: Told::default(),
            over: false,
        };
        world.settle(VecDeque::from([Pending::Actions(actions)]));
        world.check();
        world
    }
}

fn number() -> Callee {
    Callee::Number("+12025550199".to_owned())
}

fn colleague() -> Callee {
    Callee::Agent(AgentId(1), "bob".into())
}

#[test]
fn no_order_of_events_around_a_call_to_a_number_breaks_a_promise() {
    let mut asks = alice([
        hold(HoldWay::Verbal, true),
        consult(Target::Agent("bob".into()), true),
        AgentRequest::Complete,
        AgentRequest::Transfer { to: Target::Agent("bob".into()) },
        AgentRequest::HangUp,
    ]);
    asks.extend(bob([AgentRequest::Acknowledge]));
    for (by_phone, ready) in [(false, true), (false, false), (true, true)] {
        let met = explore(World::placed(number(), by_phone, ready), 7, &asks);
        assert!(met >= 400, "only {met} worlds were met");
    }
}

#[test]
fn no_order_of_events_around_a_call_to_a_colleague_breaks_a_promise() {
    let mut asks = alice([
        hold(HoldWay::Verbal, true),
        AgentRequest::Resume,
        consult(Target::Number("+12025550198".into()), true),
        AgentRequest::Join,
        AgentRequest::Complete,
        AgentRequest::Transfer { to: Target::Queue("help".into()) },
        AgentRequest::HangUp,
    ]);
    asks.extend(bob([AgentRequest::HangUp]));
    asks.extend([Step::Desk { lost: true }, Step::Desk { lost: false }]);
    for by_phone in [false, true] {
        let met = explore(World::placed(colleague(), by_phone, true), 7, &asks);
        assert!(met >= 300, "only {met} worlds were met");
    }
}

#[test]
fn an_agent_who_called_somebody_from_their_break_is_on_it_again_afterwards() {
    let mut world = World::placed(number(), false, false);
    let own = *world.lines.keys().next().expect("alice's phone rings");
    world.step(&Step::PicksUp(own));
    let callee = *world.lines.keys().last().expect("the number rings");
    world.step(&Step::PicksUp(callee));
    assert_eq!(world.hears[&callee].as_slice(), [own]);
    world.step(&Step::Leaves(callee));
    assert_eq!(world.engine.agent_state(AgentId(0)), Some(&AgentState::WrapUp));
    world.step(&Step::Passes);
    assert_eq!(world.engine.agent_state(AgentId(0)), Some(&AgentState::NotReady("break".into())));
}

#[test]
fn who_is_called_sees_our_number_and_the_agent_sees_theirs() {
    let mut world = World::placed(number(), false, true);
    let own = *world.lines.keys().next().expect("alice's phone rings");
    let shown = |world: &World, leg| world.call.shown_to(&TEST_CENTER, world.now, leg).number.to_owned();
    assert_eq!(shown(&world, own), "+12025550199");
    world.step(&Step::PicksUp(own));
    let callee = *world.lines.keys().last().expect("the number rings");
    assert_eq!(shown(&world, callee), "+12025550100");
}
