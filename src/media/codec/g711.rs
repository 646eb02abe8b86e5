//! G.711: µ-law and A-law to linear samples and back, by table.
//!
//! Leaves out which payload type a codec has (`sdp`) and how its packets look (`rtp`).

use crate::sdp::Codec;

/// Digital silence in µ-law: the code of +0.
pub const PCMU_SILENCE: u8 = 0xff;
/// Digital silence in A-law, which has no zero: the code of its smallest positive step.
pub const PCMA_SILENCE: u8 = 0xd5;

/// One of the two laws of [G.711](https://www.itu.int/rec/T-REC-G.711).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Law {
    Mu,
    A,
}

impl Law {
    /// The law of a codec; none when it is no G.711.
    pub const fn of(codec: Codec) -> Option<Law> {
        match codec {
            Codec::Pcmu => Some(Law::Mu),
            Codec::Pcma => Some(Law::A),
            Codec::G722 | Codec::Opus => None,
        }
    }

    /// The code that stands for silence.
    pub const fn silence(self) -> u8 {
        match self {
            Law::Mu => PCMU_SILENCE,
            Law::A => PCMA_SILENCE,
        }
    }

    /// One code as a 16-bit linear sample.
    pub fn decode(self, code: u8) -> i16 {
        match self {
            Law::Mu => MU_TO_LINEAR[usize::from(code)],
            Law::A => A_TO_LINEAR[usize::from(code)],
        }
    }

    /// A 16-bit linear sample as the code of its interval.
    pub fn encode(self, sample: i16) -> u8 {
        // µ-law looks at 14 bits of a sample and A-law at 13, so a table of 2^14 serves each exactly.
        let at = usize::from((sample as u16) >> 2);
        match self {
            Law::Mu => LINEAR_TO_MU[at],
            Law::A => LINEAR_TO_A[at],
        }
    }
}

/// Turns `codes` of one law into the other, in place.
pub fn transcode(codes: &mut [u8], from: Law, to: Law) {
    let table = match (from, to) {
        (Law::Mu, Law::A) => &MU_TO_A,
        (Law::A, Law::Mu) => &A_TO_MU,
        (Law::Mu, Law::Mu) | (Law::A, Law::A) => return,
    };
    for code in codes {
        *code = table[usize::from(*code)];
    }
}

static MU_TO_LINEAR: [i16; 256] = decode_table(Law::Mu);
static A_TO_LINEAR: [i16; 256] = decode_table(Law::A);
static LINEAR_TO_MU: [u8; 1 << 14] = encode_table(Law::Mu);
static LINEAR_TO_A: [u8; 1 << 14] = encode_table(Law::A);
static MU_TO_A: [u8; 256] = transcode_table(Law::Mu, Law::A);
static A_TO_MU: [u8; 256] = transcode_table(Law::A, Law::Mu);

const fn decode_table(law: Law) -> [i16; 256] {
    let mut table = [0; 256];
    let mut code = 0;
    while code < 256 {
        table[code] = decode(law, code as u8);
        code += 1;
    }
    table
}

const fn encode_table(law: Law) -> [u8; 1 << 14] {
    let mut table = [0; 1 << 14];
    let mut at = 0;
    while at < 1 << 14 {
        table[at] = encode(law, ((at as u16) << 2) as i16);
        at += 1;
    }
    table
}

const fn transcode_table(from: Law, to: Law) -> [u8; 256] {
    let mut table = [0; 256];
    let mut code = 0;
    while code < 256 {
        table[code] = encode(to, decode(from, code as u8));
        code += 1;
    }
    table
}

/// The codes are sent inverted (µ-law) or with every other bit inverted (A-law); below that both are
/// sign, three bits of segment and four bits of step.
const fn decode(law: Law, code: u8) -> i16 {
    let plain = match law {
        Law::Mu => !code,
        Law::A => code ^ 0xd5,
    };
    let (segment, step) = ((plain >> 4) & 7, (plain & 15) as i16);
    let magnitude = match law {
        // The middle of the step, in a scale that a bias of 33 (of 14 bits) makes purely exponential.
        Law::Mu => (((step << 1) + 33) << (segment + 2)) - (33 << 2),
        Law::A if segment == 0 => (step << 4) + 8,
        Law::A => ((step << 4) + 0x108) << (segment - 1),
    };
    if plain & 0x80 == 0 { magnitude } else { -magnitude }
}

const fn encode(law: Law, sample: i16) -> u8 {
    // One's complement for negative samples: so the intervals of both signs mirror each other.
    let positive = if sample < 0 { !sample } else { sample };
    let sign = if sample < 0 { 0x80 } else { 0 };
    match law {
        Law::Mu => {
            let biased = if (positive >> 2) + 33 > 0x1fff { 0x1fff } else { (positive >> 2) + 33 };
            // `biased` lies in 33..=8191, so its highest bit is one of 5..=12.
            let segment = 10 - biased.leading_zeros() as i16;
            let step = (biased >> (segment + 1)) & 15;
            !(sign | ((segment as u8) << 4) | step as u8)
        }
        Law::A => {
            let coarse = positive >> 4;
            let (segment, step) = if coarse < 32 {
                (coarse >> 4, coarse & 15)
            } else {
                let segment = 12 - coarse.leading_zeros() as i16;
                (segment, (coarse >> (segment - 1)) & 15)
            };
            (sign | ((segment as u8) << 4) | step as u8) ^ 0xd5
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BOTH: [Law; 2] = [Law::Mu, Law::A];

    #[test]
    fn the_ends_and_the_middle_are_those_of_the_recommendation() {
        // G.711 tables 1 and 2: the largest outputs are 4032 of 13 bits (A) and 8031 of 14 bits (µ).
        assert_eq!((Law::A.decode(0xaa), Law::A.decode(0x2a)), (4032 << 3, -(4032 << 3)));
        assert_eq!((Law::Mu.decode(0x80), Law::Mu.decode(0x00)), (8031 << 2, -(8031 << 2)));
        assert_eq!((Law::Mu.decode(0xff), Law::Mu.decode(0x7f)), (0, 0));
        assert_eq!((Law::A.decode(0xd5), Law::A.decode(0x55)), (8, -8));
        for law in BOTH {
            assert_eq!(law.encode(0), law.silence());
        }
        assert_eq!((Law::Mu.encode(i16::MAX), Law::Mu.encode(i16::MIN)), (0x80, 0x00));
        assert_eq!((Law::A.encode(i16::MAX), Law::A.encode(i16::MIN)), (0xaa, 0x2a));
    }

    #[test]
    #[expect(clippy::approx_constant, reason = "3.14 dBm0 is A-law's overload point, and no π")]
    fn the_digital_milliwatt_is_one_kilohertz_at_0_dbm0_in_both_laws() {
        // G.711 tables 5 and 6. A sine that reaches the virtual decision value, 4096 of 13 bits in A-law and
        // 8159 of 14 bits in µ-law, has 3.14 and 3.17 dBm0.
        let a = [0x34u8, 0x21, 0x21, 0x34, 0xb4, 0xa1, 0xa1, 0xb4];
        let mu = [0x1eu8, 0x0b, 0x0b, 0x1e, 0x9e, 0x8b, 0x8b, 0x9e];
        for (law, codes, peak, peak_dbm0) in
            [(Law::A, a, 4096.0 * 8.0, 3.14), (Law::Mu, mu, 8159.0 * 4.0, 3.17)]
        {
            let power: f64 = codes.iter().map(|code| f64::from(law.decode(*code)).powi(2)).sum::<f64>() / 8.0;
            let dbm0 = peak_dbm0 + 10.0 * (power / (peak * peak / 2.0_f64)).log10();
            assert!(dbm0.abs() < 0.005, "{law:?}: {dbm0} dBm0");
        }
    }

    #[test]
    fn every_code_survives_decoding_and_encoding() {
        for code in 0..=255 {
            assert_eq!(Law::A.encode(Law::A.decode(code)), code);
            // µ-law has two codes for zero; the negative one comes back as the positive one.
            let expected = if code == 0x7f { 0xff } else { code };
            assert_eq!(Law::Mu.encode(Law::Mu.decode(code)), expected);
        }
    }

    #[test]
    fn every_sample_is_coded_within_half_a_step() {
        for law in BOTH {
            for sample in i16::MIN..=i16::MAX {
                let (heard, said) = (i32::from(law.decode(law.encode(sample))), i32::from(sample));
                // A step is a sixteenth of where its segment begins (µ-law: with the bias); clipped at the top.
                let most = ((said.abs() + 132) / 32).max(8) + 4;
                assert!((heard - said).abs() <= most || said.abs() > 31_000, "{law:?} {said} {heard}");
            }
        }
    }

    #[test]
    fn silence_stays_silence_in_the_other_law() {
        let mut codes = [PCMU_SILENCE; 4];
        transcode(&mut codes, Law::Mu, Law::A);
        assert_eq!(codes, [PCMA_SILENCE; 4]);
        transcode(&mut codes, Law::A, Law::Mu);
        assert!(codes.iter().all(|code| Law::Mu.decode(*code).abs() <= 8));
    }
}
