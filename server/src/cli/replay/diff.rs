//! Where two runs part: the first beat, grid, entity and column in which they differ.
//!
//! Digests and inputs of every beat are compared first, as they were recorded; then the first
//! beat that differs is done again on both sides, from equal states, and the rows are compared
//! column by column.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::process::ExitCode;

use anyhow::{Context as _, ensure};
use orrery_base::{GridId, Tick};
use orrery_kernel::grid::RecordOf;
use orrery_kernel::journal::BeatRecord;
use orrery_kernel::replay::ReplayError;
use orrery_storage::journal::JournalRow;
use orrery_storage::log::ReadLogError;

use super::dump::{Entity, entities, plain};
use super::source::Source;
use crate::cli::{print, progress};
use crate::host::recovery::{Recorded, Replay};
use crate::rules::Space;
use crate::rules::inspect::differences;

/// The records of all grids in one of the host's beats.
type Beat = (Tick, BTreeMap<GridId, RecordOf<Space>>);

/// A beat that has something else in one run than in the other.
struct Parting {
    beat: Tick,
    grid: GridId,
    /// The grid's records, if it did a beat at all.
    records: [Option<RecordOf<Space>>; 2],
}

/// Compares two runs. The exit code is 0 if nothing differs in the beats that both have, else 1.
///
/// # Errors
/// If they are runs of two galaxies, have no beat in common, or cannot be read or repeated.
pub(super) fn compare(sources: [&Source; 2], grids: &[GridId]) -> anyhow::Result<ExitCode> {
    let [a, b] = sources;
    ensure!(
        a.galaxy.seed == b.galaxy.seed,
        "these are two galaxies: the seed of {} is {}, that of {} is {}",
        a.name,
        a.galaxy.seed,
        b.name,
        b.galaxy.seed
    );
    let (first, last) = (a.first.max(b.first), a.last.min(b.last));
    ensure!(
        first <= last,
        "no beat is in both: {} has {} to {}, {} has {} to {}",
        a.name,
        a.first,
        a.last,
        b.name,
        b.first,
        b.last
    );
    print(&format!("A: {}\nB: {}\n", a.name, b.name))?;
    let hashes = sources.map(|source| source.galaxy.context.content.hash());
    if hashes[0] != hashes[1] {
        print("the content differs: results of the same inputs may too\n")?;
    }
    let Some(parting) = first_parting(sources, grids, first, last)? else {
        print(&format!("beats {first} to {last} are the same\n"))?;
        return Ok(ExitCode::SUCCESS);
    };
    print(&recorded(&parting))?;
    print(&repeated(sources, &parting)?)?;
    Ok(ExitCode::FAILURE)
}

/// The records of a run beat by beat, those of all shards together.
struct Beats<I: Iterator> {
    rows: std::iter::Peekable<I>,
}

impl<I: Iterator<Item = Result<JournalRow, ReadLogError>>> Beats<I> {
    fn next(&mut self) -> anyhow::Result<Option<Beat>> {
        let mut beat = None;
        let mut grids = BTreeMap::new();
        let mut belongs = |row: &Result<JournalRow, ReadLogError>| {
            let here = row.as_ref().map(|row| row.key.beat);
            here.map_or(true, |here| *beat.get_or_insert(here) == here)
        };
        while let Some(row) = self.rows.next_if(&mut belongs) {
            let row = row.context("read the journal")?;
            let record = BeatRecord::<Space>::decode(&row.record)
                .with_context(|| format!("decode a record of beat {}", row.key.beat))?;
            grids.extend(record.grids.into_iter().map(|record| (record.grid, record)));
        }
        Ok(beat.map(|beat| (beat, grids)))
    }
}

fn first_parting(
    [a, b]: [&Source; 2],
    grids: &[GridId],
    first: Tick,
    last: Tick,
) -> anyhow::Result<Option<Parting>> {
    let (left, right) = (a.rows(first..=last)?, b.rows(first..=last)?);
    let (mut left, mut right) = (
        Beats {
            rows: left.peekable(),
        },
        Beats {
            rows: right.peekable(),
        },
    );
    let bar = progress::bar("compare");
    let mut expected = first;
    let mut parting = None;
    while parting.is_none() && expected <= last {
        let (of_a, of_b) = (left.next()?, right.next()?);
        let (Some((beat, mut of_a)), Some((other, mut of_b))) = (of_a, of_b) else {
            break;
        };
        ensure!(
            beat == expected && other == expected,
            "beat {expected} is missing in {}",
            if beat == expected { &b.name } else { &a.name }
        );
        for &grid in grids {
            let records = [of_a.remove(&grid), of_b.remove(&grid)];
            if records[0] != records[1] {
                parting = Some(Parting {
                    beat,
                    grid,
                    records,
                });
                break;
            }
        }
        bar.update(beat.since(first), last.since(first));
        expected = beat.next();
    }
    bar.finish();
    Ok(parting)
}

/// What the records say about the parting.
fn recorded(parting: &Parting) -> String {
    let Parting {
        beat,
        grid,
        records,
    } = parting;
    let mut text = format!("beat {beat} is the first that differs, grid {grid} the first there\n");
    let [Some(a), Some(b)] = records else {
        let side = if records[0].is_some() { "A" } else { "B" };
        // Writing to a string cannot fail.
        let _ = writeln!(text, "  the grid does a beat in {side} only");
        return text;
    };
    let mut line = |what: &str, a: String, b: String| {
        if a != b {
            // Writing to a string cannot fail.
            let _ = writeln!(text, "  {what:<16} A {a}\n  {:<16} B {b}", "");
        }
    };
    line("digest", hex(a.digest), hex(b.digest));
    line("own beat", a.tick.to_string(), b.tick.to_string());
    line(
        "pace",
        format!("{:?}", a.dilation),
        format!("{:?}", b.dilation),
    );
    line(
        "inputs",
        first_other(&a.inputs, &b.inputs),
        first_other(&b.inputs, &a.inputs),
    );
    line(
        "arrivals",
        first_other(&a.arrivals, &b.arrivals),
        first_other(&b.arrivals, &a.arrivals),
    );
    line(
        "sent",
        first_other(&a.sent, &b.sent),
        first_other(&b.sent, &a.sent),
    );
    text
}

fn hex(digest: u64) -> String {
    format!("{digest:016x}")
}

/// The first of `list` that is not so in `other`.
fn first_other<T: PartialEq + std::fmt::Debug>(list: &[T], other: &[T]) -> String {
    let mut pairs = list.iter().zip(0..);
    let found = pairs.find(|(item, place): &(_, usize)| other.get(*place) != Some(item));
    let rest = format!("of {}", list.len());
    match found {
        Some((item, place)) => format!("number {place} {rest}: {item:?}"),
        None => format!("no other {rest}"),
    }
}

/// Does the beat again on both sides and compares what comes of it.
fn repeated(sources: [&Source; 2], parting: &Parting) -> anyhow::Result<String> {
    let mut text = String::new();
    let mut replays = Vec::new();
    for (source, side) in sources.into_iter().zip(["A", "B"]) {
        let before = parting.beat.minus(1);
        let mut replay = source
            .begin(&[parting.grid], parting.beat, before, 1)
            .with_context(|| format!("begin to replay {side}"))?;
        let bar = progress::bar("replay");
        let from = replay.from();
        if before >= source.first {
            source
                .follow(&mut replay, before, |tick, _| {
                    bar.update(tick.since(from), before.since(from));
                })
                .with_context(|| format!("replay {side}"))?;
        }
        bar.finish();
        replays.push(replay);
    }
    if let Some(found) = first_difference(&replays) {
        text.push_str("before that beat the digests are equal and yet the states are not:\n");
        text.push_str(&found);
        return Ok(text);
    }
    for ((source, side), replay) in sources.into_iter().zip(["A", "B"]).zip(&mut replays) {
        if let Some(found) = beat_again(source, replay, parting.beat)? {
            let _ = writeln!(
                text,
                "  {side}'s record of this beat is not what comes of its inputs here: {found}"
            );
        }
    }
    let found = first_difference(&replays).unwrap_or_else(|| {
        "  done again here, both come out the same: another build made one of them, or its \
         record was changed\n"
            .to_owned()
    });
    text.push_str(&found);
    Ok(text)
}

/// Does one beat more. What the record has otherwise is told.
fn beat_again(
    source: &Source,
    replay: &mut Replay,
    beat: Tick,
) -> anyhow::Result<Option<ReplayError>> {
    for row in source.rows(beat..=beat)? {
        let bytes = row.context("read the journal")?.record;
        let Err(error) = replay.take(&Recorded { beat, bytes }, |_, _, _| Ok(())) else {
            continue;
        };
        match error.downcast_ref::<ReplayError>() {
            // The grid has done the beat: only the comparison has failed.
            Some(found @ (ReplayError::Diverged { .. } | ReplayError::Messages { .. })) => {
                return Ok(Some(*found));
            }
            _ => return Err(error.context(format!("do beat {beat} again"))),
        }
    }
    Ok(None)
}

/// The first entity that differs, column by column, and how many others do.
fn first_difference(replays: &[Replay]) -> Option<String> {
    let states: Vec<BTreeMap<_, Entity>> = replays
        .iter()
        .map(|replay| {
            let found = replay.grids().flat_map(entities);
            found.map(|entity| (entity.id, entity)).collect()
        })
        .collect();
    let [a, b] = &states[..] else {
        return None;
    };
    let mut text = None;
    let mut others = 0;
    let ids: std::collections::BTreeSet<_> = a.keys().chain(b.keys()).collect();
    for id in ids {
        let Some(found) = entity_differs(a.get(id), b.get(id)) else {
            continue;
        };
        if text.is_some() {
            others += 1;
        } else {
            text = Some(format!("  entity {id}\n{found}"));
        }
    }
    let mut text = text?;
    if others > 0 {
        let _ = writeln!(text, "  and {others} other entities");
    }
    Some(text)
}

fn entity_differs(a: Option<&Entity>, b: Option<&Entity>) -> Option<String> {
    let (a, b) = match (a, b) {
        (Some(a), Some(b)) => (a, b),
        (Some(_), None) => return Some("    is in A only\n".into()),
        (None, Some(_)) => return Some("    is in B only\n".into()),
        (None, None) => return None,
    };
    let mut text = String::new();
    let mut line = |column: &str, a: String, b: String| {
        if a != b {
            // Writing to a string cannot fail.
            let _ = writeln!(text, "    {column:<16} A {a}  B {b}");
        }
    };
    line("slot", a.slot.to_string(), b.slot.to_string());
    line("born", a.born.to_string(), b.born.to_string());
    for found in differences(&a.row, &b.row) {
        line(found.column, plain(&found.left), plain(&found.right));
    }
    (!text.is_empty()).then_some(text)
}
