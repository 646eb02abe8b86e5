//! Damaged messages, by seed: no byte from outside ends the endpoint, and it answers afterwards.

use super::bench::*;
use crate::base::Entropy;
use crate::sip::api::Command;
use crate::sip::api::EndReason;
use crate::sip::api::SessionId;

/// Changes, removes, doubles or swaps some pieces of a message.
fn damage(text: &str, chance: &mut Entropy) -> Vec<u8> {
    let mut bytes = text.as_bytes().to_vec();
    for _ in 0..=chance.below(3) {
        let at = chance.below(bytes.len() as u64) as usize;
        let to = (at + chance.below(40) as usize).min(bytes.len());
        match chance.below(6) {
            0 => bytes[at] = chance.below(256) as u8,
            1 => drop(bytes.drain(at..to)),
            2 => bytes.splice(at..at, bytes[at..to].to_vec()).for_each(drop),
            3 => bytes.splice(at..at, *b"4294967295").for_each(drop),
            4 => bytes.truncate(at + 1),
            _ => bytes.splice(at..at, [b",;<>\"=:@ \r\n%"[chance.below(12) as usize]]).for_each(drop),
        }
        if bytes.is_empty() {
            bytes.push(b'x');
        }
    }
    bytes
}

#[test]
fn no_damage_to_a_message_ends_the_endpoint() {
    let seeds = option_env!("SEEDS").and_then(|seeds| seeds.parse().ok()).unwrap_or(400);
    for seed in 0..seeds {
        let mut chance = Entropy::seeded(seed);
        let mut bench = Bench::new();
        let tag = bench.establish();
        bench.command(call(bench.hop));
        let ours = bench.last_request();
        let ring = "Require: 100rel\r\nRSeq: 7\r\nRecord-Route: <sip:192.0.2.77;lr>\r\n";
        let messages = [
            invite("x").replace("call-1", "call-2"),
            request("INVITE", "y", 2, &tag, "Session-Expires: 100;refresher=uas\r\n", OFFER),
            request("ACK", "y", 2, &tag, "", ""),
            request("UPDATE", "z", 3, &tag, "Supported: timer\r\nMin-SE: 90\r\n", ""),
            request("PRACK", "p", 4, &tag, "RAck: 1 1 INVITE\r\n", ""),
            request("REGISTER", "r", 1, "", "Authorization: Digest username=\"alice\"\r\n", ""),
            response(&ours, 183, "bob", ring, ANSWER),
            response(&ours, 401, "bob", "WWW-Authenticate: Digest realm=\"t\", nonce=\"n\"\r\n", ""),
            response(&ours, 422, "bob", "Min-SE: 100\r\n", ""),
            response(&ours, 200, "bob", "Session-Expires: 90;refresher=uac\r\n", ANSWER),
        ];
        for _ in 0..20 {
            let text = &messages[chance.below(messages.len() as u64) as usize];
            bench.receive_bytes(damage(text, &mut chance));
            bench.pass(chance.below(700));
        }
        bench.command(Command::AnswerOffer { session: SessionId(1), sdp: ANSWER.into() });
        bench.command(Command::Answer { session: SessionId(2), sdp: ANSWER.into() });
        for session in [SessionId(1), SessionId(2), SessionId(3), OURS] {
            bench.command(Command::End { session, reason: EndReason::Failure });
        }
        bench.forget();
        bench.receive(request("OPTIONS", "after", 1, "", "", "").replace("call-1", "after"));
        assert_eq!(bench.sent(), ["200 OPTIONS"], "seed {seed}");
    }
}
