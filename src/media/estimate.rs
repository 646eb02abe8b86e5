//! How a leg sounds, by what its packets went through: the E-model of
//! [ITU-T G.107](https://www.itu.int/rec/T-REC-G.107), with what only a laboratory could measure (noise, loudness,
//! echo) at its defaults.
//!
//! Delay counts by Cole and Rosenbluth's two lines, which stay within half a point of G.107's `Id` up to 400 ms. G.113
//! has an impairment of the codec for G.711 with concealment; for G.722 and Opus, for which this narrowband model has
//! none, the same is taken: what wideband adds is not in the rating.

use std::time::Duration;

/// G.107 with all its defaults.
const BEST: f64 = 93.2;
/// Packet-loss robustness of G.711 with concealment (G.113 Appendix I, 10 ms; random loss).
const ROBUSTNESS: f64 = 25.1;
/// A delay from which on people notice, in ms.
const NOTICED_MS: f64 = 177.3;
/// What is received and estimated in less than a second says nothing.
const LEAST_PACKETS: u64 = 50;
/// What a frame takes until it can be sent, and what the listener waits for at least.
const FRAMING: Duration = Duration::from_millis(40);

/// What a stream went through on its way here.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Journey {
    /// Packets that should have come.
    pub expected: u64,
    /// Of them those that did not, or came when their time was over.
    pub lost: u64,
    /// How often one or more in a row were missing.
    pub gaps: u64,
    /// Interarrival jitter; the listener waits for twice as much.
    pub jitter: Duration,
    pub round_trip: Duration,
}

/// The transmission rating R, 0 to 93; none when too little came to say.
pub fn r_factor(journey: &Journey) -> Option<u8> {
    if journey.expected < LEAST_PACKETS {
        return None;
    }
    let delay = journey.round_trip / 2 + FRAMING + journey.jitter * 2;
    let rating = BEST - delay_impairment(delay) - loss_impairment(journey);
    Some(rating.round().clamp(0.0, 100.0) as u8)
}

/// The same but for delay: how it sounds to who only listens.
pub fn listening_r_factor(journey: &Journey) -> Option<u8> {
    let rating = BEST - loss_impairment(journey);
    (journey.expected >= LEAST_PACKETS).then(|| rating.round().clamp(0.0, 100.0) as u8)
}

fn delay_impairment(delay: Duration) -> f64 {
    let ms = delay.as_secs_f64() * 1_000.0;
    0.024 * ms + 0.11 * (ms - NOTICED_MS).max(0.0)
}

/// `Ie,eff` (G.107 §7.2.4): loss in bursts is worse than as much of it by chance.
fn loss_impairment(journey: &Journey) -> f64 {
    let lost = journey.lost.min(journey.expected) as f64;
    let share = lost / journey.expected as f64;
    let run = if journey.gaps == 0 { 1.0 } else { (lost / journey.gaps as f64).max(1.0) };
    let burst = (run * (1.0 - share)).max(1.0);
    let percent = 100.0 * share;
    95.0 * percent / (percent / burst + ROBUSTNESS)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rated(lost: u64, gaps: u64, jitter_ms: u64, round_trip_ms: u64) -> u8 {
        let (jitter, round_trip) = (Duration::from_millis(jitter_ms), Duration::from_millis(round_trip_ms));
        r_factor(&Journey { expected: 10_000, lost, gaps, jitter, round_trip }).unwrap()
    }

    #[test]
    fn what_networks_do_to_a_voice_is_rated_as_the_recommendation_has_it() {
        // 93.2 but for 40 ms of framing.
        assert_eq!(rated(0, 0, 0, 0), 92);
        // 1 %, 5 % and 20 % by chance: Ie,eff of 3.6, 15.8 and 42.1.
        assert_eq!([rated(100, 100, 0, 0), rated(500, 500, 0, 0), rated(2_000, 2_000, 0, 0)], [89, 76, 50]);
        // In bursts of ten: 5 % are as bad as more by chance, but never better.
        assert!(rated(500, 50, 0, 0) < rated(500, 500, 0, 0));
        assert_eq!(rated(500, 5_000, 0, 0), rated(500, 500, 0, 0));
        // 300 ms from mouth to ear: 0.024 · 300 + 0.11 · 122.7.
        assert_eq!(rated(0, 0, 30, 400), 73);
        assert_eq!(rated(10_000, 1, 0, 0), 16, "nothing came");
        assert_eq!(rated(10_000, 1, 0, 1_000), 0);
        let far = Journey { expected: 10_000, round_trip: Duration::from_secs(1), ..Journey::default() };
        assert_eq!(listening_r_factor(&far), Some(93), "who only listens does not notice");
    }

    #[test]
    fn a_second_must_have_been_heard() {
        let short = Journey { expected: 49, ..Journey::default() };
        assert_eq!((r_factor(&short), listening_r_factor(&short)), (None, None));
        assert_eq!(r_factor(&Journey { expected: 50, lost: 60, ..Journey::default() }), Some(16));
    }
}
