//! Names of characters by id, for shards and clients that meet somebody they do not know.
//!
//! *State*: [`Whois`], a cache; the names are in the characters' rows. Names never change.
//!
//! **Bounds:** [`CACHE_MAX`] names are remembered (about 80 bytes each); when full, the one that
//! was learnt first is forgotten. A question has at most [`IDS_MAX`] ids, the rest is ignored.

use std::collections::{BTreeMap, VecDeque};

use orrery_base::CharacterId;
use orrery_storage::{Domain, Rows};

use crate::character::CharacterRow;
use crate::rows::RowError;

/// Most names that are remembered.
pub const CACHE_MAX: usize = 1 << 16;
/// Most ids of one question.
pub const IDS_MAX: usize = 256;

/// The cache.
#[derive(Debug, Default)]
pub struct Whois {
    names: BTreeMap<CharacterId, String>,
    learnt: VecDeque<CharacterId>,
}

impl Whois {
    /// The names of these characters, in their order; those that do not exist are left out.
    ///
    /// # Errors
    /// [`RowError`] when the store is bad.
    pub fn names(
        &mut self,
        rows: &impl Rows,
        ids: &[CharacterId],
    ) -> Result<Vec<(CharacterId, String)>, RowError> {
        let ids = &ids[..ids.len().min(IDS_MAX)];
        let unknown: Vec<_> = ids
            .iter()
            .copied()
            .filter(|id| !self.names.contains_key(id))
            .collect();
        let mut read = BTreeMap::new();
        if !unknown.is_empty() {
            let keys: Vec<_> = unknown.iter().map(|&id| CharacterRow::key(id)).collect();
            let found = rows.multi_get(Domain::Character, &keys)?;
            for ((id, key), bytes) in unknown.into_iter().zip(keys).zip(found) {
                let Some(bytes) = bytes else { continue };
                let row = CharacterRow::decode(&bytes)
                    .map_err(|error| RowError::damaged(Domain::Character, &key, error))?;
                read.insert(id, row.name);
            }
        }
        let answer = ids
            .iter()
            .filter_map(|id| Some((*id, self.names.get(id).or_else(|| read.get(id))?.clone())))
            .collect();
        for (id, name) in read {
            self.learn(id, name);
        }
        Ok(answer)
    }

    /// Remembers a name that somebody has just read or made.
    pub fn learn(&mut self, id: CharacterId, name: String) {
        if self.names.insert(id, name).is_some() {
            return;
        }
        self.learnt.push_back(id);
        if self.learnt.len() > CACHE_MAX
            && let Some(first) = self.learnt.pop_front()
        {
            self.names.remove(&first);
        }
    }
}

#[cfg(test)]
mod tests;
