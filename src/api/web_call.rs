//! `/api/v1/web-call`: the socket of a caller's page. One call each; no sign-in, as with any telephone.

use std::sync::Arc;

use axum::extract::State;
use axum::extract::WebSocketUpgrade;
use axum::extract::ws::WebSocket;
use axum::response::Response;
use serde::Deserialize;
use serde::Serialize;
use tokio::sync::broadcast::error::RecvError;
use tokio::time::sleep_until;

use crate::api::ApiState;
use crate::api::socket::LONGEST_MESSAGE;
use crate::api::socket::Socket;
use crate::base::CallId;
use crate::base::Name;
use crate::fact::What;
use crate::server::browser::Ask;
use crate::server::browser::Tell;
use crate::store::DatedFact;

/// The longest number that is dialled.
const LONGEST_NUMBER: usize = 64;

/// What is being said.
#[derive(Debug, Serialize)]
struct Caption {
    tell: &'static str,
    text: String,
}

/// What the page asks.
#[derive(Debug, Deserialize)]
#[serde(tag = "do", rename_all = "snake_case", deny_unknown_fields)]
enum Asked {
    Call { number: String, sdp: String },
    Key { digit: char },
    HangUp {},
    Alive {},
}

/// Which call's words are told, and in what language they are spoken.
struct Heard {
    call: Option<CallId>,
    language: Name,
}

/// `GET /api/v1/web-call`
pub(super) async fn open(State(state): State<ApiState>, upgrade: WebSocketUpgrade) -> Response {
    upgrade.max_message_size(LONGEST_MESSAGE).on_upgrade(move |web| serve(state, web))
}

async fn serve(state: ApiState, web: WebSocket) {
    let control = state.control.clone();
    let Ok((id, mut told)) = control.connect().await else { return };
    let mut socket = Socket::new(web, id, control);
    let mut facts = state.live.subscribe();
    let mut heard = Heard { call: None, language: state.center.language.clone() };
    loop {
        let pulse_at = socket.pulse_at();
        let goes_on = tokio::select! {
            asked = socket.next() => match asked {
                Some(asked) => answer(&mut socket, asked).await,
                None => None,
            },
            tell = told.recv() => match tell {
                Some(tell) => {
                    if let Tell::State { call, .. } = &tell {
                        heard.call = Some(*call);
                    }
                    socket.tell(tell).await
                }
                None => None,
            },
            fact = facts.recv() => caption(&mut socket, &state, &mut heard, fact).await,
            () = sleep_until(pulse_at) => socket.pulse().await,
        };
        if goes_on.is_none() {
            break;
        }
    }
    // When the control thread is gone, so is the call.
    let _ = socket.ask(Ask::Gone).await;
}

/// Tells the caller in words what they hear.
async fn caption(
    socket: &mut Socket,
    state: &ApiState,
    heard: &mut Heard,
    fact: Result<Arc<DatedFact>, RecvError>,
) -> Option<()> {
    let dated = match fact {
        Ok(dated) if heard.call.is_some() && dated.fact.call == heard.call => dated,
        // A word that was passed over is lost, as it would be to the ear.
        Ok(_) | Err(RecvError::Lagged(_)) => return Some(()),
        Err(RecvError::Closed) => return None,
    };
    let text = match &dated.fact.what {
        What::Played { prompts } => state.captions.of(&heard.language, prompts),
        What::AgentConnected { agent, .. } => format!("You are talking with {agent}."),
        What::LanguageChosen { language } => {
            heard.language = language.clone();
            String::new()
        }
        _ => String::new(),
    };
    if text.is_empty() { Some(()) } else { socket.send(&Caption { tell: "caption", text }).await }
}

async fn answer(socket: &mut Socket, asked: Asked) -> Option<()> {
    match asked {
        Asked::Call { number, .. } if number.is_empty() || number.len() > LONGEST_NUMBER => {
            let error = format!("a number has 1 to {LONGEST_NUMBER} characters");
            socket.error(&error, "dial 1000").await
        }
        Asked::Call { number, sdp } => socket.ask(Ask::Call { number: number.into(), offer: sdp }).await,
        Asked::Key { digit } if !matches!(digit, '0'..='9' | '*' | '#') => {
            socket.error("a key is one of 0-9, * and #", "press another").await
        }
        Asked::Key { digit } => socket.ask(Ask::Key { digit }).await,
        Asked::HangUp {} => socket.ask(Ask::HangUp { call: None }).await,
        Asked::Alive {} => Some(()),
    }
}
