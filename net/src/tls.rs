//! TLS 1.3 for QUIC: which suites, in which order, and which protocol name.

use core::fmt;
use std::sync::Arc;

use quinn_proto::crypto::rustls::QuicServerConfig;
use rustls::crypto::ring as provider;

use crate::certificate::Certificate;

/// The protocol name (ALPN) of native clients. A client that offers none of ours is refused by
/// TLS itself, with the alert `no_application_protocol`.
pub const ALPN_ORRERY: &[u8] = b"orrery/1";

/// A ready TLS configuration, shared by all shards.
#[derive(Clone)]
pub struct Tls {
    pub(crate) quic: Arc<QuicServerConfig>,
    sha256: [u8; 32],
}

impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tls")
            .field("certificate_sha256", &self.sha256)
            .finish_non_exhaustive()
    }
}

/// TLS does not accept the certificate and key.
#[derive(Debug, thiserror::Error)]
#[error("the certificate or its key is of no use to TLS")]
pub struct TlsError(#[from] rustls::Error);

impl Tls {
    /// # Errors
    /// If the private key does not belong to the certificate or is of an unknown kind.
    pub fn new(certificate: &Certificate) -> Result<Self, TlsError> {
        let mut crypto = provider::default_provider();
        // AES-128-GCM first: with AES instructions it costs a third of ChaCha20 per packet.
        // Together with `ignore_client_order` below, a client gets ChaCha20 only if it has
        // nothing else.
        crypto.cipher_suites = vec![
            provider::cipher_suite::TLS13_AES_128_GCM_SHA256,
            provider::cipher_suite::TLS13_AES_256_GCM_SHA384,
            provider::cipher_suite::TLS13_CHACHA20_POLY1305_SHA256,
        ];
        let mut config = rustls::ServerConfig::builder_with_provider(Arc::new(crypto))
            .with_protocol_versions(&[&rustls::version::TLS13])?
            .with_no_client_auth()
            .with_single_cert(certificate.chain().to_vec(), certificate.key().clone_key())?;
        config.ignore_client_order = true;
        config.alpn_protocols = vec![ALPN_ORRERY.to_vec()];
        // No early data: it can be replayed by anyone who recorded it, and commands must not be.
        config.max_early_data_size = 0;
        // No session tickets: resumption would need a cache shared by the shards (clients may
        // land on another one), to save a signature of some 25 µs per reconnection.
        config.send_tls13_tickets = 0;
        let quic = QuicServerConfig::try_from(config)
            .expect("AES-128-GCM, which QUIC's first packets need, is in the list above");
        Ok(Self {
            quic: Arc::new(quic),
            sha256: certificate.sha256(),
        })
    }

    /// SHA-256 of the certificate that clients see, DER-encoded: what they pin.
    #[must_use]
    pub fn certificate_sha256(&self) -> [u8; 32] {
        self.sha256
    }
}
