//! Any bytes as what a program that speaks has written: no panic, and what is taken is a clip.
#![no_main]

use libfuzzer_sys::fuzz_target;
use warmline::media::Clip;
use warmline::media::spoken::levelled;

fuzz_target!(|data: &[u8]| {
    if let Ok(wav) = levelled("text", data) {
        let clip = Clip::from_wav("text", &wav).expect("what we wrote can be read");
        assert!(clip.frames() > 0);
    }
});
