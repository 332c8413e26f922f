//! TLS by rustls: versions 1.2 and 1.3, with a certificate from files that may change while the server runs.
//!
//! The files are looked at every few seconds. What was read last stays in force where they can't be read, or the key does not fit: an exchange that is under way, or failed, shuts nobody out.

use std::path::PathBuf;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, SystemTime};

use tokio::net::TcpStream;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::server::TlsStream;
use tokio_rustls::{TlsAcceptor, rustls};

use crate::failure::Failure;

/// How often the files are looked at.
const LOOK: Duration = Duration::from_secs(5);

/// Where a certificate is.
#[derive(Clone, Debug)]
pub struct Certificate {
    /// The chain, PEM.
    pub chain: PathBuf,
    /// Its private key, PEM.
    pub key: PathBuf,
}

/// Makes connections into TLS ones.
#[derive(Clone)]
pub struct Tls(Arc<RwLock<Arc<ServerConfig>>>);

impl Tls {
    /// A handshake with whoever connected.
    pub async fn accept(&self, stream: TcpStream) -> std::io::Result<TlsStream<TcpStream>> {
        let config = self.0.read().unwrap_or_else(PoisonError::into_inner).clone();
        TlsAcceptor::from(config).accept(stream).await
    }
}

impl Certificate {
    fn read(&self, protocol: &str) -> Result<Arc<ServerConfig>, Failure> {
        let named = |path: &PathBuf, what: &str| Failure::usage(format!("{}: {what}", path.display()));
        let chain: Result<Vec<_>, _> =
            CertificateDer::pem_file_iter(&self.chain).map_err(|e| named(&self.chain, &e.to_string()))?.collect();
        let chain = chain.map_err(|e| named(&self.chain, &e.to_string()))?;
        if chain.is_empty() {
            return Err(named(&self.chain, "there is no certificate in it")
                .hint("it wants a PEM file, the server's own certificate first"));
        }
        let key = PrivateKeyDer::from_pem_file(&self.key).map_err(|e| named(&self.key, &e.to_string()))?;
        let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_protocol_versions(&[&rustls::version::TLS13, &rustls::version::TLS12])
            .map_err(|e| Failure::new(e.to_string()))?
            .with_no_client_auth()
            .with_single_cert(chain, key)
            .map_err(|e| named(&self.key, &e.to_string()).hint("the key must be that of the first certificate"))?;
        let mut config = config;
        config.alpn_protocols = vec![protocol.as_bytes().to_vec()];
        Ok(Arc::new(config))
    }

    fn changed(&self) -> [Option<SystemTime>; 2] {
        [&self.chain, &self.key].map(|path| std::fs::metadata(path).and_then(|m| m.modified()).ok())
    }
}

/// Reads a certificate, and goes on looking at its files. `protocol`: what is spoken over TLS, as clients ask for it (RFC 7301).
///
/// # Errors
/// Where it can't be used now.
pub fn watched(certificate: Certificate, protocol: &'static str) -> Result<Tls, Failure> {
    let mut seen = certificate.changed();
    let tls = Tls(Arc::new(RwLock::new(certificate.read(protocol)?)));
    let held = Arc::downgrade(&tls.0);
    tokio::spawn(async move {
        loop {
            tokio::time::sleep(LOOK).await;
            let Some(held) = held.upgrade() else { return };
            let now = certificate.changed();
            if now == seen {
                continue;
            }
            seen = now;
            match certificate.read(protocol) {
                Ok(config) => {
                    *held.write().unwrap_or_else(PoisonError::into_inner) = config;
                    tracing::info!("the certificate was read anew");
                }
                Err(error) => tracing::error!(%error, "the former certificate stays in use"),
            }
        }
    });
    Ok(tls)
}
