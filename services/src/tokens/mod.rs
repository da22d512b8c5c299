//! Tokens: what a browser holds after log-in, and what a game client presents once on QUIC.
//!
//! A token is a PASETO `v4.local`: encrypted and authenticated under a key that never leaves the
//! server, so nobody reads or alters it. It says who ([`Claims`]) and until when. Two purposes,
//! bound into the authentication, so that one can never be used as the other:
//!
//! | purpose | lifetime | used |
//! | --- | --- | --- |
//! | [`Purpose::Session`] | hours | any number of times, until log-out |
//! | [`Purpose::Game`] | seconds (longer for bots, by the operator) | once |
//!
//! *State*: [`Tokens`], the ids that may not be used any more although they have not expired:
//! game tokens that were redeemed, sessions that were ended. Nothing is stored when a token is
//! issued; the authentication proves that it was.
//! *Commands*: [`Command`]. *Queries*: [`Tokens::check`].
//!
//! | row | domain | key | value |
//! | --- | --- | --- | --- |
//! | spent token | `Token` | token id, 16 bytes | version byte, rkyv: expiry |
//! | key | `Meta` | [`KEY_KEY`] | version byte, rkyv: 32 bytes |
//! | horizon | `Meta` | [`HORIZON_KEY`] | version byte, rkyv: time |
//! | next client | `Meta` | [`CLIENT_KEY`] | version byte, rkyv: number |
//!
//! **Invariants**
//! - A token is redeemed at most once, also through a crash and also if the clock steps back: a
//!   redemption is answered when its row is durable, and when rows of expired tokens are pruned
//!   the *horizon*, written in the same batch, is raised to that moment; a token that expired at
//!   or before the horizon is refused whatever the clock says.
//! - A redemption makes a client: its id is unique for the life of the store, because the
//!   counter is in the same batch.
//! - At most [`SPENT_MAX`] rows: beyond that redemptions are refused with [`Reject::Busy`] until
//!   tokens expire. At 30 s a token this is 35,000 log-ins a second.
//!
//! Cost: 24 bytes a row on disk, about 100 bytes in memory.

mod handle;
mod seal;
mod state;

use orrery_base::{AccountId, CharacterId};

use crate::time::WallTime;

pub use handle::Command;
pub use seal::{SEALED_BYTES_MAX, SealError, Sealer};
pub(crate) use state::decode_spent;
pub use state::{CLIENT_KEY, HORIZON_KEY, KEY_KEY, SPENT_MAX, Tokens, load_key, write_key};

/// A token's number: 128 random bits, so that nobody guesses it and no counter is needed.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct TokenId(pub [u8; 16]);

/// What a token is for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Purpose {
    /// Talking to the REST interface after log-in.
    Session,
    /// Entering the game with one character, once.
    Game,
}

/// What a token says.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Claims {
    /// The token's number.
    pub id: TokenId,
    /// Whose token it is.
    pub account: AccountId,
    /// With which character; [`CharacterId::NONE`] in a session token.
    pub character: CharacterId,
    /// From this moment on it is worth nothing.
    pub expires: WallTime,
}

/// Why a token was refused. `Display` is a sentence for the player.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Reject {
    /// Its time is over.
    #[error("This token has expired: log in again.")]
    Expired,
    /// It was used, or its session was ended.
    #[error("This token was used before: log in again.")]
    Spent,
    /// [`SPENT_MAX`] tokens wait for their expiry.
    #[error("Too many players are logging in at this moment: try again soon.")]
    Busy,
}

#[cfg(test)]
mod tests;
