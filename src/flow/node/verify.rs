//! `verify`: asks for an account number and what proves it: a PIN, a date of birth, or a code that is sent while the caller
//! waits. What proves is in no fact, no log and no debug output.

use std::sync::Arc;
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
use crate::flow::api::FetchResult;
use crate::flow::api::FlowAction;
use crate::flow::api::Proof;
use crate::flow::api::Question;
use crate::flow::api::VerifyResult;
use crate::flow::model::NodeIndex;
use crate::flow::model::Prompt;
use crate::flow::model::Value;
use crate::flow::node;
use crate::flow::node::Exit;
use crate::flow::node::collect;
use crate::flow::node::collect::Keyed;
use crate::flow::node::entry::Entry;
use crate::flow::node::entry::Key;
use crate::flow::node::question;
use crate::flow::read::Reader;
use crate::flow::read::fields::Fields;
use crate::flow::service::Service;
use crate::flow::step::Input;
use crate::flow::step::Next;
use crate::flow::step::Step;

/// How long the verifier may take to answer.
const VERIFIER_TIMEOUT: Duration = Duration::from_secs(10);
/// How much longer than its own time the service that sends codes is waited for: who asks gives up first.
const GRACE: Duration = Duration::from_millis(500);
/// How many digits a code has.
pub(crate) const CODE_DIGITS: u8 = 6;
/// How often a question is put that meets silence.
const TIMES_ASKED: u32 = 2;

/// The key that leads from the question for the proof to the one for the account.
const TO_ACCOUNT: char = '*';

const VERIFIED: ExitName = ExitName::Named("verified");
const FAILED: ExitName = ExitName::Named("failed");
const LOCKED: ExitName = ExitName::Named("locked");
const NO_INPUT: ExitName = ExitName::Named("no_input");
const UNAVAILABLE: ExitName = ExitName::Named("unavailable");

/// Account number, then what proves it.
///
/// A caller who is known by the calling number is asked for the proof alone at first. After a try that did not fit the proof
/// of the same account is asked for once more, then the account as well, to which `*` leads at once. Silence or the end key
/// alone means: not now.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Verify {
    pub method: Method,
    pub ask_account: Vec<Prompt>,
    /// The question for what proves it.
    pub ask_proof: Vec<Prompt>,
    /// Heard before the next try. The same words for a wrong account and a wrong proof.
    pub wrong: Vec<Prompt>,
    /// Heard before a question that met silence is put again. None for none.
    pub nothing_heard: Vec<Prompt>,
    /// How many tries. Default 3.
    pub tries: u32,
    pub account: Entry,
    pub proof: Entry,
    pub verified: NodeIndex,
    pub failed: NodeIndex,
    pub locked: NodeIndex,
    pub no_input: NodeIndex,
    pub unavailable: NodeIndex,
}

/// What proves an account.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Method {
    Pin,
    BirthDate {
        day_first: bool,
    },
    /// A code that this service is asked to send. None only where the checker has reported that there is no such service.
    Code {
        service: Option<Arc<Service>>,
        path: String,
    },
}

impl Method {
    /// As files write them.
    const WORDS: [&str; 3] = ["account and pin", "account and birth date", "one-time code"];

    pub fn in_words(&self) -> &'static str {
        match self {
            Method::Pin => Method::WORDS[0],
            Method::BirthDate { .. } => Method::WORDS[1],
            Method::Code { .. } => Method::WORDS[2],
        }
    }

    /// What the history says of who has proven themselves so.
    fn proven(&self) -> Verification {
        match self {
            Method::Pin => Verification::VerifiedByPin,
            Method::BirthDate { .. } => Verification::VerifiedByBirthDate,
            Method::Code { .. } => Verification::VerifiedByCode,
        }
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct State {
    asking: Asking,
    /// Tries that did not fit.
    wrong: u32,
    /// How often this question has been put.
    asked: u32,
    account: String,
    /// The account as it was keyed after the proof had been asked for, which it may be.
    #[serde(default)]
    account_untold: Secret,
    /// The proof has been asked for.
    #[serde(default)]
    untold: bool,
    /// It has been asked for again, of the same account.
    #[serde(default)]
    again: bool,
    pin: Secret,
    /// The question to the service that sends codes.
    #[serde(default)]
    sending: Option<u32>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Asking {
    Account,
    /// For the account in `State::account`, which the caller has keyed.
    Pin,
    /// For the account that the calling number belongs to.
    PinOfKnown,
    /// Once more, for the account whose proof did not fit.
    PinAgain,
    /// The verifier is at it.
    Nothing,
}

impl State {
    /// Whether anything has been asked.
    pub fn has_asked(&self) -> bool {
        self.asked > 0
    }

    /// The account that was keyed, or that the calling number belongs to.
    fn account(&self) -> String {
        match self.account_untold.is_empty() {
            true => self.account.clone(),
            false => self.account_untold.expose().to_owned(),
        }
    }

    fn account_length(&self) -> usize {
        self.account.len() + self.account_untold.len()
    }

    /// Whether keys are answers now.
    pub fn listens(&self) -> bool {
        self.asking != Asking::Nothing
    }
}

impl Verify {
    pub fn read(fields: &mut Fields<'_>, reader: &mut Reader<'_>) -> Verify {
        let method = method(fields, reader);
        let question = match method {
            Method::Pin => "ask_pin",
            Method::BirthDate { .. } => "ask_birth_date",
            Method::Code { .. } => "ask_code",
        };
        let first = fields.duration(reader, "wait", Duration::from_secs(8));
        let between = fields.duration(reader, "between", Duration::from_secs(3));
        let entry = Entry { least: 1, most: 20, ends_when_full: false, end: '#', first, between };
        let proof = match method {
            Method::Pin => Entry { most: 12, ..entry.clone() },
            Method::BirthDate { .. } => Entry { least: 8, most: 8, ..entry.clone() },
            Method::Code { .. } => Entry { least: CODE_DIGITS, most: CODE_DIGITS, ..entry.clone() },
        };
        Verify {
            method,
            ask_account: fields.must_hear(reader, "ask_account"),
            ask_proof: fields.must_hear(reader, question),
            wrong: fields.must_hear(reader, "wrong"),
            nothing_heard: fields.heard(reader, "nothing_heard"),
            tries: question::tries(fields, reader, 3),
            account: entry,
            proof,
            verified: fields.exit(reader, "verified"),
            failed: fields.exit(reader, "failed"),
            locked: fields.exit(reader, "locked"),
            no_input: fields.exit(reader, "no_input"),
            unavailable: fields.exit(reader, "unavailable"),
        }
    }

    pub fn heard(&self) -> Vec<&Prompt> {
        [&self.ask_account, &self.ask_proof, &self.wrong, &self.nothing_heard].into_iter().flatten().collect()
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
            account_untold: Secret::default(),
            untold: false,
            again: false,
            pin: Secret::default(),
            sending: None,
        };
        // Proven once is proven for the whole call, by anything that proves as much.
        let proven = step.session.verified_by().map_or(0, Verification::level);
        if proven >= self.method.proven().level() {
            return (node::State::Verify(state), Next::Go(VERIFIED, self.verified));
        }
        let asking = match step.session.caller.customer {
            Some(_) => Asking::PinOfKnown,
            None => Asking::Account,
        };
        let next = match (&self.method, asking) {
            (Method::Code { .. }, Asking::PinOfKnown) => {
                state.account = account_of(step);
                self.send_code(&mut state, step)
            }
            _ => {
                self.ask(&mut state, step, asking, &[]);
                Next::Stay
            }
        };
        (node::State::Verify(state), next)
    }

    pub fn handle(&self, state: &mut State, step: &mut Step<'_>, input: Input) -> Next {
        match (input, state.asking) {
            (Input::Verified(result), Asking::Nothing) if state.sending.is_none() => {
                self.checked(state, step, result)
            }
            (Input::Fetched { number, result }, Asking::Nothing) if state.sending == Some(number) => {
                self.code_sent(state, step, &result)
            }
            (Input::Timer, Asking::Nothing) => self.checked(state, step, VerifyResult::Unavailable),
            (Input::PlayEnded, asking) => {
                if asking != Asking::Nothing {
                    step.wait(self.account.first);
                }
                Next::Stay
            }
            (Input::Timer, Asking::Account) if state.account_length() > 0 => self.account_keyed(state, step),
            (Input::Timer, _) if !state.pin.is_empty() => self.pin_keyed(state, step),
            (Input::Timer, _) => self.silent(state, step),
            (Input::Digit { digit, told }, Asking::Account) => {
                if !state.untold {
                    step.heard(digit, told);
                }
                self.account_digit(state, step, digit)
            }
            (Input::Digit { digit, .. }, _) => self.pin_digit(state, step, digit),
            (
                Input::Verified(_)
                | Input::Fetched { .. }
                | Input::Bot(_)
                | Input::Transferred(_)
                | Input::Message(_),
                _,
            ) => Next::Stay,
        }
    }

    /// What the history says when the caller hangs up here.
    pub fn abandoned(&self, step: &mut Step<'_>) {
        step.fact(What::VerificationEnded { result: Verification::Abandoned });
    }

    fn account_digit(&self, state: &mut State, step: &mut Step<'_>, digit: char) -> Next {
        match self.account.key(state.account_length(), digit) {
            Key::More | Key::Complete => {
                // One too many is kept as a mark that it does not fit; what comes after it is not.
                if state.account_length() <= usize::from(self.account.most) {
                    match state.untold {
                        true => state.account_untold.push(digit),
                        false => state.account.push(digit),
                    }
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
        if digit == TO_ACCOUNT {
            self.ask(state, step, Asking::Account, &[]);
            return Next::Stay;
        }
        match self.proof.key(state.pin.len(), digit) {
            Key::More | Key::Complete => {
                if state.pin.len() <= usize::from(self.account.most) {
                    state.pin.push(digit);
                }
                step.wait(self.proof.between);
                Next::Stay
            }
            Key::End => self.pin_keyed(state, step),
            Key::Skip => self.end(step, Verification::NoInput, NO_INPUT, self.no_input),
            Key::Odd => self.odd(step),
        }
    }

    fn account_keyed(&self, state: &mut State, step: &mut Step<'_>) -> Next {
        if matches!(self.method, Method::Code { .. }) {
            return self.send_code(state, step);
        }
        self.ask(state, step, Asking::Pin, &[]);
        Next::Stay
    }

    fn pin_keyed(&self, state: &mut State, step: &mut Step<'_>) -> Next {
        if state.asking == Asking::PinOfKnown {
            state.account = account_of(step);
        }
        let account = state.account();
        // Used to the longer way: the account number came first. Now the PIN.
        if state.asking != Asking::Pin && state.pin.expose() == account {
            self.ask(state, step, Asking::Pin, &[]);
            return Next::Stay;
        }
        let fits = self.account.fits(account.len()) && self.proof.fits(state.pin.len());
        let keyed = std::mem::take(&mut state.pin);
        let Some(proof) = self.proof_of(keyed).filter(|_| fits) else {
            return self.checked(state, step, VerifyResult::Wrong);
        };
        step.stop_play();
        state.asking = Asking::Nothing;
        step.wait(VERIFIER_TIMEOUT);
        step.out.push(FlowAction::Verify { account, proof });
        Next::Stay
    }

    /// What was keyed, as what it proves with; none when it can be no such thing.
    fn proof_of(&self, keyed: Secret) -> Option<Proof> {
        Some(match self.method {
            Method::Pin => Proof::Pin(keyed),
            Method::Code { .. } => Proof::Code(keyed),
            Method::BirthDate { day_first } => {
                Proof::BirthDate(Secret::new(Keyed::Date { day_first }.value(keyed.expose())?))
            }
        })
    }

    /// Has a code sent to the owner of the account that was keyed, or that the calling number belongs to.
    fn send_code(&self, state: &mut State, step: &mut Step<'_>) -> Next {
        // The checker lets no flow through whose service is unknown.
        let Method::Code { service: Some(service), path } = &self.method else {
            return self.end(step, Verification::Unavailable, UNAVAILABLE, self.unavailable);
        };
        let number = step.session.next_fetch;
        step.session.next_fetch = number.wrapping_add(1);
        (state.asking, state.sending) = (Asking::Nothing, Some(number));
        step.stop_play();
        step.wait(service.timeout + GRACE);
        let text = |value: &str| Value::Text(value.to_owned());
        let account = state.account();
        let send = vec![
            ("account".into(), text(&account)),
            ("number".into(), text(&step.session.caller.number)),
            ("language".into(), text(&step.session.language)),
        ];
        step.out.push(FlowAction::Fetch(Question {
            number,
            service: Arc::clone(service),
            url: format!("{}{path}", service.at),
            send,
            fields: Vec::new(),
            code_for: Some(account),
        }));
        Next::Stay
    }

    /// It is with them, or there is no such account: which of the two, nobody is told.
    fn code_sent(&self, state: &mut State, step: &mut Step<'_>, result: &FetchResult) -> Next {
        state.sending = None;
        step.session.timer = None;
        if matches!(result, FetchResult::Failed(_)) {
            return self.end(step, Verification::Unavailable, UNAVAILABLE, self.unavailable);
        }
        match state.again {
            true => self.ask(state, step, Asking::PinAgain, &self.wrong),
            false => self.ask(state, step, Asking::Pin, &[]),
        }
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
                state.sending = None;
                self.try_again(state, step)
            }
        }
    }

    /// Who mistyped keys the same once more, and is asked for just that; who fails twice may have another account in mind.
    fn try_again(&self, state: &mut State, step: &mut Step<'_>) -> Next {
        if state.again || !self.account.fits(state.account_length()) {
            self.ask(state, step, Asking::Account, &self.wrong);
            return Next::Stay;
        }
        state.again = true;
        if matches!(self.method, Method::Code { .. }) {
            return self.send_code(state, step);
        }
        self.ask(state, step, Asking::PinAgain, &self.wrong);
        Next::Stay
    }

    fn proven(&self, step: &mut Step<'_>, customer: Customer) -> Next {
        step.fact(What::Identified {
            customer: customer.account.clone(),
            name: customer.name.clone(),
            by: IdentifiedBy::Account,
        });
        step.fact(What::VerificationEnded { result: self.method.proven() });
        step.session.caller.customer = Some(customer);
        step.session.verified = true;
        step.session.verified_by = Some(self.method.proven());
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
        match asking {
            Asking::Account => {
                state.account.clear();
                state.account_untold = Secret::default();
                state.again = false;
            }
            _ => state.untold = true,
        }
        self.put(state, step, before);
    }

    fn put(&self, state: &mut State, step: &mut Step<'_>, before: &[Prompt]) {
        state.asked += 1;
        if step.has_kept() {
            return;
        }
        let question = if state.asking == Asking::Account { &self.ask_account } else { &self.ask_proof };
        if !step.play(&[before, question], true, false) {
            step.wait(self.account.first);
        }
    }
}

/// The account that the calling number belongs to.
fn account_of(step: &Step<'_>) -> String {
    step.session.caller.customer.as_ref().map(|customer| customer.account.clone()).unwrap_or_default()
}

fn method(fields: &mut Fields<'_>, reader: &mut Reader<'_>) -> Method {
    let yaml = fields.require(reader, "verify");
    let word = yaml.and_then(|yaml| reader.text(yaml, "a way to verify"));
    let [_, birth_date, code] = Method::WORDS;
    match word.map(|word| word.text.as_str()) {
        Some(known) if known == birth_date => {
            let order = fields.optional("order").and_then(|yaml| collect::day_first(yaml, reader));
            Method::BirthDate { day_first: order.unwrap_or(false) }
        }
        Some(known) if known == code => {
            let service = fields.require(reader, "send").and_then(|yaml| {
                let text = reader.text(yaml, "the name of a service")?;
                reader.service(text)
            });
            let path = fields.optional("path").and_then(|yaml| reader.text(yaml, "a path"));
            if let Some(path) = path.filter(|path| {
                let odd = |c: char| !c.is_ascii_graphic() || "{}#\"<>\\^`|?".contains(c);
                !path.text.starts_with('/') || path.text.contains(odd)
            }) {
                let message = format!("\"{}\" is not a path", path.text);
                reader.error_hint(path.place, message, "write it as: /codes");
            }
            Method::Code { service, path: path.map(|path| path.text.clone()).unwrap_or_default() }
        }
        other => {
            if let (Some(other), Some(yaml)) = (other.filter(|word| *word != Method::WORDS[0]), yaml) {
                reader.unknown(yaml.place, "way to verify", other, Method::WORDS);
            }
            Method::Pin
        }
    }
}
