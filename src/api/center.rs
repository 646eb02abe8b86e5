//! `/api/v1/center` and `/api/v1/flows`: what the center's files say, for people who look at it.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Json;
use axum::extract::Path;
use axum::extract::State;
use serde::Serialize;

use crate::api::ApiState;
use crate::api::now;
use crate::api::problem::Problem;
use crate::base::Name;
use crate::flow::Center;
use crate::flow::drawing;
use crate::store::view::rfc3339;

/// The center in a few words.
#[derive(Debug, Serialize)]
pub(super) struct CenterJson {
    company: String,
    version: &'static str,
    now: String,
    /// Where phones reach it: `127.0.0.1:5060`.
    sip: String,
    numbers: Vec<NumberJson>,
    agents: Vec<String>,
    /// Accounts with the demo password, which everybody knows.
    demo_accounts: Vec<String>,
    queues: Vec<String>,
    calls: usize,
}

#[derive(Debug, Serialize)]
struct NumberJson {
    number: String,
    flow: String,
}

/// Every flow by name.
#[derive(Debug, Serialize)]
pub(super) struct FlowList {
    flows: Vec<FlowSummary>,
}

#[derive(Debug, Serialize)]
struct FlowSummary {
    name: String,
    /// The numbers that it serves.
    numbers: Vec<String>,
    nodes: usize,
    /// Callers in it now.
    callers: u32,
}

/// One flow as a graph.
#[derive(Debug, Serialize)]
pub(super) struct FlowJson {
    name: String,
    nodes: Vec<NodeJson>,
    /// The same as a drawing: an SVG document.
    svg: String,
}

#[derive(Debug, Serialize)]
struct NodeJson {
    name: String,
    kind: &'static str,
    about: String,
    exits: Vec<ExitJson>,
    /// Callers at this node now.
    callers: u32,
    /// Callers who came here since the server's start, and how long those were here who left.
    came: u64,
    average_s: Option<f64>,
}

#[derive(Debug, Serialize)]
struct ExitJson {
    /// What the history calls it.
    label: String,
    to: String,
    /// How often somebody went from this node to that one.
    taken: u64,
}

/// `GET /api/v1/center`
pub(super) async fn show(State(state): State<ApiState>) -> Result<Json<CenterJson>, Problem> {
    let center = state.center();
    let store = Arc::clone(&state.store);
    let demo = tokio::task::spawn_blocking(move || store.demo_passwords_stand()).await;
    let demo = demo.map_err(|_| Problem::busy("the server is stopping"))??;
    let number =
        |(number, flow): (&String, &Name)| NumberJson { number: number.clone(), flow: flow.to_string() };
    let rules = state.live.rules();
    Ok(Json(CenterJson {
        company: center.company.clone(),
        version: env!("CARGO_PKG_VERSION"),
        now: rfc3339(now()),
        sip: state.sip.to_string(),
        numbers: center.numbers.iter().map(number).collect(),
        agents: rules.agents.iter().map(|agent| agent.name.to_string()).collect(),
        demo_accounts: demo.iter().map(ToString::to_string).collect(),
        queues: rules.queues.iter().map(|queue| queue.name.to_string()).collect(),
        calls: state.live.call_count(),
    }))
}

/// `GET /api/v1/flows`
pub(super) async fn flows(State(state): State<ApiState>) -> Json<FlowList> {
    let center = state.center();
    let callers = callers(&state);
    let summary = |name: &Name| FlowSummary {
        name: name.to_string(),
        numbers: numbers_of(&center, name),
        nodes: center.flows.get(name).map_or(0, |flow| flow.nodes().count()),
        callers: callers.iter().filter(|((flow, _), _)| flow == name).map(|(_, count)| count).sum(),
    };
    Json(FlowList { flows: center.flows.keys().map(summary).collect() })
}

/// `GET /api/v1/flows/{id}`
pub(super) async fn flow(
    State(state): State<ApiState>,
    Path(id): Path<String>,
) -> Result<Json<FlowJson>, Problem> {
    let center = state.center();
    let Some((name, flow)) = center.flows.get_key_value(id.as_str()) else {
        return Err(Problem::not_found(format!("there is no flow {id:?}"), "GET /api/v1/flows lists them"));
    };
    let queues: Vec<Name> = center.engine.queues.iter().map(|queue| queue.name.clone()).collect();
    let callers = callers(&state);
    let nodes = flow.outline(&queues).into_iter().map(|node| {
        let place = (name.clone(), node.name.clone());
        let passage = state.live.passages.of(&place);
        let exits = node.exits.into_iter().map(|exit| ExitJson {
            label: exit.label.unwrap_or_else(|| exit.name.to_string()),
            taken: passage.taken(&exit.name.to_string(), &exit.to),
            to: exit.to.to_string(),
        });
        NodeJson {
            callers: callers.get(&place).copied().unwrap_or(0),
            name: node.name.to_string(),
            kind: node.kind,
            about: node.about,
            exits: exits.collect(),
            came: passage.came,
            average_s: passage.average().map(|average| (average.as_secs_f64() * 10.0).round() / 10.0),
        }
    });
    Ok(Json(FlowJson { name: name.to_string(), nodes: nodes.collect(), svg: drawing::svg(flow, &queues) }))
}

/// How many callers are at each node, by flow and node.
fn callers(state: &ApiState) -> BTreeMap<(Name, Name), u32> {
    let mut callers = BTreeMap::new();
    for at in state.live.calls().into_iter().filter_map(|call| call.node) {
        *callers.entry(at).or_default() += 1;
    }
    callers
}

fn numbers_of(center: &Center, flow: &Name) -> Vec<String> {
    center.numbers.iter().filter(|(_, serves)| *serves == flow).map(|(number, _)| number.clone()).collect()
}
