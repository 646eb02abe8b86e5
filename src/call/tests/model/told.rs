//! What the facts of a call say, and what they must never say.

use super::listen::Listens;
use super::*;

/// What the facts say, read by somebody who sees nothing else.
#[derive(Clone, Debug, Default)]
pub(super) struct Told {
    pub(super) way: Option<HoldWay>,
    pub(super) agreed: bool,
    /// Until when the caller's yes counts.
    pub(super) permitted: Option<Timestamp>,
    pub(super) held: bool,
    /// The lines that were dialled for a consult, and whether the note was acknowledged there.
    pub(super) receivers: BTreeMap<LegId, bool>,
    pub(super) consulting: bool,
    /// Somebody is being added to the talk, and who is in it.
    pub(super) adding: bool,
    pub(super) members: BTreeSet<Name>,
    pub(super) barging: BTreeSet<Name>,
    pub(super) supervisors: BTreeMap<Name, LegId>,
    pub(super) listens: Listens,
    pub(super) talking: BTreeSet<Name>,
    pub(super) ended: bool,
}

impl Told {
    pub(super) fn asks_in(&self) -> bool {
        self.consulting || self.adding
    }

    pub(super) fn learn(&mut self, what: What, now: Timestamp, call: &Call) {
        assert!(!self.ended, "told after the end: {what:?}");
        match what {
            What::HoldAsked { way, reason, .. } => {
                assert!(!reason.is_empty(), "a hold without a reason");
                (self.way, self.agreed) = (Some(way), false);
            }
            What::HoldAnswered { answer, .. } => self.agreed = answer == HoldAnswer::Yes,
            What::HoldStarted { until, by, .. } => {
                assert!(!self.held, "held twice");
                let overridden = by == HoldBy::Override && self.way == Some(HoldWay::Override);
                let again = self.permitted.is_some_and(|permitted| until <= permitted && now < permitted);
                assert!(self.agreed || overridden || again, "held without a word of the caller");
                self.permitted = Some(until);
                (self.held, self.agreed) = (true, false);
            }
            What::HoldRequoted { until, .. } => {
                assert!(self.held, "more time for no hold");
                self.permitted = Some(until);
            }
            What::HoldEnded { .. } => {
                assert!(self.held, "a hold ended that there was not");
                self.held = false;
            }
            What::ConsultStarted { .. } => {
                assert!(self.held, "a consult for which the caller does not wait by permission");
                assert!(!self.consulting, "two consults");
                self.consulting = true;
            }
            What::ConsultRinging { .. } => assert!(self.asks_in(), "rings for no consult"),
            What::PartyCalled { .. } => {
                assert!(!self.held && !self.asks_in(), "somebody is added beside a consult or a hold");
                self.adding = true;
            }
            What::PartyJoined { who } => {
                assert!(self.asks_in(), "somebody is in the talk whom nobody asked");
                let mut lines = call.agent.iter().chain(call.members().map(|member| &member.line));
                if let Some(line) = lines.find(|line| line.name == who) {
                    let knows = self.receivers.get(&line.leg);
                    assert_eq!(knows, Some(&true), "in the talk before the acknowledgement");
                }
                (self.consulting, self.adding) = (false, false);
                assert!(self.members.insert(who), "in the talk twice");
                assert!(self.members.len() + 2 <= MOST_PARTIES, "more than may");
            }
            What::PartyLeft { who, .. } => {
                assert!(self.members.remove(&who), "left without having been there")
            }
            What::TakenOver { from, by } => {
                assert!(
                    self.talking.contains(&from) && self.talking.insert(by.clone()),
                    "taken over of nobody"
                );
                self.supervisors.remove(&by);
                self.barging.remove(&by);
            }
            What::NoteAcknowledged { by } => {
                // Whoever is added is in the talk by now.
                let members = call.members().map(|member| &member.line).filter(|line| line.name == by);
                let leg = call.consulted().into_iter().chain(members).map(|line| line.leg).next();
                self.receivers.extend(leg.map(|leg| (leg, true)));
            }
            What::NoteAmended { .. } => {
                let leg = call.consulted().map(|line| line.leg);
                self.receivers.extend(leg.map(|leg| (leg, false)));
            }
            What::ConsultEnded { .. } => {
                assert!(self.asks_in(), "a consult ended that there was not");
                (self.consulting, self.adding) = (false, false);
                self.receivers.retain(|_, acknowledged| *acknowledged);
            }
            What::Transferred { kind, to, .. } => {
                if kind == crate::fact::TransferKind::Warm {
                    let added = self.members.remove(&*to.to_string());
                    assert!(self.consulting || added, "a warm transfer without a consult");
                    let leg = call.agent.as_ref().map(|line| line.leg).expect("the receiver has the caller");
                    assert_eq!(
                        self.receivers.get(&leg),
                        Some(&true),
                        "a transfer before the acknowledgement"
                    );
                    let name = to.to_string().as_str().into();
                    assert!(self.talking.insert(name), "talks twice");
                }
                self.consulting = false;
                self.permitted = None;
            }
            What::AgentConnected { agent, .. } | What::CalleeReached { agent, .. } => {
                assert!(self.talking.insert(agent), "talks twice")
            }
            What::TalkEnded { agent, .. } => {
                assert!(self.talking.remove(&agent), "the end of no talk");
                self.listens.talk_ended(&agent);
            }
            What::Supervising { supervisor, mode } => match mode {
                SuperviseMode::Barge => drop(self.barging.insert(supervisor)),
                _ => drop(self.barging.remove(&supervisor)),
            },
            What::SupervisionEnded { supervisor } => {
                self.barging.remove(&supervisor);
                self.supervisors.remove(&supervisor);
            }
            What::CallEnded { .. } => self.ended = true,
            what => self.listens.learn(what, call),
        }
    }
}
