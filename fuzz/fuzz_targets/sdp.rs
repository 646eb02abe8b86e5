//! Any session description: it is read or refused; it prints and reads the same; our answer to it has a
//! stream for each of its own.

#![no_main]

use libfuzzer_sys::fuzz_target;
use warmline::sdp;
use warmline::sdp::Codec;
use warmline::sdp::Direction;
use warmline::sdp::Local;
use warmline::sdp::SessionDescription;

fuzz_target!(|data: &[u8]| {
    let local = Local {
        address: std::net::Ipv4Addr::LOCALHOST.into(),
        port: 20_000,
        codecs: vec![Codec::Pcmu, Codec::Pcma, Codec::Opus],
        direction: Direction::SendRecv,
        session: 1,
        version: 1, keys_by_info: false, srtp: None,
    };
    let _ = sdp::accept(&local, data);
    let Ok(description) = SessionDescription::parse(data) else { return };
    assert_eq!(SessionDescription::parse(description.to_string()), Ok(description.clone()));
    if let Ok((answer, agreed)) = sdp::answer(data, &local) {
        let answer = SessionDescription::parse(answer).expect("our own");
        assert_eq!(answer.media.len(), description.media.len());
        assert_eq!(answer.media.iter().filter(|media| media.port != 0).count(), 1);
        assert!(local.codecs.contains(&agreed.codec));
    }
});
