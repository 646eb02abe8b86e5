//! Who the callers are, and how they prove it: numbers, account numbers, PINs, lock-outs.
//!
//! Wrong account and wrong PIN look the same from outside: the same answer after the same work, counted the
//! same way. Time is told, so that a lock-out can be tested without waiting for it.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::time::Duration;

use jiff::civil::Date;
use rusqlite::Connection;
use rusqlite::OptionalExtension;
use rusqlite::params;

use crate::base::Name;
use crate::base::Secret;
use crate::base::WallTime;
use crate::flow::api::Customer;
use crate::flow::api::VerifyResult;
use crate::store::Store;
use crate::store::StoreError;
use crate::store::identity::Check;
use crate::store::password;

/// So many wrong tries in a row, over calls, lock an account.
pub const TRIES_IN_A_ROW: u32 = 10;
/// How long a lock-out lasts.
pub const LOCK_OUT: Duration = Duration::from_secs(30 * 60);
/// A count of wrong tries is forgotten after so much quiet; it also bounds the table of counts.
const TRIES_REMEMBERED: Duration = Duration::from_secs(30 * 24 * 60 * 60);
/// No account number, number or PIN is longer.
const LONGEST: usize = 64;
/// Nor the name of a recording.
const LONGEST_PROMPT: usize = 256;

/// The demo center's customers: account, PIN, number, name, and the prompt that says it.
const DEMO: [(&str, &str, &str, &str, Option<&str>); 3] = [
    ("100200", "4711", "+12025550143", "Ann", Some("names/ann")),
    ("100300", "2580", "+12025550144", "Ben", None),
    ("100400", "9023", "+12025550145", "Carla", Some("names/carla")),
];

/// A customer to be added.
#[derive(Clone, Debug)]
pub struct NewCustomer {
    /// Digits.
    pub account: String,
    pub name: String,
    /// The prompt that says the name: `names/ann`.
    pub name_prompt: Option<String>,
    /// Calling numbers that are this customer's, in any way of writing.
    pub numbers: Vec<String>,
    /// Digits.
    pub pin: Secret,
    /// `2026-12-24`; none when it is not known.
    pub birth_date: Option<Secret>,
}

/// What a customer is to be, who may be there already.
#[derive(Clone, Debug)]
pub struct CustomerWish {
    pub account: String,
    pub name: String,
    pub name_prompt: Option<String>,
    pub numbers: Vec<String>,
    /// None: it stays what it is.
    pub pin: Option<Secret>,
    /// None: it stays what it is.
    pub birth_date: Option<Secret>,
}

/// A customer as the administration lists one.
#[derive(Clone, Debug, PartialEq)]
pub struct ListedCustomer {
    pub customer: Customer,
    pub numbers: Vec<String>,
    /// Wrong tries since the last right one.
    pub failed_in_row: u32,
    /// None, or a moment in the past, when the account is not locked.
    pub locked_until: Option<WallTime>,
}

impl Store {
    /// Adds a customer; an account that is there already is refused.
    pub fn add_customer(&self, new: &NewCustomer) -> Result<(), StoreError> {
        let row = CheckedCustomer::check(new)?;
        let mut connection = self.connection();
        let transaction = connection.transaction()?;
        row.insert(&transaction)?;
        Ok(transaction.commit()?)
    }

    /// Adds customers, all of them or, when one is wrong or there already, none.
    pub fn import_customers(&self, new: &[NewCustomer]) -> Result<(), StoreError> {
        let rows = new.iter().map(CheckedCustomer::check).collect::<Result<Vec<_>, _>>()?;
        let mut connection = self.connection();
        let transaction = connection.transaction()?;
        for row in &rows {
            row.insert(&transaction)?;
        }
        Ok(transaction.commit()?)
    }

    /// What is wrong with customers that are to be added, all of it, each with its place in `new`.
    pub fn customer_problems(&self, new: &[NewCustomer]) -> Result<Vec<(usize, String)>, StoreError> {
        let there: BTreeSet<String> =
            self.customers()?.into_iter().map(|listed| listed.customer.account).collect();
        let mut first: BTreeMap<&str, usize> = BTreeMap::new();
        let mut problems = Vec::new();
        for (place, one) in new.iter().enumerate() {
            let account = one.account.trim();
            problems.extend(one.problems().into_iter().map(|problem| (place, problem)));
            if there.contains(account) {
                problems.push((place, format!("account {account} is there already")));
            } else if first.contains_key(account) {
                problems.push((place, format!("account {account} is in this file already")));
            } else if !account.is_empty() {
                first.insert(account, place);
            }
        }
        Ok(problems)
    }

    /// Calling numbers of these customers that are others' as well, among them or in the store: whoever calls from one is
    /// recognised as neither. Each with its place in `new`, and the other account.
    pub fn shared_numbers(&self, new: &[NewCustomer]) -> Result<Vec<(usize, String, String)>, StoreError> {
        let listed = self.customers()?.into_iter();
        let mut owners: BTreeMap<String, String> = listed
            .flat_map(|one| one.numbers.into_iter().map(move |number| (number, one.customer.account.clone())))
            .collect();
        let mut shared = Vec::new();
        for (place, one) in new.iter().enumerate() {
            for number in one.numbers.iter().map(|number| normal_number(number)) {
                match owners.get(&number) {
                    Some(owner) if owner != one.account.trim() => shared.push((place, number, owner.clone())),
                    Some(_) => {}
                    None => drop(owners.insert(number, one.account.trim().to_owned())),
                }
            }
        }
        Ok(shared)
    }

    /// Removes a customer with their numbers and what was counted of their tries. What the history says of them stays.
    pub fn remove_customer(&self, account: &str) -> Result<(), StoreError> {
        let mut connection = self.connection();
        let transaction = connection.transaction()?;
        let removed = transaction.execute("DELETE FROM customers WHERE account = ?1", [account])?;
        transaction.execute("DELETE FROM tries WHERE account = ?1", [account])?;
        transaction.commit()?;
        if removed == 0 { Err(no_account(account)) } else { Ok(()) }
    }

    /// Forgets a customer's wrong tries, so that an account that they locked is open again; whether there were any.
    pub fn unlock_customer(&self, account: &str) -> Result<bool, StoreError> {
        let connection = self.connection();
        let known = "SELECT 1 FROM customers WHERE account = ?1";
        connection.query_row(known, [account], |_| Ok(())).optional()?.ok_or_else(|| no_account(account))?;
        Ok(connection.execute("DELETE FROM tries WHERE account = ?1", [account])? > 0)
    }

    /// Adds a customer, or changes one; whether it was not there. One that is not needs a PIN.
    pub fn put_customer(&self, wish: &CustomerWish) -> Result<bool, StoreError> {
        let CustomerWish { account, name, name_prompt, numbers, pin, birth_date } = wish.clone();
        let (keeps_pin, keeps_birth_date) = (pin.is_none(), birth_date.is_none());
        // One that is good, and not kept: the rest is looked over all the same.
        let pin = pin.unwrap_or_else(|| Secret::new("0000"));
        let row =
            CheckedCustomer::check(&NewCustomer { account, name, name_prompt, numbers, pin, birth_date })?;
        let mut connection = self.connection();
        let transaction = connection.transaction()?;
        let known = "SELECT 1 FROM customers WHERE account = ?1";
        let is_new = transaction.query_row(known, [&row.account], |_| Ok(())).optional()?.is_none();
        match is_new {
            true if keeps_pin => {
                return Err(StoreError::Invalid(format!("account {} is new, and needs a PIN", row.account)));
            }
            true => row.insert(&transaction)?,
            false => row.replace(&transaction, keeps_pin, keeps_birth_date)?,
        }
        transaction.commit()?;
        Ok(is_new)
    }

    /// One customer.
    pub fn customer(&self, account: &str) -> Result<ListedCustomer, StoreError> {
        let found = self.listed("WHERE account = ?1", params![account])?;
        found.into_iter().next().ok_or_else(|| no_account(account))
    }

    /// Customers by account number, so many of those behind `after`.
    pub fn customers_after(
        &self,
        after: Option<&str>,
        limit: u32,
    ) -> Result<Vec<ListedCustomer>, StoreError> {
        let part = "WHERE account > ?1 ORDER BY account LIMIT ?2";
        self.listed(part, params![after.unwrap_or_default(), limit])
    }

    /// Every customer, by account number.
    pub fn customers(&self) -> Result<Vec<ListedCustomer>, StoreError> {
        self.listed("ORDER BY account", [])
    }

    fn listed(&self, part: &str, values: impl rusqlite::Params) -> Result<Vec<ListedCustomer>, StoreError> {
        let connection = self.connection();
        let mut statement = connection.prepare(&format!(
            "SELECT account, name, name_prompt, failed_in_row, locked_until_us, \
             (SELECT group_concat(number, ' ') FROM customer_numbers n WHERE n.account = c.account) \
             FROM customers c LEFT JOIN tries USING (account) {part}",
        ))?;
        let listed = statement.query_map(values, |row| {
            Ok(ListedCustomer {
                customer: customer(row.get(0)?, row.get(1)?, row.get(2)?),
                failed_in_row: row.get::<_, Option<u32>>(3)?.unwrap_or(0),
                locked_until: row.get::<_, Option<i64>>(4)?.filter(|until| *until != 0).map(WallTime),
                numbers: row
                    .get::<_, Option<String>>(5)?
                    .map(|numbers| numbers.split(' ').map(str::to_owned).collect())
                    .unwrap_or_default(),
            })
        })?;
        Ok(listed.collect::<Result<Vec<_>, _>>()?)
    }

    /// Adds the demo center's customers, once in the life of a store: one who is removed stays removed.
    pub fn seed_demo_customers(&self) -> Result<(), StoreError> {
        if self.was_seeded("customers")? {
            return Ok(());
        }
        let demo = DEMO.map(|(account, pin, number, name, prompt)| NewCustomer {
            account: account.to_owned(),
            name: name.to_owned(),
            name_prompt: prompt.map(str::to_owned),
            numbers: vec![number.to_owned()],
            pin: Secret::new(pin),
            birth_date: None,
        });
        self.import_customers(&demo)?;
        self.mark_seeded("customers")
    }

    /// The store is no demo center's, and gets none of the demo's customers, whatever it serves later.
    pub fn leave_out_demo_customers(&self) -> Result<(), StoreError> {
        self.mark_seeded("customers")
    }

    /// Accounts of the demo that still have the PIN that everybody knows.
    pub fn demo_pins_stand(&self) -> Result<Vec<String>, StoreError> {
        let connection = self.connection();
        let mut statement = connection.prepare("SELECT pin FROM customers WHERE account = ?1")?;
        let mut stand = Vec::new();
        for (account, pin, ..) in DEMO {
            let hash: Option<String> = statement.query_row([account], |row| row.get(0)).optional()?;
            if hash.is_some_and(|hash| password::fits(&Secret::new(pin), &hash)) {
                stand.push(account.to_owned());
            }
        }
        Ok(stand)
    }

    /// Whether demo data of this kind was put in before.
    pub(super) fn was_seeded(&self, what: &str) -> Result<bool, StoreError> {
        let connection = self.connection();
        Ok(connection.query_row("SELECT count(*) FROM seeded WHERE what = ?1", [what], |row| row.get(0))?)
    }

    pub(super) fn mark_seeded(&self, what: &str) -> Result<(), StoreError> {
        self.connection().execute("INSERT OR IGNORE INTO seeded VALUES (?1)", [what])?;
        Ok(())
    }
}

/// A calling number in the one way of writing that is stored and compared: digits, and `+` before them.
///
/// ```
/// use warmline::store::customers::normal_number;
/// assert_eq!(normal_number("+1 (202) 555-0143"), "+12025550143");
/// assert_eq!(normal_number("+49 (0)30 123456"), "+4930123456");
/// assert_eq!(normal_number("tel:alice"), "");
/// ```
pub fn normal_number(number: &str) -> String {
    let plus = number.trim_start().starts_with('+').then_some('+');
    // The zero between brackets is dialled within the country, and never with the country's code before it.
    let number = if plus.is_some() { number.replace("(0)", "") } else { number.to_owned() };
    let digits = number.chars().filter(char::is_ascii_digit);
    let normal: String = plus.into_iter().chain(digits).take(LONGEST).collect();
    if normal == "+" { String::new() } else { normal }
}

/// The customer with this calling number, when there is exactly one. Context, not proof.
pub(super) fn find_by_number(connection: &Connection, number: &str) -> Result<Option<Customer>, StoreError> {
    let number = normal_number(number);
    if number.is_empty() {
        return Ok(None);
    }
    let mut statement = connection.prepare_cached(
        "SELECT account, name, name_prompt FROM customer_numbers JOIN customers USING (account) \
         WHERE number = ?1 LIMIT 2",
    )?;
    let found = statement.query_map([number], |row| Ok(customer(row.get(0)?, row.get(1)?, row.get(2)?)))?;
    let mut found = found.collect::<Result<Vec<_>, _>>()?;
    Ok(if found.len() == 1 { found.pop() } else { None })
}

/// Checks PINs and what else proves an account, on a connection that may write.
pub(super) struct Verifier {
    connection: Connection,
    /// What a proof is compared with when there is no such account, so that the work is the same.
    dummy: String,
}

impl Verifier {
    pub(super) fn new(connection: Connection) -> Result<Verifier, StoreError> {
        Ok(Verifier { connection, dummy: password::hash(&Secret::new("no PIN is this"))? })
    }

    /// Whether `check` proves `account` at `now`. Takes some 20 ms on purpose.
    pub(super) fn verify(
        &mut self,
        account: &str,
        check: &Check,
        now: WallTime,
    ) -> Result<VerifyResult, StoreError> {
        let account: String = account.chars().take(LONGEST).collect();
        let (failed_in_row, locked_until) = self.tries(&account)?;
        if now < locked_until {
            return Ok(VerifyResult::LockedOut);
        }
        let known = self.look_up(&account)?;
        let hash = |hash: Option<&'_ str>| hash.unwrap_or(&self.dummy).to_owned();
        let fits = match (check, known.as_ref()) {
            (Check::Pin(pin), known) => {
                password::fits(pin, &hash(known.map(|(_, hashes)| hashes.pin.as_str())))
            }
            (Check::BirthDate(date), known) => {
                password::fits(date, &hash(known.and_then(|(_, hashes)| hashes.birth_date.as_deref())))
            }
            (Check::Code { fits }, _) => *fits,
        };
        match known {
            Some((customer, _)) if fits => {
                self.connection.prepare_cached("DELETE FROM tries WHERE account = ?1")?.execute([account])?;
                Ok(VerifyResult::Verified(customer))
            }
            // A lock-out that is over begins a new count.
            _ if locked_until != WallTime(0) => self.failed(&account, 1, now),
            _ => self.failed(&account, failed_in_row + 1, now),
        }
    }

    /// Counts a wrong try; the last of the row locks the account.
    fn failed(&self, account: &str, in_row: u32, now: WallTime) -> Result<VerifyResult, StoreError> {
        let locks = in_row >= TRIES_IN_A_ROW;
        let locked_until = if locks { now + LOCK_OUT } else { WallTime(0) };
        let forgotten = now.0 - TRIES_REMEMBERED.as_micros() as i64;
        self.connection.prepare_cached("DELETE FROM tries WHERE last_us < ?1")?.execute([forgotten])?;
        self.connection
            .prepare_cached("INSERT OR REPLACE INTO tries VALUES (?1, ?2, ?3, ?4)")?
            .execute(params![account, in_row, locked_until.0, now.0])?;
        Ok(if locks { VerifyResult::LockedOut } else { VerifyResult::Wrong })
    }

    fn tries(&self, account: &str) -> Result<(u32, WallTime), StoreError> {
        let tries = self
            .connection
            .prepare_cached("SELECT failed_in_row, locked_until_us FROM tries WHERE account = ?1")?
            .query_row([account], |row| Ok((row.get(0)?, WallTime(row.get(1)?))))
            .optional()?;
        Ok(tries.unwrap_or((0, WallTime(0))))
    }

    fn look_up(&self, account: &str) -> Result<Option<(Customer, Hashes)>, StoreError> {
        let known = self
            .connection
            .prepare_cached(
                "SELECT account, name, name_prompt, pin, birth_date FROM customers WHERE account = ?1",
            )?
            .query_row([account], |row| {
                let hashes = Hashes { pin: row.get(3)?, birth_date: row.get(4)? };
                Ok((customer(row.get(0)?, row.get(1)?, row.get(2)?), hashes))
            })
            .optional()?;
        Ok(known)
    }
}

/// What proves an account, as it is kept.
struct Hashes {
    pin: String,
    birth_date: Option<String>,
}

fn no_account(account: &str) -> StoreError {
    StoreError::Unknown(format!("customer with account {account}"))
}

fn customer(account: String, name: String, name_prompt: Option<String>) -> Customer {
    Customer { account, name, name_prompt: name_prompt.map(Name::from) }
}

/// A new customer whose fields are good and whose PIN is hashed.
struct CheckedCustomer {
    account: String,
    name: String,
    name_prompt: Option<String>,
    numbers: Vec<String>,
    pin_hash: String,
    birth_date_hash: Option<String>,
}

impl NewCustomer {
    /// What is wrong with the fields: all of it. No PIN is told, and no date of birth.
    fn problems(&self) -> Vec<String> {
        let digits = |text: &str| !text.is_empty() && text.chars().all(|c| c.is_ascii_digit());
        let (account, mut problems) = (self.account.trim(), Vec::new());
        if !digits(account) || account.len() > LONGEST {
            problems.push(format!("an account number is digits, got {account:?}"));
        }
        if !digits(self.pin.expose()) || !(4..=12).contains(&self.pin.len()) {
            problems.push(format!("the PIN of account {account} must be 4 to 12 digits"));
        }
        if self.birth_date.as_ref().is_some_and(|date| born(date).is_none()) {
            problems.push(format!("the date of birth of account {account} must be like 1980-12-24"));
        }
        if self.name.trim().is_empty() {
            problems.push(format!("account {account} needs a name"));
        }
        let prompt = self.name_prompt.as_deref().filter(|prompt| !prompt.is_empty() && !is_prompt(prompt));
        problems.extend(prompt.map(|prompt| {
            format!("account {account}: {prompt:?} is no recording: it is named within the prompts, like names/ann")
        }));
        let odd = self.numbers.iter().filter(|number| normal_number(number).is_empty());
        problems.extend(odd.map(|number| format!("account {account}: {number:?} is no telephone number")));
        let parts = self
            .numbers
            .iter()
            .filter(|number| number.starts_with('+') && (2..=4).contains(&normal_number(number).len()));
        problems.extend(parts.map(|number| {
            let why = "several numbers have spaces between them, and none within";
            format!("account {account}: {number:?} is too short: {why}")
        }));
        problems
    }
}

/// Whether a text can name a recording: a path within the folder of prompts.
fn is_prompt(name: &str) -> bool {
    let is_odd = |c: char| c.is_control() || c == '\\';
    name.len() <= LONGEST_PROMPT
        && !name.contains(is_odd)
        && name.split('/').all(|part| !part.is_empty() && !part.starts_with('.'))
}

fn born(date: &Secret) -> Option<Secret> {
    date.expose().trim().parse::<Date>().ok().map(|date| Secret::new(date.to_string()))
}

impl CheckedCustomer {
    fn check(new: &NewCustomer) -> Result<CheckedCustomer, StoreError> {
        let problems = new.problems();
        if !problems.is_empty() {
            return Err(StoreError::Invalid(problems.join("; ")));
        }
        let birth_date = new.birth_date.as_ref().and_then(born);
        Ok(CheckedCustomer {
            account: new.account.trim().to_owned(),
            name: new.name.trim().to_owned(),
            name_prompt: new.name_prompt.clone().filter(|prompt| !prompt.is_empty()),
            numbers: new.numbers.iter().map(|number| normal_number(number)).collect(),
            pin_hash: password::hash(&new.pin)?,
            birth_date_hash: birth_date.as_ref().map(password::hash).transpose()?,
        })
    }

    fn insert(&self, connection: &Connection) -> Result<(), StoreError> {
        let added = connection
            .prepare_cached("INSERT OR IGNORE INTO customers VALUES (?1, ?2, ?3, ?4, ?5)")?
            .execute(params![
                self.account,
                self.name,
                self.name_prompt,
                self.pin_hash,
                self.birth_date_hash
            ])?;
        if added == 0 {
            return Err(StoreError::Exists(format!("account {}", self.account)));
        }
        self.insert_numbers(connection)
    }

    /// In the place of the one that is there.
    fn replace(
        &self,
        connection: &Connection,
        keeps_pin: bool,
        keeps_birth_date: bool,
    ) -> Result<(), StoreError> {
        connection.execute(
            "UPDATE customers SET name = ?2, name_prompt = ?3, pin = CASE WHEN ?4 THEN pin ELSE ?5 END, \
             birth_date = CASE WHEN ?6 THEN birth_date ELSE ?7 END WHERE account = ?1",
            params![
                self.account,
                self.name,
                self.name_prompt,
                keeps_pin,
                self.pin_hash,
                keeps_birth_date,
                self.birth_date_hash
            ],
        )?;
        connection.execute("DELETE FROM customer_numbers WHERE account = ?1", [&self.account])?;
        self.insert_numbers(connection)
    }

    fn insert_numbers(&self, connection: &Connection) -> Result<(), StoreError> {
        for number in &self.numbers {
            connection
                .prepare_cached("INSERT OR IGNORE INTO customer_numbers VALUES (?1, ?2)")?
                .execute([number, &self.account])?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verifier(store: &Store) -> Verifier {
        Verifier::new(store.connect().unwrap()).unwrap()
    }

    fn seeded() -> (tempfile::TempDir, Store) {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path()).unwrap();
        store.seed_demo_customers().unwrap();
        (folder, store)
    }

    fn pin(digits: &str) -> Check {
        Check::Pin(Secret::new(digits))
    }

    fn at(secs: i64) -> WallTime {
        WallTime(1_800_000_000_000_000 + secs * 1_000_000)
    }

    #[test]
    fn a_customer_proves_who_they_are() {
        let (_folder, store) = seeded();
        let mut verifier = verifier(&store);
        let right = verifier.verify("100200", &pin("4711"), at(0)).unwrap();
        let VerifyResult::Verified(ann) = right else { panic!("{right:?}") };
        assert_eq!((ann.name.as_str(), ann.name_prompt.as_deref()), ("Ann", Some("names/ann")));
        assert_eq!(verifier.verify("100200", &pin("4712"), at(1)).unwrap(), VerifyResult::Wrong);
        assert_eq!(verifier.verify("999999", &pin("4711"), at(2)).unwrap(), VerifyResult::Wrong);
    }

    #[test]
    fn ten_wrong_pins_in_a_row_lock_the_account_for_half_an_hour() {
        let (_folder, store) = seeded();
        for call in 0..9 {
            // A verifier of its own each time: the count lives in the file, over calls and restarts.
            let result = verifier(&store).verify("100200", &pin("0000"), at(call)).unwrap();
            assert_eq!(result, VerifyResult::Wrong);
        }
        let mut verifier = verifier(&store);
        let (wrong, right) = (pin("0000"), pin("4711"));
        assert_eq!(verifier.verify("100200", &wrong, at(9)).unwrap(), VerifyResult::LockedOut);
        assert_eq!(verifier.verify("100200", &right, at(10)).unwrap(), VerifyResult::LockedOut);
        assert_eq!(verifier.verify("100200", &right, at(9 + 1_799)).unwrap(), VerifyResult::LockedOut);
        assert_eq!(verifier.verify("100200", &wrong, at(9 + 1_800)).unwrap(), VerifyResult::Wrong);
        let result = verifier.verify("100200", &right, at(9 + 1_801)).unwrap();
        assert!(matches!(result, VerifyResult::Verified(_)));
    }

    #[test]
    fn a_right_pin_begins_the_count_anew() {
        let (_folder, store) = seeded();
        let mut verifier = verifier(&store);
        for try_ in 0..12 {
            let keyed = if try_ == 8 { "4711" } else { "0000" };
            let result = verifier.verify("100200", &pin(keyed), at(try_)).unwrap();
            assert_ne!(result, VerifyResult::LockedOut, "try {try_}");
        }
        assert_eq!(store.customers().unwrap()[0].failed_in_row, 3);
    }

    #[test]
    fn an_account_that_does_not_exist_locks_like_one_that_does() {
        let (_folder, store) = seeded();
        let mut verifier = verifier(&store);
        let results: Vec<_> =
            (0..11).map(|try_| verifier.verify("42", &pin("0000"), at(try_)).unwrap()).collect();
        assert_eq!(results[..9], [const { VerifyResult::Wrong }; 9]);
        assert_eq!(results[9..], [const { VerifyResult::LockedOut }; 2]);
    }

    #[test]
    fn the_recording_of_a_name_lies_among_the_prompts() {
        let (_folder, store) = seeded();
        let named = |prompt: &str| {
            let wish = CustomerWish {
                account: "100200".into(),
                name: "Ann".into(),
                name_prompt: Some(prompt.to_owned()),
                numbers: Vec::new(),
                pin: None,
                birth_date: None,
            };
            store.put_customer(&wish)
        };
        for prompt in ["names/ann", "ann", "names/2026/ann-marie.2", ""] {
            assert!(named(prompt).is_ok(), "{prompt}");
        }
        let long = "x".repeat(LONGEST_PROMPT + 1);
        for prompt in
            ["../../../etc/passwd", "/etc/passwd", "names/../ann", "names//ann", "a\\b", "a\nb", &long]
        {
            assert!(matches!(named(prompt), Err(StoreError::Invalid(_))), "{prompt}");
        }
    }

    #[test]
    fn a_number_that_two_customers_share_finds_neither() {
        let (_folder, store) = seeded();
        let find = |number: &str| find_by_number(&store.connection(), number).unwrap();
        assert_eq!(find("+1 202 555-0143").unwrap().account, "100200");
        assert_eq!(find("+12025550199"), None);
        assert_eq!(find("anonymous"), None);
        let sister = NewCustomer {
            account: "100201".into(),
            name: "Ann's sister".into(),
            name_prompt: None,
            numbers: vec!["+1 (202) 5550143".into()],
            pin: Secret::new("1234"),
            birth_date: None,
        };
        store.add_customer(&sister).unwrap();
        assert_eq!(find("+12025550143"), None);
        assert!(matches!(store.add_customer(&sister), Err(StoreError::Exists(_))));
    }

    #[test]
    fn a_customer_who_is_removed_is_known_no_more_and_proves_nothing() {
        let (_folder, store) = seeded();
        let mut verifier = verifier(&store);
        assert_eq!(verifier.verify("100200", &pin("0000"), at(0)).unwrap(), VerifyResult::Wrong);
        store.remove_customer("100200").unwrap();
        assert_eq!(find_by_number(&store.connection(), "+12025550143").unwrap(), None);
        assert_eq!(verifier.verify("100200", &pin("4711"), at(1)).unwrap(), VerifyResult::Wrong);
        assert!(matches!(store.remove_customer("100200"), Err(StoreError::Unknown(_))));
    }

    #[test]
    fn a_customer_who_was_locked_out_is_let_in_at_once_when_unlocked() {
        let (_folder, store) = seeded();
        let mut verifier = verifier(&store);
        (0..10).for_each(|try_| drop(verifier.verify("100200", &pin("0000"), at(try_)).unwrap()));
        assert_eq!(verifier.verify("100200", &pin("4711"), at(10)).unwrap(), VerifyResult::LockedOut);
        assert!(store.unlock_customer("100200").unwrap());
        assert!(matches!(
            verifier.verify("100200", &pin("4711"), at(11)).unwrap(),
            VerifyResult::Verified(_)
        ));
        assert!(!store.unlock_customer("100200").unwrap(), "it was open");
        assert!(matches!(store.unlock_customer("42"), Err(StoreError::Unknown(_))));
    }

    #[test]
    fn a_removed_demo_customer_stays_removed() {
        let (_folder, store) = seeded();
        store.remove_customer("100300").unwrap();
        store.seed_demo_customers().unwrap();
        let names: Vec<_> = store.customers().unwrap().into_iter().map(|c| c.customer.name).collect();
        assert_eq!(names, ["Ann", "Carla"]);
    }

    #[test]
    fn pins_that_everybody_knows_are_told_while_their_customers_are_there() {
        let (_folder, store) = seeded();
        assert_eq!(store.demo_pins_stand().unwrap(), ["100200", "100300", "100400"]);
        store.remove_customer("100200").unwrap();
        store.remove_customer("100300").unwrap();
        assert_eq!(store.demo_pins_stand().unwrap(), ["100400"]);
        let folder = tempfile::tempdir().unwrap();
        let other = Store::open(folder.path()).unwrap();
        other.leave_out_demo_customers().unwrap();
        other.seed_demo_customers().unwrap();
        assert_eq!(other.customers().unwrap(), [], "a center of one's own has none, ever");
    }

    #[test]
    fn a_date_of_birth_proves_who_has_one_and_counts_as_a_pin_does() {
        let (_folder, store) = seeded();
        let dora = NewCustomer {
            account: "100500".into(),
            name: "Dora".into(),
            name_prompt: None,
            numbers: Vec::new(),
            pin: Secret::new("1234"),
            birth_date: Some(Secret::new("1980-02-29")),
        };
        store.add_customer(&dora).unwrap();
        let mut verifier = verifier(&store);
        let born = |date: &str| Check::BirthDate(Secret::new(date));
        let right = verifier.verify("100500", &born("1980-02-29"), at(0)).unwrap();
        assert!(matches!(right, VerifyResult::Verified(_)), "{right:?}");
        assert_eq!(verifier.verify("100500", &born("1980-02-28"), at(1)).unwrap(), VerifyResult::Wrong);
        assert_eq!(verifier.verify("100500", &pin("1980"), at(2)).unwrap(), VerifyResult::Wrong);
        // Of whom no date is known.
        assert_eq!(verifier.verify("100200", &born("1980-02-29"), at(3)).unwrap(), VerifyResult::Wrong);
        assert_eq!(store.customers().unwrap().last().unwrap().failed_in_row, 2);
        let odd = NewCustomer { account: "1".into(), birth_date: Some(Secret::new("1980-02-30")), ..dora };
        let error = store.add_customer(&odd).unwrap_err().to_string();
        assert!(error.contains("must be like 1980-12-24") && !error.contains("02-30"), "{error}");
    }

    #[test]
    fn wrong_codes_lock_an_account_as_wrong_pins_do() {
        let (_folder, store) = seeded();
        let mut verifier = verifier(&store);
        let tries: Vec<VerifyResult> = (0..TRIES_IN_A_ROW)
            .map(|try_| verifier.verify("100200", &Check::Code { fits: false }, at(try_.into())).unwrap())
            .collect();
        assert_eq!(tries.last(), Some(&VerifyResult::LockedOut));
        let right = Check::Code { fits: true };
        assert_eq!(verifier.verify("100200", &right, at(60)).unwrap(), VerifyResult::LockedOut);
        let ben = verifier.verify("100300", &right, at(61)).unwrap();
        assert!(matches!(ben, VerifyResult::Verified(_)), "{ben:?}");
        assert_eq!(verifier.verify("999999", &right, at(62)).unwrap(), VerifyResult::Wrong, "nobody is that");
    }
}
