//! What is done per packet and per decision of the queue, so often that its instructions can be counted:
//! `scripts/instructions` does.
//!
//! `instructions WHAT COUNT` does it; without arguments it does a little of everything, so that it does not rot. What it
//! did is printed: packets sent, and legs.

mod center;
mod rig;

use std::hint::black_box;

use warmline::base::Entropy;
use warmline::media::rtp::HEADER;
use warmline::media::rtp::Header;
use warmline::media::srtp::OVERHEAD;
use warmline::media::srtp::Way;
use warmline::queue::Event;
use warmline::sdp::Codec;
use warmline::sdp::crypto::MasterKey;
use warmline::sdp::crypto::Suite;

use crate::center::Center;
use crate::center::Size;
use crate::rig::Rig;

const WHATS: [&str; 13] = [
    "send",
    "receive",
    "forward",
    "other-law",
    "transcode",
    "mix",
    "record",
    "seal",
    "seal-open",
    "call-hangs-up",
    "call-is-served",
    "call-finds-agent",
    "check-in",
];
/// For how large a center the queue decides.
const SIZE: Size = Size { waiting: 2_000, agents: 500, needs: 200 };

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
        "seal" | "seal-open" => return secure(what, count),
        _ => return decide(what, count),
    };
    frames(what, rig, count);
}

fn frames(what: &str, mut rig: Rig, count: u32) {
    for _ in 0..count {
        rig.frame();
    }
    println!("{what}: {} sent, {} legs", rig.sink.sent, rig.legs());
}

/// Lets a call come and one of all hang up, an agent take one from ready to away, a call come for an idle agent,
/// or the next who waits be told that they are remembered.
fn decide(what: &str, count: u32) {
    let mut center = Center::new(SIZE);
    for _ in 0..count {
        match what {
            "call-hangs-up" => {
                let arrival = center.arrival();
                center.apply(arrival);
                let call = center.any_call();
                center.apply(Event::Abandoned { call });
            }
            "call-is-served" => {
                let agent = center.any_agent();
                center.serve(agent);
                center.fill();
            }
            "call-finds-agent" => drop(center.arrival_for_an_idle_agent()),
            _ => drop(center.next_check_in()),
        }
    }
    println!("{what}: {} calls", center.next_call);
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
