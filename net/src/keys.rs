//! Secrets that all shards of a host share, and that outlive the process.
//!
//! They are stored because a client of a server that was killed and started again should learn
//! at its next packet that its connection is gone (a stateless reset, which only the holder of
//! the old key can make) instead of waiting for its idle timeout.

use core::fmt;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use quinn_proto::crypto::{HandshakeTokenKey, HmacKey};
use ring::rand::{SecureRandom as _, SystemRandom};
use ring::{hkdf, hmac};

use crate::certificate::write_secret;

#[cfg(test)]
mod tests;

/// File of the keys in the data folder.
pub const KEYS_FILE: &str = "quic.keys";

const MAGIC: &[u8; 8] = b"ORRKEYS1";
const RESET_BYTES: usize = 64;
const TOKEN_BYTES: usize = 64;
const CONNECTION_ID_BYTES: usize = 16;
const FILE_BYTES: usize = MAGIC.len() + RESET_BYTES + TOKEN_BYTES + CONNECTION_ID_BYTES;

/// The secrets behind stateless resets, retry tokens and connection ids.
#[derive(Clone)]
pub struct EdgeKeys {
    pub(crate) reset: Arc<dyn HmacKey>,
    pub(crate) token: Arc<dyn HandshakeTokenKey>,
    pub(crate) connection_id: [u8; CONNECTION_ID_BYTES],
}

impl fmt::Debug for EdgeKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("EdgeKeys(secret)")
    }
}

/// Why there are no keys.
#[derive(Debug, thiserror::Error)]
pub enum KeysError {
    /// The file exists and cannot be read.
    #[error("cannot read {path}")]
    Read {
        /// Where.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// The file cannot be written.
    #[error("cannot write {path}")]
    Write {
        /// Where.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// The system gave no random bytes.
    #[error("the system has no random bytes")]
    NoRandomness,
}

impl EdgeKeys {
    /// Fresh keys, for this process only.
    ///
    /// # Errors
    /// If the system gives no random bytes.
    pub fn random() -> Result<Self, KeysError> {
        Ok(Self::from_secrets(&random_secrets()?))
    }

    /// The keys of a data folder. Made at the first call, and made anew if the file is damaged:
    /// nothing is lost by that but the quick goodbye to clients of the former life.
    ///
    /// # Errors
    /// If the file can be neither read nor written, or the system gives no random bytes.
    pub fn load_or_create(folder: &Path) -> Result<Self, KeysError> {
        let path = folder.join(KEYS_FILE);
        match fs::read(&path) {
            Ok(bytes) => {
                if let Some(secrets) = <&[u8; FILE_BYTES]>::try_from(bytes.as_slice())
                    .ok()
                    .filter(|bytes| bytes.starts_with(MAGIC))
                {
                    return Ok(Self::from_secrets(secrets));
                }
                tracing::warn!(path = %path.display(), "the file of QUIC keys is damaged: making new ones");
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(source) => return Err(KeysError::Read { path, source }),
        }
        let secrets = random_secrets()?;
        write_secret(&path, &secrets).map_err(|source| KeysError::Write { path, source })?;
        Ok(Self::from_secrets(&secrets))
    }

    fn from_secrets(secrets: &[u8; FILE_BYTES]) -> Self {
        let (reset, rest) = secrets[MAGIC.len()..].split_at(RESET_BYTES);
        let (token, connection_id) = rest.split_at(TOKEN_BYTES);
        Self {
            reset: Arc::new(hmac::Key::new(hmac::HMAC_SHA256, reset)),
            token: Arc::new(hkdf::Salt::new(hkdf::HKDF_SHA256, &[]).extract(token)),
            connection_id: connection_id
                .try_into()
                .expect("what FILE_BYTES leaves is its length"),
        }
    }
}

fn random_secrets() -> Result<[u8; FILE_BYTES], KeysError> {
    let mut secrets = [0; FILE_BYTES];
    secrets[..MAGIC.len()].copy_from_slice(MAGIC);
    SystemRandom::new()
        .fill(&mut secrets[MAGIC.len()..])
        .map_err(|_| KeysError::NoRandomness)?;
    Ok(secrets)
}
