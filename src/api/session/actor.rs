//! Who acts in a request, and what they may do.

use std::convert::Infallible;
use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::extract::Request;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::http::Method;
use axum::http::StatusCode;
use axum::http::header;
use axum::http::request::Parts;
use axum::middleware::Next;
use axum::response::IntoResponse;
use axum::response::Response;

use super::Carrier;
use super::METRICS;
use super::carried;
use super::scopes::allows;
use crate::api::ApiState;
use crate::api::came::Came;
use crate::api::problem::Problem;
use crate::api::sip_socket;
use crate::base::Name;
use crate::fact::What;
use crate::store::Person;
use crate::store::Role;
use crate::store::tokens::ProgramToken;
use crate::store::tokens::Scope;

/// The header that a page of ours sends with every change: a page of somebody else cannot.
const OURS: &str = "x-warmline";

/// Who acts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::api) enum Actor {
    /// Somebody who is signed in.
    Person(Person),
    /// A program with a token that is for what it asks, by the name that the history has of it.
    Program(Name),
    /// A program on this machine, at a server that serves this machine alone: nobody whose request was passed on.
    Local,
    /// Nobody we know: may see what needs no sign-in.
    Nobody,
}

impl Actor {
    /// The agent who acts: the one who is signed in. A local program says for whom.
    pub fn agent(&self, said: Option<&str>) -> Result<Name, Problem> {
        self.named("agent", said)
    }

    /// The same, where what a local program says stands under this `key`.
    pub fn named(&self, key: &str, said: Option<&str>) -> Result<Name, Problem> {
        match (self, said) {
            (Actor::Person(person), None) => Ok(person.name.clone()),
            (Actor::Person(person), Some(said)) if *said == *person.name => Ok(person.name.clone()),
            (Actor::Person(person), Some(said)) => {
                let error = format!("you are {}, and act for nobody else", person.name);
                Err(Problem::new(StatusCode::FORBIDDEN, error, format!("sign in as {said}, or leave it out")))
            }
            (Actor::Local | Actor::Program(_), Some(said)) => Ok(said.into()),
            (Actor::Local | Actor::Program(_), None) => {
                let error = "nobody is signed in, and no agent was named";
                let hint = format!(r#"sign in, or say who acts: "{key}": "alice""#);
                Err(Problem::new(StatusCode::UNPROCESSABLE_ENTITY, error, hint))
            }
            (Actor::Nobody, _) => Err(sign_in_first()),
        }
    }

    /// Who is signed in, or which program asks: in whose name the history has it.
    pub fn person(&self) -> Option<Name> {
        match self {
            Actor::Person(person) => Some(person.name.clone()),
            Actor::Program(name) => Some(name.clone()),
            Actor::Local | Actor::Nobody => None,
        }
    }

    /// Whether they may watch over others: supervisors, admins, and local programs.
    pub fn supervises(&self) -> Result<(), Problem> {
        match self {
            Actor::Local | Actor::Program(_) => Ok(()),
            Actor::Person(person) if person.role != Role::Agent => Ok(()),
            Actor::Person(_) => {
                let hint = "sign in as a supervisor";
                Err(Problem::new(StatusCode::FORBIDDEN, "this is for supervisors", hint))
            }
            Actor::Nobody => Err(sign_in_first()),
        }
    }

    /// Whether they may keep what the center has in its data folder: admins, and local programs.
    pub fn administers(&self) -> Result<(), Problem> {
        match self {
            Actor::Local | Actor::Program(_) => Ok(()),
            Actor::Person(person) if person.role == Role::Admin => Ok(()),
            Actor::Person(_) => {
                Err(Problem::new(StatusCode::FORBIDDEN, "this is for admins", "sign in as an admin"))
            }
            Actor::Nobody => Err(sign_in_first()),
        }
    }

    /// Whether they may know of this: that somebody was judged is for them, and for who supervises.
    pub fn may_know(&self, what: &What) -> bool {
        let whose = match what {
            What::Evaluated { agent, .. } | What::EvaluationAcknowledged { agent, .. } => Some(agent),
            What::EvaluationsRead { .. } => None,
            _ => return true,
        };
        // No token is for how talks were judged.
        let supervises = self.supervises().is_ok() && !matches!(self, Actor::Program(_));
        supervises || whose.is_some_and(|agent| self.person().as_ref() == Some(agent))
    }

    /// Whether they may act for this agent: for themselves everybody may, for others who supervises.
    pub fn acts_for(&self, agent: &str) -> Result<(), Problem> {
        match self {
            Actor::Person(person) if *person.name == *agent => Ok(()),
            _ => self.supervises(),
        }
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Actor {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Actor, Infallible> {
        Ok(parts.extensions.get::<Actor>().cloned().unwrap_or(Actor::Nobody))
    }
}

/// Finds out who asks, for [`Actor`]; refuses who must sign in first, and what another site made a browser send.
pub(in crate::api) async fn known_people_only(
    State(state): State<ApiState>,
    request: Request,
    next: Next,
) -> Response {
    let (mut parts, body) = request.into_parts();
    match who(&state, &parts).await {
        Ok(actor) => parts.extensions.insert(actor),
        Err(problem) => return problem.into_response(),
    };
    next.run(Request::from_parts(parts, body)).await
}

async fn who(state: &ApiState, request: &Parts) -> Result<Actor, Problem> {
    let (headers, changes) = (&request.headers, !is_safe(&request.method));
    let upgrades = headers.contains_key(header::UPGRADE);
    let path = request.uri.path();
    let passed_on = request.extensions.get::<Came>().is_none_or(|came| came.passed_on);
    if (changes || upgrades) && is_foreign(headers) && !sip_socket::lets_in(state, path, headers) {
        let hint = if passed_on {
            "open the page at this server's own address; a proxy passes the header Host on as the browser sent it"
        } else {
            "open the page at this server's own address"
        };
        return Err(Problem::new(StatusCode::FORBIDDEN, "another site's page sent this", hint));
    }
    let (actor, carrier) = match carried(headers) {
        Some((token, carrier)) => match state.sessions.person(token).await? {
            // Their session may be remembered still.
            Some(person) if !state.live.shut_out.has(&person.name) => (Actor::Person(person), Some(carrier)),
            None if carrier == Carrier::Header && !is_open(path) => {
                (program(state, token, request).await?, None)
            }
            Some(_) | None => (Actor::Nobody, None),
        },
        None if state.http.ip().is_loopback() && !passed_on => (Actor::Local, None),
        None => (Actor::Nobody, None),
    };
    if actor == Actor::Nobody && !is_open(path) {
        return Err(sign_in_first());
    }
    let signs_in = request.method == Method::POST && path == "/api/v1/session";
    if changes && carrier == Some(Carrier::Cookie) && !signs_in && !headers.contains_key(OURS) {
        let error = "a change by a signed-in browser needs the header X-Warmline";
        return Err(Problem::new(StatusCode::FORBIDDEN, error, "send X-Warmline: 1"));
    }
    Ok(actor)
}

/// The program whose token this is; nobody where it is nobody's. Whatever the token is not for is refused.
async fn program(state: &ApiState, token: &str, request: &Parts) -> Result<Actor, Problem> {
    let (store, token) = (Arc::clone(&state.store), token.to_owned());
    let found = tokio::task::spawn_blocking(move || store.token(&token)).await;
    let Some(token) = found.map_err(|_| Problem::busy("the server is stopping"))?? else {
        return Ok(Actor::Nobody);
    };
    let may = |scope: &Scope| allows(*scope, &request.method, request.uri.path());
    if token.scopes.iter().any(may) {
        Ok(Actor::Program(token.actor()))
    } else {
        Err(not_for_this(&token, may))
    }
}

fn not_for_this(token: &ProgramToken, may: impl Fn(&Scope) -> bool) -> Problem {
    let error = format!("this token is for {}, and not for this", token.scopes_in_words());
    let hint = match Scope::ALL.iter().find(|(scope, _)| may(scope)) {
        Some((_, word)) => format!("`warmline token add NAME --scope {word}` makes one that is"),
        None => "no token is for this: sign in by POST /api/v1/session".to_owned(),
    };
    Problem::new(StatusCode::FORBIDDEN, error, hint)
}

/// Whether a path needs no sign-in: pages and what they are made of, health, signing in, and a caller's own call.
fn is_open(path: &str) -> bool {
    let needs = path.starts_with("/api/") || path == METRICS;
    !needs || matches!(path, "/api/v1/session" | "/api/v1/web-call" | "/api/v1/ice")
}

fn is_safe(method: &Method) -> bool {
    matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS)
}

/// Whether a browser says that a page of another site asks.
fn is_foreign(headers: &HeaderMap) -> bool {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    let Some(origin) = text(header::ORIGIN) else { return false };
    let host = origin.split_once("://").map_or("", |(_, host)| host);
    text(header::HOST) != Some(host)
}

fn sign_in_first() -> Problem {
    let hint = "POST /api/v1/session with name and password; in a browser, open /desk";
    Problem::new(StatusCode::UNAUTHORIZED, "nobody is signed in", hint)
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    fn person(name: &str, role: Role) -> Actor {
        Actor::Person(Person { name: name.into(), role })
    }

    #[test]
    fn an_agent_acts_for_themselves_and_a_supervisor_for_others() {
        let (alice, sam) = (person("alice", Role::Agent), person("sam", Role::Supervisor));
        assert!(alice.acts_for("alice").is_ok() && alice.acts_for("bob").is_err());
        assert!(sam.acts_for("bob").is_ok() && sam.supervises().is_ok());
        assert!(Actor::Local.acts_for("bob").is_ok() && Actor::Nobody.acts_for("bob").is_err());
        assert_eq!(&*alice.agent(None).unwrap(), "alice");
        assert!(alice.agent(Some("bob")).is_err());
        assert_eq!(&*Actor::Local.agent(Some("bob")).unwrap(), "bob");
        let program = Actor::Program("program crm".into());
        assert_eq!(&*program.agent(Some("bob")).unwrap(), "bob");
        assert_eq!(program.person().as_deref(), Some("program crm"));
        assert!(Actor::Local.agent(None).is_err() && Actor::Nobody.agent(Some("bob")).is_err());
    }

    #[test]
    fn what_needs_no_sign_in_is_named() {
        for path in
            ["/", "/desk", "/call", "/web/desk.js", "/healthz", "/readyz", "/api/v1/session", "/api/v1/ice"]
        {
            assert!(is_open(path), "{path}");
        }
        for path in ["/api/v1/calls", "/api/v1/session/x", "/api/v1/events", "/api/v1/desk", "/metrics"] {
            assert!(!is_open(path), "{path}");
        }
    }

    #[test]
    fn a_page_of_another_site_is_known_by_its_origin() {
        let of = |origin: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::HOST, HeaderValue::from_static("127.0.0.1:8080"));
            headers.insert(header::ORIGIN, HeaderValue::from_static(origin));
            is_foreign(&headers)
        };
        assert!(!of("http://127.0.0.1:8080"));
        for origin in ["http://evil.example", "null", "http://127.0.0.1:8081", "http://127.0.0.1"] {
            assert!(of(origin), "{origin}");
        }
    }
}
