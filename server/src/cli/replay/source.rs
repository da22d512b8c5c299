//! Where a replay takes checkpoints and records from: a data folder, or one segment of a beat log
//! with the data folder that its checkpoints are in.

use std::ops::RangeInclusive;
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context as _, bail, ensure};
use orrery_base::{GridId, Tick};
use orrery_storage::journal::JournalRow;
use orrery_storage::log::ReadLogError;
use orrery_storage::{Store, StoreOptions, journal};

use crate::host::recovery::{Galaxy, Recorded, Replay, Start};
use crate::host::{folder, load_galaxy};
use crate::rules::context::SpaceContext;

/// Checkpoints and records of one run.
pub(super) struct Source {
    /// What it was opened as.
    pub(super) name: String,
    /// Content, map and seed.
    pub(super) galaxy: Galaxy,
    /// The first beat that there are records of.
    pub(super) first: Tick,
    /// The last.
    pub(super) last: Tick,
    store: Store,
    /// The records of the segment, if it is one.
    segment: Option<Vec<JournalRow>>,
}

impl Source {
    /// A data folder, or a segment that lies in one, or in `data`.
    ///
    /// # Errors
    /// If it is not there, is neither, or holds nothing to replay.
    pub(super) fn open(path: &Path, data: Option<&Path>) -> anyhow::Result<Self> {
        ensure!(
            path.exists(),
            "there is no segment or data folder {}",
            path.display()
        );
        if path.is_dir() {
            ensure!(
                data.is_none(),
                "{} is a data folder: --data names another",
                path.display()
            );
            return Self::of_folder(path);
        }
        let data = match data {
            Some(data) => data.to_owned(),
            None => folder_of(path)?,
        };
        let rows = journal::from_segment(path)
            .with_context(|| format!("read segment {}", path.display()))?;
        let (Some(first), Some(last)) = (rows.first(), rows.last()) else {
            bail!("segment {} has no record of a beat", path.display());
        };
        let (first, last) = (first.key.beat, last.key.beat);
        let (store, galaxy) = open_store(&data)?;
        Ok(Self {
            name: path.display().to_string(),
            galaxy,
            first,
            last,
            store,
            segment: Some(rows),
        })
    }

    /// The whole journal of a data folder.
    ///
    /// # Errors
    /// If there is no store with a galaxy, or it has no beat.
    pub(super) fn of_folder(data: &Path) -> anyhow::Result<Self> {
        let (store, galaxy) = open_store(data)?;
        let last = store.at_open().last_beat;
        let last = last.context("this store has no beat yet")?;
        let span = journal::span(store.log(), last).context("read the journal")?;
        let (first, _) = span.context("the journal is empty")?;
        Ok(Self {
            name: data.display().to_string(),
            galaxy,
            first: first.beat,
            last,
            store,
            segment: None,
        })
    }

    /// All grids, or the one that is asked for.
    ///
    /// # Errors
    /// If the galaxy does not have it.
    pub(super) fn grids(&self, wanted: Option<u32>) -> anyhow::Result<Vec<GridId>> {
        let context = &self.galaxy.context;
        let Some(wanted) = wanted.map(GridId) else {
            return Ok(context.grids().collect());
        };
        if context.has_grid(wanted) {
            return Ok(vec![wanted]);
        }
        let (first, last) = (context.grids().next(), context.grids().last());
        match first.zip(last) {
            Some((first, last)) => bail!(
                "the galaxy has no grid {wanted}: it has {} from {first} to {last}; \
                 `orrery galaxy show` lists their names",
                context.grids().count()
            ),
            None => bail!("the galaxy has no grid at all"),
        }
    }

    /// A beat that must be one of the journal's.
    ///
    /// # Errors
    /// If it is not; the error names those that are.
    pub(super) fn beat(&self, option: &str, beat: u64) -> anyhow::Result<Tick> {
        let (first, last) = (self.first, self.last);
        ensure!(
            (first..=last).contains(&Tick(beat)),
            "{option} {beat} is out of range: {} has the beats {first} to {last}",
            self.name
        );
        Ok(Tick(beat))
    }

    /// Grids as of their newest checkpoints before beat `before`, on the way to `until`.
    ///
    /// # Errors
    /// As [`Replay::begin`].
    pub(super) fn begin(
        &self,
        grids: &[GridId],
        before: Tick,
        until: Tick,
        parts: u16,
    ) -> anyhow::Result<Replay> {
        let journal = self.reach()?;
        let start = Start::Within { before, journal };
        Replay::begin(&self.store, &self.galaxy, grids, start, until, parts)
    }

    /// Takes a replay to beat `until`; `seen` is told of every beat
    /// that was done, and how many of grids that makes.
    ///
    /// # Errors
    /// As [`Replay::take`].
    pub(super) fn follow(
        &self,
        replay: &mut Replay,
        until: Tick,
        mut seen: impl FnMut(Tick, u64),
    ) -> anyhow::Result<()> {
        let from = replay.from();
        if from >= until {
            return Ok(());
        }
        for row in self.rows(from.next()..=until)? {
            let row = row.context("read the journal")?;
            let (beat, bytes) = (row.key.beat, row.record);
            replay.take(&Recorded { beat, bytes }, |_, _, _| Ok(()))?;
            seen(beat, replay.beats);
        }
        ensure!(
            replay.tick() == until,
            "the journal ends with beat {} instead of {until}",
            replay.tick()
        );
        Ok(())
    }

    /// The records of some beats. Those before a segment come from the data folder, as far as it
    /// has them still.
    ///
    /// # Errors
    /// If the log cannot be read.
    pub(super) fn rows(
        &self,
        beats: RangeInclusive<Tick>,
    ) -> anyhow::Result<Box<dyn Iterator<Item = Result<JournalRow, ReadLogError>> + '_>> {
        let log = |beats| journal::range(self.store.log(), beats).context("open the journal");
        let Some(segment) = &self.segment else {
            return Ok(Box::new(log(beats)?));
        };
        let wanted = beats.clone();
        let segment = segment
            .iter()
            .filter(move |row| wanted.contains(&row.key.beat));
        let segment = segment.cloned().map(Ok);
        let (first, last) = (*beats.start(), (*beats.end()).min(self.first.minus(1)));
        if first > last {
            return Ok(Box::new(segment));
        }
        Ok(Box::new(log(first..=last)?.chain(segment)))
    }

    /// The first beat from which on there are records without a gap.
    fn reach(&self) -> anyhow::Result<Tick> {
        if self.segment.is_none() {
            return Ok(self.first);
        }
        let span = journal::span(self.store.log(), self.first.minus(1));
        match span.context("read the journal")? {
            Some((first, last)) if last.beat.next() >= self.first => Ok(first.beat),
            _ => Ok(self.first),
        }
    }
}

fn open_store(data: &Path) -> anyhow::Result<(Store, Galaxy)> {
    let options = StoreOptions {
        create: false,
        read_only: true,
        ..StoreOptions::default()
    };
    let store = Store::open(folder::store_path(data), &options)?;
    let content = folder::open_content(data)?;
    let stored = load_galaxy(&store)?;
    let seed = stored.params.seed;
    let context = Arc::new(SpaceContext::new(content, stored.galaxy));
    context.check()?;
    Ok((store, Galaxy { context, seed }))
}

/// The data folder that a segment lies in.
fn folder_of(segment: &Path) -> anyhow::Result<std::path::PathBuf> {
    let path = std::path::absolute(segment).context("find the segment's folder")?;
    let data = path.ancestors().find(|it| folder::pack_path(it).exists());
    let data = data.with_context(|| {
        format!(
            "{} lies in no data folder: name one that has its checkpoints with --data",
            segment.display()
        )
    })?;
    Ok(data.to_owned())
}
