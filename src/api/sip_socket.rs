//! `/sip`: SIP over WebSocket ([RFC 7118](https://www.rfc-editor.org/rfc/rfc7118)), for phones in browsers. No sign-in: who a
//! phone is, it proves by digest, as every other one.

use std::net::SocketAddr;
use std::time::Duration;

use axum::Extension;
use axum::body::Bytes;
use axum::extract::ConnectInfo;
use axum::extract::State;
use axum::extract::WebSocketUpgrade;
use axum::extract::ws::Message;
use axum::extract::ws::Utf8Bytes;
use axum::extract::ws::WebSocket;
use axum::http::HeaderMap;
use axum::http::StatusCode;
use axum::http::header;
use axum::response::IntoResponse;
use axum::response::Response;
use tokio::time::Instant;
use tokio::time::sleep_until;
use tokio::time::timeout;

use crate::api::ApiState;
use crate::api::came::Came;
use crate::api::problem::Problem;
use crate::api::socket::DEAD_AFTER;
use crate::api::socket::PING_EVERY;
use crate::api::socket::bounded;
use crate::sip::Hop;
use crate::sip::Transport;
use crate::sip::message::Framed;
use crate::sip::message::MAX_MESSAGE;
use crate::wire::sip::WebConnection;

/// The subprotocol ([RFC 7118 §4.1](https://www.rfc-editor.org/rfc/rfc7118#section-4.1)).
const PROTOCOL: &str = "sip";

/// How long a connection may be silent both ways but for signs of life, as over TCP.
const IDLE: Duration = Duration::from_secs(2 * 3_600);

/// Where it is.
pub(super) const PATH: &str = "/sip";

/// Whether another site's page may be a phone. It gets no more by that than any telephone: no cookie counts here.
pub(super) fn lets_in(state: &ApiState, path: &str, headers: &HeaderMap) -> bool {
    let origin = headers.get(header::ORIGIN).and_then(|origin| origin.to_str().ok());
    path == PATH && origin.is_some_and(|origin| state.sip_origins.iter().any(|known| known == origin))
}

/// `GET /sip`
pub(super) async fn open(
    State(state): State<ApiState>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    Extension(came): Extension<Came>,
    upgrade: WebSocketUpgrade,
) -> Result<Response, Problem> {
    let upgrade = bounded(upgrade, MAX_MESSAGE).protocols([PROTOCOL]);
    if upgrade.selected_protocol().is_none() {
        let hint = "new WebSocket(url, \"sip\"); JsSIP and SIP.js do so by themselves";
        return Err(Problem::new(StatusCode::BAD_REQUEST, "only the subprotocol sip is spoken here", hint));
    }
    let transport = if came.over_https { Transport::Wss } else { Transport::Ws };
    // Whom a proxy of ours had it from: by that address wrong passwords are counted, and a network has its share of connections.
    let remote = SocketAddr::new(came.from, peer.port());
    let hop = Hop { transport, local: state.http, remote };
    let connection = state.phones.as_ref().and_then(|phones| phones.open(hop));
    let connection = connection.ok_or_else(|| Problem::busy("too many phones in browsers are connected"))?;
    Ok(upgrade.on_upgrade(move |web| serve(web, connection)).into_response())
}

/// Carries one connection until either side is done with it. One that is cut off ends at once, though a frame is being written.
async fn serve(web: WebSocket, mut connection: WebConnection) {
    let cut = connection.cut();
    tokio::select! {
        () = carry(web, &mut connection) => {}
        () = cut => {}
    }
    connection.close().await;
}

async fn carry(mut web: WebSocket, connection: &mut WebConnection) {
    let (mut heard, mut pinged, mut spoke) = (Instant::now(), Instant::now(), Instant::now());
    loop {
        let pulse_at = (pinged + PING_EVERY).min(heard + DEAD_AFTER);
        let goes_on = tokio::select! {
            message = web.recv() => {
                heard = Instant::now();
                match message {
                    Some(Ok(message)) => {
                        if is_sip(&message) {
                            spoke = heard;
                        }
                        received(&mut web, connection, message).await
                    }
                    // Gone, or a frame that is none, or longer than any message.
                    _ => None,
                }
            }
            message = connection.outgoing() => match message {
                Some(message) => {
                    spoke = Instant::now();
                    send(&mut web, frame(message)).await
                }
                None => None,
            },
            () = sleep_until(pulse_at) => {
                if heard.elapsed() >= DEAD_AFTER || spoke.elapsed() >= IDLE {
                    break;
                }
                pinged = Instant::now();
                send(&mut web, Message::Ping(Bytes::new())).await
            }
        };
        if goes_on.is_none() {
            break;
        }
    }
}

/// Whether it is more than a sign of life.
fn is_sip(message: &Message) -> bool {
    matches!(message, Message::Text(_) | Message::Binary(_))
}

async fn received(web: &mut WebSocket, connection: &WebConnection, message: Message) -> Option<()> {
    let frame = match message {
        Message::Text(text) => text.into(),
        Message::Binary(bytes) => bytes,
        Message::Close(_) => return None,
        Message::Ping(_) | Message::Pong(_) => return Some(()),
    };
    match Framed::of_frame(frame) {
        Some(Framed::Message(bytes)) => connection.incoming(bytes).await,
        Some(Framed::Ping) => send(web, Message::Text("\r\n".into())).await,
        None => Some(()),
    }
}

/// As text, which every phone takes; what a peer put in that is none goes on as it came.
fn frame(message: Bytes) -> Message {
    match Utf8Bytes::try_from(message.clone()) {
        Ok(text) => Message::Text(text),
        Err(_) => Message::Binary(message),
    }
}

/// Sends a frame; none when the browser is gone, or reads so slowly that it might as well be.
async fn send(web: &mut WebSocket, frame: Message) -> Option<()> {
    timeout(DEAD_AFTER, web.send(frame)).await.ok()?.ok()
}
