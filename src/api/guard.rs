//! Who may ask at all: a server on loopback answers loopback names only, and those of its proxy.

use std::net::IpAddr;

use axum::extract::Request;
use axum::extract::State;
use axum::http::StatusCode;
use axum::middleware::Next;
use axum::response::IntoResponse;
use axum::response::Response;

use crate::api::ApiState;
use crate::api::came::host;
use crate::api::came::host_name;
use crate::api::came::names_one_host;
use crate::api::problem::Problem;

/// Refuses a request that names two hosts, and one for a foreign host name when the server is bound to loopback: a web page that had its
/// own name resolved to 127.0.0.1 would send that name.
pub(super) async fn known_host_only(State(state): State<ApiState>, request: Request, next: Next) -> Response {
    if !names_one_host(&request) {
        let hint = "send one Host header, of the server that is asked";
        return Problem::new(StatusCode::BAD_REQUEST, "two hosts are named", hint).into_response();
    }
    let host = host(&request);
    let is_known =
        is_loopback(host) || state.proxy.iter().any(|name| name.eq_ignore_ascii_case(host_name(host)));
    if state.http.ip().is_loopback() && !is_known {
        let error = format!("this server answers loopback names only, not {host:?}");
        let hint = format!(
            "use http://{}; or start it with --behind-proxy NAME, where a proxy is reached under that name",
            state.http
        );
        return Problem::new(StatusCode::MISDIRECTED_REQUEST, error, hint).into_response();
    }
    next.run(request).await
}

/// Whether a Host header (`localhost:8080`, `[::1]`) names this machine to itself.
fn is_loopback(host: &str) -> bool {
    let name = host_name(host);
    name.eq_ignore_ascii_case("localhost") || name.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_loopback_names_are_loopback() {
        for host in ["localhost", "LOCALHOST:8080", "127.0.0.1", "127.0.0.1:8080", "[::1]", "[::1]:8080"] {
            assert!(is_loopback(host), "{host}");
        }
        for host in ["", "evil.example", "127.0.0.1.evil.example", "localhost.evil.example:8080", "192.0.2.1"]
        {
            assert!(!is_loopback(host), "{host}");
        }
    }
}
