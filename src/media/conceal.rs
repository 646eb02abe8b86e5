//! What is heard where nothing came, and sound that is made a little longer or shorter: whole periods of the voice,
//! repeated or left out.
//!
//! It works on samples and knows no packets. A lost packet is filled with the last period of the voice, fading
//! out, as in [G.711 Appendix I](https://www.itu.int/rec/T-REC-G.711); a delay is changed by one period at a time
//! under a cross-fade, so that neither is a click.

use crate::media::frame::Rate;

/// Of what came last, so much is kept: 40 ms of 16 kHz.
const PAST: usize = 640;
/// The voice is faded out by so much of a second, when nothing comes.
const FADE_PARTS: usize = 16;
/// A cross-fade back to what came: 5 ms are a 200th of a second.
const MERGE_PARTS: usize = 200;

/// See the module.
#[derive(Clone, Debug)]
pub(super) struct Conceal {
    rate: Rate,
    /// The latest samples that came, oldest first.
    past: [i16; PAST],
    /// What goes on while nothing comes.
    going_on: Option<GoingOn>,
}

#[derive(Clone, Copy, Debug)]
struct GoingOn {
    period: usize,
    /// Samples made so far.
    made: usize,
    /// By how much the last period begins off from where the sound was.
    step: i32,
}

impl Conceal {
    pub(super) fn new(rate: Rate) -> Conceal {
        Conceal { rate, past: [0; PAST], going_on: None }
    }

    /// The shortest and the longest period of a voice: 400 and 66 Hz.
    fn periods(&self) -> (usize, usize) {
        let hz = self.rate.hz() as usize;
        (hz / 400, hz / 66)
    }

    /// The longest period, of which two are needed to leave one out.
    pub(super) fn longest(&self) -> usize {
        self.periods().1
    }

    /// These samples came.
    pub(super) fn came(&mut self, samples: &[i16]) {
        let samples = &samples[samples.len().saturating_sub(PAST)..];
        self.past.copy_within(samples.len().., 0);
        self.past[PAST - samples.len()..].copy_from_slice(samples);
    }

    /// Goes on with the sound of before, ever more quietly.
    pub(super) fn fill(&mut self, into: &mut [i16]) {
        let going_on = match self.going_on {
            Some(going_on) => going_on,
            None => {
                let period = self.period_of(&self.past[PAST - 2 * self.longest()..]);
                let last = i32::from(self.past[PAST - 1]);
                let step = last - i32::from(self.past[PAST - 1 - period]);
                GoingOn { period, made: 0, step }
            }
        };
        let GoingOn { period, mut made, step } = going_on;
        let fade = self.rate.hz() as usize / FADE_PARTS;
        let smooth = period / 2;
        for (n, sample) in into.iter_mut().enumerate() {
            let source = PAST - period + (made + n) % period;
            let mut value = i32::from(self.past[source]);
            if made + n < smooth {
                value += step * (smooth - made - n) as i32 / smooth as i32;
            }
            let left = fade.saturating_sub(made + n) as i32;
            *sample = clip(value * left / fade as i32);
        }
        made += into.len();
        // The past stays as it was while this goes on: it is what is repeated.
        self.going_on = Some(GoingOn { period, made, step });
    }

    /// What came follows: faded in over what goes on.
    pub(super) fn merge(&mut self, samples: &mut [i16]) {
        if self.going_on.is_none() {
            return;
        }
        let mut overlap = [0; PAST];
        let length = (self.rate.hz() as usize / MERGE_PARTS).min(samples.len());
        self.fill(&mut overlap[..length]);
        cross_fade(&overlap[..length], &mut samples[..length]);
        self.going_on = None;
    }

    /// Leaves out one period of the samples that are to be heard next; how many samples that is. Two of the
    /// longest period must be there.
    pub(super) fn shorten(&self, samples: &mut Vec<i16>) -> usize {
        let longest = self.longest();
        if samples.len() < 2 * longest {
            return 0;
        }
        let period = self.period_of(&samples[..2 * longest]);
        for n in 0..period {
            let (fading, coming) = (i32::from(samples[n]), i32::from(samples[n + period]));
            samples[n] = (fading + (coming - fading) * n as i32 / period as i32) as i16;
        }
        samples.drain(period..2 * period);
        period
    }

    /// Repeats the first period of the samples that are to be heard next; how many samples that is. Where two of
    /// the longest period are not there, a shorter one will do.
    pub(super) fn lengthen(&self, samples: &mut Vec<i16>) -> usize {
        let (shortest, longest) = self.periods();
        let longest = longest.min(samples.len() / 2);
        if longest < 2 * shortest {
            return 0;
        }
        let period = self.period_of(&samples[..2 * longest]);
        let mut repeated = [0; PAST];
        let repeated = &mut repeated[..period];
        repeated.copy_from_slice(&samples[..period]);
        cross_fade(&samples[period..2 * period], repeated);
        samples.splice(period..period, repeated.iter().copied());
        period
    }

    /// The period at which a sound is most like itself, at most half of its length.
    fn period_of(&self, samples: &[i16]) -> usize {
        let (shortest, longest) = (self.periods().0, samples.len() / 2);
        // Every other sample at 16 kHz says as much about a voice as each at 8 kHz.
        let step = self.rate.samples() / Rate::Narrow.samples();
        let window = &samples[samples.len() - longest..];
        let likeness = |period: usize| {
            let before = &samples[samples.len() - longest - period..];
            let (mut product, mut power) = (0i64, 1i64);
            for (a, b) in window.iter().zip(before).step_by(step) {
                product += i64::from(*a) * i64::from(*b);
                power += i64::from(*b) * i64::from(*b);
            }
            // Of the sign's and the square's order without a root for each.
            product as f32 * product.abs() as f32 / power as f32
        };
        let mut best = (shortest, f32::MIN);
        for period in (shortest..=longest).step_by(step) {
            let like = likeness(period);
            if like > best.1 {
                best = (period, like);
            }
        }
        best.0
    }
}

/// Fades from one sound to the other, which it becomes.
fn cross_fade(from: &[i16], to: &mut [i16]) {
    let length = to.len().max(1) as i32;
    for (n, (to, from)) in to.iter_mut().zip(from).enumerate() {
        let (coming, fading) = (i32::from(*to), i32::from(*from));
        *to = (fading + (coming - fading) * n as i32 / length) as i16;
    }
}

fn clip(value: i32) -> i16 {
    value.clamp(i16::MIN.into(), i16::MAX.into()) as i16
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tone(rate: Rate, hz: f64, from: usize, samples: usize) -> Vec<i16> {
        let at = |n: usize| {
            (8_000.0 * (std::f64::consts::TAU * hz * n as f64 / f64::from(rate.hz())).sin()) as i16
        };
        (from..from + samples).map(at).collect()
    }

    /// The largest change of slope, which a click has and a tone has not.
    fn sharpest(samples: &[i16]) -> i32 {
        let bend = |w: &[i16]| (i32::from(w[0]) - 2 * i32::from(w[1]) + i32::from(w[2])).abs();
        samples.windows(3).map(bend).max().unwrap()
    }

    const RATES: [Rate; 2] = [Rate::Narrow, Rate::Wide];
    /// Of voices.
    const PITCHES: [f64; 5] = [82.0, 110.0, 157.0, 233.0, 310.0];

    #[test]
    fn a_voice_goes_on_where_nothing_came_and_returns_without_a_click() {
        for rate in RATES {
            for hz in PITCHES {
                let mut conceal = Conceal::new(rate);
                let frame = rate.samples();
                let said = tone(rate, hz, 0, 12 * frame);
                conceal.came(&said[..4 * frame]);
                let mut heard = said[..4 * frame].to_vec();
                let mut lost = vec![0; frame];
                conceal.fill(&mut lost);
                heard.extend(&lost);
                let mut back = said[5 * frame..].to_vec();
                conceal.merge(&mut back);
                heard.extend(&back);
                let alike = crate::media::quality::level_db(&lost, &said[4 * frame..5 * frame]);
                assert!((-5.0..0.5).contains(&alike), "{rate:?} {hz} Hz: {alike} dB");
                assert!(
                    sharpest(&heard) < 3 * sharpest(&said) + 200,
                    "{rate:?} {hz} Hz: {}",
                    sharpest(&heard)
                );
            }
        }
    }

    #[test]
    fn after_sixty_milliseconds_of_nothing_there_is_silence() {
        let mut conceal = Conceal::new(Rate::Narrow);
        conceal.came(&tone(Rate::Narrow, 150.0, 0, 640));
        let mut filled = [0; 800];
        for part in filled.chunks_mut(160) {
            conceal.fill(part);
        }
        assert!(filled[..160].iter().any(|sample| sample.unsigned_abs() > 4_000));
        assert!(filled[500..].iter().all(|sample| *sample == 0));
    }

    #[test]
    fn a_tone_is_made_longer_and_shorter_and_stays_that_tone() {
        for rate in RATES {
            for hz in PITCHES {
                let conceal = Conceal::new(rate);
                let said = tone(rate, hz, 0, 1_280);
                let mut longer = said[640..].to_vec();
                let added = conceal.lengthen(&mut longer);
                let mut shorter = said[640..].to_vec();
                let removed = conceal.shorten(&mut shorter);
                assert_eq!((longer.len(), shorter.len()), (640 + added, 640 - removed));
                assert!(added > 0 && removed > 0);
                for changed in [longer, shorter] {
                    let heard = [&said[..640], &changed].concat();
                    assert!(
                        sharpest(&heard) < 2 * sharpest(&said) + 60,
                        "{rate:?} {hz} Hz: {}",
                        sharpest(&heard)
                    );
                    let alike = crate::media::quality::level_db(&changed, &said);
                    assert!(alike.abs() < 1.0, "{rate:?} {hz} Hz: {alike} dB");
                }
            }
        }
    }

    #[test]
    fn what_is_too_short_to_be_changed_is_left_as_it_is() {
        let conceal = Conceal::new(Rate::Wide);
        let mut short = vec![1; 100];
        assert_eq!((conceal.shorten(&mut short), conceal.lengthen(&mut short)), (0, 0));
        assert_eq!(short, [1; 100]);
    }
}
