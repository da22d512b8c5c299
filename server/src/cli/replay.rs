//! `orrery replay`: run a store's journal again and compare every digest.

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Instant;

use anyhow::Context as _;
use clap::Args;
use orrery_base::{BEATS_PER_SECOND, Tick};
use orrery_storage::{Store, StoreOptions, journal};

use crate::config::Config;
use crate::host::recovery::{Deal, Galaxy, Recorded, Replay, Start};
use crate::host::{folder, load_galaxy};
use crate::rules::context::SpaceContext;

/// What to replay.
#[derive(Args)]
pub(super) struct ReplayArgs {
    /// The data folder of a stopped server.
    #[arg(long)]
    data: Option<PathBuf>,
    /// Compare the digest of every grid in every beat. Always done; the flag says so in scripts.
    #[arg(long)]
    verify: bool,
    /// Run as each of these numbers of shards would share a grid, and compare the results.
    #[arg(long, value_delimiter = ',', default_value = "1", value_parser = clap::value_parser!(u16).range(1..=64))]
    shards: Vec<u16>,
    /// Stop after this beat instead of the last durable one.
    #[arg(long, value_name = "BEAT")]
    until: Option<u64>,
}

pub(super) fn run(config: &Config, args: &ReplayArgs) -> anyhow::Result<ExitCode> {
    let data = args.data.as_ref().unwrap_or(&config.server.data);
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
    let deal = Deal::new(&context, 1);
    let galaxy = Galaxy { context, seed };
    let last = store
        .at_open()
        .last_beat
        .context("this store has no beat yet")?;
    let until = args.until.map_or(last, |beat| Tick(beat).min(last));
    let (first, _) = journal::span(store.log(), last)?.context("the journal is empty")?;
    let mut digest = None;
    for &shards in &args.shards {
        let start = Start::Before(first.beat);
        let mut replay = Replay::begin(&store, &galaxy, deal.grids(), start, until, shards)?;
        let from = replay.from();
        let started = Instant::now();
        let bar = crate::cli::progress::bar("replay");
        for row in journal::range(store.log(), from.next()..=until)? {
            let row = row.context("read the journal")?;
            let (beat, bytes) = (row.key.beat, row.record);
            replay.take(&Recorded { beat, bytes }, |_, _, _| Ok(()))?;
            bar.update(beat.0, until.0);
        }
        bar.finish();
        let beats = until.since(from);
        let seconds = started.elapsed().as_secs_f64();
        let found = replay.digest();
        println!(
            "{shards} shards: beats {}..={until}, {beats} beats in {seconds:.2} s ({:.0}x real time), \
             every digest equal, final digest {found:016x}",
            from.next(),
            beats as f64 / f64::from(BEATS_PER_SECOND) / seconds.max(1e-9),
        );
        if *digest.get_or_insert(found) != found {
            println!("the final digests differ");
            return Ok(ExitCode::FAILURE);
        }
    }
    Ok(ExitCode::SUCCESS)
}
