//! One caller's talk with a bot: the connection, the pace of speech, and how it ends.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use futures_util::SinkExt;
use futures_util::StreamExt;
use tokio::net::TcpStream;
use tokio::sync::mpsc::Receiver;
use tokio::time::interval;
use tokio::time::timeout;
use tokio_rustls::rustls::ClientConfig;
use tokio_tungstenite::Connector;
use tokio_tungstenite::MaybeTlsStream;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::connect_async_tls_with_config;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::handshake::client::Request;
use tokio_tungstenite::tungstenite::http::HeaderName;
use tokio_tungstenite::tungstenite::http::HeaderValue;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tracing::debug;
use tracing::warn;

use super::protocol;
use super::protocol::Said;
use crate::base::CallId;
use crate::flow::api::BotCall;
use crate::flow::api::BotEnd;
use crate::flow::bot::Audio;
use crate::flow::bot::Bot;
use crate::media::codec::Decoder;
use crate::media::codec::Encoder;
use crate::media::codec::MAX_DECODED;
use crate::media::codec::MAX_FRAME;
use crate::media::codec::units;
use crate::media::rtp::HEADER;
use crate::media::rtp::Header;
use crate::media::rtp::parse;
use crate::sdp::Codec;
use crate::wire::cord::BrowserEnd;

const FRAME: Duration = Duration::from_millis(20);
/// How long the bot may take to take a message.
const PATIENCE: Duration = Duration::from_secs(2);
/// The longest message that is read, in octets: more than a second of audio, or a long text.
const LONGEST: usize = 256 * 1024;
/// How far ahead a bot may speak: two minutes. One that says more at once is lost.
const AHEAD: usize = 6_000;
/// Marks that may wait to be heard; one more has been heard at once.
const MARKS: usize = 64;

type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

/// The codec of the stream beside the connection, and its payload type (RFC 3551).
pub(super) fn codec(audio: Audio) -> (Codec, u8) {
    match audio {
        Audio::L16Wide => (Codec::G722, 9),
        Audio::L16Narrow | Audio::Mulaw => (Codec::Pcmu, 0),
    }
}

/// Talks until the bot is done or lost; none when the line was closed before.
pub(super) async fn talk(
    call: CallId,
    told: BotCall,
    cord: BrowserEnd,
    mut keys: Receiver<char>,
    believed: Arc<ClientConfig>,
) -> Option<BotEnd> {
    let bot = &told.bot;
    let mut socket = match timeout(bot.connect, connect(bot, believed)).await {
        Ok(Some(socket)) => socket,
        _ => {
            warn!(%call, bot = %bot.name, "a bot could not be reached");
            return Some(BotEnd::Lost).filter(|_| !cord.is_loose());
        }
    };
    let mut line = Line::new(bot.audio, cord);
    if send(&mut socket, Message::text(protocol::start(call, &told))).await.is_none() {
        return Some(BotEnd::Lost);
    }
    // One that came late is made up for: the pace is that of speech.
    let mut clock = interval(FRAME);
    let end = loop {
        let sent = tokio::select! {
            message = socket.next() => match message {
                Some(Ok(message)) => match line.heard(message, &told, &mut socket).await {
                    Ok(None) => Some(()),
                    Ok(Some(end)) => break Some(end),
                    Err(Lost) => None,
                },
                _ => None,
            },
            Some(digit) = keys.recv() => {
                let mut texts = if told.barge_in { line.clear() } else { Vec::new() };
                texts.push(protocol::key(digit));
                tell(&mut socket, texts).await
            }
            _ = clock.tick() => {
                if line.cord.is_loose() {
                    break None;
                }
                line.tick(&mut socket).await
            }
        };
        if sent.is_none() {
            warn!(%call, bot = %told.bot.name, "a bot is gone");
            return Some(BotEnd::Lost);
        }
    };
    debug!(%call, bot = %told.bot.name, "a talk with a bot is over");
    // It may be gone already.
    let _ = tell(&mut socket, vec![protocol::stop()]).await;
    let _ = timeout(PATIENCE, socket.close(None)).await;
    end
}

/// What the bot did not keep to.
struct Lost;

/// The two directions of the audio.
struct Line {
    audio: Audio,
    cord: BrowserEnd,
    decoder: Decoder,
    encoder: Encoder,
    /// What the bot has said and was not heard yet, in octets of its own kind of audio.
    ahead: VecDeque<u8>,
    /// Marks, each with how many octets are to be heard before it.
    marks: VecDeque<(usize, String)>,
    header: Header,
}

impl Line {
    fn new(audio: Audio, cord: BrowserEnd) -> Line {
        let (codec, payload_type) = codec(audio);
        let header = Header { marker: true, payload_type, sequence: 0, timestamp: 0, ssrc: 1 };
        let (decoder, encoder) = (Decoder::new(codec), Encoder::new(codec));
        Line { audio, cord, decoder, encoder, ahead: VecDeque::new(), marks: VecDeque::new(), header }
    }

    /// A message of the bot; how the talk ends when it was the last.
    async fn heard(
        &mut self,
        message: Message,
        told: &BotCall,
        socket: &mut Socket,
    ) -> Result<Option<BotEnd>, Lost> {
        match message {
            Message::Binary(audio) => {
                if self.ahead.len() + audio.len() > AHEAD * self.audio.frame() {
                    return Err(Lost);
                }
                self.ahead.extend(audio.iter());
            }
            Message::Text(text) => match protocol::read(&text, &told.fields) {
                Some(Said::Clear) => {
                    let marks = self.clear();
                    tell(socket, marks).await.ok_or(Lost)?;
                }
                Some(Said::Mark(name)) if self.marks.len() < MARKS && !self.ahead.is_empty() => {
                    self.marks.push_back((self.ahead.len(), name));
                }
                Some(Said::Mark(name)) => tell(socket, vec![protocol::mark(&name)]).await.ok_or(Lost)?,
                Some(Said::Result(end)) => return Ok(Some(end)),
                None => debug!("a bot said something that means nothing here"),
            },
            Message::Close(_) => return Err(Lost),
            Message::Ping(_) | Message::Pong(_) | Message::Frame(_) => {}
        }
        Ok(None)
    }

    /// Forgets what was not heard yet; what is told of the marks in it.
    fn clear(&mut self) -> Vec<String> {
        self.ahead.clear();
        self.marks.drain(..).map(|(_, name)| protocol::mark(&name)).collect()
    }

    /// 20 ms: what the caller said goes to the bot, and the next frame of what it said to the caller.
    async fn tick(&mut self, socket: &mut Socket) -> Option<()> {
        while let Some(packet) = self.cord.receive() {
            if let Some(audio) = self.of_caller(&packet) {
                send(socket, Message::binary(audio)).await?;
            }
        }
        let marks = self.speak();
        tell(socket, marks).await
    }

    /// A packet of the stream as the bot's kind of audio.
    fn of_caller(&mut self, packet: &[u8]) -> Option<Vec<u8>> {
        let parsed = parse(packet)?;
        if parsed.header.payload_type != self.header.payload_type {
            return None;
        }
        let payload = &packet[parsed.start..parsed.end];
        if self.audio == Audio::Mulaw {
            return Some(payload.to_vec());
        }
        let mut samples = [0; MAX_DECODED];
        let count = self.decoder.decode(payload, &mut samples);
        Some(samples[..count].iter().flat_map(|sample| sample.to_le_bytes()).collect())
    }

    /// The next 20 ms to the caller, silence where the bot says nothing; what is told of the marks that were
    /// heard with it.
    fn speak(&mut self) -> Vec<String> {
        let mut frame = vec![0; self.audio.frame()];
        if self.audio == Audio::Mulaw {
            frame.fill(crate::media::codec::PCMU_SILENCE);
        }
        let count = self.ahead.len().min(frame.len());
        self.ahead.drain(..count).zip(&mut frame).for_each(|(octet, into)| *into = octet);
        self.marks.iter_mut().for_each(|(before, _)| *before = before.saturating_sub(count));
        let heard = self.marks.iter().take_while(|(before, _)| *before == 0).count();
        let heard = self.marks.drain(..heard).map(|(_, name)| protocol::mark(&name)).collect();
        let (mut payload, mut packet) = ([0; MAX_FRAME], [0; HEADER + MAX_FRAME]);
        let length = if self.audio == Audio::Mulaw {
            payload[..frame.len()].copy_from_slice(&frame);
            frame.len()
        } else {
            let sample = |pair: &[u8]| i16::from_le_bytes([pair[0], pair[1]]);
            let samples: Vec<i16> = frame.chunks_exact(2).map(sample).collect();
            self.encoder.encode(&samples, &mut payload)
        };
        let mut header = [0; HEADER];
        self.header.write(&mut header);
        packet[..HEADER].copy_from_slice(&header);
        packet[HEADER..HEADER + length].copy_from_slice(&payload[..length]);
        self.cord.send(&packet[..HEADER + length]);
        self.header.marker = false;
        self.header.sequence = self.header.sequence.wrapping_add(1);
        self.header.timestamp = self.header.timestamp.wrapping_add(units(codec(self.audio).0));
        heard
    }
}

/// None when the bot could not be reached; the log has said why, and nothing that is in a header.
async fn connect(bot: &Bot, believed: Arc<ClientConfig>) -> Option<Socket> {
    let config = WebSocketConfig::default().max_message_size(Some(LONGEST)).max_frame_size(Some(LONGEST));
    let tls = Some(Connector::Rustls(believed));
    match connect_async_tls_with_config(request(bot)?, Some(config), true, tls).await {
        Ok((socket, _)) => Some(socket),
        Err(error) => {
            debug!(bot = %bot.name, %error, "no connection");
            None
        }
    }
}

fn request(bot: &Bot) -> Option<Request> {
    let mut request = bot.at.as_str().into_client_request().ok()?;
    for (header, variable) in &bot.headers_env {
        let value = std::env::var(variable).ok().and_then(|value| HeaderValue::from_str(&value).ok());
        match (HeaderName::from_bytes(header.as_bytes()), value) {
            (Ok(name), Some(value)) => drop(request.headers_mut().insert(name, value)),
            _ => {
                warn!(bot = %bot.name, %variable, "a header's value is not in the environment: asked without it")
            }
        }
    }
    Some(request)
}

async fn tell(socket: &mut Socket, texts: Vec<String>) -> Option<()> {
    for text in texts {
        send(socket, Message::text(text)).await?;
    }
    Some(())
}

/// None when the bot does not take it in time.
async fn send(socket: &mut Socket, message: Message) -> Option<()> {
    timeout(PATIENCE, socket.send(message)).await.ok()?.ok()
}
