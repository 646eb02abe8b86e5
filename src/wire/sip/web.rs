//! SIP over WebSocket ([RFC 7118](https://www.rfc-editor.org/rfc/rfc7118)): which connections there are. Browsers open them at
//! the web's listeners, whose tasks read and write them; we open none.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;

use bytes::Bytes;
use tokio::sync::mpsc;
use tracing::debug;
use tracing::warn;

use super::MOST_CONNECTIONS;
use super::WRITE_BACKLOG;
use crate::sip::Hop;
use crate::sip::Input;

/// Every connection, and where what it brings goes. Cheap to clone.
#[derive(Clone, Debug)]
pub struct WebConnections {
    writers: Arc<Mutex<HashMap<Hop, mpsc::Sender<Bytes>>>>,
    arrived: mpsc::Sender<Input>,
}

/// One connection, for the task that reads and writes it. Dropped, it is over, which [`WebConnection::close`] tells as well.
#[derive(Debug)]
pub struct WebConnection {
    hop: Hop,
    writer: mpsc::WeakSender<Bytes>,
    queue: mpsc::Receiver<Bytes>,
    all: WebConnections,
}

impl WebConnections {
    /// None yet. What they bring goes to `arrived`.
    pub fn new(arrived: mpsc::Sender<Input>) -> WebConnections {
        WebConnections { writers: Arc::default(), arrived }
    }

    /// Takes a connection that a browser opened; none when there are too many.
    pub fn open(&self, hop: Hop) -> Option<WebConnection> {
        let mut writers = self.writers();
        if writers.len() >= MOST_CONNECTIONS {
            warn!(most = MOST_CONNECTIONS, "too many SIP connections of browsers: one more was refused");
            return None;
        }
        let (writer, queue) = mpsc::channel(WRITE_BACKLOG);
        let weak = writer.downgrade();
        writers.insert(hop, writer);
        Some(WebConnection { hop, writer: weak, queue, all: self.clone() })
    }

    /// Sends over a connection. Where it is no more, or its browser reads too slowly, that is told as
    /// [`Input::HopFailed`].
    pub(super) fn send(&self, hop: Hop, bytes: Bytes) {
        let mut writers = self.writers();
        let sent = writers.get(&hop).map(|writer| writer.try_send(bytes));
        if let Some(Ok(())) = sent {
            return;
        }
        writers.remove(&hop);
        drop(writers);
        // Where there was one, its task tells when it has ended.
        if sent.is_none() {
            let arrived = self.arrived.clone();
            tokio::spawn(async move { arrived.send(Input::HopFailed { hop }).await });
        } else {
            debug!(peer = %hop.remote, "a browser reads its SIP too slowly: cut off");
        }
    }

    fn writers(&self) -> MutexGuard<'_, HashMap<Hop, mpsc::Sender<Bytes>>> {
        // Nothing panics while it holds the lock, and the map is whole between any two calls on it.
        self.writers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl WebConnection {
    /// The next message for the browser; none when it is cut off.
    pub async fn outgoing(&mut self) -> Option<Bytes> {
        self.queue.recv().await
    }

    /// The browser sent a message; none when nobody takes any more. While many wait it waits itself.
    pub async fn incoming(&self, bytes: Bytes) -> Option<()> {
        self.all.arrived.send(Input::Received { hop: self.hop, bytes }).await.ok()
    }

    /// It is closed, by either side: whoever is reached over it is told so.
    pub async fn close(self) {
        let (hop, arrived) = (self.hop, self.all.arrived.clone());
        drop(self);
        // It fails when nobody takes anything any more.
        let _ = arrived.send(Input::HopFailed { hop }).await;
    }
}

impl Drop for WebConnection {
    fn drop(&mut self) {
        let mut writers = self.all.writers();
        // The list alone has its writer: without one, another from the same address may have taken its place there.
        if self.writer.upgrade().is_some() {
            writers.remove(&self.hop);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;

    use super::*;
    use crate::sip::Transport;

    fn hop(port: u16) -> Hop {
        let at = |port| SocketAddr::from(([127, 0, 0, 1], port));
        Hop { transport: Transport::Ws, local: at(8080), remote: at(port) }
    }

    fn connections() -> (WebConnections, mpsc::Receiver<Input>) {
        let (arrived, receiver) = mpsc::channel(16);
        (WebConnections::new(arrived), receiver)
    }

    fn message() -> Bytes {
        Bytes::from_static(b"OPTIONS")
    }

    async fn fails(arrived: &mut mpsc::Receiver<Input>, port: u16) {
        let input = arrived.recv().await.unwrap();
        assert!(matches!(&input, Input::HopFailed { hop: failed } if *failed == hop(port)), "{input:?}");
    }

    #[tokio::test]
    async fn messages_go_both_ways_until_the_connection_is_closed() {
        let (all, mut arrived) = connections();
        let mut one = all.open(hop(1)).unwrap();
        all.send(hop(1), message());
        assert_eq!(one.outgoing().await, Some(message()));
        one.incoming(message()).await.unwrap();
        let input = arrived.recv().await.unwrap();
        assert!(matches!(&input, Input::Received { hop: from, .. } if *from == hop(1)), "{input:?}");
        one.close().await;
        fails(&mut arrived, 1).await;
        // We open none.
        all.send(hop(1), message());
        fails(&mut arrived, 1).await;
    }

    #[tokio::test]
    async fn a_browser_that_does_not_read_is_cut_off_and_the_others_are_not() {
        let (all, mut arrived) = connections();
        let (mut slow, mut other) = (all.open(hop(1)).unwrap(), all.open(hop(2)).unwrap());
        for _ in 0..=WRITE_BACKLOG {
            all.send(hop(1), message());
        }
        all.send(hop(2), message());
        for _ in 0..WRITE_BACKLOG {
            assert!(slow.outgoing().await.is_some());
        }
        assert_eq!(slow.outgoing().await, None);
        slow.close().await;
        fails(&mut arrived, 1).await;
        assert_eq!(other.outgoing().await, Some(message()));
    }

    #[tokio::test]
    async fn one_from_the_same_address_takes_the_place_of_one_that_has_not_ended() {
        let (all, _arrived) = connections();
        let old = all.open(hop(1)).unwrap();
        let mut new = all.open(hop(1)).unwrap();
        drop(old);
        all.send(hop(1), message());
        assert_eq!(new.outgoing().await, Some(message()));
    }

    #[tokio::test]
    async fn there_is_room_for_so_many_and_again_when_one_has_ended() {
        let (all, _arrived) = connections();
        let last = MOST_CONNECTIONS as u16;
        let mut taken: Vec<_> = (0..last).map(|port| all.open(hop(port)).unwrap()).collect();
        assert!(all.open(hop(last)).is_none());
        taken.pop();
        assert!(all.open(hop(last)).is_some());
    }
}
