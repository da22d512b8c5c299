//! Flamegraphs from `perf script`, drawn by the `inferno` library.
//!
//! A library call instead of `cargo install`: the drawing is part of the checkout, pinned by
//! the lock file, and costs a few seconds to build. Samples are taken by `perf/flame.sh`.

use std::fs::File;
use std::io::{BufReader, BufWriter, Write};
use std::path::Path;

use anyhow::{Context, Result, ensure};
use inferno::collapse::Collapse;
use inferno::collapse::perf::{Folder, Options as FoldOptions};
use inferno::flamegraph::{self, Options};

/// Folds the stacks in `script` (the text that `perf script` prints) and draws them to `svg`.
///
/// # Errors
/// When a file cannot be read or written, or when the script holds no sample.
pub fn draw(script: &Path, svg: &Path) -> Result<()> {
    let input = File::open(script).with_context(|| format!("open {}", script.display()))?;
    let mut folded = Vec::new();
    Folder::from(FoldOptions::default())
        .collapse(BufReader::new(input), &mut folded)
        .with_context(|| format!("fold the stacks of {}", script.display()))?;
    ensure!(
        !folded.is_empty(),
        "{} holds no sample: was the process running?",
        script.display()
    );

    let mut options = Options::default();
    options.title = "Orrery".to_owned();
    options.count_name = "samples".to_owned();
    options.hash = true;
    let output = File::create(svg).with_context(|| format!("create {}", svg.display()))?;
    let mut output = BufWriter::new(output);
    flamegraph::from_reader(&mut options, folded.as_slice(), &mut output)
        .with_context(|| format!("draw {}", svg.display()))?;
    output
        .flush()
        .with_context(|| format!("write {}", svg.display()))
}

#[cfg(test)]
mod tests;
