//! Two endpoints and their servers over a network that loses, doubles and reorders: thousands of calls, by seed.
//!
//! Whatever happens to the messages, every call ends on both sides, nothing is told of a session after its end,
//! and after a while of quiet neither side remembers anything.

use std::collections::BTreeMap;
use std::time::Duration;

use bytes::Bytes;

use super::bench::ANSWER;
use super::bench::OFFER;
use super::bench::short;
use crate::base::Entropy;
use crate::base::Timestamp;
use crate::sip::api::Command;
use crate::sip::api::EndReason;
use crate::sip::api::Event;
use crate::sip::api::Hop;
use crate::sip::api::Input;
use crate::sip::api::Invite;
use crate::sip::api::Output;
use crate::sip::api::SessionId;
use crate::sip::endpoint::Endpoint;
use crate::sip::endpoint::EndpointConfig;
use crate::sip::uri::NameAddr;
use crate::sip::uri::Transport;
use crate::sip::uri::Uri;

const CALLS: u64 = 4;

#[derive(Clone, Debug)]
enum Due {
    Arrives(Bytes),
    Wants(Command),
}

/// One endpoint with its server.
struct Side {
    endpoint: Endpoint,
    hop: Hop,
    /// What became of each session so far; over when it ends in `!`.
    story: BTreeMap<SessionId, Vec<String>>,
}

struct World {
    seed: u64,
    chance: Entropy,
    now: Timestamp,
    sides: [Side; 2],
    due: BTreeMap<(Timestamp, u64), (usize, Due)>,
    number: u64,
    loss: u64,
}

impl World {
    fn new(seed: u64) -> World {
        let mut chance = Entropy::seeded(seed);
        let transport = if chance.below(4) == 0 { Transport::Tcp } else { Transport::Udp };
        let addresses = ["10.0.0.1:5060".parse().unwrap(), "10.0.0.2:5060".parse().unwrap()];
        let mut side = |local: usize| Side {
            endpoint: Endpoint::new(
                EndpointConfig { session_expires_s: 90, ..EndpointConfig::default() },
                chance.split(),
            ),
            hop: Hop { transport, local: addresses[local], remote: addresses[1 - local] },
            story: BTreeMap::new(),
        };
        let sides = [side(0), side(1)];
        let loss = if transport.is_reliable() { 0 } else { [0, 5, 20][chance.below(3) as usize] };
        World { seed, chance, now: Timestamp::from_secs(1), sides, due: BTreeMap::new(), number: 0, loss }
    }

    fn later(&mut self, side: usize, millis: u64, due: Due) {
        self.number += 1;
        self.due.insert((self.now + Duration::from_millis(millis), self.number), (side, due));
    }

    fn begin_calls(&mut self) {
        for number in 0..CALLS {
            let side = self.chance.below(2) as usize;
            let session = SessionId((1 << 63) + number);
            let uri = Uri::sip(Some("x"), self.sides[side].hop.remote.ip().to_string(), Some(5060));
            let invite = Invite {
                session,
                uri: uri.clone(),
                hop: self.sides[side].hop,
                from: NameAddr::of(uri.clone()),
                to: NameAddr::of(uri),
                asserted: None,
                headers: Vec::new(),
                sdp: OFFER.into(),
                trunk: None,
                routes: Vec::new(),
                answer_within: None,
            };
            let at = self.chance.below(2_000);
            self.later(side, at, Due::Wants(Command::Invite(Box::new(invite))));
            self.disturb(side, session, at + 1);
            let end = at + 1 + self.chance.below(25_000);
            self.later(side, end, Due::Wants(Command::End { session, reason: EndReason::Normal }));
        }
    }

    /// Offers and, perhaps, an end at some time.
    fn disturb(&mut self, side: usize, session: SessionId, from: u64) {
        for _ in 0..self.chance.below(4) {
            let at = from + self.chance.below(15_000);
            self.later(side, at, Due::Wants(Command::Offer { session, sdp: OFFER.into() }));
        }
        if self.chance.below(2) == 0 {
            let at = from + self.chance.below(20_000);
            self.later(side, at, Due::Wants(Command::End { session, reason: EndReason::Elsewhere }));
        }
    }

    fn run(&mut self, until: Timestamp) {
        loop {
            let tick = self.sides.iter().filter_map(|side| side.endpoint.deadline()).min();
            let arrives = self.due.keys().next().map(|(at, _)| *at);
            let Some(at) = [tick, arrives].into_iter().flatten().min().filter(|at| *at <= until) else {
                break;
            };
            self.now = self.now.max(at);
            if arrives == Some(at) {
                let (_, (side, due)) = self.due.pop_first().unwrap();
                self.happen(side, due);
            } else {
                let side = usize::from(self.sides[0].endpoint.deadline().is_none_or(|first| first > at));
                self.tell(side, Input::Tick);
            }
        }
        self.now = until;
    }

    fn happen(&mut self, side: usize, due: Due) {
        match due {
            Due::Arrives(bytes) => {
                let hop = self.sides[side].hop;
                self.tell(side, Input::Received { hop, bytes });
            }
            Due::Wants(command) => {
                if let Command::End { session, .. } | Command::Refuse { session, .. } = &command {
                    let story = self.sides[side].story.entry(*session).or_default();
                    story.push("we end!".to_owned());
                }
                self.tell(side, Input::Command(command));
            }
        }
    }

    fn tell(&mut self, side: usize, input: Input) {
        let mut out = Vec::new();
        self.sides[side].endpoint.handle(self.now, input, &mut out);
        for output in out {
            match output {
                Output::Send { bytes, .. } => self.carry(1 - side, bytes),
                Output::Event(event) => self.serve(side, &event),
            }
        }
    }

    fn carry(&mut self, to: usize, bytes: Bytes) {
        if self.chance.below(100) < self.loss {
            return;
        }
        let delay = if self.loss == 0 { 10 } else { 1 + self.chance.below(400) };
        self.later(to, delay, Due::Arrives(bytes.clone()));
        if self.chance.below(100) < self.loss {
            let delay = delay + self.chance.below(2_000);
            self.later(to, delay, Due::Arrives(bytes));
        }
    }

    /// What the server does about an event.
    fn serve(&mut self, side: usize, event: &Event) {
        let word = short(event);
        let session = match event {
            Event::Incoming(incoming) => incoming.session,
            Event::Acked { session, .. }
            | Event::Progressed { session, .. }
            | Event::Answered { session, .. }
            | Event::Failed { session, .. }
            | Event::Offered { session, .. }
            | Event::OfferAnswered { session, .. }
            | Event::OfferRefused { session, .. }
            | Event::Ended { session, .. } => *session,
            other => panic!("seed {}: {other:?}", self.seed),
        };
        let story = self.sides[side].story.entry(session).or_default();
        let over = story.iter().any(|word| word.ends_with('!'));
        assert!(!over, "seed {}: {word} after {story:?}", self.seed);
        match event {
            Event::Incoming(_) => {
                story.push(word);
                self.take_call(side, session);
            }
            Event::Ended { .. } | Event::Failed { .. } => story.push(word + "!"),
            Event::Offered { .. } => {
                story.push(word);
                let at = self.chance.below(300);
                let command = match self.chance.below(5) {
                    0 => Command::RefuseOffer { session, status: 488 },
                    _ => Command::AnswerOffer { session, sdp: ANSWER.into() },
                };
                self.later(side, at, Due::Wants(command));
            }
            _ => story.push(word),
        }
    }

    fn take_call(&mut self, side: usize, session: SessionId) {
        let mut at = 0;
        for _ in 0..self.chance.below(3) {
            at += self.chance.below(1_500);
            let sdp = (self.chance.below(2) == 0).then(|| Bytes::from(ANSWER));
            self.later(side, at, Due::Wants(Command::Progress { session, status: 183, sdp }));
        }
        at += self.chance.below(2_000);
        match self.chance.below(6) {
            0 => {
                let refuse = Command::Refuse { session, status: 486, retry_after_s: None };
                self.later(side, at, Due::Wants(refuse));
            }
            1 => {}
            _ => {
                self.later(side, at, Due::Wants(Command::Answer { session, sdp: ANSWER.into() }));
                self.disturb(side, session, at);
            }
        }
    }
}

#[test]
fn whatever_the_network_does_every_call_ends_and_nothing_is_left() {
    let seeds = option_env!("SEEDS").and_then(|seeds| seeds.parse().ok()).unwrap_or(100);
    let (mut answered, mut acked, mut renewed) = (0, 0, 0);
    for seed in 0..seeds {
        let mut world = World::new(seed);
        world.begin_calls();
        // The last end is wanted at 27 s; a CANCEL that nobody answers gives up 64 s later.
        world.run(Timestamp::from_secs(1 + 27 + 64 + 64));
        for side in &world.sides {
            let left = (side.endpoint.session_count(), side.endpoint.transaction_count());
            assert_eq!(left, (0, 0), "seed {seed}: {:?}", side.story);
            assert_eq!(side.endpoint.deadline(), None, "seed {seed}");
            for (session, story) in &side.story {
                assert!(story.iter().any(|word| word.ends_with('!')), "seed {seed}: {session:?} {story:?}");
            }
            let count = |word: &str| side.story.values().flatten().filter(|w| w.starts_with(word)).count();
            answered += count("Answered");
            acked += count("Acked");
            renewed += count("OfferAnswered");
        }
    }
    // So that the simulation is known to get somewhere.
    let calls = seeds as usize * CALLS as usize;
    assert!(answered * 3 > calls && acked * 3 > calls && renewed * 4 > calls, "{answered} {acked} {renewed}");
}
