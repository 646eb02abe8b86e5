//! `/api/v1/queues`: how many wait, and how long already.

use axum::Json;
use axum::extract::State;
use serde::Serialize;

use crate::api::ApiState;
use crate::api::now;
use crate::base::WallTime;
use crate::server::live::LiveQueue;
use crate::store::view::rfc3339;

/// A queue now.
#[derive(Debug, Serialize)]
pub(super) struct QueueView {
    name: String,
    waiting: u32,
    /// How long the one has waited who waits longest; null when nobody does.
    longest_wait_s: Option<u64>,
    /// Since when it is in a surge; null when it is in none.
    surge_since: Option<String>,
}

/// Every queue, in the center's order.
#[derive(Debug, Serialize)]
pub(super) struct QueueList {
    queues: Vec<QueueView>,
}

/// `GET /api/v1/queues`
pub(super) async fn list(State(state): State<ApiState>) -> Json<QueueList> {
    let now = now();
    let view = |queue: LiveQueue| QueueView {
        name: queue.name.to_string(),
        waiting: queue.waiting,
        longest_wait_s: queue.longest_since.map(|since| waited_s(since, now)),
        surge_since: queue.surge_since.map(rfc3339),
    };
    Json(QueueList { queues: state.live.queues().into_iter().map(view).collect() })
}

/// Whole seconds from `since` to `now`; 0 when the machine's clock was set back meanwhile.
pub(super) fn waited_s(since: WallTime, now: WallTime) -> u64 {
    u64::try_from(now.unix_secs() - since.unix_secs()).unwrap_or(0)
}
