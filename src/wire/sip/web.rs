//! SIP over WebSocket ([RFC 7118](https://www.rfc-editor.org/rfc/rfc7118)): which connections there are. Browsers open them at
//! the web's listeners, whose tasks read and write them; we open none.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;

use bytes::Bytes;
use tokio::sync::mpsc;
use tokio::sync::oneshot;
use tracing::debug;
use tracing::warn;

use super::WRITE_BACKLOG;
use super::shares;
use crate::sip::Hop;
use crate::sip::Input;
use crate::wire::places::Full;
use crate::wire::places::Place;
use crate::wire::places::Places;
use crate::wire::places::Shares;

/// Every connection, and where what it brings goes. Cheap to clone.
#[derive(Clone, Debug)]
pub struct WebConnections {
    writers: Arc<Mutex<HashMap<Hop, Writer>>>,
    places: Places,
    arrived: mpsc::Sender<Input>,
}

/// What goes to one browser. Its task ends with it, whatever it is doing.
#[derive(Debug)]
struct Writer {
    to: mpsc::Sender<Bytes>,
    _cut: oneshot::Sender<()>,
}

/// One connection, for the task that reads and writes it. Dropped, it is over, which [`WebConnection::close`] tells as well.
#[derive(Debug)]
pub struct WebConnection {
    hop: Hop,
    writer: mpsc::WeakSender<Bytes>,
    queue: mpsc::Receiver<Bytes>,
    cut: Option<oneshot::Receiver<()>>,
    all: WebConnections,
    _place: Place,
}

impl WebConnections {
    /// None yet. What they bring goes to `arrived`.
    pub fn new(arrived: mpsc::Sender<Input>) -> WebConnections {
        WebConnections::within(shares(), arrived)
    }

    fn within(shares: Shares, arrived: mpsc::Sender<Input>) -> WebConnections {
        WebConnections { writers: Arc::default(), places: Places::new(shares), arrived }
    }

    /// Takes a connection that a browser opened; none when there are too many, of its network or in all.
    pub fn open(&self, hop: Hop) -> Option<WebConnection> {
        let place = self.places.take(hop.remote.ip());
        let full =
            |full: &Full| warn!(peer = %hop.remote, ?full, "a SIP connection of a browser was refused");
        let place = place.inspect_err(full).ok()?;
        let (to, queue) = mpsc::channel(WRITE_BACKLOG);
        let (_cut, cut) = oneshot::channel();
        let writer = to.downgrade();
        self.writers().insert(hop, Writer { to, _cut });
        Some(WebConnection { hop, writer, queue, cut: Some(cut), all: self.clone(), _place: place })
    }

    /// Sends over a connection. Where it is no more, or its browser reads too slowly, that is told as
    /// [`Input::HopFailed`].
    pub fn send(&self, hop: Hop, bytes: Bytes) {
        let mut writers = self.writers();
        let sent = writers.get(&hop).map(|writer| writer.to.try_send(bytes));
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

    fn writers(&self) -> MutexGuard<'_, HashMap<Hop, Writer>> {
        // Nothing panics while it holds the lock, and the map is whole between any two calls on it.
        self.writers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl WebConnection {
    /// Ends once it is cut off: at once, whatever still waits to be written. It is waited for once.
    pub fn cut(&mut self) -> impl Future<Output = ()> + use<> {
        let cut = self.cut.take();
        async move {
            match cut {
                Some(cut) => drop(cut.await),
                None => std::future::pending().await,
            }
        }
    }

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
    async fn who_is_cut_off_is_not_waited_for_until_all_is_written() {
        let (all, _arrived) = connections();
        let mut slow = all.open(hop(1)).unwrap();
        let cut = slow.cut();
        for _ in 0..=WRITE_BACKLOG {
            all.send(hop(1), message());
        }
        // Nothing of it was written.
        cut.await;
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
        let (arrived, _receiver) = mpsc::channel(16);
        let all = WebConnections::within(Shares { all: 4, network: 2, loopback: 4 }, arrived);
        let from = |address: [u8; 4], port| Hop { remote: SocketAddr::from((address, port)), ..hop(1) };
        let mut taken: Vec<_> = (0..2).map(|port| all.open(from([192, 0, 2, 1], port)).unwrap()).collect();
        assert!(all.open(from([192, 0, 2, 1], 3)).is_none(), "one network leaves room for others");
        taken.extend((0..2).map(|port| all.open(from([127, 0, 0, 1], port)).unwrap()));
        assert!(all.open(from([192, 0, 2, 2], 3)).is_none());
        taken.pop();
        assert!(all.open(from([192, 0, 2, 2], 3)).is_some());
    }
}
