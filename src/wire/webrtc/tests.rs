//! The port over real loopback sockets, with a browser by other hands: the `rtc` crate's whole peer connection.

use std::time::Duration;
use std::time::Instant;

use bytes::Bytes;
use bytes::BytesMut;
use rtc::media_stream::MediaStreamTrack;
use rtc::peer_connection::RTCPeerConnection;
use rtc::peer_connection::RTCPeerConnectionBuilder;
use rtc::peer_connection::configuration::media_engine::MIME_TYPE_PCMU;
use rtc::peer_connection::configuration::media_engine::MediaEngine;
use rtc::peer_connection::message::RTCMessage;
use rtc::peer_connection::sdp::RTCSessionDescription;
use rtc::peer_connection::transport::CandidateConfig;
use rtc::peer_connection::transport::CandidateHostConfig;
use rtc::peer_connection::transport::RTCIceCandidate;
use rtc::rtp::header::Header;
use rtc::rtp::packet::Packet;
use rtc::rtp_transceiver::RTCRtpSenderId;
use rtc::rtp_transceiver::rtp_sender::RTCRtpCodec;
use rtc::rtp_transceiver::rtp_sender::RTCRtpCodecParameters;
use rtc::rtp_transceiver::rtp_sender::RTCRtpCodingParameters;
use rtc::rtp_transceiver::rtp_sender::RTCRtpEncodingParameters;
use rtc::rtp_transceiver::rtp_sender::RtpCodecKind;
use rtc::sansio::Protocol;
use rtc::shared::TaggedBytesMut;
use rtc::shared::TransportContext;
use rtc::shared::TransportProtocol;

use super::*;
use crate::base::CallId;

const LEG: LegId = LegId::of(CallId(1), 0);
const SSRC: u32 = 0xb0b;
/// Long enough for a busy machine; nothing waits for it to pass.
const PATIENCE: Duration = Duration::from_secs(10);

fn start() -> (Browsers, mpsc::Receiver<BrowserEvent>) {
    let (sender, events) = mpsc::channel(64);
    let bind = "127.0.0.1:0".parse().unwrap();
    let config = WebrtcConfig { bind, public_address: None, codecs: vec![Codec::Pcmu, Codec::Pcma] };
    (Browsers::start(config, sender).unwrap(), events)
}

/// The next event, waited for while `browser` lives.
fn next(browser: Option<&mut Browser>, events: &mut mpsc::Receiver<BrowserEvent>) -> BrowserEvent {
    let until = Instant::now() + PATIENCE;
    let mut browser = browser;
    while Instant::now() < until {
        if let Ok(event) = events.try_recv() {
            return event;
        }
        match &mut browser {
            Some(browser) => browser.live(Duration::from_millis(2)),
            None => std::thread::sleep(Duration::from_millis(2)),
        }
    }
    panic!("no event in time");
}

/// A browser of another make.
struct Browser {
    peer: RTCPeerConnection,
    socket: UdpSocket,
    sender: RTCRtpSenderId,
    sequence: u16,
    heard: Vec<Packet>,
}

impl Browser {
    fn new() -> Browser {
        let mut engine = MediaEngine::default();
        let codec = RTCRtpCodec {
            mime_type: MIME_TYPE_PCMU.to_owned(),
            clock_rate: 8_000,
            channels: 1,
            ..Default::default()
        };
        let parameters = RTCRtpCodecParameters { rtp_codec: codec.clone(), payload_type: 0 };
        engine.register_codec(parameters, RtpCodecKind::Audio).unwrap();
        let mut peer =
            RTCPeerConnectionBuilder::new().with_media_engine(engine).build(Instant::now()).unwrap();
        let coding = RTCRtpCodingParameters { ssrc: Some(SSRC), ..Default::default() };
        let encoding =
            RTCRtpEncodingParameters { rtp_coding_parameters: coding, codec, ..Default::default() };
        let (stream, track) = ("s".to_owned(), "t".to_owned());
        let track =
            MediaStreamTrack::new(stream, track, "audio".to_owned(), RtpCodecKind::Audio, vec![encoding]);
        let sender = peer.add_track(track).unwrap();
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        socket.set_read_timeout(Some(Duration::from_millis(1))).unwrap();
        Browser { peer, socket, sender, sequence: 65_530, heard: Vec::new() }
    }

    fn offer(&mut self) -> String {
        let offer = self.peer.create_offer(None).unwrap();
        self.peer.set_local_description(Instant::now(), offer.clone()).unwrap();
        offer.sdp
    }

    fn answered(&mut self, sdp: &str) {
        let here = self.socket.local_addr().unwrap();
        let base_config = CandidateConfig {
            network: "udp".to_owned(),
            address: here.ip().to_string(),
            port: here.port(),
            component: 1,
            ..Default::default()
        };
        let candidate =
            CandidateHostConfig { base_config, ..Default::default() }.new_candidate_host().unwrap();
        self.peer.add_local_candidate(RTCIceCandidate::from(&candidate).to_json().unwrap()).unwrap();
        let answer = RTCSessionDescription::answer(sdp.to_owned()).unwrap();
        self.peer.set_remote_description(Instant::now(), answer).unwrap();
    }

    /// Lets it work for a while.
    fn live(&mut self, how_long: Duration) {
        let until = Instant::now() + how_long;
        let mut buffer = [0; 2_000];
        while Instant::now() < until {
            while let Some(packet) = self.peer.poll_write() {
                let _ = self.socket.send_to(&packet.message, packet.transport.peer_addr);
            }
            while self.peer.poll_event().is_some() {}
            while let Some(message) = self.peer.poll_read() {
                if let RTCMessage::RtpPacket(_, packet) = message.message {
                    self.heard.push(packet);
                }
            }
            if self.peer.poll_timeout().is_some_and(|due| due <= Instant::now()) {
                self.peer.handle_timeout(Instant::now()).unwrap();
            }
            if let Ok((length, peer_addr)) = self.socket.recv_from(&mut buffer) {
                let local_addr = self.socket.local_addr().unwrap();
                let transport_protocol = TransportProtocol::UDP;
                let transport = TransportContext { local_addr, peer_addr, ecn: None, transport_protocol };
                let message = BytesMut::from(&buffer[..length]);
                self.peer.handle_read(TaggedBytesMut { now: Instant::now(), transport, message }).unwrap();
            }
        }
    }

    fn speak(&mut self, payload: &'static [u8]) {
        let sequence_number = self.sequence;
        self.sequence = self.sequence.wrapping_add(1);
        let timestamp = u32::from(sequence_number) * 160;
        let header = Header {
            version: 2,
            payload_type: 0,
            sequence_number,
            timestamp,
            ssrc: SSRC,
            ..Default::default()
        };
        let packet = Packet { header, payload: Bytes::from_static(payload) };
        self.peer.rtp_sender(self.sender).unwrap().write_rtp(Instant::now(), packet).unwrap();
    }

    /// Connects; the connection's number.
    fn connected(browsers: &Browsers, events: &mut mpsc::Receiver<BrowserEvent>, id: u64) -> Browser {
        let mut browser = Browser::new();
        let connection = ConnectionId(id);
        assert!(browsers.accept(connection, browser.offer()));
        let BrowserEvent::Answered { sdp, agreed, .. } = next(None, events) else { panic!("no answer") };
        assert_eq!((agreed.codec, agreed.payload_type), (Codec::Pcmu, 0));
        browser.answered(&sdp);
        assert_eq!(next(Some(&mut browser), events), BrowserEvent::Up { connection });
        browser
    }

    /// Lives until this is true.
    fn until(&mut self, what: &str, mut done: impl FnMut(&mut Browser) -> bool) {
        let until = Instant::now() + PATIENCE;
        while !done(self) {
            assert!(Instant::now() < until, "not in time: {what}");
            self.live(Duration::from_millis(5));
        }
    }
}

/// A plain packet of a stream with a source of its own.
fn plain(ssrc: u32, sequence: u16, payload: &[u8]) -> Vec<u8> {
    let mut packet = vec![0x80, 0, 0, 0];
    packet[2..4].copy_from_slice(&sequence.to_be_bytes());
    packet.extend((u32::from(sequence) * 160).to_be_bytes());
    packet.extend(ssrc.to_be_bytes());
    packet.extend(payload);
    packet
}

#[test]
fn a_stream_and_a_browser_hear_each_other_through_the_one_port() {
    let (browsers, mut events) = start();
    let mut browser = Browser::connected(&browsers, &mut events, 1);
    let mut stream = browsers.lay(LEG);
    browsers.patch(LEG, ConnectionId(1));
    let mut came = None;
    browser.until("the stream hears the browser", |browser| {
        browser.speak(b"hello stream");
        came = stream.receive();
        came.is_some()
    });
    assert!(came.unwrap().ends_with(b"hello stream"));
    let mut sequence = 0;
    browser.until("the browser hears the stream", |browser| {
        sequence += 1;
        stream.send(&plain(7, sequence, b"hello browser"));
        !browser.heard.is_empty()
    });
    assert_eq!(browser.heard[0].payload.as_ref(), b"hello browser");
    assert_eq!(browsers.stats().connections.load(std::sync::atomic::Ordering::Relaxed), 1);
}

#[test]
fn a_browser_hears_one_source_over_many_streams() {
    let (browsers, mut events) = start();
    let mut browser = Browser::connected(&browsers, &mut events, 1);
    for number in 0..3 {
        let leg = LegId::of(CallId(u64::from(number) + 1), 0);
        let mut stream = browsers.lay(leg);
        browsers.patch(leg, ConnectionId(1));
        let (before, mut sequence) = (browser.heard.len(), 1_000 * number as u16);
        browser.until("it hears each of them", |browser| {
            sequence += 1;
            stream.send(&plain(100 + number, sequence, b"sound"));
            browser.live(Duration::from_millis(15));
            browser.heard.len() >= before + 5
        });
    }
    let sources: std::collections::BTreeSet<u32> = browser.heard.iter().map(|p| p.header.ssrc).collect();
    assert_eq!(sources.len(), 1, "{sources:?}");
    for pair in browser.heard.windows(2) {
        let ahead = pair[1].header.sequence_number.wrapping_sub(pair[0].header.sequence_number);
        assert_eq!(ahead, 1, "no gap, no restart");
        let time = pair[1].header.timestamp.wrapping_sub(pair[0].header.timestamp);
        assert!((1..16_000).contains(&time), "media time goes on: {time}");
    }
}

#[test]
fn a_leg_goes_on_over_another_connection_and_the_first_one_carries_nothing_more() {
    let (browsers, mut events) = start();
    let mut first = Browser::connected(&browsers, &mut events, 1);
    let mut stream = browsers.lay(LEG);
    browsers.patch(LEG, ConnectionId(1));
    first.until("the stream hears the first", |browser| {
        browser.speak(b"first");
        stream.receive().is_some()
    });
    let mut second = Browser::connected(&browsers, &mut events, 2);
    browsers.patch(LEG, ConnectionId(2));
    second.until("the stream hears the second", |browser| {
        browser.speak(b"second");
        stream.receive().is_some_and(|packet| packet.ends_with(b"second"))
    });
    first.heard.clear();
    let mut sequence = 0;
    second.until("the second hears the stream", |browser| {
        sequence += 1;
        stream.send(&plain(7, sequence, b"sound"));
        !browser.heard.is_empty()
    });
    first.live(Duration::from_millis(50));
    assert!(first.heard.is_empty());
    browsers.close(ConnectionId(1));
    second.speak(b"and on");
    second.until("the second goes on", |browser| {
        browser.speak(b"and on");
        stream.receive().is_some_and(|packet| packet.ends_with(b"and on"))
    });
}

#[test]
fn an_offer_that_makes_no_sense_and_packets_of_strangers_harm_nobody() {
    let (browsers, mut events) = start();
    let mut browser = Browser::connected(&browsers, &mut events, 1);
    assert!(browsers.accept(ConnectionId(2), "no offer at all".to_owned()));
    let event = next(Some(&mut browser), &mut events);
    assert!(matches!(event, BrowserEvent::Over { connection: ConnectionId(2), .. }), "{event:?}");
    let stranger = UdpSocket::bind("127.0.0.1:0").unwrap();
    for length in [0, 1, 20, 100, 1_400] {
        for first in [0, 22, 80, 128] {
            stranger.send_to(&vec![first; length], browsers.address()).unwrap();
        }
    }
    let mut stream = browsers.lay(LEG);
    browsers.patch(LEG, ConnectionId(1));
    browser.until("the browser is still heard", |browser| {
        browser.speak(b"here");
        stream.receive().is_some()
    });
    assert!(stranger.set_nonblocking(true).is_ok() && stranger.recv(&mut [0; 9]).is_err(), "no answer");
}
