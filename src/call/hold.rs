//! An agent's hold, in this call: the machine of `queue::hold` decides, and here it is heard.

use std::time::Duration;

use super::Call;
use super::CallAction;
use super::Phase;
use super::request::Refusal;
use super::request::reason;
use super::talk::Talk;
use super::waiting::quote_words;
use crate::base::Name;
use crate::base::Timestamp;
use crate::fact::Hears;
use crate::fact::HoldEndedBy;
use crate::fact::HoldWay;
use crate::fact::What;
use crate::flow::Center;
use crate::flow::center::HOLD_CHECK_IN;
use crate::flow::center::HOLD_KEYS;
use crate::flow::center::HOLD_KEYS_CALLBACK;
use crate::flow::center::HOLD_QUESTION;
use crate::flow::center::TalkPolicy;
use crate::media::control::PlayId;
use crate::queue::hold;
use crate::queue::hold::Hold;

/// What is quoted when the agent says nothing: "less than one minute".
pub(super) const QUOTE: Duration = Duration::from_secs(60);

/// To the agent: the quote is nearly over.
const NUDGE: &str = "hold/nudge";
/// To the agent: the caller is back.
pub(super) const BACK: &str = "hold/back";
/// To the agent: the caller would not be held.
const REFUSED: &str = "hold/refused";

impl Call {
    #[expect(clippy::too_many_arguments, reason = "each is a field of the request")]
    pub(super) fn ask_hold(
        &mut self,
        center: &Center,
        now: Timestamp,
        why: &str,
        quote: Option<Duration>,
        way: Option<HoldWay>,
        agreed: bool,
        out: &mut Vec<CallAction>,
    ) -> Result<(), Refusal> {
        self.may_hold()?;
        let policy = self.policy(center).hold;
        let reason = Some(reason(why)?).filter(|reason| !reason.is_empty()).ok_or(Refusal::NoReason)?;
        let quote = quote.unwrap_or(QUOTE.min(policy.longest_quote));
        if quote > policy.longest_quote {
            let (asked, most) = (quote.as_secs(), policy.longest_quote.as_secs());
            return Err(Refusal::LongQuote { asked, most });
        }
        let way = way.unwrap_or(policy.way);
        if way == HoldWay::Verbal && policy.way == HoldWay::Prompted {
            return Err(Refusal::MustPrompt);
        }
        let Some(agent) = self.agent.as_ref().map(|line| line.name.clone()) else { return Ok(()) };
        let offers_callback = self.offers_callback(center);
        let wish = hold::Wish { agent, reason, quote, offers_callback };
        let mut actions = Vec::new();
        let begun = match way {
            HoldWay::Verbal if !agreed => {
                Hold::disagreed(&wish, &mut actions);
                None
            }
            HoldWay::Verbal => Some(Hold::agreed(now, &policy, wish, &mut actions)),
            HoldWay::Prompted => Some(Hold::ask(now, &policy, wish, &mut actions)),
            HoldWay::Override => Some(Hold::overridden(now, &policy, wish, &mut actions)),
        };
        self.begin_hold(center, now, begun, actions, out);
        Ok(())
    }

    /// Whether nothing is in the way of a hold.
    pub(super) fn may_hold(&self) -> Result<(), Refusal> {
        match self.talk().and_then(|talk| talk.hold.as_ref()) {
            Some(hold) if hold.is_held() => Err(Refusal::Held),
            Some(_) => Err(Refusal::Asking),
            None => Ok(()),
        }
    }

    pub(super) fn begin_hold(
        &mut self,
        center: &Center,
        now: Timestamp,
        begun: Option<Hold>,
        actions: Vec<hold::Action>,
        out: &mut Vec<CallAction>,
    ) {
        if let Some(talk) = self.talk_mut() {
            talk.hold = begun;
        }
        self.do_hold(center, now, actions, out);
    }

    pub(super) fn resume(
        &mut self,
        center: &Center,
        now: Timestamp,
        out: &mut Vec<CallAction>,
    ) -> Result<(), Refusal> {
        if self.talk().is_none_or(|talk| talk.hold.is_none()) {
            return Err(Refusal::NotHeld);
        }
        self.tell_hold(center, now, hold::Event::End(HoldEndedBy::Agent), out);
        Ok(())
    }

    /// The agent needs longer than they said.
    pub(super) fn requote(
        &mut self,
        center: &Center,
        now: Timestamp,
        quote: Duration,
        out: &mut Vec<CallAction>,
    ) -> Result<(), Refusal> {
        let longest = self.policy(center).hold.longest_quote;
        let too_long = |most: Duration| Refusal::LongQuote { asked: quote.as_secs(), most: most.as_secs() };
        if quote > longest {
            return Err(too_long(longest));
        }
        let mut actions = Vec::new();
        let hold = self.talk_mut().and_then(|talk| talk.hold.as_mut()).ok_or(Refusal::NotHeld)?;
        hold.requote(now, quote, &mut actions).map_err(|left| left.map_or(Refusal::NotHeld, too_long))?;
        self.do_hold(center, now, actions, out);
        Ok(())
    }

    /// Lets the hold take an event, and does what it says.
    pub(super) fn tell_hold(
        &mut self,
        center: &Center,
        now: Timestamp,
        event: hold::Event,
        out: &mut Vec<CallAction>,
    ) {
        let mut actions = Vec::new();
        if let Some(hold) = self.talk_mut().and_then(|talk| talk.hold.as_mut()) {
            hold.handle(now, event, &mut actions);
            self.do_hold(center, now, actions, out);
        }
    }

    fn do_hold(
        &mut self,
        center: &Center,
        now: Timestamp,
        actions: Vec<hold::Action>,
        out: &mut Vec<CallAction>,
    ) {
        if let Some(talk) = self.talk_mut()
            && talk.hold.take_if(|hold| hold.is_over()).is_some()
        {
            talk.held_by_phone = false;
        }
        let mut call_back = false;
        for action in actions {
            match action {
                hold::Action::Ask => {
                    let words = self.question(center);
                    self.say_to_caller(words, true, out);
                }
                hold::Action::CheckIn => self.say_to_caller(vec![HOLD_CHECK_IN.into()], false, out),
                hold::Action::Requote => {
                    let mut words = self.quote_in_words(center);
                    words.push(HOLD_CHECK_IN.into());
                    self.say_to_caller(words, false, out);
                }
                hold::Action::Nudge => self.cue_agent(NUDGE, out),
                hold::Action::Music => {
                    self.word_is_over();
                    self.begin_planned(now, out);
                    self.side_is_now(Hears::Consulted, out);
                }
                hold::Action::Refused => {
                    self.hush_caller(out);
                    self.drop_plan(out);
                    self.cue_agent(REFUSED, out);
                }
                hold::Action::CallBack => {
                    self.hush_caller(out);
                    self.drop_plan(out);
                    call_back = true;
                }
                hold::Action::Back(by) => {
                    self.word_is_over();
                    // Whoever came back by themselves need not be told.
                    if matches!(by, HoldEndedBy::Caller | HoldEndedBy::Cap) {
                        self.cue_agent(BACK, out);
                    }
                    self.side_is_now(Hears::Caller, out);
                }
                hold::Action::Fact(what) => {
                    match (&what, self.talk_mut()) {
                        (What::HoldStarted { until, by, .. }, Some(talk)) => {
                            talk.permission = Some((*until, *by));
                        }
                        (
                            What::HoldRequoted { until, .. },
                            Some(Talk { permission: Some(permission), .. }),
                        ) => {
                            permission.0 = *until;
                        }
                        _ => {}
                    }
                    out.push(CallAction::Fact(what));
                }
            }
        }
        if call_back {
            self.call_back_instead(now, HoldWay::Prompted, None, out);
        }
        self.retune(center, out);
    }

    fn question(&self, center: &Center) -> Vec<Name> {
        let consult = self.talk().and_then(|talk| talk.consult.as_ref());
        let mut words: Vec<Name> =
            consult.and_then(|consult| consult.naming().cloned()).into_iter().collect();
        words.push(HOLD_QUESTION.into());
        words.extend(self.quote_in_words(center));
        let offers = self.talk().and_then(|talk| talk.hold.as_ref()).is_some_and(Hold::offers_callback);
        words.push(if offers { HOLD_KEYS_CALLBACK } else { HOLD_KEYS }.into());
        words
    }

    fn quote_in_words(&self, center: &Center) -> Vec<Name> {
        let quote = self.talk().and_then(|talk| talk.hold.as_ref()).map(Hold::quote);
        let prompts = self.joined.as_ref().and_then(|joined| center.wait_prompts.get(joined.place()));
        prompts.map(|prompts| quote_words(&self.language, quote, prompts)).unwrap_or_default()
    }

    pub(super) fn say_to_caller(&mut self, prompts: Vec<Name>, barge_in: bool, out: &mut Vec<CallAction>) {
        let Some(leg) = self.caller else { return };
        let play = self.new_play();
        out.push(CallAction::Fact(What::Played { prompts: prompts.clone() }));
        out.push(CallAction::Play { leg, play, prompts, barge_in, repeat: false });
        if let Some(talk) = self.talk_mut() {
            talk.word = Some(play);
            talk.heard.said_over(leg);
        }
    }

    /// What was said to the caller has come to its end, or is cut short by what comes next.
    fn word_is_over(&mut self) {
        if let Some(talk) = self.talk_mut() {
            talk.word = None;
        }
    }

    fn hush_caller(&mut self, out: &mut Vec<CallAction>) {
        let speaking = self.talk_mut().and_then(|talk| talk.word.take()).is_some();
        out.extend(self.caller.filter(|_| speaking).map(|leg| CallAction::StopPlay { leg }));
    }

    /// A short word to the agent who has the caller.
    pub(super) fn cue_agent(&mut self, prompt: &str, out: &mut Vec<CallAction>) {
        let Some(leg) = self.agent.as_ref().filter(|line| line.up).map(|line| line.leg) else { return };
        let play = self.new_play();
        out.push(CallAction::Play {
            leg,
            play,
            prompts: vec![prompt.into()],
            barge_in: false,
            repeat: false,
        });
    }

    /// A play to the caller ended while they talk or are held.
    pub(super) fn on_talk_play_ended(
        &mut self,
        center: &Center,
        now: Timestamp,
        ended: PlayId,
        out: &mut Vec<CallAction>,
    ) {
        if self.notice_ended(center, now, ended, out) {
            return;
        }
        if let Some(talk) = self.talk_mut()
            && talk.word.take_if(|word| *word == ended).is_some()
        {
            self.tell_hold(center, now, hold::Event::QuestionEnded, out);
        }
    }

    /// How this call's queue lets agents hold and hand over.
    pub(super) fn policy(&self, center: &Center) -> TalkPolicy {
        let of_queue = self.joined.as_ref().and_then(|joined| center.talk.get(joined.place()));
        of_queue.cloned().unwrap_or_default()
    }

    pub(super) fn talk(&self) -> Option<&Talk> {
        match &self.phase {
            Phase::Talking(talk) => Some(talk),
            _ => None,
        }
    }

    pub(super) fn talk_mut(&mut self) -> Option<&mut Talk> {
        match &mut self.phase {
            Phase::Talking(talk) => Some(talk),
            _ => None,
        }
    }
}
