//! TLS: the certificate that we show, over SIP and to browsers, and whom we believe when we connect.
//!
//! The files are read again when they change, so that a renewed certificate needs no restart.

use std::collections::HashMap;
use std::fs;
use std::fs::OpenOptions;
use std::io;
use std::io::Write;
use std::net::SocketAddr;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::PoisonError;
use std::sync::RwLock;
use std::time::Duration;
use std::time::SystemTime;

use tokio::io::AsyncRead;
use tokio::io::AsyncWrite;
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::TlsConnector;
use tokio_rustls::client;
use tokio_rustls::rustls;
use tokio_rustls::rustls::ClientConfig;
use tokio_rustls::rustls::RootCertStore;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::CryptoProvider;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::CertificateDer;
use tokio_rustls::rustls::pki_types::PrivateKeyDer;
use tokio_rustls::rustls::pki_types::ServerName;
use tokio_rustls::rustls::pki_types::pem;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::server::ClientHello;
use tokio_rustls::rustls::server::ResolvesServerCert;
use tokio_rustls::rustls::sign::CertifiedKey;
use tokio_rustls::server;
use tracing::info;
use tracing::warn;

/// How long a peer may take to agree on keys.
const HANDSHAKE_WITHIN: Duration = Duration::from_secs(5);

/// How often the certificate's files are looked at.
const LOOK_EVERY: Duration = Duration::from_secs(60);

/// Where a certificate is: its chain and its private key, both in PEM.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CertificateFiles {
    pub chain: PathBuf,
    pub key: PathBuf,
}

/// Why there is no TLS.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    #[error("cannot read {}: {error}", path.display())]
    Read { path: PathBuf, error: io::Error },
    #[error("cannot write {}: {error}", path.display())]
    Write { path: PathBuf, error: io::Error },
    #[error("{} has no {what} in PEM: {error}", path.display())]
    Pem { path: PathBuf, what: &'static str, error: pem::Error },
    #[error("{} does not belong to {}: {error}", key.display(), chain.display())]
    Key { chain: PathBuf, key: PathBuf, error: rustls::Error },
    #[error("a certificate could not be made: {0}")]
    Make(#[from] rcgen::Error),
    #[error("{0:?} is no name that a certificate could have")]
    Name(String),
    #[error("this machine knows no certificate authority, so nobody can be believed")]
    NoRoots,
}

impl CertificateFiles {
    /// The certificate of `folder`, signed by itself for `names` and made now if it is not there.
    /// The key is its owner's alone to read.
    pub fn of_our_own(folder: &Path, names: &[String]) -> Result<CertificateFiles, TlsError> {
        let files = CertificateFiles { chain: folder.join("certificate.pem"), key: folder.join("key.pem") };
        if files.chain.exists() && files.key.exists() {
            return Ok(files);
        }
        let key = rcgen::KeyPair::generate()?;
        let mut params = rcgen::CertificateParams::new(names)?;
        params.distinguished_name = rcgen::DistinguishedName::new();
        params.distinguished_name.push(rcgen::DnType::CommonName, "Warmline");
        let certificate = params.self_signed(&key)?;
        let write = |path: &Path, mode: u32, text: String| {
            let mut options = OpenOptions::new();
            let file = options.write(true).create(true).truncate(true).mode(mode).open(path);
            file.and_then(|mut file| file.write_all(text.as_bytes()))
                .map_err(|error| TlsError::Write { path: path.to_owned(), error })
        };
        fs::create_dir_all(folder).map_err(|error| TlsError::Write { path: folder.to_owned(), error })?;
        write(&files.key, 0o600, key.serialize_pem())?;
        write(&files.chain, 0o644, certificate.pem())?;
        Ok(files)
    }

    fn read(&self) -> Result<CertifiedKey, TlsError> {
        let (chain, key) = (read(&self.chain)?, read(&self.key)?);
        let chain = certificates(&self.chain, &chain)?;
        if chain.is_empty() {
            return Err(no_pem(&self.chain, "certificate")(pem::Error::NoItemsFound));
        }
        let key = PrivateKeyDer::from_pem_slice(&key).map_err(no_pem(&self.key, "private key"))?;
        CertifiedKey::from_der(chain, key, &provider()).map_err(|error| TlsError::Key {
            chain: self.chain.clone(),
            key: self.key.clone(),
            error,
        })
    }

    /// When either file was changed last.
    fn changed(&self) -> Option<SystemTime> {
        let of = |path: &Path| fs::metadata(path).and_then(|data| data.modified()).ok();
        of(&self.chain).max(of(&self.key))
    }
}

/// Our side of connections that others open.
#[derive(Clone)]
pub struct TlsServer {
    acceptor: TlsAcceptor,
    certificate: Arc<Certificate>,
}

#[derive(Debug)]
struct Certificate {
    files: CertificateFiles,
    now: RwLock<Arc<CertifiedKey>>,
}

impl ResolvesServerCert for Certificate {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.now.read().unwrap_or_else(PoisonError::into_inner).clone())
    }
}

impl TlsServer {
    /// Shows this certificate.
    pub fn new(files: CertificateFiles) -> Result<TlsServer, TlsError> {
        let now = RwLock::new(Arc::new(files.read()?));
        let certificate = Arc::new(Certificate { files, now });
        let config = ServerConfig::builder_with_provider(provider())
            .with_safe_default_protocol_versions()
            // Its own provider has a cipher suite for each version of its own.
            .expect("the provider does every version")
            .with_no_client_auth()
            .with_cert_resolver(certificate.clone());
        Ok(TlsServer { acceptor: TlsAcceptor::from(Arc::new(config)), certificate })
    }

    /// Agrees on keys with a peer that has connected.
    pub async fn accept<S: AsyncRead + AsyncWrite + Unpin>(
        &self,
        stream: S,
    ) -> io::Result<server::TlsStream<S>> {
        tokio::time::timeout(HANDSHAKE_WITHIN, self.acceptor.accept(stream)).await?
    }

    /// Follows the files: a certificate that was renewed is shown from then on, one that does not fit is told and
    /// not used. Never ends.
    pub async fn follow(self) {
        let mut seen = self.certificate.files.changed();
        loop {
            tokio::time::sleep(LOOK_EVERY).await;
            let changed = self.certificate.files.changed();
            if changed != seen {
                seen = changed;
                self.renew();
            }
        }
    }

    fn renew(&self) {
        let Certificate { files, now } = &*self.certificate;
        match files.read() {
            Ok(key) => {
                *now.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(key);
                info!(file = %files.chain.display(), "a new certificate is shown from now on");
            }
            Err(error) => warn!(%error, "the new certificate is not used; the old one goes on"),
        }
    }
}

/// Our side of connections that we open: whom we believe, and by which name we know each peer.
#[derive(Clone)]
pub struct TlsClient {
    connector: TlsConnector,
    names: Arc<RwLock<HashMap<SocketAddr, ServerName<'static>>>>,
}

impl TlsClient {
    /// Believes the authorities in `authorities`, a PEM file, or those of this machine where none is given. Peers
    /// without a name are known by their address.
    pub fn new(authorities: Option<&Path>) -> Result<TlsClient, TlsError> {
        let roots = roots(authorities)?;
        if roots.is_empty() {
            return Err(TlsError::NoRoots);
        }
        Ok(TlsClient { connector: TlsConnector::from(client_config(roots)), names: Arc::default() })
    }

    /// Peers are known by these names from now on, and all others by their address.
    pub fn know(&self, names: &[(SocketAddr, String)]) -> Result<(), TlsError> {
        let named = |(peer, name): &(SocketAddr, String)| {
            let known = ServerName::try_from(name.clone()).map_err(|_| TlsError::Name(name.clone()))?;
            Ok((*peer, known))
        };
        let names = names.iter().map(named).collect::<Result<_, TlsError>>()?;
        *self.names.write().unwrap_or_else(PoisonError::into_inner) = names;
        Ok(())
    }

    /// Agrees on keys with a peer that we have connected to, when it proves to be who we think it is.
    pub async fn connect(
        &self,
        peer: SocketAddr,
        stream: TcpStream,
    ) -> io::Result<client::TlsStream<TcpStream>> {
        let by_address = || ServerName::IpAddress(peer.ip().into());
        let named = self.names.read().unwrap_or_else(PoisonError::into_inner).get(&peer).cloned();
        let name = named.unwrap_or_else(by_address);
        self.connector.connect(name, stream).await
    }
}

/// Believes the authorities in `authorities`, a PEM file, or those of this machine where none is given. A machine that knows
/// none believes nobody.
pub fn believing(authorities: Option<&Path>) -> Result<Arc<ClientConfig>, TlsError> {
    roots(authorities).map(client_config)
}

fn client_config(roots: RootCertStore) -> Arc<ClientConfig> {
    let config = ClientConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        // Its own provider has a cipher suite for each version of its own.
        .expect("the provider does every version")
        .with_root_certificates(roots)
        .with_no_client_auth();
    Arc::new(config)
}

fn roots(authorities: Option<&Path>) -> Result<RootCertStore, TlsError> {
    let mut roots = RootCertStore::empty();
    match authorities {
        Some(path) => {
            let found = certificates(path, &read(path)?)?;
            roots.add_parsable_certificates(found);
        }
        None => {
            roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        }
    }
    Ok(roots)
}

fn read(path: &Path) -> Result<Vec<u8>, TlsError> {
    fs::read(path).map_err(|error| TlsError::Read { path: path.to_owned(), error })
}

/// Every certificate in `bytes`, which are those of `path`.
fn certificates(path: &Path, bytes: &[u8]) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    CertificateDer::pem_slice_iter(bytes).collect::<Result<_, _>>().map_err(no_pem(path, "certificate"))
}

fn no_pem(path: &Path, what: &'static str) -> impl FnOnce(pem::Error) -> TlsError {
    move |error| TlsError::Pem { path: path.to_owned(), what, error }
}

fn provider() -> Arc<CryptoProvider> {
    Arc::new(ring::default_provider())
}

#[cfg(test)]
mod tests {
    use tokio::io::AsyncReadExt;
    use tokio::io::AsyncWriteExt;
    use tokio::net::TcpListener;

    use super::*;

    fn names(name: &str) -> Vec<String> {
        vec![name.to_owned()]
    }

    /// Says one word over TLS; what arrived, or what the client made of the server.
    async fn one_word(server: TlsServer, authorities: &Path, name: Option<&str>) -> io::Result<String> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let peer = listener.local_addr()?;
        let known: Vec<_> = name.map(|name| (peer, name.to_owned())).into_iter().collect();
        let client = TlsClient::new(Some(authorities)).expect("an authority");
        client.know(&known).expect("names");
        let serving = tokio::spawn(async move {
            let (stream, _) = listener.accept().await?;
            let mut word = String::new();
            server.accept(stream).await?.read_to_string(&mut word).await?;
            io::Result::Ok(word)
        });
        let mut stream = client.connect(peer, TcpStream::connect(peer).await?).await?;
        stream.write_all(b"REGISTER").await?;
        stream.shutdown().await?;
        serving.await.expect("the server's task")
    }

    #[tokio::test]
    async fn a_peer_is_believed_by_its_certificate_and_by_nothing_else() {
        let folder = tempfile::tempdir().expect("a folder");
        let [ours, other] = ["ours", "other"].map(|name| folder.path().join(name));
        let files = CertificateFiles::of_our_own(&ours, &names("pbx.example")).expect("a certificate");
        let stranger = CertificateFiles::of_our_own(&other, &names("pbx.example")).expect("a certificate");
        let server = TlsServer::new(files.clone()).expect("a server");
        let said = one_word(server.clone(), &files.chain, Some("pbx.example")).await;
        assert_eq!(said.expect("both agree"), "REGISTER");
        for (authority, name) in [
            (&stranger.chain, Some("pbx.example")),
            (&files.chain, Some("other.example")),
            (&files.chain, None),
        ] {
            let refused = one_word(server.clone(), authority, name).await;
            assert_eq!(refused.expect_err("no such peer").kind(), io::ErrorKind::InvalidData, "{name:?}");
        }
    }

    #[tokio::test]
    async fn a_renewed_certificate_is_shown_and_one_that_does_not_fit_is_not() {
        let folder = tempfile::tempdir().expect("a folder");
        let [now, next] = ["now", "next"].map(|name| folder.path().join(name));
        let files = CertificateFiles::of_our_own(&now, &names("127.0.0.1")).expect("a certificate");
        let renewed = CertificateFiles::of_our_own(&next, &names("127.0.0.1")).expect("a certificate");
        let old = fs::read(&files.chain).expect("the old chain");
        fs::write(folder.path().join("old.pem"), &old).expect("a copy");
        let server = TlsServer::new(files.clone()).expect("a server");

        fs::copy(&renewed.chain, &files.chain).expect("half of it");
        server.renew();
        let still = one_word(server.clone(), &folder.path().join("old.pem"), None).await;
        assert_eq!(still.expect("the old pair goes on"), "REGISTER");

        fs::copy(&renewed.key, &files.key).expect("the other half");
        server.renew();
        assert_eq!(one_word(server, &renewed.chain, None).await.expect("the new pair"), "REGISTER");
    }

    #[test]
    fn what_is_no_certificate_is_told_with_its_file() {
        let folder = tempfile::tempdir().expect("a folder");
        let told = |files: CertificateFiles| {
            let error = TlsServer::new(files).err().expect("no server");
            error.to_string().replace(&folder.path().display().to_string(), "")
        };
        let [first, second] = ["first", "second"].map(|name| {
            CertificateFiles::of_our_own(&folder.path().join(name), &names("a.example"))
                .expect("a certificate")
        });
        let missing = CertificateFiles { chain: folder.path().join("none.pem"), ..first.clone() };
        assert_eq!(told(missing), "cannot read /none.pem: No such file or directory (os error 2)");
        let crossed = CertificateFiles { chain: first.chain.clone(), key: second.key };
        assert!(told(crossed).starts_with("/second/key.pem does not belong to /first/certificate.pem: "));
        let swapped = CertificateFiles { chain: first.key.clone(), key: first.chain };
        assert!(told(swapped).starts_with("/first/key.pem has no certificate in PEM: "));
    }

    #[test]
    fn the_key_is_made_once_and_read_by_its_owner_alone() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().expect("a folder");
        let files = CertificateFiles::of_our_own(folder.path(), &names("a.example")).expect("a certificate");
        let key = fs::read(&files.key).expect("the key");
        assert_eq!(fs::metadata(&files.key).expect("the key").permissions().mode() & 0o777, 0o600);
        assert_eq!(CertificateFiles::of_our_own(folder.path(), &names("a.example")).expect("again"), files);
        assert_eq!(fs::read(&files.key).expect("the key"), key);
    }
}
