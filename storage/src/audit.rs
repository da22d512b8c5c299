//! The store's own invariants, checked on a stopped or running store. What rows mean
//! (conservation of value, names that point nowhere) is audited by the crates that wrote them.

use std::collections::BTreeMap;
use std::fmt;

use orrery_base::{ShardIndex, Tick};

use crate::checkpoint::{self, CheckpointError, CheckpointFault, CheckpointKey};
use crate::journal::JournalKey;
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
    /// Beats are missing in the journal.
    #[error("the journal jumps from beat {after} to beat {before}")]
    JournalGap {
        /// Last beat before the gap.
        after: Tick,
        /// First beat after it.
        before: Tick,
    },
    /// A shard's row of a beat is missing.
    #[error("the journal of beat {beat} has no row of shard {shard}")]
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
    /// A checkpoint is not whole.
    #[error("the checkpoint of beat {beat} cannot be used: {fault}")]
    Checkpoint {
        /// Its beat.
        beat: Tick,
        /// What is wrong with it.
        fault: CheckpointFault,
        /// Whether it is newer than every complete one: then it was under way when the
        /// server stopped (or still is), and nothing is lost.
        is_under_way: bool,
    },
    /// A checkpoint from the future.
    #[error("the checkpoint of beat {beat} is beyond the last beat, {}", beat_or_none(*last_beat))]
    CheckpointBeyond {
        /// Its beat.
        beat: Tick,
        /// Last beat of the store.
        last_beat: Option<Tick>,
    },
    /// The world cannot be replayed from its newest checkpoint.
    #[error("the journal begins at beat {journal}, after the newest checkpoint, beat {checkpoint}")]
    ReplayGap {
        /// Newest complete checkpoint.
        checkpoint: Tick,
        /// First beat of the journal.
        journal: Tick,
    },
}

impl Finding {
    /// Whether something is lost or wrong; otherwise it is only worth knowing.
    #[must_use]
    pub fn is_damage(&self) -> bool {
        !matches!(
            self,
            Self::Checkpoint {
                is_under_way: true,
                ..
            }
        )
    }
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
    /// First and last beat of the journal.
    pub journal: Option<(Tick, Tick)>,
    /// Beats of the complete checkpoints, newest first.
    pub checkpoints: Vec<Tick>,
    /// What is not as it has to be; at most the first thousand.
    pub findings: Vec<Finding>,
    /// Findings beyond those.
    pub findings_omitted: u64,
}

impl Report {
    /// Whether nothing is damaged.
    #[must_use]
    pub fn is_sound(&self) -> bool {
        self.findings_omitted == 0 && !self.findings.iter().any(Finding::is_damage)
    }

    fn find(&mut self, finding: Finding) {
        if self.findings.len() < FINDINGS_MAX {
            self.findings.push(finding);
        } else {
            self.findings_omitted += 1;
        }
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
        if let Some((first, last)) = self.journal {
            writeln!(f, "journal: beats {first} to {last}")?;
        }
        for beat in &self.checkpoints {
            writeln!(f, "checkpoint: beat {beat}")?;
        }
        for finding in &self.findings {
            let weight = if finding.is_damage() {
                "DAMAGE"
            } else {
                "note"
            };
            writeln!(f, "{weight}: {finding}")?;
        }
        if self.findings_omitted > 0 {
            writeln!(f, "and {} findings more", self.findings_omitted)?;
        }
        Ok(())
    }
}

/// Reads every row (and with it the checksum of every block) of a fixed view of the store and
/// checks: schema, last beat, keys of the journal and of the checkpoints, the journal
/// contiguous up to the last beat with a row of every shard, checkpoints complete and not
/// beyond the last beat, the newest one reached by the journal. Changes nothing.
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
    check_checkpoints(&view, &mut report);
    if let Some((first, last)) = report.journal {
        let last_beat = report.last_beat();
        if last_beat != Some(last) {
            report.find(Finding::JournalEnd {
                journal: last,
                last_beat,
            });
        }
        if let Some(newest) = report.checkpoints.first().copied()
            && first > newest.next()
        {
            report.find(Finding::ReplayGap {
                checkpoint: newest,
                journal: first,
            });
        }
    }
    report
}

fn read_domain(view: &View<'_>, domain: Domain, report: &mut Report) {
    let mut volume = Volume::default();
    let mut expected: Option<JournalKey> = None;
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
        let is_bad = match domain {
            Domain::Journal => match JournalKey::decode(&row.key) {
                Some(key) => {
                    check_journal_key(key, &mut expected, report);
                    false
                }
                None => true,
            },
            Domain::Checkpoint => CheckpointKey::decode(&row.key).is_none(),
            _ => false,
        };
        if is_bad {
            let key = row.key;
            report.find(Finding::BadKey { domain, key });
        }
    }
    report.volumes.insert(domain, volume);
}

/// Keys come in order. `expected` is the key that continues the present beat.
fn check_journal_key(key: JournalKey, expected: &mut Option<JournalKey>, report: &mut Report) {
    let begun = expected.filter(|expected| expected.beat == key.beat);
    if begun.is_none() {
        if let Some(expected) = expected
            && key.beat > expected.beat.next()
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

fn check_checkpoints(view: &View<'_>, report: &mut Report) {
    for beat in checkpoint::beats_down(view, Tick(u64::MAX)) {
        let Ok(beat) = beat else {
            // Reading the domain has reported it.
            return;
        };
        let last_beat = report.last_beat();
        if last_beat.is_none_or(|last| beat > last) {
            report.find(Finding::CheckpointBeyond { beat, last_beat });
            continue;
        }
        match checkpoint::load(view, beat) {
            Ok(_) => report.checkpoints.push(beat),
            Err(CheckpointError::Incomplete { fault, .. }) => {
                // Only a missing header is what an unfinished one looks like.
                let is_under_way =
                    fault == CheckpointFault::NoHeader && report.checkpoints.is_empty();
                report.find(Finding::Checkpoint {
                    beat,
                    fault,
                    is_under_way,
                });
            }
            Err(CheckpointError::Read(error)) => report.find(Finding::Unreadable {
                domain: error.domain,
                detail: error.detail,
            }),
        }
    }
}

fn beat_or_none(beat: Option<Tick>) -> String {
    beat.map_or_else(|| "none".into(), |beat| beat.to_string())
}

#[cfg(test)]
mod tests;
