//! `/healthz` and `/readyz`: for those who start and watch processes.

use axum::extract::State;

use crate::api::ApiState;
use crate::api::problem::Problem;

/// `GET /healthz`: the process answers.
pub(super) async fn alive() -> &'static str {
    "ok\n"
}

/// `GET /readyz`: the control thread takes requests.
///
/// A server whose history is being lost says so and is ready all the same: it serves every call, and a balancer that took
/// it away for a full disk would lose callers where only figures are lost, and all servers at once where they share the disk.
pub(super) async fn ready(State(state): State<ApiState>) -> Result<&'static str, Problem> {
    match (state.control.is_open(), state.losses.go_on()) {
        (true, false) => Ok("ready\n"),
        (true, true) => Ok("ready\nhistory is being lost: the disk is full or too slow\n"),
        (false, _) => Err(Problem::busy("the server is stopping")),
    }
}
