//! The heat map of a run: beats from left to right, the phases of every shard from top to bottom,
//! the darker the longer. A stripe across all rows is the machine, one in a single row is ours.

use std::fmt::Write as _;

use anyhow::{Context as _, ensure};

use crate::record::Setting;
use crate::run::Run;

const WIDTH: f64 = 1_000.0;
const LEFT: f64 = 110.0;
const RIGHT: f64 = 980.0;
const TOP: f64 = 86.0;
const ROW: f64 = 15.0;
const GAP: f64 = 34.0;
/// Columns: with more beats than that, a column shows the longest of several.
const COLUMNS: usize = 580;
/// A beat of the host, µs: what the darkest colour stands for.
const BEAT_US: f64 = 33_333.0;

const PAPER: &str = "#fbfbf9";
const INK: &str = "#1d2530";
const FAINT: &str = "#6a7482";

/// What a shard did, by row: the whole beat, its lateness, the phases.
struct Shard {
    number: String,
    /// By row, by beat, µs.
    rows: Vec<Vec<f64>>,
}

/// What the server's `/trace.csv` says.
pub(crate) struct Trace {
    names: Vec<String>,
    first: u64,
    shards: Vec<Shard>,
}

impl Trace {
    /// The first beat of a run's measured window.
    pub(crate) fn first_beat(run: &Run) -> u64 {
        run.begin.metrics.sum("orrery_tick", &["shard=\"0\""]) as u64
    }

    /// Reads the table; only beats that are numbered `from` and later.
    pub(crate) fn parse(csv: &str, from: u64) -> anyhow::Result<Self> {
        let mut lines = csv.lines();
        let head = lines.next().context("the trace is empty")?;
        let names: Vec<String> = head.split(',').skip(2).map(str::to_owned).collect();
        let mut shards: Vec<Shard> = Vec::new();
        let mut first = u64::MAX;
        for line in lines {
            let mut cells = line.split(',');
            let number = cells.next().context("a line has a shard")?;
            let beat: u64 = cells.next().context("a line has a beat")?.parse()?;
            if beat < from {
                continue;
            }
            first = first.min(beat);
            if shards.last().is_none_or(|shard| shard.number != number) {
                shards.push(Shard {
                    number: number.to_owned(),
                    rows: vec![Vec::new(); names.len()],
                });
            }
            let shard = shards.last_mut().context("it was pushed")?;
            for (row, cell) in shard.rows.iter_mut().zip(cells) {
                row.push(cell.parse().context("read a cell of the trace")?);
            }
        }
        ensure!(!shards.is_empty(), "the trace has no beat");
        Ok(Self {
            names,
            first,
            shards,
        })
    }

    /// Draws it.
    pub(crate) fn svg(&self, setting: &Setting) -> String {
        let beats = self.shards[0].rows[0].len();
        let group = self.names.len() as f64 * ROW + GAP;
        let height = TOP + group * self.shards.len() as f64 + 40.0;
        let mut out = String::new();
        // Writing to a string does not fail, here and below.
        let _ = writeln!(
            out,
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" width=\"{WIDTH}\" height=\"{height}\" \
             font-family=\"Inter, 'Helvetica Neue', Arial, 'DejaVu Sans', sans-serif\" font-size=\"11\" fill=\"{INK}\">\n\
             <rect width=\"100%\" height=\"100%\" fill=\"{PAPER}\"/>\n\
             <text x=\"{LEFT}\" y=\"36\" font-size=\"20\" font-weight=\"600\">{beats} beats with {} players, phase by phase</text>\n\
             <text x=\"{LEFT}\" y=\"56\" fill=\"{FAINT}\">{}</text>",
            setting.bots,
            setting.line()
        );
        legend(&mut out);
        for (place, shard) in self.shards.iter().enumerate() {
            self.shard(&mut out, shard, TOP + group * place as f64);
        }
        let _ = writeln!(
            out,
            "<text x=\"{LEFT}\" y=\"{:.0}\" fill=\"{FAINT}\">beats {} to {} · {}</text>\n</svg>",
            height - 16.0,
            self.first,
            self.first + beats as u64,
            setting.command
        );
        out
    }

    fn shard(&self, out: &mut String, shard: &Shard, top: f64) {
        let _ = writeln!(
            out,
            "<text x=\"{LEFT}\" y=\"{:.0}\" font-weight=\"600\">shard {}</text>",
            top + 14.0,
            shard.number
        );
        for (place, (name, row)) in self.names.iter().zip(&shard.rows).enumerate() {
            let y = top + 20.0 + place as f64 * ROW;
            let _ = writeln!(
                out,
                "<text x=\"{:.0}\" y=\"{:.1}\" text-anchor=\"end\">{name}</text>",
                LEFT - 6.0,
                y + ROW - 4.0
            );
            cells(out, row, y);
        }
    }
}

/// A row of cells; neighbours of one shade are one rectangle.
fn cells(out: &mut String, row: &[f64], y: f64) {
    let each = row.len().div_ceil(COLUMNS).max(1);
    let shades: Vec<u32> = row
        .chunks(each)
        .map(|beats| shade(beats.iter().copied().fold(0.0, f64::max)))
        .collect();
    let width = (RIGHT - LEFT) / shades.len().max(1) as f64;
    let mut at = 0;
    for run in shades.chunk_by(|one, other| one == other) {
        if run[0] > 0 {
            let _ = writeln!(
                out,
                "<rect x=\"{:.1}\" y=\"{y:.1}\" width=\"{:.1}\" height=\"{:.1}\" fill=\"{}\"/>",
                LEFT + at as f64 * width,
                run.len() as f64 * width,
                ROW - 1.0,
                colour(run[0])
            );
        }
        at += run.len();
    }
}

/// Shades, on a scale of powers: 0 below 20 µs, 12 at a whole beat.
const SHADES: u32 = 12;

fn shade(us: f64) -> u32 {
    const LEAST_US: f64 = 20.0;
    if us < LEAST_US {
        return 0;
    }
    let part = (us / LEAST_US).ln() / (BEAT_US / LEAST_US).ln();
    1 + (part * f64::from(SHADES - 1)).min(f64::from(SHADES - 1)) as u32
}

/// From pale blue over violet to dark red: the lightness falls all the way.
fn colour(shade: u32) -> String {
    let part = f64::from(shade) / f64::from(SHADES);
    let mix = |stops: [f64; 4]| {
        let at = part * 3.0;
        let stop = (at.floor() as usize).min(2);
        stops[stop] + (stops[stop + 1] - stops[stop]) * (at - stop as f64)
    };
    let [red, green, blue] = [
        mix([226.0, 120.0, 150.0, 90.0]),
        mix([236.0, 150.0, 40.0, 0.0]),
        mix([247.0, 215.0, 110.0, 10.0]),
    ];
    format!("#{:02x}{:02x}{:02x}", red as u8, green as u8, blue as u8)
}

fn legend(out: &mut String) {
    for shade in 1..=SHADES {
        let x = LEFT + 500.0 + f64::from(shade) * 20.0;
        let _ = writeln!(
            out,
            "<rect x=\"{x:.0}\" y=\"66\" width=\"20\" height=\"10\" fill=\"{}\"/>",
            colour(shade)
        );
    }
    let _ = writeln!(
        out,
        "<text x=\"{:.0}\" y=\"75\" text-anchor=\"end\" fill=\"{FAINT}\">20 µs</text>\n\
         <text x=\"{:.0}\" y=\"75\" fill=\"{FAINT}\">a whole beat</text>",
        LEFT + 514.0,
        LEFT + 526.0 + f64::from(SHADES) * 20.0
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shades_grow_with_the_time_and_end_at_a_beat() {
        assert_eq!(shade(19.0), 0);
        assert_eq!(shade(20.0), 1);
        assert_eq!(shade(BEAT_US), SHADES);
        assert_eq!(shade(10.0 * BEAT_US), SHADES);
        let shades: Vec<_> = (0..40)
            .map(|step| shade(10.0 * 1.3_f64.powi(step)))
            .collect();
        assert!(shades.is_sorted());
    }

    #[test]
    fn a_trace_is_read_by_shard() {
        let csv = "shard,beat,beat_us,wait\n0,5,100,1\n0,6,200,2\n1,5,300,3\n1,6,400,4\n";
        let trace = Trace::parse(csv, 6).unwrap();
        assert_eq!(trace.names, ["beat_us", "wait"]);
        assert_eq!((trace.first, trace.shards.len()), (6, 2));
        assert_eq!(trace.shards[1].rows, [[400.0], [4.0]]);
        assert!(Trace::parse(csv, 7).is_err());
    }
}
