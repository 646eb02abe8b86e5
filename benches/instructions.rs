//! What is done per packet, so often that its instructions can be counted: `scripts/instructions` does.
//!
//! `instructions WHAT COUNT` does it; without arguments it does a little of everything, so that it does not rot. What it
//! did is printed: packets sent, and legs.

mod rig;

use std::hint::black_box;

use warmline::base::Entropy;
use warmline::media::rtp::HEADER;
use warmline::media::rtp::Header;
use warmline::sdp::Codec;
use warmline::sdp::crypto::MasterKey;
use warmline::sdp::crypto::Suite;
use warmline::wire::srtp::OVERHEAD;
use warmline::wire::srtp::Way;

use crate::rig::Rig;

const WHATS: [&str; 9] =
    ["send", "receive", "forward", "other-law", "transcode", "mix", "record", "seal", "seal-open"];

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|word| !word.starts_with("--")).collect();
    match &arguments[..] {
        [what, count] => run(what, count.parse().expect("a number")),
        _ => WHATS.iter().for_each(|what| run(what, 3)),
    }
}

fn run(what: &str, count: u32) {
    let rig = match what {
        "send" => Rig::playing(),
        "receive" => Rig::heard_by_nobody(),
        "forward" => Rig::talk([Codec::Pcmu; 2]),
        "other-law" => Rig::talk([Codec::Pcmu, Codec::Pcma]),
        "transcode" => Rig::talk([Codec::Pcmu, Codec::Opus]),
        "mix" => Rig::three(),
        "record" => Rig::recorded(),
        _ => return secure(what, count),
    };
    frames(what, rig, count);
}

fn frames(what: &str, mut rig: Rig, count: u32) {
    for _ in 0..count {
        rig.frame();
    }
    println!("{what}: {} sent, {} legs", rig.sink.sent, rig.legs());
}

/// Seals packets, and opens what was sealed when that is asked for.
fn secure(what: &str, count: u32) {
    let provider = rtc_crypto::default_provider().expect("there are ciphers");
    let crypto = provider.crypto();
    let suite = Suite::AesCm128HmacSha1_80;
    let key = MasterKey::draw(suite, &mut Entropy::seeded(1));
    let way = || Way::new(suite, &key, crypto).expect("a key of its length");
    let (mut sealing, mut opening) = (way(), way());
    let mut done = 0;
    for sequence in 0..count {
        let mut buffer = [7; HEADER + 160 + OVERHEAD];
        let sequence = sequence as u16;
        let header = Header { marker: false, payload_type: 0, sequence, timestamp: 160, ssrc: 9 };
        header.write(buffer.first_chunk_mut().expect("room for a header"));
        let length = sealing.seal(&mut buffer, HEADER + 160).expect("sealed");
        let sealed = black_box(&mut buffer[..length]);
        done += u32::from(what == "seal" || opening.open(sealed).is_some());
    }
    println!("{what}: {done} done");
}
