//! What is known of whether the caller is who they say they are: what they proved to a flow, and an agent's word beside it.

use serde::Deserialize;
use serde::Serialize;

use crate::base::Name;
use crate::fact::Verification;
use crate::fact::What;

/// How much an agent's word proves, by whatever they went: as much as what others may know, for nobody but them heard it.
const BY_AGENT: u8 = 1;

/// By what an agent verified a caller. What the caller answered is kept nowhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AgentMethod {
    /// The caller told their date of birth.
    BirthDate,
    /// The caller answered what only they should know.
    SecurityQuestion,
    /// The caller told the number of an identity document, a contract or an invoice.
    Document,
    /// The caller was called at the number that is on file.
    CallbackNumber,
}

impl AgentMethod {
    /// The method in words.
    pub fn in_words(self) -> &'static str {
        match self {
            AgentMethod::BirthDate => "date of birth",
            AgentMethod::SecurityQuestion => "security question",
            AgentMethod::Document => "document",
            AgentMethod::CallbackNumber => "callback number",
        }
    }
}

/// An agent's word on whether the caller is who they say they are.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AgentVerification {
    pub agent: Name,
    pub method: AgentMethod,
    /// Whether it fitted.
    pub passed: bool,
}

/// Both words on who calls, side by side: neither overwrites the other.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Assurance {
    /// How verification by a flow came out, the best of it; none when there was none.
    pub verified: Option<Verification>,
    /// The latest word of an agent; none when there was none, as in what was written before agents could say so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by_agent: Option<AgentVerification>,
}

impl Assurance {
    /// Takes a fact of the call in.
    pub fn learn(&mut self, what: &What) {
        match what {
            // What was proven holds for the whole call, whatever a later try comes to.
            What::VerificationEnded { result } if result.level() >= self.proven_to_flow() => {
                self.verified = Some(*result);
            }
            What::AgentVerified(word) => self.by_agent = Some(word.clone()),
            _ => {}
        }
    }

    /// How much is proven of who calls, as [`Verification::level`] has it. An agent's word adds to nothing; that it did not
    /// fit takes nothing away but what an agent said before.
    pub fn level(&self) -> u8 {
        let by_agent = self.by_agent.as_ref().filter(|word| word.passed).map_or(0, |_| BY_AGENT);
        self.proven_to_flow().max(by_agent)
    }

    /// Whether anything proves who calls.
    pub fn is_proof(&self) -> bool {
        self.level() > 0
    }

    /// The account that is proven to be the caller's: a record that was found is no proof.
    pub fn proven<'a>(&self, account: Option<&'a str>) -> Option<&'a str> {
        account.filter(|_| self.is_proof())
    }

    fn proven_to_flow(&self) -> u8 {
        self.verified.map_or(0, Verification::level)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn flow(result: Verification) -> What {
        What::VerificationEnded { result }
    }

    fn agent(passed: bool) -> What {
        let (agent, method) = ("alice".into(), AgentMethod::BirthDate);
        What::AgentVerified(AgentVerification { agent, method, passed })
    }

    fn level(facts: &[What]) -> u8 {
        let mut assurance = Assurance::default();
        facts.iter().for_each(|what| assurance.learn(what));
        assert_eq!(assurance.is_proof(), assurance.level() > 0);
        assurance.level()
    }

    #[test]
    fn an_agents_word_proves_the_lesser_and_takes_nothing_away_from_what_a_flow_was_shown() {
        use Verification::Failed;
        use Verification::VerifiedByBirthDate;
        use Verification::VerifiedByPin;
        assert_eq!(level(&[]), 0);
        assert_eq!(level(&[flow(Failed), agent(true)]), 1);
        assert_eq!(level(&[agent(false)]), 0, "a fail unlocks nothing");
        assert_eq!(level(&[agent(true), agent(false)]), 0, "the latest agent's word counts");
        assert_eq!(level(&[agent(false), agent(true)]), 1);
        assert_eq!(level(&[flow(VerifiedByPin), agent(false)]), 2);
        assert_eq!(level(&[flow(VerifiedByPin), agent(true)]), 2);
        assert_eq!(level(&[flow(VerifiedByBirthDate), agent(false)]), 1);
    }

    #[test]
    fn what_was_proven_to_a_flow_holds_though_a_later_try_does_not_fit() {
        let (date, pin) = (Verification::VerifiedByBirthDate, Verification::VerifiedByPin);
        assert_eq!(level(&[flow(date), flow(Verification::Failed)]), 1);
        assert_eq!(level(&[flow(date), flow(pin), flow(date)]), 2);
    }

    #[test]
    fn what_was_written_before_agents_could_say_so_is_read_as_it_was() {
        let assurance: Assurance = serde_json::from_str(r#"{"verified":"verified_by_pin"}"#).unwrap();
        assert_eq!(assurance, Assurance { verified: Some(Verification::VerifiedByPin), by_agent: None });
        assert_eq!(serde_json::to_string(&assurance).unwrap(), r#"{"verified":"verified_by_pin"}"#);
    }
}
