//! The same for colleagues who listen: nobody hears them, and they hear nobody without a word of whoever has the caller.

use super::*;
use crate::fact::ListensBy;

static LEARNS: LazyLock<Center> = LazyLock::new(|| {
    let carol = "  carol: { skills: { talk: 1 }, learns_from: alice, ready: when registered }\ntrunks:";
    center(&CENTER.replace("trunks:", carol))
});

/// What the facts say of listeners.
#[derive(Clone, Debug, Default)]
pub(super) struct Listens {
    /// Who asks whom.
    asks: BTreeMap<Name, Name>,
    /// Whom somebody let in.
    agreed: BTreeMap<Name, Name>,
    /// Whom somebody refused or sent away, in a talk of theirs that is not over.
    refused: BTreeSet<(Name, Name)>,
    /// Who listens to whom.
    listens: BTreeMap<Name, Name>,
    pub(super) lines: BTreeSet<LegId>,
}

impl Listens {
    pub(super) fn learn(&mut self, what: What, call: &Call) {
        let has_caller = || call.agent.as_ref().map(|line| &line.name);
        match what {
            What::ListeningAsked { by, agent } => {
                assert_eq!(has_caller(), Some(&agent), "asked is who has the caller");
                assert!(!self.refused.contains(&(by.clone(), agent.clone())), "asked again after a no");
                assert_eq!(self.asks.insert(by, agent), None, "asks twice");
            }
            What::ListeningAnswered { agent, by, agreed } => {
                assert_eq!(has_caller(), Some(&agent), "answered by who has the caller");
                let asked = self.asks.remove(&by);
                if agreed {
                    assert_eq!(asked.as_ref(), Some(&agent), "a yes to nobody");
                    self.agreed.insert(by, agent);
                } else {
                    self.agreed.remove(&by);
                    self.refused.insert((by, agent));
                }
            }
            What::ListeningLapsed { by } => {
                self.asks.remove(&by);
                self.agreed.remove(&by);
            }
            What::Listening { listener, agent, by } => {
                match by {
                    ListensBy::Consent => assert_eq!(self.agreed.get(&listener), Some(&agent), "no yes"),
                    ListensBy::File => {
                        assert_eq!((&*listener, &*agent), ("carol", "alice"), "no word of the file")
                    }
                }
                assert!(!self.refused.contains(&(listener.clone(), agent.clone())), "back after a no");
                assert_eq!(self.listens.insert(listener, agent), None, "listens twice");
            }
            What::ListeningEnded { listener } => {
                self.agreed.remove(&listener);
                assert!(self.listens.remove(&listener).is_some(), "the end of no listening");
            }
            _ => {}
        }
    }

    /// Their no was for this talk; they may get the same caller again.
    pub(super) fn talk_ended(&mut self, agent: &Name) {
        self.refused.retain(|(_, by)| by != agent);
    }
}

impl World {
    pub(super) fn check_listeners(&self) {
        let Listens { asks, listens, lines, .. } = &self.told.listens;
        for (leg, whom) in &self.hears {
            assert!(!whom.iter().any(|one| lines.contains(one)), "a listener is heard on {leg}");
        }
        let hears = |leg: &&LegId| self.hears.get(leg).is_some_and(|whom| !whom.is_empty());
        assert!(lines.iter().filter(hears).count() <= listens.len(), "somebody hears without a word of it");
        let agent = self.call.agent.as_ref().map(|line| &line.name);
        let theirs = |to: &Name| Some(to) == agent && self.call.talk().is_some();
        assert!(asks.values().chain(listens.values()).all(theirs), "it was another one who agreed");
        let up = lines.iter().filter(|leg| self.lines.contains_key(leg)).count();
        assert_eq!(up, self.call.talk().map_or(0, |talk| talk.listening.let_in()), "a line of nobody");
        let overheard = self.told.supervisors.values().filter(|leg| self.lines.contains_key(leg)).count();
        assert!(overheard + up <= 3, "more listen than may");
    }
}

fn lets(who: &str, agreed: bool) -> AgentRequest {
    AgentRequest::LetListen { who: who.into(), agreed }
}

fn explored(depth: usize, asks: &[Step], at_least: usize) {
    let met = explore(World::in_center(&LEARNS, ""), depth, asks);
    println!("{met} worlds");
    assert!(met >= at_least, "only {met} worlds were met");
}

#[test]
fn no_order_of_events_around_a_listener_lets_anybody_hear_them() {
    let mut asks = alice([
        lets("bob", true),
        lets("bob", false),
        lets("carol", false),
        hold(HoldWay::Verbal, true),
        AgentRequest::Resume,
    ]);
    asks.extend(bob([AgentRequest::Listen, AgentRequest::StopListening]));
    let whisper = AgentRequest::Supervise(Some(SuperviseMode::Whisper));
    asks.extend([
        Step::Asks("carol", AgentRequest::Listen),
        Step::Asks("sam", whisper.clone()),
        // What they may not do.
        Step::Asks("bob", whisper),
        Step::Asks("bob", AgentRequest::TakeOver),
    ]);
    explored(6, &asks, 2_000);
}

#[test]
fn no_order_of_events_around_a_hand_over_lets_a_listener_stay() {
    let mut asks = alice([
        lets("carol", false),
        consult(Target::Agent("bob".into()), true),
        AgentRequest::Join,
        AgentRequest::Complete,
        AgentRequest::Transfer { to: Target::Queue("help".into()) },
    ]);
    asks.extend(bob([AgentRequest::Acknowledge, lets("carol", true)]));
    asks.extend([
        Step::Asks("carol", AgentRequest::Listen),
        Step::Asks("sam", AgentRequest::TakeOver),
        Step::Asks("sam", lets("carol", true)),
    ]);
    explored(7, &asks, 2_000);
}
