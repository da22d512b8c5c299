//! `orrery galaxy`: generate a galaxy into a store, show the one that is there.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context as _;
use clap::{Args, Subcommand};
use orrery_game::galaxy::{self, Params, Span, map};
use orrery_services::galaxy::{self as stored, Replace};
use orrery_storage::{Store, StoreOptions};

use crate::config::Config;
use crate::host::folder;

/// What to do with the galaxy.
#[derive(Subcommand)]
pub(super) enum GalaxyCommand {
    /// Generate a galaxy and store it. The same seed and counts give the same bytes.
    Generate(GenerateArgs),
    /// Show the stored galaxy as a table, or as a map.
    Show {
        /// The data folder.
        #[arg(long)]
        data: Option<PathBuf>,
        /// Also write a map as SVG here.
        #[arg(long, value_name = "FILE")]
        svg: Option<PathBuf>,
    },
}

/// Counts are `N` or `LOW..HIGH`, both ends included.
#[derive(Args, Clone, Debug)]
pub(super) struct GenerateArgs {
    /// The data folder.
    #[arg(long)]
    pub data: Option<PathBuf>,
    /// How many star systems, 1..=10000.
    #[arg(long, default_value_t = 50)]
    pub systems: u32,
    /// Planets per system.
    #[arg(long, default_value = "2..10", value_parser = span)]
    pub planets: Span,
    /// Asteroid belts per system.
    #[arg(long, default_value = "1..8", value_parser = span)]
    pub belts: Span,
    /// Gates per system.
    #[arg(long, default_value = "2..3", value_parser = span)]
    pub gates: Span,
    /// Everything random follows from it.
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// Replace a galaxy that is there already. Characters may be left at places that are no more.
    #[arg(long)]
    pub replace: bool,
}

/// Reads `3` or `2..10` (or `2..=10`).
fn span(text: &str) -> Result<Span, String> {
    let number = |part: &str| {
        part.trim()
            .parse::<u32>()
            .map_err(|error| format!("{part:?}: {error}"))
    };
    let (min, max) = match text.split_once("..") {
        Some((low, high)) => (number(low)?, number(high.trim_start_matches('='))?),
        None => (number(text)?, number(text)?),
    };
    if min > max {
        return Err(format!("{min}..{max} is empty"));
    }
    Ok(Span { min, max })
}

impl GenerateArgs {
    /// The defaults with a size and a seed, for a store that has no galaxy yet.
    pub(super) fn for_new(systems: u32, seed: u64) -> Self {
        let Params {
            planets,
            belts,
            gates_min,
            gates_max,
            ..
        } = Params::default();
        let gates = Span {
            min: gates_min,
            max: gates_max,
        };
        Self {
            data: None,
            systems,
            planets,
            belts,
            gates,
            seed,
            replace: false,
        }
    }

    /// The generator's parameters.
    pub(super) fn params(&self) -> Params {
        Params {
            seed: self.seed,
            systems: self.systems,
            planets: self.planets,
            belts: self.belts,
            gates_min: self.gates.min,
            gates_max: self.gates.max,
        }
    }
}

pub(super) fn run(config: &Config, command: &GalaxyCommand) -> anyhow::Result<ExitCode> {
    match command {
        GalaxyCommand::Generate(args) => generate(config, args)?,
        GalaxyCommand::Show { data, svg } => {
            let data = data.as_ref().unwrap_or(&config.server.data);
            let options = StoreOptions {
                create: false,
                read_only: true,
                ..StoreOptions::default()
            };
            let store = Store::open(folder::store_path(data), &options)?;
            let stored = stored::load(&store)?
                .context("this store has no galaxy; see `orrery galaxy generate`")?;
            let empires = folder::open_content(data)
                .map(|content| content.empires().to_vec())
                .unwrap_or_default();
            super::print(&map::table_with(&stored.galaxy, &empires))?;
            let (seed, digest) = (stored.params.seed, stored.digest);
            super::print(&format!("seed {seed}, digest {digest:016x}\n"))?;
            if let Some(path) = svg {
                std::fs::write(path, map::svg_with(&stored.galaxy, &empires))
                    .with_context(|| format!("write {}", path.display()))?;
                super::print(&format!("map: {}\n", path.display()))?;
            }
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn generate(config: &Config, args: &GenerateArgs) -> anyhow::Result<()> {
    let data = args.data.as_ref().unwrap_or(&config.server.data);
    folder::prepare(data)?;
    let content = folder::open_content(data)?;
    let options = StoreOptions {
        create: true,
        ..config.durability.store_options()
    };
    let store = Store::open(folder::store_path(data), &options)?;
    let replace = if args.replace {
        Replace::Yes
    } else {
        Replace::No
    };
    let params = args.params();
    let galaxy = galaxy::generate(&params, &content)?;
    let batch =
        stored::store(&store, &params, &galaxy, replace).context("add --replace to replace it")?;
    store.write(&batch)?;
    println!(
        "{} systems, digest {:016x}",
        galaxy.systems.len(),
        galaxy.digest()
    );
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::span;

    #[test]
    fn spans() {
        assert_eq!(span("3").map(|s| (s.min, s.max)), Ok((3, 3)));
        assert_eq!(span("2..10").map(|s| (s.min, s.max)), Ok((2, 10)));
        assert_eq!(span("2..=3").map(|s| (s.min, s.max)), Ok((2, 3)));
        assert!(span("4..2").is_err());
        assert!(span("a..b").is_err());
    }
}
