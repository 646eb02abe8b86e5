//! Any telephone-event packets: a digit is one of sixteen, and no media time tells two.

#![no_main]

use libfuzzer_sys::fuzz_target;
use warmline::media::dtmf;
use warmline::media::dtmf::DigitReceiver;
use warmline::media::rtp::Header;

fuzz_target!(|data: &[u8]| {
    let mut receiver = DigitReceiver::default();
    let mut told_before = None;
    for (sequence, packet) in data.chunks(6).enumerate() {
        let Some((&[high, low], payload)) = packet.split_first_chunk() else { return };
        // Media times that collide, follow each other and lie behind.
        let timestamp = u32::from(u16::from_be_bytes([high, low])).wrapping_mul(160);
        let header = Header { marker: false, payload_type: 101, sequence: sequence as u16, timestamp, ssrc: 1 };
        let Some(digit) = receiver.receive(&header, payload) else { continue };
        assert!(dtmf::event(digit).is_some_and(|event| payload[0] == event));
        assert_ne!(told_before.replace(timestamp), Some(timestamp));
        assert_eq!(receiver.receive(&header, payload), None, "told once");
    }
});
