//! The table of spent tokens and its rows.

use std::collections::{BTreeMap, BTreeSet};

use orrery_base::ClientId;
use orrery_storage::{Batch, Domain, KeyRange, Rows};

use super::{Claims, Reject, TokenId};
use crate::record::RecordError;
use crate::rows::{RowError, fixed_key};
use crate::time::WallTime;
use crate::{Outbox, record};

/// Most spent tokens that are remembered at one time: 100 MB of memory.
pub const SPENT_MAX: usize = 1 << 20;
/// Key of the sealing key in the domain `Meta`.
pub const KEY_KEY: &[u8] = b"services/token-key";
/// Key of the horizon in the domain `Meta`.
pub const HORIZON_KEY: &[u8] = b"services/token-horizon";
/// Key of the next client's number in the domain `Meta`.
pub const CLIENT_KEY: &[u8] = b"services/next-client";

const SPENT_VERSION: u8 = 1;
const KEY_VERSION: u8 = 1;
const HORIZON_VERSION: u8 = 1;
const CLIENT_VERSION: u8 = 1;

/// Ids that may not be used any more although they have not expired.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Tokens {
    spent: BTreeMap<TokenId, WallTime>,
    by_expiry: BTreeSet<(WallTime, TokenId)>,
    horizon: WallTime,
    /// The number that the next client gets.
    client: u64,
}

impl Default for Tokens {
    fn default() -> Self {
        Self {
            spent: BTreeMap::new(),
            by_expiry: BTreeSet::new(),
            horizon: WallTime(0),
            client: 1,
        }
    }
}

impl Tokens {
    /// Reads the table from the store.
    ///
    /// # Errors
    /// [`RowError`] when the store cannot be read or a row is damaged.
    pub fn load(rows: &impl Rows) -> Result<Self, RowError> {
        let mut tokens = Self::default();
        if let Some(bytes) = rows.get(Domain::Meta, HORIZON_KEY)? {
            let ms: u64 = record::decode(HORIZON_VERSION, &bytes)
                .map_err(|error| RowError::damaged(Domain::Meta, HORIZON_KEY, error))?;
            tokens.horizon = WallTime(ms);
        }
        if let Some(bytes) = rows.get(Domain::Meta, CLIENT_KEY)? {
            tokens.client = record::decode(CLIENT_VERSION, &bytes)
                .map_err(|error| RowError::damaged(Domain::Meta, CLIENT_KEY, error))?;
        }
        for row in rows.range(Domain::Token, KeyRange::all()) {
            let row = row?;
            let id = fixed_key(Domain::Token, &row.key)?;
            let expires = decode_spent(&row.value)
                .map_err(|error| RowError::damaged(Domain::Token, &row.key, error))?;
            tokens.remember(TokenId(id), expires);
        }
        Ok(tokens)
    }

    /// Whether a token that says this may be used now.
    ///
    /// # Errors
    /// [`Reject::Expired`] or [`Reject::Spent`].
    pub fn check(&self, now: WallTime, claims: &Claims) -> Result<(), Reject> {
        if claims.expires <= now.max(self.horizon) {
            return Err(Reject::Expired);
        }
        if self.spent.contains_key(&claims.id) {
            return Err(Reject::Spent);
        }
        Ok(())
    }

    /// Spent tokens that are remembered.
    #[must_use]
    pub fn len(&self) -> usize {
        self.spent.len()
    }

    /// Whether no spent token is remembered.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.spent.is_empty()
    }

    pub(super) fn spend(&mut self, claims: &Claims, out: &mut Outbox) -> Result<(), Reject> {
        if self.spent.len() >= SPENT_MAX {
            return Err(Reject::Busy);
        }
        self.remember(claims.id, claims.expires);
        out.writes.put(
            Domain::Token,
            claims.id.0,
            record::encode(SPENT_VERSION, &claims.expires.0),
        );
        Ok(())
    }

    pub(super) fn next_client(&mut self, out: &mut Outbox) -> ClientId {
        let client = ClientId(self.client);
        self.client += 1;
        out.writes.put(
            Domain::Meta,
            CLIENT_KEY,
            record::encode(CLIENT_VERSION, &self.client),
        );
        client
    }

    pub(super) fn prune(&mut self, now: WallTime, rows_max: usize, out: &mut Outbox) {
        let mut pruned_any = false;
        for _ in 0..rows_max {
            let Some(&(expires, id)) = self.by_expiry.first() else {
                break;
            };
            if expires > now {
                break;
            }
            self.by_expiry.pop_first();
            self.spent.remove(&id);
            out.writes.delete(Domain::Token, id.0);
            pruned_any = true;
        }
        if pruned_any && now > self.horizon {
            self.horizon = now;
            out.writes.put(
                Domain::Meta,
                HORIZON_KEY,
                record::encode(HORIZON_VERSION, &now.0),
            );
        }
    }

    fn remember(&mut self, id: TokenId, expires: WallTime) {
        self.spent.insert(id, expires);
        self.by_expiry.insert((expires, id));
    }
}

pub(crate) fn decode_spent(bytes: &[u8]) -> Result<WallTime, RecordError> {
    record::decode(SPENT_VERSION, bytes).map(WallTime)
}

/// The key that seals tokens, if the store has one.
///
/// # Errors
/// [`RowError`] when the store cannot be read or the row is damaged.
pub fn load_key(rows: &impl Rows) -> Result<Option<[u8; 32]>, RowError> {
    let Some(bytes) = rows.get(Domain::Meta, KEY_KEY)? else {
        return Ok(None);
    };
    record::decode(KEY_VERSION, &bytes)
        .map(Some)
        .map_err(|error| RowError::damaged(Domain::Meta, KEY_KEY, error))
}

/// Stores a new key, 32 random bytes. Tokens that were sealed under another are void.
pub fn write_key(key: &[u8; 32], batch: &mut Batch) {
    batch.put(Domain::Meta, KEY_KEY, record::encode(KEY_VERSION, key));
}
