//! Our answer to a browser's offer (JSEP, [RFC 9429](https://www.rfc-editor.org/rfc/rfc9429)): one audio stream
//! over DTLS-SRTP, to one address, as an ICE-lite agent.

use std::net::SocketAddr;

use super::Direction;
use super::Local;
use super::NegotiateError;
use super::Negotiated;
use super::describe;
use super::refused;
use super::stream;
use super::stream::Payloads;
use super::stream::Stream;
use crate::sdp::ExtendedReports;
use crate::sdp::description::Attribute;
use crate::sdp::description::Connection;
use crate::sdp::description::Media;
use crate::sdp::description::SessionDescription;
use crate::sdp::description::attribute;
use crate::sdp::dtls;
use crate::sdp::dtls::Fingerprint;
use crate::sdp::ice;
use crate::sdp::ice::Ice;
use crate::sdp::ice::LocalIce;

/// What we say of ourselves to a browser.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Secured {
    /// Codecs, direction, session; its address and port are the candidate.
    pub local: Local,
    pub ice: LocalIce,
    /// Of our certificate.
    pub fingerprint: Fingerprint,
}

/// What a browser's offer and our answer agree on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    pub sdp: String,
    /// Without addresses: ICE finds them.
    pub agreed: Negotiated,
    pub ice: Ice,
    /// Of the browser's certificate.
    pub fingerprint: Fingerprint,
}

/// Our answer to a browser's `offer`. Its first audio stream with a codec of ours is taken, with all codecs that
/// both have: a browser may change between them at any packet. Every other stream is refused.
pub fn answer(offer: impl AsRef<[u8]>, ours: &Secured) -> Result<Answer, NegotiateError> {
    let offer = SessionDescription::parse(offer)?;
    let (at, stream) = choose(&offer, &ours.local)?;
    let media = &offer.media[at];
    let of_either = |name| media.attribute(name).or_else(|| attribute(&offer.attributes, name));
    let remote_ufrag =
        ice::remote_ufrag(&offer, media).ok_or(NegotiateError::NotSecured("no a=ice-ufrag"))?;
    let fingerprint = dtls::offered(&offer, media).ok_or(NegotiateError::NotSecured("no a=fingerprint"))?;
    if of_either("setup") == Some("passive") {
        return Err(NegotiateError::NotSecured("a=setup:passive, and we are passive too"));
    }
    if attribute(&media.attributes, "rtcp-mux").is_none() {
        return Err(NegotiateError::NotSecured("no a=rtcp-mux"));
    }
    let said = stream::direction(&media.attributes).or_else(|| stream::direction(&offer.attributes));
    let direction = said.unwrap_or_default().reversed().and(ours.local.direction);
    let agreed = Negotiated {
        codec: stream.codec,
        payload_type: stream.payload_type,
        receive_payload_type: stream.payload_type,
        telephone_event: stream.telephone_event.map(|(event, _)| (event, event)),
        ptime_ms: stream.ptime_ms(),
        remote_rtp: None,
        remote_named: None,
        remote_rtcp: None,
        direction,
        keys_by_info: false,
        // It has statistics of its own.
        extended: ExtendedReports::default(),
        srtp: None,
    };
    let audio = audio(media, ours, direction);
    let session = ice::of_session(media.attribute("mid"));
    let time = offer.time.clone();
    let mut streams: Vec<Media> = offer.media.iter().cloned().map(refused).collect();
    streams[at] = audio;
    let description = SessionDescription { attributes: session, ..describe(&ours.local, time, streams) };
    let ice = Ice { local: ours.ice.clone(), remote_ufrag };
    Ok(Answer { sdp: description.to_string(), agreed, ice, fingerprint })
}

fn choose<'a>(offer: &'a SessionDescription, local: &Local) -> Result<(usize, Stream<'a>), NegotiateError> {
    let mut why = NegotiateError::NoAudio;
    for (at, media) in offer.media.iter().enumerate() {
        match Stream::read_secured(offer, media, local) {
            Ok(stream) => return Ok((at, stream)),
            Err(NegotiateError::NoCommonCodec) => why = NegotiateError::NoCommonCodec,
            Err(_) => {}
        }
    }
    Err(why)
}

fn audio(offered: &Media, ours: &Secured, direction: Direction) -> Media {
    let Secured { local, ice, fingerprint } = ours;
    let payloads = Payloads::common(offered, &local.codecs);
    let mut attributes: Vec<Attribute> =
        offered.attribute("mid").map(|mid| Attribute::of("mid", mid.to_owned())).into_iter().collect();
    attributes.extend([
        Attribute::flag(direction.name()),
        Attribute::flag("rtcp-mux"),
        Attribute::of("fingerprint", fingerprint.to_string()),
        Attribute::of("setup", "passive".to_owned()),
    ]);
    attributes.extend(ice::of_stream(ice, SocketAddr::new(local.address, local.port)));
    attributes.extend(payloads.attributes());
    attributes.push(Attribute::of("ptime", "20".to_owned()));
    Media {
        kind: "audio".to_owned(),
        port: local.port,
        protocol: offered.protocol.clone(),
        formats: payloads.formats(),
        connection: Some(Connection { address: local.address.to_string() }),
        attributes,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sdp::Codec;

    /// As Chromium offers it, shortened.
    const OFFER: &str = "v=0\r\no=- 4611731400430051336 2 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\n\
        a=group:BUNDLE 0\r\na=extmap-allow-mixed\r\na=msid-semantic: WMS 1f\r\n\
        m=audio 9 UDP/TLS/RTP/SAVPF 111 63 9 0 8 13 110 126\r\nc=IN IP4 0.0.0.0\r\n\
        a=rtcp:9 IN IP4 0.0.0.0\r\na=ice-ufrag:4ZcD\r\na=ice-pwd:2/1muCWoOi3uLifh0NuRHlZp\r\n\
        a=ice-options:trickle\r\n\
        a=fingerprint:sha-256 7B:8B:F0:65:5F:78:E2:51:3B:AC:6F:F3:3F:46:1B:35:DC:B8:5F:64:1A:24:C2:43:F0:A1:58:D0:A1:2C:19:08\r\n\
        a=setup:actpass\r\na=mid:0\r\na=sendrecv\r\na=msid:1f 2f\r\na=rtcp-mux\r\na=rtcp-rsize\r\n\
        a=rtpmap:111 opus/48000/2\r\na=rtcp-fb:111 transport-cc\r\na=fmtp:111 minptime=10;useinbandfec=1\r\n\
        a=rtpmap:63 red/48000/2\r\na=rtpmap:9 G722/8000\r\na=rtpmap:0 PCMU/8000\r\na=rtpmap:8 PCMA/8000\r\n\
        a=rtpmap:13 CN/8000\r\na=rtpmap:110 telephone-event/48000\r\na=rtpmap:126 telephone-event/8000\r\n\
        a=ssrc:2231627014 cname:x\r\n";

    fn ours() -> Secured {
        Secured {
            local: Local {
                address: "192.0.2.1".parse().unwrap(),
                port: 8081,
                codecs: vec![Codec::Pcmu, Codec::Pcma],
                direction: Direction::SendRecv,
                session: 7,
                version: 1,
                keys_by_info: false,
                srtp: None,
            },
            ice: LocalIce {
                ufrag: "here".to_owned(),
                password: "0123456789abcdef0123456789abcdef".to_owned(),
            },
            fingerprint: Fingerprint::of(b"abc"),
        }
    }

    #[test]
    fn a_browser_gets_every_codec_that_both_have_and_our_one_address() {
        let answer = answer(OFFER, &ours()).unwrap();
        assert_eq!(
            answer.sdp,
            "v=0\r\no=- 7 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\na=ice-lite\r\n\
             a=group:BUNDLE 0\r\nm=audio 8081 UDP/TLS/RTP/SAVPF 0 8 126\r\nc=IN IP4 192.0.2.1\r\na=mid:0\r\n\
             a=sendrecv\r\na=rtcp-mux\r\n\
             a=fingerprint:sha-256 BA:78:16:BF:8F:01:CF:EA:41:41:40:DE:5D:AE:22:23:B0:03:61:A3:96:17:7A:9C:B4:10:FF:61:F2:00:15:AD\r\na=setup:passive\r\n\
             a=ice-ufrag:here\r\na=ice-pwd:0123456789abcdef0123456789abcdef\r\n\
             a=candidate:1 1 udp 2130706431 192.0.2.1 8081 typ host\r\na=end-of-candidates\r\n\
             a=msid:warmline audio\r\na=rtpmap:0 PCMU/8000\r\na=rtpmap:8 PCMA/8000\r\n\
             a=rtpmap:126 telephone-event/8000\r\na=fmtp:126 0-15\r\na=ptime:20\r\n"
        );
        assert_eq!(answer.ice.remote_ufrag, "4ZcD");
        let fingerprint = answer.fingerprint.to_string();
        assert!(OFFER.contains(&format!("a=fingerprint:{fingerprint}\r\n")), "{fingerprint}");
        let agreed = answer.agreed;
        assert_eq!((agreed.codec, agreed.telephone_event), (Codec::Pcmu, Some((126, 126))));
        assert_eq!((agreed.direction, agreed.remote_rtp), (Direction::SendRecv, None));
    }

    #[test]
    fn an_offer_without_keys_or_with_video_alone_is_refused() {
        let without = |line: &str| {
            let kept: Vec<&str> = OFFER.split_inclusive("\r\n").filter(|l| !l.starts_with(line)).collect();
            answer(kept.concat(), &ours()).unwrap_err()
        };
        for line in ["a=fingerprint", "a=ice-ufrag", "a=rtcp-mux"] {
            assert!(matches!(without(line), NegotiateError::NotSecured(_)), "{line}");
        }
        let with = |from, to| answer(OFFER.replace(from, to), &ours()).unwrap_err();
        assert!(matches!(with("actpass", "passive"), NegotiateError::NotSecured(_)));
        assert_eq!(with("m=audio", "m=video"), NegotiateError::NoAudio);
        assert_eq!(with("UDP/TLS/RTP/SAVPF", "RTP/AVP"), NegotiateError::NoAudio);
        assert_eq!(with(" 0 8 13", " 13"), NegotiateError::NoCommonCodec);
    }

    #[test]
    fn a_second_stream_is_refused_by_its_mid() {
        let video =
            "m=video 9 UDP/TLS/RTP/SAVPF 96\r\nc=IN IP4 0.0.0.0\r\na=mid:1\r\na=rtpmap:96 VP8/90000\r\n";
        let sdp = answer(format!("{OFFER}{video}"), &ours()).unwrap().sdp;
        assert!(sdp.ends_with("m=video 0 UDP/TLS/RTP/SAVPF 96\r\na=mid:1\r\n"), "{sdp}");
        assert!(sdp.contains("a=group:BUNDLE 0\r\n"));
    }
}
