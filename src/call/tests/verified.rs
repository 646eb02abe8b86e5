//! An agent's word on who calls: who may give it, and what it is worth.

use super::*;
use crate::call::request::AgentRequest;
use crate::call::request::Refusal;
use crate::fact::AgentMethod;
use crate::fact::IdentifiedBy;
use crate::fact::Verification;
use crate::queue::api::Whose;

const NUMBER: &str = "+12025550143";

/// Ann by her number, with how her flow verified her, and alice has picked up.
fn talks_with_ann(verified: Option<Verification>) -> Script {
    let mut script = Script::arrive("1001", NUMBER, None);
    script.happens("the number is looked up", CallEvent::Found(None));
    let (customer, name) = ("100200".to_owned(), "Ann".to_owned());
    script.call.known.learn(&What::Identified { customer, name, by: IdentifiedBy::CallingNumber });
    verified.into_iter().for_each(|result| script.call.known.learn(&What::VerificationEnded { result }));
    let agent = script.rings();
    script.leg("alice picks up", agent, LegEvent::Up);
    script.transcript.clear();
    script
}

impl Script {
    fn verifies(&mut self, who: &str, passed: bool) -> Result<(), Refusal> {
        let (mut out, now) = (Vec::new(), self.now);
        let request = AgentRequest::Verify { method: AgentMethod::SecurityQuestion, passed };
        let done = self.call.request(&TEST_CENTER, now, WallTime(0), &who.into(), request, &mut out);
        self.note(who, out);
        done
    }

    /// Whether Ann's account is believed to be the caller's.
    fn is_ann(&self) -> bool {
        let promisee = self.call.promisee(&TEST_CENTER);
        let known = self.call.whose().contains(&Whose::account("100200"));
        assert_eq!(promisee.account.as_deref(), known.then_some("100200"));
        known
    }
}

#[test]
fn an_agents_word_is_told_and_believed_and_a_fail_takes_it_back() {
    let mut script = talks_with_ann(None);
    assert!(!script.is_ann(), "a number is no proof");
    assert_eq!(script.verifies("alice", false), Ok(()));
    assert!(!script.is_ann(), "a fail unlocks nothing");
    assert_eq!(script.verifies("alice", true), Ok(()));
    assert!(script.is_ann());
    let (identity, _) = script.call.known.told(NUMBER);
    let word = identity.assurance.by_agent.expect("the note says who verified the caller");
    assert_eq!((&*word.agent, word.method, word.passed), ("alice", AgentMethod::SecurityQuestion, true));
    assert_eq!(script.verifies("alice", false), Ok(()));
    assert!(!script.is_ann());
    let told = "alice\n  fact: agent_verified\n";
    script.check(&told.repeat(3));
}

#[test]
fn who_does_not_have_the_caller_has_no_word() {
    let mut script = talks_with_ann(None);
    assert_eq!(script.verifies("bob", true), Err(Refusal::NotYours("bob".into())));
    let mut waits = Script::arrive("1001", NUMBER, None);
    assert_eq!(waits.verifies("alice", true), Err(Refusal::NotTalking));
    assert!(!script.is_ann() && !waits.is_ann());
}

#[test]
fn what_was_proven_to_the_flow_stands_whatever_an_agent_says() {
    let mut script = talks_with_ann(Some(Verification::VerifiedByPin));
    assert_eq!(script.verifies("alice", false), Ok(()));
    assert!(script.is_ann());
    let (identity, _) = script.call.known.told(NUMBER);
    assert_eq!(
        (identity.assurance.verified, identity.assurance.level()),
        (Some(Verification::VerifiedByPin), 2)
    );
}
