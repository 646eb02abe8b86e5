//! The header of a recording that was cut off says what there is, so that all of it plays.

use std::fs::OpenOptions;
use std::io;
use std::io::Read;
use std::os::unix::fs::FileExt;
use std::path::Path;

/// Where a header ends at the latest.
pub(in crate::server) const HEADER: usize = 128;

/// Makes the lengths that a WAV file's header says those of the file. What is no such file is left as it is.
pub(in crate::server) fn mend(path: &Path) -> io::Result<()> {
    let mut file = OpenOptions::new().read(true).write(true).open(path)?;
    let length = file.metadata()?.len();
    let mut header = Vec::with_capacity(HEADER);
    file.by_ref().take(HEADER as u64).read_to_end(&mut header)?;
    let Some((data, frame)) = sound(&header) else { return Ok(()) };
    let octets = length.saturating_sub(data as u64) / frame * frame;
    // No recording is longer than its header can say.
    let Ok(octets) = u32::try_from(octets) else { return Ok(()) };
    let (said, all) = (octets.to_le_bytes(), (octets + data as u32 - 8).to_le_bytes());
    if header[data - 4..data] != said || header[4..8] != all {
        file.write_all_at(&said, data as u64 - 4)?;
        file.write_all_at(&all, 4)?;
    }
    Ok(())
}

/// Where the samples begin, and how many octets those of one moment are.
fn sound(header: &[u8]) -> Option<(usize, u64)> {
    if header.get(..4)? != b"RIFF" || header.get(8..12)? != b"WAVE" {
        return None;
    }
    let (mut at, mut frame) = (12, None);
    loop {
        let length = u32::from_le_bytes(header.get(at + 4..at + 8)?.try_into().ok()?) as usize;
        match header.get(at..at + 4)? {
            b"data" => return Some((at + 8, frame?)),
            b"fmt " => {
                let octets = header.get(at + 20..at + 22)?.try_into().ok()?;
                frame = Some(u64::from(u16::from_le_bytes(octets))).filter(|octets| *octets > 0);
            }
            _ => {}
        }
        at = at.checked_add(8)?.checked_add(length)?;
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use hound::SampleFormat;
    use hound::WavReader;
    use hound::WavSpec;
    use hound::WavWriter;

    use super::*;

    #[test]
    fn a_recording_that_was_cut_off_plays_to_its_last_sample() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("7.wav");
        for channels in [1, 2] {
            let spec = WavSpec {
                channels,
                sample_rate: 8_000,
                bits_per_sample: 16,
                sample_format: SampleFormat::Int,
            };
            let mut writer = WavWriter::create(&path, spec).unwrap();
            (0..2_000).for_each(|sample| writer.write_sample(sample as i16).unwrap());
            writer.finalize().unwrap();
            let whole = fs::read(&path).unwrap();
            // More than the header knows of, and half a sample: or less than it says.
            for octets in [[&whole[..], &[7; 201]].concat(), whole[..whole.len() - 401].to_vec()] {
                fs::write(&path, &octets).unwrap();
                mend(&path).unwrap();
                let mended = WavReader::open(&path).unwrap();
                let samples = (octets.len() - (whole.len() - 4_000)) / 2 / channels as usize;
                assert_eq!(mended.duration() as usize, samples);
                assert!(mended.into_samples::<i16>().all(|sample| sample.is_ok()));
            }
        }
        for octets in [&b"RIFF"[..], b"", &[0; 300]] {
            fs::write(&path, octets).unwrap();
            mend(&path).unwrap();
            assert_eq!(fs::read(&path).unwrap(), octets);
        }
    }
}
