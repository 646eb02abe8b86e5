//! What is remembered of services: whether they answer, and what they said last. Told the time.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;
use std::time::Duration;
use std::time::Instant;

use tracing::info;
use tracing::warn;

use crate::base::Latest;
use crate::base::Name;
use crate::flow::api::Failure;
use crate::flow::api::FetchResult;
use crate::flow::api::Question;
use crate::flow::model::Value;

/// So many failures in a row, and the service is left alone …
const FAILURES: u32 = 5;
/// … for so long; then one question tries again.
const REST: Duration = Duration::from_secs(30);
/// The most answers that are kept; the oldest makes room.
const KEPT: usize = 4_096;

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Memory {
    known: Mutex<Known>,
}

#[derive(Debug)]
struct Known {
    /// As many as centers have named.
    services: BTreeMap<Name, Health>,
    answers: Latest<String, Kept>,
}

impl Default for Known {
    fn default() -> Known {
        Known { services: BTreeMap::new(), answers: Latest::new(KEPT) }
    }
}

#[derive(Debug, Default)]
struct Health {
    failures: u32,
    /// What was wrong, as it was told.
    told: Option<Failure>,
    /// Until when it is left alone.
    rests: Option<Instant>,
}

#[derive(Debug)]
struct Kept {
    at: Instant,
    values: Vec<Option<Value>>,
}

impl Memory {
    /// Whether the service is to be asked, now.
    pub fn may_ask(&self, service: &Name, now: Instant) -> bool {
        let mut known = self.locked();
        let Some(health) = known.services.get_mut(service) else { return true };
        match health.rests {
            Some(until) if now < until => false,
            // One tries; the others wait for how it goes.
            Some(_) => {
                health.rests = Some(now + REST);
                true
            }
            None => true,
        }
    }

    /// What is wrong with a service's answers, or nothing is: told once, and again when it is something else.
    pub fn tell(&self, service: &Name, why: Option<Failure>) {
        let mut known = self.locked();
        let health = known.services.entry(Name::clone(service)).or_default();
        if health.told == why {
            return;
        }
        match &why {
            Some(why) => warn!(%service, %why, "a service fails flows"),
            None => info!(%service, "a service answers well again"),
        }
        health.told = why;
    }

    /// A service was asked, and this came of it.
    pub fn learn(&self, question: &Question, result: &FetchResult, now: Instant) {
        let service = &question.service;
        let mut known = self.locked();
        let health = known.services.entry(Name::clone(&service.name)).or_default();
        if matches!(result, FetchResult::Failed(_)) {
            health.failures = health.failures.saturating_add(1);
            if health.failures >= FAILURES {
                if health.rests.is_none() {
                    warn!(service = %service.name, "it fails again and again: left alone for {} s", REST.as_secs());
                }
                health.rests = Some(now + REST);
            }
            return;
        }
        if health.rests.is_some() {
            info!(service = %service.name, "it answers again");
        }
        *health = Health::default();
        match (result, service.keep) {
            (FetchResult::Answered { values, .. }, Some(_)) => {
                known.answers.put(key(question), Kept { at: now, values: values.to_vec() });
            }
            (FetchResult::Missing, Some(_)) => {
                known.answers.remove(&key(question));
            }
            _ => {}
        }
    }

    /// The result; where that is a failure, what the service said before to the same question, if it still holds.
    pub fn or_known(&self, question: &Question, result: FetchResult, now: Instant) -> FetchResult {
        let (FetchResult::Failed(failure), Some(keep)) = (&result, question.service.keep) else {
            return result;
        };
        let known = self.locked();
        match known.answers.get(&key(question)).filter(|kept| now.duration_since(kept.at) < keep) {
            Some(kept) => {
                FetchResult::Answered { values: kept.values.clone(), instead_of: Some(failure.clone()) }
            }
            None => result,
        }
    }

    fn locked(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What makes two questions the same.
fn key(question: &Question) -> String {
    let fields: Vec<&str> = question.fields.iter().map(|(field, _)| &**field).collect();
    let sent: Vec<String> =
        question.send.iter().map(|(field, value)| format!("{field}={}", value.in_words())).collect();
    format!("{}\n{}\n{}", question.url, fields.join("\n"), sent.join("\n"))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::flow::api::Kind;
    use crate::flow::service::Service;

    fn question(url: &str, keep: Option<Duration>) -> Question {
        let service = Service {
            name: "orders".into(),
            at: "http://localhost".to_owned(),
            timeout: Duration::from_secs(1),
            tries: 1,
            keep,
            headers_env: Vec::new(),
        };
        let fields = vec![("status".into(), Kind::Text)];
        Question {
            number: 1,
            service: Arc::new(service),
            url: url.to_owned(),
            send: Vec::new(),
            fields,
            code_for: None,
        }
    }

    const FAILED: FetchResult = FetchResult::Failed(Failure::Late);

    fn said(text: &str, known_before: bool) -> FetchResult {
        let instead_of = known_before.then_some(Failure::Late);
        FetchResult::Answered { values: vec![Some(Value::Text(text.to_owned()))], instead_of }
    }

    #[test]
    fn a_service_that_fails_again_and_again_is_left_alone_and_one_tries_again() {
        let (memory, question, start) = (Memory::default(), question("/1", None), Instant::now());
        let orders = &question.service.name;
        for _ in 0..FAILURES {
            assert!(memory.may_ask(orders, start));
            memory.learn(&question, &FAILED, start);
        }
        assert!(!memory.may_ask(orders, start + REST / 2));
        assert!(memory.may_ask(&"others".into(), start + REST / 2));
        let later = start + REST;
        assert!(memory.may_ask(orders, later), "one tries again");
        assert!(!memory.may_ask(orders, later), "and only one");
        memory.learn(&question, &FAILED, later);
        assert!(!memory.may_ask(orders, later + REST / 2), "in vain");
        assert!(memory.may_ask(orders, later + REST));
        memory.learn(&question, &FetchResult::Missing, later + REST);
        assert!(memory.may_ask(orders, later + REST), "whoever knows nothing of it answers all the same");
    }

    #[test]
    fn what_was_said_before_holds_for_the_same_question_and_for_so_long() {
        let (memory, start) = (Memory::default(), Instant::now());
        let minute = Duration::from_secs(60);
        let (one, other) = (question("/1", Some(minute)), question("/2", Some(minute)));
        memory.learn(&one, &said("sent", false), start);
        let now = start + minute / 2;
        assert_eq!(memory.or_known(&one, FAILED, now), said("sent", true));
        assert_eq!(memory.or_known(&other, FAILED, now), FAILED);
        assert_eq!(memory.or_known(&one, FAILED, start + minute), FAILED);
        assert_eq!(memory.or_known(&one, said("lost", false), now), said("lost", false));
        memory.learn(&one, &FetchResult::Missing, now);
        assert_eq!(memory.or_known(&one, FAILED, now), FAILED);
        let never = question("/3", None);
        memory.learn(&never, &said("sent", false), start);
        assert_eq!(memory.or_known(&never, FAILED, start), FAILED);
    }
}
