//! Where the processor's time of a piece of work goes: stacks are sampled by its own clock and
//! drawn as a flamegraph, calls above their callers, as wide as their share of the samples.
//!
//! It sees this process alone and needs no rights and no tool; `perf/flame.sh` looks into a running
//! server from outside.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context as _, ensure};
use pprof::{ProfilerGuardBuilder, Report};

use crate::cli::print;

/// Samples a second: odd, so as not to march in step with the beats.
const RATE_HZ: i32 = 397;
/// Libraries in which a signal must not look for the stack.
const BLOCKED: [&str; 4] = ["libc", "libgcc", "pthread", "vdso"];
const WIDTH: f64 = 1_200.0;
const ROW: f64 = 16.0;
/// Pixels; what is narrower is left out.
const NARROWEST: f64 = 0.4;
/// A letter's width, pixels.
const LETTER: f64 = 6.6;

/// Does some work and draws where its time went to `file`.
///
/// # Errors
/// The work's own; if the process cannot be sampled, took no sample, or the file cannot be
/// written.
pub(super) fn sample(
    file: &Path,
    work: impl FnOnce() -> anyhow::Result<ExitCode>,
) -> anyhow::Result<ExitCode> {
    let builder = ProfilerGuardBuilder::default().frequency(RATE_HZ);
    let guard = builder.blocklist(&BLOCKED).build();
    let guard = guard.context("sample this process")?;
    let code = work()?;
    let report = guard.report().build().context("gather the samples")?;
    drop(guard);
    let root = Call::of(&report);
    ensure!(
        root.samples > 0,
        "no sample was taken: the replay was too short"
    );
    std::fs::write(file, draw(&root)).with_context(|| format!("write {}", file.display()))?;
    print(&format!(
        "{} samples, drawn to {}\n",
        root.samples,
        file.display()
    ))?;
    Ok(code)
}

/// A function as called from one stack, with what it called.
#[derive(Default)]
struct Call {
    samples: u64,
    calls: BTreeMap<String, Self>,
}

impl Call {
    /// All stacks of a report, below the threads' names.
    #[allow(
        clippy::iter_over_hash_type,
        reason = "sums in a sorted map do not depend on the order"
    )]
    fn of(report: &Report) -> Self {
        let mut root = Self::default();
        for (stack, &count) in &report.data {
            let thread = std::iter::once(stack.thread_name.clone());
            // Innermost first, and in a frame what is inlined first.
            let frames = stack.frames.iter().rev();
            let names = frames.flat_map(|frame| frame.iter().rev().map(|symbol| symbol.name()));
            root.add(thread.chain(names), u64::try_from(count).unwrap_or(0));
        }
        root
    }

    fn add(&mut self, stack: impl Iterator<Item = String>, samples: u64) {
        self.samples += samples;
        let mut at = self;
        for name in stack {
            at = at.calls.entry(name).or_default();
            at.samples += samples;
        }
    }

    fn depth(&self) -> usize {
        let depths = self.calls.values().map(Self::depth);
        1 + depths.max().unwrap_or(0)
    }
}

fn draw(root: &Call) -> String {
    let height = (root.depth() as f64 + 1.0) * ROW;
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" \
         width=\"{WIDTH}\" height=\"{height}\" font-family=\"monospace\" font-size=\"11\">\n\
         <rect width=\"100%\" height=\"100%\" fill=\"#fdf6e3\"/>\n"
    );
    let scale = WIDTH / root.samples.max(1) as f64;
    let all = format!("all, {} samples", root.samples);
    draw_call(
        &mut svg,
        (&all, root),
        (0.0, height - ROW),
        (scale, root.samples),
    );
    svg.push_str("</svg>\n");
    svg
}

fn draw_call(
    svg: &mut String,
    (name, call): (&str, &Call),
    (x, y): (f64, f64),
    (scale, all): (f64, u64),
) {
    let width = call.samples as f64 * scale;
    if width < NARROWEST {
        return;
    }
    let share = call.samples as f64 * 100.0 / all.max(1) as f64;
    let letters = (width / LETTER) as usize;
    let letters = if letters > 3 { letters } else { 0 };
    let shown = escaped(&name.chars().take(letters).collect::<String>());
    let (colour, name) = (colour(name), escaped(name));
    // Writing to a string cannot fail.
    let _ = writeln!(
        svg,
        "<g><title>{name}: {share:.2} %, {} samples</title>\
         <rect x=\"{x:.1}\" y=\"{y:.1}\" width=\"{width:.1}\" height=\"15\" fill=\"{colour}\"/>\
         <text x=\"{:.1}\" y=\"{:.1}\">{shown}</text></g>",
        call.samples,
        x + 2.0,
        y + 11.5,
    );
    let mut from = x;
    for (name, inner) in &call.calls {
        draw_call(svg, (name, inner), (from, y - ROW), (scale, all));
        from += inner.samples as f64 * scale;
    }
}

fn escaped(name: &str) -> String {
    let name = name.replace('&', "&amp;").replace('<', "&lt;");
    name.replace('>', "&gt;")
}

/// The same for the same name.
fn colour(name: &str) -> String {
    let sum = name
        .bytes()
        .fold(17_u32, |sum, byte| sum.wrapping_mul(31) + u32::from(byte));
    let (green, blue) = (90 + sum % 130, sum / 130 % 70);
    format!("#e8{green:02x}{blue:02x}")
}

#[cfg(test)]
mod tests;
