//! How the audio of a phone is secured: with keys in the description (`crypto`), or in a handshake (`dtls`), to a browser along
//! a way that is looked for (`ice`).

use crate::sdp::crypto;
use crate::sdp::crypto::Crypto;
use crate::sdp::crypto::Sdes;
use crate::sdp::description::Attribute;
use crate::sdp::description::Media;
use crate::sdp::description::SessionDescription;
use crate::sdp::dtls;
use crate::sdp::dtls::Dtls;
use crate::sdp::dtls::Fingerprint;
use crate::sdp::dtls::Setup;
use crate::sdp::ice;
use crate::sdp::ice::Ice;
use crate::sdp::ice::LocalIce;

/// The profiles of a stream: plain; secured by keys in the description; secured by DTLS, with and without the feedback of
/// [RFC 4585](https://www.rfc-editor.org/rfc/rfc4585).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Profile {
    Plain,
    Sdes,
    Dtls,
}

impl Profile {
    pub(super) fn of(protocol: &str) -> Option<Profile> {
        let is = |name: &&str| protocol.eq_ignore_ascii_case(name);
        [
            (Profile::Plain, &["RTP/AVP"][..]),
            (Profile::Sdes, &["RTP/SAVP"]),
            (Profile::Dtls, &["UDP/TLS/RTP/SAVP", "UDP/TLS/RTP/SAVPF"]),
        ]
        .into_iter()
        .find(|(_, names)| names.iter().any(is))
        .map(|(profile, _)| profile)
    }

    /// As we offer it.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Profile::Plain => "RTP/AVP",
            Profile::Sdes => "RTP/SAVP",
            Profile::Dtls => "UDP/TLS/RTP/SAVP",
        }
    }
}

/// What we bring to an offer or answer of SRTP.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LocalSrtp {
    /// Whether there is no talk without.
    pub required: bool,
    /// One for each suite, as [`Crypto::draw`] makes them; none where keys may not stand in descriptions.
    pub keys: Vec<Crypto>,
    /// Of our certificate, where the handshake may be.
    pub fingerprint: Option<Fingerprint>,
    /// Where the phone is in a browser: by what the way to it is found.
    pub ice: Option<LocalIce>,
}

/// What offer and answer agreed on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Srtp {
    Sdes(Sdes),
    Dtls(Dtls),
}

impl LocalSrtp {
    /// What our offer is, and says: keys where there are, else the handshake.
    ///
    /// Where audio may go without, RFC 4568 §3.1.1 would have two streams offered, of which phones ring for one or none;
    /// keys in the plain profile are what they understand, or let by
    /// ([RFC 8643](https://www.rfc-editor.org/rfc/rfc8643)).
    pub(super) fn offer(&self) -> (&'static str, Vec<Attribute>) {
        let by_dtls = self.fingerprint.as_ref().filter(|_| self.keys.is_empty());
        let told = by_dtls.map_or_else(|| crypto::offer(&self.keys), dtls::offer);
        let protocol = match by_dtls {
            _ if !self.required => Profile::Plain.name(),
            Some(_) if self.ice.is_some() => ice::PROTOCOL,
            Some(_) => Profile::Dtls.name(),
            None => Profile::Sdes.name(),
        };
        (protocol, told)
    }

    /// What is agreed on by a stream that offers this, and what our answer says of it. Of both ways it is the handshake,
    /// whose keys nobody else has seen.
    pub(super) fn answer(
        &self,
        session: &SessionDescription,
        media: &Media,
    ) -> Option<(Srtp, Vec<Attribute>)> {
        let by_dtls = self.fingerprint.as_ref().and_then(|ours| dtls::answer(ours, session, media));
        if let Some((dtls, told)) = by_dtls {
            return self.with_ice(dtls, session, media).map(|dtls| (Srtp::Dtls(dtls), told));
        }
        let (sdes, told) = crypto::answer(&self.keys, media).filter(|_| takes_keys(media))?;
        Some((Srtp::Sdes(sdes), vec![told]))
    }

    /// What is agreed on by an answer to our [`offer`](LocalSrtp::offer).
    pub(super) fn accept(&self, session: &SessionDescription, media: &Media) -> Option<Srtp> {
        if self.keys.is_empty() {
            let dtls = self.fingerprint.as_ref().and_then(|_| dtls::accept(session, media))?;
            return self.with_ice(dtls, session, media).map(Srtp::Dtls);
        }
        crypto::accept(&self.keys, media).filter(|_| takes_keys(media)).map(Srtp::Sdes)
    }

    /// The same with ICE, where we bring that. Then the browser begins the handshake, for it alone knows where the other one
    /// is, and has one port for everything.
    fn with_ice(&self, dtls: Dtls, session: &SessionDescription, media: &Media) -> Option<Dtls> {
        let Some(local) = &self.ice else { return Some(dtls) };
        let remote_ufrag = ice::remote_ufrag(session, media)?;
        let fits = dtls.setup == Setup::Passive && dtls.rtcp_mux;
        fits.then(|| Dtls { ice: Some(Box::new(Ice { local: local.clone(), remote_ufrag })), ..dtls })
    }
}

/// Whether keys may stand beside a stream: one by DTLS that brings some too means something else.
fn takes_keys(media: &Media) -> bool {
    Profile::of(&media.protocol) != Some(Profile::Dtls)
}
