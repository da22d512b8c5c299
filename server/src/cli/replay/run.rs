//! The plain replay: from checkpoints through the journal, every digest compared, timed.

use std::process::ExitCode;
use std::time::Instant;

use anyhow::ensure;
use orrery_base::{BEATS_PER_SECOND, GridId, Tick};

use super::source::Source;
use crate::cli::{print, progress};

/// What to replay, and how.
pub(super) struct Run<'a> {
    /// These grids.
    pub(super) grids: Vec<GridId>,
    /// From this beat on, if not from the first.
    pub(super) from: Option<u64>,
    /// To this beat, if not to the last.
    pub(super) until: Option<u64>,
    /// Once for each of these numbers of parts.
    pub(super) parts: &'a [u16],
    /// Print JSON.
    pub(super) json: bool,
}

/// What came of one replay.
struct Outcome {
    parts: u16,
    /// First and last beat that were repeated.
    beats: Option<(Tick, Tick)>,
    grid_beats: u64,
    seconds: f64,
    digest: u64,
}

impl Run<'_> {
    /// Replays once for each number of parts and compares what is left.
    ///
    /// # Errors
    /// If something comes out differently than it was recorded, or the source cannot be read.
    pub(super) fn verify(&self, source: &Source) -> anyhow::Result<ExitCode> {
        let end = |option, beat: Option<u64>, default| {
            beat.map_or(Ok(default), |beat| source.beat(option, beat))
        };
        let from = end("--from", self.from, source.first)?;
        let until = end("--until", self.until, source.last)?;
        ensure!(
            from <= until,
            "--from {from} comes after --until {until}: nothing is left"
        );
        let mut digest = None;
        for &parts in self.parts {
            let outcome = self.once(source, from, until, parts)?;
            print(&self.told(&outcome))?;
            if *digest.get_or_insert(outcome.digest) != outcome.digest {
                print("the final digests differ\n")?;
                return Ok(ExitCode::FAILURE);
            }
        }
        Ok(ExitCode::SUCCESS)
    }

    fn once(
        &self,
        source: &Source,
        from: Tick,
        until: Tick,
        parts: u16,
    ) -> anyhow::Result<Outcome> {
        let mut replay = source.begin(&self.grids, from, until, parts)?;
        let bar = progress::bar("replay");
        // The way from the checkpoints to the first beat that is wanted does not count.
        let (mut started, mut before) = (Instant::now(), 0);
        let (mut beats, mut grid_beats) = (None, 0);
        let origin = replay.from();
        let seen = |beat: Tick, done: u64| {
            if beat < from {
                (started, before) = (Instant::now(), done);
            } else {
                let (first, _) = beats.unwrap_or((beat, beat));
                beats = Some((first, beat));
                grid_beats = done - before;
            }
            bar.update(beat.since(origin), until.since(origin));
        };
        source.follow(&mut replay, until, seen)?;
        let seconds = started.elapsed().as_secs_f64();
        bar.finish();
        Ok(Outcome {
            parts,
            beats,
            grid_beats,
            seconds,
            digest: replay.digest(),
        })
    }

    fn told(&self, outcome: &Outcome) -> String {
        let (first, last) = outcome.beats.unwrap_or_default();
        let beats = outcome.beats.map_or(0, |_| last.since(first) + 1);
        let lived_s = beats as f64 / f64::from(BEATS_PER_SECOND);
        let speed_x = lived_s / outcome.seconds.max(1e-9);
        let Outcome {
            parts,
            grid_beats,
            seconds,
            digest,
            ..
        } = outcome;
        if self.json {
            let line = serde_json::json!({
                "parts": parts,
                "grids": self.grids.len(),
                "first": first.0,
                "last": last.0,
                "beats": beats,
                "grid_beats": grid_beats,
                "seconds": seconds,
                "speed_x": speed_x,
                "digest": format!("{digest:016x}"),
            });
            return format!("{line}\n");
        }
        format!(
            "{parts} part(s) a grid: beats {first}..={last}, {beats} beats, {grid_beats} of grids, \
             in {seconds:.2} s ({speed_x:.0}x real time), every digest equal, \
             final digest {digest:016x}\n"
        )
    }
}
