//! Keys as tones in the audio itself (ITU-T Q.23), for legs that have no telephone-event: heard and made.
//!
//! Hearing them is a matter of not hearing them in speech. A pair of tones counts when it is nearly all of the
//! sound, each of its two is far above its neighbours and not much louder than the other, and that for four
//! windows in a row, which 40 ms hold and 23 ms do not ([Q.24](https://www.itu.int/rec/T-REC-Q.24)).

use std::collections::VecDeque;
use std::f32::consts::TAU;
use std::time::Duration;

/// Samples per second of everything here.
const RATE: f32 = 8_000.0;
const ROWS: [f32; 4] = [697.0, 770.0, 852.0, 941.0];
const COLUMNS: [f32; 4] = [1_209.0, 1_336.0, 1_477.0, 1_633.0];
const KEYS: [[char; 4]; 4] =
    [['1', '2', '3', 'A'], ['4', '5', '6', 'B'], ['7', '8', '9', 'C'], ['*', '0', '#', 'D']];

/// Samples of a window, 12.75 ms, and by how many the next one is later.
const WINDOW: usize = 102;
const HOP: usize = WINDOW / 2;
/// Windows in a row that make a press, and that end it: shorter interruptions are bridged.
const PRESSED_AFTER: u8 = 4;
const RELEASED_AFTER: u8 = 4;
/// The least amplitude of each tone: -30 dBm0.
const LEAST_AMPLITUDE: f32 = 720.0;
/// How much of the sound the two must be, at least.
const SHARE: f32 = 0.75;
/// How much a tone's power must be above that of the other rows or columns: 8 dB.
const ABOVE_OTHERS: f32 = 6.3;
/// How much louder the column may be than the row (4 dB), and the row than the column (8 dB).
const TWIST: f32 = 2.51;
const REVERSE_TWIST: f32 = 6.31;

/// Hears presses in audio.
#[derive(Clone, Debug)]
pub struct ToneReceiver {
    window: [f32; WINDOW],
    filled: usize,
    /// What the latest windows held, and how many in a row.
    latest: Option<char>,
    in_a_row: u8,
    /// The key that is held down.
    pressed: Option<char>,
    released: u8,
    /// Goertzel's coefficients for rows and columns.
    coefficients: [f32; 8],
}

impl Default for ToneReceiver {
    fn default() -> ToneReceiver {
        let mut coefficients = [0.0; 8];
        for (coefficient, hz) in coefficients.iter_mut().zip(ROWS.iter().chain(&COLUMNS)) {
            *coefficient = 2.0 * (TAU * hz / RATE).cos();
        }
        let (window, filled) = ([0.0; WINDOW], 0);
        ToneReceiver { window, filled, latest: None, in_a_row: 0, pressed: None, released: 0, coefficients }
    }
}

impl ToneReceiver {
    /// Takes the next samples at 8 kHz, and tells each key whose press is sure by now.
    pub fn listen(&mut self, samples: impl IntoIterator<Item = i16>, mut told: impl FnMut(char)) {
        for sample in samples {
            self.window[self.filled] = f32::from(sample);
            self.filled += 1;
            if self.filled == WINDOW {
                let heard = self.key_in_window();
                if let Some(key) = self.count(heard) {
                    told(key);
                }
                self.window.copy_within(HOP.., 0);
                self.filled = WINDOW - HOP;
            }
        }
    }

    /// Whether a key is held down, as far as that is sure.
    pub fn is_pressed(&self) -> bool {
        self.pressed.is_some()
    }

    /// Takes what a window held; the key whose press it makes sure.
    fn count(&mut self, heard: Option<char>) -> Option<char> {
        self.in_a_row = if heard == self.latest { self.in_a_row.saturating_add(1) } else { 1 };
        self.latest = heard;
        self.released = if heard == self.pressed { 0 } else { self.released.saturating_add(1) };
        if self.released >= RELEASED_AFTER {
            self.pressed = None;
        }
        let sure = heard.filter(|_| self.in_a_row >= PRESSED_AFTER && self.pressed != heard)?;
        (self.pressed, self.released) = (Some(sure), 0);
        Some(sure)
    }

    fn key_in_window(&self) -> Option<char> {
        let energy: f32 = self.window.iter().map(|sample| sample * sample).sum();
        let length = WINDOW as f32;
        let least = (LEAST_AMPLITUDE * length / 2.0).powi(2);
        // Two tones of the least amplitude have so much energy; in silence there is nothing to look for.
        if energy < LEAST_AMPLITUDE * LEAST_AMPLITUDE * length / 2.0 {
            return None;
        }
        let powers = self.coefficients.map(|coefficient| self.power(coefficient));
        let (row, row_power) = strongest(&powers[..4])?;
        let (column, column_power) = strongest(&powers[4..])?;
        let is_key = row_power >= least
            && column_power >= least
            && column_power <= row_power * TWIST
            && row_power <= column_power * REVERSE_TWIST
            && 2.0 * (row_power + column_power) >= SHARE * length * energy;
        is_key.then(|| KEYS[row][column])
    }

    /// Goertzel's algorithm: the power of one frequency in the window.
    fn power(&self, coefficient: f32) -> f32 {
        let (mut last, mut before) = (0.0, 0.0);
        for sample in &self.window {
            (last, before) = (sample + coefficient * last - before, last);
        }
        last * last + before * before - coefficient * last * before
    }
}

/// The one that is far above all the others.
fn strongest(powers: &[f32]) -> Option<(usize, f32)> {
    let (place, power) = powers.iter().copied().enumerate().max_by(|a, b| a.1.total_cmp(&b.1))?;
    let alone = powers.iter().enumerate().all(|(other, less)| other == place || less * ABOVE_OTHERS <= power);
    alone.then_some((place, power))
}

/// How many presses wait to be sent; another is dropped.
const PENDING: usize = 64;
/// Of each of the two tones, of 32 768: together -7 dBm0.
const AMPLITUDE: f32 = 7_200.0;
/// The rise and fall of a tone, in ms: without it, its beginning is a click.
const EDGE_MS: f32 = 2.0;
/// The pause after a press, in frames.
const PAUSE_FRAMES: u32 = 3;

/// Makes presses, one after the other, a frame of 20 ms at a time.
#[derive(Clone, Debug, Default)]
pub struct ToneSender {
    pending: VecDeque<(f32, f32, u32)>,
    /// Rows and columns in Hz, how many frames it shall last, and how many are over.
    current: Option<(f32, f32, u32, u32)>,
}

impl ToneSender {
    /// Sends `digit` after those that wait; false when it is no key or too many wait. The duration is rounded up to
    /// frames: at least 60 ms, at most 8 s.
    pub fn push(&mut self, digit: char, duration: Duration) -> bool {
        let digit = digit.to_ascii_uppercase();
        let place = KEYS.as_flattened().iter().position(|key| *key == digit);
        let Some(place) = place.filter(|_| self.pending.len() < PENDING) else { return false };
        let frames = duration.as_millis().div_ceil(20).clamp(3, 400) as u32;
        self.pending.push_back((ROWS[place / 4], COLUMNS[place % 4], frames));
        true
    }

    /// Whether nothing is being sent.
    pub fn is_idle(&self) -> bool {
        self.current.is_none() && self.pending.is_empty()
    }

    /// Writes the next frame, at whatever rate it has; false when nothing is being sent.
    pub fn frame(&mut self, into: &mut [i16]) -> bool {
        if self.current.is_none() {
            self.current = self.pending.pop_front().map(|(row, column, frames)| (row, column, frames, 0));
        }
        let Some((row, column, frames, over)) = self.current else { return false };
        into.fill(0);
        if over < frames {
            let rate = into.len() as f32 * 50.0;
            let edge = rate * EDGE_MS / 1_000.0;
            let total = frames as usize * into.len();
            for (n, sample) in into.iter_mut().enumerate() {
                let at = over as usize * rate as usize / 50 + n;
                let loud = (at as f32 / edge).min((total - at) as f32 / edge).min(1.0);
                let wave = |hz: f32| (TAU * (hz * at as f32 / rate).fract()).sin();
                *sample = (AMPLITUDE * loud * (wave(row) + wave(column))) as i16;
            }
        }
        self.current = (over + 1 < frames + PAUSE_FRAMES).then_some((row, column, frames, over + 1));
        true
    }
}

#[cfg(test)]
mod tests;
