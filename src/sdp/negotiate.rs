//! Offer and answer (RFC 3264): which codec, which payload types, which way, to which address.

pub mod browser;
mod stream;

use std::net::IpAddr;
use std::net::SocketAddr;

use serde::Deserialize;
use serde::Serialize;

use self::stream::Payloads;
use self::stream::Stream;
use crate::sdp::Codec;
use crate::sdp::Dtls;
use crate::sdp::ExtendedReports;
use crate::sdp::LocalSrtp;
use crate::sdp::Srtp;
use crate::sdp::description::Attribute;
use crate::sdp::description::Connection;
use crate::sdp::description::Media;
use crate::sdp::description::Origin;
use crate::sdp::description::SdpError;
use crate::sdp::description::SessionDescription;
use crate::sdp::extended;
use crate::sdp::ice;
use crate::sdp::ice::LocalIce;
use crate::sdp::srtp::Profile;

/// What we call the one stream that we offer to a browser.
const MID: &str = "0";

/// Which way audio flows, seen from the side that says it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Direction {
    #[default]
    SendRecv,
    SendOnly,
    RecvOnly,
    Inactive,
}

impl Direction {
    /// By whether the side sends and receives.
    pub const fn new(sends: bool, receives: bool) -> Direction {
        match (sends, receives) {
            (true, true) => Direction::SendRecv,
            (true, false) => Direction::SendOnly,
            (false, true) => Direction::RecvOnly,
            (false, false) => Direction::Inactive,
        }
    }

    /// Whether the side that says it sends.
    pub const fn sends(self) -> bool {
        matches!(self, Direction::SendRecv | Direction::SendOnly)
    }

    /// Whether the side that says it receives.
    pub const fn receives(self) -> bool {
        matches!(self, Direction::SendRecv | Direction::RecvOnly)
    }

    /// The same flow, said by the other side.
    pub const fn reversed(self) -> Direction {
        Direction::new(self.receives(), self.sends())
    }

    /// Only what both allow.
    pub const fn and(self, other: Direction) -> Direction {
        Direction::new(self.sends() && other.sends(), self.receives() && other.receives())
    }

    /// As the attribute names it: `sendonly`.
    pub const fn name(self) -> &'static str {
        match self {
            Direction::SendRecv => "sendrecv",
            Direction::SendOnly => "sendonly",
            Direction::RecvOnly => "recvonly",
            Direction::Inactive => "inactive",
        }
    }
}

/// What we bring to an offer or answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Local {
    /// The address that the peer shall send to.
    pub address: IpAddr,
    /// The RTP port, even; RTCP is one above.
    pub port: u16,
    /// Codecs that we take, best first.
    pub codecs: Vec<Codec>,
    /// Which way, seen from us.
    pub direction: Direction,
    /// `o=` session id: the same for the whole session.
    pub session: u64,
    /// `o=` version: one more for each changed description.
    pub version: u64,
    /// Whether the peer is sent key presses by SIP INFO, whatever it offers.
    #[serde(default)]
    pub keys_by_info: bool,
    /// Whether and by which keys packets may be secured. Keys are not written down.
    #[serde(skip)]
    pub srtp: Option<LocalSrtp>,
}

impl Local {
    /// What we bring to a browser, beside the handshake.
    fn ice(&self) -> Option<&LocalIce> {
        self.srtp.as_ref()?.ice.as_ref()
    }

    /// Puts a codec that we take before the others.
    pub fn prefer(&mut self, codec: Codec) {
        if let Some(place) = self.codecs.iter().position(|ours| *ours == codec) {
            self.codecs[..=place].rotate_right(1);
        }
    }
}

/// What offer and answer agreed on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Negotiated {
    pub codec: Codec,
    /// The payload type to send, which is the one the peer's description gave the codec.
    pub payload_type: u8,
    /// The payload type that the peer sends, by our description.
    pub receive_payload_type: u8,
    /// telephone-event's payload types (to send, to receive), when both sides have it.
    pub telephone_event: Option<(u8, u8)>,
    /// Packet length to send, in milliseconds: 10 to 60 in tens, 20 when the peer did not say or the codec is Opus.
    pub ptime_ms: u8,
    /// Where to send RTP; none when the peer gave port 0, the unspecified address, or a host name.
    pub remote_rtp: Option<SocketAddr>,
    /// The port, when the peer gave a host name, which nobody here looks up: its packets will tell where it is.
    #[serde(default)]
    pub remote_named: Option<u16>,
    /// Where to send RTCP: `a=rtcp` (RFC 3605) or one port above.
    pub remote_rtcp: Option<SocketAddr>,
    /// Which way, seen from us.
    pub direction: Direction,
    /// Whether key presses go to the peer by SIP INFO, and not in its audio.
    #[serde(default)]
    pub keys_by_info: bool,
    /// Which extended reports the peer is sent.
    #[serde(default)]
    pub extended: ExtendedReports,
    /// How packets are secured, both ways; not at all when there is none. Keys are not written down.
    #[serde(skip)]
    pub srtp: Option<Srtp>,
}

impl Negotiated {
    fn secure(&mut self, srtp: Srtp) {
        if let Srtp::Dtls(Dtls { rtcp_mux: true, .. }) = srtp {
            self.remote_rtcp = self.remote_rtp;
        }
        self.srtp = Some(srtp);
    }
}

/// Why offer and answer cannot agree.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NegotiateError {
    /// The description cannot be read.
    #[error("bad session description: {0}")]
    Bad(#[from] SdpError),
    /// No audio stream is offered over a profile that we may have, or the answer refused ours.
    #[error("no audio stream over RTP that may be taken")]
    NoAudio,
    /// There is one, but with no codec that we take.
    #[error("no audio codec in common")]
    NoCommonCodec,
    /// It is to be sent to many at once, of whom nobody knows whether they asked for it.
    #[error("audio is sent to one address, and {0} is many")]
    ToMany(IpAddr),
    /// A browser's offer lacks what DTLS-SRTP and ICE need, or a phone's what SRTP does.
    #[error("no secured audio: {0}")]
    NotSecured(&'static str),
}

impl NegotiateError {
    /// What a request that carried the description is refused with.
    pub const fn sip_status(&self) -> u16 {
        match self {
            NegotiateError::Bad(_) => 400,
            NegotiateError::NoAudio
            | NegotiateError::NoCommonCodec
            | NegotiateError::ToMany(_)
            | NegotiateError::NotSecured(_) => 488,
        }
    }
}

/// Our offer: one audio stream with all codecs of `local`, and telephone-event.
pub fn offer(local: &Local) -> String {
    let payloads = Payloads::offered(&local.codecs);
    let mut media = audio(local, &payloads, 20, local.direction);
    media.attributes.push(extended::offered());
    if let Some(srtp) = &local.srtp {
        let (protocol, told) = srtp.offer();
        media.protocol = protocol.to_owned();
        media.attributes.extend(told);
    }
    findable(describe(local, "0 0".to_owned(), vec![media]), (0, Some(MID)), local).to_string()
}

/// Our answer to the peer's `offer`, and what is agreed by it.
///
/// The first audio stream, as far as we may and must secure it, with a codec that we take is accepted, with the first
/// such codec in the offer's order; every other stream is refused by port 0
/// ([RFC 3264 §6](https://www.rfc-editor.org/rfc/rfc3264#section-6)).
pub fn answer(offer: impl AsRef<[u8]>, local: &Local) -> Result<(String, Negotiated), NegotiateError> {
    let offer = SessionDescription::parse(offer)?;
    let (at, stream, secured) = choose(&offer, local)?;
    let reports = stream.extended_reports().map(extended::answered);
    // The offerer's payload types are ours too: both ways are the same then, as most phones expect.
    let events = stream.telephone_event;
    let mut negotiated =
        stream.negotiated(local, stream.payload_type, events.map(|(payload_type, _)| payload_type));
    let payloads = Payloads {
        codecs: vec![(stream.codec, stream.payload_type)],
        telephone_events: events.into_iter().collect(),
    };
    let mid = offer.media[at].attribute("mid").map(str::to_owned);
    let mut media: Vec<Media> = offer.media.into_iter().map(refused).collect();
    let protocol = std::mem::take(&mut media[at].protocol);
    media[at] = Media { protocol, ..audio(local, &payloads, negotiated.ptime_ms, negotiated.direction) };
    media[at].attributes.extend(reports);
    if let Some((srtp, told)) = secured {
        media[at].attributes.extend(told);
        negotiated.secure(srtp);
    }
    let description = findable(describe(local, offer.time, media), (at, mid.as_deref()), local);
    Ok((description.to_string(), negotiated))
}

/// What is agreed by the peer's `answer` to the offer that [`offer`] made of this `local`.
pub fn accept(local: &Local, answer: impl AsRef<[u8]>) -> Result<Negotiated, NegotiateError> {
    let answer = SessionDescription::parse(answer)?;
    let ours = Payloads::offered(&local.codecs);
    // Our offer has one stream, so the answer's first is the answer to it.
    let media = answer.media.first().ok_or(NegotiateError::NoAudio)?;
    let stream = Stream::read(&answer, media, local, Some(&ours))?;
    let receive = ours.of(stream.codec).ok_or(NegotiateError::NoCommonCodec)?;
    let events = stream.telephone_event.and_then(|(_, clock_rate)| ours.telephone_event(clock_rate));
    let secured = stream.secured(local, |srtp, session, media| srtp.accept(session, media))?;
    let mut negotiated = stream.negotiated(local, receive, events);
    if let Some(srtp) = secured {
        negotiated.secure(srtp);
    }
    Ok(negotiated)
}

/// How a stream is secured, and what our answer says of it.
type Secured = Option<(Srtp, Vec<Attribute>)>;

/// The stream of an offer that we accept, its place, and how it is secured.
fn choose<'a>(
    offer: &'a SessionDescription,
    local: &Local,
) -> Result<(usize, Stream<'a>, Secured), NegotiateError> {
    let mut why = NegotiateError::NoAudio;
    for (at, media) in offer.media.iter().enumerate() {
        let read = Stream::read(offer, media, local, None).and_then(|stream| {
            let secured = stream.secured(local, |srtp, session, media| srtp.answer(session, media))?;
            Ok((at, stream, secured))
        });
        match read {
            Ok(chosen) => return Ok(chosen),
            Err(NegotiateError::NoAudio) => {}
            Err(other) => why = other,
        }
    }
    Err(why)
}

/// A stream refused: as it was offered, with port 0 and without attributes, but for its `mid`, by which a browser wants to find
/// it again.
fn refused(media: Media) -> Media {
    let mid = media.attribute("mid").map(|mid| Attribute::of("mid", mid.to_owned()));
    Media { port: 0, connection: None, attributes: mid.into_iter().collect(), ..media }
}

/// A description of ours that says, where it goes to a browser, how its stream is found: which has this place and `mid`.
fn findable(
    mut description: SessionDescription,
    (at, mid): (usize, Option<&str>),
    local: &Local,
) -> SessionDescription {
    if let Some(ours) = local.ice() {
        description.attributes = ice::of_session(mid);
        let stream = &mut description.media[at].attributes;
        stream.extend(mid.map(|mid| Attribute::of("mid", mid)));
        stream.extend(ice::of_stream(ours, SocketAddr::new(local.address, local.port)));
    }
    description
}

fn describe(local: &Local, time: String, media: Vec<Media>) -> SessionDescription {
    let address = local.address.to_string();
    SessionDescription {
        origin: Origin {
            username: "-".to_owned(),
            session: local.session.to_string(),
            version: local.version.to_string(),
            address: address.clone(),
        },
        name: "-".to_owned(),
        connection: Some(Connection { address }),
        time,
        attributes: Vec::new(),
        media,
    }
}

fn audio(local: &Local, payloads: &Payloads, ptime_ms: u8, direction: Direction) -> Media {
    let mut attributes = payloads.attributes();
    attributes.push(Attribute::of("ptime", ptime_ms.to_string()));
    attributes.push(Attribute::flag(direction.name()));
    Media {
        kind: "audio".to_owned(),
        port: local.port,
        protocol: Profile::Plain.name().to_owned(),
        formats: payloads.formats(),
        connection: None,
        attributes,
    }
}

#[cfg(test)]
mod tests;
