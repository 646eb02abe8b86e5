//! What was learned of a caller, for the briefing note: who they are, what they chose and said.

use serde::Deserialize;
use serde::Serialize;

use crate::base::Name;
use crate::fact::Promisee;
use crate::fact::What;
use crate::fact::note::Collected;
use crate::fact::note::Identity;
use crate::fact::note::MOST_COLLECTED;
use crate::queue::api::Whose;
use crate::queue::api::Whoses;

/// What is known. Made from facts, in which no secret ever is.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Known {
    identity: Identity,
    collected: Vec<Collected>,
    /// What the caller chose from menus, in order.
    #[serde(default)]
    chosen: Vec<Name>,
}

impl Known {
    /// Takes a fact of the call in.
    pub(super) fn learn(&mut self, what: &What) {
        match what {
            What::Identified { customer, name, .. } => {
                self.identity.customer = Some(customer.clone());
                self.identity.name = Some(name.clone());
            }
            What::VariableSet { name, value } => self.collect(name, value),
            What::Chose { node, choice, .. } => {
                self.collect(node, choice);
                if self.chosen.len() < MOST_COLLECTED {
                    self.chosen.push(choice.clone());
                }
            }
            what => self.identity.assurance.learn(what),
        }
    }

    fn collect(&mut self, name: &Name, value: &str) {
        let value = value.to_owned();
        if let Some(known) = self.collected.iter_mut().find(|known| known.name == *name) {
            known.value = value;
        } else if self.collected.len() < MOST_COLLECTED {
            self.collected.push(Collected { name: name.clone(), value });
        }
    }

    /// The name of the customer with the calling number, or with the account that was proven.
    pub(super) fn name(&self) -> Option<&str> {
        self.identity.name.as_deref()
    }

    /// What the caller chose from menus, in order.
    pub(super) fn chosen(&self) -> impl Iterator<Item = &Name> {
        self.chosen.iter()
    }

    /// Who the caller of this believed number is, to be known again if the line drops.
    pub(super) fn whose(&self, number: &str) -> Whoses {
        let account = self.identity.proven_account().map(Whose::account);
        Whose::number(number).into_iter().chain(account).collect()
    }

    /// To whom something is promised: the caller of this number who joined this queue.
    pub(super) fn promisee(&self, number: &str, queue: Option<Name>) -> Promisee {
        let account = self.identity.proven_account().map(str::to_owned);
        Promisee { number: number.to_owned(), name: self.identity.name.clone(), account, queue }
    }

    /// For a note: the caller of this number, and what was learned.
    pub(super) fn told(&self, number: &str) -> (Identity, Vec<Collected>) {
        (Identity { number: number.to_owned(), ..self.identity.clone() }, self.collected.clone())
    }
}
