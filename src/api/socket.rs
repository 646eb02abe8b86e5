//! What the sockets of browsers have in common: messages as JSON, and when one is dead.

use std::time::Duration;

use axum::body::Bytes;
use axum::extract::WebSocketUpgrade;
use axum::extract::ws::CloseFrame;
use axum::extract::ws::Message;
use axum::extract::ws::WebSocket;
use axum::extract::ws::close_code;
use serde::Deserialize;
use serde::Serialize;
use tokio::time::Instant;

use crate::server::ControlHandle;
use crate::server::browser::Ask;
use crate::server::browser::SocketId;
use crate::server::browser::Tell;

/// The longest message that is read: an offer with every codec and candidate is a third of it.
pub(super) const LONGEST_MESSAGE: usize = 32 * 1024;
/// A page from which nothing came for so long is gone. It says every 10 s that it lives.
pub(super) const DEAD_AFTER: Duration = Duration::from_secs(25);
/// Nor does a page that sleeps in the background: its browser answers for it.
pub(super) const PING_EVERY: Duration = Duration::from_secs(10);
/// How much is read at once: what is held for each socket that is open.
const READ_AT_ONCE: usize = 8 * 1024;
/// The close code that tells a page not to open another socket by itself.
const TAKEN: u16 = 4_001;

/// A socket of which no more is ever held than a message of this length: what is longer is refused at the head of its frame, for
/// anybody may open one.
pub(super) fn bounded(upgrade: WebSocketUpgrade, longest: usize) -> WebSocketUpgrade {
    upgrade.max_message_size(longest).max_frame_size(longest).read_buffer_size(READ_AT_ONCE)
}

/// What any page is told.
#[derive(Debug, Serialize)]
#[serde(tag = "tell", rename_all = "snake_case")]
enum Told<'a> {
    Answer { sdp: &'a str },
    Connected,
    Disconnected { why: &'a str },
    Codec { codec: &'static str },
    State { state: &'static str, call: u64 },
    Error { error: &'a str, hint: &'a str },
}

/// A socket that is open, and its end of the control thread.
pub(super) struct Socket {
    web: WebSocket,
    id: SocketId,
    control: ControlHandle,
    heard: Instant,
    pinged: Instant,
}

impl Socket {
    pub fn new(web: WebSocket, id: SocketId, control: ControlHandle) -> Socket {
        let now = Instant::now();
        Socket { web, id, control, heard: now, pinged: now }
    }

    /// When [`Socket::pulse`] is next due.
    pub fn pulse_at(&self) -> Instant {
        (self.pinged + PING_EVERY).min(self.heard + DEAD_AFTER)
    }

    /// Asks the browser whether it is there; none when it has not answered for too long.
    pub async fn pulse(&mut self) -> Option<()> {
        if self.heard.elapsed() >= DEAD_AFTER {
            return None;
        }
        self.pinged = Instant::now();
        self.put(Message::Ping(Bytes::new())).await
    }

    /// The next message of the page; none when it is gone. What is no message of ours is answered with an error.
    /// Without an end of its own, it can be dropped between two messages and called again.
    pub async fn next<T: for<'a> Deserialize<'a>>(&mut self) -> Option<T> {
        loop {
            let message = self.web.recv().await?.ok()?;
            self.heard = Instant::now();
            match message {
                Message::Text(text) => match serde_json::from_str(&text) {
                    Ok(message) => return Some(message),
                    Err(error) => {
                        let error = format!("not understood: {error}");
                        self.error(&error, "docs/DESK.md has every message").await?;
                    }
                },
                Message::Close(_) => return None,
                Message::Binary(_) | Message::Ping(_) | Message::Pong(_) => {}
            }
        }
    }

    /// Passes on what the control thread tells; none when the socket is over.
    pub async fn tell(&mut self, tell: Tell) -> Option<()> {
        let told = match &tell {
            Tell::Answer { sdp } => Told::Answer { sdp },
            Tell::Connected => Told::Connected,
            Tell::Disconnected { why } => Told::Disconnected { why },
            Tell::Codec { codec } => Told::Codec { codec: codec.name() },
            Tell::State { state, call } => Told::State { state: state.name(), call: call.0 },
            Tell::Error { error, hint } => Told::Error { error, hint },
            Tell::Over { again } => {
                let code = if *again { close_code::NORMAL } else { TAKEN };
                let frame = CloseFrame { code, reason: "over".into() };
                // The page may be gone already.
                let _ = self.web.send(Message::Close(Some(frame))).await;
                return None;
            }
        };
        self.send(&told).await
    }

    /// Tells the page why it is closed, and closes it; none, for the socket is over.
    pub async fn end(&mut self, (error, hint): (&str, &str)) -> Option<()> {
        self.error(error, hint).await?;
        self.put(Message::Close(Some(refusal(error)))).await?;
        None
    }

    pub async fn error(&mut self, error: &str, hint: &str) -> Option<()> {
        self.send(&Told::Error { error, hint }).await
    }

    /// Sends a message; none when the page is gone, or reads so slowly that it might as well be.
    pub async fn send(&mut self, message: &impl Serialize) -> Option<()> {
        let text = serde_json::to_string(message).ok()?;
        self.put(Message::Text(text.into())).await
    }

    async fn put(&mut self, message: Message) -> Option<()> {
        tokio::time::timeout(DEAD_AFTER, self.web.send(message)).await.ok()?.ok()
    }

    /// Asks the control thread; none when that is gone.
    pub async fn ask(&mut self, ask: Ask) -> Option<()> {
        self.control.ask_for(self.id, ask).await.ok()
    }
}

/// Tells a page why it is closed before it had anything, and closes it.
pub(super) async fn refuse(mut web: WebSocket, (error, hint): (&str, &str)) {
    let told = serde_json::to_string(&Told::Error { error, hint }).unwrap_or_default();
    let sent = async {
        web.send(Message::Text(told.into())).await?;
        web.send(Message::Close(Some(refusal(error)))).await
    };
    // It may be gone already.
    let _ = tokio::time::timeout(PING_EVERY, sent).await;
}

fn refusal(error: &str) -> CloseFrame {
    CloseFrame { code: close_code::POLICY, reason: error.into() }
}
