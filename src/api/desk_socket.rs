//! `/api/v1/desk`: the socket of an agent's page. The agent's phone rings there, and what the desk shows is pushed.

use std::pin::pin;

use axum::extract::Query;
use axum::extract::State;
use axum::extract::WebSocketUpgrade;
use axum::extract::rejection::QueryRejection;
use axum::extract::ws::WebSocket;
use axum::response::Response;
use serde::Deserialize;
use serde::Serialize;
use tokio::time::sleep_until;

use crate::api::ApiState;
use crate::api::desk;
use crate::api::desk::DeskJson;
use crate::api::desk::Whose;
use crate::api::problem::Problem;
use crate::api::session::Actor;
use crate::api::session::Sitting;
use crate::api::socket::LONGEST_MESSAGE;
use crate::api::socket::Socket;
use crate::api::socket::bounded;
use crate::base::CallId;
use crate::base::Name;
use crate::server::browser::Ask;

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

#[derive(Debug, Serialize)]
struct Pushed {
    tell: &'static str,
    desk: DeskJson,
}

/// `GET /api/v1/desk`
pub(super) async fn open(
    State(state): State<ApiState>,
    actor: Actor,
    sitting: Sitting,
    whose: Result<Query<Whose>, QueryRejection>,
    upgrade: WebSocketUpgrade,
) -> Result<Response, Problem> {
    let agent = desk::whose_desk(&state, &actor, whose)?;
    Ok(bounded(upgrade, LONGEST_MESSAGE).on_upgrade(move |web| serve(state, agent, sitting, web)))
}

async fn serve(state: ApiState, agent: Name, sitting: Sitting, web: WebSocket) {
    let control = state.control.clone();
    let Ok((id, mut told)) = control.connect().await else { return };
    let mut socket = Socket::new(web, id, control);
    let mut changes = state.live.desks.watch(&agent);
    changes.mark_changed();
    let mut over = pin!(sitting.ended(state.clone()));
    while !state.live.shut_out.has(&agent) {
        let pulse_at = socket.pulse_at();
        let goes_on = tokio::select! {
            asked = socket.next() => match asked {
                Some(asked) => socket.pass_on(&agent, asked).await,
                None => None,
            },
            tell = told.recv() => match tell {
                Some(tell) => socket.tell(tell).await,
                None => None,
            },
            changed = changes.changed() => match changed {
                Ok(()) => show(&mut socket, &state, &agent).await,
                Err(_) => None,
            },
            () = &mut over => socket.sign_out().await,
            () = sleep_until(pulse_at) => socket.pulse().await,
        };
        if goes_on.is_none() {
            break;
        }
    }
    // When the control thread is gone, so is the desk.
    let _ = socket.ask(Ask::Gone).await;
}

impl Socket {
    /// The agent's session is over, and so is the desk; none, for the socket is as well.
    async fn sign_out(&mut self) -> Option<()> {
        self.ask(Ask::CloseDesk).await?;
        self.end(("your session is over", "sign in again")).await
    }

    async fn pass_on(&mut self, agent: &Name, asked: Asked) -> Option<()> {
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

async fn show(socket: &mut Socket, state: &ApiState, agent: &str) -> Option<()> {
    match state.desk(agent).await {
        Ok(desk) => socket.send(&Pushed { tell: "desk", desk }).await,
        // A desk that cannot be read now is shown at its next change; the page keeps what it has.
        Err(_) => Some(()),
    }
}
