//! A beat that a grid was lost in, once more: from the nearest checkpoint through the journal to
//! the beat before, then the beat itself, and what it panics with.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::process::ExitCode;
use std::sync::{Arc, Mutex};

use anyhow::{Context as _, bail, ensure};
use orrery_kernel::dilation::Dilation;
use orrery_kernel::grid::{Delivery, Grid, Order, RecordOf};
use orrery_kernel::journal::BeatRecord;
use orrery_kernel::probe::NoProbe;

use super::source::Source;
use crate::cli::{print, progress};
use crate::rules::Space;

/// Repeats the beat of an incident file. The exit code is 0 if it passes, 1 if it fails again.
///
/// # Errors
/// If the file is no incident of this galaxy, or the beat before it cannot be reached.
pub(super) fn repeat(source: &Source, file: &Path) -> anyhow::Result<ExitCode> {
    let record = read(file)?;
    let grids = source.grids(Some(record.grid.0))?;
    let before = record.wall.minus(1);
    ensure!(
        (source.first.minus(1)..=source.last).contains(&before),
        "the incident happened in beat {}: {} has the beats {} to {} only",
        record.wall,
        source.name,
        source.first,
        source.last
    );
    let mut replay = source.begin(&grids, record.wall, before, 1)?;
    let from = replay.from();
    let bar = progress::bar("replay");
    source.follow(&mut replay, before, |tick, _| {
        bar.update(tick.since(from), before.since(from));
    })?;
    bar.finish();
    print(&format!(
        "grid {} in its beat {}, the host's {}: checkpoint of beat {from}, {} beats repeated\n",
        record.grid, record.tick, record.wall, replay.beats
    ))?;
    print(&took_in(&record))?;
    let grid = replay.grid_mut(record.grid);
    let grid = grid.context("the grid was asked for")?;
    if grid.is_asleep() && record.tick > grid.tick() {
        grid.skip(record.tick.minus(1));
    }
    ensure!(
        grid.tick().next() == record.tick,
        "the journal leads to the grid's beat {}, the incident is of its beat {}",
        grid.tick(),
        record.tick
    );
    match attempt(grid, record) {
        None => {
            print("the beat passes\n")?;
            Ok(ExitCode::SUCCESS)
        }
        Some(panic) => {
            print(&format!("the beat fails again:\n{panic}\n"))?;
            Ok(ExitCode::FAILURE)
        }
    }
}

/// The one grid's record in an incident file.
fn read(file: &Path) -> anyhow::Result<RecordOf<Space>> {
    let bytes = std::fs::read(file).with_context(|| format!("read {}", file.display()))?;
    let record = BeatRecord::<Space>::decode(&bytes);
    let record = record.with_context(|| format!("{} is no incident", file.display()))?;
    let mut grids = record.grids;
    match (grids.pop(), grids.is_empty()) {
        (Some(grid), true) => Ok(grid),
        _ => bail!("{} is of more or less than one grid", file.display()),
    }
}

fn took_in(record: &RecordOf<Space>) -> String {
    let arrivals = record.arrivals.iter().map(|it| format!("  {it:?}\n"));
    let inputs = record.inputs.iter().map(|it| format!("  {it:?}\n"));
    let list: String = arrivals.chain(inputs).collect();
    format!(
        "it took in {} messages and {} inputs\n{list}",
        record.arrivals.len(),
        record.inputs.len()
    )
}

/// Does the beat; what it panics with, if it does.
fn attempt(grid: &mut Grid<Space>, record: RecordOf<Space>) -> Option<String> {
    let said = Arc::new(Mutex::new(String::new()));
    let hook_said = Arc::clone(&said);
    let former = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        let trace = std::backtrace::Backtrace::force_capture();
        if let Ok(mut said) = hook_said.lock() {
            *said = format!("{panic}\n{trace}");
        }
    }));
    let order = Order {
        tick: record.tick,
        wall: record.wall,
        dilation: Dilation::NONE,
        delivery: Delivery {
            inputs: record.inputs,
            arrivals: record.arrivals,
        },
    };
    let outcome = catch_unwind(AssertUnwindSafe(|| {
        grid.begin(order);
        grid.advance(&mut NoProbe, false);
        grid.finish();
    }));
    std::panic::set_hook(former);
    outcome.err()?;
    let said = said.lock().map(|said| said.clone());
    Some(said.unwrap_or_default())
}
