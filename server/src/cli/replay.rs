//! `orrery replay`: run what was lived again and compare every digest, look at any beat of it,
//! find where two runs part, repeat a beat that failed, see where the time goes.

mod diff;
mod dump;
mod flame;
mod incident;
mod run;
mod source;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;

use crate::config::Config;
use source::Source;

/// What to replay.
#[derive(Args)]
pub(super) struct ReplayArgs {
    /// One segment of a beat log (`….seg` or `….seg.zst`), or a data folder. Without it the whole
    /// journal of `--data`.
    #[arg(value_name = "SEGMENT")]
    segment: Option<PathBuf>,
    /// The data folder; of a segment, the one that it lies in unless another is named.
    #[arg(long)]
    data: Option<PathBuf>,
    /// Replay this grid alone, without its neighbours.
    #[arg(long)]
    grid: Option<u32>,
    /// Begin with this beat, or as little before it as checkpoints allow.
    #[arg(long, value_name = "BEAT")]
    from: Option<u64>,
    /// Stop after this beat instead of the last durable one.
    #[arg(long, value_name = "BEAT")]
    until: Option<u64>,
    /// Compare the digest of every grid in every beat. Always done; the flag says so in scripts.
    #[arg(long)]
    verify: bool,
    /// Divide each grid into these numbers of parts, as so many shards would share it, and compare
    /// the results.
    #[arg(long, value_delimiter = ',', default_value = "1", value_parser = clap::value_parser!(u16).range(1..=64))]
    shards: Vec<u16>,
    /// Repeat the beat that a grid was lost in: a file of the folder `incidents`. The exit code is
    /// 0 if the beat passes, 1 if it fails again.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["dump", "diff", "grid", "from", "until", "shards"])]
    incident: Option<PathBuf>,
    /// Show every entity as it was after this beat of the host.
    #[arg(long, value_name = "BEAT", conflicts_with_all = ["diff", "from", "until"])]
    dump: Option<u64>,
    /// Show this entity alone.
    #[arg(long, value_name = "ID", requires = "dump")]
    entity: Option<u64>,
    /// Print JSON, one object a line.
    #[arg(long, conflicts_with_all = ["incident", "diff"])]
    json: bool,
    /// Find the first beat, grid, entity and column in which this data folder or segment differs.
    #[arg(long, value_name = "OTHER", conflicts_with_all = ["from", "until", "shards"])]
    diff: Option<PathBuf>,
    /// Sample where the processor's time goes, and draw it here as SVG.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["dump", "diff", "incident"])]
    flame: Option<PathBuf>,
}

pub(super) fn run(config: &Config, args: &ReplayArgs) -> anyhow::Result<ExitCode> {
    let segment = args.segment.as_deref();
    let data = args.data.as_deref();
    let source = match (segment, data) {
        (None, data) => Source::of_folder(data.unwrap_or(&config.server.data))?,
        (Some(path), data) => Source::open(path, data)?,
    };
    let grids = source.grids(args.grid)?;
    if let Some(file) = &args.incident {
        incident::repeat(&source, file)
    } else if let Some(beat) = args.dump {
        dump::dump(&source, &grids, beat, args.entity, args.json)
    } else if let Some(other) = &args.diff {
        let other = Source::open(other, None)?;
        diff::compare([&source, &other], &grids)
    } else {
        let replay = run::Run {
            grids,
            from: args.from,
            until: args.until,
            parts: &args.shards,
            json: args.json,
        };
        match &args.flame {
            Some(file) => flame::sample(file, || replay.verify(&source)),
            None => replay.verify(&source),
        }
    }
}
