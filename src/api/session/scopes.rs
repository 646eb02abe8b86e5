//! Which requests a program's token is for.

use axum::http::Method;

use crate::store::tokens::Scope;

/// Whether a token of this scope is for a request.
pub(super) fn allows(scope: Scope, method: &Method, path: &str) -> bool {
    let reads = matches!(*method, Method::GET | Method::HEAD);
    let Some(path) = path.strip_prefix("/api/v1/") else {
        return scope == Scope::Metrics && reads && path == super::METRICS;
    };
    let parts: Vec<&str> = path.split('/').collect();
    match scope {
        Scope::Metrics => false,
        Scope::Wallboard => {
            let now = matches!(
                parts[..],
                ["wallboard" | "agents" | "queues" | "center"]
                    | ["wallboard", "events"]
                    | ["agents", _, "state"]
                    | ["queues", _, "agents"]
            );
            reads && now
        }
        Scope::Events => reads && matches!(parts[..], ["events" | "facts"]),
        Scope::History => {
            let judged = parts[..] == ["reports", "evaluations"];
            let past = matches!(
                parts[..],
                ["calls" | "promises" | "messages"]
                    | ["calls", _]
                    | ["calls", _, "explain"]
                    | ["promises", "report"]
            );
            reads && (past || parts[0] == "reports" && !judged)
        }
        Scope::Customers => parts[0] == "customers",
        Scope::Agents => *method == Method::PUT && matches!(parts[..], ["agents", _, "state"]),
        Scope::Calls => *method == Method::POST && parts[..] == ["calls"],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scopes(method: Method, path: &str) -> Vec<&'static str> {
        let allowed = Scope::ALL.into_iter().filter(|(scope, _)| allows(*scope, &method, path));
        allowed.map(|(_, word)| word).collect()
    }

    #[test]
    fn each_scope_is_for_its_own_requests() {
        for (method, path, wanted) in [
            (Method::GET, "/metrics", "metrics"),
            (Method::GET, "/api/v1/wallboard/events", "wallboard"),
            (Method::GET, "/api/v1/agents/bob/state", "wallboard"),
            (Method::PUT, "/api/v1/agents/bob/state", "agents"),
            (Method::GET, "/api/v1/events", "events"),
            (Method::HEAD, "/api/v1/facts", "events"),
            (Method::GET, "/api/v1/calls/7", "history"),
            (Method::GET, "/api/v1/reports/conformance/broken", "history"),
            (Method::POST, "/api/v1/calls", "calls"),
            (Method::PUT, "/api/v1/customers/100200", "customers"),
            (Method::DELETE, "/api/v1/customers/100200", "customers"),
        ] {
            assert_eq!(scopes(method, path), [wanted], "{path}");
        }
    }

    #[test]
    fn no_token_is_for_what_a_person_does_or_for_what_callers_said() {
        for (method, path) in [
            (Method::GET, "/api/v1/calls/7/recording"),
            (Method::GET, "/api/v1/messages/3/audio"),
            (Method::GET, "/api/v1/calls/7/evaluations"),
            (Method::GET, "/api/v1/reports/evaluations"),
            (Method::POST, "/api/v1/calls/7/end"),
            (Method::POST, "/api/v1/calls/7/listen"),
            (Method::PUT, "/api/v1/agents/bob/skills/sales"),
            (Method::POST, "/api/v1/flows/publish"),
            (Method::GET, "/api/v1/desk-view"),
            (Method::GET, "/api/v1/desk"),
            (Method::POST, "/metrics"),
            (Method::GET, "/api/v1/"),
        ] {
            assert_eq!(scopes(method, path), Vec::<&str>::new(), "{path}");
        }
    }
}
