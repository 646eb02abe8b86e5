//! How the packets of one stream are secured whose far end is a pair of sockets: not at all, or by SRTP with the keys
//! that signalling brought ([RFC 3711](https://www.rfc-editor.org/rfc/rfc3711)). What fails to be secured is not sent.

use rtc_crypto::RTCCryptoProvider;
use rtc_srtp::context::Context;
use rtc_srtp::option::srtcp_replay_protection;
use rtc_srtp::option::srtp_replay_protection;
use rtc_srtp::protection_profile::ProtectionProfile;

use crate::sdp::Srtp;
use crate::sdp::crypto::MasterKey;
use crate::sdp::crypto::Suite;

/// Packets of the past within which a repeated one is recognised.
const REPLAY_WINDOW: usize = 64;

/// See the module.
#[derive(Default)]
pub(super) enum Security {
    #[default]
    Plain,
    Srtp(Box<Keys>),
    /// It should be secured and cannot be: nothing goes, nothing comes.
    Broken,
}

/// Both ways of a stream.
pub(super) struct Keys {
    agreed: Srtp,
    ours: Context,
    theirs: Context,
}

/// A packet on its way through.
pub(super) enum Passed<'a> {
    AsItIs(&'a [u8]),
    Changed(bytes::BytesMut),
    /// It is not what was agreed on, or cannot be made so.
    Refused,
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

    /// A packet that came.
    pub fn open<'a>(&mut self, packet: &'a [u8], is_rtcp: bool) -> Passed<'a> {
        match self {
            Security::Plain => Passed::AsItIs(packet),
            Security::Broken => Passed::Refused,
            Security::Srtp(keys) => changed(match is_rtcp {
                true => keys.theirs.decrypt_rtcp(packet),
                false => keys.theirs.decrypt_rtp(packet),
            }),
        }
    }

    /// A packet that is to go.
    pub fn seal<'a>(&mut self, packet: &'a [u8], is_rtcp: bool) -> Passed<'a> {
        match self {
            Security::Plain => Passed::AsItIs(packet),
            Security::Broken => Passed::Refused,
            Security::Srtp(keys) => changed(match is_rtcp {
                true => keys.ours.encrypt_rtcp(packet),
                false => keys.ours.encrypt_rtp(packet),
            }),
        }
    }
}

fn changed<'a, E>(packet: Result<bytes::BytesMut, E>) -> Passed<'a> {
    packet.map_or(Passed::Refused, Passed::Changed)
}

impl Keys {
    fn new(agreed: &Srtp, provider: &dyn RTCCryptoProvider) -> Result<Keys, String> {
        let profile = match agreed.suite {
            Suite::AeadAes128Gcm => ProtectionProfile::AeadAes128Gcm,
            Suite::AeadAes256Gcm => ProtectionProfile::AeadAes256Gcm,
            Suite::AesCm128HmacSha1_80 => ProtectionProfile::Aes128CmHmacSha1_80,
            Suite::AesCm128HmacSha1_32 => ProtectionProfile::Aes128CmHmacSha1_32,
        };
        let context = |key: &MasterKey, replayed: bool| {
            let (key, salt) = key.expose(agreed.suite);
            let (rtp, rtcp) = match replayed {
                true => (
                    Some(srtp_replay_protection(REPLAY_WINDOW)),
                    Some(srtcp_replay_protection(REPLAY_WINDOW)),
                ),
                false => (None, None),
            };
            Context::new(key, salt, profile, rtp, rtcp, provider.crypto()).map_err(|error| error.to_string())
        };
        Ok(Keys {
            ours: context(&agreed.ours, false)?,
            theirs: context(&agreed.theirs, true)?,
            agreed: agreed.clone(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Entropy;
    use crate::media::rtp::HEADER;
    use crate::media::rtp::Header;

    fn packet(sequence: u16) -> Vec<u8> {
        let mut packet = vec![7; HEADER + 160];
        let header = Header { marker: false, payload_type: 0, sequence, timestamp: 160, ssrc: 9 };
        header.write(packet.first_chunk_mut().unwrap());
        packet
    }

    fn sealed(security: &mut Security, packet: &[u8]) -> Vec<u8> {
        match security.seal(packet, false) {
            Passed::Changed(sealed) => sealed.to_vec(),
            _ => panic!("not secured"),
        }
    }

    fn opened(security: &mut Security, packet: &[u8]) -> Option<Vec<u8>> {
        match security.open(packet, false) {
            Passed::Changed(plain) => Some(plain.to_vec()),
            Passed::AsItIs(_) => panic!("not secured"),
            Passed::Refused => None,
        }
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
