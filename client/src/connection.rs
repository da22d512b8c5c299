//! The QUIC connection of a client: one control stream, datagrams both ways.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use quinn::crypto::rustls::QuicClientConfig;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{DigitallySignedStruct, SignatureScheme};

/// Why there is no connection.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// The socket could not be made.
    #[error("open a socket")]
    Socket(#[source] std::io::Error),
    /// The TLS configuration could not be made.
    #[error("set up TLS")]
    Tls(#[source] rustls::Error),
    /// The address or the name is not one to connect to.
    #[error("begin to connect to {address}")]
    Begin {
        /// Where to.
        address: SocketAddr,
        /// Why not.
        source: quinn::ConnectError,
    },
    /// The server does not answer, or refused.
    #[error("connect to {address}")]
    Handshake {
        /// Where to.
        address: SocketAddr,
        /// Why not.
        source: quinn::ConnectionError,
    },
    /// The fingerprint is not 64 hexadecimal digits.
    #[error("{0:?} is not the SHA-256 of a certificate")]
    Fingerprint(String),
}

/// The SHA-256 of the certificate that the server must show, instead of a chain of authorities:
/// what the login service said, over a connection that was trusted.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Fingerprint(pub [u8; 32]);

impl Fingerprint {
    /// From 64 hexadecimal digits.
    ///
    /// # Errors
    /// If it is anything else.
    pub fn from_hex(hex: &str) -> Result<Self, ConnectError> {
        let wrong = || ConnectError::Fingerprint(hex.to_owned());
        if hex.len() != 64 || !hex.is_ascii() {
            return Err(wrong());
        }
        let mut bytes = [0; 32];
        for (place, byte) in bytes.iter_mut().enumerate() {
            *byte = u8::from_str_radix(&hex[2 * place..2 * place + 2], 16).map_err(|_| wrong())?;
        }
        Ok(Self(bytes))
    }
}

/// A socket from which connections are made. One serves many connections; a swarm uses several,
/// since a server spreads clients over its cores by their address and port.
#[derive(Clone, Debug)]
pub struct Socket {
    endpoint: quinn::Endpoint,
}

impl Socket {
    /// A socket for servers of the same address family as `towards`. Must be called within a
    /// tokio runtime.
    ///
    /// # Errors
    /// If the system gives none.
    pub fn towards(
        towards: SocketAddr,
        fingerprint: Fingerprint,
        alpn: &[u8],
    ) -> Result<Self, ConnectError> {
        let any: SocketAddr = if towards.is_ipv4() {
            ([0, 0, 0, 0], 0).into()
        } else {
            ([0_u16; 8], 0).into()
        };
        let mut endpoint = quinn::Endpoint::client(any).map_err(ConnectError::Socket)?;
        endpoint.set_default_client_config(client_config(fingerprint, alpn)?);
        Ok(Self { endpoint })
    }

    /// Connects.
    ///
    /// # Errors
    /// If the server does not answer, refuses, or shows another certificate.
    pub async fn connect(&self, address: SocketAddr) -> Result<quinn::Connection, ConnectError> {
        let connecting = self
            .endpoint
            .connect(address, "localhost")
            .map_err(|source| ConnectError::Begin { address, source })?;
        connecting
            .await
            .map_err(|source| ConnectError::Handshake { address, source })
    }

    /// Waits until all connections have said goodbye.
    pub async fn wait_idle(&self) {
        self.endpoint.wait_idle().await;
    }
}

fn client_config(
    fingerprint: Fingerprint,
    alpn: &[u8],
) -> Result<quinn::ClientConfig, ConnectError> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let verifier = Arc::new(Pinned {
        fingerprint,
        provider: Arc::clone(&provider),
    });
    let mut tls = rustls::ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13])
        .map_err(ConnectError::Tls)?
        .dangerous()
        .with_custom_certificate_verifier(verifier)
        .with_no_client_auth();
    tls.alpn_protocols = vec![alpn.to_vec()];
    let quic = QuicClientConfig::try_from(tls)
        .map_err(|error| ConnectError::Tls(rustls::Error::General(error.to_string())))?;
    let mut config = quinn::ClientConfig::new(Arc::new(quic));
    let mut transport = quinn::TransportConfig::default();
    // Snapshots come fifteen times a second; a silence this long is a lost connection.
    let idle = Duration::from_secs(15)
        .try_into()
        .expect("fifteen seconds fit a varint of milliseconds");
    transport.max_idle_timeout(Some(idle));
    transport.datagram_receive_buffer_size(Some(64 * 1024));
    transport.datagram_send_buffer_size(16 * 1024);
    // Fewer acknowledgements: every snapshot is acknowledged by the next input anyway.
    let mut acknowledgements = quinn::AckFrequencyConfig::default();
    acknowledgements
        .ack_eliciting_threshold(10_u32.into())
        .max_ack_delay(Some(Duration::from_millis(100)));
    transport.ack_frequency_config(Some(acknowledgements));
    config.transport_config(Arc::new(transport));
    Ok(config)
}

/// Accepts exactly one certificate.
#[derive(Debug)]
struct Pinned {
    fingerprint: Fingerprint,
    provider: Arc<CryptoProvider>,
}

impl ServerCertVerifier for Pinned {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let found = ring::digest::digest(&ring::digest::SHA256, end_entity);
        if found.as_ref() == self.fingerprint.0 {
            Ok(ServerCertVerified::assertion())
        } else {
            Err(rustls::Error::InvalidCertificate(
                rustls::CertificateError::ApplicationVerificationFailure,
            ))
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(
            message,
            certificate,
            signature,
            &self.provider.signature_verification_algorithms,
        )
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(
            message,
            certificate,
            signature,
            &self.provider.signature_verification_algorithms,
        )
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider
            .signature_verification_algorithms
            .supported_schemes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fingerprints() {
        let hex = "00ff".repeat(16);
        let read = Fingerprint::from_hex(&hex).unwrap();
        assert_eq!(read.0[..4], [0x00, 0xff, 0x00, 0xff]);
        for wrong in ["", "00", &"zz".repeat(32), &"é".repeat(32)] {
            assert!(Fingerprint::from_hex(wrong).is_err(), "{wrong}");
        }
    }
}
