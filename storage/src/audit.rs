//! The store's own invariants, checked on a stopped or running store. What rows mean
//! (conservation of value, names that point nowhere) is audited by the crates that wrote them.

use std::collections::BTreeMap;
use std::fmt;

use orrery_base::{GridId, ShardIndex, Tick};

use crate::checkpoint::{self, CheckpointFault, CheckpointKey};
use crate::commit::chain;
use crate::journal::JournalKey;
use crate::log::{self, Frame, ReadFrom};
use crate::meta::Meta;
use crate::{Domain, KeyRange, Rows, Store, View};

/// Findings after which only their number is kept.
const FINDINGS_MAX: usize = 1000;

/// Something that is not as it has to be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Finding {
    /// Rows cannot be read.
    #[error("{domain} rows cannot be read: {detail}")]
    Unreadable {
        /// Where.
        domain: Domain,
        /// The engine's words.
        detail: String,
    },
    /// The store's description of itself is wrong.
    #[error("the store does not describe itself: {0}")]
    Meta(String),
    /// A key that its domain cannot have.
    #[error("{domain} has a row with the undecodable key {key:02x?}")]
    BadKey {
        /// Where.
        domain: Domain,
        /// Its bytes.
        key: Vec<u8>,
    },
    /// The beat log cannot be read to its end.
    #[error("the beat log cannot be read: {0}")]
    Log(String),
    /// Frames that the rows have are not in the log.
    #[error("the beat log ends at frame {log}, the rows are those of frame {applied}")]
    LogEnd {
        /// Last frame of the log, 0 if it has none.
        log: u64,
        /// Last frame of the rows.
        applied: u64,
    },
    /// Beats are missing in the journal.
    #[error("the journal jumps from beat {after} to beat {before}")]
    JournalGap {
        /// Last beat before the gap.
        after: Tick,
        /// First beat after it.
        before: Tick,
    },
    /// A shard's record of a beat is missing, or there twice.
    #[error("the journal of beat {beat} has no record of shard {shard} in its place")]
    JournalShard {
        /// Beat.
        beat: Tick,
        /// First shard that is missing.
        shard: ShardIndex,
    },
    /// The journal and the last beat do not end together.
    #[error("the journal ends at beat {journal}, the store at {}", beat_or_none(*last_beat))]
    JournalEnd {
        /// Last beat of the journal.
        journal: Tick,
        /// Last beat of the store.
        last_beat: Option<Tick>,
    },
    /// A checkpoint is damaged.
    #[error("the checkpoint of grid {grid} at beat {beat} cannot be used: {fault}")]
    Checkpoint {
        /// Its grid.
        grid: GridId,
        /// Its beat.
        beat: Tick,
        /// What is wrong with it.
        fault: CheckpointFault,
    },
    /// A checkpoint from the future.
    #[error(
        "the checkpoint of grid {grid} at beat {beat} is beyond the last beat, {}",
        beat_or_none(*last_beat)
    )]
    CheckpointBeyond {
        /// Its grid.
        grid: GridId,
        /// Its beat.
        beat: Tick,
        /// Last beat of the store.
        last_beat: Option<Tick>,
    },
    /// The world cannot be replayed from its newest checkpoint.
    #[error("the journal begins at beat {journal}, after the newest checkpoint, beat {checkpoint}")]
    ReplayGap {
        /// Newest whole checkpoint of any grid.
        checkpoint: Tick,
        /// First beat of the journal.
        journal: Tick,
    },
}

/// Rows of a domain.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Volume {
    /// Number of rows.
    pub rows: u64,
    /// Bytes of keys and values, before compression.
    pub bytes: u64,
}

/// What an audit saw.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// What the store says about itself.
    pub meta: Option<Meta>,
    /// Size of each domain.
    pub volumes: BTreeMap<Domain, Volume>,
    /// First and last frame of the beat log that was read, up to the last one of the rows.
    pub frames: Option<(u64, u64)>,
    /// First and last beat of the journal.
    pub journal: Option<(Tick, Tick)>,
    /// Of each grid with whole checkpoints, how many, and the beat of the newest.
    pub checkpoints: BTreeMap<GridId, (u64, Tick)>,
    /// What is not as it has to be; at most the first thousand.
    pub findings: Vec<Finding>,
    /// Findings beyond those.
    pub findings_omitted: u64,
}

impl Report {
    /// Whether nothing is damaged.
    #[must_use]
    pub fn is_sound(&self) -> bool {
        self.findings_omitted == 0 && self.findings.is_empty()
    }

    fn find(&mut self, finding: Finding) {
        if self.findings.len() < FINDINGS_MAX {
            self.findings.push(finding);
        } else {
            self.findings_omitted += 1;
        }
    }

    /// The newest whole checkpoint of any grid.
    #[must_use]
    pub fn newest_checkpoint(&self) -> Option<Tick> {
        self.checkpoints.values().map(|(_, newest)| *newest).max()
    }

    fn last_beat(&self) -> Option<Tick> {
        self.meta.and_then(|meta| meta.last_beat)
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(meta) = &self.meta {
            let ended = if meta.was_clean { "clean" } else { "not clean" };
            let last = beat_or_none(meta.last_beat);
            writeln!(f, "schema {}, last beat {last}, {ended}", meta.schema)?;
        }
        for (domain, volume) in &self.volumes {
            writeln!(f, "{domain}: {} rows, {} bytes", volume.rows, volume.bytes)?;
        }
        if let Some((first, last)) = self.frames {
            writeln!(f, "beat log: frames {first} to {last}")?;
        }
        if let Some((first, last)) = self.journal {
            writeln!(f, "journal: beats {first} to {last}")?;
        }
        if let Some(newest) = self.newest_checkpoint() {
            let count: u64 = self.checkpoints.values().map(|(count, _)| count).sum();
            let grids = self.checkpoints.len();
            writeln!(
                f,
                "checkpoints: {count} of {grids} grids, the newest of beat {newest}"
            )?;
        }
        for finding in &self.findings {
            writeln!(f, "DAMAGE: {finding}")?;
        }
        if self.findings_omitted > 0 {
            writeln!(f, "and {} findings more", self.findings_omitted)?;
        }
        Ok(())
    }
}

/// Reads every row (and with it the checksum of every block) of a fixed view of the store and
/// every frame of the beat log up to those rows, and checks: schema, last beat, the chain of the
/// log's checksums, the frames of the rows in the log, the journal contiguous up to the last
/// beat with a record of every shard, the sums of the checkpoints, none beyond the last beat,
/// the newest one reached by the journal. Changes nothing.
#[must_use]
pub fn structure(store: &Store) -> Report {
    let view = store.view();
    let mut report = Report::default();
    match Meta::read(&view) {
        Ok(meta) => report.meta = Some(meta),
        Err(error) => report.find(Finding::Meta(error.to_string())),
    }
    for domain in Domain::ALL {
        read_domain(&view, domain, &mut report);
    }
    read_log(store, &mut report);
    if let Some((first, last)) = report.journal {
        let last_beat = report.last_beat();
        if last_beat != Some(last) {
            report.find(Finding::JournalEnd {
                journal: last,
                last_beat,
            });
        }
        if let Some(checkpoint) = report.newest_checkpoint()
            && first > checkpoint.next()
        {
            report.find(Finding::ReplayGap {
                checkpoint,
                journal: first,
            });
        }
    }
    report
}

fn read_domain(view: &View<'_>, domain: Domain, report: &mut Report) {
    let mut volume = Volume::default();
    for row in view.range(domain, KeyRange::all()) {
        let row = match row {
            Ok(row) => row,
            Err(error) => {
                report.find(Finding::Unreadable {
                    domain,
                    detail: error.detail,
                });
                break;
            }
        };
        volume.rows += 1;
        volume.bytes += (row.key.len() + row.value.len()) as u64;
        if domain == Domain::Checkpoint {
            check_checkpoint(row.key, &row.value, report);
        }
    }
    report.volumes.insert(domain, volume);
}

/// Keys come in order: by grid, then by beat.
fn check_checkpoint(key: Vec<u8>, value: &[u8], report: &mut Report) {
    let Some(CheckpointKey { grid, beat }) = CheckpointKey::decode(&key) else {
        let domain = Domain::Checkpoint;
        report.find(Finding::BadKey { domain, key });
        return;
    };
    let last_beat = report.last_beat();
    if last_beat.is_none_or(|last| beat > last) {
        report.find(Finding::CheckpointBeyond {
            grid,
            beat,
            last_beat,
        });
    } else if let Err(fault) = checkpoint::verify(&key, value) {
        report.find(Finding::Checkpoint { grid, beat, fault });
    } else {
        let (count, newest) = report.checkpoints.entry(grid).or_insert((0, beat));
        *count += 1;
        *newest = beat;
    }
}

/// The log up to the frame of the rows: beside a running server it goes on behind them.
fn read_log(store: &Store, report: &mut Report) {
    let applied = report.meta.map_or(u64::MAX, |meta| meta.applied_frame);
    let frames = match log::read(store.log(), ReadFrom::Start) {
        Ok(frames) => frames,
        Err(error) => return report.find(Finding::Log(chain(&error))),
    };
    let mut expected = None;
    for frame in frames {
        match frame {
            Ok(frame) if frame.number > applied => break,
            Ok(frame) => read_frame(&frame, &mut expected, report),
            Err(error) => return report.find(Finding::Log(chain(&error))),
        }
    }
    let log = report.frames.map_or(0, |(_, last)| last);
    if report.meta.is_some() && log != applied {
        report.find(Finding::LogEnd { log, applied });
    }
}

fn read_frame(frame: &Frame, expected: &mut Option<JournalKey>, report: &mut Report) {
    let first = report.frames.map_or(frame.number, |(first, _)| first);
    report.frames = Some((first, frame.number));
    for record in &frame.records {
        let key = JournalKey {
            beat: record.beat,
            shard: record.shard,
        };
        check_journal_key(key, expected, report);
    }
}

/// Keys come in order. `expected` is the key that continues the present beat.
fn check_journal_key(key: JournalKey, expected: &mut Option<JournalKey>, report: &mut Report) {
    let begun = expected.filter(|expected| expected.beat == key.beat);
    if begun.is_none() {
        if let Some(expected) = expected
            && key.beat != expected.beat.next()
        {
            report.find(Finding::JournalGap {
                after: expected.beat,
                before: key.beat,
            });
        }
        let first = report.journal.map_or(key.beat, |(first, _)| first);
        report.journal = Some((first, key.beat));
    }
    let shard = begun.map_or(ShardIndex(0), |begun| begun.shard);
    if key.shard != shard {
        report.find(Finding::JournalShard {
            beat: key.beat,
            shard,
        });
    }
    *expected = Some(JournalKey {
        beat: key.beat,
        shard: ShardIndex(key.shard.0.saturating_add(1)),
    });
}

fn beat_or_none(beat: Option<Tick>) -> String {
    beat.map_or_else(|| "none".into(), |beat| beat.to_string())
}

#[cfg(test)]
mod tests;
