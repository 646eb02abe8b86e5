//! How far a stream has come, for the process that may have to go on with it: its worker notes that with each packet, and the
//! journal's thread looks now and then. Neither waits for the other.

use std::net::SocketAddr;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::AtomicU32;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering;
use std::time::Duration;

use rustix::time::ClockId;

use crate::base::Entropy;
use crate::media::codec::units;
use crate::media::origin::Came;
use crate::media::origin::Heard;
use crate::media::origin::Origin;
use crate::media::origin::Reached;
use crate::media::origin::Sealed;
use crate::media::srtp::Ways;
use crate::media::stream::FRAME;
use crate::sdp::Codec;
use crate::sdp::crypto::Sdes;

/// A stream is not gone on with as the same one so long after somebody had looked: in half a turn of the sequence, nobody could
/// tell what is later ([`PACE`](crate::media::origin::PACE)).
const FOR: Duration = Duration::from_secs(310);

/// The clock of the machine since it began, in milliseconds: one process goes on with it where another ended, and nobody sets it.
pub fn machine_ms() -> u64 {
    let now = rustix::time::clock_gettime(ClockId::Monotonic);
    now.tv_sec as u64 * 1_000 + now.tv_nsec as u64 / 1_000_000
}

/// The stream that a leg had in an earlier process.
#[derive(Clone, Debug)]
pub struct Before {
    /// How far it had come, where that is known.
    pub reached: Option<Reached>,
    /// Whether the keys are still there that it was secured by, and the next that it is told are the same.
    pub by_its_keys: bool,
    /// Those that a handshake had brought.
    pub shaken: HandshakeKeys,
}

/// What a handshake brought, and the one of the reports, where they have their own.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HandshakeKeys {
    pub audio: Option<Sdes>,
    pub reports: Option<Sdes>,
}

/// How a stream begins.
#[derive(Debug)]
pub struct Beginning {
    pub origin: Origin,
    /// Where it is to go on by keys of an earlier process.
    pub sealed: Option<Sealed>,
    pub reach: Reach,
}

impl Beginning {
    /// Behind what it was in an earlier process, where that is known; else by chance.
    pub fn of(before: Option<&Before>, now_ms: u64, entropy: &mut Entropy) -> Beginning {
        let reached = before.and_then(|before| before.reached.as_ref());
        let reached = reached.and_then(|reached| Some((reached, since(reached, now_ms)?)));
        // Who is there is so however long nobody looked.
        let came = before.and_then(|before| before.reached.as_ref()).map(|reached| reached.came);
        let mut origin = match reached {
            Some((reached, elapsed)) => reached.goes_on_after(elapsed),
            None => Origin { came: came.unwrap_or_default(), ..Origin::draw(entropy) },
        };
        let by_its_keys = reached.filter(|_| before.is_some_and(|before| before.by_its_keys));
        let sealed = by_its_keys.map(|(reached, elapsed)| reached.sealed_after(elapsed));
        sealed.iter().for_each(|sealed| origin.index = sealed.index);
        // A process may end before it has sealed or opened anything.
        let reach = Reach {
            ssrc: origin.ssrc,
            name: origin.name.clone(),
            next: AtomicU64::new(origin.index),
            line: AtomicU64::new(line(now_ms, origin.timestamp)),
            units: AtomicU32::new(units(Codec::Pcmu)),
            report: AtomicU32::new(sealed.as_ref().map_or(0, |sealed| sealed.report)),
            heard: AtomicU64::new(sealed.as_ref().and_then(|sealed| sealed.heard).map_or(0, packed)),
            shaken: Mutex::new(before.map(|before| before.shaken.clone()).unwrap_or_default()),
            peer: Mutex::new(reached.and_then(|(reached, _)| reached.peer)),
            came: Mutex::new(origin.came),
        };
        Beginning { origin, sealed, reach }
    }
}

/// See the module. One worker writes; whoever likes reads.
#[derive(Debug, Default)]
pub struct Reach {
    ssrc: u32,
    name: String,
    /// The index of the next packet.
    next: AtomicU64,
    /// A moment and the media time then, 32 bits each, the moment in milliseconds: whatever was sent, media time at that frame's
    /// pace is later.
    line: AtomicU64,
    /// Units of media time in a frame: the telephone's until another clock is told.
    units: AtomicU32,
    /// The number of the next report that is sealed.
    report: AtomicU32,
    /// The source of the latest packet that was opened, in the upper half, and the lowest half of its index; none yet where all is 0.
    heard: AtomicU64,
    /// What a handshake brought. The worker asks for it only when something is agreed on.
    shaken: Mutex<HandshakeKeys>,
    /// Where a phone in a browser is. The worker passes it by where somebody looks just then: the next check tells it again.
    peer: Mutex<Option<SocketAddr>>,
    /// What came from the peer. Passed by like that: the next packet tells it again.
    came: Mutex<Came>,
}

impl Reach {
    /// A packet was sent.
    pub fn sent(&self, now_ms: u64, sequence: u16, timestamp: u32) {
        let next = self.next.load(Ordering::Relaxed);
        let ahead = sequence.wrapping_add(1).wrapping_sub(next as u16) as i16;
        if ahead > 0 {
            self.next.store(next + ahead as u64, Ordering::Relaxed);
        }
        // Keys and what comes late are behind, and change nothing.
        if (timestamp.wrapping_sub(self.media_time(now_ms)) as i32) > 0 {
            self.line.store(line(now_ms, timestamp), Ordering::Relaxed);
        }
    }

    /// A packet was sealed, or a report. Under other keys the index begins anew with the sequence as it is.
    pub fn sealed(&self, ways: &Ways, is_report: bool) {
        if is_report {
            self.report.store(ways.ours.next_report(), Ordering::Relaxed);
        } else if let Some(latest) = ways.ours.latest() {
            self.next.store(latest.index + 1, Ordering::Relaxed);
        }
    }

    /// A handshake brought keys: of audio, or of reports.
    pub fn shaken(&self, is_rtcp: bool, keys: Sdes) {
        let mut shaken = self.shaken.lock().unwrap_or_else(PoisonError::into_inner);
        let place = if is_rtcp { &mut shaken.reports } else { &mut shaken.audio };
        *place = Some(keys);
    }

    /// They are used no more.
    pub fn forget_shaken(&self) {
        *self.shaken.lock().unwrap_or_else(PoisonError::into_inner) = HandshakeKeys::default();
    }

    /// What a handshake brought; none before it has.
    pub fn handshake_keys(&self) -> Option<HandshakeKeys> {
        let shaken = self.shaken.lock().unwrap_or_else(PoisonError::into_inner);
        Some(shaken.clone()).filter(|keys| keys.audio.is_some())
    }

    /// A phone in a browser is there, by its checks.
    pub fn found(&self, peer: Option<SocketAddr>) {
        if let Ok(mut place) = self.peer.try_lock() {
            *place = peer;
        }
    }

    /// Where a phone in a browser is, or was in an earlier process.
    pub fn peer(&self) -> Option<SocketAddr> {
        *self.peer.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// So much has come from the peer.
    pub fn came(&self, came: Came) {
        if let Ok(mut place) = self.came.try_lock() {
            *place = came;
        }
    }

    /// A packet was opened.
    pub fn opened(&self, ways: &Ways) {
        if let Some(heard) = ways.theirs.latest() {
            self.heard.store(packed(heard), Ordering::Relaxed);
        }
    }

    /// Media time goes on by another clock.
    pub fn change_clock(&self, now_ms: u64, units: u32) {
        if units != self.units.load(Ordering::Relaxed) {
            self.line.store(line(now_ms, self.media_time(now_ms)), Ordering::Relaxed);
            self.units.store(units, Ordering::Relaxed);
        }
    }

    /// How far it has come by now.
    pub fn reached(&self, now_ms: u64) -> Reached {
        Reached {
            ssrc: self.ssrc,
            name: self.name.clone(),
            at_ms: now_ms,
            next: self.next.load(Ordering::Relaxed),
            timestamp: self.media_time(now_ms),
            units: self.units.load(Ordering::Relaxed),
            report: self.report.load(Ordering::Relaxed),
            heard: match self.heard.load(Ordering::Relaxed) {
                0 => None,
                heard => Some(Heard { ssrc: (heard >> 32) as u32, index: heard & 0xffff_ffff }),
            },
            peer: self.peer(),
            came: *self.came.lock().unwrap_or_else(PoisonError::into_inner),
        }
    }

    fn media_time(&self, now_ms: u64) -> u32 {
        let (line, units) = (self.line.load(Ordering::Relaxed), self.units.load(Ordering::Relaxed));
        // A line that was begun by now in another thread began no more than a moment later.
        let elapsed = ((now_ms as u32).wrapping_sub((line >> 32) as u32) as i32).max(0);
        let gone = u64::from(elapsed.unsigned_abs()) * u64::from(units) / FRAME.as_millis() as u64;
        (line as u32).wrapping_add(gone as u32)
    }
}

fn line(now_ms: u64, timestamp: u32) -> u64 {
    now_ms << 32 | u64::from(timestamp)
}

/// The sequence begins anew every 22 minutes: in the lowest 32 bits of an index there is room for 2 years.
fn packed(Heard { ssrc, index }: Heard) -> u64 {
    u64::from(ssrc) << 32 | index & 0xffff_ffff
}

/// How long ago somebody had looked at the stream of an earlier process; none where that is too long to go on with it, or was
/// before the machine began anew.
fn since(reached: &Reached, now_ms: u64) -> Option<Duration> {
    let elapsed = Duration::from_millis(now_ms.checked_sub(reached.at_ms)?);
    (elapsed <= FOR).then_some(elapsed)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;
    use crate::media::rtp::HEADER;
    use crate::media::rtp::Header;
    use crate::media::rtp::Outgoing;
    use crate::sdp::crypto::MasterKey;
    use crate::sdp::crypto::Suite;

    /// A stream over several processes, and what its peer was sent under the same keys.
    struct Life {
        entropy: Entropy,
        out: Outgoing,
        reach: Reach,
        units: u32,
        /// Frames of the machine, and of what is passed on: its sequence and media time.
        frame: u64,
        theirs: Header,
        /// The highest index so far and the latest media time, and each index that was used.
        index: u64,
        timestamp: u32,
        used: HashSet<u64>,
    }

    impl Life {
        fn new(seed: u64) -> Life {
            let mut entropy = Entropy::seeded(seed);
            let units = if seed.is_multiple_of(3) { 960 } else { 160 };
            let frame = entropy.below(1 << 30);
            let Beginning { origin, reach, .. } = Beginning::of(None, frame * 20, &mut entropy);
            reach.change_clock(frame * 20, units);
            let theirs = Header {
                marker: false,
                payload_type: 0,
                sequence: entropy.u32() as u16,
                timestamp: 7,
                ssrc: 1,
            };
            Life {
                out: Outgoing::begin(&origin, frame, units),
                reach,
                index: origin.index,
                timestamp: origin.timestamp.wrapping_sub(1),
                used: HashSet::new(),
                entropy,
                units,
                frame,
                theirs,
            }
        }

        fn sent(&mut self, header: Header) {
            let ahead = header.sequence.wrapping_sub(self.index as u16) as i16;
            let index = self.index.checked_add_signed(ahead.into()).expect("it is behind the first");
            assert!(self.used.insert(index), "{index} is used twice");
            self.index = self.index.max(index);
            if (header.timestamp.wrapping_sub(self.timestamp) as i32) > 0 {
                self.timestamp = header.timestamp;
            }
            self.reach.sent(self.frame * 20 + self.entropy.below(20), header.sequence, header.timestamp);
            self.out.count(160);
        }

        fn own(&mut self) {
            if self.units == 160 && self.frame.is_multiple_of(2) {
                for half in 0..2 {
                    let header = self.out.own_frames(0, 2 * self.frame + half, self.units / 2, 1);
                    self.sent(header);
                }
            } else {
                let header = self.out.own(0, self.frame, self.units);
                self.sent(header);
            }
        }

        /// So many packets of somebody else come, some of them after a loss or late.
        fn pass(&mut self, count: u64) {
            for _ in 0..count {
                let lost = if self.entropy.below(20) == 0 { self.entropy.below(600) as u16 } else { 0 };
                self.theirs.sequence = self.theirs.sequence.wrapping_add(1 + lost);
                self.theirs.timestamp = (self.frame as u32).wrapping_mul(self.units);
                let late =
                    Header { sequence: self.theirs.sequence.wrapping_sub(1 + lost / 2), ..self.theirs };
                for theirs in [Some(self.theirs), (lost > 1).then_some(late)].into_iter().flatten() {
                    if let Some(header) = self.out.pass(theirs, 0, self.frame, self.units) {
                        self.sent(header);
                    }
                }
            }
        }

        /// Frames of one kind.
        fn spell(&mut self) {
            let (kind, frames) = (self.entropy.below(6), self.entropy.below(60));
            for _ in 0..frames {
                match kind {
                    0 | 1 => self.own(),
                    2 | 3 => self.pass(1),
                    4 => {
                        let count = if self.entropy.below(10) == 0 { self.entropy.below(300) } else { 0 };
                        self.pass(count);
                    }
                    _ => {}
                }
                self.frame += 1;
            }
            if kind == 5 && frames > 30 {
                self.theirs.ssrc += 1;
                self.theirs.sequence = self.entropy.u32() as u16;
            }
        }

        /// The process ends, and another goes on, by what was seen last.
        fn ends(&mut self, reached: &Reached) {
            self.frame += self.entropy.below(if self.used.len().is_multiple_of(2) { 50 } else { 14_000 });
            let shaken = HandshakeKeys::default();
            let before = Before { reached: Some(reached.clone()), by_its_keys: true, shaken };
            let Beginning { origin, reach, sealed } =
                Beginning::of(Some(&before), self.frame * 20, &mut self.entropy);
            assert_eq!(sealed.map(|sealed| sealed.index), Some(origin.index));
            let gap = origin.index.checked_sub(self.index + 1).expect("it was sent before");
            assert!(gap <= 4 * (self.frame - reached.at_ms / 20) + 200, "{gap}");
            assert_eq!(origin.ssrc, self.out.ssrc);
            let later = origin.timestamp.wrapping_sub(self.timestamp) as i32;
            assert!(later > 0, "media time went back by {later}");
            self.out = Outgoing::begin(&origin, self.frame, self.units);
            (self.reach, self.index) = (reach, origin.index);
            self.reach.change_clock(self.frame * 20, self.units);
        }
    }

    #[test]
    fn whenever_a_process_ends_its_streams_go_on_behind_all_that_they_sent() {
        let mut ends = 0;
        for seed in 0..300 {
            let mut life = Life::new(seed);
            for _ in 0..6 {
                for _ in 0..life.entropy.below(20) {
                    life.spell();
                }
                // Somebody looks, and after that it goes on for two seconds and more.
                let reached = life.reach.reached(life.frame * 20);
                let until = life.frame + life.entropy.below(120);
                while life.frame < until {
                    life.spell();
                }
                life.ends(&reached);
                ends += 1;
            }
        }
        assert_eq!(ends, 1_800);
    }

    #[test]
    fn who_was_there_is_known_in_the_next_process_however_long_nobody_looked() {
        let mut entropy = Entropy::seeded(1);
        let came = Came { anything: true, from: Some([192, 0, 2, 1].into()) };
        let Beginning { reach, .. } = Beginning::of(None, 5_000, &mut entropy);
        assert_eq!(reach.reached(5_000).came, Came::default());
        reach.came(came);
        let written = serde_json::to_string(&reach.reached(5_000)).unwrap();
        // A moment later, much later, and on a machine that was started anew.
        for now_ms in [6_000, 5_000_000, 10] {
            let reached = Some(serde_json::from_str(&written).unwrap());
            let before = Before { reached, by_its_keys: false, shaken: HandshakeKeys::default() };
            let Beginning { origin, reach, .. } = Beginning::of(Some(&before), now_ms, &mut entropy);
            assert_eq!((origin.came, reach.reached(now_ms).came), (came, came), "{now_ms}");
        }
        // Of a process that did not write it down, nobody is given up.
        let mut older: serde_json::Value = serde_json::from_str(&written).unwrap();
        older.as_object_mut().unwrap().remove("came");
        let older: Reached = serde_json::from_value(older).unwrap();
        assert_eq!(older.came, Came { anything: true, from: None });
    }

    #[test]
    fn a_stream_without_keys_goes_on_about_where_it_would_be() {
        let mut entropy = Entropy::seeded(1);
        for seed in 0..300 {
            let mut life = Life::new(2 * seed + 1);
            let lasts = life.entropy.below(2_000);
            // Somebody looks up to two seconds before it ends.
            let looked_at = lasts.saturating_sub(life.entropy.below(100));
            let mut reached = life.reach.reached(life.frame * 20);
            for frame in 0..lasts {
                if frame == looked_at {
                    reached = life.reach.reached(life.frame * 20);
                }
                let header = life.out.own(0, life.frame, life.units);
                life.sent(header);
                life.frame += 1;
            }
            let gone = life.entropy.below(100);
            let shaken = HandshakeKeys::default();
            let before = Before { reached: Some(reached), by_its_keys: false, shaken };
            let now_ms = (life.frame + gone) * 20;
            let Beginning { origin, sealed, .. } = Beginning::of(Some(&before), now_ms, &mut entropy);
            assert_eq!((sealed, origin.ssrc), (None, life.out.ssrc));
            let lost = origin.index.checked_sub(life.index + 1).expect("it was sent before");
            assert!(lost <= gone + 20, "{lost} seem lost of {gone}");
        }
    }

    /// A packet in a buffer with room for it to be sealed, and how long it is.
    fn packet(header: Header) -> ([u8; 64], usize) {
        let mut packet = [5; 64];
        header.write(packet.first_chunk_mut().expect("a header fits"));
        (packet, HEADER + 10)
    }

    #[test]
    fn whenever_a_process_ends_no_number_is_used_twice_under_a_key_and_both_sides_read_each_other() {
        let provider = rtc_crypto::default_provider().expect("the ciphers");
        let (mut sealed, mut anew) = (0, 0);
        for seed in 0..80 {
            let mut entropy = Entropy::seeded(seed);
            let suite = Suite::ALL[seed as usize % Suite::ALL.len()];
            let keys = [(); 2].map(|()| MasterKey::draw(suite, &mut entropy));
            let ways = |ours: usize| {
                Ways::new(suite, &keys[ours], &keys[1 - ours], provider.crypto()).expect("keys of the suite")
            };
            let (mut here, mut there) = (ways(0), ways(1));
            let (mut used, mut reports) = (HashSet::new(), HashSet::new());
            // Shortly before the sequence begins anew, which only who counts can know.
            let mut near = || 65_535 - entropy.below(4_000);
            let (index, mut theirs, mut now_ms) = (near(), near(), 7_000);
            let mut begun = Beginning::of(None, now_ms, &mut entropy);
            begun.origin.index = index;
            begun.reach.next = AtomicU64::new(index);
            for life in 0..5 {
                let Beginning { origin, reach, .. } = &begun;
                let mut out = Outgoing::begin(origin, now_ms / 20, 160);
                // A phone in a browser, that moves now and then.
                let peer = Some(SocketAddr::from(([198, 51, 100, 7], 4_000 + life)));
                reach.found(peer);
                let mut reached = reach.reached(now_ms);
                let looked_every = 1 + entropy.below(110);
                // It may end before anything was sent, or came.
                let lasts = match life {
                    0 => 1 + entropy.below(1_500),
                    _ => entropy.below(1_500) * entropy.below(4).min(1),
                };
                for frame in 0..lasts {
                    now_ms += 20;
                    if frame.is_multiple_of(looked_every) {
                        reached = reach.reached(now_ms);
                    }
                    let passed = Header {
                        marker: false,
                        payload_type: 0,
                        sequence: (theirs + entropy.below(40) * u64::from(frame.is_multiple_of(50))) as u16,
                        timestamp: (frame as u32).wrapping_mul(160),
                        ssrc: 7,
                    };
                    let header = match frame / 300 % 2 {
                        0 => Some(out.own(0, now_ms / 20, 160)),
                        _ => out.pass(passed, 0, now_ms / 20, 160),
                    };
                    if let Some(header) = header {
                        let (mut buffer, length) = packet(header);
                        reach.sent(now_ms, header.sequence, header.timestamp);
                        // What is passed on twice is not sealed again.
                        if let Some(length) = here.seal(&mut buffer, length, false) {
                            reach.sealed(&here, false);
                            let highest = here.ours.latest().expect("it was sealed").index;
                            let behind = (highest as u16).wrapping_sub(header.sequence);
                            let index = highest - u64::from(behind);
                            assert!(used.insert((header.ssrc, index)), "seed {seed}: {index} is used twice");
                            assert!(
                                there.open(&mut buffer[..length], false).is_some(),
                                "seed {seed}: {index}"
                            );
                        }
                    }
                    if frame % 100 == 50 {
                        assert!(reports.insert(here.ours.next_report()), "seed {seed}: a report's number");
                        let mut report = [0x80; 64];
                        report[4..8].copy_from_slice(&origin.ssrc.to_be_bytes());
                        here.seal(&mut report, 28, true).expect("there are numbers left");
                        reach.sealed(&here, true);
                    }
                    let (mut buffer, length) = packet(Header { sequence: theirs as u16, ..passed });
                    theirs += 1;
                    let length = there.seal(&mut buffer, length, false).expect("the number is new");
                    assert!(
                        here.open(&mut buffer[..length], false).is_some(),
                        "seed {seed}: theirs, {theirs}"
                    );
                    reach.opened(&here);
                }
                let gone = entropy.below(80_000);
                now_ms += gone;
                theirs += gone / 20;
                let (reached, shaken) = (Some(reached), HandshakeKeys::default());
                let before = Before { reached, by_its_keys: true, shaken };
                begun = Beginning::of(Some(&before), now_ms, &mut entropy);
                here = ways(0);
                here.go_on(begun.sealed.as_ref().expect("by its keys"));
                assert_eq!(begun.reach.peer(), peer);
            }
            sealed += used.len();
            anew += usize::from(used.iter().any(|(_, index)| *index > 65_535));
        }
        assert!(sealed > 80_000 && anew > 40, "{sealed} were sealed, and {anew} streams counted anew");
    }
}
