//! Every timer of RFC 3261 §17, table 4: when it fires, over UDP and over TCP.

use super::*;
use crate::sip::uri::Transport;

struct Bench {
    transactions: Transactions,
    entropy: Entropy,
    now: Timestamp,
    hop: Hop,
}

impl Bench {
    fn new(transport: Transport) -> Bench {
        let address = "192.0.2.1:5060".parse().unwrap();
        Bench {
            transactions: Transactions::new(10),
            entropy: Entropy::seeded(1),
            now: Timestamp::from_secs(7),
            hop: Hop { transport, local: address, remote: address },
        }
    }

    fn client(&mut self, invite: bool) -> TransactionId {
        let branch = self.transactions.draw_branch(&mut self.entropy);
        let request = Bytes::from_static(b"request");
        let new = NewClient { hop: self.hop, owner: Owner::Nobody, request, invite, account: None };
        self.transactions.begin_client(self.now, branch, new, &mut Vec::new());
        branch.0
    }

    fn server(&mut self, invite: bool) -> TransactionId {
        let new = NewServer { key: Key::of(format_args!("key")), merge_key: None, hop: self.hop, invite };
        self.transactions.begin_server(new).unwrap()
    }

    fn try_after(&mut self, id: TransactionId, after_ms: u64) {
        let at = self.now + Duration::from_millis(after_ms);
        self.transactions.try_by(id, at, Bytes::from_static(b"100"));
    }

    fn respond(&mut self, id: TransactionId, status: u16) {
        let response = Bytes::from(status.to_string());
        assert!(self.transactions.respond(self.now, id, status, response, &mut Vec::new()));
    }

    /// What happens from now on: milliseconds, and what was sent; `timeout` and `gone` at the end.
    fn story(&mut self) -> Vec<(u64, String)> {
        let start = self.now;
        let mut story = Vec::new();
        while let Some(at) = self.transactions.deadline() {
            // Written down and read back, it goes on the same.
            let text = serde_json::to_string(&self.transactions).unwrap();
            self.transactions = serde_json::from_str(&text).unwrap();
            self.now = self.now.max(at);
            let mut out = Vec::new();
            let millis = self.now.since(start).as_millis() as u64;
            if let Some(Ticked::TimedOut(_)) = self.transactions.tick(self.now, &mut out) {
                story.push((millis, "timeout".to_owned()));
            }
            for output in out {
                if let Output::Send { bytes, .. } = output {
                    story.push((millis, String::from_utf8_lossy(&bytes).into_owned()));
                }
            }
            if self.transactions.len() == 0 {
                story.push((millis, "gone".to_owned()));
            }
        }
        story
    }
}

fn sends(times: &[u64], what: &str, end: &[(u64, &str)]) -> Vec<(u64, String)> {
    let sends = times.iter().map(|at| (*at, what.to_owned()));
    sends.chain(end.iter().map(|(at, what)| (*at, (*what).to_owned()))).collect()
}

#[test]
fn timers_a_and_b_repeat_an_invite_and_give_it_up() {
    let end = [(32_000, "timeout"), (32_000, "gone")];
    let mut udp = Bench::new(Transport::Udp);
    udp.client(true);
    assert_eq!(udp.story(), sends(&[500, 1_500, 3_500, 7_500, 15_500, 31_500], "request", &end));
    let mut tcp = Bench::new(Transport::Tcp);
    tcp.client(true);
    assert_eq!(tcp.story(), sends(&[], "", &end));
}

#[test]
fn timer_d_absorbs_final_responses_and_acks_each() {
    for (transport, millis) in [(Transport::Udp, 32_500), (Transport::Tcp, 0)] {
        let mut bench = Bench::new(transport);
        let id = bench.client(true);
        assert!(matches!(bench.transactions.received(bench.now, id, 180, "t"), Seen::New));
        assert!(matches!(bench.transactions.received(bench.now, id, 486, "t"), Seen::New));
        bench.transactions.complete(bench.now, id, Bytes::from_static(b"ACK"), &mut Vec::new());
        let again = bench.transactions.received(bench.now, id, 486, "t");
        assert!(matches!(again, Seen::Repeated(Some((None, ack))) if &ack[..] == b"ACK"));
        assert_eq!(bench.story(), sends(&[], "", &[(millis, "gone")]));
    }
}

#[test]
fn the_100_is_spared_a_call_that_is_answered_in_time() {
    let mut late = Bench::new(Transport::Udp);
    let id = late.server(true);
    late.try_after(id, 100);
    assert_eq!(late.story(), sends(&[100], "100", &[]));
    late.respond(id, 200);
    assert_eq!(late.story(), sends(&[], "", &[(32_000, "gone")]));

    for (status, end) in [(180, None), (200, Some((32_000, "gone")))] {
        let mut prompt = Bench::new(Transport::Udp);
        let id = prompt.server(true);
        prompt.try_after(id, 100);
        prompt.respond(id, status);
        assert_eq!(prompt.story(), sends(&[], "", end.as_slice()), "after {status}");
    }
}

#[test]
fn timers_e_f_and_k_repeat_a_request_and_absorb_its_answers() {
    let mut udp = Bench::new(Transport::Udp);
    udp.client(false);
    let repeats = [500, 1_500, 3_500, 7_500, 11_500, 15_500, 19_500, 23_500, 27_500, 31_500];
    let end = [(32_000, "timeout"), (32_000, "gone")];
    assert_eq!(udp.story(), sends(&repeats, "request", &end));

    // After a provisional response: every T2.
    let mut slow = Bench::new(Transport::Udp);
    let id = slow.client(false);
    slow.transactions.received(slow.now, id, 100, "");
    let repeats = [500, 4_500, 8_500, 12_500, 16_500, 20_500, 24_500, 28_500];
    assert_eq!(slow.story(), sends(&repeats, "request", &end));

    for (transport, millis) in [(Transport::Udp, 5_000), (Transport::Tcp, 0)] {
        let mut bench = Bench::new(transport);
        let id = bench.client(false);
        assert!(matches!(bench.transactions.received(bench.now, id, 200, ""), Seen::New));
        assert!(matches!(bench.transactions.received(bench.now, id, 200, ""), Seen::Repeated(None)));
        assert_eq!(bench.story(), sends(&[], "", &[(millis, "gone")]));
    }
}

#[test]
fn timers_g_and_h_repeat_a_refusal_until_its_ack_or_for_ever_not() {
    let mut udp = Bench::new(Transport::Udp);
    let id = udp.server(true);
    udp.respond(id, 486);
    let repeats = [500, 1_500, 3_500, 7_500, 11_500, 15_500, 19_500, 23_500, 27_500, 31_500];
    assert_eq!(udp.story(), sends(&repeats, "486", &[(32_000, "gone")]));
    let mut tcp = Bench::new(Transport::Tcp);
    let id = tcp.server(true);
    tcp.respond(id, 486);
    assert_eq!(tcp.story(), sends(&[], "", &[(32_000, "gone")]));
}

#[test]
fn timer_i_absorbs_further_acks() {
    for (transport, millis) in [(Transport::Udp, 5_000), (Transport::Tcp, 0)] {
        let mut bench = Bench::new(transport);
        let id = bench.server(true);
        bench.respond(id, 486);
        assert!(!bench.transactions.acked(bench.now, id));
        assert!(!bench.transactions.acked(bench.now, id));
        assert_eq!(bench.story(), sends(&[], "", &[(millis, "gone")]));
    }
}

#[test]
fn timers_l_and_m_keep_an_accepted_invite_for_the_200s_and_acks_to_come() {
    let mut bench = Bench::new(Transport::Tcp);
    let id = bench.server(true);
    bench.respond(id, 200);
    let mut out = Vec::new();
    bench.transactions.repeat(id, &mut out);
    assert!(out.is_empty(), "the session repeats its 200, not the transaction");
    assert!(bench.transactions.acked(bench.now, id), "the ACK is the session's");
    assert_eq!(bench.story(), sends(&[], "", &[(32_000, "gone")]));

    let mut bench = Bench::new(Transport::Udp);
    let id = bench.client(true);
    assert!(matches!(bench.transactions.received(bench.now, id, 200, "one"), Seen::New));
    bench.transactions.accept(id, "one", bench.hop, Bytes::from_static(b"ACK"), &mut out);
    assert!(matches!(bench.transactions.received(bench.now, id, 200, "one"), Seen::Repeated(Some(_))));
    assert!(matches!(bench.transactions.received(bench.now, id, 200, "two"), Seen::New), "a fork");
    assert_eq!(bench.story(), sends(&[], "", &[(32_000, "gone")]));
}

#[test]
fn timer_j_answers_a_repeated_request_again() {
    for (transport, millis) in [(Transport::Udp, 32_000), (Transport::Tcp, 0)] {
        let mut bench = Bench::new(transport);
        let id = bench.server(false);
        bench.respond(id, 200);
        let mut out = Vec::new();
        bench.transactions.repeat(id, &mut out);
        assert_eq!(out.len(), 1);
        assert!(!bench.transactions.respond(bench.now, id, 500, Bytes::new(), &mut out), "one final answer");
        assert_eq!(bench.story(), sends(&[], "", &[(millis, "gone")]));
    }
}

#[test]
fn what_is_kept_of_responses_is_counted_and_bounded() {
    let mut bench = Bench::new(Transport::Udp);
    let (room, length) = (bench.transactions.room(), MOST_OCTETS / 2);
    let ids: Vec<TransactionId> = (0..2)
        .map(|key| {
            let key = Key::of(format_args!("{key}"));
            let new = NewServer { key, merge_key: None, hop: bench.hop, invite: false };
            bench.transactions.begin_server(new).unwrap()
        })
        .collect();
    let long = Bytes::from(vec![b'x'; length]);
    for (id, left) in ids.into_iter().zip([room - 2, 0]) {
        assert!(bench.transactions.respond(bench.now, id, 200, long.clone(), &mut Vec::new()));
        assert_eq!(bench.transactions.room(), left);
    }
    bench.now += TIMEOUT;
    while bench.transactions.tick(bench.now, &mut Vec::new()).is_some() {}
    assert_eq!((bench.transactions.room(), bench.transactions.len()), (room, 0));
}

#[test]
fn a_full_table_begins_no_more() {
    let mut bench = Bench::new(Transport::Udp);
    for key in 0..11 {
        let new =
            NewServer { key: Key::of(format_args!("{key}")), merge_key: None, hop: bench.hop, invite: false };
        assert_eq!(bench.transactions.begin_server(new).is_some(), key < 10);
    }
}
