//! What holds for every session description: nothing panics, and what is printed reads the same.

use proptest::collection::vec;
use proptest::prelude::*;
use warmline::sdp::Codec;
use warmline::sdp::Direction;
use warmline::sdp::Local;
use warmline::sdp::SessionDescription;
use warmline::sdp::accept;
use warmline::sdp::answer;
use warmline::sdp::offer;

fn local(codecs: Vec<Codec>, direction: Direction) -> Local {
    Local {
        address: "192.0.2.1".parse().unwrap(),
        port: 20_000,
        codecs,
        direction,
        session: 1,
        version: 1,
        keys_by_info: false,
        srtp: None,
    }
}

fn direction() -> impl Strategy<Value = Direction> {
    prop::sample::select(vec![
        Direction::SendRecv,
        Direction::SendOnly,
        Direction::RecvOnly,
        Direction::Inactive,
    ])
}

fn codecs() -> impl Strategy<Value = Vec<Codec>> {
    let all = vec![Codec::Pcmu, Codec::Pcma, Codec::G722, Codec::Opus];
    prop::sample::subsequence(all, 1..=4).prop_shuffle()
}

/// Lines of a description, most of them well-formed.
fn lines() -> impl Strategy<Value = String> {
    let line = prop_oneof![
        "m=audio (0|4000|65535|70000) (RTP/AVP|RTP/SAVP)( (0|8|9|96|101|200|x)){0,5}",
        "m=video [0-9]{1,5} RTP/AVP 31",
        "a=rtpmap:(0|8|96|101) (PCMU|pcma|opus|telephone-event|G722|x)/(8000|48000|y)(/[12])?",
        "a=(sendrecv|sendonly|recvonly|inactive)",
        "a=(ptime|maxptime|rtcp):[0-9]{0,6}( IN IP4 (192.0.2.3|x))?",
        "a=fmtp:(96|101) 0-1[56]",
        "c=IN (IP4|IP6|IP9) (0.0.0.0|192.0.2.9|::|2001:db8::1|host.example|)(/127)?",
        "t=[0-9]{1,3} [0-9]{1,3}",
        "b=AS:64",
        ".{0,20}",
    ];
    vec(line, 0..12).prop_map(|lines| lines.join("\r\n"))
}

proptest! {
    #[test]
    fn no_bytes_break_the_parser(bytes in vec(any::<u8>(), 0..1_000)) {
        let _ = SessionDescription::parse(bytes);
    }

    #[test]
    fn any_description_is_answered_or_refused(lines in lines(), ours in direction(), codecs in codecs()) {
        let text = format!("v=0\r\no=- 1 1 IN IP4 192.0.2.9\r\ns=-\r\n{lines}\r\n");
        let local = local(codecs, ours);
        let _ = accept(&local, &text);
        if let Ok(description) = SessionDescription::parse(&text) {
            prop_assert_eq!(SessionDescription::parse(description.to_string()), Ok(description.clone()));
            match answer(&text, &local) {
                Ok((answer, agreed)) => {
                    let answer = SessionDescription::parse(answer).unwrap();
                    prop_assert_eq!(answer.media.len(), description.media.len());
                    prop_assert_eq!(answer.media.iter().filter(|media| media.port != 0).count(), 1);
                    prop_assert!(local.codecs.contains(&agreed.codec));
                    prop_assert_eq!(agreed.direction, agreed.direction.and(ours));
                    prop_assert!((10..=60).contains(&agreed.ptime_ms));
                }
                Err(error) => prop_assert!([400, 488].contains(&error.sip_status())),
            }
        }
    }

    #[test]
    fn two_of_us_agree_whenever_they_share_a_codec(
        a in codecs(),
        b in codecs(),
        ours in direction(),
        theirs in direction(),
    ) {
        let (a, b) = (local(a, ours), local(b, theirs));
        let offered = offer(&a);
        match answer(&offered, &b) {
            Ok((answered, at_b)) => {
                let at_a = accept(&a, answered).unwrap();
                prop_assert_eq!(at_a.codec, at_b.codec);
                prop_assert_eq!(at_a.payload_type, at_b.receive_payload_type);
                prop_assert_eq!(at_b.payload_type, at_a.receive_payload_type);
                prop_assert_eq!(at_a.direction, at_b.direction.reversed());
                prop_assert!(at_a.telephone_event.is_some());
            }
            Err(_) => prop_assert!(a.codecs.iter().all(|codec| !b.codecs.contains(codec))),
        }
    }
}
