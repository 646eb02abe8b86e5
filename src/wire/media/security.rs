//! How the packets of one stream are secured whose far end is a pair of sockets: not at all, or by SRTP with the keys that
//! signalling brought, or that a handshake brings. What fails to be secured is not sent.

use std::net::SocketAddr;

use rtc_crypto::CryptoError;
use rtc_crypto::RTCCrypto;
use rtc_crypto::RTCCryptoProvider;

use crate::media::origin::Sealed;
use crate::media::srtp::Ways;
use crate::sdp::Dtls;
use crate::sdp::Ice;
use crate::sdp::Srtp;
use crate::sdp::crypto::Sdes;
use crate::wire::media::handshake::Shaken;
use crate::wire::media::handshake::Ticket;
use crate::wire::media::reach::HandshakeKeys;
use crate::wire::media::way::Way;

/// See the module.
pub(super) enum Security {
    /// A record of a handshake that nobody has agreed on yet waits for that: a phone may be quicker than its answer.
    Plain(Option<Box<Record>>),
    Sdes(Box<Keyed>),
    Dtls(Box<Shaking>),
    /// It should be secured and cannot be: nothing goes, nothing comes.
    Broken,
}

/// A record of a handshake.
pub(super) struct Record {
    is_rtcp: bool,
    from: SocketAddr,
    octets: Vec<u8>,
}

/// What was agreed on, and what is done by it.
pub(super) struct Keyed {
    agreed: Sdes,
    ways: Ways,
}

impl Keyed {
    /// By these keys. A way whose key stays goes on: begun anew, it would use its numbers again.
    fn new(before: Option<Keyed>, agreed: &Sdes, crypto: &dyn RTCCrypto) -> Result<Keyed, CryptoError> {
        let Sdes { suite, ours, theirs } = agreed;
        let mut ways = Ways::new(*suite, ours, theirs, crypto)?;
        if let Some(before) = before.filter(|before| before.agreed.suite == *suite) {
            if before.agreed.ours == *ours {
                ways.ours = before.ways.ours;
            }
            if before.agreed.theirs == *theirs {
                ways.theirs = before.ways.theirs;
            }
        }
        Ok(Keyed { agreed: agreed.clone(), ways })
    }
}

/// A handshake, and the keys that it has brought so far.
pub(super) struct Shaking {
    agreed: Dtls,
    /// None while the keys are those of an earlier process.
    ticket: Option<Ticket>,
    audio: Option<Box<Ways>>,
    /// Of reports, where they have a port of their own.
    reports: Option<Box<Ways>>,
    /// To a phone in a browser.
    way: Option<Way>,
}

impl Default for Security {
    fn default() -> Security {
        Security::Plain(None)
    }
}

impl Security {
    /// What was agreed on now. The same as before goes on; `begin` begins a handshake.
    pub fn agree(
        &mut self,
        agreed: Option<&Srtp>,
        provider: &dyn RTCCryptoProvider,
        begin: impl FnOnce(&Dtls) -> Option<Ticket>,
    ) {
        *self = match (std::mem::take(self), agreed) {
            (_, None) => Security::default(),
            (Security::Sdes(keyed), Some(Srtp::Sdes(agreed))) if keyed.agreed == *agreed => {
                Security::Sdes(keyed)
            }
            (Security::Dtls(mut shaking), Some(Srtp::Dtls(agreed)))
                if agreed.goes_on_from(&shaking.agreed) =>
            {
                shaking.agree_on_way(agreed);
                // Our certificate is another one than that of an earlier process: a peer that sees it may shake hands anew, and
                // until it has, the keys stay.
                if shaking.ticket.is_none() {
                    shaking.ticket = begin(agreed);
                }
                Security::Dtls(shaking)
            }
            (before, Some(Srtp::Sdes(agreed))) => {
                let before = if let Security::Sdes(keyed) = before { Some(*keyed) } else { None };
                match Keyed::new(before, agreed, provider.crypto()) {
                    Ok(keyed) => Security::Sdes(Box::new(keyed)),
                    Err(error) => broken(&error.to_string()),
                }
            }
            (before, Some(Srtp::Dtls(agreed))) => match begin(agreed) {
                Some(ticket) => {
                    let (agreed, way) = (agreed.clone(), agreed.ice.as_deref().cloned().map(Way::new));
                    let shaking = Shaking { agreed, ticket: Some(ticket), audio: None, reports: None, way };
                    let mut security = Security::Dtls(Box::new(shaking));
                    if let Security::Plain(Some(early)) = before {
                        security.record(early.is_rtcp, early.from, &early.octets);
                    }
                    security
                }
                None => broken("too many handshakes wait"),
            },
        };
    }

    /// The keys are those of an earlier process, which had come so far.
    pub fn go_on(&mut self, from: &Sealed) {
        match self {
            Security::Sdes(keyed) => keyed.ways.go_on(from),
            Security::Dtls(shaking) => {
                let Shaking { audio, reports, .. } = shaking.as_mut();
                [audio, reports].into_iter().flatten().for_each(|ways| ways.go_on(from));
            }
            Security::Plain(_) | Security::Broken => {}
        }
    }

    /// An earlier process has shaken hands, and these are the keys; a phone in a browser was at `peer`.
    pub fn had_shaken(
        &mut self,
        agreed: &Dtls,
        keys: &HandshakeKeys,
        peer: Option<SocketAddr>,
        crypto: &dyn RTCCrypto,
    ) {
        let ways = |keys: &Option<Sdes>| match keys {
            Some(Sdes { suite, ours, theirs }) => {
                Ways::new(*suite, ours, theirs, crypto).map(Box::new).map(Some)
            }
            None => Ok(None),
        };
        *self = match (ways(&keys.audio), ways(&keys.reports)) {
            (Ok(audio), Ok(reports)) => {
                let way = agreed.ice.as_deref().cloned().map(|ice| Way::go_on(ice, peer));
                let agreed = agreed.clone();
                Security::Dtls(Box::new(Shaking { agreed, ticket: None, audio, reports, way }))
            }
            (Err(error), _) | (_, Err(error)) => broken(&error.to_string()),
        };
    }

    /// Whether a handshake that was agreed on stands.
    pub fn stands(&self, agreed: Option<&Srtp>) -> bool {
        matches!((self, agreed), (Security::Dtls(shaking), Some(Srtp::Dtls(agreed))) if agreed.goes_on_from(&shaking.agreed))
    }

    /// What packets or reports are sealed and opened by.
    pub fn ways(&self, is_report: bool) -> Option<&Ways> {
        match self {
            Security::Sdes(keyed) => Some(&keyed.ways),
            Security::Dtls(shaking) if is_report && !shaking.agreed.rtcp_mux => shaking.reports.as_deref(),
            Security::Dtls(shaking) => shaking.audio.as_deref(),
            Security::Plain(_) | Security::Broken => None,
        }
    }

    /// Whether audio goes and comes: its keys are there, or it needs none.
    pub fn is_open(&self) -> bool {
        match self {
            Security::Dtls(shaking) => shaking.audio.is_some(),
            Security::Plain(_) | Security::Sdes(_) => true,
            Security::Broken => false,
        }
    }

    /// Whether packets go as they are.
    pub fn is_plain(&self) -> bool {
        matches!(self, Security::Plain(_))
    }

    /// Whether reports go by the port of the audio.
    pub fn is_muxed(&self) -> bool {
        matches!(self, Security::Dtls(shaking) if shaking.agreed.rtcp_mux)
    }

    /// The way to a phone in a browser; none to another one, whose streams know it.
    pub fn way(&self) -> Option<&Way> {
        match self {
            Security::Dtls(shaking) => shaking.way.as_ref(),
            _ => None,
        }
    }

    /// What a check by a phone in a browser is answered with.
    pub fn check(&mut self, from: SocketAddr, packet: &[u8], crypto: &dyn RTCCrypto) -> Option<Vec<u8>> {
        match self {
            Security::Dtls(shaking) => shaking.way.as_mut()?.check(from, packet, crypto),
            _ => None,
        }
    }

    /// A record of a handshake came.
    pub fn record(&mut self, is_rtcp: bool, from: SocketAddr, octets: &[u8]) {
        match self {
            Security::Dtls(shaking) => {
                shaking.ticket.iter().for_each(|ticket| ticket.record(is_rtcp, from, octets));
            }
            Security::Plain(early) => {
                *early = Some(Box::new(Record { is_rtcp, from, octets: octets.to_vec() }));
            }
            Security::Sdes(_) | Security::Broken => {}
        }
    }

    /// A handshake brought keys.
    pub fn shaken(&mut self, shaken: Shaken) {
        let Security::Dtls(shaking) = self else { return };
        if shaking.ticket.as_ref().is_some_and(|ticket| ticket.id() == shaken.ticket) {
            let place = if shaken.is_rtcp { &mut shaking.reports } else { &mut shaking.audio };
            *place = Some(shaken.ways);
        }
    }

    /// Opens a packet that came, in place: how long it is then; none when it is not what was agreed on.
    pub fn open(&mut self, packet: &mut [u8], is_report: bool) -> Option<usize> {
        match self {
            Security::Plain(_) => Some(packet.len()),
            Security::Broken => None,
            Security::Sdes(keyed) => keyed.ways.open(packet, is_report),
            Security::Dtls(shaking) => shaking.ways(is_report)?.open(packet, is_report),
        }
    }

    /// Seals the packet in the first `length` octets of a buffer with room for
    /// [`OVERHEAD`](crate::media::srtp::OVERHEAD) more: how long it is then; none when it cannot go.
    pub fn seal(&mut self, buffer: &mut [u8], length: usize, is_report: bool) -> Option<usize> {
        match self {
            Security::Plain(_) => Some(length),
            Security::Broken => None,
            Security::Sdes(keyed) => keyed.ways.seal(buffer, length, is_report),
            Security::Dtls(shaking) => shaking.ways(is_report)?.seal(buffer, length, is_report),
        }
    }
}

fn broken(error: &str) -> Security {
    tracing::error!(%error, "a stream cannot be secured");
    Security::Broken
}

impl Shaking {
    fn agree_on_way(&mut self, agreed: &Dtls) {
        match (&mut self.way, &agreed.ice) {
            (Some(way), Some(ice)) => way.look_anew(Ice::clone(ice)),
            (way, ice) => *way = ice.as_deref().cloned().map(Way::new),
        }
        self.agreed = agreed.clone();
    }

    fn ways(&mut self, is_report: bool) -> Option<&mut Ways> {
        let own = is_report && !self.agreed.rtcp_mux;
        if own { self.reports.as_deref_mut() } else { self.audio.as_deref_mut() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Entropy;
    use crate::media::rtp::HEADER;
    use crate::media::rtp::Header;
    use crate::media::srtp::OVERHEAD;
    use crate::sdp::Fingerprint;
    use crate::sdp::crypto::MasterKey;
    use crate::sdp::crypto::Suite;
    use crate::sdp::dtls::Setup;
    use crate::wire::ice::tests::request;
    use crate::wire::ice::tests::session;

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
    fn a_peer_that_changes_its_key_does_not_have_us_count_anew_under_ours() {
        let provider = rtc_crypto::default_provider().unwrap();
        let mut entropy = Entropy::seeded(4);
        let suite = Suite::AesCm128HmacSha1_80;
        let [ours, first, second] = std::array::from_fn(|_| MasterKey::draw(suite, &mut entropy));
        let sdes = |ours: &MasterKey, theirs: &MasterKey| {
            Srtp::Sdes(Sdes { suite, ours: ours.clone(), theirs: theirs.clone() })
        };
        let (mut here, mut there) = (Security::default(), Security::default());
        here.agree(Some(&sdes(&ours, &first)), provider.as_ref(), |_| None);
        there.agree(Some(&sdes(&first, &ours)), provider.as_ref(), |_| None);
        // Past the end of the sequence, which a packet does not say and both have counted.
        for sequence in (0..=65_535).step_by(16_383).chain([3]) {
            let sent = sealed(&mut here, &packet(sequence));
            assert!(opened(&mut there, &sent).is_some(), "{sequence}");
        }
        here.agree(Some(&sdes(&ours, &second)), provider.as_ref(), |_| None);
        there.agree(Some(&sdes(&second, &ours)), provider.as_ref(), |_| None);
        let sent = sealed(&mut here, &packet(4));
        assert_eq!(opened(&mut there, &sent), Some(packet(4)));
        let sent = sealed(&mut there, &packet(4));
        assert_eq!(opened(&mut here, &sent), Some(packet(4)));
    }

    #[test]
    fn keys_of_an_earlier_process_s_handshake_stay_until_another_is_over() {
        let provider = rtc_crypto::default_provider().unwrap();
        let mut entropy = Entropy::seeded(5);
        let suite = Suite::AeadAes128Gcm;
        let (ours, theirs) = (MasterKey::draw(suite, &mut entropy), MasterKey::draw(suite, &mut entropy));
        let keys = Sdes { suite, ours: ours.clone(), theirs: theirs.clone() };
        let dtls = |of: &[u8]| Dtls {
            setup: Setup::Passive,
            fingerprint: Fingerprint::of(of),
            rtcp_mux: true,
            ice: None,
        };
        let (mut here, mut there) = (Security::default(), Security::default());
        let shaken = HandshakeKeys { audio: Some(keys), reports: None };
        here.had_shaken(&dtls(b"theirs"), &shaken, None, provider.crypto());
        there.agree(Some(&Srtp::Sdes(Sdes { suite, ours: theirs, theirs: ours })), provider.as_ref(), |_| {
            None
        });
        let again = Srtp::Dtls(dtls(b"theirs"));
        for sequence in 0..3 {
            assert!(here.is_open() && here.stands(Some(&again)));
            let sent = sealed(&mut there, &packet(sequence));
            assert_eq!(opened(&mut here, &sent), Some(packet(sequence)));
            let sent = sealed(&mut here, &packet(sequence));
            assert_eq!(opened(&mut there, &sent), Some(packet(sequence)));
            let mut begun = 0;
            here.agree(Some(&again), provider.as_ref(), |_| {
                begun += 1;
                None
            });
            assert_eq!(begun, 1, "the peer sees another certificate, and may begin");
        }
        let other = Srtp::Dtls(dtls(b"another's"));
        assert!(!here.stands(Some(&other)));
        here.agree(Some(&other), provider.as_ref(), |_| None);
        let sent = sealed(&mut there, &packet(9));
        assert_eq!(opened(&mut here, &sent), None, "they are not for somebody else");
    }

    #[test]
    fn a_phone_in_a_browser_is_where_it_was_in_an_earlier_process_and_is_answered_by_the_same_password() {
        let provider = rtc_crypto::default_provider().unwrap();
        let mut entropy = Entropy::seeded(6);
        let suite = Suite::AeadAes128Gcm;
        let [ours, theirs] = [(); 2].map(|()| MasterKey::draw(suite, &mut entropy));
        let shaken = HandshakeKeys { audio: Some(Sdes { suite, ours, theirs }), reports: None };
        let (ice, fingerprint) = (Some(Box::new(session())), Fingerprint::of(b"theirs"));
        let agreed = Dtls { setup: Setup::Passive, fingerprint, rtcp_mux: true, ice };
        let [was, is] = [4_000, 4_001].map(|port| SocketAddr::from(([198, 51, 100, 7], port)));
        let mut here = Security::default();
        here.had_shaken(&agreed, &shaken, Some(was), provider.crypto());
        assert!(here.is_open() && here.is_muxed());
        assert_eq!(here.way().and_then(Way::peer), Some(was));
        let check = request("ours:theirs", &session().local.password, true);
        assert!(here.check(is, &check, provider.crypto()).is_some());
        // What is agreed on once more changes nothing of it.
        here.agree(Some(&Srtp::Dtls(agreed)), provider.as_ref(), |_| None);
        assert_eq!(here.way().and_then(Way::peer), Some(is));
    }

    #[test]
    fn what_one_side_secures_the_other_opens_once_and_nobody_else_does() {
        let provider = rtc_crypto::default_provider().unwrap();
        let mut entropy = Entropy::seeded(3);
        for suite in Suite::ALL {
            let (ours, theirs) = (MasterKey::draw(suite, &mut entropy), MasterKey::draw(suite, &mut entropy));
            let agreed = Srtp::Sdes(Sdes { suite, ours: ours.clone(), theirs: theirs.clone() });
            let mut here = Security::default();
            here.agree(Some(&agreed), provider.as_ref(), |_| None);
            let mut there = Security::default();
            let turned = Srtp::Sdes(Sdes { suite, ours: theirs, theirs: ours });
            there.agree(Some(&turned), provider.as_ref(), |_| None);
            let first = sealed(&mut here, &packet(1));
            assert!(first.len() > packet(1).len() && first[HEADER..HEADER + 160] != packet(1)[HEADER..]);
            // The same keys once more, by a session that was refreshed: what came before stays known.
            there.agree(Some(&turned), provider.as_ref(), |_| None);
            assert_eq!(opened(&mut there, &first), Some(packet(1)), "{suite:?}");
            assert_eq!(opened(&mut there, &first), None, "again");
            let mut bent = sealed(&mut here, &packet(2));
            *bent.last_mut().unwrap() ^= 1;
            assert_eq!(opened(&mut there, &bent), None, "changed on its way");
            assert_eq!(opened(&mut there, &packet(3)), None, "plain");
            assert_eq!(opened(&mut here, &first), None, "by its own key");
        }
    }
}
