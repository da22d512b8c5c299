//! Bounds the journal and the checkpoints. Pruning only ever removes what no kept checkpoint
//! needs: from each of them the world can still be replayed to the last beat.

use orrery_base::{ShardIndex, Tick};

use crate::checkpoint::{self, CheckpointError};
use crate::journal::JournalKey;
use crate::{Batch, Domain, KeyRange, ReadError, Rows};

/// How much to keep.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Keep {
    /// Complete checkpoints, at least 1.
    pub checkpoints: usize,
    /// Beats of journal before the last beat, for `replay`; more if a kept checkpoint needs
    /// them.
    pub journal_beats: u64,
}

/// What a pruning removes when its batch is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Pruned {
    /// Checkpoints before this one, if there are any.
    pub checkpoints_before: Option<Tick>,
    /// Incomplete checkpoints between those that are kept.
    pub incomplete: u64,
    /// Journal before this beat, if there is any.
    pub journal_before: Option<Tick>,
}

/// Adds to `batch` the removal of what is older than `keep` says, seen from `last_beat`.
/// Without a complete checkpoint nothing is removed. An incomplete checkpoint that is newer
/// than every complete one is left alone: it may be under way.
///
/// Reads the checkpoints that it keeps, to be sure of them. The batch may go through the
/// control port at any later time: beats and checkpoints that have been added by then are
/// not touched by it.
///
/// # Errors
///
/// [`ReadError`]; the batch is unchanged then.
pub fn prune(
    rows: &impl Rows,
    last_beat: Tick,
    keep: Keep,
    batch: &mut Batch,
) -> Result<Pruned, ReadError> {
    let mut out = Batch::new();
    let mut pruned = Pruned::default();
    let mut kept = 0;
    let mut oldest_kept = None;
    for beat in checkpoint::beats_down(rows, last_beat) {
        let beat = beat?;
        if kept == keep.checkpoints.max(1) {
            break;
        }
        match checkpoint::load(rows, beat) {
            Ok(_) => {
                kept += 1;
                oldest_kept = Some(beat);
            }
            Err(CheckpointError::Incomplete { .. }) if oldest_kept.is_none() => {}
            Err(CheckpointError::Incomplete { .. }) => {
                out.delete_range(
                    Domain::Checkpoint,
                    beat.0.to_be_bytes(),
                    beat.next().0.to_be_bytes(),
                );
                pruned.incomplete += 1;
            }
            Err(CheckpointError::Read(error)) => return Err(error),
        }
    }
    let Some(oldest_kept) = oldest_kept else {
        return Ok(pruned);
    };
    let before = oldest_kept.0.to_be_bytes();
    if cut(rows, Domain::Checkpoint, &before, &mut out)? {
        pruned.checkpoints_before = Some(oldest_kept);
    }
    let first_kept = last_beat.minus(keep.journal_beats).min(oldest_kept).next();
    let before = JournalKey {
        beat: first_kept,
        shard: ShardIndex(0),
    };
    if cut(rows, Domain::Journal, &before.encode(), &mut out)? {
        pruned.journal_before = Some(first_kept);
    }
    batch.append(&out);
    Ok(pruned)
}

/// Removes the rows before a key. From the first row, not from the first possible key: range
/// deletions that cover each other again and again would slow every later scan.
fn cut(
    rows: &impl Rows,
    domain: Domain,
    before: &[u8],
    batch: &mut Batch,
) -> Result<bool, ReadError> {
    let older = KeyRange::between(Vec::new(), before);
    let Some(first) = rows.range(domain, older).next() else {
        return Ok(false);
    };
    batch.delete_range(domain, first?.key, before);
    Ok(true)
}

#[cfg(test)]
mod tests;
