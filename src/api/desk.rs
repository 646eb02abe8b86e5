//! `/api/v1/desk`: the socket of an agent's page. The agent's phone rings there, and what the desk shows is pushed.

use axum::extract::Query;
use axum::extract::State;
use axum::extract::WebSocketUpgrade;
use axum::extract::ws::WebSocket;
use axum::http::HeaderMap;
use axum::http::StatusCode;
use axum::response::Response;
use serde::Deserialize;
use serde::Serialize;
use tokio::sync::broadcast::error::RecvError;
use tokio::time::Instant;
use tokio::time::sleep_until;

use crate::api::ApiState;
use crate::api::problem::Problem;
use crate::api::socket::DEAD_AFTER;
use crate::api::socket::LONGEST_MESSAGE;
use crate::api::socket::Socket;
use crate::api::socket::same_origin_only;
use crate::base::CallId;
use crate::base::Name;
use crate::fact::AgentStateName;
use crate::server::Live;
use crate::server::browser::Ask;
use crate::server::live::Phase;

/// Whose desk it is.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Whose {
    agent: String,
}

/// What the page asks.
#[derive(Debug, Deserialize)]
#[serde(tag = "do", rename_all = "snake_case", deny_unknown_fields)]
enum Asked {
    Offer { sdp: String },
    PickUp { call: u64 },
    Reject { call: u64 },
    HangUp { call: u64 },
    SignOut {},
    Alive {},
}

/// What the desk shows.
#[derive(Clone, Debug, PartialEq, Serialize)]
struct DeskView {
    agent: Name,
    state: AgentStateName,
    reason: String,
    calls: Vec<CallLine>,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
struct CallLine {
    call: u64,
    phase: &'static str,
}

#[derive(Debug, Serialize)]
struct Pushed<'a> {
    tell: &'static str,
    desk: &'a DeskView,
}

/// `GET /api/v1/desk`
pub(super) async fn open(
    State(state): State<ApiState>,
    headers: HeaderMap,
    Query(Whose { agent }): Query<Whose>,
    upgrade: WebSocketUpgrade,
) -> Result<Response, Problem> {
    same_origin_only(&headers)?;
    if !state.http.ip().is_loopback() {
        return Err(Problem::new(StatusCode::UNAUTHORIZED, "nobody is signed in", "sign in first"));
    }
    let Some(agent) = state.live.agent(&agent).map(|agent| agent.name) else {
        return Err(Problem::not_found(format!("there is no agent {agent:?}"), "GET /api/v1/agents lists them"));
    };
    Ok(upgrade.max_message_size(LONGEST_MESSAGE).on_upgrade(move |web| serve(state, agent, web)))
}

async fn serve(state: ApiState, agent: Name, web: WebSocket) {
    let control = state.control.clone();
    let Ok((id, mut told)) = control.connect().await else { return };
    let mut socket = Socket { web, id, control };
    let mut facts = state.live.subscribe();
    let mut shown = None;
    let mut dead_at = Instant::now() + DEAD_AFTER;
    loop {
        if show(&mut socket, &state.live, &agent, &mut shown).await.is_none() {
            break;
        }
        let goes_on = tokio::select! {
            asked = socket.next() => {
                dead_at = Instant::now() + DEAD_AFTER;
                match asked {
                    Some(asked) => socket.ask_for(&agent, asked).await,
                    None => None,
                }
            }
            tell = told.recv() => match tell {
                Some(tell) => socket.tell(tell).await,
                None => None,
            },
            // Which fact it was does not matter: the view is made anew, and shown when it is another one.
            fact = facts.recv() => (!matches!(fact, Err(RecvError::Closed))).then_some(()),
            () = sleep_until(dead_at) => None,
        };
        if goes_on.is_none() {
            break;
        }
    }
    // When the control thread is gone, so is the desk.
    let _ = socket.ask(Ask::Gone).await;
}

impl Socket {
    async fn ask_for(&mut self, agent: &Name, asked: Asked) -> Option<()> {
        self.ask(match asked {
            Asked::Offer { sdp } => Ask::OpenDesk { agent: agent.clone(), offer: sdp },
            Asked::PickUp { call } => Ask::PickUp { call: CallId(call) },
            Asked::Reject { call } => Ask::Reject { call: CallId(call) },
            Asked::HangUp { call } => Ask::HangUp { call: Some(CallId(call)) },
            Asked::SignOut {} => Ask::CloseDesk,
            Asked::Alive {} => return Some(()),
        })
        .await
    }
}

/// Shows the desk when it has changed.
async fn show(socket: &mut Socket, live: &Live, agent: &Name, shown: &mut Option<DeskView>) -> Option<()> {
    let desk = view(live, agent)?;
    if shown.as_ref() != Some(&desk) {
        socket.send(&Pushed { tell: "desk", desk: &desk }).await?;
        *shown = Some(desk);
    }
    Some(())
}

fn view(live: &Live, agent: &Name) -> Option<DeskView> {
    let now = live.agent(agent)?;
    let calls = live.calls().into_iter().filter(|call| call.agent.as_ref() == Some(agent));
    let calls = calls.filter_map(|call| {
        let phase = match call.phase {
            Phase::Ringing => "ringing",
            Phase::Talking | Phase::CallingBack => "talking",
            _ => return None,
        };
        Some(CallLine { call: call.id.0, phase })
    });
    Some(DeskView { agent: now.name, state: now.state, reason: now.reason, calls: calls.collect() })
}
