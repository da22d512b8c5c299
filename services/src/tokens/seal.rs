//! From claims to the text of a token and back. Not part of the state machine: the cipher takes
//! a nonce from the operating system.

use orrery_base::{AccountId, CharacterId};
use pasetors::Local;
use pasetors::keys::SymmetricKey;
use pasetors::token::UntrustedToken;
use pasetors::version4::{LocalToken, V4};
use serde::{Deserialize, Serialize};

use super::{Claims, Purpose, TokenId};
use crate::time::WallTime;

/// Longest text of a token, bytes; anything longer is refused unread.
pub const SEALED_BYTES_MAX: usize = 512;

/// The operating system gave no randomness.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("seal a token: no randomness from the operating system")]
pub struct SealError;

/// Seals and opens tokens under one key.
pub struct Sealer {
    key: SymmetricKey<V4>,
}

impl core::fmt::Debug for Sealer {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("Sealer")
    }
}

/// The payload, as JSON because PASETO wants it so. Times are numbers and not the registered
/// `exp` text: names of our own keep a reader from taking one for the other.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Payload {
    /// Token id, 32 hexadecimal digits.
    id: String,
    account: u64,
    character: u64,
    expires_ms: u64,
}

impl Purpose {
    /// Bound into the authentication but not sent (PASETO's implicit assertion).
    const fn assertion(self) -> &'static [u8] {
        match self {
            Self::Session => b"orrery session 1",
            Self::Game => b"orrery game 1",
        }
    }
}

impl Sealer {
    /// A sealer under this key.
    #[must_use]
    pub fn new(key: &[u8; 32]) -> Self {
        Self {
            key: SymmetricKey::from(key).expect("a v4.local key has 32 bytes, and so has this"),
        }
    }

    /// The text of a token that says `claims`: about 230 characters of ASCII.
    ///
    /// # Errors
    /// [`SealError`] when the operating system gives no randomness.
    pub fn seal(&self, purpose: Purpose, claims: &Claims) -> Result<String, SealError> {
        let payload = Payload {
            id: format!("{:032x}", u128::from_be_bytes(claims.id.0)),
            account: claims.account.0,
            character: claims.character.0,
            expires_ms: claims.expires.0,
        };
        let payload = serde_json::to_vec(&payload).map_err(|_| SealError)?;
        LocalToken::encrypt(&self.key, &payload, None, Some(purpose.assertion()))
            .map_err(|_| SealError)
    }

    /// What a token says, if it was sealed here for this purpose. Whether it may still be used
    /// is for [`super::Tokens::check`].
    #[must_use]
    pub fn open(&self, purpose: Purpose, token: &str) -> Option<Claims> {
        if token.len() > SEALED_BYTES_MAX {
            return None;
        }
        let untrusted = UntrustedToken::<Local, V4>::try_from(token).ok()?;
        let trusted =
            LocalToken::decrypt(&self.key, &untrusted, None, Some(purpose.assertion())).ok()?;
        // A footer is not encrypted and we write none: such a token is not ours.
        if !trusted.footer().is_empty() {
            return None;
        }
        let payload: Payload = serde_json::from_str(trusted.payload()).ok()?;
        let id = u128::from_str_radix(&payload.id, 16).ok()?;
        Some(Claims {
            id: TokenId(id.to_be_bytes()),
            account: AccountId(payload.account),
            character: CharacterId(payload.character),
            expires: WallTime(payload.expires_ms),
        })
    }
}
