//! The server's certificate: from files, or a short-lived one of its own for development.

use core::time::Duration;
use std::fs;
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::ServerCertVerifier as _;
use rustls::pki_types::pem::{self, PemObject as _};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};

#[cfg(test)]
mod tests;

/// File of the development certificate in the data folder: private key and certificate in
/// one, so that they are replaced together.
pub const DEVELOPMENT_FILE: &str = "development-certificate.pem";

/// Browsers accept a pinned certificate (`serverCertificateHashes`) only if it is valid for at
/// most 14 days; a day less leaves room for the interpretation of "at most".
const DEVELOPMENT_VALIDITY: Duration = Duration::from_secs(13 * 86_400);
/// A client's clock may be this much behind ours.
const CLOCK_SKEW: Duration = Duration::from_secs(3_600);
/// A development certificate with less left than this is replaced when the server starts.
const RENEW_BEFORE: Duration = Duration::from_secs(3 * 86_400);
/// Names that a development certificate is good for.
const DEVELOPMENT_NAMES: [&str; 3] = ["localhost", "127.0.0.1", "::1"];

/// A certificate chain and the private key of its first certificate.
#[derive(Debug)]
pub struct Certificate {
    chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
}

/// Why there is no certificate.
#[derive(Debug, thiserror::Error)]
pub enum CertificateError {
    /// A file cannot be read as PEM, or does not hold what it should.
    #[error("cannot read {what} from {path}")]
    Read {
        /// What was looked for.
        what: &'static str,
        /// Where.
        path: PathBuf,
        /// What PEM says.
        source: pem::Error,
    },
    /// The development certificate cannot be stored.
    #[error("cannot write {path}")]
    Write {
        /// Where.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// The development certificate cannot be made.
    #[error("cannot make a development certificate")]
    Make(#[from] rcgen::Error),
}

impl Certificate {
    /// Reads a PEM chain, the server's own certificate first, and its PEM private key.
    ///
    /// # Errors
    /// If either file is missing, is not PEM or does not contain what it should. Whether key
    /// and certificate belong together is found out by [`Tls::new`](crate::Tls::new).
    pub fn from_files(certificate: &Path, key: &Path) -> Result<Self, CertificateError> {
        let read = |what, path: &Path| {
            let path = path.to_owned();
            move |source| CertificateError::Read { what, path, source }
        };
        let chain = CertificateDer::pem_file_iter(certificate)
            .and_then(Iterator::collect::<Result<Vec<_>, _>>)
            .map_err(read("a certificate", certificate))?;
        if chain.is_empty() {
            return Err(read("a certificate", certificate)(pem::Error::NoItemsFound));
        }
        let key = PrivateKeyDer::from_pem_file(key).map_err(read("a private key", key))?;
        Ok(Self { chain, key })
    }

    /// The self-signed development certificate of a data folder (ECDSA P-256, valid for 13
    /// days, for localhost, 127.0.0.1 and ::1). Made at the first call and stored; made anew
    /// when the stored one is damaged or has less than three days left.
    ///
    /// # Errors
    /// If the folder cannot be written.
    pub fn development(folder: &Path, now: SystemTime) -> Result<Self, CertificateError> {
        let path = folder.join(DEVELOPMENT_FILE);
        if let Ok(stored) = Self::from_files(&path, &path)
            && stored.is_acceptable_at(now)
            && stored.is_acceptable_at(now + RENEW_BEFORE)
        {
            return Ok(stored);
        }
        let key = rcgen::KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256)?;
        let mut params =
            rcgen::CertificateParams::new(DEVELOPMENT_NAMES.map(String::from).to_vec())?;
        let starts = now - CLOCK_SKEW;
        params.not_before = starts.into();
        params.not_after = (starts + DEVELOPMENT_VALIDITY).into();
        params.distinguished_name = rcgen::DistinguishedName::new();
        params
            .distinguished_name
            .push(rcgen::DnType::CommonName, "Orrery development server");
        let certificate = params.self_signed(&key)?;
        let text = format!("{}{}", key.serialize_pem(), certificate.pem());
        write_secret(&path, text.as_bytes()).map_err(|source| CertificateError::Write {
            path: path.clone(),
            source,
        })?;
        Self::from_files(&path, &path)
    }

    /// Whether a client that trusts this very certificate would accept it for localhost at
    /// that time: the whole of a client's check (dates, names, signature) rather than one of
    /// the dates read by hand.
    fn is_acceptable_at(&self, time: SystemTime) -> bool {
        let mut roots = rustls::RootCertStore::empty();
        if roots.add(self.chain[0].clone()).is_err() {
            return false;
        }
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let Ok(verifier) =
            WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider).build()
        else {
            return false;
        };
        let since_epoch = time
            .duration_since(SystemTime::UNIX_EPOCH)
            .unwrap_or_default();
        let time = UnixTime::since_unix_epoch(since_epoch);
        DEVELOPMENT_NAMES.iter().all(|&name| {
            ServerName::try_from(name).is_ok_and(|name| {
                verifier
                    .verify_server_cert(&self.chain[0], &[], &name, &[], time)
                    .is_ok()
            })
        })
    }

    /// SHA-256 of the server's own certificate, DER-encoded: what clients pin.
    #[must_use]
    pub fn sha256(&self) -> [u8; 32] {
        let digest = ring::digest::digest(&ring::digest::SHA256, &self.chain[0]);
        digest
            .as_ref()
            .try_into()
            .expect("a SHA-256 digest has 32 bytes")
    }

    /// The chain, the server's own certificate first; never empty.
    #[must_use]
    pub fn chain(&self) -> &[CertificateDer<'static>] {
        &self.chain
    }

    pub(crate) fn key(&self) -> &PrivateKeyDer<'static> {
        &self.key
    }
}

/// Writes a file that only its owner may read, whole or not at all.
pub(crate) fn write_secret(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let fresh = path.with_extension("new");
    // A leftover of a crash may be longer or readable by others: start from nothing.
    match fs::remove_file(&fresh) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut file = fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&fresh)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    fs::rename(&fresh, path)
}
