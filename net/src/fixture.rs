//! What the tests of several modules need: a host's certificate and keys, and its clients' TLS.

use std::sync::{Arc, LazyLock};
use std::time::SystemTime;

use orrery_base::ShardIndex;
use quinn_proto::crypto::rustls::QuicClientConfig;
use quinn_proto::{ClientConfig, TransportConfig};

use crate::*;

static CERTIFICATE: LazyLock<Certificate> = LazyLock::new(|| {
    let folder = tempfile::tempdir().expect("a temporary folder");
    Certificate::development(folder.path(), SystemTime::now()).expect("a certificate")
});

/// The same keys for all edges of all tests: they are "the host".
static KEYS: LazyLock<EdgeKeys> = LazyLock::new(|| EdgeKeys::random().expect("randomness"));

pub(crate) fn config(limits: Limits) -> EdgeConfig {
    EdgeConfig {
        shard: ShardIndex(0),
        shards: 1,
        limits,
        tls: Tls::new(&CERTIFICATE).expect("a good certificate"),
        keys: KEYS.clone(),
    }
}

pub(crate) fn client_config(alpn: &[&[u8]], transport: TransportConfig) -> ClientConfig {
    let mut roots = rustls::RootCertStore::empty();
    roots
        .add(CERTIFICATE.chain()[0].clone())
        .expect("a certificate");
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut tls = rustls::ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13])
        .expect("TLS 1.3")
        .with_root_certificates(roots)
        .with_no_client_auth();
    tls.alpn_protocols = alpn.iter().map(|name| name.to_vec()).collect();
    let crypto = QuicClientConfig::try_from(tls).expect("AES-128-GCM");
    let mut config = ClientConfig::new(Arc::new(crypto));
    config.transport_config(Arc::new(transport));
    config
}
