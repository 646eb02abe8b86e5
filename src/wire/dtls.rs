//! Our certificate, the DTLS handshake by it, and the SRTP keys that come out of the handshake
//! ([RFC 5764](https://www.rfc-editor.org/rfc/rfc5764)).

use std::sync::Arc;

use rtc_crypto::RTCCryptoProvider;
use rtc_dtls::config::ClientAuthType;
use rtc_dtls::config::ConfigBuilder;
use rtc_dtls::config::ExtendedMasterSecretType;
use rtc_dtls::config::HandshakeConfig;
use rtc_dtls::config::VerifyPeerCertificateFn;
use rtc_dtls::crypto::Certificate;
use rtc_dtls::extension::extension_use_srtp::SrtpProtectionProfile;
use rtc_dtls::state::State;
use rtc_shared::error::Error;

use crate::media::srtp::Ways;
use crate::sdp::Fingerprint;
use crate::sdp::crypto::MasterKey;
use crate::sdp::crypto::Sdes;
use crate::sdp::crypto::Suite;
use crate::sdp::dtls::Setup;

/// What the keys are derived for ([RFC 5764 §4.2](https://www.rfc-editor.org/rfc/rfc5764#section-4.2)).
const LABEL: &str = "EXTRACTOR-dtls_srtp";

/// Why no secured connection can be made: in a word for the log, it never comes from what a caller does.
pub(crate) type KeyError = String;

/// Who we are to browsers or phones: one certificate, made at each start.
pub(crate) struct Identity {
    pub provider: Arc<dyn RTCCryptoProvider>,
    certificate: Certificate,
    /// Of the certificate.
    pub fingerprint: Fingerprint,
}

impl Identity {
    pub fn new() -> Result<Identity, KeyError> {
        let provider = rtc_crypto::default_provider().map_err(|error| error.to_string())?;
        let certificate = Certificate::generate_self_signed(vec!["warmline".to_owned()], provider.crypto())
            .map_err(|error| error.to_string())?;
        let octets = certificate.certificate.first().ok_or("an empty certificate")?;
        let fingerprint = Fingerprint::of(octets);
        Ok(Identity { provider, certificate, fingerprint })
    }

    /// How to shake hands with who has the certificate of this fingerprint, and with nobody else.
    pub fn handshake(&self, setup: Setup, theirs: &Fingerprint) -> Result<Arc<HandshakeConfig>, KeyError> {
        let theirs = theirs.clone();
        let verify: VerifyPeerCertificateFn = Arc::new(move |certificates, _| {
            let is_theirs = certificates.first().is_some_and(|first| theirs.is_of(first));
            if is_theirs { Ok(()) } else { Err(Error::ErrNoMatchingCertificateFingerprint) }
        });
        let config = ConfigBuilder::default()
            .with_crypto_provider(self.provider.clone())
            .with_certificates(vec![self.certificate.clone()])
            .with_srtp_protection_profiles(vec![
                SrtpProtectionProfile::Srtp_Aead_Aes_128_Gcm,
                SrtpProtectionProfile::Srtp_Aes128_Cm_Hmac_Sha1_80,
            ])
            .with_client_auth(ClientAuthType::RequireAnyClientCert)
            // The certificate is its own authority: what counts is the fingerprint that came by signalling.
            .with_insecure_skip_verify(true)
            .with_verify_peer_certificate(Some(verify))
            .with_extended_master_secret(ExtendedMasterSecretType::Require)
            // The name of a client that begins is asked for, and nobody reads it: see the certificate above.
            .with_server_name("warmline".to_owned())
            .build(setup == Setup::Active, None)
            .map_err(|error| error.to_string())?;
        Ok(Arc::new(config))
    }

    /// What packets are sealed and opened by after a handshake that is complete.
    pub fn ways(&self, state: &State) -> Result<Ways, KeyError> {
        let Sdes { suite, ours, theirs } = self.keys(state)?;
        Ways::new(suite, &ours, &theirs, self.provider.crypto()).map_err(|error| error.to_string())
    }

    /// The SRTP keys of a handshake that is complete.
    pub fn keys(&self, state: &State) -> Result<Sdes, KeyError> {
        let suite = match state.srtp_protection_profile() {
            SrtpProtectionProfile::Srtp_Aead_Aes_128_Gcm => Suite::AeadAes128Gcm,
            SrtpProtectionProfile::Srtp_Aes128_Cm_Hmac_Sha1_80 => Suite::AesCm128HmacSha1_80,
            _ => return Err("no SRTP profile was agreed on".to_owned()),
        };
        let (key, salt) = (suite.key_length(), suite.salt_length());
        let material =
            state.export_keying_material(LABEL, &[], 2 * (key + salt)).map_err(|error| error.to_string())?;
        let (keys, salts) = material.as_ref().split_at(2 * key);
        let of = |side: usize| {
            let (key, salt) = (&keys[side * key..][..key], &salts[side * salt..][..salt]);
            MasterKey::of(suite, &[key, salt].concat()).ok_or("keys of another length")
        };
        // The client's come first.
        let (client, server) = (of(0)?, of(1)?);
        let (ours, theirs) = if state.is_client() { (client, server) } else { (server, client) };
        Ok(Sdes { suite, ours, theirs })
    }
}
