//! `verify`: asks for account number and PIN. The PIN is in no fact, no log and no debug output.

use std::time::Duration;

use serde::Deserialize;
use serde::Serialize;

use crate::base::Name;
use crate::base::Secret;
use crate::fact::IdentifiedBy;
use crate::fact::Verification;
use crate::fact::What;
use crate::flow::api::Customer;
use crate::flow::api::ExitName;
use crate::flow::api::FlowAction;
use crate::flow::api::VerifyResult;
use crate::flow::entry::Entry;
use crate::flow::entry::Key;
use crate::flow::fields::Fields;
use crate::flow::model::NodeIndex;
use crate::flow::model::Prompt;
use crate::flow::node;
use crate::flow::node::Exit;
use crate::flow::node::menu;
use crate::flow::read::Reader;
use crate::flow::step::Input;
use crate::flow::step::Next;
use crate::flow::step::Step;
use crate::flow::yaml::Yaml;

/// How long the verifier may take to answer.
const VERIFIER_TIMEOUT: Duration = Duration::from_secs(10);
/// How often a question is put that meets silence.
const TIMES_ASKED: u32 = 2;

const VERIFIED: ExitName = ExitName::Named("verified");
const FAILED: ExitName = ExitName::Named("failed");
const LOCKED: ExitName = ExitName::Named("locked");
const NO_INPUT: ExitName = ExitName::Named("no_input");
const UNAVAILABLE: ExitName = ExitName::Named("unavailable");

/// Account number, then PIN.
///
/// A caller who is known by the calling number is asked for the PIN alone at first; after a try that did not fit
/// for both. Silence or the end key alone means: not now.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Verify {
    pub ask_account: Vec<Prompt>,
    pub ask_pin: Vec<Prompt>,
    /// Heard before the next try. The same words for a wrong account and a wrong PIN.
    pub wrong: Vec<Prompt>,
    /// Heard before a question that met silence is put again. None for none.
    pub nothing_heard: Vec<Prompt>,
    /// How many tries. Default 3.
    pub tries: u32,
    pub account: Entry,
    pub pin: Entry,
    pub verified: NodeIndex,
    pub failed: NodeIndex,
    pub locked: NodeIndex,
    pub no_input: NodeIndex,
    pub unavailable: NodeIndex,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct State {
    asking: Asking,
    /// Tries that did not fit.
    wrong: u32,
    /// How often this question has been put.
    asked: u32,
    account: String,
    pin: Secret,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Asking {
    Account,
    /// For the account in `State::account`, which the caller has keyed.
    Pin,
    /// For the account that the calling number belongs to.
    PinOfKnown,
    /// The verifier is at it.
    Nothing,
}

impl State {
    /// Whether keys are answers now.
    pub fn listens(&self) -> bool {
        self.asking != Asking::Nothing
    }
}

impl Verify {
    pub fn read(fields: &mut Fields<'_>, reader: &mut Reader<'_>) -> Verify {
        if let Some(yaml) = fields.require(reader, "verify") {
            method(yaml, reader);
        }
        let first = fields.duration(reader, "wait", Duration::from_secs(8));
        let between = fields.duration(reader, "between", Duration::from_secs(3));
        let entry = Entry { least: 1, most: 20, ends_when_full: false, end: '#', first, between };
        Verify {
            ask_account: fields.must_hear(reader, "ask_account"),
            ask_pin: fields.must_hear(reader, "ask_pin"),
            wrong: fields.must_hear(reader, "wrong"),
            nothing_heard: fields.heard(reader, "nothing_heard"),
            tries: menu::tries(fields, reader, 3),
            account: entry.clone(),
            pin: Entry { most: 12, ..entry },
            verified: fields.exit(reader, "verified"),
            failed: fields.exit(reader, "failed"),
            locked: fields.exit(reader, "locked"),
            no_input: fields.exit(reader, "no_input"),
            unavailable: fields.exit(reader, "unavailable"),
        }
    }

    pub fn heard(&self) -> Vec<&Prompt> {
        [&self.ask_account, &self.ask_pin, &self.wrong, &self.nothing_heard].into_iter().flatten().collect()
    }

    pub fn exits(&self) -> Vec<Exit> {
        // Not even `verified` is a way of the caller's own: who is verified already goes it without a key.
        let exits = [
            (VERIFIED, self.verified),
            (FAILED, self.failed),
            (LOCKED, self.locked),
            (NO_INPUT, self.no_input),
            (UNAVAILABLE, self.unavailable),
        ];
        exits.map(|(name, to)| Exit::plain(name, to)).to_vec()
    }

    pub fn enter(&self, step: &mut Step<'_>) -> (node::State, Next) {
        let mut state = State {
            asking: Asking::Account,
            wrong: 0,
            asked: 0,
            account: String::new(),
            pin: Secret::default(),
        };
        // Proven once is proven for the whole call.
        if step.session.verified {
            return (node::State::Verify(state), Next::Go(VERIFIED, self.verified));
        }
        let asking = match step.session.caller.customer {
            Some(_) => Asking::PinOfKnown,
            None => Asking::Account,
        };
        self.ask(&mut state, step, asking, &[]);
        (node::State::Verify(state), Next::Stay)
    }

    pub fn handle(&self, state: &mut State, step: &mut Step<'_>, input: Input) -> Next {
        match (input, state.asking) {
            (Input::Verified(result), Asking::Nothing) => self.checked(state, step, result),
            (Input::Timer, Asking::Nothing) => self.checked(state, step, VerifyResult::Unavailable),
            (Input::PlayEnded, asking) => {
                if asking != Asking::Nothing {
                    step.wait(self.account.first);
                }
                Next::Stay
            }
            (Input::Timer, Asking::Account) if !state.account.is_empty() => self.account_keyed(state, step),
            (Input::Timer, _) if !state.pin.is_empty() => self.pin_keyed(state, step),
            (Input::Timer, _) => self.silent(state, step),
            (Input::Digit { digit, told }, Asking::Account) => {
                step.heard(digit, told);
                self.account_digit(state, step, digit)
            }
            (Input::Digit { digit, .. }, _) => self.pin_digit(state, step, digit),
            (Input::Verified(_) | Input::Fetched { .. }, _) => Next::Stay,
        }
    }

    /// What the history says when the caller hangs up here.
    pub fn abandoned(&self, step: &mut Step<'_>) {
        step.fact(What::VerificationEnded { result: Verification::Abandoned });
    }

    fn account_digit(&self, state: &mut State, step: &mut Step<'_>, digit: char) -> Next {
        match self.account.key(state.account.len(), digit) {
            Key::More | Key::Complete => {
                // One too many is kept as a mark that it does not fit; what comes after it is not.
                if state.account.len() <= usize::from(self.account.most) {
                    state.account.push(digit);
                }
                step.wait(self.account.between);
                Next::Stay
            }
            Key::End => self.account_keyed(state, step),
            Key::Skip => self.end(step, Verification::NoInput, NO_INPUT, self.no_input),
            Key::Odd => self.odd(step),
        }
    }

    /// A key that no entry knows is no answer, but a sign of life.
    fn odd(&self, step: &mut Step<'_>) -> Next {
        step.wait(self.account.first);
        Next::Stay
    }

    fn pin_digit(&self, state: &mut State, step: &mut Step<'_>, digit: char) -> Next {
        match self.pin.key(state.pin.len(), digit) {
            Key::More | Key::Complete => {
                if state.pin.len() <= usize::from(self.account.most) {
                    state.pin.push(digit);
                }
                step.wait(self.pin.between);
                Next::Stay
            }
            Key::End => self.pin_keyed(state, step),
            Key::Skip => self.end(step, Verification::NoInput, NO_INPUT, self.no_input),
            Key::Odd => self.odd(step),
        }
    }

    fn account_keyed(&self, state: &mut State, step: &mut Step<'_>) -> Next {
        self.ask(state, step, Asking::Pin, &[]);
        Next::Stay
    }

    fn pin_keyed(&self, state: &mut State, step: &mut Step<'_>) -> Next {
        if state.asking == Asking::PinOfKnown {
            let account = match &step.session.caller.customer {
                Some(customer) => customer.account.clone(),
                None => String::new(),
            };
            // Used to the longer way: the account number came first. Now the PIN.
            if state.pin.expose() == account {
                state.account = account;
                self.ask(state, step, Asking::Pin, &[]);
                return Next::Stay;
            }
            state.account = account;
        }
        let fits = self.account.fits(state.account.len()) && self.pin.fits(state.pin.len());
        let (account, pin) = (std::mem::take(&mut state.account), std::mem::take(&mut state.pin));
        if !fits {
            return self.checked(state, step, VerifyResult::Wrong);
        }
        step.stop_play();
        state.asking = Asking::Nothing;
        step.wait(VERIFIER_TIMEOUT);
        step.out.push(FlowAction::Verify { account, pin });
        Next::Stay
    }

    fn silent(&self, state: &mut State, step: &mut Step<'_>) -> Next {
        step.fact(What::NoInput { node: Name::clone(step.node) });
        if state.asked >= TIMES_ASKED {
            return self.end(step, Verification::NoInput, NO_INPUT, self.no_input);
        }
        self.put(state, step, &self.nothing_heard);
        Next::Stay
    }

    fn checked(&self, state: &mut State, step: &mut Step<'_>, result: VerifyResult) -> Next {
        step.session.timer = None;
        match result {
            VerifyResult::Verified(customer) => self.proven(step, customer),
            VerifyResult::LockedOut => self.end(step, Verification::LockedOut, LOCKED, self.locked),
            VerifyResult::Unavailable => {
                self.end(step, Verification::Unavailable, UNAVAILABLE, self.unavailable)
            }
            VerifyResult::Wrong => {
                state.wrong += 1;
                step.fact(What::VerificationFailed { attempt: state.wrong });
                if state.wrong >= self.tries {
                    return self.end(step, Verification::Failed, FAILED, self.failed);
                }
                // What was keyed ahead answered a question that is now put differently.
                step.forget_kept();
                self.ask(state, step, Asking::Account, &self.wrong);
                Next::Stay
            }
        }
    }

    fn proven(&self, step: &mut Step<'_>, customer: Customer) -> Next {
        step.fact(What::Identified {
            customer: customer.account.clone(),
            name: customer.name.clone(),
            by: IdentifiedBy::Account,
        });
        step.fact(What::VerificationEnded { result: Verification::VerifiedByPin });
        step.session.caller.customer = Some(customer);
        step.session.verified = true;
        step.session.timer = None;
        Next::Go(VERIFIED, self.verified)
    }

    fn end(&self, step: &mut Step<'_>, result: Verification, exit: ExitName, to: NodeIndex) -> Next {
        step.fact(What::VerificationEnded { result });
        // It may be a PIN that nobody has asked for.
        step.forget_kept();
        Next::Go(exit, to)
    }

    /// Puts a new question, unless its answer was keyed ahead.
    fn ask(&self, state: &mut State, step: &mut Step<'_>, asking: Asking, before: &[Prompt]) {
        state.asking = asking;
        state.asked = 0;
        state.pin = Secret::default();
        if asking == Asking::Account {
            state.account.clear();
        }
        self.put(state, step, before);
    }

    fn put(&self, state: &mut State, step: &mut Step<'_>, before: &[Prompt]) {
        state.asked += 1;
        if step.has_kept() {
            return;
        }
        let question = if state.asking == Asking::Account { &self.ask_account } else { &self.ask_pin };
        if !step.play(&[before, question], true, false) {
            step.wait(self.account.first);
        }
    }
}

fn method(yaml: &Yaml, reader: &mut Reader<'_>) {
    if let Some(text) = reader.text(yaml, "account and pin")
        && text.text != "account and pin"
    {
        let message = format!("no way to verify is called \"{}\"", text.text);
        reader.error_hint(text.place, message, "today there is one: verify: account and pin");
    }
}
