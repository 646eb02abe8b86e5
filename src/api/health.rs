//! `/healthz` and `/readyz`: for those who start and watch processes.

use axum::extract::State;

use crate::api::ApiState;
use crate::api::problem::Problem;

/// `GET /healthz`: the process answers.
pub(super) async fn alive() -> &'static str {
    "ok\n"
}

/// `GET /readyz`: the control thread takes requests.
pub(super) async fn ready(State(state): State<ApiState>) -> Result<&'static str, Problem> {
    if state.control.is_open() { Ok("ready\n") } else { Err(Problem::busy("the server is stopping")) }
}
