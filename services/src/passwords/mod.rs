//! Passwords: which are good enough, and their Argon2id hashes.
//!
//! Pure functions; each call of [`Hasher::hash`] and [`Hasher::verify`] takes tens of
//! milliseconds and tens of megabytes on purpose, so the shell calls them on a small pool off
//! the simulation's cores. Salts are arguments.
//!
//! **Invariant:** a log-in takes the same work whether the account exists or not: the shell
//! verifies against [`Hasher::decoy`] when there is no account.

use argon2::password_hash::phc::PasswordHash;
use argon2::{Algorithm, Argon2, Params, PasswordHasher as _, PasswordVerifier as _, Version};

/// Fewest characters of a password.
pub const PASSWORD_CHARACTERS_MIN: usize = 8;
/// Most bytes of a password: enough for a long sentence, and a bound for the estimator.
pub const PASSWORD_BYTES_MAX: usize = 256;
/// Bytes of a salt.
pub const SALT_BYTES: usize = 16;

/// Why a password was refused at sign-up. `Display` is a sentence for the player.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum PasswordError {
    /// Fewer than [`PASSWORD_CHARACTERS_MIN`] characters.
    #[error("A password has at least {PASSWORD_CHARACTERS_MIN} characters.")]
    TooShort,
    /// More than [`PASSWORD_BYTES_MAX`] bytes.
    #[error("A password has at most {PASSWORD_BYTES_MAX} bytes.")]
    TooLong,
    /// Too easy to guess; with the estimator's advice, which may be empty.
    #[error("This password is too easy to guess.{}{advice}", if advice.is_empty() { "" } else { " " })]
    Weak {
        /// What would make it better.
        advice: String,
    },
}

/// Parameters that Argon2 does not take.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("argon2 parameters memory {memory_kib} KiB, {passes} passes, {lanes} lanes: {reason}")]
pub struct ParameterError {
    memory_kib: u32,
    passes: u32,
    lanes: u32,
    reason: String,
}

/// The hash could not be computed: no memory.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("hash a password: {0}")]
pub struct HashError(String);

/// Cost of a hash.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Cost {
    /// Memory, KiB.
    pub memory_kib: u32,
    /// Passes over that memory.
    pub passes: u32,
    /// Lanes that could be computed side by side; computed one after the other here.
    pub lanes: u32,
}

impl Default for Cost {
    /// OWASP's recommendation: 19 MiB, 2 passes, 1 lane. About 30 ms.
    fn default() -> Self {
        Self {
            memory_kib: 19 * 1024,
            passes: 2,
            lanes: 1,
        }
    }
}

/// A password's hash in PHC text form (`$argon2id$…`): names its own parameters and salt.
#[derive(Clone, PartialEq, Eq)]
pub struct Hash(String);

impl core::fmt::Debug for Hash {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("Hash(…)")
    }
}

impl Hash {
    /// The text form.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// A hash from its stored text form. A text that is none matches no password.
    #[must_use]
    pub fn from_stored(text: String) -> Self {
        Self(text)
    }
}

/// Computes hashes of one cost.
#[derive(Clone, Debug)]
pub struct Hasher {
    argon2: Argon2<'static>,
    decoy: Hash,
}

impl Hasher {
    /// A hasher of this cost. Computes one hash, the decoy.
    ///
    /// # Errors
    /// [`ParameterError`] when Argon2 does not take the parameters.
    pub fn new(cost: Cost, decoy_salt: &[u8; SALT_BYTES]) -> Result<Self, ParameterError> {
        let refuse = |reason: String| ParameterError {
            memory_kib: cost.memory_kib,
            passes: cost.passes,
            lanes: cost.lanes,
            reason,
        };
        let params = Params::new(cost.memory_kib, cost.passes, cost.lanes, None)
            .map_err(|error| refuse(error.to_string()))?;
        let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
        let decoy = argon2
            .hash_password_with_salt(b"", decoy_salt)
            .map_err(|error| refuse(error.to_string()))?;
        Ok(Self {
            argon2,
            decoy: Hash(decoy.to_string()),
        })
    }

    /// The hash of a password.
    ///
    /// # Errors
    /// [`HashError`] when there is no memory for it.
    pub fn hash(&self, password: &str, salt: &[u8; SALT_BYTES]) -> Result<Hash, HashError> {
        self.argon2
            .hash_password_with_salt(password.as_bytes(), salt)
            .map(|hash| Hash(hash.to_string()))
            .map_err(|error| HashError(error.to_string()))
    }

    /// Whether the hash is of this password; compared in constant time.
    #[must_use]
    pub fn verify(&self, password: &str, hash: &Hash) -> bool {
        PasswordHash::new(&hash.0).is_ok_and(|hash| {
            self.argon2
                .verify_password(password.as_bytes(), &hash)
                .is_ok()
        })
    }

    /// A hash to verify against where there is no account.
    #[must_use]
    pub fn decoy(&self) -> &Hash {
        &self.decoy
    }

    /// Whether the hash was made with another cost, and should be made anew at the next log-in.
    #[must_use]
    pub fn is_outdated(&self, hash: &Hash) -> bool {
        let ours = self.argon2.params();
        let theirs = PasswordHash::new(&hash.0)
            .ok()
            .and_then(|hash| Params::try_from(&hash).ok());
        theirs.is_none_or(|theirs| {
            (theirs.m_cost(), theirs.t_cost(), theirs.p_cost())
                != (ours.m_cost(), ours.t_cost(), ours.p_cost())
        })
    }
}

/// Whether a password may be had, given the names that an attacker would try first. Takes up to
/// a few milliseconds.
///
/// # Errors
/// [`PasswordError`]: the first rule that it breaks.
pub fn check(password: &str, names: &[&str]) -> Result<(), PasswordError> {
    if password.len() > PASSWORD_BYTES_MAX {
        return Err(PasswordError::TooLong);
    }
    if password.chars().count() < PASSWORD_CHARACTERS_MIN {
        return Err(PasswordError::TooShort);
    }
    let mut inputs = vec!["orrery"];
    inputs.extend_from_slice(names);
    let estimate = zxcvbn::zxcvbn(password, &inputs);
    // Two of four: not guessed by 10⁶ tries, which a throttled log-in cannot reach.
    if estimate.score() >= zxcvbn::Score::Two {
        return Ok(());
    }
    let mut advice = String::new();
    if let Some(feedback) = estimate.feedback() {
        if let Some(warning) = feedback.warning() {
            advice = warning.to_string();
        } else if let Some(suggestion) = feedback.suggestions().first() {
            advice = suggestion.to_string();
        }
    }
    Err(PasswordError::Weak { advice })
}

#[cfg(test)]
mod tests;
