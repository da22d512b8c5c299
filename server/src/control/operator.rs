//! The operator's key: a file in the data folder that only the server's user can read. Who has
//! it may use the admin interface.

use std::fs::{File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use subtle::ConstantTimeEq as _;

/// Random bytes of a new key; the file has two hexadecimal digits for each.
const KEY_BYTES: usize = 32;
/// Shortest key that an operator may choose instead.
const KEY_CHARACTERS_MIN: usize = 32;
/// Longest file that is read as a key.
const FILE_BYTES_MAX: u64 = 4_096;

/// Why there is no operator's key.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// The file cannot be read or made.
    #[error("the operator's key {}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
    /// Others may read it.
    #[error(
        "the operator's key {} can be read by others: run `chmod 600` on it, or remove it to \
         have a new one made",
        path.display()
    )]
    Exposed {
        /// The file.
        path: PathBuf,
    },
    /// It holds no key.
    #[error(
        "the operator's key {} is not a line of at least {KEY_CHARACTERS_MIN} printable \
         characters: remove it to have a new one made",
        path.display()
    )]
    Invalid {
        /// The file.
        path: PathBuf,
    },
}

/// The operator's key.
pub(super) struct OperatorKey(String);

impl std::fmt::Debug for OperatorKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("OperatorKey")
    }
}

impl OperatorKey {
    /// Reads the key, or makes one.
    pub(super) fn load_or_create(path: &Path) -> Result<Self, KeyError> {
        let failed = |source| KeyError::File {
            path: path.into(),
            source,
        };
        match File::open(path) {
            Ok(file) => Self::read(path, file),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                Self::create(path).map_err(failed)
            }
            Err(error) => Err(failed(error)),
        }
    }

    fn read(path: &Path, file: File) -> Result<Self, KeyError> {
        let failed = |source| KeyError::File {
            path: path.into(),
            source,
        };
        let mode = file.metadata().map_err(failed)?.permissions().mode();
        if mode & 0o077 != 0 {
            return Err(KeyError::Exposed { path: path.into() });
        }
        let mut text = String::new();
        file.take(FILE_BYTES_MAX)
            .read_to_string(&mut text)
            .map_err(failed)?;
        let key = text.trim();
        if key.len() < KEY_CHARACTERS_MIN || !key.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(KeyError::Invalid { path: path.into() });
        }
        Ok(Self(key.to_owned()))
    }

    /// Written whole under another name first, so that a crash leaves no half key behind.
    fn create(path: &Path) -> io::Result<Self> {
        let mut bytes = [0; KEY_BYTES];
        getrandom::fill(&mut bytes).map_err(io::Error::other)?;
        let key: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        let fresh = path.with_extension("key.new");
        match std::fs::remove_file(&fresh) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let mut file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&fresh)?;
        file.write_all(format!("{key}\n").as_bytes())?;
        file.sync_all()?;
        std::fs::rename(&fresh, path)?;
        Ok(Self(key))
    }

    /// Whether somebody has shown the key; the time tells nothing about how much of it was right.
    pub(super) fn is(&self, shown: &str) -> bool {
        self.0.as_bytes().ct_eq(shown.as_bytes()).into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_made_once_and_for_its_owner_only() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("operator.key");
        let made = OperatorKey::load_or_create(&path).unwrap();
        assert_eq!(
            std::fs::metadata(&path).unwrap().permissions().mode() & 0o777,
            0o600
        );
        let read = OperatorKey::load_or_create(&path).unwrap();
        assert!(read.is(&made.0) && made.0.len() == 64);
        assert!(!read.is("") && !read.is(&made.0[1..]) && !read.is(&made.0.to_uppercase()));
        assert_eq!(
            std::fs::read_dir(folder.path()).unwrap().count(),
            1,
            "nothing else is left"
        );
    }

    #[test]
    fn a_key_that_others_can_read_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("operator.key");
        OperatorKey::load_or_create(&path).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o640)).unwrap();
        let error = OperatorKey::load_or_create(&path).unwrap_err().to_string();
        assert!(error.contains("chmod 600"), "{error}");
    }

    #[test]
    fn a_file_without_a_key_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("operator.key");
        for text in [
            "",
            "short",
            "a key with blanks in it, however long it is made",
        ] {
            std::fs::write(&path, text).unwrap();
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
            assert!(matches!(
                OperatorKey::load_or_create(&path),
                Err(KeyError::Invalid { .. })
            ));
        }
    }
}
