//! `/healthz` and `/readyz`: for those who start and watch processes.

use axum::extract::State;

use crate::api::ApiState;
use crate::api::problem::Problem;
use crate::api::session::Actor;

/// `GET /healthz`: the process answers.
pub(super) async fn alive() -> &'static str {
    "ok\n"
}

/// `GET /readyz`: the control thread takes requests.
///
/// A server whose history is being lost, or whose recordings are, says so and is ready all the same: it serves every call, and a balancer that took
/// it away for a full disk would lose callers where only figures are lost, and all servers at once where they share the disk.
/// So does one at which a trunk does not take our registration: calls come by the other trunks, phones and pages, and no other server
/// is better for its being taken away. So does one whose data folder is gone, one without the standby that it is to have, one whose
/// flow files are not served as they lie, and one whose webhooks are not taken.
pub(super) async fn ready(State(state): State<ApiState>, actor: Actor) -> Result<String, Problem> {
    if !state.control.is_open() {
        return Err(Problem::busy("the server is stopping"));
    }
    let history =
        state.losses.go_on().then(|| "history is being lost: the disk is full or too slow".to_owned());
    let recordings = state.recordings.trouble();
    let recordings = recordings.map(|_| "recordings are being lost: the disk does not take them".to_owned());
    let standby = state.standbys.as_ref().and_then(|standbys| standbys.trouble());
    let (elsewhere, flows) = match actor {
        Actor::Program(_) | Actor::Nobody => state.in_short(),
        Actor::Person(_) | Actor::Local => state.in_full(),
    };
    let lines =
        ["ready".to_owned()].into_iter().chain(state.store.trouble()).chain(history).chain(recordings);
    let lines = lines.chain(elsewhere).chain(standby).chain(flows);
    Ok(lines.map(|line| line + "\n").collect())
}

impl ApiState {
    /// What is wrong elsewhere, and with the flow files: for whoever can reach the port, without names and files.
    fn in_short(&self) -> (Vec<String>, Option<String>) {
        let flows = self.flows.as_ref().and_then(|flows| flows.status().in_short());
        (
            [self.trunks.in_short(), self.webhooks.in_short()].into_iter().flatten().collect(),
            flows.map(str::to_owned),
        )
    }

    /// The same for those who may read it.
    fn in_full(&self) -> (Vec<String>, Option<String>) {
        (self.troubles_elsewhere(), self.flows.as_ref().and_then(|flows| flows.status().trouble()))
    }
}
