//! RTCP between a stream and a browser, in place: the stream speaks of its own source, the browser knows only the
//! connection's, which outlives every stream.

const SENDER_REPORT: u8 = 200;
const RECEIVER_REPORT: u8 = 201;
const DESCRIPTION: u8 = 202;
const BYE: u8 = 203;
/// A canonical name's item type ([RFC 3550 §6.5.1](https://www.rfc-editor.org/rfc/rfc3550#section-6.5.1)).
const CNAME: u8 = 1;
pub(super) const NAME: usize = 16;

/// The source that a browser knows, and how a stream's media time is moved to it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Known {
    pub ssrc: u32,
    pub timestamp_offset: u32,
    pub name: [u8; NAME],
}

/// Makes a stream's report one of the connection's, and gives its length: a BYE is left out, for it is the stream
/// that ends and not the source.
pub(super) fn outbound(compound: &mut [u8], known: Known) -> usize {
    let mut at = 0;
    while let Some(length) = length_at(compound, at) {
        let packet = &mut compound[at..at + length];
        match packet[1] {
            SENDER_REPORT if length >= 28 => {
                put(packet, 4, known.ssrc);
                let moved = get(packet, 16).wrapping_add(known.timestamp_offset);
                put(packet, 16, moved);
            }
            RECEIVER_REPORT if length >= 8 => put(packet, 4, known.ssrc),
            DESCRIPTION if length >= 10 + NAME && packet[8..10] == [CNAME, NAME as u8] => {
                put(packet, 4, known.ssrc);
                packet[10..10 + NAME].copy_from_slice(&known.name);
            }
            BYE => return at,
            _ => {}
        }
        at += length;
    }
    at
}

/// Makes what a browser reports on the connection's source, `ours`, a report on the stream's.
pub(super) fn inbound(compound: &mut [u8], ours: u32, stream: u32) {
    let mut at = 0;
    while let Some(length) = length_at(compound, at) {
        let packet = &mut compound[at..at + length];
        let blocks = match packet[1] {
            SENDER_REPORT => 28,
            RECEIVER_REPORT => 8,
            _ => length,
        };
        let count = usize::from(packet[0] & 0x1f);
        for block in packet.get_mut(blocks..).unwrap_or_default().chunks_exact_mut(24).take(count) {
            if get(block, 0) == ours {
                put(block, 0, stream);
            }
        }
        at += length;
    }
}

/// The length of the packet that begins there, when it is whole.
fn length_at(compound: &[u8], at: usize) -> Option<usize> {
    let [first, _, high, low] = *compound.get(at..)?.first_chunk()?;
    let length = 4 + 4 * usize::from(u16::from_be_bytes([high, low]));
    (first >> 6 == 2 && at + length <= compound.len()).then_some(length)
}

fn get(octets: &[u8], at: usize) -> u32 {
    octets[at..].first_chunk().map_or(0, |word| u32::from_be_bytes(*word))
}

fn put(octets: &mut [u8], at: usize, word: u32) {
    octets[at..at + 4].copy_from_slice(&word.to_be_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Entropy;
    use crate::base::Timestamp;
    use crate::media::reception::Block;
    use crate::media::rtcp::LONGEST;
    use crate::media::rtcp::Report;
    use crate::media::rtcp::Rtcp;
    use crate::media::rtcp::Sent;

    const STREAM: u32 = 0x1111_1111;
    const CONNECTION: u32 = 0x2222_2222;
    const BROWSER: u32 = 0x3333_3333;

    /// A stream's last report about a browser, with its BYE.
    fn goodbye(rtcp: &mut Rtcp) -> Vec<u8> {
        let sent = Sent { ssrc: STREAM, timestamp: 1_000, packets: 5, octets: 800 };
        let block =
            Block { ssrc: BROWSER, fraction_lost: 0, cumulative_lost: 0, highest_sequence: 9, jitter: 0 };
        let report = Report { sent, block: Some(block), metrics: None, round_trip: false };
        let mut into = [0; LONGEST];
        let length = rtcp.bye(Timestamp::from_secs(9), report, &mut into);
        into[..length].to_vec()
    }

    #[test]
    fn a_browser_hears_of_its_one_source_and_never_that_it_ended() {
        let mut rtcp = Rtcp::new(&mut Entropy::seeded(1));
        let mut report = goodbye(&mut rtcp);
        let known = Known { ssrc: CONNECTION, timestamp_offset: 500, name: *b"the one and only" };
        let length = outbound(&mut report, known);
        assert_eq!(length, report.len() - 8, "without the BYE");
        let report = &report[..length];
        let has = |word: u32| report.windows(4).any(|octets| octets == word.to_be_bytes());
        assert!(has(CONNECTION) && has(BROWSER) && has(1_500) && !has(STREAM) && !has(1_000));
        assert!(report.windows(NAME).any(|octets| octets == b"the one and only"));
    }

    #[test]
    fn a_stream_learns_its_round_trip_from_a_browser() {
        let mut rtcp = Rtcp::new(&mut Entropy::seeded(1));
        // A receiver report: the stream's report of second 2 (its middle 32 bits) came, and this left 1 s later.
        let mut report = vec![0x81, RECEIVER_REPORT, 0, 7];
        let words = [BROWSER, CONNECTION, 0, 9, 0, 2 << 16, 1 << 16];
        report.extend(words.iter().flat_map(|word: &u32| word.to_be_bytes()));
        inbound(&mut report, CONNECTION, STREAM);
        assert!(rtcp.receive(Timestamp::from_millis(3_040), STREAM, &report));
        let round_trip = rtcp.round_trip_us.unwrap();
        assert!((39_000..=41_000).contains(&round_trip), "{round_trip}");
    }

    #[test]
    fn what_is_cut_or_nonsense_is_left_alone() {
        let whole = goodbye(&mut Rtcp::new(&mut Entropy::seeded(1)));
        let known = Known { ssrc: CONNECTION, timestamp_offset: 0, name: [0; NAME] };
        for length in 0..whole.len() {
            outbound(&mut whole[..length].to_vec(), known);
            inbound(&mut whole[..length].to_vec(), STREAM, CONNECTION);
        }
        for octet in 0..=255 {
            let mut noise = [octet; 40];
            outbound(&mut noise, known);
            inbound(&mut noise, STREAM, CONNECTION);
        }
    }
}
