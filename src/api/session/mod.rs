//! `/api/v1/session`: signing in and out, and who acts in a request.
//!
//! A session is a random token in a cookie that scripts cannot read and other sites cannot send. Programs may
//! send it as `Authorization: Bearer` instead. On loopback a request without either is a program of this
//! machine and may do what the API can; beyond loopback, or passed on by a proxy, it is nobody.

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::time::Duration;
use std::time::Instant;

use axum::Extension;
use axum::Json;
use axum::extract::State;
use axum::extract::rejection::JsonRejection;
use axum::http::HeaderMap;
use axum::http::StatusCode;
use axum::http::header;
use axum::response::AppendHeaders;
use axum::response::IntoResponse;
use axum::response::Response;
use serde::Deserialize;
use serde::Serialize;
use sha2::Digest;
use sha2::Sha256;
use tokio::sync::Semaphore;
use tokio::sync::broadcast;
use tracing::info;

use crate::api::ApiState;
use crate::api::came::Came;
use crate::api::now;
use crate::api::problem::Problem;
use crate::base::Latest;
use crate::base::Secret;
use crate::base::Timestamp;
use crate::base::Tries;
use crate::store::Person;
use crate::store::Role;
use crate::store::Store;
use crate::store::StoreError;
use crate::store::sessions::LONGEST;
use crate::store::sessions::TokenHash;

mod actor;
mod scopes;
mod sitting;

pub(super) use actor::Actor;
pub(super) use actor::known_people_only;
pub(super) use sitting::Sitting;

/// What a program's token is for, where nothing else was said.
const METRICS: &str = "/metrics";
const COOKIE: &str = "warmline_session";
/// No name or password is longer.
const LONGEST_FIELD: usize = 128;
/// Passwords that are checked at one time: each takes some 20 ms of a core and 19 MiB.
const CHECKS: usize = 2;
/// A session that was looked up is believed for so long: a changed password ends it within that time.
const BELIEVED: Duration = Duration::from_secs(30);
/// Sessions that are remembered; the file has them all, and the one that was looked up there longest ago makes room.
const REMEMBERED: usize = 4_096;
/// Sign-outs that what hangs on a session may be behind; whoever is further behind looks into the file.
const ENDS: usize = 64;

/// Everybody who is signed in.
pub(super) struct Sessions {
    store: Arc<Store>,
    /// What the file said of a token, and when.
    remembered: Mutex<Latest<TokenHash, (Person, Instant)>>,
    /// Those of whom somebody signs out.
    ends: broadcast::Sender<TokenHash>,
    tries: Mutex<Tries>,
    checks: Semaphore,
    since: Instant,
}

/// The body of a sign-in.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Credentials {
    name: String,
    password: Secret,
}

/// Who is signed in.
#[derive(Debug, Serialize)]
pub(super) struct Who {
    /// Null when nobody is.
    name: Option<String>,
    role: Option<Role>,
    /// No sign-in is needed: the request comes from a program on this machine, and the server serves no other.
    local: bool,
}

impl Sessions {
    pub fn new(store: Arc<Store>) -> Sessions {
        Sessions {
            store,
            remembered: Mutex::new(Latest::new(REMEMBERED)),
            ends: broadcast::Sender::new(ENDS),
            tries: Mutex::default(),
            checks: Semaphore::new(CHECKS),
            since: Instant::now(),
        }
    }

    /// Begins a session; the token, or why not.
    async fn sign_in(&self, credentials: Credentials, from: IpAddr) -> Result<(String, Person), Problem> {
        let Credentials { name, password } = credentials;
        if name.len() > LONGEST_FIELD || password.len() > LONGEST_FIELD {
            let error = format!("name and password have at most {LONGEST_FIELD} characters");
            return Err(Problem::new(StatusCode::UNPROCESSABLE_ENTITY, error, "try again"));
        }
        let at = Timestamp::ZERO + self.since.elapsed();
        self.tries().begin(at, &name, from).map_err(too_often)?;
        let _turn = self.checks.acquire().await.map_err(|_| Problem::busy("the server is stopping"))?;
        let token = token()?;
        let (store, hash, given) = (self.store.clone(), hash(&token), name.clone());
        let checked = tokio::task::spawn_blocking(move || {
            let fits = store.password_fits(&given, &password)?;
            if fits {
                store.begin_session(&hash, &given, now())?;
            }
            store.session(&hash, now())
        });
        let person = checked.await.map_err(|_| Problem::busy("the check was broken off"))??;
        let Some(person) = person else {
            info!(%from, "a sign-in was refused");
            let error = "name and password do not fit";
            return Err(Problem::new(
                StatusCode::UNAUTHORIZED,
                error,
                "try again, or ask who runs the server",
            ));
        };
        self.tries().right(&name, from);
        info!(name = %person.name, %from, "signed in");
        Ok((token, person))
    }

    /// Whose token this is.
    async fn person(&self, token: &str) -> Result<Option<Person>, StoreError> {
        let hash = hash(token);
        if let Some((person, asked)) = self.remembered().get(&hash)
            && asked.elapsed() < BELIEVED
        {
            return Ok(Some(person.clone()));
        }
        let store = self.store.clone();
        let found = tokio::task::spawn_blocking(move || store.session(&hash, now())).await;
        // The task fails when the server is stopping: then nobody is known any more.
        let found = found.unwrap_or(Ok(None))?;
        let mut remembered = self.remembered();
        match &found {
            Some(person) => remembered.put(hash, (person.clone(), Instant::now())),
            None => drop(remembered.remove(&hash)),
        }
        Ok(found)
    }

    async fn sign_out(&self, token: &str) -> Result<(), Problem> {
        let (store, hash) = (self.store.clone(), hash(token));
        let ended = tokio::task::spawn_blocking(move || store.end_session(&hash)).await;
        self.remembered().remove(&hash);
        // Nobody may listen.
        let _ = self.ends.send(hash);
        Ok(ended.map_err(|_| Problem::busy("the server is stopping"))??)
    }

    fn tries(&self) -> std::sync::MutexGuard<'_, Tries> {
        self.tries.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn remembered(&self) -> std::sync::MutexGuard<'_, Latest<TokenHash, (Person, Instant)>> {
        self.remembered.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// `POST /api/v1/session`
pub(super) async fn sign_in(
    State(state): State<ApiState>,
    Extension(came): Extension<Came>,
    credentials: Result<Json<Credentials>, JsonRejection>,
) -> Result<Response, Problem> {
    let Json(credentials) = credentials?;
    let (token, person) = state.sessions.sign_in(credentials, came.from).await?;
    let cookie = cookie(&token, LONGEST.as_secs(), came.over_https);
    let who = Who { name: Some(person.name.to_string()), role: Some(person.role), local: false };
    Ok((AppendHeaders([(header::SET_COOKIE, cookie)]), Json(who)).into_response())
}

/// `GET /api/v1/session`
pub(super) async fn show(actor: Actor) -> Json<Who> {
    Json(match actor {
        Actor::Person(person) => {
            Who { name: Some(person.name.to_string()), role: Some(person.role), local: false }
        }
        Actor::Local => Who { name: None, role: None, local: true },
        Actor::Program(_) | Actor::Nobody => Who { name: None, role: None, local: false },
    })
}

/// `DELETE /api/v1/session`
pub(super) async fn sign_out(
    State(state): State<ApiState>,
    Extension(came): Extension<Came>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    if let Some((token, _)) = carried(&headers) {
        state.sessions.sign_out(token).await?;
    }
    let gone = cookie("", 0, came.over_https);
    Ok((StatusCode::NO_CONTENT, AppendHeaders([(header::SET_COOKIE, gone)])).into_response())
}

/// How a request carries its token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Carrier {
    /// The browser sends it by itself, whoever makes it ask.
    Cookie,
    /// Only who knows the token can send it.
    Header,
}

/// The token of a request.
fn carried(headers: &HeaderMap) -> Option<(&str, Carrier)> {
    let bearer = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    if let Some(token) = bearer.and_then(|value| value.strip_prefix("Bearer ")) {
        return Some((token.trim(), Carrier::Header));
    }
    let cookies = headers.get_all(header::COOKIE).into_iter().filter_map(|value| value.to_str().ok());
    cookies
        .flat_map(|cookies| cookies.split(';'))
        .filter_map(|cookie| cookie.trim().split_once('='))
        .find(|(name, _)| *name == COOKIE)
        .map(|(_, token)| (token, Carrier::Cookie))
}

/// The cookie that carries `token`. What came over HTTPS the browser keeps to HTTPS.
fn cookie(token: &str, max_age_s: u64, over_https: bool) -> String {
    let secure = if over_https { "; Secure" } else { "" };
    format!("{COOKIE}={token}; Path=/; HttpOnly; SameSite=Strict; Max-Age={max_age_s}{secure}")
}

/// 256 random bits.
fn token() -> Result<String, Problem> {
    let mut bytes = [0_u8; 32];
    getrandom::fill(&mut bytes).map_err(|_| Problem::busy("the machine gives no random numbers"))?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

fn hash(token: &str) -> TokenHash {
    Sha256::digest(token.as_bytes()).into()
}

fn too_often(wait: Duration) -> Problem {
    let minutes = wait.as_secs().div_ceil(60);
    let error = "too many wrong passwords";
    let hint = format!("try again in {minutes} minute{}", if minutes == 1 { "" } else { "s" });
    Problem::new(StatusCode::TOO_MANY_REQUESTS, error, hint).retry_after(wait)
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    fn headers(pairs: &[(header::HeaderName, &'static str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (name.clone(), HeaderValue::from_static(value))).collect()
    }

    #[test]
    fn the_token_is_found_among_other_cookies() {
        let with = headers(&[(header::COOKIE, "theme=dark; warmline_session=abc; x=y")]);
        assert_eq!(carried(&with), Some(("abc", Carrier::Cookie)));
        let bearer =
            headers(&[(header::AUTHORIZATION, "Bearer abc"), (header::COOKIE, "warmline_session=d")]);
        assert_eq!(carried(&bearer), Some(("abc", Carrier::Header)));
        assert_eq!(carried(&headers(&[(header::COOKIE, "warmline_sessions=abc")])), None);
    }

    #[test]
    fn the_cookie_is_kept_from_scripts_and_from_other_sites() {
        let plain = cookie("abc", 60, false);
        assert!(plain.contains("; HttpOnly") && plain.contains("; SameSite=Strict"), "{plain}");
        assert!(cookie("abc", 60, true).ends_with("; Secure"));
    }
}
