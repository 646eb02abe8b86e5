//! Offers and what they are answered with, as tables.

use super::*;

mod secured;

fn local() -> Local {
    Local {
        address: "192.0.2.1".parse().unwrap(),
        port: 20_000,
        codecs: vec![Codec::Pcma, Codec::Pcmu],
        direction: Direction::SendRecv,
        session: 7,
        version: 1,
        keys_by_info: false,
        srtp: None,
    }
}

/// A description of the peer at 198.51.100.2 with these media lines.
fn peer(media: &str) -> String {
    format!("v=0\r\no=p 1 1 IN IP4 198.51.100.2\r\ns=-\r\nc=IN IP4 198.51.100.2\r\nt=0 0\r\n{media}")
        .replace("\r\n", "\n")
        .replace('\n', "\r\n")
}

fn agreed(media: &str) -> Negotiated {
    answer(peer(media), &local()).unwrap().1
}

/// Our answer's lines from the first m= on.
fn answered(media: &str) -> String {
    let (text, _) = answer(peer(media), &local()).unwrap();
    text[text.find("m=").unwrap()..].replace("\r\n", "\n")
}

#[test]
fn the_answer_takes_the_offerers_first_codec_and_its_payload_types() {
    let (text, agreed) = answer(
        peer(
            "m=audio 4000 RTP/AVP 18 0 8 96\na=rtpmap:96 telephone-event/8000\na=fmtp:96 0-16\na=ptime:30\n",
        ),
        &local(),
    )
    .unwrap();
    assert_eq!(
        text.replace("\r\n", "\n"),
        "v=0\no=- 7 1 IN IP4 192.0.2.1\ns=-\nc=IN IP4 192.0.2.1\nt=0 0\nm=audio 20000 RTP/AVP 0 96\n\
         a=rtpmap:0 PCMU/8000\na=rtpmap:96 telephone-event/8000\na=fmtp:96 0-15\na=ptime:30\na=sendrecv\n"
    );
    assert_eq!(
        agreed,
        Negotiated {
            codec: Codec::Pcmu,
            payload_type: 0,
            receive_payload_type: 0,
            telephone_event: Some((96, 96)),
            ptime_ms: 30,
            remote_rtp: Some("198.51.100.2:4000".parse().unwrap()),
            remote_named: None,
            remote_rtcp: Some("198.51.100.2:4001".parse().unwrap()),
            direction: Direction::SendRecv,
            keys_by_info: false,
            extended: ExtendedReports::default(),
            srtp: None,
        }
    );
}

#[test]
fn a_dynamic_payload_type_is_known_by_name_and_clock() {
    let of = |map: &str| answer(peer(&format!("m=audio 4000 RTP/AVP 97\na=rtpmap:97 {map}\n")), &local());
    assert_eq!(of("pcma/8000").unwrap().1.codec, Codec::Pcma);
    assert_eq!(of("PCMA/8000/1").unwrap().1.payload_type, 97);
    for other in ["PCMA/16000", "PCMA/8000/2", "PCMA", "speex/8000", ""] {
        assert_eq!(of(other).unwrap_err(), NegotiateError::NoCommonCodec, "{other}");
    }
    // A number that RFC 3551 fixes means what the offer says it means.
    let renamed = answer(peer("m=audio 4000 RTP/AVP 0\na=rtpmap:0 speex/8000\n"), &local());
    assert_eq!(renamed.unwrap_err().sip_status(), 488);
}

#[test]
fn every_other_stream_is_refused_in_its_place() {
    assert_eq!(
        answered(
            "m=video 5000 RTP/AVP 31\na=rtpmap:31 LPC/90000\nm=audio 4002 RTP/SAVP 0\nm=audio 4004 RTP/AVP 8\n\
             m=audio 4006 RTP/AVP 0\nm=application 9 UDP/DTLS/SCTP webrtc-datachannel\n"
        ),
        "m=video 0 RTP/AVP 31\nm=audio 0 RTP/SAVP 0\nm=audio 20000 RTP/AVP 8\na=rtpmap:8 PCMA/8000\n\
         a=ptime:20\na=sendrecv\nm=audio 0 RTP/AVP 0\nm=application 0 UDP/DTLS/SCTP webrtc-datachannel\n"
    );
}

#[test]
fn nothing_to_agree_on_is_488_and_nonsense_is_400() {
    let error = |media: &str| answer(peer(media), &local()).unwrap_err();
    assert_eq!(error("m=audio 4000 RTP/AVP 18\n"), NegotiateError::NoCommonCodec);
    assert_eq!(error("m=audio 4000 RTP/AVP\n"), NegotiateError::NoCommonCodec);
    assert_eq!(error("m=audio 4000 RTP/SAVP 0\n"), NegotiateError::NoAudio);
    assert_eq!(error("m=audio 4000 UDP/TLS/RTP/SAVPF 0\n"), NegotiateError::NoAudio);
    assert_eq!(error("m=audio 0 RTP/AVP 0\n"), NegotiateError::NoAudio);
    assert_eq!(error("m=video 4000 RTP/AVP 31\n"), NegotiateError::NoAudio);
    assert_eq!(error(""), NegotiateError::NoAudio);
    assert_eq!(error("").sip_status(), 488);
    assert_eq!(error("m=audio 70000 RTP/AVP 0\n").sip_status(), 400);
    assert_eq!(answer("hello", &local()).unwrap_err().sip_status(), 400);
}

#[test]
fn audio_is_not_sent_to_many_at_once() {
    for many in ["224.2.1.1", "224.2.1.1/127", "239.255.0.1", "255.255.255.255"] {
        let refused =
            answer(peer(&format!("m=audio 4000 RTP/AVP 0\nc=IN IP4 {many}\n")), &local()).unwrap_err();
        assert!(matches!(refused, NegotiateError::ToMany(_)), "{many}: {refused:?}");
        assert_eq!(refused.sip_status(), 488);
        let refused = accept(&local(), peer(&format!("m=audio 4000 RTP/AVP 0\nc=IN IP4 {many}\n")));
        assert!(refused.is_err(), "{many} in an answer");
        let reports = agreed(&format!("m=audio 4000 RTP/AVP 0\na=rtcp:4001 IN IP4 {many}\n"));
        assert_eq!(reports.remote_rtcp, Some("198.51.100.2:4001".parse().unwrap()), "{many}");
    }
    for many in ["ff02::1", "ff0e::101/3", "::ffff:224.2.1.1"] {
        let offer = peer(&format!("m=audio 4000 RTP/AVP 0\nc=IN IP6 {many}\n"));
        assert!(matches!(answer(offer, &local()), Err(NegotiateError::ToMany(_))), "{many}");
    }
}

#[test]
fn hold_is_answered_the_other_way_round() {
    use Direction::*;
    let of = |ours: Direction, theirs: &str| {
        let local = Local { direction: ours, ..local() };
        answer(peer(&format!("m=audio 4000 RTP/AVP 0\n{theirs}")), &local).unwrap()
    };
    for (ours, theirs, agreed) in [
        (SendRecv, "", SendRecv),
        (SendRecv, "a=sendrecv\n", SendRecv),
        (SendRecv, "a=sendonly\n", RecvOnly),
        (SendRecv, "a=recvonly\n", SendOnly),
        (SendRecv, "a=inactive\n", Inactive),
        (SendOnly, "a=sendrecv\n", SendOnly),
        (SendOnly, "a=sendonly\n", Inactive),
        (RecvOnly, "a=sendonly\n", RecvOnly),
        (Inactive, "a=sendrecv\n", Inactive),
    ] {
        let (text, negotiated) = of(ours, theirs);
        assert_eq!(negotiated.direction, agreed, "{ours:?} {theirs}");
        assert!(text.contains(&format!("a={}\r\n", agreed.name())), "{ours:?} {theirs}");
    }
}

#[test]
fn a_direction_for_the_session_counts_where_the_stream_has_none() {
    let offer = peer("m=audio 4000 RTP/AVP 0\n").replace("t=0 0\r\n", "t=0 0\r\na=sendonly\r\n");
    assert_eq!(answer(&offer, &local()).unwrap().1.direction, Direction::RecvOnly);
    let both = format!("{offer}a=sendrecv\r\n");
    assert_eq!(answer(both, &local()).unwrap().1.direction, Direction::SendRecv);
}

#[test]
fn the_hold_of_old_stops_what_we_send() {
    let held = agreed("m=audio 4000 RTP/AVP 0\nc=IN IP4 0.0.0.0\n");
    assert_eq!((held.remote_rtp, held.remote_rtcp, held.direction), (None, None, Direction::RecvOnly));
    let held = agreed("m=audio 4000 RTP/AVP 0\nc=IN IP6 ::\na=inactive\n");
    assert_eq!((held.remote_rtp, held.direction), (None, Direction::Inactive));
}

#[test]
fn addresses_are_the_streams_own_or_the_sessions() {
    let own = agreed("m=audio 4000 RTP/AVP 0\nc=IN IP6 2001:db8::5\na=rtcp:4444\n");
    assert_eq!(own.remote_rtp, Some("[2001:db8::5]:4000".parse().unwrap()));
    assert_eq!(own.remote_rtcp, Some("[2001:db8::5]:4444".parse().unwrap()));
    let elsewhere = agreed("m=audio 4000 RTP/AVP 0\na=rtcp:4444 IN IP4 198.51.100.9\n");
    assert_eq!(elsewhere.remote_rtcp, Some("198.51.100.9:4444".parse().unwrap()));
    let highest = agreed("m=audio 65535 RTP/AVP 0\n");
    assert_eq!((highest.remote_rtp.unwrap().port(), highest.remote_rtcp), (65_535, None));
    let named = agreed("m=audio 4000 RTP/AVP 0\nc=IN IP4 phone.example.net\n");
    assert_eq!((named.remote_rtp, named.remote_rtcp, named.direction), (None, None, Direction::SendRecv));
    assert_eq!(named.remote_named, Some(4_000));
    assert_eq!(
        (own.remote_named, agreed("m=audio 4000 RTP/AVP 0\nc=IN IP4 0.0.0.0\n").remote_named),
        (None, None)
    );
}

#[test]
fn packet_lengths_are_whole_steps_that_the_peer_takes() {
    let ptime = |lines: &str| agreed(&format!("m=audio 4000 RTP/AVP 0\n{lines}")).ptime_ms;
    assert_eq!(ptime(""), 20);
    assert_eq!(ptime("a=ptime:40\n"), 40);
    assert_eq!(ptime("a=ptime:25\n"), 20);
    assert_eq!(ptime("a=ptime:200\n"), 60);
    assert_eq!(ptime("a=ptime:0\n"), 20);
    assert_eq!(ptime("a=ptime:x\n"), 20);
    assert_eq!(ptime("a=maxptime:10\n"), 10);
    assert_eq!(ptime("a=ptime:60\na=maxptime:40\n"), 40);
}

#[test]
fn extended_reports_go_to_who_asks_for_them() {
    let both = ExtendedReports { metrics: true, round_trip: true };
    let (offered, answered) =
        ("a=rtcp-xr:pkt-loss-rle rcvr-rtt=sender voip-metrics\n", "rcvr-rtt=sender voip-metrics");
    let (text, agreed) = answer(peer(&format!("m=audio 4000 RTP/AVP 0\n{offered}")), &local()).unwrap();
    assert_eq!(agreed.extended, both);
    assert!(text.contains(&format!("a=rtcp-xr:{answered}\r\n")), "{text}");
    // Whoever offers none of ours may still be asked for them; an unknown way of the round trip is none.
    let (text, agreed) =
        answer(peer("m=audio 4000 RTP/AVP 0\na=rtcp-xr:rcvr-rtt=some stat-summary=loss\n"), &local())
            .unwrap();
    assert!(!agreed.extended.metrics && text.contains("a=rtcp-xr:voip-metrics\r\n"), "{text}");
    let (text, _) = answer(peer("m=audio 4000 RTP/AVP 0\n"), &local()).unwrap();
    assert!(!text.contains("rtcp-xr"), "{text}");
    let accepted =
        |lines: &str| accept(&local(), peer(&format!("m=audio 4000 RTP/AVP 0\n{lines}"))).unwrap().extended;
    assert_eq!(accepted(""), ExtendedReports::default());
    assert_eq!(accepted("a=rtcp-xr:voip-metrics rcvr-rtt=all:800\n"), both);
}

#[test]
fn our_offer_is_accepted_by_whatever_the_answer_chose() {
    let local = Local { codecs: vec![Codec::Opus, Codec::Pcmu, Codec::Pcma], ..local() };
    assert_eq!(
        offer(&local).replace("\r\n", "\n"),
        "v=0\no=- 7 1 IN IP4 192.0.2.1\ns=-\nc=IN IP4 192.0.2.1\nt=0 0\nm=audio 20000 RTP/AVP 96 0 8 101 102\n\
         a=rtpmap:96 opus/48000/2\na=fmtp:96 useinbandfec=1\na=rtpmap:0 PCMU/8000\na=rtpmap:8 PCMA/8000\n\
         a=rtpmap:101 telephone-event/8000\na=fmtp:101 0-15\na=rtpmap:102 telephone-event/48000\n\
         a=fmtp:102 0-15\na=ptime:20\na=sendrecv\na=rtcp-xr:rcvr-rtt=all voip-metrics\n"
    );
    let g711 =
        accept(&local, peer("m=audio 4000 RTP/AVP 8 101\na=rtpmap:101 telephone-event/8000\n")).unwrap();
    assert_eq!((g711.codec, g711.payload_type, g711.receive_payload_type), (Codec::Pcma, 8, 8));
    assert_eq!(g711.telephone_event, Some((101, 101)));
    let opus = peer(
        "m=audio 4000 RTP/AVP 111 97\na=rtpmap:111 opus/48000/2\na=rtpmap:97 telephone-event/48000\na=sendonly\n",
    );
    let opus = accept(&local, opus).unwrap();
    assert_eq!((opus.codec, opus.payload_type, opus.receive_payload_type), (Codec::Opus, 111, 96));
    assert_eq!((opus.telephone_event, opus.direction), (Some((97, 102)), Direction::RecvOnly));
    // Without rtpmap, a number of ours means what we said.
    assert_eq!(accept(&local, peer("m=audio 4000 RTP/AVP 96\n")).unwrap().codec, Codec::Opus);
    assert_eq!(accept(&local, peer("m=audio 0 RTP/AVP 0\n")), Err(NegotiateError::NoAudio));
    assert_eq!(accept(&local, peer("m=audio 4000 RTP/AVP 18\n")), Err(NegotiateError::NoCommonCodec));
}

#[test]
fn two_of_us_agree() {
    let (ours, theirs) =
        (local(), Local { address: "2001:db8::2".parse().unwrap(), port: 30_000, ..local() });
    let offered = offer(&ours);
    let (answered, at_theirs) = answer(&offered, &theirs).unwrap();
    let at_ours = accept(&ours, answered).unwrap();
    assert_eq!(at_ours.codec, at_theirs.codec);
    assert_eq!(at_ours.payload_type, at_theirs.receive_payload_type);
    assert_eq!(at_ours.telephone_event, Some((101, 101)));
    assert_eq!(at_ours.remote_rtp, Some("[2001:db8::2]:30000".parse().unwrap()));
    assert_eq!(at_theirs.remote_rtp, Some("192.0.2.1:20000".parse().unwrap()));
}

#[test]
fn opus_asks_for_redundancy_and_takes_the_keys_that_the_phone_has() {
    let local = Local { codecs: Codec::SUPPORTED.to_vec(), ..local() };
    let answer_to = |events: &str| {
        let media = format!("m=audio 4000 RTP/AVP 96 0 101 102\na=rtpmap:96 opus/48000/2\n{events}");
        let (text, agreed) = answer(peer(&media), &local).unwrap();
        assert!(text.contains("a=rtpmap:96 opus/48000/2\r\na=fmtp:96 useinbandfec=1\r\n"), "{text}");
        (agreed.codec, agreed.telephone_event, text.contains("a=rtpmap:102 telephone-event/48000"))
    };
    let both = "a=rtpmap:101 telephone-event/8000\na=rtpmap:102 telephone-event/48000\n";
    assert_eq!(answer_to(both), (Codec::Opus, Some((102, 102)), true), "that of its clock");
    let one = "a=rtpmap:101 telephone-event/8000\n";
    assert_eq!(answer_to(one), (Codec::Opus, Some((101, 101)), false), "or the telephone's");
    assert_eq!(answer_to("a=sendrecv\n").1, None);
    // The same in the answer to our offer.
    let accepted = accept(
        &local,
        peer("m=audio 4000 RTP/AVP 96 101\na=rtpmap:96 opus/48000/2\na=rtpmap:101 telephone-event/8000\n"),
    );
    assert_eq!(
        accepted.map(|agreed| (agreed.codec, agreed.telephone_event)),
        Ok((Codec::Opus, Some((101, 101))))
    );
}

#[test]
fn a_codec_that_is_preferred_is_offered_first_and_one_that_we_lack_is_not() {
    let mut local = Local { codecs: Codec::SUPPORTED.to_vec(), ..local() };
    local.prefer(Codec::Opus);
    assert!(offer(&local).contains("m=audio 20000 RTP/AVP 96 0 8 9 101 102\r\n"), "{}", offer(&local));
    local.codecs = vec![Codec::Pcmu];
    local.prefer(Codec::Opus);
    assert_eq!(local.codecs, [Codec::Pcmu]);
}
