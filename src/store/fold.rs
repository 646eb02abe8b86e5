//! The record of a call: a fold over its facts. Pure; nothing here reads a clock or the file.

use std::time::Duration;

use crate::base::CallId;
use crate::base::LegId;
use crate::base::Timestamp;
use crate::base::WallTime;
use crate::fact::Assurance;
use crate::fact::Direction;
use crate::fact::Fact;
use crate::fact::Outcome;
use crate::fact::Party;
use crate::fact::Quality;
use crate::fact::Target;
use crate::fact::TransferKind;
use crate::fact::What;

/// The most digits that a record keeps; the facts keep them all.
const DIGITS_KEPT: usize = 1_000;

/// A fact with the calendar's time.
#[derive(Clone, Debug, PartialEq)]
pub struct DatedFact {
    /// When, by the calendar.
    pub wall: WallTime,
    /// What happened.
    pub fact: Fact,
}

impl DatedFact {
    /// A time to come that the fact names, by the calendar.
    pub(super) fn wall_of(&self, until: Timestamp) -> WallTime {
        self.wall + until.since(self.fact.at)
    }
}

/// When something began that a later fact ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Since {
    wall: WallTime,
    /// By the clock of the server's run; none where that run is over.
    at: Option<Timestamp>,
}

impl Since {
    pub(super) fn of(dated: &DatedFact) -> Since {
        Since { wall: dated.wall, at: Some(dated.fact.at) }
    }

    /// By the calendar alone.
    pub(super) fn in_an_earlier_run(self) -> Since {
        Since { at: None, ..self }
    }

    /// How long it took: by the server's clock, which nobody sets as they set a calendar, where it is one run.
    pub(super) fn until(self, end: &DatedFact) -> Duration {
        match self.at {
            Some(at) => end.fact.at.since(at),
            None => end.wall.since(self.wall),
        }
    }
}

/// One call as people look it up.
#[derive(Clone, Debug, PartialEq)]
pub struct CallRecord {
    pub id: CallId,
    pub direction: Direction,
    /// SIP's Call-ID header.
    pub sip_call_id: String,
    /// The calling number or user; the agent who placed the call.
    pub from: String,
    /// The calling party's display name; empty when none was given.
    pub display: String,
    /// The number that was dialled.
    pub to: String,
    /// `udp 127.0.0.1:5070`
    pub source: String,
    /// The trunk that it came by, or went out by.
    pub trunk: Option<String>,
    /// Our number, as whom an agent called saw it.
    pub caller_id: Option<String>,
    pub arrived: WallTime,
    pub answered: Option<WallTime>,
    /// None while the call is up.
    pub ended: Option<WallTime>,
    /// What is proven of who calls.
    pub assurance: Assurance,
    /// The account number of the customer that was found.
    pub customer: Option<String>,
    pub customer_name: Option<String>,
    /// The last queue that the caller joined.
    pub queue: Option<String>,
    /// How long the caller waited in it.
    pub waited: Option<Duration>,
    /// How long we said it would take, when we first said so.
    pub quote: Option<Duration>,
    /// The last agent that the caller was connected to.
    pub agent: Option<String>,
    /// Time in talk, over all agents.
    pub talked: Option<Duration>,
    pub outcome: Option<Outcome>,
    pub ended_by: Option<Party>,
    pub cause: String,
    /// How often the caller had to repeat what somebody knew already.
    pub repeats: u32,
    /// Every digit heard outside a secret, in order; the first 1000.
    pub digits: String,
    /// How many recordings were begun; they may have been swept since.
    pub recordings: u16,
    pub legs: Vec<LegRecord>,
}

/// One party's line.
#[derive(Clone, Debug, PartialEq)]
pub struct LegRecord {
    pub leg: LegId,
    pub party: Party,
    pub address: String,
    pub opened: Option<WallTime>,
    pub closed: Option<WallTime>,
    pub quality: Option<Quality>,
}

/// A record in the making.
#[derive(Clone, Debug, PartialEq)]
pub struct CallFold {
    record: CallRecord,
    /// Since when the caller waits in the queue of the record.
    waiting_since: Option<Since>,
}

impl CallFold {
    /// The fold of a call of which nothing is known but its first moment.
    pub fn new(call: CallId, arrived: WallTime) -> CallFold {
        CallFold { record: CallRecord::blank(call, arrived), waiting_since: None }
    }

    /// The fold of a whole list of facts of one call; none for an empty list.
    pub fn of(call: CallId, facts: &[DatedFact]) -> Option<CallFold> {
        let mut fold = CallFold::new(call, facts.first()?.wall);
        for fact in facts {
            fold.apply(fact);
        }
        Some(fold)
    }

    /// What is known so far.
    pub fn record(&self) -> &CallRecord {
        &self.record
    }

    /// Takes one more fact in. True when the record became another one in what a list of calls shows.
    pub fn apply(&mut self, dated: &DatedFact) -> bool {
        let (wall, record) = (dated.wall, &mut self.record);
        match &dated.fact.what {
            What::CallArrived { from, display, to, sip_call_id, source, trunk } => {
                record.arrived = wall;
                record.from.clone_from(from);
                record.display.clone_from(display);
                record.to = to.to_string();
                record.sip_call_id.clone_from(sip_call_id);
                record.source.clone_from(source);
                record.trunk = trunk.as_ref().map(|name| name.to_string());
            }
            What::CallPlaced { agent, to, queue, trunk, caller_id } => {
                record.direction = Direction::placed(to);
                record.arrived = wall;
                record.from = agent.to_string();
                record.to = to.to_string();
                record.agent = Some(agent.to_string());
                record.queue = Some(queue.to_string());
                record.trunk = trunk.as_ref().map(ToString::to_string);
                record.caller_id.clone_from(caller_id);
            }
            What::CalleeReached { .. } => record.answered = record.answered.or(Some(wall)),
            What::CallAnswered => record.answered = record.answered.or(Some(wall)),
            What::Digit { digit } => {
                if record.digits.len() < DIGITS_KEPT {
                    record.digits.push(*digit);
                }
                return false;
            }
            What::Identified { customer, name, by: _ } => {
                record.customer = Some(customer.clone());
                record.customer_name = Some(name.clone());
            }
            what @ (What::VerificationEnded { .. } | What::AgentVerified(_)) => record.assurance.learn(what),
            What::Enqueued { queue, .. } => {
                record.queue = Some(queue.to_string());
                self.waiting_since = Some(Since::of(dated));
            }
            What::PlaceRecalled { .. } => {
                self.waiting_since = self.waiting_since.map(Since::in_an_earlier_run);
                return false;
            }
            What::NotLetIn { queue, .. } => record.queue = Some(queue.to_string()),
            What::WaitMoved { to, .. } => record.queue = Some(to.to_string()),
            What::WaitAsked { quote, .. } => record.quote = record.quote.or(*quote),
            What::WaitEnded { .. } => self.stop_waiting(dated),
            What::AgentConnected { agent, waited, quote } => {
                record.agent = Some(agent.to_string());
                record.waited = Some(*waited);
                record.quote = record.quote.or(*quote);
                self.waiting_since = None;
            }
            What::TalkEnded { talked, .. } => {
                record.talked = Some(record.talked.unwrap_or_default() + *talked);
            }
            What::Transferred { to: Target::Agent(agent), kind: TransferKind::Warm, .. } => {
                record.agent = Some(agent.to_string())
            }
            What::TakenOver { by, .. } => record.agent = Some(by.to_string()),
            What::HadToRepeat { .. } => record.repeats += 1,
            What::LegOpened { leg, party, address } => {
                let line = self.leg(*leg, *party);
                line.address.clone_from(address);
                line.opened = Some(wall);
            }
            What::LegMoved { leg, party, address } => self.leg(*leg, *party).address.clone_from(address),
            What::LegClosed { leg, party, quality } => {
                let line = self.leg(*leg, *party);
                line.closed = Some(wall);
                line.quality = Some(*quality);
            }
            What::RecordingStarted { .. } => record.recordings += 1,
            What::CallEnded { by, outcome, cause, .. } => {
                record.ended = Some(wall);
                record.ended_by = Some(*by);
                record.outcome = Some(*outcome);
                record.cause.clone_from(cause);
                self.stop_waiting(dated);
            }
            What::FlowsServed { .. }
            | What::CalleeDialled { .. }
            | What::CalleeMissed { .. }
            | What::FlowStarted { .. }
            | What::NodeEntered { .. }
            | What::Played { .. }
            | What::Whispered { .. }
            | What::LeftOut { .. }
            | What::BargedIn { .. }
            | What::NoInput { .. }
            | What::NoMatch { .. }
            | What::Chose { .. }
            | What::VerificationFailed { .. }
            | What::VariableSet { .. }
            | What::AgentsNamed { .. }
            | What::AgeRestored { .. }
            | What::JoinedInSurge
            | What::NeedsRelaxed { .. }
            | What::HeldBack { .. }
            | What::WaitPrioritised { .. }
            | What::LanguageChosen { .. }
            | What::ServiceAsked { .. }
            | What::BotJoined { .. }
            | What::BotLeft { .. }
            | What::WaitGranted { .. }
            | What::WaitDeclined
            | What::HoldMusicStarted
            | What::CheckedIn { .. }
            | What::CallbackChosen { .. }
            | What::CarriedOn
            | What::CallbackDialled { .. }
            | What::CallbackFailed { .. }
            | What::CallbackReached { .. }
            | What::CallbackCancelled { .. }
            | What::AgentReserved { .. }
            | What::ForwardDialled { .. }
            | What::ForwardAnswered { .. }
            | What::ForwardMissed { .. }
            | What::ForwardEnded { .. }
            | What::AgentRinging { .. }
            | What::AgentMissed { .. }
            | What::AudioLost { .. }
            | What::AudioBack { .. }
            | What::FarEndHeld { .. }
            | What::FarEndResumed { .. }
            | What::HoldAsked { .. }
            | What::HoldAnswered { .. }
            | What::CallbackAgreed { .. }
            | What::HoldStarted { .. }
            | What::HoldRequoted { .. }
            | What::HoldNudged { .. }
            | What::HoldCheckedIn
            | What::HoldAlarm { .. }
            | What::HoldEnded { .. }
            | What::ConsultStarted { .. }
            | What::ConsultRinging { .. }
            | What::NoteAmended { .. }
            | What::NoteSpoken { .. }
            | What::NoteAcknowledged { .. }
            | What::NoteDeclined { .. }
            | What::ConsultAnswered { .. }
            | What::Toggled { .. }
            | What::Conferenced
            | What::Escalated { .. }
            | What::PartyCalled { .. }
            | What::PartyJoined { .. }
            | What::PartyLeft { .. }
            | What::PartyMuted { .. }
            | What::PartyGain { .. }
            | What::ConsultEnded { .. }
            | What::Transferred { .. }
            | What::Referred { .. }
            | What::Supervising { .. }
            | What::SupervisionEnded { .. }
            | What::ListeningAsked { .. }
            | What::ListeningAnswered { .. }
            | What::ListeningLapsed { .. }
            | What::Listening { .. }
            | What::ListeningEnded { .. }
            | What::Misrouted { .. }
            | What::MisroutedTakenBack { .. }
            | What::OutcomeSet { .. }
            | What::PromiseMade { .. }
            | What::PromiseReminded { .. }
            | What::PromiseOverdue { .. }
            | What::PromiseHanded { .. }
            | What::PromiseSettled { .. }
            | What::RecordingAnswered { .. }
            | What::RecordingPaused { .. }
            | What::RecordingResumed { .. }
            | What::RecordingEnded { .. }
            | What::RecordingFetched { .. }
            | What::CallRead { .. }
            | What::Evaluated { .. }
            | What::EvaluationAcknowledged { .. }
            | What::EvaluationsRead { .. }
            | What::CallsListed { .. }
            | What::EventsWatched { .. }
            | What::CustomersRead { .. }
            | What::CustomerChanged { .. }
            | What::MessageLeft { .. }
            | What::NoMessageLeft { .. }
            | What::MessageFetched { .. }
            | What::MessageHandled { .. }
            | What::SurveyStarted { .. }
            | What::SurveyAnswered { .. }
            | What::AgentState { .. }
            | What::AgentNext { .. }
            | What::AgentTold { .. }
            | What::AgentAdded { .. }
            | What::AgentRemoved { .. }
            | What::SkillSet { .. }
            | What::PhoneRegistered { .. }
            | What::PhoneUnregistered { .. }
            | What::DeskOpened { .. }
            | What::DeskLost { .. }
            | What::DeskBack { .. }
            | What::DeskClosed { .. }
            | What::SurgeBegan { .. }
            | What::SurgeGoesOn { .. }
            | What::SurgeEnded { .. }
            | What::TargetSet { .. }
            | What::NumberNotBelieved { .. }
            | What::CalendarSet { .. }
            | What::TrunkRegistered { .. }
            | What::TrunkUnregistered { .. }
            | What::TrendSeen { .. } => return false,
        }
        true
    }

    fn stop_waiting(&mut self, dated: &DatedFact) {
        if let Some(since) = self.waiting_since.take() {
            self.record.waited = Some(since.until(dated));
        }
    }

    fn leg(&mut self, leg: LegId, party: Party) -> &mut LegRecord {
        let legs = &mut self.record.legs;
        let place = legs.iter().position(|known| known.leg == leg).unwrap_or_else(|| {
            legs.push(LegRecord {
                leg,
                party,
                address: String::new(),
                opened: None,
                closed: None,
                quality: None,
            });
            legs.len() - 1
        });
        &mut legs[place]
    }
}

impl CallRecord {
    /// A record that says nothing yet.
    fn blank(id: CallId, arrived: WallTime) -> CallRecord {
        CallRecord {
            id,
            direction: Direction::Inbound,
            sip_call_id: String::new(),
            from: String::new(),
            display: String::new(),
            to: String::new(),
            source: String::new(),
            trunk: None,
            caller_id: None,
            arrived,
            answered: None,
            ended: None,
            assurance: Assurance::default(),
            customer: None,
            customer_name: None,
            queue: None,
            waited: None,
            quote: None,
            agent: None,
            talked: None,
            outcome: None,
            ended_by: None,
            cause: String::new(),
            repeats: 0,
            digits: String::new(),
            recordings: 0,
            legs: Vec::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Timestamp;
    use crate::fact::Verification;
    use crate::store::sample;

    fn record(facts: Vec<Fact>) -> CallRecord {
        CallFold::of(CallId(7), &sample::dated(facts)).unwrap().record().clone()
    }

    fn at(ms: u64) -> WallTime {
        sample::STARTED + Duration::from_millis(ms)
    }

    #[test]
    fn a_whole_call_is_one_record() {
        let record = record(sample::whole_call(7));
        assert_eq!(
            (record.from.as_str(), record.display.as_str(), record.to.as_str()),
            ("+12025550143", "Ann", "1000")
        );
        assert_eq!((record.arrived, record.answered, record.ended), (at(0), Some(at(12)), Some(at(108_352))));
        assert_eq!(
            (record.assurance.verified, record.customer.as_deref()),
            (Some(Verification::VerifiedByPin), Some("100200"))
        );
        assert_eq!((record.queue.as_deref(), record.agent.as_deref()), (Some("billing"), Some("bob")));
        assert_eq!(record.waited, Some(Duration::from_secs(36)));
        assert_eq!(
            (record.quote, record.talked),
            (Some(Duration::from_secs(60)), Some(Duration::from_secs(65)))
        );
        assert_eq!((record.outcome, record.ended_by), (Some(Outcome::Talked), Some(Party::Caller)));
        assert_eq!(record.digits, "11");
        assert_eq!(record.legs.len(), 1);
        assert_eq!(record.legs[0].opened, Some(at(12)));
        assert_eq!(record.legs[0].quality.unwrap().lost, 3);
    }

    #[test]
    fn a_caller_who_hangs_up_in_the_queue_has_waited_until_then() {
        let mut facts = sample::whole_call(7);
        facts.truncate(17);
        let (by, outcome) = (Party::Caller, Outcome::Abandoned);
        let what = What::CallEnded { by, outcome, cause: "BYE".into(), by_person: None };
        facts.push(Fact { at: Timestamp::from_millis(17_351), call: Some(CallId(7)), what });
        let record = record(facts);
        assert_eq!((record.waited, record.agent), (Some(Duration::from_secs(10)), None));
        assert_eq!(record.outcome, Some(Outcome::Abandoned));
    }

    #[test]
    fn a_live_call_has_no_end() {
        let record = record(sample::whole_call(7).into_iter().take(3).collect());
        assert_eq!((record.ended, record.outcome), (None, None));
        assert_eq!(CallFold::of(CallId(7), &[]), None);
    }

    #[test]
    fn a_caller_who_leans_on_a_key_fills_no_memory() {
        let mut facts = sample::short_call(7);
        let digit = |_| Fact { at: Timestamp::ZERO, call: Some(CallId(7)), what: What::Digit { digit: '5' } };
        facts.extend((0..5_000).map(digit));
        assert_eq!(record(facts).digits.len(), DIGITS_KEPT);
    }
}
