//! `/metrics`: figures in Prometheus' text format, version 0.0.4, written by hand from what there is.

use std::collections::BTreeMap;
use std::fmt::Write;

use axum::extract::State;
use axum::http::header;
use axum::response::IntoResponse;

use crate::api::ApiState;
use crate::fact::AgentStateName;
use crate::server::Live;
use crate::server::Metric;
use crate::server::MetricKind;
use crate::server::live::SpreadCounts;
use crate::server::queue_counts::QueueCounts;
use crate::server::queue_counts::WaitLengths;
use crate::store::Losses;

/// `GET /metrics`
pub(super) async fn show(State(state): State<ApiState>) -> impl IntoResponse {
    let mut metrics = of_live(&state.live);
    metrics.extend(of_losses(&state.losses));
    metrics.push(Metric::gauge(
        "warmline_data_folder_gone",
        "Whether the data folder that the server began with is gone: 1 or 0",
        f64::from(u8::from(state.store.trouble().is_some())),
    ));
    metrics.extend((state.more_metrics)());
    metrics.push(build());
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], text(&metrics))
}

/// Which server this is: when its version changed is a question to figures, too.
fn build() -> Metric {
    let help = "1, with the server's version as a label";
    Metric::gauge("warmline_build_info", help, 1.0).label("version", env!("CARGO_PKG_VERSION"))
}

/// What is in no history.
fn of_losses(losses: &Losses) -> [Metric; 2] {
    [
        Metric::gauge(
            "warmline_history_losing",
            "Whether history is being lost: 1 or 0",
            f64::from(u8::from(losses.go_on())),
        ),
        Metric::counter(
            "warmline_history_lost_total",
            "Facts in no history, because the disk was full or too slow",
            losses.lost(),
        ),
    ]
}

/// What facts say.
fn of_live(live: &Live) -> Vec<Metric> {
    let counts = live.counts();
    let mut metrics = vec![
        Metric::counter("warmline_facts_total", "Facts told", counts.facts),
        Metric::counter("warmline_calls_arrived_total", "Calls taken", counts.calls_arrived),
        Metric::counter("warmline_calls_answered_total", "Calls answered", counts.calls_answered),
        Metric::counter("warmline_calls_connected_total", "Callers connected to an agent", counts.connected),
        Metric::counter("warmline_agent_missed_total", "Rings that no agent took", counts.missed),
        Metric::counter(
            "warmline_verification_failed_total",
            "Account numbers and PINs that did not fit",
            counts.verification_failed,
        ),
        Metric::gauge("warmline_calls", "Calls up, or waiting to be called back", live.call_count() as f64),
    ];
    let mos = counts.mos;
    let help = "How lines sounded, by the E-model of ITU-T G.107: mean opinion score, 1 to 4.5";
    metrics.extend(Metric::histogram("warmline_line_mos", help, mos.buckets, mos.sum, mos.count));
    let heard = counts.first_heard;
    let help = "From the answer of a call to the first that its caller hears, in seconds: a prompt, music, a ringing tone or somebody";
    metrics.extend(Metric::histogram(
        "warmline_first_heard_seconds",
        help,
        heard.buckets,
        heard.sum,
        heard.count,
    ));
    for (outcome, count) in counts.calls_ended {
        let ended = Metric::counter("warmline_calls_ended_total", "Calls over, by how they came out", count);
        metrics.push(ended.label("outcome", word(&outcome)));
    }
    for queue in live.queues() {
        let waiting = Metric::gauge("warmline_queue_waiting", "Callers waiting", f64::from(queue.waiting));
        metrics.push(waiting.label("queue", &*queue.name));
        let surge = f64::from(u8::from(queue.surge_since.is_some()));
        let surge = Metric::gauge("warmline_queue_surge", "Whether the queue is in a surge: 1 or 0", surge);
        metrics.push(surge.label("queue", &*queue.name));
    }
    for (queue, counts) in live.board.counts() {
        metrics.extend(of_queue(&queue, &counts));
    }
    let mut states: BTreeMap<String, u32> = AGENT_STATES.iter().map(|state| (word(state), 0)).collect();
    for agent in live.agents() {
        *states.entry(word(&agent.state)).or_default() += 1;
    }
    for (state, count) in states {
        let agents = Metric::gauge("warmline_agents", "Agents, by state", f64::from(count));
        metrics.push(agents.label("state", state));
    }
    metrics
}

/// What became of a queue's callers since the start.
fn of_queue(queue: &str, counts: &QueueCounts) -> Vec<Metric> {
    let counter = |name, help, value| Metric::counter(name, help, value).label("queue", queue);
    let unserved = |(why, count)| {
        let help = "Waits that ended without an agent, other than by hanging up, by why";
        counter("warmline_queue_unserved_total", help, count).label("why", word(&why))
    };
    let mut metrics = vec![
        counter(
            "warmline_queue_joined_total",
            "Callers who came to the queue, whom it did not let in among them",
            counts.joined,
        ),
        counter("warmline_queue_answered_total", "Callers connected to an agent", counts.answered),
        counter(
            "warmline_queue_answered_in_target_total",
            "Callers connected to an agent within the queue's target",
            counts.in_target,
        ),
        counter("warmline_queue_abandoned_total", "Callers who hung up while waiting", counts.abandoned),
        counter(
            "warmline_queue_short_abandoned_total",
            "Callers who hung up in the first seconds",
            counts.short,
        ),
        counter("warmline_queue_moved_total", "Waits that were moved to another queue", counts.moved),
        counter(
            "warmline_queue_redialled_total",
            "Places kept for callers who called again and were served",
            counts.redialled,
        ),
    ];
    metrics.extend(counts.unserved().map(unserved));
    metrics.extend(of_lengths(queue, "answered", &counts.answered_after));
    metrics.extend(of_lengths(queue, "hung_up", &counts.hung_up_after));
    metrics
}

/// How long the waits of a queue took that ended so.
fn of_lengths(queue: &str, end: &str, lengths: &WaitLengths) -> Vec<Metric> {
    let SpreadCounts { buckets, sum, count } = lengths.counts();
    let help = "How long callers waited, in seconds, by whether an agent answered or they hung up";
    let lengths = Metric::histogram("warmline_queue_wait_seconds", help, buckets, sum, count);
    let labelled = lengths.into_iter().map(|metric| metric.label("queue", queue).label("end", end));
    labelled.collect()
}

const AGENT_STATES: [AgentStateName; 7] = [
    AgentStateName::Offline,
    AgentStateName::Ready,
    AgentStateName::Reserved,
    AgentStateName::Ringing,
    AgentStateName::Talking,
    AgentStateName::WrapUp,
    AgentStateName::NotReady,
];

/// An enum as the word that JSON has for it.
pub(super) fn word(value: &impl serde::Serialize) -> String {
    match serde_json::to_value(value) {
        Ok(serde_json::Value::String(word)) => word,
        _ => String::new(),
    }
}

/// The text format: figures of one name stand together, with one HELP and one TYPE line.
fn text(metrics: &[Metric]) -> String {
    let mut by_name: BTreeMap<&str, Vec<&Metric>> = BTreeMap::new();
    for metric in metrics {
        by_name.entry(metric.name).or_default().push(metric);
    }
    let mut text = String::new();
    for (name, metrics) in by_name {
        let kind = match metrics[0].kind {
            MetricKind::Counter => "counter",
            MetricKind::Gauge => "gauge",
            MetricKind::Histogram => "histogram",
        };
        // Writing to a String cannot fail.
        let _ = writeln!(text, "# HELP {name} {}\n# TYPE {name} {kind}", metrics[0].help);
        for metric in metrics {
            let (suffix, labels) = (metric.suffix, labels(&metric.labels));
            let _ = writeln!(text, "{name}{suffix}{labels} {}", metric.value);
        }
    }
    text
}

fn labels(labels: &[(&'static str, String)]) -> String {
    if labels.is_empty() {
        return String::new();
    }
    let escape = |value: &str| value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
    let pairs: Vec<_> = labels.iter().map(|(name, value)| format!("{name}=\"{}\"", escape(value))).collect();
    format!("{{{}}}", pairs.join(","))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_of_one_name_stand_together() {
        let of = |queue: &str| Metric::gauge("waiting", "Callers waiting", 2.0).label("queue", queue);
        let metrics = [of("support"), Metric::counter("facts_total", "Facts told", 7), of("a\"b")];
        let expected = "# HELP facts_total Facts told\n# TYPE facts_total counter\nfacts_total 7\n\
                        # HELP waiting Callers waiting\n# TYPE waiting gauge\n\
                        waiting{queue=\"support\"} 2\nwaiting{queue=\"a\\\"b\"} 2\n";
        assert_eq!(text(&metrics), expected);
    }

    #[test]
    fn a_histogram_counts_up_to_each_bound_and_all() {
        let metrics = Metric::histogram("mos", "Opinions", [(3.0, 1), (4.5, 3)], 11.5, 3);
        let expected = "# HELP mos Opinions\n# TYPE mos histogram\n\
                        mos_bucket{le=\"3\"} 1\nmos_bucket{le=\"4.5\"} 3\nmos_bucket{le=\"+Inf\"} 3\n\
                        mos_sum 11.5\nmos_count 3\n";
        assert_eq!(text(&metrics), expected);
    }
}
