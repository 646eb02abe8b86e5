//! Any stream, read in any pieces: the pieces do not change what is framed. The first byte is the size
//! of the reads.

#![no_main]

use libfuzzer_sys::fuzz_target;
use warmline::sip::message::Framed;
use warmline::sip::message::FramingError;
use warmline::sip::message::Message;
use warmline::sip::message::StreamFramer;

fuzz_target!(|data: &[u8]| {
    let Some((&size, stream)) = data.split_first() else { return };
    let framed = frame(stream, usize::from(size) + 1);
    assert_eq!(framed, frame(stream, usize::MAX));
    for message in framed.0 {
        if let Framed::Message(bytes) = message {
            let _ = Message::parse(bytes);
        }
    }
});

fn frame(stream: &[u8], size: usize) -> (Vec<Framed>, Option<FramingError>) {
    let (mut framer, mut framed) = (StreamFramer::new(), Vec::new());
    for read in stream.chunks(size) {
        framer.push(read);
        loop {
            match framer.next() {
                Ok(Some(one)) => framed.push(one),
                Ok(None) => break,
                Err(error) => return (framed, Some(error)),
            }
        }
    }
    (framed, None)
}
