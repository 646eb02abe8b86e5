//! What hangs on a session for long, a stream of events or a desk's socket: it ends when the session does.

use std::convert::Infallible;
use std::future::pending;
use std::time::Duration;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use tokio::sync::broadcast;
use tokio::sync::broadcast::error::RecvError;
use tokio::time::Instant;
use tokio::time::timeout_at;

use super::Actor;
use super::carried;
use super::hash;
use crate::api::ApiState;
use crate::api::now;
use crate::base::WallTime;
use crate::server::desk::PartPhase;
use crate::store::Person;
use crate::store::Role;
use crate::store::StoreError;
use crate::store::sessions::Standing;
use crate::store::sessions::TokenHash;

/// How often it is looked whether a session still stands: a changed password ends it in the file alone.
const LOOKED_AT: Duration = Duration::from_millis(if cfg!(test) { 200 } else { 20_000 });

/// The session by which somebody asked; none of a local program.
#[derive(Clone, Debug)]
pub(in crate::api) struct Sitting {
    of: Option<(TokenHash, Person)>,
    /// Whether what hangs on it is a use of the session.
    is_use: bool,
}

impl<S: Send + Sync> FromRequestParts<S> for Sitting {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Sitting, Infallible> {
        let token = carried(&parts.headers).map(|(token, _)| hash(token));
        let of = match parts.extensions.get::<Actor>() {
            Some(Actor::Person(person)) => token.map(|token| (token, person.clone())),
            _ => None,
        };
        Ok(Sitting { of, is_use: false })
    }
}

impl Sitting {
    /// To watch this is a use of the session, which runs out no sooner than after a week then.
    pub fn in_use(self) -> Sitting {
        Sitting { is_use: true, ..self }
    }

    /// Returns once it is over: at a sign-out, soon after a changed password or another role, or when it has run out, which
    /// takes nobody out of a talk. To watch is no use of a session, unless it was said to be.
    pub async fn ended(self, state: ApiState) {
        let Some((token, person)) = self.of else { return pending().await };
        let mut signed_out = state.sessions.ends.subscribe();
        let mut until = None;
        loop {
            if self.is_use {
                state.uses(token).await;
            }
            // What cannot be read now, can be later.
            if let Ok(standing) = state.standing(token, &person).await {
                if ends(standing, person.role, has_run_out(until), || state.is_in_talk(&person.name)) {
                    return;
                }
                if let Standing::Until(later, _) = standing {
                    until = Some(later);
                }
            }
            if is_ended(&mut signed_out, token, Instant::now() + LOOKED_AT).await {
                return;
            }
        }
    }
}

/// Whether what hangs on a session ends: where that stands so, and began with this role. Who signed out, or has another password, meant
/// it; of a session that has just run out a caller knows nothing.
fn ends(standing: Standing, began_as: Role, was_to_end: bool, is_in_talk: impl FnOnce() -> bool) -> bool {
    match standing {
        Standing::Until(_, role) => role != began_as,
        Standing::RunOut => !is_in_talk(),
        // Whoever signs in removes what has run out.
        Standing::Gone => !(was_to_end && is_in_talk()),
        // Seen to at once, elsewhere.
        Standing::ShutOut => false,
    }
}

/// Whether a session was to last until then at most, as far as was known.
fn has_run_out(until: Option<WallTime>) -> bool {
    until.is_some_and(|until| until <= now())
}

/// Whether somebody signs out of this session before then.
async fn is_ended(ends: &mut broadcast::Receiver<TokenHash>, token: TokenHash, before: Instant) -> bool {
    loop {
        match timeout_at(before, ends.recv()).await {
            Ok(Ok(ended)) if ended == token => return true,
            Ok(Ok(_)) => {}
            // Some were missed: the file has them.
            Ok(Err(RecvError::Lagged(_))) | Err(_) => return false,
            Ok(Err(RecvError::Closed)) => return true,
        }
    }
}

impl ApiState {
    /// A session is used now, if it stands.
    async fn uses(&self, token: TokenHash) {
        let store = self.store.clone();
        // Where that cannot be written down, it is tried again at the next look.
        let _ = tokio::task::spawn_blocking(move || store.session(&token, now())).await;
    }

    async fn standing(&self, token: TokenHash, person: &Person) -> Result<Standing, StoreError> {
        let (store, name) = (self.store.clone(), person.name.clone());
        let standing = tokio::task::spawn_blocking(move || store.session_stands(&token, &name, now())).await;
        standing.unwrap_or(Ok(Standing::Gone))
    }

    /// Whether somebody would lose a caller.
    fn is_in_talk(&self, who: &str) -> bool {
        self.live.desks.view(who).calls.iter().any(|(part, _)| part.phase != PartPhase::WrapUp)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_that_ran_out_takes_nobody_out_of_a_talk_and_a_sign_out_does() {
        let agents = |standing, was_to_end, talks| ends(standing, Role::Agent, was_to_end, || talks);
        for talks in [true, false] {
            assert!(!agents(Standing::Until(WallTime(9), Role::Agent), false, talks));
            assert!(agents(Standing::Until(WallTime(9), Role::Supervisor), false, talks), "another role");
            assert_eq!(agents(Standing::RunOut, true, talks), !talks);
            assert_eq!(agents(Standing::Gone, true, talks), !talks, "it had run out, and was removed since");
            assert!(agents(Standing::Gone, false, talks), "signed out, or another password");
            assert!(!agents(Standing::ShutOut, false, talks));
        }
    }
}
