//! Voice bots: a connection over WebSocket for each caller who was handed to one, on a thread of its own.
//!
//! A bot's line is a stream as any other, whose far end is a cord to the task here: frames of 20 ms go to the bot as they
//! come, and what it says is played at the pace of speech, whatever the pace that it came at. `docs/BOTS.md` tells what
//! is said over the connection. A bot that is slow, silent or gone holds nobody: its own task ends, and the flow goes on.

mod line;
mod protocol;
#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::io;
use std::sync::Arc;
use std::thread;

use tokio::runtime;
use tokio::sync::mpsc;
use tokio_rustls::rustls::ClientConfig;
use tracing::warn;

use crate::base::LegId;
use crate::flow::api::BotCall;
use crate::flow::api::BotEnd;
use crate::flow::bot::Audio;
use crate::sdp::Direction;
use crate::sdp::ExtendedReports;
use crate::sdp::Negotiated;
use crate::wire::cord::BrowserEnd;
use crate::wire::cord::Cords;
use crate::wire::cord::FAR_END;
use crate::wire::cord::StreamEnd;

/// Orders that may wait for the thread: a new talk that finds no room is lost, a key is dropped.
const ORDERS: usize = 512;
/// Keys that may wait for one bot; one more is dropped.
const KEYS: usize = 32;

/// What came of a bot's line.
#[derive(Debug)]
pub struct BotEnded {
    pub leg: LegId,
    pub end: BotEnd,
}

enum Order {
    Begin { leg: LegId, call: Box<BotCall>, cord: BrowserEnd },
    Key { leg: LegId, digit: char },
}

/// See the module. The thread ends when this is dropped.
pub struct Bots {
    orders: mpsc::Sender<Order>,
    ended: mpsc::Sender<BotEnded>,
    cords: Cords,
}

impl Bots {
    /// Starts the thread; how talks end goes to `ended`, and waits for room there. `believed` says whose certificates are
    /// good, of bots that are reached over TLS.
    pub fn start(ended: mpsc::Sender<BotEnded>, believed: Arc<ClientConfig>) -> io::Result<Bots> {
        let (orders, mut waiting) = mpsc::channel(ORDERS);
        let runtime = runtime::Builder::new_current_thread().enable_all().build()?;
        let tell = ended.clone();
        thread::Builder::new().name("bots".to_owned()).spawn(move || {
            runtime.block_on(async move {
                let mut keys: HashMap<LegId, mpsc::Sender<char>> = HashMap::new();
                while let Some(order) = waiting.recv().await {
                    keys.retain(|_, keys| !keys.is_closed());
                    match order {
                        Order::Begin { leg, call, cord } => {
                            let (pressed, to_bot) = mpsc::channel(KEYS);
                            keys.insert(leg, pressed);
                            let (tell, believed) = (tell.clone(), Arc::clone(&believed));
                            tokio::spawn(async move {
                                // Nobody is told of a caller who is gone.
                                if let Some(end) = line::talk(leg.call(), *call, cord, to_bot, believed).await
                                {
                                    let _ = tell.send(BotEnded { leg, end }).await;
                                }
                            });
                        }
                        Order::Key { leg, digit } => {
                            // A bot that does not read has more to catch up with than this key.
                            let _ = keys.get(&leg).map(|keys| keys.try_send(digit));
                        }
                    }
                }
            });
        })?;
        Ok(Bots { orders, ended, cords: Cords::new()? })
    }

    /// Reaches a bot for a line; the stream's end of the cord between them.
    pub fn begin(&self, leg: LegId, call: Box<BotCall>) -> StreamEnd {
        let (stream, cord) = self.cords.lay();
        if self.orders.try_send(Order::Begin { leg, call, cord }).is_err() {
            warn!(call = %leg.call(), "too many bots are to be reached at once");
            // Should there be no room for that either, the flow's own time runs out.
            let _ = self.ended.try_send(BotEnded { leg, end: BotEnd::Lost });
        }
        stream
    }

    /// Tells a bot of a key.
    pub fn key(&self, leg: LegId, digit: char) {
        let _ = self.orders.try_send(Order::Key { leg, digit });
    }
}

/// What a stream agrees on with a bot's line.
pub fn agreed(audio: Audio) -> Negotiated {
    let (codec, payload_type) = line::codec(audio);
    Negotiated {
        codec,
        payload_type,
        receive_payload_type: payload_type,
        telephone_event: None,
        ptime_ms: 20,
        remote_rtp: Some(FAR_END),
        remote_named: None,
        remote_rtcp: Some(FAR_END),
        direction: Direction::SendRecv,
        keys_by_info: false,
        extended: ExtendedReports::default(),
        srtp: None,
    }
}
