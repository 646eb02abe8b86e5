//! One audio stream of a description: its payload types by name, its addresses, its direction.

use std::net::IpAddr;
use std::net::SocketAddr;

use super::Direction;
use super::Local;
use super::NegotiateError;
use super::Negotiated;
use crate::sdp::Codec;
use crate::sdp::ExtendedReports;
use crate::sdp::LocalSrtp;
use crate::sdp::description::Attribute;
use crate::sdp::description::Connection;
use crate::sdp::description::Media;
use crate::sdp::description::SessionDescription;
use crate::sdp::description::attribute;
use crate::sdp::extended;
use crate::sdp::ice;
use crate::sdp::srtp::Profile;

/// Every codec there is, so that a payload type is known by its name even when this build cannot play it.
const CODECS: [Codec; 4] = [Codec::Pcmu, Codec::Pcma, Codec::G722, Codec::Opus];

/// The payload types of one side's description.
pub(super) struct Payloads {
    /// In order of preference.
    pub codecs: Vec<(Codec, u8)>,
    /// telephone-event, one for each clock rate in use.
    pub telephone_events: Vec<(u8, u32)>,
}

impl Payloads {
    /// What we offer: static payload types where RFC 3551 has them, dynamic ones from 96 up, and
    /// telephone-event from 101 up, where most others have it.
    pub fn offered(codecs: &[Codec]) -> Payloads {
        let dynamic = codecs.iter().filter(|codec| codec.static_payload_type().is_none()).zip(96..=100);
        let dynamic: Vec<(Codec, u8)> = dynamic.map(|(codec, payload_type)| (*codec, payload_type)).collect();
        let of = |codec: Codec| {
            let given = || dynamic.iter().find(|(c, _)| *c == codec).map(|(_, payload_type)| *payload_type);
            codec.static_payload_type().or_else(given).map(|payload_type| (codec, payload_type))
        };
        let mut clock_rates: Vec<u32> = codecs.iter().map(|codec| codec.clock_rate()).collect();
        clock_rates.sort_unstable();
        clock_rates.dedup();
        Payloads {
            codecs: codecs.iter().filter_map(|codec| of(*codec)).collect(),
            telephone_events: (101..).zip(clock_rates).collect(),
        }
    }

    /// Of an offered stream, all codecs that are among `codecs`, and telephone-event at their clock rates.
    pub fn common(media: &Media, codecs: &[Codec]) -> Payloads {
        let codec = |payload_type| codec_of(media, payload_type, None).map(|codec| (codec, payload_type));
        let codecs: Vec<(Codec, u8)> =
            payload_types(media).filter_map(codec).filter(|(codec, _)| codecs.contains(codec)).collect();
        let mut clock_rates: Vec<u32> = codecs.iter().map(|(codec, _)| codec.clock_rate()).collect();
        clock_rates.sort_unstable();
        clock_rates.dedup();
        let event = |rate: u32| {
            payload_types(media)
                .find(|event| is_telephone_event(media, *event, rate))
                .map(|event| (event, rate))
        };
        Payloads { telephone_events: clock_rates.into_iter().filter_map(event).collect(), codecs }
    }

    pub fn of(&self, codec: Codec) -> Option<u8> {
        self.codecs.iter().find(|(c, _)| *c == codec).map(|(_, payload_type)| *payload_type)
    }

    pub fn telephone_event(&self, clock_rate: u32) -> Option<u8> {
        self.telephone_events
            .iter()
            .find(|(_, rate)| *rate == clock_rate)
            .map(|(payload_type, _)| *payload_type)
    }

    pub fn formats(&self) -> Vec<String> {
        let codecs = self.codecs.iter().map(|(_, payload_type)| payload_type);
        let events = self.telephone_events.iter().map(|(payload_type, _)| payload_type);
        codecs.chain(events).map(u8::to_string).collect()
    }

    pub fn attributes(&self) -> Vec<Attribute> {
        let mut attributes = Vec::new();
        for (codec, payload_type) in &self.codecs {
            // RFC 7587 §7: Opus always says two channels.
            let channels = if *codec == Codec::Opus { "/2" } else { "" };
            let map = format!("{payload_type} {}/{}{channels}", codec.name(), codec.clock_rate());
            attributes.push(Attribute::of("rtpmap", map));
            if *codec == Codec::Opus {
                // RFC 7587 §6.1: send us what lets a lost packet be rebuilt.
                attributes.push(Attribute::of("fmtp", format!("{payload_type} useinbandfec=1")));
            }
        }
        for (payload_type, clock_rate) in &self.telephone_events {
            attributes.push(Attribute::of("rtpmap", format!("{payload_type} telephone-event/{clock_rate}")));
            attributes.push(Attribute::of("fmtp", format!("{payload_type} 0-15")));
        }
        attributes
    }
}

/// The peer's audio stream, as far as it concerns us.
pub(super) struct Stream<'a> {
    description: &'a SessionDescription,
    media: &'a Media,
    pub codec: Codec,
    /// The peer's payload type for the codec.
    pub payload_type: u8,
    /// The peer's payload type for telephone-event, and its clock rate: the codec's, where the peer has it.
    pub telephone_event: Option<(u8, u32)>,
}

impl<'a> Stream<'a> {
    /// Reads `media`: it must be audio over RTP, secured or plain as `local` has it, not refused, with a codec of
    /// `local`. `ours` are the payload types that we offered when this is the answer.
    pub fn read(
        description: &'a SessionDescription,
        media: &'a Media,
        local: &Local,
        ours: Option<&Payloads>,
    ) -> Result<Stream<'a>, NegotiateError> {
        let profile = Profile::of(&media.protocol).ok_or(NegotiateError::NoAudio)?;
        let fits = match (&local.srtp, profile) {
            (None, profile) => profile == Profile::Plain,
            // Where keys may not stand in the description, and where there can be no handshake.
            (Some(srtp), Profile::Dtls) => srtp.fingerprint.is_some(),
            (Some(_), Profile::Plain | Profile::Sdes) => true,
        };
        if !fits {
            return Err(NegotiateError::NoAudio);
        }
        Stream::read_over(description, media, local, ours)
    }

    /// The same of a browser's offer: over SRTP with keys by DTLS
    /// ([RFC 5764 §8](https://www.rfc-editor.org/rfc/rfc5764#section-8)).
    pub fn read_secured(
        description: &'a SessionDescription,
        media: &'a Media,
        local: &Local,
    ) -> Result<Stream<'a>, NegotiateError> {
        if !media.protocol.eq_ignore_ascii_case("UDP/TLS/RTP/SAVPF") {
            return Err(NegotiateError::NoAudio);
        }
        Stream::read_over(description, media, local, None)
    }

    fn read_over(
        description: &'a SessionDescription,
        media: &'a Media,
        local: &Local,
        ours: Option<&Payloads>,
    ) -> Result<Stream<'a>, NegotiateError> {
        if !media.kind.eq_ignore_ascii_case("audio") || media.port == 0 {
            return Err(NegotiateError::NoAudio);
        }
        if let Some(address) = connection(description, media).and_then(Connection::ip).filter(is_of_many) {
            return Err(NegotiateError::ToMany(address));
        }
        let codec = |payload_type| codec_of(media, payload_type, ours).map(|codec| (codec, payload_type));
        let (codec, payload_type) = payload_types(media)
            .filter_map(codec)
            .find(|(codec, _)| local.codecs.contains(codec))
            .ok_or(NegotiateError::NoCommonCodec)?;
        let event = |clock_rate: u32| {
            let is_event = |payload_type: &u8| is_telephone_event(media, *payload_type, clock_rate);
            payload_types(media).find(is_event).map(|payload_type| (payload_type, clock_rate))
        };
        // RFC 4733 §2.3 wants the codec's clock; phones that have Opus often say 8000 all the same.
        let telephone_event = event(codec.clock_rate()).or_else(|| event(8_000));
        Ok(Stream { description, media, codec, payload_type, telephone_event })
    }

    /// What is agreed when we receive these payload types.
    pub fn negotiated(&self, local: &Local, receive: u8, receive_events: Option<u8>) -> Negotiated {
        let (remote_rtp, remote_rtcp) = self.remote();
        Negotiated {
            codec: self.codec,
            payload_type: self.payload_type,
            receive_payload_type: receive,
            telephone_event: self.telephone_event.map(|(theirs, _)| theirs).zip(receive_events),
            ptime_ms: self.ptime_ms(),
            remote_rtp,
            remote_named: self.is_named().then_some(self.media.port),
            remote_rtcp,
            direction: self.direction().reversed().and(local.direction),
            keys_by_info: local.keys_by_info,
            extended: self.extended_reports().map(ExtendedReports::wanted).unwrap_or_default(),
            srtp: None,
        }
    }

    /// What the peer says of extended reports.
    pub fn extended_reports(&self) -> Option<&'a str> {
        extended::value(&self.media.attributes, &self.description.attributes)
    }

    /// How the stream is secured, as `by` finds; an error where it must be and cannot.
    pub fn secured<T>(
        &self,
        local: &Local,
        by: impl Fn(&LocalSrtp, &SessionDescription, &Media) -> Option<T>,
    ) -> Result<Option<T>, NegotiateError> {
        let Some(srtp) = &local.srtp else { return Ok(None) };
        let secured = by(srtp, self.description, self.media);
        let must = srtp.required || Profile::of(&self.media.protocol) != Some(Profile::Plain);
        if secured.is_none() && must {
            return Err(NegotiateError::NotSecured("no a=crypto or a=fingerprint that fits ours"));
        }
        Ok(secured)
    }

    fn connection(&self) -> Option<&'a Connection> {
        connection(self.description, self.media)
    }

    fn address(&self) -> Option<IpAddr> {
        self.connection()?.ip()
    }

    /// Whether the peer says where it is by a host name ([RFC 8866 §5.7](https://www.rfc-editor.org/rfc/rfc8866#section-5.7)).
    fn is_named(&self) -> bool {
        self.connection().is_some_and(|connection| connection.ip().is_none())
    }

    fn remote(&self) -> (Option<SocketAddr>, Option<SocketAddr>) {
        let Some(address) = self.address().filter(|address| !address.is_unspecified()) else {
            return (None, None);
        };
        let above = self.media.port.checked_add(1).map(|port| SocketAddr::new(address, port));
        let rtcp = match self.media.attribute("rtcp") {
            Some(value) => parse_rtcp(value, address).or(above),
            None => above,
        };
        (Some(SocketAddr::new(address, self.media.port)), rtcp)
    }

    /// Which way the peer says; sending to the unspecified address is the hold of old, and asks us to
    /// send nothing ([RFC 3264 §8.4](https://www.rfc-editor.org/rfc/rfc3264#section-8.4)).
    fn direction(&self) -> Direction {
        let said = direction(&self.media.attributes).or_else(|| direction(&self.description.attributes));
        let said = said.unwrap_or_default();
        // Who is found by checks need not know yet where it is, as a browser that looks for the way anew.
        let by_checks = ice::remote_ufrag(self.description, self.media).is_some();
        if !by_checks && self.address().is_some_and(|address| address.is_unspecified()) {
            return said.and(Direction::SendOnly);
        }
        said
    }

    /// `a=ptime` in whole steps of 10 ms up to 60, within `a=maxptime`. Of Opus always 20: a=ptime is a wish there, for any
    /// length is understood ([RFC 7587 §6.1](https://www.rfc-editor.org/rfc/rfc7587#section-6.1)).
    pub fn ptime_ms(&self) -> u8 {
        if self.codec == Codec::Opus {
            return 20;
        }
        let number = |name| self.media.attribute(name).and_then(|value| value.trim().parse::<u16>().ok());
        let most = number("maxptime").filter(|most| *most >= 10).unwrap_or(60).min(60);
        let wanted = number("ptime").filter(|wanted| *wanted >= 10).unwrap_or(20).min(most);
        // At most 60, so it fits.
        (wanted / 10 * 10) as u8
    }
}

/// `c=` of the stream, or of the session.
fn connection<'a>(description: &'a SessionDescription, media: &'a Media) -> Option<&'a Connection> {
    media.connection.as_ref().or(description.connection.as_ref())
}

/// Whether what is sent there goes to many, none of whom may have asked for it: multicast and broadcast.
fn is_of_many(address: &IpAddr) -> bool {
    match address.to_canonical() {
        IpAddr::V4(address) => address.is_multicast() || address.is_broadcast(),
        IpAddr::V6(address) => address.is_multicast(),
    }
}

fn payload_types(media: &Media) -> impl Iterator<Item = u8> + '_ {
    media.formats.iter().filter_map(|format| format.parse().ok()).filter(|payload_type| *payload_type < 128)
}

/// The codec by `a=rtpmap`, else by the number: one that RFC 3551 fixes, or that we offered ourselves.
fn codec_of(media: &Media, payload_type: u8, ours: Option<&Payloads>) -> Option<Codec> {
    match rtpmap(media, payload_type) {
        Some((name, clock_rate)) => CODECS
            .into_iter()
            .find(|codec| codec.name().eq_ignore_ascii_case(name) && codec.clock_rate() == clock_rate),
        None => {
            let fixed = CODECS.into_iter().find(|codec| codec.static_payload_type() == Some(payload_type));
            let offered =
                || ours?.codecs.iter().find(|(_, own)| *own == payload_type).map(|(codec, _)| *codec);
            fixed.or_else(offered)
        }
    }
}

fn is_telephone_event(media: &Media, payload_type: u8, wanted_rate: u32) -> bool {
    rtpmap(media, payload_type).is_some_and(|(name, clock_rate)| {
        name.eq_ignore_ascii_case("telephone-event") && clock_rate == wanted_rate
    })
}

/// The encoding name and clock rate of a payload type. A stereo G.711 is another codec than ours, and is
/// no codec here; Opus says 2 always.
fn rtpmap(media: &Media, payload_type: u8) -> Option<(&str, u32)> {
    let values = media.attributes.iter().filter(|a| a.name.eq_ignore_ascii_case("rtpmap"));
    let (_, map) = values
        .filter_map(|attribute| attribute.value.as_deref()?.trim().split_once([' ', '\t']))
        .find(|(number, _)| number.parse() == Ok(payload_type))?;
    let mut parts = map.trim().split('/');
    let (name, clock_rate, channels) = (parts.next()?, parts.next()?, parts.next());
    let mono = channels.is_none_or(|channels| channels == "1");
    let clock_rate = if mono || name.eq_ignore_ascii_case("opus") { clock_rate.parse().ok()? } else { 0 };
    Some((name, clock_rate))
}

/// [RFC 3605 §2.1](https://www.rfc-editor.org/rfc/rfc3605#section-2.1): a port, and perhaps an address.
fn parse_rtcp(value: &str, address: IpAddr) -> Option<SocketAddr> {
    let mut words = value.split_ascii_whitespace();
    let port: u16 = words.next()?.parse().ok().filter(|port| *port != 0)?;
    match words.nth(2) {
        Some(own) => own.parse().ok().filter(|own| !is_of_many(own)).map(|own| SocketAddr::new(own, port)),
        None => Some(SocketAddr::new(address, port)),
    }
}

/// Which way these attributes say; none when they say nothing.
pub(super) fn direction(attributes: &[Attribute]) -> Option<Direction> {
    let all = [Direction::SendRecv, Direction::SendOnly, Direction::RecvOnly, Direction::Inactive];
    all.into_iter().find(|direction| attribute(attributes, direction.name()).is_some())
}
