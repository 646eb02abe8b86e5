//! How the packets of one stream are secured whose far end is a pair of sockets: not at all, or by SRTP with the keys
//! that signalling brought. What fails to be secured is not sent.

use rtc_crypto::CryptoError;
use rtc_crypto::RTCCryptoProvider;

use crate::sdp::Srtp;
use crate::wire::srtp::Ways;

/// See the module.
#[derive(Default)]
pub(super) enum Security {
    #[default]
    Plain,
    Srtp(Box<Keys>),
    /// It should be secured and cannot be: nothing goes, nothing comes.
    Broken,
}

/// What was agreed on, and what is done by it.
pub(super) struct Keys {
    agreed: Srtp,
    ways: Ways,
}

impl Security {
    /// What was agreed on now. The same keys as before go on counting.
    pub fn agree(&mut self, agreed: Option<&Srtp>, provider: &dyn RTCCryptoProvider) {
        *self = match (std::mem::take(self), agreed) {
            (_, None) => Security::Plain,
            (Security::Srtp(keys), Some(agreed)) if keys.agreed == *agreed => Security::Srtp(keys),
            (_, Some(agreed)) => match Keys::new(agreed, provider) {
                Ok(keys) => Security::Srtp(Box::new(keys)),
                Err(error) => {
                    tracing::error!(%error, "a stream cannot be secured");
                    Security::Broken
                }
            },
        };
    }

    /// Whether packets go as they are.
    pub fn is_plain(&self) -> bool {
        matches!(self, Security::Plain)
    }

    /// Opens a packet that came, in place: how long it is then; none when it is not what was agreed on.
    pub fn open(&mut self, packet: &mut [u8], is_rtcp: bool) -> Option<usize> {
        match self {
            Security::Plain => Some(packet.len()),
            Security::Broken => None,
            Security::Srtp(keys) => keys.ways.open(packet, is_rtcp),
        }
    }

    /// Seals the packet in the first `length` octets of a buffer with room for
    /// [`OVERHEAD`](crate::wire::srtp::OVERHEAD) more: how long it is then; none when it cannot go.
    pub fn seal(&mut self, buffer: &mut [u8], length: usize, is_rtcp: bool) -> Option<usize> {
        match self {
            Security::Plain => Some(length),
            Security::Broken => None,
            Security::Srtp(keys) => keys.ways.seal(buffer, length, is_rtcp),
        }
    }
}

impl Keys {
    fn new(agreed: &Srtp, provider: &dyn RTCCryptoProvider) -> Result<Keys, CryptoError> {
        let ways = Ways::new(agreed.suite, &agreed.ours, &agreed.theirs, provider.crypto())?;
        Ok(Keys { ways, agreed: agreed.clone() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Entropy;
    use crate::media::rtp::HEADER;
    use crate::media::rtp::Header;
    use crate::sdp::crypto::MasterKey;
    use crate::sdp::crypto::Suite;
    use crate::wire::srtp::OVERHEAD;

    fn packet(sequence: u16) -> Vec<u8> {
        let mut packet = vec![7; HEADER + 160];
        let header = Header { marker: false, payload_type: 0, sequence, timestamp: 160, ssrc: 9 };
        header.write(packet.first_chunk_mut().unwrap());
        packet
    }

    fn sealed(security: &mut Security, packet: &[u8]) -> Vec<u8> {
        let mut buffer = [packet, &[0; OVERHEAD]].concat();
        let length = security.seal(&mut buffer, packet.len(), false).unwrap();
        buffer.truncate(length);
        buffer
    }

    fn opened(security: &mut Security, packet: &[u8]) -> Option<Vec<u8>> {
        let mut packet = packet.to_vec();
        let length = security.open(&mut packet, false)?;
        packet.truncate(length);
        Some(packet)
    }

    #[test]
    fn what_one_side_secures_the_other_opens_once_and_nobody_else_does() {
        let provider = rtc_crypto::default_provider().unwrap();
        let mut entropy = Entropy::seeded(3);
        for suite in Suite::ALL {
            let (ours, theirs) = (MasterKey::draw(suite, &mut entropy), MasterKey::draw(suite, &mut entropy));
            let agreed = Srtp { suite, ours: ours.clone(), theirs: theirs.clone() };
            let mut here = Security::default();
            here.agree(Some(&agreed), provider.as_ref());
            let mut there = Security::default();
            there.agree(Some(&Srtp { suite, ours: theirs, theirs: ours }), provider.as_ref());
            let first = sealed(&mut here, &packet(1));
            assert!(first.len() > packet(1).len() && first[HEADER..HEADER + 160] != packet(1)[HEADER..]);
            // The same keys once more, by a session that was refreshed: what came before stays known.
            there.agree(there_again(&there).as_ref(), provider.as_ref());
            assert_eq!(opened(&mut there, &first), Some(packet(1)), "{suite:?}");
            assert_eq!(opened(&mut there, &first), None, "again");
            let mut bent = sealed(&mut here, &packet(2));
            *bent.last_mut().unwrap() ^= 1;
            assert_eq!(opened(&mut there, &bent), None, "changed on its way");
            assert_eq!(opened(&mut there, &packet(3)), None, "plain");
            assert_eq!(opened(&mut here, &first), None, "by its own key");
        }
    }

    fn there_again(security: &Security) -> Option<Srtp> {
        match security {
            Security::Srtp(keys) => Some(keys.agreed.clone()),
            _ => None,
        }
    }
}
